"""Events of the period and who came to them: participations are not persons.

An event counts once, by its date; a person once, whatever number of events. What organisers wrote
as the number of participants and the records of attendance stand apart and are never mixed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.measures.reporting import absent_of, missing_table, reporting
from nmc_utils.measures.tallies import (
    as_reported,
    counts,
    main_workplaces,
    measured,
    shares,
    tallied,
    unknown,
)
from nmc_utils.terms import DIRECTIONS, EVENT_KINDS, LEVELS, TOTAL, UNSTATED, plural_of

Tables = Mapping[str, pd.DataFrame]

#: The direction of events at which teachers teach each other.
HORIZONTAL = "horizontal"
#: What is summed over events → measure.
_SUMS = {"participants": "event_participations", "works": "event_works"}
_NAMES = {"participants": "число участников", "works": "число работ"}
_KEYS = ["level", "direction", "kind", "municipality"]
_COUNTED = ("events_held", "events_planned", *_SUMS.values())

NO_DATES = "дат проведения нет"
NO_EVENTS = "мероприятий этого направления в таблице «Мероприятия» за период нет"
NO_RECORDS = "мероприятия этого направления были, участие в них не прислано"


def held_in_period(events: pd.DataFrame, edition: Edition) -> pd.Series:
    """Tell which events were held in the period, on or before the day of the edition.

    An event without a date was not shown to have been held.
    """
    begins, ends = pd.Timestamp(edition.period.starts_on), pd.Timestamp(edition.period.ends_on)
    last = min(ends, pd.Timestamp(edition.as_of))
    return events["held_on"].between(begins, last)


def events_summary(tables: Tables, edition: Edition) -> pd.DataFrame:
    """How many events there were and are to come, by level, direction and kind; by municipality.

    Parameters
    ----------
    tables
        Canonical tables with `events`.

    Returns
    -------
    DataFrame
        Measure table with keys `level`, `direction`, `kind` and `municipality` (`UNSTATED` are
        events of no municipality), each with ``"total"``; municipalities are crossed with nothing.
        `events_held` in the period and by the day of the edition, `events_planned` later;
        `event_participations` and `event_works` are sums over the events held that name a
        number, `n` those events: participations, not persons. Crossed cells without an event are
        left out. `note` of a total says how many events have no date, or name no number.
    """
    if "events" not in tables:
        return measured([unknown(_COUNTED, _KEYS, missing_table("events"))], _KEYS)
    events = _dated(tables["events"], edition)
    codes = {"level": LEVELS, "direction": DIRECTIONS, "kind": EVENT_KINDS}
    places = {"municipality": edition.region.municipality_names}
    cut = {"unit": "event_id", "flags": ["is_held", "is_planned"]}
    crossed = tallied(events, codes, **cut).assign(municipality=TOTAL)
    alone = crossed[list(codes)].ne(TOTAL).sum(axis=1) < 2
    cells = [crossed[alone | crossed["n"].gt(0)]]
    cells.append(tallied(events, places, **cut).iloc[1:].assign(**dict.fromkeys(codes, TOTAL)))
    table = pd.concat(cells, ignore_index=True)
    undated = _undated(events)
    table["note"] = pd.Series(undated, table.index, dtype="object").where(_is_whole(table))
    if undated and not events["held_on"].notna().any():
        gap = unknown(_COUNTED, _KEYS, f"в таблице «Мероприятия» {NO_DATES}")
        return measured([gap], _KEYS)
    frames = [
        counts(table, "events_held", "is_held"),
        counts(table, "events_planned", "is_planned"),
    ]
    frames += [_summed(events[events["is_held"]], table, column) for column in _SUMS]
    return _reported(measured(frames, _KEYS), tables, "events", edition)


def _dated(events: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    later = events["held_on"] > pd.Timestamp(edition.as_of)
    return events.assign(is_held=held_in_period(events, edition), is_planned=later)


def _undated(events: pd.DataFrame) -> str | None:
    n = int(events["held_on"].isna().sum())
    if not n:
        return None
    words = plural_of(n, "мероприятие", "мероприятия", "мероприятий")
    return f"без даты {n} {words}: в числах их нет"


def _is_whole(table: pd.DataFrame) -> pd.Series:
    return table[_KEYS].eq(TOTAL).all(axis=1)


def _summed(held: pd.DataFrame, table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Sum a number that events name over the cells of `table`; none named is no number, not 0."""
    values = _over_cells(held.dropna(subset=[column]).astype({column: "float64"}))[column]
    cells = pd.MultiIndex.from_frame(table[_KEYS])
    sums, sizes = values.sum().reindex(cells), values.size().reindex(cells, fill_value=0)
    table = table.assign(total=sums.to_numpy(), n=sizes.to_numpy())
    told = [
        f"{_NAMES[column]} указано у {row['n']} из {row['is_held']}"
        for row in table.to_dict("records")
    ]
    partly = table["n"].lt(table["is_held"]) & table["n"].gt(0) & (column == "participants")
    note = pd.Series(told, table.index, dtype="object").where(partly)
    note = note.mask(table["n"].eq(0), f"{_NAMES[column]} не указано")
    note = note.mask(table["is_held"].eq(0), "мероприятий за период нет")
    kept = _is_whole(table) | table["n"].gt(0)
    return counts(table.assign(note=note)[kept], _SUMS[column], "total")


def _over_cells(named: pd.DataFrame) -> Any:
    """Rows in every cell of the three crossed keys, and of municipalities alone, grouped."""
    filled = named
    for key in ("level", "direction", "kind"):
        filled = pd.concat([filled.assign(**{key: TOTAL}), filled])
    alone = named.assign(level=TOTAL, direction=TOTAL, kind=TOTAL)
    alone = alone.fillna({"municipality": UNSTATED})
    return pd.concat([filled.assign(municipality=TOTAL), alone]).groupby(_KEYS)


