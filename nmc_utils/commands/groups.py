"""The command that writes papers about seminar groups."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

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


@command("groups", RESULTS)
def groups(
    ctx: typer.Context,
    region: RegionCode,
    period: PeriodText,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Новая или пустая папка; иначе documents/ в папке данных."
        ),
    ] = None,
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
    default = edition.root / "documents" / edition.region.code / edition.period.text / found.run
    folder = _empty(default if out is None else out.expanduser().resolve())
    tables = {name: found[name] for name in TABLES if name in found}
    papers = group_papers(tables, edition, start=day, number=number)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in papers.items():
        (folder / name).write_bytes(content)
    if as_json:
        about = {"edition": edition.key, "run": found.run, "round": number}
        about |= {"start": str(first_day(edition, day)), "about_start": about_start(edition, day)}
        return print_json(about | {"folder": str(folder), "files": list(papers)})
    typer.echo(f"{edition}, прогон {found.run}, раунд {number}.")
    typer.echo(f"Записано файлов: {len(papers)} — в папку {folder}")
    typer.echo(about_start(edition, day))
    typer.echo("Люди в них названы личными кодами. Даты — заготовка: проверьте их.")


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        refuse(f"--start: «{text}» не подходит; укажите дату в виде ГГГГ-ММ-ДД")


def _empty(folder: Path) -> Path:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        refuse(f"{folder}: здесь уже что-то есть; укажите новую или пустую папку (--out)")
    return folder
