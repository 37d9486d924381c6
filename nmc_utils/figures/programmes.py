"""Programmes: the federal register by year, who finished them by base."""

from __future__ import annotations

from dataclasses import replace

import holoviews as hv
import pandas as pd

from nmc_utils import theme, wording
from nmc_utils.figures.bars import bar_rows
from nmc_utils.figures.marks import SHARES, Mark, mark_plot, placed
from nmc_utils.figures.rows import sentence, share, why_empty
from nmc_utils.findings.programmes import BY_CHANCE
from nmc_utils.findings.sentences import capital, grounds, row_of, rows_of
from nmc_utils.terms import CHOICES, PROGRAMME_BASES, TOTAL

_MARKS = {"published": "опубликовано", "recorded": "по записям"}
_SCALE = replace(SHARES, label="% программ, направленных на экспертизу")


def registry_by_year(programmes_by_year: pd.DataFrame) -> hv.Overlay:
    """Share of the programmes sent to expertise that are in the federal register, by year.

    Published facts and records stand beside each other.
    """
    subtitle = "Доля программ в Федеральном реестре по году экспертизы, с интервалом 95 %"
    rows = rows_of(programmes_by_year, measure="programmes_registry_share")
    known = rows[rows["status"] == "ok"]
    if known.empty:
        return theme.reason(why_empty(rows), "Программы в Федеральном реестре", subtitle)
    years = sorted(year for year in known["year"].unique() if year != TOTAL)
    years.sort(key=len)  # spans of years below the years
    names = {year: year.replace("-", "–") for year in years} | {TOTAL: "Все годы записей"}
    parts = {words: rows_of(known, basis=basis) for basis, words in _MARKS.items()}
    parts = {words: part for words, part in parts.items() if len(part)}
    kinds = {"опубликовано": ("open", theme.CONTRAST), "по записям": ("dot", theme.ACCENT)}
    marks = [Mark(words, *kinds[words]) for words in parts]
    return mark_plot(
        placed(parts, "year", names, scale=_SCALE),
        marks,
        scale=_SCALE,
        title=_registry_title(known),
        subtitle=subtitle,
        write=share,
    )


def _registry_title(known: pd.DataFrame) -> str:
    """The largest total, else the last year, of a basis; and that years may differ by chance."""
    basis = "published" if known["basis"].eq("published").any() else "recorded"
    mine = rows_of(known, basis=basis)
    wholes = mine[~mine["year"].str.fullmatch(r"20\d\d")].sort_values("n")
    row = (wholes if len(wholes) else mine.sort_values("year")).iloc[-1].to_dict()
    span = "" if row["year"] == TOTAL else f" за {row['year'].replace('-', '–')}"
    listed = wording.number(round(row["estimate"] * row["n"]))
    text = f"В реестре{span} — {listed} из {wording.number(row['n'])} программ ({_MARKS[basis]})"
    years = known[known["year"].str.fullmatch(r"20\d\d") & known["basis"].eq(basis)]
    meet = len(years) > 1 and years["ci_low"].max() <= years["ci_high"].min()
    return f"{text}; {BY_CHANCE}" if meet else text


def completions_by_base(completions_summary: pd.DataFrame, *, choice: str = "any") -> hv.Overlay:
    """People who finished a programme in the period, by the base of the programme.

    The first row is everybody, once; a person may be in several of the others.
    """
    subtitle = (
        f"Окончили за период, {CHOICES[choice]}: по месту программы; человек мог окончить "
        "программы нескольких мест"
    )
    rows = rows_of(completions_summary, measure="completions_persons", choice=choice)
    rows = rows_of(rows, position=TOTAL, municipality=TOTAL)
    names = {TOTAL: "Все, каждый один раз"}
    names |= {code: capital(name) for code, name in PROGRAMME_BASES.items()}
    rows = rows[rows["base"].isin(list(names)) & rows["status"].eq("ok")].set_index("base")
    if rows.empty or not rows["estimate"].sum():
        return theme.reason(
            why_empty(rows_of(completions_summary, choice=choice)), "Окончили программы", subtitle
        )
    rows = rows.loc[[code for code in names if code in rows.index]]
    bars = pd.DataFrame(
        {
            "y": [-float(place) for place in range(len(rows))],
            "x": rows["estimate"].to_numpy(float),
            "name": [names[code] for code in rows.index],
            "text": [wording.number(n) for n in rows["estimate"]],
            "hint": [sentence(row) for row in rows.to_dict("records")],
        }
    )
    title = f"За период программы окончили {wording.persons(rows.loc[TOTAL, 'estimate'])}"
    of_staff = rows_of(completions_summary, measure="completions_share", choice=choice)
    staff = row_of(of_staff, base=TOTAL, position=TOTAL, municipality=TOTAL)
    if staff["status"] == "ok":
        title += f" — {wording.percent(staff['estimate'], 1)} работников{grounds(staff, 1)}"
    return bar_rows(bars, title=title, subtitle=subtitle, xlabel="чел.", width=52)
