"""Small workbooks as municipalities send them, and who takes them in: for the tests of intake."""

from __future__ import annotations

import shutil
from datetime import date
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter
import yaml

from nmc_utils.editions import Edition, edition
from nmc_utils.intake import take_in
from nmc_utils.terms import DEMONSTRATION

KHAKASSIA = Path(__file__).parents[1] / "data" / "regions" / "khakassia" / "region.yaml"
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
    "ШНОР: адресное сопровождение с",
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

AGGREGATES = [
    "Код процедуры",
    "Этап",
    "Что сосчитано",
    "Компетенция",
    "Уровень",
    "Муниципальное образование",
    "Число",
    "Из общего числа",
    "На дату",
    "Документ",
]


def staff_row(person: list, experience: int = 12) -> list:
    return [*person, experience, "высшее", "первая", date(2022, 5, 20), date(2010, 9, 1)]


def work_row(person: list, organization: str | int, municipality: str, is_main: str = "да") -> list:
    where = [organization, municipality, "педагог", "Математика", is_main]
    return [*person, *where, 1.5, date(2010, 9, 1), None]


def score_row(person: list, domain: str, raw: float, wave: str = "входная") -> list:
    return [*person, "P1", wave, 1, "7", domain, raw, 2, date(2023, 4, 1)]


def count_row(
    procedure: str | None,
    measure: str | None,
    numerator: object,
    denominator: object = None,
    *,
    wave: str | None = None,
    domain: str | None = None,
    level: str | None = None,
    place: str | None = "весь регион",
    document: str | None = "Мониторинг РС НМС, 2023 год",
) -> list:
    row = [procedure, wave, measure, domain, level, place, numerator, denominator]
    return [*row, date(2023, 12, 1), document]


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
                ["007", "Абакан", "школа", "нет", "да", "нет", "нет", None],
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
            "Организации": [ORGANIZATIONS, [12, "Абаза", "школа", "да", "нет", "да", "нет", None]],
            "Результаты": [SCORES, score_row(SIDOROVA, "Предметные", 2, "выходная")],
            "Ответы": [answers, [*SIDOROVA, "выходная", 7, 0, 0, 0]],
        },
        "ЦНППМ.xlsx": {
            "Процедуры": [
                PROCEDURES,
                ["P1", "ЦНППМ", "цель", "1", None, "по записи", None],
                ["P2", "ФИОКО", None, None, None, None, None],
            ],
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
            "Сводные числа": [
                AGGREGATES,
                count_row("P2", "прошли диагностику", 40, 100),
                count_row("P2", "получили результат уровня", 9, 40, level="результат ≤ 60 %"),
                count_row(None, "стажировочные площадки", 7, place="Абаза"),
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
        home = root / "regions" / defined.region.code
        home.mkdir(parents=True)
        for name in ("region.yaml", "published.csv"):
            shutil.copy(defined.root / "regions" / defined.region.code / name, home / name)
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
    return _defined(tmp_path_factory.mktemp("defined"), KHAKASSIA.read_text("utf-8"))


def _defined(root: Path, definition: str) -> Edition:
    home = root / "regions" / "khakassia"
    (home / "2023").mkdir(parents=True)
    (home / "region.yaml").write_text(definition, "utf-8")
    shutil.copy(KHAKASSIA.with_name("published.csv"), home / "published.csv")
    (home / "2023" / "edition.yaml").write_text(ABOUT, "utf-8")
    return edition("khakassia", "2023", root)


#: Levels as a region words them that has more than two; no document gives the cuts.
LEVELS = [
    {"code": "low", "name": "низкий уровень", "having": "с низким уровнем", "up_to": 0.4},
    {"code": "middle", "name": "средний уровень", "having": "со средним уровнем", "up_to": 0.7},
    {"code": "high", "name": "высокий уровень", "having": "с высоким уровнем", "note": "ВУ"},
]


@pytest.fixture(scope="session")
def defined_small(tmp_path_factory) -> Edition:
    """Four municipalities and three levels; one metric stands in two indicators by two labels."""
    region = yaml.safe_load(KHAKASSIA.read_text("utf-8"))
    region["municipalities"] = region["municipalities"][:4]
    region["diagnostics"]["levels"] = LEVELS
    for indicator in region["indicators"]:
        if indicator["id"] == "horizontal_learning_share":
            indicator["variants"][0]["denominator"]["label"] = "все работники региона"
    definition = yaml.safe_dump(region, allow_unicode=True, sort_keys=False)
    return _defined(tmp_path_factory.mktemp("small"), definition)


@pytest.fixture
def small(tmp_path, defined_small):
    return Sender(tmp_path, defined_small)


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


def written(sender: Sender) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sender.edition.validated.iterdir()}


def written_as_text(sender: Sender) -> dict[str, str]:
    texts = {name: data.decode("utf-8", errors="ignore") for name, data in written(sender).items()}
    for name in [name for name in texts if name.endswith(".parquet")]:
        texts[name] += pd.read_parquet(sender.edition.validated / name).to_csv()
    return texts


def cell_of(sheet: str, column: int) -> str:
    named = f"'{sheet}'" if " " in sheet else sheet
    return f"{named}!{chr(ord('A') + column)}2"
