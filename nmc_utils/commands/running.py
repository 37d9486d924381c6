"""The command that runs the suite: intake, notebooks, publication."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

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
from nmc_utils.commands.countries import Asked, asked, compare_regions
from nmc_utils.terminal import (
    DONE,
    FAILED,
    Unforeseen,
    print_json,
    print_table,
    sentence_of,
    without_values,
)

if TYPE_CHECKING:
    from nmc_utils.editions import Edition
    from nmc_utils.intake import Intake
    from nmc_utils.intake.names import Names
    from nmc_utils.runs import Run
    from nmc_utils.suite import Outcome
    from nmc_utils.terminal_progress import Steps

STATUS_WORDS = {"published": "опубликовано", "failed": "не опубликовано", "work": "черновой прогон"}
STATUS_WORDS |= {"nothing_sent": "ничего не прислано"}
OUTCOMES = {"edition": "Издание", "status": "Итог", "tables": "Таблиц", "notebooks": "Тетрадей"}
OUTCOMES |= {"held_out": "Задержано строк", "folder": "Где смотреть"}


@command("run", RUNNING)
def run(
    ctx: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="REGION[/PERIOD]",
            help="Издания; иначе все, затем сравнения регионов: _country/PERIOD.",
        ),
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
    n_jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            metavar="N",
            min=1,
            help="Сколько изданий считать сразу; иначе — по числу ядер и изданий.",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="tcp://ИМЯ:ПОРТ",
            help="Считать на кластере Dask с этим планировщиком; папка данных у него общая.",
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Продолжить этот прерванный прогон или отказать. Без параметра прерванный прогон "
            "тех же данных продолжается сам.",
        ),
    ] = None,
    is_verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", metavar="", help="Сказать о каждой тетради, как запущено её ядро."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Приём, тетради и публикация выбранных изданий."""
    from nmc_utils import holding, jobs, runs, suite
    from nmc_utils.terminal_progress import steps_of

    root = root_of(ctx)
    chosen = asked(_named(root, targets, only, resume), only)
    editions, refused = _targets(root, chosen.regions) if chosen.takes_in else ([], {})
    if scheduler is not None:
        jobs.check(scheduler, root=root)
    how = _How(allow_missing, n_jobs or jobs.sensible(len(editions)), scheduler, resume)
    each = {edition.key: 1 + len(chosen.only or suite.NOTEBOOKS) for edition in editions}
    ours = [] if only else list(each)  # a draft publishes nothing: it holds for the intake alone
    runs.check_space(root, list(each))
    with holding.held(root, ours), steps_of(each, is_quiet=as_json, is_verbose=is_verbose) as show:
        taken, outcomes, not_taken, unsent = _run_editions(root, editions, chosen, how, show)
        comparisons: list[Outcome] = []
        if chosen.compares:
            named = chosen.comparisons
            comparisons, alone = compare_regions(root, named, show, is_draft=bool(only))
            not_taken |= alone
    for edition in unsent:
        if edition.key in chosen.regions:
            refused[edition.key] = _nothing_sent(edition)
    rows = [_outcome_row(outcome) for outcome in (*outcomes, *comparisons)]
    rows += [_refused_row(key, reason) for key, reason in (refused | not_taken).items()]
    skipped = [edition for edition in unsent if edition.key not in refused]
    rows += [_refused_row(edition.key, None) | {"status": "nothing_sent"} for edition in skipped]
    told = {e.key: _intake_row(e, taken[e.key]) for e in editions if e.key in taken}
    published = [outcome.edition for outcome in outcomes if outcome.status == "published"]
    changes = {edition.key: compared(edition) for edition in published}
    told = {key: row | {"changes": changes.get(key)} for key, row in told.items()}
    rows = [row | told.get(row["edition"], {}) for row in rows]
    if as_json:
        made = [*outcomes, *comparisons]
        print_json({"run": made[0].run if made else None, "editions": rows})
    else:
        _print_outcomes(rows, nmc_of(ctx))
        for outcome in outcomes:
            if taken[outcome.edition.key].missing:
                said = who_is_in(outcome.edition, taken[outcome.edition.key])
                typer.echo(f"{outcome.edition.key}: {said}")
        for edition in skipped:
            typer.echo(_nothing_sent(edition))
        for edition in published:
            if changes[edition.key]:
                print_compared(edition, changes[edition.key])
    if any(row["status"] == "failed" for row in rows):
        raise typer.Exit(FAILED)
    raise typer.Exit(HELD_OUT if any(row["held_out"] for row in rows) else DONE)


