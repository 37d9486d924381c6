"""Discrepancies of the documents: each check both ways, and what they find in the real regions."""

from __future__ import annotations

import pandas as pd
import pytest
from conftest import CHECKOUT

from nmc_utils import findings
from nmc_utils.indicator_definitions import Indicator, Quantity, Variant
from nmc_utils.measures import document_checks as checks
from nmc_utils.measures.discrepancies import COLUMNS, FOUND_BY, discrepancies
from nmc_utils.regions import Region, read_facts, read_region
from nmc_utils.system import CHECKS, Act, Discrepancy, Sum, System, read_system

DATA = CHECKOUT / "data"
NNBSP = "\u202f"


def facts(*rows: dict) -> pd.DataFrame:
    """Published facts of few words: the rest of the columns as of a count of things."""
    usual = {"metric": "m", "period": "2023", "unit": "ед.", "kind": "count", "population": "все"}
    usual |= {"document": "d", "locator": "раздел", "bound": "exact", "label": "Что"}
    table = pd.DataFrame([usual | row for row in rows])
    return table.assign(number=table["value"].map(float))


def share_of(numerator: str = "top", denominator: str = "bottom", **given) -> Indicator:
    given = {"id": "share", "name": "Доля", "unit": "share", "metric": "share"} | given
    variant = Variant(
        code="all",
        name="от всех",
        numerator=Quantity(label="верх", metric=numerator),
        denominator=Quantity(label="низ", metric=denominator),
    )
    return Indicator(formula_origin="документ", variants=(variant,), **given)


def published_share(value: str, top: str, bottom: str, **own) -> pd.DataFrame:
    return facts(
        {"metric": "share", "value": value, "unit": "%", "kind": "actual"} | own,
        {"metric": "top", "value": top},
        {"metric": "bottom", "value": bottom},
    )


def told(found) -> list[tuple[str, ...]]:
    return [one.metrics for one in found]


# --- each check, both ways -----------------------------------------------------------------------


def parts(*values: int) -> pd.DataFrame:
    rows = [{"metric": f"p{n}", "value": str(value)} for n, value in enumerate(values)]
    return facts({"metric": "total", "value": "34", "label": "Школы"}, *rows)


def test_a_sum_that_does_not_add_up_is_found():
    expected = [Sum(total="total", period="2023", parts=("p0", "p1", "p2"))]
    (found,) = checks.sums(parts(21, 5, 9), expected)
    assert found.what == "Школы: названо 34, а по частям 21 + 5 + 9 = 35"
    assert found.metrics == ("total", "p0", "p1", "p2")
    assert not list(checks.sums(parts(21, 5, 8), expected))


def test_a_target_is_no_part_of_a_sum():
    expected = [Sum(total="total", period="2023", parts=("p0", "p1"))]
    goal = facts({"metric": "p0", "value": "99", "kind": "target"})
    assert not list(checks.sums(pd.concat([goal, parts(21, 13)]), expected))


def test_parts_without_a_number_are_at_least_one_each():
    expected = [Sum(total="total", period="2023", parts=("p0", "p1"), unnumbered=3)]
    (found,) = checks.sums(parts(20, 5), expected)
    assert found.what.endswith("20 + 5 = 25 и ещё 3 без числа — не меньше 28")
    assert not list(checks.sums(parts(20, 11), expected))


def test_a_list_shorter_than_its_number_is_found():
    (found,) = checks.sums(parts(12), [Sum(total="total", period="2023", parts=("p0",))])
    assert found.what == "Школы: названо 34, а перечислено 12"


def by_year(of_all: int, *, unit: str = "ед.") -> pd.DataFrame:
    years = {"2021": 17, "2022": 11, "2023": 2, "2021-2023": of_all}
    rows = [{"period": period, "value": str(n), "unit": unit} for period, n in years.items()]
    return facts(*rows)


def test_years_that_do_not_give_their_span_are_found():
    (found,) = checks.spans(by_year(31))
    assert found.what == "Что за 2021-2023: названо 31, а по годам 17 + 11 + 2 = 30"
    assert not list(checks.spans(by_year(30)))


