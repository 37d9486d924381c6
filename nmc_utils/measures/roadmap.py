"""The roadmap measure by measure, and what became of earlier recommendations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.measures.reporting import missing_table
from nmc_utils.measures.tallies import both, counts, measured, status_on, tallied, unknown
from nmc_utils.terms import ADDRESSEES, EVERY_YEAR, PROGRESS, UNSTATED

Tables = Mapping[str, pd.DataFrame]

#: How far a measure has come; the last one is of a measure of which nothing was told.
STATES = (*PROGRESS, "no_data")
#: How the due of a measure stands on the day of the edition: `unknown` is past, and nobody told.
DUE = ("done", "overdue", "not_due", "unknown", "every_year", "undated")
#: Which recommendations: of the statement before, of this period's.
ASKED = ("before", "now")
NO_ROADMAP = "дорожной карты нет ни в документах региона, ни среди присланного"

_TEXTS = ["direction", "group", "what", "responsible", "co_executor", "due", "expected_result"]
_HEADS = {
    "direction": "направление",
    "group": "системообразующее мероприятие",
    "what": "мера",
    "responsible": "ответственный",
    "co_executor": "соисполнитель",
    "due": "срок",
    "expected_result": "ожидаемый результат",
}
_COLUMNS = ["measure_id", *_TEXTS, "due_year", "is_yearly", "progress", "due_state", "done_on"]
_COLUMNS += ["result", "evidence", "indicators", "source", "note"]
_YEAR = re.compile(r"20\d\d")
_DATES = "datetime64[us]"


def roadmap_measures(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Every measure of the roadmap: of the documents, of what was sent, joined by its id.

    The words are those of the documents; what was sent fills what they leave empty. Where both say
    something else, the documents' words stand and `note` tells the others. Progress is that of the
    day of the edition: what was done later was running on it, and `note` says when it was done.

    Parameters
    ----------
    tables
        Canonical tables; without `roadmap` nothing is known of the progress.

    Returns
    -------
    DataFrame
        One row a measure in the order of the documents, then of ids: `measure_id`, `direction`,
        `group`, `what`, `responsible`, `co_executor`, `due`, `expected_result` (texts),
        `due_year`, `is_yearly`, `progress` (of `STATES`), `due_state` (of `DUE`), `done_on`,
        `result`, `evidence`, `indicators`, `source`, `note`.
    """
    documented = {entry.id: entry for entry in edition.system.roadmap}
    sent = _sent(tables)
    others = sorted(set(sent) - set(documented), key=_by_number)
    rows = [
        _row(code, documented.get(code), sent.get(code), edition) for code in [*documented, *others]
    ]
    table = pd.DataFrame(rows, columns=_COLUMNS).astype({"due_year": "Int64", "is_yearly": "bool"})
    return table.assign(done_on=pd.to_datetime(table["done_on"]).astype(_DATES))


def _sent(tables: Tables) -> dict[str, dict[str, Any]]:
    """Id of a measure → what was sent of it."""
    if "roadmap" not in tables:
        return {}
    rows = tables["roadmap"].rename(columns={"measure": "what"}).to_dict("records")
    return {
        row["measure_id"]: {key: None if pd.isna(cell) else cell for key, cell in row.items()}
        for row in rows
    }


def _by_number(code: str) -> tuple[Any, ...]:
    """Order of ids: «1.10» comes after «1.9»."""
    return tuple((int(part), "") if part.isdigit() else (10**9, part) for part in code.split("."))


def _row(code: str, entry: Any, sent: Mapping[str, Any] | None, edition: Edition) -> dict[str, Any]:
    told = {} if entry is None else {key: getattr(entry, key, None) for key in _TEXTS}
    if entry is not None:
        told["what"] = entry.measure
    given = sent or {}
    texts = {key: told.get(key) or given.get(key) for key in _TEXTS}
    other = [
        f"{_HEADS[key]} — «{given[key]}»"
        for key in _TEXTS
        if told.get(key) and given.get(key) and _plain(told[key]) != _plain(given[key])
    ]
    progress = given.get("status") or "no_data"
    year, is_yearly = due_year(texts["due"])
    done_on, note = given.get("done_on"), f"прислано иначе: {'; '.join(other)}" if other else None
    if progress == "done" and done_on and done_on > pd.Timestamp(edition.as_of):
        note = both(note, f"выполнено {done_on:%d.%m.%Y}, позже даты данных")
        progress, done_on = "running", None
    return {
        "measure_id": code,
        **texts,
        "due_year": year,
        "is_yearly": is_yearly,
        "progress": progress,
        "due_state": _due_state(year, is_yearly, progress, edition),
        "done_on": done_on,
        **{key: given.get(key) for key in ("result", "evidence")},
        "indicators": "; ".join(_indicator_names(entry, edition)) or None,
        "source": _source(entry, edition),
        "note": note,
    }


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(".")


def due_year(text: str | None) -> tuple[int | None, bool]:
    """Last year that a due names, and whether it is every year."""
    years = [int(year) for year in _YEAR.findall(text or "")]
    is_yearly = EVERY_YEAR in (text or "").casefold()
    return (max(years) if years else None), is_yearly


