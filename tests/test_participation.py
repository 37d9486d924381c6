"""Who was tested, who has reported, and what a region counted itself: answers worked by hand."""

import pandas as pd
import pytest
from conftest import CHECKOUT
from scipy import stats

from nmc_utils import findings, wording
from nmc_utils.measures.counts import counted_level_shares, counted_number, counted_tested
from nmc_utils.measures.dictionary import check_measures
from nmc_utils.measures.distributions import broken_down, level_shares, score_distribution, scored
from nmc_utils.measures.participation import coverage, procedures_by_size
from nmc_utils.measures.reporting import explained, reporting
from nmc_utils.regions import read_region

REGION = read_region(CHECKOUT / "data", "khakassia")
PLACES = list(REGION.municipality_names)


def _records():
    """Three people tested in `d`, one of them in `e` too; p4 was not tested, p5 has no place."""
    rows = [
        ("p1", "d", "f", "subject", 3.0),
        ("p1", "d", "f", "ict", 5.0),
        ("p2", "d", "f", "subject", 9.0),
        ("p2", "d", "f", "ict", 10.0),
        ("p3", "d", "f", "ict", 1.0),
        ("p1", "e", "g", "subject", 10.0),
    ]
    scores = pd.DataFrame(
        rows, columns=["person_id", "procedure_id", "form_id", "domain", "raw_score"]
    ).assign(wave="entry", attempt=1, max_score=10.0)
    employment = pd.DataFrame(
        {
            "person_id": ["p1", "p1", "p2", "p3", "p4"],
            "municipality": ["abakan", "abaza", "abaza", "abakan", "sorsk"],
            "subject": ["физика", "химия", "история", "физика", "физика"],
            "is_main": [True, False, True, True, True],
        }
    )
    return {
        "scores": scores,
        "employment": employment,
        "staff": pd.DataFrame({"person_id": [f"p{n}" for n in range(1, 6)]}),
        "procedures": pd.DataFrame(
            {"procedure_id": ["d", "e"], "organiser": ["ЦНППМ", None], "selection": ["курсы", None]}
        ),
    }


def _counts(*rows, **columns):
    names = ["procedure_id", "measure", "level", "municipality", "numerator", "denominator"]
    filled = {"wave": "entry", "domain": "total", "document": None} | columns
    return pd.DataFrame(rows, columns=names).assign(**filled)


def _measured(tables):
    results = scored(tables, REGION)
    procedures = procedures_by_size(results, tables, REGION)
    return results, procedures, check_measures(coverage(results, procedures, tables, REGION))


def test_coverage_counts_people_once_at_their_main_workplace():
    table = _measured(_records())[2].query("measure == 'tested' and procedure == 'd'")
    tested = table.set_index("municipality")
    assert tested.loc["total", ["estimate", "n"]].tolist() == [3, 5]
    assert tested.loc["abakan", ["estimate", "n"]].tolist() == [2, 2]
    assert tested.loc["sorsk", ["estimate", "n"]].tolist() == [0, 1], "nobody tested there is 0"
    assert tested.loc["unstated", "n"] == 1
    assert tested.loc["askizsky", "status"] == "no_data", "one without staff has sent nothing"
    assert tested.drop("total")["n"].sum() == 5


def test_people_of_two_procedures_are_counted_once_and_told_apart():
    _, procedures, table = _measured(_records())
    assert procedures["procedure"].tolist() == ["d", "e"]
    assert procedures["persons"].tolist() == [3, 1]
    whole = table.query("municipality == 'total' and measure == 'tested'")
    assert whole.set_index("procedure")["estimate"].to_dict() == {"total": 3, "d": 3, "e": 1}
    said = findings.who_was_tested(table, procedures)
    assert said.startswith(
        "Среди прошедших диагностику: 3\u00a0чел. из 5; отбор не случайный (курсы)"
    )
    assert (
        "e — 1\u00a0чел.; люди разных процедур не складываются, разных людей всего 3\u00a0чел."
        in said
    )
    assert not said.endswith("..")


def test_a_procedure_sent_as_counts_stands_beside_and_the_overlap_is_unknown():
    tables = _records()
    tables["procedures"] = pd.DataFrame({"procedure_id": ["d", "c"], "selection": None})
    tables["scores"] = tables["scores"].query("procedure_id == 'd'")
    counts = [("c", "tested", None, "abakan", 40, 100), ("c", "tested", None, "abaza", 10, None)]
    tables["aggregates"] = _counts(*counts)
    _, procedures, table = _measured(tables)
    assert procedures["procedure"].tolist() == ["c", "d"], "the largest first, whatever was sent"
    assert procedures["sent_as"].tolist() == ["counts", "records"]
    rows = table.query("municipality == 'total'").set_index(["procedure", "measure"])
    assert rows.loc[("c", "tested"), "estimate"] == 50
    assert rows.loc[("c", "tested"), "note"] == "сумма по 2 из 13 муниципальных образований"
    assert rows.loc[("c", "tested_share"), "note"] == "число работников неизвестно"
    assert rows.loc[("total", "tested"), "note"] == "пересечение процедур неизвестно"
    beyond = table.query("procedure == 'c' and municipality == 'sorsk' and measure == 'tested'")
    assert beyond[["status", "note"]].to_numpy().tolist() == [
        ["no_data", "муниципальное образование этих сведений не прислало"]
    ]
    assert "их пересечение неизвестно" in findings.who_was_tested(table, procedures)


