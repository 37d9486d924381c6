"""Seminar groups: who should learn together, on which topics, led by whom.

People of one family (subject) with equal profiles of deficits are interchangeable, so a plan is a
flow of profiles into topic sets, with a whole number of groups for each set. HiGHS finds it and
proves how good a plan could be at best.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from math import isfinite

import numpy as np
import pandas as pd

from nmc_utils.measures.seminar_programme import (
    Choice,
    LeaderClasses,
    Rules,
    best_choice,
    values_of,
)

#: Ten domains already take minutes for 12 000 persons.
MAX_DOMAINS = 8
#: Families that are planned at the same time.
THREADS = 4

#: Why a person is without a group, in the order in which the reasons are tried.
REASONS = {
    "no_deficit": "Дефицитов не выявлено: группа не требуется.",
    "family_too_small": "В предметной группе меньше людей, чем нужно для одной группы.",
    "no_leader": "Нет ведущего, у которого есть свободная нагрузка и нет этих же дефицитов.",
    "groups_full": "Группы, в которых участие повысило бы критерий, заполнены.",
    "no_gain": "Ни в одной из составленных групп участие не повысило бы критерий.",
}

#: A column of strings stays one when everything in it is missing.
_TEXT = pd.StringDtype(na_value=np.nan)

#: Family of everyone when no families are given.
EVERYONE = "all"


@dataclass(frozen=True)
class SeminarPlan:
    """Seminar groups and how close to the best they provably are.

    Attributes
    ----------
    members
        `person_id`, `group_id`, `reason`; every person once, by `person_id`. Without a group
        `group_id` is missing and `reason` is a key of `REASONS`.
    groups
        `group_id`, `family`, `topics` (tuple of domains), `size` (persons), `leader_id` (missing
        when no leaders were given).
    covered
        Deficits (person × domain) that are a topic of the person's group.
    coverage
        `covered` as a share of all deficits; 1 when there is none, as none is left uncovered.
    precision
        `covered` as a share of the seats (person × topic); 1 when there is none, as none is wasted.
    utility
        `covered` less `unneeded_cost` for every other seat.
    bound
        Proven: no plan under the same conditions has a greater utility.
    gap
        (bound − utility) / bound, 0 when the bound is 0.
    """

    members: pd.DataFrame
    groups: pd.DataFrame
    covered: int
    coverage: float
    precision: float
    utility: float
    bound: float
    gap: float


def seminar_groups(
    deficits: pd.DataFrame,
    family: pd.Series | None = None,
    *,
    size: tuple[int, int] = (12, 25),
    topics: int = 3,
    leaders: pd.DataFrame | None = None,
    unneeded_cost: float = 0.5,
) -> SeminarPlan:
    """Groups of people with similar deficits that have the greatest utility, within a proven gap.

    A family is planned from its own people and leaders alone: other families change nothing in it,
    nor does the order of rows. People without deficits may complete a group, at a cost. Where
    equal utility leaves a choice of members, more deficits are covered.

    Parameters
    ----------
    deficits
        `person_id` × domain: 1 where the person has a deficit, else 0. Everyone is assessed in
        every domain, of which there are at most `MAX_DOMAINS`. Without persons the plan is empty.
    family
        Family by `person_id`, strings. Without it everyone is one family, `EVERYONE`.
    size
        Least and greatest number of persons in a group.
    topics
        Greatest number of topics of a group.
    leaders
        `leader_id`, `family` (only where `family` is given), `max_groups`, `deficits` (tuple of
        domains). A leader leads groups of the own family, at most `max_groups` of them, and none
        on a topic of an own deficit. Other columns are not read. Without it leaders set no limit.
    unneeded_cost
        What a seat on a topic that the member does not need costs; a needed one brings 1.

    Returns
    -------
    SeminarPlan
        Its gap is at most `GAP` unless the search of a family ended at `MAX_NODES`.

    Raises
    ------
    ValueError
        An argument is not as described; the message names the person, the leader or the value.

    Notes
    -----
    Maximise Σ x(p, T)·value(p, T), p a profile and T a topic set, under Σ_T x(p, T) ≤ count(p),
    least·n(T) ≤ Σ_p x(p, T) ≤ greatest·n(T), x(p, T) ≤ count(p)·n(T), n(T) whole. Leaders with
    equal deficits are a class c that leads y(c, T) groups, Σ_c y(c, T) = n(T). Once n is fixed,
    x and y are transportation problems, so the simplex method ends in whole numbers (Hoffman and
    Kruskal 1956). Columns whose reduced cost in the relaxation exceeds the difference between its
    value and a known plan are left out: no better plan uses them (Dantzig, Fulkerson and Johnson
    1954).
    """
    if not len(deficits):
        return _joined([], 0, unneeded_cost)
    deficits = _checked_deficits(deficits)
    rules = _rules(deficits.columns, size, topics, unneeded_cost)
    leaders = None if leaders is None else _checked_leaders(leaders, family, deficits.columns)
    families = _checked_family(family, deficits.index)
    tasks = [
        (name, persons, None if leaders is None else leaders[leaders["family"] == name], rules)
        for name, persons in deficits.groupby(families, sort=True)
    ]
    # HiGHS runs outside the interpreter's lock; the number of threads changes no result.
    with ThreadPoolExecutor(THREADS) as pool:
        plans = list(pool.map(lambda task: _plan_family(*task), tasks))
    return _joined(plans, int(deficits.to_numpy().sum()), unneeded_cost)


# --- what was asked -----------------------------------------------------------------------------


def _rules(domains: pd.Index, size: tuple[int, int], topics: int, cost: float) -> Rules:
    least, greatest = size
    if not (_is_whole(least) and _is_whole(greatest) and 1 <= least <= greatest):
        raise ValueError(f"size must be two whole numbers, 1 ≤ least ≤ greatest, got {size}")
    if not (_is_whole(topics) and topics >= 1):
        raise ValueError(f"topics must be a whole number of at least 1, got {topics}")
    if not (isfinite(cost) and cost >= 0):
        raise ValueError(f"unneeded_cost must be a finite number of at least 0, got {cost}")
    n = len(domains)
    if n > MAX_DOMAINS:
        raise ValueError(f"{n} domains: a bound can be proven for at most {MAX_DOMAINS}")
    chosen = [set_ for k in range(1, min(topics, n) + 1) for set_ in combinations(range(n), k)]
    sets = np.array([np.isin(range(n), set_) for set_ in chosen], dtype=int).reshape(-1, n)
    return Rules(int(least), int(greatest), float(cost), sets)


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _checked_deficits(deficits: pd.DataFrame) -> pd.DataFrame:
    for what, labels in (("person", deficits.index), ("domain", deficits.columns)):
        if labels.hasnans:
            raise ValueError(f"the name of a {what} is missing in deficits")
        if labels.has_duplicates:
            twice = labels[labels.duplicated()].tolist()[0]
            raise ValueError(f"{what} {twice!r} occurs twice in deficits")
    if deficits.columns.empty:
        raise ValueError(f"nothing to plan by: {len(deficits)} persons and no domain")
    wrong = ~deficits.isin([0, 1]).to_numpy(bool)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        value = deficits.iloc[row].tolist()[column]
        person, domain = deficits.index.tolist()[row], deficits.columns.tolist()[column]
        where = f"person {person!r} in domain {domain!r}"
        if pd.isna(value):
            raise ValueError(f"{where} was not assessed: the deficit is missing")
        raise ValueError(f"{where}: a deficit must be 0 or 1, got {value!r}")
    return deficits.sort_index().astype(int)


def _checked_family(family: pd.Series | None, persons: pd.Index) -> np.ndarray:
    if family is None:
        return np.full(len(persons), EVERYONE, dtype=object)
    if family.index.has_duplicates:
        twice = family.index[family.index.duplicated()][0]
        raise ValueError(f"person {twice!r} occurs twice in family")
    names = family.astype(object).reindex(persons)
    for person, name in names.items():
        if not isinstance(name, str):
            raise ValueError(f"family of person {person!r} must be a string, got {name!r}")
    return names.to_numpy()


def _checked_leaders(
    leaders: pd.DataFrame, family: pd.Series | None, domains: pd.Index
) -> pd.DataFrame:
    if family is None and "family" in leaders:
        raise ValueError("leaders have a family but persons have none: give `family` as well")
    columns = ["leader_id", "family", "max_groups", "deficits"]
    if family is None:
        leaders = leaders.assign(family=EVERYONE)
    for column in columns:
        if column not in leaders:
            raise ValueError(f"leaders lack the column {column!r}")
    if leaders["leader_id"].isna().any():
        raise ValueError("a leader_id is missing")
    twice = leaders["leader_id"][leaders["leader_id"].duplicated()]
    if len(twice):
        raise ValueError(f"leader {twice.iloc[0]!r} occurs twice")
    for leader in leaders[columns].itertuples(index=False):
        _check_leader(leader, domains)
    own = [tuple(sorted({domains.get_loc(domain) for domain in d})) for d in leaders["deficits"]]
    return leaders[columns].assign(deficits=own).sort_values("leader_id")


def _check_leader(leader: tuple, domains: pd.Index) -> None:
    name, family, max_groups, deficits = leader
    if not isinstance(family, str):
        raise ValueError(f"family of leader {name!r} must be a string, got {family!r}")
    if not (isfinite(max_groups) and max_groups >= 0 and max_groups == int(max_groups)):
        raise ValueError(f"max_groups of leader {name!r} must be a whole number, got {max_groups}")
    if not isinstance(deficits, tuple | list | set | frozenset):
        raise ValueError(f"deficits of leader {name!r} must be a tuple, got {deficits!r}")
    for domain in deficits:
        if domain not in domains:
            raise ValueError(f"leader {name!r} has a deficit in an unknown domain {domain!r}")


# --- one family ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _FamilyPlan:
    members: pd.DataFrame
    groups: pd.DataFrame
    covered: int
    seats: int
    bound: float


def _plan_family(
    name: str, persons: pd.DataFrame, leaders: pd.DataFrame | None, rules: Rules
) -> _FamilyPlan:
    """Plan one family: fold people into profiles, choose groups, deal people and leaders out."""
    profiles, profile, counts = np.unique(
        persons.to_numpy(), axis=0, return_inverse=True, return_counts=True
    )
    classes = None if leaders is None else _leader_classes(leaders, rules)
    choice, bound = best_choice(profiles, counts, classes, rules)
    seat = _deal(profile.ravel(), choice)
    topics = [tuple(persons.columns[set_ == 1]) for set_ in rules.topic_sets[choice.opened]]
    width = max(2, len(str(len(topics))))
    ids = np.array([f"{name}-{number:0{width}d}" for number in range(1, len(topics) + 1)], object)
    groups = pd.DataFrame({"group_id": ids, "family": name, "topics": topics})
    groups["size"] = np.bincount(seat[seat >= 0], minlength=len(ids))
    groups["leader_id"] = _assigned_leaders(leaders, choice)
    reasons = _reasons(profiles, counts, choice, classes, rules)
    members = pd.DataFrame({"person_id": persons.index})
    members["group_id"] = [ids[group] if group >= 0 else None for group in seat]
    members["reason"] = [
        None if group >= 0 else reasons[p] for group, p in zip(seat, profile.ravel(), strict=True)
    ]
    covered = int((choice.seats * (profiles @ rules.topic_sets.T)).sum())
    seats = int((choice.seats * rules.topic_sets.sum(1)).sum())
    return _FamilyPlan(members, groups, covered, seats, bound)


def _leader_classes(leaders: pd.DataFrame, rules: Rules) -> LeaderClasses:
    capacity = leaders.groupby("deficits")["max_groups"].sum().astype(int)
    allowed = [~rules.topic_sets[:, list(own)].any(axis=1) for own in capacity.index]
    allowed = np.array(allowed, bool).reshape(-1, len(rules.topic_sets))
    return LeaderClasses(list(capacity.index), capacity.to_numpy(), allowed)


def _deal(profile: np.ndarray, choice: Choice) -> np.ndarray:
    """Group of each person, −1 for none; groups of one topic set get like mixes of profiles."""
    seat = np.full(len(profile), -1)
    waiting = [iter(np.flatnonzero(profile == p)) for p in range(len(choice.seats))]
    first = 0
    for set_ in np.flatnonzero(choice.groups):
        people = [
            next(waiting[p])
            for p in np.flatnonzero(choice.seats[:, set_])
            for _ in range(choice.seats[p, set_])
        ]
        n_groups = choice.groups[set_]
        seat[people] = first + np.arange(len(people)) % n_groups
        first += n_groups
    return seat


def _assigned_leaders(leaders: pd.DataFrame | None, choice: Choice) -> list[object]:
    """Leader of each group; within a class whoever leads the fewest so far."""
    if leaders is None:
        return [None] * int(choice.groups.sum())
    turns = [_turns(own) for _, own in leaders.groupby("deficits")]
    return [
        next(turns[class_])
        for set_ in np.flatnonzero(choice.groups)
        for class_ in np.flatnonzero(choice.led[:, set_])
        for _ in range(choice.led[class_, set_])
    ]


def _turns(leaders: pd.DataFrame) -> Iterator[object]:
    """Everyone's first group, then the second of those who lead two, and so on."""
    for turn in range(int(leaders["max_groups"].max())):
        yield from leaders.loc[leaders["max_groups"] > turn, "leader_id"]


