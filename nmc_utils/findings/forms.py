"""What is found of forms, items and answers, for those who write the tests."""

from __future__ import annotations

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.sentences import Sentence, rows_of, stopped
from nmc_utils.regions import Region


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
    known = set(items.loc[items["b"].notna(), "domain"])
    if not known:
        why = items["note"].dropna()
        return Sentence(stopped(f"Формы не связать: {why.iloc[0] if len(why) else 'нет оценок'}"))
    order = [domain for domain in region.domain_names if domain in known]
    linked = set(rows_of(bank_means, wave=wave, status="ok")["domain"])
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


#: Share of unusual sets of answers when everyone answers in earnest.
_USUAL = 0.05
#: A shift of so many standard errors is found in four cases of five at 5 %.
_SEEN = 2.8


def drift(anchor_drift: pd.DataFrame) -> Sentence:
    """Count the common items that were found to shift, and say how large a shift is seen at all.

    Parameters
    ----------
    anchor_drift
        Of `item_tables.anchor_drift`, of one procedure.
    """
    known = anchor_drift[anchor_drift["b_drift"].notna()]
    if known.empty:
        return Sentence("Общих заданий в откалиброванных формах нет: смещение не проверялось.")
    moved = known[known["is_drifting"].astype(bool)]
    checks = wording.plural(len(known), "проверки", "проверок", "проверок")
    text = f"Смещений общих заданий не обнаружено ни в одной из {checks}"
    if len(moved):
        pairs = zip(moved["item"], moved["form"], strict=True)
        named = ", ".join(f"{item} (форма {form})" for item, form in pairs)
        text = f"Смещение общих заданий обнаружено в {len(moved)} из {checks}: {named}"
    seen = wording.number(_SEEN * known["b_drift_se"].astype(float).median(), 1)
    return Sentence(f"{text}; смещение меньше примерно {seen} логита при этих n не видно.")


_GROUPINGS = {"experience": "по стажу", "municipality_kind": "по виду муниципального образования"}


def bias(item_bias: pd.DataFrame) -> Sentence:
    """Name the items found much easier for one of two groups with equal results, and for which.

    Parameters
    ----------
    item_bias
        Of `item_tables.item_bias`, of one procedure.
    """
    told = []
    for grouping, rows in item_bias.dropna(subset="delta").groupby("grouping", sort=False):
        large = rows[rows["category"].eq("C") & rows["p_adjusted"].lt(0.05)]
        found = f"{len(large)} из {len(rows)}{_by_group(large)}"
        told.append(f"{_GROUPINGS.get(grouping, grouping)} — {found}")
    if not told:
        return Sentence("Задания по группам людей не сравнивались: ответов или групп нет.")
    return Sentence(
        "Найдено заданий, заметно более трудных для одной из двух групп людей с равными "
        f"результатами: {'; '.join(told)}. Меньших различий эта проверка могла не увидеть. "
        "Найденное — повод перечитать задание, а не вывод о людях."
    )


def _by_group(large: pd.DataFrame) -> str:
    """Say which items are easier for which group; for the other they are harder."""
    parts = [
        f"легче для группы «{group}» — {', '.join(rows['item'].astype(str))}"
        for group, rows in large.groupby("easier_for", sort=False)
    ]
    return f" ({'; '.join(parts)})" if parts else ""


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
    above = int(known["ci_low"].gt(_USUAL).sum())
    usual = wording.percent(_USUAL)
    return Sentence(
        f"Необычных наборов ответов — от {low} до {high} по компетенциям и этапам "
        f"(n до {wording.number(known['n'].max())}); когда все отвечают всерьёз, их около {usual}: "
        f"интервал выше {usual} у {above} из {len(known)}. Это проверка данных, а не людей."
    )
