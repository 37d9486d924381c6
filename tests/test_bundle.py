"""The folder that is set up without internet: what is in it, and that it works."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
LOCK = (CHECKOUT / "requirements.lock").read_text("utf-8")


#: Brings up the loopback of a new network namespace, where nothing else is, and runs a command.
LOOPBACK_ALONE = """
import fcntl, os, socket, struct, sys
UP, RUNNING, SIOCSIFFLAGS = 1, 64, 0x8914
with socket.socket() as one:
    fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", UP | RUNNING))
os.execv(sys.argv[1], sys.argv[1:])
"""


def make_bundle():
    path = CHECKOUT / "bundle" / "make_bundle.py"
    spec = importlib.util.spec_from_file_location("make_bundle", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pinned(text: str) -> dict[str, str]:
    """Package → version of a file of requirements; a package twice is an error of pip."""
    pairs = re.findall(r"^([\w.\-\[\]]+)==([^\s;]+)", text, re.M)
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_each_platform_has_its_own_packages_with_hashes_and_no_markers(python):
    linux, windows = (
        make_bundle().requirements(LOCK, platform, python) for platform in ("linux", "windows")
    )
    assert ";" not in linux + windows
    only_linux = set(pinned(linux)) - set(pinned(windows))
    only_windows = set(pinned(windows)) - set(pinned(linux))
    assert {"pexpect", "ptyprocess"} <= only_linux
    assert {"pywinpty", "colorama"} <= only_windows
    for text in (linux, windows):
        entries = re.split(r"^(?=[\w.\-]+==)", text, flags=re.M)[1:]
        assert len(entries) > 100
        assert all("--hash=sha256:" in entry for entry in entries)


def test_versions_are_those_of_the_python_of_the_bundle():
    old, new = (pinned(make_bundle().requirements(LOCK, "linux", x)) for x in ("3.11", "3.12"))
    assert f"numpy=={old['numpy']} ; python_full_version < '3.12'" in LOCK
    assert f"numpy=={new['numpy']} ; python_full_version >= '3.12'" in LOCK


def test_the_script_of_windows_has_its_line_ends_and_takes_a_path_with_spaces():
    script = (CHECKOUT / "bundle" / "setup.cmd").read_bytes()
    assert script.count(b"\n") == script.count(b"\r\n") > 10
    assert b'set RUN="%PYTHON:"=%"' in script


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.platform != "linux", reason="пространства имён сети есть в Linux")
def test_the_linux_bundle_is_set_up_and_runs_with_the_network_blocked(tmp_path):
    bundle = make_bundle().make("linux", f"3.{sys.version_info.minor}", tmp_path / "С пробелом")
    assert shutil.which("unshare"), "нужен unshare (util-linux)"
    offline = ["unshare", "--map-root-user", "--net", sys.executable, "-c", LOOPBACK_ALONE]
    reached = [sys.executable, "-c", "import socket; socket.create_connection(('1.1.1.1', 53), 3)"]
    assert subprocess.run([*offline, *reached], capture_output=True).returncode == 1
    home = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHON": sys.executable, "LANG": "C"}
    options = {"capture_output": True, "text": True, "env": home, "cwd": "/"}
    done = subprocess.run([*offline, "/bin/sh", bundle / "setup.sh"], **options)
    assert done.returncode == 0, done.stdout + done.stderr
    nmc = [*offline, bundle / ".venv/bin/nmc", "--data", tmp_path / "data"]
    for command in (
        ["init", tmp_path / "data"],
        ["demo"],
        ["run", "kostroma/2021", "--only", "01_intake_quality"],
    ):
        done = subprocess.run([*nmc, *command], **options)
        assert done.returncode in (0, 3), done.stdout + done.stderr
