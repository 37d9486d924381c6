"""A corrected file takes the place of the older one wholly, table by table.

Two files are versions of one thing when they are about the same municipalities and most of the
older one's records are in the newer. Files without a common record are parts, and both count.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd

from nmc_utils.intake.batch import BLANK, Batch

_LEAST_COMMON = 0.5  # of the older file's records


@dataclass(frozen=True)
class Difference:
    """What a newer file changed in a table: numbers of records."""

    file: str
    older: str
    table: str
    changed: int
    added: int
    removed: int

    @property
    def words(self) -> str:
        """«изменено 14, добавлено 3, исчезло 2»."""
        return f"изменено {self.changed}, добавлено {self.added}, исчезло {self.removed}"


def replace_older(
    batch: Batch,
    numbers: Mapping[str, int],
    places: Mapping[str, frozenset[str]],
    refused: Collection[tuple[str, str]],
) -> list[Difference]:
    """Set the pieces of a batch aside in whose place a newer file stands.

    Parameters
    ----------
    batch
        Typed, so that the same person is the same key in both files.
    numbers
        File → in which order it came.
    places
        File → municipalities it is about; files that name none are compared with one another.
    refused
        (newer file, table) of which no row could be accepted: it replaces nothing and is held out.
    """
    order = sorted(range(len(batch.pieces)), key=lambda n: numbers[batch.pieces[n].file])
    found = []
    for at, older in enumerate(order):
        for newer in reversed(order[at + 1 :]):
            one, other = batch.pieces[older].file, batch.pieces[newer].file
            if one == other or places.get(one) != places.get(other):
                continue
            difference = _difference(batch, older, newer)
            if difference is None:
                continue
            if (other, batch.table) in refused:
                _hold_newer(batch, newer)
                continue
            batch.replace(older, other, difference.words)
            found.append(difference)
            break
    return found


def _hold_newer(batch: Batch, newer: int) -> None:
    meaning = "Новый файл не заменил прежний: в нём не принята ни одна строка; действует прежний"
    remedy = "Исправьте новый файл по замечаниям и пришлите снова."
    batch.hold(batch.piece.eq(newer), meaning)
    batch.remark(newer, "sheet", meaning, remedy)


def _difference(batch: Batch, older: int, newer: int) -> Difference | None:
    """Compare two pieces by key; None when they are not versions of one thing."""
    before, after = _records(batch, older), _records(batch, newer)
    common = before.index.intersection(after.index)
    if not len(common) or len(common) < _LEAST_COMMON * len(before):
        return None
    one, other = before.loc[common], after.loc[common]
    changed = (one.ne(other) & ~(one.isna() & other.isna())).any(axis=1)
    return Difference(
        batch.pieces[newer].file,
        batch.pieces[older].file,
        batch.table,
        int(changed.sum()),
        len(after.index.difference(before.index)),
        len(before.index.difference(after.index)),
    )


def _records(batch: Batch, number: int) -> pd.DataFrame:
    """The rows of a piece by key, the first of equal keys, as text."""
    mine = batch.piece.eq(number) & batch.status.ne(BLANK)
    rows = pd.concat([batch.data[mine], batch.text.loc[mine, batch.positions]], axis=1)
    rows = rows.astype("str").dropna(
        subset=[name for name in batch.key if _is_required(batch, name)]
    )
    if rows.empty:
        return rows
    keys = rows[batch.key].fillna("").agg("\x1f".join, axis=1)
    return rows.set_index(keys)[lambda frame: ~frame.index.duplicated()]


def _is_required(batch: Batch, column: str) -> bool:
    return not batch.schema.columns[column].nullable
