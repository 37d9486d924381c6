"""Russian numbers, plurals and tables; sentences from measure tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import CHECKOUT

from nmc_utils import findings, wording
from nmc_utils.regions import Level, read_region

THIN, HARD = wording.THIN_SPACE, wording.NO_BREAK_SPACE


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (11515, 0, f"11{THIN}515"),
        (99.267, 1, "99,3"),
        (1234567.891, 2, f"1{THIN}234{THIN}567,89"),
        (-3.25, 1, "−3,3"),
        (100 * 0.405, 0, "41"),
        (100 * 0.305, 0, "31"),
        (100 * 0.285, 0, "29"),
        (-0.04, 1, "0,0"),
        (np.nan, 1, "нет данных"),
    ],
)
def test_numbers(value, digits, text):
    assert wording.number(value, digits) == text


@pytest.mark.parametrize(
    ("count", "word"),
    [(1, "группа"), (2, "группы"), (5, "групп"), (11, "групп"), (21, "группа"), (112, "групп")],
)
def test_plurals(count, word):
    assert wording.plural(count, "группа", "группы", "групп") == f"{count}{HARD}{word}"


def _row(**given):
    empty = {"ci_low": np.nan, "ci_high": np.nan, "status": "ok", "n": 10}
    return empty | given


@pytest.mark.parametrize(
    ("row", "estimate", "interval"),
    [
        (
            _row(measure="level_share", estimate=5 / 11, ci_low=0.2127, ci_high=0.7199),
            f"45,5{HARD}%",
            f"21,3–72,0{HARD}%",
        ),
        (_row(measure="indicator_persons", estimate=99.267), f"99,3{HARD}чел.", "—"),
        (_row(measure="indicator_share", estimate=0.75, variant="published"), f"75{HARD}%", "—"),
        (
            _row(measure="indicator_persons", estimate=300.0, bound="more_than"),
            f"более 300{HARD}чел.",
            "—",
        ),
        (_row(measure="indicator_yes_no", estimate=1.0), "да", "—"),
        (_row(measure="level_share", estimate=np.nan, status="no_data"), "нет данных", "—"),
        (_row(measure="level_share", estimate=np.nan, status="suppressed"), "скрыто", "—"),
    ],
)
def test_estimates_and_intervals(row, estimate, interval):
    assert wording.estimate(row) == estimate
    assert wording.interval(row) == interval


def test_a_readable_table_has_words_for_everything():
    table = pd.DataFrame(
        {
            "name": ["<b>Школа</b>", None],
            "n": pd.array([1200, pd.NA], "Int64"),
            "themes": [["а", "б"], []],
        }
    )
    shown = wording.readable(table, {"name": "Имя", "n": "Число", "themes": "Темы"})
    assert shown.frame["Имя"].tolist() == ["<b>Школа</b>", "—"]
    assert shown.frame["Число"].tolist() == [f"1{THIN}200", "—"]
    assert shown.frame["Темы"].tolist() == ["а; б", ""]
    assert shown.numeric == ["Число"]


def test_a_long_table_of_long_text_is_shown_whole_and_as_text():
    table = pd.DataFrame({"name": ["<img src=x onerror=alert(1)> " + "слово " * 60] * 90})
    shown = wording.readable(table, {"name": "Имя"})
    assert shown._repr_html_().count("&lt;img") == 90 and "<img" not in shown._repr_html_()
    assert shown._repr_html_() == shown._repr_html_()
    assert "…" not in shown._repr_html_() and "..." not in repr(shown)


@pytest.fixture
def region():
    return read_region(CHECKOUT / "data", "khakassia")


def _levels(n=1200, half=0.03, **shares):
    rows = [
        {
            "wave": "entry",
            "domain": domain,
            "municipality": "total",
            "family": "total",
            "level": "at_or_below",
            "measure": "level_share",
            "estimate": share,
            "ci_low": max(share - half, 0),
            "ci_high": share + half,
            "n": n,
            "status": "ok",
        }
        for domain, share in shares.items()
    ]
    return pd.DataFrame(rows)


def test_sentences_on_results_carry_n_and_interval(region):
    table = _levels(total=0.41, upbringing=0.55, ict=0.4)
    text = findings.lowest_level(table, region).replace(HARD, " ").replace(THIN, " ")
    assert text == (
        "С результатом ≤ 60 % — 41 % прошедших входную диагностику (38–44 %, n = 1 200)."
    )
    text = findings.hardest_domain(table, region).replace(HARD, " ")
    assert text.startswith("Результат ≤ 60 % чаще всего в блоке «Воспитание»: 55 % (52–58 %")
    assert text.endswith("трудность блоков не сопоставлялась.")


def test_domains_that_cannot_be_told_apart_are_named_together(region):
    table = _levels(total=0.41, upbringing=0.55, ict=0.5, subject=0.4)
    text = findings.hardest_domain(table, region).replace(HARD, " ")
    assert "в блоках «Воспитание» 55 %, «ИКТ-компетенции» 50 %" in text
    assert "их интервалы перекрываются (52–58 %" in text


def test_nobody_below_the_cut_is_said_without_naming_a_domain(region):
    text = findings.hardest_domain(_levels(total=0.0, upbringing=0.0, ict=0.0), region)
    assert text.startswith("Результат ≤ 60 % не получен ни в одном блоке")


def test_a_plan_without_deficits_covers_no_data_not_nan():
    measures = ["groups", "persons", "without_group", "no_deficit", "not_assessed", "gap"]
    plan = pd.DataFrame({"family": "total", "measure": [f"plan_{m}" for m in measures]})
    plan["estimate"] = [0.0, 0.0, 0.0, 20.0, 3.0, 0.0]
    plan.loc[len(plan)] = ["total", "plan_coverage", np.nan]
    plan["status"] = "ok"
    assert findings.seminar_plan(plan) == "Результатов не выше порога нет: группы не нужны."


def test_who_was_tested_never_speaks_for_the_region():
    coverage = pd.DataFrame(
        {"municipality": ["total"], "measure": ["tested"], "estimate": [1200.0], "n": [11515]}
    ).assign(procedure="p", status="ok")
    procedures = pd.DataFrame({"procedure": ["p", "q"], "selection": ["курсы <b>ДПП</b>", None]})
    text = findings.who_was_tested(coverage, procedures)
    assert f"1{THIN}200{HARD}чел. из 11{THIN}515" in text
    assert "отбор не случайный (курсы <b>ДПП</b>)" in text
    assert "(курсы &lt;b&gt;ДПП&lt;/b&gt;)" in text._repr_html_()
    assert text.endswith("на всех педагогов региона не распространяется.")


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (0.0, "никакой план не лучше этого по принятому критерию: это доказано"),
        (0.001, f"более чем на 0,1{HARD}%"),
        (0.0011, f"более чем на 0,2{HARD}%"),
        (0.00012, f"более чем на 0,012{HARD}%"),
        (0.012, f"более чем на 1,2{HARD}%"),
    ],
)
def test_the_gap_is_told_in_plain_words_and_never_rounded_down_to_nothing(gap, words):
    plan = pd.DataFrame({"family": ["total"], "measure": ["plan_gap"], "estimate": [gap]})
    assert words in findings.optimality(plan)


def test_a_level_is_named_as_the_region_words_it(region):
    level = Level(
        code="high_deficit",
        name="высокий дефицитарный уровень",
        having="с высоким дефицитарным уровнем",
        note="дефицитов больше",
        up_to=0.5,
    )
    levels = (level, region.diagnostics.levels[1])
    diagnostics = region.diagnostics.model_copy(update={"levels": levels, "document": None})
    other = region.model_copy(update={"diagnostics": diagnostics})
    table = _levels(total=0.41, ict=0.5).assign(level="high_deficit")
    assert findings.lowest_level(table, other).replace(HARD, " ").replace(THIN, " ") == (
        "С высоким дефицитарным уровнем (дефицитов больше) — 41 % прошедших входную диагностику "
        "(38–44 %, n = 1 200); порог не установлен документом."
    )
    said = findings.hardest_domain(table, other)
    assert said.startswith("Высокий дефицитарный уровень (дефицитов больше) чаще всего в блоке")


def test_levels_are_told_with_bounds_and_routes_and_never_with_an_invented_one(region):
    shares = _levels(total=0.41)
    above = shares.assign(level="above", estimate=0.59)
    told = findings.levels(pd.concat([above, shares]), region)
    assert told["bounds"].tolist() == [f"не выше 60{HARD}%", f"выше 60{HARD}%"]
    assert told["route"].tolist() == [level.route for level in region.diagnostics.levels]
    free = tuple(level.model_copy(update={"route": None}) for level in region.diagnostics.levels)
    offered = {
        "levels": free,
        "routes": ("стажировка", "ИОМ"),
        "routes_note": "чей, не сказано",
    }
    diagnostics = region.diagnostics.model_copy(update=offered)
    other = region.model_copy(update={"diagnostics": diagnostics})
    assert set(findings.levels(shares, other)["route"]) == {"документом не установлен"}
    assert findings.rules(other).endswith("Маршруты документа: стажировка, ИОМ; чей, не сказано.")
    assert findings.rules(region).endswith("Маршрут назван у каждого уровня.")


def test_a_missing_number_is_told_with_its_reason(region):
    table = _levels(total=0.41).assign(
        estimate=np.nan, ci_low=np.nan, ci_high=np.nan, status="no_data", note="не прислано"
    )
    assert findings.lowest_level(table, region) == (
        "С результатом ≤ 60 %: нет данных (не прислано)."
    )
    plan = pd.DataFrame({"family": ["total"], "measure": ["plan_groups"], "estimate": [np.nan]})
    plan = plan.assign(status="no_data", note="не прислано")
    assert findings.seminar_plan(plan) == "План групп не составлен: не прислано."


def test_the_mark_of_an_incomplete_edition_says_both():
    reporting = pd.DataFrame({"is_reported": [True, True, False, True]})
    reporting["not_sent"] = [(), ("scores",), ("scores", "staff"), ()]
    assert wording.mark("Демонстрация", reporting) == (
        "Демонстрация. Данные представили 3 из 4 муниципальных образований, "
        "таблицу «Результаты» — 2"
    )
    others = reporting[reporting["is_reported"]]
    assert wording.incomplete(others) == (
        "Прислали таблицу «Результаты» — 2 из 3 муниципальных образований"
    )
    reporting["not_sent"] = [()] * 4
    assert wording.mark("", reporting[reporting["is_reported"]]) == ""


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"measure": "indicator_share", "target": 0.2, "target_year": 2023}, "≥ 20 %, 2023"),
        ({"measure": "indicator_share", "target": 1.0, "target_year": pd.NA}, "≥ 100 %, без срока"),
        ({"measure": "indicator_yes_no", "target": 1.0, "target_year": 2024}, "да, 2024"),
        ({"measure": "indicator_count", "target": np.nan, "target_year": pd.NA}, "—"),
    ],
)
def test_a_target_is_written_with_direction_and_year(target, words):
    assert wording.target({"comparator": ">="} | target).replace(HARD, " ") == words


@pytest.mark.parametrize(
    ("share", "digits", "written"),
    [
        (441 / 443, 0, "99,5 %"),
        (0.9999, 0, "более 99,9 %"),
        (0.9997, 1, "более 99,9 %"),
        (0.0004, 0, "менее 0,1 %"),
        (0.004, 0, "0,4 %"),
        (0.994, 0, "99 %"),
        (0.0, 0, "0 %"),
        (1.0, 0, "100 %"),
        (1.0, 1, "100,0 %"),
        (0.1 + 0.2 + 0.7 - 1e-16, 0, "100 %"),
    ],
)
def test_nought_and_a_hundred_per_cent_are_written_only_of_nobody_and_everybody(
    share, digits, written
):
    assert wording.percent(share, digits).replace("\u00a0", " ") == written


def test_the_ends_of_an_interval_are_written_by_the_same_rule():
    def told(*ends):
        return wording.percent_interval(*ends).replace("\u00a0", " ")

    assert told(0.21, 0.72) == "21–72 %" and told(0, 1) == "0–100 %"
    assert told(0.9838, 0.9988) == "98,4–99,9 %", "as many decimals at both ends"
    assert told(0.988, 0.9999) == "98,80–99,99 %"
    assert told(0.0002, 0.05) == "0,02–5,00 %" and told(0, 0.0004) == "0,00–0,04 %"
    assert told(1e-17, 0.3) == "0–30 %" and told(0.9, 1 - 1e-16) == "90–100 %"


def test_what_begins_with_a_bound_is_still_a_number_of_a_column():
    frame = pd.DataFrame(
        {"Доля": ["более 99,9 %", "от менее 0,1 до 5 %", "—"], "Имя": ["менее", "1", "2"]}
    )
    assert wording.Readable(frame).numeric == ["Доля"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2023-12-31", "31 декабря 2023 года"),
        ("2023", "2023 год"),
        ("2021-2023, 2023", "2021–2023 годы, 2023 год"),
        ("2022/2023", "2022/2023 учебный год"),
        ("ежегодно", "ежегодно"),
    ],
)
def test_what_a_number_is_dated_by_stands_in_words(text, said):
    assert wording.dated(text) == said
