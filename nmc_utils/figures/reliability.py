"""How far the level of a result can be trusted."""

from __future__ import annotations

from dataclasses import replace

import holoviews as hv
import numpy as np
import pandas as pd

from nmc_utils import findings, theme, wording
from nmc_utils.figures.cuts import band_layers, cut_layers
from nmc_utils.figures.marks import PER_CENT, RATIO, Mark, mark_plot, placed
from nmc_utils.figures.rows import WAVE_WORDS, headline, selected, share, why_empty
from nmc_utils.findings.sentences import measured_domain, noted
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL
from nmc_utils.theme import Frame
from nmc_utils.wording import NO_BREAK_SPACE

WITH_ERROR = Mark("с учётом погрешности", "dot")


def levels_both_ways(
    level_shares: pd.DataFrame,
    level_certainty: pd.DataFrame,
    region: Region,
    *,
    wave: str = "entry",
) -> hv.Overlay:
    """Share of the lowest level by the region's rule and with the error counted, by domain.

    Parameters
    ----------
    level_shares
        Measure table of `distributions.level_shares`.
    level_certainty
        Measure table of `certainty.level_certainty`.
    """
    lowest = region.diagnostics.lowest
    where = {"wave": wave, "level": lowest.code}
    whole = {"municipality": TOTAL, "family": TOTAL}
    ruled = selected(level_shares, "level_share", **where, **whole)
    counted = selected(level_certainty, "true_level_share", **where)
    subtitle = (
        f"Доля прошедших {WAVE_WORDS[wave]} диагностику {lowest.words}; полоса — 95 % интервал: "
        f"{region.rule_words} — повторение процедуры, с учётом погрешности — ошибка измерения"
    )
    if not ruled["status"].eq("ok").any():
        return theme.reason(why_empty(ruled), f"Доля {lowest.words} двумя способами", subtitle)
    marks = [Mark(region.rule_words, "open", theme.MUTED, theme.GRID), WITH_ERROR]
    tables = dict(zip([mark.words for mark in marks], [ruled, counted], strict=True))
    both = findings.both_shares(level_shares, level_certainty, region, wave=wave)
    return mark_plot(
        placed(tables, "domain", region.domain_names, scale=PER_CENT),
        marks,
        scale=PER_CENT,
        title=headline(both.partition(": первый")[0]),
        subtitle=subtitle,
        write=share,
    )


def hundred(
    classification: pd.DataFrame, region: Region, *, wave: str = "entry", domain: str | None = None
) -> hv.Overlay:
    """A hundred persons of the lowest level: how many of them are in truth above the cut.

    Parameters
    ----------
    classification
        Measure table of `precision.classification`.
    domain
        The whole test by default.
    """
    domain = measured_domain(region, domain)
    lowest = region.diagnostics.lowest
    where = {"wave": wave, "domain": domain, "level": lowest.code}
    rows = selected(classification, "false_deficit_share", **where)
    title = headline(findings.false_deficits(classification, region, wave=wave, domain=domain))
    subtitle = (
        f"Сто педагогов {lowest.words}: контур — истинный результат выше порога, заливка — не выше;"
        " кто именно, неизвестно"
    )
    known = rows[rows["status"] == "ok"]
    if known.empty:
        return theme.reason(why_empty(rows), title, subtitle)
    note = noted(known.iloc[0])
    title, subtitle = title.removesuffix(note), subtitle + note
    wrong = round(100 * known.iloc[0]["estimate"])
    layers = _persons(np.arange(100) < wrong, lowest.words)
    frame = Frame((-0.8, 20.3), (-5.0, 0.5), height=300, grid="")
    return theme.compose(layers, frame, title, subtitle)


