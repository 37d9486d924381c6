"""Profiles of people and forms beside each other: cards of «Надёжность диагностики»."""

from __future__ import annotations

import pandas as pd
import panel as pn

from dashboards import chosen, parts
from dashboards.filters import measured_domain
from dashboards.store import Published, State
from nmc_utils import figures, findings, wording


def profile(now: Published, state: State) -> pn.Column:
    """Say whether a person's competences can be told apart from the result of the whole test."""
    rows = chosen.rows_of(now, state, "subscores")

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
    "говорить отдельно, только если её балл предсказывает лучше, чем балл всего теста, и весь "
    "интервал разности выше нуля"
)
#: How well a person's true result in a competence is predicted, 0–1.
_PREDICTED = {
    "reliability": "По своему баллу",
    "prmse_total": "По баллу всего теста",
    "prmse_augmented": "По обоим",
    "value_added": "Свой балл предсказывает лучше на",
}


def _profile_table(now: Published, rows: pd.DataFrame) -> str:
    rows = rows[rows["measure"].isin(list(_PREDICTED))]
    words = rows.assign(text=[parts.with_interval(row) for row in rows.to_dict("records")])
    wide = words.pivot(index="domain", columns="measure", values="text").reset_index()
    sizes = rows.groupby("domain")["n"].max()
    wide = chosen.in_order(now, wide)
    frame = pd.DataFrame({"Компетенция": wide["name"]})
    for measure, heading in _PREDICTED.items():
        if measure in wide:
            frame[heading] = wide[measure].fillna("—")
    frame["n"] = [wording.number(sizes[domain]) for domain in wide["domain"]]
    return parts.table(frame, list(frame.columns[1:]))


def forms_in_line(now: Published, state: State) -> pn.Column:
    """Forms of one scale beside each other, where answers to common items allow it."""
    rows = chosen.rows_of(now, state, "bank_means")

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
    items = chosen.rows_of(now, state, "calibrated_items")
    if items is None:
        return ""
    return findings.scales(means, items, now.region, wave=state.wave)


def _bank_table(rows: pd.DataFrame) -> str:
    rows = rows.assign(raw=[wording.percent(value, 1) for value in rows["raw_mean"]])
    headings = {"form": "Форма", "raw": "В среднем по своей форме", "estimate": "По всему банку"}
    return parts.readable(rows, headings | {"ci": "95 % интервал", "n": "n"})
