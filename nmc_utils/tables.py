"""The canonical tables of an edition: their schemas, and how to load them.

One schema per table says everything that is known about it: columns, types, allowed values and,
as ``title``, the header that stands above the column in the workbooks. Intake writes these tables,
measures read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pandera.pandas as pa

from nmc_utils.terms import (
    ADDRESSEES,
    AGREEMENT_KINDS,
    DIRECTIONS,
    EVENT_KINDS,
    LEVELS,
    MENTORING_FORMS,
    POSITIONS,
    PROGRAMME_BASES,
    PROGRESS,
    REGISTRY_KINDS,
    ROLES,
    ROUTE_KINDS,
    ROUTE_LEVELS,
    STAGES,
    TABLE_TITLES,
    WAVES,
)

if TYPE_CHECKING:  # editions rest on regions, and those on the schemas
    from nmc_utils.editions import Edition

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
            "supported_on": _date("ШНОР: адресное сопровождение с"),
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
    "routes": _table(
        "routes",
        ["route_id"],
        {
            "route_id": _text("Номер ИОМ"),
            "person_id": _text(PERSON),
            "kind": _code("Вид ИОМ", ROUTE_KINDS),
            "opened_on": _date("Составлен", nullable=False),
            "due_on": _date("Срок выполнения"),
            "agreed_by_organization_on": _date("Согласован администрацией ОО"),
            "agreed_by_methodist_on": _date("Согласован методистом"),
            "audited_on": _date("Методический аудит"),
            "closed_on": _date("Завершён"),
            "status": _code("Ход ИОМ", STAGES),
            "methodist_id": _text("Методист", nullable=True),
        },
    ),
    "route_measures": _table(
        "route_measures",
        ["route_id", "level", "title"],
        {
            "route_id": _text("Номер ИОМ"),
            "level": _code("Уровень реализации", ROUTE_LEVELS),
            "title": _text("Мероприятие"),
            "event_id": _text("Код мероприятия", nullable=True),
            "domain": _text("Компетенция", nullable=True),
            "from_on": _date("Начало"),
            "to_on": _date("Окончание"),
            "result_form": _text("Форма представления результата", nullable=True),
            "is_done": _flag("Выполнено"),
        },
    ),
    "programmes": _table(
        "programmes",
        ["programme_id"],
        {
            "programme_id": _text("Код программы"),
            "title": _text("Название программы"),
            "topic": _text("Тема", nullable=True),
            "provider": _text("Кто проводит", nullable=True),
            "base": _code("На базе", PROGRAMME_BASES),
            "position": _code("Для кого", POSITIONS),
            "hours": _whole("Часов", 1, 2_000, nullable=True),
            "expertise_on": _date("Направлена на экспертизу"),
            "registry_on": _date("В Федеральном реестре с"),
        },
    ),
    "completions": _table(
        "completions",
        ["person_id", "programme_id", "finished_on"],
        {
            "person_id": _text(PERSON),
            "programme_id": _text("Код программы"),
            "finished_on": _date("Окончил программу", nullable=False),
            "chosen_after_diagnostics": _flag("Подобрана по диагностике"),
        },
    ),
    "teams": _table(
        "teams",
        ["organization_id"],
        {
            "organization_id": _text("Код организации"),
            "trained_on": _date("Команда повысила квалификацию"),
            "programme_id": _text("Код программы", nullable=True),
        },
    ),
    "mentoring": _table(
        "mentoring",
        ["mentoring_id"],
        {
            "mentoring_id": _text("Номер пары"),
            "form": _code("Форма наставничества", MENTORING_FORMS),
            "mentor_organization_id": _text("Организация наставника"),
            "mentee_organization_id": _text("Организация наставляемого"),
            "mentor_id": _text("Наставник", nullable=True),
            "mentee_id": _text("Наставляемый", nullable=True),
            "curator_id": _text("Куратор", nullable=True),
            "tutor_id": _text("Региональный тьютор", nullable=True),
            "from_on": _date("Работают с", nullable=False),
            "to_on": _date("Работают по"),
            "status": _code("Ход наставничества", STAGES),
        },
    ),
    "support": _table(
        "support",
        ["person_id", "form", "given_on"],
        {
            "person_id": _text(PERSON),
            "form": _text("Форма поддержки"),
            "given_on": _date("Дата поддержки", nullable=False),
        },
    ),
    "events": _table(
        "events",
        ["event_id"],
        {
            "event_id": _text("Код мероприятия"),
            "title": _text("Название мероприятия"),
            "kind": _code("Вид мероприятия", EVENT_KINDS),
            "level": _code("Уровень мероприятия", LEVELS),
            "direction": _code("Направление работы", DIRECTIONS),
            "domain": _text("Компетенция", nullable=True),
            "subject": _text("Предмет", nullable=True),
            "municipality": _text("Муниципальное образование", nullable=True),
            "held_on": _date("Дата проведения"),
            "participants": _whole("Участников", 0, 1_000_000, nullable=True),
            "works": _whole("Работ на конкурс", 0, 100_000, nullable=True),
            "leader_id": _text("Ведущий", nullable=True),
        },
    ),
    "attendance": _table(
        "attendance",
        ["person_id", "event_id"],
        {"person_id": _text(PERSON), "event_id": _text("Код мероприятия")},
    ),
    "agreements": _table(
        "agreements",
        ["agreement_id"],
        {
            "agreement_id": _text("Номер соглашения"),
            "kind": _code("Вид соглашения", AGREEMENT_KINDS),
            "parties": _text("Стороны"),
            "municipality": _text("Муниципальное образование", nullable=True),
            "signed_on": _date("Подписано"),
            "ends_on": _date("Действует по"),
        },
    ),
    "acts": _table(
        "acts",
        ["act_id", "issued_on"],
        {
            "act_id": _text("Номер акта"),
            "issued_on": _date("Дата акта"),
            "title": _text("Название акта"),
            "replaces": _text("Взамен", nullable=True),
            "ends_on": _date("Утратил силу"),
        },
    ),
    "registries": _table(
        "registries",
        ["kind", "entry_id"],
        {
            "kind": _code("Реестр", REGISTRY_KINDS),
            "entry_id": _text("Номер записи"),
            "title": _text("Что внесено", nullable=True),
            "organization_id": _text("Код организации", nullable=True),
            "municipality": _text("Муниципальное образование", nullable=True),
            "since_on": _date("В реестре с"),
            "to_on": _date("В реестре по"),
            "holder_id": _text("Кто внесён", nullable=True),
        },
    ),
    "roadmap": _table(
        "roadmap",
        ["measure_id"],
        {
            "measure_id": _text("Код меры"),
            "direction": _text("Направление", nullable=True),
            "group": _text("Системообразующее мероприятие", nullable=True),
            "measure": _text("Мера", nullable=True),
            "responsible": _text("Ответственный", nullable=True),
            "co_executor": _text("Соисполнитель", nullable=True),
            "due": _text("Срок меры", nullable=True),
            "expected_result": _text("Ожидаемый результат", nullable=True),
            "status": _code("Ход меры", PROGRESS),
            "done_on": _date("Выполнена"),
            "result": _text("Результат меры", nullable=True),
            "evidence": _text("Подтверждение", nullable=True),
        },
    ),
    "recommendations": _table(
        "recommendations",
        ["recommendation_id"],
        {
            "recommendation_id": _text("Номер рекомендации"),
            "addressee": _code("Кому", ADDRESSEES),
            "municipality": _text("Муниципальное образование", nullable=True),
            "text": _text("Рекомендация"),
            "from_period": _text("Из справки за", nullable=True),
            "due_on": _date("Срок рекомендации"),
            "status": _code("Ход рекомендации", PROGRESS),
            "done_on": _date("Исполнена"),
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