def _persons(is_wrong: np.ndarray, words: str) -> list[hv.Element]:
    """Heads and shoulders in rows of twenty, a gap in the middle."""
    place = np.arange(len(is_wrong))
    x, y = place % 20 + 0.5 * (place % 20 > 9), -1.0 * (place // 20)
    told = np.where(is_wrong, "истинный результат выше порога", "истинный результат не выше порога")
    people = pd.DataFrame({"x": x, "y": y, "name": f"Педагог {words}", "hint": told})
    bodies = people.assign(x0=x - 0.24, x1=x + 0.24, y0=y - 0.6, y1=y - 0.08)
    bodies["fill"] = np.where(is_wrong, theme.PAPER, theme.ACCENT)
    outline = bodies[is_wrong]
    sides = [("x0", "y0", "x1", "y0"), ("x1", "y0", "x1", "y1")]
    sides += [("x1", "y1", "x0", "y1"), ("x0", "y1", "x0", "y0")]
    ends = ["x0", "y0", "x1", "y1"]
    edges = [outline[list(side)].set_axis(ends, axis=1) for side in sides]
    heads = people.assign(y=y + 0.13)
    return [
        theme.boxes(bodies),
        theme.lines(pd.concat(edges), theme.CONTRAST, 2),
        theme.dots(heads[~is_wrong], theme.ACCENT, size=10),
        theme.dots(heads[is_wrong], theme.CONTRAST, size=10, is_open=True),
    ]


def reliability_by_domain(
    reliability: pd.DataFrame, region: Region, *, wave: str = "entry"
) -> hv.Overlay:
    """Reliability of the results over all forms, by competence and of the whole test.

    Parameters
    ----------
    reliability
        Measure table of `measurement.pooled_reliability`.
    """
    rows = selected(reliability, "reliability", wave=wave)
    return _reliability(
        rows,
        "domain",
        dict(region.domain_names),
        title=headline(findings.reliability(reliability, region, wave=wave).partition(": ")[0]),
        subtitle=(
            "Надёжность результата от 0 до 1: доля различий, за которыми стоят различия людей; "
            "полоса — 95 % интервал, где она оценена по ответам"
        ),
    )


def reliability_by_form(
    form_reliability: pd.DataFrame,
    region: Region,
    *,
    wave: str = "entry",
    domain: str | None = None,
) -> hv.Overlay:
    """Reliability of the results of each form in one competence or in the whole test.

    Parameters
    ----------
    form_reliability
        Measure table of `measurement.reliability_by_form`.
    domain
        The whole test by default.
    """
    domain = measured_domain(region, domain)
    rows = selected(form_reliability, "reliability", wave=wave, domain=domain)
    known = rows.loc[rows["status"] == "ok", "estimate"]
    block = "всего теста" if domain == TOTAL else f"по блоку «{region.domain_names[domain]}»"
    title = f"Надёжность результата {block} по формам не оценивалась"
    if len(known):
        ends = " до ".join(wording.number(value, 2) for value in (known.min(), known.max()))
        persons = wording.size(rows.loc[known.index, "n"].sum())
        forms = wording.plural(len(known), "формы", "форм", "форм")
        title = f"Надёжность результата {block} — от {ends} у {forms}, {persons}"
    return _reliability(
        rows,
        "form",
        {form: form for form in sorted(rows["form"])},
        title=title,
        subtitle="Надёжность от 0 до 1; полоса — 95 % интервал, где она оценена по ответам",
    )


def _reliability(
    rows: pd.DataFrame, key: str, names: dict[str, str], *, title: str, subtitle: str
) -> hv.Overlay:
    scale = replace(RATIO, label="надёжность")
    if not rows["status"].eq("ok").any():
        return theme.reason(why_empty(rows), title, subtitle)
    return mark_plot(
        placed({"надёжность": rows}, key, names, scale=scale, gap=0.2),
        [Mark("надёжность", "dot")],
        scale=scale,
        title=title,
        subtitle=subtitle,
        write=lambda value: wording.number(value, 2),
    )


def error_along_scale(
    score_error: pd.DataFrame,
    bands: pd.DataFrame,
    region: Region,
    *,
    wave: str = "entry",
    domain: str | None = None,
) -> hv.Overlay:
    """Standard error of measurement at every result, with the cuts and the borderline bands.

    Parameters
    ----------
    score_error
        Measure table of `precision.error_along_scale`.
    bands
        Of `precision.borderline_bands`.
    domain
        The whole test by default.
    """
    domain = measured_domain(region, domain)
    rows = selected(score_error, "score_error", wave=wave, domain=domain)
    subtitle = "Стандартная ошибка результата, % максимального балла, по результату"
    if rows.empty:
        words = "Показать нечего: надёжность не оценивалась или число заданий неизвестно"
        return theme.reason(words, "Ошибка измерения по шкале", subtitle)
    rows = rows.sort_values("score_share")
    x, y = 100 * rows["score_share"].to_numpy(), 100 * rows["estimate"].to_numpy()
    top = 1.35 * y.max()
    curve = pd.DataFrame({"x0": x[:-1], "y0": y[:-1], "x1": x[1:], "y1": y[1:]})
    layers = [
        *band_layers(bands, top, wave=wave, domain=domain),
        theme.dots(_read_off(x, y, rows["n"].iloc[0]), theme.ACCENT, size=5),
        theme.lines(curve, theme.ACCENT, 2.5),
        *cut_layers(region, top),
    ]
    frame = Frame(
        (0, 100),
        (0, top),
        xticks=theme.ticks(100),
        yticks=theme.ticks(top),
        xlabel="результат, % максимального балла",
        ylabel="ошибка, п.п.",
        height=300,
        grid="y",
    )
    return theme.compose(layers, frame, _error_title(x, y, region, rows["n"].iloc[0]), subtitle)


def _read_off(x: np.ndarray, y: np.ndarray, n: int) -> pd.DataFrame:
    names = [f"Результат {wording.number(at, 1)}{NO_BREAK_SPACE}%" for at in x]
    hints = [f"ошибка {wording.number(at, 1)}{NO_BREAK_SPACE}п.п.; {wording.size(n)}" for at in y]
    return pd.DataFrame({"x": x, "y": y, "name": names, "hint": hints})


def _error_title(x: np.ndarray, y: np.ndarray, region: Region, n: int) -> str:
    cuts = [100 * cut for cut in region.diagnostics.cuts.values() if cut < 1]
    told = [
        f"у порога {wording.number(cut)}{NO_BREAK_SPACE}% — "
        f"{wording.number(np.interp(cut, x, y), 1)}{NO_BREAK_SPACE}п.п."
        for cut in cuts
    ]
    return f"Стандартная ошибка результата {', '.join(told)} ({wording.size(n)})"
