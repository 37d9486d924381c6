"""Inputs of the plan of seminar groups and what is told about it, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nmc_utils.measures.dictionary import check_measures
from nmc_utils.measures.seminar_tables import (
    deficits,
    leaders,
    reasons,
    summary,
    topic_need,
    with_reasons,
)
from nmc_utils.measures.seminars import REASONS, seminar_groups


def _results(rows):
    frame = pd.DataFrame(rows, columns=["person_id", "domain", "raw_score", "wave", "attempt"])
    return frame.assign(max_score=15.0)


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


def test_leaders_are_current_regional_methodists_with_a_subject():
    methodists = pd.DataFrame(
        {
            "methodist_id": ["m1", "m2", "m3", "m4", "m5"],
            "role": ["methodist", "methodist", "tutor", "methodist", "methodist"],
            "subject": ["физика", "химия", "физика", None, "история"],
            "max_groups": pd.array([2, None, 3, 1, 1], "Int64"),
            "to_on": pd.to_datetime([None, None, None, None, "2022-06-01"]),
        }
    )
    own = pd.DataFrame({"ict": [1, 1], "subject": [0, 1]}, index=["m1", "p1"])
    families = {"физика": "science", "химия": "science", "история": "history"}
    table = leaders(methodists, own, families)
    assert table.to_dict("records") == [
        {"leader_id": "m1", "family": "science", "max_groups": 2, "deficits": ("ict",)},
        {"leader_id": "m2", "family": "science", "max_groups": 1, "deficits": ()},
    ]


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


def test_everyone_without_a_group_has_a_reason_in_words(planned):
    plan, _, _ = planned
    labelled = with_reasons(plan.members)
    outside = labelled["group_id"].isna()
    assert labelled.loc[outside, "reason_label"].isin(REASONS.values()).all()
    assert labelled.loc[~outside, "reason_label"].isna().all()
    counts = reasons(plan.members).set_index("reason")["persons"]
    assert counts.to_dict() == {"no_deficit": 2, "family_too_small": 1}
