"""Jobs on processes of this machine and on a Dask cluster, and what happens when something dies."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import toy_jobs
from conftest import CHECKOUT
from dask_cluster import HERE, cluster_of_two, scheduler_in, until, worker_of
from distributed.scheduler import KilledWorker

from nmc_utils import jobs

GONE_WITHIN = 5  #: seconds after which nothing of a dead runner may be alive
pytestmark = pytest.mark.xdist_group("jobs")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[str]:
    with cluster_of_two(tmp_path_factory.mktemp("cluster")) as (address, _):
        yield address


# --- what is done ---------------------------------------------------------------------------------


def test_in_this_process_jobs_are_done_in_order_and_tell_at_once():
    heard = []
    done = jobs.run(toy_jobs.square, [3, 2], told=lambda *said: heard.append(said))
    assert next(done) == (3, (9, os.getpid()))
    assert heard == [(3, "берусь", 3, True)]
    assert list(done) == [(2, (4, os.getpid()))]


def test_no_jobs_no_processes():
    assert list(jobs.run(toy_jobs.square, [], n_jobs=4)) == []


def test_processes_of_this_machine_give_the_same():
    heard = []
    done = list(jobs.run(toy_jobs.square, range(5), n_jobs=2, told=lambda *s: heard.append(s)))
    assert sorted((job, outcome[0]) for job, outcome in done) == [(n, n * n) for n in range(5)]
    assert len({pid for _, (_, pid) in done} - {os.getpid()}) == 2
    assert sorted(heard) == [(n, "берусь", n, True) for n in range(5)]


@pytest.mark.long
def test_one_thread_each_nothing_in_the_working_folder_nothing_open_to_others(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    run = jobs.run(toy_jobs.threads, range(2), n_jobs=2)
    assert next(run)[1] == jobs.ONE_THREAD
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    open_to = {c.laddr.ip for p in family for c in p.net_connections() if c.status == "LISTEN"}
    run.close()
    assert open_to == {"127.0.0.1"}
    assert list(tmp_path.iterdir()) == []


def test_what_a_job_raises_is_raised_here_and_the_processes_end():
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    for options in ({}, {"n_jobs": 2}):
        with pytest.raises(LookupError, match="задание 1 не удалось"):
            list(jobs.run(toy_jobs.fall, range(3), **options))
    started = [c for c in psutil.Process().children(recursive=True) if c.pid not in before]
    assert not [c.cmdline() for c in started if "resource_tracker" not in "".join(c.cmdline())]


def test_a_job_that_kills_its_process_once_is_done_again(tmp_path):
    work = [str(tmp_path / name) for name in "абв"]
    done = dict(jobs.run(toy_jobs.kill_once, work, n_jobs=2))
    assert done == {path: Path(path).name for path in work}


@pytest.mark.long
def test_a_job_that_always_kills_its_process_is_lost_alone():
    done = dict(jobs.run(toy_jobs.kill_always, range(5), n_jobs=2))
    assert isinstance(done[1], jobs.Lost) and "каждый рабочий процесс" in done.pop(1).reason
    assert done == {0: 0, 2: 2, 3: 3, 4: 4}


def test_a_cluster_gives_the_same_and_tells(cluster, tmp_path):
    assert jobs.check(cluster, root=tmp_path) == 2
    heard = []
    done = jobs.run(
        toy_jobs.square, range(5), scheduler=cluster, root=tmp_path, told=lambda *s: heard.append(s)
    )
    results = dict(done)
    assert {job: square for job, (square, _) in results.items()} == {n: n * n for n in range(5)}
    assert sorted(heard) == [(n, "берусь", n, True) for n in range(5)]
    assert list(tmp_path.iterdir()) == []


def test_a_killed_worker_of_a_cluster_is_replaced(cluster, tmp_path):
    work = [str(tmp_path / name) for name in "аб"]
    done = dict(jobs.run(toy_jobs.kill_once, work, scheduler=cluster))
    assert done == {path: Path(path).name for path in work}


# --- what is refused ------------------------------------------------------------------------------


def test_a_number_of_jobs_must_make_sense():
    with pytest.raises(ValueError, match="не меньше одного, а указано 0"):
        list(jobs.run(toy_jobs.square, [1], n_jobs=0))


def test_as_many_jobs_as_cores_and_editions():
    assert jobs.sensible(1) == 1
    assert jobs.sensible(0) == 1
    assert jobs.sensible(10_000) == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("localhost", "localhost: это не адрес планировщика; нужен tcp://имя:порт"),
        ("tcp://127.0.0.1:9", "tcp://127.0.0.1:9: планировщик Dask не отвечает"),
    ],
)
def test_an_address_where_nobody_answers(address, sentence):
    with pytest.raises(jobs.ClusterError) as refused:
        jobs.check(address)
    assert str(refused.value).startswith(sentence)


@pytest.mark.long
def test_a_port_of_something_else():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(jobs.ClusterError, match="планировщик Dask не отвечает"):
            jobs.check(address)


@pytest.mark.parametrize(
    ("there", "sentence"),
    [
        (
            {"Python": "3.99.0"},
            r"процесс tcp://а:1: Python 3\.99\.0, а здесь 3[\d.]+; поставьте",
        ),
        ({"pandas": "0.1"}, r"процесс tcp://а:1: pandas 0\.1, а здесь \d[\d.]+; поставьте"),
        ({"code": "0"}, "процесс tcp://а:1: другой код nmc_utils; поставьте"),
    ],
)
def test_other_versions_there(there, sentence):
    with pytest.raises(jobs.ClusterError, match=sentence):
        jobs._same("рабочий процесс", lambda ask: {"tcp://а:1": ask() | there}, jobs.about())


@pytest.mark.long
def test_a_worker_with_another_code(tmp_path):
    shutil.copytree(CHECKOUT / "nmc_utils", tmp_path / "nmc_utils")
    with (tmp_path / "nmc_utils" / "terms.py").open("a") as module:
        module.write("\n# another version\n")
    paths = os.pathsep.join((str(tmp_path), str(HERE)))
    refused = pytest.raises(jobs.ClusterError, match="другой код nmc_utils; поставьте на все")
    with scheduler_in(tmp_path) as address, worker_of(address, tmp_path, PYTHONPATH=paths), refused:
        jobs.check(address)


def test_a_worker_that_does_not_see_the_data(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "_sees", toy_jobs.sees_nothing)
    with pytest.raises(jobs.ClusterError, match=f"не видит папки данных {tmp_path}; она должна"):
        jobs.check(cluster, root=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_a_cluster_without_workers_or_with_many_threads(tmp_path):
    with scheduler_in(tmp_path) as address:
        with pytest.raises(jobs.ClusterError, match="нет ни одного рабочего процесса; запустите:"):
            jobs.check(address)
        many = pytest.raises(jobs.ClusterError, match="потоков 3, а нужен один; .*--nworkers 3")
        with worker_of(address, tmp_path, "--nthreads", "3"), many:
            jobs.check(address)


# --- what dies ------------------------------------------------------------------------------------


@contextmanager
def _runner(folder: Path, scheduler: str) -> Iterator[subprocess.Popen]:
    """A runner at whose two jobs a kernel sleeps, in a group of processes of its own."""
    script = folder / "runner.py"
    script.write_text(toy_jobs.RUNNER)
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder), scheduler],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(CHECKOUT), str(HERE)))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        assert until(lambda: all((folder / f"{n}.begun").exists() for n in range(2)), 90)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _alive(processes: list[psutil.Process]) -> list[list[str]]:
    told = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # it ends while it is looked at
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                told.append(process.cmdline())
    return told


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGKILL,
        pytest.param(signal.SIGTERM, marks=pytest.mark.long),
        pytest.param(signal.SIGINT, marks=pytest.mark.long),
    ],
)
def test_nothing_of_a_runner_outlives_it(tmp_path, number):
    with _runner(tmp_path, "") as runner:
        family = psutil.Process(runner.pid).children(recursive=True)
        assert sum("sleep" in one.cmdline() for one in family) == 2
        if number == signal.SIGINT:  # as a terminal does: to all of the group
            os.killpg(runner.pid, number)
        else:
            os.kill(runner.pid, number)
        runner.wait(30)  # after Ctrl+C it first ends what it has started
        assert until(lambda: not _alive(family), GONE_WITHIN), _alive(family)


@pytest.mark.long
def test_a_cluster_stops_the_jobs_of_a_dead_runner_and_serves_the_next(tmp_path):
    with cluster_of_two(tmp_path) as (address, workers):
        with _runner(tmp_path, address) as runner:
            before = [one for worker in workers for one in worker.children(recursive=True)]
            assert sum("sleep" in one.cmdline() for one in before) == 2
            kernels = [one for one in before if _is_kernel(one)]
            assert len(kernels) >= 4
            os.kill(runner.pid, signal.SIGKILL)
            assert until(lambda: not _alive(kernels), GONE_WITHIN), _alive(kernels)
        assert until(lambda: all((tmp_path / f"{n}.failed").exists() for n in range(2)), 20)
        done = dict(jobs.run(toy_jobs.square, range(3), scheduler=address))
    assert {job: square for job, (square, _) in done.items()} == {0: 0, 1: 1, 2: 4}


def _is_kernel(process: psutil.Process) -> bool:
    return "nmc_utils.kernel_server" in process.cmdline() or "sleep" in process.cmdline()


@pytest.mark.long
def test_a_scheduler_that_dies_ends_the_run_with_a_sentence(tmp_path):
    with ExitStack() as stack:
        address, _ = stack.enter_context(cluster_of_two(tmp_path))
        about = str(tmp_path / "scheduler.json")
        scheduler = next(p for p in psutil.Process().children() if about in p.cmdline())
        run = jobs.run(toy_jobs.linger, range(5), scheduler=address)
        next(run)
        scheduler.kill()
        rest = [outcome for _, outcome in run]
    assert jobs.Lost(jobs._LINK) in rest
    assert {type(outcome) for outcome in rest} <= {int, jobs.Lost}


@pytest.mark.long
def test_a_cluster_that_loses_its_workers_for_good_ends_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "_NOBODY_FOR", 1)
    with cluster_of_two(tmp_path) as (address, workers):
        run = jobs.run(toy_jobs.linger, range(5), scheduler=address)
        next(run)
        for worker in workers:
            worker.kill()
        rest = [outcome for _, outcome in run]
    assert jobs.Lost(jobs._NOBODY) in rest
    assert {type(outcome) for outcome in rest} <= {int, jobs.Lost}


class Answering:
    """A future of a job that is over: what it answers, one after another."""

    def __init__(self, status: str, *answers: object):
        self.status, self.answers = status, list(answers)

    def done(self) -> bool:
        return True

    def result(self, timeout: float) -> object:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    exception = result


def test_a_result_lost_with_its_worker_before_it_was_fetched_is_waited_for(monkeypatch):
    monkeypatch.setattr(jobs, "_ANSWERS_WITHIN", 0.01)
    round_ = jobs._Round(None, None, ("job",), None)
    round_.running[0] = Answering("finished", TimeoutError(), "made")
    assert round_._outcome(0) is None
    assert round_._next() == 0  # nobody tells of it a second time
    assert round_._outcome(0) == "made" and not round_.running


def test_a_job_whose_worker_died_before_its_result_was_fetched_is_tried_alone_once():
    killed = KilledWorker("job", None, 3)
    round_ = jobs._Round(None, None, ("job",), None)
    round_.running[0] = Answering("finished", killed)
    assert round_._outcome(0) is None and list(round_.suspected) == [0]
    round_.alone, round_.running[0] = 0, Answering("finished", killed)
    assert round_._outcome(0) == jobs.Lost(jobs._KILLED)


def test_a_future_that_the_scheduler_forgot_means_that_the_link_broke():
    round_ = jobs._Round(None, None, ("job",), None)
    round_.running[0] = Answering("cancelled")
    assert round_._outcome(0) == jobs.Lost(jobs._LINK)
