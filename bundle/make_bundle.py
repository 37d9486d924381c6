"""Make a folder from which the product is set up without internet and without admin rights.

``make bundle`` writes ``dist/nmc-<version>-<platform>-python<X.Y>/``: the checkout as git has it,
the wheels of `requirements.lock` for that platform, each with its hash, and the script that sets it
up.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from io import BytesIO
from pathlib import Path

from packaging.markers import Marker, default_environment

CHECKOUT = Path(__file__).resolve().parents[1]
_GLIBC = 28  #: wheels ask for glibc 2.28 at most: Astra Linux 1.7, РЕД ОС 7.3, ALT 10, Debian 10
#: What pip calls the platforms whose wheels fit, newest first; what markers of the lock ask about.
PLATFORMS = {
    "linux": {
        "tags": [f"manylinux_2_{minor}_x86_64" for minor in range(_GLIBC, 4, -1)]
        + ["manylinux2014_x86_64", "linux_x86_64"],
        "about": {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"},
        "setup": "setup.sh",
    },
    "windows": {
        "tags": ["win_amd64"],
        "about": {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows"},
        "setup": "setup.cmd",
    },
}
_MACHINES = {"linux": "x86_64", "windows": "AMD64"}
_PATCH = "{}.9"  #: no package of the lock asks for a later patch of a Python
_REQUIREMENT = re.compile(r"^(\S+?==[^\s;]+)(?: ; (.+?))? \\$")


def requirements(lock: str, platform: str, python: str) -> str:
    """The part of the lock that a platform and a Python need, without markers.

    pip asks the markers of the machine on which it runs, not of the one for which it downloads.
    """
    environment = default_environment() | PLATFORMS[platform]["about"]
    environment |= {"python_version": python, "python_full_version": _PATCH.format(python)}
    environment |= {"platform_machine": _MACHINES[platform]}
    kept, is_wanted = [], False
    for line in lock.splitlines():
        if match := _REQUIREMENT.match(line):
            is_wanted = match[2] is None or Marker(match[2]).evaluate(environment)
            line = f"{match[1]} \\"
        if is_wanted and not line.lstrip().startswith("#"):
            kept.append(line)
    return "\n".join(kept) + "\n"


def download(wanted: Path, wheels: Path, platform: str, python: str) -> None:
    """Fetch the wheels of `wanted`; pip refuses what has another hash or needs a compiler."""
    there = [flag for tag in PLATFORMS[platform]["tags"] for flag in ("--platform", tag)]
    there += ["--python-version", _PATCH.format(python), "--only-binary", ":all:", "--no-deps"]
    files = ["--requirement", str(wanted), "--require-hashes", "--dest", str(wheels)]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "download", *there, *files], check=True)


def make(platform: str, python: str, into: Path) -> Path:
    """Make the folder of one platform anew and return it."""
    about = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    folder = into / f"nmc-{about['version']}-{platform}-python{python}"
    shutil.rmtree(folder, ignore_errors=True)
    archive = subprocess.run(
        ["git", "-C", str(CHECKOUT), "archive", "HEAD"], check=True, capture_output=True
    ).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as tree:
        tree.extractall(folder, filter="data")
    wanted = folder / "requirements.txt"
    wanted.write_text(
        requirements((CHECKOUT / "requirements.lock").read_text("utf-8"), platform, python), "utf-8"
    )
    (folder / "python-version.txt").write_text(f"{python}\n", "utf-8")
    download(wanted, folder / "wheels", platform, python)
    setup = PLATFORMS[platform]["setup"]
    shutil.copy(folder / "bundle" / setup, folder / setup)
    return folder


def uncommitted() -> str:
    """Files of the checkout that differ from what `make` would pack."""
    status = ["git", "-C", str(CHECKOUT), "status", "--porcelain", "-z", "--no-renames"]
    told = subprocess.run(status, check=True, capture_output=True, encoding="utf-8").stdout
    return ", ".join(line[3:] for line in told.split("\0") if line)


def main() -> None:
    """Make what is asked for and say where it is."""
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--platform", choices=[*PLATFORMS], action="append")
    parser.add_argument("--python", default=ours, help="X.Y of the Python there")
    parser.add_argument("--into", type=Path, default=CHECKOUT / "dist")
    chosen = parser.parse_args()
    if changed := uncommitted():
        raise SystemExit(f"В папку войдёт то, что записано в git, а не записаны: {changed}")
    for platform in chosen.platform or PLATFORMS:
        folder = make(platform, chosen.python, chosen.into)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        print(f"{folder}: {size / 1e6:.0f} МБ")


if __name__ == "__main__":
    main()
