"""Which further cells to hide so that no hidden cell can be narrowed down.

For a cell that is to be protected a linear programme looks for two other tables that agree with
everything shown and differ in this cell by the threshold; it pays for each shown number that one
of them changes. What they change must be hidden (Kelly, Golden and Assad 1992; Fischetti and
Salazar-González 2001). Two such tables of whole numbers prove a cell protected, and hiding more
never makes the proof false. At the end what the proofs can do without is shown again.
"""

from __future__ import annotations

from collections.abc import Collection

import highspy
import numpy as np
from scipy import sparse

from nmc_utils.disclosure.model import Model

#: Moving a hidden number costs next to nothing, so that tables found lie close to the true one.
_HIDDEN_COST = 1e-3
#: Prices follow the moves so often: a number that must move anyway becomes cheap, others dear.
_ROUNDS = 2
_WHOLE = 1e-6
_NODES = 3000
_PRIMAL = 4  #: after another price the last table is still one: the primal simplex goes on from it


class Search:
    """Cells hidden so far, and the tables that prove them protected."""

    def __init__(self, model: Model, hidden: Collection[str], threshold: int) -> None:
        at = model.position()
        self.model, self.threshold = model, threshold
        self.truth = completed(model)
        self.free = np.zeros(len(model.cells), bool)
        self.free[model.rest[:, 0]] = True
        self.free |= ~model.shown & ~model.known
        self.hidden = np.zeros(len(model.cells), bool)
        self._hide(np.array([at[cell] for cell in sorted(hidden)], int))
        self.forced = self.hidden.copy()
        self.proofs = self.truth[None, :]
        self.unprotected: set[int] = set()

    def run(self) -> np.ndarray:
        """Hide until every hidden cell is protected; return the hidden cells as a mask."""
        programme = _Programme(self.model, self.truth, self.threshold)
        region = _Region(self.model, self.truth, self.threshold)
        settled = np.zeros(len(self.truth), bool)
        while True:
            new = self.hidden & ~settled & ~self.model.known
            settled |= new
            self.proofs = self._settled(region, np.flatnonzero(new), self._open(), self.proofs)
            if (target := self._next()) is None:
                break
            self._protect(programme, target)
        self._show_again(programme, region)
        return self.hidden

    def _settled(
        self, region: _Region, targets: np.ndarray, movable: np.ndarray, proofs: np.ndarray
    ) -> np.ndarray:
        """Add to the proofs the tables where each target is least and most, while it is weak."""
        region.move(movable)
        low, high = proofs.min(axis=0), proofs.max(axis=0)
        added = []
        for target in targets:
            for sign in (-1, 1):
                if high[target] - low[target] >= self.threshold:
                    break
                table = region.extreme(int(target), sign)
                if table is not None:
                    low, high = np.minimum(low, table), np.maximum(high, table)
                    added.append(table)
        return np.vstack([proofs, *added])

    def _next(self) -> int | None:
        """Return the hidden cell whose known range is the narrowest."""
        width = np.ptp(self.proofs, axis=0)
        open_ = self.hidden & (width < self.threshold)
        open_[list(self.unprotected)] = False
        candidates = np.flatnonzero(open_)
        if not len(candidates):
            return None
        return int(candidates[np.argmin(width[candidates])])

    def _protect(self, programme: _Programme, target: int) -> None:
        usable = self.model.shown & ~self.model.known
        cost = np.where(self._open(), _HIDDEN_COST, self.model.cost)
        pair = programme.pair(target, cost, self._open() | usable, rounds=_ROUNDS)
        if pair is not None and not _is_whole(pair):
            moved = self._moved(pair)
            pair = programme.whole_pair(target, cost, self._open() | moved)
            if pair is None:
                pair = programme.whole_pair(target, cost, self._open() | usable)
        if pair is None:
            self.unprotected.add(target)
            return
        self._hide(np.flatnonzero(self._moved(pair) & usable & ~self.hidden))
        self.proofs = np.vstack([self.proofs, np.round(pair)])

    def _open(self) -> np.ndarray:
        return (self.hidden & ~self.model.known) | self.free

    def _moved(self, pair: np.ndarray) -> np.ndarray:
        return (np.abs(pair - self.truth) > _WHOLE).any(axis=0)

    def _hide(self, cells: np.ndarray) -> None:
        """Hide cells and what goes with them: counts of a hidden group, the rest of a count."""
        self.hidden[cells] = True
        for pairs in (self.model.bound, self.model.rest[:, ::-1]):
            with_it = pairs[self.hidden[pairs[:, 0]], 1]
            self.hidden[with_it] = True

    def _show_again(self, programme: _Programme, region: _Region) -> None:
        """Show what the proofs can do without, the dearest first."""
        added = np.flatnonzero(self.hidden & ~self.forced & self.model.shown)
        for cell in sorted(added, key=lambda c: (-self.model.cost[c], c)):
            kept = self.hidden.copy()
            kept[cell] = False
            kept[self.model.rest[self.model.rest[:, 1] == cell, 0]] = False
            groups = self.model.bound[self.model.bound[:, 1] == cell, 0]
            if not kept[groups].any():
                self._try(programme, region, kept)

    def _try(self, programme: _Programme, region: _Region, kept: np.ndarray) -> None:
        movable = (kept & ~self.model.known) | self.free
        proofs = self.proofs[(self.proofs == self.truth)[:, ~movable].all(axis=1)]
        cost = np.full(len(kept), _HIDDEN_COST)
        while True:
            weak = kept & (np.ptp(proofs, axis=0) < self.threshold)
            weak[list(self.unprotected)] = False
            if not weak.any():
                self.hidden, self.proofs = kept, proofs
                return
            target = np.flatnonzero(weak)[:1]
            proofs = self._settled(region, target, movable, proofs)
            if np.ptp(proofs[:, target]) < self.threshold:
                pair = programme.whole_pair(int(target[0]), cost, movable)
                if pair is None:
                    return
                proofs = np.vstack([proofs, pair])


