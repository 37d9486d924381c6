"""The РМА, its load and the staff of the centre: answers worked by hand."""

from datetime import date

import pandas as pd
import pytest
from conftest import CHECKOUT
from scipy import stats

from nmc_utils import figures
from nmc_utils.editions import Edition, Period
from nmc_utils.measures.diagnosed import diagnosed, routes_published
from nmc_utils.measures.dictionary import check_measures, is_sensitive
from nmc_utils.measures.methodists import (
    center_staff,
    methodist_load,
    methodists_composition,
    methodists_employment,
    methodists_over_time,
)
from nmc_utils.measures.tallies import tallied
from nmc_utils.regions import read_facts, read_region

REGION = read_region(CHECKOUT / "data", "khakassia")


def edition(code="khakassia", period="2023"):
    region = read_region(CHECKOUT / "data", code)
    return Edition(
        region=region,
        period=Period.parse(period),
        origin="submitted",
        as_of=date(int(period[:4]), 12, 31),
        status="draft",
        root=CHECKOUT / "data",
    )


EDITION = edition()
#: Person, role, subject, municipality, trained, from, to. m2 teaches two subjects; m5 has left.
MEMBERS = [
    ("c1", "curator", None, None, None, "2021-09-01", None),
    ("k1", "coordinator", None, "abakan", "2022-05-01", "2022-01-15", None),
    ("m1", "methodist", "математика", "abakan", "2023-03-01", "2022-02-01", None),
    ("m2", "methodist", "математика", "abaza", None, "2023-05-01", None),
    ("m2", "methodist", "физика", "abaza", None, "2023-05-01", None),
    ("m3", "methodist", "история", "abakan", "2024-02-01", None, None),
    ("m5", "methodist", "история", "sorsk", "2022-01-01", "2021-01-01", "2023-06-30"),
]


def methodists(rows=MEMBERS):
    names = ["methodist_id", "role", "subject", "municipality", "trained_on", "from_on", "to_on"]
    frame = pd.DataFrame(rows, columns=names).assign(employment_form="договор")
    dates = {name: pd.to_datetime(frame[name]) for name in names[-3:]}
    return frame.assign(**dates)


def staff(**places):
    """People by municipality: ``abakan=["математика", "история"]``; a manager has no subject."""
    rows = [(place, subject) for place, subjects in places.items() for subject in subjects]
    work = pd.DataFrame(rows, columns=["municipality", "subject"])
    work = work.assign(person_id=[f"p{n}" for n in range(len(work))], is_main=True)
    work = work.assign(from_on=pd.NaT, to_on=pd.NaT)
    work["position"] = work["subject"].map(lambda s: "teacher" if isinstance(s, str) else "manager")
    return {"staff": work[["person_id"]], "employment": work}


def tables(**more):
    people = staff(
        abakan=["математика"] * 4 + ["история"] * 2,
        abaza=["физика"] * 3,
        sorsk=["история", None],
    )
    return people | {"methodists": methodists()} | more


def at(table, measure, **keys):
    """The only row of a measure with these keys, the others being ``"total"``."""
    rows = table[table["measure"] == measure]
    for name in ("role", "municipality", "family"):
        if name in rows:
            rows = rows[rows[name] == keys.get(name, "total")]
    if "per" in keys:
        rows = rows[rows["per"] == keys["per"]]
    assert len(rows) == 1, (measure, keys, len(rows))
    return rows.iloc[0]


FAMILY = REGION.family_of_subject


def test_a_member_of_two_subjects_is_counted_once_and_who_left_is_not():
    table = check_measures(methodists_composition(tables(), EDITION))
    assert at(table, "methodist_members")["estimate"] == 5
    assert at(table, "methodist_members", role="methodist")["estimate"] == 3
    assert at(table, "methodist_members", municipality="abaza")["estimate"] == 1
    assert at(table, "methodist_members", municipality="sorsk")["estimate"] == 0, "m5 has left"
    assert at(table, "methodist_members", municipality="unstated")["estimate"] == 1, "the curator"
    mathematics = at(table, "methodist_members", family=FAMILY["математика"], role="methodist")
    assert mathematics["estimate"] == 2 and mathematics["n"] == 5
    by_place = table.query("measure == 'methodist_members' and role == 'total'")
    by_place = by_place.query("family == 'total' and municipality != 'total'")
    assert by_place["estimate"].sum() == 5
    assert not is_sensitive(table), "the РМА is a resource, open to everybody"


