"""LSAT6 as published, independent likelihoods, invariants, and a sentence for what has no answer.

Recovery of known truth by simulation: test_irt_simulation.py.
"""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, optimize, stats
from scipy.special import expit

from nmc_utils.measures import marginal_likelihood
from nmc_utils.measures.irt import (
    calibrate,
    deficit_posterior,
    expected_share,
    information,
    probabilities,
    score_eap,
    theta_at,
)

DATA = Path(__file__).parent / "data"
LSAT6 = pd.read_csv(DATA / "lsat6_eap.csv", comment="#")
ITEMS = ["i1", "i2", "i3", "i4", "i5"]
ANSWERS = LSAT6.loc[LSAT6.index.repeat(LSAT6["freq"]), ITEMS].reset_index(drop=True)
PUBLISHED = pd.read_csv(DATA / "lsat6_mml.csv", comment="#").set_index(["model", "item"])


def drawn(a, b, theta, seed, steps=None) -> pd.DataFrame:
    """Answers of persons at `theta`; with `steps` (items × steps) by the partial credit model."""
    rng = np.random.default_rng(seed)
    steps = np.asarray(b)[:, None] if steps is None else steps
    logits = np.cumsum(a[:, None] * (theta[:, None, None] - steps), axis=2)
    weights = np.concatenate((np.ones((*logits.shape[:2], 1)), np.exp(logits)), axis=2)
    cumulative = np.cumsum(weights, axis=2) / weights.sum(axis=2, keepdims=True)
    scores = (rng.random(logits.shape[:2])[..., None] > cumulative).sum(axis=2)
    return pd.DataFrame(scores.astype(float), columns=[f"i{j}" for j in range(len(a))])


