"""Named rows of the canonical tables, of which a count is composed without Python.

The library is ``populations.yaml``; a region adds its own. A description that no row could ever
meet is refused where it stands: it would count as zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import ValidationError, model_validator

from nmc_utils.definitions import (
    Code,
    Definition,
    Location,
    misplaced,
    problems,
    read_definition,
    reason,
)
from nmc_utils.tables import SCHEMAS
from nmc_utils.terms import COUNTED

LIBRARY = Path(__file__).with_name("populations.yaml")
#: Columns that tie a row of one table to rows of another.
KEYS = (
    *("person_id", "organization_id", "programme_id", "event_id", "route_id"),
    *("methodist_id", "act_id"),
)
AS_OF = "as_of"  #: in `by`: the day of the edition
#: Age at the end of the year of the edition's day: only the year of birth is known.
AGE = "age"
#: Last day of the year that a measure of the roadmap is due in, by the documents or, where they do
#: not list it, as it was sent; a yearly one without a last year is due in the year of the edition.
DUE = "due_by"
#: Columns that a description may name besides those of a table: what tells them.
DERIVED = {"staff": {AGE: "birth_year"}, "roadmap": {DUE: "due"}}
#: Tables whose rows are about persons' development: what is counted of them is not public.
OF_PERSONS = frozenset(
    {"routes", "route_measures", "completions", "mentoring", "support", "attendance"}
)
_OF_RESULTS = frozenset({"procedures", "forms", "scores", "responses", "items", "aggregates"})
#: Tables that a description may rest on.
TABLES = tuple(name for name in SCHEMAS if name not in _OF_RESULTS)
_NUMBERS = ("whole", "number")
_KINDS = {"bool": "flag", "Int64": "whole", "float64": "number"}
_FITTING = {
    "flag": "true, false",
    "whole": "целое число или пары below, at_most, at_least, above",
    "number": "пары below, at_most, at_least, above",
    "date": "{within: period}, {by: as_of}, {by: столбец связанной строки} или {given: true}",
    "text": "текст",
}


class Comparison(Definition):
    """What a cell is compared with besides equality; several hold together.

    `within` the period of the edition and not after its day; `by` its day (``as_of``) at the
    latest, or a date of the row that asks for this one with `has`; `given` says whether the cell is
    filled.
    """

    below: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    above: float | None = None
    given: bool | None = None
    within: Literal["period"] | None = None
    by: str | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.given is False and (self.is_of_numbers or self.is_of_dates):
            raise ValueError("пустая ячейка (given: false) ни с чем не сравнивается")
        least = max(_known(self.at_least, self.above), default=None)
        most = min(_known(self.at_most, self.below), default=None)
        if least is not None and most is not None:
            is_open = least == self.above or most == self.below
            if least > most or (least == most and is_open):
                raise ValueError("сравнения противоречат друг другу: такого числа нет")
        return self

    @property
    def linked(self) -> str | None:
        """Column of the asking row that a date is compared with."""
        return None if self.by == AS_OF else self.by

    @property
    def is_of_numbers(self) -> bool:
        """Whether it compares numbers."""
        return {self.below, self.at_most, self.at_least, self.above} != {None}

    @property
    def is_of_dates(self) -> bool:
        """Whether it compares dates."""
        return bool(self.within or self.by)


class Rows(Definition):
    """Rows of a canonical table.

    `where` gives for a column a value, a list of values or a `Comparison`; of several such sets in
    `any_of` one at least must hold; `has` asks for a row of another table with the same key.
    """

    table: str
    where: dict[str, Any] = {}
    any_of: tuple[dict[str, Any], ...] = ()
    has: Rows | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if wrong := next(self._mistakes(), None):
            raise misplaced(*wrong)
        return self

    def _mistakes(self) -> Iterator[tuple[Location, str]]:
        if self.table not in TABLES:
            yield ("table",), f"таблицы «{self.table}» нет; {choice(self.table, TABLES)}"
            return
        for column, value in self.where.items():
            if wrong := _mistake(self.table, column, value):
                yield ("where", column), wrong
        for place, one in enumerate(self.any_of):
            for column, value in one.items():
                if wrong := _mistake(self.table, column, value):
                    yield ("any_of", place, column), wrong
                elif isinstance(test := _read(value), Comparison) and test.linked:
                    yield ("any_of", place, column), f"в any_of бывает только by: {AS_OF}"
        if self.has and not key_of(self.table, self.has.table):
            yield (
                ("has", "table"),
                f"таблицы {self.table} и {self.has.table} не связаны: общих ключей "
                f"({', '.join(KEYS)}) у них нет",
            )
        dates = tuple(name for name in _columns(self.table) if kind_of(self.table, name) == "date")
        for column, asked in (self.has.linked if self.has else {}).items():
            if asked not in dates:
                known = choice(asked, (AS_OF, *dates))
                words = f"столбца «{asked}» с датой в таблице {self.table} нет; {known}"
                yield ("has", "where", column), words

    def _unlinked(self) -> Iterator[tuple[Location, str]]:
        """Columns compared with a row that asks for this one, where none does."""
        for column, asked in self.linked.items():
            yield (
                ("where", column),
                f"by: {asked} бывает только в has, где есть связанная строка; здесь: {AS_OF}",
            )

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables it rests on, its own first."""
        return (self.table, *(self.has.tables if self.has else ()))

    @property
    def tests(self) -> Mapping[str, Any]:
        """Column → value, list of values or `Comparison`."""
        return _tests(self.where)

    @property
    def choices(self) -> tuple[Mapping[str, Any], ...]:
        """Of each set of `any_of` the tests."""
        return tuple(_tests(one) for one in self.any_of)

    @property
    def linked(self) -> Mapping[str, str]:
        """Column → the column of the asking row that it is compared with."""
        tests = self.tests.items()
        return {
            column: test.linked
            for column, test in tests
            if isinstance(test, Comparison) and test.linked
        }

    def narrows(self, other: Rows) -> bool:
        """Whether its rows are surely among those of another description."""
        if self.table != other.table or other.has not in (None, self.has):
            return False
        if other.any_of and self.any_of != other.any_of:
            return False
        return all(
            column in self.where and _is_within(self.where[column], value)
            for column, value in other.where.items()
        )


