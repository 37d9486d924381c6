"""Region, Period, Edition: who, where, which competences, which cuts, which targets.

Everything particular to a region stands in its ``region.yaml`` and ``published.csv``; nothing in
code knows a region's name.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pandas as pd
from pydantic import BeforeValidator, Field, field_validator, model_validator

from nmc_utils.definitions import (
    Code,
    Definition,
    DefinitionError,
    Location,
    misplaced,
    read_definition,
    refusal,
    unique,
)
from nmc_utils.published import STATED, read_published

TOTAL = "total"  #: the `domain` of the whole test and the `municipality` of the whole region
UNSTATED = "unstated"  #: the `municipality` or `family` of who has none in the tables


#: Stands on everything that is made from simulated records.
DEMONSTRATION = "Демонстрационные данные: не сведения о регионе"


#: Canonical tables and what the workbooks call them.
TABLE_TITLES = {
    "staff": "Сотрудники",
    "employment": "Места работы",
    "organizations": "Организации",
    "procedures": "Процедуры",
    "forms": "Формы",
    "scores": "Результаты",
    "responses": "Ответы",
    "items": "Задания",
    "methodists": "РМА",
    "published": "Опубликованные факты",
}
#: Words of a workbook for the codes of a column, where the two differ.
WAVES = {"entry": "входная", "exit": "выходная"}
ROLES = {
    "curator": "куратор",
    "head": "руководитель",
    "tutor": "тьютор ЦНППМ",
    "coordinator": "координатор в муниципальном образовании",
    "methodist": "региональный методист",
}
POSITIONS = {"teacher": "педагог", "manager": "руководитель"}
CODED: dict[str, dict[str, str]] = {"wave": WAVES, "role": ROLES, "position": POSITIONS}
#: Tables of open resources, which an indicator may count, and the key of what is counted once.
COUNTED = {
    "staff": "person_id",
    "employment": "person_id",
    "organizations": "organization_id",
    "methodists": "methodist_id",
}


# --- period -------------------------------------------------------------------------------------

_PERIOD = re.compile(r"(?P<year>20\d\d)(?:-(?P<next>20\d\d)|-q(?P<quarter>[1-4]))?")
_KINDS = {"calendar_year": "календарный год", "academic_year": "учебный год", "quarter": "квартал"}


class Period(Definition):
    """A calendar year ``2023``, an academic year ``2022-2023`` or a quarter ``2023-q2``."""

    text: str
    kind: Literal["calendar_year", "academic_year", "quarter"]
    starts_on: date
    ends_on: date

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read a period as written on the command line; ValueError says what is allowed."""
        found = _PERIOD.fullmatch(text)
        year = int(found["year"]) if found else 0
        if not found or (found["next"] and int(found["next"]) != year + 1):
            raise ValueError(
                f"период «{text}» не распознан; допустимо: 2023 (календарный год), "
                "2022-2023 (учебный год), 2023-q2 (квартал)"
            )
        if found["next"]:
            kind, first, last = "academic_year", date(year, 9, 1), date(year + 1, 8, 31)
        elif found["quarter"]:
            kind = "quarter"
            quarter = pd.Period(f"{year}Q{found['quarter']}")
            first, last = quarter.start_time.date(), quarter.end_time.date()
        else:
            kind, first, last = "calendar_year", date(year, 1, 1), date(year, 12, 31)
        return cls(text=text, kind=kind, starts_on=first, ends_on=last)

    @property
    def year(self) -> int:
        """The year in which the period ends."""
        return self.ends_on.year

    @property
    def label(self) -> str:
        """The period in words, e.g. «2023 год»."""
        if self.kind == "academic_year":
            return f"{self.starts_on.year}/{self.year} учебный год"
        if self.kind == "quarter":
            return f"{self.text[-1]} квартал {self.year} года"
        return f"{self.year} год"

    def __str__(self) -> str:
        return self.text


# --- region -------------------------------------------------------------------------------------


class Municipality(Definition):
    """A municipality in the official order of the region.

    `relative_size` is used by the demonstration alone.
    """

    code: Code
    name: str
    kind: str
    relative_size: float | None = Field(default=None, gt=0)


class Domain(Definition):
    """A competence that the diagnostics measure; `block` is how a sentence calls it.

    The items of a domain `by_family` are particular to a subject family; those of the others come
    from one bank for everyone.
    """

    code: Code
    name: str
    block: str
    by_family: bool = False


class Family(Definition):
    """Subjects whose teachers can share a seminar group and a test form."""

    code: Code
    name: str
    subjects: tuple[str, ...]
    position: Literal["teacher", "manager"] = "teacher"


class Level(Definition):
    """One of the ordered levels of a result, from the lowest; the last has no upper cut."""

    code: Code
    name: str
    up_to: float | None = Field(default=None, gt=0, lt=1)
    route: str | None = None


