"""Figures: what they say, what they refuse, and that both backends draw them."""

from __future__ import annotations

import io

import holoviews as hv
import numpy as np
import pandas as pd
import pytest
from conftest import CHECKOUT

from nmc_utils import figures, theme
from nmc_utils.regions import read_region


@pytest.fixture(scope="module")
def region():
    return read_region(CHECKOUT / "data", "khakassia")


@pytest.fixture(params=["matplotlib", "bokeh"])
def backend(request):
    figures.use(request.param)
    return request.param


def measure_rows(measure: str, rows: list[dict]) -> pd.DataFrame:
    """Rows of a measure table; what is not given is a known value without an interval."""
    given = {"std_error": np.nan, "ci_low": np.nan, "ci_high": np.nan, "interval_kind": "none"}
    return pd.DataFrame([{"measure": measure, **given, "status": "ok", **row} for row in rows])


def level_rows(region) -> pd.DataFrame:
    """Shares of the lowest level at entry: 0.50 in the region, higher in «Воспитание»."""
    keys = {"procedure": "p", "wave": "entry", "level": region.diagnostics.levels[0].code}
    total = {"municipality": "total", "family": "total", "domain": "total"}
    rows = []
    for domain in region.domain_names:
        share = 0.625 if domain == "upbringing" else 0.5
        size = {"estimate": share, "ci_low": share - 0.1, "ci_high": share + 0.1, "n": 1200}
        rows.append(keys | total | size | {"domain": domain})
        rows += [
            keys | total | size | {"domain": domain, "municipality": code, "n": 40}
            for code in region.municipality_names
        ]
        rows += [
            keys
            | total
            | size
            | {"domain": domain, "family": code, "n": 9 if code == "sport" else 30}
            for code in region.family_names
        ]
    return measure_rows("level_share", rows)


def histogram_rows() -> pd.DataFrame:
    return measure_rows(
        "score_bin_share",
        [
            {
                "procedure": "p",
                "wave": "entry",
                "domain": "total",
                "bin_low": place / 5,
                "bin_high": (place + 1) / 5,
                "estimate": value,
                "n": 200,
            }
            for place, value in enumerate([0.1, 0.2, 0.3, 0.25, 0.15])
        ],
    )


def coverage_rows(region) -> pd.DataFrame:
    places = ["total", *region.municipality_names]
    rows = [
        {"municipality": p, "estimate": 0.1, "n": 12_000 if p == "total" else 900} for p in places
    ]
    return measure_rows("tested_share", rows)


GROUPS = pd.DataFrame(
    {
        "group_id": ["mathematics-01", "primary-01", "primary-02"],
        "family": ["mathematics", "primary", "primary"],
        "topics": [["ict"], ["ict", "subject"], ["ict"]],
        "size": [12, 18, 25],
        "leader_id": ["a", "b", None],
    }
)


def topic_rows(region) -> pd.DataFrame:
    rows = [
        {"group_id": group, "domain": domain.code, "estimate": 7.0, "n": size}
        for group, size in zip(GROUPS["group_id"], GROUPS["size"], strict=True)
        for domain in region.domains
    ]
    return measure_rows("topic_need", rows)


def indicator_rows() -> pd.DataFrame:
    base = {
        "variant": "published",
        "basis": "published",
        "variant_label": "опубликовано документом",
        "comparator": ">=",
        "target": np.nan,
        "target_year": np.nan,
        "n": pd.NA,
    }
    young = {"indicator": "young_support_share", "estimate": 0.45, "target": 0.5}
    judged = {"attainment": "not_attained", "attainment_label": "не достигнут"} | {
        "judgement": "не достигнут",
        "is_within": False,
    }
    mentoring = {"indicator": "mentoring_org_share", "estimate": 0.98}
    unplanned = {
        "attainment": "no_target",
        "attainment_label": "плановое значение не установлено",
    } | {"judgement": "плановое значение не установлено", "is_within": False}
    rows = [base | young | judged | {"target_year": 2023}, base | mentoring | unplanned]
    return measure_rows("indicator_share", rows)


