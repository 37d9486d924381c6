"""How one notebook is run: by papermill, in a kernel of its own, with names hidden in what it says.

Only the kernel's environment says where the data and the run are.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError
from tenacity import retry, retry_if_exception, stop_after_attempt
from traitlets.config import Config

from nmc_utils import jobs
from nmc_utils.kernels import KernelSilent, WarmKernelManager

CHECKOUT = Path(__file__).resolve().parents[1]
CELL_TIMEOUT = 600  #: seconds that one cell may take
_STARTS = 3  #: of a kernel that ends without an answer, as when somebody has taken its port

#: Hides names of people in a text; the second argument says that it is of an error, where a surname
#: by itself is hidden too.
Redact = Callable[[str, bool], str]


class ParameterError(ValueError):
    """A notebook and the parameters given to it do not fit together."""


class NotebookFailed(RuntimeError):
    """A notebook stopped; `cell` counts its code cells from 1, as running it by hand would."""

    def __init__(self, notebook: str, cell: int, reason: str, traceback: str = ""):
        super().__init__(f"тетрадь {notebook}, ячейка {cell}: {reason}")
        self.notebook, self.cell, self.reason = notebook, cell, reason
        self.traceback = traceback


class _KernelEnded(DeadKernelError):
    """A kernel ended by itself or was killed.

    `code` is its exit code, of a signal below zero, and `peak` the most bytes that it held, where
    they are known.
    """

    def __init__(self, code: int | None, peak: int | None):
        super().__init__("kernel ended")
        self.code, self.peak = code, peak


#: Exit code of a process that a fault of its own code has ended → name of the signal.
_CRASHES = {
    -getattr(signal, name): name
    for name in ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL")
    if hasattr(signal, name)  # Windows has no SIGBUS
}
_SILENT = logging.getLogger("nmc_utils.executing")  # what is wrong is said once, by NotebookFailed
_SILENT.addHandler(logging.NullHandler())


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
        output: Path,
        execution_timeout: float,
        start_timeout: int,
        redact: Redact | None,
        **_: Any,
    ) -> None:
        options = {
            "kernel_name": kernel_name,
            "kernel_manager_class": WarmKernelManager,
            "timeout": execution_timeout,
            "startup_timeout": start_timeout,
            "shutdown_kernel": "immediate",
            "coalesce_streams": True,  # a name may come in two pieces
            "config": Config(KernelManager={"transport_encryption": "auto"}),
            "log": _SILENT,
        }
        try:
            _carry_out(nb_man, options, environment, folder, redact)
        finally:
            if redact:
                _hide_names(nb_man.nb, redact)
            _forget_folders(nb_man.nb)
            nbformat.write(nb_man.nb, output)  # papermill does not, when time ran out


@retry(
    retry=retry_if_exception(lambda error: isinstance(error, KernelSilent) and error.has_ended),
    stop=stop_after_attempt(_STARTS),
    reraise=True,
)
def _carry_out(
    nb_man: NotebookExecutionManager,
    options: Mapping[str, Any],
    environment: Mapping[str, str],
    folder: str,
    redact: Redact | None,
) -> None:
    """Start a kernel and run all cells; a kernel that could not begin is started again."""
    client = _Client(nb_man, **options)
    client.redact = redact
    manager = client.create_kernel_manager()
    try:  # what the kernel itself writes to a terminal may hold a name as well
        client.execute(env=dict(environment), cwd=folder, stdout=DEVNULL, stderr=DEVNULL)
    except DeadKernelError as error:
        ended = manager.forked
        raise _KernelEnded(ended and ended.returncode, ended and ended.peak) from error


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
            request_save_on_cell_execute=False,
            output=output,
            execution_timeout=timeout,
            environment={
                **os.environ,
                **jobs.ONE_THREAD,
                "PYTHONPATH": packages,
                **(environment or {}),
            },
            folder=str(notebook.parent),
            redact=redact,
        )
    except (PapermillExecutionError, CellTimeoutError, DeadKernelError, KernelSilent) as error:
        reason, traceback = _reason(error, timeout), _traceback(error)
        if redact:
            reason, traceback = redact(reason, True), redact(traceback, True)
        raise NotebookFailed(notebook.stem, _last_cell(output), reason, traceback) from error


def _literal(path: Path) -> str:
    """Protect braces in `path`: papermill takes it for a template."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _forget_folders(node: NotebookNode) -> None:
    """Leave only file names where papermill wrote the full paths of this machine."""
    about = node.metadata.papermill
    for key in ("input_path", "output_path"):
        about[key] = Path(about[key]).name


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
        told = f"{error.ename}: {error.evalue}".strip().rstrip(":")
        if "Memory" in error.ename:  # MemoryError, NumPy's _ArrayMemoryError, Arrow's
            told += f" (всем доступно {_in_megabytes(_memory_limit())})"
        return told
    if isinstance(error, CellTimeoutError):
        return f"не закончилась за отведённое время, {timeout:g} с"
    if isinstance(error, _KernelEnded):
        return _why_ended(error)
    return f"ядро не запустилось: {error}"


def _why_ended(ended: _KernelEnded) -> str:
    """What is known of the end of a kernel; what the system kills has often asked for too much."""
    if ended.code is not None and ended.code >= 0:
        return f"ядро остановилось само, код {ended.code}"
    if ended.code in _CRASHES:
        return f"ядро остановилось из-за ошибки в библиотеке ({_CRASHES[ended.code]})"
    held = f"оно занимало до {_in_megabytes(ended.peak)}, а " if ended.peak else ""
    limit = _in_megabytes(_memory_limit())
    return f"ядро остановилось (так бывает, когда не хватило памяти: {held}всем доступно {limit})"


def _memory_limit() -> int:
    """Bytes for all processes here: the machine's, those of its container, a limit of addresses."""
    from distributed.system import memory_limit

    limit = memory_limit()
    if sys.platform != "win32":
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        limit = limit if soft == resource.RLIM_INFINITY else min(limit, soft)
    return limit


def _in_megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 2**20:.0f} МБ"


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def _traceback(error: Exception) -> str:
    """What the kernel said of where it broke, without colours."""
    lines = getattr(error, "traceback", None) or ()
    return _COLOURS.sub("", "".join(f"{line}\n" for line in lines))
