"""Надёжность диагностики: how far a result and a level can be believed. Counts, never persons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import panel as pn

from dashboards import chosen, parts, profiles
from dashboards.filters import about_worst, filters, measured_domain
from dashboards.store import FEWEST_ITEMS, Published, State
from nmc_utils import figures, findings, wording
from nmc_utils.measures.dictionary import STATUSES

_TITLE = "Надёжность диагностики"
_FOLLOWED = ("procedure", "domain", "wave")
_TABLES = ("classification", "level_certainty", "reliability")

#: What is told of a cut, in plain words.
_AT_CUT = {
    "false_deficit_share": "Из получивших результат не выше порога на самом деле выше него",
    "missed_deficit_share": "Из получивших результат выше порога на самом деле не выше него",
    "accuracy": "Отнесены к той же стороне порога, что и по истинному результату",
    "consistency": "Оказались бы на той же стороне порога по другой такой же форме",
}


def view(state: State) -> pn.Column:
    """Levels, borderline results, reliability by competence and form, profiles, forms in line."""
    now = state.current
    if not any(_table(now, name) is not None for name in _TABLES):
        return parts.column(
            parts.heading(_TITLE, _about(now)),
            parts.missing("Надёжность не посчитана", _why_none(now)),
        )
    cards = parts.column()

    def draw() -> None:
        cards[:] = _cards(now, state)

    state.follow(draw, *_FOLLOWED)
    return parts.column(parts.heading(_TITLE, _about(now)), filters(state, *_FOLLOWED), cards)


def _about(now: Published) -> str:
    return (
        "Насколько можно верить результату и отнесению к уровню. Сам результат "
        f"{now.region.rule_words} здесь не меняется; об отдельных людях страница не говорит."
    )


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
                parts.row(_by_form(now, state), profiles.profile(now, state)),
                parts.row(profiles.forms_in_line(now, state)),
            ]
        ),
    ]


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
    rows = chosen.of_domain(chosen.rows_of(now, state, table), measured_domain(state))
    if rows is None:
        return name, "не посчитано", "в прогоне нет этой таблицы"
    rows = rows[rows["measure"] == measure]
    if measure == "accuracy":
        rows = rows[rows["level"] == now.region.diagnostics.lowest.code]
        if len(now.region.diagnostics.levels) > 2:
            name += f", порог {wording.percent(now.region.diagnostics.deficit_cut)}"
    if rows.empty:
        return name, STATUSES["not_assessed"], chosen.nothing(now, state)
    row = rows.iloc[0].to_dict()
    if row["status"] != "ok":
        return name, STATUSES[row["status"]], chosen.reason(row)
    extra = {
        "reliability": row.get("source") or "",
        "accuracy": "сторона порога та же, что и по истинному результату",
        "borderline_share": findings.capital(findings.ADVICE["borderline"]),
    }
    return name, wording.estimate(row), parts.joined(_basis(row), extra[measure], now.incomplete)


def _basis(row: Mapping[str, Any]) -> str:
    bounds, size = wording.interval(row), wording.size(row["n"])
    return size if bounds == "—" else f"{bounds}; {size}"


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
    rows, domain = chosen.rows_of(now, state, "classification"), measured_domain(state)

    def draw(mine: pd.DataFrame) -> pn.Column:
        figure = figures.hundred(rows, now.region, wave=state.wave, domain=domain)
        return parts.chart(figure, lambda: _cuts_table(now, mine), note=chosen.scope(now, state))

    return parts.of_rows(
        title,
        chosen.of_domain(rows, domain),
        draw,
        edition=now.edition.key,
        nothing=chosen.nothing(now, state),
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
    headings |= {"ci": "В пределах", "n": "n"}
    notes = {"note": "Примечание"} if rows["note"].notna().any() else {}
    return parts.readable(rows, headings | notes)


def _borderline_rows(now: Published, state: State) -> pd.DataFrame | None:
    rows = chosen.rows_of(now, state, "level_certainty")
    return None if rows is None else rows[rows["measure"] == "borderline_share"]


def _borderline(now: Published, state: State) -> pn.Column:
    """Whose level is unsure by competence, what to do about it, and where nobody is judged."""
    title = "Пограничные результаты"

    def draw(rows: pd.DataFrame) -> pn.Column:
        told = findings.borderline(
            now.of_procedure("level_certainty", state.procedure), now.region, wave=state.wave
        )
        rule = (
            "Полоса — между какими примерно результатами отнесение к уровню неуверенное; у "
            "человека — по его форме и ответам. Результат "
            f"{now.region.rule_words} от этого не меняется"
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
        nothing=chosen.nothing(now, state),
    )


def _borderline_table(now: Published, state: State, rows: pd.DataFrame) -> str:
    bands = chosen.rows_of(now, state, "borderline_bands")
    rows = chosen.in_order(now, rows).to_dict("records")
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
    rows = chosen.in_order(now, rows[rows["domain"].isin(list(now.region.competence_names))])
    if rows.empty:
        return "Результаты присланы только по тесту в целом: по компетенциям людей не судят."
    left = rows[rows["status"] != "ok"]
    if left.empty:
        return (
            f"В каждой компетенции не меньше {FEWEST_ITEMS} заданий: "
            "уровень человека оценивается по всем."
        )
    reasons = [chosen.reason(row) or STATUSES[row["status"]] for row in left.to_dict("records")]
    told = [
        f"{', '.join(part['name'])} — {reason}"
        for reason, part in left.groupby(reasons, sort=False)
    ]
    text = f"Уровень человека не оценивается: {'; '.join(told)}"
    return parts.sentence(text, f"Результат {now.region.rule_words} при этом известен")


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
    given = rows["source"].dropna().astype("str").str.split("; ").explode().unique()
    return f"Источник: {'; '.join(given)}. {_LEFT_OUT}" if len(given) else ""


_LEFT_OUT = "Того, что в другой день человек ответил бы иначе, надёжность одной формы не учитывает"


def _by_domain(now: Published, state: State) -> pn.Column:
    rows = chosen.rows_of(now, state, "reliability")

    def draw(mine: pd.DataFrame) -> pn.Column:
        figure = figures.reliability_by_domain(mine, now.region, wave=state.wave)
        rows = chosen.in_order(now, mine)
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
        nothing=chosen.nothing(now, state),
    )


def _by_form(now: Published, state: State) -> pn.Column:
    rows, domain = chosen.rows_of(now, state, "form_reliability"), measured_domain(state)

    def draw(mine: pd.DataFrame) -> pn.Column:
        figure = figures.reliability_by_form(rows, now.region, wave=state.wave, domain=domain)
        return parts.chart(
            figure,
            lambda: _reliability_table(mine.sort_values("form"), {"form": "Форма"}),
            note=parts.joined(_sources(mine), chosen.scope(now, state)),
        )

    return parts.of_rows(
        "Надёжность форм теста",
        chosen.of_domain(rows, domain),
        draw,
        edition=now.edition.key,
        nothing=chosen.nothing(now, state),
    )


def _error(now: Published, state: State) -> pn.Column:
    rows, bands = (chosen.rows_of(now, state, name) for name in ("score_error", "borderline_bands"))
    domain = measured_domain(state)

    def draw(mine: pd.DataFrame) -> pn.Column:
        figure = figures.error_along_scale(rows, bands, now.region, wave=state.wave, domain=domain)
        return parts.chart(figure, lambda: _error_table(mine), note=chosen.scope(now, state))

    reliability = chosen.of_domain(chosen.rows_of(now, state, "reliability"), domain)
    return parts.of_rows(
        "Ошибка измерения вдоль шкалы",
        chosen.of_domain(rows, domain),
        draw,
        edition=now.edition.key,
        nothing=_why_unknown(reliability) or chosen.nothing(now, state),
    )


def _why_unknown(rows: pd.DataFrame | None) -> str:
    if rows is None or rows.empty or rows.iloc[0]["status"] == "ok":
        return ""
    return chosen.reason(rows.iloc[0].to_dict())


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
