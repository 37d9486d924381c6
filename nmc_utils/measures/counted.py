"""Counts of records that definitions describe: named populations and conditions.

See `nmc_utils.populations` for the description; here it meets the tables of an edition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.measures.periods import is_current
from nmc_utils.measures.reporting import absent_of, missing_table
from nmc_utils.measures.roadmap import due_year
from nmc_utils.populations import (
    AGE,
    DERIVED,
    DUE,
    OF_PERSONS,
    Comparison,
    Count,
    Named,
    Rows,
    heading,
    key_of,
    kind_of,
)
from nmc_utils.terms import COUNTED, TABLE_TITLES, of_places

Tables = Mapping[str, pd.DataFrame]
#: Memberships and workplaces: only those that hold on the day of the edition count.
_CURRENT = frozenset({"employment", "methodists", "mentoring"})


@dataclass(frozen=True)
class Counted:
    """A number of records and where it is from.

    `number` is missing with the tables in `missing`, and where `unfilled` says what nobody has
    filled in; `part` says of how many municipalities it is where not all have sent, and `partly`
    names the tables that they have not sent. `left_out` more might be counted, if the `empty`
    columns were filled.
    """

    number: float
    source: str
    part: str = ""
    missing: tuple[str, ...] = ()
    partly: tuple[str, ...] = ()
    unfilled: str = ""
    left_out: float = 0
    empty: str = ""


def tables_of(count: Count, edition: Edition) -> tuple[str, ...]:
    """Names of the tables that a count rests on, what is counted first."""
    rows = count.rows(edition.region.library)
    return tuple(dict.fromkeys(name for part in rows for name in part.tables))


def is_of_persons(count: Count, edition: Edition) -> bool:
    """Whether a count rests on records of persons' development and so is not public."""
    return not OF_PERSONS.isdisjoint(tables_of(count, edition))


def counted(
    count: Count, edition: Edition, tables: Tables, *, beside: Count | None = None
) -> Counted:
    """Count what a definition describes, persons and organisations once.

    Parameters
    ----------
    count
        A table or a named population, and the conditions that hold together.
    edition
        Gives the names, the period (up to its day) and the day.
    tables
        Canonical tables. Memberships and workplaces count where they hold on that day, staff
        whose main workplace has not ended by it.
    beside
        The other count of a share. Both are then of the municipalities that have sent every table
        involved: people by their main workplace, organisations by their own municipality.

    Returns
    -------
    Counted
        An empty date is an event that has not been. Of a row whose other compared cell is empty it
        is unknown whether it meets the comparison: where that decides, the row is in no count, nor
        in the other one of a share, and `source` says how many there are. Where a compared column
        is empty everywhere, or no row of a linked table is of the kind asked for, nothing was
        recorded, and there is no number.
    """
    needed = tables_of(count, edition)
    if lacking := tuple(name for name in needed if name not in tables):
        return Counted(np.nan, missing_table(*lacking), missing=lacking)
    parts = count.rows(edition.region.library)
    for part in parts:
        if words := next(_unrecorded(part, edition, tables), ""):
            return Counted(np.nan, f"записи издания: {words}", unfilled=words)
    involved = dict.fromkeys(needed + (tables_of(beside, edition) if beside else ()))
    both = parts + _other(beside, edition, tables)
    unclear = _unclear(parts, both, edition, tables)
    mask = _of_all(parts, edition, tables) & ~unclear
    if beside and any(absent_of(tables, name) for name in involved):
        places, by = _places(needed[0], edition, tables)
        involved |= dict.fromkeys(by)
        is_told = _is_told(places, involved, by, tables)
        mask, unclear = mask & is_told, unclear & is_told
    partly = tuple(name for name in involved if absent_of(tables, name))
    titles = ", ".join(f"«{TABLE_TITLES[name]}»" for name in needed)
    source = f"записи издания, {'таблица' if len(needed) == 1 else 'таблицы'} {titles}"
    note = _of_some(partly, edition, tables)
    source += f", {note}" if note else ""
    key = COUNTED[needed[0]]
    empty = _empty(both, tables) if unclear.any() else ""
    if n_unclear := tables[needed[0]].loc[unclear, key].nunique():
        source += f"; не учтено {n_unclear}: не заполнено {empty}"
    if beside and partly and places is None:
        return Counted(np.nan, source, note, partly=partly)
    counts = set(tables[needed[0]].loc[mask, key])
    could = unclear & _of_all(parts, edition, tables, if_empty=True)
    left_out = float(len(set(tables[needed[0]].loc[could, key]) - counts))
    return Counted(float(len(counts)), source, note, partly=partly, left_out=left_out, empty=empty)


# --- what cannot be told ------------------------------------------------------------------------


