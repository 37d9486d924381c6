"""All regions of a period side by side: the edition ``_country/<period>``.

It has no records of its own: it is made of the published runs of the regions' editions. Editions of
different origin, or with another kind of period, never stand in one comparison; neither does a run
that cannot be read, as when its region was defined anew. Each that is left out has its reason.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from nmc_utils.editions import COUNTRY, KINDS, ORIGINS, Edition, Period, data_root, edition
from nmc_utils.results import Results, current, published, read_manifest, results_folder
from nmc_utils.terms import DEMONSTRATION

FEWEST = 2  #: regions that a comparison needs


class TooFewRegions(ValueError):
    """Fewer regions than a comparison needs have results of the period."""


@dataclass(frozen=True)
class Member:
    """One region of a comparison: its edition, its published run and the digest of its tables."""

    edition: Edition
    results: Results
    digest: str


@dataclass(frozen=True)
class Country:
    """The regions of one period that may stand side by side, by name.

    Where it is run, published, verified and rolled back it is an edition like others; `left_out`
    maps ``region/period`` to why that edition is not in it. `described` has an edition of every
    region with published results of any period: what documents say of a system has no period.
    """

    period: Period
    origin: str
    root: Path
    members: tuple[Member, ...] = ()
    described: tuple[Edition, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """``_country/period``, its name in results."""
        return f"{COUNTRY}/{self.period}"

    @property
    def as_of(self) -> date:
        """The latest date of the members' data."""
        return max(member.edition.as_of for member in self.members)

    @property
    def mark(self) -> str:
        """What must stand on everything made from it; nothing for real records."""
        return DEMONSTRATION if self.origin == "demonstration" else ""

    @property
    def digest(self) -> str:
        """Digest of what it is made from: which tables of which regions, and who is left out."""
        told = {
            of.region.code: [*_documents(of), of.system.model_dump_json()] for of in self.described
        }
        content = {"key": self.key, "inputs": self.inputs, "left_out": self.left_out}
        return _digest(content | {"described": told})

    @property
    def inputs(self) -> dict[str, str]:
        """``region/period`` of each member → digest of its published tables."""
        return {member.edition.key: member.digest for member in self.members}

    @property
    def editions(self) -> tuple[Edition, ...]:
        """Editions of the members."""
        return tuple(member.edition for member in self.members)

    @property
    def tables(self) -> dict[str, Results]:
        """Code of a region → the tables of its published run."""
        return {member.edition.region.code: member.results for member in self.members}

    @property
    def left_out_table(self) -> pd.DataFrame:
        """`edition` and `reason` of what is left out."""
        return pd.DataFrame(self.left_out, columns=["edition", "reason"], dtype="str")

    def __str__(self) -> str:
        return f"Регионы, {self.period.label}"

    def __repr__(self) -> str:
        return f"Country({self.key}, {self.origin}, {len(self.members)})"

    def _repr_markdown_(self) -> str:
        about = f"**{self}** · данные на {self.as_of:%d.%m.%Y}"
        return f"{about}\n\n> {self.mark}" if self.mark else about


def country_edition(period: str | int, data: str | Path | None = None) -> Country:
    """Return the comparison of all regions that have published results of `period`.

    Where editions of both origins, or of several kinds of period, are published under it, submitted
    records come before simulated ones, then the kind that most regions have; the others are left
    out and said to be.

    Raises
    ------
    TooFewRegions
        Fewer than two regions can be compared; the message says what is published and why the
        others are left out.
    ValueError
        `period` cannot be read.
    """
    root, parsed = data_root(data), Period.parse(str(period))
    members, left_out = _readable(root, parsed.text)
    sorts = Counter((member.edition.origin, member.edition.period.kind) for member in members)
    fit = [sort for sort, count in sorts.items() if count >= FEWEST]
    if not fit:
        raise TooFewRegions(_too_few(parsed, members, left_out))
    origin, kind = min(
        fit, key=lambda sort: (sort[0] != "submitted", -sorts[sort], list(KINDS).index(sort[1]))
    )
    for member in members:
        if (member.edition.origin, member.edition.period.kind) != (origin, kind):
            left_out[member.edition.key] = _of_other_sort(member.edition, origin)
    taken = [member for member in members if member.edition.key not in left_out]
    described, unread = _described(root, [member.edition for member in taken])
    left_out = unread | left_out
    return Country(
        period=taken[0].edition.period,
        origin=origin,
        root=root,
        members=tuple(sorted(taken, key=lambda member: member.edition.region.name)),
        left_out=tuple(sorted(left_out.items())),
        described=described,
    )