def two_groups(n=400, seed=1, steps=None, n_items=12) -> tuple[pd.DataFrame, np.ndarray]:
    """Two groups on forms of which a third of the bank is common; the second is better."""
    rng = np.random.default_rng(seed)
    a, b = np.exp(rng.normal(0.2, 0.2, n_items)), np.linspace(-1, 1, n_items)
    group = np.repeat(["А", "Б"], n)
    theta = np.where(group == "А", rng.normal(0, 1, 2 * n), rng.normal(0.74, 1.2, 2 * n))
    answers = drawn(a, b, theta, seed, steps)
    answers.iloc[:n, n_items // 3 * 2 :] = np.nan
    answers.iloc[n:, : n_items // 3] = np.nan
    return answers, group


def log_likelihood(free, answers, group, n_steps) -> float:
    """Marginal log-likelihood on nodes of each group's own, category by category."""
    n_items = len(n_steps)
    a, b, rest = np.split(free, [n_items, n_items + sum(n_steps)])
    z = np.linspace(-7, 7, 61)
    weight = stats.norm.pdf(z)
    total = 0.0
    for number, label in enumerate(dict.fromkeys(group)):
        mean, sd = (0.0, 1.0) if number == 0 else rest[2 * number - 2 : 2 * number]
        theta = mean + sd * z
        likelihood = np.ones(((group == label).sum(), len(z)))
        first = 0
        for item, n in enumerate(n_steps):
            logits = np.cumsum(a[item] * (theta - b[first : first + n, None]), axis=0)
            share = np.vstack((np.ones_like(theta), np.exp(logits)))
            share /= share.sum(axis=0)
            score = answers.iloc[:, item].to_numpy()[group == label]
            taken = ~np.isnan(score)
            likelihood[taken] *= share[score[taken].astype(int)]
            first += n
        total += np.log(likelihood @ weight / weight.sum()).sum()
    return total


def hessian(function, at, step=2e-3) -> np.ndarray:
    size = len(at)
    result = np.empty((size, size))
    moves = np.eye(size) * step
    for i in range(size):
        for j in range(i + 1):
            corners = [function(at + s * moves[i] + t * moves[j]) for s in (1, -1) for t in (1, -1)]
            result[i, j] = result[j, i] = np.dot(corners, [1, -1, -1, 1]) / (4 * step**2)
    return result


@pytest.mark.parametrize("model", ["1pl", "2pl"])
def test_lsat6_equals_the_published_estimates(model):
    found, published = calibrate(ANSWERS, model), PUBLISHED.loc[model]
    assert found.converged
    assert found.log_likelihood == pytest.approx(published["log_likelihood"].iloc[0], abs=1e-5)
    for column in ("a", "b"):
        difference = found.items[column] - published[column]
        assert np.abs(difference).max() < 1e-6


@pytest.mark.parametrize("model", ["1pl", "2pl"])
def test_lsat6_levels_equal_the_published_of_each_pattern(model):
    found = score_eap(LSAT6[ITEMS], calibrate(ANSWERS, model))
    suffix = model[0]
    assert np.abs(found["theta"] - LSAT6[f"eap{suffix}"]).max() < 1e-5
    assert np.abs(found["sd"] - LSAT6[f"sd{suffix}"]).max() < 1e-5


def test_lsat6_equals_a_general_optimiser_and_its_curvature():
    def loss(free):
        return -log_likelihood(free, ANSWERS, np.zeros(len(ANSWERS)), [1] * 5)

    start = np.concatenate((np.full(5, 0.8), [-3, -1.3, -0.3, -1.8, -3]))
    best = optimize.minimize(loss, start, method="BFGS", options={"gtol": 1e-4})
    found = calibrate(ANSWERS, "2pl")
    estimates = found.items[["a", "b"]].to_numpy().T.ravel()
    assert estimates == pytest.approx(best.x, abs=2e-4)
    assert found.log_likelihood == pytest.approx(-best.fun, abs=1e-6)
    expected = np.sqrt(np.diag(np.linalg.inv(hessian(loss, estimates))))
    assert found.items[["a_se", "b_se"]].to_numpy().T.ravel() == pytest.approx(expected, rel=1e-3)


def test_one_slope_has_the_curvature_of_its_own_likelihood():
    def loss(free):
        return -log_likelihood(
            np.r_[np.full(5, free[0]), free[1:]], ANSWERS, np.zeros(len(ANSWERS)), [1] * 5
        )

    found = calibrate(ANSWERS, "1pl").items
    estimates = np.r_[found["a"].iloc[0], found["b"]]
    expected = np.sqrt(np.diag(np.linalg.inv(hessian(loss, estimates))))
    assert np.r_[found["a_se"].iloc[0], found["b_se"]] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("missing", "scores"), [(0.0, 2), (0.1, 1), (0.1, 2)])
def test_groups_on_linked_forms_are_at_the_maximum_with_its_curvature(missing, scores):
    """Partial credit and two groups, some answers missing at random: gradient and curvature."""
    steps = np.linspace(-1, 1, 6)[:, None] + np.array([[-0.4, 0.4]])[:, :scores]
    answers, group = two_groups(n=200, steps=steps, n_items=6)
    answers = answers.mask(np.random.default_rng(5).random(answers.shape) < missing)
    found = calibrate(answers, "gpcm", group)
    second = found.groups.iloc[1]
    columns = [f"step_{k}" for k in range(1, scores + 1)]
    at = np.r_[found.items["a"], found.items[columns].to_numpy().ravel(), second[["mean", "sd"]]]

    def loss(free):
        return -log_likelihood(free, answers, group, [scores] * 6)

    assert found.converged
    assert found.log_likelihood == pytest.approx(-loss(at), abs=1e-4)
    slope = [(loss(at + move) - loss(at - move)) / 2e-4 for move in np.eye(len(at)) * 1e-4]
    curvature = hessian(loss, at)
    assert np.abs(np.linalg.solve(curvature, slope)).max() < 1e-4, "a Newton step from there"
    expected = np.sqrt(np.diag(np.linalg.inv(curvature)))
    errors = [f"{column}_se" for column in columns]
    given = np.r_[found.items["a_se"], found.items[errors].to_numpy().ravel(), second["mean_se"]]
    assert given == pytest.approx(expected[:-1], rel=2e-3)
    mean = found.items[columns].mean(axis=1)
    assert found.items["b"].to_numpy() == pytest.approx(mean.to_numpy())


def test_partial_credit_of_two_categories_is_the_two_parameter_model():
    answers, group = two_groups()
    two, partial = calibrate(answers, "2pl", group), calibrate(answers, "gpcm", group)
    assert partial.log_likelihood == pytest.approx(two.log_likelihood, abs=1e-8)
    for column in two.items:
        assert partial.items[column].to_numpy() == pytest.approx(two.items[column].to_numpy())
    assert (partial.items["n_categories"] == 2).all()
    assert np.allclose(partial.items["step_1"], partial.items["b"])


def test_items_of_different_numbers_of_categories():
    """Scores of a four-category item beside right and wrong; steps it has not are missing."""
    rng = np.random.default_rng(3)
    a, theta = np.full(6, 1.2), rng.standard_normal(3000)
    steps = np.tile([-1.0, 0.0, 1.0], (6, 1))
    answers = drawn(a, None, theta, 3, steps)
    answers[["i0", "i1", "i2"]] = (answers[["i0", "i1", "i2"]] > 1).astype(float)
    found = calibrate(answers, "gpcm").items
    assert found["n_categories"].tolist() == [2, 2, 2, 4, 4, 4]
    assert found.loc["i0", ["step_2", "step_3"]].isna().all()
    full = found.loc[["i3", "i4", "i5"]]
    assert np.abs(full[["step_1", "step_2", "step_3"]] - [-1, 0, 1]).max(axis=None) < 0.25
    assert np.abs(full["a"] - 1.2).max() < 0.2


def test_order_of_persons_and_items_changes_nothing():
    answers, group = two_groups()
    found = calibrate(answers, "2pl", group)
    rng = np.random.default_rng(2)
    # The first person stays: who comes first says which group is the reference.
    order = np.r_[0, 1 + rng.permutation(len(answers) - 1)]
    columns = rng.permutation(answers.columns)
    turned = calibrate(answers.iloc[order][columns], "2pl", group[order])
    pd.testing.assert_frame_equal(turned.items.loc[answers.columns], found.items, rtol=1e-7)
    pd.testing.assert_frame_equal(turned.groups, found.groups, rtol=1e-7)


@pytest.mark.parametrize("kind", ["uint8", "bool", "int64", "float32", "Int64", object, "category"])
def test_any_kind_of_number_is_read_alike(kind):
    found = calibrate(ANSWERS.astype(kind), "2pl")
    pd.testing.assert_frame_equal(found.items, calibrate(ANSWERS, "2pl").items)


@pytest.mark.parametrize("kind", ["float16", "Float64", "Int64", "string", object, "category"])
def test_any_kind_of_missing_is_not_administered(kind):
    answers = ANSWERS.astype("Int64")
    answers = answers.mask(np.random.default_rng(3).random(answers.shape) < 0.1)
    answers = answers if kind in ("Int64", "string", object) else answers.astype(float)
    found = calibrate(answers.astype(kind), "2pl")
    pd.testing.assert_frame_equal(found.items, calibrate(answers.astype(float), "2pl").items)


def test_labels_are_kept_and_groups_are_matched_by_them():
    answers, group = two_groups()
    answers.index = [f"p{i}" for i in range(len(answers))][::-1]
    answers.columns = pd.MultiIndex.from_tuples([("форма", i) for i in range(12)])
    shuffled = pd.Series(group, answers.index).sample(frac=1, random_state=1)
    found = calibrate(answers, "2pl", shuffled)
    same = calibrate(answers, "2pl", group)
    assert found.items.index.tolist() == answers.columns.tolist()
    pd.testing.assert_frame_equal(found.groups, same.groups)
    assert score_eap(answers, found, shuffled).index.equals(answers.index)


def test_the_reference_is_the_first_category_or_the_first_to_appear():
    answers, group = two_groups()
    turned = pd.Categorical(group, ["В", "Б", "А"])
    assert calibrate(answers, "1pl", turned).groups.index.tolist() == ["Б", "А"]
    assert calibrate(answers, "1pl", group).groups.index.tolist() == ["А", "Б"]


def test_another_reference_is_the_same_model():
    """With the second group as reference θ is only moved and stretched."""
    answers, group = two_groups()
    one = calibrate(answers, "2pl", group)
    other = calibrate(answers, "2pl", pd.Categorical(group, ["Б", "А"]))
    assert other.log_likelihood == pytest.approx(one.log_likelihood, abs=1e-6)
    mean, sd = one.groups.loc["Б", ["mean", "sd"]]
    assert other.groups.loc["А", "sd"] == pytest.approx(1 / sd, rel=1e-4)
    assert other.groups.loc["А", "mean"] == pytest.approx(-mean / sd, rel=1e-4)
    assert other.items["a"].to_numpy() == pytest.approx(one.items["a"].to_numpy() * sd, rel=1e-4)


def test_persons_without_an_answer_tell_nothing():
    empty = pd.DataFrame(np.nan, ["x", "y"], ITEMS)
    found = calibrate(pd.concat([empty, ANSWERS]), "2pl")
    alone = calibrate(ANSWERS, "2pl")
    pd.testing.assert_frame_equal(found.items, alone.items)
    assert found.groups.loc["all", "n"] == 1000
    prior = score_eap(empty, alone)
    assert prior["theta"].to_numpy() == pytest.approx([0, 0], abs=1e-9)
    assert prior["sd"].to_numpy() == pytest.approx([1, 1], abs=1e-6)


def test_forms_without_common_items_are_refused_without_groups_too():
    rng = np.random.default_rng(4)
    answers = drawn(np.full(10, 1.3), np.linspace(-1, 1, 10), rng.standard_normal(400), 4)
    answers.iloc[:200, 5:] = np.nan
    answers.iloc[200:, :5] = np.nan
    with pytest.raises(ValueError, match="Задания не связаны") as refused:
        calibrate(answers, "2pl")
    assert all(f"«{item}»" in str(refused.value) for item in answers)
    answers.iloc[0, 7] = 1.0  # one person on both
    assert calibrate(answers, "1pl").converged


def test_many_persons_equal_few_with_the_same_answers(monkeypatch):
    """The way over parts of the persons and single precision ends where all of them lead."""
    rng = np.random.default_rng(6)
    a, b = np.exp(rng.normal(0, 0.3, 30)), rng.normal(0, 1, 30)
    answers = drawn(a, b, rng.standard_normal(13_000), 6).astype(np.uint8)
    quick = calibrate(answers, "2pl")
    monkeypatch.setattr(marginal_likelihood, "_SINGLE_FROM", 1 << 40)
    monkeypatch.setattr("nmc_utils.measures.item_calibration._FIRST_PART", 1 << 40)
    exact = calibrate(answers, "2pl")
    assert quick.converged and exact.converged
    assert np.abs(quick.items - exact.items).max(axis=None) < 1e-4
    assert quick.log_likelihood == pytest.approx(exact.log_likelihood, rel=1e-8)


def test_more_nodes_change_nothing(monkeypatch):
    """At 80 items 41 Gauss–Hermite nodes are biased; the rule for the step is not."""
    rng = np.random.default_rng(7)
    a, b = np.exp(rng.normal(0.2, 0.3, 80)), rng.normal(0, 1, 80)
    answers = drawn(a, b, rng.standard_normal(1000), 7)
    found = calibrate(answers, "2pl")
    levels = score_eap(answers, found)
    monkeypatch.setattr(marginal_likelihood, "_LEAST_NODES", 401)
    finer = calibrate(answers, "2pl")
    assert np.abs(found.items[["a", "b"]] - finer.items[["a", "b"]]).max(axis=None) < 1e-5
    assert np.abs(levels - score_eap(answers, found)).max(axis=None) < 1e-6


def test_bytes_do_not_depend_on_threads(monkeypatch):
    rng = np.random.default_rng(9)
    answers = drawn(np.full(20, 1.1), np.linspace(-2, 2, 20), rng.standard_normal(30_000), 9)
    found = []
    for workers in (1, 2, 5):
        monkeypatch.setattr(marginal_likelihood, "cpu_count", lambda n=workers: n)
        found.append(calibrate(answers, "2pl"))
    for one, other in pairwise(found):
        assert one.log_likelihood == other.log_likelihood
        assert one.items.to_numpy().tobytes() == other.items.to_numpy().tobytes()


@pytest.mark.long
def test_bytes_do_not_depend_on_threads_of_blas():
    code = (
        "import numpy as np, pandas as pd, hashlib\n"
        "from nmc_utils.measures.irt import calibrate\n"
        "rng = np.random.default_rng(1)\n"
        "theta, b = rng.standard_normal((20_000, 1)), rng.normal(0, 1, 80)\n"
        "answers = rng.random((20_000, 80)) < 1 / (1 + np.exp(b - theta))\n"
        "items = calibrate(pd.DataFrame(answers), '2pl').items.to_numpy()\n"
        "print(hashlib.sha256(items.tobytes()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2", "4")
    }
    assert len(digests) == 1