def test_a_span_is_not_compared_without_every_year_nor_for_people():
    lacking = by_year(31)
    assert not list(checks.spans(lacking[lacking["period"] != "2022"]))
    assert not list(checks.spans(by_year(25, unit="чел.")))


@pytest.mark.parametrize(
    ("printed", "top", "bottom", "is_found"),
    [
        ("75", "71", "95", False),
        ("76", "13", "17", False),
        ("45", "5", "11", False),
        ("100", "2", "2", False),
        ("67", "20", "30", False),
        ("31", "20", "64", False),
        ("31.3", "20", "64", False),  # 31,25: a half may be printed either way
        ("31.2", "20", "64", False),
        ("31.4", "20", "64", True),
        ("74", "71", "95", True),
        ("76", "71", "95", True),
        ("46", "5", "11", True),
    ],
)
def test_a_share_must_match_its_numbers_to_the_printed_digit(printed, top, bottom, is_found):
    found = list(checks.shares(published_share(printed, top, bottom), [share_of()]))
    assert told(found) == ([("share",)] if is_found else [])


def test_a_value_that_only_one_denominator_gives_is_found():
    load = share_of("staff", "all", unit="persons")
    other = share_of("staff", "some", unit="persons").variants[0]
    both = load.model_copy(
        update={"variants": (*load.variants, other.model_copy(update={"code": "some"}))}
    )
    table = facts(
        {"metric": "share", "value": "99", "unit": "чел.", "kind": "actual"},
        {"metric": "staff", "value": "11515"},
        {"metric": "all", "value": "116"},
        {"metric": "some", "value": "95"},
    )
    assert not list(checks.shares(table, [load]))
    (found,) = checks.shares(table, [both])
    assert found.what == (
        f"Доля: опубликовано 99 чел., а 11{NNBSP}515 / 116 = 99,3, 11{NNBSP}515 / 95 = 121,2"
    )


def test_an_approximate_value_is_no_mismatch():
    about = published_share("30", "1", "2", bound="about")
    assert not list(checks.shares(about, [share_of()]))


def test_numbers_of_different_periods_are_found():
    table = published_share("75", "71", "95")
    assert not list(checks.periods(table, [share_of()]))
    table.loc[table["metric"] != "bottom", "period"] = "2022-2023"
    (found,) = checks.periods(table, [share_of()])
    assert found.what == "Доля, за 2022-2023: числитель за 2022-2023, знаменатель за 2023"
    assert not list(checks.denominators(table, [share_of()]))
    assert not list(checks.shares(table, [share_of()]))


def test_a_number_of_another_year_is_not_taken():
    table = published_share("75", "71", "95")
    table.loc[table["metric"] == "bottom", "period"] = "2022"
    assert told(checks.denominators(table, [share_of()])) == [("share",)]


def test_a_value_without_a_year_is_matched_with_the_only_number_there_is():
    table = published_share("31", "20", "64", period="без года")
    for check in (checks.shares, checks.denominators, checks.periods):
        assert not list(check(table, [share_of()]))
    other = table.assign(period=["без года", "2022", "без года"])
    (found,) = checks.periods(other, [share_of()])
    assert found.what == "Доля, без года: числитель за 2022, знаменатель без года"
    twice = pd.concat([table, facts({"metric": "top", "value": "13", "period": "2022"})])
    assert told(checks.denominators(twice, [share_of()])) == [("share",)]


def test_a_share_without_its_numbers_is_found():
    whole = published_share("98", "98", "100")
    assert not list(checks.denominators(whole, [share_of()]))
    for lacking in ("top", "bottom"):
        (found,) = checks.denominators(whole[whole["metric"] != lacking], [share_of()])
        assert found.what == "Доля: 98 % без числителя или знаменателя"


def test_a_share_of_few_cases_is_found():
    (found,) = checks.small_shares(published_share("100", "2", "2"), [share_of()])
    assert found.what == "Доля, за 2023: 2 из 2, 95 % интервал 34–100 %"
    assert not list(checks.small_shares(published_share("76", "13", "17"), [share_of()]))


