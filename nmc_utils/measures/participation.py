"""Who was tested, in which procedure: never all teachers of the region, never several procedures
added up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nmc_utils.measures.counts import counted_tested
from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.distributions import ordered
from nmc_utils.measures.reporting import (
    NOT_SENT,
    absent_of,
    missing_table,
    part_of_region,
)
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL, UNSTATED, WORST

#: What was sent of a procedure → what is therefore not known of it.
GAPS = {
    "records": None,
    "totals": "результаты присланы только по тесту в целом, без компетенций",
    "counts": "процедура прислана сводными числами, без результатов людей",
    "nothing": "результатов процедуры в данных нет",
}
NO_ENTRY = "входной диагностики в данных нет"


def procedures_by_size(
    results: pd.DataFrame, tables: Mapping[str, pd.DataFrame], region: Region
) -> pd.DataFrame:
    """Put the procedures in order of the number of persons tested at entry, the largest first.

    Of equal ones records come before counts. Results of several procedures are never added up: a
    view shows one, the largest by default.

    Parameters
    ----------
    results
        Of `scored`.

    Returns
    -------
    DataFrame
        The canonical table with `procedure` for its id, `persons` tested at entry, `sent_as` (a
        key of `GAPS`) and `gap`, what is not known of it. An edition that names no procedure has
        one row, `UNSTATED`.
    """
    if "procedures" in tables:
        table = tables["procedures"].rename(columns={"procedure_id": "procedure"})
    else:
        table = pd.DataFrame({"procedure": [UNSTATED], "selection": None, "comparability": None})
    entry = results[results["wave"] == "entry"]
    counted = counted_tested(tables, region)
    told = counted[counted["municipality"] == TOTAL].set_index("procedure")["tested"]
    persons = entry.groupby("procedure")["person_id"].nunique().combine_first(told)
    sent_as = _sent_as(results, tables)
    table = table.assign(
        persons=table["procedure"].map(persons).fillna(0).astype("Int64"),
        sent_as=[sent_as.get(name, "nothing") for name in table["procedure"]],
    )
    table["gap"] = [_gap(row, tables) for row in table.to_dict("records")]
    table["rank"] = table["sent_as"].map(list(GAPS).index)
    table = table.sort_values(["persons", "rank", "procedure"], ascending=[False, True, True])
    return table.drop(columns="rank").reset_index(drop=True)


def _sent_as(results: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Procedure → how its results were sent, in whatever wave."""
    counts = tables["aggregates"]["procedure_id"].dropna() if "aggregates" in tables else ()
    sent = dict.fromkeys(counts, "counts")
    sent |= dict.fromkeys(results["procedure"], "totals")
    by_domain = results.loc[~results["domain"].isin([TOTAL, WORST]), "procedure"]
    return sent | dict.fromkeys(by_domain, "records")


def _gap(row: dict[str, Any], tables: Mapping[str, pd.DataFrame]) -> str | None:
    if row["sent_as"] == "nothing" and "scores" not in tables:
        others = () if "aggregates" in tables else ("aggregates",)
        return missing_table("scores", *others)
    if row["sent_as"] != "nothing" and not row["persons"]:
        return NO_ENTRY
    return GAPS[row["sent_as"]]


def coverage(
    results: pd.DataFrame,
    procedures: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    region: Region,
) -> pd.DataFrame:
    """How many of the staff took the entry diagnostics, by municipality of the main workplace.

    Who has no main workplace is in the municipality `UNSTATED`. The share describes who came and
    has no interval: nobody was drawn at random.

    Parameters
    ----------
    results, procedures
        Of `scored` and `procedures_by_size`.

    Returns
    -------
    DataFrame
        Measure table with keys `procedure` and `municipality` (``"total"`` is the region):
        `tested` (persons) and `tested_share`; `n` is the staff, in a total that of the
        municipalities alone that have sent results, missing where nothing was sent. Every
        procedure has a row. In ``procedure="total"`` people are counted once, whatever the number
        of procedures; beside a procedure sent as counts that is not known. `note` says why a
        number is missing, or of how many municipalities a total is.
    """
    entry = results[results["wave"] == "entry"]
    counted, staff = counted_tested(tables, region), _staff_by_place(tables, region)
    frames = []
    for row in procedures.to_dict("records"):
        mine = entry[entry["procedure"] == row["procedure"]]
        if len(mine):
            frame = _by_municipality(mine, staff, tables, region)
        elif row["procedure"] in set(counted["procedure"]):
            frame = _counted(counted[counted["procedure"] == row["procedure"]], region)
        else:
            frame = _unknown(row["gap"])
        frames.append(frame.assign(procedure=row["procedure"]))
    if len(frames) == 1:
        frames.append(frames[0].assign(procedure=TOTAL))
    elif procedures["sent_as"].isin(["counts"]).any():
        frames.append(_unknown("пересечение процедур неизвестно").assign(procedure=TOTAL))
    elif entry.empty:
        frames.append(_unknown(procedures["gap"].iloc[0]).assign(procedure=TOTAL))
    else:
        frames.append(_by_municipality(entry, staff, tables, region).assign(procedure=TOTAL))
    frame = pd.concat(frames, ignore_index=True)
    measures = [_coverage_measure(frame, name) for name in ("tested", "tested_share")]
    columns = ["procedure", "municipality", *ESTIMATE_COLUMNS, "note"]
    return pd.concat(measures, ignore_index=True)[columns]


