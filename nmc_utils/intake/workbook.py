"""Reading of what was sent: every cell becomes text and keeps its address.

A spreadsheet stores 7 as 7.0 and knows nothing of leading zeros that were not typed as text. Here
a whole number reads «7», text «007» stays «007», a date reads «2023-09-01» and a logical value
«да» or «нет»; what a column means by them is decided later, by its schema.

What was sent is not trusted: a process of its own reads it, `nmc_utils.reading`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from nmc_utils.reading.client import READER
from nmc_utils.reading.refusal import Fault
from nmc_utils.reading.refusal import RefusalError as UnreadableError

__all__ = ["Fault", "Sheet", "UnreadableError", "Workbook", "read"]


@dataclass(frozen=True)
class Sheet:
    """One sheet as text.

    Attributes
    ----------
    name, number
        What it is called, and its place in the file from 1.
    grid
        Every cell as text or missing: index is the number of the row from 1, columns are positions
        from 0; up to the last row and column with a value.
    is_hidden
        The sender does not see it in a spreadsheet.
    faults
        (row, position) of cells without a usable value; they are missing in `grid`.
    filled
        Ranges of merged cells («B3:B7») whose one value stands in all their cells in `grid`.
    n_cleaned
        Cells of which invisible characters or superfluous spaces were removed.
    """

    name: str
    number: int
    grid: pd.DataFrame
    is_hidden: bool = False
    faults: Mapping[tuple[int, int], Fault] = field(default_factory=dict)
    filled: tuple[str, ...] = ()
    n_cleaned: int = 0

    @property
    def first_row(self) -> int:
        """The first row with a value; 0 when there is none."""
        filled = self.grid.notna().any(axis=1)
        return int(filled.idxmax()) if filled.any() else 0

    def below(self, row: int) -> pd.DataFrame:
        """The cells below a row."""
        return self.grid.loc[row + 1 :]


@dataclass(frozen=True)
class Workbook:
    """A file that was sent.

    Attributes
    ----------
    file
        Its label, in which there is no name of a person.
    sheets
        Its sheets in their order.
    format
        For the person: «xlsx», «CSV, Windows-1251, разделитель «;»».
    epoch
        The day 0 of its serial numbers of days; None where a number cannot be a date.
    """

    file: str
    sheets: list[Sheet]
    format: str = "xlsx"
    epoch: date | None = None


def read(file: str, content: bytes) -> Workbook:
    """Read a workbook whole from its bytes; what it is, they tell, not its name.

    Raises
    ------
    UnreadableError
        The file is no table, is protected, damaged or too large, or holds what it should not.
    """
    answer = READER.read(content)
    sheets = [_sheet(told) for told in answer["sheets"]]
    epoch = answer["epoch"] and date.fromisoformat(answer["epoch"])
    return Workbook(file, sheets, answer["format"], epoch)


def _sheet(told: dict[str, Any]) -> Sheet:
    kinds = [Fault(*words) for words in told["kinds"]]
    faults = {(row + 1, column): kinds[kind] for row, column, kind in told["faults"]}
    grid = _grid(told["rows"], list(faults))
    about = {name: told[name] for name in ("name", "number", "is_hidden", "n_cleaned")}
    return Sheet(**about, grid=grid, faults=faults, filled=tuple(told["filled"]))


def _grid(pieces: list[pa.Table], faults: list[tuple[int, int]]) -> pd.DataFrame:
    """The cells up to the last row and column with a value or a fault."""
    columns = pa.concat_tables(pieces).combine_chunks().columns if pieces else []
    ends = [_end(column) for column in columns]
    n_rows = max([*ends, *(row for row, _ in faults)], default=0)
    with_value = [number for number, end in enumerate(ends, start=1) if end]
    n_columns = max([*with_value, *(column + 1 for _, column in faults)], default=0)
    blank = pa.chunked_array([pa.nulls(n_rows, pa.large_string())])
    columns = [_of_length(column, n_rows) for column in columns[:n_columns]]
    columns += [blank] * (n_columns - len(columns))
    names = [str(number) for number in range(n_columns)]
    grid = pa.Table.from_arrays(columns, names).to_pandas() if columns else pd.DataFrame()
    grid.columns = pd.RangeIndex(n_columns)
    grid.index = pd.RangeIndex(1, n_rows + 1)
    return grid


def _end(column: pa.ChunkedArray) -> int:
    """How many cells there are up to the last one with a value."""
    if not column.null_count:
        return len(column)
    filled = np.flatnonzero(column.is_valid().to_numpy())
    return int(filled[-1]) + 1 if len(filled) else 0


def _of_length(column: pa.ChunkedArray, length: int) -> pa.ChunkedArray:
    lacking = length - len(column)
    if lacking <= 0:
        return column.slice(0, length)
    return pa.chunked_array([*column.chunks, pa.nulls(lacking, column.type)])
