"""What is done for organisations: schools with low results, management teams, sites."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.measures.periods import is_current
from nmc_utils.measures.reporting import absent_of, missing_table
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
from nmc_utils.terms import TOTAL

Tables = Mapping[str, pd.DataFrame]

NO_LOW_PERFORMING = "организаций с признаком ШНОР нет"
NO_TEAMS = "управленческих команд в таблице нет"
NO_ORGANIZATIONS = "организаций нет"
_OVER = ("done", "stopped")  #: stages of what does not go on
#: What a management team is counted of.
OF = ("teams", "organizations")
#: When a team was trained: in the period, or at any time up to the day of the edition.
SPANS = ("period", "cumulative")
#: Kind of a site → its flag in `organizations`, its kind in `registries`.
SITES = {
    "internship": ("is_internship_site", "internship_site"),
    "innovation": ("is_innovation_site", "innovation_site"),
}


# --- schools with low results -------------------------------------------------------------------


def low_performing(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Schools with low educational results (ШНОР), and how many of them are supported.

    Returns
    -------
    DataFrame
        Measure table with the key `municipality`: `low_performing` organisations,
        `low_performing_supported` since the day of the edition or before, and their share
        `low_performing_supported_share` with its Wilson interval, `n` the former. In the row
        ``"total"`` stands also `low_performing_municipalities`, the number of those that have any.
    """
    keys = ["municipality"]
    names = [f"low_performing{end}" for end in ("", "_supported", "_supported_share")]
    names.append("low_performing_municipalities")
    if "organizations" not in tables:
        return measured([unknown(names, keys, missing_table("organizations"))], keys)
    schools = _low_performing(tables)
    schools = schools.assign(is_supported=schools["supported_on"] <= pd.Timestamp(edition.as_of))
    places = {"municipality": edition.region.municipality_names}
    cells = tallied(schools, places, unit="organization_id", flags=["is_supported"])
    is_whole = cells["municipality"].eq(TOTAL)
    whole = cells[is_whole].assign(places=schools["municipality"].nunique())
    frames = [
        counts(cells, names[0]),
        counts(cells, names[1], "is_supported"),
        shares(cells, names[2], "is_supported", nobody=NO_LOW_PERFORMING),
        counts(whole, names[3], "places"),
    ]
    return as_reported(measured(frames, keys), tables, "organizations", edition.region)


def low_performing_work(tables: Tables, edition: Edition) -> pd.DataFrame:
    """What is recorded of the teachers of schools with low results.

    Parameters
    ----------
    tables
        Canonical tables: `organizations` and, each for its own measure, `employment` with
        `routes`, `events` with `attendance`, `mentoring`.

    Returns
    -------
    DataFrame
        Measure table without keys but ``municipality="total"``, of the period up to the day of
        the edition: `low_performing_route_persons`, people of these schools by main workplace
        whose route is open in the period, and `low_performing_route_schools`, where there are
        such; `low_performing_event_persons`, people of any organisation who took part in events of
        this direction; `low_performing_mentoring_schools`, one of whose pairs works on the day.
        `n` are the schools, of events nothing. The numbers are not added up: one person may be in
        several.
    """
    keys = ["municipality"]
    if "organizations" not in tables:
        return measured([unknown(_WORK, keys, missing_table("organizations"))], keys)
    schools = set(_low_performing(tables)["organization_id"])
    work = {
        "routes": _route_work(tables, edition, schools),
        "attendance": _event_work(tables, edition),
        "mentoring": _mentoring_work(tables, edition, schools),
    }
    parts = [as_reported(part, tables, name, edition.region) for name, part in work.items()]
    return measured(parts, keys)


_WORK = (
    "low_performing_route_persons",
    "low_performing_route_schools",
    "low_performing_event_persons",
    "low_performing_mentoring_schools",
)


def _low_performing(tables: Tables) -> pd.DataFrame:
    table = tables["organizations"]
    return table[table["is_low_performing"]]


def _route_work(tables: Tables, edition: Edition, schools: set[str]) -> pd.DataFrame:
    if lacking := [name for name in ("routes", "employment") if name not in tables]:
        return unknown(_WORK[:2], ["municipality"], missing_table(*lacking))
    first, last = _dates(edition)
    routes, main = tables["routes"], main_workplaces(tables)
    ended = routes["closed_on"].isna() & routes["status"].isin(_OVER)  # nobody knows when
    is_open = (routes["opened_on"] <= last) & ~(routes["closed_on"] < first) & ~ended
    main = main[main["organization_id"].isin(schools)]
    mine = main[main["person_id"].isin(routes.loc[is_open, "person_id"])]
    return _numbers(
        dict(
            zip(
                _WORK[:2],
                [mine["person_id"].nunique(), mine["organization_id"].nunique()],
                strict=True,
            )
        ),
        len(schools),
    )


def _event_work(tables: Tables, edition: Edition) -> pd.DataFrame:
    if lacking := [name for name in ("events", "attendance") if name not in tables]:
        return unknown(_WORK[2:3], ["municipality"], missing_table(*lacking))
    events = tables["events"]
    held = events["direction"].eq("low_performing") & events["held_on"].between(*_dates(edition))
    came = tables["attendance"]["event_id"].isin(events.loc[held, "event_id"])
    return _numbers({_WORK[2]: tables["attendance"].loc[came, "person_id"].nunique()}, None)


