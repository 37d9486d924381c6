"""Jobs for tests/test_jobs.py, in a module of their own: other processes must import them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import nbformat

from nmc_utils import suite
from nmc_utils.jobs import ONE_THREAD

#: A runner of its own, to be killed. What it prints: the number of jobs begun, each on a line.
RUNNER = """
import signal
import sys
from pathlib import Path
from nmc_utils import jobs
import toy_jobs

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what starts the tests may ignore it
    folder, scheduler = Path(sys.argv[1]), sys.argv[2] or None
    work = [str(folder / f"{number}") for number in range(2)]
    told = lambda job, *what: print("begun", flush=True)
    for _ in jobs.run(toy_jobs.sleep_in_a_kernel, work, n_jobs=2, scheduler=scheduler, told=told):
        print("ended", flush=True)
"""


def square(job: int, tell) -> tuple[int, int]:
    tell("берусь", job, True)
    time.sleep(0.05)
    return job * job, os.getpid()


def fall(job: int, tell) -> int:
    if job == 1:
        raise LookupError("задание 1 не удалось")
    return job


def threads(job: int, tell) -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in ONE_THREAD}


def kill_always(job: int, tell) -> int:
    """Kill the worker whenever it is job 1; the others take long enough to be beside it."""
    if job == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.5)
    return job


def kill_once(job: str, tell) -> str:
    """Kill the worker at the first attempt at a job; a file says that there has been one."""
    try:
        Path(job).touch(exist_ok=False)
    except FileExistsError:
        return Path(job).name
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process goes on")


def linger(job: int, tell) -> int:
    time.sleep(0.5)
    return job


def sleep_in_a_kernel(job: str, tell) -> str:
    """Run a notebook that starts a process of its own and sleeps."""
    code = "import subprocess, time\nsubprocess.Popen(['sleep', '77'])\n"
    code += f"open({job + '.begun'!r}, 'w').close()\ntime.sleep(77)"
    node = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("", metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(code),
        ]
    )
    nbformat.write(node, f"{job}.ipynb")
    tell("begun")
    try:
        suite.execute(Path(f"{job}.ipynb"), Path(f"{job}.done.ipynb"), {})
    except suite.NotebookFailed as error:
        Path(f"{job}.failed").write_text(str(error), "utf-8")
    return job


def sees_nothing(path: str) -> bool:
    return False
