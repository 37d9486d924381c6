"""Figures of certainty and change: the numbers and words in their layers, on both backends."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import pandas as pd
import pytest
from conftest import CHECKOUT
from test_figures import bokeh_texts, histogram_rows
from test_figures_data import columns, layer, layers, row_names, title
from test_findings_measurement import added, move_rows, one, plain, table, unknown

from nmc_utils import figures, theme
from nmc_utils.measures.entry_exit import NOT_LINKED, migration
from nmc_utils.regions import Region, read_region

ENTRY = {"procedure": "p", "wave": "entry"}
LOWEST = ENTRY | {"level": "at_or_below"}
WHOLE = {"municipality": "total", "family": "total"}
BANDS = pd.DataFrame(
    [ENTRY | {"domain": "total", "level": "at_or_below", "cut": 0.6, "band_low": 0.52}]
).assign(band_high=0.66)


@pytest.fixture(scope="module")
def region() -> Region:
    return read_region(CHECKOUT / "data", "khakassia")


@pytest.fixture(autouse=True)
def bokeh() -> None:
    figures.use("bokeh")


def shares() -> pd.DataFrame:
    return table(
        one("level_share", 0.45, 0.42, 0.48, 1000, domain="total", **LOWEST, **WHOLE),
        one("level_share", 0.3, 0.25, 0.35, 1000, domain="ict", **LOWEST, **WHOLE),
    )


def certainty() -> pd.DataFrame:
    return table(
        one("true_level_share", 0.4, 0.38, 0.42, 960, domain="total", **LOWEST),
        one("true_level_share", 0.28, 0.26, 0.31, 960, domain="ict", **LOWEST),
    )


def places() -> pd.DataFrame:
    where = {"family": "total", "domain": "total"} | LOWEST
    return table(
        one("level_share", 0.4, 0.37, 0.43, 1021, municipality="total", **where),
        one("level_share", 0.42, 0.38, 0.47, 1000, municipality="abakan", **where),
        one("level_share", 0.0, 0.0, 0.15, 21, municipality="sorsk", **where),
    )


def small_areas() -> pd.DataFrame:
    where = {"family": "total", "domain": "total"} | LOWEST
    return table(
        one("small_area_share", 0.41, 0.38, 0.46, 1000, municipality="abakan", **where),
        one("small_area_share", 0.17, 0.04, 0.36, 21, municipality="sorsk", **where),
    )


def at_cut(estimate: float = 0.23) -> pd.DataFrame:
    keys = LOWEST | {"domain": "total"}
    return table(one("false_deficit_share", estimate, 0.212, 0.261, 1200, **keys))


def reliabilities() -> pd.DataFrame:
    rows = table(
        one("reliability", 0.71, 0.6, 0.8, 1200, **ENTRY, domain="ict"),
        one("reliability", 0.9, 0.87, 0.93, 1200, **ENTRY, domain="total"),
    )
    return rows.assign(source="расчёт")


def forms() -> pd.DataFrame:
    rows = table(
        one("reliability", 0.88, 0.8, 0.93, 120, **ENTRY, domain="total", form="A"),
        one("reliability", 0.92, 0.9, 0.95, 80, **ENTRY, domain="total", form="B"),
        one("reliability", 0.92, 0.9, 0.95, 12, **ENTRY, domain="total", form="C"),
    )
    few = "форму прошли 12 чел."
    return pd.concat([rows[:2], unknown(rows[2:], "not_assessed", few)], ignore_index=True)


def errors() -> pd.DataFrame:
    rows = [
        one("score_error", error, np.nan, np.nan, 500, **ENTRY, domain="total", score_share=share)
        for share, error in [(1.0, 0.0), (0.0, 0.0), (0.5, 0.1)]
    ]
    return table(*rows)


def values() -> pd.DataFrame:
    parts = [added(ict=0.15, subject=-0.1)]
    for name, ict, subject in (
        ("reliability", 0.75, 0.7),
        ("prmse_total", 0.6, 0.8),
        ("prmse_augmented", 0.8, 0.85),
    ):
        both = added(ict=ict, subject=subject)
        parts.append(both.assign(measure=name))
    return pd.concat(parts, ignore_index=True)


def items() -> pd.DataFrame:
    """Three linked items at −1, 0 and 1 logit; by symmetry half are expected right at 0."""
    rows = pd.DataFrame({"item": ["i-1", "i-2", "i-3"], "b": [-1.0, 0.0, 1.0]})
    about = {"domain": "ict", "model": "1pl", "a": 1.0, "b_se": 0.25, "n": 300, "note": None}
    return rows.assign(forms=["A", "A, B", "B"], **ENTRY, **about)


def bank() -> pd.DataFrame:
    keys = ENTRY | {"domain": "ict"}
    return table(
        one("bank_mean", 0.62, 0.58, 0.66, 100, **keys, form="A", raw_mean=0.7),
        one("bank_mean", 0.6, 0.56, 0.64, 120, **keys, form="B", raw_mean=0.5),
    )


def changes() -> pd.DataFrame:
    rows = []
    for domain, observed in (("total", 0.05), ("ict", -0.012)):
        keys = {"procedure": "p", "domain": domain}
        rows += [
            one("observed_change", observed, observed - 0.01, observed + 0.01, 500, **keys),
            one("expected_change", 0.002, 0.001, 0.003, 500, **keys),
            one("net_change", observed - 0.002, observed - 0.012, observed + 0.008, 500, **keys),
        ]
    return table(*rows)


def every_figure(region: Region) -> dict[str, hv.Overlay]:
    return {
        "histogram": figures.score_histogram(histogram_rows(), region, bands=BANDS),
        "places": figures.level_shares_by_municipality(places(), region, small_areas=small_areas()),
        "both": figures.levels_both_ways(shares(), certainty(), region),
        "hundred": figures.hundred(at_cut(), region),
        "reliability": figures.reliability_by_domain(reliabilities(), region),
        "forms": figures.reliability_by_form(forms(), region),
        "errors": figures.error_along_scale(errors(), BANDS, region),
        "subscores": figures.subscore_value(values(), region),
        "items": figures.item_map(items(), region, domain="ict"),
        "bank": figures.bank_means(bank(), region, domain="ict"),
        "changes": figures.changes_by_domain(changes(), region),
        "migration": figures.migration(move_rows(), region),
    }


# --- every figure -------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["matplotlib", "bokeh"])
def test_every_figure_is_drawn_on_both_backends(region, backend):
    figures.use(backend)
    for name, figure in every_figure(region).items():
        assert hv.render(figure, backend=backend) is not None, name


def test_nothing_on_the_screen_is_a_column_name_or_a_missing_number(region):
    for name, figure in every_figure(region).items():
        shown = " ".join(bokeh_texts(figure)).replace("@name", "").replace("@hint", "")
        for word in ("nan", "None", "prmse_", "at_or_below", "net_change"):
            assert word not in shown, (name, word)


def test_every_number_of_a_title_has_its_n(region):
    for name, figure in every_figure(region).items():
        if any(character.isdigit() for character in title(figure)):
            assert "n =" in title(figure), name


# --- one by one ---------------------------------------------------------------------------------


def test_the_band_is_shaded_either_side_of_the_cut_and_named_once(region):
    figure = figures.score_histogram(histogram_rows(), region, bands=BANDS)
    shaded = layers(figure, hv.Rectangles)[0]
    assert [(row[0], row[2]) for row in shaded] == [(52, 66)]
    assert shaded[0][4:6] == ("Пограничные результаты", "52,0–66,0 %")
    texts = [row[2] for rows in layers(figure, hv.Labels) for row in rows]
    assert texts == ["пограничные", "порог 60 %"]
    without = figures.score_histogram(histogram_rows(), region, wave="entry", bands=BANDS[:0])
    assert len(layers(without, hv.Rectangles)) == 1


def test_small_areas_have_the_dot_and_the_document_the_open_mark(region):
    figure = figures.level_shares_by_municipality(places(), region, small_areas=small_areas())
    drawn, own = layers(figure, hv.Points)
    assert drawn == [
        (41, 0, "Абакан", "41,0 % (38,0–46,0 %), n = 1 000"),
        (17, -3, "Сорск", "17,0 % (4,0–36,0 %), n = 21"),
    ]
    assert [row[:2] for row in own] == [(42, 0), (0, -3)]
    assert layer(figure, hv.Segments, theme.ACCENT_SOFT) == [(38, 0, 46, 0), (4, -3, 36, -3)]
    assert "малый круг — по правилу документа" in plain(figures.heading(figure).subtitle)


def test_both_shares_of_a_competence_stand_below_each_other(region):
    figure = figures.levels_both_ways(shares(), certainty(), region)
    ruled, counted = layers(figure, hv.Points)
    assert [row[:2] for row in ruled] == [(45, 0), (30, -2.5)]
    assert [row[:2] for row in counted] == [(40, -1), (28, -3.5)]
    assert row_names(figure) == {-0.5: "Весь тест", -3.0: "ИКТ"}
    assert columns(figure)[0] == {0: "45 %", -1: "40 %", -2.5: "30 %", -3.5: "28 %"}
    assert columns(figure)[1][-1] == "с учётом погрешности"


@pytest.mark.parametrize(("share", "count"), [(0.234, 23), (0.0, 0), (1.0, 100)])
def test_so_many_of_a_hundred_are_outlined(region, share, count):
    rows = at_cut().assign(estimate=share, ci_low=np.nan, ci_high=np.nan)
    figure = figures.hundred(rows, region)
    (bodies,) = layers(figure, hv.Rectangles)
    assert len(bodies) == 100
    assert [row[6] for row in bodies].count(theme.PAPER) == count
    assert len({row[:4] for row in bodies}) == 100
    heads = [row for part in layers(figure, hv.Points) for row in part]
    told = [row[3] for row in heads].count("истинный результат выше порога")
    assert (len(heads), told) == (100, count)


def test_what_an_interval_leaves_out_stands_below_the_title(region):
    note = "без погрешности надёжности"
    heading = figures.heading(figures.hundred(at_cut().assign(note=note), region))
    assert note not in heading.title and heading.subtitle.endswith(f"; {note}")


def test_reliability_is_on_its_own_scale(region):
    figure = figures.reliability_by_domain(reliabilities(), region)
    assert [row[:3] for row in layer(figure, hv.Points)] == [
        (0.9, 0, "Весь тест"),
        (0.71, -1.2, "ИКТ"),
    ]
    assert columns(figure)[0] == {0: "0,90", -1.2: "0,71"}
    assert title(figure) == "Надёжность результата всего теста — 0,90 (0,87–0,93, n = 1 200)"


def test_a_form_of_few_is_named_without_a_number_and_the_reason_told(region):
    figure = figures.reliability_by_form(forms(), region)
    assert [row[2] for row in layer(figure, hv.Points)] == ["A", "B"]
    assert [row[2] for row in layer(figure, hv.Labels)] == ["не оценивалось"]
    assert title(figure).endswith("от 0,88 до 0,92 у 2 форм, n = 200")
    assert figures.heading(figure).subtitle.endswith("форму прошли 12 чел.")


def test_the_error_is_drawn_through_its_values_in_their_order(region):
    figure = figures.error_along_scale(errors(), BANDS, region)
    assert layer(figure, hv.Segments, theme.ACCENT) == [(0, 0, 50, 10), (50, 10, 100, 0)]
    assert title(figure) == "Стандартная ошибка результата у порога 60 % — 8,0 п.п. (n = 500)"


def test_subscores_keep_their_three_predictions_apart(region):
    figure = figures.subscore_value(values(), region)
    assert columns(figure)[0] == {
        0: "0,70",
        -1: "0,80",
        -2: "0,85",
        -3.5: "0,75",
        -4.5: "0,60",
        -5.5: "0,80",
    }
    assert row_names(figure) == {-1: "Предметные", -4.5: "ИКТ"}


def test_items_stand_from_the_hardest_and_the_cut_where_its_share_is_expected(region):
    levels = (region.diagnostics.levels[0].model_copy(update={"up_to": 0.5}),)
    levels += region.diagnostics.levels[1:]
    half = region.model_copy(
        update={"diagnostics": region.diagnostics.model_copy(update={"levels": levels})}
    )
    figure = figures.item_map(items(), half, domain="ict")
    assert [row[::2] for row in layer(figure, hv.Points)] == [(1, "i-3"), (0, "i-2"), (-1, "i-1")]
    assert layer(figure, hv.Segments, theme.ACCENT_SOFT)[0][::2] == (0.51, 1.49)
    assert [row[0] for row in layer(figure, hv.Segments, theme.CONTRAST)] == [0]
    assert "1 из 3 легче точки" in title(figure)
    higher = figures.item_map(items(), region, domain="ict")
    assert layer(higher, hv.Segments, theme.CONTRAST)[0][0] > 0.3


def test_items_of_forms_that_are_not_linked_have_no_common_map(region):
    apart = items().assign(forms=["A", "A", "B"])
    figure = figures.item_map(apart, region, domain="ict")
    assert "Несопоставимо" in " ".join(bokeh_texts(figure))
    chosen = figures.item_map(apart, region, domain="ict", form="A")
    assert [row[2] for row in layer(chosen, hv.Points)] == ["i-2", "i-1"]


def test_forms_of_a_bank_stand_beside_their_raw_means(region):
    figure = figures.bank_means(bank(), region, domain="ict")
    raw, linked = layers(figure, hv.Points)
    assert [row[0] for row in raw] == [70, 50]
    assert [row[0] for row in linked] == [62, 60]
    assert "20,0 п.п. по своим заданиям, 2,0 п.п. по всему банку (n = 220)" in title(figure)


def test_change_may_be_below_nothing_and_the_line_of_nothing_is_drawn(region):
    figure = figures.changes_by_domain(changes(), region)
    assert layer(figure, hv.Segments, theme.FAINT)[0][::2] == (0, 0)
    beyond = layers(figure, hv.Points)[-1]
    assert [row[:3] for row in beyond] == [(4.8, -2, "Весь тест"), (-1.4, -5.5, "ИКТ")]
    assert columns(figure)[0][-5.5] == "−1,4" and columns(figure)[0][0] == "+5,0"
    low = hv.render(figure, backend="bokeh").x_range.start
    assert low < -2.4  # the interval of «ИКТ» ends at −2.4


def test_moves_across_each_cut_are_drawn_and_those_who_stayed_are_not(region):
    rows = move_rows()
    stayed = rows.assign(to_level=rows["from_level"], estimate=1 - rows["estimate"])
    figure = figures.migration(pd.concat([rows, stayed]), region)
    seen, expected = layers(figure, hv.Points)
    assert [row[0] for row in seen] == [36, 2]
    assert [row[0] for row in expected] == [16, 9]
    assert row_names(figure)[-0.5] == "были не выше 60 %, стали выше"


# --- nothing to draw ----------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["matplotlib", "bokeh"])
def test_an_empty_figure_says_why(region, backend):
    figures.use(backend)
    drawn = {
        NOT_LINKED: figures.changes_by_domain(
            unknown(changes(), "not_assessed", NOT_LINKED), region
        ),
        "нет сопоставимых результатов": figures.migration(migration([], region), region),
        "надёжности нет": figures.hundred(
            unknown(at_cut(), "not_assessed", "надёжности нет"), region
        ),
        "ответов нет": figures.reliability_by_domain(
            unknown(reliabilities(), "not_assessed", "ответов нет"), region
        ),
        "надёжность не оценивалась": figures.error_along_scale(errors()[:0], BANDS, region),
        "таких строк нет": figures.subscore_value(values()[:0], region),
        "Ответов на задания нет": figures.item_map(items()[:0], region, domain="ict"),
        "Несопоставимо": figures.bank_means(bank()[:0], region, domain="subject"),
        "не прислано": figures.levels_both_ways(
            unknown(shares(), "no_data", "не прислано"), certainty(), region
        ),
    }
    for reason, figure in drawn.items():
        said = " ".join(" ".join(figure.get(0).dframe()["text"]).split())
        assert reason in said, reason
        assert hv.render(figure, backend=backend) is not None


def test_people_of_two_procedures_are_not_drawn_together(region):
    both = pd.concat([changes(), changes().assign(procedure="q")])
    with pytest.raises(ValueError, match="one procedure; the frame has p, q"):
        figures.changes_by_domain(both, region)
