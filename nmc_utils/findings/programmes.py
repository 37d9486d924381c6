"""Programmes, their way to the federal register, who finished them, and sites, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.sentences import Sentence, grounds, in_brackets, missing, row_of, rows_of
from nmc_utils.measures.programmes import compared_years
from nmc_utils.terms import CHOICES, PROGRAMME_BASES, SITE_KINDS, TOTAL, UNSTATED

_BASES = {"recorded": "По записям", "published": "По опубликованным данным"}
BY_CHANCE = "разница лет может быть случайной"
DIFFERENT = 0.05  #: adjusted p of a pair of years that is told to differ


def registry_share(by_year: pd.DataFrame, *, basis: str) -> Sentence:
    """Say which part of the programmes sent to expertise is in the register, year by year."""
    rows = rows_of(by_year, measure="programmes_registry_share", basis=basis)
    known = rows[rows["status"] == "ok"]
    if known.empty:
        why = missing(rows.iloc[0]) if len(rows) else "нет данных"
        return Sentence(f"{_BASES[basis]} о реестре программ: {why}.")
    years = known[known["year"].str.fullmatch(r"20\d\d")]
    whole = known[~known["year"].isin(years["year"])].sort_values("n").tail(1)
    parts = [
        f"{row['year']} — {_of(row)}: {wording.percent(row['estimate'])}{grounds(row)}"
        for row in years.to_dict("records")
    ]
    if len(whole):
        row = whole.iloc[0].to_dict()
        span = "всего" if row["year"] == TOTAL else f"за {row['year'].replace('-', '–')}"
        told = f"{span} — {_of(row)}: {wording.percent(row['estimate'])}{grounds(row)}"
        parts.append(f"{told}{in_brackets(row)}")
    text = f"{_BASES[basis]} в Федеральном реестре из направленных на экспертизу: "
    return Sentence(f"{text}{'; '.join(parts)}{_compared(years)}.")


def _of(row: Mapping[str, Any]) -> str:
    listed = round(row["estimate"] * row["n"])
    return f"{wording.number(listed)} из {wording.number(row['n'])}"


def _compared(years: pd.DataFrame) -> str:
    """What the years say of each other: of many pairs some differ by chance, `p` allows for it."""
    pairs = compared_years(years)
    if pairs.empty:
        return ""
    apart = pairs[pairs["p"] <= DIFFERENT]
    if apart.empty:
        return f"; {BY_CHANCE}"
    told = "; ".join(
        f"{row['year']} и {row['other_year']} различаются на {_points(row)}"
        for row in apart.to_dict("records")
    )
    rest = f", у остальных пар {BY_CHANCE}" if len(apart) < len(pairs) else ""
    return f"; {told}{rest}"


def _points(row: Mapping[str, Any]) -> str:
    change = f"{wording.signed(row['difference'])}{wording.NO_BREAK_SPACE}п.п."
    return f"{change} ({wording.points_interval(row['ci_low'], row['ci_high'])})"


def programme_bases(topics: pd.DataFrame) -> Sentence:
    """Say how many programmes there are, on which bases, and how many are in the register."""
    rows = rows_of(topics, topic=TOTAL)
    whole = row_of(rows, measure="programmes", base=TOTAL)
    if whole["status"] != "ok":
        return Sentence(f"Программы: {missing(whole)}.")
    listed = row_of(rows, measure="programmes_listed", base=TOTAL)
    counts = rows_of(rows, measure="programmes").set_index("base")["estimate"]
    parts = [
        f"{name} — {wording.number(counts[code])}"
        for code, name in PROGRAMME_BASES.items()
        if counts.get(code, 0)
    ]
    count = wording.plural(int(whole["estimate"]), "программа", "программы", "программ")
    told = f": {', '.join(parts)}" if parts else ""
    return Sentence(
        f"В записях {count}{told}; в Федеральном реестре — {wording.number(listed['estimate'])}."
    )


def programme_rows(topics: pd.DataFrame) -> pd.DataFrame:
    """Bases, then topics, that have any programme, each a row.

    Returns
    -------
    DataFrame
        `name` in words, `programmes`, `programmes_listed` (in the federal register) and
        `programme_hours` (median, missing where no length is known).
    """
    keys = ["base", "topic"]
    wide = topics.pivot(index=keys, columns="measure", values="estimate").reset_index()
    wide = wide[wide["programmes"].gt(0)]
    order = {code: place for place, code in enumerate([TOTAL, *PROGRAMME_BASES])}
    wide = wide.assign(place=wide["base"].map(order), later=wide["topic"].ne(TOTAL))
    wide = wide.sort_values(["later", "place", "topic"], kind="stable")
    names = wide["base"].map(PROGRAMME_BASES).fillna("Все программы")
    topic = wide["topic"].replace({UNSTATED: "не указана"})
    wide["name"] = names.mask(wide["later"], "тема: " + topic)
    return wide[["name", *_PROGRAMME_MEASURES]].reset_index(drop=True)


_PROGRAMME_MEASURES = ["programmes", "programmes_listed", "programme_hours"]


def completions(table: pd.DataFrame, *, municipality: str = TOTAL) -> Sentence:
    """Say how many people finished a programme, of the staff, and which were chosen how."""
    rows = rows_of(table, municipality=municipality, base=TOTAL, position=TOTAL)
    people = row_of(rows, measure="completions_persons", choice="any")
    if people["status"] != "ok":
        return Sentence(f"Окончили программы: {missing(people)}.")
    parts = []
    for choice, words in CHOICES.items():
        number = row_of(rows, measure="completions_persons", choice=choice)
        share = row_of(rows, measure="completions_share", choice=choice)
        if number["status"] != "ok":
            parts.append(f"{words} — {missing(number)}")
            continue
        told = f"{words} — {wording.persons(number['estimate'])}"
        if share["status"] == "ok":
            told += f", {wording.percent(share['estimate'], 1)} работников{grounds(share, 1)}"
        parts.append(told)
    text = f"Окончили за период, каждый посчитан один раз: {'; '.join(parts)}{in_brackets(people)}"
    return Sentence(f"{text}.")


def sites(table: pd.DataFrame, *, municipality: str = TOTAL) -> Sentence:
    """Say how many internship and innovation sites there are, by mark and by register."""
    rows, parts = rows_of(table, municipality=municipality), []
    for kind, words in SITE_KINDS.items():
        marked = row_of(rows, kind=kind, recorded_in="organizations")
        listed = row_of(rows, kind=kind, recorded_in="registries")
        numbers = [
            wording.number(row["estimate"]) if row["status"] == "ok" else missing(row)
            for row in (marked, listed)
        ]
        parts.append(f"{words} — {numbers[0]} по отметкам организаций, {numbers[1]} по реестру")
    return Sentence(f"Площадки на дату данных: {'; '.join(parts)}.")
