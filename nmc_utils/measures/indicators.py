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
from nmc_utils.indicator_definitions import (
    NUMBERS_OF,
    OWN_VALUE,
    UNITS,
    Indicator,
    Quantity,
    Variant,
)
from nmc_utils.measures.attainment import judge, place
from nmc_utils.measures.counted import counted, is_of_persons
from nmc_utils.measures.counts import counted_number
from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS, MEASURES
from nmc_utils.measures.intervals import share_interval
from nmc_utils.terms import TABLE_TITLES

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
    "judgement",
    "is_within",
    "attainment_label",
    "source",
    "population",
    "dated",
    "closed_by",
    "note",
]
#: With a greater part of the records left out for empty cells a value is not compared with a plan.
MOST_LEFT_OUT = 0.05

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
        later one is named, never anticipated; `is_within` says whether the interval has the target
        in it. `population` is whom the value is of, `dated` the
        period of the facts or the day of the records; `closed_by` says what would give a missing
        value. `note` says how many records are left out because a compared cell is empty, and the
        value if none or all of them were counted; where they are more than `MOST_LEFT_OUT`, it is
        not judged. What rests on records of persons has measures of its own (``…_of_persons``),
        which are not public: `open_indicators` and `closed_indicators` part the two.

    Raises
    ------
    ValueError
        A fact is not in the unit that the indicator needs.
    """
    facts = tables["published"]
    rows = [
        {"indicator": indicator.id, "region": edition.region.code, "period": edition.period.text}
        | row
        | judge(row, indicator, edition)
        for indicator in edition.region.indicators
        for row in _values(indicator, edition, facts, tables)
    ]
    table = pd.DataFrame(rows).assign(std_error=np.nan)
    table["target_year"] = table["target_year"].astype("Int64")
    table["bound"] = table["bound"].where(table["estimate"].notna(), None)
    table["status"] = np.where(table["estimate"].notna(), "ok", "no_data")
    table["n"] = table["denominator"].round().astype("Int64")
    return table[COLUMNS]


#: Name in a run of what is not public, beside the public ``indicators``.
CLOSED = "indicators_of_persons"


def open_indicators(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of `indicators` that rest on published facts and on records of resources alone."""
    return table[~_is_closed(table)].reset_index(drop=True)


