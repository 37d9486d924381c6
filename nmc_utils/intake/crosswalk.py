"""The crosswalk: which person an identity is. One protected file for every edition.

It lies beside the key, or in the folder that ``NMC_CROSSWALK`` names, never under the data root.
Nothing but `nmc unmask` and `nmc scan` reads it: without it the analysis goes on, and intake writes
it anew. The people of a demonstration are invented and have a crosswalk only where
``NMC_CROSSWALK`` asks for it; then it lies beside the real ones under a name of its own.
"""

from __future__ import annotations

import io
import json
import os
from contextlib import suppress
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from nmc_utils.editions import Edition
from nmc_utils.intake.persons import OWN_CODE, PERSON_HEADERS
from nmc_utils.intake.protected import (
    key_digest,
    key_path,
    make_folder,
    refuse_inside,
    refuse_open,
    write_protected,
)

#: Column of the crosswalk → header in the workbooks.
COLUMNS = dict(
    zip(("surname", "given", "patronymic", "born"), PERSON_HEADERS, strict=True), own_code=OWN_CODE
)
#: In the folder of what was sent: the edition has been purged.
PURGE_MARK = ".purged.json"
#: What intake tells of a purged edition, and what to do about it.
PURGED = (
    "Срок хранения ответов на задания истёк, издание очищено командой nmc purge: "
    "ответы и таблица соответствия личных кодов больше не записываются",
    "Удалите лист с ответами из присланных книг, если они больше не нужны.",
)
_VARIABLE = "NMC_CROSSWALK"
_KEY = b"nmc_key"  # digest of the key, in the metadata of the file
_WHAT = "таблица соответствия личных кодов"


class CrosswalkError(ValueError):
    """The crosswalk of an edition is damaged; the message says what to do."""


# --- place ----------------------------------------------------------------------------------------


def path_of(edition: Edition) -> Path:
    """Where the crosswalk of an edition is, or would be."""
    name = edition.period.text + (".demonstration" if edition.is_demonstration else "")
    return _home(edition) / edition.region.code / f"{name}.parquet"


def _home(edition: Edition) -> Path:
    if named := os.environ.get(_VARIABLE):
        return Path(named).expanduser().absolute()
    return key_path(edition.region.code).parent / "crosswalk"


def is_kept(edition: Edition) -> bool:
    """Whether intake writes a crosswalk of this edition."""
    wanted = not edition.is_demonstration or bool(os.environ.get(_VARIABLE))
    return wanted and not is_purged(edition)


def check_place(edition: Edition) -> None:
    """Refuse a place for the crosswalk that is not safe, before anything is written.

    Raises
    ------
    KeyFileError
        It is inside the data root, or others may read it.
    """
    if not is_kept(edition):
        return
    path = path_of(edition)
    refuse_inside(path, edition, _WHAT, _VARIABLE)
    for folder in (_home(edition), path.parent):
        refuse_open(folder, "папка таблиц соответствия личных кодов", "доступна")
    refuse_open(path, _WHAT, "доступна")


# --- content --------------------------------------------------------------------------------------


def write(edition: Edition, persons: pd.DataFrame, key: bytes) -> None:
    """Write the crosswalk of an edition, or nothing where none is kept.

    Parameters
    ----------
    edition
        The edition whose tables are written.
    persons
        The accepted rows about persons: `person_id` and the headers of a person, in any number of
        rows; the fullest of several spellings is kept, of equally full ones the first in
        alphabetical order.
    key
        The key of the identities.
    """
    if not is_kept(edition):
        return
    check_place(edition)
    frame = persons.rename(columns={header: name for name, header in COLUMNS.items()})
    frame = frame.reindex(columns=["person_id", *COLUMNS]).dropna(subset="person_id")
    texts = [name for name in frame if name != "born"]
    frame = frame.astype(dict.fromkeys(texts, "str")).assign(born=pd.to_datetime(frame["born"]))
    n_missing = frame.isna().sum(axis=1).rename("n_missing")
    keys = ["person_id", "n_missing", *COLUMNS]
    frame = frame.assign(n_missing=n_missing).sort_values(keys, na_position="last", kind="stable")
    frame = frame.drop(columns="n_missing").drop_duplicates("person_id", ignore_index=True)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: key_digest(key)})
    content = io.BytesIO()
    pq.write_table(table, content)
    path = path_of(edition)
    make_folder(path.parent)
    write_protected(path, content.getvalue())


