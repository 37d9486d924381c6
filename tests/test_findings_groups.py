"""Sentences about the plan of seminar groups, worked by hand."""

from __future__ import annotations

import pandas as pd
import pytest
import seminar_answers as given
from conftest import CHECKOUT
from test_findings_measurement import plain

from nmc_utils import findings
from nmc_utils.findings.groups import most_frequent_topics
from nmc_utils.regions import Region, read_region


@pytest.fixture(scope="module")
def region() -> Region:
    return read_region(CHECKOUT / "data", "khakassia")


def with_settings(region: Region, **changed) -> Region:
    seminars = region.seminars.model_copy(update=changed)
    return region.model_copy(update={"seminars": seminars})


# --- what is left, and the year -----------------------------------------------------------------


def test_what_is_left_is_counted_with_its_reasons(region):
    assert plain(findings.uncovered(given.UNCOVERED, region)) == (
        "Темами групп не закрыто 40 из 160 результатов не выше порога (25 %): 35 — у тех, кто в "
        "группе с другими темами, 5 — у тех, кто остаётся без группы. Больше всего — «Предметные»: "
        "30 из 100."
    )


def test_a_reason_that_nobody_has_is_not_told(region):
    rows = given.UNCOVERED[given.UNCOVERED["domain"] == "ict"]
    assert "без группы" not in findings.uncovered(rows, region)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (given.ALL_COVERED, "Темы групп закрывают все результаты не выше порога (их 100)."),
        (
            given.UNCOVERED[:0],
            "В плане нет людей с известным результатом по компетенциям не выше порога: закрывать "
            "темами нечего.",
        ),
    ],
)
def test_nothing_is_left_or_nothing_was_due(region, rows, said):
    assert plain(findings.uncovered(rows, region)) == said


def test_the_year_tells_its_end_its_rounds_and_the_least_covered_family(region):
    assert plain(findings.year(given.YEAR, region)) == (
        "За год темы групп закрывают 80 % результатов не выше порога, после первого раунда — 50 % "
        "(n = 120); 2 раунда, групп: 6, 3; меньше всего — «Искусство, технология, физическая "
        "культура и ОБЖ»: 40 %. Закрыт — тема была в группе человека; что изменилось, покажет "
        "выходная диагностика."
    )


def test_a_year_of_one_round(region):
    rows = given.YEAR[(given.YEAR["round"] == 1) & (given.YEAR["family"] == "total")]
    assert plain(findings.year(rows, region)).startswith(
        "За год темы групп закрывают 50 % результатов не выше порога (n = 120); 1 раунд, групп: 6."
    )


def test_a_year_without_anything_to_cover(region):
    said = "Программа года не нужна: результатов не выше порога нет."
    assert findings.year(given.NO_YEAR, region) == said
    nobody = given.NO_YEAR.assign(n=0)
    assert findings.year(nobody, region) == (
        "Программа года не составлена: нет людей с результатом по компетенциям."
    )


def test_the_programme_names_the_most_frequent_topic_of_each_round(region):
    assert plain(findings.programme(given.PROGRAMME, region)) == (
        "Программа постоянного семинара: 1-й раунд — чаще всего «ИКТ» (4 группы, тема нужна "
        "45 чел. из 51); 2-й раунд — чаще всего «Предметные» (1 группа, тема нужна 12 чел. из 12)."
    )
    assert "1-й раунд — чаще всего «Предметные» (3 группы" in plain(
        findings.programme(given.PROGRAMME, region, family="primary")
    )


def test_equally_frequent_topics_of_a_round_are_all_named(region):
    rows = given.counted(
        *given.taught(1, "primary", "ict", 3, 30, 40),
        *given.taught(1, "primary", "subject", 3, 33, 45),
        *given.taught(1, "primary", "methodical", 2, 20, 25),
        keys=["round", "family", "domain"],
    )
    assert plain(findings.programme(rows, region)) == (
        "Программа постоянного семинара: 1-й раунд — чаще всего «Предметные» и «ИКТ» (по 3 группы, "
        "темы нужны 33 чел. из 45 и 30 чел. из 40)."
    )
    single = rows.assign(estimate=1.0)
    assert plain(findings.programme(single, region)).endswith(
        "«Предметные», «Методические» и «ИКТ» (по 1 группе, темы нужны 1 чел. из 45, 1 чел. из 25 "
        "и 1 чел. из 40)."
    )


@pytest.mark.parametrize(
    ("topics", "said"),
    [
        ("aab", "Чаще всего выбрана тема «А»: в 2 из 9 групп"),
        ("baab", "Чаще всего выбраны темы «А» и «Б»: каждая в 2 из 9 групп"),
        ("abcd", "Чаще всего выбраны темы «А», «Б», «В» и ещё 1: каждая в 1 из 9 групп"),
    ],
)
def test_ties_name_at_most_three_topics_in_the_order_of_the_region(topics, said):
    names = dict(zip("abcd", "АБВГ", strict=True))
    assert plain(most_frequent_topics(pd.Series(list(topics)), 9, names)) == said


