"""Надёжность диагностики: how far a result and a level can be believed. Counts, never persons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.filters import about_worst, filters, measured_domain
from dashboards.store import FEWEST_ITEMS, Published, State
from nmc_utils import figures, findings, wording
from nmc_utils.measures.dictionary import STATUSES

_TITLE = "Надёжность диагностики"
_ABOUT = (
    "Насколько можно верить результату и отнесению к уровню. Сам результат по правилу документа "
    "здесь не меняется; об отдельных людях страница не говорит."
)
_FOLLOWED = ("procedure", "domain", "wave")
_TABLES = ("classification", "level_certainty", "reliability")

#: What is told of a cut, in plain words.
_AT_CUT = {
    "false_deficit_share": "Из получивших результат не выше порога на самом деле выше него",
    "missed_deficit_share": "Из получивших результат выше порога на самом деле не выше него",
    "accuracy": "Отнесены к той же стороне порога, что и по истинному результату",
    "consistency": "Оказались бы на той же стороне порога по другой такой же форме",
}
_NOTHING = "таких чисел об этой процедуре, компетенции и этапе нет"


def view(state: State) -> pn.Column:
    """Levels, borderline results, reliability by competence and form, profiles, forms in line."""
    now = state.current
    if not any(_table(now, name) is not None for name in _TABLES):
        return parts.column(
            parts.heading(_TITLE, _ABOUT), parts.missing("Надёжность не посчитана", _why_none(now))
        )
    cards = parts.column()

    def draw() -> None:
        cards[:] = _cards(now, state)

    state.follow(draw, *_FOLLOWED)
    return parts.column(parts.heading(_TITLE, _ABOUT), filters(state, *_FOLLOWED), cards)


def _table(now: Published, name: str) -> pd.DataFrame | None:
    return now.table(name) if now.procedure else None


def _why_none(now: Published) -> str:
    return parts.not_in_run(now.edition.key) if now.procedure else "в издании нет диагностики"


def _cards(now: Published, state: State) -> list[pn.viewable.Viewable]:
    return [
        *about_worst(state),
        parts.tiles(_tiles(now, state)),
        parts.row(_hundred(now, state), _borderline(now, state)),
        parts.later(
            lambda: [
                parts.row(_by_domain(now, state), _error(now, state)),
                parts.row(_by_form(now, state), _profile(now, state)),
                parts.row(_forms_in_line(now, state)),
            ]
        ),
    ]


def _rows(now: Published, state: State, name: str) -> pd.DataFrame | None:
    """Rows of the chosen procedure and stage."""
    table = now.of_procedure(name, state.procedure)
    return None if table is None else table[table["wave"] == state.wave]


def _of_domain(rows: pd.DataFrame | None, domain: str) -> pd.DataFrame | None:
    return None if rows is None else rows[rows["domain"] == domain]


def _domains(now: Published, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows in the region's order of competences, with the `name` of each."""
    names = now.region.domain_names
    rows = rows[rows["domain"].isin(list(names))]
    order = {code: place for place, code in enumerate(names)}
    rows = rows.assign(name=rows["domain"].map(names))
    return rows.sort_values("domain", key=lambda codes: codes.map(order), kind="stable")


def _nothing(now: Published, state: State) -> str:
    """Why there are no rows of what was chosen."""
    return now.gap(state.procedure) or _NOTHING


def _scope(now: Published, state: State) -> str:
    """What stands on every chart: which competence is chosen, and who has not reported."""
    return parts.joined(now.region.domain_names[measured_domain(state)], now.incomplete)


# --- numbers of the chosen competence -----------------------------------------------------------


def _tiles(now: Published, state: State) -> list[tuple[str, str, str]]:
    return [
        _tile(now, state, "Надёжность результата", "reliability", "reliability"),
        _tile(now, state, "Отнесены верно", "classification", "accuracy"),
        _tile(now, state, "Пограничные результаты", "level_certainty", "borderline_share"),
        _unjudged_tile(now, state),
    ]


def _tile(
    now: Published, state: State, name: str, table: str, measure: str
) -> tuple[str, str, str]:
    rows = _of_domain(_rows(now, state, table), measured_domain(state))
    if rows is None:
        return name, "не посчитано", "в прогоне нет этой таблицы"
    rows = rows[rows["measure"] == measure]
    if measure == "accuracy":
        rows = rows[rows["level"] == now.region.diagnostics.lowest.code]
    if rows.empty:
        return name, STATUSES["not_assessed"], _nothing(now, state)
    row = rows.iloc[0].to_dict()
    if row["status"] != "ok":
        return name, STATUSES[row["status"]], _reason(row)
    extra = {
        "reliability": row.get("source") or "",
        "accuracy": "сторона порога та же, что и по истинному результату",
        "borderline_share": findings.capital(_ADVICE),
    }
    return name, wording.estimate(row), parts.joined(_basis(row), extra[measure], now.incomplete)


