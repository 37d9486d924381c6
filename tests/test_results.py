"""Staging, publication, reading, verification, going back."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import filelock
import pandas as pd
import pytest

from nmc_utils.editions import Edition, edition
from nmc_utils.history import rollback, runs, verify
from nmc_utils.results import (
    MANIFEST,
    RUN_FOLDER,
    RUN_OVER_PUBLISHED,
    MissingResult,
    ResultsError,
    begin,
    current,
    publish,
    read_manifest,
    results,
    run_id,
    stage,
)
from nmc_utils.results import (
    published as read_run,
)

DIGEST = "0123456789abcdef"
RUN = "0123456789-1"


def make_edition(root: Path, period: str, origin: str = "demonstration") -> Edition:
    path = root / "regions" / "khakassia" / period / "edition.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"origin: {origin}\nperiod_kind: calendar_year\nas_of: {period}-12-31\n", "utf-8"
    )
    return edition("khakassia", period, root)


def measures(measure: str, estimate: float = 0.25) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "region": ["khakassia"],
            "measure": [measure],
            "estimate": [estimate],
            "std_error": [0.01],
            "ci_low": [0.2],
            "ci_high": [0.3],
            "interval_kind": ["sample"],
            "n": [100],
            "status": ["ok"],
        }
    )


OPEN = measures("indicator_share")
LATER = measures("indicator_share", estimate=0.3)
SENSITIVE = measures("level_share")
PERSONS = pd.DataFrame({"person_id": ["a", "b"], "group_id": [1, 2]})


@pytest.fixture
def y2023(root: Path) -> Edition:
    return make_edition(root, "2023")


def publish_tables(of: Edition, run: str, monkeypatch: pytest.MonkeyPatch, **tables) -> Path:
    """Publish `tables` of one edition, staged as a notebook stages them."""
    folder = begin(of, run)
    with monkeypatch.context() as inside:
        inside.setenv(RUN_FOLDER, str(folder))
        for name, table in tables.items():
            stage(name, table, public=table is OPEN)
    return publish(of, run, {"tables": "d1"})


@pytest.fixture
def published(y2023: Edition, monkeypatch: pytest.MonkeyPatch) -> Path:
    return publish_tables(
        y2023, RUN, monkeypatch, indicators=OPEN, level_shares=SENSITIVE, members=PERSONS
    )


# --- staging --------------------------------------------------------------------------------------


def test_outside_a_run_staging_returns_the_table_and_writes_nothing(root, monkeypatch):
    monkeypatch.chdir(root)
    before = sorted(root.rglob("*"))
    assert stage("indicators", OPEN, public=True) is OPEN
    assert sorted(root.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "table", "public", "message"),
    [
        ("Доли", OPEN, False, "имя таблицы «Доли»"),
        ("../out", OPEN, False, "имя таблицы «../out»"),
        ("shares", SENSITIVE, True, "о результатах отдельных людей"),
        ("members", PERSONS, True, "только таблица показателей"),
        ("shares", SENSITIVE.set_index("region"), False, "индекс ['region'] не сохраняется"),
        ("shares", SENSITIVE.assign(measure="guess"), False, "guess"),
        ("shares", SENSITIVE.assign(estimate=0.9), False, "outside its interval"),
    ],
)
def test_staging_refuses(name, table, public, message):
    with pytest.raises(ValueError) as refusal:
        stage(name, table, public=public)
    assert message in str(refusal.value)


def test_one_sensitive_measure_keeps_the_whole_table_out_of_the_public_part():
    mixed = pd.concat([OPEN, SENSITIVE], ignore_index=True)
    with pytest.raises(ValueError, match="открытой она быть не может"):
        stage("mixed", mixed, public=True)


@pytest.mark.parametrize("public_again", [True, False])
def test_a_name_is_staged_once_in_a_run_whatever_the_part(y2023, monkeypatch, public_again):
    monkeypatch.setenv(RUN_FOLDER, str(begin(y2023, RUN)))
    stage("indicators", OPEN, public=True)
    with pytest.raises(ValueError, match="«indicators» в этом прогоне уже есть"):
        stage("indicators", OPEN, public=public_again)


# --- publication ----------------------------------------------------------------------------------


def test_published_tables_come_back_as_they_were_staged(y2023, published):
    made = results(y2023)
    assert (made.run, made.folder) == (RUN, published)
    assert list(made) == ["indicators", "level_shares", "members"]
    assert made.public == ("indicators",)
    for name, table in [("indicators", OPEN), ("level_shares", SENSITIVE), ("members", PERSONS)]:
        pd.testing.assert_frame_equal(made[name], table)


def test_only_open_measures_stand_in_the_public_folder(published):
    parts = {part: sorted(os.listdir(published / part)) for part in ("public", "restricted")}
    assert parts == {
        "public": ["indicators.parquet"],
        "restricted": ["level_shares.parquet", "members.parquet"],
    }


def test_the_manifest_tells_what_was_made_of_what_and_not_when(published):
    manifest = read_manifest(published)
    assert manifest["edition"] == "khakassia/2023"
    assert manifest["origin"] == "demonstration"
    assert manifest["as_of"] == "2023-12-31"
    assert manifest["run"] == RUN
    assert manifest["inputs"] == {"tables": "d1"}
    assert list(manifest["files"]) == [
        "public/indicators.parquet",
        "restricted/level_shares.parquet",
        "restricted/members.parquet",
    ]
    assert set(manifest) == {
        "edition", "origin", "as_of", "run", "version", "inputs", "files", "sha256"
    }  # fmt: skip


def test_the_same_inputs_give_the_same_bytes_in_a_run_of_the_next_number(y2023, monkeypatch):
    folders = []
    for _ in range(2):
        run = run_id(y2023.root, DIGEST)
        folders.append(publish_tables(y2023, run, monkeypatch, members=PERSONS, open=OPEN))
    assert [folder.parts[-3] for folder in folders] == ["0123456789-1", "0123456789-2"]
    first, second = (
        {path.name: path.read_bytes() for path in folder.rglob("*.parquet")} for folder in folders
    )
    assert first == second
    assert len(first) == 2


def test_a_run_that_left_its_work_behind_keeps_its_number(y2023):
    begin(y2023, run_id(y2023.root, DIGEST))
    assert run_id(y2023.root, DIGEST) == "0123456789-2"
    assert run_id(y2023.root, "f" * 64) == "ffffffffff-1"


def test_publishing_one_edition_leaves_the_pointer_of_others_alone(root, y2023, monkeypatch):
    y2022 = make_edition(root, "2022")
    publish_tables(y2022, RUN, monkeypatch, members=PERSONS)
    publish_tables(y2023, "0123456789-2", monkeypatch, members=PERSONS)
    publish_tables(y2023, "0123456789-3", monkeypatch, members=PERSONS)
    assert current(root) == {"khakassia/2022": RUN, "khakassia/2023": "0123456789-3"}


def test_nothing_is_left_of_the_work_of_a_published_run(root, published):
    assert list((root / "results" / ".partial").iterdir()) == []
    assert not list((root / "results").glob(".current*"))


def test_a_run_cannot_begin_or_publish_an_edition_twice(y2023, published):
    with pytest.raises(ResultsError, match="публиковать нечего"):
        publish(y2023, RUN, {})
    begin(y2023, RUN)
    with pytest.raises(ResultsError, match="уже опубликовано"):
        publish(y2023, RUN, {})
    with pytest.raises(ResultsError, match="уже начат"):
        begin(y2023, RUN)


def test_times_stand_in_the_log_alone(root, published):
    entries = [json.loads(line) for line in (root / "results" / "log.jsonl").open("r")]
    assert [entry["event"] for entry in entries] == ["begin", "publish"]
    year = entries[0]["at"][:5]
    assert year not in (published / MANIFEST).read_text("utf-8")


# --- reading --------------------------------------------------------------------------------------


def test_nothing_published_names_the_remedy(y2023):
    with pytest.raises(FileNotFoundError, match="Выполните: nmc run khakassia/2023"):
        results(y2023)


def test_a_missing_table_is_named_with_those_there_are(y2023, published):
    with pytest.raises(MissingResult) as missing:
        results(y2023)["progress"]
    assert str(missing.value) == (
        "в результатах издания khakassia/2023 нет таблицы «progress»; "
        "есть: indicators, level_shares, members"
    )
    assert isinstance(missing.value, KeyError)
    assert "progress" not in results(y2023)


def test_a_damaged_file_is_not_read_and_the_others_are(y2023, published):
    flip(published / "restricted" / "members.parquet")
    made = results(y2023)
    with pytest.raises(ResultsError, match=r"members\.parquet: файл изменён после публикации"):
        made["members"]
    pd.testing.assert_frame_equal(made["indicators"], OPEN)


def test_inside_a_run_the_run_is_read_and_not_what_is_published(y2023, published, monkeypatch):
    monkeypatch.setenv(RUN_FOLDER, str(begin(y2023, "0123456789-2")))
    stage("members", PERSONS.head(1))
    made = results(y2023)
    assert (made.run, list(made), made.manifest) == ("0123456789-2", ["members"], None)
    assert len(made["members"]) == 1


def test_inside_a_run_of_another_edition_the_published_run_is_read(
    root, y2023, published, monkeypatch
):
    monkeypatch.setenv(RUN_FOLDER, str(begin(make_edition(root, "2022"), "0123456789-2")))
    assert results(y2023).run == RUN


def test_work_on_some_notebooks_reads_its_own_tables_over_the_published_ones(
    y2023, published, monkeypatch
):
    monkeypatch.setenv(RUN_FOLDER, str(begin(y2023, "0123456789-2")))
    monkeypatch.setenv(RUN_OVER_PUBLISHED, "1")
    stage("members", PERSONS.head(1))
    made = results(y2023)
    assert len(made["members"]) == 1
    pd.testing.assert_frame_equal(made["indicators"], OPEN)


def test_results_of_another_origin_are_refused(root, published):
    submitted = make_edition(root, "2023", origin="submitted")
    with pytest.raises(ResultsError, match="данных другого происхождения"):
        results(submitted)


# --- verification ---------------------------------------------------------------------------------


def flip(path: Path, position: int = 100) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= 1
    path.write_bytes(content)


def test_what_was_just_published_is_intact(root, published):
    assert verify(root) == []
    assert verify(root, RUN) == []


def test_a_changed_byte_a_missing_and_an_extra_file_are_named(root, published):
    flip(published / "public" / "indicators.parquet")
    (published / "restricted" / "members.parquet").unlink()
    (published / "restricted" / "names.csv").touch()
    (published.parents[1] / "note.txt").touch()
    about = "khakassia/2023, прогон 0123456789-1"
    assert verify(root) == [
        f"{about}: изменён файл public/indicators.parquet",
        f"{about}: нет файла restricted/members.parquet",
        f"{about}: лишний файл restricted/names.csv",
        "прогон 0123456789-1: лишний файл note.txt",
    ]


def test_no_byte_of_the_manifest_can_change_unnoticed(root, published):
    path = published / MANIFEST
    intact = path.read_bytes()
    for position in range(len(intact)):
        flip(path, position)
        with pytest.raises(ResultsError, match="манифест повреждён"):
            read_manifest(published)
        path.write_bytes(intact)
    flip(path)
    (problem,) = verify(root)
    assert "манифест повреждён" in problem


def test_a_manifest_that_lies_elsewhere_is_noticed(root, published):
    moved = published.with_name("2022")
    published.rename(moved)
    (problem,) = verify(root, RUN)
    assert "манифест описывает khakassia/2023" in problem
    (missing,) = verify(root)
    assert "нет папки издания" in missing


def test_only_what_is_asked_for_is_verified(root, y2023, published, monkeypatch):
    publish_tables(y2023, "0123456789-2", monkeypatch, members=PERSONS)
    flip(published / "public" / "indicators.parquet")
    assert verify(root) == []
    assert len(verify(root, RUN)) == 1


def test_an_unknown_run_and_a_damaged_pointer_are_said(root, published):
    with pytest.raises(FileNotFoundError, match="прогона ffffffffff-1 нет; есть: 0123456789-1"):
        verify(root, "ffffffffff-1")
    with pytest.raises(ResultsError, match="не похоже на номер прогона"):
        verify(root, "../../etc")
    (root / "results" / "current.json").write_text('{"khakassia/2023": "../out"}')
    (problem,) = verify(root)
    assert "current.json: файл повреждён" in problem


# --- going back -----------------------------------------------------------------------------------


def test_rollback_moves_one_pointer_and_is_logged(root, y2023, published, monkeypatch):
    publish_tables(make_edition(root, "2022"), "0123456789-2", monkeypatch, members=PERSONS)
    publish_tables(y2023, "0123456789-2", monkeypatch, members=PERSONS)
    rollback(root, "khakassia/2023", RUN)
    assert current(root) == {"khakassia/2022": "0123456789-2", "khakassia/2023": RUN}
    assert list(results(y2023)) == ["indicators", "level_shares", "members"]
    last = json.loads((root / "results" / "log.jsonl").read_text("utf-8").splitlines()[-1])
    assert (last["event"], last["run"], last["before"]) == ("rollback", RUN, "0123456789-2")


def test_a_pointer_that_another_process_keeps_is_said(root, published, monkeypatch):
    monkeypatch.setattr("nmc_utils.results._POINTS_WITHIN", 0)
    with (
        filelock.FileLock(root / "results" / ".locks" / "current.lock"),
        pytest.raises(ResultsError, match="указатель действующих прогонов .* занят другим"),
    ):
        rollback(root, "khakassia/2023", RUN)


def test_rollback_refuses_a_run_without_the_edition(root, y2023, published, monkeypatch):
    publish_tables(make_edition(root, "2022"), "0123456789-2", monkeypatch, members=PERSONS)
    with pytest.raises(ResultsError, match="нет издания khakassia/2023; есть в: 0123456789-1"):
        rollback(root, "khakassia/2023", "0123456789-2")


def test_rollback_refuses_a_damaged_run_and_the_pointer_stays(root, y2023, published, monkeypatch):
    publish_tables(y2023, "0123456789-2", monkeypatch, members=PERSONS)
    flip(published / "public" / "indicators.parquet")
    with pytest.raises(ResultsError, match=r"изменён файл public/indicators\.parquet"):
        rollback(root, "khakassia/2023", RUN)
    assert current(root) == {"khakassia/2023": "0123456789-2"}


def test_rollback_refuses_records_of_another_origin(root, y2023, published):
    make_edition(root, "2023", origin="submitted")
    with pytest.raises(ResultsError, match="другого происхождения .demonstration., а издание"):
        rollback(root, "khakassia/2023", RUN)


def test_a_lost_pointer_is_not_taken_for_nothing_published(root, published):
    (root / "results" / "current.json").unlink()
    (sentence,) = verify(root)
    assert "указателя действующих прогонов нет" in sentence and "nmc rollback" in sentence


def test_runs_lists_what_was_published_in_order(root, y2023, published, monkeypatch):
    publish_tables(y2023, "0000000000-1", monkeypatch, members=PERSONS)
    table = runs(root)
    assert list(table["run"]) == [RUN, "0000000000-1"]
    assert list(table["current"]) == [False, True]
    assert list(table["files"]) == [3, 1]
    sizes = sum(path.stat().st_size for path in published.rglob("*.parquet"))
    assert table.loc[0, "bytes"] == sizes
    assert tuple(table.loc[0, ["region", "period", "origin", "as_of"]]) == (
        "khakassia", "2023", "demonstration", "2023-12-31"
    )  # fmt: skip


def test_runs_shows_a_damaged_run_without_what_it_cannot_tell(root, published):
    flip(published / MANIFEST)
    table = runs(root)
    assert list(table["run"]) == [RUN]
    assert table[["origin", "as_of", "files", "bytes"]].isna().all(axis=None)


def test_no_runs_is_an_empty_table(root):
    assert runs(root).empty


def test_a_named_run_is_read_whatever_is_published_since(root, y2023, published, monkeypatch):
    before = read_run(y2023, RUN)
    publish_tables(y2023, "0123456789-2", monkeypatch, indicators=LATER)
    assert results(y2023).run == "0123456789-2"
    assert before["indicators"]["estimate"].item() == 0.25
    rollback(root, "khakassia/2023", RUN)
    assert read_run(y2023, "0123456789-2")["indicators"]["estimate"].item() == 0.3


def test_a_run_by_another_definition_is_refused(root, y2023, monkeypatch):
    folder = begin(y2023, RUN)
    (folder / "public").mkdir()
    publish(y2023, RUN, {"definition": y2023.digest})
    assert results(y2023).run == RUN
    changed = y2023.model_copy(update={"as_of": date(2023, 6, 30)})
    with pytest.raises(ResultsError, match="определение региона изменено после прогона. Выполните"):
        results(changed)