def comparable_periods(root: Path) -> list[str]:
    """Periods of which at least two regions have published results that may be compared."""
    periods = sorted({key.partition("/")[2] for key in _regional(root)})
    found = []
    for period in periods:
        try:
            country_edition(period, root)
        except TooFewRegions:
            continue
        found.append(period)
    return found


def published_comparison(of: Edition) -> Results | None:
    """Return the published comparison of the regions in the period of an edition; None without one.

    Who reads it compares `origin` of its manifest, and the kind of period in its table
    `region_definitions`, with the edition's.

    Raises
    ------
    ResultsError
        The pointer or the manifest is damaged.
    """
    key = f"{COUNTRY}/{of.period}"
    run = current(of.root).get(key)
    if run is None:
        return None
    return Results(key, run, results_folder(of.root) / run / key, _manifest(of.root, key, run))


def changed_since(root: Path, comparison: Results) -> list[str]:
    """``region/period`` of the regions whose published tables are not those that were compared."""
    inputs = (comparison.manifest or {}).get("inputs", {})
    compared = {key: digest for key, digest in inputs.items() if "/" in key}
    pointer = _regional(root)
    return sorted(
        key
        for key, digest in compared.items()
        if key not in pointer or digest != _tables_digest(_manifest(root, key, pointer[key]))
    )


def _regional(root: Path) -> dict[str, str]:
    """Published editions of regions → their run."""
    return {key: run for key, run in current(root).items() if not key.startswith(f"{COUNTRY}/")}


def _readable(root: Path, period: str) -> tuple[list[Member], dict[str, str]]:
    """Published editions of a period, and why others of it cannot be read."""
    members, left_out = [], {}
    for key, run in sorted(_regional(root).items()):
        if key.partition("/")[2] != period:
            continue
        try:
            of = edition(*key.split("/"), root)
            results = published(of, run)
            members.append(Member(of, results, _tables_digest(results.manifest)))
        except (ValueError, OSError) as error:
            left_out[key] = str(error).replace(f"{root}/", "")
    return members, left_out


def _described(
    root: Path, members: Sequence[Edition]
) -> tuple[tuple[Edition, ...], dict[str, str]]:
    """Editions of a comparison with the last readable one of every other region, by name.

    Second is ``region/period`` → why no edition of that region can be read.
    """
    found = {of.region.code: of for of in members}
    unread: dict[str, tuple[str, str]] = {}
    for key in sorted(_regional(root), reverse=True):
        code, _, period = key.partition("/")
        if code in found:
            continue
        try:
            found[code] = edition(code, period, root)
        except (ValueError, OSError) as error:
            unread.setdefault(code, (key, str(error).replace(f"{root}/", "")))
    reasons = dict(unread[code] for code in sorted(set(unread) - set(found)))
    return tuple(sorted(found.values(), key=lambda of: of.region.name)), reasons


def _documents(of: Edition) -> list[str]:
    """What names a region and its documents in a table."""
    return [of.region.name, *(f"{entry.id}: {entry.short}" for entry in of.region.documents)]


def _of_other_sort(of: Edition, origin: str) -> str:
    if of.origin != origin:
        return f"{of}: данные другого происхождения ({ORIGINS[of.origin]})"
    return f"{of}: период другого вида ({KINDS[of.period.kind]})"


def _too_few(period: Period, members: list[Member], left_out: Mapping[str, str]) -> str:
    given = [f"{member.edition.key} ({ORIGINS[member.edition.origin]})" for member in members]
    words = (
        f"{period.label}: сравнивать не с чем, нужны опубликованные результаты хотя бы двух "
        f"регионов одного происхождения; есть: {', '.join(given) or 'ни одного'}"
    )
    return "; ".join([words, *left_out.values()])


def _manifest(root: Path, key: str, run: str) -> dict[str, Any]:
    return read_manifest(results_folder(root) / run / key)


def _tables_digest(manifest: Mapping[str, Any]) -> str:
    """Digest of a run's tables: executed notebooks carry their times, and runs are numbered."""
    tables = {
        name: entry["sha256"]
        for name, entry in manifest["files"].items()
        if name.endswith(".parquet")
    }
    return _digest({name: manifest[name] for name in ("edition", "origin", "as_of")} | tables)


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
