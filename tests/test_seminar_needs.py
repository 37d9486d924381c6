"""What a plan is made from: joint families, municipalities, probabilities; by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from nmc_utils.editions import edition
from nmc_utils.measures.seminar_needs import (
    barred_topics,
    joint_families,
    needs_of,
    needs_table,
    seminar_needs,
)
from nmc_utils.seminar_settings import JointFamily, Seminars
from nmc_utils.terms import UNSTATED

JOINT = JointFamily(code="joint", name="Вместе", families=("physics", "chemistry", "biology"))
SETTINGS = Seminars(size=(3, 5), joint_families=(JOINT,))


def of_families(**sizes: int) -> pd.Series:
    return pd.Series([name for name, n in sizes.items() for _ in range(n)])


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"physics": 2, "chemistry": 2, "biology": 3}, {"physics": "joint", "chemistry": "joint"}),
        ({"physics": 2, "chemistry": 3}, {}),  # nobody to join: chemists have a group of their own
        ({"physics": 1, "chemistry": 1}, {}),  # two are no group either
        ({"physics": 1, "history": 2}, {}),  # historians are not of the joint family
    ],
)
def test_only_families_that_are_too_small_join(sizes, expected):
    assert joint_families(of_families(**sizes), SETTINGS) == expected


@pytest.fixture
def khakassia(root):
    folder = root / "regions" / "khakassia" / "2023"
    folder.mkdir()
    about = "origin: submitted\nperiod_kind: calendar_year\nas_of: 2023-12-31\n"
    (folder / "edition.yaml").write_text(about, "utf-8")
    return edition("khakassia", "2023", root)


@pytest.fixture
def results():
    """Eleven of mathematics and two of science: both rare; p13 of no known place."""
    persons = [f"p{number:02d}" for number in range(1, 14)]
    rows = [
        (person, domain, 5.0 if domain == "ict" else 10.0)
        for person in persons
        for domain in ("subject", "ict")
    ]
    frame = pd.DataFrame(rows, columns=["person_id", "domain", "raw_score"])
    number = frame["person_id"].str[1:].astype(int)
    return frame.assign(
        max_score=10.0,
        form_id="f",
        wave="entry",
        attempt=1,
        municipality=number.map(lambda n: UNSTATED if n == 13 else "abaza"),
        family=number.map(lambda n: "mathematics" if n <= 11 else "science"),
    )


def chances_of(results: pd.DataFrame) -> pd.DataFrame:
    return results.assign(level="at_or_below", chance=results["domain"].map({"ict": 0.9})).fillna(
        {"chance": 0.2}
    )


def test_rare_families_are_planned_together_without_a_subject_topic(khakassia, results):
    methodists = pd.DataFrame(
        {
            "methodist_id": ["m1"],
            "role": ["methodist"],
            "subject": ["физика"],
            "municipality": ["sorsk"],
            "max_groups": pd.array([2], "Int64"),
            "from_on": pd.to_datetime([None]),
            "to_on": pd.to_datetime([None]),
        }
    )
    needs = seminar_needs(results, khakassia, methodists, chances_of(results))
    assert set(needs.family) == {"exact_sciences"} and set(needs.leaders["family"]) == {
        "exact_sciences"
    }
    assert needs.joint == {"mathematics": "exact_sciences", "science": "exact_sciences"}
    assert needs.barred["exact_sciences"] == ("subject",)
    assert needs.zone.isna().to_numpy().nonzero()[0].tolist() == [12]
    assert needs.deficits["ict"].eq(1).all() and needs.deficits["subject"].eq(0).all()
    assert needs.request()["size"] == (12, 25) and needs.request(size=(3, 4))["size"] == (3, 4)
    assert needs.request("chance")["deficits"].loc["p01"].to_dict() == {"ict": 0.9, "subject": 0.2}


def test_probabilities_stand_for_whole_families_or_not_at_all(khakassia, results):
    results.loc[results["family"] == "mathematics", "family"] = "history"
    chances = chances_of(results)
    chances.loc[chances["person_id"].eq("p13") & chances["domain"].eq("ict"), "chance"] = None
    needs = seminar_needs(results, khakassia, None, chances)
    assert needs.leaders is None
    assert list(needs.chances.index) == [f"p{number:02d}" for number in range(1, 12)]
    assert seminar_needs(results, khakassia).chances.empty
    lacking = chances[chances["person_id"] != "p01"]  # nothing is known of a historian
    assert seminar_needs(results, khakassia, None, lacking).chances.empty


def test_what_was_published_reads_back(khakassia, results):
    needs = seminar_needs(results, khakassia, None, chances_of(results))
    again = needs_of(needs_table(needs), None, khakassia.region)
    pd.testing.assert_frame_equal(
        again.deficits[needs.deficits.columns], needs.deficits, check_names=False, check_dtype=False
    )
    pd.testing.assert_frame_equal(
        again.chances[needs.chances.columns], needs.chances, check_names=False
    )
    pd.testing.assert_series_equal(again.family, needs.family, check_names=False)
    pd.testing.assert_series_equal(again.zone, needs.zone, check_names=False)
    assert again.barred == needs.barred


def test_a_region_without_domains_by_family_bars_nothing(khakassia):
    assert barred_topics(khakassia.region, pd.Index(["ict"])) == {}
