"""Sessions of the seminar groups of a plan, and the calendars made from them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import date

import pandas as pd

from nmc_utils import wording
from nmc_utils.documents.calendar import (
    WEEK,
    Event,
    first_working_monday,
    icalendar,
    schedule,
    working_day,
)
from nmc_utils.documents.group_plan import GroupPlan, in_full
from nmc_utils.editions import Edition
from nmc_utils.measures.seminar_tables import MODES

SKELETON = "Заготовка: даты и часы предложены программой, уточните их."
NO_PLACE = "место не указано"
_MOST_YEARS = 5  # between the date of the data and the first session


def first_day(edition: Edition, start: date | None) -> date:
    """Return the day from which sessions are laid out.

    Raises
    ------
    ValueError
        `start` is years away from the date of the data.
    """
    as_of = edition.as_of
    if start is None:
        return first_working_monday(as_of)
    if abs(start.year - as_of.year) > _MOST_YEARS:
        raise ValueError(
            f"дата начала {wording.day(start)} не подходит: данные на {wording.day(as_of)}, "
            f"укажите дату не дальше {_MOST_YEARS} лет от них"
        )
    return working_day(start)


def about_start(edition: Edition, start: date | None) -> str:
    """Say when sessions begin, and how that day differs from what was asked for."""
    day = first_day(edition, start)
    told = f"Занятия начинаются {wording.day(day)}"
    if start is None:
        return f"{told}: первый рабочий понедельник после даты данных."
    if day != start:
        told += f": {wording.day(start)} — выходной или праздник"
    if day < edition.as_of:
        return f"{told}. Это раньше даты данных, {wording.day(edition.as_of)}: проверьте дату."
    return f"{told}."


def sessions_of(plan: GroupPlan, start: date | None) -> pd.DataFrame:
    """Lay out the sessions of the round that is being organised.

    Returns
    -------
    DataFrame
        Of `schedule`, by time and the order of groups, with what `plan.current` says about the
        group, `place` (where it meets, in words) and `topic_name` (as a sentence calls it).
    """
    rhythm = plan.edition.region.seminars.sessions
    groups = plan.current.assign(place=_places(plan.current))
    found = schedule(
        groups,
        plan.seated,
        start=first_day(plan.edition, start),
        days=rhythm.days,
        hours=rhythm.hours,
        first=rhythm.begins,
        per_day=rhythm.per_day,
    )
    groups = groups.assign(at=range(len(groups)))
    sessions = found.merge(groups, on="group_id", how="left", validate="many_to_one")
    sessions = sessions.sort_values(["begins", "at"], ignore_index=True).drop(columns="at")
    return sessions.assign(topic_name=in_full(sessions["topic"], plan.edition.region))


def _places(groups: pd.DataFrame) -> pd.Series:
    """Where groups meet, in words; missing where it is not known."""
    remote = MODES["distance"]
    return groups["zone_name"].mask(groups["mode"] == remote, remote)


def notes(plan: GroupPlan, start: date | None) -> list[str]:
    """Say how the sessions were laid out and what the methodist has to check."""
    rhythm = plan.edition.region.seminars.sessions
    hours = wording.plural(rhythm.hours, "час", "часа", "часов")
    days = wording.plural(rhythm.days, "день", "дня", "дней")
    return [
        SKELETON,
        f"{about_start(plan.edition, start)} Группы начинают по очереди в первые "
        f"{wording.plural(WEEK, 'рабочий день', 'рабочих дня', 'рабочих дней')}.",
        f"Занятия — с {rhythm.at}. На тему — одно занятие, {hours}; следующее занятие группы — не "
        f"раньше чем через {days}, по будням.",
        "У одного ведущего занятия не пересекаются; в один день он ведёт их в одном месте. "
        "Свободны ли кабинеты и участники, программе не известно.",
        "Пропущены праздники из статьи 112 Трудового кодекса. Перенос выходных, каникулы и "
        "нерабочие дни региона программе не известны: сверьте с производственным календарём.",
    ]


def calendars(plan: GroupPlan, sessions: pd.DataFrame) -> tuple[bytes, dict[str, bytes]]:
    """Write sessions as iCalendar: all of them, and of each leader by `leader_id`."""
    edition = plan.edition
    about = " ".join(filter(None, [_stopped(edition.mark), SKELETON]))
    events = [_event(plan, session) for session in sessions.to_dict("records")]
    own = defaultdict(list)
    for leader, event in zip(sessions["leader_id"], events, strict=True):
        if pd.notna(leader):
            own[leader].append(event)

    def written(events: list[Event], whose: str) -> bytes:
        name = f"Семинары: {edition}{whose}"
        return icalendar(events, name=name, about=about, stamp=edition.as_of)

    by_leader = {leader: written(own[leader], f", ведущий {leader}") for leader in sorted(own)}
    return written(events, ""), by_leader


def _event(plan: GroupPlan, session: dict) -> Event:
    edition = plan.edition
    leader, place = session["leader_id"], session["place"]
    origin = " (демонстрационные данные)" if edition.is_demonstration else ""
    told = [
        edition.mark,
        f"{edition}, раунд {plan.number}, группа {session['group_id']}",
        f"Тема: {session['topic_name']}, занятие {session['number']} из {len(session['topics'])}",
        "Ведущий не назначен" if pd.isna(leader) else f"Ведущий: {leader}",
        f"Участников: {session['size']}",
        SKELETON,
    ]
    return Event(
        uid=_uid(plan, session["group_id"], session["topic"]),
        begins=session["begins"].to_pydatetime(),
        ends=session["ends"].to_pydatetime(),
        summary=f"{session['name']}: {session['topic_name']}{origin}",
        location=NO_PLACE if pd.isna(place) else place,
        description="\n".join(filter(None, told)),
    )


def _uid(plan: GroupPlan, group: str, topic: str) -> str:
    """Name of a session: the same whatever its date, unlike those of other rounds and origins."""
    edition = plan.edition
    about = "\n".join([edition.key, edition.origin, str(plan.number), group, topic])
    return f"{hashlib.sha256(about.encode()).hexdigest()[:32]}@nmc-utils"


def _stopped(text: str) -> str:
    return f"{text}." if text else ""
