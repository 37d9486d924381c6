"""Seminar groups: who should learn together, on which topics, led by whom, where.

People of one family (subject) with equal needs are interchangeable, so a plan is a flow of
profiles into topic sets, with a whole number of groups for each set. HiGHS finds it and proves how
good a plan could be at best. `seminar_request` checks what was asked, `seminar_programme` chooses
the groups, `seminar_keeping` keeps what it can of the last plan, `seminar_places` seats people,
`seminar_reasons` says what binds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nmc_utils.measures.seminar_family import Family
from nmc_utils.measures.seminar_keeping import kept
from nmc_utils.measures.seminar_places import Seating, seated
from nmc_utils.measures.seminar_programme import best_choice
from nmc_utils.measures.seminar_reasons import explained
from nmc_utils.measures.seminar_request import Request, families_of

#: Families that are planned at the same time.
THREADS = 4

#: A column of strings stays one when everything in it is missing.
_TEXT = pd.StringDtype(na_value=np.nan)


@dataclass(frozen=True)
class Grouping:
    """Who is in which group: all that another plan needs of the last one.

    Attributes
    ----------
    members
        `person_id`, `group_id`, `reason`; every person once, by `person_id`. Without a group
        `group_id` is missing and `reason` is a key of `seminar_reasons.REASONS`.
    groups
        `group_id`, `family`, `zone` (where the group meets, missing without zones), `topics` (tuple
        of domains), `size` (persons), `leader_id` (missing when no leaders were given).
    """

    members: pd.DataFrame
    groups: pd.DataFrame


@dataclass(frozen=True)
class SeminarPlan(Grouping):
    """Seminar groups and how close to the best they provably are.

    Attributes
    ----------
    covered
        Deficits (person × domain) that are a topic of the person's group, or the sum of their
        probabilities.
    coverage
        `covered` as a share of all deficits; 1 when there is none, as none is left uncovered.
    precision
        `covered` as a share of the seats (person × topic); 1 when there is none, as none is wasted.
    utility
        `covered` less `unneeded_cost` for every other seat.
    bound
        Proven: no plan under the same conditions has a greater utility.
    gap
        (bound − utility) / |bound|, 0 when the bound is 0.
    moved
        Persons with a group in `previous` whose group is another now, or none.
    moved_bound
        Proven: no plan of at least this utility moves fewer.
    notes
        What binds, one Russian sentence each.
    """

    covered: float
    coverage: float
    precision: float
    utility: float
    bound: float
    gap: float
    moved: int = 0
    moved_bound: int = 0
    notes: tuple[str, ...] = ()


def seminar_groups(
    deficits: pd.DataFrame,
    family: pd.Series | None = None,
    zone: pd.Series | None = None,
    size: tuple[int, int] = (12, 25),
    topics: int = 3,
    leaders: pd.DataFrame | None = None,
    unneeded_cost: float = 0.5,
    distances: pd.DataFrame | None = None,
    fixed: pd.DataFrame | None = None,
    previous: Grouping | None = None,
    *,
    barred: Mapping[str, Iterable] | None = None,
    quick: bool = False,
) -> SeminarPlan:
    """Groups of people with similar deficits that have the greatest utility, within a proven gap.

    A family is planned from its own people and leaders alone: other families change nothing in it,
    nor does the order of rows. People without deficits may complete a group, at a cost. Where
    equal utility leaves a choice, the last plan's groups are kept, then ways are short. Of plans
    with the same groups that keep as many, the one that covers more deficits is taken where they
    are 0 or 1 and `unneeded_cost` is a fraction with a denominator of at most 20; else nothing is
    promised of it.

    Parameters
    ----------
    deficits
        `person_id` × domain: 1 where the person has a deficit, else 0; or its probability. Everyone
        is assessed in every domain. Without persons the plan is empty.
    family
        Family by `person_id`, strings. Without it everyone is one family, `EVERYONE`.
    zone
        Where a person lives or works, strings by `person_id`; who has none is at home everywhere.
    size
        Least and greatest number of persons in a group.
    topics
        Greatest number of topics of a group. There are at most `MAX_DOMAINS` domains, and at most
        `MAX_TOPIC_SETS` sets of so many of them.
    leaders
        `leader_id`, `family` (only where `family` is given), `max_groups`, `deficits` (tuple of
        domains), optional `zone`. A leader leads groups of the own family, at most `max_groups` of
        them, and none on a topic of an own deficit. Without it leaders set no limit.
    unneeded_cost
        What a seat on a topic that the member does not need costs; a needed one brings 1. A
        deficit of probability p brings p − unneeded_cost·(1 − p).
    distances
        Zone × zone, from a person's (row) to a group's (column), of any unit; without it 1 between
        different zones. Distances never lower the utility.
    fixed
        `person_id`, `group_id` of `previous`, `pinned`: True where the person must be in the group,
        False where not. A group with pinned persons opens with its topics. One that is named in
        bans alone keeps its topics when it opens; without it no new or other group of exactly its
        topics opens, except one that is named here itself.
    previous
        The last plan. Its groups are kept as far as no utility is lost.
    barred
        By family, domains that are no topic of its groups.
    quick
        Answer a what-if: the search is short, and the gap that it leaves is in the plan.

    Returns
    -------
    SeminarPlan
        Its gap is at most `seminar_programme.GAP` unless the search of a family ended at
        `MAX_NODES`, was quick, or was left out for more than `FEW_KINDS` kinds of groups, which
        twelve domains have at three topics.

    Raises
    ------
    ValueError
        An argument is not as described, or a group cannot hold those who are pinned to it; the
        message names the person, the leader, the group or the value.

    Notes
    -----
    Maximise Σ x(p, T)·value(p, T), p a profile and T a topic set, under Σ_T x(p, T) ≤ count(p),
    least·n(T) ≤ Σ_p x(p, T) ≤ greatest·n(T), x(p, T) ≤ count(p)·n(T), n(T) whole. Leaders with
    equal deficits are a class c that leads y(c, T) groups, Σ_c y(c, T) = n(T). Once n is fixed,
    x and y are transportation problems, so the simplex method ends in whole numbers (Hoffman and
    Kruskal 1956). The bound is Lagrangian: at any prices π of persons and μ of leaders no plan
    exceeds Σ π + Σ μ when no group brings more than its members' and its leader's prices. Seats
    whose loss at these prices exceeds the difference between the bound and a known plan are left
    out: no better plan uses them (Dantzig, Fulkerson and Johnson 1954).
    """
    if previous is not None and not isinstance(previous, Grouping):
        raise ValueError(f"previous must be a plan, got {type(previous).__name__}")
    families = families_of(
        Request(
            deficits,
            family,
            zone,
            size,
            topics,
            leaders,
            unneeded_cost,
            distances,
            fixed,
            previous,
            barred,
        )
    )
    taken = frozenset() if previous is None else frozenset(previous.groups["group_id"])
    domains = deficits.columns
    # HiGHS runs outside the interpreter's lock; the number of threads changes no result.
    with ThreadPoolExecutor(THREADS) as pool:
        plans = list(pool.map(lambda own: _plan_family(own, domains, taken, quick), families))
    return _joined(plans, previous, unneeded_cost)


# --- one family ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _FamilyPlan:
    members: pd.DataFrame
    groups: pd.DataFrame
    covered: float
    needed: float
    seats: int
    bound: float
    kept_bound: int
    notes: tuple[str, ...]


def _plan_family(
    family: Family, domains: pd.Index, taken: frozenset[str], quick: bool
) -> _FamilyPlan:
    """Choose groups, keep what can be kept of the last ones, seat people and leaders."""
    found = best_choice(family, quick=quick)
    choice, held = found.choice, None
    if family.last is not None and len(family.last_groups.ids):
        utility = float((choice.seats * family.values).sum())
        held = kept(family, found, utility, quick=quick)
        choice = held.choice
    seating = seated(family, choice, held)
    ids = _group_ids(family, seating, taken)
    topics = [tuple(domains[own]) for own in family.kinds.topics[seating.kind]]
    groups = pd.DataFrame({"group_id": ids, "family": family.name})
    groups["zone"] = _named(seating.zone, family.zones)
    groups["topics"] = pd.Series(topics, groups.index, object)
    groups["size"] = np.bincount(seating.group_of[seating.group_of >= 0], minlength=len(ids))
    groups["leader_id"] = _named(
        seating.leader, () if family.leaders is None else family.leaders.ids
    )
    reasons, notes = explained(family, found, choice)
    members = pd.DataFrame({"person_id": family.person_ids})
    members["group_id"] = _named(seating.group_of, ids)
    members["reason"] = np.where(seating.group_of >= 0, None, reasons[family.profile_of])
    return _FamilyPlan(
        members=members,
        groups=groups,
        covered=(choice.seats * family.needed).sum(),
        needed=family.counts @ family.needs.sum(axis=1),
        seats=int((choice.seats * family.kinds.topics.sum(axis=1)).sum()),
        bound=found.bound,
        kept_bound=0 if held is None else held.bound,
        notes=notes,
    )


def _named(position: np.ndarray, names: Sequence) -> np.ndarray:
    """Names at these positions, None at −1."""
    return np.array([*names, None], object)[position]


def _group_ids(family: Family, seating: Seating, taken: frozenset[str]) -> np.ndarray:
    """Ids of the last plan for groups that live on, new ones for the others."""
    n = len(seating.kind)
    width = max(2, len(str(n)))
    numbered = (f"{family.name}-{i:0{width}d}" for i in range(1, n + len(taken) + 1))
    new = (name for name in numbered if name not in taken)
    labels = seating.label
    return np.array([next(new) if s < 0 else family.last_groups.ids[s] for s in labels], object)


# --- all families -------------------------------------------------------------------------------


def _joined(plans: Sequence[_FamilyPlan], previous: Grouping | None, cost: float) -> SeminarPlan:
    nobody = pd.DataFrame({"person_id": pd.Series(dtype=_TEXT), "group_id": None, "reason": None})
    none = pd.DataFrame(columns=["group_id", "family", "zone", "topics", "size", "leader_id"])
    members = pd.concat([plan.members for plan in plans] or [nobody]).sort_values("person_id")
    members = members.astype({"group_id": _TEXT, "reason": _TEXT}).reset_index(drop=True)
    groups = pd.concat([plan.groups for plan in plans] or [none], ignore_index=True)
    text = dict.fromkeys(["group_id", "family", "zone"], _TEXT)
    groups = groups.astype(text | {"size": int, "leader_id": object})
    covered = sum(plan.covered for plan in plans)
    needed = sum(plan.needed for plan in plans)
    seats = sum(plan.seats for plan in plans)
    utility = float(covered - cost * (seats - covered))
    # Sums of floats differ in the last digit with the order of their terms.
    bound = max(utility, sum(plan.bound for plan in plans))
    n_before, moved = _moved(members, previous)
    return SeminarPlan(
        members=members,
        groups=groups,
        covered=covered.item() if isinstance(covered, np.generic) else covered,
        coverage=float(covered / needed) if needed else 1.0,
        precision=float(covered / seats) if seats else 1.0,
        utility=utility,
        bound=bound,
        gap=(bound - utility) / abs(bound) if bound else 0.0,
        moved=moved,
        moved_bound=n_before - sum(plan.kept_bound for plan in plans),
        notes=tuple(note for plan in plans for note in plan.notes),
    )


def _moved(members: pd.DataFrame, previous: Grouping | None) -> tuple[int, int]:
    """Persons of now who had a group, and those of them who are not in it any more."""
    if previous is None:
        return 0, 0
    last = previous.members.set_index("person_id")["group_id"].reindex(members["person_id"])
    had = last.notna().to_numpy()
    stays = (last.to_numpy(object) == members["group_id"].to_numpy(object)) & had
    return int(had.sum()), int(had.sum() - stays.sum())
