"""Regions side by side: what is compared, what is left out, what differs, and its own edition."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from dashboard_pages import said
from test_suite import write_notebook
from typer.testing import CliRunner

from dashboards.pages import regions
from dashboards.store import State, published_editions
from nmc_utils import cli, figures, findings
from nmc_utils.country import (
    TooFewRegions,
    changed_since,
    comparable_periods,
    country_edition,
    published_comparison,
)
from nmc_utils.editions import Edition, edition
from nmc_utils.history import rollback, runs, verify
from nmc_utils.measures.regions_compared import (
    incomparable,
    indicators_apart,
    region_definitions,
    region_differences,
    region_functions,
    region_results,
    shared_indicators,
)
from nmc_utils.results import (
    RUN_FOLDER,
    ResultsError,
    begin,
    current,
    publish,
    read_manifest,
    results_folder,
    stage,
)
from nmc_utils.suite import COMPARISON, compare
from nmc_utils.wording import NO_BREAK_SPACE

RUN, LATER = "0123456789-1", "0123456789-2"
PROCEDURE = {
    "procedure": "spring",
    "organiser": "ЦНППМ",
    "selection": "на курсах",
    "instrument_version": "банк 2023",
    "persons": 100,
    "gap": None,
}


def write_edition(
    root: Path, region: str, period: str = "2023", *, origin="demonstration", kind="calendar_year"
) -> Edition:
    home = root / "regions" / region / period
    home.mkdir(parents=True, exist_ok=True)
    text = f"origin: {origin}\nperiod_kind: {kind}\nas_of: 2023-12-31\n"
    (home / "edition.yaml").write_text(text, "utf-8")
    return edition(region, period, root)


def measure_row(measure: str, estimate: float, n: int | None, **keys: object) -> dict:
    empty = {"std_error": np.nan, "ci_low": np.nan, "ci_high": np.nan, "interval_kind": "none"}
    return {"measure": measure, "estimate": estimate, "n": n, "status": "ok", "note": None,
            **empty, **keys}  # fmt: skip


def tables_of(of: Edition, successes: int = 40, n: int = 100, **procedure: object) -> dict:
    """Tables of a published run that a comparison reads."""
    keys = {"procedure": "spring", "municipality": "total"}
    result, lowest = of.region.diagnostics.result_domain, of.region.diagnostics.lowest.code
    level = keys | {"wave": "entry", "domain": result, "family": "total", "level": lowest}
    interval = {"ci_low": 0.0, "ci_high": 1.0, "interval_kind": "process"}
    coverage = [measure_row("tested", float(n), 1000, **keys)]
    coverage.append(measure_row("tested_share", n / 1000, 1000, **keys))
    share = measure_row("level_share", successes / n, n, **level) | interval
    tables = {
        "procedures": pd.DataFrame([PROCEDURE | procedure]),
        "coverage": pd.DataFrame(coverage),
        "level_shares": pd.DataFrame([share]),
    }
    return {name: of.keyed(table) for name, table in tables.items()}


def indicator_row(of: Edition, code: str, top: float, bottom: float, **given: object) -> dict:
    """A row of the table `indicators`, of a share of counts."""
    keys = {"region": of.region.code, "period": of.period.text, "indicator": code}
    row = measure_row("indicator_share", top / bottom, int(bottom), variant="all", basis="recorded")
    row |= {"numerator": top, "denominator": bottom, "bound": "exact", "target": 0.5}
    row |= {"numerator_label": "да", "denominator_label": "все", "variant_label": "от всех"}
    row |= {
        "closed_by": "",
        "target_year": 2023,
        "comparator": ">=",
        "attainment": "attained",
        "dated": None,
    }
    return keys | row | {"attainment_label": "достигнут", "source": "записи"} | given


def publish_run(of: Edition, tables: Mapping[str, pd.DataFrame], run: str, monkeypatch) -> None:
    with monkeypatch.context() as inside:
        inside.setenv(RUN_FOLDER, str(begin(of, run)))
        for name, table in tables.items():
            stage(name, table)
    publish(of, run, {"definition": of.digest})


def plain(sentence: str) -> str:
    """A sentence with ordinary spaces."""
    return sentence.replace(NO_BREAK_SPACE, " ")


def copies(of: Edition, count: int) -> list[Edition]:
    """As many regions like one."""
    regions = [
        of.region.model_copy(update={"code": f"r{at:02}", "name": f"Регион {at:02}"})
        for at in range(count)
    ]
    return [of.model_copy(update={"region": region}) for region in regions]


@pytest.fixture
def two(root: Path, monkeypatch) -> list[Edition]:
    """Two regions of one period with published results."""
    made = [write_edition(root, region) for region in ("khakassia", "altai")]
    for of in made:
        publish_run(of, tables_of(of), RUN, monkeypatch)
    return made


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    """A comparison without words and pictures."""
    source = """
