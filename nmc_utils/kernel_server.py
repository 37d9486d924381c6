"""A process that has imported what notebooks import and forks a kernel of itself when asked.

Started by `nmc_utils.kernels` and by nothing else: ``python -m nmc_utils.kernel_server FD PID``
with an open socket and the process id of its parent. It runs no notebook itself, so each kernel
begins where the imports ended, knowing nothing of the kernels before it. One thread and
one loop: fork, and tell who died.

On the socket comes one message for each kernel, with a socket of the kernel's own beside it, its
lifeline. Down the lifeline goes the kernel's process id, word that it listens and, when it has
ended, its exit code with the most memory that it held. When the first socket or the parent is
gone, all kernels are killed and the server ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import selectors
import signal
import socket
import sys
import threading
import traceback
from dataclasses import dataclass, field
from importlib import import_module
from typing import NoReturn

from nmc_utils import memory_dumps

_LARGEST = 1 << 20  #: bytes of a request: an environment and a command line
_ASK_PARENT = 1.0  #: seconds between two looks at whether the parent lives
_PR_SET_PDEATHSIG = 1
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024  #: bytes of a unit of `ru_maxrss`

#: Beside every module that `nmc_utils` names: what these, IPython and ipykernel load on first use.
_ON_FIRST_USE = (
    "IPython.core.completerlib",
    "IPython.core.pylabtools",
    "IPython.extensions.storemagic",
    "holoviews.plotting.mpl",
    "ipykernel.debugger",
    "ipykernel.kernelapp",
    "matplotlib.backends.backend_agg",
    "matplotlib_inline.backend_inline",
    "pandas.io.formats.style",
    "pyarrow.parquet",
    "pygments.formatters.html",
    "pygments.formatters.terminal256",
    "pygments.lexers.python",
    "scipy.optimize",
    "scipy.stats",
    "sqlite3",
    "stack_data",
)


@dataclass
class _Server:
    """The kernels that are alive, each with its lifeline."""

    control: socket.socket
    parent: int
    alive: dict[int, socket.socket] = field(default_factory=dict)

    def serve(self) -> None:
        """Fork kernels until the parent lets go."""
        woken, wakes = socket.socketpair()
        woken.setblocking(False)
        wakes.setblocking(False)
        signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        ready = selectors.DefaultSelector()
        ready.register(self.control, selectors.EVENT_READ)
        ready.register(woken, selectors.EVENT_READ)
        private = (self.control, woken, wakes)
        while os.getppid() == self.parent:
            for key, _ in ready.select(_ASK_PARENT):
                if key.fileobj is woken:
                    woken.recv(4096)
                elif not self._take_request(private, ready):
                    return
            self._reap()

    def _take_request(
        self, private: tuple[socket.socket, ...], ready: selectors.BaseSelector
    ) -> bool:
        request, lifeline = _received(self.control)
        if request is None or lifeline is None:
            return False
        if threads := [thread.name for thread in threading.enumerate()[1:]]:
            _tell(lifeline, {"unsafe": threads})  # a forked child would inherit their locks
            lifeline.close()
            return True
        pid = os.fork()
        if pid == 0:
            ready.close()
            for inherited in (*private, *self.alive.values()):
                inherited.close()
            _become_kernel(request, lifeline)
        self.alive[pid] = lifeline
        _tell(lifeline, {"pid": pid})
        return True

    def _reap(self) -> None:
        while self.alive:
            pid, status, used = os.wait4(-1, os.WNOHANG)
            if not pid:
                return
            lifeline = self.alive.pop(pid)
            peak = used.ru_maxrss * _RSS_UNIT
            _tell(lifeline, {"exit": os.waitstatus_to_exitcode(status), "peak": peak})
            lifeline.close()

    def stop(self) -> None:
        """Kill every kernel with whatever it has started."""
        for pid in self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError):  # it has no group of its own yet
                os.kill(pid, signal.SIGKILL)


def _received(control: socket.socket) -> tuple[dict | None, socket.socket | None]:
    """One request and the lifeline that came with it; nothing when the parent has closed."""
    data, handles, *_ = socket.recv_fds(control, _LARGEST, 1)
    if not data:
        return None, None
    return json.loads(data), socket.socket(fileno=handles[0])


def _tell(lifeline: socket.socket, what: dict) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more
        lifeline.send(json.dumps(what).encode())


def _become_kernel(request: dict, lifeline: socket.socket) -> NoReturn:
    """Turn this fork into the kernel that `request` describes. Never returns."""
    code = 1
    try:
        _settle(request)
        from ipykernel.kernelapp import IPKernelApp

        kernel = IPKernelApp.instance()
        kernel.initialize()
        _tell(lifeline, {"listens": True})  # a client that connects earlier waits to try again
        lifeline.close()
        kernel.start()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _settle(request: dict) -> None:
    """Give the process what an ordinary start gives: signals, group, folder, environment."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    server = os.getppid()
    os.setsid()
    if sys.platform == "linux":  # the server may be killed before it can kill
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != server:
            os._exit(1)
    os.environ.clear()
    os.environ.update(request["environment"], JPY_PARENT_PID=str(server))
    os.chdir(request["folder"])
    command = request["command"]  # python -m module arguments: the first two are for Python
    sys.argv[:] = [command[0], *command[command.index("-m") + 2 :]]
    import numpy as np

    np.random.seed()  # a fork shares the state of its siblings


def _import_all() -> None:
    """Import once what every notebook would import."""
    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # ipykernel reads it on import
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    package = import_module(__name__.rpartition(".")[0] or "nmc_utils")  # run as __main__ as well
    for module in (*package.modules(), *_ON_FIRST_USE):
        import_module(module)


def main() -> None:
    """Import, say that it is ready, serve."""
    memory_dumps.forbid()
    control = socket.socket(fileno=int(sys.argv[1]))
    _import_all()
    gc.collect()
    gc.freeze()  # what is imported is never collected, so its pages stay shared
    server = _Server(control, parent=int(sys.argv[2]))
    try:
        control.send(b"ready")
        server.serve()
    finally:
        server.stop()


if __name__ == "__main__":
    main()
