"""Which leader leads which seminar group."""

from __future__ import annotations

import numpy as np

from nmc_utils.measures.flow_models import FlowModel
from nmc_utils.measures.seminar_family import Choice, Family


def assigned_leaders(
    family: Family,
    choice: Choice,
    kind: np.ndarray,
    label: np.ndarray,
    zone: np.ndarray,
    group_of: np.ndarray,
) -> np.ndarray:
    """Leader of each group.

    In this order: who led the last group of that label leads it again; the way of the leaders is
    short; a leader does not sit in the own group; loads are even. A class leads as many groups as
    `choice` says, no leader more than the load, and none on a topic of an own deficit.

    Parameters
    ----------
    family
        With leaders, and at least one group.
    choice
        Its `led` says how many groups a class leads.
    kind, label, zone
        Group: kind, last group or −1, zone or −1.
    group_of
        Person: group or −1.
    """
    leaders = family.leaders
    may_lead = leaders.allowed(family.kinds)[leaders.class_of][:, kind]
    leader, group = np.nonzero(may_lead & (leaders.load > 0)[:, None])
    model = FlowModel()
    leads = model.columns(len(leader), 1)
    model.rows(len(kind), 1, 1, (group, leads, 1))
    of_class = choice.led.sum(axis=1)
    model.rows(len(of_class), of_class, of_class, (leaders.class_of[leader], leads, 1))
    loads = np.minimum(leaders.load, len(kind)).astype(int)
    turn_of = np.repeat(np.arange(len(loads)), loads)
    turn = np.arange(len(turn_of)) - np.repeat(np.cumsum(loads) - loads, loads)
    turns = model.columns(len(turn_of), 1)
    model.rows(len(loads), 0, 0, (leader, leads, 1), (turn_of, turns, -1))
    costs = np.zeros((4, len(model.lower)))
    costs[0, leads] = ~_led_last(family, label)[leader, group]
    costs[1, leads] = _distances(family, zone)[leader, group]
    costs[2, leads] = _sits_in(family, group_of, len(kind))[leader, group]
    costs[3, turns] = turn
    answer = model.least_in_turn(costs)
    if answer is None:
        raise ValueError("no leaders for these groups: the choice leads more than it may")
    found = np.full(len(kind), -1)
    chosen = answer[leads] > 0.5
    found[group[chosen]] = leader[chosen]
    return found


def _led_last(family: Family, label: np.ndarray) -> np.ndarray:
    """Leader × group: led the last group whose label this one has."""
    if family.last_groups is None:
        return np.zeros((len(family.leaders.ids), len(label)), bool)
    before = np.append(family.last_groups.leader_ids.astype(object), None)[label]
    return np.array([[own == last for last in before] for own in family.leaders.ids], bool)


def _distances(family: Family, zone: np.ndarray) -> np.ndarray:
    """Leader × group: way of the leader, 0 where a zone is unknown."""
    own = family.leaders.zone
    if family.distances is None or not len(family.zones):
        return np.zeros((len(own), len(zone)))
    known = (own >= 0)[:, None] & (zone >= 0)
    return np.where(known, family.distances[own][:, zone], 0.0)


def _sits_in(family: Family, group_of: np.ndarray, n_groups: int) -> np.ndarray:
    """Leader × group: the leader is a member of it."""
    of_person = dict(zip(family.person_ids, group_of, strict=True))
    own = np.array([of_person.get(leader, -1) for leader in family.leaders.ids])
    return own[:, None] == np.arange(n_groups)
