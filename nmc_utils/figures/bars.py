"""Bars of counts: in rows, in columns; one number each, its words beside it."""

from __future__ import annotations

from collections.abc import Sequence

import holoviews as hv
import pandas as pd

from nmc_utils import theme
from nmc_utils.theme import Frame

_HEIGHT = 0.34  #: half of a bar, in rows


def bar_rows(
    rows: pd.DataFrame,
    *,
    title: str,
    subtitle: str,
    xlabel: str,
    reference: tuple[float, str] | None = None,
    heads: pd.DataFrame | None = None,
    width: int = 66,
) -> hv.Overlay:
    """Draw a bar from 0 to `x` in every row at `y`, named by `name`, with `text` to the right.

    Parameters
    ----------
    rows
        `y`, `x`, `name`, `text`, `hint`; where `x` is missing, `hint` stands in its place.
    reference
        A value and its words: a line through all rows.
    heads
        `y` and `text` of headings between the rows.
    width
        Pixels of the column of texts.
    """
    known, absent = rows[rows["x"].notna()], rows[rows["x"].isna()]
    limit = max(known["x"].max() * 1.03 if len(known) else 0.0, reference_room(reference), 1.0)
    bottom, y = rows["y"].min() - 0.7, known["y"]
    bars = known.assign(x0=0.0, x1=known["x"], y0=y - _HEIGHT, y1=y + _HEIGHT, fill=theme.ACCENT)
    told = list(zip(y, known["text"], strict=True))
    layers = [
        theme.boxes(bars[bars["x"] > 0]),
        *theme.reference_line(reference, bottom),
        theme.texts(absent.assign(x=0.0, text=absent["hint"]), theme.MUTED, align="left"),
    ]
    if heads is not None:
        layers.append(theme.texts(heads.assign(x=0.0), align="left", bold=True))
    top = 1.5 if reference else 0.7
    frame = Frame(
        (0.0, limit),
        (bottom, top),
        xticks=_whole_ticks(limit),
        yticks=[(y, theme.wrapped(n, 26)) for y, n in zip(rows["y"], rows["name"], strict=True)],
        xlabel=xlabel,
        height=round(29 * (top - bottom) + 54),
        right=(theme.column(told, width, theme.INK, True),),
    )
    return theme.compose(layers, frame, title, subtitle)


def _whole_ticks(limit: float) -> list[tuple[float, str]]:
    """Ticks of a count: there are no halves of anything."""
    return theme.ticks(limit) if limit >= 5 else [(n, str(n)) for n in range(int(limit) + 1)]


def reference_room(reference: tuple[float, str] | None) -> float:
    """How far an axis must reach for the words above a line at this value, which they centre on."""
    return 0.0 if reference is None else 1.45 * reference[0]


def bar_columns(
    cells: pd.DataFrame,
    *,
    names: Sequence[str],
    title: str,
    subtitle: str,
    ylabel: str,
) -> hv.Overlay:
    """Draw columns side by side, each of pieces upon one another.

    Parameters
    ----------
    cells
        `place` (from 0), `low` and `high` of a piece, `fill`, `ink` and `text` (written inside
        where there is room), `name`, `hint`.
    names
        Words below the columns.
    """
    limit = max(float(cells["high"].max()) * 1.06, 1.0)
    at = cells["place"].astype(float)
    pieces = cells.assign(x0=at - 0.4, x1=at + 0.4, y0=cells["low"], y1=cells["high"])
    layers = [theme.boxes(pieces[pieces["high"] > pieces["low"]])]
    inside = cells.assign(x=at, y=(cells["low"] + cells["high"]) / 2)
    inside = inside[(cells["high"] - cells["low"]) > 0.06 * limit]
    for ink, part in inside.groupby("ink", sort=True):
        layers.append(theme.texts(part, ink, size=11))
    frame = Frame(
        (-0.6, len(names) - 0.4),
        (0.0, limit),
        xticks=[(place, theme.wrapped(name, 7)) for place, name in enumerate(names)],
        yticks=_whole_ticks(limit),
        ylabel=ylabel,
        height=300,
        grid="y",
    )
    return theme.compose(layers, frame, title, subtitle)
