"""Individual routes (ИОМ): kinds, stages, approvals, audits, coverage and their measures.

Counts of routes, never a list of persons: everything here is sensitive but what documents have
published. A route belongs to an edition when it was opened by its day and not closed before its
period; one that was opened before the period and is over, nobody knows since when, does not. A
status is of the day of recording: a route closed after the day of the edition is running on it.
The regulation has the methodical audit a month before the due date: `audit_on` is the due date
less one calendar month.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.measures.distributions import level_of
from nmc_utils.measures.periods import is_current
from nmc_utils.measures.reporting import missing_table
from nmc_utils.measures.tallies import (
    as_reported,
    counts,
    main_workplaces,
    measured,
    shares,
    status_on,
    tallied,
    unknown,
)
from nmc_utils.regions import Region
from nmc_utils.terms import ROUTE_KINDS, ROUTE_LEVELS, STAGES, TOTAL

Tables = Mapping[str, pd.DataFrame]

CLOSED = ("done", "stopped")
NO_ROUTES = "таких ИОМ нет"
NO_CURRENT = "действующих ИОМ нет"
NO_AUDIT = "ИОМ, срок аудита которых наступил, нет"
NO_RESULTS = "результатов людей этой процедуры нет"
NOBODY_TESTED = "никто не прошёл входную диагностику"
NO_RULE = "какому результату какой маршрут, документ не устанавливает"
#: Routes of a methodist, from and to; the last bin has no end.
BINS = ((0, 0), (1, 5), (6, 10), (11, 15), (16, 20), (21, 30), (31, None))
#: Months before and after the day of the edition that stand by themselves in the calendar.
_MONTHS = 12
_COUNTS = {
    "route_opened": "is_opened",
    "route_current": "is_running",
    "route_audit_due": "is_audit_due",
    "route_overdue": "is_overdue",
    "route_undated": "is_undated",
}
_SHARES = {
    "route_agreed_organization_share": ("is_agreed_organization", "is_running", NO_CURRENT),
    "route_agreed_methodist_share": ("is_agreed_methodist", "is_running", NO_CURRENT),
    "route_agreed_both_share": ("is_agreed_both", "is_running", NO_CURRENT),
    "route_overdue_share": ("is_overdue", "is_dated", "действующих ИОМ со сроком нет"),
    "route_audited_share": ("is_audited", "is_audit_come", NO_AUDIT),
}
_NOT_FILLED = "в таблице «ИОМ» столбец «{}» не заполнен"
#: A column without a single date was not filled in: that is no share of 0.
NOT_FILLED = {
    "agreed_by_organization_on": _NOT_FILLED.format("Согласован администрацией ОО"),
    "agreed_by_methodist_on": _NOT_FILLED.format("Согласован методистом"),
    "audited_on": _NOT_FILLED.format("Методический аудит"),
}
#: Measure → the columns that it rests on.
_RESTS_ON = {
    "route_agreed_organization_share": ("agreed_by_organization_on",),
    "route_agreed_methodist_share": ("agreed_by_methodist_on",),
    "route_agreed_both_share": ("agreed_by_organization_on", "agreed_by_methodist_on"),
    "route_audited_share": ("audited_on",),
    "route_audit_due": ("audited_on",),
    "route_audits_done": ("audited_on",),
    "route_audits_missed": ("audited_on",),
}
SUMMARY = ("route_count", "route_persons", *_COUNTS, *_SHARES)
_OF_RESULTS = ("route_coverage_share", "route_kind_matches_share")


def routes_of(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Routes of the edition with what is true of each on its day.

    Returns
    -------
    DataFrame
        The canonical rows with `status` on the day, `municipality` of the person's main workplace,
        `audit_on` and flags: `is_opened` (within the period), `is_running` (neither done, stopped
        nor closed), the approvals of a running one, `is_dated` and `is_undated` (running, with a
        due date or without), `is_overdue` (running, due before the day), `is_audit_due` (running,
        not audited, `audit_on` ≤ day ≤ due date), `is_audit_needed` (neither stopped nor closed
        before `audit_on`), `is_audit_come` (needed, and `audit_on` ≤ day), `is_audited` (of the
        latter).
    """
    table, day = tables["routes"], pd.Timestamp(edition.as_of)
    begun = pd.Timestamp(edition.period.starts_on)
    table = table.assign(status=status_on(table["status"], table["closed_on"], day, over=CLOSED))
    table = table[
        (table["opened_on"] <= day) & ~(table["closed_on"] < begun) & ~_is_undated(table, begun)
    ]
    audit_on = table["due_on"] - pd.DateOffset(months=1)
    running = ~table["status"].isin(CLOSED) & ~(table["closed_on"] <= day)
    audited = table["audited_on"] <= day
    needs_audit = table["status"].ne("stopped") & ~(table["closed_on"] < audit_on)
    organization = running & (table["agreed_by_organization_on"] <= day)
    methodist = running & (table["agreed_by_methodist_on"] <= day)
    come = needs_audit & (audit_on <= day)
    return table.assign(
        municipality=table["person_id"].map(_places(tables)),
        audit_on=audit_on,
        is_opened=table["opened_on"] >= begun,
        is_running=running,
        is_agreed_organization=organization,
        is_agreed_methodist=methodist,
        is_agreed_both=organization & methodist,
        is_dated=running & table["due_on"].notna(),
        is_undated=running & table["due_on"].isna(),
        is_overdue=running & (table["due_on"] < day),
        is_audit_due=running & ~audited & (audit_on <= day) & (table["due_on"] >= day),
        is_audit_needed=needs_audit & audit_on.notna(),
        is_audit_come=come,
        is_audited=come & audited,
    )


