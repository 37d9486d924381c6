"""A copy of a workbook in which every cell that has to be corrected is marked and explained.

The copy holds names, as what was sent does, so it lies beside what was sent and nowhere else. All
its cells are text: a number stays as it was read, a code keeps its zeros, a formula in a text stays
a text. Intake takes a corrected copy in as it takes in any other workbook.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path

import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_cell_to_rowcol
from xlsxwriter.worksheet import Worksheet

from nmc_utils.documents.tables import LONGEST_TEXT
from nmc_utils.editions import Edition
from nmc_utils.intake.batch import ACTIONS, HELD_OUT
from nmc_utils.intake.columns import (
    PERSON_HEADERS,
    Naming,
    name_columns,
    table_of,
    type_of,
)
from nmc_utils.intake.sheets import REMARKS, nameless
from nmc_utils.intake.values import typed
from nmc_utils.intake.workbook import Sheet, Workbook
from nmc_utils.regions import Region
from nmc_utils.tables import DATE, SCHEMAS, TITLES

#: Kinds of problems that somebody has to correct; the others are told.
TO_CORRECT = (HELD_OUT, "sheet", "file", "empty", "stranger")
_HEADINGS = {
    "№": 5,
    "Лист": 18,
    "Ячейка": 10,
    "Что найдено": 24,
    "Что не так": 50,
    "Что сделано": 34,
    "Что исправить": 50,
}
_CELL = re.compile(r"[A-Z]{1,3}[1-9][0-9]{0,6}")
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
_LONGEST_TITLE = 31
_LONGEST_COMMENT = 1_000
_MOST_LINKS = 10_000  # a spreadsheet with more links or comments opens slowly
_MOST_REMARKS = 100_000
_WIDEST = 50
_LOOKED_AT = 200  # rows that decide the width of a column


@dataclass
class _Copied:
    """A sheet, what it is called in the copy, and its cells to mark: (row, position) → texts."""

    sheet: Sheet
    title: str
    table: str | None
    naming: Naming | None
    marks: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    must: set[tuple[int, int]] = field(default_factory=set)

    def mark(self, place: tuple[int, int], text: str, *, must: bool) -> None:
        """Explain a cell; `must` says that it has to be corrected."""
        texts = self.marks.setdefault(place, [])
        texts.insert(0, text) if must else texts.append(text)
        if must:
            self.must.add(place)


def place_of(cell: str) -> tuple[int, int] | None:
    """Row and column, both from 0, of an address such as «'Места работы'!B3»."""
    name = cell.rpartition("!")[2]
    return xl_cell_to_rowcol(name) if _CELL.fullmatch(name) else None


def write_copy(
    path: Path,
    edition: Edition,
    heading: str,
    problems: pd.DataFrame,
    held_rows: pd.DataFrame,
    book: Workbook | None,
) -> None:
    """Write what is wrong with a file, and the marked copy of its sheets.

    Parameters
    ----------
    path
        Where to write; beside what was sent.
    edition
        Gives the mark of a demonstration and the date of the document.
    heading
        First line of the sheet «Замечания».
    problems
        Problems of this file, those to correct first.
    held_rows
        Rows of this file that were held out, `tables.HELD_ROWS`.
    book
        What was read of the file; None when nothing could be.
    """
    copied = _copied(book, problems, edition.region) if book else []
    _mark_cells(copied, problems)
    _mark_rows(copied, held_rows, problems.loc[problems["kind"].eq("sheet"), "sheet"])
    # Parts of the document lie in temporary files while it is built: they hold names, too.
    options = {"constant_memory": True, "tmpdir": str(path.parent)}
    options |= dict.fromkeys(("strings_to_formulas", "strings_to_urls"), False)
    with xlsxwriter.Workbook(path, options) as document:
        created = datetime.combine(edition.as_of, time())
        about = {"title": REMARKS, "comments": edition.mark, "created": created}
        document.set_properties(about)
        plain = document.add_format({"num_format": "@"})
        bold = document.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        text = document.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        _write_remarks(document, edition, heading, problems, copied, (plain, bold, text))
        wrong = document.add_format({"num_format": "@", "bg_color": "#FFC7CE", "border": 1})
        noted = document.add_format({"num_format": "@", "bg_color": "#FFEB9C"})
        left = _MOST_LINKS
        for one in copied:
            left -= _write_sheet(document, one, book, (plain, wrong, noted), left)


# --- what to mark -------------------------------------------------------------------------------


def _copied(book: Workbook, problems: pd.DataFrame, region: Region) -> list[_Copied]:
    """The sheets of the copy; one whose table was recognised otherwise is called by its table."""
    tables = problems[problems["table"].ne("")].groupby("sheet")["table"].first()
    taken = {REMARKS.casefold()}
    copied = []
    for sheet in book.sheets:
        if sheet.name.casefold() == REMARKS.casefold():
            continue
        table = table_of(sheet.name)
        own = sheet.name
        if table is None:
            table = tables.get(nameless(sheet)) if own else tables.get("")
            own = TITLES[table] if table else own or nameless(sheet)
        naming = name_columns(table, sheet, region) if table else None
        copied.append(_Copied(sheet, _title(own, taken), table, naming))
    return copied


def _title(name: str, taken: set[str]) -> str:
    """Make of `name` one that a workbook allows and that is not taken yet."""
    base = _FORBIDDEN.sub(" ", name).strip(" '")[:_LONGEST_TITLE].strip(" '") or "Лист"
    title, number = base, 1
    while title.casefold() in taken:
        number += 1
        end = f" {number}"
        title = base[: _LONGEST_TITLE - len(end)] + end
    taken.add(title.casefold())
    return title


def _by_name(copied: list[_Copied]) -> dict[str, _Copied]:
    return {nameless(one.sheet): one for one in copied} | {one.sheet.name: one for one in copied}


def _mark_cells(copied: list[_Copied], problems: pd.DataFrame) -> None:
    sheets = _by_name(copied)
    for row in problems.itertuples():
        place = place_of(row.cell)
        if place and row.sheet in sheets:
            must = row.kind in TO_CORRECT
            lead = "Исправьте" if must else "К сведению"
            sheets[row.sheet].mark(place, f"{lead}. {row.meaning}. {row.remedy}", must=must)


def _mark_rows(copied: list[_Copied], held_rows: pd.DataFrame, refused: pd.Series) -> None:
    """Mark the first cell of a row that is held out though no cell of its own is wrong."""
    sheets = _by_name(copied)
    explained = {name: {row for row, _ in one.must} for name, one in sheets.items()}
    held_rows = held_rows[~held_rows["sheet"].isin(refused)]  # its header is marked
    for held in held_rows.itertuples():
        if held.sheet in sheets and held.row - 1 not in explained[held.sheet]:
            text = f"{ACTIONS[HELD_OUT]}. {held.reason}".strip()
            sheets[held.sheet].mark((held.row - 1, 0), text, must=True)


# --- the sheet «Замечания» ----------------------------------------------------------------------


def _write_remarks(
    document: xlsxwriter.Workbook,
    edition: Edition,
    heading: str,
    problems: pd.DataFrame,
    copied: list[_Copied],
    formats: tuple[Format, Format, Format],
) -> None:
    plain, bold, text = formats
    link = document.add_format({"font_color": "#0B5394", "underline": 1, "valign": "top"})
    to_correct = "Красным отмечено то, что нужно исправить, жёлтым — к сведению."
    lines = [heading, *filter(None, [edition.mark]), *([to_correct] if copied else [])]
    page = document.add_worksheet(REMARKS)
    for row, line in enumerate(lines):
        _put(page, row, 0, line, plain)
    first = len(lines)
    for column, (title, width) in enumerate(_HEADINGS.items()):
        page.set_column(column, column, width)
        _put(page, first, column, title, bold)
    page.freeze_panes(first + 1, 0)
    page.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    sheets = _by_name(copied)
    for number, row in enumerate(problems.head(_MOST_REMARKS).itertuples(), start=1):
        line, target = first + number, sheets.get(row.sheet)
        cell = row.cell.rpartition("!")[2]
        title = target.title if target else row.sheet
        told = [str(number), title, cell, row.found, row.meaning, row.action, row.remedy]
        for column, value in enumerate(told):
            _put(page, line, column, value, text)
        if target and place_of(cell) and number <= _MOST_LINKS:
            quoted = target.title.replace("'", "''")
            page.write_url(line, 2, f"internal:'{quoted}'!{cell}", link, cell)
    if (more := len(problems) - _MOST_REMARKS) > 0:
        _put(page, first + _MOST_REMARKS + 1, 1, f"Замечаний ещё: {more}", text)


# --- the sheets that were sent ------------------------------------------------------------------


def _write_sheet(
    document: xlsxwriter.Workbook,
    copied: _Copied,
    book: Workbook,
    formats: tuple[Format, Format, Format],
    most_comments: int,
) -> int:
    """Write one sheet and its comments, of which there are at most so many; return how many."""
    plain, wrong, noted = formats
    page: Worksheet = document.add_worksheet(copied.title)
    grid = _as_written(copied, book)
    for position, width in enumerate(_widths(grid)):
        page.set_column(position, position, width, plain)
    page.freeze_panes(copied.naming.header_row if copied.naming else copied.sheet.first_row, 0)
    page.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    if copied.sheet.is_hidden:
        page.hide()
    written = 0
    for row, cells in _rows(grid, copied):
        for position, value in cells.items():
            place = (row, position)
            texts = copied.marks.get(place)
            style = plain if not texts else wrong if place in copied.must else noted
            if value is not None:
                _put(page, row, position, value, style)
            elif texts:
                page.write_blank(row, position, None, style)
            if texts and written < most_comments:
                page.write_comment(row, position, "\n\n".join(texts)[:_LONGEST_COMMENT])
                written += 1
    return written


def _as_written(copied: _Copied, book: Workbook) -> pd.DataFrame:
    """The cells as they go back: dates as people write them, nothing that nobody asked for."""
    grid, naming, table = copied.sheet.grid.copy(), copied.naming, copied.table
    if naming is None or table is None:
        return grid
    below = grid.index > naming.header_row
    for name, position in naming.positions.items():
        if name == PERSON_HEADERS[-1] or (
            name in SCHEMAS[table].columns and type_of(table, name) == DATE
        ):
            text = grid.loc[below, position]
            values = typed(text, DATE, epoch=book.epoch).values
            grid.loc[below, position] = values.dt.strftime("%d.%m.%Y").where(values.notna(), text)
    grid.loc[below, list(naming.personal)] = None
    return grid


def _put(page: Worksheet, row: int, column: int, text: str, style: Format) -> None:
    """Write a text as it is, as much of it as a cell holds: intake tells what is too long."""
    if text.startswith("<r>"):  # XlsxWriter would take it for its own markup
        text = " " + text
    units = text.encode("utf-16-le")[: 2 * LONGEST_TEXT]
    page.write_string(row, column, units.decode("utf-16-le", errors="ignore"), style)


def _widths(grid: pd.DataFrame) -> list[int]:
    longest = grid.head(_LOOKED_AT).apply(lambda column: column.str.len().max())
    return [int(min(max(width, 8) + 2, _WIDEST)) for width in longest.fillna(8)]


def _rows(grid: pd.DataFrame, copied: _Copied) -> Iterator[tuple[int, dict[int, str | None]]]:
    """Every row from 0 with the cells to write: those with a value, and those with a mark."""
    marked: dict[int, list[int]] = {}
    for row, position in copied.marks:
        marked.setdefault(row, []).append(position)
    last = max([len(grid), *(row + 1 for row in marked)])
    values = [grid[position].to_numpy(dtype=object, na_value=None) for position in grid]
    for row in range(last):
        cells: dict[int, str | None] = dict.fromkeys(marked.get(row, ()))
        if row < len(grid):
            filled = {n: column[row] for n, column in enumerate(values) if column[row] is not None}
            cells |= filled
        yield row, cells
