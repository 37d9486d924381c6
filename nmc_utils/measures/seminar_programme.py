"""The choice of one family's groups, with a proven bound.

The relaxation gives a first bound, a quick search a first plan; where they lie too far apart, the
full search brings them together.
"""

from __future__ import annotations

from dataclasses import replace
from math import floor

import numpy as np

from nmc_utils.measures.flow_models import TOLERANCE
from nmc_utils.measures.seminar_family import Choice, Family, Found
from nmc_utils.measures.seminar_model import GroupModel, seats_of
from nmc_utils.measures.seminar_relaxation import COMPACT, FEW_KINDS, Relaxation, relaxed

#: The search for a family ends once its plan is proven to lie within this share of the best one.
GAP = 1e-3
#: Nodes of branch and bound for one family. A limit of time would tie the plan to the machine.
MAX_NODES = 400
#: The quick search takes seats that lose at most this much in the relaxation, and few nodes.
QUICK_LOSS = 1.0
QUICK_NODES = 30
#: Seats that the full search covers.
FULL_SEATS = 8_000
#: A plan of probabilities of less than this utility is searched until nothing better can exist.
SMALL = 50.0


class _Steps:
    """Utilities that plans of a family can have."""

    def __init__(self, family: Family) -> None:
        self.size = 0.0
        cost = family.rules.cost
        if np.isin(family.needs, (0, 1)).all():
            # Whole numbers less multiples of the cost a/b, so multiples of 1/b.
            whole = (b for b in range(1, 21) if abs(cost * b - round(cost * b)) < 1e-12)
            self.size = 1 / next(whole, np.inf)

    def rounded_down(self, bound: float) -> float:
        """Return the greatest utility that the bound leaves possible."""
        if not self.size:
            return bound + TOLERANCE
        return floor((bound + TOLERANCE) / self.size) * self.size

    def close_enough(self, bound: float) -> float:
        """How far below the bound a plan may stay."""
        if not self.size:
            return GAP * bound if bound > SMALL else TOLERANCE
        return floor(GAP * abs(bound) / self.size) * self.size


def best_choice(family: Family, *, quick: bool = False) -> Found:
    """Choose groups, seats and leaders of one family.

    With more than `FEW_KINDS` kinds a full search would take minutes and prove little: there is
    none, and the gap says what that leaves open.

    Parameters
    ----------
    family
        People, kinds of groups, leaders and rules.
    quick
        Do without the full search: the bound is that of the relaxation.

    Raises
    ------
    ValueError
        A named group with pinned persons cannot reach the least size or has no leader.
    """
    values, steps = family.values, _Steps(family)
    must = family.kinds.least
    plan = _seated(family, must, seats_of(family) & (must > 0), steps)
    if plan is None:
        raise ValueError(_why_pins_fail(family, steps))
    if not seats_of(family).any():
        return Found(plan, 0.0, np.zeros(values.shape, bool))
    root = relaxed(family, values)
    bound = steps.rounded_down(root.priced.bound)
    for search in (_quick_groups, _full_groups):
        utility = float((plan.seats * values).sum())
        if bound - utility <= steps.close_enough(bound) + TOLERANCE:
            break
        if search is _full_groups and (quick or len(family.kinds) > FEW_KINDS):
            break
        groups, proven = search(family, root, plan, steps)
        better = _seated(family, groups, seats_of(family) & (groups > 0), steps, root)
        plan = max(plan, better, key=lambda choice: (choice.seats * values).sum())
        # A claim that a plan at hand disproves is an error of the solver: it proves nothing.
        if (plan.seats * values).sum() <= proven + TOLERANCE:
            bound = min(bound, steps.rounded_down(proven))
    utility = float((plan.seats * values).sum())
    reachable = root.priced.loss <= root.priced.bound - utility + 2 * TOLERANCE
    return Found(plan, max(bound, utility), reachable | (plan.seats > 0))


def _quick_groups(
    family: Family, root: Relaxation, plan: Choice, steps: _Steps
) -> tuple[np.ndarray, float]:
    """Search among the kinds that the relaxation opens and their cheapest seats."""
    opened = (root.fractions.groups > TOLERANCE) | (plan.groups > 0)
    seats = (root.priced.loss <= QUICK_LOSS) & opened | (plan.seats > 0)
    model = GroupModel(family, seats, root.fractions.binding & seats)
    groups, _ = model.whole(family.values, plan, nodes=QUICK_NODES, gap=steps.size, around=True)
    return groups, root.priced.bound


def _full_groups(
    family: Family, root: Relaxation, plan: Choice, steps: _Steps
) -> tuple[np.ndarray, float]:
    """Search wherever a plan better than this one can be; return a bound of such plans.

    A better plan beats this one by a step, so it uses no seat that loses more than `spare`. Of a
    large family less is searched: plans that use the other seats are bounded by their loss.
    """
    utility = float((plan.seats * family.values).sum())
    spare = root.priced.bound - utility - steps.size + 2 * TOLERANCE
    loss = root.priced.loss[root.priced.loss <= spare]
    if len(loss) > FULL_SEATS:
        spare = np.partition(loss, FULL_SEATS)[FULL_SEATS]
    seats = (root.priced.loss < spare) | (plan.seats > 0)
    # Utilities lie on steps: a bound less than a step above the tolerated one comes down to it.
    tolerated = steps.close_enough(utility) + max(0.0, steps.size - 2 * TOLERANCE)
    model = GroupModel(family, seats, root.fractions.binding & seats)
    groups, bound = model.whole(family.values, plan, nodes=MAX_NODES, gap=tolerated, around=False)
    return groups, max(bound, utility, root.priced.bound - spare)


def _seated(
    family: Family,
    groups: np.ndarray,
    seats: np.ndarray,
    steps: _Steps,
    root: Relaxation | None = None,
) -> Choice | None:
    """Best seats and leaders for given numbers of groups, in whole numbers.

    Of equally useful ones those that cover more deficits: a bonus too small to outweigh a step.
    """
    most = family.counts.sum() * max(family.needed.max(initial=0), 1)
    values = family.values + steps.size / (4 * most + 1) * family.needed
    nothing = np.zeros(seats.shape, bool)
    part = seats
    if root is not None and seats.sum() > COMPACT:
        part = seats & (root.priced.loss <= QUICK_LOSS)
    while True:
        found = GroupModel(family, part, nothing, groups).seated(values)
        if found is None and part is seats:
            return None
        wanted = seats & ~part
        if found is not None:
            wanted &= found[1] > TOLERANCE
            if not wanted.any():
                return found[0]
        part = part | wanted


def _why_pins_fail(family: Family, steps: _Steps) -> str:
    """Name the first group that its pinned persons cannot have beside those before it."""
    kinds = family.kinds
    groups = np.zeros(len(kinds), int)
    for kind in np.flatnonzero(kinds.least):
        groups[kind] = 1
        seats = family.allowed & (groups > 0)
        # Those who are pinned to later groups wait until it is their turn.
        counts = np.where(family.is_pinned & ~seats.any(axis=1), 0, family.counts)
        led = replace(family, counts=counts)
        unled = replace(led, leaders=None)
        if _seated(unled, groups, seats, steps) is None:
            why = f"cannot reach the least size of {family.rules.least} persons"
            break
        if _seated(led, groups, seats & seats_of(led), steps) is None:
            why = "finds no leader"
            break
    name = family.last_groups.ids[kinds.last[kind]]
    return f"group {name!r}, which has pinned persons, {why}"
