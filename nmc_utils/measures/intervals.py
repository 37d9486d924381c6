"""Intervals of shares, of their differences and of means; many small groups at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import betainc, betaincinv, betaln, ndtr, ndtri, stdtrit
from scipy.stats import false_discovery_control

#: Range of κ, the "number of persons" that what the other areas say is worth in an area.
_KAPPA = (0.1, 2000.0)
#: Range of logit μ at the start: shares from one in a million up.
_LOGIT_MU = (-14.0, 14.0)
#: Gauss–Legendre nodes along each of the two axes of the grid.
_NODES = 28
#: Nodes this far below the highest posterior, on the log scale, carry nothing.
_DROP = 16.0
#: Pairs (successes, n) worked on at once: bounds the memory, whatever the number of areas.
_PAIRS = 1000
#: Share of the groups pulled in at each end before overdispersion is estimated.
_WINSOR = 0.1
#: A count this near to a whole number is that number: shares times n differ by rounding.
_WHOLE = 1e-9

#: A normal deviate lies within ± this in 95 % of cases.
NORMAL_95 = float(ndtri(0.975))


def share_interval(
    successes: ArrayLike, n: ArrayLike, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson score interval of a share.

    Parameters
    ----------
    successes, n
        Counts of persons (or other units), any shapes that broadcast; 0 ≤ successes ≤ n.
    level
        Coverage, 0–1.

    Returns
    -------
    low, high
        Bounds of the share, 0–1; missing where n is 0.

    Raises
    ------
    ValueError
        A count is negative, not finite, or more successes than trials; the level is not in (0, 1).

    Notes
    -----
    Brown, Cai and DasGupta (2001), Interval estimation for a binomial proportion.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    x, n = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    wrong = ~((x >= 0) & (x <= n) & np.isfinite(n))
    if wrong.any():
        raise ValueError(
            f"successes must lie between 0 and n: got {x[wrong].flat[0]} of {n[wrong].flat[0]}"
        )
    z = ndtri(0.5 + level / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = (x + z**2 / 2) / (n + z**2)
        half = z / (n + z**2) * np.sqrt(x * (n - x) / n + z**2 / 4)
    # At 0 and n the bound is exactly 0 and 1; rounding must not leave it a hair inside.
    low = np.where(x == 0, 0.0, centre - half)
    high = np.where(x == n, 1.0, centre + half)
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def difference_interval(
    successes: ArrayLike,
    n: ArrayLike,
    other_successes: ArrayLike,
    other_n: ArrayLike,
    level: float = 0.95,
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of the difference of two independent shares, the first minus the other.

    Newcombe's hybrid score interval without continuity correction, made of the Wilson intervals
    of the two shares; it stays within −1 and 1.

    Parameters
    ----------
    successes, n, other_successes, other_n
        Counts of persons, any shapes that broadcast.
    level
        Coverage, 0–1.

    Returns
    -------
    low, high
        Bounds of the difference, −1–1; missing where one of the two groups is empty.

    Raises
    ------
    ValueError
        As `share_interval`.

    Notes
    -----
    Newcombe (1998), Interval estimation for the difference between independent proportions:
    comparison of eleven methods, method 10. Where the same persons are in both groups the shares
    are not independent; as their results agree more than those of strangers, the interval is then
    wider than need be.
    """
    low, high = share_interval(successes, n, level)
    other_low, other_high = share_interval(other_successes, other_n, level)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.asarray(successes, float) / np.asarray(n, float)
        other = np.asarray(other_successes, float) / np.asarray(other_n, float)
    difference = share - other
    down = np.sqrt((share - low) ** 2 + (other_high - other) ** 2)
    up = np.sqrt((high - share) ** 2 + (other - other_low) ** 2)
    return difference - down, difference + up


