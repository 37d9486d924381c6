"""Reading of what was sent: every cell becomes text and keeps its address.

A spreadsheet stores 7 as 7.0 and knows nothing of leading zeros that were not typed as text. Here
a whole number reads «7», text «007» stays «007», a date reads «2023-09-01» and a logical value
«да» or «нет»; what a column means by them is decided later, by its schema.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from io import BytesIO
from typing import Any, NamedTuple

import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum

_EXACT = 10**15  # whole numbers up to here are exact in a spreadsheet


class UnreadableError(ValueError):
    """A file cannot be read as a workbook; the message is the meaning, `remedy` what to do."""

    def __init__(self, meaning: str, remedy: str):
        super().__init__(meaning)
        self.remedy = remedy


class Fault(NamedTuple):
    """Why a cell holds no value that may be used, and what to do about it."""

    meaning: str
    remedy: str


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
    """Read a workbook whole from its bytes.

    Raises
    ------
    UnreadableError
        The file is protected by a password, or is not a workbook.
    """
    try:
        with CalamineWorkbook.from_filelike(BytesIO(content)) as book:
            sheets = [
                _sheet(about.name, number, book.get_sheet_by_name(about.name))
                for number, about in enumerate(book.sheets_metadata, start=1)
                if about.typ == SheetTypeEnum.WorkSheet
            ]
    except PasswordError as error:
        raise UnreadableError(
            "Файл защищён паролем", "Снимите пароль и пришлите файл снова."
        ) from error
    except CalamineError as error:
        raise UnreadableError(
            "Файл повреждён или это не книга Excel",
            "Откройте файл в Excel, сохраните как «Книга Excel (*.xlsx)» и пришлите снова.",
        ) from error
    return Workbook(file, sheets)


def _sheet(name: str, number: int, source: Any) -> Sheet:
    rows = source.to_python(skip_empty_area=False)
    columns = [[_text(value) for value in column] for column in zip(*rows, strict=True)]
    frame = pd.DataFrame({i: pd.Series(column, dtype="str") for i, column in enumerate(columns)})
    frame.index = range(1, len(frame) + 1)
    return Sheet(name, number, frame)


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return " ".join(unicodedata.normalize("NFC", value).split()) or None
    if isinstance(value, bool):
        return "да" if value else "нет"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    if isinstance(value, date | datetime):  # a date with a time of day reads 2023-09-01T12:30:00
        return value.isoformat()
    return None if value is None else str(value)
