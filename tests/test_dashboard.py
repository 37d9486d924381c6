"""The app without a browser: the state of a session and what its pages say."""

# ruff: noqa: F811  (fixtures come from dashboard_pages)
from __future__ import annotations

import re
import shutil

import panel as pn
import pytest
from dashboard_pages import (  # noqa: F401  fixtures
    CHARTED,
    EDITIONS,
    VIEWS,
    editions,
    of_edition,
    planned,
    said,
    state,
    text,
    totals,
)

from dashboards import parts, shell
from dashboards.pages import diagnostics, groups, indicators, overview
from dashboards.store import PAGES, Published, State, published_editions
from nmc_utils import figures, wording
from nmc_utils.editions import DefinitionError, Period
from nmc_utils.results import ResultsError, results_folder

# --- state --------------------------------------------------------------------------------------


def test_all_that_is_published_is_offered(editions):
    assert [published.edition.key for published in editions] == EDITIONS


def test_a_session_opens_at_the_newest_edition_and_of_equal_ones_at_the_largest(editions):
    state = State(editions)
    assert (state.region, state.period, state.page) == ("khakassia", "2023", "overview")
    without = [published for published in editions if published.edition.key != "khakassia/2023"]
    assert State(without).region == "altai", "2023 with fewer people than anything of 2022"
    state.choose("kostroma")
    assert state.period == "2022"


def test_the_period_before_is_of_the_same_region(state):
    assert state.periods == {"2022 год": "2022", "2023 год": "2023"}
    assert state.previous.edition.key == "khakassia/2022"
    state.choose("khakassia", "2022")
    assert state.previous is None


@pytest.mark.parametrize(
    "other", [{"origin": "submitted"}, {"period": Period.parse("2021-2022")}, {"as_of": None}]
)
def test_the_period_before_is_of_the_same_kind_and_origin(editions, other):
    mine = [p for p in editions if p.region.code == "khakassia"]
    before = Published(mine[0].edition.model_copy(update=other), mine[0].run)
    found = State([before, mine[1]]).previous
    assert (found is before) == ("as_of" in other)


def test_an_address_brings_back_the_same_view(state, editions):
    state.choose("khakassia", "2022")
    state.param.update(page="diagnostics", municipality="abaza", domain="ict", wave="exit")
    state.select("level", "above")
    again = State(editions)
    again.restore(state.address())
    assert again.address() == state.address()
    assert again.notice == ""


def test_the_address_carries_region_period_and_page_and_no_filter_that_was_not_chosen(state):
    assert state.address() == {"region": "khakassia", "period": "2023", "page": "overview"}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"region": "atlantis"}, "региона «atlantis»"),
        ({"region": "khakassia", "period": "1999"}, "периода «1999»"),
        ({"page": "secrets"}, "страницы «secrets»"),
        ({"municipality": "<b>"}, "значения «<b>»"),
        ({"procedure": "fioko-2022"}, "значения «fioko-2022»"),
        ({"level": "high_deficit"}, "значения «high_deficit»"),
        ({"status": "finished"}, "значения «finished»"),
    ],
)
def test_what_an_address_names_wrongly_is_told_and_the_rest_is_shown(state, query, told):
    state.restore(query)
    assert state.notice == f"По этой ссылке нет {told}. Показано: Республика Хакасия, 2023 год."
    assert state.address() == {"region": "khakassia", "period": "2023", "page": "overview"}


def test_another_edition_forgets_filters(state):
    state.param.update(municipality="abaza", domain="ict", wave="exit", status="attained")
    state.choose("khakassia", "2022")
    assert state.address() == {"region": "khakassia", "period": "2022", "page": "overview"}


def test_the_address_takes_a_status_that_occurs(state):
    state.restore({"page": "indicators", "status": "attained"})
    assert (state.status, state.notice) == ("attained", "")


def test_pressing_a_row_twice_chooses_everything_again(state):
    state.toggle("municipality", "abaza")
    assert state.municipality == "abaza"
    state.toggle("municipality", "abaza")
    assert state.municipality == "total"


def test_a_page_that_was_left_is_not_drawn_any_more(state):
    drawn = []
    state.follow(lambda: drawn.append(state.wave), "wave")
    state.leave()
    state.wave = "exit"
    assert drawn == ["entry"]


