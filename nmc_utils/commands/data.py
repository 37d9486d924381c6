"""Commands about data: a data root, the demonstration, intake."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nmc_utils.commands.base import (
    CHECKOUT,
    DATA,
    HELD_OUT,
    Json,
    PeriodText,
    RegionCode,
    command,
    edition_of,
    known_regions,
    missing_of,
    nmc_of,
    refuse,
    root_of,
    who_is_in,
)
from nmc_utils.terminal import DONE, gathered, print_json, print_table, records, without_values
from nmc_utils.terms import TABLE_TITLES

if TYPE_CHECKING:  # loaded inside the commands, so that `nmc --help` does not wait for them
    from nmc_utils.editions import Edition
    from nmc_utils.intake import Account, Intake

READ = {"format": "Как прочитан", "state": "Состояние"}
DIFFERENCES = {"file": "Файл", "older": "Вместо файла", "table": "Лист", "changed": "Изменено"}
DIFFERENCES |= {"added": "Добавлено", "removed": "Исчезло"}
CONSERVATION = {"file": "Файл", "sent": "Прислано", "accepted": "Принято"}
CONSERVATION |= {"held_out": "Задержано", "superseded": "Замещено", "blank": "Итоги и пустые"}
PROBLEMS = {"file": "Файл", "cell": "Ячейка", "found": "Значение", "meaning": "Что не так"}
PROBLEMS |= {"action": "Что сделано", "remedy": "Что исправить"}


@command("init", DATA)
def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Новая папка данных.")],
    as_json: Json = False,
) -> None:
    """Создать папку данных с определениями регионов."""
    target = directory.expanduser().resolve()
    if (target / "regions").exists():
        refuse(f"{target}: здесь уже есть папка regions; укажите другую папку")
    source = CHECKOUT / "data" / "regions"
    copied = []
    for region in sorted(path.parent for path in source.glob("*/region.yaml")):
        for name in ("region.yaml", "published.csv", "system.yaml"):
            if (region / name).exists():
                copy = target / "regions" / region.name / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(region / name, copy)
        copied.append(region.name)
    if as_json:
        return print_json({"root": str(target), "regions": copied})
    typer.echo(f"Папка данных {target}: определения регионов {', '.join(copied)}.")
    typer.echo(f"Дальше: nmc --data {target} demo")


@command("demo", DATA)
def demo(
    ctx: typer.Context,
    regions: Annotated[
        list[str] | None,
        typer.Argument(metavar="REGION", help="Коды регионов; иначе все."),
    ] = None,
    periods: Annotated[
        list[str] | None,
        typer.Option(metavar="PERIOD", help="Период; несколько — через запятую."),
    ] = None,
    persons: Annotated[
        int | None, typer.Option(min=1, metavar="P", help="Сотрудников в издании.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Зерно случайных чисел.")] = 2023,
    n_models: Annotated[
        int | None,
        typer.Option(
            "--regions", metavar="N", help="Создать N модельных регионов вместо изданий настоящих."
        ),
    ] = None,
    unless_submitted: Annotated[
        bool,
        typer.Option(
            "--unless-submitted", metavar="", help="Ничего не делать, если есть присланные издания."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Записать демонстрационные издания: не сведения о регионах."""
    from nmc_utils.demo import write

    root = root_of(ctx)
    if unless_submitted and (submitted := _submitted(root)):
        if as_json:
            return print_json({"editions": [], "submitted": submitted})
        return typer.echo(
            f"Есть присланные издания ({', '.join(submitted)}): демонстрация не нужна."
        )
    chosen = [part for text in periods or [] for part in text.split(",") if part] or None
    if n_models is not None:
        if regions:
            refuse("укажите либо коды регионов, либо --regions N: вместе они невозможны")
        return _country(root, n_models, chosen, seed, persons, as_json)
    written: list[Path] = []
    for region in known_regions(root, regions):
        written += write(root, region, chosen, seed=seed, persons=persons)
    if as_json:
        return print_json({"editions": [str(path) for path in written], "submitted": []})
    typer.echo("Демонстрационные данные: не сведения о регионе.")
    for path in written:
        typer.echo(f"  {path}")


def _country(
    root: Path,
    n_regions: int,
    periods: Sequence[str] | None,
    seed: int,
    persons: int | None,
    as_json: bool,
) -> None:
    """Write model regions; tell of each, then what it took."""
    from dataclasses import asdict

    from nmc_utils.demo import country

    done: list[str] = []

    def tell(name: str) -> None:
        done.append(name)
        if not as_json:
            typer.echo(f"{name}: записан ({len(done)} из {n_regions})", err=True)

    made = country.write(root, n_regions, periods, seed=seed, persons=persons, progress=tell)
    told = asdict(made)
    if as_json:
        return print_json(told)
    text = {name: _written(n) for name, n in told.items() if n is not None}
    memory = f", память не больше {text['peak_memory_mb']} МБ" if made.peak_memory_mb else ""
    typer.echo("Демонстрационные данные: не сведения о регионе.")
    typer.echo(
        f"Модельных регионов {text['regions']}, изданий {text['editions']}, работников "
        f"{text['persons']}, файлов {text['files']}, {text['megabytes']} МБ; {text['seconds']} с, "
        f"{text['persons_per_second']} работников в секунду{memory}"
    )


