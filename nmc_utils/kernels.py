"""Kernels that start warm: forked from a process that has already imported the stack.

Real kernels all the same. jupyter_client starts them through `WarmProvisioner` (the entry point
``nmc-warm`` of ``jupyter_client.kernel_provisioners``), so plots, errors, interrupts and time
limits are those of any other kernel. Where a fork is unsafe or absent the ordinary start is used,
and `WarmProvisioner.cold_because` says why.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from queue import Empty
from typing import Any, NoReturn
from weakref import WeakSet

from ipykernel.kernelspec import get_kernel_dict
from jupyter_client import AsyncKernelClient, AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.provisioning import LocalProvisioner

PROVISIONER = "nmc-warm"
_IMPORTS_WITHIN = 120  #: seconds for the server to import the stack on a slow disk
_ANSWERS_WITHIN = 30  #: seconds for one fork to listen
_ENDS_WITHIN = 5.0  #: seconds for a killed kernel
_REPLIES_WITHIN = 1.0  #: seconds after which a kernel is asked again
_ARRIVES_WITHIN = 0.2  #: seconds after a reply for what is published with it

#: Variables that matter when Python or a library starts: a server serves one set of them.
_AT_START = ("PYTHON", "LC_", "LANG", "TZ", "OMP_", "OPENBLAS_", "MKL_", "MPL", "LD_", "MALLOC_")


class _Refused(RuntimeError):
    """The server cannot fork; the message says why."""


class KernelSilent(RuntimeError):
    """A kernel was started and never answered; the message says why."""

    def __init__(self, message: str, *, has_ended: bool):
        super().__init__(message)
        self.has_ended = has_ended


class _Server:
    """The process that forks; started at the first need, and anew for other start variables."""

    def __init__(self) -> None:
        self.refusal = ""
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._environment: dict[str, str] = {}
        self._kernels: WeakSet[Forked] = WeakSet()

    def fork(self, command: list[str], environment: Mapping[str, str], folder: str) -> Forked:
        """Ask for a kernel.

        Raises
        ------
        _Refused
            There is no server, or it cannot fork safely.
        """
        with self._lock:
            self._start(environment)
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            request = {"command": command, "environment": dict(environment), "folder": folder}
            try:
                socket.send_fds(self._control, [json.dumps(request).encode()], [theirs.fileno()])
            except OSError as error:
                ours.close()
                raise _Refused(f"сервер ядер остановился ({error})") from None
            finally:
                theirs.close()
            kernel = Forked(ours)
            self._kernels.add(kernel)
        return kernel

    def _start(self, environment: Mapping[str, str]) -> None:
        if reason := _unable():
            raise _Refused(reason)
        wanted = _at_start(environment)
        is_same = wanted == self._environment
        if self._process is not None and self._process.poll() is None:
            if is_same:
                return
            if any(kernel.poll() is None for kernel in self._kernels):  # they would end with it
                raise _Refused("у тетради свои переменные среды, важные при запуске Python")
        if is_same and self.refusal:
            raise _Refused(self.refusal)
        self.stop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-P",  # not what lies in the current folder
                "-m",
                "nmc_utils.kernel_server",
                str(theirs.fileno()),
                str(os.getpid()),
            ],
            pass_fds=[theirs.fileno()],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl+C goes to the runner, which ends its kernels in order
        )
        theirs.close()
        self._control, self._environment, self.refusal = ours, wanted, ""
        ours.settimeout(_IMPORTS_WITHIN)
        try:
            is_ready = ours.recv(16) == b"ready"
        except OSError:
            is_ready = False
        if not is_ready:
            self.refusal = "сервер ядер не запустился"
            self.stop()
            raise _Refused(self.refusal)

    def stop(self) -> None:
        """End the server and its kernels."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._control = self._process = None


