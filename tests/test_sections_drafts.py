"""The section on routes names the command that writes drafts: the app itself reads no records."""

from __future__ import annotations

import pandas as pd
from invented_groups import groups_edition
from shown_sections import shown

from dashboards.sections.routes import section


def test_the_app_names_the_command_where_there_is_something_to_write(tmp_path):
    edition = groups_edition(tmp_path / "data")
    results = pd.DataFrame({"person_id": ["a1"], "domain": ["total"]})
    told = shown(section, edition, {"person_results": results})
    assert "nmc routes khakassia 2023" in told
    for tables in ({}, {"person_results": results.head(0)}):
        told = shown(section, edition, tables)
        assert "nmc routes" not in told
        assert "результатов отдельных людей в прогоне нет" in told.lower()
