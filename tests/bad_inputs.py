"""What municipalities send by mistake: honest workbooks, and the ways in which they get spoiled."""

from __future__ import annotations

import csv
import re
import struct
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from io import BytesIO, StringIO
from pathlib import Path
from xml.sax.saxutils import escape

import xlsxwriter
from intake_books import (
    EMPLOYMENT,
    FORMS,
    METHODISTS,
    ORGANIZATIONS,
    PROCEDURES,
    SCORES,
    STAFF,
    staff_row,
)

BAD, HONEST, CENTRE = "Абаза.xlsx", "Абакан.xlsx", "ЦНППМ.xlsx"
SHEETS = {
    "staff": "Сотрудники",
    "employment": "Места работы",
    "organizations": "Организации",
    "scores": "Результаты",
}
N_BAD, N_HONEST, MAX_SCORE = 24, 6, 20
#: Words that are names and nothing else: none of them may appear in anything that intake writes.
SURNAMES = str.split(
    "Ярославцева Бурмистров Велижанина Гостюшева Дробышева Ерофеева Жаворонкова Завьялова "
    "Игошина Капустина Лопаткина Митрошина Никишина Овсянникова Пастухова Рукавишникова "
    "Самохина Тарабрина Ушанова Филимонова Хохрякова Цыплакова Чувашова Шелудякова Щеголева "
    "Эдельвейс Юсупова Якимчук Бородавкина Верещагина Халтурина Мясоедова Опочинина"
)
GIVEN = str.split("Марина Пётр Светлана Ольга Ирина Нина Лариса Тамара Галина Раиса")
PATRONYMICS = ["Глебовна", "Глебович", "Юрьевна", "Львовна", "Кирилловна", "Марковна"]


def person(number: int) -> list:
    """An invented person, the same for the same number."""
    is_man = GIVEN[number % 10] == "Пётр"
    patronymic = PATRONYMICS[1] if is_man else PATRONYMICS[(0, 2, 3, 4, 5)[number % 5]]
    return [
        SURNAMES[number],
        GIVEN[number % 10],
        patronymic,
        date(1965 + number, 1 + number % 12, 3 + number % 25),
    ]


def work(who: list, organization: str | int, place: str, is_main: str = "да") -> list:
    job = ["педагог", "математика", is_main]
    return [*who, organization, place, *job, 1, date(2010, 9, 1), None]


def score(who: list, domain: str, raw: object) -> list:
    return [*who, "P1", "входная", 1, "F1", domain, raw, MAX_SCORE, date(2023, 4, 10)]


def municipality(place: str, people: list[list], organizations: list[str | int]) -> dict:
    """The sheets of a municipality, sheet → rows: two results for everybody."""
    sheets = {"Сотрудники": [STAFF], "Места работы": [EMPLOYMENT]}
    sheets |= {"Организации": [ORGANIZATIONS], "Результаты": [SCORES]}
    for n, who in enumerate(people):
        sheets["Сотрудники"].append(staff_row(who, 3 + n))
        sheets["Места работы"].append(work(who, organizations[n % len(organizations)], place))
        sheets["Результаты"].append(score(who, "Предметные", (7 * n) % 19 + 1))
        sheets["Результаты"].append(score(who, "Методические", (5 * n) % 17 + 2))
    for code in organizations:
        sheets["Организации"].append([code, place, "школа", "нет", "да", "нет", "нет"])
    return sheets


def honest() -> dict[str, dict[str, list[list]]]:
    """Three files without a mistake, file → sheet → rows; `BAD` is the one to spoil."""
    people = [person(n) for n in range(N_BAD + N_HONEST)]
    methodist = ["региональный методист", "математика", "Абакан", None, None, 2]
    about = ["P1", "ЦНППМ", "цель", "1", None, "по записи", None]
    forms = [
        ["F1", "P1", domain, "Математика и информатика", 20, MAX_SCORE, 0.8, "отчёт"]
        for domain in ("Предметные", "Методические")
    ]
    books = {
        BAD: municipality("Абаза", people[:N_BAD], ["007", 12]),
        HONEST: municipality("Абакан", people[N_BAD:], ["101"]),
        CENTRE: {
            "Процедуры": [PROCEDURES, about],
            "Формы": [FORMS, *forms],
            "РМА": [METHODISTS, [*people[-1], *methodist, date(2022, 1, 1), None, "№ 5"]],
        },
    }
    return {
        file: {sheet: [list(row) for row in rows] for sheet, rows in sheets.items()}
        for file, sheets in books.items()
    }


