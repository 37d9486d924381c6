"""The plan of seminar groups."""

from __future__ import annotations

import math

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.diagnostics import procedure_names
from nmc_utils.findings.sentences import Sentence
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL
from nmc_utils.wording import NO_BREAK_SPACE


def group_labels(seminar_groups: pd.DataFrame, region: Region) -> dict[str, str]:
    """Id of a group → its name, in the region's order: the family and the number of the id.

    A group that lives on from the last plan keeps its number, so numbers may have gaps.
    """
    families = wording.with_unstated(region.group_families, seminar_groups["family"])
    order = {code: place for place, code in enumerate(families)}
    groups = seminar_groups.assign(
        place=seminar_groups["family"].map(order),
        number=seminar_groups["group_id"].str.extract(r"(\d+)$", expand=False).astype("Int64"),
    ).sort_values(["place", "number", "group_id"])
    family, number = groups["family"].map(families), groups["number"].astype("str")
    return dict(zip(groups["group_id"], family + f", №{NO_BREAK_SPACE}" + number, strict=True))


def seminar_plan(plan: pd.DataFrame) -> Sentence:
    """Say what the plan of seminar groups covers and how close to the best it provably is."""
    whole = plan[plan["family"] == TOTAL].set_index("measure")
    value = whole["estimate"]
    if whole.loc["plan_groups", "status"] != "ok":
        return Sentence(f"План групп не составлен: {whole.loc['plan_groups', 'note']}.")
    if pd.isna(value["plan_coverage"]):
        return Sentence("Результатов не выше порога нет: группы не нужны.")
    groups = wording.plural(int(value["plan_groups"]), "группа", "группы", "групп")
    persons = {name: wording.persons(count) for name, count in value.items()}
    led = "" if value["plan_led"] == value["plan_groups"] else f", {_led(value)}"
    extra = ""
    if value["plan_completing"]:
        extra = f" (из них {persons['plan_completing']} без таких результатов дополняют группы)"
    left = [
        f"с такими результатами без группы — {persons['plan_without_group']}",
        f"группа не нужна — {persons['plan_no_deficit']}",
    ]
    if value["plan_not_assessed"]:
        left.append(f"план не охватывает — {persons['plan_not_assessed']}")
    return Sentence(
        f"Составлено: {groups}{led}, {persons['plan_persons']}{extra}; темы групп закрывают "
        f"{wording.percent(value['plan_coverage'])} результатов не выше порога; "
        f"{', '.join(left)} {optimality(plan)}"
    )


def _led(value: pd.Series) -> str:
    led = wording.number(value["plan_led"])
    return f"из них с ведущим — {led}" if value["plan_led"] else "пока без ведущих"


def plan_of(plan: pd.DataFrame, procedures: pd.DataFrame) -> Sentence:
    """The plan's sentence, naming its procedure where that is not the one told first."""
    said = seminar_plan(plan)
    mine = plan["procedure"].iloc[0]
    if mine == procedures["procedure"].iloc[0]:
        return said
    names = dict(zip(procedures["procedure"], procedure_names(procedures), strict=True))
    return Sentence(f"По результатам процедуры «{names[mine]}». {said}")


def optimality(plan: pd.DataFrame) -> Sentence:
    """Say the proven gap of the plan in plain words."""
    gap = plan.loc[(plan["family"] == TOTAL) & (plan["measure"] == "plan_gap"), "estimate"].item()
    if pd.isna(gap):
        return seminar_plan(plan)
    if gap < 5e-6:
        return Sentence(
            "При этих условиях никакой план не лучше этого по принятому критерию: это доказано."
        )
    return Sentence(
        "При этих условиях никакой план не лучше этого по принятому критерию более чем на "
        f"{at_most(gap)}."
    )


def at_most(gap: float) -> str:
    """Write a gap rounded up: «не более чем» must stay true."""
    if gap <= 0:
        return wording.percent(0)
    digits = 1 if gap >= 0.0005 else 3
    step = 10 ** -(digits + 2)
    return wording.percent(math.ceil(gap / step - 1e-9) * step, digits)
