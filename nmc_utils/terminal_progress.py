"""How far a run has come: in all and of each edition, on the terminal and in the run's log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

    from nmc_utils.editions import Edition


class Steps:
    """Counts the steps of every edition and tells of them.

    Called with an edition, a step and whether that is done, else it begins. Steps of several
    editions may come in between each other.
    """

    def __init__(
        self,
        per_edition: dict[str, int],
        *,
        bars: Progress | None = None,
        is_quiet: bool = False,
        is_verbose: bool = False,
    ):
        """Begin to count.

        Parameters
        ----------
        per_edition : dict
            Key of an edition → how many steps it has.
        bars : Progress, optional
            Where to draw on a terminal; without it a line on stderr says that a step begins.
        is_quiet : bool
            Say nothing on stderr.
        is_verbose : bool
            Say also how each kernel was started.
        """
        self._left = dict(per_edition)
        self._total = sum(per_edition.values())
        self._bars, self._is_quiet, self._is_verbose = bars, is_quiet, is_verbose
        self._began = time.monotonic()
        self._log: Path | None = None
        self._unwritten: list[str] = []
        self._steps_began: dict[tuple[str, str], float] = {}
        self._all = bars.add_task("Всего", total=self._total) if bars else None
        self._lines: dict[str, int] = {}

    def __call__(self, edition: Edition, step: str, is_done: bool, cold: str | None = None) -> None:
        """Tell of a step.

        Parameters
        ----------
        cold : str, optional
            Of a notebook that is done: why its kernel was started as usual; empty when it was
            warm; None when that is not known.
        """
        key = edition.key
        if not is_done:
            self._steps_began[key, step] = time.monotonic()
            self._write(f"{key}: {step} — начато")
            self._say(f"{key}: {step}…")
            self._draw(key, step, is_done)
            return
        took = time.monotonic() - self._steps_began.pop((key, step), time.monotonic())
        started = "" if cold is None else f"; {_started(cold)}"
        self._left[key] = max(0, self._left.get(key, 0) - 1)
        self._write(f"{key}: {step} — готово за {_decimal(took)} с{started}; {self._stands()}")
        if cold is not None and self._is_verbose:
            self._say(f"{key}: {step} — {_decimal(took)} с; {_started(cold)}", always=True)
        self._draw(key, step, is_done)

    def ended(self, edition: Edition, how: str) -> None:
        """Tell that nothing more comes of an edition, and `how` it ended, in one sentence."""
        self._left[edition.key] = 0
        self._write(f"{edition.key}: {how}; {self._stands()}")
        if self._bars:
            self._bars.update(self._all, completed=self._n_done())
            if (line := self._lines.pop(edition.key, None)) is not None:
                self._bars.remove_task(line)

    def say(self, line: str) -> None:
        """Tell something about the whole run."""
        self._write(line)
        self._say(line, always=True)

    def log_to(self, path: Path) -> None:
        """Write to `path` what has been told so far and what will be; the folder is made."""
        self._log = path
        with suppress(OSError):  # writing will say so
            path.parent.mkdir(parents=True, exist_ok=True)
        told, self._unwritten = self._unwritten, []
        self._append(told)

    def _n_done(self) -> int:
        return self._total - sum(self._left.values())

    def _stands(self) -> str:
        """How far it all is, and how long it takes at the pace up to now."""
        n_done = self._n_done()
        left = (time.monotonic() - self._began) / max(n_done, 1) * (self._total - n_done)
        return f"{n_done} из {self._total}" + (f", осталось около {_span(left)}" if left else "")

    def _say(self, line: str, *, always: bool = False) -> None:
        if self._is_quiet:
            return
        if self._bars:
            if always:
                self._bars.console.print(line, markup=False, highlight=False)
        else:
            typer.echo(line, err=True)

    def _draw(self, key: str, step: str, is_done: bool) -> None:
        if not self._bars:
            return
        if key not in self._lines:
            self._lines[key] = self._bars.add_task("", total=self._left.get(key))
        line = self._lines[key]
        self._bars.update(line, description=f"{key}: {step}", advance=int(is_done))
        self._bars.update(self._all, completed=self._n_done())

    def _write(self, line: str) -> None:
        stamped = f"{datetime.now().astimezone().isoformat(timespec='seconds')} {line}\n"
        if self._log is None:
            self._unwritten.append(stamped)
        else:
            self._append([stamped])

    def _append(self, lines: list[str]) -> None:
        """Write at once; a log that cannot be written stops no run, and is said to be so."""
        if not lines or self._log is None:
            return
        try:
            with self._log.open("a", encoding="utf-8") as log:
                log.write("".join(lines))
        except OSError as error:
            path, self._log, self._unwritten = self._log, None, []
            self._say(f"{path}: журнал больше не пишется ({error.strerror})", always=True)


@contextmanager
def steps_of(
    per_edition: dict[str, int], *, is_quiet: bool = False, is_verbose: bool = False
) -> Iterator[Steps]:
    """Show the steps of `per_edition` on stderr: bars on a terminal, else a line for each step.

    One bar is of everything, one of each edition that is being worked on.
    """
    if is_quiet or not sys.stderr.isatty():
        yield Steps(per_edition, is_quiet=is_quiet, is_verbose=is_verbose)
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        "осталось",
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield Steps(per_edition, bars=bars, is_verbose=is_verbose)


def _started(cold: str) -> str:
    return f"обычный запуск ядра: {cold}" if cold else "ядро из запаса"


def _decimal(seconds: float) -> str:
    return f"{seconds:.1f}".replace(".", ",")


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} ч {minutes} мин"
    return f"{minutes} мин" if minutes >= 5 else f"{60 * minutes + rest} с"
