"""Which municipalities have sent what, and why a number is missing: every total rests on both."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from nmc_utils.regions import Region
from nmc_utils.terms import REGISTER, TABLE_TITLES, TOTAL, of_places

NOBODY = "никто не прошёл диагностику"
NOT_SENT = "муниципальное образование этих сведений не прислало"
NO_DOMAIN = "такой компетенции в результатах процедуры нет"

Tables = Mapping[str, pd.DataFrame]


def reporting(tables: Tables, region: Region) -> pd.DataFrame:
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
        `not_sent` (tuple of the tables that others have sent and it has not). No rows where the
        region sent numbers of the whole alone: nothing is known of municipalities then.
    """
    status = tables.get("status", _NOTHING_MISSING)
    by_region = set(status["table"]) == {"aggregates"} and "aggregates" in tables
    if by_region and tables["aggregates"]["municipality"].eq(TOTAL).all():
        return pd.DataFrame(columns=["municipality", "is_reported", "not_sent"])
    told = status[status["table"] != REGISTER]
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


def held_out(tables: Tables) -> pd.DataFrame:
    """Count the rows that intake held out: `table`, `title`, `sent`, `held_out`.

    Only tables of which a row was held out; ``""`` are sheets that nobody could name.
    """
    lines = tables.get("conservation", _NOTHING_HELD)
    sums = lines.groupby("table", as_index=False)[["sent", "held_out"]].sum()
    sums = sums[sums["held_out"] > 0].reset_index(drop=True)
    return sums.assign(title=sums["table"].map(TABLE_TITLES).fillna("нераспознанные листы"))


_NOTHING_HELD = pd.DataFrame({"table": [], "sent": [], "held_out": []})


def absent_of(tables: Tables, table: str) -> set[str]:
    """Municipalities that have not sent `table`, though others have; none when nobody has."""
    status = tables.get("status", _NOTHING_MISSING)
    mine = status[status["table"] == table]
    return set(mine.loc[~mine["is_sent"], "municipality"])


def part_of_region(tables: Tables, table: str, region: Region) -> str | None:
    """Say of how many municipalities a total of `table` is; None where of all that there are."""
    unsent = len(absent_of(tables, table))
    n = len(region.municipalities)
    return f"данные {of_places(n - unsent, n)}" if unsent else None


def missing_table(*names: str) -> str:
    """Say which tables nobody has sent, as the note of a number does: they would close the gap."""
    *others, last = [f"«{TABLE_TITLES[name]}»" for name in names]
    if not others:
        return f"не прислана таблица {last}"
    return f"не присланы таблицы {', '.join(others)} и {last}"


def explained(
    table: pd.DataFrame,
    procedures: pd.DataFrame,
    tables: Tables,
    region: Region,
    *,
    measure: str,
) -> pd.DataFrame:
    """Say beside every missing number why it is missing, and beside every total what it is of.

    A note that stands already, as beside counts of the region, is kept.

    Parameters
    ----------
    table
        Measure table with keys `procedure`, `wave`, `domain`, perhaps `municipality` and `family`.
    procedures
        With `procedure`, `sent_as` and `gap` (what of it was not sent).
    measure
        Measure of the row that is added for a procedure of which `table` has none.

    Returns
    -------
    DataFrame
        `table` with the column `note`; its added rows are of everyone at entry, «no_data». Where a
        municipality has sent nothing, `n` is missing and not 0.
    """
    about = procedures.set_index("procedure")
    table = _with_every_procedure(table, about["gap"], measure)
    note = table.get("note", pd.Series(None, table.index, dtype="object")).astype("object")
    is_counted = table["procedure"].map(about["sent_as"]).isin(["counts", "nothing"])
    missing = table["status"] == "no_data"
    place = table.get("municipality", pd.Series(TOTAL, table.index))
    is_unsent = missing & ~is_counted & place.isin(absent_of(tables, "scores"))
    reason = pd.Series(NOBODY, table.index)
    if "employment" not in tables:
        family = table.get("family", pd.Series(TOTAL, table.index))
        reason = reason.mask(place.ne(TOTAL) | family.ne(TOTAL), missing_table("employment"))
    reason = reason.mask(_lacks_domain(table), table["procedure"].map(about["gap"]))
    reason = reason.fillna(NO_DOMAIN).mask(is_unsent, NOT_SENT)
    note = note.mask(missing & note.isna(), reason)
    part = part_of_region(tables, "scores", region)
    note = note.mask(~missing & note.isna() & place.eq(TOTAL) & ~is_counted, part)
    return table.assign(note=note.where(note.notna(), None), n=table["n"].mask(is_unsent))


def _lacks_domain(table: pd.DataFrame) -> pd.Series:
    """Rows of a competence that nobody of the procedure and wave has a result in."""
    keys = ["procedure", "wave", "domain"]
    has = table["status"].eq("ok").groupby([table[key] for key in keys]).transform("any")
    return ~has & table["domain"].ne(TOTAL)


def _with_every_procedure(table: pd.DataFrame, gaps: pd.Series, measure: str) -> pd.DataFrame:
    silent = [name for name in gaps.index if name not in set(table["procedure"])]
    if not silent:
        return table
    keys = [name for name in ("domain", "municipality", "family") if name in table]
    row = dict.fromkeys(keys, TOTAL) | {"wave": "entry", "measure": measure}
    row |= {"interval_kind": "none", "status": "no_data"}
    rows = [row | {"procedure": name, "note": gaps[name]} for name in silent]
    columns = list(dict.fromkeys([*table, "note"]))
    added = pd.DataFrame(rows, columns=columns)
    types = {name: dtype for name, dtype in table.dtypes.items() if name != "note"}
    return pd.concat([table, added.astype(types)], ignore_index=True)
