"""Periods, definitions and their refusals."""

from __future__ import annotations

from datetime import date

import pytest
from conftest import CHECKOUT

from nmc_utils.editions import (
    DefinitionError,
    Period,
    data_root,
    edition,
    editions,
    read_published,
    read_region,
)


@pytest.mark.parametrize(
    ("text", "kind", "first", "last", "label"),
    [
        ("2023", "calendar_year", date(2023, 1, 1), date(2023, 12, 31), "2023 год"),
        (
            "2022-2023",
            "academic_year",
            date(2022, 9, 1),
            date(2023, 8, 31),
            "2022/2023 учебный год",
        ),
        ("2023-q2", "quarter", date(2023, 4, 1), date(2023, 6, 30), "2 квартал 2023 года"),
        ("2024-q1", "quarter", date(2024, 1, 1), date(2024, 3, 31), "1 квартал 2024 года"),
    ],
)
def test_periods(text, kind, first, last, label):
    period = Period.parse(text)
    assert (period.kind, period.starts_on, period.ends_on) == (kind, first, last)
    assert (str(period), period.label) == (text, label)


@pytest.mark.parametrize("text", ["23", "2022-2024", "2023-q5", "2023/2024", "1999", ""])
def test_a_wrong_period_names_the_allowed_ones(text):
    with pytest.raises(ValueError, match="допустимо: 2023 .календарный год., 2022-2023"):
        Period.parse(text)


def _change(root, old, new):
    path = root / "regions" / "khakassia" / "region.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "key", "reason"),
    [
        ("cut_basis: total ", "cut_basis: totl ", "diagnostics.cut_basis", "'total', 'domain'"),
        ("identity: name_and_birth", "identity: snils", "identity", "'name_and_birth', 'own_code'"),
        ("center: ", "centre: ", "centre", "такого ключа нет"),
        ("up_to: 0.60", "up_to: 60", "diagnostics.levels.0.up_to", "«60» не подходит"),
        ("code: abaza", "code: abakan", "municipalities", "коды не должны повторяться"),
    ],
)
def test_a_wrong_region_gives_one_sentence_with_file_line_and_key(root, old, new, key, reason):
    line = _change(root, old, new)
    with pytest.raises(DefinitionError) as refused:
        read_region(root, "khakassia")
    text = str(refused.value)
    assert "region.yaml" in text and reason in text and key in text
    if key not in ("municipalities",):
        assert f"строка {line}," in text


def test_a_target_must_name_a_known_document(root):
    _change(root, "document: regulation_2023, section: Раздел 5", "document: nowhere, section: x")
    with pytest.raises(DefinitionError, match="нет документа nowhere; есть: mentoring_2022"):
        read_region(root, "khakassia")


def test_a_broken_yaml_is_named(root):
    _change(root, "domains:", "domains: [")
    with pytest.raises(DefinitionError, match=r"region\.yaml: это не YAML"):
        read_region(root, "khakassia")


def test_an_unknown_region_lists_the_known_ones(root):
    with pytest.raises(DefinitionError, match="«tomsk» не определён .*; есть: khakassia"):
        read_region(root, "tomsk")


def test_an_edition_is_found_by_region_and_period(root):
    folder = root / "regions" / "khakassia" / "2023"
    folder.mkdir()
    (folder / "edition.yaml").write_text(
        "origin: submitted\nperiod_kind: calendar_year\nas_of: 2023-12-31\n", "utf-8"
    )
    found = edition("khakassia", 2023, root)
    assert found.key == "khakassia/2023" and not found.is_demonstration
    assert [entry.key for entry in editions(root)] == ["khakassia/2023"]
    with pytest.raises(DefinitionError, match="нет издания за период 2022 .*есть: 2023"):
        edition("khakassia", "2022", root)


def test_the_kind_of_period_must_fit_the_folder(root):
    folder = root / "regions" / "khakassia" / "2023"
    folder.mkdir()
    (folder / "edition.yaml").write_text(
        "origin: submitted\nperiod_kind: quarter\nas_of: 2023-12-31\n", "utf-8"
    )
    with pytest.raises(DefinitionError, match="period_kind: «quarter», .* календарный год"):
        edition("khakassia", "2023", root)


def test_a_folder_without_regions_says_how_to_make_one(tmp_path):
    with pytest.raises(DefinitionError, match="nmc init"):
        data_root(tmp_path)


def test_published_facts_of_khakassia_agree_with_each_other():
    path = CHECKOUT / "data" / "regions" / "khakassia" / "published.csv"
    facts = (
        read_published(path).query("kind in ('count', 'actual')").set_index(["metric", "period"])
    )
    number = facts["number"].unstack()["2023"]
    roles = ["rma_curator", "rma_head", "rma_tutors", "rma_coordinators", "rma_methodists"]
    assert number[roles].sum() == number["rma_total"] == 116
    assert round(number["workforce_total"] / number["rma_total"]) == 99
    staff = ["cnppm_staff_fulltime", "cnppm_staff_parttime", "cnppm_staff_contract"]
    assert number[staff].sum() == number["cnppm_staff_total"] == 25
    spans = facts["number"].unstack()["2022-2023"]
    trained = spans["methodists_trained"] / number["rma_methodists"]
    assert round(100 * trained) == spans["methodists_trained_share"] == 75


def test_demonstration_sizes_are_the_published_ones():
    root = CHECKOUT / "data"
    demonstration = read_region(root, "khakassia").demonstration
    facts = read_published(root / "regions" / "khakassia" / "published.csv")
    number = facts.set_index(["metric", "period"])["number"]
    assert demonstration["2023"].staff == number["workforce_total", "2023"]
    assert demonstration["2023"].tested == number["iom_count", "2023"]
    assert sum(demonstration["2023"].methodists.values()) == number["rma_total", "2023"]
    assert demonstration["2023"].low_performing == number["shnor_count", "2023"]
    assert demonstration["2022"].mentoring == number["mentoring_project_schools", "2022"]


def test_a_fact_of_an_unknown_kind_names_file_line_and_kinds(root):
    path = root / "regions" / "khakassia" / "published.csv"
    path.write_text(path.read_text("utf-8").replace(",count,", ",guess,", 1), "utf-8")
    with pytest.raises(DefinitionError, match="строка 2, столбец kind: «guess»; допустимо: target"):
        read_published(path)
