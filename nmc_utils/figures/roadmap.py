"""The roadmap as a timeline: what is due when, and how far it has come."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import pandas as pd

from nmc_utils import theme
from nmc_utils.figures.rows import headline
from nmc_utils.findings import roadmap as told
from nmc_utils.terms import PROGRESS
from nmc_utils.theme import Column, Frame, Mark

#: How the progress of a measure looks; the sign and the word stand beside the colour.
PROGRESS_MARKS = {
    "done": Mark("✓", PROGRESS["done"], theme.ATTAINMENT["attained"].colour),
    "partly": Mark("◐", PROGRESS["partly"], theme.CONTRAST),
    "running": Mark("►", PROGRESS["running"], theme.ATTAINMENT["not_due"].colour),
    "planned": Mark("○", PROGRESS["planned"], theme.MUTED),
    "not_done": Mark("×", PROGRESS["not_done"], theme.ATTAINMENT["not_attained"].colour),
    "no_data": Mark("?", "ход не сообщён", theme.MUTED),
}
_WIDTH = 46  #: letters of a measure in a line


def roadmap_timeline(
    measures: pd.DataFrame, progress: pd.DataFrame, as_of: pd.Timestamp
) -> hv.Overlay:
    """Draw every measure on its years: a band is the year of its due, a long one every year.

    Parameters
    ----------
    measures
        Of `roadmap.roadmap_measures`.
    progress
        Measure table of `roadmap.roadmap_progress`: its finding is the title.
    as_of
        The day of the edition, a line.
    """
    subtitle = "Полоса — год срока или каждый год; знак — ход меры; черта — день издания"
    title = headline(told.roadmap_progress(progress))
    if measures.empty:
        return theme.reason(title, "Дорожная карта", subtitle)
    day = pd.Timestamp(as_of)
    first, last = _years(measures, day)
    rows = _placed(measures, day, first, last)
    bottom = rows["y"].min() - 0.7
    at = day.year + (day.day_of_year - 1) / 366
    frame = Frame(
        (first, last),
        (bottom, 1.2),
        xticks=[(year + 0.5, str(year)) for year in range(first, last)],
        yticks=list(zip(rows["y"], rows["label"], strict=True)),
        height=round(28 * (1.2 - bottom) + 50),
        grid="",
        right=(_states(rows),),
    )
    layers = [
        theme.boxes(rows.assign(y0=rows["y"] - 0.3, y1=rows["y"] + 0.3)),
        *theme.reference_line((at, f"на {day:%d.%m.%Y}"), bottom),
        theme.texts(_heads(rows, first), align="left", bold=True),
        *_signs(rows),
    ]
    return theme.compose(layers, frame, title, subtitle)


def _years(measures: pd.DataFrame, day: pd.Timestamp) -> tuple[int, int]:
    """First year of the axis and the one after its last: those of all dues and of the day."""
    years = [*measures["due_year"].dropna().astype(int), day.year]
    return min(years), max(years) + 1


def _heads(rows: pd.DataFrame, first: int) -> pd.DataFrame:
    """Names of the directions, each above its first measure."""
    heads = rows.drop_duplicates("direction")
    return heads.assign(x=first + 0.01, y=heads["y"] + 0.86 + heads["lift"], text=heads["head"])


def _states(rows: pd.DataFrame) -> Column:
    """Progress in words to the right of the axis, as wide as the longest of them."""
    longest = int(rows["state"].str.len().max())
    words = list(zip(rows["y"], rows["state"], strict=True))
    return Column(words, 18 + round(7.6 * longest), is_words=True)


def _signs(rows: pd.DataFrame) -> list[Any]:
    """Layers with the sign of each measure in the colour of its progress."""
    return [
        theme.texts(rows[rows["progress"] == code], mark.colour, size=15, bold=True)
        for code, mark in PROGRESS_MARKS.items()
    ]


def _placed(measures: pd.DataFrame, day: pd.Timestamp, first: int, last: int) -> pd.DataFrame:
    """Rows with their place, band, sign and words; a direction's first row leaves room above."""
    rows = measures.assign(direction=measures["direction"].fillna("Направление не указано"))
    order = {name: at for at, name in enumerate(dict.fromkeys(rows["direction"]))}
    rows = rows.sort_values(
        "direction", key=lambda c: c.map(order), kind="stable", ignore_index=True
    )
    is_first = ~rows["direction"].duplicated()
    labels = [
        theme.wrapped(f"{code} {text or ''}", _WIDTH)
        for code, text in zip(rows["measure_id"], rows["what"], strict=True)
    ]
    lines = pd.Series([label.count("\n") + 1 for label in labels])
    tall = 0.62 * lines.clip(lower=2)
    step = (tall + tall.shift(fill_value=0.0)) / 2 + 1.15 * is_first
    year = rows["due_year"].astype("Float64")
    x = (year + 0.5).fillna(day.year + 0.5).astype(float)
    return rows.assign(
        label=labels,
        lift=(tall - 1) / 2,
        head=rows["direction"],
        y=-step.cumsum(),
        x=x,
        x0=year.fillna(first).astype(float),
        x1=(year + 1).fillna(last).astype(float),
        fill=[theme.ACCENT_SOFT if pd.notna(value) else theme.GRID for value in year],
        name=rows["measure_id"],
        text=[PROGRESS_MARKS[code].sign for code in rows["progress"]],
        state=[told.progress_words(row) for row in rows.to_dict("records")],
        hint=[_hint(row) for row in rows.to_dict("records")],
    )


def _hint(row: dict[str, Any]) -> str:
    parts = {
        "Срок": row["due"],
        "Ответственный": row["responsible"],
        "Соисполнитель": row["co_executor"],
        "Ожидается": row["expected_result"],
        "Ход": told.progress_words(row),
        "Результат": row["result"],
        "Подтверждение": row["evidence"],
    }
    return "; ".join(f"{name}: {text}" for name, text in parts.items() if isinstance(text, str))
