"""What documents say of diagnostics and routes, beside the records and never mixed with them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.measures.methodists import published_fact, source_of
from nmc_utils.measures.tallies import counts, measured
from nmc_utils.terms import TOTAL

#: Metrics of ``published.csv`` that count the persons of one procedure each.
DIAGNOSED = ("fioko_assessed", "regional_diagnosed")
NO_PLAN = "план не опубликован"


def diagnosed(
    coverage: pd.DataFrame,
    procedures: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    edition: Edition,
) -> pd.DataFrame:
    """Persons diagnosed, by procedure and period: records and published facts side by side.

    Nothing is added up: whether a person took part in several procedures is not published, and
    which of a document's procedures is which of the records is not said.

    Parameters
    ----------
    coverage, procedures
        Of `participation.coverage` and `participation.procedures_by_size`: not computed anew.

    Returns
    -------
    DataFrame
        Measure table with keys `basis` (recorded, aggregate, published), `procedure` (its code, or
        the metric of a fact) and `of_period`: `tested` of this edition, `tested_published` of its
        and earlier periods; `label` and `source` say what a document counts and where.
    """
    keys, more = ["basis", "procedure", "of_period"], ["label", "source"]
    frames = [_recorded(coverage, procedures, edition), *_told(tables["published"], edition)]
    return measured(frames, keys, *more)


def _recorded(coverage: pd.DataFrame, procedures: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    """Those tested by the edition itself, in each procedure."""
    mine = coverage[(coverage["municipality"] == TOTAL) & (coverage["measure"] == "tested")]
    mine = mine[mine["procedure"].ne(TOTAL)].drop(columns=["region", "period"], errors="ignore")
    sent_as = procedures.set_index("procedure")["sent_as"]
    by = np.where(mine["procedure"].map(sent_as).eq("counts"), "aggregate", "recorded")
    return mine.assign(basis=by, of_period=edition.period.text, label=None, source=None)


def _told(facts: pd.DataFrame, edition: Edition) -> list[pd.DataFrame]:
    """What documents say of its period and of earlier ones; nothing where they say nothing."""
    facts = facts[facts["metric"].isin(DIAGNOSED) & facts["kind"].isin(["actual", "count"])]
    year = pd.to_numeric(facts["period"].str.extract(r"(\d{4})$", expand=False))
    facts = facts[year <= edition.period.year].sort_values(["metric", "period"])
    if facts.empty:
        return []
    table = facts[["label"]].assign(
        basis="published",
        procedure=facts["metric"],
        of_period=facts["period"],
        persons=facts["number"],
        n=pd.NA,
        source=[source_of(row, edition.region) for row in facts.to_dict("records")],
    )
    return [counts(table.reset_index(drop=True), "tested_published", "persons")]


def routes_published(tables: Mapping[str, pd.DataFrame], edition: Edition) -> pd.DataFrame:
    """The plan of routes and what documents say of it; the records' own number stands elsewhere.

    Returns
    -------
    DataFrame
        Measure table with the key `basis` (``"published"``): `route_plan` (routes planned for the
        period), `route_published` (persons with a route) and `route_plan_share`, the share of the
        plan that a document names; «no_data» says «план не опубликован» or what is not published.
    """
    named = {
        "route_plan": ("iom_plan", 1, NO_PLAN),
        "route_published": ("iom_count", 1, "число ИОМ не опубликовано"),
        "route_plan_share": ("iom_plan_share", 100, "выполнение плана не опубликовано"),
    }
    frames, kinds = [], ("target", "actual", "count")
    for measure, (metric, parts, gap) in named.items():
        fact = published_fact(tables["published"], metric, edition.period, kinds)
        value = np.nan if fact is None else fact["number"] / parts
        row = {"basis": "published", "value": value, "n": pd.NA}
        row["note"] = gap if fact is None else None
        row["source"] = None if fact is None else source_of(fact, edition.region)
        frames.append(counts(pd.DataFrame([row]), measure, "value"))
    return measured(frames, ["basis"], "source")
