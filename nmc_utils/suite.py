"""Which notebooks are run for which editions, and how one of them is run.

The suite knows neither intake nor measures: it is given editions whose tables are ready and the
digests of what these were made from. Each notebook runs in a kernel of its own; only the kernel's
environment says where the data and the run are.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL
from typing import Any, Literal

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from nmc_utils.editions import Edition
from nmc_utils.results import (
    PARTS,
    RUN_FOLDER,
    RUN_OVER_PUBLISHED,
    ResultsError,
    begin,
    log,
    publish,
    results_folder,
    run_id,
)

#: The suite, in the order in which it runs.
NOTEBOOKS = (
    "01_intake_quality",
    "02_diagnostics",
    "03_measurement",
    "04_seminar_groups",
    "05_progress",
    "07_indicators",
    "08_council",
)
CHECKOUT = Path(__file__).resolve().parents[1]
CELL_TIMEOUT = 600  #: seconds that one cell may take

#: Called with the edition, the notebook and whether the notebook is done (else it starts).
Progress = Callable[[Edition, str, bool], None]
#: Hides names of people in a text; the second argument says that it is of an error, where a surname
#: by itself is hidden too.
Redact = Callable[[str, bool], str]


class ParameterError(ValueError):
    """A notebook and the parameters given to it do not fit together."""


class NotebookFailed(RuntimeError):
    """A notebook stopped; `cell` counts its code cells from 1, as running it by hand would."""

    def __init__(self, notebook: str, cell: int, reason: str):
        super().__init__(f"тетрадь {notebook}, ячейка {cell}: {reason}")
        self.notebook, self.cell, self.reason = notebook, cell, reason


@dataclass(frozen=True)
class Outcome:
    """What became of one edition in a run.

    `status` is ``published``, ``failed`` (nothing of it is published; `failure` says why) or
    ``work`` (only some notebooks were run). `folder` holds what was made, whatever the status.
    """

    edition: Edition
    run: str
    status: Literal["published", "failed", "work"]
    failure: str | None
    notebooks: tuple[str, ...]
    tables: tuple[str, ...]
    folder: Path
    seconds: float


_SILENT = logging.getLogger("nmc_utils.suite")  # what is wrong is said once, by NotebookFailed
_SILENT.addHandler(logging.NullHandler())


# --- one notebook ---------------------------------------------------------------------------------


class _Client(PapermillNotebookClient):
    """Hides names in what comes from the kernel before anybody else sees it."""

    redact: Redact | None = None

    def process_message(
        self, msg: dict[str, Any], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        if self.redact:
            content = msg["content"]
            is_error = msg["msg_type"] == "error" or content.get("name") == "stderr"
            msg = {**msg, "content": _without_names(content, self.redact, is_error)}
        return super().process_message(msg, cell, cell_index)


def _without_names(value: Any, redact: Redact, is_error: bool) -> Any:
    """Hide names in every text of a nested value; pictures are left as they are."""
    if isinstance(value, str):
        return redact(value, is_error)
    if isinstance(value, list):
        return [_without_names(inner, redact, is_error) for inner in value]
    if isinstance(value, dict):
        return type(value)(
            {
                key: inner if key in _PICTURES else _without_names(inner, redact, is_error)
                for key, inner in value.items()
            }
        )
    return value


_PICTURES = ("image/png", "image/jpeg", "image/gif", "application/pdf")


def _hide_names(node: NotebookNode, redact: Redact) -> None:
    """Hide names in an executed notebook: also what stands in the code, and all of a failed one.

    A failed notebook is not published, so it matters less that a word may be taken for a surname.
    """
    outputs = [output for cell in node.cells for output in cell.get("outputs", [])]
    has_failed = any(output.output_type == "error" for output in outputs)
    node.cells = _without_names(node.cells, redact, has_failed)


class _Engine(NBClientEngine):
    """papermill's engine, with an environment and a working folder for the kernel alone."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        environment: Mapping[str, str],
        folder: str,
        execution_timeout: float,
        start_timeout: int,
        redact: Redact | None,
        **_: Any,
    ) -> None:
        client = _Client(
            nb_man,
            kernel_name=kernel_name,
            timeout=execution_timeout,
            startup_timeout=start_timeout,
            shutdown_kernel="immediate",
            coalesce_streams=True,  # a name may come in two pieces
            config=Config(KernelManager={"transport_encryption": "auto"}),
            log=_SILENT,
        )
        client.redact = redact
        try:  # what the kernel itself writes to a terminal may hold a name as well
            client.execute(env=dict(environment), cwd=folder, stdout=DEVNULL, stderr=DEVNULL)
        finally:
            if redact:
                _hide_names(nb_man.nb, redact)


papermill_engines.register("nmc", _Engine)


