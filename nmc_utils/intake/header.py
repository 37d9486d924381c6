"""Where the header of a sheet is: below titles, in one row or several, above units and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import pandas as pd

from nmc_utils.intake.synonyms import plain, synonyms

#: Rows among which the header is looked for, and how many rows it may take.
_DEPTH, _HEIGHT = 40, 3
#: A row with fewer known headers is no rival of another.
_FEWEST = 2
_LETTERS = "абвгдежзиклмн"

#: For every column the texts that may be its header, the most telling first.
Titles = list[list[str]]
#: Names of columns by the texts above them.
Recognise = Callable[[Titles], Mapping[str, int]]


@dataclass(frozen=True)
class Header:
    """The header of a sheet.

    Attributes
    ----------
    titles
        For every column the texts that may be its header.
    shown
        All that stands above every column, with its unit; None where nothing does.
    first, last
        Its rows, with the rows of units and of column numbers; 0 in an empty sheet.
    repeated
        Rows below that repeat it or a part of it.
    ambiguous
        Other rows that could be the header as well.
    """

    titles: Titles
    shown: list[str | None]
    first: int
    last: int
    repeated: tuple[int, ...] = ()
    ambiguous: tuple[int, ...] = ()


def find(grid: pd.DataFrame, recognise: Recognise, top: Top | None = None) -> Header:
    """Find the rows in which most columns are recognised.

    Parameters
    ----------
    grid
        Cells as text: number of the row × position.
    recognise
        Gives names and positions of the columns that have one.
    top
        `Top.of` the grid, where it is looked at for several tables.
    """
    top = top or Top.of(grid)
    if not top.filled:
        return Header([[] for _ in grid.columns], [None] * grid.shape[1], 0, 0)
    found = []
    for height in range(1, _HEIGHT + 1):
        found += [
            (len(named), -height, -row, named)
            for row in top.filled
            if (named := recognise(top.titles(row, height))) or height == 1
        ]
        if max(found, key=lambda one: one[0])[0] == grid.shape[1]:
            break  # every column has its name, and of equals the lowest is taken
    n_named, height, row, named = max(found, key=lambda one: one[:3])
    row, height = -row, -height
    rivals = [
        -other[2]
        for other in found
        if (other[0], -other[1]) == (n_named, height) and other[3] != named
    ]
    last, units = top.extended(row, height)
    return Header(
        top.titles(row, height),
        top.shown(row, height, units),
        row,
        last,
        _repeated(grid, row, last) if n_named else (),
        tuple(sorted(rivals)) if n_named >= _FEWEST else (),
    )


def above(grid: pd.DataFrame, found: Header) -> list[int]:
    """Filled rows above the header, but for those that belong to it: its words, units, numbers."""
    if not found.last:
        return []
    words = [set(texts) for texts in _columns_of(grid.loc[found.first : found.last])]
    last = _cells_of(grid.loc[found.last])
    rows = []
    for row in grid.index[grid.index < found.first]:
        cells = _cells_of(grid.loc[row])
        own = [text for text, known in zip(cells, words, strict=True) if text and text not in known]
        if own and not _are_units(cells) and not _are_numbers(cells, last):
            rows.append(int(row))
    return rows


def _cells_of(row: pd.Series) -> list[str | None]:
    return row.to_numpy(dtype=object, na_value=None).tolist()


def _columns_of(rows: pd.DataFrame) -> list[list[str | None]]:
    return rows.to_numpy(dtype=object, na_value=None).T.tolist()


@dataclass(frozen=True)
class Top:
    """The first rows of a sheet, and what was made of them."""

    rows: dict[int, list[str | None]]
    _titles: dict[tuple[int, int], Titles] = field(default_factory=dict)

    @classmethod
    def of(cls, grid: pd.DataFrame) -> Top:
        """Take them from the cells of a sheet."""
        top = grid.head(_DEPTH)
        cells = top.to_numpy(dtype=object, na_value=None).tolist()
        return cls(dict(zip((int(row) for row in top.index), cells, strict=True)))

    @cached_property
    def filled(self) -> list[int]:
        """Rows with a value."""
        return [row for row, cells in self.rows.items() if any(cells)]

    def block(self, row: int, height: int) -> list[list[str | None]]:
        """The cells of so many rows."""
        return [self.rows[n] for n in range(row, row + height) if n in self.rows]

    def titles(self, row: int, height: int) -> Titles:
        """Texts that may be the header of each column, if the header is in these rows."""
        if (row, height) not in self._titles:
            self._titles[row, height] = self._made(row, height)
        return self._titles[row, height]

    def _made(self, row: int, height: int) -> Titles:
        block = self.block(row, height)
        if len(block) < height or not all(any(cells) for cells in block):
            return [[] for _ in block[0]]
        if height == 1:
            return [[text] if text else [] for text in block[0]]
        return [_candidates(column) for column in zip(*_with_groups(block), strict=True)]

    def shown(self, row: int, height: int, units: Sequence[str | None]) -> list[str | None]:
        """All that stands above every column, with its unit."""
        columns = zip(*self.block(row, height), strict=True)
        texts = [" ".join(dict.fromkeys(filter(None, column))) for column in columns]
        return [
            f"{text}, {unit}" if text and unit else text or None
            for text, unit in zip(texts, units, strict=True)
        ]

    def extended(self, row: int, height: int) -> tuple[int, list[str | None]]:
        """The last row of the header, and the units that stand below it."""
        last, header = row + height - 1, self.rows[row + height - 1]
        units: list[str | None] = [None] * len(header)
        for below in range(last + 1, max(self.rows) + 1):
            cells = self.rows[below]
            if not any(cells):
                continue
            if _are_units(cells):
                units = cells
            elif cells != header and not _are_numbers(cells, header):
                break
            last = below
        return last, units


def _with_groups(block: list[list[str | None]]) -> list[list[str | None]]:
    """Let the title of a group stand above all its columns where cells were not merged."""
    block = [list(cells) for cells in block]
    for upper, lower in zip(block, block[1:], strict=False):
        group = None
        for position, text in enumerate(upper):
            if text:
                group = text if lower[position] and lower[position] != text else None
            elif group and lower[position]:
                upper[position] = f"\0{group}"  # the last resort: it may belong to no group
    return block


def _candidates(column: Sequence[str | None]) -> list[str]:
    """Titles of a column of several rows: with its groups, without them, without its unit."""
    parts = list(dict.fromkeys(filter(None, column)))
    sure = [part for part in parts if not part.startswith("\0")]
    found = [" ".join(sure[n:]) for n in range(len(sure))]
    if len(sure) > 1 and _is_unit(sure[-1]):
        found += [" ".join(sure[n:-1]) for n in range(len(sure) - 1)]
    if len(sure) < len(parts):
        found.append(" ".join(part.removeprefix("\0") for part in parts))
    return list(dict.fromkeys(found))


@lru_cache(maxsize=1)
def _units() -> frozenset[str]:
    return frozenset(plain(unit) for unit in synonyms().units)


def _is_unit(text: str) -> bool:
    return plain(text.strip("()[]")) in _units()


def _are_units(cells: Sequence[str | None]) -> bool:
    return all(_is_unit(text) for text in cells if text)


def _are_numbers(cells: Sequence[str | None], header: Sequence[str | None]) -> bool:
    """Whether cells number the columns: 1, 2, 3, … or А, Б, 1, 2, …"""
    marks = [text.strip("() .").casefold() for text in cells if text]
    n_letters = next((n for n, mark in enumerate(marks) if not mark.isalpha()), len(marks))
    wanted = [*_LETTERS[:n_letters], *map(str, range(1, len(marks) - n_letters + 1))]
    return len(marks) >= max(3, sum(map(bool, header)) - 1) and marks == wanted


def _repeated(grid: pd.DataFrame, first: int, last: int) -> tuple[int, ...]:
    """Rows below the header that say what one of its rows says."""
    below, found = grid.loc[last + 1 :], set()
    for row in grid.loc[first:last].to_numpy(dtype=object, na_value=None):
        filled = [position for position, text in enumerate(row) if text]
        if len(filled) < _FEWEST:
            continue
        one, other = filled[:2]
        is_alike = below[one].eq(row[one]) & below[other].eq(row[other])
        alike = below.index[is_alike.fillna(False).astype(bool)]
        same = below.loc[alike].to_numpy(dtype=object, na_value=None)
        found |= {
            int(number) for number, cells in zip(alike, same, strict=True) if (cells == row).all()
        }
    return tuple(sorted(found))
