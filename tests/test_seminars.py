"""Seminar groups: known answers, an independent checker, exhaustive search, refusals."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.optimize import LinearConstraint, milp
from seminar_people import leaders_of, people

from nmc_utils.measures.seminar_programme import GAP
from nmc_utils.measures.seminar_reasons import REASONS
from nmc_utils.measures.seminars import seminar_groups

SMALL = {"size": (2, 3), "topics": 2}


def cohort(n: int, n_domains: int, n_families: int, seed: int) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(seed)
    level = rng.standard_normal((n, 1)) + rng.standard_normal((n, n_domains))
    persons = pd.Index([f"p{i:05d}" for i in rng.permutation(n)], name="person_id")
    deficits = pd.DataFrame((level < -0.4).astype(int), persons, list("abcdefgh")[:n_domains])
    families = [f"f{number:02d}" for number in range(n_families)]
    return deficits, pd.Series(rng.choice(families, n), persons)


def check(plan, deficits, family=None, size=(12, 25), topics=3, leaders=None, unneeded_cost=0.5):
    """Every constraint and every number of the plan, from its two tables alone."""
    family = pd.Series("all", deficits.index) if family is None else family
    members, groups = plan.members, plan.groups
    assert sorted(members["person_id"]) == sorted(deficits.index)
    assert groups["group_id"].is_unique
    assert (members["group_id"].isna() == members["reason"].notna()).all()
    assert set(members["reason"].dropna()) <= set(REASONS)
    seated = members.dropna(subset="group_id").merge(groups, on="group_id", validate="m:1")
    assert len(seated) == members["group_id"].notna().sum()
    assert (seated["family"] == family.loc[seated["person_id"]].to_numpy()).all()
    sizes = seated["group_id"].value_counts()
    assert dict(sizes) == dict(zip(groups["group_id"], groups["size"], strict=True))
    assert groups["size"].between(*size).all()
    assert groups["topics"].map(lambda t: 1 <= len(set(t)) == len(t) <= topics).all()
    if leaders is None:
        assert groups["leader_id"].isna().all()
    else:
        led = groups.merge(leaders, on="leader_id", suffixes=("", "_of_leader"), validate="m:1")
        assert len(led) == len(groups)
        if "family" in leaders:
            assert (led["family"] == led["family_of_leader"]).all()
        assert not any(set(t) & set(d) for t, d in zip(led["topics"], led["deficits"], strict=True))
        load = led["leader_id"].value_counts()
        assert (load <= leaders.set_index("leader_id")["max_groups"].loc[load.index]).all()
    hits = [deficits.at[p, t] for p, ts in zip(seated["person_id"], seated["topics"], strict=True)
            for t in ts]  # fmt: skip
    assert plan.covered == sum(hits)
    assert plan.utility == pytest.approx(sum(1 if hit else -unneeded_cost for hit in hits))
    assert plan.coverage == (
        sum(hits) / deficits.to_numpy().sum() if deficits.any(axis=None) else 1
    )
    assert plan.precision == (sum(hits) / len(hits) if hits else 1)
    assert plan.bound >= plan.utility >= 0
    expected_gap = (plan.bound - plan.utility) / plan.bound if plan.bound else 0
    assert plan.gap == pytest.approx(expected_gap)
    assert not left_beside_a_free_seat(members, groups, deficits, family, size, unneeded_cost)
    no_deficit = members.set_index("person_id")["reason"] == "no_deficit"
    assert not deficits.loc[no_deficit[no_deficit].index].any(axis=None)


def left_beside_a_free_seat(members, groups, deficits, family, size, cost) -> list:
    """Persons without a group whom an open group with a free seat would gain from, or cover."""
    free = groups[groups["size"] < size[1]]
    found = []
    for person in members.loc[members["group_id"].isna(), "person_id"]:
        for topics in free.loc[free["family"] == family[person], "topics"]:
            hits = deficits.loc[person, list(topics)].sum()
            worth = hits - cost * (len(topics) - hits)
            if worth > 1e-9 or (worth == 0 and hits):
                found.append((person, topics))
    return found


def best_by_search(deficits, size, topics, cost, leaders=None) -> float:
    """Greatest utility over every partition of the people into groups and the rest.

    Leaders are tried one group at a time. Independent of profiles and of linear programmes.
    """
    rows = [frozenset(deficits.columns[row == 1]) for row in deficits.to_numpy()]
    choices = [set(c) for k in range(1, topics + 1) for c in combinations(deficits.columns, k)]
    lead = [] if leaders is None else [set(d) for d in leaders["deficits"]]

    def worth(group, barred):
        values = [
            sum(1 if t in rows[p] else -cost for p in group for t in chosen)
            for chosen in choices
            if not chosen & barred
        ]
        return max(values, default=-np.inf)

    @cache
    def best(left: frozenset, loads: tuple | None) -> float:
        if not left:
            return 0.0
        first, rest = min(left), left - {min(left)}
        result = best(rest, loads)
        for n in range(size[0], size[1] + 1):
            for others in combinations(sorted(rest), n - 1):
                group, remaining = (first, *others), rest - set(others)
                if loads is None:
                    result = max(result, worth(group, set()) + best(remaining, None))
                for i, load in enumerate(loads or ()):
                    if load:
                        after = (*loads[:i], load - 1, *loads[i + 1 :])
                        result = max(result, worth(group, lead[i]) + best(remaining, after))
        return result

    loads = None if leaders is None else tuple(leaders["max_groups"])
    return best(frozenset(range(len(rows))), loads)


# --- known answers ------------------------------------------------------------------------------


def test_two_kinds_of_people_make_two_groups():
    deficits = people("ab", "c", "ab", "c", "ab", "c")
    plan = seminar_groups(deficits, **SMALL)
    check(plan, deficits, **SMALL)
    assert (plan.utility, plan.bound, plan.gap) == (9.0, 9.0, 0.0)
    assert (plan.covered, plan.coverage, plan.precision) == (9, 1.0, 1.0)
    assert plan.groups[["group_id", "topics", "size"]].to_numpy().tolist() == [
        ["all-01", ("c",), 3],
        ["all-02", ("a", "b"), 3],
    ]
    assert plan.members["group_id"].tolist() == ["all-02", "all-01"] * 3
    assert plan.members["reason"].isna().all()


def test_a_person_without_deficits_completes_a_group_only_where_it_pays():
    # Two people with deficits in a and b bring 4, a third who needs neither costs 2 · 0.5.
    deficits = people("ab", "ab", "")
    plan = seminar_groups(deficits, size=(3, 3), topics=2)
    check(plan, deficits, size=(3, 3), topics=2)
    assert plan.utility == 3.0 and plan.members["reason"].isna().all()
    dear = seminar_groups(deficits, size=(3, 3), topics=2, unneeded_cost=2.0)
    assert dear.groups.empty and dear.utility == dear.bound == dear.gap == 0.0
    assert dear.members["reason"].tolist() == ["no_gain", "no_gain", "no_deficit"]


def test_equal_utility_goes_to_the_plan_that_covers_more():
    # Those who need one of the two topics of the group cost as much as they bring.
    deficits = people("ab", "ab", "ab", "ab", "a", "b", "ac", domains="abc")
    options = {"size": (4, 7), "topics": 2, "unneeded_cost": 1.0}
    plan = seminar_groups(deficits, **options)
    check(plan, deficits, **options)
    assert (plan.utility, plan.covered) == (8.0, 11)
    assert plan.members["reason"].isna().all()


def test_people_of_equal_topics_are_spread_evenly_over_their_groups():
    deficits = people(*["a"] * 31, domains="a")
    plan = seminar_groups(deficits)
    check(plan, deficits)
    assert plan.groups["group_id"].tolist() == ["all-01", "all-02"]
    assert sorted(plan.groups["size"]) == [15, 16]


def test_families_do_not_mix_and_do_not_influence_each_other():
    deficits, family = cohort(300, 5, 3, seed=5)
    plan = seminar_groups(deficits, family=family)
    check(plan, deficits, family)
    for name, own in family.groupby(family):
        alone = seminar_groups(deficits.loc[own.index], family=family)
        both = plan.members[plan.members["person_id"].isin(own.index)].reset_index(drop=True)
        pd.testing.assert_frame_equal(both, alone.members)
        groups = plan.groups[plan.groups["family"] == name].reset_index(drop=True)
        pd.testing.assert_frame_equal(groups, alone.groups)


@pytest.mark.parametrize(
    ("rows", "size", "leader", "reason"),
    [
        (["a", "a", "a", ""], (2, 3), None, "no_deficit"),
        (["a"], (2, 3), None, "family_too_small"),
        (["a", "a", "a", "b"], (2, 3), None, "no_gain"),
        (["a", "a", "a", "a"], (3, 3), None, "groups_full"),
        (["a", "a", "a", "b", "b"], (2, 3), ("l1", 1, ()), "no_leader"),
        (["a", "a", "a", "b", "b"], (2, 3), ("l1", 5, ("b",)), "no_leader"),
        (["a", "a", "a", "b"], (2, 3), ("l1", 5, ()), "no_gain"),
    ],
)
def test_the_last_person_is_without_a_group_for_the_right_reason(rows, size, leader, reason):
    leaders = leader and pd.DataFrame([leader], columns=["leader_id", "max_groups", "deficits"])
    plan = seminar_groups(people(*rows), size=size, topics=1, leaders=leaders)
    assert plan.members["reason"].iloc[-1] == reason


def test_the_leaders_load_and_own_deficits_decide_the_topics():
    # Six people need a, six need b; the only leader of b leads one group, a has no leader at all.
    deficits = people(*["a"] * 6, *["b"] * 6)
    leaders = leaders_of(("l1", "all", 1, ("a",)), ("l2", "all", 3, ("a", "b", "c")))
    leaders = leaders.drop(columns="family")
    plan = seminar_groups(deficits, leaders=leaders, **SMALL)
    check(plan, deficits, leaders=leaders, **SMALL)
    assert plan.groups[["topics", "size", "leader_id"]].to_numpy().tolist() == [[("b",), 3, "l1"]]
    assert plan.utility == plan.bound == 3.0


def test_leaders_with_equal_deficits_share_the_load():
    deficits = people(*["a"] * 12, domains="a")
    leaders = leaders_of(("l2", "all", 4, ()), ("l1", "all", 2, ())).drop(columns="family")
    plan = seminar_groups(deficits, leaders=leaders, size=(3, 3))
    check(plan, deficits, leaders=leaders, size=(3, 3))
    assert Counter(plan.groups["leader_id"]) == {"l1": 2, "l2": 2}


@pytest.mark.parametrize("leaders", [leaders_of(), leaders_of(("l1", "other", 9, ()))])
def test_without_a_leader_of_the_family_there_is_no_group(leaders):
    deficits = people("ab", "ab", "ab")
    family = pd.Series("own", deficits.index)
    plan = seminar_groups(deficits, family=family, leaders=leaders, **SMALL)
    check(plan, deficits, family, leaders=leaders, **SMALL)
    assert plan.groups.empty and plan.members["reason"].eq("no_leader").all()
    assert (plan.coverage, plan.precision, plan.bound, plan.gap) == (0.0, 1.0, 0.0, 0.0)


def test_nobody_has_a_deficit():
    plan = seminar_groups(people("", "", ""), **SMALL)
    assert (plan.coverage, plan.precision, plan.gap) == (1.0, 1.0, 0.0)
    assert plan.members["reason"].eq("no_deficit").all()


# --- oracle, invariants, size -------------------------------------------------------------------


@pytest.mark.parametrize(
    "seed", [pytest.param(s, marks=pytest.mark.long if s >= 50 else ()) for s in range(500)]
)
def test_exhaustive_search_finds_nothing_better(seed):
    rng = np.random.default_rng(seed)
    rows = ["".join(d for d in "abc" if rng.random() < 0.5) for _ in range(rng.integers(3, 9))]
    deficits = people(*rows)
    options = SMALL | {"unneeded_cost": float(rng.choice([0.0, 0.3, 0.5, 1.0, 2.0, np.sqrt(0.2)]))}
    if seed % 2:
        leaders = [
            (f"l{i}", int(rng.integers(0, 3)), tuple(d for d in "abc" if rng.random() < 0.3))
            for i in range(rng.integers(1, 4))
        ]
        leaders = pd.DataFrame(leaders, columns=["leader_id", "max_groups", "deficits"])
        options["leaders"] = leaders
    plan = seminar_groups(deficits, **options)
    check(plan, deficits, **options)
    best = best_by_search(deficits, (2, 3), 2, options["unneeded_cost"], options.get("leaders"))
    assert plan.utility == pytest.approx(best, abs=GAP * best + 1e-5)
    assert plan.bound >= best - 1e-9
    if options["unneeded_cost"] in (0.0, 0.3, 0.5, 1.0, 2.0):
        assert plan.gap == pytest.approx(0, abs=1e-12)


def best_by_plain_model(deficits, size, topics, cost) -> float:
    """Greatest utility by scipy's solver, with all columns, whole numbers and no tightening."""
    profiles = deficits.value_counts()
    x = np.array(profiles.index.tolist())
    sets = np.array([[i in c for i in range(x.shape[1])] for k in range(1, topics + 1)
                     for c in combinations(range(x.shape[1]), k)], int)  # fmt: skip
    value = x @ sets.T * (1 + cost) - cost * sets.sum(1)
    p, t = value.shape
    once = sparse.hstack([sparse.kron(sparse.eye_array(p), np.ones((1, t))), np.zeros((p, t))])
    of_set, one = sparse.kron(np.ones((1, p)), sparse.eye_array(t)), sparse.eye_array(t)
    answer = milp(
        np.r_[-value.ravel(), np.zeros(t)],
        integrality=np.ones(p * t + t),
        constraints=[
            LinearConstraint(sparse.csc_array(once), -np.inf, profiles),
            LinearConstraint(sparse.csc_array(sparse.hstack([of_set, -size[0] * one])), 0, np.inf),
            LinearConstraint(sparse.csc_array(sparse.hstack([of_set, -size[1] * one])), -np.inf, 0),
        ],
        options={"mip_rel_gap": 0.0},
    )
    assert answer.success
    return -answer.fun