import nmc_utils as nmc
country = nmc.country_edition(period)
about = (country.editions, country.tables)
definitions, results = nmc.region_definitions(*about), nmc.region_results(*about)
indicators = nmc.shared_indicators(*about)
made = {"region_definitions": definitions, "region_results": results}
made |= {"shared_indicators": indicators, "regions_left_out": country.left_out_table}
made |= {"regions_incomparable": nmc.incomparable(definitions)}
made |= {"region_differences": nmc.region_differences(results, definitions, indicators)}
staged = [nmc.stage(name, table) for name, table in made.items()]
"""
    path = tmp_path / "notebooks" / f"{COMPARISON}.ipynb"
    write_notebook(path, source, parameters='period = "2023"')
    return path.parent


# --- what may be compared -------------------------------------------------------------------------


def compared(editions: list[Edition], tables: dict) -> tuple[pd.DataFrame, list[str]]:
    definitions = region_definitions(editions, tables)
    return definitions, list(incomparable(definitions)["reason"])


def test_regions_with_the_same_cuts_test_and_selection_may_be_compared(root):
    made = copies(write_edition(root, "khakassia"), 2)
    definitions, reasons = compared(made, {of.region.code: tables_of(of) for of in made})
    assert reasons == []
    assert list(definitions["alike"]) == [1, 1]
    assert "сопоставимы" in findings.comparability(definitions, reasons)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"instrument_version": "банк 2022"}, "разные задания"),
        ({"selection": "по желанию"}, "разный отбор"),
        ({"instrument_version": None}, "версия заданий не указана"),
        ({"selection": np.nan}, "отбор не указан"),
    ],
)
def test_another_test_or_selection_or_an_unknown_one_makes_no_comparison(root, changed, words):
    first, second = copies(write_edition(root, "khakassia"), 2)
    tables = {"r00": tables_of(first), "r01": tables_of(second, **changed)}
    definitions, reasons = compared([first, second], tables)
    assert reasons == [words]
    assert definitions["alike"].isna().all()
    said = findings.comparability(definitions, reasons)
    assert said.startswith(f"Доли низшего уровня несопоставимы: {words}.")


def test_other_cuts_are_said_and_shown_beside_their_own_definition(root):
    made = [write_edition(root, region) for region in ("khakassia", "kostroma")]
    definitions, reasons = compared(made, {of.region.code: tables_of(of) for of in made})
    assert "разные пороги" in reasons
    assert list(definitions["cuts"]) == ["0.5; 0.75", "0.6"]  # by name: Костромская, Хакасия
    assert list(definitions["definition"]) == [
        "высокий дефицитарный уровень", "результат ≤ 60 %"
    ]  # fmt: skip
    results = region_results(made, {of.region.code: tables_of(of) for of in made})
    empty = pd.DataFrame(columns=["indicator"])
    assert region_differences(results, definitions, empty).empty


def test_only_those_alike_are_one_group_among_others(root):
    made = copies(write_edition(root, "khakassia"), 5)
    versions = ["а", "б", "а", "в", "б"]
    tables = {
        of.region.code: tables_of(of, instrument_version=version)
        for of, version in zip(made, versions, strict=True)
    }
    definitions, reasons = compared(made, tables)
    assert definitions["alike"].tolist() == [1, 2, 1, pd.NA, 2]
    said = plain(findings.comparability(definitions, reasons))
    assert "Сопоставимы между собой 4 региона (2 группы" in said


# --- values ---------------------------------------------------------------------------------------


def test_values_are_those_published_by_name_of_the_region(root):
    made = [write_edition(root, region) for region in ("khakassia", "altai")]
    tables = {"khakassia": tables_of(made[0], 30, 100), "altai": tables_of(made[1], 5, 50)}
    found = region_results(made, tables)
    assert found["region"].tolist() == ["altai"] * 3 + ["khakassia"] * 3
    shares = found[found["measure"] == "level_share"].set_index("region")["estimate"]
    assert shares.to_dict() == {"altai": 0.1, "khakassia": 0.3}
    assert plain(findings.region_coverage(found)) == "Охват диагностикой: 5,0–10,0 % (2 региона)."


def test_what_a_run_has_not_is_no_data_with_the_reason(root):
    of = write_edition(root, "khakassia")
    tables = tables_of(of) | {"level_shares": tables_of(of)["level_shares"].head(0)}
    row = region_results([of], {"khakassia": tables}).iloc[-1]
    assert (row["status"], row["note"]) == ("no_data", "в прогоне региона такого числа нет")
    assert pd.isna(row["estimate"]) and pd.isna(row["n"])


def with_indicators(made: list[Edition], rows: list[dict]) -> dict:
    table = pd.DataFrame(rows)
    return {of.region.code: {"indicators": table[table["region"] == of.region.code]} for of in made}


def test_shared_indicators_stand_together_and_own_ones_do_not(root):
    made = [write_edition(root, region) for region in ("khakassia", "altai")]
    rows = [indicator_row(of, "fr_dpp_share", 1, 4) for of in made]
    rows += [indicator_row(made[0], "iom_plan_share", 1, 2)]
    found = shared_indicators(made, with_indicators(made, rows))
    assert found[["indicator", "region"]].to_numpy().tolist() == [
        ["fr_dpp_share", "altai"], ["fr_dpp_share", "khakassia"]
    ]  # fmt: skip
    assert found["estimate"].tolist() == [0.25, 0.25]
    assert found["target"].tolist() == [0.5, 0.5]


def test_indicators_of_persons_are_read_where_they_stand_apart(root):
    made = [write_edition(root, region) for region in ("khakassia", "altai")]
    open_ones = with_indicators(made, [indicator_row(of, "fr_dpp_share", 1, 4) for of in made])
    apart = pd.DataFrame([indicator_row(made[0], "young_support_share", 3, 4)])
    open_ones["khakassia"] |= {"indicators_of_persons": apart}
    found = shared_indicators(made, open_ones)
    assert found["indicator"].tolist() == ["fr_dpp_share"] * 2 + ["young_support_share"]


def test_one_id_in_two_units_or_directions_is_not_one_indicator(root):
    first, second = copies(write_edition(root, "khakassia"), 2)
    entries = list(second.region.indicators)
    at = next(at for at, entry in enumerate(entries) if entry.id == "teachers_per_methodist")
    entries[at] = entries[at].model_copy(update={"comparator": ">="})
    region = second.region.model_copy(update={"indicators": tuple(entries)})
    second = second.model_copy(update={"region": region})
    rows = [indicator_row(of, "teachers_per_methodist", 1, 4) for of in (first, second)]
    assert shared_indicators([first, second], with_indicators([first, second], rows)).empty
    assert indicators_apart([first, second]) == [entries[at].name]


# --- differences ----------------------------------------------------------------------------------


def differences_of(made: list[Edition], counts: list[tuple[int, int]], rows=()) -> pd.DataFrame:
    tables = {of.region.code: tables_of(of, x, n) for of, (x, n) in zip(made, counts, strict=True)}
    definitions = region_definitions(made, tables)
    table = pd.DataFrame(rows) if rows else pd.DataFrame(columns=["indicator"])
    return region_differences(region_results(made, tables), definitions, table)


def test_89_regions_alike_but_for_chance_are_not_called_different(root):
    made, rng = copies(write_edition(root, "khakassia"), 89), np.random.default_rng(1)
    counts = [(int(rng.binomial(n, 0.4)), int(n)) for n in rng.integers(60, 900, len(made))]
    found = differences_of(made, counts)
    outside = (found["share"] < found["ci_low"]) | (found["share"] > found["ci_high"])
    assert outside.sum() > 0 and len(found) == 89
    assert not found["is_outlier"].any()
    names = {of.region.code: of.region.name for of in made}
    assert findings.region_differences(found, names).startswith("Ни в одном из 89 сравнений")


def test_a_region_far_from_all_is_named_and_nothing_is_ranked(root):
    made = copies(write_edition(root, "khakassia"), 30)
    counts = [(160 + at % 5, 400) for at in range(29)] + [(320, 400)]
    found = differences_of(made, counts)
    assert found.loc[found["is_outlier"], "region"].tolist() == ["r29"]
    names = {of.region.code: of.region.name for of in made}
    said = plain(findings.region_differences(found, names))
    assert said.startswith("Отличается от среднего по регионам больше, чем объяснимо случайностью")
    assert "Регион 29 (80,0 %" in said and "Регион 28" not in said


def test_few_regions_are_not_judged(root):
    made = copies(write_edition(root, "khakassia"), 9)
    assert differences_of(made, [(10, 400)] * 8 + [(390, 400)]).empty


def test_all_comparisons_share_one_adjustment_and_labels_must_agree(root):
    made = copies(write_edition(root, "khakassia"), 12)
    rows = [indicator_row(of, "fr_dpp_share", 30, 100) for of in made]
    both = differences_of(made, [(40, 100)] * 12, rows)
    assert both.groupby("quantity").size().to_dict() == {"fr_dpp_share": 12, "level_share": 12}
    assert not both["is_outlier"].any()
    for row in rows[:6]:
        row["denominator_label"] = "другие"
    assert set(differences_of(made, [(40, 100)] * 12, rows)["quantity"]) == {"level_share"}


@pytest.mark.parametrize(
    ("given", "note"),
    [
        ({"source": "«Школы», данные 12 из 13 муниципальных образований"}, "данные не всех"),
        ({"attainment": "not_applicable"}, "с планом не сравнимо"),
        ({"basis": "published", "dated": "2022-2023"}, "число другого года"),
    ],
)
def test_what_is_partial_or_of_another_time_is_shown_and_not_judged(root, given, note):
    made = copies(write_edition(root, "khakassia"), 12)
    usual = {"basis": given.get("basis", "recorded"), "dated": "2023"}
    rows = [indicator_row(of, "fr_dpp_share", 30, 100, **usual) for of in made]
    rows[0] |= given
    found = differences_of(made, [(40, 100)] * 12, rows)
    judged = found.loc[found["quantity"] == "fr_dpp_share", "region"]
    assert len(judged) == 11 and made[0].region.code not in set(judged)
    shown = shared_indicators(made, with_indicators(made, rows)).set_index("region")["note"]
    assert note in shown[made[0].region.code] and shown.drop(made[0].region.code).isna().all()
    names = {of.region.code: of.region.name for of in made}
    table = shared_indicators(made, with_indicators(made, rows))
    figure = figures.shared_indicator(table, names, "fr_dpp_share")
    texts = [text for layer in figure if type(layer).__name__ == "Labels" for text in layer["text"]]
    assert sum("не сравнивается" in text.replace("\n", " ") for text in texts) == 1


def test_levels_of_part_of_the_municipalities_are_not_judged(root):
    made = copies(write_edition(root, "khakassia"), 12)
    tables = {of.region.code: tables_of(of) for of in made}
    levels = tables[made[3].region.code]["level_shares"]
    part = {"level_shares": levels.assign(note="данные 12 из 13 муниципальных образований")}
    tables[made[3].region.code] |= part
    definitions, results = region_definitions(made, tables), region_results(made, tables)
    found = region_differences(results, definitions, pd.DataFrame(columns=["indicator"]))
    assert len(found) == 11 and made[3].region.code not in set(found["region"])


def test_the_order_of_editions_changes_nothing(root):
    made = copies(write_edition(root, "khakassia"), 12)
    tables = {of.region.code: tables_of(of, 40 + at, 100) for at, of in enumerate(made)}
    rows = [indicator_row(of, "fr_dpp_share", 30, 100) for of in made]
    for of in made:
        tables[of.region.code] |= with_indicators(made, rows)[of.region.code]
    for make in (region_definitions, region_results, shared_indicators):
        pd.testing.assert_frame_equal(make(made, tables), make(made[::-1], tables))


# --- figures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 3, pytest.param(89, marks=pytest.mark.long)])
@pytest.mark.parametrize("backend", ["matplotlib", "bokeh"])
def test_figures_hold_any_number_of_regions(root, count, backend):
    figures.use(backend)
    made = copies(write_edition(root, "khakassia"), count)
    tables = {of.region.code: tables_of(of) for of in made}
    rows = [indicator_row(of, "fr_dpp_share", 1, 4) for of in made]
    for of in made:
        tables[of.region.code] |= with_indicators(made, rows)[of.region.code]
    definitions, results = region_definitions(made, tables), region_results(made, tables)
    names = dict(zip(definitions["region"], definitions["name"], strict=True))
    indicators = shared_indicators(made, tables)
    drawn = [
        figures.coverage_by_region(results, names),
        figures.lowest_level_by_region(results, definitions, 1),
        figures.shared_indicator(indicators, names, "fr_dpp_share"),
    ]
    if count > 10:
        found = region_differences(results, definitions, indicators)
        drawn.append(figures.region_funnel(found, names))
    for figure in drawn:
        title, subtitle = figures.heading(figure)
        assert title and subtitle
        points = [layer for layer in figure if type(layer).__name__ == "Points"]
        assert sum(len(layer) for layer in points) == count


# --- the edition ----------------------------------------------------------------------------------


def test_regions_of_one_period_are_taken_by_name_from_their_current_runs(root, two):
    country = country_edition("2023", root)
    assert country.key == "_country/2023"
    assert [of.key for of in country.editions] == ["altai/2023", "khakassia/2023"]
    assert country.left_out == ()
    assert country.mark and country.origin == "demonstration"
    assert comparable_periods(root) == ["2023"]


def test_one_region_alone_is_no_comparison(root, two, monkeypatch):
    of = write_edition(root, "khakassia", "2022")
    publish_run(of, tables_of(of), LATER, monkeypatch)
    with pytest.raises(TooFewRegions, match="2022 год: сравнивать не с чем.* есть: khakassia/2022"):
        country_edition("2022", root)
    assert comparable_periods(root) == ["2023"]


def test_editions_of_another_origin_are_never_beside(root, two, monkeypatch):
    real = write_edition(root, "kostroma", origin="submitted")
    publish_run(real, tables_of(real), LATER, monkeypatch)
    country = country_edition("2023", root)
    assert [of.key for of in country.editions] == ["altai/2023", "khakassia/2023"]
    ((key, reason),) = country.left_out
    assert key == "kostroma/2023" and "другого происхождения (присланные данные)" in reason
    said = findings.regions_compared(
        region_definitions(country.editions, country.tables), country.left_out_table
    )
    assert "Не вошли: Костромская область, 2023 год: данные другого происхождения" in said


def test_submitted_records_come_before_simulated_ones(root, two, monkeypatch):
    for region in ("khakassia", "kostroma"):
        of = write_edition(root, region, origin="submitted")
        publish_run(of, tables_of(of), LATER, monkeypatch)
    country = country_edition("2023", root)
    assert (country.origin, country.mark) == ("submitted", "")
    assert [of.key for of in country.editions] == ["kostroma/2023", "khakassia/2023"]
    assert [key for key, _ in country.left_out] == ["altai/2023"]


def test_kinds_of_period_are_never_mixed(root, monkeypatch):
    kinds = {"khakassia": "quarter", "altai": "quarter", "kostroma": "cumulative"}
    for region, kind in kinds.items():
        of = write_edition(root, region, "2023-q2", kind=kind)
        publish_run(of, tables_of(of), RUN, monkeypatch)
    country = country_edition("2023-q2", root)
    assert {of.period.kind for of in country.editions} == {"quarter"}
    ((key, reason),) = country.left_out
    assert key == "kostroma/2023-q2" and "период другого вида (с начала года" in reason


def test_a_region_defined_anew_since_its_run_is_left_out_with_a_sentence(root, two, monkeypatch):
    third = write_edition(root, "kostroma")
    publish_run(third, tables_of(third), RUN, monkeypatch)
    assert len(country_edition("2023", root).editions) == 3
    path = root / "regions" / "kostroma" / "region.yaml"
    changed = path.read_text("utf-8").replace("up_to: 0.5", "up_to: 0.55", 1)
    assert changed != path.read_text("utf-8")
    path.write_text(changed, "utf-8")
    country = country_edition("2023", root)
    assert len(country.editions) == 2
    ((key, reason),) = country.left_out
    assert key == "kostroma/2023"
    assert "определение региона изменено после прогона. Выполните: nmc run" in reason


# --- functions ------------------------------------------------------------------------------------


def test_functions_are_of_every_region_whatever_the_period_of_its_edition(root, two, monkeypatch):
    earlier = write_edition(root, "kostroma", "2022")
    publish_run(earlier, tables_of(earlier), LATER, monkeypatch)
    country = country_edition("2023", root)
    assert [of.key for of in country.editions] == ["altai/2023", "khakassia/2023"]
    assert {of.key for of in country.described} == {"altai/2023", "khakassia/2023", "kostroma/2022"}
    functions = region_functions(country.described)
    assert set(functions["region"]) == {"altai", "khakassia", "kostroma"}
    shown = findings.functions_side_by_side(functions).set_index("function_name")
    regulation = shown.loc["утверждает положение о системе"]
    assert regulation["Костромская область"] == (
        "Департамент образования и науки Костромской области (региональный)"
    )
    assert set(shown) == {"Костромская область", "Республика Алтай", "Республика Хакасия"}
    assert shown.notna().all(axis=None) and not shown.index.duplicated().any()


def test_two_regions_of_one_name_keep_a_column_each(root, two):
    functions = region_functions(country_edition("2023", root).described)
    names = {"Республика Алтай": "Область", "Республика Хакасия": "Область"}
    alike = functions.assign(name=functions["name"].replace(names))
    shown = findings.functions_side_by_side(alike)
    assert list(shown) == ["function_name", "Область (altai)", "Область (khakassia)"]
    before = findings.functions_side_by_side(functions)
    assert shown.to_numpy().tolist() == before.to_numpy().tolist()


def test_other_words_of_a_document_make_another_comparison(root, two):
    before = country_edition("2023", root).digest
    path = root / "regions" / "altai" / "system.yaml"
    path.write_text(path.read_text("utf-8").replace("Муниципальн", "Районн", 1), "utf-8")
    assert country_edition("2023", root).digest != before


def test_a_region_that_describes_no_subjects_is_said_and_not_compared(root, two):
    (root / "regions" / "altai" / "system.yaml").unlink()
    functions = region_functions(country_edition("2023", root).described)
    own = functions[functions["region"] == "altai"]
    assert own["note"].tolist() == ["документы региона субъектов не описывают"]
    assert own["function"].isna().all()
    assert "Республика Алтай" not in findings.functions_side_by_side(functions)


def test_a_region_without_values_has_one_row_that_says_what_would_give_them(root):
    of = write_edition(root, "khakassia")
    other = write_edition(root, "altai")
    empty = {"estimate": np.nan, "status": "no_data", "attainment": "no_data"}
    rows = [
        indicator_row(of, "x", 1, 4, note=None, closed_by=""),
        indicator_row(of, "x", 1, 4, note=None, closed_by="лист «Штат»") | empty,
        *[indicator_row(other, "x", 1, 4, note=None, closed_by="лист «РМА»") | empty] * 12,
    ]
    told = regions.told_rows(pd.DataFrame(rows))
    assert told["region"].tolist() == ["khakassia", "altai"]
    assert told["note"].tolist()[1] == "число дало бы: лист «РМА»"
    assert told["variant_label"].tolist() == ["от всех", "ни по одному варианту"]


# --- its runs -------------------------------------------------------------------------------------


def table_bytes(root: Path, run: str) -> dict[str, bytes]:
    folder = results_folder(root) / run / "_country" / "2023"
    return {path.name: path.read_bytes() for path in folder.rglob("*.parquet")}


def test_the_comparison_is_published_as_an_edition_of_its_own(root, two, notebooks):
    told = []
    done = compare(
        country_edition("2023", root),
        lambda of, notebook, is_done, _: told.append((of.key, notebook, is_done)),
        notebooks_folder=notebooks,
    )
    assert (done.status, len(done.tables)) == ("published", 6), done.failure
    assert told == [("_country/2023", COMPARISON, False), ("_country/2023", COMPARISON, True)]
    assert current(root) == {
        "_country/2023": done.run, "altai/2023": RUN, "khakassia/2023": RUN
    }  # fmt: skip
    assert verify(root) == []
    assert "_country" in set(runs(root)["region"])
    assert set(read_manifest(done.folder)["inputs"]) == {
        "code", "comparison", "altai/2023", "khakassia/2023"
    }  # fmt: skip
    read = published_comparison(two[0])
    assert read["region_definitions"]["region"].tolist() == ["altai", "khakassia"]
    assert changed_since(root, read) == []


def test_a_second_run_of_the_same_has_the_same_name_and_bytes(root, two, notebooks, monkeypatch):
    first = compare(country_edition("2023", root), notebooks_folder=notebooks)
    for of in reversed(two):  # the same tables, published anew in another order
        publish_run(of, tables_of(of), LATER, monkeypatch)
    again = compare(country_edition("2023", root), notebooks_folder=notebooks)
    assert (first.run[:10], first.run[10:], again.run[10:]) == (again.run[:10], "-1", "-2")
    assert table_bytes(root, first.run) == table_bytes(root, again.run) != {}


def test_other_results_of_a_region_give_another_run_and_are_told(root, two, notebooks, monkeypatch):
    first = compare(country_edition("2023", root), notebooks_folder=notebooks)
    publish_run(two[1], tables_of(two[1], 10, 100), LATER, monkeypatch)
    assert changed_since(root, published_comparison(two[0])) == ["altai/2023"]
    again = compare(country_edition("2023", root), notebooks_folder=notebooks)
    assert again.run[:10] != first.run[:10]
    assert changed_since(root, published_comparison(two[0])) == []


def test_going_back_leaves_the_regions_alone_and_they_leave_it(root, two, notebooks, monkeypatch):
    first = compare(country_edition("2023", root), notebooks_folder=notebooks)
    publish_run(two[1], tables_of(two[1], 10, 100), LATER, monkeypatch)
    again = compare(country_edition("2023", root), notebooks_folder=notebooks)
    rollback(root, "_country/2023", first.run)
    kept = {"altai/2023": LATER, "khakassia/2023": RUN}
    assert current(root) == kept | {"_country/2023": first.run}
    rollback(root, "altai/2023", RUN)
    assert current(root)["_country/2023"] == first.run
    with pytest.raises(ResultsError, match=f"в прогоне {RUN} нет издания _country/2023; есть в: "):
        rollback(root, "_country/2023", RUN)
    assert again.run not in current(root).values()


def test_a_draft_is_not_published(root, two, notebooks):
    done = compare(country_edition("2023", root), is_draft=True, notebooks_folder=notebooks)
    assert done.status == "work"
    assert "_country/2023" not in current(root)


# --- the page -------------------------------------------------------------------------------------


def page_of(root: Path, region: str) -> str:
    """Words of the page «Регионы» at an edition of 2023."""
    figures.use("bokeh")
    state = State(*published_editions(root))
    state.choose(region, "2023")
    return said(regions.view(state))


def test_a_comparison_is_no_edition_of_the_app(root, two, notebooks):
    compare(country_edition("2023", root), notebooks_folder=notebooks)
    found, unread = published_editions(root)
    assert unread == ""
    assert {p.edition.key for p in found} == {"altai/2023", "khakassia/2023"}


def test_without_a_comparison_the_page_says_how_to_make_it(root, two):
    words = page_of(root, "khakassia")
    assert "сравнение регионов за 2023 год не сделано" in words.lower()
    assert "nmc run _country/2023" in words


def test_the_page_shows_each_region_beside_its_definition(root, notebooks, monkeypatch):
    for region, version in (("khakassia", "банк 80"), ("altai", "<b>банк 60</b>")):
        of = write_edition(root, region)
        row = indicator_row(of, "fr_dpp_share", 1, 4)
        tables = tables_of(of, instrument_version=version)
        publish_run(of, tables | {"indicators": pd.DataFrame([row])}, RUN, monkeypatch)
    compare(country_edition("2023", root), notebooks_folder=notebooks)
    words = plain(page_of(root, "altai"))
    assert "Рядом стоят 2 региона: Республика Алтай, Республика Хакасия" in words
    assert "Доли низшего уровня несопоставимы: разные задания." in words
    assert "банк 80" in words and "<b>банк 60</b>" in words  # text, not markup
    assert "25,0 %" in words and "≥ 50 %, 2023" in words
    assert "регионов с сопоставимыми долями меньше десяти" in words
    assert not re.search(r"\b(nan|NaN|None|NA|total|entry)\b", words)


def test_the_page_tells_results_published_since(root, two, notebooks, monkeypatch):
    compare(country_edition("2023", root), notebooks_folder=notebooks)
    publish_run(two[1], tables_of(two[1], 10, 100), LATER, monkeypatch)
    told = "После сравнения опубликованы другие результаты: Республика Алтай. Здесь стоят прежние."
    assert told in page_of(root, "khakassia")


def test_an_edition_of_another_origin_does_not_see_the_comparison(
    root, two, notebooks, monkeypatch
):
    compare(country_edition("2023", root), notebooks_folder=notebooks)
    real = write_edition(root, "kostroma", origin="submitted")
    publish_run(real, tables_of(real), LATER, monkeypatch)
    words = page_of(root, "kostroma")
    assert "Сравнены данные другого происхождения (демонстрация)" in words
    assert "Хакасия" not in words


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def nmc(root, monkeypatch):
    """`nmc --data ROOT …`, with a suite that publishes no edition of regions."""
    compared: list[tuple[str, bool]] = []

    def record(country, show, is_draft=False, waits=None):
        compared.append((country.key, is_draft))
        show(country, COMPARISON, False)
        status = "work" if is_draft else "published"
        about = {"edition": country, "run": RUN, "status": status, "failure": None}
        about |= {"notebooks": (COMPARISON,), "tables": ("a",), "folder": root, "seconds": 1.0}
        return SimpleNamespace(**about)

    ran: list[list[str]] = []

    def run(editions, *_, **__):
        ran.append([of.key for of in editions])
        return []

    monkeypatch.setattr("nmc_utils.suite.run", run)
    monkeypatch.setattr("nmc_utils.suite.compare", record)

    def call(*arguments: str):
        compared.clear()
        ran.clear()
        done = CliRunner().invoke(cli.app, ["--data", str(root), *arguments])
        return SimpleNamespace(done=done, compared=list(compared), ran=[k for r in ran for k in r])

    return call


def test_a_named_comparison_runs_alone(nmc, two):
    told = nmc("run", "_country/2023", "--json")
    assert told.done.exit_code == 0, told.done.output
    assert (told.compared, told.ran) == ([("_country/2023", False)], [])
    (row,) = json.loads(told.done.stdout)["editions"]
    assert (row["edition"], row["status"], row["held_out"]) == ("_country/2023", "published", 0)


def test_all_means_the_comparisons_too_and_a_named_region_does_not(nmc, two):
    assert nmc("run").compared == [("_country/2023", False)]
    assert nmc("run", "khakassia/2023").compared == []
    assert nmc("run", "--only", "02_diagnostics").compared == []
    drafts = nmc("run", "--only", COMPARISON)
    assert (drafts.compared, drafts.ran) == ([("_country/2023", True)], [])


def test_a_comparison_that_cannot_be_made_is_told(nmc, two):
    told = nmc("run", "_country/2022")
    assert told.done.exit_code == 1
    assert "_country/2022: 2022 год: сравнивать не с чем" in told.done.stderr
    assert nmc("run", "_country/22").done.exit_code == 2
    shutil.rmtree(results_folder(two[0].root))
    told = nmc("run", "_country")
    assert told.done.exit_code == 1 and "ни за один период" in told.done.output


def test_runs_verify_and_rollback_know_the_comparison(nmc, root, two, notebooks):
    first = compare(country_edition("2023", root), notebooks_folder=notebooks)
    again = compare(country_edition("2023", root), notebooks_folder=notebooks)
    rows = json.loads(nmc("runs", "--json").done.stdout)["runs"]
    assert [row["run"] for row in rows if row["region"] == "_country"] == [first.run, again.run]
    assert nmc("verify").done.stdout == "Всё цело.\n"
    back = nmc("rollback", "_country", "2023", first.run, "--json").done
    assert json.loads(back.stdout) == {"edition": "_country/2023", "run": first.run}
    table = next(first.folder.rglob("*.parquet"))
    os.truncate(table, 5)
    assert nmc("verify").done.exit_code == 1
