"""Mentoring: pairs and teams by form, reach and stage; organisations; works of contests."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.measures.methodists import published_fact
from nmc_utils.measures.periods import is_current
from nmc_utils.measures.reporting import missing_table
from nmc_utils.measures.tallies import (
    as_reported,
    counts,
    measured,
    shares,
    status_on,
    tallied,
    unknown,
)
from nmc_utils.terms import MENTORING_FORMS, REACHES, STAGES, TOTAL, UNSTATED

Tables = Mapping[str, pd.DataFrame]

#: When a pair works: on the day of the edition, or at any time of its period.
SPANS = ("current", "period")
_OVER = ("done", "stopped")
_SHARES = {"mentoring_curator_share": "has_curator", "mentoring_tutor_share": "has_tutor"}
_KEYS = ["span", "form", "reach", "stage", "municipality"]
NO_PAIRS = "наставнических пар и команд нет"
#: A column without a single entry was not filled in: that is no share of 0.
NOT_NAMED = {
    "has_curator": "в таблице «Наставничество» не назван ни один куратор",
    "has_tutor": "в таблице «Наставничество» не назван ни один региональный тьютор",
}
NO_CONTESTS = "конкурсов наставничества за период в таблице «Мероприятия» нет"
NO_WORKS = "число работ в таблице «Мероприятия» не указано"
NO_ORGANIZATIONS = "организаций нет"
#: Why a published share is not to be compared with the one of the records.
OTHER_BASIS = (
    "это другое основание: сколько организаций и от какого числа, документ не называет, "
    "и сравнивать две доли нельзя"
)


def mentoring_summary(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Mentoring pairs and teams by form, reach, stage and municipality.

    Parameters
    ----------
    tables
        Canonical tables: `mentoring`, a pair or team a row; `organizations` gives the municipality
        of both sides.

    Returns
    -------
    DataFrame
        Measure table with keys `span` (``current``: works on the day of the edition, ``period``:
        at any time of the period up to that day), `form`, `reach` (of `terms.REACHES`), `stage` and
        `municipality` (of the mentee's organisation), each with ``"total"``; form is crossed with
        reach and with municipality. `mentoring_pairs` (`n` is all of the span) and the shares
        `mentoring_curator_share`, `mentoring_tutor_share` of pairs for whom one is named, with
        Wilson intervals and not by stage; «no_data» where the table names none at all. Without
        `organizations` nothing is known of the reach beyond one organisation. A pair that is over
        and has no last day is in the period only if it began in it; `note` counts the others. One
        that was over after the day of the edition is running on it.
    """
    names = ["mentoring_pairs", *_SHARES]
    if "mentoring" not in tables:
        gap = unknown(names, _KEYS, missing_table("mentoring"))
        return measured([gap.assign(span=span) for span in SPANS], _KEYS)
    pairs = _pairs(tables, edition)
    frames = [_of_span(pairs, span, edition) for span in SPANS]
    table = as_reported(measured(frames, _KEYS), tables, "mentoring", edition.region)
    if "organizations" in tables:
        return table
    lost = table["reach"].isin(REACHES) & table["reach"].ne("within_organization")
    numbers = ["estimate", "std_error", "ci_low", "ci_high", "n"]
    return table.assign(
        **{name: table[name].mask(lost) for name in numbers},
        status=table["status"].mask(lost, "no_data"),
        note=table["note"].mask(lost, missing_table("organizations")),
    )


def _pairs(tables: Tables, edition: Edition) -> pd.DataFrame:
    """The table with `reach`, `municipality` of the mentee, `stage`, `has_curator`, `has_tutor`."""
    pairs = tables["mentoring"]
    stage = status_on(pairs["status"], pairs["to_on"], edition.as_of, over=_OVER)
    places = pd.Series(dtype="object")
    if "organizations" in tables:
        places = tables["organizations"].set_index("organization_id")["municipality"]
    mentor = pairs["mentor_organization_id"].map(places).astype("object")
    mentee = pairs["mentee_organization_id"].map(places).astype("object")
    same = pairs["mentor_organization_id"].eq(pairs["mentee_organization_id"])
    known = mentor.notna() & mentee.notna()
    reach = np.select([same, known & mentor.eq(mentee), known], list(REACHES), default=UNSTATED)
    return pairs.assign(
        reach=reach,
        municipality=mentee,
        stage=stage,
        has_curator=pairs["curator_id"].notna(),
        has_tutor=pairs["tutor_id"].notna(),
    )


def _of_span(pairs: pd.DataFrame, span: str, edition: Edition) -> pd.DataFrame:
    chosen, undated = _working(pairs, span, edition)
    cut = {"unit": "mentoring_id", "flags": list(_SHARES.values())}
    parts = [
        {"form": MENTORING_FORMS, "reach": REACHES},
        {"stage": STAGES},
        {"form": MENTORING_FORMS, "municipality": edition.region.municipality_names},
    ]
    cells = [
        tallied(chosen, part, **cut).assign(**{key: TOTAL for key in _KEYS[1:] if key not in part})
        for part in parts
    ]
    table = pd.concat(cells, ignore_index=True).drop_duplicates(_KEYS[1:], ignore_index=True)
    note = f"ещё {undated}: завершены или прекращены, когда — не указано" if undated else None
    is_whole = table[_KEYS[1:]].eq(TOTAL).all(axis=1)
    table = table.assign(span=span, note=pd.Series(note, table.index, dtype="object"))
    table["note"] = table["note"].where(is_whole, None)
    whole = chosen["mentoring_id"].nunique()
    frames = [counts(table.assign(pairs=table["n"], n=whole), "mentoring_pairs", "pairs")]
    cells = table[table["stage"].eq(TOTAL)]
    for measure, flag in _SHARES.items():
        if pairs[flag].any():
            frames.append(shares(cells, measure, flag, nobody=NO_PAIRS))
        else:
            gap = unknown([measure], _KEYS[1:], NOT_NAMED[flag] if len(pairs) else NO_PAIRS)
            frames.append(gap.assign(span=span))
    return measured(frames, _KEYS)


