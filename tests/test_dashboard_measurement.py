"""The app on how sure the results are: reliability, change, and what stands elsewhere of them."""

# ruff: noqa: F811  (fixtures come from dashboard_pages)
from __future__ import annotations

import re

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
    without,
)

from dashboards import filters, parts
from dashboards.pages import diagnostics, overview, progress, reliability
from dashboards.store import PAGES, Published, State
from nmc_utils import figures, findings, wording

#: What notebooks 02, 03 and 05 stage of measurement; an older run has none of it.
MEASURED = (
    "small_area_levels",
    "level_certainty",
    "borderline_bands",
    "form_reliability",
    "reliability",
    "classification",
    "score_error",
    "person_results",
    "subscores",
    "calibrated_items",
    "bank_means",
    "progress",
    "migration",
)


def one(table: pd.DataFrame, **keys: str) -> dict:
    """The only row with these keys."""
    for name, value in keys.items():
        table = table[table[name] == value]
    assert len(table) == 1, keys
    return table.iloc[0].to_dict()


def tables_of(view: pn.viewable.Viewable) -> list[str]:
    """HTML of all tables of a page, with every chart turned into its own."""
    for button in view.select(parts.pmui.Button):
        button.clicks += 1
    panes = [pane.object for pane in view.select(pn.pane.HTML)]
    return [html for html in panes if "<table" in html]


