"""Trajectories of indicators: hand-worked pace and forecast, and why there is none."""

import numpy as np
import pandas as pd
import panel as pn
import pytest
from test_indicators import _edition

from dashboards.pages import indicators as page
from dashboards.store import Published, State, trajectories
from nmc_utils import figures, findings
from nmc_utils.editions import Period
from nmc_utils.measures.indicators import indicators
from nmc_utils.measures.trajectory import (
    FEW,
    OF_YEARS,
    TOO_WIDE,
    UNCOUNTED,
    UNTOLD,
    indicator_points,
    next_target,
    published_years,
    trajectory,
)

YEAR = Period.parse("2023")


def _values(*values, **given):
    """A published series of the load of methodists that ends in 2023."""
    years = range(2024 - len(values), 2024)
    rows = {
        "region": "khakassia",
        "indicator": "teachers_per_methodist",
        "variant": "whole_rma",
        "variant_label": "на члена РМА",
        "basis": "published",
        "period": [str(year) for year in years],
        "time": [float(year) for year in years],
        "estimate": values,
        "numerator": np.nan,
        "denominator": np.nan,
        "attainment_label": "срок не наступил",
        "status": "ok",
        "source": "Мониторинг РС НМС, 2023 год, раздел",
        "population": "все",
        "bound": "exact",
    }
    return pd.DataFrame(rows | given)


def _row(values):
    return trajectory(values, _edition().region).iloc[0]


def test_the_pace_from_the_last_value_to_the_target():
    row = _row(_values(400.0, 300.0))
    assert (row["last"], row["target"], row["target_year"]) == (300, 250, 2024)
    assert row["needed_per_year"] == -50 and row["change_per_year"] == -100
    assert pd.isna(row["change_low"]) and pd.isna(row["forecast"]) and row["note"] == FEW
    assert _row(_values(300.0, 240.0))["needed_per_year"] == 0, "not more than 250 is reached"


def test_a_forecast_of_three_points_worked_by_hand():
    """300, 290, 270: slope −15, mean 286.67; residuals −1.67, 3.33, −1.67, s² = 16.67.

    At 2024: 286.67 − 15 · 2 = 256.67; s·√(1 + 1/3 + 4/2) = 4.0825 · 1.8257 = 7.4536;
    t(0.975; 1) = 12.7062, half = 94.707.
    """
    row = _row(_values(300.0, 290.0, 270.0))
    assert row["forecast"] == pytest.approx(256.6667, abs=1e-3)
    assert row["forecast_high"] - row["forecast"] == pytest.approx(94.707, abs=1e-2)
    assert row["forecast"] - row["forecast_low"] == pytest.approx(94.707, abs=1e-2)
    assert row["change_per_year"] == pytest.approx(-15)
    assert row["change_high"] + 15 == pytest.approx(12.7062 * np.sqrt(16.6667 / 2), abs=1e-2)


def _shares(*values, **given):
    return _values(*values, indicator="fr_dpp_share", variant="all_staff", **given)


def test_a_forecast_stays_in_what_the_unit_can_be():
    row = _row(_shares(0.93, 0.95, 0.99))
    assert row["forecast"] == row["forecast_high"] == 1 and 0 < row["forecast_low"] < 1


def test_nothing_is_told_of_an_interval_wider_than_all_that_a_value_can_be():
    """0.5, 0.95, 0.9: slope 0.2, s² = 0.0417, half = 12.7062 · √(0.0417 / 2) = 1.834 > 0.5."""
    row = _row(_shares(0.5, 0.95, 0.9))
    assert pd.isna(row[["change_per_year", "change_low", "change_high", "forecast"]]).all()
    assert row["note"] == UNTOLD and row["needed_per_year"] == 0, "0.9 is above the target"
    row = _row(_shares(0.89, 0.90, 0.93, 0.90, 0.89).assign(time=[2005, 2006, 2020, 2022, 2023]))
    assert pd.notna(row["change_per_year"]) and pd.notna(row["forecast"])
    far = _row(_values(100.0, 300.0, 250.0))
    assert pd.isna(far["change_per_year"]) and far["note"] == UNTOLD
    near = _row(_values(300.0, 280.0, 290.0))
    assert near["change_high"] - near["change_low"] < 300
    assert pd.isna(near["forecast"]) and near["note"] == TOO_WIDE


