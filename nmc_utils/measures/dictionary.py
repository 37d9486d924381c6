"""What every published number is: unit, Russian label, sensitivity and who made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

STATUSES = {
    "ok": "есть",
    "suppressed": "скрыто",
    "no_data": "нет данных",
    "not_assessed": "не оценивалось",
    "too_few_items": "мало заданий",
}
INTERVAL_KINDS = {
    "sample": "выборка",
    "process": "повторение такого же процесса",
    "measurement": "ошибка измерения",
    "small_area": "малая группа",
    "none": "без интервала",
}
#: Columns that every measure table has, after its keys.
ESTIMATE_COLUMNS = [
    "measure",
    "estimate",
    "std_error",
    "ci_low",
    "ci_high",
    "interval_kind",
    "n",
    "status",
]


@dataclass(frozen=True)
class Measure:
    """One entry of the dictionary.

    `unit` is share (0–1), pp (percentage points), persons, count, ratio or yes_no. `sensitive`
    measures are about individual persons' results or attributes and stay out of the public part
    of a run until disclosure control has passed them.
    """

    label: str
    unit: Literal["share", "pp", "persons", "count", "ratio", "yes_no"]
    sensitive: bool
    made_by: str


MEASURES: dict[str, Measure] = {
    "tested": Measure("прошли диагностику", "persons", True, "participation.coverage"),
    "tested_share": Measure("доля прошедших диагностику", "share", True, "participation.coverage"),
    "level_share": Measure(
        "доля с результатом уровня", "share", True, "distributions.level_shares"
    ),
    "score_mean": Measure(
        "средний результат, доля максимума", "share", True, "distributions.score_distribution"
    ),
    "score_sd": Measure(
        "стандартное отклонение, доля максимума", "share", True, "distributions.score_distribution"
    ),
    "score_q25": Measure("нижняя четверть", "share", True, "distributions.score_distribution"),
    "score_median": Measure("медиана", "share", True, "distributions.score_distribution"),
    "score_q75": Measure("верхняя четверть", "share", True, "distributions.score_distribution"),
    "score_bin_share": Measure(
        "доля с результатом в интервале", "share", True, "distributions.score_histogram"
    ),
    "small_area_share": Measure(
        "доля с результатом уровня с поправкой на малую численность",
        "share",
        True,
        "distributions.small_area_levels",
    ),
    "reliability": Measure(
        "надёжность результата", "ratio", True, "measurement.reliability_by_form"
    ),
    "accuracy": Measure("точность отнесения", "share", True, "precision.classification"),
    "consistency": Measure(
        "согласие двух параллельных форм", "share", True, "precision.classification"
    ),
    "kappa": Measure("каппа двух параллельных форм", "ratio", True, "precision.classification"),
    "false_deficit_share": Measure(
        "из не превысивших порог на самом деле выше порога",
        "share",
        True,
        "precision.classification",
    ),
    "missed_deficit_share": Measure(
        "из превысивших порог на самом деле не выше порога",
        "share",
        True,
        "precision.classification",
    ),
    "score_error": Measure(
        "ошибка измерения, доля максимума", "share", True, "precision.error_along_scale"
    ),
    "true_level_share": Measure(
        "доля уровня с учётом погрешности", "share", True, "certainty.level_certainty"
    ),
    "borderline_share": Measure(
        "доля пограничных результатов", "share", True, "certainty.level_certainty"
    ),
    "prmse_total": Measure(
        "предсказуемость компетенции по баллу всего теста", "ratio", True, "profiles.subscores"
    ),
    "prmse_augmented": Measure(
        "предсказуемость компетенции по её баллу и баллу всего теста",
        "ratio",
        True,
        "profiles.subscores",
    ),
    "value_added": Measure(
        "насколько балл компетенции предсказывает её лучше балла всего теста",
        "ratio",
        True,
        "profiles.subscores",
    ),
    "adds_value": Measure(
        "балл компетенции добавляет к баллу всего теста",
        "yes_no",
        True,
        "profiles.subscores",
    ),
    "bank_mean": Measure(
        "средний ожидаемый результат по всему банку", "share", True, "item_tables.bank_means"
    ),
    "unusual_share": Measure(
        "доля необычных наборов ответов", "share", True, "item_tables.unusual_answers"
    ),
    "observed_change": Measure("наблюдаемое изменение", "pp", True, "entry_exit.change_measures"),
    "expected_change": Measure(
        "изменение, ожидаемое при повторном тестировании", "pp", True, "entry_exit.change_measures"
    ),
    "net_change": Measure(
        "изменение сверх ожидаемого при повторном тестировании",
        "pp",
        True,
        "entry_exit.change_measures",
    ),
    "attrition_share": Measure(
        "доля не пришедших на выходную диагностику", "share", True, "attrition.attrition"
    ),
    "attrition_low_share": Measure(
        "доля не пришедших из не превысивших порог на входе", "share", True, "attrition.attrition"
    ),
    "attrition_high_share": Measure(
        "доля не пришедших из превысивших порог на входе", "share", True, "attrition.attrition"
    ),
    "attrition_difference": Measure(
        "результат на входе у пришедших выше, чем у не пришедших, на",
        "pp",
        True,
        "attrition.attrition",
    ),
    "reliable_rise_share": Measure(
        "доля с надёжным ростом", "share", True, "entry_exit.change_measures"
    ),
    "reliable_fall_share": Measure(
        "доля с надёжным снижением", "share", True, "entry_exit.change_measures"
    ),
    "migration_share": Measure("доля перешедших", "share", True, "entry_exit.migration"),
    "migration_expected_share": Measure(
        "доля перешедших, ожидаемая без изменений", "share", True, "entry_exit.migration"
    ),
    "plan_groups": Measure("группы", "count", True, "seminar_tables.summary"),
    "plan_led": Measure("группы с ведущим", "count", True, "seminar_tables.summary"),
    "plan_persons": Measure("педагоги в группах", "persons", True, "seminar_tables.summary"),
    "plan_completing": Measure(
        "педагоги без дефицитов, дополняющие группы", "persons", True, "seminar_tables.summary"
    ),
    "plan_without_group": Measure(
        "педагоги с дефицитами без группы", "persons", True, "seminar_tables.summary"
    ),
    "plan_no_deficit": Measure(
        "педагоги без дефицитов вне групп", "persons", True, "seminar_tables.summary"
    ),
    "plan_not_assessed": Measure(
        "педагоги, которых план не охватывает", "persons", True, "seminar_tables.summary"
    ),
    "plan_coverage": Measure("доля закрытых дефицитов", "share", True, "seminar_tables.summary"),
    "plan_precision": Measure("доля нужных тем", "share", True, "seminar_tables.summary"),
    "plan_gap": Measure("зазор до доказанной границы", "share", True, "seminar_tables.summary"),
    "plan_expected_coverage": Measure(
        "доля ожидаемых истинных дефицитов, закрытых темами",
        "share",
        True,
        "seminar_questions.seminar_variants",
    ),
    "plan_moved": Measure(
        "педагоги, у которых другая группа, чем в прежнем прогоне",
        "persons",
        True,
        "kept_groups.groups_kept",
    ),
    "plan_moved_bound": Measure(
        "перемещено в любом плане той же пользы, не меньше",
        "persons",
        True,
        "kept_groups.groups_kept",
    ),
    "uncovered_in_group": Measure(
        "дефицит есть, в группе другие темы", "persons", True, "seminar_tables.uncovered"
    ),
    "uncovered_alone": Measure(
        "дефицит есть, группы нет", "persons", True, "seminar_tables.uncovered"
    ),
    "round_groups": Measure("группы раунда", "count", True, "seminar_questions.year_coverage"),
    "round_persons": Measure(
        "педагоги в группах раунда", "persons", True, "seminar_questions.year_coverage"
    ),
    "round_covered": Measure(
        "дефициты, закрытые в раунде", "count", True, "seminar_questions.year_coverage"
    ),
    "year_coverage": Measure(
        "доля дефицитов, закрытых с начала года", "share", True, "seminar_questions.year_coverage"
    ),
    "programme_groups": Measure(
        "группы с этой темой", "count", True, "seminar_questions.year_programme"
    ),
    "programme_persons": Measure(
        "участники, которым тема нужна", "persons", True, "seminar_questions.year_programme"
    ),
    "leader_covered": Measure(
        "ещё один ведущий: закрытые дефициты", "count", True, "seminar_questions.one_more_leader"
    ),
    "leader_persons": Measure(
        "ещё один ведущий: педагоги в группах", "persons", True, "seminar_questions.one_more_leader"
    ),
    "leader_utility": Measure(
        "ещё один ведущий: критерий плана", "count", True, "seminar_questions.one_more_leader"
    ),
    "type_count": Measure("типы педагогов", "count", True, "type_tables.type_measures"),
    "type_count_support": Measure(
        "доля повторных выборок с тем же числом типов",
        "share",
        True,
        "type_tables.type_measures",
    ),
    "type_agreement": Measure(
        "согласие состава типов в повторных выборках (скорректированный индекс Рэнда)",
        "ratio",
        True,
        "type_tables.type_measures",
    ),
    "types_are_ordered": Measure(
        "типы различаются только общим уровнем", "yes_no", True, "type_tables.type_measures"
    ),
    "level_is_enough": Measure(
        "один общий уровень описывает дефициты лучше типов",
        "yes_no",
        True,
        "type_tables.type_measures",
    ),
    "type_share": Measure("доля типа", "share", True, "type_tables.type_measures"),
    "type_deficits": Measure(
        "ожидаемое число дефицитов у педагога типа", "count", True, "type_tables.type_measures"
    ),
    "type_deficit_share": Measure(
        "вероятность дефицита у педагога типа", "share", True, "type_tables.type_measures"
    ),
    "type_bic": Measure("критерий BIC", "ratio", True, "type_tables.type_fit"),
    "type_log_likelihood": Measure("логарифм правдоподобия", "ratio", True, "type_tables.type_fit"),
    "type_parameters": Measure("параметры модели", "count", True, "type_tables.type_fit"),
    "type_entropy": Measure(
        "определённость типов (относительная энтропия)", "ratio", True, "type_tables.type_fit"
    ),
    "type_support": Measure(
        "доля повторных выборок, в которых столько типов", "share", True, "type_tables.type_fit"
    ),
    "topic_need": Measure("нуждаются в теме", "persons", True, "seminar_tables.topic_need"),
    # Indicators are open: what they count of the records is restricted to `editions.COUNTED`.
    "indicator_share": Measure("показатель, доля", "share", False, "indicators.indicators"),
    "indicator_count": Measure("показатель, количество", "count", False, "indicators.indicators"),
    "indicator_persons": Measure("показатель, человек", "persons", False, "indicators.indicators"),
    "indicator_yes_no": Measure("показатель, да или нет", "yes_no", False, "indicators.indicators"),
}


def check_measures(table: pd.DataFrame) -> pd.DataFrame:
    """Return `table` if it is a measure table, else raise ValueError naming what is wrong.

    A missing estimate has a status that says why; bounds enclose the estimate; every measure is in
    the dictionary.
    """
    if absent := [name for name in ESTIMATE_COLUMNS if name not in table]:
        raise ValueError(f"measure table lacks columns {absent}")
    if unknown := sorted(set(table["measure"]) - set(MEASURES)):
        raise ValueError(f"measures not in the dictionary: {unknown}")
    if wrong := sorted(set(table["status"]) - set(STATUSES)):
        raise ValueError(f"unknown status {wrong}; allowed: {sorted(STATUSES)}")
    if wrong := sorted(set(table["interval_kind"]) - set(INTERVAL_KINDS)):
        raise ValueError(f"unknown interval_kind {wrong}; allowed: {sorted(INTERVAL_KINDS)}")
    given = table["estimate"].notna()
    if (given != (table["status"] == "ok")).any():
        raise ValueError("an estimate and status «ok» go together")
    bounded = table["ci_low"].notna() & table["ci_high"].notna()
    low, estimate, high = (
        table.loc[bounded, name].to_numpy(float) for name in ("ci_low", "estimate", "ci_high")
    )
    slack = 1e-9 * np.maximum(1, np.abs(estimate))
    if not ((low <= estimate + slack) & (estimate <= high + slack)).all():
        raise ValueError("an estimate lies outside its interval")
    return table


def is_sensitive(table: pd.DataFrame) -> bool:
    """Whether any measure of `table` is about individual persons' results or attributes."""
    return any(MEASURES[name].sensitive for name in table["measure"].unique())
