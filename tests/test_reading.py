"""What is read and what is refused: workbooks, text files and the process that reads them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import zipfile
from datetime import date
from io import BytesIO

import pytest
import xlsxwriter
from conftest import CHECKOUT
from nasty_files import (
    MAIN,
    cell,
    compound,
    ods,
    ods_cell,
    ods_row,
    packed,
    row,
    styles_with,
    xls,
    xlsx,
    xlsx_parts,
)

from nmc_utils.intake.workbook import Sheet, UnreadableError, read
from nmc_utils.reading import client
from nmc_utils.reading.archive import Archive
from nmc_utils.reading.cells import percent
from nmc_utils.reading.refusal import RefusalError

ONE = row(1, cell("A1"))
TABLE = "ФИО;Балл;Школа\nЕгоров Пётр;12,5;МБОУ СОШ\nПетрова Анна;7;Лицей\n"
SECRET = "root:x:0:0"


def the_sheet(content: bytes) -> Sheet:
    (sheet,) = read("файл", content).sheets
    return sheet


def cells(content: bytes) -> list[list[str | None]]:
    grid = the_sheet(content).grid
    return grid.astype(object).where(grid.notna(), None).to_numpy().tolist()


def refusal(content: bytes) -> str:
    with pytest.raises(UnreadableError) as error:
        read("файл", content)
    assert not str(error.value).endswith(".") and error.value.remedy.endswith(".")
    return str(error.value)


def with_part(name: str, content: str | bytes = "x") -> bytes:
    return packed(xlsx_parts(ONE) | {name: content})


def declared(text: str) -> str:
    return (
        f'<?xml version="1.0"?>{text}<worksheet xmlns="{MAIN}"><sheetData>'
        + row(1, '<c r="A1" t="inlineStr"><is><t>&x;</t></is></c>')
        + "</sheetData></worksheet>"
    )


LAUGHS = '<!DOCTYPE w [<!ENTITY a "ha"><!ENTITY x "&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
NOT_A_TABLE = [
    (b"", "Файл пуст"),
    (b"\xef\xbb\xbf \r\n", "Файл пуст"),
    (b"%PDF-1.7 ...", "Это документ PDF"),
    (b"\x89PNG\r\n\x1a\n", "Это изображение"),
    (b"Rar!\x1a\x07\x00", "Это архив"),
    (b"7z\xbc\xaf\x27\x1c", "Это архив"),
    (b"{\\rtf1}", "Это документ RTF"),
    (b"<html><table><tr><td>1</td></tr></table></html>", "Это веб-страница (HTML)"),
    (b"\xef\xbb\xbf\n<!DOCTYPE html>\n<p>", "Это веб-страница (HTML)"),
    ("<html><table>".encode("utf-16"), "Это веб-страница (HTML)"),
    (b"MIME-Version: 1.0\r\nContent-Type: multipart/related", "Это веб-страница (MHTML)"),
    (
        b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>',
        "Это «Таблица XML 2003»",
    ),
    (b'<?xml version="1.0"?><a/>', "Это документ XML"),
    (packed({"[Content_Types].xml": "<Types/>", "word/document.xml": "<a/>"}), "Это документ Word"),
    (packed({"[Content_Types].xml": "<Types/>", "ppt/a.xml": "<a/>"}), "Это презентация"),
    (packed({"таблица.xlsx": b"PK"}), "Это архив"),
    (packed({"Index/Document.iwa": "x"}), "Это книга Apple Numbers"),
    (packed({"mimetype": "application/vnd.oasis.opendocument.text"}), "Это текстовый документ"),
    (compound(("WordDocument", b"x")), "Это документ Word"),
]
ACTIVE = [
    (with_part("xl/vbaProject.bin"), "В книге есть макросы"),
    (with_part("xl/macrosheets/sheet1.xml"), "В книге есть макросы"),
    (
        with_part("[Content_Types].xml", "<Types a='x.sheet.macroEnabled.main+xml'/>"),
        "В книге есть",
    ),
    (packed({"[Content_Types].xml": "<Types/>", "xl/workbook.bin": "x"}), "Это двоичная книга"),
    (with_part("xl/embeddings/oleObject1.bin"), "В книгу вложены посторонние объекты"),
    (with_part("xl/activeX/activeX1.xml"), "В книгу вложены посторонние объекты"),
    (ods("", parts={"Basic/Standard/Module1.xml": "<a/>"}), "В книге есть макросы"),
    (xls({(0, 0): 1.0}, ("_VBA_PROJECT_CUR", b"")), "В книге есть макросы"),
    (xls({(0, 0): 1.0}, ("MBD00012345", b"")), "В книгу вложены посторонние объекты"),
]
LOCKED = [
    compound(("EncryptionInfo", b"x"), ("EncryptedPackage", b"x")),
    xls({(0, 0): 1.0}, password=True),
    ods("", parts={"META-INF/manifest.xml": "<manifest><encryption-data/></manifest>"}),
]


@pytest.mark.parametrize(("content", "meaning"), NOT_A_TABLE + ACTIVE)
def test_what_is_not_a_plain_table_is_refused_by_its_content(content, meaning):
    assert refusal(content).startswith(meaning)


@pytest.mark.parametrize("content", LOCKED)
def test_a_password_is_named(content):
    assert refusal(content) == "Файл защищён паролем"


def test_macros_and_other_documents_tell_how_to_convert():
    with pytest.raises(UnreadableError) as error:
        read("файл", ACTIVE[0][0])
    assert "сохраните файл как .xlsx без макросов" in error.value.remedy.lower()
    with pytest.raises(UnreadableError) as error:
        read("файл", b"%PDF-1.7")
    assert "xlsx, xls и ods" in error.value.remedy and "csv" in error.value.remedy


def test_formats_are_known_by_content_and_told():
    told = {
        "xlsx": xlsx(ONE),
        "ods": ods(ods_row(ods_cell("float", 1, "1"))),
        "xls": xls({(0, 0): 1.0}),
        "CSV, UTF-8, разделитель «;»": b"1;2\n",
    }
    for format_, content in told.items():
        assert read("файл.xlsx", content).format == format_
        assert cells(content)[0][0] == "1"


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "docProps/x.xml"])
@pytest.mark.parametrize("before", ["", "<!-- <a> -->", " " * 70_000])
@pytest.mark.parametrize("text", [LAUGHS, OUTSIDE])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_declarations_are_refused_and_never_expanded(part, text, before, encoding):
    message = refusal(with_part(part, declared(before + text).encode(encoding)))
    assert "DTD" in message or message == "Файл записан в кодировке, которой Excel не пишет"
    assert SECRET not in message


def test_a_doctype_in_the_text_of_a_cell_is_text():
    assert cells(xlsx(row(1, cell("A1", "<!DOCTYPE w [<!ENTITY x>]>")))) == [
        ["<!DOCTYPE w [<!ENTITY x>]>"]
    ]


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9, 0.99])
def test_what_is_cut_off_is_damaged(share):
    for content in (xlsx(ONE), ods(ods_row(ods_cell("float", 1, "1"))), xls({(0, 0): 1.0})):
        assert refusal(content[: int(len(content) * share)]) == "Файл повреждён"


def test_a_changed_byte_is_noticed():
    content = bytearray(packed(xlsx_parts(row(1, *[cell(f"A{i}", i) for i in range(200)]))))
    with zipfile.ZipFile(BytesIO(content)) as archive:
        at = archive.getinfo("xl/worksheets/sheet1.xml").header_offset + 200
    content[at] ^= 0xFF
    assert refusal(bytes(content)) == "Файл повреждён"


def test_a_bomb_is_refused_by_its_directory_at_once():
    rows = "".join(row(i, *[cell(f"{c}{i}", 0) for c in "ABCDE"]) for i in range(1, 2000))
    bomb = with_part("xl/worksheets/sheet1.xml", rows.encode() + b" " * 100_000_000)
    assert len(bomb) < 3_000_000
    start = time.monotonic()
    assert refusal(bomb) == "Файл при распаковке слишком велик и не читается"
    assert time.monotonic() - start < 1


def test_many_parts_make_a_bomb_too_and_overlapping_ones_are_damaged():
    parts = {f"xl/media/{i}.bin": b"\0" * 3_000_000 for i in range(20)}
    assert "при распаковке слишком велик" in refusal(packed(xlsx_parts(ONE) | parts))
    parts = {f"xl/media/{i}.bin": b"" for i in range(5_001)}
    assert "при распаковке слишком велик" in refusal(packed(xlsx_parts(ONE) | parts))
    content = packed(xlsx_parts(ONE) | {"a.xml": b"a" * 50, "b.xml": b"b" * 50}, 0)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        first, second = (archive.getinfo(name).header_offset for name in ("a.xml", "b.xml"))
    moved = content.replace(second.to_bytes(4, "little"), first.to_bytes(4, "little"))
    assert moved != content and refusal(moved) == "Файл повреждён"


def test_a_part_that_is_longer_than_it_says_is_damaged():
    content = packed({"a": b"x" * 1000})
    for lie in (999, 1001):
        lying = content.replace((1000).to_bytes(4, "little"), lie.to_bytes(4, "little"))
        with pytest.raises(RefusalError, match="Файл повреждён"):
            list(Archive(lying).pieces("a"))


@pytest.mark.parametrize("constant", [True, False])
def test_honest_files_of_constant_columns_are_no_bombs(constant):
    content = BytesIO()
    with xlsxwriter.Workbook(content, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for number in range(5_000):
            sheet.write_row(number, 0, [1 if constant else number] * 30 + ["входная"] * 5)
    assert the_sheet(content.getvalue()).grid.shape == (5_000, 35)


STRAY = [
    (xlsx(row(1048576, cell("XFD1048576"))), "XFD1048576"),
    (xlsx(ONE + row(1048576, cell("XFD1048576"))), "XFD1048576"),
    (xlsx(ONE + row(1048576, cell("A1048576", "лишнее"))), "A1048576"),
    (xlsx(ONE + row(2, cell("A2"), cell("XFD2"))), "XFD2"),
    (xlsx(row(1, cell("B1"), cell("XFD1"), cell("A1"))), "XFD1"),
    (xlsx(row(1048576, '<c r="XFD1048576" t="str"><f>A1</f><v></v></c>')), "XFD1048576"),
    (xlsx(row(1048576, '<c r="XFD1048576"><f>A1</f></c>')), "XFD1048576"),
    (xlsx(row(1, '<c s="0" t="n" r="XFD1048576"><v>1</v></c>')), "XFD1048576"),
    (
        packed(
            xlsx_parts(
                "",
                sheet=f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row r="1048576">'
                '<x:c r="XFD1048576"><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>',
            )
        ),
        "XFD1048576",
    ),
    (
        ods(
            ods_row(ods_cell("float", 1, "1"))
            + ods_row(ods_cell(), repeated=1048574)
            + ods_row(ods_cell(number_columns_repeated=16383), ods_cell("float", 1, "1"))
        ),
        "XFD1048576",
    ),
]


@pytest.mark.parametrize(("content", "name"), STRAY)
def test_a_stray_cell_is_named_within_two_seconds_and_the_run_goes_on(content, name):
    start = time.monotonic()
    assert f"лишняя ячейка {name}:" in refusal(content)
    assert time.monotonic() - start < 2
    assert cells(xlsx(ONE)) == [["1"]]


def test_a_stray_cell_in_a_large_file_is_named_too():
    """Such a file is looked through while it is read, and once more when that has failed."""
    rows = "".join(row(i, *[cell(f"{c}{i}", "и" * 990) for c in "ABCD"]) for i in range(1, 9_500))
    content = packed(xlsx_parts(rows + row(1048576, cell("XFD1048576"))), 0)
    assert len(content) > 64 * 2**20
    assert "лишняя ячейка XFD1048576:" in refusal(content)
    assert len(cells(packed(xlsx_parts(rows), 0))) == 9_499


def test_formats_without_values_reach_to_the_end_of_an_honest_sheet():
    styled = row(1048576, '<c r="A1048576" s="0"/>', '<c r="XFD1048576" s="0"></c>')
    empty = '<row r="9" s="1" customFormat="1"/>'
    assert cells(xlsx(ONE + empty + styled)) == [["1"]]
    blank = ods_cell(number_columns_repeated=16383)
    sheet = ods_row(ods_cell("float", 1, "1"), blank) + ods_row(blank, repeated=1048575)
    assert cells(ods(sheet)) == [["1"]]


def test_repeated_cells_are_counted_before_they_are_made():
    bomb = ods_row(ods_cell("float", 1, "1", number_columns_repeated=500), repeated=1048576)
    assert refusal(ods(bomb)) == "На листе № 1 больше 24 миллионов ячеек"
    honest = ods_row(ods_cell("float", 1, "1", number_columns_repeated=3), repeated=2)
    assert cells(ods(honest)) == [["1", "1", "1"]] * 2


def test_too_many_columns_are_told_and_a_thousand_are_read():
    refused = "На листе № 1 столбцов 16384, а читается не больше 1 000"
    assert refusal(";".join(map(str, range(16_384))).encode()) == refused
    content = BytesIO()
    with xlsxwriter.Workbook(content) as book:
        book.add_worksheet().write_row(0, 0, range(16_384))
    assert refusal(content.getvalue()) == refused
    assert len(cells(";".join(map(str, range(1_000))).encode())[0]) == 1_000


def test_addresses_prefixes_and_order_of_cells_do_not_matter():
    assert cells(xlsx("<row><c><v>1</v></c><c><v>2</v></c></row>")) == [["1", "2"]]
    assert cells(xlsx(row(1, cell("C1", 3), cell("A1", 1)))) == [["1", None, "3"]]
    assert cells(xlsx(row(2, cell("B2", 2)) + row(1, cell("A1", 1)))) == [["1", None], [None, "2"]]
    assert cells(xlsx(row(3, cell("C3", 3)))) == [[None] * 3, [None] * 3, [None, None, "3"]]


def test_a_formula_without_a_value_is_a_fault_and_an_empty_text_is_not():
    content = xlsx(
        row(1, cell("A1"), '<c r="B1"><f>1+1</f></c>', '<c r="C1"><f>1+1</f><v></v></c>')
        + row(2, '<c r="A2" t="str"><f>""</f><v></v></c>', '<c r="B2"><f>1+1</f><v>2</v></c>')
        + row(5, '<c r="F5"><f ca="1"/><v/></c>')
    )
    sheet = the_sheet(content)
    assert sheet.grid.shape == (5, 6) and sheet.grid.loc[2, 1] == "2"
    assert {at: fault.meaning for at, fault in sheet.faults.items()} == dict.fromkeys(
        [(1, 1), (1, 2), (5, 5)], "Формула без значения"
    )


def test_a_zero_beside_a_formula_that_was_never_calculated_is_no_value():
    """xlsxwriter writes 0 and asks for a calculation when the file is opened."""
    content = BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet = book.add_worksheet()
        sheet.write_formula(0, 0, "=1+1")
        sheet.write_formula(0, 1, "=1+1", None, 2)
        sheet.write_number(0, 2, 0)
    sheet = the_sheet(content.getvalue())
    assert list(sheet.faults) == [(1, 0)] and sheet.grid.loc[1].tolist()[1:] == ["2", "0"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("#N/A", "#Н/Д"),
        ("#Н/Д", "#Н/Д"),
        ("#DIV/0!", "#ДЕЛ/0!"),
        ("#ссылка!", "#ССЫЛКА!"),
        ("#ЗНАЧ!", "#ЗНАЧ!"),
        ("#ИМЯ?", "#ИМЯ?"),
        ("#ЧИСЛО!", "#ЧИСЛО!"),
        ("#NULL!", "#ПУСТО!"),
        ("#####", "решётки"),
    ],
)
def test_errors_of_a_spreadsheet_are_faults_in_every_format(text, named):
    files = [
        xlsx(row(1, cell("A1"), cell("B1", text))),
        ods(ods_row(ods_cell("float", 1, "1"), ods_cell("error", text=text))),
        xls({(0, 0): 1.0, (0, 1): text}),
        f"1;{text}\n".encode(),
    ]
    if text in ("#N/A", "#DIV/0!", "#NULL!"):
        files.append(xlsx(row(1, cell("A1"), f'<c r="B1" t="e"><v>{text}</v></c>')))
    for content in files:
        sheet = the_sheet(content)
        assert list(sheet.faults) == [(1, 1)] and named in sheet.faults[1, 1].meaning
        assert sheet.grid.shape == (1, 2) and sheet.grid.isna().loc[1, 1]
    assert the_sheet(b"1;# 5\n").faults == {}


def test_percent_cells_come_as_they_are_seen_and_exactly():
    styles = styles_with("0%", "0.0%;[Red]-0.0%", '0.0"%"', "0.00")
    numbers = [f'<c r="{c}1" s="{s}"><v>0.07</v></c>' for s, c in enumerate("ABCDE")]
    assert cells(xlsx(row(1, *numbers), styles=styles)) == [["0.07", "7%", "7%", "0.07", "0.07"]]
    text = '<c r="A1" s="1" t="inlineStr"><is><t>7</t></is></c>'
    assert cells(xlsx(row(1, text), styles=styles)) == [["7"]]
    assert cells(ods(ods_row(ods_cell("percentage", "0.75", "75%")))) == [["75%"]]
    assert cells(xls({(0, 0): 0.29}, percent=True)) == [["29%"]]
    values = (1.0, 0.29, 0.075, 0.0, 12.5)
    assert list(map(percent, values)) == ["100%", "29%", "7.5%", "0%", "1250%"]


def test_vertical_merges_are_filled_down_and_listed_and_no_others():
    ranges = ("A2:A4", "B1:C1", "D1:E2", "F1:F2")
    more = "<mergeCells>" + "".join(f'<mergeCell ref="{r}"/>' for r in ranges) + "</mergeCells>"
    rows = row(1, cell("A1", "МО"), cell("B1", "x"), cell("D1", "y"))
    rows += row(2, cell("A2", "Абаза")) + row(3, cell("B3")) + row(4, cell("B4"))
    sheet = the_sheet(xlsx(rows + row(5, cell("B5")), more=more))
    assert sheet.grid[0].tolist()[:4] == ["МО", "Абаза", "Абаза", "Абаза"]
    assert sheet.grid[0].isna().tolist() == [False] * 4 + [True]
    assert sheet.grid.loc[1].isna().tolist() == [False, False, True, False]
    assert sheet.filled == ("A2:A4",)
    merged = ods_cell("string", text="Абаза", number_rows_spanned=2, number_columns_spanned=1)
    content = ods(
        ods_row(merged, ods_cell("float", 1, "1"))
        + ods_row("<table:covered-table-cell/>", ods_cell("float", 2, "2"))
    )
    assert cells(content) == [["Абаза", "1"], ["Абаза", "2"]]
    assert the_sheet(content).filled == ("A1:A2",)


def test_the_day_0_of_serial_numbers_is_that_of_the_workbook():
    assert read("x", xlsx(ONE)).epoch == date(1899, 12, 30)
    assert read("x", xlsx(ONE, book='<workbookPr date1904="1"/>')).epoch == date(1904, 1, 1)
    assert read("x", b"1;2\n").epoch is None


def test_numbers_dates_and_texts_come_as_they_were_meant():
    styles = styles_with("dd.mm.yyyy hh:mm")
    day = [f'<c r="{c}1" s="1"><v>{v}</v></c>' for c, v in (("A", 45000), ("B", 45000.5))]
    values = [cell(f"{c}1", v) for c, v in zip("CDEF", (7.0, 0.1, 1e19, -3), strict=True)]
    texts = [
        cell(f"{c}1", v) for c, v in zip("GHIJK", ("007", "NA", "nan", "1E5", "None"), strict=True)
    ]
    flag = '<c r="L1" t="b"><v>1</v></c>'
    (found,) = cells(xlsx(row(1, *day, *values, *texts, flag), styles=styles))
    assert found[:2] == ["2023-03-15", "2023-03-15T12:00:00"]
    assert found[2:6] == ["7", "0.1", "1e+19", "-3"]
    assert found[6:] == ["007", "NA", "nan", "1E5", "None", "да"]


def test_hidden_sheets_are_told_and_charts_are_none():
    content = BytesIO()
    with xlsxwriter.Workbook(content) as book:
        for name in ("A", "Б", "В"):
            book.add_worksheet(name).write(0, 0, name)
        book.get_worksheet_by_name("Б").hide()
        book.get_worksheet_by_name("В").very_hidden()
        chart = book.add_chart({"type": "column"})
        chart.add_series({"values": "=A!$A$1:$A$1"})
        book.add_chartsheet("Г").set_chart(chart)
    sheets = read("x", content.getvalue()).sheets
    assert [(s.name, s.number, s.is_hidden) for s in sheets] == [
        ("A", 1, False),
        ("Б", 2, True),
        ("В", 3, True),
    ]


UNSEEN = [
    "Ива\u200bнов",
    "\ufeffИванов",
    "Ива\u00adнов",
    "Иванов\u00a0",
    " Иванов\u2003",
    "Иванов\n",
    "\u200eИванов\u2060",
]


@pytest.mark.parametrize("text", UNSEEN)
def test_what_nobody_sees_is_removed_and_counted(text):
    for content in (xlsx(row(1, cell("A1", "x"), cell("B1", text))), f'x;"{text}"\n'.encode()):
        assert cells(content) == [["x", "Иванов"]]
        assert the_sheet(content).n_cleaned == 1


def test_composed_letters_are_no_cleaning_and_apostrophes_before_numbers_are():
    content = xlsx(
        row(1, cell("A1", "Чалыи\u0306"), cell("B1", "д'Артаньян  А."), cell("C1", "'15"))
    )
    assert cells(content) == [["Чалый", "д'Артаньян А.", "15"]]
    assert the_sheet(content).n_cleaned == 2


def test_control_signs_and_endless_texts_are_faults_of_their_cells():
    control = '<c r="A1" t="inlineStr"><is><t>а_x0001_б</t></is></c>'
    sheet = the_sheet(xlsx(row(1, control, cell("B1", "я" * 32_767), cell("C1", "я" * 5_000))))
    assert [fault.meaning for fault in sheet.faults.values()] == [
        "В ячейке есть управляющие символы",
        "Текст ячейки длиннее 32 000 знаков",
    ]
    assert sheet.grid.loc[1, 2] == "я" * 5_000
    assert refusal(b"a;b\n1;\x01\n") == "В строке 2 есть управляющие символы"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (TABLE.encode(), "UTF-8"),
        (TABLE.encode("utf-8-sig"), "UTF-8"),
        (TABLE.encode("cp1251"), "Windows-1251"),
        (TABLE.encode("utf-16"), "UTF-16"),
        (b"\xfe\xff" + TABLE.encode("utf-16-be"), "UTF-16"),
        (TABLE.encode("utf-16-le"), "UTF-16"),
        (TABLE.replace("\n", "\r\n").encode(), "UTF-8"),
        (TABLE.replace("\n", "\r").encode("cp1251"), "Windows-1251"),
        (("sep=;\r\n" + TABLE).encode("cp1251"), "Windows-1251"),
    ],
)
def test_encodings_and_line_ends(content, told):
    assert read("x", content).format == f"CSV, {told}, разделитель «;»"
    assert cells(content) == [line.split(";") for line in TABLE.splitlines()]


@pytest.mark.parametrize(
    ("separator", "named"), [(";", "«;»"), (",", "«,»"), ("\t", "табуляция"), ("|", "«|»")]
)
def test_separators_and_quoted_fields(separator, named):
    lines = [["ФИО", "Балл, макс. 20; шкала", "Школа"], ["А", "12,5", 'СОШ "№ 1"\nстрой|2']]
    text = "\n".join(
        separator.join('"' + field.replace('"', '""') + '"' for field in line) for line in lines
    )
    assert read("x", text.encode()).format == f"CSV, UTF-8, разделитель {named}"
    assert cells(text.encode()) == [lines[0], ["А", "12,5", 'СОШ "№ 1" строй|2']]


GARBLED = [
    TABLE.encode("cp1251").decode("latin-1").encode(),
    TABLE.encode("cp1251").decode("cp866").encode(),
    TABLE.encode().decode("latin-1").encode(),
    TABLE.encode("cp866"),
    (TABLE + "Шишкин;1;Школа\n").replace("Школа\n", "ОО\n").encode("cp866"),
    TABLE.encode("koi8-r"),
    TABLE.encode("koi8-r").decode("cp1251").encode(),
    TABLE.encode("cp866").decode("cp1251", "ignore").encode(),
]


@pytest.mark.parametrize("content", GARBLED)
def test_garbled_text_is_refused_with_a_line_and_a_masked_sample(content):
    message = refusal(content)
    assert "начиная со строки 1" in message and "•" in message
    sample = message.split("«")[1].split("»")[0]
    assert all(len(word.rstrip("•")) <= 2 for word in sample.replace(";", " ").split())


def test_one_garbled_line_and_lost_letters_are_found():
    line = "Сидоров;1;Гимназия\n".encode("cp1251").decode("latin-1")
    assert "начиная со строки 4 («Ñè•••••;1;" in refusal((TABLE + line).encode())
    assert "В строке 2 вместо букв" in refusal("а;б\n1;И\ufffd\ufffd\n".encode())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            TABLE.encode() + "Сидоров;1;Лицей\n".encode("cp1251"),
            "строка 4 в Windows-1251, выше — UTF-8, начало строки «Си•••••;1;Ли•••»",
        ),
        (TABLE.encode("cp1251") + "Сидоров;1;Лицей\n".encode(), "строка 4 в UTF-8, выше — Wind"),
        (b"a;b\n1;\x002\n", "В строке 2 есть нулевой байт"),
        ("ФИО;Балл\nА;1;2\nБ;1;2\n".encode(), "В строке 2 полей 3, в шапке 2"),
        ("ФИО;Балл\nА;1;2,5\nБ;1;3,5\n".encode(), "В строке 2 полей 3, в шапке 2"),
        ("а;б;в\n1;2;3\n1;2\n".encode(), "В строке 3 полей 2, в шапке 3"),
        ("а;б;в\n1;2;3\nслово\n4;5;6\n".encode(), "В строке 3 полей 1, в шапке 3"),
        ("а;б;в\n1;2;3\n4,5,6\n".encode(), "В строке 3 разделитель «,», а в остальных «;»"),
        ("а;б;в\n1\t2\t3\n4\t5\t6\n".encode(), "В строке 1 разделитель «;», а в остальных таб"),
        ('а;б\n"Иванов;5\nПетров;6\n'.encode(), "Кавычка, открытая в строке 2, не закрыта"),
        ('а;б\n1;2\n"Иванов;5\nПетров";6\n'.encode(), "Кавычка, открытая в строке 3, не закрыта"),
        ('а;б\nА;"СОШ\nБ;"Лицей"\n'.encode(), "Кавычка, открытая в строке 2, не закрыта"),
        ('а;б\n1;"СОШ" г. Абаза\n'.encode(), "В строке 2 после закрывающей кавычки стоит текст"),
    ],
)
def test_lines_that_cannot_be_read_for_certain_are_refused_by_number(content, message):
    assert message in refusal(content)


@pytest.mark.parametrize(
    ("text", "n_rows"),
    [
        ("Отчёт за 2023 год, май\n\nа;б;в\n1;2;3\n\n4;5;6\nИсполнитель Петрова\n", 7),
        ("а;б;\n1;2;\n3;4\n", 3),
        ('а;б;в\n1;"ул. Ленина; 5\nкв. 3";2\n', 2),
        ('а;б\n1;МБОУ "СОШ № 1" г. Абаза\n', 2),
        ("name;score\nMüller;5\n", 2),
        ("Фамилия\nПетров\n", 2),
        ("id;пол\n1;Ж\n2;М\n", 3),
        ("а;б\n;\n1;2\n", 3),
    ],
)
def test_honest_lines_are_read_whole(text, n_rows):
    assert len(cells(text.encode())) == n_rows


def test_a_process_that_dies_costs_one_file(monkeypatch):
    assert cells(xlsx(ONE)) == [["1"]]
    process = client.READER._process
    ask = client._ask
    monkeypatch.setattr(client, "_ask", lambda child, *sent: (child.kill(), ask(child, *sent)))
    assert refusal(xlsx(ONE)).startswith("Файл повреждён или слишком велик")
    monkeypatch.undo()
    assert cells(xlsx(ONE)) == [["1"]]
    assert client.READER._process is not process


def test_a_process_that_died_between_two_files_costs_none():
    assert cells(xlsx(ONE)) == [["1"]]
    client.READER._process.kill()
    client.READER._process.wait()
    assert cells(xlsx(ONE)) == [["1"]]


def test_reading_ends_in_time(monkeypatch):
    monkeypatch.setattr(client, "SECONDS", 0.05)
    rows = "".join(row(i, *[cell(f"{c}{i}", i) for c in "ABCDEFGH"]) for i in range(1, 60_000))
    start = time.monotonic()
    assert refusal(xlsx(rows)).startswith("Файл не прочитан за")
    assert time.monotonic() - start < 5
    monkeypatch.undo()
    assert cells(xlsx(ONE)) == [["1"]]


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, *arguments, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    return subprocess.run(command, capture_output=True, env=environment, timeout=60)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of memory for a process")
def test_memory_of_the_process_is_limited():
    code = "from nmc_utils.reading import worker; worker._limit(); bytearray(3 * 2**30)"
    assert b"MemoryError" in run(code).stderr


def test_it_reads_where_there_is_no_resource_module():
    code = (
        "import sys; sys.modules['resource'] = None; sys.modules['fcntl'] = None\n"
        "import nmc_utils.intake.workbook\nfrom nmc_utils.reading import worker; worker.main()"
    )
    content = b"1;2\n"
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=len(content).to_bytes(8, "little") + b"\0" + content,
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        timeout=60,
    )
    assert done.returncode == 0 and b"UTF-8" in done.stdout


def test_the_process_ends_with_its_parent_and_loads_nothing_else():
    code = (
        "from nmc_utils.intake.workbook import read\nfrom nmc_utils.reading.client import READER\n"
        "read('x', b'1;2\\n'); print(READER._process.pid)"
    )
    done = run(code)
    assert done.returncode == 0 and not done.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)
    code = "import sys; import nmc_utils.reading.worker; print('pandas' in sys.modules)"
    assert run(code).stdout.strip() == b"False"


def test_nothing_of_the_folder_of_the_command_is_loaded(tmp_path, monkeypatch):
    (tmp_path / "python_calamine.py").write_text("raise SystemExit('loaded')")
    monkeypatch.chdir(tmp_path)
    client.READER.close()
    assert cells(xlsx(ONE)) == [["1"]]


def test_several_threads_may_read_at_once():
    found: dict[int, list] = {}

    def one(number: int) -> None:
        found[number] = cells(xlsx(row(1, cell("A1", number))))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [[str(number)]] for number in range(8)}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limits of a process")
def test_it_reads_where_a_hard_limit_is_set_from_outside():
    code = (
        "import resource as r\n"
        "for limit in (r.RLIMIT_AS, r.RLIMIT_CPU): r.setrlimit(limit, (2**33, 2**33))\n"
        "from nmc_utils.reading import worker; worker._limit()\n"
        "print(r.getrlimit(r.RLIMIT_AS), r.getrlimit(r.RLIMIT_CORE)[0])"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().split("\n")[0] == f"({2500 * 2**20}, {2**33}) 1"


@pytest.mark.parametrize(
    "content",
    [
        xlsx(row(1, '<c r="A1"><v><![CDATA[5]]></v></c>', cell("B1"))),
        ods(ods_row("<table:table-cell><text:p><![CDATA[5]]></text:p></table:table-cell>")),
    ],
)
def test_values_in_cdata_are_refused_not_lost(content):
    assert "необычная запись ячеек" in refusal(content)


def test_cells_and_rows_that_stand_twice_are_refused_by_their_place():
    assert "ячейка A1 записана дважды" in refusal(xlsx(row(1, cell("A1"), cell("A1", 2))))
    twice = row(1, cell("A1")) + row(1, cell("B1", 2))
    assert "строка 1 записана дважды" in refusal(xlsx(twice))


def test_what_is_in_a_comment_is_no_cell():
    stray = "<!-- " + row(900_000, cell("ZZ900000")) + " -->"
    assert cells(xlsx(ONE + stray + row(2, cell("A2", 2)))) == [["1"], ["2"]]


def test_the_end_mark_of_dos_and_wrapped_texts_of_csv():
    content = 'Код;Балл\n="007";1\n"=""08""";2\n\x1a'.encode()
    assert cells(content) == [["Код", "Балл"], ["007", "1"], ["08", "2"]]
    assert the_sheet(content).n_cleaned == 2


@pytest.mark.parametrize("name", ["utf-32-le", "utf-32-be"])
def test_utf_32_is_named(name):
    assert "UTF-32" in refusal(("\ufeff" + TABLE).encode(name))
