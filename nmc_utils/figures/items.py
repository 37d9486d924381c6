"""Competences, forms and items, for those who write the tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit

from nmc_utils import findings, theme, wording
from nmc_utils.figures.marks import PER_CENT, RATIO, Mark, Scale, mark_plot, placed
from nmc_utils.figures.rows import WAVE_WORDS, headline, selected, why_empty
from nmc_utils.regions import Region
from nmc_utils.wording import NO_BREAK_SPACE

OF_SUBSCORE = Mark("по своему баллу", "open", theme.MUTED, theme.GRID)
OF_TOTAL = Mark("по баллу всего теста", "tick", theme.INK, theme.GRID)
OF_BOTH = Mark("по обоим", "dot")


def subscore_value(subscores: pd.DataFrame, region: Region, *, wave: str = "entry") -> hv.Overlay:
    """How well a competence is predicted by its own score, by that of the whole test, by both.

    Parameters
    ----------
    subscores
        Measure table of `profiles.subscores`: how well a score predicts itself is its reliability.
    """
    measures = {
        "reliability": OF_SUBSCORE,
        "prmse_total": OF_TOTAL,
        "prmse_augmented": OF_BOTH,
    }
    tables = {mark.words: selected(subscores, name, wave=wave) for name, mark in measures.items()}
    title = headline(findings.profile(subscores, region, wave=wave))
    subtitle = (
        "Доля различий в компетенции, которую предсказывает балл (PRMSE): своего балла достаточно "
        "для отдельного вывода, только если он предсказывает лучше всего теста"
    )
    own = tables[OF_SUBSCORE.words]
    if not own["status"].eq("ok").any():
        return theme.reason(why_empty(own), title, subtitle)
    scale = replace(RATIO, label="доля предсказанных различий")
    return mark_plot(
        placed(tables, "domain", region.domain_names, scale=scale),
        list(measures.values()),
        scale=scale,
        title=title,
        subtitle=subtitle,
        write=lambda value: wording.number(value, 2),
    )


def bank_means(
    bank_means: pd.DataFrame, region: Region, *, domain: str, wave: str = "entry"
) -> hv.Overlay:
    """Mean of each form as expected per cent of the whole bank, beside the raw per cent.

    Parameters
    ----------
    bank_means
        Of `item_tables.bank_means`; forms that are not linked have no rows.
    """
    rows = selected(bank_means, "bank_mean", wave=wave, domain=domain)
    block = f"«{region.domain_names[domain]}»"
    subtitle = (
        f"Средний результат прошедших {WAVE_WORDS[wave]} диагностику, %; {block}; «своя форма» — "
        "несопоставимо между формами, «весь банк» — сопоставимо"
    )
    rows = rows[rows["status"] == "ok"]
    if rows.empty:
        words = "Несопоставимо: общих заданий у форм нет или ответы на задания не присланы"
        return theme.reason(words, f"{block}: формы между собой", subtitle)
    tables = {
        OWN_FORM.words: rows.assign(estimate=rows["raw_mean"], ci_low=np.nan, ci_high=np.nan),
        WHOLE_BANK.words: rows,
    }
    spread = [np.ptp(rows[name].to_numpy(float)) for name in ("raw_mean", "estimate")]
    raw, bank = (wording.number(100 * value, 1) for value in spread)
    return mark_plot(
        placed(tables, "form", {form: form for form in sorted(rows["form"])}, scale=PER_CENT),
        [OWN_FORM, WHOLE_BANK],
        scale=replace(PER_CENT, label="средний результат, %"),
        title=f"{block}: наибольшее различие форм — {raw}{NO_BREAK_SPACE}п.п. по своим заданиям, "
        f"{bank}{NO_BREAK_SPACE}п.п. по всему банку ({wording.size(rows['n'].sum())})",
        subtitle=subtitle,
        write=lambda value: wording.percent(value, 1),
    )


OWN_FORM = Mark("своя форма", "open", theme.MUTED, theme.GRID)
WHOLE_BANK = Mark("весь банк", "dot")
LOGITS = Scale("трудность, логиты", factor=1.0, is_signed=True)


def item_map(
    calibrated_items: pd.DataFrame,
    region: Region,
    *,
    domain: str,
    wave: str = "entry",
    form: str | None = None,
) -> hv.Overlay:
    """Difficulty of the items of one scale, from the hardest, and where the cut lies on it.

    Items of forms that are not linked have no common scale: then a form must be chosen.

    Parameters
    ----------
    calibrated_items
        Of `item_tables.calibrated_items`.
    form
        Only items of this form.
    """
    rows = calibrated_items[calibrated_items["domain"].eq(domain)]
    rows = rows[rows["wave"].eq(wave)]
    block = f"«{region.domain_names[domain]}»"
    title, subtitle = f"{block}: трудность заданий", "Трудность заданий в логитах, от трудных"
    if rows.empty:
        return theme.reason("Ответов на задания нет: трудность не оценивалась", title, subtitle)
    if form is not None:
        rows = rows[[form in names.split(", ") for names in rows["forms"]]]
    if _scales_of(rows) > 1:
        words = "Несопоставимо: формы не связаны общими заданиями; карта строится для одной формы"
        return theme.reason(words, title, subtitle)
    known = rows[rows["b"].notna()].sort_values("b", ascending=False)
    if known.empty:
        return theme.reason(str(rows["note"].iloc[0]), title, subtitle)
    return _item_map(known.astype({"b": float, "b_se": float, "a": float}), region, block)


def _scales_of(rows: pd.DataFrame) -> int:
    """How many sets of linked forms the items belong to."""
    linked: list[set[str]] = []
    for names in rows["forms"].unique():
        mine = set(names.split(", "))
        apart = [forms for forms in linked if not forms & mine]
        linked = [*apart, mine.union(*(forms for forms in linked if forms & mine))]
    return len(linked)


def _item_map(known: pd.DataFrame, region: Region, block: str) -> hv.Overlay:
    reach = 1.96 * known["b_se"]
    rows = known.assign(estimate=known["b"], ci_low=known["b"] - reach, ci_high=known["b"] + reach)
    rows = rows.assign(status="ok", note=None)
    scale = replace(LOGITS, is_signed=False, limits=_reach(rows), step=1.0)
    cut = region.diagnostics.deficit_cut
    at = _ability_at(known, cut)
    easier = f"{int(known['b'].lt(at).sum())} из {len(known)}" if at is not None else ""
    title = f"{block}: трудность {wording.plural(len(known), 'задания', 'заданий', 'заданий')}"
    if at is not None:
        title += f"; {easier} легче точки, где ожидается {wording.percent(cut)} верных ответов"
    return mark_plot(
        placed(
            {"трудность": rows},
            "item",
            {i: i for i in rows["item"]},
            scale=scale,
            gap=0.0,
            tell=_difficulty,
        ),
        [Mark("трудность", "dot")],
        scale=scale,
        title=f"{title} ({wording.size(known['n'].max())})",
        subtitle=(
            "Логиты: 0 — средний уровень первой группы прошедших; полоса — 95 % интервал; линия — "
            "уровень, при котором ожидаемый результат по этим заданиям равен порогу"
        ),
        write=lambda value: wording.number(value, 1),
        reference=None if at is None else (at, f"порог {wording.percent(cut)}"),
        row_height=17,
    )


def _difficulty(row: Mapping[str, Any]) -> str:
    values = (row[name] for name in ("estimate", "ci_low", "ci_high"))
    value, low, high = (wording.number(value, 1) for value in values)
    return f"{value} ({low}…{high}), {wording.size(row['n'])}"


def _reach(rows: pd.DataFrame) -> tuple[float, float]:
    return float(np.floor(rows["ci_low"].min())), float(np.ceil(rows["ci_high"].max()))


def _ability_at(known: pd.DataFrame, cut: float) -> float | None:
    """Ability at which the share `cut` of the items is expected right; of two scores only."""
    if known["model"].eq("gpcm").any():
        return None
    a, b = known["a"].to_numpy(), known["b"].to_numpy()
    return float(brentq(lambda theta: expit(a * (theta - b)).mean() - cut, -30, 30))
