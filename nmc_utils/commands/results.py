"""Commands about what was published: the app, runs, their integrity, going back."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import subprocess
import sys
from typing import Annotated

import typer

from nmc_utils.commands.base import (
    CHECKOUT,
    RESULTS,
    Json,
    PeriodText,
    RegionCode,
    command,
    refuse,
    root_of,
)
from nmc_utils.terminal import DONE, FAILED, print_json, print_table, records

RUNS = {"run": "Прогон", "region": "Регион", "period": "Период", "current": "Действует"}
RUNS |= {"origin": "Происхождение", "as_of": "Данные на", "files": "Файлов", "bytes": "Байт"}
RUNS |= {"published_at": "Опубликован"}


@command("dashboard", RESULTS)
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
        refuse(
            f"адрес {address} виден другим компьютерам, а входа по паролю ещё нет; "
            "допустимо: 127.0.0.1, ::1, localhost"
        )
    root, script = root_of(ctx), CHECKOUT / "dashboards" / "app.py"
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
                refuse(f"порт {port} занят другой программой; укажите другой: --port")


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


@command("runs", RESULTS)
def list_runs(ctx: typer.Context, as_json: Json = False) -> None:
    """Что опубликовано и какой прогон действует."""
    from nmc_utils.history import runs

    table = runs(root_of(ctx))
    if as_json:
        return print_json({"runs": records(table)})
    if table.empty:
        return typer.echo("Опубликованных прогонов нет. Выполните: nmc run")
    print_table("", table, RUNS)


@command("verify", RESULTS)
def verify(
    ctx: typer.Context,
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="Прогон; иначе все действующие.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Проверить, что опубликованное не изменено."""
    from nmc_utils import history
    from nmc_utils.results import current

    root = root_of(ctx)
    problems = history.verify(root, run)
    if as_json:
        print_json({"intact": not problems, "problems": problems})
    else:
        if problems:
            typer.echo("\n".join(problems), err=True)
        else:
            is_empty = run is None and not current(root)
            typer.echo("Проверять нечего: ничего не опубликовано." if is_empty else "Всё цело.")
    raise typer.Exit(FAILED if problems else DONE)


@command("rollback", RESULTS)
def rollback(
    ctx: typer.Context,
    region: RegionCode,
    period: PeriodText,
    run: Annotated[str, typer.Argument(metavar="RUN", help="Прогон из nmc runs.")],
    as_json: Json = False,
) -> None:
    """Вернуть издание к другому опубликованному прогону."""
    from nmc_utils import history

    key = f"{region}/{period}"
    history.rollback(root_of(ctx), key, run)
    if as_json:
        return print_json({"edition": key, "run": run})
    typer.echo(f"Издание {key}: действует прогон {run}.")
