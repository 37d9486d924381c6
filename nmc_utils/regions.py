"""A region: its municipalities, competences, levels and cuts, indicators with targets, documents.

Everything particular to a region stands in its ``region.yaml`` and ``published.csv``; nothing in
code knows a region's name.
"""

from __future__ import annotations

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
from nmc_utils.seminar_settings import Seminars
from nmc_utils.terms import CODED, COUNTED, COUNTS, TOTAL, WHOLE_TEST, WORST


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
    """One of the ordered levels of a result, from the lowest; the last has no upper cut.

    `name` stands alone («результат ≤ 60 %»), `having` after a person («с результатом ≤ 60 %»);
    `note` explains a name that can be misread and always stands beside it. `route` is what the
    document offers at this level.
    """

    code: Code
    name: str
    having: str
    note: str | None = None
    up_to: float | None = Field(default=None, gt=0, lt=1)
    route: str | None = None

    @property
    def label(self) -> str:
        """The name with its note, as a heading has it."""
        return self._noted(self.name)

    @property
    def words(self) -> str:
        """The level as a sentence has it after «прошедшие» or «доля»."""
        return self._noted(self.having)

    def _noted(self, text: str) -> str:
        return f"{text} ({self.note})" if self.note else text


class Retest(Definition):
    """Correlation of two testings between which nothing was done, and where it is from."""

    domain: str
    correlation: float = Field(gt=0, lt=1)
    source: str


class Diagnostics(Definition):
    """Levels of a result, what they are cut by, and the routes that follow.

    `cut_basis` says whether the levels are of the whole test or of a competence: with ``domain`` a
    person's level is that of the lowest competence. Without `document` no document gives the cuts:
    the region has configured them, and that is shown. `routes` are those that a document names
    without saying which level they belong to. `retests` serve the comparison of entry and exit:
    unlike alpha they count what another day brings. A level is unsure where the chance of lying
    at or below a cut is within `borderline`.
    """

    cut_basis: Literal["total", "domain"]
    cut_basis_note: str
    levels: tuple[Level, ...] = Field(min_length=2)
    document: str | None = None
    section: str | None = None
    routes: tuple[str, ...] = ()
    routes_note: str | None = None
    retests: tuple[Retest, ...] = ()
    borderline: tuple[float, float] = (0.2, 0.8)

    @field_validator("levels")
    @classmethod
    def _own_codes(cls, levels: tuple[Level, ...]) -> tuple[Level, ...]:
        for name in ("code", "name", "having"):
            unique(levels, name)
        return levels

    @field_validator("retests")
    @classmethod
    def _one_each(cls, retests: tuple[Retest, ...]) -> tuple[Retest, ...]:
        unique(retests, "domain")
        return retests

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        cuts = [level.up_to for level in self.levels]
        if cuts[-1] is not None or None in cuts[:-1]:
            raise ValueError("up_to нужен у каждого уровня, кроме последнего")
        if cuts[:-1] != sorted(set(cuts[:-1])):
            raise ValueError("уровни идут от низшего к высшему, up_to возрастает")
        return self

    @field_validator("borderline")
    @classmethod
    def _chances(cls, borderline: tuple[float, float]) -> tuple[float, float]:
        if not 0 < borderline[0] < borderline[1] < 1:
            raise ValueError("borderline — два числа между 0 и 1, первое меньше: [0.2, 0.8]")
        return borderline

    @model_validator(mode="after")
    def _routed(self) -> Self:
        given = [level.route is not None for level in self.levels]
        if any(given) and not all(given):
            raise ValueError("route нужен либо у каждого уровня, либо ни у одного")
        if any(given) and self.routes:
            raise ValueError("routes — маршруты без уровня: уберите их или route у уровней")
        if self.routes and not self.routes_note:
            raise ValueError("к routes нужна routes_note: почему маршруты не отнесены к уровням")
        if (self.document is None) != (self.section is None):
            raise ValueError("document и section указывают вместе или не указывают вовсе")
        return self

    @property
    def cuts(self) -> dict[str, float]:
        """Level → upper bound as a share of the maximum; 1 for the highest level."""
        return {level.code: level.up_to or 1.0 for level in self.levels}

    def retest_of(self, domain: str) -> float | None:
        """Correlation of a retest in a competence or in the whole test, if it is known."""
        return {entry.domain: entry.correlation for entry in self.retests}.get(domain)

    @property
    def deficit_cut(self) -> float:
        """The lowest cut: a result at or below it is a deficit."""
        return next(iter(self.cuts.values()))

    @property
    def lowest(self) -> Level:
        """The level at or below the lowest cut."""
        return self.levels[0]

    @property
    def result_domain(self) -> str:
        """The `domain` whose level is the document's result of a person."""
        return TOTAL if self.cut_basis == "total" else WORST


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
    """A target for one calendar year (`year`), for each year of a span, or without a date."""

    first_year: int | None = None
    last_year: int | None = None
    value: float | bool
    document: str
    section: str

    @model_validator(mode="after")
    def _span(self) -> Self:
        if (self.first_year is None) != (self.last_year is None):
            raise ValueError("first_year и last_year указывают вместе или не указывают вовсе")
        if self.first_year is not None and self.first_year > self.last_year:
            raise ValueError(f"first_year {self.first_year} позже last_year {self.last_year}")
        return self


