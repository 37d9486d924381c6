"""The regional methodical team (РМА), its load and the staff of the centre, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.sentences import (
    Sentence,
    capital,
    counted,
    grounds,
    in_brackets,
    missing,
    row_of,
    rows_of,
    stopped,
    why,
)
from nmc_utils.indicator_definitions import Target
from nmc_utils.regions import Region
from nmc_utils.terms import EMPLOYMENT, ROLES, TOTAL

#: The indicator whose target the load is shown beside.
LOAD = "teachers_per_methodist"
#: Who stands below the line of the load → how a sentence and a table call it.
PER = {"member": "одного члена РМА", "methodist": "одного регионального методиста"}
#: Parts of the region → how many of them have nobody: «нет в 11 из 29 …».
_PARTS = {"municipality": "муниципальных образований", "family": "предметных групп"}
#: Parts of the region that a sentence names before it counts them.
_NAMED = 4


def methodist_team(composition: pd.DataFrame, *, municipality: str = TOTAL) -> Sentence:
    """Say who is in the РМА by role, and how many of them were trained."""
    mine = rows_of(composition, municipality=municipality, family=TOTAL)
    rows = rows_of(mine, measure="methodist_members")
    whole = row_of(rows, role=TOTAL)
    if whole["status"] != "ok":
        return Sentence(f"Состав РМА: {missing(whole)}.")
    if not whole["estimate"]:
        return Sentence("В РМА здесь никого нет.")
    text = f"В РМА {wording.persons(whole['estimate'])}: {counted(rows, 'role', ROLES)}"
    return Sentence(f"{text}{in_brackets(whole)}. {_trained(mine)}")


def _trained(rows: pd.DataFrame) -> str:
    ever = row_of(rows, measure="methodist_trained_share", role=TOTAL)
    if ever["status"] != "ok":
        return f"Повышение квалификации: {missing(ever)}."
    now = row_of(rows, measure="methodist_trained_in_period_share", role=TOTAL)
    text = f"Повышение квалификации прошли {wording.percent(ever['estimate'])}{grounds(ever)}, "
    if ever["estimate"] and now["estimate"] == ever["estimate"]:
        return f"{text}все — за этот период."
    return f"{text}за этот период — {wording.percent(now['estimate'])}."


def methodist_load(load: pd.DataFrame, region: Region, *, municipality: str = TOTAL) -> Sentence:
    """Put the load by both denominators side by side, with the target where there is one."""
    rows = rows_of(load, municipality=municipality, family=TOTAL)
    told = {words: row_of(rows, per=per) for per, words in PER.items()}
    target = load_target(region)
    plan = f"; {load_target_words(target)}" if target else ""
    gaps = [missing(row) for row in told.values() if row["status"] != "ok"]
    if len(gaps) == len(told) and len(set(gaps)) == 1:
        return Sentence(stopped(f"Нагрузка методистов: {gaps[0]}{plan}"))
    parts = []
    for words, row in told.items():
        if row["status"] != "ok":
            parts.append(f"на {words} — {missing(row)}")
            continue
        ratio = f"{wording.number(row['numerator'])} / {wording.number(row['denominator'])}"
        value = f"{wording.number(row['estimate'], 1)}{wording.NO_BREAK_SPACE}чел."
        parts.append(f"на {words} — {value} ({ratio})")
    known = next((row for row in told.values() if row["status"] == "ok"), {})
    return Sentence(stopped(f"Работников приходится: {', '.join(parts)}{in_brackets(known)}{plan}"))


def load_target(region: Region) -> Target | None:
    """The target of the load, the earliest where there are several; None where there is none."""
    mine = [entry for entry in region.indicators if entry.id == LOAD]
    targets = [target for entry in mine for target in entry.targets]
    return min(targets, key=lambda target: target.first_year or 9999, default=None)


def load_target_words(target: Target) -> str:
    """Write «план на 2024 год — не более 250 чел.»."""
    year = f"на {target.last_year} год" if target.last_year else "без срока"
    return f"план {year} — не более {wording.persons(target.value)}"


def load_by_part(load: pd.DataFrame, names: Mapping[str, str], key: str) -> Sentence:
    """Say between what the load lies, and which parts have no regional methodist of their own.

    Parameters
    ----------
    names
        Codes of the key, `municipality` or `family`, in their order, and their words.
    """
    rows = load[(load["per"] == "methodist") & load[key].isin(list(names))]
    known = rows[rows["status"] == "ok"]["estimate"]
    if known.empty:
        gap = why(rows if len(rows) else load)
        return Sentence(f"Нагрузка по частям региона: {wording.STATUSES['no_data']}{gap}.")
    low, high = (wording.number(value, 1) for value in (known.min(), known.max()))
    between = f"от {low} до {high}" if low != high else low
    text = f"На одного регионального методиста приходится {between} работника"
    without = rows[rows["denominator"].eq(0) & rows["numerator"].gt(0)]
    empty = [name for code, name in names.items() if code in set(without[key])]
    if len(empty) > _NAMED:
        of_all = f"{len(empty)} из {len(names)} {_PARTS[key]}"
        return Sentence(f"{text}; своих методистов нет в {of_all}.")
    return Sentence(f"{text}; своих методистов нет: {', '.join(empty)}." if empty else f"{text}.")


def center_staff(staff: pd.DataFrame) -> Sentence:
    """Say how many work in the centre and in which form, by the region's own publication."""
    rows = rows_of(staff, measure="center_staff")
    whole = row_of(rows, employment=TOTAL)
    if whole["status"] != "ok":
        return Sentence(f"Сотрудники ЦНППМ: {missing(whole)}.")
    forms = {code: words for code, words in EMPLOYMENT.items() if code != TOTAL}
    parts = counted(rows, "employment", forms)
    told = f": {parts}" if parts else ""
    text = f"По опубликованным данным в ЦНППМ {wording.persons(whole['estimate'])}{told}"
    note = f" {capital(whole['note'])}." if isinstance(whole["note"], str) else ""
    return Sentence(stopped(text) + note)
