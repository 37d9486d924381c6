"""Attainment of every region and period, and recorded values, against tables worked by hand.

Each line of ``data/attainment.csv`` and ``data/recorded.csv`` says how it was worked out.
"""

from datetime import date
from pathlib import Path
from shutil import copytree

import pandas as pd
import pytest
import yaml
from conftest import CHECKOUT

from nmc_utils import findings
from nmc_utils.editions import Edition, Period
from nmc_utils.measures.attainment import WITHIN, judge
from nmc_utils.measures.counted import counted
from nmc_utils.measures.dictionary import check_measures, is_sensitive
from nmc_utils.measures.indicators import (
    all_indicators,
    closed_indicators,
    indicators,
    of_empty,
    open_indicators,
)
from nmc_utils.populations import Count
from nmc_utils.regions import read_facts, read_region

DATA = Path(__file__).parent / "data"
WORKED = pd.read_csv(DATA / "attainment.csv", dtype={"period": "str"})
RECORDED = pd.read_csv(DATA / "recorded.csv")


def _edition(region, period, root=CHECKOUT / "data", as_of=None):
    return Edition(
        region=read_region(root, region),
        period=Period.parse(period),
        origin="demonstration",
        as_of=as_of or date(int(period), 12, 31),
        status="draft",
        root=root,
    )


def _printed(row):
    if row["status"] != "ok":
        return ""
    is_share = row["measure"] == "indicator_share"
    return f"{100 * row['estimate']:.0f} %" if is_share else f"{row['estimate']:.0f}"


@pytest.mark.parametrize(
    ("region", "period"), sorted(set(zip(WORKED.region, WORKED.period, strict=True)))
)
def test_published_values_targets_and_attainment_are_as_worked_by_hand(region, period):
    edition = _edition(region, period)
    table = check_measures(indicators(edition, {"published": edition.published_facts}))
    table = table[table["basis"] == "published"].set_index(["indicator", "variant"])
    worked = WORKED[(WORKED["region"] == region) & (WORKED["period"] == period)]
    worked = worked.set_index(["indicator", "variant"])
    assert set(worked.index) == set(table.index)
    for key, expected in worked.iterrows():
        row = table.loc[key]
        assert _printed(row) == ("" if pd.isna(expected["printed"]) else expected["printed"]), key
        assert row["attainment"] == expected["attainment"], key
        targets = pd.Series([row["target"], expected["target"]], dtype=float)
        assert targets.isna().all() or targets[0] == pytest.approx(targets[1]), key


def test_what_has_no_number_says_what_would_give_it_and_nothing_else_does():
    for region, period in (("khakassia", "2023"), ("altai", "2023"), ("kostroma", "2022")):
        edition = _edition(region, period)
        table = indicators(edition, {"published": edition.published_facts})
        assert table["closed_by"].notna().equals(table["status"] == "no_data")
        recorded = table[table["basis"] == "recorded"]
        assert recorded["closed_by"].str.startswith("лист").all() and len(recorded)


# --- a dozen persons ----------------------------------------------------------------------------


def _dates(*days):
    return pd.to_datetime(list(days)).astype("datetime64[us]")


