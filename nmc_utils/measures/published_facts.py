"""Facts and targets of the documents: those beside records of support, and all of a region.

Neither is ever mixed with records.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from nmc_utils.editions import Edition, Period
from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.document_checks import printed
from nmc_utils.published import YES_NO
from nmc_utils.terms import EVERY_YEAR, NO_DUE, NO_YEAR

Tables = Mapping[str, pd.DataFrame]

#: What is supported → the metrics of ``published.csv`` that speak of it.
TOPICS: dict[str, tuple[str, ...]] = {
    "mentoring": (
        "mentoring_org_share",
        "mentoring_covered_share",
        "mentoring_initial_schools",
        "mentoring_500plus_schools",
        "mentoring_shnor_schools",
        "mentoring_sum_check",
        "mentoring_project_schools",
        "mentoring_order_schools",
        "mentoring_forms",
        "contest_team_works",
        "contest_peer_works",
        "contest_total",
        "contest_nominations",
        "mentoring_project_years",
        "mentoring_from_year",
        "mentoring_until_year",
    ),
    "young": ("young_support_share",),
    "low_performing": ("shnor_count", "shnor_municipalities", "shnor_support_share"),
    "teams": ("mgmt_teams_share",),
    "programmes": (
        "dpp_expertise",
        "dpp_registry",
        "dpp_registry_share",
        "dpp_total",
        "dpp_total_registry_share",
        "mentoring_fr_dpp",
    ),
    "topics": (
        "dpp_topic_fl",
        "dpp_topic_design",
        "dpp_topic_assess",
        "dpp_topic_managers",
        "cnppm_dpp",
        "licence_dpp",
        "rip_dpp",
        "mentoring_dpp",
    ),
    "completions": (
        "fr_dpp_share",
        "cnppm_teachers",
        "cnppm_managers",
        "licence_teachers",
        "licence_managers",
    ),
    "sites": ("internship_sites", "rip_count"),
}
#: What else the documents give numbers of → the metrics of ``published.csv``.
FURTHER: dict[str, tuple[str, ...]] = {
    "system": (
        "roadmap_exists",
        "roadmap_developed",
        "roadmap_from_year",
        "monitoring_from_year",
        "monitoring_frequency",
        "municipalities_total",
        "centre_agreements",
        "communities",
    ),
    "staff": (
        "workforce_total",
        "teachers_implied",
        "cnppm_staff_total",
        "cnppm_staff_fulltime",
        "cnppm_staff_parttime",
        "cnppm_staff_contract",
        "cnppm_staff_sum_check",
        "cnppm_fulltime_share",
    ),
    "methodists": (
        "rma_total",
        "rma_curator",
        "rma_head",
        "rma_tutors",
        "rma_coordinators",
        "rma_methodists",
        "rma_sum_check",
        "rma_subjects",
        "rma_subjects_listed",
        "rma_trained_year",
        "rma_trained_share",
        "methodists_trained",
        "methodists_trained_share",
        "methodists_trained_share_calc",
        "teachers_per_methodist",
        "teachers_per_methodist_roadmap",
        "teachers_per_methodist_95",
        "teachers_per_rma_member",
    ),
    "diagnostics": (
        "diagnostic_cut",
        "regional_diagnosed",
        "regional_diagnosed_change",
        "fioko_assessed",
        "fioko_assessed_change",
        "diagnosed_sum",
        "gia_report_sections",
    ),
    "routes": (
        "iom_count",
        "iom_plan_share",
        "iom_coverage",
        "iom_per_methodist",
        "iom_sections",
        "mgmt_iom_share",
        "managers_iup",
        "iup_annual",
    ),
    "courses": (
        "academy_managers",
        "internship_annual",
        "burnout_course_hours",
        "course_hours_curator",
        "course_hours_academy",
        "manager_course_runs",
    ),
    "events": (
        "events",
        "seminars_assessment",
        "webinars_vpr",
        "planning_seminars",
        "nmm_participants",
        "shnor_events",
        "horizontal_learning_share",
        "contest_share",
        "practices_bank",
    ),
}
#: Endings of what goes with a metric above: the roadmap's own target, a sum or a share worked out.
_VARIANTS = ("_roadmap", "_calc", "_sum")
#: What goes with a metric above under a name of its own.
_OTHER_NAMES = {
    "young_age_limit": "young_support_share",
    "dpp_registry_result": "dpp_registry",
    "dpp_topics_explicit_sum": "dpp_topic_managers",
}
#: Topic → its name, in the order of `document_facts`.
TOPIC_NAMES = {
    "system": "Система и документы",
    "staff": "Кадры",
    "methodists": "РМА и методисты",
    "diagnostics": "Диагностика",
    "routes": "ИОМ и учебные планы",
    "programmes": "Программы",
    "topics": "Программы: темы и места",
    "completions": "Окончившие программы",
    "courses": "Курсы и стажировки",
    "teams": "Управленческие команды",
    "mentoring": "Наставничество",
    "young": "Молодые педагоги",
    "low_performing": "ШНОР",
    "sites": "Площадки",
    "events": "Мероприятия и практики",
    "other": "Другое",
}
#: Topics of which facts of earlier years are shown too: their subject is the series of years.
_SERIES = ("programmes",)
#: Share → the metrics of what stands above and below its line, where a document gives both.
_OF_COUNTS = {"dpp_registry_share": ("dpp_registry", "dpp_expertise")}
_MEASURES = {"%": "published_share", "чел.": "published_persons", "ед.": "published_count"}
_MEASURES |= {YES_NO: "published_answer"}
NO_COUNTS = "числитель и знаменатель не опубликованы"
COMPUTED = "расчёт по числам документа"
LATER = "за время после периода издания"
_BASES = {"target": ("target", "план"), "derived": ("derived", COMPUTED)}
_STATED = ("published", "опубликовано")
_YEARS = re.compile(r"(20\d\d)-(20\d\d)")


def facts_beside(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Facts and targets of the documents, by what they speak of.

    Taken are those of the edition's period, of a span of years that ends with it, of every year and
    without a year; of programmes those of earlier years too. Nothing is told of a time beyond the
    edition's. A target of another year is not taken: it decides nothing about this one.

    Parameters
    ----------
    tables
        ``tables["published"]`` are the region's facts of all periods.

    Returns
    -------
    DataFrame
        Measure table with keys `topic` (a key of `TOPICS`), `metric`, `fact_period` and `basis`
        (``published``, ``target``, or ``derived``: worked out of other numbers of a document);
        shares are 0–1. `label` is the fact in words, `bound` how
        exactly it is meant, `basis_label` the basis in words, `source` document and section; `n`
        is what a share is of, where a document gives it, else `note` says that it does not.
    """
    facts = tables["published"]
    rows = [
        _row(fact, topic, facts, edition)
        for topic, metrics in TOPICS.items()
        for metric in metrics
        for fact in facts[facts["metric"] == metric].to_dict("records")
        if _is_told(fact, topic, facts["period"], edition.period)
    ]
    columns = ["topic", "metric", "fact_period", "basis", *ESTIMATE_COLUMNS]
    columns += ["variant", "bound", "basis_label", "label", "source", "note"]
    return pd.DataFrame(rows, columns=columns).astype({"estimate": float, "n": "Int64"})


