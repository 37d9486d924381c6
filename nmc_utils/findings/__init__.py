"""Sentences a head can read aloud, made from measure tables; each carries its n and interval."""

from __future__ import annotations

from nmc_utils.findings.collecting import (
    asked,
    conservation,
    held_out,
    newer_files,
    remarks,
    who_reported,
)
from nmc_utils.findings.council import council, paragraphs
from nmc_utils.findings.diagnostics import (
    BY_ANY,
    NO_ROUTE,
    hardest_domain,
    levels,
    lowest_level,
    most_frequent_domain,
    outliers,
    procedure_names,
    result_label,
    rules,
    who_was_tested,
)
from nmc_utils.findings.forms import bias, drift, items, scales, unusual
from nmc_utils.findings.groups import (
    at_most,
    group_labels,
    optimality,
    plan_criterion,
    seminar_plan,
)
from nmc_utils.findings.indicators import (
    BASES,
    BASIS_NAMES,
    attainment,
    indicator_status,
    variants,
)
from nmc_utils.findings.progress import attrition, moved, net_change, reliable_change
from nmc_utils.findings.reliability import (
    borderline,
    both_shares,
    false_deficits,
    profile,
    reliability,
)
from nmc_utils.findings.seminar_leaders import leader_load, one_more_leader
from nmc_utils.findings.seminars import (
    kept_groups,
    manual_moves,
    meetings,
    plan_notes,
    plan_sizes,
    plan_variants,
    programme,
    uncovered,
    year,
)
from nmc_utils.findings.sentences import Sentence, capital, measured_domain, stopped
from nmc_utils.findings.types import type_support, types
from nmc_utils.measures.certainty import ADVICE

__all__ = [
    "ADVICE",
    "BASES",
    "BASIS_NAMES",
    "BY_ANY",
    "NO_ROUTE",
    "Sentence",
    "asked",
    "at_most",
    "group_labels",
    "attainment",
    "attrition",
    "bias",
    "borderline",
    "both_shares",
    "capital",
    "conservation",
    "council",
    "drift",
    "false_deficits",
    "hardest_domain",
    "held_out",
    "indicator_status",
    "items",
    "kept_groups",
    "leader_load",
    "levels",
    "lowest_level",
    "manual_moves",
    "measured_domain",
    "meetings",
    "most_frequent_domain",
    "moved",
    "net_change",
    "newer_files",
    "one_more_leader",
    "optimality",
    "outliers",
    "paragraphs",
    "plan_criterion",
    "plan_notes",
    "plan_sizes",
    "plan_variants",
    "procedure_names",
    "profile",
    "programme",
    "reliability",
    "reliable_change",
    "remarks",
    "result_label",
    "rules",
    "scales",
    "seminar_plan",
    "stopped",
    "type_support",
    "types",
    "uncovered",
    "unusual",
    "variants",
    "who_reported",
    "who_was_tested",
    "year",
]
