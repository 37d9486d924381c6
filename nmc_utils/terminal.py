"""What the command line shows: help and errors in Russian, progress, tables, JSON."""

from __future__ import annotations

import errno
import json
import os
import sys
import traceback
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    import pandas as pd

    from nmc_utils.editions import Edition

DONE, FAILED, INTERRUPTED = 0, 1, 130  #: exit codes; Typer itself ends wrong use with 2
_PACKAGE = Path(__file__).parent
TRACEBACK = "NMC_TRACEBACK"  #: environment variable: show what was raised by a mistake in the code

# --- help and errors ------------------------------------------------------------------------------


class _Russian:
    """Help of a command with Russian headings."""

    def get_usage(self, ctx: typer.Context) -> str:
        usage = super().get_usage(ctx).replace("Usage:", "Использование:", 1)
        return usage.replace("[OPTIONS]", "[ПАРАМЕТРЫ]").replace("COMMAND [ARGS]", "КОМАНДА")

    def get_help_option(self, ctx: typer.Context) -> Any:
        option = super().get_help_option(ctx)
        option.help, option.metavar = "Показать эту справку.", ""
        return option

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:
        from typer import rich_utils

        rich_utils.ARGUMENTS_PANEL_TITLE = "Что указать"
        rich_utils.OPTIONS_PANEL_TITLE = "Параметры"
        rich_utils.COMMANDS_PANEL_TITLE = "Команды"
        rich_utils.DEFAULT_STRING = "[по умолчанию: {}]"
        rich_utils.REQUIRED_LONG_STRING = "[обязательно]"
        super().format_help(ctx, formatter)


class Command(_Russian, TyperCommand):
    """A command with Russian help."""


class Group(_Russian, TyperGroup):
    """Turns an error into one sentence on stderr and an exit code."""

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:
        """Name the commands there are when one that is asked for is not."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            ctx.fail(f"нет команды «{args[0]}»; есть: {', '.join(self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run the command and end the process with its exit code."""
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **extra)
        for stream in (sys.stdout, sys.stderr):  # a console may lack a letter of a file's name
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        try:
            code = super().main(*args, standalone_mode=False, **extra) or DONE
        except Exception as error:
            sentence, code = sentence_of(error), getattr(error, "exit_code", FAILED)
            if sentence is None:
                raise
            typer.echo(sentence, err=True)
        if code == INTERRUPTED:
            typer.echo("Прервано.", err=True)
        sys.exit(code)


def sentence_of(error: Exception) -> str | None:
    """What to tell the person about `error`; None when it is a mistake in the code."""
    if isinstance(error, typer.TyperException):
        return _usage_sentence(error)
    ours = ValueError | KeyError | OSError | NotImplementedError
    if _is_ours(error) and isinstance(error, ours) and str(error).strip("'\""):
        return str(error)
    if isinstance(error, OSError):
        reasons = {errno.EACCES: "нет доступа", errno.ENOSPC: "на диске нет места"}
        return f"{error.filename or 'файл'}: {reasons.get(error.errno, error.strerror)}"
    return None


class Unforeseen(ValueError):
    """A mistake in the code, told by its place alone."""


@contextmanager
def without_values() -> Iterator[None]:
    """Tell a mistake in the code by its place: its own text may hold what somebody sent."""
    try:
        yield
    except Exception as error:
        if sentence_of(error) is not None or os.environ.get(TRACEBACK):
            raise
        frames = traceback.extract_tb(error.__traceback__)
        place = next(
            (f for f in reversed(frames) if _PACKAGE in Path(f.filename).parents), frames[-1]
        )
        raise Unforeseen(
            f"Непредвиденная ошибка {type(error).__name__} ({Path(place.filename).name}, строка "
            f"{place.lineno}). Сообщите о ней разработчикам; подробности, в которых могут быть "
            f"личные сведения, покажет {TRACEBACK}=1"
        ) from None


def _usage_sentence(error: typer.TyperException) -> str:
    match type(error).__name__:
        case "NoArgsIsHelpError":
            return ""
        case "NoSuchOption":
            reason = f"нет параметра {error.option_name}"
        case "MissingParameter":
            reason = f"не указано {error.param.get_error_hint()}"
        case "BadParameter" if error.param is not None:
            reason = f"недопустимое значение {error.param.get_error_hint()}"
        case "BadOptionUsage":
            reason = f"у параметра {error.option_name} должно быть одно значение"
        case _ if error.message.isascii():  # what is left of Typer's own messages
            reason = f"неверный вызов ({error.message.rstrip('.')})"
        case _:
            return error.message
    return f"{reason}; справка: добавьте --help"


def _is_ours(error: Exception) -> bool:
    """Whether the package means it: its own kind of error, or raised by its own code."""
    if type(error).__module__.startswith("nmc_utils"):
        return True
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    here = ("nmc_utils", "__main__")  # the second by `python -m nmc_utils.cli`
    return trace is not None and trace.tb_frame.f_globals["__name__"].startswith(here)


# --- progress and tables --------------------------------------------------------------------------


@contextmanager
def progress(total: int, is_quiet: bool) -> Iterator[Callable[[Edition, str, bool], None]]:
    """Show steps on stderr: a bar on a terminal, else a line for each, nothing when quiet."""
    if is_quiet or not sys.stderr.isatty():

        def tell(edition: Edition, step: str, is_done: bool) -> None:
            if not (is_quiet or is_done):
                typer.echo(f"{edition.key}: {step}…", err=True)

        yield tell
        return
    from rich import progress
    from rich.console import Console

    columns = (progress.BarColumn(), progress.MofNCompleteColumn(), "осталось")
    columns = ("{task.description}", *columns, progress.TimeRemainingColumn())
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)

        def show(edition: Edition, step: str, is_done: bool) -> None:
            bar.update(task, description=f"{edition.key}: {step}", advance=int(is_done))

        yield show


def print_json(content: Any) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(content, ensure_ascii=False, indent=1))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Turn a frame into what JSON can hold: a missing value is null, a date ISO text."""
    return json.loads(frame.to_json(orient="records", force_ascii=False, date_format="iso"))


def print_table(title: str, frame: pd.DataFrame, headings: dict[str, str]) -> None:
    """Print the columns of a frame that have a heading."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if frame.empty:
        return
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for name, heading in headings.items():
        side = "right" if frame[name].dtype.kind in "iuf" else "left"
        table.add_column(heading, justify=side, overflow="fold")
    for row in frame[list(headings)].itertuples(index=False):
        table.add_row(*(Text(_cell(value)) for value in row))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "да" if value else "нет"
    from pandas import isna

    if isna(value):
        return "—"
    # What was sent must not command the terminal.
    return "".join(" " if unicodedata.category(sign) == "Cc" else sign for sign in str(value))


def gathered(problems: pd.DataFrame, most: int = 5) -> pd.DataFrame:
    """Put equal remarks on many cells of a sheet into one line that names the first of them."""
    from pandas import concat

    same = [name for name in problems if name not in ("cell", "found")]
    lines = []
    for _, group in problems.groupby(same, sort=False, dropna=False):
        if len(group) > most:
            first = ", ".join(group["cell"].head(3))
            group = group.head(1).assign(cell=f"{first} … всего {len(group)}", found="")
        lines.append(group)
    return concat(lines) if lines else problems
