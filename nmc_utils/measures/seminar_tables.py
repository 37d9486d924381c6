"""What is told about a plan of seminar groups."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.seminar_reasons import REASONS
from nmc_utils.measures.seminars import SeminarPlan
from nmc_utils.seminar_settings import Seminars
from nmc_utils.terms import TOTAL, UNSTATED

#: Why a person is without a group: the plan's own reasons, and that there was nothing to plan by.
WITHOUT_GROUP = REASONS | {
    "no_family": "Предметная группа неизвестна: нет основного места работы или предмета из списка.",
    "not_assessed": "Нет результата по каждой из компетенций формы: план этих людей не охватывает.",
}


def summary(
    plan: SeminarPlan, deficits: pd.DataFrame, family: pd.Series, *, gap: str | None = None
) -> pd.DataFrame:
    """Describe a plan for the whole region and by family.

    Parameters
    ----------
    family
        Family by `person_id` of everyone tested at entry, with or without `deficits`.
    gap
        What was not sent of the procedure; where nobody has results by competence there is no
        plan, its numbers are «no_data», for everyone alone, and this is their note.

    Returns
    -------
    DataFrame
        Measure table with key `family` (``"total"`` is everyone): numbers of groups, of those with
        a leader, and of persons: in groups (of them those without deficits, who complete a group),
        with deficits but without a group, without deficits and group, not assessed in every
        domain. Share of deficits covered, share of needed topics, and for the whole plan the
        proven gap. `n` is the number of persons tested; `note` says why a number is missing.
    """
    joined = _with_needs(plan, deficits).reindex(family.index)
    rows = [
        (name, measure, value, len(part))
        for name, part in [(TOTAL, joined), *joined.groupby(family)]
        for measure, value in _plan_numbers(part).items()
    ]
    rows.append((TOTAL, "plan_gap", plan.gap, len(joined)))
    table = pd.DataFrame(rows, columns=["family", "measure", "estimate", "n"])
    note = table["measure"].map(_NOTHING_TO_SHARE)
    if deficits.empty:
        table = table[table["family"] == TOTAL].reset_index(drop=True)
        table["estimate"] = table["estimate"].where(table["measure"] == "plan_not_assessed")
        note = pd.Series(gap or NO_DOMAIN_RESULTS, table.index)
    table = measure_table(table, ["family"])
    return table.assign(note=note.where(table["status"] != "ok"))


#: A share of nothing → why there is none.
_NOTHING_TO_SHARE = {
    "plan_coverage": "результатов не выше порога нет",
    "plan_precision": "групп нет",
}


def _plan_numbers(part: pd.DataFrame) -> dict[str, float]:
    """Numbers of the plan for some of the persons, of `_with_needs`."""
    placed = part["group_id"].notna()
    return {
        "plan_groups": part["group_id"].nunique(),
        "plan_led": part.loc[part["leader_id"].notna(), "group_id"].nunique(),
        "plan_persons": placed.sum(),
        "plan_completing": (placed & (part["deficits"] == 0)).sum(),
        "plan_without_group": (~placed & (part["deficits"] > 0)).sum(),
        "plan_no_deficit": (~placed & (part["deficits"] == 0)).sum(),
        "plan_not_assessed": part["deficits"].isna().sum(),
        "plan_coverage": _ratio(part["needed"].sum(), part["deficits"].sum()),
        "plan_precision": _ratio(part["needed"].sum(), part["topics"].sum()),
    }


def uncovered(plan: SeminarPlan, deficits: pd.DataFrame, family: pd.Series) -> pd.DataFrame:
    """Count the deficits that the plan leaves, by family and domain, and why.

    Returns
    -------
    DataFrame
        Measure table with keys `family` (``"total"`` is everyone) and `domain`: persons with the
        deficit whose group has other topics, and persons with it without a group; `n` is the
        number of persons with the deficit. Domains that nobody of a family lacks are left out.
    """
    left = (deficits == 1) & ~covered_deficits(plan, deficits)
    group = plan.members.set_index("person_id")["group_id"].reindex(deficits.index)
    has_group = group.notna()
    rows = []
    for name, part in [(TOTAL, deficits), *deficits.groupby(family.reindex(deficits.index))]:
        mine = left.loc[part.index]
        seated = has_group.loc[part.index]
        for domain, n in part.sum().items():
            if n:
                rows.append((name, domain, "uncovered_in_group", mine.loc[seated, domain].sum(), n))
                rows.append((name, domain, "uncovered_alone", mine.loc[~seated, domain].sum(), n))
    columns = ["family", "domain", "measure", "estimate", "n"]
    return measure_table(pd.DataFrame(rows, columns=columns), ["family", "domain"])


def leader_load(plan: SeminarPlan, leaders: pd.DataFrame) -> pd.DataFrame:
    """What each leader leads: `leader_id`, `family`, `zone`, `max_groups`, `groups`, `persons`."""
    led = plan.groups.groupby("leader_id")["size"].agg(groups="size", persons="sum")
    found = leaders[["leader_id", "family", "zone", "max_groups"]]
    found = found.join(led, on="leader_id").fillna({"groups": 0, "persons": 0})
    return found.astype({"groups": int, "persons": int})


def meetings(
    plan: SeminarPlan, zone: pd.Series, settings: Seminars, distances: pd.DataFrame | None
) -> pd.DataFrame:
    """Where each group meets, and who has how far to go.

    Returns
    -------
    DataFrame
        `group_id`; `away`: members from another zone; `farthest`: the greatest distance of
        a member, missing where no distances are given or nobody's way is known; `mode`: a key of
        `MODES`, missing there too and where the region does not say within what distance groups
        meet on site. Members of unknown zone count nowhere.
    """
    place = plan.groups.set_index("group_id")["zone"]
    seated = plan.members.dropna(subset="group_id")
    own = seated["person_id"].map(zone)
    there = seated["group_id"].map(place)
    known = own.notna() & there.notna()
    far = pd.Series(np.nan, seated.index)
    if distances is not None:
        row, column = (distances.index.get_indexer(part[known]) for part in (own, there))
        far[known] = distances.to_numpy()[row, column]
    away = (known & (own != there)).groupby(seated["group_id"]).sum()
    table = pd.DataFrame({"away": away, "farthest": far.groupby(seated["group_id"]).max()})
    table = table.reindex(plan.groups["group_id"]).rename_axis("group_id").reset_index()
    mode = pd.Series(pd.NA, table.index, dtype="str")
    if settings.on_site_within is not None:
        near = table["farthest"] <= settings.on_site_within
        mode = mode.mask(table["farthest"].notna(), pd.Series(near.map(_MODE_OF), dtype="str"))
    return table.assign(mode=mode)


#: How a group meets.
MODES = {"on_site": "очно", "distance": "дистанционно"}
_MODE_OF = {True: "on_site", False: "distance"}

NO_DOMAIN_RESULTS = "нет людей с результатом по компетенциям и известным предметом"


def topic_need(plan: SeminarPlan, deficits: pd.DataFrame) -> pd.DataFrame:
    """Count the persons of each group with a deficit in each domain.

    Returns
    -------
    DataFrame
        Measure table with keys `group_id`, `domain`; `topic_need` in persons, `n` the group's size.
    """
    placed = plan.members.dropna(subset="group_id").set_index("person_id")["group_id"]
    needs = deficits.loc[placed.index].groupby(placed.to_numpy()).sum()
    needs.index.name, needs.columns.name = "group_id", "domain"
    table = needs.stack().rename("estimate").reset_index()
    sizes = placed.value_counts()
    table = table.assign(measure="topic_need", n=table["group_id"].map(sizes))
    return measure_table(table, ["group_id", "domain"])


def members_and_reasons(plan: SeminarPlan, family: pd.Series) -> pd.DataFrame:
    """Return everyone tested at entry once: `person_id`, `group_id`, `reason`, `reason_label`.

    Parameters
    ----------
    family
        Of `family_at_entry`.
    """
    rest = family.drop(plan.members["person_id"])
    reason = np.where(rest == UNSTATED, "no_family", "not_assessed")
    unplanned = pd.DataFrame({"person_id": rest.index, "group_id": None, "reason": reason})
    unplanned = unplanned.sort_values("person_id").astype(plan.members.dtypes)
    members = pd.concat([plan.members, unplanned], ignore_index=True)
    return members.assign(reason_label=members["reason"].map(WITHOUT_GROUP))


def reasons(members: pd.DataFrame) -> pd.DataFrame:
    """Count the persons without a group by reason: `reason`, `reason_label`, `persons`."""
    counts = members["reason"].value_counts()
    known = [code for code in WITHOUT_GROUP if code in counts]
    return pd.DataFrame(
        {
            "reason": known,
            "reason_label": [WITHOUT_GROUP[code] for code in known],
            "persons": [int(counts[code]) for code in known],
        }
    )


def _with_needs(plan: SeminarPlan, deficits: pd.DataFrame) -> pd.DataFrame:
    """Members with their group and its leader, their deficits, its topics and the needed ones."""
    leader = plan.groups.set_index("group_id")["leader_id"]
    group = plan.members.set_index("person_id")["group_id"].reindex(deficits.index)
    given = covered_deficits(plan, deficits, of_any=True)
    return pd.DataFrame(
        {
            "group_id": group.to_numpy(),
            "leader_id": group.map(leader).to_numpy(),
            "deficits": deficits.sum(axis=1),
            "topics": given.sum(axis=1),
            "needed": (given & (deficits == 1)).sum(axis=1),
        },
        index=deficits.index,
    )


def covered_deficits(
    plan: SeminarPlan, deficits: pd.DataFrame, *, of_any: bool = False
) -> pd.DataFrame:
    """Deficits that are a topic of the person's group: person × domain, bool.

    With `of_any` every topic of the group, needed or not.
    """
    topics = plan.groups.set_index("group_id")["topics"]
    taught = pd.DataFrame(
        [[domain in own for domain in deficits] for own in topics],
        topics.index,
        deficits.columns,
        dtype=bool,
    )
    group = plan.members.set_index("person_id")["group_id"].reindex(deficits.index)
    place = taught.index.get_indexer(group)
    given = np.zeros(deficits.shape, bool)
    given[place >= 0] = taught.to_numpy()[place[place >= 0]]
    if not of_any:
        given &= deficits.to_numpy() == 1
    return pd.DataFrame(given, deficits.index, deficits.columns)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else np.nan


def measure_table(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Numbers that were counted, not estimated, as a measure table with these keys."""
    table = table.assign(
        estimate=table["estimate"].astype(float),
        std_error=np.nan,
        ci_low=np.nan,
        ci_high=np.nan,
        interval_kind="none",
        n=table["n"].astype("Int64"),
    )
    table["status"] = np.where(table["estimate"].notna(), "ok", "no_data")
    return table[[*keys, *ESTIMATE_COLUMNS]].reset_index(drop=True)
