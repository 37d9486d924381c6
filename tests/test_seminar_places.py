"""Who sits where: exhaustive search of the way, seats untouched, leaders in their order."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from seminar_families import family_of, first_stage, leaders_of, way

from nmc_utils.measures import seminar_travel
from nmc_utils.measures.flow_models import FlowModel
from nmc_utils.measures.seminar_family import Choice, Family, Rules
from nmc_utils.measures.seminar_keeping import Kept, kept
from nmc_utils.measures.seminar_places import Seating, seated

#: Three zones on a line; b lies between a and c.
LINE = np.array([[0.0, 1, 3], [1, 0, 2], [3, 2, 0]])


def check(family: Family, choice: Choice, seating: Seating, stays: np.ndarray | None = None):
    """Seats, sizes, places and loads of a seating; who stays does so."""
    sits = seating.group_of >= 0
    seats = np.zeros_like(choice.seats)
    np.add.at(seats, (family.profile_of[sits], seating.kind[seating.group_of[sits]]), 1)
    assert (seats == choice.seats).all()
    sizes = np.bincount(seating.group_of[sits], minlength=len(seating.kind))
    assert ((family.rules.least <= sizes) & (sizes <= family.rules.greatest)).all()
    assert (np.bincount(seating.kind, minlength=len(choice.groups)) == choice.groups).all()
    assert ((seating.zone >= 0) == bool(family.zones)).all()
    assert ((seating.leader >= 0) == (family.leaders is not None)).all()
    if family.leaders is not None:
        leaders = family.leaders
        allowed = leaders.allowed(family.kinds)[leaders.class_of]
        assert allowed[seating.leader, seating.kind].all()
        assert (np.bincount(seating.leader, minlength=len(leaders.load)) <= leaders.load).all()
        of_class = np.bincount(leaders.class_of[seating.leader], minlength=len(leaders.deficits))
        assert (of_class == choice.led.sum(axis=1)).all()
    if stays is not None:
        stayed = np.zeros_like(stays)
        stay = sits & (family.last >= 0) & (seating.label[seating.group_of] == family.last)
        np.add.at(stayed, (family.profile_of[stay], family.last[stay]), 1)
        assert (stayed >= stays).all()


def least_way_by_search(family: Family, choice: Choice, seating: Seating, stays=None) -> float:
    """Least way over every seating of equal seats, each group in its best zone."""
    best, n_groups = np.inf, len(seating.kind)
    for group_of in product(range(-1, n_groups), repeat=len(family.person_ids)):
        group_of = np.array(group_of)
        sizes = np.bincount(group_of[group_of >= 0], minlength=n_groups)
        if not ((family.rules.least <= sizes) & (sizes <= family.rules.greatest)).all():
            continue
        try:
            check(family, choice, replace(seating, group_of=group_of), stays)
        except AssertionError:
            continue
        total = 0.0
        for group in range(n_groups):
            zones = family.zone[(group_of == group) & (family.zone >= 0)]
            total += family.distances[zones].sum(axis=0).min() if len(zones) else 0.0
        best = min(best, total)
    return best


# --- without zones ------------------------------------------------------------------------------


def test_groups_of_a_kind_get_like_sizes_and_like_mixes():
    family = family_of(np.array([[1, 0]] * 10 + [[1, 1]] * 9), rules=Rules(4, 8, 0.5))
    choice = Choice(np.array([[0, 0, 10], [0, 0, 9]]), np.array([0, 0, 3]), np.zeros((0, 3), int))
    seating = seated(family, choice)
    check(family, choice, seating)
    assert sorted(np.bincount(seating.group_of)) == [6, 6, 7]
    assert sorted(np.bincount(seating.group_of[:10])) == [3, 3, 4]


def test_joiners_go_to_the_smallest_group():
    # Four stay in the first group and one in the second; three of five more make both equal.
    family = family_of(np.ones((10, 1)), topics=1, rules=Rules(2, 6, 0.5),
                       last=np.array([0, 0, 0, 0, 1, -1, -1, -1, -1, -1]))  # fmt: skip
    choice = Choice(np.array([[8]]), np.array([2]), np.zeros((0, 1), int))
    seating = seated(family, choice, Kept(choice, np.array([0, 0]), np.array([[4, 1]]), 5))
    assert seating.group_of.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, -1, -1]
    assert seating.label.tolist() == [0, 1]


def test_without_groups_nobody_sits():
    family = family_of(np.zeros((3, 2)), zone=np.zeros(3, int), distances=LINE)
    choice = Choice(np.zeros((1, 3), int), np.zeros(3, int), np.zeros((0, 3), int))
    seating = seated(family, choice)
    assert seating.group_of.tolist() == [-1, -1, -1] and not len(seating.kind)


# --- with zones ---------------------------------------------------------------------------------


def test_equal_people_meet_in_their_own_zone():
    zone = np.array([0, 2, 0, 2, 0, 2])
    family = family_of(np.ones((6, 1)), topics=1, zone=zone, distances=LINE)
    choice = Choice(np.array([[6]]), np.array([2]), np.zeros((0, 1), int))
    seating = seated(family, choice)
    check(family, choice, seating)
    assert (seating.zone[seating.group_of] == zone).all()
    assert way(family, seating.group_of, seating.zone) == 0


def test_the_group_meets_where_the_way_is_short_and_the_unknown_cost_nothing():
    # From a to b is dear, from b to a cheap: the row is where the person lives.
    distances = np.array([[0.0, 5.0], [1.0, 0.0]])
    family = family_of(np.ones((3, 1)), topics=1, zone=np.array([0, 1, -1]), distances=distances)
    choice = Choice(np.array([[3]]), np.array([1]), np.zeros((0, 1), int))
    seating = seated(family, choice)
    assert seating.zone.tolist() == [0]
    assert way(family, seating.group_of, seating.zone) == 1.0


@pytest.mark.parametrize(
    "seed", [pytest.param(s, marks=pytest.mark.long if s >= 12 else ()) for s in range(60)]
)
def test_exhaustive_search_finds_no_shorter_way(seed):
    rng = np.random.default_rng(seed)
    n = 7
    needs = (rng.random((n, 2)) < 0.7).astype(float)
    distances = np.round(rng.random((3, 3)) * 9) * (1 - np.eye(3))
    zone = rng.integers(-1, 3, n)
    last = rng.integers(-1, 2, n) if seed % 2 else None
    family = family_of(needs, topics=1, zone=zone, distances=distances, last=last)
    found, utility = first_stage(family)
    plan = kept(family, found, utility) if seed % 2 else None
    choice = plan.choice if plan else found.choice
    seating = seated(family, choice, plan)
    stays = plan.stays if plan else None
    check(family, choice, seating, stays)
    if len(seating.kind):
        least = least_way_by_search(family, choice, seating, stays)
        assert way(family, seating.group_of, seating.zone) == pytest.approx(least)


def many(seed: int) -> Family:
    rng = np.random.default_rng(seed)
    needs = (rng.standard_normal((150, 1)) + rng.standard_normal((150, 5)) < -0.4).astype(int)
    place = rng.random((12, 2)) * 100
    distances = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1)).round()
    zone = rng.choice(12, 150, p=np.arange(12, 0, -1) / 78)
    return family_of(needs, rules=Rules(12, 25, 0.5), zone=zone, distances=distances)


@pytest.mark.parametrize("seed", range(3))
def test_many_people_travel_less_than_if_dealt_without_zones(seed):
    family = many(seed)
    choice = first_stage(family)[0].choice
    seating = seated(family, choice)
    check(family, choice, seating)
    dealt = seated(replace(family, zones=(), zone=None), choice).group_of
    best_zone = [
        family.distances[family.zone[dealt == group]].sum(axis=0).argmin()
        for group in range(len(seating.kind))
    ]
    assert way(family, seating.group_of, seating.zone) < way(family, dealt, np.array(best_zone))
    again = seated(family, choice)
    assert (again.group_of == seating.group_of).all() and (again.zone == seating.zone).all()


def several_places() -> tuple[Family, Choice]:
    """Two groups of one kind, so that their zones are searched together."""
    family = family_of(np.ones((6, 1)), topics=1, zone=np.array([0, 2, 0, 2, 0, 2]), distances=LINE)
    return family, Choice(np.array([[6]]), np.array([2]), np.zeros((0, 1), int))


def nothing_found(*_: object, **__: object) -> None:
    """Stands for a search that ends without an answer."""


def test_a_search_that_finds_nothing_leaves_the_known_places(monkeypatch):
    family, choice = several_places()
    monkeypatch.setattr(FlowModel, "searched", nothing_found)
    seating = seated(family, choice)
    check(family, choice, seating)
    # The first group takes the three of a zone, the second the other three.
    assert way(family, seating.group_of, seating.zone) == 0


def test_seats_that_are_not_found_leave_the_known_ones(monkeypatch):
    family, choice = several_places()
    found = iter([FlowModel.relaxed])

    def only_once(model: FlowModel, cost: np.ndarray):
        return next(found, nothing_found)(model, cost)

    monkeypatch.setattr(FlowModel, "relaxed", only_once)
    check(family, choice, seated(family, choice))


def test_a_choice_that_cannot_be_seated_is_refused(monkeypatch):
    family, choice = several_places()
    one_group = replace(choice, groups=np.array([1]))  # six people in one group of at most three
    with pytest.raises(RuntimeError, match="no seats found for groups of 2–3 people"):
        seated(family, one_group)
    # Fractions without whole numbers are no seats either.
    monkeypatch.setattr(seminar_travel, "TOLERANCE", -1)
    monkeypatch.setattr(FlowModel, "searched", nothing_found)
    with pytest.raises(RuntimeError, match="no seats found"):
        seated(family, choice)


# --- leaders ------------------------------------------------------------------------------------


def led_family(leaders, *, n_groups: int = 2, zone=None, distances=None, last=None, before=()):
    """Equal people in groups of two on one topic; the class of all leaders leads all groups."""
    needs = np.ones((2 * n_groups, 1))
    family = family_of(needs, topics=1, rules=Rules(2, 2, 0.5), leaders=leaders, zone=zone,
                       distances=distances, last=last, last_leaders=before)  # fmt: skip
    n = np.array([n_groups])
    return family, Choice(2 * n[:, None], n, n[:, None])


def test_a_group_of_the_last_plan_keeps_its_leader_before_all():
    # l1 lives where the group of l2 meets and the other way round; who led it still leads it.
    leaders = leaders_of(("l1", 2, 2, ()), ("l2", 2, 0, ()), n_domains=1)
    last = np.array([0, 0, 1, 1])
    family, choice = led_family(leaders, zone=np.array([0, 0, 2, 2]), distances=LINE, last=last,
                                before=("l1", "l2"))  # fmt: skip
    plan = Kept(choice, np.array([0, 0]), np.array([[2, 2]]), 4)
    seating = seated(family, choice, plan)
    check(family, choice, seating, plan.stays)
    assert seating.zone.tolist() == [0, 2] and seating.leader.tolist() == [0, 1]


def test_the_nearest_leader_leads_and_the_load_is_kept():
    leaders = leaders_of(("l1", 1, 2, ()), ("l2", 2, 0, ()), n_domains=1)
    family, choice = led_family(leaders, n_groups=3, zone=np.array([0, 0, 2, 2, 2, 2]),
                                distances=LINE)  # fmt: skip
    seating = seated(family, choice)
    check(family, choice, seating)
    by_zone = Counter(zip(seating.zone.tolist(), seating.leader.tolist(), strict=True))
    assert by_zone == {(0, 1): 1, (2, 0): 1, (2, 1): 1}


def test_equal_leaders_share_the_groups_evenly():
    leaders = leaders_of(("l1", 4, -1, ()), ("l2", 4, -1, ()), n_domains=1)
    family, choice = led_family(leaders, n_groups=4)
    seating = seated(family, choice)
    check(family, choice, seating)
    assert Counter(seating.leader.tolist()) == {0: 2, 1: 2}


@pytest.mark.parametrize("other", ["l", "z"])
def test_a_leader_does_not_sit_in_the_own_group(other):
    # p00 leads and sits in one of the two groups; the other leader takes that one.
    leaders = leaders_of((other, 1, -1, ()), ("p00", 1, -1, ()), n_domains=1)
    family, choice = led_family(leaders)
    seating = seated(family, choice)
    check(family, choice, seating)
    assert seating.leader[seating.group_of[0]] == 0


def test_a_class_leads_as_many_groups_as_the_choice_says():
    leaders = leaders_of(("l1", 3, 0, ()), ("l2", 3, 2, (1,)), n_domains=2)
    family = family_of(np.array([[1, 0]] * 6), topics=1, rules=Rules(2, 2, 0.5), leaders=leaders,
                       zone=np.zeros(6, int), distances=LINE)  # fmt: skip
    choice = Choice(np.array([[6, 0]]), np.array([3, 0]), np.array([[1, 0], [2, 0]]))
    seating = seated(family, choice)
    check(family, choice, seating)
    assert Counter(seating.leader.tolist()) == {0: 1, 1: 2}
