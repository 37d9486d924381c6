"""Indicators beside their targets."""

from __future__ import annotations

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.sentences import (
    Sentence,
    capital,
    stopped,
)
from nmc_utils.measures.indicators import ATTAINMENT

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
    parts = []
    for basis, words in BASES.items():
        known = status[(status["basis"] == basis) & (status["attainment"] != "no_data")]
        counts = known["attainment"].value_counts()
        said = [f"{label} — {counts[code]}" for code, label in ATTAINMENT.items() if code in counts]
        if said:
            parts.append(f"{words}: {', '.join(said)}")
    if silent := int((status["attainment"] == "no_data").sum()):
        parts.append(f"{ATTAINMENT['no_data']} — {silent}")
    total = wording.plural(len(status), "показатель", "показателя", "показателей")
    return Sentence(f"В мониторинге {total}. {capital('; '.join(parts))}.")


def indicator_status(indicators: pd.DataFrame) -> pd.DataFrame:
    """Choose for each indicator the row that speaks for it.

    The document's own value comes first, then what published facts give, then records, then counts;
    a row without data speaks only where no other has any.
    """
    order = indicators.assign(
        silent=indicators["status"] != "ok",
        by=indicators["basis"].map(list(BASES).index),
        computed=indicators["variant"] != "published",
        place=range(len(indicators)),
    ).sort_values(["silent", "by", "computed", "place"])
    chosen = order.drop_duplicates("indicator").sort_values("place")
    return chosen[indicators.columns].reset_index(drop=True)


def variants(indicators: pd.DataFrame, indicator: str, name: str) -> Sentence:
    """Put the variants of an indicator by published facts side by side.

    Reads like «на члена РМА 11 515 / 116 = 99,3; на регионального методиста 11 515 / 95 = 121,2».
    """
    rows = indicators[indicators["indicator"] == indicator]
    known = rows[(rows["basis"] == "published") & (rows["status"] == "ok")]
    own = known[known["variant"] == "published"]
    parts = [
        f"{row['variant_label']} {wording.number(row['numerator'])} / "
        f"{wording.number(row['denominator'])} = {wording.estimate(row)}"
        for row in known[known["variant"] != "published"].to_dict("records")
    ]
    if not parts and own.empty:
        return Sentence(f"{name}: нет данных.")
    text = f"{name}: " + ("; ".join(parts) or "вариантов по опубликованным данным нет")
    if len(own):
        text += f"; опубликовано {wording.estimate(own.iloc[0])}"
    judged = (own if len(own) else known).iloc[0]
    return Sentence(f"{stopped(text)} {capital(judged['attainment_label'])}.")
