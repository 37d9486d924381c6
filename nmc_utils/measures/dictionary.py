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
    "methodist_members": Measure(
        "члены РМА", "persons", False, "methodists.methodists_composition"
    ),
    "methodist_trained_share": Measure(
        "доля членов РМА, прошедших повышение квалификации",
        "share",
        False,
        "methodists.methodists_composition",
    ),
    "methodist_trained_in_period_share": Measure(
        "доля членов РМА, прошедших повышение квалификации за период",
        "share",
        False,
        "methodists.methodists_composition",
    ),
    "methodist_load": Measure(
        "работников на одного", "persons", False, "methodists.methodist_load"
    ),
    "center_staff": Measure("сотрудники ЦНППМ", "persons", False, "methodists.center_staff"),
    "center_staff_share": Measure(
        "доля сотрудников ЦНППМ", "share", False, "methodists.center_staff"
    ),
    "tested_published": Measure(
        "прошли диагностику, по документу", "persons", False, "diagnosed.diagnosed"
    ),
    "route_plan": Measure("ИОМ по плану", "count", False, "diagnosed.routes_published"),
    "route_published": Measure(
        "люди с ИОМ, по документу", "persons", False, "diagnosed.routes_published"
    ),
    "route_plan_share": Measure(
        "выполнение плана ИОМ, по документу", "share", False, "diagnosed.routes_published"
    ),
    "route_count": Measure("ИОМ", "count", True, "routes.routes_summary"),
    "route_persons": Measure("люди с ИОМ", "persons", True, "routes.routes_summary"),
    "route_opened": Measure("составлено за период", "count", True, "routes.routes_summary"),
    "route_current": Measure("действующие ИОМ", "count", True, "routes.routes_summary"),
    "route_audit_due": Measure(
        "пора проводить методический аудит", "count", True, "routes.routes_summary"
    ),
    "route_overdue": Measure(
        "срок ИОМ истёк, ИОМ не завершён", "count", True, "routes.routes_summary"
    ),
    "route_undated": Measure("действующие ИОМ без срока", "count", True, "routes.routes_summary"),
    "route_agreed_organization_share": Measure(
        "доля согласованных администрацией ОО", "share", True, "routes.routes_summary"
    ),
    "route_agreed_methodist_share": Measure(
        "доля согласованных методистом", "share", True, "routes.routes_summary"
    ),
    "route_agreed_both_share": Measure(
        "доля согласованных и ОО, и методистом", "share", True, "routes.routes_summary"
    ),
    "route_overdue_share": Measure(
        "доля ИОМ с истёкшим сроком", "share", True, "routes.routes_summary"
    ),
    "route_audited_share": Measure(
        "доля прошедших аудит из тех, чей срок аудита наступил",
        "share",
        True,
        "routes.routes_summary",
    ),
    "route_coverage_share": Measure(
        "доля прошедших диагностику, у кого есть ИОМ", "share", True, "routes.routes_summary"
    ),
    "route_kind_matches_share": Measure(
        "доля ИОМ, вид которых следует из результата", "share", True, "routes.routes_summary"
    ),
    "route_audits": Measure(
        "ИОМ, аудит которых приходится на месяц", "count", True, "routes.routes_calendar"
    ),
    "route_audits_done": Measure("из них аудит проведён", "count", True, "routes.routes_calendar"),
    "route_audits_missed": Measure(
        "из них ИОМ завершён без аудита", "count", True, "routes.routes_calendar"
    ),
    "methodists_with_routes": Measure(
        "методисты с таким числом ИОМ", "persons", True, "routes.routes_per_methodist"
    ),
    "routes_each_mean": Measure(
        "ИОМ на методиста, в среднем", "count", True, "routes.routes_per_methodist"
    ),
    "routes_each_q25": Measure(
        "ИОМ на методиста, нижняя четверть", "count", True, "routes.routes_per_methodist"
    ),
    "routes_each_median": Measure(
        "ИОМ на методиста, медиана", "count", True, "routes.routes_per_methodist"
    ),
    "routes_each_q75": Measure(
        "ИОМ на методиста, верхняя четверть", "count", True, "routes.routes_per_methodist"
    ),
    "routes_of_others": Measure(
        "ИОМ без регионального методиста", "count", True, "routes.routes_per_methodist"
    ),
    "route_measures": Measure("мероприятия ИОМ", "count", True, "routes.route_measures_summary"),
    "route_measures_done_share": Measure(
        "доля выполненных мероприятий ИОМ", "share", True, "routes.route_measures_summary"
    ),
    "route_measures_past_share": Measure(
        "доля выполненных из мероприятий, срок которых прошёл",
        "share",
        True,
        "routes.route_measures_summary",
    ),
    "route_level_share": Measure(
        "доля ИОМ с мероприятиями уровня", "share", True, "routes.route_measures_summary"
    ),
    "mentoring_pairs": Measure(
        "наставнические пары и команды", "count", True, "mentoring.mentoring_summary"
    ),
    "mentoring_curator_share": Measure(
        "доля пар и команд с куратором", "share", True, "mentoring.mentoring_summary"
    ),
    "mentoring_tutor_share": Measure(
        "доля пар и команд с региональным тьютором", "share", True, "mentoring.mentoring_summary"
    ),
    "mentoring_organizations": Measure(
        "организации в наставничестве", "count", False, "mentoring.mentoring_organizations"
    ),
    "mentoring_organizations_share": Measure(
        "доля организаций в наставничестве", "share", False, "mentoring.mentoring_organizations"
    ),
    "contest_works": Measure(
        "работы на конкурсы наставничества", "count", False, "mentoring.mentoring_contests"
    ),
    "young_teachers": Measure(
        "педагоги до 35 лет в первые три года работы",
        "persons",
        True,
        "young_teachers.young_support",
    ),
    "young_supported": Measure(
        "из них получили поддержку", "persons", True, "young_teachers.young_support"
    ),
    "young_supported_share": Measure(
        "доля получивших поддержку", "share", True, "young_teachers.young_support"
    ),
    "low_performing": Measure("ШНОР", "count", False, "organizations.low_performing"),
    "low_performing_supported": Measure(
        "ШНОР с адресным сопровождением", "count", False, "organizations.low_performing"
    ),
    "low_performing_supported_share": Measure(
        "доля ШНОР с адресным сопровождением", "share", False, "organizations.low_performing"
    ),
    "low_performing_municipalities": Measure(
        "муниципальные образования, где есть ШНОР", "count", False, "organizations.low_performing"
    ),
    "low_performing_route_persons": Measure(
        "педагоги и руководители ШНОР с действующим ИОМ",
        "persons",
        True,
        "organizations.low_performing_work",
    ),
    "low_performing_route_schools": Measure(
        "ШНОР, где есть действующие ИОМ", "count", True, "organizations.low_performing_work"
    ),
    "low_performing_event_persons": Measure(
        "участники мероприятий по поддержке ШНОР",
        "persons",
        True,
        "organizations.low_performing_work",
    ),
    "low_performing_mentoring_schools": Measure(
        "ШНОР в действующих наставнических парах",
        "count",
        True,
        "organizations.low_performing_work",
    ),
    "teams_trained": Measure(
        "управленческие команды, повысившие квалификацию",
        "count",
        False,
        "organizations.management_teams",
    ),
    "teams_trained_share": Measure(
        "доля управленческих команд, повысивших квалификацию",
        "share",
        False,
        "organizations.management_teams",
    ),
    "sites": Measure("площадки", "count", False, "organizations.sites"),
    "programmes_expertise": Measure(
        "программы, направленные на экспертизу", "count", False, "programmes.programmes_by_year"
    ),
    "programmes_registry": Measure(
        "из них в Федеральном реестре", "count", False, "programmes.programmes_by_year"
    ),
    "programmes_registry_share": Measure(
        "доля программ в Федеральном реестре от направленных на экспертизу",
        "share",
        False,
        "programmes.programmes_by_year",
    ),
    "programmes": Measure("программы", "count", False, "programmes.programme_topics"),
    "programmes_listed": Measure(
        "программы в Федеральном реестре", "count", False, "programmes.programme_topics"
    ),
    "programme_hours": Measure(
        "объём программы, часов (медиана)", "count", False, "programmes.programme_topics"
    ),
    "completions_persons": Measure(
        "окончили программу", "persons", True, "programmes.completions_summary"
    ),
    "completions_share": Measure(
        "доля работников, окончивших программу", "share", True, "programmes.completions_summary"
    ),
    "published_share": Measure(
        "опубликованная доля", "share", False, "published_facts.facts_beside"
    ),
    "published_persons": Measure(
        "опубликовано, человек", "persons", False, "published_facts.facts_beside"
    ),
    "published_count": Measure(
        "опубликовано, единиц", "count", False, "published_facts.facts_beside"
    ),
    "published_answer": Measure(
        "опубликовано, да или нет", "yes_no", False, "published_facts.document_facts"
    ),
    "published_number": Measure(
        "опубликованное число", "ratio", False, "published_facts.document_facts"
    ),
    "events_held": Measure("проведено мероприятий", "count", False, "events.events_summary"),
    "events_planned": Measure("мероприятий впереди", "count", False, "events.events_summary"),
    "event_participations": Measure(
        "участий в мероприятиях", "count", False, "events.events_summary"
    ),
    "event_works": Measure(
        "работ, присланных на мероприятия", "count", False, "events.events_summary"
    ),
    "event_attendees": Measure(
        "участвовали в мероприятиях", "persons", True, "events.attendance_summary"
    ),
    "attended_share": Measure(
        "доля участвовавших в мероприятиях", "share", True, "events.attendance_summary"
    ),
    "registry_entries": Measure(
        "записей в реестре", "count", False, "registries.registers_summary"
    ),
    "registry_new": Measure(
        "новых записей за период", "count", False, "registries.registers_summary"
    ),
    "agreements": Measure(
        "действующих соглашений", "count", False, "registries.agreements_by_municipality"
    ),
    "agreements_ended": Measure(
        "соглашений с истёкшим сроком", "count", False, "registries.agreements_by_municipality"
    ),
    "agreement_municipalities": Measure(
        "муниципальных образований с действующим соглашением",
        "count",
        False,
        "registries.agreements_by_municipality",
    ),
    "agreements_documented": Measure(
        "соглашений по документам", "count", False, "registries.agreements_by_municipality"
    ),
    "document_plan": Measure(
        "намечено документом", "yes_no", False, "document_lists.document_plans"
    ),
    "document_named": Measure(
        "названо документом", "yes_no", False, "document_lists.document_lists"
    ),
    "roadmap_measures": Measure("мер дорожной карты", "count", False, "roadmap.roadmap_progress"),
    "recommendations": Measure("рекомендаций", "count", False, "roadmap.recommendations_summary"),
    "recommendations_overdue": Measure(
        "просроченных рекомендаций", "count", False, "roadmap.recommendations_summary"
    ),
    # Indicators are open: what they count of the records is restricted to `editions.COUNTED`.
    "indicator_share": Measure("показатель, доля", "share", False, "indicators.indicators"),
    "indicator_count": Measure("показатель, количество", "count", False, "indicators.indicators"),
    "indicator_persons": Measure("показатель, человек", "persons", False, "indicators.indicators"),
    "indicator_yes_no": Measure("показатель, да или нет", "yes_no", False, "indicators.indicators"),
    "indicator_share_of_persons": Measure(
        "показатель по записям о людях, доля", "share", True, "indicators.indicators"
    ),
    "indicator_count_of_persons": Measure(
        "показатель по записям о людях, количество", "count", True, "indicators.indicators"
    ),
    "indicator_persons_of_persons": Measure(
        "показатель по записям о людях, человек", "persons", True, "indicators.indicators"
    ),
    "indicator_yes_no_of_persons": Measure(
        "показатель по записям о людях, да или нет", "yes_no", True, "indicators.indicators"
    ),
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
