"""Stage, publish, read: the measure tables of a run.

``results/<run>/<region>/<period>/{public,restricted,notebooks}/`` with ``manifest.json`` is
published whole, by one rename; ``results/current.json`` says which run of an edition is read; work
in progress stands under ``results/.partial/``. Times stand in ``results/log.jsonl`` alone.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout

from nmc_utils.editions import RUN, Edition
from nmc_utils.measures.dictionary import check_measures, is_sensitive

RUN_FOLDER = "NMC_RUN_FOLDER"  #: the edition's folder of the run that a notebook belongs to
RUN_OVER_PUBLISHED = "NMC_RUN_OVER_PUBLISHED"  #: set when only some notebooks of a suite are run
PARTS = ("public", "restricted")
MANIFEST = "manifest.json"
_POINTS_WITHIN = 60  #: seconds to wait for another process that publishes

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_KEY = re.compile(r"[a-z_][a-z0-9_]*/[a-z0-9-]+")


class ResultsError(ValueError):
    """Something about stored results is wrong or refused; the message says what and where."""


class MissingResult(KeyError):
    """The run has no table of this name."""

    def __init__(self, table: str, edition: str, tables: list[str]):
        super().__init__(table)
        self.table, self.edition, self.tables = table, edition, tables

    def __str__(self) -> str:
        there = ", ".join(self.tables) or "ни одной"
        return f"в результатах издания {self.edition} нет таблицы «{self.table}»; есть: {there}"


# --- staging --------------------------------------------------------------------------------------


def stage(name: str, table: pd.DataFrame, public: bool = False) -> pd.DataFrame:
    """Add a table to the run in progress; outside a run only validate it.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and ``_``; once per run.
    table : DataFrame
        With a column `measure` it must be a measure table. A named index is refused, because it
        would be lost; any other index is dropped.
    public : bool
        Whether the council may read it. Only measure tables without a sensitive measure may be.

    Returns
    -------
    DataFrame
        `table` itself.

    Raises
    ------
    ValueError
        The name, the table or its being public is refused.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"имя таблицы «{name}» не подходит: нужны строчные латинские буквы, цифры и _"
        )
    if any(level is not None for level in table.index.names):
        raise ValueError(
            f"{name}: индекс {list(table.index.names)} не сохраняется; сначала reset_index()"
        )
    if "measure" in table:
        check_measures(table)
    if public:
        _check_public(name, table)
    if folder := os.environ.get(RUN_FOLDER):
        _write_table(Path(folder), name, table, PARTS[0] if public else PARTS[1])
    return table


def _check_public(name: str, table: pd.DataFrame) -> None:
    if "measure" not in table:
        raise ValueError(
            f"{name}: открытой может быть только таблица показателей (столбец measure)"
        )
    if is_sensitive(table):
        raise ValueError(
            f"{name}: в таблице есть показатели о результатах отдельных людей, "
            "открытой она быть не может"
        )


def _write_table(folder: Path, name: str, table: pd.DataFrame, part: str) -> None:
    if any((folder / other / f"{name}.parquet").exists() for other in PARTS):
        raise ValueError(f"таблица «{name}» в этом прогоне уже есть")
    path = folder / part / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, compression="zstd")
    path.write_bytes(buffer.getvalue())


# --- reading --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Stored:
    """Where a table is and the digest that it must have; a run in progress has no digests yet."""

    path: Path
    sha256: str | None = None

    def read(self) -> pd.DataFrame:
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise ResultsError(f"{self.path}: файл не читается. Подробности: nmc verify") from error
        if self.sha256 and hashlib.sha256(content).hexdigest() != self.sha256:
            raise ResultsError(
                f"{self.path}: файл изменён после публикации и не читается. "
                "Подробности: nmc verify; вернуть прежний прогон: nmc rollback"
            )
        return pd.read_parquet(io.BytesIO(content))