@pytest.fixture
def tables():
    """Teachers a–j and managers k, l; the day of the edition is 31.12.2023."""
    people = list("abcdefghijkl")
    born = [1989, 1993, 1988, 1995, *[1970] * 8]
    staff = pd.DataFrame(
        {
            "person_id": people,
            "birth_year": pd.array(born, "Int64"),
            "experience_years": pd.array([1, 2, 2, 3, *[20] * 8], "Int64"),
        }
    )
    employment = pd.DataFrame(
        {
            "person_id": people,
            "organization_id": "o1",
            "municipality": ["abakan"] * 4 + ["chernogorsk"] * 6 + ["abakan", "chernogorsk"],
            "position": ["teacher"] * 10 + ["manager"] * 2,
            "is_main": True,
            "from_on": _dates(*[None] * 12),
            "to_on": _dates(*[None] * 12),
        }
    )
    organizations = pd.DataFrame(
        {
            "organization_id": ["o1", "o2", "o3", "o4"],
            "municipality": "abakan",
            "is_low_performing": [True, True, False, False],
            "in_mentoring": [True, True, True, False],
            "is_internship_site": [True, True, False, False],
            "is_innovation_site": [False, False, True, False],
            "supported_on": _dates("2023-02-01", None, None, None),
        }
    )
    methodists = pd.DataFrame(
        {
            "methodist_id": ["m1", "m2", "m3", "m4"],
            "role": ["methodist", "methodist", "tutor", "methodist"],
            "trained_on": _dates("2022-05-01", "2024-01-01", None, "2022-05-01"),
            "from_on": _dates(*[None] * 4),
            "to_on": _dates(None, None, None, "2023-06-01"),
        }
    )
    programmes = pd.DataFrame(
        {
            "programme_id": ["p1", "p2", "p3", "p4", "p5"],
            "base": ["center", "center", "innovation_site", "innovation_site", "center"],
            "expertise_on": _dates(
                "2021-06-01", "2023-03-01", "2022-06-01", "2023-04-01", "2023-05-01"
            ),
            "registry_on": _dates("2022-01-01", None, "2023-01-01", None, "2023-11-01"),
        }
    )
    completions = pd.DataFrame(
        {
            "person_id": ["a", "b", "k", "c", "d", "e"],
            "programme_id": ["p1", "p3", "p1", "p1", "p2", "p1"],
            "finished_on": _dates(*["2023-05-01"] * 5, "2022-05-01"),
            "chosen_after_diagnostics": [True, True, True, False, True, True],
        }
    )
    teams = pd.DataFrame(
        {
            "organization_id": ["o1", "o2", "o3", "o4"],
            "trained_on": _dates("2023-05-01", "2022-05-01", "2024-02-01", None),
        }
    )
    support = pd.DataFrame(
        {
            "person_id": ["a", "c", "d"],
            "given_on": _dates("2023-03-01", "2023-03-01", "2023-03-01"),
        }
    )
    events = pd.DataFrame(
        {
            "event_id": ["v1", "v2", "v3"],
            "level": ["regional", "municipal", "regional"],
            "direction": ["horizontal", "deficits", "horizontal"],
            "held_on": _dates("2023-03-01", "2023-03-01", "2022-03-01"),
        }
    )
    attendance = pd.DataFrame(
        {"person_id": ["a", "k", "b", "c"], "event_id": ["v1", "v1", "v2", "v3"]}
    )
    routes = pd.DataFrame(
        {
            "route_id": ["r1", "r2"],
            "person_id": ["k", "l"],
            "opened_on": _dates("2023-03-01", "2021-03-01"),
            "closed_on": _dates(None, "2022-03-01"),
            "status": ["running", "done"],
        }
    )
    roadmap = pd.DataFrame(
        {
            "measure_id": ["m1", "m2", "m3"],
            "status": ["running", "done", "planned"],
            "due": ["2023", "ежегодно", "2024"],
            "done_on": pd.NaT,
        }
    )
    frames = locals()
    return {name: frames[name] for name in frames if isinstance(frames[name], pd.DataFrame)} | {
        "published": _edition("khakassia", "2023").published_facts
    }


def _later(tables):
    """The same a year later."""
    moved = {}
    for name, frame in tables.items():
        frame = frame.copy()
        if name != "published":
            for column in frame.select_dtypes("datetime"):
                frame[column] += pd.DateOffset(years=1)
        moved[name] = frame
    moved["staff"]["birth_year"] += 1
    return moved


def _case(region, case, tables):
    """Edition and tables of a case of ``recorded.csv``."""
    if region == "altai":
        edition = _edition("altai", "2024")
        return edition, _later(tables) | {"published": edition.published_facts}
    edition = _edition(region, "2023", as_of=date(2023, 11, 30) if case == "november" else None)
    tables = tables | {"published": edition.published_facts}
    if case == "without_completions":
        places = list(edition.region.municipality_names)
        sent = [place != "chernogorsk" for place in places]
        tables["status"] = pd.DataFrame(
            {"municipality": places, "table": "completions", "is_sent": sent}
        )
    return edition, tables


@pytest.mark.parametrize(
    ("region", "case"), sorted(set(zip(RECORDED.region, RECORDED.case, strict=True)))
)
def test_recorded_values_of_a_dozen_persons_are_as_worked_by_hand(tables, region, case):
    edition, tables = _case(region, case, tables)
    table = check_measures(indicators(edition, tables))
    recorded = table[table["basis"] == "recorded"].set_index(["indicator", "variant"])
    worked = RECORDED[(RECORDED["region"] == region) & (RECORDED["case"] == case)]
    worked = worked.set_index(["indicator", "variant"])
    assert set(worked.index) == set(recorded.index)
    assert recorded["attainment"].to_dict() == worked["attainment"].to_dict()
    for name in ("numerator", "denominator", "estimate"):
        pd.testing.assert_series_equal(
            recorded[name].astype(float),
            worked[name].reindex(recorded.index).astype(float),
            atol=1e-6,
        )
    shuffled = {name: frame.iloc[::-1] for name, frame in tables.items() if name != "published"}
    again = indicators(edition, shuffled | {"published": tables["published"]})
    pd.testing.assert_frame_equal(again, table)


