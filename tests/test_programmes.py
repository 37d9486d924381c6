"""Programmes from expertise to the register, topics and completions: answers worked by hand."""

from datetime import date

import holoviews as hv
import pandas as pd
import pytest
from conftest import CHECKOUT
from scipy import stats

from nmc_utils import figures, findings
from nmc_utils.editions import Edition, Period
from nmc_utils.measures.dictionary import check_measures, is_sensitive
from nmc_utils.measures.programmes import (
    compared_years,
    completions_summary,
    programme_topics,
    programmes_by_year,
)
from nmc_utils.regions import read_facts, read_region


def edition(code="khakassia", period="2023"):
    return Edition(
        region=read_region(CHECKOUT / "data", code),
        period=Period.parse(period),
        origin="submitted",
        as_of=date(int(period[:4]), 12, 31),
        status="draft",
        root=CHECKOUT / "data",
    )


EDITION = edition()
NO_FACTS = read_facts(EDITION.root, EDITION.region)[:0]
#: Programme, topic, base, hours, sent to expertise, in the register since.
PROGRAMMES = [
    ("a", "ФГ", "center", 36, "2022-03-01", "2022-06-01"),
    ("b", "ФГ", "center", 72, "2022-04-01", None),
    ("c", "оценка", "innovation_site", 24, "2023-04-01", "2023-09-01"),
    ("d", None, "center", None, "2023-05-01", "2024-02-01"),
    ("e", "ФГ", "academy", 16, None, "2021-09-01"),
    ("f", "ФГ", "center", 16, "2024-03-01", None),
]


def programmes(rows=PROGRAMMES):
    names = ["programme_id", "topic", "base", "hours", "expertise_on", "registry_on"]
    frame = pd.DataFrame(rows, columns=names)
    dates = {name: pd.to_datetime(frame[name]) for name in names[-2:]}
    return frame.assign(hours=frame["hours"].astype("Int64"), **dates)


def by(table, *keys):
    return check_measures(table).set_index(["measure", *keys])


def test_the_slides_of_kostroma_are_reproduced_with_intervals():
    of = edition("kostroma", "2023")
    table = programmes_by_year({"published": read_facts(of.root, of.region)}, of)
    rows = by(table, "basis", "year")
    for year, (listed, sent) in {
        "2021": (13, 17),
        "2022": (5, 11),
        "2023": (2, 2),
        "2021-2023": (20, 30),
    }.items():
        share = rows.loc[("programmes_registry_share", "published", year)]
        assert share[["estimate", "n"]].tolist() == [listed / sent, sent]
        bounds = stats.binomtest(listed, sent).proportion_ci(method="wilson")
        assert [share["ci_low"], share["ci_high"]] == pytest.approx(list(bounds), abs=1e-12)
    recorded = rows.loc[("programmes_registry_share", "recorded", "total")]
    assert recorded[["status", "note"]].tolist() == ["no_data", "не прислана таблица «Программы»"]
    assert not is_sensitive(table)


def test_records_are_counted_by_year_of_expertise_on_the_day_of_the_edition():
    tables = {"programmes": programmes(), "published": NO_FACTS}
    rows = by(programmes_by_year(tables, EDITION), "basis", "year")
    shares = rows.loc["programmes_registry_share"].loc["recorded"]
    assert shares["estimate"].to_dict() == {"total": 0.5, "2022": 0.5, "2023": 0.5}
    assert shares["n"].to_dict() == {"total": 4, "2022": 2, "2023": 2}, "f is sent in 2024"
    assert shares.loc["total", "note"] == "ещё 1 в реестре без даты экспертизы: не учтены"


def test_topics_and_bases_are_two_divisions_of_the_same_programmes():
    rows = by(programme_topics({"programmes": programmes()}, EDITION), "base", "topic")
    number = rows.loc["programmes"]["estimate"]
    assert number["total", "total"] == 5, "f is of 2024"
    assert number["center", "total"] == 3 and number["institute", "total"] == 0
    assert number["total", "ФГ"] == 3 and number["total", "unstated"] == 1
    assert rows.loc[("programmes_listed", "total", "total"), "estimate"] == 3, "a, c, e"
    hours = rows.loc["programme_hours"]
    assert hours.loc[("total", "total"), ["estimate", "n"]].tolist() == [30, 4]
    assert hours.loc[("total", "ФГ"), "estimate"] == 36
    assert hours.loc[("total", "unstated"), "note"] == "часы не указаны"
    assert hours.loc[("licence", "total"), "note"] == "программ нет"


