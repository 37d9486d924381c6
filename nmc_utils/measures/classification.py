"""How sure a result is beside the cut: error of measurement, P(deficit), accuracy of levels.

Raw scores alone are used, with the mean, spread and reliability of everyone tested on the form. The
level by the document is never altered here, only accompanied.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, sqrt

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import betainc, ndtr, ndtri

#: A score that is a hair above a cut by rounding alone still lies at the cut.
_ROUNDING = 1e-9
#: Agreement by chance is practically sure when fewer persons than this are on one of the sides.
_ONE_SIDED = 1e-6


@dataclass(frozen=True)
class Classification:
    """How often an observed level equals the level of the true score.

    Attributes
    ----------
    accuracy
        Share of persons whose observed and true levels agree.
    consistency
        Share of persons who would get the same level on two parallel forms.
    kappa
        Consistency beyond what equal shares of deficits would give by chance.
    false_deficit_share
        P(true > cut | observed ≤ cut): of those with a deficit, who is in truth above the cut.
    missed_deficit_share
        P(true ≤ cut | observed > cut).
    deficit_share, true_deficit_share
        P(observed ≤ cut), P(true ≤ cut) under the model.
    false_deficit_share_by_rule, missed_deficit_share_by_rule
        The two shares among those whom the document's rule (score ≤ cut · max_score) puts at or
        below the cut, and above it: what to say about the persons actually tested.
    effective_length
        Number of equally difficult 0/1 items that would give scores as reliable as these.
    alpha, beta, low, high
        Beta distribution of true scores, as shares of the maximum.
    """

    accuracy: float
    consistency: float
    kappa: float
    false_deficit_share: float
    missed_deficit_share: float
    deficit_share: float
    true_deficit_share: float
    false_deficit_share_by_rule: float
    missed_deficit_share_by_rule: float
    effective_length: float
    alpha: float
    beta: float
    low: float
    high: float


def classification_accuracy(
    totals: ArrayLike, max_score: float, reliability: float, cut: float
) -> Classification:
    """Accuracy and consistency of the classification at a cut from total scores alone.

    True scores (as shares of the maximum) follow a beta distribution on [0, 1], scores of one
    person a binomial with the effective number of items; at or below the cut is a deficit.

    Parameters
    ----------
    totals
        Raw total scores of everyone tested on the form; missing ones are left out.
    max_score
        The highest possible score.
    reliability
        Reliability of the totals, between 0 and 1.
    cut
        Cut score as a share of the maximum, between 0 and 1.

    Raises
    ------
    ValueError
        Fewer than two persons, equal totals, totals outside 0…max_score, a reliability or a cut
        outside (0, 1), or true scores whose spread no beta distribution has.

    Notes
    -----
    Livingston and Lewis (1995). Mean and variance of true scores by the factorial moments of Lord
    (1965) at the unrounded effective length, a factorial moment being 0 for scores below its
    order; the observed deficit is X ≤ ⌊cut · n⌋ at the rounded length n. The probabilities are
    sums of the beta-binomial, hence exact.

    Rounding the cut to that length shifts it by up to one item: on tests of 15–60 items it put
    `false_deficit_share` up to .08 off the truth where accuracy stayed within .03. The shares
    `…_by_rule` do not round: they average P(true ≤ cut) given each observed score, by the same
    beta-binomial at the unrounded length, over the persons on that side of the document's cut.

    A share among persons of whom there are none is 0, and so is kappa where the model puts
    practically everybody (all but one in a million) on one side of the cut.
    """
    _check(reliability=reliability, cut=cut)
    scores = _totals(totals, max_score)
    length = _effective_length(scores, max_score, reliability)
    a, b = _true_score_beta(scores / max_score, length)
    n = round(length)
    at_cut = floor(cut * n + _ROUNDING)
    (found, false), (missed, clear) = _levels(n, at_cut, a, b, cut)
    deficit = found + false
    same = _same_level(n, at_cut, a, b)
    chance = deficit**2 + (1 - deficit) ** 2
    truly = _true_deficit(scores / max_score, length, (a, b), cut)
    by_rule = scores <= cut * max_score * (1 + _ROUNDING)
    return Classification(
        accuracy=found + clear,
        consistency=same,
        kappa=(same - chance) / (1 - chance) if chance < 1 - _ONE_SIDED else 0.0,
        false_deficit_share=false / deficit if deficit > 0 else 0.0,
        missed_deficit_share=missed / (missed + clear) if missed + clear > 0 else 0.0,
        deficit_share=deficit,
        true_deficit_share=float(betainc(a, b, cut)),
        false_deficit_share_by_rule=_mean(1 - truly[by_rule]),
        missed_deficit_share_by_rule=_mean(truly[~by_rule]),
        effective_length=float(length),
        alpha=float(a),
        beta=float(b),
        low=0.0,
        high=1.0,
    )


def _levels(n: int, at_cut: int, a: float, b: float, cut: float) -> list[list[float]]:
    """Observed level (deficit, none) × true level (deficit, none): shares of persons."""
    right = np.arange(n + 1)
    observed = _beta_binomial(n, a, b)
    # Given x right answers of n, the true score is Beta(a + x, b + n − x).
    truly = betainc(a + right, b + n - right, cut)
    low = right <= at_cut
    return [
        [float((observed * truly)[level].sum()), float((observed * (1 - truly))[level].sum())]
        for level in (low, ~low)
    ]


def _totals(totals: ArrayLike, max_score: float) -> np.ndarray:
    scores = _numbers(totals)
    if scores.ndim == 2 and scores.shape[1] == 1:  # a table of one column
        scores = scores[:, 0]
    if scores.ndim != 1:
        raise ValueError(f"totals must be one score a person, got the shape {scores.shape}")
    scores = scores[~np.isnan(scores)]
    if not max_score > 0:
        raise ValueError(f"max_score must be positive, got {max_score}")
    if len(scores) < 2:
        raise ValueError(
            f"Для точности отнесения нужны результаты не меньше двух человек, а есть {len(scores)}."
        )
    _check_scores(scores, max_score)
    if scores.min() == scores.max():
        raise ValueError(
            f"У всех один и тот же результат ({_number(scores[0])}): точность отнесения не"
            " определена."
        )
    return scores


def _effective_length(scores: np.ndarray, max_score: float, reliability: float) -> float:
    mean, variance = scores.mean(), scores.var(ddof=1)
    error = variance * (1 - reliability)
    length = (mean * (max_score - mean) - reliability * variance) / error
    if length < 2:
        raise ValueError(
            f"При надёжности {_number(reliability)} разброс результатов такой, что тест равносилен"
            f" {_number(length)} задания, а нужно не меньше двух: точность отнесения не определена."
        )
    return length


def _true_score_beta(shares: np.ndarray, length: float) -> tuple[float, float]:
    """Shapes of the beta distribution that has the true scores' mean and variance."""
    effective = shares * length
    pairs = np.where(effective >= 2, effective * (effective - 1), 0.0)
    mean = shares.mean()
    variance = pairs.mean() / (length * (length - 1)) - mean**2
    if not 0 < variance < mean * (1 - mean):
        raise ValueError(
            "Бета-распределение истинных баллов не подбирается: их дисперсия"
            f" {_number(variance)} при среднем {_number(mean)}. Проверьте надёжность."
        )
    size = mean * (1 - mean) / variance - 1
    return mean * size, (1 - mean) * size


