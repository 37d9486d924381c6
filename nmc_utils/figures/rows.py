"""Rows of a measure table as figures take them, and their numbers in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nmc_utils import theme, wording
from nmc_utils.measures.dictionary import STATUSES
from nmc_utils.regions import Level, Region
from nmc_utils.terms import TOTAL
from nmc_utils.theme import Column

WAVE_WORDS = {"entry": "входную", "exit": "выходную"}  #: of a diagnostics, as «прошли …»


def share(value: float) -> str:
    """Write a share in whole per cents."""
    return wording.percent(value)


def sentence(row: Mapping[str, Any]) -> str:
    """Write «58,3 % (55,5–61,0 %), n = 1 200», or why there is no estimate."""
    if row["status"] != "ok":
        return wording.with_note(row)
    bounds = wording.interval(row)
    interval = "" if bounds == "—" else f" ({bounds})"
    size = "n не указано" if pd.isna(row["n"]) else wording.size(row["n"])
    note = row.get("note")  # of how many municipalities a total is
    part = f"; {note}" if isinstance(note, str) else ""
    return f"{wording.estimate(row)}{interval}, {size}{part}"


def headline(text: str) -> str:
    """Write a sentence as a title: without its full stop, unless an abbreviation ends it."""
    return text if text.endswith(("п.п.", "чел.")) else text.removesuffix(".")


def level_of(region: Region, code: str | None) -> Level:
    """The level of this code, the lowest when None."""
    levels = {entry.code: entry for entry in region.diagnostics.levels}
    if code is not None and code not in levels:
        raise ValueError(f"level «{code}»; allowed: {', '.join(levels)}")
    return levels[code] if code else region.diagnostics.lowest


def selected(table: pd.DataFrame, measure: str, **where: str) -> pd.DataFrame:
    """Rows of one measure and of one procedure: people of several are never added up."""
    rows = table[table["measure"] == measure]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    if "procedure" in rows and rows["procedure"].nunique() > 1:
        given = ", ".join(sorted(rows["procedure"].unique()))
        raise ValueError(f"a figure shows one procedure; the frame has {given}")
    return rows


def ordered(table: pd.DataFrame, key: str, names: Mapping[str, str]) -> pd.DataFrame:
    """Rows in the order of `names`, with `code`, `name`, per cents `x`, `low`, `high`, `hint`."""
    order = {code: place for place, code in enumerate(names)}
    rows = table[table[key].isin(order)].assign(code=lambda t: t[key])
    rows = rows.assign(place=rows[key].map(order)).sort_values("place", ignore_index=True)
    return rows.assign(
        name=rows[key].map(names),
        x=100 * rows["estimate"].astype(float),
        low=100 * rows["ci_low"].astype(float),
        high=100 * rows["ci_high"].astype(float),
        y=-rows["place"].astype(float),
        hint=[
            sentence(row) if row["status"] == "ok" else STATUSES[row["status"]]
            for row in rows.to_dict("records")
        ],
    )


def lacking(rows: pd.DataFrame) -> str:
    """Why rows of a figure are without a number; said once, where there is room for it."""
    told = [wording.with_note(row) for row in rows[rows["status"] != "ok"].to_dict("records")]
    return "".join(f"; {text}" for text in dict.fromkeys(told))


def why_empty(rows: pd.DataFrame) -> str:
    """Say why a figure has nothing to show."""
    if rows.empty:
        return "Нет данных: таких строк нет в этом издании"
    reasons = sorted({wording.with_note(row) for row in rows.to_dict("records")})
    return f"Показать нечего: {'; '.join(reasons)}"


def values_and_sizes(rows: pd.DataFrame) -> tuple[Column, Column]:
    """Columns beside a dot plot: the share, and the number of persons."""
    rows = rows[rows["status"] == "ok"]
    write = share if rows["x"].max() > 20 else lambda value: wording.percent(value, 1)
    values = [(y, write(x / 100)) for x, y in zip(rows["x"], rows["y"], strict=True)]
    sizes = [(y, wording.size(n)) for n, y in zip(rows["n"], rows["y"], strict=True)]
    return theme.column(values, 50, theme.INK, True), theme.column(sizes, 72, theme.MUTED, False)


def whole_region(table: pd.DataFrame) -> dict[str, Any] | None:
    """The row of the whole region, if it has an estimate."""
    whole = table[(table["municipality"] == TOTAL) & (table["status"] == "ok")]
    return None if whole.empty else whole.iloc[0].to_dict()
