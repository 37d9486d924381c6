"""Data roots that tests share: made anew in temporary folders, but for what takes minutes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import pytest
from filelock import FileLock
from intake_books import books, defined, defined_small, sender, small  # noqa: F401

from nmc_utils import history

CHECKOUT = Path(__file__).resolve().parents[1]
#: Fixtures of tests each of which takes in workbooks of a whole edition: one case of so many is
#: tested always, all of them by `make test-long`.
_TAKES_IN, _ONE_OF = {"check", "sender", "small"}, 5
_n_cases: Counter[str] = Counter()
_PUBLISHES_WITHIN = 900  #: seconds for five editions, beside other tests
_ANSWERS_WITHIN = 560  #: seconds for any other command, under the limit of a test
_UNUSED_FOR = 86_400  #: seconds after which a publication of other code is removed
_FOLLOWS_FROM = "published_follows_from"
_READ = {".py", ".yaml", ".txt"}


def definitions() -> list[Path]:
    """Files that define the regions of the checkout."""
    return sorted((CHECKOUT / "data" / "regions").glob("*/*.*"))


def copy_definitions(target: Path) -> Path:
    """Copy the region definitions of the checkout to a new data root."""
    for path in definitions():
        copy = target / "regions" / path.parent.name / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return target


def nmc(
    root: Path, *arguments: str, timeout: float = _ANSWERS_WITHIN
) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does, on one data root."""
    return subprocess.run(
        [sys.executable, "-m", "nmc_utils.cli", "--data", str(root), *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
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
    if hasattr(item, "callspec") and any(_takes_in(item, name) for name in fixtures & _TAKES_IN):
        number = _n_cases[item.nodeid.partition("[")[0]]
        _n_cases[item.nodeid.partition("[")[0]] += 1
        if number % _ONE_OF:
            item.add_marker(pytest.mark.long)


def _takes_in(item: pytest.Function, name: str) -> bool:
    """Whether the fixture of this name is the one of intake: others may be called the same."""
    module = item._fixtureinfo.name2fixturedefs[name][-1].func.__module__
    return module in ("intake_books", "test_bad_inputs")


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


@cache
def _made_of() -> str:
    """Digest of all that the published demonstration follows from."""
    packages = sorted(f"{one.name} {one.version}" for one in distributions())
    digest = hashlib.sha256(f"{sys.version} {packages}".encode())
    code = [path for path in (CHECKOUT / "nmc_utils").rglob("*") if path.suffix in _READ]
    files = [*code, *(CHECKOUT / "notebooks").glob("*.ipynb"), *definitions(), Path(__file__)]
    for path in sorted([*files, CHECKOUT / "pyproject.toml"]):
        digest.update(f"{path.relative_to(CHECKOUT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@pytest.fixture(scope="session")
def published_root(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration of all regions, five editions, from workbooks to published results.

    Made once for both cores, and kept in the cache of pytest for as long as all that it follows
    from stays the same and it is intact. No test may change it.
    """
    cache = getattr(pytestconfig, "cache", None)
    place = cache.mkdir("published") if cache else tmp_path_factory.mktemp("published")
    about = getattr(pytestconfig, "workerinput", {}).get(_FOLLOWS_FROM) or _made_of()
    kept = place / about
    with FileLock(place / "lock"):
        if not _is_whole(kept):
            for other in [path for path in place.iterdir() if path.is_dir()]:
                if other == kept or time.time() - other.stat().st_mtime > _UNUSED_FOR:
                    shutil.rmtree(other)
            making = place / f"{about}.unfinished"
            root = copy_definitions(making / "data")
            for command in (["demo"], ["run"]):
                done = nmc(root, *command, timeout=_PUBLISHES_WITHIN)
                assert done.returncode == 0, done.stdout + done.stderr
            making.rename(kept)
        os.utime(kept)
    return kept / "data"


def _is_whole(kept: Path) -> bool:
    return kept.exists() and not history.verify(kept / "data")


def pytest_configure_node(node) -> None:
    """Tell both cores one digest, though a file may be saved before the second has its first test.

    A hook of xdist: it is called where that is installed and used.
    """
    node.workerinput[_FOLLOWS_FROM] = _made_of()
