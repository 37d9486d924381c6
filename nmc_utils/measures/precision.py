"""What the error of measurement does to the results of an edition: at each cut, along the scale.

The population is everyone tested in one wave of a procedure whose form was assessed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from nmc_utils.measures import jackknife
from nmc_utils.measures.classification import (
    Classification,
    borderline_band,
    classification_accuracy,
    error_of_measurement,
)
from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.distributions import ROUNDING
from nmc_utils.measures.measurement import pooled_reliability
from nmc_utils.measures.pooling import Pool, pools
from nmc_utils.measures.reliability import LEAST_ITEMS
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL

#: Measure → field of the classification at a cut. Shares of people are those by the document's own
#: cut; agreement of levels is Livingston and Lewis's, at their effective length.
AT_CUT = {
    "accuracy": "accuracy",
    "consistency": "consistency",
    "kappa": "kappa",
    "false_deficit_share": "false_deficit_share_by_rule",
    "missed_deficit_share": "missed_deficit_share_by_rule",
}
#: What an interval leaves out where a reliability was not estimated from the answers.
FIXED = "без погрешности надёжности: она сообщена одним числом"
#: Why there is no interval.
NO_FIT = "без интервала: к части результатов модель не подбирается"
_NOBODY = {
    "estimate": np.nan,
    "status": "no_data",
    "interval_kind": "none",
    "note": "по эту сторону порога никого нет",
}
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
        and the measures `AT_CUT`, with an interval for another such set of persons. `n` persons
        are those whom the rule puts at or below the cut for `false_deficit_share`, above it for
        `missed_deficit_share`, else everyone. `note` says why it is not assessed, or that the error
        of a reported reliability is not in the interval.

    Notes
    -----
    The error of sampling by a `jackknife` over parts of the persons, in the order of their
    pseudonyms, which is that of nothing else. Reliability is found anew without each part, so that
    what the persons do to it is counted together with what they do to the shares; the rest of its
    error is that of the level of the error variance (`Pool.std_error_of_level`).
    """
    persons = pools(results, reliability)
    rows = []
    for pooled in pooled_reliability(reliability).to_dict("records"):
        key = tuple(pooled[name] for name in _KEYS)
        for level, cut in region.diagnostics.cuts.items():
            if cut < 1:
                base = dict(zip(_KEYS, key, strict=True)) | {"level": level, "n": pooled["n"]}
                rows += [base | row for row in _at_cut(persons.get(key), pooled, cut)]
    table = pd.DataFrame(rows, columns=[*_KEYS, "level", *ESTIMATE_COLUMNS, "note"])
    return table.astype({"n": "Int64"})


def _at_cut(pool: Pool | None, pooled: Row, cut: float) -> list[Row]:
    if pool is None:
        return _not_assessed(pooled["note"])
    try:
        at = classification_accuracy(pool.shares, 1.0, pool.estimate(), cut)
    except ValueError as error:  # says what of the results no model fits
        return _not_assessed(str(error).rstrip("."))
    errors = _errors(pool, cut)
    is_low = pool.shares <= cut * (1 + ROUNDING)
    n = dict.fromkeys(AT_CUT, len(is_low))
    n |= {"false_deficit_share": is_low.sum(), "missed_deficit_share": (~is_low).sum()}
    note = None if pool.is_estimated.all() else FIXED
    rows = []
    for place, (name, field) in enumerate(AT_CUT.items()):
        row = {"measure": name, "estimate": getattr(at, field), "n": int(n[name]), "status": "ok"}
        if not row["n"]:
            rows.append(row | _NOBODY)
        elif errors is None:
            rows.append(row | {"interval_kind": "none", "note": NO_FIT})
        else:
            rows.append(row | _interval(name, row["estimate"], errors[place]) | {"note": note})
    return rows


def _interval(name: str, estimate: float, error: float) -> Row:
    """Interval of a share by its logit, which a share of a few persons is less skewed on."""
    reach = jackknife.reach(error) * np.array([-1, 1])
    if name != "kappa" and 0 < estimate < 1:
        low, high = expit(logit(estimate) + reach / (estimate * (1 - estimate)))
    else:
        low, high = np.clip(estimate + reach, -1 if name == "kappa" else 0, 1)
    return {"std_error": error, "ci_low": low, "ci_high": high, "interval_kind": "process"}


def _not_assessed(note: str) -> list[Row]:
    row = {"interval_kind": "none", "status": "not_assessed", "note": note}
    return [{"measure": name} | row for name in AT_CUT]


def _fields(at: Classification) -> list[float]:
    return [getattr(at, field) for field in AT_CUT.values()]


def _errors(pool: Pool, cut: float) -> np.ndarray | None:
    """Standard error of each measure; None where no model fits some of the persons."""
    level = pool.std_error_of_level()
    try:
        without = [
            _fields(classification_accuracy(pool.shares[kept], 1.0, pool.estimate(kept), cut))
            for kept in jackknife.kept(len(pool.shares))
        ]
        low, high = (
            np.array(_fields(classification_accuracy(pool.shares, 1.0, rho, cut)))
            for rho in pool.estimate() + level * np.array([-1, 1])
        )
    except ValueError:
        return None
    return np.sqrt(jackknife.variance(without) + ((high - low) / 2) ** 2)


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
        `band_high`, shares of the maximum. Only what was assessed has rows, and no
        competence of fewer than `LEAST_ITEMS` items: there no level of a person is estimated.
    """
    low, high = region.diagnostics.borderline
    rows = []
    is_short = pooled["domain"].ne(TOTAL) & pooled["n_items"].lt(LEAST_ITEMS).fillna(False)
    for row in pooled[pooled["status"].eq("ok") & ~is_short].to_dict("records"):
        for level, cut in region.diagnostics.cuts.items():
            if cut < 1:
                given = {"reliability": row["estimate"], "mean": row["mean"], "std": row["sd"]}
                ends = borderline_band(1.0, **given, cut=cut, low=low, high=high)
                keys = {name: row[name] for name in _KEYS}
                bounds = dict(zip(("band_low", "band_high"), np.clip(ends, 0, 1), strict=True))
                rows.append(keys | {"level": level, "cut": cut} | bounds)
    columns = [*_KEYS, "level", "cut", "band_low", "band_high"]
    return pd.DataFrame(rows, columns=columns)
