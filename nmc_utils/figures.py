"""Measure table → HoloViews: the figures of notebooks, documents and the app.

A figure is the same call on both backends: `use("matplotlib")` draws a static picture,
`use("bokeh")` the one of the app. Its title is its finding and is kept in the label of the
returned object: `heading` gives it back for a page that writes it outside the picture.

Frames are measure tables: shares are 0–1, a missing estimate has a status that says why.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import holoviews as hv
import numpy as np
import pandas as pd

from nmc_utils import findings, theme, wording
from nmc_utils.measures.dictionary import STATUSES
from nmc_utils.regions import Level, Region
from nmc_utils.terms import TOTAL
from nmc_utils.theme import Column, Frame, Heading, heading, use

__all__ = [
    "COLLECTING",
    "Heading",
    "collection_matrix",
    "coverage_by_municipality",
    "group_labels",
    "group_sizes",
    "group_topics",
    "heading",
    "indicator_attainment",
    "level_colours",
    "level_shares_by_domain",
    "level_shares_by_municipality",
    "level_shares_heat",
    "rows_in_words",
    "score_histogram",
    "sentence",
    "share",
    "use",
]

SMALL = 10  #: below this many persons a cell of a heat map is muted
NOT_COMPARED = "трудность блоков не сопоставлялась"
NOT_SAMPLED = "отбор не случайный, на всех педагогов региона не распространяется"
_WAVES = {"entry": "входную", "exit": "выходную"}
_GROUPS = ("группа", "группы", "групп")
_NB = wording.NO_BREAK_SPACE


# --- numbers in words ---------------------------------------------------------------------------


def share(value: float) -> str:
    """Write a share in whole per cents, never rounding to 0 or 100 what is neither."""
    near_edge = 0 < value < 0.01 or 0.99 < value < 1
    return wording.percent(value, 1 if near_edge else 0)


def sentence(row: Mapping[str, Any]) -> str:
    """Write «58,3 % (55,5–61,0 %), n = 1 200», or why there is no estimate."""
    if row["status"] != "ok":
        return wording.with_note(row)
    bounds = wording.interval(row)
    interval = "" if bounds == "—" else f" ({bounds})"
    size = "n не указано" if pd.isna(row["n"]) else wording.size(row["n"])
    note = row.get("note")  # of how many municipalities a total is
    part = f"; {note}" if isinstance(note, str) else ""
    return f"{wording.estimate(row)}{interval}, {size}{part}"


def _level(region: Region, code: str | None) -> Level:
    """The level of this code, the lowest when None."""
    levels = {entry.code: entry for entry in region.diagnostics.levels}
    if code is not None and code not in levels:
        raise ValueError(f"level «{code}»; allowed: {', '.join(levels)}")
    return levels[code] if code else region.diagnostics.lowest


# --- rows ---------------------------------------------------------------------------------------


def _chosen(table: pd.DataFrame, measure: str, **where: str) -> pd.DataFrame:
    """Rows of one measure and of one procedure: people of several are never added up."""
    rows = table[table["measure"] == measure]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    if "procedure" in rows and rows["procedure"].nunique() > 1:
        given = ", ".join(sorted(rows["procedure"].unique()))
        raise ValueError(f"a figure shows one procedure; the frame has {given}")
    return rows


def _ordered(table: pd.DataFrame, key: str, names: Mapping[str, str]) -> pd.DataFrame:
    """Rows in the order of `names`, with `code`, `name`, per cents `x`, `low`, `high`, `hint`."""
    order = {code: place for place, code in enumerate(names)}
    rows = table[table[key].isin(order)].assign(code=lambda t: t[key])
    rows = rows.assign(place=rows[key].map(order)).sort_values("place", ignore_index=True)
    return rows.assign(
        name=rows[key].map(names),
        x=100 * rows["estimate"].astype(float),
        low=100 * rows["ci_low"].astype(float),
        high=100 * rows["ci_high"].astype(float),
        y=-rows["place"].astype(float),
        hint=[
            sentence(row) if row["status"] == "ok" else STATUSES[row["status"]]
            for row in rows.to_dict("records")
        ],
    )


def _lacking(rows: pd.DataFrame) -> str:
    """Why rows of a figure are without a number; said once, where there is room for it."""
    told = [wording.with_note(row) for row in rows[rows["status"] != "ok"].to_dict("records")]
    return "".join(f"; {text}" for text in dict.fromkeys(told))


def _why_empty(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "Нет данных: таких строк нет в этом издании"
    reasons = sorted({wording.with_note(row) for row in rows.to_dict("records")})
    return f"Показать нечего: {'; '.join(reasons)}"


def _values_and_sizes(rows: pd.DataFrame) -> tuple[Column, Column]:
    rows = rows[rows["status"] == "ok"]
    write = share if rows["x"].max() > 20 else lambda value: wording.percent(value, 1)
    values = [(y, write(x / 100)) for x, y in zip(rows["x"], rows["y"], strict=True)]
    sizes = [(y, wording.size(n)) for n, y in zip(rows["n"], rows["y"], strict=True)]
    return theme.column(values, 50, theme.INK, True), theme.column(sizes, 72, theme.MUTED, False)


# --- diagnostics --------------------------------------------------------------------------------


def score_histogram(
    histogram: pd.DataFrame,
    region: Region,
    *,
    title: str | None = None,
    wave: str = "entry",
    domain: str | None = None,
) -> hv.Overlay:
    """Share of the tested by per cent of the maximum, with the region's cuts as lines.

    Parameters
    ----------
    histogram
        The `score_histogram` table; bins are shares of the maximum. The bars of the lowest level
        carry the accent.
    title
        The finding, with n and interval; without it the share at or below the lowest cut and n.
    domain
        The document's result by default.
    """
    domain = domain or region.diagnostics.result_domain
    tested = f"прошедших {_WAVES[wave]} диагностику"
    subtitle = f"Доля {tested} по результату, % максимального балла"
    if region.diagnostics.document is None:
        subtitle += f"; {region.cut_source}"
    bins = _chosen(histogram, "score_bin_share", wave=wave, domain=domain)
    known = bins[bins["status"] == "ok"].sort_values("bin_low")
    if known.empty:
        return theme.reason(_why_empty(bins), title or "Распределение результатов", subtitle)
    cuts = list(region.diagnostics.cuts.values())
    bars = _bars(known, cuts)
    below = known.loc[known["bin_high"] <= cuts[0] + 1e-6, "estimate"].sum()
    size = wording.size(known.iloc[0]["n"])
    lowest = wording.percent(cuts[0])
    title = title or f"Не выше порога {lowest} — {share(below)} {tested}, {size}"
    top = 1.18 * bars["y1"].max()
    at = [100 * cut for cut in cuts[:-1]]
    ends = pd.DataFrame({"x0": at, "y0": 0.0, "x1": at, "y1": top})
    words = [wording.percent(cut) for cut in cuts[:-1]]
    words[0] = f"порог {words[0]}"  # once: labels that repeat it would meet on a phone
    labels = pd.DataFrame({"x": [x - 0.8 for x in at], "y": top, "text": words})
    layers = [
        theme.boxes(bars),
        theme.lines(ends, theme.CONTRAST, 2),
        theme.texts(labels, theme.CONTRAST, align="right", base="top", size=13, bold=True),
    ]
    frame = Frame(
        (0, 100),
        (0, top),
        xticks=theme.ticks(100),
        yticks=theme.ticks(top / 1.18),
        xlabel="результат, % максимального балла",
        ylabel="% прошедших",
        grid="y",
    )
    return theme.compose(layers, frame, title, subtitle)


def level_colours(count: int) -> list[str]:
    """Colours of so many levels from the lowest: it has the accent, and none is green."""
    between = [theme.sequential(share)[0] for share in np.linspace(0.75, 0.1, count)[1:-1]]
    return [theme.ACCENT, *between, theme.FAINT]


def _bars(bins: pd.DataFrame, cuts: list[float]) -> pd.DataFrame:
    """Bars with the colour of their level: the accent for the lowest, pale for the highest."""
    level = np.searchsorted(np.array(cuts) + 1e-6, bins["bin_high"])
    fills = level_colours(len(cuts))
    bars = pd.DataFrame(
        {
            "x0": 100 * bins["bin_low"],
            "x1": 100 * bins["bin_high"],
            "y0": 0.0,
            "y1": 100 * bins["estimate"],
            "fill": [fills[at] for at in level],
            "hint": [sentence(row) for row in bins.to_dict("records")],
        }
    )
    edges = [[_edge(value) for value in bars[side]] for side in ("x0", "x1")]
    return bars.assign(
        name=[f"{a}–{b}{_NB}% максимального балла" for a, b in zip(*edges, strict=True)]
    )


def _edge(percent: float) -> str:
    return wording.number(percent, 0 if abs(percent - round(percent)) < 1e-3 else 1)


def level_shares_by_domain(
    level_shares: pd.DataFrame,
    region: Region,
    *,
    wave: str = "entry",
    level: str | None = None,
    municipality: str = TOTAL,
) -> hv.Overlay:
    """Share of a level in the whole test and in each domain, with intervals.

    `level` is a code of the region's levels, the lowest by default. Nothing says that the domains
    are equally difficult, and the subtitle says so.
    """
    chosen = _level(region, level)
    words = chosen.words
    where = {"wave": wave, "level": chosen.code, "municipality": municipality, "family": TOTAL}
    rows = _ordered(_chosen(level_shares, "level_share", **where), "domain", region.domain_names)
    place = "" if municipality == TOTAL else f", {region.municipality_names[municipality]}"
    subtitle = f"Доля прошедших {_WAVES[wave]} диагностику {words}{place}; {NOT_COMPARED}"
    if not rows["status"].eq("ok").any():
        return theme.reason(_why_empty(rows), f"Доля {words} по блокам", subtitle)
    rows["y"] -= 0.3 * (rows["place"] > 0)
    return theme.dot_plot(
        rows,
        right=_values_and_sizes(rows),
        title=findings.most_frequent_domain(
            level_shares, region, wave=wave, municipality=municipality, level=level
        ),
        subtitle=subtitle + _lacking(rows),
        xlabel="% прошедших диагностику",
        row_height=38,
    )


def level_shares_by_municipality(
    level_shares: pd.DataFrame,
    region: Region,
    *,
    domain: str | None = None,
    wave: str = "entry",
    level: str | None = None,
    emphasised: str | None = None,
) -> hv.Overlay:
    """Share of a level in each municipality, in the official order, with the regional value.

    It is not a ranking: the title says how many intervals hold the regional value. `emphasised`
    is the code of a municipality that alone keeps the accent.
    """
    chosen = _level(region, level)
    words = chosen.words
    domain = domain or region.diagnostics.result_domain
    where = {"wave": wave, "level": chosen.code, "domain": domain, "family": TOTAL}
    table = _chosen(level_shares, "level_share", **where)
    block = "" if domain == TOTAL else f", «{region.domain_names[domain]}»"
    subtitle = (
        f"Доля прошедших {_WAVES[wave]} диагностику {words}{block}; "
        "муниципалитеты в официальном порядке"
    )
    names = wording.with_unstated(region.municipality_names, table["municipality"])
    rows = _ordered(table, "municipality", names)
    known, value = rows[rows["status"] == "ok"], _whole(table)
    if known.empty or value is None:
        return theme.reason(_why_empty(rows), f"Доля {words} по муниципалитетам", subtitle)
    holds = known["ci_low"].le(value["estimate"]) & known["ci_high"].ge(value["estimate"])
    places = wording.plural(len(known), "муниципалитета", *["муниципалитетов"] * 2)
    return theme.dot_plot(
        rows,
        right=_values_and_sizes(rows),
        title=f"{findings.capital(chosen.label)} по региону: {sentence(value)}; "
        f"это значение лежит в интервалах {holds.sum()} из {places}",
        subtitle=subtitle + _lacking(rows),
        xlabel="% прошедших диагностику",
        reference=(100 * value["estimate"], f"регион {share(value['estimate'])}"),
        emphasised=emphasised,
    )


def _whole(table: pd.DataFrame) -> dict[str, Any] | None:
    """The row of the whole region, if it has an estimate."""
    whole = table[(table["municipality"] == TOTAL) & (table["status"] == "ok")]
    return None if whole.empty else whole.iloc[0].to_dict()


def coverage_by_municipality(coverage: pd.DataFrame, region: Region) -> hv.Overlay:
    """Share of the staff that took the diagnostics, by municipality in the official order."""
    table = _chosen(coverage, "tested_share")
    names = wording.with_unstated(region.municipality_names, table["municipality"])
    rows = _ordered(table, "municipality", names)
    subtitle = f"Доля прошедших диагностику среди работников, n — работники; {NOT_SAMPLED}"
    value = _whole(table)
    if value is None or not rows["status"].eq("ok").any():
        return theme.reason(_why_empty(rows), "Охват диагностикой по муниципалитетам", subtitle)
    tested = wording.number(round(value["estimate"] * value["n"]))
    reached = wording.percent(value["estimate"], 1)
    return theme.dot_plot(
        rows,
        right=_values_and_sizes(rows),
        title=f"Диагностику прошли {tested} из {wording.persons(value['n'])}: {reached}",
        subtitle=subtitle + _lacking(rows),
        xlabel="% работников",
        reference=(100 * value["estimate"], f"регион {reached}"),
    )


# --- heat maps ----------------------------------------------------------------------------------


def level_shares_heat(
    level_shares: pd.DataFrame, region: Region, *, wave: str = "entry", level: str | None = None
) -> hv.Overlay:
    """Family × domain: share of a level and n; cells of fewer than ten persons are muted."""
    chosen = _level(region, level)
    words = chosen.words
    table = _chosen(level_shares, "level_share", wave=wave, level=chosen.code, municipality=TOTAL)
    families = wording.with_unstated(region.family_names, table["family"])
    domains = region.domain_names
    cells = table[table["family"].isin(list(families)) & table["domain"].isin(list(domains))]
    subtitle = (
        f"Доля прошедших {_WAVES[wave]} диагностику {words}; "
        f"серым — меньше {SMALL} чел.; формы у предметных групп разные, строки между собой "
        f"несопоставимы; {NOT_COMPARED}"
    )
    if not cells["status"].eq("ok").any():
        return theme.reason(_why_empty(cells), f"Доля {words} по предметным группам", subtitle)
    return theme.heat(
        _cells(cells, "family", families, domains),
        title=f"Доля {words} по предметным группам и компетенциям",
        subtitle=subtitle,
        rows=families,
        columns=domains,
    )


def _cells(
    table: pd.DataFrame, key: str, rows: Mapping[str, str], columns: Mapping[str, str]
) -> pd.DataFrame:
    """Cells of a heat map: place, name, text, note, colours and hint."""
    down = {code: -place for place, code in enumerate(rows)}
    across = {code: place for place, code in enumerate(columns)}
    cells = []
    for row in table.to_dict("records"):
        is_known = row["status"] == "ok"
        is_muted = not is_known or row["n"] < SMALL
        cells.append(
            {
                "x": float(across[row["domain"]]),
                "y": float(down[row[key]]),
                "name": f"{rows[row[key]]}, {columns[row['domain']].lower()}",
                "hint": sentence(row),
                "text": share(row["estimate"]) if is_known else "",
                "note": wording.size(row["n"]) if is_known else STATUSES[row["status"]],
                "fill": theme.GRID if is_muted else theme.sequential(row["estimate"])[0],
                "ink": theme.MUTED if is_muted else theme.sequential(row["estimate"])[1],
            }
        )
    return pd.DataFrame(cells)


# --- collecting ---------------------------------------------------------------------------------


class Look(NamedTuple):
    """How the state of a form looks; the words stand beside it."""

    sign: str
    colour: str
    fill: str


COLLECTING = {
    "not_sent": Look("–", theme.MUTED, "#eef1f3"),
    "returned": Look("×", theme.ATTAINMENT["not_attained"].colour, "#f9e3da"),
    "checking": Look("○", theme.ATTAINMENT["not_due"].colour, "#e3eaf5"),
    "accepted": Look("✓", theme.ATTAINMENT["attained"].colour, "#e0f0ec"),
    "approved": Look("◆", theme.ACCENT, "#dbeaf1"),
}


def collection_matrix(collected: pd.DataFrame) -> hv.Overlay:
    """Municipality × form: what became of what was sent, and how many rows were held out."""
    title = "Что стало с присланным"
    if collected.empty:
        return theme.reason("файлы не называют муниципальных образований", title)
    places = dict(zip(collected["municipality"], collected["name"], strict=True))
    forms = dict(zip(collected["table"], collected["title"], strict=True))
    down = {code: -float(place) for place, code in enumerate(places)}
    across = {code: float(place) for place, code in enumerate(forms)}
    looks = collected["state"].map(COLLECTING)
    notes = [rows_in_words(row) or "—" for row in collected.to_dict("records")]
    signs = [look.sign for look in looks]
    words = [f"{sign} {word}" for sign, word in zip(signs, collected["state_label"], strict=True)]
    cells = pd.DataFrame(
        {
            "x": collected["table"].map(across),
            "y": collected["municipality"].map(down),
            "name": collected["name"] + ", " + collected["title"].str.lower(),
            "hint": collected["state_label"],
            "text": words,
            "note": notes,
            "fill": [look.fill for look in looks],
            "ink": [look.colour for look in looks],
        }
    )
    n_asked = collected.loc[collected["state"].isin(["not_sent", "returned"]), "municipality"]
    asked = wording.plural(n_asked.nunique(), *_PLACES)
    finding = "От всех муниципальных образований всё принято"
    if len(n_asked):
        finding = f"Ждём недостающего или исправленного от {asked}"
    return theme.heat(cells, title=finding, subtitle=title, rows=places, columns=forms)


def rows_in_words(row: Mapping[str, Any]) -> str:
    """Say how many rows of a form came and how many were held out; empty where none came."""
    n = row["accepted"] + row["held_out"]
    if row["held_out"]:
        return f"задержано {wording.number(row['held_out'])} из {wording.number(n)}"
    if row["state"] == "returned":
        return "лист целиком"
    return wording.plural(n, "строка", "строки", "строк") if n else ""


_PLACES = ("муниципального образования", *("муниципальных образований",) * 2)


# --- groups -------------------------------------------------------------------------------------


def group_labels(seminar_groups: pd.DataFrame, region: Region) -> dict[str, str]:
    """Id of a group → its name, in the region's order: the family and a number within it."""
    families = wording.with_unstated(region.family_names, seminar_groups["family"])
    order = {code: place for place, code in enumerate(families)}
    groups = seminar_groups.assign(place=seminar_groups["family"].map(order))
    groups = groups.sort_values(["place", "group_id"])
    numbers = groups.groupby("family").cumcount() + 1
    names = groups["family"].map(families) + f", №{_NB}" + numbers.astype("str")
    return dict(zip(groups["group_id"], names, strict=True))


