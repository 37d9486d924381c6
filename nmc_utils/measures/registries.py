"""Registers, agreements and acts: what is in force on the day of the edition.

Counts of a resource, open to everybody. What the documents say stands beside what was sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.measures.document_checks import act_number, shared_numbers
from nmc_utils.measures.periods import is_current
from nmc_utils.measures.reporting import missing_table
from nmc_utils.measures.tallies import as_reported, counts, measured, tallied, unknown
from nmc_utils.system import Act, System
from nmc_utils.terms import AGREEMENT_KINDS, REGISTRY_KINDS, TOTAL

Tables = Mapping[str, pd.DataFrame]

NO_ENTRIES = "записей этого реестра не прислано"
NO_SINCE = "даты внесения в реестр не указаны"
NO_KIND = "таких соглашений не прислано"

# --- registers ----------------------------------------------------------------------------------


def registers_summary(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Entries of each register on the day of the edition, and those of the period.

    Parameters
    ----------
    tables
        Canonical tables with `registries`; an entry without a municipality has that of its
        organisation where `organizations` name it.

    Returns
    -------
    DataFrame
        Measure table with keys `kind` (of `REGISTRY_KINDS`; registers are never added up) and
        `municipality`: `registry_entries` in force, `registry_new` entered within the period; `n`
        all entries that were sent. A register of which nothing was sent is «no_data», not 0.
    """
    keys, names = ["kind", "municipality"], ["registry_entries", "registry_new"]
    if "registries" not in tables:
        gap = missing_table("registries")
        rows = [unknown(names, keys, gap).assign(kind=kind) for kind in REGISTRY_KINDS]
        return measured(rows, keys)
    entries, places = _entries(tables, edition), edition.region.municipality_names
    frames = []
    for kind in REGISTRY_KINDS:
        mine = entries[entries["kind"] == kind]
        if mine.empty:
            frames.append(unknown(names, keys, NO_ENTRIES).assign(kind=kind))
            continue
        flags = ["is_now", "is_new"]
        table = tallied(mine, {"municipality": places}, unit="entry_id", flags=flags)
        table = table.assign(kind=kind)
        frames.append(counts(table, names[0], "is_now"))
        if mine["since_on"].notna().any():
            frames.append(counts(table, names[1], "is_new"))
        else:
            frames.append(unknown(names[1:], keys, NO_SINCE).assign(kind=kind))
    return as_reported(measured(frames, keys), tables, "registries", edition.region)


