"""What goes back to those who sent a file: the marked copy, the letter, and the folder of both."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from intake_books import (
    KEY,
    KOROLEVA,
    PETROV,
    SCORES,
    SURNAMES,
    counts,
    score_row,
    workbook,
)
from python_calamine import CalamineWorkbook

from nmc_utils.intake import IntakeError, take_in
from nmc_utils.intake.marked import place_of
from nmc_utils.intake.returns import COPY, LETTER, write_returns
from nmc_utils.terms import DEMONSTRATION, plural_of

RED, YELLOW = "FFFFC7CE", "FFFFEB9C"


def returned(sender, books) -> tuple[object, list[Path]]:
    """Take books in, and write what goes back."""
    result = sender.take_in(books)
    return result, write_returns(sender.edition, result)


def wrong_score(books) -> dict:
    """A score above the maximum in the second row of «Результаты» of Абакан: cell I2."""
    books["abakan.xlsx"]["Результаты"][1][9] = 21
    return books


def sheets_of(path: Path) -> dict[str, list[list]]:
    book = CalamineWorkbook.from_path(str(path))
    return {
        name: book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        for name in book.sheet_names
    }


def part(path: Path, inside: str) -> str:
    with zipfile.ZipFile(path) as packed:
        return "".join(
            packed.read(name).decode("utf-8") for name in packed.namelist() if inside in name
        )


def letter_of(folder: Path) -> str:
    content = (folder / LETTER).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\n") == content.count(b"\r\n")
    return content.decode("utf-8-sig").replace("\r\n", "\n")


@pytest.fixture
def abakan(sender, books) -> Path:
    """The folder that goes back to Абакан for one wrong cell."""
    _, folders = returned(sender, wrong_score(books))
    (folder,) = folders
    return folder


def test_all_well_leaves_no_folder(sender, books):
    result, folders = returned(sender, books)
    assert result.held_out == 0
    assert folders == []
    assert not (sender.folder / "returned").exists()


def test_a_wrong_cell_returns_its_file_alone(sender, abakan):
    assert abakan == sender.folder / "returned" / "1_abakan"
    assert sorted(path.name for path in abakan.iterdir()) == [COPY, LETTER]
    assert [path.name for path in abakan.parent.iterdir() if path.is_dir()] == ["1_abakan"]


def test_notes_alone_do_not_return_a_file(sender, books):
    books["abakan.xlsx"]["Места работы"][1][7] = "Астрономия древних"
    result, folders = returned(sender, books)
    assert result.problems["kind"].eq("note").any()
    assert folders == []


def test_the_copy_marks_the_cell_and_says_what_to_do(abakan):
    copy = abakan / COPY
    comments = part(copy, "xl/comments")
    assert 'ref="J2"' in comments
    assert "Балл больше максимального" in comments
    assert "Исправьте. " in comments
    styles = part(copy, "xl/styles.xml")
    assert RED in styles


def test_the_list_names_cells_and_links_to_them(abakan):
    rows = sheets_of(abakan / COPY)["Замечания"]
    head = next(n for n, row in enumerate(rows) if row[0] == "№")
    assert rows[head] == [
        "№",
        "Лист",
        "Ячейка",
        "Что найдено",
        "Что не так",
        "Что сделано",
        "Что исправить",
    ]
    first = rows[head + 1]
    assert first[:4] == ["1", "Результаты", "J2", "21"]
    assert "Балл больше максимального" in first[4]
    assert "задержана" in first[5]
    assert any(row[0] == DEMONSTRATION for row in rows[:head])
    assert "location=\"'Результаты'!J2\"" in part(abakan / COPY, "xl/worksheets/sheet1.xml")


def test_the_list_and_the_letter_hold_no_names(abakan):
    listed = str(sheets_of(abakan / COPY)["Замечания"]) + letter_of(abakan)
    listed += part(abakan / COPY, "docProps") + part(abakan / COPY, "xl/comments")
    for surname in SURNAMES:
        assert surname not in listed


def test_the_copy_has_every_sheet_as_text(sender, books, abakan):
    sheets = sheets_of(abakan / COPY)
    assert list(sheets) == ["Замечания", "Пояснение", *books["abakan.xlsx"]]
    assert sheets["Пояснение"][0][0] == DEMONSTRATION
    row = sheets["Результаты"][1]
    assert row[:6] == ["Королёва", "Алёна", "Петровна", "02.01.1980", "P1", "входная"]
    assert row[9:12] == ["21", "2", "01.04.2023"]
    assert sheets["Места работы"][1][4] == "007"
    assert all(isinstance(cell, str) for rows in sheets.values() for row in rows for cell in row)


def test_the_header_stays_in_sight_and_the_document_names_nobody(abakan):
    assert 'state="frozen"' in part(abakan / COPY, "xl/worksheets/sheet6.xml")
    about = part(abakan / COPY, "docProps/core.xml")
    assert "2023-12-31T00:00:00Z" in about
    assert "<dc:creator></dc:creator>" in about


def test_text_never_becomes_a_formula_or_a_link(sender, books):
    tricky = ["=1+1", "+cmd", "@SUM(A1)", "http://example.org", " <r>a</r>", "-5", "007"]
    wrong_score(books)["abakan.xlsx"]["Результаты"][0] += [f"лишний {n}" for n in range(7)]
    books["abakan.xlsx"]["Результаты"][1] += tricky
    sender.send(books)
    # the workbook of the test must not compute them either
    content = io.BytesIO()
    import xlsxwriter

    with xlsxwriter.Workbook(
        content, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        for name, rows in ({"Пояснение": [[DEMONSTRATION]]} | books["abakan.xlsx"]).items():
            page = book.add_worksheet(name)
            day = book.add_format({"num_format": "dd.mm.yyyy"})
            for r, row in enumerate(rows):
                for c, value in enumerate(row):
                    if isinstance(value, str):
                        page.write_string(r, c, value)
                    else:
                        page.write(r, c, value, *[day] * isinstance(value, date))
    (sender.folder / "abakan.xlsx").write_bytes(content.getvalue())
    result = take_in(sender.edition, key=KEY)
    (folder,) = write_returns(sender.edition, result)
    assert sheets_of(folder / COPY)["Результаты"][1][12:19] == [
        " <r>a</r>" if text == "<r>a</r>" else text for text in tricky
    ]
    inside = part(folder / COPY, "xl/worksheets/sheet")
    assert "<f>" not in inside
    assert "r:id" not in part(folder / COPY, "xl/worksheets/sheet6.xml").replace(
        "legacyDrawing r:id", ""
    )


def corrected(path: Path, sheet: str, cell: str, value: str) -> bytes:
    """The copy as a municipality saves it after correcting one cell."""
    sheets = sheets_of(path)
    row, column = place_of(cell)
    sheets[sheet][row][column] = value
    marked = {"Замечания": sheets.pop("Замечания")}
    return workbook(marked | sheets)


def test_the_corrected_copy_is_taken_in(sender, books, abakan):
    content = corrected(abakan / COPY, "Результаты", "J2", "1")
    (sender.folder / "abakan.xlsx").write_bytes(content)
    result = take_in(sender.edition, key=KEY)
    assert result.held_out == 0
    assert counts(result, "abakan.xlsx", "scores")["accepted"] == 3
    assert not result.problems["sheet"].eq("Замечания").any()
    assert write_returns(sender.edition, result) == []
    assert not abakan.exists()


def test_the_corrected_copy_gives_the_tables_of_a_correct_file(sender, books):
    right = sender.take_in(books)
    before = {
        path.name: pd.read_parquet(path)
        for path in sender.edition.validated.glob("*.parquet")
        if path.stem in right.tables
    }
    _, (folder,) = returned(sender, wrong_score(books))
    (sender.folder / "abakan.xlsx").write_bytes(corrected(folder / COPY, "Результаты", "J2", "1"))
    take_in(sender.edition, key=KEY)
    for name, frame in before.items():
        pd.testing.assert_frame_equal(pd.read_parquet(sender.edition.validated / name), frame)


def test_the_letter_says_how_many_cells_until_when_and_who_asks(sender, books):
    wrong_score(books)
    books["abakan.xlsx"]["Результаты"][2][9] = "много"
    books["abakan.xlsx"]["Результаты"][3][9] = 22
    plan = sender.edition.collection.model_copy(
        update={
            "deadline": date(2024, 2, 15),
            "responsible": {"abakan": "Управление образования города Абакана"},
        }
    )
    edition = sender.edition.model_copy(update={"collection": plan})
    sender.send(books)
    (folder,) = write_returns(edition, take_in(edition, key=KEY))
    letter = letter_of(folder)
    assert letter.startswith("Управление образования города Абакана\n")
    assert "«Республика Хакасия, 2023 год»" in letter
    assert "просим до 15.02.2024 исправить 3 ячейки" in letter
    assert "Лист «Результаты»" in letter
    assert "J2, J4: Балл больше максимального" in letter
    assert "«Сотрудники» — 2 строки" in letter
    assert "Ждёт исправления: «Результаты» — 3 строки" in letter
    assert "заменит присланный раньше" in letter
    assert letter.endswith(f"{edition.region.center}\n")
    assert DEMONSTRATION in letter


def test_without_a_deadline_and_a_responsible_the_letter_goes_to_the_municipality(abakan):
    letter = letter_of(abakan)
    assert letter.startswith("Абакан\n")
    assert "просим в ближайшее время исправить 1 ячейку" in letter


def test_many_equal_mistakes_are_one_line_of_the_letter(sender, books):
    rows = [score_row(KOROLEVA, "Предметные", "много") for _ in range(12)]
    for attempt, row in enumerate(rows, start=1):  # each a record of its own
        row[6] = attempt
    books["abakan.xlsx"]["Результаты"] = [SCORES, *rows, score_row(PETROV, "Предметные", 2)]
    _, (folder,) = returned(sender, books)
    letter = letter_of(folder)
    assert "исправить 12 ячеек" in letter
    assert "– J2, J3, J4 и ещё 9 ячеек: Здесь должно быть число. " in letter


def test_a_refused_sheet_is_asked_for(sender, books):
    for row in books["abakan.xlsx"]["Результаты"]:
        del row[9]
    _, (folder,) = returned(sender, books)
    assert "исправить 1 лист" in letter_of(folder)
    assert "На листе нет столбцов" in part(folder / COPY, "xl/comments")


def test_a_file_that_cannot_be_read_gets_the_list_and_the_letter(sender, books):
    sender.send(books)
    (sender.folder / "askiz.xlsx").write_bytes(b"%PDF-1.7 of a workbook")
    result = take_in(sender.edition, key=KEY)
    (folder,) = write_returns(sender.edition, result)
    assert list(sheets_of(folder / COPY)) == ["Замечания"]
    letter = letter_of(folder)
    assert "прислать файл заново" in letter
    assert "копии" not in letter


def test_a_file_of_several_municipalities_has_its_label(sender, books):
    abaza = books.pop("abaza.xlsx")
    for name, rows in abaza.items():
        books["abakan.xlsx"][name] += rows[1:]
    books["Хакасия.xlsx"] = wrong_score({"abakan.xlsx": books.pop("abakan.xlsx")})["abakan.xlsx"]
    _, (folder,) = returned(sender, books)
    assert folder.name == "1_Хакасия"
    assert letter_of(folder).startswith("Абакан, Абаза\n") or letter_of(folder).startswith("Абаза")


def test_the_file_of_the_centre_is_no_municipality_s(sender, books):
    books["ЦНППМ.xlsx"]["Формы"][1][4] = "две"
    _, folders = returned(sender, books)
    (folder,) = [path for path in folders if path.name.endswith("ЦНППМ")]
    assert letter_of(folder).startswith("Отправителю файла ЦНППМ.xlsx\n")


def test_folders_stand_in_the_official_order(sender, books):
    wrong_score(books)["abaza.xlsx"]["Сотрудники"].append(
        ["Новый", "Пётр", None, "когда-то", 1, None, None, None, None]
    )
    _, folders = returned(sender, books)
    codes = [path.name.partition("_")[2] for path in folders]
    official = [code for code in sender.edition.region.municipality_names if code in codes]
    assert codes == official
    assert sorted(codes) == ["abakan", "abaza"]


def test_when_nothing_is_accepted_the_files_go_back_all_the_same(sender, books):
    scores = books["abakan.xlsx"]["Результаты"]
    for row in scores[1:]:
        row[9] = "много"
    sender.send({"abakan.xlsx": {"Результаты": scores}})
    with pytest.raises(IntakeError) as refused:
        take_in(sender.edition, key=KEY)
    (folder,) = write_returns(sender.edition, refused.value.account)
    assert "исправить 3 ячейки" in letter_of(folder)
    assert "Результаты" in sheets_of(folder / COPY)


def test_files_of_a_wrong_origin_are_nobody_s_mistake(sender, books):
    sender.send(books)
    with pytest.raises(IntakeError) as refused:
        take_in(sender.submitted(), key=KEY)
    assert write_returns(sender.submitted(), refused.value.account) == []


def test_the_same_check_writes_the_same_bytes(sender, books, abakan):
    before = {path.name: path.read_bytes() for path in abakan.iterdir()}
    write_returns(sender.edition, take_in(sender.edition, key=KEY))
    assert {path.name: path.read_bytes() for path in abakan.iterdir()} == before


def test_only_what_was_written_here_is_removed(sender, books, abakan):
    own = abakan.parent / "переписка.txt"
    own.write_text("ответ", "utf-8")
    (abakan / LETTER).write_text("письмо, исправленное рукой", "utf-8")
    (abakan.parent / "0_раньше").mkdir()
    (abakan.parent / "0_раньше" / COPY).write_bytes(b"not ours")
    write_returns(sender.edition, take_in(sender.edition, key=KEY))
    assert own.read_text("utf-8") == "ответ"
    assert (abakan / f"изменённый {LETTER}").read_text("utf-8") == "письмо, исправленное рукой"
    assert "просим" in letter_of(abakan)
    assert (abakan.parent / "0_раньше" / COPY).read_bytes() == b"not ours"
    books["abakan.xlsx"]["Результаты"][1][9] = 1
    assert returned(sender, books)[1] == []
    assert own.exists()
    assert not (abakan / COPY).exists()


def test_a_failure_leaves_the_earlier_folder(sender, books, abakan, monkeypatch):
    before = {path.name: path.read_bytes() for path in abakan.iterdir()}

    def fail(*_):
        raise RuntimeError("disk")

    monkeypatch.setattr("nmc_utils.intake.returns._letter", fail)
    with pytest.raises(RuntimeError, match="disk"):
        write_returns(sender.edition, take_in(sender.edition, key=KEY))
    assert {path.name: path.read_bytes() for path in abakan.iterdir()} == before
    assert not [path for path in sender.folder.iterdir() if path.name.startswith(".returned")]


def test_a_busy_folder_is_one_sentence(sender, books, abakan, monkeypatch):
    result = take_in(sender.edition, key=KEY)

    def busy(*_):
        raise PermissionError(13, "denied")

    monkeypatch.setattr("nmc_utils.intake.returns.os.replace", busy)
    with pytest.raises(PermissionError, match="Закройте открытые из неё файлы"):
        write_returns(sender.edition, result)


@pytest.mark.parametrize(
    ("n", "word"),
    [(1, "ячейку"), (3, "ячейки"), (5, "ячеек"), (11, "ячеек"), (21, "ячейку"), (112, "ячеек")],
)
def test_words_after_numbers(n, word):
    assert plural_of(n, "ячейку", "ячейки", "ячеек") == word


@pytest.mark.parametrize(
    ("cell", "place"),
    [("Результаты!J2", (1, 9)), ("'Места работы'!AA10", (9, 26)), ("B3", (2, 1)), ("", None)],
)
def test_places_of_addresses(cell, place):
    assert place_of(cell) == place