def _beta_binomial(n: int, a: float, b: float) -> np.ndarray:
    """Probabilities of 0…n right answers; SciPy's sum to 1 only within 1e-9 for large n."""
    probability = stats.betabinom.pmf(np.arange(n + 1), n, a, b)
    return probability / probability.sum()


def _true_deficit(
    shares: np.ndarray, length: float, beta: tuple[float, float], cut: float
) -> np.ndarray:
    """P(true ≤ cut) given each observed share of the maximum, without rounding the length."""
    return betainc(beta[0] + shares * length, beta[1] + (1 - shares) * length, cut)


def _mean(shares: np.ndarray) -> float:
    return float(shares.mean()) if len(shares) else 0.0


def _same_level(n: int, at_cut: int, a: float, b: float) -> float:
    """P(two scores of one person lie on the same side of the cut), by their sum.

    Given the sum of two binomial scores with one true score, either of them is hypergeometric. With
    a given sum the two can both be low, or both high, never now one and now the other.
    """
    total = np.arange(2 * n + 1)
    weight = _beta_binomial(2 * n, a, b)
    first = stats.hypergeom(2 * n, total, n)
    both_low = first.cdf(at_cut) - first.cdf(total - at_cut - 1)
    both_high = first.cdf(total - at_cut - 1) - first.cdf(at_cut)
    return float((weight * np.maximum(both_low, both_high)).sum())


def deficit_probability(
    score: ArrayLike,
    max_score: float,
    *,
    reliability: float,
    mean: float,
    std: float,
    cut: float,
) -> float | np.ndarray | pd.Series:
    """P(true score ≤ cut) of each person, from the raw score.

    The true score is expected at mean + ρ(score − mean), with standard error SD·√(ρ(1 − ρ)), and
    taken as normal.

    Parameters
    ----------
    score
        Raw scores, any shape; where a person has no score there is no probability either.
    max_score
        The highest possible score.
    reliability, mean, std
        Of everyone tested on the form, whoever is asked about here; `mean` and `std` in score
        units, reliability between 0 and 1.
    cut
        Cut score as a share of the maximum, between 0 and 1.

    Returns
    -------
    probability
        0–1, of the shape of `score`; a Series keeps its index.

    Raises
    ------
    ValueError
        A score outside 0…max_score, a reliability or a cut outside (0, 1), `std` not positive.

    Notes
    -----
    Kelley (1947); Lord and Novick (1968), section 3.7: standard error of estimation.
    """
    _check(reliability=reliability, cut=cut, mean=mean, std=std, max_score=max_score)
    values = _numbers(score)
    _check_scores(values, max_score, score.index if isinstance(score, pd.Series) else None)
    expected = mean + reliability * (values - mean)
    std_error = std * sqrt(reliability * (1 - reliability))
    probability = ndtr((cut * max_score - expected) / std_error)
    if isinstance(score, pd.Series):
        return pd.Series(probability, index=score.index, name="deficit_probability")
    return probability if np.ndim(probability) else float(probability)


