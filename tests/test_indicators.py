"""Indicators of a real region definition on published facts and on small tables."""

from datetime import date

import pandas as pd
import pytest
from conftest import CHECKOUT

from nmc_utils import findings, wording
from nmc_utils.editions import Edition, Period
from nmc_utils.indicator_definitions import Quantity
from nmc_utils.measures.dictionary import check_measures
from nmc_utils.measures.indicators import indicators
from nmc_utils.measures.periods import is_current
from nmc_utils.populations import Count
from nmc_utils.regions import read_region


def _edition(period="2023", region="khakassia"):
    root = CHECKOUT / "data"
    return Edition(
        region=read_region(root, region),
        period=Period.parse(period),
        origin="demonstration",
        as_of=Period.parse(period).ends_on,
        status="draft",
        root=root,
    )


@pytest.fixture
def tables():
    edition = _edition()
    organizations = pd.DataFrame(
        {
            "organization_id": ["o1", "o2", "o3", "o4"],
            "municipality": "abakan",
            "in_mentoring": [True, True, False, True],
            "is_internship_site": [True, False, False, False],
        }
    )
    return {
        "published": edition.published_facts,
        "staff": pd.DataFrame({"person_id": ["p1", "p2", "p3"]}),
        "methodists": pd.DataFrame(
            {
                "methodist_id": ["m1", "m1", "m2"],
                "role": ["methodist", "methodist", "tutor"],
                "trained_on": pd.to_datetime(["2023-03-01", None, None]),
            }
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
    assert row["status"] == "no_data" and row["source"] == "не прислана таблица «Организации»"


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
    own = {"metric": "roadmap_exists", "not_judged": None}
    first = edition.region.indicators[0].model_copy(update=own)
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
        ({"is_site": True}, "столбца «is_site» в таблице organizations нет; .*есть: organizatio"),
        ({"is_internship_site": "да"}, "«да» не подходит; допустимо: true, false"),
        ({"organization_id": True}, "«true» не подходит; допустимо: текст"),
    ],
)
def test_a_condition_that_nothing_can_meet_is_refused_not_zero(where, message):
    with pytest.raises(ValueError, match=message):
        _counting("organizations", **where)


def test_a_condition_on_a_number_is_met_or_refused(tables):
    tables["staff"] = tables["staff"].assign(birth_year=pd.array([1970, None, 1980], "Int64"))
    row = indicators(_counting("staff", birth_year=1970), tables).iloc[0]
    assert row["estimate"] == 1
    with pytest.raises(ValueError, match="«1970» не подходит; .*целое число"):
        _counting("staff", birth_year="1970")


def test_who_has_left_or_not_begun_is_not_counted(tables):
    dates = {"from_on": [None, "2023-12-31", "2024-01-01"], "to_on": ["2023-12-31", None, None]}
    left = {"from_on": ["2020-09-01"], "to_on": ["2023-02-01"]}
    when = pd.DataFrame({name: dates[name] + left[name] for name in dates}).astype("datetime64[us]")
    assert is_current(when, date(2023, 12, 31)).tolist() == [True, True, False, False]
    assert is_current(when, "2023-01-31").tolist() == [True, False, False, True]
    people = pd.DataFrame({"methodist_id": list("abcd"), "role": "methodist"})
    people["trained_on"] = pd.Timestamp("2023-01-01")
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


# --- documents that differ from those of Хакасия --------------------------------------------------


def _of(region, period):
    edition = _edition(period, region)
    return check_measures(indicators(edition, {"published": edition.published_facts}))


def test_a_region_that_published_no_facts_shows_its_targets_alone():
    table = _of("altai", "2023")
    assert table["attainment"].eq("no_data").all() and table["estimate"].isna().all()
    targets = table.drop_duplicates("indicator").set_index("indicator")
    assert targets["target"].to_dict() == {
        "roadmap": 1,
        "monitoring": 1,
        "fr_dpp_share": 0.3,
        "mgmt_teams_share": 0.4,
        "shnor_support_share": 1,
        "teachers_per_methodist": 250,
        "young_support_share": 0.7,
        "mgmt_iom_share": 0.05,
    }
    undated = targets[targets["target_year"].isna()]
    assert list(undated.index) == ["shnor_support_share", "mgmt_iom_share"]
    assert targets.loc["roadmap", "target_year"] == 2023
    assert targets.loc["fr_dpp_share", "target_year"] == 2024


