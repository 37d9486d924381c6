"""Regions side by side, by name: values with intervals, each beside its own target; no ranks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import holoviews as hv
import pandas as pd

from nmc_utils import findings, theme, wording
from nmc_utils.figures.rows import headline, ordered, share, values_and_sizes, why_empty
from nmc_utils.measures.dictionary import MEASURES
from nmc_utils.theme import Frame

_ROW = 26  #: height of a region in pixels: dozens of them stand in one chart
_NOTE = 27  #: characters of a line below a dot: as many stand beside each other on a phone
_STEP, _LINE = 44, 14  #: pixels from dot to dot with one line between them, and of a line more
_AXIS_UNITS = {"share": "%", "persons": "чел.", "count": "единиц"}
_BY_NAME = "порядок по алфавиту, это не рейтинг"


def coverage_by_region(results: pd.DataFrame, names: Mapping[str, str]) -> hv.Overlay:
    """Share of the staff that took the largest procedure of each region.

    Parameters
    ----------
    results
        Measure table of `regions_compared.region_results`.
    names
        Code of a region → its name, in the order of the rows.
    """
    subtitle = f"Доля штата, прошедшая крупнейшую процедуру региона, %; {_BY_NAME}"
    rows = results[results["measure"] == "tested_share"]
    return _dots(rows, names, headline(findings.region_coverage(results)), subtitle, "% штата")


def lowest_level_by_region(
    results: pd.DataFrame, definitions: pd.DataFrame, alike: int
) -> hv.Overlay:
    """Share of the lowest level, of regions whose results may be compared.

    Parameters
    ----------
    definitions
        Of `regions_compared.region_definitions`; `alike` is a number in it.
    """
    chosen = definitions[definitions["alike"] == alike]
    names = dict(zip(chosen["region"], chosen["name"], strict=True))
    rows = results[(results["measure"] == "level_share") & results["region"].isin(names)]
    level = chosen["definition"].iloc[0]
    subtitle = (
        f"Уровень «{level}», % прошедших диагностику: точка — доля, полоса — 95 % интервал; "
        f"{_BY_NAME}"
    )
    title = headline(findings.region_levels(results, definitions, alike))
    return _dots(rows, names, title, subtitle, "% прошедших диагностику")


def _dots(
    table: pd.DataFrame, names: Mapping[str, str], title: str, subtitle: str, xlabel: str
) -> hv.Overlay:
    rows = ordered(table, "region", names)
    if rows.empty or not rows["status"].eq("ok").any():
        return theme.reason(why_empty(rows), title, subtitle)
    return theme.dot_plot(
        rows,
        right=values_and_sizes(rows),
        title=title,
        subtitle=subtitle,
        xlabel=xlabel,
        row_height=_ROW if len(rows) > 12 else 34,
    )


def shared_indicator(
    indicators: pd.DataFrame, names: Mapping[str, str], indicator: str
) -> hv.Overlay:
    """Values of one indicator in each region, variants and bases apart; ticks are own targets.

    Parameters
    ----------
    indicators
        Measure table of `regions_compared.shared_indicators`.
    """
    rows = indicators[indicators["indicator"] == indicator]
    title = rows["name"].iloc[0]
    subtitle = (
        "Точка — значение, полоса — 95 % интервал, черта — плановое значение региона "
        f"на этот период или ближайшее; {_BY_NAME}"
    )
    is_flag = MEASURES[rows["measure"].iloc[0]].unit == "yes_no"
    known = rows[(rows["status"] == "ok") & rows["region"].isin(names)]
    subtitle += _silent(rows, known, names)
    if known.empty or is_flag:
        words = "это да или нет" if is_flag else "значений за этот период нет ни у одного региона"
        return theme.reason(f"Графика нет: {words}", title, subtitle)
    return theme.compose(*_indicator_parts(_placed(known, names)), title, subtitle)


def _silent(rows: pd.DataFrame, known: pd.DataFrame, names: Mapping[str, str]) -> str:
    """Name the regions that have the indicator and no value of it; many are only counted."""
    silent = [names[code] for code in names if code in set(rows["region"]) - set(known["region"])]
    if not silent:
        return ""
    few = ", ".join(silent) if len(silent) <= 5 else f"регионов — {len(silent)}"
    return f"; нет данных: {few}"


def _placed(rows: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Rows below each other, those of a region together, with what is written beside them."""
    factor = 100.0 if MEASURES[rows["measure"].iloc[0]].unit == "share" else 1.0
    order = list(names)
    rows = rows.assign(place=rows["region"].map(order.index))
    rows = rows.sort_values(["place", "variant", "basis"], kind="stable", ignore_index=True)
    is_first = ~rows["region"].duplicated()
    records = rows.to_dict("records")
    return rows.assign(
        y=-(1.0 + 0.4 * (is_first & (rows.index > 0))).cumsum() + 1.0,
        name=rows["region"].map(names),
        x=factor * rows["estimate"],
        low=factor * rows["ci_low"],
        high=factor * rows["ci_high"],
        at=factor * rows["target"],
        hint=[f"{_variant(row)}: {wording.estimate(row)}" for row in records],
        words=[theme.wrapped(_variant(row), _NOTE) for row in records],
        value=[wording.estimate(row) for row in records],
        is_first=is_first,
    )


