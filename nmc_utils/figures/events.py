"""Events by level and direction; who came to learn from colleagues."""

from __future__ import annotations

import holoviews as hv
import pandas as pd

from nmc_utils import findings, theme, wording
from nmc_utils.figures.rows import (
    headline,
    ordered,
    selected,
    sentence,
    values_and_sizes,
    why_empty,
)
from nmc_utils.regions import Region
from nmc_utils.terms import DIRECTIONS, LEVELS, TOTAL


def events_by_level(events_summary: pd.DataFrame) -> hv.Overlay:
    """Direction × level: events held, those to come below.

    Directions and levels without events are left out.

    Parameters
    ----------
    events_summary
        Measure table of `events.events_summary`.
    """
    subtitle = "Проведено мероприятий за период; чем темнее, тем больше"
    title = headline(findings.events_held(events_summary).partition(";")[0])
    everywhere = {"kind": TOTAL, "municipality": TOTAL}
    held = selected(events_summary, "events_held", **everywhere)
    if (held["status"] != "ok").all():
        return theme.reason(why_empty(held), "Мероприятия", subtitle)
    counted = _counted(held, selected(events_summary, "events_planned", **everywhere))
    if counted.empty:
        return theme.reason("Мероприятий за период нет", "Мероприятия", subtitle)
    directions = {TOTAL: "Все направления"} | _DIRECTIONS
    rows = {c: name for c, name in directions.items() if c in set(counted["direction"])}
    levels = {TOTAL: "Все уровни"} | _LEVELS
    columns = {c: name for c, name in levels.items() if c in {TOTAL, *counted["level"]}}
    values = {(row["direction"], row["level"]): row for row in counted.to_dict("records")}
    most = max(row["held"] for key, row in values.items() if TOTAL not in key)
    cells = [
        _cell(values.get((direction, level)), down, across, most, (direction, level))
        for down, direction in enumerate(rows)
        for across, level in enumerate(columns)
    ]
    frame = pd.DataFrame(cells)
    if frame["note"].any():
        subtitle += "; ниже — ещё впереди"
    else:
        frame = frame.drop(columns="note")
    return theme.heat(frame, title=title, subtitle=subtitle, rows=rows, columns=columns)


_DIRECTIONS = {code: name[:1].upper() + name[1:] for code, name in DIRECTIONS.items()}
_LEVELS = {code: name[:1].upper() + name[1:] for code, name in LEVELS.items()}


def _counted(held: pd.DataFrame, planned: pd.DataFrame) -> pd.DataFrame:
    """`held` and `planned` in every cell that has any, by direction and level."""
    table = _crossed(held, "held").merge(_crossed(planned, "planned"), how="outer")
    table = table.fillna({"held": 0.0, "planned": 0.0})
    return table[table["held"].gt(0) | table["planned"].gt(0)]


def _crossed(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    return rows[["direction", "level", "estimate"]].rename(columns={"estimate": name})


def _cell(
    row: dict[str, float] | None, down: int, across: int, most: float, key: tuple[str, str]
) -> dict[str, object]:
    held = 0 if row is None else row["held"]
    planned = 0 if row is None else row["planned"]
    # Totals have no colour: they would leave all the others pale.
    fill, ink = theme.sequential(0.0 if TOTAL in key else held / max(most, 1))
    hint = f"проведено: {wording.number(held)}; впереди: {wording.number(planned)}"
    direction, level = key
    name = f"{_DIRECTIONS.get(direction, 'Все направления')}, {LEVELS.get(level, 'все уровни')}"
    return {
        "x": float(across),
        "y": -float(down),
        "name": name,
        "hint": hint,
        "text": wording.number(held) if held or planned else "—",
        "note": f"ещё {wording.number(planned)}" if planned else "",
        "fill": fill,
        "ink": ink,
    }


def attended_by_municipality(
    attendance_summary: pd.DataFrame, region: Region, *, direction: str = "horizontal"
) -> hv.Overlay:
    """Share of the staff who came to events of a direction, one row a municipality.

    Municipalities stand in their official order.

    Parameters
    ----------
    attendance_summary
        Measure table of `events.attendance_summary`.
    direction
        Of `terms.DIRECTIONS`, or ``"total"`` for any event.
    """
    words = _DIRECTIONS.get(direction, "Любое мероприятие")
    subtitle = f"{words}, доля работников, %: точка — доля, полоса — интервал; черта — регион"
    rows = selected(attendance_summary, "attended_share", direction=direction)
    names = wording.with_unstated(region.municipality_names, rows["municipality"])
    shown = ordered(rows, "municipality", names)
    if shown.empty or (shown["status"] != "ok").all():
        return theme.reason(why_empty(rows), words, subtitle)
    whole = rows[rows["municipality"] == TOTAL].iloc[0].to_dict()
    told = findings.attendance(attendance_summary, direction)
    reference = None
    if whole["status"] == "ok":
        reference = (100 * whole["estimate"], f"регион: {wording.percent(whole['estimate'], 1)}")
    shown["hint"] = [sentence(row) for row in shown.assign(note=None).to_dict("records")]
    return theme.dot_plot(
        shown,
        right=values_and_sizes(shown),
        title=headline(told),
        subtitle=subtitle,
        xlabel="% работников",
        reference=reference,
        row_height=27,
    )