class Named(Rows):
    """Rows with a name: a population, or a condition on the rows of the same table."""

    label: str

    @model_validator(mode="after")
    def _stands_alone(self) -> Self:
        if wrong := next(self._unlinked(), None):
            raise misplaced(*wrong)
        return self


class Library(Definition):
    """Populations and conditions by their codes."""

    populations: dict[Code, Named] = {}
    conditions: dict[Code, Named] = {}


class Count(Definition):
    """How many there are of a table's rows or of a population, persons and organisations once.

    `who` are conditions that hold together. Either `table`, with `where` and `has`, or
    `population` is given.
    """

    table: str | None = None
    where: dict[str, Any] = {}
    has: Rows | None = None
    population: str | None = None
    who: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.table is None) == (self.population is None):
            raise ValueError("нужно одно из двух: table или population")
        if self.population and (self.where or self.has):
            raise ValueError("where и has бывают при table; к population — условия who")
        if self.table and self.table not in COUNTED:
            raise misplaced(
                ("table",),
                f"«{self.table}» не подходит; допустимо: {', '.join(COUNTED)}, потому что "
                "остальные таблицы — о результатах отдельных людей или не считаются по одному",
            )
        if self.table:
            own = self._own()
            if wrong := next(own._mistakes(), None) or next(own._unlinked(), None):
                raise misplaced(*wrong)
        return self

    def _own(self) -> Rows:
        return Rows.model_construct(table=self.table, where=self.where, has=self.has, any_of=())

    def rows(self, library: Library) -> tuple[Rows, ...]:
        """Descriptions that hold together, all of one table."""
        first = library.populations[self.population] if self.population else self._own()
        return (first, *(library.conditions[name] for name in self.who))

    def narrows(self, other: Count, library: Library) -> bool:
        """Whether what it counts is surely among what another count counts."""
        mine = self.rows(library)
        return all(any(one.narrows(part) for one in mine) for part in other.rows(library))

    def label(self, library: Library) -> str | None:
        """What the named parts say together; None where nothing is named."""
        named = [part.label for part in self.rows(library) if isinstance(part, Named)]
        return ", ".join(named) or None

    def mistakes(self, library: Library) -> Iterator[tuple[Location, str]]:
        """Names that the library does not have, conditions of another table, and where."""
        if self.population and self.population not in library.populations:
            known = tuple(library.populations)
            words = f"населения «{self.population}» нет; {choice(self.population, known)}"
            yield ("population",), words
            return
        table = library.populations[self.population].table if self.population else self.table
        for place, name in enumerate(self.who):
            if name not in library.conditions:
                yield (
                    ("who", place),
                    f"условия «{name}» нет; {choice(name, tuple(library.conditions))}",
                )
            elif library.conditions[name].table != table:
                own = [code for code, one in library.conditions.items() if one.table == table]
                yield (
                    ("who", place),
                    f"условие «{name}» — о таблице {library.conditions[name].table}, а считаются "
                    f"строки {table}; для неё есть: {', '.join(own) or 'ни одного'}",
                )


def library(own: Library) -> Library:
    """Return the packaged populations and conditions with those of a region added."""
    packaged = _packaged()
    return Library.model_construct(
        populations=packaged.populations | own.populations,
        conditions=packaged.conditions | own.conditions,
    )