_ADVICE = "уточнить в собеседовании с методистом"


def _basis(row: Mapping[str, Any]) -> str:
    bounds, size = wording.interval(row), wording.size(row["n"])
    return size if bounds == "—" else f"{bounds}; {size}"


def _reason(row: Mapping[str, Any]) -> str:
    """Why a number is missing."""
    if row["status"] == "too_few_items":
        return f"нужно не меньше {FEWEST_ITEMS} заданий"
    return row["note"] if isinstance(row.get("note"), str) else ""


def _unjudged_tile(now: Published, state: State) -> tuple[str, str, str]:
    name = "Компетенции, где уровень человека не оценивается"
    rows = _borderline_rows(now, state)
    if rows is None:
        return name, "не посчитано", "в прогоне нет этой таблицы"
    rows = rows[rows["domain"].isin(list(now.region.competence_names))]
    if rows.empty:
        return name, "нет данных", now.gap(state.procedure) or "результатов по компетенциям нет"
    left = int(rows["status"].ne("ok").sum())
    why = f"заданий везде не меньше {FEWEST_ITEMS}" if not left else "почему — ниже, под таблицей"
    return name, f"{left} из {len(rows)}", why


# --- what of a level can be believed ------------------------------------------------------------


def _hundred(now: Published, state: State) -> pn.Column:
    title = "Из 100 педагогов с результатом не выше порога"
    rows, domain = _rows(now, state, "classification"), measured_domain(state)

    def draw(mine: pd.DataFrame) -> pn.Column:
        figure = figures.hundred(rows, now.region, wave=state.wave, domain=domain)
        return parts.chart(figure, lambda: _cuts_table(now, mine), note=_scope(now, state))

    return parts.of_rows(
        title,
        _of_domain(rows, domain),
        draw,
        edition=now.edition.key,
        nothing=_nothing(now, state),
    )


def _cuts_table(now: Published, rows: pd.DataFrame) -> str:
    """What is told of each cut, one line a number."""
    cuts = now.region.diagnostics.cuts
    rows = rows[rows["measure"].isin(list(_AT_CUT))]
    rows = rows.assign(
        cut=[wording.percent(cuts[level]) for level in rows["level"]],
        what=rows["measure"].map(_AT_CUT),
    )
    order = {name: place for place, name in enumerate(_AT_CUT)}
    rows = rows.sort_values(
        ["cut", "measure"], key=lambda c: c.map(order) if c.name == "measure" else c, kind="stable"
    )
    headings = {"cut": "Порог", "what": "Что сосчитано", "estimate": "Доля"}
    return parts.readable(rows, headings | {"ci": "В пределах", "n": "n"})


def _borderline_rows(now: Published, state: State) -> pd.DataFrame | None:
    rows = _rows(now, state, "level_certainty")
    return None if rows is None else rows[rows["measure"] == "borderline_share"]


def _borderline(now: Published, state: State) -> pn.Column:
    """Whose level is unsure by competence, what to do about it, and where nobody is judged."""
    title = "Пограничные результаты"

    def draw(rows: pd.DataFrame) -> pn.Column:
        told = findings.borderline(
            now.of_procedure("level_certainty", state.procedure), now.region, wave=state.wave
        )
        rule = (
            "Полоса — между какими результатами отнесение к уровню неуверенное. Результат по "
            "правилу документа от этого не меняется"
        )
        return parts.card(
            parts.block(
                f"<h2>{title}</h2>"
                f'<p class="gap">{parts.escape(told)}</p>'
                f"{_borderline_table(now, state, rows)}"
                f'<p class="note gap">{parts.escape(parts.sentence(rule, now.incomplete))}</p>'
                f'<p class="note">{parts.escape(_unjudged(now, state, rows))}</p>'
            )
        )

    return parts.of_rows(
        title,
        _borderline_rows(now, state),
        draw,
        edition=now.edition.key,
        nothing=_nothing(now, state),
    )


def _borderline_table(now: Published, state: State, rows: pd.DataFrame) -> str:
    bands = _rows(now, state, "borderline_bands")
    rows = _domains(now, rows).to_dict("records")
    frame = pd.DataFrame(
        {
            "Компетенция": [row["name"] for row in rows],
            "Пограничные": [wording.estimate(row) for row in rows],
            "95 % интервал": [wording.interval(row) for row in rows],
            "n": [wording.number(row["n"]) for row in rows],
            "Полоса, % максимума": [_band(bands, row["domain"]) for row in rows],
        }
    )
    return parts.table(frame, list(frame.columns[1:]), kind="stacked")


