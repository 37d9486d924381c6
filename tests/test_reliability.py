"""Alpha against published LSAT6 values and by hand; Feldt's interval by simulation; refusals.

`data/lsat6_patterns.csv`: LSAT section 6, 1000 persons (Bock and Lieberman 1970), in the coding of
the R package ltm; `data/lsat6_alpha.csv`: its alpha by the R package psych.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nmc_utils.measures.reliability import alpha, composite_reliability

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def lsat():
    patterns = pd.read_csv(DATA / "lsat6_patterns.csv")
    people = patterns.loc[patterns.index.repeat(patterns["freq"])]
    return people.drop(columns="freq").sample(frac=1, random_state=1).reset_index(drop=True)


@pytest.mark.parametrize("missing", ["pairwise", "listwise"])
def test_published_alpha(lsat, missing):
    published = pd.read_csv(DATA / "lsat6_alpha.csv").loc[0, "raw_alpha"]
    found = alpha(lsat, missing)
    assert found.estimate == pytest.approx(published, abs=1e-12)
    assert (found.n_items, found.n_persons) == (5, 1000)


def test_alpha_by_hand():
    responses = pd.DataFrame({"a": [0, 0, 1, 1], "b": [0, 1, 1, 1]})
    # Variances 1/3 and 1/4, covariance 1/6: total 11/12, so α = 2 (1 − 7/11) = 8/11.
    assert alpha(responses).estimate == pytest.approx(8 / 11)


def test_alpha_may_be_negative():
    responses = pd.DataFrame({"a": [0, 0, 1, 1, 0], "b": [1, 1, 0, 0, 0]})
    # Variances 3/10, covariance −1/5: total 1/5, so α = 2 (1 − 3) = −4.
    found = alpha(responses)
    assert found.estimate == pytest.approx(-4)
    assert found.ci_low < found.estimate < found.ci_high < 1


def test_equal_items_are_perfectly_reliable():
    found = alpha(pd.DataFrame({"a": [0, 1, 1], "b": [0, 1, 1]}))
    assert (found.estimate, found.ci_low, found.ci_high) == pytest.approx((1, 1, 1))


def test_alpha_is_that_of_the_analysis_of_variance(lsat):
    """1 − α is the ratio of mean squares, residual to persons (Hoyt)."""
    scores = lsat.to_numpy(float)[::3]
    n, k = scores.shape
    people = scores.mean(axis=1, keepdims=True)
    residual = scores - people - scores.mean(axis=0) + scores.mean()
    ratio = (residual**2).sum() / ((n - 1) * (k - 1)) / (k * (people.var(ddof=1)))
    found = alpha(lsat.iloc[::3], level=0.9)
    assert found.estimate == pytest.approx(1 - ratio)
    f = stats.f(n - 1, (n - 1) * (k - 1))
    # The probability of a ratio beyond each bound is 5 %.
    assert f.sf((1 - found.ci_low) / ratio) == pytest.approx(0.05)
    assert f.cdf((1 - found.ci_high) / ratio) == pytest.approx(0.05)


def test_order_types_and_labels_change_nothing(lsat):
    expected = alpha(lsat)
    shuffled = lsat.sample(frac=1, random_state=4)[["i3", "i1", "i5", "i2", "i4"]]
    other = [
        shuffled,
        lsat.astype(bool),
        lsat.astype(object),
        lsat.astype("Int8"),
        lsat.astype("boolean"),
        lsat.set_axis(range(5), axis=1),
        lsat.set_axis(["same person"] * 1000),
        lsat + 7,
    ]
    for responses in other:
        found = alpha(responses)
        assert found.estimate == pytest.approx(expected.estimate, abs=1e-12)
        assert found.ci_low == pytest.approx(expected.ci_low, abs=1e-12)
    assert alpha(10 * lsat).estimate == pytest.approx(expected.estimate)


def test_pairwise_and_listwise_differ_only_with_gaps(lsat):
    gaps = lsat.astype(float)
    gaps.loc[:399, "i1"] = np.nan
    gaps.loc[600:, "i5"] = np.nan
    listwise, pairwise = alpha(gaps, "listwise"), alpha(gaps)
    assert listwise == alpha(lsat.loc[400:599])
    assert (listwise.n_persons, pairwise.n_persons) == (200, 1000)
    assert pairwise.ci_high - pairwise.ci_low < listwise.ci_high - listwise.ci_low
    whole = alpha(lsat)
    assert pairwise.ci_high - pairwise.ci_low > whole.ci_high - whole.ci_low
    covariance = gaps.astype("Float64").astype(float).cov().to_numpy()
    expected = 5 / 4 * (1 - np.trace(covariance) / covariance.sum())
    assert pairwise.estimate == pytest.approx(expected)


def test_persons_without_an_answer_are_not_counted(lsat):
    empty = pd.DataFrame(np.nan, index=["x", "y"], columns=lsat.columns)
    assert alpha(pd.concat([lsat.astype(float), empty])) == alpha(lsat)


@pytest.mark.parametrize(
    ("responses", "message"),
    [
        ({"q1": [0, 1, 1], "q2": [1, 1, 1]}, "У всех один и тот же балл за «q2»"),
        ({"q1": [1, 1], "q2": [1, 1]}, "У всех один и тот же балл за «q1», «q2»"),
        ({"q1": [0, 0], "q2": [0, 0]}, "У всех один и тот же балл за «q1», «q2»"),
        ({"q1": [0, 1, 1]}, "не меньше двух заданий, а дано 1 «q1»"),
        ({"q1": [0], "q2": [1]}, "не меньше двух человек, а есть ответы 1; задания: «q1», «q2»"),
        ({"q1": [0, 1], "q2": [1, None], "q3": [None, None]}, "Никому не предъявлялось: «q3»"),
        (
            {"q1": [0, 1, 1, 0], "q2": [0, 1, None, None], "q3": [None, None, 1, 0]},
            "Задания «q2», «q3» вместе выполняли меньше двух человек",
        ),
        ({"q1": [0, 1, 0], "q2": [1, 0, 1]}, "один и тот же суммарный балл за «q1», «q2»"),
        ({"q1": [0, 1, 0], "q2": ["да", 0, 1]}, "В задании «q2» есть ответы, которые не являются"),
        ({"q1": [0, 1, 0], "q2": [np.inf, 0, 1]}, "В задании «q2» есть бесконечный балл"),
        (
            {
                "q1": [0, 1, 0, 1, None, None],
                "q2": [1, 0, None, None, 0, 1],
                "q3": [None, None, 1, 0, 1, 0],
            },
            "противоречат друг другу: задания «q1», «q2», «q3»",
        ),
    ],
)
def test_alpha_refuses(responses, message):
    with pytest.raises(ValueError, match=message):
        alpha(pd.DataFrame(responses))


def test_alpha_refuses_a_table_without_items_or_people():
    with pytest.raises(ValueError, match="не меньше двух заданий, а дано 0"):
        alpha(pd.DataFrame())
    with pytest.raises(ValueError, match="не меньше двух человек, а есть ответы 0"):
        alpha(pd.DataFrame(columns=["q1", "q2"], dtype=float))


def test_listwise_refuses_when_nobody_took_everything():
    responses = pd.DataFrame({"q1": [0, 1, 0], "q2": [1, 0, None], "q3": [None, None, 1]})
    with pytest.raises(ValueError, match="На все задания .«q1», «q2», «q3». есть ответы меньше"):
        alpha(responses, "listwise")


def test_alpha_refuses_an_item_twice():
    with pytest.raises(ValueError, match="Задание «q» стоит в таблице дважды"):
        alpha(pd.DataFrame([[0, 1], [1, 0]], columns=["q", "q"]))


def test_alpha_refuses_wrong_options(lsat):
    with pytest.raises(ValueError, match="missing must be"):
        alpha(lsat, "drop")
    with pytest.raises(ValueError, match="level must lie"):
        alpha(lsat, level=95)


def test_composite_by_hand():
    scores = pd.DataFrame({"a": [0, 2, 4, 6], "b": [1, 1, 3, 3]})
    # Variances 20/3 and 4/3, of the sum 1, 3, 7, 9 it is 40/3: 1 − (20/3 · .3 + 4/3 · .4) / (40/3).
    reliability = pd.Series({"b": 0.6, "a": 0.7, "other": 0.1})
    assert composite_reliability(scores, reliability) == pytest.approx(0.81)


def test_composite_is_the_reliability_of_the_sum():
    """Correlation of two parallel sums, and the squared one with the true sum."""
    rng = np.random.default_rng(5)
    n, error = 200_000, np.array([1.0, 1.5, 0.8])
    mixing = np.array([[1, 0, 0], [0.6, 0.8, 0], [0.3, 0.2, 0.9]])
    true = 20 + rng.standard_normal((n, 3)) @ mixing.T
    scores = true + error * rng.standard_normal((n, 3))
    of_domain = (mixing**2).sum(axis=1)
    found = composite_reliability(
        pd.DataFrame(scores, columns=list("abc")),
        pd.Series(of_domain / (of_domain + error**2), index=list("abc")),
    )
    truth = np.corrcoef(true.sum(axis=1), scores.sum(axis=1))[0, 1] ** 2
    assert found == pytest.approx(truth, abs=0.005)


def test_composite_of_single_items_is_alpha_of_equal_reliabilities(lsat):
    """Strata of one item whose reliability is the mean covariance over the variance give alpha."""
    covariance = lsat.cov().to_numpy()
    shared = (covariance.sum() - np.trace(covariance)) / 20
    reliability = pd.Series(shared / np.diag(covariance), index=lsat.columns)
    assert composite_reliability(lsat, reliability) == pytest.approx(alpha(lsat).estimate)


def test_composite_leaves_out_persons_without_a_domain():
    scores = pd.DataFrame({"a": [0, 2, 4, 6, 9], "b": [1, 1, 3, 3, None]})
    reliability = pd.Series({"a": 0.7, "b": 0.6})
    expected = composite_reliability(scores.head(4), reliability)
    assert composite_reliability(scores, reliability) == expected


@pytest.mark.parametrize(
    ("scores", "reliability", "message"),
    [
        ({"a": [1, 2], "b": [1, 3]}, {"a": 0.8}, "не указана или больше 1: «b»"),
        ({"a": [1, 2], "b": [1, 3]}, {"a": 1.2, "b": 0.5}, "не указана или больше 1: «a»"),
        ({"a": [1, None], "b": [1, 3]}, {"a": 0.8, "b": 0.8}, "по всем блокам, а таких 1"),
        ({"a": [1, 2], "b": [2, 1]}, {"a": 0.8, "b": 0.8}, "один и тот же суммарный балл"),
    ],
)
def test_composite_refuses(scores, reliability, message):
    with pytest.raises(ValueError, match=message):
        composite_reliability(pd.DataFrame(scores), pd.Series(reliability))


def _parallel(rng, n, k, reliability):
    """Parallel normal items with a known alpha."""
    noise = np.sqrt(k * (1 - reliability) / reliability)
    return rng.standard_normal((n, 1)) + noise * rng.standard_normal((n, k))


@pytest.mark.long
@pytest.mark.parametrize(("n", "k", "reliability"), [(12, 8, 0.7), (60, 20, 0.85), (300, 5, 0.3)])
def test_feldt_interval_covers(n, k, reliability):
    rng = np.random.default_rng(n)
    tries = 2000
    covered = 0
    for _ in range(tries):
        found = alpha(pd.DataFrame(_parallel(rng, n, k, reliability)))
        covered += found.ci_low <= reliability <= found.ci_high
    assert 0.93 <= covered / tries <= 0.97


@pytest.mark.long
def test_feldt_interval_covers_for_right_and_wrong():
    """Items scored 0/1: the true alpha is that of a very large group."""
    rng = np.random.default_rng(8)
    difficulty = np.linspace(-1.5, 1.0, 20)

    def answers(n):
        chance = 1 / (1 + np.exp(-1.2 * (rng.standard_normal((n, 1)) - difficulty)))
        return pd.DataFrame((rng.random((n, 20)) < chance).astype(float))

    truth = alpha(answers(400_000)).estimate
    found = [alpha(answers(80)) for _ in range(1500)]
    covered = np.mean([one.ci_low <= truth <= one.ci_high for one in found])
    assert 0.93 <= covered <= 0.97


@pytest.mark.long
def test_interval_with_gaps_is_not_too_narrow():
    rng = np.random.default_rng(9)
    tries, covered = 1000, 0
    for _ in range(tries):
        answers = _parallel(rng, 120, 10, 0.75)
        answers[rng.random(answers.shape) < 0.3] = np.nan
        found = alpha(pd.DataFrame(answers))
        covered += found.ci_low <= 0.75 <= found.ci_high
    assert covered / tries >= 0.93


def test_an_array_is_a_table_without_labels():
    rng = np.random.default_rng(4)
    scores = (rng.random((80, 6)) < rng.random((80, 1))).astype(int)
    assert alpha(scores) == alpha(pd.DataFrame(scores))
    with pytest.raises(ValueError, match="не меньше двух заданий, а дано 1"):
        alpha(scores[:, 0])
