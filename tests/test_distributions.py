"""Level shares, distributions and coverage: answers worked by hand, and invariants."""

import numpy as np
import pandas as pd
import pytest
from conftest import CHECKOUT
from scipy import stats

from nmc_utils.measures.dictionary import check_measures
from nmc_utils.measures.distributions import (
    broken_down,
    level_shares,
    score_distribution,
    score_histogram,
    scored,
    with_attributes,
    with_total,
    with_worst,
)
from nmc_utils.regions import read_region

CUTS = {"low": 0.6, "high": 1.0}


def _scores(raw, max_score=15.0, **columns):
    return pd.DataFrame({"raw_score": np.asarray(raw, float), "max_score": max_score, **columns})


def test_a_result_at_the_cut_is_below_it_and_one_step_above_is_not():
    table = level_shares(_scores([9, 10, 0, 15]), CUTS)
    assert dict(zip(table["level"], table["estimate"], strict=True)) == {"low": 0.5, "high": 0.5}
    assert (table["n"] == 4).all()


@pytest.mark.parametrize("items", [5, 10, 15, 25, 35, 80, 1000])
def test_rounding_never_moves_a_result_across_the_cut(items):
    at_cut = items * 3 // 5
    table = level_shares(_scores([at_cut, at_cut + 1], max_score=float(items)), CUTS)
    assert table.set_index("level").loc["low", "estimate"] == 0.5


def test_shares_equal_scipy_and_add_up_to_one():
    scores = _scores([3, 8, 9, 12, 14, 15, 2], wave=list("aaaabbb"))
    table = check_measures(level_shares(scores, CUTS, ["wave"]))
    assert table.groupby("wave")["estimate"].sum().tolist() == pytest.approx([1, 1])
    row = table[(table["wave"] == "a") & (table["level"] == "low")].iloc[0]
    expected = stats.binomtest(3, 4).proportion_ci(method="wilson")
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((expected.low, expected.high))


def test_three_levels_order_and_missing_results_do_not_count():
    cuts = {"low": 0.4, "middle": 0.7, "high": 1.0}
    table = level_shares(_scores([2, 4, 5, 7, 8, np.nan], max_score=10.0), cuts)
    assert table["level"].tolist() == ["low", "middle", "high"]
    assert table["estimate"].tolist() == pytest.approx([2 / 5, 2 / 5, 1 / 5])
    assert (table["n"] == 5).all()


def test_row_order_changes_nothing():
    rng = np.random.default_rng(1)
    scores = _scores(rng.integers(0, 16, 200), group=rng.choice(list("xyz"), 200))
    for measure in (
        lambda frame: level_shares(frame, CUTS, ["group"]),
        lambda frame: score_distribution(frame, ["group"]),
        lambda frame: score_histogram(frame, CUTS, ["group"]),
    ):
        pd.testing.assert_frame_equal(
            measure(scores), measure(scores.sample(frac=1, random_state=2)), atol=1e-12
        )


def test_nobody_tested_in_a_group_is_no_data_not_zero():
    group = pd.Categorical(["a", "a"], ["a", "b"])
    for table in (
        level_shares(_scores([3, 12], group=group), CUTS, ["group"]),
        score_distribution(_scores([3, 12], group=group), ["group"]),
    ):
        empty = check_measures(table)[table["group"] == "b"]
        assert (empty["status"] == "no_data").all() and empty["estimate"].isna().all()
        assert (empty["n"] == 0).all()


@pytest.mark.parametrize(
    ("scores", "cuts", "message"),
    [
        (_scores([16]), CUTS, "outside 0…max_score, e.g. 16.0 of 15.0"),
        (_scores([-1]), CUTS, "outside 0…max_score"),
        (_scores([1]), {"low": 0.6, "high": 0.9}, "exactly 1"),
        (_scores([1]), {"low": 0.6, "middle": 0.6, "high": 1.0}, "must increase"),
    ],
)
def test_refusals(scores, cuts, message):
    with pytest.raises(ValueError, match=message):
        level_shares(scores, cuts)


def test_distribution_by_hand():
    table = score_distribution(_scores([2, 4, 6, 8], max_score=10.0))
    table = check_measures(table).set_index("measure")
    assert table.loc["score_mean", "estimate"] == pytest.approx(0.5)
    assert table.loc["score_sd", "estimate"] == pytest.approx(np.std([2, 4, 6, 8], ddof=1) / 10)
    assert table.loc["score_median", "estimate"] == pytest.approx(0.5)
    expected = stats.ttest_1samp([0.2, 0.4, 0.6, 0.8], 0).confidence_interval()
    assert table.loc["score_mean", ["ci_low", "ci_high"]].tolist() == pytest.approx(list(expected))


