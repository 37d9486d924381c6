"""Rows of tables as counts: what protection and attack both start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from nmc_utils.terms import TOTAL

#: Sum dimension of a group that a count is a part of, and its two codes.
PART, INSIDE, OUTSIDE = "=(часть)", "да", "нет"
#: Stands before the names of keys where they are columns beside others.
KEY = "="


@dataclass(frozen=True)
class Form:
    """How the rows of a table, or those of one measure of it, are counts.

    `kind`: ``"counts"`` — a row is a count; ``"parts"`` — a count out of a group, both shown;
    ``"derived"`` — a mean or another number of a group, hidden with it. `sums` are the keys that
    add up, `parts` those whose codes divide a group, all of it when `is_exhaustive`. `links` says
    for each code of the labels under which name its persons are counted elsewhere too, `borrowed`
    over which keys other tables have the totals.
    """

    kind: str
    keys: tuple[str, ...]
    sums: tuple[str, ...]
    parts: tuple[str, ...] = ()
    is_exhaustive: bool = False
    counted: str = "n"
    links: Mapping[str, str] = field(default_factory=dict)
    borrowed: tuple[tuple[str, ...], ...] = ()

    @property
    def labels(self) -> list[str]:
        """Keys that neither add up nor divide: each of their codes is a table of its own."""
        return [key for key in self.keys if key not in (*self.sums, *self.parts)]


@dataclass(frozen=True)
class Sheet:
    """Rows of one form: where they stand in their table, their codes and numbers.

    `count` and `group` are missing (NaN) where hidden; `group` is the whole of a part, or what a
    derived number is about. `revised` rows of an earlier publication counted something that has
    changed since: their cells are nobody else's. A row at -1 is a total that another table shows.
    """

    table: str
    measure: str
    form: Form
    rows: np.ndarray
    codes: pd.DataFrame
    count: np.ndarray
    group: np.ndarray
    revised: np.ndarray

    @property
    def name(self) -> str:
        """Table and measure, as a structure calls them."""
        return f"{self.table}/{self.measure}" if self.measure else self.table


def spelled(codes: Mapping[str, str]) -> str:
    """Name a place by its codes, without the totals: «municipality=abakan, level=low»."""
    told = [f"{key}={code}" for key, code in sorted(codes.items()) if code != TOTAL]
    return ", ".join(told) or "всего"


def entries(sheet: Sheet) -> pd.DataFrame:
    """Cells that the rows of a sheet show, and those that follow from two of them.

    Returns
    -------
    DataFrame
        `cell` (what is counted and where), `value` (missing where hidden), `row` (position in the
        table, -1 where no row shows the cell), `role` (``"count"``, ``"group"`` or ``"rest"``, the
        group without the count), `block` (within it lines add up) and a column for each key that
        adds up, `PART` among them where a count is part of a group.
    """
    form, codes = sheet.form, sheet.codes
    sums = codes[list(form.sums)].add_prefix(KEY)
    labels = _told(codes[form.labels])
    if form.kind == "counts":
        return _entries(sheet, _cells(sheet, "count"), sheet.count, "count", labels, sums)
    groups = _cells(sheet, "group")
    if form.kind == "derived":
        return _entries(sheet, groups, sheet.group, "group", labels, sums)
    parts = _told(codes[list(form.parts)])
    counts = _cells(sheet, "count")
    block = labels if form.is_exhaustive else labels + "|" + parts
    inside = parts if form.is_exhaustive else np.full(len(parts), INSIDE, object)
    made = [
        _entries(sheet, groups, sheet.group, "group", block, sums.assign(**{PART: TOTAL})),
        _entries(sheet, counts, sheet.count, "count", block, sums.assign(**{PART: inside})),
    ]
    if not form.is_exhaustive:
        rest, outside = groups + " − " + counts, sums.assign(**{PART: OUTSIDE})
        left = sheet.group - sheet.count
        made.append(_entries(sheet, rest, left, "rest", block, outside).assign(row=-1))
    return pd.concat(made, ignore_index=True)


def _entries(
    sheet: Sheet,
    cells: np.ndarray,
    values: np.ndarray,
    role: str,
    block: np.ndarray,
    sums: pd.DataFrame,
) -> pd.DataFrame:
    return sums.assign(cell=cells, value=values, row=sheet.rows, role=role, block=block)


def _cells(sheet: Sheet, role: str) -> np.ndarray:
    """Name the cells; linked blocks leave their labels out."""
    form = sheet.form
    codes = sheet.codes if role == "count" else sheet.codes.drop(columns=list(form.parts))
    places = _told(codes.drop(columns=form.labels))
    own = form.counted if role == "count" else "n"
    series = [form.links.get(f"{role}|{label}") for label in _told(sheet.codes[form.labels])]
    named = [
        (f"{own}: {whole}" if link is None else f"{link}: {place}") + " (прежнее)" * bool(changed)
        for link, whole, place, changed in zip(
            series, _told(codes), places, sheet.revised, strict=True
        )
    ]
    return np.array(named, dtype=object)


def _told(codes: pd.DataFrame) -> np.ndarray:
    return np.array([spelled(place) for place in codes.to_dict("records")], dtype=object)
