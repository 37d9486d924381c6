"""Which run of an edition was approved, by whom and by which order: beside the runs, with history.

``results/approvals.json`` maps ``region/period`` to its approvals, the last of which counts.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from nmc_utils.history import verify
from nmc_utils.results import ResultsError, current, log, results_folder

APPROVALS = "approvals.json"
_LOCK = ".approvals.lock"
_PATIENCE = 10.0  # seconds; recording takes some milliseconds


@dataclass(frozen=True)
class Approval:
    """An approved run: `by` and `order` as the person wrote them, `on` the day of the order.

    `number` is 1 for the first approved run of the edition, 2 for a revised one that stands in
    place of the approval `instead_of`.
    """

    run: str
    by: str
    order: str
    on: date
    number: int = 1
    instead_of: Approval | None = None

    def __str__(self) -> str:
        return f"{self.order}, {self.on:%d.%m.%Y}"

    @property
    def words(self) -> str:
        """What papers and pages of the run say of it."""
        if self.instead_of is None:
            return f"Утверждено: {self}"
        revised = f"Уточнённая редакция № {self.number} взамен утверждённой: {self.instead_of}"
        return f"Утверждено: {self}. {revised}"


def approve(root: Path, edition: str, run: str, *, by: str, order: str, on: date) -> Approval:
    """Record that `run` of `edition` (``region/period``) was approved.

    Raises
    ------
    FileNotFoundError
        There is no such run.
    ResultsError
        The run is not the one that is read, is damaged, was approved by this order last, it is not
        said by whom or by which order, or somebody else has been recording for too long.
    """
    by, order = (" ".join(text.split()) for text in (by, order))
    if not by:
        raise ResultsError("утвердить нельзя: не указано, кто утвердил (--by)")
    if not order:
        raise ResultsError("утвердить нельзя: не указан приказ (--order)")
    if problems := verify(root, run, edition):
        raise ResultsError(f"утвердить прогон {run} нельзя: {'; '.join(problems)}")
    if (read := current(root).get(edition)) != run:
        told = f"действует {read}" if read else "ничего не опубликовано"
        raise ResultsError(
            f"утвердить прогон {run} нельзя: у издания {edition} {told}. Утверждается только "
            "действующий прогон; сменить его: nmc rollback"
        )
    entry = {"run": run, "by": by, "order": order, "on": on.isoformat()}
    with _alone(root):
        recorded = _read(root)
        entries = recorded.get(edition, [])
        if entries[-1:] == [entry]:  # an earlier one counts no more and may be repeated
            raise ResultsError(
                f"прогон {run} издания {edition} уже утверждён: {order}, {on:%d.%m.%Y}"
            )
        _write(root, recorded | {edition: [*entries, entry]})
        made = approvals(root, edition)[-1]
    log(root, "approve", edition=edition, run=run)
    return made


def approvals(root: Path, edition: str) -> list[Approval]:
    """All approvals of ``region/period`` in the order in which they were recorded."""
    told: list[Approval] = []
    for entry in _read(root).get(edition, []):
        one = Approval(**entry | {"on": date.fromisoformat(entry["on"])})
        if told and told[-1].run == one.run:  # what was written of this run is corrected
            one = replace(one, number=told[-1].number, instead_of=told[-1].instead_of)
        elif told:
            one = replace(one, number=told[-1].number + 1, instead_of=told[-1])
        told.append(one)
    return told


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the record for reading and writing it, so that of two approvals none is lost."""
    path = results_folder(root) / _LOCK
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
            break
        except (FileExistsError, PermissionError) as error:
            # Windows refuses a file that is just being removed
            if isinstance(error, PermissionError) and os.name != "nt":
                raise
            if time.monotonic() > until:
                raise ResultsError(
                    f"утвердить нельзя: другое утверждение ещё записывается. Если никто не "
                    f"утверждает, запись прервалась: удалите файл {path} и повторите"
                ) from error
            time.sleep(0.02)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _read(root: Path) -> dict[str, list[dict[str, str]]]:
    path = results_folder(root) / APPROVALS
    try:
        recorded = json.loads(path.read_text("utf-8"))
        for entry in sum(recorded.values(), []):
            Approval(**entry | {"on": date.fromisoformat(entry["on"])})
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResultsError(f"{path}: файл утверждений повреждён") from error
    return recorded


def _write(root: Path, recorded: dict[str, list[dict[str, str]]]) -> None:
    path = results_folder(root) / APPROVALS
    building = path.with_name(f".approvals.{os.getpid()}.json")
    text = json.dumps(recorded, ensure_ascii=False, indent=1, sort_keys=True)
    with building.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(building, path)
