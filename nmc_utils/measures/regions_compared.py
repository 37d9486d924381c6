"""Regions side by side: what of their published tables may be compared, and what may not.

Every number is the one that the region's own run has published; nothing is counted anew. Shares are
judged against each other only among regions whose levels are cut alike and whose people were chosen
alike and took the same test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from nmc_utils.editions import Edition
from nmc_utils.indicator_definitions import Indicator
from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.indicators import COLUMNS
from nmc_utils.measures.intervals import adjust_p, funnel
from nmc_utils.measures.subjects import system_functions
from nmc_utils.terms import TOTAL

Published = Mapping[str, Mapping[str, pd.DataFrame]]

#: Of fewer regions τ², the ordinary differences between regions, is not known well enough to call
#: any of them different: a tenth at each end is set aside for it.
FEWEST_JUDGED = 10
#: Tables of a run that hold indicators: open ones, and those counted from persons' records.
_INDICATORS = ("indicators", "indicators_of_persons")
#: What two regions must have alike → what is said where they have not.
_ALIKE = {
    "cuts": "разные пороги",
    "cut_basis": "порог относится к разному",
    "instrument": "разные задания",
    "selection": "разный отбор",
}
#: What must be known of each region, and what is said where it is not.
_KNOWN = {"instrument": "версия заданий не указана", "selection": "отбор не указан"}
#: How a value of part of the municipalities says so, in its source or its note.
_PART = r"(?:^|[,;] )данные \d"
NO_SUBJECTS = "документы региона субъектов не описывают"
_LEVEL_KEYS = {"wave": "entry", "municipality": TOTAL, "family": TOTAL}


def region_definitions(editions: Sequence[Edition], tables: Published) -> pd.DataFrame:
    """Say what the lowest level and the procedure of each region are, and who may be compared.

    Parameters
    ----------
    editions
        One of each region, of one period and origin.
    tables
        Code of a region → tables of its published run; `procedures` has the largest first.

    Returns
    -------
    DataFrame
        One row per region, by name: `region`, `name`, `period_kind`, `origin`, `as_of`,
        `procedure`, `organiser`, `selection`, `instrument`, `cuts` (upper ends of the levels as
        shares of the maximum), `cut_basis`, `definition` (the lowest level in words), `source` of
        the cut, `alike`: regions with one number may be compared, and it is missing where a
        region is unlike every other or something needed is not known.
    """
    rows = [_definition(edition, tables[edition.region.code]) for edition in _by_name(editions)]
    frame = pd.DataFrame(rows)
    known = frame[list(_KNOWN)].notna().all(axis=1)
    number = frame.groupby(list(_ALIKE), dropna=False, sort=False).ngroup()
    shared = known & number.duplicated(keep=False)
    frame["alike"] = pd.Series(pd.NA, index=frame.index, dtype="Int64")
    frame.loc[shared, "alike"] = pd.factorize(number[shared])[0] + 1
    return frame


def _by_name(editions: Sequence[Edition]) -> list[Edition]:
    return sorted(editions, key=lambda edition: edition.region.name)


def _definition(edition: Edition, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    region, procedure = edition.region, tables["procedures"].iloc[0]
    diagnostics = region.diagnostics
    cuts = [f"{level.up_to:g}" for level in diagnostics.levels if level.up_to is not None]
    return {
        "region": region.code,
        "name": region.name,
        "period": edition.period.text,
        "period_kind": edition.period.kind,
        "origin": edition.origin,
        "as_of": pd.Timestamp(edition.as_of),
        "procedure": procedure["procedure"],
        "organiser": _text(procedure, "organiser"),
        "selection": _text(procedure, "selection"),
        "instrument": _text(procedure, "instrument_version"),
        "cuts": "; ".join(cuts),
        "cut_basis": diagnostics.cut_basis,
        "definition": diagnostics.lowest.name,
        "source": region.cut_source,
    }


def _text(row: pd.Series, name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) and value else None


def incomparable(definitions: pd.DataFrame) -> pd.DataFrame:
    """Why results of all these regions cannot be compared: `reason`; no rows where they can.

    Parameters
    ----------
    definitions
        Of `region_definitions`.
    """
    reasons = [words for name, words in _ALIKE.items() if definitions[name].dropna().nunique() > 1]
    reasons += [words for name, words in _KNOWN.items() if definitions[name].isna().any()]
    return pd.DataFrame({"reason": pd.Series(reasons, dtype="str")})


def region_results(editions: Sequence[Edition], tables: Published) -> pd.DataFrame:
    """Coverage and the share of the lowest level of each region, as its run has published them.

    Both are of the largest procedure: people of several are never added up.

    Returns
    -------
    DataFrame
        Measure table with keys `region`, `period`, `procedure`: `tested` (persons), `tested_share`
        (of the staff, without an interval: nobody was drawn) and `level_share` of the lowest level
        at entry by the result that the document cuts. A region whose run has no such row has one
        with ``no_data`` and a `note`.
    """
    rows = [row for edition in _by_name(editions) for row in _results(edition, tables)]
    frame = pd.DataFrame(rows)
    frame["n"] = frame["n"].astype("Int64")
    return frame[["region", "period", "procedure", *ESTIMATE_COLUMNS, "note"]]


def _results(edition: Edition, tables: Published) -> list[dict[str, Any]]:
    region, mine = edition.region, tables[edition.region.code]
    procedure = mine["procedures"]["procedure"].iloc[0]
    lowest = region.diagnostics.lowest.code
    level = _LEVEL_KEYS | {"domain": region.diagnostics.result_domain, "level": lowest}
    asked = [
        ("coverage", "tested", {"municipality": TOTAL}),
        ("coverage", "tested_share", {"municipality": TOTAL}),
        ("level_shares", "level_share", level),
    ]
    keys = {"region": region.code, "period": edition.period.text, "procedure": procedure}
    return [
        _row(mine, name, {"measure": measure, "procedure": procedure} | where) | keys
        for name, measure, where in asked
    ]


def _row(tables: Mapping[str, pd.DataFrame], name: str, where: dict[str, str]) -> dict[str, Any]:
    """The row of a published table with these keys, or one without data that says why."""
    empty = dict.fromkeys(("estimate", "std_error", "ci_low", "ci_high"), np.nan)
    absent = {"measure": where["measure"], **empty, "interval_kind": "none", "n": pd.NA}
    absent |= {"status": "no_data", "note": "в прогоне региона такого числа нет"}
    if name not in tables:
        return absent
    table = tables[name]
    for column, value in where.items():
        table = table[table[column] == value]
    return absent if table.empty else {"note": None} | table.iloc[0].to_dict()


# --- functions ----------------------------------------------------------------------------------


def region_functions(editions: Sequence[Edition]) -> pd.DataFrame:
    """Say which subject of each region's system has which function, by its documents.

    It rests on documents alone, whatever their period: any edition of a region will do.

    Returns
    -------
    DataFrame
        The rows of `subjects.system_functions` under `region` and `name`, its name, by name. A
        region whose documents describe no subjects has one row with a `note` and no function.
    """
    frames = []
    for edition in _by_name(editions):
        table = system_functions(edition)
        if table.empty:
            table = table.reindex([0]).assign(note=NO_SUBJECTS).astype("object")
        keys = {"region": edition.region.code, "name": edition.region.name}
        frames.append(pd.DataFrame(keys, index=table.index).join(table))
    return pd.concat(frames, ignore_index=True)


# --- indicators ---------------------------------------------------------------------------------


def shared_indicators(editions: Sequence[Edition], tables: Published) -> pd.DataFrame:
    """Indicators that at least two regions have, each value beside the region's own target.

    Indicators are the same where their id and their unit are; two documents that compare with the
    target in opposite directions do not make one indicator. Variants and bases stay apart.

    Returns
    -------
    DataFrame
        Measure table: the columns of `indicators.indicators` with `name`, the indicator's, by
        indicator, variant, basis and name of the region. Rows without data stand in it too. `note`
        says why a value is shown and not compared; it is missing where it is.
    """
    frames = []
    for edition in _by_name(editions):
        mine = tables[edition.region.code]
        found = [mine[name] for name in _INDICATORS if name in mine]
        frames += [frame for frame in found if len(frame)]
    names = _same_indicators(editions)
    if not frames or not names:
        return _typed(pd.DataFrame(columns=[*COLUMNS, "name"]))
    # Columns that are empty in one region must not decide the type of another's.
    table = pd.concat([frame.astype(object) for frame in frames], ignore_index=True)
    table = table[table["indicator"].isin(names)]
    region_order = [edition.region.code for edition in _by_name(editions)]
    table = table.assign(
        name=table["indicator"].map(names),
        note=_uncompared(table).fillna(table["note"]),
        place=table["indicator"].map(list(names).index),
        region_place=table["region"].map(region_order.index),
    )
    by = ["place", "variant", "basis", "region_place"]
    table = table.sort_values(by, kind="stable", ignore_index=True)
    return _typed(table.drop(columns=["place", "region_place"]))


def _uncompared(rows: pd.DataFrame) -> pd.Series:
    """Why a value may not be compared with others'; nothing where it may or there is none."""
    reasons = {
        "данные не всех муниципальных образований": rows["source"].str.contains(_PART),
        "число другого года или без года": rows["basis"].eq("published")
        & rows["dated"].astype("object").str.replace("/", "-").ne(rows["period"]),
        "с планом не сравнимо": rows["attainment"].eq("not_applicable"),
    }
    note = pd.Series(None, index=rows.index, dtype="object")
    for reason, holds in reversed(reasons.items()):
        note = note.mask(holds.astype(bool) & rows["status"].eq("ok"), reason)
    return note


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    numbers = ("estimate", "std_error", "ci_low", "ci_high", "numerator", "denominator", "target")
    kinds = dict.fromkeys(numbers, "float64") | dict.fromkeys(("n", "target_year"), "Int64")
    given = {name: kind for name, kind in kinds.items() if name in table}
    texts = {name: "str" for name in table if name not in given}
    return table.astype(given | texts)