def test_the_mean_of_a_bounded_score_has_a_bounded_interval():
    row = score_distribution(_scores([1, 15])).iloc[0]
    assert (row["ci_low"], row["ci_high"]) == (0, 1)


def test_histogram_bins_meet_the_cut_and_add_up():
    rng = np.random.default_rng(3)
    raw = rng.integers(0, 81, 500)
    scores = _scores(raw, max_score=80.0)
    table = check_measures(score_histogram(scores, CUTS))
    assert len(table) == 20 and table["estimate"].sum() == pytest.approx(1)
    below = table.loc[table["bin_high"] <= 0.6, "estimate"].sum()
    assert below == pytest.approx(np.mean(raw <= 48))


def test_a_short_test_gets_one_bin_per_score():
    table = score_histogram(_scores(np.arange(26), max_score=25.0), CUTS)
    assert len(table) == 25
    assert table["estimate"].tolist() == pytest.approx([2 / 26] + [1 / 26] * 24)


def _edition():
    scores = pd.DataFrame(
        {
            "person_id": ["p1", "p1", "p2", "p2", "p3", "p1", "p1"],
            "procedure_id": "d",
            "wave": "entry",
            "attempt": [1, 1, 1, 1, 1, 2, 2],
            "form_id": "f",
            "domain": ["subject", "ict", "subject", "ict", "ict", "subject", "ict"],
            "raw_score": [3.0, 5.0, 9.0, 10.0, 1.0, 10.0, 10.0],
            "max_score": 10.0,
            "taken_on": pd.Timestamp("2023-03-01"),
        }
    )
    employment = pd.DataFrame(
        {
            "person_id": ["p1", "p1", "p2", "p3", "p4"],
            "municipality": ["abakan", "abaza", "abaza", "abakan", "sorsk"],
            "subject": ["физика", "химия", "история", "физика", "физика"],
            "is_main": [True, False, True, True, True],
        }
    )
    staff = pd.DataFrame({"person_id": ["p1", "p2", "p3", "p4", "p5"]})
    return scores, staff, employment, read_region(CHECKOUT / "data", "khakassia")


def test_total_is_the_first_attempt_of_those_with_every_domain():
    total = with_total(_edition()[0]).query("domain == 'total'").set_index("person_id")
    assert total["raw_score"].to_dict() == {"p1": 8.0, "p2": 19.0}
    assert (total["max_score"] == 20).all()


def test_people_count_once_at_their_main_workplace():
    scores, staff, employment, region = _edition()
    joined = with_attributes(with_total(scores), employment, region)
    assert joined.groupby("person_id")["municipality"].first().astype(str).to_dict() == {
        "p1": "abakan",
        "p2": "abaza",
        "p3": "abakan",
    }
    assert joined.loc[joined["person_id"] == "p1", "family"].unique().tolist() == ["science"]
    assert joined["domain"].cat.categories[0] == "total"


def test_parts_of_a_breakdown_add_up_to_the_whole():
    scores, staff, employment, region = _edition()
    joined = with_attributes(with_total(scores), employment, region)
    table = broken_down(lambda by: level_shares(joined, CUTS, by), ["domain"])
    table = check_measures(table)
    whole = table[(table["municipality"] == "total") & (table["family"] == "total")]
    for name in ("municipality", "family"):
        parts = table[table[name] != "total"].groupby(["domain", "level"])["n"].sum()
        expected = whole.set_index(["domain", "level"])["n"]
        assert parts.reindex(expected.index).tolist() == expected.tolist()


def test_who_has_no_main_workplace_or_family_is_counted_as_unstated():
    scores, _, employment, region = _edition()
    employment.loc[employment["person_id"] == "p2", "is_main"] = False
    employment.loc[employment["person_id"] == "p3", "subject"] = "логопедия"
    joined = with_attributes(with_total(scores), employment, region)
    table = broken_down(lambda by: level_shares(joined, CUTS, by), ["domain"])
    sizes = table[(table["domain"] == "ict") & (table["level"] == "low")]
    sizes = sizes.set_index(["municipality", "family"])["n"]
    assert sizes["unstated", "total"] == 1 and sizes["total", "unstated"] == 2
    assert sizes["total", "total"] == 3


@pytest.mark.parametrize("max_score", [12.5, 33.3, 0.5, 1.0, 7.0, 25.0, 16.0, 80.0])
def test_a_histogram_holds_everybody_whatever_the_maximum(max_score):
    rng = np.random.default_rng(11)
    raw = np.append(rng.uniform(0, max_score, 50), [0, max_score])
    table = score_histogram(_scores(raw, max_score=max_score), CUTS)
    assert table["estimate"].sum() == pytest.approx(1)
    assert table["bin_low"].iloc[0] == 0 and table["bin_high"].iloc[-1] == 1


