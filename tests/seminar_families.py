"""Families of people for tests of seminar groups, and a first stage by scipy's solver."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import sparse
from scipy.optimize import LinearConstraint, milp

from nmc_utils.measures.seminar_family import (
    Choice,
    Family,
    Found,
    Kinds,
    LastGroups,
    Leaders,
    Rules,
)

SMALL = Rules(2, 3, 0.5)


def topic_sets(n_domains: int, n_topics: int) -> np.ndarray:
    chosen = [c for k in range(1, n_topics + 1) for c in combinations(range(n_domains), k)]
    return np.array([np.isin(range(n_domains), c) for c in chosen], bool)


def family_of(
    needs: np.ndarray,
    *,
    rules: Rules = SMALL,
    topics: int = 2,
    leaders: Leaders | None = None,
    zone: np.ndarray | None = None,
    distances: np.ndarray | None = None,
    last: np.ndarray | None = None,
    last_leaders: tuple = (),
) -> Family:
    """Persons p00, p01, … by their rows; `last` is the group of each in the last plan, −1: none."""
    sets = topic_sets(needs.shape[1], topics)
    profiles, profile_of, counts = np.unique(needs, axis=0, return_inverse=True, return_counts=True)
    last_groups = None
    if last is not None:
        n_last = last.max(initial=-1) + 1
        names = np.array([f"g{i}" for i in range(n_last)], object)
        led = np.array([*last_leaders, *[None] * (n_last - len(last_leaders))], object)
        nowhere = np.full(n_last, -1)
        last_groups = LastGroups(names, np.zeros((n_last, needs.shape[1]), bool), led, nowhere)
    zero = np.zeros(len(sets), int)
    return Family(
        name="f",
        person_ids=np.array([f"p{i:02d}" for i in range(len(needs))], object),
        profile_of=profile_of.ravel(),
        needs=profiles,
        counts=counts,
        allowed=np.ones((len(profiles), len(sets)), bool),
        is_pinned=np.zeros(len(profiles), bool),
        kinds=Kinds(sets, zero, zero + len(needs) // rules.least, zero - 1),
        rules=rules,
        leaders=leaders,
        zone=zone,
        zones=() if distances is None else tuple("abcdefghij"[: len(distances)]),
        distances=distances,
        last=last,
        last_groups=last_groups,
    )


def way(family: Family, group_of: np.ndarray, zone: np.ndarray) -> float:
    """Way of all people to their groups; whose zone is unknown has none."""
    goes = (group_of >= 0) & (family.zone >= 0)
    return float(family.distances[family.zone[goes], zone[group_of[goes]]].sum())


def leaders_of(*rows: tuple, n_domains: int) -> Leaders:
    """Leaders of (id, load, zone, own deficits as a tuple of positions)."""
    own = sorted({row[3] for row in rows})
    return Leaders(
        ids=np.array([row[0] for row in rows], object),
        load=np.array([row[1] for row in rows]),
        zone=np.array([row[2] for row in rows]),
        class_of=np.array([own.index(row[3]) for row in rows]),
        deficits=np.array([np.isin(range(n_domains), d) for d in own], bool),
    )


def first_stage(family: Family) -> tuple[Found, float]:
    """A choice of the greatest utility, by scipy's solver; nothing is proven out of reach."""
    p, k = family.values.shape
    allowed = (
        np.zeros((0, k), bool) if family.leaders is None else family.leaders.allowed(family.kinds)
    )
    c = len(allowed)
    eye, ones = sparse.eye_array(k), np.ones((1, k))
    once = sparse.kron(sparse.eye_array(p), ones)
    of_kind = sparse.kron(np.ones((1, p)), eye)
    wide = lambda n: sparse.csc_array((n, c * k))  # noqa: E731
    rules, counts = family.rules, family.counts
    rows = [
        (sparse.hstack([once, sparse.csc_array((p, k)), wide(p)]),
         np.where(family.is_pinned, counts, 0), counts),
        (sparse.hstack([of_kind, -rules.least * eye, wide(k)]), 0, np.inf),
        (sparse.hstack([of_kind, -rules.greatest * eye, wide(k)]), -np.inf, 0),
    ]  # fmt: skip
    if c:
        led_kind = sparse.kron(np.ones((1, c)), eye)
        rows.append((sparse.hstack([sparse.csc_array((k, p * k)), -eye, led_kind]), 0, 0))
        led_class = sparse.kron(sparse.eye_array(c), ones)
        capacity = family.leaders.capacity
        rows.append((sparse.hstack([sparse.csc_array((c, p * k + k)), led_class]), 0, capacity))
    seats_at_most = np.where(family.allowed, counts[:, None], 0).ravel()
    upper = np.r_[seats_at_most, family.kinds.most, np.where(allowed, 99, 0).ravel()]
    lower = np.r_[np.zeros(p * k), family.kinds.least, np.zeros(c * k)]
    answer = milp(
        np.r_[-family.values.ravel(), np.zeros(k + c * k)],
        integrality=np.ones(len(upper)),
        bounds=(lower, upper),
        constraints=[LinearConstraint(sparse.csc_array(a), low, high) for a, low, high in rows],
        options={"mip_rel_gap": 0.0},
    )
    assert answer.success
    z = np.round(answer.x).astype(int)
    choice = Choice(z[: p * k].reshape(p, k), z[p * k : p * k + k], z[p * k + k :].reshape(c, k))
    utility = float((choice.seats * family.values).sum())
    return Found(choice, utility, family.allowed.copy()), utility
