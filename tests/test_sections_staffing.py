"""Figures, sentences and tabs of the РМА and of routes: what they say with data and without."""

from __future__ import annotations

import holoviews as hv
import pandas as pd
import panel as pn
import pytest
from conftest import CHECKOUT
from dashboard_pages import said
from test_methodists import EDITION, REGION, edition, staff
from test_methodists import tables as team_tables
from test_routes_measures import RESULTS, team
from test_routes_measures import tables as route_tables

from dashboards.pages import support
from dashboards.sections import methodists as methodists_section
from dashboards.sections import routes as routes_section
from dashboards.store import Published, State
from nmc_utils import figures, findings
from nmc_utils.measures.diagnosed import diagnosed, routes_published
from nmc_utils.measures.methodists import (
    center_staff,
    methodist_load,
    methodists_composition,
    methodists_employment,
    methodists_over_time,
)
from nmc_utils.measures.reporting import missing_table
from nmc_utils.measures.routes import (
    route_measures_summary,
    routes_calendar,
    routes_per_methodist,
    routes_summary,
)
from nmc_utils.regions import read_facts

MEASURES = pd.DataFrame(
    {
        "route_id": ["r1", "r1", "r2"],
        "level": ["organization", "personal", "regional"],
        "title": ["a", "b", "c"],
        "to_on": pd.to_datetime(["2023-06-01", "2023-07-01", "2023-08-01"]),
        "is_done": [True, False, True],
    }
)
COVERAGE = pd.DataFrame(
    {"procedure": ["d"], "municipality": "total", "measure": "tested", "estimate": 4.0, "n": 11}
).assign(std_error=None, ci_low=None, ci_high=None, interval_kind="none", status="ok", note=None)
PROCEDURES = pd.DataFrame({"procedure": ["d"], "organiser": ["ЦНППМ"], "sent_as": ["records"]})


def staged(team_rows: dict, route_rows: dict, of=EDITION) -> dict[str, pd.DataFrame]:
    """What the notebook stages of these tables."""
    facts = {"published": read_facts(CHECKOUT / "data", of.region)}
    return {
        "methodists_composition": methodists_composition(team_rows, of),
        "methodists_over_time": methodists_over_time(team_rows, of),
        "methodists_employment": methodists_employment(team_rows, of),
        "methodist_load": methodist_load(team_rows, of),
        "center_staff": center_staff(facts, of),
        "routes_summary": routes_summary(route_rows, of, RESULTS),
        "routes_calendar": routes_calendar(route_rows, of),
        "routes_per_methodist": routes_per_methodist(route_rows, of),
        "route_measures_summary": route_measures_summary(route_rows, of),
        "routes_published": routes_published(facts, of),
        "diagnosed": diagnosed(COVERAGE, PROCEDURES, facts, of),
        "procedures": PROCEDURES.assign(selection=None, comparability=None, persons=4, gap=None),
    }


@pytest.fixture(scope="module")
def full() -> dict[str, pd.DataFrame]:
    more = {"route_measures": MEASURES, "methodists": team("m1", "m2", "m3")}
    return staged(team_tables(), route_tables(**more))


@pytest.fixture(scope="module")
def empty() -> dict[str, pd.DataFrame]:
    return staged({}, {}, edition("altai"))


@pytest.fixture(params=["matplotlib", "bokeh"])
def backend(request):
    figures.use(request.param)
    return request.param


def drawn(told: dict[str, pd.DataFrame], region) -> dict[str, hv.Overlay]:
    summary = told["routes_summary"]
    return {
        "roles": figures.methodist_roles(told["methodists_composition"]),
        "past": figures.methodists_over_time(told["methodists_over_time"]),
        "load": figures.methodist_load(told["methodist_load"], region),
        "places": figures.methodist_load_by(told["methodist_load"], region),
        "families": figures.methodist_load_by(told["methodist_load"], region, key="family"),
        "stages": figures.route_stages(summary),
        "audits": figures.audit_calendar(told["routes_calendar"], summary),
        "levels": figures.route_levels(told["route_measures_summary"]),
        "each": figures.routes_each(told["routes_per_methodist"]),
    }


def test_every_figure_has_its_finding_for_a_title_on_both_backends(backend, full):
    made = drawn(full, REGION)
    titles = {name: figures.heading(figure).title for name, figure in made.items()}
    assert titles["roles"] == (
        "В РМА 5\u00a0чел.: куратор — 1, координатор в муниципальном образовании — 1, "
        "региональный методист — 3"
    )
    assert "на одного регионального методиста — 3,7\u00a0чел. (11 / 3)" in titles["load"]
    assert "регионального методиста приходится 3,0 работника;" in titles["places"]
    assert "своих методистов нет: Сорск" in titles["places"]
    assert titles["stages"].startswith("ИОМ — 5 (у 4\u00a0чел.), за период составлено 4")
    assert titles["audits"].startswith("ИОМ, которые ждут аудита: 1")
    assert titles["levels"].startswith("В ИОМ записано мероприятий — 3: личностный — 1")
    assert "в среднем 1,3 ИОМ" in titles["each"]
    for figure in made.values():
        hv.render(figure)