def test_five_of_eleven_programmes_stand_with_their_interval_beside_the_published_share():
    rows = _rows(_of("kostroma", "2022"), "dpp_registry_share")
    row = rows.loc[("expertise", "published")]
    assert (row["numerator"], row["denominator"]) == (5, 11)
    assert (round(row["ci_low"], 2), round(row["ci_high"], 2)) == (0.21, 0.72)
    assert rows.loc[("published", "published"), "estimate"] == 0.45
    assert row["attainment_label"] == "плановое значение не установлено"


def test_of_several_spans_that_end_in_a_year_the_shortest_counts():
    edition = _edition("2023", "kostroma")
    facts = edition.published_facts
    assert {"2023", "2021-2023"} <= set(facts.loc[facts["metric"] == "dpp_registry", "period"])
    rows = _rows(indicators(edition, {"published": facts}), "dpp_registry_share")
    assert rows.loc[("expertise", "published"), "denominator"] == 2
    without = facts[facts["period"] != "2023"]
    rows = _rows(indicators(edition, {"published": without}), "dpp_registry_share")
    assert rows.loc[("expertise", "published"), "denominator"] == 30
    assert "за 2021-2023" in rows.loc[("expertise", "published"), "source"]


def test_a_fact_without_a_year_is_shown_and_never_judged():
    table = _of("kostroma", "2022")
    sites = _rows(table, "internship_sites").loc[("sites", "published")]
    assert sites["estimate"] == 46 and sites["source"].endswith("год не указан")
    assert sites["attainment_label"].startswith(
        "плановое значение не установлено; год значения в документе не указан"
    )
    region = read_region(CHECKOUT / "data", "kostroma")
    target = {"year": 2022, "value": 10, "document": "slides_2023", "section": "слайд"}
    entries = [entry.model_dump() for entry in region.indicators]
    for entry in entries:
        if entry["id"] == "internship_sites":
            entry |= {"targets": [target], "comparator": ">="}
    planned = region.model_validate(region.model_dump() | {"indicators": entries})
    edition = _edition("2022", "kostroma").model_copy(update={"region": planned})
    table = indicators(edition, {"published": edition.published_facts})
    row = _rows(table, "internship_sites").loc[("sites", "published")]
    assert (row["estimate"], row["target"]) == (46, 10)
    assert row["attainment_label"] == "неприменим: год значения в документе не указан"


def test_a_fact_of_every_year_belongs_to_each():
    table = _of("kostroma", "2021").set_index(["indicator", "variant"])
    annual = table.loc[("iup_annual", "published")]
    assert (annual["estimate"], annual["bound"]) == (300, "about")
    assert annual["source"].endswith("ежегодно")


def test_targets_end_in_2024_and_are_not_carried_forward(tables):
    table = indicators(_edition("2025"), tables)
    known = table[table["status"] == "ok"]
    assert not known.empty and table["target"].isna().all()
    assert set(known["attainment_label"]) == {"плановое значение не установлено"}


@pytest.mark.parametrize(("count", "words"), [(4, "уже выполнен"), (1, "пока не выполнен")])
def test_a_target_without_a_date_never_falls_due(tables, count, words):
    region = read_region(CHECKOUT / "data", "khakassia")
    entries = [entry.model_dump() for entry in region.indicators]
    for entry in entries:
        if entry["id"] == "internship_sites":
            undated = {
                "undated": True,
                "value": 2,
                "document": "regulation_2023",
                "section": "раздел 5",
            }
            entry["targets"] = [undated]
    edition = _edition().model_copy(
        update={"region": region.model_validate(region.model_dump() | {"indicators": entries})}
    )
    tables["organizations"]["is_internship_site"] = [True] * count + [False] * (4 - count)
    row = _rows(indicators(edition, tables), "internship_sites").loc[("sites", "recorded")]
    assert row["attainment"] == "not_due"
    assert row["attainment_label"] == (f"срок не наступил: в документе срока нет, ориентир {words}")


