"""The plan of seminar groups."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.diagnostics import procedure_names
from nmc_utils.findings.sentences import Sentence
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL
from nmc_utils.wording import NO_BREAK_SPACE

#: Equally frequent topics that are named.
_NAMED = 3


def family_names(region: Region, families: pd.Series) -> dict[str, str]:
    """Code of a family of groups → its name, the joint ones last and «не указано» if it occurs."""
    return wording.with_unstated(region.group_families, families)


def most_frequent(counts: pd.Series, names: Mapping[str, str]) -> tuple[list[str], str]:
    """Topics with the greatest count in the order of `names`, and at most three of them in words.

    Parameters
    ----------
    counts
        Groups by domain, at least one.
    """
    most = [code for code in names if counts.get(code, 0) == counts.max()]
    told = [f"«{names[code]}»" for code in most[:_NAMED]]
    if len(most) > _NAMED:
        told.append(f"ещё {len(most) - _NAMED}")
    return most, listed(told)


def listed(words: Sequence[str]) -> str:
    """Write «a», «a и b», «a, b и c»."""
    return " и ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def most_frequent_topics(topics: pd.Series, n_groups: int, names: Mapping[str, str]) -> str:
    """Say which topic the most groups have, all of them where several do.

    Parameters
    ----------
    topics
        Domain of each topic of each group.
    """
    counts = topics.value_counts()
    most, told = most_frequent(counts, names)
    of = f"{wording.number(counts.max())} из {wording.plural(n_groups, 'группы', *['групп'] * 2)}"
    if len(most) == 1:
        return f"Чаще всего выбрана тема {told}: в {of}"
    return f"Чаще всего выбраны темы {told}: каждая в {of}"


def plan_criterion(region: Region) -> Sentence:
    """Say what a plan of groups is judged by, with the region's price of an unneeded topic."""
    cost = f"{region.seminars.unneeded_cost:g}".replace(".", ",")
    less = f", минус {cost} за каждое место на теме, которая участнику не нужна"
    return Sentence(
        "Критерий плана — число результатов не выше порога, закрытых темами групп"
        f"{less if region.seminars.unneeded_cost else ''}."
    )


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
