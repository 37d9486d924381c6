"""Schools with low results, management teams and sites: answers worked by hand."""

from datetime import date

import pandas as pd
import pytest
from conftest import CHECKOUT
from scipy import stats

from nmc_utils import findings
from nmc_utils.editions import Edition, Period
from nmc_utils.measures.dictionary import check_measures, is_sensitive
from nmc_utils.measures.organizations import (
    low_performing,
    low_performing_work,
    management_teams,
    sites,
)
from nmc_utils.regions import read_region

EDITION = Edition(
    region=read_region(CHECKOUT / "data", "khakassia"),
    period=Period.parse("2023"),
    origin="submitted",
    as_of=date(2023, 12, 31),
    status="draft",
    root=CHECKOUT / "data",
)
#: Organisation, municipality, ШНОР, supported since, internship site, innovation site.
ORGANIZATIONS = [
    ("o1", "abakan", True, "2023-02-01", True, False),
    ("o2", "abakan", True, "2024-02-01", False, False),
    ("o3", "abaza", True, None, True, True),
    ("o4", "abaza", False, "2023-02-01", False, False),
    ("o5", "sorsk", False, None, False, False),
]


def organizations(rows=ORGANIZATIONS):
    names = ["organization_id", "municipality", "is_low_performing", "supported_on"]
    frame = pd.DataFrame(rows, columns=[*names, "is_internship_site", "is_innovation_site"])
    return frame.assign(supported_on=pd.to_datetime(frame["supported_on"]))


def by(table, *keys):
    return check_measures(table).set_index(["measure", *keys])


def test_schools_supported_since_the_day_or_before_are_counted_of_all():
    table = low_performing({"organizations": organizations()}, EDITION)
    rows = by(table, "municipality")
    assert rows.loc[("low_performing", "total"), "estimate"] == 3
    assert rows.loc[("low_performing_supported", "total"), "estimate"] == 1, "o2 later, o4 is none"
    share = rows.loc[("low_performing_supported_share", "total")]
    low, high = stats.binomtest(1, 3).proportion_ci(method="wilson")
    assert share[["estimate", "n", "ci_low", "ci_high"]].tolist() == pytest.approx(
        [1 / 3, 3, low, high], abs=1e-12
    )
    assert rows.loc[("low_performing_municipalities", "total"), "estimate"] == 2
    none = rows.loc[("low_performing_supported_share", "sorsk")]
    assert none[["status", "note"]].tolist() == ["no_data", "организаций с признаком ШНОР нет"]
    assert not is_sensitive(table)


def _work():
    """p1 works in o1 and has an open route; p2's ended a year before; p3 works in o4."""
    return {
        "organizations": organizations(),
        "employment": pd.DataFrame(
            {
                "person_id": ["p1", "p1", "p2", "p3"],
                "organization_id": ["o1", "o4", "o2", "o4"],
                "is_main": [True, False, True, True],
            }
        ),
        "routes": pd.DataFrame(
            {
                "person_id": ["p1", "p1", "p2", "p3"],
                "opened_on": pd.to_datetime(
                    ["2023-02-01", "2023-05-01", "2021-02-01", "2023-02-01"]
                ),
                "closed_on": pd.to_datetime([None, None, "2022-05-01", None]),
                "status": ["running", "running", "done", "running"],
            }
        ),
        "events": pd.DataFrame(
            {
                "event_id": ["e1", "e2", "e3"],
                "direction": ["low_performing", "low_performing", "gifted"],
                "held_on": pd.to_datetime(["2023-03-01", "2022-03-01", "2023-03-01"]),
            }
        ),
        "attendance": pd.DataFrame(
            {"person_id": ["p1", "p9", "p2", "p3"], "event_id": ["e1", "e1", "e2", "e3"]}
        ),
        "mentoring": pd.DataFrame(
            {
                "mentor_organization_id": ["o5", "o3"],
                "mentee_organization_id": ["o1", "o4"],
                "from_on": pd.to_datetime(["2023-01-01", "2023-01-01"]),
                "to_on": pd.to_datetime([None, None]),
                "status": ["running", "stopped"],
            }
        ),
    }


def test_what_is_recorded_of_their_teachers_stands_side_by_side():
    table = low_performing_work(_work(), EDITION)
    assert by(table)["estimate"].to_dict() == {
        "low_performing_route_persons": 1,
        "low_performing_route_schools": 1,
        "low_performing_event_persons": 2,
        "low_performing_mentoring_schools": 1,
    }
    assert is_sensitive(table)


def test_a_route_that_ended_nobody_knows_when_is_not_open():
    tables = _work()
    tables["routes"] = tables["routes"].assign(status="stopped", closed_on=pd.NaT)
    rows = by(low_performing_work(tables, EDITION))
    assert rows.loc["low_performing_route_persons", "estimate"] == 0


@pytest.mark.parametrize(
    ("lacking", "measure", "note"),
    [
        ("routes", "low_performing_route_persons", "не прислана таблица «ИОМ»"),
        ("attendance", "low_performing_event_persons", "не прислана таблица «Участие»"),
        ("mentoring", "low_performing_mentoring_schools", "не прислана таблица «Наставничество»"),
    ],
)
def test_each_record_is_missing_by_itself(lacking, measure, note):
    tables = {name: frame for name, frame in _work().items() if name != lacking}
    rows = by(low_performing_work(tables, EDITION))
    assert rows.loc[measure, ["status", "note"]].tolist() == ["no_data", note]
    assert rows["status"].eq("ok").any()


