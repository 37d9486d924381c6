"""Which municipality has sent what: `status.parquet` and `Intake.missing`."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from intake_books import (
    AGGREGATES,
    EMPLOYMENT,
    FORMS,
    GRACHEV,
    KOROLEVA,
    METHODISTS,
    ORGANIZATIONS,
    PERSON,
    PETROV,
    PROCEDURES,
    SCORES,
    SIDOROVA,
    STAFF,
    count_row,
    counts,
    only,
    staff_row,
    work_row,
    written,
)

from nmc_utils.measures.reporting import reporting
from nmc_utils.tables import STATUS, load

PEOPLE = {"Абакан": KOROLEVA, "Абаза": SIDOROVA, "Саяногорск": PETROV, "Сорск": GRACHEV}
CODES = {"Абакан": "abakan", "Абаза": "abaza", "Саяногорск": "sayanogorsk", "Сорск": "sorsk"}
SHEETS = ("Сотрудники", "Места работы", "Организации", "Результаты")
TABLES = {"staff", "employment", "organizations", "scores"}


def sheets_of(*places: str) -> dict[str, list[list]]:
    """The sheets of some municipalities: one person each, who was tested."""
    headers = (STAFF, EMPLOYMENT, ORGANIZATIONS, SCORES)
    sheets = {name: [list(header)] for name, header in zip(SHEETS, headers, strict=True)}
    for place in places:
        person = PEOPLE[place]
        rows = [staff_row(person), work_row(person, f"O-{place}", place)]
        rows.append([f"O-{place}", place, "школа", "нет", "нет", "нет", "нет"])
        score = ["P1", "входная", 1, "7", "Весь тест", 12, 25, date(2023, 4, 1)]
        for sheet, row in zip(SHEETS, [*rows, [*person, *score]], strict=True):
            sheets[sheet].append(row)
    return sheets


def centre() -> dict[str, dict[str, list[list]]]:
    about = [PROCEDURES, ["P1", "ЦНППМ", None, None, None, None, None]]
    form = ["7", "P1", "Весь тест", None, 25, 25, None, None]
    methodists = [METHODISTS]
    for place, person in PEOPLE.items():
        methodists.append([*person, "региональный методист", None, place, *[None] * 6])
    return {"ЦНППМ.xlsx": {"Процедуры": about, "Формы": [FORMS, form], "РМА": methodists}}


def workbooks(*places: str) -> dict[str, dict[str, list[list]]]:
    return centre() | {f"{place}.xlsx": sheets_of(place) for place in places}


def sent(sender) -> dict[str, set[str]]:
    """Table → municipalities that have sent it, of the tables that anybody has sent."""
    status = load(sender.edition).status
    sent = status[status["is_sent"]].groupby("table")["municipality"].agg(set)
    return {table: sent.get(table, set()) for table in status["table"].unique()}


def test_a_workbook_per_municipality(small):
    result = small.take_in(workbooks("Абакан", "Сорск", "Абаза"))
    assert result.held_out == 0
    assert result.missing == ("sayanogorsk",)
    there = {"abakan", "abaza", "sorsk"}
    assert sent(small) == dict.fromkeys(TABLES, there)

    status = pd.read_parquet(small.edition.validated / "status.parquet")
    assert {name: str(dtype) for name, dtype in status.dtypes.items()} == STATUS
    assert status["municipality"].tolist() == [code for code in CODES.values() for _ in TABLES]
    assert status["table"].tolist()[:4] == ["staff", "employment", "organizations", "scores"]


def test_nobody_is_missing_when_everybody_has_sent(small):
    assert small.take_in(workbooks(*PEOPLE)).missing == ()
    assert sent(small) == dict.fromkeys(TABLES, set(CODES.values()))


def test_a_workbook_per_region(small):
    result = small.take_in(centre() | {"Республика Хакасия.xlsx": sheets_of(*PEOPLE)})
    assert result.missing == ()
    assert sent(small) == dict.fromkeys(TABLES, set(CODES.values()))


def test_a_file_per_sheet(small):
    sheets = sheets_of("Абакан", "Абаза", "Сорск")
    del sheets["Результаты"][-1]  # nobody of Сорск was tested
    books = centre() | {f"{name}.xlsx": {name: rows} for name, rows in sheets.items()}
    result = small.take_in(books)

    assert result.held_out == 0 and result.missing == ("sayanogorsk",)
    there = {"abakan", "abaza", "sorsk"}
    assert sent(small) == dict.fromkeys(TABLES, there) | {"scores": {"abakan", "abaza"}}
    lacking = result.problems[result.problems["meaning"].str.startswith("В файле нет листа")]
    assert set(lacking["table"]) == {"scores"}  # the other sheets stand in other files


def test_a_sheet_that_a_municipality_did_not_send(small):
    books = workbooks("Абакан", "Абаза")
    del books["Абаза.xlsx"]["Результаты"]
    result = small.take_in(books)
    assert sent(small)["scores"] == {"abakan"}
    assert sent(small)["staff"] == {"abakan", "abaza"}
    assert result.missing == ("sayanogorsk", "sorsk")


def test_a_sheet_without_rows_is_sent(small):
    books = workbooks("Абакан", "Абаза")
    del books["Абаза.xlsx"]["Результаты"][1:]
    small.take_in(books)
    assert sent(small)["scores"] == {"abakan", "abaza"}


@pytest.mark.parametrize("spoiled", ["header", "rows"])
def test_a_sheet_of_which_nothing_is_accepted_is_not_sent(small, spoiled):
    books = workbooks("Абакан", "Абаза")
    if spoiled == "header":
        books["Абаза.xlsx"]["Результаты"][0][9] = "Очки"
    else:
        books["Абаза.xlsx"]["Результаты"][1][9] = "много"
    assert small.take_in(books).held_out == 1
    assert sent(small)["scores"] == {"abakan"}


def test_a_municipality_whose_rows_are_all_held_out_is_missing(small):
    books = workbooks("Абакан", "Абаза")
    books["Абаза.xlsx"]["Сотрудники"][1][4] = "много"
    books["Абаза.xlsx"]["Организации"][1][3] = "может быть"
    result = small.take_in(books)
    assert result.missing == ("abaza", "sayanogorsk", "sorsk")


def test_a_second_workplace_does_not_speak_for_its_municipality(small):
    register = sheets_of("Абакан", "Абаза")["Организации"]
    books = workbooks("Абакан") | {"Организации.xlsx": {"Организации": register}}
    books["Абакан.xlsx"]["Места работы"].append(work_row(KOROLEVA, "O-Абаза", "Абаза", "нет"))
    result = small.take_in(books)

    assert result.held_out == 0 and result.tables["employment"] == 2
    assert sent(small) == dict.fromkeys(TABLES, {"abakan"}) | {"organizations": {"abakan", "abaza"}}


def test_a_register_of_organisations_makes_nobody_reported(small):
    books = centre()
    books["ЦНППМ.xlsx"]["Организации"] = sheets_of(*PEOPLE)["Организации"]
    mine = workbooks("Абакан", "Абаза")
    for place in ("Абакан", "Абаза"):
        del mine[f"{place}.xlsx"]["Организации"]
    result = small.take_in(mine | books)
    assert result.missing == ("sayanogorsk", "sorsk")
    everybody = {"organizations": set(CODES.values())}
    assert sent(small) == dict.fromkeys(TABLES, {"abakan", "abaza"}) | everybody
    told = reporting(load(small.edition), small.edition.region)
    assert told["is_reported"].tolist() == [True, True, False, False]
    alone = small.take_in({"ЦНППМ.xlsx": {"Организации": sheets_of("Абакан")["Организации"]}})
    assert alone.missing == ("abaza", "sayanogorsk", "sorsk")


def test_methodists_do_not_speak_for_their_municipalities(small):
    books = workbooks("Абакан")
    books["ЦНППМ.xlsx"] |= {"Результаты": books["Абакан.xlsx"].pop("Результаты")}
    small.take_in(books | {"Сорск.xlsx": sheets_of("Сорск")})
    assert sent(small)["scores"] == {"abakan", "sorsk"}


def test_answers_speak_by_the_main_workplace(small):
    books = workbooks("Абакан", "Абаза")
    books["ЦНППМ.xlsx"]["Формы"].append(["8", "P1", "Предметные", None, 1, 1, None, None])
    books["ЦНППМ.xlsx"]["Задания"] = [
        ["Код задания", "Код формы", "Номер в форме", "Компетенция", "Максимальный балл"]
        + ["Общее задание форм"],
        ["a", "8", 1, "Предметные", 1, "нет"],
    ]
    answers = [[*PERSON, "Этап", "Код формы", "1"], [*SIDOROVA, "входная", "8", 1]]
    result = small.take_in(books | {"Ответы.xlsx": {"Ответы": answers}})
    assert result.held_out == 0
    assert sent(small)["responses"] == {"abaza"}


def test_a_repeat_speaks_as_the_row_it_repeats(small):
    """Which of equal rows is kept depends on the names of files; who has reported does not."""
    repeated = sheets_of("Абакан") | {"Организации": sheets_of("Абаза")["Организации"]}
    statuses = []
    for file in ("Абаза.xlsx", "я.xlsx"):
        result = small.take_in(workbooks("Абакан") | {file: repeated})
        assert result.conservation["superseded"].sum() == 3
        statuses.append(written(small)["status.parquet"])
        there = {"organizations": {"abakan", "abaza"}}
        assert sent(small) == dict.fromkeys(TABLES, {"abakan"}) | there
    assert statuses[0] == statuses[1]


# --- counts ---------------------------------------------------------------------------------------


def test_numbers_of_the_region_alone_are_everything(small):
    rows = [count_row("P1", "прошли диагностику", 100)]
    result = small.take_in(centre() | {"Числа.xlsx": {"Сводные числа": [AGGREGATES, *rows]}})
    assert result.missing == ()
    assert sent(small) == {"aggregates": set(CODES.values())}


def test_counts_speak_for_their_municipalities(small):
    rows = [count_row("P1", "прошли диагностику", 10, place=place) for place in ("Сорск", "Абаза")]
    rows.append(count_row("P1", "прошли диагностику", 100))
    result = small.take_in(centre() | {"Числа.xlsx": {"Сводные числа": [AGGREGATES, *rows]}})
    assert result.missing == ("abakan", "sayanogorsk")
    assert sent(small) == {"aggregates": {"abaza", "sorsk"}}


def test_numbers_of_the_region_beside_workbooks_are_of_no_municipality(small):
    rows = [count_row("P2", "прошли диагностику", 100)]
    books = workbooks("Абакан", "Абаза", "Сорск")
    books["ЦНППМ.xlsx"]["Процедуры"].append(["P2", *[None] * 6])
    books["ЦНППМ.xlsx"]["Сводные числа"] = [AGGREGATES, *rows]
    result = small.take_in(books)
    assert result.tables["aggregates"] == 1
    assert result.missing == ("sayanogorsk",)
    assert set(sent(small)) == TABLES


def test_definitions_without_records_leave_everybody_missing(small):
    books = centre()
    del books["ЦНППМ.xlsx"]["РМА"]
    result = small.take_in(books)
    assert result.missing == tuple(CODES.values())
    assert load(small.edition).status.empty
    assert counts(result, "ЦНППМ.xlsx", "forms")["accepted"] == 1


# --- people of whom no file says where they work --------------------------------------------------


def without_workplaces(*places: str) -> dict[str, dict[str, list[list]]]:
    books = workbooks(*places)
    for place in places:
        del books[f"{place}.xlsx"]["Места работы"]
        del books[f"{place}.xlsx"]["Организации"]
    return books


def test_nobody_is_missing_where_no_file_says_where_people_work(small):
    result = small.take_in(without_workplaces("Абакан", "Абаза"))

    assert result.held_out == 0 and result.tables["scores"] == 2
    assert result.missing == ()
    assert load(small.edition).status.empty
    note = only(result.problems, table="employment")
    assert note["kind"] == "note" and note["meaning"].startswith("Ни в одном файле не сказано")
    assert "«Места работы»" in note["remedy"]


def test_numbers_of_the_region_do_not_place_anybody(small):
    books = without_workplaces("Абакан")
    books["ЦНППМ.xlsx"]["Процедуры"].append(["P2", *[None] * 6])
    rows = [count_row("P2", "прошли диагностику", 100)]
    books["ЦНППМ.xlsx"]["Сводные числа"] = [AGGREGATES, *rows]
    result = small.take_in(books)
    assert result.missing == () and load(small.edition).status.empty


@pytest.mark.parametrize("spoiled", ["header", "rows"])
def test_workplaces_that_are_not_accepted_leave_everybody_missing(small, spoiled):
    """Their file says who has sent; an edition without it must not be published unasked."""
    books = without_workplaces("Абакан")
    work = sheets_of("Абакан")["Места работы"]
    if spoiled == "header":
        work[0][4] = "Школа"
    else:
        work[1][9] = "много"
    result = small.take_in(books | {"Места.xlsx": {"Места работы": work}})
    assert result.tables["staff"] == 1 and "employment" not in result.tables
    assert result.missing == tuple(CODES.values())
    assert not result.problems["meaning"].str.startswith("Ни в одном файле не сказано").any()