def test_without_published_editions_it_says_what_to_do():
    with pytest.raises(DefinitionError, match="Выполните: nmc run"):
        State([])


def test_a_table_is_read_once_per_run(editions):
    assert editions[0].table("coverage") is editions[0].table("coverage")
    assert editions[0].table("no_such_table") is None


# --- what is damaged ----------------------------------------------------------------------------


@pytest.fixture
def copied(published_root, tmp_path):
    figures.use("bokeh")
    return shutil.copytree(published_root, tmp_path / "data")


def damage(root, period: str, table: str) -> None:
    for path in results_folder(root).glob(f"*/khakassia/{period}/*/{table}.parquet"):
        path.write_bytes(b"")


def opened(root, **query: str) -> State:
    state = State(*published_editions(root))
    state.restore({"region": "khakassia"} | query)
    return state


@pytest.mark.parametrize("error", [ResultsError, DefinitionError, OSError])
def test_a_page_that_cannot_be_read_says_why(state, monkeypatch, error):
    def fail(_):
        raise error("файл <a> повреждён")

    monkeypatch.setitem(shell._VIEWS, "overview", fail)
    assert said(shell._page(state)) == "файл <a> повреждён"


def test_an_error_nobody_foresaw_is_logged_and_stays_on_its_page(state, monkeypatch, caplog):
    monkeypatch.setitem(shell._VIEWS, "overview", lambda _: {}["secret"])
    words = said(shell._page(state))
    assert words == (
        "Страница не построена: внутренняя ошибка записана в журнал. Остальные страницы работают."
    )
    assert "KeyError: 'secret'" in caplog.text
    state.page = "groups"
    assert wording.NO_HARM in said(shell._page(state))


def test_what_is_drawn_later_fails_alone(caplog):
    assert "Часть страницы не построена" in said(parts.later(lambda: 1 / 0))
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("table", ["level_shares", "procedures", "indicators", "reporting"])
def test_a_damaged_edition_leaves_the_way_to_others(copied, table):
    damage(copied, "2023", table)
    state = opened(copied)
    assert state.period == "2023"
    assert "файл изменён после публикации" in said(shell._page(state))
    state.choose("khakassia", "2022")
    assert "файл изменён" not in said(shell._page(state))


def test_a_damaged_edition_before_this_one_takes_only_its_card(copied):
    damage(copied, "2022", "coverage")
    words = said(shell._page(opened(copied)))
    assert "файл изменён после публикации" in words
    assert "Главное" in words and "Показатели по достижению" in words


def test_an_edition_without_a_readable_definition_is_left_out_and_told(copied):
    (copied / "regions" / "khakassia" / "2022" / "edition.yaml").write_text("[", "utf-8")
    state = opened(copied, page="secrets")
    assert list(state.periods.values()) == ["2023"]
    assert "По этой ссылке нет страницы «secrets»" in state.notice
    assert "Не показаны издания: khakassia/2022 (" in state.notice
    assert "edition.yaml" in state.notice


def test_when_no_definition_can_be_read_it_says_why(copied):
    for path in copied.glob("regions/*/region.yaml"):
        path.write_text("[", "utf-8")
    with pytest.raises(DefinitionError, match=r"khakassia/2022 \(.*region\.yaml"):
        opened(copied)


# --- pages --------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", EDITIONS)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_speaks_russian_and_escapes_nothing_into_view(editions, key, page):
    words = said(VIEWS[page](of_edition(editions, key)))
    assert len(words) > 200
    assert not re.search(r"\b(nan|NaN|None|NA|total|entry|exit|estimate|n_a|level_share)\b", words)
    assert not re.search(r"\d\.\d+\s*%", words), "a decimal point instead of a comma"


def test_every_chart_can_be_read_as_a_table(state):
    for page, view in CHARTED.items():
        shown = view(state)
        charts = shown.select(pn.pane.HoloViews)
        assert charts, page
        button = next(iter(shown.select(parts.pmui.Button)))
        before = len(charts)
        button.clicks += 1
        assert len(shown.select(pn.pane.HoloViews)) == before - 1, page
        assert "<table" in " ".join(p.object for p in shown.select(pn.pane.HTML)), page
        button.clicks += 1
        assert len(shown.select(pn.pane.HoloViews)) == before, page


