"""Checked arguments of seminar groups, written as the arrays of one `Family`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nmc_utils.measures.seminar_family import Family, Kinds, LastGroups, Leaders, Rules

if TYPE_CHECKING:
    from nmc_utils.measures.seminars import Grouping


def last_groups(previous: Grouping | None, name: str, domains: pd.Index) -> pd.DataFrame | None:
    """Groups of the last plan in a family, by `group_id`, with the topics unknown by now."""
    if previous is None:
        return None
    groups = previous.groups
    own = groups[groups["family"] == name].set_index("group_id").sort_index()
    unknown = [[t for t in topics if t not in domains] for topics in own["topics"]]
    return own.assign(unknown=pd.Series(unknown, own.index, object))


def kinds_of(
    domains: pd.Index,
    topics: int,
    barred: set,
    last: pd.DataFrame | None,
    pairs: pd.DataFrame,
    most: int,
) -> Kinds:
    """Topic sets without barred topics, then the groups that the pairs name and that may open."""
    free = [i for i, domain in enumerate(domains) if domain not in barred]
    sets = [set_ for k in range(1, min(topics, len(free)) + 1) for set_ in combinations(free, k)]
    named, least = [], []
    for group, pinned in pairs.groupby("group_id", sort=True)["pinned"].any().items():
        own = last.loc[group, "topics"]
        if not (last.loc[group, "unknown"] or barred & set(own) or len(own) > topics):
            sets.append(tuple(domains.get_indexer(list(own))))
            named.append(last.index.get_loc(group))
            least.append(int(pinned))
    n_plain = len(sets) - len(named)
    bits = np.zeros((len(sets), len(domains)), bool)
    for kind, set_ in enumerate(sets):
        bits[kind, list(set_)] = True
    return Kinds(
        topics=_frozen(bits),
        least=_frozen(np.array([0] * n_plain + least, int)),
        most=_frozen(np.array([most] * n_plain + [1] * len(named), int)),
        last=_frozen(np.array([-1] * n_plain + named, int)),
    )


def _frozen(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


def family_of(
    name: str,
    needs: pd.DataFrame,
    zone: pd.Series,
    kinds: Kinds,
    rules: Rules,
    leaders: pd.DataFrame | None,
    last: pd.DataFrame | None,
    pairs: pd.DataFrame,
    distances: pd.DataFrame | None,
    previous: Grouping | None,
) -> Family:
    """Fold people into profiles: equal needs, equal pins and bans."""
    persons = needs.index
    pin, allowed = _pinned_and_allowed(persons, kinds, last, pairs)
    named = kinds.last >= 0
    values = needs.to_numpy()
    same = np.column_stack([values, pin, ~allowed[:, named]])
    _, first, profile_of, counts = np.unique(
        same, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    is_binary = bool(np.isin(values, (0, 1)).all())
    family = {
        "name": name,
        "person_ids": persons.to_numpy(),
        "profile_of": profile_of.ravel(),
        "needs": values[first].astype(int if is_binary else float),
        "counts": counts,
        "allowed": allowed[first],
        "is_pinned": pin[first] >= 0,
    }
    zones = zones_of(zone, leaders)
    if zones:
        family |= {"zone": _positions(zone, zones), "zones": zones}
        family["distances"] = (
            1.0 - np.eye(len(zones))
            if distances is None
            else distances.loc[list(zones), list(zones)].to_numpy(float)
        )
    if last is not None:
        seat = previous.members.set_index("person_id")["group_id"].reindex(persons)
        family["last"] = last.index.get_indexer(seat)
        family["last_groups"] = _written_groups(last, needs.columns, zones)
    family = {key: _frozen(v) if isinstance(v, np.ndarray) else v for key, v in family.items()}
    leaders = None if leaders is None else _written_leaders(leaders, needs.columns, zones)
    return Family(**family, kinds=kinds, rules=rules, leaders=leaders)


def zones_of(zone: pd.Series, leaders: pd.DataFrame | None) -> tuple[str, ...]:
    """Zones of the people and leaders of a family, by name."""
    homes = [*zone, *([] if leaders is None else leaders["zone"])]
    return tuple(sorted({home for home in homes if isinstance(home, str)}))


def _pinned_and_allowed(
    persons: pd.Index, kinds: Kinds, last: pd.DataFrame | None, pairs: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Kind to which each person is pinned, −1 for none; person × kind that is not forbidden."""
    pin = np.full(len(persons), -1)
    allowed = np.ones((len(persons), len(kinds)), bool)
    for person, group, pinned in pairs[["person_id", "group_id", "pinned"]].itertuples(index=False):
        kind = np.flatnonzero(kinds.last == last.index.get_loc(group))
        row = persons.get_loc(person)
        if pinned:
            pin[row] = kind[0]
        else:
            allowed[row, kind] = False
    held = np.flatnonzero(pin >= 0)
    allowed[held] = False
    allowed[held, pin[held]] = True
    return pin, allowed


def _positions(zone: Iterable, zones: tuple[str, ...]) -> np.ndarray:
    place = {name: i for i, name in enumerate(zones)}
    return np.array([place.get(name, -1) for name in zone], int)


def _written_groups(last: pd.DataFrame, domains: pd.Index, zones: tuple[str, ...]) -> LastGroups:
    topics = [np.isin(domains, list(own)) for own in last["topics"]]
    zone = last["zone"] if "zone" in last else pd.Series(None, last.index, object)
    return LastGroups(
        ids=_frozen(last.index.to_numpy(object)),
        topics=_frozen(np.array(topics, bool).reshape(len(last), len(domains))),
        leader_ids=_frozen(last["leader_id"].to_numpy(object)),
        zone=_frozen(_positions(zone, zones)),
    )


def _written_leaders(leaders: pd.DataFrame, domains: pd.Index, zones: tuple[str, ...]) -> Leaders:
    classes = sorted(set(leaders["deficits"]))
    deficits = [np.isin(range(len(domains)), own) for own in classes]
    return Leaders(
        ids=_frozen(leaders["leader_id"].to_numpy(object)),
        load=_frozen(leaders["max_groups"].to_numpy().astype(int)),
        zone=_frozen(_positions(leaders["zone"], zones)),
        class_of=_frozen(np.array([classes.index(own) for own in leaders["deficits"]], int)),
        deficits=_frozen(np.array(deficits, bool).reshape(len(classes), len(domains))),
    )
