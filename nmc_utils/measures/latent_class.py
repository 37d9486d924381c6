"""A fitted latent class model, its agreement with another one, and its errors by resamples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.special import ndtri, xlogy

from nmc_utils.measures.intervals import share_interval

#: Risk that profiles are called crossing although in truth they keep one order.
_RISK = 0.05
#: A spread of resamples up to this is rounding: they are alike.
_ALIKE = 1e-9
#: Stands for a missing result where rows are compared.
_MISSING = -1


@dataclass(frozen=True)
class Answers:
    """Distinct rows of deficits (0, 1, missing) in a fixed order; how many persons have each."""

    domains: tuple[str, ...]
    patterns: np.ndarray
    counts: np.ndarray

    @property
    def n(self) -> int:
        """Persons."""
        return int(self.counts.sum())

    @property
    def complete(self) -> int:
        """Persons with a result in every domain."""
        return int(self.counts[~np.isnan(self.patterns).any(axis=1)].sum())

    @property
    def varies(self) -> np.ndarray:
        """Whether in a domain some have a deficit and some have not."""
        return (self.patterns == 0).any(axis=0) & (self.patterns == 1).any(axis=0)


@dataclass(frozen=True)
class Model:
    """A latent class model of `Answers`.

    Attributes
    ----------
    shares
        Of K classes.
    chances
        Probability of a deficit, K × domains.
    posterior
        Rows of the answers × K.
    parameters
        Free ones.
    seed
        Of the start that led to it.
    """

    shares: np.ndarray
    chances: np.ndarray
    posterior: np.ndarray
    parameters: int
    log_likelihood: float
    is_converged: bool
    seed: int

    @property
    def deficits(self) -> np.ndarray:
        """Expected number of deficits of a person of each class."""
        return self.chances.sum(axis=1)

    def bic(self, n: int) -> float:
        """Schwarz's criterion for `n` persons."""
        return self.parameters * np.log(n) - 2 * self.log_likelihood

    def relative_entropy(self, counts: np.ndarray) -> float:
        """Certainty of the classes, 0–1 (Ramaswamy et al. 1993); missing for one class."""
        if len(self.shares) == 1:
            return np.nan
        uncertainty = -counts @ xlogy(self.posterior, self.posterior).sum(axis=1)
        return 1 - uncertainty / (counts.sum() * np.log(len(self.shares)))

    def taken(self, order: np.ndarray) -> Model:
        """The same model with its classes in another order."""
        return replace(
            self,
            shares=self.shares[order],
            chances=self.chances[order],
            posterior=self.posterior[:, order],
        )

    def ordered(self) -> Model:
        """The same model, its classes by the expected number of deficits, then the larger first."""
        return self.taken(np.lexsort((-self.shares, self.deficits.round(9))))

    def aligned(self, other: Model, counts: np.ndarray) -> Model:
        """The same model, its classes in the order of those of `other` that they overlap most."""
        overlap = other.posterior.T @ (counts[:, None] * self.posterior)
        return self.taken(linear_sum_assignment(-overlap)[1])


def read_answers(deficits: pd.DataFrame) -> tuple[Answers, pd.Series]:
    """Distinct rows of `deficits` (person × domain), and which of them each person has.

    Persons and domains without any result are left out.

    Raises
    ------
    ValueError
        A value other than 0, 1 and missing; a person or a domain given twice.
    """
    for what, labels in (("Педагог", deficits.index), ("Компетенция", deficits.columns)):
        if labels.has_duplicates:
            twice = labels[labels.duplicated()][0]
            raise ValueError(f"{what} «{twice}» встречается дважды: оставьте одну запись")
    # Neither the order of the columns nor that of the rows may change where the estimation starts.
    table = deficits[sorted(deficits.columns, key=str)]
    values = table.apply(pd.to_numeric, errors="coerce").to_numpy(float, na_value=np.nan)
    wrong = ~np.isin(values, (0, 1)) & table.notna().to_numpy(bool)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(
            f"Дефицит — это 0 или 1, а у «{table.index[row]}» в компетенции "
            f"«{table.columns[column]}» стоит «{table.iat[row, column]}»: типы строятся по "
            "результатам, не по вероятностям"
        )
    asked, some = ~np.isnan(values).all(axis=0), ~np.isnan(values).all(axis=1)
    if not some.any():
        return Answers((), np.empty((0, 0)), np.empty(0, int)), pd.Series(dtype=int)
    coded = np.nan_to_num(values[some][:, asked], nan=_MISSING).astype(np.int8)
    patterns, place, counts = np.unique(coded, axis=0, return_inverse=True, return_counts=True)
    rows = np.where(patterns == _MISSING, np.nan, patterns)
    pattern_of = pd.Series(place.reshape(-1), table.index[some])
    return Answers(tuple(table.columns[asked]), rows, counts), pattern_of


def n_parameters(k: int, d: int) -> int:
    """Free parameters of `k` classes of `d` domains."""
    return k * d + k - 1