class Sending:
    """The files of one test before they are written: rows of workbooks, and plain bytes.

    `finish` is called with the xlsxwriter workbook of `BAD` before it is closed; `patches` change
    parts of its package: part → function of its text; `extra` are parts to add.
    """

    def __init__(self) -> None:
        self.books = honest()
        self.raw: dict[str, bytes] = {}
        self.options: dict[str, object] = {}
        self.finish: Callable[[xlsxwriter.Workbook], None] = lambda book: None
        self.patches: dict[str, Callable[[str], str]] = {}
        self.extra: dict[str, bytes] = {}
        self.earlier: dict[str, bytes] = {}  # files of the period before

    def rows(self, sheet: str = "Результаты") -> list[list]:
        return self.books[BAD][sheet]

    def put(self, cells: dict[str, object]) -> None:
        """Write values into `BAD`: «Результаты!J6» → value."""
        for address, value in cells.items():
            sheet, cell = address.split("!")
            letter, row = re.fullmatch(r"([A-Z])(\d+)", cell).groups()
            rows = self.rows(sheet)
            rows.extend([] for _ in range(int(row) - len(rows)))
            line, at = rows[int(row) - 1], ord(letter) - ord("A")
            line.extend([None] * (at + 1 - len(line)))
            line[at] = value

    def take(self, sheet: str) -> list[list]:
        """Take a sheet out of `BAD`, to be sent in another file."""
        return self.books[BAD].pop(sheet)

    def content(self, file: str = BAD) -> bytes:
        """The bytes of a workbook as it stands."""
        is_bad = file == BAD
        content = book(self.books[file], self.options if is_bad else {}, is_bad and self.finish)
        if is_bad and (self.patches or self.extra):
            content = repacked(content, self.patches, self.extra)
        return content

    def write(self, folder: Path) -> None:
        """Write everything into the folder of the edition; what is raw comes last."""
        for file in self.books:
            (folder / file).write_bytes(self.content(file))
        for file, content in self.raw.items():
            (folder / file).write_bytes(content)
        if self.earlier:
            before = folder.with_name("2022")
            before.mkdir()
            about = "origin: submitted\nperiod_kind: calendar_year\nas_of: 2022-12-31\n"
            (before / "edition.yaml").write_text(about, "utf-8")
            for file, content in self.earlier.items():
                (before / file).write_bytes(content)


# --- xlsx ---------------------------------------------------------------------------------------


def book(
    sheets: dict[str, list[list]],
    options: dict[str, object] | None = None,
    finish: Callable[[xlsxwriter.Workbook], None] | None = None,
) -> bytes:
    """A workbook: text stays text, dates get a format; a callable writes its cell itself."""
    content = BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True} | (options or {})) as made:
        made.set_properties({"created": datetime(2023, 12, 31)})  # not the clock: equal bytes
        day = made.add_format({"num_format": "dd.mm.yyyy"})
        for name, rows in sheets.items():
            sheet = made.add_worksheet(name)
            for row, line in enumerate(rows):
                for column, value in enumerate(line):
                    if callable(value):
                        value(sheet, row, column)
                    elif isinstance(value, str):
                        sheet.write_string(row, column, value)
                    elif isinstance(value, date):
                        sheet.write_datetime(row, column, value, day)
                    elif value is not None:
                        sheet.write(row, column, value)
        if finish:
            finish(made)
    return content.getvalue()


def formula(text: str, cached: object = "") -> Callable:
    """A cell with a formula; without a cached value the program that wrote it did not count it."""
    return lambda sheet, row, column: sheet.write_formula(row, column, text, None, cached)


def repacked(
    content: bytes,
    patches: dict[str, Callable[[str], str]] | None = None,
    extra: dict[str, bytes] | None = None,
) -> bytes:
    """The same package with parts of it changed or added."""
    patches, result = patches or {}, BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    assert set(patches) <= set(parts), "a patch of a part that is not there"
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for name, part in (parts | (extra or {})).items():
            if name in patches:
                changed = patches[name](part.decode()).encode()
                assert changed != part, "a patch that changes nothing"
                part = changed
            new.writestr(name, part)
    return result.getvalue()


DTD_BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


def after_declaration(text: str) -> Callable[[str], str]:
    """Put `text` after the XML declaration of a part."""
    return lambda part: part.replace("?>", "?>" + text, 1)


# --- other formats --------------------------------------------------------------------------------


def as_text(value: object, decimal: str = ",") -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return f"{value:%d.%m.%Y}"
    return value if isinstance(value, str) else str(value).replace(".", decimal)


def csv_of(rows: list[list], separator: str = ";", encoding: str = "utf-8") -> bytes:
    text = StringIO()
    lines = [[as_text(value) for value in row] for row in rows]
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerows(lines)
    return text.getvalue().encode(encoding)


