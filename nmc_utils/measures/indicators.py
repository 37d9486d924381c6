"""Indicators of the regional system: every variant the documents allow, judged by its own target.

Published facts and records of the edition are two bases of the same indicator, shown side by side
and never mixed into one number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nmc_utils import terms
from nmc_utils.editions import Edition, Period
from nmc_utils.measures.counts import counted_number
from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.intervals import share_interval
from nmc_utils.measures.periods import is_current
from nmc_utils.measures.reporting import missing_table, part_of_region
from nmc_utils.regions import Count, Indicator, Quantity, Region, Target, Variant
from nmc_utils.terms import COUNTED, TABLE_TITLES

ATTAINMENT = {
    "attained": "достигнут",
    "not_attained": "не достигнут",
    "not_due": "срок не наступил",
    "no_target": "плановое значение не установлено",
    "no_data": "нет данных",
    "not_applicable": "неприменим",
}
#: How the documents write the unit of an indicator.
UNITS = {"share": "%", "persons": "чел.", "count": "ед.", "yes_no": "да/нет"}
_NUMBERS_OF = ("чел.", "ед.")  #: units of what stands above or below a line
OWN_VALUE = "published"  #: the `variant` of a value that a document gives as the indicator itself
COLUMNS = [
    "region",
    "period",
    "indicator",
    "variant",
    "basis",
    *ESTIMATE_COLUMNS,
    "bound",
    "numerator",
    "denominator",
    "numerator_label",
    "denominator_label",
    "variant_label",
    "target",
    "target_year",
    "target_source",
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
        a Wilson interval for what such a process would give again. `bound` says whether the
        documents mean the estimate as ``exact``, ``about``, ``more_than`` or ``less_than``; it is
        missing with the estimate. `attainment` compares with the target of the same year only; a
        later one is named, never anticipated.

    Raises
    ------
    ValueError
        A fact is not in the unit that the indicator needs, or a count names a column that its
        table does not have or a value that it cannot hold.
    """
    facts = tables["published"]
    rows = [
        {"indicator": indicator.id, "region": edition.region.code, "period": edition.period.text}
        | row
        | _judge(row["estimate"], row["bound"], row["doubt"], indicator, edition)
        for indicator in edition.region.indicators
        for row in _values(indicator, edition, facts, tables)
    ]
    table = pd.DataFrame(rows).assign(std_error=np.nan)
    table["target_year"] = table["target_year"].astype("Int64")
    table["bound"] = table["bound"].where(table["estimate"].notna(), None)
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
        if _is_counted(parts, tables):
            rows.append(_variant(indicator, variant, "aggregate", edition, facts, tables))
    return rows


def _is_counted(parts: list[Quantity], tables: Tables) -> bool:
    """Whether the region has sent a count of any of these."""
    counts = tables.get("aggregates")
    return counts is not None and counts["measure"].isin([part.metric for part in parts]).any()


@dataclass(frozen=True)
class _Value:
    """A number, in which sense it is meant, and where it comes from."""

    number: float
    source: str
    bound: str = "exact"
    unit: str | None = None  #: as a document writes it
    doubt: str = ""  #: why it must not be judged
    period: str | None = None  #: of a published fact, as ``published.csv`` writes it


