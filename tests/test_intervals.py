"""Wilson against SciPy and against the reference table; t against SciPy; coverage by simulation."""

import numpy as np
import pytest
from scipy import stats

from nmc_utils.measures.intervals import mean_interval, share_interval


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_wilson_equals_scipy(level):
    pairs = [(x, n) for n in (1, 2, 5, 11, 30, 1200, 11515) for x in {0, 1, n // 3, n - 1, n}]
    low, high = share_interval(*np.array(pairs).T, level=level)
    for (x, n), *bounds in zip(pairs, low, high, strict=True):
        expected = stats.binomtest(x, n).proportion_ci(level, method="wilson")
        assert bounds == pytest.approx([expected.low, expected.high], abs=1e-12)


def test_published_small_denominators():
    low, high = share_interval([5, 2, 13], [11, 2, 17])
    assert np.round(100 * low) == pytest.approx([21, 34, 53])
    assert np.round(100 * high) == pytest.approx([72, 100, 90])


def test_shares_of_nobody_are_missing_and_bounds_are_exact_at_the_ends():
    low, high = share_interval([0, 0, 7], [0, 7, 7])
    assert np.isnan(low[0]) and np.isnan(high[0])
    assert low[1] == 0 and high[2] == 1


@pytest.mark.parametrize(
    ("x", "n", "level", "message"),
    [
        (6, 5, 0.95, "got 6.0 of 5.0"),
        (-1, 5, 0.95, "got -1.0 of 5.0"),
        (np.nan, 5, 0.95, "between 0 and n"),
        (1, 5, 95, "between 0 and 1, got 95"),
    ],
)
def test_refusals(x, n, level, message):
    with pytest.raises(ValueError, match=message):
        share_interval(x, n, level)


def test_mean_interval_equals_scipy_and_needs_two():
    scores = np.array([0.31, 0.55, 0.72, 0.44, 0.9])
    low, high = mean_interval(scores.mean(), scores.std(ddof=1), len(scores))
    assert (low, high) == pytest.approx(stats.ttest_1samp(scores, 0).confidence_interval())
    assert np.isnan(mean_interval(0.5, np.nan, 1)).all()
    assert np.isnan(mean_interval(1.0, 0.0, 8)).all(), "equal scores prove nothing"


def test_mean_interval_covers_bounded_scores():
    """94–96 % for six persons of a 25-item test, where a percentile bootstrap covers 86 %."""
    rng = np.random.default_rng(7)
    ability = rng.beta(6, 4, size=(20_000, 6))
    scores = rng.binomial(25, ability) / 25
    low, high = mean_interval(scores.mean(axis=1), scores.std(axis=1, ddof=1), 6)
    assert 0.94 <= np.mean((low <= 0.6) & (high >= 0.6)) <= 0.96
