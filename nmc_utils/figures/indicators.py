"""Values and targets of indicators."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import holoviews as hv
import pandas as pd

from nmc_utils import findings, theme, wording
from nmc_utils.figures.rows import (
    ordered,
    selected,
    share,
)
from nmc_utils.regions import Region
from nmc_utils.theme import Frame


def indicator_attainment(indicators: pd.DataFrame, region: Region) -> hv.Overlay:
    """Value and target of each indicator that is a share, one row per variant.

    The colour of a status has its sign and word beside it; the tick is the target.
    """
    subtitle = "Показатели-доли, %: точка — значение, полоса — интервал, черта — плановое значение"
    names = {indicator.id: indicator.name for indicator in region.indicators}
    rows = indicators.assign(variant_of=indicators["indicator"])
    rows = ordered(selected(rows, "indicator_share", status="ok"), "indicator", names)
    if rows.empty:
        return theme.reason(
            "Нет показателей-долей с данными за этот период", "Показатели", subtitle
        )
    is_first = ~rows["indicator"].duplicated()
    rows = rows.assign(
        is_first=is_first, variant_name=[_variant_name(row) for row in rows.to_dict("records")]
    )
    rows["state"] = [
        _status_words(theme.ATTAINMENT[row["attainment"]], row) for row in rows.to_dict("records")
    ]
    rows["head"] = [theme.wrapped(name, 52) for name in rows["name"]]
    # Texts stand on their row and grow upwards: more than two lines need more room.
    rows["lift"] = _LINE * (rows["state"].str.count("\n") - 1).clip(lower=0)
    tall = _LINE * (rows["head"].str.count("\n") - 1).clip(lower=0)
    rows["y"] = -(1.0 + rows["lift"] + (0.85 + tall) * is_first).cumsum()
    rows["hint"] = rows["variant_name"] + ": " + rows["hint"] + "; " + rows["attainment_label"]
    layers, frame = _attainment_parts(rows)
    title = findings.attainment(indicators).rstrip(".")
    return theme.compose(layers, frame, title, subtitle)


_LINE = 0.33  #: height of a line of text, in rows of the chart


def _variant_name(row: Mapping[str, Any]) -> str:
    if row["basis"] == "published":
        return row["variant_label"]
    return f"{row['variant_label']} ({findings.BASIS_NAMES[row['basis']]})"


def _attainment_parts(rows: pd.DataFrame) -> tuple[list[Any], Frame]:
    limit = max(100.0, 10 * math.ceil(rows["high"].fillna(rows["x"]).max() / 10))
    y = rows["y"]
    at = 100 * rows["target"].astype(float)
    ticks = rows.assign(x0=at, x1=at, y0=y - 0.17, y1=y + 0.17).dropna(subset=["x0"])
    heads = rows[rows["is_first"]].assign(x=0.0, y=y + 0.86 + rows["lift"])
    layers = [
        theme.lines(rows.assign(x0=0.0, x1=limit, y0=y, y1=y), theme.GRID, 1.5),
        theme.lines(theme.spans(rows), theme.ACCENT_SOFT, 6),
        theme.lines(ticks, theme.INK, 3),
        _row_texts(heads.assign(text=heads["head"]), bold=True),
    ]
    for code, mark in theme.ATTAINMENT.items():
        part = rows[rows["attainment"] == code]
        states = part.assign(x=0.0, y=part["y"] + 0.18, text=part["state"])
        layers += [theme.dots(part, mark.colour), _row_texts(states, mark.colour)]
    values = [(y, share(v)) for y, v in zip(rows["y"], rows["estimate"], strict=True)]
    frame = Frame(
        (-0.01 * limit, limit * 1.02),
        (rows["y"].min() - 0.4, 0.0),
        xticks=theme.ticks(limit),
        xlabel="%",
        height=round(48 * (0.4 - rows["y"].min()) + 50),
        grid="",
        right=(theme.column(values, 50, theme.INK, True),),
    )
    return layers, frame


def _row_texts(rows: pd.DataFrame, colour: str = theme.INK, *, bold: bool = False) -> hv.Labels:
    return theme.texts(rows, colour, size=12, align="left", base="bottom", bold=bold)


def _status_words(mark: theme.Mark, row: Mapping[str, Any]) -> str:
    words = f"{mark.sign} {row['attainment_label']}"
    if pd.notna(row["target"]):
        words += f"; план {wording.target(row)}"
    return theme.wrapped(f"{words} · {row['variant_name']}", 56)
