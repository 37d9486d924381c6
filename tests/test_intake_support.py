"""The sheets on support: what is taken in, who stands in one cell, what refers to what."""

from __future__ import annotations

import random
from datetime import date

import pandas as pd
import pytest
from intake_books import (
    GRACHEV,
    KEY,
    KOROLEVA,
    ORGANIZATIONS,
    PERSON,
    PETROV,
    SIDOROVA,
    SURNAMES,
    only,
    sent_books,
    staff_row,
    work_row,
    written_as_text,
)

from nmc_utils.editions import Edition
from nmc_utils.intake import personal, take_in
from nmc_utils.intake.columns import headers, table_of
from nmc_utils.intake.persons import person_cell
from nmc_utils.intake.pseudonyms import identities
from nmc_utils.intake.returns import LETTER, write_returns
from nmc_utils.intake.synonyms import synonyms
from nmc_utils.system import RoadmapMeasure, System
from nmc_utils.tables import SCHEMAS, TITLES
from nmc_utils.terms import OTHER_PERSONS

DAY = date(2023, 5, 4)
MENTOR = "Королёва Алёна Петровна, 02.01.1980"
METHODIST = "Грачёв Иван Иванович, 09.03.1968"
STRANGER = "Неизвестнова Ольга Олеговна, 05.06.1970"


def sheet(table: str, *rows: dict) -> list[list]:
    """A sheet of a table about no person, or about the person under «who»."""
    titles = headers(table)
    persons = PERSON if any("who" in row for row in rows) else []
    lines = [[*row.get("who", []), *(row.get(name) for name in titles)] for row in rows]
    return [[*persons, *titles.values()], *lines]


ROUTE = {
    "who": KOROLEVA, "route_id": "А-1", "kind": "ИОМ восполнения дефицитов", "opened_on": DAY,
    "due_on": date(2023, 11, 1), "status": "реализуется", "methodist_id": METHODIST,
}  # fmt: skip
MEASURE = {
    "route_id": "А-1", "level": "региональный", "title": "Семинар по оцениванию",
    "event_id": "М-1", "domain": "Предметные", "is_done": "да",
}  # fmt: skip
PAIR = {
    "mentoring_id": "Н-1", "form": "педагог – педагог", "mentor_organization_id": "007",
    "mentee_organization_id": "12", "mentor_id": MENTOR, "mentee_id":
    "Сидорова Анна Ильинична 01.06.1975 г.р.", "curator_id": STRANGER, "tutor_id": METHODIST,
    "from_on": DAY, "status": "реализуется",
}  # fmt: skip
EVENT = {
    "event_id": "М-1", "title": "Семинар по оцениванию", "kind": "семинар",
    "level": "региональный", "direction": "восполнение дефицитов", "held_on": DAY,
    "participants": 40, "leader_id": METHODIST,
}  # fmt: skip
PROGRAMME = {
    "programme_id": "П-1", "title": "Оценивание по новым стандартам", "base": "ЦНППМ",
    "position": "педагог", "hours": 36, "expertise_on": DAY, "registry_on": date(2023, 9, 1),
}  # fmt: skip
MEASURE_OF_ROADMAP = {"measure_id": "1.1", "measure": "Создать актив", "status": "выполнено",
                      "done_on": DAY}  # fmt: skip
RECOMMENDATION = {
    "recommendation_id": "Р-1", "addressee": "регион", "text": "Увеличить охват",
    "status": "выполняется",
}  # fmt: skip