def _due_state(year: int | None, is_yearly: bool, progress: str, edition: Edition) -> str:
    """A yearly measure without a last year is never overdue: no document says when it ends."""
    if progress == "done":
        return "done"
    if year is None:
        return "every_year" if is_yearly else "undated"
    if pd.Timestamp(edition.as_of) <= pd.Timestamp(year=year, month=12, day=31):
        return "not_due"
    return "unknown" if progress == "no_data" else "overdue"


def _indicator_names(entry: Any, edition: Edition) -> list[str]:
    names = {indicator.id: indicator.name for indicator in edition.region.indicators}
    return [names[code] for code in entry.indicators] if entry is not None else []


def _source(entry: Any, edition: Edition) -> str:
    if entry is None:
        return "прислано; в документах такой меры нет"
    return f"{edition.region.document(entry.document).short}, {entry.section}"


def roadmap_progress(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Count the measures of the roadmap by direction, by progress and by how their due stands.

    Returns
    -------
    DataFrame
        Measure table with keys `direction` (text, ``"total"`` first), `progress` (of `STATES`) and
        `due_state` (of `DUE`), the last two not crossed: `roadmap_measures`, `n` all measures of
        the direction. «Ход меры не сообщён» is counted as such, never as not done.
    """
    keys, name = ["direction", "progress", "due_state"], "roadmap_measures"
    listed = roadmap_measures(tables, edition)
    if listed.empty:
        return measured([unknown([name], keys, NO_ROADMAP)], keys)
    directions = list(dict.fromkeys(listed["direction"].dropna()))
    frames = []
    for key, codes, other in (
        ("progress", STATES, "due_state"),
        ("due_state", DUE, "progress"),
    ):
        cut = {"direction": directions, key: codes}
        frames.append(tallied(listed, cut, unit="measure_id").assign(**{other: "total"}))
    table = pd.concat(frames, ignore_index=True).drop_duplicates(keys, ignore_index=True)
    whole = table[table["progress"].eq("total") & table["due_state"].eq("total")]
    size = table["direction"].map(whole.set_index("direction")["n"])
    gap = missing_table("roadmap") if "roadmap" not in tables else None
    silent = table["progress"].eq("no_data") & table["n"].gt(0)
    note = pd.Series(None, table.index, dtype="object").mask(silent, gap)
    return measured(
        [counts(table.assign(counted=table["n"], n=size, note=note), name, "counted")], keys
    )


# --- recommendations ----------------------------------------------------------------------------


def recommendations_listed(tables: Tables, edition: Edition) -> pd.DataFrame:
    """List the recommendations that were sent, with what became of each.

    Returns
    -------
    DataFrame
        `recommendation_id`, `addressee` (of `ADDRESSEES`), `municipality`, `text`, `from_period`,
        `asked` (of `ASKED`, `UNSTATED` where the statement is not named), `due_on`, `progress`,
        `done_on`, `is_overdue` (the due was before the day of the edition and it is not done);
        by addressee and municipality in their order. What was done after the day of the edition
        was running on it. No rows where the table was not sent.
    """
    columns = ["recommendation_id", "addressee", "municipality", "text", "from_period", "asked"]
    columns += ["due_on", "progress", "done_on", "is_overdue"]
    if "recommendations" not in tables:
        return pd.DataFrame(columns=columns)
    table = tables["recommendations"].rename(columns={"status": "progress"})
    day = pd.Timestamp(edition.as_of)
    progress = status_on(table["progress"], table["done_on"], day, over=["done"])
    table = table.assign(progress=progress, done_on=table["done_on"].mask(table["done_on"] > day))
    now = table["from_period"].eq(edition.period.text)
    asked = np.select([table["from_period"].isna(), now], [UNSTATED, "now"], "before")
    late = table["due_on"].lt(day) & table["progress"].ne("done")
    order = {code: at for at, code in enumerate([*ADDRESSEES, *edition.region.municipality_names])}
    table = table.assign(asked=asked, is_overdue=late)
    table = table.sort_values(
        ["addressee", "municipality", "recommendation_id"],
        key=lambda c: c if c.name == "recommendation_id" else c.map(order),
        na_position="first",
        kind="stable",
        ignore_index=True,
    )
    return table[columns]


def recommendations_summary(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Count recommendations by whether they are of the last time, by addressee and by progress.

    Returns
    -------
    DataFrame
        Measure table with keys `asked` (of `ASKED` or `UNSTATED`), `addressee` and `progress`, the
        last two with ``"total"``: `recommendations`, and of all progress `recommendations_overdue`;
        `n` all recommendations of the cell's `asked` and `addressee`. Those of different times are
        never added up.
    """
    keys, names = ["asked", "addressee", "progress"], ["recommendations", "recommendations_overdue"]
    if "recommendations" not in tables:
        gap = unknown(names, keys, missing_table("recommendations")).assign(asked="before")
        return measured([gap], keys)
    listed, frames = recommendations_listed(tables, edition), []
    for asked in (*ASKED, UNSTATED):
        mine = listed[listed["asked"] == asked]
        if mine.empty and asked != "before":
            continue
        cut = {"addressee": ADDRESSEES, "progress": PROGRESS}
        table = tallied(mine, cut, unit="recommendation_id", flags=["is_overdue"])
        table = table.assign(asked=asked, counted=table["n"])
        table["n"] = table.groupby("addressee")["n"].transform("first")
        frames.append(counts(table, names[0], "counted"))
        whole = table[table["progress"] == "total"]
        frames.append(counts(whole, names[1], "is_overdue"))
    return measured(frames, keys)
