"""A run in progress: its name, what it reads, which steps it has done.

``results/.partial/<run>/`` is where a run works. ``run.json`` says what it is made from and stands
there from its first moment to its last; beside it are the accepted tables as they were when the run
began (``inputs/``), what each edition has done (``steps/``) and what it has made so far. Whatever
kills a run leaves this folder, and the next run of the same inputs goes on from there.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from nmc_utils.editions import RUN, RUN_INPUTS, Edition
from nmc_utils.history import verify
from nmc_utils.holding import is_alive, myself, unwritable
from nmc_utils.results import (
    PARTS,
    RUN_FOLDER,
    RUN_OVER_PUBLISHED,
    ResultsError,
    begin,
    check_run,
    current,
    home_of,
    log,
    read_json,
    read_manifest,
    results_folder,
    run_id,
    write_json,
)

ABOUT = "run.json"
_LEAST_SPACE = 50_000_000  #: bytes that an edition is given at least: results, notebooks, tables
_LEAST_FILES = 200  #: files of an edition's run: tables, notebooks, inputs, steps
_FULL = (errno.ENOSPC, errno.EDQUOT)
_GONE = ".gone-"  #: what is being removed


@dataclass(frozen=True)
class Run:
    """A run in progress.

    `inputs` maps ``region/period`` to the digests of everything its results depend on. A draft is
    never published and never continued.
    """

    root: Path
    name: str
    inputs: Mapping[str, Mapping[str, str]]
    is_draft: bool = False
    is_continued: bool = False

    def folder(self, key: str) -> Path:
        """Where an edition is made."""
        return home_of(self.root, self.name) / key

    def open(self, edition: Edition) -> None:
        """Make the folder of an edition and keep its accepted tables as they are now.

        Raises
        ------
        ResultsError
            They have changed since they were accepted.
        """
        if not self.folder(edition.key).is_dir():
            begin(edition, self.name)
        folder = home_of(self.root, self.name) / "inputs" / edition.key
        _take_snapshot(edition, folder, self.inputs[edition.key])

    def environment(self, key: str) -> dict[str, str]:
        """What tells a kernel where it is."""
        about = {
            RUN_FOLDER: str(self.folder(key)),
            RUN_INPUTS: str(home_of(self.root, self.name) / "inputs"),
        }
        return about | ({RUN_OVER_PUBLISHED: "1"} if self.is_draft else {})

    def recorded(self, key: str) -> tuple[str, ...]:
        """Notebooks that an edition has done so far, whether or not their outputs are intact."""
        return tuple(read_json(self._steps(key)) or ())

    def finished(self, key: str, notebooks: Sequence[str]) -> tuple[str, ...]:
        """Leading notebooks whose outputs are all there as they were; what else is there goes."""
        folder, steps = self.folder(key), read_json(self._steps(key)) or {}
        kept: dict[str, dict[str, str]] = {}
        for notebook in notebooks:
            files = steps.get(notebook)
            if files is None or any(_digest(folder / name) != files[name] for name in files):
                break
            kept[notebook] = files
        if kept != steps:
            write_json(self._steps(key), kept)  # what is made again is recorded again
        known = {name for files in kept.values() for name in files}
        for path in _made(folder):
            if path.relative_to(folder).as_posix() not in known:
                path.unlink()
        return tuple(kept)

    def record(self, key: str, notebook: str) -> None:
        """Note what `notebook` has added to the edition, so that it need not be made again."""
        folder, path = self.folder(key), self._steps(key)
        steps = read_json(path) or {}
        known = {name for files in steps.values() for name in files}
        added = {
            name: _digest(made)
            for made in _made(folder)
            if (name := made.relative_to(folder).as_posix()) not in known
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, steps | {notebook: added})

    def close(self, published: Sequence[str]) -> None:
        """Remove what the run leaves when every edition is published; else keep it to go on."""
        if not self.is_draft and set(published) == set(self.inputs):
            _remove(self.root, self.name)

    def _steps(self, key: str) -> Path:
        return home_of(self.root, self.name) / "steps" / f"{key.replace('/', '--')}.json"


def start(
    root: Path,
    inputs: Mapping[str, Mapping[str, str]],
    *,
    versions: Mapping[str, str] | None = None,
    is_draft: bool = False,
    resume: str | None = None,
) -> Run:
    """Begin a run of editions, or go on with one that was cut short and had the same inputs.

    Parameters
    ----------
    versions : mapping, optional
        Of Python and of the packages: with others a run is not gone on with.
    resume : str, optional
        Go on with this run or with none.

    Raises
    ------
    ResultsError
        `resume` cannot be gone on with, or the disk is too small or not writable.
    """
    if is_draft:
        about, before = {"draft": sorted(inputs), "maker": myself()}, None
        _forget_drafts(root, set(inputs))
    else:
        about = _about(inputs, versions or {})
        before = _resumed(root, resume, about) if resume else _unfinished_of(root, about)
    check_space(root, list(inputs))
    try:
        digest = _digest_of({**inputs, "draft": {}} if is_draft else inputs)
        name = before or _new_home(root, digest, about)
    except OSError as error:
        reason = no_room(error, root, list(inputs))
        raise ResultsError(reason or unwritable(results_folder(root), error)) from error
    if before:
        log(root, "continue", run=name)
    return Run(root, name, dict(inputs), is_draft, before is not None)


def _forget_drafts(root: Path, keys: set[str]) -> None:
    """Remove earlier drafts of these editions; not what another living process is making."""
    for home in (results_folder(root) / ".partial").glob("*"):
        about = read_json(home / ABOUT) or {}
        if not RUN.fullmatch(home.name) or not keys.issuperset(about.get("draft", "*")):
            continue
        maker = about["maker"]
        if maker["host"] == platform.node() and (
            maker["pid"] == os.getpid() or not is_alive(maker)
        ):
            _remove(root, home.name)


def _about(inputs: Mapping[str, Mapping[str, str]], versions: Mapping[str, str]) -> dict[str, Any]:
    """What a run is made from, as it stands in its folder."""
    whole = {key: dict(of) for key, of in inputs.items()}
    return {"digest": _digest_of(inputs), "inputs": whole, "versions": dict(versions)}


def _new_home(root: Path, digest: str, about: Mapping[str, Any]) -> str:
    """Make the folder of a new run, with what it is made from in it from its first moment."""
    partial = results_folder(root) / ".partial"
    made = partial / f".{digest[:10]}.{platform.node()}.{os.getpid()}"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    if "draft" not in about:  # whoever was killed here held the same editions and is not alive
        for dead in set(partial.glob(f".{digest[:10]}.*")) - {made}:
            shutil.rmtree(dead, ignore_errors=True)
    write_json(made / ABOUT, about)
    while True:
        name = run_id(root, digest)
        try:
            made.rename(partial / name)
        except OSError as error:  # a draft of the same inputs has just taken the name
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return name


def log_of(run: Run) -> Path:
    """Where the steps of a run are told, with times."""
    return results_folder(run.root) / "logs" / f"{run.name}.log"


def unfinished(root: Path) -> dict[str, tuple[str, ...]]:
    """Runs that were cut short → the editions they were to make."""
    return {
        home.name: tuple(about["inputs"])
        for home in sorted((results_folder(root) / ".partial").glob("*"))
        if RUN.fullmatch(home.name) and "inputs" in (about := read_json(home / ABOUT) or {})
    }


def forget_others(root: Path, key: str, run: str) -> list[str]:
    """Remove what other, dead runs have left of an edition that `run` has published.

    Whoever calls this holds the edition, so none of those runs is alive.
    """
    gone = []
    for other, keys in unfinished(root).items():
        if other == run or key not in keys:
            continue
        home = home_of(root, other)
        shutil.rmtree(home / key, ignore_errors=True)
        shutil.rmtree(home / "inputs" / key, ignore_errors=True)
        if not any((home / left).is_dir() for left in keys):
            _remove(root, other)
        log(root, "forget", edition=key, run=other)
        gone.append(other)
    return gone


def _remove(root: Path, run: str) -> None:
    """Remove the folder of a run: none at once, so that whoever dies here leaves no half of it."""
    partial = results_folder(root) / ".partial"
    with suppress(FileNotFoundError):
        home_of(root, run).rename(partial / f"{_GONE}{run}")
    for gone in partial.glob(f"{_GONE}*"):
        shutil.rmtree(gone, ignore_errors=True)


def _unfinished_of(root: Path, about: Mapping[str, Any]) -> str | None:
    for name in unfinished(root):
        if read_json(home_of(root, name) / ABOUT) == about and not _damage(root, name):
            return name
    return None


def _damage(root: Path, name: str) -> list[str]:
    """What is wrong with what a run that was cut short has published; nothing when it has none."""
    try:
        return verify(root, name)
    except FileNotFoundError:
        return []


def _resumed(root: Path, name: str, today: Mapping[str, Any]) -> str:
    """Return `name` when its inputs and versions are today's.

    Raises
    ------
    ResultsError
        They are not, or there is nothing to go on with.
    """
    check_run(name)
    about, inputs = read_json(home_of(root, name) / ABOUT), today["inputs"]
    if about is None:
        known = ", ".join(unfinished(root)) or "нет ни одного"
        raise ResultsError(f"прерванного прогона {name} нет; прерванные: {known}")
    again = f"начните заново: nmc run {' '.join(about['inputs'])}"
    if set(about["inputs"]) != set(inputs):
        raise ResultsError(
            f"прогон {name} был начат для изданий {', '.join(about['inputs'])}; {again}"
        )
    for key, before in about["inputs"].items():
        if before.get("code") != inputs[key].get("code"):
            raise ResultsError(f"прогон {name}: код изменился, {again}")
        if before != inputs[key]:
            raise ResultsError(f"прогон {name}: данные или определения {key} изменились, {again}")
    was, now = about["versions"], today["versions"]
    if other := sorted(of for of in was.keys() | now.keys() if was.get(of) != now.get(of)):
        raise ResultsError(f"прогон {name}: изменились версии ({', '.join(other)}), {again}")
    if damage := _damage(root, name):
        raise ResultsError(f"прогон {name}: опубликованное повреждено ({damage[0]}), {again}")
    return name


def _take_snapshot(edition: Edition, folder: Path, inputs: Mapping[str, str]) -> None:
    """Keep the accepted tables as they are now. Intake replaces them whole, never in place."""
    shutil.rmtree(folder, ignore_errors=True)
    if "tables" not in inputs:
        return
    try:
        shutil.copytree(edition.validated, folder, copy_function=_link)
        sources = json.loads((folder / "sources.json").read_text("utf-8"))
        listed = sources.get("tables", {})  # a swap amid copying would mix those of two intakes
        is_same = sources["digest"] == inputs["tables"] and all(
            _digest(folder / name) == digest for name, digest in listed.items()
        )
    except (FileNotFoundError, shutil.Error, ValueError, KeyError) as error:
        if full := no_room(error, edition.root, [edition.key]):
            raise ResultsError(full) from error
        is_same = False
    if not is_same:
        raise ResultsError(
            f"{edition}: принятые таблицы изменились или исчезли, пока готовился прогон "
            f"({edition.validated}). Запустите его ещё раз: nmc run {edition.key}"
        )


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without links
        shutil.copy2(source, target)


def check_space(root: Path, keys: Sequence[str]) -> None:
    """Refuse to begin where the results of these editions will not fit or cannot be written.

    Raises
    ------
    ResultsError
        There is less room, or there are fewer files left, than the editions took last time; or
        nothing can be written there.
    """
    needed, free = _needed(root, keys), shutil.disk_usage(root).free
    if free < needed:
        raise ResultsError(_little_room(root, needed, free))
    if hasattr(os, "statvfs"):
        there = os.statvfs(root)
        if there.f_files and there.f_favail < _LEAST_FILES * len(keys):
            raise ResultsError(
                f"{root}: мало места на диске: нужно примерно {_LEAST_FILES * len(keys)} новых "
                f"файлов, файловая система даст ещё {there.f_favail}"
            )
    for folder in (results_folder(root), root / "validated"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise ResultsError(unwritable(folder, error)) from error


def no_room(error: Exception, root: Path, keys: Sequence[str]) -> str | None:
    """One sentence when `error` says that the disk is full, else None."""
    is_full = isinstance(error, OSError) and error.errno in _FULL
    # A kernel tells it as text, and so does the copying of many files.
    if not is_full and not any(f"[Errno {code}]" in str(error) for code in _FULL):
        return None
    return _little_room(root, _needed(root, keys), shutil.disk_usage(root).free)


def _little_room(root: Path, needed: int, free: int) -> str:
    return (
        f"{root}: мало места на диске: нужно примерно {needed / 1e6:.0f} МБ, "
        f"есть {free / 1e6:.0f} МБ. Освободите место или выберите другую папку: nmc init ПАПКА"
    )


def _needed(root: Path, keys: Sequence[str]) -> int:
    """Bytes that the results of editions will take, as last time, but some at least."""
    pointer, needed = current(root), 0
    for key in keys:
        files: dict[str, Any] = {}
        if key in pointer:
            with suppress(ResultsError):  # a damaged run does not stop the one that replaces it
                files = read_manifest(results_folder(root) / pointer[key] / key)["files"]
        needed += max(_LEAST_SPACE, sum(file["bytes"] for file in files.values()))
    return needed


def _made(folder: Path) -> list[Path]:
    """Tables and notebooks made so far."""
    return sorted(
        path
        for part in (*PARTS, "notebooks")
        for path in (folder / part).rglob("*")
        if path.is_file()
    )


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def _digest_of(inputs: Mapping[str, Mapping[str, str]]) -> str:
    whole = {key: dict(digests) for key, digests in inputs.items()}
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