def test_a_change_of_shares_of_counts_is_told_where_chance_does_not_explain_it():
    """50 of 200 and 110 of 200: +0.30 in a year; Wilson .195–.314 and .481–.617.

    Newcombe: 0.30 − √(.069² + .064²) = 0.206 and 0.30 + √(.067² + .055²) = 0.387.
    """
    many = {"numerator": [50.0, 110.0], "denominator": [200.0, 200.0]}
    row = _row(_shares(0.25, 0.55, **many))
    assert row["change_per_year"] == pytest.approx(0.30)
    assert (row["change_low"], row["change_high"]) == pytest.approx((0.206, 0.387), abs=2e-3)
    few = {"numerator": [2.0, 3.0], "denominator": [8.0, 5.0]}
    row = _row(_shares(0.25, 0.6, **few))
    assert pd.isna(row["change_per_year"]) and row["note"] == UNTOLD
    row = _row(_shares(0.25, 0.55))
    assert pd.isna(row["change_per_year"]) and row["note"] == UNCOUNTED


@pytest.mark.parametrize("variant", ["expertise", "published"])
def test_13_of_17_then_5_of_11_then_2_of_2_tell_no_change(variant):
    edition = _edition("2023", "kostroma")
    values = indicator_points([published_years(edition)], like=edition.period)
    values = values[(values["indicator"] == "dpp_registry_share") & (values["variant"] == variant)]
    paces = trajectory(values, edition.region)
    row = paces.iloc[0]
    assert row["n_points"] == 3 and pd.isna(row["change_per_year"]) and pd.isna(row["forecast"])
    assert UNTOLD in row["note"]
    said = findings.trajectory(paces, "dpp_registry_share", "Доля")
    assert UNTOLD in said and "в среднем за год" not in said and "п.п." not in said


def test_an_edition_does_not_know_what_came_after_it():
    edition = _edition("2022", "kostroma")
    assert published_years(edition)["period"].max() == "2022"
    later = published_years(_edition("2023", "kostroma"))
    assert indicator_points([later], like=edition.period)["period"].max() == "2022"


def test_quarters_lie_a_quarter_apart_and_have_no_target_of_a_year():
    """Ends of quarters of 2023 at 2022 + 90/365, 181/365, 273/365; 300 to 270 in 183 days."""
    periods = ["2023-q1", "2023-q2", "2023-q3"]
    row = _values(300.0, 290.0, 270.0).assign(
        period=periods, dated=periods, variant="whole_rma", measure="indicator_persons"
    )
    points = indicator_points([row.drop(columns="time")], like=Period.parse("2023-q3"))
    assert points["time"].tolist() == pytest.approx([2022 + d / 365 for d in (90, 181, 273)])
    pace = _row(points.iloc[[0, 2]])
    assert pace["change_per_year"] == pytest.approx(-30 * 365 / 183)
    assert pd.isna(pace["target"]) and pd.isna(pace["needed_per_year"])
    assert pace["note"] == OF_YEARS
    assert np.isfinite(_row(points)["change_per_year"])


def test_quarters_counted_from_the_new_year_make_points():
    like = Period.parse("2023-q3").of_kind("cumulative")
    rows = _values(300.0, 290.0).assign(period=["2023-q2", "2023-q3"], dated="2023-09-30")
    rows = rows.assign(basis="recorded").drop(columns="time")
    points = indicator_points([rows], like=like)
    assert points["time"].tolist() == pytest.approx([2022 + d / 365 for d in (181, 273)])
    assert indicator_points([rows.assign(period=["2022", "2023"])], like=like).empty
    told = findings.trajectory(trajectory(points, _edition().region), "teachers_per_methodist", "Н")
    assert told.startswith("Н, на члена РМА: на конец 3 квартала 2023 года — 290;")


