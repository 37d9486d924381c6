"""Which notebooks are run for which editions, and what becomes of each edition.

The suite knows neither intake nor measures: it is given editions whose tables are ready and the
digests of what these were made from.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from traceback import format_exception, format_tb
from typing import Literal

import nbformat

from nmc_utils import jobs
from nmc_utils.country import Country
from nmc_utils.editions import COUNTRY, Edition
from nmc_utils.executing import (
    CELL_TIMEOUT,
    CHECKOUT,
    NotebookFailed,
    ParameterError,
    Redact,
    execute,
)
from nmc_utils.holding import held, held_work
from nmc_utils.kernels import WarmProvisioner
from nmc_utils.results import PARTS, ResultsError, adopt, log, publish
from nmc_utils.runs import Run, forget_others, log_of, no_room, start

#: The suite, in the order in which it runs.
NOTEBOOKS = (
    "01_intake_quality",
    "02_diagnostics",
    "02_municipalities",
    "03_measurement",
    "04_seminar_groups",
    "04_teacher_types",
    "05_progress",
    "06_events",
    "06_mentoring",
    "06_methodists",
    "06_programmes",
    "06_routes",
    "06_system",
    "07_indicators",
    "08_council",
)
#: The notebook of the edition `_country`, which is made of what the others have published.
COMPARISON = "compare_regions"
#: Called with the edition, the notebook, whether the notebook is done (else it starts) and then why
#: its kernel was started cold: empty when it was warm, None when that is not known.
Progress = Callable[[Edition | Country, str, bool, str | None], None]


@dataclass(frozen=True)
class Outcome:
    """What became of one edition in a run.

    `status` is ``published``, ``failed`` (nothing of it is published; `failure` says why) or
    ``work`` (only some notebooks were run). `folder` holds what was made, whatever the status.
    """

    edition: Edition | Country
    run: str
    status: Literal["published", "failed", "work"]
    failure: str | None
    notebooks: tuple[str, ...]
    tables: tuple[str, ...]
    folder: Path
    seconds: float


# --- one edition ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class EditionJob:
    """The notebooks of one edition: what is needed to execute them, on this machine or another.

    `redactor` makes what hides the edition's names, where the notebooks are executed.
    """

    run: Run
    edition: Edition | Country
    notebooks: tuple[str, ...]
    notebooks_folder: Path
    timeout: float
    redactor: Callable[[], Redact] | None


@dataclass(frozen=True)
class Made:
    """How far a job came: all of it, or why not and where it broke."""

    failure: str | None
    traceback: str
    seconds: float


def execute_edition(job: EditionJob, tell: Callable[..., None]) -> Made:
    """Execute the notebooks of an edition that are not done yet, one after the other.

    `tell` is given a notebook, whether it is done (else it starts) and, when done, why its kernel
    was started cold; empty when it was warm.
    """
    started, key = time.monotonic(), job.edition.key
    redact, failure, traceback = None, None, ""
    try:
        redact = job.redactor() if job.redactor else None
        with held_work(job.run.root, job.run.name, key):
            finished = job.run.finished(key, job.notebooks)
            for notebook in finished:
                tell(notebook, True, None)
            for notebook in job.notebooks[len(finished) :]:
                tell(notebook, False, None)
                _execute_for(job, notebook, redact)
                job.run.record(key, notebook)
                tell(notebook, True, WarmProvisioner.cold_because)
    except Exception as error:  # whatever it is, the other editions go on
        failure, traceback = _told_of(error, job, redact)
    return Made(failure, traceback, time.monotonic() - started)


def _told_of(error: Exception, job: EditionJob, redact: Redact | None) -> tuple[str, str]:
    """What is said of an error and what is kept of where it arose, without names in either.

    Where nothing could be made that hides them, a stranger's error tells its kind and place alone.
    """
    is_safe = redact is not None or job.redactor is None
    is_ours = isinstance(error, (NotebookFailed, ParameterError, ResultsError))
    if is_ours or (is_safe and isinstance(error, OSError)):
        said = no_room(error, job.run.root, [job.edition.key]) or str(error)
        where = getattr(error, "traceback", "")
    else:
        said = f"непредвиденная ошибка {type(error).__name__}"
        lines = format_exception(error) if is_safe else format_tb(error.__traceback__)
        where = "".join(lines)
    return (redact(said, True), redact(where, True)) if redact else (said, where)


def _execute_for(job: EditionJob, notebook: str, redact: Redact | None) -> None:
    key = job.edition.key
    execute(
        job.notebooks_folder / f"{notebook}.ipynb",
        job.run.folder(key) / "notebooks" / f"{notebook}.ipynb",
        _parameters(job.edition),
        job.timeout,
        environment={"NMC_DATA": str(job.run.root), **job.run.environment(key)},
        redact=redact,
    )


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
    redactor: Callable[[str], Callable[[], Redact]] | None = None,
    n_jobs: int = 1,
    scheduler: str | None = None,
    resume: str | None = None,
    begun: Callable[[Run], None] | None = None,
) -> list[Outcome]:
    """Run the suite for each of `editions` under one run, and publish those that succeed.

    An edition whose notebook fails is left under ``results/.partial`` as it is, executed notebook
    included, and the others go on. A run that was cut short and had the same inputs is gone on
    with: what it has published stays, notebooks whose outputs are as it left them are not executed
    again.

    Parameters
    ----------
    editions : sequence of Edition
        Of one data root, their canonical tables validated; whoever calls holds them
        (`holding.held`).
    inputs : mapping
        ``region/period`` → digest of what its tables were made from.
    only : sequence of str, optional
        Run these notebooks alone. Nothing is published then, and a notebook that needs a table of
        another one reads it from the published run.
    progress : callable, optional
        See `Progress`.
    redactor : callable, optional
        For ``region/period`` gives what makes a `Redact` that hides the names of the edition's
        people; this is called where its notebooks are executed.
    n_jobs, scheduler
        How many editions at a time, and on which Dask cluster: see `jobs.run`.
    resume : str, optional
        Go on with this run, or refuse.
    begun : callable, optional
        Called with the run as soon as it has its name.

    Returns
    -------
    list of Outcome
        In the order of `editions`.

    Raises
    ------
    ValueError
        `only` names a notebook that the suite does not have, or an edition has no digest.
    FileNotFoundError
        A notebook of the suite is missing.
    ResultsError
        The run cannot begin or be gone on with; nothing was changed.
    """
    chosen = _chosen(only, notebooks, notebooks_folder)
    if not editions:
        return []
    if unknown := [edition.key for edition in editions if edition.key not in inputs]:
        raise ValueError(f"нет свёртки входных данных для {', '.join(unknown)}")
    code = code_digest(notebooks_folder)
    digests = {
        edition.key: {"tables": inputs[edition.key], "code": code, **_definition(edition)}
        for edition in editions
    }
    root = editions[0].root
    this = start(root, digests, versions=_versions(), is_draft=bool(only), resume=resume)
    if begun:
        begun(this)
    wanted = [
        EditionJob(
            this,
            edition,
            chosen,
            notebooks_folder,
            timeout,
            redactor(edition.key) if redactor else None,
        )
        for edition in editions
    ]
    return _carried_out(wanted, progress or _silent, n_jobs=n_jobs, scheduler=scheduler)


def compare(
    country: Country,
    progress: Progress | None = None,
    *,
    is_draft: bool = False,
    notebooks_folder: Path = CHECKOUT / "notebooks",
    timeout: float = CELL_TIMEOUT,
    waits: Callable[[str], None] | None = None,
) -> Outcome:
    """Run the comparison of the regions of a period and publish it, as `run` does an edition.

    Its run is named by the regions' published tables and the code: the same tables give the same
    name and the same bytes.

    Parameters
    ----------
    is_draft : bool
        Leave it under ``results/.partial`` and publish nothing.
    waits : callable, optional
        Told for whom it waits when another run compares the same period.

    Raises
    ------
    FileNotFoundError
        The notebook is missing.
    ResultsError
        The run cannot begin; nothing was changed.
    """
    chosen = _chosen(None, (COMPARISON,), notebooks_folder)
    inputs = {"code": code_digest(notebooks_folder), "comparison": country.digest} | country.inputs
    ours = [] if is_draft else [country.key]
    with held(country.root, ours, wait=timeout, waits=waits):
        wanted = {country.key: inputs}
        begun = start(country.root, wanted, versions=_versions(), is_draft=is_draft)
        job = EditionJob(begun, country, chosen, notebooks_folder, timeout, None)
        return _carried_out([job], progress or _silent)[0]


def _carried_out(
    wanted: Sequence[EditionJob],
    progress: Progress,
    *,
    n_jobs: int = 1,
    scheduler: str | None = None,
) -> list[Outcome]:
    """Do the jobs of one run, wherever; publish here what they have made."""
    begun = wanted[0].run
    ready = {job.edition.key: _ready(job) for job in wanted}
    outcomes = {key: outcome for key, outcome in ready.items() if outcome}
    left = [job for job in wanted if job.edition.key not in outcomes]

    def told(job: EditionJob, notebook: str, is_done: bool, cold: str | None) -> None:
        progress(job.edition, notebook, is_done, cold)

    options = {"n_jobs": n_jobs, "scheduler": scheduler, "root": begun.root, "told": told}
    for job, made in jobs.run(execute_edition, left, **options):
        outcomes[job.edition.key] = _ended(job, made)
    begun.close([key for key, outcome in outcomes.items() if outcome.status == "published"])
    return [outcomes[job.edition.key] for job in wanted]


def _ready(job: EditionJob) -> Outcome | None:
    """Open what a job works in; its outcome when there is nothing more to do."""
    begun = job.run
    try:
        if not begun.is_draft and (
            folder := adopt(job.edition, begun.name, begun.inputs[job.edition.key])
        ):
            forget_others(begun.root, job.edition.key, begun.name)
            return _outcome(job, "published", folder=folder)
        begun.open(job.edition)
    except (ResultsError, OSError) as error:
        reason = no_room(error, begun.root, [job.edition.key]) or str(error)
        return _ended(job, Made(reason, "", 0.0))
    return None


def _ended(job: EditionJob, made: Made | jobs.Lost) -> Outcome:
    """Publish what a job has made, or keep what it left and say why."""
    begun, key = job.run, job.edition.key
    if isinstance(made, jobs.Lost):
        made = Made(made.reason, "", 0.0)
    failure, folder = made.failure, begun.folder(key)
    if failure is None and not begun.is_draft:
        try:
            folder = publish(job.edition, begun.name, begun.inputs[key])
            forget_others(begun.root, key, begun.name)
        except (ResultsError, OSError) as error:
            failure = no_room(error, begun.root, [key]) or str(error)
    if failure is None:
        status = "work" if begun.is_draft else "published"
        return _outcome(job, status, folder=folder, seconds=made.seconds)
    if where := _keep_traceback(begun, key, made.traceback):
        failure = f"{failure}. Подробности: {where}"
    if not begun.is_draft:
        failure = f"{failure}. Исправьте и повторите: nmc run {key}"
    log(begun.root, "failed", edition=key, run=begun.name, reason=failure)
    return _outcome(job, "failed", failure=failure, folder=folder, seconds=made.seconds)


def _keep_traceback(begun: Run, key: str, traceback: str) -> Path | None:
    if not traceback:
        return None
    path = log_of(begun).with_suffix(f".{key.replace('/', '-')}.txt")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(traceback, "utf-8")
    except OSError:  # a full disk is what the failure itself may be about
        return None
    return path


def _outcome(
    job: EditionJob,
    status: Literal["published", "failed", "work"],
    *,
    folder: Path,
    failure: str | None = None,
    seconds: float = 0.0,
) -> Outcome:
    tables = (_stems(folder, f"{part}/*.parquet") for part in PARTS)
    return Outcome(
        edition=job.edition,
        run=job.run.name,
        status=status,
        failure=failure,
        notebooks=_stems(folder, "notebooks/*.ipynb"),
        tables=tuple(sorted(sum(tables, ()))),
        folder=folder,
        seconds=seconds,
    )


def _parameters(edition: Edition | Country) -> dict[str, str]:
    """What a notebook is told: which edition; a comparison of regions has the period alone."""
    region, _, period = edition.key.partition("/")
    return {"period": period} | ({} if region == COUNTRY else {"region": region})


def _silent(edition: Edition | Country, notebook: str, is_done: bool, cold: str | None) -> None:
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
    home = edition.root / "regions" / edition.region.code
    files = {"published": home / "published.csv", "system": home / "system.yaml"}
    return {"definition": edition.digest} | {
        name: _digest(path.read_text("utf-8") if path.exists() else "")
        for name, path in files.items()
    }


def code_digest(notebooks_folder: Path) -> str:
    """Digest of the package, its lists of words included, and of the notebooks' code.

    Outputs and prose of notebooks do not matter.
    """
    package = Path(__file__).parent
    parts = [
        (path.relative_to(package).as_posix(), path.read_text("utf-8"))
        for path in sorted(package.rglob("*"))
        if path.suffix in (".py", ".yaml", ".txt")
    ]
    for path in sorted(notebooks_folder.glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        parts += [(path.name, cell.source) for cell in cells if cell.cell_type == "code"]
    return _digest(json.dumps(parts))


def _versions() -> dict[str, str]:
    """Of Python and of the packages that results depend on."""
    return {name: version for name, version in jobs.about().items() if name != "code"}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
