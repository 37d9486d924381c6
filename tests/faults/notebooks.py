"""Faults of a notebook and its kernel, with real kernels: `trials` has those of the files."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

import psutil
from faults import laboratory as lab
from faults.trials import fresh, undisturbed

SLEEPS = 987  #: seconds of a process that a notebook starts, which tell it from others
ENDS_WITHIN = 5  #: seconds after which nothing that a notebook has started may be alive
#: What the second notebook does first → what the run must say of each edition.
SPOILED = {
    "while True: pass": "не закончилась за отведённое время, 3 с",
    "import os; os.kill(os.getpid(), 9)": "ядро остановилось",
    "import os; os.kill(os.getpid(), 11)": "из-за ошибки в библиотеке (SIGSEGV)",
    "import resource as r; r.setrlimit(r.RLIMIT_AS, (1 << 33,) * 2); b' ' * (1 << 33)": "доступно",
    "1 / 0": "ZeroDivisionError: division by zero",
    "import sys; sys.exit(3)": "SystemExit",
    f"import subprocess; subprocess.Popen(['sleep', '{SLEEPS}']); 1 / 0": "ZeroDivisionError",
}
#: An output that takes long enough to write for a kill to come in its middle.
_N_LARGE = 20_000_000  # characters
LARGE = f"display({{'text/plain': 'a' * {_N_LARGE}}}, raw=True)"
_SAVED_EXECUTED = 2  #: papermill saves a notebook before its first cell, `execute` after the last


def spoiled(folder: Path, codes: Collection[str] = tuple(SPOILED)) -> tuple[int, list[str]]:
    """A cell that hangs, raises, leaves or takes all memory; a kernel that is killed."""
    expected, wrong = undisturbed(folder), []
    for code in codes:
        made = fresh(folder, "trial", timeout=3)
        earlier = made.earlier()
        made.spoils.write_text(code, "utf-8")
        pid, read = lab.forked(lambda made=made: lab.statuses(made), with_kernels=True)
        text, _ = lab.said(pid, read)
        if text.count(SPOILED[code]) != 2 or text.count("failed тетрадь two, ячейка 2: ") != 2:
            wrong.append(f"{code}: {text}")
        wrong += [f"{code}: {line}" for line in _afterwards(made, pid, earlier, expected)]
    return len(codes), wrong


def killed_while_writing(folder: Path, n: int) -> tuple[int, list[str]]:
    """SIGKILL of the runner within a notebook of 20 MB, at `n` moments of its writing."""
    expected, wrong, n_cut = undisturbed(folder), [], 0
    for trial in range(n):
        made = fresh(folder, "trial")
        earlier = made.earlier()
        made.spoils.write_text(LARGE, "utf-8")
        pid, read = lab.forked(_killed_in_writing(made, 0.005 * trial), with_kernels=True)
        _, was_killed = lab.said(pid, read)
        size = max((path.stat().st_size for path in made.root.rglob("two.ipynb")), default=0)
        n_cut += was_killed and 0 < size < _N_LARGE
        wrong += [f"попытка {trial}: {line}" for line in _afterwards(made, pid, earlier, expected)]
    if not n_cut:
        wrong.append(f"за {n} попыток ни одна тетрадь не осталась записанной лишь отчасти")
    return n, wrong


def _killed_in_writing(made: lab.Laboratory, after: float) -> Callable[[], str]:
    """A run that is killed `after` seconds from when it opens the large notebook to save it."""
    opened = 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal opened
        if event == "open" and str(arguments[0]).endswith("two.ipynb") and arguments[1] == "w":
            opened += 1
            kill = threading.Timer(after, os.kill, (os.getpid(), signal.SIGKILL))
            if made.spoils.exists() and opened == _SAVED_EXECUTED:
                kill.start()

    def work() -> str:
        sys.addaudithook(hook)
        return lab.statuses(made)

    return work


def _afterwards(
    made: lab.Laboratory, pid: int, earlier: dict[str, str], expected: dict[str, str]
) -> list[str]:
    """What is wrong now, and after the next run, for which the notebook is as it should be."""
    until = time.monotonic() + ENDS_WITHIN
    while (left := _alive(pid)) and time.monotonic() < until:
        time.sleep(0.05)
    found = [f"живы процессы: {left}"] if left else []
    found += lab.broken(made, earlier)
    made.spoils.unlink()
    return found + lab.broken_for_good(made, earlier, expected, with_kernels=True)


def _alive(pid: int) -> list[str]:
    """Command lines of what a runner has started: a kernel server names the runner it serves."""
    every = psutil.process_iter(["cmdline"])
    lines = [" ".join(process.info["cmdline"] or ()) for process in every]
    ours = (f"sleep {SLEEPS}", f"nmc_utils.kernel_server {pid}")
    return [line for line in lines if re.sub(r"server \d+", "server", line).endswith(ours)]
