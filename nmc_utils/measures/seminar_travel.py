"""Where seminar groups meet and who of equal people sits in which, so that the way is short."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nmc_utils.measures.flow_models import PRICE, TOLERANCE, Answer, FlowModel
from nmc_utils.measures.seminar_family import Choice, Family

#: Up to so many columns a family's places and seats are searched at once, beyond it in turn.
MAX_COLUMNS = 3_000
#: Nodes of branch and bound of one search. A limit of time would tie the plan to the machine.
MAX_NODES = 200
#: Turns of places and seats. Each shortens the way, and few do so after the first ones.
MAX_TURNS = 10


@dataclass(frozen=True)
class _People:
    """Classes of people who are equal in profile, zone and the last group where some stay."""

    of_person: np.ndarray
    profile: np.ndarray
    stays_in: np.ndarray
    """Class: site whose label is the last group of the class, −1 where nobody of it stays."""
    count: np.ndarray
    zone: np.ndarray
    way: np.ndarray
    """Class × zone of a group."""


@dataclass(frozen=True)
class _Sites:
    """A group with a label is a site; the other groups of a kind are one together."""

    of_group: np.ndarray
    n_groups: np.ndarray
    kind: np.ndarray
    places: np.ndarray
    """Profile × kind: seats of those who do not stay."""
    staying: np.ndarray
    """Profile × site: persons who stay."""
    least: int
    greatest: int


@dataclass(frozen=True)
class _Plan:
    """Where groups meet and who sits there."""

    groups: np.ndarray
    """Site × zone."""
    class_: np.ndarray
    site: np.ndarray
    zone: np.ndarray
    number: np.ndarray
    """People of `class_` in groups of `site` that meet in `zone`."""
    way: float


def travelled(
    family: Family, choice: Choice, kind: np.ndarray, label: np.ndarray, stays: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Group of each person (−1 for none) and zone of each group, the way of all being short.

    The least way for families up to `MAX_COLUMNS`, within `MAX_NODES`. For larger ones places
    and seats are improved in turn, so the way is only never longer than at the start.

    Parameters
    ----------
    family
        With zones.
    choice
        Seats by profile and kind.
    kind, label
        Group: kind, last group or −1.
    stays
        Profile × last group: persons who stay; no columns without a last plan.
    """
    sites = _sites(family, choice, kind, label, stays)
    people = _people(family, sites, label)
    plan = _in_turn(people, sites)
    if _n_columns(people, sites) * len(family.zones) <= MAX_COLUMNS:
        plan = _at_once(people, sites, plan)
    return _dealt_out(people, sites, plan)


