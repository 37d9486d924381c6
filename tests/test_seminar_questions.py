"""A planner's questions, answered by hand-made cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nmc_utils.measures.dictionary import check_measures
from nmc_utils.measures.seminar_needs import Needs, needs_table
from nmc_utils.measures.seminar_questions import (
    manual_moves,
    one_more_leader,
    seminar_sizes,
    seminar_variants,
    seminar_year,
    year_coverage,
    year_programme,
)
from nmc_utils.measures.seminar_tables import leader_load, meetings, uncovered
from nmc_utils.measures.seminars import seminar_groups
from nmc_utils.seminar_settings import Seminars
from nmc_utils.terms import TOTAL


def needs_of_rows(*rows: str, domains="ab", family=None, leaders=None, **settings) -> Needs:
    """Persons p0, p1, … by their deficits, of one family unless told."""
    persons = [f"p{number}" for number in range(len(rows))]
    deficits = pd.DataFrame(
        [[int(d in row) for d in domains] for row in rows], persons, list(domains)
    )
    if leaders is not None:
        columns = ["leader_id", "family", "zone", "max_groups", "deficits"]
        leaders = pd.DataFrame(leaders, columns=columns)
    return Needs(
        deficits=deficits,
        chances=deficits.iloc[:0].astype(float),
        family=pd.Series(family or ["u"] * len(rows), persons),
        zone=pd.Series(None, persons, dtype="str"),
        leaders=leaders,
        settings=Seminars(**{"size": (2, 4), "topics": 1} | settings),
        joint={},
        barred={},
        distances=None,
    )


def value(table: pd.DataFrame, measure: str, **keys) -> float:
    rows = table[table["measure"] == measure]
    for key, wanted in keys.items():
        rows = rows[rows[key] == wanted]
    return rows["estimate"].item()


def test_each_round_takes_what_the_earlier_ones_left():
    needs = needs_of_rows("ab", "ab", "ab", "a")
    rounds = seminar_year(needs)
    assert [round_.plan.groups["topics"].tolist() for round_ in rounds] == [[("a",)], [("b",)]]
    table = check_measures(year_coverage(rounds))
    assert value(table, "round_covered", round=1, family=TOTAL) == 4
    assert value(table, "round_persons", round=2, family="u") == 3
    assert value(table, "year_coverage", round=1, family="u") == pytest.approx(4 / 7)
    assert value(table, "year_coverage", round=2, family=TOTAL) == 1


def test_the_year_ends_when_the_leaders_load_does():
    leaders = [("l1", "u", None, 1, ())]
    assert len(seminar_year(needs_of_rows(*["ab"] * 4, leaders=leaders))) == 1
    twice = seminar_year(needs_of_rows(*["ab"] * 4, leaders=[("l1", "u", None, 2, ())]))
    assert [len(round_.plan.groups) for round_ in twice] == [1, 1]


def test_the_year_of_nobody_in_need():
    rounds = seminar_year(needs_of_rows("", "", ""))
    assert len(rounds) == 1
    table = check_measures(year_coverage(rounds))
    row = table[(table["measure"] == "year_coverage") & (table["family"] == TOTAL)]
    assert row["status"].item() == "no_data" and "нет" in row["note"].item()
    assert check_measures(year_programme(rounds)).empty


def test_programme_counts_groups_and_those_who_need_the_topic():
    # The one who needs b alone completes no group on a: it would not pay.
    table = check_measures(year_programme(seminar_year(needs_of_rows(*["a"] * 6, "b", "b"))))
    a = {"round": 1, "family": "u", "domain": "a"}
    assert value(table, "programme_groups", **a) == 2
    assert value(table, "programme_persons", **a) == 6
    assert value(table, "programme_persons", round=1, family="u", domain="b") == 2


def test_one_more_leader_brings_a_group_where_there_are_people_for_it():
    leaders = [("l1", "u", None, 1, ()), ("l2", "v", None, 5, ())]
    family = ["u"] * 7 + ["v"] * 2
    needs = needs_of_rows(*["a"] * 9, family=family, leaders=leaders)
    plan = seminar_groups(**needs.request())
    table = check_measures(one_more_leader(needs, plan))
    assert value(table, "leader_covered", family="u") == 3  # four are led already
    assert value(table, "leader_persons", family="u") == 3
    assert value(table, "leader_utility", family="u") == 3
    assert value(table, "leader_covered", family="v") == 0
    free = needs_of_rows("a", "a")
    assert one_more_leader(free, seminar_groups(**free.request())).empty


def test_a_difference_within_the_proven_gaps_is_not_told_as_a_gain():
    needs = needs_of_rows(*["a"] * 7, leaders=[("l1", "u", None, 1, ())])
    plan = seminar_groups(**needs.request())
    for bound, status in ((plan.utility + 2.5, "ok"), (plan.utility + 3, "not_assessed")):
        table = check_measures(one_more_leader(needs, replace(plan, bound=bound)))
        assert set(table["status"]) == {status}  # the leader brings 3


def test_smaller_groups_reach_more_people_with_more_groups():
    needs = needs_of_rows("a", "a", "a", "b", "b")
    table = check_measures(seminar_sizes(needs, [(3, 5)]))
    assert value(table, "plan_groups", least=2, greatest=4) == 2
    assert value(table, "plan_groups", least=3, greatest=5) == 1
    assert value(table, "plan_coverage", least=2, greatest=4) == 1
    assert value(table, "plan_coverage", least=3, greatest=5) == pytest.approx(3 / 5)


def test_both_variants_are_judged_both_ways():
    needs = needs_of_rows("a", "a", "b", "b")
    # By probability everyone needs a more: one group of four on a.
    chances = pd.DataFrame({"a": [0.9, 0.9, 0.8, 0.8], "b": [0.1, 0.1, 0.6, 0.6]})
    needs = Needs(**vars(needs) | {"chances": chances.set_axis(needs.deficits.index)})
    table = check_measures(seminar_variants(needs, seminar_groups(**needs.request())))
    assert value(table, "plan_coverage", basis="result") == 1
    assert value(table, "plan_expected_coverage", basis="result") == pytest.approx(3.0 / 4.8)
    assert value(table, "plan_coverage", basis="chance") == 0.5
    assert value(table, "plan_expected_coverage", basis="chance") == pytest.approx(3.4 / 4.8)
    nothing = needs_of_rows("a", "a")
    assert seminar_variants(nothing, seminar_groups(**nothing.request())).empty


def test_a_manual_move_costs_the_utility_it_takes():
    # Another family has groups as well: nothing there is planned anew.
    family = ["u"] * 6 + ["v"] * 3
    needs = needs_of_rows("a", "a", "a", "b", "b", "b", "a", "a", "a", family=family)
    previous = seminar_groups(**needs.request())
    group = previous.members.set_index("person_id")["group_id"]
    moves = pd.DataFrame(
        {
            "person_id": ["p0", "p1"],
            "group_id": [group["p3"], group["p1"]],
            "pinned": [True, True],
        },
        index=["moved", "kept"],
    )
    # p0 needs a, so that a seat on b costs the 1 that it brought and the 0.5 of an unneeded one.
    found = manual_moves(needs, previous, moves)
    assert found.costs.to_dict() == pytest.approx({"moved": 1.5, "kept": 0.0})
    assert found.utility_before == 6 and found.plan.utility == 4.5
    assert found.plan.moved == found.plan.moved_bound == 1
    assert set(found.plan.groups["family"]) == {"u"}
    now = found.plan.members.set_index("person_id")["group_id"]
    assert now["p0"] == group["p3"] and (now.drop("p0") == group[now.index].drop("p0")).all()


def test_a_ban_keeps_a_person_out_of_a_group():
    needs = needs_of_rows("a", "a", "a", "b", "b")
    previous = seminar_groups(**needs.request())
    group = previous.members.set_index("person_id")["group_id"]
    ban = pd.DataFrame({"person_id": ["p0"], "group_id": [group["p0"]], "pinned": [False]})
    found = manual_moves(needs, previous, ban)
    assert found.costs.item() == 1
    assert found.plan.members.set_index("person_id")["group_id"].isna()["p0"]


def test_uncovered_deficits_add_up_with_the_covered_ones():
    needs = needs_of_rows("ab", "ab", "ab", "b", "b")
    plan = seminar_groups(**needs.request(size=(3, 4)))
    table = check_measures(uncovered(plan, needs.deficits, needs.family))
    for family in (TOTAL, "u"):
        rows = table[table["family"] == family]
        left = rows["estimate"].sum()
        assert left + plan.covered == needs.deficits.to_numpy().sum()
        assert rows.groupby("domain")["n"].first().to_dict() == {"a": 3, "b": 5}
    a = table[(table["family"] == "u") & (table["domain"] == "a")]
    assert a["estimate"].sum() == 3  # the group is on b
    assert value(table, "uncovered_alone", family="u", domain="b") == 1


def test_load_of_leaders_counts_groups_and_persons():
    leaders = [("l1", "u", "x", 1, ()), ("l2", "u", "x", 2, ())]
    needs = needs_of_rows(*["a"] * 4, leaders=leaders)
    plan = seminar_groups(**needs.request())
    table = leader_load(plan, needs.leaders)
    assert sorted(table["groups"]) == [0, 1] and table["persons"].sum() == 4


def test_meetings_count_those_who_come_from_elsewhere():
    needs = needs_of_rows("a", "a", "a")
    zone = pd.Series(["x", "x", "y"], needs.deficits.index)
    distances = pd.DataFrame([[0.0, 40], [40, 0]], ["x", "y"], ["x", "y"])
    settings = Seminars(distances={"x": {"y": 40}}, on_site_within=30)
    plan = seminar_groups(**needs.request(zone=zone, distances=distances))
    row = meetings(plan, zone, settings, distances).iloc[0]
    assert plan.groups["zone"].item() == "x"
    assert (row["away"], row["farthest"], row["mode"]) == (1, 40.0, "distance")
    plain = meetings(plan, zone, Seminars(), None).iloc[0]
    assert plain["away"] == 1 and np.isnan(plain["farthest"]) and pd.isna(plain["mode"])


def test_needs_without_probabilities_are_published_with_gaps():
    table = needs_table(needs_of_rows("a", "b"))
    assert table["deficit"].tolist() == [1, 0, 0, 1] and table["chance"].isna().all()
