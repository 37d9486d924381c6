"""What of an ods workbook the reader of values does not tell, from its XML in pieces."""

from __future__ import annotations

from datetime import date
from xml.parsers import expat

from nmc_utils.reading.archive import Archive
from nmc_utils.reading.extent import Extent
from nmc_utils.reading.refusal import RefusalError, damaged, error_in, protected, unusual
from nmc_utils.reading.xlsx import EPOCH, WITHOUT_MACROS, Special

_CONTENT, _MANIFEST = "content.xml", "META-INF/manifest.xml"
_CELLS = ("table-cell", "covered-table-cell")


def refuse_active(archive: Archive) -> None:
    """Refuse macros and passwords.

    Raises
    ------
    RefusalError
        There is one of them in the workbook.
    """
    if _MANIFEST in archive and b"encryption-data" in archive.part(_MANIFEST):
        raise protected()
    if any(name.startswith(("Basic/", "Scripts/")) for name in archive.names):
        raise RefusalError("В книге есть макросы", WITHOUT_MACROS)


def scan(archive: Archive) -> tuple[dict[str, Special], date]:
    """Return the special cells of each sheet by its name, and the epoch of the workbook.

    Raises
    ------
    RefusalError
        A sheet is too large or damaged.
    """
    if _CONTENT not in archive:
        raise damaged()
    found = _Scan()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _no_declaration
    parser.StartCdataSectionHandler = _no_cdata
    parser.StartElementHandler = found.start
    parser.EndElementHandler = found.end
    parser.CharacterDataHandler = found.text
    parser.buffer_text = True
    try:
        for piece in archive.pieces(_CONTENT):
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError) as error:
        raise error if isinstance(error, RefusalError) else damaged() from error
    return found.sheets, EPOCH


def _no_declaration(*_: object) -> None:
    raise damaged()


def _no_cdata() -> None:
    raise unusual()


class _Scan:
    """One pass over the elements; repeated rows and cells are counted, not repeated."""

    def __init__(self) -> None:
        self.sheets: dict[str, Special] = {}
        self._depth = 0  # tables may stand in cells
        self._row = self._column = 0
        self._rows_repeated = 1
        self._cell: dict[str, str] | None = None
        self._text: list[str] = []
        self._of_row: list[tuple[str, int, int, str]] = []  # kind, first column, repeated, text

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        if name == "table":
            self._depth += 1
            if self._depth == 1:
                self._special = Special(merged=[])
                self.sheets[_of(attributes, "name")] = self._special
                self._extent = Extent(len(self.sheets))
                self._row = 0
        elif self._depth != 1:
            return
        elif name == "table-row":
            self._column = 0
            self._of_row = []
            self._rows_repeated = _count(attributes, "number-rows-repeated")
        elif name in _CELLS:
            self._cell = attributes
            self._text = []

    def text(self, text: str) -> None:
        if self._cell is not None:
            self._text.append(text)

    def end(self, tag: str) -> None:
        name = tag.rpartition(" ")[2]
        if name == "table":
            self._depth -= 1
            if not self._depth:
                self._extent.check()
        elif self._depth != 1:
            return
        elif name in _CELLS and self._cell is not None:
            self._end_cell(self._cell, "".join(self._text).strip())
            self._cell = None
        elif name == "table-row":
            self._end_row()

    def _end_cell(self, cell: dict[str, str], text: str) -> None:
        repeated = _count(cell, "number-columns-repeated")
        kind = _kind(cell, text)
        if kind:
            self._of_row.append((kind, self._column, repeated, text))
        rows, columns = (_count(cell, f"number-{side}-spanned") for side in ("rows", "columns"))
        if rows > 1 and columns == 1:
            last = self._row + rows - 1
            self._special.merged.append((self._row, self._column, last, self._column))  # type: ignore[union-attr]
        self._column += repeated

    def _end_row(self) -> None:
        if self._of_row:
            _, column, repeated, _ = self._of_row[-1]
            last, n_values = column + repeated - 1, sum(cell[2] for cell in self._of_row)
            self._extent.add(self._row, last, n_values)
            if self._rows_repeated > 1:
                self._extent.add_repeated(self._row, last, self._rows_repeated)
            for kind, column, repeated, text in self._of_row:
                if kind != "value":
                    self._extent.check()
                    self._mark(kind, column, repeated, text)
        self._row += self._rows_repeated

    def _mark(self, kind: str, column: int, repeated: int, text: str) -> None:
        for row in range(self._row, self._row + self._rows_repeated):
            for place in range(column, column + repeated):
                if kind == "percent":
                    self._special.percents.append((row, place))
                elif kind == "formula":
                    self._special.no_value.append((row, place))
                else:
                    self._special.errors[row, place] = text


def _of(attributes: dict[str, str], name: str) -> str:
    """The attribute of this name in whatever namespace; the one of the table comes first."""
    return next((text for key, text in attributes.items() if key.endswith(" " + name)), "")


def _count(attributes: dict[str, str], name: str) -> int:
    text = _of(attributes, name)
    return max(int(text), 1) if text else 1


def _kind(cell: dict[str, str], text: str) -> str:
    """What there is in a cell: nothing, a value, or something that needs more than its value."""
    kinds = {value for key, value in cell.items() if key.endswith(" value-type")}
    is_formula = bool(_of(cell, "formula"))
    if "error" in kinds or (is_formula and error_in(text)):
        return "error"
    if not kinds:
        return "formula" if is_formula and not text else "value" if text else ""
    return "percent" if "percentage" in kinds else "value"
