"""What of an xlsx workbook the reader of values does not tell, from its XML in pieces."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from posixpath import join, normpath
from xml.etree import ElementTree

from nmc_utils.reading.archive import MB, Archive, too_large
from nmc_utils.reading.extent import Extent, column_of
from nmc_utils.reading.refusal import SAVE_AS_XLSX, RefusalError, damaged, unusual

WITHOUT_MACROS = "Сохраните файл как .xlsx без макросов и пришлите снова."
EPOCH, EPOCH_1904 = date(1899, 12, 30), date(1904, 1, 1)
_MAIN = "xl/workbook.xml"
_PERCENT_BUILTIN = (9, 10)
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_LONGEST_ROW = 64 * MB
_REFERENCE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{1,7})([0-9]{1,9})["']""")
_THREE_LETTERS = re.compile(rb"""r=["'][A-Za-z]{3}""")
_TEXT_RESULT = re.compile(rb"""\st\s*=\s*["']str["']""")
_ERROR = re.compile(rb"""t=["']e["']""")
_KIND = re.compile(rb"""\st\s*=\s*["'](\w+)["']""")
_NUMBER_OF_ROW = re.compile(rb"""\sr\s*=\s*["']([0-9]{1,9})["']""")


@dataclass
class Special:
    """Cells of a sheet that need more than their value: (row, column) from 0.

    Attributes
    ----------
    percents
        Numbers that the sender sees with a percent sign.
    no_value
        Formulas that were never calculated.
    errors
        Cells of which the reader drops the error: its text.
    merged
        Merged ranges: first row and column, last row and column; None when the reader tells them.
    """

    percents: list[tuple[int, int]] = field(default_factory=list)
    no_value: list[tuple[int, int]] = field(default_factory=list)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] | None = None


def refuse_active(archive: Archive) -> None:
    """Refuse macros, binary workbooks, embedded objects and controls.

    Raises
    ------
    RefusalError
        There is one of them in the workbook.
    """
    names = [name.lower().replace("\\", "/") for name in archive.names]
    if any(name.endswith("xl/workbook.bin") for name in names):
        raise RefusalError("Это двоичная книга Excel (.xlsb)", WITHOUT_MACROS)
    types = archive.part("[Content_Types].xml", MB).lower() if _TYPES in archive else b""
    if (
        any("vbaproject" in name or "/macrosheets/" in name for name in names)
        or b"macroenabled" in types
        or b"vbaproject" in types
    ):
        raise RefusalError("В книге есть макросы", WITHOUT_MACROS)
    if any("/embeddings/" in name or "/activex/" in name for name in names):
        raise RefusalError(
            "В книгу вложены посторонние объекты",
            "Удалите из книги вложенные файлы и элементы управления, сохраните как .xlsx "
            "без макросов и пришлите снова.",
        )


_TYPES = "[Content_Types].xml"


def scan(archive: Archive) -> tuple[dict[str, Special], date]:
    """Return the special cells of each sheet by its name, and the epoch of the workbook.

    Raises
    ------
    RefusalError
        A sheet is too large or damaged.
    """
    book = _tree(archive, _MAIN)
    targets = _targets(archive)
    percent = _percent_styles(archive)
    stale = any(_flag(node, "fullCalcOnLoad") for node in _named(book, "calcPr"))
    is_1904 = any(_flag(node, "date1904") for node in _named(book, "workbookPr"))
    found = {}
    for number, sheet in enumerate(_named(book, "sheet"), start=1):
        part = targets.get(next((v for k, v in sheet.attrib.items() if k.endswith("}id")), ""))
        if part in archive and "/chartsheets/" not in part:
            found[sheet.get("name", "")] = _Scan(number, percent, stale).run(archive.pieces(part))
    return found, EPOCH_1904 if is_1904 else EPOCH


def _tree(archive: Archive, name: str) -> ElementTree.Element:
    if name not in archive:
        raise damaged()
    try:
        return ElementTree.fromstring(archive.part(name))
    except ElementTree.ParseError as error:
        raise damaged() from error


