"""The process that reads: a file comes in through its standard input, cells go out.

It can be ended by any file without harm to who asks: `client` starts it anew.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from datetime import date
from typing import Any, BinaryIO

import pyarrow as pa

from nmc_utils import memory_dumps
from nmc_utils.reading import separated, spreadsheet
from nmc_utils.reading.archive import too_large
from nmc_utils.reading.kinds import TEXT, kind
from nmc_utils.reading.refusal import Fault, RefusalError, damaged

#: Address space: the largest honest file takes half of it.
_MEMORY = 2_500 * 2**20
#: Seconds of the processor for one file.
_SECONDS = 100


class _Answers:
    """Frames on a pipe: a letter, the length, the content."""

    def __init__(self, pipe: BinaryIO):
        self._pipe = pipe

    def tell(self, what: str, content: Any) -> None:
        """Send a frame; columns of rows travel as Arrow, the rest as JSON."""
        if what == "rows":
            names = [str(number) for number in range(len(content))]
            batch = pa.RecordBatch.from_arrays(content, names)
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, batch.schema) as stream:
                stream.write_batch(batch)
            self._send(b"R", sink.getvalue())
        else:
            if what == "end":
                content = content | _numbered(content["faults"])
            text = json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")
            self._send(what[:1].encode(), text)

    def _send(self, letter: bytes, content: Any) -> None:
        self._pipe.write(letter + len(content).to_bytes(8, "little"))
        self._pipe.write(content)
        self._pipe.flush()


def _numbered(faults: list[tuple[int, int, Fault]]) -> dict[str, list]:
    """Faults by the number of their words: there are few words and may be many cells."""
    kinds = {fault: number for number, fault in enumerate(dict.fromkeys(f for *_, f in faults))}
    return {"kinds": list(kinds), "faults": [[row, column, kinds[f]] for row, column, f in faults]}


def main() -> None:
    """Read files until the input ends."""
    pipe, answers = sys.stdin.buffer, _Answers(sys.stdout.buffer)
    while len(size := pipe.read(8)) == 8:
        is_careful = pipe.read(1) == b"\1"
        content = pipe.read(int.from_bytes(size, "little"))
        _limit()
        try:
            form, epoch = _read(content, answers, is_careful)
            about = {"format": form, "epoch": epoch.isoformat() if epoch else None}
            answers.tell("done", about)
        except RefusalError as error:
            answers.tell("fail", {"meaning": str(error), "remedy": error.remedy})
        except MemoryError:
            error = too_large()
            answers.tell("fail", {"meaning": str(error), "remedy": error.remedy})
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # also a panic of the reader in Rust, which is no Exception
            error = damaged()
            answers.tell("fail", {"meaning": str(error), "remedy": error.remedy})


def _read(content: bytes, answers: _Answers, is_careful: bool) -> tuple[str, date | None]:
    form = kind(content)
    if form == TEXT:
        return separated.read(content, answers.tell), None
    return spreadsheet.read(content, form, answers.tell, careful=is_careful)


def _limit() -> None:
    """Limit memory and the time of the processor, where the system can."""
    try:
        import resource
    except ImportError:  # Windows: the time is limited by who asks
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + _SECONDS
    memory_dumps.forbid()
    limits = {"RLIMIT_AS": _MEMORY, "RLIMIT_CPU": seconds}
    for name, wanted in limits.items():
        limit = getattr(resource, name, None)
        with suppress(ValueError, OSError, TypeError):  # a system that knows no such limit
            _, hard = resource.getrlimit(limit)
            has_hard = hard != resource.RLIM_INFINITY  # set from outside: nobody may raise it
            resource.setrlimit(limit, (min(wanted, hard) if has_hard else wanted, hard))


if __name__ == "__main__":
    main()