def lines(html: str) -> list[list[str]]:
    """Cells of every row of a table."""
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.S)
    return [[text(cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", r)] for r in rows]


def table_with(view: pn.viewable.Viewable, *headings: str) -> list[list[str]]:
    """Rows of the one table whose heading has these words."""
    found = [rows for html in tables_of(view) if set(headings) <= set((rows := lines(html))[0])]
    assert len(found) == 1, headings
    return found[0]


def test_the_pages_stand_in_the_order_of_the_work():
    names = list(PAGES)
    assert names.index("reliability") == names.index("diagnostics") + 1
    assert names.index("progress") == names.index("groups") + 1


# --- reliability --------------------------------------------------------------------------------


def test_a_hundred_persons_are_told_with_bounds_and_n(state):
    now = state.current
    told = findings.false_deficits(now.of_procedure("classification"), now.region)
    assert re.match(r"Из 100 педагогов с результатом ≤ 60 % примерно \d+ на самом деле", text(told))
    assert text(told).rstrip(".") in said(reliability.view(state))


def test_tiles_give_the_whole_test_its_interval_and_n(state):
    now = state.current
    row = one(
        now.table("level_certainty"), measure="borderline_share", domain="total", wave="entry"
    )
    words = said(reliability.view(state))
    tile = f"Пограничные результаты {wording.estimate(row)} {wording.interval(row)};"
    assert text(tile) in words
    assert "Уточнить в собеседовании с методистом" in words
    row = one(now.table("reliability"), domain="total", wave="entry")
    assert re.search(rf"Надёжность результата 0,\d\d 0,\d\d–0,\d\d; n = {text(size(row))}", words)


def size(row: dict) -> str:
    return wording.number(row["n"])


def test_the_competence_and_the_stage_change_the_numbers(state):
    page = reliability.view(state)
    whole = said(page)
    state.select("domain", "ict")
    of_ict = said(page)
    row = one(
        state.current.table("level_certainty"),
        measure="borderline_share",
        domain="ict",
        wave="entry",
    )
    assert text(f"Пограничные результаты {wording.estimate(row)}") in of_ict
    state.wave = "exit"
    assert len({whole, of_ict, said(page)}) == 3


def test_a_link_keeps_the_competence_and_the_stage(editions, state):
    state.param.update(page="reliability", domain="ict", wave="exit")
    again = State(editions)
    again.restore(state.address())
    assert again.notice == ""
    assert said(reliability.view(again)) == said(reliability.view(state))


def test_every_competence_has_its_borderline_share_and_band(state):
    rows = table_with(reliability.view(state), "Полоса, % максимума")
    names = [row[0] for row in rows[1:]]
    assert names == list(state.current.region.domain_names.values())
    for row in rows[1:]:
        low, high = map(int, re.fullmatch(r"(\d+)–(\d+)", row[-1]).groups())
        assert low < 60 < high + 1
        assert re.fullmatch(r"\d+,\d %", row[1])


def test_two_cuts_have_two_bands(totals):
    rows = table_with(reliability.view(totals), "Полоса, % максимума")
    assert re.fullmatch(r"\d+–\d+; \d+–\d+", rows[1][-1])


def test_in_a_competence_of_few_items_no_level_of_a_person_is_judged(planned):
    words = said(reliability.view(planned))
    names = ", ".join(planned.current.region.competence_names.values())
    assert f"не оценивается: {names} — нужно не меньше 15 заданий." in words
    assert "уровень человека не оценивается 5 из 5" in words
    planned.select("domain", "subject")
    assert "Пограничные результаты мало заданий нужно не меньше 15" in said(
        reliability.view(planned)
    )


def test_where_items_suffice_it_says_so(state):
    assert "В каждой компетенции не меньше 15 заданий" in said(reliability.view(state))


@pytest.mark.parametrize(
    ("key", "source"),
    [
        ("khakassia/2023", "расчёт по ответам: альфа Кронбаха"),
        ("kostroma/2022", "технический отчёт разработчика теста"),
    ],
)
def test_a_reliability_says_where_it_is_from(editions, key, source):
    page = reliability.view(of_edition(editions, key))
    assert f"Источник: {source}" in said(page) or f"; {source}" in said(page)
    rows = table_with(page, "Форма", "Откуда")
    assert len(rows) > 5 and all(row[-1] for row in rows[1:])


def test_forms_are_brought_in_line_only_with_answers_to_common_items(editions, state):
    rows = table_with(reliability.view(state), "Форма", "По всему банку")
    assert len(rows) > 5
    without_answers = said(reliability.view(of_edition(editions, "khakassia/2022")))
    assert "Выравнивание форм Ответов на задания нет" in without_answers
    assert "несопоставимы" in without_answers


def test_forms_in_line_follow_the_competence_where_it_has_any(state):
    state.select("domain", "ict")
    assert "«ИКТ»: наибольшее различие форм" in said(reliability.view(state))
    state.select("domain", "subject")  # its items differ by subject: nothing is common
    assert "«Методические»: наибольшее различие форм" in said(reliability.view(state))


def test_no_person_is_read_or_shown(editions, monkeypatch):
    asked = []
    table = Published.table
    monkeypatch.setattr(
        Published, "table", lambda now, name: asked.append(name) or table(now, name)
    )
    for key in EDITIONS:
        state = of_edition(editions, key)
        for page in (reliability, progress):
            view = page.view(state)
            html = said(view) + " ".join(tables_of(view))
            assert not re.search(r"\b[0-9a-f]{20}\b", html)
    assert {"classification", "progress"} <= set(asked)
    assert "person_results" not in asked


@pytest.mark.parametrize("key", EDITIONS)
@pytest.mark.parametrize("page", PAGES)
def test_no_page_speaks_as_researchers_do(editions, key, page):
    view = VIEWS[page](of_edition(editions, key))
    words = said(view) + text(" ".join(tables_of(view)))
    assert not re.search(r"kappa|каппа|prmse", words, re.IGNORECASE)


# --- change -------------------------------------------------------------------------------------


def test_change_beyond_a_retest_is_told_with_bounds_and_n(state):
    now = state.current
    drawn = figures.changes_by_domain(now.of_procedure("progress"), now.region)
    words = said(progress.view(state))
    assert text(figures.heading(drawn).title) in words
    row = one(now.table("progress"), domain="total", measure="net_change")
    tile = f"Изменение сверх ожидаемого {wording.estimate(row)} {wording.interval(row)}"
    assert text(tile) in words
    assert "п.п." in wording.estimate(row)


def test_the_observed_is_the_expected_and_what_is_beyond(state):
    rows = table_with(progress.view(state), "Наблюдаемое", "Сверх ожидаемого")
    assert len(rows) == 1 + len(state.current.region.domain_names)
    for row in rows[1:]:
        seen, expected, beyond = (
            float(re.match(r"[+−]?\d+,\d", cell)[0].replace("−", "-").replace(",", "."))
            for cell in row[1:4]
        )
        assert seen == pytest.approx(expected + beyond, abs=0.11)


def test_who_moved_stands_beside_what_a_retest_brings(totals):
    rows = table_with(progress.view(totals), "На входе", "Ожидалась при повторном тестировании")
    assert [row[0] for row in rows[1:]] == ["50 %"] * 4 + ["75 %"] * 4
    for moved, stayed in zip(rows[1::2], rows[2::2], strict=True):
        for column in (3, 5):
            shares = [float(row[column].split()[0].replace(",", ".")) for row in (moved, stayed)]
            assert sum(shares) == pytest.approx(100, abs=0.11)


def test_the_competence_changes_the_change(state):
    page = progress.view(state)
    state.select("domain", "ict")
    row = one(state.current.table("progress"), domain="ict", measure="observed_change")
    assert text(f"Наблюдаемое изменение {wording.estimate(row)}") in said(page)
    assert "«ИКТ»: надёжный рост" in said(page)


def test_years_are_told_apart_and_lead_to_the_overview(editions, state):
    page = progress.view(state)
    assert "Сравнивается с периодом: 2022 год." in said(page)
    html = " ".join(pane.object for pane in page.select(pn.pane.HTML))
    assert 'href="?region=khakassia&amp;period=2023&amp;page=overview"' in html
    first = progress.view(of_edition(editions, "khakassia/2022"))
    assert "Прошлого опубликованного периода такого же вида и происхождения нет." in said(first)


def test_a_known_correlation_of_a_retest_is_named(state):
    now = state.current
    retest = {"domain": "total", "correlation": 0.83, "source": "повторная диагностика 2021 года"}
    changed = of_region(now, retests=(type("Retest", (), retest)(),))
    words = said(progress.view(State([changed])))
    assert "по связи двух тестирований, 0,83 (повторная диагностика 2021 года)" in words
    assert "по надёжности входной формы" in said(progress.view(state))


def of_region(now: Published, **changes: object) -> Published:
    """The same edition, its region's rules of diagnostics changed."""
    region = now.region
    other = region.diagnostics.model_copy(update=changes)
    edition = now.edition.model_copy(
        update={"region": region.model_copy(update={"diagnostics": other})}
    )
    copy = Published(edition, now.run)
    copy.__dict__["_results"] = now._results
    return copy


def test_without_an_exit_it_says_so_once(state):
    note = "выходной диагностики в данных нет"
    gone = state.current.table("progress").assign(
        status="no_data", estimate=None, ci_low=None, ci_high=None, note=note
    )
    empty = state.current.table("migration").head(0)
    page = progress.view(State([altered(state.current, progress=gone, migration=empty)]))
    assert said(page).count("Выходной диагностики в данных нет.") == 1
    assert not page.select(pn.pane.HoloViews)
    assert "Динамика по годам" in said(page)


def test_where_the_document_cuts_by_competence_the_whole_test_is_shown_and_that_is_said(state):
    other = State([of_region(state.current, cut_basis="domain")])
    for page in (reliability, progress):
        words = said(page.view(other))
        assert "Показан весь тест: низшая из компетенций у каждого своя" in words
        assert "Показан весь тест" not in said(page.view(state))
    assert filters.measured_domain(other) == "total"


# --- what has not been sent, and older runs -----------------------------------------------------


@pytest.mark.parametrize("page", ["reliability", "progress"])
def test_counts_without_results_of_people_give_their_reason(totals, page):
    totals.select("procedure", "fioko-2022")
    words = said(VIEWS[page](totals))
    assert "процедура прислана сводными числами, без результатов людей" in words.lower()


@pytest.mark.parametrize("key", EDITIONS)
def test_an_older_run_says_what_to_do_and_its_other_pages_stand(editions, key):
    now = of_edition(editions, key).current
    told = now.table("findings")
    told = told[~told["topic"].isin(["certainty", "progress"])]
    older = State([without(altered(now, findings=told), *MEASURED)])
    for page in ("reliability", "progress", "diagnostics"):
        words = said(VIEWS[page](older))
        assert f"он сделан раньше, чем её стали считать. Выполните: nmc run {key}." in words, page
    assert "Из 100 педагогов" not in said(overview.view(older))


@pytest.mark.parametrize("name", MEASURED)
def test_each_table_may_be_lacking_alone(state, name):
    older = State([without(state.current, name)])
    for page in ("overview", "diagnostics", "reliability", "progress"):
        assert len(said(VIEWS[page](older))) > 200


# --- on the other pages -------------------------------------------------------------------------


def test_the_overview_says_how_sure_and_what_changed_with_their_pages(state):
    now = state.current
    words = said(overview.view(state))
    for line in (
        findings.false_deficits(now.of_procedure("classification"), now.region),
        findings.net_change(now.of_procedure("progress"), now.region),
    ):
        assert words.count(text(line)) == 1
    html = " ".join(pane.object for pane in overview.view(state).select(pn.pane.HTML))
    for page in ("reliability", "progress"):
        assert f"page={page}" in html


def test_the_overview_tells_nothing_twice(state):
    now = state.current
    line = findings.false_deficits(now.of_procedure("classification"), now.region)
    told = now.table("findings")
    told = told[told["sentence"] != line]
    more = pd.concat([told, told.tail(1).assign(sentence=str(line), position=99)])
    words = said(overview.view(State([altered(now, findings=more)])))
    assert words.count(text(line)) == 1


def test_levels_stand_both_ways_beside_each_other(state):
    now = state.current
    rows = table_with(diagnostics.view(state), "По правилу документа", "С учётом погрешности")
    assert [row[0] for row in rows[1:]] == list(now.region.domain_names.values())
    keys = {"wave": "entry", "domain": "total", "level": "at_or_below"}
    rule = one(now.table("level_shares"), **keys, municipality="total", family="total")
    true = one(now.table("level_certainty"), **keys)
    assert rows[1][1:4:2] == [text(parts.with_interval(rule)), text(parts.with_interval(true))]


def test_shares_of_different_people_say_who_is_left_out(state, planned):
    assert "С учётом погрешности — без" not in said(diagnostics.view(state))
    page = diagnostics.view(planned)
    assert re.search(r"С учётом погрешности — без \d+ чел\., чьи формы не оценивались", said(page))
    (whole,) = (r for r in table_with(page, "n по правилу", "n с учётом") if r[0] == "Весь тест")
    assert int(whole[2]) > int(whole[4])


def test_municipalities_have_shares_that_regard_how_few_there_are(state):
    rows = table_with(diagnostics.view(state), "Муниципалитет", "С поправкой на малую численность")
    small = state.current.table("small_area_levels")
    keys = {"wave": "entry", "domain": "total", "level": "at_or_below", "municipality": "abaza"}
    expected = text(parts.with_interval(one(small, **keys)))
    (abaza,) = (row for row in rows if row[0] == "Абаза")
    assert abaza[-1] == expected
    assert rows[1][-1] == "—", "the whole region is not a small area"