def test_a_programme_without_groups(region):
    said = "Программа постоянного семинара пуста: ни одной группы не составлено."
    assert findings.programme(given.PROGRAMME[:0], region) == said


# --- leaders ------------------------------------------------------------------------------------


def test_the_load_of_leaders_is_told_without_naming_anybody(region):
    assert plain(findings.leader_load(given.LEADERS, region)) == (
        "План занимает 4 из 8 групп, на которые рассчитана нагрузка ведущих (4 ведущих); без "
        "группы — 1; запаса нет: «Математика и информатика»."
    )
    reserve = given.LEADERS[given.LEADERS["family"] == "primary"]
    assert findings.leader_load(reserve, region).endswith("; запас есть в каждом предмете.")
    assert findings.leader_load(given.LEADERS[:0], region).startswith("Ведущих нет: ")
    assert plain(findings.leader_load(given.LEADERS.assign(groups=0), region)) == (
        "Ни одной группы не составлено; нагрузка ведущих рассчитана на 8 групп (4 ведущих)."
    )
    assert findings.leader_load(None, region).startswith("Нет таблицы «РМА»")


def test_one_more_leader_is_told_where_it_brings_most(region):
    assert plain(findings.one_more_leader(given.ONE_MORE, region)) == (
        "Ещё один ведущий больше всего дал бы в предметной группе «Математика и информатика»: "
        "закрыто результатов не выше порога — +14, педагогов в группах — +12. Добавил бы и здесь: "
        "«Искусство и технология»."
    )


def test_fewer_people_and_no_other_family_are_told_as_they_are(region):
    arts = given.ONE_MORE[given.ONE_MORE["family"].isin(["arts", "primary"])]
    assert plain(findings.one_more_leader(arts, region)).endswith(
        "закрыто результатов не выше порога — +3, педагогов в группах — −1. В остальных их хватает."
    )


def test_enough_leaders_is_an_answer(region):
    assert plain(findings.one_more_leader(given.ENOUGH, region)) == (
        "Ведущих хватает: ещё один ничего не добавил бы (проверено в 2 предметных группах)."
    )
    assert findings.one_more_leader(given.ENOUGH[:0], region) == (
        "Что дал бы ещё один ведущий, не посчитано: нет таблицы «РМА» или людей с результатом по "
        "компетенциям."
    )


def unsure(*families: str) -> pd.DataFrame:
    """One more leader, with a change within the proven gaps in these families."""
    doubtful = given.ONE_MORE["family"].isin(families)
    return given.ONE_MORE.assign(estimate=given.ONE_MORE["estimate"].mask(doubtful))


def test_a_change_within_the_proven_gaps_is_neither_a_gain_nor_enough(region):
    told = plain(findings.one_more_leader(unsure("arts"), region))
    assert told.endswith(
        "педагогов в группах — +12. Разница меньше доказанной точности планов: «Искусство и "
        "технология». В остальных их хватает."
    )
    assert plain(findings.one_more_leader(unsure("arts", "mathematics"), region)) == (
        "Что ещё один ведущий что-то добавил бы, не доказано (проверено в 3 предметных группах): "
        "разница меньше доказанной точности планов — «Математика и информатика», «Искусство и "
        "технология»; в остальных он ничего не добавил бы."
    )
    assert plain(
        findings.one_more_leader(unsure("arts", "mathematics", "primary"), region)
    ).endswith("«Искусство и технология».")


# --- other plans of the same people -------------------------------------------------------------


def test_the_next_smaller_size_is_told_with_its_cost_and_gap(region):
    assert plain(findings.plan_sizes(given.SIZES, region)) == (
        "По 10–20 человек в группе: 24 группы вместо 20, темы закрыли бы 82,5 % результатов не "
        "выше порога вместо 80,0 % (n = 300); каждый план не дальше 0,2 % от лучшего возможного."
    )


def test_any_compared_size_can_be_told(region):
    said = plain(findings.plan_sizes(given.SIZES, region, size=(15, 30)))
    assert said == (
        "По 15–30 человек в группе: 16 групп вместо 20, темы закрыли бы 77,0 % результатов не "
        "выше порога вместо 80,0 % (n = 300)."
    )


def test_the_smallest_size_is_compared_with_the_next_greater(region):
    small = with_settings(region, size=(8, 15))
    assert findings.plan_sizes(given.SIZES, small).startswith("По 10–20 человек в группе: ")


