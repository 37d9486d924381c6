"""Rows of marks: several values of one thing beside each other, each with its words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import holoviews as hv
import pandas as pd

from nmc_utils import theme, wording
from nmc_utils.figures.rows import lacking, sentence
from nmc_utils.measures.dictionary import STATUSES
from nmc_utils.theme import Frame


@dataclass(frozen=True)
class Mark:
    """What is drawn in every row: how it looks, and the words beside its value."""

    words: str
    kind: Literal["dot", "open", "tick"]
    colour: str = theme.ACCENT
    soft: str = theme.ACCENT_SOFT


@dataclass(frozen=True)
class Scale:
    """Axis of a figure: how an estimate becomes a place on it, its ticks and their writing."""

    label: str
    factor: float = 100.0
    limits: tuple[float, float] | None = None
    step: float | None = None
    digits: int = 0
    is_signed: bool = False


#: Shares up to the whole: a ring at 100 % is not cut.
SHARES = Scale("%", limits=(0.0, 102.0), step=20.0)
PER_CENT = Scale("% прошедших диагностику")
RATIO = Scale("", factor=1.0, limits=(0.0, 1.0), step=0.2, digits=1)
POINTS = Scale("процентные пункты", digits=0, is_signed=True)


def placed(
    tables: Mapping[str, pd.DataFrame],
    key: str,
    names: Mapping[str, str],
    *,
    scale: Scale,
    gap: float = 0.5,
    tell: Callable[[Mapping[str, Any]], str] = sentence,
) -> pd.DataFrame:
    """Put the rows of several tables below each other, those of one code together.

    Parameters
    ----------
    tables
        Words of a mark → its rows of a measure table.
    key
        Column with the codes; `names` gives their order and words.
    gap
        Between the rows of two codes, in rows.
    tell
        Writes what hovering tells of a row.

    Returns
    -------
    DataFrame
        Rows with `mark`, `code`, `name`, `x`, `low`, `high`, `y`, `hint`; `group_y` is the middle
        of the rows of a code.
    """
    parts = [rows.assign(mark=mark, place=at) for at, (mark, rows) in enumerate(tables.items())]
    rows = pd.concat(parts).rename(columns={key: "code"})
    order = {code: at for at, code in enumerate(names)}
    rows = rows[rows["code"].isin(order)].assign(order=lambda t: t["code"].map(order))
    rows = rows.sort_values(["order", "place"], kind="stable", ignore_index=True)
    is_first = ~rows["code"].duplicated()
    rows["y"] = -(1.0 + gap * (is_first & (rows.index > 0))).cumsum() + 1.0
    return rows.assign(
        group_y=rows.groupby("code")["y"].transform("mean"),
        name=rows["code"].map(names),
        x=scale.factor * rows["estimate"].astype(float),
        low=scale.factor * rows["ci_low"].astype(float),
        high=scale.factor * rows["ci_high"].astype(float),
        hint=[f"{row['mark']}: {tell(row)}" for row in rows.to_dict("records")],
    )


def mark_plot(
    rows: pd.DataFrame,
    marks: Sequence[Mark],
    *,
    scale: Scale,
    title: str,
    subtitle: str,
    write: Callable[[float], str],
    reference: tuple[float, str] | None = None,
    row_height: int = 23,
) -> hv.Overlay:
    """Draw rows of `placed`, each value and its words to the right; a missing value says why."""
    known = rows[rows["status"] == "ok"]
    low, high, step = _limits(known, scale)
    bottom, top = rows["y"].min() - 0.7, 1.5 if reference else 0.7
    absent = rows[rows["status"] != "ok"].drop_duplicates("code")
    absent = absent.assign(x=low, text=absent["status"].map(STATUSES))
    layers = [*_zero(scale, bottom, top), *theme.reference_line(reference, bottom)]
    for mark in marks:
        layers += _mark(known[known["mark"] == mark.words], mark)
    layers.append(theme.texts(absent, theme.MUTED, align="left"))
    heads = rows.drop_duplicates("code")
    values = [(y, write(x)) for y, x in zip(known["y"], known["estimate"], strict=True)]
    words = list(zip(known["y"], known["mark"], strict=True))
    sizes = [(y, wording.size(n)) for y, n in zip(known["y"], known["n"], strict=True)]
    span = high - low
    frame = Frame(
        (low - 0.02 * span, high + 0.02 * span),
        (bottom, top),
        xticks=_ticks(low, high, step, scale),
        yticks=[
            (y, theme.wrapped(name, 22))
            for y, name in zip(heads["group_y"], heads["name"], strict=True)
        ],
        xlabel=scale.label,
        height=round(row_height * (top - bottom) + 54),
        right=_columns(values, words if len(marks) > 1 else [], sizes),
    )
    return theme.compose(layers, frame, title, subtitle + lacking(rows))


def _columns(
    values: list[tuple[float, str]], words: list[tuple[float, str]], sizes: list[tuple[float, str]]
) -> tuple[theme.Column, ...]:
    columns = [theme.column(values, 56, theme.INK, True)]
    if words:
        longest = max(len(text) for _, text in words)
        columns.append(theme.Column(words, 18 + round(7.6 * longest), is_words=True))
    columns.append(theme.column(sizes, 76, theme.MUTED, False))
    return tuple(columns)


def _mark(rows: pd.DataFrame, mark: Mark) -> list[Any]:
    layers = [theme.lines(theme.spans(rows), mark.soft, 5)]
    if mark.kind == "tick":
        y = rows["y"]
        ticks = rows.assign(x0=rows["x"], x1=rows["x"], y0=y - 0.34, y1=y + 0.34)
        # A line has no hint: the dot under it is what the pointer finds.
        return [*layers, theme.dots(rows, mark.soft, size=6), theme.lines(ticks, mark.colour, 3)]
    return [*layers, theme.dots(rows, mark.colour, is_open=mark.kind == "open")]


def _zero(scale: Scale, bottom: float, top: float) -> list[Any]:
    if not scale.is_signed:
        return []
    line = pd.DataFrame({"x0": [0.0], "y0": [bottom], "x1": [0.0], "y1": [top]})
    return [theme.lines(line, theme.FAINT, 1.5)]


def _limits(known: pd.DataFrame, scale: Scale) -> tuple[float, float, float]:
    """Ends of the axis and the step of its ticks, round numbers that hold every interval."""
    if scale.limits is not None and scale.step is not None:
        return *scale.limits, scale.step
    high = max(known["high"].fillna(known["x"]).max(), 0.0)
    low = min(known["low"].fillna(known["x"]).min(), 0.0)
    step = next(s for s in (0.5, 1, 2, 5, 10, 20, 50, 1e9) if (high - low) / s <= 6)
    top = step * math.ceil(high / step + 0.1)
    if not scale.is_signed:
        return 0.0, min(top, 100.0), step
    return step * math.floor(low / step - 0.1), top, step


def _ticks(low: float, high: float, step: float, scale: Scale) -> list[tuple[float, str]]:
    places = [low + step * at for at in range(math.floor((high - low) / step + 1e-9) + 1)]
    digits = max(scale.digits, int(step < 1))
    plus = "+" if scale.is_signed else ""
    return [(x, (plus if x > 1e-9 else "") + wording.number(x, digits)) for x in places]