def _is_undated(table: pd.DataFrame, begun: pd.Timestamp) -> pd.Series:
    """Which routes are of before the period and over, nobody knows since when."""
    over = table["status"].isin(CLOSED) & table["closed_on"].isna()
    return over & (table["opened_on"] < begun)


def _places(tables: Tables) -> dict[str, str]:
    if "employment" not in tables:
        return {}
    return dict(main_workplaces(tables)[["person_id", "municipality"]].itertuples(index=False))


def routes_summary(tables: Tables, edition: Edition, results: pd.DataFrame) -> pd.DataFrame:
    """Routes of the edition by kind, stage and municipality, and how far they have come.

    Parameters
    ----------
    results
        Of `scored`, of one procedure: for the coverage of those tested and the rule of kinds.

    Returns
    -------
    DataFrame
        Measure table with keys `kind`, `stage` and `municipality`, each with ``"total"``:
        `route_count` in every cell; over all stages `route_persons`, `route_opened` (within the
        period), `route_current`, `route_audit_due` (the audit is to be held now), `route_overdue`,
        `route_undated` and shares with Wilson intervals: of the current ones agreed by the
        organisation, the methodist and both; overdue of the current ones with a due date; audited
        of those whose audit date has come. `route_coverage_share`: those tested at entry who have a
        route. `route_kind_matches_share`: routes of persons with a result whose kind is the one
        that the document names for it; it judges nobody and changes no route. What rests on a
        column that nobody filled in is «no_data». `n` of `route_persons` are the persons. `note`
        of the whole counts the routes that are over, nobody knows since when, and were left out.
    """
    keys = ["kind", "stage", "municipality"]
    if "routes" not in tables:
        gap = unknown((*SUMMARY, *_OF_RESULTS), keys, missing_table("routes"))
        return measured([gap], keys)
    region, routes = edition.region, routes_of(tables, edition)
    routes = routes.rename(columns={"status": "stage"})
    kinds = {"kind": ROUTE_KINDS, "municipality": region.municipality_names}
    cells = tallied(routes, {**kinds, "stage": STAGES}, unit="route_id")
    frames = [counts(cells.assign(n=len(routes), routes=cells["n"]), "route_count", "routes")]
    flags = {*_COUNTS.values(), *(flag for pair in _SHARES.values() for flag in pair[:2])}
    whole = tallied(routes, kinds, unit="route_id", flags=sorted(flags)).assign(stage=TOTAL)
    persons = tallied(routes, kinds, unit="person_id")["n"]
    frames.append(counts(whole.assign(persons=persons, n=persons), "route_persons", "persons"))
    frames += [counts(whole, measure, flag) for measure, flag in _COUNTS.items()]
    frames += [
        shares(whole, measure, flag, of=of, nobody=nobody)
        for measure, (flag, of, nobody) in _SHARES.items()
    ]
    frames.append(_coverage(routes, results, region).assign(stage=TOTAL))
    frames.append(_kinds_by_rule(routes, results, region).assign(stage=TOTAL))
    table = _with_left_out(_filled(measured(frames, keys), tables), tables, edition)
    return as_reported(table, tables, "routes", region)