def adjusted_rand(table: np.ndarray) -> float:
    """Adjusted Rand index of two partitions, from the table of how many are in both parts.

    1 for the same partition, also when both have one part; 0 on average for unrelated ones.

    Notes
    -----
    Hubert and Arabie (1985), Comparing partitions.
    """
    pairs = np.asarray(table, float)
    both, first, second, every = (
        float((size * (size - 1) / 2).sum())
        for size in (pairs, pairs.sum(axis=1), pairs.sum(axis=0), pairs.sum())
    )
    expected = first * second / every if every else 0.0
    greatest = (first + second) / 2
    return 1.0 if greatest == expected else (both - expected) / (greatest - expected)


def agreement(model: Model, other: Model, counts: np.ndarray) -> float:
    """Adjusted Rand index of the modal classes of two models on the same persons."""
    table = np.zeros((len(model.shares), len(other.shares)))
    np.add.at(table, (model.posterior.argmax(axis=1), other.posterior.argmax(axis=1)), counts)
    return adjusted_rand(table)


def class_table(answers: Answers, model: Model, again: list[Model]) -> pd.DataFrame:
    """Share and expected number of deficits by `type`; the errors are those of resamples."""
    kinds = range(1, len(model.shares) + 1)
    table = pd.DataFrame(index=pd.RangeIndex(1, len(kinds) + 1, name="type"))
    error = _spread([one.shares for one in again], model.shares)
    if len(kinds) == 1:  # the share of the only class is 1 by definition
        low = high = error = np.full(1, np.nan)
    else:
        low, high = _bounds(model.shares, error, np.full(len(kinds), float(answers.n)))
    table = table.assign(share=model.shares, share_std_error=error)
    table = table.assign(share_ci_low=low, share_ci_high=high)
    error = _spread([one.deficits for one in again], model.deficits)
    # Where all resamples are alike, as when all persons are, they tell nothing of the error.
    known = error > _ALIKE
    low, high = _bounds_of_deficits(answers, model, error)
    return table.assign(
        deficits=model.deficits,
        deficits_std_error=np.where(known, error, np.nan),
        deficits_ci_low=np.where(known, low, np.nan),
        deficits_ci_high=np.where(known, high, np.nan),
    )


def profile_table(answers: Answers, model: Model, again: list[Model]) -> pd.DataFrame:
    """Probability of a deficit by `type` and `domain`, its error and interval."""
    k, d = model.chances.shape
    persons = _expected_persons(answers, model)
    error = _spread([one.chances for one in again], model.chances)
    low, high = _bounds(model.chances, error, persons)
    return pd.DataFrame(
        {
            "type": np.repeat(np.arange(1, k + 1), d),
            "domain": np.tile(np.array(answers.domains, dtype=object), k),
            "estimate": model.chances.ravel(),
            "std_error": error.ravel(),
            "ci_low": low.ravel(),
            "ci_high": high.ravel(),
            "n": persons.round().astype(int).ravel(),
        }
    )


def is_ordered(model: Model, again: list[Model]) -> bool:
    """Whether no class of more deficits has fewer in some domain, beyond the error of resamples."""
    pairs = list(combinations(range(len(model.shares)), 2))
    reach = ndtri(1 - _RISK / (len(pairs) * max(model.chances.shape[1], 1)))
    for fewer, more in pairs:
        differences = [one.chances[more] - one.chances[fewer] for one in (model, *again)]
        error = np.std(differences[1:], axis=0, ddof=1)
        if (differences[0] < -reach * error).any():
            return False
    return True


def _spread(again: list[np.ndarray], like: np.ndarray) -> np.ndarray:
    return np.std(again, axis=0, ddof=1) if again else np.full(like.shape, np.nan)


def _expected_persons(answers: Answers, model: Model) -> np.ndarray:
    """Class × domain: persons of the class with a result in the domain, as the model expects."""
    asked = (~np.isnan(answers.patterns)).astype(float)
    return (answers.counts[:, None] * model.posterior).T @ asked


def _bounds(
    chance: np.ndarray, error: np.ndarray, persons: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval for as many persons as the error is worth, at most for `persons`."""
    # Resamples lie within 0 and 1: an estimate nearer to an end than they spread stands for one
    # at that distance, else an estimate of 0 would be worth nobody and its interval be 0–1.
    inside = np.clip(chance, error, 1 - error)
    worth = np.full(chance.shape, np.inf)
    np.divide(inside * (1 - inside), error**2, out=worth, where=error > _ALIKE)
    worth = np.minimum(worth, persons)
    return share_interval(chance * worth, worth)


def _bounds_of_deficits(
    answers: Answers, model: Model, error: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of the expected number of deficits, as of a share of all domains.

    It is worth at most the answers of the class: of unlike chances they vary less than their
    mean tells, so each is worth more (chances by Laplace's rule, so that none is exactly 0 or 1).
    """
    domains = max(len(answers.domains), 1)
    persons = _expected_persons(answers, model)
    chances = (model.chances * persons + 1) / (persons + 2)
    mean, spread = (part.sum(axis=1) / domains for part in (chances, chances * (1 - chances)))
    worth = persons.sum(axis=1) * mean * (1 - mean) / spread
    low, high = _bounds(model.deficits / domains, error / domains, worth)
    return domains * low, domains * high
