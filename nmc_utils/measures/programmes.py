"""Further-training programmes (ДПП ПК): expertise and federal register, topics, who finished."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import norm

from nmc_utils.editions import Edition
from nmc_utils.measures.counted import has_left
from nmc_utils.measures.intervals import adjust_p, difference_interval
from nmc_utils.measures.reporting import absent_of, missing_table
from nmc_utils.measures.tallies import (
    as_reported,
    counts,
    main_workplaces,
    measured,
    shares,
    tallied,
    unknown,
)
from nmc_utils.terms import POSITIONS, PROGRAMME_BASES, TOTAL, UNSTATED

Tables = Mapping[str, pd.DataFrame]

_YEAR_MEASURES = ("programmes_expertise", "programmes_registry", "programmes_registry_share")
#: Metrics of ``published.csv``: sent to expertise, placed in the federal register.
_PUBLISHED = ("dpp_expertise", "dpp_registry")
NO_EXPERTISE = "программ, направленных на экспертизу, в этом году нет"
#: Which finished programmes are counted.
CHOICES = ("any", "chosen", "in_registry", "chosen_in_registry")
_COMPLETION_KEYS = ["choice", "base", "position", "municipality"]
_COMPLETIONS = ("completions_persons", "completions_share")
NO_STAFF = "работников в таблицах нет"


# --- expertise and register ---------------------------------------------------------------------


def programmes_by_year(tables: Tables, edition: Edition) -> pd.DataFrame:
    """How many programmes were sent to expertise and how many of them are in the register.

    Parameters
    ----------
    tables
        Canonical table `programmes`, of all years by the day of the edition; of the facts in
        ``published`` those of years and spans that end with the period at the latest.

    Returns
    -------
    DataFrame
        Measure table with keys `basis` (``recorded``, ``published``) and `year` (of expertise, as
        text; of published facts a year or a span such as ``2021-2023``; ``"total"`` of records):
        `programmes_expertise`, `programmes_registry` (those of them placed in the register by the
        day of the edition) and `programmes_registry_share` with its Wilson interval, `n` the
        programmes sent to expertise. The note of the records' total counts programmes in the
        register of whose expertise no date is known: they are in no row.
    """
    keys = ["basis", "year"]
    published = _published_years(tables["published"], edition)
    frames = [_by_year(published.assign(basis="published"))] if len(published) else []
    if "programmes" in tables:
        recorded = _recorded_years(tables["programmes"], edition)
        table = _by_year(recorded.assign(basis="recorded"))
    else:
        table = unknown(_YEAR_MEASURES, ["year"], missing_table("programmes"))
        table = table.assign(basis="recorded")
    return measured([table, *frames], keys)


def compared_years(by_year: pd.DataFrame) -> pd.DataFrame:
    """Compare the shares of every two years, as of independent programmes.

    Parameters
    ----------
    by_year
        Rows of `programmes_registry_share` of one basis, a year each: `year`, `estimate`, `n`.

    Returns
    -------
    DataFrame
        `year` and `other_year` (the later), `difference` (the later minus the earlier, −1–1) with
        its Newcombe interval `ci_low`, `ci_high`, and `p` of the score test with the pooled share,
        adjusted over all pairs for the share of false discoveries.
    """
    pairs = list(combinations(by_year.sort_values("year").to_dict("records"), 2))
    columns = ["year", "other_year", "difference", "ci_low", "ci_high", "p"]
    if not pairs:
        return pd.DataFrame(columns=columns)
    share, later = (np.array([pair[i]["estimate"] for pair in pairs], float) for i in (0, 1))
    n, later_n = (np.array([pair[i]["n"] for pair in pairs], float) for i in (0, 1))
    hits, later_hits = np.round(share * n), np.round(later * later_n)
    low, high = difference_interval(later_hits, later_n, hits, n)
    pooled = (hits + later_hits) / (n + later_n)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / later_n))
    z = np.divide(later - share, error, out=np.zeros_like(error), where=error > 0)
    ends = [[pair[i]["year"] for pair in pairs] for i in (0, 1)]
    values = [*ends, later - share, low, high, adjust_p(2 * norm.sf(np.abs(z)))]
    return pd.DataFrame(dict(zip(columns, values, strict=True)))


def _recorded_years(programmes: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    day = pd.Timestamp(edition.as_of)
    listed = programmes["registry_on"] <= day
    undated = int((listed & programmes["expertise_on"].isna()).sum())
    sent = programmes[programmes["expertise_on"] <= day]
    year = sent["expertise_on"].dt.year.astype("str")
    years = sorted(year.unique())
    cells = tallied(
        sent.assign(year=year, registry=listed),
        {"year": years},
        unit="programme_id",
        flags=["registry"],
    )
    told = f"ещё {undated} в реестре без даты экспертизы: не учтены" if undated else None
    note = pd.Series(None, cells.index, dtype="object").mask(cells["year"].eq(TOTAL), told)
    return cells.assign(note=note)


def _published_years(facts: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    """`year`, `n` sent to expertise, `registry` placed in the register, where both are known."""
    mine = facts[facts["metric"].isin(_PUBLISHED) & facts["kind"].isin(["actual", "count"])]
    last_year = pd.to_numeric(mine["period"].str.extract(r"(20\d\d)$")[0])
    mine = mine[~(last_year > edition.period.year)]
    wide = mine.pivot(index="period", columns="metric", values="number")
    wide = wide.reindex(columns=list(_PUBLISHED)).dropna().astype(int).sort_index()
    wide = wide.rename(columns=dict(zip(_PUBLISHED, ("n", "registry"), strict=True)))
    return wide.rename_axis("year").reset_index()


def _by_year(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(
        [
            counts(table, _YEAR_MEASURES[0]),
            counts(table, _YEAR_MEASURES[1], "registry"),
            shares(table, _YEAR_MEASURES[2], "registry", nobody=NO_EXPERTISE),
        ],
        ignore_index=True,
    )


def programme_topics(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Programmes by base and by topic, how many are in the register, and their length.

    Programmes dated after the day of the edition are left out.

    Returns
    -------
    DataFrame
        Measure table with keys `base` (of `PROGRAMME_BASES`) and `topic` (as the table writes it,
        `UNSTATED` where it does not), not crossed: `programmes`, `n` all of them;
        `programmes_listed`, in the federal register; `programme_hours`, the median length in
        hours, `n` the programmes whose length is known.
    """
    keys = ["base", "topic"]
    names = ["programmes", "programmes_listed", "programme_hours"]
    if "programmes" not in tables:
        return measured([unknown(names, keys, missing_table("programmes"))], keys)
    day, table = pd.Timestamp(edition.as_of), tables["programmes"]
    first = table[["expertise_on", "registry_on"]].min(axis=1)
    table = table[~(first > day)].assign(is_listed=lambda t: t["registry_on"] <= day)
    topics = sorted(table["topic"].dropna().unique())
    cut = {"unit": "programme_id", "flags": ["is_listed"]}
    cells = [
        tallied(table, {"base": PROGRAMME_BASES}, **cut).assign(topic=TOTAL),
        tallied(table, {"topic": topics}, **cut).assign(base=TOTAL),
    ]
    cells = pd.concat(cells, ignore_index=True).drop_duplicates(keys, ignore_index=True)
    cells = cells.assign(programmes=cells["n"], n=len(table))
    frames = [counts(cells, names[0], "programmes"), counts(cells, names[1], "is_listed")]
    return measured([*frames, _hours(table, cells, names[2])], keys)