@pytest.fixture
def books():
    books = sent_books()
    books["abakan.xlsx"] |= {
        TITLES["routes"]: sheet("routes", ROUTE),
        TITLES["route_measures"]: sheet("route_measures", MEASURE),
        TITLES["completions"]: sheet(
            "completions",
            {
                "who": PETROV,
                "programme_id": "П-1",
                "finished_on": DAY,
                "chosen_after_diagnostics": "да",
            },
        ),  # fmt: skip
        TITLES["teams"]: sheet("teams", {"organization_id": "007", "trained_on": DAY}),
        TITLES["support"]: sheet("support", {"who": PETROV, "form": "клуб", "given_on": DAY}),
        TITLES["attendance"]: sheet("attendance", {"who": KOROLEVA, "event_id": "М-1"}),
    }
    books["abaza.xlsx"][TITLES["mentoring"]] = sheet("mentoring", PAIR)
    books["ЦНППМ.xlsx"] |= {
        TITLES["programmes"]: sheet("programmes", PROGRAMME),
        TITLES["events"]: sheet("events", EVENT),
        TITLES["agreements"]: sheet(
            "agreements",
            {"agreement_id": "С-1", "kind": "трёхстороннее", "parties": "ЦНППМ и управление",
             "municipality": "Абакан", "signed_on": DAY},
        ),
        TITLES["acts"]: sheet("acts", {"act_id": "100-1", "issued_on": DAY, "title": "Положение"}),
        TITLES["registries"]: sheet(
            "registries",
            {"kind": "эксперт", "entry_id": "Э-1", "organization_id": "007", "holder_id": MENTOR},
        ),
        TITLES["roadmap"]: sheet("roadmap", MEASURE_OF_ROADMAP),
        TITLES["recommendations"]: sheet("recommendations", RECOMMENDATION),
    }  # fmt: skip
    return books


def identity(person: list) -> str:
    return identities(pd.DataFrame([person], columns=PERSON), "khakassia", KEY).iloc[0]


def table(sender, name: str) -> pd.DataFrame:
    return pd.read_parquet(sender.edition.validated / f"{name}.parquet")


def held(result, name: str) -> pd.DataFrame:
    problems = result.problems
    return problems[problems["table"].eq(name) & problems["kind"].eq("held_out")]


def change(books, file: str, name: str, column: str, value: object) -> None:
    rows = books[file][TITLES[name]]
    rows[1][rows[0].index(SCHEMAS[name].columns[column].title)] = value


# --- the road -------------------------------------------------------------------------------------

NEW = tuple(
    str.split(
        "routes route_measures programmes completions teams mentoring support events attendance "
        "agreements acts registries roadmap recommendations"
    )
)


def test_every_sheet_is_taken_in_and_no_name_leaves_intake(sender, books):
    result = sender.take_in(books)
    assert result.held_out == 0, result.problems.to_string()
    assert {name: result.tables.get(name) for name in NEW} == dict.fromkeys(NEW, 1)
    told = written_as_text(sender)
    for surname in SURNAMES:
        assert not [name for name, text in told.items() if surname in text]
        assert surname not in result.problems.to_csv()


def test_a_cell_has_the_identity_of_the_same_person_elsewhere(sender, books):
    sender.take_in(books)
    pair = table(sender, "mentoring").iloc[0]
    assert pair["mentor_id"] == identity(KOROLEVA)
    assert pair["mentee_id"] == identity(SIDOROVA)
    assert table(sender, "routes").iloc[0]["methodist_id"] == identity(GRACHEV)
    assert table(sender, "routes").iloc[0]["person_id"] == identity(KOROLEVA)
    assert table(sender, "registries").iloc[0]["holder_id"] == identity(KOROLEVA)


def test_order_of_rows_changes_nothing(sender, books):
    attendance = books["abakan.xlsx"][TITLES["attendance"]]
    attendance.append([*PETROV, "М-1"])
    sender.take_in(books)
    before = {name: table(sender, name) for name in NEW}
    draw = random.Random(1)
    for sheets in books.values():
        for rows in sheets.values():
            rows[1:] = draw.sample(rows[1:], len(rows) - 1)
    sender.take_in(books)
    for name in NEW:
        pd.testing.assert_frame_equal(before[name], table(sender, name))


# --- cells of other persons -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell",
    [
        "королева  алена петровна, 2.1.1980",
        "Королёва Алёна Петровна 02.01.1980",
        "Королёва Алёна Петровна (02.01.1980)",
        "Королёва Алёна Петровна; 02.01.1980 г.р.",
        "Королёва Алёна Петровна, д.р. 02.01.1980",
        "Королёва Алёна Петровна, 2 января 1980 г.",
        "Королёва Алёна Петровна, 1980-01-02",
        "Королёва Алёна Петровна",
        "(Королёва Алёна Петровна, 02.01.1980)",
        "Королёва Алёна\u00a0Петровна,\n02.01.1980",
        "Kopoлёва Алёна Петровна, 02.01.1980",
        person_cell(*KOROLEVA),
    ],
)
def test_spellings_of_a_cell_are_one_person(sender, books, cell):
    change(books, "abaza.xlsx", "mentoring", "mentor_id", cell)
    result = sender.take_in(books)
    assert result.held_out == 0, result.problems.to_string()
    assert table(sender, "mentoring").iloc[0]["mentor_id"] == identity(KOROLEVA)