def read(edition: Edition) -> pd.DataFrame | None:
    """Return the crosswalk: `person_id` and `COLUMNS`; None where there is none.

    Raises
    ------
    CrosswalkError
        The file is damaged.
    KeyFileError
        The file is not safe.
    """
    path = path_of(edition)
    if not path.exists():
        return None
    refuse_inside(path, edition, _WHAT, _VARIABLE)
    refuse_open(path, _WHAT, "доступна")
    try:
        return pd.read_parquet(path)[["person_id", *COLUMNS]]
    except (OSError, ValueError, KeyError) as error:  # of pyarrow's errors the base is ValueError
        code, period = edition.region.code, edition.period
        raise CrosswalkError(
            f"{path}: {_WHAT} повреждена. Выполните nmc check {code} {period}: приём запишет её "
            "заново из присланных файлов."
        ) from error


#: What stands beside the code of somebody whom the crosswalk does not know.
UNKNOWN = "нет в таблице соответствия"


def full_names(ids: pd.Series, persons: pd.DataFrame | None) -> tuple[pd.Series, pd.Series]:
    """Replace identities by full names.

    Parameters
    ----------
    ids
        Identities, missing ones among them.
    persons
        A crosswalk, or None.

    Returns
    -------
    The full names, of those who have sent none their own code, and for unknown people the identity
    with `UNKNOWN`; and which of them are unknown.
    """
    names = pd.Series(dtype="str")
    if persons is not None:
        parts = persons[["surname", "given", "patronymic"]].fillna("")
        joined = parts.agg(" ".join, axis=1).str.split().str.join(" ")
        own = "личный код " + persons["own_code"].astype("str")
        names = joined.mask(joined.eq(""), own).set_axis(persons["person_id"])
    found = ids.map(names).astype("str")
    is_unknown = ids.notna() & found.isna()
    return found.mask(is_unknown, ids.astype("str") + f" ({UNKNOWN})"), is_unknown


def keys_used(edition: Edition) -> dict[Path, str]:
    """Crosswalks of submitted editions of the region → digest of the key that made them."""
    used = {}
    for path in sorted((_home(edition) / edition.region.code).glob("*.parquet")):
        if path.name.endswith(".demonstration.parquet"):
            continue
        with suppress(OSError, ValueError, KeyError, TypeError):  # damaged: intake writes it anew
            used[path] = pq.read_schema(path).metadata[_KEY].decode()
    return used


# --- end of the term of retention -----------------------------------------------------------------


class RetentionError(ValueError):
    """Nothing may be purged (yet); the message says why."""


def is_purged(edition: Edition) -> bool:
    """Whether crosswalk and item responses were removed at the end of their term."""
    return (edition.sent / PURGE_MARK).is_file()


def term_of(edition: Edition) -> date:
    """The first day on which the edition may be purged: the end of its period and the term.

    Raises
    ------
    RetentionError
        The definition of the region sets no term.
    """
    retention = edition.region.retention
    if retention is None:
        raise RetentionError(
            f"{edition.region.name}: срок хранения не задан. Укажите его в region.yaml, ключ "
            "retention: months — сколько месяцев после конца периода, basis — документ"
        )
    return (pd.Timestamp(edition.period.ends_on) + pd.DateOffset(months=retention.months)).date()


def purge(edition: Edition, on: date) -> list[Path]:
    """Remove crosswalk and item responses, and leave a mark so that intake writes neither again.

    Parameters
    ----------
    edition
        The edition whose term is over.
    on
        Today.

    Returns
    -------
    What was removed.

    Raises
    ------
    RetentionError
        No term is set, or it is not over.
    """
    term = term_of(edition)
    if on < term:
        raise RetentionError(
            f"{edition}: срок хранения истекает {term:%d.%m.%Y}, раньше удалять нельзя "
            f"(основание: {edition.region.retention.basis})"
        )
    mark = {"purged_on": on.isoformat(), "term": term.isoformat()}
    mark["basis"] = edition.region.retention.basis
    text = json.dumps(mark, ensure_ascii=False, indent=1)
    (edition.sent / PURGE_MARK).write_text(text + "\n", "utf-8")
    removed = [path for path in (path_of(edition), responses_of(edition)) if path.exists()]
    for path in removed:
        path.unlink()
    return removed


def responses_of(edition: Edition) -> Path:
    """The file of the item responses."""
    return edition.validated / "responses.parquet"
