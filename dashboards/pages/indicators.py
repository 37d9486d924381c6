"""Показатели: every variant with its numerator and denominator, its status, its passport."""

from __future__ import annotations

import pandas as pd
import panel as pn

from dashboards import parts, passports
from dashboards.store import Published, State
from nmc_utils import figures, findings, theme, wording


def view(state: State) -> pn.Column:
    """Table of variants with a filter by status, the chart, one passport."""
    now = state.current
    indicators = now.table("indicators")
    if indicators is None:
        missing = parts.missing("Показатели и их варианты", "в прогоне нет показателей")
        return parts.column(parts.heading("Показатели"), missing)
    table = parts.column()

    def draw() -> None:
        table[:] = [parts.block(_table(now, indicators, state.status))]

    state.follow(draw, "status")
    figure = figures.indicator_attainment(indicators, now.region)
    return parts.column(
        parts.heading("Показатели", findings.attainment(indicators), *_what_is_real(now)),
        parts.row(parts.card(_filter(state, indicators), table)),
        parts.row(
            parts.chart(
                figure,
                lambda: _table(now, indicators, ""),
                min_width=440,
                note=_sent(now, indicators),
                why=_no_shares(indicators),
            ),
            passports.passports(state, indicators),
        ),
        *passports.all_discrepancies(now),
    )


def _sent(now: Published, indicators: pd.DataFrame) -> str:
    """Who has reported, where numbers rest on what municipalities have sent."""
    return now.incomplete if indicators["basis"].ne("published").any() else ""


def _no_shares(indicators: pd.DataFrame) -> str:
    """Why there is no chart where no share has a value."""
    known = indicators[indicators["status"] == "ok"]
    if len(known):
        count = wording.plural(known["indicator"].nunique(), "показателя", *["показателей"] * 2)
        return f"данные есть у {count}, долей среди них нет: их значения — в таблице выше"
    if indicators["target"].notna().any():
        return (
            "значений за этот период нет ни у одного показателя: известны только плановые, "
            "они в столбце «План» таблицы выше"
        )
    return "значений за этот период нет ни у одного показателя"


def _what_is_real(now: Published) -> list[str]:
    """In a demonstration published facts stand beside simulated records."""
    if not now.edition.is_demonstration:
        return []
    return ["Опубликованные числа взяты из документов региона, записи издания смоделированы."]


def _filter(state: State, indicators: pd.DataFrame) -> pn.FlexBox:
    given = set(indicators["attainment"])
    options = {"Все статусы": ""} | {
        f"{mark.sign} {mark.word}": code for code, mark in theme.ATTAINMENT.items() if code in given
    }
    value = state.status if state.status in given else ""
    select = parts.choice("Статус", options, value)
    select.param.watch(lambda event: state.param.update(status=event.new), "value")
    return parts.bar(select)


#: Column → its class and its share of the width.
_HEADS = {
    "Показатель": ("", "19%"),
    "Вариант": ("", "14%"),
    "Числитель": ("num", "6%"),
    "Знаменатель": ("num", "6%"),
    "Значение": ("num", "6%"),
    "Интервал": ("num", "8%"),
    "План": ("num", "8%"),
    "Статус": ("", "16%"),
    "Источник": ("", "17%"),
}


def _table(now: Published, indicators: pd.DataFrame, status: str) -> str:
    """HTML of the variants; an indicator's name stands once, above its rows."""
    names = {entry.id: entry.name for entry in now.region.indicators}
    rows = indicators if not status else indicators[indicators["attainment"] == status]
    if rows.empty:
        return '<p class="muted">С таким статусом показателей нет.</p>'
    head = "".join(
        f'<th scope="col" class="{kind}" style="width:{width}">{name}</th>'
        for name, (kind, width) in _HEADS.items()
    )
    body, last = [], None
    for row in rows.to_dict("records"):
        is_first = row["indicator"] != last
        last = row["indicator"]
        body.append(_table_row(row, names[last] if is_first else ""))
    return parts.scrolled(
        f'<table class="wide"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>',
        "Показатели и их варианты",
    )


def _table_row(row: dict, name: str) -> str:
    value = wording.estimate(row) if row["status"] == "ok" else "—"
    cells = {
        "Показатель": parts.escape(name),
        "Вариант": parts.escape(passports.variant(row)),
        "Числитель": passports.number(row["numerator"]),
        "Знаменатель": passports.number(row["denominator"]),
        "Значение": f"<b>{parts.escape(value)}</b>",
        "Интервал": parts.escape(wording.interval(row)),
        "План": parts.escape(wording.target(row)),
        "Статус": parts.state(row["attainment"], row["attainment_label"]),
        "Источник": parts.escape(str(row["source"])),
    }
    tds = "".join(f'<td class="{_HEADS[k][0]}">{v}</td>' for k, v in cells.items())
    return f'<tr class="{"first" if name else ""}">{tds}</tr>'