def _sites(
    family: Family, choice: Choice, kind: np.ndarray, label: np.ndarray, stays: np.ndarray
) -> _Sites:
    alone = np.where(label >= 0, np.arange(len(kind)) + 1, 0)
    _, first, of_group, n_groups = np.unique(
        np.c_[kind, alone], axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    staying = np.zeros((len(family.counts), len(first)), int)
    has_label = label >= 0
    staying[:, of_group.ravel()[has_label]] = stays[:, label[has_label]]
    places = choice.seats.copy()
    np.subtract.at(places.T, kind[first], staying.T)
    rules = family.rules
    return _Sites(
        of_group.ravel(), n_groups, kind[first], places, staying, rules.least, rules.greatest
    )


def _people(family: Family, sites: _Sites, label: np.ndarray) -> _People:
    site_of = np.full((label.max(initial=-1) + 2), -1)
    site_of[label] = sites.of_group
    site_of[-1] = -1
    stays_in = np.full(len(family.profile_of), -1)
    if family.last is not None and sites.staying.any():
        known = np.where(family.last < len(site_of) - 1, family.last, -1)
        stays_in = site_of[known]
        stays_in[sites.staying[family.profile_of, stays_in] == 0] = -1
    rows = np.c_[family.profile_of, stays_in, family.zone]
    rows, of_person, count = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    way = np.where((rows[:, 2] >= 0)[:, None], family.distances[rows[:, 2]], 0.0)
    return _People(of_person.ravel(), rows[:, 0], rows[:, 1], count, rows[:, 2], way)


def _pairs(people: _People, sites: _Sites) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Class and site of those who may sit there, and whether they do so because they stay."""
    free = sites.places[people.profile][:, sites.kind] > 0
    class_, site = np.nonzero(free)
    staying = np.flatnonzero(people.stays_in >= 0)
    is_stay = np.repeat([False, True], [len(class_), len(staying)])
    return np.r_[class_, staying], np.r_[site, people.stays_in[staying]], is_stay


def _n_columns(people: _People, sites: _Sites) -> int:
    return len(_pairs(people, sites)[0])


class _Travel:
    """Places and seats as a linear programme; `options` is site × zone, where groups may meet."""

    def __init__(self, people: _People, sites: _Sites, options: np.ndarray) -> None:
        self.people, self.sites = people, sites
        self.node_site, self.node_zone = np.nonzero(options)
        class_, site, is_stay = _pairs(people, sites)
        n_options = options.sum(axis=1)
        first = np.cumsum(n_options) - n_options
        pair = np.repeat(np.arange(len(site)), n_options[site])
        turn = np.arange(len(pair)) - np.repeat(
            np.cumsum(n_options[site]) - n_options[site], n_options[site]
        )
        self.class_, self.node, is_stay = class_[pair], first[site[pair]] + turn, is_stay[pair]
        self.model = FlowModel()
        self._rows(is_stay)
        self.cost = np.zeros(len(self.model.lower))
        self.cost[self.seat] = people.way[self.class_, self.node_zone[self.node]]

    def _rows(self, is_stay: np.ndarray) -> None:
        model, people, sites = self.model, self.people, self.sites
        count = people.count[self.class_]
        self.seat = model.columns(len(self.class_), count, whole=True)
        most = sites.n_groups[self.node_site]
        self.groups = model.columns(len(self.node_site), most, whole=True)
        model.rows(len(people.count), 0, people.count, (self.class_, self.seat, 1))
        n_sites = len(sites.n_groups)
        model.rows(n_sites, sites.n_groups, sites.n_groups, (self.node_site, self.groups, 1))
        profile, site = people.profile[self.class_], self.node_site[self.node]
        for chosen, needed, column in (
            (is_stay, sites.staying, site),
            (~is_stay, sites.places, sites.kind[site]),
        ):
            row = np.full(needed.shape, -1)
            row[needed > 0] = np.arange((needed > 0).sum())
            exact = needed[needed > 0]
            rows = row[profile[chosen], column[chosen]]
            model.rows(len(exact), exact, exact, (rows, self.seat[chosen], 1))
        nodes, inside = np.arange(len(self.groups)), (self.node, self.seat, 1)
        model.rows(len(nodes), 0, np.inf, inside, (nodes, self.groups, -sites.least))
        model.rows(len(nodes), -np.inf, 0, inside, (nodes, self.groups, -sites.greatest))

    def tighten(self) -> None:
        """Nobody sits where no group meets: whole numbers obey that, fractions would not."""
        every = np.arange(len(self.seat))
        tied = (every, self.groups[self.node], -self.people.count[self.class_])
        self.model.rows(len(every), -np.inf, 0, (every, self.seat, 1), tied)

    def plan(self, answer: Answer) -> _Plan:
        """Return what the columns say."""
        values = np.round(answer.values).astype(int)
        groups = np.zeros((len(self.sites.n_groups), self.people.way.shape[1]), int)
        groups[self.node_site, self.node_zone] = values[self.groups]
        used = np.flatnonzero(values[self.seat])
        class_, node = self.class_[used], self.node[used]
        number, zone = values[self.seat][used], self.node_zone[node]
        way = float(number @ self.people.way[class_, zone])
        return _Plan(groups, class_, self.node_site[node], zone, number, way)


def _seats_at(people: _People, sites: _Sites, groups: np.ndarray) -> _Plan | None:
    """Shortest way where groups meet in given zones; None where no seats are found."""
    travel = _Travel(people, sites, groups > 0)
    travel.model = travel.model.restricted(travel.groups, groups[groups > 0])
    answer = travel.model.relaxed(travel.cost)
    if answer is not None and not _is_whole(answer.values):
        answer = travel.model.searched(travel.cost, nodes=MAX_NODES, gap=PRICE)
    return None if answer is None else travel.plan(answer)


def _is_whole(values: np.ndarray) -> bool:
    return bool(np.abs(values - np.round(values)).max(initial=0) <= TOLERANCE)


def _at_once(people: _People, sites: _Sites, known: _Plan) -> _Plan:
    """Search places and seats together; the known plan where nothing shorter is found."""
    travel = _Travel(people, sites, np.ones_like(known.groups, bool))
    travel.tighten()
    answer = travel.model.searched(travel.cost, nodes=MAX_NODES, gap=PRICE)
    return known if answer is None else min(known, travel.plan(answer), key=lambda plan: plan.way)


def _in_turn(people: _People, sites: _Sites) -> _Plan:
    """Seats for the places, places for the seats, and so on while the way becomes shorter."""
    plan = _seats_at(people, sites, _first_places(people, sites))
    if plan is None:
        sizes = f"{sites.least}–{sites.greatest}"
        raise RuntimeError(f"no seats found for groups of {sizes} people in {MAX_NODES} nodes")
    for _ in range(MAX_TURNS):
        better = _seats_at(people, sites, _places_for(people, sites, plan))
        if better is None or better.way >= plan.way - PRICE * max(1.0, plan.way):
            break
        plan = better
    return plan


def _first_places(people: _People, sites: _Sites) -> np.ndarray:
    """Each group in turn takes the zone where its share of those still waiting is nearest."""
    groups = np.zeros((len(sites.n_groups), people.way.shape[1]), int)
    waiting, places = people.count.copy(), sites.places.copy()
    in_kind = np.bincount(sites.kind, sites.n_groups).astype(int)
    for site, kind in enumerate(sites.kind):
        for _ in range(sites.n_groups[site]):
            share = -(-places[:, kind] // in_kind[kind])
            taken = _nearest(people, waiting, share)
            ways = (taken * people.way.T).sum(axis=1)
            zone = np.argmin(ways)
            groups[site, zone] += 1
            waiting -= taken[zone]
            places[:, kind] -= share
            in_kind[kind] -= 1
    return groups


def _nearest(people: _People, waiting: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Zone × class: who is taken when so many of each profile come from the nearest zones."""
    taken = np.zeros(people.way.T.shape, int)
    wanted = share[people.profile] > 0
    classes = np.flatnonzero(wanted & (waiting > 0))
    for zone, way in enumerate(people.way.T):
        order = classes[np.lexsort((classes, way[classes], people.profile[classes]))]
        ends = np.cumsum(waiting[order])
        profile = people.profile[order]
        start = np.r_[True, profile[1:] != profile[:-1]][: len(order)]
        before = (ends - waiting[order])[start][np.cumsum(start) - 1]
        left = share[profile] - (ends - waiting[order] - before)
        taken[zone, order] = np.clip(left, 0, waiting[order])
    return taken


def _places_for(people: _People, sites: _Sites, plan: _Plan) -> np.ndarray:
    """Best zones of every site for those who sit there."""
    groups = plan.groups.copy()
    for site, n_groups in enumerate(sites.n_groups):
        here = plan.site == site
        class_, number = plan.class_[here], plan.number[here]
        if n_groups == 1:
            groups[site] = 0
            groups[site, np.argmin(number @ people.way[class_])] = 1
        else:
            best = _zones_of_many(people, sites, class_, number, int(n_groups))
            groups[site] = groups[site] if best is None else best
    return groups


def _zones_of_many(
    people: _People, sites: _Sites, class_: np.ndarray, number: np.ndarray, n_groups: int
) -> np.ndarray | None:
    """Best zones of several groups that share out given people, whatever their profiles.

    None where the search finds none within its nodes.
    """
    zone, row = np.unique(people.zone[class_], return_inverse=True)
    count = np.bincount(row, number).astype(int)
    nobody = np.full(len(zone), -1)
    way = np.zeros((len(zone), people.way.shape[1]))
    way[row] = people.way[class_]
    profile = np.arange(len(zone))
    own = _People(np.zeros(0, int), profile, nobody, count, zone, way)
    one = np.zeros(1, int)
    kind = _Sites(
        one, np.array([n_groups]), one, count[:, None], 0 * count[:, None], sites.least,
        sites.greatest,
    )  # fmt: skip
    travel = _Travel(own, kind, np.ones((1, way.shape[1]), bool))
    travel.tighten()
    answer = travel.model.searched(travel.cost, nodes=MAX_NODES, gap=PRICE)
    return None if answer is None else travel.plan(answer).groups[0]


def _dealt_out(people: _People, sites: _Sites, plan: _Plan) -> tuple[np.ndarray, np.ndarray]:
    """Group of each person and zone of each group; equal groups get like numbers."""
    zone = np.full(len(sites.of_group), -1)
    group_of = np.full(len(people.of_person), -1)
    waiting = _members(people)
    for site, own in enumerate(plan.groups):
        groups = np.flatnonzero(sites.of_group == site)
        zone[groups] = np.repeat(np.arange(len(own)), own)
        for place in np.flatnonzero(own):
            here = np.flatnonzero((plan.site == site) & (plan.zone == place))
            seated = [next(waiting[plan.class_[i]]) for i in here for _ in range(plan.number[i])]
            nodes = groups[zone[groups] == place]
            group_of[seated] = nodes[np.arange(len(seated)) % len(nodes)]
    return group_of, zone


def _members(people: _People) -> list[Iterator[int]]:
    """Persons of each class, in their order."""
    ends = np.cumsum(people.count)[:-1]
    return [iter(own) for own in np.split(np.argsort(people.of_person, kind="stable"), ends)]
