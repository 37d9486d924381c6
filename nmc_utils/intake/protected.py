"""Files that lead from identities back to people: outside the data root, for their owner alone."""

from __future__ import annotations

import hashlib
import os
import sys
import uuid
from pathlib import Path

from nmc_utils.editions import Edition

_FOR_OTHERS = 0o077


class KeyFileError(ValueError):
    """A protected file cannot be used; the message says why and what to do."""


def key_path(region_code: str) -> Path:
    """Where the key of a region lives: ``NMC_KEY``, else the user's configuration folder."""
    if named := os.environ.get("NMC_KEY"):
        return Path(named).expanduser().absolute()
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "nmc" / f"{region_code}.key"


def key_digest(key: bytes) -> str:
    """Digest by which tables and crosswalks record which key made their identities."""
    return hashlib.sha256(b"nmc key\x1f" + key).hexdigest()


def refuse_inside(path: Path, edition: Edition, what: str, variable: str) -> None:
    """Refuse a place inside the data root: together with the data it gives the names away."""
    if path.resolve().is_relative_to(edition.root.resolve()):
        raise KeyFileError(
            f"{path}: {what} лежит внутри папки данных {edition.root}. Перенесите в другое место "
            f"и укажите его в {variable}: вместе с данными это раскрывает имена."
        )


def refuse_open(path: Path, what: str, open_: str = "доступен") -> None:
    """Refuse a file or a folder that other users of the computer may read."""
    if os.name == "posix" and path.exists() and path.stat().st_mode & _FOR_OTHERS:
        mode = "700" if path.is_dir() else "600"
        raise KeyFileError(
            f"{path}: {what} {open_} другим пользователям. Выполните: chmod {mode} {path}"
        )


def make_folder(path: Path) -> None:
    """Make a folder and those above it that are missing, for the owner alone."""
    for folder in (*reversed(path.parents), path):
        folder.mkdir(mode=0o700, exist_ok=True)


def write_protected(path: Path, content: bytes) -> None:
    """Replace a file at once; what is written is never readable by others, not even halfway."""
    make_folder(path.parent)
    building = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}")
    handle = os.open(building, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(building, path)
    finally:
        building.unlink(missing_ok=True)
