"""Distributions of diagnostic results, level shares, and who was tested.

The population is everyone tested in a procedure, never all teachers of the region: people come to
the diagnostics with a course, not by a random draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.intervals import mean_interval, share_interval
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL, UNSTATED

#: A score that is a hair above a cut by rounding alone still lies at the cut.
ROUNDING = 1e-9


def with_total(scores: pd.DataFrame) -> pd.DataFrame:
    """Add the whole test (``domain="total"``) to the scores by domain.

    Only first attempts are kept. The total is the sum over domains, given to persons who have a
    score in every domain of their form; a total over fewer domains would not compare.

    Parameters
    ----------
    scores
        Canonical `scores`: person × procedure × wave × attempt × domain.

    Raises
    ------
    ValueError
        A total stands among the domains, or a result stands twice.
    """
    first = scores[scores["attempt"] == 1]
    if (first["domain"] == TOTAL).any():
        raise ValueError("the total is made here and must not be among the scores")
    if first.duplicated(["person_id", "procedure_id", "wave", "domain"]).any():
        raise ValueError("a result stands twice: person, procedure, wave and domain must be unique")
    keys = ["person_id", "procedure_id", "wave", "attempt", "form_id"]
    total = first.groupby(keys, as_index=False).agg(
        raw_score=("raw_score", "sum"),
        max_score=("max_score", "sum"),
        taken_on=("taken_on", "max"),
        domains=("domain", "size"),
    )
    complete = first.groupby("form_id")["domain"].nunique()
    whole = total[total["domains"] == total["form_id"].map(complete)].drop(columns="domains")
    return pd.concat([first, whole.assign(domain=TOTAL)], ignore_index=True)


def with_attributes(scores: pd.DataFrame, employment: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Join each person's main workplace: `municipality`, `subject` and subject `family`.

    The key `procedure_id` becomes `procedure`, as measure tables call it. `municipality`, `family`
    and `domain` become categoricals in the region's order, so that a group in which nobody was
    tested stays visible in every table made from them. Who has no main workplace, or a subject of
    no family, is in the group `UNSTATED`, so that parts add up to the whole.
    """
    main = employment.loc[employment["is_main"], ["person_id", "municipality", "subject"]]
    results = scores.rename(columns={"procedure_id": "procedure"})
    joined = results.merge(main, on="person_id", how="left", validate="many_to_one")
    orders = {
        "municipality": region.municipality_names,
        "family": region.family_names,
        "domain": region.domain_names,
    }
    joined["family"] = joined["subject"].map(region.family_of_subject)
    return joined.assign(**{name: _ordered(joined[name], order) for name, order in orders.items()})


def _ordered(values: pd.Series, order: Iterable[str]) -> pd.Categorical:
    """Categories in this order; `UNSTATED` is one of them only where it occurs."""
    categories = [*order, *([UNSTATED] if values.isna().any() else [])]
    return pd.Categorical(values.fillna(UNSTATED), categories)


def procedures_by_size(results: pd.DataFrame, procedures: pd.DataFrame) -> pd.DataFrame:
    """Put the procedures in order of the number of persons tested at entry, the largest first.

    Results of several procedures are never added up: a view shows one, the largest by default.

    Returns
    -------
    DataFrame
        The canonical table with `procedure` for its id, and `persons`.
    """
    entry = results[results["wave"] == "entry"]
    persons = entry.groupby("procedure")["person_id"].nunique()
    named = procedures.rename(columns={"procedure_id": "procedure"})
    counted = named.assign(persons=named["procedure"].map(persons).fillna(0).astype(int))
    return counted.sort_values(["persons", "procedure"], ascending=[False, True], ignore_index=True)


