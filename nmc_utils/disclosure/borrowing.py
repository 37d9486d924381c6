"""Totals that one table leaves out and another shows: whoever reads both adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, combinations

import numpy as np
import pandas as pd

from nmc_utils.disclosure.sheets import Sheet, entries
from nmc_utils.terms import TOTAL


def borrowed(
    current: Sequence[Sheet], earlier: Sequence[Sheet] = (), *, is_settled: bool = False
) -> tuple[list[Sheet], list[Sheet]]:
    """Add to tables of counts the totals that other tables have of their rows.

    A table of levels by municipality without «all levels» is bound to a table of municipalities all
    the same. Which keys may be summed so is judged by the numbers seen: no sum contradicts.

    Parameters
    ----------
    is_settled
        The forms of `current` say already what is borrowed.
    """
    known: dict[str, float] = {}
    for sheet in (*earlier, *current):
        frame = entries(sheet)
        known |= {
            cell: value
            for cell, value in zip(frame["cell"], frame["value"], strict=True)
            if cell not in known or not np.isnan(value)
        }
    return (
        [_with_totals(sheet, known, is_settled) for sheet in current],
        [_with_totals(sheet, known, False) for sheet in earlier],
    )


def _with_totals(sheet: Sheet, known: dict[str, float], is_settled: bool) -> Sheet:
    form = sheet.form
    if form.kind != "counts" or sheet.measure or (is_settled and not form.borrowed):
        return sheet
    over = form.borrowed if is_settled else _summed(sheet, known)
    added = [rows for keys in over for rows in [_totals(sheet, keys, known)] if len(rows)]
    if not added:
        return sheet
    totals = pd.concat(added, ignore_index=True)
    sums = tuple(sorted({*form.sums, *chain.from_iterable(over)}))
    codes = pd.concat([sheet.codes, totals[list(form.keys)]], ignore_index=True)
    value = totals["cell"].map(known).to_numpy(float)
    return replace(
        sheet,
        form=replace(form, sums=sums, borrowed=tuple(over)),
        rows=np.append(sheet.rows, np.full(len(totals), -1)),
        codes=codes,
        count=np.append(sheet.count, value),
        group=np.append(sheet.group, value),
        revised=np.append(sheet.revised, np.zeros(len(totals), bool)),
    )


def _summed(sheet: Sheet, known: dict[str, float]) -> list[tuple[str, ...]]:
    keys = [key for key in sheet.form.keys if sheet.codes[key].nunique() > 1]
    choices = chain.from_iterable(combinations(keys, size) for size in range(1, len(keys) + 1))
    return [over for over in choices if _agrees(_totals(sheet, over, known), known)]


def _agrees(totals: pd.DataFrame, known: dict[str, float]) -> bool:
    """Whether no total that is seen contradicts the numbers that are."""
    if totals.empty:
        return False
    whole = totals["cell"].map(known)
    full = totals["seen"].eq(whole) | whole.isna()
    part = totals["has_hidden"] & (totals["seen"].le(whole) | whole.isna())
    return bool((full | part).all())


def _totals(sheet: Sheet, over: Sequence[str], known: dict[str, float]) -> pd.DataFrame:
    """Totals over keys that the sheet has not and others have: codes, cell and sum seen."""
    parts = sheet.codes.assign(value=sheet.count, has_hidden=np.isnan(sheet.count))
    inner = parts[parts[list(over)].ne(TOTAL).all(axis=1)]
    lifted = inner.assign(**dict.fromkeys(over, TOTAL))
    keys = list(sheet.form.keys)
    totals = lifted.groupby(keys, as_index=False).agg(
        seen=("value", "sum"), has_hidden=("has_hidden", "any")
    )
    own = pd.MultiIndex.from_frame(sheet.codes)
    missing = totals[~pd.MultiIndex.from_frame(totals[keys]).isin(own)].reset_index(drop=True)
    named = replace(
        sheet,
        codes=missing[keys],
        rows=np.full(len(missing), -1),
        count=missing["seen"].to_numpy(float),
        group=missing["seen"].to_numpy(float),
        revised=np.zeros(len(missing), bool),
    )
    missing["cell"] = entries(named)["cell"].to_numpy()
    return missing[missing["cell"].isin(list(known))]
