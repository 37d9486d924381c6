"""Individual routes (ИОМ): stages, the calendar of audits, levels of measures, methodists' load."""

from __future__ import annotations

import holoviews as hv
import pandas as pd

from nmc_utils import theme, wording
from nmc_utils.figures.bars import bar_columns, bar_rows
from nmc_utils.figures.marks import SHARES, Mark, mark_plot, placed
from nmc_utils.figures.rows import headline, lacking, share, why_empty
from nmc_utils.findings import routes as told
from nmc_utils.findings.sentences import capital, rows_of
from nmc_utils.terms import ROUTE_KINDS, ROUTE_LEVELS, STAGES, TOTAL

_MONTHS = ["янв", "фев", "мар", "апр", "май", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"]
_FAR = {"earlier": "раньше", "later": "позже"}


def route_stages(routes_summary: pd.DataFrame, *, municipality: str = TOTAL) -> hv.Overlay:
    """Routes of each kind by how far they have come."""
    subtitle = "Число ИОМ издания по видам и ходу, на дату данных"
    rows = rows_of(routes_summary, measure="route_count", municipality=municipality)
    if not rows.loc[rows["status"] == "ok", "estimate"].sum():
        return theme.reason(why_empty(rows[:1]), "Ход ИОМ", subtitle)
    counts = rows.set_index(["kind", "stage"])["estimate"]
    bars, heads, y = [], [], 0.0
    for kind, name in ROUTE_KINDS.items():
        whole = counts[(kind, TOTAL)]
        short = capital(name.removeprefix("ИОМ "))  # the whole does not fit on a phone
        heads.append({"y": y, "text": f"{short}: {wording.number(whole)}"})
        for stage, words in STAGES.items():
            y -= 1.0
            n = counts[(kind, stage)]
            part = f" из {wording.number(whole)}, {share(n / whole)}" if whole else ""
            row = {"y": y, "x": float(n), "name": capital(words), "text": wording.number(n)}
            bars.append(row | {"hint": f"{name}: {wording.number(n)}{part}"})
        y -= 1.4
    title = told.routes_counted(routes_summary, municipality=municipality)
    return bar_rows(
        pd.DataFrame(bars),
        title=headline(title),
        subtitle=subtitle,
        xlabel="ИОМ",
        heads=pd.DataFrame(heads),
        width=52,
    )


def audit_calendar(
    routes_calendar: pd.DataFrame, routes_summary: pd.DataFrame, *, municipality: str = TOTAL
) -> hv.Overlay:
    """Audits by month: a month before a route is due."""
    subtitle = "ИОМ по месяцу, в котором нужен методический аудит (за месяц до срока)"
    rows = rows_of(routes_calendar, municipality=municipality)
    known = rows[(rows["status"] == "ok") & rows["month"].ne(TOTAL)]
    if not known["estimate"].sum():
        return theme.reason(why_empty(rows[:1]), "Календарь аудитов ИОМ", subtitle)
    counts = known.pivot(index="month", columns="measure", values="estimate")
    counts = counts.loc[known["month"].unique()]  # «раньше» comes first, not by the alphabet
    names = [month_words(month) for month in counts.index]
    parts = [part for part in _AUDITS if part[0] in counts]
    subtitle += _audit_legend(parts) if parts else lacking(rows)
    title = told.audits_waiting(routes_summary, municipality=municipality)
    cells = _audit_cells(counts, parts, names)
    return bar_columns(cells, names=names, title=headline(title), subtitle=subtitle, ylabel="ИОМ")


#: Measure of a piece of a column → its words, fill and ink; the rest of the column is to come.
_AUDITS = (
    ("route_audits_done", "аудит проведён", theme.ACCENT, theme.PAPER),
    ("route_audits_missed", "ИОМ завершён без аудита", theme.FAINT, theme.INK),
)
_TO_COME = ("аудита ещё не было", theme.ACCENT_SOFT, theme.INK)
_FILLS = {theme.ACCENT: "тёмным", theme.FAINT: "серым", theme.ACCENT_SOFT: "светлым"}


def _audit_legend(parts: list[tuple[str, str, str, str]]) -> str:
    named = [(fill, words) for _, words, fill, _ in parts] + [(_TO_COME[1], _TO_COME[0])]
    return "; " + ", ".join(f"{_FILLS[fill]} — {words}" for fill, words in named)


def _audit_cells(
    counts: pd.DataFrame, parts: list[tuple[str, str, str, str]], names: list[str]
) -> pd.DataFrame:
    """Pieces of every column upon one another; what no part has lies on the top."""
    due = counts["route_audits"]
    heights = {part[1:]: counts[part[0]] for part in parts}
    heights[_TO_COME] = due - sum(heights.values())
    low, cells = 0 * due, []
    for (words, fill, ink), height in heights.items():
        hint = [
            f"нужен аудит: {wording.number(n)}"
            + (f"; {words}: {wording.number(h)}" if parts else "")
            for n, h in zip(due, height, strict=True)
        ]
        piece = {"low": low, "high": low + height, "fill": fill, "ink": ink, "name": names}
        piece |= {"text": height.map(wording.number), "hint": hint}
        cells.append(pd.DataFrame(piece).assign(place=range(len(names))))
        low = low + height
    return pd.concat(cells, ignore_index=True)


def month_words(month: str) -> str:
    """Write «2023-05» as «май 2023»."""
    if month in _FAR:
        return _FAR[month]
    year, number = month.split("-")
    return f"{_MONTHS[int(number) - 1]} {year}"


def route_levels(route_measures_summary: pd.DataFrame, *, municipality: str = TOTAL) -> hv.Overlay:
    """Which part of the routes has measures of each level, and which part of these is done."""
    subtitle = "Уровни карты развития: доля ИОМ с мероприятиями уровня и доля выполненных из них"
    rows = rows_of(route_measures_summary, municipality=municipality)
    rows = rows[rows["level"].isin(list(ROUTE_LEVELS))]
    marks = [
        Mark("ИОМ с уровнем", "open", theme.INK, theme.GRID),
        Mark("выполнено", "dot"),
    ]
    tables = {
        marks[0].words: rows[rows["measure"] == "route_level_share"],
        marks[1].words: rows[rows["measure"] == "route_measures_done_share"],
    }
    if not any(table["status"].eq("ok").any() for table in tables.values()):
        mine = rows_of(route_measures_summary, municipality=municipality)
        return theme.reason(why_empty(mine[:1]), "Мероприятия ИОМ", subtitle)
    names = {code: capital(name) for code, name in ROUTE_LEVELS.items()}
    title = told.measures_by_level(route_measures_summary, municipality=municipality)
    return mark_plot(
        placed(tables, "level", names, scale=SHARES),
        marks,
        scale=SHARES,
        title=headline(title),
        subtitle=subtitle,
        write=share,
    )


def routes_each(routes_per_methodist: pd.DataFrame) -> hv.Overlay:
    """How many methodists accompany so many routes: a distribution, no names."""
    subtitle = "Региональные методисты по числу ИОМ, которые они сопровождают"
    rows = rows_of(routes_per_methodist, measure="methodists_with_routes")
    bins = rows[(rows["status"] == "ok") & rows["routes"].ne(TOTAL)]
    if bins.empty:
        return theme.reason(why_empty(rows), "ИОМ на методиста", subtitle)
    high = bins["estimate"].to_numpy(float)
    cells = pd.DataFrame(
        {
            "place": range(len(bins)),
            "low": 0.0,
            "high": high,
            "fill": theme.ACCENT,
            "ink": theme.PAPER,
            "text": [wording.number(n) for n in high],
            "name": [f"{words} ИОМ" for words in bins["routes"]],
            "hint": [wording.persons(n) for n in high],
        }
    )
    title = headline(str(told.routes_each(routes_per_methodist)))
    names = list(bins["routes"])
    return bar_columns(cells, names=names, title=title, subtitle=subtitle, ylabel="методистов")
