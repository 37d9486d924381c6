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
from math import floor, isfinite

import highspy
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import sparse

#: The search for a family ends once its plan is proven to lie within this share of the best one.
GAP = 1e-3
#: Nodes of branch and bound for one family. A limit of time would tie the plan to the machine.
MAX_NODES = 400
#: Ten domains already take minutes for 12 000 persons.
MAX_DOMAINS = 8
#: The quick search takes columns that lose at most this much in the relaxation, and few nodes.
QUICK_LOSS = 1.0
QUICK_NODES = 30
#: Families that are planned at the same time.
THREADS = 4
#: Accuracy to which HiGHS solves a linear programme.
TOLERANCE = 1e-6

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
    *,
    family: pd.Series | None = None,
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
        every domain, of which there are at most `MAX_DOMAINS`.
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
    rules = _rules(deficits.columns, size, topics, unneeded_cost)
    deficits = _checked_deficits(deficits)
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


@dataclass(frozen=True)
class _Rules:
    """Limits and prices that are common to all families."""

    least: int
    greatest: int
    cost: float
    topic_sets: np.ndarray
    """Topic set × domain, 0/1."""

    @property
    def step(self) -> float:
        """The least difference between two utilities, 0 where it is too small to be of use.

        Utilities are whole numbers less multiples of the cost a/b, so multiples of 1/b.
        """
        whole = (b for b in range(1, 21) if abs(self.cost * b - round(self.cost * b)) < 1e-12)
        return 1 / next(whole, np.inf)

    def rounded_down(self, bound: float) -> float:
        """Return the greatest utility that the bound leaves possible."""
        if not self.step:
            return bound + TOLERANCE
        return floor((bound + TOLERANCE) / self.step) * self.step

    def close_enough(self, bound: float) -> float:
        """How far below the bound a plan may stay."""
        if not self.step:
            return GAP * bound
        return floor(GAP * bound / self.step) * self.step


def _rules(domains: pd.Index, size: tuple[int, int], topics: int, cost: float) -> _Rules:
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
    return _Rules(int(least), int(greatest), float(cost), sets)


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _checked_deficits(deficits: pd.DataFrame) -> pd.DataFrame:
    for what, labels in (("person", deficits.index), ("domain", deficits.columns)):
        if labels.hasnans:
            raise ValueError(f"the name of a {what} is missing in deficits")
        if labels.has_duplicates:
            twice = labels[labels.duplicated()].tolist()[0]
            raise ValueError(f"{what} {twice!r} occurs twice in deficits")
    if deficits.empty:
        persons, domains = deficits.shape
        raise ValueError(f"nothing to plan: deficits has {persons} persons and {domains} domains")
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
    name: str, persons: pd.DataFrame, leaders: pd.DataFrame | None, rules: _Rules
) -> _FamilyPlan:
    """Plan one family: fold people into profiles, choose groups, deal people and leaders out."""
    profiles, profile, counts = np.unique(
        persons.to_numpy(), axis=0, return_inverse=True, return_counts=True
    )
    classes = None if leaders is None else _leader_classes(leaders, rules)
    choice, bound = _best_choice(_programme(profiles, counts, classes, rules), rules)
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


@dataclass(frozen=True)
class _LeaderClasses:
    """Leaders with equal deficits are interchangeable."""

    deficits: list[tuple[int, ...]]
    capacity: np.ndarray
    """Groups that the leaders of a class can lead."""
    allowed: np.ndarray
    """Class × topic set: no topic is an own deficit."""


def _leader_classes(leaders: pd.DataFrame, rules: _Rules) -> _LeaderClasses:
    capacity = leaders.groupby("deficits")["max_groups"].sum().astype(int)
    allowed = [~rules.topic_sets[:, list(own)].any(axis=1) for own in capacity.index]
    allowed = np.array(allowed, bool).reshape(-1, len(rules.topic_sets))
    return _LeaderClasses(list(capacity.index), capacity.to_numpy(), allowed)


@dataclass(frozen=True)
class _Choice:
    """Whole numbers of people and groups."""

    seats: np.ndarray
    """Profile × topic set: persons."""
    groups: np.ndarray
    """Topic set: groups."""
    led: np.ndarray
    """Leader class × topic set: groups."""

    @property
    def opened(self) -> np.ndarray:
        """Topic set of each group."""
        return np.repeat(np.arange(len(self.groups)), self.groups)


def _deal(profile: np.ndarray, choice: _Choice) -> np.ndarray:
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


