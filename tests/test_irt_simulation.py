"""Item calibration against known truth: recovery, coverage, difference of groups, bias."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from nmc_utils.measures.irt import calibrate, deficit_posterior, score_eap

GAP = 0.74  #: standard deviations between the groups


def answered(a, b, theta, rng) -> pd.DataFrame:
    right = expit(a * (theta[:, None] - b))
    names = [f"i{j}" for j in range(len(a))]
    return pd.DataFrame((rng.random(right.shape) < right).astype(np.uint8), columns=names)


def bank(n_items, rng) -> tuple[np.ndarray, np.ndarray]:
    return np.exp(rng.normal(0.1, 0.25, n_items)), rng.normal(0, 1, n_items)


def two_forms(n, rng):
    """Group Б is better by `GAP`; 20 items each, 10 in common."""
    a, b = bank(30, rng)
    theta = np.concatenate((rng.normal(0, 1, n), rng.normal(GAP, 1, n)))
    answers = answered(a, b, theta, rng).astype(float)
    answers.iloc[:n, 20:] = np.nan
    answers.iloc[n:, :10] = np.nan
    return answers, np.repeat(["А", "Б"], n), theta


@pytest.mark.parametrize("model", ["1pl", "2pl"])
def test_parameters_are_recovered(model):
    """Errors of a and b at 5 000 persons are small, and as large as their standard errors say."""
    rng = np.random.default_rng(1)
    a, b = bank(40, rng)
    a = a if model == "2pl" else np.full(40, 1.1)
    found = calibrate(answered(a, b, rng.standard_normal(5_000), rng), model)
    assert found.converged
    for name, truth in (("a", a), ("b", b)):
        error = found.items[name] - truth
        assert np.sqrt(np.mean(error**2)) < 0.08
        assert np.sqrt(np.mean((error / found.items[f"{name}_se"]) ** 2)) < 1.4


def test_difference_of_groups_on_different_forms():
    answers, group, _ = two_forms(1_000, np.random.default_rng(2))
    found = calibrate(answers, "2pl", group).groups.loc["Б"]
    assert abs(found["mean"] - GAP) < 2 * found["mean_se"]
    assert found["sd"] == pytest.approx(1, abs=0.15)


def test_one_common_population_halves_the_difference():
    """Why groups are estimated: without them the gap in mean levels shrinks."""
    answers, group, _ = two_forms(1_000, np.random.default_rng(2))
    found = calibrate(answers, "2pl")
    levels = score_eap(answers, found)["theta"].groupby(group).mean()
    assert levels["Б"] - levels["А"] < 0.8 * GAP


@pytest.mark.parametrize("model", ["1pl", "2pl"])
def test_mean_difference_of_groups_over_replicates(model):
    found = []
    for seed in range(50):
        rng = np.random.default_rng(seed)
        answers, group, _ = two_forms(1_500, rng)
        if model == "1pl":
            theta = np.concatenate((rng.normal(0, 1, 1_500), rng.normal(GAP, 1, 1_500)))
            full = answered(np.full(30, 1.1), rng.normal(0, 1, 30), theta, rng)
            answers = full.mask(answers.isna())
        found.append(calibrate(answers, model, group).groups.loc["Б", ["mean", "mean_se"]])
    found = np.array(found, float)
    assert found[:, 0].mean() == pytest.approx(GAP, abs=0.02)
    covered = np.abs(found[:, 0] - GAP) < 1.96 * found[:, 1]
    assert covered.mean() >= 0.86, "of 50 intervals at 95 % fewer than 43 hardly ever hold"
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(ddof=1), rel=0.3)


def test_intervals_of_item_parameters_cover():
    """Estimates ± 1.96 standard errors, pooled over 25 items and 120 replicates."""
    covered = []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        a, b = bank(25, rng)
        items = calibrate(answered(a, b, rng.standard_normal(1_500), rng), "2pl").items
        for name, truth in (("a", a), ("b", b)):
            covered.append(np.abs(items[name] - truth) < 1.96 * items[f"{name}_se"])
    share = np.array(covered).reshape(120, 2, 25).mean(axis=(0, 2))
    assert ((share >= 0.93) & (share <= 0.97)).all(), share


@pytest.mark.long
def test_intervals_cover_with_answers_missing_and_partial_credit():
    """Three scores, a tenth not administered at random: steps ± 1.96 standard errors."""
    covered = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        a, b = bank(12, rng)
        steps = b[:, None] + [-0.5, 0.5]
        theta = rng.standard_normal(1_200)
        logits = np.cumsum(a[:, None] * (theta[:, None, None] - steps), axis=2)
        weights = np.concatenate((np.ones((1_200, 12, 1)), np.exp(logits)), axis=2)
        below = np.cumsum(weights, axis=2) / weights.sum(axis=2, keepdims=True)
        scores = (rng.random((1_200, 12, 1)) > below).sum(axis=2).astype(float)
        scores[rng.random(scores.shape) < 0.1] = np.nan
        items = calibrate(pd.DataFrame(scores), "gpcm").items
        for k in (1, 2):
            away = np.abs(items[f"step_{k}"] - steps[:, k - 1])
            covered.append(away < 1.96 * items[f"step_{k}_se"])
        covered.append(np.abs(items["a"] - a) < 1.96 * items["a_se"])
    assert 0.93 <= np.mean(covered) <= 0.97


def test_levels_and_probabilities_of_deficit_are_calibrated():
    """Posterior intervals hold, and of those with P(deficit) about p a share p is below the cut."""
    rng = np.random.default_rng(4)
    answers, group, theta = two_forms(4_000, rng)
    found = calibrate(answers, "2pl", group)
    levels = score_eap(answers, found, group)
    covered = np.abs(levels["theta"] - theta) < 1.96 * levels["sd"]
    assert covered.mean() == pytest.approx(0.95, abs=0.01)
    assert (levels["theta"] - theta).mean() == pytest.approx(0, abs=0.06)
    chance = deficit_posterior(answers, found, 0.0, group)
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        about = chance.between(low, low + 0.2)
        assert (theta[about] <= 0).mean() == pytest.approx(chance[about].mean(), abs=0.06)


@pytest.mark.long
def test_no_bias_at_eighty_items():
    """Where 41 Gauss–Hermite nodes are too coarse the mean error of a and b stays at zero."""
    errors = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        a, b = bank(80, rng)
        items = calibrate(answered(a, b, rng.standard_normal(4_000), rng), "2pl").items
        errors.append([np.mean(items["a"] / a - 1), np.mean((items["b"] - b) * np.sign(b))])
    errors = np.array(errors)
    spread = errors.std(axis=0, ddof=1) / np.sqrt(len(errors))
    assert (np.abs(errors.mean(axis=0)) < np.maximum(3 * spread, 0.01)).all()
