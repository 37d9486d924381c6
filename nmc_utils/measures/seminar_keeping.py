"""Seminar groups after a change: the plan of equal worth that moves the fewest people.

A last group lives on in at most one new group, which takes over its label. Whoever sits there and
sat in the last one stays; everybody else of the last plan moves.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from math import floor

import numpy as np
from scipy.optimize import linear_sum_assignment

from nmc_utils.measures.flow_models import PRICE, TOLERANCE, Answer, FlowModel
from nmc_utils.measures.seminar_family import Choice, Family, Found

#: Nodes of branch and bound for one family. A limit of time would tie the plan to the machine.
MAX_NODES = 200
#: A full search takes models up to so many columns: larger ones keep the bound of the relaxation.
MAX_COLUMNS = 2_000
#: Nodes of the quick search around the relaxation and the first stage's choice.
QUICK_NODES = 10
#: It takes no kind and no label that the relaxation opens to a lesser share than this one and
#: that would move more than so many persons.
SHARE, QUICK_LOSS = 1e-2, 0.05


@dataclass(frozen=True)
class Kept:
    """A choice and what of the last plan lives on in it."""

    choice: Choice
    kind_of: np.ndarray
    """Last group: kind of the group that takes over its label, −1 where it is gone."""
    stays: np.ndarray
    """Profile × last group: persons who stay in it."""
    bound: int
    """Proven: under no choice of at least this utility do more persons stay."""

    @property
    def n_kept(self) -> int:
        """Persons who stay."""
        return int(self.stays.sum())


def kept(family: Family, found: Found, utility: float, *, quick: bool = False) -> Kept:
    """Of all choices of at least this utility the one under which the most people stay.

    Parameters
    ----------
    family
        With `last` and `last_groups`.
    found
        What the first stage chose: the start, so that nothing is lost to it.
    utility
        Of `found.choice`.
    quick
        Give the last labels to the groups of the first stage and search no further: the bound is
        everyone who had a group.

    Returns
    -------
    Kept
        `n_kept` may fall short of `bound` where the model has more than `MAX_COLUMNS` columns or
        the search ended at `MAX_NODES`.

    Notes
    -----
    Maximise Σ h(p, s, k), persons of profile p and last group s who stay in a group of kind k that
    has its label, u(s, k) ∈ {0, 1}: Σ_k u(s, k) ≤ 1, Σ_s u(s, k) ≤ n(k), h(p, s, k) ≤
    count(p, s)·u(s, k), least·u(s, k) ≤ Σ_p h(p, s, k) + f(s, k) ≤ greatest·u(s, k) with f the
    others in it, and what is left of the seats of a kind fits its other groups. The first stage's
    conditions hold, and Σ values·x ≥ utility. Once n and u are fixed and the seats are of the
    greatest utility, x and h are a flow in a network, so a vertex has whole numbers.
    """
    model = _Keeping(family, found, utility)
    groups, labels = found.choice.groups, _best_labels(family, found.choice)
    plan = model.completed(groups, labels)
    if plan is None:
        plan = model.completed(groups, labels, seats=found.choice.seats)
    if quick:
        return model.kept(plan, float((family.last >= 0).sum()))
    root = model.bounded()
    bound = -root.bound
    if not model.is_proven(plan, bound):
        plan, _ = model.searched(plan, model.near(root, plan), QUICK_NODES)
    for all_whole in (False, True):
        if model.is_proven(plan, bound) or model.n_columns > MAX_COLUMNS:
            break
        plan, proven = model.searched(plan, model.everything(all_whole), MAX_NODES)
        bound = min(bound, proven)
    return model.kept(plan, bound)


def _best_labels(family: Family, choice: Choice) -> np.ndarray:
    """Kind of the group that takes over each last label: the one with most of its people in it.

    An assignment; people whom two groups of a kind could both keep are counted for both.
    """
    n_labels, kinds = len(family.last_groups.ids), family.kinds
    survivors = np.zeros((len(family.counts), n_labels))
    profile, last, count = _survivors(family)
    survivors[profile, last] = count
    opened = np.repeat(np.arange(len(kinds)), choice.groups)
    gain = np.array(
        [np.minimum(survivors, choice.seats[:, [kind]]).sum(axis=0) for kind in opened]
    ).reshape(-1, n_labels)
    gain = np.where(_may_take(family)[:, opened].T, gain, 0)
    group, label = linear_sum_assignment(gain, maximize=True)
    labels = np.full(n_labels, -1)
    useful = gain[group, label] > 0
    labels[label[useful]] = opened[group[useful]]
    return labels


def _may_take(family: Family) -> np.ndarray:
    """Last group × kind: a group of the kind may take over the label.

    The label of a named group is its own kind's alone, and a named kind has no other label.
    """
    own = family.kinds.last
    label = np.arange(len(family.last_groups.ids))[:, None]
    is_named = np.isin(label, own)
    return np.where(is_named, own == label, own < 0)


class _Keeping:
    """The model of `kept`, minimising minus the persons who stay."""

    def __init__(self, family: Family, found: Found, utility: float) -> None:
        self.family, self.utility = family, utility
        self.model = FlowModel()
        self._people(found)
        self._labels()
        self._leaders()
        n = len(self.model.lower)
        self.cost, self.worth, self.cover = np.zeros(n), np.zeros(n), np.zeros(n)
        self.cost[self.stay] = -1
        self.worth[self.seat] = family.values[self.profile, self.kind]
        self.cover[self.seat] = family.needed[self.profile, self.kind]
        valued = (0, self.seat, self.worth[self.seat])
        self.model.rows(1, utility - TOLERANCE, np.inf, valued)

    def _people(self, found: Found) -> None:
        """Seats and groups, and the first stage's conditions on them."""
        family, model = self.family, self.model
        kinds, rules = family.kinds, family.rules
        n_profiles, n_kinds = found.reachable.shape
        self.profile, self.kind = np.nonzero(found.reachable & family.allowed)
        self.seat = model.columns(len(self.profile), family.counts[self.profile])
        self.group = model.columns(n_kinds, kinds.most, lower=kinds.least, whole=True)
        fewest = np.where(family.is_pinned, family.counts, 0)
        model.rows(n_profiles, fewest, family.counts, (self.profile, self.seat, 1))
        every = np.arange(n_kinds)
        in_kind = (self.kind, self.seat, 1)
        model.rows(n_kinds, 0, np.inf, in_kind, (every, self.group, -rules.least))
        model.rows(n_kinds, -np.inf, 0, in_kind, (every, self.group, -rules.greatest))
        rare = np.flatnonzero(family.counts[self.profile] < rules.greatest)
        tied = (
            np.arange(len(rare)),
            self.group[self.kind[rare]],
            -family.counts[self.profile[rare]],
        )
        model.rows(len(rare), -np.inf, 0, (np.arange(len(rare)), self.seat[rare], 1), tied)
        for before, after in _order_of_opening(family):
            terms = (0, self.group[after], 1), (0, self.group[before], -kinds.most[after])
            model.rows(1, -np.inf, 0, *terms)

    def _labels(self) -> None:
        """Labels that live on, who stays and who joins, and how all fit the groups of a kind."""
        family, model, rules = self.family, self.model, self.family.rules
        n_kinds = len(family.kinds)
        profile, last, count = _survivors(family)
        seat_of = np.full((len(family.counts), n_kinds), -1)
        seat_of[self.profile, self.kind] = self.seat
        pair, kind = np.nonzero((seat_of[profile] >= 0) & _may_take(family)[last])
        living, own = np.unique(np.c_[last[pair], kind], axis=0, return_inverse=True)
        own = own.ravel()
        self.living, n_living = living, len(living)
        label, label_kind = living.T
        self.stay_profile, self.stay_label = profile[pair], last[pair]
        self.lives = model.columns(n_living, 1, whole=True)
        self.stay = model.columns(len(pair), count[pair])
        self.joining = model.columns(n_living, rules.greatest)
        stay, every = self.stay, np.arange(len(self.stay))
        model.rows(len(stay), -np.inf, 0, (every, stay, 1), (every, self.lives[own], -count[pair]))
        used, row = np.unique(seat_of[self.stay_profile, kind], return_inverse=True)
        mine = (np.arange(len(used)), used, -1)
        model.rows(len(used), -np.inf, 0, (row.ravel(), stay, 1), mine)
        model.rows(len(family.last_groups.ids), 0, 1, (label, self.lives, 1))
        each = np.arange(n_living)
        size = (own, stay, 1), (each, self.joining, 1)
        model.rows(n_living, 0, np.inf, *size, (each, self.lives, -rules.least))
        model.rows(n_living, -np.inf, 0, *size, (each, self.lives, -rules.greatest))
        every_kind = np.arange(n_kinds)
        living_of = (label_kind, self.lives, 1)
        model.rows(n_kinds, -np.inf, 0, living_of, (every_kind, self.group, -1))
        others = [
            (self.kind, self.seat, 1),
            (kind, stay, -1),
            (label_kind, self.joining, -1),
        ]
        for size, low, high in ((rules.least, 0, np.inf), (rules.greatest, -np.inf, 0)):
            unnamed = (every_kind, self.group, -size), (label_kind, self.lives, size)
            model.rows(n_kinds, low, high, *others, *unnamed)

    def _leaders(self) -> None:
        leaders, kinds = self.family.leaders, self.family.kinds
        self.class_ = self.led_kind = self.led = np.zeros(0, int)
        if leaders is None:
            return
        self.class_, self.led_kind = np.nonzero(leaders.allowed(kinds))
        self.led = self.model.columns(len(self.class_), leaders.capacity[self.class_])
        every = np.arange(len(kinds))
        self.model.rows(len(kinds), 0, 0, (self.led_kind, self.led, 1), (every, self.group, -1))
        self.model.rows(len(leaders.capacity), 0, leaders.capacity, (self.class_, self.led, 1))

    @property
    def n_columns(self) -> int:
        """Columns of the model."""
        return len(self.cost)

    def bounded(self) -> Answer:
        """Relax the model."""
        return self.model.bounded(self.cost)

    def near(self, root: Answer, plan: np.ndarray) -> FlowModel:
        """Return the model with the kinds and labels that cost the relaxation next to nothing."""
        whole = np.concatenate([self.group, self.lives])
        is_shut = (root.values[whole] < SHARE) & (root.reduced_cost[whole] > QUICK_LOSS)
        return self.model.restricted(whole[is_shut & (plan[whole] == 0)], 0)

    def everything(self, all_whole: bool) -> FlowModel:
        """Return the whole model; people are whole by themselves or by demand."""
        model = copy(self.model)
        if all_whole:
            model.whole = np.ones(self.n_columns, bool)
        return model

    def n_kept(self, plan: np.ndarray) -> int:
        """Persons who stay."""
        return int(plan[self.stay].sum())

    def is_proven(self, plan: np.ndarray, bound: float) -> bool:
        """No more than this plan's people can stay, their number being whole."""
        return floor(bound + TOLERANCE) <= self.n_kept(plan)

    def completed(
        self, groups: np.ndarray, labels: np.ndarray, *, seats: np.ndarray | None = None
    ) -> np.ndarray | None:
        """Greatest utility, then most who stay, then most covered, in whole numbers.

        `groups` by kind and the kind of each last label are given, `seats` may be. None where the
        utility cannot be reached.
        """
        lives = labels[self.living[:, 0]] == self.living[:, 1]
        model = self.model.restricted(self.group, groups).restricted(self.lives, lives)
        if seats is not None:
            model = model.restricted(self.seat, seats[self.profile, self.kind])
        answer = model.least_in_turn([-self.worth, self.cost, -self.cover])
        return self._sound(answer)

    def searched(self, plan: np.ndarray, model: FlowModel, nodes: int) -> tuple[np.ndarray, float]:
        """Search for a plan under which more stay; return the best and how many can at most."""
        answer = model.searched(self.cost, nodes=nodes, gap=0.999, start=plan)
        opened = np.concatenate([self.group, self.lives])
        chosen = self.model.restricted(opened, np.round(answer.values[opened]))
        better = self._sound(chosen.least_in_turn([-self.worth, self.cost, -self.cover]))
        if better is None or self.n_kept(better) < floor(TOLERANCE - answer.objective):
            traded = self._traded(chosen)
            better = max(
                (p for p in (better, traded) if p is not None), key=self.n_kept, default=plan
            )
        return max(plan, better, key=self.n_kept), -answer.bound

    def _traded(self, model: FlowModel) -> np.ndarray | None:
        """Most who stay where utility may fall to the first stage's; whole by search."""
        model = copy(model)
        model.whole = np.ones(len(model.whole), bool)
        most = self.family.counts.sum() * np.abs(self.worth).max()
        cost = self.cost - self.worth / (2 * most + 1)
        answer = model.searched(cost, nodes=MAX_NODES, gap=TOLERANCE)
        return None if answer is None else self._sound(answer.values)

    def _sound(self, values: np.ndarray | None) -> np.ndarray | None:
        """In whole numbers; None where the utility is lost or they are not whole."""
        if values is None or np.abs(values - np.round(values)).max() > TOLERANCE:
            return None
        plan = np.round(values)
        loss = self.utility - self.worth @ plan
        return plan if loss <= PRICE * max(1.0, self.utility) else None

    def kept(self, plan: np.ndarray, bound: float) -> Kept:
        """Return what the columns say."""
        family = self.family
        n_kinds, n_labels = len(family.kinds), len(family.last_groups.ids)
        seats = np.zeros((len(family.counts), n_kinds), int)
        seats[self.profile, self.kind] = plan[self.seat]
        groups = plan[self.group].astype(int)
        n_classes = 0 if family.leaders is None else len(family.leaders.deficits)
        led = np.zeros((n_classes, n_kinds), int)
        led[self.class_, self.led_kind] = plan[self.led]
        stays = np.zeros((len(family.counts), n_labels), int)
        np.add.at(stays, (self.stay_profile, self.stay_label), plan[self.stay].astype(int))
        kind_of = np.full(n_labels, -1)
        living = self.living[plan[self.lives] > 0]
        kind_of[living[:, 0]] = living[:, 1]
        kind_of[stays.sum(axis=0) == 0] = -1
        named = np.flatnonzero((family.kinds.last >= 0) & (groups > 0))
        kind_of[family.kinds.last[named]] = named
        bound = max(floor(bound + TOLERANCE), self.n_kept(plan))
        return Kept(Choice(seats, groups, led), kind_of, stays, bound)


def _survivors(family: Family) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Profile, last group and number of the people who had one."""
    has_last = family.last >= 0
    pairs = np.c_[family.profile_of, family.last][has_last]
    pairs, count = np.unique(pairs, axis=0, return_counts=True)
    return pairs[:, 0], pairs[:, 1], count


def _order_of_opening(family: Family) -> list[tuple[int, int]]:
    """Kinds that open before others: a group that is only forbidden, and others of its topics.

    So a ban cannot be dodged by a group of equal topics under another name.
    """
    kinds = family.kinds
    first = np.flatnonzero((kinds.last >= 0) & (kinds.least == 0))
    return [
        (before, after)
        for before in first
        for after in np.flatnonzero((kinds.topics == kinds.topics[before]).all(axis=1))
        if kinds.last[after] < 0
    ]