def test_trained_are_those_of_the_day_of_the_edition_and_of_its_period():
    table = methodists_composition(tables(), EDITION)
    ever = at(table, "methodist_trained_share")
    assert (ever["estimate"], ever["n"]) == (2 / 5, 5), "m3 is trained only in 2024"
    expected = stats.binomtest(2, 5).proportion_ci(method="wilson")
    assert (ever["ci_low"], ever["ci_high"]) == pytest.approx((expected.low, expected.high))
    assert at(table, "methodist_trained_in_period_share")["estimate"] == 1 / 5
    assert at(table, "methodist_trained_share", role="methodist")["estimate"] == pytest.approx(
        1 / 3
    )
    empty = at(table, "methodist_trained_share", municipality="sorsk")
    assert (empty["status"], empty["note"]) == ("no_data", "в РМА никого нет")


def test_without_a_single_date_nobody_is_called_untrained():
    undated = methodists().assign(trained_on=pd.NaT)
    table = methodists_composition(tables(methodists=undated), EDITION)
    row = at(table, "methodist_trained_share")
    assert row["status"] == "no_data"
    assert row["note"] == "в таблице «РМА» нет ни одной даты повышения квалификации"


def test_permuted_rows_change_nothing():
    mixed = tables(methodists=methodists(MEMBERS[::-1]))
    for measure in (methodists_composition, methodist_load, methodists_over_time):
        pd.testing.assert_frame_equal(measure(mixed, EDITION), measure(tables(), EDITION))


def test_the_past_of_the_team_is_told_by_its_own_dates():
    table = check_measures(methodists_over_time(tables(), EDITION))
    whole = table.query("role == 'total'").set_index("counted_on")["estimate"]
    days = ["2021-12-31", "2022-12-31", "2023-03-31", "2023-06-30", "2023-09-30", "2023-12-31"]
    assert whole.index.strftime("%Y-%m-%d").tolist() == days
    assert whole.tolist() == [3, 5, 5, 6, 5, 5], "m5 is there to the last day, m3 on every day"
    assert set(table["note"]) == {"у 1 чел. дата вступления не указана: посчитаны во все дни"}


def test_the_load_by_both_denominators_stands_side_by_side():
    table = check_measures(methodist_load(tables(), EDITION))
    member, methodist = (at(table, "methodist_load", per=p) for p in ("member", "methodist"))
    assert (member["numerator"], member["denominator"]) == (11, 5)
    assert (methodist["numerator"], methodist["denominator"]) == (11, 3)
    assert methodist["estimate"] == pytest.approx(11 / 3)
    assert at(table, "methodist_load", per="methodist", municipality="abakan")["estimate"] == 3
    physics = at(table, "methodist_load", per="methodist", family=FAMILY["физика"])
    assert (physics["numerator"], physics["denominator"]) == (3, 1)


def test_the_published_load_of_the_monitoring_is_reproduced():
    people = pd.DataFrame({"person_id": [f"p{n}" for n in range(11_515)]})
    roles = ["curator", "head"] + ["tutor"] * 6 + ["coordinator"] * 13 + ["methodist"] * 95
    rows = [(f"m{n}", role, None, None, None, None, None) for n, role in enumerate(roles)]
    table = methodist_load({"staff": people, "methodists": methodists(rows)}, EDITION)
    shown = [at(table, "methodist_load", per=p)["estimate"] for p in ("member", "methodist")]
    assert [round(value, 1) for value in shown] == [99.3, 121.2]
    away = at(table, "methodist_load", per="methodist", municipality="abakan")
    assert away["status"] == "no_data" and away["note"] == "не прислана таблица «Места работы»"


def test_a_municipality_without_methodists_has_no_load_and_never_infinity():
    table = methodist_load(tables(), EDITION)
    sorsk = at(table, "methodist_load", per="methodist", municipality="sorsk")
    assert (sorsk["status"], sorsk["numerator"], sorsk["n"]) == ("no_data", 2, 0)
    assert sorsk["note"] == "региональных методистов нет"
    placeless = methodists([(*row[:3], None, *row[4:]) for row in MEMBERS])
    table = methodist_load(tables(methodists=placeless), EDITION)
    row = at(table, "methodist_load", per="methodist", municipality="abakan")
    assert row["note"] == "у членов РМА муниципальное образование не указано"


