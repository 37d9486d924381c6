"""Warm kernels: like ordinary ones in all but the wait, strangers to each other, never orphans."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nmc_utils import kernel_server, kernels
from nmc_utils.kernels import WarmProvisioner
from nmc_utils.suite import NotebookFailed, execute

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="вне Linux ядра не ответвляются")


def notebook(folder: Path, *cells: str) -> Path:
    parameters = new_code_cell('region = ""', metadata={"tags": ["parameters"]})
    node = new_notebook(cells=[parameters, *map(new_code_cell, cells)])
    path = folder / f"of_{len(list(folder.glob('*.ipynb')))}.ipynb"
    nbformat.write(node, path)
    return path


def printed(folder: Path, *cells: str, **options) -> str:
    """Run a notebook of these cells; what it printed."""
    path = notebook(folder, *cells)
    output = folder / "out" / path.name
    execute(path, output, {"region": "khakassia"}, **options)
    outputs = [o for cell in nbformat.read(output, 4).cells for o in cell.get("outputs", [])]
    return "".join(output.get("text", "") for output in outputs)


def test_a_kernel_is_a_fork_of_the_server_that_has_imported_the_stack(tmp_path):
    told = printed(tmp_path, "import os, sys\nprint(os.getppid(), 'pandas' in sys.modules)")
    server, is_imported = told.split()
    assert WarmProvisioner.cold_because == ""
    assert is_imported == "True"
    assert "nmc_utils.kernel_server" in " ".join(psutil.Process(int(server)).cmdline())
    assert told == printed(tmp_path, "import os, sys\nprint(os.getppid(), 'pandas' in sys.modules)")


def test_a_kernel_is_told_what_an_ordinary_one_is(tmp_path, monkeypatch):
    look = "import sys\nprint(len(sys.argv), sys.argv[1], sys.argv[3:], __name__)"
    warm = printed(tmp_path, look)
    assert WarmProvisioner.cold_because == "" and warm.split()[1] == "-f"
    monkeypatch.setattr(kernels, "_unable", lambda: "x")
    assert printed(tmp_path, look) == warm and WarmProvisioner.cold_because == "x"


@pytest.mark.parametrize("refusal", ["", "x"], ids=["warm", "cold"])
def test_a_kernel_keeps_no_history_of_what_it_executed(tmp_path, monkeypatch, refusal):
    if refusal:
        monkeypatch.setattr(kernels, "_unable", lambda: refusal)
    assert printed(tmp_path, "print(get_ipython().history_manager.enabled)") == "False\n"
    assert WarmProvisioner.cold_because == refusal


SPOIL = """
import builtins, locale, math, os, signal, sys, textwrap, threading, warnings
import matplotlib, numpy as np, pandas as pd
import nmc_utils
math.pi = builtins.left_over = left_over = 3
textwrap.dedent = nmc_utils.edition = None
os.environ["LEFT_OVER"] = "3"
os.chdir("/")
sys.path.insert(0, "/left_over"); sys.modules["left_over"] = math; sys.setrecursionlimit(321)
pd.set_option("display.max_rows", 3); matplotlib.rcParams["font.size"] = 33
np.seterr(all="raise"); warnings.simplefilter("ignore"); os.umask(0o077)
signal.signal(signal.SIGUSR1, lambda *_: None); locale.setlocale(locale.LC_ALL, "C")
threading.Thread(target=threading.Event().wait, name="left_over", daemon=True).start()
"""
LOOK = """
import builtins, locale, math, os, signal, sys, textwrap, threading, warnings
import matplotlib, numpy as np, pandas as pd
import nmc_utils
print(math.pi, hasattr(builtins, "left_over"), "left_over" in globals(), textwrap.dedent(" 1"))
print(callable(nmc_utils.edition), "LEFT_OVER" in os.environ, os.getcwd())
print("/left_over" in sys.path, "left_over" in sys.modules, sys.getrecursionlimit())
print(pd.get_option("display.max_rows"), matplotlib.rcParams["font.size"], np.geterr())
print(os.umask(0o22), signal.getsignal(signal.SIGUSR1), locale.setlocale(locale.LC_ALL))
print(sorted(thread.name for thread in threading.enumerate() if "left" in thread.name))
print(sorted(map(str, warnings.filters)), sorted(os.environ), In[1:-1])
"""


def test_nothing_of_one_notebook_is_left_to_the_next(tmp_path):
    before = printed(tmp_path, LOOK)
    printed(tmp_path, SPOIL)
    assert printed(tmp_path, LOOK) == before
    assert before.startswith("3.14159")


def test_siblings_do_not_share_chance(tmp_path):
    draw = "import random, numpy as np\nprint(random.random(), np.random.rand())"
    first, second = printed(tmp_path, draw).split(), printed(tmp_path, draw).split()
    assert first[0] != second[0] and first[1] != second[1]


def test_a_kernel_has_the_environment_and_folder_that_it_is_given(tmp_path):
    told = printed(
        tmp_path,
        "import os\nprint(os.environ['NMC_OF_TEST'], os.getcwd())",
        environment={"NMC_OF_TEST": "дано"},
    )
    assert told.split() == ["дано", str(tmp_path)]


def alive(pids: list[int]) -> list[int]:
    found = []
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
        except psutil.NoSuchProcess:
            continue
    return found


def wait_for(condition, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())


def test_a_kernel_and_what_it_started_end_with_the_notebook(tmp_path):
    start = "import os, subprocess\nprint(os.getpid(), subprocess.Popen(['sleep', '60']).pid)"
    pids = [int(pid) for pid in printed(tmp_path, start).split()]
    assert wait_for(lambda: not alive(pids), 5)


RUNNER = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # as from a terminal: what starts these
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # tests may ignore both
from nmc_utils.suite import execute
execute(Path(sys.argv[1]), Path(sys.argv[2]), {"region": "khakassia"})
"""


