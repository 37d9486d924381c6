"""A sentence, and the words that sentences are made of."""

from __future__ import annotations

import html

import pandas as pd

from nmc_utils import wording


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
