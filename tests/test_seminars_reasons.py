"""Why people are without a group and what binds: by hand, and by consequence in another plan."""

from __future__ import annotations

import pandas as pd
import pytest
from drawn_seminars import tiny
from seminar_people import leaders_of, people

import nmc_utils as nmc
from nmc_utils.measures import plan_check
from nmc_utils.measures.seminar_reasons import REASONS

ALIKE = people(*["a"] * 14, domains="a")


def leaders(*rows: tuple) -> pd.DataFrame:
    """Leaders of the one family: id, load, own deficits."""
    return leaders_of(*[(name, "all", *rest) for name, *rest in rows]).drop(columns="family")


def pairs(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["person_id", "group_id", "pinned"])


def alone(plan) -> dict:
    """Reason → number of persons."""
    return plan.members["reason"].value_counts().to_dict()


# --- known answers ------------------------------------------------------------------------------


def test_the_checker_knows_the_same_reasons_in_the_same_order():
    assert list(REASONS) == list(plan_check.REASONS)


@pytest.mark.parametrize("load", [1, 2])
def test_a_leader_is_not_lacking_where_another_group_could_not_exist(load):
    plan = nmc.seminar_groups(ALIKE, size=(12, 12), leaders=leaders(("l1", load, ())))
    assert alone(plan) == {"groups_full": 2}
    assert plan.notes == (
        "Размер группы 12–12: без места остаётся 2; увеличьте наибольший размер.",
    )


def test_the_note_counts_those_whom_more_leaders_would_seat():
    # One leader leads 5 of 12; of the other 7 one more group would take 5.
    plan = nmc.seminar_groups(
        people(*["a"] * 12, domains="a"), size=(5, 5), leaders=leaders(("l1", 1, ()))
    )
    assert alone(plan) == {"no_leader": 7}
    assert plan.notes == (
        "Нагрузка ведущих исчерпана (групп 1); без группы из-за этого остаются: 5.",
    )


def test_who_needs_what_no_group_would_teach_is_not_waiting_for_a_leader():
    # The second group would be of b; the one person of c gains in no group, however many there are.
    deficits = people(*["a"] * 4, *["b"] * 3, "c")
    plan = nmc.seminar_groups(deficits, size=(3, 4), leaders=leaders(("l1", 1, ())))
    assert plan.members["reason"].tolist()[4:] == ["no_leader"] * 3 + ["no_gain"]


def test_says_that_the_size_leaves_somebody_out():
    plan = nmc.seminar_groups(ALIKE, size=(13, 13))
    assert alone(plan) == {"groups_full": 1}
    assert plan.notes == (
        "Размер группы 13–13: без места остаётся 1; увеличьте наибольший размер.",
    )


@pytest.mark.parametrize("load", [None, 0, 1])
def test_says_that_no_group_pays(load):
    # On any topic one of three brings 1 and two cost 0.5 each: nothing to gain.
    led = None if load is None else leaders(("l1", load, ()))
    plan = nmc.seminar_groups(people("a", "b", "c"), size=(3, 3), leaders=led)
    assert alone(plan) == {"no_gain": 3}
    assert plan.notes == (
        "Ни одна группа не окупает ненужных тем при цене 0,5; уменьшите наименьший размер группы "
        "или цену.",
    )


@pytest.mark.parametrize("led", [None, leaders(("l1", 1, ()))])
def test_a_ban_is_the_reason_whoever_leads(led):
    last = nmc.seminar_groups(ALIKE)
    fixed = pairs(("p3", "all-01", False))
    request = {"previous": last, "fixed": fixed, "leaders": led}
    plan = nmc.seminar_groups(ALIKE, **request)
    assert plan_check.check_plan(plan, ALIKE, **request) == []
    assert plan.members.set_index("person_id")["reason"].dropna().to_dict() == {"p3": "forbidden"}
    assert plan.notes == (
        "Ручные запреты: без группы остаётся 1.",
        "Ручные закрепления и запреты снижают критерий не меньше чем на 1.",
    )


