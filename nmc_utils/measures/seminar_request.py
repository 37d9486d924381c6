"""What was asked of seminar groups: checked, and written as one `Family` for each family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nmc_utils.measures.seminar_arrays import family_of, kinds_of, last_groups, zones_of
from nmc_utils.measures.seminar_family import Family, Rules
from nmc_utils.seminar_settings import MAX_TOPIC_SETS, topic_sets

if TYPE_CHECKING:
    from nmc_utils.measures.seminars import Grouping

#: Domains that people are assessed in.
MAX_DOMAINS = 20
#: Family of everyone when no families are given.
EVERYONE = "all"


@dataclass(frozen=True)
class Request:
    """Arguments of `seminar_groups` in their order there."""

    deficits: pd.DataFrame
    family: pd.Series | None
    zone: pd.Series | None
    size: tuple[int, int]
    topics: int
    leaders: pd.DataFrame | None
    unneeded_cost: float
    distances: pd.DataFrame | None
    fixed: pd.DataFrame | None
    previous: Grouping | None
    barred: Mapping[str, Iterable] | None


def families_of(asked: Request) -> list[Family]:
    """Check what was asked and write it as families, by name.

    Raises
    ------
    ValueError
        An argument is not as `seminar_groups` describes it; the message names the value.
    """
    rules = _rules(asked.size, asked.unneeded_cost)
    if asked.zone is None and asked.distances is not None:
        raise ValueError("distances need the zones of persons: give `zone` as well")
    if asked.previous is None and asked.fixed is not None:
        raise ValueError("fixed names groups of a previous plan: give `previous` as well")
    if not len(asked.deficits):
        return []
    deficits = _checked_deficits(asked.deficits)
    _check_topics(asked.topics, deficits.columns)
    names = _checked_family(asked.family, deficits.index)
    people = pd.DataFrame({"family": names, "zone": _checked_zone(asked.zone, deficits.index)})
    people.index = deficits.index
    leaders = None
    if asked.leaders is not None:
        has_zone = asked.zone is not None
        leaders = _checked_leaders(asked.leaders, asked.family, deficits.columns, has_zone)
    barred = _checked_barred(asked.barred, deficits.columns)
    pairs = _checked_fixed(asked.fixed, asked.previous, people["family"])
    if asked.distances is not None:
        _check_distances(asked.distances, zones_of(people["zone"], leaders))
    result = []
    for name, own in people.groupby("family", sort=True):
        last = last_groups(asked.previous, name, deficits.columns)
        named = pairs[pairs["person_id"].isin(own.index)]
        banned = barred.get(name, set())
        _check_pins(named, last, rules, asked.topics, banned)
        most = len(own) // rules.least
        kinds = kinds_of(deficits.columns, asked.topics, banned, last, named, most)
        led = None if leaders is None else leaders[leaders["family"] == name]
        result.append(
            family_of(
                name,
                deficits.loc[own.index],
                own["zone"],
                kinds,
                rules,
                led,
                last,
                named,
                asked.distances,
                asked.previous,
            )
        )
    return result


# --- checks -------------------------------------------------------------------------------------


def _rules(size: tuple[int, int], cost: float) -> Rules:
    pair = tuple(size) if isinstance(size, Iterable) else ()
    if not (len(pair) == 2 and all(map(_is_whole, pair)) and 1 <= pair[0] <= pair[1]):
        raise ValueError(f"size must be two whole numbers, 1 ≤ least ≤ greatest, got {size!r}")
    if not (_is_number(cost) and isfinite(cost) and cost >= 0):
        raise ValueError(f"unneeded_cost must be a finite number of at least 0, got {cost!r}")
    return Rules(int(pair[0]), int(pair[1]), float(cost))


def _is_number(value: object) -> bool:
    return _is_whole(value) or isinstance(value, float | np.floating)


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _check_topics(topics: int, domains: pd.Index) -> None:
    if not (_is_whole(topics) and topics >= 1):
        raise ValueError(f"topics must be a whole number of at least 1, got {topics!r}")
    n = len(domains)
    if n > MAX_DOMAINS:
        raise ValueError(f"{n} domains: a plan is made for at most {MAX_DOMAINS}")
    n_sets = topic_sets(n, topics)
    if n_sets > MAX_TOPIC_SETS:
        raise ValueError(
            f"{n_sets} sets of at most {topics} topics of {n} domains: "
            f"a plan is made for at most {MAX_TOPIC_SETS}"
        )


def _checked_deficits(deficits: pd.DataFrame) -> pd.DataFrame:
    for what, labels in (("person", deficits.index), ("domain", deficits.columns)):
        if labels.hasnans:
            raise ValueError(f"the name of a {what} is missing in deficits")
        if labels.has_duplicates:
            twice = labels[labels.duplicated()].tolist()[0]
            raise ValueError(f"{what} {twice!r} occurs twice in deficits")
    if deficits.columns.empty:
        raise ValueError(f"nothing to plan by: {len(deficits)} persons and no domain")
    _refuse_unordered(deficits.index, "persons")
    categories = deficits.columns[deficits.dtypes == "category"]
    deficits = deficits.astype(dict.fromkeys(categories, object))
    values = deficits.apply(pd.to_numeric, errors="coerce").to_numpy(float, na_value=np.nan)
    wrong = ~((values >= 0) & (values <= 1)) | deficits.map(lambda v: isinstance(v, str))
    if wrong.any(axis=None):
        row, column = np.argwhere(wrong.to_numpy())[0]
        value = deficits.iloc[row].tolist()[column]
        person, domain = deficits.index.tolist()[row], deficits.columns.tolist()[column]
        where = f"person {person!r} in domain {domain!r}"
        if pd.isna(value):
            raise ValueError(f"{where} was not assessed: the deficit is missing")
        raise ValueError(f"{where}: a deficit must lie between 0 and 1, got {value!r}")
    return pd.DataFrame(values, deficits.index, deficits.columns).sort_index()


def _checked_family(family: pd.Series | None, persons: pd.Index) -> np.ndarray:
    if family is None:
        return np.full(len(persons), EVERYONE, dtype=object)
    _refuse_twice(family.index, "family")
    names = family.astype(object).reindex(persons)
    for person, name in names.items():
        if not isinstance(name, str):
            raise ValueError(f"family of person {person!r} must be a string, got {name!r}")
    return names.to_numpy()


def _checked_zone(zone: pd.Series | None, persons: pd.Index) -> np.ndarray:
    if zone is None:
        return np.full(len(persons), None, dtype=object)
    _refuse_twice(zone.index, "zone")
    names = zone.astype(object).reindex(persons)
    names = names.where(names.notna(), None)
    for person, name in names.items():
        if not (name is None or isinstance(name, str)):
            raise ValueError(f"zone of person {person!r} must be a string, got {name!r}")
    return names.to_numpy()


def _refuse_unordered(ids: Iterable, what: str) -> None:
    """Ids of one kind have an order, which makes a plan independent of that of the rows."""
    ids = list(ids)
    try:
        sorted(ids)
    except TypeError:
        other = next((i for i in ids if type(i) is not type(ids[0])), ids[-1])
        raise ValueError(
            f"ids of {what} must be of one kind, got {ids[0]!r} and {other!r}"
        ) from None


def _refuse_twice(persons: pd.Index, where: str) -> None:
    if persons.has_duplicates:
        raise ValueError(f"person {persons[persons.duplicated()][0]!r} occurs twice in {where}")


def _checked_leaders(
    leaders: pd.DataFrame, family: pd.Series | None, domains: pd.Index, has_zone: bool
) -> pd.DataFrame:
    """Leaders by `leader_id`; `deficits` as positions of domains, `zone` None where unknown."""
    if family is None and "family" in leaders:
        raise ValueError("leaders have a family but persons have none: give `family` as well")
    columns = ["leader_id", "family", "max_groups", "deficits"]
    if family is None:
        leaders = leaders.assign(family=EVERYONE)
    for column in columns:
        if column not in leaders:
            raise ValueError(f"leaders lack the column {column!r}")
    if leaders["leader_id"].isna().any():
        raise ValueError("a leader_id is missing")
    _refuse_unordered(leaders["leader_id"], "leaders")
    twice = leaders["leader_id"][leaders["leader_id"].duplicated()]
    if len(twice):
        raise ValueError(f"leader {twice.iloc[0]!r} occurs twice")
    zones = leaders["zone"].astype(object) if has_zone and "zone" in leaders else None
    zones = pd.Series(None, leaders.index, object) if zones is None else zones
    leaders = leaders[columns].assign(zone=zones.where(zones.notna(), None))
    for leader in leaders.itertuples(index=False):
        _check_leader(leader, domains)
    own = [tuple(sorted({domains.get_loc(domain) for domain in d})) for d in leaders["deficits"]]
    return leaders.assign(deficits=own).sort_values("leader_id")


def _check_leader(leader: tuple, domains: pd.Index) -> None:
    name, family, max_groups, deficits, zone = leader
    if not isinstance(family, str):
        raise ValueError(f"family of leader {name!r} must be a string, got {family!r}")
    if not (_is_number(max_groups) and max_groups >= 0 and float(max_groups).is_integer()):
        raise ValueError(
            f"max_groups of leader {name!r} must be a whole number, got {max_groups!r}"
        )
    if not isinstance(deficits, tuple | list | set | frozenset):
        raise ValueError(f"deficits of leader {name!r} must be a tuple, got {deficits!r}")
    for domain in deficits:
        if domain not in domains:
            raise ValueError(f"leader {name!r} has a deficit in an unknown domain {domain!r}")
    if not (zone is None or isinstance(zone, str)):
        raise ValueError(f"zone of leader {name!r} must be a string, got {zone!r}")


def _checked_barred(barred: Mapping[str, Iterable] | None, domains: pd.Index) -> dict[str, set]:
    for name, own in (barred or {}).items():
        if isinstance(own, str) or not isinstance(own, Iterable):
            raise ValueError(f"barred topics of family {name!r} must be a collection, got {own!r}")
        for domain in own:
            if domain not in domains:
                raise ValueError(f"a barred topic of family {name!r} is unknown: {domain!r}")
    return {name: set(own) for name, own in (barred or {}).items()}


def _check_distances(distances: pd.DataFrame, zones: tuple[str, ...]) -> None:
    for side, labels in (("row", distances.index), ("column", distances.columns)):
        if labels.has_duplicates:
            twice = labels[labels.duplicated()][0]
            raise ValueError(f"zone {twice!r} occurs twice in a {side} of distances")
        for zone in zones:
            if zone not in labels:
                raise ValueError(f"distances lack a {side} of zone {zone!r}")
    values = distances.loc[list(zones), list(zones)].to_numpy(float)
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        start, end = np.argwhere(wrong)[0]
        raise ValueError(
            f"the distance from zone {zones[start]!r} to zone {zones[end]!r} must be a finite "
            f"number of at least 0, got {values[start, end]}"
        )


def _checked_fixed(
    fixed: pd.DataFrame | None, previous: Grouping | None, family: pd.Series
) -> pd.DataFrame:
    """Pairs by person and group, each once."""
    if fixed is None:
        return pd.DataFrame({"person_id": [], "group_id": [], "pinned": np.zeros(0, bool)})
    for column in ("person_id", "group_id", "pinned"):
        if column not in fixed:
            raise ValueError(f"fixed lacks the column {column!r}")
    home = previous.groups.set_index("group_id")["family"]
    for person, group, pinned in fixed[["person_id", "group_id", "pinned"]].itertuples(index=False):
        if person not in family.index:
            raise ValueError(f"fixed names person {person!r}, who is not in deficits")
        if group not in home.index:
            raise ValueError(f"fixed names group {group!r}, which is not in the previous plan")
        if not isinstance(pinned, bool | np.bool_):
            raise ValueError(
                f"pinned of person {person!r} and group {group!r} must be True or False, "
                f"got {pinned!r}"
            )
        if home[group] != family[person]:
            raise ValueError(
                f"person {person!r} is of family {family[person]!r}, "
                f"group {group!r} of family {home[group]!r}"
            )
    pairs = fixed[["person_id", "group_id", "pinned"]].astype({"pinned": bool}).drop_duplicates()
    pinned = pairs[pairs["pinned"]]
    twice = pinned["person_id"][pinned["person_id"].duplicated()]
    if len(twice):
        raise ValueError(f"person {min(twice)!r} is pinned twice")
    pairs = pairs.sort_values(["person_id", "group_id"])
    both = pairs[pairs.duplicated(["person_id", "group_id"])]
    if len(both):
        person, group = both[["person_id", "group_id"]].iloc[0]
        raise ValueError(f"person {person!r} is both pinned to group {group!r} and forbidden there")
    return pairs


def _check_pins(
    pairs: pd.DataFrame,
    last: pd.DataFrame | None,
    rules: Rules,
    topics: int,
    barred: set,
) -> None:
    """Refuse pins to a group that cannot be what it was."""
    for group, n in pairs.loc[pairs["pinned"], "group_id"].value_counts().sort_index().items():
        if n > rules.greatest:
            raise ValueError(f"{n} persons are pinned to group {group!r} of at most "
                             f"{rules.greatest}")  # fmt: skip
        own = last.loc[group, "topics"]
        if len(own) > topics:
            raise ValueError(
                f"group {group!r} with pinned persons has {len(own)} topics, at most {topics} "
                "are allowed now"
            )
        if barred & set(own):
            topic = sorted(barred & set(own))[0]
            raise ValueError(f"topic {topic!r} of group {group!r} with pinned persons is barred")
        if last.loc[group, "unknown"]:
            topic = last.loc[group, "unknown"][0]
            raise ValueError(
                f"topic {topic!r} of group {group!r} with pinned persons is no domain of deficits"
            )
