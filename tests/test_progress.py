"""Change between waves: by hand, against SciPy, and in simulations where the truth is known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nmc_utils.measures.progress import ancova, progress, selection_regression

MEAN, SD, RHO, CUT = 62.0, 15.0, 0.75, 60.0


def two_waves(rng, n=1000, effect=0.0):
    """Normal scores of persons who change by `effect` and by nothing else."""
    true = rng.normal(MEAN, SD * RHO**0.5, n)
    entry, exit = (
        pd.Series(true + shift + rng.normal(0, SD * (1 - RHO) ** 0.5, n)) for shift in (0, effect)
    )
    return entry, exit


def item_test(rng, items, persons, ability_mean=0.5, ability_sd=1.0):
    """Numbers right on two parallel takings of one test, and their correlation."""
    ability, difficulty = rng.normal(ability_mean, ability_sd, persons), rng.normal(0, 1, items)
    waves = []
    for _ in range(2):
        score = np.zeros(persons, int)
        for item in difficulty:
            score += rng.random(persons) < 1 / (1 + np.exp(item - ability))
        waves.append(pd.Series(score))
    return *waves, np.corrcoef(*waves)[0, 1]


def test_changes_by_hand():
    entry = pd.Series({"a": 40, "b": 50, "c": 60, "d": 70, "e": 80})
    exit = pd.Series({"d": 75, "a": 60, "b": 45})
    found = progress(entry, exit, reliability=0.5, cut=55)
    assert found.observed_change.estimate == pytest.approx((20 - 5 + 5) / 3)
    assert found.expected_change.estimate == pytest.approx((10 + 5 - 5) / 3)
    assert found.net_change.estimate == pytest.approx((10 - 10 + 10) / 3)
    assert found.observed_change.n == found.net_change.n == 3
    # SD² = 250; the index of a: (60 − 50) / √(250 · .75).
    assert found.reliable["index"].to_dict() == pytest.approx(
        {"a": 10 / 187.5**0.5, "b": -10 / 187.5**0.5, "d": 10 / 187.5**0.5}
    )
    assert set(found.reliable["direction"]) == {"same"}
    assert found.reliable_shares["n"].to_dict() == {"up": 0, "same": 3, "down": 0}


def test_where_everyone_came_a_retest_alone_changes_nothing():
    """Those who fall back balance those who rise; what is left is the paired t interval."""
    entry, exit = two_waves(np.random.default_rng(1), n=60)
    found = progress(entry, exit, reliability=RHO, cut=CUT)
    paired = stats.ttest_rel(exit, entry).confidence_interval()
    assert found.expected_change.estimate == pytest.approx(0, abs=1e-9)
    assert found.expected_change.ci_high == pytest.approx(0, abs=1e-9)
    for change in (found.observed_change, found.net_change):
        assert change.estimate == pytest.approx((exit - entry).mean())
        assert (change.ci_low, change.ci_high) == pytest.approx((paired.low, paired.high))


def test_interval_counts_the_estimation_of_the_mean():
    """Against the bootstrap of persons, tested and retested together."""
    rng = np.random.default_rng(2)
    entry, exit = two_waves(rng, n=400)
    came = pd.Series(rng.random(400) < np.where(entry <= CUT, 0.8, 0.1))
    found = progress(entry, exit[came], reliability=RHO, cut=CUT)
    again = []
    for _ in range(4000):
        drawn = rng.integers(0, 400, 400)
        before, here = entry.to_numpy()[drawn], came.to_numpy()[drawn]
        gained = exit.to_numpy()[drawn][here] - RHO * before[here]
        again.append(gained.mean() - (1 - RHO) * before.mean())
    half = (found.net_change.ci_high - found.net_change.ci_low) / 2
    assert half == pytest.approx(1.97 * np.std(again), rel=0.05)


def test_regression_of_those_selected():
    """The 3.3 points and the quarter who leave, at reliability .75 and SD 15 near the cut."""
    assert selection_regression(MEAN, SD, RHO, CUT) == pytest.approx(3.3, abs=0.05)
    low = stats.truncnorm(-np.inf, (CUT - MEAN) / SD, MEAN, SD)
    assert selection_regression(MEAN, SD, RHO, CUT) == pytest.approx(0.25 * (MEAN - low.mean()))
    assert selection_regression(0, 1, 0.9, -40) == pytest.approx(0.1 * 40.02, abs=0.01)
    assert selection_regression(0, 1, 0.9, 40) == 0
    entry, exit = two_waves(np.random.default_rng(3), n=100_000)
    found = progress(entry, exit[entry <= CUT], reliability=RHO, cut=CUT)
    assert found.expected_change.estimate == pytest.approx(3.3, abs=0.05)
    both = stats.multivariate_normal([MEAN] * 2, SD**2 * np.array([[1, RHO], [RHO, 1]]))
    stay = both.cdf([CUT, CUT]) / stats.norm.cdf(CUT, MEAN, SD)
    migration = found.migration.set_index("to_level")
    assert 1 - stay == pytest.approx(0.25, abs=0.01)
    assert migration.loc["above", "expected_share"] == pytest.approx(1 - stay, abs=0.005)
    assert migration.loc["above", "share"] == pytest.approx(1 - stay, abs=0.01)


#: Who comes to the exit, as a probability by entry score.
RETURNS = {
    "by chance": lambda entry: np.full(len(entry), 0.3),
    "low scores": lambda entry: np.where(entry <= CUT, 0.6, 0.0),
    "the lower the likelier": lambda entry: 0.8 / (1 + np.exp((entry - CUT) / 5)),
    "the higher the likelier": lambda entry: 0.8 / (1 + np.exp((CUT - entry) / 5)),
}


def net_changes(comes, repeats, seed, effect=0.0, n=300):
    """Net change, whether its interval covers the truth, and whether the observed one's would."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(repeats):
        entry, exit = two_waves(rng, n, effect)
        exit = exit[rng.random(n) < comes(entry)]
        found = progress(entry, exit, reliability=RHO, cut=CUT)
        net, raw = found.net_change, found.observed_change
        rows.append(
            (net.estimate, net.ci_low <= effect <= net.ci_high, raw.ci_low <= effect <= raw.ci_high)
        )
    return np.mean(rows, axis=0)


