"""Rows that say the same twice, or contradict each other."""

from __future__ import annotations

import pandas as pd

from nmc_utils.intake.batch import ACCEPTED, HELD_OUT, SUPERSEDED, Batch
from nmc_utils.intake.columns import FROM_PERSON


def check_clashes(batch: Batch, values: pd.DataFrame) -> None:
    """Hold out all rows with the same key and different values, exact repeats among them too."""
    rows = values.loc[_with_equal_keys(batch)]
    if rows.empty:
        return
    clash = spread(batch, contradicting(rows, batch.key))
    if clash.any():
        _report_clash(batch, clash)


def check_repeats(batch: Batch, values: pd.DataFrame) -> None:
    """Keep the first of equal rows that nothing has been found against."""
    rows = values.loc[_with_equal_keys(batch)]
    if rows.empty:
        return
    repeated = spread(batch, rows.duplicated())
    involved = spread(batch, rows.duplicated(keep=False))
    if repeated.any():
        _report_repeat(batch, rows.loc[involved[involved].index], repeated, kind=SUPERSEDED)


def check_held_repeats(batch: Batch, values: pd.DataFrame) -> None:
    """Tell of rows of a file with an equal key where one is held out for something else.

    Else a repeat would be told only when that other thing has been mended. A row that is accepted
    stays so: only rows that are held out already are told of. Cells that could not be read are
    compared as they were sent. Another file may be there to correct this one.
    """
    told = batch.current & batch.status.isin([ACCEPTED, HELD_OUT])
    files = batch.piece.map({number: piece.file for number, piece in enumerate(batch.pieces)})
    for file in files[told].unique():
        _check_held_repeats_of(batch, values, of=told & files.eq(file))


def _check_held_repeats_of(batch: Batch, values: pd.DataFrame, *, of: pd.Series) -> None:
    same = _with_equal_keys(batch, of=of)
    held = same & batch.status.eq(HELD_OUT)
    if not held.any():
        return
    rows = values.loc[same].astype(object)
    sent = batch.text.reindex(columns=rows.columns, index=rows.index).astype(object)
    rows = rows.where(rows.notna(), sent)
    keys = batch.data.loc[same, batch.key]
    distinct = keys[~rows.duplicated()]
    differ = equal_to_any(keys, distinct[distinct.duplicated()])
    if (clash := held & spread(batch, differ)).any():
        _report_clash(batch, spread(batch, differ), told=clash)
    repeats = rows[~differ]
    if (repeated := held & spread(batch, repeats.duplicated())).any():
        _report_repeat(batch, repeats, repeated, kind=HELD_OUT)


def _report_clash(batch: Batch, clash: pd.Series, *, told: pd.Series | None = None) -> None:
    """Report rows of equal keys and different values, each with the places of all of them."""
    groups = batch.data.loc[clash, batch.key].groupby(batch.key, dropna=False, sort=False)
    cells = groups.ngroup().to_frame("group")
    cells = cells.assign(cell=batch.addresses(clash, first_column(batch)))
    found = cells.groupby("group")["cell"].transform(lambda group: "; ".join(group[:4]))
    found = "строки: " + found.reindex(batch.text.index, fill_value="")
    rows = clash if told is None else told
    batch.report(rows, first_column(batch), *_CLASHES.get(batch.table, _CLASH), found=found)


def _report_repeat(batch: Batch, involved: pd.DataFrame, repeated: pd.Series, *, kind: str) -> None:
    """Report rows that repeat another one, with the place of the first.

    Parameters
    ----------
    involved
        What all rows say that repeat or are repeated.
    repeated
        Those that repeat.
    """
    groups = involved.groupby(list(involved), dropna=False, sort=False)
    at = spread(batch, pd.Series(True, involved.index))
    kept = groups.ngroup().to_frame("group")
    kept = kept.assign(cell=batch.addresses(at, first_column(batch)))
    found = kept.groupby("group")["cell"].transform("first")
    batch.report(
        repeated,
        first_column(batch),
        "Такая же строка уже есть",
        "Оставьте одну из одинаковых строк.",
        kind=kind,
        found="то же: " + found.reindex(batch.text.index, fill_value=""),
    )


def _with_equal_keys(batch: Batch, *, of: pd.Series | None = None) -> pd.Series:
    """The rows that have the key of another one: no other row repeats or contradicts one.

    Parameters
    ----------
    of
        Rows to look at, those that are live unless given. A key with a cell that could not be
        read, or that was filled in for an empty one, equals no other.
    """
    keys = batch.data.loc[batch.live if of is None else of, batch.key]
    keys = keys[_is_somebody(keys)]
    if of is not None:
        own = [name for name in batch.key if name in batch.text]
        sent = batch.text.loc[keys.index, own]
        keys = keys[keys[own].notna().eq(sent.notna()).all(axis=1)]
    return spread(batch, keys.duplicated(keep=False))


def first_column(batch: Batch) -> str:
    """The column whose cell stands for the row."""
    columns = batch.schema.columns
    return batch.person or next(name for name in batch.key if not columns[name].nullable)


def equal_to_any(rows: pd.DataFrame, keys: pd.DataFrame) -> pd.Series:
    """Which of `rows` occur among `keys`; a missing value equals a missing one."""
    both = pd.concat([keys, rows]).groupby(list(keys), dropna=False, sort=False).ngroup()
    return both.iloc[len(keys) :].isin(both.iloc[: len(keys)])


_CLASH = (
    "Одна и та же запись встречается несколько раз с разными данными",
    "Оставьте одну верную строку.",
)
_CLASHES = {
    "staff": (
        "Фамилия, имя, отчество и дата рождения совпадают, а сведения разные: это ошибка "
        "или два разных человека",
        "Если это один человек, оставьте одну верную строку; если два, сообщите в центр.",
    )
}


def spread(batch: Batch, part: pd.Series) -> pd.Series:
    """Bring a mask of some rows to all rows of the batch."""
    return part.reindex(batch.text.index, fill_value=False)


def contradicting(rows: pd.DataFrame, on: list[str]) -> pd.Series:
    """Which of `rows` agree in `on` with a row that says something else."""
    distinct = rows[_is_somebody(rows[on])].drop_duplicates()
    return equal_to_any(rows[on], distinct.loc[distinct.duplicated(on), on])


def _is_somebody(keys: pd.DataFrame) -> pd.Series:
    """Which rows say whose they are: people that nobody can tell are not one person."""
    return keys[[name for name in keys if name in FROM_PERSON]].notna().all(axis=1)
