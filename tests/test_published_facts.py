"""Facts and targets of the documents: all of a region's, and those told beside records."""

from __future__ import annotations

import pandas as pd
import pytest
from conftest import CHECKOUT
from test_mentoring import edition

from dashboards.sections.facts import found_facts
from nmc_utils.measures.dictionary import check_measures
from nmc_utils.measures.published_facts import (
    COMPUTED,
    LATER,
    TOPIC_NAMES,
    document_facts,
    facts_beside,
)
from nmc_utils.regions import read_facts, read_region
from nmc_utils.terms import TOTAL

EDITIONS = {"altai": "2023", "khakassia": "2023", "kostroma": "2022"}


def of_documents(code: str, period: str = "") -> pd.DataFrame:
    return check_measures(document_facts(edition(code, period or EDITIONS[code])))


def row_of(table: pd.DataFrame, metric: str, period: str, basis: str = "published") -> pd.Series:
    keys = (table["metric"] == metric) & (table["fact_period"] == period)
    (found,) = table[keys & (table["basis"] == basis)].to_dict("records")
    return pd.Series(found)


@pytest.mark.parametrize("code", EDITIONS)
def test_every_fact_of_every_document_is_in_the_table(code):
    table = of_documents(code)
    path = CHECKOUT / "data"
    facts = read_facts(path, read_region(path, code))
    assert sorted(zip(table["metric"], table["fact_period"], strict=True)) == sorted(
        zip(facts["metric"], facts["period"], strict=True)
    )
    assert "other" not in set(table["topic"]), "a fact without a topic"
    assert set(table["topic_name"]) <= set(TOPIC_NAMES.values())
    assert table[["value", "source", "label", "basis_label"]].notna().all(axis=None)


@pytest.mark.parametrize(
    ("code", "metric", "period", "basis", "value", "words"),
    [
        ("khakassia", "roadmap_exists", "2023", "target", "да", "план"),
        ("khakassia", "monitoring_from_year", "2023", "target", "2023 год", "план"),
        ("khakassia", "workforce_total", "2023", "published", "11\u202f515 чел.", "опубликовано"),
        ("khakassia", "nmm_participants", "2023", "published", "более 300 чел.", "опубликовано"),
        ("khakassia", "course_hours_academy", "2022", "published", "36 час.", "опубликовано"),
        ("khakassia", "rma_trained_share", "2023", "derived", "8,62 %", COMPUTED),
        ("kostroma", "regional_diagnosed_change", "2022", "derived", "−51,31 %", COMPUTED),
        ("kostroma", "academy_managers", "2020-2023", "published", "132 чел.", "опубликовано"),
    ],
)
def test_a_value_is_written_as_its_document_has_it(code, metric, period, basis, value, words):
    row = row_of(of_documents(code), metric, period, basis)
    assert (row["value"].replace("\u00a0", " "), row["basis_label"]) == (value, words)


def test_an_answer_is_no_number():
    row = row_of(of_documents("khakassia"), "roadmap_exists", "2023", "target")
    assert (row["measure"], row["estimate"]) == ("published_answer", 1.0)


def test_what_is_beyond_the_edition_is_listed_as_such():
    table = of_documents("kostroma")
    notes = table.set_index(["metric", "fact_period"])["note"]
    assert notes["dpp_registry", "2023"] == LATER
    assert notes["dpp_registry", "2021-2023"] == LATER
    assert pd.isna(notes["dpp_registry", "2022"]) and pd.isna(notes["rip_count", "без года"])
    targets = of_documents("khakassia").query("basis == 'target'")
    assert targets["note"].isna().all(), "a plan for a later year is no fact of it"


@pytest.mark.parametrize("period", ["2021", "2022"])
def test_an_edition_tells_no_fact_of_a_later_time(period):
    of = edition("kostroma", period)
    told = facts_beside({"published": of.published_facts}, of)
    years = told["fact_period"].str.extract(r"(20\d\d)$")[0].dropna().astype(int)
    assert years.max() == int(period)
    shares = told[told["metric"] == "dpp_registry_share"].set_index("fact_period")["estimate"]
    assert shares.to_dict() == {"2021": 0.76, "2022": 0.45} if period == "2022" else {"2021": 0.76}


def test_a_region_may_have_a_fact_of_its_own(monkeypatch):
    of = edition("altai", "2023")
    facts = of.published_facts.assign(metric=lambda f: "own_" + f["metric"])
    monkeypatch.setattr(type(of), "published_facts", property(lambda _: facts))
    assert set(document_facts(of)["topic_name"]) == {"Другое"}


def test_the_order_of_the_file_changes_nothing(monkeypatch):
    of = edition("khakassia", "2023")
    expected = document_facts(of)
    facts = of.published_facts.iloc[::-1].reset_index(drop=True)
    monkeypatch.setattr(type(of), "published_facts", property(lambda _: facts))
    pd.testing.assert_frame_equal(document_facts(of), expected)


@pytest.mark.parametrize(
    ("words", "topic", "n"),
    [
        ("", TOTAL, 80),
        ("11515 РАБОТНИКИ кадры всего", TOTAL, 1),  # thousands are typed without a space
        ("11 515 работники кадры всего", TOTAL, 1),  # and with one, of any kind
        ("11\u00a0515 работники кадры всего", TOTAL, 1),
        ("2023 11 515", TOTAL, 4),
        ("5 115", TOTAL, 0),  # one number: not «5» here and «115» there
        ("развернутым", TOTAL, 1),  # the table has «ё»
        ("конкурс номинации", TOTAL, 2),
        ("номинации", "events", 0),
        ("(.*", TOTAL, 0),
    ],
)
def test_facts_are_found_by_every_word(words, topic, n):
    assert len(found_facts(of_documents("khakassia"), words, topic)) == n
