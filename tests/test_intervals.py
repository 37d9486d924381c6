"""Intervals against SciPy and reference tables; many groups at once; coverage by simulation."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nmc_utils.measures.intervals import (
    adjust_p,
    funnel,
    mean_interval,
    share_interval,
    small_area_shares,
)

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_wilson_equals_scipy(level):
    pairs = [(x, n) for n in (1, 2, 5, 11, 30, 1200, 11515) for x in {0, 1, n // 3, n - 1, n}]
    low, high = share_interval(*np.array(pairs).T, level=level)
    for (x, n), *bounds in zip(pairs, low, high, strict=True):
        expected = stats.binomtest(x, n).proportion_ci(level, method="wilson")
        assert bounds == pytest.approx([expected.low, expected.high], abs=1e-12)


def test_wilson_equals_reference_table():
    table = pd.read_csv(DATA / "proportion_intervals.csv", comment="#")
    low, high = share_interval(table["x"], table["n"])
    np.testing.assert_allclose(low, table["prop_test_lo"], atol=1e-9)
    np.testing.assert_allclose(high, table["prop_test_hi"], atol=1e-9)


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


def by_sampling_the_prior(successes, n, draws=2_000_000):
    """Posterior of each area's share by importance sampling: the model told once more."""
    rng = np.random.default_rng(11)
    mu = rng.random(draws)
    # P(κ ≤ k) = k / (1 + k) before truncation to 0.1…2000.
    uniform = rng.uniform(0.1 / 1.1, 2000 / 2001, draws)
    kappa = uniform / (1 - uniform)
    shares = rng.beta(mu * kappa, (1 - mu) * kappa, size=(len(n), draws))
    weight = np.ones(draws)
    for x, size, share in zip(successes, n, shares, strict=True):
        weight *= share**x * (1 - share) ** (size - x)
    weight /= weight.sum()
    bounds = []
    for share in shares:
        order = np.argsort(share)
        at = np.searchsorted(np.cumsum(weight[order]), [0.025, 0.975])
        bounds.append([weight @ share, *share[order][at]])
    return np.array(bounds)


@pytest.mark.parametrize(
    ("successes", "n"), [([3], [6]), ([1, 4, 5], [6, 5, 9]), ([0, 0, 2, 3], [4, 0, 3, 12])]
)
def test_small_areas_equal_sampling(successes, n):
    expected = by_sampling_the_prior(successes, n)
    np.testing.assert_allclose(small_area_shares(successes, n), expected, atol=0.004)


def region(rng, areas=40, mean=0.6, kappa=10.0):
    """Counts of a region whose areas have about six persons each, and the true shares."""
    share = rng.beta(mean * kappa, (1 - mean) * kappa, areas)
    n = np.maximum(1, np.round(rng.lognormal(np.log(6), 0.6, areas))).astype(int)
    return rng.binomial(n, share), n, share


def coverage(regions, seed, **truth):
    rng = np.random.default_rng(seed)
    covered = []
    for _ in range(regions):
        successes, n, share = region(rng, **truth)
        bounds = small_area_shares(successes, n)
        covered.append(np.mean((bounds["ci_low"] <= share) & (share <= bounds["ci_high"])))
    return np.mean(covered)


def test_small_areas_cover():
    assert 0.93 <= coverage(120, seed=1) <= 0.97


@pytest.mark.long
@pytest.mark.parametrize(
    "truth",
    [
        {"areas": 13, "mean": 0.6, "kappa": 10},
        {"areas": 29, "mean": 0.3, "kappa": 20},
        {"areas": 89, "mean": 0.5, "kappa": 40},
        {"areas": 89, "mean": 0.85, "kappa": 5},
    ],
    ids=str,
)
def test_small_areas_cover_whatever_the_region(truth):
    assert 0.93 <= coverage(500, seed=2, **truth) <= 0.97


