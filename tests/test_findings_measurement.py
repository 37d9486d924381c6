"""Sentences on certainty and change: the numbers, the reasons, and what is never said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import CHECKOUT
from test_figures import measure_rows

from nmc_utils import findings, wording
from nmc_utils.measures.entry_exit import NOT_LINKED
from nmc_utils.measures.intervals import funnel
from nmc_utils.regions import Region, Retest, read_region
from nmc_utils.terms import WORST

ENTRY = {"procedure": "p", "wave": "entry"}
LOWEST = ENTRY | {"domain": "total", "level": "at_or_below"}


@pytest.fixture(scope="module")
def region() -> Region:
    return read_region(CHECKOUT / "data", "khakassia")


@pytest.fixture(scope="module")
def by_competence(region: Region) -> Region:
    """The same region, with a cut of each competence."""
    diagnostics = region.diagnostics.model_copy(update={"cut_basis": "domain"})
    return region.model_copy(update={"diagnostics": diagnostics})


@pytest.fixture(scope="module")
def retested(region: Region) -> Region:
    """The same region, where the correlation of two testings is known."""
    retest = Retest(domain="total", correlation=0.8, source="отчёт")
    diagnostics = region.diagnostics.model_copy(update={"retests": (retest,)})
    return region.model_copy(update={"diagnostics": diagnostics})


def plain(text: str) -> str:
    return text.replace(wording.NO_BREAK_SPACE, " ").replace(wording.THIN_SPACE, " ")


def one(measure: str, estimate: float, low: float, high: float, n: int, **keys: Any) -> dict:
    bounds = {"estimate": estimate, "ci_low": low, "ci_high": high, "n": n, "note": None}
    return {"measure": measure} | bounds | keys


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    return measure_rows("", list(rows))


def unknown(frame: pd.DataFrame, status: str, note: str | None) -> pd.DataFrame:
    return frame.assign(estimate=np.nan, ci_low=np.nan, ci_high=np.nan, status=status, note=note)


# --- certainty ----------------------------------------------------------------------------------


def test_false_deficits_are_told_of_a_hundred(region):
    rows = table(one("false_deficit_share", 0.234, 0.212, 0.261, 1200, **LOWEST))
    assert plain(findings.false_deficits(rows, region)) == (
        "Из 100 педагогов с результатом ≤ 60 % примерно 23 на самом деле выше порога "
        "(21,2–26,1, n = 1 200 с результатом ≤ 60 %)."
    )


def test_what_the_interval_of_false_deficits_leaves_out_is_told(region):
    rows = table(one("false_deficit_share", 0.234, 0.212, 0.261, 485, **LOWEST))
    note = "без погрешности надёжности: она сообщена одним числом"
    said = plain(findings.false_deficits(rows.assign(note=note), region))
    assert said.endswith(f"(21,2–26,1, n = 485 с результатом ≤ 60 %); {note}.")


def test_an_interval_that_is_unknown_is_said_so(region):
    rows = table(one("false_deficit_share", 0.234, np.nan, np.nan, 90, **LOWEST))
    said = plain(findings.false_deficits(rows, region))
    assert "(без интервала, n = 90 с результатом ≤ 60 %)" in said
    why = "без интервала: к части результатов модель не подбирается"
    told = plain(findings.false_deficits(rows.assign(note=why), region))
    assert told.endswith(f"(n = 90 с результатом ≤ 60 %); {why}.")


def test_false_deficits_that_were_not_assessed_say_why(region):
    known = table(one("false_deficit_share", 0.2, 0.1, 0.3, 90, **LOWEST))
    rows = unknown(known, "not_assessed", "форму прошли 12 чел.")
    assert findings.false_deficits(rows, region) == (
        "Сколько из 100 педагогов с результатом ≤ 60 % на самом деле выше порога: "
        "не оценивалось: форму прошли 12 чел."
    )
    assert findings.false_deficits(known[:0], region).endswith("выше порога: нет данных.")


def test_where_the_cut_is_of_a_competence_the_whole_test_is_named(by_competence):
    rows = table(one("false_deficit_share", 0.2, 0.1, 0.3, 90, **LOWEST))
    said = findings.false_deficits(rows, by_competence)
    assert said.startswith("Весь тест: из 100 педагогов с результатом ≤ 60 % примерно 20 на самом")


def test_two_procedures_are_never_told_as_one(region):
    row = one("false_deficit_share", 0.2, 0.1, 0.3, 90, **LOWEST)
    with pytest.raises(ValueError, match="one row is told, the table has 2"):
        findings.false_deficits(table(row, row | {"procedure": "q"}), region)


def test_reliability_is_told_in_plain_words_with_the_range_of_the_competences(region):
    rows = table(
        one("reliability", 0.904, 0.87, 0.93, 1200, **ENTRY, domain="total"),
        one("reliability", 0.71, 0.6, 0.8, 1200, **ENTRY, domain="ict"),
        one("reliability", 0.66, 0.6, 0.8, 1200, **ENTRY, domain="subject"),
        one("reliability", 0.11, 0.1, 0.2, 1200, procedure="p", wave="exit", domain="subject"),
    ).assign(source="расчёт")
    assert plain(findings.reliability(rows, region)) == (
        "Надёжность результата всего теста — 0,90 (0,87–0,93, n = 1 200): 90 % различий между "
        "результатами на этой форме в этот день — различия людей, остальное — "
        "погрешность; по компетенциям — от 0,66 до 0,71. Источник: расчёт."
    )


def test_reliability_without_an_interval_and_without_competences(region):
    rows = table(one("reliability", 0.89, np.nan, np.nan, 40, **ENTRY, domain="total"))
    said = plain(findings.reliability(rows.assign(source="отчёт"), region))
    assert "0,89 (n = 40)" in said and "компетенциям" not in said
    lacking = unknown(rows, "not_assessed", "ответов нет").assign(source=None)
    assert findings.reliability(lacking, region) == (
        "Надёжность результата: не оценивалось: ответов нет."
    )


def test_both_shares_stand_side_by_side_and_are_not_merged(region):
    whole = {"municipality": "total", "family": "total"}
    ruled = table(
        one("level_share", 0.45, 0.42, 0.48, 1000, **LOWEST, **whole),
        one("level_share", 0.1, 0.05, 0.2, 15, **LOWEST | whole | {"municipality": "sorsk"}),
    )
    counted = table(one("true_level_share", 0.4, 0.38, 0.42, 960, **LOWEST))
    assert plain(findings.both_shares(ruled, counted, region)) == (
        "С результатом ≤ 60 % — 45 % по правилу документа (42–48 %, n = 1 000) и 40 % с учётом "
        "погрешности (38–42 %, n = 960): первый интервал — повторение такой же процедуры, "
        "второй — погрешность измерения."
    )
    part = counted.assign(note="без 40 чел.")
    assert findings.both_shares(ruled, part, region).endswith("измерения; без 40 чел.")
    silent = unknown(counted, "not_assessed", "надёжности нет")
    assert plain(findings.both_shares(ruled, silent, region)).endswith(
        "с учётом погрешности: не оценивалось: надёжности нет."
    )


def test_without_a_document_nothing_is_told_of_its_rule(region):
    diagnostics = region.diagnostics.model_copy(update={"document": None, "section": None})
    configured = region.model_copy(update={"diagnostics": diagnostics})
    assert region.rule_words == "по правилу документа"
    ruled = table(
        one("level_share", 0.45, 0.4, 0.5, 90, **LOWEST, municipality="total", family="total")
    )
    counted = table(one("true_level_share", 0.4, 0.38, 0.42, 90, **LOWEST))
    said = plain(findings.both_shares(ruled, counted, configured))
    assert said.startswith("С результатом ≤ 60 % — 45 % по заданному порогу (40–50 %, n = 90)")
    assert "правил" not in said
    assert said.endswith("порог не установлен документом.")


def test_borderline_results_are_for_an_interview(region):
    rows = table(one("borderline_share", 0.29, 0.27, 0.33, 1000, **LOWEST | {"level": "total"}))
    said = plain(findings.borderline(rows, region))
    assert said.startswith("Пограничных результатов — 29 % (27–33 %, n = 1 000)")
    assert "от 0,2 до 0,8" in said
    assert said.endswith("уточнить в собеседовании с методистом.")
    short = unknown(rows, "too_few_items", None)
    assert findings.borderline(short, region) == "Пограничные результаты: мало заданий."


# --- profiles and items -------------------------------------------------------------------------


def added(**values: float) -> pd.DataFrame:
    """What each competence adds, ±0.02."""
    rows = [
        one("value_added", value, value - 0.02, value + 0.02, 1200, **ENTRY, domain=domain)
        for domain, value in values.items()
    ]
    return table(*rows)


def test_no_structure_is_an_answer(region):
    said = plain(findings.profile(added(ict=-0.1, subject=-0.05), region))
    assert said.startswith("Профиль не различается, различается общий уровень")
    assert said.endswith("(n = 1 200).")


def test_competences_that_add_value_are_named_in_the_order_of_the_region(region):
    said = plain(findings.profile(added(ict=0.05, methodical=-0.03, subject=0.03), region))
    assert said == (
        "Отдельно от общего уровня различаются: «Предметные», «ИКТ»; в остальных различается "
        "общий уровень (n = 1 200)."
    )
    assert "в остальных" not in findings.profile(added(ict=0.05, subject=0.03), region)


def test_what_an_interval_leaves_open_is_not_claimed(region):
    said = plain(findings.profile(added(ict=0.05, methodical=0.009, subject=-0.1), region))
    assert said == (
        "Отдельно от общего уровня различаются: «ИКТ»; не установлено, различаются ли отдельно "
        "от общего уровня: «Методические»; в остальных различается общий уровень (n = 1 200)."
    )
    unsure = plain(findings.profile(added(ict=0.009, subject=-0.009), region))
    assert unsure == (
        "Не установлено, различаются ли отдельно от общего уровня: «Предметные», «ИКТ» (n = 1 200)."
    )
    without = added(ict=0.5).assign(ci_low=np.nan, ci_high=np.nan)
    assert findings.profile(without, region).startswith("Не установлено")
    older = added(ict=0.5).assign(measure="adds_value")
    assert "в этом прогоне не оценивалось" in findings.profile(older, region)


def test_a_profile_that_was_not_assessed_says_why(region):
    rows = unknown(added(ict=0.1), "not_assessed", "надёжность неизвестна")
    assert findings.profile(rows, region).endswith("не оценивалось: надёжность неизвестна.")
    assert "результатов по компетенциям нет" in findings.profile(rows[:0], region)


ITEMS = pd.DataFrame(
    {
        "procedure": "p",
        "wave": "entry",
        "domain": ["ict", "ict", "subject", "subject"],
        "item": ["i-1", "i-2", "s-1", "s-2"],
        "b": [0.1, -0.4, 1.2, np.nan],
        "p_adjusted": [0.5, 0.03, np.nan, np.nan],
        "note": [None, None, None, "все ответили одинаково"],
    }
)


def test_forms_that_are_not_linked_are_not_comparable(region):
    linked = pd.DataFrame({"wave": ["entry", "exit"], "domain": ["ict", "subject"]})
    linked["status"] = "ok"
    assert findings.scales(linked, ITEMS, region) == (
        "«ИКТ»: формы связаны общими заданиями, результаты приведены к общему банку; "
        "«Предметные»: общих заданий у форм нет, проценты разных форм несопоставимы."
    )
    assert findings.scales(linked[:0], ITEMS[:0], region).endswith("форм несопоставимы.")


def test_items_are_counted_and_those_without_parameters_explained():
    assert plain(findings.items(ITEMS)) == (
        "Откалибровано 3 задания из 4; расходятся с моделью 1 из 2 (поправка на число "
        "проверок, 5 %); без параметров 1 задание: все ответили одинаково."
    )


def test_anchors_that_moved_are_named_with_their_form():
    rows = pd.DataFrame(
        {
            "form": ["A", "A", "B"],
            "item": ["i-1", "i-2", None],
            "b_drift": [0.1, 0.9, np.nan],
            "b_drift_se": [0.2, 0.3, np.nan],
            "is_drifting": [False, True, None],
        }
    )
    assert plain(findings.drift(rows)) == (
        "Смещение общих заданий обнаружено в 1 из 2 проверок: i-2 (форма A); смещение меньше "
        "примерно 0,7 логита при этих n не видно."
    )
    assert plain(findings.drift(rows[:1])) == (
        "Смещений общих заданий не обнаружено ни в одной из 1 проверки; смещение меньше "
        "примерно 0,6 логита при этих n не видно."
    )
    assert "не проверялось" in findings.drift(rows[2:])


# --- change -------------------------------------------------------------------------------------


@pytest.fixture
def change() -> pd.DataFrame:
    keys = {"procedure": "p", "domain": "total"}
    return table(
        one("observed_change", 0.0484, 0.044, 0.053, 1056, **keys),
        one("expected_change", -0.0019, -0.002, -0.001, 1056, **keys),
        one("net_change", 0.0503, 0.046, 0.0546, 1056, **keys),
        one("reliable_rise_share", 0.127, 0.108, 0.148, 1056, **keys),
        one("reliable_fall_share", 0.0066, 0.003, 0.014, 1056, **keys),
        one("attrition_share", 0.12, 0.103, 0.14, 1200, **keys),
        one("attrition_low_share", 0.26, 0.22, 0.3, 485, **keys),
        one("attrition_high_share", 0.027, 0.016, 0.042, 715, **keys),
        one("attrition_difference", 0.212, 0.19, 0.235, 1200, **keys),
    )


def test_change_is_told_with_what_a_retest_alone_brings(region, change):
    assert plain(findings.net_change(change, region)) == (
        "Изменение сверх ожидаемого при повторном тестировании — +5,0 п.п. (+4,6…+5,5 п.п., "
        "n = 1 056): наблюдалось +4,8, при одном повторном тестировании ожидалось −0,2 п.п. "
        "(пришли те, кто на входе показал в среднем выше; при повторе это отчасти уходит)."
    )


def test_change_within_its_interval_of_nothing_is_said_so(region, change):
    flat = change.assign(ci_low=-0.01, ci_high=0.06)
    assert "(−1,0…+6,0 п.п., n = 1 056); интервал включает нуль" in plain(
        findings.net_change(flat, region)
    )
    assert "нуль" not in findings.net_change(change, region)


def test_forms_that_cannot_be_linked_give_no_change(region, change):
    rows = unknown(change, "not_assessed", NOT_LINKED)
    for tell in (findings.net_change, findings.reliable_change, findings.attrition):
        said = tell(rows, region)
        assert "несопоставимо" in said
        assert not any(character.isdigit() for character in said)


def test_who_is_left_out_of_a_change_is_named(region, change):
    part = change.assign(note="без форм, которые не оценивались: 2")
    assert findings.net_change(part, region).endswith("; без форм, которые не оценивались: 2.")


def test_change_of_a_competence_names_it(region, change):
    said = findings.net_change(change.assign(domain="ict"), region, domain="ict")
    assert said.startswith("«ИКТ»: изменение сверх ожидаемого")


def test_reliable_change_stands_beside_what_chance_gives(retested, change):
    assert plain(findings.reliable_change(change, retested)) == (
        "Надёжный рост — у 12,7 % (10,8–14,8 %), надёжное снижение — у 0,7 % (0,3–1,4 %), "
        "n = 1 056; если бы ничего не изменилось, ожидалось бы по 2,5 %."
    )


def test_without_a_retest_chance_gives_no_less_as_another_day_is_not_counted(region, change):
    assert region.diagnostics.retest_of("total") is None
    assert plain(findings.reliable_change(change, region)).endswith(
        "если бы ничего не изменилось, ожидалось бы не меньше 2,5 % каждого: погрешность дня "
        "не учтена."
    )
    told = plain(findings.moved(move_rows(), region))
    assert told.count("ожидалось не меньше") == 2
    assert told.endswith("(погрешность дня не учтена).")


def test_attrition_is_of_those_tested_at_entry(region, change):
    assert plain(findings.attrition(change, region)) == (
        "На выходную диагностику не пришли 12 % прошедших входную (10–14 %, n = 1 200): "
        "26 % из не превысивших порог на входе (22–30 %, n = 485) и 3 % из превысивших "
        "(2–4 %, n = 715); результат пришедших на входе выше в среднем на 21,2 п.п. "
        "(+19,0…+23,5 п.п.). Изменение относится только к пришедшим."
    )


def move_rows(level: str = "at_or_below") -> pd.DataFrame:
    keys = {"procedure": "p", "domain": "total", "level": level}
    up = {"from_level": "at_or_below", "to_level": "above"}
    down = {"from_level": "above", "to_level": "at_or_below"}
    return table(
        one("migration_share", 0.36, 0.31, 0.41, 360, **keys, **up),
        one("migration_expected_share", 0.16, np.nan, np.nan, 360, **keys, **up),
        one("migration_share", 0.02, 0.01, 0.03, 696, **keys, **down),
        one("migration_expected_share", 0.09, np.nan, np.nan, 696, **keys, **down),
    )


def test_moves_across_the_cut_stand_beside_those_of_a_retest(retested):
    assert plain(findings.moved(move_rows(), retested)) == (
        "Выше порога 60 % перешли 36 % из не превысивших его на входе (31–41 %, n = 360), при "
        "одном повторном тестировании ожидалось 16 %; не выше порога оказались 2 % из "
        "превысивших его на входе (1–3 %, n = 696), при одном повторном тестировании "
        "ожидалось 9 %."
    )
    assert "нет сопоставимых результатов" in findings.moved(move_rows()[:0], retested)


def test_where_all_were_at_or_below_only_their_moves_are_told(region):
    rows = move_rows()
    said = findings.moved(rows[rows["from_level"] == "at_or_below"], region)
    assert "не выше порога оказались" not in said and "перешли 36" in said


def test_the_lowest_competence_of_a_person_has_no_change_of_its_own(by_competence, change):
    rows = pd.concat([change, change.assign(domain=WORST, estimate=0.9)])
    assert findings.net_change(rows, by_competence).startswith("Весь тест: изменение сверх")


def test_no_sentence_speaks_of_a_cause(region, change):
    said = [
        findings.net_change(change, region),
        findings.reliable_change(change, region),
        findings.attrition(change, region),
        findings.moved(move_rows(), region),
    ]
    for word in ("благодаря", "повысил", "привел", "привёл", "в результате", "эффект", "обучени"):
        assert not any(word in text for text in said), word


# --- how such numbers are written ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("measure", "values", "estimate", "interval"),
    [
        ("net_change", (0.0503, 0.046, 0.0546), "+5,0 п.п.", "+4,6…+5,5 п.п."),
        ("net_change", (-0.012, -0.02, 0.004), "−1,2 п.п.", "−2,0…+0,4 п.п."),
        ("net_change", (0.0, -0.0001, 0.0001), "0,0 п.п.", "0,0…0,0 п.п."),
        ("reliability", (0.904, 0.87, 0.934), "0,90", "0,87–0,93"),
    ],
)
def test_changes_have_a_sign_and_reliabilities_two_digits(measure, values, estimate, interval):
    row = table(one(measure, *values, 100)).iloc[0]
    assert plain(wording.estimate(row)) == estimate
    assert plain(wording.interval(row)) == interval


def test_a_table_for_a_reader_names_the_measure_in_words():
    shown = wording.readable(table(one("kappa", 0.7, 0.6, 0.8, 9)), {"measure": "Мера"})
    assert shown.frame["Мера"].tolist() == ["каппа двух параллельных форм"]


def test_items_that_are_harder_for_a_group_are_counted_not_people():
    rows = pd.DataFrame(
        {
            "grouping": ["experience"] * 2 + ["municipality_kind"],
            "item": ["q1", "q2", "q1"],
            "delta": [2.0, 0.1, -2.0],
            "category": ["C", "A", "C"],
            "easier_for": ["стаж от 10 лет", None, "город"],
            "p_adjusted": [0.001, 0.9, 0.2],
        }
    )
    assert plain(findings.bias(rows)) == (
        "Найдено заданий, заметно более трудных для одной из двух групп людей с равными "
        "результатами: по стажу — 1 из 2 (легче для группы «стаж от 10 лет» — q1); по виду "
        "муниципального образования — 0 из 1. Меньших различий эта проверка могла не увидеть. "
        "Найденное — повод перечитать задание, а не вывод о людях."
    )
    assert "не сравнивались" in findings.bias(rows.assign(delta=np.nan))


def test_places_that_differ_are_named_in_the_official_order_and_none_is_first(region):
    counts = pd.Series({"sorsk": 180, "abakan": 300, "beysky": 290, "shirinsky": 310, "abaza": 295})
    compared = funnel(counts, pd.Series(1000, counts.index).where(counts > 200, 200))
    said = plain(findings.outliers(compared.assign(n=500), region))
    assert said.startswith(
        "С поправкой на число сравнений отличия от регионального значения 33 % обнаружены у 1 из 5 "
        "муниципалитетов: Сорск (90 %, n = 500). Порядок официальный"
    )
    both = compared.assign(n=500, is_outlier=compared.index.isin(["sorsk", "abakan"]))
    named = findings.outliers(both, region)
    assert named.index("Абакан") < named.index("Сорск")


def test_places_that_were_not_found_to_differ_are_not_called_equal(region):
    counts = pd.Series({"sorsk": 20, "abakan": 21, "beysky": 19})
    compared = funnel(counts, pd.Series(50, counts.index)).assign(n=50)
    assert plain(findings.outliers(compared, region)) == (
        "С поправкой на число сравнений отличий от регионального значения 40 % не обнаружено ни у "
        "одного из 3 муниципалитетов; малые отличия при этих n не видны."
    )
    assert "не сравнивались" in findings.outliers(compared[:0], region)


def test_unusual_answers_are_a_check_of_data():
    rows = table(
        one("unusual_share", 0.041, 0.03, 0.05, 300, domain="ict"),
        one("unusual_share", 0.062, 0.051, 0.07, 200, domain="subject"),
    )
    assert plain(findings.unusual(rows)) == (
        "Необычных наборов ответов — от 4,1 % до 6,2 % по компетенциям и этапам (n до 300); когда "
        "все отвечают всерьёз, их около 5 %: интервал выше 5 % у 1 из 2. Это проверка данных, а не "
        "людей."
    )
    assert "не искались" in findings.unusual(rows.iloc[:0])
