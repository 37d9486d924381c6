"""What a region has counted itself: the table `aggregates`, for procedures without records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.intervals import share_interval
from nmc_utils.measures.reporting import NOT_SENT
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL


def whole_region(counts: pd.DataFrame, keys: Sequence[str], region: Region) -> pd.DataFrame:
    """Give every set of `keys` its row of the whole region.

    Parameters
    ----------
    counts
        Rows of `aggregates` of one measure: `keys`, `municipality`, `numerator`, `denominator`.

    Returns
    -------
    DataFrame
        `counts` with `note`. Where the region gave no number of its own, its row is the sum of
        its municipalities, and where some are lacking the note says how many there are.
    """
    counts = counts.assign(note=None)
    keys = list(keys)
    own = counts.loc[counts["municipality"] == TOTAL, keys]
    parts = counts[counts["municipality"] != TOTAL].merge(own, how="left", indicator=True)
    parts = parts[parts["_merge"] == "left_only"]
    if parts.empty:
        return counts
    sums = parts.groupby(keys, as_index=False, dropna=False).agg(
        numerator=("numerator", "sum"),
        denominator=("denominator", lambda column: column.sum(skipna=False)),
        places=("municipality", "nunique"),
    )
    n_all = len(region.municipalities)
    notes = [
        None if n == n_all else f"сумма по {n} из {n_all} муниципальных образований"
        for n in sums["places"]
    ]
    sums = sums.assign(municipality=TOTAL, note=notes)
    return pd.concat([counts, sums.drop(columns="places")], ignore_index=True)


def counted_level_shares(tables: Mapping[str, pd.DataFrame], region: Region) -> pd.DataFrame:
    """Level shares of the procedures that a region has sent as counts.

    Returns
    -------
    DataFrame
        Measure table with keys `procedure`, `wave`, `domain`, `level`, `municipality`, `family`
        (always ``"total"``); `estimate` is a share 0–1 with its Wilson interval, `n` the persons
        tested. Every level of the region and every municipality has a row: what was not counted
        is «no_data». Empty when there are no such counts.
    """
    keys = ["procedure", "wave", "domain", "level"]
    counts = _counts(tables, "level_share")
    counts = whole_region(counts, keys, region)
    index = ["procedure", "wave", "domain"]
    frames = [
        _every_level(group, dict(zip(index, values, strict=True)), region)
        for values, group in counts.groupby(index)
    ]
    columns = [*keys, "municipality", "family", *ESTIMATE_COLUMNS, "note"]
    if not frames:
        return pd.DataFrame(columns=columns)
    table = pd.concat(frames, ignore_index=True)
    numerator, n = (table[name].astype("float64") for name in ("numerator", "n"))
    low, high = share_interval(numerator.fillna(0), n.fillna(0))
    share = numerator / n.where(n > 0)
    missing = share.isna()
    return table.assign(
        family=TOTAL,
        measure="level_share",
        estimate=share,
        std_error=np.sqrt(share * (1 - share) / n),
        ci_low=pd.Series(low, table.index).where(~missing),
        ci_high=pd.Series(high, table.index).where(~missing),
        interval_kind="process",
        n=n.fillna(0).astype("Int64"),
        status=np.where(missing, "no_data", "ok"),
        note=table["note"].where(~missing, NOT_SENT),
    )[columns]


def _every_level(counts: pd.DataFrame, keys: dict[str, str], region: Region) -> pd.DataFrame:
    """Rows of one procedure, wave and domain: all levels × the region and its municipalities."""
    levels = list(region.diagnostics.cuts)
    places = [TOTAL]
    if counts["municipality"].ne(TOTAL).any():
        places += list(region.municipality_names)
    grid = pd.MultiIndex.from_product([levels, places], names=["level", "municipality"])
    rows = counts.set_index(["level", "municipality"])[["numerator", "denominator", "note"]]
    rows = rows.reindex(grid).reset_index().rename(columns={"denominator": "n"})
    sizes = counts.groupby("municipality")["denominator"].max()
    return rows.assign(**keys, n=rows["n"].fillna(rows["municipality"].map(sizes)))


def counted_tested(tables: Mapping[str, pd.DataFrame], region: Region) -> pd.DataFrame:
    """Persons tested at entry in procedures that a region has sent as counts.

    Returns
    -------
    DataFrame
        `procedure`, `municipality` (``"total"`` is the region), `tested`, `staff` (missing where
        it was not given) and `note`.
    """
    counts = _counts(tables, "tested")
    counts = whole_region(counts[counts["wave"] == "entry"], ["procedure"], region)
    named = {"numerator": "tested", "denominator": "staff"}
    return counts.rename(columns=named)[["procedure", "municipality", *named.values(), "note"]]


def counted_number(
    tables: Mapping[str, pd.DataFrame], metric: str, region: Region
) -> tuple[float, str]:
    """A number of an indicator that a region has counted itself, and where it comes from.

    The region's own number comes first; the sum of its municipalities takes its place only where
    every one of them has given a number.
    """
    counts = _counts(tables, metric)
    if counts.empty:
        return np.nan, "в сводных числах нет"
    own = counts[counts["municipality"] == TOTAL]
    if len(own):
        return float(own["numerator"].iloc[0]), _where(own)
    lacking = len(region.municipalities) - counts["municipality"].nunique()
    if lacking:
        return np.nan, f"в сводных числах нет числа от {lacking} муниципальных образований"
    return float(counts["numerator"].sum()), _where(counts)


def _where(counts: pd.DataFrame) -> str:
    documents = "; ".join(dict.fromkeys(counts["document"].dropna()))
    return f"сводные числа региона{f', {documents}' if documents else ''}"


def _counts(tables: Mapping[str, pd.DataFrame], measure: str) -> pd.DataFrame:
    """Rows of `aggregates` of one measure; `procedure_id` is called as in measure tables."""
    if "aggregates" not in tables:
        columns = ["procedure", "wave", "domain", "level", "municipality"]
        return pd.DataFrame(columns=[*columns, "numerator", "denominator", "document"])
    counts = tables["aggregates"].rename(columns={"procedure_id": "procedure"})
    return counts[counts["measure"] == measure].drop(columns="measure").reset_index(drop=True)
