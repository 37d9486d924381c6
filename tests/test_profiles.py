"""Profiles over competences and the lowest of them, against known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawn_editions import Drawn, region, results_of

import nmc_utils as nmc
from nmc_utils.measures.dictionary import check_measures
from nmc_utils.measures.lowest import lowest_below
from nmc_utils.measures.within_forms import Wave, moments

KEYS = {"procedure": "own", "wave": "entry"}


def reliability_of(values: dict[str, float], n_items: int = 20) -> pd.DataFrame:
    """Reliabilities of one form, reported without an interval."""
    return pd.DataFrame(
        [
            KEYS | {"form": "A", "domain": domain, "estimate": value, "n_items": n_items}
            for domain, value in values.items()
        ]
    ).assign(ci_low=np.nan, ci_high=np.nan, status="ok")


def results_from(shares: pd.DataFrame) -> pd.DataFrame:
    """Results of one form with a maximum of 1 in every competence."""
    long = shares.rename_axis("person_id").reset_index().melt("person_id", var_name="domain")
    return long.rename(columns={"value": "raw_score"}).assign(**KEYS, form_id="A", max_score=1.0)


def drawn(correlation: float, *, rho: float, n: int, seed: int, domains: int = 5):
    """True and observed shares of the maximum: normal, all correlations of the truth alike."""
    rng = np.random.default_rng(seed)
    names = [f"d{at}" for at in range(domains)]
    general = rng.standard_normal((n, 1))
    own = rng.standard_normal((n, domains))
    true = np.sqrt(correlation) * general + np.sqrt(1 - correlation) * own
    error = rng.standard_normal((n, domains)) * np.sqrt((1 - rho) / rho)
    people = pd.Index([f"p{at:05d}" for at in range(n)], name="person_id")
    frames = (pd.DataFrame(0.65 + 0.1 * part, people, names) for part in (true, true + error))
    return tuple(frames)


def wave_of(scores: pd.DataFrame, rho: float) -> Wave:
    ones = pd.DataFrame(1.0, scores.index, scores.columns)
    form = pd.Series("A", scores.index)
    return Wave(**KEYS, scores=scores, form=form, reliability=rho * ones,
                reliability_se=0 * ones, n_items=pd.Series(20, scores.columns))  # fmt: skip


# --- the lowest competence ------------------------------------------------------------------------


@pytest.mark.parametrize("correlation", [0.0, 0.6, 0.9])
def test_the_chance_of_the_lowest_competence_is_that_of_the_truth(correlation):
    true, observed = drawn(correlation, rho=0.75, n=6000, seed=3)
    chance = lowest_below(observed, moments(wave_of(observed, 0.75)), 0.6)
    is_low = true.min(axis=1) <= 0.6
    assert chance.mean() == pytest.approx(is_low.mean(), abs=0.01)
    bins = pd.cut(chance, np.linspace(0, 1, 6), include_lowest=True)
    told = pd.DataFrame({"chance": chance, "is_low": is_low}).groupby(bins, observed=True)
    table = told.agg(["mean", "count"])
    away = (table["chance", "mean"] - table["is_low", "mean"]).abs()
    assert away[table["chance", "count"] >= 300].max() < 0.04
    assert len(away) >= 4


def test_without_correlation_it_is_the_product_and_with_it_less():
    for correlation, sign in ((0.0, 0), (0.9, -1)):
        true, observed = drawn(correlation, rho=0.75, n=4000, seed=4, domains=2)
        known = moments(wave_of(observed, 0.75))
        single = [
            nmc.deficit_probability(
                observed[name], 10.0, reliability=0.75, mean=observed[name].mean(),
                std=observed[name].std(), cut=0.06,
            )
            for name in observed
        ]  # fmt: skip
        product = 1 - (1 - single[0]) * (1 - single[1])
        difference = lowest_below(observed, known, 0.6).mean() - product.mean()
        assert abs(difference) < 0.01 if not sign else difference < -0.05


def test_the_same_scores_give_the_same_chances_in_any_order():
    _, observed = drawn(0.6, rho=0.75, n=700, seed=5)
    chance = lowest_below(observed, moments(wave_of(observed, 0.75)), 0.6)
    mixed = observed.sample(frac=1, random_state=1)
    again = lowest_below(mixed, moments(wave_of(mixed, 0.75)), 0.6)
    pd.testing.assert_series_equal(again.sort_index(), chance.sort_index(), atol=1e-3)


# --- value of competences -------------------------------------------------------------------------


def test_one_ability_gives_no_competence_a_value_and_two_give_both():
    for correlation, values in ((0.95, {0.0}), (0.2, {1.0})):
        _, observed = drawn(correlation, rho=0.75, n=2000, seed=6, domains=2)
        table = check_measures(
            nmc.subscores(
                results_from(observed.clip(0, 1)), reliability_of({"d0": 0.75, "d1": 0.75})
            )
        )
        wide = table.pivot(index="domain", columns="measure", values="estimate")
        assert set(wide["adds_value"]) == values
        added = table[table["measure"] == "value_added"]
        assert (np.sign(added["ci_low"]) == np.sign(added["ci_high"])).all()


def test_the_interval_of_added_value_covers_the_truth():
    """The truth: reliability less (Σ true covariances)² / (true variance × total variance)."""
    rho, correlation = 0.75, 0.7
    of_total = 1 + 2 * correlation
    truth = rho - of_total**2 / (3 / rho + 6 * correlation)
    covered = []
    for seed in range(40):
        _, observed = drawn(correlation, rho=rho, n=600, seed=seed, domains=3)
        told = reliability_of(dict.fromkeys(observed, rho))
        table = nmc.subscores(results_from(observed.clip(0, 1)), told)
        added = table[table["measure"] == "value_added"]
        covered += list(added["ci_low"].le(truth) & added["ci_high"].ge(truth))
    assert 0.9 <= np.mean(covered) <= 1.0


def test_competences_that_determine_each_other_are_not_assessed_and_stop_nothing():
    _, observed = drawn(0.5, rho=0.75, n=300, seed=7, domains=2)
    same = results_from(observed.assign(d1=observed["d0"]).clip(0, 1))
    told = reliability_of({"d0": 0.75, "d1": 0.75})
    table = nmc.subscores(same, told)
    assert table["status"].eq("not_assessed").all() and table["note"].notna().all()
    assert nmc.profiles(same, told).empty


# --- profiles -------------------------------------------------------------------------------------


def test_a_profile_rests_on_the_own_score_or_on_both_by_hand():
    _, observed = drawn(0.2, rho=0.75, n=500, seed=8, domains=2)
    observed = observed.clip(0, 1)
    table = nmc.profiles(results_from(observed), reliability_of({"d0": 0.8, "d1": 0.8}))
    assert set(table["basis"]) == {"subscore"}
    wide = table.pivot(index="person_id", columns="domain", values="interpreted_share")
    by_hand = observed.mean() + 0.8 * (observed - observed.mean())
    pd.testing.assert_frame_equal(wide, by_hand, check_names=False)

    table = nmc.profiles(results_from(observed), reliability_of({"d0": 0.8, "d1": 0.15}))
    assert set(table.loc[table["domain"] == "d1", "basis"]) == {"augmented"}
    wide = table.pivot(index="person_id", columns="domain", values="interpreted_share")
    error = np.diag(observed.var() * [0.2, 0.85])  # regression of the true score on own and total
    true = observed.cov().to_numpy() - error
    given = np.array([[0, 1], [1, 1]])  # d1 and the total
    weights = np.linalg.solve(given @ observed.cov().to_numpy() @ given.T, given @ true[:, 1])
    expected = observed["d1"].mean() + (observed - observed.mean()).to_numpy() @ given.T @ weights
    assert wide["d1"].to_numpy() == pytest.approx(expected)


def test_a_profile_is_nearer_to_the_truth_than_the_scores_are():
    true, observed = drawn(0.5, rho=0.7, n=3000, seed=9, domains=4)
    table = nmc.profiles(
        results_from(observed.clip(0, 1)), reliability_of(dict.fromkeys(true, 0.7))
    )
    wide = table.pivot(index="person_id", columns="domain", values="interpreted_share")
    assert ((wide - true) ** 2).mean().max() < 0.8 * ((observed - true) ** 2).mean().min()


def test_competences_of_few_items_have_no_profile():
    _, observed = drawn(0.2, rho=0.75, n=300, seed=10, domains=2)
    told = reliability_of({"d0": 0.8, "d1": 0.8}, n_items=14)
    assert nmc.profiles(results_from(observed.clip(0, 1)), told).empty
    mixed = told.assign(n_items=[14, 15])
    assert set(nmc.profiles(results_from(observed.clip(0, 1)), mixed)["domain"]) == {"d1"}


def test_an_edition_with_answers_has_profiles_of_all_its_persons():
    tables = Drawn(11, {"A": {"practice": range(20), "care": range(20)}}, same=0.3).tables
    of = region(0.6)
    results = results_of(tables, of)
    found = nmc.measured(results, tables, of)
    table = nmc.profiles(results, found.by_form)
    assert len(table) == 800 and table["interpreted_share"].between(0, 1).all()
