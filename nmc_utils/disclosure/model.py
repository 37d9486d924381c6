"""Cells of all tables at once and the sums that bind them: what protection reckons with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import sparse

from nmc_utils.disclosure.sheets import KEY, Sheet, entries
from nmc_utils.terms import TOTAL

#: Hiding a total takes more from a reader than hiding a part: so much for each summed key.
_TOTAL_COST = 4.0


@dataclass(frozen=True)
class Model:
    """Cells in the order of their names.

    `value` is the truth, NaN where only an earlier publication has the cell and hides it. `lines`
    is (lines × cells): 1 for the sum, -1 for its parts, together 0. `shown` are cells that tables
    show, the others follow from two of them; `known` was published before. `bound` are pairs
    (group, count): whoever hides the first hides the second. `rest` maps what is left of a group to
    the count that it follows from.
    """

    cells: np.ndarray
    value: np.ndarray
    lines: sparse.csr_array
    cost: np.ndarray
    shown: np.ndarray
    known: np.ndarray
    bound: np.ndarray
    rest: np.ndarray

    def position(self) -> dict[str, int]:
        """Cell → its position."""
        return {cell: at for at, cell in enumerate(self.cells)}


def model(
    current: Sequence[Sheet],
    earlier: Sequence[Sheet] = (),
    *,
    threshold: int,
    hierarchies: Mapping[str, Mapping[str, str]] | None = None,
) -> Model:
    """Put the cells of tables together with those of earlier publications.

    Raises
    ------
    ValueError
        A number is missing, two tables differ in a cell, or a sum does not add up.
    """
    now = [(sheet, entries(sheet)) for sheet in current]
    before = [(sheet, entries(sheet)) for sheet in earlier]
    for sheet, frame in now:
        _refuse_wrong(sheet, frame)
    truth = _truth(now)
    value = {**_published(before), **truth}
    cells = np.array(sorted({c for _, frame in (*now, *before) for c in frame["cell"]}), object)
    at = {cell: i for i, cell in enumerate(cells)}
    lines = {
        line for sheet, frame in now for line in _lines(sheet, frame, value, hierarchies or {})
    }
    lines |= {
        line
        for sheet, frame in before
        for line in _lines(sheet, frame, value, hierarchies or {}, is_earlier=True)
    }
    published = _published(before)
    shown = np.array([cell in truth for cell in cells], bool)
    known = np.array([cell in published for cell in cells], bool)
    bound, rest = _pairs([frame for _, frame in now], at)
    shown[rest[:, 0]] = False
    values = np.array([value.get(cell, np.nan) for cell in cells])
    cost = _cost([frame for _, frame in now], at, values, threshold)
    return Model(cells, values, _matrix(sorted(lines), at), cost, shown, known, bound, rest)


def _refuse_wrong(sheet: Sheet, frame: pd.DataFrame) -> None:
    rest = frame[frame["role"].eq("rest") & frame["value"].lt(0)]
    if len(rest):
        cell = str(rest["cell"].iloc[0]).split(" − ")[-1]
        raise ValueError(f"таблица «{sheet.name}», ячейка «{cell}»: число больше своей группы")
    gone = frame[frame["value"].isna()]
    if len(gone):
        cell = gone["cell"].iloc[0]
        raise ValueError(f"таблица «{sheet.name}», ячейка «{cell}»: нет числа, "
                         f"защищать можно только полные таблицы")  # fmt: skip


def _truth(read: Sequence[tuple[Sheet, pd.DataFrame]]) -> dict[str, float]:
    truth: dict[str, tuple[float, str]] = {}
    for sheet, frame in read:
        for cell, value in zip(frame["cell"], frame["value"], strict=True):
            known, name = truth.setdefault(cell, (value, sheet.name))
            if known != value:
                where = f"таблицы «{name}» и «{sheet.name}»" if name != sheet.name else name
                raise ValueError(
                    f"{where}, ячейка «{cell}»: одно и то же число разное, {known:g} и {value:g}"
                )
    return {cell: value for cell, (value, _) in truth.items()}


def _published(read: Sequence[tuple[Sheet, pd.DataFrame]]) -> dict[str, float]:
    """Numbers that earlier publications show."""
    return {
        cell: value
        for _, frame in read
        for cell, value in zip(frame["cell"], frame["value"], strict=True)
        if not np.isnan(value)
    }


def _lines(
    sheet: Sheet,
    frame: pd.DataFrame,
    value: Mapping[str, float],
    hierarchies: Mapping[str, Mapping[str, str]],
    *,
    is_earlier: bool = False,
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Sums of a sheet that hold; of an earlier one those that later records broke are left out."""
    for total, parts in sums(frame, hierarchies):
        whole = value.get(total, np.nan)
        given = sum(value.get(cell, np.nan) for cell in parts)
        if np.isnan(whole) or np.isnan(given) or given == whole:
            yield total, parts
        elif not is_earlier:
            raise ValueError(
                f"таблица «{sheet.name}», ячейка «{total}»: слагаемые дают {given:g}, "
                f"а итог {whole:g}"
            )


