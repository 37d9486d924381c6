"""Forms of an edition on one scale where items link them, apart where none do."""

import numpy as np
import pandas as pd
import pytest
from drawn_editions import SLOPE, Drawn, constant, difficulty, region, results_of, shuffled

from nmc_utils.measures.answers import Answers, all_answers
from nmc_utils.measures.calibrations import bank_shares, below_cut, bic, equated, scales_of
from nmc_utils.measures.irt import calibrate

REGION = region(0.6)
LINKED = {"A": {"practice": range(12)}, "B": {"practice": range(7, 19)}}
APART = {"A": {"practice": range(10)}, "B": {"practice": range(10, 20)}}
WEAK = {"A": {"practice": range(11)}, "B": {"practice": range(9, 20)}}


def _sent(tables) -> Answers:
    return all_answers(tables, results_of(tables, REGION))["own", "entry", "practice"]


def _scales(tables):
    return scales_of(_sent(tables))


def test_forms_with_common_items_are_one_scale_and_their_groups_are_not_equal():
    (scale,) = _scales(Drawn(1, LINKED, [("A", 1500, 0.0), ("B", 1500, 0.7)]).tables)
    assert scale.name == "A, B"
    groups = scale.calibration.groups
    assert groups.loc["B", "mean"] - groups.loc["A", "mean"] == pytest.approx(0.7, abs=0.12)
    items = scale.calibration.items
    true = np.array([difficulty(int(name[-2:])) for name in items.index])
    # The reference group is the first of the persons, of mean 0.
    assert np.sqrt(np.mean((items["b"] - true) ** 2)) < 0.12
    assert np.corrcoef(items["b"], true)[0, 1] > 0.98
    assert scale.calibration.model == "1pl"
    assert items["a"].iloc[0] == pytest.approx(SLOPE, abs=0.12)


def test_forms_without_common_items_are_two_scales():
    scales = _scales(Drawn(2, APART, [("A", 200, 0.0), ("B", 200, 0.7)]).tables)
    assert [scale.name for scale in scales] == ["A", "B"]
    assert all(len(scale.calibration.groups) == 1 for scale in scales)
    assert not set(scales[0].responses.columns) & set(scales[1].responses.columns)


def test_two_common_items_do_not_link():
    """With two nobody could tell which of them has drifted."""
    scales = _scales(Drawn(3, WEAK, [("A", 200, 0.0), ("B", 200, 0.7)]).tables)
    assert [scale.name for scale in scales] == ["A", "B"]


def test_common_items_that_all_answered_alike_do_not_link():
    tables = Drawn(4, LINKED, [("A", 200, 0.0), ("B", 200, 0.0)]).tables
    for item in range(7, 10):
        tables = constant(tables, f"practice-{item:02d}", 1.0)
    assert [scale.name for scale in _scales(tables)] == ["A", "B"]


def test_a_form_of_few_persons_is_not_calibrated_and_says_why():
    small, scale = _scales(Drawn(5, LINKED, [("A", 100, 0.0), ("B", 29, 0.0)]).tables)
    assert scale.name == "A" and set(scale.form) == {"A"} and scale.calibration is not None
    assert small.name == "B" and small.calibration is None
    assert small.note == "форму прошли меньше 30 чел."
    both = _scales(Drawn(5, LINKED, [("A", 20, 0.0), ("B", 29, 0.0)]).tables)
    assert [scale.calibration for scale in both] == [None, None]


def test_row_order_changes_nothing():
    tables = Drawn(6, LINKED, [("A", 300, 0.0), ("B", 300, 0.4)]).tables
    (there,), (here,) = _scales(tables), _scales(shuffled(tables))
    pd.testing.assert_frame_equal(there.calibration.items, here.calibration.items, atol=1e-5)


def test_an_item_that_all_answered_alike_is_kept_apart():
    tables = constant(Drawn(7).tables, "practice-03", 1.0)
    (scale,) = _scales(tables)
    assert scale.constant.to_dict() == {"practice-03": 1.0}
    assert "practice-03" not in scale.calibration.items.index
    assert "practice-03" not in scale.items_of("A") and len(scale.items_of("A")) == 19
    # A cut of 60 % of twenty is 11 of the nineteen others.
    chance = below_cut(scale, "A", 0.6)
    raw = tables["scores"].set_index("person_id")["raw_score"].loc[chance.index]
    assert chance[raw <= 8].min() > 0.5 > chance[raw >= 16].max()