def test_every_figure_says_why_it_has_nothing_to_show(backend, empty):
    for name, figure in drawn(empty, REGION).items():
        words = [text for layer in figure for text in layer.dimension_values("text")]
        assert "не прислан" in " ".join(words).replace("\n", " "), name
        hv.render(figure)


def test_the_load_of_municipalities_stands_in_the_official_order(backend, full):
    figure = figures.methodist_load_by(full["methodist_load"], REGION)
    points = [layer for layer in figure if isinstance(layer, hv.Points)]
    names = points[-1].dimension_values("name").tolist()
    order = list(REGION.municipality_names.values())
    assert names == sorted(names, key=order.index) and len(names) == 2


def published(told: dict[str, pd.DataFrame], of=EDITION) -> Published:
    made = Published(of, "0123456789-1")
    made.__dict__["_results"] = type("Run", (dict,), {"manifest": {}})(told)
    return made


@pytest.fixture
def app():
    figures.use("bokeh")


def sections(told: dict[str, pd.DataFrame], of=EDITION, **choices: str) -> tuple[str, str]:
    state = State([published(told, of)])
    state.param.update(**choices)
    return tuple(said(made.section(state)) for made in (methodists_section, routes_section))


def test_the_tabs_show_tiles_and_findings(app, full):
    team_words, route_words = sections(full)
    for words in ("Формы занятости в РМА", "сумма частей сходится: 4 + 5 + 16 = 25"):
        assert words.casefold() in team_words.casefold()
    for words in ("ИОМ, которые ждут аудита", "план не опубликован"):
        assert words in route_words, words
    assert "Люди разных процедур" not in route_words, "there is one procedure"
    assert not {"m1", "p1", "r1"} & set(route_words.split()), "no person and no route is named"


def test_a_municipality_filters_both_tabs(app, full):
    team_words, route_words = sections(full, municipality="abaza")
    assert "Абаза" in team_words and "Абаза" in route_words
    assert "В РМА 1 чел.: региональный методист — 1" in team_words
    assert "ИОМ — 2 (у 2 чел.)" in route_words


def test_without_tables_the_tabs_say_which_table_is_missing(app, empty):
    team_words, route_words = sections(empty, edition("altai"))
    assert "Не прислана таблица «РМА»" in team_words
    assert "за 2023 год не опубликовано" in team_words.casefold()
    assert "Не прислана таблица «ИОМ»" in route_words


def test_a_run_from_before_such_tables_says_what_to_do(app):
    for words in sections({}):
        assert "Выполните: nmc run khakassia/2023" in words


def test_the_sentence_on_training_names_the_reason_when_there_is_none():
    table = methodists_composition(
        team_tables(methodists=team_tables()["methodists"].assign(trained_on=pd.NaT)), EDITION
    )
    assert findings.methodist_team(table).endswith(
        "нет данных (в таблице «РМА» нет ни одной даты повышения квалификации)."
    )


def test_many_municipalities_without_methodists_are_counted_and_not_listed():
    places = list(REGION.municipality_names)[:6]
    people = staff(**{place: ["математика"] * 3 for place in places})
    own = team_tables()["methodists"].query("municipality == 'abakan'")
    load = methodist_load(people | {"methodists": own}, EDITION)
    told = findings.load_by_part(load, REGION.municipality_names, "municipality")
    assert told == (
        "На одного регионального методиста приходится 1,5 работника; "
        "своих методистов нет в 5 из 13 муниципальных образований."
    )


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["methodists"], "не прислана таблица «РМА»"),
        (["staff", "methodists"], "не присланы таблицы «Сотрудники» и «РМА»"),
        (
            ["events", "attendance", "acts"],
            "не присланы таблицы «Мероприятия», «Участие» и «Акты»",
        ),
    ],
)
def test_a_gap_names_all_the_tables_that_would_close_it(names, words):
    assert missing_table(*names) == words


def test_a_hidden_section_is_drawn_anew_only_when_it_is_shown(app, full, monkeypatch):
    drawn_for = []
    for name in ("methodists", "routes", "roadmap"):
        monkeypatch.setitem(support._SECTIONS, name, _noting(name, drawn_for))
    state = State([published(full)])
    support.view(state)
    state.select("section", "routes")
    state.select("municipality", "abaza")
    assert drawn_for == [("methodists", "total"), ("routes", "total"), ("routes", "abaza")]
    state.select("section", "methodists")
    assert drawn_for[3:] == [("methodists", "abaza")]
    state.select("section", "routes")
    assert len(drawn_for) == 4, "what was seen of this municipality is kept"
    state.select("section", "roadmap")
    state.select("municipality", "total")
    assert drawn_for[4:] == [("roadmap", "abaza")], "no municipality changes the roadmap"


def _noting(name, drawn_for):
    def section(state):
        drawn_for.append((name, state.municipality))
        return pn.Column()

    return section


def test_a_chart_says_in_words_what_it_shows(app, full):
    state = State([published(full)])
    charts = methodists_section.section(state).select(pn.pane.HoloViews)
    assert len(charts) == 5
    for pane in charts:
        figure = hv.render(pane.object, backend="bokeh")
        assert figure.html_attributes["role"] == "img"
        label = figure.html_attributes["aria-label"]
        assert label.startswith(figures.heading(pane.object).title[:20])
        assert label.endswith("Числа — по кнопке «Таблица».")