def ods_of(sheets: dict[str, list[list]]) -> bytes:
    """An OpenDocument spreadsheet: text, numbers and dates."""

    def cell(value: object) -> str:
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, date):
            kind = f'office:value-type="date" office:date-value="{value.isoformat()}"'
        elif isinstance(value, str):
            kind = 'office:value-type="string"'
        else:
            kind = f'office:value-type="float" office:value="{value}"'
        text = escape(as_text(value))
        return f"<table:table-cell {kind}><text:p>{text}</text:p></table:table-cell>"

    tables = ""
    for name, rows in sheets.items():
        lines = "".join(
            f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows
        )
        tables += f'<table:table table:name="{name}">{lines}</table:table>'
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    mime = "application/vnd.oasis.opendocument.spreadsheet"
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces} '
        f'office:version="1.2"><office:body><office:spreadsheet>{tables}</office:spreadsheet>'
        "</office:body></office:document-content>"
    )
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest '
        'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{mime}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
        "</manifest:manifest>"
    )
    result = BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", mime, zipfile.ZIP_STORED)
        package.writestr("content.xml", content)
        package.writestr("META-INF/manifest.xml", manifest)
    return result.getvalue()


def xls_of(sheets: dict[str, list[list]]) -> bytes:
    """A workbook of Excel 97–2003 (BIFF8 in a compound file); dates are text."""

    def record(kind: int, data: bytes = b"") -> bytes:
        return struct.pack("<HH", kind, len(data)) + data

    def begin(kind: int) -> bytes:
        return record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0, 6))

    def cell(row: int, column: int, value: object) -> bytes:
        place = struct.pack("<HHH", row, column, 0)
        if isinstance(value, int | float):
            return record(0x0203, place + struct.pack("<d", value))
        text = as_text(value)
        return record(0x0204, place + struct.pack("<HB", len(text), 1) + text.encode("utf-16-le"))

    bodies = []
    for rows in sheets.values():
        size = struct.pack("<IIHHH", 0, len(rows), 0, max(map(len, rows)), 0)
        body = begin(0x0010) + record(0x0200, size)
        for row, line in enumerate(rows):
            body += b"".join(
                cell(row, at, value) for at, value in enumerate(line) if value is not None
            )
        bodies.append(body + record(0x000A))
    names = [name.encode("utf-16-le") for name in sheets]
    head = begin(0x0005) + record(0x0042, struct.pack("<H", 1200))
    at = len(head) + sum(4 + 8 + len(name) for name in names) + 4
    for name, body in zip(names, bodies, strict=True):
        head += record(0x0085, struct.pack("<IHBB", at, 0, len(name) // 2, 1) + name)
        at += len(body)
    return compound(head + record(0x000A) + b"".join(bodies))


def compound(stream: bytes, name: str = "Workbook") -> bytes:
    """A compound file (MS-CFB) with one stream, of at least 4096 bytes."""
    sector, free, end = 512, 0xFFFFFFFF, 0xFFFFFFFE
    stream = stream.ljust(max(4096, -(-len(stream) // sector) * sector), b"\0")
    n = len(stream) // sector
    n_fat = -(-(n + 1) // 127)  # a sector of the table holds 128 entries, one of them its own
    chain = [*range(1, n), end, end, *[0xFFFFFFFD] * n_fat]
    chain += [free] * (n_fat * 128 - len(chain))

    def entry(title: str, kind: int, child: int, start: int, size: int) -> bytes:
        text = title.encode("utf-16-le") + b"\0\0" if title else b""
        links = struct.pack("<BBIII", kind, 1, free, free, child)
        tail = b"\0" * 36 + struct.pack("<IQ", start, size)
        return text.ljust(64, b"\0") + struct.pack("<H", len(text)) + links + tail

    header = bytes.fromhex("D0CF11E0A1B11AE1") + b"\0" * 16
    header += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, n_fat, n, 0, 4096, end, 0, end, 0)
    table = [n + 1 + i for i in range(n_fat)]
    header += struct.pack("<109I", *table, *[free] * (109 - n_fat))
    folder = entry("Root Entry", 5, 1, end, 0) + entry(name, 2, free, 0, len(stream))
    folder += entry("", 0, free, 0, 0) * 2
    return header + stream + folder + struct.pack(f"<{len(chain)}I", *chain)


def docx_of(text: str) -> bytes:
    result = BytesIO()
    with zipfile.ZipFile(result, "w") as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        package.writestr("word/document.xml", f"<w:document>{escape(text)}</w:document>")
    return result.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    result = BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        for name, content in files.items():
            package.writestr(name, content)
    return result.getvalue()