class Forked:
    """A forked kernel, with the part of `subprocess.Popen` that a provisioner needs.

    The server is its parent: it alone can wait for it, and tells the exit code down the lifeline.
    """

    stdin = stdout = stderr = None

    def __init__(self, lifeline: socket.socket) -> None:
        self._lifeline = lifeline
        self.returncode: int | None = None
        self.peak: int | None = None  #: bytes that it held at most, once it has ended
        told: dict[str, Any] = {}
        while not told.keys() >= {"pid", "listens"} and "exit" not in told:
            if not (more := self._told(_ANSWERS_WITHIN)) or "unsafe" in more:
                self._give_up(more, told.get("pid"))
            told |= more
        self.pid: int = told["pid"]
        self.returncode, self.peak = told.get("exit"), told.get("peak")

    def _give_up(self, last: dict[str, Any] | None, pid: int | None) -> NoReturn:
        self._lifeline.close()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if last:
            raise _Refused(f"в сервере ядер есть потоки: {', '.join(last['unsafe'])}")
        raise _Refused("сервер ядер не ответил")

    def poll(self) -> int | None:
        """Exit code, or None while the kernel lives."""
        return self._wait(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end.

        Raises
        ------
        subprocess.TimeoutExpired
            It has not ended in `timeout` seconds.
        """
        code = self._wait(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("kernel", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the kernel."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(signal.SIGTERM)

    def _wait(self, timeout: float | None) -> int | None:
        if self.returncode is None and (told := self._told(timeout)) is not None:
            self.returncode, self.peak = told.get("exit", -signal.SIGKILL), told.get("peak")
            self._lifeline.close()
        return self.returncode

    def _told(self, timeout: float | None) -> dict[str, Any] | None:
        """What the server says; an empty message when it is gone, and the kernel with it."""
        self._lifeline.settimeout(timeout)
        try:
            data = self._lifeline.recv(4096)
        except (TimeoutError, BlockingIOError):
            return None
        except ConnectionResetError:
            data = b""
        return json.loads(data) if data else {}


_server = _Server()
atexit.register(_server.stop)


def _unable() -> str:
    """Why this system cannot fork a process that has imported much; empty when it can."""
    if not hasattr(os, "fork"):
        return "на этой системе нет fork"
    if sys.platform == "darwin":
        return "на macOS библиотеки системы не переносят fork"
    return ""


def _at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_AT_START)}


class WarmProvisioner(LocalProvisioner):
    """Starts a kernel as a fork of `kernel_server`, or as usual where that cannot be."""

    #: Why the last kernel of this process was started as usual; empty when it was forked.
    cold_because: str = ""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        """Start the kernel that `cmd` describes; what it writes to a terminal is dropped."""
        environment = kwargs.get("env") or dict(os.environ)
        self.cwd = Path(kwargs.get("cwd") or Path.cwd())
        self.parent.forked = None
        try:
            self.process = _server.fork(cmd, environment, str(self.cwd))
        except _Refused as reason:
            type(self).cold_because = str(reason)
            return await super().launch_kernel(cmd, **kwargs)
        type(self).cold_because = ""
        self.parent.forked = self.process
        self.pid = self.pgid = self.process.pid  # it makes itself the leader of a group
        return self.connection_info

    async def kill(self, restart: bool = False) -> None:
        """Kill the kernel and see its end: jupyter_client looks for it every tenth of a second."""
        await super().kill(restart)
        if isinstance(self.process, Forked):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_ENDS_WITHIN)


def kernel_spec() -> dict[str, Any]:
    """What a ``kernel.json`` says of a warm kernel of this Python, without history of commands."""
    about = get_kernel_dict(["--HistoryManager.enabled=False"])  # no rows in ~/.ipython
    about["metadata"] |= {"kernel_provisioner": {"provisioner_name": PROVISIONER}}
    return about


class _Specs(KernelSpecManager):
    """The one kernel of the suite: this very Python, whatever kernels the machine knows."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(**kernel_spec())


class _Client(AsyncKernelClient):
    """A client that is ready as soon as it hears the kernel.

    jupyter_client flushes what the kernel has published by waiting until nothing more comes for
    0.2 s. The end of the answer to the last request is the last thing there is to flush.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers and what it publishes arrives.

        Raises
        ------
        KernelSilent
            The kernel has ended, or did not answer within `timeout` seconds.
        """
        until = time.monotonic() + (math.inf if timeout is None else timeout)
        while not await self._is_heard(self.kernel_info()):
            if not await self.is_alive():
                raise KernelSilent("остановилось, не ответив", has_ended=True)
            if time.monotonic() > until:
                raise KernelSilent(f"не ответило за {timeout:g} с", has_ended=False)

    async def _is_heard(self, request: str) -> bool:
        """Whether the reply came and, after it, word that the kernel is idle again."""
        try:
            reply = await self.shell_channel.get_msg(timeout=_REPLIES_WITHIN)
            self._handle_kernel_info_reply(reply)
            while True:
                told = await self.iopub_channel.get_msg(timeout=_ARRIVES_WITHIN)
                is_idle = told["content"].get("execution_state") == "idle"
                if is_idle and told["parent_header"].get("msg_id") == request:
                    return True
        except Empty:
            return False


class WarmKernelManager(AsyncKernelManager):
    """A manager whose kernels start warm where they can."""

    forked: Forked | None = None  #: its last kernel, also once ended; None when started as usual

    def _client_factory_default(self) -> type[AsyncKernelClient]:
        return _Client

    def _kernel_spec_manager_default(self) -> KernelSpecManager:
        return _Specs(parent=self)
