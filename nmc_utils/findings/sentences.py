"""A sentence, and the words that sentences are made of."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import pandas as pd

from nmc_utils import wording
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL, WORST


class Sentence(str):
    """A sentence; a notebook shows it as text for a reader, not as a quoted string."""

    def _repr_html_(self) -> str:
        return "".join(f"<p>{html.escape(part)}</p>" for part in self.split("\n\n"))


def stopped(text: str) -> str:
    """End a sentence with one full stop, also after «чел.»."""
    return f"{text.rstrip('.')}."


def capital(text: str) -> str:
    """Begin a sentence."""
    return text[:1].upper() + text[1:]


def lower(text: str) -> str:
    """Write the first letter small, within a sentence."""
    return text[:1].lower() + text[1:]


def why(table: pd.DataFrame) -> str:
    """Say in brackets why a number is missing, where its rows have a note."""
    notes = table["note"].dropna() if "note" in table else []
    return f" ({notes.iloc[0]})" if len(notes) else ""


def rows_of(table: pd.DataFrame, **keys: str) -> pd.DataFrame:
    """Rows with these keys."""
    for name, value in keys.items():
        table = table[table[name] == value]
    return table


def share(row: pd.Series) -> str:
    """Write a share in whole per cents."""
    return wording.percent(row["estimate"])


def basis(row: pd.Series) -> str:
    """Write the interval and n in brackets."""
    bounds = wording.percent_interval(row["ci_low"], row["ci_high"])
    return f" ({bounds}, {wording.size(row['n'])})"


def row_of(table: pd.DataFrame, **keys: str) -> dict[str, Any]:
    """The only row with these keys; one without data where the table has none."""
    rows = rows_of(table, **keys)
    if len(rows) > 1:
        raise ValueError(f"one row is told, the table has {len(rows)} with {keys}")
    return rows.iloc[0].to_dict() if len(rows) else {"status": "no_data", "note": None}


def missing(row: Mapping[str, Any]) -> str:
    """Write «нет данных (не прислана таблица …)» of a row without an estimate."""
    return wording.STATUSES[row["status"]] + in_brackets(row)


def in_brackets(row: Mapping[str, Any]) -> str:
    """Write the note of a row behind its number, where it has one: of how many places it is."""
    note = row.get("note")
    return f" ({note.rstrip('.')})" if isinstance(note, str) else ""


def counted(rows: pd.DataFrame, key: str, names: Mapping[str, str]) -> str:
    """List the codes of a key that have any: «педагог – педагог — 15, команда – команда — 4».

    Parameters
    ----------
    rows
        Of one measure, one row a code.
    names
        Code → its word, in their order.
    """
    known = rows[rows["status"].eq("ok") & rows["estimate"].gt(0)].set_index(key)["estimate"]
    return ", ".join(
        f"{name} — {wording.number(known[code])}" for code, name in names.items() if code in known
    )


def noted(row: Mapping[str, Any]) -> str:
    """Continue a sentence with the note of a number, where it has one."""
    return f"; {row['note'].rstrip('.')}" if isinstance(row["note"], str) else ""


def grounds(row: Mapping[str, Any], digits: int = 0) -> str:
    """Write the interval of a share, where it has one, and n in brackets."""
    parts = [wording.size(row["n"])]
    if pd.notna(row["ci_low"]):
        parts.insert(0, wording.percent_interval(row["ci_low"], row["ci_high"], digits))
    return f" ({', '.join(parts)})"


def measured_domain(region: Region, domain: str | None = None) -> str:
    """The `domain` that is told of an edition by default.

    The whole test also for a person's lowest competence: it is another one each time, and its
    reliability and change are not estimated.
    """
    chosen = domain or region.diagnostics.result_domain
    return TOTAL if chosen == WORST else chosen


def about_domain(region: Region, domain: str) -> str:
    """Begin a sentence on a competence, or on the whole test where that is not the result."""
    if domain != TOTAL:
        return f"«{region.domain_names[domain]}»: "
    return "Весь тест: " if region.diagnostics.result_domain == WORST else ""