def group_sizes(seminar_groups: pd.DataFrame, region: Region) -> hv.Overlay:
    """Persons in the groups of each subject family; one piece of a bar is one group."""
    subtitle = "Один отрезок — одна группа, число в нём — её состав"
    if seminar_groups.empty:
        return theme.reason("Ни одной группы не составлено", "Группы по предметам", subtitle)
    labels = group_labels(seminar_groups, region)
    groups = seminar_groups.set_index("group_id").loc[list(labels)].reset_index()
    totals = groups.groupby("family", sort=False)["size"].agg(["size", "sum"])
    down = {family: -place for place, family in enumerate(totals.index)}
    size, y = groups["size"], groups["family"].map(down)
    families = wording.with_unstated(region.family_names, totals.index)
    end = groups.groupby("family")["size"].cumsum()
    pieces = pd.DataFrame(
        {
            "x0": end - size,
            "x1": end,
            "y0": y - 0.32,
            "y1": y + 0.32,
            "x": end - size / 2,
            "y": y,
            "text": [wording.number(n) for n in size],
            "name": [labels[group] for group in groups["group_id"]],
            "hint": [wording.persons(n) for n in size],
            "fill": theme.ACCENT,
        }
    )
    people = [(down[f], wording.persons(n)) for f, n in totals["sum"].items()]
    counts = [(down[f], wording.plural(n, *_GROUPS)) for f, n in totals["size"].items()]
    frame = Frame(
        (0, 1.01 * totals["sum"].max()),
        (0.5 - len(totals), 0.5),
        yticks=[(y, theme.wrapped(families[f], 22)) for f, y in down.items()],
        height=36 * len(totals) + 16,
        grid="",
        right=(
            theme.column(people, 66, theme.INK, True),
            theme.column(counts, 72, theme.MUTED, False),
        ),
    )
    number = f"{wording.plural(len(groups), *_GROUPS)}, {wording.persons(size.sum())}"
    title = f"{number}: в группе от {size.min()} до {size.max()} человек"
    layers = [theme.boxes(pieces, width=2), theme.texts(pieces, theme.PAPER, size=11)]
    return theme.compose(layers, frame, title, subtitle)


