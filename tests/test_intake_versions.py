"""A corrected file replaces the older one wholly, and only if something of it is accepted."""

from __future__ import annotations

import os
from datetime import date

import pandas as pd
import pytest
from intake_books import (
    GRACHEV,
    KEY,
    KOROLEVA,
    PETROV,
    SCORES,
    SIDOROVA,
    STAFF,
    counts,
    score_row,
    staff_row,
    work_row,
    workbook,
)

from nmc_utils.intake import IntakeError, take_in
from nmc_utils.tables import load


@pytest.fixture
def corrected(books):
    """The file of Абаза with another seniority, one more person, and a mark of its own."""
    sheets = {name: [list(row) for row in rows] for name, rows in books["abaza.xlsx"].items()}
    sheets["Сотрудники"][1][4] = 31
    sheets["Сотрудники"].append(staff_row(GRACHEV, 5))
    sheets["Места работы"].append(work_row(GRACHEV, 12, "Абаза"))
    return sheets


def send(sender, name: str, sheets: dict, at: int) -> None:
    """Put a file beside the others, last changed at second `at`."""
    path = sender.folder / name
    path.write_bytes(workbook(sheets))
    os.utime(path, (at, at))


def differences(sender) -> dict[str, tuple[int, int, int]]:
    frame = pd.read_parquet(sender.edition.validated / "differences.parquet")
    columns = ["changed", "added", "removed"]
    return {row.table: tuple(getattr(row, c) for c in columns) for row in frame.itertuples()}


def test_the_newer_file_replaces_the_older_wholly_and_the_difference_is_told(
    sender, books, corrected
):
    sender.send(books)
    send(sender, "abaza 2.xlsx", corrected, at=4_000_000_000)
    result = take_in(sender.edition, key=KEY)

    assert result.held_out == 0
    assert counts(result, "abaza.xlsx", "staff") == {
        "sent": 1, "accepted": 0, "held_out": 0, "superseded": 1, "blank": 0
    }  # fmt: skip
    staff = load(sender.edition).staff.set_index("birth_year")["experience_years"]
    assert staff[1975] == 31 and staff[1968] == 5
    assert differences(sender)["staff"] == (1, 1, 0)
    assert differences(sender)["organizations"] == (0, 0, 0)
    files = result.files_table.set_index("file")
    assert files.loc["abaza.xlsx", ["state", "replaced_by"]].tolist() == [
        "replaced",
        "abaza 2.xlsx",
    ]
    told = result.problems[result.problems["kind"].eq("replaced")]
    assert "изменено 1, добавлено 1, исчезло 0" in set(told["found"])
    status = load(sender.edition)["status"].set_index(["municipality", "table"])
    assert status.loc[("abaza", "staff"), "version"] == 2
    assert status.loc[("abakan", "staff"), "version"] == 1


def test_who_left_the_corrected_file_is_gone(sender, books, corrected):
    del corrected["Сотрудники"][1]
    corrected["Сотрудники"].append(staff_row(PETROV, 3))
    books["abaza.xlsx"]["Сотрудники"].append(staff_row(GRACHEV, 7))
    sender.send({"abaza.xlsx": books["abaza.xlsx"], "ЦНППМ.xlsx": books["ЦНППМ.xlsx"]})
    send(sender, "abaza 2.xlsx", corrected, at=4_000_000_000)
    take_in(sender.edition, key=KEY)

    assert differences(sender)["staff"] == (1, 1, 1)
    assert set(load(sender.edition).staff["birth_year"]) == {1968, 1990}