def execute(
    notebook: Path,
    output: Path,
    parameters: Mapping[str, str],
    timeout: float = CELL_TIMEOUT,
    *,
    environment: Mapping[str, str] | None = None,
    redact: Redact | None = None,
) -> None:
    """Run `notebook` with `parameters` and save it, executed, as `output`. Only here is papermill.

    Parameters
    ----------
    parameters : mapping
        A literal for every parameter that the notebook declares, and no other.
    timeout : float
        Seconds that one cell may take.
    environment : mapping, optional
        Variables for the kernel beside those of this process. The kernel imports the package from
        where this process did.
    redact : callable, optional
        See `Redact`. It is applied before anything is saved or told.

    Raises
    ------
    FileNotFoundError
        There is no such notebook.
    ParameterError
        The notebook has no cell tagged ``parameters``, or declares others than are given.
    NotebookFailed
        A cell raised, took longer than `timeout`, or lost its kernel. `output` shows how far the
        notebook came.
    """
    _check_parameters(notebook, parameters)
    output.parent.mkdir(parents=True, exist_ok=True)
    packages = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))
    try:
        papermill.execute_notebook(
            _literal(notebook),
            _literal(output),
            parameters=dict(parameters),
            engine_name="nmc",
            kernel_name="python3",
            language="python",
            progress_bar=False,
            log_output=False,
            execution_timeout=timeout,
            environment={**os.environ, "PYTHONPATH": packages, **(environment or {})},
            folder=str(notebook.parent),
            redact=redact,
        )
    except (PapermillExecutionError, CellTimeoutError, RuntimeError) as error:
        reason = _reason(error, timeout)
        reason = redact(reason, True) if redact else reason
        raise NotebookFailed(notebook.stem, _last_cell(output), reason) from error
    finally:
        _forget_folders(output)