_OTHER_SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


@pytest.mark.parametrize(
    "number",
    [signal.SIGKILL, *(pytest.param(n, marks=pytest.mark.long) for n in _OTHER_SIGNALS)],
)
def test_no_kernel_outlives_its_runner(tmp_path, number):
    told = tmp_path / "pids"
    cell = f"""
import os, subprocess, time
child = subprocess.Popen(["sleep", "600"]).pid
open({str(told)!r} + "~", "w").write(f"{{os.getpid()}} {{os.getppid()}} {{child}}")
os.replace({str(told)!r} + "~", {str(told)!r})
time.sleep(600)
"""
    path = notebook(tmp_path, cell)
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, path, tmp_path / "out.ipynb"],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert wait_for(told.exists, 60)
        pids = [int(pid) for pid in told.read_text().split()]
        assert alive(pids) == pids
        runner.send_signal(number)
        runner.wait(10)
        assert wait_for(lambda: not alive(pids), 5)
    finally:
        runner.kill()
        runner.wait()


def test_a_kernel_that_is_killed_stops_its_notebook(tmp_path):
    path = notebook(tmp_path, "1", "import os\nos.kill(os.getpid(), 9)")
    started = time.monotonic()
    told = r"ячейка 3: ядро остановилось .*: оно занимало до \d+ МБ, а всем доступно \d+ МБ"
    with pytest.raises(NotebookFailed, match=told):
        execute(path, tmp_path / "out.ipynb", {"region": "khakassia"})
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("n_silent", [2, 3])
def test_a_kernel_that_ended_before_it_began_is_started_again(tmp_path, monkeypatch, n_silent):
    left, really = list(range(n_silent)), kernels._Client.wait_for_ready

    async def wait_for_ready(client, timeout=None):
        await really(client, timeout)
        if left:
            left.pop()
            raise kernels.KernelSilent("остановилось, не ответив", has_ended=True)

    monkeypatch.setattr(kernels._Client, "wait_for_ready", wait_for_ready)
    if n_silent == 2:
        assert printed(tmp_path, "print(1)") == "1\n"
    else:
        with pytest.raises(NotebookFailed, match="ядро не запустилось: остановилось, не ответив"):
            printed(tmp_path, "print(1)")