def _assigned_leaders(leaders: pd.DataFrame | None, choice: _Choice) -> list[object]:
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
    choice: _Choice,
    classes: _LeaderClasses | None,
    rules: _Rules,
) -> list[str]:
    """Why a person of each profile would be without a group."""
    gains = _values(profiles, rules)[:, choice.groups > 0].max(axis=1, initial=0) > 0
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


def _values(profiles: np.ndarray, rules: _Rules) -> np.ndarray:
    """Profile × topic set: what a member brings."""
    needed = profiles @ rules.topic_sets.T
    return needed - rules.cost * (rules.topic_sets.sum(axis=1) - needed)


def _joined(plans: Sequence[_FamilyPlan], n_deficits: int, cost: float) -> SeminarPlan:
    members = pd.concat([plan.members for plan in plans]).sort_values("person_id")
    members = members.astype({"group_id": _TEXT, "reason": _TEXT})
    groups = pd.concat([plan.groups for plan in plans], ignore_index=True)
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


# --- the best choice for one family -------------------------------------------------------------


class _Rows:
    """Rows of a linear programme, low ≤ Σ value·column ≤ high, written block by block."""

    def __init__(self) -> None:
        self.low, self.high, self.entries = [np.zeros(0)], [np.zeros(0)], []

    def add(self, low: ArrayLike, high: ArrayLike, *terms: tuple) -> None:
        """Add a block; a term is (row in the block, column, value)."""
        first = sum(map(len, self.high))
        for row, column, value in terms:
            self.entries.append(np.broadcast_arrays(first + np.asarray(row), column, value))
        low, high = np.broadcast_arrays(np.atleast_1d(low), np.atleast_1d(high))
        self.low.append(low.astype(float))
        self.high.append(high.astype(float))

    def __len__(self) -> int:
        return sum(map(len, self.high))

    def matrix(self, n_columns: int) -> sparse.csr_array:
        row, column, value = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        return sparse.csr_array((value.astype(float), (row, column)), (len(self), n_columns))


@dataclass(frozen=True)
class _Programme:
    """The model of one family: minimise cost·z, low ≤ matrix·z ≤ high, 0 ≤ z ≤ upper.

    The columns are seats (profile × topic set), groups (topic set), led (leader class × topic set)
    and the number of all groups, whose branching narrows the search most. Rows from `n_plain` on
    are x(p, T) ≤ count(p)·n(T): whole numbers of groups obey them anyway, but they bring the
    relaxation close.
    """

    cost: np.ndarray
    upper: np.ndarray
    matrix: sparse.csr_array
    low: np.ndarray
    high: np.ndarray
    n_plain: int
    needed: np.ndarray
    """Profile × topic set: topics that a member needs."""

    @property
    def parts(self) -> tuple[slice, slice, slice]:
        """Columns of seats, of groups and of led."""
        ends = np.cumsum([self.needed.size, self.needed.shape[1]]).tolist()
        return slice(0, ends[0]), slice(*ends), slice(ends[1], len(self.cost) - 1)


def _programme(
    profiles: np.ndarray, counts: np.ndarray, classes: _LeaderClasses | None, rules: _Rules
) -> _Programme:
    """Write the model of one family."""
    n_sets, n_classes = len(rules.topic_sets), 0 if classes is None else len(classes.capacity)
    profile, of_set = np.indices((len(profiles), n_sets)).reshape(2, -1)
    class_, led_set = np.indices((n_classes, n_sets)).reshape(2, -1)
    ends = np.cumsum([0, len(profile), n_sets, len(class_), 1])
    seat, group, led, everything = (
        np.arange(*edge) for edge in zip(ends[:-1], ends[1:], strict=True)
    )
    sets = np.arange(n_sets)
    rows = _Rows()
    rows.add(0, counts, (profile, seat, 1))
    rows.add(-np.inf, np.zeros(n_sets), (of_set, seat, 1), (sets, group, -rules.greatest))
    rows.add(np.zeros(n_sets), np.inf, (of_set, seat, 1), (sets, group, -rules.least))
    rows.add(0, 0, (0, group, 1), (0, everything, -1))
    most = counts.sum() // rules.least
    upper = np.full(ends[-1], np.inf)
    if classes is not None:
        rows.add(0, np.zeros(n_sets), (led_set, led, 1), (sets, group, -1))
        rows.add(0, classes.capacity, (class_, led, 1))
        most = min(most, classes.capacity.sum())
        upper[led] = np.where(classes.allowed.ravel(), most, 0)
    upper[group] = upper[everything] = most
    n_plain = len(rows)
    rare = np.flatnonzero(counts[profile] < rules.greatest)
    tied = (np.arange(len(rare)), group[of_set[rare]], -counts[profile[rare]])
    rows.add(-np.inf, np.zeros(len(rare)), (np.arange(len(rare)), seat[rare], 1), tied)
    cost = np.zeros(ends[-1])
    cost[seat] = -_values(profiles, rules).ravel()
    return _Programme(
        cost=cost,
        upper=upper,
        matrix=rows.matrix(ends[-1]),
        low=np.concatenate(rows.low),
        high=np.concatenate(rows.high),
        n_plain=n_plain,
        needed=profiles @ rules.topic_sets.T,
    )