def test_pins_that_cost_nothing_are_not_told_and_others_are():
    deficits = people("a", "a", "a", "b", "b", "b", domains="ab")
    last = nmc.seminar_groups(deficits, size=(3, 4))
    a, b = (last.groups["group_id"][last.groups["topics"] == (t,)].item() for t in "ab")
    held = {"size": (3, 4), "previous": last}
    assert nmc.seminar_groups(deficits, **held, fixed=pairs(("p0", a, True))).notes == ()
    # Two are left of a, so p3 and its 0.5 less complete the group, and p0 costs 1.5 in that of b.
    plan = nmc.seminar_groups(deficits, **held, fixed=pairs(("p0", b, True)))
    loss = last.utility - plan.utility
    said = f"{loss:g}".replace(".", ",")
    assert loss > 0
    assert plan.notes == (
        f"Ручные закрепления и запреты снижают критерий не меньше чем на {said}.",
    )


def test_another_named_group_of_the_same_topics_may_open():
    # all-01 and all-02 are both on a; who is banned from the one may sit in the other.
    deficits = people(*["a"] * 6, domains="a")
    last = nmc.seminar_groups(deficits, size=(3, 3))
    seat = last.members.set_index("person_id")["group_id"]
    rows = [(p, "all-01", False) for p in seat.index] + [("p0", "all-02", True)]
    request = {"size": (3, 3), "previous": last, "fixed": pairs(*rows)}
    plan = nmc.seminar_groups(deficits, **request)
    assert plan.groups["group_id"].tolist() == ["all-02"]
    assert plan_check.check_plan(plan, deficits, **request) == []


# --- by consequence -----------------------------------------------------------------------------


def planned(seeds: range) -> list[tuple]:
    """Tiny requests whose pins can be held, with their plans."""
    found = []
    for seed in seeds:
        request = tiny(seed)
        try:
            found.append((request, nmc.seminar_groups(**request)))
        except ValueError as error:
            assert "pinned persons" in str(error)
    return found


def fresh(seed: int) -> dict:
    """A tiny request without a last plan, for groups of three."""
    request = tiny(seed) | {"size": (3, 3)}
    return {name: value for name, value in request.items() if name not in ("previous", "fixed")}


def left(plan, reason: str) -> list:
    return plan.members.loc[plan.members["reason"] == reason, "person_id"].tolist()


def test_more_leaders_help_where_one_is_said_to_be_lacking():
    told = [p for p in planned(range(1, 160, 2)) if left(p[1], "no_leader")]
    assert len(told) > 10
    for request, plan in told:
        more = pd.concat([request["leaders"], leaders(("new", 9, ()))])
        assert nmc.seminar_groups(**request | {"leaders": more}).utility > plan.utility + 1e-6


def test_without_load_somebody_waits_for_a_leader_just_where_a_group_would_pay():
    outcomes = set()
    for seed in range(60):
        request = fresh(seed)
        idle = leaders(("l1", 0, ()))
        plan = nmc.seminar_groups(**request | {"leaders": idle})
        would_pay = nmc.seminar_groups(**request | {"leaders": None}).utility > 1e-6
        assert bool(left(plan, "no_leader")) == would_pay
        outcomes.add(would_pay)
    assert outcomes == {True, False}


def test_a_greater_group_helps_where_groups_are_said_to_be_full():
    told = 0
    for request, plan in ((r, nmc.seminar_groups(**r)) for r in map(fresh, range(60))):
        if left(plan, "groups_full"):
            assert any("азмер группы 3–3" in note for note in plan.notes)
            greater = nmc.seminar_groups(**request | {"size": (3, 4)})
            assert greater.utility > plan.utility + 1e-6
            told += 1
    assert told > 5


def test_lifting_the_bans_of_a_person_helps_where_a_group_has_room():
    told = 0
    for request, plan in planned(range(2, 400, 4)):
        room = (plan.groups["size"] < 3).all() and len(plan.groups)
        for person in left(plan, "forbidden") if room else ():
            fixed = request["fixed"]
            rest = fixed[fixed["person_id"] != person]
            # A group that is named in another's ban alone keeps its topics, as it does in the plan.
            lifted = nmc.seminar_groups(**request | {"fixed": rest if len(rest) else None})
            assert lifted.utility > plan.utility + 1e-6
            told += 1
    assert told > 3


def test_a_smaller_group_helps_where_none_is_said_to_pay():
    told = 0
    for request, plan in ((r, nmc.seminar_groups(**r)) for r in map(fresh, range(60))):
        if any("не окупает" in note for note in plan.notes):
            assert plan.groups.empty and plan.bound <= 1e-6
            single = request | {"size": (1, 3), "leaders": None}
            assert nmc.seminar_groups(**single).utility > 1e-6
            told += 1
    assert told > 1
