"""A plan of seminar groups beside what it was asked for, as arrays, for `plan_check`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from nmc_utils.measures.seminars import Grouping, SeminarPlan

#: Family of everyone when no families are given.
EVERYONE = "all"


@dataclass(frozen=True)
class PlanCase:
    """The tables of a plan, the request (persons in order), and both as arrays.

    Arrays are by the place of a person in `persons` and of a group in `ids`.
    """

    plan: SeminarPlan
    deficits: pd.DataFrame
    families: pd.Series
    zones: pd.Series | None
    size: tuple[int, int]
    most_topics: int
    leaders: pd.DataFrame | None
    cost: float
    distances: pd.DataFrame | None
    fixed: pd.DataFrame | None
    previous: Grouping | None
    barred: dict[str, set]
    has_families: bool

    @property
    def persons(self) -> pd.Index:
        """Everyone who was to be planned for."""
        return self.deficits.index

    @property
    def groups(self) -> pd.DataFrame:
        """The plan's table of groups."""
        return self.plan.groups

    @cached_property
    def members(self) -> pd.DataFrame:
        """`group_id` and `reason` by person."""
        return self.plan.members.set_index("person_id").reindex(self.persons).astype(object)

    @cached_property
    def ids(self) -> pd.Index:
        """`group_id` of each group."""
        return pd.Index(self.groups["group_id"].astype(object))

    @cached_property
    def needs(self) -> np.ndarray:
        """Person × domain: the deficit, 0/1 or its probability."""
        return self.deficits.to_numpy()

    @cached_property
    def group_of(self) -> np.ndarray:
        """Person: place of the group, −1 for none."""
        return self.ids.get_indexer(self.members["group_id"])

    @cached_property
    def sizes(self) -> np.ndarray:
        """Group: persons in `members`."""
        return np.bincount(self.group_of[self.group_of >= 0], minlength=len(self.ids))

    @cached_property
    def topics(self) -> np.ndarray:
        """Group × domain: 1 for a topic."""
        rows = [self.deficits.columns.isin(set_) for set_ in self.groups["topics"]]
        return np.array(rows, float).reshape(len(self.ids), self.needs.shape[1])

    @cached_property
    def needed(self) -> np.ndarray:
        """Person × group: topics of the group that the person needs, Σ p."""
        return self.needs @ self.topics.T

    @cached_property
    def worth(self) -> np.ndarray:
        """Person × group: what the person brings, or would."""
        return (1 + self.cost) * self.needed - self.cost * self.topics.sum(axis=1)

    @cached_property
    def of_family(self) -> np.ndarray:
        """Person × group: of the own family."""
        return self.families.to_numpy()[:, None] == self.groups["family"].to_numpy(object)

    @cached_property
    def may_join(self) -> np.ndarray:
        """Person × group: of the own family and not forbidden."""
        may = self.of_family.copy()
        for person, group in self.pairs(pinned=False):
            if group in self.ids:
                may[self.persons.get_loc(person), self.ids.get_loc(group)] = False
        return may

    @property
    def named(self) -> set:
        """`group_id` that are named in pins or bans."""
        return {group for is_pin in (True, False) for _, group in self.pairs(pinned=is_pin)}

    def pairs(self, *, pinned: bool) -> list[tuple]:
        """(person, group) that were pinned, or forbidden."""
        if self.fixed is None:
            return []
        rows = self.fixed[self.fixed["pinned"].astype(bool) == pinned]
        return list(zip(rows["person_id"], rows["group_id"], strict=True))