@pytest.mark.parametrize("max_scores", [[12.5], [7.0], [16.0], [20.0, 27.0], [33.3, 80.0, 5.0]])
@pytest.mark.parametrize("cut", [0.6, 0.5, 1 / 3])
def test_bars_up_to_the_cut_add_up_to_the_level_share(max_scores, cut):
    rng = np.random.default_rng(5)
    top = rng.choice(max_scores, 400)
    scores = _scores(np.minimum(np.round(rng.uniform(0, 1.02, 400) * top * 2) / 2, top), top)
    scores.loc[:9, "raw_score"] = cut * scores.loc[:9, "max_score"]
    table = score_histogram(scores, {"low": cut, "high": 1.0})
    level = level_shares(scores, {"low": cut, "high": 1.0}).set_index("level")
    below = table.loc[table["bin_high"] <= cut + 1e-6, "estimate"].sum()
    assert below == pytest.approx(level.loc["low", "estimate"])
    assert table["estimate"].sum() == pytest.approx(1)


def test_a_sent_total_or_a_result_that_stands_twice_is_refused():
    scores = _edition()[0]
    with pytest.raises(ValueError, match="has a total among its domains"):
        with_total(pd.concat([scores, scores.tail(1).assign(domain="total", attempt=1)]))
    with pytest.raises(ValueError, match="stands twice"):
        with_total(pd.concat([scores, scores.head(1)]))


def test_a_form_scored_only_as_a_whole_keeps_its_total():
    scores = _edition()[0]
    whole = scores.tail(1).assign(person_id="p9", form_id="whole", domain="total", attempt=1)
    total = with_total(pd.concat([scores, whole])).query("domain == 'total'")
    assert total.set_index("person_id")["raw_score"].to_dict() == {
        "p1": 8.0,
        "p2": 19.0,
        "p9": 10.0,
    }


def test_the_lowest_competence_is_by_share_of_the_maximum_and_only_of_the_complete():
    scores = _edition()[0]
    scores.loc[scores["domain"] == "ict", "max_score"] = 20.0
    worst = with_worst(with_total(scores)).query("domain == 'worst'").set_index("person_id")
    assert worst["raw_score"].to_dict() == {"p1": 5.0, "p2": 10.0}
    assert worst["max_score"].to_dict() == {"p1": 20.0, "p2": 20.0}


def test_a_region_that_cuts_by_competence_judges_people_by_their_lowest_one():
    scores, staff, employment, region = _edition()
    diagnostics = region.diagnostics.model_copy(update={"cut_basis": "domain"})
    region = region.model_copy(update={"diagnostics": diagnostics})
    results = scored({"scores": scores, "staff": staff, "employment": employment}, region)
    shares = level_shares(results, region.diagnostics.cuts, ["domain"])
    low = shares[shares["level"] == "at_or_below"].set_index("domain")["estimate"]
    assert low["worst"] == 0.5, "p1 has 3 and 5 of 10, p2 has 9 and 10"
    assert low["total"] == 0.5 and list(region.domain_names)[:2] == ["total", "worst"]


def test_an_edition_without_scores_gives_measures_without_rows():
    region = _edition()[3]
    results = scored({}, region)
    keys = ["procedure", "wave", "domain"]
    tables = [
        level_shares(results, CUTS, keys),
        score_distribution(results, keys),
        score_histogram(results, CUTS, keys),
        broken_down(lambda by: level_shares(results, CUTS, by), keys),
    ]
    for table in tables:
        assert table.empty and {*keys, "estimate", "status"} <= set(check_measures(table))


@pytest.mark.parametrize("max_score", [40.0, 25.0, 7.0, 33.3])
def test_every_cut_is_an_edge_of_the_histogram(max_score):
    cuts = {"low": 0.5, "middle": 0.75, "high": 1.0}
    rng = np.random.default_rng(3)
    scores = _scores(np.minimum(rng.integers(0, 60, 300), max_score), max_score)
    table = score_histogram(scores, cuts)
    shares = level_shares(scores, cuts).set_index("level")["estimate"].cumsum()
    for level, cut in cuts.items():
        up_to = table.loc[table["bin_high"] <= cut + 1e-6, "estimate"].sum()
        assert up_to == pytest.approx(shares[level])
        assert np.isclose(table["bin_high"], cut, atol=1e-6).any()