def every_figure(region) -> dict[str, hv.Overlay]:
    shares = level_rows(region)
    return {
        "histogram": figures.score_histogram(histogram_rows(), region),
        "domains": figures.level_shares_by_domain(shares, region),
        "places": figures.level_shares_by_municipality(shares, region, emphasised="abaza"),
        "heat": figures.level_shares_heat(shares, region),
        "sizes": figures.group_sizes(GROUPS, region),
        "topics": figures.group_topics(GROUPS, topic_rows(region), region),
        "families": figures.topics_by_family(GROUPS, region),
        "coverage": figures.coverage_by_municipality(coverage_rows(region), region),
        "indicators": figures.indicator_attainment(indicator_rows(), region),
    }


def bokeh_texts(figure: hv.Overlay) -> list[str]:
    """Everything that a bokeh figure shows as text, hovering included."""
    from bokeh.models import Axis, HoverTool, Text

    plot = hv.render(figure, backend="bokeh")
    texts = [plot.title.text]
    for axis in plot.select(Axis):
        texts += [axis.axis_label or "", *axis.major_label_overrides.values()]
    for renderer in plot.renderers:
        data = renderer.data_source.data
        if isinstance(renderer.glyph, Text):
            texts += list(data[renderer.glyph.text])
        texts += [str(v) for name in ("name", "hint") for v in data.get(name, [])]
    texts += [str(tool.tooltips) for tool in plot.select(HoverTool)]
    return texts


# --- every figure -------------------------------------------------------------------------------


def test_every_figure_is_drawn_on_both_backends(region, backend):
    for name, figure in every_figure(region).items():
        assert hv.render(figure, backend=backend) is not None, name


def test_a_static_picture_is_the_same_bytes_each_time(region):
    figures.use("matplotlib")

    def picture() -> bytes:
        drawn = hv.render(
            figures.level_shares_heat(level_rows(region), region), backend="matplotlib"
        )
        buffer = io.BytesIO()
        drawn.savefig(buffer, format="png", bbox_inches="tight")
        return buffer.getvalue()

    assert picture() == picture()


def test_nothing_on_the_screen_is_a_column_name_or_a_decimal_point(region):
    figures.use("bokeh")
    for name, figure in every_figure(region).items():
        shown = " ".join(bokeh_texts(figure)).replace("@name", "").replace("@hint", "")
        assert not set(shown.split()) & {"estimate", "x", "y", "hint", "level_share"}, name
        assert not any(a.isdigit() and b == "." and c.isdigit() for a, b, c in zip(
            shown, shown[1:], shown[2:], strict=False)), name  # fmt: skip


def test_bokeh_figures_have_no_toolbar_and_fit_their_place(region):
    figures.use("bokeh")
    for name, figure in every_figure(region).items():
        plot = hv.render(figure, backend="bokeh")
        assert plot.toolbar_location is None, name
        assert plot.sizing_mode == "stretch_width", name


def test_hovering_tells_about_every_mark(region):
    from bokeh.models import HoverTool

    figures.use("bokeh")
    for name, figure in every_figure(region).items():
        plot = hv.render(figure, backend="bokeh")
        told = sum(
            len(r.data_source.data["hint"])
            for tool in plot.select(HoverTool)
            for r in tool.renderers
        )
        marks = {"histogram": 5, "domains": 6, "places": 13, "heat": 60}
        marks |= {"sizes": 3, "topics": 15, "families": 10, "coverage": 13, "indicators": 2}
        assert told == marks[name], name


def test_a_title_is_a_finding_with_n_and_interval(region):
    figures.use("bokeh")
    table = level_rows(region)
    table.loc[table["domain"] != "upbringing", ["estimate", "ci_low", "ci_high"]] = [0.3, 0.2, 0.4]
    words = figures.heading(figures.level_shares_by_domain(table, region))
    assert words.title == (
        "Результат ≤ 60 % чаще всего в блоке «Воспитание»: 63\u00a0% (53–73\u00a0%, "
        "n\u00a0=\u00a01\u202f200)"
    )
    assert words.subtitle.endswith("трудность блоков не сопоставлялась")


