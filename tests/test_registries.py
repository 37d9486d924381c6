"""Registers, agreements and acts: answers worked by hand."""

import pandas as pd
import pytest
import yaml

from nmc_utils import findings
from nmc_utils.editions import Edition, Period
from nmc_utils.measures.dictionary import check_measures, is_sensitive
from nmc_utils.measures.registries import acts_listed, agreements_by_municipality, registers_summary
from nmc_utils.regions import read_region

ACTS = [
    {"id": "old", "title": "Прежнее положение", "numbers": ["100-633"], "dated": "2021-07-12"},
    {
        "id": "new",
        "title": "Положение",
        "numbers": ["100-478", "100-476"],
        "dated": "2023-04-28",
        "replaces": "old",
    },
    {"id": "route", "title": "Протокол об ИОМ", "numbers": ["6"], "dated": "2022-12-29"},
    {"id": "plan", "title": "Протокол о плане", "numbers": ["6"], "dated": "2022-11-01"},
]
AGREEMENTS = [
    {"id": "municipal", "kind": "tripartite", "parties": "трое", "count": 13},
    {"id": "other", "kind": "cooperation", "parties": "двое"},
]
PLACE = {"document": "regulation_2023", "section": "раздел 3"}


@pytest.fixture
def edition(root):
    """The edition of 2023 by 31 December, whose region's documents name the acts above."""
    system = {
        "acts": [entry | PLACE for entry in ACTS],
        "agreements": [entry | PLACE for entry in AGREEMENTS],
    }
    path = root / "regions" / "khakassia" / "system.yaml"
    path.write_text(yaml.safe_dump(system, allow_unicode=True), "utf-8")
    return Edition(
        region=read_region(root, "khakassia"),
        period=Period.parse("2023"),
        origin="demonstration",
        as_of="2023-12-31",
        status="draft",
        root=root,
    )


def _dates(frame, *columns):
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in columns})


def _registries():
    rows = [
        ("expert", "1", None, "abakan", "2023-05-01", None),
        ("expert", "2", None, "abakan", "2020-01-01", "2023-06-30"),
        ("expert", "3", "school", None, "2022-01-01", None),
        ("expert", "4", None, None, None, None),
        ("expert", "5", None, "abaza", "2024-01-09", None),
        ("community", "1", None, None, None, None),
    ]
    columns = ["kind", "entry_id", "organization_id", "municipality", "since_on", "to_on"]
    return _dates(pd.DataFrame(rows, columns=columns), "since_on", "to_on")


def _value(table, **keys):
    rows = table.loc[(table[list(keys)] == pd.Series(keys)).all(axis=1)]
    assert len(rows) == 1, keys
    return rows.iloc[0]


def test_registers_count_what_is_in_force_and_what_is_new(edition):
    of = pd.DataFrame({"organization_id": ["school"], "municipality": ["sorsk"]})
    tables = {"registries": _registries(), "organizations": of}
    table = check_measures(registers_summary(tables, edition))
    entries = {"measure": "registry_entries", "kind": "expert"}
    whole = _value(table, **entries, municipality="total")
    assert (whole["estimate"], whole["n"]) == (3, 5), "2 has left, 5 comes later"
    places = {"abakan": 1, "abaza": 0, "sorsk": 1, "unstated": 1}
    for place, n in places.items():
        assert _value(table, **entries, municipality=place)["estimate"] == n, place
    new = {"measure": "registry_new", "municipality": "total"}
    assert _value(table, **new, kind="expert")["estimate"] == 1
    assert "даты внесения" in _value(table, **new, kind="community")["note"]
    assert _value(table, **new, kind="mentor")["note"] == "записей этого реестра не прислано"
    assert not is_sensitive(table)
    said = findings.registers(table)
    assert (
        "эксперты — 3 (за период внесено 1)" in said and "Не прислано: практики, наставники" in said
    )
    assert "не прислана таблица «Реестры»" in findings.registers(registers_summary({}, edition))


