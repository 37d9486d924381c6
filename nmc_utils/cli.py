"""The `nmc` command. Exit codes: 0 done, 1 failed, 2 wrong use, 3 done but rows were held out."""

from __future__ import annotations

import errno
import ipaddress
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from nmc_utils.terminal import (
    DONE,
    FAILED,
    Command,
    Group,
    gathered,
    print_json,
    print_table,
    progress,
    records,
    sentence_of,
)
from nmc_utils.terms import of_places

if TYPE_CHECKING:  # loaded inside the commands, so that `nmc --help` does not wait for them
    from nmc_utils.editions import Edition
    from nmc_utils.intake import Intake
    from nmc_utils.suite import Outcome

CHECKOUT = Path(__file__).resolve().parents[1]
HELD_OUT = 3  #: exit code: done, but rows were held out
DATA, RUNNING, RESULTS = "Данные", "Прогон", "Результаты"
STATUS_WORDS = {"published": "опубликовано", "failed": "не опубликовано", "work": "черновой прогон"}
CONSERVATION = {"file": "Файл", "sent": "Прислано", "accepted": "Принято"}
CONSERVATION |= {"held_out": "Задержано", "superseded": "Повторы", "blank": "Итоги и пустые"}
PROBLEMS = {"file": "Файл", "cell": "Ячейка", "found": "Значение", "meaning": "Что не так"}
PROBLEMS |= {"action": "Что сделано", "remedy": "Что исправить"}
OUTCOMES = {"edition": "Издание", "status": "Итог", "tables": "Таблиц", "notebooks": "Тетрадей"}
OUTCOMES |= {"held_out": "Задержано строк", "folder": "Где смотреть"}
RUNS = {"run": "Прогон", "region": "Регион", "period": "Период", "current": "Действует"}
RUNS |= {"origin": "Происхождение", "as_of": "Данные на", "files": "Файлов", "bytes": "Байт"}
RUNS |= {"published_at": "Опубликован"}


def _refuse(sentence: str) -> NoReturn:
    raise typer.BadParameter(sentence)


app = typer.Typer(
    name="nmc",
    cls=Group,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Мониторинг профессиональных компетенций педагогов: данные, прогоны, результаты.",
    epilog="Коды завершения: 0 — готово, 1 — не удалось, 2 — неверный вызов, "
    "3 — готово, но часть строк задержана.",
)

Json = Annotated[bool, typer.Option("--json", metavar="", help="Вывести JSON для программ.")]
RegionCode = Annotated[
    str, typer.Argument(metavar="REGION", help="Код региона: имя его папки в regions.")
]
PeriodText = Annotated[
    str, typer.Argument(metavar="PERIOD", help="Период: 2023, 2022-2023 или 2023-q2.")
]


@app.callback()
def _options(
    ctx: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="Папка данных; иначе NMC_DATA, иначе data/ проекта."
        ),
    ] = None,
) -> None:
    ctx.obj = data


def _root(ctx: typer.Context) -> Path:
    from nmc_utils.editions import data_root

    return data_root(ctx.obj)


def _nmc(ctx: typer.Context) -> str:
    """How the next command has to begin to stay in the same data root."""
    return f"nmc --data {shlex.quote(str(ctx.obj))}" if ctx.obj else "nmc"


def _command(name: str, panel: str) -> Callable[[Callable], Callable]:
    return app.command(name, cls=Command, rich_help_panel=panel)


# --- data -----------------------------------------------------------------------------------------


@_command("init", DATA)
def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Новая папка данных.")],
    as_json: Json = False,
) -> None:
    """Создать папку данных с определениями регионов."""
    target = directory.expanduser().resolve()
    if (target / "regions").exists():
        _refuse(f"{target}: здесь уже есть папка regions; укажите другую папку")
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


@_command("demo", DATA)
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

    root = _root(ctx)
    if unless_submitted and (submitted := _submitted(root)):
        if as_json:
            return print_json({"editions": [], "submitted": submitted})
        return typer.echo(
            f"Есть присланные издания ({', '.join(submitted)}): демонстрация не нужна."
        )
    chosen = [part for text in periods or [] for part in text.split(",") if part] or None
    if n_models is not None:
        if regions:
            _refuse("укажите либо коды регионов, либо --regions N: вместе они невозможны")
        return _country(root, n_models, chosen, seed, persons, as_json)
    written: list[Path] = []
    for region in _regions(root, regions):
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