def test_small_areas_keep_labels_and_do_not_depend_on_order():
    rng = np.random.default_rng(4)
    successes, n, _ = region(rng, areas=29)
    labels = pd.Index([f"Район {number}" for number in range(29)], name="municipality")
    counts = pd.DataFrame({"x": successes, "n": n}, index=labels)
    table = small_area_shares(counts["x"], counts["n"])
    mixed = rng.permutation(29)
    pd.testing.assert_frame_equal(
        small_area_shares(counts["x"].iloc[mixed], counts["n"].astype("Int64")).reindex(labels),
        table,
    )
    np.testing.assert_array_equal(table, small_area_shares(successes, n))
    assert ((table >= 0) & (table <= 1)).all(axis=None)


def test_small_areas_borrow_where_there_are_few_and_not_where_there_are_many():
    table = small_area_shares([0, 60, 55, 65, 58, 0], [3, 100, 100, 100, 100, 0])
    few, many, nobody = table.iloc[0], table.iloc[1], table.iloc[-1]
    assert few["estimate"] > 0.2, "nobody of three, while elsewhere 60 %"
    assert many["estimate"] == pytest.approx(0.6, abs=0.02)
    wilson = share_interval(60, 100)
    assert many["ci_high"] - many["ci_low"] < wilson[1] - wilson[0]
    assert nobody["ci_high"] - nobody["ci_low"] > many["ci_high"] - many["ci_low"]


@pytest.mark.parametrize(
    ("successes", "n"),
    [
        ([0] * 50, [20] * 50),
        ([0, 6] * 20, [6] * 40),
        ([0, 10**6], [10**6, 10**6]),
        ([0] * 290 + [6] * 10, [6] * 300),
        ([1], [1]),
    ],
    ids=["none", "all or none", "a million", "rare", "one person"],
)
def test_small_areas_at_the_ends(successes, n):
    table = small_area_shares(successes, n)
    assert table.notna().all(axis=None)
    inside = table["ci_low"].le(table["estimate"]) & table["estimate"].le(table["ci_high"])
    assert inside.all() and table["ci_low"].ge(0).all() and table["ci_high"].le(1).all()


@pytest.mark.parametrize("rows", [small_area_shares, funnel])
@pytest.mark.parametrize(
    ("successes", "n", "message"),
    [
        ([6, 1], [5, 4], "got 6.0 of 5.0"),
        ([np.nan, 1], [5, 4], "between 0 and n"),
        ([[1, 2]], [[3, 4]], "one-dimensional"),
        ([], [], "not empty"),
        (pd.Series([1, 2]), pd.Series([3, 4], index=["a", "b"]), "different labels"),
        (pd.Series([1, 2], index=[0, 0]), pd.Series([3, 4], index=[0, 0]), "labels of groups"),
    ],
)
def test_groups_are_refused(rows, successes, n, message):
    with pytest.raises(ValueError, match=message):
        rows(successes, n)


def test_shares_without_anybody_are_refused():
    with pytest.raises(ValueError, match="Ни в одной группе нет людей"):
        small_area_shares([0, 0], [0, 0])


def test_adjusted_p_equals_reference():
    table = pd.read_csv(DATA / "p_adjust_BH1995.csv", comment="#")
    np.testing.assert_allclose(adjust_p(table["p"].to_numpy()), table["bh"], rtol=1e-12)
    mixed = table.sample(frac=1, random_state=3).set_index("bh")["p"]
    adjusted = adjust_p(mixed)
    assert adjusted.name == "p"
    np.testing.assert_allclose(adjusted, adjusted.index, rtol=1e-12)
    assert len(adjust_p([])) == 0


@pytest.mark.parametrize("p", [[0.1, np.nan], [0.2, 1.2], [-0.1, 0.5]])
def test_missing_and_impossible_p_are_refused(p):
    with pytest.raises(ValueError, match="у 1 из 2 сравнений"):
        adjust_p(p)


