"""Feasible plans of seminar groups that owe nothing to the optimiser under test."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import LinearConstraint, milp


@dataclass
class Draft:
    """A plan of one family as arrays."""

    group_of: np.ndarray
    """Person: group, −1 for none."""
    sets: list[int]
    """Group: topic set."""
    leaders: list[int]
    """Group: leader; all 0 without leaders."""


class Drafting:
    """Plans of one family of a request, built and improved by hand."""

    def __init__(self, request: dict, family: str) -> None:
        own = request["family"].reindex(request["deficits"].index) == family
        self.family, self.deficits = family, request["deficits"][own].sort_index()
        self.least, self.greatest = request["size"]
        domains, cost = self.deficits.columns, request["unneeded_cost"]
        barred = request.get("barred", {}).get(family, ())
        open_ = [domain for domain in domains if domain not in barred]
        sets = [c for k in range(request["topics"]) for c in combinations(open_, k + 1)]
        self.sets = np.array([domains.isin(set_) for set_ in sets])
        p = self.deficits.to_numpy(float)
        self.worth = (p - cost * (1 - p)) @ self.sets.T
        leaders = request.get("leaders")
        self.leader_ids, self.load = [None], np.array([len(p)])
        self.may_lead = np.ones((1, len(sets)), bool)
        if leaders is not None:
            leaders = leaders[leaders["family"] == family]
            self.leader_ids, self.load = (
                list(leaders["leader_id"]),
                leaders["max_groups"].to_numpy(),
            )
            may = [[not set(own) & set(set_) for set_ in sets] for own in leaders["deficits"]]
            self.may_lead = np.array(may, bool).reshape(len(leaders), len(sets))

    def utility(self, draft: Draft) -> float:
        """Utility, after the draft was found to obey the constraints."""
        sitting = np.flatnonzero(draft.group_of >= 0)
        sizes = np.bincount(draft.group_of[sitting], minlength=len(draft.sets))
        assert ((sizes >= self.least) & (sizes <= self.greatest)).all()
        assert self.may_lead[draft.leaders, draft.sets].all()
        assert all(self.load[leader] >= n for leader, n in Counter(draft.leaders).items())
        return self.worth[sitting, np.array(draft.sets, int)[draft.group_of[sitting]]].sum()

    def of_plan(self, plan) -> Draft:
        """The plan under test, as a draft."""
        groups = plan.groups[plan.groups["family"] == self.family]
        members = plan.members.set_index("person_id").loc[self.deficits.index, "group_id"]
        known = [tuple(row) for row in self.sets]
        led = [None if pd.isna(leader) else leader for leader in groups["leader_id"]]
        return Draft(
            pd.Index(groups["group_id"].astype(object)).get_indexer(members.astype(object)),
            [known.index(tuple(self.deficits.columns.isin(own))) for own in groups["topics"]],
            [self.leader_ids.index(leader) for leader in led],
        )

    def chunked(self, rng: np.random.Generator) -> Draft:
        """Sort people by profile, domains in random order, and cut the row into groups.

        Each group has its best topics and leader; groups that do not pay are left out.
        """
        order = np.lexsort(self.deficits.to_numpy()[:, rng.permutation(len(self.sets[0]))].T)
        fewest, most = -(-len(order) // self.greatest), len(order) // self.least
        draft, load = Draft(np.full(len(order), -1), [], []), self.load.copy()
        n = int(rng.integers(min(fewest, most), most + 1))
        for members in np.array_split(order[: n * self.greatest], n) if n else ():
            brings = np.where(self._open(load), self.worth[members].sum(axis=0), -np.inf)
            if brings.max(initial=0) > 0:
                self._add(draft, load, members, brings)
        return draft

    def greedy(self) -> Draft:
        """Again and again the group that brings the most, of those who are left."""
        draft, load = Draft(np.full(len(self.worth), -1), [], []), self.load.copy()
        left = np.arange(len(self.worth))
        while len(left) >= self.least:
            ranked = -np.sort(-self.worth[left], axis=0)[: self.greatest]
            ranked[self.least :] = np.maximum(ranked[self.least :], 0)
            brings = np.where(self._open(load), ranked.sum(axis=0), -np.inf)
            if brings.max(initial=0) <= 0:
                break
            worth = self.worth[left, brings.argmax() % brings.shape[1]]
            best = np.argsort(-worth, kind="stable")[: self.greatest]
            best = best[(np.arange(len(best)) < self.least) | (worth[best] > 0)]
            self._add(draft, load, left[best], brings)
            left = np.delete(left, best)
        return draft

    def _open(self, load: np.ndarray) -> np.ndarray:
        return self.may_lead & (load > 0)[:, None]

    def _add(self, draft: Draft, load: np.ndarray, members: np.ndarray, brings: np.ndarray) -> None:
        leader, set_ = np.unravel_index(brings.argmax(), brings.shape)
        draft.group_of[members] = len(draft.sets)
        draft.sets.append(int(set_))
        draft.leaders.append(int(leader))
        load[leader] -= 1

    def climbed(
        self,
        draft: Draft,
        rng: np.random.Generator,
        *,
        steps: int = 600,
        held: frozenset = frozenset(),
        kept_topics: frozenset = frozenset(),
    ) -> Draft:
        """Move and swap people and change topics at random wherever nothing is lost.

        `held` persons stay put; topic sets of `kept_topics` are neither left nor taken.
        """
        group_of, sets = draft.group_of.copy(), list(draft.sets)
        free = [i for i, person in enumerate(self.deficits.index) if person not in held]
        domains = self.deficits.columns
        named = np.array([frozenset(domains[set_]) in kept_topics for set_ in self.sets], bool)
        for _ in range(steps if sets and free else 0):
            person, target = int(rng.choice(free)), int(rng.integers(-1, len(sets)))
            others = [i for i in free if group_of[i] == target]
            self._moved(group_of, sets, person, target, rng.choice(others) if others else None)
            if target >= 0 and not named[sets[target]]:
                brings = self.worth[group_of == target].sum(axis=0)
                brings[~self.may_lead[draft.leaders[target]] | named] = -np.inf
                sets[target] = int(brings.argmax())
        return Draft(group_of, sets, draft.leaders)

    def _moved(
        self, group_of: np.ndarray, sets: list, person: int, target: int, other: int | None
    ) -> None:
        """Move a person to the target, or exchange places with the other, if nothing is lost."""
        source = group_of[person]
        sizes = np.bincount(group_of[group_of >= 0], minlength=len(sets))

        def gain(who: int, to: int) -> float:
            return (self.worth[who, sets[to]] if to >= 0 else 0.0) - (
                self.worth[who, sets[group_of[who]]] if group_of[who] >= 0 else 0.0
            )

        may_leave = source < 0 or sizes[source] > self.least
        may_come = target < 0 or sizes[target] < self.greatest
        if may_leave and may_come and gain(person, target) >= 0:
            group_of[person] = target
        elif other is not None and gain(person, target) + gain(other, source) >= 0:
            group_of[person], group_of[other] = target, source

    def by_plain_model(self, *, seconds: float) -> tuple[float, float]:
        """Utility of a plan that scipy's solver finds, and its own bound.

        Every person and every leader has columns of their own, and nothing is tightened.
        """
        (n, t), n_led = self.worth.shape, len(self.load)
        one, nothing = sparse.eye_array(t), sparse.csr_array
        once = sparse.kron(sparse.eye_array(n), np.ones((1, t)))
        of_set = sparse.kron(np.ones((1, n)), one)
        led = sparse.kron(sparse.eye_array(n_led), np.ones((1, t)))
        led_of_set = sparse.kron(np.ones((1, n_led)), one)
        rows = [
            (once, nothing((n, n_led * t)), -np.inf, 1),
            (nothing((n_led, n * t)), led, -np.inf, self.load),
            (of_set, -self.least * led_of_set, 0, np.inf),
            (of_set, -self.greatest * led_of_set, -np.inf, 0),
        ]
        answer = milp(
            np.r_[-self.worth.ravel(), np.zeros(n_led * t)],
            integrality=np.ones((n + n_led) * t),
            bounds=(0, np.r_[np.ones(n * t), np.where(self.may_lead, n, 0).ravel()]),
            constraints=[
                LinearConstraint(sparse.csc_array(sparse.hstack([seats, groups])), low, high)
                for seats, groups, low, high in rows
            ],
            options={"mip_rel_gap": 0.0, "time_limit": seconds},
        )
        assert answer.x is not None, answer.message
        return -answer.fun, -answer.mip_dual_bound
