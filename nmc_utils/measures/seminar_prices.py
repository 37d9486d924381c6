"""Bounds of a family's utility from prices of persons, leaders and groups.

Any prices prove a bound: a plan brings what its persons, leaders and groups cost and what its
groups have left over beyond that, and the best group of a kind at given prices is its 25 best
members. Good prices make the bound close.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nmc_utils.measures.seminar_family import Family
from nmc_utils.measures.seminar_model import (
    Prices,
    leadable,
    most_groups,
    seats_of,
    waiting,
)

#: A value below every other: nobody is seated for it.
NEVER = -1e6
#: What may be left over in a group whose members' prices have been raised.
CRUMB = 1e-9


@dataclass(frozen=True)
class Priced:
    """What prices prove."""

    bound: float
    """No choice has a greater utility."""
    loss: np.ndarray
    """Profile × kind: a choice that uses the seat stays below the bound by at least this much."""
    excess: np.ndarray
    """Kind: what its best group has left over at these prices."""
    best: np.ndarray
    """Profile × kind: bool; members of the best group."""


@dataclass(frozen=True)
class BestGroups:
    """The best group of each kind at given prices; kinds come first in every array."""

    worth: np.ndarray
    """Kind × profile: what a member brings beyond the own price."""
    members: np.ndarray
    """Kind × place: profile."""
    taken: np.ndarray
    """Kind × place: persons of it."""
    total: np.ndarray
    """Kind: worth of all members."""

    @property
    def edge(self) -> np.ndarray:
        """Kind: what makes room for another member, the last seat's worth or, if free, nothing."""
        own = np.take_along_axis(self.worth, self.members, axis=1)
        return np.where(self.taken > 0, own, np.inf).min(axis=1)


def best_groups(family: Family, values: np.ndarray, price: np.ndarray) -> BestGroups:
    """Fill a group of each kind with those who bring most beyond their price."""
    least, greatest = family.rules.least, family.rules.greatest
    worth = np.where(family.allowed, values - price[:, None], NEVER).T.copy()
    n_places = min(greatest, worth.shape[1])
    members = np.argpartition(-worth, n_places - 1, axis=1)[:, :n_places]
    own = np.take_along_axis(worth, members, axis=1)
    order = np.argsort(-own, axis=1, kind="stable")
    members, own = (np.take_along_axis(part, order, axis=1) for part in (members, own))
    taken = _taken(own, family.counts[members], least, greatest)
    total = (own * taken).sum(axis=1)
    total += NEVER * (least - taken.sum(axis=1)).clip(min=0)
    return BestGroups(worth, members, taken, total)


def _taken(worth: np.ndarray, counts: np.ndarray, least: int, greatest: int) -> np.ndarray:
    """Persons in the best group of people in falling order of worth, along the last axis."""
    before = np.cumsum(counts, axis=-1) - counts
    return np.clip(np.where(worth > 0, greatest, least) - before, 0, counts)


def rents(family: Family, prices: Prices) -> np.ndarray:
    """Kind: what a group must bring to be worth its leader and its place."""
    leader = prices.leader if family.leaders is not None else np.zeros(1)
    rent = np.where(leadable(family), leader[:, None], -NEVER).min(axis=0, initial=-NEVER)
    rent = rent + prices.group
    plain, named = waiting(family).T
    np.add.at(rent, plain, prices.turn)
    np.add.at(rent, named, -most_groups(family) * prices.turn)
    return rent


def outlay(family: Family, prices: Prices) -> float:
    """Price of all persons, leaders and places."""
    total = family.counts @ prices.person + most_groups(family) * prices.group
    if family.leaders is not None:
        total += family.leaders.capacity @ prices.leader
    return float(total)


def priced(family: Family, values: np.ndarray, prices: Prices) -> Priced:
    """Evaluate prices: the bound and the loss of each seat."""
    groups = best_groups(family, values, prices.person)
    excess = groups.total - rents(family, prices)
    plain, must = family.kinds.last < 0, family.kinds.least > 0
    bound = outlay(family, prices) + most_groups(family) * excess[plain].max(initial=0)
    bound += np.where(must, excess, np.maximum(excess, 0))[~plain].sum()
    reserve = np.where(must, 0, np.maximum(-excess, 0))
    full = groups.taken.sum(axis=1) >= family.rules.greatest
    edge = np.where(full, groups.edge, np.minimum(groups.edge, 0))
    loss = (reserve[:, None] + np.maximum(edge[:, None] - groups.worth, 0)).T
    best = np.zeros(groups.worth.shape, bool)
    np.put_along_axis(best, groups.members, groups.taken > 0, axis=1)
    return Priced(float(bound), np.where(seats_of(family), loss, np.inf), excess, best.T)


def mended(family: Family, values: np.ndarray, prices: Prices) -> Prices:
    """Raise prices of persons until hardly anything is left over in a group."""
    person, rent = prices.person.copy(), rents(family, prices)
    excess = best_groups(family, values, person).total - rent
    for kind in np.argsort(-excess, kind="stable"):
        if excess[kind] > 0 and family.kinds.last[kind] < 0:
            own = np.flatnonzero(family.allowed[:, kind])
            person[own] = _raised(family, values[own, kind], own, person[own], rent[kind])
    return replace(prices, person=person)


def _raised(
    family: Family, values: np.ndarray, own: np.ndarray, person: np.ndarray, rent: float
) -> np.ndarray:
    """Prices of these persons at which the best group of one kind brings no more than its rent."""
    rules = family.rules
    person = person.copy()
    for _ in range(50):
        worth = values - person
        best = np.argsort(-worth, kind="stable")[: rules.greatest]
        taken = _taken(worth[best], family.counts[own[best]], rules.least, rules.greatest)
        left_over = worth[best] @ taken - rent
        if left_over <= CRUMB or taken.sum() < rules.least:
            break
        person[best[taken > 0]] += left_over / taken.sum()
    return person
