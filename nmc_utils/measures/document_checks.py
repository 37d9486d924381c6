"""Checks that find contradictions and gaps of the documents by themselves.

Each reads published facts, the acts that documents name or the definitions of indicators, and no
record of an edition.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from nmc_utils.indicator_definitions import Indicator
from nmc_utils.measures.intervals import share_interval
from nmc_utils.published import STATED, YES_NO
from nmc_utils.regions import Region
from nmc_utils.system import CHECKS, Act, Sum, System
from nmc_utils.terms import BOUNDS, EVERY_YEAR, NO_DUE, NO_YEAR, decimal

UNSTATED_POPULATION = "не указана"  #: what ``published.csv`` says of a fact without a population
#: A series jumps when it changes by more than this share within a year.
_JUMP = 0.5
#: A share is one of few cases when its 95 % interval is wider.
_WIDE = 0.5
_SHARE = "%"
_COUNTS = ("чел.", "ед.")
_YEAR = r"20\d\d"

Facts = pd.DataFrame
Value = tuple[float, str]


@dataclass(frozen=True)
class Found:
    """What a check has found; the first of `metrics` is the one that it is about."""

    check: str
    what: str
    metrics: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()


def find(facts: Facts, system: System, region: Region) -> list[Found]:
    """Run every check, in the order of `CHECKS`."""
    stated = facts[facts["kind"].isin(STATED)]
    found = [
        *sums(facts, system.sums),
        *spans(stated),
        *shares(stated, region.indicators),
        *acts(system.acts),
        *populations(stated),
        *denominators(stated, region.indicators),
        *jumps(stated),
        *changed_populations(stated),
        *periods(stated, region.indicators),
        *percent_targets(facts),
        *undated_targets(facts),
        *inexact(facts),
        *small_shares(stated, region.indicators),
        *without_actual(stated, region.indicators),
    ]
    return sorted(found, key=lambda one: (list(CHECKS).index(one.check), one.metrics, one.acts))


# --- sums and shares ----------------------------------------------------------------------------


def sums(facts: Facts, expected: Sequence[Sum]) -> Iterator[Found]:
    """Totals that their parts do not give, or cannot because some have no number."""
    facts = facts[facts["kind"] != "target"]
    for one in expected:
        total = _number(facts, *one.total_fact[0])
        parts = [_number(facts, *fact) for fact in one.part_facts]
        if sum(parts) + one.unnumbered == total:
            continue
        said = " + ".join(map(decimal, parts))
        if len(parts) > 1:
            said += f" = {decimal(sum(parts))}"
        if one.unnumbered:
            said += (
                f" и ещё {one.unnumbered} без числа — не меньше "
                f"{decimal(sum(parts) + one.unnumbered)}"
            )
        by = "по частям" if len(parts) > 1 else "перечислено"
        label = _label(facts, *one.total_fact[0])
        what = f"{label}: названо {decimal(total)}, а {by} {said}"
        yield Found("sum", what, (one.total, *one.parts))


def spans(stated: Facts) -> Iterator[Found]:
    """Counts of a span of years that the same counts of its single years do not give.

    People are left out: one person can be counted in several years and once in all of them.
    """
    things = stated[(stated["kind"] == "count") & (stated["unit"] == "ед.")]
    for metric, rows in things.groupby("metric", sort=True):
        by_period = rows.set_index("period")["number"]
        for period in rows.loc[rows["period"].str.fullmatch(rf"{_YEAR}-{_YEAR}"), "period"]:
            first, last = map(int, period.split("-"))
            years = [str(year) for year in range(first, last + 1)]
            if set(years) <= set(by_period.index) and by_period[years].sum() != by_period[period]:
                said = " + ".join(map(decimal, by_period[years]))
                yield Found(
                    "sum",
                    f"{rows['label'].iloc[0]} за {period}: названо "
                    f"{decimal(by_period[period])}, а по годам {said} = "
                    f"{decimal(by_period[years].sum())}",
                    (metric,),
                )


def shares(stated: Facts, indicators: Sequence[Indicator]) -> Iterator[Found]:
    """Published values that their numbers do not give at the printed precision, or not all do.

    A value that one denominator of the documents gives and another does not is found as well.
    """
    for indicator, fact in _own_facts(stated, indicators):
        if fact["bound"] != "exact":
            continue
        scale = 100 if fact["unit"] == _SHARE else 1
        ratios = [
            (top, bottom, scale * top / bottom)
            for (top, _), (bottom, _) in _pairs(stated, indicator, fact["period"])
        ]
        wrong = [ratio for ratio in ratios if not _rounds_to(ratio[2], fact["value"])]
        if wrong:
            said = ", ".join(
                f"{decimal(top)} / {decimal(bottom)} = {decimal(value, 1)}"
                for top, bottom, value in ratios
            )
            what = f"{indicator.name}: опубликовано {printed(fact)}, а {said}"
            yield Found("share", what, (fact["metric"],))


def periods(stated: Facts, indicators: Sequence[Indicator]) -> Iterator[Found]:
    """Published values whose numerator and denominator are of different periods."""
    for indicator, fact in _own_facts(stated, indicators):
        for (_, above), (_, below) in _pairs(stated, indicator, fact["period"]):
            if above != below:
                what = (
                    f"{indicator.name}, {_when(fact['period'])}: числитель {_when(above)}, "
                    f"знаменатель {_when(below)}"
                )
                yield Found("period", what, (fact["metric"],))


def denominators(stated: Facts, indicators: Sequence[Indicator]) -> Iterator[Found]:
    """Published values of which no document gives both numbers."""
    for indicator, fact in _own_facts(stated, indicators):
        if not _pairs(stated, indicator, fact["period"]):
            what = f"{indicator.name}: {printed(fact)} без числителя или знаменателя"
            yield Found("denominator", what, (fact["metric"],))


def small_shares(stated: Facts, indicators: Sequence[Indicator]) -> Iterator[Found]:
    """Published shares of so few cases that their 95 % interval is wider than half the scale."""
    for indicator, fact in _own_facts(stated, indicators):
        if fact["unit"] != _SHARE:
            continue
        for (top, _), (bottom, _) in _pairs(stated, indicator, fact["period"]):
            low, high = (float(end) for end in share_interval(top, bottom))
            if high - low > _WIDE:
                what = (
                    f"{indicator.name}, {_when(fact['period'])}: {decimal(top)} из "
                    f"{decimal(bottom)}, 95 % интервал {decimal(100 * low)}–"
                    f"{decimal(100 * high)} %"
                )
                yield Found("small", what, (fact["metric"],))


def _own_facts(
    stated: Facts, indicators: Sequence[Indicator]
) -> Iterator[tuple[Indicator, pd.Series]]:
    """Each published value of an indicator that is a share or a ratio."""
    for indicator in indicators:
        mine = stated[(stated["kind"] == "actual") & (stated["metric"] == indicator.metric)]
        if indicator.unit in ("share", "persons"):
            yield from ((indicator, fact) for _, fact in mine.iterrows())


def _pairs(stated: Facts, indicator: Indicator, period: str) -> list[tuple[Value, Value]]:
    """Numerator and denominator, each with its period, of every variant that has both.

    A number of a span of years may be missing where one of its last year is there, and the only
    fact of a metric stands for a value without a year.
    """
    pairs = []
    for variant in indicator.variants:
        parts = (variant.numerator, variant.denominator)
        values = [_value(stated, part.metric, period) for part in parts if part and part.metric]
        if len(values) == len(parts) and all(value and value[0] > 0 for value in values[1:]):
            pairs += [tuple(values)] if values[0] else []
    return pairs


def _value(stated: Facts, metric: str, period: str) -> Value | None:
    mine = stated[stated["metric"] == metric]
    allowed = [period, period.partition("-")[2]]
    if period == NO_YEAR and len(mine) == 1:
        allowed.append(mine["period"].iloc[0])
    for when in allowed:
        rows = mine[mine["period"] == when]
        if len(rows):
            return float(rows["number"].iloc[0]), when
    return None


def _rounds_to(value: float, printed: str) -> bool:
    """Whether a value is printed like this when rounded to the digits of `printed`."""
    digits = len(printed.partition(".")[2])
    return abs(value - float(printed)) <= 0.5 * 10**-digits + 1e-9


# --- acts, populations and series ---------------------------------------------------------------


def acts(named: Sequence[Act]) -> Iterator[Found]:
    """Acts under several numbers, numbers of several acts, and addresses of several acts."""
    for act in named:
        if len(act.numbers) > 1:
            what = f"«{act.title}»: номера {', '.join(sorted(act.numbers))}"
            yield Found("act", what, acts=(act.id,))
    by_act = {act.id: act.numbers for act in named}
    titles = {act.id: act.title for act in named}
    for number, same in shared_numbers(by_act).items():
        said = " и ".join(f"«{titles[one]}»" for one in same)
        yield Found("act", f"один номер {number}: {said}", acts=same)
    for address in sorted({act.address for act in named if act.address}):
        same = sorted(act.id for act in named if act.address == address)
        if len(same) > 1:
            titles = " и ".join(f"«{act.title}»" for act in named if act.id in same)
            yield Found("act", f"один адрес: {titles}", acts=tuple(same))


def act_number(text: str) -> str:
    """A number of an act without sign, spaces and case."""
    return re.sub(r"[№\s]", "", text).casefold()


def shared_numbers(numbers: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Numbers that several acts bear, as they are written first, with these acts.

    Parameters
    ----------
    numbers
        Act → its numbers.
    """
    bearers: dict[str, list[str]] = {}
    written: dict[str, str] = {}
    for act in sorted(numbers):
        for text in numbers[act]:
            key = act_number(text)
            written.setdefault(key, text)
            if key and act not in bearers.setdefault(key, []):
                bearers[key].append(act)
    return {written[key]: tuple(bearers[key]) for key in sorted(bearers) if len(bearers[key]) > 1}


