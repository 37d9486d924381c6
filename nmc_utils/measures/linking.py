"""Forms on one scale: which are linked through common items, and how their scales relate."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import least_squares
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.special import expit
from scipy.stats import norm

from nmc_utils.measures.intervals import adjust_p

#: Fewer common items do not show whether one of them has drifted.
LEAST_ANCHORS = 3

#: Abilities at which the expected scores of the anchors are compared, and their N(0, 1) weights.
_NODES = np.linspace(-4, 4, 41)
_ROOTS = np.sqrt(norm.pdf(_NODES) / norm.pdf(_NODES).sum())


def connected(forms: pd.DataFrame, least: int = 1) -> list[tuple[Hashable, ...]]:
    """Sets of forms that are linked through common items, directly or by way of other forms.

    Results may be compared within a set; between sets nothing is comparable.

    Parameters
    ----------
    forms
        Form × item: whether the form has the item.
    least
        Common items that two forms need to count as linked directly.

    Returns
    -------
    list
        Names of the forms of every set, in the order of the rows of `forms`.
    """
    has = _has(forms)
    common = csr_array(has) @ csr_array(has).T
    code = connected_components(common.multiply(common >= least), directed=False)[1]
    return [tuple(forms.index[code == number]) for number in pd.unique(code)]


def linking_notes(forms: pd.DataFrame, least: int = LEAST_ANCHORS) -> list[str]:
    """What a reader must know of the links between forms: one sentence per trouble.

    Parameters
    ----------
    forms
        Form × item: whether the form has the item.
    least
        Common items below which a link is too weak to be trusted.

    Returns
    -------
    list
        Sentences in Russian; none when all forms are linked by enough items.
    """
    apart, notes = connected(forms), []
    if len(apart) > 1 and len(apart) == len(forms):
        notes.append(
            f"Формы {_listed(forms.index)} не имеют общих заданий ни между собой, ни через другие"
            " формы: результаты несопоставимы."
        )
    elif len(apart) > 1:
        parts = "; ".join(_listed(names) for names in apart)
        notes.append(
            f"Формы распадаются на части без общих заданий: {parts}. Результаты сопоставимы только"
            " внутри части."
        )
    for names in apart:
        notes += _weak_links(forms.loc[list(names)], least)
    return notes


def _weak_links(forms: pd.DataFrame, least: int) -> list[str]:
    """Where a set of linked forms would fall apart without links of fewer than `least` items."""
    apart = connected(forms, least)
    has = pd.DataFrame(_has(forms), index=forms.index)
    notes = []
    told = [min(apart, key=len)] if len(apart) == 2 else apart
    for names in told if len(apart) > 1 else []:
        inside = has.loc[list(names)]
        outside = has.drop(index=list(names))
        most = int((inside.to_numpy() @ outside.to_numpy().T).max())
        one = len(names) == 1
        notes.append(
            f"{'Форма' if one else 'Формы'} {_listed(names)} {'связана' if one else 'связаны'}"
            f" с остальными слабо: не больше {most} {_common(most)} с любой из них, а нужно не"
            f" меньше {least}. Сопоставление ненадёжно."
        )
    return notes


def _has(forms: pd.DataFrame) -> np.ndarray:
    if forms.index.has_duplicates:
        raise ValueError(f"Форма «{forms.index[forms.index.duplicated()][0]}» стоит дважды.")
    if forms.isna().to_numpy().any():
        raise ValueError("forms must say of every form and item whether it is there")
    return forms.to_numpy(bool).astype(int)


def _listed(names: Iterable[Hashable]) -> str:
    *first, last = (f"«{name}»" for name in names)
    return f"{', '.join(first)} и {last}" if first else last


def _common(n: int) -> str:
    return "общего задания" if n % 10 == 1 and n % 100 != 11 else "общих заданий"


@dataclass(frozen=True)
class Link:
    """Line that carries the abilities of a new calibration to the scale of a base one.

    Attributes
    ----------
    slope, intercept
        Ability on the base scale = slope · ability on the new scale + intercept.
    anchors
        By common item: `a_base`; `a_linked`, the new one on the base scale; `a_drift`, new less
        base, with `a_drift_se` and `a_z`; the same of `b`; `p_value` that neither has drifted,
        `p_adjusted` (Benjamini–Hochberg), `is_drifting`;
        `slope_without`, `intercept_without`, the line if this item were no anchor.
    """

    slope: float
    intercept: float
    anchors: pd.DataFrame

    def to_base(self, theta: pd.Series | np.ndarray | float) -> pd.Series | np.ndarray | float:
        """Abilities of the new calibration on the base scale."""
        return self.slope * theta + self.intercept

    def items_to_base(self, items: pd.DataFrame) -> pd.DataFrame:
        """Items of the new calibration with `a`, `b` and their errors on the base scale."""
        moved = items.assign(a=items["a"] / self.slope, b=self.to_base(items["b"]))
        if "a_se" in items:
            moved = moved.assign(a_se=items["a_se"] / self.slope)
        return moved.assign(b_se=items["b_se"] * self.slope) if "b_se" in items else moved


def stocking_lord(
    items_base: pd.DataFrame,
    items_new: pd.DataFrame,
    anchors: Sequence[Hashable] | None = None,
    *,
    significance: float = 0.05,
) -> Link:
    """Link two separate calibrations through their common items.

    The line is the one at which the expected scores on the anchors, as the two calibrations have
    them, differ least over a N(0, 1) population of the base scale.

    Parameters
    ----------
    items_base, items_new
        By item: `a`, `b`, `a_se`, `b_se`, as `Calibration.items` of items scored 0/1.
    anchors
        Items to link by; all that both calibrations have, when not given.
    significance
        Adjusted p below which an anchor is called drifting, 0–1. Nobody is dropped by that: a
        person who knows the items decides, and passes the `anchors` that stay.

    Raises
    ------
    ValueError
        Fewer than `LEAST_ANCHORS` common items, an anchor that one calibration lacks, items with
        more than two categories, parameters that are missing or not usable.

    Notes
    -----
    Stocking and Lord (1983), Developing a common metric in item response theory; start by the
    means and SDs of difficulties (Marco 1977). Errors of the drifts by the delta method, the
    parameters being taken as independent; what is common to all items of a calibration the line
    takes up. The line itself gets no standard error: it would need the covariances and the errors
    of the two populations, and the one of a concurrent calibration has them (`groups`). The
    chance that neither parameter has drifted is Bonferroni's bound from the two z. In a 1PL the
    discrimination is common, so that difficulty alone can drift.
    """
    if not 0 < significance < 1:
        raise ValueError(f"significance must lie between 0 and 1, got {significance}")
    names = _anchors(items_base, items_new, anchors)
    base, new = (_parameters(items, names) for items in (items_base, items_new))
    line = _line(base, new)
    table = _drift(line, base, new).set_axis(pd.Index(names, name="item"))
    p_adjusted = adjust_p(table["p_value"])
    without = [_line(np.delete(base, j, 1), np.delete(new, j, 1), line) for j in range(len(names))]
    table = table.assign(
        p_adjusted=p_adjusted,
        is_drifting=p_adjusted < significance,
        slope_without=[slope for slope, _ in without],
        intercept_without=[intercept for _, intercept in without],
    )
    return Link(float(line[0]), float(line[1]), table)


def _drift(line: np.ndarray, base: np.ndarray, new: np.ndarray) -> pd.DataFrame:
    """Parameters of the anchors on the base scale, how far they have moved, and by what chance."""
    linked = np.stack([new[0] / line[0], line[0] * new[1] + line[1]])
    drift, error = linked - base[:2], _drift_errors(line, base, new)
    z = drift / error
    p = 2 * norm.sf(np.abs(z))
    has_one_slope = all(np.ptp(items[0]) < 1e-9 for items in (base, new))
    columns = {}
    for row, name in enumerate("ab"):
        columns |= {f"{name}_base": base[row], f"{name}_linked": linked[row]}
        columns |= {f"{name}_drift": drift[row], f"{name}_drift_se": error[row]}
        columns |= {f"{name}_z": z[row]}
    p_value = p[1] if has_one_slope else np.minimum(1, 2 * p.min(axis=0))
    return pd.DataFrame(columns).assign(p_value=p_value)


def _anchors(
    base: pd.DataFrame, new: pd.DataFrame, anchors: Sequence[Hashable] | None
) -> list[Hashable]:
    for items in (base, new):
        if "step_1" in items:
            raise ValueError(
                "Выравнивание по Стокингу — Лорду сделано для заданий «верно — неверно»; задания с"
                " несколькими баллами калибруйте вместе, по группам."
            )
        if items.index.has_duplicates:
            raise ValueError(f"Задание «{items.index[items.index.duplicated()][0]}» стоит дважды.")
    common = base.index[base.index.isin(new.index)]
    names = list(common if anchors is None else dict.fromkeys(anchors))
    for name in names:
        if name not in base.index or name not in new.index:
            raise ValueError(f"Задания «{name}» нет в одной из калибровок: якорем оно не будет.")
    if len(names) < LEAST_ANCHORS:
        found = f" ({_listed(names)})" if names else ""
        raise ValueError(
            f"Общих заданий {len(names)}{found}, а для связи двух калибровок нужно не меньше"
            f" {LEAST_ANCHORS}: результаты несопоставимы."
        )
    return names


def _parameters(items: pd.DataFrame, names: list[Hashable]) -> np.ndarray:
    """a, b, a_se, b_se × items."""
    values = items.loc[names, ["a", "b", "a_se", "b_se"]].to_numpy(float).T
    usable = np.isfinite(values).all(axis=0) & (values[[0, 2, 3]] > 0).all(axis=0)
    for number in np.flatnonzero(~usable):
        raise ValueError(
            f"У задания «{names[number]}» нет различающей силы больше нуля, трудности и их"
            " ошибок: якорем оно не будет."
        )
    return values


def _line(base: np.ndarray, new: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
    """Slope and intercept with the least squared difference of expected scores."""
    target = _curves(base[0], base[1]).sum(axis=1)

    def difference(line: np.ndarray) -> np.ndarray:
        linked = _curves(new[0] / line[0], line[0] * new[1] + line[1])
        return _ROOTS * (linked.sum(axis=1) - target)

    start = _first_line(base, new) if start is None else start
    steep = {"jac": lambda line: _by_line(line, new), "bounds": ([1e-3, -np.inf], np.inf)}
    return least_squares(difference, start, xtol=1e-12, ftol=1e-12, gtol=1e-12, **steep).x


def _first_line(base: np.ndarray, new: np.ndarray) -> np.ndarray:
    """The line by the means and SDs of difficulties; by discriminations if these are all equal."""
    spread = np.ptp(base[1]) > 0 and np.ptp(new[1]) > 0
    slope = base[1].std() / new[1].std() if spread else new[0].mean() / base[0].mean()
    return np.array([slope, base[1].mean() - slope * new[1].mean()])


def _by_line(line: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Derivatives of the weighted difference by slope and intercept, nodes × 2."""
    by_a, by_b = _slopes(new[0] / line[0], line[0] * new[1] + line[1])
    return np.stack([by_b @ new[1] - by_a @ new[0] / line[0] ** 2, by_b.sum(axis=1)], axis=1)


