"""«Что, если…»: conditions of another plan of seminar groups, and its numbers beside the published.

Nothing here plans: `trying.tried` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb

from nmc_utils.regions import Region

#: Persons of a group and topics of one that may be asked for, and the price of an unneeded seat.
LARGEST_GROUP, MOST_TOPICS, HIGHEST_COST = 200, 5, 10.0


class WrongConditions(ValueError):
    """Conditions of a trial that cannot be planned; the message is a sentence for the screen."""


@dataclass(frozen=True)
class Trial:
    """Conditions of another plan of the same people; a number that was left empty is None.

    Attributes
    ----------
    basis
        A key of `seminar_needs.BASES`.
    one_more
        Family that gets one more leader, of one group and without deficits; empty for none.
    with_leaders
        Without them leaders set no limit, and groups have none.
    """

    least: int | None
    greatest: int | None
    topics: int | None
    unneeded_cost: float | None
    basis: str = "result"
    one_more: str = ""
    with_leaders: bool = True

    @classmethod
    def as_planned(cls, region: Region) -> Trial:
        """The conditions that the region plans by."""
        settings = region.seminars
        return cls(*settings.size, settings.topics, settings.unneeded_cost)

    def check(self, n_domains: int, most_sets: int) -> None:
        """Refuse conditions of which there is no plan, in a sentence with what to do."""
        if not (
            _is_whole(self.least, 1, LARGEST_GROUP) and _is_whole(self.greatest, 1, LARGEST_GROUP)
        ):
            raise WrongConditions(
                f"Человек в группе — целое число от 1 до {LARGEST_GROUP}: исправьте «от» и «до»."
            )
        if self.least > self.greatest:
            raise WrongConditions(
                f"Наименьший размер группы больше наибольшего ({self.least} и {self.greatest}): "
                "поменяйте их местами."
            )
        if not _is_whole(self.topics, 1, MOST_TOPICS):
            raise WrongConditions(
                f"Тем в группе — целое число от 1 до {MOST_TOPICS}: исправьте число тем."
            )
        if not _is_within(self.unneeded_cost, 0, HIGHEST_COST):
            raise WrongConditions(
                f"Цена ненужной темы — число от 0 до {HIGHEST_COST:.0f}: исправьте её."
            )
        if self.one_more and not self.with_leaders:
            raise WrongConditions(
                "Ведущие не ограничивают, и ещё один ничего не изменит: выберите «Ограничивают» "
                "или «Ещё один ведущий: Нет»."
            )
        n_sets = sum(comb(n_domains, k) for k in range(1, min(self.topics, n_domains) + 1))
        if n_sets > most_sets:
            raise WrongConditions(
                f"Наборов до {self.topics} тем из {n_domains} компетенций слишком много: уменьшите "
                "число тем."
            )


def _is_within(value: float | None, least: float, greatest: float) -> bool:
    return value is not None and least <= value <= greatest


def _is_whole(value: float | None, least: int, greatest: int) -> bool:
    return _is_within(value, least, greatest) and value == int(value)


@dataclass(frozen=True)
class Tried:
    """What a trial gives beside the published plan.

    Attributes
    ----------
    now, tried
        Number by measure of the published plan and of the trial, for the same `persons`.
    notes
        What binds the trial, as of `SeminarPlan`.
    is_quick
        Whether it was planned by the quick search: its gap may be greater than the plan's.
    is_proven
        Whether the change is more than the proven gaps of both plans could make alone; of the quick
        search nothing is said.
    """

    now: Mapping[str, float]
    tried: Mapping[str, float]
    persons: int
    notes: tuple[str, ...]
    is_quick: bool = True
    is_proven: bool = True