def test_nothing_is_found_where_nothing_changed():
    estimate, covered, raw_covered = net_changes(RETURNS["low scores"], 400, seed=4)
    assert abs(estimate) <= 0.1
    assert 0.93 <= covered <= 0.97
    assert raw_covered < 0.5, "the observed change alone is mistaken for a true one"


@pytest.mark.long
@pytest.mark.parametrize("comes", RETURNS.values(), ids=RETURNS)
@pytest.mark.parametrize("effect", [0.0, 4.0])
def test_net_change_is_unbiased_and_covered_whoever_comes(comes, effect):
    estimate, covered, _ = net_changes(comes, 1200, seed=5, effect=effect)
    assert abs(estimate - effect) <= 0.1
    assert 0.93 <= covered <= 0.97


def test_a_true_change_is_found():
    entry, exit = two_waves(np.random.default_rng(6), n=20_000, effect=4.0)
    found = progress(entry, exit[entry <= CUT], reliability=RHO, cut=CUT)
    assert found.net_change.estimate == pytest.approx(4, abs=0.2)
    assert found.net_change.ci_low > 3.5
    assert found.reliable_shares.loc["up", "ci_low"] > 0.05


@pytest.mark.parametrize("come", ["everyone", "at or below the cut"])
def test_unchanged_persons_are_flagged_as_often_as_said(come):
    entry, exit = two_waves(np.random.default_rng(7), n=60_000)
    entry, exit = entry.round(), exit.round()
    here = entry <= (CUT if come != "everyone" else np.inf)
    shares = progress(entry, exit[here], reliability=RHO, cut=CUT).reliable_shares["share"]
    assert shares["up"] == pytest.approx(0.025, abs=0.005)
    assert shares["down"] == pytest.approx(0.025, abs=0.005)
    assert shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("items", [25, 40, 80])
