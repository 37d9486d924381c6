"""Mantel–Haenszel against a published table, by hand, and by simulation with known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from nmc_utils.measures.mantel_haenszel import common_odds_ratio, mantel_haenszel

#: Agresti (2002), Categorical Data Analysis, table 6.9: success and failure of the drug and of the
#: control in eight centres.
CENTRES = [
    [[11, 25], [10, 27]],
    [[16, 4], [22, 10]],
    [[14, 5], [7, 12]],
    [[2, 14], [1, 16]],
    [[6, 11], [0, 12]],
    [[1, 10], [0, 10]],
    [[1, 4], [1, 8]],
    [[4, 2], [6, 1]],
]


def _answers(rng, theta, harder=None, n_items: int = 30) -> pd.DataFrame:
    """Answers to items of one bank; `harder` persons × items is added to the difficulty."""
    bank = np.random.default_rng(99)
    a, b = bank.lognormal(0, 0.2, n_items), bank.normal(0, 1, n_items)
    chance = expit(a * (np.asarray(theta)[:, None] - b - (0 if harder is None else harder)))
    answers = (rng.random(chance.shape) < chance).astype(float)
    return pd.DataFrame(answers, columns=[f"задание {number}" for number in range(n_items)])


def test_the_published_example():
    odds_ratio, std_error, statistic = common_odds_ratio(CENTRES, correction=False)
    assert odds_ratio == pytest.approx(2.13, abs=0.005)
    assert statistic == pytest.approx(6.38, abs=0.005)
    # Interval printed for it: 1.18–3.87.
    bounds = np.exp(np.log(odds_ratio) + 1.96 * std_error * np.array([-1, 1]))
    assert bounds == pytest.approx([1.18, 3.87], abs=0.005)
    assert common_odds_ratio(CENTRES)[2] < statistic


def test_one_stratum_is_the_plain_odds_ratio():
    odds_ratio, std_error, statistic = common_odds_ratio([[[30, 10], [20, 20]]])
    assert odds_ratio == pytest.approx(3)
    # In one stratum the variance is that of Woolf.
    assert std_error == pytest.approx(np.sqrt(1 / 30 + 1 / 10 + 1 / 20 + 1 / 20))
    assert statistic == pytest.approx((5 - 0.5) ** 2 * 80**2 * 79 / (40 * 40 * 50 * 30))


def test_a_stratum_of_one_group_adds_nothing():
    assert common_odds_ratio([*CENTRES, [[50, 1], [0, 0]]]) == common_odds_ratio(CENTRES)


def test_groups_in_exchange_turn_the_sign():
    rng = np.random.default_rng(1)
    group = pd.Series(rng.choice(["город", "село"], 800))
    responses = _answers(rng, rng.normal(size=800))
    first, second = mantel_haenszel(responses, group), mantel_haenszel(
        responses, group, reference="село"
    )  # fmt: skip
    assert second["delta"].to_numpy() == pytest.approx(-first["delta"].to_numpy())
    same = ["std_error", "chi2", "p_value", "category", "easier_for", "n"]
    pd.testing.assert_frame_equal(first[same], second[same])
    shuffled = responses.sample(frac=1, random_state=1).sample(frac=1, axis=1, random_state=2)
    pd.testing.assert_frame_equal(mantel_haenszel(shuffled, group).loc[first.index], first)


def test_equal_items_are_called_different_in_one_case_of_twenty():
    rng = np.random.default_rng(2)
    p_values, deltas, errors = [], [], []
    for _ in range(25):
        other = rng.random(1000) < 0.5
        # The groups differ in ability by half a SD: that is no difference of the items.
        table = mantel_haenszel(_answers(rng, rng.normal(size=1000) - 0.5 * other), other)
        p_values += list(table["p_value"])
        deltas += list(table["delta"])
        errors += list(table["std_error"])
    assert 0.03 <= np.mean(np.array(p_values) < 0.05) <= 0.07
    assert np.mean(deltas) == pytest.approx(0, abs=0.05)
    assert np.std(deltas) == pytest.approx(np.mean(errors), rel=0.08)


def test_an_item_harder_for_one_group_is_found():
    rng = np.random.default_rng(3)
    other = np.repeat([False, True], 1500)
    harder = np.zeros((3000, 30))
    harder[other, 4], harder[other, 9] = 1.0, -0.6
    table = mantel_haenszel(_answers(rng, rng.normal(size=3000), harder), other)
    assert table.loc["задание 4", "category"] == "C" and table.loc["задание 4", "delta"] < -1.5
    assert not table.loc["задание 4", "easier_for"]
    assert table.loc["задание 9", "category"] in "BC" and table.loc["задание 9", "easier_for"]
    assert (table["category"] == "A").sum() >= 27


def test_without_the_items_found_the_others_are_less_accused():
    rng = np.random.default_rng(4)
    other = np.repeat([False, True], 3000)
    harder = np.zeros((6000, 30))
    harder[other, :8] = 1.0
    responses = _answers(rng, rng.normal(size=6000), harder)
    others = [
        mantel_haenszel(responses, other, purify=purify)["delta"].iloc[8:].mean()
        for purify in (False, True)
    ]
    assert others[0] > 0.5 and abs(others[1]) < 0.3


def test_forms_are_compared_by_the_items_that_both_groups_took():
    rng = np.random.default_rng(5)
    other = np.repeat([False, True], 1000)
    harder = np.zeros((2000, 30))
    harder[other, 12] = 1.0
    responses = _answers(rng, rng.normal(size=2000) - 0.7 * other, harder)
    responses.iloc[:1000, 20:] = np.nan
    responses.iloc[1000:, :10] = np.nan
    table = mantel_haenszel(responses, other)
    assert list(table.index[table["status"] == "ok"]) == [f"задание {n}" for n in range(10, 20)]
    assert set(table["status"].iloc[[0, 25]]) == {"no_data"} and table["n"].iloc[0] == 0
    assert table.loc["задание 12", "category"] in "BC"
    # What only one of the groups took plays no part.
    alone = mantel_haenszel(responses.iloc[:, 10:20], other)
    pd.testing.assert_frame_equal(table.iloc[10:20], alone)


def test_persons_without_a_group_are_left_out():
    rng = np.random.default_rng(6)
    responses = _answers(rng, rng.normal(size=300))
    group = pd.Series(rng.choice(["до 3 лет", "больше"], 300)).astype("string")
    group[:40] = pd.NA
    table = mantel_haenszel(responses, group)
    pd.testing.assert_frame_equal(table, mantel_haenszel(responses[40:], group[40:]))
    same = mantel_haenszel(responses.astype("Int64"), group.astype("category"))
    assert same["delta"].to_numpy() == pytest.approx(table["delta"].to_numpy())


def test_an_item_that_separates_completely_is_not_assessed():
    group = np.array([0, 0, 1, 1] * 10)
    responses = pd.DataFrame({"сквозное": 1.0 - group, "общее": group})
    table = mantel_haenszel(responses, group)
    assert set(table["status"]) == {"not_assessed"}
    assert table[["delta", "p_value", "p_adjusted"]].isna().all(axis=None)


def test_an_item_that_all_answered_alike_is_not_assessed_and_changes_nothing():
    rng = np.random.default_rng(7)
    responses = _answers(rng, rng.normal(size=400))
    group = rng.choice(["до 3 лет", "больше"], 400)
    without = mantel_haenszel(responses, group)
    table = mantel_haenszel(responses.assign(все=1.0, никто=0.0), group)
    assert set(table.loc[["все", "никто"], "status"]) == {"not_assessed"}
    pd.testing.assert_frame_equal(table.iloc[:-2], without)
    nothing = mantel_haenszel(pd.DataFrame({"х": [1.0] * 4, "у": [0.0] * 4}), list("ААББ"))
    assert set(nothing["status"]) == {"not_assessed"}


def test_labels_of_groups_may_be_of_several_types():
    rng = np.random.default_rng(8)
    responses = _answers(rng, rng.normal(size=400))
    code = rng.integers(0, 2, 400)
    as_text = mantel_haenszel(responses, pd.Series(code).map({0: "10", 1: "a"}))
    mixed = mantel_haenszel(responses, pd.Series(code).map({0: 10, 1: "a"}).astype(object))
    pd.testing.assert_frame_equal(
        mixed.drop(columns="easier_for"), as_text.drop(columns="easier_for")
    )
    assert set(mixed["easier_for"].dropna()) <= {10, "a"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"group": ["А"] * 4}, "две группы с людьми, а здесь: «А»"),
        ({"group": [None] * 4}, "две группы с людьми, а здесь: ни одной"),
        ({"group": list("АБВБ")}, "а здесь: «А», «Б», «В»"),
        ({"reference": "В"}, "В группе «В» нет ни одного человека"),
        ({"responses": {"х": [2, 1, 0, 1]}}, "В задании «х» есть балл, отличный от 0 и 1"),
        (
            {"responses": {"х": [1, 0, None, None], "у": [None, None, 1, 0]}},
            "У групп «А» и «Б» нет ни одного общего задания",
        ),
    ],
)
def test_refusals(changes, message):
    given = {"responses": {"х": [1, 0, 0, 1]}, "group": list("ААББ")} | changes
    given["responses"] = pd.DataFrame(given["responses"])
    with pytest.raises(ValueError, match=message):
        mantel_haenszel(**given)


def test_nothing_to_compare_is_said():
    with pytest.raises(ValueError, match="Отношение шансов не определено"):
        common_odds_ratio([[[5, 0], [3, 0]]])
