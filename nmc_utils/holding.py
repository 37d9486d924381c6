"""Who holds an edition: one run at a time, by locks that the system lets go when a process ends."""

from __future__ import annotations

import errno
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from nmc_utils.results import ResultsError, home_of, read_json, results_folder, write_json

_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL}  #: as NFS and SMB say it
_CLOCK_WOBBLES = 2  #: seconds by which the start of a process may be told otherwise later
_SAYS_WITHIN = 1  #: seconds in which whoever has got a lock says who it is
_ORPHAN_STOPS_WITHIN = 30  #: seconds for what a dead runner left on another machine


class Busy(ResultsError):
    """Another process works on the edition."""


@contextmanager
def held(
    root: Path,
    keys: Sequence[str],
    *,
    wait: float = 0,
    waits: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Hold editions against other runs; the system lets go when the process ends, however it does.

    Parameters
    ----------
    wait : float
        Seconds to wait for somebody else.
    waits : callable, optional
        Told, before waiting, for whom.

    Raises
    ------
    Busy
        Somebody else holds one of them; the sentence says who and since when.
    ResultsError
        Nothing can be written there, or the file system has no locks.
    """
    folder = results_folder(root) / ".locks"
    with ExitStack() as stack:
        for key in sorted(keys):
            stack.enter_context(_held(folder, key, wait=wait, waits=waits))
        yield


@contextmanager
def held_work(root: Path, run: str, key: str) -> Iterator[None]:
    """Hold the folder in which a run makes an edition, wherever the notebooks are executed.

    A process that a dead runner left on another machine has some seconds to see that and stop.
    """
    with _held(home_of(root, run) / "locks", key, wait=_ORPHAN_STOPS_WITHIN):
        yield


@contextmanager
def _held(
    folder: Path, key: str, *, wait: float, waits: Callable[[str], None] | None = None
) -> Iterator[None]:
    path = folder / f"{key.replace('/', '--')}.lock"
    holder = path.with_suffix(".json")  # the lock's own file is emptied by whoever tries it
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=wait, fallback_to_soft=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if not wait or not ((who := _who(holder)) or _has_locks(folder)):
                raise
            if waits:
                waits(f"{key}: жду, пока закончит другой прогон{who}")
            lock.acquire()
    except Timeout:
        who = _who(holder)
        if not (who or _has_locks(folder)):
            raise ResultsError(_no_locks(folder)) from None
        raise Busy(
            f"{key}: над изданием уже работает другой прогон{who}. Дождитесь его конца"
        ) from None
    except OSError as error:
        is_lockless = error.errno in _NO_LOCKS
        raise ResultsError(
            _no_locks(folder) if is_lockless else unwritable(folder, error)
        ) from error
    try:
        since = datetime.now().astimezone().isoformat(timespec="seconds")
        with suppress(OSError):  # a full disk: the lock holds without it
            write_json(holder, myself() | {"since": since})
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def myself() -> dict[str, Any]:
    """What tells this process from every other, also from a later one of the same number."""
    process = psutil.Process()
    return {"pid": process.pid, "host": platform.node(), "began": process.create_time()}


def is_alive(about: Mapping[str, Any]) -> bool:
    """Whether the process that said this of itself still runs on this machine."""
    try:
        began = psutil.Process(about["pid"]).create_time()
    except psutil.Error:
        return False
    return about["host"] == platform.node() and abs(began - about["began"]) < _CLOCK_WOBBLES


def _has_locks(folder: Path) -> bool:
    """Whether a file of our own can be locked: some shares refuse as if somebody held it."""
    path = folder / f".{platform.node()}.{os.getpid()}.lock"
    try:
        with FileLock(path, timeout=0, fallback_to_soft=False):
            return True
    except Timeout:
        return False
    finally:
        path.unlink(missing_ok=True)


def _no_locks(folder: Path) -> str:
    return (
        f"{folder}: эта файловая система не умеет запирать файлы, вести прогон в ней нельзя. "
        "Выберите другую папку данных: nmc init ПАПКА"
    )


def _who(holder: Path) -> str:
    """Who holds a lock and since when; empty when they do not say."""
    until = time.monotonic() + _SAYS_WITHIN
    while True:
        about = read_json(holder) or {}
        is_late = time.monotonic() > until
        # What a holder that was killed has left stands there until the next one has said; of
        # another machine nobody here knows who is alive.
        if about and (is_alive(about) or (is_late and about["host"] != platform.node())):
            since = datetime.fromisoformat(about["since"])
            return f" (процесс {about['pid']} на машине {about['host']}, с {since:%d.%m.%Y %H:%M})"
        if is_late:
            return ""
        time.sleep(0.02)


_WHY_UNWRITABLE = {
    errno.EACCES: "нет прав",
    errno.EPERM: "нет прав",
    errno.EROFS: "диск только для чтения",
    errno.ENOSPC: "на диске нет места",
    errno.EDQUOT: "исчерпана квота",
    errno.EIO: "диск отвечает ошибкой",
}


def unwritable(folder: Path, error: OSError) -> str:
    """Say that and why nothing can be written in `folder`."""
    why = _WHY_UNWRITABLE.get(error.errno, error.strerror or str(error))
    return f"{folder}: сюда нельзя писать ({why}). Проверьте права и диск"
