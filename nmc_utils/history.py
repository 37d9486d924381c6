"""Everything that was published: whether it is intact, and going back to it."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from nmc_utils.editions import COUNTRY
from nmc_utils.editions import edition as edition_of
from nmc_utils.results import (
    ResultsError,
    all_published,
    check_run,
    current,
    files_of,
    log,
    point,
    read_manifest,
    results_folder,
)


def verify(root: Path, run: str | None = None, edition: str | None = None) -> list[str]:
    """Compare what is published with its manifests.

    Parameters
    ----------
    run : str, optional
        Check every edition of this run; without it the published run of every edition.
    edition : str, optional
        Check this edition of the run alone, ``region/period``.

    Returns
    -------
    list of str
        One sentence for each file that was changed, is missing or does not belong there; empty
        when all is intact.

    Raises
    ------
    FileNotFoundError
        There is no such run.
    """
    if run is None:
        try:
            pairs = sorted(current(root).items())
        except ResultsError as error:
            return [str(error)]
        if not pairs and all_published(root):
            return [
                f"{results_folder(root) / 'current.json'}: указателя действующих прогонов нет, "
                "а прогоны есть. Укажите действующий: nmc rollback РЕГИОН ПЕРИОД ПРОГОН"
            ]
    else:
        check_run(run)
        pairs = [(key, run) for key in _editions_of(root, run)]
        if not pairs:
            known = ", ".join(sorted({name for name, _ in all_published(root)})) or "ни одного"
            raise FileNotFoundError(f"прогона {run} нет; есть: {known}")
    if edition is not None:
        pairs = [(key, name) for key, name in pairs if key == edition]
        return [sentence for key, name in pairs for sentence in _problems(root, key, name)]
    problems = [sentence for key, name in pairs for sentence in _problems(root, key, name)]
    names = sorted({name for _, name in pairs})
    return problems + [sentence for name in names for sentence in _strays(root, name)]


def _problems(root: Path, key: str, run: str) -> list[str]:
    folder = results_folder(root) / run / key
    about = f"{key}, прогон {run}"
    if not folder.is_dir():
        return [f"{about}: нет папки издания {folder}"]
    try:
        manifest = read_manifest(folder)
    except ResultsError as error:
        return [f"{about}: {error}"]
    if (manifest["edition"], manifest["run"]) != (key, run):
        return [f"{about}: манифест описывает {manifest['edition']}, прогон {manifest['run']}"]
    listed = manifest["files"]
    there = {path.relative_to(folder).as_posix(): path for path in files_of(folder)}
    missing = [f"{about}: нет файла {name}" for name in sorted(set(listed) - set(there))]
    extra = [f"{about}: лишний файл {name}" for name in sorted(set(there) - set(listed))]
    changed = [
        f"{about}: изменён файл {name}"
        for name in sorted(set(listed) & set(there))
        if hashlib.sha256(there[name].read_bytes()).hexdigest() != listed[name]["sha256"]
    ]
    return changed + missing + extra


def _strays(root: Path, run: str) -> list[str]:
    """Files of a run's folder that stand outside its editions."""
    folder = results_folder(root) / run
    names = [path.relative_to(folder) for path in files_of(folder)]
    return [f"прогон {run}: лишний файл {name.as_posix()}" for name in names if len(name.parts) < 3]


def _editions_of(root: Path, run: str) -> list[str]:
    return [key for name, key in all_published(root) if name == run]


def rollback(root: Path, key: str, run: str) -> None:
    """Point the edition `key` to `run`, one of its earlier or later published runs.

    Raises
    ------
    ResultsError
        The run does not have this edition, is not intact, or was made of records of another
        origin than the edition's.
    """
    check_run(run)
    if key not in _editions_of(root, run):
        having = [name for name, edition in all_published(root) if edition == key]
        raise ResultsError(
            f"в прогоне {run} нет издания {key}; есть в: {', '.join(having) or 'ни в одном'}"
        )
    if problems := _problems(root, key, run):
        raise ResultsError(f"вернуться к прогону {run} нельзя: {'; '.join(problems)}")
    made_of = read_manifest(results_folder(root) / run / key)["origin"]
    if made_of != (origin := _origin(root, key) or made_of):
        raise ResultsError(
            f"прогон {run} сделан из данных другого происхождения ({made_of}), "
            f"а издание {key} — {origin}"
        )
    before = current(root).get(key, "")
    point(root, key, run)
    log(root, "rollback", edition=key, run=run, before=before)


def _origin(root: Path, key: str) -> str | None:
    """Of what origin an edition is; a comparison of regions, that of its current run if any."""
    region, _, period = key.partition("/")
    if region != COUNTRY:
        return edition_of(region, period, root).origin
    run = current(root).get(key)
    return run and read_manifest(results_folder(root) / run / key)["origin"]


def runs(root: Path) -> pd.DataFrame:
    """Everything published: one row is an edition in a run, in order of publication.

    Returns
    -------
    DataFrame
        `run`, `region`, `period`, `current` (whether it is the one that is read), `origin`,
        `as_of`, `files`, `bytes`, `published_at` (from the log). What a damaged manifest does not
        tell is missing.
    """
    pointer, times = current(root), _publication_times(root)
    rows = [_row(root, run, key, pointer.get(key) == run) for run, key in all_published(root)]
    frame = pd.DataFrame(rows, columns=[*_ROW, "published_at"]).astype(_ROW)
    pairs = zip(frame["run"], frame["region"] + "/" + frame["period"], strict=True)
    frame["published_at"] = pd.Series([times.get(pair) for pair in pairs], dtype="str")
    return frame.sort_values(["published_at", "run", "region", "period"], ignore_index=True)


_ROW = {
    "run": "str",
    "region": "str",
    "period": "str",
    "current": "bool",
    "origin": "str",
    "as_of": "str",
    "files": "Int64",
    "bytes": "Int64",
}


def _row(root: Path, run: str, key: str, is_current: bool) -> dict[str, Any]:
    region, period = key.split("/")
    row = {"run": run, "region": region, "period": period, "current": is_current}
    with suppress(ResultsError):
        manifest = read_manifest(results_folder(root) / run / key)
        files = manifest["files"]
        row |= {
            "origin": manifest["origin"],
            "as_of": manifest["as_of"],
            "files": len(files),
            "bytes": sum(entry["bytes"] for entry in files.values()),
        }
    return row


def _publication_times(root: Path) -> dict[tuple[str, str], str]:
    path = results_folder(root) / "log.jsonl"
    times = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else []:
        with suppress(ValueError, KeyError):  # a line cut short by a crash tells nothing
            entry = json.loads(line)
            if entry["event"] == "publish":
                times[entry["run"], entry["edition"]] = entry["at"]
    return times
