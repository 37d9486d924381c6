"""Обзор: what the edition says in one minute."""

from __future__ import annotations

from html import escape

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.store import Published, State
from nmc_utils import figures, findings, wording
from nmc_utils.terms import TOTAL


def view(state: State) -> pn.Column:
    """Sentences, tiles, levels by domain, indicators, change and completeness."""
    now = state.current
    return parts.column(
        parts.heading(str(now.edition), now.region.center),
        parts.tiles(_tiles(now)),
        parts.row(_sentences(now), *_levels(now)),
        parts.row(
            _indicators(now), parts.stack(_change(now, state.previous), _municipalities(now))
        ),
    )


def _sentences(now: Published) -> pn.Column:
    told = now.table("findings")
    if told is None:
        text = '<p class="muted">Выводы этого издания не опубликованы.</p>'
    else:
        lines = told.sort_values("position")["sentence"]
        text = '<ul class="lead">' + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"
    return parts.card(parts.block(f"<h2>Главное</h2>{text}"))


def lowest_share(now: Published, domain: str = TOTAL) -> dict | None:
    """Return the row of the lowest level of the whole region at entry, where there is one."""
    shares = now.of_procedure("level_shares")
    if shares is None:
        return None
    lowest = now.region.diagnostics.levels[0].code
    keys = {"wave": "entry", "domain": domain, "municipality": TOTAL, "family": TOTAL}
    return _row(shares, **keys, level=lowest)


def _row(table: pd.DataFrame | None, **keys: str) -> dict | None:
    if table is None:
        return None
    for name, value in keys.items():
        table = table[table[name] == value]
    return None if table.empty else table.iloc[0].to_dict()


def _tiles(now: Published) -> list[tuple[str, str, str]]:
    tiles = []
    if tested := _row(now.table("coverage"), municipality=TOTAL, measure="tested_share"):
        count = _row(now.table("coverage"), municipality=TOTAL, measure="tested")
        note = f"{wording.estimate(tested)} из {wording.persons(tested['n'])}"
        tiles.append(("Прошли диагностику", wording.estimate(count), note))
    if share := lowest_share(now):
        name = now.region.diagnostics.levels[0].name
        tiles.append(
            (f"{name[:1].upper()}{name[1:]} на входе", wording.estimate(share), basis(share))
        )
    plan = now.table("seminar_plan")
    if groups := _row(plan, family=TOTAL, measure="plan_groups"):
        persons = _row(plan, family=TOTAL, measure="plan_persons")
        note = f"{wording.estimate(persons)} в группах"
        tiles.append(("Группы со схожими дефицитами", wording.estimate(groups), note))
    indicators = now.table("indicators")
    if indicators is not None:
        tiles.append(("Показатели с данными", *_known(indicators)))
    reported = municipalities_in_data(now)
    if reported is not None:
        total = len(now.region.municipalities)
        tiles.append(("Муниципалитетов в данных", f"{len(reported)} из {total}", "по месту работы"))
    return tiles


def _known(indicators: pd.DataFrame) -> tuple[str, str]:
    """Indicators with data out of all, and how many of them attained their target, by basis."""
    status = findings.indicator_status(indicators)
    attained = status.loc[status["attainment"] == "attained", "basis"].value_counts()
    words = {"published": "по документам", "recorded": "по записям"}
    parts = [f"{attained[basis]} {text}" for basis, text in words.items() if basis in attained]
    is_known = status["status"] == "ok"
    note = f"достигнуто: {', '.join(parts)}" if parts else "плана с наступившим сроком нет"
    return f"{is_known.sum()} из {len(status)}", note


def basis(row: dict) -> str:
    """Write the interval and n of a row of a measure table."""
    bounds = wording.interval(row)
    size = wording.size(row["n"])
    return size if bounds == "—" else f"{bounds}; {size}"


def municipalities_in_data(now: Published) -> list[str] | None:
    """Codes of the municipalities whose staff is in the data, in the official order."""
    coverage = now.table("coverage")
    if coverage is None:
        return None
    given = coverage[(coverage["measure"] == "tested") & (coverage["n"].fillna(0) > 0)]
    return [code for code in now.region.municipality_names if code in set(given["municipality"])]


def _levels(now: Published) -> list[pn.Column]:
    shares = now.of_procedure("level_shares")
    if shares is None:
        return []
    figure = figures.level_shares_by_domain(shares, now.region)
    return [parts.chart(figure, lambda: _levels_table(now, shares))]


def _levels_table(now: Published, shares: pd.DataFrame) -> str:
    lowest = now.region.diagnostics.levels[0].code
    keys = {"wave": "entry", "level": lowest, "municipality": TOTAL, "family": TOTAL}
    rows = shares.loc[(shares[list(keys)] == pd.Series(keys)).all(axis=1)]
    rows = rows.assign(name=rows["domain"].map(now.region.domain_names))
    headings = {"name": "Компетенция", "estimate": "Доля", "ci": "95 % интервал", "n": "n"}
    return parts.readable(rows, headings)