#: Cases that the quick search leaves open.
HARD = [(60, 5, (8, 12), s) for s in (1, 11, 27, 31, 36)] + [
    (50, 6, (6, 9), s) for s in (2, 8, 31, 35, 39)
]


@pytest.mark.parametrize(("n", "n_domains", "size", "seed"), HARD)
def test_the_plain_model_finds_nothing_better(n, n_domains, size, seed):
    deficits, _ = cohort(n, n_domains, 1, seed)
    plan = seminar_groups(deficits, size=size)
    check(plan, deficits, size=size)
    assert plan.gap == 0
    assert plan.utility == pytest.approx(best_by_plain_model(deficits, size, 3, 0.5), abs=1e-6)


def test_the_order_of_rows_changes_nothing():
    deficits, family = cohort(200, 4, 2, seed=8)
    leaders = leaders_of(
        ("l1", "u", 3, ("a",)), ("l2", "u", 2, ()), ("l3", "v", 2, ()), ("l4", "v", 4, ("b", "c"))
    )
    plan = seminar_groups(deficits, family=family, leaders=leaders)
    check(plan, deficits, family, leaders=leaders)
    shuffled = seminar_groups(
        deficits.sample(frac=1, random_state=1),
        family=family.sample(frac=1, random_state=2),
        leaders=leaders.iloc[::-1],
    )
    pd.testing.assert_frame_equal(plan.members, shuffled.members)
    pd.testing.assert_frame_equal(plan.groups, shuffled.groups)
    assert (plan.utility, plan.bound) == (shuffled.utility, shuffled.bound)