def _variant(row: Mapping[str, Any]) -> str:
    """The variant and its basis, and why a value is only shown where it is not compared."""
    words = f"{row['variant_label']} ({findings.BASIS_NAMES[row['basis']]})"
    return f"{words}; {row['note']}: не сравнивается" if isinstance(row.get("note"), str) else words


def _indicator_parts(rows: pd.DataFrame) -> tuple[list[Any], Frame]:
    furthest = rows[["x", "high", "at"]].max().max()
    step = 10.0 ** math.floor(math.log10(furthest)) / 2 if furthest > 0 else 1.0
    limit = step * math.ceil(furthest / step + 0.1)
    y = rows["y"]
    height = _STEP + _LINE * rows["words"].str.count("\n").max()
    ticks = rows.assign(
        x0=rows["at"], x1=rows["at"], y0=y - 10 / height, y1=y + 10 / height
    ).dropna(subset=["x0"])
    notes = rows.assign(x=0.0, y=y - 12 / height, text=rows["words"])
    heads = rows.assign(middle=rows.groupby("name", sort=False)["y"].transform("mean"))
    heads = heads[heads["is_first"]]
    layers = [
        theme.lines(theme.spans(rows), theme.ACCENT_SOFT, 5),
        theme.lines(ticks, theme.INK, 3),
        theme.dots(rows, theme.ACCENT),
        theme.texts(notes, theme.MUTED, size=11, align="left", base="top"),
    ]
    bottom, top = y.min() - 0.8, 0.6
    frame = Frame(
        (-0.02 * limit, 1.02 * limit),
        (bottom, top),
        xticks=theme.ticks(limit),
        yticks=[
            (at, theme.wrapped(name, 13))
            for at, name in zip(heads["middle"], heads["name"], strict=True)
        ],
        xlabel=_AXIS_UNITS.get(MEASURES[rows["measure"].iloc[0]].unit, ""),
        height=round(height * (top - bottom) + 52),
        right=(theme.column(list(zip(y, rows["value"], strict=True)), 86, theme.INK, True),),
    )
    return layers, frame


def region_funnel(
    differences: pd.DataFrame,
    names: Mapping[str, str],
    quantity: str = "level_share",
    *,
    indicators: Mapping[str, str] | None = None,
) -> hv.Overlay:
    """Share by number of persons, with the limits within which a share ordinarily lies.

    Parameters
    ----------
    differences
        Of `regions_compared.region_differences`; the first of several comparisons of `quantity`.
    indicators
        Id of an indicator → its name; needed where `quantity` is one.
    """
    subtitle = (
        "Точка — регион; линии — пределы обычных отличий с учётом численности и разброса между "
        "регионами; выделены отличия, оставшиеся после поправки на число сравнений"
    )
    rows = differences[differences["quantity"] == quantity]
    keys = ["variant", "basis", "alike"]
    if len(rows):
        rows = rows[(rows[keys] == rows[keys].iloc[0]).all(axis=1)].sort_values(["n", "region"])
    title = headline(findings.region_differences(rows, names, indicators))
    if rows.empty:
        return theme.reason("Сравнимых регионов слишком мало", title, subtitle)
    return theme.compose(*_funnel_parts(rows, names), title, subtitle)


def _funnel_parts(rows: pd.DataFrame, names: Mapping[str, str]) -> tuple[list[Any], Frame]:
    rows = rows.assign(
        name=rows["region"].map(names),
        x=rows["n"].astype(float),
        y=100 * rows["share"],
        hint=[f"{share(v)}, {wording.size(n)}" for v, n in zip(rows.share, rows.n, strict=True)],
    )
    far = rows["is_outlier"]
    layers = [_curve(rows, name) for name in ("ci_low", "ci_high", "expected")]
    layers += [theme.dots(rows[~far], theme.MUTED, size=7), theme.dots(rows[far], theme.ACCENT)]
    limit = 1.05 * rows["x"].max()
    height = 5 * math.ceil(20 * rows[["share", "ci_high"]].max().max())
    places = _steps(limit)
    frame = Frame(
        (0.0, limit),
        (0.0, height + 2.0),
        xticks=theme.ticks(limit) if limit <= 3000 else [(t, wording.number(t)) for t in places],
        yticks=theme.ticks(height),
        xlabel="человек",
        ylabel="%",
        height=340,
        grid="y",
    )
    return layers, frame


def _steps(limit: float) -> list[float]:
    """About five round places from 0 to `limit`."""
    step = 10.0 ** math.floor(math.log10(limit))
    step = step / 5 if limit / step < 2 else step / 2 if limit / step < 5 else step
    return [step * at for at in range(math.floor(limit / step) + 1)]


def _curve(rows: pd.DataFrame, name: str) -> hv.Segments:
    ends = pd.DataFrame({"x": rows["x"], "y": 100 * rows[name]}).reset_index(drop=True)
    following = ends.shift(-1)
    curve = ends.rename(columns={"x": "x0", "y": "y0"}).assign(x1=following["x"], y1=following["y"])
    colour = theme.CONTRAST if name == "expected" else theme.FAINT
    return theme.lines(curve.dropna(), colour, 1.5)
