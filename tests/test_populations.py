"""Counts composed of named populations and conditions: known answers, and what is refused."""

import re
import shutil
from datetime import date

import pandas as pd
import pytest
from conftest import CHECKOUT

from nmc_utils.definitions import DefinitionError
from nmc_utils.editions import Edition, Period
from nmc_utils.measures.counted import counted, is_of_persons
from nmc_utils.populations import LIBRARY, Count, Library, library
from nmc_utils.regions import read_facts, read_region


@pytest.fixture
def home(tmp_path):
    shutil.copytree(CHECKOUT / "data" / "regions", tmp_path / "regions")
    return tmp_path


@pytest.fixture
def edition():
    root = CHECKOUT / "data"
    return Edition(
        region=read_region(root, "khakassia"),
        period=Period.parse("2023"),
        origin="demonstration",
        as_of=date(2023, 11, 30),
        status="draft",
        root=root,
    )


def _dates(*days):
    return pd.to_datetime(list(days)).astype("datetime64[us]")


@pytest.fixture
def tables():
    """Six persons: born in 1987, 1988, 1989, 1995, 1995 and 1970; the last is a manager."""
    staff = pd.DataFrame(
        {
            "person_id": list("abcdef"),
            "birth_year": pd.array([1987, 1988, 1989, 1995, 1995, 1970], "Int64"),
            "experience_years": pd.array([2, 2, 2, 3, None, 0], "Int64"),
        }
    )
    employment = pd.DataFrame(
        {
            "person_id": list("abcdef"),
            "position": ["teacher"] * 5 + ["manager"],
            "is_main": True,
            "from_on": _dates(*[None] * 6),
            "to_on": _dates(*[None] * 6),
        }
    )
    support = pd.DataFrame(
        {
            "person_id": ["b", "c", "c", "a", "d"],
            "given_on": _dates(
                "2023-03-01", "2023-04-01", "2023-05-01", "2022-12-31", "2023-12-01"
            ),
        }
    )
    return {"staff": staff, "employment": employment, "support": support}


def _number(edition, tables, *who, population="teachers"):
    return counted(Count(population=population, who=who), edition, tables).number


def test_both_readings_of_the_age_and_empty_experience(edition, tables):
    assert _number(edition, tables) == 5
    assert _number(edition, tables, "under_35") == 3, "34 at most: born in 1989 and 1995"
    assert _number(edition, tables, "up_to_35") == 4, "and who turns 35 in 2023"
    assert _number(edition, tables, "under_35", "first_three_years") == 1, "empty is not below 3"
    assert _number(edition, tables, "up_to_35", "first_three_years") == 2


def test_support_counts_within_the_period_and_not_after_the_day(edition, tables):
    assert _number(edition, tables, "supported") == 2, "b and c; a was before, d after the day"
    assert _number(edition, tables, "supported", population="managers") == 0


def test_rows_in_another_order_give_the_same(edition, tables):
    turned = {name: table.iloc[::-1].reset_index(drop=True) for name, table in tables.items()}
    assert _number(edition, turned, "up_to_35", "supported") == 2


def test_a_programme_ties_a_completion_through_two_tables(edition, tables):
    tables["programmes"] = pd.DataFrame(
        {"programme_id": ["x", "y"], "registry_on": _dates("2022-01-01", None)}
    )
    tables["completions"] = pd.DataFrame(
        {
            "person_id": ["a", "a", "b", "c", "d"],
            "programme_id": ["x", "x", "y", "x", "x"],
            "finished_on": _dates(*["2023-02-01"] * 4, "2022-02-01"),
            "chosen_after_diagnostics": [True, True, True, False, True],
        }
    )
    assert _number(edition, tables, "trained_by_diagnostics") == 1, "a alone, once"


def test_a_programme_counts_that_was_in_the_register_on_the_day_of_finishing(edition, tables):
    tables["programmes"] = pd.DataFrame(
        {"programme_id": ["x", "y"], "registry_on": _dates("2023-02-01", "2023-02-02")}
    )
    tables["completions"] = pd.DataFrame(
        {
            "person_id": ["a", "b", "c"],
            "programme_id": ["x", "y", "x"],
            "finished_on": _dates("2023-02-01", "2023-02-01", "2023-01-31"),
            "chosen_after_diagnostics": True,
        }
    )
    assert _number(edition, tables, "trained_by_diagnostics") == 1, "a; of b and c it came later"


