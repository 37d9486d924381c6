"""Types of teachers: published and hand-made answers, refusals, invariants, simulations."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logsumexp
from sklearn.metrics import adjusted_rand_score

from nmc_utils.measures.dictionary import MEASURES, check_measures
from nmc_utils.measures.latent_class import (
    Model,
    adjusted_rand,
    class_table,
    profile_table,
    read_answers,
)
from nmc_utils.measures.type_tables import LEVEL, type_fit, type_measures
from nmc_utils.measures.typology import DESCRIBES, Typology, latent_classes

pytestmark = pytest.mark.filterwarnings("error")

CENTRAL = [0.025, 0.975]
QUICK = {"starts": 3, "boot": 20, "most": 3}
#: Two types that cross: each has the deficits that the other lacks.
CROSSING = np.array([[0.15, 0.1, 0.2, 0.15, 0.7, 0.8], [0.8, 0.85, 0.75, 0.7, 0.2, 0.25]])
#: Three types, each with more deficits everywhere than the one before.
STEPS = np.array([[0.05] * 6, [0.5, 0.45, 0.55, 0.5, 0.4, 0.5], [0.95] * 6])


def simulated(profiles: np.ndarray, shares: list[float], n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    kind = rng.choice(len(shares), n, p=shares)
    values = (rng.random((n, profiles.shape[1])) < profiles[kind]).astype(int)
    return frame(values)


def frame(values: np.ndarray) -> pd.DataFrame:
    people = [f"p{at:04}" for at in range(len(values))]
    return pd.DataFrame(values, people, [f"d{at}" for at in range(values.shape[1])])


@pytest.fixture(scope="module")
def crossing() -> pd.DataFrame:
    return simulated(CROSSING, [0.6, 0.4], 1500, seed=11)


@pytest.fixture(scope="module")
def two(crossing: pd.DataFrame) -> Typology:
    return latent_classes(crossing, **QUICK)


@pytest.fixture(scope="module")
def steps() -> Typology:
    return latent_classes(simulated(STEPS, [0.4, 0.35, 0.25], 1500, seed=12), **QUICK)


@pytest.fixture(scope="module")
def single() -> Typology:
    return latent_classes(simulated(np.full((1, 5), 0.4), [1.0], 800, seed=13), **QUICK)


# --- known answers ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def role_conflict() -> pd.DataFrame:
    """Stouffer and Toby (1951): 216 answers to four situations of role conflict.

    Counts by pattern, the last situation changing fastest, as in Goodman (1974), Exploratory
    latent structure analysis.
    """
    counts = [42, 23, 6, 25, 6, 24, 7, 38, 1, 4, 1, 6, 2, 9, 2, 20]
    patterns = [[int(bit) for bit in f"{at:04b}"] for at in range(16)]
    return frame(np.repeat(patterns, counts, axis=0))


def test_the_two_types_of_goodman(role_conflict):
    found = latent_classes(role_conflict, **QUICK)
    assert (found.n, found.n_types) == (216, 2)
    two = found.fit.loc[2]
    # Linzer and Lewis (2011), poLCA, print −504.4677 and 1057.313 for these data.
    assert two["log_likelihood"] == pytest.approx(-504.4677, abs=2e-4)
    assert two["bic"] == pytest.approx(1057.313, abs=2e-3)
    assert two["parameters"] == 9
    assert found.classes["share"].to_numpy() == pytest.approx([0.2794, 0.7206], abs=1e-3)
    printed = [[0.0068, 0.0602, 0.0735, 0.2309], [0.2864, 0.6704, 0.6460, 0.8676]]
    profiles = found.profiles.pivot(index="type", columns="domain", values="estimate")
    assert profiles.to_numpy() == pytest.approx(np.array(printed), abs=2e-3)


def negative_likelihood(free: np.ndarray, values: np.ndarray, k: int) -> float:
    """Minus log-likelihood of k classes, straight from the definition."""
    logits = np.r_[free[: k - 1], 0.0]
    shares = logits - logsumexp(logits)
    chances = free[k - 1 :].reshape(k, -1)
    each = values @ log_expit(chances).T + (1 - values) @ log_expit(-chances).T
    return -logsumexp(each + shares, axis=1).sum()


def test_bic_is_that_of_a_likelihood_written_by_hand(crossing, two):
    values = crossing.to_numpy(float)
    rng = np.random.default_rng(0)
    for k in (1, 2, 3):
        free = k * values.shape[1] + k - 1
        runs = [
            minimize(negative_likelihood, rng.normal(size=free), args=(values, k), method="BFGS")
            for _ in range(1 if k < 3 else 4)
        ]
        best = min(run.fun for run in runs)
        bic = 2 * best + free * np.log(len(values))
        # With a class too many there are many maxima: the one found is as high as any of these.
        assert two.fit.loc[k, "bic"] <= bic + 0.02
        assert k == 3 or two.fit.loc[k, "bic"] == pytest.approx(bic, abs=0.02)
        assert two.fit.loc[k, "parameters"] == free


def test_one_type_has_the_shares_of_the_domains(single):
    table = single.profiles
    assert single.n_types == 1
    assert single.fit["chosen_share"].loc[1] > 0.8
    assert table["estimate"].to_numpy() == pytest.approx([0.4] * 5, abs=0.06)
    assert single.members["type"].eq(1).all()
    assert single.is_ordered is None and not len(single.agreement)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([0, 0, 1, 1], [1, 1, 0, 0], 1.0),  # the same partition under other names
        ([0, 0, 1, 1], [0, 1, 0, 1], -0.5),  # (0 − 2·2/6) / (2 − 2·2/6)
        ([0, 0, 0, 1], [0, 0, 1, 1], 0.0),  # (1 − 3·2/6) / …
        ([0, 0, 0], [0, 0, 0], 1.0),
    ],
)
def test_adjusted_rand_index_by_hand(first, second, expected):
    table = np.zeros((2, 2))
    np.add.at(table, (first, second), 1)
    assert adjusted_rand(table) == pytest.approx(expected)
    assert adjusted_rand_score(first, second) == pytest.approx(expected)


def test_adjusted_rand_index_of_many():
    rng = np.random.default_rng(5)
    first, second = rng.integers(4, size=500), rng.integers(3, size=500)
    second[:200] = first[:200] % 3
    table = pd.crosstab(first, second).to_numpy()
    assert adjusted_rand(table) == pytest.approx(adjusted_rand_score(first, second), abs=1e-12)


# --- simulations --------------------------------------------------------------------------------


def test_two_types_that_cross_are_recovered(two):
    assert two.n_types == 2 and two.is_ordered is False
    assert two.fit["chosen_share"].loc[2] > 0.9
    # 2.1 and 3.55 deficits are expected: the order of the types.
    assert two.classes["share"].to_numpy() == pytest.approx([0.6, 0.4], abs=0.05)
    assert two.classes["deficits"].to_numpy() == pytest.approx(CROSSING.sum(axis=1), abs=0.2)
    profiles = two.profiles.pivot(index="type", columns="domain", values="estimate").to_numpy()
    assert profiles == pytest.approx(CROSSING, abs=0.07)
    assert two.agreement.min() > 0.8


def test_domains_that_go_against_each_other_have_no_common_level(two):
    assert np.isnan(two.level_bic)


def test_types_that_differ_by_level_alone_are_called_so(steps):
    assert steps.n_types == 3 and steps.is_ordered is True
    assert steps.classes["deficits"].is_monotonic_increasing
    assert type_measures(steps).set_index("measure").loc["types_are_ordered", "estimate"] == 1


def test_one_pair_of_profiles_that_crosses_is_enough_to_break_the_order():
    profiles = STEPS.copy()
    profiles[1, 0], profiles[2, 0] = 0.95, 0.5
    found = latent_classes(simulated(profiles, [0.4, 0.35, 0.25], 1500, seed=12), **QUICK)
    assert found.n_types == 3 and found.is_ordered is False


def test_a_continuous_level_is_described_better_without_types():
    rng = np.random.default_rng(3)
    level = rng.normal(size=(1500, 1))
    values = rng.random((1500, 6)) < expit(1.6 * (level - np.linspace(-0.7, 0.7, 6)))
    found = latent_classes(frame(values.astype(int)), **QUICK)
    assert found.n_types >= 2 and found.is_ordered
    assert found.level_bic < found.fit["bic"].min()
    told = type_measures(found).set_index("measure")["estimate"]
    assert told["level_is_enough"] == 1


def test_every_interval_holds_its_estimate_and_a_probability_of_0_has_one():
    profiles = np.array([[0.0, 0.1, 0.1, 0.2, 0.1], [0.9, 0.8, 0.9, 0.8, 0.7]])
    found = latent_classes(simulated(profiles, [0.5, 0.5], 600, seed=4), **QUICK)
    first = found.profiles.iloc[0]
    assert first["estimate"] < 0.02 and first["ci_high"] > 3 / (first["n"] + 10)
    between = found.profiles["ci_low"].le(found.profiles["estimate"] + 1e-12)
    assert (between & found.profiles["ci_high"].ge(found.profiles["estimate"] - 1e-12)).all()


def some_class(deficits: float, answered: int, domains: int) -> tuple:
    """Persons and a single class of equal chances that has so many deficits."""
    answers, _ = read_answers(frame(np.arange(answered * domains).reshape(answered, -1) % 2))
    chances = np.full((1, domains), deficits / domains)
    rows = np.ones((len(answers.counts), 1))
    return answers, Model(np.ones(1), chances, rows, domains, 0.0, True, 0)


def spread(model: Model, error: float) -> list[Model]:
    """Two resamples on both sides of the model whose expected deficits have this deviation."""
    step = error / np.sqrt(2) / model.chances.shape[1]
    return [replace(model, chances=model.chances + sign * step) for sign in (-1, 1)]


@pytest.mark.parametrize("deficits", [0.1, 2.0, 4.9])
def test_the_interval_of_expected_deficits_is_wilsons_and_keeps_off_the_ends(deficits):
    answers, model = some_class(deficits, answered=200, domains=5)
    row = class_table(answers, model, spread(model, 0.09)).iloc[0]
    assert row["deficits_std_error"] == pytest.approx(0.09)
    assert 0 < row["deficits_ci_low"] < deficits < row["deficits_ci_high"] < 5
    # Wilson's bounds π solve (π − m)² = z²·π(1 − π)/n, the n being m(1 − m)/error².
    mean = deficits / 5
    n = mean * (1 - mean) / (0.09 / 5) ** 2
    for bound in row[["deficits_ci_low", "deficits_ci_high"]] / 5:
        assert (bound - mean) ** 2 == pytest.approx(1.959964**2 * bound * (1 - bound) / n)


def test_an_interval_of_expected_deficits_is_worth_no_more_than_the_answers():
    # Resamples hardly differ, yet 40 answers of nobody's deficit allow up to 8.8 % (Wilson).
    answers, model = some_class(0.0, answered=10, domains=4)
    again = [replace(model, chances=model.chances + step) for step in (0, 0, 0, 1e-6)]
    row = class_table(answers, model, again).iloc[0]
    assert row["deficits_ci_low"] == 0
    assert row["deficits_ci_high"] == pytest.approx(4 * 3.841459 / (40 + 3.841459))


def test_a_probability_of_0_that_resamples_move_is_not_told_as_anything_from_0_to_1():
    answers, model = some_class(0.0, answered=100, domains=3)
    again = [replace(model, chances=model.chances + step) for step in (0.0, 0.0, 0.0, 0.1)]
    table = profile_table(answers, model, again)
    assert table["std_error"].to_numpy() == pytest.approx([0.05] * 3)
    # As of 0.95 / 0.05 = 19 persons.
    assert table["ci_high"].to_numpy() == pytest.approx([3.841459 / (19 + 3.841459)] * 3)


def test_two_perfect_types_tell_no_error_of_their_deficits():
    found = latent_classes(frame(np.repeat([[0] * 3, [1] * 3], 20, axis=0)), **QUICK)
    assert found.n_types == 2
    assert found.classes["deficits"].to_numpy() == pytest.approx([0, 3])
    told = type_measures(found).set_index("measure").loc["type_deficits"]
    assert told[["std_error", "ci_low", "ci_high"]].isna().all(axis=None)
    assert told["interval_kind"].eq("none").all()
    # Nobody of twenty: Wilson, up to 16 %.
    ends = found.profiles.groupby("type")[["ci_low", "ci_high"]].mean()
    assert ends.to_numpy() == pytest.approx(np.array([[0, 0.161], [0.839, 1]]), abs=1e-3)


def test_who_lacks_a_domain_by_form_stays_and_biases_nothing(crossing, two):
    part = crossing.astype("Int64")
    part.loc[part.index[::3], "d0"] = pd.NA
    found = latent_classes(part, **QUICK)
    assert (found.n, found.n_types) == (len(crossing), 2)
    difference = found.profiles["estimate"] - two.profiles["estimate"]
    assert difference.abs().max() < 0.05
    asked = found.profiles[found.profiles["domain"] == "d0"]["n"].sum()
    assert asked == pytest.approx(part["d0"].notna().sum(), abs=1)


@pytest.mark.long
def test_intervals_cover_the_truth():
    profiles, shares = np.array([[0.15] * 5, [0.8, 0.75, 0.7, 0.65, 0.8]]), [0.55, 0.45]
    held_share, held_profile, held_deficits = [], [], []
    for seed in range(120):
        found = latent_classes(
            simulated(profiles, shares, 500, seed), most=2, starts=3, boot=50, seed=seed
        )
        classes = found.classes
        held_share.append(classes["share_ci_low"].iloc[0] <= 0.55 <= classes["share_ci_high"][1])
        mean = profiles.sum(axis=1)
        bounds = classes["deficits_ci_low"].le(mean), classes["deficits_ci_high"].ge(mean)
        held_deficits += list(bounds[0] & bounds[1])
        table = found.profiles
        truth = profiles.ravel()
        held_profile += list(table["ci_low"].le(truth) & table["ci_high"].ge(truth))
    # 120 trials at 95 % stay above 0.90 with a probability of 0.99, 240 above 0.91, 1 200 above
    # 0.93.
    assert np.mean(held_share) >= 0.90
    assert np.mean(held_deficits) >= 0.91
    assert 0.93 <= np.mean(held_profile) <= 0.98


# --- invariants ---------------------------------------------------------------------------------


def assert_same(one: Typology, other: Typology) -> None:
    for field in fields(Typology):
        first, second = getattr(one, field.name), getattr(other, field.name)
        if isinstance(first, pd.DataFrame):
            assert_frame_equal(first, second, check_exact=True)
        else:
            np.testing.assert_array_equal(first, second)


@pytest.fixture(scope="module")
def small() -> pd.DataFrame:
    return simulated(CROSSING, [0.6, 0.4], 300, seed=21)


@pytest.fixture(scope="module")
def of_small(small: pd.DataFrame) -> Typology:
    return latent_classes(small, seed=7, **QUICK)


def test_the_same_data_and_seed_give_the_same_bytes(small, of_small):
    assert_same(latent_classes(small, seed=7, **QUICK), of_small)


def test_the_order_of_persons_and_domains_changes_nothing(small, of_small):
    mixed = small.sample(frac=1, random_state=1)[["d3", "d0", "d5", "d1", "d4", "d2"]]
    found = latent_classes(mixed, seed=7, **QUICK)
    back = found.members.loc[small.index]
    assert_frame_equal(back, of_small.members)
    assert_frame_equal(type_measures(found), type_measures(of_small), check_exact=True)
    assert_frame_equal(type_fit(found), type_fit(of_small), check_exact=True)


def test_another_seed_gives_the_same_types_and_other_resamples(small, of_small):
    found = latent_classes(small, seed=8, **QUICK)
    assert found.profiles["estimate"].to_numpy() == pytest.approx(
        of_small.profiles["estimate"].to_numpy(), abs=2e-3
    )
    assert not found.profiles["std_error"].equals(of_small.profiles["std_error"])


# Products of few rows are never split over threads; those of 12 000 are.
@pytest.mark.parametrize(
    ("rows", "domains"),
    [pytest.param(*size, marks=pytest.mark.long) for size in ((3000, 14), (12000, 20))],
)
def test_the_number_of_threads_and_the_hash_seed_change_nothing(rows, domains):
    program = (
        "import numpy as np, pandas as pd; from nmc_utils.measures.typology import latent_classes;"
        "from nmc_utils.measures.type_tables import type_measures;"
        "rng = np.random.default_rng(0);"
        f"z = rng.random(({rows}, 1)) < .5;"
        f"values = (rng.random(({rows}, {domains})) < np.where(z, .55, .3)).astype(int);"
        "found = latent_classes(pd.DataFrame(values), most=2, starts=1, boot=20);"
        "print(type_measures(found).to_json(double_precision=15))"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={
                **os.environ,
                "OMP_NUM_THREADS": n,
                "OPENBLAS_NUM_THREADS": n,
                "PYTHONHASHSEED": n,
            },
            capture_output=True,
            check=True,
            timeout=300,
        ).stdout
        for n in ("1", "2")
    ]
    assert said[0] == said[1]


def test_types_are_named_by_their_expected_deficits(two, steps):
    for found in (two, steps):
        assert list(found.classes.index) == list(range(1, found.n_types + 1))
        assert found.classes["deficits"].is_monotonic_increasing
        sums = found.profiles.groupby("type")["estimate"].sum()
        assert found.classes["deficits"].to_numpy() == pytest.approx(sums.to_numpy())
        assert found.classes["share"].sum() == pytest.approx(1)
        assert found.fit["chosen_share"].sum() == pytest.approx(1)


def test_members_are_described_and_told_that_they_are_not_assigned(two, crossing):
    assert two.caveat == DESCRIBES == "Тип описывает, не распределяет."
    assert list(two.members.index) == list(crossing.index)
    assert two.members["probability"].between(0.5, 1).all()
    tables = (type_measures(two), type_fit(two))
    assert not any(set(crossing.index) & set(table.astype("str").stack()) for table in tables)


# --- what cannot be told apart ------------------------------------------------------------------


def test_nobody_and_nothing_are_an_answer():
    for given in (
        pd.DataFrame(),
        pd.DataFrame(columns=["d0", "d1"]),
        frame(np.full((3, 2), np.nan)),
    ):
        found = latent_classes(given)
        assert (found.n_types, found.n) == (0, 0)
        assert found.notes == ("Людей с результатами по компетенциям нет: типы не оценивались.",)
        for table in (type_measures(found), type_fit(found)):
            check_measures(table)
            assert table["status"].eq("no_data").all()
            assert table["note"].eq("людей с результатами по компетенциям нет").all()


def test_one_domain_has_one_type():
    found = latent_classes(frame(np.array([[0], [1], [1], [0], [1]])), **QUICK)
    assert found.n_types == 1 and found.profiles["estimate"].tolist() == pytest.approx([0.6])
    assert found.notes == (
        "Компетенций с разными результатами — 1: больше типов, чем 1, по ним не различить.",
    )


def test_all_alike_are_one_type_without_a_false_certainty():
    found = latent_classes(frame(np.tile([0, 1], (12, 1))), **QUICK)
    assert found.n_types == 1
    assert found.profiles["estimate"].tolist() == [0, 1]
    assert found.profiles["ci_high"].iloc[0] > 0.2  # nobody of twelve: Wilson, up to 24 %
    assert found.classes["deficits_ci_low"].isna().all()
    assert found.notes[0] == "Компетенций, где результат у всех один: 2; типов они не различают."


def test_a_domain_where_all_are_alike_counts_neither_way(small, of_small):
    found = latent_classes(small.assign(same=1), seed=7, **QUICK)
    assert_frame_equal(found.fit, of_small.fit)
    same = found.profiles[found.profiles["domain"] == "same"]
    assert same["estimate"].eq(1).all()
    assert found.classes["deficits"].to_numpy() == pytest.approx(of_small.classes["deficits"] + 1)


def test_few_people_are_not_divided():
    found = latent_classes(simulated(CROSSING, [0.5, 0.5], 64, seed=1), **QUICK)
    assert found.n_types == 1 and list(found.fit.index) == [1]
    assert found.notes[-1] == (
        "Больше типов, чем 1, не рассматривалось: нужны результаты по всем компетенциям у 65 чел., "
        "а они есть у 64."
    )


@pytest.mark.parametrize(("domains", "most"), [(2, 1), (4, 2), (6, 4), (7, 6)])
def test_no_more_types_than_the_domains_identify(domains, most):
    data = simulated(np.full((1, domains), 0.5), [1.0], 400, seed=2)
    found = latent_classes(data, starts=1, boot=20)
    assert len(found.fit) == most


def test_who_has_no_result_is_left_out_and_those_with_some_are_kept():
    data = simulated(CROSSING, [0.6, 0.4], 300, seed=5).astype(float)
    data.iloc[0] = np.nan
    data.iloc[1, :5] = np.nan
    found = latent_classes(data, **QUICK)
    assert found.n == 299 and "p0000" not in found.members.index
    assert "p0001" in found.members.index


@pytest.mark.parametrize(
    ("value", "written"), [(0.4, "0.4"), (2, "2.0"), ("да", "да"), (np.inf, "inf")]
)
def test_what_is_no_deficit_is_refused_by_name(value, written):
    data = frame(np.zeros((3, 2))).astype(object if isinstance(value, str) else float)
    data.loc["p0001", "d1"] = value
    with pytest.raises(ValueError, match=f"у «p0001» в компетенции «d1» стоит «{written}»"):
        latent_classes(data)


def test_a_person_or_a_domain_given_twice_is_refused():
    data = frame(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="Педагог «p0000» встречается дважды"):
        latent_classes(data.iloc[[0, 0]])
    with pytest.raises(ValueError, match="Компетенция «d1» встречается дважды"):
        latent_classes(data[["d1", "d1"]])


@pytest.mark.parametrize(
    ("options", "words"),
    [({"most": 0}, "most and starts"), ({"starts": 0}, "most and starts"), ({"boot": 5}, "boot")],
)
def test_options_out_of_range_are_refused(options, words):
    with pytest.raises(ValueError, match=f"{words} must be at least"):
        latent_classes(frame(np.zeros((2, 2))), **options)


@pytest.mark.parametrize("dtype", [bool, "int8", "float32", "boolean", "Int64", object])
def test_any_kind_of_0_and_1_is_read(small, of_small, dtype):
    found = latent_classes(small.astype(dtype), boot=20, most=1)
    expected = latent_classes(small, boot=20, most=1)
    assert_frame_equal(found.profiles, expected.profiles)


# --- tables -------------------------------------------------------------------------------------


def test_tables_are_measure_tables(two, steps, single):
    for found in (two, steps, single):
        for table in (type_measures(found), type_fit(found)):
            check_measures(table)
            assert all(MEASURES[name].sensitive for name in table["measure"])
        assert not type_measures(found).duplicated(["type", "domain", "measure"]).any()
        assert not type_fit(found).duplicated(["classes", "measure"]).any()


def test_the_table_tells_what_the_typology_found(two):
    table = type_measures(two).set_index(["measure", "type", "domain"])
    whole = table.xs(("total", "total"), level=("type", "domain"))
    assert whole.loc["type_count", "estimate"] == 2 and whole.loc["type_count", "n"] == 1500
    assert whole.loc["type_count_support", "n"] == 20
    assert whole.loc["type_agreement", "estimate"] == pytest.approx(two.agreement.mean())
    assert whole.loc["types_are_ordered", "estimate"] == 0
    assert whole.loc["level_is_enough", "status"] == "not_assessed"
    row = table.loc[("type_deficit_share", "2", "d1")]
    assert row["estimate"] == pytest.approx(0.85, abs=0.07)
    assert row["ci_low"] < 0.85 < row["ci_high"] and row["interval_kind"] == "process"
    assert set(table.loc["type_share"].index) == {("1", "total"), ("2", "total")}


def test_the_only_type_has_no_interval_of_its_share_and_says_what_is_not_told(single):
    table = type_measures(single).set_index("measure")
    assert table.loc["type_share", "estimate"] == 1
    assert pd.isna(table.loc["type_share", "ci_low"])
    for name in ("type_agreement", "types_are_ordered"):
        assert table.loc[name, "status"] == "not_assessed"
        assert table.loc[name, "note"] == "тип один: сравнивать не с чем"


def test_the_range_of_agreement_is_told_as_one_of_resamples_and_is_no_interval(two):
    row = type_measures(two).set_index("measure").loc["type_agreement"]
    assert row["interval_kind"] == "none" and pd.isna(row["ci_low"]) and pd.isna(row["ci_high"])
    low, high = (f"{bound:.2f}".replace(".", ",") for bound in np.quantile(two.agreement, CENTRAL))
    assert row["note"] == f"в 95 % повторных выборок от {low} до {high}"
    below_chance = replace(two, agreement=np.array([-0.21, -0.21]))
    row = type_measures(below_chance).set_index("measure").loc["type_agreement"]
    assert row["note"] == "в 95 % повторных выборок от −0,21 до −0,21"


def test_how_often_there_is_one_type_is_not_told_where_no_more_was_tried(single):
    alone = latent_classes(frame(np.tile([0, 1], (40, 1))), **QUICK)
    for table, measure in (
        (type_measures(alone), "type_count_support"),
        (type_fit(alone), "type_support"),
    ):
        row = table.set_index("measure").loc[measure]
        assert row["status"] == "not_assessed" and row["n"] == 20
        assert row["note"] == "рассматривался только один тип: сравнивать не с чем"
    tried = type_measures(single).set_index("measure").loc["type_count_support"]
    assert len(single.fit) > 1 and tried["status"] == "ok" and tried["estimate"] > 0.8


def test_numbers_of_types_are_compared_with_a_level_without_types(steps):
    table = type_fit(steps).set_index(["classes", "measure"])["estimate"]
    assert table[(LEVEL, "type_bic")] == pytest.approx(steps.level_bic)
    assert table[("3", "type_bic")] == steps.fit["bic"].min()
    assert table[("3", "type_entropy")] > 0.7
    support = table.xs("type_support", level="measure")
    assert support.sum() == pytest.approx(1) and support.idxmax() == "3"


def test_what_limited_the_number_is_noted_only_where_it_did():
    limited = latent_classes(simulated(CROSSING[:, 1:5], [0.5, 0.5], 400, seed=6), **QUICK)
    count = type_measures(limited).set_index("measure").loc["type_count"]
    assert count["estimate"] == 2 and count["note"].startswith("Компетенций с разными результатами")
    free = latent_classes(simulated(CROSSING[:, 1:], [0.5, 0.5], 400, seed=6), **QUICK)
    count = type_measures(free).set_index("measure").loc["type_count"]
    assert count["estimate"] == 2 < len(free.fit) and count["note"] is None
