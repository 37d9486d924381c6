"""What is different from the period before: what was sent, by whom, how it was measured, results.

Nothing here says why. Whether shares may be compared comes first: by the words of the procedure
and the facts of its forms, not by the results. Each function takes the same tables of two runs of
one series.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nmc_utils.measures.intervals import difference_interval, share_interval
from nmc_utils.regions import Diagnostics, Region
from nmc_utils.terms import TOTAL, UNSTATED

Tables = Mapping[str, pd.DataFrame]

#: What the description of a procedure says of the one before it: shares as they are may be judged,
#: or only linked scores may, which nothing computes.
COMPARABLE, AFTER_LINKING = "сопоставимо", "после выравнивания"
_KEYS_OF_FORM = ["domain", "subject"]
_FACTS_OF_FORM = ["n_items", "max_score"]
_COLUMNS_OF_FORMS = [*_KEYS_OF_FORM, "aspect", "before", "now"]


# --- what was sent --------------------------------------------------------------------------------


def rows(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Count what was sent and accepted in two periods by table.

    Parameters
    ----------
    now, before
        Tables of the conservation line: `table`, `sent`, `accepted`.

    Returns
    -------
    DataFrame
        `table`, `sent_before`, `sent`, `accepted_before`, `accepted`; a table that one period has
        not at all has missing counts there. Sheets of no table are left out.
    """
    sums = [
        lines[lines["table"] != ""].groupby("table")[["sent", "accepted"]].sum()
        for lines in (now, before)
    ]
    sides = {"how": "outer", "left_index": True, "right_index": True}
    both = sums[0].merge(sums[1], **sides, suffixes=("", "_before")).astype("Int64")
    columns = ["sent_before", "sent", "accepted_before", "accepted"]
    return both[columns].rename_axis("table").reset_index()