def test_a_municipality_that_sent_no_staff_is_not_zero():
    status = pd.DataFrame(
        [(place, "staff", place != "abaza") for place in REGION.municipality_names],
        columns=["municipality", "table", "is_sent"],
    )
    table = check_measures(methodist_load(tables(status=status), EDITION))
    row = at(table, "methodist_load", per="member", municipality="abaza")
    assert row["note"] == "муниципальное образование этих сведений не прислало"
    assert pd.isna(row["numerator"])


@pytest.mark.parametrize(
    ("unsent", "note"),
    [
        (["staff"], "данные 12 из 13 муниципальных образований: знаменатель — весь РМА"),
        (["employment"], "данные 12 из 13 муниципальных образований: знаменатель — весь РМА"),
        (
            ["methodists"],
            "данные 12 из 13 муниципальных образований: числитель — работники всего региона",
        ),
        (["staff", "methodists"], "данные 12 из 13 муниципальных образований"),
    ],
)
def test_staff_of_a_part_of_the_region_is_not_divided_by_the_whole_team(unsent, note):
    status = pd.DataFrame(
        [(place, name, place != "abaza") for place in REGION.municipality_names for name in unsent],
        columns=["municipality", "table", "is_sent"],
    )
    table = check_measures(methodist_load(tables(status=status), EDITION))
    is_ok = len(unsent) == 2
    for per in ("member", "methodist"):
        whole = at(table, "methodist_load", per=per)
        assert (whole["note"], whole["status"] == "ok") == (note, is_ok)
        assert pd.isna(whole["numerator"]) != is_ok
        assert at(table, "methodist_load", per=per, municipality="abakan")["status"] == "ok"
    family = at(table, "methodist_load", per="methodist", family=FAMILY["математика"])
    assert (family["status"] == "ok") == is_ok and note in family["note"]


def test_staff_whose_main_workplace_has_ended_are_not_counted():
    left = tables()
    left["employment"] = left["employment"].assign(
        to_on=pd.to_datetime(["2023-06-30", "2023-12-31", *[None] * 9])
    )
    table = methodist_load(left, EDITION)
    assert at(table, "methodist_load", per="member")["numerator"] == 10, "p0 left, p1 is there"
    assert at(table, "methodist_load", per="member", municipality="abakan")["numerator"] == 5
    mathematics = at(table, "methodist_load", per="methodist", family=FAMILY["математика"])
    assert mathematics["numerator"] == 3


def test_families_have_the_load_of_methodists_alone_and_who_is_in_no_part_is_told():
    some = methodists([*MEMBERS, ("m9", "methodist", None, None, None, None, None)])
    table = methodist_load(tables(methodists=some), EDITION)
    families = table[table["family"] != "total"]
    assert set(families["per"]) == {"methodist"}, "a curator has no subject"
    told = "у 1 регионального методиста предмет не указан"
    assert families["note"].str.contains(told).all()
    for per, who in (("member", "2 членов РМА"), ("methodist", "1 регионального методиста")):
        rows = table[table["per"].eq(per) & table["municipality"].ne("total")]
        assert rows["note"].str.endswith(f"у {who} муниципальное образование не указано").all()
        assert pd.isna(at(table, "methodist_load", per=per)["note"])
    figures.use("matplotlib")
    figure = figures.methodist_load_by(table, REGION, key="family")
    subtitle = figures.heading(figure).subtitle
    assert "на члена РМА не считается" in subtitle and told in subtitle


def test_two_main_workplaces_are_refused_in_words():
    twice = tables()
    twice["employment"] = pd.concat([twice["employment"], twice["employment"].head(1)])
    with pytest.raises(ValueError, match="у 1 чел. отмечено несколько основных мест работы"):
        methodist_load(twice, EDITION)