def level_shares(
    scores: pd.DataFrame,
    cuts: Mapping[str, float],
    by: Sequence[str] = (),
    *,
    interval_kind: str = "process",
) -> pd.DataFrame:
    """Share of results in each level.

    Parameters
    ----------
    scores
        One row per result, with `raw_score`, `max_score` and the columns of `by`; a missing
        `raw_score` is not a result.
    cuts
        Level → upper bound as a share of the maximum, from the lowest level to the highest; a
        result at a bound belongs to the lower level. The last bound is 1.
    by
        Columns to group by; groups of a categorical in which nobody was tested are «no_data».
    interval_kind
        What the interval means; by default what such a process would give again.

    Returns
    -------
    DataFrame
        Measure table with keys `by` and `level`; `estimate` is a share 0–1 with its Wilson
        interval, `n` the number of results in the group.

    Raises
    ------
    ValueError
        A score lies outside 0…`max_score`, or the cuts are not increasing up to 1.
    """
    bounds = np.array(list(cuts.values()), float)
    if not (np.diff(bounds) > 0).all() or bounds[0] <= 0 or bounds[-1] != 1:
        raise ValueError(f"cuts must increase from above 0 to exactly 1, got {dict(cuts)}")
    shares = _share_of_maximum(scores)
    index = np.searchsorted(bounds + ROUNDING, shares.to_numpy(), side="left")
    given = scores.loc[shares.index, list(by)].assign(
        level=pd.Categorical.from_codes(index, list(cuts))
    )
    counts = given.groupby([*by, "level"], observed=False).size()
    table = counts.rename("count").reset_index()
    table["n"] = _group_size(table, by)
    table["estimate"] = table["count"] / table["n"].where(table["n"] > 0)
    low, high = share_interval(table["count"], table["n"])
    std_error = np.sqrt(table["estimate"] * (1 - table["estimate"]) / table["n"])
    table = table.assign(
        measure="level_share",
        std_error=std_error,
        ci_low=low,
        ci_high=high,
        interval_kind=interval_kind,
    )
    return _finish(table, [*by, "level"])


def score_distribution(
    scores: pd.DataFrame, by: Sequence[str] = (), *, interval_kind: str = "process"
) -> pd.DataFrame:
    """Mean, standard deviation and quartiles of results as shares of the maximum.

    The mean has a Student t interval; the standard deviation and quartiles describe the spread of
    persons and have none.

    Returns
    -------
    DataFrame
        Measure table with keys `by`: `score_mean`, `score_sd`, `score_q25`, `score_median`,
        `score_q75`, shares 0–1; `n` is the number of results.
    """
    shares = _share_of_maximum(scores)
    frame = scores.loc[shares.index, list(by)].assign(share=shares)
    grouped = frame.groupby(list(by), observed=False)["share"] if by else frame["share"]
    parts = {
        "score_mean": grouped.mean(),
        "score_sd": grouped.std(),
        "score_q25": grouped.quantile(0.25),
        "score_median": grouped.median(),
        "score_q75": grouped.quantile(0.75),
    }
    n = grouped.count()
    if not by:
        parts = {name: pd.Series([value]) for name, value in parts.items()}
        n = pd.Series([n])
    error = parts["score_sd"] / np.sqrt(n.where(n > 0))
    tables = []
    for name, estimate in parts.items():
        table = estimate.rename("estimate").to_frame().assign(measure=name, n=n)
        low, high = mean_interval(estimate, parts["score_sd"], n)
        is_mean = name == "score_mean"
        table["std_error"] = error if is_mean else np.nan
        # A score lies within 0…1, so its mean does; a bound beyond says nothing more.
        table["ci_low"] = np.clip(low, 0, 1) if is_mean else np.nan
        table["ci_high"] = np.clip(high, 0, 1) if is_mean else np.nan
        table["interval_kind"] = interval_kind if is_mean else "none"
        tables.append(table.reset_index(drop=not by))
    return _finish(pd.concat(tables, ignore_index=True), list(by))


def score_histogram(scores: pd.DataFrame, cut: float, by: Sequence[str] = ()) -> pd.DataFrame:
    """Share of results in each interval of the score scale.

    Intervals are closed above, as levels are, and the cut is always one of their edges: those up
    to it add up to the share at or below the cut. On each side they are equally wide and hold
    equally many score steps, as many as fit in about 5 % of the maximum (the first also holds 0).

    Returns
    -------
    DataFrame
        Measure table with keys `by`, `bin_low`, `bin_high` (shares 0–1) of the groups of `by` in
        which anybody was tested.
    """
    if not by:
        return _histogram(scores, cut)
    tables = []
    for values, group in scores.groupby(list(by), observed=True):
        keys = dict(zip(by, values, strict=True))
        tables.append(_histogram(group, cut).assign(**keys))
    table = pd.concat(tables, ignore_index=True)
    return table[[*by, *table.columns.drop(list(by))]]


def _histogram(scores: pd.DataFrame, cut: float) -> pd.DataFrame:
    shares = _share_of_maximum(scores)
    edges = _bin_edges(float(scores["max_score"].max()), cut)
    n_bins = len(edges) - 1
    bins = np.searchsorted(edges + ROUNDING, shares, side="left").clip(1, n_bins)
    count = np.bincount(bins, minlength=n_bins + 1)[1:]
    low, high = share_interval(count, len(shares))
    table = pd.DataFrame(
        {
            "bin_low": edges[:-1].round(6),
            "bin_high": edges[1:].round(6),
            "measure": "score_bin_share",
            "estimate": count / len(shares),
            "std_error": np.nan,
            "ci_low": low,
            "ci_high": high,
            "interval_kind": "process",
            "n": len(shares),
        }
    )
    return _finish(table, ["bin_low", "bin_high"])


