"""Динамика: entry to exit of one edition, beside what a retest alone would bring."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.filters import about_worst, filters, measured_domain
from dashboards.store import Published, State
from nmc_utils import figures, findings, wording
from nmc_utils.measures.dictionary import STATUSES

_TITLE = "Динамика"
_ABOUT = (
    "От входной диагностики к выходной у тех, кто прошёл обе. Часть изменения дало бы и простое "
    "повторное тестирование: она показана отдельно. О причинах изменения эти числа не говорят."
)
_FOLLOWED = ("procedure", "domain")
_NOTHING = "сравнимых результатов входной и выходной диагностики у этой процедуры нет"


def view(state: State) -> pn.Column:
    """Change by competence, who moved across each cut, reliable change, who did not come."""
    now = state.current
    heading = parts.heading(_TITLE, _ABOUT)
    if now.table("progress") is None or not now.procedure:
        reason = parts.not_in_run(now.edition.key) if now.procedure else "в издании нет диагностики"
        return parts.column(
            heading, parts.missing("Изменение не посчитано", reason), _between_years(state)
        )
    cards = parts.column()

    def draw() -> None:
        cards[:] = _cards(now, state)

    state.follow(draw, *_FOLLOWED)
    return parts.column(heading, filters(state, *_FOLLOWED), cards)


def _cards(now: Published, state: State) -> list[pn.viewable.Viewable]:
    progress = now.of_procedure("progress", state.procedure)
    if not progress["status"].eq("ok").any():
        reason = now.gap(state.procedure) or _why_none(progress)
        return [
            parts.missing("Изменение от входа к выходу", reason, subtitle=now.incomplete),
            _between_years(state),
        ]
    changes, moved = _changes(now, progress), _moved(now, state)
    people, years = _people(now, state, progress), _between_years(state)
    has_competences = progress["domain"].nunique() > 1  # else the first chart has one row
    rows = (
        [(changes, parts.stack(moved, years)), (people,)]
        if has_competences
        else [(changes, moved), (people, years)]
    )
    tiles = parts.tiles(_tiles(now, measured_domain(state), progress))
    return [*about_worst(state), tiles, *(parts.row(*cards) for cards in rows)]


def _why_none(progress: pd.DataFrame) -> str:
    notes = progress["note"].dropna().unique()
    return "; ".join(notes) if len(notes) else _NOTHING


# --- numbers of the chosen competence -----------------------------------------------------------

_TILES = {
    "observed_change": ("Наблюдаемое изменение", ""),
    "expected_change": ("Ожидаемое при повторном тестировании", "без всякого изменения у людей"),
    "net_change": ("Изменение сверх ожидаемого", ""),
    "attrition_share": ("Не пришли на выходную", "из прошедших входную"),
}


def _tiles(now: Published, domain: str, progress: pd.DataFrame) -> list[tuple[str, str, str]]:
    rows = progress[progress["domain"] == domain].set_index("measure", drop=False)
    tiles = []
    for measure, (name, words) in _TILES.items():
        if measure not in rows.index:
            tiles.append((name, STATUSES["no_data"], _NOTHING))
            continue
        row = rows.loc[measure].to_dict()
        if row["status"] != "ok":
            tiles.append((name, STATUSES[row["status"]], row["note"] or ""))
            continue
        basis = f"{wording.interval(row)}; {wording.size(row['n'])}"
        tiles.append((name, wording.estimate(row), parts.joined(basis, words)))
    return tiles


# --- change -------------------------------------------------------------------------------------

_CHANGES = {
    "observed_change": "Наблюдаемое",
    "expected_change": "Ожидаемое при повторном тестировании",
    "net_change": "Сверх ожидаемого",
}
_PEOPLE = {
    "reliable_rise_share": "Надёжный рост",
    "reliable_fall_share": "Надёжное снижение",
}


def _changes(now: Published, progress: pd.DataFrame) -> pn.Column:
    figure = figures.changes_by_domain(progress, now.region)
    return parts.chart(
        figure,
        lambda: _wide(now, progress, _CHANGES),
        min_width=480,
        note=now.incomplete,
    )


def _wide(now: Published, progress: pd.DataFrame, headings: Mapping[str, str]) -> str:
    """Competence × measure, each number with its interval and n of the first measure."""
    rows = progress[progress["measure"].isin(list(headings))]
    texts = rows.assign(text=[parts.with_interval(row) for row in rows.to_dict("records")])
    wide = texts.pivot(index="domain", columns="measure", values="text")
    names = {code: name for code, name in now.region.domain_names.items() if code in wide.index}
    wide = wide.reindex(list(names))
    frame = pd.DataFrame({"Компетенция": list(names.values())})
    for measure, heading in headings.items():
        if measure in wide:
            frame[heading] = wide[measure].fillna("—").to_numpy()
    sizes = rows[rows["measure"] == next(iter(headings))].set_index("domain")["n"]
    frame["n"] = [wording.number(sizes.get(code)) for code in names]
    return parts.table(frame, list(frame.columns[1:]), kind="stacked")


def _basis_of_retest(now: Published, domain: str) -> str:
    """What the expected change is computed from."""
    for known in now.region.diagnostics.retests:
        if known.domain == domain:
            ratio = wording.number(known.correlation, 2)
            return f"Ожидаемое рассчитано по связи двух тестирований, {ratio} ({known.source})"
    return (
        "Ожидаемое рассчитано по надёжности входной формы: того, что в другой день человек "
        "ответил бы иначе, она не учитывает. Поэтому ожидаемое изменение по размеру занижено, а "
        "надёжное изменение и переходы через порог и без всякого изменения встречались бы чаще"
    )


def _moved(now: Published, state: State) -> pn.Column:
    """Who moved across each cut, beside what a retest alone brings."""
    rows, domain = now.of_procedure("migration", state.procedure), measured_domain(state)

    def draw(mine: pd.DataFrame) -> pn.Column:
        return parts.chart(
            figures.migration(rows, now.region, domain=domain),
            lambda: _moved_table(now, mine),
            min_width=430,
            note=parts.sentence(
                now.region.domain_names[domain], _basis_of_retest(now, domain), now.incomplete
            ),
        )

    return parts.of_rows(
        "Переходы через порог",
        None if rows is None else rows[rows["domain"] == domain],
        draw,
        edition=now.edition.key,
        nothing=_NOTHING,
    )


def _moved_table(now: Published, rows: pd.DataFrame) -> str:
    keys = ["level", "from_level", "to_level"]
    expected = rows[rows["measure"] == "migration_expected_share"].set_index(keys)
    seen = rows[rows["measure"] == "migration_share"].set_index(keys)
    told = [
        {
            "Порог": cut,
            "На входе": _side(start, cut),
            "На выходе": _side(end, cut),
            "Доля": wording.estimate(seen.loc[(level, start, end)]),
            "95 % интервал": wording.interval(seen.loc[(level, start, end)]),
            "Ожидалась при повторном тестировании": wording.estimate(
                expected.loc[(level, start, end)]
            ),
            "n": wording.number(seen.loc[(level, start, end), "n"]),
        }
        for level, cut in _cuts(now).items()
        for start, end in _WAYS
        if (level, start, end) in seen.index
    ]
    frame = pd.DataFrame(told)
    return parts.table(frame, list(frame.columns[3:]))


#: Which side of a cut at entry and at exit: those who moved stand first.
_WAYS = (
    ("at_or_below", "above"),
    ("at_or_below", "at_or_below"),
    ("above", "at_or_below"),
    ("above", "above"),
)


def _cuts(now: Published) -> dict[str, str]:
    """Level → its upper bound in words."""
    cuts = now.region.diagnostics.cuts
    return {level: wording.percent(cut) for level, cut in cuts.items() if cut < 1}


def _side(code: str, cut: str) -> str:
    return f"{'не выше' if code == 'at_or_below' else 'выше'} {cut}"


def _people(now: Published, state: State, progress: pd.DataFrame) -> pn.Column:
    """Shares of people who changed more than errors of measurement explain, and who did not come.

    Counts only: nobody is named or ordered.
    """
    domain = measured_domain(state)
    sentences = [
        tell(progress, now.region, domain=domain)
        for tell in (findings.reliable_change, findings.attrition)
    ]
    lines = "".join(f"<li>{parts.escape(text)}</li>" for text in sentences)
    scope = parts.joined(now.region.domain_names[domain], now.incomplete)
    note = parts.sentence(
        "Надёжное — больше, чем объясняет ошибка измерения", _basis_of_retest(now, domain)
    )
    return parts.card(
        parts.block(
            "<h2>У скольких людей изменение надёжное и кто не пришёл</h2>"
            f'<p class="muted small">{parts.escape(scope)}</p><ul class="lead">{lines}</ul>'
            f'{_wide(now, progress, _PEOPLE)}<p class="note gap">{parts.escape(note)}</p>'
        )
    )


def _between_years(state: State) -> pn.Column:
    """Say where years are compared, which is another question."""
    text = (
        "Между периодами проходят диагностику разные люди, часто на разных формах. Поэтому "
        "динамика по годам — не та же, что от входа к выходу: она стоит в сравнении с прошлым "
        "периодом на странице «Обзор», и там сказано, сопоставимы ли формы."
    )
    before = state.previous
    if before is None:
        end = "Прошлого опубликованного периода такого же вида и происхождения нет."
    else:
        address = {"region": state.region, "period": state.period, "page": "overview"}
        link = parts.link(address, "К сравнению периодов")
        end = f"Сравнивается с периодом: {parts.escape(before.edition.period.label)}. {link}"
    return parts.card(
        parts.block(
            f'<h2>Динамика по годам</h2><p class="gap">{parts.escape(text)}</p><p>{end}</p>'
        )
    )