def act(name: str, *numbers: str, address: str | None = None) -> Act:
    return Act(id=name, title=name, numbers=numbers, address=address, document="d", section="s")


def test_one_act_under_several_numbers_is_found():
    (found,) = checks.acts([act("order", "100-478", "100-476"), act("other", "6")])
    assert found.what == "«order»: номера 100-476, 100-478" and found.acts == ("order",)
    assert not list(checks.acts([act("order", "100-478"), act("other", "100-479")]))


def test_one_number_of_two_acts_is_found():
    named = [act("two", "100-478"), act("one", "№ 100-478"), act("three", "100-479")]
    (found,) = checks.acts(named)
    assert found.what == "один номер № 100-478: «one» и «two»" and found.acts == ("one", "two")
    assert not list(checks.acts(named[1:]))


def test_one_address_of_two_acts_is_found():
    same = [act("one", "1", address="x.pdf"), act("two", "2", address="x.pdf")]
    (found,) = checks.acts(same)
    assert found.what == "один адрес: «one» и «two»" and found.acts == ("one", "two")
    apart = [act("one", "1", address="x.pdf"), act("two", "2", address="y.pdf"), act("three")]
    assert not list(checks.acts(apart))


@pytest.mark.parametrize(
    ("unit", "population", "is_found"),
    [
        ("%", "", True),
        ("%", "не указана", True),
        ("чел.", "не указана", True),
        ("%", "все школы", False),
        ("чел.", "учителя", False),
        ("ед.", "", False),
    ],
)
def test_a_share_or_a_number_of_people_needs_a_population(unit, population, is_found):
    table = facts({"value": "98", "unit": unit, "population": population})
    assert told(checks.populations(table)) == ([("m",)] if is_found else [])


def series(first: int, second: int, **second_row) -> pd.DataFrame:
    return facts(
        {"period": "2021", "value": str(first), "unit": "чел."},
        {"period": "2022", "value": str(second), "unit": "чел."} | second_row,
    )


def test_a_series_whose_population_changed_is_found():
    (found,) = checks.changed_populations(series(9, 5, population="школы «500+»"))
    assert found.what == "Что: 2021 — все; 2022 — школы «500+»"
    assert not list(checks.changed_populations(series(9, 5)))


@pytest.mark.parametrize(
    ("first", "second", "change"),
    [
        (1183, 576, "−51 %"),
        (139, 309, "+122 %"),
        (100, 151, "+51 %"),
        (100, 150, None),
        (100, 50, None),
        (100, 49, "−51 %"),
        (0, 5, None),
    ],
)
def test_a_series_that_jumps_by_more_than_half_is_found(first, second, change):
    found = list(checks.jumps(series(first, second)))
    assert [one.what.rpartition("(")[2].rstrip(")") for one in found] == (
        [change] if change else []
    )


def test_a_jump_is_of_neighbouring_years_and_of_counts():
    assert not list(checks.jumps(series(100, 10, period="2023")))
    percents = series(100, 10).assign(unit="%")
    assert not list(checks.jumps(percents))
    spans = series(100, 10).assign(period=["2020-2021", "2021-2022"])
    assert not list(checks.jumps(spans))


def target(**given) -> pd.DataFrame:
    usual = {"value": "40", "unit": "%", "kind": "target", "period": "2024"}
    return facts(usual | {"label": "Доля команд (не менее)"} | given)


def test_a_number_with_a_target_in_per_cent_is_found():
    assert told(checks.percent_targets(target(label="Количество команд"))) == [("m",)]
    assert not list(checks.percent_targets(target()))
    assert not list(checks.percent_targets(target(label="Количество команд", unit="ед.")))


def test_a_target_without_a_date_is_found():
    (found,) = checks.undated_targets(target(period="без срока"))
    assert found.what == "Доля команд (не менее): план 40 %"
    assert not list(checks.undated_targets(target()))


@pytest.mark.parametrize(
    ("bound", "words"), [("about", "около 300 чел."), ("more than", "более 300 чел.")]
)
def test_an_approximate_number_is_found(bound, words):
    (found,) = checks.inexact(facts({"value": "300", "unit": "чел.", "bound": bound}))
    assert found.what == f"Что: {words}"
    assert not list(checks.inexact(facts({"value": "300"})))