def coverage(
    scores: pd.DataFrame, staff: pd.DataFrame, employment: pd.DataFrame, region: Region
) -> pd.DataFrame:
    """How many of the staff took the entry diagnostics, by municipality of the main workplace.

    People are counted once, whatever the number of procedures; who has no main workplace is in the
    municipality `UNSTATED`. The share describes who came and has no interval: nobody was drawn at
    random.

    Returns
    -------
    DataFrame
        Measure table with key `municipality` (``"total"`` is the region): `tested` (persons) and
        `tested_share`; `n` is the staff.
    """
    main = employment[employment["is_main"]].set_index("person_id")["municipality"]
    tested = staff["person_id"].isin(scores.loc[scores["wave"] == "entry", "person_id"])
    places = _ordered(staff["person_id"].map(main), region.municipality_names)
    by_place = tested.groupby(places, observed=False).agg(["sum", "size"])
    everyone = pd.DataFrame({"sum": [tested.sum()], "size": [len(staff)]}, index=[TOTAL])
    counts = pd.concat([everyone, by_place]).rename_axis("municipality").reset_index()
    tables = []
    for measure in ("tested", "tested_share"):
        n = counts["size"]
        estimate = counts["sum"] if measure == "tested" else counts["sum"] / n.where(n > 0)
        tables.append(
            pd.DataFrame(
                {
                    "municipality": counts["municipality"].astype("str"),
                    "measure": measure,
                    "estimate": estimate.astype(float).where(n > 0),
                    "std_error": np.nan,
                    "ci_low": np.nan,
                    "ci_high": np.nan,
                    "interval_kind": "none",
                    "n": n,
                }
            )
        )
    return _finish(pd.concat(tables, ignore_index=True), ["municipality"])


def broken_down(
    measure: Callable[[Sequence[str]], pd.DataFrame],
    by: Sequence[str],
    over: Sequence[str] = ("municipality", "family"),
) -> pd.DataFrame:
    """Put a measure for everyone and for the groups of each column of `over` into one table.

    Parameters
    ----------
    measure
        Makes a measure table from the columns to group by.
    by
        Keys that every row has.
    over
        Columns broken down one at a time; the others are ``"total"`` in those rows.
    """
    parts = [measure(by).assign(**dict.fromkeys(over, TOTAL))]
    for name in over:
        rest = {other: TOTAL for other in over if other != name}
        parts.append(measure([*by, name]).assign(**rest))
    table = pd.concat([part.astype(dict.fromkeys(over, "str")) for part in parts])
    keys = [*by, *over]
    others = [name for name in table if name not in keys]
    return table[[*keys, *others]].reset_index(drop=True)


def _share_of_maximum(scores: pd.DataFrame) -> pd.Series:
    """Results as shares of the maximum, without the missing ones; refuses the impossible."""
    given = scores.loc[scores["raw_score"].notna(), ["raw_score", "max_score"]]
    wrong = ~given["raw_score"].between(0, given["max_score"]) | ~(given["max_score"] > 0)
    if wrong.any():
        row = given[wrong].iloc[0]
        raise ValueError(
            f"{wrong.sum()} scores outside 0…max_score, e.g. "
            f"{row['raw_score']} of {row['max_score']}"
        )
    return given["raw_score"] / given["max_score"]


def _bin_edges(max_score: float, cut: float, widest: float = 0.05) -> np.ndarray:
    """Edges from 0 to 1 with the cut among them, equally many score steps a bin on each side."""
    step = 1 / max_score
    below = int(cut / step + ROUNDING)
    above = math.ceil(1 / step - ROUNDING) - below
    together = max(1, int(widest / step + ROUNDING))
    sides = [max(1, round(steps / together)) for steps in (below, above)]
    return np.append(np.linspace(0, cut, sides[0] + 1), np.linspace(cut, 1, sides[1] + 1)[1:])


def _group_size(table: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    if not by:
        return pd.Series(table["count"].sum(), index=table.index)
    return table.groupby(list(by), observed=False)["count"].transform("sum")


def _finish(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Keys as text, the columns of a measure table in their order, and a status for each row."""
    table = table.assign(status=np.where(table["estimate"].notna(), "ok", "no_data"))
    for name in keys:
        if isinstance(table[name].dtype, pd.CategoricalDtype):
            table[name] = table[name].astype("str")
    table["n"] = table["n"].astype("Int64")
    return table[[*keys, *ESTIMATE_COLUMNS]].reset_index(drop=True)