def test_levels_have_the_prior_of_their_group_or_of_all_groups_together():
    answers, group = two_groups(n=300)
    found = calibrate(answers.iloc[150:], "2pl", group[150:])
    nobody = pd.DataFrame(np.nan, ["x", "y"], answers.columns)
    mean, sd = found.groups.loc["Б", ["mean", "sd"]]
    own = score_eap(nobody, found, ["Б", "А"])
    assert own["theta"].to_numpy() == pytest.approx([mean, 0], abs=1e-6)
    assert own["sd"].to_numpy() == pytest.approx([sd, 1], abs=1e-6)
    mixed = score_eap(nobody, found)
    assert found.groups["n"].tolist() == [150, 300]
    assert mixed["theta"].to_numpy() == pytest.approx([mean * 2 / 3] * 2, abs=1e-6)
    variance = 1 / 3 + 2 / 3 * (sd**2 + mean**2) - (mean * 2 / 3) ** 2
    assert mixed["sd"].to_numpy() == pytest.approx([variance**0.5] * 2, abs=1e-6)


def test_posterior_equals_numerical_integration():
    answers, group = two_groups()
    found = calibrate(answers, "2pl", group)
    mean, sd = found.groups.loc["Б", ["mean", "sd"]]
    a, b = found.items["a"].to_numpy(), found.items["b"].to_numpy()
    person = answers.iloc[[-1]]
    score = person.to_numpy()[0]

    def density(theta, power=0):
        right = expit(a * (theta - b))
        each = np.where(np.isnan(score), 1, np.where(score == 1, right, 1 - right))
        return theta**power * each.prod() * stats.norm.pdf(theta, mean, sd)

    def integral(high, power=0):
        return integrate.quad(density, -8, high, args=(power,), epsabs=1e-14, limit=200)[0]

    whole = integral(9)
    level = score_eap(person, found, ["Б"]).iloc[0]
    assert level["theta"] == pytest.approx(integral(9, 1) / whole, abs=1e-6)
    square = integral(9, 2) / whole
    assert level["sd"] == pytest.approx((square - level["theta"] ** 2) ** 0.5, abs=1e-6)
    for cut in (-1.0, 0.123, 2.0):
        share = deficit_posterior(person, found, cut, ["Б"]).iloc[0]
        assert share == pytest.approx(integral(cut) / whole, abs=1e-6)


