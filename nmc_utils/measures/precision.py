"""What the error of measurement does to the results of an edition: at each cut, along the scale.

The population is everyone tested in one wave of a procedure whose form was assessed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from nmc_utils.measures.classification import (
    Classification,
    borderline_band,
    classification_accuracy,
    error_of_measurement,
)
from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.measurement import pooled_reliability
from nmc_utils.regions import Region
from nmc_utils.terms import WORST

#: Measure → field of the classification at a cut. Shares of people are those by the document's own
#: cut; agreement of levels is Livingston and Lewis's, at their effective length.
AT_CUT = {
    "accuracy": "accuracy",
    "consistency": "consistency",
    "kappa": "kappa",
    "false_deficit_share": "false_deficit_share_by_rule",
    "missed_deficit_share": "missed_deficit_share_by_rule",
}
#: Parts of the persons, each left out in turn, that the error of sampling is found from.
PARTS = 20
_KEYS = ["procedure", "wave", "domain"]

Row = dict[str, Any]


def classification(
    results: pd.DataFrame, reliability: pd.DataFrame, region: Region
) -> pd.DataFrame:
    """How often the level of a result is that of the true score, at each cut.

    Livingston–Lewis on the shares of the maximum of everyone whose form was assessed.

    Parameters
    ----------
    results
        Of `scored`.
    reliability
        Of `reliability_by_form`.

    Returns
    -------
    DataFrame
        Measure table with keys `procedure`, `wave`, `domain`, `level` (the cut is its upper bound)
        and the measures `AT_CUT`, with an interval for another such set of persons and for the
        error of the reliability, where that is known. `note` says why it is not assessed.

    Notes
    -----
    The error of sampling by a jackknife over `PARTS` parts of the persons, in the order of their
    pseudonyms, which is that of nothing else.
    """
    taken = results[results["raw_score"].notna() & results["domain"].ne(WORST)]
    taken = taken.rename(columns={"form_id": "form"}).astype({"domain": "str"})
    taken = taken.sort_values("person_id")
    status = reliability.set_index(["procedure", "wave", "form", "domain"])["status"]
    judged = taken[taken.join(status, on=status.index.names)["status"].eq("ok")]
    shares = judged["raw_score"] / judged["max_score"]
    by_key = dict(tuple(shares.groupby([judged[key] for key in _KEYS])))
    rows = []
    for pooled in pooled_reliability(reliability).to_dict("records"):
        key = tuple(pooled[name] for name in _KEYS)
        for level, cut in region.diagnostics.cuts.items():
            if cut < 1:
                base = dict(zip(_KEYS, key, strict=True)) | {"level": level, "n": pooled["n"]}
                rows += [base | row for row in _at_cut(by_key.get(key), pooled, cut)]
    table = pd.DataFrame(rows, columns=[*_KEYS, "level", *ESTIMATE_COLUMNS, "note"])
    return table.astype({"n": "Int64"})


def _at_cut(shares: pd.Series | None, pooled: Row, cut: float) -> list[Row]:
    if pooled["status"] != "ok":
        return _not_assessed(pooled["note"])
    try:
        at = classification_accuracy(shares, 1.0, pooled["estimate"], cut)
    except ValueError as error:  # says what of the results no model fits
        return _not_assessed(str(error).rstrip("."))
    variances = [_of_sampling(shares, pooled, cut), _of_reliability(shares, pooled, cut)]
    if any(variance is None for variance in variances):
        nothing = {"interval_kind": "none", "status": "ok"}
        return [
            {"measure": name, "estimate": getattr(at, field)} | nothing
            for name, field in AT_CUT.items()
        ]
    errors = np.sqrt(np.sum(variances, axis=0))
    rows = []
    for (name, field), error in zip(AT_CUT.items(), errors, strict=True):
        estimate, reach = getattr(at, field), stdtrit(PARTS - 1, 0.975) * error
        ends = np.clip([estimate - reach, estimate + reach], -1 if name == "kappa" else 0, 1)
        row = {"measure": name, "estimate": estimate, "std_error": error}
        row |= {"ci_low": ends[0], "ci_high": ends[1], "interval_kind": "process"}
        rows.append(row | {"status": "ok"})
    return rows


def _not_assessed(note: str) -> list[Row]:
    row = {"interval_kind": "none", "status": "not_assessed", "note": note}
    return [{"measure": name} | row for name in AT_CUT]


def _fields(at: Classification) -> list[float]:
    return [getattr(at, field) for field in AT_CUT.values()]


def _of_sampling(shares: pd.Series, pooled: Row, cut: float) -> np.ndarray | None:
    """Variance of each measure over sets of persons; None where no model fits some of them."""
    part = np.arange(len(shares)) % PARTS
    try:
        without = [
            _fields(classification_accuracy(shares[part != at], 1.0, pooled["estimate"], cut))
            for at in range(PARTS)
        ]
    except ValueError:  # no model fits the rest
        return None
    return (PARTS - 1) * np.var(without, axis=0)


def _of_reliability(shares: pd.Series, pooled: Row, cut: float) -> np.ndarray | None:
    """Variance of each measure by the error of the reliability; 0 where that is not known."""
    bounds = [pooled["ci_low"], pooled["ci_high"]]
    if np.isnan(bounds).any():
        return np.zeros(len(AT_CUT))
    try:
        low, high = (
            np.array(_fields(classification_accuracy(shares, 1.0, bound, cut))) for bound in bounds
        )
    except ValueError:  # no model fits at a bound
        return None
    return ((high - low) / (2 * ndtri(0.975))) ** 2


def error_along_scale(pooled: pd.DataFrame) -> pd.DataFrame:
    """Standard error of measurement along the scale of results.

    Parameters
    ----------
    pooled
        Of `pooled_reliability`.

    Returns
    -------
    DataFrame
        Measure table with keys `procedure`, `wave`, `domain`, `score_share` (0–1 in steps of one
        item); measure `score_error`, a share of the maximum. Only what was assessed has rows, and
        of that what has results between 0 and the maximum.
    """
    parts = []
    for row in pooled[pooled["status"] == "ok"].dropna(subset="n_items").to_dict("records"):
        try:
            curve = error_of_measurement(
                1.0, row["n_items"], row["estimate"], row["mean"], row["sd"]
            )
        except ValueError:  # nobody is between 0 and the maximum, as with a single item
            continue
        curve = curve.rename(columns={"score": "score_share", "std_error": "estimate"})
        keys = {name: row[name] for name in (*_KEYS, "n")}
        parts.append(curve.assign(**keys))
    columns = [*_KEYS, "score_share", *ESTIMATE_COLUMNS]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    table = table.reindex(columns=columns).astype({"n": "Int64", "estimate": "float64"})
    return table.assign(measure="score_error", interval_kind="none", status="ok")


def borderline_bands(pooled: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Results on either side of each cut whose level is unsure.

    Parameters
    ----------
    pooled
        Of `pooled_reliability`.
    region
        Between which chances of lying at or below a cut a level is unsure.

    Returns
    -------
    DataFrame
        `procedure`, `wave`, `domain`, `level` (the cut is its upper bound), `cut`, `band_low` and
        `band_high`, shares of the maximum. Only what was assessed has rows.
    """
    low, high = region.diagnostics.borderline
    rows = []
    for row in pooled[pooled["status"] == "ok"].to_dict("records"):
        for level, cut in region.diagnostics.cuts.items():
            if cut < 1:
                given = {"reliability": row["estimate"], "mean": row["mean"], "std": row["sd"]}
                ends = borderline_band(1.0, **given, cut=cut, low=low, high=high)
                keys = {name: row[name] for name in _KEYS}
                bounds = dict(zip(("band_low", "band_high"), np.clip(ends, 0, 1), strict=True))
                rows.append(keys | {"level": level, "cut": cut} | bounds)
    columns = [*_KEYS, "level", "cut", "band_low", "band_high"]
    return pd.DataFrame(rows, columns=columns)
