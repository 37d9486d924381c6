"""Who of equal people sits in which seminar group, where a group meets and who leads it.

Nothing of this touches the utility: how many of a profile sit in groups of a kind is given.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from nmc_utils.measures.seminar_family import Choice, Family
from nmc_utils.measures.seminar_keeping import Kept
from nmc_utils.measures.seminar_leading import assigned_leaders
from nmc_utils.measures.seminar_travel import travelled


@dataclass(frozen=True)
class Seating:
    """Groups of a family by kind, those with a label of the last plan first."""

    group_of: np.ndarray
    """Person: group, −1 for none."""
    kind: np.ndarray
    """Group: kind."""
    label: np.ndarray
    """Group: last group whose label it takes over, −1 for none."""
    zone: np.ndarray
    """Group: zone where it meets, −1 without zones."""
    leader: np.ndarray
    """Group: leader, −1 without leaders."""


def seated(family: Family, choice: Choice, kept: Kept | None = None) -> Seating:
    """Seat people, choose where groups meet and who leads them.

    Without zones the groups of a kind are of like sizes and like mixes of profiles. With zones
    the way of all people to their groups is short, the way of a leader only after that. Whoever
    `kept` lets stay in a group of the last plan stays, and so does who led it where that is still
    allowed. People, leaders and zones are taken in the order of the family, so ties are settled.

    Parameters
    ----------
    family
        Zones of persons and leaders may be unknown (−1): they cost nothing anywhere.
    choice
        Seats by profile and kind, groups by kind, and how many a class of leaders leads.
    kept
        What lives on of the last plan; its `choice` must be `choice`.
    """
    kind, label = _opened(choice, kept)
    stays = np.zeros((len(family.counts), 0), int) if kept is None else kept.stays
    zone = leader = np.full(len(kind), -1)
    if len(kind) and len(family.zones):
        group_of, zone = travelled(family, choice, kind, label, stays)
    else:
        group_of = _dealt(family, choice, kind, label, stays)
    if len(kind) and family.leaders is not None:
        leader = assigned_leaders(family, choice, kind, label, zone, group_of)
    return Seating(group_of, kind, label, zone, leader)


def _opened(choice: Choice, kept: Kept | None) -> tuple[np.ndarray, np.ndarray]:
    """Kind and label of each group."""
    kind = np.repeat(np.arange(len(choice.groups)), choice.groups)
    label = np.full(len(kind), -1)
    if kept is not None:
        first = np.cumsum(choice.groups) - choice.groups
        for last, own_kind in enumerate(kept.kind_of):
            if own_kind >= 0:
                label[first[own_kind]] = last
                first[own_kind] += 1
    return kind, label


def _dealt(
    family: Family, choice: Choice, kind: np.ndarray, label: np.ndarray, stays: np.ndarray
) -> np.ndarray:
    """Group of each person, −1 for none: the next of a profile goes to the smallest group."""
    group_of = np.full(len(family.profile_of), -1)
    left = choice.seats.copy()
    of_pair = defaultdict(list)
    if stays.size:
        for person, pair in enumerate(zip(family.profile_of, family.last, strict=True)):
            of_pair[pair].append(person)
    for group in np.flatnonzero(label >= 0):
        for profile in np.flatnonzero(stays[:, label[group]]):
            n_stay = stays[profile, label[group]]
            group_of[of_pair[profile, label[group]][:n_stay]] = group
            left[profile, kind[group]] -= n_stay
    waiting = [iter(w) for w in _by_profile(family, np.flatnonzero(group_of < 0))]
    sizes = np.bincount(group_of[group_of >= 0], minlength=len(kind))
    for own_kind in np.unique(kind):
        groups = np.flatnonzero(kind == own_kind)
        for profile in np.flatnonzero(left[:, own_kind]):
            for _ in range(left[profile, own_kind]):
                group = groups[np.argmin(sizes[groups])]
                group_of[next(waiting[profile])] = group
                sizes[group] += 1
    return group_of


def _by_profile(family: Family, persons: Iterable[int]) -> list[list[int]]:
    waiting = [[] for _ in family.counts]
    for person in persons:
        waiting[family.profile_of[person]].append(person)
    return waiting
