"""The canonical tables of an edition: their schemas, and how to load them.

One schema per table says everything that is known about it: columns, types, allowed values and,
as ``title``, the header that stands above the column in the workbooks. Intake writes these tables,
measures read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from nmc_utils.editions import Edition
from nmc_utils.terms import POSITIONS, ROLES, TABLE_TITLES, WAVES

DATE = "datetime64[us]"


class MissingTable(KeyError):
    """A measure needs a table that this edition does not have."""

    def __init__(self, table: str):
        super().__init__(table)
        self.table = table

    def __str__(self) -> str:
        return f"в издании нет таблицы «{TABLE_TITLES.get(self.table, self.table)}» ({self.table})"


def _column(dtype: str, title: str, *checks: pa.Check, nullable: bool = False) -> pa.Column:
    return pa.Column(dtype, checks=list(checks), nullable=nullable, title=title)


def _text(title: str, *, nullable: bool = False) -> pa.Column:
    return _column("str", title, pa.Check.str_length(min_value=1), nullable=nullable)


def _code(title: str, allowed: Mapping[str, str]) -> pa.Column:
    return _column("str", title, pa.Check.isin(list(allowed)))


def _date(title: str, *, nullable: bool = True) -> pa.Column:
    earliest, latest = pd.Timestamp("1920-01-01"), pd.Timestamp("2100-01-01")
    return _column(DATE, title, pa.Check.in_range(earliest, latest), nullable=nullable)


def _whole(title: str, low: int, high: int, *, nullable: bool = False) -> pa.Column:
    return _column("Int64", title, pa.Check.in_range(low, high), nullable=nullable)


def _number(title: str, low: float, high: float, *, nullable: bool = False) -> pa.Column:
    return _column("float64", title, pa.Check.in_range(low, high), nullable=nullable)


def _flag(title: str) -> pa.Column:
    return _column("bool", title)


def _table(name: str, unique: list[str], columns: dict[str, pa.Column]) -> pa.DataFrameSchema:
    title = TABLE_TITLES[name]
    return pa.DataFrameSchema(columns, unique=unique, strict=True, coerce=False, title=title)


PERSON = "Личный код"

SCHEMAS: dict[str, pa.DataFrameSchema] = {
    "staff": _table(
        "staff",
        ["person_id"],
        {
            "person_id": _text(PERSON),
            "birth_year": _whole("Год рождения", 1920, 2015),
            "experience_years": _whole("Педагогический стаж, лет", 0, 75, nullable=True),
            "education": _text("Образование", nullable=True),
            "category": _text("Квалификационная категория", nullable=True),
            "attested_on": _date("Дата аттестации"),
            "hired_on": _date("Дата приёма"),
        },
    ),
    "employment": _table(
        "employment",
        ["person_id", "organization_id", "position", "subject"],
        {
            "person_id": _text(PERSON),
            "organization_id": _text("Код организации"),
            "municipality": _text("Муниципальное образование"),
            "position": _code("Должность", POSITIONS),
            "subject": _text("Предмет", nullable=True),
            "is_main": _flag("Основное место работы"),
            "rate": _number("Ставка", 0.0, 3.0, nullable=True),
            "from_on": _date("Работает с"),
            "to_on": _date("Работает по"),
        },
    ),
    "organizations": _table(
        "organizations",
        ["organization_id"],
        {
            "organization_id": _text("Код организации"),
            "municipality": _text("Муниципальное образование"),
            "kind": _text("Вид организации", nullable=True),
            "is_low_performing": _flag("ШНОР"),
            "in_mentoring": _flag("Участвует в наставничестве"),
            "is_internship_site": _flag("Стажировочная площадка"),
            "is_innovation_site": _flag("Инновационная площадка"),
        },
    ),
    "procedures": _table(
        "procedures",
        ["procedure_id"],
        {
            "procedure_id": _text("Код процедуры"),
            "organiser": _text("Организатор", nullable=True),
            "purpose": _text("Цель", nullable=True),
            "instrument_version": _text("Версия инструментария", nullable=True),
            "approval_protocol": _text("Протокол утверждения", nullable=True),
            "selection": _text("Как отобраны участники", nullable=True),
            "comparability": _text("Сопоставимость с предыдущей", nullable=True),
        },
    ),
    "forms": _table(
        "forms",
        ["form_id", "domain"],
        {
            "form_id": _text("Код формы"),
            "procedure_id": _text("Код процедуры"),
            "domain": _text("Компетенция"),
            "subject": _text("Предметная группа", nullable=True),
            "n_items": _whole("Число заданий", 1, 500),
            "max_score": _number("Максимальный балл", 0.5, 10_000),
            "reliability": _number("Надёжность", 0, 1, nullable=True),
            "reliability_source": _text("Источник надёжности", nullable=True),
        },
    ),
    "scores": _table(
        "scores",
        ["person_id", "procedure_id", "wave", "attempt", "domain"],
        {
            "person_id": _text(PERSON),
            "procedure_id": _text("Код процедуры"),
            "wave": _code("Этап", WAVES),
            "attempt": _whole("Попытка", 1, 20),
            "form_id": _text("Код формы"),
            "domain": _text("Компетенция"),
            "raw_score": _number("Балл", 0, 10_000),
            "max_score": _number("Максимальный балл", 0.5, 10_000),
            "taken_on": _date("Дата"),
        },
    ),
    "responses": _table(
        "responses",
        ["person_id", "wave", "form_id", "item_id"],
        {
            "person_id": _text(PERSON),
            "wave": _code("Этап", WAVES),
            "form_id": _text("Код формы"),
            "item_id": _text("Код задания"),
            "score": _number("Балл за задание", 0, 100, nullable=True),
        },
    ),
    "items": _table(
        "items",
        ["form_id", "item_id"],
        {
            "item_id": _text("Код задания"),
            "form_id": _text("Код формы"),
            "position": _whole("Номер в форме", 1, 500),
            "domain": _text("Компетенция"),
            "max_score": _number("Максимальный балл", 0.5, 100),
            "is_anchor": _flag("Общее задание форм"),
        },
    ),
    "methodists": _table(
        "methodists",
        ["methodist_id", "role", "subject"],
        {
            "methodist_id": _text("Личный код методиста"),
            "role": _code("Роль в РМА", ROLES),
            "subject": _text("Предмет", nullable=True),
            "municipality": _text("Муниципальное образование", nullable=True),
            "employment_form": _text("Форма занятости", nullable=True),
            "trained_on": _date("Дата повышения квалификации"),
            "max_groups": _whole("Групп в год, не более", 0, 50, nullable=True),
            "from_on": _date("В РМА с"),
            "to_on": _date("В РМА по"),
            "act_id": _text("Приказ", nullable=True),
        },
    ),
    "aggregates": _table(
        "aggregates",
        ["procedure_id", "wave", "measure", "domain", "level", "municipality"],
        {
            "procedure_id": _text("Код процедуры", nullable=True),
            "wave": _column("str", "Этап", pa.Check.isin(list(WAVES)), nullable=True),
            "measure": _text("Что сосчитано"),
            "domain": _text("Компетенция"),
            "level": _text("Уровень", nullable=True),
            "municipality": _text("Муниципальное образование"),
            "numerator": _whole("Число", 0, 100_000_000),
            "denominator": _whole("Из общего числа", 0, 100_000_000, nullable=True),
            "as_of": _date("На дату"),
            "document": _text("Документ", nullable=True),
        },
    ),
}
#: What intake tells about its own work, each with the types of its columns. Files go by labels
#: without names of people.
#: Municipality × table: `state` is «not_sent», «returned» (rows are held out) or «accepted»;
#: `version` counts the files that were sent, `accepted` and `held_out` their rows.
STATUS = {
    "municipality": "str",
    "table": "str",
    "is_sent": "bool",
    "state": "str",
    "version": "int64",
    "accepted": "int64",
    "held_out": "int64",
}
#: A file: how it was read; in which order it came; `state` is «accepted», «returned», «unreadable»,
#: «replaced» or «skipped»; names of the municipalities of its rows; the file that replaced it.
FILES = {
    "file": "str",
    "format": "str",
    "number": "int64",
    "state": "str",
    "municipalities": "str",
    "replaced_by": "str",
}
#: A table of a file that replaced another's: rows with the same key that differ, that are only in
#: the newer file, only in the older.
DIFFERENCES = {
    "file": "str",
    "older": "str",
    "table": "str",
    "changed": "int64",
    "added": "int64",
    "removed": "int64",
}
#: A row that was held out, by its place; `municipality` is missing where nobody can tell.
HELD_ROWS = {
    "file": "str",
    "sheet": "str",
    "row": "int64",
    "table": "str",
    "municipality": "str",
    "reason": "str",
}
#: Tables that intake writes and nobody sends; `conservation` and `problems` besides the above.
OF_INTAKE = ("status", "conservation", "problems", "files", "differences", "held_rows")


#: Tables that municipalities send and what their sheets are called.
TITLES: dict[str, str] = {name: TABLE_TITLES[name] for name in SCHEMAS}


def validate(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return `frame` with its columns in canonical order, or raise pandera's ``SchemaErrors``."""
    schema = SCHEMAS[name]
    return schema.validate(frame[list(schema.columns)], lazy=True)


