"""A run on many processes publishes what a run on one does, also when a worker is killed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CHECKOUT
from dask_cluster import cluster_of_two, until

pytestmark = [pytest.mark.scale, pytest.mark.xdist_group("jobs")]
REGIONS, PERSONS, RUN_TAKES = ("model_01", "model_02"), 400, 500


def _nmc(root: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "nmc_utils.cli", "--data", str(root), *arguments]


def _tables(root: Path) -> dict[str, bytes]:
    """Every published table by its path, without the folder of the run's name."""
    return {
        path.relative_to(root / "results").as_posix(): path.read_bytes()
        for path in sorted((root / "results").glob("*/*/*/*/*.parquet"))
    }


@pytest.fixture(scope="module")
def sent(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("sent") / "data"
    sizes = ("--regions", str(len(REGIONS)), "--persons", str(PERSONS))
    for command in (_nmc(root, "init", str(root)), _nmc(root, "demo", *sizes)):
        subprocess.run(command, check=True, capture_output=True, cwd=CHECKOUT)
    return root


@pytest.fixture(scope="module")
def alone(sent, tmp_path_factory) -> dict[str, bytes]:
    """What one process publishes."""
    root = shutil.copytree(sent, tmp_path_factory.mktemp("alone") / "data")
    _finished(_nmc(root, "run", "--allow-missing", "--jobs", "1", *REGIONS))
    tables = _tables(root)
    assert {path.split("/")[1] for path in tables} == set(REGIONS)
    return tables


def _finished(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, timeout=RUN_TAKES)
    assert done.returncode in (0, 3), done.stdout + done.stderr


def test_two_processes_publish_the_same(sent, alone, tmp_path):
    root = shutil.copytree(sent, tmp_path / "data")
    _finished(_nmc(root, "run", "--allow-missing", "--jobs", "2", *REGIONS))
    assert _tables(root) == alone


def test_a_cluster_one_of_whose_workers_is_killed_publishes_the_same(sent, alone, tmp_path):
    root = shutil.copytree(sent, tmp_path / "data")
    with cluster_of_two(tmp_path) as (address, workers):
        command = _nmc(root, "run", "--allow-missing", "--scheduler", address, *REGIONS)
        runner = subprocess.Popen(
            command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        made = (root / "results" / ".partial").glob
        assert until(lambda: any(made("*/*/*/notebooks/02_*.ipynb")), RUN_TAKES)
        for process in (workers[0].children()[-1], workers[0]):  # a worker and its nanny
            process.kill()
        said, _ = runner.communicate(timeout=RUN_TAKES)
    assert runner.returncode in (0, 3), said
    assert _tables(root) == alone