@pytest.mark.parametrize(
    ("sheet", "column", "value", "table", "n"),
    [
        ("Сотрудники", 0, "Сидорчук", "staff", 1),
        ("Сотрудники", 3, date(1975, 6, 2), "staff", 1),
        ("Результаты", 5, "входная", "scores", 1),
        ("Результаты", 6, 2, "scores", 1),
        ("Организации", 0, "012", "organizations", 1),
    ],
)
def test_a_corrected_key_leaves_the_newer_row_alone(sender, books, sheet, column, value, table, n):
    newer = {name: [list(row) for row in rows] for name, rows in books["abaza.xlsx"].items()}
    for name, rows in newer.items():
        for row in rows[1:]:
            if name == sheet or (sheet == "Сотрудники" and name != "Организации"):
                row[column] = value
            elif sheet == "Организации" and name == "Места работы":
                row[4] = value
    sender.send({"abaza.xlsx": books["abaza.xlsx"], "ЦНППМ.xlsx": books["ЦНППМ.xlsx"]})
    send(sender, "abaza 2.xlsx", newer, at=4_000_000_000)
    result = take_in(sender.edition, key=KEY)
    assert result.tables[table] == n
    assert counts(result, "abaza.xlsx", table)["superseded"] == 1
    assert result.files_table.set_index("file").loc["abaza.xlsx", "state"] == "replaced"


def test_a_file_of_one_municipality_corrects_its_rows_of_a_region_s_file(sender, books):
    region = {
        name: [*rows, *books["abaza.xlsx"].get(name, [rows])[1:]]
        for name, rows in books["abakan.xlsx"].items()
    }
    newer = {name: [list(row) for row in rows] for name, rows in books["abaza.xlsx"].items()}
    newer["Сотрудники"][1][4] = 31
    sender.send({"1.xlsx": region, "ЦНППМ.xlsx": books["ЦНППМ.xlsx"]})
    send(sender, "abaza.xlsx", newer, at=4_000_000_000)
    result = take_in(sender.edition, key=KEY)
    assert result.held_out == 0
    staff = load(sender.edition).staff.set_index("birth_year")["experience_years"]
    assert staff.to_dict() == {1975: 31, 1980: 12, 1990: 0}


def test_a_newer_file_with_many_wrong_rows_replaces_nothing(sender, books, corrected):
    corrected["Сотрудники"] = [STAFF, staff_row(SIDOROVA, 31), staff_row(GRACHEV, 999)]
    sender.send(books)
    send(sender, "abaza 2.xlsx", corrected, at=4_000_000_000)
    result = take_in(sender.edition, key=KEY)
    assert load(sender.edition).staff.set_index("birth_year").loc[1975, "experience_years"] == 30
    assert counts(result, "abaza 2.xlsx", "staff")["held_out"] == 2


def test_the_order_of_arrival_is_kept_when_the_files_are_copied(sender, books, corrected):
    sender.send(books)
    send(sender, "abaza 2.xlsx", corrected, at=4_000_000_000)
    take_in(sender.edition, key=KEY)
    before = (sender.edition.validated / "staff.parquet").read_bytes()
    for path in sender.folder.iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))
    os.utime(sender.folder / "abaza.xlsx", (4_100_000_000, 4_100_000_000))
    take_in(sender.edition, key=KEY)
    assert (sender.edition.validated / "staff.parquet").read_bytes() == before


def test_a_newer_file_of_which_nothing_is_accepted_replaces_nothing(sender, books, corrected):
    corrected = {"Сотрудники": [STAFF, staff_row(SIDOROVA, 999)]}
    corrected["Места работы"] = books["abaza.xlsx"]["Места работы"]
    sender.send(books)
    send(sender, "abaza 2.xlsx", corrected, at=4_000_000_000)
    result = take_in(sender.edition, key=KEY)

    assert load(sender.edition).staff.set_index("birth_year").loc[1975, "experience_years"] == 30
    assert counts(result, "abaza 2.xlsx", "staff")["held_out"] == 1
    assert "staff" not in differences(sender)
    told = result.problems[result.problems["file"].eq("abaza 2.xlsx")]
    assert told["meaning"].str.contains("не заменил прежний").any()
    assert told["meaning"].str.contains("вне допустимых границ").any()


def test_files_without_a_common_record_are_parts_and_both_count(sender, books):
    part = {
        "Сотрудники": [STAFF, staff_row(GRACHEV, 5)],
        "Места работы": [books["abaza.xlsx"]["Места работы"][0], work_row(GRACHEV, 12, "Абаза")],
    }
    sender.send(books)
    send(sender, "abaza 2.xlsx", part, at=4_000_000_000)
    result = take_in(sender.edition, key=KEY)
    assert result.tables["staff"] == 4 and result.differences.empty


