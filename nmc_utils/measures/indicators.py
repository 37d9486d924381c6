"""Indicators of the regional system: every variant the documents allow, judged by its own target.

Published facts and records of the edition are two bases of the same indicator, shown side by side
and never mixed into one number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nmc_utils.editions import (
    TABLE_TITLES,
    Count,
    Edition,
    Indicator,
    Period,
    Quantity,
    Target,
    Variant,
)
from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.intervals import share_interval

ATTAINMENT = {
    "attained": "достигнут",
    "not_attained": "не достигнут",
    "not_due": "срок не наступил",
    "no_target": "плановое значение не установлено",
    "no_data": "нет данных",
    "not_applicable": "неприменим",
}
OWN_VALUE = "published"  #: the `variant` of a value that a document gives as the indicator itself
COLUMNS = [
    "region",
    "period",
    "indicator",
    "variant",
    "basis",
    *ESTIMATE_COLUMNS,
    "numerator",
    "denominator",
    "numerator_label",
    "denominator_label",
    "variant_label",
    "target",
    "target_year",
    "comparator",
    "attainment",
    "attainment_label",
    "source",
]

Facts = pd.DataFrame
Tables = Mapping[str, pd.DataFrame]


def indicators(edition: Edition, tables: Tables) -> pd.DataFrame:
    """Compute the indicators of an edition's region.

    Parameters
    ----------
    edition
        Whose indicator definitions, targets and period to use.
    tables
        Canonical tables; a missing one turns the recorded basis that needs it into «no_data».
        ``tables["published"]`` holds the published facts.

    Returns
    -------
    DataFrame
        Measure table, one row per indicator × variant × basis. `basis` is ``published`` (facts of
        the documents) or ``recorded`` (rows of the edition's tables); `variant` ``"published"`` is
        the value a document gives as the indicator itself. Shares are 0–1; a share of counts has
        a Wilson interval for what such a process would give again. `attainment` compares with the
        target of the same year only; a later one is named, never anticipated.
    """
    facts = tables["published"]
    rows = [
        {"indicator": indicator.id, "region": edition.region.code, "period": edition.period.text}
        | row
        | _judge(row["estimate"], indicator, edition.period)
        for indicator in edition.region.indicators
        for row in _values(indicator, edition, facts, tables)
    ]
    table = pd.DataFrame(rows).assign(std_error=np.nan)
    table["status"] = np.where(table["estimate"].notna(), "ok", "no_data")
    table["n"] = table["denominator"].round().astype("Int64")
    return table[COLUMNS]


def _values(
    indicator: Indicator, edition: Edition, facts: Facts, tables: Tables
) -> list[dict[str, Any]]:
    """Rows of one indicator before judgement: the document's own value, then the variants."""
    rows = []
    if indicator.metric or not indicator.variants:
        rows.append(_own_value(indicator, edition, facts))
    for variant in indicator.variants:
        parts = [part for part in (variant.numerator, variant.denominator) if part]
        if any(part.metric for part in parts):
            rows.append(_variant(indicator, variant, "published", edition, facts, tables))
        if all(part.count for part in parts):
            rows.append(_variant(indicator, variant, "recorded", edition, facts, tables))
    return rows


def _own_value(indicator: Indicator, edition: Edition, facts: Facts) -> dict[str, Any]:
    fact = _fact(facts, indicator.metric, edition.period)
    scale = 100 if indicator.unit == "share" else 1
    return _row(
        indicator,
        variant=OWN_VALUE,
        variant_label="опубликовано документом",
        basis="published",
        estimate=np.nan if fact is None else fact["number"] / scale,
        source=_missing_fact(indicator.name) if fact is None else _source(fact, edition),
    )


def _variant(
    indicator: Indicator,
    variant: Variant,
    basis: str,
    edition: Edition,
    facts: Facts,
    tables: Tables,
) -> dict[str, Any]:
    """One way of computing the indicator, from published facts or from records."""

    def value_of(part: Quantity) -> tuple[float, str]:
        if basis == "published":
            return _published(part, edition, facts)
        return _recorded(part.count, tables)

    numerator, source = value_of(variant.numerator)
    denominator = np.nan
    estimate, low, high = numerator, np.nan, np.nan
    if variant.denominator:
        denominator, also = value_of(variant.denominator)
        source = source if also == source else f"{source}; {also}"
        known = denominator > 0 and np.isfinite(numerator)
        estimate = numerator / denominator if known else np.nan
        if known and indicator.unit == "share":
            low, high = (float(bound) for bound in share_interval(numerator, denominator))
    return _row(
        indicator,
        variant=variant.code,
        variant_label=variant.name,
        basis=basis,
        estimate=estimate,
        ci_low=low,
        ci_high=high,
        interval_kind="process" if np.isfinite(low) else "none",
        numerator=numerator,
        denominator=denominator,
        numerator_label=variant.numerator.label,
        denominator_label=variant.denominator.label if variant.denominator else None,
        source=source,
    )


def _row(indicator: Indicator, **given: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("ci_low", "ci_high", "numerator", "denominator"), np.nan)
    labels = dict.fromkeys(("numerator_label", "denominator_label"))
    measure = f"indicator_{indicator.unit}"
    return {"measure": measure, "interval_kind": "none", **empty, **labels, **given}


def _published(part: Quantity, edition: Edition, facts: Facts) -> tuple[float, str]:
    fact = _fact(facts, part.metric, edition.period)
    if fact is None:
        return np.nan, _missing_fact(part.label)
    return fact["number"], _source(fact, edition)


def _recorded(count: Count, tables: Tables) -> tuple[float, str]:
    """Count rows of a table, persons and organisations once; missing when the table is."""
    title = TABLE_TITLES[count.table]
    if count.table not in tables:
        return np.nan, f"нет таблицы «{title}»"
    frame = tables[count.table]
    for column, value in count.where.items():
        frame = frame[frame[column] == value]
    return float(frame.iloc[:, 0].nunique()), f"записи издания, таблица «{title}»"


def _fact(facts: Facts, metric: str | None, period: Period) -> pd.Series | None:
    """The fact of this period, else of a span of years that ends in it (cumulative)."""
    mine = facts[(facts["metric"] == metric) & facts["kind"].isin(["actual", "count"])]
    exact = mine[mine["period"] == period.text]
    if exact.empty and period.kind == "calendar_year":
        exact = mine[mine["period"].str.fullmatch(rf"20\d\d-{period.year}")]
    return None if exact.empty else exact.iloc[0]


def _source(fact: pd.Series, edition: Edition) -> str:
    document = edition.region.document(fact["document"])
    span = "" if fact["period"] == edition.period.text else f", за {fact['period']}"
    return f"{document.short}: «{fact['locator']}»{span}"


def _missing_fact(label: str) -> str:
    return f"не опубликовано: {label}"


# --- judgement ----------------------------------------------------------------------------------


def _judge(estimate: float, indicator: Indicator, period: Period) -> dict[str, Any]:
    """Compare with the target of the same year; otherwise say when a target falls due."""
    now, later = _targets(indicator, period)
    target = now or later
    row = {
        "target": np.nan if target is None else float(target.value),
        "target_year": pd.NA if target is None else (period.year if now else target.first_year),
        "comparator": indicator.comparator,
    }
    if np.isnan(estimate):
        code, note = "no_data", ""
    elif now:
        code, note = "attained" if _meets(estimate, now, indicator) else "not_attained", ""
    elif later:
        done = "уже выполнен" if _meets(estimate, later, indicator) else "пока не выполнен"
        code, note = "not_due", f", ориентир {later.first_year}: {done}"
    else:
        code, note = "no_target", ""
    if indicator.caveat and code != "no_data":
        note += f"; {indicator.caveat}"
    return row | {"attainment": code, "attainment_label": ATTAINMENT[code] + note}


def _targets(indicator: Indicator, period: Period) -> tuple[Target | None, Target | None]:
    """The target of the period and, failing that, the next one. Only whole years have targets."""
    if period.kind != "calendar_year":
        return None, None
    now = [t for t in indicator.targets if t.first_year <= period.year <= t.last_year]
    later = sorted(
        (t for t in indicator.targets if t.first_year > period.year), key=lambda t: t.first_year
    )
    return next(iter(now), None), next(iter(later), None)


def _meets(estimate: float, target: Target, indicator: Indicator) -> bool:
    value = float(target.value)
    return estimate <= value if indicator.comparator == "<=" else estimate >= value
