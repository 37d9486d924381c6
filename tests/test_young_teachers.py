"""Young teachers in their first three years and their support: answers worked by hand."""

from datetime import date

import holoviews as hv
import pandas as pd
import pytest
from conftest import CHECKOUT
from scipy import stats

from nmc_utils import figures, findings
from nmc_utils.editions import Edition, Period
from nmc_utils.measures.dictionary import check_measures, is_sensitive
from nmc_utils.measures.young_teachers import young_support
from nmc_utils.regions import read_region

EDITION = Edition(
    region=read_region(CHECKOUT / "data", "khakassia"),
    period=Period.parse("2023"),
    origin="submitted",
    as_of=date(2023, 12, 31),
    status="draft",
    root=CHECKOUT / "data",
)
#: Person, year of birth, years of experience, position, municipality.
PEOPLE = [
    ("p1", 1999, 0, "teacher", "abakan"),
    ("p2", 1995, 2, "teacher", "abakan"),
    ("p3", 1989, 2, "teacher", "abaza"),  # 34 in 2023: younger than 35 for certain
    ("p4", 1988, 1, "teacher", "abaza"),  # 35 in 2023: nobody knows on the day
    ("p5", 1998, 3, "teacher", "abakan"),  # the fourth year
    ("p6", 1987, 1, "teacher", "abakan"),  # 36
    ("p7", 1999, 0, "manager", "abakan"),
    ("p8", 1997, None, "teacher", "abakan"),  # experience unknown
]
SUPPORT = [
    ("p1", "наставник", "2023-02-01"),
    ("p1", "школа молодого педагога", "2023-03-01"),
    ("p1", "наставник", "2023-09-01"),
    ("p2", "наставник", "2022-11-01"),
    ("p4", "наставник", "2023-04-01"),
    ("p5", "наставник", "2023-04-01"),
]


def tables(people=PEOPLE, support=SUPPORT):
    frame = pd.DataFrame(people, columns=["person_id", "birth_year", "years", "position", "place"])
    given = pd.DataFrame(support, columns=["person_id", "form", "given_on"])
    staff = frame[["person_id"]].assign(
        birth_year=frame["birth_year"].astype("Int64"),
        experience_years=frame["years"].astype("Int64"),
    )
    work = frame[["person_id", "position"]].assign(
        municipality=frame["place"], is_main=True, from_on=pd.NaT, to_on=pd.NaT
    )
    given = given.assign(given_on=pd.to_datetime(given["given_on"]))
    return {"staff": staff, "employment": work, "support": given}


def support(given=None, **options):
    return check_measures(young_support(given or tables(), EDITION, **options))


def row(table, measure, reading="strict", form="total", municipality="total"):
    chosen = table.query(
        "measure == @measure and reading == @reading and form == @form"
        " and municipality == @municipality"
    )
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_both_readings_of_the_age_stand_side_by_side():
    table = support()
    assert row(table, "young_teachers")["estimate"] == 3, "p1, p2, p3"
    assert row(table, "young_teachers", "inclusive")["estimate"] == 4, "and p4"
    assert is_sensitive(table)


def test_any_support_of_the_period_counts_a_person_once():
    table = support()
    assert row(table, "young_supported")[["estimate", "n"]].tolist() == [1, 3], "p2 was in 2022"
    share = row(table, "young_supported_share", "inclusive")
    assert share[["estimate", "n"]].tolist() == [0.5, 4]
    low, high = stats.binomtest(2, 4).proportion_ci(method="wilson")
    assert [share["ci_low"], share["ci_high"]] == pytest.approx([low, high], abs=1e-12)


def test_forms_are_not_added_up():
    table = support()
    forms = table.query("measure == 'young_supported' and reading == 'strict' and form != 'total'")
    assert forms.set_index("form")["estimate"].to_dict() == {
        "наставник": 1,
        "школа молодого педагога": 1,
    }
    assert row(table, "young_supported")["estimate"] == 1