def group_topics(
    seminar_groups: pd.DataFrame, seminar_topics: pd.DataFrame, region: Region
) -> hv.Overlay:
    """Groups × domains: how many of a group need a topic; the topics chosen for it are ticked."""
    subtitle = (
        "Скольким участникам нужна тема (результат не выше порога); ✓ — выбранные темы группы"
    )
    labels = group_labels(seminar_groups, region) if len(seminar_groups) else {}
    domains = {domain.code: domain.name for domain in region.domains}
    needs = _chosen(seminar_topics, "topic_need")
    needs = needs[needs["group_id"].isin(list(labels)) & needs["domain"].isin(list(domains))]
    if needs.empty:
        return theme.reason("Ни одной группы не составлено", "Темы групп", subtitle)
    pairs = seminar_groups[["group_id", "topics"]].explode("topics").dropna()
    taught = set(map(tuple, pairs.to_numpy()))
    often = pairs["topics"].value_counts()
    groups = wording.plural(len(labels), "группы", "групп", "групп")
    return theme.heat(
        _topic_cells(needs, taught, labels, domains),
        title=f"Чаще всего выбрана тема «{domains[often.index[0]]}»: в {often.iloc[0]} из {groups}",
        subtitle=subtitle,
        rows=labels,
        columns=domains,
    )