def reporters(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Tell the municipalities that report in one of two periods alone.

    Parameters
    ----------
    now, before
        Tables of `reporting.reporting`.

    Returns
    -------
    DataFrame
        `municipality` (code), `change`: «appeared» or «vanished», in the order of `now`.
    """
    has = [table[table["is_reported"].astype(bool)]["municipality"] for table in (now, before)]
    order = dict.fromkeys([*now["municipality"], *before["municipality"]])
    changes = [
        (code, "appeared" if code in set(has[0]) else "vanished")
        for code in order
        if (code in set(has[0])) != (code in set(has[1]))
    ]
    return pd.DataFrame(changes, columns=["municipality", "change"], dtype="str")


# --- how it was measured --------------------------------------------------------------------------


def matched(now: pd.DataFrame, before: pd.DataFrame) -> tuple[str, str] | None:
    """Return the procedures to compare: the largest now, and the largest of its organiser before.

    Parameters
    ----------
    now, before
        Tables of `participation.procedures_by_size`, the largest first.

    Returns
    -------
    tuple of str or None
        Codes of the two; None where the organiser is not named or had no procedure before.
    """
    if now.empty or before.empty or "organiser" not in now or "organiser" not in before:
        return None
    organiser = now["organiser"].iloc[0]
    same = before[before["organiser"].notna() & before["organiser"].eq(organiser)]
    return None if same.empty else (now["procedure"].iloc[0], same["procedure"].iloc[0])


def procedures(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Tell what the descriptions of the matched procedures say differently.

    Returns
    -------
    DataFrame
        `aspect` (a column of the table), `before`, `now`; only what differs. Without a match the
        one row is the organiser of the largest procedure.
    """
    pair = matched(now, before)
    codes = pair or (now["procedure"].iloc[0], before["procedure"].iloc[0])
    mine, other = (
        table[table["procedure"] == code].iloc[0]
        for table, code in zip((now, before), codes, strict=True)
    )
    aspects = ["organiser"] if pair is None else ["instrument_version", "selection", "purpose"]
    return _differing((aspect, other.get(aspect), mine.get(aspect)) for aspect in aspects)


def forms(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Tell which forms of two procedures differ in their number of items or maximum.

    Parameters
    ----------
    now, before
        Canonical `forms` of the matched procedures.

    Returns
    -------
    DataFrame
        One row a competence (`domain`) and subject family (`subject`, missing for none) with
        `aspect` (`n_items`, `max_score` or «form», which one period has not), `before`, `now`; of
        several forms every value that differs, «20; 25».
    """
    sides = [_facts(table) for table in (before, now)]
    found = []
    for key in sorted(set(sides[0]) | set(sides[1]), key=str):
        pair = [side.get(key) for side in sides]
        if None in pair:
            there = [fact and ", ".join(fact) for fact in pair]
            found.append((*key, "form", *there))
            continue
        for aspect, *values in zip(_FACTS_OF_FORM, *pair, strict=True):
            if values[0] != values[1]:
                found.append((*key, aspect, *values))
    return pd.DataFrame(found, columns=_COLUMNS_OF_FORMS, dtype="object")


def _facts(table: pd.DataFrame) -> dict[tuple[str, str | None], tuple[str, ...]]:
    """Competence and family → items and maximum of its forms, each value once."""
    return {
        (domain, subject if isinstance(subject, str) else None): tuple(
            "; ".join(f"{value:g}" for value in sorted({*some[name].dropna().astype(float)}))
            for name in _FACTS_OF_FORM
        )
        for (domain, subject), some in table.groupby(_KEYS_OF_FORM, dropna=False)
    }


def comparability(
    now: pd.DataFrame, before: pd.DataFrame, changed: pd.DataFrame | None
) -> dict[str, Any]:
    """Say whether shares of two periods may be judged, and by which words.

    Parameters
    ----------
    now, before
        Tables of `participation.procedures_by_size`.
    changed
        Of `forms`; None where the forms of a period are not at hand.

    Returns
    -------
    dict
        `is_comparable`; `said`: what the procedure says, None where it says nothing; `why`:
        «organiser» (no procedure of the same one, which is what the word is about), «unsaid»,
        «linking» (linked scores are needed), «forms» (they have changed), «forms_unknown» or
        «said», where the word alone decides.
    """
    if matched(now, before) is None:
        return {"is_comparable": False, "said": None, "why": "organiser"}
    said = now["comparability"].iloc[0] if "comparability" in now else None
    if not isinstance(said, str):
        return {"is_comparable": False, "said": None, "why": "unsaid"}
    word = " ".join(said.casefold().split()).rstrip(".")
    why = "linking" if word == AFTER_LINKING else "said"
    if word == COMPARABLE and changed is None:
        why = "forms_unknown"
    elif word == COMPARABLE and len(changed):
        why = "forms"
    return {"is_comparable": word == COMPARABLE and why == "said", "said": said, "why": why}


def _differing(pairs: Iterable[tuple[str, Any, Any]]) -> pd.DataFrame:
    plain = [(name, *(v if isinstance(v, str) else None for v in both)) for name, *both in pairs]
    found = [row for row in plain if row[1] != row[2]]
    return pd.DataFrame(found, columns=["aspect", "before", "now"], dtype="object")


# --- shares ---------------------------------------------------------------------------------------


def lowest_shares(level_shares: pd.DataFrame, diagnostics: Diagnostics) -> pd.DataFrame:
    """Return the shares of the lowest level at entry, in the document's result, that are known.

    Rows of one procedure's `level_shares`: the whole region and each municipality, all families.
    """
    keys = {
        "wave": "entry",
        "level": diagnostics.lowest.code,
        "domain": diagnostics.result_domain,
        "family": TOTAL,
        "status": "ok",
    }
    return level_shares[(level_shares[list(keys)] == pd.Series(keys)).all(axis=1)]


def shares(
    now: pd.DataFrame,
    before: pd.DataFrame,
    *,
    judge: bool = True,
    judge_total: bool = True,
    least: int = 10,
    level: float = 0.95,
) -> pd.DataFrame:
    """Put the shares of two periods side by side, with the interval of their difference.

    Parameters
    ----------
    now, before
        Tables of `lowest_shares`.
    judge
        Whether they may be compared; otherwise `difference`, `ci_low` and `ci_high` are missing
        and nothing has moved.
    judge_total
        The same of the whole region, which is another whole when its municipalities are others.
    least
        A municipality with fewer persons in one of the periods is left out: its share says more of
        single persons than of the municipality.
    level
        Coverage of each interval by itself. Of twenty municipalities in which nothing has changed
        about one has an interval without zero at 0.95: a single one of many is no finding, and
        whoever tells them tells how many were looked at.

    Returns
    -------
    DataFrame
        One row a municipality that both periods have (`TOTAL` is the whole region):
        `municipality`, `estimate_before`, `n_before`, `estimate`, `n`, `difference`, `ci_low`,
        `ci_high`, `interval_kind` («newcombe» or «none») and `is_moved`: zero lies outside it.
    """
    columns = ["municipality", "estimate", "n"]
    both = now[columns].merge(before[columns], on="municipality", suffixes=("", "_before"))
    is_enough = both[["n", "n_before"]].min(axis=1).astype(float) >= least
    is_place = both["municipality"].ne(UNSTATED)
    both = both[(is_enough & is_place) | both["municipality"].eq(TOTAL)].reset_index(drop=True)
    counts = [
        (both[share].astype(float) * both[n].astype(float)).round()
        for share, n in (("estimate", "n"), ("estimate_before", "n_before"))
    ]
    low, high = difference_interval(
        counts[0], both["n"].astype(float), counts[1], both["n_before"].astype(float), level
    )
    is_judged = np.where(both["municipality"].eq(TOTAL), judge and judge_total, judge).astype(bool)
    difference = both["estimate"].astype(float) - both["estimate_before"].astype(float)
    return pd.DataFrame(
        {
            "municipality": both["municipality"],
            "estimate_before": both["estimate_before"].astype(float),
            "n_before": both["n_before"].astype("int64"),
            "estimate": both["estimate"].astype(float),
            "n": both["n"].astype("int64"),
            "difference": difference.where(is_judged),
            "ci_low": np.where(is_judged, low, np.nan),
            "ci_high": np.where(is_judged, high, np.nan),
            "interval_kind": np.where(is_judged, "newcombe", "none"),
            "is_moved": is_judged & ((low > 0) | (high < 0)),
        }
    )


def same_places(now: Tables, before: Tables, region: Region) -> tuple[str, ...] | None:
    """Return the municipalities in which persons were tested in both periods.

    Parameters
    ----------
    now, before
        With `coverage` of the compared procedures.

    Returns
    -------
    tuple of str or None
        Codes in the official order; None where both periods rest on the same anyway.
    """
    mine, other = (_places(tables["coverage"]) for tables in (now, before))
    if mine == other:
        return None
    return tuple(code for code in region.municipality_names if code in mine & other)


def _places(coverage: pd.DataFrame) -> set[str]:
    """Where persons were tested, those of an unstated municipality too."""
    tested = tested_rows(coverage)
    is_some = tested["status"].eq("ok") & tested["estimate"].gt(0)
    return set(tested.loc[is_some, "municipality"]) - {TOTAL}


def tested_rows(coverage: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `coverage` that say how many were tested."""
    return coverage[coverage["measure"] == "tested"]


def of_places(
    tables: Tables, places: Iterable[str], diagnostics: Diagnostics
) -> dict[str, dict[str, Any]]:
    """Count a period on some municipalities: rows `tested` and `level_share` of the lowest level.

    Parameters
    ----------
    tables
        `coverage` and `level_shares` of one procedure.

    Returns
    -------
    dict
        Measure → row of a measure table. The share is missing unless every municipality with
        tested persons has one.
    """
    tested = tested_rows(tables["coverage"])
    tested = tested[tested["municipality"].isin(list(places))]
    count = _measured("tested", tested["estimate"].sum(), tested["n"].sum(skipna=False))
    share = _measured("level_share", np.nan, 0)
    took = set(tested.loc[tested["estimate"] > 0, "municipality"])
    found = lowest_shares(tables["level_shares"], diagnostics)
    found = found[found["municipality"].isin(took)]
    if took and set(found["municipality"]) == took:
        n = int(found["n"].sum())
        below = (found["estimate"] * found["n"].astype(float)).round().sum()
        low, high = (float(end) for end in share_interval(below, n))
        share = _measured("level_share", below / n, n) | {"ci_low": low, "ci_high": high}
    return {"tested": count, "level_share": share}


def _measured(measure: str, estimate: float, n: Any) -> dict[str, Any]:
    """A row as a measure table has it, without an interval."""
    return {
        "measure": measure,
        "estimate": estimate,
        "ci_low": np.nan,
        "ci_high": np.nan,
        "n": n,
        "status": "no_data" if pd.isna(estimate) else "ok",
    }


# --- all of it ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Changes:
    """Two periods of one series: what the functions of this module tell of them.

    `same` are both periods on the municipalities `places` that both have, the period before first,
    and `same_shares` the one row of `shares` on them; empty where both rest on the same anyway.
    `composition` says whether the whole region is the same whole: «same», «differs», or «unknown»
    where nothing is known by municipality. Tables that one period lacks leave theirs empty.
    """

    comparability: dict[str, Any]
    procedures: pd.DataFrame
    forms: pd.DataFrame
    rows: pd.DataFrame
    reporters: pd.DataFrame
    shares: pd.DataFrame
    composition: str
    same_shares: pd.DataFrame
    places: tuple[str, ...] = ()
    same: tuple[dict[str, dict[str, Any]], ...] = ()


def compare(now: Tables, before: Tables, region: Region) -> Changes:
    """Compare two periods of a region.

    Parameters
    ----------
    now, before
        What the notebooks stage as `procedures`, `reporting`, `coverage` and `level_shares`; and,
        where they are at hand, `conservation` and the canonical `forms`.
    region
        The region as the later period defines it.
    """
    both = (now, before)
    listed = [tables["procedures"] for tables in both]
    pair = matched(*listed) or tuple(table["procedure"].iloc[0] for table in listed)
    measured = [
        {name: _of(tables[name], "procedure", code) for name in ("coverage", "level_shares")}
        for tables, code in zip(both, pair, strict=True)
    ]
    lowest = [lowest_shares(part["level_shares"], region.diagnostics) for part in measured]
    has_forms = all("forms" in tables for tables in both)
    used = [
        _of(t["forms"], "procedure_id", c) for t, c in zip(both, pair, strict=True) if has_forms
    ]
    changed = forms(*used) if has_forms else None
    judged = comparability(*listed, changed)
    judge = judged["is_comparable"]
    has_rows = all("conservation" in tables for tables in both)
    places = same_places(*measured, region)
    composition = "differs"
    if places is None:
        composition = "same" if _places(measured[0]["coverage"]) else "unknown"
    same = [of_places(part, places or (), region.diagnostics) for part in measured]
    return Changes(
        comparability=judged,
        procedures=procedures(*listed),
        forms=pd.DataFrame(columns=_COLUMNS_OF_FORMS) if changed is None else changed,
        rows=rows(*(tables["conservation"] for tables in both)) if has_rows else pd.DataFrame(),
        reporters=reporters(*(tables["reporting"] for tables in both)),
        shares=shares(*lowest, judge=judge, judge_total=composition == "same"),
        composition=composition,
        same_shares=shares(*(_whole(rows) for rows in same), judge=judge),
        places=places or (),
        same=tuple(reversed(same)) if places else (),
    )


def _whole(same: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """The share of `of_places` as the row of a whole; no row where it is not known."""
    row = pd.DataFrame([same["level_share"]]).assign(municipality=TOTAL)
    return row[row["status"] == "ok"]


def _of(table: pd.DataFrame, column: str, code: str) -> pd.DataFrame:
    return table[table[column] == code]
