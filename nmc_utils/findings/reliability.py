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
        Measure table of `precision.classification`, of one procedure.
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
    told = f"примерно {wording.number(100 * row['estimate'])} на самом деле выше порога"
    return Sentence(f"{about}{who if about else capital(who)} {told} ({_of_hundred(row)}).")


def _of_hundred(row: Mapping[str, Any]) -> str:
    size = wording.size(row["n"])
    if pd.isna(row["ci_low"]):
        return f"без интервала, {size}"
    low, high = (wording.number(100 * row[name], 1) for name in ("ci_low", "ci_high"))
    return f"{low}–{high}, {size}"


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
        "между результатами — различия людей, остальное — погрешность"
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
    """Put the share of the lowest level by the document's rule beside that with error counted.

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
    text = f"{said} — {share(ruled)} по правилу документа{grounds(ruled)}"
    if counted["status"] != "ok":
        return Sentence(stopped(f"{text}; с учётом погрешности: {wording.with_note(counted)}"))
    return Sentence(
        f"{text} и {share(counted)} с учётом погрешности{grounds(counted)}: первый интервал — "
        f"повторение такой же процедуры, второй — погрешность измерения{_left_out(counted)}"
        f"{'' if region.diagnostics.document else '; порог не установлен документом'}."
    )


def _left_out(row: Mapping[str, Any]) -> str:
    """Who is not among those counted."""
    return f"; {row['note'].rstrip('.')}" if isinstance(row["note"], str) else ""


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

    Parameters
    ----------
    subscores
        Measure table of `profiles.subscores`, of one procedure.
    """
    rows = rows_of(subscores, wave=wave, measure="adds_value")
    known = rows[rows["status"] == "ok"]
    if rows.empty:
        return Sentence("Профиль компетенций не оценивался: результатов по компетенциям нет.")
    if known.empty:
        row = rows.iloc[0].to_dict()
        return Sentence(stopped(f"Различается ли профиль компетенций: {wording.with_note(row)}"))
    size = wording.size(known["n"].min())
    adding = set(known.loc[known["estimate"] == 1, "domain"])
    if not adding:
        return Sentence(
            "Профиль не различается, различается общий уровень: результат отдельной компетенции "
            f"не говорит о человеке больше, чем результат всего теста ({size})."
        )
    names = ", ".join(
        f"«{name}»" for domain, name in region.domain_names.items() if domain in adding
    )
    rest = "" if len(adding) == len(known) else "; в остальных различается общий уровень"
    return Sentence(f"Отдельно от общего уровня различаются: {names}{rest} ({size}).")


def scales(
    bank_means: pd.DataFrame, calibrated_items: pd.DataFrame, region: Region, *, wave: str = "entry"
) -> Sentence:
    """Say in which competences results of different forms compare, and in which they do not.

    Parameters
    ----------
    bank_means
        Of `item_tables.bank_means`, of one procedure.
    calibrated_items
        Of `item_tables.calibrated_items`, of one procedure.
    """
    items = rows_of(calibrated_items, wave=wave)
    if items.empty:
        return Sentence(
            "Ответов на задания нет: формы не связать, проценты разных форм несопоставимы."
        )
    order = [domain for domain in region.domain_names if domain in set(items["domain"])]
    linked = set(rows_of(bank_means, wave=wave)["domain"])
    named = {
        is_linked: ", ".join(
            f"«{region.domain_names[domain]}»"
            for domain in order
            if (domain in linked) == is_linked
        )
        for is_linked in (True, False)
    }
    text = []
    if named[True]:
        text.append(
            f"{named[True]}: формы связаны общими заданиями, результаты приведены к общему банку"
        )
    if named[False]:
        text.append(f"{named[False]}: общих заданий у форм нет, проценты разных форм несопоставимы")
    return Sentence(f"{'; '.join(text)}.")


def items(calibrated_items: pd.DataFrame, *, wave: str = "entry") -> Sentence:
    """Count the items that do not behave as the model expects, and those without parameters.

    Parameters
    ----------
    calibrated_items
        Of `item_tables.calibrated_items`, of one procedure.
    """
    rows = rows_of(calibrated_items, wave=wave)
    if rows.empty:
        return Sentence("Ответов на задания нет: задания не оценивались.")
    known = rows[rows["b"].notna()]
    tested = known["p_adjusted"].notna()
    wrong = int(known["p_adjusted"].lt(0.05).sum())
    text = (
        f"Откалибровано {_items(len(known))} из {len(rows)}; расходятся с моделью {wrong} "
        f"из {tested.sum()} (поправка на число проверок, 5 %)"
    )
    without = rows.loc[rows["b"].isna(), "note"].dropna().value_counts()
    for note, count in without.items():
        text += f"; без параметров {_items(count)}: {note}"
    return Sentence(stopped(text))


def _items(count: int) -> str:
    return wording.plural(count, "задание", "задания", "заданий")


def drift(anchor_drift: pd.DataFrame) -> Sentence:
    """Count the common items that are not equally difficult in all forms.

    Parameters
    ----------
    anchor_drift
        Of `item_tables.anchor_drift`, of one procedure.
    """
    known = anchor_drift[anchor_drift["b_drift"].notna()]
    if known.empty:
        return Sentence("Общих заданий с ответами нет: смещение не проверялось.")
    moved = known[known["is_drifting"].astype(bool)]
    checks = wording.plural(len(known), "проверки", "проверок", "проверок")
    if moved.empty:
        return Sentence(f"Ни одно общее задание не сместилось: из {checks} ни одной.")
    named = ", ".join(f"{row['item']} (форма {row['form']})" for row in moved.to_dict("records"))
    return Sentence(f"Сместились {len(moved)} из {checks}: {named}.")


_GROUPINGS = {"experience": "по стажу", "municipality_kind": "по виду муниципального образования"}


def bias(item_bias: pd.DataFrame) -> Sentence:
    """Count the items that are much harder for one of two groups with equal results.

    Parameters
    ----------
    item_bias
        Of `item_tables.item_bias`, of one procedure.
    """
    told = []
    for grouping, rows in item_bias.dropna(subset="delta").groupby("grouping", sort=False):
        large = rows[rows["category"].eq("C") & rows["p_adjusted"].lt(0.05)]
        items = wording.plural(len(rows), "задания", "заданий", "заданий")
        named = f": {', '.join(large['item'].astype(str))}" if len(large) else ""
        told.append(f"{_GROUPINGS.get(grouping, grouping)} — {len(large)} из {items}{named}")
    if not told:
        return Sentence("Задания по группам людей не сравнивались: ответов или групп нет.")
    return Sentence(
        f"При равных результатах заметно труднее для одной из групп: {'; '.join(told)}. Это повод "
        "перечитать задание, а не вывод о людях."
    )


def unusual(unusual_answers: pd.DataFrame) -> Sentence:
    """Say how many sets of answers are unusual for their result: a check of the data.

    Parameters
    ----------
    unusual_answers
        Of `item_tables.unusual_answers`, of one procedure.
    """
    known = unusual_answers[unusual_answers["status"] == "ok"]
    if known.empty:
        return Sentence("Необычные наборы ответов не искались: ответов или заданий мало.")
    low, high = (wording.percent(known["estimate"].agg(end), 1) for end in ("min", "max"))
    return Sentence(
        f"Необычных наборов ответов — от {low} до {high} по компетенциям и этапам "
        f"(n до {wording.number(known['n'].max())}); когда все отвечают всерьёз, их около 5 %. Это "
        "проверка данных, а не людей."
    )
