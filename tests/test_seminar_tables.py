"""Inputs of the plan of seminar groups and what is told about it, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nmc_utils import findings
from nmc_utils.editions import edition
from nmc_utils.measures.dictionary import check_measures
from nmc_utils.measures.seminar_needs import deficits, family_at_entry, leaders, plannable
from nmc_utils.measures.seminar_tables import (
    WITHOUT_GROUP,
    members_and_reasons,
    reasons,
    summary,
    topic_need,
)
from nmc_utils.measures.seminars import seminar_groups


def _results(rows):
    frame = pd.DataFrame(rows, columns=["person_id", "domain", "raw_score", "wave", "attempt"])
    return frame.assign(max_score=15.0, form_id="f")


def test_a_deficit_is_a_first_entry_result_at_or_below_the_cut():
    table = deficits(
        _results(
            [
                ("p1", "ict", 9.0, "entry", 1),
                ("p1", "subject", 10.0, "entry", 1),
                ("p1", "ict", 15.0, "entry", 2),
                ("p1", "ict", 15.0, "exit", 1),
                ("p1", "total", 3.0, "entry", 1),
                ("p2", "ict", 15.0, "entry", 1),
                ("p2", "subject", 0.0, "entry", 1),
                ("p3", "ict", 1.0, "entry", 1),
                ("p4", "ict", np.nan, "entry", 1),
                ("p4", "subject", 1.0, "entry", 1),
            ]
        ),
        cut=0.6,
    )
    expected = pd.DataFrame({"ict": [1, 0], "subject": [0, 1]}, index=["p1", "p2"], dtype="int8")
    pd.testing.assert_frame_equal(table, expected, check_names=False)


def test_a_domain_that_the_form_lacks_is_no_deficit_and_hides_nobody():
    results = _results(
        [
            ("p1", "ict", 9.0, "entry", 1),
            ("p1", "subject", 1.0, "entry", 1),
            ("m1", "ict", 2.0, "entry", 1),
        ]
    )
    results.loc[results["person_id"] == "m1", "form_id"] = "managers"
    assert deficits(results, 0.6).loc["m1"].to_dict() == {"ict": 1, "subject": 0}


def test_two_procedures_at_once_are_refused():
    rows = [("p1", "ict", 9.0, "entry", 1)]
    with pytest.raises(ValueError, match="one procedure at a time"):
        deficits(pd.concat([_results(rows), _results(rows)]), 0.6)


@pytest.fixture
def edition_2023(root):
    folder = root / "regions" / "khakassia" / "2023"
    folder.mkdir()
    about = "origin: submitted\nperiod_kind: calendar_year\nas_of: 2023-12-31\n"
    (folder / "edition.yaml").write_text(about, "utf-8")
    return edition("khakassia", "2023", root)


def test_leaders_are_current_regional_methodists_with_a_subject(edition_2023):
    methodists = pd.DataFrame(
        {
            "methodist_id": ["m1", "m2", "m3", "m4", "m5", "m6", "m7"],
            "role": ["methodist", "methodist", "tutor", *["methodist"] * 4],
            "subject": ["физика", "химия", "физика", None, "история", "история", "логика"],
            "municipality": ["abaza", None, "sorsk", None, "sorsk", "sorsk", "sorsk"],
            "max_groups": pd.array([2, None, 3, 1, 1, 1, 1], "Int64"),
            "from_on": pd.to_datetime([None, None, None, None, None, "2024-02-01", None]),
            "to_on": pd.to_datetime([None, "2024-08-31", None, None, "2022-06-01", None, None]),
        }
    )
    own = pd.DataFrame({"ict": [1, 1], "subject": [0, 1]}, index=["m1", "p1"])
    table = leaders(methodists, own, edition_2023)
    assert table.drop(columns="zone").to_dict("records") == [
        {"leader_id": "m1", "family": "science", "max_groups": 2, "deficits": ("ict",)},
        {"leader_id": "m2", "family": "science", "max_groups": 1, "deficits": ()},
    ]
    assert table["zone"].iloc[0] == "abaza" and pd.isna(table["zone"].iloc[1])


PERSONS = ["plan_persons", "plan_without_group", "plan_no_deficit", "plan_not_assessed"]


@pytest.fixture
def planned():
    """Four physicists who need ict, one of them also subject; two without deficits; a historian."""
    needs = pd.DataFrame(
        {"ict": [1, 1, 1, 1, 0, 0, 1], "subject": [0, 0, 0, 1, 0, 0, 0]},
        index=[f"p{number}" for number in range(1, 8)],
    )
    family = pd.Series(["science"] * 6 + ["history"], index=needs.index)
    return seminar_groups(needs, family=family, size=(3, 4), topics=1), needs, family


def test_summary_by_hand(planned):
    plan, needs, family = planned
    table = check_measures(summary(plan, needs, family))
    value = table.set_index(["family", "measure"])["estimate"]
    assert value["total", "plan_groups"] == 1
    assert value["total", "plan_persons"] == 4
    assert value["total", "plan_without_group"] == 1
    assert value["total", "plan_no_deficit"] == 2
    assert value["total", "plan_coverage"] == pytest.approx(4 / 6)
    assert value["total", "plan_precision"] == 1
    assert value["science", "plan_coverage"] == pytest.approx(4 / 5)
    assert value["history", "plan_groups"] == 0
    precision = table.set_index(["family", "measure"]).loc[("history", "plan_precision")]
    assert precision["status"] == "no_data", "no group, so no topics to be needed"


def test_topic_need_counts_members(planned):
    plan, needs, _ = planned
    table = check_measures(topic_need(plan, needs)).set_index("domain")
    assert table["estimate"].to_dict() == {"ict": 4, "subject": 1}
    assert (table["n"] == 4).all()


def test_everyone_tested_is_in_a_group_or_has_a_reason_in_words(planned):
    plan, _, family = planned
    tested = pd.concat([family, pd.Series({"p8": "history", "p9": "unstated"})])
    members = members_and_reasons(plan, tested)
    assert members["person_id"].is_unique and len(members) == 9
    outside = members["group_id"].isna()
    assert members.loc[outside, "reason_label"].isin(WITHOUT_GROUP.values()).all()
    assert members.loc[~outside, "reason_label"].isna().all()
    counts = reasons(members).set_index("reason")["persons"]
    assert counts.to_dict() == {
        "no_deficit": 2,
        "family_too_small": 1,
        "no_family": 1,
        "not_assessed": 1,
    }


def test_persons_of_a_summary_add_up_to_those_tested(planned):
    plan, needs, family = planned
    everyone = pd.concat([family, pd.Series({"p8": "history", "p9": "unstated"})])
    table = summary(plan, needs, everyone)
    persons = table[table["measure"].isin(PERSONS)].groupby("family")
    assert persons["estimate"].sum().to_dict() == persons["n"].first().to_dict()
    assert persons["n"].first().to_dict() == {"total": 9, "science": 6, "history": 2, "unstated": 1}


def test_a_plan_without_results_by_competence_has_no_numbers_but_a_reason():
    totals = _results([("p1", "total", 9.0, "entry", 1), ("p2", "total", 3.0, "entry", 1)])
    totals["family"] = ["a", "b"]
    family = family_at_entry(totals)
    needs = deficits(totals, 0.6)
    plan = seminar_groups(needs, family=family)
    table = check_measures(summary(plan, needs, family, gap="присланы только итоги"))
    rows = table.set_index("measure")
    assert set(table["family"]) == {"total"}
    assert rows.loc["plan_not_assessed", ["estimate", "status"]].tolist() == [2, "ok"]
    others = rows.drop("plan_not_assessed")
    assert set(others["status"]) == {"no_data"} and set(others["note"]) == {"присланы только итоги"}
    members = members_and_reasons(plan, family)
    assert members["reason"].tolist() == ["not_assessed"] * 2
    assert topic_need(plan, needs).empty and reasons(members)["persons"].tolist() == [2]


def test_who_has_no_subject_family_is_in_no_group_with_others_like_that():
    needs = pd.DataFrame({"ict": [1] * 14}, [f"p{n:02d}" for n in range(14)])
    family = pd.Series("unstated", needs.index)
    assert plannable(needs, family).empty
    family.iloc[:12] = "a"
    assert list(plannable(needs, family).index) == list(needs.index[:12])


def test_groups_without_leaders_are_told_as_such():
    needs = pd.DataFrame({"ict": [1] * 12, "subject": [0] * 12}, [f"p{n:02d}" for n in range(12)])
    family = pd.Series("a", needs.index)
    led = pd.DataFrame({"leader_id": ["m"], "family": "a", "max_groups": 1, "deficits": [()]})
    said = {}
    for leaders_given in (None, led):
        plan = seminar_groups(needs, family=family, leaders=leaders_given)
        table = check_measures(summary(plan, needs, family))
        said[leaders_given is None] = findings.seminar_plan(table)
        led_groups = table.query("measure == 'plan_led'")["estimate"].tolist()
        assert led_groups == ([0, 0] if leaders_given is None else [1, 1])
    assert said[True].startswith("Составлено: 1\u00a0группа, пока без ведущих, 12\u00a0чел.")
    assert "ведущ" not in said[False]


def test_a_share_of_nothing_says_of_what():
    needs = pd.DataFrame({"ict": [0, 0]}, ["p1", "p2"])
    family = pd.Series("a", needs.index)
    table = summary(seminar_groups(needs, family=family), needs, family).set_index("measure")
    assert set(table.loc["plan_coverage", "note"]) == {"результатов не выше порога нет"}
    assert set(table.loc["plan_precision", "note"]) == {"групп нет"}