@pytest.mark.parametrize("size", [(12, 25), (5, 9)])
def test_a_size_that_is_not_compared_is_refused(region, size):
    told = rf"size {size[0]}–{size[1]} is not compared; compared: 8–15, 10–20, 15–30"
    with pytest.raises(ValueError, match=told):
        findings.plan_sizes(given.SIZES, region, size=size)


def test_sizes_of_nobody(region):
    rows = given.SIZES.assign(
        estimate=given.SIZES["estimate"].mask(given.SIZES["measure"] == "plan_coverage")
    )
    assert findings.plan_sizes(rows, region) == (
        "Другие размеры групп не сравнены: составлять группы не для кого."
    )


def test_the_analytic_variant_is_judged_both_ways(region):
    assert plain(findings.plan_variants(given.VARIANTS, region)) == (
        "План с учётом погрешности (аналитический вариант) закрыл бы 71,0 % ожидаемых истинных "
        "результатов не выше порога, план по результату — 66,0 %; результатов по правилу "
        "документа — 77,0 % и 80,0 % (n = 300: предметные группы, где вероятность "
        "известна у каждого)."
    )
    assert findings.plan_variants(given.VARIANTS[:0], region).startswith(
        "Вариант с учётом погрешности не посчитан: "
    )
    no_document = region.model_copy(
        update={"diagnostics": region.diagnostics.model_copy(update={"document": None})}
    )
    told = findings.plan_variants(given.VARIANTS, no_document)
    assert "по заданному порогу" in told and "документ" not in told


# --- where groups meet, what binds, how near to the best ----------------------------------------


def test_where_groups_meet(region):
    assert plain(findings.meetings(given.MEETINGS, given.GROUPS, region)) == (
        "Очно — 2 группы; дистанционно — 1 группа; в очных группах в другое "
        "муниципальное образование ездят 5 из 38 чел. (13 %), дальше всего — 40 км."
    )


@pytest.mark.parametrize(
    ("modes", "said"),
    [
        (["distance"] * 3, "Очно — 0 групп; дистанционно — 3 группы."),
        (
            ["distance", "distance", "on_site"],
            "Очно — 1 группа; дистанционно — 2 группы; в очных группах в другое муниципальное "
            "образование никто не ездит.",
        ),
        (
            ["distance", None, None],
            "Очно — 0 групп; дистанционно — 1 группа; как собираются ещё 2 группы, не известно.",
        ),
    ],
)
def test_nobody_travels_to_a_group_at_a_distance(region, modes, said):
    told = findings.meetings(given.MEETINGS.assign(mode=modes), given.GROUPS, region)
    assert plain(told) == said


def test_without_distances_nothing_is_said_of_them(region):
    unknown = given.MEETINGS.assign(farthest=float("nan"), mode=None)
    assert plain(findings.meetings(unknown, given.GROUPS, region)) == (
        "Не в своём муниципальном образовании занимаются 15 из 50 чел. (30 %)."
    )


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (given.GROUPS[:0], "Ни одной группы не составлено: собираться некому."),
        (
            given.GROUPS.assign(zone=None),
            "Где собираются группы, план не говорит: муниципалитеты людей неизвестны.",
        ),
    ],
)
def test_groups_that_meet_nowhere(region, groups, said):
    assert findings.meetings(given.MEETINGS, groups, region) == said


def test_what_binds_names_families_by_their_names(region):
    told = ["Предметная группа «practical»: людей меньше (11 из 12)", "Нагрузка исчерпана."]
    notes = pd.DataFrame({"sentence": told})
    assert findings.plan_notes(notes, region) == (
        "Предметная группа «Искусство, технология, физическая культура и ОБЖ»: людей меньше "
        "(11 из 12). Нагрузка исчерпана."
    )
    assert findings.plan_notes(notes[:0], region) == (
        "Ни нехватки людей, ни нехватки ведущих план не отметил: почему кто-то без группы, "
        "показывает таблица причин."
    )


@pytest.mark.parametrize(
    ("cost", "less"),
    [
        (0.5, ", минус 0,5 за каждое место на теме, которая участнику не нужна."),
        (1.0, ", минус 1 за каждое место на теме, которая участнику не нужна."),
        (0.0, "."),
    ],
)
def test_the_criterion_is_told_with_the_price_of_the_region(region, cost, less):
    told = findings.plan_criterion(with_settings(region, unneeded_cost=cost))
    assert told == (
        f"Критерий плана — число результатов не выше порога, закрытых темами групп{less}"
    )


@pytest.mark.parametrize(
    ("gap", "words"),
    [(0.0, "0 %"), (1e-7, "0,001 %"), (0.00012, "0,012 %"), (0.0101, "1,1 %"), (0.02, "2,0 %")],
)
def test_a_gap_is_rounded_up_so_that_at_most_stays_true(gap, words):
    assert plain(findings.at_most(gap)) == words
