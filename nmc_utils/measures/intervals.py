"""Intervals of shares, of their differences, and of means."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit


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
