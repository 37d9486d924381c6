"""Change between entry and exit: forms linked or not, nobody at exit, nobody at entry."""

import numpy as np
import pandas as pd
import pytest
from drawn_editions import Drawn, region, results_of, shuffled

import nmc_utils as nmc
from nmc_utils.measures.attrition import attrition
from nmc_utils.measures.dictionary import check_measures
from nmc_utils.measures.entry_exit import NO_EXIT, NOT_LINKED
from nmc_utils.measures.progress import progress

REGION = region(0.6)
CHANGES = ["observed_change", "net_change", "reliable_rise_share", "reliable_fall_share"]
MEANS = ["observed_change", "expected_change", "net_change"]
LINKED = {"A": {"practice": range(12)}, "B": {"practice": range(6, 18)}}
APART = {"A": {"practice": range(10)}, "B": {"practice": range(10, 20)}}


def _change(tables, of=REGION):
    results = results_of(tables, of)
    found = nmc.measured(results, tables, of)
    pairs = nmc.paired(results, found.answers)
    changes = nmc.changes_by_form(pairs, found.by_form, of)
    return pairs, changes


def _measures(tables, of=REGION):
    pairs, changes = _change(tables, of)
    table = check_measures(nmc.change_measures(changes, pairs, of))
    return table.set_index(["domain", "measure"])


def _true_change(drawn, entry_form="A"):
    """Mean true change as a share of the entry form."""
    rows = drawn.truth.pivot(index="person_id", columns="wave", values="share")
    return (rows["exit"] - rows["entry"]).mean()


def test_one_form_is_the_progress_of_its_scores():
    tables = Drawn(1, exit_forms={}, effect=0.4).totals_only(0.8)
    scores = tables["scores"].pivot(index="person_id", columns="wave", values="raw_score") / 20
    expected = progress(scores["entry"], scores["exit"], reliability=0.8, cut=0.6, max_score=1.0)
    found = _measures(tables).loc["practice"]
    for name in MEANS:
        part = getattr(expected, name)
        row = found.loc[name, ["estimate", "ci_low", "ci_high", "n"]].to_list()
        assert row == pytest.approx([part.estimate, part.ci_low, part.ci_high, 400])
    shares = expected.reliable_shares["share"]
    assert found.loc["reliable_rise_share", "estimate"] == pytest.approx(shares["up"])
    assert found.loc["reliable_fall_share", "estimate"] == pytest.approx(shares["down"])
    assert found.loc["attrition_share", "estimate"] == 0


@pytest.mark.parametrize("effect", [0.0, 0.5])
def test_net_change_of_the_same_form_is_the_true_one(effect):
    drawn = Drawn(2, taken=[("A", 2000, 0.0)], exit_forms={}, effect=effect)
    row = _measures(drawn.tables).loc[("practice", "net_change")]
    assert row["ci_low"] <= _true_change(drawn) <= row["ci_high"]
    assert row["ci_high"] - row["ci_low"] < 0.02


def test_unchanged_persons_who_came_for_a_low_score_have_no_net_change():
    drawn = Drawn(3, taken=[("A", 3000, 0.0)], exit_forms={})
    tables = drawn.totals_only(0.83)
    entry = tables["scores"].query("wave == 'entry'")
    low = entry.loc[entry["raw_score"] <= 10, "person_id"]
    rows = tables["scores"]
    tables["scores"] = rows[rows["wave"].eq("entry") | rows["person_id"].isin(low)]
    found = _measures(tables).loc["practice"]
    assert found.loc["observed_change", "ci_low"] > 0.02
    assert abs(found.loc["net_change", "estimate"]) < 0.012
    assert found.loc["attrition_share", "estimate"] == pytest.approx(1 - len(low) / 3000)


def test_another_form_that_is_linked_is_compared_in_units_of_the_first():
    taken = [("A", 1200, 0.0), ("B", 1200, 0.0)]
    drawn = Drawn(4, LINKED, taken, exit_forms={"A": "B", "B": "A"}, effect=0.4)
    pairs, _ = _change(drawn.tables)
    assert not pairs["is_unlinked"].any() and pairs["exit"].between(0, 1).all()
    same = Drawn(4, LINKED, taken, exit_forms={}, effect=0.4)
    found = _measures(drawn.tables).loc[("practice", "net_change")]
    assert found["estimate"] == pytest.approx(_true_change(same), abs=0.02)
    # Raw scores of two forms alone would say something else.
    raw = drawn.truth.query("form_id == 'B' and wave == 'exit'")["share"].mean()
    entry = drawn.truth.query("form_id == 'A' and wave == 'entry'")["share"].mean()
    assert abs(raw - entry - _true_change(same)) > 0.02


