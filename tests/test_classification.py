"""Livingston–Lewis against a reference and quadrature; P(deficit), band and error by truth.

`data/ability_totals.csv`: total scores of the 1248 persons with complete answers to the 16 ability
items of the R package psych; the reference figures are of the R package betafunctions.
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from nmc_utils.measures.classification import (
    borderline_band,
    classification_accuracy,
    deficit_probability,
    error_of_measurement,
)
from nmc_utils.measures.reliability import alpha

DATA = Path(__file__).parent / "data"
RELIABILITY = 0.827951924373845


@pytest.fixture(scope="module")
def totals():
    counts = pd.read_csv(DATA / "ability_totals.csv")
    return counts["total_score"].repeat(counts["persons"])


@pytest.fixture(scope="module", params=[1, 2, 3])
def tested(request):
    """25 items of the 2PL kind: observed totals, true scores, reliability by alpha."""
    rng = np.random.default_rng(request.param)
    slope, difficulty = rng.lognormal(0, 0.3, 25), rng.normal(-0.6, 0.8, 25)
    theta = rng.standard_normal((20_000, 1))
    chance = 1 / (1 + np.exp(-slope * (theta - difficulty)))
    responses = pd.DataFrame(rng.random(chance.shape) < chance)
    again = (rng.random(chance.shape) < chance).sum(axis=1)
    return responses.sum(axis=1), again, chance.sum(axis=1), alpha(responses).estimate


@pytest.mark.parametrize(
    ("cut", "accuracy", "consistency", "kappa"),
    [(0.6, 0.875391, 0.826177, 0.636034), (0.5, 0.872299, 0.821880, 0.641735)],
)
def test_reference_of_livingston_and_lewis(totals, cut, accuracy, consistency, kappa):
    found = classification_accuracy(totals, 16, RELIABILITY, cut)
    assert round(found.accuracy, 6) == accuracy
    assert round(found.consistency, 6) == consistency
    assert round(found.kappa, 6) == kappa
    assert round(found.effective_length, 2) == 19.27
    assert (found.alpha, found.beta) == pytest.approx((2.098218, 1.913772), abs=1e-6)
    assert (found.low, found.high) == (0, 1)


@pytest.mark.parametrize("cut", [0.35, 0.5, 0.6, 0.9])
def test_shares_equal_the_integrals_over_true_scores(totals, cut):
    found = classification_accuracy(totals, 16, RELIABILITY, cut)
    true = stats.beta(found.alpha, found.beta)

    def integral(of, low, high):
        return integrate.quad(lambda t: of(t) * true.pdf(t), low, high, epsabs=1e-12)[0]

    def low_score(t):
        return stats.binom.cdf(int(np.floor(cut * 19)), 19, t)

    both, deficit = integral(low_score, 0, cut), integral(low_score, 0, 1)
    assert found.deficit_share == pytest.approx(deficit, abs=1e-8)
    assert found.true_deficit_share == pytest.approx(true.cdf(cut), abs=1e-12)
    assert found.false_deficit_share == pytest.approx(1 - both / deficit, abs=1e-8)
    assert found.missed_deficit_share == pytest.approx(
        (true.cdf(cut) - both) / (1 - deficit), abs=1e-8
    )
    same = integral(lambda t: low_score(t) ** 2 + (1 - low_score(t)) ** 2, 0, 1)
    assert found.consistency == pytest.approx(same, abs=1e-8)
    chance = deficit**2 + (1 - deficit) ** 2
    assert found.kappa == pytest.approx((same - chance) / (1 - chance), abs=1e-7)


def test_accuracy_is_what_the_two_errors_leave(totals):
    found = classification_accuracy(totals, 16, RELIABILITY, 0.6)
    errors = found.deficit_share * found.false_deficit_share
    errors += (1 - found.deficit_share) * found.missed_deficit_share
    assert found.accuracy == pytest.approx(1 - errors)


def test_order_scale_and_types_change_nothing(totals):
    expected = asdict(classification_accuracy(totals, 16, RELIABILITY, 0.6))
    gaps = pd.concat([totals, pd.Series([None, np.nan])])
    for other in (
        totals.sample(frac=1, random_state=1),
        totals.to_numpy(),
        totals.to_list(),
        totals.astype("Int64"),
        totals.astype(object),
        gaps,
    ):
        assert asdict(classification_accuracy(other, 16, RELIABILITY, 0.6)) == pytest.approx(
            expected
        )
    per_cent = classification_accuracy(totals * 6.25, 100, RELIABILITY, 0.6)
    assert asdict(per_cent) == pytest.approx(expected)


def test_more_reliable_totals_classify_better(totals):
    found = [classification_accuracy(totals, 16, rho, 0.6) for rho in (0.7, 0.8, 0.9, 0.99)]
    for name in ("accuracy", "consistency", "kappa"):
        assert np.all(np.diff([getattr(one, name) for one in found]) > 0)


def test_one_in_six_lands_on_the_wrong_side_and_the_model_knows_it(tested):
    score, again, true, reliability = tested
    deficit, truly = score <= 15, true <= 15
    found = classification_accuracy(score, 25, reliability, 0.6)
    assert found.accuracy == pytest.approx((deficit == truly).mean(), abs=0.02)
    assert found.consistency == pytest.approx((deficit == (again <= 15)).mean(), abs=0.02)
    assert found.true_deficit_share == pytest.approx(truly.mean(), abs=0.02)
    assert found.false_deficit_share_by_rule == pytest.approx(1 - truly[deficit].mean(), abs=0.02)
    assert found.missed_deficit_share_by_rule == pytest.approx(truly[~deficit].mean(), abs=0.02)
    assert 0.8 < found.accuracy < 0.9


@pytest.mark.long
@pytest.mark.parametrize("cut", [0.5, 0.6, 0.75])
@pytest.mark.parametrize("n_items", [16, 24, 40])
def test_false_deficits_are_known_for_other_lengths_and_cuts(n_items, cut):
    errors = []
    for seed in range(6):
        rng = np.random.default_rng([seed, n_items])
        slope, difficulty = rng.lognormal(0, 0.3, n_items), rng.normal(-0.6, 0.8, n_items)
        chance = 1 / (1 + np.exp(-slope * (rng.standard_normal((20_000, 1)) - difficulty)))
        responses = pd.DataFrame(rng.random(chance.shape) < chance)
        score, true = responses.sum(axis=1), chance.sum(axis=1)
        found = classification_accuracy(score, n_items, alpha(responses).estimate, cut)
        false = (true > cut * n_items)[score <= cut * n_items].mean()
        errors.append(found.false_deficit_share_by_rule - false)
    assert np.abs(errors).max() < 0.03
    assert abs(np.mean(errors)) < 0.02


def test_nobody_on_one_side_is_no_share():
    found = classification_accuracy([18, 19, 17, 18, 20, 16, 19], 20, 0.5, 0.2)
    assert found.false_deficit_share_by_rule == 0
    assert found.accuracy == pytest.approx(1, abs=1e-6)
    assert found.kappa == 0


@pytest.mark.parametrize("reliability", [0.3, 0.9, 0.99])
@pytest.mark.parametrize("cut", [0.01, 0.5, 0.99])
def test_shares_stay_shares(totals, reliability, cut):
    found = asdict(classification_accuracy(totals, 16, reliability, cut))
    shares = [value for name, value in found.items() if name.endswith(("share", "rule"))]
    shares += [found["accuracy"], found["consistency"], found["kappa"]]
    assert len(shares) == 9
    assert min(shares) >= 0 and max(shares) <= 1 + 1e-12


@pytest.mark.parametrize(
    ("totals", "max_score", "reliability", "cut", "message"),
    [
        ([5], 16, 0.8, 0.6, "не меньше двух человек, а есть 1"),
        ([], 16, 0.8, 0.6, "не меньше двух человек, а есть 0"),
        ([5, 5, 5], 16, 0.8, 0.6, "У всех один и тот же результат .5.: точность"),
        ([5, 17], 16, 0.8, 0.6, "Балл 17 вне шкалы от 0 до 16"),
        ([-1.5, 7], 16, 0.8, 0.6, "Балл -1,5 вне шкалы"),
        ([5, 9], 16, 1.0, 0.6, "Надёжность должна быть больше 0 и меньше 1, а дано 1"),
        ([5, 9], 16, -0.25, 0.6, "Надёжность должна .* а дано -0,25"),
        ([5, 9], 16, float("nan"), 0.6, "Надёжность должна"),
        ([5, 9], 16, 0.8, 60, "cut must be a share"),
        ([5, 9], 0, 0.8, 0.6, "max_score must be positive"),
        ([0, 16, 0, 16], 16, 0.8, 0.6, "а нужно не меньше двух: точность отнесения не определена"),
        ([1, 2, 2, 1], 100, 0.01, 0.6, "Бета-распределение истинных баллов не подбирается"),
    ],
)
def test_classification_refuses(totals, max_score, reliability, cut, message):
    with pytest.raises(ValueError, match=message):
        classification_accuracy(totals, max_score, reliability, cut)


GROUP = {"reliability": 0.75, "mean": 14.0, "std": 4.0, "cut": 0.6}


def test_deficit_probability_by_hand():
    # True score of 18: 14 + .75 · 4 = 17, error 4 √(.75 · .25) = √3; the cut is 15.
    found = deficit_probability(18, 25, **GROUP)
    assert isinstance(found, float)
    assert found == pytest.approx(stats.norm.cdf(-2 / np.sqrt(3)))
    # 46/3 is expected to be 15 exactly.
    assert deficit_probability(46 / 3, 25, **GROUP) == pytest.approx(0.5)


def test_deficit_probability_keeps_the_shape():
    score = pd.Series([25, 0, None, 15], index=["d", "a", "c", "b"])
    found = deficit_probability(score, 25, **GROUP)
    assert found.index.equals(score.index)
    assert found.isna().to_list() == [False, False, True, False]
    for nullable in (score.astype("Int64"), score.astype(object)):
        pd.testing.assert_series_equal(deficit_probability(nullable, 25, **GROUP), found)
    table = deficit_probability([[25, 0], [15, 15]], 25, **GROUP)
    assert table.shape == (2, 2)
    assert table[1, 1] == found["b"]
    assert deficit_probability(pd.Series([], dtype=float), 25, **GROUP).empty


def test_deficit_probability_falls_with_the_score():
    assert np.all(np.diff(deficit_probability(np.arange(26), 25, **GROUP)) < 0)


def test_deficit_probability_is_calibrated(tested):
    """Real true scores are not normal: near the cut it may be off by up to 5 points in 100."""
    score, _, true, reliability = tested
    probability = deficit_probability(
        score, 25, reliability=reliability, mean=score.mean(), std=score.std(), cut=0.6
    )
    truly = pd.Series(true <= 15, index=score.index)
    bins = pd.cut(probability, np.linspace(0, 1, 6))
    gap = (
        probability.groupby(bins, observed=True).mean() - truly.groupby(bins, observed=True).mean()
    )
    assert gap.abs().max() < 0.05
    assert (gap.abs() * bins.value_counts(normalize=True)).sum() < 0.02
    assert probability.mean() == pytest.approx(truly.mean(), abs=0.02)


def test_deficit_probability_is_exact_for_normal_scores():
    rng = np.random.default_rng(6)
    true = rng.normal(60, np.sqrt(0.7) * 10, 400_000)
    score = pd.Series(true + rng.normal(0, np.sqrt(0.3) * 10, true.size)).clip(0, 100)
    found = deficit_probability(score, 100, reliability=0.7, mean=60, std=10, cut=0.6)
    bins = pd.cut(found, np.linspace(0, 1, 11))
    truly = pd.Series(true <= 60).groupby(bins, observed=True).mean()
    assert (found.groupby(bins, observed=True).mean() - truly).abs().max() < 0.015


def test_band_is_where_the_probability_is_neither_small_nor_large():
    low, high = borderline_band(25, **GROUP)
    assert deficit_probability(np.array([low, high]), 25, **GROUP) == pytest.approx([0.8, 0.2])
    narrow = borderline_band(25, **GROUP, low=0.4, high=0.6)
    assert low < narrow[0] < narrow[1] < high
    exact = borderline_band(25, **GROUP | {"reliability": 0.999})
    assert exact == pytest.approx((15, 15), abs=0.2)


def test_band_may_lie_beyond_the_scale():
    low, high = borderline_band(25, reliability=0.5, mean=24, std=1, cut=0.4)
    assert low < high < 0


def test_error_of_measurement_by_hand():
    # 10² · .2 / (60 · 40 − 100) = 20 / 2300 times x (100 − x).
    found = error_of_measurement(100, 50, 0.8, 60, 10)
    assert found["score"].to_list() == list(range(0, 101, 2))
    by_score = found.set_index("score")["std_error"]
    assert by_score[50] == pytest.approx(np.sqrt(20 / 2300 * 2500))
    assert by_score[0] == by_score[100] == 0
    assert by_score[20] == pytest.approx(by_score[80])


def test_mean_square_error_is_that_of_the_reliability(totals):
    found = error_of_measurement(16, 16, RELIABILITY, totals.mean(), totals.std(ddof=0), totals)
    assert len(found) == 1248
    expected = totals.var(ddof=0) * (1 - RELIABILITY)
    assert (found["std_error"] ** 2).mean() == pytest.approx(expected)


def test_error_of_measurement_is_lords_where_the_reliability_is_kr21():
    mean, std, n = 12.0, 4.0, 20
    kr21 = n / (n - 1) * (1 - mean * (n - mean) / (n * std**2))
    found = error_of_measurement(n, n, kr21, mean, std).set_index("score")["std_error"]
    for score in range(n + 1):
        assert found[score] == pytest.approx(np.sqrt(score * (n - score) / (n - 1)))


def test_error_along_the_scale_is_that_of_repeated_tests(tested):
    score, again, true, reliability = tested
    found = error_of_measurement(25, 25, reliability, score.mean(), score.std(ddof=0), true)
    for low in (8, 12, 16, 20):
        near = (true > low) & (true <= low + 3)
        spread = np.sqrt(((score - again)[near] ** 2).mean() / 2)
        predicted = np.sqrt((found["std_error"].to_numpy()[near] ** 2).mean())
        assert predicted == pytest.approx(spread, rel=0.1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reliability": 0}, "Надёжность должна быть больше 0 и меньше 1, а дано 0"),
        ({"reliability": 1.2}, "Надёжность должна .* 1,2"),
        ({"std": 0}, "Стандартное отклонение результатов должно быть больше 0, а дано 0"),
        ({"std": float("nan")}, "Стандартное отклонение"),
        ({"mean": float("nan")}, "mean must be"),
        ({"mean": 30}, "mean must be"),
        ({"cut": 1.5}, "cut must be a share"),
    ],
)
def test_person_level_refusals(changes, message):
    with pytest.raises(ValueError, match=message):
        deficit_probability(10, 25, **GROUP | changes)
    with pytest.raises(ValueError, match=message):
        borderline_band(25, **GROUP | changes)


def test_refusals_name_the_person_and_the_score():
    score = pd.Series([12, 26], index=["P1", "P2"])
    with pytest.raises(ValueError, match="Балл 26 у «P2» вне шкалы от 0 до 25"):
        deficit_probability(score, 25, **GROUP)
    with pytest.raises(ValueError, match="Балл 30 вне шкалы"):
        error_of_measurement(25, 25, 0.8, 14, 4, [3, 30])
    with pytest.raises(ValueError, match="невозможны вместе на шкале от 0 до 25"):
        error_of_measurement(25, 25, 0.8, 12.5, 12.5)
    with pytest.raises(ValueError, match="n_items must be"):
        error_of_measurement(25, 0, 0.8, 12.5, 4)
    with pytest.raises(ValueError, match="low < high"):
        borderline_band(25, **GROUP, low=0.8, high=0.2)


def test_a_table_of_one_column_is_its_column():
    totals = pd.DataFrame({"балл": [3, 5, 8, 9, 4, 6, 7, pd.NA]}, dtype="Int64")
    found = classification_accuracy(totals, 10, 0.7, 0.6)
    assert found == classification_accuracy([3, 5, 8, 9, 4, 6, 7], 10, 0.7, 0.6)
    with pytest.raises(ValueError, match="one score a person"):
        classification_accuracy(totals.assign(ещё=1), 10, 0.7, 0.6)


@pytest.mark.parametrize(
    "score", [[pd.NA, 5], [None, 5], pd.array([None, 5], "Int64"), np.array([np.nan, 5.0])]
)
def test_who_has_no_score_has_no_probability_however_that_is_said(score):
    given = {"reliability": 0.7, "mean": 6.0, "std": 2.0, "cut": 0.6}
    found = deficit_probability(score, 10, **given)
    assert np.isnan(found[0]) and found[1] == deficit_probability(5, 10, **given)
    assert np.isnan(deficit_probability(pd.NA, 10, **given))