def test_a_missing_table_is_named():
    nothing = methodist_load({"staff": tables()["staff"]}, EDITION)
    assert (
        set(nothing["note"]) == {"не прислана таблица «РМА»"} and nothing["estimate"].isna().all()
    )
    assert set(methodists_composition({}, EDITION)["note"]) == {"не прислана таблица «РМА»"}
    assert set(methodists_over_time({}, EDITION)["status"]) == {"no_data"}


def test_forms_of_employment_are_told_as_they_were_sent():
    forms = methodists().assign(employment_form=["штат", None, *["договор"] * 5])
    table = check_measures(methodists_employment(tables(methodists=forms), EDITION))
    told = table.set_index("employment_form")["estimate"].to_dict()
    assert told == {"total": 5, "договор": 3, "штат": 1, "unstated": 1}


def test_the_staff_of_the_centre_adds_up():
    facts = {"published": read_facts(CHECKOUT / "data", REGION)}
    table = check_measures(center_staff(facts, EDITION))
    persons = table.query("measure == 'center_staff'").set_index("employment")["estimate"]
    assert persons.to_dict() == {"total": 25, "fulltime": 4, "parttime": 5, "contract": 16}
    assert table["note"].iloc[0] == "сумма частей сходится: 4 + 5 + 16 = 25"
    share = table.query("measure == 'center_staff_share'").set_index("employment")["estimate"]
    assert share["fulltime"] == 0.16
    assert set(table["interval_kind"]) == {"none"}, "all the staff there is: no process"
    wrong = facts["published"].copy()
    wrong.loc[wrong["metric"] == "cnppm_staff_contract", "number"] = 15.0
    told = center_staff({"published": wrong}, EDITION)["note"].iloc[0]
    assert told == "сумма частей не сходится: 4 + 5 + 15 = 24, а названо 25"


def test_staff_that_is_not_published_for_the_period_is_no_data():
    facts = {"published": read_facts(CHECKOUT / "data", REGION)}
    table = check_measures(center_staff(facts, edition(period="2022")))
    assert set(table["status"]) == {"no_data"}
    assert set(table["note"]) == {"за 2022 год не опубликовано"}


def test_people_diagnosed_in_two_procedures_are_never_added_up():
    kostroma = edition("kostroma", "2022")
    facts = read_facts(CHECKOUT / "data", kostroma.region)
    coverage = pd.DataFrame(
        {"procedure": ["d", "total"], "municipality": "total", "measure": "tested", "n": 7140}
    ).assign(estimate=576.0, std_error=None, ci_low=None, ci_high=None, interval_kind="none")
    coverage = coverage.assign(status="ok", note=None)
    procedures = pd.DataFrame({"procedure": ["d"], "sent_as": ["totals"]})
    table = diagnosed(coverage, procedures, {"published": facts}, kostroma)
    told = table.set_index(["basis", "procedure", "of_period"])["estimate"].to_dict()
    assert told == {
        ("recorded", "d", "2022"): 576,
        ("published", "fioko_assessed", "2021"): 139,
        ("published", "fioko_assessed", "2022"): 309,
        ("published", "regional_diagnosed", "2021"): 1183,
        ("published", "regional_diagnosed", "2022"): 576,
    }
    before = diagnosed(coverage, procedures, {"published": facts}, edition("kostroma", "2021"))
    assert "2022" not in set(before.query("basis == 'published'")["of_period"])


def test_a_plan_of_routes_that_nobody_published_is_said_to_be_so():
    facts = {"published": read_facts(CHECKOUT / "data", REGION)}
    table = check_measures(routes_published(facts, EDITION)).set_index("measure")
    assert table.loc["route_plan", ["status", "note"]].tolist() == [
        "no_data",
        "план не опубликован",
    ]
    assert table.loc["route_published", "estimate"] == 1200
    assert table.loc["route_plan_share", "estimate"] == 1


def test_a_unit_of_several_rows_is_counted_once_in_a_cell():
    frame = pd.DataFrame({"id": ["a", "a", "b"], "k": ["x", "y", None], "f": [True, False, False]})
    table = tallied(frame, {"k": ["x", "y", "z"]}, unit="id", flags=["f"]).set_index("k")
    assert table["n"].to_dict() == {"total": 2, "x": 1, "y": 1, "z": 0, "unstated": 1}
    assert table["f"].to_dict() == {"total": 1, "x": 1, "y": 0, "z": 0, "unstated": 0}