def mean_interval(
    mean: ArrayLike, sd: ArrayLike, n: ArrayLike, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Student t interval of a mean from its sample mean, standard deviation and size.

    Missing where n < 2 and where all scores are equal: no spread is no certainty. For bounded
    scores it covers 94–96 % from n = 6 up, where a percentile
    bootstrap covers 86 %.
    """
    mean, sd, n = np.broadcast_arrays(*(np.asarray(part, float) for part in (mean, sd, n)))
    with np.errstate(invalid="ignore", divide="ignore"):
        half = stdtrit(n - 1, 0.5 + level / 2) * sd / np.sqrt(n)
    half = np.where((n > 1) & (sd > 0), half, np.nan)
    return mean - half, mean + half


def small_area_shares(successes: ArrayLike, n: ArrayLike, level: float = 0.95) -> pd.DataFrame:
    """Shares of many areas with few persons each, every area informed by all the others.

    The area's share θ ~ Beta(μκ, (1 − μ)κ), its successes ~ Binomial(n, θ). Both μ, the mean of
    the areas, and κ, how alike they are, are integrated over and not fixed at an estimate: with
    them fixed, 95 % intervals cover 77 %.

    Parameters
    ----------
    successes, n
        Counts of persons by area, one-dimensional; 0 ≤ successes ≤ n. Two Series are matched by
        their index. One area alone is allowed; so is n = 0, as long as some area has persons.
    level
        Probability of the interval, 0–1.

    Returns
    -------
    DataFrame with the index of `successes` (of `n` when only it is a Series): `estimate`, the
    posterior mean of the share, and `ci_low`, `ci_high`, the equal-tailed posterior interval,
    widened to the mean in the rare case that a skewed posterior has its mean outside. Shares are
    0–1. An area with n = 0 gets what the others say about an area not yet seen.

    Raises
    ------
    ValueError
        A count is negative, not finite, not whole, or more successes than persons; no area has
        persons; the level is not in (0, 1); two Series have different or repeated labels.

    Notes
    -----
    Priors: μ uniform on (0, 1), p(κ) ∝ (1 + κ)⁻² on 0.1…2000 (Gelman et al. 2013, Bayesian Data
    Analysis, ch. 5, for the model; Albert 2009, Bayesian Computation with R, ch. 5, for the prior
    of κ). Where the areas say nothing of κ, as when nobody anywhere succeeds, that prior decides
    how wide the intervals are. The grid is laid over the region that holds the posterior;
    the interval is that of the mixture of betas over its nodes.
    """
    x, n, index = _by_group(successes, n, level)
    if not n.any():
        raise ValueError("Ни в одной группе нет людей с результатом: доли не оценить")
    pairs, inverse, repeats = np.unique(
        np.column_stack([x, n]), axis=0, return_inverse=True, return_counts=True
    )
    nodes = _hyperposterior(pairs, repeats)
    parts = [
        _mixture_summary(pairs[start : start + _PAIRS], *nodes, level)
        for start in range(0, len(pairs), _PAIRS)
    ]
    return pd.DataFrame(
        np.concatenate(parts)[inverse.ravel()],
        index=index,
        columns=["estimate", "ci_low", "ci_high"],
    )


def _by_group(
    successes: ArrayLike, n: ArrayLike, level: float
) -> tuple[np.ndarray, np.ndarray, pd.Index]:
    """Checked counts by group and the labels of the groups."""
    if isinstance(successes, pd.Series) and isinstance(n, pd.Series):
        if not (successes.index.is_unique and n.index.is_unique):
            raise ValueError("labels of groups repeat: counts by group need one row a group")
        if set(successes.index) != set(n.index):
            raise ValueError("successes and n have different labels of groups")
        n = n.reindex(successes.index)
    labelled = [part.index for part in (successes, n) if isinstance(part, pd.Series)]
    x, n = np.broadcast_arrays(
        np.atleast_1d(np.asarray(successes, float)), np.atleast_1d(np.asarray(n, float))
    )
    if x.ndim > 1 or not x.size:
        raise ValueError(f"counts by group must be one-dimensional and not empty, got {x.shape}")
    share_interval(x, n, level)  # refuses impossible counts and levels
    for counts in (x, n):
        wrong = np.abs(counts - counts.round()) > _WHOLE
        if wrong.any():
            raise ValueError(f"counts by group must be whole numbers, got {counts[wrong][0]}")
    return x, n, labelled[0] if labelled else pd.RangeIndex(len(x))


def _hyperposterior(
    pairs: np.ndarray, repeats: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes μκ, (1 − μ)κ of the grid and their posterior weights, which add up to 1.

    The grid shrinks to the region that holds the posterior, so that it is as fine for a million
    persons as for ten.
    """
    box = np.array([_LOGIT_MU, np.log(_KAPPA)])
    nodes, gauss = np.polynomial.legendre.leggauss(_NODES)
    for _ in range(10):
        axes = box.mean(axis=1, keepdims=True) + np.ptp(box, axis=1, keepdims=True) / 2 * nodes
        mu_kappa, rest, log_density = _log_posterior(*axes, pairs, repeats)
        held = log_density > log_density.max() - _DROP
        rows, columns = np.flatnonzero(held.any(axis=1)), np.flatnonzero(held.any(axis=0))
        if min(np.ptp(rows), np.ptp(columns)) >= _NODES // 2:
            break
        padded = np.column_stack([box[:, 0], axes, box[:, 1]])
        box = np.array(
            [
                (axis[part[0]], axis[part[-1] + 2])
                for axis, part in zip(padded, (rows, columns), strict=True)
            ]
        )
    weight = np.exp(log_density - log_density.max()) * np.outer(gauss, gauss)
    kept = weight > weight.max() * np.exp(-_DROP)
    return mu_kappa[kept], rest[kept], weight[kept] / weight[kept].sum()


def _log_posterior(
    logit_mu: np.ndarray, log_kappa: np.ndarray, pairs: np.ndarray, repeats: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes μκ and (1 − μ)κ, logit μ × log κ, and the log density per unit of these two axes."""
    kappa = np.exp(log_kappa)
    a = kappa / (1 + np.exp(-logit_mu))[:, None]
    b = kappa / (1 + np.exp(logit_mu))[:, None]
    # The Jacobians: dμ = μ(1 − μ) d logit μ and dκ = κ d log κ.
    density = np.log(a * b / kappa**2) + log_kappa - 2 * np.log1p(kappa)
    prior_normaliser = betaln(a, b)
    for (x, n), times in zip(pairs, repeats, strict=True):
        density = density + times * (betaln(a + x, b + n - x) - prior_normaliser)
    return a, b, density


def _mixture_summary(
    pairs: np.ndarray, a: np.ndarray, b: np.ndarray, weight: np.ndarray, level: float
) -> np.ndarray:
    """Mean and equal-tailed bounds of each area's posterior: pairs × (mean, low, high)."""
    x, n = pairs.T[:, :, None]
    a, b = a + x, b + n - x
    mean = (weight * a / (a + b)).sum(axis=1)
    variance = (weight * (a * b / (a + b + 1) + a**2) / (a + b) ** 2).sum(axis=1) - mean**2
    # The beta of the same mean and variance is where the search for the quantile starts.
    size = mean * (1 - mean) / variance - 1
    bounds = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        start = betaincinv(mean * size, (1 - mean) * size, tail)
        bounds.append(_mixture_quantile(a, b, weight, tail, start))
    return np.column_stack([mean, np.minimum(bounds[0], mean), np.maximum(bounds[1], mean)])


def _mixture_quantile(
    a: np.ndarray, b: np.ndarray, weight: np.ndarray, tail: float, start: np.ndarray
) -> np.ndarray:
    """Quantile of a mixture of betas for each row: Newton's steps, halved where they lead out."""
    low, high, at = np.zeros(len(a)), np.ones(len(a)), start.clip(1e-12, 1 - 1e-12)
    normaliser, open_rows = betaln(a, b), np.arange(len(a))
    for _ in range(60):
        rows, point = open_rows, at[open_rows, None]
        excess = betainc(a[rows], b[rows], point) @ weight - tail
        log_density = (a[rows] - 1) * np.log(point) + (b[rows] - 1) * np.log1p(-point)
        slope = np.exp(log_density - normaliser[rows]) @ weight
        low[rows] = np.where(excess < 0, at[rows], low[rows])
        high[rows] = np.where(excess < 0, high[rows], at[rows])
        step = at[rows] - excess / np.maximum(slope, 1e-300)
        inside = (step >= low[rows]) & (step <= high[rows])
        step = np.where(inside, step, (low[rows] + high[rows]) / 2)
        moved = np.abs(step - at[rows])
        at[rows] = step
        open_rows = rows[(moved > 1e-8) & (np.abs(excess) > 1e-13)]
        if not open_rows.size:
            break
    return at


def adjust_p(p: ArrayLike) -> np.ndarray | pd.Series:
    """p-values of a family of comparisons, adjusted for the share of false discoveries.

    Calling "different" what has an adjusted p of at most .05 leaves at most 5 % of such calls
    false on average.

    Parameters
    ----------
    p
        p-values of all comparisons made, one-dimensional.

    Returns
    -------
    Adjusted p-values in the same order; a Series, with its index and name, for a Series.

    Raises
    ------
    ValueError
        A p-value is missing or outside 0–1.

    Notes
    -----
    Benjamini and Hochberg (1995), Controlling the false discovery rate.
    """
    values = np.asarray(p, float)
    if values.ndim != 1:
        raise ValueError(f"p-values must be one-dimensional, got {values.ndim} dimensions")
    if wrong := int((~((values >= 0) & (values <= 1))).sum()):
        raise ValueError(
            f"Уровни значимости отсутствуют или лежат вне 0–1 у {wrong} из {len(values)} "
            "сравнений: поправка требует всех"
        )
    adjusted = false_discovery_control(values)
    return pd.Series(adjusted, index=p.index, name=p.name) if isinstance(p, pd.Series) else adjusted


def funnel(successes: ArrayLike, n: ArrayLike, level: float = 0.95) -> pd.DataFrame:
    """Which of many groups differ from all taken together by more than groups usually differ.

    Compares each group's share with the share of all on the arcsine scale, where its sampling
    error depends on n alone. Ordinary differences between groups beyond chance enter as an
    additive variance τ².

    Parameters
    ----------
    successes, n
        Counts of persons by group, one-dimensional; 0 ≤ successes ≤ n, n ≥ 1, at least two
        groups. Two Series are matched by their index.
    level
        Coverage of the limits; a group is an outlier at an adjusted p of at most 1 − level.

    Returns
    -------
    DataFrame with the index of `successes` (of `n` when only it is a Series): `share`; `expected`,
    the share of all; `ci_low`, `ci_high`, the limits within which a share of a group of this size
    ordinarily lies; `z`; `p_adjusted` (Benjamini–Hochberg); `is_outlier`; `tau`, the standard
    deviation of the ordinary differences as a share, the same in every row and 0 when groups
    differ no more than by chance: half of what lies within one τ on either side of the expected
    share, hence at most .5. A group may lie outside its limits and be no outlier: of 89
    like groups four or five do.

    Raises
    ------
    ValueError
        As `small_area_shares`; a group has nobody; there are fewer than two groups.

    Notes
    -----
    Spiegelhalter (2005), Funnel plots for comparing institutional performance; Spiegelhalter
    (2005), Handling over-dispersion of performance indicators: arcsine scale, z winsorised at
    10 % at each end. The arcsine is Anscombe's (1948), arcsin √((x + ⅜) / (n + ¾)) with variance
    1 / (4n + 2): the plain one calls groups of fewer than ten persons different too often. τ² by
    the iterated method of moments (Paule and Mandel 1982): the mean square of the winsorised z is
    brought to what it is for a normal distribution, .68, and not to 1, with which τ² would come
    out too small. The share of all is transformed as the count that a group of this size would
    have by it: a group with just that share deviates by nothing.
    """
    x, n, index = _by_group(successes, n, level)
    if len(x) < 2:
        raise ValueError("Сравнить не с чем: нужны хотя бы две группы, а дана одна")
    if not n.all():
        names = ", ".join(f"«{label}»" for label in index[n == 0][:5])
        raise ValueError(f"В группе нет людей с результатом: {names}")
    share, expected = x / n, x.sum() / n.sum()
    centre, variance = _anscombe(n * expected, n), 1 / (4 * n + 2)
    deviation = _anscombe(x, n) - centre
    tau = np.sqrt(_overdispersion(deviation, variance))
    spread = np.sqrt(variance + tau**2)
    half = ndtri(0.5 + level / 2) * spread
    limits = _shares_around(centre, half)
    low, high = (((n + 0.75) * limits - 0.375) / n).clip(0, 1)
    z = deviation / spread
    p_adjusted = adjust_p(2 * ndtr(-np.abs(z)))
    return pd.DataFrame(
        {
            "share": share,
            "expected": expected,
            "ci_low": low,
            "ci_high": high,
            "z": z,
            "p_adjusted": p_adjusted,
            "is_outlier": p_adjusted <= 1 - level,
            "tau": np.ptp(_shares_around(np.arcsin(np.sqrt(expected)), tau)) / 2,
        },
        index=index,
    )


def _anscombe(x: np.ndarray, n: np.ndarray) -> np.ndarray:
    return np.arcsin(np.sqrt((x + 0.375) / (n + 0.75)))


def _shares_around(centre: float | np.ndarray, reach: float | np.ndarray) -> np.ndarray:
    """Shares at the ends of an interval on the arcsine scale, which ends at 0 and π/2."""
    return np.sin(np.array([centre - reach, centre + reach]).clip(0, np.pi / 2)) ** 2


def _overdispersion(deviation: np.ndarray, variance: np.ndarray) -> float:
    """τ² of deviations with known sampling variances, robust to a few true outliers.

    The τ² with which the standardised deviations have the mean square of a normal distribution.
    """
    cut = ndtri(_WINSOR)
    of_normal = 1 - 2 * _WINSOR + 2 * cut * np.exp(-(cut**2) / 2) / np.sqrt(2 * np.pi)
    of_normal += 2 * _WINSOR * cut**2
    due = of_normal * (len(deviation) - 1) / len(deviation)

    def excess(tau_squared: float) -> float:
        z = deviation / np.sqrt(variance + tau_squared)
        return np.mean(z.clip(*np.quantile(z, [_WINSOR, 1 - _WINSOR])) ** 2) - due

    if excess(0.0) <= 0:
        return 0.0
    return brentq(excess, 0.0, np.max(deviation**2) / due)
