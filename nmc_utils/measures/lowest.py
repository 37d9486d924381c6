"""How sure it is that a person's lowest competence lies at or below a cut.

True results in the competences of one person go together: knowing one tells of the others. So the
chance is that of their joint posterior, and not a product of the chances of each competence.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import qmc

from nmc_utils.measures.within_forms import Moments

_DRAWS = 11  #: of the posterior, as a power of two; chances err by less than 0.005
_ROWS = 500  #: persons at a time


def lowest_below(
    scores: pd.DataFrame, moments: Moments, cut: float, *, shift: float = 0.0, dull: float = 0.0
) -> pd.Series:
    """Chance that the least of the true results is at or below a cut.

    Parameters
    ----------
    scores
        Persons × domains, shares of the maximum, nothing missing.
    moments
        Of `within_forms.moments` of the same persons.
    cut
        Share of the maximum.
    shift
        Standard errors by which the mean of every form is taken to be higher.
    dull
        Standard errors by which the reliability of every competence is taken to be lower.

    Returns
    -------
    Series
        0–1 by person.

    Notes
    -----
    True results are taken as multivariate normal within a form, errors as independent (Lord and
    Novick 1968; the multivariate form of Kelley's regression, Wainer et al. 2001). Where the
    covariances of a sample would make true results correlate beyond 1, the nearest possible ones
    are taken. The orthant of the posterior is integrated over a fixed Sobol sequence, so that the
    same scores give the same chances.
    """
    observed = moments.covariance.to_numpy()
    reliability = (moments.reliability - dull * moments.reliability_se).clip(1e-6, 1 - 1e-6)
    errors = np.diag(observed) * (1 - reliability.to_numpy())
    true = _possible(observed - np.diag(errors))
    weights = np.linalg.solve(true + np.diag(errors), true)
    left = _possible(true - true @ weights)
    centre = moments.centre + shift * moments.centre_se
    expected = centre + (scores - centre).to_numpy() @ weights
    normal = ndtri(
        qmc.Sobol(len(observed), scramble=False).random_base2(_DRAWS) + 2.0 ** -(_DRAWS + 1)
    )
    values, vectors = np.linalg.eigh(left)
    spread = normal @ (vectors * np.sqrt(values.clip(0))).T
    above = [
        (expected.to_numpy()[start : start + _ROWS, None] + spread > cut).all(axis=2).mean(axis=1)
        for start in range(0, len(expected), _ROWS)
    ]
    return pd.Series(1 - np.concatenate(above), scores.index)


def _possible(covariance: np.ndarray) -> np.ndarray:
    """The nearest covariance matrix: without negative variances in any direction."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * values.clip(1e-12)) @ vectors.T