class Diagnostics(Definition):
    """Levels of a result and whether the document sets them for the whole test or a domain."""

    cut_basis: Literal["total", "domain"]
    cut_basis_note: str
    levels: tuple[Level, ...] = Field(min_length=2)
    document: str
    section: str

    @field_validator("levels")
    @classmethod
    def _own_codes(cls, levels: tuple[Level, ...]) -> tuple[Level, ...]:
        unique(levels, "code")
        return levels

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        cuts = [level.up_to for level in self.levels]
        if cuts[-1] is not None or None in cuts[:-1]:
            raise ValueError("up_to нужен у каждого уровня, кроме последнего")
        if cuts[:-1] != sorted(set(cuts[:-1])):
            raise ValueError("уровни идут от низшего к высшему, up_to возрастает")
        return self

    @property
    def cuts(self) -> dict[str, float]:
        """Level → upper bound as a share of the maximum; 1 for the highest level."""
        return {level.code: level.up_to or 1.0 for level in self.levels}

    @property
    def deficit_cut(self) -> float:
        """The lowest cut: a result at or below it is a deficit."""
        return next(iter(self.cuts.values()))


class Document(Definition):
    """A document of the region that facts, cuts and targets refer to."""

    id: Code
    short: str
    title: str
    number: str | None = None
    dated: date | None = None


class Count(Definition):
    """Rows of a canonical table, by equality of columns; persons are counted once.

    Indicators are published openly, so only tables of resources can be counted, not results.
    """

    table: str
    where: dict[str, str | bool | int] = {}

    @field_validator("table")
    @classmethod
    def _open(cls, table: str) -> str:
        if table not in COUNTED:
            raise ValueError(
                f"«{table}» не подходит; допустимо: {', '.join(COUNTED)}, потому что показатели "
                "открыты, а остальные таблицы — о результатах отдельных людей"
            )
        return table

    @field_validator("where")
    @classmethod
    def _coded(cls, where: dict[str, Any]) -> dict[str, Any]:
        for column, value in where.items():
            if column in CODED and value not in CODED[column]:
                allowed = ", ".join(CODED[column])
                raise misplaced((column,), f"«{value}» не подходит; допустимо: {allowed}")
        return where


class Quantity(Definition):
    """A numerator or denominator: a published metric, a count of records, or both apart."""

    label: str
    metric: str | None = None
    count: Count | None = None


class Variant(Definition):
    """One way in which the documents allow an indicator to be computed."""

    code: Code
    name: str
    numerator: Quantity
    denominator: Quantity | None = None


def _years(raw: Any) -> Any:
    if isinstance(raw, dict) and "year" in raw:
        raw = dict(raw)
        year = raw.pop("year")
        return {**raw, "first_year": year, "last_year": year}
    return raw


class Target(Definition):
    """A target for one calendar year (`year`) or for each year of a span."""

    first_year: int
    last_year: int
    value: float | bool
    document: str
    section: str