@pytest.mark.parametrize(
    ("cell", "meaning"),
    [
        ("Королёва А. П., 02.01.1980", "имя не разобрать"),
        ("02.01.1980", "имя не разобрать"),
        ("Королёва Алёна Петровна, 31.02.1980", "Дата рождения в ячейке не распознана"),
        ("Королёва Алёна Петровна, 02.01.80", "Дата рождения в ячейке не распознана"),
        ("Королёва Алёна Петровна, 02/01/1980", "Дата рождения в ячейке не распознана"),
        ("Королёва Алёна Петровна, 29222", "Дата рождения в ячейке не распознана"),
        ("Королёва Алёна Петровна, 02.01.1980, учитель", "не только имя и дата рождения"),
        ("02.01.1980 Королёва Алёна Петровна", "не только имя и дата рождения"),
        ("Королёва Алёна Петровна, 1980", "Дата рождения в ячейке не распознана"),
        ("Королёва Алёна Петровна, 02.01.1880", "Дата рождения в ячейке не распознана"),
        (f"{MENTOR}; {METHODIST}", "больше одного человека"),
        ("Королёва Алёна Петровна и Грачёв Иван Иванович", "больше одного человека"),
        ("Неизвестнова Ольга Олеговна", "такого имени нет среди принятых"),
    ],
)
def test_a_cell_that_names_nobody_is_held_out_without_its_name(sender, books, cell, meaning):
    change(books, "abaza.xlsx", "mentoring", "mentor_id", cell)
    result = sender.take_in(books)
    told = held(result, "mentoring")
    assert len(told) == 1, told.to_string()
    assert meaning in told.iloc[0]["meaning"]
    assert told.iloc[0]["cell"] == "Наставничество!E2"
    assert told.iloc[0]["found"] == ""
    assert "21.11.1985" in told.iloc[0]["remedy"]
    assert "mentoring" not in result.tables


def test_a_name_of_two_people_needs_the_date(sender, books):
    other = [*KOROLEVA[:3], date(1991, 4, 4)]
    books["abaza.xlsx"]["Сотрудники"].append(staff_row(other))
    books["abaza.xlsx"]["Места работы"].append(work_row(other, 12, "Абаза"))
    change(books, "abaza.xlsx", "mentoring", "mentor_id", "Королёва Алёна Петровна")
    told = held(sender.take_in(books), "mentoring")
    assert told["meaning"].tolist() == [
        "Без даты рождения человека не узнать: так зовут нескольких"
    ]


def test_a_date_with_the_month_first_makes_dates_of_other_sheets_no_doubtful(sender, books):
    change(books, "abaza.xlsx", "mentoring", "mentor_id", "Королёва Алёна Петровна, 04.13.1980")
    other = sheet("mentoring", PAIR | {"mentoring_id": "АК-1"})
    books["abakan.xlsx"][TITLES["mentoring"]] = other
    told = held(sender.take_in(books), "mentoring")
    assert told["file"].tolist() == ["abaza.xlsx"]
    assert table(sender, "mentoring")["mentoring_id"].tolist() == ["АК-1"]


@pytest.mark.parametrize("patronymic", ["", " Ильинична"])
def test_another_patronymic_is_another_person_and_this_is_told(sender, books, patronymic):
    cell = f"Королёва Алёна{patronymic}, 02.01.1980"
    change(books, "abaza.xlsx", "mentoring", "mentor_id", cell)
    result = sender.take_in(books)
    told = result.problems[result.problems["meaning"].str.startswith("Отчества нет или")]
    assert told[["cell", "kind", "found"]].values.tolist() == [["Наставничество!E2", "note", ""]]
    assert table(sender, "mentoring")["mentor_id"].tolist() != [identity(KOROLEVA)]
    assert "Королёва" not in result.problems.to_csv()