def test_a_cut_that_constant_items_already_pass_has_no_chance():
    tables = Drawn(8, {"A": {"practice": range(10)}}).tables
    for item in range(7):
        tables = constant(tables, f"practice-{item:02d}", 1.0)
    (scale,) = _scales(tables)
    assert scale.calibration is not None
    assert below_cut(scale, "A", 0.6) is None and below_cut(scale, "A", 0.8) is not None


def test_what_cannot_be_calibrated_says_why():
    tables = Drawn(9, {"A": {"practice": range(6)}}).tables
    halves = tables["responses"]["score"].mul(0.5)
    (scale,) = _scales(tables | {"responses": tables["responses"].assign(score=halves)})
    assert scale.calibration is None and "ответ «0,5» не является баллом" in scale.note
    for item in range(5):
        tables = constant(tables, f"practice-{item:02d}", 0.0)
    (scale,) = _scales(tables)
    assert scale.calibration is None and "не менее 2 заданий" in scale.note


def test_items_of_several_points_are_partial_credit():
    drawn = Drawn(10, taken=[("A", 500, 0.0)])
    tables = drawn.tables
    pairs = tables["responses"]["item_id"].str[-2:].astype(int) // 2
    rows = tables["responses"].assign(item_id="practice-" + pairs.astype(str).str.zfill(2))
    rows = rows.groupby(["person_id", "wave", "form_id", "item_id"], as_index=False)["score"].sum()
    items = tables["items"].iloc[:10].assign(max_score=2.0)
    (scale,) = _scales(tables | {"responses": rows, "items": items})
    assert scale.calibration.model == "gpcm" and len(scale.calibration.items) == 10
    shares = bank_shares(scale, "A")
    assert shares.index[-1] == 20 and (np.diff(shares) > 0).all()


def test_the_two_parameter_model_is_kept_where_slopes_differ():
    rng = np.random.default_rng(11)
    theta = rng.standard_normal((2000, 1))
    slope = np.repeat([0.4, 2.2], 8)
    chance = 1 / (1 + np.exp(-slope * (theta - np.linspace(-1, 1, 16))))
    names = [f"practice-{at:02d}" for at in range(16)]
    right = pd.DataFrame((rng.random(chance.shape) < chance).astype(float), columns=names)
    right.index = pd.Index([f"p{at:04d}" for at in range(2000)], name="person_id")
    items = pd.DataFrame({"max_score": 1.0, "is_anchor": False}, index=names)
    forms = pd.DataFrame(True, index=["A"], columns=names)
    (scale,) = scales_of(Answers(right, pd.Series("A", right.index), items, forms))
    assert scale.calibration.model == "2pl"


def test_bic_by_hand():
    responses = _sent(Drawn(12, {"A": {"practice": range(6)}}).tables).responses
    one, two = calibrate(responses, "1pl"), calibrate(responses, "2pl")
    for found, parameters in ((one, 7), (two, 12)):
        assert bic(found, 400) == pytest.approx(
            -2 * found.log_likelihood + parameters * np.log(400)
        )


# --- equating ------------------------------------------------------------------------------------


def test_one_form_with_every_item_is_the_bank_itself():
    (scale,) = _scales(Drawn(13).tables)
    shares = bank_shares(scale, "A")
    assert shares.to_numpy() == pytest.approx(np.arange(21) / 20, abs=1e-3)
    same = equated(scale, "A", "A")
    assert same.to_numpy() == pytest.approx(np.arange(21), abs=0.02)


def test_equated_scores_are_those_of_the_true_curves():
    """A form of easy items against one of hard ones, with the parameters the answers came from."""
    forms = {"A": {"practice": [0, 3, 6, 9, 12, 15, 18, 1, 4, 7]}}
    forms["B"] = {"practice": [1, 4, 7, 2, 5, 8, 11, 14, 17, 10]}
    (scale,) = _scales(Drawn(14, forms, [("A", 2500, 0.0), ("B", 2500, 0.3)]).tables)
    theta = np.linspace(-6, 6, 2001)[:, None]
    curves = {
        name: (1 / (1 + np.exp(-SLOPE * (theta - [difficulty(at) for at in part["practice"]]))))
        for name, part in forms.items()
    }
    true = np.interp(np.arange(1, 10), curves["A"].sum(axis=1), curves["B"].sum(axis=1))
    found = equated(scale, "A", "B")
    assert found.loc[1:9].to_numpy() == pytest.approx(true, abs=0.25)
    assert found.loc[0] == 0 and found.loc[10] == pytest.approx(10)
    back = equated(scale, "B", "A")
    assert np.interp(found, back.index, back) == pytest.approx(np.arange(11), abs=0.1)
