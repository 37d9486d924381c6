"""What goes into the plan of seminar groups, and what is told about it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.distributions import ROUNDING
from nmc_utils.measures.periods import is_current
from nmc_utils.measures.seminars import REASONS, SeminarPlan
from nmc_utils.terms import TOTAL, UNSTATED, WORST

#: Why a person is without a group: the plan's own reasons, and that there was nothing to plan by.
WITHOUT_GROUP = REASONS | {
    "no_family": "Предметная группа неизвестна: нет основного места работы или предмета из списка.",
    "not_assessed": "Нет результата по каждой из компетенций формы: план этих людей не охватывает.",
}


def family_at_entry(results: pd.DataFrame) -> pd.Series:
    """Subject family by `person_id` of everyone tested at entry, whatever was sent of the result.

    Parameters
    ----------
    results
        Of `scored`, of one procedure.
    """
    entry = results[results["wave"] == "entry"].drop_duplicates("person_id")
    return entry.set_index("person_id")["family"].astype("str")


def deficits(results: pd.DataFrame, cut: float) -> pd.DataFrame:
    """Deficits by the document's rule: 1 where a result of a domain lies at or below the cut.

    Parameters
    ----------
    results
        Scores of one procedure; the first attempts at entry by competence count, the whole test
        and the lowest competence do not.
    cut
        Share of the maximum.

    Returns
    -------
    DataFrame
        `person_id` × domain, 0 or 1, for persons with a result in every domain of their form. A
        domain that a form does not have is no deficit of those who took it. Without results by
        competence the frame has no rows and no columns.

    Raises
    ------
    ValueError
        A person has two results in a domain, as when two procedures are given at once.
    """
    first = (results["wave"] == "entry") & (results["attempt"] == 1)
    entry = results[first & ~results["domain"].isin([TOTAL, WORST])]
    if entry.duplicated(["person_id", "domain"]).any():
        raise ValueError("a person has two results in a domain: give one procedure at a time")
    given = entry.dropna(subset="raw_score")
    low = (given["raw_score"] <= given["max_score"] * (cut + ROUNDING)).astype("int8")
    domains = given["domain"].astype("category")
    wide = low.groupby([given["person_id"], domains.astype("str")]).max().unstack(fill_value=0)
    asked = entry.groupby("form_id")["domain"].agg(lambda column: set(column))
    due = entry.groupby("person_id")["form_id"].agg(lambda ids: len(set().union(*asked[ids])))
    is_whole = given.groupby("person_id").size().eq(due).loc[wide.index]
    return wide.loc[is_whole, [name for name in domains.cat.categories if name in wide]]


def leaders(
    methodists: pd.DataFrame,
    deficits: pd.DataFrame,
    edition: Edition,
    *,
    groups_each: int = 1,
) -> pd.DataFrame:
    """Regional methodists who can lead groups, with their load and own deficits.

    Parameters
    ----------
    methodists
        Canonical table; members on the edition's date with the role ``methodist`` and a subject
        of a family of the region lead.
    deficits
        `person_id` × domain, 0 or 1; a methodist who was not tested has none.
    groups_each
        Groups of a methodist whose load (`max_groups`) the table does not give.

    Returns
    -------
    DataFrame
        `leader_id`, `family`, `max_groups`, `deficits` (tuple of domains).
    """
    may_lead = (methodists["role"] == "methodist") & is_current(methodists, edition.as_of)
    frame = methodists[may_lead].assign(
        family=methodists["subject"].map(edition.region.family_of_subject),
        max_groups=methodists["max_groups"].fillna(groups_each).astype(int),
    )
    frame = frame[frame["family"].notna() & (frame["max_groups"] > 0)]
    frame = frame.rename(columns={"methodist_id": "leader_id"}).drop_duplicates("leader_id")
    own = {
        person: tuple(deficits.columns[row.to_numpy() == 1])
        for person, row in deficits[deficits.index.isin(frame["leader_id"])].iterrows()
    }
    frame["deficits"] = [own.get(leader, ()) for leader in frame["leader_id"]]
    columns = ["leader_id", "family", "max_groups", "deficits"]
    return frame[columns].sort_values("leader_id").reset_index(drop=True)


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
    table = _measures(table, ["family"])
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
    return _measures(table, ["group_id", "domain"])


def plannable(deficits: pd.DataFrame, family: pd.Series) -> pd.DataFrame:
    """Return the deficits of those whose subject family is known: a group is of one family."""
    return deficits[deficits.index.map(family) != UNSTATED]


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
    groups = plan.groups.set_index("group_id")
    topics, leader = groups["topics"], groups["leader_id"]
    given = np.zeros(deficits.shape, dtype=bool)
    members = plan.members.set_index("person_id").loc[deficits.index]
    position = {domain: place for place, domain in enumerate(deficits.columns)}
    for row, group in enumerate(members["group_id"]):
        if pd.notna(group):
            given[row, [position[topic] for topic in topics[group]]] = True
    has = deficits.to_numpy() == 1
    return pd.DataFrame(
        {
            "group_id": members["group_id"].to_numpy(),
            "leader_id": members["group_id"].map(leader).to_numpy(),
            "deficits": has.sum(axis=1),
            "topics": given.sum(axis=1),
            "needed": (given & has).sum(axis=1),
        },
        index=deficits.index,
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else np.nan


def _measures(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
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