def test_a_pair_of_somebody_whom_nobody_has_sent_is_told(sender, books):
    assert not sender.take_in(books).problems["meaning"].str.startswith("Наставника или").any()
    change(books, "abaza.xlsx", "mentoring", "mentor_id", STRANGER)
    result = sender.take_in(books)
    (told,) = result.problems[result.problems["meaning"].str.startswith("Наставника или")].to_dict(
        "records"
    )
    assert (told["sheet"], told["found"], told["kind"]) == ("Наставничество", "строка 2", "note")
    assert result.tables["mentoring"] == 1


def test_latin_letters_in_a_cell_are_told(sender, books):
    change(books, "abaza.xlsx", "mentoring", "mentor_id", "Kopoлёва Алёна Петровна, 02.01.1980")
    told = only(sender.take_in(books).problems, table="mentoring", kind="corrected")
    assert "латинские" in told["meaning"]


def test_an_empty_cell_is_an_unknown_person(sender, books):
    for column in OTHER_PERSONS["mentoring"]:
        change(books, "abaza.xlsx", "mentoring", column, None)
    assert sender.take_in(books).held_out == 0
    assert table(sender, "mentoring")[list(OTHER_PERSONS["mentoring"])].isna().all(axis=None)


def test_where_people_go_by_own_codes_the_cell_is_a_code(sender, books):
    for sheets in books.values():
        for rows in sheets.values():
            if rows[0][: len(PERSON)] == PERSON:
                codes = {"Королёва": "К-1", "Петров-Водкин": "П-2", "Сидорова": "С-3"}
                for row in rows[1:]:
                    row.insert(0, codes.get(row[0], "Г-4"))
                rows[0].insert(0, "Личный код")
    for file, name, column in (
        ("abakan.xlsx", "routes", "methodist_id"),
        ("ЦНППМ.xlsx", "events", "leader_id"),
        ("ЦНППМ.xlsx", "registries", "holder_id"),
    ):
        change(books, file, name, column, "г-4")
    cells = ("К-1", "С-3", None, STRANGER)
    for column, cell in zip(OTHER_PERSONS["mentoring"], cells, strict=True):
        change(books, "abaza.xlsx", "mentoring", column, cell)
    sender.send(books)
    region = sender.edition.region.model_copy(update={"identity": "own_code"})
    edition = sender.edition.model_copy(update={"region": region})
    result = take_in(edition, key=KEY)
    assert held(result, "mentoring")["meaning"].tolist() == [
        "В ячейке должен стоять личный код человека"
    ]
    methodists = table(sender, "methodists")
    curator = methodists.loc[methodists["role"] == "curator", "methodist_id"].item()
    assert table(sender, "routes")["methodist_id"].tolist() == [curator]
    assert table(sender, "events")["leader_id"].tolist() == [curator]


# --- references -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "name", "column", "meaning"),
    [
        ("abakan.xlsx", "route_measures", "route_id", "Этого ИОМ нет"),
        ("abakan.xlsx", "route_measures", "event_id", "Этого мероприятия нет"),
        ("abakan.xlsx", "completions", "programme_id", "Этой программы нет"),
        ("abakan.xlsx", "teams", "organization_id", "Этой организации нет"),
        ("abakan.xlsx", "teams", "programme_id", "Этой программы нет"),
        ("abaza.xlsx", "mentoring", "mentor_organization_id", "Этой организации нет"),
        ("abaza.xlsx", "mentoring", "mentee_organization_id", "Этой организации нет"),
        ("abakan.xlsx", "attendance", "event_id", "Этого мероприятия нет"),
        ("ЦНППМ.xlsx", "registries", "organization_id", "Этой организации нет"),
    ],
)
def test_what_a_row_refers_to_must_be_there(sender, books, file, name, column, meaning):
    change(books, file, name, column, "ЦЦ-99")
    told = held(sender.take_in(books), name)
    assert len(told) == 1
    assert told.iloc[0]["meaning"].startswith(meaning)


