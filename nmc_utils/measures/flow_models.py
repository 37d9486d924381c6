"""Linear programmes of people and groups, written block by block and solved by HiGHS.

Nothing here is random and nothing stops by time: equal models have equal answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace

import highspy
import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

#: Accuracy to which HiGHS solves a linear programme.
TOLERANCE = 1e-6
#: A price above it is one: so small that what hides below it adds up to nothing.
PRICE = 1e-9

_OPTIONS = {"output_flag": False, "threads": 1, "random_seed": 0}
#: Restarts solve the root anew; what they save is less than that at the sizes of one family.
_SEARCH_OPTIONS = {"mip_rel_gap": 0.0, "mip_allow_restart": False}


@dataclass(frozen=True)
class Answer:
    """An optimum, or the best that a search found; of a search `bound` is proven."""

    objective: float
    bound: float
    values: np.ndarray
    reduced_cost: np.ndarray
    row_dual: np.ndarray


class FlowModel:
    """Minimise cost·z under low ≤ matrix·z ≤ high and lower ≤ z ≤ upper; some z whole."""

    def __init__(self) -> None:
        self.lower, self.upper, self.whole = np.zeros(0), np.zeros(0), np.zeros(0, bool)
        self._low, self._high, self._entries = [np.zeros(0)], [np.zeros(0)], []
        self._n_rows = 0

    def columns(
        self, n: int, upper: ArrayLike = np.inf, *, lower: ArrayLike = 0, whole: bool = False
    ) -> np.ndarray:
        """Add columns; return their positions."""
        first = len(self.lower)
        self.lower = np.append(self.lower, np.broadcast_to(np.asarray(lower, float), n))
        self.upper = np.append(self.upper, np.broadcast_to(np.asarray(upper, float), n))
        self.whole = np.append(self.whole, np.full(n, whole))
        return np.arange(first, first + n)

    def rows(self, n: int, low: ArrayLike, high: ArrayLike, *terms: tuple) -> None:
        """Add n rows; a term is (row in the block, column, value), each a number or an array."""
        for row, column, value in terms:
            entry = np.broadcast_arrays(self._n_rows + np.atleast_1d(row), column, value)
            self._entries.append(entry)
        self._low.append(np.broadcast_to(np.asarray(low, float), n))
        self._high.append(np.broadcast_to(np.asarray(high, float), n))
        self._n_rows += n

    def restricted(
        self, columns: np.ndarray, lower: ArrayLike, upper: ArrayLike | None = None
    ) -> FlowModel:
        """Return the model with other bounds of some columns; without `upper` they are fixed."""
        other = copy(self)
        other.lower, other.upper = self.lower.copy(), self.upper.copy()
        other.lower[columns] = lower
        other.upper[columns] = lower if upper is None else upper
        return other

    def relaxed(self, cost: np.ndarray) -> Answer | None:
        """Solve with fractions allowed; a vertex, None where nothing is feasible."""
        return _solved(self._lp(cost), {})

    def bounded(self, cost: np.ndarray) -> Answer:
        """Solve with fractions allowed, by interior points: quick, but not a vertex.

        `bound` is that of the dual prices, so it holds however exact they are; every column needs
        finite bounds.
        """
        lp = self._lp(cost)
        answer = _solved(lp, {"solver": "ipm", "run_crossover": "off"}, inexact=True)
        if answer is None:  # interior points failed
            answer = _solved(lp, {})
        low, high = np.array(lp.row_lower_), np.array(lp.row_upper_)
        price = np.where(np.isinf(np.where(answer.row_dual > 0, low, high)), 0, answer.row_dual)
        side = np.where(price > 0, low, high)
        reduced = cost - self._matrix().T @ price
        bound = price[price != 0] @ side[price != 0]
        bound += np.minimum(reduced * self.lower, reduced * self.upper).sum()
        return replace(answer, bound=float(bound), reduced_cost=reduced)

    def searched(
        self,
        cost: np.ndarray,
        *,
        nodes: int,
        gap: float,
        start: np.ndarray | None = None,
        **options: object,
    ) -> Answer | None:
        """Search for whole numbers until within `gap` of the best or through so many nodes.

        Other options are those of HiGHS.
        """
        lp = self._lp(cost)
        limits = {"mip_abs_gap": gap, "mip_max_nodes": nodes}
        kinds = highspy.HighsVarType
        lp.integrality_ = [kinds.kInteger if w else kinds.kContinuous for w in self.whole]
        return _solved(lp, _SEARCH_OPTIONS | limits | options, start)

    def least_in_turn(self, costs: Sequence[np.ndarray]) -> np.ndarray | None:
        """Minimise the first cost, among its optima the second, and so on.

        The optima of a linear programme are a face of its polytope: the columns and rows with a
        price stay at their bounds. A vertex of the face is one of the polytope, so a network
        with whole bounds keeps whole numbers.
        """
        lower, upper = self.lower.copy(), self.upper.copy()
        low, high = np.concatenate(self._low), np.concatenate(self._high)
        answer = None
        for cost in costs:
            answer = _solved(self._lp(cost, lower, upper, low, high), {})
            if answer is None:
                return None
            priced = np.abs(answer.reduced_cost) > PRICE
            lower[priced] = upper[priced] = np.round(answer.values[priced])
            at_low, at_high = answer.row_dual > PRICE, answer.row_dual < -PRICE
            high = np.where(at_low, low, high)
            low = np.where(at_high, high, low)
        return None if answer is None else answer.values

    def _matrix(self) -> sparse.csc_array:
        row, column, value = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        shape = self._n_rows, len(self.lower)
        return sparse.csc_array((value.astype(float), (row, column)), shape)

    def _lp(
        self,
        cost: np.ndarray,
        lower: np.ndarray | None = None,
        upper: np.ndarray | None = None,
        low: np.ndarray | None = None,
        high: np.ndarray | None = None,
    ) -> highspy.HighsLp:
        matrix = self._matrix()
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = matrix.shape
        lp.col_cost_ = cost
        lp.col_lower_ = self.lower if lower is None else lower
        lp.col_upper_ = self.upper if upper is None else upper
        lp.row_lower_ = np.concatenate(self._low) if low is None else low
        lp.row_upper_ = np.concatenate(self._high) if high is None else high
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = matrix.indptr
        lp.a_matrix_.index_ = matrix.indices
        lp.a_matrix_.value_ = matrix.data
        return lp


def _solved(
    lp: highspy.HighsLp,
    options: dict,
    start: np.ndarray | None = None,
    *,
    inexact: bool = False,
) -> Answer | None:
    solver = highspy.Highs()
    for name, value in (_OPTIONS | options).items():
        solver.setOptionValue(name, value)
    solver.passModel(lp)
    if start is not None:
        known = highspy.HighsSolution()
        known.col_value = start
        solver.setSolution(known)
    solver.run()
    status, statuses = solver.getModelStatus(), highspy.HighsModelStatus
    info, solution = solver.getInfo(), solver.getSolution()
    if status in (statuses.kInfeasible, statuses.kUnboundedOrInfeasible):
        return None
    if status == statuses.kSolutionLimit and not solution.value_valid:
        return None
    if inexact and status == statuses.kUnknown:
        if not (solution.value_valid and solution.dual_valid):
            return None
    elif status not in (statuses.kOptimal, statuses.kSolutionLimit):
        raise RuntimeError(f"HiGHS stopped with {solver.modelStatusToString(status)}")
    values = np.asarray(solution.col_value)
    objective = info.objective_function_value
    if "mip_abs_gap" in options:
        nothing = np.zeros(0)
        return Answer(objective, info.mip_dual_bound, values, nothing, nothing)
    reduced, dual = np.asarray(solution.col_dual), np.asarray(solution.row_dual)
    return Answer(objective, objective, values, reduced, dual)