def test_a_part_timer_in_two_municipalities_replaces_nobody(sender, books):
    row = list(books["abakan.xlsx"]["Сотрудники"][1])
    books["abaza.xlsx"]["Сотрудники"].append(row)
    result = sender.take_in(books)
    assert result.differences.empty and result.held_out == 0
    assert result.tables["staff"] == 3


def test_a_reference_to_a_row_of_a_replaced_file_alone_is_unknown(sender, books, corrected):
    extra = score_row(PETROV, "Предметные", 1)
    books["abaza.xlsx"]["Сотрудники"].append(staff_row(PETROV, 1))
    del books["abakan.xlsx"]["Сотрудники"][2]
    sender.send(books)
    again = [score_row(SIDOROVA, "Предметные", 1, "выходная") for _ in range(11)]
    for attempt, row in enumerate(again, start=2):
        row[6] = attempt
    corrected["Результаты"] = [SCORES, *corrected["Результаты"][1:], *again, extra]
    send(sender, "abaza 2.xlsx", corrected, at=4_000_000_000)
    result = take_in(sender.edition, key=KEY)
    held = result.held_rows
    assert held["reason"].str.contains("Этого человека нет на листе «Сотрудники»").any()


def test_a_damaged_register_of_arrival_is_one_sentence(sender, books):
    sender.take_in(books)
    (sender.folder / ".received.json").write_text("{", "utf-8")
    with pytest.raises(ValueError, match="received.json: файл повреждён. Удалите его"):
        take_in(sender.edition, key=KEY)


# --- whose file it is -----------------------------------------------------------------------------


def refused(result, file: str) -> str:
    problems = result.problems
    (meaning,) = problems.loc[
        problems["file"].eq(file) & problems["kind"].eq("stranger"), "meaning"
    ]
    return meaning


def test_a_file_of_another_period_is_refused_whole(sender, books):
    rows = books["abaza.xlsx"]["Результаты"]
    rows += [[*rows[1][:6], attempt, *rows[1][7:]] for attempt in (2, 3)]
    for row in rows[1:]:
        row[11] = date(2022, 4, 1)
    result = sender.take_in(books)
    assert "даты диагностики — 2022 год, а издание — 2023 год" in refused(result, "abaza.xlsx")
    assert counts(result, "abaza.xlsx", "staff")["held_out"] == 1
    assert result.tables["staff"] == 2
    status = load(sender.edition)["status"].set_index(["municipality", "table"])["state"]
    assert status["abaza", "staff"] == "returned"


def test_a_single_day_outside_the_period_holds_its_row_out(sender, books):
    books["abakan.xlsx"]["Результаты"][1][11] = date(2022, 12, 31)
    result = sender.take_in(books)
    assert result.held_out == 1
    assert "вне периода издания" in result.held_rows["reason"].iloc[0]


def test_the_same_bytes_in_another_edition_are_refused(sender, books):
    sender.send(books)
    before = sender.folder.parent / "2022"
    before.mkdir()
    (before / "edition.yaml").write_text("origin: demonstration\n", "utf-8")
    (before / "кто-то.xlsx").write_bytes((sender.folder / "abaza.xlsx").read_bytes())
    result = take_in(sender.edition, key=KEY)
    assert "совпадает с файлом из khakassia/2022" in refused(result, "abaza.xlsx")
    assert "кто-то" not in result.problems.to_csv()


def test_a_blank_of_another_edition_is_refused(sender, books):
    books["abaza.xlsx"]["Пояснение"] = [
        ["Демонстрационные данные: не сведения о регионе"], ["Издание: khakassia/2022"]
    ]  # fmt: skip
    result = sender.take_in(books)
    assert "Бланк этого файла сделан для другого издания: khakassia/2022" in refused(
        result, "abaza.xlsx"
    )
    books["abaza.xlsx"]["Пояснение"][1] = ["Издание: khakassia/2023"]
    assert sender.take_in(books).held_out == 0


