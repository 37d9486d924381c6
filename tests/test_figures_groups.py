"""Figures about the plan of seminar groups: the numbers and words in their layers."""

from __future__ import annotations

import holoviews as hv
import pytest
import seminar_answers as given
from conftest import CHECKOUT
from test_figures import bokeh_texts
from test_figures_data import columns, layer, layers, plain, row_names, title

from nmc_utils import figures, theme
from nmc_utils.regions import Region, read_region


@pytest.fixture(scope="module")
def region() -> Region:
    return read_region(CHECKOUT / "data", "khakassia")


@pytest.fixture(autouse=True)
def bokeh() -> None:
    figures.use("bokeh")


def every_figure(region: Region) -> dict[str, hv.Overlay]:
    return {
        "uncovered": figures.uncovered_map(given.UNCOVERED, region),
        "year": figures.year_progress(given.YEAR, region),
        "programme": figures.programme(given.PROGRAMME, region),
        "leaders": figures.leader_load(given.LEADERS, region),
        "sizes": figures.plan_sizes(given.SIZES, region),
        "variants": figures.plan_variants(given.VARIANTS, region),
    }


@pytest.mark.parametrize("backend", ["matplotlib", "bokeh"])
def test_every_figure_is_drawn_on_both_backends(region, backend):
    figures.use(backend)
    for name, figure in every_figure(region).items():
        assert hv.render(figure, backend=backend) is not None, name


def test_nothing_on_the_screen_is_a_column_name_or_a_decimal_point(region):
    for name, figure in every_figure(region).items():
        shown = " ".join(bokeh_texts(figure)).replace("@name", "").replace("@hint", "")
        assert not set(shown.split()) & {"nan", "None", "total", "practical", "estimate"}, name
        assert not any(
            a.isdigit() and b == "." and c.isdigit()
            for a, b, c in zip(shown, shown[1:], shown[2:], strict=False)
        ), name


# --- topics and what is left --------------------------------------------------------------------


def test_the_topic_map_counts_groups_of_joint_families_too(region):
    figure = figures.topics_by_family(given.GROUPS, region)
    assert row_names(figure) == {
        0: "Начальные классы",
        -1: "Искусство, технология, физическая культура и ОБЖ",
    }
    texts = {(x, y): text for rows in layers(figure, hv.Labels) for x, y, text in rows}
    assert texts[(0, 0)] == "2 из 2" and texts[(4, -1)] == "1 из 1"
    assert title(figure) == ("Чаще всего выбраны темы «Предметные» и «ИКТ»: каждая в 2 из 3 групп")


def test_what_is_left_is_a_part_of_those_with_the_deficit(region):
    figure = figures.uncovered_map(given.UNCOVERED, region)
    assert row_names(figure) == {
        0: "Все предметы",
        -1: "Начальные классы",
        -2: "Математика и информатика",
    }
    texts = {(x, y): text for rows in layers(figure, hv.Labels) for x, y, text in rows}
    assert texts == {
        (0, 0): "30 из 100",
        (1, 0): "10 из 60",
        (0, -1): "20 из 70",
        (1, -1): "10 из 60",
        (0, -2): "10 из 30",
        (1, -2): "—",
    }
    cells = {row[4]: row[5:] for row in layer(figure, hv.Rectangles)}
    assert cells["Математика и информатика, предметные"] == (
        "в группе с другими темами: 5; без группы: 5; с таким результатом: 30 чел.",
        theme.sequential(1 / 3)[0],
    )
    assert cells["Математика и информатика, икт"][0] == "результатов не выше порога нет"
    assert title(figure) == (
        "Темами групп не закрыто 40 из 160 результатов не выше порога (25 %); больше всего — "
        "«Предметные»: 30 из 100"
    )


def test_all_covered_is_a_title_of_its_own(region):
    said = "Темы групп закрывают все результаты не выше порога (их 100)"
    assert title(figures.uncovered_map(given.ALL_COVERED, region)) == said


# --- the year -----------------------------------------------------------------------------------


def test_a_line_of_the_year_leads_from_the_first_round_to_the_last(region):
    figure = figures.year_progress(given.YEAR, region)
    joint = "Искусство, технология, физическая культура и ОБЖ"
    assert layer(figure, hv.Segments) == [
        (40, -3, 40, -3),
        (55, -1, 100, -1),
        (50, 0, 80, 0),
    ]
    assert layer(figure, hv.Points, theme.PAPER) == [
        (50, 0, "Все предметы, раунд 1", "50,0 %, n = 120"),
        (55, -1, "Начальные классы, раунд 1", "55,0 %, n = 80"),
        (40, -3, f"{joint}, раунд 1", "40,0 %, n = 30"),
    ]
    assert [row[:2] for row in layer(figure, hv.Points, theme.ACCENT)] == [
        (80, 0),
        (100, -1),
        (40, -3),
    ]
    assert layer(figure, hv.Labels) == [(30, -2, "результатов не выше порога нет")]
    assert columns(figure)[0] == {0: "80 %", -1: "100 %", -3: "40 %"}
    assert title(figure) == (
        "За год темы групп закрывают 80 % результатов не выше порога, после первого раунда — 50 % "
        "(n = 120)"
    )