def _same_indicators(editions: Sequence[Edition]) -> dict[str, str]:
    """Id → name of the indicators that at least two regions have in one unit and direction."""
    entries: dict[str, list[Indicator]] = {}
    for edition in _by_name(editions):
        for entry in edition.region.indicators:
            entries.setdefault(entry.id, []).append(entry)
    return {
        code: found[0].name
        for code, found in entries.items()
        if len(found) > 1
        and len({entry.unit for entry in found}) == 1
        and len({entry.comparator for entry in found} - {None}) <= 1
    }


def indicators_apart(editions: Sequence[Edition]) -> list[str]:
    """Names of indicators with one id that are not one indicator: another unit or direction."""
    same, names = _same_indicators(editions), [
        {entry.id: entry.name for entry in edition.region.indicators}
        for edition in _by_name(editions)
    ]  # fmt: skip
    codes = [code for entry in names for code in entry]
    several = dict.fromkeys(code for code in codes if codes.count(code) > 1 and code not in same)
    return [next(entry[code] for entry in names if code in entry) for code in several]


# --- differences --------------------------------------------------------------------------------


def region_differences(
    results: pd.DataFrame, definitions: pd.DataFrame, indicators: pd.DataFrame
) -> pd.DataFrame:
    """Which regions differ from all by more than regions usually differ and chance explains.

    Only regions with comparable results are compared, and shared indicators that are shares of
    the same counts by one variant and basis; at least `FEWEST_JUDGED` regions each. What rests on
    part of a region's municipalities or is of another year than the others is left out. The
    p-values of all comparisons are adjusted together.

    Parameters
    ----------
    results, definitions, indicators
        Of `region_results`, `region_definitions` and `shared_indicators`.

    Returns
    -------
    DataFrame
        One row per comparison: `quantity` (``level_share`` or the id of an indicator), `variant`
        and `basis` of an indicator, `alike` of `definitions`, `region`, `n`, and the columns of
        `intervals.funnel` with `p_adjusted` and `is_outlier` by all comparisons. Empty where
        nothing may be compared.
    """
    frames = []
    for keys, counts in _families(results, definitions, indicators):
        if len(counts) >= FEWEST_JUDGED:
            counts = counts.sort_values("region").set_index("region")
            found = funnel(counts["successes"], counts["n"]).assign(n=counts["n"], **keys)
            frames.append(found.reset_index())
    first = ["quantity", "variant", "basis", "alike", "region", "n"]
    last = ["share", "expected", "ci_low", "ci_high", "z", "p_adjusted", "is_outlier", "tau"]
    if not frames:
        return pd.DataFrame(columns=[*first, *last])
    table = pd.concat(frames, ignore_index=True)
    table["p_adjusted"] = adjust_p(2 * ndtr(-table["z"].abs()))
    table["is_outlier"] = table["p_adjusted"] <= 0.05
    return table[first + last]


