"""What seminar groups refuse, by message, and how people, leaders and pins are written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from seminar_people import leaders_of, people

from nmc_utils.measures.seminar_request import Request, families_of
from nmc_utils.measures.seminars import seminar_groups

SMALL = {"size": (2, 3), "topics": 2}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.2, "person 'p1' in domain 'b': a deficit must lie between 0 and 1, got 1.2"),
        (-0.1, "person 'p1' in domain 'b': a deficit must lie between 0 and 1, got -0.1"),
        ("1", "person 'p1' in domain 'b': a deficit must lie between 0 and 1, got '1'"),
        (np.nan, "person 'p1' in domain 'b' was not assessed"),
    ],
)
def test_refuses_what_is_no_probability(value, message):
    deficits = people("a", "b", "c").astype(object if value == "1" else float)
    deficits.loc["p1", "b"] = value
    with pytest.raises(ValueError, match=message):
        seminar_groups(deficits)


@pytest.mark.parametrize(
    ("index", "columns", "message"),
    [
        (["p0", "p0"], ["a", "b"], "person 'p0' occurs twice"),
        (["p0", 1], ["a", "b"], "ids of persons must be of one kind, got 'p0' and 1"),
        (["p0", None], ["a", "b"], "the name of a person is missing"),
        (["p0", "p1"], ["a", "a"], "domain 'a' occurs twice"),
        (["p0", "p1"], [], "nothing to plan by: 2 persons and no domain"),
    ],
)
def test_refuses_unclear_persons_and_domains(index, columns, message):
    with pytest.raises(ValueError, match=message):
        seminar_groups(pd.DataFrame(1, index, columns))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": (13, 12)}, r"size .* got \(13, 12\)"),
        ({"size": (0, 12)}, r"size .* got \(0, 12\)"),
        ({"size": (2.5, 12)}, r"size .* got \(2.5, 12\)"),
        ({"size": 12}, "size must be two whole numbers, .* got 12"),
        ({"size": (1,)}, r"size must be two whole numbers, .* got \(1,\)"),
        ({"topics": 0}, "topics .* got 0"),
        ({"unneeded_cost": None}, "unneeded_cost must be a finite number .* got None"),
        ({"unneeded_cost": "0.5"}, "unneeded_cost must be a finite number .* got '0.5'"),
        ({"unneeded_cost": True}, "unneeded_cost must be a finite number .* got True"),
        ({"unneeded_cost": -0.1}, "unneeded_cost .* got -0.1"),
        ({"unneeded_cost": np.nan}, "unneeded_cost .* got nan"),
        ({"family": pd.Series(["u"], ["p0"])}, "family of person 'p1' must be a string, got nan"),
        ({"family": pd.Series(["u", 7], ["p0", "p1"])}, "'p1' must be a string, got 7"),
        ({"family": pd.Series("u", ["p0", "p1", "p1"])}, "person 'p1' occurs twice in family"),
    ],
)
def test_refuses_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        seminar_groups(people("a", "a"), **options)


@pytest.mark.parametrize(
    ("n", "topics", "message"),
    [
        (21, 1, "21 domains: a plan is made for at most 20"),
        (20, 5, "21699 sets of at most 5 topics of 20 domains: a plan is made for at most 6195"),
    ],
)
def test_refuses_more_domains_or_topics_than_it_can_plan(n, topics, message):
    with pytest.raises(ValueError, match=message):
        seminar_groups(pd.DataFrame(1, ["p0"], range(n)), topics=topics)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("l1", "u", 1, ("z",))], "leader 'l1' has a deficit in an unknown domain 'z'"),
        ([("l1", "u", 1, "ab")], "deficits of leader 'l1' must be a tuple, got 'ab'"),
        ([("l1", "u", 1, np.nan)], "deficits of leader 'l1' must be a tuple, got nan"),
        ([("l1", "u", 1.5, ())], "max_groups of leader 'l1' must be a whole number, got 1.5"),
        ([("l1", "u", -1, ())], "max_groups of leader 'l1' must be a whole number, got -1"),
        ([("l1", "u", np.nan, ())], "max_groups of leader 'l1' must be a whole number, got nan"),
        ([("l1", "u", None, ())], "max_groups of leader 'l1' must be a whole number, got None"),
        ([("l1", "u", "1", ())], "max_groups of leader 'l1' must be a whole number, got '1'"),
        ([("l1", "u", 1, ()), (2, "u", 1, ())], "ids of leaders must be of one kind, got 'l1'"),
        ([("l1", None, 1, ())], "family of leader 'l1' must be a string"),
        ([("l1", "u", 1, ()), ("l1", "u", 1, ())], "leader 'l1' occurs twice"),
        ([(None, "u", 1, ())], "a leader_id is missing"),
    ],
)
def test_refuses_wrong_leaders(rows, message):
    deficits = people("a", "a")
    family = pd.Series("u", deficits.index)
    with pytest.raises(ValueError, match=message):
        seminar_groups(deficits, family=family, leaders=leaders_of(*rows))


def test_refuses_leaders_whose_families_cannot_be_matched():
    leaders = leaders_of(("l1", "u", 1, ()))
    deficits = people("a", "a")
    with pytest.raises(ValueError, match="leaders have a family but persons have none"):
        seminar_groups(deficits, leaders=leaders)
    for column in ("family", "max_groups"):
        with pytest.raises(ValueError, match=f"leaders lack the column '{column}'"):
            seminar_groups(
                deficits,
                family=pd.Series("u", deficits.index),
                leaders=leaders.drop(columns=column),
            )


def test_refuses_a_zone_that_is_no_name():
    deficits = people("a", "a")
    with pytest.raises(ValueError, match="zone of person 'p1' must be a string, got 7"):
        seminar_groups(deficits, zone=pd.Series(["north", 7], deficits.index, object))
    with pytest.raises(ValueError, match="person 'p0' occurs twice in zone"):
        seminar_groups(deficits, zone=pd.Series("north", ["p0", "p0", "p1"]))
    leaders = leaders_of(("l1", "all", 1, ())).drop(columns="family").assign(zone=[7])
    zone = pd.Series("north", deficits.index)
    with pytest.raises(ValueError, match="zone of leader 'l1' must be a string, got 7"):
        seminar_groups(deficits, zone=zone, leaders=leaders)


ZONES = ["north", "south"]


@pytest.mark.parametrize(
    ("distances", "message"),
    [
        (pd.DataFrame(0.0, ["north"], ZONES), "distances lack a row of zone 'south'"),
        (pd.DataFrame(0.0, ZONES, ["south"]), "distances lack a column of zone 'north'"),
        (pd.DataFrame(0.0, [*ZONES, "north"], ZONES), "zone 'north' occurs twice in a row"),
        (
            pd.DataFrame([[0, -1], [1, 0]], ZONES, ZONES),
            "from zone 'north' to zone 'south' must be a finite number of at least 0, got -1",
        ),
        (
            pd.DataFrame([[0, 1], [np.nan, 0]], ZONES, ZONES),
            "from zone 'south' to zone 'north' must be a finite number of at least 0, got nan",
        ),
    ],
)
def test_refuses_distances_that_are_none(distances, message):
    deficits = people("a", "a")
    zone = pd.Series(ZONES, deficits.index)
    with pytest.raises(ValueError, match=message):
        seminar_groups(deficits, zone=zone, distances=distances)


def test_refuses_distances_without_zones_and_pins_without_a_plan():
    deficits = people("a", "a")
    with pytest.raises(ValueError, match="distances need the zones of persons"):
        seminar_groups(deficits, distances=pd.DataFrame(0.0, ZONES, ZONES))
    with pytest.raises(ValueError, match="fixed names groups of a previous plan"):
        seminar_groups(deficits, fixed=pairs(("p0", "all-01", True)))
    with pytest.raises(ValueError, match="previous must be a plan, got dict"):
        seminar_groups(deficits, previous={})


@pytest.mark.parametrize(
    ("barred", "message"),
    [
        ({"all": "a"}, "barred topics of family 'all' must be a collection, got 'a'"),
        ({"all": ["z"]}, "a barred topic of family 'all' is unknown: 'z'"),
    ],
)
def test_refuses_barred_topics_that_are_none(barred, message):
    with pytest.raises(ValueError, match=message):
        seminar_groups(people("a", "a"), barred=barred)


# --- pins ---------------------------------------------------------------------------------------


def pairs(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["person_id", "group_id", "pinned"])


def planned() -> tuple[pd.DataFrame, pd.Series, object]:
    """Groups u-01 on c, u-02 on a and b; v-01 on a."""
    deficits = people("ab", "c", "ab", "c", "ab", "c", "a", "a")
    family = pd.Series(["u"] * 6 + ["v"] * 2, deficits.index)
    plan = seminar_groups(deficits, family, **SMALL)
    assert plan.groups["group_id"].tolist() == ["u-01", "u-02", "v-01"]
    return deficits, family, plan


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("p9", "u-01", True)], "fixed names person 'p9', who is not in deficits"),
        ([("p0", "u-09", True)], "fixed names group 'u-09', which is not in the previous plan"),
        ([("p0", "v-01", True)], "person 'p0' is of family 'u', group 'v-01' of family 'v'"),
        ([("p0", "v-01", False)], "person 'p0' is of family 'u', group 'v-01' of family 'v'"),
        ([("p0", "u-01", True), ("p0", "u-02", True)], "person 'p0' is pinned twice"),
        (
            [("p0", "u-01", True), ("p0", "u-01", False)],
            "person 'p0' is both pinned to group 'u-01' and forbidden there",
        ),
        ([("p0", "u-01", "yes")], "pinned of person 'p0' and group 'u-01' must be True or False"),
        (
            [(f"p{i}", "u-01", True) for i in range(4)],
            "4 persons are pinned to group 'u-01' of at most 3",
        ),
    ],
)
def test_refuses_pins_that_cannot_be_held(rows, message):
    deficits, family, plan = planned()
    with pytest.raises(ValueError, match=message):
        seminar_groups(deficits, family, **SMALL, previous=plan, fixed=pairs(*rows))


def test_refuses_pins_to_a_group_whose_topics_are_no_more():
    deficits, family, plan = planned()
    options = SMALL | {"previous": plan, "fixed": pairs(("p0", "u-02", True))}
    with pytest.raises(ValueError, match="topic 'b' of group 'u-02' with pinned persons is barred"):
        seminar_groups(deficits, family, **options, barred={"u": ["b"]})
    with pytest.raises(ValueError, match="group 'u-02' with pinned persons has 2 topics, at most"):
        seminar_groups(deficits, family, **(options | {"topics": 1}))
    with pytest.raises(ValueError, match="topic 'b' of group 'u-02' .* is no domain of deficits"):
        seminar_groups(deficits[["a", "c"]], family, **options)
    with pytest.raises(ValueError, match="fixed lacks the column 'pinned'"):
        bare = options["fixed"].drop(columns="pinned")
        seminar_groups(deficits, family, **(options | {"fixed": bare}))


def test_names_the_pinned_group_that_cannot_open():
    deficits, family, plan = planned()
    fixed = pairs(("p0", "u-01", True), ("p2", "u-02", True), ("p6", "v-01", True))
    alone = deficits.drop(["p7"])
    with pytest.raises(ValueError, match="group 'v-01', .* cannot reach the least size of 2"):
        seminar_groups(alone, family, **SMALL, previous=plan, fixed=fixed)
    leaders = leaders_of(("l1", "u", 9, ("a",)), ("l2", "v", 1, ()))
    with pytest.raises(ValueError, match="group 'u-02', .* finds no leader"):
        seminar_groups(deficits, family, **SMALL, previous=plan, fixed=fixed, leaders=leaders)


def test_a_pin_that_is_written_twice_is_one_pin():
    deficits, family, plan = planned()
    row = ("p0", "u-01", True)
    once, twice = (
        seminar_groups(deficits, family, **SMALL, previous=plan, fixed=pairs(*rows))
        for rows in ([row], [row, row])
    )
    pd.testing.assert_frame_equal(once.members, twice.members)


def test_deficits_may_be_categories_of_numbers():
    deficits = people("ab", "ab", "c")
    plan = seminar_groups(deficits.astype("category"), **SMALL)
    pd.testing.assert_frame_equal(plan.members, seminar_groups(deficits, **SMALL).members)
    written = deficits.astype(str).astype("category")
    with pytest.raises(ValueError, match="a deficit must lie between 0 and 1, got '1'"):
        seminar_groups(written, **SMALL)


def test_pins_and_bans_are_held_and_cost_what_they_cost():
    deficits, family, plan = planned()
    fixed = pairs(("p0", "u-01", True), ("p3", "u-01", False))
    new = seminar_groups(deficits, family, **SMALL, previous=plan, fixed=fixed)
    seat = new.members.set_index("person_id")["group_id"]
    assert seat["p0"] == "u-01" and seat["p3"] != "u-01"
    topics = new.groups.set_index("group_id")["topics"]
    assert topics["u-01"] == ("c",)
    # On c, p0 costs as much as a neighbour of need brings (1 − 0.5); p3 learns c with the other
    # one (2), p2 and p4 learn a and b (4), and family v brings 2.
    assert new.utility == new.bound == 0.5 + 2 + 4 + 2


def test_a_ban_is_not_dodged_by_another_group_of_the_same_topics():
    deficits = people("c", "c")
    plan = seminar_groups(deficits, **SMALL)
    fixed = pairs(("p0", "all-01", False))
    new = seminar_groups(deficits, **SMALL, previous=plan, fixed=fixed)
    # The group on c cannot fill without p0, so nothing opens on c; with b it still may.
    assert ("c",) not in new.groups["topics"].tolist()


# --- how it is written --------------------------------------------------------------------------


def asked(deficits: pd.DataFrame, **more) -> Request:
    plain = Request(deficits, None, None, (2, 3), 2, None, 0.5, None, None, None, None)
    return replace(plain, **more)


def test_equal_people_are_one_profile_and_arrays_are_frozen():
    (family,) = families_of(asked(people("ab", "c", "ab")))
    assert family.counts.tolist() == [1, 2] and family.profile_of.tolist() == [1, 0, 1]
    assert family.kinds.topics.sum(axis=1).tolist() == [1, 1, 1, 2, 2, 2]
    for array in (family.needs, family.counts, family.allowed, family.kinds.topics):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_barred_domains_are_in_no_topic_set():
    (family,) = families_of(asked(people("ab", "c"), barred={"all": ["b"], "other": ["a"]}))
    assert not family.kinds.topics[:, 1].any() and len(family.kinds) == 3


def test_pinned_people_are_a_profile_of_their_own():
    deficits, family, plan = planned()
    fixed = pairs(("p0", "u-02", True), ("p2", "u-01", False))
    request = asked(deficits, family=family, previous=plan, fixed=fixed)
    own, _ = families_of(request)
    names = own.last_groups.ids[own.kinds.last[own.kinds.last >= 0]]
    assert names.tolist() == ["u-01", "u-02"]
    assert own.kinds.least[-2:].tolist() == [0, 1] and own.kinds.most[-2:].tolist() == [1, 1]
    pinned, banned = own.profile_of[0], own.profile_of[2]
    assert own.is_pinned[pinned] and own.allowed[pinned].tolist() == [False] * 7 + [True]
    assert own.allowed[banned].tolist() == [True] * 6 + [False, True]
    assert own.last.tolist() == [1, 0, 1, 0, 1, 0]


def test_zones_are_those_of_the_familys_people_and_leaders():
    deficits = people("a", "b")
    leaders = leaders_of(("l1", "all", 1, ())).drop(columns="family").assign(zone=["west"])
    zone = pd.Series(["south", None], deficits.index, object)
    (family,) = families_of(asked(deficits, zone=zone, leaders=leaders))
    assert family.zones == ("south", "west")
    assert family.zone.tolist() == [0, -1] and family.leaders.zone.tolist() == [1]
    assert family.distances.tolist() == [[0, 1], [1, 0]]