def _other(beside: Count | None, edition: Edition, tables: Tables) -> tuple[Rows, ...]:
    """Descriptions of the other count; none where it has no number anyway."""
    if beside is None or not all(name in tables for name in tables_of(beside, edition)):
        return ()
    parts = beside.rows(edition.region.library)
    gaps = [words for part in parts for words in _unrecorded(part, edition, tables)]
    return () if gaps else parts


def _unclear(
    own: tuple[Rows, ...], both: tuple[Rows, ...], edition: Edition, tables: Tables
) -> pd.Series:
    """Rows of which empty cells hide whether they are counted, here or in the other count."""
    pairs = [part for part in both if part.table == own[0].table]
    sides = (own, tuple(part for part in pairs if part not in own))
    unclear = pd.Series(False, index=tables[own[0].table].index)
    for parts in filter(None, sides):
        could_be = _of_all(parts, edition, tables, if_empty=True)
        unclear |= could_be & ~_of_all(parts, edition, tables)
    return unclear


def _empty(parts: Iterable[Rows], tables: Tables) -> str:
    """Headings of the compared columns, dates aside, that are empty somewhere."""
    titles = {
        f"«{heading(rows.table, column)}»": None
        for part in parts
        for rows in _with_linked(part)
        for tests in (rows.tests, *rows.choices)
        for column in tests
        if column not in DERIVED.get(rows.table, {})
        and tables[rows.table][column].isna().any()
        and kind_of(rows.table, column) != "date"
    }
    return ", ".join(titles)


def _with_linked(rows: Rows) -> Iterator[Rows]:
    yield rows
    if rows.has:
        yield from _with_linked(rows.has)


# --- of the same municipalities -----------------------------------------------------------------


def _of_some(partly: Iterable[str], edition: Edition, tables: Tables) -> str:
    absent = set().union(*(absent_of(tables, name) for name in partly))
    n = len(edition.region.municipalities)
    return f"данные {of_places(n - len(absent), n)}" if absent else ""


def _places(
    name: str, edition: Edition, tables: Tables
) -> tuple[pd.Series | None, tuple[str, ...]]:
    """Municipality of every row of a table, and the table that tells it; None where none does."""
    frame = tables[name]
    if "municipality" in frame:
        return frame["municipality"], ()
    if "person_id" in frame and "employment" in tables:
        work = tables["employment"]
        main = work[work["is_main"] & is_current(work, edition.as_of)]
        main = main.sort_values(["person_id", "municipality"]).drop_duplicates("person_id")
        return frame["person_id"].map(main.set_index("person_id")["municipality"]), ("employment",)
    if "organization_id" in frame and "organizations" in tables:
        own = tables["organizations"].set_index("organization_id")["municipality"]
        return frame["organization_id"].map(own), ("organizations",)
    return None, ()


def _is_told(
    places: pd.Series | None, involved: Iterable[str], by: tuple[str, ...], tables: Tables
) -> pd.Series | bool:
    """Rows of municipalities that have sent everything; of those without one if it can be so."""
    if places is None:
        return False
    absent = set().union(*(absent_of(tables, name) for name in involved))
    is_unplaced = places.isna() & (not any(absent_of(tables, name) for name in by))
    return (places.notna() & ~places.isin(absent)) | is_unplaced


# --- what nobody has recorded -------------------------------------------------------------------


def _unrecorded(rows: Rows, edition: Edition, tables: Tables) -> Iterator[str]:
    """What of a description is recorded nowhere, in words: of it a zero would say too much."""
    frame, title = tables[rows.table], TABLE_TITLES[rows.table]
    if frame.empty:
        yield f"в таблице «{title}» за период нет ни одной записи"
        return
    for column, test in rows.tests.items():
        if isinstance(test, Comparison) and test.given is not None:
            continue
        if _cells(frame, column, edition).isna().all():
            empty = heading(rows.table, column)
            yield f"в таблице «{title}» не заполнен столбец «{empty}»"
    if rows.has:
        yield from _unrecorded(rows.has, edition, tables)
        if not chosen(rows.has, edition, tables).any():
            other = TABLE_TITLES[rows.has.table]
            about = f" для условия «{rows.label}»" if isinstance(rows, Named) else " этого вида"
            yield f"в таблице «{other}» за период нет ни одной записи{about}"


# --- which rows ---------------------------------------------------------------------------------


def _of_all(
    parts: tuple[Rows, ...], edition: Edition, tables: Tables, *, if_empty: bool = False
) -> pd.Series:
    masks = [chosen(part, edition, tables, if_empty=if_empty) for part in parts]
    return pd.concat(masks, axis=1).all(axis=1)