def document_facts(edition: Edition) -> pd.DataFrame:
    """List every fact and target that the documents of the region give, of all periods.

    Facts of a time that goes beyond the edition's stand in it with a `note` that says so.

    Returns
    -------
    DataFrame
        Measure table with keys `region`, `period`, `topic` (a key of `TOPIC_NAMES`), `metric`,
        `fact_period` and `basis` as in `facts_beside`, by topic, metric and period. `topic_name`
        is the topic in words, `value` the number as the document prints it, with its unit, or
        «да»; shares are 0–1. `label`, `bound`, `basis_label`, `source` and `note` as in
        `facts_beside`.
    """
    facts = edition.published_facts
    rows = []
    for fact in facts.to_dict("records"):
        topic, place = _topic_and_place(fact["metric"])
        row = _row(fact, topic, facts, edition)
        row |= {
            "topic_name": TOPIC_NAMES[topic],
            "value": printed(pd.Series(fact)).replace(" ", "\u00a0"),
        }
        if fact["kind"] != "target" and _is_later(fact["period"], edition.period):
            row["note"] = "; ".join(filter(None, [LATER, row["note"]]))
        rows.append(row | {"by_topic": list(TOPIC_NAMES).index(topic), "place": place})
    columns = ["topic", "metric", "fact_period", "basis", *ESTIMATE_COLUMNS, "value"]
    columns += ["topic_name", "bound", "basis_label", "label", "source", "note"]
    by = ["by_topic", "place", "metric", "fact_period", "basis"]
    table = pd.DataFrame(rows, columns=[*columns, "by_topic", "place"])
    table = table.sort_values(by, kind="stable", ignore_index=True)[columns]
    return edition.keyed(table.astype({"estimate": float, "n": "Int64"}))


