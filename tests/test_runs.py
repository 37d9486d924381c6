"""A run in progress: who holds it, what it goes on with, what it refuses to go on with."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import threading
from contextlib import ExitStack
from functools import partial
from types import SimpleNamespace

import filelock
import psutil
import pytest
from faults import laboratory as lab

from nmc_utils import history, holding, results, runs, suite
from nmc_utils.commands import running
from nmc_utils.results import ResultsError


@pytest.fixture
def laboratory(tmp_path, monkeypatch) -> lab.Laboratory:
    monkeypatch.setattr(suite, "execute", lab.stand_in)
    return lab.build(tmp_path)


@pytest.fixture
def executed(monkeypatch) -> list[str]:
    """Which notebooks are executed; the one that is said to break does."""
    done: list[str] = []

    def execute(notebook, output, parameters, timeout, **how):
        done.append(f"{parameters['period']} {notebook.stem}")
        if done[-1] == "2023 two" and len(done) == 4:
            raise suite.NotebookFailed(notebook.stem, 2, "нет баллов", "Traceback: нет баллов\n")
        lab.stand_in(notebook, output, parameters, timeout, **how)

    monkeypatch.setattr(suite, "execute", execute)
    return done


def inputs_of(laboratory: lab.Laboratory, tables: str = "d", code: str = "c") -> dict:
    return {of.key: {"tables": tables, "code": code} for of in laboratory.editions}


def test_who_comes_second_is_told_who_holds_the_edition(laboratory):
    key = "khakassia/2023"
    with holding.held(laboratory.root, [key]):
        told = rf"{key}: .*процесс {os.getpid()} на машине .*, с "
        both = holding.held(laboratory.root, ["khakassia/2022", key])
        with pytest.raises(holding.Busy, match=told), both:
            raise AssertionError
        with holding.held(laboratory.root, ["khakassia/2022"]):  # let go by the refused
            pass
    with holding.held(laboratory.root, [key]):
        pass


def test_who_waits_says_for_whom_and_goes_on_when_let(laboratory):
    key, said = "_country/2023", []
    with ExitStack() as holder:
        holder.enter_context(holding.held(laboratory.root, [key]))

        def waits(line: str) -> None:
            said.append(line)
            threading.Timer(0.1, holder.close).start()

        with holding.held(laboratory.root, [key], wait=20, waits=waits):
            assert re.match(rf"{key}: жду, пока закончит другой прогон \(процесс \d+ на", said[0])
    with holding.held(laboratory.root, [key], wait=20, waits=said.append):
        assert len(said) == 1


def test_a_run_that_goes_on_says_so_and_from_where(laboratory, executed, monkeypatch):
    monkeypatch.setattr(suite, "NOTEBOOKS", lab.NOTEBOOKS)
    said, show = [], SimpleNamespace(log_to=lambda path: None)
    show.say = said.append
    begun = partial(running._begun, show)
    first = laboratory.run(begun=begun)
    assert said == [] and [made.status for made in first] == ["published", "failed"]
    laboratory.run(begun=begun)
    name = first[0].run
    assert said[-1] == f"прерванный прогон {name}: продолжаю издание khakassia/2023 с тетради two"


def test_what_a_killed_holder_left_holds_nobody(laboratory):
    locks = laboratory.root / "results" / ".locks"
    locks.mkdir(exist_ok=True)
    (locks / "khakassia--2023.lock").write_text("1")
    about = {"pid": 1, "host": "elsewhere", "began": 0, "since": "2023-01-01T00:00:00+00:00"}
    (locks / "khakassia--2023.json").write_text(json.dumps(about))
    with holding.held(laboratory.root, ["khakassia/2023"]):
        pass


@pytest.mark.parametrize(
    ("left", "is_named"),
    [({}, True), ({"began": 0}, False), ({"pid": 2**22 + 1}, False), ({"host": "elsewhere"}, True)],
)
def test_a_later_process_of_the_same_number_is_not_called_the_holder(laboratory, left, is_named):
    holder = laboratory.root / "results" / ".locks" / "khakassia--2023.json"
    with holding.held(laboratory.root, ["khakassia/2023"]):
        holder.write_text(json.dumps(json.loads(holder.read_text()) | left))
        with pytest.raises(holding.Busy) as told, holding.held(laboratory.root, ["khakassia/2023"]):
            raise AssertionError
        assert ("процесс" in str(told.value)) is is_named
    assert not holder.exists()


@pytest.mark.skipif(os.name == "nt", reason="locks are made otherwise there")
@pytest.mark.parametrize("said", ["ENOSYS", "ENOLCK", "EOPNOTSUPP", "EINVAL", "EACCES"])
def test_where_files_cannot_be_locked_no_run_begins(laboratory, monkeypatch, said):
    def flock(descriptor, operation):
        raise OSError(getattr(errno, said), os.strerror(getattr(errno, said)))

    monkeypatch.setattr(filelock._unix.fcntl, "flock", flock)
    held = holding.held(laboratory.root, ["khakassia/2023"])
    with pytest.raises(ResultsError, match="не умеет запирать файлы"), held:
        raise AssertionError


def test_after_a_failed_notebook_the_next_run_begins_there(laboratory, executed):
    first = laboratory.run()
    assert [made.status for made in first] == ["published", "failed"]
    assert laboratory.run()[1].status == "published"
    assert executed == ["2022 one", "2022 two", "2023 one", "2023 two", "2023 two"]
    assert {made.run for made in first} == set(results.current(laboratory.root).values())
    assert not list((laboratory.root / "results" / ".partial").glob("*"))


def test_an_output_that_was_changed_is_made_again(laboratory, executed):
    made = laboratory.run()[1]
    (made.folder / "restricted" / "one.parquet").write_bytes(b"")
    laboratory.run()
    assert executed[4:] == ["2023 one", "2023 two"]


def test_what_is_made_again_is_recorded_again(laboratory, tmp_path):
    run = runs.start(laboratory.root, inputs_of(laboratory))
    of = laboratory.editions[0]
    run.open(of)
    table = run.folder(of.key) / "public" / "first.parquet"
    table.parent.mkdir(parents=True)
    for content in (b"first", b"made again"):
        table.write_bytes(content)
        run.record(of.key, "one")
        assert run.finished(of.key, ["one", "two"]) == ("one",)
        table.write_bytes(b"spoilt")
        assert run.finished(of.key, ["one", "two"]) == ()
        assert not table.exists()
    assert run.recorded(of.key) == ()


def test_with_other_code_a_new_run_begins_and_what_the_dead_one_left_goes(laboratory, executed):
    dead = laboratory.run()[1]
    notebook = laboratory.notebooks / "one.ipynb"
    notebook.write_text(notebook.read_text("utf-8").replace("import pandas", "import  pandas"))
    made = laboratory.run()
    assert {one.status for one in made} == {"published"}
    assert made[0].run != dead.run
    assert not list((laboratory.root / "results" / ".partial").glob("*"))
    assert '"forget"' in (laboratory.root / "results" / "log.jsonl").read_text("utf-8")


def test_a_draft_is_not_gone_on_with_and_is_in_nobodys_way(laboratory):
    draft = laboratory.run(only=["one"])
    assert {made.status for made in draft} == {"work"}
    assert runs.unfinished(laboratory.root) == {}
    assert {made.status for made in laboratory.run()} == {"published"}


@pytest.mark.parametrize(
    ("maker", "keys", "is_left"),
    [
        ({}, ["khakassia/2022", "khakassia/2023"], False),
        ({}, ["khakassia/2023"], True),
        ({"pid": os.getppid(), "began": psutil.Process(os.getppid()).create_time()}, [], True),
        ({"pid": os.getppid(), "began": 0}, ["khakassia/2022", "khakassia/2023"], False),
        ({"host": "elsewhere"}, ["khakassia/2022", "khakassia/2023"], True),
    ],
)
def test_a_draft_takes_the_place_of_earlier_ones(laboratory, maker, keys, is_left):
    inputs, partial = inputs_of(laboratory), laboratory.root / "results" / ".partial"
    first = runs.start(laboratory.root, inputs, is_draft=True)
    path = partial / first.name / runs.ABOUT
    about = json.loads(path.read_text())
    path.write_text(json.dumps(about | {"maker": about["maker"] | maker}))
    later = {key: inputs[key] for key in keys or inputs}
    second = runs.start(laboratory.root, later, is_draft=True)
    assert (partial / second.name).is_dir()
    assert path.exists() is is_left or second.name == first.name
    assert runs.unfinished(laboratory.root) == {}


def test_a_draft_and_a_run_of_the_same_inputs_never_share_a_name(laboratory):
    of_draft, of_run = (
        runs.start(laboratory.root, inputs_of(laboratory), is_draft=is_draft).name
        for is_draft in (True, False)
    )
    assert of_draft.partition("-")[0] != of_run.partition("-")[0]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"code": "other"}, "код изменился, начните заново: nmc run khakassia/2022 khakassia/2023"),
        ({"tables": "other"}, "данные или определения khakassia/2022 изменились"),
    ],
)
def test_what_cannot_be_gone_on_with_is_refused(laboratory, changed, sentence):
    begun = runs.start(laboratory.root, inputs_of(laboratory))
    assert runs.start(laboratory.root, inputs_of(laboratory), resume=begun.name).is_continued
    with pytest.raises(ResultsError, match=sentence):
        runs.start(laboratory.root, inputs_of(laboratory, **changed), resume=begun.name)
    with pytest.raises(ResultsError, match="был начат для изданий khakassia/2022, khakassia/2023"):
        runs.start(laboratory.root, {}, resume=begun.name)
    with pytest.raises(ResultsError, match=f"прогона 0000000000-1 нет; прерванные: {begun.name}"):
        runs.start(laboratory.root, {}, resume="0000000000-1")


def test_a_run_begun_with_other_packages_is_not_gone_on_with(laboratory, executed, monkeypatch):
    dead = laboratory.run()[1]
    versions = suite.jobs.about() | {"pandas": "99"}
    monkeypatch.setattr(suite.jobs, "about", lambda: versions)
    with pytest.raises(ResultsError, match=rf"прогон {dead.run}: изменились версии \(pandas\)"):
        laboratory.run(resume=dead.run)
    made = laboratory.run()
    assert {one.status for one in made} == {"published"}
    assert dead.run not in {one.run for one in made}
    assert len(executed) == 8


@pytest.mark.parametrize("spoilt", ["manifest.json", "restricted/one.parquet"])
def test_a_run_whose_published_edition_is_damaged_is_not_gone_on_with(laboratory, executed, spoilt):
    first = laboratory.run()[0]
    (first.folder / spoilt).write_bytes(b"")
    with pytest.raises(ResultsError, match=f"прогон {first.run}: опубликованное повреждено"):
        laboratory.run(resume=first.run)
    made = laboratory.run()
    assert {one.status for one in made} == {"published"}
    assert first.run not in {one.run for one in made}
    assert history.verify(laboratory.root) == []


def test_tables_that_changed_since_they_were_accepted_are_refused(laboratory, executed):
    validated = laboratory.editions[1].validated
    (validated / "sources.json").write_text(json.dumps({"digest": "other"}))
    first, second = laboratory.run()
    assert first.status == "published"
    assert "принятые таблицы изменились или исчезли" in second.failure
    assert executed == ["2022 one", "2022 two"]


def test_tables_of_two_intakes_are_not_mixed(laboratory):
    validated = laboratory.editions[1].validated
    sources = {"digest": "d", "tables": {"staff.parquet": hashlib.sha256(b"today").hexdigest()}}
    (validated / "sources.json").write_text(json.dumps(sources))
    (validated / "staff.parquet").write_bytes(b"yesterday")
    assert "принятые таблицы изменились или исчезли" in laboratory.run()[1].failure
    (validated / "staff.parquet").write_bytes(b"today")
    assert laboratory.run()[1].status == "published"


@pytest.mark.parametrize("said", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_up_while_tables_are_kept_is_said(laboratory, monkeypatch, said):
    def full(source, target):
        raise OSError(said, os.strerror(said), target)

    monkeypatch.setattr(runs, "_link", full)
    assert {made.failure.partition(": нужно")[0] for made in laboratory.run()} == {
        f"{laboratory.root}: мало места на диске"
    }


def test_a_run_reads_the_tables_as_they_were_when_it_began(laboratory):
    of = laboratory.editions[0]
    begun = runs.start(laboratory.root, inputs_of(laboratory))
    begun.open(of)
    outside = of.validated
    with lab.environment(begun.environment(of.key)):
        assert begun.name in of.validated.parts
        assert (of.validated / "sources.json").read_bytes() == (
            outside / "sources.json"
        ).read_bytes()
    assert of.validated == outside


def test_a_disk_too_small_is_said_before_anything(laboratory, monkeypatch):
    monkeypatch.setattr(runs, "_LEAST_SPACE", 10**18)
    before = lab.digests(laboratory.root)
    with pytest.raises(ResultsError, match=r"мало места на диске: нужно примерно \d+ МБ, есть"):
        laboratory.run()
    assert lab.digests(laboratory.root) == before