def _own_value(indicator: Indicator, edition: Edition, facts: Facts) -> dict[str, Any]:
    value = _published(indicator.metric, indicator.name, edition, facts)
    _check_unit(value, indicator, (UNITS[indicator.unit],))
    return _row(
        indicator,
        variant=OWN_VALUE,
        variant_label="опубликовано документом",
        basis="published",
        estimate=value.number / (100 if indicator.unit == "share" else 1),
        bound=value.bound,
        source=value.source,
        doubt=value.doubt,
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
    units = _NUMBERS_OF if variant.denominator else (UNITS[indicator.unit],)

    def value_of(part: Quantity) -> _Value:
        if basis == "recorded":
            return _recorded(part.count, edition, tables)
        if basis == "aggregate":
            return _Value(*counted_number(tables, part.metric, edition.region))
        value = _published(part.metric, part.label, edition, facts)
        _check_unit(value, indicator, units)
        return value

    top = value_of(variant.numerator)
    if variant.denominator is None:
        outcome = {"estimate": top.number, "bound": top.bound, "source": top.source}
        outcome["doubt"] = top.doubt
    else:
        outcome = _divided(top, value_of(variant.denominator), indicator)
        outcome["denominator_label"] = variant.denominator.label
    return _row(
        indicator,
        variant=variant.code,
        variant_label=variant.name,
        basis=basis,
        numerator=top.number,
        numerator_label=variant.numerator.label,
        **outcome,
    )


def _divided(top: _Value, bottom: _Value, indicator: Indicator) -> dict[str, Any]:
    """The ratio of two values; a share of counts has an interval."""
    is_share = indicator.unit == "share"
    if is_share and top.unit and bottom.unit and top.unit != bottom.unit:
        raise ValueError(
            f"«{indicator.name}»: доля, но числитель опубликован в единице «{top.unit}», "
            f"а знаменатель — в «{bottom.unit}» ({top.source}; {bottom.source})"
        )
    same = bottom.source == top.source
    outcome = {
        "estimate": np.nan,
        "denominator": bottom.number,
        "bound": _bound_of_ratio(top.bound, bottom.bound),
        "doubt": top.doubt or bottom.doubt or _of_two_periods(top, bottom),
        "source": top.source if same else f"{top.source}; {bottom.source}",
    }
    if is_share and top.number > bottom.number:
        outcome["source"] += "; числитель больше знаменателя, доля не вычислена"
    elif bottom.number > 0 and np.isfinite(top.number):
        outcome["estimate"] = top.number / bottom.number
        if is_share:
            low, high = (float(end) for end in share_interval(top.number, bottom.number))
            outcome |= {"ci_low": low, "ci_high": high, "interval_kind": "process"}
    return outcome


def _of_two_periods(top: _Value, bottom: _Value) -> str:
    differ = top.period and bottom.period and top.period != bottom.period
    return f"числитель за {top.period}, знаменатель за {bottom.period}" if differ else ""


def _bound_of_ratio(top: str, bottom: str) -> str:
    """More of the numerator makes a ratio greater, more of the denominator less."""
    if bottom == "exact":
        return top
    return "less_than" if (top, bottom) == ("exact", "more_than") else "about"


def _row(indicator: Indicator, **given: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("ci_low", "ci_high", "numerator", "denominator"), np.nan)
    labels = dict.fromkeys(("numerator_label", "denominator_label"))
    measure = f"indicator_{indicator.unit}"
    return {"measure": measure, "interval_kind": "none", **empty, **labels, **given}


def _published(metric: str | None, label: str, edition: Edition, facts: Facts) -> _Value:
    fact = _fact(facts, metric, edition.period)
    if fact is None:
        return _Value(np.nan, f"не опубликовано: {label}")
    source = _place(edition.region, fact["document"], fact["locator"])
    doubt = ""
    match fact["period"]:
        case terms.EVERY_YEAR:
            source += f", {terms.EVERY_YEAR}"
        case terms.NO_YEAR:
            doubt = "год значения в документе не указан"
            source += ", год не указан"
        case span if span != _written(edition.period):
            source += f", за {span}"
    bound = fact["bound"].replace(" ", "_")
    return _Value(fact["number"], source, bound, fact["unit"], doubt, fact["period"])


def _check_unit(value: _Value, indicator: Indicator, allowed: tuple[str, ...]) -> None:
    if value.unit is not None and value.unit not in allowed:
        raise ValueError(
            f"«{indicator.name}»: число опубликовано в единице «{value.unit}», "
            f"а нужна {' или '.join(f'«{unit}»' for unit in allowed)} ({value.source})"
        )


def _recorded(count: Count, edition: Edition, tables: Tables) -> _Value:
    """Count rows that hold on the day of the edition, persons and organisations once.

    Without the rows of some municipalities the number is shown, and not judged.
    """
    title = TABLE_TITLES[count.table]
    if count.table not in tables:
        return _Value(np.nan, missing_table(count.table))
    frame = tables[count.table]
    chosen = pd.Series(True, index=frame.index)
    if {"from_on", "to_on"} <= set(frame):
        chosen &= is_current(frame, edition.as_of)
    for column, value in count.where.items():
        _check_where(count.table, frame, column, value)
        chosen &= (frame[column] == value).fillna(False)
    number = frame.loc[chosen, COUNTED[count.table]].nunique()
    source, doubt = f"записи издания, таблица «{title}»", ""
    if part := part_of_region(tables, count.table, edition.region):
        doubt, source = part, f"{source}, {part}"
    return _Value(float(number), source, doubt=doubt)


def _check_where(table: str, frame: pd.DataFrame, column: str, value: str | bool | int) -> None:
    """Refuse a condition that no row could ever meet: it would count as zero."""
    where = f"таблица {table}, условие {column}: {value}"
    if column not in frame:
        raise ValueError(f"{where}: такого столбца нет; есть: {', '.join(frame)}")
    dtype = frame[column].dtype
    if pd.api.types.is_bool_dtype(dtype):
        fits, allowed = isinstance(value, bool), "true, false"
    elif pd.api.types.is_numeric_dtype(dtype):
        fits, allowed = isinstance(value, int) and not isinstance(value, bool), "целое число"
    elif pd.api.types.is_datetime64_dtype(dtype):
        fits, allowed = False, "условия на столбец без дат"
    else:
        fits, allowed = isinstance(value, str), "текст"
    if not fits:
        raise ValueError(f"{where} не подходит; допустимо: {allowed}")


def _written(period: Period) -> str:
    """The period as ``published.csv`` writes it; nothing for one that no fact is of."""
    if period.kind == "academic_year":
        return period.text.replace("-", "/")
    return "" if period.kind == "cumulative" else period.text


def _fact(facts: Facts, metric: str | None, period: Period) -> pd.Series | None:
    """The fact of this period, else the one of the shortest span of years that ends in it.

    Failing these, a fact of every year, and last one without a year.
    """
    mine = facts[(facts["metric"] == metric) & facts["kind"].isin(["actual", "count"])]
    spans: list[str] = []
    if period.kind == "calendar_year":
        of_year = mine["period"].str.fullmatch(rf"20\d\d-{period.year}")
        spans = sorted(mine.loc[of_year, "period"], reverse=True)
    for written in (_written(period), *spans, terms.EVERY_YEAR, terms.NO_YEAR):
        found = mine[mine["period"] == written]
        if len(found):
            return found.iloc[0]
    return None


def _place(region: Region, document: str, section: str) -> str:
    return f"{region.document(document).short}, {section}"


# --- judgement ----------------------------------------------------------------------------------


def _judge(
    estimate: float, bound: str, doubt: str, indicator: Indicator, edition: Edition
) -> dict[str, Any]:
    """Compare with the target of the same year; otherwise say when a target falls due."""
    now, later, undated = _targets(indicator, edition.period)
    target = now or later or undated
    if target and not doubt and not _decides(estimate, bound, target, indicator):
        doubt = "значение названо приблизительно и с планом не сравнимо"
    row = _planned(target, edition) | {"comparator": indicator.comparator}
    if np.isnan(estimate):
        code, label = "no_data", ""
    elif target is None:
        code, label = "no_target", f"; {doubt}" if doubt else ""
    elif doubt:
        code, label = "not_applicable", f": {doubt}"
    elif now:
        code, label = "attained" if _meets(estimate, now, indicator) else "not_attained", ""
    elif later:
        code = "not_due"
        label = f", ориентир {later.first_year}: {_done(estimate, later, indicator)}"
    else:
        code = "not_due"
        label = f": в документе срока нет, ориентир {_done(estimate, undated, indicator)}"
    if indicator.caveat and code != "no_data":
        label += f"; {indicator.caveat}"
    return row | {"attainment": code, "attainment_label": ATTAINMENT[code] + label}


def _decides(estimate: float, bound: str, target: Target, indicator: Indicator) -> bool:
    """Whether a value that is known roughly, or from one side, is on one side of the target."""
    value = float(target.value)
    match bound:
        case "more_than":
            return estimate > value or (estimate == value and indicator.comparator == ">=")
        case "less_than":
            return estimate < value or (estimate == value and indicator.comparator == "<=")
        case "about":
            return estimate != value
    return True


def _done(estimate: float, target: Target, indicator: Indicator) -> str:
    return "уже выполнен" if _meets(estimate, target, indicator) else "пока не выполнен"


def _planned(target: Target | None, edition: Edition) -> dict[str, Any]:
    if target is None:
        return {"target": np.nan, "target_year": pd.NA, "target_source": None}
    year = target.first_year
    return {
        "target": float(target.value),
        "target_year": pd.NA if year is None else max(year, edition.period.year),
        "target_source": _place(edition.region, target.document, target.section),
    }


def _targets(
    indicator: Indicator, period: Period
) -> tuple[Target | None, Target | None, Target | None]:
    """The target of the period, the next one, and one without a date.

    Only whole calendar years have targets.
    """
    dated = [target for target in indicator.targets if target.first_year is not None]
    undated = [target for target in indicator.targets if target.first_year is None]
    if period.kind != "calendar_year":
        dated = []
    now = [t for t in dated if t.first_year <= period.year <= t.last_year]
    later = sorted((t for t in dated if t.first_year > period.year), key=lambda t: t.first_year)
    return next(iter(now), None), next(iter(later), None), next(iter(undated), None)


def _meets(estimate: float, target: Target, indicator: Indicator) -> bool:
    value = float(target.value)
    return estimate <= value if indicator.comparator == "<=" else estimate >= value