class _How(NamedTuple):
    """How a run is carried out."""

    allow_missing: bool
    n_jobs: int
    scheduler: str | None
    resume: str | None


def _named(
    root: Path, targets: Sequence[str] | None, only: Sequence[str] | None, resume: str | None
) -> Sequence[str] | None:
    """What is to be run: what is named, or what a run that is gone on with was begun for."""
    from nmc_utils import runs

    if resume is None:
        return targets
    if targets or only:
        refuse("с --resume изданий и тетрадей не называют: они те, для которых прогон был начат")
    begun = runs.unfinished(root)
    if resume not in begun:
        refuse(f"прерванного прогона {resume} нет; есть: {', '.join(begun) or 'ни одного'}")
    return begun[resume]


def _run_editions(
    root: Path, editions: Sequence[Edition], chosen: Asked, how: _How, show: Steps
) -> tuple[dict[str, Intake], list[Outcome], dict[str, str], list[Edition]]:
    """Take in what was sent and run the suite; why some are not run, and who sent nothing."""
    from nmc_utils import suite

    taken, not_taken, unsent = _take_in(editions, show, is_held=not chosen.only)
    if not (how.allow_missing or chosen.only):  # with `only` nothing is published
        not_taken |= _incomplete(editions, taken)
    accepted = [e for e in editions if e.key in taken and e.key not in not_taken]
    for edition in editions:
        if edition not in accepted:
            show.ended(edition, not_taken.get(edition.key, "ничего не прислано"))
    outcomes = suite.run(
        accepted,
        {edition.key: taken[edition.key].digest for edition in accepted},
        only=list(chosen.only) or None,
        progress=show,
        redactor=_redactor(root, {key: taken[key].names for key in taken}, how.scheduler),
        n_jobs=how.n_jobs,
        scheduler=how.scheduler,
        resume=how.resume,
        begun=partial(_begun, show),
    )
    for outcome in outcomes:
        why = f": {outcome.failure}" if outcome.failure else ""
        show.ended(outcome.edition, STATUS_WORDS[outcome.status] + why)
    return taken, outcomes, not_taken, unsent


def _begun(show: Steps, run: Run) -> None:
    from nmc_utils import suite
    from nmc_utils.runs import log_of

    show.log_to(log_of(run))
    for key in run.inputs if run.is_continued else ():
        left = [notebook for notebook in suite.NOTEBOOKS if notebook not in run.recorded(key)]
        how = f"с тетради {left[0]}" if left else "с публикации"
        show.say(f"прерванный прогон {run.name}: продолжаю издание {key} {how}")


def _redactor(
    root: Path, names: Mapping[str, Names], scheduler: str | None
) -> Callable[[str], Callable[[], Callable[[str, bool], str]]]:
    """For an edition, what makes the hider of its names where its notebooks are executed.

    On another machine the names are read there again from what was sent: they are not sent about.
    """
    from nmc_utils.intake.redaction import Finder, redactor
    from nmc_utils.scanning import ordinary_words, redactor_at

    if scheduler is not None:
        return lambda key: partial(redactor_at, root, key)
    ordinary = ordinary_words(root)
    return lambda key: partial(redactor, Finder(names[key], ordinary))


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
    editions: Sequence[Edition], show: Steps, *, is_held: bool
) -> tuple[dict[str, Intake], dict[str, str], list[Edition]]:
    """What became of what was sent for each edition, why its intake failed, who sent nothing."""
    from nmc_utils.holding import Busy, held
    from nmc_utils.intake import take_in
    from nmc_utils.intake.files import listed

    taken, refused, unsent = {}, {}, []
    for edition in editions:
        show(edition, "приём", False)
        try:
            with held(edition.root, [] if is_held else [edition.key]), without_values():
                taken[edition.key] = take_in(edition)
        except Exception as error:  # the other editions go on; a stranger's text may hold a name
            is_of_intake = isinstance(error, ValueError) and not isinstance(
                error, Busy | Unforeseen
            )
            if is_of_intake and not listed(edition.sent):
                unsent.append(edition)
                continue
            reason = sentence_of(error)
            if reason is None:  # its traceback is asked for
                raise
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