def _families(
    results: pd.DataFrame, definitions: pd.DataFrame, indicators: pd.DataFrame
) -> list[tuple[dict[str, str], pd.DataFrame]]:
    """Counts of regions that may be compared with each other, and what they are counts of."""
    families = []
    shares = results[(results["measure"] == "level_share") & (results["status"] == "ok")]
    shares = shares[~shares["note"].astype("object").str.contains(_PART, na=False)]
    shares = shares.merge(definitions[["region", "alike"]], on="region").dropna(subset=["alike"])
    for alike, rows in shares.groupby("alike", sort=True):
        keys = {"quantity": "level_share", "variant": "", "basis": "", "alike": str(alike)}
        n = rows["n"].astype(int)
        successes = (rows["estimate"] * n).round().astype(int)
        families.append((keys, pd.DataFrame({"region": rows["region"], "successes": successes,
                                             "n": n})))  # fmt: skip
    if indicators.empty:
        return families
    counted = indicators["measure"].eq("indicator_share") & indicators["status"].eq("ok")
    counted &= indicators["bound"].eq("exact") & indicators["denominator"].gt(0)
    counted &= indicators["numerator"].notna() & _uncompared(indicators).isna()
    same = ["indicator", "variant", "basis", "numerator_label", "denominator_label"]
    for key, rows in indicators[counted].groupby(same, sort=True):
        keys = dict(zip(("quantity", "variant", "basis"), key[:3], strict=True)) | {"alike": ""}
        counts = rows[["region"]].assign(
            successes=rows["numerator"].round().astype(int),
            n=rows["denominator"].round().astype(int),
        )
        families.append((keys, counts))
    return families
