"""Buttons of «Группы» that make its papers when pressed: lists, leaders' sheets, the calendar."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache

import panel as pn
import panel_material_ui as pmui

from dashboards import parts
from dashboards.store import Published
from nmc_utils.documents.group_plan import NEEDED, TABLES
from nmc_utils.documents.groups import CALENDAR, TITLE, group_papers
from nmc_utils.documents.leader_sheets import TITLE as SHEETS

#: Words of a button → the file that it gives; all of them in one archive last.
BUTTONS = {
    "Списки групп": f"{TITLE}.xlsx",
    "Листы ведущих": f"{SHEETS}.xlsx",
    "Календарь": f"{CALENDAR}.ics",
    "Все файлы": f"{TITLE}.zip",
}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same papers give the same archive


def bar(now: Published) -> pn.Column:
    """The buttons of an edition; nothing where its run lacks what papers are written from."""
    if any(now.table(name) is None for name in NEEDED):
        return parts.column()
    told = parts.column()
    buttons = [_button(now, label, name, told) for label, name in BUTTONS.items()]
    return parts.column(parts.bar(*buttons), told, gap=8, flex="1 1 520px")


def paper(now: Published, name: str) -> bytes:
    """One of the papers, or all of them where `name` is that of the archive."""
    papers = _papers(now)
    return _archive(papers) if name == BUTTONS["Все файлы"] else papers[name]


@lru_cache(maxsize=8)
def _papers(now: Published) -> dict[str, bytes]:
    tables = {name: table for name in TABLES if (table := now.table(name)) is not None}
    return group_papers(tables, now.edition)


def _archive(papers: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in papers.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    return packed.getvalue()


def _button(now: Published, label: str, name: str, told: pn.Column) -> pmui.FileDownload:
    stem, _, kind = name.rpartition(".")
    button = pmui.FileDownload(
        callback=_making(now, name, told),
        filename=f"{stem} {now.edition.key.replace('/', ' ')}.{kind}",
        label=f"{label} ({kind})",
        description=f"Скачать: {label.lower()}",
        size="small",
        margin=0,
    )
    button.variant = "outlined"  # Panel warns of a style of its own where it is given above
    return button


def _making(now: Published, name: str, told: pn.Column) -> Callable[[], Awaitable[io.BytesIO]]:
    """Make a paper beside the event loop: other sessions are served meanwhile."""

    async def make() -> io.BytesIO:
        told.clear()
        try:
            return io.BytesIO(await asyncio.to_thread(paper, now, name))
        except Exception as error:
            told[:] = [parts.trouble(error, "Файл не сделан")]
            raise  # there is nothing to give to the browser

    return make