def _entries(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Entries with `municipality` filled from the organisation, `is_now` and `is_new`."""
    entries = tables["registries"]
    if "organizations" in tables:
        of = tables["organizations"].set_index("organization_id")["municipality"]
        filled = entries["municipality"].fillna(entries["organization_id"].map(of))
        entries = entries.assign(municipality=filled)
    begins, ends = _period(edition)
    return entries.assign(
        is_now=is_current(entries.rename(columns={"since_on": "from_on"}), edition.as_of),
        is_new=entries["since_on"].between(begins, ends),
    )


def _period(edition: Edition) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First day of the period, and its last one or the day of the edition if that is earlier."""
    begins, ends = pd.Timestamp(edition.period.starts_on), pd.Timestamp(edition.period.ends_on)
    return begins, min(ends, pd.Timestamp(edition.as_of))


# --- agreements ---------------------------------------------------------------------------------


def agreements_by_municipality(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Agreements in force on the day of the edition, by kind; by municipality the tripartite ones.

    Parameters
    ----------
    tables
        Canonical tables with `agreements`.

    Returns
    -------
    DataFrame
        Measure table with keys `kind` and `municipality`. `agreements` in force and
        `agreements_ended`, by the day of the edition; `agreement_municipalities`, how many
        municipalities have one in force, `n` of how many; `agreements_documented`, how many the
        documents name, with `source`, document and section. A municipality without an agreement is
        0; nothing sent of a kind is «no_data».
    """
    keys = ["kind", "municipality"]
    frames = [_sent_agreements(tables, edition, kind) for kind in AGREEMENT_KINDS]
    frames += [_documented(edition, kind) for kind in AGREEMENT_KINDS]
    table = pd.concat(frames, ignore_index=True).reindex(columns=[*frames[0], "source"])
    table = measured([table], keys, "source")
    return as_reported(table, tables, "agreements", edition.region)


def _sent_agreements(tables: Tables, edition: Edition, kind: str) -> pd.DataFrame:
    keys, names = ["kind", "municipality"], ["agreements", "agreements_ended"]
    all_names = [*names, "agreement_municipalities"] if kind == "tripartite" else names
    if "agreements" not in tables:
        gap = missing_table("agreements")
        return unknown(all_names, keys, gap).assign(kind=kind)
    mine = tables["agreements"].query("kind == @kind")
    if mine.empty:
        return unknown(all_names, keys, NO_KIND).assign(kind=kind)
    places = edition.region.municipality_names
    dates = mine.rename(columns={"signed_on": "from_on", "ends_on": "to_on"})
    mine = mine.assign(
        is_now=is_current(dates, edition.as_of),
        is_ended=mine["ends_on"] < pd.Timestamp(edition.as_of),
    )
    flags = ["is_now", "is_ended"]
    table = tallied(mine, {"municipality": places}, unit="agreement_id", flags=flags)
    table = table.assign(kind=kind)
    if kind != "tripartite":
        table = table.iloc[:1]
    frames = [counts(table, name, flag) for name, flag in zip(names, flags, strict=True)]
    if kind == "tripartite":
        having = int(table.loc[table["municipality"].isin(places), "is_now"].gt(0).sum())
        whole = table.iloc[:1].assign(having=having, n=len(places))
        frames.append(counts(whole, "agreement_municipalities", "having"))
    return pd.concat(frames, ignore_index=True)


def _documented(edition: Edition, kind: str) -> pd.DataFrame:
    """How many agreements of a kind the documents name, each source beside the number."""
    named = [entry for entry in edition.system.agreements if entry.kind == kind]
    name, keys = "agreements_documented", ["kind", "municipality"]
    if not named:
        gap = "документы таких соглашений не называют"
        return unknown([name], keys, gap).assign(kind=kind)
    where = dict.fromkeys(_where(edition, e.document, e.section) for e in named)
    unnumbered = sum(entry.count is None for entry in named)
    known = [entry.count for entry in named if entry.count is not None]
    if not known:
        gap = "сколько их, документы не говорят"
        return unknown([name], keys, gap).assign(kind=kind, source="; ".join(where))
    note = f"ещё у {unnumbered} записей документов числа нет" if unnumbered else None
    row = {"kind": kind, "municipality": TOTAL, "count": sum(known), "n": len(named)}
    table = pd.DataFrame([row | {"source": "; ".join(where), "note": note}])
    return counts(table, name, "count")


def _where(edition: Edition, document: str, section: str) -> str:
    return f"{edition.region.document(document).short}, {section}"


# --- acts ---------------------------------------------------------------------------------------

_COLUMNS = ["act", "title", "numbers", "dated", "replaces", "replaced_by", "ends_on"]
_COLUMNS += ["is_current", "is_sent", "is_disputed", "source", "address", "note"]


def acts_listed(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Acts that the documents name beside those that were sent, oldest first.

    A sent act is one of the documents where it has one of its numbers and no other date.

    Parameters
    ----------
    tables
        Canonical tables; without `acts` the list has those of the documents alone.

    Returns
    -------
    DataFrame
        `act` (id of the documents, else the number), `title`, `numbers` (text), `dated`,
        `replaces` and `replaced_by` (titles), `ends_on`, `is_current` on the day of the edition
        (a replaced act is not; missing where nobody dates it), `is_sent`, `is_disputed` (one act
        under several numbers, or one number with different dates or titles), `source`, `address`,
        `note`.
    """
    system, sent = edition.system, _sent_acts(tables)
    matched = {place: _documented_act(row, system) for place, row in enumerate(sent)}
    rows = [
        _act_row(act, [sent[place] for place, found in matched.items() if found is act], edition)
        for act in system.acts
    ]
    rows += [_sent_row(sent[place]) for place, found in matched.items() if found is None]
    table = pd.DataFrame(rows, columns=[*_COLUMNS, "replaces_key"])
    if table.empty:
        return table[_COLUMNS]
    table["dated"] = pd.to_datetime(table["dated"]).astype("datetime64[us]")
    table["ends_on"] = pd.to_datetime(table["ends_on"]).astype("datetime64[us]")
    table = _replaced(table).sort_values(["dated", "act"], kind="stable", ignore_index=True)
    table = _disputed(table)
    day = pd.Timestamp(edition.as_of)
    ended = table["replaced_by"].notna() | table["ends_on"].lt(day) | table["dated"].gt(day)
    current = (~ended).astype("boolean").mask(table["dated"].isna() & ~ended)
    return table.assign(is_current=current)[_COLUMNS]


def _sent_acts(tables: Tables) -> list[dict[str, Any]]:
    if "acts" not in tables:
        return []
    rows = tables["acts"].sort_values(["act_id", "issued_on"], kind="stable")
    return [{key: _given(value) for key, value in row.items()} for row in rows.to_dict("records")]


def _given(value: Any) -> Any:
    return None if pd.isna(value) else value


def _documented_act(row: Mapping[str, Any], system: System) -> Act | None:
    """The act of the documents that a sent one is; numbers of protocols repeat, dates tell."""
    found = [
        act
        for act in system.acts
        if act_number(row["act_id"]) in {act_number(text) for text in (*act.numbers, act.id)}
        and (row["issued_on"] is None or act.dated is None or _same_day(row, act))
    ]
    return found[0] if len(found) == 1 else None


def _same_day(row: Mapping[str, Any], act: Act) -> bool:
    return pd.Timestamp(row["issued_on"]) == pd.Timestamp(act.dated)


def _act_row(act: Act, sent: list[dict[str, Any]], edition: Edition) -> dict[str, Any]:
    numbers = dict.fromkeys([*act.numbers, *(row["act_id"] for row in sent)])
    numbers = {act_number(text): text for text in numbers if act_number(text) != act_number(act.id)}
    notes = [act.note] if act.note else []
    if len(numbers) > 1:
        notes.insert(0, "один акт назван под несколькими номерами")
    return {
        "act": act.id,
        "title": act.title,
        "numbers": "; ".join(numbers.values()) or None,
        "dated": act.dated or next((row["issued_on"] for row in sent), None),
        "replaces_key": act.replaces or next((row["replaces"] for row in sent), None),
        "ends_on": next((row["ends_on"] for row in sent if row["ends_on"]), None),
        "is_sent": bool(sent),
        "is_disputed": len(numbers) > 1,
        "source": _where(edition, act.document, act.section),
        "address": act.address,
        "note": ". ".join(text.rstrip(".") for text in notes) or None,
    }


def _sent_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "act": row["act_id"],
        "title": row["title"],
        "numbers": row["act_id"],
        "dated": row["issued_on"],
        "replaces_key": row["replaces"],
        "ends_on": row["ends_on"],
        "is_sent": True,
        "is_disputed": False,
        "source": "прислано; документы такого акта не называют",
    }


def _replaced(table: pd.DataFrame) -> pd.DataFrame:
    """Fill `replaces` and `replaced_by` with titles; an unknown key stays as it was written."""
    titles = dict(zip(table["act"], table["title"], strict=True))
    by_number = {
        act_number(text): act
        for act, numbers in zip(table["act"], table["numbers"].fillna(""), strict=True)
        for text in [act, *filter(None, numbers.split("; "))]
    }
    keys = [None if pd.isna(key) else key for key in table["replaces_key"]]
    acts = [None if key is None else by_number.get(act_number(key)) for key in keys]
    successors = {old: new for old, new in zip(acts, table["title"], strict=True) if old}
    replaced = [titles.get(act, key) for act, key in zip(acts, keys, strict=True)]
    return table.assign(
        replaces=pd.Series(replaced, table.index, dtype="object"),
        replaced_by=table["act"].map(successors).astype("object"),
    )


def _disputed(table: pd.DataFrame) -> pd.DataFrame:
    """Flag acts whose number another act has too."""
    numbers = {str(row): text.split("; ") for row, text in table["numbers"].fillna("").items()}
    shared = {row for same in shared_numbers(numbers).values() for row in same}
    rows = table.index.astype(str).isin(shared)
    told = "этот номер носят и другие акты списка"
    notes = [_joined([told, note]) for note in table["note"]]
    return table.assign(
        is_disputed=table["is_disputed"] | rows,
        note=table["note"].astype("object").mask(rows, pd.Series(notes, table.index)),
    )


def _joined(parts: Iterable[Any]) -> str:
    return ". ".join(part for part in parts if isinstance(part, str))
