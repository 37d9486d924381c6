"""What a region has counted itself: the table `aggregates`, for procedures without records."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.intervals import share_interval
from nmc_utils.measures.reporting import NOT_SENT
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL, of_places

NOT_COUNTED = "в сводных числах этого нет"


def counted_level_shares(tables: Mapping[str, pd.DataFrame], region: Region) -> pd.DataFrame:
    """Level shares of the procedures that a region has sent as counts.

    The region's own distribution comes first; else it is the sum over the municipalities that have
    counted every level, so that all levels are shares of the same people, and `note` says of how
    many municipalities it is.

    Returns
    -------
    DataFrame
        Measure table with keys `procedure`, `wave`, `domain`, `level`, `municipality`, `family`
        (always ``"total"``); `estimate` is a share 0–1 with its Wilson interval, `n` the persons
        tested. Every level of the region and, where municipalities were named, every municipality
        has a row: what was not counted is «no_data». Empty when there are no such counts.
    """
    keys = ["procedure", "wave", "domain"]
    frames = [
        _distribution(group, region).assign(**dict(zip(keys, values, strict=True)))
        for values, group in _counts(tables, "level_share").groupby(keys)
    ]
    columns = [*keys, "level", "municipality", "family", *ESTIMATE_COLUMNS, "note"]
    if not frames:
        return pd.DataFrame(columns=columns)
    table = pd.concat(frames, ignore_index=True)
    numerator, n = (table[name].astype("Float64").astype(float) for name in ("numerator", "n"))
    share = numerator / n.where(n > 0)
    missing = share.isna()
    low, high = share_interval(numerator.mask(missing, 0), n.mask(missing, 0))
    return table.assign(
        family=TOTAL,
        measure="level_share",
        estimate=share,
        std_error=np.sqrt(share * (1 - share) / n),
        ci_low=pd.Series(low, table.index).mask(missing),
        ci_high=pd.Series(high, table.index).mask(missing),
        interval_kind="process",
        n=n.astype("Int64"),
        status=np.where(missing, "no_data", "ok"),
    )[columns]


def _distribution(counts: pd.DataFrame, region: Region) -> pd.DataFrame:
    """All levels × the region and its municipalities: `numerator`, `n` and `note`."""
    levels = list(region.diagnostics.cuts)
    given = counts.set_index(["municipality", "level"])
    named = set(counts["municipality"])
    rows = []
    for place in [TOTAL, *(region.municipality_names if named - {TOTAL} else [])]:
        for level in levels:
            row = {"municipality": place, "level": level, "note": NOT_SENT}
            if place in named:
                row |= {"n": given.loc[place, "denominator"].max(), "note": NOT_COUNTED}
            if (place, level) in given.index:
                row |= {"numerator": given.loc[(place, level), "numerator"], "note": None}
            rows.append(row)
    table = pd.DataFrame(rows, columns=["municipality", "level", "numerator", "n", "note"])
    return table if TOTAL in named else _summed(table, region)


def _summed(table: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Fill the rows of the region with sums over the municipalities that counted every level."""
    parts = table[table["municipality"] != TOTAL]
    whole = parts["numerator"].notna().groupby(parts["municipality"]).transform("all")
    parts = parts[whole]
    n_places, is_total = parts["municipality"].nunique(), table["municipality"] == TOTAL
    if not n_places:
        return table.assign(note=table["note"].mask(is_total, NOT_COUNTED))
    sums = parts.groupby("level")["numerator"].sum()
    people = parts.drop_duplicates("municipality")["n"].sum()
    n_all = len(region.municipalities)
    note = None if n_places == n_all else f"сумма по {of_places(n_places, n_all)}"
    return table.assign(
        numerator=table["numerator"].mask(is_total, table["level"].map(sums)),
        n=table["n"].mask(is_total, people),
        note=table["note"].mask(is_total, note),
    )


def counted_tested(tables: Mapping[str, pd.DataFrame], region: Region) -> pd.DataFrame:
    """Persons tested at entry in procedures that a region has sent as counts.

    Where it sent levels alone, those tested are the people whose levels were counted.

    Returns
    -------
    DataFrame
        `procedure`, `municipality` (``"total"`` is the region; else their sum), `tested`, `staff`
        (missing where it was not given) and `note`.
    """
    entry = [_counts(tables, name).query("wave == 'entry'") for name in ("tested", "level_share")]
    told, levels = entry
    levels = levels[~levels["procedure"].isin(told["procedure"])]
    people = levels.sort_values("domain", key=lambda names: names != TOTAL, kind="stable")
    people = people.drop_duplicates(["procedure", "municipality"])
    people = people.assign(numerator=people["denominator"], denominator=pd.NA)
    counts = pd.concat([told, people])[["procedure", "municipality", "numerator", "denominator"]]
    named = counts.rename(columns={"numerator": "tested", "denominator": "staff"})
    frames = [_with_sum(group, region) for _, group in named.groupby("procedure")]
    return pd.concat(frames, ignore_index=True) if frames else named.assign(note=None)


def _with_sum(counts: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Put the sum of the municipalities on top where the region gave no number of its own."""
    counts = counts.assign(note=None)
    is_total = counts["municipality"] == TOTAL
    n_places, n_all = counts.loc[~is_total, "municipality"].nunique(), len(region.municipalities)
    if is_total.any():
        own, parts = (counts.loc[rows, "tested"].sum() for rows in (is_total, ~is_total))
        differs = own < parts or (n_places == n_all and own != parts)
        note = f"сумма муниципальных образований другая: {parts}" if differs else None
        return counts.assign(note=counts["note"].mask(is_total, note))
    whole = {
        "procedure": counts["procedure"].iloc[0],
        "municipality": TOTAL,
        "tested": counts["tested"].sum(),
        "staff": counts["staff"].sum() if counts["staff"].notna().all() else pd.NA,
        "note": None if n_places == n_all else f"сумма по {of_places(n_places, n_all)}",
    }
    return pd.concat([pd.DataFrame([whole]), counts], ignore_index=True)


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
        return float(own["numerator"].iloc[0]), _where(own, region)
    n_all = len(region.municipalities)
    lacking = n_all - counts["municipality"].nunique()
    if lacking:
        given = of_places(n_all - lacking, n_all)
        return np.nan, f"в сводных числах это прислали только {given}"
    return float(counts["numerator"].sum()), _where(counts, region)


def _where(counts: pd.DataFrame, region: Region) -> str:
    """Documents by their short titles: intake lets in no other words, as these are published."""
    known = {document.id: document.short for document in region.documents}
    documents = "; ".join(dict.fromkeys(counts["document"].map(known).dropna()))
    return f"сводные числа региона{f', {documents}' if documents else ''}"


def _counts(tables: Mapping[str, pd.DataFrame], measure: str) -> pd.DataFrame:
    """Rows of `aggregates` of one measure; `procedure_id` is called as in measure tables."""
    if "aggregates" not in tables:
        columns = ["procedure", "wave", "domain", "level", "municipality"]
        return pd.DataFrame(columns=[*columns, "numerator", "denominator", "document"])
    counts = tables["aggregates"].rename(columns={"procedure_id": "procedure"})
    return counts[counts["measure"] == measure].drop(columns="measure").reset_index(drop=True)