class Results(Mapping[str, pd.DataFrame]):
    """The tables of one edition in one run: ``results["level_shares"]``.

    A file that is not what the manifest says is refused when it is read.

    Attributes
    ----------
    edition : str
        ``region/period``.
    run : str
    folder : Path
    manifest : dict or None
        None while the run is in progress.
    notebooks : dict
        Name of an executed notebook → its path.
    """

    def __init__(
        self, edition: str, run: str, folder: Path, manifest: dict[str, Any] | None = None
    ):
        self.edition, self.run, self.folder, self.manifest = edition, run, folder, manifest
        digests = manifest["files"] if manifest else {}
        listed = [folder / file for file in digests] if manifest else files_of(folder)
        self._tables: dict[str, _Stored] = {}
        self.notebooks: dict[str, Path] = {}
        for path in sorted(listed):
            file = path.relative_to(folder)
            if file.parts[0] in PARTS and path.suffix == ".parquet":
                self._tables[path.stem] = _Stored(
                    path, digests.get(file.as_posix(), {}).get("sha256")
                )
            elif file.parts[0] == "notebooks":
                self.notebooks[path.stem] = path

    def over(self, published: Results) -> Results:
        """Return these results completed by the tables that only `published` has."""
        both = Results(self.edition, self.run, self.folder, self.manifest)
        both._tables = published._tables | self._tables
        return both

    @property
    def public(self) -> tuple[str, ...]:
        """Names of the tables that the council may read."""
        return tuple(name for name in self if self._tables[name].path.parent.name == PARTS[0])

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._tables:
            raise MissingResult(name, self.edition, list(self))
        return self._tables[name].read()

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._tables))

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        return f"Results({self.edition}, прогон {self.run}: {', '.join(self) or 'таблиц нет'})"


def results(edition: Edition) -> Results:
    """Return the run of `edition` that is in progress around us, else its published run.

    Raises
    ------
    FileNotFoundError
        Nothing is published; the message says what to do.
    ResultsError
        The pointer or the manifest is damaged, or the published run was made of records of
        another origin (demonstration, submitted).
    """
    folder = Path(os.environ.get(RUN_FOLDER) or "")
    ours = results_folder(edition.root) / ".partial" in folder.parents
    if not ours or folder.parts[-2:] != tuple(edition.key.split("/")):
        return _published(edition)
    staged = Results(edition.key, folder.parts[-3], folder)
    if os.environ.get(RUN_OVER_PUBLISHED) and edition.key in current(edition.root):
        return staged.over(_published(edition))
    return staged


staged = results  #: its name in the package, where `results` is this module


def _published(edition: Edition) -> Results:
    run = current(edition.root).get(edition.key)
    if run is None:
        raise FileNotFoundError(
            f"{edition}: опубликованных результатов нет. Выполните: nmc run {edition.key}"
        )
    return published(edition, run)


def published(edition: Edition, run: str) -> Results:
    """Return what `run` published of `edition`, whether or not it is the current run.

    Raises
    ------
    ResultsError
        The manifest is damaged, or the run was made of records of another origin or by another
        definition of the region: its numbers must not be read with today's cuts and names.
    """
    folder = results_folder(edition.root) / run / edition.key
    manifest = read_manifest(folder)
    remedy = f"Выполните: nmc run {edition.key}"
    if manifest["origin"] != edition.origin:
        raise ResultsError(
            f"{edition}: опубликован прогон данных другого происхождения "
            f"({manifest['origin']}, а издание — {edition.origin}). {remedy}"
        )
    if manifest["inputs"].get("definition", edition.digest) != edition.digest:
        raise ResultsError(f"{edition}: определение региона изменено после прогона. {remedy}")
    return Results(edition.key, run, folder, manifest)


def tables_digest(found: Results) -> str:
    """Digest of the canonical tables that a published run was made of.

    Raises
    ------
    ResultsError
        The manifest does not say it: nobody can tell whether the tables of today are the same.
    """
    digest = (found.manifest or {}).get("inputs", {}).get("tables")
    if not digest:
        raise ResultsError(
            f"{found.edition}: прогон {found.run} не говорит, из каких данных он сделан. "
            f"Выполните: nmc run {found.edition}"
        )
    return digest


#: Tables of a run that say who was in which group, and what must stand in them.
_GROUP_TABLES = {
    "seminar_groups": {"group_id", "family", "topics"},
    "seminar_members": {"person_id", "group_id", "reason"},
}