def taken(own: Library) -> Iterator[tuple[Location, str]]:
    """Names of a region that the packaged library already has, and where."""
    for part in ("populations", "conditions"):
        for name in getattr(own, part):
            if name in getattr(_packaged(), part):
                yield (part, name), f"«{name}» уже есть среди общих; назовите своё иначе"


@lru_cache(maxsize=1)
def _packaged() -> Library:
    return read_definition(LIBRARY, Library)


def key_of(table: str, other: str) -> str | None:
    """Return the column that ties two tables; None where there is none."""
    shared = SCHEMAS[table].columns.keys() & SCHEMAS[other].columns.keys()
    return next((key for key in KEYS if key in shared), None)


def heading(table: str, column: str) -> str:
    """Return what a workbook calls a column, or the one that tells it."""
    return SCHEMAS[table].columns[DERIVED.get(table, {}).get(column, column)].title


def choice(word: str, known: tuple[str, ...]) -> str:
    """List what exists, with the nearest to a word that does not."""
    near = get_close_matches(word, known, n=1)
    like = f"похоже на «{near[0]}»; " if near else ""
    return f"{like}есть: {', '.join(known) or 'ни одного'}"


def coded(rows: Rows | Count, column: str) -> Iterator[tuple[Location, str]]:
    """Values that a description gives for a column, in it or in what it asks for, and where."""
    if column in rows.where and not isinstance(value := rows.where[column], dict):
        for one in value if isinstance(value, list | tuple) else [value]:
            yield ("where", column), one
    if rows.has:
        yield from ((("has", *place), one) for place, one in coded(rows.has, column))


# --- what a column can hold ---------------------------------------------------------------------


def _known(*limits: float | None) -> list[float]:
    return [limit for limit in limits if limit is not None]


def _read(value: Any) -> Any:
    return Comparison.model_validate(value) if isinstance(value, dict) else value


def _tests(where: Mapping[str, Any]) -> dict[str, Any]:
    return {column: _read(value) for column, value in where.items()}


def _is_within(value: Any, other: Any) -> bool:
    """Whether every value that meets a test meets another one."""
    if isinstance(value, dict) or isinstance(other, dict):
        return value == other
    mine, others = ([one] if not isinstance(one, list | tuple) else one for one in (value, other))
    return all(one in others for one in mine)


def _columns(table: str) -> tuple[str, ...]:
    return (*SCHEMAS[table].columns, *DERIVED.get(table, {}))


def kind_of(table: str, column: str) -> str:
    """Return what a column holds: ``flag``, ``whole``, ``number``, ``date`` or ``text``."""
    if column in (AGE, DUE):
        return "whole" if column == AGE else "date"
    dtype = str(SCHEMAS[table].columns[column].dtype)
    return "date" if dtype.startswith("datetime") else _KINDS.get(dtype, "text")


def _codes(table: str, column: str) -> tuple[str, ...]:
    checks = SCHEMAS[table].columns[column].checks if column in SCHEMAS[table].columns else ()
    given = [check.statistics.get("allowed_values") for check in checks]
    return tuple(next((codes for codes in given if codes), ()))


def _mistake(table: str, column: str, value: Any) -> str | None:
    if column not in _columns(table):
        return f"столбца «{column}» в таблице {table} нет; {choice(column, _columns(table))}"
    kind, codes = kind_of(table, column), _codes(table, column)
    if isinstance(value, dict):
        return _wrong_test(value, kind)
    values = value if isinstance(value, list | tuple) else [value]
    for one in values:
        if codes and one not in codes:
            return f"«{one}» не подходит; допустимо: {', '.join(codes)}"
        if not _fits(one, kind):
            shown = str(one).lower() if isinstance(one, bool) else one
            return f"«{shown}» не подходит; допустимо: {_FITTING[kind]}"
    return None if values else "список пуст; нужно хотя бы одно значение"


def _fits(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "flag"
    return isinstance(value, int) and kind == "whole" or isinstance(value, str) and kind == "text"


def _wrong_test(value: dict[str, Any], kind: str) -> str | None:
    try:
        test = Comparison.model_validate(value)
    except ValidationError as error:
        place, problem = next(problems(error))
        if problem["type"] == "extra_forbidden":
            known = tuple(Comparison.model_fields)
            return f"сравнения «{place[-1]}» нет; {choice(str(place[-1]), known)}"
        return ": ".join([*map(str, place[-1:]), reason([problem])])
    if test == Comparison():
        return f"сравнение пусто; допустимо: {', '.join(Comparison.model_fields)}"
    if (test.is_of_numbers and kind not in _NUMBERS) or (test.is_of_dates and kind != "date"):
        return f"такое сравнение не подходит; допустимо: {_FITTING[kind]}"
    return None
