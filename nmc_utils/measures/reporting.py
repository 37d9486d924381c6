"""Which municipalities have sent what: every total rests on those that have."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from nmc_utils.regions import Region
from nmc_utils.terms import TABLE_TITLES, TOTAL

NOBODY = "никто не прошёл диагностику"
NOT_SENT = "муниципальное образование этих сведений не прислало"


def reporting(tables: Mapping[str, pd.DataFrame], region: Region) -> pd.DataFrame:
    """Tell for each municipality whether it has reported, and which tables it has not sent.

    Parameters
    ----------
    tables
        Canonical tables; intake writes `status`. Without it nothing is known to be missing.

    Returns
    -------
    DataFrame
        One row a municipality in the official order: `municipality`, `is_reported` (anything was
        sent; a register of organisations alone is nothing where others have sent more),
        `not_sent` (tuple of the tables that others have sent and it has not).
    """
    status = tables.get("status", _NOTHING_MISSING)
    told = status[status["table"] != "organizations"]
    told = told if len(told) else status
    sent = told.groupby("municipality")["is_sent"].any()
    absent = status[~status["is_sent"]].groupby("municipality")["table"].agg(tuple)
    places = list(region.municipality_names)
    return pd.DataFrame(
        {
            "municipality": places,
            "is_reported": [bool(sent.get(place, status.empty)) for place in places],
            "not_sent": [absent.get(place, ()) for place in places],
        }
    )


_NOTHING_MISSING = pd.DataFrame(
    {
        "municipality": pd.Series(dtype="str"),
        "table": pd.Series(dtype="str"),
        "is_sent": pd.Series(dtype="bool"),
    }
)


def absent_of(tables: Mapping[str, pd.DataFrame], table: str) -> set[str]:
    """Municipalities that have not sent `table`, though others have; none when nobody has."""
    status = tables.get("status", _NOTHING_MISSING)
    mine = status[status["table"] == table]
    return set(mine.loc[~mine["is_sent"], "municipality"])


def missing_table(table: str) -> str:
    """Say that an edition has no such table, as the note of a number does."""
    return f"нет таблицы «{TABLE_TITLES[table]}»"


def explained(
    table: pd.DataFrame,
    procedures: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    *,
    measure: str,
) -> pd.DataFrame:
    """Say beside every missing number why it is missing, and leave no procedure without a row.

    Parameters
    ----------
    table
        Measure table with keys `procedure`, `wave`, `domain`, perhaps `municipality` and others.
    procedures
        With `procedure`, `sent_as` and `gap` (what of it was not sent).
    measure
        Measure of the row that is added for a procedure of which `table` has none.

    Returns
    -------
    DataFrame
        `table` with the column `note`; its added rows are of everyone at entry, «no_data».
    """
    about = procedures.set_index("procedure")
    table = _with_every_procedure(table, about.index, measure)
    missing = table["status"] == "no_data"
    sent_as, gap = (table["procedure"].map(about[name]) for name in ("sent_as", "gap"))
    note = pd.Series(NOBODY, table.index).where(missing)
    wants_more = (table["domain"] != TOTAL) | ~sent_as.isin(["records", "totals"])
    note = note.mask(missing & gap.notna() & wants_more, gap)
    if "municipality" in table:
        sheet = sent_as.map({"counts": "aggregates"}).fillna("scores")
        unsent = {name: absent_of(tables, name) for name in sheet.unique()}
        is_unsent = [p in unsent[s] for p, s in zip(table["municipality"], sheet, strict=True)]
        note = note.mask(missing & pd.Series(is_unsent, table.index), NOT_SENT)
    return table.assign(note=note)


def _with_every_procedure(table: pd.DataFrame, procedures: pd.Index, measure: str) -> pd.DataFrame:
    silent = [name for name in procedures if name not in set(table["procedure"])]
    if not silent:
        return table
    keys = [name for name in ("domain", "municipality", "family") if name in table]
    row = dict.fromkeys(keys, TOTAL) | {"wave": "entry", "measure": measure}
    row |= {"interval_kind": "none", "status": "no_data", "n": 0}
    added = pd.DataFrame([row | {"procedure": name} for name in silent], columns=list(table))
    return pd.concat([table, added.astype(table.dtypes)], ignore_index=True)