def closed_indicators(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of `indicators` that rest on records of persons."""
    return table[_is_closed(table)].reset_index(drop=True)


def _is_closed(table: pd.DataFrame) -> pd.Series:
    return table["measure"].map({name: one.sensitive for name, one in MEASURES.items()})


def all_indicators(staged: Tables) -> pd.DataFrame:
    """Return what `indicators` gave, from the two tables of a run.

    Parameters
    ----------
    staged
        Tables of a run: ``indicators`` and, where it was staged, ``indicators_of_persons``.

    Returns
    -------
    DataFrame
        Rows of an indicator stand together, in the order of the first table.
    """
    parts = [staged[name] for name in ("indicators", CLOSED) if name in staged]
    both = pd.concat([part for part in parts if len(part) or len(parts) == 1], ignore_index=True)
    order = {name: rank for rank, name in enumerate(dict.fromkeys(both["indicator"]))}
    return both.sort_values("indicator", key=lambda names: names.map(order), kind="stable",
                            ignore_index=True)  # fmt: skip


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
    closed_by: str = ""  #: what would give the number, where there is none
    population: str | None = None  #: whom it is of
    partly: tuple[str, ...] = ()  #: tables that some municipalities have not sent
    left_out: float = 0  #: how many more it might be, if no cell were empty
    empty: str = ""  #: headings of the columns that are empty for these


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
        closed_by=value.closed_by,
        population=value.population,
        dated=value.period,
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
    units = NUMBERS_OF if variant.denominator else (UNITS[indicator.unit],)

    def value_of(part: Quantity, beside: Quantity | None = None) -> _Value:
        if basis == "recorded":
            of_same = beside if indicator.unit == "share" else None
            return _recorded(part, edition, tables, indicator.unit, beside=of_same)
        if basis == "aggregate":
            number, source = counted_number(tables, part.metric, edition.region)
            lacking = "" if np.isfinite(number) else f"«{part.label}» на листе «Сводные числа»"
            return _Value(number, source, closed_by=lacking)
        value = _published(part.metric, part.label, edition, facts)
        _check_unit(value, indicator, units)
        return value

    top = value_of(variant.numerator, variant.denominator)
    if variant.denominator is None:
        told, doubt = of_empty(top.left_out, top.number, top.empty)
        most = terms.decimal(top.number + top.left_out)
        span = f"от {terms.decimal(top.number)} до {most}"
        outcome = {"estimate": top.number, "bound": top.bound, "source": top.source}
        outcome |= {"doubt": top.doubt or doubt, "closed_by": top.closed_by}
        outcome["note"] = f"{told}, с ними {span}" if told else None
        outcome |= {"population": top.population, "dated": top.period}
    else:
        outcome = _divided(top, value_of(variant.denominator, variant.numerator), indicator)
        outcome["denominator_label"] = variant.denominator.label
    if basis != "published":
        outcome["dated"] = edition.as_of.isoformat()
        outcome["measure"] = _measure(indicator, variant, edition)
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
    """The ratio of two values; a share of counts has an interval.

    A share is of the municipalities that have sent both; of two things that are not of each other,
    such as staff and members of the РМА, there is no ratio while either is of some municipalities.
    """
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
        "closed_by": "; ".join(dict.fromkeys(filter(None, (top.closed_by, bottom.closed_by)))),
        "population": bottom.population,
        "dated": _both(top.period, bottom.period),
    }
    partly = dict.fromkeys(top.partly + bottom.partly)
    if partly and not (is_share and np.isfinite(top.number + bottom.number)):
        rest = f"{sheets(tuple(partly))} остальных муниципальных образований"
        outcome["closed_by"] = outcome["closed_by"] or rest
    elif is_share and top.number > bottom.number:
        outcome["source"] += "; числитель больше знаменателя, доля не вычислена"
    elif bottom.number > 0 and np.isfinite(top.number):
        outcome["estimate"] = top.number / bottom.number
        if is_share:
            low, high = (float(end) for end in share_interval(top.number, bottom.number))
            outcome |= {"ci_low": low, "ci_high": high, "interval_kind": "process"}
        outcome |= _bounds(top, bottom, outcome["doubt"], is_share)
    elif bottom.number == 0:
        outcome["closed_by"] = f"хотя бы одна запись: {bottom.source}"
        outcome["source"] += "; знаменатель — 0, значения нет"
    return outcome


def _bounds(top: _Value, bottom: _Value, doubt: str, is_share: bool) -> dict[str, Any]:
    """What a ratio would be if none, or all, of those whom empty cells leave out were counted.

    Of a share both are of the same rows: none of them meets the numerator, or all that may do.
    """
    most = max((top, bottom), key=lambda value: value.left_out)
    told, unsure = of_empty(most.left_out, (bottom if is_share else most).number, most.empty)
    if not told:
        return {}
    least = top.number / (bottom.number + bottom.left_out)
    greatest = (top.number + top.left_out) / (bottom.number + (top.left_out if is_share else 0))
    if is_share:
        span = f"от {terms.decimal(100 * least, 1)} до {terms.decimal(100 * greatest, 1)} %"
    else:
        span = f"от {terms.decimal(least, 1)} до {terms.decimal(greatest, 1)}"
    return {"doubt": doubt or unsure, "note": f"{told}, с ними {span}"}


def of_empty(left_out: float, known: float, empty: str) -> tuple[str, str]:
    """Say how many are left out for empty cells, and, if they are many, why nothing is judged."""
    if not left_out:
        return "", ""
    whole = terms.decimal(known + left_out)
    told = f"не учтено {terms.decimal(left_out)} из {whole}: не заполнено {empty}"
    return told, told if left_out > MOST_LEFT_OUT * (known + left_out) else ""


def _both(*periods: str | None) -> str | None:
    return ", ".join(dict.fromkeys(filter(None, periods))) or None


def _measure(indicator: Indicator, variant: Variant, edition: Edition) -> str:
    """What rests on records of persons is another measure, which is not public."""
    parts = (variant.numerator, variant.denominator)
    counts = [part.count for part in parts if part and part.count]
    of_persons = any(is_of_persons(count, edition) for count in counts)
    return f"indicator_{indicator.unit}{'_of_persons' if of_persons else ''}"


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
    row = {"measure": measure, "interval_kind": "none", **empty, **labels, **given}
    is_known = np.isfinite(row["estimate"])
    row["closed_by"] = None if is_known else indicator.closed_by or row["closed_by"] or None
    row["population"] = row["population"] or indicator.population
    row["dated"] = row["dated"] if is_known else None
    row["note"] = row.get("note") if is_known else None
    return row


def _published(metric: str | None, label: str, edition: Edition, facts: Facts) -> _Value:
    fact = _fact(facts, metric, edition.period)
    if fact is None:
        return _Value(np.nan, f"не опубликовано: {label}", closed_by=f"документ с числом: {label}")
    source = place(edition.region, fact["document"], fact["locator"])
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
    return _Value(
        fact["number"],
        source,
        bound,
        fact["unit"],
        doubt,
        fact["period"],
        population=fact["population"] or None,
    )


def _check_unit(value: _Value, indicator: Indicator, allowed: tuple[str, ...]) -> None:
    if value.unit is not None and value.unit not in allowed:
        raise ValueError(
            f"«{indicator.name}»: число опубликовано в единице «{value.unit}», "
            f"а нужна {' или '.join(f'«{unit}»' for unit in allowed)} ({value.source})"
        )


def _recorded(
    part: Quantity, edition: Edition, tables: Tables, unit: str, *, beside: Quantity | None
) -> _Value:
    """Rows of the edition; without those of some municipalities shown, and not judged."""
    found = counted(part.count, edition, tables, beside=beside.count if beside else None)
    number, left_out = found.number, found.left_out
    if unit == "yes_no" and np.isfinite(number):
        number, left_out = float(number > 0), 0 if number else left_out
    return _Value(
        number,
        found.source,
        doubt=found.part,
        partly=found.partly,
        closed_by=sheets(found.missing) or found.unfilled,
        population=part.count.label(edition.region.library),
        left_out=left_out,
        empty=found.empty,
    )


def sheets(missing: tuple[str, ...]) -> str:
    """Name the sheets that would give a number."""
    titles = ", ".join(f"«{TABLE_TITLES[name]}»" for name in missing)
    return f"лист{'ы' if len(missing) > 1 else ''} {titles}" if missing else ""


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