def _regions(root: Path, named: Sequence[str] | None) -> list[str]:
    from nmc_utils.regions import region_codes

    known = region_codes(root)
    if unknown := sorted(set(named or ()) - set(known)):
        _refuse(f"нет региона {', '.join(unknown)}; есть: {', '.join(known) or 'ни одного'}")
    return list(dict.fromkeys(named or known))


def _edition(root: Path, region: str, period: str) -> Edition:
    from nmc_utils.editions import Period, edition

    _regions(root, [region])
    try:
        Period.parse(period)
    except ValueError as error:
        _refuse(str(error))
    return edition(region, period, root)


@_command("check", DATA)
def check(
    ctx: typer.Context, region: RegionCode, period: PeriodText, as_json: Json = False
) -> None:
    """Принять присланное: что прочитано, что задержано и почему."""
    from nmc_utils.intake import IntakeError, take_in, with_real_names

    edition = _edition(_root(ctx), region, period)
    try:
        intake, refusal = take_in(edition), None
    except IntakeError as error:  # nothing was accepted; what is wrong is told all the same
        intake, refusal = None, error
    found = intake or refusal
    if as_json:
        tables = {name: records(getattr(found, name)) for name in ("conservation", "problems")}
        counts = {"digest": intake.digest, "held_out": intake.held_out} if intake else {}
        counts |= {"missing": _missing(edition, intake)} if intake else {}
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
            typer.echo(f"{edition}: {_who_is_in(edition, intake)}.")
    raise typer.Exit(HELD_OUT if intake.held_out else DONE)


# --- run ------------------------------------------------------------------------------------------


@_command("run", RUNNING)
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

    if unknown := sorted(set(only or ()) - set(suite.NOTEBOOKS)):
        _refuse(f"нет тетради {', '.join(unknown)}; есть: {', '.join(suite.NOTEBOOKS)}")
    editions, refused = _targets(_root(ctx), targets)
    steps = len(editions) * (1 + len(only or suite.NOTEBOOKS))
    with progress(steps, is_quiet=as_json) as show:
        taken, not_taken = _take_in(editions, show)
        if not (allow_missing or only):  # with `only` nothing is published
            not_taken |= _incomplete(editions, taken)
        accepted = [e for e in editions if e.key in taken and e.key not in not_taken]
        digests = {edition.key: taken[edition.key].digest for edition in accepted}
        outcomes = suite.run(accepted, digests, only=only or None, progress=show)
    rows = [_outcome_row(outcome) for outcome in outcomes]
    rows += [_refused_row(key, reason) for key, reason in (refused | not_taken).items()]
    told = {e.key: _intake_row(e, taken[e.key]) for e in editions if e.key in taken}
    rows = [row | told.get(row["edition"], {}) for row in rows]
    if as_json:
        print_json({"run": outcomes[0].run if outcomes else None, "editions": rows})
    else:
        _print_outcomes(rows, _nmc(ctx))
        for edition in accepted:
            if taken[edition.key].missing:
                typer.echo(f"{edition.key}: {_who_is_in(edition, taken[edition.key])}")
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
    for target in targets or _regions(root, None):
        region, slash, period = target.partition("/")
        _regions(root, [region])
        if slash:
            chosen[target] = _edition(root, region, period)
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
) -> tuple[dict[str, Intake], dict[str, str]]:
    """What became of what was sent for each edition, or why its intake failed."""
    from nmc_utils.intake import take_in

    taken, refused = {}, {}
    for edition in editions:
        show(edition, "приём", False)
        try:
            taken[edition.key] = take_in(edition)
        except Exception as error:  # the other editions go on; a stranger's text may hold a name
            reason = sentence_of(error) or f"непредвиденная ошибка {type(error).__name__}"
            refused[edition.key] = f"приём не удался: {reason}"
        else:
            show(edition, "приём", True)
    return taken, refused


def _incomplete(editions: Sequence[Edition], taken: dict[str, Intake]) -> dict[str, str]:
    """Editions for which nothing of some municipality was accepted, and what to do about it."""
    return {
        edition.key: f"{_who_is_in(edition, taken[edition.key])}. Проверьте замечания "
        f"(nmc check {edition.region.code} {edition.period}), дождитесь файлов или опубликуйте "
        f"неполное издание: nmc run {edition.key} --allow-missing"
        for edition in editions
        if edition.key in taken and taken[edition.key].missing
    }


