"""A Dask cluster started by hand: what `dask scheduler` and `dask worker` start, on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
from conftest import CHECKOUT
from distributed import Client

HERE = Path(__file__).parent


@contextmanager
def started(*arguments: str, **variables: str) -> Iterator[psutil.Popen]:
    """A process of a cluster; it and whatever it started are killed at the end."""
    paths = os.pathsep.join((str(CHECKOUT), str(HERE)))
    process = psutil.Popen(
        [sys.executable, "-m", *arguments],
        env={**os.environ, "PYTHONPATH": paths, **variables},
        cwd=HERE.anchor,  # not the checkout, which `-m` would put before PYTHONPATH
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        left = _family(process)
        for one in left:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(left, 5)
        process.wait(5)


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def until(what: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def scheduler_in(folder: Path) -> Iterator[str]:
    about = folder / "scheduler.json"
    where = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--dashboard-address", ":0")
    with started("distributed.cli.dask_scheduler", *where, "--scheduler-file", str(about)):
        assert until(lambda: about.exists() and about.read_text().endswith("}"), 30)
        yield json.loads(about.read_text())["address"]


def worker_of(
    address: str, folder: Path, *more: str, **variables: str
) -> AbstractContextManager[psutil.Popen]:
    where = ("--host", "127.0.0.1", "--no-dashboard", "--local-directory", str(folder))
    more = more or ("--nthreads", "1")
    return started("distributed.cli.dask_worker", address, *where, *more, **variables)


@contextmanager
def cluster_of_two(folder: Path) -> Iterator[tuple[str, list[psutil.Popen]]]:
    with ExitStack() as stack:
        address = stack.enter_context(scheduler_in(folder))
        workers = [stack.enter_context(worker_of(address, folder)) for _ in range(2)]
        with Client(address, timeout=30, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield address, workers
