"""Contradictions and gaps of the documents, in words."""

from __future__ import annotations

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.sentences import Sentence, lower
from nmc_utils.measures.discrepancies import FOUND_BY

#: Columns of `discrepancy_rows` → headings.
DISCREPANCY_COLUMNS = {
    "number": "№",
    "title": "Расхождение",
    "what": "В чём оно",
    "places": "Где",
    "treatment": "Как показано",
    "found_words": "Кем найдено",
    "origin": "Вывод",
}


def discrepancies(table: pd.DataFrame) -> Sentence:
    """Count the known discrepancies, those that checks find too, and what only checks found.

    Parameters
    ----------
    table
        Of `measures.discrepancies.discrepancies`, of one region or of several one after another:
        a discrepancy that concerns two regions counts once.
    """
    is_new = table["found_by"] == "check"
    known, new = table[~is_new], table[is_new]
    counts = new["title"].value_counts(sort=False)
    said = ", ".join(f"{lower(title)} — {wording.number(n)}" for title, n in counts.items())
    if known.empty:
        told = "Известных расхождений в документах нет"
        if new.empty:
            return Sentence(f"{told}, и проверки ни одного не нашли.")
        return Sentence(f"{told}; проверки нашли {wording.number(len(new))}: {said}.")
    if new.empty:
        return Sentence(f"{_known(known)}. Ничего сверх них проверки не нашли.")
    count = wording.number(len(new))
    return Sentence(f"{_known(known)}. Сверх них проверки нашли {count}: {said}.")


def _known(known: pd.DataFrame) -> str:
    n_known = known["id"].nunique()
    n_both = known.loc[known["found_by"] == "both", "id"].nunique()
    told = f"В документах {wording.plural(n_known, 'расхождение', 'расхождения', 'расхождений')}"
    if not n_both:
        return f"{told}; проверки сами не находят ни одного из них"
    return f"{told}; проверки сами находят из них {wording.number(n_both)}"


def discrepancy_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Add what a reader needs to a table of discrepancies: `DISCREPANCY_COLUMNS`.

    `number` is the number of a known one, `found_words` who found it and by which checks, `origin`
    marks a conclusion that no document draws.
    """
    by_check = table["checks"].where(table["checks"] != "", None)
    found = table["found_by"].map(FOUND_BY)
    return table.assign(
        number=[str(number) if pd.notna(number) else None for number in table["id"]],
        found_words=found.where(by_check.isna(), found + ": " + by_check.fillna("")),
        origin=["наш вывод" if inferred else "из документа" for inferred in table["is_inferred"]],
    )