#: Person, programme, finished, chosen after diagnostics.
COMPLETIONS = [
    ("p1", "a", "2023-03-01", True),
    ("p1", "c", "2023-05-01", False),  # not in the register yet
    ("p2", "c", "2023-10-01", False),
    ("p3", "b", "2023-10-01", True),
    ("p4", "a", "2022-10-01", True),
    ("x", "a", "2023-10-01", False),  # not in the staff
]


def completed(rows=COMPLETIONS):
    frame = pd.DataFrame(
        rows, columns=["person_id", "programme_id", "finished_on", "chosen_after_diagnostics"]
    )
    people = ["p1", "p2", "p3", "p4"]
    return {
        "completions": frame.assign(finished_on=pd.to_datetime(frame["finished_on"])),
        "programmes": programmes(),
        "staff": pd.DataFrame({"person_id": people}),
        "employment": pd.DataFrame(
            {
                "person_id": people,
                "position": ["teacher", "teacher", "manager", "teacher"],
                "municipality": ["abakan", "abakan", "abaza", "abaza"],
                "is_main": True,
            }
        ),
    }


def finished(tables=None):
    table = completions_summary(tables or completed(), EDITION)
    return by(table, "choice", "base", "position", "municipality").sort_index()


WHOLE = ("total", "total", "total")


def test_people_who_finished_are_counted_once():
    rows = finished()
    people = rows.loc["completions_persons"]["estimate"]
    assert people[("any", *WHOLE)] == 4, "p1, p2, p3 and x"
    assert people[("any", "center", "total", "total")] == 3
    assert people[("any", "innovation_site", "total", "total")] == 2, "p1 is in both"
    assert people[("any", "total", "manager", "total")] == 1
    assert people[("any", "total", "total", "abaza")] == 1


def test_shares_are_of_the_staff():
    share = finished().loc["completions_share"].loc[("any", *WHOLE)]
    assert share[["estimate", "n"]].tolist() == [0.75, 4], "x is not in the staff"
    low, high = stats.binomtest(3, 4).proportion_ci(method="wilson")
    assert [share["ci_low"], share["ci_high"]] == pytest.approx([low, high], abs=1e-12)
    assert is_sensitive(completions_summary(completed(), EDITION))


def test_chosen_and_register_must_be_of_the_same_programme():
    people = finished().loc["completions_persons"]["estimate"]
    assert people[("chosen", *WHOLE)] == 2, "p1 and p3"
    assert people[("in_registry", *WHOLE)] == 3, "p1 by a, p2, x"
    assert people[("chosen_in_registry", *WHOLE)] == 1, "p1 by a"


def test_a_missing_table_leaves_the_rest():
    tables = completed()
    del tables["programmes"]
    rows = finished(tables)
    assert rows.loc[("completions_persons", "any", *WHOLE), "estimate"] == 4
    gap = rows.loc[("completions_share", "in_registry", *WHOLE)]
    assert gap[["status", "note"]].tolist() == ["no_data", "не прислана таблица «Программы»"]
    del tables["staff"]
    gap = finished(tables).loc[("completions_share", "any", *WHOLE)]
    assert gap["note"] == "не прислана таблица «Сотрудники»"
    assert set(finished({"staff": completed()["staff"]})["note"]) == {
        "не прислана таблица «Обучение»"
    }


def test_staff_of_a_municipality_that_sent_nothing_is_in_no_share():
    status = pd.DataFrame(
        {"municipality": ["abakan", "abaza"], "table": "completions", "is_sent": [True, False]}
    )
    rows = finished(completed() | {"status": status})
    share = rows.loc[("completions_share", "any", *WHOLE)]
    assert share[["estimate", "n"]].tolist() == [1, 2]
    assert share["note"] == "данные 12 из 13 муниципальных образований"
    assert rows.loc[("completions_share", "any", "total", "total", "abaza"), "status"] == "no_data"


def test_order_of_rows_changes_nothing():
    tables = completed() | {"published": NO_FACTS}
    turned = {name: frame[::-1] for name, frame in tables.items()}
    for measure in (programmes_by_year, programme_topics, completions_summary):
        pd.testing.assert_frame_equal(measure(tables, EDITION), measure(turned, EDITION))


def _kostroma(period="2023"):
    of = edition("kostroma", period)
    return programmes_by_year({"published": read_facts(of.root, of.region)}, of)


