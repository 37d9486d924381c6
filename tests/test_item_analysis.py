"""Fit of items and persons: by hand, by enumeration, and by simulation with known truth."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import norm

from nmc_utils.measures.fit_statistics import expected_by_score, most_likely
from nmc_utils.measures.irt import Calibration, calibrate
from nmc_utils.measures.item_analysis import LEAST_ANSWERS, item_fit, person_fit


def _calibration(a, b, groups=(("all", 0.0, 1.0),), model: str = "2pl") -> Calibration:
    """Items with known parameters, named i0, i1, …"""
    items = pd.DataFrame({"a": a, "b": b, "a_se": 0.1, "b_se": 0.1}, dtype=float)
    items.index = pd.Index([f"i{number}" for number in range(len(items))], name="item")
    table = pd.DataFrame(groups, columns=["group", "mean", "sd"]).set_index("group")
    return Calibration(
        items=items,
        log_likelihood=0.0,
        converged=True,
        groups=table.assign(n=100, mean_se=0.1),
        model=model,
    )


def _answers(rng, theta, a, b) -> pd.DataFrame:
    chance = expit(np.asarray(a) * (np.asarray(theta)[:, None] - np.asarray(b)))
    answers = (rng.random(chance.shape) < chance).astype(float)
    return pd.DataFrame(answers, columns=[f"i{number}" for number in range(len(b))])


def _bank(rng, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.lognormal(0.1, 0.3, n), rng.normal(0, 1, n)


# --- items ----------------------------------------------------------------------------------------


def test_expected_shares_by_score_equal_those_over_all_patterns():
    right = np.array([[0.2, 0.5, 0.7, 0.4], [0.6, 0.8, 0.9, 0.55]])
    weights = np.array([0.3, 0.7])
    scored, whole = np.zeros((4, 5)), np.zeros(5)
    for pattern in product([0, 1], repeat=4):
        x = np.array(pattern)
        chance = weights @ (right**x * (1 - right) ** (1 - x)).prod(axis=1)
        whole[x.sum()] += chance
        scored[:, x.sum()] += chance * x
    assert expected_by_score(right, weights) == pytest.approx(scored / whole)


def test_a_statistic_worked_by_hand():
    # Two equal items: with one right of two, either is the right one in half of the cases.
    pairs = [(1, 0)] * 45 + [(0, 1)] * 15 + [(1, 1)] * 20 + [(0, 0)] * 20
    responses = pd.DataFrame(pairs, columns=["i0", "i1"])
    fit = item_fit(responses, _calibration([1, 1], [0, 0], model="1pl"))
    # One score group less one parameter leaves nothing to test.
    assert set(fit["status"]) == {"not_assessed"} and fit["p_value"].isna().all()
    three = pd.concat([responses.assign(i2=0), responses.assign(i2=1)], ignore_index=True)
    third = item_fit(three, _calibration([1, 1, 1], [0, 0, 0], model="1pl"))
    # Of three equal items each is right in a third of the cases at score 1, in two thirds at 2.
    one, two = 60 + 20, 20 + 60
    first = (45 - one / 3) ** 2 * one / (one / 3 * (one - one / 3))
    second = (20 + 45 - 2 * two / 3) ** 2 * two / (2 * two / 3 * (two - 2 * two / 3))
    assert third.loc["i0", "statistic"] == pytest.approx(first + second)
    assert third.loc["i0", "df"] == 1 and third.loc["i0", "n"] == 200


def test_forms_and_groups_are_compared_within_themselves_and_added_up():
    rng = np.random.default_rng(5)
    a, b = _bank(rng, 12)
    groups = (("слабая", -1.0, 0.8), ("сильная", 1.0, 1.2))
    calibration = _calibration(a, b, groups)
    group = pd.Series(np.repeat(["слабая", "сильная"], 600))
    theta = np.where(group == "слабая", rng.normal(-1, 0.8, 1200), rng.normal(1, 1.2, 1200))
    responses = _answers(rng, theta, a, b)
    responses.loc[:599, ["i10", "i11"]] = np.nan
    responses.loc[600:, ["i0", "i1"]] = np.nan
    both = item_fit(responses, calibration, group)
    parts = []
    for name in ("слабая", "сильная"):
        mine = responses[group == name].dropna(axis=1)
        parts.append(item_fit(mine, calibration, group[group == name]))
    alone = pd.concat(parts).groupby(level=0)
    assert both["statistic"].to_dict() == pytest.approx(alone["statistic"].sum().to_dict())
    assert both["n"].to_dict() == alone["n"].sum().to_dict()
    # Two parameters are counted once, not once for every form.
    twice = alone.size() - 1
    assert (both["df"] - 2 * twice).to_dict() == alone["df"].sum().to_dict()
    # Against the other's population the same answers look wrong.
    swapped = item_fit(
        responses, calibration, group.map({"слабая": "сильная", "сильная": "слабая"})
    )
    assert (swapped["infit"] - 1).abs().mean() > 3 * (both["infit"] - 1).abs().mean()


def test_order_of_persons_and_items_changes_nothing():
    rng = np.random.default_rng(6)
    a, b = _bank(rng, 20)
    responses = _answers(rng, rng.normal(size=400), a, b)
    calibration = _calibration(a, b)
    shuffled = responses.sample(frac=1, random_state=1).sample(frac=1, axis=1, random_state=2)
    fit, again = item_fit(responses, calibration), item_fit(shuffled, calibration)
    pd.testing.assert_frame_equal(fit, again.loc[fit.index])
    person, again = person_fit(responses, calibration), person_fit(shuffled, calibration)
    pd.testing.assert_frame_equal(person, again.loc[person.index])


@pytest.mark.parametrize("kind", ["int8", "boolean", "Int64", object])
def test_any_numeric_type_gives_the_same(kind):
    rng = np.random.default_rng(7)
    a, b = _bank(rng, 16)
    responses = _answers(rng, rng.normal(size=120), a, b)
    calibration = _calibration(a, b)
    same = responses.astype(kind)
    pd.testing.assert_frame_equal(item_fit(same, calibration), item_fit(responses, calibration))
    pd.testing.assert_frame_equal(person_fit(same, calibration), person_fit(responses, calibration))


@pytest.mark.parametrize("model", ["1pl", "2pl"])
def test_under_the_model_one_item_in_twenty_is_flagged(model):
    rng = np.random.default_rng(8)
    p_values, squares = [], []
    for _ in range(12):
        a, b = _bank(rng, 30)
        a = np.full(30, 1.1) if model == "1pl" else a
        responses = _answers(rng, rng.normal(size=1500), a, b)
        fit = item_fit(responses, calibrate(responses, model=model))
        p_values += list(fit["p_value"])
        squares += list(fit["outfit"])
    assert 0.03 <= np.mean(np.array(p_values) < 0.05) <= 0.07
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.05)
    assert np.mean(squares) == pytest.approx(1, abs=0.01)


@pytest.mark.long
def test_forms_with_common_items_are_flagged_no_oftener():
    rng = np.random.default_rng(18)
    a, b = _bank(rng, 45)
    group = pd.Series(np.repeat(["А", "Б"], 1000))
    items, persons = [], []
    for _ in range(15):
        theta = rng.normal(size=2000) + 0.74 * (group == "Б")
        responses = _answers(rng, theta, a, b)
        responses.iloc[:1000, 30:] = np.nan
        responses.iloc[1000:, :15] = np.nan
        calibration = calibrate(responses, model="2pl", group=group)
        items += list(item_fit(responses, calibration, group)["p_value"])
        persons.append(person_fit(responses, calibration, group)["is_unusual"].mean())
    assert 0.03 <= np.mean(np.array(items) < 0.05) <= 0.07
    assert np.mean(persons) == pytest.approx(0.05, abs=0.01)


def test_items_that_do_not_follow_the_model_are_found():
    rng = np.random.default_rng(9)
    a, b = _bank(rng, 30)
    theta = rng.normal(size=2500)
    responses = _answers(rng, theta, a, b)
    guessed = 0.35 + 0.65 * expit(2.5 * (theta - 1))
    turning = expit(1.5 * np.abs(theta) - 1)
    responses["i3"] = (rng.random(2500) < guessed).astype(float)
    responses["i7"] = (rng.random(2500) < turning).astype(float)
    fit = item_fit(responses, calibrate(responses, model="2pl"))
    flagged = set(fit.index[fit["p_adjusted"] < 0.05])
    assert {"i3", "i7"} <= flagged and len(flagged) <= 4


def test_mean_squares_find_a_slope_that_one_common_slope_does_not_fit():
    rng = np.random.default_rng(10)
    a, b = np.ones(30), np.linspace(-1.5, 1.5, 30)
    a[4], a[20] = 0.2, 3.0
    responses = _answers(rng, rng.normal(size=2000), a, b)
    fit = item_fit(responses, calibrate(responses, model="1pl"))
    assert fit["infit"].idxmax() == "i4" and fit["infit"].idxmin() == "i20"
    assert fit.loc["i4", "infit"] > 1.05 and fit.loc["i20", "infit"] < 0.95


def test_more_than_two_categories_have_mean_squares_and_no_score_test():
    rng = np.random.default_rng(11)
    theta = rng.normal(size=800)
    steps = rng.normal(0, 0.8, (16, 2))
    height = np.cumsum(theta[:, None, None] - steps, axis=2)
    weights = np.exp(np.concatenate([np.zeros((800, 16, 1)), height], axis=2))
    shares = np.cumsum(weights / weights.sum(axis=2, keepdims=True), axis=2)
    scores = (rng.random((800, 16, 1)) > shares).sum(axis=2)
    responses = pd.DataFrame(scores, columns=[f"i{number}" for number in range(16)])
    calibration = calibrate(responses, model="gpcm")
    fit = item_fit(responses, calibration)
    assert set(fit["status"]) == {"not_assessed"} and fit["statistic"].isna().all()
    assert fit["outfit"].to_numpy() == pytest.approx(1, abs=0.15)
    person = person_fit(responses, calibration)
    assert 0.02 <= person["is_unusual"].mean() <= 0.08


def test_too_few_who_took_the_same_items_are_not_assessed():
    rng = np.random.default_rng(12)
    a, b = _bank(rng, 20)
    responses = _answers(rng, rng.normal(size=300), a, b)
    responses = responses.mask(rng.random(responses.shape) < 0.3)
    responses["i5"] = np.nan
    fit = item_fit(responses, _calibration(a, b))
    assert fit.loc["i5", "status"] == "no_data" and fit.loc["i5", "n"] == 0
    assert set(fit["status"].drop("i5")) == {"not_assessed"}
    assert fit.drop("i5")[["outfit", "infit", "n"]].notna().all(axis=None)


@pytest.mark.parametrize("n", [0, 1])
def test_one_person_and_nobody_make_no_noise(n):
    rng = np.random.default_rng(13)
    a, b = _bank(rng, 20)
    responses = _answers(rng, np.zeros(n), a, b)
    assert set(item_fit(responses, _calibration(a, b))["status"]) == {
        "not_assessed" if n else "no_data"
    }
    assert len(person_fit(responses, _calibration(a, b))) == n


# --- persons --------------------------------------------------------------------------------------


def test_the_mode_of_the_posterior_equals_a_search():
    rng = np.random.default_rng(14)
    a, b = _bank(rng, 12)
    answers = _answers(rng, rng.normal(size=30), a, b).to_numpy().astype(int)
    answers[0], answers[1], answers[2, :6] = 1, 0, -1

    def categories(theta):
        right = expit(a * (theta[:, None] - b))
        return np.stack([1 - right, right], axis=2)

    found = most_likely(answers, a, categories, np.full(30, 0.5), np.full(30, 1.5))
    grid = np.linspace(-6, 6, 24001)
    right = expit(a * (grid[:, None] - b))
    for person, mode in zip(answers, found, strict=True):
        log = np.log(np.where(person == 1, right, 1 - right))[:, person >= 0].sum(axis=1)
        assert mode == pytest.approx(grid[np.argmax(log + norm.logpdf(grid, 0.5, 1.5))], abs=1e-3)


def test_the_statistic_equals_the_published_formula():
    rng = np.random.default_rng(19)
    a, b = _bank(rng, 25)
    responses = _answers(rng, rng.normal(size=40), a, b)
    found = person_fit(responses, _calibration(a, b))["statistic"]
    for (_, person), statistic in zip(responses.iterrows(), found, strict=True):
        x = person.to_numpy()
        theta = brentq(lambda t, x=x: a @ (x - expit(a * (t - b))) - t, -9, 9)
        p = expit(a * (theta - b))
        # Snijders (2001): weights w = logit p, freed of the score equation Σ a (x − p) = θ.
        w = np.log(p / (1 - p))
        c = (a * p * (1 - p) @ w) / (a * p * (1 - p) @ a)
        spread = np.sqrt((w - c * a) ** 2 @ (p * (1 - p)))
        assert statistic == pytest.approx(((x - p) @ w - c * theta) / spread, abs=1e-6)


@pytest.mark.parametrize("n_items", [20, 80])
def test_under_the_model_one_person_in_twenty_is_unusual(n_items):
    rng = np.random.default_rng(15)
    a, b = _bank(rng, n_items)
    responses = _answers(rng, rng.normal(size=6000), a, b)
    fit = person_fit(responses, _calibration(a, b))
    assert fit["is_unusual"].mean() == pytest.approx(0.05, abs=0.012)
    # The tail is right with 20 items already, the mean approaches 0 only with their number.
    assert fit["statistic"].mean() == pytest.approx(0, abs=4 / n_items)
    assert fit["statistic"].std() == pytest.approx(1, abs=0.05)


def test_answers_at_random_are_unusual_and_a_shuffled_sheet_too():
    rng = np.random.default_rng(16)
    a, b = np.full(80, 1.2), np.linspace(-2.5, 2.5, 80)
    responses = _answers(rng, np.zeros(200), a, b)
    responses.iloc[:100] = rng.integers(0, 2, (100, 80))
    responses.iloc[100] = responses.iloc[100].to_numpy()[::-1]
    fit = person_fit(responses, _calibration(a, b))
    assert fit["is_unusual"].iloc[:100].mean() > 0.95
    assert fit["is_unusual"].iloc[100]
    assert fit["is_unusual"].iloc[101:].mean() < 0.15


def test_all_right_and_all_wrong_are_judged_without_infinities():
    a, b = np.ones(30), np.linspace(-2, 2, 30)
    columns = [f"i{number}" for number in range(30)]
    responses = pd.DataFrame([[1] * 30, [0] * 30], columns=columns, index=["всё", "ничего"])
    fit = person_fit(responses, _calibration(a, b))
    assert np.isfinite(fit["statistic"]).all() and not fit["is_unusual"].any()
    assert fit.loc["всё", "statistic"] == pytest.approx(fit.loc["ничего", "statistic"])


def test_few_answers_are_not_judged():
    rng = np.random.default_rng(17)
    a, b = _bank(rng, LEAST_ANSWERS + 1)
    responses = _answers(rng, np.zeros(3), a, b)
    responses.iloc[0, :2] = np.nan
    fit = person_fit(responses, _calibration(a, b))
    assert list(fit["status"]) == ["too_few_items", "ok", "ok"]
    assert pd.isna(fit["is_unusual"].iloc[0]) and pd.isna(fit["statistic"].iloc[0])


# --- refusals -------------------------------------------------------------------------------------


def _case(**changes):
    given = {
        "responses": pd.DataFrame([[1, 0], [0, 1]], columns=["i0", "i1"]),
        "calibration": _calibration([1, 1], [0, 0]),
    }
    return given | changes


@pytest.mark.parametrize("function", [item_fit, person_fit])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"responses": pd.DataFrame({"i0": [1], "чужое": [0]})}, "Задания «чужое» нет в калибр"),
        ({"responses": pd.DataFrame({"i0": [1, 2]})}, "В задании «i0» есть балл 2; .* от 0 до 1"),
        ({"responses": pd.DataFrame({"i0": [0.5]})}, "В задании «i0» есть балл 0,5"),
        ({"responses": pd.DataFrame({"i0": ["да"]})}, "«i0» есть ответы, которые не являются"),
        ({"responses": pd.DataFrame(index=[1, 2])}, "Нет ни одного задания"),
        (
            {"calibration": _calibration([1, 1], [0, 0], [("А", 0, 1), ("Б", 1, 1)])},
            r"для нескольких групп \(«А», «Б»\): укажите группу",
        ),
        ({"group": ["all", "В"]}, "Группы «В» нет в калибровке"),
        ({"group": ["all", None]}, "У человека не указана группа"),
        ({"group": ["all"]}, "1 values for 2 persons"),
        ({"group": pd.Series("all", index=[7, 7])}, "names a person twice"),
    ],
)
def test_refusals(function, changes, message):
    with pytest.raises(ValueError, match=message):
        function(**_case(**changes))


def test_a_significance_must_be_a_share():
    with pytest.raises(ValueError, match="between 0 and 1, got 5"):
        person_fit(**_case(significance=5))
