"""Commands about data: a data root, the demonstration, intake."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

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
    refuse,
    root_of,
    who_is_in,
)
from nmc_utils.terminal import DONE, gathered, print_json, print_table, records

CONSERVATION = {"file": "Файл", "sent": "Прислано", "accepted": "Принято"}
CONSERVATION |= {"held_out": "Задержано", "superseded": "Повторы", "blank": "Итоги и пустые"}
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
        for name in ("region.yaml", "published.csv"):
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
    """Принять присланное: что прочитано, что задержано и почему."""
    from nmc_utils.intake import IntakeError, take_in, with_real_names

    edition = edition_of(root_of(ctx), region, period)
    try:
        intake, refusal = take_in(edition), None
    except IntakeError as error:  # nothing was accepted; what is wrong is told all the same
        intake, refusal = None, error
    found = intake or refusal
    if as_json:
        tables = {name: records(getattr(found, name)) for name in ("conservation", "problems")}
        counts = {"digest": intake.digest, "held_out": intake.held_out} if intake else {}
        counts |= {"missing": missing_of(edition, intake)} if intake else {}
        print_json({"edition": edition.key} | counts | tables)
    else:
        names = found.files  # a name of a file may name a person: never into a file
        files = found.conservation.groupby("file", sort=False).sum(numeric_only=True).reset_index()
        files, problems = (t.map(with_real_names, files=names) for t in (files, found.problems))
        print_table(f"{edition}: строки по файлам", files, CONSERVATION)
        print_table("Замечания", gathered(problems), PROBLEMS)
    if refusal:
        raise refusal if as_json else refusal.on_terminal()
    if not as_json:
        typer.echo(f"Задержано строк: {intake.held_out}. Принятое: {edition.validated}")
        if intake.missing:
            typer.echo(f"{edition}: {who_is_in(edition, intake)}.")
    raise typer.Exit(HELD_OUT if intake.held_out else DONE)