def _named(tree: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (node for node in tree.iter() if node.tag.rpartition("}")[2] == name)


def _flag(node: ElementTree.Element, name: str) -> bool:
    return node.get(name, "").lower() in ("1", "true", "on")


def _targets(archive: Archive) -> dict[str, str]:
    """Id of a relation of the workbook → the part it leads to."""
    tree = _tree(archive, "xl/_rels/workbook.xml.rels")
    return {
        node.get("Id", ""): normpath(join("/xl", node.get("Target", ""))).lstrip("/")
        for node in _named(tree, "Relationship")
    }


def _percent_styles(archive: Archive) -> list[int]:
    """Numbers of the cell styles that show a percent sign."""
    if "xl/styles.xml" not in archive:
        return []
    tree = _tree(archive, "xl/styles.xml")
    formats = {str(number): "0%" for number in _PERCENT_BUILTIN}
    for node in _named(tree, "numFmt"):
        formats[node.get("numFmtId", "")] = node.get("formatCode", "")
    shown = {number for number, code in formats.items() if shows_percent(code)}
    styles = [style for holder in _named(tree, "cellXfs") for style in holder]
    return [number for number, style in enumerate(styles) if style.get("numFmtId") in shown]


def shows_percent(code: str) -> bool:
    """Whether a format of numbers shows hundredths and a percent sign."""
    return "%" in _LITERAL.sub("", code)


def _repeated(meaning: str) -> RefusalError:
    return RefusalError(f"{meaning}: файл повреждён", SAVE_AS_XLSX)


def _without_comments(text: bytes) -> tuple[bytes, bytes]:
    """A part of a sheet without comments; and what begins with one that has not ended yet.

    Raises
    ------
    RefusalError
        There are values in CDATA sections, of which the reader makes blank cells.
    """
    if b"<!" not in text:
        return text, b""
    text = _COMMENT.sub(b"", text)
    if b"<![CDATA[" in text:
        raise unusual()
    at = text.find(b"<!--")
    return (text, b"") if at < 0 else (text[:at], text[at:])


_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)


