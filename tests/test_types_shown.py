"""Types of teachers as they are told and drawn: numbers, words, reasons, both backends."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
import pytest
from conftest import CHECKOUT
from test_figures import bokeh_texts
from test_figures_data import layer, layers, row_names, title
from test_findings_measurement import one, plain, table, unknown

from nmc_utils import figures, findings, theme
from nmc_utils.regions import Region, read_region

WHOLE = {"type": "total", "domain": "total"}
#: Probabilities of a deficit of two types that cross.
CHANCES = {"1": {"subject": 0.2, "ict": 0.7}, "2": {"subject": 0.9, "ict": 0.35}}
NOT_FOR = "Тип описывает, не распределяет: в группы семинаров по нему никого не назначают."


@pytest.fixture(scope="module")
def region() -> Region:
    return read_region(CHECKOUT / "data", "khakassia")


@pytest.fixture(autouse=True)
def bokeh() -> None:
    figures.use("bokeh")


def known(measure: str, estimate: float, n: int, **keys: Any) -> dict:
    return one(measure, estimate, np.nan, np.nan, n, **WHOLE | keys)


def two(is_ordered: bool = False) -> pd.DataFrame:
    rows = [
        known("type_count", 2, 1200),
        known("type_count_support", 0.83, 100),
        known("type_agreement", 0.91, 100) | {"note": "в 95 % повторных выборок от 0,85 до 0,96"},
        known("types_are_ordered", float(is_ordered), 1200),
        one("type_share", 0.6, 0.55, 0.65, 1200, **WHOLE | {"type": "1"}),
        one("type_share", 0.4, 0.35, 0.45, 1200, **WHOLE | {"type": "2"}),
        one("type_deficits", 0.9, 0.8, 1.0, 1200, **WHOLE | {"type": "1"}),
        one("type_deficits", 1.25, 1.2, 1.4, 1200, **WHOLE | {"type": "2"}),
    ]
    rows += [
        one("type_deficit_share", chance, chance - 0.05, chance + 0.05, 500, type=kind, domain=code)
        for kind, chances in CHANCES.items()
        for code, chance in chances.items()
    ]
    level = unknown(table(known("level_is_enough", 0, 1200)), "not_assessed", "нет")
    return pd.concat([table(*rows), level], ignore_index=True)


def level_is_enough() -> pd.DataFrame:
    rows = two(is_ordered=True)
    return pd.concat(
        [rows[rows["measure"] != "level_is_enough"], table(known("level_is_enough", 1, 1200))]
    )


def single(note: str | None = None) -> pd.DataFrame:
    rows = table(
        known("type_count", 1, 800),
        known("type_count_support", 0.97, 100),
        known("level_is_enough", 0, 800),
        known("type_share", 1, 800, type="1"),
    )
    return rows.assign(note=note)


def unchecked(level: float = 0) -> pd.DataFrame:
    """One type where no more was tried."""
    rows = single("Компетенций мало.")
    rows.loc[rows["measure"] == "level_is_enough", "estimate"] = level
    is_support = rows["measure"] == "type_count_support"
    why = "рассматривался только один тип: сравнивать не с чем"
    return pd.concat([rows[~is_support], unknown(rows[is_support], "not_assessed", why)])


def nobody() -> pd.DataFrame:
    rows = table(known("type_count", 0, 0))
    return unknown(rows, "no_data", "людей с результатами по компетенциям нет")


def fit(level: float | None = None) -> pd.DataFrame:
    rows = []
    for number, bic, times in (("1", 1350.0, 0.0), ("2", 1000.0, 0.83), ("3", 1035.0, 0.17)):
        rows += [
            one("type_bic", bic, np.nan, np.nan, 1200, classes=number),
            one("type_support", times, np.nan, np.nan, 100, classes=number),
        ]
    given = table(*rows, one("type_bic", level or 0, np.nan, np.nan, 1200, classes="level"))
    is_level = given["classes"].eq("level")
    if level is None:
        return pd.concat([given[~is_level], unknown(given[is_level], "not_assessed", "нет")])
    return given


# --- sentences ----------------------------------------------------------------------------------


def test_types_are_told_with_their_stability_and_what_they_are_not_for():
    assert plain(findings.types(two())) == (
        "По набору дефицитов педагоги описываются как 2 типа (n = 1 200): 60 % (55–65 %) — в "
        "среднем 0,9 из 2; 40 % (35–45 %) — в среднем 1,3 из 2. Типы различаются набором "
        "дефицитов, а не только общим уровнем. Столько же типов в 83 из 100 повторных выборок. "
        "Совпадение состава типов: скорректированный индекс Рэнда 0,91, в 95 % повторных выборок "
        f"от 0,85 до 0,96 (1 — состав совпал полностью, 0 — как у случайных). {NOT_FOR}"
    )


def test_types_of_one_level_are_told_so():
    said = findings.types(two(is_ordered=True))
    assert "Типы различаются только общим уровнем: ни в одной компетенции" in said
    said = findings.types(level_is_enough())
    assert "Один общий уровень описывает дефициты лучше, чем типы" in said
    assert "набором дефицитов, а" not in said


def test_one_type_is_an_answer():
    assert plain(findings.types(single())) == (
        "Отдельные типы педагогов по набору дефицитов не выделяются: достаточно одного "
        f"(n = 800; так же в 97 из 100 повторных выборок). {NOT_FOR}"
    )
    limited = findings.types(single("Компетенций мало."))
    assert limited.endswith(f"выборок). Компетенций мало. {NOT_FOR}")
    level = single().assign(estimate=lambda t: t["estimate"].where(t["n"] != 800, 1.0))
    assert "; различается только общий уровень." in findings.types(level)


def test_one_type_is_no_finding_where_no_more_was_tried():
    said = plain(findings.types(unchecked()))
    assert said == (
        "Есть ли отдельные типы педагогов по набору дефицитов, проверить нельзя: рассматривался "
        f"только один, сравнивать не с чем (n = 800). Компетенций мало. {NOT_FOR}"
    )
    told = findings.types(unchecked(level=1))
    assert "один общий уровень описывает дефициты лучше одного типа. Компетенций" in told


def test_without_people_the_reason_is_told():
    assert findings.types(nobody()) == (
        "Типы педагогов по набору дефицитов: нет данных: людей с результатами по компетенциям нет."
    )


def test_no_sentence_assigns_anyone():
    for rows in (two(), level_is_enough(), single()):
        said = findings.types(rows)
        assert said.endswith(NOT_FOR)
        for word in ("следует направить", "рекоменду", "отнесены", "слаб", "сильн"):
            assert word not in said


# --- figures ------------------------------------------------------------------------------------


def every_figure(region: Region) -> dict[str, hv.Overlay]:
    return {
        "profiles": figures.type_profiles(two(), region),
        "ordered": figures.type_profiles(two(is_ordered=True), region),
        "one": figures.type_profiles(single(), region),
        "unchecked": figures.type_profiles(unchecked(), region),
        "fit": figures.type_fit(fit()),
        "level": figures.type_fit(fit(980.0)),
    }


@pytest.mark.parametrize("backend", ["matplotlib", "bokeh"])
def test_every_figure_is_drawn_on_both_backends(region, backend):
    figures.use(backend)
    for name, figure in every_figure(region).items():
        assert hv.render(figure, backend=backend) is not None, name


def test_no_column_name_and_no_missing_number_is_shown_and_titles_have_n(region):
    for name, figure in every_figure(region).items():
        shown = " ".join(bokeh_texts(figure)).replace("@name", "").replace("@hint", "")
        for word in ("nan", "None", "type_", "total", "level"):
            assert word not in shown, (name, word)
        assert "n =" in title(figure), name


def test_profiles_are_cells_with_their_intervals(region):
    figure = figures.type_profiles(two(), region)
    (cells,) = layers(figure, hv.Rectangles)
    assert len(cells) == 4
    assert {row[:2] for row in cells} == {(-0.5, -0.5), (0.5, -0.5), (-0.5, -1.5), (0.5, -1.5)}
    hints = {row[4]: row[5] for row in cells}
    assert hints["Тип 2, предметные"] == "90,0 % (85,0–95,0 %), n = 500"
    texts = {row[2] for part in layers(figure, hv.Labels) for row in part}
    assert {"20 %", "15–25 %", "90 %", "85–95 %", "70 %", "35 %"} <= texts
    names = " ".join(row_names(figure)[0].split())
    assert names == "Тип 1: 60 % (55–65 %), в среднем 0,9 из 2"
    assert title(figure) == (
        "2 типа различаются набором дефицитов; столько же в 83 из 100 повторных выборок (n = 1 200)"
    )


def test_a_title_says_when_types_are_steps_of_one_level(region):
    for rows in (two(is_ordered=True), level_is_enough()):
        assert "только общим уровнем" in title(figures.type_profiles(rows, region))


def test_one_type_is_a_card_with_its_sentence(region):
    figure = figures.type_profiles(single(), region)
    assert title(figure) == "Один тип: отдельные типы не выделяются (n = 800)"
    assert not layers(figure, hv.Rectangles)
    shown = plain(" ".join(" ".join(bokeh_texts(figure)).split()))
    assert plain(findings.types(single())) in shown


def test_where_one_type_alone_was_tried_both_figures_say_so(region):
    figure = figures.type_profiles(unchecked(), region)
    assert title(figure) == "Один тип: сравнивать не с чем (n = 800)"
    shown = plain(" ".join(" ".join(bokeh_texts(figure)).split()))
    assert plain(findings.types(unchecked())) in shown
    rows = fit()[lambda t: t["classes"] == "1"]
    is_support = rows["measure"] == "type_support"
    why = "рассматривался только один тип: сравнивать не с чем"
    rows = pd.concat([rows[~is_support], unknown(rows[is_support], "not_assessed", why)])
    figure = figures.type_fit(rows)
    assert title(figure) == "Число типов не выбиралось (n = 1 200)"
    assert why in " ".join(" ".join(bokeh_texts(figure)).split())


def test_nobody_is_a_card_with_the_reason(region):
    shown = " ".join(" ".join(bokeh_texts(figures.type_profiles(nobody(), region))).split())
    assert "людей с результатами по компетенциям нет" in shown
    lacking = fit()[lambda t: t["classes"] == "level"]
    assert "не оценивалось: нет" in " ".join(bokeh_texts(figures.type_fit(lacking)))


def test_the_least_bic_is_marked_and_the_others_tell_how_far_they_are():
    figure = figures.type_fit(fit())
    assert [row[:2] for row in layer(figure, hv.Points, theme.ACCENT)] == [(2, 0)]
    assert [row[:2] for row in layer(figure, hv.Points, theme.PAPER)] == [(1, 350), (3, 35)]
    texts = [row[2] for part in layers(figure, hv.Labels) for row in part]
    assert texts == ["+350", "+35", "лучшее"]
    assert layer(figure, hv.Segments, theme.FAINT) == [(1, 350, 2, 0), (2, 0, 3, 35)]
    assert title(figure) == "Лучшее число типов для описания дефицитов — 2 (n = 1 200)"
    ticks = hv.render(figure, backend="bokeh").below[0].major_label_overrides
    assert plain(ticks[2]) == "2\nв 83 из 100"


def test_a_level_without_types_is_a_line_and_the_finding_where_it_is_better():
    figure = figures.type_fit(fit(980.0))
    assert layer(figure, hv.Segments, theme.CONTRAST) == [(0.5, -20, 3.9, -20)]
    assert title(figure).startswith("Один общий уровень описывает дефициты лучше типов")
    texts = [row[2] for part in layers(figure, hv.Labels) for row in part]
    assert "без типов, один общий уровень: −20" in texts
    worse = figures.type_fit(fit(1100.0))
    assert title(worse).startswith("Лучшее число типов")
    assert layer(worse, hv.Segments, theme.CONTRAST) == [(0.5, 100, 3.9, 100)]