def test_no_points_are_an_empty_table_with_columns(monkeypatch):
    empty = indicator_points([], like=YEAR)
    assert empty.empty and {"estimate", "time", "attainment"} <= set(empty)
    assert trajectory(empty, _edition().region).empty
    edition = _edition("2019")
    assert published_years(edition).empty
    assert list(indicator_points([published_years(edition)], like=edition.period)) == list(empty)


def test_points_carry_the_attainment_of_their_own_year():
    edition = _edition("2024")
    values = indicator_points([published_years(edition)], like=edition.period)
    row = values[(values["variant"] == "whole_rma") & (values["period"] == "2023")].iloc[0]
    assert (row["attainment"], row["target_year"]) == ("not_due", 2024)


def test_a_fact_of_a_span_of_years_is_no_point_of_its_last():
    facts = {"published": _edition("2023", "kostroma").published_facts}
    table = indicators(_edition("2023", "kostroma"), facts)
    assert (table["dated"] == "2021-2023").any() or (table["dated"] == "без года").any()
    points = indicator_points([table], like=YEAR)
    assert set(points["dated"]) == {"2023"}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"population": ["все", "все", "учителя"]}, "изменилось население показателя"),
        (
            {"source": ["Мониторинг РС НМС, 2023 год"] * 2 + ["Проект наставничества, 2022 год"]},
            "значения взяты из разных документов",
        ),
        ({"bound": ["exact", "about", "exact"]}, "значение названо приблизительно"),
        ({"source": "записи, данные 12 из 13 муниципальных образований"}, "данные не всех муниц"),
        ({"indicator": "iom_plan_share"}, "план не опубликован"),
    ],
)
def test_a_break_stops_the_forecast_and_is_named(given, reason):
    row = _row(_values(0.3, 0.29, 0.27, **given))
    assert pd.isna(row[["forecast", "change_per_year", "needed_per_year"]]).all()
    assert row["note"].startswith("темп не считается, прогноз не строится: ")
    assert reason in row["note"]


def test_points_on_a_line_have_no_error_to_tell():
    row = _row(_values(300.0, 290.0, 280.0))
    assert pd.isna(row["forecast"]) and "точки лежат на прямой" in row["note"]


def test_nothing_is_foretold_beyond_the_last_target_nor_of_yes_and_no():
    late = _values(300.0, 290.0, 270.0).assign(
        time=[2022.0, 2023.0, 2024.0], period=["2022", "2023", "2024"]
    )
    row = _row(late)
    assert pd.isna(row["target"]) and pd.isna(row["forecast"])
    assert row["note"] == "прогноз не строится: планового значения впереди нет"
    assert trajectory(_values(1.0, 1.0, indicator="roadmap"), _edition().region).empty


def test_a_target_of_each_year_is_due_next_year():
    entries = {entry.id: entry for entry in _edition().region.indicators}
    assert next_target(entries["internship_sites"], YEAR)[1] == 2024
    assert next_target(entries["fr_dpp_share"], Period.parse("2021"))[1] == 2023
    assert next_target(entries["internship_sites"], Period.parse("2024")) is None
    assert next_target(entries["internship_sites"], Period.parse("2022-2023")) is None


def test_published_years_make_points_and_spans_do_not():
    table = indicator_points([published_years(_edition("2023", "kostroma"))], like=YEAR)
    share = table[(table["indicator"] == "dpp_registry_share") & (table["variant"] == "expertise")]
    assert list(share["period"]) == ["2021", "2022", "2023"]
    assert share["estimate"].round(4).tolist() == [0.7647, 0.4545, 1.0]
    assert not table["indicator"].isin(["iup_annual", "dpp_total"]).any(), "no year of their own"


def test_periods_of_another_kind_are_left_out_and_order_does_not_matter():
    facts = {"published": _edition().published_facts}
    tables = [indicators(_edition(period), facts) for period in ("2023", "2022", "2023-q2")]
    table = indicator_points(tables, like=YEAR)
    assert set(table["period"]) <= {"2022", "2023"}
    pd.testing.assert_frame_equal(table, indicator_points(tables[::-1], like=YEAR))