def test_a_route_closed_in_an_earlier_year_is_not_had(edition, tables):
    tables["routes"] = pd.DataFrame(
        {
            "route_id": list("123456"),
            "person_id": list("abcdef"),
            "opened_on": _dates(*["2019-01-01"] * 5, "2023-12-01"),
            "closed_on": _dates("2019-12-01", None, "2023-03-01", None, "2023-02-01", None),
            "status": ["done", "running", "done", "done", "stopped", "running"],
        }
    )
    assert _number(edition, tables, "with_route") == 2, "b runs, c was closed this year"


def test_staff_who_have_left_are_not_counted(edition, tables):
    ends = _dates("2023-06-01", None, "2023-11-30", *[None] * 3)
    tables["employment"] = tables["employment"].assign(to_on=ends)
    assert _number(edition, tables, population="workers") == 5, "a has left, c has a last day"
    assert _number(edition, tables) == 4
    alone = {"staff": tables["staff"]}
    assert _number(edition, alone, population="workers") == 6, "nothing is known of workplaces"
    tables["employment"] = tables["employment"].query("person_id != 'b'")
    assert _number(edition, tables, population="workers") == 5, "b has no workplace that ended"


def test_a_missing_table_is_no_number_and_is_named(edition, tables):
    del tables["support"]
    found = counted(Count(population="teachers", who=("supported",)), edition, tables)
    assert pd.isna(found.number) and found.missing == ("support",)
    assert found.source == "не прислана таблица «Поддержка молодых»"


def test_what_rests_on_records_of_persons_is_told(edition):
    assert is_of_persons(Count(population="teachers", who=("supported",)), edition)
    assert not is_of_persons(Count(population="teachers", who=("under_35",)), edition)


def test_every_name_of_the_library_can_be_counted(edition):
    known = library(Library())
    assert LIBRARY.is_file() and known.populations and known.conditions
    for name, condition in known.conditions.items():
        fitting = [code for code, one in known.populations.items() if one.table == condition.table]
        assert fitting, name
        assert not list(Count(population=fitting[0], who=(name,)).mistakes(known))


