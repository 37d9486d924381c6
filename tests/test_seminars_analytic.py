"""Seminar groups by P(deficit), many domains, what-ifs: bounds that hold, plans that are found."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import LinearConstraint, milp
from seminar_people import leaders_of, people

from nmc_utils.measures import seminar_relaxation as relaxation
from nmc_utils.measures.plan_check import check_plan
from nmc_utils.measures.seminar_model import Prices, seats_of
from nmc_utils.measures.seminar_prices import mended, priced
from nmc_utils.measures.seminar_programme import GAP
from nmc_utils.measures.seminar_request import Request, families_of
from nmc_utils.measures.seminars import seminar_groups


def chances(n: int, n_domains: int, seed: int) -> pd.DataFrame:
    """Probabilities of a deficit, correlated within a person."""
    rng = np.random.default_rng(seed)
    level = rng.standard_normal((n, 1)) + rng.standard_normal((n, n_domains))
    persons = pd.Index([f"p{i:04d}" for i in rng.permutation(n)], name="person_id")
    return pd.DataFrame(1 / (1 + np.exp(2 * level + 1)), persons).rename(columns="d{:02d}".format)


def family_of(deficits: pd.DataFrame, leaders: pd.DataFrame | None = None, **more):
    request = Request(deficits, None, None, (12, 25), 3, leaders, 0.5, None, None, None, None)
    (family,) = families_of(replace(request, **more))
    return family


def best_person_by_person(p: np.ndarray, size: tuple[int, int], topics: int, cost: float) -> float:
    """Greatest utility by scipy's solver: every person × topic set a column, nothing tightened."""
    n, d = p.shape
    sets = [c for k in range(1, topics + 1) for c in combinations(range(d), k)]
    value = np.array(
        [[(1 + cost) * p[i, list(c)].sum() - cost * len(c) for c in sets] for i in range(n)]
    )
    t = len(sets)
    once, least, most = (np.zeros((rows, n * t + t)) for rows in (n, t, t))
    for i in range(n):
        once[i, i * t : (i + 1) * t] = 1
    for k in range(t):
        least[k, k : n * t : t] = most[k, k : n * t : t] = 1
        least[k, n * t + k], most[k, n * t + k] = -size[0], -size[1]
    answer = milp(
        np.r_[-value.ravel(), np.zeros(t)],
        integrality=np.ones(n * t + t),
        constraints=[
            LinearConstraint(once, -np.inf, 1),
            LinearConstraint(least, 0, np.inf),
            LinearConstraint(most, -np.inf, 0),
        ],
        bounds=(0, np.r_[np.ones(n * t), np.full(t, n)]),
        options={"mip_rel_gap": 0.0},
    )
    assert answer.success
    return -answer.fun


@pytest.mark.parametrize("seed", range(8))
def test_the_plain_model_person_by_person_finds_nothing_better(seed):
    deficits, size = chances(14, 3, seed), (3, 5)
    plan = seminar_groups(deficits, size=size, topics=2)
    assert check_plan(plan, deficits, size=size, topics=2) == []
    best = best_person_by_person(deficits.to_numpy(), size, 2, 0.5)
    assert plan.utility == pytest.approx(best, abs=1e-5)
    assert best <= plan.bound <= best + 1e-4


def test_probabilities_0_and_1_are_deficits_by_the_document():
    deficits = people("ab", "c", "ab", "c", "ab", "c")
    by_document = seminar_groups(deficits, size=(2, 3), topics=2)
    nearly = deficits.astype(float).replace({1.0: 1.0 - 1e-9})
    plan = seminar_groups(nearly, size=(2, 3), topics=2)
    assert isinstance(by_document.covered, int) and by_document.covered == 9
    assert plan.covered == pytest.approx(9) and plan.covered < 9
    pd.testing.assert_frame_equal(plan.groups, by_document.groups)


@pytest.mark.parametrize("seed", range(5))
def test_any_prices_prove_a_bound_and_a_loss(seed):
    rng = np.random.default_rng(seed)
    deficits = chances(60, 4, seed)
    leaders = leaders_of(("l1", "all", 2, ("d00",)), ("l2", "all", 1, ())).drop(columns="family")
    family = family_of(deficits, leaders)
    plan = seminar_groups(deficits, leaders=leaders)
    seats = np.zeros(family.allowed.shape, bool)
    topics = plan.groups.set_index("group_id")["topics"]
    for row in plan.members.dropna(subset="group_id").itertuples():
        chosen = [d in topics[row.group_id] for d in deficits.columns]
        kind = np.flatnonzero((family.kinds.topics == chosen).all(axis=1))
        person = np.flatnonzero(family.person_ids == row.person_id)
        seats[family.profile_of[person], kind] = True
    for scale in (0.0, 0.3, 1.0):
        person = scale * rng.random(len(family.counts))
        prices = Prices(person, float(rng.random()), rng.random(2), np.zeros(0))
        for given in (prices, mended(family, family.values, prices)):
            proven = priced(family, family.values, given)
            assert proven.bound >= plan.utility
            assert proven.bound - proven.loss[seats].max(initial=0) >= plan.utility - 1e-9
        assert priced(family, family.values, given).excess.max() <= 1e-6


