"""Relaxation of one family's groups: fractions of groups, and prices that prove a bound.

The simplex method solves it on a part of the seats that grows until the bound is close. With more
kinds than that is fit for, steepest descent finds prices, and the simplex method fractions among
the kinds that matter at these prices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nmc_utils.measures.seminar_family import Family
from nmc_utils.measures.seminar_model import (
    Fractions,
    GroupModel,
    Prices,
    leadable,
    most_groups,
    seats_of,
    waiting,
)
from nmc_utils.measures.seminar_prices import (
    BestGroups,
    Priced,
    best_groups,
    mended,
    outlay,
    priced,
    rents,
)

#: Seats (profile × kind) up to which the relaxation is solved at once.
COMPACT = 24_000
#: Kinds up to which it is solved in rounds, which end within this share of the bound.
FEW_KINDS = 250
CLOSE = 1e-4
ROUNDS = 30
#: Kinds on which everyone may sit in the first round.
FIRST_KINDS = 6
#: Steps of the descent: how far below the best bound it aims at first and at last, how many
#: steps without success halve that, and how many there are at most.
FIRST_AIM, LAST_AIM = 0.05, 2e-4
PATIENCE, STEPS = 15, 1_000
#: Part of the last step's direction in the next one, and of the past in averages.
MOMENTUM, MEMORY = 0.7, 0.97
#: A penalty is doubled where so large a part of it is used.
TIGHT = 0.8
#: Kinds of fewer groups than this, and seats that lose more than this at the prices of the
#: descent, are left out of the fractions.
RARE, MATTERS = 0.02, 0.5
#: As many seats of a profile are left in them, and those that lose as little as the last of these.
CHEAPEST = 8


@dataclass(frozen=True)
class Relaxation:
    """Fractions, and what the best prices prove."""

    fractions: Fractions
    priced: Priced


def relaxed(family: Family, values: np.ndarray) -> Relaxation:
    """Solve the relaxation of a family, or come close to it."""
    seats = seats_of(family)
    if seats.sum() <= COMPACT and len(family.kinds) <= FEW_KINDS:
        fractions = _fractions(family, values, seats)
        return Relaxation(fractions, priced(family, values, fractions.prices))
    if len(family.kinds) <= FEW_KINDS:
        return _in_rounds(family, values, seats)
    return _by_descent(family, values, seats)


def _fractions(family: Family, values: np.ndarray, seats: np.ndarray) -> Fractions:
    tied = seats & (family.counts < family.rules.greatest)[:, None]
    return GroupModel(family, seats, tied).fractions(values)


def _in_rounds(family: Family, values: np.ndarray, seats: np.ndarray) -> Relaxation:
    """Solve over a part of the seats, add those of groups that pay at its prices, and again."""
    part = seats & _first_seats(family, values)
    best: Priced | None = None
    for _ in range(ROUNDS):
        fractions = _fractions(family, values, part)
        proven = priced(family, values, mended(family, values, fractions.prices))
        if best is None or proven.bound < best.bound:
            best = proven
        if best.bound - fractions.utility <= CLOSE * abs(best.bound):
            break
        now = priced(family, values, fractions.prices)
        part |= seats & now.best & (now.excess > 0)
    return Relaxation(fractions, best)


def _first_seats(family: Family, values: np.ndarray) -> np.ndarray:
    """Profile × kind: seats on the kinds to which a person brings most, and all named ones."""
    n = min(FIRST_KINDS, values.shape[1])
    best = np.argsort(-np.where(family.allowed, values, -np.inf), axis=1, kind="stable")[:, :n]
    part = np.zeros(values.shape, bool)
    np.put_along_axis(part, best, True, axis=1)
    return part | (family.kinds.last >= 0)


def _by_descent(family: Family, values: np.ndarray, seats: np.ndarray) -> Relaxation:
    prices, groups = _descended(family, values)
    best = priced(family, values, mended(family, values, prices))
    opened = (groups > RARE) | (family.kinds.last >= 0)
    cheapest = np.where(opened, best.loss, np.inf)
    n = min(CHEAPEST, values.shape[1])
    limit = np.partition(cheapest, n - 1, axis=1)[:, n - 1 : n].clip(max=MATTERS)
    part = seats & opened & (cheapest <= limit)
    part |= seats & (family.kinds.last >= 0)
    fractions = _fractions(family, values, part)
    return Relaxation(fractions, best)


def _descended(family: Family, values: np.ndarray) -> tuple[Prices, np.ndarray]:
    """Prices near the best ones, and about how many groups of each kind these support.

    Polyak's steps (1969) with momentum minimise the outlay plus, for every kind, what its best
    group has left over times `limit`: an exact penalty where the optimum has no more groups of the
    kind than that.
    """
    kinds, counts = family.kinds, family.counts
    lead = leadable(family)
    load = np.zeros(0) if family.leaders is None else family.leaders.capacity.astype(float)
    stock = np.concatenate([counts, [most_groups(family)], load]).astype(float)
    free = np.concatenate([family.is_pinned, np.zeros(1 + len(load), bool)])
    n, must, no_turn = len(counts), kinds.least > 0, np.zeros(len(waiting(family)))
    limit = np.ones(len(kinds))
    point = np.concatenate([0.6 * values.max(axis=1).clip(min=0), np.zeros(1 + len(load))])
    lowest, at_lowest, aim, failed = np.inf, point, FIRST_AIM, 0
    direction, average = np.zeros(len(point)), np.zeros(len(kinds))
    for _ in range(STEPS):
        prices = Prices(point[:n], point[n], point[n + 1 :], no_turn)
        groups = best_groups(family, values, prices.person)
        excess = groups.total - rents(family, prices)
        opened = limit * (must | (excess > 0))
        height = outlay(family, prices) + opened @ excess
        failed = 0 if height < lowest * (1 - LAST_AIM / 2) else failed + 1
        if height < lowest:
            lowest, at_lowest = height, point
        slope = stock - _used(groups, opened, lead, prices, len(stock))
        slope[n] = 0
        slope[(point <= 0) & (slope > 0) & ~free] = 0
        average = MEMORY * average + (1 - MEMORY) * opened
        if failed >= PATIENCE:
            aim, failed, direction, point = aim / 2, 0, np.zeros(len(point)), at_lowest
            if aim < LAST_AIM:
                break
            tight = (average > TIGHT * limit) & (kinds.last < 0)
            if tight.any():
                limit, lowest = np.where(tight, 2 * limit, limit), np.inf
            continue
        direction = slope + MOMENTUM * direction
        length = (height - lowest * (1 - aim)) / max(direction @ direction, 1e-12)
        point = point - length * direction
        point = np.where(free, point, np.maximum(point, 0))
    prices = Prices(at_lowest[:n], at_lowest[n], at_lowest[n + 1 :], no_turn)
    return prices, average


def _used(
    groups: BestGroups, opened: np.ndarray, lead: np.ndarray, prices: Prices, n_stock: int
) -> np.ndarray:
    """Persons, places and leaders that the best groups take, each kind opened so many times."""
    n = len(prices.person)
    used = np.zeros(n_stock)
    np.add.at(used, groups.members.ravel(), (groups.taken * opened[:, None]).ravel())
    used[n] = opened.sum()
    if len(prices.leader):
        cheapest = np.where(lead, prices.leader[:, None], np.inf).argmin(axis=0)
        np.add.at(used, n + 1 + cheapest, opened)
    return used