def _agreements(places, ends_on=None):
    rows = [(f"a{at}", "tripartite", place, "2022-01-01", None) for at, place in enumerate(places)]
    rows += [("c1", "cooperation", None, "2023-01-01", None)]
    rows += [("c2", "cooperation", None, "2020-01-01", "2022-12-31")]
    columns = ["agreement_id", "kind", "municipality", "signed_on", "ends_on"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.loc[frame["agreement_id"] == "a0", "ends_on"] = ends_on
    return {"agreements": _dates(frame, "signed_on", "ends_on")}


def test_municipalities_without_an_agreement_are_named(edition):
    region = edition.region
    places = [place for place in region.municipality_names if place != "sorsk"]
    table = check_measures(agreements_by_municipality(_agreements(places), edition))
    having = _value(table, measure="agreement_municipalities", municipality="total")
    assert (having["estimate"], having["n"]) == (12, 13)
    assert findings.without_agreement(table, region) == [region.municipality_names["sorsk"]]
    told = findings.agreements(table, region)
    assert "действуют в 12 из 13 муниципальных образований; без соглашения — Сорск." in told
    assert "По документам их 13" in told, "published and sent stand side by side"
    other = {"kind": "cooperation", "municipality": "total"}
    assert _value(table, measure="agreements", **other)["estimate"] == 1
    assert _value(table, measure="agreements_ended", **other)["estimate"] == 1
    assert "не говорят" in _value(table, measure="agreements_documented", **other)["note"]


def test_an_ended_agreement_covers_nobody(edition):
    places = list(edition.region.municipality_names)
    ended = agreements_by_municipality(_agreements(places, "2023-12-30"), edition)
    assert _value(ended, measure="agreement_municipalities", municipality="total")["estimate"] == 12
    last = agreements_by_municipality(_agreements(places, "2023-12-31"), edition)
    assert _value(last, measure="agreement_municipalities", municipality="total")["estimate"] == 13
    nothing = check_measures(agreements_by_municipality({}, edition))
    assert "не прислана таблица «Соглашения»" in findings.agreements(nothing, edition.region)


def _sent(*rows):
    columns = ["act_id", "issued_on", "title", "replaces", "ends_on"]
    return {"acts": _dates(pd.DataFrame(rows, columns=columns), "issued_on", "ends_on")}


def test_acts_of_documents_and_sent_ones_stand_beside_each_other(edition):
    tables = _sent(
        ("№ 100-476", "2023-04-28", "Положение", None, None),
        ("100-633", "2020-01-01", "Другой приказ", None, None),
        ("200-1", "2023-05-05", "О плане", "100-478", None),
    )
    listed = acts_listed(tables, edition).set_index("act")
    assert list(listed.index) == ["100-633", "old", "plan", "route", "new", "200-1"]
    assert listed.loc["new", "is_sent"] and not listed.loc["old", "is_sent"]
    assert listed.loc["new", "numbers"] == "100-478; № 100-476"
    assert "под несколькими номерами" in listed.loc["new", "note"]
    assert listed.loc["old", "replaced_by"] == "Положение"
    assert listed.loc["new", "replaced_by"] == "О плане"
    assert listed.loc["200-1", "replaces"] == "Положение"
    assert listed["is_current"].to_dict() == {
        "100-633": True, "old": False, "plan": True, "route": True, "new": False, "200-1": True
    }  # fmt: skip
    disputed = listed.index[listed["is_disputed"]]
    assert set(disputed) == {"100-633", "old", "plan", "route", "new"}
    assert "другие акты" in listed.loc["old", "note"], "one number, two dates"
    said = findings.acts(listed.reset_index())
    assert "6\u00a0актов" in said and "с расхождением в номерах — 5" in said


def test_of_an_act_without_a_date_nobody_knows_whether_it_is_in_force(edition):
    path = edition.root / "regions" / "khakassia" / "system.yaml"
    undated = {"id": "undated", "title": "Система мониторинга", "numbers": []} | PLACE
    path.write_text(yaml.safe_dump({"acts": [undated]}, allow_unicode=True), "utf-8")
    listed = acts_listed({}, edition)
    assert listed["is_current"].isna().all() and not listed["is_disputed"].any()


def test_without_sent_acts_the_documents_speak(edition):
    listed = acts_listed({}, edition)
    assert len(listed) == len(ACTS) and not listed["is_sent"].any()
    assert "ни один не прислан" in findings.acts(listed)
    shuffled = _sent(("b", "2023-01-01", "Б", None, None), ("a", "2023-01-01", "А", None, None))
    backwards = {"acts": shuffled["acts"].iloc[::-1]}
    pd.testing.assert_frame_equal(acts_listed(shuffled, edition), acts_listed(backwards, edition))