def _curves(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return expit(a * (_NODES[:, None] - b))


def _slopes(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of the curves by a and by b, weighted, nodes × items."""
    right = _curves(a, b)
    steep = _ROOTS[:, None] * right * (1 - right)
    return steep * (_NODES[:, None] - b), -steep * a


def _drift_errors(line: np.ndarray, base: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Standard errors of the drifts (a, b) × items, the line moving with every parameter.

    The line is where the difference of expected scores is orthogonal to its derivatives; what a
    parameter moves is the projection on these (the differences themselves being small).
    """
    slope, intercept = line
    by_a, by_b = _slopes(new[0] / slope, slope * new[1] + intercept)
    parameters = np.hstack([*_slopes(base[0], base[1]), -by_a / slope, -by_b * slope])
    moved = np.linalg.pinv(_by_line(line, new)) @ parameters  # (slope, intercept) × parameters
    error = np.concatenate([base[2], base[3], new[2], new[3]])
    n, unit = base.shape[1], np.eye(base.shape[1])
    nothing = np.zeros((n, n))
    a_moved = np.hstack([-unit, nothing, unit / slope, nothing])
    a_moved -= np.outer(new[0] / slope**2, moved[0])
    b_moved = np.hstack([nothing, -unit, nothing, slope * unit])
    b_moved += np.outer(new[1], moved[0]) + moved[1]
    return np.sqrt(np.stack([part**2 @ error**2 for part in (a_moved, b_moved)]))