def test_the_overview_repeats_the_findings_of_the_run(state):
    words = said(overview.view(state))
    for sentence in state.current.table("findings")["sentence"]:
        assert text(sentence) in words


def test_the_overview_shows_periods_without_arrows_where_forms_differ(state):
    words = said(overview.view(state))
    assert "несопоставим" in words
    assert not set("↑↓▲▼→") & set(words)


def test_choosing_a_municipality_redraws_the_diagnostics(state):
    page = diagnostics.view(state)
    assert "Абаза" not in said(page)
    state.municipality = "abaza"
    assert "≤ 60 %, Абаза; трудность блоков не сопоставлялась" in said(page)


def test_charts_of_the_whole_region_say_so_while_a_municipality_is_chosen(state):
    page = diagnostics.view(state)
    assert "По региону" not in said(page)
    state.municipality = "abaza"
    assert said(page).count("По региону: выбор муниципалитета здесь ничего не меняет") == 5


def test_the_exit_wave_changes_the_numbers(state):
    page = diagnostics.view(state)
    before = said(page)
    state.wave = "exit"
    assert "прошедших выходную диагностику" in said(page)
    assert said(page) != before


def test_groups_show_pseudonyms_the_proven_gap_and_the_no_harm_line(state):
    page = groups.view(state)
    words = said(page)
    assert "никакой план не лучше этого по принятому критерию" in words
    assert wording.NO_HARM in words
    people = re.findall(r"\b[0-9a-f]{20}\b", words)
    assert len(people) > 12
    assert set(people) <= set(state.current.table("seminar_members")["person_id"]) | set(
        state.current.table("seminar_leaders")["leader_id"]
    )


def test_tiles_of_groups_say_of_whom(state):
    words = said(groups.view(state))
    assert re.search(r"Групп в плане \d+ средний размер \d+,\d ", words)
    assert re.search(r"Педагоги в группах [\d ]+ чел\. из [\d ]+ прошедш", words)
    assert "n = " not in words.partition("закрыто темами")[0]


def test_topics_are_written_as_the_definition_names_them():
    assert groups._topics(["a", "ict"], {"a": "Предметные", "ict": "ИКТ"}) == "Предметные, ИКТ"


def test_everyone_without_a_group_is_counted_with_a_reason(state):
    members = state.current.table("seminar_members")
    left = int(members["group_id"].isna().sum())
    words = said(groups.view(state))
    assert f"Всего {text(wording.persons(left))} из {text(wording.persons(len(members)))}" in words


def test_variants_of_an_indicator_stand_side_by_side(state):
    words = said(indicators.view(state))
    assert "99 чел." in words and "99,3 чел." in words and "121,2 чел." in words


def test_the_filter_by_status_keeps_only_that_status(state):
    page = indicators.view(state)
    state.status = "attained"
    table = next(
        p.object for p in page.select(pn.pane.HTML) if p.object and 'class="wide"' in p.object
    )
    assert "✓ достигнут" in text(table)
    assert "нет данных" not in text(table)


def test_text_from_data_is_escaped():
    frame = parts.pd.DataFrame({"Имя": ["<script>alert(1)</script>"]})
    assert "<script>" not in parts.table(frame)
    assert "<script>" not in parts.heading("<script>", "<script>").object
    assert "<script>" not in parts.tiles([("<script>", "<script>", "<script>")]).object


def test_what_scrolls_and_what_turns_has_a_name(state):
    for page, view in VIEWS.items():
        shown = view(state)
        html = " ".join(p.object for p in shown.select(pn.pane.HTML))
        for tag in re.findall(r'<div class="scroll"[^>]*>', html):
            assert re.search(r' tabindex="0" role="region" aria-label="[^"]+"', tag), page
        if page not in CHARTED:
            continue
        button = next(iter(shown.select(parts.pmui.Button)))
        of_what = button.description.removeprefix("Таблица: ")
        assert text(of_what) in said(shown)
        button.clicks += 1
        assert button.description == f"График: {of_what}"
