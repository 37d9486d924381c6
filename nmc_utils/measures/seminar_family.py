"""One family as the optimiser sees it: people, leaders, kinds of groups, and the rules.

`seminar_request` makes it of what was asked; `seminar_programme` chooses the groups;
`seminar_keeping` and `seminar_places` say who sits where.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Rules:
    """Limits and prices that are common to all families."""

    least: int
    """Persons in a group, at least."""
    greatest: int
    """Persons in a group, at most."""
    cost: float
    """What a seat on a topic that the member does not need costs; a needed one brings 1."""


@dataclass(frozen=True)
class Kinds:
    """What groups a family may open: topic sets, then named groups of the last plan.

    A named group is a kind of its own, of which there is at most one.
    """

    topics: np.ndarray
    """Kind × domain, bool."""
    least: np.ndarray
    """Kind: groups at least; 1 where somebody is pinned to a named group, else 0."""
    most: np.ndarray
    """Kind: groups at most."""
    last: np.ndarray
    """Kind: index of the named group in `Family.last_groups`, −1 for a mere topic set."""

    def __len__(self) -> int:
        return len(self.topics)


@dataclass(frozen=True)
class Leaders:
    """Leaders of a family, by `leader_id`; those with equal deficits make a class."""

    ids: np.ndarray
    load: np.ndarray
    """Leader: groups at most."""
    zone: np.ndarray
    """Leader: index of the zone, −1 where unknown."""
    class_of: np.ndarray
    """Leader: class."""
    deficits: np.ndarray
    """Class × domain, bool."""

    @property
    def capacity(self) -> np.ndarray:
        """Class: groups at most."""
        return np.bincount(self.class_of, self.load, len(self.deficits)).astype(int)

    def allowed(self, kinds: Kinds) -> np.ndarray:
        """Class × kind: no topic is an own deficit."""
        return ~(self.deficits.astype(int) @ kinds.topics.T.astype(int)).astype(bool)


@dataclass(frozen=True)
class LastGroups:
    """Groups of the last plan in this family, by `group_id`."""

    ids: np.ndarray
    topics: np.ndarray
    """Group × domain, bool."""
    leader_ids: np.ndarray
    zone: np.ndarray
    """Group: index of the zone, −1 where unknown."""


@dataclass(frozen=True)
class Family:
    """People of one family in the order of `person_id`, and what limits their groups.

    Persons with equal needs and equal pins and bans are interchangeable: a profile.
    """

    name: str
    person_ids: np.ndarray
    profile_of: np.ndarray
    """Person: profile."""
    needs: np.ndarray
    """Profile × domain: the deficit, 0/1 or its probability."""
    counts: np.ndarray
    """Profile: persons."""
    allowed: np.ndarray
    """Profile × kind: bool; one kind alone for those who are pinned."""
    is_pinned: np.ndarray
    """Profile: bool; everyone of it must sit in the one kind that is allowed."""
    kinds: Kinds
    rules: Rules
    leaders: Leaders | None = None
    zone: np.ndarray | None = None
    """Person: index of the zone, −1 where unknown."""
    zones: tuple[str, ...] = ()
    distances: np.ndarray | None = None
    """Zone of a person × zone of a group."""
    last: np.ndarray | None = None
    """Person: index of the last plan's group, −1 for none."""
    last_groups: LastGroups | None = None

    @property
    def needed(self) -> np.ndarray:
        """Profile × kind: needed topics of a member, Σ p."""
        return self.needs @ self.kinds.topics.T

    @property
    def values(self) -> np.ndarray:
        """Profile × kind: what a member brings."""
        return self.needed - self.rules.cost * (self.kinds.topics.sum(axis=1) - self.needed)


@dataclass(frozen=True)
class Choice:
    """Whole numbers of people and groups."""

    seats: np.ndarray
    """Profile × kind: persons."""
    groups: np.ndarray
    """Kind: groups."""
    led: np.ndarray
    """Leader class × kind: groups; no rows without leaders."""


@dataclass(frozen=True)
class Found:
    """The best choice that was found, and what is proven about every other."""

    choice: Choice
    bound: float
    """No choice has a greater utility."""
    reachable: np.ndarray
    """Profile × kind: bool; no choice of at least this utility seats anyone elsewhere."""
