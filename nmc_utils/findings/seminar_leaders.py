"""Whether there are leaders enough for a plan of seminar groups."""

from __future__ import annotations

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.groups import family_names
from nmc_utils.findings.sentences import Sentence
from nmc_utils.regions import Region

#: Below it a difference of utilities is rounding.
_NOTHING = 1e-6


def leader_load(seminar_leaders: pd.DataFrame | None, region: Region) -> Sentence:
    """Say how much of the leaders' load the plan uses, and where none is left. Counts alone.

    Parameters
    ----------
    seminar_leaders
        `family`, `max_groups`, `groups` of each leader; None where the table was not sent.
    """
    if seminar_leaders is None:
        return Sentence("Нет таблицы «РМА»: группы составлены без ведущих.")
    if seminar_leaders.empty:
        return Sentence("Ведущих нет: в таблице «РМА» нет методистов с предметом и нагрузкой.")
    led, load = (int(seminar_leaders[name].sum()) for name in ("groups", "max_groups"))
    people = wording.plural(len(seminar_leaders), "ведущий", "ведущих", "ведущих")
    if not led:  # every group of a plan with leaders has one
        groups = wording.plural(load, "группу", "группы", "групп")
        return Sentence(
            f"Ни одной группы не составлено; нагрузка ведущих рассчитана на {groups} ({people})."
        )
    by_family = seminar_leaders.groupby("family")[["groups", "max_groups"]].sum()
    full = set(by_family.index[by_family["groups"] == by_family["max_groups"]])
    names = [f"«{name}»" for code, name in region.group_families.items() if code in full]
    reserve = f"запаса нет: {', '.join(names)}" if names else "запас есть в каждом предмете"
    idle = int((seminar_leaders["groups"] == 0).sum())
    return Sentence(
        f"План занимает {wording.number(led)} из {wording.number(load)} групп, на которые "
        f"рассчитана нагрузка ведущих ({people}); без группы — {wording.number(idle)}; {reserve}."
    )


def one_more_leader(seminar_one_more: pd.DataFrame, region: Region) -> Sentence:
    """Say where one more leader would bring the most, or that there are enough of them.

    Parameters
    ----------
    seminar_one_more
        Measure table of `seminar_questions.one_more_leader`; a change that the proven gaps of the
        plans could make alone has no estimate there.
    """
    if seminar_one_more.empty:
        return Sentence(
            "Что дал бы ещё один ведущий, не посчитано: нет таблицы «РМА» или людей с результатом "
            "по компетенциям."
        )
    wide = seminar_one_more.pivot(index="family", columns="measure", values="estimate")
    names = family_names(region, wide.index)
    wide = wide.reindex([code for code in names if code in wide.index])
    unsure = [f"«{names[code]}»" for code in wide.index[wide["leader_utility"].isna()]]
    helped = wide[wide["leader_utility"] > _NOTHING]
    if helped.empty:
        return _none_proven(len(wide), unsure)
    helped = helped.sort_values("leader_utility", ascending=False, kind="stable")
    first = helped.iloc[0]
    others = [f"«{names[code]}»" for code in helped.index[1:]]
    told = [
        f"Ещё один ведущий больше всего дал бы в предметной группе «{names[first.name]}»: "
        f"{_brought(first)}."
    ]
    if others:
        told.append(f"Добавил бы и здесь: {', '.join(others)}.")
    if unsure:
        told.append(f"Разница меньше доказанной точности планов: {', '.join(unsure)}.")
    if len(helped) + len(unsure) < len(wide) and not others:
        told.append("В остальных их хватает.")
    return Sentence(" ".join(told))


def _none_proven(n_families: int, unsure: list[str]) -> Sentence:
    """Say that one more leader is not proven to bring anything."""
    asked = wording.plural(n_families, "предметной группе", *["предметных группах"] * 2)
    if not unsure:
        return Sentence(f"Ведущих хватает: ещё один ничего не добавил бы (проверено в {asked}).")
    rest = "; в остальных он ничего не добавил бы" if len(unsure) < n_families else ""
    return Sentence(
        f"Что ещё один ведущий что-то добавил бы, не доказано (проверено в {asked}): разница "
        f"меньше доказанной точности планов — {', '.join(unsure)}{rest}."
    )


def _brought(row: pd.Series) -> str:
    more = []
    if count := int(row["leader_covered"]):
        more.append(f"закрыто результатов не выше порога — {_signed(count)}")
    if count := int(row["leader_persons"]):
        more.append(f"педагогов в группах — {_signed(count)}")
    return ", ".join(more) or "меньше ненужных участникам тем"


def _signed(count: int) -> str:
    return f"{'+' if count > 0 else ''}{wording.number(count)}"
