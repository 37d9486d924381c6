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
from nmc_utils.figures.groups import group_labels, group_sizes, group_topics, topics_by_family
from nmc_utils.figures.indicators import indicator_attainment
from nmc_utils.figures.items import bank_means, item_map, subscore_value
from nmc_utils.figures.progress import changes_by_domain, migration
from nmc_utils.figures.reliability import (
    error_along_scale,
    hundred,
    levels_both_ways,
    reliability_by_domain,
    reliability_by_form,
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
from nmc_utils.figures.types import type_fit, type_profiles
from nmc_utils.theme import Heading, heading, use

__all__ = [
    "COLLECTING",
    "Heading",
    "bank_means",
    "changes_by_domain",
    "collection_matrix",
    "coverage_by_municipality",
    "error_along_scale",
    "group_labels",
    "group_sizes",
    "group_topics",
    "heading",
    "hundred",
    "indicator_attainment",
    "item_map",
    "leader_load",
    "level_colours",
    "level_shares_by_domain",
    "level_shares_by_municipality",
    "level_shares_heat",
    "levels_both_ways",
    "migration",
    "plan_sizes",
    "plan_variants",
    "programme",
    "reliability_by_domain",
    "reliability_by_form",
    "rows_in_words",
    "score_histogram",
    "sentence",
    "share",
    "subscore_value",
    "topics_by_family",
    "type_fit",
    "type_profiles",
    "uncovered_map",
    "use",
    "year_progress",
]
