"""Maximum of the marginal likelihood of item responses, and how sure it is.

EM-gradient steps (Lange 1995) lead into the neighbourhood of the maximum, Newton steps with the
exact observed information (Louis 1982) finish; with many persons the way there is made on every
k-th of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nmc_utils.measures.item_responses import Sheet, collapsed, named, thinned
from nmc_utils.measures.marginal_likelihood import Bank, Pass, Population, evaluate, nodes
from nmc_utils.measures.products import inverse

#: Beyond this slope a response tells no more than on which side of a point θ lies.
_STEEPEST = 20.0
_NARROWEST = 0.05
#: Last Newton step of any parameter; what is left after it is of the order of its square.
_TOLERANCE = 1e-4
#: Near enough to the maximum to go on with all persons and fine nodes.
_NEAR = 0.03
#: Relative loss of log-likelihood that single precision may feign.
_SLACK = 1e-7
_MOST_PASSES = 200
#: Newton steps are tried after so many EM-gradient steps, and again after as many if refused.
_WARM_UP = 3
#: No parameter moves by more in one step.
_LONGEST_STEP = 1.0
#: Many persons are not needed for a start: the first part has so many, the next 16 × as many.
_FIRST_PART = 3_000

State = tuple[Bank, Population]


@dataclass(frozen=True)
class Fit:
    """Maximum-likelihood estimates and their covariance matrix, in the order of `evaluate`."""

    bank: Bank
    population: Population
    covariance: np.ndarray
    log_likelihood: float
    converged: bool


@dataclass(frozen=True)
class _Climb:
    """Where an ascent ended, what the pass before its last step found, and what that step gains.

    `lost` is the information lost by not knowing θ, for one person on average.
    """

    state: State
    found: Pass | None = None
    lost: np.ndarray | None = None
    gain: float = 0.0
    converged: bool = False


def fit(sheet: Sheet, *, common_slope: bool) -> Fit:
    """Maximise the marginal likelihood.

    Raises
    ------
    ValueError
        A discrimination or a group's SD runs to its bound, or the responses do not determine the
        parameters; the sentence names the item or the group.
    """
    free = _first_places(sheet, common_slope)
    data = collapsed(sheet, totals_suffice=common_slope)
    climb = _Climb(_start(sheet))
    for part in _parts(sheet, data, common_slope) or [data]:
        theta = nodes(*climb.state, part, 1.2)
        climb = _ascend(part, climb, free, theta, _NEAR)
        if _at_bound(climb.state):
            climb = _Climb(_start(sheet))
    for _ in range(3):
        theta = nodes(*climb.state, data, 0.75)
        climb = _ascend(data, climb, free, theta, _TOLERANCE)
        _refuse_bounds(sheet, climb.state, common_slope)
        if len(nodes(*climb.state, data)) <= len(theta):
            break
    covariance = _covariance(sheet, climb.found, free)
    reached = climb.found.log_likelihood + climb.gain
    return Fit(*climb.state, covariance, reached, climb.converged)


def _first_places(sheet: Sheet, common_slope: bool) -> np.ndarray:
    """First place of each free parameter among all: a common slope stands for all slopes."""
    n_items = len(sheet.items)
    size = n_items + sheet.n_steps.sum() + 2 * (len(sheet.groups) - 1)
    return np.concatenate(([0], np.arange(n_items, size))) if common_slope else np.arange(size)


def _freed(table: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Gradient or information of the free parameters: those that are tied are added up."""
    if len(free) == len(table):
        return table
    for axis in range(table.ndim):
        table = np.add.reduceat(table, free, axis=axis)
    return table


def _tied(free: np.ndarray, size: int) -> np.ndarray:
    """Free parameter of each parameter."""
    return np.searchsorted(free, np.arange(size), side="right") - 1


def _start(sheet: Sheet) -> State:
    """All slopes 1, intercepts from the shares of the scores, all groups N(0, 1)."""
    counts, steps = sheet.category_counts.astype(float), sheet.n_steps
    intercepts = [
        1.15 * np.log(row[1 : n + 1] / row[0]) for row, n in zip(counts, steps, strict=True)
    ]
    bank = Bank(np.ones(len(steps)), np.concatenate(intercepts), steps)
    return bank, Population(np.zeros(len(sheet.groups)), np.zeros(len(sheet.groups)))


def _parts(sheet: Sheet, data: Sheet, common_slope: bool) -> list[Sheet]:
    """Growing parts of many persons to start on, if every score is found often enough in them."""
    parts, n = [], _FIRST_PART
    while n * 4 <= sum(len(block.scores) for block in data.blocks):
        part = thinned(sheet, n)
        if (part.category_counts[sheet.category_counts > 0] >= 10).all():
            parts.append(collapsed(part, totals_suffice=common_slope))
        n *= 16
    return parts