def test_another_form_that_is_not_linked_has_no_change_and_is_not_attrition():
    drawn = Drawn(5, APART, [("A", 100, 0.0), ("B", 100, 0.0)], exit_forms={"A": "B"})
    pairs, changes = _change(drawn.tables)
    assert pairs.query("form == 'A'")["is_unlinked"].all()
    assert not pairs.query("form == 'B'")["is_unlinked"].any()
    by_form = {change.form: change for change in changes if change.domain == "practice"}
    assert by_form["A"].change is None and by_form["A"].note == NOT_LINKED
    assert by_form["A"].n_unlinked == 100
    row = _measures(drawn.tables).loc[("practice", "net_change")]
    assert row["n"] == 100 and row["status"] == "ok"
    assert row["note"] == f"без форм, которые не оценивались: 1 ({NOT_LINKED})"
    alone = Drawn(5, APART, [("A", 100, 0.0)], exit_forms={"A": "B"})
    table = _measures(alone.tables)
    came = table.xs("attrition_share", level="measure").iloc[0]
    assert came["status"] == "ok" and came["estimate"] == 0  # they came, on another form
    change = table[table.index.get_level_values("measure").isin(CHANGES)]
    assert change["status"].eq("not_assessed").all() and change["note"].eq(NOT_LINKED).all()


def test_without_answers_another_form_is_not_linked():
    tables = Drawn(6, LINKED, [("A", 100, 0.0)], exit_forms={"A": "B"}).totals_only()
    pairs, _ = _change(tables)
    assert pairs["is_unlinked"].all() and pairs["exit"].isna().all()
    table = _measures(tables)
    change = table[table.index.get_level_values("measure").isin(CHANGES)]
    assert change["note"].eq(NOT_LINKED).all()


def test_the_whole_test_is_the_sum_of_equated_competences():
    forms = {
        name: {"practice": part["practice"], "care": part["practice"]}
        for name, part in LINKED.items()
    }
    drawn = Drawn(7, forms, [("A", 150, 0.0), ("B", 150, 0.0)], exit_forms={"A": "B", "B": "A"})
    pairs, _ = _change(drawn.tables)
    wide = pairs.pivot(index="person_id", columns="domain", values="exit")
    assert wide["total"].to_numpy() == pytest.approx(
        wide[["practice", "care"]].mean(axis=1).to_numpy()
    )


def test_nobody_at_exit_is_no_data():
    table = _measures(Drawn(8).tables)
    assert table["status"].eq("no_data").all() and table["note"].eq(NO_EXIT).all()
    assert nmc.migration(_change(Drawn(8).tables)[1], REGION).empty


def test_nobody_at_entry_gives_no_rows():
    tables = Drawn(9, exit_forms={}).tables
    gone = {
        name: tables[name].query("wave == 'exit'") if "wave" in tables[name] else tables[name]
        for name in tables
    }
    pairs, changes = _change(gone)
    assert pairs.empty and changes == []
    assert (
        nmc.change_measures(changes, pairs, REGION).empty and nmc.migration(changes, REGION).empty
    )


def test_an_edition_without_results_gives_no_rows():
    pairs, changes = _change({})
    assert pairs.empty and changes == []
    table = nmc.change_measures(changes, pairs, REGION)
    assert list(table.columns)[:3] == ["procedure", "domain", "measure"] and table.empty


def test_where_somebody_came_it_is_not_the_exit_that_is_missing():
    forms = {"A": {"practice": range(12)}, "B": {"practice": range(12)}}
    tables = Drawn(10, forms, [("A", 50, 0.0), ("B", 20, 0.0)], exit_forms={}).tables
    rows = tables["scores"]
    tables["scores"] = rows[rows["wave"].eq("entry") | rows["form_id"].eq("B")]
    row = _measures(tables).loc[("practice", "net_change")]
    assert row["status"] == "not_assessed"
    assert row["note"] == "форму прошли меньше 30 чел."


