"""Counts and shares of countable things as measure tables: people, routes, events, once each.

`tallied` counts by keys, each with its total; `counts`, `shares` and `unknown` make measure tables
of what was counted; `as_reported` says of how many municipalities the numbers are;
`main_workplaces` gives everybody one place, `status_on` tells what had not ended by a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.intervals import share_interval
from nmc_utils.measures.reporting import NOT_SENT, absent_of, part_of_region
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL, UNSTATED


def tallied(
    frame: pd.DataFrame,
    keys: Mapping[str, Iterable[str]],
    *,
    unit: str,
    flags: Sequence[str] = (),
) -> pd.DataFrame:
    """Count the units in every cell of `keys`, the totals over each key among them.

    Parameters
    ----------
    frame
        Rows with the columns of `keys`, `unit` and `flags`. A unit may have several rows, as a
        methodist of two subjects has; it counts once in a cell.
    keys
        Column → its codes in their order; a row whose code is missing is `UNSTATED`.
    flags
        Columns of bool: besides all units those are counted of which any row has the flag.

    Returns
    -------
    DataFrame
        One row a cell, also where nothing was counted: the keys (``"total"`` first), `n` and a
        column for each flag, whole numbers.
    """
    names = list(keys)
    filled = frame[[unit, *names, *flags]].assign(
        **{key: frame[key].astype("object").fillna(UNSTATED) for key in names}
    )
    codes = [_codes(filled[key], keys[key]) for key in names]
    for key in names:
        filled = pd.concat([filled.assign(**{key: TOTAL}), filled], ignore_index=True)
    parts = {"n": filled} | {flag: filled[filled[flag]] for flag in flags}
    cells = pd.MultiIndex.from_product(codes, names=names)
    columns = {
        name: part.groupby(names)[unit].nunique().reindex(cells, fill_value=0)
        for name, part in parts.items()
    }
    return pd.DataFrame(columns, index=cells).reset_index()


def main_workplaces(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Rows of `employment` that are somebody's main workplace: at most one a person.

    Intake holds out everybody of whom two different main workplaces were sent, so canonical tables
    have one; here nobody chooses between two.

    Raises
    ------
    ValueError
        A person has several.
    """
    work = tables["employment"]
    main = work[work["is_main"].astype(bool)]
    if n := main.loc[main["person_id"].duplicated(), "person_id"].nunique():
        raise ValueError(f"у {n} чел. отмечено несколько основных мест работы: оставьте одно")
    return main


def status_on(
    status: pd.Series, ended_on: pd.Series, as_of: Any, *, over: Sequence[str]
) -> pd.Series:
    """Status on a day of what was recorded later: what ended after it was running then.

    A status is of the moment of recording; where a date says more, the date decides.

    Parameters
    ----------
    over
        Statuses that `ended_on` dates.
    """
    later = status.isin(list(over)) & (ended_on > pd.Timestamp(as_of))
    return status.mask(later, "running")


def _codes(values: pd.Series, order: Iterable[str]) -> list[str]:
    unstated = [UNSTATED] if values.eq(UNSTATED).any() else []
    return [TOTAL, *order, *unstated]


def counts(table: pd.DataFrame, measure: str, column: str = "n") -> pd.DataFrame:
    """Measure of a count: `estimate` is `column`; `n` of the table stays what it is counted of."""
    return _measure(table, measure, table[column].astype(float))


def shares(
    table: pd.DataFrame, measure: str, column: str, *, of: str = "n", nobody: str
) -> pd.DataFrame:
    """Measure of a share with its Wilson interval: what another such process would give.

    Parameters
    ----------
    table
        With the counts `column` and `of`; `n` becomes the latter.
    nobody
        Why there is no share where `of` is 0, in words.
    """
    top, n = table[column].astype(float), table[of].astype(float)
    low, high = share_interval(top, n)
    share = top / n.where(n > 0)
    note = table["note"] if "note" in table else pd.Series(None, table.index, dtype="object")
    return _measure(
        table.assign(n=table[of], note=note.mask(n.eq(0), nobody)),
        measure,
        share,
        std_error=np.sqrt(share * (1 - share) / n.where(n > 0)),
        ci_low=low,
        ci_high=high,
        interval_kind="process",
    )


def _measure(
    table: pd.DataFrame, measure: str, estimate: pd.Series, **interval: object
) -> pd.DataFrame:
    none = {"std_error": np.nan, "ci_low": np.nan, "ci_high": np.nan, "interval_kind": "none"}
    note = table["note"] if "note" in table else pd.Series(None, table.index, dtype="object")
    return table.assign(
        measure=measure,
        estimate=estimate,
        **(none | interval),
        n=table["n"].astype("Int64"),
        status=np.where(estimate.notna(), "ok", "no_data"),
        note=note.astype("object").where(note.notna(), None),
    )


def unknown(
    measures: Iterable[str], keys: Iterable[str], note: str, *, status: str = "no_data"
) -> pd.DataFrame:
    """One row for each measure that nothing is known of, its keys ``"total"``; `note` says why."""
    rows = pd.DataFrame({"measure": list(measures)}).assign(**dict.fromkeys(keys, TOTAL))
    empty = dict.fromkeys(("estimate", "std_error", "ci_low", "ci_high"), np.nan)
    n = pd.array([pd.NA] * len(rows), dtype="Int64")
    return rows.assign(**empty, interval_kind="none", n=n, status=status, note=note)


def measured(frames: Iterable[pd.DataFrame], keys: Sequence[str], *more: str) -> pd.DataFrame:
    """Put measures below each other: keys, the columns of a measure table, `more`, `note`."""
    table = pd.concat(list(frames), ignore_index=True)
    return table[[*keys, *ESTIMATE_COLUMNS, *more, "note"]]


def as_reported(
    table: pd.DataFrame, tables: Mapping[str, pd.DataFrame], name: str, region: Region
) -> pd.DataFrame:
    """Take from a measure table what rests on rows that were not sent, and say so.

    A municipality that has not sent the canonical table `name` has no number, not 0; a total says
    of how many municipalities it is, before its own note. `municipality` is a key of `table`.
    """
    unsent = table["municipality"].isin(absent_of(tables, name))
    numbers = ["estimate", "std_error", "ci_low", "ci_high", "n"]
    whole = table["municipality"].eq(TOTAL) & table["status"].eq("ok")
    note = table["note"].astype("object").mask(unsent, NOT_SENT)
    part = part_of_region(tables, name, region)
    told = [both(part, own) for own in note]
    return table.assign(
        **{column: table[column].mask(unsent) for column in numbers},
        status=table["status"].mask(unsent, "no_data"),
        note=note.mask(whole, pd.Series(told, table.index, dtype="object")) if part else note,
    )


def both(first: str | None, second: str | None) -> str | None:
    """Put two notes behind each other; what is said already is not said again."""
    told = [note for note in (first, second) if isinstance(note, str)]
    if len(told) == 2 and told[0] in told[1]:
        return told[1]
    return "; ".join(told) or None