def _written(number: float) -> str:
    return f"{number:,}".replace(",", " ").replace(".", ",")


def _submitted(root: Path) -> list[str]:
    from nmc_utils.editions import editions

    return [edition.key for edition in editions(root) if edition.origin == "submitted"]


@command("check", DATA)
def check(
    ctx: typer.Context, region: RegionCode, period: PeriodText, as_json: Json = False
) -> None:
    """Принять присланное: что прочитано, что задержано и почему, что вернуть отправителям."""
    from nmc_utils.holding import held
    from nmc_utils.intake import IntakeError, take_in
    from nmc_utils.intake.returns import write_returns

    edition = edition_of(root_of(ctx), region, period)
    with held(edition.root, [edition.key]), without_values():
        try:
            intake, refusal = take_in(edition), None
        except IntakeError as error:  # nothing was accepted; what is wrong is told all the same
            intake, refusal = None, error.on_terminal() if sys.stderr.isatty() else error
        found = intake or refusal.account
        returned = write_returns(edition, found)
    told = _told(found) | {"returned": [str(path) for path in returned]}
    told["missing"] = missing_of(edition, intake) if intake else []
    if as_json:
        about = {"edition": edition.key, "digest": intake.digest if intake else None}
        about |= {"failure": str(refusal) if refusal else None}
        about |= {"validated": str(edition.validated) if intake else None}
        print_json(
            about | {n: t if isinstance(t, list | int) else records(t) for n, t in told.items()}
        )
    else:
        _print_check(edition, _on_terminal(told, found.files) if sys.stdout.isatty() else told)
    if refusal:
        raise refusal
    if not as_json:
        typer.echo(f"Задержано строк: {intake.held_out}. Принятое: {edition.validated}")
        if intake.missing:
            typer.echo(f"{edition}: {who_is_in(edition, intake)}.")
        typer.echo(_next(edition, told, nmc_of(ctx)))
    raise typer.Exit(HELD_OUT if intake.held_out or _is_any_lost(intake) else DONE)


def _is_any_lost(intake: Intake) -> bool:
    """Whether a file could not be read, or went back without a single row of it accepted."""
    accepted = intake.conservation.groupby("file")["accepted"].sum()
    back = intake.files_table.set_index("file")["state"].isin(["unreadable", "returned"])
    return bool((back & accepted.reindex(back.index).fillna(0).eq(0)).any())


def _told(found: Account) -> dict[str, Any]:
    """What a check has found; files go by labels in which there is no name of a person."""
    return {
        "held_out": int(found.conservation["held_out"].sum()),
        "files": found.files_table,
        "conservation": found.conservation,
        "differences": found.differences,
        "problems": found.problems,
    }


def _on_terminal(told: dict[str, Any], files: dict[str, str]) -> dict[str, Any]:
    """Call files by their names: for a person at a screen; what is redirected is kept."""
    from nmc_utils.intake import with_real_names

    return {
        name: what.map(with_real_names, files=files) if hasattr(what, "map") else what
        for name, what in told.items()
    }


def _print_check(edition: Edition, told: dict[str, Any]) -> None:
    from nmc_utils.collecting import FILE_STATES

    counts = list(CONSERVATION)[1:]
    sums = told["conservation"].groupby("file", sort=False)[counts].sum().reset_index()
    files = told["files"].merge(sums, on="file", how="outer", sort=False)
    files = files.fillna(dict.fromkeys(counts, 0) | {"format": ""})
    files = files.astype(dict.fromkeys(counts, "int64"))
    newer = files["replaced_by"].fillna("")
    states = files["state"].map(FILE_STATES).fillna(files["state"])
    files["state"] = states.where(newer.eq(""), states + ": действует " + newer)
    headings = {"file": "Файл"} | READ | CONSERVATION
    print_table(f"{edition}: файлы и строки", files, headings)
    differences = told["differences"]
    titled = differences.assign(table=differences["table"].map(TABLE_TITLES))
    print_table("Что изменили новые файлы", titled, DIFFERENCES)
    told_already = told["problems"]["kind"].eq("replaced")  # by the table of differences
    print_table("Замечания", gathered(told["problems"][~told_already]), PROBLEMS)
    if told["returned"]:
        typer.echo("Что вернуть отправителям (копия с отметками и письмо):")
        for path in told["returned"]:
            typer.echo(f"  {path}")


def _next(edition: Edition, told: dict[str, Any], nmc: str) -> str:
    """What to do now."""
    run = f"{nmc} run {edition.key}" + (" --allow-missing" if told["missing"] else "")
    if not (told["returned"] or told["held_out"]):
        return f"Дальше: {run}"
    again = f"{nmc} check {edition.region.code} {edition.period}"
    letters = "отправьте письма с копиями, " if told["returned"] else ""
    return (
        f"Дальше: {letters}положите исправленные файлы в {edition.sent} и повторите {again}; "
        f"без задержанных строк считает {run}"
    )