def test_years_that_may_differ_by_chance_are_not_called_a_change():
    told = findings.registry_share(_kostroma(), basis="published").replace("\u00a0", " ")
    assert "2022 — 5 из 11: 45 % (21–72 %, n = 11)" in told
    assert "за 2021–2023 — 20 из 30: 67 % (49–81 %, n = 30)" in told
    assert told.endswith("разница лет может быть случайной.")


def test_an_edition_is_not_told_what_came_after_it():
    years = by(_kostroma("2022"), "basis", "year").loc["programmes_registry_share"]
    assert sorted(years.loc["published"].index) == ["2021", "2022"], "nor 2021-2023"
    title = figures.heading(figures.registry_by_year(_kostroma("2022"))).title
    assert title.startswith("В реестре за 2022 — 5 из 11 программ")


def test_who_has_left_is_in_no_share_nor_part():
    tables = completed()
    ended = [pd.Timestamp("2023-04-30"), None, pd.NaT, None]  # p1 finished c in May
    tables["employment"] = tables["employment"].assign(from_on=pd.NaT, to_on=pd.to_datetime(ended))
    rows = finished(tables)
    share = rows.loc["completions_share"].loc[("any", *WHOLE)]
    assert share[["estimate", "n"]].tolist() == [2 / 3, 3], "p2 and p3 of p2, p3, p4"
    people = rows.loc["completions_persons"]["estimate"]
    assert people[("any", *WHOLE)] == 4, "p1 has finished nevertheless"
    assert people[("any", "total", "teacher", "total")] == 1


def test_years_are_compared_by_the_interval_of_their_difference_and_as_many_pairs():
    def years(*shares):
        told = [(str(2021 + i), hits / n, n) for i, (hits, n) in enumerate(shares)]
        return pd.DataFrame(told, columns=["year", "estimate", "n"])

    pair = compared_years(years((80, 100), (90, 100))).iloc[0]
    assert (pair["year"], pair["other_year"]) == ("2021", "2022")
    # Newcombe's method 10 from the Wilson intervals 0.7112–0.8666 and 0.8256–0.9448.
    assert [pair["ci_low"], pair["ci_high"]] == pytest.approx(
        [0.1 - 0.0998, 0.1 + 0.0994], abs=2e-4
    )
    assert pair["p"] == pytest.approx(0.0477, abs=1e-4), "z = 0.1 / sqrt(0.85 * 0.15 / 50) = 1.980"
    three = compared_years(years((80, 100), (90, 100), (85, 100)))
    assert three["p"].min() == pytest.approx(3 * 0.0477, abs=5e-4), "three pairs are made"
    assert compared_years(years((3, 3), (5, 5)))["p"].tolist() == [1]
    assert compared_years(years((3, 4))).empty
    turned = years((80, 100), (90, 100)).iloc[::-1]
    pd.testing.assert_series_equal(compared_years(turned).iloc[0], pair)


def test_years_that_differ_are_named():
    rows = [(f"{year}-{n}", None, "center", 1, f"{year}-02-01", since)
            for year, since in ((2022, None), (2023, "2023-06-01")) for n in range(30)]  # fmt: skip
    tables = {"programmes": programmes(rows), "published": NO_FACTS}
    told = findings.registry_share(programmes_by_year(tables, EDITION), basis="recorded")
    assert "2022 и 2023 различаются на +100,0" in told and "случайной" not in told


@pytest.mark.parametrize("backend", ["matplotlib", "bokeh"])
def test_figures_of_the_register_and_of_completions(backend):
    figures.use(backend)
    years = figures.registry_by_year(_kostroma())
    hv.render(years, backend=backend)
    assert figures.heading(years).title == (
        "В реестре за 2021–2023 — 20 из 30 программ (опубликовано); "
        "разница лет может быть случайной"
    )
    done = figures.completions_by_base(completions_summary(completed(), EDITION))
    hv.render(done, backend=backend)
    title = figures.heading(done).title.replace("\u00a0", " ")
    assert title == "За период программы окончили 4 чел. — 75,0 % работников (30,1–95,4 %, n = 4)"


def test_programmes_stand_by_base_and_then_by_topic():
    rows = findings.programme_rows(programme_topics({"programmes": programmes()}, EDITION))
    assert rows["name"].tolist() == [
        "Все программы",
        "ЦНППМ",
        "региональная инновационная площадка",
        "Академия Минпросвещения России",
        "тема: не указана",
        "тема: ФГ",
        "тема: оценка",
    ]
    assert rows["programmes"].tolist() == [5, 3, 1, 1, 1, 3, 1]
