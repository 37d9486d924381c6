"""Files as nobody should send them, and their honest twins, made byte by byte."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from io import BytesIO
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_OPEN = "urn:oasis:names:tc:opendocument:xmlns:{}:1.0"
ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"


def packed(parts: Mapping[str, str | bytes], level: int = 6) -> bytes:
    """A zip archive of `parts`."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return content.getvalue()


def xlsx_parts(
    rows: str, *, more: str = "", book: str = "", styles: str = "", sheet: str | bytes | None = None
) -> dict[str, str | bytes]:
    """Parts of a workbook of one sheet; `rows` stand in its sheetData, `more` behind it."""
    relation = f'<Relationship Id="r1" Type="{_OFFICE}/%s" Target="%s"/>'
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}">'
        + relation % ("officeDocument", "xl/workbook.xml")
        + "</Relationships>",
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{_OFFICE}">{book}'
        '<sheets><sheet name="Лист" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELATIONS}">'
        + relation % ("worksheet", "worksheets/sheet1.xml")
        + "</Relationships>",
        "xl/worksheets/sheet1.xml": sheet
        or f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>{more}</worksheet>',
    }
    return parts | ({"xl/styles.xml": styles} if styles else {})


def xlsx(rows: str, **about: str) -> bytes:
    """A workbook of one sheet, see `xlsx_parts`."""
    return packed(xlsx_parts(rows, **about))


def cell(address: str, value: object = 1) -> str:
    """A cell with a number or a text."""
    if isinstance(value, str):
        text = f'<t xml:space="preserve">{escape(value)}</t>'
        return f'<c r="{address}" t="inlineStr"><is>{text}</is></c>'
    return f'<c r="{address}"><v>{value}</v></c>'


def row(number: int, *cells: str) -> str:
    """A row of cells."""
    return f'<row r="{number}">{"".join(cells)}</row>'


def styles_with(*codes: str) -> str:
    """Styles of which number 1, 2, … shows numbers by `codes`, number 0 plainly."""
    formats = "".join(
        f'<numFmt numFmtId="{200 + i}" formatCode="{escape(code, {chr(34): "&quot;"})}"/>'
        for i, code in enumerate(codes)
    )
    used = '<xf numFmtId="0"/>' + "".join(f'<xf numFmtId="{200 + i}"/>' for i in range(len(codes)))
    return (
        f'<styleSheet xmlns="{MAIN}"><numFmts>{formats}</numFmts><cellXfs>{used}</cellXfs>'
        "</styleSheet>"
    )


def ods(rows: str, *, parts: Mapping[str, str] | None = None, head: str = "") -> bytes:
    """An OpenDocument workbook of one sheet."""
    names = " ".join(f'xmlns:{name}="{_OPEN.format(name)}"' for name in ("office", "table", "text"))
    content = (
        f"{head}<office:document-content {names} "
        'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">'
        '<office:body><office:spreadsheet><table:table table:name="Лист">'
        f"{rows}</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    )
    return packed(
        {"mimetype": ODS_TYPE, "content.xml": content, "META-INF/manifest.xml": manifest}
        | dict(parts or {})
    )


def ods_row(*cells: str, repeated: int = 1) -> str:
    """A row of an OpenDocument sheet."""
    times = f' table:number-rows-repeated="{repeated}"' if repeated > 1 else ""
    return f"<table:table-row{times}>{''.join(cells)}</table:table-row>"


def ods_cell(kind: str = "", value: object = "", text: str = "", **more: object) -> str:
    """A cell; `more` are attributes of the table namespace with «_» for «-»."""
    attributes = "".join(f' table:{name.replace("_", "-")}="{v}"' for name, v in more.items())
    if kind == "error":
        attributes += (
            ' office:value-type="string" office:string-value="" calcext:value-type="error"'
        )
    elif kind:
        attributes += f' office:value-type="{kind}"'
        attributes += f' office:value="{value}"' if kind in ("float", "percentage") else ""
    inside = f"<text:p>{escape(text)}</text:p>" if text else ""
    return f"<table:table-cell{attributes}>{inside}</table:table-cell>"


def compound(*streams: tuple[str, bytes]) -> bytes:
    """A container of Office before 2007; a stream without content becomes a storage."""
    end, free = 0xFFFFFFFE, 0xFFFFFFFF
    entries = [("Root Entry", 5, end, 0)]
    fat: list[int] = []
    data = b""
    for name, content in streams:
        content = content and content.ljust(4096, b"\0")
        n = -(-len(content) // 512)
        entries.append((name, 2 if n else 1, len(fat) if n else end, len(content)))
        fat += [*range(len(fat) + 1, len(fat) + n), end] if n else []
        data += content.ljust(n * 512, b"\0")
    directory = b""
    for i, (name, kind, start, size) in enumerate(entries):
        text = name.encode("utf-16-le") + b"\0\0"
        links = (free, i + 1 if 0 < i < len(entries) - 1 else free, 1 if i == 0 else free)
        directory += text.ljust(64, b"\0") + struct.pack("<HBB3I", len(text), kind, 1, *links)
        directory += bytes(36) + struct.pack("<IQ", start, size)
    directory = directory.ljust(-(-len(directory) // 512) * 512, b"\0")
    first, n = len(fat), len(directory) // 512
    fat += [*range(first + 1, first + n), end, 0xFFFFFFFD]
    assert len(fat) <= 128, "one sector of places"
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(512, b"\xff")
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    header += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<9I", 0, 1, first, 0, 4096, end, 0, end, 0)
    header += struct.pack("<109I", first + n, *[free] * 108)
    return header + data + directory + table


def xls(
    cells: Mapping[tuple[int, int], float | str | None],
    *more: tuple[str, bytes],
    password: bool = False,
    percent: bool = False,
) -> bytes:
    """A workbook of Excel 97 with one sheet; `more` streams stand beside it.

    A cell of None has the error #N/A; with `percent` numbers have a percent sign.
    """
    name = "Лист".encode("utf-16-le")
    sheet = _record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    for (r, c), value in sorted(cells.items()):
        if isinstance(value, str):
            text = struct.pack("<HB", len(value), 1) + value.encode("utf-16-le")
            sheet += _record(0x204, struct.pack("<HHH", r, c, 0) + text)
        elif value is None:
            sheet += _record(0x205, struct.pack("<HHHBB", r, c, 0, 0x2A, 1))
        else:
            sheet += _record(0x203, struct.pack("<HHHd", r, c, 0, value))
    sheet += _record(0x0A, b"")
    begin = _record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0))
    begin += _record(0x2F, bytes(54)) if password else b""
    begin += _record(0x42, struct.pack("<H", 1200))
    begin += _record(0xE0, struct.pack("<HH16x", 0, 9 if percent else 0))
    place = len(begin) + 4 + 8 + len(name) + 4
    bound = struct.pack("<IBBBB", place, 0, 0, len(name) // 2, 1) + name
    return compound(("Workbook", begin + _record(0x85, bound) + _record(0x0A, b"") + sheet), *more)


def _record(number: int, content: bytes) -> bytes:
    return struct.pack("<HH", number, len(content)) + content