def test_a_correlation_of_a_retest_goes_before_alpha():
    retest = {"domain": "practice", "correlation": 0.6, "source": "опыт"}
    of = region(0.6, retests=[retest])
    drawn = Drawn(11, exit_forms={}, effect=0.3)
    scores = drawn.scores.pivot(index="person_id", columns="wave", values="raw_score") / 20
    expected = progress(scores["entry"], scores["exit"], reliability=0.6, cut=0.6, max_score=1.0)
    table = _measures(drawn.tables, of)
    share = table.loc[("practice", "reliable_rise_share"), "estimate"]
    assert share == pytest.approx(expected.reliable_shares.loc["up", "share"])
    assert share < table.loc[("total", "reliable_rise_share"), "estimate"]


def test_means_over_forms_by_hand():
    """Forms of 60 and 30 persons, whose changes are weighted by those of both waves."""
    forms = {"A": {"practice": range(12)}, "B": {"practice": range(12)}}
    drawn = Drawn(12, forms, [("A", 60, 0.0), ("B", 30, 0.5)], exit_forms={}, effect=0.3)
    changes = [change for change in _change(drawn.tables)[1] if change.domain == "practice"]
    one, two = (change.change.net_change for change in changes)
    row = _measures(drawn.tables).loc[("practice", "net_change")]
    assert row["estimate"] == pytest.approx((60 * one.estimate + 30 * two.estimate) / 90)
    halves = (one.ci_high - one.ci_low) / 2, (two.ci_high - two.ci_low) / 2
    errors = halves[0] / 2.0010, halves[1] / 2.0452  # Student's t, 59 and 29
    expected = np.hypot(60 * errors[0], 30 * errors[1]) / 90
    assert row["std_error"] == pytest.approx(expected, rel=1e-4)
    assert (row["ci_high"] - row["ci_low"]) / 2 == pytest.approx(1.9873 * expected, rel=1e-4)


def test_row_order_changes_nothing():
    drawn = Drawn(13, LINKED, [("A", 80, 0.0), ("B", 80, 0.0)], exit_forms={"A": "B"})
    pd.testing.assert_frame_equal(
        _measures(drawn.tables), _measures(shuffled(drawn.tables)), atol=1e-5, rtol=1e-5
    )


def test_the_lowest_competence_has_no_change_of_its_own():
    of = region(0.6, cut_basis="domain")
    forms = {"A": {"practice": range(10), "care": range(10)}}
    drawn = Drawn(14, forms, [("A", 60, 0.0)], exit_forms={})
    assert set(_change(drawn.tables, of)[0]["domain"]) == {"practice", "care", "total"}


def test_migration_of_every_cut_adds_up():
    of = region(0.4, 0.6, 0.8)
    drawn = Drawn(15, taken=[("A", 500, 0.0)], exit_forms={}, effect=0.4)
    table = check_measures(nmc.migration(_change(drawn.tables, of)[1], of))
    assert set(table["level"]) == {"level_0", "level_1", "level_2"}
    by = ["domain", "level", "measure", "from_level"]
    assert table.groupby(by)["estimate"].sum().to_numpy() == pytest.approx(1)
    scores = drawn.scores.pivot(index="person_id", columns="wave", values="raw_score") / 20
    low = scores["entry"] <= 0.6
    moved = table.query("domain == 'practice' and level == 'level_1' and to_level == 'above'")
    row = moved.query("measure == 'migration_share' and from_level == 'at_or_below'").iloc[0]
    assert row["n"] == low.sum()
    assert row["estimate"] == pytest.approx((scores["exit"][low] > 0.6).mean())


def test_unchanged_persons_move_as_often_as_by_chance():
    drawn = Drawn(16, taken=[("A", 3000, 0.0)], exit_forms={})
    table = nmc.migration(_change(drawn.tables)[1], REGION).query("domain == 'practice'")
    keys = ["from_level", "to_level"]
    seen, chance = (
        table[table["measure"] == name].set_index(keys)["estimate"]
        for name in ("migration_share", "migration_expected_share")
    )
    assert (seen - chance).abs().max() < 0.03


# --- who is expected to change, and items that moved ---------------------------------------------


