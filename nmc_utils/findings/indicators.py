"""Indicators beside their targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.sentences import (
    Sentence,
    capital,
    stopped,
)
from nmc_utils.measures.attainment import ATTAINMENT, WITHIN

#: Basis of an indicator → what a table calls it.
BASIS_NAMES = {
    "published": "опубликовано",
    "recorded": "записи издания",
    "aggregate": "сводные числа",
}


#: Basis of an indicator → how a sentence names it.
BASES = {
    "published": "по опубликованным данным",
    "recorded": "по записям",
    "aggregate": "по сводным числам",
}


def attainment(indicators: pd.DataFrame) -> Sentence:
    """Count indicators by attainment, each once; published facts and records stay apart."""
    status = indicator_status(indicators)
    status["is_within"] = _any_within(indicators, status)
    parts = []
    for basis, words in BASES.items():
        known = status[(status["basis"] == basis) & (status["attainment"] != "no_data")]
        groups = dict(list(known.groupby("attainment")["is_within"]))
        said = [
            f"{label} — {len(groups[code])}{_within(groups[code])}"
            for code, label in ATTAINMENT.items()
            if code in groups
        ]
        if said:
            parts.append(f"{words}: {', '.join(said)}")
    if silent := int((status["attainment"] == "no_data").sum()):
        parts.append(f"{ATTAINMENT['no_data']} — {silent}")
    total = wording.plural(len(status), "показатель", "показателя", "показателей")
    return Sentence(f"В мониторинге {total}. {capital('; '.join(parts))}.")


def _any_within(indicators: pd.DataFrame, status: pd.DataFrame) -> list[bool]:
    """Whether a variant of the basis that speaks for an indicator is so marked in the table."""
    marked = indicators[indicators["is_within"].eq(True)]
    pairs = set(zip(marked["indicator"], marked["basis"], strict=True))
    spoken = zip(status["indicator"], status["basis"], strict=True)
    return [pair in pairs for pair in spoken]


def _within(is_within: pd.Series) -> str:
    """Say of how many of these the interval has the target in it."""
    n = int(is_within.sum())
    return f" (из них у {n} {WITHIN})" if n else ""


def indicator_status(indicators: pd.DataFrame) -> pd.DataFrame:
    """Choose for each indicator the row that speaks for it.

    The document's own value comes first, then what published facts give, then records, then counts;
    a row without data speaks only where no other has any. Where variants of the chosen basis are
    judged differently, none of them decides: `attainment` is ``depends``, and `judgement` and
    `attainment_label` name them.
    """
    order = indicators.assign(
        silent=indicators["status"] != "ok",
        by=indicators["basis"].map(list(BASES).index),
        computed=indicators["variant"] != "published",
        place=range(len(indicators)),
    ).sort_values(["silent", "by", "computed", "place"])
    chosen = order.drop_duplicates("indicator").sort_values("place")
    chosen = chosen[indicators.columns].reset_index(drop=True)
    judged = indicators[indicators["attainment"].isin(_JUDGED)]
    for place, row in chosen.iterrows():
        is_same = judged["indicator"].eq(row["indicator"]) & judged["basis"].eq(row["basis"])
        if len(said := _differing(judged[is_same])):
            chosen.loc[place, ["attainment", "judgement"]] = said
            chosen.loc[place, "attainment_label"] = said[1]
    return chosen


_JUDGED = ("attained", "not_attained", "not_due")


def _differing(variants: pd.DataFrame) -> tuple[str, ...]:
    """Code and label of variants that are not judged alike; nothing where they are."""
    if variants["judgement"].nunique() < 2:
        return ()
    codes = set(variants["attainment"])
    code = codes.pop() if len(codes) == 1 else "depends"
    within = variants["is_within"].map({True: f" ({WITHIN})", False: ""})
    said = "; ".join(variants["variant_label"] + " — " + variants["judgement"] + within)
    lead = ATTAINMENT["depends"]
    return code, f"{lead if code == 'depends' else f'{ATTAINMENT[code]}, {lead}'}: {said}"


def variants(indicators: pd.DataFrame, indicator: str, name: str) -> Sentence:
    """Put the variants of an indicator by one basis side by side: facts, else records or counts.

    Reads like «на члена РМА 11 515 / 116 = 99,3; на регионального методиста 11 515 / 95 = 121,2».
    """
    rows = indicators[indicators["indicator"] == indicator]
    known = rows[rows["status"] == "ok"]
    basis = next((code for code in BASES if known["basis"].eq(code).any()), None)
    if basis is None:
        return Sentence(f"{name}: нет данных.")
    known = known[known["basis"] == basis]
    own = known[known["variant"] == "published"]
    parts = [_computed(row) for row in known[known["variant"] != "published"].to_dict("records")]
    text = f"{name}: " + ("" if basis == "published" else f"{BASES[basis]}, ")
    if len(own):
        parts.append(f"опубликовано {wording.estimate(own.iloc[0])}")
    text += "; ".join(parts)
    judged = indicator_status(known).iloc[0]["judgement"]
    return Sentence(stopped(f"{stopped(text)} {capital(judged)}"))


def _computed(row: Mapping[str, Any]) -> str:
    """A variant with what it is computed of; a count is not of anything."""
    value = wording.estimate(row)
    if pd.notna(row["denominator"]):
        above, below = (wording.number(row[part]) for part in ("numerator", "denominator"))
        value = f"{above} / {below} = {value}"
    if row["is_within"]:
        value += f" ({WITHIN})"
    return f"{row['variant_label']} {value}"


def trajectory(paces: pd.DataFrame, indicator: str, name: str) -> Sentence:
    """Say where an indicator has come to, what the next target needs, and the forecast or why none.

    A change, a pace or a forecast that the data do not bear is not told; its reason is.

    Parameters
    ----------
    paces
        What `trajectory` of the measures gave; of an indicator its first series speaks.
    """
    rows = paces[paces["indicator"] == indicator]
    if rows.empty:
        return Sentence(f"{name}: значений по годам нет.")
    row = rows.iloc[0]
    unit = row["unit"]
    parts = [f"{_when(row['last_period'])} — {_of_unit(row['last'], unit)}"]
    if pd.notna(row["change_per_year"]):
        parts.append(f"в среднем за год {_change(row['change_per_year'], unit)}{_between(row)}")
    needed = row["needed_per_year"]
    if pd.notna(row["target"]) and pd.isna(needed):
        parts.append(f"план {_of_unit(row['target'], unit)} на {row['target_year']} год")
    if pd.notna(needed):
        goal = f"плана {_of_unit(row['target'], unit)} на {row['target_year']} год"
        parts.append(
            f"до {goal} нужно {_change(needed, unit)} в год"
            if needed
            else f"уровень {goal} уже достигнут"
        )
    if pd.notna(row["forecast"]):
        low, high = (_of_unit(row[f"forecast_{end}"], unit) for end in ("low", "high"))
        middle = _of_unit(row["forecast"], unit)
        parts.append(f"прогноз на {row['target_year']} год {middle}, от {low} до {high}")
    if row["note"]:
        parts.append(row["note"])
    return Sentence(stopped(f"{name}, {row['variant_label']}: {'; '.join(parts)}"))


def _when(period: str) -> str:
    """The period of a point in words; of a quarter its end, also where it is counted up to it."""
    if "-q" in period:
        year, quarter = period.split("-q")
        return f"на конец {quarter} квартала {year} года"
    return wording.dated(period.replace("-", "/"))


def _of_unit(value: float, unit: str) -> str:
    if unit == "share":
        return wording.percent(value, 0 if float(round(100 * value, 6)).is_integer() else 1)
    return wording.number(value, 0 if float(value).is_integer() else 1)


def _change(value: float, unit: str) -> str:
    if unit == "share":
        return f"{wording.signed(value)}{wording.NO_BREAK_SPACE}п.п."
    text = wording.number(value, 0 if float(value).is_integer() else 1)
    return f"+{text}" if value > 0 else text


def _between(row: pd.Series) -> str:
    if pd.isna(row["change_low"]):
        return ""
    low, high = (_change(row[f"change_{end}"], row["unit"]) for end in ("low", "high"))
    return f" (от {low} до {high})"