def _topic_and_place(metric: str) -> tuple[str, int]:
    """The topic of a metric and its place in it; ``other`` where a region has one of its own."""
    name = _OTHER_NAMES.get(metric, metric)
    names = {name, *(name.removesuffix(end) for end in _VARIANTS)}
    for topic, metrics in (FURTHER | TOPICS).items():
        for place, known in enumerate(metrics):
            if known in names:
                return topic, place
    return "other", 0


def _is_told(fact: Mapping[str, Any], topic: str, given: pd.Series, period: Period) -> bool:
    """Whether a fact may stand beside records of `period`."""
    if fact["kind"] != "target" and _is_later(fact["period"], period):
        return False
    return topic in _SERIES or fact["period"] in _periods(given, period)


def _is_later(written: str, period: Period) -> bool:
    """Whether a time, as ``published.csv`` writes it, goes beyond the end of `period`."""
    if written in (EVERY_YEAR, NO_YEAR, NO_DUE):
        return False
    if span := _YEARS.fullmatch(written):
        return int(span[2]) > period.ends_on.year
    return Period.parse(written.replace("/", "-")).ends_on > period.ends_on


def _periods(given: pd.Series, period: Period) -> set[str]:
    """Periods of facts, as ``published.csv`` writes them, that speak of `period`."""
    mine = {EVERY_YEAR, NO_YEAR, NO_DUE}
    if period.kind == "academic_year":
        return mine | {period.text.replace("-", "/")}
    if period.kind == "calendar_year":
        mine |= set(_spans(given, period.year))
    return mine if period.kind == "cumulative" else mine | {period.text}


def _spans(given: pd.Series, year: int) -> Iterator[str]:
    for written in given[given.str.fullmatch(r"20\d\d-20\d\d")].unique():
        first, last = map(int, written.split("-"))
        if first <= year <= last:
            yield written


def _row(fact: Mapping[str, Any], topic: str, facts: pd.DataFrame, edition: Edition) -> dict:
    is_share = fact["unit"] == "%"
    total, note = pd.NA, None
    basis, basis_label = _BASES.get(fact["kind"], _STATED)
    if is_share and fact["kind"] == "actual":
        given = _counts_of(fact, facts)
        total, note = (given[1], None) if given else (pd.NA, NO_COUNTS)
    document = edition.region.document(fact["document"]).short
    return {
        "topic": topic,
        "metric": fact["metric"],
        "fact_period": fact["period"],
        "basis": basis,
        "basis_label": basis_label,
        "measure": _MEASURES.get(fact["unit"], "published_number"),
        "estimate": fact["number"] / (100 if is_share else 1),
        **dict.fromkeys(("std_error", "ci_low", "ci_high"), np.nan),
        "interval_kind": "none",
        "n": total,
        "status": "ok",
        "variant": "published",
        "bound": fact["bound"].replace(" ", "_"),
        "label": fact["label"],
        "source": f"{document}, {fact['locator']}",
        "note": note,
    }


def _counts_of(fact: Mapping[str, Any], facts: pd.DataFrame) -> tuple[int, int] | None:
    """What stands above and below the line of a share, in facts of the same period."""
    numbers = []
    for metric in _OF_COUNTS.get(fact["metric"], ()):
        found = facts[(facts["metric"] == metric) & (facts["period"] == fact["period"])]
        numbers += [int(value) for value in found["number"]]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None
