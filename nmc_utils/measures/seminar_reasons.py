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
from nmc_utils.measures.seminar_family import Choice, Family, Found, Kinds
from nmc_utils.measures.seminar_programme import best_choice
from nmc_utils.measures.seminar_request import EVERYONE

#: Why a person is without a group, in the order in which the reasons are tried.
REASONS = {
    "no_deficit": "Дефицитов не выявлено: группа не требуется.",
    "family_too_small": "В предметной группе меньше людей, чем нужно для одной группы.",
    "no_leader": "Нет ведущего, у которого есть свободная нагрузка и нет этих же дефицитов.",
    "groups_full": "Группы, в которых участие повысило бы критерий, заполнены.",
    "forbidden": "Участие запрещено вручную.",
    "no_gain": "Ни в одной из составленных групп участие не повысило бы критерий.",
}
#: A loss of utility by pins and bans below this is not told.
_TOLD_LOSS = 0.01


@dataclass(frozen=True)
class _Case:
    """A family's plan beside the quick ones that it would have without a limit."""

    family: Family
    found: Found
    choice: Choice
    unled: Found | None
    """With a leader for every group; None where nobody waits for a leader."""
    unfixed: Found | None
    """Without pins and bans; None where there are none."""

    @property
    def seated(self) -> np.ndarray:
        """Profile: persons in groups."""
        return self.choice.seats.sum(axis=1)

    @property
    def helped(self) -> np.ndarray:
        """Profile: persons more in groups if there were leaders enough, where that pays."""
        none = np.zeros(len(self.family.counts), int)
        if self.unled is None or not self._is_better(self.unled):
            return none
        return np.maximum(self.unled.choice.seats.sum(axis=1) - self.seated, none)

    def _is_better(self, other: Found) -> bool:
        values = self.family.values
        utility, now = ((c.seats * values).sum() for c in (other.choice, self.choice))
        return bool(utility > now + TOLERANCE)


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
    case = _Case(family, found, choice, _unled(family, choice), _unfixed(family))
    reasons = _reasons(case)
    if not family.needs.any():
        return reasons, ()
    told = tuple(_binding(case, reasons))
    if family.name == EVERYONE:
        return reasons, tuple(clause[0].upper() + clause[1:] for clause in told)
    return reasons, tuple(f"Предметная группа «{family.name}»: {clause}" for clause in told)


def _unled(family: Family, choice: Choice) -> Found | None:
    """Plan with a leader for every group, where somebody may be waiting for one."""
    if family.leaders is None or family.counts.sum() < family.rules.least:
        return None
    left = family.counts > choice.seats.sum(axis=1)
    if choice.groups.any() and not (left & _lacks_leader(family, choice)).any():
        return None
    return best_choice(replace(family, leaders=None), quick=True)


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
    if case.helped.any():
        waits = _lacks_leader(family, case.choice) & (case.helped > 0)
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
    left = family.counts - case.seated
    yield from _leaders_bind(case, left, reasons == "no_leader")
    full = int(left[reasons == "groups_full"].sum())
    if full:
        yield (
            f"размер группы {rules.least}–{rules.greatest}: без места остаётся {full}; увеличьте "
            "наибольший размер."
        )
    yield from _pins_bind(case, int(left[reasons == "forbidden"].sum()))
    plans = [found for found in (case.found, case.unled, case.unfixed) if found is not None]
    if not case.choice.groups.any() and all(found.bound <= TOLERANCE for found in plans):
        yield (
            f"ни одна группа не окупает ненужных тем при цене {_said(rules.cost)}; уменьшите "
            "наименьший размер группы или цену."
        )


def _leaders_bind(case: _Case, left: np.ndarray, waits: np.ndarray) -> Iterator[str]:
    if not waits.any():
        return
    capacity = int(case.family.leaders.capacity.sum())
    if not capacity:
        yield "нет ни одного ведущего с нагрузкой; назначьте ведущего."
    elif case.choice.groups.sum() == capacity:
        yield (
            f"нагрузка ведущих исчерпана (групп {capacity}); без группы из-за этого остаются: "
            f"{case.helped[waits].sum()}."
        )
    else:
        yield (
            "у ведущих со свободной нагрузкой те же дефициты, что и у людей без группы "
            f"({left[waits].sum()}); нужен другой ведущий."
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
