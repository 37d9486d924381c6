"""Is a plan of seminar groups what it says: every constraint and every number, from its tables.

Shares nothing with the optimiser, so that one mistake cannot hide in both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nmc_utils.measures.plan_case import EVERYONE, PlanCase

if TYPE_CHECKING:
    from nmc_utils.measures.seminars import Grouping, SeminarPlan

#: Numbers that differ by less, relative to the greater of them and 1, are equal.
ACCURACY = 1e-7

#: Columns of the two tables of a plan.
COLUMNS = {
    "members": ("person_id", "group_id", "reason"),
    "groups": ("group_id", "family", "zone", "topics", "size", "leader_id"),
}

#: Why a person is without a group; the first that is true must be given.
REASONS = ("no_deficit", "family_too_small", "no_leader", "groups_full", "forbidden", "no_gain")


def check_plan(
    plan: SeminarPlan,
    deficits: pd.DataFrame,
    family: pd.Series | None = None,
    zone: pd.Series | None = None,
    size: tuple[int, int] = (12, 25),
    topics: int = 3,
    leaders: pd.DataFrame | None = None,
    unneeded_cost: float = 0.5,
    distances: pd.DataFrame | None = None,
    fixed: pd.DataFrame | None = None,
    previous: Grouping | None = None,
    *,
    barred: Mapping[str, Collection] | None = None,
) -> list[str]:
    """Name everything in which a plan breaks what was asked or misstates itself.

    Checked are the tables (everyone once, groups that exist, known topics), the constraints
    (family, size, topics, leaders, pins and bans, zones), the numbers (covered, coverage,
    precision, utility, gap, moved; bounds on the right side of what was reached) and what no good
    plan leaves undone: a person with something to gain beside a free seat, a group that costs more
    than it brings. Whether `bound` and `moved_bound` are true cannot be seen from a plan, nor
    whether a person for whom no leader is free would have a group if one were.

    Parameters
    ----------
    plan
        Anything with the attributes of a `SeminarPlan`.
    deficits, family, zone, size, topics, leaders, unneeded_cost, distances, fixed, previous, barred
        What `seminar_groups` was called with. They are taken to be sound, as it refuses others.

    Returns
    -------
    list of str
        One Russian sentence for each violation, with the person, group or value; empty when there
        is none. Where the tables are broken only that is said: the rest cannot be computed.
    """
    persons = deficits.index.sort_values()
    families = pd.Series(EVERYONE, persons) if family is None else family.reindex(persons)
    case = PlanCase(
        plan=plan,
        deficits=deficits.loc[persons].astype(float),
        families=families.astype(object),
        zones=None if zone is None else zone.reindex(persons),
        size=size,
        most_topics=topics,
        leaders=leaders,
        cost=unneeded_cost,
        distances=distances,
        fixed=fixed,
        previous=previous,
        barred={name: set(domains) for name, domains in (barred or {}).items()},
        has_families=family is not None,
    )
    broken = list(_table_faults(case))
    return broken or [sentence for check in _CHECKS for sentence in check(case)]


# --- the tables ---------------------------------------------------------------------------------


def _table_faults(case: PlanCase) -> Iterator[str]:
    for table, columns in COLUMNS.items():
        lacking = [column for column in columns if column not in getattr(case.plan, table)]
        if lacking:
            yield f"В таблице {table} нет столбцов: {', '.join(lacking)}."
            return
    yield from _faults_of_persons(case)
    yield from _faults_of_groups(case)


def _faults_of_persons(case: PlanCase) -> Iterator[str]:
    times = Counter(case.plan.members["person_id"])
    for person in case.persons.difference(list(times)):
        yield f"Участник «{person}» пропущен: о нём в плане ничего не сказано."
    for person, n in times.items():
        if person not in case.persons:
            yield f"Участника «{person}» нет среди тех, для кого составлялся план."
        elif n > 1:
            yield f"Участник «{person}» записан в плане не один раз, а {n}."
    known = set(case.groups["group_id"].dropna())
    for row in case.plan.members.itertuples():
        has_group, has_reason = not pd.isna(row.group_id), not pd.isna(row.reason)
        if has_group and row.group_id not in known:
            yield f"Участник «{row.person_id}»: группы «{row.group_id}» нет в плане."
        if has_group and has_reason:
            yield f"Участник «{row.person_id}» в группе, но указана причина «{row.reason}»."
        if not has_group and not has_reason:
            yield f"Участник «{row.person_id}» без группы, а причина не указана."


def _faults_of_groups(case: PlanCase) -> Iterator[str]:
    for group, n in Counter(case.groups["group_id"].astype(object)).items():
        if pd.isna(group):
            yield f"Групп без обозначения: {n}."
        elif n > 1:
            yield f"Обозначение группы «{group}» стоит у нескольких групп: {n}."
    for row in case.groups.itertuples():
        for topic in row.topics:
            if topic not in case.deficits.columns:
                yield f"Группа «{row.group_id}»: неизвестная тема «{topic}»."
        if len(set(row.topics)) < len(row.topics):
            yield f"Группа «{row.group_id}»: тема названа дважды: {', '.join(row.topics)}."


# --- constraints --------------------------------------------------------------------------------


def _group_faults(case: PlanCase) -> Iterator[str]:
    least, greatest = case.size
    for row, n in zip(case.groups.itertuples(), case.sizes, strict=True):
        name = f"Группа «{row.group_id}»"
        if row.size != n:
            yield f"{name}: указано человек {row.size}, в списке {n}."
        if not least <= n <= greatest:
            yield f"{name}: человек {n}, допускается от {least} до {greatest}."
        if not 1 <= len(row.topics) <= case.most_topics:
            yield f"{name}: тем {len(row.topics)}, допускается от 1 до {case.most_topics}."
        for topic in sorted(case.barred.get(row.family, set()) & set(row.topics), key=str):
            yield f"{name}: тема «{topic}» исключена для предметной группы «{row.family}»."


def _member_faults(case: PlanCase) -> Iterator[str]:
    families = case.groups["family"].tolist()
    for person, own, group in zip(case.persons, case.families, case.group_of, strict=True):
        if group >= 0 and families[group] != own:
            yield (
                f"Участник «{person}» из предметной группы «{own}» записан в группу "
                f"«{case.ids[group]}» предметной группы «{families[group]}»."
            )


def _leader_faults(case: PlanCase) -> Iterator[str]:
    if case.leaders is None:
        for row in case.groups.dropna(subset="leader_id").itertuples():
            yield f"Группа «{row.group_id}»: ведущий «{row.leader_id}», а списка ведущих не было."
        return
    known = case.leaders.set_index("leader_id")
    for row in case.groups.itertuples():
        if pd.isna(row.leader_id):
            yield f"Группа «{row.group_id}»: нет ведущего."
        elif row.leader_id not in known.index:
            yield f"Группа «{row.group_id}»: ведущего «{row.leader_id}» нет в списке ведущих."
        else:
            yield from _faults_of_led(row, known.loc[row.leader_id], case.has_families)
    for leader, n in Counter(case.groups["leader_id"].dropna()).items():
        if leader in known.index and n > known.at[leader, "max_groups"]:
            most = known.at[leader, "max_groups"]
            yield f"Ведущий «{leader}»: групп {n}, допускается не больше {most}."


def _faults_of_led(group: tuple, leader: pd.Series, has_families: bool) -> Iterator[str]:
    name = f"Группа «{group.group_id}»: ведущий «{group.leader_id}»"
    if has_families and leader["family"] != group.family:
        yield f"{name} из предметной группы «{leader['family']}», а она — «{group.family}»."
    for topic in sorted(set(leader["deficits"]) & set(group.topics), key=str):
        yield f"{name} сам имеет дефицит по её теме «{topic}»."


def _zone_faults(case: PlanCase) -> Iterator[str]:
    """A group meets in a known zone; without members of known zone it may be left open."""
    known = _known_zones(case)
    for place, (group, zone) in enumerate(zip(case.ids, case.groups["zone"], strict=True)):
        if pd.isna(zone):
            if case.zones is not None and case.zones[case.group_of == place].notna().any():
                yield f"Группа «{group}»: не указано, где она собирается."
        elif case.zones is None:
            yield f"Группа «{group}»: место «{zone}», а мест участников не было."
        elif zone not in known:
            yield f"Группа «{group}»: неизвестное место «{zone}»."


def _known_zones(case: PlanCase) -> set:
    known = set() if case.zones is None else set(case.zones.dropna())
    if case.leaders is not None and "zone" in case.leaders:
        known |= set(case.leaders["zone"].dropna())
    return known | set([] if case.distances is None else case.distances.columns)


def _pin_faults(case: PlanCase) -> Iterator[str]:
    now = case.members["group_id"]
    for person, group in case.pairs(pinned=True):
        if now[person] != group:
            found = "без группы" if pd.isna(now[person]) else f"в группе «{now[person]}»"
            yield f"Участник «{person}» закреплён за группой «{group}», а в плане он {found}."
    for person, group in case.pairs(pinned=False):
        if now[person] == group:
            yield f"Участник «{person}» записан в группу «{group}», что запрещено."


def _named_group_faults(case: PlanCase) -> Iterator[str]:
    """Groups of the last plan keep their family; those named in `fixed` their topics too."""
    if case.previous is None:
        return
    last, now = case.previous.groups.set_index("group_id"), case.groups.set_index("group_id")
    for group in now.index.intersection(last.index):
        was, is_ = last.at[group, "family"], now.at[group, "family"]
        if was != is_:
            yield f"Группа «{group}» была предметной группы «{was}», стала «{is_}»."
    pinned = {group for _, group in case.pairs(pinned=True)}
    for group in sorted(case.named):
        own = last.at[group, "topics"]
        if group not in now.index:
            if group in pinned:
                yield f"Группа «{group}» не открыта, хотя за ней закреплены участники."
            yield from _dodges(case, group, last.at[group, "family"], own)
        elif set(now.at[group, "topics"]) != set(own):
            topics = _listed(now.at[group, "topics"])
            yield f"Группа «{group}» должна сохранить темы {_listed(own)}, а в плане {topics}."


def _dodges(case: PlanCase, named: str, family: str, topics: Collection) -> Iterator[str]:
    """Groups that take the topics of a named group while that one is closed.

    Another named group of these topics is no dodge: it is a group of the last plan itself.
    """
    for row in case.groups[case.groups["family"] == family].itertuples():
        if set(row.topics) == set(topics) and row.group_id not in case.named:
            yield (
                f"Группа «{row.group_id}» обходит запрет: у неё темы группы «{named}», которая "
                "не открыта."
            )


# --- numbers ------------------------------------------------------------------------------------


def _number_faults(case: PlanCase) -> Iterator[str]:
    sitting, plan = np.flatnonzero(case.group_of >= 0), case.plan
    covered = case.needed[sitting, case.group_of[sitting]].sum()
    seats = case.sizes @ case.topics.sum(axis=1)
    total = case.needs.sum()
    expected = {
        "covered": covered,
        "coverage": covered / total if total else 1.0,
        "precision": covered / seats if seats else 1.0,
        "utility": covered - case.cost * (seats - covered),
        "gap": (plan.bound - plan.utility) / abs(plan.bound) if plan.bound else 0.0,
    }
    for name, value in expected.items():
        if not _equal(getattr(plan, name), value):
            yield f"{name}: указано {_said(getattr(plan, name))}, по таблицам {_said(value)}."
    if not plan.bound >= plan.utility:
        bound, utility = _said(plan.bound), _said(plan.utility)
        yield f"bound: граница {bound} меньше достигнутой полезности {utility}."


def _moved_faults(case: PlanCase) -> Iterator[str]:
    moved, said = 0, case.plan.moved
    if case.previous is not None:
        last = case.previous.members.dropna(subset="group_id").set_index("person_id")["group_id"]
        last = last[last.index.isin(case.persons)].astype(object)
        moved = int((case.members["group_id"].reindex(last.index) != last).sum())
    if said != moved:
        yield f"moved: указано {_said(said)}, по спискам сменили группу {moved}."
    if not 0 <= case.plan.moved_bound <= said:
        yield f"moved_bound: граница {_said(case.plan.moved_bound)} не между 0 и {_said(said)}."


# --- who was left out ---------------------------------------------------------------------------


def _reason_faults(case: PlanCase) -> Iterator[str]:
    """The reason given must be the first that is true of the person.

    Where no leader is free for a person, both `no_leader` and the next that is true may be given:
    whether more leaders would help shows only in another plan.
    """
    gains = case.worth > ACCURACY
    is_small = case.families.map(case.families.value_counts()) < case.size[0]
    joins, would = (case.may_join & gains).any(axis=1), (case.of_family & gains).any(axis=1)
    is_true = [~case.needs.any(axis=1), is_small.to_numpy(), joins, would]
    expected = np.select(is_true, [r for r in REASONS[:-1] if r != "no_leader"], REASONS[-1])
    waits = ~_has_leader(case) & ~np.isin(expected, ("no_deficit", "family_too_small"))
    for place in np.flatnonzero(case.group_of < 0):
        person, given = case.persons[place], case.members["reason"].iloc[place]
        if given not in REASONS:
            yield f"Участник «{person}»: неизвестная причина «{given}»."
        elif given != expected[place] and not (given == "no_leader" and waits[place]):
            true = (
                f"«no_leader» или «{expected[place]}»" if waits[place] else f"«{expected[place]}»"
            )
            yield f"Участник «{person}»: указана причина «{given}», по таблицам — {true}."


def _has_leader(case: PlanCase) -> np.ndarray:
    """Person: a leader of the family has load left for a topic that would be worth the seat.

    Where no topic would be, it is not for want of a leader.
    """
    if case.leaders is None:
        return np.ones(len(case.persons), bool)
    wanted = case.needs > case.cost * (1 - case.needs)
    for name, domains in case.barred.items():
        closed = case.deficits.columns.isin(list(domains))
        wanted[np.ix_((case.families == name).to_numpy(), closed)] = False
    found = ~wanted.any(axis=1)
    load = Counter(case.groups["leader_id"].dropna())
    for leader in case.leaders.to_dict("records"):
        if load[leader["leader_id"]] < leader["max_groups"]:
            family = leader["family"] if case.has_families else EVERYONE
            own = case.deficits.columns.isin(list(leader["deficits"]))
            found |= wanted[:, ~own].any(axis=1) & (case.families == family).to_numpy()
    return found


def _unused_faults(case: PlanCase) -> Iterator[str]:
    """A free seat that would bring something, a group that only costs."""
    is_free = case.may_join & (case.sizes < case.size[1]) & (case.group_of < 0)[:, None]
    gain = np.where(is_free, case.worth, 0.0)
    for place in np.flatnonzero((gain > ACCURACY).any(axis=1)):
        group, most = case.ids[gain[place].argmax()], _said(gain[place].max())
        yield (
            f"Участник «{case.persons[place]}» без группы, хотя в группе «{group}» есть место и "
            f"участие повысило бы полезность на {most}."
        )
    for place, group in enumerate(case.ids):
        brings = case.worth[case.group_of == place, place].sum()
        if brings < -ACCURACY and group not in case.named:
            yield f"Группа «{group}» снижает полезность плана на {_said(-brings)}."


def _equal(a: float, b: float) -> bool:
    return bool(abs(a - b) <= ACCURACY * max(1.0, abs(a), abs(b)))


def _said(value: float) -> str:
    return f"{value:.10g}".replace(".", ",")


def _listed(topics: Collection) -> str:
    return ", ".join(f"«{topic}»" for topic in sorted(topics, key=str)) or "никаких"


_CHECKS = (
    _group_faults,
    _member_faults,
    _leader_faults,
    _zone_faults,
    _pin_faults,
    _named_group_faults,
    _number_faults,
    _moved_faults,
    _reason_faults,
    _unused_faults,
)
