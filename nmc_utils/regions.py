"""A region: its municipalities, competences, levels and cuts, indicators with targets, documents.

Everything particular to a region stands in its ``region.yaml`` and ``published.csv``; nothing in
code knows a region's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Self

import pandas as pd
from pydantic import Field, field_validator, model_validator

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
from nmc_utils.demonstration_sizes import Demonstration
from nmc_utils.indicator_definitions import NUMBERS_OF, UNITS, Indicator, uncountable
from nmc_utils.populations import Count, Library, Named, Rows, choice, coded, library, taken
from nmc_utils.published import STATED, read_published
from nmc_utils.seminar_settings import Seminars
from nmc_utils.terms import COUNTS, TOTAL, WHOLE_TEST, WORST


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
    populations: dict[Code, Named] = {}
    conditions: dict[Code, Named] = {}
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
    def _countable(self) -> Self:
        """Every count is of what exists, and is in the unit that its place needs."""
        own = Library.model_construct(populations=self.populations, conditions=self.conditions)
        if wrong := next(taken(own), None):
            raise misplaced(*wrong)
        for home, rows in self._descriptions():
            if wrong := next(self._unknown_codes(rows), None):
                raise misplaced((*home, *wrong[0]), wrong[1])
        for place, indicator in enumerate(self.indicators):
            for number, variant in enumerate(indicator.variants):
                home = ("indicators", place, "variants", number)
                if wrong := next(uncountable(variant, indicator.unit, self.library), None):
                    raise misplaced((*home, *wrong[0]), wrong[1])
        return self

    def _descriptions(self) -> Iterator[tuple[Location, Rows | Count]]:
        """What the region itself says of rows to be counted, and where."""
        for part in ("populations", "conditions"):
            yield from (((part, name), one) for name, one in getattr(self, part).items())
        for place, indicator in enumerate(self.indicators):
            for number, variant in enumerate(indicator.variants):
                for name in ("numerator", "denominator"):
                    if (quantity := getattr(variant, name)) and quantity.count:
                        home = ("indicators", place, "variants", number, name, "count")
                        yield home, quantity.count

    def _unknown_codes(self, rows: Rows | Count) -> Iterator[tuple[Location, str]]:
        """Municipalities and subjects that the region does not have: no row could be of them."""
        for column, what, known in (
            ("municipality", "муниципального образования", tuple(self.municipality_names)),
            ("subject", "предмета", tuple(self.family_of_subject)),
        ):
            for location, value in coded(rows, column):
                if value not in known:
                    yield location, f"нет {what} «{value}»; {choice(str(value), known)}"

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
    def library(self) -> Library:
        """Populations and conditions that counts may name: the common ones and the region's."""
        return library(
            Library.model_construct(populations=self.populations, conditions=self.conditions)
        )

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
    wrong = next(_wrong_metrics(region, stated), None) or next(_wrong_units(region, facts), None)
    if wrong:
        raise refusal(home / "region.yaml", *wrong)
    return facts


def _wrong_units(region: Region, facts: pd.DataFrame) -> Iterator[tuple[Location, str]]:
    """Where an indicator needs another unit than its published fact has, and how."""
    told = facts[facts["kind"].isin(STATED)]
    units = {metric: set(rows["unit"]) for metric, rows in told.groupby("metric")}
    for place, indicator in enumerate(region.indicators):
        home: Location = ("indicators", place)
        own = UNITS[indicator.unit]
        if other := units.get(indicator.metric, set()) - {own}:
            yield (*home, "metric"), _unit_words(indicator.metric, other, (own,))
        for number, variant in enumerate(indicator.variants):
            allowed = NUMBERS_OF if variant.denominator else (own,)
            of_parts = set()
            for name in ("numerator", "denominator"):
                part = getattr(variant, name)
                given = units.get(part.metric, set()) if part else set()
                of_parts |= given
                if other := given - set(allowed):
                    location = (*home, "variants", number, name, "metric")
                    yield location, _unit_words(part.metric, other, allowed)
            if indicator.unit == "share" and len(of_parts) > 1:
                words = " и ".join(f"«{unit}»" for unit in sorted(of_parts))
                yield (
                    (*home, "variants", number, "denominator", "metric"),
                    f"числитель и знаменатель доли опубликованы в разных единицах: {words}",
                )


def _unit_words(metric: str | None, other: set[str], allowed: tuple[str, ...]) -> str:
    given = " и ".join(f"«{unit}»" for unit in sorted(other))
    needed = " или ".join(f"«{unit}»" for unit in allowed)
    return f"«{metric}» опубликован в единице {given}, а показателю нужна {needed}"


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
