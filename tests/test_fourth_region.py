"""A region made of YAML and workbooks alone goes through everything; so does one of mere counts."""

from __future__ import annotations

import json

import invented_regions as invented
import nbformat
import numpy as np
import pandas as pd
import pytest
from conftest import nmc
from scipy import stats

from nmc_utils import results
from nmc_utils.editions import edition
from nmc_utils.suite import COMPARISON, NOTEBOOKS

pytestmark = pytest.mark.long

PART = "Данные представили 3 из 4 муниципальных образований"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("invented") / "data"
    invented.write_fourth(root)
    invented.write_counts_only(root)
    invented.write_odd(root)
    return root


@pytest.fixture(scope="module")
def run(root):
    """Everything at once: edition → its row."""
    done = nmc(root, "run", "--allow-missing", "--json")
    return {row["edition"]: row for row in json.loads(done.stdout)["editions"]}


@pytest.fixture(scope="module")
def staged(root, run):
    return results.staged(edition("fourth", 2023, root))


@pytest.fixture(scope="module")
def counted(root, run):
    return results.staged(edition("numbers", 2023, root))


def _notebook_texts(root, key) -> str:
    run = results.current(root)[key]
    texts = []
    for path in sorted((root / "results" / run / key / "notebooks").glob("*.ipynb")):
        for cell in nbformat.read(path, 4).cells:
            for output in cell.get("outputs", []):
                texts.append(str(output.get("text", "")))
                texts += [str(text) for text in output.get("data", {}).values()]
    return "\n".join(texts).replace("\u00a0", " ").replace("\u202f", " ")


def test_a_missing_municipality_stops_its_edition_unless_that_is_allowed(root):
    refused = nmc(root, "run", "fourth/2023", "--json")
    assert refused.returncode == 1
    (row,) = json.loads(refused.stdout)["editions"]
    assert row["status"] == "failed" and not row["notebooks"]
    for part in ("3 из 4", "Дальний район", "--allow-missing"):
        assert part in row["failure"]


def test_all_are_published_with_every_notebook_once_that_is_allowed(run):
    regions = {"fourth/2023", "numbers/2023", "exits/2023", "people/2023"}
    assert set(run) == regions | {"_country/2023"}
    for key, row in run.items():
        assert row["status"] == "published", row["failure"]
        assert row["notebooks"] == (list(NOTEBOOKS) if key in regions else [COMPARISON])
    assert run["fourth/2023"]["held_out"] == 0 and run["numbers/2023"]["held_out"] == 0


def test_level_shares_of_the_whole_test_are_those_counted_by_hand(staged):
    shares = staged["level_shares"].query(
        "procedure == 'own' and domain == 'total' and municipality == 'total' and family == 'total'"
    )
    totals = [
        sum(invented.points(place, number)) / (3 * invented.MAX)
        for place in range(3)
        for number in range(invented.N_EACH)
    ]
    base, firm = sum(x <= 0.4 for x in totals), sum(0.4 < x <= 0.8 for x in totals)
    expected = [base, firm, len(totals) - base - firm]
    rows = shares.set_index("level").loc[["base", "firm", "master"]]
    assert (rows["estimate"] * rows["n"]).round().tolist() == expected
    bounds = [stats.binomtest(k, len(totals)).proportion_ci(method="wilson") for k in expected]
    assert rows["ci_low"].tolist() == pytest.approx([bound.low for bound in bounds])
    assert rows["ci_high"].tolist() == pytest.approx([bound.high for bound in bounds])


def test_the_counted_procedure_has_levels_with_intervals_and_is_never_added_up(staged):
    procedures = staged["procedures"]
    assert procedures["procedure"].tolist() == ["outer", "own"], "150 and 120"
    assert procedures["sent_as"].tolist() == ["counts", "records"]
    rows = staged["level_shares"].query("procedure == 'outer' and municipality == 'total'")
    rows = rows.set_index("level").loc[["base", "firm", "master"]]
    assert (rows["estimate"] * rows["n"]).round().tolist() == [25, 95, 30]
    assert rows["n"].tolist() == [150] * 3 and rows["ci_low"].notna().all()
    tested = staged["coverage"].query("measure == 'tested' and municipality == 'total'")
    tested = tested.set_index("procedure")
    assert tested["estimate"].drop("total").to_dict() == {"outer": 150, "own": 120}
    assert tested.loc["total", "status"] == "no_data"
    assert tested.loc["total", "note"] == "пересечение процедур неизвестно"


def test_who_never_reported_is_nowhere_zero(staged):
    reporting = staged["reporting"].set_index("municipality")
    assert not reporting.loc["far", "is_reported"] and reporting["is_reported"].sum() == 3
    far = staged["coverage"].query("municipality == 'far'")
    assert far["status"].eq("no_data").all() and far["n"].isna().all()
    assert set(far["note"]) == {"муниципальное образование этих сведений не прислало"}
    shares = staged["level_shares"].query("municipality == 'far'")
    assert len(shares) and shares["status"].eq("no_data").all() and shares["n"].isna().all()
    assert set(shares["note"]) == {"муниципальное образование этих сведений не прислало"}


