"""The linear and integer programmes of one family's groups, over some of its seats.

Columns are seats (profile × kind), groups (kind), led (leader class × kind) and the number of all
groups, whose branching narrows a search most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nmc_utils.measures.flow_models import TOLERANCE, FlowModel
from nmc_utils.measures.seminar_family import Choice, Family

#: Repeated searches of neighbourhoods cost more than they bring. Presolve stays on: without it
#: HiGHS 1.15 calls plans of some small families optimal that are not.
_SEARCH_OPTIONS = {"mip_heuristic_run_rins": False}


@dataclass(frozen=True)
class Prices:
    """What the relaxation would pay for one more of each, all in utility."""

    person: np.ndarray
    """Profile; may be negative where everyone is pinned."""
    group: float
    """Of the number of all groups."""
    leader: np.ndarray
    """Class."""
    turn: np.ndarray
    """Pair of `waiting`: of the topic set's right to open."""


@dataclass(frozen=True)
class Fractions:
    """Optimum of the relaxation over the seats of a model."""

    utility: float
    groups: np.ndarray
    """Kind."""
    prices: Prices
    binding: np.ndarray
    """Profile × kind: seats whose limit by the number of groups has a price."""


def most_groups(family: Family) -> int:
    """Groups that people, and leaders, suffice for."""
    most = int(family.counts.sum()) // family.rules.least
    if family.leaders is not None:
        most = min(most, int(family.leaders.capacity.sum()))
    return most


def leadable(family: Family) -> np.ndarray:
    """Class × kind: the class may lead it and has a load left to give; one class without leaders.

    Without leaders every kind can be led.
    """
    if family.leaders is None:
        return np.ones((1, len(family.kinds)), bool)
    has_load = family.leaders.capacity > 0
    return family.leaders.allowed(family.kinds) & has_load[:, None]


def seats_of(family: Family) -> np.ndarray:
    """Profile × kind: bool; seats that anyone could take."""
    return family.allowed & leadable(family).any(axis=0)


def waiting(family: Family) -> np.ndarray:
    """Pairs of a topic set and a named group of these topics that must open before it.

    Otherwise a ban from the named group could be dodged by opening the same under a new name.
    """
    kinds = family.kinds
    free = np.flatnonzero((kinds.last >= 0) & (kinds.least == 0))
    same = (kinds.topics[:, None] == kinds.topics[free]).all(axis=2) & (kinds.last < 0)[:, None]
    plain, named = np.nonzero(same)
    return np.column_stack([plain, free[named]])