def _topic_cells(
    needs: pd.DataFrame,
    taught: set[tuple[str, str]],
    labels: Mapping[str, str],
    domains: Mapping[str, str],
) -> pd.DataFrame:
    down = {code: -place for place, code in enumerate(labels)}
    across = {code: place for place, code in enumerate(domains)}
    cells = []
    for row in needs.to_dict("records"):
        is_taught = (row["group_id"], row["domain"]) in taught
        is_known = row["status"] == "ok"
        count = f"{int(row['estimate'])} из {row['n']}" if is_known else STATUSES[row["status"]]
        cells.append(
            {
                "x": float(across[row["domain"]]),
                "y": float(down[row["group_id"]]),
                "name": f"{labels[row['group_id']]}, {domains[row['domain']].lower()}",
                "hint": f"тема нужна: {count}; {'выбрана' if is_taught else 'не выбрана'}",
                "text": f"✓ {count}" if is_taught else count,
                "fill": theme.ACCENT if is_taught else theme.SEQUENTIAL[0],
                "ink": theme.PAPER if is_taught else theme.MUTED,
            }
        )
    return pd.DataFrame(cells)


def topics_by_family(seminar_groups: pd.DataFrame, region: Region) -> hv.Overlay:
    """Family × domain: in how many of a family's groups the topic was chosen."""
    subtitle = "В скольких учебных группах выбрана тема, по предметным группам"
    if seminar_groups.empty:
        return theme.reason("Ни одной группы не составлено", "Темы групп", subtitle)
    domains = {domain.code: domain.name for domain in region.domains}
    sizes = seminar_groups["family"].value_counts()
    named = wording.with_unstated(region.family_names, sizes.index)
    families = {code: name for code, name in named.items() if code in sizes}
    pairs = seminar_groups[["family", "topics"]].explode("topics").dropna()
    counts = pd.crosstab(pairs["family"], pairs["topics"])
    counts = counts.reindex(index=list(families), columns=list(domains), fill_value=0)
    often = counts.sum().sort_values(ascending=False, kind="stable")
    groups = wording.plural(len(seminar_groups), "группы", "групп", "групп")
    cells = []
    for place, (code, row) in enumerate(counts.iterrows()):
        for across, (domain, count) in enumerate(row.items()):
            fill, ink = theme.sequential(count / sizes[code])
            text = f"{count} из {sizes[code]}"
            name = f"{families[code]}, {domains[domain].lower()}"
            cells.append(
                {
                    "x": float(across),
                    "y": -float(place),
                    "name": name,
                    "hint": f"тема выбрана в группах: {text}",
                    "text": text,
                    "fill": fill,
                    "ink": ink,
                }
            )
    return theme.heat(
        pd.DataFrame(cells),
        title=f"Чаще всего выбрана тема «{domains[often.index[0]]}»: в {often.iloc[0]} из {groups}",
        subtitle=subtitle,
        rows=families,
        columns=domains,
    )