def _unknown(note: str) -> pd.DataFrame:
    return pd.DataFrame(
        {"municipality": [TOTAL], "tested": [pd.NA], "staff": [pd.NA], "note": [note]}
    )


def _by_municipality(
    entry: pd.DataFrame,
    staff: pd.Series | None,
    tables: Mapping[str, pd.DataFrame],
    region: Region,
) -> pd.DataFrame:
    """`municipality`, `tested`, `staff`, `note` from the persons themselves, with their sum on top.

    A municipality that has sent nothing is neither in the sum nor zero.
    """
    persons = entry.drop_duplicates("person_id")["municipality"].astype("object")
    tested = _counted_by_place(persons.mask(persons == UNSTATED), region)
    places = list(dict.fromkeys([*tested.index, *(() if staff is None else staff.index)]))
    frame = pd.DataFrame({"municipality": places})
    frame["tested"] = frame["municipality"].map(tested).astype("Int64").fillna(0)
    frame["staff"] = frame["municipality"].map({} if staff is None else staff).astype("Int64")
    unsent = frame["municipality"].isin(absent_of(tables, "scores"))
    if staff is not None:  # nobody works there by the tables: nothing was sent
        frame["staff"] = frame["staff"].fillna(0)
        unsent |= frame["staff"].eq(0) & frame["tested"].eq(0)
        frame["staff"] = frame["staff"].mask(unsent & frame["staff"].eq(0))
    frame = frame[~(frame["municipality"].eq(UNSTATED) & unsent)]
    frame["tested"] = frame["tested"].mask(unsent)
    frame["note"] = pd.Series(NOT_SENT, frame.index).where(unsent)
    sent = frame[~unsent.loc[frame.index]]
    whole = _unknown(part_of_region(tables, "scores", region)).assign(
        tested=sent["tested"].sum(), staff=sent["staff"].sum(skipna=False)
    )
    return pd.concat([whole, frame], ignore_index=True)


def _staff_by_place(tables: Mapping[str, pd.DataFrame], region: Region) -> pd.Series | None:
    """Persons by municipality of the main workplace; None when the edition has no staff."""
    if "staff" not in tables:
        return None
    people = tables["staff"]["person_id"]
    if "employment" not in tables:
        return _counted_by_place(pd.Series(None, people.index, dtype="object"), region)
    work = tables["employment"]
    main = work[work["is_main"]].set_index("person_id")["municipality"]
    return _counted_by_place(people.map(main), region)


def _counted_by_place(places: pd.Series, region: Region) -> pd.Series:
    """Persons of every municipality of the region, and of `UNSTATED` where any place is missing."""
    values = pd.Series(ordered(places, region.municipality_names))
    return values.value_counts(sort=False).astype("Int64")


def _counted(given: pd.DataFrame, region: Region) -> pd.DataFrame:
    """The same from the counts that a region has sent, every municipality in its place."""
    places = [TOTAL]
    if given["municipality"].ne(TOTAL).any():
        places += list(region.municipality_names)
    frame = given.set_index("municipality").reindex(places).drop(columns="procedure")
    frame["note"] = frame["note"].mask(frame["tested"].isna(), NOT_SENT)
    return frame.reset_index()


def _coverage_measure(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    tested, n = (frame[name].astype("Int64") for name in ("tested", "staff"))
    estimate, note = tested.astype("Float64").astype(float), frame["note"].astype("object")
    if measure == "tested_share":
        known = estimate.notna()
        estimate = estimate / n.astype("Float64").astype(float).where(n.fillna(0) > 0)
        note = note.mask(known & estimate.isna(), "число работников неизвестно")
    return frame.assign(
        measure=measure,
        estimate=estimate,
        std_error=np.nan,
        ci_low=np.nan,
        ci_high=np.nan,
        interval_kind="none",
        n=n,
        status=np.where(estimate.notna(), "ok", "no_data"),
        note=note,
    )