class Tables(Mapping[str, pd.DataFrame]):
    """The canonical tables of one edition: ``tables.scores`` or ``tables["scores"]``.

    A table that the edition does not have raises `MissingTable`, whose text names it; ask with
    ``"scores" in tables`` where doing without is an answer.
    """

    def __init__(self, frames: Mapping[str, pd.DataFrame]):
        self._frames = dict(frames)

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._frames:
            raise MissingTable(name)
        return self._frames[name]

    def __contains__(self, name: object) -> bool:
        return name in self._frames

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_") or name not in (*TABLE_TITLES, *OF_INTAKE):
            raise AttributeError(name)
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self._frames)

    def __repr__(self) -> str:
        rows = "\n".join(f"  {name}: {len(frame)}" for name, frame in self._frames.items())
        return f"Tables (строк)\n{rows}"


def load(edition: Edition) -> Tables:
    """Read the validated tables of `edition`, and the facts published by its region.

    Raises
    ------
    FileNotFoundError
        Intake has not accepted anything for this edition yet.
    """
    folder: Path = edition.validated
    frames = {
        name: pd.read_parquet(folder / f"{name}.parquet")
        for name in (*SCHEMAS, *OF_INTAKE)
        if (folder / f"{name}.parquet").exists()
    }
    if frames.keys().isdisjoint(SCHEMAS):
        raise FileNotFoundError(
            f"{edition}: принятых таблиц нет. "
            f"Выполните: nmc check {edition.region.code} {edition.period}"
        )
    return Tables(frames | {"published": edition.published_facts})
