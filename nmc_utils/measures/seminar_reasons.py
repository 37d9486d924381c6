"""Why people are without a group, and what keeps a family from more or better groups.

What is said of leaders, pins and bans is said by consequence: the family is planned once more
without that limit, and it binds where the other plan is better.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import floor

import numpy as np

from nmc_utils.measures.flow_models import TOLERANCE
from nmc_utils.measures.seminar_family import Choice, Family, Found, Kinds, Rules
from nmc_utils.measures.seminar_model import GroupModel, waiting
from nmc_utils.measures.seminar_programme import best_choice
from nmc_utils.measures.seminar_request import EVERYONE

#: Why a person is without a group, in the order in which the reasons are tried.
REASONS = {
    "no_deficit": "Дефицитов не выявлено: группа не требуется.",
    "family_too_small": "В предметной группе меньше людей, чем нужно для одной группы.",
    "no_leader": "Нет ведущего, у которого есть свободная нагрузка и нет этих же дефицитов.",
    "groups_full": "Группы, где нужные человеку темы перевешивают ненужные, заполнены.",
    "forbidden": "Участие запрещено вручную.",
    "no_gain": "Ни в одной составленной группе нужные человеку темы не перевешивают ненужных.",
}
#: A loss of utility by pins and bans below this is not told.
_TOLD_LOSS = 0.01
#: Topic sets of which more groups are made of those left, and of which one is tried beside others.
_LIKELY = 20
_TRIED = 3


@dataclass(frozen=True)
class _More:
    """A better plan that the family would have with leaders enough, as far as it is told."""

    opened: np.ndarray
    """Kind: bool; more groups of it."""
    helped: np.ndarray
    """Profile: persons more in groups."""
    bound: float
    """No plan of the family with leaders enough has a greater utility; inf where unknown."""


@dataclass(frozen=True)
class _Case:
    """A family's plan beside others that it would have without a limit."""

    family: Family
    found: Found
    choice: Choice
    led: _More | None
    """With leaders enough; None where nobody waits for one."""
    unfixed: Found | None
    """Without pins and bans; None where there are none."""

    @property
    def left(self) -> np.ndarray:
        """Profile: persons without a group."""
        return self.family.counts - self.choice.seats.sum(axis=1)


def explained(family: Family, found: Found, choice: Choice) -> tuple[np.ndarray, tuple[str, ...]]:
    """Say why people are without a group and what binds.

    Parameters
    ----------
    found
        What `best_choice` found for the family.
    choice
        Of the same utility: what the plan is made of.

    Returns
    -------
    reasons
        Profile: the key of `REASONS` that holds for those of it who have no group.
    notes
        What keeps the family from more or better groups, a Russian sentence each.
    """
    case = _Case(family, found, choice, _led(family, choice), _unfixed(family))
    reasons = _reasons(case)
    if not family.needs.any():
        return reasons, ()
    told = tuple(_binding(case, reasons))
    if family.name == EVERYONE:
        return reasons, tuple(clause[0].upper() + clause[1:] for clause in told)
    return reasons, tuple(f"Предметная группа «{family.name}»: {clause}" for clause in told)


def _led(family: Family, choice: Choice) -> _More | None:
    """Better plan with leaders enough, where somebody may be waiting for one.

    The cheap ways to one come first; a plan of its own is made only where they fail.
    """
    if family.leaders is None or family.counts.sum() < family.rules.least:
        return None
    left = family.counts - choice.seats.sum(axis=1)
    if choice.groups.any() and not left[_lacks_leader(family, choice)].any():
        return None
    free = replace(family, leaders=None)
    return _of_those_left(free, left) or _beside(free, choice) or _anew(free, choice)


def _likely(family: Family, left: np.ndarray) -> np.ndarray:
    """Topic sets that may open at any time, the few that bring most to those who are left."""
    may = np.flatnonzero(family.kinds.last < 0)
    may = may[~np.isin(may, waiting(family)[:, 0])]
    worth = left @ np.maximum(family.values[:, may], 0)
    return may[np.argsort(-worth, kind="stable")[:_LIKELY]]


def _of_those_left(family: Family, left: np.ndarray) -> _More | None:
    """Groups of people who have none, one after another as long as the next one pays."""
    values, likely, left = family.values, _likely(family, left), left.copy()
    opened, helped = np.zeros(len(family.kinds), bool), np.zeros(len(left), int)
    while left.sum() >= family.rules.least:
        groups = [_best_group(values[:, kind], left, family.rules) for kind in likely]
        gains = [group @ values[:, kind] for group, kind in zip(groups, likely, strict=True)]
        if max(gains, default=0) <= TOLERANCE:
            break
        best = int(np.argmax(gains))
        left -= groups[best]
        helped += groups[best] * (values[:, likely[best]] > TOLERANCE)
        opened[likely[best]] = True
    return _More(opened, helped, np.inf) if opened.any() else None


def _best_group(values: np.ndarray, left: np.ndarray, rules: Rules) -> np.ndarray:
    """Profile: persons of the group that brings most."""
    order = np.argsort(-values, kind="stable")
    counts = left[order]
    size = np.clip(counts[values[order] > 0].sum(), rules.least, rules.greatest)
    group = np.zeros(len(left), int)
    group[order] = np.clip(size - (np.cumsum(counts) - counts), 0, counts)
    return group


def _beside(family: Family, choice: Choice) -> _More | None:
    """More groups beside those of the plan, everyone seated anew, as long as the next one pays."""
    best = choice
    while (better := _with_another(family, best)) is not None:
        best = better
    if best is choice:
        return None
    return _More(best.groups > choice.groups, _more_seated(best, choice), np.inf)