class Indicator(Definition):
    """The definition of an indicator; its passport is made of this.

    `direction` is missing where no document gives one; `note` explains the indicator; `caveat` is
    short and stands beside every judgement of it.
    """

    id: Code
    name: str
    direction: str | None = None
    unit: Literal["share", "persons", "count", "yes_no"]
    comparator: Literal[">=", "<=", "exists"]
    formula_origin: Literal["документ", "расчёт системы"]
    responsible: str | None = None
    metric: str | None = None
    targets: tuple[Annotated[Target, BeforeValidator(_years)], ...] = ()
    variants: tuple[Variant, ...] = ()
    note: str | None = None
    caveat: str | None = None

    @field_validator("variants")
    @classmethod
    def _own_codes(cls, variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
        unique(variants, "code")
        return variants


class Demonstration(Definition):
    """Sizes of one demonstration edition; `notes` name the published fact behind each."""

    as_of: date
    staff: int = Field(gt=0)
    organizations: int = Field(gt=0)
    tested: int = Field(gt=0)
    items_per_domain: int = Field(gt=0)
    item_responses: bool
    low_performing: int = Field(ge=0)
    mentoring: int = Field(ge=0)
    methodists: dict[str, int]
    notes: str


class Region(Definition):
    """Everything that is particular to one region.

    `unpublished_metrics` are those that indicators ask for and no document gives.
    """

    code: Code
    name: str
    name_genitive: str
    center: str
    identity: Literal["name_and_birth", "own_code"]
    municipalities: tuple[Municipality, ...] = Field(min_length=1)
    domains: tuple[Domain, ...] = Field(min_length=1, max_length=20)
    families: tuple[Family, ...] = Field(min_length=1)
    diagnostics: Diagnostics
    documents: tuple[Document, ...]
    indicators: tuple[Indicator, ...]
    unpublished_metrics: tuple[Code, ...] = ()
    demonstration: dict[str, Demonstration] = {}

    @field_validator("municipalities", "domains", "families")
    @classmethod
    def _own_codes(cls, entries: tuple[Any, ...]) -> tuple[Any, ...]:
        unique(entries, "code")
        return entries

    @field_validator("documents", "indicators")
    @classmethod
    def _own_ids(cls, entries: tuple[Any, ...]) -> tuple[Any, ...]:
        unique(entries, "id")
        return entries

    @model_validator(mode="after")
    def _documents(self) -> Self:
        known = [document.id for document in self.documents]
        used: list[tuple[Location, str]] = [(("diagnostics",), self.diagnostics.document)]
        for place, indicator in enumerate(self.indicators):
            used += [
                (("indicators", place, "targets", number), target.document)
                for number, target in enumerate(indicator.targets)
            ]
        for location, document in used:
            if document not in known:
                raise misplaced(
                    (*location, "document"),
                    f"нет документа «{document}»; есть: {', '.join(known) or 'ни одного'}",
                )
        return self

    @property
    def domain_names(self) -> dict[str, str]:
        """Code of a domain → its name, with the whole test first."""
        return {TOTAL: "Весь тест"} | {domain.code: domain.name for domain in self.domains}

    @property
    def municipality_names(self) -> dict[str, str]:
        """Code of a municipality → its name, in the official order."""
        return {entry.code: entry.name for entry in self.municipalities}

    @property
    def family_names(self) -> dict[str, str]:
        """Code of a subject family → its name."""
        return {family.code: family.name for family in self.families}

    @property
    def family_of_subject(self) -> dict[str, str]:
        """Subject as written in the workbooks → code of its family."""
        return {subject: family.code for family in self.families for subject in family.subjects}

    def document(self, document_id: str) -> Document:
        """Return the document with this id."""
        return next(entry for entry in self.documents if entry.id == document_id)


# --- edition ------------------------------------------------------------------------------------


class EditionFile(Definition):
    """``edition.yaml``: what is known about an edition besides the region's definition."""

    origin: Literal["demonstration", "submitted"]
    period_kind: Literal["calendar_year", "academic_year", "quarter"]
    as_of: date
    status: Literal["draft"] = "draft"


class Edition(Definition):
    """One region in one period, under one data root. Nothing can be changed in it."""

    region: Region
    period: Period
    origin: Literal["demonstration", "submitted"]
    as_of: date
    status: str
    root: Path

    @property
    def key(self) -> str:
        """``region/period``, the name of the edition in results and addresses."""
        return f"{self.region.code}/{self.period}"

    @property
    def is_demonstration(self) -> bool:
        """Whether the records are simulated."""
        return self.origin == "demonstration"

    @property
    def mark(self) -> str:
        """What must stand on everything made from the edition; nothing for real records."""
        return DEMONSTRATION if self.is_demonstration else ""

    @property
    def digest(self) -> str:
        """Digest of what results depend on: region, period, origin and date."""
        return hashlib.sha256(self.model_dump_json(exclude={"root", "status"}).encode()).hexdigest()

    @property
    def sent(self) -> Path:
        """Folder of what municipalities sent."""
        return self.root / "regions" / self.region.code / self.period.text

    @property
    def validated(self) -> Path:
        """Folder of the canonical tables."""
        return self.root / "validated" / self.region.code / self.period.text

    @property
    def published_facts(self) -> pd.DataFrame:
        """Facts published by the region, all periods: the `published` table."""
        return read_facts(self.root, self.region)

    def keyed(self, table: pd.DataFrame) -> pd.DataFrame:
        """Put the keys `region` and `period` of this edition before the columns of `table`."""
        keys = pd.DataFrame(
            {"region": self.region.code, "period": self.period.text}, index=table.index
        )
        return pd.concat([keys, table.drop(columns=list(keys), errors="ignore")], axis=1)

    def __str__(self) -> str:
        return f"{self.region.name}, {self.period.label}"

    def __repr__(self) -> str:
        return f"Edition({self.key}, {self.origin}, {self.as_of})"

    def _repr_markdown_(self) -> str:
        about = f"**{self}** · данные на {self.as_of:%d.%m.%Y}"
        return f"{about}\n\n> {self.mark}" if self.mark else about


def data_root(path: str | Path | None = None) -> Path:
    """Return the data root: `path`, else ``NMC_DATA``, else ``data/`` of the checkout."""
    checkout = Path(__file__).resolve().parents[1] / "data"
    root = Path(path or os.environ.get("NMC_DATA") or checkout).expanduser().resolve()
    if not (root / "regions").is_dir():
        raise DefinitionError(
            f"{root}: здесь нет папки regions с определениями регионов. "
            f"Укажите папку данных (--data или NMC_DATA) или создайте её: nmc init {root}"
        )
    return root


def region_codes(root: Path) -> list[str]:
    """Codes of the regions defined under `root`."""
    return sorted(path.parent.name for path in (root / "regions").glob("*/region.yaml"))


def read_region(root: Path, code: str) -> Region:
    """Read and check ``region.yaml`` of one region."""
    path = root / "regions" / code / "region.yaml"
    if not path.is_file():
        known = ", ".join(region_codes(root)) or "ни одного"
        raise DefinitionError(f"регион «{code}» не определён в {root / 'regions'}; есть: {known}")
    region = read_definition(path, Region)
    if region.code != code:
        raise DefinitionError(
            f"{path}, ключ code: «{region.code}» не совпадает с именем папки «{code}»"
        )
    return region


def read_facts(root: Path, region: Region) -> pd.DataFrame:
    """Read ``published.csv`` of a region and check it against ``region.yaml``, and that against it.

    Raises
    ------
    DefinitionError
        A fact is wrong or of an unknown document, or an indicator asks for a metric that is
        neither published nor listed as unpublished.
    """
    home = root / "regions" / region.code
    documents = [document.id for document in region.documents]
    facts = read_published(home / "published.csv", documents)
    stated = set(facts.loc[facts["kind"].isin(STATED), "metric"])
    if wrong := next(_wrong_metrics(region, stated), None):
        raise refusal(home / "region.yaml", *wrong)
    return facts


def _wrong_metrics(region: Region, stated: set[str]) -> Iterator[tuple[Location, str]]:
    """Where ``region.yaml`` and the metrics of the published facts disagree, and how."""
    used = dict(_metrics(region))
    known = stated.union(region.unpublished_metrics)
    for location, metric in used.items():
        if metric not in known:
            near = get_close_matches(metric, sorted(known), n=1)
            yield (
                location,
                f"«{metric}» нет в published.csv среди фактов вида {' или '.join(STATED)} "
                f"и нет в unpublished_metrics{f'; похоже на «{near[0]}»' if near else ''}",
            )
    for place, metric in enumerate(region.unpublished_metrics):
        location = ("unpublished_metrics", place)
        if metric in stated:
            yield location, f"«{metric}» опубликован: он есть в published.csv; уберите его отсюда"
        elif metric not in used.values():
            yield location, f"«{metric}» не нужен ни одному показателю; уберите его отсюда"


def _metrics(region: Region) -> Iterator[tuple[Location, str]]:
    """Every metric that an indicator asks for, and where."""
    for place, indicator in enumerate(region.indicators):
        home: Location = ("indicators", place)
        if indicator.metric:
            yield (*home, "metric"), indicator.metric
        for number, variant in enumerate(indicator.variants):
            for name in ("numerator", "denominator"):
                part = getattr(variant, name)
                if part and part.metric:
                    yield (*home, "variants", number, name, "metric"), part.metric


def edition(region: str, period: str | int, data: str | Path | None = None) -> Edition:
    """Return the edition of `region` in `period` (``"2023"``, ``"2022-2023"``, ``"2023-q2"``).

    Raises
    ------
    DefinitionError
        The region or the edition is not defined, or a definition file is wrong.
    """
    root = data_root(data)
    definition = read_region(root, region)
    parsed = Period.parse(str(period))
    path = root / "regions" / region / parsed.text / "edition.yaml"
    if not path.is_file():
        found = (root / "regions" / region).glob("*/edition.yaml")
        known = ", ".join(sorted(entry.parent.name for entry in found)) or "ни одного"
        raise DefinitionError(
            f"{definition.name}: нет издания за период {parsed} ({path}); есть: {known}"
        )
    about = read_definition(path, EditionFile)
    if about.period_kind != parsed.kind:
        raise DefinitionError(
            f"{path}, ключ period_kind: «{about.period_kind}», а папка «{parsed}» — это "
            f"{_KINDS[parsed.kind]} ({parsed.kind})"
        )
    read_facts(root, definition)  # what is wrong with them is told here, not in a notebook
    return Edition(
        region=definition,
        period=parsed,
        origin=about.origin,
        as_of=about.as_of,
        status=about.status,
        root=root,
    )


def edition_keys(root: Path, region: str = "*") -> list[str]:
    """``region/period`` of the editions that have a folder under `root`; nothing is read."""
    found = sorted((root / "regions").glob(f"{region}/*/edition.yaml"))
    return ["/".join(path.parts[-3:-1]) for path in found]


def editions(root: Path) -> list[Edition]:
    """All editions under `root`, by region and period."""
    return [edition(*key.split("/"), root) for key in edition_keys(root)]
