"""Skeleton of a seminar calendar: when groups could meet, as a table and as iCalendar (RFC 5545).

Times are floating: local, of no time zone. Days off are Saturdays, Sundays and the holidays of the
Labour Code; moved days off are decreed anew every year and are not known here.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import cycle

import pandas as pd

WEEK = 5  #: working days over which the first sessions of groups are spread
#: Month and day of the holidays in article 112 of the Labour Code of the Russian Federation.
HOLIDAYS = frozenset(
    {*((1, day) for day in range(1, 9)), (2, 23), (3, 8), (5, 1), (5, 9), (6, 12), (11, 4)}
)
_DAY = timedelta(days=1)
_LONGEST_LINE = 75  # octets, RFC 5545, section 3.1
_ESCAPED = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})


# --- when -----------------------------------------------------------------------------------------


def working_day(day: date) -> date:
    """Return `day`, or the first working day after it."""
    while day.weekday() > 4 or (day.month, day.day) in HOLIDAYS:
        day += _DAY
    return day


def first_working_monday(after: date) -> date:
    """Return the first Monday after a day that is not a holiday."""
    monday = after + timedelta(days=7 - after.weekday())
    while (monday.month, monday.day) in HOLIDAYS:
        monday += timedelta(days=7)
    return monday


def working_days(start: date, count: int) -> list[date]:
    """Return the first working days from `start` on."""
    days = [working_day(start)]
    while len(days) < count:
        days.append(working_day(days[-1] + _DAY))
    return days


def schedule(
    groups: pd.DataFrame,
    members: pd.DataFrame,
    *,
    start: date,
    days: int,
    hours: int,
    first: time,
    per_day: int,
) -> pd.DataFrame:
    """Propose a day and an hour for each session: one a topic, in the order of the topics.

    Groups begin in turn, by `group_id`, on the first `WEEK` working days, so that not all meet on
    one day. A session gets the first working day, from the turn of its group or at least `days`
    after its session before, on which its leader is free at some hour. Sessions of one leader
    follow each other on a day as long as they meet in one place; a leader who is a member of
    another group is busy then too. The order of rows changes nothing.

    Parameters
    ----------
    groups
        `group_id`, `topics` (sequence), `leader_id` and `place`, both may be missing.
    members
        `group_id`, `person_id`.
    start
        No session is before it.
    days
        From a session of a group to its next one, at least.
    hours
        Length of a session.
    first
        When the first session of a day begins.
    per_day
        How many sessions a leader has on one day at most.

    Returns
    -------
    DataFrame
        `group_id`, `number` (of the session, from 1), `topic`, `begins`, `ends`, by time and group.
    """
    diary = _Diary(per_day)
    busy = _busy(groups, members)
    ordered = groups.sort_values("group_id")
    rest = dict(zip(ordered["group_id"], cycle(working_days(start, WEEK)), strict=False))
    rows = []
    for number in range(max(map(len, ordered["topics"]), default=0)):
        for group in ordered.itertuples():
            if number < len(group.topics):
                place = None if pd.isna(group.place) else group.place
                day, slot = diary.book(busy[group.group_id], place, rest[group.group_id])
                rest[group.group_id] = day + days * _DAY
                begins = datetime.combine(day, first) + timedelta(hours=slot * hours)
                ends = begins + timedelta(hours=hours)
                rows.append((group.group_id, number + 1, group.topics[number], begins, ends))
    table = pd.DataFrame(rows, columns=["group_id", "number", "topic", "begins", "ends"])
    return table.sort_values(["begins", "group_id"], ignore_index=True)


def _busy(groups: pd.DataFrame, members: pd.DataFrame) -> dict[str, set[str]]:
    """Who of the leaders has to be at the sessions of each group."""
    busy = {
        group: set() if pd.isna(leader) else {leader}
        for group, leader in zip(groups["group_id"], groups["leader_id"], strict=True)
    }
    leading = members[members["person_id"].isin(groups["leader_id"].dropna())]
    for group, person in zip(leading["group_id"], leading["person_id"], strict=True):
        busy[group].add(person)
    return busy


class _Diary:
    """Who is where in which slot of which day."""

    def __init__(self, per_day: int):
        self.per_day = per_day
        self._taken: dict[tuple[str, date], dict[int, str | None]] = defaultdict(dict)

    def book(self, people: Collection[str], place: str | None, day: date) -> tuple[date, int]:
        """Take the first slot from `day` on in which all these people can be at this place."""
        day = working_day(day)
        while (slot := self._free(people, place, day)) is None:
            day = working_day(day + _DAY)
        for who in people:
            self._taken[who, day][slot] = place
        return day, slot

    def _free(self, people: Collection[str], place: str | None, day: date) -> int | None:
        taken = [self._taken[who, day] for who in people]
        if any(other != place for slots in taken for other in slots.values()):
            return None
        full = {slot for slots in taken for slot in slots}
        return next((slot for slot in range(self.per_day) if slot not in full), None)


# --- iCalendar ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """One tentative event; `uid` stays the same when the event is written anew."""

    uid: str
    begins: datetime
    ends: datetime
    summary: str
    location: str
    description: str


def icalendar(events: Iterable[Event], *, name: str, about: str, stamp: date) -> bytes:
    """Write a calendar of tentative events as iCalendar.

    Parameters
    ----------
    name, about
        Name and description of the calendar.
    stamp
        The date of the data, never of the clock, so that the same events give the same bytes.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//nmc-utils//seminar groups//RU"]
    lines += ["CALSCALE:GREGORIAN", f"X-WR-CALNAME:{_text(name)}", f"X-WR-CALDESC:{_text(about)}"]
    for event in events:
        lines += _lines(event, stamp)
    lines.append("END:VCALENDAR")
    return b"".join(part + b"\r\n" for line in lines for part in _folded(line))


def _lines(event: Event, stamp: date) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{_text(event.uid)}",
        f"DTSTAMP:{stamp:%Y%m%d}T000000Z",
        f"DTSTART:{event.begins:%Y%m%dT%H%M%S}",
        f"DTEND:{event.ends:%Y%m%dT%H%M%S}",
        f"SUMMARY:{_text(event.summary)}",
        f"LOCATION:{_text(event.location)}",
        f"DESCRIPTION:{_text(event.description)}",
        "STATUS:TENTATIVE",
        "END:VEVENT",
    ]


def _text(value: str) -> str:
    """Write a value of the type TEXT; control characters have no place in it."""
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    kept = (sign for sign in value if sign == "\n" or unicodedata.category(sign) != "Cc")
    return "".join(kept).translate(_ESCAPED)


def _folded(line: str) -> Iterator[bytes]:
    """Parts of a content line of at most 75 octets, cut between characters."""
    part = b""
    for sign in line:
        octets = sign.encode("utf-8")
        if len(part) + len(octets) > _LONGEST_LINE:
            yield part
            part = b" "
        part += octets
    yield part