def chosen(rows: Rows, edition: Edition, tables: Tables, *, if_empty: bool = False) -> pd.Series:
    """Tell which rows of its table a description is of: bool, on the index of the table.

    `if_empty` says whether an empty cell, a date aside, meets what it is compared with.
    """
    frame = tables[rows.table]
    mask = pd.Series(True, index=frame.index)
    if rows.table in _CURRENT and {"from_on", "to_on"} <= set(frame):
        mask &= is_current(frame, edition.as_of)
    if rows.table == "staff":
        mask &= ~has_left(frame["person_id"], edition, tables)
    mask &= _meets_all(frame, rows.tests, edition, if_empty)
    if rows.choices:
        met = [_meets_all(frame, tests, edition, if_empty) for tests in rows.choices]
        mask &= pd.concat(met, axis=1).any(axis=1)
    if rows.has:
        mask &= _has(frame, rows, edition, tables, if_empty)
    return mask


def has_left(persons: pd.Series, edition: Edition, tables: Tables) -> pd.Series:
    """Whose main workplaces are told, and none holds on the day of the edition."""
    work = tables.get("employment")
    if work is None or not {"is_main", "from_on", "to_on"} <= set(work):
        return pd.Series(False, index=persons.index)
    main = work[work["is_main"]]
    holds = is_current(main, edition.as_of).groupby(main["person_id"]).any()
    return persons.map(holds).eq(False)


def _has(
    frame: pd.DataFrame, rows: Rows, edition: Edition, tables: Tables, if_empty: bool
) -> pd.Series:
    """Which rows have a row of the other table that is asked for."""
    key = key_of(rows.table, rows.has.table)
    other = tables[rows.has.table]
    other = other[chosen(rows.has, edition, tables, if_empty=if_empty)].dropna(subset=key)
    linked = rows.has.linked
    if not linked:
        # Series.isin would look at every text of the other table on its own: slow for thousands.
        found = pd.Index(other[key].unique()).get_indexer(frame[key]) >= 0
        return pd.Series(found, index=frame.index)
    asking = frame[[key, *dict.fromkeys(linked.values())]].assign(row=range(len(frame)))
    pairs = asking.merge(other[[key, *linked]], on=key, suffixes=("", "_of_other"))
    met = pd.Series(True, index=pairs.index)
    for column, asked in linked.items():
        own = f"{column}_of_other" if column in asking else column
        met &= pairs[own] <= pairs[asked]
    return pd.Series(range(len(frame)), index=frame.index).isin(pairs.loc[met, "row"])


def _meets_all(
    frame: pd.DataFrame, tests: Mapping[str, Any], edition: Edition, if_empty: bool
) -> pd.Series:
    mask = pd.Series(True, index=frame.index)
    for column, value in tests.items():
        cells = _cells(frame, column, edition)
        met = _meets(cells, value, edition)
        if if_empty and not _is_of_events(value):
            met |= cells.isna()
        mask &= met
    return mask


def _is_of_events(value: Any) -> bool:
    """Whether an empty cell says something: there has been no such event."""
    return isinstance(value, Comparison) and not value.is_of_numbers


def _cells(frame: pd.DataFrame, column: str, edition: Edition) -> pd.Series:
    if column == AGE:
        return edition.as_of.year - frame["birth_year"]
    return _due_by(frame, edition) if column == DUE else frame[column]


def _due_by(frame: pd.DataFrame, edition: Edition) -> pd.Series:
    """The last day of the year in which a measure of the roadmap is due; missing without one."""
    documented = {entry.id: entry.due for entry in edition.system.roadmap}
    texts = frame["measure_id"].map(documented).astype("object").fillna(frame["due"])
    dues = [due_year(None if pd.isna(text) else text) for text in texts]
    years = [year or (edition.period.year if is_yearly else None) for year, is_yearly in dues]
    days = [None if year is None else f"{year}-12-31" for year in years]
    return pd.to_datetime(pd.Series(days, index=frame.index, dtype="object"))


def _meets(cells: pd.Series, value: Any, edition: Edition) -> pd.Series:
    """Where a cell is what the definition asks for; an empty one is not."""
    if not isinstance(value, Comparison):
        values = list(value) if isinstance(value, list | tuple) else [value]
        return cells.isin(values).fillna(False).astype(bool)
    limits = {"below": cells.lt, "at_most": cells.le, "at_least": cells.ge, "above": cells.gt}
    met = [compare(getattr(value, name)) for name, compare in limits.items()
           if getattr(value, name) is not None]  # fmt: skip
    if value.given is not None:
        met.append(cells.notna() == value.given)
    last = pd.Timestamp(edition.as_of)
    if value.linked:  # with the asking row it is compared in `_has`
        met.append(cells.notna())
    elif value.by:
        met.append(cells.le(last))
    if value.within:
        ends = min(last, pd.Timestamp(edition.period.ends_on))
        met.append(cells.between(pd.Timestamp(edition.period.starts_on), ends))
    return pd.concat(met, axis=1).fillna(False).astype(bool).all(axis=1)
