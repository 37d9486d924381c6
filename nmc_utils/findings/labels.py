"""Words for the codes in key columns of tables on the support of teachers."""

from __future__ import annotations

import pandas as pd

from nmc_utils.regions import Region
from nmc_utils.terms import (
    CHOICES,
    MENTORING_FORMS,
    POSITIONS,
    PROGRAMME_BASES,
    REACHES,
    READINGS,
    SITE_KINDS,
    SPANS,
    STAGES,
    TOTAL,
    UNSTATED,
)

_WORDS = {
    "form": MENTORING_FORMS,
    "reach": REACHES,
    "stage": STAGES,
    "reading": READINGS,
    "choice": CHOICES,
    "kind": SITE_KINDS,
    "span": SPANS,
    "base": PROGRAMME_BASES,
    "position": POSITIONS,
    "of": {"teams": "от команд в таблице", "organizations": "от всех организаций"},
    "recorded_in": {"organizations": "отметка организации", "registries": "запись реестра"},
    "basis": {"recorded": "записи издания", "published": "опубликовано"},
}


def in_words(table: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Put Russian words for the codes in the key columns of a table; other texts stay."""
    words = {name: names for name, names in _WORDS.items() if name in table}
    if "municipality" in table:
        words["municipality"] = region.municipality_names
    words |= {name: {} for name in ("topic", "year", "title") if name in table}
    common = {TOTAL: "всего", UNSTATED: "не указано"}
    return table.assign(
        **{name: table[name].replace({**common, **names}) for name, names in words.items()}
    )