def populations(stated: Facts) -> Iterator[Found]:
    """Shares and numbers of people of which no document says whose they are."""
    whose = stated["population"].isin(("", UNSTATED_POPULATION))
    for _, fact in stated[whose & stated["unit"].isin((_SHARE, "чел."))].iterrows():
        what = f"{fact['label']}: {printed(fact)}, чьё это число, не названо"
        yield Found("population", what, (fact["metric"],))


def changed_populations(stated: Facts) -> Iterator[Found]:
    """Series whose periods are not of the same people."""
    for metric, rows in stated.groupby("metric", sort=True):
        if rows["population"].nunique() > 1:
            said = "; ".join(
                f"{period} — {population or UNSTATED_POPULATION}"
                for period, population in zip(rows["period"], rows["population"], strict=True)
            )
            yield Found("changed", f"{rows['label'].iloc[0]}: {said}", (metric,))


def jumps(stated: Facts) -> Iterator[Found]:
    """Counts that change by more than half from one year to the next."""
    counted = stated["unit"].isin(_COUNTS) & stated["period"].str.fullmatch(_YEAR)
    for metric, rows in stated[counted].groupby("metric", sort=True):
        for (_, before), (_, after) in pairwise(rows.sort_values("period").iterrows()):
            if int(after["period"]) - int(before["period"]) != 1 or before["number"] <= 0:
                continue
            change = after["number"] / before["number"] - 1
            if abs(change) > _JUMP:
                sign = "+" if change > 0 else "−"
                what = (
                    f"{after['label']}: {decimal(before['number'])} за {before['period']}, "
                    f"{decimal(after['number'])} за {after['period']} "
                    f"({sign}{decimal(100 * abs(change))} %)"
                )
                yield Found("jump", what, (metric,))


