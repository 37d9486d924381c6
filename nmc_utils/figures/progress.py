"""Change between the entry and the exit diagnostics."""

from __future__ import annotations

import holoviews as hv
import pandas as pd

from nmc_utils import findings, theme, wording
from nmc_utils.figures.marks import POINTS, Mark, Scale, mark_plot, placed
from nmc_utils.figures.rows import headline, selected, share, why_empty
from nmc_utils.findings.sentences import measured_domain
from nmc_utils.regions import Region

OBSERVED = Mark("наблюдалось", "open", theme.MUTED, theme.GRID)
EXPECTED = Mark("ожидалось", "tick", theme.INK, theme.GRID)
BEYOND = Mark("сверх ожидаемого", "dot")


def changes_by_domain(progress: pd.DataFrame, region: Region) -> hv.Overlay:
    """Observed change, that expected of a retest alone, and what is beyond it, by competence.

    Forms that cannot be linked say so in place of a mark: nothing is drawn between them.

    Parameters
    ----------
    progress
        Measure table of `entry_exit.change_measures`.
    """
    measures = {"observed_change": OBSERVED, "expected_change": EXPECTED, "net_change": BEYOND}
    tables = {mark.words: selected(progress, name) for name, mark in measures.items()}
    subtitle = (
        "Изменение среднего результата пришедших на обе диагностики, процентные пункты максимума; "
        "«ожидалось» — при одном повторном тестировании; полоса — 95 % интервал"
    )
    if not any(rows["status"].eq("ok").any() for rows in tables.values()):
        title = "Изменение между входной и выходной диагностикой"
        return theme.reason(why_empty(selected(progress, "net_change")), title, subtitle)
    return mark_plot(
        placed(tables, "domain", region.domain_names, scale=POINTS),
        list(measures.values()),
        scale=POINTS,
        title=headline(findings.net_change(progress, region).partition(": наблюдалось")[0]),
        subtitle=subtitle + _without(tables[BEYOND.words]),
        write=wording.signed,
    )


def _without(rows: pd.DataFrame) -> str:
    """Whom the known changes are without; said once, below the title."""
    notes = rows.loc[rows["status"] == "ok", "note"].dropna()
    return "".join(f"; {note}" for note in dict.fromkeys(notes))


def migration(
    migration: pd.DataFrame, region: Region, *, level: str | None = None, domain: str | None = None
) -> hv.Overlay:
    """Shares who moved across a cut each way, beside those that a retest alone brings.

    Parameters
    ----------
    migration
        Measure table of `entry_exit.migration`.
    level
        Code of the level whose upper bound the cut is; every cut by default.
    domain
        The whole test by default.
    """
    domain = measured_domain(region, domain)
    cuts = {code: cut for code, cut in region.diagnostics.cuts.items() if cut < 1}
    names = {}
    for code in [level] if level else cuts:
        cut = wording.percent(cuts[code])
        names[f"{code} at_or_below"] = f"были не выше {cut}, стали выше"
        names[f"{code} above"] = f"были выше {cut}, стали не выше"
    measures = {"migration_share": OBSERVED_MOVE, "migration_expected_share": EXPECTED}
    tables = {}
    for name, mark in measures.items():
        rows = selected(migration, name, domain=domain)
        rows = rows[rows["from_level"] != rows["to_level"]].astype({"from_level": "str"})
        tables[mark.words] = rows.assign(way=rows["level"].astype("str") + " " + rows["from_level"])
    subtitle = (
        "Доля перешедших через порог среди тех, кто на входе был по ту же его сторону, %; "
        "«ожидалось» — при одном повторном тестировании, без изменений"
    )
    rows = placed(tables, "way", names, scale=MOVED)
    told = findings.moved(migration, region, level=level, domain=domain)
    title = headline(told.partition(";")[0])
    if rows.empty:
        return theme.reason(title, "Переходы между уровнями", subtitle)
    marks = list(measures.values())
    return mark_plot(rows, marks, scale=MOVED, title=title, subtitle=subtitle, write=share)


OBSERVED_MOVE = Mark("перешли", "dot")
MOVED = Scale("% бывших по ту же сторону порога")