def teams():
    """Four teams: trained in 2023, in 2022, never, and one of an organisation nobody knows."""
    dates = pd.to_datetime(["2023-04-01", "2022-04-01", None, "2023-04-01"])
    return pd.DataFrame({"organization_id": ["o1", "o3", "o5", "x"], "trained_on": dates})


def test_teams_are_counted_of_teams_and_of_organisations():
    tables = {"teams": teams(), "organizations": organizations()}
    rows = by(management_teams(tables, EDITION), "span", "of", "municipality")
    trained = {
        (span, of): rows.loc[("teams_trained_share", span, of, "total"), ["estimate", "n"]].tolist()
        for span in ("period", "cumulative")
        for of in ("teams", "organizations")
    }
    assert trained == {
        ("period", "teams"): [0.5, 4],
        ("period", "organizations"): [0.2, 5],
        ("cumulative", "teams"): [0.75, 4],
        ("cumulative", "organizations"): [0.4, 5],
    }
    place = rows.loc[("teams_trained", "cumulative", "organizations", "abaza")]
    assert place[["estimate", "n"]].tolist() == [1, 2]


def test_teams_without_organisations_have_one_denominator():
    rows = by(management_teams({"teams": teams()}, EDITION), "of", "span", "municipality")
    gap = rows.loc[("teams_trained_share", "organizations", ["period", "cumulative"], "total"), :]
    assert set(gap["note"]) == {"не прислана таблица «Организации»"}
    whole = check_measures(management_teams({}, EDITION))
    assert set(whole["note"]) == {"не прислана таблица «Управленческие команды»"}


def test_organisations_of_a_municipality_that_sent_no_teams_are_in_no_share():
    status = pd.DataFrame(
        {"municipality": ["abakan", "abaza"], "table": "teams", "is_sent": [True, False]}
    )
    tables = {"teams": teams(), "organizations": organizations(), "status": status}
    rows = by(management_teams(tables, EDITION), "span", "of", "municipality")
    whole = rows.loc[("teams_trained_share", "cumulative", "organizations", "total")]
    assert whole[["estimate", "n"]].tolist() == [pytest.approx(1 / 3), 3], "o1 of o1, o2, o5"
    assert whole["note"] == "данные 12 из 13 муниципальных образований"


def test_sites_by_mark_and_by_register_are_two_numbers():
    registries = pd.DataFrame(
        {
            "kind": ["internship_site", "internship_site", "expert"],
            "entry_id": ["1", "2", "1"],
            "municipality": ["abakan", None, "abakan"],
            "since_on": pd.to_datetime(["2022-01-01", "2024-01-01", None]),
            "to_on": pd.to_datetime([None, None, None]),
        }
    )
    tables = {"organizations": organizations(), "registries": registries}
    table = sites(tables, EDITION)
    rows = by(table, "kind", "recorded_in", "municipality")["estimate"]
    assert rows["sites", "internship", "organizations", "total"] == 2
    assert rows["sites", "internship", "registries", "total"] == 1, "the other is of 2024"
    assert rows["sites", "innovation", "organizations", "abaza"] == 1
    assert rows["sites", "innovation", "registries", "total"] == 0
    assert not is_sensitive(table)
    alone = check_measures(sites({"organizations": organizations()}, EDITION))
    assert set(alone.query("recorded_in == 'registries'")["note"]) == {
        "не прислана таблица «Реестры»"
    }


def test_order_of_rows_changes_nothing():
    tables, turned = _work(), {name: frame[::-1] for name, frame in _work().items()}
    for measure in (low_performing, low_performing_work, sites):
        pd.testing.assert_frame_equal(measure(tables, EDITION), measure(turned, EDITION))


def test_sentences_carry_counts_and_intervals():
    tables = {"organizations": organizations(), "teams": teams()}
    told = findings.low_performing(low_performing(tables, EDITION)).replace("\u00a0", " ")
    assert told == (
        "ШНОР — 3 в 2 муниципальных образованиях; адресное сопровождение идёт в 1 из 3: "
        "33 % (6–79 %, n = 3)."
    )
    told = findings.management_teams(management_teams(tables, EDITION)).replace("\u00a0", " ")
    assert told == (
        "Повысили квалификацию 75 % (30–95 %, n = 4) управленческих команд из таблицы, за этот "
        "период — 50 %; от всех организаций это 40 % (12–77 %, n = 5)."
    )
    assert "не прислана таблица" in findings.management_teams(management_teams({}, EDITION))


def test_one_number_by_both_denominators_and_spans_is_told_once():
    four = organizations(ORGANIZATIONS[:4])
    every = teams().head(0).reindex(range(4))
    every = every.assign(
        organization_id=four["organization_id"],
        trained_on=pd.to_datetime(["2023-03-01", None, None, None]),
    )
    table = management_teams({"organizations": four, "teams": every}, EDITION)
    told = findings.management_teams(table).replace("\u00a0", " ")
    assert told == (
        "Повысили квалификацию 25 % (5–70 %, n = 4) управленческих команд из таблицы, все — за "
        "этот период; в таблице есть команда каждой организации."
    )
