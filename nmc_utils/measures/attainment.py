"""Whether an indicator has reached its target: only the target of the same year decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nmc_utils.editions import Edition, Period
from nmc_utils.indicator_definitions import Indicator, Target
from nmc_utils.regions import Region

ATTAINMENT = {
    "attained": "достигнут",
    "not_attained": "не достигнут",
    "not_due": "срок не наступил",
    "depends": "зависит от варианта",
    "no_target": "плановое значение не установлено",
    "no_data": "нет данных",
    "not_applicable": "неприменим",
}

#: Stands beside a judgement that another such process could give otherwise.
WITHIN = "интервал включает план"


def place(region: Region, document: str, section: str) -> str:
    """Write the document and section that a number or target is from."""
    return f"{region.document(document).short}, {section}"


def judge(value: Mapping[str, Any], indicator: Indicator, edition: Edition) -> dict[str, Any]:
    """Compare with the target of the same year; otherwise say when a target falls due.

    Parameters
    ----------
    value
        With `estimate` (a share 0–1), `bound` (in which sense it is meant: ``exact``, ``about``,
        ``more_than`` or ``less_than``), `doubt` (why it must not be judged; empty where it may),
        `basis`, `ci_low` and `ci_high`. What is counted of an edition before the year is over is
        not judged yet; a fact that a document gives for the year is.

    Returns
    -------
    dict
        `target`, `target_year`, `target_source`, `comparator`, `attainment` (a code of
        `ATTAINMENT`), `judgement` in words, `is_within` (whether the closed interval has the target
        in it: the estimate decides nevertheless, as the documents have it) and
        `attainment_label`, the judgement with words for that.
    """
    estimate, bound = value["estimate"], value["bound"]
    doubt = value["doubt"] or indicator.not_judged or ""
    now, later, undated = targets(indicator, edition.period)
    target = now or later or undated
    is_over = value["basis"] == "published" or edition.as_of >= edition.period.ends_on
    if target and not doubt and not _decides(estimate, bound, target, indicator):
        doubt = "значение названо приблизительно и с планом не сравнимо"
    row = _planned(target, edition) | {"comparator": indicator.comparator}
    if np.isnan(estimate):
        code, label = "no_data", ""
    elif target is None:
        code, label = "no_target", f"; {doubt}" if doubt else ""
    elif doubt:
        code, label = "not_applicable", f": {doubt}"
    elif now and is_over:
        code, label = "attained" if meets(estimate, now, indicator) else "not_attained", ""
    elif now or later:
        code = "not_due"
        label = f", ориентир {row['target_year']}: {_done(estimate, now or later, indicator)}"
    else:
        code = "not_due"
        label = f": в документе срока нет, ориентир {_done(estimate, undated, indicator)}"
    if indicator.caveat and code != "no_data":
        label += f"; {indicator.caveat}"
    judgement = ATTAINMENT[code] + label
    is_within = code in ("attained", "not_attained", "not_due") and _is_within(value, target)
    told = f"{judgement}; {WITHIN}" if is_within else judgement
    return row | {
        "attainment": code,
        "judgement": judgement,
        "is_within": is_within,
        "attainment_label": told,
    }


def _decides(estimate: float, bound: str, target: Target, indicator: Indicator) -> bool:
    """Whether a value that is known roughly, or from one side, is on one side of the target."""
    value = float(target.value)
    match bound:
        case "more_than":
            return estimate > value or (estimate == value and indicator.comparator == ">=")
        case "less_than":
            return estimate < value or (estimate == value and indicator.comparator == "<=")
        case "about":
            return False
    return True


def _done(estimate: float, target: Target, indicator: Indicator) -> str:
    return "уже выполнен" if meets(estimate, target, indicator) else "пока не выполнен"


def _is_within(value: Mapping[str, Any], target: Target) -> bool:
    return bool(value["ci_low"] <= float(target.value) <= value["ci_high"])


def _planned(target: Target | None, edition: Edition) -> dict[str, Any]:
    if target is None:
        return {"target": np.nan, "target_year": pd.NA, "target_source": None}
    year = target.first_year
    return {
        "target": float(target.value),
        "target_year": pd.NA if year is None else max(year, edition.period.year),
        "target_source": place(edition.region, target.document, target.section),
    }


def targets(
    indicator: Indicator, period: Period
) -> tuple[Target | None, Target | None, Target | None]:
    """Return the target of the period, the next one, and one without a date.

    Only whole calendar years have targets.
    """
    dated = [target for target in indicator.targets if target.first_year is not None]
    undated = [target for target in indicator.targets if target.first_year is None]
    if period.kind != "calendar_year":
        dated = []
    now = [t for t in dated if t.first_year <= period.year <= t.last_year]
    later = sorted((t for t in dated if t.first_year > period.year), key=lambda t: t.first_year)
    return next(iter(now), None), next(iter(later), None), next(iter(undated), None)


def meets(estimate: float, target: Target, indicator: Indicator) -> bool:
    """Whether a value reaches a target."""
    value = float(target.value)
    return estimate <= value if indicator.comparator == "<=" else estimate >= value