def test_probability_of_deficit_lies_within_bounds_and_grows_with_the_cut():
    found = calibrate(ANSWERS, "2pl")
    people = LSAT6[ITEMS]
    cuts = [deficit_posterior(people, found, cut) for cut in (-50, -2, 0, 2, 50)]
    assert (cuts[0] < 1e-12).all() and (cuts[0] >= 0).all()
    assert (cuts[-1] > 1 - 1e-9).all() and (cuts[-1] <= 1).all()
    assert all((low < high).all() for low, high in pairwise(cuts))
    assert cuts[0].index.equals(people.index)


def test_what_the_bank_tells_at_a_level():
    found = calibrate(ANSWERS, "2pl")
    theta = np.array([[-1.0, 0.5], [2.0, 0.0]])
    a, b = found.items["a"].to_numpy(), found.items["b"].to_numpy()
    right = expit(a * (theta[..., None] - b))
    assert probabilities(found, theta) == pytest.approx(right)
    assert expected_share(found, theta) == pytest.approx(right.mean(axis=-1))
    assert information(found, theta) == pytest.approx((a**2 * right * (1 - right)).sum(axis=-1))
    some = ["i4", "i1"]
    assert probabilities(found, 0.5, some) == pytest.approx(right[0, 1, [3, 0]])
    assert theta_at(found, float(expected_share(found, 0.5, some)), some) == pytest.approx(0.5)
    assert expected_share(found, theta_at(found, 0.999)) == pytest.approx(0.999)