def kept_run(edition: Edition) -> Results | None:
    """Return the run whose groups `edition` keeps (``groups: keep``); None where it keeps none.

    Unlike a run that is read for its numbers, it may have been made by an earlier definition of the
    edition: who was in which group is a fact that no later cut or name changes. It need not be the
    current run. Each file is checked against the manifest when it is read.

    Raises
    ------
    DefinitionError
        There is no such run of the edition, it is of another origin, or it has no groups.
    ResultsError
        The manifest or a table is damaged.
    """
    if edition.groups is None:
        return None
    run, where = edition.groups.keep, ("groups", "keep")
    runs_of_edition = [name for name, key in all_published(edition.root) if key == edition.key]
    if run not in runs_of_edition:
        known = ", ".join(runs_of_edition) or "ни одного, сначала выполните nmc run без этого ключа"
        raise edition.refusal(where, f"прогона {run} у издания нет; есть: {known}")
    folder = results_folder(edition.root) / run / edition.key
    manifest = read_manifest(folder)
    if (manifest["edition"], manifest["run"]) != (edition.key, run):
        raise ResultsError(
            f"{folder}: манифест описывает {manifest['edition']}, прогон {manifest['run']}. "
            "Подробности: nmc verify"
        )
    if manifest["origin"] != edition.origin:
        raise edition.refusal(
            where,
            f"прогон {run} сделан из данных другого происхождения ({manifest['origin']}, "
            f"а издание — {edition.origin}); укажите прогон тех же данных",
        )
    found = Results(edition.key, run, folder, manifest)
    if any(
        name not in found or columns - set(found[name]) or found[name].empty
        for name, columns in _GROUP_TABLES.items()
    ):
        raise edition.refusal(
            where, f"в прогоне {run} групп нет; укажите прогон, в котором они есть"
        )
    return found


def current(root: Path) -> dict[str, str]:
    """Which run of each edition is published: ``region/period`` → run."""
    path = results_folder(root) / "current.json"
    try:
        pointer = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ResultsError(f"{path}: файл повреждён, это не JSON") from error
    if not isinstance(pointer, dict) or not all(
        _KEY.fullmatch(key) and isinstance(run, str) and RUN.fullmatch(run)
        for key, run in pointer.items()
    ):
        raise ResultsError(f"{path}: файл повреждён, нужны пары «регион/период: прогон»")
    return pointer