class _Scan:
    """One pass over the XML of a sheet, row by row; its tags may have a prefix."""

    def __init__(self, number: int, percent: list[int], stale: bool):
        self.special = Special()
        self._extent = Extent(number)
        self._percent = percent
        self._stale = stale
        self._row = -1
        self._is_wide = False
        self._columns: dict[bytes, int] = {}
        self._number = number
        self._rows: set[int] = set()

    def run(self, pieces: Iterator[bytes]) -> Special:
        """Read the sheet to its end."""
        rest, is_ready = b"", False
        for piece in pieces:
            rest, held = _without_comments(rest + piece)
            if not is_ready:
                self._prepare(rest)
                is_ready = True
            self._is_wide = _THREE_LETTERS.search(rest) is not None
            is_odd = self._is_wide or self._percent or self._formula_tag in rest
            is_plain = not is_odd and _ERROR.search(rest) is None
            self._refuse_repeated(rest)
            *rows, rest = rest.split(self._end_of_row)
            rest += held
            for row in self._unmeasured(rows) if is_plain else rows:
                self._take(row)
            if len(rest) > _LONGEST_ROW:
                raise too_large()
        self._take(rest)
        self._extent.check()
        return self.special

    def _refuse_repeated(self, text: bytes) -> None:
        """Refuse cells and rows that stand twice: of two values the reader would drop one."""
        end = max(text.rfind(self._end_of_row), 0)
        cells = self._any_cell.findall(text, 0, end)
        rows = list(map(int, self._any_row.findall(text, 0, end)))
        if len(set(cells)) < len(cells):
            name = Counter(cells).most_common(1)[0][0].decode()
            raise _repeated(f"На листе № {self._number} ячейка {name} записана дважды")
        if len(set(rows)) < len(rows) or not self._rows.isdisjoint(rows):
            number = next(n for n, times in Counter([*self._rows, *rows]).items() if times > 1)
            raise _repeated(f"На листе № {self._number} строка {number} записана дважды")
        self._rows.update(rows)

    def _prepare(self, head: bytes) -> None:
        root = re.search(rb"<(?:([A-Za-z_][\w.-]*):)?[a-zA-Z]+[\s>/]", head)
        prefix = root[1] + b":" if root and root[1] else b""
        name = re.escape(prefix)
        self._end_of_row = b"</" + prefix + b"row>"
        self._row_tag = b"<" + prefix + b"row"
        self._cell_tag = b"<" + prefix + b"c"
        self._any_cell = re.compile(
            rb"<" + name + rb'c(?: r="|\s[^>]*?\sr=")([A-Z]{1,3}[0-9]{1,7})"'
        )
        self._any_row = re.compile(rb"<" + name + rb'row(?: r="|\s[^>]*?\sr=")([0-9]{1,7})"')
        self._address = re.compile(rb"<" + name + rb'c r="([A-Z]{1,3})([0-9]{1,7})"')
        self._formula_tag = b"<" + prefix + b"f"
        self._plain = b"<" + prefix + b"v>"
        self._no_text = b"<" + prefix + b"v></" + prefix + b"v>"
        self._calculated = (b"</" + prefix + b"f>" + self._plain, b"/>" + self._plain)
        self._odd_values = (b"<" + prefix + b"is", b"<" + prefix + b"v ")
        self._cell = re.compile(rb"<" + name + rb"c(?=[\s/>])([^>]*)>")
        self._value = re.compile(rb"<" + name + rb"(?:is[\s/>]|v(?:\s[^>/]*)?>[^<])")
        self._formula_or_value = re.compile(rb"<" + name + rb"[fv](?=[\s/>])")
        self._text = re.compile(rb"<" + name + rb"v(?:\s[^>/]*)?>([^<]*)<")
        self._formula = re.compile(rb"<" + name + rb"f(?=[\s/>])")
        styles = b"|".join(str(number).encode() for number in self._percent)
        self._style = re.compile(rb"\ss\s*=\s*[\"'](?:" + styles + rb")[\"']")

    def _unmeasured(self, rows: list[bytes]) -> Iterator[bytes]:
        """Tell the extent of the rows that are written as Excel does; give the others."""
        plain, cell, match = self._plain, self._cell_tag, self._address.match
        for row in rows:
            at = row.rfind(plain)
            found = match(row, row.rfind(cell, 0, at)) if at >= 0 else None
            rest = row[at + len(plain) :]
            if found is None or rest[:1] == b"<" or (len(rest) > 40 and self._has_odd_value(rest)):
                yield row
                continue
            name, number = found.groups()
            column = self._columns.get(name)
            if column is None:
                column = self._columns[name] = column_of(name)
            self._row = int(number) - 1
            self._extent.add(self._row, column, 0)

    def _take(self, row: bytes) -> None:
        if self._cell_tag not in row and self._row_tag not in row:
            return
        at = row.rfind(self._row_tag)
        number = _NUMBER_OF_ROW.search(row, at, row.find(b">", at)) if at >= 0 else None
        self._row = int(number[1]) - 1 if number else self._row + max(row.count(self._row_tag), 1)
        self._measure(row)
        if _ERROR.search(row):
            for place, attributes, inside in self._each(row):
                if _ERROR.search(attributes) and (value := self._text.search(inside)):
                    self.special.errors[place] = value[1].decode("utf-8", "replace").strip()
        if self._has_doubtful_formula(row):
            for place, attributes, inside in self._each(row):
                if self._formula.search(inside) and not self._is_calculated(attributes, inside):
                    self.special.no_value.append(place)
                    self._extent.add(*place, row.count(self._cell_tag))
        if self._percent and self._style.search(row):
            for place, attributes, inside in self._each(row):
                if self._style.search(attributes) and _is_number(attributes, inside):
                    self.special.percents.append(place)

    def _measure(self, row: bytes) -> None:
        """Tell the extent the last value of a row; a cell that is but styled does not count."""
        at = row.rfind(self._plain)
        if at >= 0 and not self._is_wide and not self._has_odd_value(row[at + 3 :]):
            start = row.rfind(self._cell_tag, 0, at)
            reference = _REFERENCE.search(row, start, row.find(b">", start))
            if reference:
                place = int(reference[2]) - 1, column_of(reference[1])
                self._extent.add(*place, row.count(self._plain))
                return
        elif at < 0 and not self._has_odd_value(row):
            return
        cells = [place for place, attributes, inside in self._each(row)
                 if self._is_valued(attributes, inside)]  # fmt: skip
        for number, column in cells:
            self._extent.add(number, column, len(cells))

    def _has_odd_value(self, row: bytes) -> bool:
        return any(tag in row for tag in self._odd_values) or row.startswith(b"</")

    def _is_valued(self, attributes: bytes, inside: bytes) -> bool:
        if self._value.search(inside):
            return True
        return b"str" in attributes and self._formula_or_value.search(inside) is not None

    def _each(self, row: bytes) -> Iterator[tuple[tuple[int, int], bytes, bytes]]:
        """Place, attributes and content of every cell; one without an address follows the last."""
        column = -1
        found = list(self._cell.finditer(row))
        for match, after in zip(found, [*found[1:], None], strict=True):
            reference = _REFERENCE.search(match[1])
            number = int(reference[2]) - 1 if reference else self._row
            column = column_of(reference[1]) if reference else column + 1
            inside = row[match.end() : after.start() if after else len(row)]
            yield (number, column), match[1], b"" if match[1].endswith(b"/") else inside

    def _has_doubtful_formula(self, row: bytes) -> bool:
        n_formulas = row.count(self._formula_tag)
        if not n_formulas or self._stale or self._no_text in row:
            return bool(n_formulas)
        return n_formulas != sum(row.count(ending) for ending in self._calculated)

    def _is_calculated(self, attributes: bytes, inside: bytes) -> bool:
        """Whether a formula has the value that its program showed; "" may be one."""
        value = self._text.search(inside)
        if value is None or not value[1].strip():
            return value is not None and _TEXT_RESULT.search(attributes) is not None
        return not (self._stale and value[1].strip() == b"0")


def _is_number(attributes: bytes, inside: bytes) -> bool:
    kind = _KIND.search(attributes)
    return (kind is None or kind[1] == b"n") and b"v" in inside