@pytest.mark.parametrize("name", ["routes", "completions", "support", "attendance"])
def test_people_must_be_among_the_staff(sender, books, name):
    books["abakan.xlsx"][TITLES[name]][1][:4] = ["Неизвестнова", "Ольга", None, date(1970, 6, 5)]
    told = held(sender.take_in(books), name)
    assert told["meaning"].tolist() == ["Этого человека нет на листе «Сотрудники» ни в одном файле"]


def test_people_of_the_centre_s_sheets_wait_for_their_municipality(sender, books):
    books["ЦНППМ.xlsx"][TITLES["attendance"]] = sheet(
        "attendance", {"who": SIDOROVA, "event_id": "М-1"}
    )
    del books["abaza.xlsx"]
    result = sender.take_in(books)
    told = only(result.problems, table="attendance", kind="waiting")
    assert "Исправлять не нужно" in told["remedy"]
    assert result.tables["attendance"] == 1


# --- rules between cells --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "name", "column", "value", "meaning"),
    [
        ("abakan.xlsx", "routes", "due_on", date(2023, 1, 1), "«Срок выполнения» раньше"),
        ("abakan.xlsx", "routes", "audited_on", date(2023, 1, 1), "«Методический аудит» раньше"),
        ("abakan.xlsx", "routes", "closed_on", date(2023, 6, 1), "Заполнено «Завершён»"),
        ("abaza.xlsx", "mentoring", "to_on", date(2023, 1, 1), "Последний день раньше первого"),
        ("abaza.xlsx", "mentoring", "mentee_id", MENTOR, "Наставник и наставляемый — один"),
        ("ЦНППМ.xlsx", "programmes", "registry_on", date(2023, 1, 1), "«В Федеральном реестре с»"),
        ("ЦНППМ.xlsx", "agreements", "ends_on", date(2023, 1, 1), "«Действует по» раньше"),
        ("ЦНППМ.xlsx", "acts", "ends_on", date(2023, 1, 1), "«Утратил силу» раньше"),
        ("ЦНППМ.xlsx", "roadmap", "status", "не начато", "Заполнено «Выполнена»"),
    ],
)  # fmt: skip
def test_cells_that_contradict_each_other_hold_the_row_out(
    sender, books, file, name, column, value, meaning
):
    change(books, file, name, column, value)
    told = held(sender.take_in(books), name)
    assert len(told) == 1
    assert told.iloc[0]["meaning"].startswith(meaning)


def test_what_has_happened_after_the_day_of_the_data_is_noted(sender, books):
    change(books, "abakan.xlsx", "support", "given_on", date(2024, 2, 1))
    change(books, "ЦНППМ.xlsx", "events", "held_on", date(2024, 2, 1))  # may be planned
    result = sender.take_in(books)
    notes = result.problems[result.problems["meaning"].str.startswith("Дата позже дня")]
    assert notes["table"].tolist() == ["support"]
    assert notes["kind"].tolist() == ["note"]
    assert result.tables["support"] == 1


def test_a_measure_as_the_blank_has_it_is_not_sent(sender, books):
    rows = books["ЦНППМ.xlsx"][TITLES["roadmap"]]
    rows.append(["1.2", None, None, "Обучить актив", *[None] * (len(rows[0]) - 4)])
    result = sender.take_in(books)
    assert result.tables["roadmap"] == 1 and result.held_out == 0
    lines = result.conservation[result.conservation["table"] == "roadmap"].iloc[0]
    assert (lines["sent"], lines["accepted"], lines["blank"]) == (2, 1, 1)


def test_a_municipality_is_not_asked_to_fill_a_sheet_of_the_centre(sender, books):
    change(books, "abakan.xlsx", "completions", "programme_id", "П-11")
    (told,) = held(sender.take_in(books), "completions")["remedy"]
    assert told.startswith("Ближайшее по написанию: «П-1»")
    assert told.endswith("сообщите центру: лист «Программы» ведёт ЦНППМ.")


def test_a_row_waits_for_the_centre_that_has_to_mend_its_own(sender, books):
    change(books, "ЦНППМ.xlsx", "programmes", "hours", -1)
    result = sender.take_in(books)
    told = only(result.problems, table="completions", kind="waiting")
    assert told["remedy"].startswith("Исправлять не нужно") and "центр" in told["remedy"]
    assert len(held(result, "programmes")) == 1


