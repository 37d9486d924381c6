"""Reliability of everyone's results, and what another such set of persons would make of it.

The population is everyone tested in one wave of a procedure on forms whose reliability is known.
Scores are shares of the maximum of the own form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtrit

_KEYS = ["procedure", "wave", "domain"]


@dataclass(frozen=True)
class Pool:
    """Persons of one or several forms, and what is known of the forms.

    Attributes
    ----------
    shares, form
        Score of each person, and the position of the own form among the forms.
    reliability, n_items
        By form.
    is_estimated
        By form: whether its reliability was estimated from the answers of these persons, and not
        reported.
    """

    shares: np.ndarray
    form: np.ndarray
    reliability: np.ndarray
    n_items: np.ndarray
    is_estimated: np.ndarray

    def estimate(self, kept: np.ndarray | slice = slice(None)) -> float:
        """Reliability over all forms of the persons who are kept.

        One less the mean error variance of the forms in the variance of everyone's results. Where
        a form's reliability was estimated, its error goes with the mean of x(1 − x) of those who
        are kept; a reported one is taken as it is.
        """
        shares, form = self.shares[kept], self.form[kept]
        error = self._errors(shares, form)
        n, mean, variance, _ = self._moments(shares, form)
        spread = n @ (variance + (mean - shares.mean()) ** 2)
        return float(1 - (n @ error) / spread)

    def std_error_of_log(self) -> float:
        """Standard error of ln(1 − reliability) over sets of persons; missing where reported.

        By the influence of each person on the error variance and on the spread of results, and by
        the error of the level of the former, which has (n − 1)(items − 1) degrees of freedom.
        """
        if not self.is_estimated.all():
            return np.nan
        n, mean, variance, binomial = self._moments(self.shares, self.form)
        error = self._errors(self.shares, self.form)
        away = (self.shares - self.shares.mean()) ** 2
        level = np.divide(error, binomial, where=binomial > 0, out=np.zeros(len(n)))
        of_person = level[self.form] * self.shares * (1 - self.shares)
        influence = of_person * n.sum() / (n @ error) - away / away.mean()
        of_persons = influence @ influence / (len(away) * (len(away) - 1))
        return float(np.sqrt(of_persons + self._of_level(n * error)))

    def std_error_of_level(self) -> float:
        """Standard error that the level of the error variance alone gives the reliability.

        That of the forms whose reliability was estimated; 0 where there are none.
        """
        n = self._moments(self.shares, self.form)[0]
        error = n * self._errors(self.shares, self.form)
        return float((1 - self.estimate()) * np.sqrt(self._of_level(error)))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Interval of the reliability, symmetric in ln(1 − reliability); missing where reported."""
        reach = stdtrit(len(self.shares) - 1, 0.5 + level / 2) * self.std_error_of_log()
        error = 1 - self.estimate()
        return float(1 - error * np.exp(reach)), float(1 - error * np.exp(-reach))

    def _of_level(self, error: np.ndarray) -> float:
        """Variance of ln Σ error by the errors of its parts, which err independently."""
        n = np.bincount(self.form, minlength=len(self.reliability))
        free = (n - 1) * np.maximum(self.n_items - 1, 1)
        share = (error / error.sum()) ** 2
        return float(np.where(self.is_estimated, share * 2 / free, 0.0).sum())

    def _errors(self, shares: np.ndarray, form: np.ndarray) -> np.ndarray:
        """Error variance of each form among these persons."""
        _, _, variance, binomial = self._moments(shares, form)
        _, _, of_all, binomial_of_all = self._moments(self.shares, self.form)
        flat = binomial_of_all <= 0  # nobody is between 0 and the maximum
        ratio = np.divide(binomial, binomial_of_all, where=~flat, out=variance / of_all)
        spread = np.where(self.is_estimated, of_all * ratio, variance)
        return (1 - self.reliability) * spread

    def _moments(self, shares: np.ndarray, form: np.ndarray) -> tuple[np.ndarray, ...]:
        """By form: persons, mean, variance (divisor n − 1) and mean of x(1 − x)."""
        size = len(self.reliability)
        n = np.bincount(form, minlength=size)
        some = np.maximum(n, 1)  # a form of which nobody is kept weighs nothing
        mean = np.bincount(form, shares, minlength=size) / some
        away = np.bincount(form, (shares - mean[form]) ** 2, minlength=size)
        binomial = np.bincount(form, shares * (1 - shares), minlength=size) / some
        return n, mean, away / np.maximum(n - 1, 1), binomial


def pool_of(shares: ArrayLike, form: ArrayLike, about: pd.DataFrame) -> Pool:
    """Persons of some forms.

    Parameters
    ----------
    shares, form
        Score, a share of the maximum, and form by person.
    about
        By form: `estimate`, `n_items`, `interval_kind` of `reliability_by_form`; each form has
        persons with different results.
    """
    return Pool(
        shares=np.asarray(shares, float),
        form=about.index.get_indexer(np.asarray(form, object)),
        reliability=about["estimate"].to_numpy(float),
        n_items=about["n_items"].to_numpy(float, na_value=np.nan),
        is_estimated=about["interval_kind"].ne("none").to_numpy(),
    )


def pools(results: pd.DataFrame, reliability: pd.DataFrame) -> dict[tuple[str, str, str], Pool]:
    """Persons of the forms that were assessed, by procedure, wave and domain.

    Parameters
    ----------
    results
        Of `scored`.
    reliability
        Of `reliability_by_form`.

    Notes
    -----
    Persons stand in the order of their pseudonyms, which is that of nothing else.
    """
    taken = results[results["raw_score"].notna()].sort_values("person_id")
    taken = taken.astype({"domain": "str"})
    by_key = dict(tuple(taken.groupby(_KEYS)))
    found = {}
    for key, about in reliability[reliability["status"].eq("ok")].groupby(_KEYS):
        about = about.set_index("form")
        if key in by_key:
            rows = by_key[key]
            rows = rows[rows["form_id"].isin(about.index)]
            found[key] = pool_of(rows["raw_score"] / rows["max_score"], rows["form_id"], about)
    return found
