"""What goes into the plan of seminar groups, and what is told about it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nmc_utils.editions import TOTAL
from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.distributions import ROUNDING
from nmc_utils.measures.seminars import REASONS, SeminarPlan


def deficits(results: pd.DataFrame, cut: float) -> pd.DataFrame:
    """Deficits by the document's rule: 1 where a result of a domain lies at or below the cut.

    Parameters
    ----------
    results
        Scores by domain with `person_id`, `wave`, `attempt`, `domain`, `raw_score`, `max_score`;
        first attempts of the entry wave are used, the whole test is left out.
    cut
        Share of the maximum.

    Returns
    -------
    DataFrame
        `person_id` × domain, 0 or 1, for persons with a result in every domain.
    """
    first = (results["wave"] == "entry") & (results["attempt"] == 1) & (results["domain"] != TOTAL)
    entry = results[first]
    at_or_below = entry["raw_score"] <= entry["max_score"] * (cut + ROUNDING)
    wide = (
        at_or_below.where(entry["raw_score"].notna())
        .astype("Float64")
        .groupby([entry["person_id"], entry["domain"]], observed=True)
        .max()
        .unstack()
    )
    return wide.dropna().astype("int8")


def leaders(
    methodists: pd.DataFrame,
    deficits: pd.DataFrame,
    family_of_subject: Mapping[str, str],
    *,
    groups_each: int = 1,
) -> pd.DataFrame:
    """Regional methodists who can lead groups, with their load and own deficits.

    Parameters
    ----------
    methodists
        Canonical table; only current members with the role ``methodist`` and a subject lead.
    deficits
        `person_id` × domain, 0 or 1; a methodist who was not tested has none.
    family_of_subject
        Subject → family.
    groups_each
        Groups of a methodist whose load (`max_groups`) the table does not give.

    Returns
    -------
    DataFrame
        `leader_id`, `family`, `max_groups`, `deficits` (tuple of domains).
    """
    may_lead = (methodists["role"] == "methodist") & methodists["to_on"].isna()
    frame = methodists[may_lead].assign(
        family=methodists["subject"].map(family_of_subject),
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


def summary(plan: SeminarPlan, deficits: pd.DataFrame, family: pd.Series) -> pd.DataFrame:
    """Describe a plan for the whole region and by family.

    Returns
    -------
    DataFrame
        Measure table with key `family` (``"total"`` is everyone): numbers of groups, of persons
        in groups, with deficits but without a group, and without deficits and group; share of
        deficits covered, share of needed topics, and for the whole plan the proven gap. `n` is
        the number of persons planned for.
    """
    joined = _with_needs(plan, deficits)
    by_family = joined.groupby(joined["person_id"].map(family))
    rows = []
    for name, part in [(TOTAL, joined), *by_family]:
        placed = part["group_id"].notna()
        values = {
            "plan_groups": part["group_id"].nunique(),
            "plan_persons": placed.sum(),
            "plan_without_group": (~placed & (part["deficits"] > 0)).sum(),
            "plan_no_deficit": (~placed & (part["deficits"] == 0)).sum(),
            "plan_coverage": _ratio(part["needed"].sum(), part["deficits"].sum()),
            "plan_precision": _ratio(part["needed"].sum(), part["topics"].sum()),
        }
        if name == TOTAL:
            values["plan_gap"] = plan.gap
        rows += [(name, measure, value, len(part)) for measure, value in values.items()]
    table = pd.DataFrame(rows, columns=["family", "measure", "estimate", "n"])
    return _measures(table, ["family"])


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


def with_reasons(members: pd.DataFrame) -> pd.DataFrame:
    """Add to the members of a plan `reason_label`, why a person is without a group."""
    return members.assign(reason_label=members["reason"].map(REASONS))


def reasons(members: pd.DataFrame) -> pd.DataFrame:
    """Count the persons without a group by reason: `reason`, `reason_label`, `persons`."""
    counts = members["reason"].value_counts()
    known = [code for code in REASONS if code in counts]
    return pd.DataFrame(
        {
            "reason": known,
            "reason_label": [REASONS[code] for code in known],
            "persons": [int(counts[code]) for code in known],
        }
    )


def _with_needs(plan: SeminarPlan, deficits: pd.DataFrame) -> pd.DataFrame:
    """Members with the number of their deficits, topics of their group, and needed topics."""
    topics = plan.groups.set_index("group_id")["topics"]
    given = np.zeros(deficits.shape, dtype=bool)
    members = plan.members.set_index("person_id").loc[deficits.index]
    position = {domain: place for place, domain in enumerate(deficits.columns)}
    for row, group in enumerate(members["group_id"]):
        if pd.notna(group):
            given[row, [position[topic] for topic in topics[group]]] = True
    has = deficits.to_numpy() == 1
    return pd.DataFrame(
        {
            "person_id": deficits.index,
            "group_id": members["group_id"].to_numpy(),
            "deficits": has.sum(axis=1),
            "topics": given.sum(axis=1),
            "needed": (given & has).sum(axis=1),
        }
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