def _band(bands: pd.DataFrame | None, domain: str) -> str:
    """Between which results the level is unsure, at each cut."""
    if bands is None or (mine := bands[bands["domain"] == domain]).empty:
        return "—"
    ends = zip(mine["band_low"], mine["band_high"], strict=True)
    return "; ".join(f"{wording.number(100 * a)}–{wording.number(100 * b)}" for a, b in ends)


def _unjudged(now: Published, state: State, rows: pd.DataFrame) -> str:
    """Of which competences no level of a person is judged, and why; each reason once."""
    rows = _domains(now, rows[rows["domain"].isin(list(now.region.competence_names))])
    if rows.empty:
        return "Результаты присланы только по тесту в целом: по компетенциям людей не судят."
    left = rows[rows["status"] != "ok"]
    if left.empty:
        return (
            f"В каждой компетенции не меньше {FEWEST_ITEMS} заданий: "
            "уровень человека оценивается по всем."
        )
    reasons = [_reason(row) or STATUSES[row["status"]] for row in left.to_dict("records")]
    told = [
        f"{', '.join(part['name'])} — {reason}"
        for reason, part in left.groupby(reasons, sort=False)
    ]
    text = f"Уровень человека не оценивается: {'; '.join(told)}"
    return parts.sentence(text, "Результат по правилу документа при этом известен")


# --- how reliable -------------------------------------------------------------------------------

_RELIABILITY = {
    "estimate": "Надёжность",
    "ci": "95 % интервал",
    "n": "n",
    "n_items": "Заданий",
    "source": "Откуда",
}


def _reliability_table(rows: pd.DataFrame, first: Mapping[str, str]) -> str:
    notes = {"note": "Примечание"} if rows["note"].notna().any() else {}
    shown = wording.readable(rows, dict(first) | _RELIABILITY | notes)
    return parts.table(shown.frame, shown.numeric)


def _sources(rows: pd.DataFrame) -> str:
    """Where the reliabilities of a chart come from, and what they leave out."""
    given = rows["source"].dropna().str.split("; ").explode().unique()
    return f"Источник: {'; '.join(given)}. {_LEFT_OUT}" if len(given) else ""


_LEFT_OUT = "Того, что в другой день человек ответил бы иначе, надёжность одной формы не учитывает"


def _by_domain(now: Published, state: State) -> pn.Column:
    rows = _rows(now, state, "reliability")

    def draw(mine: pd.DataFrame) -> pn.Column:
        figure = figures.reliability_by_domain(mine, now.region, wave=state.wave)
        rows = _domains(now, mine)
        return parts.chart(
            figure,
            lambda: _reliability_table(rows, {"name": "Компетенция"}),
            note=parts.joined(_sources(rows), now.incomplete),
        )

    return parts.of_rows(
        "Надёжность по компетенциям",
        rows,
        draw,
        edition=now.edition.key,
        nothing=_nothing(now, state),
    )


def _by_form(now: Published, state: State) -> pn.Column:
    rows, domain = _rows(now, state, "form_reliability"), measured_domain(state)

    def draw(mine: pd.DataFrame) -> pn.Column:
        figure = figures.reliability_by_form(rows, now.region, wave=state.wave, domain=domain)
        return parts.chart(
            figure,
            lambda: _reliability_table(mine.sort_values("form"), {"form": "Форма"}),
            note=parts.joined(_sources(mine), _scope(now, state)),
        )

    return parts.of_rows(
        "Надёжность форм теста",
        _of_domain(rows, domain),
        draw,
        edition=now.edition.key,
        nothing=_nothing(now, state),
    )


def _error(now: Published, state: State) -> pn.Column:
    rows, bands = (_rows(now, state, name) for name in ("score_error", "borderline_bands"))
    domain = measured_domain(state)

    def draw(mine: pd.DataFrame) -> pn.Column:
        figure = figures.error_along_scale(rows, bands, now.region, wave=state.wave, domain=domain)
        return parts.chart(figure, lambda: _error_table(mine), note=_scope(now, state))

    reliability = _of_domain(_rows(now, state, "reliability"), domain)
    return parts.of_rows(
        "Ошибка измерения вдоль шкалы",
        _of_domain(rows, domain),
        draw,
        edition=now.edition.key,
        nothing=_why_unknown(reliability) or _nothing(now, state),
    )


