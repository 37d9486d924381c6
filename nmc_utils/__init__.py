"""Monitoring of teachers' professional competences: the names that notebooks and users rely on."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any

#: Public name → module that holds it, loaded on first use so that `nmc --help` stays quick.
_HOME = {
    "edition": "editions",
    "load": "tables",
    "stage": "results",
    "staged": "results",
    "kept_run": "results",
    "collected": "collecting",
    "conserved": "collecting",
    "held_reasons": "collecting",
    "remarks": "collecting",
    "changes": "collecting",
    "to_ask": "collecting",
    "share_interval": "measures.intervals",
    "mean_interval": "measures.intervals",
    "small_area_shares": "measures.intervals",
    "adjust_p": "measures.intervals",
    "funnel": "measures.intervals",
    "alpha": "measures.reliability",
    "composite_reliability": "measures.reliability",
    "classification_accuracy": "measures.classification",
    "deficit_probability": "measures.classification",
    "borderline_band": "measures.classification",
    "error_of_measurement": "measures.classification",
    "subscore_value": "measures.subscores",
    "augmented_subscores": "measures.subscores",
    "calibrate": "measures.irt",
    "score_eap": "measures.irt",
    "deficit_posterior": "measures.irt",
    "expected_share": "measures.irt",
    "theta_at": "measures.irt",
    "information": "measures.irt",
    "probabilities": "measures.irt",
    "item_fit": "measures.item_analysis",
    "person_fit": "measures.item_analysis",
    "mantel_haenszel": "measures.mantel_haenszel",
    "connected": "measures.linking",
    "stocking_lord": "measures.linking",
    "progress": "measures.progress",
    "ancova": "measures.progress",
    "selection_regression": "measures.progress",
    "all_answers": "measures.answers",
    "reliability_by_form": "measures.measurement",
    "measured": "measures.measured",
    "classification": "measures.precision",
    "error_along_scale": "measures.precision",
    "borderline_bands": "measures.precision",
    "level_certainty": "measures.certainty",
    "small_area_levels": "measures.distributions",
    "subscores": "measures.profiles",
    "profiles": "measures.profiles",
    "form_links": "measures.item_tables",
    "linking_notes": "measures.linking",
    "calibrated_items": "measures.item_tables",
    "bank_means": "measures.item_tables",
    "anchor_drift": "measures.item_tables",
    "comparable_groups": "measures.item_tables",
    "item_bias": "measures.item_tables",
    "unusual_answers": "measures.item_tables",
    "paired": "measures.entry_exit",
    "changes_by_form": "measures.entry_exit",
    "change_measures": "measures.entry_exit",
    "migration": "measures.entry_exit",
    "broken_down": "measures.distributions",
    "scored": "measures.distributions",
    "coverage": "measures.participation",
    "procedures_by_size": "measures.participation",
    "counted_level_shares": "measures.counts",
    "reporting": "measures.reporting",
    "held_out": "measures.reporting",
    "explained": "measures.reporting",
    "family_at_entry": "measures.seminar_needs",
    "plannable": "measures.seminar_needs",
    "level_shares": "measures.distributions",
    "score_distribution": "measures.distributions",
    "score_histogram": "measures.distributions",
    "deficits": "measures.seminar_needs",
    "members_and_reasons": "measures.seminar_tables",
    "leaders": "measures.seminar_needs",
    "reasons": "measures.seminar_tables",
    "seminar_groups": "measures.seminars",
    "seminar_needs": "measures.seminar_needs",
    "needs_table": "measures.seminar_needs",
    "seminar_year": "measures.seminar_questions",
    "year_coverage": "measures.seminar_questions",
    "year_programme": "measures.seminar_questions",
    "one_more_leader": "measures.seminar_questions",
    "seminar_sizes": "measures.seminar_questions",
    "seminar_variants": "measures.seminar_questions",
    "planner_tables": "measures.seminar_questions",
    "manual_moves": "measures.seminar_questions",
    "last_groups": "measures.kept_groups",
    "kept_tables": "measures.kept_groups",
    "uncovered": "measures.seminar_tables",
    "leader_load": "measures.seminar_tables",
    "meetings": "measures.seminar_tables",
    "check_plan": "measures.plan_check",
    "latent_classes": "measures.typology",
    "type_measures": "measures.type_tables",
    "type_fit": "measures.type_tables",
    "summary": "measures.seminar_tables",
    "topic_need": "measures.seminar_tables",
    "indicators": "measures.indicators",
    "readable": "wording",
    "with_unstated": "wording",
}
_MODULES = ("figures", "findings", "wording")

__all__ = [*_HOME, *_MODULES, "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("nmc-utils")
    if name in _MODULES:
        return import_module(f"nmc_utils.{name}")
    if name in _HOME:
        return getattr(import_module(f"nmc_utils.{_HOME[name]}"), name)
    raise AttributeError(f"module 'nmc_utils' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