def _with_another(family: Family, choice: Choice) -> Choice | None:
    left = family.counts - choice.seats.sum(axis=1)
    for kind in _likely(family, left)[:_TRIED]:
        groups = choice.groups + (np.arange(len(family.kinds)) == kind)
        seats = family.allowed & (groups > 0)
        model = GroupModel(family, seats, np.zeros(seats.shape, bool), groups)
        found = model.seated(family.values)
        if found is not None and _is_better(family, found[0], choice):
            return found[0]
    return None


def _anew(family: Family, choice: Choice) -> _More:
    found = best_choice(family, quick=True)
    if _is_better(family, found.choice, choice):
        opened = found.choice.groups > choice.groups
        return _More(opened, _more_seated(found.choice, choice), found.bound)
    nothing = np.zeros(len(family.kinds), bool)
    return _More(nothing, np.zeros(len(family.counts), int), found.bound)


def _is_better(family: Family, other: Choice, choice: Choice) -> bool:
    return bool(((other.seats - choice.seats) * family.values).sum() > TOLERANCE)


def _more_seated(other: Choice, choice: Choice) -> np.ndarray:
    return np.maximum(other.seats.sum(axis=1) - choice.seats.sum(axis=1), 0)


def _unfixed(family: Family) -> Found | None:
    """Plan without pins and bans."""
    own, plain = family.kinds, family.kinds.last < 0
    if plain.all():
        return None
    kinds = Kinds(own.topics[plain], own.least[plain], own.most[plain], own.last[plain])
    free = replace(
        family,
        kinds=kinds,
        allowed=np.ones((len(family.counts), len(kinds)), bool),
        is_pinned=np.zeros(len(family.counts), bool),
    )
    return best_choice(free, quick=True)


def _lacks_leader(family: Family, choice: Choice) -> np.ndarray:
    """Profile: no leader has load left for a topic that would be worth the seat.

    Where no topic would be, it is not for want of a leader.
    """
    free = family.leaders.capacity > choice.led.sum(axis=1)
    worth = family.needs - family.rules.cost * (1 - family.needs) > 0
    worth &= family.kinds.topics.any(axis=0)  # a barred topic needs no leader
    leadable = (worth.astype(int) @ ~family.leaders.deficits[free].T).any(axis=1)
    return worth.any(axis=1) & ~leadable


def _reasons(case: _Case) -> np.ndarray:
    family, open_ = case.family, case.choice.groups > 0
    gains = (family.values > TOLERANCE) & open_
    waits = np.zeros(len(family.counts), bool)
    if case.led is not None:
        helped = ((family.values > TOLERANCE) & family.allowed & case.led.opened).any(axis=1)
        waits = _lacks_leader(family, case.choice) & (helped | (case.led.helped > 0))
        waits &= case.led.helped[waits].any()
    holds = {
        "no_deficit": ~family.needs.any(axis=1),
        "family_too_small": np.full(len(waits), family.counts.sum() < family.rules.least),
        "no_leader": waits,
        "groups_full": (gains & family.allowed).any(axis=1),
        "forbidden": gains.any(axis=1),
    }
    return np.select(list(holds.values()), list(holds), "no_gain").astype(object)


def _binding(case: _Case, reasons: np.ndarray) -> Iterator[str]:
    family, rules = case.family, case.family.rules
    n = int(family.counts.sum())
    if n < rules.least:
        yield (
            f"людей меньше наименьшего размера группы ({n} из {rules.least}); объедините её с "
            "другой, учите дистанционно или по индивидуальному маршруту."
        )
        return
    if not family.kinds.topics.any():
        yield "все компетенции исключены из тем, группы не из чего составить."
        return
    left = case.left
    yield from _leaders_bind(case, reasons == "no_leader")
    full = int(left[reasons == "groups_full"].sum())
    if full:
        yield (
            f"размер группы {rules.least}–{rules.greatest}: без места остаётся {full}; увеличьте "
            "наибольший размер."
        )
    yield from _pins_bind(case, int(left[reasons == "forbidden"].sum()))
    plans = [plan for plan in (case.found, case.led, case.unfixed) if plan is not None]
    if not case.choice.groups.any() and all(plan.bound <= TOLERANCE for plan in plans):
        yield (
            f"ни одна группа не окупает ненужных тем при цене {_said(rules.cost)}; уменьшите "
            "наименьший размер группы или цену."
        )


def _leaders_bind(case: _Case, waits: np.ndarray) -> Iterator[str]:
    waiting_now = int(case.left[waits].sum())
    if not waiting_now:
        return
    capacity = int(case.family.leaders.capacity.sum())
    if not capacity:
        yield "нет ни одного ведущего с нагрузкой; назначьте ведущего."
    elif case.choice.groups.sum() == capacity:
        yield (
            f"нагрузка ведущих исчерпана (групп {capacity}); без группы из-за этого остаются: "
            f"{case.led.helped[waits].sum()}."
        )
    else:
        yield (
            "у ведущих со свободной нагрузкой те же дефициты, что и у людей без группы "
            f"({waiting_now}); нужен другой ведущий."
        )


def _pins_bind(case: _Case, forbidden: int) -> Iterator[str]:
    if forbidden:
        yield f"ручные запреты: без группы остаётся {forbidden}."
    if case.unfixed is None:
        return
    values = case.family.values[:, case.family.kinds.last < 0]
    loss = (case.unfixed.choice.seats * values).sum() - case.found.bound
    if loss >= _TOLD_LOSS - TOLERANCE:
        # Rounded down, as it is a loss that is proven.
        least = floor((loss + TOLERANCE) / _TOLD_LOSS) * _TOLD_LOSS
        yield f"ручные закрепления и запреты снижают критерий не меньше чем на {_said(least)}."


def _said(value: float) -> str:
    return f"{value:.6g}".replace(".", ",")
