"""The workbook «Листы ведущих»: a printable sheet for each leader of seminar groups."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from nmc_utils import wording
from nmc_utils.documents.group_plan import GroupPlan
from nmc_utils.documents.group_sessions import SKELETON
from nmc_utils.documents.print_sheets import add_styles, print_sheet, put_cell
from nmc_utils.documents.tables import Book, Worksheet, open_book, put_text

TITLE = "Листы ведущих"
WEEKDAYS = ("пн", "вт", "ср", "чт", "пт", "сб", "вс")
COMPLETES = "дополняет группу"  #: what a member needs who needs no topic of the group
_WIDTHS = (4, 28, 24, 38)  # of the columns before those for marks of attendance
_MARKS = 10
_LONGEST_NAME = 31  # of a sheet
_SESSION = ("number", "begins", "ends", "topic_name")
_MEMBER = ("person_id", "zone_name", "needed_in_full")
_Rows = list[dict[str, Any]]
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")


def leader_sheets(plan: GroupPlan, sessions: pd.DataFrame) -> bytes:
    """Write the workbook: a sheet a leader, and one a family for groups without a leader.

    Parameters
    ----------
    sessions
        Of `sessions_of`.
    """
    content = io.BytesIO()
    edition = plan.edition
    title = f"{TITLE}: {edition}"
    with open_book(content, title=title, created=edition.as_of, mark=edition.mark) as book:
        add_styles(book)
        shorts, headings, parts = zip(*_parts(plan.current), strict=True)
        held = _by_group(sessions.sort_values("number"), _SESSION)
        members = _by_group(plan.seated, _MEMBER)
        for name, heading, groups in zip(sheet_names(shorts), headings, parts, strict=True):
            told = [
                (group, held[group["group_id"]], members[group["group_id"]])
                for group in groups.to_dict("records")
            ]
            _leader_sheet(book, name, heading, told, plan)
    return content.getvalue()


def _by_group(frame: pd.DataFrame, columns: Sequence[str]) -> dict[str, _Rows]:
    rows = defaultdict(list)
    for row in frame[["group_id", *columns]].to_dict("records"):
        rows[row["group_id"]].append(row)
    return rows


def _parts(groups: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """A sheet's name, heading and groups: by family, those without a leader last in it."""
    for family, part in groups.groupby("family_name", sort=False):
        for leader, led in part.groupby("leader_id"):
            yield f"Ведущий {leader}", f"Ведущий {leader}", led
        if len(alone := part[part["leader_id"].isna()]):
            yield f"Без вед. {family}", f"Без ведущего, {family}", alone


def sheet_names(headings: Iterable[str]) -> list[str]:
    """Names that a workbook allows: of 31 characters, without its signs, none twice.

    What is too long ends with «…».
    """
    taken: set[str] = set()
    names = []
    for heading in headings:
        whole = _FORBIDDEN.sub(" ", heading).strip(" '") or "Лист"
        name, number = _shortened(whole, _LONGEST_NAME), 1
        while name.casefold() in taken:
            number += 1
            end = f" ({number})"
            name = _shortened(whole, _LONGEST_NAME - len(end)) + end
        taken.add(name.casefold())
        names.append(name)
    return names


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip(" ',") + "…"


def _leader_sheet(
    book: Book,
    name: str,
    heading: str,
    groups: Sequence[tuple[dict, _Rows, _Rows]],
    plan: GroupPlan,
) -> None:
    """Add the sheet of some groups, each with its sessions and members, on a page of its own."""
    marks = max(len(sessions) for _, sessions, _ in groups)
    sheet = print_sheet(book, name, plan.edition, (*_WIDTHS, *[_MARKS] * marks))
    put_text(sheet, 0, 0, heading, book.styles["title"])
    lines = [plan.edition.mark, f"{plan.edition}, раунд {plan.number}", SKELETON]
    row = _put_lines(book, sheet, 1, filter(None, lines))
    breaks = []
    for group, sessions, members in groups:
        breaks.append(row)
        row = _put_group(book, sheet, row + 1, group, sessions, members)
    sheet.set_h_pagebreaks(breaks[1:])
    put_text(sheet, row, 0, f"{wording.NO_HARM}.", book.styles["text"])


def _put_lines(book: Book, sheet: Worksheet, row: int, lines: Iterable[str]) -> int:
    for line in lines:
        put_text(sheet, row, 0, line, book.styles["text"])
        row += 1
    return row


def _put_group(
    book: Book,
    sheet: Worksheet,
    row: int,
    group: dict,
    sessions: _Rows,
    members: _Rows,
) -> int:
    """Write one group from `row` on: its place, sessions and members; return the row below."""
    put_text(sheet, row, 0, f"{group['name']} ({group['group_id']})", book.styles["heading"])
    row = _put_lines(book, sheet, row + 1, _where(group))
    row = _put_sessions(book, sheet, row, sessions)
    return _put_members(book, sheet, row + 1, sessions, members)


def _where(group: dict) -> list[str]:
    """Say where a group meets, how many it has, and who comes from elsewhere."""
    place = "место не указано" if pd.isna(group["zone_name"]) else group["zone_name"]
    how = "" if pd.isna(group["mode"]) else f", {group['mode']}"
    text = f"Где: {place}{how}. Участников: {wording.number(group['size'])}"
    if pd.notna(group["away"]):
        text += f", из других муниципальных образований: {wording.number(group['away'])}"
    if pd.isna(group["leader_from"]):
        return [f"{text}."]
    own = f"Ведущий едет из другого муниципального образования: {group['leader_from']}."
    return [f"{text}.", own]


def _put_sessions(book: Book, sheet: Worksheet, row: int, sessions: _Rows) -> int:
    """Topics with the proposed time and room for the agreed one."""
    titles = ("№", "Предложено", "Назначено, где", "Тема")
    for column, title in enumerate(titles):
        put_text(sheet, row, column, title, book.styles["cell_head"])
    for session in sessions:
        row += 1
        values = (session["number"], when(session), "", session["topic_name"])
        for column, value in enumerate(values):
            put_cell(book, sheet, row, column, value)
    return row + 1


def when(session: Mapping[str, Any]) -> str:
    """Write a time as «пн 15.01.2024, 10:00–12:00»."""
    begins, ends = session["begins"], session["ends"]
    return f"{WEEKDAYS[begins.weekday()]} {wording.day(begins)}, {begins:%H:%M}–{ends:%H:%M}"


def _put_members(book: Book, sheet: Worksheet, row: int, sessions: _Rows, members: _Rows) -> int:
    """Members with the topics that each needs, and an empty cell for each session."""
    marks = [f"Отметка {session['begins']:%d.%m}" for session in sessions]
    titles = ("№", "Участник", "Муниципальное образование", "Нужные темы", *marks)
    for column, title in enumerate(titles):
        put_text(sheet, row, column, title, book.styles["cell_head"])
    for number, member in enumerate(members, 1):
        row += 1
        needed = member["needed_in_full"] or COMPLETES
        values = (number, member["person_id"], member["zone_name"], needed)
        for column, value in enumerate((*values, *[""] * len(marks))):
            put_cell(book, sheet, row, column, value)
    return row + 2