def _reported(table: pd.DataFrame, tables: Tables, name: str, edition: Edition) -> pd.DataFrame:
    """As `as_reported`, also of a table that municipalities and the centre send."""
    return as_reported(table, _with_silent(tables, name, edition), name, edition.region)


def _with_silent(tables: Tables, name: str, edition: Edition) -> Tables:
    """Say of a table that municipalities and the centre send who has not reported at all."""
    status = tables.get("status")
    if status is None or name in set(status["table"]):
        return tables
    told = reporting(tables, edition.region)
    rows = told[["municipality"]].assign(table=name, is_sent=told["is_reported"].astype("bool"))
    return {**tables, "status": pd.concat([status, rows], ignore_index=True)}


def attendance_summary(tables: Tables, edition: Edition) -> pd.DataFrame:
    """How many of the staff came to any event of the period, and to those of each direction.

    Parameters
    ----------
    tables
        Canonical tables with `attendance` and `events`; shares need `staff`, municipalities
        `employment` (the main workplace).

    Returns
    -------
    DataFrame
        Measure table with keys `direction` (``"total"`` is any event; «горизонтальное обучение»
        always, another where an event of it was held) and `municipality`. `event_attendees`:
        persons, each once in a cell, strangers to the staff too; `attended_share`: of the staff,
        with the Wilson interval, `n` the staff of the municipalities that have sent attendance.
        A direction without events or without records of attendance is «no_data», not 0.
    """
    keys, names = ["direction", "municipality"], ["event_attendees", "attended_share"]
    if lacking := [name for name in ("events", "attendance") if name not in tables]:
        gap = unknown(names, keys, missing_table(*lacking))
        return measured([gap.assign(direction=name) for name in (TOTAL, HORIZONTAL)], keys)
    municipalities = edition.region.municipality_names
    events = tables["events"]
    held = events[held_in_period(events, edition)]
    came = tables["attendance"].merge(held[["event_id", "direction"]], on="event_id")
    came = _reporting(came, tables)
    directions = [d for d in DIRECTIONS if d == HORIZONTAL or d in set(held["direction"])]
    table = _with_gaps(_attended(came, directions, municipalities), held, came)
    frames = [counts(table, names[0], "n")]
    if "staff" not in tables:
        frames.append(unknown(names[1:], keys, missing_table("staff")))
    else:
        staff = _reporting(tables["staff"][["person_id"]].drop_duplicates(), tables)
        frames.append(_of_staff(came, staff, table, municipalities))
    result = measured([_emptied(frame) for frame in frames], keys)
    return _reported(result, tables, "attendance", edition)


def _reporting(people: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """People with the `municipality` of their main workplace, of those that sent attendance."""
    people = people.assign(municipality=people["person_id"].map(_places(tables)))
    return people[~people["municipality"].isin(absent_of(tables, "attendance"))]


def _places(tables: Tables) -> dict[str, str]:
    """Person → municipality of the main workplace."""
    if "employment" not in tables:
        return {}
    main = main_workplaces(tables)
    return dict(zip(main["person_id"], main["municipality"], strict=True))


def _attended(
    came: pd.DataFrame, directions: list[str], municipalities: Mapping[str, str]
) -> pd.DataFrame:
    keys = {"direction": directions, "municipality": municipalities}
    return tallied(came, keys, unit="person_id")


def _with_gaps(table: pd.DataFrame, held: pd.DataFrame, came: pd.DataFrame) -> pd.DataFrame:
    """Say beside directions that nothing is known of why; `is_known` tells the others."""
    had, recorded = set(held["direction"]), set(came["direction"])
    named = table["direction"].ne(TOTAL)
    note = pd.Series(None, table.index, dtype="object")
    note = note.mask(named & ~table["direction"].isin(recorded), NO_RECORDS)
    note = note.mask(named & ~table["direction"].isin(had), NO_EVENTS)
    if came.empty:
        note = note.mask(~named, "участие в мероприятиях периода не прислано")
    kept = note.isna() | table["municipality"].eq(TOTAL)
    return table.assign(note=note, is_known=note.isna())[kept].reset_index(drop=True)


def _of_staff(
    came: pd.DataFrame,
    staff: pd.DataFrame,
    table: pd.DataFrame,
    municipalities: Mapping[str, str],
) -> pd.DataFrame:
    """Share of the staff in every cell of `table`."""
    size = tallied(staff, {"municipality": municipalities}, unit="person_id")
    mine = came[came["person_id"].isin(staff["person_id"])]
    directions = [code for code in table["direction"].unique() if code != TOTAL]
    attended = _attended(mine, directions, municipalities).rename(columns={"n": "attended"})
    cells = table.drop(columns="n").merge(attended, on=["direction", "municipality"], how="left")
    cells = cells.merge(size, on="municipality", how="left")
    cells = cells.astype({"attended": "Int64", "n": "Int64"}).fillna({"attended": 0, "n": 0})
    return shares(cells, "attended_share", "attended", nobody="работников по таблицам нет")


def _emptied(frame: pd.DataFrame) -> pd.DataFrame:
    """Take the numbers from rows of which nothing is known."""
    if "is_known" not in frame:
        return frame
    gap = ~frame["is_known"]
    numbers = ["estimate", "std_error", "ci_low", "ci_high"]
    return frame.assign(
        **{column: frame[column].mask(gap) for column in numbers},
        status=np.where(gap, "no_data", frame["status"]),
    )
