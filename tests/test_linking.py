"""Links between forms: known lines, errors against simulation, drift with known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import norm

from nmc_utils.measures.irt import calibrate
from nmc_utils.measures.linking import connected, linking_notes, stocking_lord

# --- which forms are linked -----------------------------------------------------------------------


def _forms(**items: str) -> pd.DataFrame:
    """Forms by the letters of their items."""
    letters = sorted(set("".join(items.values())))
    rows = [[letter in own for letter in letters] for own in items.values()]
    return pd.DataFrame(rows, index=list(items), columns=letters)


def test_a_chain_of_forms_is_one_scale():
    forms = _forms(А="abcd", В="fghi", Б="defg", Г="xyz")
    assert connected(forms) == [("А", "В", "Б"), ("Г",)]
    assert connected(forms.sample(frac=1, axis=1, random_state=1)) == connected(forms)
    assert connected(forms, least=2) == [("А",), ("В", "Б"), ("Г",)]
    assert connected(forms.astype(int)) == connected(forms)


def test_forms_that_share_nothing_are_named():
    assert linking_notes(_forms(А="abc", Б="xyz")) == [
        "Формы «А» и «Б» не имеют общих заданий ни между собой, ни через другие формы: результаты"
        " несопоставимы."
    ]
    (note,) = linking_notes(_forms(А="abcd", Б="bcde", В="xyz"))
    assert note.startswith("Формы распадаются на части без общих заданий: «А» и «Б»; «В».")


@pytest.mark.parametrize(
    ("forms", "words"),
    [
        (_forms(А="abcd", Б="cdef"), "Форма «А» связана .* не больше 2 общих заданий .* меньше 3"),
        (_forms(А="abcd", Б="abce", В="exyz", Г="xyzw"), "Формы «А» и «Б» связаны .* 1 общего зад"),
        (_forms(А="abcd", Б="abce", В="exyz"), "Форма «В» связана .* не больше 1 общего задания"),
    ],
)
def test_a_weak_link_is_told(forms, words):
    (note,) = linking_notes(forms)
    assert pd.Series([note]).str.match(words).all()


def test_every_form_of_a_weak_chain_is_told():
    notes = linking_notes(_forms(А="abcd", Б="defg", В="ghij"))
    assert [note.split(" связана")[0] for note in notes] == ["Форма «А»", "Форма «Б»", "Форма «В»"]


def test_well_linked_forms_need_no_words():
    assert linking_notes(_forms(А="abcde", Б="cdefg", В="efgcx")) == []
    assert linking_notes(_forms(А="a")) == []


def test_a_form_given_twice_or_with_gaps_is_refused():
    twice = pd.concat([_forms(А="ab"), _forms(А="bc")])
    with pytest.raises(ValueError, match="Форма «А» стоит дважды"):
        connected(twice.fillna(False))
    with pytest.raises(ValueError, match="every form and item"):
        connected(pd.DataFrame({"a": [True, None]}, index=["А", "Б"]))


# --- the line -------------------------------------------------------------------------------------


def _items(n: int = 20, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"a": rng.lognormal(0.1, 0.3, n), "b": rng.normal(0, 1, n), "a_se": 0.1, "b_se": 0.08},
        index=pd.Index([f"якорь {number}" for number in range(n)], name="item"),
    )


def _on_other_scale(items: pd.DataFrame, slope: float, intercept: float) -> pd.DataFrame:
    return items.assign(a=items["a"] * slope, b=(items["b"] - intercept) / slope)


@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (1.3, 0.5), (0.6, -1.2)])
@pytest.mark.parametrize("n", [3, 20])
def test_a_known_line_is_found_exactly(slope, intercept, n):
    base = _items(n)
    new = _on_other_scale(base, slope, intercept).sample(frac=1, random_state=1)
    link = stocking_lord(base, new)
    assert (link.slope, link.intercept) == pytest.approx((slope, intercept), abs=1e-7)
    assert not link.anchors["is_drifting"].any()
    assert link.anchors[["a_drift", "b_drift"]].abs().max(axis=None) < 1e-6
    back = link.items_to_base(new).loc[base.index]
    assert back["a"].to_numpy() == pytest.approx(base["a"].to_numpy())
    assert back["b"].to_numpy() == pytest.approx(base["b"].to_numpy())
    assert link.to_base(pd.Series([0.0, 1.0])).to_list() == pytest.approx(
        [intercept, intercept + slope]
    )


def _noisy(rng, items: pd.DataFrame) -> pd.DataFrame:
    return items.assign(
        a=items["a"] + rng.normal(0, items["a_se"]), b=items["b"] + rng.normal(0, items["b_se"])
    )


def test_the_line_minimises_the_difference_of_expected_scores():
    rng = np.random.default_rng(2)
    base, new = _noisy(rng, _items()), _noisy(rng, _on_other_scale(_items(), 1.2, 0.4))
    theta = np.linspace(-4, 4, 41)[:, None]

    def loss(line):
        there = expit(base["a"].to_numpy() * (theta - base["b"].to_numpy())).sum(axis=1)
        b = line[0] * new["b"].to_numpy() + line[1]
        here = expit(new["a"].to_numpy() / line[0] * (theta - b)).sum(axis=1)
        return norm.pdf(theta[:, 0]) @ (there - here) ** 2

    found = minimize(loss, [1, 0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-14}).x
    link = stocking_lord(base, new)
    assert (link.slope, link.intercept) == pytest.approx(tuple(found), abs=1e-5)


def test_errors_of_drift_are_those_of_repeated_calibrations():
    rng = np.random.default_rng(3)
    base = _items()
    new = _on_other_scale(base, 1.3, 0.5)
    links = [stocking_lord(_noisy(rng, base), _noisy(rng, new)) for _ in range(80)]
    anchors = pd.concat([link.anchors for link in links])
    assert anchors[["a_z", "b_z"]].std().to_numpy() == pytest.approx(1, abs=0.05)
    assert 0.03 <= (anchors["p_value"] < 0.05).mean() <= 0.06
    # A false alarm in any of 20 anchors of a link happens in about one link of twenty.
    assert np.mean([link.anchors["is_drifting"].any() for link in links]) <= 0.1


def test_a_drifting_anchor_is_found_and_what_it_does_to_the_line():
    rng = np.random.default_rng(4)
    base, new = _items(), _on_other_scale(_items(), 1.1, 0.3)
    base, new = _noisy(rng, base), _noisy(rng, new)
    new.loc["якорь 6", "b"] += 0.7
    link = stocking_lord(base, new)
    assert list(link.anchors.index[link.anchors["is_drifting"]]) == ["якорь 6"]
    drifted = link.anchors.loc["якорь 6"]
    assert drifted["b_drift"] == pytest.approx(0.7 * 1.1, abs=0.3)
    without = stocking_lord(base.drop("якорь 6"), new)
    assert (without.slope, without.intercept) == pytest.approx(
        (drifted["slope_without"], drifted["intercept_without"]), abs=1e-6
    )
    chosen = stocking_lord(base, new, [name for name in base.index if name != "якорь 6"])
    assert chosen.intercept == pytest.approx(without.intercept)
    assert abs(without.intercept - 0.3) < abs(link.intercept - 0.3)


def test_a_changed_discrimination_is_drift_too():
    base = _items().assign(a_se=0.06, b_se=0.06)
    new = base.copy()
    new.loc["якорь 2", "a"] *= 0.5
    link = stocking_lord(base, new)
    assert link.anchors["is_drifting"].idxmax() == "якорь 2"
    assert link.anchors.loc["якорь 2", "a_z"] < -4


# --- with calibrations ----------------------------------------------------------------------------


def _two_forms(rng, spread: float, n: int = 2000) -> tuple[pd.DataFrame, pd.Series]:
    """Two forms of 40 items with 20 in common; the second group is abler by .74 SD."""
    bank = np.random.default_rng(77)
    a, b = bank.lognormal(0.1, spread, 60), bank.normal(0.2, 1, 60)
    form = pd.Series(np.repeat(["А", "Б"], n))
    theta = rng.normal(size=2 * n) + np.where(form == "Б", 0.74, 0)
    answers = (rng.random((2 * n, 60)) < expit(a * (theta[:, None] - b))).astype(float)
    responses = pd.DataFrame(answers, columns=[f"з{number}" for number in range(60)])
    responses.iloc[:n, 40:] = np.nan
    responses.iloc[n:, :20] = np.nan
    return responses, form


@pytest.mark.parametrize(("model", "spread"), [("1pl", 0), ("2pl", 0.25)])
def test_separate_calibrations_linked_agree_with_the_concurrent_one(model, spread):
    responses, form = _two_forms(np.random.default_rng(5), spread)
    together = calibrate(responses, model=model, group=form).groups.loc["Б"]
    first, second = (
        calibrate(responses[form == name].dropna(axis=1), model=model) for name in ("А", "Б")
    )
    link = stocking_lord(first.items, second.items)
    assert len(link.anchors) == 20
    assert link.intercept == pytest.approx(together["mean"], abs=2 * together["mean_se"])
    assert link.slope == pytest.approx(together["sd"], abs=0.06)
    assert link.intercept == pytest.approx(0.74, abs=0.12)
    assert not link.anchors["is_drifting"].any()


@pytest.mark.long
def test_over_many_samples_the_linked_gap_is_the_true_one():
    rng = np.random.default_rng(6)
    gaps, alarms = [], []
    for _ in range(30):
        responses, form = _two_forms(rng, 0.25, n=800)
        first, second = (
            calibrate(responses[form == name].dropna(axis=1), model="2pl") for name in ("А", "Б")
        )
        link = stocking_lord(first.items, second.items)
        gaps.append(link.intercept)
        alarms.append(link.anchors["p_value"].lt(0.05).mean())
    assert np.mean(gaps) == pytest.approx(0.74, abs=0.04)
    assert np.mean(alarms) <= 0.08


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda base: {"items_new": base.add_prefix("новое ", axis=0)}, "Общих заданий 0, а для"),
        (
            lambda base: {"items_new": base.iloc[:2]},
            r"Общих заданий 2 \(«якорь 0» и «якорь 1»\).* несопоставимы",
        ),
        (lambda base: {"anchors": [*base.index[:3], "чужое"]}, "Задания «чужое» нет в одной"),
        (lambda base: {"items_new": base.assign(step_1=0.0)}, "верно — неверно"),
        (lambda base: {"items_new": pd.concat([base, base[:1]])}, "«якорь 0» стоит дважды"),
        (lambda base: {"items_new": base.assign(b=[np.nan, 1, 2, 3])}, "У задания «якорь 0» нет"),
        (lambda base: {"items_base": base.assign(a=[1, 1, -1, 1])}, "У задания «якорь 2» нет"),
        (lambda base: {"significance": 5}, "between 0 and 1, got 5"),
    ],
)
def test_refusals(change, message):
    base = _items(4)
    with pytest.raises(ValueError, match=message):
        stocking_lord(**{"items_base": base, "items_new": base, **change(base)})