def test_too_little_memory_is_said_with_its_limit(tmp_path):
    limit = 6 * 2**30  # of addresses, of which the stack alone takes two
    take = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))
import numpy as np
np.ones({limit} // 8)"""
    told = r"ячейка 2: .*MemoryError: Unable to allocate 6.00 GiB .*всем доступно \d+ МБ"
    with pytest.raises(NotebookFailed, match=told):
        printed(tmp_path, take)


def test_a_kernel_is_told_to_leave_no_dump_of_its_memory(tmp_path):
    look = "import resource\nprint(resource.getrlimit(resource.RLIMIT_CORE))"
    assert printed(tmp_path, look) == "(1, 1)\n"


def test_when_the_server_is_killed_the_next_notebook_has_a_new_one(tmp_path):
    server = int(printed(tmp_path, "import os\nprint(os.getppid())"))
    assert server != os.getpid()
    kill = f"import os\nos.kill({server}, 9)\nimport time\ntime.sleep(60)"
    with pytest.raises(NotebookFailed, match="ядро остановилось"):
        printed(tmp_path, kill)
    assert printed(tmp_path, "print(1)") == "1\n"
    assert WarmProvisioner.cold_because == ""


def test_a_cell_that_hangs_is_stopped_in_its_time(tmp_path):
    with pytest.raises(NotebookFailed, match="не закончилась за отведённое время, 1 с"):
        printed(tmp_path, "import time\ntime.sleep(60)", timeout=1)


# --- where there is no fork -----------------------------------------------------------------------


def test_where_a_fork_is_absent_the_ordinary_start_is_taken_and_said(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "fork")
    told = printed(tmp_path, "import os\nprint(os.getppid())")
    assert WarmProvisioner.cold_because == "на этой системе нет fork"
    assert int(told) == os.getpid()


def test_what_matters_when_python_starts_needs_a_server_of_its_own(tmp_path):
    look = "import os, sys\nprint(os.getppid(), sys.flags.hash_randomization)"
    server, is_random = printed(tmp_path, look).split()
    assert is_random == "1"
    other, is_random = printed(tmp_path, look, environment={"PYTHONHASHSEED": "0"}).split()
    assert WarmProvisioner.cold_because == ""
    assert is_random == "0" and other != server
    assert not psutil.pid_exists(int(server))


def test_a_server_with_living_kernels_is_not_replaced(tmp_path):
    server = kernels._Server()
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", str(tmp_path / "about.json")]
    environment = {**os.environ, "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    try:
        kernel = server.fork(command, environment, str(tmp_path))
        with pytest.raises(kernels._Refused, match="важные при запуске Python"):
            server.fork(command, environment | {"PYTHONHASHSEED": "7"}, str(tmp_path))
        assert kernel.poll() is None
    finally:
        server.stop()


def test_a_server_that_cannot_start_is_asked_once(tmp_path, monkeypatch):
    server = kernels._Server()
    monkeypatch.setattr(kernels, "_server", server)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "pyarrow.py").write_text("raise ImportError")
    for _ in range(2):
        with pytest.raises(kernels._Refused, match="сервер ядер не запустился"):
            server.fork(["python"], dict(os.environ), str(tmp_path))
        monkeypatch.setattr(subprocess, "Popen", None)  # a second start would fail otherwise


def test_a_server_with_threads_does_not_fork(monkeypatch):
    ours, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    lifeline, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    monkeypatch.setattr(os, "fork", None)
    let_go = threading.Event()
    thread = threading.Thread(target=let_go.wait, name="of_a_library")
    thread.start()
    try:
        socket.send_fds(ours, [b"{}"], [theirs.fileno()])
        theirs.close()
        server = kernel_server._Server(control, parent=os.getpid())
        assert server._take_request((), selector())
        with pytest.raises(kernels._Refused, match="в сервере ядер есть потоки: .*of_a_library"):
            kernels.Forked(lifeline)
    finally:
        let_go.set()
        thread.join()
        ours.close()
        control.close()


def selector():
    import selectors

    return selectors.DefaultSelector()
