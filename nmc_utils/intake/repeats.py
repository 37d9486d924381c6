"""Rows that say the same twice, or contradict each other."""

from __future__ import annotations

import pandas as pd

from nmc_utils.intake.batch import SUPERSEDED, Batch
from nmc_utils.intake.columns import FROM_PERSON


def check_clashes(batch: Batch, values: pd.DataFrame) -> None:
    """Hold out all rows with the same key and different values, exact repeats among them too."""
    rows = values.loc[_with_equal_keys(batch)]
    if rows.empty:
        return
    clash = spread(batch, contradicting(rows, batch.key))
    if clash.any():
        groups = rows.loc[clash[clash].index].groupby(batch.key, dropna=False, sort=False)
        cells = (
            groups.ngroup()
            .to_frame("group")
            .assign(cell=batch.addresses(clash, first_column(batch)))
        )
        found = cells.groupby("group")["cell"].transform(lambda group: "; ".join(group[:4]))
        found = "строки: " + found.reindex(values.index, fill_value="")
        batch.report(clash, first_column(batch), *_CLASHES.get(batch.table, _CLASH), found=found)


def check_repeats(batch: Batch, values: pd.DataFrame) -> None:
    """Keep the first of equal rows that nothing has been found against."""
    rows = values.loc[_with_equal_keys(batch)]
    if rows.empty:
        return
    repeated = spread(batch, rows.duplicated())
    involved = spread(batch, rows.duplicated(keep=False))
    if repeated.any():
        groups = rows.loc[involved[involved].index].groupby(list(rows), dropna=False, sort=False)
        kept = groups.ngroup().to_frame("group")
        kept = kept.assign(cell=batch.addresses(involved, first_column(batch)))
        found = kept.groupby("group")["cell"].transform("first")
        batch.report(
            repeated,
            first_column(batch),
            "Такая же строка уже есть",
            "Оставьте одну из одинаковых строк.",
            kind=SUPERSEDED,
            found="то же: " + found.reindex(values.index, fill_value=""),
        )


def _with_equal_keys(batch: Batch) -> pd.Series:
    """The live rows that have the key of another one: no other row repeats or contradicts one."""
    keys = batch.data.loc[batch.live, batch.key]
    keys = keys[_is_somebody(keys)]
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
