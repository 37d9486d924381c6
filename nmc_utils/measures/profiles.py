"""Whether the profile of a person over competences may be interpreted, and how.

The population is everyone tested in one wave of a procedure with a result in every competence of
the own form; moments are those within forms.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nmc_utils.measures import jackknife
from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.reliability import LEAST_ITEMS
from nmc_utils.measures.subscores import augmented_weights, value_of_scores
from nmc_utils.measures.within_forms import Moments, Wave, moments, waves_of

#: What the expectation of a person's true result in a competence rests on.
BASES = {
    "subscore": "по баллу компетенции",
    "augmented": "по баллам компетенции и всего теста",
}
_MEASURES = ("reliability", "prmse_total", "prmse_augmented", "value_added", "adds_value")
_UNKNOWN = "надёжность компетенций неизвестна, или компетенция одна"


def subscores(results: pd.DataFrame, reliability: pd.DataFrame) -> pd.DataFrame:
    """Value of each competence's score beside the score of the whole test.

    Parameters
    ----------
    results
        Of `scored`.
    reliability
        Of `reliability_by_form`.

    Returns
    -------
    DataFrame
        Measure table with keys `procedure`, `wave`, `domain`: `reliability` of the competence,
        `prmse_total` and `prmse_augmented`, how well the whole test alone and both together
        predict its true score (0–1); `value_added`, reliability less `prmse_total`, with an
        interval; `adds_value`, 1 where that is above 0. `note` says why it is not assessed.

    Notes
    -----
    The interval of `value_added` by a `jackknife` over parts of the persons in the order of
    their pseudonyms, with the errors of the reliabilities added as independent.
    """
    parts = [_value_of_wave(wave).assign(**wave.key) for wave in waves_of(results, reliability)]
    columns = ["procedure", "wave", "domain", *ESTIMATE_COLUMNS, "note"]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return table.reindex(columns=columns).astype({"n": "Int64"})


def _value_of_wave(wave: Wave) -> pd.DataFrame:
    try:
        known = moments(wave)
        note = _UNKNOWN if known is None else None
        found = None if known is None else value_of_scores(known.covariance, known.reliability)
    except ValueError as error:  # names the competence
        note = str(error).rstrip(".")
    if note is not None:
        nothing = {"status": "not_assessed", "interval_kind": "none", "note": note}
        rows = [
            {"domain": domain, "measure": name} | nothing
            for domain in wave.scores
            for name in _MEASURES
        ]
        return pd.DataFrame(rows)
    found = found.assign(value_added=found["prmse_subscore"] - found["prmse_total"])
    table = found[list(_MEASURES)].astype(float).rename_axis("domain").reset_index()
    table = table.melt("domain", var_name="measure", value_name="estimate")
    error = (
        table["domain"].map(_error_of_value(wave, known)).where(table["measure"].eq("value_added"))
    )
    reach = jackknife.reach(error)
    return table.assign(
        std_error=error,
        ci_low=table["estimate"] - reach,
        ci_high=table["estimate"] + reach,
        interval_kind=np.where(error.notna(), "process", "none"),
        n=len(known.centre),
        status="ok",
    )


def _value_added(known: Moments, reliability: pd.Series) -> pd.Series:
    value = value_of_scores(known.covariance, reliability)
    return value["prmse_subscore"] - value["prmse_total"]


def _error_of_value(wave: Wave, known: Moments) -> pd.Series:
    """Standard error of `value_added` by domain; missing where some part has no value."""
    without = [moments(wave.of(kept)) for kept in jackknife.kept(len(wave.scores))]
    unknown = pd.Series(np.nan, known.covariance.index)
    if any(some is None for some in without):
        return unknown
    try:
        sampling = [_value_added(some, some.reliability) for some in without]
        variance = pd.Series(jackknife.variance(sampling), known.covariance.index)
        for domain, se in known.reliability_se.items():
            lower = known.reliability - se * (known.reliability.index == domain)
            variance += (_value_added(known, lower) - _value_added(known, known.reliability)) ** 2
    except ValueError:  # without a part of the persons, or a little lower, there is no value
        return unknown
    return np.sqrt(variance)


def profiles(results: pd.DataFrame, reliability: pd.DataFrame) -> pd.DataFrame:
    """Expected true result of a person in each competence, and what it rests on.

    Where a competence adds value it rests on the competence's own score, elsewhere on that and the
    whole test; either is drawn to the mean of the form, so that competences compare. It stands
    beside the document's result.

    Parameters
    ----------
    results, reliability
        As of `subscores`.

    Returns
    -------
    DataFrame
        `procedure`, `wave`, `domain`, `person_id`, `interpreted_share` (share of the maximum) and
        `basis`, a key of `BASES`. No rows for competences of fewer than `LEAST_ITEMS` items, nor
        where the value of subscores is not known: `subscores` says why.
    """
    parts = [_profiles_of(wave) for wave in waves_of(results, reliability)]
    columns = ["procedure", "wave", "domain", "person_id", "interpreted_share", "basis"]
    if not (parts := [part for part in parts if part is not None and len(part)]):
        return pd.DataFrame(columns=columns)
    return pd.concat(parts)[columns].sort_values(columns[:4], ignore_index=True)


def _profiles_of(wave: Wave) -> pd.DataFrame | None:
    known = moments(wave)
    try:
        value = None if known is None else value_of_scores(known.covariance, known.reliability)
        weights = None if known is None else augmented_weights(known.covariance, known.reliability)
    except ValueError:  # told by `subscores`
        return None
    if value is None:
        return None
    away = wave.scores.loc[known.centre.index] - known.centre
    by_both = away * weights["on_subscore"] + np.outer(away.sum(axis=1), weights["on_total"])
    own = list(value.index[value["adds_value"]])
    by_both[own] = away[own] * known.reliability[own]
    long_enough = wave.n_items.index[wave.n_items.ge(LEAST_ITEMS).fillna(False)]
    shown = (known.centre + by_both).clip(0, 1)[list(long_enough)]
    long = (
        shown.rename_axis(index="person_id", columns="domain").stack().rename("interpreted_share")
    )
    long = long.reset_index()
    basis = np.where(long["domain"].isin(own), "subscore", "augmented")
    return long.assign(basis=basis, **wave.key)