def test_who_has_no_experience_is_left_out_and_told():
    assert row(support(), "young_teachers")["note"] == "ещё у 1 чел. стаж не указан: не учтены"


def test_experience_that_nobody_filled_in_is_no_zero():
    empty = tables([(*row[:2], None, *row[3:]) for row in PEOPLE])
    table = support(empty)
    assert set(table["status"]) == {"no_data"}
    assert set(table["note"]) == {"педагогический стаж не заполнен"}
    assert "педагогический стаж не заполнен" in findings.young_support(table)


def test_a_municipality_without_experience_is_no_zero():
    some = tables([(*row[:2], None, *row[3:]) if row[4] == "abaza" else row for row in PEOPLE])
    table = support(some)
    for measure in ("young_teachers", "young_supported", "young_supported_share"):
        gap = row(table, measure, municipality="abaza")
        assert gap[["status", "note"]].tolist() == ["no_data", "педагогический стаж не заполнен"]
    assert row(table, "young_teachers")["note"] == "ещё у 2 чел. стаж не указан: не учтены"
    inclusive = row(table, "young_teachers", "inclusive")
    assert inclusive["note"] == "ещё у 3 чел. стаж не указан: не учтены"
    assert row(table, "young_teachers", municipality="sorsk")["estimate"] == 0


def test_a_share_of_few_people_carries_a_warning():
    few = row(support(), "young_supported_share", municipality="abakan")
    assert few[["estimate", "n", "note"]].tolist() == [0.5, 2, "меньше 10 человек: доля ненадёжна"]
    nobody = row(support(), "young_supported_share", municipality="sorsk")
    assert nobody[["status", "note"]].tolist() == ["no_data", "молодых педагогов в таблицах нет"]


def test_age_and_years_are_options():
    assert row(support(age=36), "young_teachers")["estimate"] == 4
    assert row(support(first_years=1), "young_teachers")["estimate"] == 1


def test_order_of_rows_changes_nothing():
    turned = support(tables(PEOPLE[::-1], SUPPORT[::-1]))
    pd.testing.assert_frame_equal(support(), turned)


def test_a_missing_table_is_named():
    given = tables()
    del given["support"]
    table = support(given)
    assert row(table, "young_teachers")["estimate"] == 3, "they are known all the same"
    gap = row(table, "young_supported_share")
    assert gap[["status", "note"]].tolist() == [
        "no_data",
        "не прислана таблица «Поддержка молодых»",
    ]
    del given["staff"]
    assert set(support(given)["note"]) == {"не прислана таблица «Сотрудники»"}


def test_a_municipality_that_sent_no_support_is_not_zero():
    status = pd.DataFrame(
        {"municipality": ["abakan", "abaza"], "table": "support", "is_sent": [True, False]}
    )
    table = support(tables() | {"status": status})
    assert row(table, "young_supported", municipality="abaza")["status"] == "no_data"
    assert "данные 12 из 13" in row(table, "young_supported")["note"]
    assert row(table, "young_teachers", municipality="abaza")["estimate"] == 1


@pytest.mark.parametrize("backend", ["matplotlib", "bokeh"])
def test_the_figure_says_the_share_with_its_interval(backend):
    figures.use(backend)
    figure = figures.young_support_forms(support())
    hv.render(figure, backend=backend)
    heading = figures.heading(figure)
    title = heading.title.replace("\u00a0", " ")
    assert title == "Поддержку за период получили 33 % молодых педагогов (6–79 %, n = 3)"
    assert "не складываются" in heading.subtitle


def test_the_sentence_tells_both_readings():
    told = findings.young_support(support()).replace("\u00a0", " ")
    first, second = told.split(". Вместе с теми, кому 35 лет исполняется в этом году, — ")
    assert first.startswith("Педагогов до 35 лет в первые три года работы — 3 чел. (ещё у 1 чел.")
    assert first.endswith("из них поддержку за период получили 33 % (6–79 %, n = 3)")
    assert second == "4 чел., из них поддержку за период получили 50 % (15–85 %, n = 4)."
    assert ".." not in told