def _reasons(
    profiles: np.ndarray,
    counts: np.ndarray,
    choice: Choice,
    classes: LeaderClasses | None,
    rules: Rules,
) -> list[str]:
    """Why a person of each profile would be without a group."""
    gains = values_of(profiles, rules)[:, choice.groups > 0].max(axis=1, initial=0) > 0
    leadable = np.ones(len(profiles), bool)
    if classes is not None:
        free = classes.capacity > choice.led.sum(axis=1)
        lack = [np.isin(range(profiles.shape[1]), own) for own in classes.deficits]
        lack = np.array(lack, bool).reshape(-1, profiles.shape[1])[free]
        leadable = (profiles @ ~lack.T).any(axis=1)
    conditions = [
        ~profiles.any(axis=1),
        np.full(len(profiles), counts.sum() < rules.least),
        ~leadable,
        gains,
    ]
    return list(np.select(conditions, list(REASONS)[:-1], list(REASONS)[-1]))


def _joined(plans: Sequence[_FamilyPlan], n_deficits: int, cost: float) -> SeminarPlan:
    nobody = pd.DataFrame({"person_id": pd.Series(dtype=_TEXT), "group_id": None, "reason": None})
    none = pd.DataFrame(columns=["group_id", "family", "topics", "size", "leader_id"])
    members = pd.concat([plan.members for plan in plans] or [nobody]).sort_values("person_id")
    members = members.astype({"group_id": _TEXT, "reason": _TEXT})
    groups = pd.concat([plan.groups for plan in plans] or [none], ignore_index=True)
    groups = groups.astype({"group_id": _TEXT, "family": _TEXT, "size": int, "leader_id": object})
    covered = sum(plan.covered for plan in plans)
    seats = sum(plan.seats for plan in plans)
    utility = covered - cost * (seats - covered)
    # Sums of floats differ in the last digit with the order of their terms.
    bound = max(utility, sum(plan.bound for plan in plans))
    return SeminarPlan(
        members=members.reset_index(drop=True),
        groups=groups,
        covered=covered,
        coverage=covered / n_deficits if n_deficits else 1.0,
        precision=covered / seats if seats else 1.0,
        utility=utility,
        bound=bound,
        gap=(bound - utility) / bound if bound else 0.0,
    )
