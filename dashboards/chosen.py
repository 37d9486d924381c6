"""Rows of the tables of measurement that a session has chosen, and why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from dashboards import parts
from dashboards.filters import measured_domain
from dashboards.store import FEWEST_ITEMS, Published, State

_NOTHING = "таких чисел об этой процедуре, компетенции и этапе нет"


def rows_of(now: Published, state: State, name: str) -> pd.DataFrame | None:
    """Rows of the chosen procedure and stage."""
    table = now.of_procedure(name, state.procedure)
    return None if table is None else table[table["wave"] == state.wave]


def of_domain(rows: pd.DataFrame | None, domain: str) -> pd.DataFrame | None:
    """Rows of one competence, of a table that the run has."""
    return None if rows is None else rows[rows["domain"] == domain]


def in_order(now: Published, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows in the region's order of competences, with the `name` of each."""
    names = now.region.domain_names
    rows = rows[rows["domain"].isin(list(names))]
    order = {code: place for place, code in enumerate(names)}
    rows = rows.assign(name=rows["domain"].map(names))
    return rows.sort_values("domain", key=lambda codes: codes.map(order), kind="stable")


def nothing(now: Published, state: State) -> str:
    """Why there are no rows of what was chosen."""
    return now.gap(state.procedure) or _NOTHING


def scope(now: Published, state: State) -> str:
    """What stands on every chart: which competence is chosen, and who has not reported."""
    return parts.joined(now.region.domain_names[measured_domain(state)], now.incomplete)


def reason(row: Mapping[str, Any]) -> str:
    """Why a number is missing."""
    if row["status"] == "too_few_items":
        return f"нужно не меньше {FEWEST_ITEMS} заданий"
    return row["note"] if isinstance(row.get("note"), str) else ""