# --- one by one ---------------------------------------------------------------------------------


def test_three_levels_have_two_cuts_and_three_tones_and_say_where_the_cuts_come_from(region):
    figures.use("bokeh")
    middle = region.diagnostics.levels[0].model_copy(update={"code": "middle", "up_to": 0.8})
    low, high = region.diagnostics.levels
    update = {"levels": (low, middle, high), "document": None, "section": None}
    diagnostics = region.diagnostics.model_copy(update=update)
    other = region.model_copy(update={"diagnostics": diagnostics})
    figure = figures.score_histogram(histogram_rows(), other)
    fills = list(figure.get(0).dframe()["fill"])
    assert fills[:3] == [theme.ACCENT] * 3 and fills[4] == theme.FAINT
    assert fills[3] not in (theme.ACCENT, theme.FAINT)
    assert list(figure.get(1).dframe()["x0"]) == [60, 80]
    assert "порог не установлен документом" in figures.heading(figure).subtitle


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_levels_can_be_told_apart_by_their_colours(count):
    assert len(set(figures.level_colours(count))) == count


def test_texts_of_indicators_never_stand_on_each_other(region):
    figures.use("bokeh")
    rows = indicator_rows().assign(attainment_label="плановое значение не установлено; " * 5)
    figure = figures.indicator_attainment(rows, region)
    texts = [layer.dframe() for layer in figure.values() if isinstance(layer, hv.Labels)]
    lines = pd.concat(texts).assign(high=lambda t: 0.33 * (t["text"].str.count("\n") + 1))
    lines = lines.sort_values("y")
    tops = (lines["y"] + lines["high"]).to_numpy()[:-1]
    assert (tops <= lines["y"].to_numpy()[1:] + 0.05).all()


def test_bars_at_or_below_the_cut_carry_the_accent(region):
    figures.use("bokeh")
    figure = figures.score_histogram(histogram_rows(), region)
    bars = figure.get(0).dframe()
    assert list(bars["fill"]) == [theme.ACCENT] * 3 + [theme.FAINT] * 2
    assert figures.heading(figure).title.startswith(
        "Не выше порога 60\u00a0% — 60\u00a0% прошедших"
    )


def test_municipalities_stand_in_the_official_order_whatever_their_values(region):
    figures.use("bokeh")
    shuffled = level_rows(region).sample(frac=1, random_state=1)
    plot = hv.render(figures.level_shares_by_municipality(shuffled, region), backend="bokeh")
    written = plot.left[0].major_label_overrides
    from_top = [written[y].replace("\n", " ") for y in sorted(written, reverse=True)]
    assert from_top == list(region.municipality_names.values())


def test_the_title_counts_the_intervals_that_hold_the_regional_value(region):
    figures.use("bokeh")
    shares = level_rows(region)
    far = (shares["municipality"] == "abaza") & (shares["domain"] == "total")
    shares.loc[far, ["estimate", "ci_low", "ci_high"]] = [0.9, 0.8, 0.95]
    title = figures.heading(figures.level_shares_by_municipality(shares, region)).title
    assert title.endswith("в интервалах 12 из 13\u00a0муниципалитетов")


def test_small_cells_of_the_heat_map_are_muted_and_do_not_speak_in_the_title(region):
    figures.use("bokeh")
    shares = level_rows(region)
    shares.loc[shares["family"] == "sport", ["estimate", "ci_low", "ci_high"]] = [1.0, 0.7, 1.0]
    figure = figures.level_shares_heat(shares, region)
    cells = figure.get(0).dframe()
    small = cells["name"].str.startswith("Физическая культура")
    assert set(cells.loc[small, "fill"]) == {theme.GRID}
    assert theme.GRID not in set(cells.loc[~small, "fill"])
    assert "Физическая" not in figures.heading(figure).title