class _Region:
    """All tables that agree with what is shown; the extremes of a cell among them."""

    def __init__(self, model: Model, truth: np.ndarray, threshold: int) -> None:
        self.n, self.truth = len(truth), truth
        self.most = 2 * truth.max(initial=0) + 10 * threshold
        rows = model.lines.shape[0]
        nothing = np.zeros(self.n)
        lp = _lp(model.lines.tocsc(), nothing, truth, np.zeros(rows), np.zeros(rows))
        lp.col_lower_ = truth
        self.solver = _solver(lp, simplex_strategy=_PRIMAL)
        self.columns = np.arange(self.n, dtype=np.int32)

    def move(self, movable: np.ndarray) -> None:
        """Let these cells be anything whole and non-negative, within reason."""
        low = np.where(movable, 0.0, self.truth)
        high = np.where(movable, self.most, self.truth)
        self.solver.changeColsBounds(self.n, self.columns, low, high)

    def extreme(self, cell: int, sign: int) -> np.ndarray | None:
        """Return a table in which a cell is most or least; None where it is not whole."""
        cost = np.zeros(self.n)
        cost[cell] = -sign
        self.solver.changeColsCost(self.n, self.columns, cost)
        self.solver.run()
        if self.solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        table = np.asarray(self.solver.getSolution().col_value)
        return np.round(table) if _is_whole(table) else None