def test_unchanged_takers_of_an_item_test(items):
    """Scores are whole, skewed, and less certain in the middle: no normal distribution."""
    entry, exit, rho = item_test(np.random.default_rng(items), items, persons=40_000)
    low = entry <= 0.6 * items
    options = {"reliability": rho, "cut": 0.6 * items, "max_score": items}
    shares = progress(entry, exit[low], **options).reliable_shares["share"]
    assert shares["up"] == pytest.approx(0.025, abs=0.005)
    assert shares["down"] == pytest.approx(0.025, abs=0.005)
    everyone = progress(entry, exit, **options).migration
    np.testing.assert_allclose(everyone["share"], everyone["expected_share"], atol=0.008)
    few = progress(entry[:1200], exit[:1200], **options).migration
    assert few["expected_share"].between(few["ci_low"], few["ci_high"]).all()


def test_net_change_of_an_item_test_is_unbiased():
    entry, exit, rho = item_test(np.random.default_rng(8), 60, persons=60_000)
    found = progress(entry, exit[entry <= 36], reliability=rho, cut=36)
    assert abs(found.net_change.estimate) <= 0.1
    assert found.observed_change.estimate > 0.5


def test_migration_adds_up():
    entry, exit = two_waves(np.random.default_rng(9), n=500)
    table = progress(entry, exit[:300], reliability=RHO, cut=CUT).migration
    by_origin = table.groupby("from_level")[["n", "share", "expected_n", "expected_share"]].sum()
    here = entry[:300] <= CUT
    assert by_origin["n"].to_dict() == {"at_or_below": here.sum(), "above": (~here).sum()}
    np.testing.assert_allclose(by_origin["expected_n"], by_origin["n"])
    np.testing.assert_allclose(by_origin[["share", "expected_share"]], 1)
    observed = table.set_index(["from_level", "to_level"])["n"]
    moved = (~here & (exit[:300] <= CUT)).sum()
    assert observed["above", "at_or_below"] == moved > 0


def test_a_score_at_the_cut_is_a_deficit_whatever_the_rounding():
    entry = pd.Series([56, 57, 80, 90])
    cut = 0.57 * 100
    assert cut < 57
    table = progress(entry, entry + 1, reliability=0.8, cut=cut).migration
    counts = table.set_index(["from_level", "to_level"])["n"]
    assert counts["at_or_below", "at_or_below"] == counts["at_or_below", "above"] == 1


def test_attrition():
    entry, exit = two_waves(np.random.default_rng(10), n=400)
    came = np.random.default_rng(11).random(400) < np.where(entry <= CUT, 0.5, 0.8)
    found = progress(entry, exit[came], reliability=RHO, cut=CUT).attrition
    wilson = stats.binomtest(int((~came).sum()), 400).proportion_ci(method="wilson")
    assert found.share.estimate == pytest.approx(np.mean(~came))
    assert (found.share.ci_low, found.share.ci_high) == pytest.approx((wilson.low, wilson.high))
    low = entry <= CUT
    assert found.by_level["n"].to_dict() == {"at_or_below": low.sum(), "above": (~low).sum()}
    assert found.by_level["n_left"].to_dict() == {
        "at_or_below": (low & ~came).sum(),
        "above": (~low & ~came).sum(),
    }
    welch = stats.ttest_ind(entry[came], entry[~came], equal_var=False)
    bounds = welch.confidence_interval()
    assert found.difference.estimate == pytest.approx(entry[came].mean() - entry[~came].mean())
    assert (found.difference.ci_low, found.difference.ci_high) == pytest.approx(
        (bounds.low, bounds.high)
    )


