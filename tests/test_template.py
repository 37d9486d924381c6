"""Blank workbooks: what stands in them, what their cells check, and that intake takes them."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date
from xml.etree import ElementTree

import pandas as pd
import pytest
import xlsxwriter
from intake_books import KEY, sent_books
from python_calamine import CalamineWorkbook

from nmc_utils.editions import Collection, Edition
from nmc_utils.intake import take_in
from nmc_utils.intake.template import CENTER, ROW_IS, blank_workbook, write_blanks
from nmc_utils.system import RoadmapMeasure, System
from nmc_utils.tables import TITLES
from nmc_utils.terms import DEMONSTRATION

NAMESPACE = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
ORGANIZATIONS = pd.DataFrame(
    {
        "organization_id": ["12", "007", "=1+1"],
        "municipality": ["abaza", "abakan", "abakan"],
        "kind": ["школа", None, "школа"],
        "is_low_performing": [True, False, True],
        "in_mentoring": [False, True, False],
        "is_internship_site": False,
        "is_innovation_site": False,
        "supported_on": [pd.NaT, pd.NaT, pd.Timestamp("2023-02-01")],
    }
)
CARRIED = {"organizations": ORGANIZATIONS}


def sheets_of(content: bytes) -> dict[str, list[list]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def checks_of(content: bytes, title: str) -> dict[str, ElementTree.Element]:
    """Header of a column → the check of its cells."""
    number = list(sheets_of(content)).index(title) + 1
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        tree = ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
    header = sheets_of(content)[title][0]
    found = {}
    for check in tree.iterfind(".//m:dataValidation", NAMESPACE):
        column = re.match("[A-Z]+", check.get("sqref"))[0]
        at = sum((ord(c) - 64) * 26**n for n, c in enumerate(reversed(column))) - 1
        found[header[at]] = check
    return found


def formula(check: ElementTree.Element, number: int = 1) -> str:
    return check.find(f"m:formula{number}", NAMESPACE).text


@pytest.fixture
def of_place(defined) -> bytes:
    return blank_workbook(defined, "abakan", CARRIED)


@pytest.fixture
def of_center(defined) -> bytes:
    return blank_workbook(defined, None, CARRIED)


# --- what stands in a blank -----------------------------------------------------------------------


def test_blanks_hold_every_sheet_that_anybody_sends(of_place, of_center):
    of_both = set(sheets_of(of_place)) | set(sheets_of(of_center))
    assert {TITLES[table] for table in ROW_IS} <= of_both
    assert set(TITLES.values()) == {TITLES[table] for table in ROW_IS}
    assert "Процедуры" not in sheets_of(of_place)
    assert "Сотрудники" not in sheets_of(of_center)


def test_the_first_sheet_says_whose_it_is_and_how_to_fill_it(defined):
    asked = Collection(deadline=date(2024, 1, 31), responsible={"abakan": "Управление образования"})
    content = blank_workbook(defined.model_copy(update={"collection": asked}), "abakan", CARRIED)
    name, rows = next(iter(sheets_of(content).items()))
    lines = [row[0] for row in rows]
    assert name == "Пояснение"
    assert lines[:3] == [
        DEMONSTRATION,
        "Республика Хакасия, 2023 год. Абакан",
        "Издание: khakassia/2023",
    ]
    text = "\n".join(lines)
    assert "Кто отправляет: Управление образования" in text
    assert "Прислать до 31.01.2024 включительно" in text
    assert "заменяются личным кодом" in text
    assert "Имя (обязательно) — текст, полностью" in text
    assert "Отчество — текст, полностью" in text
    assert "Дата — дата вида 31.12.2023, с 01.01.2023 по 31.12.2023" in text
    assert "заполнен по прошлому изданию" in text
    for table in ("staff", "employment", "scores"):
        assert f"Лист «{TITLES[table]}»: одна строка — {ROW_IS[table]}" in text


def test_a_blank_of_submitted_data_has_no_mark(defined):
    content = blank_workbook(defined.model_copy(update={"origin": "submitted"}), "abakan", {})
    lines = [row[0] for row in sheets_of(content)["Пояснение"]]
    assert lines[:2] == ["Республика Хакасия, 2023 год. Абакан", "Издание: khakassia/2023"]
    assert DEMONSTRATION not in content.decode("latin-1")
    assert "Прислать до" not in "\n".join(lines)
    assert "заполнен по прошлому изданию" not in "\n".join(lines)


def test_organisations_of_the_municipality_alone_are_filled_in(of_place, of_center):
    rows = sheets_of(of_place)["Организации"]
    assert rows[1:] == [
        ["007", "Абакан", "", "нет", "да", "нет", "нет", ""],
        ["=1+1", "Абакан", "школа", "да", "нет", "нет", "нет", date(2023, 2, 1)],
    ]
    with zipfile.ZipFile(io.BytesIO(of_place)) as archive:
        parts = [archive.read(name) for name in archive.namelist() if "/sheet" in name]
    assert not [part for part in parts if b"<f>" in part or b"<f " in part]
    assert "007" not in str(sheets_of(of_center))


def test_where_people_go_by_own_codes_the_code_comes_first(defined):
    region = defined.region.model_copy(update={"identity": "own_code"})
    content = blank_workbook(defined.model_copy(update={"region": region}), "abakan", {})
    sheets = sheets_of(content)
    assert sheets["Результаты"][0][:3] == ["Личный код", "Фамилия", "Имя"]
    text = "\n".join(row[0] for row in sheets["Пояснение"])
    assert "Личный код (обязательно)" in text
    assert "Фамилия — текст" in text
    assert formula(checks_of(content, "Результаты")["Балл"]).count("K2") == 4


def test_answers_have_as_many_columns_as_the_longest_form_had(defined):
    items = pd.DataFrame({"position": [1, 2, 3]})
    header = sheets_of(blank_workbook(defined, "abakan", {"items": items}))["Ответы"][0]
    assert header[-3:] == ["1", "2", "3"]
    assert header[-4] == "Код формы"


def test_same_edition_same_bytes_and_nobody_s_name_in_the_properties(defined, of_place):
    assert blank_workbook(defined, "abakan", CARRIED) == of_place
    with zipfile.ZipFile(io.BytesIO(of_place)) as archive:
        core = archive.read("docProps/core.xml").decode()
        comments = [archive.read(n).decode() for n in archive.namelist() if "comments" in n]
    assert re.findall(r"<dc:creator>(.*?)</dc:creator>", core) in ([], [""])
    assert comments
    assert all("<author></author>" in part or "<author/>" in part for part in comments)


def test_an_unknown_municipality_is_refused(defined):
    with pytest.raises(KeyError, match="tomsk"):
        blank_workbook(defined, "tomsk", {})


# --- what its cells check -------------------------------------------------------------------------


def test_short_lists_stand_beside_the_cells_and_long_ones_on_a_hidden_sheet(of_place):
    waves = checks_of(of_place, "Результаты")["Этап"]
    assert formula(waves) == '"входная,выходная"'
    assert waves.get("errorStyle", "stop") == "stop"
    subjects = checks_of(of_place, "Места работы")["Предмет"]
    place = re.fullmatch(r"'Списки'!\$([A-Z])\$1:\$\1\$(\d+)", formula(subjects))
    lists = sheets_of(of_place)["Списки"]
    column = [row[ord(place[1]) - 65] for row in lists[: int(place[2])]]
    assert "физика" in column
    assert all(column)
    assert subjects.get("errorStyle") == "warning"  # other words are taken too
    book = CalamineWorkbook.from_filelike(io.BytesIO(of_place))
    about = {sheet.name: str(sheet.visible) for sheet in book.sheets_metadata}
    assert "Hidden" in about.pop("Списки")
    assert all("Visible" in state for state in about.values())


def test_a_word_with_a_comma_is_one_word_of_a_list(defined):
    places = defined.region.municipalities
    comma = places[0].model_copy(update={"name": "Абакан, город"})
    region = defined.region.model_copy(update={"municipalities": (comma, *places[1:3])})
    content = blank_workbook(defined.model_copy(update={"region": region}), None, {})
    source = formula(checks_of(content, "РМА")["Муниципальное образование"])
    assert source.startswith("'Списки'!")


def test_dates_of_results_lie_in_the_period(of_place):
    check = checks_of(of_place, "Результаты")["Дата"]
    assert check.get("type") == "date"
    ends = [date.fromordinal(int(formula(check, n)) + date(1899, 12, 30).toordinal())
            for n in (1, 2)]  # fmt: skip
    assert ends == [date(2023, 1, 1), date(2023, 12, 31)]
    assert "с 01.01.2023 по 31.12.2023" in check.get("error")


def test_a_score_is_checked_against_the_maximum_of_its_row(of_place):
    header = sheets_of(of_place)["Результаты"][0]
    score, most = (chr(65 + header.index(name)) + "2" for name in ("Балл", "Максимальный балл"))
    check = checks_of(of_place, "Результаты")["Балл"]
    assert f"{score}<={most}" in formula(check)
    assert f"{score}>=0" in formula(check)
    assert check.get("sqref").startswith(f"{score}:{score[0]}")
    assert "не больше" in check.get("prompt")


def test_whole_numbers_and_shares_have_bounds(of_place, of_center):
    years = checks_of(of_place, "Сотрудники")["Педагогический стаж, лет"]
    assert (years.get("type"), formula(years, 1), formula(years, 2)) == ("whole", "0", "75")
    share = checks_of(of_center, "Формы")["Надёжность"]
    assert (share.get("type"), formula(share, 1), formula(share, 2)) == ("decimal", "0", "1")
    assert "от 0 до 1" in share.get("error")


def test_messages_are_russian_and_fit(of_place, of_center):
    for content in (of_place, of_center):
        for title in [name for name in sheets_of(content) if name in TITLES.values()]:
            for check in checks_of(content, title).values():
                assert check.get("errorTitle") == "Проверьте значение"
                assert re.search("[а-я]", check.get("error"))
                assert len(check.get("error")) <= 255


def test_codes_are_typed_as_text_and_days_as_days(of_place):
    with zipfile.ZipFile(io.BytesIO(of_place)) as archive:
        styles = ElementTree.fromstring(archive.read("xl/styles.xml"))
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet5.xml"))
    formats = [int(x.get("numFmtId")) for x in styles.find("m:cellXfs", NAMESPACE)]
    header = sheets_of(of_place)["Результаты"][0]
    kinds = {
        header[at]: formats[int(column.get("style", 0))]
        for column in sheet.iterfind(".//m:col", NAMESPACE)
        for at in range(int(column.get("min")) - 1, min(int(column.get("max")), len(header)))
    }
    assert kinds["Код формы"] == kinds["Код процедуры"] == kinds["Фамилия"] == 49
    assert kinds["Дата"] == kinds["Дата рождения"] not in (0, 49)
    assert kinds["Балл"] == 0


def test_long_texts_of_the_roadmap_stand_in_several_lines(defined, monkeypatch):
    about = {"direction": "д", "group": "г", "responsible": "ЦНППМ", "due": "2023"}
    about |= {"expected_result": "р", "document": "d", "section": "1"}
    long = RoadmapMeasure(id="1.1", measure="Создать и обучить актив " * 20, **about)
    described = System.model_construct(roadmap=(long,))
    monkeypatch.setattr(Edition, "system", property(lambda edition: described))
    content = blank_workbook(defined, None, CARRIED)
    title = TITLES["roadmap"]
    number = list(sheets_of(content)).index(title) + 1
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        styles = ElementTree.fromstring(archive.read("xl/styles.xml"))
        sheet = ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
    at = sheets_of(content)[title][0].index("Мера")
    assert at < 26
    cell = sheet.find(f".//m:c[@r='{chr(ord('A') + at)}2']", NAMESPACE)
    style = styles.find("m:cellXfs", NAMESPACE)[int(cell.get("s"))]
    assert style.find("m:alignment", NAMESPACE).get("wrapText") == "1"
    widths = {
        int(column.get("min")) - 1: float(column.get("width"))
        for column in sheet.iterfind(".//m:col", NAMESPACE)
    }
    assert 50 <= widths[at] < 52  # the text itself has 480 letters
    row = sheet.find(".//m:row[@r='2']", NAMESPACE)
    assert row.get("customHeight") is None  # so that a spreadsheet makes the row as high as needed


# --- there and back -------------------------------------------------------------------------------


def filled(content: bytes, rows: dict[str, list[list]]) -> bytes:
    """A blank as somebody fills it in: rows under its own headers, found by name.

    The workbook is written anew with the words of the blank, since nothing here can edit one.
    """
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        for name, cells in sheets_of(content).items():
            sheet = book.add_worksheet(name)
            header = cells[0] if cells else []
            added = []
            if name in rows:
                titles, *records = rows[name]
                assert set(titles) <= set(header), set(titles) - set(header)
                places = [header.index(title) for title in titles]
                for record in records:
                    line = [None] * len(header)
                    for at, value in zip(places, record, strict=True):
                        line[at] = value
                    added.append(line)
            for number, line in enumerate([*cells, *added]):
                for at, value in enumerate(line):
                    if value not in (None, ""):
                        sheet.write(number, at, value, *[day] * isinstance(value, date))
            if name == "Списки":
                sheet.hide()
    return out.getvalue()


def test_filled_blanks_are_taken_in_whole(sender):
    edition, books = sender.edition, sent_books()
    for book in books.values():  # what stands in a blank already is not typed again
        book.pop("Организации", None)
    carried = {
        "organizations": ORGANIZATIONS[ORGANIZATIONS["organization_id"] != "=1+1"],
        "items": pd.DataFrame({"position": [1, 2, 3]}),
    }
    for code, file in (("abakan", "abakan.xlsx"), ("abaza", "abaza.xlsx"), (None, "ЦНППМ.xlsx")):
        content = filled(blank_workbook(edition, code, carried), books[file])
        (sender.folder / file).write_bytes(content)
    result = take_in(edition, key=KEY)
    assert result.held_out == 0, result.problems.to_string()
    assert not set(result.problems["kind"]) & {"sheet", "file", "column"}
    assert result.tables["scores"] == 4
    assert result.tables["organizations"] == 2
    assert not {"abakan", "abaza"} & set(result.missing)


def test_an_untouched_blank_is_nobody_s_report(sender):
    edition, books = sender.edition, sent_books()
    sender.send({file: books[file] for file in ("abakan.xlsx", "abaza.xlsx", "ЦНППМ.xlsx")})
    blank = blank_workbook(edition, "sorsk", {"items": pd.DataFrame({"position": [1, 2, 3]})})
    (sender.folder / "Сорск.xlsx").write_bytes(blank)
    result = take_in(edition, key=KEY)
    assert "sorsk" in result.missing
    assert not {"abakan", "abaza"} & set(result.missing)
    status = pd.read_parquet(edition.validated / "status.parquet")
    assert not status.loc[status["municipality"] == "sorsk", "is_sent"].any()


def test_a_blank_with_nothing_but_carried_organisations_is_nobody_s_report(sender):
    edition, books = sender.edition, sent_books()
    sender.send({file: books[file] for file in ("abakan.xlsx", "abaza.xlsx", "ЦНППМ.xlsx")})
    carried = {
        "organizations": ORGANIZATIONS.head(1).assign(municipality="sorsk", organization_id="S")
    }
    (sender.folder / "Сорск.xlsx").write_bytes(blank_workbook(edition, "sorsk", carried))
    result = take_in(edition, key=KEY)
    assert "sorsk" in result.missing


def test_a_blank_of_another_edition_is_not_taken(sender):
    edition, books = sender.edition, sent_books()
    sender.send({file: books[file] for file in ("abaza.xlsx", "ЦНППМ.xlsx")})
    other = edition.model_copy(
        update={"period": edition.period.model_copy(update={"text": "2021"})}
    )
    del books["abakan.xlsx"]["Ответы"]
    content = filled(blank_workbook(other, "abakan", {}), books["abakan.xlsx"])
    (sender.folder / "abakan.xlsx").write_bytes(content)
    result = take_in(edition, key=KEY)
    assert "abakan" in result.missing
    assert result.problems["meaning"].str.contains("khakassia/2021").any()


def test_blanks_lie_beside_what_is_sent_and_are_not_taken_for_it(sender, books):
    written = write_blanks(sender.edition, CARRIED)
    assert {path.parent for path in written} == {sender.folder / "blanks"}
    names = [path.stem for path in written]
    assert names == [*sender.edition.region.municipality_names.values(), CENTER]
    result = sender.take_in(books)
    assert set(result.files) == set(books)