def _hours(table: pd.DataFrame, cells: pd.DataFrame, measure: str) -> pd.DataFrame:
    known = table.dropna(subset=["hours"])
    known = known.assign(topic=known["topic"].fillna(UNSTATED), hours=known["hours"].astype(float))
    wholes = [known.assign(topic=TOTAL, base=TOTAL), known.assign(topic=TOTAL)]
    parts = pd.concat([*wholes, known.assign(base=TOTAL)], ignore_index=True)
    told = parts.groupby(["base", "topic"])["hours"].agg(["median", "size"]).reset_index()
    rows = cells[["base", "topic", "programmes"]].merge(told, on=["base", "topic"], how="left")
    note = pd.Series("программ нет", rows.index).where(rows["programmes"] == 0, "часы не указаны")
    rows = rows.assign(n=rows["size"].fillna(0), note=note.where(rows["median"].isna(), None))
    return counts(rows, measure, "median")


# --- who finished -------------------------------------------------------------------------------


def completions_summary(tables: Tables, edition: Edition) -> pd.DataFrame:
    """People who finished a programme in the period up to the day of the edition, each once.

    Parameters
    ----------
    tables
        Canonical tables: `completions`; `programmes` says base and register; `staff` is what
        shares are of; `employment` gives position and municipality of the main workplace.

    Returns
    -------
    DataFrame
        Measure table with keys `choice` (``any``; ``chosen`` after diagnostics; ``in_registry``,
        a programme that was in the federal register on the day of finishing;
        ``chosen_in_registry``, one that was both), `base` of the programme, `position` and
        `municipality`, the last three each with ``"total"`` and not crossed.
        `completions_persons`; `completions_share` of the staff of the cell with its Wilson
        interval, not by base. A person may finish programmes of several bases: they do not add up.
        Who is not in `staff`, or whose main workplace has ended by the day of the edition, is in
        persons of the total and in no share nor part; staff of municipalities that have not sent
        `completions` are in none.
    """
    if "completions" not in tables:
        gap = unknown(_COMPLETIONS, _COMPLETION_KEYS, missing_table("completions"))
        return measured([gap.assign(choice=choice) for choice in CHOICES], _COMPLETION_KEYS)
    finished, people = _finished(tables, edition), _people(tables, edition)
    frames = [_choice(finished, people, choice, tables, edition) for choice in CHOICES]
    table = measured(frames, _COMPLETION_KEYS)
    return as_reported(table, tables, "completions", edition.region)