def test_a_file_named_after_one_municipality_with_rows_of_others_is_refused(sender, books):
    books["Сорск 2023.xlsx"] = books.pop("abaza.xlsx")
    result = sender.take_in(books)
    assert "(Сорск), а строки в нём других: Абаза" in refused(result, "Сорск 2023.xlsx")


def test_nothing_but_strangers_is_an_error_that_names_them(sender, books):
    del books["abakan.xlsx"]
    books["Сорск.xlsx"] = {
        name: rows for name, rows in books.pop("abaza.xlsx").items() if name != "Организации"
    }
    del books["ЦНППМ.xlsx"]
    with pytest.raises(IntakeError, match="Файл назван по одному муниципальному образованию"):
        sender.take_in(books)


# --- who came and what for ------------------------------------------------------------------------


def test_an_absence_and_a_blank_score_are_no_zeros(sender, books):
    rows = books["abakan.xlsx"]["Результаты"]
    rows[1][9], rows[2][9] = "н/я", None
    result = sender.take_in(books)
    assert result.held_out == 0
    assert counts(result, "abakan.xlsx", "scores")["blank"] == 2
    told = result.problems[result.problems["kind"].eq("not_counted")]
    assert told["found"].tolist() == ["строка 2", "строка 3"]
    assert len(load(sender.edition).scores) == 2


def test_an_unknown_word_for_a_score_is_held_out(sender, books):
    books["abakan.xlsx"]["Результаты"][1][9] = "зачёт"
    assert sender.take_in(books).held_out == 1


def test_percents_of_the_maximum_become_points(sender, books):
    for row, share in zip(
        books["abakan.xlsx"]["Результаты"][1:], ("50%", "25 %", "100%"), strict=True
    ):
        row[9] = share
    result = sender.take_in(books)
    assert result.held_out == 0
    entry = load(sender.edition).scores.query("wave == 'entry'")
    assert sorted(entry["raw_score"]) == [0.5, 1.0, 2.0]
    assert result.problems["meaning"].str.contains("в процентах: пересчитан").sum() == 1


def test_percents_among_points_are_held_out(sender, books):
    books["abakan.xlsx"]["Результаты"][1][9] = "50%"
    result = sender.take_in(books)
    assert counts(result, "abakan.xlsx", "scores")["held_out"] == 3


