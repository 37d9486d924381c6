"""Indicators of a real region definition on published facts and on small tables."""

from datetime import date

import pandas as pd
import pytest
from conftest import CHECKOUT

from nmc_utils import findings, wording
from nmc_utils.editions import Edition, Period
from nmc_utils.measures.dictionary import check_measures
from nmc_utils.measures.indicators import indicators
from nmc_utils.measures.periods import is_current
from nmc_utils.regions import Count, Quantity, read_region


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
    own = rows.loc[("published", "published")]
    assert own["estimate"] == 1 and own["attainment"] == "no_target"
    assert own["attainment_label"] == "плановое значение не установлено; план не опубликован"
    assert pd.isna(own["target_source"])
    assert rows.loc[("plan", "published"), "status"] == "no_data"


def test_sources_name_document_and_place(tables):
    table = indicators(_edition(), tables)
    load = _rows(table, "teachers_per_methodist")
    heading = "раздел «Характеристика контингента педагогических работников»"
    assert load.loc[("published", "published"), "source"] == (
        f"Мониторинг РС НМС, 2023 год, {heading}"
    )
    assert (load["target_source"] == "Положение о СНМС от 28.04.2023, раздел 5").all()
    sites = _rows(table, "internship_sites")
    assert (sites["target_source"] == "Положение о СНМС от 28.04.2023, дорожная карта").all()
    assert table["target_source"].notna().equals(table["target"].notna())


def _set(tables, which, **values):
    facts = tables["published"].copy()
    facts.loc[facts["metric"] == which, list(values)] = list(values.values())
    tables["published"] = facts


@pytest.mark.parametrize(
    ("metric", "unit", "message"),
    [
        ("iom_plan_share", "чел.", "«Выполнение плана.*единице «чел.», а нужна «%»"),
        ("teachers_per_methodist", "%", "единице «%», а нужна «чел.»"),
        ("rma_total", "%", "единице «%», а нужна «чел.» или «ед.» .Мониторинг РС НМС"),
        ("rma_methodists", "ед.", "доля, но числитель .* «чел.», а знаменатель — в «ед.»"),
    ],
)
def test_a_fact_in_another_unit_is_refused(tables, metric, unit, message):
    _set(tables, metric, unit=unit)
    with pytest.raises(ValueError, match=message):
        indicators(_edition(), tables)


def test_a_count_must_be_published_as_a_count(tables):
    _set(tables, "shnor_count", metric="rip_dpp")
    rows = _rows(indicators(_edition(), tables), "rip_dpp")
    assert rows.loc[("programmes", "published"), "estimate"] == 5
    _set(tables, "rip_dpp", unit="чел.")
    with pytest.raises(ValueError, match="единице «чел.», а нужна «ед.»"):
        indicators(_edition(), tables)


def test_what_a_document_gives_roughly_stays_rough(tables):
    table = indicators(_edition(), tables)
    assert table.loc[table["estimate"].notna(), "bound"].eq("exact").all()
    assert table.loc[table["estimate"].isna(), "bound"].isna().all()
    _set(tables, "mentoring_org_share", bound="about")
    _set(tables, "workforce_total", bound="more than")
    _set(tables, "rma_methodists", bound="more than")
    bound = indicators(_edition(), tables).set_index(["indicator", "variant", "basis"])["bound"]
    assert bound["mentoring_org_share", "published", "published"] == "about"
    assert bound["teachers_per_methodist", "whole_rma", "published"] == "more_than"
    assert bound["teachers_per_methodist", "methodists_only", "published"] == "about"
    assert bound["methodists_trained_share", "methodists_only", "published"] == "less_than"
    assert bound["teachers_per_methodist", "whole_rma", "recorded"] == "exact"


def test_a_yes_is_attained_and_a_no_is_not(tables):
    edition = _edition()
    first = edition.region.indicators[0].model_copy(update={"metric": "roadmap_exists"})
    region = edition.region.model_copy(update={"indicators": (first,)})
    edition = edition.model_copy(update={"region": region})
    _set(tables, "roadmap_exists", kind="actual")
    row = indicators(edition, tables).iloc[0]
    assert (row["estimate"], row["attainment"]) == (1, "attained")
    _set(tables, "roadmap_exists", number=0.0)
    assert indicators(edition, tables).iloc[0]["attainment"] == "not_attained"


def _counting(table, **where):
    """An edition whose one indicator counts rows of a table."""
    edition = _edition()
    sites = next(entry for entry in edition.region.indicators if entry.id == "internship_sites")
    count = Count(table=table, where=where)
    quantity = Quantity(label="число", count=count)
    variant = sites.variants[0].model_copy(update={"numerator": quantity})
    sites = sites.model_copy(update={"variants": (variant,)})
    region = edition.region.model_copy(update={"indicators": (sites,)})
    return edition.model_copy(update={"region": region})


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (
            {"is_site": True},
            "условие is_site: True: такого столбца нет; есть: organization_id, in_",
        ),
        ({"is_internship_site": "да"}, "условие is_internship_site: да не подходит; .*: true, fal"),
        ({"organization_id": True}, "условие organization_id: True не подходит; допустимо: текст"),
    ],
)
def test_a_condition_that_nothing_can_meet_is_refused_not_zero(tables, where, message):
    with pytest.raises(ValueError, match=message):
        indicators(_counting("organizations", **where), tables)


def test_a_condition_on_a_number_is_met_or_refused(tables):
    tables["staff"] = tables["staff"].assign(birth_year=pd.array([1970, None, 1980], "Int64"))
    row = indicators(_counting("staff", birth_year=1970), tables).iloc[0]
    assert row["estimate"] == 1
    with pytest.raises(ValueError, match="условие birth_year: 1970 не подходит; .*целое число"):
        indicators(_counting("staff", birth_year="1970"), tables)


def test_who_has_left_or_not_begun_is_not_counted(tables):
    dates = {"from_on": [None, "2023-12-31", "2024-01-01"], "to_on": ["2023-12-31", None, None]}
    left = {"from_on": ["2020-09-01"], "to_on": ["2023-02-01"]}
    when = pd.DataFrame({name: dates[name] + left[name] for name in dates}).astype("datetime64[us]")
    assert is_current(when, date(2023, 12, 31)).tolist() == [True, True, False, False]
    assert is_current(when, "2023-01-31").tolist() == [True, False, False, True]
    people = pd.DataFrame({"methodist_id": list("abcd"), "role": "methodist"})
    tables["methodists"] = people.join(when)
    rows = _rows(indicators(_edition(), tables), "teachers_per_methodist")
    assert rows.loc[("methodists_only", "recorded"), "denominator"] == 2
    jobs = pd.DataFrame({"person_id": list("aabc")}).join(when)
    assert (
        indicators(_counting("employment"), tables | {"employment": jobs}).iloc[0]["estimate"] == 1
    ), "one person, two workplaces"


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