def outliers(share, seed=5, repeats=400):
    """Number of outliers in each of many funnels of 89 regions; `share` draws the true shares."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(repeats):
        n = rng.integers(40, 2000, 89)
        found.append(funnel(rng.binomial(n, share(rng)), n)["is_outlier"].to_numpy())
    return np.array(found)


def test_identical_regions_are_not_flagged():
    found = outliers(lambda rng: 0.6)
    assert found.sum(axis=1).mean() <= 0.05
    assert found.any(axis=1).mean() <= 0.05


@pytest.mark.parametrize("share", [0.05, 0.6])
def test_identical_municipalities_of_a_few_persons_are_not_flagged(share):
    rng = np.random.default_rng(8)
    found = []
    for _ in range(400):
        n = 1 + rng.poisson(6, 29)
        table = funnel(rng.binomial(n, share), n)
        inside = table["share"].between(table["ci_low"], table["ci_high"])
        assert not (table["is_outlier"] & inside).any()
        found.append(table["is_outlier"].any())
    assert np.mean(found) <= 0.05


def test_ordinary_differences_are_not_flagged():
    """Differences of ±5 points put most large regions outside the limits of chance alone."""
    found = outliers(lambda rng: rng.normal(0.6, 0.05, 89))
    assert found.sum(axis=1).mean() <= 0.2


def test_a_different_region_is_flagged():
    shares = np.full(89, 0.6)
    shares[7] = 0.9
    found = outliers(lambda rng: shares)
    assert found[:, 7].mean() > 0.99
    assert np.delete(found, 7, axis=1).sum(axis=1).mean() <= 0.1


def test_funnel_finds_the_spread_of_ordinary_differences():
    rng = np.random.default_rng(6)
    n = np.full(2000, 400)
    table = funnel(rng.binomial(n, rng.normal(0.6, 0.05, 2000)), n)
    assert table["tau"].iloc[0] == pytest.approx(0.05, abs=0.003)
    inside = (table["ci_low"] < table["share"]) & (table["share"] < table["ci_high"])
    assert inside.mean() == pytest.approx(0.95, abs=0.015)


def test_funnel_limits_without_overdispersion_are_those_of_the_binomial():
    """Two like groups: no spread beyond chance; limits against the normal ones of a share."""
    table = funnel([600, 602], [1000, 1000])
    half = 1.959964 * np.sqrt(0.601 * 0.399 / 1000)
    assert (table["tau"] == 0).all() and not table["is_outlier"].any()
    assert table["expected"].tolist() == pytest.approx([0.601, 0.601])
    assert table["ci_low"].tolist() == pytest.approx([0.601 - half] * 2, abs=3e-4)
    assert table["ci_high"].tolist() == pytest.approx([0.601 + half] * 2, abs=3e-4)


@pytest.mark.parametrize("successes", [[0, 0, 0], [5, 6, 7]])
def test_funnel_of_nobody_and_of_everybody(successes):
    table = funnel(successes, [5, 6, 7])
    assert table.notna().all(axis=None) and not table["is_outlier"].any()


def test_funnel_refuses_one_group_and_an_empty_one():
    with pytest.raises(ValueError, match="хотя бы две группы"):
        funnel([3], [6])
    with pytest.raises(ValueError, match="«Абакан»"):
        funnel(pd.Series({"Абакан": 0, "Черногорск": 3}), pd.Series({"Абакан": 0, "Черногорск": 4}))


@pytest.mark.parametrize("rows", [small_area_shares, funnel])
def test_counts_that_are_not_whole_are_refused(rows):
    with pytest.raises(ValueError, match="whole numbers, got 1.5"):
        rows([1.5, 1], [3, 3])
    with pytest.raises(ValueError, match="whole numbers, got 3.2"):
        rows([1, 1], [3.2, 3])
    # A share times n is whole but for rounding.
    pd.testing.assert_frame_equal(rows([0.29 * 100, 7], [100, 9]), rows([29, 7], [100, 9]))


@pytest.mark.parametrize(("successes", "n"), [([0, 0], [10, 10]), ([3, 30], [10, 100])])
def test_a_group_with_the_share_of_all_deviates_by_nothing(successes, n):
    table = funnel(successes, n)
    assert table["z"].abs().max() < 1e-12 and (table["p_adjusted"] == 1).all()


def test_spread_of_groups_is_a_share_however_great():
    assert funnel([0, 1000], [1000, 1000])["tau"].iloc[0] == pytest.approx(0.5, abs=0.01)
    assert funnel([0, 0, 1000], [1000] * 3)["tau"].iloc[0] <= 0.5