def _finished(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Rows of the period with `base` and a flag for each of `CHOICES`."""
    rows = tables["completions"]
    last = min(edition.period.ends_on, edition.as_of)
    dates = pd.Timestamp(edition.period.starts_on), pd.Timestamp(last)
    rows = rows[rows["finished_on"].between(*dates)]
    about = pd.DataFrame(columns=["programme_id", "base", "registry_on"])
    if "programmes" in tables:
        about = tables["programmes"][list(about)]
    rows = rows.merge(about, on="programme_id", how="left", validate="many_to_one")
    listed = pd.to_datetime(rows["registry_on"]) <= rows["finished_on"]
    chosen = rows["chosen_after_diagnostics"]
    flags = zip(CHOICES, [True, chosen, listed, chosen & listed], strict=True)
    return rows.assign(**dict(flags))


def _people(tables: Tables, edition: Edition) -> pd.DataFrame | None:
    """`person_id`, `position` and `municipality` of the staff of the day; None without `staff`."""
    if "staff" not in tables:
        return None
    people = tables["staff"][["person_id"]]
    people = people[~has_left(people["person_id"], edition, tables)]
    if "employment" not in tables:
        return people.assign(position=None, municipality=None)
    main = main_workplaces(tables)[["person_id", "position", "municipality"]]
    return people.merge(main, on="person_id", how="left", validate="one_to_one")


def _choice(
    finished: pd.DataFrame,
    people: pd.DataFrame | None,
    choice: str,
    tables: Tables,
    edition: Edition,
) -> pd.DataFrame:
    keys = _COMPLETION_KEYS[1:]
    if "programmes" not in tables and "in_registry" in choice:
        return unknown(_COMPLETIONS, keys, missing_table("programmes")).assign(choice=choice)
    mine = finished[finished[choice]]
    by_base = tallied(mine, {"base": PROGRAMME_BASES}, unit="person_id")
    if "programmes" not in tables:
        by_base = by_base[by_base["base"].eq(TOTAL)]
    by_base = by_base.assign(
        position=TOTAL, municipality=TOTAL, choice=choice, finished=by_base["n"]
    )
    frames = [counts(by_base.assign(n=by_base["n"].iloc[0]), _COMPLETIONS[0], "finished")]
    if people is None:
        gap = unknown(_COMPLETIONS[1:], keys, missing_table("staff")).assign(choice=choice)
        return pd.concat([*frames, gap], ignore_index=True)
    unsent = absent_of(tables, "completions")
    cells = _staff_cells(people, set(mine["person_id"]), edition, unsent=unsent)
    cells = cells.assign(choice=choice)
    parts = cells[cells["position"].ne(TOTAL) | cells["municipality"].ne(TOTAL)]
    frames.append(counts(parts, _COMPLETIONS[0], "has_finished"))
    frames.append(shares(cells, _COMPLETIONS[1], "has_finished", nobody=NO_STAFF))
    return pd.concat(frames, ignore_index=True)


def _staff_cells(
    people: pd.DataFrame, finished: set[str], edition: Edition, *, unsent: set[str]
) -> pd.DataFrame:
    """The staff by position and by municipality, `n`, and who of them `has_finished`."""
    people = people.assign(has_finished=people["person_id"].isin(finished))
    people = people[~people["municipality"].isin(unsent)]
    cut = {"unit": "person_id", "flags": ["has_finished"]}
    places = {"municipality": edition.region.municipality_names}
    cells = [
        tallied(people, {"position": POSITIONS}, **cut).assign(municipality=TOTAL),
        tallied(people, places, **cut).assign(position=TOTAL),
    ]
    cells = pd.concat(cells, ignore_index=True).assign(base=TOTAL)
    return cells.drop_duplicates(_COMPLETION_KEYS[1:], ignore_index=True)
