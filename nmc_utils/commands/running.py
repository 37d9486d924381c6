"""The command that runs the suite: intake, notebooks, publication."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nmc_utils.commands.base import (
    HELD_OUT,
    RUNNING,
    Json,
    command,
    edition_of,
    known_regions,
    missing_of,
    nmc_of,
    refuse,
    root_of,
    who_is_in,
)
from nmc_utils.commands.comparing import compared, print_compared
from nmc_utils.terminal import DONE, FAILED, print_json, print_table, progress, sentence_of

if TYPE_CHECKING:
    from nmc_utils.editions import Edition
    from nmc_utils.intake import Intake
    from nmc_utils.suite import Outcome

STATUS_WORDS = {"published": "опубликовано", "failed": "не опубликовано", "work": "черновой прогон"}
STATUS_WORDS |= {"nothing_sent": "ничего не прислано"}
OUTCOMES = {"edition": "Издание", "status": "Итог", "tables": "Таблиц", "notebooks": "Тетрадей"}
OUTCOMES |= {"held_out": "Задержано строк", "folder": "Где смотреть"}


@command("run", RUNNING)
def run(
    ctx: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="REGION[/PERIOD]", help="Издания; иначе все."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NOTEBOOK", help="Только эта тетрадь (можно несколько раз); без публикации."
        ),
    ] = None,
    allow_missing: Annotated[
        bool,
        typer.Option(
            "--allow-missing",
            metavar="",
            help="Публиковать, даже если приняты данные не всех муниципальных образований.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Приём, тетради и публикация выбранных изданий."""
    from nmc_utils import suite
    from nmc_utils.intake.redaction import redactor
    from nmc_utils.scanning import finder_of

    if unknown := sorted(set(only or ()) - set(suite.NOTEBOOKS)):
        refuse(f"нет тетради {', '.join(unknown)}; есть: {', '.join(suite.NOTEBOOKS)}")
    root = root_of(ctx)
    editions, refused = _targets(root, targets)
    steps = len(editions) * (1 + len(only or suite.NOTEBOOKS))
    with progress(steps, is_quiet=as_json) as show:
        taken, not_taken, unsent = _take_in(editions, show)
        for edition in unsent:
            if edition.key in (targets or ()):
                refused[edition.key] = _nothing_sent(edition)
        if not (allow_missing or only):  # with `only` nothing is published
            not_taken |= _incomplete(editions, taken)
        accepted = [e for e in editions if e.key in taken and e.key not in not_taken]
        digests = {edition.key: taken[edition.key].digest for edition in accepted}
        redact = redactor(finder_of(root, [taken[e.key].names for e in accepted]))
        outcomes = suite.run(accepted, digests, only=only or None, progress=show, redact=redact)
    rows = [_outcome_row(outcome) for outcome in outcomes]
    rows += [_refused_row(key, reason) for key, reason in (refused | not_taken).items()]
    skipped = [edition for edition in unsent if edition.key not in refused]
    rows += [_refused_row(edition.key, None) | {"status": "nothing_sent"} for edition in skipped]
    told = {e.key: _intake_row(e, taken[e.key]) for e in editions if e.key in taken}
    published = [outcome.edition for outcome in outcomes if outcome.status == "published"]
    changes = {edition.key: compared(edition) for edition in published}
    told = {key: row | {"changes": changes.get(key)} for key, row in told.items()}
    rows = [row | told.get(row["edition"], {}) for row in rows]
    if as_json:
        print_json({"run": outcomes[0].run if outcomes else None, "editions": rows})
    else:
        _print_outcomes(rows, nmc_of(ctx))
        for edition in accepted:
            if taken[edition.key].missing:
                typer.echo(f"{edition.key}: {who_is_in(edition, taken[edition.key])}")
        for edition in skipped:
            typer.echo(_nothing_sent(edition))
        for edition in published:
            if changes[edition.key]:
                print_compared(edition, changes[edition.key])
    if any(row["status"] == "failed" for row in rows):
        raise typer.Exit(FAILED)
    raise typer.Exit(HELD_OUT if any(row["held_out"] for row in rows) else DONE)


