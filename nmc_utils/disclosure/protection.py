"""Tables that may be shown: small counts hidden, further cells with them, and the proof."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from nmc_utils.disclosure.audit import Audit, audit
from nmc_utils.disclosure.borrowing import borrowed
from nmc_utils.disclosure.complementary import Search
from nmc_utils.disclosure.model import model
from nmc_utils.disclosure.primary import primary
from nmc_utils.disclosure.sheets import Sheet, entries, spelled
from nmc_utils.disclosure.tables import (
    HIDDEN,
    LABELS,
    REVISED,
    flat,
    masked,
    sheets,
    structured,
)
from nmc_utils.terms import TOTAL

Published = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Protected:
    """Tables as they may be shown, and what an attacker makes of them.

    `tables` have the rows of what was given, hidden ones with status «suppressed» and without
    numbers. `audit` is the attack on them together with `earlier` (publications of the edition
    before, without what has changed since) and `assumed` (sums of tables that show none, which the
    attacker is taken to know). `hidden`: one row for each hidden cell, `cell` and `why`
    (``"primary"``, ``"earlier"``, ``"withheld"``, ``"complementary"``). `withheld` names tables of
    which totals alone may be shown, `merged` those whose codes were joined. `structure` says how
    the tables were read, for a later attack; it is ready for JSON.
    """

    tables: dict[str, pd.DataFrame]
    audit: Audit
    hidden: pd.DataFrame
    withheld: tuple[str, ...]
    merged: tuple[str, ...]
    structure: dict[str, dict]
    assumed: dict[str, pd.DataFrame]
    earlier: tuple[dict[str, pd.DataFrame], ...]
    hierarchies: dict[str, dict[str, str]]

    def known(self) -> dict:
        """Everything that the attacker knows, as arguments of `attack`."""
        return {
            "published": self.tables | self.assumed,
            "earlier": self.earlier,
            "hierarchies": self.hierarchies,
            "structure": self.structure,
        }

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]


@dataclass(frozen=True)
class _Rules:
    threshold: int
    organizations: int
    attributes: Collection[str] | None
    hierarchies: Mapping[str, Mapping[str, str]]
    labels: Collection[str]
    most_hidden: float


def protect(
    tables: Published | pd.DataFrame,
    threshold: int = 10,
    *,
    organizations: int = 3,
    attributes: Collection[str] | None = None,
    hierarchies: Mapping[str, Mapping[str, str]] | None = None,
    labels: Collection[str] = LABELS,
    earlier: Sequence[Published | Protected] = (),
    merge: Mapping[str, Mapping[str, str]] | None = None,
    most_hidden: float = 1.0,
) -> Protected:
    """Hide what discloses single persons, and as little more as keeps it from being computed.

    Every hidden cell keeps a range at least `threshold` wide for an attacker who knows all numbers
    shown in all tables, that counts are whole and non-negative, and all earlier publications of
    the edition, but not which cells were hidden for their own sake.

    Parameters
    ----------
    tables
        Table by name, or one table. A table is one of

        - *counts*: key columns, and `n` or `count` in persons, one row a cell;
        - *parts*: the same with `count` out of a group of `n`, or `share` (0–1) of `n`;
        - *measures*: keys, `measure`, `estimate`, `n`, `status`: shares become counts out of `n`,
          means and other numbers of a group are hidden with it;
        - *a crosstab*: codes in index and columns, counts inside, as `pandas.crosstab` makes it.

        A row whose key is ``"total"`` (also «итого», «всего», ``"All"``) is the sum of the rows
        that differ from it in that key alone. Rows with the same counted column and the same codes
        apart from totals are one cell, in whichever tables. Rows with status ``"no_data"`` have no
        number and are no part of sums; absent rows are 0. A table of counts or parts without
        any total is protected as if its totals were shown. Other numbers of a row are hidden with
        it.
    threshold, organizations
        Fewest persons that may be shown, least width of a range; fewest organisations, where a
        column `organizations` counts them.
    attributes
        Keys in which 0 % and 100 % of a group disclose; None: all that add up and are no place
        (`tables.PLACES`). In tables of parts they always do.
    hierarchies
        Key → {code: the wider code that contains it}, where one column has several levels.
    labels
        Keys whose total is no sum, as the whole test is none of its competences; where the numbers
        do add up they are taken for sums all the same.
    earlier
        Earlier publications of the edition. What they hide stays hidden. Numbers that have changed
        since bind nothing.
    merge, most_hidden
        Key → {code: wider code} to join in tables of counts of which more than this share of the
        rows that are no totals would be hidden. Where that does not help, or cannot be done, the
        table is withheld: its totals alone may be shown.

    Returns
    -------
    Protected
        `audit.is_safe` is false only where earlier publications have disclosed already; such
        tables must not be published.

    Raises
    ------
    ValueError
        A count is negative, missing or not whole; a total is not the sum of its parts; tables
        differ in a cell; a row stands twice; the threshold is not positive. One sentence with the
        table and the cell.

    Notes
    -----
    Fischetti and Salazar-González (2001), Solving the cell suppression problem on tabular data with
    linear constraints; Hundepool et al. (2012), Statistical disclosure control.
    """
    if threshold < 1:
        raise ValueError(f"порог {threshold}: нужно положительное целое число")
    if not isinstance(tables, pd.DataFrame | Mapping):
        raise ValueError(f"нужна таблица или таблицы по именам, получено {type(tables).__name__}")
    given = {"table": tables} if isinstance(tables, pd.DataFrame) else dict(tables)
    rules = _Rules(threshold, organizations, attributes, hierarchies or {}, labels, most_hidden)
    before = [_publication(publication) for publication in earlier]
    result, crowded = _protected(given, rules, before)
    joined = [name for name in crowded if merge and _is_mergeable(given[name], merge)]
    if joined:
        given |= {name: _merged(name, given[name], merge) for name in joined}
        result, crowded = _protected(given, rules, before)
    if crowded and rules.most_hidden < 1:
        result, crowded = _protected(given, rules, before, closed=crowded)
    return replace(result, merged=tuple(joined), withheld=tuple(crowded))


def _publication(publication: Published | Protected) -> tuple[dict[str, pd.DataFrame], dict]:
    if isinstance(publication, Protected):
        return publication.tables | publication.assumed, publication.structure
    return dict(publication), {}


def _protected(
    given: Published,
    rules: _Rules,
    before: Sequence[tuple[dict, dict]],
    closed: Collection[str] = (),
) -> tuple[Protected, list[str]]:
    """Protect tables, hiding all but the totals of `closed`; name those with too much hidden."""
    full = {name: _with_sums(name, table, rules.labels) for name, table in given.items()}
    options = {"labels": rules.labels, "hierarchies": rules.hierarchies}
    read = sheets(full, **options)
    earlier, old = _unchanged(before, read, structured(read), options)
    read, old = borrowed(read, old)
    structure = structured(read)
    cells = model(read, old, threshold=rules.threshold, hierarchies=rules.hierarchies)
    small = primary(
        read,
        full,
        threshold=rules.threshold,
        organizations=rules.organizations,
        attributes=rules.attributes,
        hierarchies=rules.hierarchies,
    )
    once = _once_hidden(old) & set(cells.cells[cells.shown])
    shut = _inner_cells([sheet for sheet in read if sheet.table in closed])
    found = Search(cells, small | once | shut, rules.threshold).run()
    hidden = set(cells.cells[found])
    tables, assumed = _shown(given, full, read, hidden)
    why = _reasons(hidden & set(cells.cells[cells.shown]), small, once, shut)
    result = Protected(
        tables=tables,
        audit=Audit(False, pd.DataFrame(), rules.threshold, "", 0.0),
        hidden=why,
        withheld=(),
        merged=(),
        structure=structure,
        assumed=assumed,
        earlier=earlier,
        hierarchies={key: dict(codes) for key, codes in rules.hierarchies.items()},
    )
    extra = why["why"].eq("complementary").sum() / max(1, cells.shown.sum())
    attacked = replace(audit(result, rules.threshold), extra_hidden_share=float(extra))
    crowded = {*_crowded(read, hidden, rules.most_hidden), *closed}
    return replace(result, audit=attacked), sorted(crowded)


def _shown(
    given: Published, full: Published, read: Sequence[Sheet], hidden: set[str]
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """Tables as they may be shown, and with their sums those that show none."""
    shown = {name: _masked(name, full[name], read, hidden) for name in full}
    tables = {
        name: shown[name] if full[name] is table else _cut(name, table, shown[name])
        for name, table in given.items()
    }
    return tables, {name: shown[name] for name in given if full[name] is not given[name]}


def _unchanged(
    before: Sequence[tuple[dict, dict]], read: Sequence[Sheet], structure: dict, options: dict
) -> tuple[tuple[dict[str, pd.DataFrame], ...], list[Sheet]]:
    """Earlier publications with the rows marked whose numbers have changed since."""
    frames = [entries(sheet) for sheet in read]
    truth = {c: v for f in frames for c, v in zip(f["cell"], f["value"], strict=True)}
    publications, found = [], []
    for tables, forms in before:
        known = {**forms, **structure}
        old = sheets(tables, structure=known or None, **options)
        publication = {name: flat(name, table) for name, table in tables.items()}
        for sheet in old:
            rows = entries(sheet)
            current = rows["cell"].map(truth)
            changed = rows["value"].notna() & current.notna() & (rows["value"] != current)
            positions = [int(row) for row in rows.loc[changed, "row"].unique() if row >= 0]
            table = publication[sheet.table]
            status = table["status"] if "status" in table else pd.Series("ok", table.index)
            marked = status.astype(object).mask(table.index.isin(positions), REVISED)
            publication[sheet.table] = table.assign(status=marked)
        publications.append(publication)
        found += sheets(publication, structure=known or None, **options)
    return tuple(publications), found


def _once_hidden(old: Sequence[Sheet]) -> set[str]:
    hidden: set[str] = set()
    for sheet in old:
        frame = entries(sheet)
        hidden |= set(frame[frame["value"].isna() & frame["row"].ge(0)]["cell"])
    return hidden


def _with_sums(name: str, table: pd.DataFrame, labels: Collection[str]) -> pd.DataFrame:
    """Add the totals that a table shows none of: the attacker is taken to know them."""
    [sheet, *others] = sheets({name: table}, labels=labels) or [None]
    if sheet is None or others or sheet.measure:
        return table
    fixed = {*labels, *sheet.form.parts}
    dims = [k for k in sheet.form.keys if k not in fixed and sheet.codes[k].nunique() > 1]
    if not dims or sheet.codes[dims].eq(TOTAL).any(axis=None):
        return table
    frame = flat(name, table)
    real = sheet.codes.assign(count=sheet.count, n=sheet.group)
    added = [frame]
    for size in range(1, len(dims) + 1):
        for over in combinations(dims, size):
            rows = real.assign(**dict.fromkeys(over, TOTAL))
            rows = rows.groupby(list(sheet.form.keys), as_index=False).sum()
            rows["share"] = rows["count"] / rows["n"].where(rows["n"] > 0)
            added.append(rows[[column for column in rows if column in frame]])
    return pd.concat(added, ignore_index=True).fillna({"status": "ok"})


def _cut(name: str, given: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    """Take the rows of a table out of those with its sums, in its own shape."""
    rows = shown.iloc[: len(flat(name, given))]
    hidden = rows["status"].eq(HIDDEN).to_numpy()
    return masked(given, hidden, rows["n"].isna().to_numpy() if "n" in rows else hidden)


def _masked(
    name: str, table: pd.DataFrame, read: Sequence[Sheet], hidden: set[str]
) -> pd.DataFrame:
    rows = len(flat(name, table))
    gone, no_group = np.zeros(rows, bool), np.zeros(rows, bool)
    places = _hidden_places(read, hidden)
    for sheet in (sheet for sheet in read if sheet.table == name):
        frame = entries(sheet)
        frame = frame[frame["row"].ge(0) & frame["cell"].isin(hidden)]
        gone[frame["row"]] = True
        alone = frame["role"].eq("group") | (sheet.form.kind == "counts")
        no_group[frame[alone]["row"]] = True
        if sheet.form.kind == "derived":
            told = [spelled(place) in places for place in sheet.codes.to_dict("records")]
            gone[sheet.rows[told]] = True
    return masked(table, gone, no_group)


def _hidden_places(read: Sequence[Sheet], hidden: set[str]) -> set[str]:
    """Codes of hidden parts: whatever else is told of them is hidden too."""
    places: set[str] = set()
    for sheet in read:
        if not sheet.measure or sheet.form.kind == "derived":
            continue
        frame = entries(sheet)
        cells = frame[frame["role"].eq("count")]["cell"].isin(hidden).to_numpy()
        places |= {spelled(place) for place in sheet.codes[cells].to_dict("records")}
    return places


def _reasons(hidden: set[str], small: set[str], once: set[str], shut: set[str]) -> pd.DataFrame:
    why = {cell: "complementary" for cell in sorted(hidden)}
    for reason, cells in (("withheld", shut), ("earlier", once), ("primary", small)):
        why |= dict.fromkeys(sorted(cells & hidden), reason)
    return pd.DataFrame({"cell": list(why), "why": list(why.values())}, dtype=object)


def _inner(sheet: Sheet) -> np.ndarray:
    """Rows that are no totals."""
    if sheet.form.parts:
        return np.ones(len(sheet.codes), bool)
    return sheet.codes[list(sheet.form.sums)].ne(TOTAL).any(axis=1).to_numpy()


def _inner_cells(read: Sequence[Sheet]) -> set[str]:
    cells: set[str] = set()
    for sheet in read:
        frame = entries(sheet)
        own = frame[frame["role"].eq("group" if sheet.form.kind == "derived" else "count")]
        cells |= set(own["cell"].to_numpy()[_inner(sheet) & (sheet.rows >= 0)])
    return cells


def _crowded(read: Sequence[Sheet], hidden: set[str], most_hidden: float) -> list[str]:
    """Tables of which more than so much is hidden, or all of it."""
    found = []
    for table in sorted({sheet.table for sheet in read}):
        inner = _inner_cells([sheet for sheet in read if sheet.table == table])
        gone = len(inner & hidden)
        if inner and (gone > most_hidden * len(inner) or gone == len(inner)):
            found.append(table)
    return found


def _is_mergeable(table: pd.DataFrame, merge: Mapping[str, Mapping[str, str]]) -> bool:
    frame = flat("", table)
    has_key = any(key in frame and frame[key].isin(list(merge[key])).any() for key in merge)
    return has_key and "measure" not in frame and not {"share", "estimate"} & set(frame.columns)


def _merged(name: str, table: pd.DataFrame, merge: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Join codes of a table of counts and add up."""
    frame = flat(name, table)
    numbers = [column for column in ("count", "n") if column in frame]
    keys = [c for c in frame if c not in (*numbers, "status", "note")]
    for key in set(merge) & set(keys):
        frame[key] = frame[key].replace(dict(merge[key]))
    return frame.groupby(keys, sort=True)[numbers].sum().reset_index()
