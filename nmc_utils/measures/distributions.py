"""Distributions of diagnostic results and level shares.

The population is everyone tested in a procedure, never all teachers of the region: people come to
the diagnostics with a course, not by a random draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.intervals import mean_interval, share_interval, small_area_shares
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL, UNSTATED, WORST

#: A score that is a hair above a cut by rounding alone still lies at the cut.
ROUNDING = 1e-9


def scored(tables: Mapping[str, pd.DataFrame], region: Region) -> pd.DataFrame:
    """Scores of an edition ready for measures: with the whole test and the persons' workplaces.

    Where the document cuts by competence, the lowest one of each person is added as `WORST`. An
    edition without scores gives no rows, with the same columns.
    """
    scores = with_total(tables["scores"]) if "scores" in tables else _NO_SCORES
    if region.diagnostics.result_domain == WORST:
        scores = with_worst(scores)
    return with_attributes(scores, tables.get("employment", _NO_EMPLOYMENT), region)


_NO_SCORES = pd.DataFrame(
    {
        "person_id": pd.Series(dtype="str"),
        "procedure_id": pd.Series(dtype="str"),
        "wave": pd.Series(dtype="str"),
        "attempt": pd.Series(dtype="Int64"),
        "form_id": pd.Series(dtype="str"),
        "domain": pd.Series(dtype="str"),
        "raw_score": pd.Series(dtype="float64"),
        "max_score": pd.Series(dtype="float64"),
    }
)
_NO_EMPLOYMENT = pd.DataFrame(
    {
        "person_id": pd.Series(dtype="str"),
        "municipality": pd.Series(dtype="str"),
        "subject": pd.Series(dtype="str"),
        "is_main": pd.Series(dtype="bool"),
    }
)


def with_total(scores: pd.DataFrame) -> pd.DataFrame:
    """Add the whole test (``domain="total"``) to the scores by domain.

    Only first attempts are kept. The total is the sum over domains, given to persons who have a
    score in every domain of their form; a total over fewer domains would not compare. Of a form
    that was scored only as a whole the total stands already.

    Parameters
    ----------
    scores
        Canonical `scores`: person × procedure × wave × attempt × domain.

    Raises
    ------
    ValueError
        A form has both a total and domains, or a result stands twice.
    """
    first = scores[scores["attempt"] == 1]
    if first.duplicated(["person_id", "procedure_id", "wave", "domain"]).any():
        raise ValueError("a result stands twice: person, procedure, wave and domain must be unique")
    is_total = first["domain"] == TOTAL
    whole, parts = first[is_total], first[~is_total]
    if both := sorted(set(whole["form_id"]) & set(parts["form_id"])):
        raise ValueError(f"form {both[0]!r} has a total among its domains: the total is made here")
    keys = ["person_id", "procedure_id", "wave", "attempt", "form_id"]
    sums = parts.groupby(keys, as_index=False).agg(
        raw_score=("raw_score", lambda column: column.sum(skipna=False)),
        max_score=("max_score", "sum"),
        domains=("domain", "size"),
    )
    n_domains = parts.groupby("form_id")["domain"].nunique()
    complete = sums[sums["domains"] == sums["form_id"].map(n_domains)].drop(columns="domains")
    return pd.concat([parts, whole, complete.assign(domain=TOTAL)], ignore_index=True)


def with_worst(scores: pd.DataFrame) -> pd.DataFrame:
    """Add each person's lowest competence (``domain="worst"``), as a share of its maximum.

    Given to persons who have the whole test; of equal competences the first one counts.
    """
    keys = ["person_id", "procedure_id", "wave"]
    complete = scores.loc[scores["domain"] == TOTAL, keys]
    parts = scores[scores["domain"] != TOTAL].merge(complete, on=keys)
    share = parts["raw_score"] / parts["max_score"]
    lowest = parts.assign(share=share).sort_values("share", kind="stable").drop_duplicates(keys)
    lowest = lowest.drop(columns="share").sort_values(keys).assign(domain=WORST)
    return pd.concat([scores, lowest], ignore_index=True)


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
    return joined.assign(**{name: ordered(joined[name], order) for name, order in orders.items()})


def ordered(values: pd.Series, order: Iterable[str]) -> pd.Categorical:
    """Categories in this order; `UNSTATED` is one of them only where it occurs."""
    categories = [*order, *([UNSTATED] if values.isna().any() else [])]
    return pd.Categorical(values.fillna(UNSTATED), categories)


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
    given = scores.loc[shares.index, list(by)].assign(level=level_of(shares, cuts))
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


def small_area_levels(level_shares: pd.DataFrame, over: str = "municipality") -> pd.DataFrame:
    """Shares of a level in groups that may be small, each drawn towards all groups of its kind.

    Full Bayes beta-binomial among the groups of one procedure, wave, domain and level. It stands
    beside the document's share and says what of a difference may be the smallness of a group.

    Parameters
    ----------
    level_shares
        Measure table of `level_shares`, broken down over `over`; the rows of everyone and of other
        breakdowns are not used, nor are those whose group is not known: they are no group.

    Returns
    -------
    DataFrame
        The same keys; measure `small_area_share` with the posterior mean and a 95 % interval of
        the kind `small_area`; `n` persons of the group.

    Notes
    -----
    See `intervals.small_area_shares`.
    """
    keys = ["procedure", "wave", "domain", "level"]
    whole = [name for name in ("municipality", "family") if name in level_shares and name != over]
    is_group = ~level_shares[over].isin([TOTAL, UNSTATED])
    rows = level_shares[level_shares["measure"].eq("level_share") & is_group]
    rows = rows[rows[whole].eq(TOTAL).all(axis=1) & rows["status"].eq("ok")]
    parts = []
    for _, group in rows.groupby(keys):
        counts = (group["estimate"] * group["n"]).round().astype(float)
        parts.append(small_area_shares(counts, group["n"].astype(float)))
    found = pd.concat(parts) if parts else pd.DataFrame(columns=["estimate", "ci_low", "ci_high"])
    table = rows.assign(measure="small_area_share", std_error=np.nan, interval_kind="small_area")
    columns = ["estimate", "ci_low", "ci_high"]
    return table.assign(**found.reindex(rows.index)[columns].astype(float)).reset_index(drop=True)


def level_of(shares: pd.Series, cuts: Mapping[str, float]) -> pd.Categorical:
    """Level of each result, a share of the maximum; one at a bound belongs to the lower level."""
    index = np.searchsorted(np.array(list(cuts.values())) + ROUNDING, shares, side="left")
    return pd.Categorical.from_codes(index, list(cuts))


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


def score_histogram(
    scores: pd.DataFrame, cuts: Mapping[str, float], by: Sequence[str] = ()
) -> pd.DataFrame:
    """Share of results in each interval of the score scale.

    Intervals are closed above, as levels are, and every cut is one of their edges: those up to it
    add up to the share at or below the cut. Within a level they are equally wide and hold equally
    many score steps, as many as fit in about 5 % of the maximum (the first also holds 0).

    Parameters
    ----------
    cuts
        As in `level_shares`.

    Returns
    -------
    DataFrame
        Measure table with keys `by`, `bin_low`, `bin_high` (shares 0–1) of the groups of `by` in
        which anybody was tested.
    """
    bounds = np.array(list(cuts.values()), float)
    if not by:
        return _histogram(scores, bounds)
    tables = [
        _histogram(group, bounds).assign(**dict(zip(by, values, strict=True)))
        for values, group in scores.groupby(list(by), observed=True)
    ]
    columns = [*by, "bin_low", "bin_high", *ESTIMATE_COLUMNS]
    return pd.concat(tables, ignore_index=True)[columns] if tables else _no_rows(columns)


def _no_rows(columns: list[str]) -> pd.DataFrame:
    """An empty measure table, its numbers numbers."""
    table = pd.DataFrame(columns=columns)
    numbers = ["bin_low", "bin_high", "estimate", "std_error", "ci_low", "ci_high"]
    return table.astype({name: "float64" for name in numbers if name in table} | {"n": "Int64"})


def _histogram(scores: pd.DataFrame, bounds: np.ndarray) -> pd.DataFrame:
    shares = _share_of_maximum(scores)
    edges = _bin_edges(float(scores["max_score"].max()), bounds)
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


def broken_down(
    measure: Callable[[Sequence[str]], pd.DataFrame],
    by: Sequence[str],
    over: Sequence[str] = ("municipality", "family"),
    *,
    counted: pd.DataFrame | None = None,
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
    counted
        Rows of the same measure that the region has counted itself, put below.
    """
    parts = [measure(by).assign(**dict.fromkeys(over, TOTAL))]
    for name in over:
        rest = {other: TOTAL for other in over if other != name}
        parts.append(measure([*by, name]).assign(**rest))
    parts = [part.astype(dict.fromkeys(over, "str")) for part in parts]
    if counted is not None and len(counted):
        parts = [part for part in parts if len(part)]
        parts.append(counted[[*by, *over, *counted.columns.drop([*by, *over])]])
    table = pd.concat(parts)
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


def _bin_edges(max_score: float, bounds: np.ndarray, widest: float = 0.05) -> np.ndarray:
    """Edges from 0 to 1 with all `bounds` among them, as many score steps in a bin of a level."""
    steps = np.floor(bounds * max_score + ROUNDING)
    steps[-1] = math.ceil(max_score - ROUNDING)
    together = max(1, int(widest * max_score + ROUNDING))
    n_bins = np.maximum(1, np.round(np.diff(steps, prepend=0) / together)).astype(int)
    lows = np.append(0, bounds[:-1])
    parts = [np.linspace(*ends, n + 1)[1:] for *ends, n in zip(lows, bounds, n_bins, strict=True)]
    return np.concatenate([[0.0], *parts])


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
