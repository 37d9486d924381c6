"""Workbooks: what they are refused for, and their sheets as columns of text."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import date
from io import BytesIO
from itertools import islice
from typing import Any

import pyarrow as pa
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from nmc_utils.reading import ods, xls, xlsx
from nmc_utils.reading.archive import MB, Archive, refuse_declarations
from nmc_utils.reading.cells import TEXT, UNCALCULATED, Cleaner, percent
from nmc_utils.reading.extent import address
from nmc_utils.reading.kinds import ODS, XLS, XLSX, kind_of_archive
from nmc_utils.reading.refusal import NO_VALUE, RefusalError, damaged, error_in, protected
from nmc_utils.reading.xlsx import Special

#: What a sheet is told with: "sheet", "rows" and "end" with their content.
Tell = Callable[[str, Any], None]
Scanned = Future[tuple[dict[str, Special], date]]
_ROWS = 4_096
_LARGE = 64 * MB  # unpacked
_UNKNOWN_ERROR = "Unsupported cell error value "


def read(content: bytes, form: str, tell: Tell, *, careful: bool) -> tuple[str, date]:
    """Tell all sheets of a workbook; return its format and the day 0 of its serial numbers.

    The XML of a large xlsx workbook is looked through while its values are read. A stray cell may
    end the process at that; `careful` looks through all of it before.

    Raises
    ------
    RefusalError
        It is protected, damaged, too large or holds what it should not.
    """
    with ThreadPoolExecutor(1) as beside:
        form, scanned = _scanned(content, form, beside, careful)
        try:
            _tell_all(content, scanned, tell)
        except PasswordError as error:
            raise protected() from error
        except CalamineError as error:
            scanned.result()  # it may know better why
            raise _unreadable(str(error)) from error
        return form, scanned.result()[1]


def _scanned(content: bytes, form: str, beside: Executor, careful: bool) -> tuple[str, Scanned]:
    """The format, and what is found besides values: at once, but for a large workbook."""
    if form == XLS:
        scanned = beside.submit(xls.scan, content)
    else:
        archive = Archive(content)
        mimetype = archive.head("mimetype") if "mimetype" in archive else b""
        form = kind_of_archive(archive.names, mimetype)
        (ods if form == ODS else xlsx).refuse_active(archive)
        refuse_declarations(archive)
        scanned = beside.submit((ods if form == ODS else xlsx).scan, archive)
        if form == XLSX and archive.size > _LARGE and not careful:
            return form, scanned
    scanned.result()
    return form, scanned


def _tell_all(content: bytes, scanned: Scanned, tell: Tell) -> None:
    """Tell the sheets; until the scan is ready, their values are read ahead of it."""
    with CalamineWorkbook.from_filelike(BytesIO(content)) as book:
        ahead: deque[tuple[dict[str, Any], CalamineSheet]] = deque()
        for number, about in enumerate(book.sheets_metadata, start=1):
            if about.typ == SheetTypeEnum.WorkSheet:
                is_hidden = about.visible != SheetVisibleEnum.Visible
                told = {"name": about.name, "number": number, "is_hidden": is_hidden}
                ahead.append((told, book.get_sheet_by_name(about.name)))
                if scanned.done():
                    _tell_ready(ahead, scanned, tell)
        _tell_ready(ahead, scanned, tell)


def _tell_ready(
    ahead: deque[tuple[dict[str, Any], CalamineSheet]], scanned: Scanned, tell: Tell
) -> None:
    while ahead:
        about, sheet = ahead.popleft()
        special = scanned.result()[0].get(about["name"], Special())
        tell("sheet", about)
        _tell(sheet, special, tell)


def _unreadable(reason: str) -> RefusalError:
    """What the reader's own refusal means; of its words only known errors are repeated."""
    if reason.startswith(_UNKNOWN_ERROR):
        fault = error_in(reason.removeprefix(_UNKNOWN_ERROR).strip("'\""))
        if fault:
            return RefusalError(fault.meaning.replace("В ячейке", "В одной из ячеек"), fault.remedy)
    if "password" in reason.lower() or "encrypt" in reason.lower():
        return protected()
    return damaged()


def _tell(sheet: CalamineSheet, special: Special, tell: Tell) -> None:
    merged = special.merged
    if merged is None:
        ranges = sheet.merged_cell_ranges or []
        merged = [(*first, *last) for first, last in ranges]
    down = [(r, c, last) for r, c, last, right in merged if c == right and last > r]
    cleaner = Cleaner()
    filled: list[str] = []
    left = sheet.start[1] if sheet.start else 0
    rows: Iterator[list] = sheet.iter_rows()
    if marks := _marks(special):
        rows = _patched(rows, left, marks)
    if down:
        rows = _filled_down(rows, left, down, filled)
    first = 0
    while piece := list(islice(rows, _ROWS)):
        columns = [pa.nulls(len(piece), TEXT)] * left
        for number, column in enumerate(zip(*piece, strict=True), start=left):
            columns.append(cleaner.column(column, first, number))
        tell("rows", columns)
        first += len(piece)
    height, width = first, left + sheet.width if first else 0
    beyond = [place for place in special.no_value if place[0] >= height or place[1] >= width]
    cleaner.faults += [(row, column, NO_VALUE) for row, column in beyond]
    tell("end", {"filled": filled, "n_cleaned": cleaner.n_cleaned, "faults": cleaner.faults})


def _marks(special: Special) -> dict[int, list[tuple[int, str | None]]]:
    """Row → columns of its special cells with the text that stands for them; None: in percent."""
    marks: dict[int, list[tuple[int, str | None]]] = {}
    for row, column in special.percents:
        marks.setdefault(row, []).append((column, None))
    for row, column in special.no_value:
        marks.setdefault(row, []).append((column, UNCALCULATED))
    for (row, column), text in special.errors.items():
        marks.setdefault(row, []).append((column, text))
    return marks


def _patched(
    rows: Iterator[list], left: int, marks: dict[int, list[tuple[int, str | None]]]
) -> Iterator[list]:
    """Rows in which special cells have the text that stands for them."""
    for number, row in enumerate(rows):
        for column, text in marks.get(number, ()):
            place = column - left
            if 0 <= place < len(row):
                if text is not None:
                    row[place] = text
                elif isinstance(row[place], float):
                    row[place] = percent(row[place])
        yield row


def _filled_down(
    rows: Iterator[list], left: int, down: list[tuple[int, int, int]], filled: list[str]
) -> Iterator[list]:
    """Rows in which blank cells of a vertical merged range have the value of its first."""
    begins: dict[int, list[tuple[int, int]]] = {}
    for first, column, last in down:
        begins.setdefault(first, []).append((column, last))
    open_: dict[int, tuple[int, Any]] = {}  # column → last row, value
    for number, row in enumerate(rows):
        for column, (last, value) in list(open_.items()):
            if number > last:
                del open_[column]
            elif row[column - left] == "":
                row[column - left] = value
        for column, last in begins.get(number, ()):
            place = column - left
            if 0 <= place < len(row) and row[place] != "":
                open_[column] = (last, row[place])
                filled.append(f"{address(number, column)}:{address(last, column)}")
        yield row
