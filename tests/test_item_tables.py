"""Tables of items and forms: families of comparisons, wrong keys, forms of one scale."""

import numpy as np
import pytest
from drawn_editions import SLOPE, Drawn, difficulty, region, results_of
from scipy.stats import false_discovery_control

from nmc_utils.measures.answers import all_answers
from nmc_utils.measures.calibrations import bank_shares, equated, scales
from nmc_utils.measures.dictionary import check_measures
from nmc_utils.measures.item_analysis import item_fit
from nmc_utils.measures.item_tables import anchor_drift, bank_means, calibrated_items

REGION = region(0.6)
BOTH = {
    "A": {"practice": range(12), "care": range(8)},
    "B": {"practice": range(6, 18), "care": range(4, 12)},
}
WRONG = "practice-08"


def _scales(tables):
    return scales(all_answers(tables, results_of(tables, REGION)))


def _turned(tables, item):
    """The same edition with the key of an item turned."""
    rows = tables["responses"]
    score = rows["score"].where(rows["item_id"] != item, 1 - rows["score"])
    return tables | {"responses": rows.assign(score=score)}


@pytest.fixture(scope="module")
def drawn():
    return Drawn(1, BOTH, [("A", 500, 0.0), ("B", 500, 0.5)])


@pytest.fixture(scope="module")
def right(drawn):
    return _scales(drawn.tables)


@pytest.fixture(scope="module")
def wrong(drawn):
    return _scales(_turned(drawn.tables, WRONG))


def test_a_wrong_key_is_told_and_its_scale_carries_nothing(right, wrong):
    items = calibrated_items(wrong).set_index(["domain", "item"])
    noted = items["note"].dropna()
    assert noted.to_dict() == {
        ("practice", WRONG): "отрицательная различающая способность: проверьте ключ"
    }
    assert items.loc[("practice", WRONG), "a"] < 0
    assert calibrated_items(right)["note"].isna().all()
    (scale,) = wrong["own", "entry", "practice"]
    for refused in (lambda: bank_shares(scale, "A"), lambda: equated(scale, "A", "B")):
        with pytest.raises(ValueError, match=f"не выше нуля: «{WRONG}».*проверьте ключ"):
            refused()


def test_forms_of_a_scale_with_a_wrong_key_are_not_assessed(right, wrong):
    known, found = (
        check_measures(bank_means(part)).set_index(["domain", "form"]) for part in (right, wrong)
    )
    assert found.loc["practice", "status"].tolist() == ["not_assessed"] * 2
    assert found.loc["practice", "estimate"].isna().all()
    assert found.loc["practice", "note"].str.contains(f"«{WRONG}»").all()
    assert found.loc["practice", "raw_mean"].notna().all()
    assert found.loc["care", "estimate"].tolist() == known.loc["care", "estimate"].tolist()
    assert known["status"].eq("ok").all() and known["note"].isna().all()


def test_means_on_the_bank_are_those_of_the_true_curves(drawn, right):
    found = bank_means(right).query("domain == 'practice'").set_index("form")
    truth = drawn.truth[drawn.truth["domain"] == "practice"].set_index("form_id")["theta"]
    for form in ("A", "B"):
        theta = truth[form].to_numpy()[:, None]
        true = (1 / (1 + np.exp(-SLOPE * (theta - [difficulty(at) for at in range(18)])))).mean()
        assert found.loc[form, "estimate"] == pytest.approx(true, abs=0.02)
        assert found.loc[form, "ci_low"] < true < found.loc[form, "ci_high"]


def test_p_of_items_is_adjusted_over_all_items_of_a_wave(right):
    table = calibrated_items(right)
    assert table["domain"].nunique() == 2 and table["p_value"].notna().all()
    adjusted = false_discovery_control(table["p_value"])
    assert table["p_adjusted"].to_numpy(float) == pytest.approx(adjusted)
    (scale,) = right["own", "entry", "care"]
    alone = item_fit(scale.responses, scale.calibration, scale.form)["p_adjusted"]
    mine = table[table["domain"] == "care"].set_index("item")["p_adjusted"]
    assert (mine[alone.index].astype(float) - alone).abs().max() > 1e-3


def test_an_item_that_moved_is_found_among_all_checks_of_a_wave(drawn):
    """Its answers on form B are drawn as of an item two logits harder."""
    tables, rng = drawn.tables, np.random.default_rng(2)
    rows = tables["responses"].copy()
    moved = rows["item_id"].eq("practice-07") & rows["form_id"].eq("B")
    theta = drawn.truth.query("domain == 'practice'").set_index("person_id")["theta"]
    chance = 1 / (1 + np.exp(-SLOPE * (rows.loc[moved, "person_id"].map(theta) - 2.0)))
    rows.loc[moved, "score"] = (rng.random(moved.sum()) < chance).astype(float)
    there = _scales(tables | {"responses": rows})
    table = anchor_drift(there)
    assert len(table) == 2 * (6 + 4) and table["note"].isna().all()
    drifting = table[table["is_drifting"].astype(bool)]
    assert "practice-07" in set(drifting["item"]) and set(drifting["domain"]) == {"practice"}
    assert (table["p_adjusted"].astype(float) < 0.05).tolist() == table["is_drifting"].tolist()
    # Checks of the other competence are in the same family.
    care = {key: found for key, found in there.items() if key[2] == "care"}
    alone = anchor_drift(care)["p_adjusted"].astype(float)
    mine = table.loc[table["domain"] == "care", "p_adjusted"].astype(float)
    assert np.abs(mine.to_numpy() - alone.to_numpy()).max() > 1e-3


def test_without_scales_there_are_no_rows():
    for made in (calibrated_items, bank_means, anchor_drift):
        assert made({}).empty