# --- targets and words --------------------------------------------------------------------------


def percent_targets(facts: Facts) -> Iterator[Found]:
    """Targets in per cent of what the document calls a number."""
    targets = facts[(facts["kind"] == "target") & (facts["unit"] == _SHARE)]
    for _, fact in targets[targets["label"].str.startswith("Количество")].iterrows():
        yield Found("target", f"{fact['label']}: план {printed(fact)}", (fact["metric"],))


def undated_targets(facts: Facts) -> Iterator[Found]:
    """Targets that no document dates."""
    for _, fact in facts[(facts["kind"] == "target") & (facts["period"] == NO_DUE)].iterrows():
        yield Found("undated", f"{fact['label']}: план {printed(fact)}", (fact["metric"],))


def inexact(facts: Facts) -> Iterator[Found]:
    """Numbers that a document gives as «about» or «more than»."""
    for _, fact in facts[facts["bound"] != "exact"].iterrows():
        what = f"{fact['label']}: {printed(fact)}"
        yield Found("inexact", what, (fact["metric"],))


def without_actual(stated: Facts, indicators: Sequence[Indicator]) -> Iterator[Found]:
    """Indicators with a target and without any published value or pair of numbers."""
    known = set(stated["metric"])
    for indicator in indicators:
        if not indicator.targets or indicator.unit == "yes_no":
            continue
        if not _is_published(indicator, known):
            what = f"{indicator.name}: есть только план"
            yield Found("no_actual", what, (indicator.metric or indicator.id,))


def _is_published(indicator: Indicator, known: set[str]) -> bool:
    """Whether the documents give the value itself, or every number of one of its variants."""
    numbers = [
        [part.metric for part in (variant.numerator, variant.denominator) if part]
        for variant in indicator.variants
    ]
    own = [indicator.metric or indicator.id]
    return any(known.issuperset(metrics) for metrics in [own, *numbers])


# --- numbers in words ---------------------------------------------------------------------------


def _number(facts: Facts, metric: str, period: str) -> float:
    rows = facts[(facts["metric"] == metric) & (facts["period"] == period)]
    return float(rows["number"].iloc[0])


def _label(facts: Facts, metric: str, period: str) -> str:
    rows = facts[(facts["metric"] == metric) & (facts["period"] == period)]
    return str(rows["label"].iloc[0])


def _when(period: str) -> str:
    return period if period in (EVERY_YEAR, NO_YEAR) else f"за {period}"


def printed(fact: pd.Series) -> str:
    """Write a published value as its document prints it, with its unit; «да» or «нет» without."""
    if fact["unit"] == YES_NO:
        return str(fact["value"])
    if fact["unit"] == "год":
        return f"{fact['value']} год"
    digits = len(fact["value"].partition(".")[2])
    bound = BOUNDS[fact["bound"].replace(" ", "_")]
    return f"{bound}{decimal(fact['number'], digits)} {fact['unit']}"
