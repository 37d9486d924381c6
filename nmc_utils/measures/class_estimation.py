"""Latent classes of 0/1 answers by maximum likelihood: the EM algorithm, many runs at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Chances and shares are kept so far off 0 and 1 where their logarithm is taken.
_LEAST = 1e-15


@dataclass(frozen=True)
class Runs:
    """Where R runs of the EM algorithm came to.

    Attributes
    ----------
    shares
        Of the classes, R × K.
    chances
        Probability of 1, R × K × domains.
    posterior
        Probability of each class, R × rows of the patterns × K.
    log_likelihood
        Of all persons; −∞ where a class ran empty on the way: such a run has no likelihood.
    is_converged
        Whether a step added less than the gain that was asked for.
    """

    shares: np.ndarray
    chances: np.ndarray
    posterior: np.ndarray
    log_likelihood: np.ndarray
    is_converged: np.ndarray


def estimated(
    patterns: np.ndarray,
    counts: np.ndarray,
    k: int,
    seeds: Sequence[int],
    *,
    steps: int,
    gain: float,
) -> Runs:
    """Estimate `k` latent classes of which answers are independent, from random starts.

    Parameters
    ----------
    patterns
        Distinct rows of answers: 0, 1, missing (at random).
    counts
        Run × row: how many persons have the row.
    seeds
        By run. Equal ones start alike, whatever the counts are.
    steps
        Greatest number of steps of a run.
    gain
        A run ends with the step that adds less to its log-likelihood.

    Notes
    -----
    Dempster, Laird and Rubin (1977). Starts, steps and the rule of ending are those of StepMix, so
    that a run comes to what StepMix comes to. No run changes the digits of another.
    """
    answers = _Coded.of(patterns)
    starts = np.stack([_start(len(patterns), k, seed) for seed in seeds])
    shares = np.full((len(seeds), k), 1 / k)
    chances = answers.chances(starts)
    converged = np.zeros(len(seeds), bool)
    last = np.full(len(seeds), -np.inf)
    active = np.arange(len(seeds))
    # A class that runs empty makes its run not a number, and no step mends it.
    with np.errstate(divide="ignore", invalid="ignore", under="ignore"):
        for _ in range(steps):
            likelihood, posterior = answers.expected(
                shares[active], chances[active], counts[active]
            )
            weighted = posterior * counts[active, :, None]
            shares[active] = (weighted.sum(axis=1) / counts[active].sum(axis=1)[:, None]).clip(
                _LEAST
            )
            chances[active] = answers.chances(weighted)
            converged[active] = np.abs(likelihood - last[active]) < gain
            last[active] = likelihood
            active = active[~converged[active] & ~np.isnan(likelihood)]
            if not len(active):
                break
        likelihood, posterior = answers.expected(shares, chances, counts)
    return Runs(
        shares=shares / shares.sum(axis=1, keepdims=True),
        chances=chances.clip(0, 1),
        posterior=posterior,
        log_likelihood=np.where(np.isfinite(likelihood), likelihood, -np.inf),
        is_converged=converged,
    )


def _start(rows: int, k: int, seed: int) -> np.ndarray:
    """Random probabilities of the classes, rows × K."""
    drawn = np.random.RandomState(seed).uniform(size=(rows, k))
    return drawn / drawn.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class _Coded:
    """Rows × domains: where the answer is 1, where it is 0, and where there is one (0 or 1)."""

    ones: np.ndarray
    zeros: np.ndarray

    @classmethod
    def of(cls, patterns: np.ndarray) -> _Coded:
        return cls((patterns == 1).astype(float), (patterns == 0).astype(float))

    def chances(self, weights: np.ndarray) -> np.ndarray:
        """Share of 1 among the answers of each class, R × K × domains; weights are R × rows × K."""
        by_class = weights.transpose(0, 2, 1)
        ones = by_class @ self.ones
        return ones / (ones + by_class @ self.zeros)

    def expected(
        self, shares: np.ndarray, chances: np.ndarray, counts: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Log-likelihood of each run, and the posterior probabilities, R × rows × K."""
        inside = chances.clip(_LEAST, 1 - _LEAST).transpose(0, 2, 1)
        joint = self.ones @ np.log(inside) + self.zeros @ np.log1p(-inside)
        joint += np.log(shares)[:, None, :]
        greatest = joint.max(axis=2, keepdims=True)
        relative = np.exp(joint - greatest)
        whole = relative.sum(axis=2, keepdims=True)
        rows = (greatest + np.log(whole))[:, :, 0]
        return (rows * counts).sum(axis=1), relative / whole