def test_the_programme_adds_up_families_and_can_show_one(region):
    figure = figures.programme(given.PROGRAMME, region)
    cells = {row[4]: row[5] for row in layer(figure, hv.Rectangles)}
    assert cells["Раунд 1, икт"] == "нужна 45 чел. из 51"
    assert cells["Раунд 2, икт"] == "темы нет"
    texts = {plain(text) for rows in layers(figure, hv.Labels) for *_, text in rows}
    assert {"4 группы", "45 чел.", "3 группы", "40 чел.", "1 группа", "12 чел.", "—"} <= texts
    assert title(figure) == "1-й раунд — чаще всего «ИКТ»; 2-й раунд — чаще всего «Предметные»"
    own = figures.programme(given.PROGRAMME, region, family="practical")
    assert row_names(own) == {0: "1-й раунд"}
    assert plain(figures.heading(own).subtitle).startswith("Искусство, технология,")


# --- leaders and other plans --------------------------------------------------------------------


def test_the_load_is_drawn_by_family_and_names_no_leader(region):
    figure = figures.leader_load(given.LEADERS, region)
    free, used = layers(figure, hv.Rectangles)
    assert free == [
        (3, -0.32, 5, 0.32, "Начальные классы", "групп 3 из 5; 2 ведущих", theme.GRID),
        (0, -2.32, 2, -1.68, "Управление", "групп 0 из 2; 1 ведущий", theme.GRID),
    ]
    assert [row[:3] for row in used] == [(0, -0.32, 3), (0, -1.32, 1)]
    assert columns(figure) == [
        {0: "3 из 5", -1: "1 из 1", -2: "0 из 2"},
        {0: "2 ведущих", -1: "1 ведущий", -2: "1 ведущий"},
    ]
    assert not {"a", "b", "c", "d"} & set(bokeh_texts(figure))


def test_a_load_without_a_plan_is_not_told_as_unused(region):
    figure = figures.leader_load(given.LEADERS.assign(groups=0), region)
    assert title(figure) == "Ни одной группы не составлено"
    assert columns(figure)[0] == {0: "0 из 5", -1: "0 из 1", -2: "0 из 2"}


def test_a_point_of_a_size_stands_at_its_groups_and_coverage(region):
    figure = figures.plan_sizes(given.SIZES, region)
    (own,) = layer(figure, hv.Points, theme.ACCENT)
    assert own == (
        20,
        80,
        "В группе 12–25 человек",
        "20 групп, 200 чел.; закрыто 80,0 %, нужных тем 90,0 %; зазор не более 0 %; n = 300",
    )
    others = layer(figure, hv.Points, theme.PAPER)
    assert [row[:2] for row in others] == [(30, 84), (24, 82.5), (16, 77)]
    assert layer(figure, hv.Segments) == [
        (16, 77, 20, 80),
        (20, 80, 24, 82.5),
        (24, 82.5, 30, 84),
    ]
    words = {text for rows in layers(figure, hv.Labels) for *_, text in rows}
    assert words == {"8–15 чел.", "10–20 чел.", "12–25 чел. — в плане", "15–30 чел."}


def test_both_plans_are_judged_both_ways(region):
    figure = figures.plan_variants(given.VARIANTS, region)
    document = layer(figure, hv.Points, theme.PAPER)
    expected = layer(figure, hv.Points, theme.ACCENT)
    assert [row[0] for row in document] == [80, 77]
    assert [row[0] for row in expected] == [66, 71]
    subtitle = plain(figures.heading(figure).subtitle)
    assert "закрытых темами: по правилу документа и ожидаемых истинных" in subtitle
    assert subtitle.endswith("n = 300: предметные группы, где вероятность известна у каждого")
    names = ["План по результату", "План с учётом погрешности"]
    assert [name for _, name in sorted(row_names(figure).items(), reverse=True)] == names


# --- nothing to draw ----------------------------------------------------------------------------


def test_an_empty_figure_says_why(region):
    drawn = {
        "В плане нет людей с известным результатом по компетенциям не выше порога": (
            figures.uncovered_map(given.UNCOVERED[:0], region)
        ),
        "Нет людей с результатом по компетенциям": figures.year_progress(
            given.NO_YEAR.assign(n=0), region
        ),
        "Результатов не выше порога нет": figures.year_progress(given.NO_YEAR, region),
        "Ни одной группы не составлено": figures.programme(given.PROGRAMME[:0], region),
        "Ведущих нет: в таблице «РМА» нет методистов с предметом и нагрузкой": figures.leader_load(
            given.LEADERS[:0], region
        ),
        "Нет таблицы «РМА»: группы составлены без ведущих": figures.leader_load(None, region),
        "Ни одной группы не составлено ": figures.plan_sizes(
            given.SIZES.assign(estimate=0.0), region
        ),
        "Вариант с учётом погрешности не посчитан: вероятность истинного результата не выше "
        "порога не известна полностью ни в одной предметной группе": figures.plan_variants(
            given.VARIANTS[:0], region
        ),
    }
    for why, figure in drawn.items():
        assert " ".join(figure.get(0).dframe()["text"].iloc[0].split()) == why.strip()
