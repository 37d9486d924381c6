"""What the command line shows: progress, tables for a person, JSON for a machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

    from nmc_utils.editions import Edition


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

    return "—" if isna(value) else str(value)


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
