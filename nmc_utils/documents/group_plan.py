"""A published plan of seminar groups in words: what the papers about it are written from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from nmc_utils import wording
from nmc_utils.editions import Edition
from nmc_utils.findings import group_labels
from nmc_utils.measures.seminar_tables import MODES
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL

#: Tables without which nothing can be written, and those that an edition may lack.
NEEDED = (
    "seminar_plan",
    "seminar_groups",
    "seminar_members",
    "seminar_needs",
    "seminar_meetings",
    "seminar_programme",
)
FURTHER = (
    "seminar_leaders",
    "seminar_next_groups",
    "seminar_next_members",
    "seminar_notes",
    "procedures",
    "reporting",
)
TABLES = NEEDED + FURTHER  #: what the papers read of a run
_KEYS = ["region", "period"]


@dataclass(frozen=True)
class GroupPlan:
    """Groups of all rounds of a year, and the round that is being organised.

    Attributes
    ----------
    number
        The round of the leaders' sheets and of the calendar.
    groups
        A row a group: `round`, `group_id`, `family` (code), `topics` (codes), `size`,
        `leader_id`; in words `name`, `family_name`, `topic_names`, `zone_name`, `mode`; `away`
        (members from another municipality); `leader_from` (the leader's own municipality, if the
        group meets in another one and not at a distance; else missing). Where a group meets is
        missing if unknown, `away` and `mode` of later rounds are. In the region's order.
    members
        A row a member: `round`, `group_id`, `person_id`, `zone_name`, `needed`: names of those
        topics of the group that are a deficit of the person which no earlier round had;
        `needed_in_full`: the same as a sentence calls them.
    alone
        Those without a group in the first round: `person_id`, `family_name` (missing for whom the
        plan leaves out), `reason_label`.
    leaders
        `leader_id`, `family_name`, `zone_name`, `max_groups`, and of all rounds `groups`,
        `persons` (each counted once), `names`, `elsewhere` (groups that meet in another
        municipality than the leader's, each with its place); None where the table of methodists
        was not sent.
    programme
        `round`, `family_name`, `domain_name`, `groups`, `persons`.
    tables
        What it was read from.
    """

    edition: Edition
    number: int
    groups: pd.DataFrame
    members: pd.DataFrame
    alone: pd.DataFrame
    leaders: pd.DataFrame | None
    programme: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]

    @property
    def rounds(self) -> list[int]:
        """Numbers of the rounds that have groups."""
        return self.groups["round"].unique().tolist()

    @property
    def current(self) -> pd.DataFrame:
        """Groups of the round that is being organised."""
        return self.groups[self.groups["round"] == self.number]

    @property
    def seated(self) -> pd.DataFrame:
        """Members of the groups of the round that is being organised."""
        return self.members[self.members["round"] == self.number]


def read_plan(tables: Mapping[str, pd.DataFrame], edition: Edition, number: int = 1) -> GroupPlan:
    """Put the tables of a plan into words.

    Parameters
    ----------
    tables
        Tables of one run of `edition` by name; those of `TABLES` are read.
    number
        The round to organise.

    Raises
    ------
    ValueError
        A table is not there, there is no plan or it has no groups, or it has no such round.
    """
    if missing := [name for name in NEEDED if name not in tables]:
        raise ValueError(
            f"{edition}: в прогоне нет таблиц, из которых составляют списки групп "
            f"({', '.join(missing)}). Выполните: nmc run {edition.key}"
        )
    _refuse_no_plan(tables, edition)
    region = edition.region
    groups = _groups(tables, region)
    members = _members(tables, groups, region)
    known = groups["round"].unique().tolist()
    if number not in known:
        there = ", ".join(map(str, known))
        raise ValueError(f"{edition}: раунда {number} в плане нет; есть: {there}")
    return GroupPlan(
        edition=edition,
        number=number,
        groups=groups,
        members=members,
        alone=_alone(tables, region),
        leaders=_leaders(tables, groups, members, region),
        programme=_programme(tables["seminar_programme"], region),
        tables=tables,
    )


def _refuse_no_plan(tables: Mapping[str, pd.DataFrame], edition: Edition) -> None:
    plan = tables["seminar_plan"]
    whole = plan[(plan["family"] == TOTAL) & (plan["measure"] == "plan_groups")].iloc[0]
    if whole["status"] != "ok":
        raise ValueError(f"{edition}: план групп не составлен: {whole['note']}")
    if tables["seminar_groups"].empty:
        raise ValueError(
            f"{edition}: в плане нет ни одной группы; почему — на странице «Группы» приложения"
        )


def _of_rounds(tables: Mapping[str, pd.DataFrame], first: str, later: str) -> pd.DataFrame:
    """Rows of the first round and of the later ones, with `round`."""
    frames = [tables[first].assign(round=1)]
    if later in tables and len(tables[later]):
        frames.append(tables[later])
    return pd.concat(frames, ignore_index=True).drop(columns=_KEYS, errors="ignore")


# --- groups and members ---------------------------------------------------------------------------


def _groups(tables: Mapping[str, pd.DataFrame], region: Region) -> pd.DataFrame:
    groups = _of_rounds(tables, "seminar_groups", "seminar_next_groups")
    meetings = tables["seminar_meetings"].assign(round=1)[["round", "group_id", "away", "mode"]]
    groups = groups.merge(meetings, on=["round", "group_id"], how="left")
    families = wording.with_unstated(region.group_families, groups["family"])
    groups = groups.assign(
        family_name=_called(groups["family"], families),
        topics=groups["topics"].map(tuple),
        zone_name=_called(groups["zone"], region.municipality_names),
        mode=groups["mode"].map(MODES),
        away=groups["away"].astype("Int64"),
    )
    groups["topic_names"] = [_names(topics, region) for topics in groups["topics"]]
    groups["leader_from"] = _leader_from(groups, tables, region)
    return pd.concat([_named(part, region) for _, part in groups.groupby("round")])


def _leader_from(
    groups: pd.DataFrame, tables: Mapping[str, pd.DataFrame], region: Region
) -> pd.Series:
    """Own municipality of each group's leader where the leader has to come from there."""
    if "seminar_leaders" not in tables:
        return pd.Series(pd.NA, groups.index, dtype="str")
    leaders = tables["seminar_leaders"].drop_duplicates("leader_id")
    own = groups["leader_id"].map(leaders.set_index("leader_id")["zone"])
    is_remote = groups["mode"] == MODES["distance"]
    is_elsewhere = own.notna() & groups["zone"].notna() & (own != groups["zone"]) & ~is_remote
    return _called(own, region.municipality_names).where(is_elsewhere)


def _named(groups: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Groups of one round with their names, in the order of these."""
    labels = group_labels(groups, region)
    ordered = groups.set_index("group_id").loc[list(labels)].reset_index()
    return ordered.assign(name=list(labels.values()))


def _called(codes: pd.Series, names: Mapping[str, str]) -> pd.Series:
    """Names of codes; a code without one is told as it is, and what is missing stays missing."""
    return codes.map(lambda code: names.get(code, code), na_action="ignore")


def _names(domains: Iterable[str], region: Region) -> tuple[str, ...]:
    return tuple(region.domain_names.get(domain, domain) for domain in domains)


def in_full(domains: Iterable[str], region: Region) -> tuple[str, ...]:
    """Names of competences as they stand outside a list, where «Предметные» would say nothing."""
    blocks = {domain.code: domain.block for domain in region.domains}
    return tuple(blocks.get(domain, domain) for domain in domains)


def _members(
    tables: Mapping[str, pd.DataFrame], groups: pd.DataFrame, region: Region
) -> pd.DataFrame:
    seated = _of_rounds(tables, "seminar_members", "seminar_next_members").dropna(subset="group_id")
    needs = tables["seminar_needs"]
    lacking = needs[needs["deficit"] == 1].groupby("person_id")["domain"].agg(set).to_dict()
    zones = needs.drop_duplicates("person_id").set_index("person_id")["zone"]
    ordered = groups[["round", "group_id", "topics"]].assign(at=range(len(groups)))
    members = ordered.merge(seated, on=["round", "group_id"])
    members = members.sort_values(["at", "person_id"], ignore_index=True)
    needed: list[tuple[str, ...]] = []
    for person, topics in zip(members["person_id"], members["topics"], strict=True):
        left = lacking.get(person, set())
        needed.append(tuple(topic for topic in topics if topic in left))
        lacking[person] = left - set(topics)  # of a later round only what is left is needed
    zone_name = _called(members["person_id"].map(zones), region.municipality_names)
    members = members.assign(
        needed=[_names(topics, region) for topics in needed],
        needed_in_full=[in_full(topics, region) for topics in needed],
        zone_name=zone_name,
    )
    return members[["round", "group_id", "person_id", "zone_name", "needed", "needed_in_full"]]


def _alone(tables: Mapping[str, pd.DataFrame], region: Region) -> pd.DataFrame:
    members = tables["seminar_members"]
    alone = members[members["group_id"].isna()]
    needs = tables["seminar_needs"].drop_duplicates("person_id").set_index("person_id")
    family = alone["person_id"].map(needs["family"])
    alone = alone.assign(family=family, family_name=_called(family, region.group_families))
    alone = _in_order(alone, region, ["person_id"])
    return alone[["person_id", "family_name", "reason_label"]]


def _in_order(table: pd.DataFrame, region: Region, then: list[str]) -> pd.DataFrame:
    """Rows in the region's order of families; those of no known family come last."""
    place = {code: at for at, code in enumerate(region.group_families)}
    at = table["family"].map(place).fillna(len(place))
    return table.assign(at=at).sort_values(["at", *then], ignore_index=True).drop(columns="at")


# --- leaders and programme ------------------------------------------------------------------------


def _leaders(
    tables: Mapping[str, pd.DataFrame],
    groups: pd.DataFrame,
    members: pd.DataFrame,
    region: Region,
) -> pd.DataFrame | None:
    if "seminar_leaders" not in tables:
        return None
    leaders = tables["seminar_leaders"].drop(columns=["groups", "persons"], errors="ignore")
    named = groups.assign(name=_with_rounds(groups))
    led = named.groupby("leader_id").agg(groups=("group_id", "size"), names=("name", tuple))
    seated = members.merge(groups[["round", "group_id", "leader_id"]], on=["round", "group_id"])
    led["persons"] = seated.groupby("leader_id")["person_id"].nunique()
    far = named.dropna(subset="leader_from")
    far = far.assign(name=far["name"] + " — " + far["zone_name"])
    led["elsewhere"] = far.groupby("leader_id")["name"].agg(tuple)
    leaders = leaders.join(led, on="leader_id").fillna({"groups": 0, "persons": 0})
    leaders = leaders.assign(
        family_name=_called(leaders["family"], region.group_families),
        zone_name=_called(leaders["zone"], region.municipality_names),
        names=_or_none(leaders["names"]),
        elsewhere=_or_none(leaders["elsewhere"]),
    ).astype({"groups": int, "persons": int})
    return _in_order(leaders, region, ["leader_id"])


def _or_none(names: pd.Series) -> pd.Series:
    """Tuples of names, empty where there is none."""
    return names.map(lambda some: some if isinstance(some, tuple) else ())


def _with_rounds(groups: pd.DataFrame) -> pd.Series:
    """Names of groups, with the round where there are several."""
    if groups["round"].nunique() == 1:
        return groups["name"]
    return groups["name"] + " (раунд " + groups["round"].astype("str") + ")"


def _programme(programme: pd.DataFrame, region: Region) -> pd.DataFrame:
    wide = programme.pivot(
        index=["round", "family", "domain"], columns="measure", values="estimate"
    )
    wide = wide.astype("Int64").reset_index()
    domains = {domain: at for at, domain in enumerate(region.domain_names)}
    families = wording.with_unstated(region.group_families, wide["family"])
    wide = wide.assign(
        family_name=_called(wide["family"], families),
        domain_name=_names(tuple(wide["domain"]), region),
        domain_place=wide["domain"].map(domains),
        groups=wide["programme_groups"],
        persons=wide["programme_persons"],
    )
    wide = _in_order(wide, region, ["domain_place"]).sort_values("round", kind="stable")
    return wide[["round", "family_name", "domain_name", "groups", "persons"]]
