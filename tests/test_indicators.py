"""Indicators of a real region definition on published facts and on small tables."""

from datetime import date

import pandas as pd
import pytest
from conftest import CHECKOUT

from nmc_utils import findings, wording
from nmc_utils.editions import Edition, Period, read_region
from nmc_utils.measures.dictionary import check_measures
from nmc_utils.measures.indicators import indicators


def _edition(period="2023"):
    root = CHECKOUT / "data"
    return Edition(
        region=read_region(root, "khakassia"),
        period=Period.parse(period),
        origin="demonstration",
        as_of=date(2023, 12, 31),
        status="draft",
        root=root,
    )


@pytest.fixture
def tables():
    edition = _edition()
    organizations = pd.DataFrame(
        {
            "organization_id": ["o1", "o2", "o3", "o4"],
            "in_mentoring": [True, True, False, True],
            "is_internship_site": [True, False, False, False],
        }
    )
    return {
        "published": edition.published_facts,
        "staff": pd.DataFrame({"person_id": ["p1", "p2", "p3"]}),
        "methodists": pd.DataFrame(
            {"methodist_id": ["m1", "m1", "m2"], "role": ["methodist", "methodist", "tutor"]}
        ),
        "organizations": organizations,
    }


def _rows(table, indicator):
    return table[table["indicator"] == indicator].set_index(["variant", "basis"])


def test_teachers_per_methodist_shows_both_variants_and_the_published_number(tables):
    rows = _rows(check_measures(indicators(_edition(), tables)), "teachers_per_methodist")
    estimates = rows["estimate"]
    assert round(estimates["whole_rma", "published"], 1) == 99.3
    assert round(estimates["methodists_only", "published"], 1) == 121.2
    assert estimates["published", "published"] == 99
    assert (rows["attainment_label"] == "срок не наступил, ориентир 2024: уже выполнен").all()


def test_records_and_published_facts_never_mix(tables):
    rows = _rows(indicators(_edition(), tables), "teachers_per_methodist")
    recorded = rows.loc[("whole_rma", "recorded")]
    assert (recorded["numerator"], recorded["denominator"]) == (3, 2), "a member counts once"
    assert rows.loc[("methodists_only", "recorded"), "denominator"] == 1
    assert rows.loc[("whole_rma", "published"), "numerator"] == 11515


def test_what_nobody_published_or_recorded_is_no_data_never_zero(tables):
    table = indicators(_edition(), tables)
    for name in ("fr_dpp_share", "mgmt_teams_share", "young_support_share", "rip_dpp"):
        rows = _rows(table, name)
        assert (rows["status"] == "no_data").all() and rows["estimate"].isna().all()
        assert (rows["attainment_label"] == "нет данных").all()
    assert not (table["estimate"] == 0).any()


def test_a_missing_table_is_named(tables):
    del tables["organizations"]
    row = _rows(indicators(_edition(), tables), "internship_sites").loc[("sites", "recorded")]
    assert row["status"] == "no_data" and row["source"] == "нет таблицы «Организации»"


def test_a_count_is_judged_by_the_target_of_its_year(tables):
    row = _rows(indicators(_edition(), tables), "internship_sites").loc[("sites", "recorded")]
    assert (row["estimate"], row["target"], row["attainment"]) == (1, 10, "not_attained")


def test_shares_carry_wilson_and_cumulative_facts_name_their_span(tables):
    rows = _rows(indicators(_edition(), tables), "methodists_trained_share")
    row = rows.loc[("methodists_only", "published")]
    assert row["estimate"] == pytest.approx(71 / 95)
    assert (round(row["ci_low"], 3), round(row["ci_high"], 3)) == (0.652, 0.824)
    assert "за 2022-2023" in row["source"]
    assert row["attainment"] == "no_target"
    assert rows.loc[("published", "published"), "estimate"] == 0.75


def test_full_plan_without_a_plan_says_so(tables):
    rows = _rows(indicators(_edition(), tables), "iom_plan_share")
    assert rows.loc[("published", "published"), "attainment_label"] == (
        "достигнут; план не опубликован"
    )
    assert rows.loc[("plan", "published"), "status"] == "no_data"


@pytest.mark.parametrize(
    ("period", "attainment"),
    [("2022", "not_due"), ("2023", "attained"), ("2024", "attained"), ("2025", "no_target")],
)
def test_targets_are_of_their_year_and_never_carried_forward(tables, period, attainment):
    tables["organizations"] = pd.DataFrame(
        {"organization_id": range(12), "in_mentoring": True, "is_internship_site": True}
    )
    row = _rows(indicators(_edition(period), tables), "internship_sites")
    assert row.loc[("sites", "recorded"), "attainment"] == attainment


def test_a_quarter_is_not_judged_by_a_target_of_the_year(tables):
    row = _rows(indicators(_edition("2023-q2"), tables), "internship_sites")
    assert row.loc[("sites", "recorded"), "attainment"] == "no_target"


def test_the_status_of_an_indicator_is_its_best_known_row(tables):
    status = findings.indicator_status(indicators(_edition(), tables)).set_index("indicator")
    assert len(status) == len(_edition().region.indicators)
    assert status.loc["teachers_per_methodist", "variant"] == "published"
    assert status.loc["mentoring_org_share", "estimate"] == 0.98
    assert status.loc["internship_sites", "basis"] == "recorded"


def test_sentences_carry_the_numbers(tables):
    table = indicators(_edition(), tables)
    text = findings.variants(table, "teachers_per_methodist", "На одного методиста")
    text = text.replace(wording.THIN_SPACE, " ").replace(wording.NO_BREAK_SPACE, " ")
    assert "11 515 / 116 = 99,3" in text and "11 515 / 95 = 121,2" in text
    assert "опубликовано 99" in text
    assert text.endswith("Срок не наступил, ориентир 2024: уже выполнен.")
