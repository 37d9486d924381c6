"""Scores of several competences within forms: people of different forms are not one population."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nmc_utils.measures.intervals import NORMAL_95
from nmc_utils.terms import TOTAL, WORST


@dataclass(frozen=True)
class Wave:
    """Results of a procedure and wave in every competence.

    Attributes
    ----------
    procedure, wave
        Which.
    scores
        Persons × domains, shares of the maximum; those with a result in every domain.
    form
        Form by person.
    reliability, reliability_se
        Persons × domains: of the own form, and its standard error (0 where it was reported without
        an interval); missing where it was not assessed.
    n_items
        By domain, the fewest of a form.
    """

    procedure: str
    wave: str
    scores: pd.DataFrame
    form: pd.Series
    reliability: pd.DataFrame
    reliability_se: pd.DataFrame
    n_items: pd.Series

    @property
    def key(self) -> dict[str, str]:
        """Keys of its rows in measure tables."""
        return {"procedure": self.procedure, "wave": self.wave}

    def of(self, persons: np.ndarray) -> Wave:
        """The same for some of the persons, by their place or a mask."""
        parts = {
            name: getattr(self, name).iloc[persons]
            for name in ("scores", "form", "reliability", "reliability_se")
        }
        return replace(self, **parts)


@dataclass(frozen=True)
class Moments:
    """Moments of competences within forms, over the forms of a wave.

    `covariance` domain × domain of shares of the maximum; `reliability` and `reliability_se` by
    domain; `centre` and `centre_se` persons × domains: the mean of the own form and its error.
    """

    covariance: pd.DataFrame
    reliability: pd.Series
    reliability_se: pd.Series
    centre: pd.DataFrame
    centre_se: pd.DataFrame


def waves_of(results: pd.DataFrame, reliability: pd.DataFrame) -> Iterator[Wave]:
    """Take the waves of an edition apart.

    Parameters
    ----------
    results
        Of `scored`.
    reliability
        Of `reliability_by_form`.
    """
    given = results[results["raw_score"].notna() & ~results["domain"].isin([TOTAL, WORST])]
    given = given.astype({"domain": "str"})
    given = given.assign(share=given["raw_score"] / given["max_score"])
    errors = (reliability["ci_high"] - reliability["ci_low"]) / (2 * NORMAL_95)
    reliability = reliability.assign(se=errors.fillna(0.0))
    for (procedure, wave), part in given.groupby(["procedure", "wave"]):
        scores = part.pivot(index="person_id", columns="domain", values="share").dropna()
        about = reliability[reliability["procedure"].eq(procedure) & reliability["wave"].eq(wave)]
        by_form = about.pivot(index="form", columns="domain", values=["estimate", "se"])
        taken = part.drop_duplicates("person_id").set_index("person_id")["form_id"]
        form = taken[scores.index]
        estimate, se = (
            by_form[name].reindex(form)[list(scores)].set_axis(scores.index).astype(float)
            for name in ("estimate", "se")
        )
        n_items = about.groupby("domain")["n_items"].min().reindex(list(scores))
        yield Wave(procedure, wave, scores, form, estimate, se, n_items)


def moments(wave: Wave) -> Moments | None:
    """Moments of those whose form was assessed in every competence; None where nobody's was.

    Also None of a single competence, which nothing goes together with.
    """
    wave = wave.of(wave.reliability.notna().all(axis=1).to_numpy())
    scores, n_forms = wave.scores, wave.form.nunique()
    if scores.shape[1] < 2 or len(scores) <= n_forms:
        return None
    by_form = scores.groupby(wave.form)
    centre = by_form.transform("mean")
    away = scores - centre
    covariance = away.T @ away / (len(scores) - n_forms)
    spread = away**2 / (len(scores) - n_forms)
    # A form's error moves the results of all its persons together.
    moved = (spread * wave.reliability_se).groupby(wave.form).sum()
    variance = pd.Series(np.diag(covariance), covariance.index)
    return Moments(
        covariance=covariance,
        reliability=1 - (spread * (1 - wave.reliability)).sum() / variance,
        reliability_se=np.sqrt((moved**2).sum()) / variance,
        centre=centre,
        centre_se=by_form.transform("std") / np.sqrt(by_form.transform("count")),
    )
