"""Period and Edition: which region, when, of what origin, under which data root."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from pydantic import Field, StrictBool, field_validator

from nmc_utils.definitions import (
    Definition,
    DefinitionError,
    Location,
    misplaced,
    read_definition,
    refusal,
    unique,
)
from nmc_utils.indicator_definitions import Indicator, Target
from nmc_utils.regions import Region, read_facts, read_region
from nmc_utils.system import System, read_system
from nmc_utils.terms import DEMONSTRATION

# --- period -------------------------------------------------------------------------------------

_PERIOD = re.compile(r"(?P<year>20\d\d)(?:-(?P<next>20\d\d)|-q(?P<quarter>[1-4]))?")
KINDS = {
    "calendar_year": "календарный год",
    "academic_year": "учебный год",
    "quarter": "квартал",
    "cumulative": "с начала года нарастающим итогом",
}
ORIGINS = {"demonstration": "демонстрация", "submitted": "присланные данные"}
#: In place of a region's code: all regions of a period side by side (`country`).
RUN_INPUTS = "NMC_RUN_INPUTS"  #: tables of a run's editions as they were when it began
COUNTRY = "_country"
#: Number of a run: ten digits of the digest of its inputs and an ordinal.
RUN = re.compile(r"[0-9a-f]{10}-[1-9][0-9]*")
#: How long after its period the data of an edition may still be brought up to date.
LATEST = timedelta(days=366)
_Kind = Literal["calendar_year", "academic_year", "quarter", "cumulative"]


class Period(Definition):
    """A calendar year ``2023``, an academic year ``2022-2023`` or a quarter ``2023-q2``."""

    text: str
    kind: _Kind
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
        if self.kind == "cumulative":
            return f"{self.year} год, с начала по {self.text[-1]} квартал"
        return f"{self.year} год"

    def of_kind(self, kind: str) -> Period:
        """Return the period in the sense of `kind`: quarters may be counted from the new year.

        Raises
        ------
        ValueError
            The period cannot be of this kind.
        """
        if kind == self.kind:
            return self
        if (kind, self.kind) == ("cumulative", "quarter"):
            begun = {"kind": kind, "starts_on": date(self.year, 1, 1)}
            return self.model_copy(update=begun)
        allowed = [self.kind, *(["cumulative"] if self.kind == "quarter" else [])]
        raise ValueError(
            f"«{kind}», а период «{self}» — это {KINDS[self.kind]}; допустимо: {', '.join(allowed)}"
        )

    def __str__(self) -> str:
        return self.text


# --- edition ------------------------------------------------------------------------------------


class Collection(Definition):
    """How the data of an edition are collected.

    `responsible` says by the code of a municipality which office sends its data: an office, not a
    person.
    """

    deadline: date | None = None
    responsible: dict[str, Annotated[str, Field(min_length=1)]] = {}


class EditionTarget(Definition):
    """A target for the period of an edition that was set after ``region.yaml`` was written."""

    indicator: str
    value: float | bool
    document: str
    section: str


class GroupMove(Definition):
    """A person put into a group of the kept run by hand (`pinned`), or kept out of it."""

    person: Annotated[str, Field(min_length=1)]
    group: Annotated[str, Field(min_length=1)]
    pinned: StrictBool


class KeptGroups(Definition):
    """The run of this edition whose seminar groups the next ones keep, and what is moved by hand.

    Groups of `moves` have the ids that they have in the run `keep`.
    """

    keep: str
    moves: tuple[GroupMove, ...] = ()

    @field_validator("keep")
    @classmethod
    def _is_run(cls, keep: str) -> str:
        if not RUN.fullmatch(keep):
            raise ValueError(f"«{keep}» не похоже на номер прогона; пример: 0a1b2c3d4e-1")
        return keep

    @field_validator("moves")
    @classmethod
    def _can_be(cls, moves: tuple[GroupMove, ...]) -> tuple[GroupMove, ...]:
        pairs, pins = set(), set()
        for place, move in enumerate(moves):
            if (pair := (move.person, move.group)) in pairs:
                raise misplaced(
                    (place,),
                    f"пара «{move.person}» и «{move.group}» повторяется; оставьте одну запись",
                )
            if move.pinned and move.person in pins:
                raise misplaced(
                    (place, "group"),
                    f"«{move.person}» уже закреплён за другой группой; оставьте одну",
                )
            pairs.add(pair)
            pins |= {move.person} if move.pinned else set()
        return moves


class EditionFile(Definition):
    """``edition.yaml``: what is known about an edition besides the region's definition."""

    origin: Literal["demonstration", "submitted"]
    period_kind: _Kind
    as_of: date
    status: Literal["draft"] = "draft"
    collection: Collection = Collection()
    targets: tuple[EditionTarget, ...] = ()
    groups: KeptGroups | None = None

    @field_validator("targets")
    @classmethod
    def _one_each(cls, targets: tuple[EditionTarget, ...]) -> tuple[EditionTarget, ...]:
        unique(targets, "indicator")
        return targets