# --- indicators ---------------------------------------------------------------------------------


def indicator_attainment(indicators: pd.DataFrame, region: Region) -> hv.Overlay:
    """Value and target of each indicator that is a share, one row per variant.

    The colour of a status has its sign and word beside it; the tick is the target.
    """
    subtitle = "Показатели-доли, %: точка — значение, полоса — интервал, черта — плановое значение"
    names = {indicator.id: indicator.name for indicator in region.indicators}
    rows = indicators.assign(variant_of=indicators["indicator"])
    rows = _ordered(_chosen(rows, "indicator_share", status="ok"), "indicator", names)
    if rows.empty:
        return theme.reason(
            "Нет показателей-долей с данными за этот период", "Показатели", subtitle
        )
    is_first = ~rows["indicator"].duplicated()
    rows = rows.assign(
        is_first=is_first, variant_name=[_variant_name(row) for row in rows.to_dict("records")]
    )
    rows["state"] = [
        _status_words(theme.ATTAINMENT[row["attainment"]], row) for row in rows.to_dict("records")
    ]
    rows["head"] = [theme.wrapped(name, 52) for name in rows["name"]]
    # Texts stand on their row and grow upwards: more than two lines need more room.
    rows["lift"] = _LINE * (rows["state"].str.count("\n") - 1).clip(lower=0)
    tall = _LINE * (rows["head"].str.count("\n") - 1).clip(lower=0)
    rows["y"] = -(1.0 + rows["lift"] + (0.85 + tall) * is_first).cumsum()
    rows["hint"] = rows["variant_name"] + ": " + rows["hint"] + "; " + rows["attainment_label"]
    layers, frame = _attainment_parts(rows)
    title = findings.attainment(indicators).rstrip(".")
    return theme.compose(layers, frame, title, subtitle)


