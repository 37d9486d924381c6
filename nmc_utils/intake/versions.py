"""A corrected file takes the place of the older one wholly, municipality by municipality.

Files about one municipality are versions of a sheet when they are about the same people or
organisations, whatever else of them was corrected: a name, a date of birth, a stage. Files about
different people are parts of a municipality, and both count.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd

from nmc_utils.intake.batch import BLANK, HELD_OUT, Batch
from nmc_utils.intake.persons import normalise
from nmc_utils.intake.reported import OF_SUPPORT, Sender
from nmc_utils.terms import REGISTER

_LEAST_COMMON = 0.5  # of the shorter of two sheets, by people or organisations
_MOST_LOST = 0.2  # of the older records; with more of them gone the sender is asked


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
    batch: Batch, senders: Mapping[str, Sender], refused: Collection[tuple[str, str]]
) -> list[Difference]:
    """Set the rows aside in whose place those of a newer file stand.

    Parameters
    ----------
    batch
        Typed, with the municipality of every row in `places`.
    senders
        File → in which order it came and which municipalities it is about.
    refused
        (newer file, table) of which too little could be accepted: it replaces nothing and is held
        out.
    """
    order = sorted(range(len(batch.pieces)), key=lambda n: senders[batch.pieces[n].file].number)
    there = {number: set(rows) for number, rows in batch.places.fillna("").groupby(batch.piece)}
    found = []
    for at, older in enumerate(order):
        for newer in reversed(order[at + 1 :]):
            one, other = batch.pieces[older].file, batch.pieces[newer].file
            if one == other:
                continue
            rows = _rows_of_both(batch, older, newer, senders, there)
            if rows is None or not _are_versions(batch, *rows):
                continue
            if (other, batch.table) in refused:
                _hold_newer(batch, newer)
                continue
            difference = _difference(batch, *rows, one=one, other=other)
            batch.replace(rows[0], other, difference.words)
            if difference.removed > _MOST_LOST * len(batch.row[rows[0]]):
                _ask(batch, newer, difference)
            found.append(difference)
    return found


def _rows_of_both(
    batch: Batch,
    older: int,
    newer: int,
    senders: Mapping[str, Sender],
    there: Mapping[int, set[str]],
) -> tuple[pd.Series, pd.Series] | None:
    """Rows of two pieces about the municipalities of the newer file; None where there are none.

    A register of organisations is nobody's version: it is compared with a register alone. `there`
    are the municipalities of each piece's rows, "" where a row has none.
    """
    mine = (senders[batch.pieces[older].file].places, senders[batch.pieces[newer].file].places)
    if batch.table == REGISTER and mine[0] != mine[1]:
        return None
    places = mine[1] or frozenset(there.get(newer, set()) - {""})
    is_of_the_same = bool(mine[0]) and mine[0] <= mine[1]
    if places and not is_of_the_same and there.get(older, set()).isdisjoint({*places, ""}):
        return None
    filled = batch.status.ne(BLANK) & batch.current
    rows = [filled & batch.piece.eq(number) for number in (older, newer)]
    if places and not is_of_the_same:
        rows = [mask & (batch.places.isin(places) | batch.places.isna()) for mask in rows]
    return (rows[0], rows[1]) if rows[0].any() and rows[1].any() else None


def _are_versions(batch: Batch, older: pd.Series, newer: pd.Series) -> bool:
    """Whether most of the shorter sheet is about who or what is in the other, loosely known."""
    for keys in _loose_keys(batch):
        before, after = set(keys[older].dropna()), set(keys[newer].dropna())
        fewest = min(len(before), len(after))
        if fewest and len(before & after) >= _LEAST_COMMON * fewest:
            return True
    return False


def _loose_keys(batch: Batch) -> list[pd.Series]:
    """Who or what a row is about, in ways that a correction of one thing leaves equal."""
    if batch.person:
        *names, born = batch.headers
        parts = {name: normalise(batch.persons[name]) for name in names}
        day = batch.persons[born].astype("str")
        surname, given = parts["Фамилия"], parts["Имя"]
        keys = [batch.data[batch.person], surname + "\x1f" + given]
        keys.append(given + "\x1f" + parts["Отчество"].fillna("") + "\x1f" + day)
        if batch.table not in OF_SUPPORT:
            return keys
        # The centre may tell other things of the same people: only the same things are versions.
        rest = [name for name in batch.key if name != batch.person]
        things = batch.data[rest].astype("str").fillna("").agg("\x1f".join, axis=1)
        is_whole = batch.person not in batch.key
        return [things] if is_whole else [key + "\x1f" + things for key in keys]
    key = batch.data[batch.key].astype("str").fillna("").agg("\x1f".join, axis=1)
    return [key, key.str.replace(r"(?:^|(?<=\x1f))0+", "", regex=True)]


def _hold_newer(batch: Batch, newer: int) -> None:
    meaning = "Новый файл не заменил прежний: принято слишком мало его строк; действует прежний"
    remedy = "Исправьте новый файл по замечаниям и пришлите снова."
    batch.hold(batch.piece.eq(newer), meaning)
    batch.remark(newer, "sheet", meaning, remedy)


def _ask(batch: Batch, newer: int, difference: Difference) -> None:
    batch.remark(
        newer,
        "note",
        f"Новый файл действует вместо прежнего целиком, и записей стало меньше: {difference.words}",
        "Если новый файл — только дополнение, пришлите один файл со всеми записями.",
        found=f"вместо «{difference.older}»",
    )


def _difference(
    batch: Batch, older: pd.Series, newer: pd.Series, *, one: str, other: str
) -> Difference:
    """Compare the rows of two files by key."""
    before, after = _records(batch, older), _records(batch, newer)
    common = before.index.intersection(after.index)
    left, right = before.loc[common], after.loc[common]
    changed = (left.ne(right) & ~(left.isna() & right.isna())).any(axis=1)
    return Difference(
        other,
        one,
        batch.table,
        int(changed.sum()),
        len(after.index.difference(before.index)),
        len(before.index.difference(after.index)),
    )


def _records(batch: Batch, mine: pd.Series) -> pd.DataFrame:
    """Rows by key, the first of equal keys, as text."""
    rows = pd.concat([batch.data[mine], batch.text.loc[mine, batch.positions]], axis=1)
    required = [name for name in batch.key if not batch.schema.columns[name].nullable]
    rows = rows.astype("str").dropna(subset=required)
    if rows.empty:
        return rows
    keys = rows[batch.key].fillna("").agg("\x1f".join, axis=1)
    return rows.set_index(keys)[lambda frame: ~frame.index.duplicated()]


def is_worthless(batch: Batch, file: str) -> bool:
    """Whether less than nine of ten rows of a file's table were accepted."""
    mine = [number for number, piece in enumerate(batch.pieces) if piece.file == file]
    status = batch.status[batch.piece.isin(mine) & batch.status.ne(BLANK)]
    return bool(status.eq(HELD_OUT).mean() > _MOST_HELD_OUT) if len(status) else True


_MOST_HELD_OUT = 0.1  # of a newer file that may still take the place of the older
