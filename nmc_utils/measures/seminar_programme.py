"""The integer programme of one family's seminar groups, solved with a proven bound.

`seminars` says what a plan is and turns a choice into lists; here people are only profiles with
counts and leaders only classes with a capacity.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import highspy
import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

#: The search for a family ends once its plan is proven to lie within this share of the best one.
GAP = 1e-3
#: Nodes of branch and bound for one family. A limit of time would tie the plan to the machine.
MAX_NODES = 400
#: The quick search takes columns that lose at most this much in the relaxation, and few nodes.
QUICK_LOSS = 1.0
QUICK_NODES = 30
#: Accuracy to which HiGHS solves a linear programme.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Rules:
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


@dataclass(frozen=True)
class LeaderClasses:
    """Leaders with equal deficits are interchangeable."""

    deficits: list[tuple[int, ...]]
    capacity: np.ndarray
    """Groups that the leaders of a class can lead."""
    allowed: np.ndarray
    """Class × topic set: no topic is an own deficit."""


@dataclass(frozen=True)
class Choice:
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


def values_of(profiles: np.ndarray, rules: Rules) -> np.ndarray:
    """Profile × topic set: what a member brings."""
    needed = profiles @ rules.topic_sets.T
    return needed - rules.cost * (rules.topic_sets.sum(axis=1) - needed)


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
    profiles: np.ndarray, counts: np.ndarray, classes: LeaderClasses | None, rules: Rules
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
    cost[seat] = -values_of(profiles, rules).ravel()
    return _Programme(
        cost=cost,
        upper=upper,
        matrix=rows.matrix(ends[-1]),
        low=np.concatenate(rows.low),
        high=np.concatenate(rows.high),
        n_plain=n_plain,
        needed=profiles @ rules.topic_sets.T,
    )


def best_choice(
    profiles: np.ndarray, counts: np.ndarray, classes: LeaderClasses | None, rules: Rules
) -> tuple[Choice, float]:
    """Choose groups and seats of one family; return them with a proven bound of the utility.

    The relaxation gives a first bound, a quick search a first plan; where they lie too far apart,
    the full search brings them together.
    """
    programme = _programme(profiles, counts, classes, rules)
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


def _quick_plan(programme: _Programme, root: _Answer, rows: np.ndarray, rules: Rules) -> np.ndarray:
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
    programme: _Programme, root: _Answer, rows: np.ndarray, plan: np.ndarray, rules: Rules
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


def _seated(programme: _Programme, groups: np.ndarray, rules: Rules) -> np.ndarray:
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


def _whole(programme: _Programme, plan: np.ndarray) -> Choice:
    seats, groups, led = (plan[part].astype(int) for part in programme.parts)
    n_sets = len(groups)
    return Choice(seats.reshape(-1, n_sets), groups, led.reshape(-1, n_sets))