def all_published(root: Path) -> list[tuple[str, str]]:
    """Run and ``region/period`` of everything published, current or not."""
    folders = results_folder(root).glob("*/*/*")
    return sorted(
        (path.parts[-3], f"{path.parts[-2]}/{path.parts[-1]}")
        for path in folders
        if path.is_dir() and RUN.fullmatch(path.parts[-3])
    )


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a published edition, refusing one in which any byte was changed."""
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
        manifest = json.loads(content)
        digest = manifest.pop("sha256")
        sealed = _sealed(manifest)
    except FileNotFoundError as error:
        raise ResultsError(f"{path}: манифеста нет") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResultsError(f"{path}: манифест повреждён") from error
    if sealed != content:
        raise ResultsError(f"{path}: манифест повреждён")
    return manifest | {"sha256": digest}


# --- writing --------------------------------------------------------------------------------------


def results_folder(root: Path) -> Path:
    """Folder of all runs under a data root."""
    return root / "results"


def home_of(root: Path, run: str) -> Path:
    """Where a run works that is not published yet."""
    return results_folder(root) / ".partial" / run


def run_id(root: Path, digest: str) -> str:
    """Name of a new run of these inputs: ten digits of `digest` and an ordinal.

    A run that was published in part or not at all counts too, so that what it left is not
    overwritten.
    """
    short = digest[:10]
    folder = results_folder(root)
    names = [
        path.name for path in (*folder.glob(f"{short}-*"), *folder.glob(f".partial/{short}-*"))
    ]
    ordinals = [int(name.rpartition("-")[2]) for name in names if RUN.fullmatch(name)]
    return f"{short}-{max(ordinals, default=0) + 1}"


def begin(edition: Edition, run: str) -> Path:
    """Make the folder in which `run` works on `edition`, and return it."""
    check_run(run)
    folder = home_of(edition.root, run) / edition.key
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise ResultsError(f"{folder}: прогон {run} этого издания уже начат") from error
    log(edition.root, "begin", edition=edition.key, run=run)
    return folder


def publish(edition: Edition, run: str, inputs: Mapping[str, str]) -> Path:
    """Publish what `run` has made of `edition` and point the edition to it.

    Parameters
    ----------
    inputs : mapping
        Digests of everything that the results depend on.

    Returns
    -------
    Path
        The edition's folder of the published run.
    """
    root = edition.root
    work = home_of(root, run) / edition.key
    folder = results_folder(root) / run / edition.key
    check_run(run)
    if not work.is_dir():
        raise ResultsError(f"{work}: публиковать нечего, прогон {run} не начат")
    if folder.exists():
        raise ResultsError(f"{folder}: издание в этом прогоне уже опубликовано")
    (work / MANIFEST).write_bytes(_sealed(_manifest(edition, run, inputs, work)))
    _sync_tree(work)
    folder.parent.mkdir(parents=True, exist_ok=True)
    os.replace(work, folder)
    for parent in list(folder.parents)[:3]:
        _sync(parent)
    point(root, edition.key, run)
    for emptied in (work.parent, work.parent.parent):
        with suppress(OSError):  # another edition of the run still stands there
            emptied.rmdir()
    log(root, "publish", edition=edition.key, run=run)
    return folder


def adopt(edition: Edition, run: str, inputs: Mapping[str, str]) -> Path | None:
    """Point the edition to what `run` had published of it when it was cut short; None if nothing.

    The rename may have been the last thing that it did.
    """
    folder = results_folder(edition.root) / run / edition.key
    if not folder.is_dir() or read_manifest(folder)["inputs"] != dict(inputs):
        return None
    if current(edition.root).get(edition.key) != run:
        point(edition.root, edition.key, run)
        log(edition.root, "publish", edition=edition.key, run=run)
    return folder


def check_run(run: str) -> None:
    """Refuse what cannot be the name of a run."""
    if not RUN.fullmatch(run):
        raise ResultsError(f"«{run}» не похоже на номер прогона; пример: 0a1b2c3d4e-1")


def _manifest(
    edition: Edition, run: str, inputs: Mapping[str, str], folder: Path
) -> dict[str, Any]:
    return {
        "edition": edition.key,
        "origin": edition.origin,
        "as_of": edition.as_of.isoformat(),
        "run": run,
        "version": _package_version(),
        "inputs": dict(inputs),
        "files": {
            path.relative_to(folder).as_posix(): {
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "bytes": path.stat().st_size,
            }
            for path in files_of(folder)
        },
    }


def _package_version() -> str:
    try:
        return version("nmc-utils")
    except PackageNotFoundError:
        return "checkout"


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _sealed(manifest: Mapping[str, Any]) -> bytes:
    """The only bytes that a manifest of this content may have; they hold its own digest."""
    return _json({**manifest, "sha256": hashlib.sha256(_json(manifest)).hexdigest()})


def files_of(folder: Path) -> list[Path]:
    """Every file under `folder` but its manifest."""
    return sorted(
        path for path in folder.rglob("*") if not path.is_dir() and path != folder / MANIFEST
    )


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot flush a folder
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_tree(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):  # files before the folder they stand in
        _sync(path)
    _sync(folder)


def point(root: Path, key: str, run: str) -> None:
    """Let `run` be the one that is read of the edition `key`."""
    path = results_folder(root) / "current.json"
    lock = path.with_name(".locks") / "current.lock"
    lock.parent.mkdir(exist_ok=True)
    try:
        with FileLock(lock, timeout=_POINTS_WITHIN, fallback_to_soft=False):  # others point as well
            for left in path.parent.glob(".current.*.json"):  # by whoever was killed here
                left.unlink()
            write_json(path, current(root) | {key: run})
    except Timeout:
        raise ResultsError(
            f"{path}: указатель действующих прогонов {_POINTS_WITHIN} с занят другим процессом. "
            "Дождитесь его конца"
        ) from None


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a file whole: whoever reads it, or finds it after a crash, has the old or the new."""
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.json")
    try:
        temporary.write_bytes(_json(content))
        _sync(temporary)
        os.replace(temporary, path)
    except OSError:  # a full disk has no room for leftovers
        temporary.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def read_json(path: Path) -> dict[str, Any] | None:
    """What stands in a file of ours; None when there is none or it was cut short."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def log(root: Path, event: str, **fields: str) -> None:
    """Append a line to ``results/log.jsonl``, the one place where times stand."""
    path = results_folder(root) / "log.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    entry = {"at": datetime.now().astimezone().isoformat(timespec="milliseconds"), "event": event}
    with suppress(OSError), path.open("a", encoding="utf-8") as stream:  # no result hangs on it
        stream.write(json.dumps(entry | fields, ensure_ascii=False) + "\n")
