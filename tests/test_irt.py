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
from scipy.special import expit, roots_hermitenorm

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


def two_groups(n=400, seed=1, steps=None) -> tuple[pd.DataFrame, np.ndarray]:
    """Two groups on forms of eight items, four in common; the second is better."""
    rng = np.random.default_rng(seed)
    a, b = np.exp(rng.normal(0.2, 0.2, 12)), np.linspace(-1, 1, 12)
    group = np.repeat(["А", "Б"], n)
    theta = np.where(group == "А", rng.normal(0, 1, 2 * n), rng.normal(0.74, 1.2, 2 * n))
    answers = drawn(a, b, theta, seed, steps)
    answers.iloc[:n, 8:] = np.nan
    answers.iloc[n:, :4] = np.nan
    return answers, group


def log_likelihood(free, answers, group, n_steps) -> float:
    """Marginal log-likelihood by Gauss–Hermite nodes of each group, person by person."""
    n_items = len(n_steps)
    a, b, rest = np.split(free, [n_items, n_items + sum(n_steps)])
    z, weight = roots_hermitenorm(161)
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


@pytest.mark.parametrize("missing", [0.0, 0.1])
@pytest.mark.parametrize("scores", [1, 2])
def test_groups_on_linked_forms_are_at_the_maximum_with_its_curvature(missing, scores):
    """Partial credit and two groups, some answers missing at random: gradient and curvature."""
    steps = np.linspace(-1, 1, 12)[:, None] + np.array([[-0.4, 0.4]])[:, :scores]
    answers, group = two_groups(n=250, steps=steps)
    answers = answers.mask(np.random.default_rng(5).random(answers.shape) < missing)
    found = calibrate(answers, "gpcm", group)
    second = found.groups.iloc[1]
    columns = [f"step_{k}" for k in range(1, scores + 1)]
    at = np.r_[found.items["a"], found.items[columns].to_numpy().ravel(), second[["mean", "sd"]]]

    def loss(free):
        return -log_likelihood(free, answers, group, [scores] * 12)

    assert found.converged
    assert found.log_likelihood == pytest.approx(-loss(at), abs=1e-4)
    slope = optimize.approx_fprime(at, loss, 1e-5)
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


def test_blocks_of_persons_on_different_items_without_groups_are_random_equivalents():
    rng = np.random.default_rng(4)
    a, b, theta = np.full(10, 1.3), np.linspace(-1, 1, 10), rng.standard_normal(4000)
    answers = drawn(a, b, theta, 4)
    answers.iloc[:2000, 5:] = np.nan
    answers.iloc[2000:, :5] = np.nan
    found = calibrate(answers, "2pl")
    halves = [calibrate(answers.iloc[:2000, :5]), calibrate(answers.iloc[2000:, 5:])]
    expected = pd.concat([half.items for half in halves])
    pd.testing.assert_frame_equal(found.items, expected, rtol=1e-4)


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
    found, levels = calibrate(answers, "2pl"), None
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
        monkeypatch.setattr(os, "cpu_count", lambda workers=workers: workers)
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