def _levels(*rows):
    counts = [("c", "level_share", *row) for row in rows]
    return check_measures(counted_level_shares({"aggregates": _counts(*counts)}, REGION))


def test_levels_that_a_region_counted_are_shares_of_the_same_people():
    table = _levels(
        ("at_or_below", "abakan", 30, 50),
        ("above", "abakan", 20, 50),
        ("at_or_below", "sorsk", 4, 8),
        ("above", "sorsk", 4, 8),
        ("at_or_below", "abaza", 3, 10),
    )
    rows = table.set_index(["municipality", "level"])
    whole = rows.loc["total"]
    assert whole["n"].tolist() == [58, 58] and whole["estimate"].sum() == pytest.approx(1)
    assert set(whole["note"]) == {"сумма по 2 из 13 муниципальных образований"}
    expected = stats.binomtest(34, 58).proportion_ci(method="wilson")
    low = whole.loc["at_or_below"]
    assert (low["ci_low"], low["ci_high"]) == pytest.approx((expected.low, expected.high))
    above = rows.loc[("abaza", "above")]
    assert above[["status", "n", "note"]].tolist() == ["no_data", 10, "в сводных числах этого нет"]
    silent = rows.loc[("askizsky", "above")]
    assert silent["status"] == "no_data" and pd.isna(silent["n"]), "not sent is not 0 people"
    assert set(rows.index.get_level_values(0)) == {"total", *PLACES}


def test_a_region_that_counted_one_level_itself_gets_no_other_from_its_municipalities():
    table = _levels(
        ("at_or_below", "total", 10, 100),
        ("at_or_below", "abakan", 30, 50),
        ("above", "abakan", 20, 50),
    )
    whole = table.query("municipality == 'total'").set_index("level")
    assert whole.loc["at_or_below", ["estimate", "n"]].tolist() == [0.1, 100]
    assert whole.loc["above", "status"] == "no_data"
    assert whole.loc["above", "note"] == "в сводных числах этого нет"


def test_where_levels_alone_were_counted_those_tested_are_their_people():
    counts = [
        ("c", "level_share", "at_or_below", "abakan", 30, 50),
        ("c", "level_share", "above", "abakan", 20, 50),
    ]
    tested = counted_tested({"aggregates": _counts(*counts)}, REGION).set_index("municipality")
    assert tested["tested"].to_dict() == {"total": 50, "abakan": 50}
    assert tested["staff"].isna().all()


def test_the_regions_own_number_comes_before_the_sum_of_its_municipalities():
    counts = [("c", "tested", None, "total", 99, 500), ("c", "tested", None, "abakan", 40, 100)]
    tested = counted_tested({"aggregates": _counts(*counts)}, REGION).set_index("municipality")
    assert tested.loc["total", "tested"] == 99 and tested.loc["abakan", "tested"] == 40


def test_a_number_of_an_indicator_is_summed_only_over_all_municipalities():
    rows = [(None, "iom_count", None, place, 10, None) for place in PLACES]
    every = _counts(*rows, wave=None, document="monitoring_2023")
    assert counted_number({"aggregates": every}, "iom_count", REGION) == (
        130.0,
        "сводные числа региона, Мониторинг РС НМС, 2023 год",
    )
    number, source = counted_number({"aggregates": every.head(12)}, "iom_count", REGION)
    assert pd.isna(number) and source.endswith("только 12 из 13 муниципальных образований")
    assert pd.isna(counted_number({"aggregates": every}, "rma_total", REGION)[0])


def _status(**unsent):
    rows = [(place, table) for place in PLACES for table in ("employment", "scores")]
    frame = pd.DataFrame(rows, columns=["municipality", "table"])
    frame["is_sent"] = [table not in unsent.get(place, ()) for place, table in rows]
    return frame


def test_who_has_not_reported_is_neither_zero_nor_in_the_total():
    tables = _records() | {
        "status": _status(abakan=("scores",), sorsk=("scores", "employment")),
    }
    table = reporting(tables, REGION).set_index("municipality")
    assert not table.loc["sorsk", "is_reported"] and table["is_reported"].sum() == 12
    assert table.loc["abakan", "not_sent"] == ("scores",)
    assert wording.incomplete(table) == (
        "Данные представили 12 из 13 муниципальных образований, таблицу «Результаты» — 11"
    )
    tested = _measured(tables)[2].query("procedure == 'd' and measure == 'tested'")
    tested = tested.set_index("municipality")
    assert tested.loc["abakan", "status"] == "no_data"
    assert tested.loc["total", ["estimate", "n"]].tolist() == [1, 2], "Абаза and who has no place"
    assert tested.loc["total", "note"] == "данные 11 из 13 муниципальных образований"
    assert tested.loc["abakan", "n"] == 2 and pd.isna(tested.loc["askizsky", "n"])


