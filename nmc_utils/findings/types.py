"""Types of teachers by their deficits: what they are, how stable, and what they are not for."""

from __future__ import annotations

from typing import Any

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.sentences import Sentence, row_of, rows_of, stopped
from nmc_utils.terms import TOTAL

_NOT_FOR = "Тип описывает, не распределяет: в группы семинаров по нему никого не назначают"


def types(types: pd.DataFrame) -> Sentence:
    """Say how many types describe the deficits, how stable they are, and what they are not for.

    Parameters
    ----------
    types
        Measure table of `type_tables.type_measures`, of one procedure.
    """
    count = _of_all(types, "type_count")
    if count["status"] != "ok":
        return Sentence(stopped(f"Типы педагогов по набору дефицитов: {wording.with_note(count)}"))
    limits = f" {count['note']}" if isinstance(count["note"], str) else ""
    told = _one(types, count) if count["estimate"] == 1 else _several(types, count)
    return Sentence(f"{told}{limits} {_NOT_FOR}.")


def type_support(types: pd.DataFrame) -> str:
    """Write in how many of the resamples there are as many types: «в 83 из 100 …».

    For tables where more than one number of types was tried.

    Parameters
    ----------
    types
        As of `types`.
    """
    row = _of_all(types, "type_count_support")
    times = wording.number(row["estimate"] * row["n"])
    return f"в {times} из {wording.number(row['n'])} повторных выборок"


def _of_all(types: pd.DataFrame, measure: str) -> dict[str, Any]:
    return row_of(types, measure=measure, type=TOTAL, domain=TOTAL)


def _level_is_enough(types: pd.DataFrame) -> bool:
    return _of_all(types, "level_is_enough").get("estimate") == 1


def _one(types: pd.DataFrame, count: dict[str, Any]) -> str:
    if _of_all(types, "type_count_support")["status"] != "ok":
        return _unchecked(types, count)
    level = "; различается только общий уровень" if _level_is_enough(types) else ""
    return (
        "Отдельные типы педагогов по набору дефицитов не выделяются: достаточно одного "
        f"({wording.size(count['n'])}; так же {type_support(types)}){level}."
    )


def _unchecked(types: pd.DataFrame, count: dict[str, Any]) -> str:
    """Say that one type is no finding where no more than one was tried."""
    level = (
        "; один общий уровень описывает дефициты лучше одного типа"
        if _level_is_enough(types)
        else ""
    )
    return (
        "Есть ли отдельные типы педагогов по набору дефицитов, проверить нельзя: рассматривался "
        f"только один, сравнивать не с чем ({wording.size(count['n'])}){level}."
    )


def _several(types: pd.DataFrame, count: dict[str, Any]) -> str:
    number = wording.plural(int(count["estimate"]), "тип", "типа", "типов")
    asked = wording.number(_n_domains(types))
    parts = [
        f"{wording.percent(share['estimate'])} "
        f"({wording.percent_interval(share['ci_low'], share['ci_high'])}) — в среднем "
        f"{wording.number(mean['estimate'], 1)} из {asked}"
        for share, mean in zip(
            rows_of(types, measure="type_share").to_dict("records"),
            rows_of(types, measure="type_deficits").to_dict("records"),
            strict=True,
        )
    ]
    alike = _of_all(types, "type_agreement")
    return (
        f"По набору дефицитов педагоги описываются как {number} ({wording.size(count['n'])}): "
        f"{'; '.join(parts)}. {_difference(types)} Столько же типов {type_support(types)}. "
        f"Совпадение состава типов: скорректированный индекс Рэнда {wording.estimate(alike)}, "
        f"{alike['note']} (1 — состав совпал полностью, 0 — как у случайных)."
    )


def _n_domains(types: pd.DataFrame) -> int:
    return rows_of(types, measure="type_deficit_share")["domain"].nunique()


def _difference(types: pd.DataFrame) -> str:
    if _level_is_enough(types):
        return (
            "Один общий уровень описывает дефициты лучше, чем типы: типы здесь — ступени этого "
            "уровня."
        )
    if _of_all(types, "types_are_ordered")["estimate"]:
        return (
            "Типы различаются только общим уровнем: ни в одной компетенции их порядок не нарушен "
            "больше, чем на погрешность."
        )
    return "Типы различаются набором дефицитов, а не только общим уровнем."
