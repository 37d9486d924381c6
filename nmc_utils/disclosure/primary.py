"""Which cells disclose by themselves: small counts, few organisations, nobody and everybody."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from nmc_utils.disclosure.model import sums
from nmc_utils.disclosure.sheets import KEY, Sheet, entries
from nmc_utils.disclosure.tables import ORGANIZATIONS, PLACES, flat


def primary(
    read: Sequence[Sheet],
    tables: Mapping[str, pd.DataFrame],
    *,
    threshold: int,
    organizations: int,
    attributes: Collection[str] | None,
    hierarchies: Mapping[str, Mapping[str, str]],
) -> set[str]:
    """Return the cells that may not be shown, whatever stands around them.

    Parameters
    ----------
    threshold, organizations
        Fewest persons, and fewest organisations where a column counts them, that may be shown.
    attributes
        Keys that say something about persons, not where they are: 0 % and 100 % of a group in one
        of them disclose. None: every key that adds up and is no place.
    """
    found: set[str] = set()
    for sheet in read:
        frame = entries(sheet)
        value = dict(zip(frame["cell"], frame["value"], strict=True))
        found |= {cell for cell, n in value.items() if 0 < n < threshold}
        found |= _few_organizations(frame, flat(sheet.table, tables[sheet.table]), organizations)
        found |= _all_or_none(sheet, value, attributes, hierarchies)
        rests = frame[frame["role"].eq("rest")]
        counts = frame[frame["role"].eq("count")]
        if len(rests):
            small = rests["cell"].isin(found).to_numpy()
            found |= set(counts["cell"].to_numpy()[small])
    return found


def _few_organizations(frame: pd.DataFrame, table: pd.DataFrame, fewest: int) -> set[str]:
    column = next((name for name in ORGANIZATIONS if name in table), None)
    if column is None:
        return set()
    n = pd.to_numeric(table[column]).to_numpy()
    rows = frame[frame["row"].ge(0)]
    few = (n[rows["row"]] > 0) & (n[rows["row"]] < fewest)
    return set(rows["cell"][few])


def _all_or_none(
    sheet: Sheet,
    value: Mapping[str, float],
    attributes: Collection[str] | None,
    hierarchies: Mapping[str, Mapping[str, str]],
) -> set[str]:
    frame = entries(sheet)
    if sheet.form.kind == "parts":
        count, group = sheet.count, sheet.group
        extreme = (group > 0) & ((count == 0) | (count == group))
        return set(frame[frame["role"].eq("count")]["cell"].to_numpy()[extreme])
    found: set[str] = set()
    if sheet.form.kind == "derived":
        return found
    for key in sheet.form.sums:
        about = key not in PLACES if attributes is None else key in attributes
        if not about or sheet.codes[key].nunique() <= 2:
            continue
        others = [dim for dim in frame if dim.startswith(KEY) and dim != KEY + key]
        own = frame.assign(block=frame["block"].str.cat([frame[o] for o in others], sep="|"))
        own = own.drop(columns=others)
        for total, parts in sums(own, hierarchies):
            n = value[total]
            found |= {part for part in parts if n > 0 and value[part] in (0, n)}
    return found