_LINE = 0.33  #: height of a line of text, in rows of the chart


def _variant_name(row: Mapping[str, Any]) -> str:
    if row["basis"] == "published":
        return row["variant_label"]
    return f"{row['variant_label']} ({findings.BASIS_NAMES[row['basis']]})"


def _attainment_parts(rows: pd.DataFrame) -> tuple[list[Any], Frame]:
    limit = max(100.0, 10 * math.ceil(rows["high"].fillna(rows["x"]).max() / 10))
    y = rows["y"]
    at = 100 * rows["target"].astype(float)
    ticks = rows.assign(x0=at, x1=at, y0=y - 0.17, y1=y + 0.17).dropna(subset=["x0"])
    heads = rows[rows["is_first"]].assign(x=0.0, y=y + 0.86 + rows["lift"])
    layers = [
        theme.lines(rows.assign(x0=0.0, x1=limit, y0=y, y1=y), theme.GRID, 1.5),
        theme.lines(theme.spans(rows), theme.ACCENT_SOFT, 6),
        theme.lines(ticks, theme.INK, 3),
        _row_texts(heads.assign(text=heads["head"]), bold=True),
    ]
    for code, mark in theme.ATTAINMENT.items():
        part = rows[rows["attainment"] == code]
        states = part.assign(x=0.0, y=part["y"] + 0.18, text=part["state"])
        layers += [theme.dots(part, mark.colour), _row_texts(states, mark.colour)]
    values = [(y, share(v)) for y, v in zip(rows["y"], rows["estimate"], strict=True)]
    frame = Frame(
        (-0.01 * limit, limit * 1.02),
        (rows["y"].min() - 0.4, 0.0),
        xticks=theme.ticks(limit),
        xlabel="%",
        height=round(48 * (0.4 - rows["y"].min()) + 50),
        grid="",
        right=(theme.column(values, 50, theme.INK, True),),
    )
    return layers, frame


def _row_texts(rows: pd.DataFrame, colour: str = theme.INK, *, bold: bool = False) -> hv.Labels:
    return theme.texts(rows, colour, size=12, align="left", base="bottom", bold=bold)


def _status_words(mark: theme.Mark, row: Mapping[str, Any]) -> str:
    words = f"{mark.sign} {row['attainment_label']}"
    if pd.notna(row["target"]):
        words += f"; план {wording.target(row)}"
    return theme.wrapped(f"{words} · {row['variant_name']}", 56)