class Edition(Definition):
    """One region in one period, under one data root. Nothing can be changed in it.

    The indicators of `region` have the targets of ``edition.yaml`` too.
    """

    region: Region
    period: Period
    origin: Literal["demonstration", "submitted"]
    as_of: date
    status: str
    root: Path
    collection: Collection = Collection()
    groups: KeptGroups | None = None

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
        """Digest of what results depend on: region, period, origin, date and groups to keep."""
        later = {"root": True, "status": True, "collection": True, "region": {"retention"}}
        if self.groups is None:  # so that runs from before there was such a key are still read
            later["groups"] = True
        about = self.model_dump_json(exclude=later)
        return hashlib.sha256(about.encode()).hexdigest()

    @property
    def sent(self) -> Path:
        """Folder of what municipalities sent."""
        return self.root / "regions" / self.region.code / self.period.text

    @property
    def validated(self) -> Path:
        """Folder of the canonical tables; inside a run, as they were when it began."""
        inside = Path(os.environ.get(RUN_INPUTS) or "") / self.region.code / self.period.text
        if inside.is_relative_to(self.root) and inside.is_dir():
            return inside
        return self.root / "validated" / self.region.code / self.period.text

    @property
    def published_facts(self) -> pd.DataFrame:
        """Facts published by the region, all periods: the `published` table."""
        return read_facts(self.root, self.region)

    @property
    def system(self) -> System:
        """What the documents say of the system besides numbers: ``system.yaml``."""
        return read_system(self.root, self.region)

    def refusal(self, location: Location, reason: str) -> DefinitionError:
        """Return the error that ``edition.yaml`` is wrong at `location`, with its line."""
        return refusal(self.sent / "edition.yaml", location, reason)

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
    try:
        period_of_kind = parsed.of_kind(about.period_kind)
    except ValueError as error:
        raise DefinitionError(f"{path}, ключ period_kind: {error}") from error
    read_facts(root, definition)  # what is wrong with the files is told here, not in a notebook
    read_system(root, definition)
    if wrong := next(_wrong_in(about, definition, period_of_kind), None):
        raise refusal(path, *wrong)
    return Edition(
        region=_with_targets(definition, about.targets, period_of_kind.year),
        period=period_of_kind,
        origin=about.origin,
        as_of=about.as_of,
        status=about.status,
        root=root,
        collection=about.collection,
        groups=about.groups,
    )


def _wrong_in(about: EditionFile, region: Region, period: Period) -> Iterator[tuple[Location, str]]:
    """Where ``edition.yaml`` disagrees with the definition of its region, and how."""
    if not period.starts_on <= about.as_of <= period.ends_on + LATEST:
        first, last = (f"{day:%d.%m.%Y}" for day in (period.starts_on, period.ends_on + LATEST))
        yield (
            ("as_of",),
            f"{about.as_of:%d.%m.%Y} — не день данных за период «{period}»; допустимо: от {first} "
            f"до {last}",
        )
    places = region.municipality_names
    for code in about.collection.responsible:
        if code not in places:
            yield (
                ("collection", "responsible", code),
                f"нет муниципального образования «{code}»; есть: {', '.join(places)}",
            )
    indicators = {indicator.id: indicator for indicator in region.indicators}
    documents = [document.id for document in region.documents]
    for number, target in enumerate(about.targets):
        home: Location = ("targets", number)
        if period.kind != "calendar_year":
            yield home, f"планы ставят на календарный год, а период «{period}» — {period.label}"
        elif target.indicator not in indicators:
            near = get_close_matches(target.indicator, sorted(indicators), n=1)
            like = f"похоже на «{near[0]}»; " if near else ""
            known = ", ".join(indicators) or "ни одного"
            yield (
                (*home, "indicator"),
                f"нет показателя «{target.indicator}»; {like}есть: {known}",
            )
        elif target.document not in documents:
            known = ", ".join(documents) or "ни одного"
            yield (*home, "document"), f"нет документа «{target.document}»; есть: {known}"
        elif reason := _refused(target, indicators[target.indicator], period.year):
            yield (*home, "value"), reason