def borderline_band(
    max_score: float,
    *,
    reliability: float,
    mean: float,
    std: float,
    cut: float,
    low: float = 0.2,
    high: float = 0.8,
) -> tuple[float, float]:
    """Raw scores between which P(true score ≤ cut) lies from `low` to `high`.

    The inverse of `deficit_probability`, with the same arguments. A bound beyond 0…max_score says
    that on that side of the scale no attainable score is certain; both beyond the same end, that
    no attainable score is borderline.

    Returns
    -------
    low_score, high_score
        In score units: at `low_score` the probability is `high`, at `high_score` it is `low`.

    Raises
    ------
    ValueError
        As `deficit_probability`; `low` and `high` not 0 < low < high < 1.
    """
    _check(reliability=reliability, cut=cut, mean=mean, std=std, max_score=max_score)
    if not 0 < low < high < 1:
        raise ValueError(f"probabilities must be 0 < low < high < 1, got {low} and {high}")
    std_error = std * sqrt(reliability * (1 - reliability))
    expected = cut * max_score - std_error * ndtri([high, low])
    low_score, high_score = mean + (expected - mean) / reliability
    return float(low_score), float(high_score)


def error_of_measurement(
    max_score: float,
    n_items: int,
    reliability: float,
    mean: float,
    std: float,
    scores: ArrayLike | None = None,
) -> pd.DataFrame:
    """Standard error of measurement along the raw scale.

    Parameters
    ----------
    max_score, n_items
        The highest possible score and the number of items.
    reliability, mean, std
        Of everyone tested on the form; `mean` and `std` in score units.
    scores
        Raw scores to give the error for; by default 0…max_score in steps of one item.

    Returns
    -------
    DataFrame
        `score`, `std_error`, both in score units. At 0 and at the maximum the binomial error is 0:
        there the model knows no error, the person still has one.

    Raises
    ------
    ValueError
        A score outside 0…max_score, a reliability outside (0, 1), `mean` or `std` that scores of
        this scale cannot have.

    Notes
    -----
    Lord's binomial error, score · (max − score), in Keats's (1957) adjustment: its mean square
    over everyone tested is SD²(1 − ρ). `std` is the one over all persons (divisor n).
    """
    _check(reliability=reliability, mean=mean, std=std, max_score=max_score)
    if n_items < 1:
        raise ValueError(f"n_items must be positive, got {n_items}")
    grid = np.linspace(0, max_score, n_items + 1) if scores is None else np.asarray(scores, float)
    _check_scores(grid, max_score)
    binomial = mean * (max_score - mean) - std**2
    if binomial <= 0:
        raise ValueError(
            f"Среднее {_number(mean)} и стандартное отклонение {_number(std)} невозможны вместе"
            f" на шкале от 0 до {_number(max_score)} с промежуточными результатами."
        )
    factor = std**2 * (1 - reliability) / binomial
    return pd.DataFrame({"score": grid, "std_error": np.sqrt(factor * grid * (max_score - grid))})


def _check(
    *,
    reliability: float,
    cut: float = 0.5,
    mean: float = 0.0,
    std: float = 1.0,
    max_score: float = 1.0,
) -> None:
    if not 0 < reliability < 1:
        raise ValueError(
            f"Надёжность должна быть больше 0 и меньше 1, а дано {_number(reliability)}."
        )
    if not 0 < cut < 1:
        raise ValueError(f"cut must be a share of the maximum between 0 and 1, got {cut}")
    if not 0 < max_score < np.inf:
        raise ValueError(f"max_score must be positive, got {max_score}")
    if not 0 <= mean <= max_score:
        raise ValueError(f"mean must be a score from 0 to {max_score}, got {mean}")
    if not 0 < std < np.inf:
        raise ValueError(
            "Стандартное отклонение результатов должно быть больше 0, а дано"
            f" {_number(std)}: у всех один и тот же результат или человек всего один."
        )


def _check_scores(scores: np.ndarray, max_score: float, persons: pd.Index | None = None) -> None:
    wrong = np.flatnonzero((scores < 0) | (scores > max_score * (1 + _ROUNDING)))
    if len(wrong):
        who = "" if persons is None else f" у «{persons[wrong[0]]}»"
        raise ValueError(
            f"Балл {_number(scores.flat[wrong[0]])}{who} вне шкалы от 0 до {_number(max_score)}."
        )


def _numbers(values: ArrayLike) -> np.ndarray:
    """Values as floats of the same shape, whatever says that one is missing."""
    given = np.asarray(values, dtype=object)
    return np.where(pd.isna(given), np.nan, given).astype(float)


def _number(value: float) -> str:
    return f"{value:.4g}".replace(".", ",")