def test_partial_credit_bank():
    rng = np.random.default_rng(11)
    steps = np.array([[-1.0, 0.5], [-0.3, 0.3], [0.0, 1.0], [-1.0, 1.0]])
    answers = drawn(np.full(4, 1.3), None, rng.standard_normal(2000), 11, steps)
    answers["i0"] = (answers["i0"] > 0).astype(float)
    found = calibrate(answers, "gpcm")
    share = probabilities(found, [0.0, 1.0])
    assert share.shape == (2, 4, 3)
    assert share.sum(axis=2) == pytest.approx(np.ones((2, 4)))
    assert (share[:, 0, 2] == 0).all()
    a, first, second = found.items.loc["i1", ["a", "step_1", "step_2"]]
    weights = [1, np.exp(a * (1 - first)), np.exp(a * (1 - first) + a * (1 - second))]
    assert share[1, 1] == pytest.approx(np.array(weights) / sum(weights))
    mean = (share[1] * [0, 1, 2]).sum()
    assert expected_share(found, 1.0) == pytest.approx(mean / 7)
    # Information is the slope of the expected score times a, for each item.
    moved = (probabilities(found, 1 + 1e-5) - probabilities(found, 1 - 1e-5)) / 2e-5
    slopes = found.items["a"].to_numpy() * (moved * [0, 1, 2]).sum(axis=1)
    assert information(found, 1.0) == pytest.approx(slopes.sum(), rel=1e-6)


