"""Reliability of forms, over forms and at the cuts, on small editions with known answers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from drawn_editions import Drawn, constant, region, results_of, shuffled
from scipy import stats

import nmc_utils as nmc
from nmc_utils.measures.answers import all_answers, answers
from nmc_utils.measures.dictionary import check_measures
from nmc_utils.measures.distributions import level_of
from nmc_utils.measures.measurement import pooled_reliability, reliability_by_form
from nmc_utils.measures.pooling import pool_of
from nmc_utils.terms import UNSTATED

REGION = region(0.6)
TWO = {"A": {"practice": range(12), "care": range(12)}, "B": {"practice": range(8, 20)}}


def _by_form(tables, of=REGION):
    results = results_of(tables, of)
    return reliability_by_form(results, tables, all_answers(tables, results))


def _one(table, **keys):
    for name, value in keys.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


# --- answers -------------------------------------------------------------------------------------


def test_a_blank_scores_nothing_and_an_item_of_another_form_is_missing():
    drawn = Drawn(1, TWO, [("A", 40, 0.0), ("B", 40, 0.0)])
    tables = drawn.tables
    rows = tables["responses"]
    blank = rows["person_id"].eq("A0003") & rows["item_id"].eq("practice-02")
    as_empty = tables | {"responses": rows.assign(score=rows["score"].mask(blank))}
    as_absent = tables | {"responses": rows[~blank]}
    results = results_of(tables, REGION)
    for given in (as_empty, as_absent):
        sent = all_answers(given, results)["own", "entry", "practice"]
        assert sent.responses.loc["A0003", "practice-02"] == 0
        assert sent.responses.loc["B0000", "practice-02":"practice-03"].isna().all()
        assert list(sent.of_form("B").columns) == [f"practice-{at:02d}" for at in range(8, 20)]
        assert sent.of_form("B").notna().all(axis=None)


def test_answers_of_a_form_that_is_not_the_result_are_not_used():
    tables = Drawn(1).tables
    more = tables["responses"].assign(form_id="Z", score=1.0)
    given = tables | {"responses": pd.concat([tables["responses"], more])}
    results = results_of(tables, REGION)
    there, here = (all_answers(part, results) for part in (given, tables))
    key = "own", "entry", "practice"
    pd.testing.assert_frame_equal(there[key].responses, here[key].responses)


def test_without_answers_there_are_none():
    tables = Drawn(1).totals_only()
    results = results_of(tables, REGION)
    assert all_answers(tables, results) == {}
    assert answers(tables, results[results["domain"] == "practice"]) is None
    assert all_answers(Drawn(1).tables, results.iloc[:0]) == {}
    with pytest.raises(ValueError, match="one procedure, wave and domain"):
        answers(Drawn(1).tables, results)


# --- reliability ---------------------------------------------------------------------------------


def test_alpha_of_two_items_by_hand():
    """Forty persons, patterns 11, 10, 01, 00 of 15, 5, 5, 15: variances ¼ · 40/39, covariance ⅛."""
    patterns = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [15, 5, 5, 15], axis=0)
    people = [f"p{at:02d}" for at in range(40)]
    rows = pd.DataFrame(patterns, index=people, columns=["i1", "i2"]).melt(ignore_index=False)
    responses = rows.rename_axis("person_id").reset_index()
    responses.columns = ["person_id", "item_id", "score"]
    responses = responses.assign(wave="entry", form_id="F")
    scores = pd.DataFrame({"person_id": people, "raw_score": patterns.sum(axis=1)}).assign(
        procedure_id="own", wave="entry", attempt=1, form_id="F", domain="care", max_score=2.0
    )
    items = pd.DataFrame({"item_id": ["i1", "i2"]}).assign(
        form_id="F", domain="care", max_score=1.0, is_anchor=False
    )
    found = _by_form({"scores": scores, "responses": responses, "items": items})
    row = _one(found, domain="care")
    # Total variance ¼ + ¼ + 2 · ⅛ = ¾ against ½ of the items: 2 · (1 − ⅔).
    assert row["estimate"] == pytest.approx(2 / 3)
    assert row["mean"] == pytest.approx(1) and row["n"] == 40 and row["n_items"] == 2
    assert row["sd"] == pytest.approx(np.sqrt(0.75 * 40 / 39))


def test_row_order_changes_nothing():
    tables = Drawn(2, TWO, [("A", 60, 0.0), ("B", 60, 0.5)]).tables
    pd.testing.assert_frame_equal(_by_form(tables), _by_form(shuffled(tables)))


def test_a_form_with_one_competence_has_no_second_row_of_the_same():
    found = _by_form(Drawn(2).tables)
    assert found["domain"].tolist() == ["practice", "total"]
    practice, total = found.to_dict("records")
    assert total["estimate"] == pytest.approx(practice["estimate"])


def test_an_item_that_all_answered_alike_is_named_and_changes_nothing():
    tables = Drawn(3).tables
    rest = tables | {"items": tables["items"].query("item_id != 'practice-05'")}
    found = _one(_by_form(constant(tables, "practice-05", 1.0)), domain="practice")
    without = _one(_by_form(constant(rest, "practice-05", 0.0)), domain="practice")
    assert found["estimate"] == pytest.approx(without["estimate"])
    assert found["note"] == "без заданий, на которые все ответили одинаково: practice-05"
    assert found["n_items"] == 20


def test_what_says_too_little_is_not_assessed_and_says_why():
    def note(tables):
        row = _one(_by_form(tables), domain="practice")
        assert row["status"] == "not_assessed" and np.isnan(row["estimate"])
        return row["note"]

    few = Drawn(4, taken=[("A", 29, 0.0)])
    assert note(few.tables) == "форму прошли меньше 30 чел."
    told = Drawn(4).totals_only(None)
    assert note(told) == "ответов на задания нет, и надёжность формы не сообщена"
    assert note({"scores": told["scores"]}) == note(told)
    equal = {"scores": told["scores"].assign(raw_score=7.3)}
    assert note(equal) == "все результаты формы одинаковы"
    assert note(Drawn(4).totals_only(1.0)).endswith("выходит 1: такой не бывает")
    tables = Drawn(4, {"A": {"practice": range(3)}}).tables
    alone = constant(constant(tables, "practice-00", 1.0), "practice-01", 0.0)
    assert note(alone) == "меньше двух заданий, на которые ответили по-разному"
    first = tables["responses"].query("item_id == 'practice-00'")
    same = first.set_index("person_id")["score"]
    rows = tables["responses"].assign(score=lambda rows: rows["person_id"].map(same))
    scores = tables["scores"].assign(raw_score=lambda rows: 3 * rows["person_id"].map(same))
    copied = tables | {"responses": rows, "scores": scores}
    assert note(copied) == "альфа равна единице: все задания повторяют одно и то же"


def test_answers_that_contradict_each_other_are_not_assessed():
    tables = Drawn(5, {"A": {"practice": range(4)}}).tables
    rows = tables["responses"].copy()
    number = rows["person_id"].str[1:].astype(int)
    item = rows["item_id"].str[-1].astype(int)
    rows["score"] = ((number % 4) == item).astype(float) + ((number % 40) == item + 10)
    rows["score"] = rows["score"].clip(upper=1)
    scores = tables["scores"].drop(columns="raw_score")
    sums = rows.groupby("person_id")["score"].sum().rename("raw_score")
    found = _by_form(tables | {"responses": rows, "scores": scores.join(sums, on="person_id")})
    row = _one(found, domain="practice")
    assert row["note"].startswith("альфа не выше нуля")


def test_answers_of_too_few_leave_the_reported_reliability():
    drawn = Drawn(6)
    tables = drawn.tables | {"forms": drawn.totals_only(0.77)["forms"]}
    rows = tables["responses"]
    tables["responses"] = rows[rows["person_id"] < "A0020"]
    row = _one(_by_form(tables), domain="practice")
    assert (row["estimate"], row["source"]) == (0.77, "паспорт теста")
    assert np.isnan(row["ci_low"]) and row["interval_kind"] == "none"


def test_a_reported_reliability_without_a_source_says_so():
    tables = Drawn(6).totals_only(0.77)
    tables["forms"] = tables["forms"].assign(reliability_source=None)
    assert _one(_by_form(tables), domain="practice")["source"] == "сообщена без источника"


def test_the_whole_test_is_not_assessed_when_a_competence_is_not():
    tables = constant(Drawn(7, TWO, [("A", 50, 0.0)]).tables, "care-00", 1.0)
    for item in range(1, 12):
        tables = constant(tables, f"care-{item:02d}", 1.0)
    row = _one(_by_form(tables), domain="total")
    assert row["status"] == "not_assessed" and row["note"] == "все результаты формы одинаковы"


def test_reliability_is_that_of_the_truth():
    drawn = Drawn(8, {"A": {"practice": range(20), "care": range(20)}}, [("A", 3000, 0.0)])
    found = _by_form(drawn.tables)
    whole = drawn.scores.merge(drawn.truth, on=["person_id", "domain"])
    true = whole.groupby("domain").apply(
        lambda rows: np.corrcoef(rows["raw_score"], rows["share"])[0, 1] ** 2
    )
    sums = whole.groupby("person_id")[["raw_score", "share"]].sum()
    true["total"] = np.corrcoef(sums["raw_score"], sums["share"])[0, 1] ** 2
    estimate = found.set_index("domain")["estimate"]
    assert (estimate - true[estimate.index]).abs().max() < 0.015


def test_reported_reliability_falls_at_exit_with_the_spread_and_not_the_error():
    """Those who came are chosen: their spread is smaller, their answers no surer."""
    drawn = Drawn(9, taken=[("A", 4000, 0.0)], exit_forms={}, effect=1.3)
    truth = drawn.scores.merge(drawn.truth, on=["person_id", "wave"])
    true = {
        wave: np.corrcoef(rows["raw_score"], rows["share"])[0, 1] ** 2
        for wave, rows in truth.groupby("wave")
    }
    found = _by_form(drawn.totals_only(true["entry"])).query("domain == 'practice'")
    found = found.set_index("wave")
    assert true["entry"] - true["exit"] > 0.03
    assert found.loc["entry", "estimate"] == true["entry"]
    assert found.loc["exit", "estimate"] == pytest.approx(true["exit"], abs=0.02)
    assert found.loc["exit", "source"].endswith("пересчитана по разбросу результатов")


def test_no_results_give_no_rows_with_the_same_columns():
    tables = Drawn(1).tables
    empty = results_of({}, REGION)
    found = reliability_by_form(empty, {}, {})
    assert found.empty and list(found.columns) == list(_by_form(tables).columns)
    pooled = pooled_reliability(found)
    assert pooled.empty and nmc.classification(empty, found, REGION).empty
    assert nmc.error_along_scale(pooled).empty and nmc.borderline_bands(pooled, REGION).empty


# --- over forms ----------------------------------------------------------------------------------


def _forms(**columns):
    base = {"procedure": "own", "wave": "entry", "domain": "care", "max_score": 10.0}
    rows = pd.DataFrame({"form": ["A", "B"], "status": "ok", "source": "s", "note": None} | columns)
    return rows.assign(**base)


def test_pooled_reliability_by_hand():
    """Two forms of 100: means .4 and .6, both with variance .04, so that the whole has .05."""
    known = {"n": [100, 100], "mean": [4.0, 6.0], "sd": [2.0, 2.0], "n_items": [10, 12]}
    row = pooled_reliability(_forms(estimate=[0.76, 0.88], **known)).iloc[0]
    assert row["estimate"] == pytest.approx(1 - 0.04 * 0.18 / 0.05)
    assert (row["n"], row["n_items"], row["n_forms"]) == (200, 10, 2)
    assert row["mean"] == pytest.approx(0.5) and row["sd"] == pytest.approx(np.sqrt(0.05))
    # How surely the spread is known depends on whose results these are.
    assert np.isnan(row["ci_low"]) and row["interval_kind"] == "none"


def test_pooled_reliability_is_without_forms_that_were_not_assessed():
    known = {"n": [100, 20], "mean": [4.0, 6.0], "sd": [2.0, 2.0], "n_items": [10, 12]}
    rows = _forms(estimate=[0.76, np.nan], **known)
    rows.loc[1, ["status", "note"]] = ["not_assessed", "мало"]
    row = pooled_reliability(rows).iloc[0]
    assert row["estimate"] == pytest.approx(0.76)
    assert row["note"] == "без форм, которые не оценивались: 1"
    none = pooled_reliability(rows.assign(status="not_assessed", note="мало")).iloc[0]
    assert (none["status"], none["note"]) == ("not_assessed", "мало")


def _normal_pool(seed, reliability, n_items, n=4000, forms=1):
    rng = np.random.default_rng(seed)
    index = pd.Index([f"F{at}" for at in range(forms)])
    about = {"estimate": reliability, "n_items": n_items, "interval_kind": "process"}
    shares = 0.5 + 0.1 * rng.standard_normal(n).clip(-4, 4)
    return pool_of(shares, index[np.arange(n) % forms], pd.DataFrame(about, index=index))


@pytest.mark.parametrize("n_items", [6, 40])
def test_interval_of_normal_results_is_feldt_s(n_items):
    """For normal scores (1 − α)/(1 − estimate) ~ F with n − 1 and (n − 1)(items − 1)."""
    pool = _normal_pool(1, 0.8, n_items)
    n = len(pool.shares)
    bounds = stats.f.ppf([0.975, 0.025], n - 1, (n - 1) * (n_items - 1))
    assert pool.interval() == pytest.approx(1 - 0.2 * bounds, abs=0.0008)


def test_the_error_of_a_composite_is_that_of_drawing_persons_anew():
    """Against a bootstrap of persons with their answers, alpha and the sum computed anew."""
    drawn = Drawn(15, {"A": {"practice": range(20), "care": range(20)}}, [("A", 120, 0.0)])
    row = _one(_by_form(drawn.tables), domain="total")
    wide = drawn.responses.pivot(index="person_id", columns="item_id", values="score")
    parts = [wide.filter(like=name).to_numpy() for name in ("practice", "care")]

    def log_error(who):
        error = 0.0
        for part in parts:
            items = part[who].var(axis=0).sum()
            error += (20 * items - part[who].sum(axis=1).var()) / 19
        return np.log(error / sum(part[who].sum(axis=1) for part in parts).var())

    assert np.exp(log_error(np.arange(120))) == pytest.approx(1 - row["estimate"])
    rng = np.random.default_rng(16)
    spread = np.std([log_error(rng.integers(0, 120, 120)) for _ in range(4000)])
    width = np.log((1 - row["ci_low"]) / (1 - row["ci_high"]))
    assert width == pytest.approx(2 * stats.t.ppf(0.975, 119) * spread, rel=0.12)


def test_a_reliability_found_from_some_of_the_persons():
    """Everyone gives the reliability itself, persons alike in result a smaller one."""
    pool = _normal_pool(2, np.array([0.8, 0.7]), np.array([20, 30]), forms=2)
    everyone = np.ones(len(pool.shares), bool)
    assert pool.estimate(everyone) == pytest.approx(pool.estimate())
    near = np.abs(pool.shares - 0.5) < 0.1
    assert pool.estimate(near) < pool.estimate() - 0.2
    # A reported reliability is that of whoever is kept.
    told = replace(pool, is_estimated=np.zeros(2, bool))
    assert told.estimate(near) == pytest.approx(0.75, abs=0.01)
    assert np.isnan(told.interval()).all() and told.std_error_of_level() == 0


def test_a_form_of_which_nobody_is_kept_weighs_nothing():
    pool = _normal_pool(3, np.array([0.8, 0.7]), np.array([20, np.nan]), forms=2)
    pool = replace(pool, is_estimated=np.array([True, False]))
    first = _normal_pool(3, np.array([0.8, 0.7]), np.array([20, 30]), forms=2).form == 0
    assert pool.estimate(first) == pytest.approx(0.8, abs=1e-3)
    assert pool.std_error_of_level() == pytest.approx(
        0.25 * 0.4 * np.sqrt(2 / (1999 * 19)), rel=0.1
    )


def test_row_order_changes_no_interval():
    tables = Drawn(17, TWO, [("A", 60, 0.0), ("B", 60, 0.5)]).tables
    there, here = (results_of(part, REGION) for part in (tables, shuffled(tables)))
    pooled = [pooled_reliability(_by_form(tables), part) for part in (there, here)]
    pd.testing.assert_frame_equal(*pooled)
    assert pooled[0]["interval_kind"].eq("process").all()
    at_cut = [nmc.classification(part, _by_form(tables), REGION) for part in (there, here)]
    pd.testing.assert_frame_equal(*at_cut)


def test_a_composite_says_how_its_parts_came_about():
    tables = Drawn(18, TWO, [("A", 60, 0.0)]).tables
    source = _one(_by_form(tables), domain="total")["source"]
    assert source.startswith("расчёт по компетенциям: составная надёжность; надёжность комп")
    assert source.endswith("компетенций: расчёт по ответам: альфа Кронбаха")
    told = Drawn(18, TWO, [("A", 60, 0.0)]).totals_only(0.7)
    row = _one(_by_form(told), domain="total")
    assert row["source"].endswith("надёжность компетенций: паспорт теста")
    assert row["interval_kind"] == "none" and np.isnan(row["ci_low"])


# --- at the cuts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cuts", [(0.6,), (0.4, 0.6, 0.8)])
def test_false_deficits_are_those_of_the_truth(cuts):
    of = region(*cuts)
    drawn = Drawn(10, taken=[("A", 4000, 0.0)])
    results = results_of(drawn.tables, of)
    found = check_measures(nmc.classification(results, _by_form(drawn.tables, of), of))
    found = found[found["domain"] == "practice"].set_index(["measure", "level"])["estimate"]
    truth = drawn.scores.merge(drawn.truth, on="person_id")
    for at, cut in enumerate(cuts):
        low, truly = truth["raw_score"] / 20 <= cut + 1e-9, truth["share"] <= cut
        level = f"level_{at}"
        assert found["false_deficit_share", level] == pytest.approx((~truly)[low].mean(), abs=0.03)
        assert found["missed_deficit_share", level] == pytest.approx(truly[~low].mean(), abs=0.05)
        assert found["accuracy", level] == pytest.approx((low == truly).mean(), abs=0.03)


def test_each_share_says_of_how_many_persons_it_is():
    drawn = Drawn(19)
    found = nmc.classification(results_of(drawn.tables, REGION), _by_form(drawn.tables), REGION)
    n = check_measures(found)[found["domain"] == "practice"].set_index("measure")["n"]
    low = int((drawn.scores["raw_score"] <= 12).sum())
    assert n.to_dict() == {
        "accuracy": 400,
        "consistency": 400,
        "kappa": 400,
        "false_deficit_share": low,
        "missed_deficit_share": 400 - low,
    }


def test_a_share_of_nobody_has_no_data():
    drawn = Drawn(20, taken=[("A", 200, 1.5)])
    lowest = drawn.scores["raw_score"].min() / 20
    of = region(lowest - 0.05)
    found = nmc.classification(results_of(drawn.tables, of), _by_form(drawn.tables, of), of)
    row = _one(check_measures(found), domain="practice", measure="false_deficit_share")
    assert (row["status"], row["n"]) == ("no_data", 0) and np.isnan(row["estimate"])
    assert row["note"] == "по эту сторону порога никого нет"


def test_an_interval_without_the_error_of_a_reported_reliability_says_so():
    drawn = Drawn(21)
    estimated, tables = drawn.tables, drawn.totals_only(0.8)
    by_form = [_by_form(part) for part in (tables, estimated)]
    told, own = (nmc.classification(results_of(estimated, REGION), b, REGION) for b in by_form)
    assert told["status"].eq("ok").all() and told["ci_low"].notna().all()
    assert set(told["note"]) == {"без погрешности надёжности: она сообщена одним числом"}
    assert own["note"].isna().all()
    kappa = [_one(part, domain="practice", measure="kappa") for part in (told, own)]
    assert kappa[0]["std_error"] < 0.9 * kappa[1]["std_error"]


#: Two forms that share items, of few persons and of more; results near the maximum.
PAIR = {
    "A": {"practice": range(10), "care": range(10, 20)},
    "B": {"practice": range(5, 15), "care": range(8, 20)},
}


def _intervals(seed, taken):
    tables = Drawn(seed, PAIR, taken).tables
    results = results_of(tables, REGION)
    by_form = _by_form(tables)
    pooled = pooled_reliability(by_form, results).assign(form="all")
    at_cut = nmc.classification(results, by_form, REGION).assign(form="all")
    rows = pd.concat([by_form[by_form["domain"] == "total"], pooled, at_cut])
    return rows.set_index(["measure", "form", "domain"])[["estimate", "ci_low", "ci_high"]]


@pytest.mark.long
@pytest.mark.parametrize(
    "taken",
    [
        [("A", 60, 0.0), ("B", 40, 0.6)],
        [("A", 150, 0.0), ("B", 150, 0.6)],
        [("A", 100, 1.5), ("B", 100, 1.2)],
    ],
    ids=["few", "more", "near the maximum"],
)
def test_intervals_cover_what_very_many_persons_would_give(taken):
    """Of 300 editions, so that an exact interval covers 92.5–97.5 % of them in 95 cases of 100.

    What very many persons give is not the truth itself: the two-parameter beta is not the
    distribution that results are drawn from, which `test_false_deficits_are_those_of_the_truth`
    is about. A form of forty persons, of which the spread of results is hardly known, is covered
    too often rather than too seldom; a share of few persons a little too seldom.
    """
    many = 40_000 // sum(n for _, n, _ in taken)
    larger = [(form, n * many, mean) for form, n, mean in taken]
    true = sum(_intervals(900 + at, larger)["estimate"] for at in range(4)) / 4
    found = [_intervals(seed, taken) for seed in range(300)]
    inside = [part["ci_low"].le(true) & true.le(part["ci_high"]) for part in found]
    covered = pd.concat(inside, axis=1).mean(axis=1)
    told = covered.to_string()
    assert covered.between(0.91, 0.99).all(), told
    pooled = covered.xs("all", level="form")
    assert pooled.between(0.915, 0.985).all(), told
    assert 0.93 <= pooled.mean() <= 0.97, told


def test_classification_that_no_model_fits_is_not_assessed_with_its_reason():
    scores = Drawn(11).scores.assign(max_score=2.0)
    scores["raw_score"] = np.where(np.arange(len(scores)) % 2, 2.0, 0.0)
    forms = Drawn(11).totals_only(0.4)["forms"].assign(n_items=2, max_score=2)
    tables = {"scores": scores, "forms": forms}
    by_form = _by_form(tables)
    found = check_measures(nmc.classification(results_of(tables, REGION), by_form, REGION))
    assert found["status"].eq("not_assessed").all()
    assert found["note"].str.contains("равносилен").all()
    assert nmc.error_along_scale(pooled_reliability(by_form)).empty


def test_where_nothing_is_assessed_every_measure_is_not_assessed():
    tables = Drawn(11).totals_only(None)
    by_form = _by_form(tables)
    found = nmc.classification(results_of(tables, REGION), by_form, REGION)
    assert found["status"].eq("not_assessed").all() and found["estimate"].isna().all()
    assert found["note"].notna().all() and len(found) == 10
    assert nmc.borderline_bands(pooled_reliability(by_form), REGION).empty


def test_error_along_the_scale_averages_to_the_error_variance():
    tables = Drawn(12).tables
    pooled = pooled_reliability(_by_form(tables)).query("domain == 'practice'")
    curve = check_measures(nmc.error_along_scale(pooled)).set_index("score_share")["estimate"]
    shares = tables["scores"]["raw_score"] / 20
    row = pooled.iloc[0]
    mean_square = np.mean(np.interp(shares, curve.index, curve) ** 2)
    assert mean_square == pytest.approx(row["sd"] ** 2 * (1 - row["estimate"]), rel=0.01)
    assert len(curve) == 21 and curve.iloc[0] == curve.iloc[-1] == 0


def test_bands_lie_around_each_cut_and_are_those_of_the_region():
    wide, narrow = region(0.4, 0.7), region(0.4, 0.7, borderline=[0.4, 0.6])
    pooled = pooled_reliability(_by_form(Drawn(13).tables))
    bands = nmc.borderline_bands(pooled, wide).query("domain == 'practice'")
    inner = nmc.borderline_bands(pooled, narrow).query("domain == 'practice'")
    assert bands["cut"].tolist() == [0.4, 0.7]
    assert (bands["band_low"] < inner["band_low"]).all()
    assert (inner["band_high"] < bands["band_high"]).all()
    assert bands[["band_low", "band_high"]].stack().between(0, 1).all()


# --- levels, small groups, and what a region says ------------------------------------------------


def test_a_result_at_a_bound_belongs_to_the_lower_level():
    cuts = region(0.4, 0.6).diagnostics.cuts
    shares = pd.Series([0.0, 0.4, 2 / 5 + 1e-12, 0.41, 3 / 5, 0.61, 1.0])
    found = level_of(shares, cuts)
    assert list(found) == ["level_0"] * 3 + ["level_1"] * 2 + ["top"] * 2
    assert list(found.categories) == ["level_0", "level_1", "top"]


def _shares_by_place(sizes, low, of=REGION):
    """`low` persons at or below the cut of `sizes` tested, by municipality."""
    parts = [
        pd.DataFrame({"raw_score": [10.0] * few + [19.0] * (n - few)}).assign(municipality=place)
        for (place, n), few in zip(sizes.items(), low, strict=True)
    ]
    results = pd.concat(parts, ignore_index=True).assign(
        max_score=20.0, procedure="own", wave="entry"
    )
    results = results.assign(domain="practice", family="words")
    results["municipality"] = pd.Categorical(results["municipality"], of.municipality_names)

    def measure(by):
        return nmc.level_shares(results, of.diagnostics.cuts, by)

    return nmc.broken_down(measure, ["procedure", "wave", "domain"])


def test_small_groups_are_drawn_to_the_others_and_large_ones_are_not():
    table = _shares_by_place({"shore": 4, "hill": 400, "wood": 350}, [0, 120, 105])
    found = check_measures(nmc.small_area_levels(table)).query("level == 'level_0'")
    found = found.set_index("municipality")
    assert set(found.index) == {"shore", "hill", "wood"}  # where nobody was tested there is nothing
    assert 0.15 < found.loc["shore", "estimate"] < 0.3
    assert found.loc["hill", "estimate"] == pytest.approx(0.3, abs=0.01)
    width = found["ci_high"] - found["ci_low"]
    assert width["shore"] > 2 * width["hill"]
    assert found["n"].to_dict() == {"shore": 4, "hill": 400, "wood": 350}
    assert set(found["measure"]) == {"small_area_share"} and set(found["family"]) == {"total"}
    families = nmc.small_area_levels(table, "family")
    assert set(families["municipality"]) == {"total"} and len(families) == 2


def test_small_groups_are_compared_within_a_competence():
    table = _shares_by_place({"shore": 20, "hill": 20}, [10, 10])
    other = _shares_by_place({"shore": 20, "hill": 20}, [1, 1]).assign(domain="care")
    both = nmc.small_area_levels(pd.concat([table, other], ignore_index=True))
    alone = nmc.small_area_levels(table)
    pd.testing.assert_frame_equal(both.query("domain == 'practice'").reset_index(drop=True), alone)
    mixed = pd.concat([other, table], ignore_index=True).sample(frac=1, random_state=3)
    keys = ["domain", "municipality", "level"]
    pd.testing.assert_frame_equal(
        nmc.small_area_levels(mixed).sort_values(keys, ignore_index=True),
        both.sort_values(keys, ignore_index=True),
    )


def test_persons_of_no_known_group_inform_no_group():
    table = _shares_by_place({"shore": 20, "hill": 20, "wood": 40}, [10, 10, 1])
    table["municipality"] = table["municipality"].astype("str").replace("wood", UNSTATED)
    known = table[table["municipality"] != UNSTATED].reset_index(drop=True)
    found = nmc.small_area_levels(table)
    assert set(found["municipality"]) == {"shore", "hill"}
    pd.testing.assert_frame_equal(found, nmc.small_area_levels(known))


def test_without_groups_there_are_no_small_ones():
    table = _shares_by_place({"shore": 20}, [10])
    everyone = table[table["municipality"] == "total"]
    found = nmc.small_area_levels(everyone)
    assert found.empty and set(table.columns) == set(found.columns)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"borderline": [0.8, 0.2]}, "первое меньше"),
        ({"borderline": [0.0, 0.5]}, "между 0 и 1"),
        (
            {"retests": [{"domain": "other", "correlation": 0.7, "source": "опыт"}]},
            "не компетенция",
        ),
        (
            {"retests": [{"domain": "care", "correlation": 0.7, "source": "опыт"}] * 2},
            "повторяется",
        ),
        ({"retests": [{"domain": "care", "correlation": 1.0, "source": "опыт"}]}, "correlation"),
        ({"retests": [{"domain": "care", "correlation": 0.7}]}, "source"),
    ],
)
def test_what_a_region_cannot_mean_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        region(0.6, **wrong)


def test_a_region_says_retests_and_where_a_level_is_unsure():
    retests = [{"domain": name, "correlation": 0.7, "source": "опыт"} for name in ("care", "total")]
    of = region(0.6, retests=retests).diagnostics
    assert of.borderline == (0.2, 0.8)
    assert (of.retest_of("care"), of.retest_of("total"), of.retest_of("texts")) == (0.7, 0.7, None)
