"""Events and who came to them; registers, agreements and acts."""

from __future__ import annotations

from typing import Any

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.sentences import (
    Sentence,
    counted,
    grounds,
    missing,
    noted,
    row_of,
    rows_of,
    stopped,
)
from nmc_utils.regions import Region
from nmc_utils.terms import DIRECTIONS, LEVELS, REGISTERS, TOTAL

_WHOLE = dict.fromkeys(("level", "direction", "kind", "municipality"), TOTAL)
_EVENTS = ("мероприятие", "мероприятия", "мероприятий")


def events_held(summary: pd.DataFrame) -> Sentence:
    """Say how many events there were, of which level, and how many participations.

    Parameters
    ----------
    summary
        Measure table of `events.events_summary`.
    """
    held = row_of(summary, measure="events_held", **_WHOLE)
    if held["status"] != "ok":
        return Sentence(stopped(f"Мероприятия: {missing(held)}"))
    over_levels = {key: total for key, total in _WHOLE.items() if key != "level"}
    levels = counted(rows_of(summary, measure="events_held", **over_levels), "level", LEVELS)
    text = f"За период: {wording.plural(int(held['estimate']), *_EVENTS)}"
    text += f" (уровень: {levels})" if levels else ""
    planned = row_of(summary, measure="events_planned", **_WHOLE)
    if planned["status"] == "ok" and planned["estimate"]:
        text += f"; впереди — {wording.number(planned['estimate'])}"
    text += _participations(row_of(summary, measure="event_participations", **_WHOLE))
    return Sentence(stopped(f"{text}{noted(held)}"))


def _participations(row: dict[str, Any]) -> str:
    if row["status"] != "ok":
        return f"; участия — {missing(row)}"
    return f"; участий — {wording.number(row['estimate'])} (один человек мог прийти не раз)"


def attendance(summary: pd.DataFrame, direction: str = TOTAL) -> Sentence:
    """Say which part of the staff came to an event of a direction, or to any.

    Parameters
    ----------
    summary
        Measure table of `events.attendance_summary`.
    direction
        Of `terms.DIRECTIONS`, or ``"total"``.
    """
    about = "Хотя бы в одном мероприятии"
    if direction != TOTAL:
        about = f"В мероприятиях направления «{DIRECTIONS[direction]}»"
    keys = {"direction": direction, "municipality": TOTAL}
    people = row_of(summary, measure="event_attendees", **keys)
    if people["status"] != "ok":
        return Sentence(stopped(f"{about} участвовали: {missing(people)}"))
    text = f"{about} участвовали {wording.persons(int(people['estimate']))}"
    share = row_of(summary, measure="attended_share", **keys)
    if share["status"] == "ok":
        text += f"; среди работников — {wording.percent(share['estimate'], 1)}{grounds(share, 1)}"
        return Sentence(stopped(f"{text}{noted(share)}"))
    return Sentence(stopped(f"{text}; доля работников — {missing(share)}"))


def registers(summary: pd.DataFrame) -> Sentence:
    """Say how many entries each register has, and of which nothing was sent.

    Parameters
    ----------
    summary
        Measure table of `registries.registers_summary`.
    """
    whole = rows_of(summary, municipality=TOTAL)
    entries = rows_of(whole, measure="registry_entries").to_dict("records")
    known = [row for row in entries if row["status"] == "ok"]
    if not known:
        return Sentence(stopped(f"Реестры: {missing(entries[0])}"))
    new = rows_of(whole, measure="registry_new", status="ok").set_index("kind")["estimate"]
    told = []
    for row in known:
        added = ""
        if row["kind"] in new:
            n = new[row["kind"]]
            added = f" (за период внесено {wording.number(n)})" if n else " (новых за период нет)"
        told.append(f"{REGISTERS[row['kind']]} — {wording.number(row['estimate'])}{added}")
    silent = [REGISTERS[row["kind"]] for row in entries if row["status"] != "ok"]
    rest = f". Не прислано: {', '.join(silent)}" if silent else ""
    return Sentence(stopped(f"Действующие записи реестров: {'; '.join(told)}{rest}"))


def agreements(table: pd.DataFrame, region: Region) -> Sentence:
    """Say how many municipalities have a tripartite agreement, and which have none.

    Parameters
    ----------
    table
        Measure table of `registries.agreements_by_municipality`.
    """
    row = row_of(table, measure="agreement_municipalities", municipality=TOTAL, kind="tripartite")
    if row["status"] != "ok":
        text = f"Трёхсторонние соглашения: {missing(row)}"
        return Sentence(stopped(text + _documented(table)))
    text = f"Трёхсторонние соглашения действуют в {wording.number(row['estimate'])} из "
    text += f"{wording.number(row['n'])} муниципальных образований"
    if lacking := without_agreement(table, region):
        text += f"; без соглашения — {', '.join(lacking)}"
    ended = row_of(table, measure="agreements_ended", municipality=TOTAL, kind="tripartite")
    if ended["status"] == "ok" and ended["estimate"]:
        text += f"; с истёкшим сроком — {wording.number(ended['estimate'])}"
    return Sentence(stopped(text + noted(row) + _documented(table)))


def without_agreement(table: pd.DataFrame, region: Region) -> list[str]:
    """Names of the municipalities that have no tripartite agreement in force."""
    rows = rows_of(table, measure="agreements", kind="tripartite", status="ok")
    none = set(rows.loc[rows["estimate"].eq(0), "municipality"])
    return [name for code, name in region.municipality_names.items() if code in none]


def _documented(table: pd.DataFrame) -> str:
    row = row_of(table, measure="agreements_documented", municipality=TOTAL, kind="tripartite")
    if row["status"] != "ok":
        return ""
    return f". По документам их {wording.number(row['estimate'])} ({row['source']})"


def acts(listed: pd.DataFrame) -> Sentence:
    """Say how many acts there are, from where, and of which the numbers disagree.

    Parameters
    ----------
    listed
        Table of `registries.acts_listed`.
    """
    if listed.empty:
        return Sentence("Актов не называют ни документы региона, ни присланное.")
    sent = listed["is_sent"].astype(bool)
    parts = [f"В списке {wording.plural(len(listed), 'акт', 'акта', 'актов')}"]
    parts.append(
        f"прислано из них {wording.number(sent.sum())}"
        if sent.any()
        else "все названы документами, ни один не прислан"
    )
    if replaced := int(listed["replaced_by"].notna().sum()):
        parts.append(f"заменено другими — {wording.number(replaced)}")
    if disputed := int(listed["is_disputed"].sum()):
        parts.append(f"с расхождением в номерах — {wording.number(disputed)}")
    return Sentence(f"{'; '.join(parts)}.")
