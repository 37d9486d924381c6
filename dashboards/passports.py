"""Passport of an indicator: what it is, where its numbers are from, how it went over periods."""

from __future__ import annotations

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.store import Published, State, Trajectories, trajectories
from nmc_utils import figures, findings, wording
from nmc_utils.indicator_definitions import Indicator
from nmc_utils.terms import NO_DUE

_UNITS = {"share": "доля", "persons": "человек", "count": "количество", "yes_no": "да или нет"}
_COMPARED = {">=": "не меньше", "<=": "не больше", "exists": "выполнено"}


def number(value: float) -> str:
    """Write a number of an indicator, or a dash where there is none."""
    return "—" if pd.isna(value) else wording.number(value)


def variant(row: dict) -> str:
    """Name the variant and, where it is not of documents, what it is counted from."""
    basis = "" if row["basis"] == "published" else f", {findings.BASES[row['basis']]}"
    return f"{row['variant_label']}{basis}"


def passports(state: State, indicators: pd.DataFrame) -> pn.Column:
    """Choose an indicator: its passport, its trajectory, the discrepancies that touch it.

    The trajectory goes over all published editions up to the chosen one that make a series.
    """
    now = state.current
    joined = trajectories(now, state.earlier)
    entries = {entry.id: entry for entry in now.region.indicators}
    detail = parts.column()
    options = {entry.name: entry.id for entry in entries.values()}
    told = indicators.loc[indicators["status"] == "ok", "indicator"]
    first = told.iloc[0] if len(told) else next(iter(entries))
    select = parts.choice("Паспорт показателя", options, first, width=900)

    def draw(*_: object) -> None:
        own = indicators[indicators["indicator"] == select.value]
        detail[:] = [
            parts.block(_passport(now, entries[select.value], own)),
            *_trajectory(now, joined, select.value),
            *_touching(now, select.value),
        ]

    draw()
    select.param.watch(draw, "value")
    return parts.card(parts.bar(select), detail)


def _passport(now: Published, entry: Indicator, rows: pd.DataFrame) -> str:
    lines = {
        "Направление": entry.direction or "в документах не указано",
        "Единица": _UNITS[entry.unit],
        "Население": _told(rows["population"]) or "в документах не указано",
        "Дата данных": _told(rows["dated"].dropna().map(wording.dated)) or "данных нет",
        "Сравнение с планом": _COMPARED.get(entry.comparator, "плана нет, сравнивать не с чем"),
        "Плановые значения": _targets(now, entry),
        "Происхождение формулы": entry.formula_origin,
        "Ответственный": entry.responsible or "не указан в документах",
        "Что дало бы число": _told(rows["closed_by"]) or "—",
        "Примечание": parts.joined(entry.note or "", entry.caveat or "") or "—",
    }
    about = "".join(f"<dt>{k}</dt><dd>{parts.escape(v)}</dd>" for k, v in lines.items())
    variants = "".join(
        f"<dt>{parts.escape(variant(row))}</dt><dd>{parts.escape(_formula(row))}</dd>"
        for row in rows.to_dict("records")
    )
    return (
        f'<h2 class="gap">{parts.escape(entry.name)}</h2><dl>{about}</dl>'
        f'<h2 class="gap">Откуда число</h2><dl>{variants}</dl>'
    )


def _told(values: pd.Series) -> str:
    return "; ".join(dict.fromkeys(values.dropna()))


def _trajectory(
    now: Published, joined: Trajectories | None, indicator: str
) -> list[pn.viewable.Viewable]:
    """The values of an indicator over periods with their attainment, where the run has them."""
    if joined is None:
        return []
    values = joined.values
    figure = figures.indicator_trajectory(values, joined.paces, indicator, now.region)
    own = values[values["indicator"] == indicator]
    rows = own.to_dict("records")
    own = own.assign(
        name=[variant(row) for row in rows], plan=[wording.target(row) for row in rows]
    )
    headings = {"period": "Период", "name": "Вариант", "estimate": "Значение"}
    headings |= {"ci": "95 % интервал", "plan": "План", "attainment_label": "Статус"}
    headings |= {"source": "Источник"}
    return [parts.chart(figure, lambda: parts.readable(own, headings), note=joined.note)]


def _touching(now: Published, indicator: str) -> list[pn.viewable.Viewable]:
    """Discrepancies of the documents that touch an indicator."""
    known = now.table("discrepancies")
    if known is None:
        return []
    rows = known[[indicator in touched.split("; ") for touched in known["indicators"]]]
    items = "".join(
        f"<dt>{parts.escape(row['title'])}</dt>"
        f"<dd>{parts.escape(parts.joined(row['what'], row['treatment']))}</dd>"
        for row in rows.to_dict("records")
    )
    told = f"<dl>{items}</dl>" if items else '<p class="muted">Этого показателя не касаются.</p>'
    return [parts.block(f'<h2 class="gap">Расхождения документов</h2>{told}')]


def all_discrepancies(now: Published) -> list[pn.viewable.Viewable]:
    """All discrepancies of the region's documents in one table, where the run has them."""
    known = now.table("discrepancies")
    if known is None or known.empty:
        return []
    rows = findings.discrepancy_rows(known)
    table = parts.readable(rows, findings.DISCREPANCY_COLUMNS)
    head = f"<h2>{parts.escape(findings.discrepancies(known))}</h2>"
    return [parts.card(parts.block(head + parts.scrolled(table, "Расхождения документов")))]


def _targets(now: Published, entry: Indicator) -> str:
    words = []
    for target in entry.targets:
        span = NO_DUE if target.first_year is None else f"{target.first_year}"
        if target.last_year != target.first_year:
            span += f"–{target.last_year}"
        if isinstance(target.value, bool):
            value = "да" if target.value else "нет"
        elif entry.unit == "share":
            value = wording.percent(target.value)
        else:
            value = wording.number(target.value)
        words.append(
            f"{span}: {value} ({now.region.document(target.document).short}, {target.section})"
        )
    return "; ".join(words) or "не установлены"


def _formula(row: dict) -> str:
    if row["status"] != "ok":
        return parts.joined(str(row["source"]), f"закроет: {row['closed_by']}")
    value = wording.estimate(row)
    if pd.notna(row["denominator"]):
        top = f"{number(row['numerator'])} ({row['numerator_label']})"
        value = f"{top} / {number(row['denominator'])} ({row['denominator_label']}) = {value}"
    elif pd.notna(row["numerator"]):
        value = f"{value} ({row['numerator_label']})"
    bounds = wording.interval(row)
    interval = "" if bounds == "—" else f"; интервал {bounds}"
    return parts.joined(f"{value}{interval}", str(row["source"]))
