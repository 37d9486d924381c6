"""Whether the profile of a person over competences may be interpreted, and how.

The population is everyone tested in one wave of a procedure with a result in every competence of
the own form. Moments are those within forms: people of different forms are not one population.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.subscores import augmented_weights, value_of_scores
from nmc_utils.terms import TOTAL, WORST

#: What a competence of a person is interpreted by.
BASES = {
    "subscore": "по баллу компетенции",
    "augmented": "по баллам компетенции и всего теста",
}
_WAVE = ["procedure", "wave"]
_MEASURES = ("reliability", "prmse_total", "prmse_augmented", "adds_value")


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
        predict its true score (0–1), and `adds_value`, 1 where the competence's own score predicts
        it better than the whole test. `note` says why it is not assessed.
    """
    parts = []
    for key, scores, forms in _waves(results, reliability):
        parts.append(_value_of_wave(scores, forms).assign(**dict(zip(_WAVE, key, strict=True))))
    columns = [*_WAVE, "domain", *ESTIMATE_COLUMNS, "note"]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return table.reindex(columns=columns).astype({"n": "Int64"})


def profiles(results: pd.DataFrame, reliability: pd.DataFrame) -> pd.DataFrame:
    """What of each competence of a person is interpreted, and by what.

    Parameters
    ----------
    results, reliability
        As of `subscores`.

    Returns
    -------
    DataFrame
        `procedure`, `wave`, `domain`, `person_id`, `interpreted_share` (share of the maximum) and
        `basis`, a key of `BASES`: the own score where it adds value, else the best prediction from
        it and the whole test. Only where the value of subscores is known.
    """
    parts = []
    for key, scores, forms in _waves(results, reliability):
        known = _moments(scores, forms)
        if known is None:
            continue
        covariance, pooled, centre = known
        by_score = value_of_scores(covariance, pooled)["adds_value"]
        weights = augmented_weights(covariance, pooled)
        away = scores[covariance.index] - centre
        predicted = away * weights["on_subscore"] + centre
        predicted += np.outer(away.sum(axis=1), weights["on_total"])
        shown = scores[covariance.index].where(by_score, predicted.clip(0, 1))
        long = shown.rename_axis("person_id").reset_index().melt("person_id", var_name="domain")
        long["basis"] = np.where(long["domain"].map(by_score), "subscore", "augmented")
        parts.append(long.assign(**dict(zip(_WAVE, key, strict=True))))
    columns = [*_WAVE, "domain", "person_id", "interpreted_share", "basis"]
    if not parts:
        return pd.DataFrame(columns=columns)
    table = pd.concat(parts).rename(columns={"value": "interpreted_share"})[columns]
    return table.sort_values(columns[:4], ignore_index=True)


def _waves(results: pd.DataFrame, reliability: pd.DataFrame):
    """Each procedure and wave: shares of the maximum, person × domain, and its forms.

    `forms` has a column `form` by person besides the reliability of each form and domain.
    """
    given = results[results["raw_score"].notna() & ~results["domain"].isin([TOTAL, WORST])]
    given = given.astype({"domain": "str"})
    given = given.assign(share=given["raw_score"] / given["max_score"])
    for key, part in given.groupby(_WAVE):
        scores = part.pivot(index="person_id", columns="domain", values="share").dropna()
        form = part.drop_duplicates("person_id").set_index("person_id")["form_id"]
        about = reliability[(reliability[_WAVE] == list(key)).all(axis=1)]
        about = about.pivot(index="form", columns="domain", values="estimate")
        yield (
            key,
            scores,
            about.reindex(form[scores.index]).set_axis(scores.index).assign(form=form),
        )


def _moments(
    scores: pd.DataFrame, forms: pd.DataFrame
) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame] | None:
    """Covariance of the competences within forms, their reliability, and each form's mean."""
    domains = list(scores)
    is_known = forms[domains].notna().all(axis=1)
    if len(domains) < 2 or not is_known.any():
        return None
    scores, forms = scores[is_known], forms[is_known]
    centre = scores.groupby(forms["form"]).transform("mean")
    n_free = len(scores) - forms["form"].nunique()
    covariance = (scores - centre).T @ (scores - centre) / n_free
    spread = (scores - centre) ** 2
    error = (spread * (1 - forms[domains])).sum() / n_free
    return covariance, 1 - error / np.diag(covariance), centre


def _value_of_wave(scores: pd.DataFrame, forms: pd.DataFrame) -> pd.DataFrame:
    note = None
    known = _moments(scores, forms)
    if known is None:
        note = "надёжность компетенций неизвестна, или компетенция одна"
    else:
        try:
            found = value_of_scores(*known[:2])
        except ValueError as error:  # names the competence
            note = str(error).rstrip(".")
    if note is not None:
        rows = [
            {"domain": domain, "measure": name, "status": "not_assessed", "note": note}
            for domain in scores
            for name in _MEASURES
        ]
        return pd.DataFrame(rows).assign(interval_kind="none")
    table = found[list(_MEASURES)].astype(float).rename_axis("domain").reset_index()
    table = table.melt("domain", var_name="measure", value_name="estimate")
    return table.assign(n=len(known[2]), status="ok", interval_kind="none")