def _ascend(
    sheet: Sheet, begin: _Climb, free: np.ndarray, theta: np.ndarray, tolerance: float
) -> _Climb:
    """Climb by EM-gradient, then Newton steps; a step that leads down is shortened.

    The lost information changes little near the maximum: it is computed anew when steps do not
    shrink as they should, and at the end, where it gives the standard errors.
    """
    n = sheet.n_persons.sum()
    state, lost = begin.state, begin.lost
    best, best_state, step = None, state, np.zeros(0)
    anew, length, newton_from = False, np.inf, _WARM_UP if lost is None else 0
    for number in range(_MOST_PASSES):
        newton = number >= newton_from
        found = evaluate(sheet, *state, theta, information=newton and (anew or lost is None))
        if best and found.log_likelihood < best.log_likelihood * (1 + _SLACK):
            step, newton_from = step / 4, number + 1 + _WARM_UP
            state = _moved(best_state, step)
            continue
        best, best_state = found, state
        lost = lost if found.missing is None else found.missing / n
        step = _newton_step(found, lost * n, free) if newton else None
        if step is None:
            newton_from, anew = max(newton_from, number + 1 + _WARM_UP * newton), True
            step = _em_step(sheet, state, found, free)
        state, previous, length = _moved(state, step), length, np.abs(step).max()
        if _at_bound(state):
            return _Climb(state, found, lost)
        if newton and length < tolerance and (found.missing is not None or tolerance >= _NEAR):
            return _Climb(state, found, lost, float(found.gradient @ step) / 2, True)
        anew = length < tolerance * 10 or length > 0.3 * previous
    return _Climb(best_state, evaluate(sheet, *best_state, theta, information=True), lost)


def _newton_step(found: Pass, lost: np.ndarray, free: np.ndarray) -> np.ndarray | None:
    """Newton step, none where the observed information is not that of a maximum."""
    try:
        observed = inverse(_freed(found.complete - lost, free))
    except np.linalg.LinAlgError:
        return None
    step = (observed @ _freed(found.gradient, free))[_tied(free, len(lost))]
    return step / max(np.abs(step).max() / _LONGEST_STEP, 1)


def _em_step(sheet: Sheet, state: State, found: Pass, free: np.ndarray) -> np.ndarray:
    """EM-gradient step; of a mean and a log SD with their expected information, never negative."""
    complete, n_free = found.complete.copy(), len(state[0].slopes) + len(state[0].intercepts)
    n = sheet.n_persons[1:].astype(float)
    precision = np.exp(-2 * state[1].log_sd[1:])
    complete[n_free:, n_free:] = np.diag(np.column_stack((n * precision, 2 * n)).ravel())
    # Where a curve is so steep that no node tells of it, the step is cut short, not undefined.
    complete += 1e-9 * sheet.n_persons.sum() * np.eye(len(complete))
    step = inverse(_freed(complete, free)) @ _freed(found.gradient, free)
    return np.clip(step[_tied(free, len(complete))], -_LONGEST_STEP, _LONGEST_STEP)


def _moved(state: State, step: np.ndarray) -> State:
    bank, population = state
    slopes, intercepts, groups = np.split(step, np.cumsum([len(bank.slopes), len(bank.intercepts)]))
    return (
        Bank(bank.slopes + slopes, bank.intercepts + intercepts, bank.n_steps),
        Population(
            population.mean + np.concatenate(([0.0], groups[0::2])),
            population.log_sd + np.concatenate(([0.0], groups[1::2])),
        ),
    )


def _at_bound(state: State) -> bool:
    bank, population = state
    return bool(
        (np.abs(bank.slopes) > _STEEPEST).any() or (population.log_sd < np.log(_NARROWEST)).any()
    )


def _refuse_bounds(sheet: Sheet, state: State, common_slope: bool) -> None:
    bank, population = state
    steep, flat = np.abs(bank.slopes) > _STEEPEST, np.abs(bank.slopes) < 1e-4
    narrow = population.log_sd < np.log(_NARROWEST)
    if common_slope and steep.any():
        raise ValueError(
            "Общая дискриминативность заданий уходит в бесконечность: ответы упорядочены так, "
            "будто в них нет случайности; модель 1PL не оценивается"
        )
    if common_slope and flat.any():
        raise ValueError(
            "Общая дискриминативность заданий равна нулю: ответы на разные задания не связаны "
            "между собой, и общего уровня они не измеряют"
        )
    if steep.any():
        raise ValueError(
            f"Дискриминативность уходит в бесконечность: {named(sheet.items[steep])}. Ответы на "
            "задание полностью определяются остальными; уберите его"
        )
    if flat.any():
        raise ValueError(
            f"Дискриминативность равна нулю: {named(sheet.items[flat])}. Ответы на задание не "
            "связаны с остальными, его трудность не определяется; уберите его"
        )
    if narrow.any():
        names = named(np.array(sheet.groups, object)[narrow])
        raise ValueError(
            f"Разброс внутри группы не оценивается: {names}. Результаты различаются не больше, "
            "чем по случайности; объедините группу с другой"
        )


def _covariance(sheet: Sheet, found: Pass, free: np.ndarray) -> np.ndarray:
    observed = _freed(found.complete - found.missing, free)
    tied = _tied(free, len(found.gradient))
    try:
        return inverse(observed)[np.ix_(tied, tied)]
    except np.linalg.LinAlgError:
        weakest = int(np.abs(np.linalg.eigh(observed)[1][:, 0])[tied].argmax())
        raise ValueError(_undetermined(sheet, weakest)) from None


def _undetermined(sheet: Sheet, parameter: int) -> str:
    n_items = len(sheet.items)
    owner = np.concatenate((np.arange(n_items), np.repeat(np.arange(n_items), sheet.n_steps)))
    if parameter < len(owner):
        return (
            f"Параметры задания «{sheet.items[owner[parameter]]}» по этим ответам не "
            "определяются: слишком мало людей или общих с другими заданий ответов"
        )
    group = sheet.groups[1 + (parameter - len(owner)) // 2]
    return (
        f"Среднее и разброс группы «{group}» по этим ответам не определяются: "
        "слишком мало людей или общих с другими группами заданий"
    )
