"""Intake: known identities, refusals by message, conservation, no names in what is written."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import random
import re
import shutil
from datetime import date
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter

from nmc_utils.editions import Edition, edition
from nmc_utils.intake import IntakeError, shown, take_in, with_real_names
from nmc_utils.intake.names import Names, rows_with_names
from nmc_utils.intake.pseudonyms import (
    DEMONSTRATION_KEY,
    KeyFileError,
    identities,
    key_for,
    normalise,
)
from nmc_utils.tables import SCHEMAS, load
from nmc_utils.terms import DEMONSTRATION

KHAKASSIA = Path(__file__).parents[1] / "data" / "regions" / "khakassia"
PERSON = ["Фамилия", "Имя", "Отчество", "Дата рождения"]
KOROLEVA = ["Королёва", "Алёна", "Петровна", date(1980, 1, 2)]
PETROV = ["Петров-Водкин", "Пётр", None, date(1990, 12, 31)]
SIDOROVA = ["Сидорова", "Анна", "Ильинична", date(1975, 6, 1)]
GRACHEV = ["Грачёв", "Иван", "Иванович", date(1968, 3, 9)]
SURNAMES = ["Королёва", "Петров-Водкин", "Водкин", "Сидорова", "Грачёв", "Неизвестнова"]
KEY = b"a key of the tests"
ABOUT = "origin: demonstration\nperiod_kind: calendar_year\nas_of: 2023-12-31\n"

STAFF = [
    *PERSON,
    "Педагогический стаж, лет",
    "Образование",
    "Квалификационная категория",
    "Дата аттестации",
    "Дата приёма",
]
EMPLOYMENT = [
    *PERSON,
    "Код организации",
    "Муниципальное образование",
    "Должность",
    "Предмет",
    "Основное место работы",
    "Ставка",
    "Работает с",
    "Работает по",
]
ORGANIZATIONS = [
    "Код организации",
    "Муниципальное образование",
    "Вид организации",
    "ШНОР",
    "Участвует в наставничестве",
    "Стажировочная площадка",
    "Инновационная площадка",
]
SCORES = [
    *PERSON,
    "Код процедуры",
    "Этап",
    "Попытка",
    "Код формы",
    "Компетенция",
    "Балл",
    "Максимальный балл",
    "Дата",
]
FORMS = [
    "Код формы",
    "Код процедуры",
    "Компетенция",
    "Предметная группа",
    "Число заданий",
    "Максимальный балл",
    "Надёжность",
    "Источник надёжности",
]
ITEMS = [
    "Код задания",
    "Код формы",
    "Номер в форме",
    "Компетенция",
    "Максимальный балл",
    "Общее задание форм",
]
METHODISTS = [
    *PERSON,
    "Роль в РМА",
    "Предмет",
    "Муниципальное образование",
    "Форма занятости",
    "Дата повышения квалификации",
    "Групп в год, не более",
    "В РМА с",
    "В РМА по",
    "Приказ",
]
PROCEDURES = [
    "Код процедуры",
    "Организатор",
    "Цель",
    "Версия инструментария",
    "Протокол утверждения",
    "Как отобраны участники",
    "Сопоставимость с предыдущей",
]


def staff_row(person: list, experience: int = 12) -> list:
    return [*person, experience, "высшее", "первая", date(2022, 5, 20), date(2010, 9, 1)]


def work_row(person: list, organization: str | int, municipality: str, is_main: str = "да") -> list:
    where = [organization, municipality, "педагог", "Математика", is_main]
    return [*person, *where, 1.5, date(2010, 9, 1), None]


def score_row(person: list, domain: str, raw: float, wave: str = "входная") -> list:
    return [*person, "P1", wave, 1, "7", domain, raw, 2, date(2023, 4, 1)]


def sent_books() -> dict[str, dict[str, list[list]]]:
    """Three well-formed workbooks: file → sheet → rows, the header first."""
    answers = [*PERSON, "Этап", "Код формы", "1", "2", "3"]
    books = {
        "abakan.xlsx": {
            "Сотрудники": [STAFF, staff_row(KOROLEVA), staff_row(PETROV, 0)],
            "Места работы": [
                EMPLOYMENT,
                work_row(KOROLEVA, "007", "Абакан"),
                work_row(KOROLEVA, 12, "Абаза", "нет"),
                work_row(PETROV, "007", "Абакан"),
            ],
            "Организации": [
                ORGANIZATIONS,
                ["007", "Абакан", "школа", "нет", "да", "нет", "нет"],
            ],
            "Результаты": [
                SCORES,
                score_row(KOROLEVA, "Предметные", 1),
                score_row(KOROLEVA, "Методические", 0.5),
                score_row(PETROV, "Предметные", 2),
            ],
            "Ответы": [
                answers,
                [*KOROLEVA, "входная", 7, 1, 0, 0.5],
                [*PETROV, "входная", 7, 1, 1, None],
            ],
        },
        "abaza.xlsx": {
            "Сотрудники": [STAFF, staff_row(SIDOROVA, 30)],
            "Места работы": [EMPLOYMENT, work_row(SIDOROVA, 12, "Абаза")],
            "Организации": [ORGANIZATIONS, [12, "Абаза", "школа", "да", "нет", "да", "нет"]],
            "Результаты": [SCORES, score_row(SIDOROVA, "Предметные", 2, "выходная")],
            "Ответы": [answers, [*SIDOROVA, "выходная", 7, 0, 0, 0]],
        },
        "ЦНППМ.xlsx": {
            "Процедуры": [PROCEDURES, ["P1", "ЦНППМ", "цель", "1", None, "по записи", None]],
            "Формы": [
                FORMS,
                [7, "P1", "Предметные", "Математика и информатика", 2, 2, 0.8, "отчёт"],
                [7, "P1", "Методические", "Математика и информатика", 1, 2, None, None],
            ],
            "Задания": [
                ITEMS,
                ["a", 7, 1, "Предметные", 1, "да"],
                ["b", 7, 2, "Предметные", 1, "нет"],
                ["c", 7, 3, "Методические", 2, "нет"],
            ],
            "РМА": [
                METHODISTS,
                [*KOROLEVA, "региональный методист", "математика", "Абакан", None, None, 2]
                + [date(2022, 1, 1), None, "№ 5"],
                [*GRACHEV, "куратор", None, None, None, None, None, date(2022, 1, 1), None, "№ 5"],
            ],
        },
    }
    return {  # lists of their own, so that a test may change a cell
        file: {name: [list(row) for row in rows] for name, rows in sheets.items()}
        for file, sheets in books.items()
    }


_WORKBOOKS: dict[str, bytes] = {}


def workbook(sheets: dict[str, list[list]]) -> bytes:
    """Bytes of a workbook, marked as demonstration unless it explains itself otherwise."""
    sheets = {"Пояснение": [[DEMONSTRATION]]} | sheets
    key = repr(sheets)
    if key not in _WORKBOOKS:
        content = BytesIO()
        with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
            day = book.add_format({"num_format": "dd.mm.yyyy"})
            for name, rows in sheets.items():
                sheet = book.add_worksheet(name)
                for number, row in enumerate(rows):
                    for column, value in enumerate(row):
                        sheet.write(number, column, value, *[day] * isinstance(value, date))
        _WORKBOOKS[key] = content.getvalue()
    return _WORKBOOKS[key]


class Sender:
    """A data root with one edition; `send` writes workbooks into it."""

    def __init__(self, root: Path, defined: Edition):
        home = root / "regions" / "khakassia"
        home.mkdir(parents=True)
        for name in ("region.yaml", "published.csv"):
            shutil.copy(KHAKASSIA / name, home / name)
        self.root = root
        self.edition = defined.model_copy(update={"root": root})
        self.folder = self.edition.sent
        self.folder.mkdir()
        (self.folder / "edition.yaml").write_text(ABOUT, "utf-8")

    def submitted(self) -> Edition:
        return self.edition.model_copy(update={"origin": "submitted"})

    def send(self, books: dict[str, dict[str, list[list]]]) -> None:
        for path in self.folder.glob("*.xlsx"):
            path.unlink()
        for file, sheets in books.items():
            (self.folder / file).write_bytes(workbook(sheets))

    def take_in(self, books: dict[str, dict[str, list[list]]]):
        self.send(books)
        return take_in(self.edition, key=KEY)


@pytest.fixture(scope="session")
def defined(tmp_path_factory) -> Edition:
    """The edition as its definition files say; reading them takes longer than an intake."""
    root = tmp_path_factory.mktemp("defined")
    shutil.copytree(KHAKASSIA, root / "regions" / "khakassia", ignore=shutil.ignore_patterns("20*"))
    (root / "regions" / "khakassia" / "2023").mkdir()
    path = root / "regions" / "khakassia" / "2023" / "edition.yaml"
    path.write_text(ABOUT, "utf-8")
    return edition("khakassia", "2023", root)


@pytest.fixture
def sender(tmp_path, defined):
    return Sender(tmp_path, defined)


@pytest.fixture
def books():
    return sent_books()


def only(problems: pd.DataFrame, **where: str) -> pd.Series:
    """The one problem that agrees with `where`."""
    found = problems.loc[(problems[list(where)] == pd.Series(where)).all(axis=1)]
    assert len(found) == 1, problems[["cell", "kind", "found", "meaning"]].to_string()
    return found.iloc[0]


def counts(result, file: str, table: str) -> dict[str, int]:
    lines = result.conservation
    line = lines[lines["file"].eq(file) & lines["table"].eq(table)]
    assert len(line) == 1
    return line.iloc[0, 3:].to_dict()


# --- what is accepted -----------------------------------------------------------------------------


def test_well_formed_workbooks_are_accepted_whole(sender, books):
    result = sender.take_in(books)

    assert result.problems.empty and result.held_out == 0
    assert result.tables == {
        "staff": 3,
        "employment": 4,
        "organizations": 2,
        "procedures": 1,
        "forms": 2,
        "scores": 4,
        "responses": 9,
        "items": 3,
        "methodists": 2,
    }
    tables = load(sender.edition)
    for name, schema in SCHEMAS.items():
        schema.validate(tables[name])
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


# --- identities -----------------------------------------------------------------------------------


def persons(*rows: tuple) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=PERSON).astype(dict.fromkeys(PERSON[:3], "str"))
    return frame.assign(**{"Дата рождения": pd.to_datetime(frame["Дата рождения"])})


def test_identity_is_hmac_of_region_name_and_birth():
    message = "khakassia\x1fкоролева\x1fалена\x1fпетровна\x1f1980-01-02"
    expected = hmac.new(KEY, message.encode(), hashlib.sha256).hexdigest()[:20]

    found = identities(persons(("Королёва", "Алёна", "Петровна", "1980-01-02")), "khakassia", KEY)
    assert found.tolist() == [expected]


def test_spellings_of_one_person_are_one_identity():
    same = persons(
        ("Королёва-Штейн", "Алёна", "Петровна", "1980-01-02"),
        ("КОРОЛЕВА - ШТЕЙН", " алена ", "ПЕТРОВНА", "1980-01-02"),
        ("Короле\u0308ва\u2013Штейн", "Алена", "Петровна", "1980-01-02"),
    )
    assert identities(same, "khakassia", KEY).nunique() == 1


@pytest.mark.parametrize("place", range(4))
def test_another_name_date_region_or_key_is_another_identity(place):
    one = ["Королёва", "Алёна", "Петровна", "1980-01-02"]
    other = [*one]
    other[place] = "1980-01-03" if place == 3 else "Другое"
    assert identities(persons(one, other), "khakassia", KEY).nunique() == 2
    assert not identities(persons(one), "altai", KEY).equals(
        identities(persons(one), "khakassia", KEY)
    )
    assert not identities(persons(one), "khakassia", b"x").equals(
        identities(persons(one), "khakassia", KEY)
    )


def test_no_identity_without_surname_given_name_or_birth():
    frame = persons(
        (None, "Анна", "П", "1980-01-02"),
        ("—", "Анна", "П", "1980-01-02"),
        ("Ли", None, "П", "1980-01-02"),
        ("Ли", "Анна", "П", None),
        ("Ли", "Анна", None, "1980-01-02"),
    )
    assert identities(frame, "khakassia", KEY).isna().tolist() == [True] * 4 + [False]


def test_a_dash_is_an_empty_patronymic():
    assert normalise(pd.Series(["—", "-", " "], dtype="str")).tolist() == ["", "", ""]


def test_intake_joins_spellings_across_sheets(sender, books):
    books["abakan.xlsx"]["Результаты"][1][:2] = ["КОРОЛЕВА", "Алена"]
    assert sender.take_in(books).held_out == 0


# --- keys -----------------------------------------------------------------------------------------


def test_key_of_a_demonstration_is_fixed_and_public(sender, books, monkeypatch):
    monkeypatch.setenv("NMC_KEY", str(sender.root / "inside.key"))
    assert key_for(sender.edition) == DEMONSTRATION_KEY
    assert hashlib.sha256(DEMONSTRATION_KEY).hexdigest()[:16] == "50732a7cb710815f"


@pytest.mark.skipif(os.name != "posix", reason="file modes are of POSIX")
def test_key_of_submitted_records_is_made_once_for_the_owner_alone(
    sender, monkeypatch, tmp_path_factory
):
    config = tmp_path_factory.mktemp("config")
    monkeypatch.delenv("NMC_KEY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config))
    monkeypatch.setattr("sys.platform", "linux")

    key = key_for(sender.submitted())
    path = config / "nmc" / "khakassia.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(key) == 32 and key != DEMONSTRATION_KEY
    assert key_for(sender.submitted()) == key


def test_key_inside_the_data_root_is_refused(sender, monkeypatch):
    monkeypatch.setenv("NMC_KEY", str(sender.root / "validated" / "my.key"))
    with pytest.raises(KeyFileError, match="внутри папки данных"):
        key_for(sender.submitted())
    assert not (sender.root / "validated").exists()


@pytest.mark.skipif(os.name != "posix", reason="file modes are of POSIX")
@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ("00" * 32, 0o640, "доступен другим пользователям"),
        ("00" * 8, 0o600, "повреждён"),
        ("не ключ", 0o600, "не читается"),
        ("", 0o600, "повреждён"),
    ],
)
def test_unsafe_or_damaged_key_is_refused(
    sender, monkeypatch, tmp_path_factory, text, mode, message
):
    path = tmp_path_factory.mktemp("keys") / "my.key"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    monkeypatch.setenv("NMC_KEY", str(path))
    with pytest.raises(KeyFileError, match=message):
        key_for(sender.submitted())


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
    ("Места работы", "G", "учитель", "Такого значения в столбце «Должность»"),
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
            row[8] = "нет"
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
    books["abakan.xlsx"]["Результаты"][1][4] = "P2"
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


def test_a_total_is_no_competence(sender, books):
    books["abakan.xlsx"]["Результаты"].append(score_row(PETROV, "Весь тест", 2))
    form, item = books["ЦНППМ.xlsx"]["Формы"], books["ЦНППМ.xlsx"]["Задания"]
    form.append([*form[1][:2], "весь тест", *form[1][3:]])
    item.append(["d", 7, 4, "Весь тест", 1, "нет"])
    result = sender.take_in(books)

    meaning = "Здесь должна быть компетенция: итог по тесту система считает сама"
    assert result.problems["meaning"].tolist() == [meaning] * 3
    assert result.held_out == 3
    assert set(load(sender.edition).scores["domain"]) == {"subject", "methodical"}


@pytest.mark.parametrize(
    ("sheet", "held"),
    [
        ("Процедуры", "«Формы» — 2, «Задания» — 3, «Результаты» — 4, «Ответы» — 3"),
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
    assert result.held_out == 3 + 4 + 3  # items, scores, answers


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
    (sender.folder / "abakan.csv").write_text("a;b", "utf-8")
    (sender.folder / "~$abakan.xlsx").write_bytes(b"lock")
    result = take_in(sender.edition, key=KEY)

    assert "повреждён" in only(result.problems, file="Сорск 2023.xlsx")["meaning"]
    assert "не книга Excel" in only(result.problems, file="abakan.csv")["meaning"]
    assert len(result.problems) == 2 and result.held_out == 0


def test_nothing_accepted_is_an_error_and_leaves_the_tables(sender, books):
    sender.take_in(books)
    before = (sender.edition.validated / "staff.parquet").read_bytes()
    with pytest.raises(IntakeError, match="не принято ни одной строки.*столбцов «Фамилия»"):
        sender.take_in({"abakan.xlsx": {"Сотрудники": [STAFF[1:], staff_row(KOROLEVA)[1:]]}})
    with pytest.raises(IntakeError, match="принимать нечего"):
        sender.take_in({})
    assert (sender.edition.validated / "staff.parquet").read_bytes() == before


def test_own_codes_are_refused_for_now(sender, books):
    sender.send(books)
    region = sender.edition.region.model_copy(update={"identity": "own_code"})
    with pytest.raises(NotImplementedError, match="identity: own_code"):
        take_in(sender.edition.model_copy(update={"region": region}))


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
            told = here["kind"].isin(["held_out", "sheet"]).any()
            assert line["held_out"] == 0 or told or result.problems["kind"].eq("table").any()
            assert line["superseded"] == here["kind"].eq("superseded").sum()
    accepted = result.conservation.groupby("table")["accepted"].sum()
    for table, n_rows in result.tables.items():
        if table != "responses":
            assert accepted[table] == n_rows == len(load(sender.edition)[table])


# --- the same bytes, and no names -----------------------------------------------------------------


def written(sender: Sender) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sender.edition.validated.iterdir()}


def written_as_text(sender: Sender) -> dict[str, str]:
    texts = {name: data.decode("utf-8", errors="ignore") for name, data in written(sender).items()}
    for name in [name for name in texts if name.endswith(".parquet")]:
        texts[name] += pd.read_parquet(sender.edition.validated / name).to_csv()
    return texts


def test_the_same_inputs_give_the_same_bytes(sender, books):
    first = sender.take_in(books)
    bytes_of_first = written(sender)
    second = take_in(sender.edition, key=KEY)
    assert written(sender) == bytes_of_first
    assert second.digest == first.digest
    beside = [path.name for path in sender.edition.validated.parent.iterdir()]
    assert beside == ["2023"]


def test_the_order_of_rows_and_files_changes_no_table(sender, books):
    sender.take_in(books)
    tables = {name: data for name, data in written(sender).items() if name[:-8] in SCHEMAS}
    assert len(tables) == len(SCHEMAS)
    for sheets in books.values():
        for rows in sheets.values():
            rows[1:] = rows[:0:-1]
    books["abakan.xlsx"], books["zeta.xlsx"] = books.pop("abaza.xlsx"), books["abakan.xlsx"]
    sender.take_in(books)
    assert {name: written(sender)[name] for name in tables} == tables


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


def test_no_name_is_in_anything_written(sender, books):
    scores = books["abakan.xlsx"]["Результаты"]
    scores.append(["Неизвестнова", "Яна", None, date(1970, 1, 1), *scores[1][4:]])
    scores[1][9] = "Сидорова"  # a name where a score belongs
    scores[2][3] = "Королёва"
    books["abaza.xlsx"]["Сотрудники"].append(staff_row(KOROLEVA, experience=3))
    books["abaza.xlsx"]["Сотрудники"][0].append("Петров-Водкин П. П.")
    result = sender.take_in(books)

    assert only(result.problems, cell="Результаты!J2")["found"] == shown.NOT_SHOWN
    for name, text in written_as_text(sender).items():
        for surname in [*SURNAMES, "Алёна", "Ильинична"]:
            assert not re.search(surname, text, re.IGNORECASE), (name, surname)
            assert normalise(pd.Series([surname], dtype="str"))[0] not in text.casefold()


FREE_TEXT = [  # file, sheet, column, a name that must not pass
    ("abaza.xlsx", "Сотрудники", 5, "Сидорова Анна Ильинична"),
    ("abaza.xlsx", "Сотрудники", 6, "сидоровой"),
    ("abakan.xlsx", "Места работы", 7, "математика (Королёва)"),
    ("abaza.xlsx", "Организации", 2, "ИП Сидорова А.И."),
    ("abaza.xlsx", "Организации", 0, "ИП Неизвестнова А. А."),
    ("ЦНППМ.xlsx", "Процедуры", 5, "по списку Сидоровой Анны"),
    ("ЦНППМ.xlsx", "Процедуры", 2, "поручила Неизвестнова Мария Петровна"),
    ("ЦНППМ.xlsx", "Формы", 7, "отчёт А. И. Сидоровой"),
    ("ЦНППМ.xlsx", "РМА", 7, "у Королёвой"),
    ("ЦНППМ.xlsx", "РМА", 12, "№ 5, Грачёв И."),
]


@pytest.mark.parametrize(("file", "sheet", "column", "value"), FREE_TEXT)
def test_a_name_in_free_text_holds_the_row_out(sender, books, file, sheet, column, value):
    books[file][sheet][1][column] = value
    result = sender.take_in(books)

    problem = only(result.problems, cell=cell_of(sheet, column), kind="held_out")
    assert "похоже, имя человека" in problem["meaning"] and problem["found"] == ""
    surname = re.search("[Сс]идоров|Королёв|Неизвестнов|Грачёв", value)[0]
    for name, text in written_as_text(sender).items():
        assert surname.casefold() not in text.casefold(), name


def cell_of(sheet: str, column: int) -> str:
    named = f"'{sheet}'" if " " in sheet else sheet
    return f"{named}!{chr(ord('A') + column)}2"


def named(value: str, own: str | None = None) -> bool:
    surnames = ["Сидорова", "Иванов", "Московский", "Волков", "Ли", "Сорока", "Александров"]
    names = Names.of(
        [pd.Series(surnames, dtype="str")],
        [pd.Series(["Анна", "Александр", "Ильинична"], dtype="str")],
    )
    surname = None if own is None else pd.Series([own], dtype="str")
    return rows_with_names(pd.Series([value], dtype="str"), surname, names).item()


@pytest.mark.parametrize(
    ("value", "own"),
    [
        ("сидоровой", "Сидорова"),
        ("Ивановым", "Иванова"),
        ("Водкина", "Петров-Водкин"),
        ("Ли", "Ли"),
        ("Сидорова, Анна", None),
        ("Сидоровой (Анне)", None),
        ("А.И. Сидорова", None),
        ("СИДОРОВА А И", None),
        ("сидорова а.и.", None),
        ("Волкова С.", None),
        ("Шульц_М.П.", None),
        ("Мария Петровна", None),
    ],
)
def test_names_are_recognised_in_any_case(value, own):
    assert named(value, own)


@pytest.mark.parametrize(
    ("value", "own"),
    [
        ("Ивановский педагогический колледж", "Иванов"),
        ("г. Иваново", "Иванов"),
        ("сорок часов", "Сорока"),
        ("прошли ли", "Ли"),
        ("СОШ им. Волкова", "Волков"),
        ("Московский государственный университет", None),
        ("Волков 12", None),
        ("Александровская СОШ", "Александров"),
        ("имени Александра Волкова", None),
        ("ХГУ им. Н. Ф. Катанова, г. Абакан", None),
        ("И.О. директора", None),
        ("Вариант А.Б.", None),
        ("Приказ от 01.02.2022 г. Абакан", None),
    ],
)
def test_titles_are_not_taken_for_names(value, own):
    assert not named(value, own)


@pytest.mark.parametrize(
    ("sheet", "column", "value", "found"),
    [
        ("Результаты", 9, "у Скоробогатовой М.", shown.NOT_SHOWN),
        ("Результаты", 9, "12 баллов", "12 баллов"),
        ("Результаты", 11, "Скоробогатова", shown.NOT_SHOWN),
        ("Результаты", 11, "1 сентября", "1 сентября"),
        ("Результаты", 8, "Скоробогатова", shown.NOT_SHOWN),
        ("Результаты", 8, "Методичские", "Методичские"),
        ("Результаты", 8, "скоробогатова м.", shown.NOT_SHOWN),
        ("Результаты", 8, "королёвой", shown.NOT_SHOWN),
        ("Результаты", 8, "пение " * 9, shown.NOT_SHOWN),
        ("Места работы", 5, "Абкан", "Абкан"),
        ("Места работы", 4, "Скоробогатова", shown.NOT_SHOWN),
        ("Места работы", 4, "999", "999"),
        ("Места работы", 8, "Анна", shown.NOT_SHOWN),
        ("Места работы", 8, "не знаю", "не знаю"),
        ("Ответы", 6, "Скоробогатова", shown.NOT_SHOWN),
    ],
)
def test_a_problem_repeats_only_what_cannot_be_a_name(sender, books, sheet, column, value, found):
    books["abakan.xlsx"][sheet][1][column] = value
    result = sender.take_in(books)
    assert only(result.problems, cell=cell_of(sheet, column), kind="held_out")["found"] == found


@pytest.mark.parametrize(
    ("title", "found"),
    [("Стаква", "Стаква"), ("Ставка Ли", "столбец L"), ("Скоробогатова", "столбец L")],
)
def test_an_unknown_header_is_repeated_only_if_it_is_a_slip(sender, books, title, found):
    for row in books["abaza.xlsx"]["Места работы"]:
        del row[9]
        row.append(title if row[0] == "Фамилия" else None)
    problems = sender.take_in(books).problems
    assert only(problems, meaning="Столбец не предусмотрен")["found"] == found


def test_a_file_named_after_a_person_goes_by_a_number(sender, books):
    real = "Абаза (прислала Скоробогатова А.А.).xlsx"
    books[real] = books.pop("abaza.xlsx")
    books[real]["Сотрудники"][1][4] = "много"
    books["Усть-Абаканский район, 01.09.2023 (2).xlsx"] = {}
    result = sender.take_in(books)

    digests = json.loads((sender.edition.validated / "sources.json").read_text("utf-8"))["files"]
    content = (sender.folder / real).read_bytes()
    label = f"файл № {sorted(digests.values()).index(hashlib.sha256(content).hexdigest()) + 1}.xlsx"
    assert digests[label] == hashlib.sha256(content).hexdigest()
    assert result.files[label] == real
    assert result.files["abakan.xlsx"] == "abakan.xlsx"
    assert "Усть-Абаканский район, 01.09.2023 (2).xlsx" in digests
    assert label in set(result.conservation["file"]) & set(result.problems["file"])
    for name, text in written_as_text(sender).items():
        assert "коробогатов" not in text, name
    assert with_real_names(f"{label}, Сотрудники!A2", result.files) == f"{real}, Сотрудники!A2"


def test_an_error_names_real_files_on_the_terminal_alone(sender):
    books = {"От Анны.xlsx": {"Сотрудники": [STAFF[1:], staff_row(KOROLEVA)[1:]]}}
    with pytest.raises(IntakeError) as caught:
        sender.take_in(books)
    assert "Анны" not in str(caught.value) and "файл № 1.xlsx" in str(caught.value)
    assert "От Анны.xlsx" in str(caught.value.on_terminal())


# --- demonstration and submitted records are never combined ---------------------------------------


def test_a_demonstration_refuses_a_workbook_without_the_mark(sender, books):
    sender.take_in(books)
    before = written(sender)
    books["abaza.xlsx"]["Пояснение"] = [["Сведения района"]]
    with pytest.raises(IntakeError, match="«abaza.xlsx» нет пометки.*origin: submitted") as caught:
        sender.take_in(books)
    assert written(sender) == before
    lines = caught.value.conservation
    assert lines["held_out"].sum() > 0 and lines["accepted"].sum() == 0


def test_a_submitted_edition_refuses_a_workbook_of_a_demonstration(sender, books):
    for file in ("abakan.xlsx", "ЦНППМ.xlsx"):
        books[file]["Пояснение"] = [["Сведения района"]]
    sender.send(books)
    with pytest.raises(IntakeError, match="в «abaza.xlsx» стоит пометка"):
        take_in(sender.submitted(), key=KEY)
    books["abaza.xlsx"]["Пояснение"] = [["Сведения района"]]
    sender.send(books)
    assert take_in(sender.submitted(), key=KEY).held_out == 0