def _refused(target: EditionTarget, indicator: Indicator, year: int) -> str:
    """Why a target cannot be one of `indicator`; nothing if it can."""
    if indicator.comparator is None:
        return f"у показателя «{indicator.id}» в region.yaml нет comparator: >=, <= или exists"
    is_flag = isinstance(target.value, bool)
    if is_flag != (indicator.unit == "yes_no"):
        allowed = "число" if is_flag else "true, false"
        return f"«{str(target.value).lower()}» не подходит; допустимо: {allowed}"
    if indicator.unit == "share" and not 0 <= target.value <= 1:
        return f"«{target.value:g}» не подходит; допустимо: доля от 0 до 1, 20 % — это 0.2"
    if has_target(indicator, year):
        return (
            f"у показателя «{indicator.id}» план на {year} год уже есть в region.yaml; "
            "оставьте один из двух"
        )
    return ""


def has_target(indicator: Indicator, year: int) -> bool:
    """Whether an indicator has a target for a calendar year, by its date."""
    return any(
        target.first_year is not None and target.first_year <= year <= target.last_year
        for target in indicator.targets
    )


def _with_targets(region: Region, targets: Sequence[EditionTarget], year: int) -> Region:
    """Return the region with the targets of one year besides those it has."""
    if not targets:
        return region
    added = {
        target.indicator: Target(
            first_year=year,
            last_year=year,
            value=target.value,
            document=target.document,
            section=target.section,
        )
        for target in targets
    }
    indicators = tuple(
        indicator.model_copy(update={"targets": (*indicator.targets, added[indicator.id])})
        if indicator.id in added
        else indicator
        for indicator in region.indicators
    )
    return region.model_copy(update={"indicators": indicators})


def edition_keys(root: Path, region: str = "*") -> list[str]:
    """``region/period`` of the editions that have a folder under `root`; nothing is read."""
    found = sorted((root / "regions").glob(f"{region}/*/edition.yaml"))
    return ["/".join(path.parts[-3:-1]) for path in found]


def editions(root: Path, region: str = "*") -> list[Edition]:
    """Editions under `root`, of one region or of all, by region and period."""
    return [edition(*key.split("/"), root) for key in edition_keys(root, region)]


def before(edition: Edition, among: Iterable[Edition] | None = None) -> Edition | None:
    """Return the last edition before this one that makes a series with it; None if there is none.

    `among` are the editions to choose from, by default all of the region.
    """
    if among is None:
        among = editions(edition.root, edition.region.code)
    earlier = [
        other
        for other in among
        if other.period.ends_on < edition.period.ends_on and is_series(other, edition)
    ]
    return max(earlier, key=lambda other: other.period.ends_on, default=None)


def is_series(*chosen: Edition) -> bool:
    """Whether editions make a series, as `series` understands it."""
    try:
        series(chosen)
    except ValueError:
        return False
    return True


def series(editions: Iterable[Edition]) -> list[Edition]:
    """Put editions of one region in order of time, refusing those that do not make a series.

    Raises
    ------
    ValueError
        They are of several regions, kinds of period or origins: a quarter beside a year, or
        simulated records beside real ones, would make a change that nobody has seen.
    """
    chosen = sorted(editions, key=lambda edition: edition.period.ends_on)
    for what, words in (
        (lambda edition: edition.region.code, "разных регионов"),
        (lambda edition: KINDS[edition.period.kind], "с периодами разного вида"),
        (lambda edition: ORIGINS[edition.origin], "разного происхождения"),
    ):
        values = {edition.key: what(edition) for edition in chosen}
        if len(set(values.values())) > 1:
            named = ", ".join(f"{key} ({value})" for key, value in values.items())
            raise ValueError(f"в одном ряду не могут стоять издания {words}: {named}")
    return chosen