def _best_choice(programme: _Programme, rules: _Rules) -> tuple[_Choice, float]:
    """Choose groups and seats; return them with a proven bound of the utility.

    The relaxation gives a first bound, a quick search a first plan; where they lie too far apart,
    the full search brings them together.
    """
    everything = np.ones(len(programme.cost), bool)
    root = _solve(programme, everything, np.ones(len(programme.low), bool))
    bound = rules.rounded_down(-root.objective)
    if bound <= 0:
        return _whole(programme, np.zeros(len(programme.cost))), 0.0
    rows = np.arange(len(programme.low)) < programme.n_plain
    rows |= np.abs(root.row_dual) > TOLERANCE
    plan = _quick_plan(programme, root, rows, rules)
    if bound + programme.cost @ plan > rules.close_enough(bound) + TOLERANCE:
        better, proven = _full_plan(programme, root, rows, plan, rules)
        plan = min(plan, better, key=lambda z: programme.cost @ z)
        bound = min(bound, proven)
    return _whole(programme, plan), max(bound, -programme.cost @ plan)


def _quick_plan(
    programme: _Programme, root: _Answer, rows: np.ndarray, rules: _Rules
) -> np.ndarray:
    """Search among the topic sets that the relaxation opens and their cheapest seats."""
    seats, groups, _ = programme.parts
    columns = np.ones(len(programme.cost), bool)
    columns[groups] = root.values[groups] > TOLERANCE
    columns[seats] = np.tile(columns[groups], len(programme.needed))
    columns[seats] &= root.reduced_cost[seats] <= QUICK_LOSS
    nobody = np.zeros(len(programme.cost))
    search = _Search(nodes=QUICK_NODES, gap=rules.step, start=nobody, neighbourhood=True)
    answer = _solve(programme, columns, rows, search=search)
    return _seated(programme, answer.values[groups], rules)


def _full_plan(
    programme: _Programme, root: _Answer, rows: np.ndarray, plan: np.ndarray, rules: _Rules
) -> tuple[np.ndarray, float]:
    """Search wherever a plan better than this one can be; return it and a bound of such plans.

    A better plan beats this one by a step, so it uses no column that loses more than `spare`.
    """
    _, groups, _ = programme.parts
    utility = -programme.cost @ plan
    spare = -root.objective - utility - rules.step + 2 * TOLERANCE
    columns = (root.reduced_cost <= spare) | (plan > 0)
    columns[groups.stop :] = True
    # Utilities lie on steps: a bound less than a step above the tolerated one comes down to it.
    tolerated = rules.close_enough(utility) + max(0.0, rules.step - 2 * TOLERANCE)
    search = _Search(nodes=MAX_NODES, gap=tolerated, start=plan)
    answer = _solve(programme, columns, rows, search=search)
    return _seated(programme, answer.values[groups], rules), rules.rounded_down(-answer.bound)


@dataclass(frozen=True)
class _Search:
    """Limits of a branch and bound, a plan to start from, whether to look around the relaxation."""

    nodes: int
    gap: float
    start: np.ndarray
    neighbourhood: bool = False


@dataclass(frozen=True)
class _Answer:
    """What HiGHS returns, over all columns and rows of the programme."""

    objective: float
    bound: float
    values: np.ndarray
    reduced_cost: np.ndarray
    row_dual: np.ndarray


