"""The app where a region has not sent everything: reasons in place of charts, honest totals."""

# ruff: noqa: F811  (fixtures come from dashboard_pages)
from __future__ import annotations

import re

import holoviews as hv
import pandas as pd
import panel as pn
import pytest
from dashboard_pages import (  # noqa: F401  fixtures
    EDITIONS,
    VIEWS,
    altered,
    editions,
    of_edition,
    planned,
    said,
    state,
    text,
    totals,
)

from dashboards import changes, passports, shell
from dashboards.pages import diagnostics, groups, indicators, overview
from dashboards.store import PAGES, Published, State, same_places
from nmc_utils import wording

# --- what a region has not sent -----------------------------------------------------------------


def cards(view: pn.viewable.Viewable) -> dict[str, str]:
    """Title of each card that gives a reason → the reason."""
    found = [re.search(r"<h2>(.*?)</h2>.*?<p class=\"reason\">(.*?)</p>", pane.object, re.S)
             for pane in view.select(pn.pane.HTML)]  # fmt: skip
    return {match[1]: text(match[2]) for match in found if match}


@pytest.mark.parametrize("key", EDITIONS)
@pytest.mark.parametrize("page", PAGES)
def test_no_page_has_an_empty_chart(editions, key, page):
    view = VIEWS[page](of_edition(editions, key))
    for pane in view.select(pn.pane.HoloViews):
        assert not all(isinstance(layer, hv.Labels) for layer in pane.object)
    assert all(len(reason) > 20 for reason in cards(view).values())


TOTALS_ONLY = "результаты присланы только по тесту в целом, без компетенций"


def test_without_results_by_competence_the_plan_says_whom_it_leaves_out(totals):
    page = groups.view(totals)
    assert f"План групп не составлен: {TOTALS_ONLY}." in said(page)
    assert "Педагоги, которых план не охватывает 576 чел. из 576 прошедших" in said(page)
    assert cards(page) == {"Группы и темы": f"{TOTALS_ONLY.capitalize()}."}
    assert "Группы со схожими дефицитами не составлены " + TOTALS_ONLY in said(
        overview.view(totals)
    )


def test_people_known_by_their_number_alone_are_left_out_of_the_plan_all(totals):
    now = totals.current
    plan = now.table("seminar_plan").assign(n=0, procedure="fioko-2022", note="числа")
    plan.loc[plan["measure"] == "plan_not_assessed", "estimate"] = 0.0
    empty = now.table("seminar_members").head(0)
    page = groups._without_plan(altered(now, seminar_plan=plan, seminar_members=empty), plan)
    assert "план не охватывает 309 чел. из 309 прошедших" in said(page)
    reason = "Процедура прислана сводными числами, без результатов людей."
    assert cards(page)["Кто остаётся без группы и почему"] == reason


def test_groups_without_leaders_name_the_missing_table(planned):
    assert "Группы без ведущих: нет таблицы «РМА»." in said(groups.view(planned))
    assert "не назначен" not in said(groups.view(planned))


def test_targets_without_values_are_shown_and_the_chart_says_why_there_is_none(planned):
    now = planned.current
    stated = now.table("indicators").query("basis == 'published'")
    nobody = now.table("indicators_of_persons").head(0)
    only = State([altered(now, indicators=stated, indicators_of_persons=nobody)])
    page = indicators.view(only)
    reason = next(reason for reason in cards(page).values() if "показателя" in reason)
    assert reason.startswith("Значений за этот период нет ни у одного показателя: известны только")
    words = said(page)
    assert "≥ 100 %, без срока" in words and "≥ 30 %, 2024" in words
    assert "≥ 100 %, без срока" in said(overview.view(only))


def test_a_passport_of_a_target_without_a_date_says_so(planned):
    entry = next(e for e in planned.current.region.indicators if e.id == "mgmt_iom_share")
    assert passports._targets(planned.current, entry).startswith("без срока: 5\u00a0% (")


def test_a_passport_without_a_target_has_nothing_to_compare_with(totals):
    entry = next(e for e in totals.current.region.indicators if e.id == "dpp_total")
    rows = totals.current.table("indicators").query("indicator == 'dpp_total'")
    html = text(passports._passport(totals.current, entry, rows))
    assert "Сравнение с планом плана нет" in html
    assert "Плановые значения не установлены" in html


def test_a_value_without_a_year_is_told_with_its_status(totals):
    assert "год значения в документе не указан" in said(indicators.view(totals))


@pytest.mark.parametrize(
    ("basis", "words"),
    [
        ("published", "всего"),
        ("recorded", "всего, по записям"),
        ("aggregate", "всего, по сводным числам"),
    ],
)
def test_a_variant_names_what_it_rests_on(basis, words):
    assert passports.variant({"variant_label": "всего", "basis": basis}) == words


# --- levels and procedures ----------------------------------------------------------------------


