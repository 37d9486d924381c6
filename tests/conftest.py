"""Data roots that tests share: made anew in temporary folders, but for what takes minutes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from intake_books import books, defined, defined_small, sender, small  # noqa: F401

CHECKOUT = Path(__file__).resolve().parents[1]
#: Fixtures of tests each of which takes in workbooks of a whole edition: one case of so many is
#: tested always, all of them by `make test-long`.
_TAKES_IN, _ONE_OF = {"check", "sender", "small"}, 5
_n_cases: Counter[str] = Counter()
_PUBLISHES_WITHIN = 900  #: seconds for five editions, beside other tests; a test has 600 of its own


def copy_definitions(target: Path) -> Path:
    """Copy the region definitions of the checkout to a new data root."""
    for path in sorted((CHECKOUT / "data" / "regions").glob("*/*.*")):
        copy = target / "regions" / path.parent.name / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return target


def nmc(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does, on one data root."""
    return subprocess.run(
        [sys.executable, "-m", "nmc_utils.cli", "--data", str(root), *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=_PUBLISHES_WITHIN,
        env=os.environ | {"PYTHONUTF8": "1", "NO_COLOR": "1", "COLUMNS": "200"},
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep on one core what shares fixtures, and leave most of many cases to the long tests.

    A file is a group; so is what shows the published demonstration: while one core makes that, the
    other is to do something else. xdist reads the groups in its own
    `pytest_collection_modifyitems`, before any of ours.
    """
    fixtures = set(getattr(item, "fixturenames", ()))
    is_shown = "published_root" in fixtures and item.path.name != "test_notebooks.py"
    item.add_marker(pytest.mark.xdist_group("published" if is_shown else item.path.name))
    if "published_root" in fixtures:
        item.add_marker(pytest.mark.timeout(_PUBLISHES_WITHIN + 600))
    if fixtures & _TAKES_IN and hasattr(item, "callspec"):
        number = _n_cases[item.nodeid.partition("[")[0]]
        _n_cases[item.nodeid.partition("[")[0]] += 1
        if number % _ONE_OF:
            item.add_marker(pytest.mark.long)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their number: an archive holds its time, and both cores must agree on names."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to run where groups are lost: each core would publish all editions for itself."""
    if os.environ.get("PYTEST_XDIST_WORKER") and session.config.getvalue("loadgroup"):
        lost = [item.nodeid for item in session.items if "@" not in item.nodeid.rpartition("]")[2]]
        if lost:
            raise pytest.UsageError(f"xdist has dropped the groups of tests: {lost[0]}, …")


@pytest.fixture(scope="session", autouse=True)
def no_keys_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keys and crosswalks of submitted editions lie in a folder of the tests."""
    home = tmp_path_factory.mktemp("config")
    home.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CONFIG_HOME", "APPDATA"):
            patch.setenv(name, str(home))
        for name in ("NMC_KEY", "NMC_CROSSWALK", "NMC_DATA"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty data root with the region definitions."""
    return copy_definitions(tmp_path / "data")


def _made_of() -> str:
    """Digest of all that the published demonstration follows from."""
    digest = hashlib.sha256(sys.version.encode())
    parts = [CHECKOUT / name for name in ("nmc_utils", "notebooks", "data/regions")]
    files = [path for part in parts for path in part.rglob("*") if path.is_file()]
    for path in sorted([*files, CHECKOUT / "requirements.lock", Path(__file__)]):
        if "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(CHECKOUT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@pytest.fixture(scope="session")
def published_root(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration of all regions, five editions, from workbooks to published results.

    Made once for both cores, and kept in the cache of pytest for as long as all that it follows
    from stays the same. No test may change it.
    """
    cache = getattr(pytestconfig, "cache", None)
    place = cache.mkdir("published") if cache else tmp_path_factory.mktemp("published")
    kept = place / _made_of()
    with FileLock(place / "lock"):
        if not kept.exists():
            for older in [path for path in place.iterdir() if path.is_dir()]:
                shutil.rmtree(older)
            making = place / "unfinished"
            root = copy_definitions(making / "data")
            for command in (["demo"], ["run"]):
                done = nmc(root, *command)
                assert done.returncode == 0, done.stdout + done.stderr
            making.rename(kept)
    return kept / "data"
