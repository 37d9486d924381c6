"""Value of subscores by hand, against covariances solved directly, and by simulated truth."""

import numpy as np
import pandas as pd
import pytest

from nmc_utils.measures.reliability import alpha
from nmc_utils.measures.subscores import augmented_subscores, subscore_value

DOMAINS = {f"{domain}{item}": domain for domain in "abc" for item in range(20)}


def _simulated(seed: int, n: int, correlation: float, b_items: int = 20):
    """Responses of 2PL items on three correlated abilities, and the true domain scores."""
    rng = np.random.default_rng(seed)
    common, own = np.sqrt(correlation), np.sqrt(1 - correlation)
    theta = common * rng.standard_normal((n, 1)) + own * rng.standard_normal((n, 3))
    responses, truth = {}, {}
    for place, (domain, length) in enumerate(zip("abc", (20, b_items, 20), strict=True)):
        slope, difficulty = rng.uniform(0.8, 1.4, length), rng.normal(-0.3, 0.8, length)
        chance = 1 / (1 + np.exp(-slope * (theta[:, [place]] - difficulty)))
        truth[domain] = chance.sum(axis=1)
        for item, right in enumerate((rng.random(chance.shape) < chance).T):
            responses[f"{domain}{item}"] = right.astype(float)
    return pd.DataFrame(responses), pd.DataFrame(truth)


def test_by_hand():
    """Parallel normal items constructed so that the sample covariances are exact."""
    # Two domains of two items: variances 1, covariances 0.6 within and 0.2 between.
    wanted = np.full((4, 4), 0.2) + np.kron(np.eye(2), np.full((2, 2), 0.4)) + 0.4 * np.eye(4)
    rows = np.random.default_rng(0).standard_normal((30, 4))
    rows -= rows.mean(axis=0)
    white = rows @ np.linalg.inv(np.linalg.cholesky(np.cov(rows.T))).T
    responses = pd.DataFrame(white @ np.linalg.cholesky(wanted).T, columns=["x1", "x2", "y1", "y2"])
    found = subscore_value(responses, {"x1": "x", "x2": "x", "y1": "y", "y2": "y"})
    # Domain scores: variance 3.2, true 2.4 (α = .75), covariance .8, total 8.
    # By the total (2.4 + .8)² / (2.4 · 8) = .5333. By both domains: weights w on own, v on other
    # from 3.2 w + .8 v = 2.4 and .8 w + 3.2 v = .8, so w = 11/15, v = 1/15; w + v · .8 / 2.4.
    expected = [0.75, 0.75, 3.2**2 / (2.4 * 8), 11 / 15 + 1 / 45]
    for domain in "xy":
        assert found.loc[domain].iloc[:4].astype(float).to_list() == pytest.approx(expected)
    assert found["adds_value"].all()
    predicted = augmented_subscores(responses, {"x1": "x", "x2": "x", "y1": "y", "y2": "y"})
    x, y = responses["x1"] + responses["x2"], responses["y1"] + responses["y2"]
    assert predicted["x"].to_numpy() == pytest.approx((11 * x + y).to_numpy() / 15)


def test_reliability_is_alpha_of_the_domain():
    responses, _ = _simulated(1, 400, 0.5)
    found = subscore_value(responses, DOMAINS)
    for domain in "abc":
        own = responses.loc[:, responses.columns.str.startswith(domain)]
        assert found.loc[domain, "reliability"] == pytest.approx(alpha(own).estimate)
    assert found["prmse_subscore"].equals(found["reliability"].rename("prmse_subscore"))


@pytest.mark.parametrize("seed", range(4))
def test_one_dimension_gives_no_domain_a_value_of_its_own(seed):
    responses, _ = _simulated(seed, 2000, 1.0)
    assert not subscore_value(responses, DOMAINS)["adds_value"].any()


@pytest.mark.parametrize("seed", range(4))
def test_different_abilities_give_every_domain_a_value(seed):
    responses, _ = _simulated(seed, 2000, 0.4)
    assert subscore_value(responses, DOMAINS)["adds_value"].all()


def test_a_short_domain_adds_less_than_the_total():
    responses, _ = _simulated(2, 3000, 0.75, b_items=5)
    adds = subscore_value(responses, DOMAINS)["adds_value"]
    assert adds.to_dict() == {"a": True, "b": False, "c": True}


@pytest.mark.parametrize("correlation", [0.4, 0.8, 0.95])
def test_reported_reduction_of_error_is_the_true_one(correlation):
    responses, truth = _simulated(7, 8000, correlation)
    found = subscore_value(responses, DOMAINS)
    domain_score = responses.T.groupby(DOMAINS).sum().T
    total = domain_score.sum(axis=1)
    augmented = augmented_subscores(responses, DOMAINS)
    for domain in "abc":
        true = truth[domain]
        by_subscore = np.corrcoef(true, domain_score[domain])[0, 1] ** 2
        by_total = np.corrcoef(true, total)[0, 1] ** 2
        by_both = 1 - ((augmented[domain] - true) ** 2).mean() / true.var()
        row = found.loc[domain]
        assert row["prmse_subscore"] == pytest.approx(by_subscore, abs=0.02)
        assert row["prmse_total"] == pytest.approx(by_total, abs=0.02)
        assert row["prmse_augmented"] == pytest.approx(by_both, abs=0.02)
        assert (row["adds_value"]) == (by_subscore > by_total)


