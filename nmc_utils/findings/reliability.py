"""How far the level of a result can be trusted, in words that a head understands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.sentences import (
    Sentence,
    about_domain,
    capital,
    grounds,
    measured_domain,
    noted,
    row_of,
    rows_of,
    share,
    stopped,
)
from nmc_utils.measures.certainty import ADVICE
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL


def false_deficits(
    classification: pd.DataFrame, region: Region, *, wave: str = "entry", domain: str | None = None
) -> Sentence:
    """Say of how many of a hundred with the lowest level the true result is above the cut.

    Parameters
    ----------
    classification
        Measure table of `precision.classification`, of one procedure; `n` are those at or below
        the cut.
    """
    domain = measured_domain(region, domain)
    lowest = region.diagnostics.lowest
    keys = {"wave": wave, "domain": domain, "level": lowest.code}
    row = row_of(classification, measure="false_deficit_share", **keys)
    about = about_domain(region, domain)
    who = f"из 100 педагогов {lowest.words}"
    if row["status"] != "ok":
        begun = capital(f"{about}сколько {who} на самом деле выше порога")
        return Sentence(stopped(f"{begun}: {wording.with_note(row)}"))
    told = f"примерно {wording.per_hundred(row['estimate'])} на самом деле выше порога"
    size = f"{wording.size(row['n'])} с результатом ≤ {wording.percent(lowest.up_to)}"
    begun = f"{about}{who if about else capital(who)}"
    return Sentence(stopped(f"{begun} {told} ({_of_hundred(row)}{size}){noted(row)}"))


def _of_hundred(row: Mapping[str, Any]) -> str:
    if pd.isna(row["ci_low"]):
        return "" if isinstance(row["note"], str) else "без интервала, "  # the note says why
    return f"{wording.per_hundred_interval(row['ci_low'], row['ci_high'], 1)}, "


def reliability(reliability: pd.DataFrame, region: Region, *, wave: str = "entry") -> Sentence:
    """Say how reliable the result is, in the whole test and by competence.

    Parameters
    ----------
    reliability
        Measure table of `measurement.pooled_reliability`, of one procedure.
    """
    rows = rows_of(reliability, wave=wave, measure="reliability")
    whole = row_of(rows, domain=TOTAL)
    if whole["status"] != "ok":
        return Sentence(stopped(f"Надёжность результата: {wording.with_note(whole)}"))
    bounds = _bounds(whole)
    text = (
        f"Надёжность результата всего теста — {_ratio(whole['estimate'])} "
        f"({bounds}{wording.size(whole['n'])}): {wording.percent(whole['estimate'])} различий "
        "между результатами на этой форме в этот день — различия людей, остальное — погрешность"
    )
    known = rows[rows["domain"].ne(TOTAL) & rows["status"].eq("ok")]["estimate"]
    if len(known):
        text += f"; по компетенциям — от {_ratio(known.min())} до {_ratio(known.max())}"
    return Sentence(f"{text}. Источник: {whole['source']}.")


def _ratio(value: float) -> str:
    return wording.number(value, 2)


def _bounds(row: Mapping[str, Any]) -> str:
    if pd.isna(row["ci_low"]):
        return ""
    return f"{_ratio(row['ci_low'])}–{_ratio(row['ci_high'])}, "


def both_shares(
    level_shares: pd.DataFrame,
    level_certainty: pd.DataFrame,
    region: Region,
    *,
    wave: str = "entry",
) -> Sentence:
    """Put the share of the lowest level by the region's rule beside that with error counted.

    Parameters
    ----------
    level_shares
        Measure table of `distributions.level_shares`, of one procedure.
    level_certainty
        Measure table of `certainty.level_certainty`, of one procedure.
    """
    lowest, domain = region.diagnostics.lowest, region.diagnostics.result_domain
    keys = {"wave": wave, "domain": domain, "level": lowest.code}
    whole = {"municipality": TOTAL, "family": TOTAL}
    ruled = row_of(level_shares, measure="level_share", **keys, **whole)
    counted = row_of(level_certainty, measure="true_level_share", **keys)
    said = capital(lowest.words)
    if ruled["status"] != "ok":
        return Sentence(stopped(f"{said}: {wording.with_note(ruled)}"))
    text = f"{said} — {share(ruled)} {region.rule_words}{grounds(ruled)}"
    if counted["status"] != "ok":
        return Sentence(stopped(f"{text}; с учётом погрешности: {wording.with_note(counted)}"))
    return Sentence(
        f"{text} и {share(counted)} с учётом погрешности{grounds(counted)}: первый интервал — "
        f"повторение такой же процедуры, второй — погрешность измерения{noted(counted)}"
        f"{'' if region.diagnostics.document else '; порог не установлен документом'}."
    )


def borderline(level_certainty: pd.DataFrame, region: Region, *, wave: str = "entry") -> Sentence:
    """Say how many results are too near to a cut for their level to be sure.

    Parameters
    ----------
    level_certainty
        Measure table of `certainty.level_certainty`, of one procedure.
    """
    domain = region.diagnostics.result_domain
    keys = {"wave": wave, "domain": domain, "level": TOTAL}
    row = row_of(level_certainty, measure="borderline_share", **keys)
    if row["status"] != "ok":
        return Sentence(stopped(f"Пограничные результаты: {wording.with_note(row)}"))
    low, high = (wording.number(chance, 1) for chance in region.diagnostics.borderline)
    return Sentence(
        f"Пограничных результатов — {share(row)}{grounds(row)}: вероятность, что истинный "
        f"результат не выше порога, у них от {low} до {high}; их рекомендуется "
        f"{ADVICE['borderline']}."
    )


def profile(subscores: pd.DataFrame, region: Region, *, wave: str = "entry") -> Sentence:
    """Say which competences tell of a person more than the whole test does, if any.

    Only those are named whose gain over the whole test has an interval above 0; where it holds 0
    nothing is established.

    Parameters
    ----------
    subscores
        Measure table of `profiles.subscores`, of one procedure.
    """
    of_wave = rows_of(subscores, wave=wave)
    if of_wave.empty:
        return Sentence("Профиль компетенций не оценивался: результатов по компетенциям нет.")
    rows = rows_of(of_wave, measure="value_added")
    known = rows[rows["status"] == "ok"]
    if known.empty:
        row = (rows if len(rows) else of_wave).iloc[0].to_dict()
        why = wording.with_note(row) if len(rows) else "в этом прогоне не оценивалось"
        return Sentence(stopped(f"Различается ли профиль компетенций: {why}"))
    size = wording.size(known["n"].min())
    is_more, is_less = known["ci_low"] > 0, known["ci_high"] <= 0
    if is_less.all():
        return Sentence(
            "Профиль не различается, различается общий уровень: результат отдельной компетенции "
            f"не говорит о человеке больше, чем результат всего теста ({size})."
        )
    told = []
    if is_more.any():
        named = _named(known.loc[is_more, "domain"], region)
        told.append(f"отдельно от общего уровня различаются: {named}")
    if (unsure := ~is_more & ~is_less).any():
        named = _named(known.loc[unsure, "domain"], region)
        told.append(f"не установлено, различаются ли отдельно от общего уровня: {named}")
    if is_less.any():
        told.append("в остальных различается общий уровень")
    return Sentence(f"{capital('; '.join(told))} ({size}).")


def _named(domains: pd.Series, region: Region) -> str:
    """Names of competences in the order of the region."""
    chosen = set(domains)
    return ", ".join(f"«{name}»" for code, name in region.domain_names.items() if code in chosen)
