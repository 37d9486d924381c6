"""The whole road on the full demonstration: what is published, is it intact, is it true."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import copy_definitions, nmc

import nmc_utils
from nmc_utils.demo.diagnostics import OMIT_SHARE
from nmc_utils.intake.pseudonyms import identities, key_for
from nmc_utils.measures.dictionary import check_measures, is_sensitive
from nmc_utils.results import staged


@pytest.fixture(scope="module")
def edition(published_root):
    return nmc_utils.edition("khakassia", "2023", published_root)


@pytest.fixture(scope="module")
def tables(edition):
    return nmc_utils.load(edition)


@pytest.fixture(scope="module")
def published(edition):
    return staged(edition)


COMPARED = ["_country/2022", "_country/2023"]  #: periods of which two regions are published
EDITIONS = ["altai/2023", "khakassia/2022", "khakassia/2023", "kostroma/2021", "kostroma/2022"]


def _staged(root, key):
    return staged(nmc_utils.edition(*key.split("/"), root))


def test_five_editions_of_three_regions_are_published_and_intact(published_root):
    listed = json.loads(nmc(published_root, "runs", "--json").stdout)["runs"]
    current = [f"{row['region']}/{row['period']}" for row in listed if row["current"]]
    assert sorted(current) == sorted([*COMPARED, *EDITIONS])
    assert nmc(published_root, "verify").returncode == 0


@pytest.mark.parametrize("key", EDITIONS)
def test_every_number_is_in_the_dictionary_and_a_missing_one_says_why(published_root, key):
    published = _staged(published_root, key)
    for name, table in published.items():
        if "measure" in table:
            check_measures(table)
            if name in published.public:
                assert not is_sensitive(table), name
        if "note" in table and "status" in table:
            said = (
                table["note"].fillna(table["closed_by"]) if "closed_by" in table else table["note"]
            )
            assert said[table["status"] == "no_data"].notna().all(), name
    assert published.public, "open measures are published"
    assert not (published["indicators"]["estimate"] == 0).any()


def test_totals_alone_give_levels_and_no_plan(published_root):
    published = _staged(published_root, "kostroma/2022")
    shares = published["level_shares"].query(
        "procedure == 'diag-2022' and municipality == 'total' and family == 'total' "
        "and wave == 'entry'"
    )
    whole = shares[shares["domain"] == "total"].set_index("level")
    assert list(whole.index) == ["high_deficit", "medium_deficit", "low_deficit"]
    assert whole["n"].tolist() == [576] * 3 and whole["estimate"].sum() == pytest.approx(1)
    assert shares.loc[shares["domain"] != "total", "status"].eq("no_data").all()
    tested = published["coverage"].query("municipality == 'total' and measure == 'tested'")
    assert tested.set_index("procedure")["estimate"].dropna().to_dict() == {
        "diag-2022": 576,
        "fioko-2022": 309,
    }
    plan = published["seminar_plan"].set_index("measure")
    assert plan.loc["plan_groups", "status"] == "no_data"


def test_without_an_rma_groups_have_no_leaders_and_the_load_has_no_value(published_root):
    published = _staged(published_root, "altai/2023")
    assert (
        len(published["seminar_groups"]) and published["seminar_groups"]["leader_id"].isna().all()
    )
    indicators = published["indicators"]
    stated = indicators.query("basis == 'published'")
    assert len(stated) and stated["attainment"].eq("no_data").all()
    assert indicators["target"].notna().all()
    load = indicators.query("basis == 'recorded' and indicator == 'teachers_per_methodist'")
    assert load["source"].str.endswith("не прислана таблица «РМА»").all() and len(load) == 1


@pytest.mark.parametrize("key", ["altai/2023", "kostroma/2021", "kostroma/2022"])
def test_the_mean_of_the_whole_test_covers_the_truth(published_root, key):
    abilities = pd.read_parquet(published_root / "demo_truth" / key / "abilities.parquet")
    entry = abilities.query("wave == 'entry' and domain == 'total'")
    expected = (1 - OMIT_SHARE) * entry["expected_form_share"].mean()
    mean = _staged(published_root, key)["score_distribution"].query(
        "measure == 'score_mean' and wave == 'entry' and domain == 'total' "
        "and municipality == 'total' and family == 'total' and status == 'ok'"
    )
    assert mean["ci_low"].item() <= expected <= mean["ci_high"].item()


def test_one_changed_byte_is_found_and_named(published_root, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(published_root, root)
    run = json.loads((root / "results" / "current.json").read_text("utf-8"))["khakassia/2023"]
    victim = root / "results" / run / "khakassia" / "2023" / "public" / "indicators.parquet"
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    done = nmc(root, "verify")
    assert done.returncode == 1
    assert "indicators.parquet" in done.stdout + done.stderr


def test_nothing_published_or_accepted_holds_a_name(published_root):
    known = [pd.read_parquet(p) for p in (published_root / "demo_truth").rglob("persons.parquet")]
    assert len(known) == len(EDITIONS)
    truth = pd.concat(known)
    surnames = [surname.encode() for surname in truth["surname"].unique() if len(surname) > 5]
    assert len(surnames) > 50
    places = [published_root / "validated", published_root / "results"]
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    for path in files:
        if path.suffix == ".parquet":
            content = pd.read_parquet(path).to_csv().encode()
        else:
            content = path.read_bytes()
        assert not [name for name in surnames if name in content], path


def test_indicators_of_the_real_run(published):
    table = published["indicators"]
    rows = table[table["indicator"] == "teachers_per_methodist"].set_index(["variant", "basis"])
    for basis in ("published", "recorded"):
        assert round(rows.loc[("whole_rma", basis), "estimate"], 1) == 99.3
        assert round(rows.loc[("methodists_only", basis), "estimate"], 1) == 121.2
    assert rows.loc[("published", "published"), "estimate"] == 99
    assert set(rows["attainment_label"]) == {"срок не наступил, ориентир 2024: уже выполнен"}
    assert not ((table["estimate"] == 0) & (table["status"] == "ok")).any()


def test_groups_of_the_real_run_obey_every_condition(published, tables, edition):
    groups = published["seminar_groups"].set_index("group_id")
    members = published["seminar_members"].dropna(subset="group_id")
    results = nmc_utils.scored(tables, edition.region)
    deficits = nmc_utils.deficits(results, 0.6)
    family = results.drop_duplicates("person_id").set_index("person_id")["family"]
    leaders = nmc_utils.leaders(tables["methodists"], deficits, edition)
    leaders = leaders.set_index("leader_id")

    assert groups["size"].between(12, 25).all()
    assert groups["topics"].map(len).between(1, 3).all()
    assert members["person_id"].is_unique
    assert members["group_id"].value_counts().to_dict() == groups["size"].to_dict()
    families = members["person_id"].map(family).astype("str")
    assert (families == members["group_id"].map(groups["family"])).all()
    assert (groups["leader_id"].map(leaders["family"]) == groups["family"]).all()
    load = groups["leader_id"].value_counts()
    assert (load <= leaders["max_groups"].reindex(load.index)).all()
    for group in groups.itertuples():
        assert not set(group.topics) & set(leaders.loc[group.leader_id, "deficits"])
    plan = published["seminar_plan"].query("family == 'total'").set_index("measure")["estimate"]
    assert 0 <= plan["plan_gap"] <= 0.001
    everyone = published["seminar_members"]
    assert set(everyone["person_id"]) == set(deficits.index)
    assert (everyone["group_id"].isna() == everyone["reason"].notna()).all()


# --- truth --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def truth(published_root, edition):
    """True expected share of the maximum of everyone's own form, by `person_id`."""
    folder = published_root / "demo_truth" / "khakassia" / "2023"
    abilities = pd.read_parquet(folder / "abilities.parquet")
    names = {
        "surname": "Фамилия",
        "given": "Имя",
        "patronymic": "Отчество",
        "born": "Дата рождения",
    }
    persons = abilities[list(names)].drop_duplicates()
    persons["person_id"] = identities(
        persons.rename(columns=names), edition.region.code, key_for(edition)
    )
    return abilities.merge(persons, on=list(names)), pd.read_parquet(folder / "items.parquet")