def test_attrition_where_nobody_or_one_left():
    entry, exit = two_waves(np.random.default_rng(12), n=30)
    nobody = progress(entry, exit, reliability=RHO, cut=CUT).attrition
    assert nobody.share.estimate == nobody.share.ci_low == 0
    assert nobody.mean_left is None and nobody.difference is None
    one = progress(entry, exit[1:], reliability=RHO, cut=CUT).attrition
    assert one.mean_left == entry[0] and one.difference is None


def test_order_labels_and_kinds_of_numbers_do_not_matter():
    entry, exit = two_waves(np.random.default_rng(13), n=80)
    entry, exit = entry.round().astype(int), exit[20:].round().astype(int)
    plain = progress(entry, exit, reliability=RHO, cut=CUT)
    people = pd.Index([f"{number:03x}" for number in range(80)], name="person_id")
    named = pd.Series(entry.to_numpy(), people, dtype="Int64")
    # A missing score is an absence, at entry as at exit.
    after = pd.Series(exit.reindex(range(80)).to_numpy(), people).astype(object)
    named.loc["newcomer"] = pd.NA
    mixed = progress(
        named.sample(frac=1, random_state=1),
        after.sample(frac=1, random_state=2),
        reliability=RHO,
        cut=CUT,
    )
    assert mixed.reliable.index.name == "person_id"
    for change in ("observed_change", "expected_change", "net_change"):
        one, other = getattr(plain, change), getattr(mixed, change)
        assert one.estimate == pytest.approx(other.estimate, abs=1e-12)
        assert one.ci_low == pytest.approx(other.ci_low)
    pd.testing.assert_frame_equal(plain.migration, mixed.migration)
    pd.testing.assert_frame_equal(plain.attrition.by_level, mixed.attrition.by_level)
    pd.testing.assert_frame_equal(
        mixed.reliable.sort_index().reset_index(drop=True),
        plain.reliable.reset_index(drop=True),
    )


@pytest.mark.parametrize("cut", [0, 30, 100])
def test_a_level_nobody_had_is_absent(cut):
    entry = pd.Series([20, 40, 60, 80])
    found = progress(entry, entry + 5, reliability=0.8, cut=cut)
    origins = {0: {"above"}, 30: {"above", "at_or_below"}, 100: {"at_or_below"}}[cut]
    assert set(found.migration["from_level"]) == set(found.attrition.by_level.index) == origins
    assert found.migration.notna().all(axis=None)


def test_equal_changes_are_no_certainty():
    """Two persons with the same rise: the interval is that of the error of measurement."""
    entry, exit = two_waves(np.random.default_rng(14), n=50)
    found = progress(entry, entry[:2] + 5, reliability=RHO, cut=CUT)
    error = entry.std() * (2 * 0.25 / 2) ** 0.5
    half = stats.t.ppf(0.975, 1) * error
    assert found.observed_change.estimate == pytest.approx(5)
    assert found.observed_change.ci_high == pytest.approx(5 + half)
    assert found.net_change.ci_low < found.net_change.estimate < found.net_change.ci_high
    everyone = progress(entry, entry + 5, reliability=RHO, cut=CUT)
    half = stats.t.ppf(0.975, 49) * entry.std() * (2 * 0.25 / 50) ** 0.5
    assert everyone.net_change.ci_low == pytest.approx(5 - half)


SCORES = pd.Series({"a": 10.0, "b": 20.0, "c": 30.0, "d": 40.0})


