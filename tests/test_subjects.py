"""Who has which function: every cell names its document, every gap is shown."""

import pandas as pd
import pytest
import yaml
from shown_sections import shown

from dashboards.sections.subjects import section
from nmc_utils import figures, findings
from nmc_utils.editions import Edition, Period
from nmc_utils.measures.subjects import NO_FUNCTIONS, NOT_NAMED, system_functions
from nmc_utils.regions import read_region
from nmc_utils.system import FUNCTIONS

SUBJECTS = [
    {"id": "school", "name": "Школа", "level": "organization", "functions": ["routes"]},
    {
        "id": "center",
        "name": "Центр",
        "level": "regional",
        "functions": ["routes", {"code": "diagnose", "section": "приказ"}],
    },
    {"id": "silent", "name": "Безмолвный", "level": "regional", "functions": [], "since": 2023},
]


@pytest.fixture
def edition(root):
    """An edition whose documents name the subjects above."""
    place = {"document": "regulation_2023", "section": "раздел 3"}
    system = {"subjects": [entry | place for entry in SUBJECTS]}
    path = root / "regions" / "khakassia" / "system.yaml"
    path.write_text(yaml.safe_dump(system, allow_unicode=True), "utf-8")
    return Edition(
        region=read_region(root, "khakassia"),
        period=Period.parse("2023"),
        origin="demonstration",
        as_of="2023-06-30",
        status="draft",
        root=root,
    )


def test_every_function_has_its_subjects_or_is_a_gap(edition):
    table = system_functions(edition)
    assert list(table["function"].dropna().unique()) == list(FUNCTIONS)
    routes = table[table["function"] == "routes"]
    assert routes["subject"].tolist() == ["center", "school"], "from the upper level down"
    short = edition.region.document("regulation_2023").short
    assert set(routes["source"]) == {f"{short}, раздел 3"}
    gaps = table[table["subject"].isna()]
    assert len(gaps) == len(FUNCTIONS) - 2
    assert set(gaps["note"]) == {NOT_NAMED}
    assert table.loc[table["subject"].notna() & table["function"].notna(), "note"].isna().all()


def test_a_function_has_its_own_place_where_the_documents_give_it_in_another(edition):
    table = system_functions(edition).set_index(["subject", "function"])["source"]
    short = edition.region.document("regulation_2023").short
    assert table["center", "routes"] == f"{short}, раздел 3"
    assert table["center", "diagnose"] == f"{short}, приказ"
    numbered = figures.numbered_subjects(system_functions(edition)).set_index("subject")
    places = numbered.loc["center", "source"].split("; ")
    assert sorted(places) == [f"{short}, приказ", f"{short}, раздел 3"]


def test_a_subject_without_functions_is_listed_and_counted(edition):
    table = system_functions(edition)
    silent = table[table["subject"] == "silent"]
    assert len(silent) == 1 and pd.isna(silent["function"].iloc[0])
    assert silent["note"].tolist() == [NO_FUNCTIONS]
    said = findings.system_functions(table).replace("\u00a0", " ")
    assert said.startswith(
        "Документы называют 3 субъекта системы, у одного из них функции не названы;"
    )
    numbered = figures.numbered_subjects(table)
    assert numbered.set_index("subject")["functions"].to_dict() == {
        "center": 2,
        "silent": 0,
        "school": 1,
    }
    assert figures.matrix_rows(table)["function_name"].tolist()[-1] == NO_FUNCTIONS


def test_findings_tell_gaps_of_documents_not_of_work(edition):
    table = system_functions(edition)
    said = findings.system_functions(table)
    assert f"не названо {len(FUNCTIONS) - 2}: это пробел документов" in said
    other = table[table["function"] != "diagnose"]
    both = findings.functions_of_regions({"А": table, "Б": other})
    assert both.startswith("Функций, которые называют документы всех регионов (А, Б), — 1")
    assert "только в одном из них названы: А — 1" in both


def test_a_region_without_subjects_has_no_matrix(edition):
    (edition.root / "regions" / "khakassia" / "system.yaml").unlink()
    table = system_functions(edition)
    assert table.empty and "function" in table
    assert "не описывают" in findings.system_functions(table)
    figures.use("matplotlib")
    assert len(figures.functions_matrix(table)) == 1, "words in place of a picture"


@pytest.mark.parametrize("backend", ["matplotlib", "bokeh"])
def test_the_matrix_has_a_letter_for_each_pair_and_words_for_each_gap(edition, backend):
    figures.use(backend)
    table = system_functions(edition)
    shown = _texts(figures.functions_matrix(table))
    assert (shown.count("Р"), shown.count("О")) == (3, 1), "one of them has no function"
    assert shown.count("— не названа") == len(FUNCTIONS) - 2
    numbered = figures.numbered_subjects(table)
    assert numbered["subject_name"].tolist() == ["Центр", "Безмолвный", "Школа"]
    assert numbered["number"].tolist() == [1, 2, 3]


def test_regions_stand_side_by_side(edition):
    figures.use("matplotlib")
    table = system_functions(edition)
    none = table[:0]
    cells = _texts(figures.functions_by_region({"А": table, "Б": none}))
    assert cells.count("Р  О") == 1 and cells.count("Р") == 1
    assert cells.count("не названа") == len(FUNCTIONS) - 2
    assert cells.count("—") == len(FUNCTIONS), "of a region without subjects nothing is known"
    assert len(_texts(figures.functions_by_region({"Б": none}))) == 1
    older = table[table["function"] != "routes"]
    cells = _texts(figures.functions_by_region({"А": table, "Б": older}))
    assert cells.count("—") == 1, "of a function that an older run does not ask nothing is known"


def _texts(figure):
    layers = [layer for layer in figure if layer.vdims and layer.vdims[0].name == "text"]
    return [text for layer in layers for text in layer.dimension_values("text")]


def test_order_of_subjects_in_the_file_does_not_change_the_levels(edition):
    path = edition.root / "regions" / "khakassia" / "system.yaml"
    before = system_functions(edition)
    system = yaml.safe_load(path.read_text("utf-8"))
    path.write_text(yaml.safe_dump({"subjects": system["subjects"][::-1]}), "utf-8")
    pd.testing.assert_frame_equal(before, system_functions(edition))


def test_the_section_lists_subjects_and_says_when_there_is_nobody_to_compare(edition):
    figures.use("bokeh")
    html = shown(section, edition, {"system_functions": system_functions(edition)})
    subjects = html.partition("Субъекты по номерам")[2]
    assert "Безмолвный" in subjects and "в документах не названы" in subjects
    assert "В системе с года" in subjects and ">2023<" in subjects
    assert "субъектов описывает только один регион" in html.casefold()
    assert "nmc run khakassia/2023" in shown(section, edition, {})