def test_a_share_of_some_municipalities_says_of_how_many(tables):
    edition, tables = _case("khakassia", "without_completions", tables)
    table = indicators(edition, tables).set_index(["indicator", "variant", "basis"])
    row = table.loc[("fr_dpp_share", "all_staff", "recorded")]
    assert row["attainment_label"] == "неприменим: данные 12 из 13 муниципальных образований"
    tables["status"] = tables["status"].assign(table="staff")
    table = indicators(edition, tables).set_index(["indicator", "variant", "basis"])
    row = table.loc[("teachers_per_methodist", "whole_rma", "recorded")]
    assert row["status"] == "no_data" and pd.isna(row["estimate"])
    assert row["closed_by"] == "лист «Сотрудники» остальных муниципальных образований"


@pytest.mark.parametrize(
    ("name", "change", "indicator", "words"),
    [
        (
            "events",
            {"direction": "deficits"},
            "horizontal_learning_share",
            "в таблице «Мероприятия» за период нет ни одной записи",
        ),
        ("attendance", None, "horizontal_learning_share", "в таблице «Участие» за период нет ни"),
        ("support", None, "young_support_share", "в таблице «Поддержка молодых» за период нет ни"),
        (
            "methodists",
            {"trained_on": pd.NaT},
            "methodists_trained_share",
            "в таблице «РМА» не заполнен столбец «Дата повышения квалификации»",
        ),
        (
            "teams",
            {"trained_on": pd.NaT},
            "mgmt_teams_share",
            "в таблице «Управленческие команды» не заполнен столбец «Команда повысила квал",
        ),
        (
            "roadmap",
            {"status": None},
            "roadmap_done_share",
            "в таблице «Дорожная карта» не заполнен столбец",
        ),
    ],
)
def test_what_nobody_recorded_is_no_data_and_says_what_is_empty(
    tables, name, change, indicator, words
):
    frame = tables[name]
    tables[name] = frame.assign(**change) if change else frame.iloc[:0]
    table = indicators(_edition("khakassia", "2023"), tables)
    rows = table[(table["indicator"] == indicator) & (table["basis"] == "recorded")]
    assert len(rows) and rows["attainment"].eq("no_data").all() and rows["estimate"].isna().all()
    assert rows["closed_by"].str.startswith(words).all(), rows["closed_by"].tolist()


def test_who_has_left_is_in_no_share(tables):
    left = tables["employment"]["person_id"].isin(["j", "l"])
    ended = tables["employment"]["to_on"].mask(left, pd.Timestamp("2023-06-30"))
    tables["employment"] = tables["employment"].assign(to_on=ended)
    table = indicators(_edition("khakassia", "2023"), tables)
    rows = table[table["basis"] == "recorded"].set_index(["indicator", "variant"])
    assert rows.loc[("fr_dpp_share", "all_staff"), "denominator"] == 10
    assert rows.loc[("fr_dpp_share", "teachers_only"), "denominator"] == 9
    assert rows.loc[("teachers_per_methodist", "whole_rma"), "numerator"] == 10


def test_variants_that_disagree_decide_nothing_and_are_named(tables):
    tables["completions"] = tables["completions"].query("person_id in ['a', 'k', 'b']")
    edition = _edition("khakassia", "2023")
    chosen = {"a": True, "b": False, "k": True}
    persons = tables["completions"]["person_id"]
    tables["completions"]["chosen_after_diagnostics"] = persons.map(chosen)
    tables["staff"] = tables["staff"].query("person_id not in ['i', 'j']")
    table = indicators(edition, tables)  # 2 of 10 persons, 1 of 8 teachers
    row = findings.indicator_status(table).set_index("indicator").loc["fr_dpp_share"]
    assert row["attainment"] == "depends"
    assert row["attainment_label"] == (
        "зависит от варианта: от всех педагогических работников — достигнут (интервал включает "
        "план); от педагогических работников без управленческих кадров — не достигнут (интервал "
        "включает план)"
    )
    said = findings.variants(table, "fr_dpp_share", "Доля")
    assert "по записям" in said and "Зависит от варианта" in said
    assert "зависит от варианта — 1" in findings.attainment(table)