def test_a_hidden_value_is_named_and_not_drawn(region):
    figures.use("bokeh")
    shares = level_rows(region)
    hidden = shares["municipality"] == "abaza"
    shares.loc[hidden, ["estimate", "ci_low", "ci_high"]] = np.nan
    shares.loc[hidden, "status"] = "suppressed"
    texts = bokeh_texts(figures.level_shares_by_municipality(shares, region))
    assert texts.count("скрыто") == 1
    assert not any("nan" in text for text in texts)


def test_topics_of_a_group_are_ticked(region):
    figures.use("bokeh")
    figure = figures.group_topics(GROUPS, topic_rows(region), region)
    assert bokeh_texts(figure).count("✓ 7 из 18") == 2
    assert figures.heading(figure).title == "Чаще всего выбрана тема «ИКТ»: в 3 из 3\u00a0групп"


def test_groups_are_named_by_family_and_number_in_the_order_of_the_region(region):
    assert list(figures.group_labels(GROUPS, region).values()) == [
        "Начальные классы, №\u00a01",
        "Начальные классы, №\u00a02",
        "Математика и информатика, №\u00a01",
    ]


def test_a_group_that_lives_on_keeps_its_number(region):
    assert list(figures.group_labels(GROUPS.iloc[[0, 2]], region).values()) == [
        "Начальные классы, №\u00a02",
        "Математика и информатика, №\u00a01",
    ]


def test_a_status_has_a_sign_beside_its_colour(region):
    figures.use("bokeh")
    texts = " ".join(bokeh_texts(figures.indicator_attainment(indicator_rows(), region)))
    assert "× не достигнут; план ≥\u00a050\u00a0%, 2023" in " ".join(texts.split("\n"))
    signs = [mark.sign for mark in theme.ATTAINMENT.values()]
    assert len(set(signs)) == len(signs)


# --- nothing to draw, or not to be drawn ---------------------------------------------------------


def test_an_empty_figure_says_why(region, backend):
    hidden = level_rows(region).assign(estimate=np.nan, status="suppressed")
    nothing = indicator_rows().assign(estimate=np.nan, status="no_data")
    drawn = {
        "Показать нечего: скрыто": figures.level_shares_by_domain(hidden, region),
        "Ни одной группы не составлено": figures.group_sizes(GROUPS[:0], region),
        "Нет показателей-долей с данными за этот период": figures.indicator_attainment(
            nothing, region
        ),
        "Нет данных: таких строк нет в этом издании": figures.score_histogram(
            histogram_rows(), region, wave="exit"
        ),
    }
    for reason, figure in drawn.items():
        assert " ".join(figure.get(0).dframe()["text"].iloc[0].split()) == reason
        assert hv.render(figure, backend=backend) is not None


def test_people_of_two_procedures_are_not_drawn_together(region):
    shares = pd.concat([level_rows(region), level_rows(region).assign(procedure="q")])
    with pytest.raises(ValueError, match="one procedure; the frame has p, q"):
        figures.level_shares_by_domain(shares, region)


def test_an_unknown_level_or_backend_is_refused(region):
    with pytest.raises(ValueError, match="level «low»; allowed: at_or_below, above"):
        figures.level_shares_heat(level_rows(region), region, level="low")
    with pytest.raises(ValueError, match="backend «plotly»"):
        figures.use("plotly")


def test_a_share_near_the_edge_is_not_rounded_to_it():
    assert [figures.share(value) for value in (0, 0.004, 0.126, 0.996, 1)] == [
        "0\u00a0%",
        "0,4\u00a0%",
        "13\u00a0%",
        "99,6\u00a0%",
        "100\u00a0%",
    ]


def test_an_overlay_of_one_s_own_shows_itself_beside_those_made_here():
    figures.use("matplotlib")
    shown, _ = (hv.Curve([1, 2]) * hv.Scatter([1, 2]))._repr_mimebundle_()
    assert list(shown) == ["image/png"] and shown["image/png"].startswith(b"\x89PNG")
