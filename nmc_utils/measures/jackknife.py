"""Error of sampling by a jackknife: persons are left out in parts, each part in turn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

PARTS = 20


def kept(n: int) -> Iterator[np.ndarray]:
    """Which of `n` persons stay, for each part that is left out: every twentieth of their order.

    The order must be that of nothing else, as pseudonyms are.
    """
    part = np.arange(n) % PARTS
    return (part != at for at in range(PARTS))


def variance(without: ArrayLike) -> np.ndarray:
    """Variance of an estimate from those without each part, one a row.

    Notes
    -----
    Kott (2001), The delete-a-group jackknife.
    """
    return (PARTS - 1) * np.var(np.asarray(without, float), axis=0)


def reach(error: ArrayLike) -> np.ndarray:
    """Half of the 95 % interval of an estimate with this standard error."""
    return stdtrit(PARTS - 1, 0.975) * np.asarray(error, float)
