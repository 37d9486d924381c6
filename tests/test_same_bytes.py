"""Same inputs, same bytes: whatever the locale, time zone, hash seed, number of jobs, threads."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from conftest import copy_definitions, nmc

from nmc_utils.results import current, read_manifest, results_folder

EDITIONS = ("altai/2023", "kostroma/2021")
#: Everything around a run that must not matter, changed at once.
OTHERWISE = {
    "TZ": "Asia/Kamchatka",
    "LC_ALL": "C",
    "LANG": "C",
    "PYTHONHASHSEED": "7",
    "OMP_NUM_THREADS": "3",
    "OPENBLAS_NUM_THREADS": "3",
}


def made(root: Path, *options: str) -> dict[str, dict]:
    """Publish the editions from workbooks; of each its inputs and the digests of its tables."""
    for command in (["demo"], ["run", *EDITIONS, *options]):
        done = nmc(root, *command)
        assert done.returncode == 0, done.stdout + done.stderr
    found = {}
    for key, run in current(root).items():
        manifest = read_manifest(results_folder(root) / run / key)
        files = manifest["files"]
        found[key] = {
            "run": run,
            "inputs": manifest["inputs"],
            "tables": {name: files[name]["sha256"] for name in files if name.endswith(".parquet")},
        }
    return found


@pytest.mark.scale
@pytest.mark.timeout(1500)
def test_tables_do_not_depend_on_what_is_around_a_run(tmp_path, monkeypatch):
    plain = made(copy_definitions(tmp_path / "one" / "data"), "--jobs", "1")
    for name, value in OTHERWISE.items():
        assert os.environ.get(name) != value
        monkeypatch.setenv(name, value)
    other = made(copy_definitions(tmp_path / "Другая папка" / "data"), "--jobs", "2")
    assert set(plain) == set(EDITIONS)
    assert all(len(edition["tables"]) > 80 for edition in plain.values())
    assert other == plain


#: What tells of the files themselves: their names, digests and rows.
OF_FILES = {"files.parquet", "conservation.parquet"}


def taken_in(root: Path) -> dict[str, bytes]:
    done = nmc(root, "check", "model_01", "2023")
    assert done.returncode == 0, done.stdout + done.stderr
    tables = (root / "validated" / "model_01" / "2023").glob("*.parquet")
    return {path.name: path.read_bytes() for path in tables if path.name not in OF_FILES}


def turn_over(path: Path, name: str) -> None:
    """Write a workbook again under a name, its sheets and their rows the other way round."""
    book = pd.read_excel(path, sheet_name=None, engine="calamine")
    path.unlink()
    with pd.ExcelWriter(path.with_name(name), engine="xlsxwriter") as writer:
        for sheet, rows in reversed(book.items()):
            rows.iloc[::-1].to_excel(writer, sheet_name=sheet, index=False)


@pytest.mark.long
def test_what_is_accepted_does_not_depend_on_the_order_of_files_sheets_and_rows(tmp_path):
    sent = copy_definitions(tmp_path / "sent")
    assert nmc(sent, "demo", "--regions", "1", "--persons", "300").returncode == 0
    shutil.copytree(sent, tmp_path / "again")
    books = sorted((tmp_path / "again" / "regions" / "model_01" / "2023").glob("*.xlsx"))
    for place, path in enumerate(books):
        turn_over(path, f"{len(books) - place:02} {path.name}")
    plain, other = taken_in(sent), taken_in(tmp_path / "again")
    assert len(books) > 10 and len(plain) > 12
    assert other == plain
