"""Latent classes by EM: StepMix as an independent peer, runs that do not touch each other."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from stepmix import StepMix

from nmc_utils.measures.class_estimation import Runs, estimated

SEEDS = [3, 14, 15, 92]


def answers(missing: float) -> tuple[np.ndarray, np.ndarray]:
    """Patterns of two crossing classes, and two samples of persons who have them."""
    rng = np.random.default_rng(5)
    chances = np.array([[0.2, 0.1, 0.3, 0.8, 0.7], [0.7, 0.9, 0.6, 0.2, 0.3]])
    values = (rng.random((700, 5)) < chances[rng.integers(2, size=700)]).astype(float)
    values[rng.random(values.shape) < missing] = np.nan
    coded, counts = np.unique(np.nan_to_num(values, nan=-1), axis=0, return_counts=True)
    again = rng.multinomial(counts.sum(), counts / counts.sum())
    return np.where(coded < 0, np.nan, coded), np.stack([counts, again])


def by_stepmix(patterns, counts, k, seed, steps, gain) -> tuple[StepMix, float]:
    kind = "binary_nan" if np.isnan(patterns).any() else "binary"
    model = StepMix(
        k,
        measurement=kind,
        max_iter=steps,
        abs_tol=gain / counts.sum(),
        random_state=seed,
        progress_bar=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(patterns, sample_weight=counts)
        return model, model.score(patterns, sample_weight=counts) * counts.sum()


@pytest.mark.parametrize("missing", [0.0, 0.15])
@pytest.mark.parametrize(("k", "steps", "gain"), [(1, 50, 1e-3), (2, 40, 1e-3), (3, 500, 1e-5)])
def test_each_run_comes_to_what_stepmix_comes_to(missing, k, steps, gain):
    patterns, samples = answers(missing)
    counts = samples[[0, 1, 0, 1]]
    found = estimated(patterns, counts, k, SEEDS, steps=steps, gain=gain)
    for run, seed in enumerate(SEEDS):
        peer, likelihood = by_stepmix(patterns, counts[run], k, seed, steps, gain)
        own = peer.get_parameters()
        assert found.log_likelihood[run] == pytest.approx(likelihood, abs=1e-8)
        assert found.shares[run] == pytest.approx(own["weights"], abs=1e-9)
        assert found.chances[run] == pytest.approx(own["measurement"]["pis"], abs=1e-9)
        assert found.posterior[run] == pytest.approx(peer.predict_proba(patterns), abs=1e-9)
        assert found.is_converged[run] == peer.converged_


def test_one_class_has_the_shares_of_those_who_answered():
    patterns = np.array([[1.0, 0.0], [1.0, np.nan], [0.0, 1.0]])
    found = estimated(patterns, np.array([[2, 1, 1]]), 1, [0], steps=5, gain=1e-9)
    assert found.chances[0, 0] == pytest.approx([3 / 4, 1 / 3])
    by_hand = 3 * np.log(3 / 4) + np.log(1 / 4) + np.log(1 / 3) + 2 * np.log(2 / 3)
    assert found.log_likelihood[0] == pytest.approx(by_hand)
    assert found.is_converged.all()


def taken(found: Runs, run: int) -> list[bytes]:
    parts = (found.shares, found.chances, found.posterior, found.log_likelihood)
    return [part[run].tobytes() for part in parts]


def test_no_run_changes_the_digits_of_another():
    patterns, samples = answers(0.1)
    options = {"steps": 200, "gain": 1e-4}
    together = estimated(patterns, samples[[0, 1, 0, 1]], 2, SEEDS, **options)
    for run, seed in enumerate(SEEDS):
        alone = estimated(patterns, samples[[run % 2]], 2, [seed], **options)
        assert taken(together, run) == taken(alone, 0)


def test_a_step_never_makes_the_answers_less_likely():
    patterns, samples = answers(0.1)
    likelihood = [
        estimated(patterns, samples[[0]], 3, [7], steps=steps, gain=0).log_likelihood[0]
        for steps in range(1, 30)
    ]
    assert (np.diff(likelihood) > -1e-9).all() and likelihood[-1] > likelihood[0] + 1


def test_a_domain_that_nobody_drawn_has_leaves_no_likelihood():
    patterns = np.array([[1.0, 0.0], [0.0, np.nan], [1.0, np.nan]])
    found = estimated(patterns, np.array([[0, 3, 4], [2, 3, 4]]), 2, [1, 1], steps=50, gain=1e-3)
    assert found.log_likelihood[0] == -np.inf and not found.is_converged[0]
    assert np.isfinite(found.log_likelihood[1])