def test_a_count_reads_as_a_number_and_a_record_speaks_where_no_document_does(tables):
    table = indicators(_edition("khakassia", "2023"), tables)
    sites = findings.variants(table, "internship_sites", "Площадки")
    assert sites == "Площадки: по записям, организации-площадки 2. Не достигнут."
    roadmap = findings.variants(table, "roadmap_done_share", "Дорожная карта")
    assert roadmap.endswith("Плановое значение не установлено.") and "нет данных" not in roadmap


def test_what_rests_on_persons_is_closed_and_both_parts_make_the_whole(tables):
    table = indicators(_edition("khakassia", "2023"), tables)
    public, closed = open_indicators(table), closed_indicators(table)
    assert is_sensitive(closed) and not is_sensitive(public)
    assert set(closed["indicator"]) == {
        "fr_dpp_share",
        "horizontal_learning_share",
        "young_support_share",
        "rip_dpp",
    }
    whole = all_indicators({"indicators": public, "indicators_of_persons": closed})
    keys = ["indicator", "variant", "basis"]
    assert set(whole[keys].apply(tuple, axis=1)) == set(table[keys].apply(tuple, axis=1))
    assert list(dict.fromkeys(whole["indicator"])) == list(dict.fromkeys(table["indicator"]))
    assert len(all_indicators({"indicators": public})) == len(public)


# --- YAML alone ---------------------------------------------------------------------------------


def test_an_indicator_is_added_to_a_copy_of_a_region_by_editing_yaml_alone(tables, tmp_path):
    copytree(CHECKOUT / "data" / "regions", tmp_path / "regions")
    path = tmp_path / "regions" / "khakassia" / "region.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    content["conditions"] = {
        "experienced": {
            "label": "со стажем от 20 лет",
            "table": "staff",
            "where": {"experience_years": {"at_least": 20}},
        }
    }
    content["indicators"].append(
        {
            "id": "experienced_supported",
            "name": "Доля опытных педагогов, обученных по диагностике",
            "unit": "share",
            "comparator": ">=",
            "formula_origin": "расчёт системы",
            "targets": [
                {"year": 2023, "value": 0.5, "document": "regulation_2023", "section": "раздел 5"}
            ],
            "variants": [
                {
                    "code": "experienced",
                    "name": "от опытных",
                    "numerator": {
                        "label": "опытные, обученные по диагностике",
                        "count": {
                            "population": "workers",
                            "who": ["experienced", "trained_by_diagnostics"],
                        },
                    },
                    "denominator": {
                        "label": "опытные",
                        "count": {"population": "workers", "who": ["experienced"]},
                    },
                }
            ],
        }
    )
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")
    edition = _edition("khakassia", "2023", tmp_path)
    read_facts(tmp_path, edition.region)
    table = check_measures(indicators(edition, tables)).set_index("indicator")
    row = table.loc["experienced_supported"]
    assert (row["numerator"], row["denominator"]) == (1, 8), "k of e–l"
    assert row["attainment"] == "not_attained"
    assert (
        row["population"] == "педагогические работники и управленческие кадры, со стажем от 20 лет"
    )
    assert "experienced_supported" in set(findings.indicator_status(table.reset_index()).indicator)


def test_an_empty_cell_is_unknown_in_both_counts_of_a_share_and_said(tables):
    """Young teachers: where experience is empty, nobody knows whether they are of the cell."""
    edition = _edition("khakassia", "2023")

    def young():
        table = indicators(edition, tables).set_index(["indicator", "variant", "basis"])
        rows = table.xs("recorded", level="basis").loc["young_support_share"]
        return rows.iloc[0]

    before = young()
    of_cell = counted(
        Count(population="teachers", who=("under_35", "first_three_years")), edition, tables
    )
    supported = tables["support"]["person_id"].iloc[0]
    unknown = tables["staff"]["person_id"].eq(supported)
    tables["staff"] = tables["staff"].assign(
        experience_years=tables["staff"]["experience_years"].mask(unknown).astype("Int64")
    )
    after = young()
    assert before["denominator"] == of_cell.number
    assert after["denominator"] == before["denominator"] - 1
    assert after["numerator"] == before["numerator"] - 1
    assert after["source"].endswith("; не учтено 1: не заполнено «Педагогический стаж, лет»")
    assert "не учтено" not in before["source"]


def test_an_empty_date_is_an_event_that_has_not_been(tables):
    edition = _edition("khakassia", "2023")
    trained = Count(population="methodists", who=("methodists_trained",))
    found = counted(trained, edition, tables)
    assert found.number == 1, "m1; m2 is trained after the day, of m3 there is no date, m4 has left"
    assert counted(Count(population="methodists"), edition, tables).number == 2, "m3 is a tutor"
    assert found.left_out == 0 and "не учтено" not in found.source


