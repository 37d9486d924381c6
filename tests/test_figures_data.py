"""Figures: the numbers and words in their layers, against tables whose answers are known."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import pandas as pd
import pytest
from conftest import CHECKOUT
from test_figures import measure_rows

from nmc_utils import figures, theme
from nmc_utils.regions import Region, read_region

KEYS = {"procedure": "p", "wave": "entry", "level": "at_or_below"}
WHOLE = {"municipality": "total", "family": "total", "domain": "total"}


@pytest.fixture(scope="module")
def region() -> Region:
    return read_region(CHECKOUT / "data", "khakassia")


@pytest.fixture(autouse=True)
def bokeh() -> None:
    figures.use("bokeh")


# --- reading a figure ---------------------------------------------------------------------------

_COLOUR = {hv.Segments: "line_color", hv.Points: "fill_color", hv.Labels: "text_color"}


def plain(value: Any) -> Any:
    """A text with ordinary spaces, a number without the dust of floating point."""
    if isinstance(value, str):
        for space in ("\u00a0", "\u202f", "\n"):
            value = value.replace(space, " ")
        return value.strip("\u2007")
    return round(float(value), 6)


def layers(figure: hv.Overlay, kind: type, colour: str | None = None) -> list[list[tuple]]:
    """Rows of each layer of one kind, and of one colour if given, in the order of its columns."""
    found = []
    for layer in figure:
        style = hv.Store.lookup_options("bokeh", layer, "style").kwargs
        if type(layer) is kind and (colour is None or style[_COLOUR[kind]] == colour):
            rows = layer.dframe().itertuples(index=False)
            found.append([tuple(plain(value) for value in row) for row in rows])
    return found


def layer(figure: hv.Overlay, kind: type, colour: str | None = None) -> list[tuple]:
    """Rows of the only such layer."""
    (rows,) = layers(figure, kind, colour)
    return rows


def columns(figure: hv.Overlay) -> list[dict[float, str]]:
    """Texts of each column to the right of a figure, by the height they stand at."""
    return [
        {plain(y): plain(axis.major_label_overrides[y]) for y in axis.ticker.ticks}
        for axis in hv.render(figure, backend="bokeh").right
    ]


def row_names(figure: hv.Overlay) -> dict[float, str]:
    axis = hv.render(figure, backend="bokeh").left[0]
    return {plain(y): plain(text) for y, text in axis.major_label_overrides.items()}


def title(figure: hv.Overlay) -> str:
    return plain(figures.heading(figure).title)


def level_row(estimate: float, low: float, high: float, n: int, **keys: str) -> dict[str, Any]:
    bounds = {"estimate": estimate, "ci_low": low, "ci_high": high, "n": n}
    return KEYS | WHOLE | bounds | keys


# --- dots ---------------------------------------------------------------------------------------


def test_domains_stand_at_their_per_cents_with_their_own_intervals(region):
    rows = [
        level_row(0.7, 0.61, 0.78, 150, domain="ict"),
        level_row(0.4, 0.35, 0.46, 1200),
        level_row(0.25, 0.2, 0.31, 400, domain="subject"),
        level_row(0.9, 0.85, 0.95, 77, domain="subject", wave="exit"),
        level_row(0.8, 0.75, 0.85, 78, domain="subject", level="above"),
        level_row(0.1, 0.05, 0.15, 79, domain="subject", municipality="abaza"),
        level_row(0.2, 0.15, 0.25, 80, domain="subject", family="primary"),
    ]
    figure = figures.level_shares_by_domain(measure_rows("level_share", rows), region)
    assert layer(figure, hv.Points) == [
        (40, 0, "Весь тест", "40,0 % (35,0–46,0 %), n = 1 200"),
        (25, -1.3, "Предметные", "25,0 % (20,0–31,0 %), n = 400"),
        (70, -5.3, "ИКТ", "70,0 % (61,0–78,0 %), n = 150"),
    ]
    assert layer(figure, hv.Segments) == [
        (35, 0, 46, 0),
        (20, -1.3, 31, -1.3),
        (61, -5.3, 78, -5.3),
    ]
    assert row_names(figure) == {0: "Весь тест", -1.3: "Предметные", -5.3: "ИКТ"}
    assert columns(figure) == [
        {0: "40 %", -1.3: "25 %", -5.3: "70 %"},
        {0: "n = 1 200", -1.3: "n = 400", -5.3: "n = 150"},
    ]


@pytest.fixture
def places() -> pd.DataFrame:
    """The region at 0.4; Сорск lies above it, Черногорск is hidden."""
    hidden = level_row(float("nan"), float("nan"), float("nan"), 4, municipality="chernogorsk")
    rows = [
        level_row(0.65, 0.52, 0.76, 60, municipality="sorsk"),
        level_row(0.3, 0.18, 0.45, 45, municipality="abaza"),
        level_row(0.4, 0.37, 0.43, 1105),
        level_row(0.42, 0.38, 0.47, 1000, municipality="abakan"),
        hidden | {"status": "suppressed"},
    ]
    return measure_rows("level_share", rows)


def test_municipalities_stand_at_their_per_cents_with_their_own_intervals(region, places):
    figure = figures.level_shares_by_municipality(places, region)
    assert layer(figure, hv.Points) == [
        (42, 0, "Абакан", "42,0 % (38,0–47,0 %), n = 1 000"),
        (30, -1, "Абаза", "30,0 % (18,0–45,0 %), n = 45"),
        (65, -3, "Сорск", "65,0 % (52,0–76,0 %), n = 60"),
    ]
    assert layer(figure, hv.Segments, theme.ACCENT_SOFT) == [
        (38, 0, 47, 0),
        (18, -1, 45, -1),
        (52, -3, 76, -3),
    ]
    # The axis ends at 80: the hidden value is named at its hundredth, in its own row.
    assert layer(figure, hv.Labels, theme.MUTED) == [(0.8, -4, "скрыто")]
    assert columns(figure) == [
        {0: "42 %", -1: "30 %", -3: "65 %"},
        {0: "n = 1 000", -1: "n = 45", -3: "n = 60"},
    ]


def test_the_regional_value_is_a_line_through_every_row(region, places):
    figure = figures.level_shares_by_municipality(places, region)
    assert layer(figure, hv.Segments, theme.CONTRAST) == [(40, -4.6, 40, 0.6)]
    assert layer(figure, hv.Labels, theme.CONTRAST) == [(40, 0.66, "регион 40 %")]
    assert title(figure) == (
        "Результат ≤ 60 % по региону: 40,0 % (37,0–43,0 %), n = 1 105; "
        "это значение лежит в интервалах 2 из 3 муниципалитетов"
    )


def test_only_the_emphasised_municipality_keeps_the_accent(region, places):
    figure = figures.level_shares_by_municipality(places, region, emphasised="abaza")
    assert [row[:3] for row in layer(figure, hv.Points, theme.ACCENT)] == [(30, -1, "Абаза")]
    assert [row[2] for row in layer(figure, hv.Points, theme.MUTED)] == ["Абакан", "Сорск"]
    assert layer(figure, hv.Segments, theme.ACCENT_SOFT) == [(18, -1, 45, -1)]
    assert layer(figure, hv.Segments, theme.FAINT) == [(38, 0, 47, 0), (52, -3, 76, -3)]


def test_coverage_counts_the_tested_among_the_staff(region):
    rows = [
        {"municipality": "sorsk", "estimate": 0.05, "n": 200},
        {"municipality": "total", "estimate": 0.125, "n": 9600},
        {"municipality": "abakan", "estimate": 0.15, "n": 4000},
    ]
    figure = figures.coverage_by_municipality(measure_rows("tested_share", rows), region)
    assert title(figure) == "Диагностику прошли 1 200 из 9 600 чел.: 12,5 %"
    assert layer(figure, hv.Points) == [
        (15, 0, "Абакан", "15,0 %, n = 4 000"),
        (5, -3, "Сорск", "5,0 %, n = 200"),
    ]
    # No interval is given, so that the only line is that of the region.
    assert layer(figure, hv.Segments) == [(12.5, -3.6, 12.5, 0.6)]
    assert layer(figure, hv.Labels) == [(12.5, 0.66, "регион 12,5 %")]
    assert columns(figure) == [{0: "15,0 %", -3: "5,0 %"}, {0: "n = 4 000", -3: "n = 200"}]


def test_a_static_picture_has_the_same_columns(region, places):
    figure = figures.level_shares_by_municipality(places, region)
    expected = [pair for column in columns(figure) for pair in column.items()]
    figures.use("matplotlib")
    static = figures.level_shares_by_municipality(places, region)
    axes = hv.render(static, backend="matplotlib").axes[0]
    drawn = [(plain(t.xy[1]), plain(t.get_text())) for t in axes.texts if hasattr(t, "xy")]
    assert drawn[: len(expected)] == expected


# --- histogram ----------------------------------------------------------------------------------


def test_a_bar_is_as_high_as_its_share_and_as_wide_as_its_bin(region):
    bins = [
        (0.625, 1.0, 0.4, "entry", "total"),
        (0.0, 0.25, 0.04, "entry", "total"),
        (0.6, 0.625, 0.2, "entry", "total"),
        (0.25, 0.6, 0.36, "entry", "total"),
        (0.0, 0.5, 0.9, "exit", "total"),
        (0.0, 0.5, 0.8, "entry", "ict"),
    ]
    names = ["bin_low", "bin_high", "estimate", "wave", "domain"]
    rows = [dict(zip(names, row, strict=True)) | {"procedure": "p", "n": 50} for row in bins]
    figure = figures.score_histogram(measure_rows("score_bin_share", rows), region)
    of = "% максимального балла"
    below, above = theme.ACCENT, theme.FAINT
    assert layer(figure, hv.Rectangles) == [
        (0, 0, 25, 4, f"0–25 {of}", "4,0 %, n = 50", below),
        (25, 0, 60, 36, f"25–60 {of}", "36,0 %, n = 50", below),
        (60, 0, 62.5, 20, f"60–62,5 {of}", "20,0 %, n = 50", above),
        (62.5, 0, 100, 40, f"62,5–100 {of}", "40,0 %, n = 50", above),
    ]
    ((x0, y0, x1, y1),) = layer(figure, hv.Segments)
    assert (x0, y0, x1) == (60, 0, 60)
    assert y1 > 40
    assert [row[2] for row in layer(figure, hv.Labels)] == ["порог 60 %"]


# --- heat maps ----------------------------------------------------------------------------------


def test_a_cell_tells_its_own_share_and_size_and_a_small_one_is_muted(region):
    rows = [
        level_row(0.25, 0.2, 0.31, 200, family="primary"),
        level_row(0.9, 0.8, 0.95, 90, family="primary", domain="ict"),
        level_row(0.5, 0.2, 0.8, 10, family="russian"),
        level_row(0.75, 0.4, 0.9, 9, family="russian", domain="ict"),
        level_row(0.33, 0.3, 0.36, 300, domain="ict"),
        level_row(0.66, 0.6, 0.7, 50, family="primary", municipality="abaza"),
    ]
    figure = figures.level_shares_heat(measure_rows("level_share", rows), region)
    assert sorted(layer(figure, hv.Rectangles)) == sorted(
        [
            (-0.5, -0.5, 0.5, 0.5, "Начальные классы, весь тест")
            + ("25,0 % (20,0–31,0 %), n = 200", theme.SEQUENTIAL[1]),
            (4.5, -0.5, 5.5, 0.5, "Начальные классы, икт")
            + ("90,0 % (80,0–95,0 %), n = 90", theme.SEQUENTIAL[6]),
            (-0.5, -2.5, 0.5, -1.5, "Русский язык и литература, весь тест")
            + ("50,0 % (20,0–80,0 %), n = 10", theme.SEQUENTIAL[3]),
            (4.5, -2.5, 5.5, -1.5, "Русский язык и литература, икт")
            + ("75,0 % (40,0–90,0 %), n = 9", theme.GRID),
        ]
    )
    # Shares above, sizes below, in the ink that can be read on the cell.
    assert layers(figure, hv.Labels, theme.INK) == [
        [(0, 0.17, "25 %"), (0, -1.83, "50 %")],
        [(0, -0.22, "n = 200"), (0, -2.22, "n = 10")],
    ]
    assert layers(figure, hv.Labels, theme.PAPER) == [[(5, 0.17, "90 %")], [(5, -0.22, "n = 90")]]
    assert layers(figure, hv.Labels, theme.MUTED) == [[(5, -1.83, "75 %")], [(5, -2.22, "n = 9")]]


# --- groups -------------------------------------------------------------------------------------

GROUPS = pd.DataFrame(
    {
        "group_id": ["mathematics-01", "primary-01", "primary-02", "primary-03", "russian-01"],
        "family": ["mathematics", "primary", "primary", "primary", "russian"],
        "topics": [["ict"], ["ict", "subject"], ["ict"], ["subject"], []],
        "size": [12, 18, 25, 21, 15],
    }
)


def test_pieces_of_a_bar_follow_one_another_and_columns_add_them_up(region):
    figure = figures.group_sizes(GROUPS, region)
    fill = theme.ACCENT
    assert layer(figure, hv.Rectangles) == [
        (0, -0.32, 18, 0.32, "Начальные классы, № 1", "18 чел.", fill),
        (18, -0.32, 43, 0.32, "Начальные классы, № 2", "25 чел.", fill),
        (43, -0.32, 64, 0.32, "Начальные классы, № 3", "21 чел.", fill),
        (0, -1.32, 15, -0.68, "Русский язык и литература, № 1", "15 чел.", fill),
        (0, -2.32, 12, -1.68, "Математика и информатика, № 1", "12 чел.", fill),
    ]
    assert layer(figure, hv.Labels) == [
        (9, 0, "18"),
        (30.5, 0, "25"),
        (53.5, 0, "21"),
        (7.5, -1, "15"),
        (6, -2, "12"),
    ]
    assert columns(figure) == [
        {0: "64 чел.", -1: "15 чел.", -2: "12 чел."},
        {0: "3 группы", -1: "1 группа", -2: "1 группа"},
    ]
    assert row_names(figure) == {
        0: "Начальные классы",
        -1: "Русский язык и литература",
        -2: "Математика и информатика",
    }
    assert title(figure) == "5 групп, 91 чел.: в группе от 12 до 25 человек"


def test_topics_of_a_group_tell_how_many_of_it_need_them(region):
    needs = [
        ("mathematics-01", "ict", 11, 12),
        ("mathematics-01", "subject", 2, 12),
        ("primary-01", "ict", 16, 18),
        ("primary-01", "subject", 14, 18),
        ("primary-02", "subject", 3, 25),
        ("primary-02", "ict", 20, 25),
    ]
    names = ["group_id", "domain", "estimate", "n"]
    rows = [dict(zip(names, row, strict=True)) for row in needs]
    figure = figures.group_topics(GROUPS, measure_rows("topic_need", rows), region)
    # Domains: 0 is «Предметные», 4 is «ИКТ»; rows: −4 is mathematics, after three and russian.
    assert layer(figure, hv.Labels, theme.PAPER) == [
        (4, -4, "✓ 11 из 12"),
        (4, 0, "✓ 16 из 18"),
        (0, 0, "✓ 14 из 18"),
        (4, -1, "✓ 20 из 25"),
    ]
    assert layer(figure, hv.Labels, theme.MUTED) == [(0, -4, "2 из 12"), (0, -1, "3 из 25")]
    need, cells = "тема нужна", layer(figure, hv.Rectangles)
    assert [cell[4:] for cell in cells] == [
        ("Математика и информатика, № 1, икт", f"{need}: 11 из 12; выбрана", theme.ACCENT),
        ("Математика и информатика, № 1, предметные", f"{need}: 2 из 12; не выбрана")
        + (theme.SEQUENTIAL[0],),
        ("Начальные классы, № 1, икт", f"{need}: 16 из 18; выбрана", theme.ACCENT),
        ("Начальные классы, № 1, предметные", f"{need}: 14 из 18; выбрана", theme.ACCENT),
        ("Начальные классы, № 2, предметные", f"{need}: 3 из 25; не выбрана")
        + (theme.SEQUENTIAL[0],),
        ("Начальные классы, № 2, икт", f"{need}: 20 из 25; выбрана", theme.ACCENT),
    ]
    assert [cell[:4] for cell in cells[:2]] == [(3.5, -4.5, 4.5, -3.5), (-0.5, -4.5, 0.5, -3.5)]
    assert title(figure) == "Чаще всего выбрана тема «ИКТ»: в 3 из 5 групп"


def test_topics_of_a_family_count_its_groups(region):
    figure = figures.topics_by_family(GROUPS, region)
    words = {(x, y): text for rows in layers(figure, hv.Labels) for x, y, text in rows}
    # Rows in the order of the region, only families that have groups.
    assert words == {
        **{(x, 0): f"{k} из 3" for x, k in enumerate([2, 0, 0, 0, 2])},
        **{(x, -1): "0 из 1" for x in range(5)},
        **{(x, -2): f"{k} из 1" for x, k in enumerate([0, 0, 0, 0, 1])},
    }
    cells = {row[4]: row for row in layer(figure, hv.Rectangles)}
    chosen, shades = "тема выбрана в группах", theme.SEQUENTIAL
    assert cells["Начальные классы, икт"][:4] == (3.5, -0.5, 4.5, 0.5)
    assert cells["Начальные классы, икт"][5:] == (f"{chosen}: 2 из 3", shades[4])
    assert cells["Русский язык и литература, икт"][5:] == (f"{chosen}: 0 из 1", shades[0])
    assert cells["Математика и информатика, икт"][5:] == (f"{chosen}: 1 из 1", shades[6])
    assert title(figure) == "Чаще всего выбрана тема «ИКТ»: в 3 из 5 групп"


# --- indicators ---------------------------------------------------------------------------------


def test_an_indicator_has_its_value_interval_target_and_status(region):
    names = {indicator.id: indicator.name for indicator in region.indicators}
    given = {"comparator": ">=", "target": float("nan"), "target_year": float("nan")}
    records = {"variant": "records", "basis": "recorded", "variant_label": "по журналу"}
    published = {"variant": "published", "basis": "published", "variant_label": "по отчёту"}
    rows = [
        given
        | published
        | {"indicator": "young_support_share", "estimate": 0.45, "n": pd.NA}
        | {"attainment": "not_attained", "attainment_label": "не достигнут"}
        | {"judgement": "не достигнут", "is_within": False}
        | {"target": 0.5, "target_year": 2023},
        given
        | records
        | {"indicator": "young_support_share", "estimate": 0.62, "ci_low": 0.54, "ci_high": 0.71}
        | {"n": 80, "attainment": "attained", "attainment_label": "достигнут"}
        | {"judgement": "достигнут", "is_within": False}
        | {"target": 0.5, "target_year": 2023},
        given
        | published
        | {"indicator": "mentoring_org_share", "estimate": 0.98, "n": pd.NA}
        | {"attainment": "no_target", "attainment_label": "план не установлен"}
        | {"judgement": "план не установлен", "is_within": False},
    ]
    figure = figures.indicator_attainment(measure_rows("indicator_share", rows), region)
    marks = theme.ATTAINMENT
    found = {code: layers(figure, hv.Points, mark.colour) for code, mark in marks.items()}
    ((failed,),), ((reached,),) = found["not_attained"], found["attained"]
    ((unplanned,),) = found["no_target"]
    y = [row[1] for row in (failed, reached, unplanned)]
    assert 0 > y[0] > y[1] > y[2]
    assert [row[0] for row in (failed, reached, unplanned)] == [45, 62, 98]
    assert failed[3] == "по отчёту: 45 %, n не указано; не достигнут"
    assert reached[3] == "по журналу (записи издания): 62,0 % (54,0–71,0 %), n = 80; достигнут"
    assert unplanned[3] == "по отчёту: 98 %, n не указано; план не установлен"
    young, mentoring = names["young_support_share"], names["mentoring_org_share"]
    assert [row[2] for row in (failed, reached, unplanned)] == [young, young, mentoring]
    assert layer(figure, hv.Segments, theme.ACCENT_SOFT) == [(54, y[1], 71, y[1])]
    ticks = layer(figure, hv.Segments, theme.INK)
    assert [(x0, x1) for x0, _, x1, _ in ticks] == [(50, 50), (50, 50)]
    assert [plain((y0 + y1) / 2) for _, y0, _, y1 in ticks] == y[:2]
    assert columns(figure) == [{y[0]: "45 %", y[1]: "62 %", y[2]: "98 %"}]
    words = {code: layers(figure, hv.Labels, mark.colour) for code, mark in marks.items()}
    assert [words[code][0][0][2] for code in ("not_attained", "attained", "no_target")] == [
        "× не достигнут; план ≥ 50 %, 2023 · по отчёту",
        "✓ достигнут; план ≥ 50 %, 2023 · по журналу (записи издания)",
        "– план не установлен · по отчёту",
    ]