def test_three_levels_stand_with_bounds_shares_and_the_source_of_their_cuts(totals):
    page = diagnostics.view(totals)
    html = next(p.object for p in page.select(pn.pane.HTML) if "swatch" in p.object)
    words = text(html)
    for row in (
        r"Высокий дефицитарный уровень \(дефицитов больше\) не выше 50 % 44,3 %",
        r"Средний дефицитарный уровень выше 50 %, не выше 75 % \d\d,\d %",
        r"Низкий дефицитарный уровень выше 75 % \d\d,\d %",
    ):
        assert re.search(row, words)
    assert "Порог не установлен документом" in words
    assert "Маршруты документа: ИОМ, " in words and "в документе не установлено" in words
    for colour in re.findall(r"background:#(\w{6})", html):
        red, green, blue = (int(colour[at : at + 2], 16) for at in (0, 2, 4))
        assert green <= max(red, blue), "the colour of a level is green"


def test_levels_that_lead_to_a_route_name_it(state):
    words = said(diagnostics.view(state))
    assert re.search(r"Результат ≤ 60 % не выше 60 % 40,4 % \S+ % 1 200 ИОМ восполнения", words)
    assert "Порог: Мониторинг" in words


def test_another_level_changes_titles_and_comes_into_the_address(totals):
    page = diagnostics.view(totals)
    totals.select("level", "low_deficit")
    assert "Низкий дефицитарный уровень по региону: " in said(page)
    assert totals.address()["level"] == "low_deficit"
    totals.select("level", "high_deficit")
    assert "level" not in totals.address()


def test_a_procedure_is_chosen_by_its_organiser_and_kept_in_the_address(totals):
    assert totals.current.procedures == {
        "diag-2022": "ЦНППМ ОГБОУ ДПО «КОИРО»",
        "fioko-2022": "ФГБУ «ФИОКО»",
    }
    page = diagnostics.view(totals)
    assert "Диагностику прошли 576 из 7 140 чел." in said(page)
    totals.wave = "exit"
    totals.select("procedure", "fioko-2022")
    assert totals.address()["procedure"] == "fioko-2022"
    assert totals.wave == "entry", "the procedure was sent of the entry alone"
    words = said(page)
    assert "Диагностику прошли 309 из 7 140 чел." in words
    reason = "Процедура прислана сводными числами, без результатов людей."
    assert list(cards(page).values()) == [reason] * 6


def test_groups_of_another_procedure_than_the_largest_name_it(totals, planned):
    plan = planned.current.table("seminar_plan").assign(procedure="fioko-2022")
    tables = {"seminar_plan": plan, "seminar_groups": planned.current.table("seminar_groups")}
    now = altered(totals.current, **tables)
    assert overview._groups(now)[1:] == ("27", "343\u00a0чел. в группах. Процедура: ФГБУ «ФИОКО»")
    assert "Процедура: ФГБУ «ФИОКО»" in said(groups._without_plan(now, plan))


def test_procedures_of_one_organiser_are_told_apart_by_their_codes(totals):
    table = totals.current.table("procedures").assign(organiser="ЦНППМ")
    assert altered(totals.current, procedures=table).procedures == {
        "diag-2022": "ЦНППМ (diag-2022)",
        "fioko-2022": "ЦНППМ (fioko-2022)",
    }


def test_people_of_several_procedures_stand_apart(totals):
    words = said(overview.view(totals))
    assert "Прошли диагностику 576 чел. 8,1 % из 7 140 чел. Процедура: ЦНППМ" in words
    assert "Другие, не складываются: ФГБУ «ФИОКО» — 309 чел. Пересечение процедур неизв" in words
    assert "885" not in words


# --- incomplete editions ------------------------------------------------------------------------


NOT_SENT = "муниципальное образование этих сведений не прислало"


@pytest.fixture
def incomplete(editions):
    """The state at an edition of which one municipality has sent nothing, and one a part."""
    before, now = (p for p in editions if p.region.code == "khakassia")
    reporting = now.table("reporting").set_index("municipality")
    reporting.loc["abaza", "is_reported"] = False
    reporting["not_sent"] = [("methodists",) if m == "sorsk" else () for m in reporting.index]
    tables = {"reporting": reporting.reset_index()}
    for name in ("coverage", "level_shares"):
        table = now.table(name).copy()
        silent = table["municipality"] == "abaza"
        table["note"] = table["note"].astype("object").mask(silent, NOT_SENT)
        table.loc[silent, ["estimate", "ci_low", "ci_high"]] = float("nan")
        table.loc[silent, "status"] = "no_data"
        tables[name] = table
    state = State([before, altered(now, **tables)])
    state.choose("khakassia", "2023")
    return state


PART = "Данные представили 12 из 13 муниципальных образований"