def _literal(path: Path) -> str:
    """Protect braces in `path`: papermill takes it for a template."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _forget_folders(output: Path) -> None:
    """Leave only file names where papermill wrote the full paths of this machine."""
    if not output.is_file():
        return
    node = nbformat.read(output, as_version=4)
    about = node.metadata.get("papermill", {})
    for key in ("input_path", "output_path"):
        if key in about:
            about[key] = Path(about[key]).name
    nbformat.write(node, output)


def _check_parameters(notebook: Path, parameters: Mapping[str, str]) -> None:
    if not notebook.is_file():
        raise FileNotFoundError(f"{notebook}: такой тетради нет")
    node = nbformat.read(notebook, as_version=4)
    if not any("parameters" in cell.metadata.get("tags", []) for cell in node.cells):
        raise ParameterError(f"тетрадь {notebook.stem}: нет ячейки с меткой parameters")
    node.metadata.kernelspec = {"name": "python3", "language": "python"}  # asked for, not needed
    declared = set(papermill.inspect_notebook(node))
    if unknown := sorted(set(parameters) - declared):
        raise ParameterError(
            f"тетрадь {notebook.stem}: в ячейке parameters нет параметра {', '.join(unknown)}; "
            f"есть: {', '.join(sorted(declared)) or 'ни одного'}"
        )
    if missing := sorted(declared - set(parameters)):
        raise ParameterError(
            f"тетрадь {notebook.stem}: не передан параметр {', '.join(missing)}; "
            f"передаются: {', '.join(sorted(parameters))}"
        )


def _last_cell(executed: Path) -> int:
    """Number of the last code cell that was started, the injected parameters not counted."""
    number = last = 0
    for cell in nbformat.read(executed, as_version=4).cells:
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", []):
            number += 1
            if cell.metadata.get("papermill", {}).get("start_time"):
                last = number
    return last


def _reason(error: Exception, timeout: float) -> str:
    if isinstance(error, PapermillExecutionError):
        return f"{error.ename}: {error.evalue}".strip().rstrip(":")
    if isinstance(error, CellTimeoutError):
        return f"не закончилась за отведённое время, {timeout:g} с"
    if isinstance(error, DeadKernelError):
        return "ядро остановилось (так бывает, когда не хватило памяти)"
    return f"ядро не запустилось ({error})"


# --- the suite ------------------------------------------------------------------------------------


def run(
    editions: Sequence[Edition],
    inputs: Mapping[str, str],
    only: Sequence[str] | None = None,
    progress: Progress | None = None,
    *,
    notebooks: Sequence[str] = NOTEBOOKS,
    notebooks_folder: Path = CHECKOUT / "notebooks",
    timeout: float = CELL_TIMEOUT,
    redact: Redact | None = None,
) -> list[Outcome]:
    """Run the suite for each of `editions` under one run, and publish those that succeed.

    An edition whose notebook fails is left under ``results/.partial`` as it is, executed notebook
    included, and the others go on.

    Parameters
    ----------
    editions : sequence of Edition
        Of one data root, their canonical tables validated.
    inputs : mapping
        ``region/period`` → digest of what its tables were made from.
    only : sequence of str, optional
        Run these notebooks alone. Nothing is published then, and a notebook that needs a table of
        another one reads it from the published run.
    progress : callable, optional
        See `Progress`.
    redact : callable, optional
        See `Redact`: what hides the names of all people of the editions.

    Raises
    ------
    ValueError
        `only` names a notebook that the suite does not have, or an edition has no digest.
    FileNotFoundError
        A notebook of the suite is missing.
    """
    chosen = _chosen(only, notebooks, notebooks_folder)
    if not editions:
        return []
    if unknown := [edition.key for edition in editions if edition.key not in inputs]:
        raise ValueError(f"нет свёртки входных данных для {', '.join(unknown)}")
    root = editions[0].root
    code = code_digest(notebooks_folder)
    digests = {
        edition.key: {"tables": inputs[edition.key], "code": code, **_definition(edition)}
        for edition in editions
    }
    name = run_id(root, _digest(json.dumps(digests, sort_keys=True)))
    task = _Task(name, chosen, notebooks_folder, bool(only), timeout, progress or _silent, redact)
    return [task.run(edition, digests[edition.key]) for edition in editions]


@dataclass(frozen=True)
class _Task:
    """What is the same for all editions of a run."""

    name: str
    notebooks: tuple[str, ...]
    notebooks_folder: Path
    is_work: bool
    timeout: float
    progress: Progress
    redact: Redact | None

    def run(self, edition: Edition, inputs: Mapping[str, str]) -> Outcome:
        started = time.monotonic()
        folder, failure = results_folder(edition.root), None
        status: Literal["published", "failed", "work"] = "work" if self.is_work else "published"
        try:
            folder = begin(edition, self.name)
            self._execute(edition, folder)
            if not self.is_work:
                folder = publish(edition, self.name, inputs)
        except (NotebookFailed, ParameterError, ResultsError, OSError) as error:
            status, failure = "failed", str(error)
            failure = self.redact(failure, True) if self.redact else failure
            log(edition.root, "failed", edition=edition.key, run=self.name, reason=failure)
        return Outcome(
            edition=edition,
            run=self.name,
            status=status,
            failure=failure,
            notebooks=_stems(folder, "notebooks/*.ipynb"),
            tables=tuple(sorted(sum((_stems(folder, f"{part}/*.parquet") for part in PARTS), ()))),
            folder=folder,
            seconds=time.monotonic() - started,
        )

    def _execute(self, edition: Edition, folder: Path) -> None:
        environment = {"NMC_DATA": str(edition.root), RUN_FOLDER: str(folder)}
        if self.is_work:
            environment[RUN_OVER_PUBLISHED] = "1"
        for notebook in self.notebooks:
            self.progress(edition, notebook, False)
            execute(
                self.notebooks_folder / f"{notebook}.ipynb",
                folder / "notebooks" / f"{notebook}.ipynb",
                {"region": edition.region.code, "period": edition.period.text},
                self.timeout,
                environment=environment,
                redact=self.redact,
            )
            self.progress(edition, notebook, True)


def _silent(edition: Edition, notebook: str, is_done: bool) -> None:
    pass


def _stems(folder: Path, pattern: str) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in folder.glob(pattern)))


def _chosen(only: Sequence[str] | None, notebooks: Sequence[str], folder: Path) -> tuple[str, ...]:
    if unknown := sorted(set(only or ()) - set(notebooks)):
        raise ValueError(f"нет тетради {', '.join(unknown)}; есть: {', '.join(notebooks)}")
    chosen = tuple(name for name in notebooks if not only or name in only)
    if missing := [name for name in chosen if not (folder / f"{name}.ipynb").is_file()]:
        raise FileNotFoundError(f"{folder}: нет тетради {', '.join(missing)}")
    return chosen


def _definition(edition: Edition) -> dict[str, str]:
    """Digests of what the results depend on besides the tables and the code."""
    facts = edition.root / "regions" / edition.region.code / "published.csv"
    return {
        "definition": edition.digest,
        "published": _digest(facts.read_text("utf-8") if facts.exists() else ""),
    }


def code_digest(notebooks_folder: Path) -> str:
    """Digest of the package and of the notebooks' code; outputs and prose do not matter."""
    package = Path(__file__).parent
    parts = [
        (path.relative_to(package).as_posix(), path.read_text("utf-8"))
        for path in sorted(package.rglob("*.py"))
    ]
    for path in sorted(notebooks_folder.glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        parts += [(path.name, cell.source) for cell in cells if cell.cell_type == "code"]
    return _digest(json.dumps(parts))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