def _mentoring_work(tables: Tables, edition: Edition, schools: set[str]) -> pd.DataFrame:
    if "mentoring" not in tables:
        return unknown(_WORK[3:], ["municipality"], missing_table("mentoring"))
    pairs = tables["mentoring"]
    status = status_on(pairs["status"], pairs["to_on"], edition.as_of, over=_OVER)
    pairs = pairs[is_current(pairs, edition.as_of) & ~status.isin(_OVER)]
    named = {*pairs["mentor_organization_id"], *pairs["mentee_organization_id"]}
    return _numbers({_WORK[3]: len(schools & named)}, len(schools))


def _numbers(values: Mapping[str, int], n: int | None) -> pd.DataFrame:
    frames = [
        counts(pd.DataFrame({"municipality": [TOTAL], "value": [value], "n": [n]}), name, "value")
        for name, value in values.items()
    ]
    return pd.concat(frames, ignore_index=True)


def _dates(edition: Edition) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First day of the period, and its last one that the data know of."""
    last = min(edition.period.ends_on, edition.as_of)
    return pd.Timestamp(edition.period.starts_on), pd.Timestamp(last)


# --- management teams ---------------------------------------------------------------------------


def management_teams(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Management teams that were trained, in the period and since the beginning of the records.

    No document says how many teams there are: they are counted of those in the table, and of all
    organisations beside.

    Returns
    -------
    DataFrame
        Measure table with keys `span` (``period``, ``cumulative`` by the day of the edition),
        `of` (``teams``, ``organizations``) and `municipality`: `teams_trained` and
        `teams_trained_share` with its Wilson interval; `n` is what they are counted of. Of
        organisations only teams are counted whose organisation is in that table.
    """
    keys, names = ["span", "of", "municipality"], ["teams_trained", "teams_trained_share"]
    if "teams" not in tables:
        gap = unknown(names, keys, missing_table("teams"))
        return measured([gap.assign(span=span, of=of) for of in OF for span in SPANS], keys)
    first, last = _dates(edition)
    teams = tables["teams"]
    trained = teams["trained_on"] <= pd.Timestamp(edition.as_of)
    flags = dict(zip(SPANS, [teams["trained_on"].between(first, last), trained], strict=True))
    teams = teams[["organization_id"]].assign(**flags)
    frames = []
    for of in OF:
        if "organizations" not in tables and of == "organizations":
            gap = unknown(names, keys, missing_table("organizations"))
            frames += [gap.assign(span=span, of=of) for span in SPANS]
            continue
        cells = _team_cells(teams, tables, of, edition)
        nobody = NO_TEAMS if of == "teams" else NO_ORGANIZATIONS
        for span in flags:
            mine = cells.assign(span=span, of=of)
            frames += [counts(mine, names[0], span), shares(mine, names[1], span, nobody=nobody)]
    return as_reported(measured(frames, keys), tables, "teams", edition.region)


def _team_cells(teams: pd.DataFrame, tables: Tables, of: str, edition: Edition) -> pd.DataFrame:
    places = pd.DataFrame(columns=["organization_id", "municipality"])
    if "organizations" in tables:
        places = tables["organizations"][["organization_id", "municipality"]]
        places = places[~places["municipality"].isin(absent_of(tables, "teams"))]
    how = "left" if of == "teams" else "right"
    joined = teams.merge(places, on="organization_id", how=how, validate="one_to_one")
    spans = {name: joined[name].eq(True) for name in SPANS}
    keys = {"municipality": edition.region.municipality_names}
    return tallied(joined.assign(**spans), keys, unit="organization_id", flags=list(spans))


# --- sites --------------------------------------------------------------------------------------


def sites(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Internship and innovation sites on the day of the edition, by their mark and by register.

    Returns
    -------
    DataFrame
        Measure table with keys `kind` (of `SITES`), `recorded_in` (``organizations``, whose mark
        it is, or ``registries``) and `municipality`: `sites`; `n` are the organisations, or the
        entries of that register whatever their dates. The two are different records of the same
        thing and are not added up.
    """
    keys = ["kind", "recorded_in", "municipality"]
    frames = []
    for kind, (flag, entry) in SITES.items():
        for name in ("organizations", "registries"):
            if name not in tables:
                gap = unknown(["sites"], keys, missing_table(name))
                frames.append(gap.assign(kind=kind, recorded_in=name))
                continue
            rows = _marked(tables, flag) if name == "organizations" else _listed(tables, entry)
            keep = rows["is_site"] if name == "organizations" else is_current(rows, edition.as_of)
            cells = tallied(
                rows.assign(is_site=keep),
                {"municipality": edition.region.municipality_names},
                unit="unit",
                flags=["is_site"],
            )
            mine = counts(cells.assign(kind=kind, recorded_in=name), "sites", "is_site")
            frames.append(as_reported(measured([mine], keys), tables, name, edition.region))
    return measured(frames, keys)


def _marked(tables: Tables, flag: str) -> pd.DataFrame:
    rows = tables["organizations"]
    return rows.assign(unit=rows["organization_id"], is_site=rows[flag])


def _listed(tables: Tables, kind: str) -> pd.DataFrame:
    rows = tables["registries"]
    rows = rows[rows["kind"] == kind].rename(columns={"since_on": "from_on"})
    return rows.assign(unit=rows["entry_id"])