def _filled(table: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Take the numbers that rest on columns of `routes` without a single entry."""
    routes = tables["routes"]
    empty = [name for name in NOT_FILLED if len(routes) and routes[name].isna().all()]
    for measure, columns in _RESTS_ON.items():
        if why := "; ".join(NOT_FILLED[name] for name in columns if name in empty):
            lost = table["measure"].eq(measure)
            numbers = ["estimate", "std_error", "ci_low", "ci_high"]
            table = table.assign(
                **{name: table[name].mask(lost) for name in numbers},
                status=table["status"].mask(lost, "no_data"),
                note=table["note"].mask(lost, why),
            )
    return table


def _with_left_out(table: pd.DataFrame, tables: Tables, edition: Edition) -> pd.DataFrame:
    """Say beside the whole how many routes are not of the edition for want of their last day."""
    n = int(_is_undated(tables["routes"], pd.Timestamp(edition.period.starts_on)).sum())
    if not n:
        return table
    note = f"ещё {n} ИОМ: завершены или прекращены, когда — не указано; составлены до периода"
    is_whole = table[["kind", "stage", "municipality"]].eq(TOTAL).all(axis=1)
    silent = is_whole & table["status"].eq("ok") & table["note"].isna()
    return table.assign(note=table["note"].mask(silent, note))


def _coverage(routes: pd.DataFrame, results: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Share of those tested at entry who have a route, any and of each kind."""
    keys, measure = ("kind", "municipality"), _OF_RESULTS[:1]
    entry = results[results["wave"] == "entry"].drop_duplicates("person_id")
    if entry.empty:
        return unknown(measure, keys, NOBODY_TESTED if len(results) else NO_RESULTS)
    frames = []
    for kind in (TOTAL, *ROUTE_KINDS):
        mine = routes if kind == TOTAL else routes[routes["kind"] == kind]
        people = entry.assign(has_route=entry["person_id"].isin(mine["person_id"]))
        places = {"municipality": region.municipality_names}
        cells = tallied(people, places, unit="person_id", flags=["has_route"])
        frames.append(cells.assign(kind=kind))
    cells = pd.concat(frames, ignore_index=True)
    return shares(cells, measure[0], "has_route", nobody=NOBODY_TESTED)


def _kinds_by_rule(routes: pd.DataFrame, results: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Share of the routes whose kind is the one that the document names for the person's result."""
    keys, measure = ("kind", "municipality"), _OF_RESULTS[1:]
    codes = {words: code for code, words in ROUTE_KINDS.items()}
    rule = {level.code: codes.get(level.route) for level in region.diagnostics.levels}
    if None in rule.values():
        note = region.diagnostics.routes_note or NO_RULE
        return unknown(measure, keys, note, status="not_assessed")
    first = (results["wave"] == "entry") & (results["attempt"] == 1)
    mine = results[first & results["domain"].eq(region.diagnostics.result_domain)]
    mine = mine.dropna(subset=["raw_score"])
    if mine.empty:
        return unknown(measure, keys, NO_RESULTS)
    level = level_of(mine["raw_score"] / mine["max_score"], region.diagnostics.cuts)
    named = dict(zip(mine["person_id"], pd.Series(level).map(rule), strict=True))
    known = routes[routes["person_id"].isin(list(named))]
    known = known.assign(matches=known["person_id"].map(named).eq(known["kind"]))
    parts = {"kind": ROUTE_KINDS, "municipality": region.municipality_names}
    cells = tallied(known, parts, unit="route_id", flags=["matches"])
    return shares(cells, measure[0], "matches", nobody="ИОМ у людей с результатом нет")


def routes_calendar(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Methodical audits by the month in which they are to be held: a month before the due date.

    Returns
    -------
    DataFrame
        Measure table with keys `month` (``"2023-05"``; ``"earlier"`` and ``"later"`` than a year
        from the day of the edition, ``"total"``) and `municipality`: `route_audits`, routes whose
        audit date falls in the month, unless they were stopped or closed before it;
        `route_audits_done`, those of them audited by the day of the edition, and
        `route_audits_missed`, those that were finished by it without an audit: both «no_data»
        where nobody entered an audit. The others are still to be audited.
    """
    keys = ["month", "municipality"]
    names = ["route_audits", "route_audits_done", "route_audits_missed"]
    if "routes" not in tables:
        return measured([unknown(names, keys, missing_table("routes"))], keys)
    routes, day = routes_of(tables, edition), pd.Timestamp(edition.as_of)
    due = routes[routes["is_audit_needed"]]
    if due.empty:
        return measured([unknown(names, keys, "ИОМ со сроком выполнения нет")], keys)
    is_done = due["audited_on"] <= day
    due, order = _by_month(due, day)
    due = due.assign(is_done=is_done, is_missed=~is_done & ~due["is_running"])
    places = {"month": order, "municipality": edition.region.municipality_names}
    cells = tallied(due, places, unit="route_id", flags=["is_done", "is_missed"])
    columns = zip(names, ["n", "is_done", "is_missed"], strict=True)
    table = measured([counts(cells, name, column) for name, column in columns], keys)
    return as_reported(_filled(table, tables), tables, "routes", edition.region)


def _by_month(due: pd.DataFrame, day: pd.Timestamp) -> tuple[pd.DataFrame, list[str]]:
    """Routes with the `month` of their audit as the calendar writes it, and its months in order."""
    now, month = day.to_period("M"), due["audit_on"].dt.to_period("M")
    first, last = now - _MONTHS, now + _MONTHS
    months = pd.period_range(max(month.min(), first), min(month.max(), last), freq="M")
    text = month.astype("str").mask(month < first, "earlier").mask(month > last, "later")
    far = {code: [code] if text.eq(code).any() else [] for code in ("earlier", "later")}
    return due.assign(month=text), [*far["earlier"], *months.astype("str"), *far["later"]]


def routes_per_methodist(tables: Tables, edition: Edition) -> pd.DataFrame:
    """How many routes of the edition a regional methodist accompanies; counts of methodists alone.

    Returns
    -------
    DataFrame
        Measure table with the key `routes` (a bin of `BINS` in words, or ``"total"``):
        `methodists_with_routes` in a bin, `n` the regional methodists on the day of the edition;
        over all `routes_each_mean`, `routes_each_q25`, `routes_each_median`, `routes_each_q75`, and
        `routes_of_others`: routes without a methodist or of somebody who is no regional methodist
        that day, `n` all routes.
    """
    keys = ["routes"]
    each = [f"routes_each_{name}" for name in ("mean", "q25", "median", "q75")]
    names = ["methodists_with_routes", *each, "routes_of_others"]
    if lacking := [name for name in ("routes", "methodists") if name not in tables]:
        return measured([unknown(names, keys, missing_table(*lacking))], keys)
    routes, team = routes_of(tables, edition), tables["methodists"]
    team = team[is_current(team, edition.as_of) & team["role"].eq("methodist")]
    people = pd.Index(team["methodist_id"].unique())
    if people.empty:
        return measured([unknown(names, keys, "региональных методистов нет")], keys)
    if routes["methodist_id"].isna().all():
        return measured([unknown(names, keys, "методист в ИОМ не указан")], keys)
    load = routes["methodist_id"].value_counts().reindex(people, fill_value=0)
    others = pd.DataFrame(
        {"routes": [TOTAL], "n": [len(routes)], "value": len(routes) - load.sum()}
    )
    found = [load.mean(), *load.quantile([0.25, 0.5, 0.75])]
    values = pd.DataFrame({"routes": TOTAL, "n": len(people), "value": found})
    frames = [counts(_binned(load), names[0], "methodists")]
    frames += [counts(values.iloc[[at]], name, "value") for at, name in enumerate(each)]
    return measured([*frames, counts(others, "routes_of_others", "value")], keys)


def _binned(load: pd.Series) -> pd.DataFrame:
    ends = [(low, np.inf if high is None else high) for low, high in BINS]
    words = [bin_words(*bin_) for bin_ in BINS]
    sizes = [int(load.between(low, high).sum()) for low, high in ends]
    table = pd.DataFrame({"routes": [TOTAL, *words], "methodists": [len(load), *sizes]})
    return table.assign(n=len(load))


def bin_words(low: int, high: int | None) -> str:
    """Write a bin: «0», «1–5», «31 и больше»."""
    if high is None:
        return f"{low} и больше"
    return str(low) if low == high else f"{low}–{high}"


def route_measures_summary(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Measures of the routes of the edition by the four levels of the regulation.

    Returns
    -------
    DataFrame
        Measure table with keys `level` and `municipality`: `route_measures` (count),
        `route_measures_done_share` of all of them, `route_measures_past_share`: done of those that
        were to end by the day of the edition, `route_level_share`: routes that have a measure of
        the level, of all routes. Wilson intervals; measures of one route are not independent, so
        those of measures are rather too narrow.
    """
    keys = ["level", "municipality"]
    names = ["route_measures", "route_measures_done_share", "route_measures_past_share"]
    names.append("route_level_share")
    if lacking := [name for name in ("routes", "route_measures") if name not in tables]:
        return measured([unknown(names, keys, missing_table(*lacking))], keys)
    routes, region = routes_of(tables, edition), edition.region
    rows = _measures_of(routes, tables, edition)
    parts = {"level": ROUTE_LEVELS, "municipality": region.municipality_names}
    flags = ["is_done", "is_past", "is_past_done"]
    cells = tallied(rows, parts, unit="number", flags=flags)
    nobody = {"nobody": "таких мероприятий нет"}
    having = tallied(rows, parts, unit="route_id")[[*keys, "n"]].rename(columns={"n": "having"})
    whole = tallied(routes, {"municipality": region.municipality_names}, unit="route_id")
    having = having.merge(whole, on="municipality")
    frames = [
        counts(cells, names[0]),
        shares(cells, names[1], "is_done", **nobody),
        shares(cells, names[2], "is_past_done", of="is_past", **nobody),
        shares(having, names[3], "having", nobody=NO_ROUTES),
    ]
    return as_reported(measured(frames, keys), tables, "routes", region)


def _measures_of(routes: pd.DataFrame, tables: Tables, edition: Edition) -> pd.DataFrame:
    """Measures of these routes with `municipality`, `number`, `is_past`, `is_past_done`."""
    places = routes.set_index("route_id")["municipality"]
    rows = tables["route_measures"]
    rows = rows[rows["route_id"].isin(places.index)]
    is_past = rows["to_on"] <= pd.Timestamp(edition.as_of)
    return rows.assign(
        municipality=rows["route_id"].map(places),
        number=np.arange(len(rows)),
        is_past=is_past,
        is_past_done=is_past & rows["is_done"],
    )