GOOD, GROUPS = two_groups(n=150)
FULL = drawn(np.full(6, 1.2), np.linspace(-1, 1, 6), np.random.default_rng(1).normal(size=200), 1)


def _disconnected() -> pd.DataFrame:
    answers = FULL.copy()
    answers.iloc[:100, 3:] = np.nan
    answers.iloc[100:, :3] = np.nan
    return answers


def _group_of(scores: list[float]) -> pd.DataFrame:
    answers = FULL.copy()
    answers.iloc[100:] = scores
    return answers


def _only_first_item() -> pd.DataFrame:
    answers = FULL.copy()
    answers.iloc[100:, 1:] = np.nan
    return answers


HALVES = np.repeat(["А", "Б"], 100)
REFUSED = {
    "all right": (pd.DataFrame(1, range(9), list("абв")), {}, "наибольший балл.*«а», «б», «в»"),
    "all wrong": (pd.DataFrame(0, range(9), list("абв")), {}, "ноль за задание: «а», «б», «в»"),
    "constant items": (FULL.assign(к=1, л=0), {}, "наибольший.*: «к»; Все получили ноль.*: «л»"),
    "one score of all": (
        FULL.assign(i0=2 * FULL["i0"] + (FULL["i0"] == 0), к=1),
        {"model": "gpcm"},
        "один и тот же балл за задание: «к»",
    ),
    "one item": (FULL[["i3"]], {}, "«2pl» нужно не менее 3 заданий, а есть только «i3»"),
    "two items": (FULL[["i3", "i4"]], {}, "не менее 3 заданий, а есть только «i3», «i4»"),
    "one item, one slope": (FULL[["i3"]], {"model": "1pl"}, "не менее 2 заданий"),
    "one person": (FULL.iloc[:1], {}, "только у одного человека"),
    "nobody": (FULL.iloc[:0], {}, "нет ни одного человека"),
    "no items": (FULL[[]], {}, "нет ни одного задания"),
    "not answered": (FULL.assign(п=np.nan), {}, "Нет ни одного ответа на задание: «п»"),
    "nothing answered": (FULL * np.nan, {}, "Нет ни одного ответа на задание: «i0»"),
    "item twice": (pd.concat([FULL, FULL[["i1"]]], axis=1), {}, "дважды: «i1»"),
    "same item": (FULL.assign(к=FULL["i0"]), {}, "уходит в бесконечность: «i0», «к»"),
    "no chance": (
        pd.DataFrame(np.tril(np.ones((6, 5)), -1)[np.arange(60) % 6]),
        {"model": "1pl"},
        "Общая дискриминативность заданий уходит в бесконечность",
    ),
    "unrelated items": (
        pd.DataFrame([[0, 1], [1, 0], [0, 1], [1, 0], [1, 1]]),
        {"model": "1pl"},
        "Общая дискриминативность заданий равна нулю",
    ),
    "half a point": (FULL.assign(i2=0.5), {}, "«i2»: ответ «0,5» не является баллом"),
    "negative": (FULL.assign(i2=-1), {}, "«i2»: ответ «-1» не является баллом"),
    "infinite": (FULL.assign(i2=np.inf), {}, "«i2»: ответ «inf» не является баллом"),
    "a word": (FULL.assign(i2="да"), {}, "«i2»: ответ «да» не является числом"),
    "large code": (FULL.astype("uint8").assign(i2=np.uint8(200)), {}, "«i2»: ответ «200»"),
    "score of two": (FULL.assign(i2=2 * FULL["i2"]), {}, "«i2»: балл «2», а модель «2pl»"),
    "unused category": (
        FULL.assign(i2=2 * FULL["i2"]),
        {"model": "gpcm"},
        "«i2»: балл 1 не получил никто",
    ),
    "not linked": (
        _disconnected(),
        {"group": HALVES},
        "«А» — задания «i0», «i1», «i2»; «Б» — задания «i3», «i4», «i5»",
    ),
    "group of one": (FULL, {"group": ["А"] * 199 + ["Б"]}, "Группа «Б»: ответы есть у 1 чел."),
    "group absent": (FULL.iloc[:100].reindex(range(200)), {"group": HALVES}, "«Б».*у 0 чел."),
    "no group": (FULL, {"group": ["А"] * 199 + [None]}, "Группа не указана: 1 чел.*«199»"),
    "group all right": (_group_of([1.0] * 6), {"group": HALVES}, "«Б»: у всех наибольший балл"),
    "group all wrong": (_group_of([0.0] * 6), {"group": HALVES}, "«Б»: у всех нулевой балл"),
    "group all alike": (
        _group_of([1, 0, 1, 0, 1, 0]),
        {"group": HALVES},
        "Разброс внутри группы не оценивается: «Б»",
    ),
    "group of one item": (
        _only_first_item(),
        {"group": HALVES},
        "Среднее и разброс группы «Б» по этим ответам не определяются",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_name_the_item_or_the_group(case):
    answers, options, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        calibrate(answers, **({"model": "2pl"} | options))


def test_misuse():
    with pytest.raises(ValueError, match="model must be one of"):
        calibrate(FULL, "3pl")
    with pytest.raises(ValueError, match="5 values for 200 persons"):
        calibrate(FULL, "2pl", list("АБВГД"))
    repeated = pd.Series(HALVES, np.zeros(200))
    with pytest.raises(ValueError, match="one value for each person"):
        calibrate(FULL, "2pl", repeated)


def test_what_the_calibration_does_not_know():
    found = calibrate(GOOD, "2pl", GROUPS)
    with pytest.raises(ValueError, match="Нет в калибровке: задание «чужое»"):
        score_eap(GOOD.assign(чужое=1), found)
    with pytest.raises(ValueError, match="Нет в калибровке: задание «z»"):
        expected_share(found, 0.0, ["i1", "z"])
    with pytest.raises(ValueError, match="Нет в калибровке: группа «В»"):
        score_eap(GOOD, found, ["В"] * len(GOOD))
    with pytest.raises(ValueError, match="«i1»: балл 2 больше наибольшего при калибровке"):
        score_eap(GOOD.assign(i1=2), found)
    with pytest.raises(ValueError, match="share must lie between 0 and 1, got 60"):
        theta_at(found, 60)


def test_share_that_no_level_reaches():
    """An item that falls with the level keeps the whole from being all right."""
    turned = FULL.assign(i0=1 - FULL["i0"])
    found = calibrate(turned[["i0", "i1", "i2", "i3"]], "2pl")
    assert found.items.loc["i0", "a"] < 0
    with pytest.raises(ValueError, match="Доля 0,95 от максимума не достигается"):
        theta_at(found, 0.95)


def test_one_person_and_some_items_can_be_scored():
    found = calibrate(ANSWERS, "2pl")
    one = score_eap(pd.DataFrame({"i3": [1], "i1": [np.nan]}, ["x"]), found)
    two = score_eap(pd.DataFrame({"i3": [1]}, ["x"]), found)
    assert one.equals(two) and one.index.tolist() == ["x"]
    assert score_eap(ANSWERS.iloc[:0], found).empty


def test_a_missing_cut_is_refused():
    rng = np.random.default_rng(3)
    chance = expit(rng.standard_normal((300, 1)) - np.linspace(-1, 1, 6))
    people = pd.DataFrame((rng.random(chance.shape) < chance).astype(float))
    found = calibrate(people, "1pl")
    with pytest.raises(ValueError, match="theta_cut must be an ability"):
        deficit_posterior(people, found, np.nan)
    np.testing.assert_allclose(deficit_posterior(people, found, np.inf), 1, rtol=1e-14)