def test_intervals_of_means_cover_the_truth(truth, published):
    abilities, _ = truth
    # A blank counts as wrong, so the expected score is that much lower.
    expected = (1 - OMIT_SHARE) * abilities.groupby(["wave", "domain"])[
        "expected_form_share"
    ].mean()
    table = published["score_distribution"].query(
        "measure == 'score_mean' and municipality == 'total' and family == 'total'"
    )
    bounds = table.set_index(["wave", "domain"]).loc[expected.index]
    covered = expected.between(bounds["ci_low"], bounds["ci_high"])
    assert len(covered) == 12 and covered.sum() >= 11, covered


def test_intervals_of_level_shares_cover_what_the_model_expects(truth, tables, published):
    """Chance of a result at or below the cut, person by person, from the true item parameters."""
    abilities, parameters = truth
    items = tables["items"].merge(parameters[["item_id", "a", "b"]], on="item_id")
    forms = tables["scores"][["person_id", "wave", "domain", "form_id"]]
    people = abilities[abilities["domain"] != "total"].merge(forms)
    expected = {}
    for (wave, domain), group in people.groupby(["wave", "domain"]):
        chances = [
            _chance_at_or_below(part["theta"].to_numpy(), items.query("form_id == @form"), domain)
            for form, part in group.groupby("form_id")
        ]
        expected[wave, domain] = np.concatenate(chances).mean()
    expected = pd.Series(expected)
    table = published["level_shares"].query(
        "level == 'at_or_below' and municipality == 'total' and family == 'total'"
    )
    bounds = table.set_index(["wave", "domain"]).loc[expected.index]
    covered = expected.between(bounds["ci_low"], bounds["ci_high"])
    assert len(covered) == 10 and covered.sum() >= 9, covered


def _chance_at_or_below(theta, items, domain):
    """P(raw score ≤ 60 % of the items), by adding one item at a time."""
    mine = items[items["domain"] == domain]
    chance = np.zeros((len(theta), len(mine) + 1))
    chance[:, 0] = 1
    for item in mine.itertuples():
        right = (1 - OMIT_SHARE) / (1 + np.exp(-item.a * (theta - item.b)))
        chance[:, 1:] = chance[:, 1:] * (1 - right[:, None]) + chance[:, :-1] * right[:, None]
        chance[:, 0] *= 1 - right
    return chance[:, : int(0.6 * len(mine) + 1e-9) + 1].sum(axis=1)


# --- small editions -----------------------------------------------------------------------------


@pytest.mark.long
def test_a_small_edition_runs_whole_and_twice_gives_the_same_bytes(tmp_path: Path):
    digests = []
    for name in ("one", "two"):
        root = copy_definitions(tmp_path / name / "data")
        demo = nmc(root, "demo", "khakassia", "--persons", "700", "--periods", "2023")
        assert demo.returncode == 0, demo.stderr
        done = nmc(root, "run", "khakassia/2023")
        assert done.returncode == 0, done.stdout + done.stderr
        (folder,) = (root / "results").glob("*/khakassia/2023")
        files = json.loads((folder / "manifest.json").read_text("utf-8"))["files"]
        digests.append({path: file for path, file in files.items() if "notebooks" not in path})
    assert digests[0] == digests[1]
    assert {"public/indicators.parquet", "restricted/level_shares.parquet"} <= set(digests[0])