def test_what_is_doubtful_about_a_route_is_noted(sender, books):
    change(books, "abakan.xlsx", "routes", "methodist_id", STRANGER)
    change(books, "abakan.xlsx", "routes", "status", "завершено")
    change(books, "abakan.xlsx", "route_measures", "from_on", date(2022, 12, 1))
    change(books, "abakan.xlsx", "support", "given_on", date(2022, 12, 1))
    result = sender.take_in(books)
    assert result.held_out == 0
    notes = result.problems[result.problems["kind"] == "note"]
    assert set(notes["meaning"]) >= {
        "Методиста ИОМ нет на листе «РМА»",
        "ИОМ завершён, а даты нет",
        "Мероприятие началось раньше, чем составлен ИОМ",
        "«Дата поддержки» вне периода издания (01.01.2023 – 31.12.2023)",
    }


def test_an_event_still_to_come_is_no_mistake(sender, books):
    change(books, "ЦНППМ.xlsx", "events", "held_on", date(2024, 2, 1))
    note = only(sender.take_in(books).problems, table="events", kind="note")
    assert note["meaning"].startswith("Мероприятие позже периода") and "намечено" in note["meaning"]
    change(books, "ЦНППМ.xlsx", "events", "held_on", date(2022, 2, 1))
    note = only(sender.take_in(books).problems, table="events", kind="note")
    assert "вне периода издания" in note["meaning"]


def test_the_nearest_word_is_one_of_those_offered(sender, books):
    change(books, "abakan.xlsx", "routes", "kind", "дефицитный")
    (told,) = held(sender.take_in(books), "routes")["remedy"]
    near, _, listed = told.partition("Выберите из списка")
    assert "«ИОМ восполнения дефицитов»" in near and "дефицитарный" not in told
    assert "ИОМ восполнения дефицитов" in listed


def test_what_is_wrong_with_a_row_is_told_at_once(sender, books):
    rows = books["ЦНППМ.xlsx"][TITLES["programmes"]]
    rows.append(list(rows[1]))
    rows[2][rows[0].index("Часов")] = -1
    rows[2][rows[0].index("На базе")] = "неизвестно где"
    told = held(sender.take_in(books), "programmes")["meaning"].tolist()
    assert [text.split(":")[0] for text in sorted(told)] == [
        "Значение вне допустимых границ",
        "Одна и та же запись встречается несколько раз с разными данными",
        "Такого значения в столбце «На базе» быть не может",
    ]


def test_measures_are_compared_with_the_roadmap_of_the_document(sender, books, monkeypatch):
    planned = {"direction": "д", "group": "г", "responsible": "ЦНППМ", "due": "2023"}
    planned |= {"expected_result": "р", "document": "d", "section": "1"}
    measures = tuple(
        RoadmapMeasure(id=code, measure=text, **planned)
        for code, text in (("1.1", "Создать актив"), ("1.10", "Обучить актив"))
    )
    rows = books["ЦНППМ.xlsx"][TITLES["roadmap"]]
    rows.append(["1.1", None, None, "Обучить актив", *rows[1][4:]])
    rows.append(["9.9", None, None, "Ещё одна", *rows[1][4:]])
    described = System.model_construct(roadmap=measures)
    monkeypatch.setattr(Edition, "system", property(lambda edition: described))
    result = sender.take_in(books)
    (told,) = held(result, "roadmap").to_dict("records")
    assert "это мера «1.10»" in told["meaning"] and "1.10 как текст" in told["remedy"]
    note = only(result.problems, table="roadmap", kind="note")
    assert note["cell"].endswith("A4") and "дополнительная" in note["meaning"]
    assert result.tables["roadmap"] == 2


# --- who has sent what ----------------------------------------------------------------------------


def status_of(sender, name: str) -> dict[str, str]:
    status = table(sender, "status")
    mine = status[status["table"] == name]
    return dict(zip(mine["municipality"], mine["state"], strict=True))


def test_a_total_knows_which_municipality_left_a_sheet_out(sender, books):
    sender.take_in(books)
    states = status_of(sender, "support")
    assert (states["abakan"], states["abaza"]) == ("accepted", "not_sent")