def test_a_growing_part_of_the_seats_proves_the_bound_of_all_seats(monkeypatch):
    family = family_of(chances(150, 6, seed=3))
    whole = relaxation.relaxed(family, family.values)
    assert seats_of(family).sum() <= relaxation.COMPACT
    monkeypatch.setattr(relaxation, "COMPACT", 0)
    part = relaxation.relaxed(family, family.values)
    assert part.fractions.utility <= whole.fractions.utility + 1e-6
    assert whole.priced.bound == pytest.approx(whole.fractions.utility, rel=1e-6)
    slack = relaxation.CLOSE * whole.priced.bound
    assert whole.priced.bound - 1e-6 <= part.priced.bound <= whole.priced.bound + slack


@pytest.mark.parametrize("lead", [False, True])
def test_the_descent_comes_close_to_the_simplex_method(monkeypatch, lead):
    leaders = leaders_of(("l1", "all", 3, ("d00",)), ("l2", "all", 1, ())).drop(columns="family")
    family = family_of(chances(150, 6, seed=4), leaders if lead else None)
    whole = relaxation.relaxed(family, family.values)
    monkeypatch.setattr(relaxation, "FEW_KINDS", 0)
    descent = relaxation.relaxed(family, family.values)
    assert whole.priced.bound - 1e-6 <= descent.priced.bound <= 1.01 * whole.priced.bound


def test_twenty_domains_are_planned_with_an_honest_gap():
    deficits = (chances(60, 20, seed=5) > 0.5).astype(int)
    plan = seminar_groups(deficits)
    assert check_plan(plan, deficits) == []
    assert 0 < plan.utility <= plan.bound and plan.gap < 0.1


def test_a_what_if_has_no_better_bound_and_no_better_plan():
    deficits = (chances(200, 6, seed=6) > 0.5).astype(int)
    full, quick = seminar_groups(deficits), seminar_groups(deficits, quick=True)
    assert check_plan(quick, deficits) == []
    assert quick.bound >= full.bound >= full.utility >= quick.utility
    assert full.gap <= GAP


def test_a_region_of_probabilities_is_planned_within_the_promised_gap():
    deficits = chances(400, 6, seed=7)
    family = pd.Series(np.where(np.arange(400) % 3, "u", "v"), deficits.index)
    plan = seminar_groups(deficits, family)
    assert check_plan(plan, deficits, family) == []
    assert plan.gap <= 3e-3


def test_the_order_of_rows_changes_nothing():
    deficits = chances(80, 4, seed=8)
    rng = np.random.default_rng(8)
    family = pd.Series(rng.choice(["u", "v"], 80), deficits.index)
    plan = seminar_groups(deficits, family)
    other = seminar_groups(deficits.sample(frac=1, random_state=1), family.iloc[::-1])
    pd.testing.assert_frame_equal(plan.members, other.members)
    assert (plan.utility, plan.bound) == (other.utility, other.bound)


# --- what binds ---------------------------------------------------------------------------------


def test_says_what_binds():
    deficits = people(*["a"] * 3, *["b"] * 10, *["c"] * 6, "a")
    family = pd.Series(["few"] * 3 + ["led"] * 10 + ["none"] * 6 + ["few"], deficits.index)
    leaders = leaders_of(("l1", "led", 1, ()), ("l2", "none", 2, ("c",)))
    plan = seminar_groups(deficits, family, size=(5, 5), leaders=leaders)
    few, led, none = plan.notes
    assert few.startswith(
        "Предметная группа «few»: людей меньше наименьшего размера группы (4 из 5)"
    )
    assert led == (
        "Предметная группа «led»: нагрузка ведущих исчерпана (групп 1); без группы из-за этого "
        "остаются: 5."
    )
    assert none == (
        "Предметная группа «none»: у ведущих со свободной нагрузкой те же дефициты, что и у людей "
        "без группы (6); нужен другой ведущий."
    )


def test_says_that_there_is_no_leader_and_nothing_when_nothing_binds():
    deficits = people("a", "a")
    plan = seminar_groups(deficits, size=(2, 3), leaders=leaders_of().drop(columns="family"))
    assert plan.notes == ("Нет ни одного ведущего с нагрузкой; назначьте ведущего.",)
    assert seminar_groups(deficits, size=(2, 3)).notes == ()


def test_says_that_every_topic_is_barred():
    plan = seminar_groups(people("a", "a", domains="a"), size=(2, 3), barred={"all": ["a"]})
    assert plan.groups.empty and plan.members["reason"].eq("no_gain").all()
    assert plan.notes == ("Все компетенции исключены из тем, группы не из чего составить.",)
