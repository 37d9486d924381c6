"""Tables in text files: the separator, the lines and what is wrong with them."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from io import StringIO
from itertools import islice
from typing import Any

from nmc_utils.reading.cells import Cleaner
from nmc_utils.reading.encodings import decode
from nmc_utils.reading.extent import MOST_CELLS, MOST_COLUMNS, too_many_cells, too_many_columns
from nmc_utils.reading.refusal import CONTROL, SEND_AGAIN, RefusalError

_SEPARATORS = ";\t|,"  # of two that fit equally well, the first
_NAMES = {";": "«;»", ",": "«,»", "|": "«|»", "\t": "табуляция"}
_NO_SEPARATOR = "\x1f"  # of a table of one column
_DOS_END = "\x1a"  # programs of DOS end a text with it
_WRAPPED = re.compile(r'\s*="([^"]*)"\s*')
_ROWS = 4_096
_SAMPLE = 200
_FIRST_LINE = re.compile(r"sep=([;,|\t])[ \t]*(?:\n|$)", re.IGNORECASE)
_CLOSE = "Закройте кавычку; кавычку внутри значения пишите дважды."
_MEND = "Приведите строку к столбцам шапки; значение с разделителем внутри возьмите в кавычки."
csv.field_size_limit(2**31 - 1)  # a long text is a fault of its cell


def read(content: bytes, tell: Callable[[str, Any], None]) -> str:
    """Tell the one sheet of a text file; return its format with encoding and separator.

    Raises
    ------
    RefusalError
        A line cannot be read for certain: no row is dropped or joined to another.
    """
    text, encoding = decode(content)
    text = text.rstrip(_DOS_END).replace("\r\n", "\n").replace("\r", "\n")
    declared = _FIRST_LINE.match(text)
    text = text[declared.end() :] if declared else text
    if not text.strip(" \t\n;,|\ufeff\u200b\u00a0"):
        raise RefusalError("Файл пуст", "Пришлите файл с данными.")
    separator, usual = _separator(text, declared[1] if declared else _SEPARATORS)
    tell("sheet", {"name": "", "number": 1, "is_hidden": False})
    before = 1 if declared else 0
    rows = _Rows(text, separator, usual, before).read()
    cleaner, first = Cleaner(), 0
    if '="' in text:
        rows = _unwrapped(rows, cleaner)
    while piece := list(islice(rows, _ROWS)):
        columns = [
            cleaner.column(column, first, number)
            for number, column in enumerate(zip(*piece, strict=True))
        ]
        tell("rows", columns)
        first += len(piece)
    controls = [row for row, _, fault in cleaner.faults if fault == CONTROL]
    if controls:
        number = controls[0] + 1 + before
        raise RefusalError(f"В строке {number} есть управляющие символы", SEND_AGAIN)
    tell("end", {"filled": [], "n_cleaned": cleaner.n_cleaned, "faults": cleaner.faults})
    named = f"разделитель {_NAMES[separator]}" if separator in _NAMES else "один столбец"
    return f"CSV, {encoding}, {named}"


def _unwrapped(rows: Iterator[list[str]], cleaner: Cleaner) -> Iterator[list[str]]:
    """Take the texts out of formulas by which programs keep leading zeros: «="007"»."""
    for row in rows:
        for place, field in enumerate(row):
            if match := _WRAPPED.fullmatch(field):
                row[place] = match[1]
                cleaner.n_cleaned += 1
        yield row


def _separator(text: str, candidates: str) -> tuple[str, int]:
    """The separator by which most lines have the same number of fields, and that number."""
    lines = []
    for line in islice(StringIO(text, newline="\n"), 5 * _SAMPLE):
        if line.strip():
            lines.append(re.sub('"[^"]*"', "", line))
        if len(lines) == _SAMPLE:
            break
    best = (0.0, 1, _NO_SEPARATOR)
    for separator in candidates:
        counts = Counter(1 + line.count(separator) for line in lines)
        usual, n_lines = max(counts.items(), key=lambda item: (item[0] > 1, item[1], item[0]))
        if usual > 1 and (n_lines / len(lines), usual) > best[:2]:
            best = (n_lines / len(lines), usual, separator)
    return best[2], best[1]


class _Rows:
    """The rows of a text, each as wide as the header."""

    def __init__(self, text: str, separator: str, usual: int, before: int):
        self._text = text
        self._separator = separator
        self._usual = usual
        self._before = before  # lines above the text
        self._width = self._least = 0
        self._single: tuple[int, str] | None = None  # a line of one field below the header

    def read(self) -> Iterator[list[str]]:
        """Give the rows; the first of them are titles, then comes the header."""
        self._find_header()
        for number, (line, record) in enumerate(self._records(), start=1):
            if number * self._width > MOST_CELLS:
                raise too_many_cells(1)
            if len(record) != self._width:
                record = self._fitted(line, record)
            elif self._single and self._width > 1 and any(map(str.strip, record)):
                self._refuse(self._single[0], 1, self._single[1])
            yield record

    def _find_header(self) -> None:
        """The header is the first record of two or more filled fields."""
        for line, record in self._records():
            filled = [place for place, field in enumerate(record, start=1) if field.strip()]
            if len(filled) > 1 or self._separator == _NO_SEPARATOR:
                self._header_line = line
                self._width, self._least = max(len(record), 1), max(filled, default=1)
                break
        else:
            self._header_line, self._width, self._least = 1, self._usual, 1
        if self._width > MOST_COLUMNS:
            raise too_many_columns(1, self._width)

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """The number of its first line, and every record."""
        lines = StringIO(self._text, newline="\n")
        reader = csv.reader(lines, delimiter=self._separator, strict=True)
        line = 1
        while True:
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise self._bad_quote(line) from error
            if reader.line_num > line:
                self._refuse_swallowed(line, record)
            yield line + self._before, record
            line = reader.line_num + 1

    def _refuse_swallowed(self, line: int, record: list[str]) -> None:
        """Refuse a quoted field that holds what looks like a whole other line."""
        for field in record:
            inside = field.split("\n")
            if len(inside) > 1 and self._usual > 1:
                most = max(part.count(self._separator) for part in inside)
                if most >= self._usual - 1:
                    raise self._unclosed(line)
            line += len(inside) - 1

    def _unclosed(self, line: int) -> RefusalError:
        number = line + self._before
        return RefusalError(f"Кавычка, открытая в строке {number}, не закрыта", _CLOSE)

    def _bad_quote(self, line: int) -> RefusalError:
        """Find the quote for which a record that begins in `line` cannot be read."""
        at = 0
        for _ in range(line - 1):
            at = self._text.index("\n", at) + 1
        name = re.escape(self._separator)
        field = re.compile(rf'(?P<quoted>"(?:[^"]|"")*")(?=[{name}\n]|\Z)|(?!")[^{name}\n]*')
        while match := field.match(self._text, at):
            line += match[0].count("\n") + self._text.startswith("\n", match.end())
            at = match.end() + 1
            if at > len(self._text):
                break
        end = self._text.find("\n", at)
        if self._text.find('"', at + 1, end if end >= 0 else None) >= 0:
            number = line + self._before
            meaning = f"В строке {number} после закрывающей кавычки стоит текст"
            return RefusalError(meaning, _CLOSE)
        return self._unclosed(line)

    def _fitted(self, line: int, record: list[str]) -> list[str]:
        """A record of another length than the header, if that means nothing."""
        n = len(record)
        if n > self._width and not any(map(str.strip, record[self._width :])):
            return record[: self._width]
        is_blank = not any(map(str.strip, record))
        if n > self._width:
            self._refuse(line, n, "")
        if n == 1 and not is_blank:
            self._refuse_other_separator(line, record[0])
            if line > self._header_line:
                self._single = self._single or (line, record[0])
        elif n < self._least and not is_blank:
            self._refuse(line, n, self._separator.join(record))
        elif self._single and not is_blank:
            self._refuse(self._single[0], 1, self._single[1])
        return record + [""] * (self._width - n)

    def _refuse_other_separator(self, line: int, text: str) -> None:
        for other in _SEPARATORS:
            if other != self._separator and text.count(other) + 1 == self._usual > 1:
                raise RefusalError(
                    f"В строке {line} разделитель {_NAMES[other]}, "
                    f"а в остальных {_NAMES[self._separator]}",
                    "Сохраните таблицу из одной программы с одним разделителем.",
                )

    def _refuse(self, line: int, n_fields: int, text: str) -> None:
        """Refuse a line of another number of fields than the header."""
        self._refuse_other_separator(line, text)
        raise RefusalError(
            f"В строке {line} полей {n_fields}, в шапке {self._width}: "
            "неизвестно, к каким столбцам относятся значения",
            _MEND,
        )
