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
from nmc_utils.regions import Region, read_region
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
        "(21,2–26,1, n = 1 200)."
    )


def test_an_interval_that_is_unknown_is_said_so(region):
    rows = table(one("false_deficit_share", 0.234, np.nan, np.nan, 90, **LOWEST))
    assert "(без интервала, n = 90)" in plain(findings.false_deficits(rows, region))


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
        "результатами — различия людей, остальное — погрешность; по компетенциям — от 0,66 "
        "до 0,71. Источник: расчёт."
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


def test_borderline_results_are_for_an_interview(region):
    rows = table(one("borderline_share", 0.29, 0.27, 0.33, 1000, **LOWEST | {"level": "total"}))
    said = plain(findings.borderline(rows, region))
    assert said.startswith("Пограничных результатов — 29 % (27–33 %, n = 1 000)")
    assert "от 0,2 до 0,8" in said
    assert said.endswith("уточнить в собеседовании с методистом.")
    short = unknown(rows, "too_few_items", None)
    assert findings.borderline(short, region) == "Пограничные результаты: мало заданий."


# --- profiles and items -------------------------------------------------------------------------


def _adds(**values: float) -> pd.DataFrame:
    rows = [
        one("adds_value", value, np.nan, np.nan, 1200, **ENTRY, domain=domain)
        for domain, value in values.items()
    ]
    return table(*rows)


def test_no_structure_is_an_answer(region):
    said = plain(findings.profile(_adds(ict=0.0, subject=0.0), region))
    assert said.startswith("Профиль не различается, различается общий уровень")
    assert said.endswith("(n = 1 200).")


def test_competences_that_add_value_are_named_in_the_order_of_the_region(region):
    said = plain(findings.profile(_adds(ict=1.0, methodical=0.0, subject=1.0), region))
    assert said == (
        "Отдельно от общего уровня различаются: «Предметные», «ИКТ»; в остальных различается "
        "общий уровень (n = 1 200)."
    )
    assert "в остальных" not in findings.profile(_adds(ict=1.0, subject=1.0), region)


def test_a_profile_that_was_not_assessed_says_why(region):
    rows = unknown(_adds(ict=1.0), "not_assessed", "надёжность неизвестна")
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
            "is_drifting": [False, True, None],
        }
    )
    assert plain(findings.drift(rows)) == "Сместились 1 из 2 проверок: i-2 (форма A)."
    assert plain(findings.drift(rows[:1])) == (
        "Ни одно общее задание не сместилось: из 1 проверки ни одной."
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
    )


def test_change_is_told_with_what_a_retest_alone_brings(region, change):
    assert plain(findings.net_change(change, region)) == (
        "Изменение сверх ожидаемого при повторном тестировании — +5,0 п.п. (+4,6…+5,5 п.п., "
        "n = 1 056): наблюдалось +4,8, при одном повторном тестировании ожидалось −0,2 п.п."
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


def test_reliable_change_stands_beside_what_chance_gives(region, change):
    assert plain(findings.reliable_change(change, region)) == (
        "Надёжный рост — у 12,7 % (10,8–14,8 %), надёжное снижение — у 0,7 % (0,3–1,4 %), "
        "n = 1 056; если бы ничего не изменилось, ожидалось бы по 2,5 %."
    )


def test_attrition_is_of_those_tested_at_entry(region, change):
    assert plain(findings.attrition(change, region)) == (
        "На выходную диагностику не пришли 12 % прошедших входную (10–14 %, n = 1 200): "
        "изменение относится только к пришедшим."
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


def test_moves_across_the_cut_stand_beside_those_of_a_retest(region):
    assert plain(findings.moved(move_rows(), region)) == (
        "Выше порога 60 % перешли 36 % из не превысивших его на входе (31–41 %, n = 360), при "
        "одном повторном тестировании ожидалось 16 %; не выше порога оказались 2 % из "
        "превысивших его на входе (1–3 %, n = 696), при одном повторном тестировании "
        "ожидалось 9 %."
    )
    assert "нет сопоставимых результатов" in findings.moved(move_rows()[:0], region)


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
            "p_adjusted": [0.001, 0.9, 0.2],
        }
    )
    assert plain(findings.bias(rows)) == (
        "При равных результатах заметно труднее для одной из групп: по стажу — 1 из 2 заданий: q1; "
        "по виду муниципального образования — 0 из 1 задания. Это повод перечитать задание, а не "
        "вывод о людях."
    )
    assert "не сравнивались" in findings.bias(rows.assign(delta=np.nan))


def test_unusual_answers_are_a_check_of_data():
    rows = table(
        one("unusual_share", 0.041, 0.03, 0.05, 300, domain="ict"),
        one("unusual_share", 0.062, 0.05, 0.07, 200, domain="subject"),
    )
    assert plain(findings.unusual(rows)).startswith(
        "Необычных наборов ответов — от 4,1 % до 6,2 % по компетенциям и этапам (n до 300)"
    )
    assert "не искались" in findings.unusual(rows.iloc[:0])