def test_counts_that_a_region_sent_are_a_basis_of_their_own(tables):
    counts = pd.DataFrame(
        {
            "procedure_id": None,
            "wave": None,
            "measure": ["workforce_total", "rma_total"],
            "domain": "total",
            "level": None,
            "municipality": "total",
            "numerator": [900, 9],
            "denominator": None,
            "document": ["monitoring_2023", None],
        }
    )
    rows = _rows(indicators(_edition(), tables | {"aggregates": counts}), "teachers_per_methodist")
    row = rows.loc[("whole_rma", "aggregate")]
    assert row["estimate"] == 100
    assert row["source"] == (
        "сводные числа региона, Мониторинг РС НМС, 2023 год; сводные числа региона"
    )
    assert rows.loc[("whole_rma", "recorded"), "estimate"] == 1.5
    assert round(rows.loc[("whole_rma", "published"), "estimate"], 1) == 99.3
    beside = rows.loc[("methodists_only", "aggregate")]
    assert beside["status"] == "no_data" and "в сводных числах нет" in beside["source"]


def test_a_count_without_some_municipalities_is_shown_and_not_judged(tables):
    places = list(_edition().region.municipality_names)
    tables["status"] = pd.DataFrame(
        {
            "municipality": places,
            "table": "organizations",
            "is_sent": [True] * 12 + [False],
        }
    )
    row = _rows(indicators(_edition(), tables), "internship_sites").loc[("sites", "recorded")]
    assert row["estimate"] == 1
    assert row["attainment_label"] == "неприменим: данные 12 из 13 муниципальных образований"
    assert row["source"].endswith("«Организации», данные 12 из 13 муниципальных образований")


def _facts(**values):
    """Facts of 2023 of an indicator of shares: metric → (value, period, bound)."""
    rows = [
        {
            "metric": metric,
            "period": period,
            "value": str(value),
            "unit": "ед.",
            "kind": "count",
            "population": "",
            "document": "monitoring_2023",
            "locator": "раздел",
            "bound": bound,
            "label": metric,
            "number": float(value),
        }
        for metric, (value, period, bound) in values.items()
    ]
    return pd.DataFrame(rows)


def _teams(**values):
    table = indicators(_edition(), {"published": _facts(**values)})
    return _rows(table, "mgmt_teams_share").loc[("all_teams", "published")]


@pytest.mark.parametrize(
    ("trained", "total", "label"),
    [
        ((2, "2023", "exact"), (10, "2023", "exact"), "достигнут"),
        ((1, "2023", "more than"), (10, "2023", "exact"), "неприменим: значение названо прибл"),
        ((3, "2023", "more than"), (10, "2023", "exact"), "достигнут"),
        ((2, "2023", "about"), (10, "2023", "exact"), "неприменим: значение названо прибл"),
        ((1, "2023", "about"), (10, "2023", "exact"), "неприменим: значение названо прибл"),
        ((4, "2023", "exact"), (10, "2021-2023", "exact"), "неприменим: числитель за 2023, знам"),
    ],
)
def test_what_is_known_roughly_or_over_two_periods_does_not_decide(trained, total, label):
    row = _teams(mgmt_teams_trained=trained, mgmt_teams_total=total)
    assert row["target"] == 0.2 and row["attainment_label"].startswith(label)


def test_more_than_all_is_no_share_and_stops_nothing():
    row = _teams(mgmt_teams_trained=(12, "2023", "exact"), mgmt_teams_total=(11, "2023", "exact"))
    assert row["status"] == "no_data" and pd.isna(row["ci_low"])
    assert row["source"].endswith("числитель больше знаменателя, доля не вычислена")


def test_variants_are_judged_by_a_number_that_is_told():
    table = indicators(
        _edition(),
        {
            "published": _facts(
                workforce_total=(100, "2023", "exact"), rma_total=(5, "2023", "exact")
            )
        },
    )
    said = findings.variants(table, "teachers_per_methodist", "Нагрузка")
    assert "100 / 5 = 20" in said and "Нет данных" not in said