def planned(unit: str = "share", **given) -> Indicator:
    goal = {"first_year": 2024, "last_year": 2024, "document": "d", "section": "s"}
    value, comparator = (True, "exists") if unit == "yes_no" else (0.3, ">=")
    about = {"id": "share", "name": "Доля", "formula_origin": "документ", "comparator": comparator}
    about |= {"targets": ({**goal, "value": value},)}
    return Indicator(unit=unit, **about | given)


def test_a_target_without_any_actual_is_found():
    none = facts({"metric": "other", "value": "1"})
    (found,) = checks.without_actual(none, [planned()])
    assert found.what == "Доля: есть только план"
    actual = facts({"metric": "share", "value": "31", "unit": "%", "kind": "actual"})
    assert not list(checks.without_actual(actual, [planned()]))
    pair = facts({"metric": "top", "value": "1"}, {"metric": "bottom", "value": "4"})
    with_numbers = share_of(**planned().model_dump(include={"targets", "comparator"}))
    assert not list(checks.without_actual(pair, [with_numbers]))
    (found,) = checks.without_actual(pair[pair["metric"] == "top"], [with_numbers])
    assert found.what == "Доля: есть только план"
    assert not list(checks.without_actual(none, [planned("yes_no")]))
    assert not list(checks.without_actual(none, [planned(targets=(), comparator=None)]))


# --- the table -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def region() -> Region:
    return read_region(DATA, "khakassia")


def known(**given) -> Discrepancy:
    words = {"id": 7, "title": "Т", "what": "Ч", "treatment": "К", "places": ("М",)}
    return Discrepancy(**words | given)


def listed(region: Region, *entries: Discrepancy) -> pd.DataFrame:
    table = facts(
        {"metric": "a", "value": "3", "unit": "чел.", "bound": "about"},
        {"metric": "b", "value": "9", "unit": "чел.", "bound": "about"},
    ).assign(document="monitoring_2023")
    bare = region.model_copy(update={"indicators": ()})
    return discrepancies(table, System(discrepancies=entries), bare)


def test_what_a_check_finds_stands_under_the_known_one_alone(region):
    table = listed(region, known(metrics=("a",), checks=("inexact",)))
    assert list(table["id"].fillna(0)) == [7, 0]
    assert list(table["found_by"]) == ["both", "check"]
    assert list(table["found"]) == ["Что: около 3 чел.", "Что: около 9 чел."]
    new = table.iloc[1]
    assert (new["metrics"], new["title"]) == ("b", "Приблизительное число")
    assert new["places"] == "Мониторинг РС НМС, 2023 год, раздел"


def test_a_known_one_is_found_only_by_its_own_checks(region):
    table = listed(region, known(metrics=("a", "b"), checks=("population",)))
    assert list(table["found_by"]) == ["document", "check", "check"]
    assert table["found"].iloc[0] == ""


def test_known_ones_come_by_number_and_new_ones_after(region):
    table = listed(region, known(), known(id=2))
    assert list(table["id"].fillna(0)) == [2, 7, 0, 0]
    assert list(table.columns) == COLUMNS and table["id"].dtype == "Int64"


#: What the checks find of the known ones by themselves, and what besides.
FOUND = {
    "khakassia": ({1, 2, 3, 4, 7, 10, 11, 12, 15}, {"nmm_participants": "inexact"}),
    "altai": ({15, 19, 20}, {"mgmt_iom_share": "undated"}),
    "kostroma": ({21, 22, 23, 24, 26, 27, 28, 30}, {}),
}


def real(code: str) -> pd.DataFrame:
    region = read_region(DATA, code)
    return discrepancies(read_facts(DATA, region), read_system(DATA, region), region)