@pytest.mark.parametrize(
    ("entry", "exit", "options", "message"),
    [
        (
            SCORES,
            SCORES.rename({"a": "x", "b": "y"}),
            {},
            "диагностики 4, из них без результата входной 2",
        ),
        (SCORES, SCORES[:0], {}, "нет ни одного результата"),
        (SCORES, SCORES[:2] * np.nan, {}, "нет ни одного результата"),
        (SCORES, SCORES[:1], {}, "есть у 1 человека"),
        (pd.concat([SCORES, SCORES[:1]]), SCORES, {}, "повторных записей входной .*: 1"),
        (SCORES, pd.concat([SCORES, SCORES[1:]]), {}, "повторных записей итоговой .*: 3"),
        (SCORES * 0 + 7, SCORES, {}, "входной диагностики равны .их 4"),
        (SCORES.astype(object).replace(10.0, "много"), SCORES, {}, "Не число .* входной .* 1 из 4"),
        (SCORES, SCORES.replace(10.0, np.inf), {}, "Не число .* итоговой .* 1 из 4"),
        (SCORES, SCORES, {"reliability": 1.0}, "между 0 и 1, а дано 1,0"),
        (SCORES, SCORES, {"reliability": np.nan}, "между 0 и 1, а дано nan"),
        (SCORES, SCORES, {"cut": np.nan}, "Пороговый балл"),
        (SCORES, SCORES, {"level": 95}, "got 95"),
        (SCORES, SCORES, {"max_score": 35}, "пределов от 0 до 35: записей 2 из 8"),
    ],
)
def test_refusals(entry, exit, options, message):
    with pytest.raises(ValueError, match=message):
        progress(entry, exit, **{"reliability": 0.8, "cut": 25, **options})


def test_scores_without_persons_are_refused():
    with pytest.raises(TypeError, match="Series by person, got list"):
        progress([1, 2, 3], SCORES, reliability=0.8, cut=25)


def test_regression_of_equal_scores_is_refused():
    with pytest.raises(ValueError, match="больше нуля, а дано 0"):
        selection_regression(60, 0, 0.8, 60)


def test_ancova_equals_regression_of_residuals():
    """Frisch–Waugh: the slope of what the entry score leaves of the exit on what it leaves of
    the group, with one degree of freedom less."""
    rng = np.random.default_rng(15)
    entry, exit = two_waves(rng, n=120)
    group = pd.Series(rng.random(120) < 0.4)
    exit = exit + 3.0 * group
    found = ancova(entry, exit, group)
    left = [one - np.polyval(np.polyfit(entry, one, 1), entry) for one in (group * 1.0, exit)]
    slope = stats.linregress(*left)
    half = stats.t.ppf(0.975, 117) * slope.stderr * np.sqrt(118 / 117)
    assert found.estimate == pytest.approx(slope.slope)
    assert (found.ci_low, found.ci_high) == pytest.approx((slope.slope - half, slope.slope + half))
    assert found.n == 120


def test_ancova_recovers_the_difference_between_groups():
    rng = np.random.default_rng(16)
    covered, estimates = [], []
    for _ in range(400):
        entry, exit = two_waves(rng, n=100)
        group = pd.Series(rng.random(100) < 0.5)
        found = ancova(entry, exit + 3.0 * group, group.sample(frac=1, random_state=1))
        covered.append(found.ci_low <= 3 <= found.ci_high)
        estimates.append(found.estimate)
    assert np.mean(estimates) == pytest.approx(3, abs=0.3)
    assert 0.92 <= np.mean(covered) <= 0.98


@pytest.mark.parametrize(
    ("exit", "treated", "message"),
    [
        (SCORES + [1, 5, 2, 7], [True] * 4, "участвовали 4, в группе сравнения 0"),
        (SCORES[:3], [1, 0, 0, 1], "участвовали 1, в группе сравнения 2"),
        (SCORES + [1, 5, 2, 7], [1, 0, np.nan, 1], "не указано у 1 из 4"),
        (SCORES + [1, 5, 2, 7], [1, 0, 2, 1], "не указано у 1 из 4"),
        (SCORES + 5, [1, 0, 0, 1], "интервал не определён"),
    ],
)
def test_ancova_refusals(exit, treated, message):
    with pytest.raises(ValueError, match=message):
        ancova(SCORES, exit, pd.Series(treated, SCORES.index))


def test_ancova_refuses_entry_scores_that_are_the_group():
    entry = pd.Series({"a": 10.0, "b": 10.0, "c": 30.0, "d": 30.0})
    with pytest.raises(ValueError, match="Внутри групп .* не различаются"):
        ancova(entry, SCORES, entry > 20)
