"""A small suite of its own on which faults are provoked, and what must hold after each of them.

A trial is a process forked from this one. Where what is tried is what the runner does with files,
its notebooks are executed in it, without a kernel, by `stand_in`; where it is what a notebook or
its kernel does, by the product's own `execute`.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
import pandas as pd
from conftest import copy_definitions
from nbformat.v4 import new_code_cell, new_notebook

from nmc_utils import history, holding, kernels, results, runs, suite
from nmc_utils.editions import Edition, edition

PERIODS = ("2022", "2023")
NOTEBOOKS = ("one", "two")
EARLIER = "0123456789-1"
#: Events of Python by which files come, change and go.
EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.truncate"}
CELL = """
from pathlib import Path
import pandas as pd
from nmc_utils.results import stage
if Path({spoils!r}).exists():
    exec(Path({spoils!r}).read_text())
stage("{name}", pd.DataFrame({{"period": [period], "text": ["{name}" * {size}]}}))
"""


@dataclass(frozen=True)
class Laboratory:
    """A data root with two editions, each with a published run of earlier inputs."""

    root: Path
    notebooks: Path
    timeout: float = 60

    @property
    def spoils(self) -> Path:
        """Code that the second notebook executes first, if there is any."""
        return self.notebooks / "spoils.py"

    @cached_property
    def editions(self) -> list[Edition]:
        return [edition("khakassia", period, self.root) for period in PERIODS]

    def run(self, **options) -> list[suite.Outcome]:
        """What `nmc run` does after intake."""
        editions = self.editions
        keys = [of.key for of in editions]
        runs.check_space(self.root, keys)
        with holding.held(self.root, keys):
            return suite.run(
                editions,
                dict.fromkeys(keys, "d"),
                notebooks=NOTEBOOKS,
                notebooks_folder=self.notebooks,
                timeout=self.timeout,
                **options,
            )

    def earlier(self) -> dict[str, str]:
        """Every file of the earlier run and its digest."""
        return digests(self.root / "results" / EARLIER)

    def tables(self) -> dict[str, str]:
        """The published tables of today's inputs, whatever their run is called."""
        return {
            f"{of.key}/{name}": digest
            for of in self.editions
            for name, digest in digests(results.results(of).folder).items()
            if name.endswith(".parquet")
        }


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def build(folder: Path, *, size: int = 10) -> Laboratory:
    """Make a laboratory in an empty folder; `size` is that of the text in each table."""
    made = Laboratory(copy_definitions(folder / "data"), folder / "notebooks")
    for period in PERIODS:
        about = made.root / "regions" / "khakassia" / period / "edition.yaml"
        about.parent.mkdir(parents=True)
        about.write_text(
            f"origin: demonstration\nperiod_kind: calendar_year\nas_of: {period}-12-31\n", "utf-8"
        )
    made.notebooks.mkdir()
    for name in NOTEBOOKS:
        parameters = new_code_cell(
            'region = ""\nperiod = ""', metadata={"tags": ["parameters"]}, id="parameters"
        )
        spoils = made.spoils.name if name == "two" else "nothing"
        source = CELL.format(name=name, size=size, spoils=spoils)
        cell = new_code_cell(source, id="cell")
        nbformat.write(new_notebook(cells=[parameters, cell]), made.notebooks / f"{name}.ipynb")
    for of in made.editions:
        of.validated.mkdir(parents=True)
        (of.validated / "sources.json").write_text(json.dumps({"digest": "d"}), "utf-8")
        publish_tables(of, EARLIER, {"one": pd.DataFrame({"text": ["earlier"]})})
    return made