def _missing(edition: Edition, intake: Intake) -> list[str]:
    return [edition.region.municipality_names[code] for code in intake.missing]


def _who_is_in(edition: Edition, intake: Intake) -> str:
    """Say of whom nothing was accepted, whether they sent nothing or all of it was held out."""
    names, n_all = _missing(edition, intake), len(edition.region.municipalities)
    places = of_places(n_all - len(names), n_all)
    return f"приняты данные {places}, ничего не принято от: {', '.join(names)}"


def _intake_row(edition: Edition, intake: Intake) -> dict[str, Any]:
    remarks, missing = len(intake.problems), _missing(edition, intake)
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


# --- results --------------------------------------------------------------------------------------


@_command("dashboard", RESULTS)
def dashboard(
    ctx: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="N", help="Порт.")] = 5006,
    address: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Адрес этого компьютера.")
    ] = "127.0.0.1",
    as_json: Json = False,
) -> None:
    """Открыть приложение на этом компьютере."""
    if not _is_loopback(address):
        _refuse(
            f"адрес {address} виден другим компьютерам, а входа по паролю ещё нет; "
            "допустимо: 127.0.0.1, ::1, localhost"
        )
    root, script = _root(ctx), CHECKOUT / "dashboards" / "app.py"
    if not script.is_file():
        raise FileNotFoundError(f"{script}: приложения нет; выполняйте команду из папки проекта")
    _refuse_busy(address, port)
    host = f"[{address}]" if ":" in address else address
    if as_json:
        print_json({"url": f"http://{host}:{port}/", "data": str(root)})
    else:
        typer.echo(f"Приложение: http://{host}:{port}/  (остановить: Ctrl+C)")
    hosts = dict.fromkeys([host, "localhost", "127.0.0.1"])
    origins = [f"--allow-websocket-origin={name}:{port}" for name in hosts]
    command = [sys.executable, "-m", "panel", "serve", str(script), "--warm"]
    command += [f"--address={address}"]
    _serve([*command, f"--port={port}", *origins], os.environ | {"NMC_DATA": str(root)})


def _refuse_busy(address: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                _refuse(f"порт {port} занят другой программой; укажите другой: --port")


def _is_loopback(address: str) -> bool:
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _serve(command: list[str], environment: dict[str, str]) -> None:
    sys.stdout.flush()
    if os.name == "posix":  # no parent that could die and leave the server behind
        os.execve(command[0], command, environment)
    raise typer.Exit(subprocess.call(command, env=environment))


@_command("runs", RESULTS)
def list_runs(ctx: typer.Context, as_json: Json = False) -> None:
    """Что опубликовано и какой прогон действует."""
    from nmc_utils.results import runs

    table = runs(_root(ctx))
    if as_json:
        return print_json({"runs": records(table)})
    if table.empty:
        return typer.echo("Опубликованных прогонов нет. Выполните: nmc run")
    print_table("", table, RUNS)


@_command("verify", RESULTS)
def verify(
    ctx: typer.Context,
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="Прогон; иначе все действующие.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Проверить, что опубликованное не изменено."""
    from nmc_utils import results

    root = _root(ctx)
    problems = results.verify(root, run)
    if as_json:
        print_json({"intact": not problems, "problems": problems})
    else:
        if problems:
            typer.echo("\n".join(problems), err=True)
        else:
            is_empty = run is None and not results.current(root)
            typer.echo("Проверять нечего: ничего не опубликовано." if is_empty else "Всё цело.")
    raise typer.Exit(FAILED if problems else DONE)


@_command("rollback", RESULTS)
def rollback(
    ctx: typer.Context,
    region: RegionCode,
    period: PeriodText,
    run: Annotated[str, typer.Argument(metavar="RUN", help="Прогон из nmc runs.")],
    as_json: Json = False,
) -> None:
    """Вернуть издание к другому опубликованному прогону."""
    from nmc_utils import results

    key = f"{region}/{period}"
    results.rollback(_root(ctx), key, run)
    if as_json:
        return print_json({"edition": key, "run": run})
    typer.echo(f"Издание {key}: действует прогон {run}.")


if __name__ == "__main__":
    app(prog_name="nmc")
