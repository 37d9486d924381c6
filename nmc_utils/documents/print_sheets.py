"""Sheets of a workbook that are meant for the printer, and tables on them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import date
from typing import Any

import pandas as pd

from nmc_utils.documents.tables import Book, Worksheet, put_text
from nmc_utils.editions import Edition
from nmc_utils.wording import NO_HARM

_A4 = 9  # number of the paper size in a workbook
_LINE = {"border": 1, "border_color": "#BFBFBF", "valign": "top", "text_wrap": True}
_FOOTER_WIDTH = 90  # characters; a footer does not wrap its lines
_MARGIN = 0.5  # inches on either side
_INCHES = {True: 11.69, False: 8.27}  # width of the page, landscape and portrait
_SPARE = 0.97  # fonts of another machine may be wider


def add_styles(book: Book) -> None:
    """Add the styles of printed tables to those of a workbook: cells with borders and wrapping."""
    text = _LINE | {"num_format": 49}  # 49: text, also when it is typed over
    styles = {
        "cell": text,
        "cell_head": text | {"bold": True, "bg_color": "#F2F2F2"},
        "cell_number": _LINE,
        "cell_day": _LINE | {"num_format": "dd.mm.yyyy", "align": "left"},
        "title": {"bold": True, "font_size": 14, "num_format": 49},
        "heading": {"bold": True, "font_size": 12, "num_format": 49},
    }
    book.styles |= {name: book.file.add_format(style) for name, style in styles.items()}


def print_sheet(
    book: Book, name: str, edition: Edition, widths: Sequence[float], *, is_wide: bool = False
) -> Worksheet:
    """Add a sheet of A4, one page wide: edition and mark above, what it is not for below.

    Parameters
    ----------
    widths
        Of the columns, in characters.
    is_wide
        Landscape instead of portrait.
    """
    sheet = book.sheet(name)
    sheet.set_paper(_A4)
    if is_wide:
        sheet.set_landscape()
    else:
        sheet.set_portrait()
    sheet.set_print_scale(_scale(widths, is_wide))
    sheet.set_margins(left=_MARGIN, right=_MARGIN, top=0.8, bottom=0.8)
    mark = f"&R&9 {_plain(edition.mark)}" if edition.mark else ""
    sheet.set_header(f"&L&9 {_plain(str(edition))}{mark}")
    footer = "\n".join(textwrap.wrap(NO_HARM, _FOOTER_WIDTH))
    sheet.set_footer(f"&L&8 {_plain(footer)}&R&8 &P из &N")
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    return sheet


def _scale(widths: Sequence[float], is_wide: bool) -> int:
    """Per cent at which the columns fit the page; «fit to width» would ignore breaks of pages."""
    wide = sum(7 * width + 5 for width in widths) / 96  # inches: a character is 7 pixels of 96
    room = _SPARE * (_INCHES[is_wide] - 2 * _MARGIN)
    return min(100, int(100 * room / wide))


def _plain(text: str) -> str:
    """A text for a header, in which «&» begins a command."""
    return text.replace("&", "&&")


def put_table(book: Book, sheet: Worksheet, row: int, frame: pd.DataFrame) -> int:
    """Write a frame with its headings from `row` on; return the row below it."""
    for column, title in enumerate(frame.columns):
        put_text(sheet, row, column, str(title), book.styles["cell_head"])
    for values in frame.itertuples(index=False):
        row += 1
        for column, value in enumerate(values):
            put_cell(book, sheet, row, column, value)
    return row + 1


def put_cell(book: Book, sheet: Worksheet, row: int, column: int, value: Any) -> None:
    """Write one bordered cell: text as it is, a tuple joined, nothing for what is missing."""
    if isinstance(value, tuple):
        value = "; ".join(value)
    if isinstance(value, str) and value:
        put_text(sheet, row, column, value, book.styles["cell"])
    elif isinstance(value, str) or pd.isna(value):
        sheet.write_blank(row, column, None, book.styles["cell"])
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, book.styles["cell_day"])
    else:
        sheet.write_number(row, column, value, book.styles["cell_number"])