def many_scores(n: int, above: int) -> list[list]:
    people = [["Лицо", "Анна", None, date(1970, 1 + i // 28, 1 + i % 28)] for i in range(n)]
    return [
        score_row(person, "Предметные", 3 if i < above else 1) for i, person in enumerate(people)
    ]


@pytest.mark.parametrize(("n", "above", "held"), [(30, 1, 1), (41, 2, 2), (39, 2, 39)])
def test_many_scores_above_the_maximum_hold_the_sheet_out(sender, books, n, above, held):
    scores = many_scores(n, above)
    books["abakan.xlsx"]["Результаты"] = [SCORES, *scores]
    books["abakan.xlsx"]["Сотрудники"] += [staff_row(row[:4]) for row in scores]
    books["abakan.xlsx"]["Места работы"] += [work_row(row[:4], "007", "Абакан") for row in scores]
    del books["abakan.xlsx"]["Ответы"], books["abaza.xlsx"]["Ответы"]
    result = sender.take_in(books)
    assert counts(result, "abakan.xlsx", "scores")["held_out"] == held


def test_a_column_filled_down_and_an_odd_step_are_noted_and_accepted(sender, books):
    scores = many_scores(12, 0)
    books["abakan.xlsx"]["Результаты"] = [SCORES, *scores]
    books["abakan.xlsx"]["Сотрудники"] += [staff_row(row[:4]) for row in scores]
    books["abakan.xlsx"]["Места работы"] += [work_row(row[:4], "007", "Абакан") for row in scores]
    result = sender.take_in(books)
    assert result.held_out == 0
    equal = result.problems[result.problems["meaning"].str.contains("одинаковый балл")]
    assert equal["found"].tolist() == ["человек: 12"]
    scores[0][9] = 1.3
    result = sender.take_in(books)
    odd = result.problems[result.problems["meaning"].str.contains("не кратен 1")]
    assert odd["cell"].tolist() == ["Результаты!J2"] and result.held_out == 0


def test_an_organisation_is_spelled_as_in_the_register(sender, books):
    books["abakan.xlsx"]["Организации"][1][0] = "МБОУ «СОШ № 7»"
    for row in books["abakan.xlsx"]["Места работы"][1:]:
        row[4] = 'мбоу "сош №7"' if row[4] == "007" else row[4]
    result = sender.take_in(books)
    assert result.held_out == 0
    assert "МБОУ «СОШ № 7»" in set(load(sender.edition).employment["organization_id"])
    books["abakan.xlsx"]["Места работы"][1][4] = "МБОУ «СОШ № 8»"
    held = sender.take_in(books).problems.query("kind == 'held_out'")
    assert held["remedy"].str.contains("Ближайшее по написанию: «МБОУ «СОШ № 7»»").any()


def test_a_long_code_that_lost_its_digits_is_refused(sender, books):
    books["abakan.xlsx"]["Организации"][1][0] = 1.2345678901234567e19
    problems = sender.take_in(books).problems
    assert problems["meaning"].str.contains("последние его цифры потеряны").any()


def test_one_person_under_two_patronymics_is_noted_and_not_merged(sender, books):
    twin = [*KOROLEVA[:2], None, KOROLEVA[3]]
    books["abakan.xlsx"]["Сотрудники"].append(staff_row(twin))
    books["abakan.xlsx"]["Места работы"].append(work_row(twin, "007", "Абакан"))
    result = sender.take_in(books)
    assert result.tables["staff"] == 4 and result.held_out == 0
    told = result.problems[result.problems["meaning"].str.contains("записан дважды")]
    assert told["cell"].tolist() == ["Сотрудники!A2", "Сотрудники!A4"]


def test_a_second_workplace_waits_for_the_file_of_the_first(sender, books):
    books["abaza.xlsx"]["Места работы"].append(work_row(GRACHEV, 12, "Абаза", "нет"))
    result = sender.take_in(books)
    assert result.held_out == 1
    waiting = result.problems[result.problems["kind"].eq("waiting")]
    assert "второе место работы" in waiting["meaning"].item()
    status = load(sender.edition)["status"].set_index(["municipality", "table"])
    assert status.loc[("abaza", "employment"), ["state", "held_out"]].tolist() == ["accepted", 1]
    assert result.files_table.set_index("file").loc["abaza.xlsx", "state"] == "accepted"
    assert "второе место работы" in result.held_rows["reason"].item()


# --- what stands in the cells ---------------------------------------------------------------------


def held(result) -> dict[str, str]:
    """Cell → what is wrong with it, of the problems that hold a row out."""
    problems = result.problems[result.problems["kind"].eq("held_out")]
    assert not problems.duplicated(["file", "cell"]).any()
    return dict(zip(problems["cell"], problems["meaning"], strict=True))


def test_shares_sent_as_points_hold_their_sheet_out(sender, books):
    rows = books["abakan.xlsx"]["Результаты"]
    for row, share in zip(rows[1:], (0.45, 0.55, 0.9), strict=True):
        row[9] = share
    result = sender.take_in(books)
    assert counts(result, "abakan.xlsx", "scores")["held_out"] == 3
    assert set(held(result).values()) == {
        "Все баллы листа не больше 1 при максимуме 2: похоже, это доли, а не баллы"
    }
    assert result.tables["scores"] == 1  # of the other file


@pytest.mark.parametrize("scores", [(0, 1, 1), (0.5, 1, 2), (0, 0.5, 1)])
def test_points_that_may_be_points_are_accepted(sender, books, scores):
    for row, score in zip(books["abakan.xlsx"]["Результаты"][1:], scores, strict=True):
        row[9] = score
    assert sender.take_in(books).held_out == 0


def test_a_code_of_sixteen_digits_that_was_kept_as_a_number_is_refused(sender, books):
    books["abakan.xlsx"]["Организации"][1][0] = 1234567890123456.0
    told = held(sender.take_in(books))
    assert "последние его цифры потеряны" in told["Организации!A2"]


@pytest.mark.parametrize(
    ("column", "cell"), [(1, "М."), (1, "А. П."), (1, "А.П."), (0, "123"), (0, "Королёва 2")]
)
def test_initials_and_digits_are_nobodys_name(sender, books, column, cell):
    for name in ("Сотрудники", "Места работы"):
        for row in books["abakan.xlsx"][name][1:]:
            if row[1] == "Пётр":
                row[column] = cell
                break
    result = sender.take_in(books)
    title = ("Фамилия", "Имя")[column]
    told = held(result)[f"Сотрудники!{'AB'[column]}3"]
    assert told == f"В столбце «{title}» инициалы или цифры: по ним человека не узнать"


@pytest.mark.parametrize(("surname", "given"), [("О'Хара", "Анна-Мария"), ("Ли", "Ян")])
def test_short_and_compound_names_are_names(sender, books, surname, given):
    person = [surname, given, None, date(1981, 1, 1)]
    books["abaza.xlsx"]["Сотрудники"].append(staff_row(person))
    books["abaza.xlsx"]["Места работы"].append(work_row(person, 12, "Абаза"))
    assert sender.take_in(books).held_out == 0


def test_a_full_name_that_cannot_be_taken_apart_is_one_problem_at_its_cell(sender, books):
    rows = books["abaza.xlsx"]["Сотрудники"]
    rows[0][:3] = ["ФИО"]
    rows[1][:3] = ["Сидорова А. И."]
    rows.append([None, *staff_row(GRACHEV)[3:]])
    for row in rows:
        row.insert(0, row.pop(1))  # the date of birth first, the full name after it
    told = held(sender.take_in(books))
    assert told["Сотрудники!B2"] == "ФИО не разобрать: нужны фамилия, имя и отчество полностью"
    assert told["Сотрудники!B3"] == "Не заполнен столбец «ФИО»"


def test_a_dash_in_a_cell_that_may_be_empty_is_an_empty_cell(sender, books):
    staff, work = (books["abaza.xlsx"][name][1] for name in ("Сотрудники", "Места работы"))
    staff[4], staff[6], staff[7] = "—", "-", "–"
    work[7], work[9] = "-", "—"
    result = sender.take_in(books)
    assert result.held_out == 0
    mine = load(sender.edition).staff.set_index("birth_year").loc[1975]
    assert mine[["experience_years", "category", "attested_on"]].isna().all()
    told = result.problems[result.problems["meaning"].str.contains("прочерк прочитан")]
    assert set(told["kind"]) == {"corrected"} and set(told["found"]) == {"ячеек: 1"}
    assert len(told) == 5


def test_a_dash_in_a_cell_that_must_be_filled_is_no_value(sender, books):
    books["abaza.xlsx"]["Организации"][1][3] = "-"
    books["abaza.xlsx"]["Сотрудники"][1][3] = "—"
    told = held(sender.take_in(books))
    assert "прочерк может значить" in told["Организации!D2"]
    assert "Дата рождения не распознана" in told["Сотрудники!D2"]


def test_a_word_for_no_patronymic_is_none(sender, books):
    for name, word in (("Сотрудники", "нет"), ("Результаты", "б/о"), ("Ответы", "отсутствует")):
        for row in books["abakan.xlsx"][name][1:]:
            row[2] = word if row[1] == "Пётр" else row[2]
    result = sender.take_in(books)
    assert result.held_out == 0
    assert not result.problems["meaning"].str.contains("записан дважды").any()


def test_a_sheet_without_patronymics_is_told_instead_of_people_written_twice(sender, books):
    for row in books["abakan.xlsx"]["Результаты"]:
        del row[2]
    problems = sender.take_in(books).problems
    assert not problems["meaning"].str.contains("записан дважды").any()
    told = problems[problems["meaning"].str.contains("нет столбца «Отчество», а в других строках")]
    assert told[["sheet", "kind", "found"]].values.tolist() == [
        ["Результаты", "note", "строки 2, 3"]
    ]