def test_the_expectation_is_of_everyone_tested_whoever_can_be_compared():
    """Most low scorers come on a form that is not linked: that is no change of the others."""
    rng = np.random.default_rng(12)
    n = 4000
    true = 0.6 + 0.12 * rng.standard_normal(n)
    entry, leave = (true + 0.06 * rng.standard_normal(n) for _ in range(2))
    unlinked = (entry < 0.6) & (rng.random(n) < 0.7)
    keys = {"procedure": "own", "domain": "total", "form": "A", "warning": None}
    pairs = pd.DataFrame(
        keys
        | {
            "person_id": [f"p{at}" for at in range(n)],
            "entry": entry.clip(0, 1),
            "exit": np.where(unlinked, np.nan, leave.clip(0, 1)),
            "is_unlinked": unlinked,
        }
    )
    form = {"wave": "entry", "estimate": 0.8, "status": "ok", "note": None, "n_items": 60}
    reliability = pd.DataFrame([keys | form])
    changes = nmc.changes_by_form(pairs, reliability, REGION)
    table = nmc.change_measures(changes, pairs, REGION).set_index("measure")
    net = table.loc["net_change"]
    assert net["ci_low"] < 0.003 and net["ci_high"] > -0.003 and abs(net["estimate"]) < 0.006
    assert table.loc["attrition_share", "estimate"] == 0


def test_common_items_that_moved_between_the_waves_are_named():
    """Three of twelve common items are given away before the exit."""
    forms = {"A": {"practice": range(16)}, "B": {"practice": range(4, 20)}}
    taken = [("A", 1500, 0.0), ("B", 1500, 0.0)]
    drawn = Drawn(13, forms, taken, exit_forms={"A": "B", "B": "A"})
    tables = drawn.tables
    pairs, _ = _change(tables)
    assert pairs["warning"].isna().all()
    moved = ["practice-05", "practice-09", "practice-12"]
    rows = tables["responses"].copy()
    rng = np.random.default_rng(1)
    given_away = rows["wave"].eq("exit") & rows["item_id"].isin(moved)
    rows.loc[given_away & (rng.random(len(rows)) < 0.6), "score"] = 1.0
    sums = rows.groupby(["person_id", "wave"])["score"].sum().rename("raw_score")
    scores = tables["scores"].drop(columns="raw_score").join(sums, on=["person_id", "wave"])
    pairs, changes = _change(tables | {"responses": rows, "scores": scores})
    told = pairs["warning"].dropna().unique()
    assert len(told) == 1 and all(item in told[0] for item in moved)
    note = nmc.change_measures(changes, pairs, REGION)["note"].dropna().iloc[0]
    assert "сместились общие задания" in note


# --- who did not come ----------------------------------------------------------------------------


def test_who_did_not_come_is_told_by_level_and_by_score_by_hand():
    entry = [0.2, 0.4, 0.6, 0.7, 0.8, 0.9]
    pairs = pd.DataFrame(
        {
            "procedure": "own",
            "domain": "total",
            "person_id": list("abcdef"),
            "entry": entry,
            "exit": [np.nan, np.nan, 0.7, 0.7, 0.8, np.nan],
            "is_unlinked": [False, False, False, False, False, True],
        }
    )
    rows = pd.DataFrame(attrition(pairs, REGION)).set_index("measure")
    assert rows.loc["attrition_share", ["estimate", "n"]].to_list() == [2 / 6, 6]
    assert rows.loc["attrition_low_share", ["estimate", "n"]].to_list() == [2 / 3, 3]
    assert rows.loc["attrition_high_share", ["estimate", "n"]].to_list() == [0, 3]
    difference = rows.loc["attrition_difference"]
    assert difference["estimate"] == pytest.approx(0.75 - 0.3)
    assert difference["ci_low"] < 0.45 < difference["ci_high"]


def test_what_is_seen_is_told_without_a_reliability_and_the_rest_is_not():
    tables = Drawn(14, exit_forms={}, effect=0.5).totals_only(None)
    found = _measures(tables).loc["practice"]
    assert found.loc["observed_change", "status"] == "ok"
    assert found.loc[["expected_change", "net_change"], "status"].eq("not_assessed").all()


def test_reliable_change_is_not_told_of_few_items():
    tables = Drawn(15, {"A": {"practice": range(10)}}, exit_forms={}, effect=0.5).totals_only(0.7)
    found = _measures(tables).loc["practice"]
    shares = found.loc[["reliable_rise_share", "reliable_fall_share"]]
    assert shares["status"].eq("too_few_items").all() and shares["note"].notna().all()
    assert found.loc["net_change", "status"] == "ok"