def test_an_incomplete_edition_says_so_on_every_page(incomplete):
    (mark, told) = shell._banners(incomplete)
    assert text(told.object).startswith(PART) and "нет: Абаза." in text(told.object)
    for page in VIEWS.keys() - {"collection"}:  # that page is of the folder, not of the run
        assert PART in said(VIEWS[page](incomplete)), page


def test_every_tile_of_totals_says_on_whom_it_rests(incomplete):
    for view in (overview.view, groups.view):
        tiles = next(p.object for p in view(incomplete).select(pn.pane.HTML) if "tile" in p.object)
        notes = [text(note) for note in re.findall(r'class="note">(.*?)</div>', tiles)]
        assert all(PART in note or note == "нет данных: Абаза" for note in notes), notes


def test_rows_of_totals_say_on_whom_they_rest(incomplete):
    shares = incomplete.current.of_procedure("level_shares").query(
        "level == 'at_or_below' and wave == 'entry'"
    )
    html = diagnostics._places_table(incomplete.current, shares, "total")
    assert "Республика Хакасия, 12 из 13 муниципальных образований" in text(html)
    assert re.search(rf"Абаза нет данных — \d+ {NOT_SENT}", text(html))


def test_the_list_of_municipalities_names_what_each_has_not_sent(incomplete):
    words = said(overview.view(incomplete))
    assert "Абаза нет данных нет данных не представил данные" in words
    assert re.search(r"Сорск \d+ \d+ РМА", words)


def test_a_complete_edition_has_no_such_words(state):
    assert len(shell._banners(state)) == 1
    assert "Данные представили 13 из 13" in said(overview.view(state))
    assert PART not in said(overview.view(state))
    assert "На одних и тех же" not in said(overview.view(state))


def measured(now: Published, tested: dict, below: dict) -> Published:
    """An edition in which so many were tested, and so many of them are in the lowest level."""
    known = {"ci_low": float("nan"), "ci_high": float("nan"), "procedure": "p", "note": None}
    rows = [
        {"municipality": place, "measure": "tested", "estimate": count, "n": 100, **known}
        for place, count in tested.items()
    ]
    whole = {"wave": "entry", "domain": "total", "family": "total", "level": "at_or_below"}
    shares = [
        {"municipality": place, "estimate": count / tested[place], "n": tested[place]}
        | {"measure": "level_share", **known, **whole}
        for place, count in below.items()
    ]
    tables = {"coverage": pd.DataFrame(rows), "level_shares": pd.DataFrame(shares)}
    tables = {
        name: table.assign(status=table["estimate"].notna().map({True: "ok", False: "no_data"}))
        for name, table in tables.items()
    }
    procedures = pd.DataFrame({"procedure": ["p"], "organiser": ["ЦНППМ"], "gap": [None]})
    return altered(now, procedures=procedures, **tables)


def test_two_periods_are_counted_on_the_same_municipalities(state):
    before = measured(
        state.previous,
        {"abakan": 8, "abaza": 12, "sorsk": 30},
        {"abakan": 2, "abaza": 6, "sorsk": 3},
    )
    now = measured(
        state.current, {"abakan": 10, "abaza": 20, "sorsk": None}, {"abakan": 4, "abaza": 5}
    )
    same = same_places(now, before)
    assert same.places == ("abakan", "abaza")
    assert (same.before["tested"]["estimate"], same.now["tested"]["estimate"]) == (20, 30)
    shares = [row["level_share"] for row in (same.before, same.now)]
    # 8 of 20 and 9 of 30 with their Wilson intervals
    assert [wording.estimate(row) for row in shares] == ["40,0\u00a0%", "30,0\u00a0%"]
    assert [wording.interval(row) for row in shares] == ["21,9–61,3\u00a0%", "16,7–47,9\u00a0%"]
    told = text(changes._on_same_places(now, before, same))
    assert "Пересчитано на 2 муниципальных образованиях; без них: Саяногорск, Сорск," in told


def test_without_results_of_a_municipality_there_is_no_share_of_its_people(state):
    before = measured(state.previous, {"abakan": 8, "abaza": 12}, {"abakan": 2})
    now = measured(state.current, {"abakan": 10, "abaza": 20, "sorsk": 5}, {"abakan": 4})
    same = same_places(now, before)
    assert same.now["tested"]["estimate"] == 30
    assert same.now["level_share"]["status"] == "no_data"


def test_nothing_is_counted_again_where_the_same_municipalities_have_reported(state):
    assert same_places(state.current, state.previous) is None


def test_periods_with_no_municipality_in_common_are_not_compared(state):
    before = measured(state.previous, {"abakan": 8}, {"abakan": 2})
    now = measured(state.current, {"abaza": 10}, {"abaza": 4})
    told = text(changes._on_same_places(now, before, same_places(now, before)))
    assert "Нет ни одного муниципального образования, о котором известно за оба периода." in told