class GroupModel:
    """Groups of a family over some seats, its groups whole, fractional or given.

    Parameters
    ----------
    seats
        Profile × kind, bool: the others stay empty, and so do kinds without any.
    tied
        Profile × kind, bool: seats to limit by count·groups. Whole numbers of groups obey this
        anyway, but it brings the relaxation close.
    groups
        Kind: given numbers of groups.
    """

    def __init__(
        self, family: Family, seats: np.ndarray, tied: np.ndarray, groups: np.ndarray | None = None
    ) -> None:
        kinds, rules, counts = family.kinds, family.rules, family.counts
        self.family = family
        self.kind = np.flatnonzero(seats.any(axis=0) | (kinds.least > 0))
        self.row, self.of_kind = np.nonzero(seats[:, self.kind])
        self.cell = (self.row, self.kind[self.of_kind])
        n_kinds, flow = len(self.kind), FlowModel()
        most = most_groups(family)
        low, high = kinds.least[self.kind], np.minimum(kinds.most[self.kind], most)
        if groups is not None:
            low = high = groups[self.kind]
            most = int(low.sum())
        self.seat = flow.columns(len(self.row))
        self.group = flow.columns(n_kinds, high, lower=low, whole=True)
        self.total = flow.columns(1, most, whole=True)
        every = np.arange(n_kinds)
        self.person_rows = np.arange(len(counts))
        flow.rows(len(counts), counts * family.is_pinned, counts, (self.row, self.seat, 1))
        filled = (self.of_kind, self.seat, 1)
        flow.rows(n_kinds, -np.inf, 0, filled, (every, self.group, -rules.greatest))
        flow.rows(n_kinds, 0, np.inf, filled, (every, self.group, -rules.least))
        self.size_rows = len(counts) + np.arange(2 * n_kinds).reshape(2, -1)
        flow.rows(1, 0, 0, (0, self.group, 1), (0, self.total, -1))
        self.n_rows = len(counts) + 2 * n_kinds + 1
        self._lead(flow)
        self._wait(flow, most, groups)
        self._tie(flow, tied)
        self.flow = flow

    def _lead(self, flow: FlowModel) -> None:
        """Leaders of a class lead what they may, up to the load of the class."""
        self.class_, self.led_kind = np.zeros(0, int), np.zeros(0, int)
        self.capacity_rows = np.zeros(0, int)
        if self.family.leaders is not None:
            self.class_, self.led_kind = np.nonzero(leadable(self.family)[:, self.kind])
        self.led = flow.columns(len(self.class_))
        if self.family.leaders is None:
            return
        n_kinds, capacity = len(self.kind), self.family.leaders.capacity
        every = (np.arange(n_kinds), self.group, -1)
        flow.rows(n_kinds, 0, 0, (self.led_kind, self.led, 1), every)
        flow.rows(len(capacity), 0, capacity, (self.class_, self.led, 1))
        self.n_rows += n_kinds + len(capacity)
        self.capacity_rows = np.arange(self.n_rows - len(capacity), self.n_rows)

    def _wait(self, flow: FlowModel, most: int, groups: np.ndarray | None) -> None:
        """Open a topic set only beside the named groups that it must not replace."""
        pairs = waiting(self.family)
        self.turn_rows, self.pair = np.zeros(0, int), np.zeros(0, int)
        if groups is not None or not len(pairs):
            return
        place = np.full(len(self.family.kinds), -1)
        place[self.kind] = self.group
        self.pair = np.flatnonzero(place[pairs[:, 0]] >= 0)
        plain, named = place[pairs[self.pair]].T
        n, has_named = len(self.pair), named >= 0
        rows = np.arange(n)
        flow.rows(
            n, -np.inf, 0, (rows, plain, 1), (rows[has_named], named[has_named], -most)
        )  # fmt: skip
        self.turn_rows = self.n_rows + rows
        self.n_rows += n

    def _tie(self, flow: FlowModel, tied: np.ndarray) -> None:
        own = np.flatnonzero(tied[self.cell])
        counts = self.family.counts[self.row[own]]
        rows = np.arange(len(own))
        groups = (rows, self.group[self.of_kind[own]], -counts)
        flow.rows(len(own), -np.inf, 0, (rows, self.seat[own], 1), groups)
        self.tied_cell = (self.row[own], self.kind[self.of_kind[own]])

    def cost(self, values: np.ndarray) -> np.ndarray:
        """Objective for these values of seats (profile × kind)."""
        cost = np.zeros(len(self.flow.lower))
        cost[self.seat] = -values[self.cell]
        return cost

    def fractions(self, values: np.ndarray) -> Fractions:
        """Solve the relaxation."""
        answer = self.flow.relaxed(self.cost(values))
        if answer is None:
            raise RuntimeError("the relaxation of a family has no solution")
        free = ~self.family.is_pinned
        person = -answer.row_dual[self.person_rows]
        person = np.where(free, np.maximum(person, 0), person)
        turn = np.zeros(len(waiting(self.family)))
        turn[self.pair] = np.maximum(-answer.row_dual[self.turn_rows], 0)
        n_classes = 0 if self.family.leaders is None else len(self.family.leaders.deficits)
        leader = np.zeros(n_classes)
        leader[:] = np.maximum(-answer.row_dual[self.capacity_rows], 0)
        prices = Prices(person, max(0.0, -answer.reduced_cost[self.total[0]]), leader, turn)
        binding = np.zeros(self.family.allowed.shape, bool)
        binding[self.tied_cell] = np.abs(answer.row_dual[self.n_rows :]) > TOLERANCE
        groups = np.zeros(len(self.family.kinds))
        groups[self.kind] = answer.values[self.group]
        return Fractions(-answer.objective, groups, prices, binding)

    def whole(
        self, values: np.ndarray, start: Choice, *, nodes: int, gap: float, around: bool
    ) -> tuple[np.ndarray, float]:
        """Search for whole numbers of groups; return them with a bound of the utility.

        `around` looks for plans in the neighbourhood of the relaxation.
        """
        known = np.zeros(len(self.flow.lower))
        known[self.seat] = start.seats[self.cell]
        known[self.group] = start.groups[self.kind]
        known[self.total] = start.groups.sum()
        known[self.led] = start.led[self.class_, self.kind[self.led_kind]]
        options = _SEARCH_OPTIONS | {
            "mip_heuristic_run_rens": around,
            "mip_heuristic_run_root_reduced_cost": around,
        }
        cost = self.cost(values)
        answer = self.flow.searched(cost, nodes=nodes, gap=gap, start=known, **options)
        groups = np.zeros(len(self.family.kinds), int)
        groups[self.kind] = np.round(answer.values[self.group])
        return groups, -answer.bound

    def seated(self, values: np.ndarray) -> tuple[Choice, np.ndarray] | None:
        """Seat people and leaders in given groups, in whole numbers.

        Returns
        -------
        tuple or None
            The choice, and what each seat of the family (profile × kind) would add to it, of which
            those outside the model may be positive; None where people or leaders do not suffice.
        """
        answer = self.flow.relaxed(self.cost(values))
        if answer is None:
            return None
        plan = np.round(answer.values)
        if np.abs(plan - answer.values).max(initial=0) > TOLERANCE:
            raise RuntimeError("a transportation problem ended in fractions")
        n_classes = 0 if self.family.leaders is None else len(self.family.leaders.deficits)
        seats = np.zeros(self.family.allowed.shape, int)
        groups = np.zeros(len(self.family.kinds), int)
        led = np.zeros((n_classes, len(groups)), int)
        seats[self.cell] = plan[self.seat]
        groups[self.kind] = plan[self.group]
        led[self.class_, self.kind[self.led_kind]] = plan[self.led]
        rent = np.zeros(len(groups))
        rent[self.kind] = answer.row_dual[self.size_rows].sum(axis=0)
        added = values + answer.row_dual[self.person_rows][:, None] + rent
        return Choice(seats, groups, led), added
