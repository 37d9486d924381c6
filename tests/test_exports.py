"""Files for spreadsheets: text stays text, and the same tables give the same bytes."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime
from xml.etree import ElementTree

import pandas as pd
import pytest
from conftest import CHECKOUT
from python_calamine import CalamineWorkbook

from nmc_utils.documents.tables import write_workbook
from nmc_utils.terms import DEMONSTRATION

#: Text that a spreadsheet would compute, follow, shorten or take for markup.
TRAPS = [
    "=1+1",
    '=HYPERLINK("http://example.org")',
    "{=1+1}",
    "+cmd|' /C calc'!A0",
    "@SUM(1;2)",
    "-1+1",
    "\t=1+1",
    "007",
    "12345678901234567890",
    "1E5",
    "http://example.org/",
    "mailto:a@example.org",
    "<r><t>x</t></r>",
    "<img src=x onerror=alert(1)>",
    "_x0041_",
    "'=1",
    "NA",
    " с краями ",
    "две\nстроки",
]
DAY = date(2023, 12, 31)


def book_of(**sheets: pd.DataFrame) -> io.BytesIO:
    content = io.BytesIO()
    write_workbook(content, sheets, title="Проба", created=DAY)
    return content


def reopened(content: io.BytesIO, sheet: str = "Лист") -> list[list]:
    again = io.BytesIO(content.getvalue())
    return CalamineWorkbook.from_filelike(again).get_sheet_by_name(sheet).to_python()


def parts(content: io.BytesIO) -> dict[str, str]:
    with zipfile.ZipFile(content) as archive:
        return {name: archive.read(name).decode("utf-8") for name in archive.namelist()}


def test_text_comes_back_as_it_was():
    frame = pd.DataFrame({"Текст": TRAPS, "=заголовок": "x"})
    content = book_of(Лист=frame)
    header, *rows = reopened(content)
    assert header == ["Текст", "=заголовок"]
    assert [row[0] for row in rows] == TRAPS


def test_nothing_in_a_workbook_is_computed_or_followed():
    files = parts(book_of(Лист=pd.DataFrame({"=1": TRAPS, "смесь": [1, *TRAPS[1:]]})))
    sheet = files["xl/worksheets/sheet1.xml"]
    assert "<f>" not in sheet and "<f " not in sheet
    assert "hyperlink" not in sheet
    assert not [name for name in files if "_rels/sheet" in name or "externalLink" in name]
    assert len(re.findall(r't="s"', sheet)) == 2 * len(TRAPS) + 1


def test_a_column_of_text_keeps_what_is_typed_into_it_later():
    files = parts(book_of(Лист=pd.DataFrame({"Код": ["007"]})))
    assert 'numFmtId="49"' in files["xl/styles.xml"]  # text
    tree = ElementTree.fromstring(files["xl/worksheets/sheet1.xml"])
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    column, cell = tree.find(".//m:col", space), tree.find(".//m:c[@r='A2']", space)
    assert column.get("style") == cell.get("s") != "0"


def test_numbers_are_numbers_days_are_days_and_what_is_missing_is_blank():
    frame = pd.DataFrame(
        {
            "число": [1.5, None],
            "целое": pd.array([7, None], "Int64"),
            "день": pd.to_datetime(["2023-02-01", None]),
            "время": [datetime(2023, 2, 1, 12, 30), None],
            "логическое": [True, False],
            "список": [("а", "б"), ()],
            "разное": [3, "три"],
        }
    )
    _, first, second = reopened(book_of(Лист=frame))
    assert first[:3] == [1.5, 7, date(2023, 2, 1)]
    assert first[3:] == [datetime(2023, 2, 1, 12, 30), "да", "а; б", 3]
    assert second == ["", "", "", "", "нет", "", "три"]
    styles = parts(book_of(Лист=frame))["xl/styles.xml"]
    assert 'formatCode="dd.mm.yyyy"' in styles


def test_numbers_that_a_spreadsheet_cannot_hold_are_text():
    long = 12_345_678_901_234_567
    _, row = reopened(book_of(Лист=pd.DataFrame({"код": [long]})))
    assert row == [str(long)]


def test_days_before_the_calendar_of_spreadsheets_are_text():
    frame = pd.DataFrame({"день": pd.to_datetime(["1899-12-31", "1980-01-02"])})
    assert reopened(book_of(Лист=frame))[1:] == [["31.12.1899"], ["02.01.1980"]]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [("я" * 32_768, "текст длиннее 32767 знаков"), (float("inf"), "«x»: бесконечность")],
)
def test_what_does_not_fit_is_refused_and_not_cut(value, sentence):
    with pytest.raises(ValueError, match=sentence):
        book_of(Лист=pd.DataFrame({"x": [value]}))


def test_same_tables_same_bytes_and_no_author():
    frame = pd.DataFrame({"Текст": TRAPS})
    first, second = book_of(Лист=frame), book_of(Лист=frame)
    assert first.getvalue() == second.getvalue()
    core = parts(first)["docProps/core.xml"]
    assert re.findall(r"<dc:creator>(.*?)</dc:creator>", core) in ([], [""])
    assert "<cp:lastModifiedBy></cp:lastModifiedBy>" in core or "lastModifiedBy/>" in core
    assert set(re.findall(r">(\d{4}-\d\d-\d\d)T", core)) == {"2023-12-31"}


def test_the_header_stays_in_sight():
    sheet = parts(book_of(Лист=pd.DataFrame({"x": [1]})))["xl/worksheets/sheet1.xml"]
    assert '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>' in sheet


def test_the_mark_stands_first_and_under_every_printed_sheet():
    content = io.BytesIO()
    tables = {"Лист": pd.DataFrame({"x": [1]})}
    write_workbook(
        content, tables, title="Проба", created=DAY, mark=DEMONSTRATION, lines=["Строка"]
    )
    assert reopened(content, "Пояснение") == [[DEMONSTRATION], ["Проба"], ["Строка"]]
    sheet = parts(content)["xl/worksheets/sheet2.xml"]
    assert f"<oddFooter>&amp;L{DEMONSTRATION}</oddFooter>" in sheet


# --- everything that writes -----------------------------------------------------------------------


#: Who else touches these libraries, and why what it writes is safe.
ELSEWHERE = {
    "nmc_utils/disclosure/audit.py",  # hashes the text of a table, writes nothing
    "nmc_utils/documents/tables.py",  # here
    "nmc_utils/intake/template.py",  # by `put_text`; its workbooks are opened in test_template
    "nmc_utils/intake/template_columns.py",  # names of columns alone
    "nmc_utils/intake/marked.py",  # copies of what was sent, opened in test_returns
    "nmc_utils/wording.py",  # hashes the text of a table, writes nothing
}


def test_no_other_code_writes_workbooks_or_csv():
    """One place writes them, so what is proved of it holds of every export."""
    ways = r"xlsxwriter|to_excel|to_csv\(|csv\.writer|openpyxl|ExcelWriter"
    found = {
        path.relative_to(CHECKOUT).as_posix()
        for part in ("nmc_utils", "dashboards")
        for path in (CHECKOUT / part).rglob("*.py")
        if re.search(ways, path.read_text("utf-8"))
    }
    assert found <= ELSEWHERE
