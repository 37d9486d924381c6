"""Cuts and borderline bands on a scale of results."""

from __future__ import annotations

import holoviews as hv
import pandas as pd

from nmc_utils import theme, wording
from nmc_utils.regions import Region
from nmc_utils.wording import NO_BREAK_SPACE

BAND = "#f6e7da"  #: a tint of the colour of the cuts


def band_layers(
    bands: pd.DataFrame | None, top: float, *, wave: str, domain: str
) -> list[hv.Element]:
    """Shade results whose level is unsure, from the axis up to `top`, and name the shading once."""
    if bands is None:
        return []
    rows = bands[bands["wave"].eq(wave) & bands["domain"].eq(domain)]
    if rows.empty:
        return []
    low, high = 100 * rows["band_low"], 100 * rows["band_high"]
    ends = [
        f"{wording.number(a, 1)}–{wording.number(b, 1)}" for a, b in zip(low, high, strict=True)
    ]
    shaded = pd.DataFrame({"x0": low, "x1": high, "y0": 0.0, "y1": top})
    shaded = shaded.assign(
        fill=BAND, name="Пограничные результаты", hint=[f"{end}{NO_BREAK_SPACE}%" for end in ends]
    )
    beside = min(high.iloc[-1] + 0.8, 86.0)  # further right it would leave the picture
    label = pd.DataFrame({"x": [beside], "y": [top], "text": ["пограничные"]})
    return [
        theme.boxes(shaded, width=0),
        theme.texts(label, theme.CONTRAST, align="left", base="top", size=12),
    ]


def cut_layers(region: Region, top: float) -> list[hv.Element]:
    """Lines at the cuts, from the axis up to `top`, with their per cents."""
    cuts = [cut for cut in region.diagnostics.cuts.values() if cut < 1]
    at = [100 * cut for cut in cuts]
    ends = pd.DataFrame({"x0": at, "y0": 0.0, "x1": at, "y1": top})
    words = [wording.percent(cut) for cut in cuts]
    words[0] = f"порог {words[0]}"  # once: labels that repeat it would meet on a phone
    labels = pd.DataFrame({"x": [x - 0.8 for x in at], "y": top, "text": words})
    return [
        theme.lines(ends, theme.CONTRAST, 2),
        theme.texts(labels, theme.CONTRAST, align="right", base="top", size=13, bold=True),
    ]
