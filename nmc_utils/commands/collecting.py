"""Commands about collecting an edition: who has sent what, and the approval of a run."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from nmc_utils.commands.base import (
    DATA,
    RESULTS,
    Json,
    PeriodText,
    RegionCode,
    command,
    edition_of,
    nmc_of,
    refuse,
    root_of,
)
from nmc_utils.terminal import print_json, print_table, records

if TYPE_CHECKING:
    import pandas as pd

    from nmc_utils.editions import Edition


@command("status", DATA)
def status(
    ctx: typer.Context, region: RegionCode, period: PeriodText, as_json: Json = False
) -> None:
    """Кто что прислал: не прислано, на проверке, возвращено, принято, утверждено."""
    from nmc_utils import collecting

    edition = edition_of(root_of(ctx), region, period)
    today = date.today()
    told, waiting = collecting.collection(edition, today), collecting.unchecked(edition)
    sentences = [
        collecting.who_reported(told, edition.region),
        collecting.returned(told),
        collecting.overdue(told),
        collecting.waiting(waiting, edition).replace("nmc ", f"{nmc_of(ctx)} ", 1),
    ]
    sentences = [sentence for sentence in sentences if sentence]
    if as_json:
        return print_json(
            {
                "edition": edition.key,
                "today": today.isoformat(),
                "deadline": edition.collection.deadline and f"{edition.collection.deadline}",
                "reported": sorted(collecting.reported(told)),
                "forms": records(told.assign(deadline=_iso(told["deadline"]))),
                "unchecked": {
                    "files": waiting.n,
                    "municipalities": dict(waiting.places),
                    "unplaced": waiting.unplaced,
                    "gone": waiting.gone,
                },
                "sentences": sentences,
            }
        )
    matrix, headings = _matrix(told, edition)
    print_table(f"{edition}: кто что прислал", matrix, headings)
    for sentence in sentences:
        typer.echo(sentence)


def _iso(days: pd.Series) -> pd.Series:
    return days.astype("object").map(lambda day: day.isoformat() if day else None)


def _matrix(told: pd.DataFrame, edition: Edition) -> tuple[pd.DataFrame, dict[str, str]]:
    """A row a municipality, a column a form; deadline and who answers only where they are set."""
    import pandas as pd

    rows = {}
    for code, group in told.groupby("municipality", sort=False):
        cells = dict(zip(group["table"], group["state_label"], strict=True))
        first = group.iloc[0]
        cells |= {"version": int(group["version"].max()), "responsible": first["responsible"]}
        if first["deadline"]:
            late = ", просрочен" if group["is_overdue"].any() else ""
            cells["deadline"] = f"{first['deadline']:%d.%m.%Y}{late}"
        rows[code] = {"name": first["name"]} | cells
    headings = {"name": "Муниципальное образование"}
    headings |= dict(zip(told["table"], told["title"], strict=True)) | {"version": "Версия"}
    if edition.collection.deadline:
        headings["deadline"] = "Срок"
    if edition.collection.responsible:
        headings["responsible"] = "Кто отвечает"
    return pd.DataFrame(rows.values(), columns=list(headings)), headings


@command("approve", RESULTS)
def approve(
    ctx: typer.Context,
    region: RegionCode,
    period: PeriodText,
    run: Annotated[str, typer.Argument(metavar="RUN", help="Действующий прогон из nmc runs.")],
    by: Annotated[str, typer.Option(metavar="WHO", help="Кто утвердил: должность.")],
    order: Annotated[str, typer.Option(metavar="ORDER", help="Приказ: «приказ № 12».")],
    on: Annotated[
        datetime | None,
        typer.Option(
            metavar="YYYY-MM-DD", formats=["%Y-%m-%d"], help="Дата приказа; иначе сегодня."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Утвердить прогон: проект становится утверждённым документом."""
    from nmc_utils import approvals

    today = date.today()
    day = on.date() if on else today
    if day > today:
        refuse(f"дата приказа {day:%d.%m.%Y} ещё не наступила")
    edition = edition_of(root_of(ctx), region, period)
    made = approvals.approve(edition.root, edition.key, run, by=by, order=order, on=day)
    if as_json:
        before = made.instead_of and made.instead_of.run
        return print_json(
            {"edition": edition.key, "run": run, "by": made.by, "order": made.order}
            | {"on": made.on.isoformat(), "number": made.number, "instead_of": before}
        )
    typer.echo(f"{edition}, прогон {run}. {made.words}.")
