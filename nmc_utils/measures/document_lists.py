"""What the documents of a region list one by one: what they plan, whom and what they name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.measures.published_facts import LATER
from nmc_utils.measures.tallies import measured, unknown
from nmc_utils.system import Plan, Sourced

NO_PLANS = "вне дорожной карты документы региона ничего не намечают"
NO_PLAN_YEAR = "год не указан"  #: the `year` of a plan that no document dates
NO_LISTS = "поимённо документы региона никого не перечисляют"
#: What the documents list by name, in the order in which it is shown.
LISTS = {
    "communities": "профессиональные сообщества",
    "low_performing_in": "муниципалитеты, где есть ШНОР",
    "contests": "конкурсы",
}


def document_plans(edition: Edition) -> pd.DataFrame:
    """List what the documents of the region plan besides the roadmap.

    Whether a plan was carried out is known only where another document says so.

    Returns
    -------
    DataFrame
        Measure table with keys `plan_id`, `year` (text, `NO_PLAN_YEAR` where the document names
        none), `what`, `told` (what a document of the period or before says of it, and where;
        missing where none does), `source` (document and section) and `is_later` (the document
        speaks of a time after the period of the edition; `note` is then `LATER`), in the order of
        years and within one of the documents: `document_plan`, yes for every plan. One row
        without an estimate and keys where the documents plan nothing.
    """
    dates = {plan.id: plan.year or plan.until for plan in edition.system.plans}
    plans = sorted(edition.system.plans, key=lambda p: (dates[p.id] is None, dates[p.id] or 0))
    rows = []
    for plan in plans:
        about = {"plan_id": plan.id, "year": _year(plan), "what": plan.what}
        about |= {"told": _done(plan, edition), "source": _source(plan, edition)}
        rows.append(about | _when(_is_of_later(plan, edition)))
    keys = ["plan_id", "year", "what", "told", "source", "is_later"]
    return _told(rows, "document_plan", keys, NO_PLANS)


def _year(plan: Plan) -> str:
    if plan.until is not None:
        return f"до {plan.until} года"
    return NO_PLAN_YEAR if plan.year is None else str(plan.year)


def _done(plan: Plan, edition: Edition) -> str | None:
    """What a document says was done of a plan; one of a later time is not told yet."""
    told = plan.told_by
    if told is None or _is_of_later(told, edition):
        return None
    return f"{told.what} ({_source(told, edition)})"


def _is_of_later(entry: Sourced, edition: Edition) -> bool:
    """Whether the document of an entry speaks of a year after the period of the edition."""
    year = edition.system.document_years.get(entry.document)
    return year is not None and year > edition.period.ends_on.year


def _when(is_later: bool, note: str | None = None) -> dict[str, Any]:
    told = "; ".join(filter(None, [LATER if is_later else None, note]))
    return {"is_later": is_later, "note": told or None}


def document_lists(edition: Edition) -> pd.DataFrame:
    """List what the documents of the region name one by one: communities, places, contests.

    Returns
    -------
    DataFrame
        Measure table with keys `list` (of `LISTS`), `list_name`, `name`, `held` (when, missing
        where it has no date), `source` and `is_later` (of a time after the period of the edition;
        `note` then begins with `LATER`): `document_named`, yes for every name. Communities and
        contests in the order of the documents, municipalities in the official one; `note` gives
        the nominations of a contest. One row without an estimate and keys where nothing is listed.
    """
    rows = [
        {"list": code, "list_name": LISTS[code], "source": _source(entry, edition), **told}
        for code, entry, told in _named(edition)
    ]
    keys = ["list", "list_name", "name", "held", "source", "is_later"]
    return _told(rows, "document_named", keys, NO_LISTS)


def _named(edition: Edition) -> Iterator[tuple[str, Sourced, dict[str, Any]]]:
    """Every name with its list, its entry and what is told of it."""
    system, names = edition.system, edition.region.municipality_names
    for community in system.communities:
        is_later = _is_of_later(community, edition)
        yield "communities", community, {"name": community.name} | _when(is_later)
    order = {code: place for place, code in enumerate(names)}
    for entry in sorted(system.low_performing_in, key=lambda e: (e.year, order[e.municipality])):
        told = {"name": names[entry.municipality], "held": f"{entry.year} год"}
        yield "low_performing_in", entry, told | _when(entry.year > edition.period.ends_on.year)
    for contest in system.contests:
        nominations = (
            f"номинации: {'; '.join(contest.nominations)}" if contest.nominations else None
        )
        is_later = contest.ends_on > edition.period.ends_on
        told = {"name": contest.name, "held": contest.held} | _when(is_later, nominations)
        yield "contests", contest, told


def _source(entry: Sourced, edition: Edition) -> str:
    return f"{edition.region.document(entry.document).short}, {entry.section}"


def _told(
    rows: Iterable[Mapping[str, Any]], measure: str, keys: Sequence[str], nothing: str
) -> pd.DataFrame:
    """Measure table that says yes in each row; where there is none, `nothing` says why."""
    table = pd.DataFrame(rows, columns=[*keys, "note"]).astype("object")
    if table.empty:
        gap = unknown([measure], [], nothing)
        return measured([gap.assign(**dict.fromkeys(keys))], keys)
    bounds = dict.fromkeys(("std_error", "ci_low", "ci_high"), np.nan)
    n = pd.array([pd.NA] * len(table), dtype="Int64")
    said = table.assign(measure=measure, estimate=1.0, **bounds, n=n, status="ok")
    said = said.assign(interval_kind="none", note=table["note"].where(table["note"].notna(), None))
    return measured([said], keys)
