"""Cells that say nothing or cannot be trusted: empty ones, dashes, lost digits, doubtful shares."""

from __future__ import annotations

import pandas as pd

from nmc_utils.intake.batch import BLANK, Batch, numbered
from nmc_utils.intake.columns import headers
from nmc_utils.intake.persons import PERSON_HEADERS, mixed_script

_DASH = r"[-\u2010-\u2015\u2212]+"
#: A spreadsheet keeps 15 digits of a number; of a longer code the rest is lost.
_LOST = {
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T.*)?": (
        "Вместо кода стоит дата: похоже, программа заменила код датой",
        "Задайте столбцу текстовый формат и впишите код заново.",
    ),
    r"[0-9]+(?:[.,][0-9]+)?[eE]\+[0-9]+": (
        "Длинный код записан числом, и последние его цифры потеряны",
        "Задайте столбцу текстовый формат и впишите код заново.",
    ),
    r"[0-9]{15,}\.0": (  # so a number reads; a code typed as text keeps its digits
        "Длинный код записан числом, и последние его цифры потеряны",
        "Задайте столбцу текстовый формат и впишите код заново.",
    ),
}
_LEAST_SHARES = 3  # rows of a sheet, fewer of them may be small points by chance


def require(batch: Batch, column: str, title: str, rows: pd.Series | None = None) -> None:
    """Hold out rows, all or `rows` of them, whose cell in `column` is empty."""
    is_empty = batch.text[column].isna() & ~batch.is_faulty(column)
    batch.report(
        is_empty if rows is None else is_empty & rows,
        column,
        f"Не заполнен столбец «{title}»",
        f"Заполните столбец «{title}»: без него строку принять нельзя.",
    )


def empty_dashes(batch: Batch, required: tuple[str, ...]) -> None:
    """Take a dash for an empty cell where a cell may be empty; tell how many there were.

    Parameters
    ----------
    batch
        Its text is changed.
    required
        Headers of a person that must be filled.
    """
    columns = batch.schema.columns
    own = [name for name in headers(batch.table) if columns[name].nullable]
    of_person = [name for name in batch.headers if name not in (*required, PERSON_HEADERS[2])]
    for column in (*own, *of_person):
        is_dash = batch.text[column].str.fullmatch(_DASH).fillna(False).astype(bool)
        is_dash &= batch.status.ne(BLANK)
        batch.text[column] = batch.text[column].mask(is_dash)
        title = columns[column].title if column in columns else column
        for number, n in batch.piece[is_dash].value_counts(sort=False).items():
            batch.remark(
                number,
                "corrected",
                f"Столбец «{title}»: прочерк прочитан как пустая ячейка",
                "Исправлять не нужно; впредь оставляйте ячейку пустой.",
                found=f"ячеек: {n}",
            )


def lost_codes(batch: Batch, column: str) -> pd.Series:
    """Hold out what a spreadsheet made of a code: a date of «1-2», a rounded number of a long one.

    Returns
    -------
    Series of booleans: cells of which nobody can tell what the code was.
    """
    text = batch.text[column]
    every = pd.Series(False, text.index)
    for pattern, (meaning, remedy) in _LOST.items():
        lost = text.str.fullmatch(pattern).fillna(False).astype(bool)
        batch.report(lost, column, meaning, remedy)
        every |= lost
    return every


def note_mixed_script(batch: Batch, names: list[str]) -> None:
    """Latin letters that look like Russian ones are read as these; the sender should know."""
    mixed = pd.concat([mixed_script(batch.text[name]) for name in names], axis=1).any(axis=1)
    for number in batch.piece[mixed & batch.status.ne(BLANK)].unique():
        rows = batch.row[mixed & batch.piece.eq(number)]
        batch.remark(
            number,
            "corrected",
            "В имени среди русских букв стоят похожие латинские: прочитано по-русски",
            "Впишите имя русскими буквами.",
            found=numbered(rows),
        )


def refuse_shares(batch: Batch) -> None:
    """Hold out the scores of a sheet that are all at most 1 and look like shares of the maximum."""
    score, most = batch.data["raw_score"], batch.data["max_score"]
    told = score.notna() & ~batch.percent & batch.status.ne(BLANK)
    for number in batch.piece[told].unique():
        rows = told & batch.piece.eq(number)
        doubtful = rows & score.ne(0) & most.gt(1)
        if score[rows].gt(1).any() or doubtful.sum() < _LEAST_SHARES:
            continue
        if score[doubtful].mod(1).eq(0).all():
            continue
        batch.report(
            rows,
            "raw_score",
            f"Все баллы листа не больше 1 при максимуме {_range(most[doubtful])}: похоже, это "
            "доли, а не баллы",
            "Впишите баллы или проценты со знаком «%».",
        )


def _range(numbers: pd.Series) -> str:
    low, high = (f"{number:.12g}".replace(".", ",") for number in (numbers.min(), numbers.max()))
    return low if low == high else f"от {low} до {high}"