class _Programme:
    """Two tables that agree with what is shown and differ in one cell by the threshold.

    Columns, for each table: what every cell gains, then what it loses.
    """

    def __init__(self, model: Model, truth: np.ndarray, threshold: int) -> None:
        self.n, self.truth, self.threshold = len(truth), truth, threshold
        moves = sparse.hstack([model.lines, -model.lines])
        lines = sparse.block_diag([moves, moves])
        self.width_row = lines.shape[0]
        matrix = sparse.vstack([lines, sparse.csr_array((1, 4 * self.n))]).tocsc()
        zeros = np.zeros(self.width_row)
        lp = _lp(
            matrix,
            np.zeros(4 * self.n),
            np.zeros(4 * self.n),
            np.append(zeros, threshold),
            np.append(zeros, highspy.kHighsInf),
        )
        self.solver = _solver(lp)
        self._target = 0

    def pair(
        self, target: int, cost: np.ndarray, movable: np.ndarray, *, rounds: int
    ) -> np.ndarray | None:
        """Return the two tables (2 × cells), cheapest by moves and then by cells moved."""
        self._aim(target, movable)
        price = cost
        for attempt in range(rounds + 1):
            moves = self._solved(price)
            if moves is None:
                return None
            size = np.abs(moves).max(axis=0)
            if attempt == rounds or not (size[cost > _HIDDEN_COST] > _WHOLE).any():
                break
            price = cost / (size + 1)
        return self.truth + moves

    def whole_pair(self, target: int, cost: np.ndarray, movable: np.ndarray) -> np.ndarray | None:
        """Return the two tables in whole numbers, or None where none were found."""
        self._aim(target, movable)
        columns = np.arange(4 * self.n, dtype=np.int32)
        kinds = highspy.HighsVarType
        self._change(kinds.kInteger, columns)
        moves = self._solved(cost)
        self._change(kinds.kContinuous, columns)
        return None if moves is None else self.truth + np.round(moves)

    def _change(self, kind: highspy.HighsVarType, columns: np.ndarray) -> None:
        kinds = np.full(len(columns), int(kind), dtype=np.uint8)
        self.solver.changeColsIntegrality(len(columns), columns, kinds)

    def _aim(self, target: int, movable: np.ndarray) -> None:
        for cell, sign in ((self._target, 0.0), (target, 1.0)):
            for block, side in enumerate((1, -1, -1, 1)):
                self.solver.changeCoeff(self.width_row, block * self.n + cell, sign * side)
        self._target = target
        gain = np.where(movable, highspy.kHighsInf, 0.0)
        lose = np.where(movable, self.truth, 0.0)
        columns = np.arange(4 * self.n, dtype=np.int32)
        upper = np.concatenate([gain, lose, gain, lose])
        self.solver.changeColsBounds(len(columns), columns, np.zeros(len(columns)), upper)

    def _solved(self, cost: np.ndarray) -> np.ndarray | None:
        columns = np.arange(4 * self.n, dtype=np.int32)
        self.solver.changeColsCost(len(columns), columns, np.tile(cost, 4))
        self.solver.run()
        solution = self.solver.getSolution()
        infeasible = highspy.HighsModelStatus.kInfeasible
        if self.solver.getModelStatus() == infeasible or not solution.value_valid:
            return None
        gain, lose, more, less = np.asarray(solution.col_value).reshape(4, self.n)
        return np.stack([gain - lose, more - less])


def completed(model: Model) -> np.ndarray:
    """Fill what only earlier publications hide with whole numbers that agree with the rest.

    Raises
    ------
    ValueError
        None agree: the earlier publication contradicts what is to be protected.
    """
    unknown = np.isnan(model.value)
    if not unknown.any():
        return model.value.copy()
    known = np.where(unknown, 0, model.value)
    part = sparse.csc_array(model.lines[:, np.flatnonzero(unknown)])
    side = -(model.lines @ known)
    n = part.shape[1]
    lp = _lp(part, np.zeros(n), np.full(n, highspy.kHighsInf), side, side)
    lp.integrality_ = [highspy.HighsVarType.kInteger] * n
    solver = _solver(lp)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise ValueError("прежняя публикация противоречит таблицам: скрытого в ней не восполнить")
    value = model.value.copy()
    value[unknown] = np.round(solver.getSolution().col_value)
    return value


def _lp(
    matrix: sparse.csc_array,
    cost: np.ndarray,
    upper: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> highspy.HighsLp:
    """Programme over non-negative columns."""
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, np.zeros(len(cost)), upper
    lp.row_lower_, lp.row_upper_ = low, high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
    lp.a_matrix_.value_ = matrix.data
    return lp


def _solver(lp: highspy.HighsLp, **options: object) -> highspy.Highs:
    solver = highspy.Highs()
    fixed = {"output_flag": False, "threads": 1, "random_seed": 0, "mip_max_nodes": _NODES}
    for name, value in (fixed | options).items():
        solver.setOptionValue(name, value)
    solver.passModel(lp)
    return solver


def _is_whole(pair: np.ndarray) -> bool:
    return bool((np.abs(pair - np.round(pair)) < _WHOLE).all())
