"""Asks the process that reads; started when needed, ended when a file is too much for it."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock, Timer
from typing import Any

import pyarrow as pa

import nmc_utils.reading
from nmc_utils.reading.refusal import RefusalError

#: Seconds for one file; the largest honest one takes a tenth of it.
SECONDS = 120
#: A process that has read more than this is ended, so that it gives its memory back.
_LARGE = 8 * 2**20
_SMALLER = (
    "Откройте файл в Excel, удалите лишние листы, строки и столбцы, сохраните как "
    "«Книга Excel (*.xlsx)» и пришлите снова."
)


class Reader:
    """A process that reads one file after another."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def read(self, content: bytes) -> dict[str, Any]:
        """Return `format`, `epoch` and `sheets`; a sheet has its `rows` as an Arrow table.

        Raises
        ------
        RefusalError
            The file is refused, or has ended the process or taken too long.
        """
        with self._lock:
            answer = self._read(content, careful=False) or self._read(content, careful=True)
            if len(content) > _LARGE:
                self._end()
        if answer is None:
            raise _too_much()
        if "meaning" in answer:
            raise RefusalError(answer["meaning"], answer["remedy"])
        return answer

    def _read(self, content: bytes, *, careful: bool) -> dict[str, Any] | None:
        """Return the answer, or nothing when the file has ended the process."""
        process, is_late = self._running(), []
        timer = Timer(SECONDS, lambda: (is_late.append(True), process.kill()))
        timer.daemon = True
        timer.start()
        try:
            return _ask(process, content, careful)
        except (OSError, EOFError, pa.ArrowInvalid) as error:
            self._end()
            if is_late:
                raise RefusalError(f"Файл не прочитан за {SECONDS} секунд", _SMALLER) from error
            return None
        except BaseException:  # what is left in the pipe belongs to no later file
            self._end()
            raise
        finally:
            timer.cancel()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._owner != os.getpid():  # a copy of this process has pipes of the original
            self._process, self._owner = None, os.getpid()
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = _start()
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # it may hold what the process did not live to read
                pipe.close()  # type: ignore[union-attr]
        process.wait()


def _start() -> subprocess.Popen[bytes]:
    home = str(Path(nmc_utils.reading.__file__).resolve().parents[2])
    paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        # -P: no module of the folder where the command was given is loaded instead of a real one
        [sys.executable, "-P", "-m", "nmc_utils.reading.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | _QUIET,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


#: One thread and the plain allocator: the limit of memory counts what is reserved.
_QUIET = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"}


def _too_much() -> RefusalError:
    return RefusalError("Файл повреждён или слишком велик: чтение пришлось прервать", _SMALLER)


def _ask(process: subprocess.Popen[bytes], content: bytes, careful: bool) -> dict[str, Any]:
    assert process.stdin and process.stdout
    process.stdin.write(len(content).to_bytes(8, "little") + bytes([careful]))
    process.stdin.write(content)
    process.stdin.flush()
    sheets: list[dict[str, Any]] = []
    while True:
        letter, size = _take(process.stdout, 1), _take(process.stdout, 8)
        body = _take(process.stdout, int.from_bytes(size, "little"))
        if letter == b"R":
            sheets[-1]["rows"].append(pa.ipc.open_stream(body).read_all())
            continue
        about = json.loads(body.decode("utf-8", "surrogatepass"))
        if letter == b"s":
            sheets.append(about | {"rows": []})
        elif letter == b"e":
            sheets[-1] |= about
        else:
            return about | {"sheets": sheets}


def _take(pipe: Any, size: int) -> bytes:
    content = pipe.read(size)
    if len(content) < size:
        raise EOFError
    return content


READER = Reader()
atexit.register(READER.close)
