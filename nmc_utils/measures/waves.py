"""Scores of two waves of one test, checked before they are compared."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nmc_utils.measures.distributions import ROUNDING


def check_options(reliability: float, cut: float, level: float) -> None:
    """Refuse a reliability, a cut or a coverage that is none."""
    if not 0 < reliability < 1:
        raise ValueError(
            "Надёжность должна лежать строго между 0 и 1, а дано "
            f"{str(reliability).replace('.', ',')}"
        )
    if not np.isfinite(cut):
        raise ValueError(f"Пороговый балл должен быть числом, а дано {cut}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")


def wave_scores(scores: pd.Series, wave: str) -> pd.Series:
    """Scores of one wave as numbers, without those who were not tested."""
    if not isinstance(scores, pd.Series):
        raise TypeError(f"scores must be a Series by person, got {type(scores).__name__}")
    if repeated := int(scores.index.duplicated().sum()):
        raise ValueError(f"Один человек назван дважды: повторных записей {wave}: {repeated}")
    numbers = pd.to_numeric(scores, errors="coerce").astype("Float64").astype(float)
    if wrong := int((numbers.isna() & scores.notna() | np.isinf(numbers)).sum()):
        raise ValueError(f"Не число среди данных {wave}: записей {wrong} из {len(scores)}")
    return numbers.dropna()


def check_waves(everyone: pd.Series, after: pd.Series, max_score: float | None) -> None:
    """Refuse waves that allow no comparison, or scores outside 0…max_score."""
    if after.empty:
        raise ValueError("В итоговой диагностике нет ни одного результата")
    if strangers := int((~after.index.isin(everyone.index)).sum()):
        raise ValueError(
            f"Результатов итоговой диагностики {len(after)}, из них без результата входной "
            f"{strangers}: изменение считается для тех, у кого есть оба"
        )
    if len(after) < 2:
        raise ValueError(
            "Результаты обеих диагностик есть у 1 человека: для изменения и его интервала нужны "
            "хотя бы 2"
        )
    if np.ptp(everyone) == 0:
        raise ValueError(
            f"Все результаты входной диагностики равны (их {len(everyone)}): разброса нет, "
            "и ожидаемое при повторном тестировании не определено"
        )
    both = pd.concat([everyone, after])
    if max_score is not None and (
        outside := int((~both.between(0, max_score * (1 + ROUNDING))).sum())
    ):
        raise ValueError(
            f"Баллы вне пределов от 0 до {str(max_score).replace('.', ',')}: "
            f"записей {outside} из {len(both)}"
        )
