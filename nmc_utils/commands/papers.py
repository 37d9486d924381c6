"""Commands that write papers of a published run: of seminar groups, drafts of routes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nmc_utils.commands.base import (
    RESULTS,
    Json,
    PeriodText,
    RegionCode,
    command,
    edition_of,
    refuse,
    root_of,
)
from nmc_utils.terminal import print_json

if TYPE_CHECKING:
    from nmc_utils.editions import Edition
    from nmc_utils.results import Results

Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Новая или пустая папка; иначе documents/ в папке данных."),
]


@command("groups", RESULTS)
def groups(
    ctx: typer.Context,
    region: RegionCode,
    period: PeriodText,
    out: Out = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="ГГГГ-ММ-ДД",
            help="С какого дня занятия; иначе с первого рабочего понедельника после даты данных.",
        ),
    ] = None,
    number: Annotated[
        int, typer.Option("--round", min=1, metavar="N", help="Раунд для листов и календаря.")
    ] = 1,
    as_json: Json = False,
) -> None:
    """Записать списки групп, листы ведущих и заготовку календаря семинаров."""
    from nmc_utils import results
    from nmc_utils.documents.group_sessions import about_start, first_day
    from nmc_utils.documents.groups import TABLES, group_papers

    day = _day(start)
    edition = edition_of(root_of(ctx), region, period)
    found = results.results(edition)
    folder = _folder(edition, found.run, "groups", out)
    tables = {name: found[name] for name in TABLES if name in found}
    papers = group_papers(tables, edition, start=day, number=number)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in papers.items():
        (folder / name).write_bytes(content)
    started = {"start": str(first_day(edition, day)), "about_start": about_start(edition, day)}
    if as_json:
        about = {"edition": edition.key, "run": found.run, "round": number} | started
        return print_json(about | {"folder": str(folder), "files": list(papers)})
    typer.echo(f"{edition}, прогон {found.run}, раунд {number}.")
    typer.echo(f"Записано файлов: {len(papers)} — в папку {folder}")
    typer.echo(started["about_start"])
    typer.echo("Люди в них названы личными кодами. Даты — заготовка: проверьте их.")


@command("routes", RESULTS)
def routes(
    ctx: typer.Context,
    region: RegionCode,
    period: PeriodText,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Записать заготовки ИОМ: по документу Word на каждого, кто прошёл диагностику."""
    from nmc_utils import results

    edition = edition_of(root_of(ctx), region, period)
    found = results.results(edition)
    folder = _folder(edition, found.run, "routes", out)
    drafts, n = route_drafts(edition, found)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"ИОМ {region} {period}.zip"
    path.write_bytes(drafts)
    if as_json:
        about = {"edition": edition.key, "run": found.run, "drafts": n}
        return print_json(about | {"file": str(path)})
    typer.echo(f"{edition}, прогон {found.run}.")
    typer.echo(f"Заготовок ИОМ: {n} — в архиве {path}")
    typer.echo("Люди в них названы личными кодами; ФИО ставит nmc unmask.")


def route_drafts(
    edition: Edition, found: Results, names: Mapping[str, str] | None = None
) -> tuple[bytes, int]:
    """Drafts of a run and how many; with `names` (person → full name) for the office alone.

    Raises
    ------
    ResultsError
        Records were taken in anew after the run, or the run does not say of which it was made: a
        draft would hold two states of them.
    """
    from nmc_utils.documents.route_people import TABLES
    from nmc_utils.documents.routes import route_archive
    from nmc_utils.results import ResultsError, tables_digest
    from nmc_utils.tables import load

    records = load(edition)
    sources = json.loads((edition.validated / "sources.json").read_text("utf-8"))
    if tables_digest(found) != sources["digest"]:
        raise ResultsError(
            f"{edition}: после прогона {found.run} данные приняты заново, ИОМ составлять не из "
            f"чего. Выполните: nmc run {edition.key}"
        )
    return route_archive(
        {name: found[name] for name in TABLES if name in found}, records, edition, names=names
    )


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        refuse(f"--start: «{text}» не подходит; укажите дату в виде ГГГГ-ММ-ДД")


def _folder(edition: Edition, run: str, kind: str, out: Path | None) -> Path:
    """Where papers go: where the user says, else into a folder of the run for papers of a kind."""
    home = edition.root / "documents" / edition.region.code / edition.period.text
    return _empty(home / run / kind if out is None else out.expanduser().resolve())


def _empty(folder: Path) -> Path:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        refuse(f"{folder}: здесь уже что-то есть; укажите новую или пустую папку (--out)")
    return folder
