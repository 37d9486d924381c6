"""Keyed identities: the same person is the same code in every table, and the name is not in it.

Who holds the key can tell whether a given person is in the tables; so the key of submitted records
lives outside the data root, readable by its owner alone. Demonstration records are nobody's, and
their key is public, so that everyone's outputs are equal.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import sys
from pathlib import Path

import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.intake.columns import PERSON_HEADERS

DEMONSTRATION_KEY = b"nmc demonstration key, public on purpose: it protects nobody"
KEY_BYTES = 32
ID_LENGTH = 20  # hex digits, 80 bits: two of a million persons collide with probability 4e-13


class KeyFileError(ValueError):
    """The key of the identities cannot be used; the message says why and what to do."""


def normalise(names: pd.Series) -> pd.Series:
    """Bring spellings of one name together: case, ё and е, Unicode form, spaces and hyphens.

    A dash instead of a patronymic is an empty one. Missing names stay missing.
    """
    return (
        names.str.normalize("NFC")
        .str.casefold()
        .str.normalize("NFC")
        .str.replace("ё", "е", regex=False)
        .str.replace(r"\s*[-\u2010-\u2015\u2212]+\s*", "-", regex=True)
        .str.replace(r"\s+", " ", regex=True)
        .str.strip(" -")
    )


def identities(frame: pd.DataFrame, region_code: str, key: bytes) -> pd.Series:
    """Replace persons by identities.

    Parameters
    ----------
    frame
        One row a person, with the columns `PERSON_HEADERS`: three of text and a date of birth.
    region_code
        Enters the identity: a person known to two regions has two.
    key
        The secret of HMAC-SHA-256 (RFC 2104).

    Returns
    -------
    Series of 20 hexadecimal digits on the index of `frame`; missing where the surname, the given
    name or the date of birth is.
    """
    *names, born = PERSON_HEADERS
    surname, given, patronymic = (normalise(frame[name].astype("str")) for name in names)
    parts = [surname, given, patronymic.fillna(""), frame[born].dt.strftime("%Y-%m-%d")]
    message = pd.Series(region_code, index=frame.index, dtype="str")
    for part in parts:
        message = message + "\x1f" + part
    message = message.mask(surname.eq("") | given.eq(""))
    codes = {
        text: hmac.digest(key, text.encode(), "sha256").hex()[:ID_LENGTH]
        for text in message.dropna().unique()
    }
    return message.map(codes).astype("str")


def key_for(edition: Edition) -> bytes:
    """Return the key of an edition's identities; the first use of a submitted region makes it.

    Raises
    ------
    KeyFileError
        The key file lies inside the data root, others may read it, or it is damaged.
    """
    if edition.is_demonstration:
        return DEMONSTRATION_KEY
    path = key_path(edition.region.code)
    if path.resolve().is_relative_to(edition.root.resolve()):
        raise KeyFileError(
            f"{path}: ключ лежит внутри папки данных {edition.root}. Перенесите его в другое место "
            "и укажите это место в NMC_KEY: вместе с данными ключ раскрывает имена."
        )
    if not path.exists():
        _make_key(path)
    return _read_key(path)


def key_digest(key: bytes) -> str:
    """Digest by which a run records which key it used."""
    return hashlib.sha256(b"nmc key\x1f" + key).hexdigest()


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


def _make_key(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process made it first: theirs counts
        return
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")


def _read_key(path: Path) -> bytes:
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise KeyFileError(
            f"{path}: ключ доступен другим пользователям. Выполните: chmod 600 {path}"
        )
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise KeyFileError(f"{path}: ключ не читается ({error}). {_RESTORE}") from error
    if len(key) < KEY_BYTES:
        raise KeyFileError(f"{path}: ключ повреждён, в нём меньше {KEY_BYTES} байтов. {_RESTORE}")
    return key


_RESTORE = (
    "Восстановите файл из резервной копии: с новым ключом личные коды всех людей станут другими."
)