def _working(pairs: pd.DataFrame, span: str, edition: Edition) -> tuple[pd.DataFrame, int]:
    """Pairs that work on the day or in the period; how many ended nobody knows when."""
    is_over = pairs["stage"].isin(_OVER)
    if span == "current":
        return pairs[is_current(pairs, edition.as_of) & ~is_over], 0
    first = pd.Timestamp(edition.period.starts_on)
    last = min(pd.Timestamp(edition.as_of), pd.Timestamp(edition.period.ends_on))
    begun = pairs["from_on"] <= last
    unclear = begun & is_over & pairs["to_on"].isna() & (pairs["from_on"] < first)
    chosen = begun & ~(pairs["to_on"] < first) & ~unclear
    return pairs[chosen], int(unclear.sum())


def mentoring_organizations(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Organisations that take part in mentoring by their own mark, of all, by municipality.

    Returns
    -------
    DataFrame
        Measure table with the key `municipality`: `mentoring_organizations` and
        `mentoring_organizations_share` of all organisations with its Wilson interval. A share that
        the region has published for the period is another basis: the `note` of the whole share
        tells it, so that the two stand beside each other.
    """
    keys = ["municipality"]
    names = ["mentoring_organizations", "mentoring_organizations_share"]
    if "organizations" not in tables:
        return measured([unknown(names, keys, missing_table("organizations"))], keys)
    places = {"municipality": edition.region.municipality_names}
    cells = tallied(tables["organizations"], places, unit="organization_id", flags=["in_mentoring"])
    told = pd.Series(_published_share(tables, edition), cells.index, dtype="object")
    noted = cells.assign(note=told.where(cells["municipality"].eq(TOTAL), None))
    frames = [
        counts(cells, names[0], "in_mentoring"),
        shares(noted, names[1], "in_mentoring", nobody=NO_ORGANIZATIONS),
    ]
    return as_reported(measured(frames, keys), tables, "organizations", edition.region)


def _published_share(tables: Tables, edition: Edition) -> str | None:
    """Write the share that the region has published for the period, where it has."""
    if "published" not in tables:
        return None
    fact = published_fact(tables["published"], "mentoring_org_share", edition.period)
    if fact is None:
        return None
    written = f"{fact['number']:g}".replace(".", ",")
    return f"опубликовано {written}\u00a0% — {OTHER_BASIS}"


def _no_contests(edition: Edition) -> str:
    """Say that no contest is recorded, and which the documents name all the same."""
    period = edition.period
    held = [
        f"{contest.name} — {contest.held}"
        for contest in edition.system.contests
        if contest.is_mentoring and period.starts_on <= contest.ends_on <= period.ends_on
    ]
    return f"{NO_CONTESTS}; по документам состоялся: {', '.join(held)}" if held else NO_CONTESTS


def mentoring_contests(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Works sent to the mentoring contests of the period, by contest or nomination.

    Returns
    -------
    DataFrame
        Measure table with the key `title` of the event (``"total"`` first): `contest_works`, `n`
        the events. An event without a number of works is «no_data» and not in the total, whose
        `note` says so. A period without such a contest is «not_assessed»; `note` names those that
        the documents say were held in it.
    """
    keys, names = ["title"], ["contest_works"]
    if "events" not in tables:
        return measured([unknown(names, keys, missing_table("events"))], keys)
    events = tables["events"]
    first, last = (pd.Timestamp(edition.period.starts_on), pd.Timestamp(edition.period.ends_on))
    held = events["held_on"].between(first, min(last, pd.Timestamp(edition.as_of)))
    is_contest = events["kind"].eq("contest") & events["direction"].eq("mentoring")
    contests = events[held & is_contest]
    if contests.empty:
        why = _no_contests(edition)
        return measured([unknown(names, keys, why, status="not_assessed")], keys)
    by_title = contests.groupby("title")["works"].agg(
        works=lambda works: works.sum(min_count=1), n="size"
    )
    silent = int(contests["works"].isna().sum())
    whole = pd.DataFrame(
        {"works": [contests["works"].sum(min_count=1)], "n": [len(contests)]}, index=[TOTAL]
    )
    table = pd.concat([whole, by_title.sort_index()]).rename_axis("title").reset_index()
    told = f"в {silent} из {len(contests)} число работ не указано" if silent else None
    works = table["works"].astype("Float64").astype(float)
    note = pd.Series(None, table.index, dtype="object").mask(works.isna(), NO_WORKS)
    note = note.mask(table["title"].eq(TOTAL) & works.notna(), told)
    return measured([counts(table.assign(works=works, note=note), names[0], "works")], keys)
