"""Papers about seminar groups: lists, leaders' sheets and a calendar, as files."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd

from nmc_utils import wording
from nmc_utils.documents.group_plan import TABLES as TABLES
from nmc_utils.documents.group_plan import GroupPlan, read_plan
from nmc_utils.documents.group_sessions import calendars, notes, sessions_of
from nmc_utils.documents.leader_sheets import COMPLETES, WEEKDAYS, leader_sheets, sheet_names
from nmc_utils.documents.leader_sheets import TITLE as SHEETS
from nmc_utils.documents.print_sheets import add_styles, print_sheet, put_table
from nmc_utils.documents.tables import Book, open_book, put_text
from nmc_utils.editions import Edition
from nmc_utils.findings import procedure_names, seminar_plan

TITLE = "Группы"
CALENDAR = "Календарь"
#: Column of a frame of `GroupPlan` → its heading and width in characters, sheet by sheet.
_GROUPS = {
    "round": ("Раунд", 6),
    "name": ("Группа", 34),
    "group_id": ("Код", 16),
    "family_name": ("Предметная группа", 28),
    "topic_names": ("Темы", 44),
    "size": ("Человек", 9),
    "leader_id": ("Ведущий", 24),
    "zone_name": ("Где собирается", 22),
    "mode": ("Как", 14),
    "away": ("Из других муниципальных образований", 18),
}
_MEMBERS = {
    "round": ("Раунд", 6),
    "name": ("Группа", 34),
    "group_id": ("Код группы", 16),
    "person_id": ("Участник", 24),
    "zone_name": ("Муниципальное образование", 24),
    "needed": ("Нужные темы группы", 50),
}
_ALONE = {
    "person_id": ("Педагог", 24),
    "family_name": ("Предметная группа", 28),
    "reason_label": ("Почему без группы", 80),
}
_LEADERS = {
    "leader_id": ("Ведущий", 24),
    "family_name": ("Предметная группа", 28),
    "zone_name": ("Муниципальное образование", 24),
    "max_groups": ("Нагрузка: групп не больше", 13),
    "groups": ("Групп в плане", 9),
    "persons": ("Разных педагогов в них", 11),
    "names": ("Группы", 50),
    "elsewhere": ("Из них в другом муниципальном образовании", 40),
}
_PROGRAMME = {
    "round": ("Раунд", 6),
    "family_name": ("Предметная группа", 28),
    "domain_name": ("Тема", 30),
    "groups": ("Групп с этой темой", 12),
    "persons": ("Участников, которым она нужна", 16),
}
_CALENDAR = {
    "day": ("Дата", 11),
    "weekday": ("День", 6),
    "begin": ("Начало", 8),
    "end": ("Конец", 8),
    "name": ("Группа", 34),
    "topic_name": ("Тема", 28),
    "leader_id": ("Ведущий", 24),
    "place": ("Место", 22),
    "agreed": ("Назначено: дата и часы", 16),
    "room": ("Адрес, кабинет или ссылка", 22),
    "note": ("Примечание", 18),
}
_EMPTY = ("agreed", "room", "note")  # columns for the methodist
NO_LEADERS = "Таблица «РМА» не прислана: ведущие группам не назначены."


def group_papers(
    tables: Mapping[str, pd.DataFrame],
    edition: Edition,
    *,
    start: date | None = None,
    number: int = 1,
) -> dict[str, bytes]:
    """Write the papers about the seminar groups of a published plan.

    People stand in them by pseudonym, with the topics they need and without scores. The same
    tables give the same bytes.

    Parameters
    ----------
    tables
        Tables of one run of `edition` by name; those of `TABLES` are read.
    start
        From when sessions are proposed; by default the first working Monday after `edition.as_of`.
    number
        The round whose leaders' sheets and calendar are written. The lists hold all rounds.

    Returns
    -------
    dict
        Name of a file → its content: the workbooks «Группы» and «Листы ведущих», the calendar of
        all sessions, and one for each leader.

    Raises
    ------
    ValueError
        There is no plan, it has no groups or no such round, a table is missing, or `start` is
        years away from the data.
    """
    plan = read_plan(tables, edition, number)
    sessions = sessions_of(plan, start)
    everything, by_leader = calendars(plan, sessions)
    papers = {
        f"{TITLE}.xlsx": _lists(plan, sessions, start),
        f"{SHEETS}.xlsx": leader_sheets(plan, sessions),
        f"{CALENDAR}.ics": everything,
    }
    names = sheet_names(re.sub(r"[^\w-]", "_", leader) for leader in by_leader)
    for name, content in zip(names, by_leader.values(), strict=True):
        papers[f"{CALENDAR} ведущего {name}.ics"] = content
    return papers


# --- the workbook of lists ------------------------------------------------------------------------


def _lists(plan: GroupPlan, sessions: pd.DataFrame, start: date | None) -> bytes:
    content = io.BytesIO()
    edition = plan.edition
    title = f"Группы со схожими дефицитами: {edition}"
    names = plan.groups[["round", "group_id", "name"]]
    members = plan.members.merge(names, on=["round", "group_id"], how="left")
    members["needed"] = [topics or COMPLETES for topics in members["needed"]]
    with open_book(content, title=title, created=edition.as_of, mark=edition.mark) as book:
        add_styles(book)
        _about(book, plan, title)
        _list(book, plan, "Группы", plan.groups, _GROUPS)
        _list(book, plan, "Участники", members, _MEMBERS)
        _list(book, plan, "Без группы", plan.alone, _ALONE)
        if plan.leaders is None:
            _list(book, plan, "Ведущие", pd.DataFrame(columns=[*_LEADERS]), _LEADERS, [NO_LEADERS])
        else:
            _list(book, plan, "Ведущие", plan.leaders, _LEADERS)
        _list(book, plan, "Программа семинара", plan.programme, _PROGRAMME)
        _list(book, plan, CALENDAR, _dated(sessions), _CALENDAR, notes(plan, start))
    return content.getvalue()


def _list(
    book: Book,
    plan: GroupPlan,
    name: str,
    frame: pd.DataFrame,
    columns: Mapping[str, tuple[str, float]],
    lines: Sequence[str] = (),
) -> None:
    """Add a sheet with the columns of a frame under their headings, and `lines` above them."""
    said = [column for column in columns if column != "round" or len(plan.rounds) > 1]
    if "mode" in said and frame["mode"].isna().all():
        said.remove("mode")  # the region does not say how groups meet
    widths = [columns[column][1] for column in said]
    sheet = print_sheet(book, name, plan.edition, widths, is_wide=True)
    for row, line in enumerate(lines):
        put_text(sheet, row, 0, line, book.styles["text"])
    shown = frame[said].set_axis([columns[column][0] for column in said], axis=1)
    put_table(book, sheet, len(lines), shown)
    sheet.freeze_panes(len(lines) + 1, 0)
    sheet.repeat_rows(len(lines))
    if len(frame):
        sheet.autofilter(len(lines), 0, len(lines) + len(frame), len(said) - 1)


def _dated(sessions: pd.DataFrame) -> pd.DataFrame:
    """Sessions with their day, hours and empty columns for the methodist."""
    begins, ends = sessions["begins"].dt, sessions["ends"].dt
    return sessions.assign(
        day=begins.date,
        weekday=[WEEKDAYS[day] for day in begins.day_of_week],
        begin=begins.strftime("%H:%M"),
        end=ends.strftime("%H:%M"),
        **dict.fromkeys(_EMPTY, ""),
    )


# --- about the plan -------------------------------------------------------------------------------


def _about(book: Book, plan: GroupPlan, title: str) -> None:
    """Add the sheet that says what the lists were made from and what they are not for."""
    sheet = print_sheet(book, "О плане", plan.edition, [100])
    first = [line for line in (plan.edition.mark, title) if line]
    for row, line in enumerate([*first, *_about_lines(plan)]):
        put_text(sheet, row, 0, line, book.styles["strong" if row < len(first) else "line"])


def _about_lines(plan: GroupPlan) -> list[str]:
    edition, region, tables = plan.edition, plan.edition.region, plan.tables
    settings = region.seminars
    least, greatest = map(wording.number, settings.size)
    cut = wording.percent(region.diagnostics.deficit_cut)
    lines = [
        f"Данные на {wording.day(edition.as_of)}. Процедура: {_procedure(tables)}.",
        seminar_plan(tables["seminar_plan"]),
        f"Дефицит — результат по компетенции не выше {cut} максимума; {region.cut_source}.",
        f"В группе от {least} до {greatest} человек одной предметной группы, тем не больше "
        f"{settings.topics}; эти условия заданы в определении региона.",
    ]
    if "reporting" in tables:
        lines.append(_ended(wording.incomplete(tables["reporting"])))
    if len(plan.rounds) > 1:
        lines.append(
            f"Раундов: {len(plan.rounds)}; листы ведущих и календарь — раунда {plan.number}. "
            "Следующий раунд закрывает дефициты, по которым раньше не было темы; что тема была, "
            "ещё не значит, что дефицита больше нет. Состав следующих раундов уточните после "
            "первого."
        )
    if "seminar_notes" in tables:
        lines += tables["seminar_notes"]["sentence"].tolist()
    lines += [
        "Люди названы личными кодами; ФИО ставит nmc unmask на машине, где лежит таблица "
        "соответствия. Баллов в списках нет, порядок строк о людях ничего не говорит.",
        f"{wording.NO_HARM}.",
    ]
    return [line for line in lines if line]


def _procedure(tables: Mapping[str, pd.DataFrame]) -> str:
    """Name of the procedure that the plan was made by, its code where there is no name."""
    code = tables["seminar_plan"]["procedure"].iloc[0]
    if "procedures" not in tables:
        return code
    procedures = tables["procedures"]
    names = dict(zip(procedures["procedure"], procedure_names(procedures), strict=True))
    return names.get(code, code)


def _ended(text: str) -> str:
    return f"{text}." if text else ""
