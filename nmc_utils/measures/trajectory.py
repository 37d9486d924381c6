"""Indicators over periods: values, the pace that a target needs, and a forecast where one can be.

A forecast says where the straight line of the past leads; it says nothing about causes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from nmc_utils.editions import Edition, Period
from nmc_utils.indicator_definitions import Indicator, Target
from nmc_utils.measures.attainment import meets
from nmc_utils.measures.indicators import COLUMNS as INDICATOR_COLUMNS
from nmc_utils.measures.indicators import indicators
from nmc_utils.measures.intervals import difference_interval
from nmc_utils.regions import Region

ENOUGH = 3  #: points that a straight line with an error needs
FEW = "прогноз не строится: точек меньше трёх"
UNTOLD = "по таким малым числам изменение не оценивается"
UNCOUNTED = "числитель и знаменатель долей не известны: изменение от случая не отличить"
ON_A_LINE = "прогноз не строится: точки лежат на прямой, погрешность не оценить"
TOO_WIDE = "прогноз не строится: его интервал шире всего, чем может быть значение"
NO_TARGET = "прогноз не строится: планового значения впереди нет"
OF_YEARS = "прогноз не строится: плановые значения установлены на календарные годы"
SERIES = ["region", "indicator", "variant", "basis"]
COLUMNS = [
    *SERIES,
    "variant_label",
    "unit",
    "n_points",
    "last_period",
    "last",
    "change_per_year",
    "change_low",
    "change_high",
    "target",
    "target_year",
    "needed_per_year",
    "forecast",
    "forecast_low",
    "forecast_high",
    "note",
]
_NUMBERS = [name for name in COLUMNS if name.startswith(("change", "needed", "forecast"))]
_FLAT = 1e-9  #: residuals below this are rounding, no error of a line


def published_years(edition: Edition) -> pd.DataFrame:
    """Indicators of every calendar year up to the edition's that the documents give a fact of.

    Returns
    -------
    DataFrame
        Rows of `indicators` on the basis ``published`` that have a value of that very year, judged
        by the target of that year; spans of years, «ежегодно» and facts without a year are no
        points of a series. Years that end after the period of the edition are left out.
    """
    facts = edition.published_facts
    years = sorted(facts.loc[facts["period"].str.fullmatch(r"20\d\d"), "period"].unique())
    tables = [
        indicators(_in(edition, year), {"published": facts})
        for year in years
        if Period.parse(year).ends_on <= edition.period.ends_on
    ]
    if not tables:
        return _empty()
    table = pd.concat(tables, ignore_index=True)
    return table[table["dated"] == table["period"]].reset_index(drop=True)


def _in(edition: Edition, year: str) -> Edition:
    period = Period.parse(year)
    return edition.model_copy(update={"period": period, "as_of": period.ends_on})


def _empty() -> pd.DataFrame:
    numbers = ("estimate", "std_error", "ci_low", "ci_high", "numerator", "denominator", "target")
    kinds = dict.fromkeys(numbers, "float64") | dict.fromkeys(("n", "target_year"), "Int64")
    return pd.DataFrame(columns=INDICATOR_COLUMNS).astype(kinds)


def indicator_points(tables: Iterable[pd.DataFrame], *, like: Period) -> pd.DataFrame:
    """Values of the same indicator, variant and basis over periods of one kind.

    Parameters
    ----------
    tables
        Tables of `indicators`; of rows of the same period and series the last table's counts.
    like
        The period that the series leads to, and of the kind wanted: kinds never make one series,
        and what came later is no point of it. The text of a quarter does not say whether it is
        counted from the new year: where `like` is, all of them are, as in a series of editions.

    Returns
    -------
    DataFrame
        Rows with a value, in the order of periods, with their attainment by the target of their
        own period; `time` is the end of the period in years, 2023.0 at the end of 2023. Facts of
        other years than the period are no points of it.
    """
    both = pd.concat([_empty(), *filter(len, tables)], ignore_index=True)
    both = both[(both["status"] == "ok") & _is_of_its_period(both)]
    both = both.drop_duplicates([*SERIES, "period"], keep="last")
    periods = {text: _like(Period.parse(text), like) for text in both["period"].unique()}
    time = {
        text: _time(period)
        for text, period in periods.items()
        if period.kind == like.kind and period.ends_on <= like.ends_on
    }
    both = both[both["period"].isin(list(time))]
    order = {name: rank for rank, name in enumerate(dict.fromkeys(both["indicator"]))}
    both = both.assign(
        time=both["period"].map(time).astype(float), rank=both["indicator"].map(order)
    )
    by = ["rank", "variant", "basis", "time", "period"]
    return both.sort_values(by, kind="stable", ignore_index=True).drop(columns="rank")


def _like(period: Period, like: Period) -> Period:
    is_counted_up = (period.kind, like.kind) == ("quarter", "cumulative")
    return period.of_kind(like.kind) if is_counted_up else period


def _is_of_its_period(rows: pd.DataFrame) -> pd.Series:
    """Records always are; a fact where the documents date it by the very period of the row."""
    dated = rows["dated"].astype("object").str.replace("/", "-") == rows["period"]
    return (rows["basis"] != "published") | dated


def _time(period: Period) -> float:
    """The end of a period in years: whole numbers are ends of calendar years."""
    end = pd.Timestamp(period.ends_on)
    return end.year - 1 + end.day_of_year / (366 if end.is_leap_year else 365)


def trajectory(values: pd.DataFrame, region: Region) -> pd.DataFrame:
    """The pace of each series, the pace its next target needs, and a forecast where one can be.

    Parameters
    ----------
    values
        What `indicator_points` gave.
    region
        The definitions: targets, comparators, caveats.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row per series of numbers (yes and no have none). Values are in the unit of
        the indicator, shares 0–1. `change_per_year` is the mean change seen. Of shares of known
        counts it is the difference of the last and the first by year with Newcombe's interval, and
        missing where that encloses no change. Of three other points or more it is the slope of
        least squares with its 95 % t interval, missing where that is wider than all that the
        values can be: 1 for a share, the greatest value for a number. Of two numbers it is their
        difference by year, without an interval; two shares of unknown counts tell none.
        `needed_per_year` leads from the last value to the next dated `target`; it is 0 where that
        is reached. Targets are of calendar years and of no other series. `forecast` is the line at
        `target_year` with its 95 % prediction interval (n − 2 degrees of freedom), cut to what the
        unit can be. It is missing with fewer than three points, without a dated target, without a
        change told, and where its interval is too wide as above. A series that breaks has neither
        pace: another population or document, an approximate value, a caveat, part of the
        municipalities. `note` says so.

    Notes
    -----
    Newcombe (1998), method 10, by `difference_interval`; prediction of a new value by Draper &
    Smith (1998), 1.4.
    """
    entries = {entry.id: entry for entry in region.indicators}
    rows = [
        _series_row(dict(zip(SERIES, key, strict=True)), part, entries[key[1]], region)
        for key, part in values.groupby(SERIES, sort=False)
        if key[1] in entries and entries[key[1]].unit != "yes_no"
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype(dict.fromkeys(_NUMBERS, float) | {"target_year": "Int64"})


def _series_row(
    key: dict[str, Any], part: pd.DataFrame, entry: Indicator, region: Region
) -> dict[str, Any]:
    part = part.sort_values("time")
    last, period = part["estimate"].iloc[-1], Period.parse(part["period"].iloc[-1])
    row: dict[str, Any] = dict.fromkeys(COLUMNS, np.nan) | key
    row |= {"variant_label": part["variant_label"].iloc[-1], "unit": entry.unit}
    row |= {"n_points": len(part), "last_period": period.text, "last": last}
    row |= {"target_year": pd.NA}
    goal = next_target(entry, period)
    if goal is not None:
        row |= {"target": float(goal[0].value), "target_year": goal[1]}
    if wrong := _break(part, entry, region):
        return row | {"note": wrong}
    change, doubt = _pace(part, entry.unit)
    row |= change
    if goal is None:
        is_other = period.kind != "calendar_year" and entry.targets
        return row | {"note": _joined(doubt, OF_YEARS if is_other else NO_TARGET)}
    left = goal[1] - part["time"].iloc[-1]
    reached = meets(last, goal[0], entry)
    row["needed_per_year"] = 0.0 if reached else (row["target"] - last) / left
    if doubt or len(part) < ENOUGH:
        return row | {"note": doubt or FEW}
    return row | _forecast(part, goal[1], entry.unit)


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))


def _break(part: pd.DataFrame, entry: Indicator, region: Region) -> str:
    """Why the points do not make one series; empty where they do."""
    documents = {
        frozenset(one.id for one in region.documents if one.short in source)
        for source in part["source"]
    }
    reasons = {
        entry.caveat or "": bool(entry.caveat),
        "изменилось население показателя": part["population"].fillna("").nunique() > 1,
        "значения взяты из разных документов": len(documents) > 1,
        "значение названо приблизительно": part["bound"].ne("exact").any(),
        "данные не всех муниципальных образований": part["source"].str.contains(", данные ").any(),
    }
    found = [reason for reason, holds in reasons.items() if holds]
    return f"темп не считается, прогноз не строится: {'; '.join(found)}" if found else ""


def _pace(part: pd.DataFrame, unit: str) -> tuple[dict[str, float], str]:
    """The mean change by year with its interval, else why there is none to tell."""
    time, values = part["time"].to_numpy(float), part["estimate"].to_numpy(float)
    if len(part) < 2:
        return {}, ""
    span = time[-1] - time[0]
    if unit == "share" and part["numerator"].notna().all() and (part["denominator"] > 0).all():
        first, last = part.iloc[0], part.iloc[-1]
        ends = difference_interval(
            last["numerator"], last["denominator"], first["numerator"], first["denominator"]
        )
        low, high = (float(end) / span for end in ends)
        if low <= 0 <= high:
            return {}, UNTOLD
        return _change((values[-1] - values[0]) / span, low, high), ""
    if len(part) < ENOUGH:
        if unit == "share":
            return {}, UNCOUNTED
        return {"change_per_year": (values[-1] - values[0]) / span}, ""
    line = stats.linregress(time, values)
    half = stats.t.ppf(0.975, len(part) - 2) * line.stderr
    if 2 * half > _scale(values, unit):
        return {}, UNTOLD
    return _change(line.slope, line.slope - half, line.slope + half), ""


def _change(middle: float, low: float, high: float) -> dict[str, float]:
    return {"change_per_year": middle, "change_low": low, "change_high": high}


def _scale(values: np.ndarray, unit: str) -> float:
    """All that values can be; a number has no greatest one but that which was seen."""
    return 1.0 if unit == "share" else float(np.abs(values).max())


def _forecast(part: pd.DataFrame, year: int, unit: str) -> dict[str, float | str]:
    """The line at the end of a year with its prediction interval."""
    time, values = part["time"].to_numpy(float), part["estimate"].to_numpy(float)
    n, line = len(part), stats.linregress(time, values)
    residuals = values - line.intercept - line.slope * time
    error = np.sqrt((residuals**2).sum() / (n - 2))
    if error < _FLAT * max(1.0, np.abs(values).max()):
        return {"note": ON_A_LINE}
    spread = 1 + 1 / n + (year - time.mean()) ** 2 / ((time - time.mean()) ** 2).sum()
    half = stats.t.ppf(0.975, n - 2) * error * np.sqrt(spread)
    if 2 * half > _scale(values, unit):
        return {"note": TOO_WIDE}
    middle = line.intercept + line.slope * year
    upper = 1.0 if unit == "share" else np.inf
    low, point, high = np.clip([middle - half, middle, middle + half], 0.0, upper)
    return {
        "forecast": point,
        "forecast_low": low,
        "forecast_high": high,
        "note": f"по {n} точкам, интервал широк; о причинах прогноз не говорит",
    }


def next_target(entry: Indicator, period: Period) -> tuple[Target, int] | None:
    """Return the target that falls due first after a calendar year, and when.

    Targets are set for calendar years: a series of other periods has none.
    """
    if period.kind != "calendar_year":
        return None
    later = [
        (max(target.first_year, period.year + 1), place)
        for place, target in enumerate(entry.targets)
        if target.last_year is not None and target.last_year > period.year
    ]
    if not later:
        return None
    due, place = min(later)
    return entry.targets[place], due