@pytest.mark.parametrize("correlation", [0.4, 0.8, 0.95])
def test_augmented_subscores_err_least(correlation):
    responses, truth = _simulated(11, 5000, correlation)
    observed = responses.T.groupby(DOMAINS).sum().T
    augmented = augmented_subscores(responses, DOMAINS)
    reliability = subscore_value(responses, DOMAINS)["reliability"]
    kelley = observed.mean() + reliability * (observed - observed.mean())
    errors = [((guess - truth) ** 2).mean() for guess in (augmented, kelley, observed)]
    assert (errors[0] < errors[1]).all() and (errors[1] < errors[2]).all()
    assert augmented.mean().to_numpy() == pytest.approx(observed.mean().to_numpy())
    assert (augmented.std() < observed.std()).all()


def test_order_types_and_labels_change_nothing():
    responses, _ = _simulated(3, 300, 0.7)
    expected, of_persons = (
        subscore_value(responses, DOMAINS),
        augmented_subscores(responses, DOMAINS),
    )
    rng = np.random.default_rng(0)
    columns, rows = rng.permutation(responses.columns), rng.permutation(responses.index)
    for changed in (
        responses.loc[rows, columns],
        responses.astype(bool),
        responses.astype("Int64"),
    ):
        found = subscore_value(changed, pd.Series(DOMAINS)).loc[list("abc")]
        pd.testing.assert_frame_equal(found, expected)
        persons = augmented_subscores(changed, DOMAINS).loc[responses.index, list("abc")]
        pd.testing.assert_frame_equal(persons, of_persons)
    numbered = responses.set_axis(range(60), axis=1)
    by_number = {item: place // 20 for place, item in enumerate(range(60))}
    assert subscore_value(numbered, by_number).to_numpy().tolist() == expected.to_numpy().tolist()


def test_gaps_change_little_and_leave_their_persons_without_a_prediction():
    responses, _ = _simulated(5, 4000, 0.6)
    gaps = responses.mask(np.random.default_rng(5).random(responses.shape) < 0.02)
    expected, found = subscore_value(responses, DOMAINS), subscore_value(gaps, DOMAINS)
    assert (
        np.abs(found.iloc[:, :4].astype(float) - expected.iloc[:, :4].astype(float)).max().max()
        < 0.02
    )
    persons = augmented_subscores(gaps, DOMAINS)
    complete = gaps.notna().all(axis=1)
    assert persons.notna().all(axis=1).equals(complete)
    assert persons.isna().all(axis=1).equals(~complete)
    whole = augmented_subscores(responses, DOMAINS)[complete]
    assert np.abs(persons[complete] - whole).max().max() < 0.3


def _mapped(responses, **changes):
    return {item: changes.get(item, item[0]) for item in responses}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"q1": None}, "к какому блоку относится задание «q1»"),
        ({"q1": "r"}, "В блоке «r» одно задание .«q1»."),
        ({"q1": "p", "q2": "p", "q3": "p"}, "Все задания относятся к блоку «p»"),
    ],
)
def test_refuses_domains(changes, message):
    rng = np.random.default_rng(1)
    items = ["p1", "p2", "p3", "q1", "q2", "q3"]
    true = rng.standard_normal((50, 1))
    responses = pd.DataFrame(true + rng.standard_normal((50, 6)), columns=items)
    for call in (subscore_value, augmented_subscores):
        call(responses, _mapped(items))
        with pytest.raises(ValueError, match=message):
            call(responses, _mapped(items, **changes))


def test_refuses_degenerate_responses():
    items = ["p1", "p2", "q1", "q2"]
    responses = pd.DataFrame(np.random.default_rng(1).integers(0, 2, (40, 4)), columns=items)
    with pytest.raises(ValueError, match="У всех один и тот же балл за «q2»"):
        subscore_value(responses.assign(q2=1), _mapped(items))
    opposed = responses.assign(
        p2=lambda table: (1 - table["p1"]).where(table.index > 4, table["p1"])
    )
    with pytest.raises(ValueError, match="Надёжность блока «p» не положительна .-"):
        subscore_value(opposed, _mapped(items))
    with pytest.raises(ValueError, match="не меньше двух человек"):
        subscore_value(responses.head(1), _mapped(items))
    copied = responses.assign(q1=responses["p1"], q2=responses["p2"])
    copied.loc[:9, ["p1", "p2", "q1", "q2"]] = 1
    with pytest.raises(ValueError, match="Результат по блоку «p» и общий результат определяют"):
        subscore_value(copied, _mapped(items))
    forms = responses.astype(float)
    forms.loc[:19, "p1"], forms.loc[20:, "q1"] = np.nan, np.nan
    with pytest.raises(ValueError, match="Задания «p1», «q1» вместе выполняли меньше двух"):
        subscore_value(forms, _mapped(items))
