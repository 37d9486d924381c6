"""Keyed identities: the same person is the same code in every table, and the name is not in it.

Who holds the key can tell whether a given person is in the tables; so the key of submitted records
lives outside the data root, readable by its owner alone. Demonstration records are nobody's, and
their key is public, so that everyone's outputs are equal.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from pathlib import Path

import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.intake import crosswalk
from nmc_utils.intake.persons import (
    OWN_CODE,
    PERSON_HEADERS,
    by_value,
    folded_code,
    normalise,
    without_patronymic,
)
from nmc_utils.intake.protected import (
    KeyFileError,
    key_digest,
    key_path,
    make_folder,
    refuse_inside,
    refuse_open,
)

DEMONSTRATION_KEY = b"nmc demonstration key, public on purpose: it protects nobody"
KEY_BYTES = 32
ID_LENGTH = 20  # hex digits, 80 bits: two of a million persons collide with probability 4e-13


def identities(frame: pd.DataFrame, region_code: str, key: bytes) -> pd.Series:
    """Replace persons by identities.

    Parameters
    ----------
    frame
        One row a person, with the columns `PERSON_HEADERS`: three of text and a date of birth.
        With a column `OWN_CODE` that alone identifies a person.
    region_code
        Enters the identity: a person known to two regions has two.
    key
        The secret of HMAC-SHA-256 (RFC 2104).

    Returns
    -------
    Series of 20 hexadecimal digits on the index of `frame`; missing where the surname, the given
    name or the date of birth is, or the own code.
    """
    message = pd.Series(region_code, index=frame.index, dtype="str")
    for part in _identifying(frame):
        message = message + "\x1f" + part
    return by_value(
        message, lambda text: hmac.digest(key, text.encode(), "sha256").hex()[:ID_LENGTH]
    )


def _identifying(frame: pd.DataFrame) -> list[pd.Series]:
    """What tells a person from others; missing in a part: nobody can be told."""
    if OWN_CODE in frame:
        code = by_value(frame[OWN_CODE].astype("str"), folded_code)
        return [code.mask(code.eq(""))]
    surname, given, patronymic, born = _normalised(frame)
    return [surname.mask(surname.eq("")), given.mask(given.eq("")), patronymic, born]


def _normalised(frame: pd.DataFrame) -> list[pd.Series]:
    *names, born = PERSON_HEADERS
    parts = [normalise(frame[name].astype("str")) for name in names]
    parts[-1] = parts[-1].mask(without_patronymic(frame[names[-1]].astype("str")), "")
    return [*parts, pd.to_datetime(frame[born]).dt.strftime("%Y-%m-%d").astype("str")]


def collisions(frame: pd.DataFrame, ids: pd.Series) -> pd.Series:
    """Which rows share an identity with a row of somebody else.

    Parameters
    ----------
    frame
        As in `identities`, of all tables of an edition.
    ids
        Their identities, before aliases: a changed surname is not somebody else.

    Returns
    -------
    Series of booleans. Names differ when both rows give them: a name that is left out beside an own
    code contradicts nothing.
    """
    parts = [part.mask(part.eq("")) for part in _normalised(frame)]
    persons = pd.concat(parts, axis=1, keys=PERSON_HEADERS)
    if OWN_CODE not in frame:  # here a patronymic that is left out makes another person
        persons["Отчество"] = persons["Отчество"].fillna("")
    differing = persons.groupby(ids.to_numpy()).nunique().gt(1).any(axis=1)
    return ids.isin(differing.index[differing])


def probable_duplicates(frame: pd.DataFrame, ids: pd.Series) -> pd.Series:
    """Groups of rows that are probably one person under several identities.

    Same surname, given name and date of birth, and a patronymic that differs or is left out; or all
    of them the same under two own codes. They are shown, never merged: two people may be so alike.

    Parameters
    ----------
    frame, ids
        As in `collisions`.

    Returns
    -------
    Series of Int64 on the index of `frame`: the number of the group from 0, missing where the row
    is in none.
    """
    surname, given, patronymic, born = _normalised(frame)
    keys = [surname.mask(surname.eq("")), given.mask(given.eq("")), born]
    if OWN_CODE in frame:
        keys.append(patronymic)
    persons = pd.concat(keys, axis=1).set_axis(range(len(keys)), axis=1)
    known = persons[ids.notna().to_numpy()].dropna()
    one = known.groupby(list(known), sort=False)
    several = ids.loc[known.index].groupby(one.ngroup()).transform("nunique").gt(1)
    chosen = known[several]
    if chosen.empty:
        return pd.Series(pd.NA, frame.index, dtype="Int64")
    groups = chosen.groupby(list(chosen), sort=False).ngroup()
    return groups.astype("Int64").reindex(frame.index)


# --- the key --------------------------------------------------------------------------------------


def key_for(edition: Edition) -> bytes:
    """Return the key of an edition's identities; the first use of a submitted region makes it.

    Raises
    ------
    KeyFileError
        The key file lies inside the data root, others may read it, it is damaged, or it is gone
        though it has been used.
    """
    if edition.is_demonstration:
        return DEMONSTRATION_KEY
    path = key_path(edition.region.code)
    refuse_inside(path, edition, "ключ", "NMC_KEY")
    if not path.exists():
        if used := _used_keys(edition):
            raise KeyFileError(
                f"{path}: ключа региона нет, а им уже сделаны личные коды "
                f"({', '.join(str(place) for place in used)}). {_lost(edition)}"
            )
        _make_key(path)
    return _read_key(path)


def check_key(edition: Edition, key: bytes) -> None:
    """Refuse a key that is not the one of the region's earlier identities.

    Raises
    ------
    KeyFileError
        Under this key the same people would get other identities than they have.
    """
    if edition.is_demonstration:
        return
    others = [place for place, used in _used_keys(edition).items() if used != key_digest(key)]
    if others:
        raise KeyFileError(
            f"{edition}: ключ не тот, которым сделаны прежние личные коды региона "
            f"({', '.join(str(place) for place in others)}): с ним коды тех же людей станут "
            f"другими. Ничего не записано. {_lost(edition)}"
        )


def _lost(edition: Edition) -> str:
    code = edition.region.code
    tables, persons = edition.root / "validated" / code, crosswalk.path_of(edition).parent
    return (
        f"Верните прежний файл ключа {key_path(code)} из резервной копии. Если он утрачен "
        f"навсегда, удалите папки {tables} и {persons} и примите все издания региона заново: "
        "сравнить людей с прежними прогонами будет нельзя."
    )


def _used_keys(edition: Edition) -> dict[Path, str]:
    """Where submitted records of the region have left identities → digest of their key."""
    used = {}
    tables = edition.root / "validated" / edition.region.code
    for path in sorted(tables.glob("*/sources.json")):
        try:
            sources = json.loads(path.read_text("utf-8"))
            digest, origin = sources["key"], sources.get("origin", "")
        except (OSError, ValueError, KeyError, TypeError):  # damaged: intake writes it anew
            continue
        if origin != "demonstration" and digest != key_digest(DEMONSTRATION_KEY):
            used[path.parent] = digest
    return used | crosswalk.keys_used(edition)


def _make_key(path: Path) -> None:
    make_folder(path.parent)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process made it first: theirs counts
        return
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")


def _read_key(path: Path) -> bytes:
    refuse_open(path, "ключ")
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
