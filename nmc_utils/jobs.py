"""Many jobs at once: on processes of this machine, or on an existing Dask cluster.

Knows nothing of notebooks or editions: a job is any picklable value, done by a picklable function.
One code path for both: a Dask client, whose cluster is started here for the time of the run (TCP on
the loopback alone, encrypted, no page of its own) or was started by somebody else.

The worker that carries out a job watches that somebody still wants it. When the client is gone, the
scheduler lets go of its jobs, and the worker kills the kernels of the job it was at.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import platform
import queue
import re
import signal
import tempfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

if TYPE_CHECKING:
    from distributed import Client, Future, Worker

#: For every kernel, however many there are: sums of many threads come in no fixed order, and as
#: many jobs as there are cores leave one core to each.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

_ANSWERS_WITHIN = 5  #: seconds for a scheduler to answer and for it to have a worker
_STARTS_WITHIN = 60  #: seconds for the processes of this machine
_NOBODY_FOR = 120  #: seconds without any worker after which the rest is given up
_LOOKS_EVERY = 0.5  #: seconds between two looks at whether a job is still wanted
_DEATHS = 2  #: workers of this machine that a job may lose before it is suspected
_PACKAGE = Path(__file__).parent
_ALIKE = "поставьте на все машины одно и то же по requirements.lock"

Job = TypeVar("Job")
Result = TypeVar("Result")
#: Says how a job stands: text, numbers, flags.
Tell = Callable[..., None]
Function = Callable[[Job, Tell], Result]


class ClusterError(ValueError):
    """A cluster cannot be used as it is; the sentence says why and what to do."""


@dataclass(frozen=True)
class Lost:
    """No outcome: every process that began the job died, or the cluster went away."""

    reason: str


def sensible(n_jobs: int) -> int:
    """How many jobs at once suit this machine when there are `n_jobs` of them."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores, n_jobs))


def run(
    function: Function[Job, Result],
    jobs: Sequence[Job],
    *,
    n_jobs: int = 1,
    scheduler: str | None = None,
    root: Path | None = None,
    told: Callable[..., None] | None = None,
) -> Iterator[tuple[Job, Result | Lost]]:
    """Do `jobs`, several at a time, and give each with its result as it is done.

    Nothing of a result depends on how many are done at a time or where. A job whose process is
    killed is done again by another; after some deaths (`_DEATHS` on this machine, as many as its
    scheduler allows on a cluster) it is left for the end and tried as often by itself, because
    another may have killed them, and then it is lost.

    Parameters
    ----------
    function : callable
        ``function(job, tell)``, of a module that workers can import; `tell` takes texts, numbers
        and flags, which reach `told`.
    n_jobs : int
        At a time. With 1 and no scheduler all is done in this process.
    scheduler : str, optional
        Address of a running Dask cluster, ``tcp://host:port`` or ``tls://host:port``.
    root : Path, optional
        A folder that all workers of that cluster must share with this process.
    told : callable, optional
        ``told(job, *what)``: called in the thread that iterates, for everything that a job tells.

    Yields
    ------
    tuple
        A job and what `function` gave, or `Lost`. Jobs come in order of completion.

    Raises
    ------
    ClusterError
        The cluster cannot be used; no job was begun.
    ValueError
        `n_jobs` is less than 1.
    Exception
        Whatever `function` raises. The jobs not yet done are stopped.
    """
    if n_jobs < 1:
        raise ValueError(f"заданий одновременно должно быть не меньше одного, а указано {n_jobs}")
    told = told or _unheard
    if scheduler is None and min(n_jobs, len(jobs)) < 2:
        for job in jobs:
            yield job, function(job, partial(told, job))
        return
    opened = _local(min(n_jobs, len(jobs))) if scheduler is None else _remote(scheduler, root)
    with opened as client:
        yield from _Round(client, function, tuple(jobs), told).done()


def check(scheduler: str, *, root: Path | None = None) -> int:
    """Look whether a cluster can be used, before anything else is done.

    Returns
    -------
    int
        How many jobs it does at a time now.

    Raises
    ------
    ClusterError
        See `run`.
    """
    with _remote(scheduler, root) as client:
        return len(client.nthreads())


def _unheard(job: Any, *what: Any) -> None:
    pass


# --- the runner's side ----------------------------------------------------------------------------


@contextmanager
def _local(n_workers: int) -> Iterator[Client]:
    """Processes of this machine, for the time of a run."""
    import dask
    from distributed import Client, LocalCluster
    from distributed.security import Security

    settings = {
        "distributed.scheduler.allowed-failures": _DEATHS - 1,
        "distributed.scheduler.http.routes": [],
        "distributed.worker.profile.enabled": False,
        "distributed.nanny.pre-spawn-environ": {},  # it would change this process too
        "distributed.diagnostics.nvml": False,
        "logging": {"distributed": "critical"},
    }
    with (
        tempfile.TemporaryDirectory(prefix="nmc-jobs-", ignore_cleanup_errors=True) as folder,
        dask.config.set(settings),
        _quiet(),
        LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # no page; else port 8787
            memory_limit=0,  # what takes memory are the kernels, which it does not see
            local_directory=folder,
            env=ONE_THREAD,
            security=Security.temporary(),
            silence_logs=logging.CRITICAL,
        ) as cluster,
        closing(Client(cluster, timeout=_STARTS_WITHIN, set_as_default=False)) as client,
    ):
        client.register_plugin(_deaf())
        yield client