def _solve(
    programme: _Programme,
    columns: np.ndarray,
    rows: np.ndarray,
    *,
    search: _Search | None = None,
    fixed_groups: np.ndarray | None = None,
    cost: np.ndarray | None = None,
) -> _Answer:
    """Solve the programme on some of its columns and rows; whole groups when there is a search."""
    model = _highs_model(programme, columns, rows, fixed_groups, cost)
    solver = highspy.Highs()
    options = {"output_flag": False, "threads": 1, "random_seed": 0}
    if search is not None:
        _, groups, _ = programme.parts
        whole = np.zeros(len(columns), bool)
        whole[groups] = whole[-1] = True
        kinds = highspy.HighsVarType
        model.integrality_ = [kinds.kInteger if w else kinds.kContinuous for w in whole[columns]]
        options |= _SEARCH_OPTIONS | {
            "mip_abs_gap": search.gap,
            "mip_max_nodes": search.nodes,
            "mip_heuristic_run_rens": search.neighbourhood,
            "mip_heuristic_run_root_reduced_cost": search.neighbourhood,
        }
    for name, value in options.items():
        solver.setOptionValue(name, value)
    solver.passModel(model)
    if search is not None:
        start = highspy.HighsSolution()
        start.col_value = search.start[columns]
        solver.setSolution(start)
    solver.run()
    return _answer(solver, columns, rows, search is not None)


#: Presolve would remove the number of all groups, on which the search branches best; restarts and
#: repeated searches of neighbourhoods cost more than they bring.
_SEARCH_OPTIONS = {
    "presolve": "off",
    "mip_rel_gap": 0.0,
    "mip_allow_restart": False,
    "mip_heuristic_run_rins": False,
}


def _highs_model(
    programme: _Programme,
    columns: np.ndarray,
    rows: np.ndarray,
    fixed_groups: np.ndarray | None,
    cost: np.ndarray | None,
) -> highspy.HighsLp:
    lower, upper = np.zeros(len(columns)), programme.upper.copy()
    if fixed_groups is not None:
        _, groups, _ = programme.parts
        lower[groups] = upper[groups] = fixed_groups
    matrix = sparse.csc_array(programme.matrix[rows][:, columns])
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = matrix.shape
    model.col_cost_ = (programme.cost if cost is None else cost)[columns]
    model.col_lower_, model.col_upper_ = lower[columns], upper[columns]
    model.row_lower_, model.row_upper_ = programme.low[rows], programme.high[rows]
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = matrix.indptr
    model.a_matrix_.index_ = matrix.indices
    model.a_matrix_.value_ = matrix.data
    return model


def _answer(
    solver: highspy.Highs, columns: np.ndarray, rows: np.ndarray, searched: bool
) -> _Answer:
    status = solver.getModelStatus()
    done = {highspy.HighsModelStatus.kOptimal}
    if searched:
        done.add(highspy.HighsModelStatus.kSolutionLimit)
    info, solution = solver.getInfo(), solver.getSolution()
    if status not in done or not solution.value_valid:
        raise RuntimeError(f"HiGHS stopped with {solver.modelStatusToString(status)}")
    values, reduced_cost = np.zeros(len(columns)), np.full(len(columns), np.inf)
    row_dual = np.zeros(len(rows))
    values[columns] = solution.col_value
    if not searched:
        reduced_cost[columns], row_dual[rows] = solution.col_dual, solution.row_dual
    bound = info.mip_dual_bound if searched else info.objective_function_value
    return _Answer(info.objective_function_value, bound, values, reduced_cost, row_dual)


def _seated(programme: _Programme, groups: np.ndarray, rules: _Rules) -> np.ndarray:
    """Best seats and leaders for given numbers of groups, in whole numbers.

    Of equally useful ones those that cover more deficits: a bonus too small to outweigh a step.
    """
    seat_columns, group_columns, led_columns = programme.parts
    groups = np.round(groups)
    columns = np.ones(len(programme.cost), bool)
    columns[seat_columns] = np.tile(groups > 0, len(programme.needed))
    rows = np.arange(len(programme.low)) < programme.n_plain
    most = programme.high[: len(programme.needed)].sum() * programme.needed.max()
    cost = programme.cost.copy()
    cost[seat_columns] -= rules.step / (4 * most + 1) * programme.needed.ravel()
    answer = _solve(programme, columns, rows, fixed_groups=groups, cost=cost)
    plan = np.round(answer.values)
    if np.abs(plan - answer.values).max() > TOLERANCE:
        raise RuntimeError("a transportation problem ended in fractions")
    return plan


def _whole(programme: _Programme, plan: np.ndarray) -> _Choice:
    seats, groups, led = (plan[part].astype(int) for part in programme.parts)
    n_sets = len(groups)
    return _Choice(seats.reshape(-1, n_sets), groups, led.reshape(-1, n_sets))
