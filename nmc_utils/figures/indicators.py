"""Values and targets of indicators."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import holoviews as hv
import pandas as pd

from nmc_utils import findings, theme, wording
from nmc_utils.figures.rows import (
    headline,
    ordered,
    selected,
    share,
)
from nmc_utils.indicator_definitions import Indicator
from nmc_utils.regions import Region
from nmc_utils.theme import Frame

_SHARES = ("indicator_share", "indicator_share_of_persons")
_SIDE = 0.15  #: in years, between the points of variants in a year


def indicator_attainment(indicators: pd.DataFrame, region: Region) -> hv.Overlay:
    """Value and target of each indicator that is a share, one row per variant.

    The colour of a status has its sign and word beside it; the tick is the target.
    """
    subtitle = "Показатели-доли, %: точка — значение, полоса — интервал, черта — плановое значение"
    names = {indicator.id: indicator.name for indicator in region.indicators}
    rows = indicators.assign(variant_of=indicators["indicator"])
    of_shares = [selected(rows, measure, status="ok") for measure in _SHARES]
    rows = pd.concat([part for part in of_shares if len(part)] or of_shares).sort_index()
    rows = ordered(rows, "indicator", names)
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
    title = headline(findings.attainment(indicators))
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


def indicator_trajectory(
    values: pd.DataFrame, paces: pd.DataFrame, indicator: str, region: Region
) -> hv.Overlay:
    """Values of an indicator over periods with their intervals, its targets and a forecast.

    Targets are of calendar years and stand beside no other periods.

    Parameters
    ----------
    values, paces
        Points and their trajectory, of all indicators.
    """
    entry = next(entry for entry in region.indicators if entry.id == indicator)
    rows, pace = (table[table["indicator"] == indicator] for table in (values, paces))
    subtitle = "Точка — значение, полоса — интервал, черта — план, пустая точка — прогноз"
    if rows.empty or entry.unit == "yes_no":
        why = "Чисел по годам нет: точек траектории ни одной"
        return theme.reason(why, findings.trajectory(paces, indicator, entry.name), subtitle)
    scale = 100.0 if entry.unit == "share" else 1.0
    rows = _of_years(rows, scale)
    is_of_years = rows["period"].str.fullmatch(r"20\d\d").all()
    targets = _targets(entry if is_of_years else None, scale, math.ceil(rows["time"].min()))
    forecast = _of_forecast(pace, rows, scale)
    layers = [
        theme.lines(targets, theme.INK, 3),
        theme.texts(targets.assign(x=targets["x1"], y=targets["y0"]), align="left"),
        theme.lines(_upright(rows), theme.ACCENT_SOFT, 6),
        theme.lines(_upright(forecast), theme.GRID, 6),
        theme.dots(rows, theme.ACCENT),
        theme.dots(forecast, theme.MUTED, is_open=True),
        theme.texts(_apart(rows), base="bottom", bold=True),
    ]
    title = headline(findings.trajectory(paces, indicator, entry.name))
    return theme.compose(layers, _frame(rows, targets, forecast, scale), title, subtitle)


def _of_years(rows: pd.DataFrame, scale: float) -> pd.DataFrame:
    series = rows["variant"] + "/" + rows["basis"]
    place = series.map({name: rank for rank, name in enumerate(dict.fromkeys(series))})
    told = rows.to_dict("records")
    return rows.assign(
        x=rows["time"] + _SIDE * place,
        y=scale * rows["estimate"],
        low=scale * rows["ci_low"],
        high=scale * rows["ci_high"],
        name=[_variant_name(row) for row in told],
        hint=[
            f"{row['period']}: {wording.estimate(row)}; {row['attainment_label']}; {row['source']}"
            for row in told
        ],
        text=[wording.estimate(row) for row in told],
    )


def _apart(rows: pd.DataFrame) -> pd.DataFrame:
    """Texts above their points; of points of a year at nearly one height only the first is told."""
    room = 0.08 * max(rows["y"].max(), 1.0)
    level = (rows["y"] / room).round()
    is_first = ~rows.assign(level=level).duplicated(["time", "level"])
    return rows.assign(y=rows["y"] + 0.35 * room)[is_first]


def _targets(entry: Indicator | None, scale: float, first: int) -> pd.DataFrame:
    """Targets of calendar years from the first; none without an entry."""
    rows = [
        {"x0": year - 0.3, "x1": year + 0.3, "y0": scale * target.value, "year": year}
        for target in (entry.targets if entry else ())
        if target.first_year is not None
        for year in range(max(target.first_year, first), target.last_year + 1)
    ]
    table = pd.DataFrame(rows, columns=["x0", "x1", "y0", "year"]).astype(float)
    sign = {">=": "≥", "<=": "≤"}.get(entry.comparator if entry else None, "")
    words = [f" план {sign} {wording.number(value)}" for value in table["y0"]]
    return table.assign(y1=table["y0"], text=words)


def _of_forecast(pace: pd.DataFrame, rows: pd.DataFrame, scale: float) -> pd.DataFrame:
    known = pace.dropna(subset=["forecast"])
    return known.assign(
        x=known["target_year"].astype(float),
        y=scale * known["forecast"],
        low=scale * known["forecast_low"],
        high=scale * known["forecast_high"],
        name=known["variant_label"],
        hint=known["note"],
    )


def _upright(rows: pd.DataFrame) -> pd.DataFrame:
    """Intervals as upright segments; rows without one are left out."""
    segments = rows.assign(x0=rows["x"], x1=rows["x"], y0=rows["low"], y1=rows["high"])
    return segments.dropna(subset=["y0", "y1"])


def _frame(
    rows: pd.DataFrame, targets: pd.DataFrame, forecast: pd.DataFrame, scale: float
) -> Frame:
    ends = {year: str(int(year)) for year in [*targets["year"], *forecast["x"]]}
    ends |= dict(zip(rows["time"], rows["period"], strict=True))
    tops = pd.concat([rows["y"], rows["high"], targets["y0"], forecast["high"]])
    limit = 100.0 if scale > 1 else float(tops.max()) * 1.15 or 1.0
    return Frame(
        (min(ends) - 0.4, max(ends) + 1.1),
        (-0.04 * limit, 1.12 * limit),
        xticks=sorted(ends.items()),
        yticks=theme.ticks(limit),
        ylabel="%" if scale > 1 else "",
        height=300,
        grid="y",
    )