def publish_tables(of: Edition, run: str, tables: dict[str, pd.DataFrame]) -> None:
    """Publish tables as a run does, without notebooks."""
    folder = results.begin(of, run)
    with environment({results.RUN_FOLDER: str(folder)}):
        for name, table in tables.items():
            results.stage(name, table)
    results.publish(of, run, {"tables": "earlier"})


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def stand_in(notebook, output, parameters, timeout, *, environment: dict[str, str], redact=None):
    """Execute the cells of a notebook in this process, and save it as `suite.execute` does."""
    node, names = nbformat.read(notebook, as_version=4), {}
    exec(node.cells[0].source, names)
    names.update(parameters)
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        with redirect_stdout(io.StringIO()):
            exec(node.cells[1].source, names)
    except OSError as error:  # a kernel tells it as text
        raise suite.NotebookFailed(notebook.stem, 2, f"OSError: {error}") from None
    finally:
        os.environ.clear()
        os.environ.update(before)
    output.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(node, output)


# --- trials ---------------------------------------------------------------------------------------


def forked(work: Callable[[], str], *, with_kernels: bool = False) -> tuple[int, int]:
    """Start `work` in a forked process; its id, and where what it says can be read."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return pid, read
    os.close(read)
    try:
        if with_kernels:
            kernels._server = kernels._Server()  # that of the parent is not its own
        else:
            suite.execute = stand_in
        os.write(write, work().encode())
    except results.ResultsError as error:
        os.write(write, f"отказ: {error}".encode())
    except BaseException:
        os.write(write, f"исключение: {traceback.format_exc()}".encode())
    finally:
        os._exit(0)


def said(pid: int, read: int) -> tuple[str, bool]:
    """Wait for a forked process: what it said, and whether it was killed."""
    with os.fdopen(read, "rb") as stream:
        text = stream.read().decode()
    return text, os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def tried(work: Callable[[], str], **options) -> tuple[str, bool]:
    return said(*forked(work, **options))


def statuses(laboratory: Laboratory, **options) -> str:
    """Run; how each edition ended, and why."""
    ended = laboratory.run(**options)
    return "; ".join(f"{made.status} {made.failure or ''}".strip() for made in ended)


def killing_itself(laboratory: Laboratory, at: int) -> Callable[[], str]:
    """A run that is killed at its `at`-th event; one that outlives it says how many there were."""
    count = 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal count
        if event in EVENTS and not (event == "open" and _only_reads(arguments)):
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)

    def work() -> str:
        sys.addaudithook(hook)
        ended = statuses(laboratory)
        return f"{count} {ended}"

    return work


def _only_reads(arguments: tuple) -> bool:
    _, mode, flags = arguments
    if isinstance(mode, str):
        return not set(mode) & set("wax+")
    return not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)


def killed_after(laboratory: Laboratory, seconds: float) -> bool:
    """Start a run and kill it after `seconds`; whether it was still alive."""
    pid, read = forked(lambda: statuses(laboratory))
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    return said(pid, read)[1]


# --- what must hold -------------------------------------------------------------------------------


def broken(laboratory: Laboratory, earlier: dict[str, str]) -> list[str]:
    """What of a data root is not as it must be at any moment, also after a kill."""
    found = [f"verify: {line}" for line in history.verify(laboratory.root)]
    if laboratory.earlier() != earlier:
        found.append("прежние результаты изменились")
    for of in laboratory.editions:
        if ".partial" in results.results(of).folder.parts:
            found.append(f"{of.key}: видно незаконченное")
    return found


def broken_for_good(
    laboratory: Laboratory, earlier: dict[str, str], undisturbed: dict[str, str], **options
) -> list[str]:
    """What is wrong after the next run, which is started as any other."""
    text, was_killed = tried(lambda: statuses(laboratory), **options)
    if was_killed or text != "published; published":
        return [f"следующий прогон: {text}"]
    found = broken(laboratory, earlier)
    if laboratory.tables() != undisturbed:
        found.append("таблицы не те, что у непотревоженного прогона")
    if left := [path.name for path in (laboratory.root / "results" / ".partial").glob("*")]:
        found.append(f"осталось незаконченное: {left}")
    return found
