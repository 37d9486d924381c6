"""Mentoring, young teachers, schools with low results and management teams, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
)
from nmc_utils.terms import MENTORING_FORMS, REACHES, READINGS, TOTAL


def mentoring_pairs(summary: pd.DataFrame, *, municipality: str = TOTAL) -> Sentence:
    """Say how many pairs and teams work on the day, of which form and reach."""
    rows = rows_of(summary, span="current", stage=TOTAL)
    mine = rows_of(rows, measure="mentoring_pairs", municipality=municipality)
    whole = row_of(mine, form=TOTAL, reach=TOTAL)
    if whole["status"] != "ok":
        return Sentence(f"Наставничество: {missing(whole)}.")
    if not whole["estimate"]:
        return Sentence("Действующих наставнических пар и команд на дату данных нет.")
    count = wording.number(whole["estimate"])
    text = f"Наставнических пар и команд на дату данных — {count}{in_brackets(whole)}"
    forms = counted(rows_of(mine, reach=TOTAL), "form", MENTORING_FORMS)
    reaches = counted(rows_of(mine, form=TOTAL), "reach", REACHES)
    told = [f"{text}: {forms}" if forms else text, *filter(None, [reaches])]
    return Sentence(f"{'; '.join(told)}. {_accompanied(rows, municipality)}")


def _accompanied(rows: pd.DataFrame, municipality: str) -> str:
    """Which share has a curator, which a regional tutor."""
    mine = rows_of(rows, form=TOTAL, reach=TOTAL, municipality=municipality)
    words = {
        "mentoring_curator_share": "куратор",
        "mentoring_tutor_share": "региональный тьютор",
    }
    parts = []
    for measure, who in words.items():
        row = row_of(mine, measure=measure)
        if row["status"] == "ok":
            parts.append(f"{who} назван у {wording.percent(row['estimate'])}{grounds(row)}")
        else:
            parts.append(f"{who} — {missing(row)}")
    return f"{capital('; '.join(parts))}."


def mentoring_organizations(table: pd.DataFrame, *, municipality: str = TOTAL) -> Sentence:
    """Say how many organisations take part in mentoring, of all; what was published, beside it."""
    row = row_of(table, measure="mentoring_organizations_share", municipality=municipality)
    number = row_of(table, measure="mentoring_organizations", municipality=municipality)
    if row["status"] != "ok":
        return Sentence(f"Организации в наставничестве: {missing(row)}.")
    text = (
        f"По отметкам организаций в наставничестве участвуют {wording.number(number['estimate'])} "
        f"из {wording.number(row['n'])}: {wording.percent(row['estimate'])}{grounds(row)}"
    )
    told = f". {capital(row['note'])}" if isinstance(row["note"], str) else ""
    return Sentence(stopped(text + told))


def mentoring_contests(table: pd.DataFrame) -> Sentence:
    """Say how many works were sent to the mentoring contests of the period, or that none was."""
    whole = row_of(table, title=TOTAL)
    if whole["status"] == "not_assessed":
        return Sentence(stopped(capital(whole["note"])))
    if whole["status"] != "ok":
        return Sentence(f"Работы на конкурсы наставничества: {missing(whole)}.")
    contests = rows_of(table, status="ok")
    parts = [
        f"{row['title']} — {wording.number(row['estimate'])}"
        for row in contests.to_dict("records")
        if row["title"] != TOTAL
    ]
    count = wording.number(whole["estimate"])
    text = f"На конкурсы наставничества за период поступило работ: {count}{in_brackets(whole)}"
    return Sentence(f"{text} ({'; '.join(parts)})." if len(parts) > 1 else f"{text}.")


# --- young teachers -----------------------------------------------------------------------------


def young_support(table: pd.DataFrame, *, municipality: str = TOTAL) -> Sentence:
    """Say how many young teachers there are by both readings of the age, and who got support."""
    rows = rows_of(table, municipality=municipality, form=TOTAL)
    people = {name: row_of(rows, measure="young_teachers", reading=name) for name in READINGS}
    if people["strict"]["status"] != "ok":
        return Sentence(f"Молодые педагоги: {missing(people['strict'])}.")
    words = {
        "strict": "Педагогов до 35 лет в первые три года работы",
        "inclusive": "Вместе с теми, кому 35 лет исполняется в этом году,",
    }
    told = []
    for reading, about in words.items():
        share = row_of(rows, measure="young_supported_share", reading=reading)
        notes = in_brackets(people[reading]) if reading == "strict" else ""
        text = f"{about} — {wording.persons(people[reading]['estimate'])}{notes}"
        if share["status"] == "ok":
            text += f", из них поддержку за период получили {wording.percent(share['estimate'])}"
            text += grounds(share) + (in_brackets(share) if reading == "strict" else "")
        told.append(stopped(text))
    strict = row_of(rows, measure="young_supported_share", reading="strict")
    gap = "" if strict["status"] == "ok" else f" Поддержка: {missing(strict)}."
    return Sentence(" ".join(told) + gap)


# --- organisations ------------------------------------------------------------------------------


def low_performing(table: pd.DataFrame, *, municipality: str = TOTAL) -> Sentence:
    """Say how many schools with low results there are and how many of them are supported."""
    rows = rows_of(table, municipality=municipality)
    schools = row_of(rows, measure="low_performing")
    if schools["status"] != "ok":
        return Sentence(f"ШНОР: {missing(schools)}.")
    if not schools["estimate"]:
        return Sentence(f"Организаций с признаком ШНОР в записях нет{in_brackets(schools)}.")
    places = row_of(rows, measure="low_performing_municipalities")
    where = ""
    if places["status"] == "ok":
        several = "муниципальных образованиях"
        count = int(places["estimate"])
        where = f" в {wording.plural(count, 'муниципальном образовании', several, several)}"
    share = row_of(rows, measure="low_performing_supported_share")
    number = row_of(rows, measure="low_performing_supported")
    return Sentence(
        f"ШНОР — {wording.number(schools['estimate'])}{where}; адресное сопровождение идёт в "
        f"{wording.number(number['estimate'])} из {wording.number(share['n'])}: "
        f"{wording.percent(share['estimate'])}{grounds(share)}{in_brackets(schools)}."
    )


_WORK = {
    "low_performing_route_persons": "людей с действующими ИОМ",
    "low_performing_event_persons": "участников мероприятий по поддержке ШНОР",
    "low_performing_mentoring_schools": "школ в действующих наставнических парах",
}


def low_performing_work(table: pd.DataFrame) -> Sentence:
    """Say what is recorded of the work with schools with low results; not added up."""
    parts = []
    for measure, words in _WORK.items():
        row = row_of(table, measure=measure)
        value = wording.number(row["estimate"]) if row["status"] == "ok" else missing(row)
        parts.append(f"{words} — {value}")
    return Sentence(f"По записям о ШНОР: {'; '.join(parts)}. Эти числа не складываются.")


def management_teams(table: pd.DataFrame, *, municipality: str = TOTAL) -> Sentence:
    """Say which part of the management teams was trained; the second denominator where it differs.

    No document says how many teams there are: those of the table are one denominator, all
    organisations the other. What two of them have in common is said once.
    """
    rows = rows_of(table, measure="teams_trained_share", municipality=municipality)
    of_teams, of_all = (_trained(rows, of) for of in ("teams", "organizations"))
    ever, now = of_teams["cumulative"], of_teams["period"]
    if ever["status"] != "ok":
        return Sentence(f"Управленческие команды, повысившие квалификацию: {missing(ever)}.")
    text = f"Повысили квалификацию {_share_of(ever)} управленческих команд из таблицы"
    text += _in_period(ever, now)
    every = of_all["cumulative"]
    if every["status"] != "ok":
        text += f"; доля от всех организаций — {missing(every)}"
    elif _is_same(ever, every):
        text += "; в таблице есть команда каждой организации"
    else:
        text += f"; от всех организаций это {_share_of(every)}"
    return Sentence(f"{text}{in_brackets(ever)}.")


def _trained(rows: pd.DataFrame, of: str) -> dict[str, dict[str, Any]]:
    return {span: row_of(rows, of=of, span=span) for span in ("cumulative", "period")}


def _share_of(row: Mapping[str, Any]) -> str:
    return f"{wording.percent(row['estimate'])}{grounds(row)}"


def _in_period(ever: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if now["estimate"] == ever["estimate"] and ever["estimate"]:
        return ", все — за этот период"
    return f", за этот период — {wording.percent(now['estimate'])}"


def _is_same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    return (first["estimate"], first["n"]) == (second["estimate"], second["n"])
