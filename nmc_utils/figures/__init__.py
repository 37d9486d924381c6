"""Measure table → HoloViews: the figures of notebooks, documents and the app.

A figure is the same call on both backends: `use("matplotlib")` draws a static picture,
`use("bokeh")` the one of the app. Its title is its finding and is kept in the label of the
returned object: `heading` gives it back for a page that writes it outside the picture.

Frames are measure tables: shares are 0–1, a missing estimate has a status that says why.
"""

from __future__ import annotations

from nmc_utils.figures.collecting import COLLECTING, collection_matrix, rows_in_words
from nmc_utils.figures.diagnostics import (
    coverage_by_municipality,
    level_colours,
    level_shares_by_domain,
    level_shares_by_municipality,
    level_shares_heat,
    score_histogram,
)
from nmc_utils.figures.events import attended_by_municipality, events_by_level
from nmc_utils.figures.groups import group_labels, group_sizes, group_topics, topics_by_family
from nmc_utils.figures.indicators import indicator_attainment, indicator_trajectory
from nmc_utils.figures.items import bank_means, item_map, subscore_value
from nmc_utils.figures.mentoring import mentoring_reach, young_support_forms
from nmc_utils.figures.methodists import (
    methodist_load,
    methodist_load_by,
    methodist_roles,
    methodists_over_time,
)
from nmc_utils.figures.programmes import completions_by_base, registry_by_year
from nmc_utils.figures.progress import changes_by_domain, migration
from nmc_utils.figures.regions import (
    coverage_by_region,
    lowest_level_by_region,
    region_funnel,
    shared_indicator,
)
from nmc_utils.figures.reliability import (
    error_along_scale,
    hundred,
    levels_both_ways,
    reliability_by_domain,
    reliability_by_form,
)
from nmc_utils.figures.roadmap import PROGRESS_MARKS, roadmap_timeline
from nmc_utils.figures.routes import (
    audit_calendar,
    month_words,
    route_levels,
    route_stages,
    routes_each,
)
from nmc_utils.figures.rows import sentence, share
from nmc_utils.figures.seminars import (
    leader_load,
    plan_sizes,
    plan_variants,
    programme,
    uncovered_map,
    year_progress,
)
from nmc_utils.figures.subjects import (
    LEVEL_MARKS,
    functions_by_region,
    functions_matrix,
    matrix_rows,
    numbered_subjects,
)
from nmc_utils.figures.types import type_fit, type_profiles
from nmc_utils.theme import Heading, heading, use

__all__ = [
    "completions_by_base",
    "mentoring_reach",
    "registry_by_year",
    "young_support_forms",
    "COLLECTING",
    "Heading",
    "LEVEL_MARKS",
    "PROGRESS_MARKS",
    "attended_by_municipality",
    "bank_means",
    "changes_by_domain",
    "collection_matrix",
    "coverage_by_municipality",
    "coverage_by_region",
    "error_along_scale",
    "events_by_level",
    "functions_by_region",
    "functions_matrix",
    "group_labels",
    "group_sizes",
    "group_topics",
    "heading",
    "hundred",
    "indicator_attainment",
    "indicator_trajectory",
    "item_map",
    "leader_load",
    "level_colours",
    "level_shares_by_domain",
    "level_shares_by_municipality",
    "level_shares_heat",
    "levels_both_ways",
    "lowest_level_by_region",
    "matrix_rows",
    "migration",
    "numbered_subjects",
    "plan_sizes",
    "plan_variants",
    "programme",
    "region_funnel",
    "reliability_by_domain",
    "reliability_by_form",
    "roadmap_timeline",
    "rows_in_words",
    "score_histogram",
    "sentence",
    "share",
    "shared_indicator",
    "subscore_value",
    "topics_by_family",
    "type_fit",
    "type_profiles",
    "uncovered_map",
    "use",
    "year_progress",
    "audit_calendar",
    "methodist_load",
    "methodist_load_by",
    "methodist_roles",
    "methodists_over_time",
    "month_words",
    "route_levels",
    "route_stages",
    "routes_each",
]
