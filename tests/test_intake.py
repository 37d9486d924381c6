"""Intake: what is accepted, what is held out by which message, conservation, equal bytes."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
from datetime import date

import pytest
from intake_books import (
    KEY,
    KOROLEVA,
    PETROV,
    SIDOROVA,
    STAFF,
    Sender,
    counts,
    only,
    score_row,
    sent_books,
    staff_row,
    written,
)

from nmc_utils.intake import IntakeError, take_in
from nmc_utils.tables import SCHEMAS, load
from nmc_utils.terms import DEMONSTRATION

# --- what is accepted -----------------------------------------------------------------------------


def test_well_formed_workbooks_are_accepted_whole(sender, books):
    result = sender.take_in(books)

    assert result.problems.empty and result.held_out == 0
    assert result.tables == {
        "staff": 3,
        "employment": 4,
        "organizations": 2,
        "procedures": 2,
        "forms": 2,
        "scores": 4,
        "responses": 9,
        "items": 3,
        "methodists": 2,
        "aggregates": 3,
    }
    tables = load(sender.edition)
    for name in result.tables:
        SCHEMAS[name].validate(tables[name])
    assert tables.staff["attested_on"].dtype == "datetime64[us]"


def test_codes_stay_text_and_words_become_codes(sender, books):
    sender.take_in(books)
    tables = load(sender.edition)

    assert sorted(tables.organizations["organization_id"]) == ["007", "12"]
    assert set(tables.scores["form_id"]) == {"7"}
    assert tables.organizations["municipality"].tolist() == ["abakan", "abaza"]
    assert tables.organizations["is_low_performing"].tolist() == [False, True]
    assert set(tables.scores["wave"]) == {"entry", "exit"}
    assert set(tables.scores["domain"]) == {"subject", "methodical"}
    assert set(tables.forms["subject"]) == {"mathematics"}
    assert set(tables.employment["position"]) == {"teacher"}
    assert set(tables.employment["subject"]) == {"математика"}
    assert set(tables.methodists["role"]) == {"methodist", "curator"}
    assert sorted(tables.staff["birth_year"]) == [1975, 1980, 1990]


def test_answers_become_long_and_a_missing_answer_stays(sender, books):
    result = sender.take_in(books)
    answers = load(sender.edition).responses

    entry = answers[answers["wave"].eq("entry")]
    assert entry.groupby("item_id")["score"].sum().to_dict() == {"a": 2.0, "b": 1.0, "c": 0.5}
    assert entry["score"].isna().sum() == 1
    assert counts(result, "abakan.xlsx", "responses")["sent"] == 2  # rows of the workbook


def test_a_methodist_has_the_identity_of_the_person(sender, books):
    sender.take_in(books)
    tables = load(sender.edition)

    born_1980 = tables.staff.loc[tables.staff["birth_year"].eq(1980), "person_id"].item()
    methodist = tables.methodists.loc[tables.methodists["role"].eq("methodist"), "methodist_id"]
    assert methodist.item() == born_1980


def test_text_dates_decimal_commas_and_loose_spellings_are_read(sender, books):
    books["abaza.xlsx"]["Сотрудники"][1][3] = "01.06.1975"
    books["abaza.xlsx"]["Места работы"][1][9] = "0,5"
    books["abaza.xlsx"]["Места работы"][1][5] = "  АБАЗА "
    books["abaza.xlsx"]["Организации"][1][3] = True
    books["abaza.xlsx"][" сотрудники "] = books["abaza.xlsx"].pop("Сотрудники")

    assert sender.take_in(books).held_out == 0
    assert 0.5 in set(load(sender.edition).employment["rate"])


def test_blank_rows_and_totals_are_counted_apart(sender, books):
    rows = books["abaza.xlsx"]["Результаты"]
    rows += [[None], [None] * 4 + ["Всего"], ["Итого:", None, None, None, None, None, 17]]
    rows.append(["Всего", "Иван", None, date(1970, 1, 1), *rows[1][4:]])  # a surname, not a total

    result = sender.take_in(books)
    line = counts(result, "abaza.xlsx", "scores")
    assert line == {"sent": 5, "accepted": 1, "held_out": 1, "superseded": 0, "blank": 3}


# --- what is held out, by its message ------------------------------------------------------------

CELLS = [  # sheet, column, what is put there, part of the meaning
    ("Сотрудники", "A", None, "Не заполнен столбец «Фамилия»"),
    ("Сотрудники", "B", "—", "В столбце «Имя» нет ни одной буквы"),
    ("Сотрудники", "D", "давно", "Дата рождения не распознана"),
    ("Сотрудники", "D", date(1905, 1, 1), "вне допустимых границ: от 1920 до 2015"),
    ("Сотрудники", "E", "много", "должно быть целое число"),
    ("Сотрудники", "E", 12.5, "должно быть целое число"),
    ("Сотрудники", "E", 130, "вне допустимых границ: от 0 до 75"),
    ("Сотрудники", "H", "31.02.2020", "должна быть дата"),
    ("Сотрудники", "H", "17.05.1234", "вне допустимых границ: от 01.01.1920"),
    ("Места работы", "A", "Неизвестнова", "Этого человека нет на листе «Сотрудники»"),
    ("Места работы", "E", "999", "Этой организации нет на листе «Организации»"),
    ("Места работы", "E", date(2023, 2, 1), "Вместо кода стоит дата"),
    ("Места работы", "F", "Абкан", "Такого значения в столбце «Муниципальное"),
    ("Места работы", "F", "Сорск", "здесь и на листе «Организации» не совпадают"),
    ("Места работы", "G", "дворник", "Такого значения в столбце «Должность»"),
    ("Места работы", "I", "может быть", "должно быть «да» или «нет»"),
    ("Места работы", "L", date(2001, 1, 1), "Последний день раньше первого"),
    ("Результаты", "A", "Неизвестнова", "Этого человека нет на листе «Сотрудники»"),
    ("Результаты", "F", "первая", "Такого значения в столбце «Этап»"),
    ("Результаты", "H", "8", "Этой формы нет на листе «Формы»"),
    ("Результаты", "I", "ИКТ", "Такой компетенции в этой форме нет"),
    ("Результаты", "I", "Пение", "Такого значения в столбце «Компетенция»"),
    ("Результаты", "J", 3, "Балл больше максимального"),
    ("Результаты", "J", "nan", "должно быть число"),
    ("Результаты", "J", -1, "вне допустимых границ: от 0 до 10000"),
    ("Результаты", "K", 5, "здесь и на листе «Формы» не совпадают"),
    ("Ответы", "A", "Неизвестнова", "Этого человека нет на листе «Сотрудники»"),
    ("Ответы", "F", "8", "Этой формы нет на листе «Задания»"),
    ("Ответы", "H", "верно", "должно быть число"),
    ("Ответы", "H", 1.5, "Балл за задание вне границ"),
    ("Формы", "D", "Пение", "Такого значения в столбце «Предметная группа»"),
    ("РМА", "E", "дворник", "Такого значения в столбце «Роль в РМА»"),
]


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory, defined):
    """One intake with a row and a person of its own for every case of `CELLS`."""
    sender, books = Sender(tmp_path_factory.mktemp("spoiled"), defined), sent_books()
    staff = books["abakan.xlsx"]["Сотрудники"]
    cells = []
    for number, (name, letter, value, _) in enumerate(CELLS):
        file = next(file for file, sheets in books.items() if name in sheets)
        rows = books[file][name]
        row = list(rows[1])
        person = ["Лицо", "Анна", None, date(1970, 1 + number // 28, 1 + number % 28)]
        if name == "Формы":
            row[0] = f"f{number}"
        else:
            row[:4] = person
        if name not in ("Сотрудники", "Формы"):
            staff.append(staff_row(person))
        if name == "Места работы":
            row[8] = "да" if value == "Неизвестнова" else "нет"
        row[ord(letter) - ord("A")] = value
        rows.append(row)
        cells.append((file, f"'{name}'" if " " in name else name, len(rows)))
    return sender.take_in(books), cells


@pytest.mark.parametrize("number", range(len(CELLS)))
def test_a_wrong_cell_holds_its_row_out(spoiled, number):
    result, cells = spoiled
    sheet, letter, _, meaning = CELLS[number]
    file, named, row = cells[number]

    problem = only(result.problems, file=file, cell=f"{named}!{letter}{row}", kind="held_out")
    assert meaning in problem["meaning"]
    assert problem["sheet"] == sheet
    assert problem["remedy"].endswith(".") and problem["action"]


def test_only_the_wrong_rows_are_held_out(spoiled):
    assert spoiled[0].held_out == len(CELLS)


def test_an_unknown_procedure_is_reported(sender, books):
    books["abakan.xlsx"]["Результаты"][1][4] = "P9"
    meanings = sender.take_in(books).problems["meaning"]
    assert "Этой процедуры нет на листе «Процедуры» ни в одном файле" in set(meanings)


def test_rows_follow_the_row_they_refer_to_out(sender, books):
    books["abakan.xlsx"]["Сотрудники"][1][4] = "много"
    result = sender.take_in(books)

    meanings = result.problems.loc[result.problems["table"].ne("staff"), "meaning"]
    expected = "Этого человека нет среди принятых: строка на листе «Сотрудники» задержана"
    assert set(meanings) == {expected}
    assert result.held_out == 1 + 2 + 2 + 1  # staff, workplaces, scores, answers


def test_a_repeated_row_is_superseded(sender, books):
    books["abaza.xlsx"]["Сотрудники"].append(staff_row(KOROLEVA))
    result = sender.take_in(books)

    problem = only(result.problems, kind="superseded")
    assert (problem["file"], problem["cell"]) == ("abaza.xlsx", "Сотрудники!A3")
    assert problem["found"] == "то же: abakan.xlsx, Сотрудники!A2"
    assert result.held_out == 0 and result.tables["staff"] == 3
    assert result.conservation["superseded"].sum() == 1


def test_two_people_of_one_name_and_birth_are_held_out(sender, books):
    books["abaza.xlsx"]["Сотрудники"].append(staff_row(KOROLEVA, experience=3))
    result = sender.take_in(books)

    problems = result.problems[result.problems["table"].eq("staff")]
    assert problems["cell"].tolist() == ["Сотрудники!A2", "Сотрудники!A3"]
    assert problems["meaning"].str.contains("два разных человека").all()
    assert problems["found"].str.contains("abaza.xlsx, Сотрудники!A3").all()
    assert result.tables["staff"] == 2


def test_the_same_key_with_other_data_is_held_out(sender, books):
    books["abakan.xlsx"]["Результаты"].append(score_row(KOROLEVA, "Предметные", 2))
    books["abakan.xlsx"]["Ответы"].append([*KOROLEVA, "входная", 7, 0, 0, 0])
    result = sender.take_in(books)

    assert counts(result, "abakan.xlsx", "scores")["held_out"] == 2
    assert counts(result, "abakan.xlsx", "responses")["held_out"] == 2
    meanings = set(result.problems["meaning"])
    assert meanings == {"Одна и та же запись встречается несколько раз с разными данными"}


def test_a_repeat_of_a_held_row_is_told_with_what_holds_it(sender, books):
    scores = books["abakan.xlsx"]["Результаты"]
    bad = score_row(KOROLEVA, "Предметные", "много")
    scores[1:] = [bad, list(bad), score_row(PETROV, "Предметные", 2)]
    result = sender.take_in(books)

    told = result.problems[result.problems["file"].eq("abakan.xlsx")]
    told = told[told["table"].eq("scores")]
    repeat = told[told["meaning"].eq("Такая же строка уже есть")]
    assert repeat["cell"].tolist() == ["Результаты!A3"]
    assert repeat["found"].tolist() == ["то же: abakan.xlsx, Результаты!A2"]
    assert repeat["action"].tolist() == ["Строка задержана и в таблицы не вошла"]
    assert set(told["cell"]) == {"Результаты!A3", "Результаты!J2", "Результаты!J3"}
    assert counts(result, "abakan.xlsx", "scores")["held_out"] == 2


def test_a_held_row_that_contradicts_another_is_told_at_once(sender, books):
    scores = books["abakan.xlsx"]["Результаты"]
    right = score_row(KOROLEVA, "Предметные", 1)
    scores[1:] = [right, score_row(KOROLEVA, "Предметные", "много")]
    result = sender.take_in(books)

    told = result.problems[result.problems["meaning"].str.startswith("Одна и та же запись")]
    assert told["cell"].tolist() == ["Результаты!A3"]  # the other one is accepted
    both = "строки: abakan.xlsx, Результаты!A2; abakan.xlsx, Результаты!A3"
    assert told["found"].tolist() == [both]
    assert counts(result, "abakan.xlsx", "scores")["held_out"] == 1


def test_keys_that_could_not_be_read_are_not_taken_for_the_same(sender, books):
    scores = books["abakan.xlsx"]["Результаты"]
    first, second = (score_row(KOROLEVA, "Предметные", 1) for _ in range(2))
    first[6], second[6] = "первая", "вторая"
    scores[1:] = [first, second]
    result = sender.take_in(books)

    meanings = result.problems["meaning"]
    assert result.problems["cell"].tolist() == ["Результаты!G2", "Результаты!G3"]
    assert not meanings.str.contains("Такая же|Одна и та же").any()


def test_two_main_workplaces_are_held_out(sender, books):
    books["abakan.xlsx"]["Места работы"][2][8] = "да"
    result = sender.take_in(books)
    assert set(result.problems["cell"]) == {"'Места работы'!I2", "'Места работы'!I3"}
    assert set(result.problems["meaning"]) == {"У человека отмечено несколько основных мест работы"}


def test_a_person_without_a_main_workplace_is_noted(sender, books):
    books["abaza.xlsx"]["Места работы"][1][8] = "нет"
    result = sender.take_in(books)
    problem = only(result.problems, kind="note")
    assert "не указано основное место работы" in problem["meaning"]
    assert result.held_out == 0


def test_a_subject_outside_the_families_is_noted_once(sender, books):
    for row in books["abakan.xlsx"]["Места работы"][1:]:
        row[7] = "астрология"
    result = sender.take_in(books)
    assert only(result.problems, kind="note")["found"] == "астрология"
    assert result.held_out == 0


def test_two_items_at_one_place_of_a_form_are_held_out(sender, books):
    books["ЦНППМ.xlsx"]["Задания"][2][2] = 1
    result = sender.take_in(books)
    assert counts(result, "ЦНППМ.xlsx", "items")["held_out"] == 2


def test_repeats_of_contradicting_rows_are_held_out_too(sender, books):
    staff = books["abaza.xlsx"]["Сотрудники"]
    staff += [staff_row(SIDOROVA, 30), staff_row(SIDOROVA, 3)]
    work = books["abakan.xlsx"]["Места работы"]
    work[2][8] = "да"  # two main workplaces, one of them sent twice
    work.append(list(work[2]))
    result = sender.take_in(books)

    assert not result.problems["kind"].eq("superseded").any()
    assert counts(result, "abaza.xlsx", "staff")["held_out"] == 3
    assert counts(result, "abakan.xlsx", "employment")["held_out"] == 3
    problem = only(result.problems, file="abaza.xlsx", cell="Сотрудники!A3")
    assert problem["found"].count("Сотрудники!A") == 3


TOTAL_REFUSED = "Здесь должна быть компетенция: итог по тесту система считает сама"


def test_a_total_beside_competences_is_held_out(sender, books):
    books["abakan.xlsx"]["Результаты"].append(score_row(PETROV, "Весь тест", 2))
    form, item = books["ЦНППМ.xlsx"]["Формы"], books["ЦНППМ.xlsx"]["Задания"]
    form.append([*form[1][:2], "весь тест", *form[1][3:]])
    item.append(["d", 7, 4, "Весь тест", 1, "нет"])
    result = sender.take_in(books)

    assert result.problems["meaning"].tolist() == [TOTAL_REFUSED] * 3
    remedies = result.problems.set_index("table")["remedy"].to_dict()
    assert remedies["forms"] == remedies["scores"] == "Удалите строку с итогом по тесту."
    assert remedies["items"] == "Впишите компетенцию, к которой относится задание."
    assert result.held_out == 3
    assert set(load(sender.edition).scores["domain"]) == {"subject", "methodical"}


def with_a_form_of_totals(books: dict) -> dict:
    books["ЦНППМ.xlsx"]["Формы"].append([8, "P2", "ВЕСЬ  тест", None, 25, 25, None, None])
    for person, raw in ((KOROLEVA, 20), (PETROV, 11)):
        row = [*person, "P2", "входная", 1, 8, "Весь тест", raw, 25, date(2023, 5, 1)]
        books["abakan.xlsx"]["Результаты"].append(row)
    del books["ЦНППМ.xlsx"]["Сводные числа"]
    return books


def test_a_form_of_the_whole_test_alone_is_accepted(sender, books):
    result = sender.take_in(with_a_form_of_totals(books))

    assert set(result.problems["kind"]) == {"corrected"} and result.held_out == 0
    tables = load(sender.edition)
    assert tables.forms.set_index("form_id").loc["8", "domain"] == "total"
    scores = tables.scores[tables.scores["procedure_id"].eq("P2")]
    assert set(scores["domain"]) == {"total"}
    assert sorted(scores["raw_score"]) == [11, 20]


def test_a_competence_of_a_form_of_the_whole_test_is_held_out(sender, books):
    with_a_form_of_totals(books)["abakan.xlsx"]["Результаты"][-1][8] = "Предметные"
    result = sender.take_in(books)
    problem = only(result.problems, kind="held_out")
    assert problem["meaning"].startswith("Такой компетенции в этой форме нет на листе «Формы»")


def test_a_total_of_a_sitting_with_competences_is_held_out(sender, books):
    """A second form of the procedure must not add its total to the competences of the first."""
    books["ЦНППМ.xlsx"]["Формы"].append([8, "P1", "Весь тест", None, 25, 25, None, None])
    row = [*PETROV, "P1", "входная", 1, 8, "Весь тест", 20, 25, date(2023, 5, 1)]
    books["abakan.xlsx"]["Результаты"] += [row, [*row[:6], 2, *row[7:]]]
    result = sender.take_in(books)
    problem = only(result.problems, kind="held_out")
    assert (problem["cell"], problem["meaning"]) == ("Результаты!I5", TOTAL_REFUSED)


@pytest.mark.parametrize(
    ("sheet", "held"),
    [
        (
            "Процедуры",
            "«Формы» — 2, «Задания» — 3, «Результаты» — 4, «Ответы» — 3, «Сводные числа» — 2",
        ),
        ("Формы", "«Задания» — 3, «Результаты» — 4, «Ответы» — 3"),
    ],
)
def test_a_sheet_that_nobody_sent_is_one_problem(sender, books, sheet, held):
    del books["ЦНППМ.xlsx"][sheet]
    result = sender.take_in(books)

    (problem,) = result.problems.to_dict("records")
    assert problem["meaning"].startswith(f"Ни в одном файле нет листа «{sheet}»")
    assert problem["meaning"].endswith(f"задержано строк: {held}")
    assert (problem["sheet"], problem["kind"]) == (sheet, "table")
    assert result.held_out == sum(int(n) for n in re.findall(r"[0-9]+", held))
    assert {"staff", "employment"} <= set(result.tables)


def test_every_lacking_sheet_is_named_at_once(sender, books):
    del books["ЦНППМ.xlsx"]["Процедуры"], books["ЦНППМ.xlsx"]["Формы"]
    result = sender.take_in(books)
    assert set(result.problems["sheet"]) == {"Процедуры", "Формы"}
    assert result.held_out == 3 + 4 + 3 + 2  # items, scores, answers, counts of procedures


def test_a_sheet_that_only_one_municipality_lacks_is_told(sender, books):
    del books["abaza.xlsx"]["Результаты"]
    result = sender.take_in(books)
    problem = only(result.problems, file="abaza.xlsx", table="scores")
    assert (problem["kind"], problem["cell"]) == ("note", "")
    assert problem["meaning"].startswith("В файле нет листа «Результаты», хотя в других")


def test_a_roster_that_nobody_sent_is_told(sender, books):
    del books["ЦНППМ.xlsx"]["РМА"]
    problem = only(sender.take_in(books).problems, table="methodists")
    assert problem["meaning"].startswith("Листа «РМА» нет ни в одном файле: у групп не будет")


def test_a_sheet_without_rows_is_a_missing_one(sender, books):
    del books["ЦНППМ.xlsx"]["Процедуры"][1:]
    (problem,) = sender.take_in(books).problems.to_dict("records")
    assert problem["kind"] == "table"


@pytest.mark.parametrize("column", ["2", "3"])
def test_an_answer_column_that_is_missing_or_spare_is_reported(sender, books, column):
    header = books["abaza.xlsx"]["Ответы"][0]
    header[header.index(column)] = "9"
    result = sender.take_in(books)
    meanings = set(result.problems["meaning"])
    assert "На листе нет столбцов для всех заданий этой формы" in meanings
    assert "Среди принятых заданий формы нет задания с таким номером" in meanings
    assert counts(result, "abaza.xlsx", "responses")["held_out"] == 1


# --- sheets and files -----------------------------------------------------------------------------


def test_a_missing_required_column_holds_the_sheet_out(sender, books):
    books["abaza.xlsx"]["Результаты"][0][9] = "Очки"
    result = sender.take_in(books)
    problem = only(result.problems, file="abaza.xlsx", table="scores")
    assert problem["meaning"] == "На листе нет столбцов «Балл»"
    assert problem["kind"] == "sheet" and "«Балл»" in problem["remedy"]
    assert counts(result, "abaza.xlsx", "scores")["held_out"] == 1


def test_a_repeated_column_holds_the_sheet_out(sender, books):
    books["abaza.xlsx"]["Организации"][0].append("ШНОР")
    result = sender.take_in(books)
    problem = only(result.problems, file="abaza.xlsx", table="organizations")
    assert "больше одного раза" in problem["meaning"]


def test_an_unknown_column_is_reported_and_rows_accepted(sender, books):
    for row, value in zip(books["abaza.xlsx"]["Сотрудники"], ["Анна, 8 913", "1"], strict=True):
        row.append(value)
    result = sender.take_in(books)
    problem = only(result.problems, kind="column")
    assert (problem["cell"], problem["found"]) == ("Сотрудники!J1", "столбец J")
    assert "Столбец не предусмотрен" in problem["meaning"]
    assert result.held_out == 0


def test_an_absent_optional_column_is_reported(sender, books):
    for row in books["abaza.xlsx"]["Места работы"]:
        del row[9]
    result = sender.take_in(books)
    assert "необязательных столбцов «Ставка»" in only(result.problems, kind="column")["meaning"]
    assert load(sender.edition).employment["rate"].isna().sum() == 1


def test_an_unknown_sheet_is_held_out_and_its_title_not_repeated(sender, books):
    books["abaza.xlsx"]["Неизвестнова"] = [["что-то"], ["1"], ["2"]]
    result = sender.take_in(books)
    problem = only(result.problems, kind="sheet")
    assert problem["sheet"] == "лист № 7"
    assert "Лист с таким названием не предусмотрен" in problem["meaning"]
    assert counts(result, "abaza.xlsx", "")["held_out"] == 2


def test_files_that_cannot_be_read_are_reported_and_others_taken_in(sender, books):
    sender.send(books)
    (sender.folder / "Сорск 2023.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
    (sender.folder / "abakan.csv").write_text(f"{DEMONSTRATION}\na;b", "utf-8")
    (sender.folder / "~$abakan.xlsx").write_bytes(b"lock")
    result = take_in(sender.edition, key=KEY)

    assert "повреждён" in only(result.problems, file="Сорск 2023.xlsx")["meaning"]
    assert only(result.problems, kind="skipped")["file"] == "~$abakan.xlsx"
    assert only(result.problems, file="abakan.csv")["kind"] in ("file", "sheet", "empty")
    assert len(result.problems) == 3 and result.held_out == 1  # the line of the text


def test_nothing_accepted_is_an_error_and_leaves_the_tables(sender, books):
    sender.take_in(books)
    before = (sender.edition.validated / "staff.parquet").read_bytes()
    with pytest.raises(IntakeError, match="не принято ни одной строки.*столбцов «Фамилия»"):
        sender.take_in({"abakan.xlsx": {"Сотрудники": [STAFF[1:], staff_row(KOROLEVA)[1:]]}})
    with pytest.raises(IntakeError, match="принимать нечего"):
        sender.take_in({})
    assert (sender.edition.validated / "staff.parquet").read_bytes() == before


# --- conservation ---------------------------------------------------------------------------------

JUNK = [None, "???", -1, 1e9, 0.3, "Итого", date(2023, 5, 5), True, "Абаза", "да", "1,5", "#N/A"]


@pytest.mark.parametrize("seed", range(20))
def test_conservation_holds_whatever_the_cells_hold(sender, seed):
    chance = random.Random(seed)
    books = sent_books()
    sheets = [rows for file in books.values() for name, rows in file.items() if name != "Пояснение"]
    for _ in range(1 + seed % 5):
        rows = chance.choice(sheets)
        rows.insert(chance.randrange(1, len(rows) + 1), list(chance.choice(rows[1:])))
        row = chance.choice(rows if seed % 4 == 0 else rows[1:])
        row[chance.randrange(len(row))] = chance.choice(JUNK)
    result = sender.take_in(books)

    lines = result.conservation.set_index(["file", "sheet"])
    for file, sheets in books.items():
        for name, rows in sheets.items():
            if name == "Пояснение":
                continue
            line = lines.loc[(file, name)]
            filled = [i for i, row in enumerate(rows) if any(value is not None for value in row)]
            assert line["sent"] == filled[-1]  # rows below the header, to the last that is filled
            parts = line[["accepted", "held_out", "superseded", "blank"]].sum()
            assert line["sent"] == parts
            here = result.problems[result.problems["file"].eq(file)]
            here = here[here["sheet"].eq(name)]
            told = here["kind"].isin(["held_out", "sheet", "waiting"]).any()
            assert line["held_out"] == 0 or told or result.problems["kind"].eq("table").any()
            assert line["superseded"] == here["kind"].eq("superseded").sum()
    accepted = result.conservation.groupby("table")["accepted"].sum()
    loaded = load(sender.edition)
    for table, n_rows in result.tables.items():
        if table != "responses":
            assert accepted[table] == n_rows == len(loaded[table])


# --- the same bytes -------------------------------------------------------------------------------


def test_the_same_inputs_give_the_same_bytes(sender, books):
    first = sender.take_in(books)
    bytes_of_first = written(sender)
    second = take_in(sender.edition, key=KEY)
    assert written(sender) == bytes_of_first
    assert second.digest == first.digest
    beside = [path.name for path in sender.edition.validated.parent.iterdir()]
    assert beside == ["2023"]


def test_the_order_of_rows_and_files_changes_no_table(sender, books):
    result = sender.take_in(books)
    tables = {name: data for name, data in written(sender).items() if name[:-8] in SCHEMAS}
    assert tables.keys() == {f"{name}.parquet" for name in result.tables}
    for sheets in books.values():
        for rows in sheets.values():
            rows[1:] = rows[:0:-1]
    books["beta.xlsx"], books["zeta.xlsx"] = books.pop("abaza.xlsx"), books.pop("abakan.xlsx")
    sender.take_in(books)
    assert {name: written(sender)[name] for name in tables} == tables


@pytest.mark.parametrize("moment", ["before the swap", "amid it", "after it"])
def test_an_intake_that_was_killed_leaves_the_tables_and_nothing_else(sender, books, moment):
    sender.take_in(books)
    folder = sender.edition.validated
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    fresh, old = (folder.with_name(f".2023.{end}") for end in ("new", "old"))
    match moment:
        case "before the swap":
            fresh.mkdir()
            (fresh / "staff.parquet").write_bytes(b"half")
        case "amid it":
            folder.rename(old)
            shutil.copytree(old, fresh)
        case "after it":
            shutil.copytree(folder, old)
    with pytest.raises(IntakeError):
        sender.take_in({})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["2023"]
    digests = json.loads(before["sources.json"])["tables"]
    assert digests == {
        name: hashlib.sha256(content).hexdigest()
        for name, content in before.items()
        if name != "sources.json"
    }


def test_the_digest_follows_every_input(sender, books):
    first = sender.take_in(books).digest
    assert take_in(sender.edition, key=b"another").digest != first
    facts = sender.root / "regions" / "khakassia" / "published.csv"
    facts.write_text(facts.read_text("utf-8").replace("exact", "about", 1), "utf-8")
    second = take_in(sender.edition, key=KEY).digest
    assert second != first
    books["abaza.xlsx"]["Сотрудники"][1][4] = 31
    assert sender.take_in(books).digest not in (first, second)
    sources = json.loads((sender.edition.validated / "sources.json").read_text("utf-8"))
    assert sorted(sources["files"]) == ["abakan.xlsx", "abaza.xlsx", "ЦНППМ.xlsx"]