def _targets(root: Path, targets: Sequence[str] | None) -> tuple[list[Edition], dict[str, str]]:
    """Editions named as ``region`` or ``region/period``, all when none is; why others cannot run.

    An edition that is named itself must be readable; of a region's editions one that is not
    leaves the others alone.
    """
    from nmc_utils.editions import DefinitionError, edition, edition_keys

    chosen: dict[str, Edition] = {}
    refused: dict[str, str] = {}
    for target in targets or known_regions(root, None):
        region, slash, period = target.partition("/")
        known_regions(root, [region])
        if slash:
            chosen[target] = edition_of(root, region, period)
            continue
        for key in edition_keys(root, region):
            try:
                chosen[key] = edition(*key.split("/"), root)
            except (DefinitionError, ValueError) as error:
                refused[key] = str(error)
    if not chosen and not refused:
        named = " ".join(["изданий", *(targets or ())])
        raise FileNotFoundError(f"{root}: нет {named}. Демонстрационные создаёт nmc demo")
    return list(chosen.values()), refused


def _take_in(
    editions: Sequence[Edition], show: Callable[[Edition, str, bool], None]
) -> tuple[dict[str, Intake], dict[str, str], list[Edition]]:
    """What became of what was sent for each edition, why its intake failed, who sent nothing."""
    from nmc_utils.intake import take_in
    from nmc_utils.intake.files import listed

    taken, refused, unsent = {}, {}, []
    for edition in editions:
        show(edition, "приём", False)
        try:
            taken[edition.key] = take_in(edition)
        except Exception as error:  # the other editions go on; a stranger's text may hold a name
            if isinstance(error, ValueError) and not listed(edition.sent):
                unsent.append(edition)
                continue
            reason = sentence_of(error) or f"непредвиденная ошибка {type(error).__name__}"
            refused[edition.key] = f"приём не удался: {reason}"
        else:
            show(edition, "приём", True)
    return taken, refused, unsent


def _nothing_sent(edition: Edition) -> str:
    return f"{edition}: ещё ничего не прислано. Файлы кладут в {edition.sent}"


def _incomplete(editions: Sequence[Edition], taken: dict[str, Intake]) -> dict[str, str]:
    """Editions for which nothing of some municipality was accepted, and what to do about it."""
    return {
        edition.key: f"{who_is_in(edition, taken[edition.key])}. Проверьте замечания "
        f"(nmc check {edition.region.code} {edition.period}), дождитесь файлов или опубликуйте "
        f"неполное издание: nmc run {edition.key} --allow-missing"
        for edition in editions
        if edition.key in taken and taken[edition.key].missing
    }


def _intake_row(edition: Edition, intake: Intake) -> dict[str, Any]:
    remarks, missing = len(intake.problems), missing_of(edition, intake)
    return {"held_out": intake.held_out, "remarks": remarks, "missing": missing}


def _outcome_row(outcome: Outcome) -> dict[str, Any]:
    return _refused_row(outcome.edition.key, outcome.failure) | {
        "run": outcome.run,
        "status": outcome.status,
        "tables": list(outcome.tables),
        "notebooks": list(outcome.notebooks),
        "folder": str(outcome.folder),
        "seconds": round(outcome.seconds, 1),
    }


def _refused_row(key: str, reason: str | None) -> dict[str, Any]:
    return {
        "edition": key,
        "run": None,
        "status": "failed",
        "failure": reason,
        "tables": [],
        "notebooks": [],
        "folder": None,
        "held_out": 0,
        "remarks": 0,
        "missing": [],
        "changes": None,
        "seconds": 0.0,
    }


def _print_outcomes(rows: Sequence[dict[str, Any]], nmc: str) -> None:
    import pandas as pd

    table = pd.DataFrame(rows)
    table["status"] = table["status"].map(STATUS_WORDS)
    table[["tables", "notebooks"]] = table[["tables", "notebooks"]].map(len)
    print_table("", table, OUTCOMES)
    for row in rows:
        if row["failure"]:
            typer.echo(f"{row['edition']}: {row['failure']}", err=True)
        if row["remarks"]:
            typer.echo(
                f"{row['edition']}: замечаний приёма — {row['remarks']}; что задержано и почему: "
                f"{nmc} check {row['edition'].replace('/', ' ')}"
            )
    if any(row["status"] == "published" for row in rows):
        typer.echo(f"Посмотреть: {nmc} dashboard")
