"""Rows of the tables of support: the one of a place, why there is none, tiles and cards of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.store import Published
from nmc_utils import wording
from nmc_utils.terms import TOTAL

#: Headings of a measure table with intervals.
ESTIMATE = {"measure": "Что сосчитано", "estimate": "Значение", "ci": "95 % интервал", "n": "n"}
_NO_ROWS = "таких строк в таблице прогона нет"


def place_words(now: Published, municipality: str) -> str:
    """Of which part of the region a card speaks."""
    if municipality == TOTAL:
        return now.whole
    return now.region.municipality_names[municipality]


def of_place(table: pd.DataFrame | None, place: str, **keys: str) -> pd.DataFrame | None:
    """Rows of a municipality, or of the whole region, with these keys; None without a table."""
    if table is None:
        return None
    for name, value in ({"municipality": place} | keys).items():
        table = table[table[name] == value]
    return table


def gap_of(table: pd.DataFrame) -> str:
    """Why nothing in a measure table is known; empty where something is."""
    if table["status"].eq("ok").any():
        return ""
    notes = table["note"].dropna()
    return notes.iloc[0] if len(notes) else _NO_ROWS


def row_at(table: pd.DataFrame | None, measure: str, **keys: str) -> dict[str, Any] | None:
    """The only row of a measure with these keys; None where there is none."""
    if table is None:
        return None
    rows = table[table["measure"] == measure]
    for name, value in keys.items():
        rows = rows[rows[name] == value]
    return None if rows.empty else rows.iloc[0].to_dict()


def tile_of(name: str, row: Mapping[str, Any] | None, about: str = "") -> tuple[str, str, str]:
    """A tile with the estimate, its interval and n, or why there is no number."""
    if row is None:
        return name, "нет данных", "в прогоне нет этой таблицы"
    if row["status"] != "ok":
        note = row["note"] if isinstance(row["note"], str) else ""
        return name, wording.STATUSES[row["status"]], note
    bounds = wording.interval(row)
    size = "" if bounds == "—" else f"{bounds}; {wording.size(row['n'])}"
    note = row["note"] if isinstance(row["note"], str) else ""
    return name, wording.estimate(row), parts.joined(size, about, note)


def card(
    now: Published,
    title: str,
    table: pd.DataFrame | None,
    rows: pd.DataFrame | None,
    draw: Callable[[pd.DataFrame], pn.Column],
) -> pn.Column:
    """What `draw` makes of rows, or a card that says why the table has nothing."""
    if table is not None and (why := gap_of(table)):
        return parts.missing(title, why)
    return parts.of_rows(title, rows, draw, edition=now.edition.key, nothing=_NO_ROWS)


def told(title: str, sentence: str, table: str, note: str) -> pn.Column:
    """A card with a sentence, the numbers behind it as HTML, and a note below."""
    return parts.card(
        parts.block(
            f"<h2>{parts.escape(title)}</h2>"
            f'<p class="gap">{parts.escape(sentence)}</p>{table}'
            f'<p class="note gap">{parts.escape(parts.sentence(note))}</p>'
        )
    )


def source_of(row: Mapping[str, Any]) -> str:
    """Document and section of a number, where it has them."""
    source = row.get("source")
    return source if isinstance(source, str) else "—"
