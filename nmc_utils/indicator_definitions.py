"""The definition of an indicator in ``region.yaml``: targets, and the ways to compute it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from nmc_utils.definitions import Code, Definition, Location, misplaced, unique
from nmc_utils.populations import Count, Library
from nmc_utils.terms import COUNTED

#: How the documents write the unit of an indicator.
UNITS = {"share": "%", "persons": "чел.", "count": "ед.", "yes_no": "да/нет"}
NUMBERS_OF = ("чел.", "ед.")  #: units of what stands above or below a line
OWN_VALUE = "published"  #: the `variant` of a value that a document gives as the indicator itself
_PERSONS = {"person_id", "methodist_id"}  #: keys of persons


class Quantity(Definition):
    """A numerator or denominator: a published metric, a count of records, or both apart."""

    label: str
    metric: str | None = None
    count: Count | None = None

    @model_validator(mode="after")
    def _given(self) -> Self:
        if self.metric is None and self.count is None:
            raise ValueError("нужно хотя бы одно: metric или count")
        return self


class Variant(Definition):
    """One way in which the documents allow an indicator to be computed."""

    code: Code
    name: str
    numerator: Quantity
    denominator: Quantity | None = None


def _years(raw: Any) -> Any:
    if isinstance(raw, dict) and "year" in raw and not {"first_year", "last_year"} & raw.keys():
        raw = dict(raw)
        year = raw.pop("year")
        return {**raw, "first_year": year, "last_year": year}
    return raw


#: StrictInt, because otherwise `true` would be the year 1.
Year = Annotated[int, Field(strict=True, ge=2000, le=2099)]


def _not_text(value: object) -> object:
    """Refuse a number in quotes: it is text, and nobody sees that it was read as a number."""
    if isinstance(value, str):
        raise ValueError(f"«{value}» — текст; число или true, false пишут без кавычек")
    return value


class Target(Definition):
    """A target for one calendar year (`year`), for each year of a span, or without a date.

    The last is said (`undated`), so that a forgotten year is not taken for it.
    """

    first_year: Year | None = None
    last_year: Year | None = None
    undated: bool = False
    value: Annotated[float | bool, BeforeValidator(_not_text)]
    document: str
    section: str

    @model_validator(mode="after")
    def _span(self) -> Self:
        if (self.first_year is None) != (self.last_year is None):
            raise ValueError("first_year и last_year указывают вместе или не указывают вовсе")
        if (self.first_year is None) != self.undated:
            raise ValueError(
                "срок плана: year, first_year и last_year или, если в документе срока нет, "
                "undated: true; указано должно быть одно"
            )
        if self.first_year is not None and self.first_year > self.last_year:
            raise ValueError(f"first_year {self.first_year} позже last_year {self.last_year}")
        return self


class Indicator(Definition):
    """The definition of an indicator; its passport is made of this.

    `direction` is missing where no document gives one, `comparator` where there is no target;
    `population` is whose indicator it is by the document; `note` explains the indicator; `caveat`
    is short and stands beside every judgement of it; `not_judged` says why no value of it can be
    compared with the target; `closed_by` says what would give a number where no sheet and no metric
    does.
    """

    id: Code
    name: str
    direction: str | None = None
    unit: Literal["share", "persons", "count", "yes_no"]
    comparator: Literal[">=", "<=", "exists"] | None = None
    formula_origin: Literal["документ", "расчёт системы"]
    responsible: str | None = None
    population: str | None = None
    metric: str | None = None
    targets: tuple[Annotated[Target, BeforeValidator(_years)], ...] = ()
    variants: tuple[Variant, ...] = ()
    note: str | None = None
    caveat: str | None = None
    not_judged: str | None = None
    closed_by: str | None = None

    @model_validator(mode="after")
    def _comparable(self) -> Self:
        if self.targets and self.comparator is None:
            raise ValueError("к targets нужен comparator: >=, <= или exists")
        if self.comparator and (self.comparator == "exists") != (self.unit == "yes_no"):
            raise misplaced(
                ("comparator",),
                f"«{self.comparator}» не подходит к единице {self.unit}; допустимо: "
                f"{'exists' if self.unit == 'yes_no' else '>=, <='}",
            )
        for place, target in enumerate(self.targets):
            if wrong := _wrong_value(target.value, self.unit):
                raise misplaced(("targets", place, "value"), wrong)
            if wrong := _taken_years(target, self.targets[:place]):
                raise misplaced(("targets", place), wrong)
        return self

    @field_validator("variants")
    @classmethod
    def _own_codes(cls, variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
        unique(variants, "code")
        for place, variant in enumerate(variants):
            if variant.code == OWN_VALUE:
                raise misplaced(
                    (place, "code"),
                    f"«{OWN_VALUE}» занято: так называется число, которое документ приводит сам; "
                    "назовите вариант иначе",
                )
        return variants


def _taken_years(target: Target, others: tuple[Target, ...]) -> str | None:
    """Say that an indicator has a target for the same years already; None where it has not."""
    for other in others:
        if target.undated and other.undated:
            return "план без срока уже есть; оставьте один"
        if target.undated or other.undated:
            continue
        first = max(target.first_year, other.first_year)
        if first <= min(target.last_year, other.last_year):
            return f"план на {first} год уже есть; оставьте один"
    return None


def _wrong_value(value: float | bool, unit: str) -> str | None:
    """Say why a target cannot be of this unit; None where it can."""
    if unit == "yes_no":
        fits, allowed = isinstance(value, bool), "true, false"
    elif unit == "share":
        fits = not isinstance(value, bool) and 0 < value <= 1
        allowed = "доля больше 0 и не больше 1 (30 % — это 0.30)"
    else:
        fits, allowed = not isinstance(value, bool) and value >= 0, "число не меньше 0"
    shown = str(value).lower() if isinstance(value, bool) else f"{value:g}"
    return None if fits else f"«{shown}» не в единице {unit}; допустимо: {allowed}"


def uncountable(variant: Variant, unit: str, known: Library) -> Iterator[tuple[Location, str]]:
    """Where the counts of a variant name what is not there, or count another thing, and how."""
    keys = {}
    for name in ("numerator", "denominator"):
        part = getattr(variant, name)
        if part and part.count:
            for location, words in part.count.mistakes(known):
                yield (name, "count", *location), words
                return
            keys[name] = COUNTED[part.count.rows(known)[0].table]
    counted = set(keys.values())
    if unit == "share" and variant.denominator is None:
        yield (), "доле нужен denominator"
    elif unit == "share" and len(counted) > 1:
        things = " и ".join(f"{name} — по {key}" for name, key in keys.items())
        yield ("denominator", "count"), f"числитель и знаменатель доли считают разное: {things}"
    elif unit == "share" and _is_not_part(variant, known):
        yield (
            ("denominator", "count"),
            "числитель доли — не часть знаменателя: нужны та же таблица или то же население, все "
            "условия знаменателя (who, where, has) и, может быть, ещё другие",
        )
    elif variant.denominator is None and unit in ("persons", "count") and keys:
        fits = "persons" if counted <= _PERSONS else "count"
        if fits != unit:
            key = keys["numerator"]
            words = f"единица показателя {unit}, а счёт идёт по {key}; допустимо: unit: {fits}"
            yield ("numerator", "count"), words


def _is_not_part(variant: Variant, known: Library) -> bool:
    parts = variant.numerator.count, variant.denominator.count
    return all(parts) and not parts[0].narrows(parts[1], known)