def test_the_figure_and_sentence_tell_value_pace_target_and_forecast():
    values = _values(
        300.0, 290.0, 270.0, measure="indicator_persons", ci_low=np.nan, ci_high=np.nan
    )
    region = _edition().region
    paces = trajectory(values, region)
    said = findings.trajectory(paces, "teachers_per_methodist", "Нагрузка")
    assert "2023 год — 270" in said and "нужно −20 в год" in said
    assert "прогноз на 2024 год 256,7, от 162,0 до 351,4" in said
    figure = figures.indicator_trajectory(values, paces, "teachers_per_methodist", region)
    assert "256,7" in figures.heading(figure).title
    nothing = figures.indicator_trajectory(values, paces, "roadmap", region)
    assert figures.heading(nothing).title.endswith("значений по годам нет.")


class _Run(dict):
    manifest: dict = {}


def _published(period, estimate, **tables):
    """An edition of Хакасия whose records give this load of methodists."""
    edition = _edition(period)
    row = _values(estimate, basis="recorded", source="записи", measure="indicator_persons")
    row = row.assign(period=period, dated=f"{period}-12-31", n=pd.NA, target=250.0)
    row = row.assign(target_year=2024, comparator="<=", attainment="not_due", closed_by=None)
    row = row.assign(std_error=np.nan, ci_low=np.nan, ci_high=np.nan, interval_kind="none")
    row = row.assign(numerator_label="педагоги", denominator_label="методисты")
    row = row.assign(target_source=None)
    published = Published(edition, "none")
    both = [published_years(edition), row]
    points = indicator_points(both, like=edition.period)
    published.__dict__["_results"] = _Run(
        {"indicators": pd.concat(both, ignore_index=True), "indicator_points": points} | tables
    )
    return published


def test_records_of_earlier_editions_stand_in_one_series():
    state = State([_published("2023", 270.0), _published("2022", 290.0), _published("2021", 300.0)])
    state.choose("khakassia", "2023")
    assert [p.edition.period.text for p in state.earlier] == ["2021", "2022"]
    assert state.previous is state.earlier[-1]
    joined = trajectories(state.current, state.earlier)
    mine = joined.values[joined.values["basis"] == "recorded"]
    assert mine["period"].tolist() == ["2021", "2022", "2023"]
    pace = joined.paces[joined.paces["basis"] == "recorded"].iloc[0]
    assert pace["n_points"] == 3 and pace["forecast"] == pytest.approx(256.6667, abs=1e-3)
    state.choose("khakassia", "2022")
    before = trajectories(state.current, state.earlier).values
    assert before.loc[before["basis"] == "recorded", "period"].tolist() == ["2021", "2022"]


def test_the_page_shows_each_point_with_its_attainment(monkeypatch):
    figures.use("bokeh")
    state = State([_published("2023", 270.0), _published("2022", 290.0)])
    state.choose("khakassia", "2023")
    told = []
    monkeypatch.setattr(
        "dashboards.parts.readable", lambda rows, heads: told.append((rows, heads)) or "<table/>"
    )
    monkeypatch.setattr("dashboards.parts.chart", lambda figure, table, **_: table())
    code = "teachers_per_methodist"
    (choice,) = [
        widget
        for widget in page.view(state).select(pn.widgets.Select)
        if code in widget.options.values()
    ]
    choice.value = code
    rows, heads = next(found for found in reversed(told) if "period" in found[1])
    assert heads["attainment_label"] == "Статус" and heads["plan"] == "План"
    recorded = rows[rows["basis"] == "recorded"]
    assert recorded["period"].tolist() == ["2022", "2023"]
    assert recorded["attainment_label"].tolist() == ["срок не наступил"] * 2


def test_an_earlier_run_that_cannot_be_read_is_named():
    now, before = _published("2023", 270.0), _published("2022", 290.0)

    def refuse(name):
        raise ValueError("прогон повреждён.")

    before.table = refuse
    joined = trajectories(now, [before])
    assert joined.note == "Без прежних изданий: Республика Хакасия, 2022 год (прогон повреждён)."
    assert "2022" not in joined.values.loc[joined.values["basis"] == "recorded", "period"].tolist()
