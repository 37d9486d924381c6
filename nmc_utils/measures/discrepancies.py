"""Contradictions and gaps of the documents: the known ones, and what checks find by themselves.

A contradiction is listed and never resolved in silence; the checks read published facts, the acts
that documents name and the definitions of indicators, and no record of the edition.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from nmc_utils.indicator_definitions import Indicator
from nmc_utils.measures.document_checks import Facts, Found, find
from nmc_utils.regions import Region
from nmc_utils.system import CHECKS, Discrepancy, System

FOUND_BY = {
    "document": "известно, проверкой не находится",
    "both": "известно, и проверка нашла",
    "check": "нашла проверка",
}
COLUMNS = [
    "id",
    "title",
    "what",
    "treatment",
    "places",
    "metrics",
    "indicators",
    "found_by",
    "checks",
    "found",
    "is_inferred",
]
_TREATMENT = "Показано, как опубликовано; причина не установлена."


def discrepancies(facts: Facts, system: System, region: Region) -> pd.DataFrame:
    """List the known discrepancies of a region's documents, and those that checks find.

    Parameters
    ----------
    facts
        Published facts of the region, all periods: columns of ``published.csv`` and `number`.
    system
        The acts, sums and known discrepancies.
    region
        The definitions of indicators, and the short names of documents.

    Returns
    -------
    DataFrame
        `COLUMNS`: the known ones by their number, then what only checks found, without a number,
        one row per check and metric. `found` says what the checks saw; `found_by` is one of
        `FOUND_BY`; several places, metrics, indicators or checks stand in one text, by «; ».
    """
    ordered = facts.sort_values(["metric", "period", "kind", "number"], ignore_index=True)
    found = find(ordered, system, region)
    rows = [_known(entry, [one for one in found if _is_of(one, entry)]) for entry in
            sorted(system.discrepancies, key=lambda entry: entry.id)]  # fmt: skip
    rows += [
        _new(one, ordered, region, system)
        for one in found
        if not any(_is_of(one, entry) for entry in system.discrepancies)
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"id": "Int64", "is_inferred": bool})


def _is_of(found: Found, known: Discrepancy) -> bool:
    """Whether a check has found a known discrepancy: it is one of its checks, of the same thing."""
    same = found.metrics[:1] and found.metrics[0] in known.metrics
    same_acts = found.acts and set(found.acts) == set(known.acts)
    return found.check in known.checks and bool(same or same_acts)


def _known(entry: Discrepancy, found: Sequence[Found]) -> dict[str, object]:
    return {
        "id": entry.id,
        "title": entry.title,
        "what": entry.what,
        "treatment": entry.treatment,
        "places": "; ".join(entry.places),
        "metrics": "; ".join(entry.metrics),
        "indicators": "; ".join(entry.indicators),
        "found_by": "both" if found else "document",
        "checks": _joined(CHECKS[one.check] for one in found),
        "found": _joined(one.what for one in found),
        "is_inferred": entry.is_inferred,
    }


def _new(found: Found, facts: Facts, region: Region, system: System) -> dict[str, object]:
    label = CHECKS[found.check]
    about = facts[facts["metric"].isin(found.metrics[:1])]
    places = [
        f"{region.document(document).short}, {locator}"
        for document, locator in zip(about["document"], about["locator"], strict=True)
    ] + [
        f"{region.document(act.document).short}, {act.section}"
        for act in system.acts
        if act.id in found.acts
    ]
    touched = [one.id for one in region.indicators if set(found.metrics) & _metrics_of(one)]
    return {
        "id": pd.NA,
        "title": label[:1].upper() + label[1:],
        "what": found.what,
        "treatment": _TREATMENT,
        "places": _joined(places),
        "metrics": "; ".join(found.metrics),
        "indicators": "; ".join(touched),
        "found_by": "check",
        "checks": label,
        "found": found.what,
        "is_inferred": False,
    }


def _joined(parts: Iterable[str]) -> str:
    """Each part once, in the order of first appearance."""
    return "; ".join(dict.fromkeys(parts))


def _metrics_of(indicator: Indicator) -> set[str]:
    parts = [part for one in indicator.variants for part in (one.numerator, one.denominator)]
    return {part.metric for part in parts if part and part.metric} | {
        indicator.metric or indicator.id
    }