class Indicator(Definition):
    """The definition of an indicator; its passport is made of this.

    `direction` is missing where no document gives one, `comparator` where there is no target;
    `note` explains the indicator; `caveat` is short and stands beside every judgement of it.
    """

    id: Code
    name: str
    direction: str | None = None
    unit: Literal["share", "persons", "count", "yes_no"]
    comparator: Literal[">=", "<=", "exists"] | None = None
    formula_origin: Literal["документ", "расчёт системы"]
    responsible: str | None = None
    metric: str | None = None
    targets: tuple[Annotated[Target, BeforeValidator(_years)], ...] = ()
    variants: tuple[Variant, ...] = ()
    note: str | None = None
    caveat: str | None = None

    @model_validator(mode="after")
    def _comparable(self) -> Self:
        if self.targets and self.comparator is None:
            raise ValueError("к targets нужен comparator: >=, <= или exists")
        return self

    @field_validator("variants")
    @classmethod
    def _own_codes(cls, variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
        unique(variants, "code")
        return variants


class CountedProcedure(Definition):
    """A procedure of which a demonstration sends counts alone: how many were tested, and where."""

    code: Code
    organiser: str
    purpose: str
    tested: int = Field(gt=0)


class Demonstration(Definition):
    """Sizes of one demonstration edition; `notes` name the published fact behind each.

    With `totals_only` scores are sent for the whole test alone. Without `methodists` no РМА is
    sent. `counted` are further procedures, sent as counts. Sites that no document counts are a
    share of the organisations.
    """

    as_of: date
    staff: int = Field(gt=0)
    organizations: int = Field(gt=0)
    tested: int = Field(gt=0)
    items_per_domain: int = Field(gt=0)
    item_responses: bool
    totals_only: bool = False
    low_performing: int = Field(ge=0)
    mentoring: int = Field(ge=0)
    internship_sites: int | None = Field(default=None, ge=0)
    innovation_sites: int | None = Field(default=None, ge=0)
    methodists: dict[str, int] = {}
    counted: tuple[CountedProcedure, ...] = ()
    notes: str

    @model_validator(mode="after")
    def _sendable(self) -> Self:
        if self.totals_only and self.item_responses:
            raise ValueError("totals_only и item_responses вместе невозможны")
        return self


class Retention(Definition):
    """How long what leads back to people may be kept after the end of a period, and by what."""

    months: int = Field(gt=0, le=1200)
    basis: str = Field(min_length=1)


class Region(Definition):
    """Everything that is particular to one region.

    `unpublished_metrics` are those that indicators ask for and no document gives. Without
    `retention` nothing is ever purged.
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
    retention: Retention | None = None
    seminars: Seminars = Seminars()

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
        used: list[tuple[Location, str]] = []
        if self.diagnostics.document:
            used.append((("diagnostics",), self.diagnostics.document))
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

    @model_validator(mode="after")
    def _known_retests(self) -> Self:
        known = [TOTAL, *(domain.code for domain in self.domains)]
        for place, retest in enumerate(self.diagnostics.retests):
            if retest.domain not in known:
                raise misplaced(
                    ("diagnostics", "retests", place, "domain"),
                    f"«{retest.domain}» — не компетенция региона; есть: {', '.join(known)}",
                )
        return self

    @model_validator(mode="after")
    def _known_to_seminars(self) -> Self:
        self.seminars.check(self.family_names, self.municipality_names, len(self.domains))
        return self

    @model_validator(mode="after")
    def _own_labels(self) -> Self:
        """In a workbook a label must name one metric."""
        metrics = {word.casefold(): code for code, word in COUNTS.items()}
        for label, metric in self._labels():
            if (other := metrics.setdefault(label.casefold(), metric)) != metric:
                raise ValueError(
                    f"«{label}» называет и {other}, и {metric}: "
                    "у разных величин должны быть разные label"
                )
        return self

    @property
    def domain_names(self) -> dict[str, str]:
        """Code of a domain → its name, with the whole test and the lowest competence first."""
        worst = {WORST: "Низшая из компетенций"} if self.diagnostics.result_domain == WORST else {}
        return {TOTAL: WHOLE_TEST} | worst | self.competence_names

    @property
    def competence_names(self) -> dict[str, str]:
        """Code of a domain → its name, of the competences alone."""
        return {domain.code: domain.name for domain in self.domains}

    @property
    def cut_source(self) -> str:
        """Where the cuts come from, beginning with «порог»."""
        if self.diagnostics.document is None:
            return "порог не установлен документом, задан в определении региона"
        document = self.document(self.diagnostics.document)
        return f"порог: {document.short}, {self.diagnostics.section}"

    @property
    def rule_words(self) -> str:
        """By what rule a result has its level, after «результат»."""
        has_document = self.diagnostics.document is not None
        return "по правилу документа" if has_document else "по заданному порогу"

    @property
    def counted_words(self) -> dict[str, str]:
        """How a workbook calls what a region may count itself → its code."""
        return {word: code for code, word in COUNTS.items()} | dict(self._labels())

    def _labels(self) -> Iterator[tuple[str, str]]:
        """Label and metric of every quantity of an indicator that has a metric."""
        for indicator in self.indicators:
            for variant in indicator.variants:
                for part in filter(None, (variant.numerator, variant.denominator)):
                    if part.metric:
                        yield part.label, part.metric

    @property
    def municipality_names(self) -> dict[str, str]:
        """Code of a municipality → its name, in the official order."""
        return {entry.code: entry.name for entry in self.municipalities}

    @property
    def family_names(self) -> dict[str, str]:
        """Code of a subject family → its name."""
        return {family.code: family.name for family in self.families}

    @property
    def group_families(self) -> dict[str, str]:
        """Code of a family that a seminar group can be of → its name: subject and joint ones."""
        return self.family_names | self.seminars.joint_names

    @property
    def family_of_subject(self) -> dict[str, str]:
        """Subject as written in the workbooks → code of its family."""
        return {subject: family.code for family in self.families for subject in family.subjects}

    def document(self, document_id: str) -> Document:
        """Return the document with this id."""
        return next(entry for entry in self.documents if entry.id == document_id)


# --- reading ------------------------------------------------------------------------------------


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
            like = f"; похоже на «{near[0]}»" if near else ""
            yield (
                location,
                f"«{metric}» нет в published.csv среди фактов вида {' или '.join(STATED)} "
                f"и нет в unpublished_metrics{like}; внесите его в одно из двух "
                "или уберите показатель",
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
