"""What of an xls workbook the reader of values does not tell, from its records, [MS-XLS]."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import date

from nmc_utils.reading.compound import Compound
from nmc_utils.reading.refusal import RefusalError, damaged, protected
from nmc_utils.reading.xlsx import EPOCH, EPOCH_1904, Special, shows_percent

_BEGIN, _SHEET, _PASSWORD, _DATE1904 = 0x809, 0x85, 0x2F, 0x22
_FORMAT, _STYLE, _FORMULA, _FLAG_OR_ERROR = 0x41E, 0xE0, 0x06, 0x205
_NUMBER, _RK, _MANY_RK = 0x203, 0x27E, 0xBD
_ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}


def scan(content: bytes) -> tuple[dict[str, Special], date]:
    """Return the special cells of each sheet by its name, and the epoch of the workbook.

    Raises
    ------
    RefusalError
        The workbook is protected or damaged.
    """
    try:
        records = Compound(content).stream("Workbook")
        return _scan(records)
    except RefusalError:
        raise
    except (struct.error, IndexError, ValueError) as error:
        raise damaged() from error


def _scan(records: bytes) -> tuple[dict[str, Special], date]:
    sheets: dict[int, Special] = {}
    named: dict[str, Special] = {}
    formats = {9: "0%", 10: "0.00%"}
    styles: list[int] = []
    percent: set[int] = set()
    epoch = EPOCH
    current = Special()
    for at, kind, body in _records(records):
        if kind == _BEGIN:
            current = sheets.get(at, Special())
            shown = {number for number, code in formats.items() if shows_percent(code)}
            percent = {number for number, used in enumerate(styles) if used in shown}
        elif kind == _PASSWORD:
            raise protected()
        elif kind == _DATE1904 and body[:1] == b"\1":
            epoch = EPOCH_1904
        elif kind == _SHEET:
            place = struct.unpack_from("<I", body)[0]
            sheets[place] = named[_text(body[6], body[7:])] = Special()
        elif kind == _FORMAT:
            number, length = struct.unpack_from("<HH", body)
            formats[number] = _text(length, body[4:])
        elif kind == _STYLE:
            styles.append(struct.unpack_from("<H", body, 2)[0])
        elif kind in _CELLS:
            _mark(kind, body, current, percent)
    return named, epoch


_CELLS = (_FORMULA, _FLAG_OR_ERROR, _NUMBER, _RK, _MANY_RK)


def _records(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at + 4 <= len(content):
        kind, length = struct.unpack_from("<HH", content, at)
        yield at, kind, content[at + 4 : at + 4 + length]
        at += 4 + length


def _text(length: int, body: bytes) -> str:
    """A text of so many signs: its first byte tells whether they have two bytes."""
    if body[0] & 1:
        return body[1 : 1 + 2 * length].decode("utf-16-le")
    return body[1 : 1 + length].decode("latin-1")


def _mark(kind: int, body: bytes, special: Special, percent: set[int]) -> None:
    """Remember the cells of a record that need more than their value."""
    row, column, xf = struct.unpack_from("<HHH", body)
    if kind == _FLAG_OR_ERROR:
        if body[7]:
            special.errors[row, column] = _ERRORS.get(body[6], "#N/A")
    elif kind == _FORMULA and body[12:14] == b"\xff\xff":  # the result is no number
        if body[6] == 2:
            special.errors[row, column] = _ERRORS.get(body[8], "#N/A")
    elif kind == _MANY_RK:
        for i in range((len(body) - 6) // 6):
            if struct.unpack_from("<H", body, 4 + 6 * i)[0] in percent:
                special.percents.append((row, column + i))
    elif xf in percent:
        special.percents.append((row, column))
