"""Who was tested, in which procedure: never all teachers of the region, never several procedures
added up.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nmc_utils.measures.counts import counted_level_shares, counted_tested
from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.distributions import ordered
from nmc_utils.measures.reporting import NOT_SENT, absent_of
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL, UNSTATED

#: What was sent of a procedure → what is therefore not known of it.
GAPS = {
    "records": None,
    "totals": "результаты присланы только по тесту в целом, без компетенций",
    "counts": "процедура прислана сводными числами, без результатов людей",
    "nothing": "результаты процедуры не присланы",
}


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
        The canonical table with `procedure` for its id, `persons`, `sent_as` (a key of `GAPS`) and
        `gap`. An edition that names no procedure has one row, `UNSTATED`.
    """
    if "procedures" in tables:
        named = tables["procedures"].rename(columns={"procedure_id": "procedure"})
    else:
        named = pd.DataFrame({"procedure": [UNSTATED], "selection": None, "comparability": None})
    counted = counted_tested(tables, region)
    told = counted[counted["municipality"] == TOTAL].set_index("procedure")["tested"]
    levels = counted_level_shares(tables, region)
    whole = levels[(levels["municipality"] == TOTAL) & (levels["wave"] == "entry")]
    told = told.combine_first(whole.groupby("procedure")["n"].max())
    entry = results[results["wave"] == "entry"]
    persons = entry.groupby("procedure")["person_id"].nunique().combine_first(told)
    has_domains = set(entry.loc[entry["domain"] != TOTAL, "procedure"])
    recorded = set(entry["procedure"])

    def sent_as(procedure: str) -> str:
        if procedure in recorded:
            return "records" if procedure in has_domains else "totals"
        return "counts" if procedure in told.index else "nothing"

    table = named.assign(
        persons=named["procedure"].map(persons).fillna(0).astype("Int64"),
        sent_as=named["procedure"].map(sent_as),
    )
    table["gap"] = table["sent_as"].map(GAPS)
    table["rank"] = table["sent_as"].map(list(GAPS).index)
    table = table.sort_values(["persons", "rank", "procedure"], ascending=[False, True, True])
    return table.drop(columns="rank").reset_index(drop=True)


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
        `tested` (persons) and `tested_share`; `n` is the staff, of those municipalities alone that
        have sent results. In ``procedure="total"`` people are counted once, whatever the number of
        procedures; with a procedure sent as counts that is not known. `note` says why a number is
        missing.
    """
    staff = _staff_by_place(tables, region)
    parts = [_recorded_coverage(results, procedures, staff, tables, region)]
    parts.append(_counted_coverage(tables, region, staff))
    frame = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
    return pd.concat([_coverage_measure(frame, name) for name in ("tested", "tested_share")])[
        ["procedure", "municipality", *ESTIMATE_COLUMNS, "note"]
    ].reset_index(drop=True)


def _staff_by_place(tables: Mapping[str, pd.DataFrame], region: Region) -> pd.Series | None:
    """Persons by municipality of the main workplace; None when the edition has no staff."""
    if "staff" not in tables:
        return None
    people = tables["staff"]["person_id"]
    if "employment" not in tables:
        return _by_place(pd.Series(None, people.index, dtype="str"), region)
    work = tables["employment"]
    main = work[work["is_main"]].set_index("person_id")["municipality"]
    return _by_place(people.map(main), region)


def _by_place(places: pd.Series, region: Region) -> pd.Series:
    """Persons of every municipality of the region, and of `UNSTATED` where it occurs."""
    values = pd.Series(ordered(places, region.municipality_names))
    return values.value_counts(sort=False).astype("Int64")


def _recorded_coverage(
    results: pd.DataFrame,
    procedures: pd.DataFrame,
    staff: pd.Series | None,
    tables: Mapping[str, pd.DataFrame],
    region: Region,
) -> pd.DataFrame:
    """`procedure`, `municipality`, `tested`, `staff`, `note` from the persons themselves."""
    entry = results[results["wave"] == "entry"]
    recorded = procedures.loc[procedures["sent_as"].isin(["records", "totals"]), "procedure"]
    others = procedures["sent_as"].eq("counts").any()
    frames = []
    for procedure in [TOTAL, *recorded]:
        chosen = entry if procedure == TOTAL else entry[entry["procedure"] == procedure]
        persons = chosen.drop_duplicates("person_id")
        tested = _by_place(persons["municipality"].astype("str"), region)
        frame = _with_whole(tested, staff, absent_of(tables, "scores"))
        if procedure == TOTAL and (others or not len(recorded)):
            unknown = GAPS["nothing"] if not others else "пересечение процедур неизвестно"
            frame = frame.assign(tested=pd.NA, note=unknown)
        frames.append(frame.assign(procedure=procedure))
    return pd.concat(frames, ignore_index=True)


def _with_whole(tested: pd.Series, staff: pd.Series | None, unsent: set[str]) -> pd.DataFrame:
    """Municipalities with their sum on top; who has sent nothing is neither in it nor zero."""
    places = list(dict.fromkeys([*tested.index, *([] if staff is None else staff.index)]))
    frame = pd.DataFrame({"municipality": places})
    frame["tested"] = frame["municipality"].map(tested).astype("Int64").fillna(0)
    frame["staff"] = pd.NA if staff is None else frame["municipality"].map(staff).fillna(0)
    frame["staff"] = frame["staff"].astype("Int64")
    is_unsent = frame["municipality"].isin(unsent)
    if staff is not None:  # nobody works there by the tables: nothing was sent
        is_unsent |= frame["staff"].eq(0) & frame["tested"].eq(0)
    frame["tested"] = frame["tested"].mask(is_unsent)
    frame["note"] = pd.Series(NOT_SENT, frame.index).where(is_unsent)
    sent = frame[~is_unsent]
    whole = {
        "municipality": TOTAL,
        "tested": sent["tested"].sum(),
        "staff": sent["staff"].sum(skipna=False),
    }
    return pd.concat([pd.DataFrame([whole]).astype({"staff": "Int64"}), frame], ignore_index=True)


def _counted_coverage(
    tables: Mapping[str, pd.DataFrame], region: Region, staff: pd.Series | None
) -> pd.DataFrame:
    """The same from the counts that a region has sent, every municipality in its place."""
    counted = counted_tested(tables, region)
    frames = []
    for procedure, given in counted.groupby("procedure"):
        places = [TOTAL]
        if given["municipality"].ne(TOTAL).any():
            places += list(region.municipality_names)
        frame = given.set_index("municipality").reindex(places)
        missing = frame["tested"].isna()
        frame["note"] = frame["note"].mask(missing, NOT_SENT)
        frames.append(frame.reset_index().assign(procedure=procedure))
    columns = ["procedure", "municipality", "tested", "staff", "note"]
    return pd.concat(frames)[columns] if frames else pd.DataFrame(columns=columns)


def _coverage_measure(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    tested, n = frame["tested"].astype("Int64").astype("float64"), frame["staff"].astype("Int64")
    estimate = tested
    note = frame["note"].astype("object")
    if measure == "tested_share":
        estimate = tested / n.astype("float64").where(n > 0)
        lacking = tested.notna() & estimate.isna()
        note = note.mask(lacking, "число работников неизвестно")
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