def test_who_has_no_main_workplace_is_counted_among_the_tested():
    tables = _records()
    tables["employment"].loc[tables["employment"]["person_id"] == "p2", "is_main"] = False
    _, procedures, table = _measured(tables)
    tested = table.query("procedure == 'd' and measure == 'tested'").set_index("municipality")
    assert tested.loc["total", "estimate"] == procedures["persons"].iloc[0] == 3
    assert tested.loc["unstated", ["estimate", "n"]].tolist() == [1, 2]
    assert tested["estimate"].drop("total").sum() == 3


@pytest.mark.parametrize("wave", ["exit", "entry"])
def test_results_of_the_exit_alone_are_not_called_absent(wave):
    tables = _records()
    tables["scores"] = tables["scores"].query("procedure_id == 'd'").assign(wave=wave)
    _, procedures, table = _measured(tables)
    row = procedures.set_index("procedure").loc["d"]
    whole = table.query("procedure == 'd' and municipality == 'total' and measure == 'tested'")
    assert row["sent_as"] == "records"
    if wave == "exit":
        assert row[["persons", "gap"]].tolist() == [0, "входной диагностики в данных нет"]
        assert whole[["status", "note"]].to_numpy().tolist() == [["no_data", row["gap"]]]
    else:
        assert row["persons"] == whole["estimate"].item() == 3


def test_without_a_status_nothing_is_known_to_be_missing():
    assert wording.incomplete(reporting(_records(), REGION)) == ""


def test_every_missing_number_says_why():
    tables = _records() | {"status": _status(sorsk=("scores",))}
    tables["procedures"] = pd.DataFrame({"procedure_id": ["d", "e", "z"], "selection": None})
    results, procedures, _ = _measured(tables)
    keys = ["procedure", "wave", "domain"]
    cuts = REGION.diagnostics.cuts
    table = broken_down(lambda by: level_shares(results, cuts, by), keys)
    table = check_measures(explained(table, procedures, tables, REGION, measure="level_share"))
    missing = table[table["status"] == "no_data"]
    assert missing["note"].notna().all()
    of_d = missing[missing["procedure"] == "d"].set_index(["domain", "municipality"])["note"]
    assert set(of_d["total", "sorsk"]) == {"муниципальное образование этих сведений не прислало"}
    assert set(of_d["total", "askizsky"]) == {"никто не прошёл диагностику"}
    silent = table[table["procedure"] == "z"]
    assert silent["note"].tolist() == ["результатов процедуры в данных нет"]
    of_e = missing.query("procedure == 'e' and domain == 'ict' and municipality == 'total'")
    assert set(of_e["note"]) == {"такой компетенции в результатах процедуры нет"}
    whole = table.query("procedure == 'd' and domain == 'total' and municipality == 'total'")
    known = whole[(whole["family"] == "total") & (whole["status"] == "ok")]
    assert set(known["note"]) == {"данные 12 из 13 муниципальных образований"}
    assert missing.loc[missing["municipality"] == "sorsk", "n"].isna().all()


def test_without_workplaces_nothing_is_said_of_places_and_subjects():
    tables = _records()
    del tables["employment"]
    results, procedures, coverage_table = _measured(tables)
    keys = ["procedure", "wave", "domain"]
    table = broken_down(lambda by: level_shares(results, REGION.diagnostics.cuts, by), keys)
    table = explained(table, procedures, tables, REGION, measure="level_share")
    parts = table.query("procedure == 'd' and domain == 'total' and municipality == 'abakan'")
    assert set(parts["note"]) == {"не прислана таблица «Места работы»"}
    whole = coverage_table.query("procedure == 'd' and measure == 'tested'")
    assert whole.set_index("municipality").loc[["total", "unstated"], "estimate"].tolist() == [3, 3]


def test_totals_alone_say_that_competences_were_not_sent():
    tables = _records()
    whole = tables["scores"].drop_duplicates("person_id").assign(domain="total", form_id="whole")
    results, procedures, _ = _measured(tables | {"scores": whole})
    assert procedures["sent_as"].tolist() == ["totals", "nothing"]
    keys = ["procedure", "wave", "domain"]
    table = broken_down(lambda by: score_distribution(results, by), keys)
    table = explained(table, procedures, tables, REGION, measure="score_mean")
    means = table.query("measure == 'score_mean' and municipality == 'total' and family == 'total'")
    notes = means.query("procedure == 'd'").set_index("domain")["note"]
    assert pd.isna(notes["total"])
    assert notes["ict"] == "результаты присланы только по тесту в целом, без компетенций"


def test_an_edition_without_any_procedure_says_so_instead_of_failing():
    results, procedures, table = _measured({})
    assert procedures["procedure"].tolist() == ["unstated"]
    assert table.query("municipality == 'total'")["status"].eq("no_data").all()
    said = findings.who_was_tested(table, procedures)
    assert (
        said
        == "Кто прошёл диагностику, неизвестно: не присланы таблицы «Результаты» и «Сводные числа»."
    )
