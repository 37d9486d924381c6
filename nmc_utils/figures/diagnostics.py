"""Distributions, levels and coverage."""

from __future__ import annotations

from collections.abc import Mapping

import holoviews as hv
import numpy as np
import pandas as pd

from nmc_utils import findings, theme, wording
from nmc_utils.figures.cuts import band_layers, cut_layers
from nmc_utils.figures.rows import (
    WAVE_WORDS,
    lacking,
    level_of,
    ordered,
    selected,
    sentence,
    share,
    values_and_sizes,
    whole_region,
    why_empty,
)
from nmc_utils.measures.dictionary import STATUSES
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL
from nmc_utils.theme import Frame
from nmc_utils.wording import NO_BREAK_SPACE

SMALL = 10  #: below this many persons a cell of a heat map is muted

NOT_COMPARED = "трудность блоков не сопоставлялась"


NOT_SAMPLED = "отбор не случайный, на всех педагогов региона не распространяется"


def score_histogram(
    histogram: pd.DataFrame,
    region: Region,
    *,
    title: str | None = None,
    wave: str = "entry",
    domain: str | None = None,
    bands: pd.DataFrame | None = None,
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
    bands
        Of `precision.borderline_bands`: results whose level is unsure are shaded.
    """
    domain = domain or region.diagnostics.result_domain
    tested = f"прошедших {WAVE_WORDS[wave]} диагностику"
    subtitle = f"Доля {tested} по результату, % максимального балла"
    if region.diagnostics.document is None:
        subtitle += f"; {region.cut_source}"
    bins = selected(histogram, "score_bin_share", wave=wave, domain=domain)
    known = bins[bins["status"] == "ok"].sort_values("bin_low")
    if known.empty:
        return theme.reason(why_empty(bins), title or "Распределение результатов", subtitle)
    cuts = list(region.diagnostics.cuts.values())
    bars = _bars(known, cuts)
    below = known.loc[known["bin_high"] <= cuts[0] + 1e-6, "estimate"].sum()
    size = wording.size(known.iloc[0]["n"])
    lowest = wording.percent(cuts[0])
    title = title or f"Не выше порога {lowest} — {share(below)} {tested}, {size}"
    top = 1.18 * bars["y1"].max()
    layers = [
        *band_layers(bands, top, wave=wave, domain=domain),
        theme.boxes(bars),
        *cut_layers(region, top),
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
        name=[f"{a}–{b}{NO_BREAK_SPACE}% максимального балла" for a, b in zip(*edges, strict=True)]
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
    chosen = level_of(region, level)
    words = chosen.words
    where = {"wave": wave, "level": chosen.code, "municipality": municipality, "family": TOTAL}
    rows = ordered(selected(level_shares, "level_share", **where), "domain", region.domain_names)
    place = "" if municipality == TOTAL else f", {region.municipality_names[municipality]}"
    subtitle = f"Доля прошедших {WAVE_WORDS[wave]} диагностику {words}{place}; {NOT_COMPARED}"
    if not rows["status"].eq("ok").any():
        return theme.reason(why_empty(rows), f"Доля {words} по блокам", subtitle)
    rows["y"] -= 0.3 * (rows["place"] > 0)
    return theme.dot_plot(
        rows,
        right=values_and_sizes(rows),
        title=findings.most_frequent_domain(
            level_shares, region, wave=wave, municipality=municipality, level=level
        ),
        subtitle=subtitle + lacking(rows),
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
    small_areas: pd.DataFrame | None = None,
) -> hv.Overlay:
    """Share of a level in each municipality, in the official order, with the regional value.

    It is not a ranking: the title says how many intervals hold the regional value. `emphasised`
    is the code of a municipality that alone keeps the accent. With `small_areas` (of
    `distributions.small_area_levels`) dots and intervals are those, and the document's own share
    is a small open mark.
    """
    chosen = level_of(region, level)
    words = chosen.words
    domain = domain or region.diagnostics.result_domain
    where = {"wave": wave, "level": chosen.code, "domain": domain, "family": TOTAL}
    table = selected(level_shares, "level_share", **where)
    block = "" if domain == TOTAL else f", «{region.domain_names[domain]}»"
    subtitle = (
        f"Доля прошедших {WAVE_WORDS[wave]} диагностику {words}{block}; "
        "муниципалитеты в официальном порядке"
    )
    names = wording.with_unstated(region.municipality_names, table["municipality"])
    rows = own = ordered(table, "municipality", names)
    value = whole_region(table)
    if small_areas is not None:
        drawn = selected(small_areas, "small_area_share", **where)
        absent = table[table["status"] != "ok"]
        rows = ordered(pd.concat([drawn, absent]), "municipality", names)
        subtitle += (
            f"; точка и полоса — с поправкой на малую численность, малый круг — {region.rule_words}"
        )
    known = rows[rows["status"] == "ok"]
    if known.empty or value is None:
        return theme.reason(why_empty(rows), f"Доля {words} по муниципалитетам", subtitle)
    holds = known["ci_low"].le(value["estimate"]) & known["ci_high"].ge(value["estimate"])
    places = wording.plural(len(known), "муниципалитета", *["муниципалитетов"] * 2)
    return theme.dot_plot(
        rows,
        right=values_and_sizes(rows),
        title=f"{findings.capital(chosen.label)} по региону: {sentence(value)}; "
        f"это значение лежит в интервалах {holds.sum()} из {places}",
        subtitle=subtitle + lacking(rows),
        xlabel="% прошедших диагностику",
        reference=(100 * value["estimate"], f"регион {share(value['estimate'])}"),
        emphasised=emphasised,
        beside=None if small_areas is None else own[own["status"] == "ok"],
    )


def coverage_by_municipality(coverage: pd.DataFrame, region: Region) -> hv.Overlay:
    """Share of the staff that took the diagnostics, by municipality in the official order."""
    table = selected(coverage, "tested_share")
    names = wording.with_unstated(region.municipality_names, table["municipality"])
    rows = ordered(table, "municipality", names)
    subtitle = f"Доля прошедших диагностику среди работников, n — работники; {NOT_SAMPLED}"
    value = whole_region(table)
    if value is None or not rows["status"].eq("ok").any():
        return theme.reason(why_empty(rows), "Охват диагностикой по муниципалитетам", subtitle)
    tested = wording.number(round(value["estimate"] * value["n"]))
    reached = wording.percent(value["estimate"], 1)
    return theme.dot_plot(
        rows,
        right=values_and_sizes(rows),
        title=f"Диагностику прошли {tested} из {wording.persons(value['n'])}: {reached}",
        subtitle=subtitle + lacking(rows),
        xlabel="% работников",
        reference=(100 * value["estimate"], f"регион {reached}"),
    )


def level_shares_heat(
    level_shares: pd.DataFrame, region: Region, *, wave: str = "entry", level: str | None = None
) -> hv.Overlay:
    """Family × domain: share of a level and n; cells of fewer than ten persons are muted."""
    chosen = level_of(region, level)
    words = chosen.words
    table = selected(level_shares, "level_share", wave=wave, level=chosen.code, municipality=TOTAL)
    families = wording.with_unstated(region.family_names, table["family"])
    domains = region.domain_names
    cells = table[table["family"].isin(list(families)) & table["domain"].isin(list(domains))]
    subtitle = (
        f"Доля прошедших {WAVE_WORDS[wave]} диагностику {words}; "
        f"серым — меньше {SMALL} чел.; формы у предметных групп разные, строки между собой "
        f"несопоставимы; {NOT_COMPARED}"
    )
    if not cells["status"].eq("ok").any():
        return theme.reason(why_empty(cells), f"Доля {words} по предметным группам", subtitle)
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