YOUNG = "count: {population: teachers, who: [under_35, first_three_years]}"


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("{population: teacher}", "населения «teacher» нет; похоже на «teachers»; есть: workers, "),
        ("{population: teachers, who: [under_36]}", "условия «under_36» нет; похоже на «under_35»"),
        (
            "{population: teachers, who: [accompanied]}",
            "«accompanied» — о таблице organizations, а считаются строки staff; для неё",
        ),
        ("{table: stuff}", "«stuff» не подходит; допустимо: staff, employment"),
        ("{table: staff, where: {aged: 3}}", "столбца «aged» в таблице staff нет; похоже на «age»"),
        ("{table: staff, where: {age: {belov: 3}}}", "сравнения «belov» нет; похоже на «below»"),
        ("{table: staff, where: {age: {below: три}}}", "«три» не подходит; допустимо: число"),
        ("{table: staff, where: {age: {}}}", "сравнение пусто"),
        ("{table: staff, where: {education: {below: 3}}}", "сравнение не подходит; допустимо: тек"),
        ("{table: staff, where: {attested_on: 3}}", "«3» не подходит; допустимо: {within: period}"),
        ("{table: employment, where: {position: [tutor]}}", "«tutor» не подходит; допустимо: tea"),
        ("{table: staff, has: {table: acts}}", "таблицы staff и acts не связаны: общих ключей"),
        ("{table: staff, has: {table: scores}}", "таблицы «scores» нет; есть: staff"),
        ("{table: staff, population: teachers}", "нужно одно из двух: table или population"),
        ("{population: teachers, where: {age: 3}}", "where и has бывают при table"),
        ("{population: managers}", "числитель доли — не часть знаменателя"),
        ("{population: teachers, who: [up_to_35]}", "числитель доли — не часть знаменателя"),
        (
            "{table: staff, where: {age: {below: 20, above: 40}}}",
            "сравнения противоречат друг другу",
        ),
        ("{table: staff, where: {age: {below: 20, at_least: 20}}}", "сравнения противоречат друг"),
        (
            "{table: staff, where: {age: {given: false, below: 20}}}",
            "пустая ячейка (given: false) ни с чем не сравнивается",
        ),
        (
            "{table: staff, where: {attested_on: {by: finished_on}}}",
            "by: finished_on бывает только в has",
        ),
        (
            "{table: staff, has: {table: completions, where: {finished_on: {by: hired}}}}",
            "столбца «hired» с датой в таблице staff нет; похоже на «hired_on»; есть: as_of",
        ),
        (
            "{table: staff, has: {table: employment, where: {municipality: [abakn]}}}",
            "нет муниципального образования «abakn»; похоже на «abakan»",
        ),
        (
            "{table: staff, has: {table: employment, where: {subject: Алхимия}}}",
            "нет предмета «Алхимия»; ",
        ),
        (
            "{table: staff, has: {table: routes, any_of: [{closed: {given: true}}]}}",
            "столбца «closed» в таблице routes нет; похоже на «closed_on»",
        ),
        ("{population: organizations}", "считают разное: numerator — по person_id и denom"),
    ],
)
def test_a_wrong_count_is_one_sentence_with_file_and_line(home, new, message):
    path = home / "regions" / "khakassia" / "region.yaml"
    text = path.read_text("utf-8")
    assert text.count(YOUNG) == 1
    line = 1 + text[: text.index(YOUNG)].count("\n")
    path.write_text(text.replace(YOUNG, f"count: {new}"), "utf-8")
    with pytest.raises(DefinitionError) as refused:
        read_region(home, "khakassia")
    (sentence,) = str(refused.value).splitlines()
    assert f"region.yaml, строка {line}, ключ indicators" in sentence and message in sentence


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{year: 2024, value: 250,", "{value: 250,", "срок плана: year, first_year"),
        ("{year: 2024, value: 250,", "{year: 2024, undated: true, value: 250,", "должно быть одно"),
        ("{year: 2024, value: 250,", "{year: true, value: 250,", "true"),
        ("{year: 2024, value: 250,", "{year: 20233, value: 250,", "20233"),
        (
            "{year: 2024, value: 250,",
            "{year: 2024, first_year: 2023, last_year: 2024, value: 250,",
            "year",
        ),
        (
            "      - {year: 2024, value: 250,",
            "      - {year: 2024, value: 9, document: regulation_2023, section: раздел 5}\n"
            "      - {year: 2024, value: 250,",
            "план на 2024 год уже есть; оставьте один",
        ),
        ("      - code: whole_rma\n", "      - code: published\n", "«published» занято"),
        ("{year: 2024, value: 0.70,", "{year: 2024, value: 70,", "«70» не в единице share; допус"),
        ("{year: 2024, value: 250,", "{year: 2024, value: true,", "«true» не в единице persons"),
        (
            '    comparator: "<="\n',
            "    comparator: exists\n",
            "«exists» не подходит к единице p",
        ),
    ],
)
def test_a_target_without_period_or_of_another_unit_is_refused(home, old, new, message):
    path = home / "regions" / "khakassia" / "region.yaml"
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(DefinitionError) as refused:
        read_region(home, "khakassia")
    (sentence,) = str(refused.value).splitlines()
    assert re.search(r"region\.yaml, строка \d+", sentence) and message in sentence


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "metric: rma_total,",
            "metric: iom_plan_share,",
            "опубликован в единице «%», а показ",
        ),
        (
            "metric: methodists_trained, count",
            "metric: practices_bank, count",
            "опубликованы в разных единицах: «ед.» и «чел.»",
        ),
    ],
)
def test_a_fact_of_another_unit_is_refused_with_the_line_of_the_indicator(home, old, new, message):
    path = home / "regions" / "khakassia" / "region.yaml"
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(DefinitionError) as refused:
        read_facts(home, read_region(home, "khakassia"))
    (sentence,) = str(refused.value).splitlines()
    assert re.search(r"region\.yaml, строка \d+", sentence) and message in sentence


def test_a_region_adds_names_of_its_own_but_does_not_replace_common_ones(home):
    path = home / "regions" / "khakassia" / "region.yaml"
    text = path.read_text("utf-8")
    own = "{label: со стажем от 30 лет, table: staff, where: {experience_years: {at_least: 30}}}"
    path.write_text(f"{text}\nconditions:\n  experienced: {own}\n", "utf-8")
    assert "experienced" in read_region(home, "khakassia").library.conditions
    path.write_text(f"{text}\nconditions:\n  under_35: {own}\n", "utf-8")
    with pytest.raises(DefinitionError, match="«under_35» уже есть среди общих"):
        read_region(home, "khakassia")
