"""Who has reported, what was held out, what must be asked for."""

from __future__ import annotations

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.sentences import (
    Sentence,
    lower,
    stopped,
)


def who_reported(reporting: pd.DataFrame) -> Sentence:
    """Say which municipalities the totals rest on."""
    if reporting.empty:
        said = "Сводные числа прислал регион, по муниципальным образованиям данных нет."
        return Sentence(said)
    part = wording.incomplete(reporting)
    return Sentence(f"{part or 'Данные представили все муниципальные образования'}.")


def held_out(rows: pd.DataFrame) -> Sentence:
    """Say how many rows intake held out, and that no number has them.

    Parameters
    ----------
    rows
        Of `reporting.held_out`.
    """
    if rows.empty:
        return Sentence("Задержанных при приёме строк нет.")
    parts = [
        f"«{row['title']}» — {wording.number(row['held_out'])} из {wording.number(row['sent'])}"
        for row in rows.to_dict("records")
    ]
    said = f"При приёме задержаны строки: {', '.join(parts)}; ни в одном числе их нет."
    return Sentence(said)


def conservation(lines: pd.DataFrame) -> Sentence:
    """Say what became of all rows that were sent: the four parts add up to them.

    Parameters
    ----------
    lines
        The table `conservation` of intake.
    """
    sent = wording.plural(int(lines["sent"].sum()), "строка", "строки", "строк")
    parts = [f"{words} {wording.number(lines[name].sum())}" for name, words in _CONSERVED.items()]
    return Sentence(f"Прислано: {sent} = {' + '.join(parts)}.")


_CONSERVED = {
    "accepted": "принято",
    "held_out": "задержано",
    "superseded": "замещено или повторено",
    "blank": "итоги и пустые",
}


def remarks(counted: pd.DataFrame) -> Sentence:
    """Say how many remarks intake made, of how many kinds.

    Parameters
    ----------
    counted
        Table of `collecting.remarks`.
    """
    if counted.empty:
        return Sentence("Замечаний при приёме нет.")
    total = wording.plural(int(counted["count"].sum()), "замечание", "замечания", "замечаний")
    first = counted.sort_values("count", ascending=False, kind="stable").iloc[0]
    if len(counted) == 1:
        return Sentence(stopped(f"При приёме сделано {total}: {lower(first['meaning'])}"))
    kinds = wording.plural(len(counted), "вида", "видов", "видов")
    often = f"Чаще всего ({wording.number(first['count'])}): {lower(first['meaning'])}"
    return Sentence(stopped(f"При приёме сделано {total} {kinds}. {often}"))


def newer_files(changed: pd.DataFrame) -> Sentence:
    """Say what newer files changed altogether.

    Parameters
    ----------
    changed
        The table `differences` of intake.
    """
    if changed.empty:
        return Sentence("Более новых файлов взамен прежних не присылали.")
    files = wording.number(changed["file"].nunique())
    total = {name: wording.number(changed[name].sum()) for name in ("changed", "added", "removed")}
    return Sentence(
        f"Новых файлов взамен прежних — {files}: строк изменено {total['changed']}, добавлено "
        f"{total['added']}, исчезло {total['removed']}. Прежние файлы сохранены."
    )


def asked(requests: pd.DataFrame) -> Sentence:
    """Say of whom corrections are to be asked.

    Parameters
    ----------
    requests
        Table of `collecting.to_ask`.
    """
    if requests.empty:
        return Sentence("Просить об исправлениях никого не нужно.")
    files = wording.plural(requests["file"].nunique(), "файле", "файлах", "файлах")
    names = ", ".join(requests["names"].unique())
    return Sentence(f"Исправления нужны в {files}. Кого просить: {names}.")
