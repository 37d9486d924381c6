"""What an attacker learns from published tables: the range of every hidden cell, exactly.

Shares with protection nothing but how a table is read, so that one mistake cannot hide in both: the
sums are gathered here anew, all of them, and each range is the optimum of an integer programme.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations

import highspy
import numpy as np
import pandas as pd
from scipy import sparse

from nmc_utils.disclosure.borrowing import borrowed
from nmc_utils.disclosure.sheets import KEY, Sheet, entries
from nmc_utils.disclosure.tables import LABELS, flat, sheets
from nmc_utils.terms import TOTAL

_TOLERANCE = 1e-6
_PRIMAL = (
    4  #: after another cost the last table is still one, so the primal simplex goes on from it
)
_NOBODY = pd.DataFrame({"table": [], "counted": [], "cell": []}, dtype=object)


@dataclass(frozen=True)
class Audit:
    """What an attack on published tables found.

    `cells`: one row for each hidden cell of each table: `table`, its keys, `counted` (``"count"``,
    ``"group"``, or ``"rest"`` — the group without the count), `cell`, `low`, `high`, `width`.
    `is_safe` when no width is below `threshold`. `digest` is that of the tables and of the earlier
    publications; `extra_hidden_share` is missing where only the attack was made.
    """

    is_safe: bool
    cells: pd.DataFrame
    threshold: int
    digest: str
    seconds: float = field(compare=False)
    extra_hidden_share: float = float("nan")

    def matches(
        self,
        published: Mapping[str, pd.DataFrame],
        earlier: Sequence[Mapping[str, pd.DataFrame]] = (),
    ) -> bool:
        """Whether these are the tables that were attacked."""
        return self.digest == digest(published, earlier)


def attack(
    published: Mapping[str, pd.DataFrame] | pd.DataFrame | object,
    *,
    earlier: Sequence[Mapping[str, pd.DataFrame]] = (),
    hierarchies: Mapping[str, Mapping[str, str]] | None = None,
    labels: Collection[str] = LABELS,
    structure: Mapping[str, Mapping] | None = None,
) -> pd.DataFrame:
    """Narrow every hidden cell to the range of whole numbers that all published numbers allow.

    Parameters
    ----------
    published
        Tables by name, one table, or what `protect` returns; of the last everything else that the
        attacker knows is taken from it. The shape is that of `protect`; a cell is hidden where its
        status is «suppressed» or its number is missing.
    earlier
        Publications of the same edition before this one.
    hierarchies, labels
        As in `protect`.
    structure
        `Protected.structure`; without it what adds up is judged by the numbers that are seen.

    Returns
    -------
    DataFrame
        One row for each hidden cell of each table: `table`, its keys, `counted`, `cell`, `low`,
        `high` (infinite where nothing bounds it), `width` = high − low, in persons.

    Raises
    ------
    ValueError
        A table cannot be read, or the published numbers contradict each other.
    """
    if hasattr(published, "known"):
        return attack(**published.known())
    tables = {"table": published} if isinstance(published, pd.DataFrame) else dict(published)
    options = {"structure": structure, "labels": labels, "hierarchies": hierarchies}
    old = [sheet for before in earlier for sheet in sheets(before, **options)]
    now, old = borrowed(sheets(tables, **options), old, is_settled=structure is not None)
    read = [(sheet, False) for sheet in now] + [(sheet, True) for sheet in old]
    return _Attack(read, hierarchies or {}).intervals()


def audit(
    published: Mapping[str, pd.DataFrame] | pd.DataFrame | object,
    threshold: int = 10,
    **known: object,
) -> Audit:
    """Attack published tables and say whether every hidden cell stays wide enough.

    Parameters
    ----------
    published, known
        As in `attack`.
    threshold
        Least width of a range, in persons.
    """
    begun = time.perf_counter()
    cells = attack(published, **known)
    tables = getattr(published, "tables", published)
    earlier = getattr(published, "earlier", known.get("earlier", ()))
    return Audit(
        is_safe=bool((cells["width"] >= threshold).all()),
        cells=cells,
        threshold=threshold,
        digest=digest(tables, earlier),
        seconds=time.perf_counter() - begun,
    )


def digest(
    published: Mapping[str, pd.DataFrame] | pd.DataFrame,
    earlier: Sequence[Mapping[str, pd.DataFrame]] = (),
) -> str:
    """SHA-256 of tables and earlier publications; the order of rows and columns is no part."""
    tables = {"table": published} if isinstance(published, pd.DataFrame) else published
    said = []
    for number, publication in enumerate([tables, *earlier]):
        for name in sorted(publication):
            frame = flat(name, publication[name])
            frame = frame[sorted(frame.columns, key=str)]
            rows = sorted(frame.to_csv(index=False, header=False).splitlines())
            said += [f"{number}/{name}", ",".join(map(str, frame.columns)), *rows]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


class _Attack:
    """All cells that publications show or hide, and all sums between them."""

    def __init__(
        self, read: Sequence[tuple[Sheet, bool]], hierarchies: Mapping[str, Mapping[str, str]]
    ) -> None:
        self.read = [sheet for sheet, is_earlier in read if not is_earlier]
        frames = [entries(sheet).assign(is_earlier=old) for sheet, old in read]
        self.seen = _seen(frames)
        lines = {line for frame in frames for line in _all_sums(frame, hierarchies)}
        self.unknown = sorted(
            {cell for frame in frames for cell in frame["cell"] if cell not in self.seen}
        )
        self.rows, self.side = self._equations(lines)

    def _equations(
        self, lines: Collection[tuple[bool, str, frozenset[str]]]
    ) -> tuple[list[dict[int, int]], list[float]]:
        """Put what is seen on the right-hand side; earlier sums that broke since are left out."""
        at = {cell: i for i, cell in enumerate(self.unknown)}
        made: dict[tuple, None] = {}
        for is_earlier, total, parts in sorted(lines, key=lambda line: (line[1], sorted(line[2]))):
            terms = {at[cell]: -1 for cell in sorted(parts) if cell in at}
            side = sum(self.seen.get(cell, 0) for cell in parts) - self.seen.get(total, 0)
            if total in at:
                terms[at[total]] = 1
            if terms:
                made[(tuple(sorted(terms.items())), side)] = None
            elif side and not is_earlier:
                raise ValueError(
                    f"опубликованное противоречит себе: «{total}» не равно сумме частей"
                )
        return [dict(terms) for terms, _ in made], [side for _, side in made]

    def intervals(self) -> pd.DataFrame:
        """Range of every hidden cell that the tables have; what is shown elsewhere is exact."""
        listed = pd.concat([_hidden(sheet) for sheet in self.read] or [_NOBODY], ignore_index=True)
        low = np.zeros(len(self.unknown))
        high = np.full(len(self.unknown), np.inf)
        wanted = np.isin(self.unknown, listed["cell"].unique())
        for cells, rows in self._apart():
            if wanted[cells].any():
                low[cells], high[cells] = self._ranges(cells, rows, wanted[cells])
        lowest = self.seen | dict(zip(self.unknown, low + 0.0, strict=True))  # -0 is 0
        highest = self.seen | dict(zip(self.unknown, high + 0.0, strict=True))
        listed = listed.assign(
            low=listed["cell"].map(lowest).astype(float),
            high=listed["cell"].map(highest).astype(float),
        )
        listed["width"] = listed["high"] - listed["low"]
        keys = sorted(set(listed) - {"table", "counted", "cell", "low", "high", "width"})
        columns = ["table", *keys, "counted", "cell", "low", "high", "width"]
        return listed[columns].sort_values(["table", "cell"], ignore_index=True)

    def _apart(self) -> list[tuple[np.ndarray, list[int]]]:
        """Cells that no sum joins are attacked one by one."""
        n, m = len(self.unknown), len(self.rows)
        if not n:
            return []
        pairs = [(i, cell) for i, terms in enumerate(self.rows) for cell in terms]
        row, column = (np.array(x, int) for x in zip(*pairs, strict=True)) if pairs else ([], [])
        graph = sparse.coo_array((np.ones(len(pairs)), (row, column)), shape=(m, n)).tocsr()
        joined = sparse.csgraph.connected_components(graph.T @ graph, directed=False)[1]
        rows: dict[int, list[int]] = {}
        for i, terms in enumerate(self.rows):
            rows.setdefault(int(joined[next(iter(terms))]), []).append(i)
        return [(np.flatnonzero(joined == k), rows.get(k, [])) for k in np.unique(joined)]

    def _ranges(
        self, cells: np.ndarray, rows: Sequence[int], wanted: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        at = {cell: i for i, cell in enumerate(cells)}
        terms = [{at[cell]: sign for cell, sign in self.rows[i].items()} for i in rows]
        programme = _Integer(terms, [self.side[i] for i in rows], len(cells))
        low, high = np.zeros(len(cells)), np.full(len(cells), np.inf)
        for cell in np.flatnonzero(wanted):
            low[cell] = programme.best(cell, 1)
            high[cell] = -programme.best(cell, -1)
        return low, high


class _Integer:
    """Whole non-negative numbers under sums; the extremes of each."""

    def __init__(self, terms: Sequence[Mapping[int, int]], side: Sequence[float], n: int) -> None:
        entry = [(i, column, sign) for i, row in enumerate(terms) for column, sign in row.items()]
        row, column, sign = zip(*entry, strict=True) if entry else ((), (), ())
        matrix = sparse.coo_array((np.array(sign, float), (row, column)), (len(terms), n)).tocsc()
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = matrix.shape
        lp.col_cost_ = lp.col_lower_ = np.zeros(n)
        lp.col_upper_ = np.full(n, highspy.kHighsInf)
        lp.row_lower_ = lp.row_upper_ = np.array(side, float)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
        lp.a_matrix_.value_ = matrix.data
        self.lp, self.n = lp, n
        self.least, self.most = np.full(n, np.inf), np.full(n, -np.inf)
        self.ceiling = np.full(n, np.inf)
        for of, total in zip(terms, side, strict=True):
            if len(set(of.values())) == 1:
                parts = list(of)
                self.ceiling[parts] = np.minimum(self.ceiling[parts], abs(total))
        self.solver = _quiet(lp)

    def best(self, cell: int, sign: int) -> float:
        """Least of sign·cell, -inf where nothing bounds it.

        The relaxation bounds it, or 0 or a sum that it is part of does; where a table of whole
        numbers reaches the bound, that is it.
        """
        if self._reached(cell, sign) == (0 if sign > 0 else -self.ceiling[cell]):
            return self._reached(cell, sign)
        cost = np.zeros(self.n)
        cost[cell] = sign
        self.solver.changeColsCost(self.n, np.arange(self.n, dtype=np.int32), cost)
        self.solver.run()
        bound = self._value(self.solver)
        if np.isinf(bound):
            return bound
        self._keep(np.asarray(self.solver.getSolution().col_value))
        bound = np.ceil(bound - _TOLERANCE)
        return bound if self._reached(cell, sign) == bound else self._searched(cell, sign)

    def _reached(self, cell: int, sign: int) -> float:
        return self.least[cell] if sign > 0 else -self.most[cell]

    def _keep(self, found: np.ndarray) -> None:
        """Remember how far a table goes, if it is whole."""
        table = np.round(found)
        if (np.abs(found - table) < _TOLERANCE).all():
            self.least, self.most = np.minimum(self.least, table), np.maximum(self.most, table)

    def _searched(self, cell: int, sign: int) -> float:
        solver = _quiet(self.lp)
        columns = np.arange(self.n, dtype=np.int32)
        kinds = np.full(self.n, int(highspy.HighsVarType.kInteger), dtype=np.uint8)
        solver.changeColsIntegrality(self.n, columns, kinds)
        solver.changeColCost(cell, float(sign))
        solver.run()
        value = self._value(solver)
        if np.isinf(value):
            return value
        found = np.round(solver.getSolution().col_value)
        self._keep(found)
        return float(sign * found[cell])

    @staticmethod
    def _value(solver: highspy.Highs) -> float:
        status, statuses = solver.getModelStatus(), highspy.HighsModelStatus
        if status == statuses.kOptimal:
            return solver.getInfo().objective_function_value
        if status in (statuses.kUnbounded, statuses.kUnboundedOrInfeasible):
            solver.setOptionValue("presolve", "off")
            solver.run()
            status = solver.getModelStatus()
            if status == statuses.kUnbounded:
                return -np.inf
        if status == statuses.kInfeasible:
            raise ValueError("опубликованное противоречит себе: таких целых чисел нет")
        raise RuntimeError(f"HiGHS остановился: {solver.modelStatusToString(status)}")


def _quiet(lp: highspy.HighsLp) -> highspy.Highs:
    solver = highspy.Highs()
    options = {"output_flag": False, "threads": 1, "random_seed": 0, "mip_rel_gap": 0.0}
    options["simplex_strategy"] = _PRIMAL
    for name, value in options.items():
        solver.setOptionValue(name, value)
    solver.passModel(lp)
    return solver


def _seen(frames: Sequence[pd.DataFrame]) -> dict[str, float]:
    """Numbers that are shown; where publications differ the latest counts."""
    seen: dict[str, float] = {}
    for frame in frames:
        shown = frame[frame["value"].notna()]
        for cell, value, old in zip(
            shown["cell"], shown["value"], shown["is_earlier"], strict=True
        ):
            if seen.setdefault(cell, value) != value and not old:
                raise ValueError(f"опубликованное противоречит себе: «{cell}» — "
                                 f"{seen[cell]:g} и {value:g}")  # fmt: skip
    return seen


def _all_sums(
    frame: pd.DataFrame, hierarchies: Mapping[str, Mapping[str, str]]
) -> list[tuple[bool, str, frozenset[str]]]:
    """Every total with its parts, over every choice of keys, whether or not others imply it."""
    dims = [column for column in frame if column.startswith(KEY)]
    is_earlier = bool(frame["is_earlier"].any())
    rows = frame[["cell", "block", *dims]].drop_duplicates()
    found = []
    for over in chain.from_iterable(combinations(dims, k) for k in range(1, len(dims) + 1)):
        same = ["block", *(dim for dim in dims if dim not in over)]
        totals = rows[rows[list(over)].eq(TOTAL).all(axis=1)]
        top = [~rows[dim].eq(TOTAL) & ~_has_parent(rows[dim], hierarchies) for dim in over]
        parts = rows[np.logical_and.reduce(top)]
        found += _joined(totals, parts, same)
    for dim in dims:
        parents = {
            c: p for c, p in hierarchies.get(dim.removeprefix(KEY), {}).items() if p != TOTAL
        }
        under = rows[rows[dim].isin(list(parents))]
        lifted = under.assign(**{dim: under[dim].map(parents)})
        found += _joined(rows, lifted, ["block", *dims])
    return [(is_earlier, total, parts) for total, parts in found if parts != {total}]


def _has_parent(codes: pd.Series, hierarchies: Mapping[str, Mapping[str, str]]) -> pd.Series:
    parents = codes.map(hierarchies.get(codes.name.removeprefix(KEY), {}))
    return parents.isin(set(codes) - {TOTAL})


def _joined(
    totals: pd.DataFrame, parts: pd.DataFrame, same: list[str]
) -> list[tuple[str, frozenset[str]]]:
    under = parts.groupby(same)["cell"].agg(frozenset).rename("parts").reset_index()
    beside = totals.merge(under, on=same)
    return list(zip(beside["cell"], beside["parts"], strict=True))


def _hidden(sheet: Sheet) -> pd.DataFrame:
    """Rows of a sheet whose own number, group or rest is not shown, with their keys."""
    frame = entries(sheet)
    frame = frame.assign(is_own=frame["row"].ge(0) | frame["role"].eq("rest"))
    made = []
    for role, cells in frame.groupby("role", sort=True):
        codes = sheet.codes
        if role == "group":
            codes = codes.assign(**dict.fromkeys(sheet.form.parts, TOTAL))
        own = cells[["cell", "value", "is_own"]].set_axis(codes.index)
        made.append(pd.concat([codes.assign(counted=role), own], axis=1))
    listed = pd.concat(made)
    listed = listed[listed["value"].isna() & listed["is_own"]].drop_duplicates("cell")
    return listed.drop(columns=["value", "is_own"]).assign(table=sheet.name)