def test_leaders_only_ever_take_away():
    deficits, family = cohort(200, 4, 2, seed=9)
    free = seminar_groups(deficits, family=family)
    leaders = leaders_of(("l1", "u", 3, ("a",)), ("l2", "v", 2, ()))
    led = seminar_groups(deficits, family=family, leaders=leaders)
    check(led, deficits, family, leaders=leaders)
    assert led.utility <= free.bound
    assert len(led.groups) <= 5


@pytest.mark.parametrize(
    ("n", "n_domains", "n_families"),
    [
        (1_200, 5, 6),
        pytest.param(1_200, 8, 14, marks=pytest.mark.long),
        pytest.param(12_000, 8, 14, marks=pytest.mark.long),
    ],
)
def test_a_region_is_planned_within_the_promised_gap(n, n_domains, n_families):
    deficits, family = cohort(n, n_domains, n_families, seed=1)
    plan = seminar_groups(deficits, family=family)
    check(plan, deficits, family)
    assert plan.gap <= GAP


def test_accepts_deficits_written_as_booleans_and_floats():
    deficits = people("ab", "ab", "c")
    plan = seminar_groups(deficits, **SMALL)
    for kind in (bool, float, "Int64"):
        other = seminar_groups(deficits.astype(kind), **SMALL)
        pd.testing.assert_frame_equal(other.members, plan.members)


def test_nobody_to_plan_for_is_an_empty_plan():
    plan = seminar_groups(pd.DataFrame({"a": []}))
    assert plan.members.empty and plan.groups.empty
    assert plan.utility == plan.bound == plan.gap == 0