def sums(
    frame: pd.DataFrame, hierarchies: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Totals and their parts: along each key, and along several where no total stands between."""
    dims = [column for column in frame if column.startswith(KEY)]
    rows = frame.drop_duplicates(["block", *dims])
    places = list(zip(rows["block"], *(rows[dim] for dim in dims), strict=True))
    cells = dict(zip(places, rows["cell"], strict=True))
    above = [_above(rows[dim], hierarchies.get(dim.removeprefix(KEY), {})) for dim in dims]
    done: dict[tuple, set[frozenset]] = {}
    for size in range(1, len(dims) + 1):
        for over in combinations(range(len(dims)), size):
            for place, parts in _parts(places, above, over).items():
                earlier = done.setdefault(place, set())
                if place not in cells or any(known <= set(over) for known in earlier):
                    continue
                earlier.add(frozenset(over))
                members = tuple(sorted(cells[part] for part in parts))
                if members != (cells[place],):
                    yield cells[place], members


def _above(codes: pd.Series, parents: Mapping[str, str]) -> dict[str, str]:
    known = set(codes)
    return {
        code: parents[code] if parents.get(code) in known else TOTAL
        for code in known
        if code != TOTAL
    }


def _parts(
    places: Sequence[tuple], above: Sequence[Mapping[str, str]], over: Sequence[int]
) -> dict[tuple, list[tuple]]:
    """Place of a total → places of its parts."""
    found: dict[tuple, list[tuple]] = {}
    for place in places:
        if any(place[dim + 1] == TOTAL for dim in over):
            continue
        higher = list(place)
        for dim in over:
            higher[dim + 1] = above[dim][place[dim + 1]]
        if len(over) == 1 or all(higher[dim + 1] == TOTAL for dim in over):
            found.setdefault(tuple(higher), []).append(place)
    return found


def _matrix(lines: Sequence[tuple[str, tuple[str, ...]]], at: Mapping[str, int]):
    entry = [(i, at[total], 1.0) for i, (total, _) in enumerate(lines)]
    entry += [(i, at[part], -1.0) for i, (_, parts) in enumerate(lines) for part in parts]
    row, column, value = zip(*entry, strict=True) if entry else ((), (), ())
    return sparse.csr_array((value, (row, column)), shape=(len(lines), len(at)))


def _pairs(frames: Sequence[pd.DataFrame], at: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return (group, count) of rows that show both, and (rest, count)."""
    bound, rest = set(), set()
    for frame in frames:
        of = {role: part["cell"].tolist() for role, part in frame.groupby("role")}
        if {"group", "count"} <= set(of):
            bound |= set(zip(of["group"], of["count"], strict=True))
        if "rest" in of:
            rest |= set(zip(of["rest"], of["count"], strict=True))
    return tuple(
        np.array(sorted((at[a], at[b]) for a, b in pairs), int).reshape(-1, 2)
        for pairs in (bound, rest)
    )


def _cost(frames, at: Mapping[str, int], value: np.ndarray, threshold: int) -> np.ndarray:
    """What a reader loses with a cell; a zero is no cheap cover: it may be known to be one."""
    totals = np.zeros(len(at))
    for frame in frames:
        dims = [column for column in frame if column.startswith(KEY)]
        summed = frame[dims].eq(TOTAL).sum(axis=1) if dims else pd.Series(0, frame.index)
        for cell, n in zip(frame["cell"], summed, strict=True):
            totals[at[cell]] = max(totals[at[cell]], n)
    return (1 + np.log1p(np.maximum(np.nan_to_num(value), threshold))) * _TOTAL_COST**totals