def _of_experience_unknown(tables, *persons):
    unknown = tables["staff"]["person_id"].isin(persons)
    experience = tables["staff"]["experience_years"].mask(unknown).astype("Int64")
    return tables | {"staff": tables["staff"].assign(experience_years=experience)}


def test_where_many_cells_are_empty_the_bounds_are_told_and_nothing_is_judged(tables):
    """Of the young a, b and c (who is 35) a and c are supported."""
    table = indicators(_edition("khakassia", "2023"), _of_experience_unknown(tables, "b"))
    rows = table[table["basis"] == "recorded"].set_index(["indicator", "variant"])
    row = rows.loc[("young_support_share", "with_35")]
    assert (row["numerator"], row["denominator"]) == (2, 2)
    assert row["attainment"] == "not_applicable" and not row["is_within"]
    assert row["note"] == (
        "не учтено 1 из 3: не заполнено «Педагогический стаж, лет», с ними от 66,7 до 100,0 %"
    ), "b is surely not supported: in the denominator or nowhere"
    table = indicators(_edition("khakassia", "2023"), _of_experience_unknown(tables, "a"))
    rows = table[table["basis"] == "recorded"].set_index(["indicator", "variant"])
    row = rows.loc[("young_support_share", "with_35")]
    assert row["note"].endswith("с ними от 33,3 до 66,7 %"), "c of b, c; perhaps a"
    assert row["judgement"] == (
        "неприменим: не учтено 1 из 3: не заполнено «Педагогический стаж, лет»"
    )


def test_few_empty_cells_leave_the_judgement_and_are_told():
    told, doubt = of_empty(5, 95, "«Стаж»")
    assert told == "не учтено 5 из 100: не заполнено «Стаж»" and doubt == ""
    assert of_empty(6, 94, "«Стаж»")[1] == "не учтено 6 из 100: не заполнено «Стаж»"
    assert of_empty(0, 3, "") == ("", "")


@pytest.mark.parametrize(
    ("low", "high", "is_within"),
    [(0.2, 0.4, True), (0.1, 0.2, True), (0.21, 0.4, False), (0.1, 0.19, False)],
)
def test_an_interval_has_its_ends_and_the_column_decides_not_the_words(low, high, is_within):
    edition = _edition("khakassia", "2023")
    share = next(one for one in edition.region.indicators if one.id == "fr_dpp_share")
    share = share.model_copy(update={"caveat": f"не всякий {WITHIN}"})
    value = {"estimate": (low + high) / 2, "bound": "exact", "doubt": "", "basis": "recorded"}
    row = judge(value | {"ci_low": low, "ci_high": high}, share, edition)  # the target is 20 %
    assert row["is_within"] is is_within
    assert row["attainment_label"].endswith(f"; {WITHIN}") == is_within
    table = pd.DataFrame([row | {"indicator": "x", "basis": "recorded", "status": "ok"}])
    said = findings.attainment(table.assign(variant="v", variant_label="v"))
    assert ("из них у 1" in said) == is_within


def test_a_mark_on_any_variant_of_the_basis_counts_its_indicator_once():
    row = {"basis": "recorded", "status": "ok", "attainment": "attained", "judgement": "достигнут"}
    row |= {"attainment_label": "достигнут"}
    marks = {"a": [False, True], "b": [True, True], "c": [False, False]}
    table = pd.DataFrame(
        [
            row | {"indicator": name, "variant": code, "variant_label": code, "is_within": mark}
            for name, given in marks.items()
            for code, mark in zip("vw", given, strict=True)
        ]
    )
    assert "достигнут — 3 (из них у 2 интервал включает план)" in findings.attainment(table)
    other = table[table["indicator"].eq("c")].assign(basis="aggregate", is_within=True)
    said = findings.attainment(pd.concat([table, other], ignore_index=True))
    assert "достигнут — 3 (из них у 2 интервал" in said, "another basis does not speak for c"


def test_what_a_document_calls_developed_is_not_said_to_be_carried_out():
    edition = _edition("khakassia", "2023")
    table = indicators(edition, {"published": edition.published_facts})
    row = table[table["indicator"] == "roadmap"].iloc[0]
    assert row["estimate"] == 1 and row["attainment"] == "not_applicable"
    assert "о реализации не говорит" in row["attainment_label"]