def test_every_total_says_that_a_municipality_is_missing(root, staged):
    first = staged["findings"].sort_values("position")["sentence"].iloc[0]
    assert first == f"{PART}: итоги по записям неполные."
    site = staged["indicators"].set_index("basis").loc["recorded"]
    assert site["estimate"] == 3
    assert site["attainment_label"] == "неприменим: данные 3 из 4 муниципальных образований"
    assert PART in _notebook_texts(root, "fourth/2023")
    shares = staged["level_shares"].query("municipality == 'total' and status == 'ok'")
    assert shares.groupby("procedure")["note"].agg(set).to_dict() == {
        "own": {"данные 3 из 4 муниципальных образований"},
        "outer": {"сумма по 3 из 4 муниципальных образований"},
    }
    tested = staged["coverage"].query("municipality == 'total' and measure == 'tested'")
    notes = tested.set_index("procedure")["note"]
    assert notes["own"] == "данные 3 из 4 муниципальных образований"
    assert notes["outer"] == "сумма по 3 из 4 муниципальных образований"


def test_groups_are_made_of_deficits_at_the_lowest_cut(staged):
    plan = staged["seminar_plan"].query("family == 'total'").set_index("measure")["estimate"]
    assert plan["plan_groups"] >= 2 and plan["plan_gap"] <= 0.001
    told = staged["findings"].set_index("topic")["sentence"]["groups"]
    assert told.startswith("По результатам процедуры «ЦНППМ края». Составлено:")
    members = staged["seminar_members"]
    assert members["person_id"].is_unique and len(members) == 3 * invented.N_EACH


def test_the_region_of_counts_says_what_it_cannot_know(root, counted):
    shares = counted["level_shares"].query("level == 'base'").set_index("municipality")
    expected = stats.binomtest(25, 150).proportion_ci(method="wilson")
    assert shares.loc["total", "ci_low"] == pytest.approx(expected.low)
    assert list(shares.index) == ["total"], "numbers of municipalities were not sent"
    histogram = counted["score_histogram"]
    assert histogram["status"].tolist() == ["no_data"]
    gap = "процедура прислана сводными числами, без результатов людей"
    assert histogram["note"].tolist() == [gap]
    plan = counted["seminar_plan"].query("measure == 'plan_groups'")
    assert plan[["status", "note"]].to_numpy().tolist() == [["no_data", gap]]
    sites = counted["indicators"].set_index("basis")
    assert sites.loc["aggregate", "attainment"] == "attained"
    assert sites.loc["aggregate", "source"] == "сводные числа региона, Приказ края"
    assert sites.loc["recorded", "source"] == "не прислана таблица «Организации»"
    told = _notebook_texts(root, "numbers/2023")
    assert "Среди прошедших диагностику: 150 чел. из 900" in told
    assert f"План групп не составлен: {gap}" in told


def test_no_number_of_either_region_is_missing_without_a_reason(staged, counted):
    for tables in (staged, counted):
        for name in ("coverage", "level_shares", "score_distribution", "seminar_plan"):
            table = tables[name]
            missing = table[table["status"] != "ok"]
            assert missing["note"].map(lambda note: isinstance(note, str)).all(), name
            assert not np.isinf(table["estimate"].astype(float)).any()


def test_results_of_the_exit_alone_are_told_as_such(root, run):
    published = results.staged(edition("exits", 2023, root))
    entry = "входной диагностики в данных нет"
    tested = published["coverage"].query("municipality == 'total' and procedure == 'own'")
    assert tested[["status", "note"]].drop_duplicates().to_numpy().tolist() == [["no_data", entry]]
    shares = published["level_shares"].query("wave == 'exit' and domain == 'total'")
    whole = shares.query("municipality == 'total' and family == 'total'")
    assert whole["n"].tolist() == [120] * 3 and whole["estimate"].sum() == pytest.approx(1)
    said = published["findings"].set_index("topic")["sentence"]
    assert said["tested"] == f"Кто прошёл диагностику, неизвестно: {entry}."
    assert said["groups"] == f"План групп не составлен: {entry}."


def test_people_without_results_are_not_people_with_none(root, run):
    published = results.staged(edition("people", 2023, root))
    held = published["held_out"].set_index("table")
    assert held.loc["scores", ["sent", "held_out"]].tolist() == [120, 120]
    said = published["findings"].set_index("topic")["sentence"]
    assert said["held_out"].startswith("При приёме задержаны строки: «Результаты» — 120 из 120;")
    assert (
        said["tested"]
        == "Кто прошёл диагностику, неизвестно: не присланы таблицы «Результаты» и «Сводные числа»."
    )
    assert not published["coverage"]["estimate"].eq(0).any()


def test_what_was_published_is_intact(root, run):
    done = nmc(root, "verify")
    assert done.returncode == 0 and "Всё цело" in done.stdout
    listed = pd.DataFrame(json.loads(nmc(root, "runs", "--json").stdout)["runs"])
    assert set(listed.loc[listed["current"], "region"]) == {
        "_country",
        "exits",
        "fourth",
        "numbers",
        "people",
    }