def _why_unknown(rows: pd.DataFrame | None) -> str:
    if rows is None or rows.empty or rows.iloc[0]["status"] == "ok":
        return ""
    return _reason(rows.iloc[0].to_dict())


_LINES = 21  #: of a table of the whole scale, about one in five per cents


def _error_table(rows: pd.DataFrame) -> str:
    rows = rows.sort_values("score_share")
    every = max(1, round((len(rows) - 1) / (_LINES - 1)))
    rows = rows.iloc[::every]
    frame = pd.DataFrame(
        {
            "Результат, % максимума": [wording.number(100 * v, 1) for v in rows["score_share"]],
            "Ошибка, п.п.": [wording.number(100 * v, 1) for v in rows["estimate"]],
            "n": [wording.number(n) for n in rows["n"]],
        }
    )
    return parts.table(frame, list(frame))


# --- profiles and forms -------------------------------------------------------------------------


def _profile(now: Published, state: State) -> pn.Column:
    rows = _rows(now, state, "subscores")

    def draw(mine: pd.DataFrame) -> pn.Column:
        figure = figures.subscore_value(mine, now.region, wave=state.wave)
        return parts.chart(
            figure,
            lambda: _profile_table(now, mine),
            min_width=430,
            subtitle=_ABOUT_PROFILE,
            note=now.incomplete,
        )

    reason = "результатов по компетенциям или их надёжности нет: о профиле сказать нечего"
    return parts.of_rows(
        "Можно ли говорить о профиле человека",
        rows,
        draw,
        edition=now.edition.key,
        nothing=now.gap(state.procedure) or reason,
    )


_ABOUT_PROFILE = (
    "Какую долю различий людей в компетенции предсказывает балл: о компетенции человека можно "
    "говорить отдельно, только если её балл предсказывает лучше, чем балл всего теста"
)
#: How well a person's true result in a competence is predicted, 0–1.
_PREDICTED = {
    "reliability": "По своему баллу",
    "prmse_total": "По баллу всего теста",
    "prmse_augmented": "По обоим",
    "adds_value": "Можно говорить отдельно",
}


def _profile_table(now: Published, rows: pd.DataFrame) -> str:
    rows = rows[rows["measure"].isin(list(_PREDICTED))]
    words = rows.assign(text=[wording.estimate(row) for row in rows.to_dict("records")])
    wide = words.pivot(index="domain", columns="measure", values="text").reset_index()
    sizes = rows.groupby("domain")["n"].max()
    wide = _domains(now, wide)
    frame = pd.DataFrame({"Компетенция": wide["name"]})
    for measure, heading in _PREDICTED.items():
        if measure in wide:
            frame[heading] = wide[measure].fillna("—")
    frame["n"] = [wording.number(sizes[domain]) for domain in wide["domain"]]
    return parts.table(frame, list(frame.columns[1:]))


def _forms_in_line(now: Published, state: State) -> pn.Column:
    """Forms of one scale beside each other, where answers to common items allow it."""
    rows = _rows(now, state, "bank_means")

    def draw(mine: pd.DataFrame) -> pn.Column:
        domain = _linked_domain(now, mine, measured_domain(state))
        figure = figures.bank_means(mine, now.region, domain=domain, wave=state.wave)
        shown = mine[mine["domain"] == domain].sort_values("form")
        return parts.chart(
            figure,
            lambda: _bank_table(shown),
            min_width=430,
            note=parts.joined(_linking(now, state, mine), now.incomplete),
        )

    return parts.of_rows(
        "Выравнивание форм",
        rows,
        draw,
        edition=now.edition.key,
        nothing=now.gap(state.procedure)
        or (_linking(now, state, rows) if rows is not None else "")
        or "формы не выровнены: проценты разных форм между собой несопоставимы",
    )


def _linked_domain(now: Published, rows: pd.DataFrame, chosen: str) -> str:
    """The chosen competence where its forms are in line, else the first whose forms are."""
    linked = [code for code in now.region.domain_names if code in set(rows["domain"])]
    return chosen if chosen in linked else linked[0]


def _linking(now: Published, state: State, means: pd.DataFrame) -> str:
    """Say in which competences forms are in line; nothing where the run does not tell."""
    items = _rows(now, state, "calibrated_items")
    if items is None:
        return ""
    return findings.scales(means, items, now.region, wave=state.wave)


def _bank_table(rows: pd.DataFrame) -> str:
    rows = rows.assign(raw=[wording.percent(value, 1) for value in rows["raw_mean"]])
    headings = {"form": "Форма", "raw": "В среднем по своей форме", "estimate": "По всему банку"}
    return parts.readable(rows, headings | {"ci": "95 % интервал", "n": "n"})