@pytest.mark.parametrize("code", FOUND)
def test_the_checks_find_these_of_the_known_ones(code):
    table = real(code)
    assert set(table.loc[table["found_by"] == "both", "id"]) == FOUND[code][0]
    new = table[table["found_by"] == "check"]
    said = {metric: CHECKS[check] for metric, check in FOUND[code][1].items()}
    assert said.items() <= dict(zip(new["metrics"], new["checks"], strict=True)).items()
    assert set(table["found_by"]) <= set(FOUND_BY)


def test_the_slides_have_contradictions_that_nobody_had_noticed():
    table = real("kostroma")
    new = table[table["found_by"] == "check"]
    assert list(zip(new["metrics"], new["checks"], strict=True)) == [
        ("internship_annual", "чья это доля"),
        ("cnppm_teachers", "скачок ряда"),
        ("managers_iup", "скачок ряда"),
        ("dpp_total_registry_share", "числа разных периодов"),
        ("internship_annual", "приблизительное число"),
    ]
    row = table[table["id"] == 30].iloc[0]
    assert row["found"].endswith("названо 20, а по частям 13 + 5 = 18")
    assert "13 + 5 + 2 = 20" in row["what"] and row["is_inferred"]


def test_sums_and_shares_that_hold_are_not_found():
    for code, silent in (
        ("khakassia", {"cnppm_staff_total", "rma_total", "municipalities_total"}),
        ("kostroma", {"dpp_expertise", "dpp_registry_share"}),
    ):
        region = read_region(DATA, code)
        found = checks.find(read_facts(DATA, region), read_system(DATA, region), region)
        wrong = {one.metrics[0] for one in found if one.check in ("sum", "share")}
        assert not wrong & silent
    sums = {one.total: one for one in read_system(DATA, read_region(DATA, "khakassia")).sums}
    assert len(sums["rma_total"].parts) == 5 and len(sums["cnppm_staff_total"].parts) == 3


def test_a_wrong_sum_of_a_real_region_would_be_found():
    region = read_region(DATA, "khakassia")
    table = read_facts(DATA, region)
    table.loc[table["metric"] == "rma_methodists", "number"] = 96
    found = checks.find(table, read_system(DATA, region), region)
    assert any(one.what.endswith("1 + 1 + 6 + 13 + 96 = 117") for one in found)


@pytest.mark.parametrize("code", FOUND)
def test_the_order_of_facts_changes_nothing(code):
    region = read_region(DATA, code)
    table, system = read_facts(DATA, region), read_system(DATA, region)
    mixed = table.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(
        discrepancies(mixed, system, region), discrepancies(table, system, region)
    )


# --- in words ------------------------------------------------------------------------------------


def test_a_discrepancy_of_two_regions_counts_once():
    together = pd.concat([real(code) for code in FOUND])
    assert findings.discrepancies(together).startswith(
        "В документах 30\u00a0расхождений; проверки сами находят из них 19. Сверх них проверки "
        "нашли 7: "
    )
    assert findings.discrepancies(real("altai")) == (
        "В документах 5\u00a0расхождений; проверки сами находят из них 3. Сверх них проверки "
        "нашли 1: план без срока — 1."
    )


def test_a_region_without_any_is_told():
    table = real("altai")
    none = "Известных расхождений в документах нет, и проверки ни одного не нашли."
    assert findings.discrepancies(table.iloc[:0]) == none
    new = findings.discrepancies(table[table["found_by"] == "check"])
    assert new == "Известных расхождений в документах нет; проверки нашли 1: план без срока — 1."
    missed = findings.discrepancies(table[table["found_by"] == "document"])
    assert missed == (
        "В документах 2\u00a0расхождения; проверки сами не находят ни одного из них. Ничего сверх "
        "них проверки не нашли."
    )


def test_rows_for_a_reader_say_who_found_what():
    rows = findings.discrepancy_rows(real("khakassia")).set_index("number")
    assert rows.loc["2", "found_words"] == "известно, и проверка нашла: сумма частей"
    assert rows.loc["9", "found_words"] == "известно, проверкой не находится"
    assert (rows.loc["2", "origin"], rows.loc["9", "origin"]) == ("наш вывод", "из документа")
    assert set(findings.DISCREPANCY_COLUMNS) <= {"number", *rows.columns}
