"""Tables as files for spreadsheets, in which text stays text.

What people typed comes out as it was, in cells that nothing computes: «=1+1» is not a formula, an
address is not a link, «007» is not seven. The same tables give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import xlsxwriter
from pandas.api.types import (
    is_bool,
    is_bool_dtype,
    is_datetime64_any_dtype,
    is_list_like,
    is_number,
    is_numeric_dtype,
)
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

EXPLANATION = "Пояснение"  #: the sheet that holds no records
LONGEST_TEXT = 32_767  #: characters in a cell
_EXACT = 10**15  # whole numbers up to here keep their digits in a spreadsheet
_ZERO = pd.Timestamp("1899-12-30")
_EARLIEST = pd.Timestamp("1900-03-01")  # earlier days are counted wrongly in a spreadsheet
_YES_NO = {True: "да", False: "нет"}


class Book:
    """A workbook being written: `styles` by name, `file` for what is not said here.

    `title` and `created` become its properties; nothing in it names who has made it.
    """

    def __init__(self, target: Path | BinaryIO, *, title: str, created: date, mark: str = ""):
        safe = ("strings_to_formulas", "strings_to_urls", "strings_to_numbers")
        options = {"in_memory": True} | dict.fromkeys(safe, False)
        self.file = xlsxwriter.Workbook(
            target if hasattr(target, "write") else str(target), options
        )
        day = datetime.combine(created, time())
        self.file.set_properties({"created": day, "title": title, "comments": mark})
        self.title, self.mark = title, mark
        top, text = {"valign": "top"}, {"num_format": 49, "valign": "top"}  # 49: text
        self.styles: dict[str, Format] = {
            name: self.file.add_format(style)
            for name, style in {
                "header": text | {"bold": True, "text_wrap": True, "bottom": 1},
                "text": text,
                "line": top | {"text_wrap": True},
                "strong": top | {"text_wrap": True, "bold": True},
                "day": top | {"num_format": "dd.mm.yyyy"},
                "moment": top | {"num_format": "dd.mm.yyyy hh:mm"},
                "number": top,
            }.items()
        }

    def explain(self, lines: Iterable[str]) -> Worksheet:
        """Add the sheet that explains the others; the mark and the title come first."""
        sheet = self.sheet(EXPLANATION)
        sheet.set_column(0, 0, 100)
        first = [line for line in (self.mark, self.title) if line]
        for row, line in enumerate([*first, *lines]):
            put_text(sheet, row, 0, line, self.styles["strong" if row < len(first) else "line"])
        return sheet

    def sheet(self, name: str) -> Worksheet:
        """Add an empty sheet; printed, it carries the mark."""
        sheet = self.file.add_worksheet(name)
        if self.mark:
            sheet.set_footer("&L" + self.mark.replace("&", "&&"))
        return sheet

    def table(self, name: str, frame: pd.DataFrame) -> Worksheet:
        """Add a sheet with a frame: its columns above, its rows in their order, no index.

        What is missing stays a blank cell.

        Raises
        ------
        ValueError
            A text or a number does not fit into a cell.
        """
        sheet = self.sheet(name)
        sheet.freeze_panes(1, 0)
        columns = []
        for at, title in enumerate(map(str, frame.columns)):
            put_text(sheet, 0, at, title, self.styles["header"])
            values, kind = _cells(frame.iloc[:, at])
            # a column that is still to be filled keeps its words as they are typed
            style = self.styles[kind if kind != "mixed" else "text"]
            sheet.set_column(at, at, _width(title, values, kind), style)
            columns.append((at, _PUT[kind], style, values))
        for row in range(len(frame)):
            for at, put, style, values in columns:
                if values[row] is not None:
                    put(sheet, row + 1, at, values[row], style)
        return sheet


@contextmanager
def open_book(
    target: Path | BinaryIO, *, title: str, created: date, mark: str = ""
) -> Iterator[Book]:
    """Open a new workbook for writing, and finish it at the end."""
    book = Book(target, title=title, created=created, mark=mark)
    with book.file:
        yield book


def write_workbook(
    target: Path | BinaryIO,
    sheets: Mapping[str, pd.DataFrame],
    *,
    title: str,
    created: date,
    mark: str = "",
    lines: Iterable[str] = (),
) -> None:
    """Write frames as a workbook (xlsx) without formulas, links and names of authors.

    Text is text, numbers are numbers, dates are dates, logical values are «да» and «нет», lists
    are joined by «; ». The header is bold and stays in sight.

    Parameters
    ----------
    target
        Path, or a binary file.
    sheets
        Name of a sheet, at most 31 characters → its frame.
    title
        Title of the workbook, also in its properties.
    created
        Its date of creation: the date of the data, never of the clock, so that the same frames
        give the same bytes.
    mark
        What must stand on everything made from the edition; empty for real records.
    lines
        Sentences for a first sheet «Пояснение»; with `mark` it stands there in any case.
    """
    lines = list(lines)
    with open_book(target, title=title, created=created, mark=mark) as book:
        if lines or mark:
            book.explain(lines)
        for name, frame in sheets.items():
            book.table(name, frame)


def put_text(sheet: Worksheet, row: int, column: int, text: str, style: Format) -> None:
    """Write text into a cell as it is; ValueError when it is too long for one."""
    if len(text.encode("utf-16-le")) // 2 > LONGEST_TEXT:
        raise ValueError(f"текст длиннее {LONGEST_TEXT} знаков не помещается в ячейку таблицы")
    if text.startswith("<r>") and text.endswith("</r>"):
        # XlsxWriter would take it for its own markup; in two parts it is text
        sheet.write_rich_string(row, column, style, text[0], style, text[1:], style)
    elif text:
        sheet.write_string(row, column, text, style)


def _put_number(sheet: Worksheet, row: int, column: int, value: float, style: Format) -> None:
    sheet.write_number(row, column, value, style)


def _put_any(sheet: Worksheet, row: int, column: int, value: Any, style: Format) -> None:
    put = put_text if isinstance(value, str) else _put_number
    put(sheet, row, column, value, style)


_PUT: dict[str, Callable[..., None]] = {
    "text": put_text,
    "number": _put_number,
    "day": _put_number,
    "moment": _put_number,
    "mixed": _put_any,
}


def _cells(values: pd.Series) -> tuple[list[Any], str]:
    """What to write of a column, None for a blank cell, and the kind of its cells."""
    if is_datetime64_any_dtype(values):
        return _days(values)
    if is_numeric_dtype(values) and not is_bool_dtype(values):
        if values.isin([float("inf"), float("-inf")]).any():
            raise ValueError(f"столбец «{values.name}»: бесконечность не записать числом")
        if not values.abs().ge(_EXACT).any():
            return _present(values), "number"
    texts = [None if value is None else _written(value) for value in _present(values)]
    numbers = [is_number(value) for value in texts if value is not None]
    if not any(numbers):
        return texts, "text"
    return texts, "number" if all(numbers) else "mixed"


def _days(values: pd.Series) -> tuple[list[Any], str]:
    if values.dt.tz is not None:
        values = values.dt.tz_localize(None)
    is_day = bool((values.dropna() == values.dropna().dt.normalize()).all())
    if (values < _EARLIEST).any():
        texts = values.dt.strftime("%d.%m.%Y" if is_day else "%d.%m.%Y %H:%M")
        return _present(texts), "text"
    serial = (values - _ZERO) / pd.Timedelta(days=1)
    return _present(serial), "day" if is_day else "moment"


def _present(values: pd.Series) -> list[Any]:
    return values.astype(object).where(values.notna(), None).tolist()


def _written(value: Any) -> str | int | float:
    """One value of a column of several kinds: a number as it is, everything else as text."""
    if isinstance(value, str):
        return value
    if is_bool(value):
        return _YES_NO[bool(value)]
    if is_number(value):
        return value if abs(value) < _EXACT else str(value)
    if isinstance(value, datetime):
        return f"{value:%d.%m.%Y %H:%M}" if value.time() != time() else f"{value:%d.%m.%Y}"
    if isinstance(value, date):
        return f"{value:%d.%m.%Y}"
    if is_list_like(value):
        return "; ".join(str(_written(part)) for part in value)
    return str(value)


def _width(title: str, values: list[Any], kind: str) -> float:
    """Width of a column: of its longest text among the first, within reason."""
    if kind in ("day", "moment"):
        longest = 10 if kind == "day" else 16
    else:
        longest = max((len(str(value)) for value in values[:200] if value is not None), default=0)
    words = max((len(word) for word in title.split()), default=0)
    return min(max(longest, words, min(len(title), 14), 4), 60) + 1.5