@contextmanager
def _remote(scheduler: str, root: Path | None) -> Iterator[Client]:
    """Somebody's cluster, after a look at whether it will do."""
    from distributed import Client

    if not re.fullmatch(r"(tcp|tls)://[^/\s]+:\d{1,5}", scheduler):
        raise ClusterError(f"{scheduler}: это не адрес планировщика; нужен tcp://имя:порт")
    with _quiet():
        try:
            asyncio.run(asyncio.wait_for(_greet(scheduler), 2 * _ANSWERS_WITHIN))
            client = Client(scheduler, timeout=_ANSWERS_WITHIN, set_as_default=False)
        except (OSError, ValueError, TypeError, RuntimeError):
            raise ClusterError(
                f"{scheduler}: планировщик Dask не отвечает; проверьте адрес и то, что он "
                "запущен: dask scheduler"
            ) from None
        with closing(client):
            _check(client, scheduler, root)
            yield client


async def _greet(scheduler: str) -> None:
    """Say hello and leave: a client that cannot connect takes half a minute to let go."""
    from distributed.comm import connect
    from distributed.security import Security

    security = Security().get_connection_args("client")
    comm = await connect(scheduler, timeout=_ANSWERS_WITHIN, **security)
    await comm.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave what Dask says of workers that come and go to what is said of jobs."""
    import warnings

    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="distributed")
            yield
    finally:
        logger.setLevel(before)


def _deaf() -> Any:
    """A plugin by which a worker ignores Ctrl+C: the runner gets it too, and ends in order."""
    from distributed import WorkerPlugin

    class Deaf(WorkerPlugin):
        name = "nmc-deaf"

        def setup(self, worker: Worker) -> None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    return Deaf()


def _check(client: Client, scheduler: str, root: Path | None) -> None:
    """Refuse a cluster whose workers would do something else than this process."""
    try:
        client.wait_for_workers(1, timeout=_ANSWERS_WITHIN)
    except TimeoutError:
        raise ClusterError(
            f"{scheduler}: у планировщика нет ни одного рабочего процесса; запустите: "
            f"dask worker {scheduler} --nthreads 1"
        ) from None
    for address, threads in client.nthreads().items():
        if threads != 1:
            raise ClusterError(
                f"{address}: у рабочего процесса потоков {threads}, а нужен один; запустите: "
                f"dask worker {scheduler} --nthreads 1 --nworkers {threads}"
            )
    here = about()
    _same(f"планировщик {scheduler}", client.run_on_scheduler, here)
    _same("рабочий процесс", client.run, here)
    if root is not None:
        _shared(client, root)


def _same(who: str, ask: Callable[..., Any], here: dict[str, str]) -> None:
    """Refuse what runs other versions or another code than `here`."""
    try:
        answers = ask(about)
    except Exception as error:  # there is no such module, or it cannot read our pickle
        raise ClusterError(
            f"{who}: там нет этого же nmc_utils ({_line(error)}); {_ALIKE}"
        ) from None
    if "Python" in answers:
        answers = {"": answers}
    for address, there in answers.items():
        if name := next((name for name in here if here[name] != there.get(name)), None):
            differs = "другой код nmc_utils" if name == "code" else f"{name} {there.get(name, '—')}"
            ours = "" if name == "code" else f", а здесь {here[name]}"
            raise ClusterError(f"{f'{who} {address}'.strip()}: {differs}{ours}; {_ALIKE}")


def _shared(client: Client, root: Path) -> None:
    with tempfile.NamedTemporaryFile(prefix=".nmc-seen-", dir=root) as mark:
        seen = client.run(_sees, mark.name)
    if blind := [address for address, sees in seen.items() if not sees]:
        raise ClusterError(
            f"рабочий процесс {blind[0]} не видит папки данных {root}; она должна быть общей для "
            "всех машин и стоять на них по одному пути"
        )


def _sees(path: str) -> bool:
    return Path(path).is_file()


@cache
def about() -> dict[str, str]:
    """What must be the same wherever jobs are done: Python, packages, the code of this one."""
    names = {re.match(r"[\w.-]+", line)[0] for line in metadata.requires("nmc-utils") or ()
             if "extra ==" not in line}  # fmt: skip
    code = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        code.update(path.relative_to(_PACKAGE).as_posix().encode() + path.read_bytes())
    versions = {name: metadata.version(name) for name in sorted(names)}
    return {"Python": platform.python_version(), **versions, "code": code.hexdigest()}


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@dataclass
class _Round:
    """The jobs of one run: what waits, what is being done, what is heard of it.

    No more are handed out than there are workers: a job that only waits on a worker would be blamed
    for its death.

    Attributes
    ----------
    waiting, suspected : deque of int
        Numbers of jobs to be handed out; and of those that lost workers, not tried alone yet.
    running : dict
        Number of a job → its future.
    heard : queue
        A number when that job is over, else a tuple of a number and what the job tells.
    """

    client: Client
    function: Function
    jobs: tuple
    told: Callable[..., None]
    topic: str = field(default_factory=lambda: f"nmc-{uuid.uuid4().hex}")
    heard: queue.SimpleQueue = field(default_factory=queue.SimpleQueue)
    running: dict[int, Future] = field(default_factory=dict)
    waiting: deque[int] = field(default_factory=deque)
    suspected: deque[int] = field(default_factory=deque)
    alone: int | None = None
    seen_worker: float = field(default_factory=time.monotonic)

    def done(self) -> Iterator[tuple[Any, Any]]:
        """Hand out the jobs and give what comes back."""
        self.client.subscribe_topic(self.topic, lambda event: self.heard.put(tuple(event[1])))
        self.waiting.extend(range(len(self.jobs)))
        while self.waiting or self.running or self.suspected:
            if gone := self._hand_out():
                yield from ((self.jobs[number], Lost(gone)) for number in self._left())
                return
            number = self._next()
            if number is not None and (outcome := self._outcome(number)) is not None:
                yield self.jobs[number], outcome

    def _left(self) -> list[int]:
        return [*self.running, *self.waiting, *self.suspected]

    def _hand_out(self) -> str:
        """Give jobs to workers that are free; a sentence when that cannot be any more."""
        try:
            n_workers = len(self.client.nthreads())
        except (OSError, TimeoutError):
            return _LINK
        now = time.monotonic()
        self.seen_worker = now if n_workers else self.seen_worker
        if now - self.seen_worker > _NOBODY_FOR:
            return _NOBODY
        while self.waiting and len(self.running) < max(n_workers, 1):
            self._submit(self.waiting.popleft())
        if not self.running:
            self.alone = self.suspected.popleft()
            self._submit(self.alone)
        return ""

    def _submit(self, number: int) -> None:
        again = "-alone" if number == self.alone else ""
        future = self.client.submit(
            _carry_out,
            self.function,
            self.jobs[number],
            self.topic,
            number,
            about()["code"],
            key=f"{self.topic}-{number}{again}",
            pure=False,
        )
        self.running[number] = future
        future.add_done_callback(lambda _: self.heard.put(number))

    def _next(self) -> int | None:
        """Wait for a piece of news, and give the number of the job that it ends."""
        try:
            news = self.heard.get(timeout=_ANSWERS_WITHIN)
        except queue.Empty:  # a job that was done again is told of but once
            return next((number for number, its in self.running.items() if its.done()), None)
        if isinstance(news, int):
            return news
        number, *what = news
        self.told(self.jobs[number], *what)
        return None

    def _outcome(self, number: int) -> Any:
        """What a job that is over has given; None when it is to be tried once more, alone."""
        from distributed.scheduler import KilledWorker

        future = self.running.pop(number)
        try:
            if future.status == "finished":
                return future.result(timeout=_ANSWERS_WITHIN)
            error = future.exception(timeout=_ANSWERS_WITHIN) if future.status == "error" else None
        except TimeoutError:  # its worker died with the result: the scheduler has it done again
            self.running[number] = future
            return None
        except KilledWorker as killed:
            error = killed
        if error is None:
            return Lost(_LINK)
        if not isinstance(error, KilledWorker):
            raise error
        if number == self.alone:
            return Lost(_KILLED)
        self.suspected.append(number)
        return None


_KILLED = (
    "каждый рабочий процесс, который брался за это задание, останавливался (так бывает, когда не "
    "хватило памяти)"
)
_LINK = "связь с планировщиком Dask прервалась; повторите прогон, когда он будет доступен"
_NOBODY = "рабочих процессов не осталось; запустите их снова и повторите прогон"


# --- the worker's side ----------------------------------------------------------------------------


def _carry_out(function: Function, job: Any, topic: str, number: int, code: str) -> Any:
    """Do one job in a worker, as long as somebody wants it."""
    from distributed import get_worker

    worker = get_worker()
    if about()["code"] != code:  # a worker that joined after the check
        raise ClusterError(f"рабочий процесс {worker.address}: другой код nmc_utils")
    is_over = threading.Event()
    watch = threading.Thread(
        target=_stop_when_unwanted,
        args=(worker, worker.get_current_task(), is_over),
        name="nmc-wanted",
        daemon=True,
    )
    watch.start()
    try:
        return function(job, lambda *what: worker.log_event(topic, [number, *what]))
    finally:
        is_over.set()
        watch.join()


def _stop_when_unwanted(worker: Worker, key: str, is_over: threading.Event) -> None:
    """Kill the kernels of a job whose client is gone, and those that it starts after that.

    A worker has one job at a time, so whatever it has started belongs to that.
    """
    while not is_over.wait(_LOOKS_EVERY):
        task = worker.state.tasks.get(key)
        if task is None or task.state != "executing":
            for process in psutil.Process().children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