def test_where_the_centre_alone_sends_a_sheet_nobody_has_left_it_out(sender, books):
    for name in ("routes", "route_measures"):
        books["ЦНППМ.xlsx"][TITLES[name]] = books["abakan.xlsx"].pop(TITLES[name])
    result = sender.take_in(books)
    assert result.tables["routes"] == 1
    assert status_of(sender, "routes") == {}
    assert "sorsk" in result.missing


@pytest.mark.parametrize(
    ("file", "states"),
    [
        ("ИОМ.xlsx", {"abakan": "accepted", "abaza": "not_sent"}),
        ("Абаза.xlsx", {"abakan": "accepted", "abaza": "accepted"}),
    ],
)
def test_a_file_of_these_sheets_alone_is_its_municipality_s(sender, books, file, states):
    of_abakan = {name: books["abakan.xlsx"].pop(TITLES[name]) for name in NEW[:2]}
    books[file] = {TITLES[name]: rows for name, rows in of_abakan.items()}
    sender.take_in(books)
    found = status_of(sender, "routes")
    assert {place: found[place] for place in states} == states


@pytest.mark.parametrize(
    ("file", "folder"), [("Абаза.xlsx", "1_abaza"), ("Пары.xlsx", "1_файл № 4")]
)
def test_a_file_of_these_sheets_alone_goes_back_to_whom_it_is_named_after(
    sender, books, file, folder
):
    change(books, "abaza.xlsx", "mentoring", "mentor_id", "Королёва А. П., 02.01.1980")
    books[file] = {TITLES["mentoring"]: books["abaza.xlsx"].pop(TITLES["mentoring"])}
    (found,) = write_returns(sender.edition, sender.take_in(books))
    assert found.name == folder
    letter = (found / LETTER).read_text("utf-8-sig")
    assert "имя не разобрать" in letter and "Королёва" not in letter


def test_the_centre_adds_to_what_a_municipality_sends_of_the_same_people(sender, books):
    event = {**EVENT, "event_id": "М-2", "title": "Вебинар"}
    books["ЦНППМ.xlsx"][TITLES["events"]] = sheet("events", EVENT, event)
    books["ЦНППМ.xlsx"][TITLES["attendance"]] = sheet(
        "attendance", {"who": KOROLEVA, "event_id": "М-2"}
    )
    result = sender.take_in(books)
    assert result.tables["attendance"] == 2
    assert not (result.problems["kind"] == "replaced").any()


# --- names of sheets and columns ------------------------------------------------------------------


@pytest.mark.parametrize("name", NEW)
def test_other_words_for_a_sheet_mean_the_same_table(name):
    for word in synonyms().sheets[name]:
        assert table_of(word) == name


@pytest.mark.parametrize("header", ["ФИО методиста и дата рождения", "Региональный методист"])
def test_the_methodist_of_a_route_is_not_taken_for_its_person(sender, books, header):
    rows = books["abakan.xlsx"][TITLES["routes"]]
    rows[0][rows[0].index("Методист")] = header
    result = sender.take_in(books)
    assert result.tables["routes"] == 1, result.problems.to_string()
    assert table(sender, "routes")["methodist_id"].tolist() == [identity(GRACHEV)]


def test_an_agreed_header_of_a_person_is_no_unasked_personal_data(sender, books):
    problems = sender.take_in(books).problems
    assert not problems["meaning"].str.contains("личные сведения").any()
    assert personal.kind_of("Куратор", pd.Series(dtype="str")) == "имя человека"  # elsewhere it is


def test_a_name_of_a_cell_is_known_in_free_text(sender, books):
    change(books, "ЦНППМ.xlsx", "events", "title", "Семинар Неизвестновой Ольги")
    told = held(sender.take_in(books), "events")
    assert told["meaning"].str.contains("имя человека").all() and len(told) == 1


def test_organisations_of_low_performing_schools_may_say_since_when(sender, books):
    rows = books["abaza.xlsx"]["Организации"]
    rows[1][ORGANIZATIONS.index("ШНОР: адресное сопровождение с")] = DAY
    sender.take_in(books)
    since = table(sender, "organizations").set_index("organization_id")["supported_on"]
    assert since["12"] == pd.Timestamp(DAY)