def _indicators(now: Published) -> pn.Column:
    indicators = now.table("indicators")
    if indicators is None:
        return parts.card(parts.block("<h2>Показатели</h2><p>Нет данных.</p>"))
    names = {entry.id: entry.name for entry in now.region.indicators}
    status = findings.indicator_status(indicators)
    order = {code: place for place, code in enumerate(figures.theme.ATTAINMENT)}
    status = status.sort_values("attainment", key=lambda codes: codes.map(order), kind="stable")
    rows = "".join(
        f"<tr><td>{escape(names[row['indicator']])}</td>"
        f'<td class="num">{escape(wording.estimate(row) if row["status"] == "ok" else "—")}</td>'
        f"<td>{parts.state(row['attainment'], row['attainment_label'])}</td></tr>"
        for row in status.to_dict("records")
    )
    head = '<th scope="col">Показатель</th><th scope="col" class="num">Значение</th>'
    title = "Показатели по достижению"
    table = (
        f'<table><thead><tr>{head}<th scope="col">Статус</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )
    return parts.card(
        parts.block(
            f'<h2>{title}</h2><p class="muted small">Документ, затем расчёт '
            f"по опубликованным числам, затем записи издания</p>{parts.scrolled(table, title)}"
        )
    )


# --- change -------------------------------------------------------------------------------------


def _change(now: Published, before: Published | None) -> pn.Column:
    title = "<h2>Что изменилось с прошлого периода</h2>"
    if before is None:
        text = "Прошлого опубликованного периода такого же вида и происхождения нет."
        return parts.card(parts.block(f'{title}<p class="muted">{text}</p>'))
    try:
        return parts.card(parts.block(title + _compared(now, before)))
    except Exception as error:  # a damaged edition before this one must not take this one with it
        return parts.card(parts.block(title), parts.trouble(error, "Сравнение не построено"))


def _compared(now: Published, before: Published) -> str:
    rows = [
        (name, *(_value(published, find) for published in (before, now)))
        for name, find in _COMPARED.items()
    ]
    periods = [p.edition.period.label for p in (before, now)]
    frame = pd.DataFrame(rows, columns=["Величина", *periods])
    note = escape(comparability(now, before))
    return f'<p class="muted small">{note}</p>{parts.table(frame, periods)}'


def comparability(now: Published, before: Published) -> str:
    """Say whether results of two periods may be compared."""
    procedures = now.table("procedures")
    if procedures is not None and (said := procedures["comparability"].dropna().unique()).size:
        return f"По описанию процедуры: {'; '.join(said)}. Периоды стоят рядом, без стрелок."
    scales = [_scale(published) for published in (before, now)]
    if all(scales) and scales[0] != scales[1]:
        return "Формы диагностики изменились: результаты несопоставимы, показаны рядом без стрелок."
    return "Сопоставимость форм не подтверждена: периоды стоят рядом, без стрелок."


def _scale(published: Published) -> frozenset[float]:
    """Edges of the score intervals: they follow from the number of score points of the forms."""
    histogram = published.of_procedure("score_histogram")
    return frozenset() if histogram is None else frozenset(histogram["bin_high"].round(6))


def _value(published: Published, find) -> str:
    row = find(published)
    if row is None:
        return "нет данных"
    bounds = wording.interval(row)
    return wording.estimate(row) + ("" if bounds == "—" else f" ({bounds})")


def _mean(published: Published) -> dict | None:
    keys = {"wave": "entry", "domain": TOTAL, "municipality": TOTAL, "family": TOTAL}
    table = published.of_procedure("score_distribution")
    return _row(table, **keys, measure="score_mean")


_COMPARED = {
    "Прошли диагностику": lambda p: _row(p.table("coverage"), municipality=TOTAL, measure="tested"),
    "Доля прошедших среди работников": lambda p: _row(
        p.table("coverage"), municipality=TOTAL, measure="tested_share"
    ),
    "Результат не выше порога": lowest_share,
    "Средний результат, % максимума": _mean,
    "Группы": lambda p: _row(p.table("seminar_plan"), family=TOTAL, measure="plan_groups"),
    "Педагоги в группах": lambda p: _row(
        p.table("seminar_plan"), family=TOTAL, measure="plan_persons"
    ),
}


def _municipalities(now: Published) -> pn.Column:
    reported = municipalities_in_data(now)
    if reported is None:
        return parts.card(parts.block("<h2>Муниципалитеты</h2><p>Нет данных.</p>"))
    coverage = now.table("coverage")
    tested = coverage[coverage["measure"] == "tested"].set_index("municipality")
    places = now.region.municipality_names
    names = wording.with_unstated(places, tested.index)
    frame = pd.DataFrame(
        {
            "Муниципалитет": list(names.values()),
            "Работники": [_count(tested["n"], code) for code in names],
            "Прошли диагностику": [_count(tested["estimate"], code) for code in names],
        }
    )
    title = f"В данных {len(reported)} из {wording.plural(len(places), *_PLACES)}"
    html = parts.table(frame, ["Работники", "Прошли диагностику"])
    return parts.card(parts.block(f"<h2>{title}</h2>{html}"))


_PLACES = ("муниципалитета", "муниципалитетов", "муниципалитетов")


def _count(values: pd.Series, code: str) -> str:
    return wording.number(values[code]) if code in values.index else "нет данных"
