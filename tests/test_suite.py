"""The suite on small notebooks: what is refused, what stops an edition, what is published."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import nbformat
import pandas as pd
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from nmc_utils.editions import Edition, edition
from nmc_utils.history import verify
from nmc_utils.results import (
    RUN_FOLDER,
    ResultsError,
    begin,
    current,
    publish,
    read_manifest,
    results,
    stage,
)
from nmc_utils.suite import (
    NOTEBOOKS,
    NotebookFailed,
    ParameterError,
    code_digest,
    execute,
    run,
)

PARAMETERS = 'region = "khakassia"\nperiod = "2023"'
GIVEN = {"region": "khakassia", "period": "2022"}
STAGE = """
import pandas as pd
from nmc_utils.results import stage
table = stage("{name}", pd.DataFrame({{"period": [period], "region": [region]}}))
"""
READ = """
from nmc_utils.editions import edition
from nmc_utils.results import results
print("read", results(edition(region, period))["first"].loc[0, "period"])
"""
FAIL_IN_2022 = 'if period == "2022":\n    raise ValueError("нет баллов")'


def write_notebook(path: Path, *cells: str, parameters: str | None = PARAMETERS) -> Path:
    """Write a notebook whose code cells are the parameters and then `cells`."""
    node = new_notebook(cells=[new_markdown_cell("# Вопрос")])
    if parameters is not None:
        node.cells.append(new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    node.cells += [new_code_cell(source) for source in cells]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(node, path)
    return path


def printed(executed: Path) -> str:
    cells = nbformat.read(executed, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join(output.get("text", "") for output in outputs)


# --- one notebook ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (None, "тетрадь one: нет ячейки с меткой parameters"),
        ('region = ""', "нет параметра period; есть: region"),
        (PARAMETERS + "\ncut = 0.6", "не передан параметр cut; передаются: period, region"),
    ],
)
def test_parameters_that_do_not_fit_are_refused_before_anything_runs(tmp_path, parameters, message):
    notebook = write_notebook(tmp_path / "one.ipynb", "1 / 0", parameters=parameters)
    with pytest.raises(ParameterError, match=message):
        execute(notebook, tmp_path / "out" / "one.ipynb", GIVEN)
    assert not (tmp_path / "out").exists()


def test_a_notebook_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nine\.ipynb: такой тетради нет"):
        execute(tmp_path / "nine.ipynb", tmp_path / "out.ipynb", GIVEN)


def test_a_kernel_gets_parameters_environment_and_the_package_but_this_process_does_not(
    tmp_path, monkeypatch
):
    monkeypatch.delenv("NMC_ONE", raising=False)
    monkeypatch.chdir(tmp_path)  # the package is not importable from here by luck
    folder = tmp_path / "Данные {2023} №1"  # papermill takes braces in a path for a template
    notebook = write_notebook(
        folder / "one.ipynb",
        'import os, nmc_utils.suite\nprint(region, period, os.environ["NMC_ONE"])',
    )
    execute(notebook, folder / "out" / "one.ipynb", GIVEN, environment={"NMC_ONE": "yes"})
    assert printed(folder / "out" / "one.ipynb") == "khakassia 2022 yes\n"
    assert printed(notebook) == ""
    assert "NMC_ONE" not in os.environ


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ('raise ValueError("нет баллов")', "ValueError: нет баллов"),
        ("import time; time.sleep(60)", "не закончилась за отведённое время, 2 с"),
        ("import os; os._exit(9)", "ядро остановилось"),
    ],
)
def test_a_failure_names_notebook_cell_and_reason_and_keeps_what_was_executed(
    tmp_path, cell, reason
):
    notebook = write_notebook(tmp_path / "one.ipynb", "print('before')", cell, "print('after')")
    with pytest.raises(NotebookFailed) as failure:
        execute(notebook, tmp_path / "out" / "one.ipynb", GIVEN, timeout=2)
    assert str(failure.value).startswith(f"тетрадь one, ячейка 3: {reason}")
    assert (failure.value.notebook, failure.value.cell) == ("one", 3)
    assert printed(tmp_path / "out" / "one.ipynb").startswith("before\n")
    assert "after" not in printed(tmp_path / "out" / "one.ipynb")


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        ("raise SystemExit(1)", "ядро не запустилось: остановилось, не ответив"),
        ("import time; time.sleep(60)", "ядро не запустилось: не ответило за 1 с"),
    ],
)
def test_a_kernel_that_never_answers_is_said_to_and_nothing_was_executed(
    tmp_path, monkeypatch, ends, reason
):
    command = {"argv": [sys.executable, "-c", ends, "{connection_file}"]}
    monkeypatch.setattr("nmc_utils.kernels.get_kernel_dict", lambda _: command | {"metadata": {}})
    monkeypatch.setattr("nmc_utils.kernels._unable", lambda: "x")
    in_a_second = partial(papermill.execute_notebook, start_timeout=1)
    monkeypatch.setattr("papermill.execute_notebook", in_a_second)
    with pytest.raises(NotebookFailed) as failure:
        execute(write_notebook(tmp_path / "one.ipynb"), tmp_path / "out.ipynb", GIVEN)
    assert str(failure.value) == f"тетрадь one, ячейка 0: {reason}"


def test_an_error_of_the_product_is_not_taken_for_one_of_the_kernel(tmp_path):
    def fails(text: str, is_error: bool) -> str:
        raise RuntimeError("нечем скрыть")

    with pytest.raises(RuntimeError, match="нечем скрыть") as failure:
        execute(write_notebook(tmp_path / "one.ipynb"), tmp_path / "out.ipynb", GIVEN, redact=fails)
    assert not isinstance(failure.value, NotebookFailed)


def test_nothing_is_saved_between_cells(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr("papermill.engines.write_ipynb", lambda *_: saved.append("papermill"))
    output = tmp_path / "out" / "one.ipynb"
    look = f"import os\nprint(os.path.exists({str(output)!r}))"
    execute(write_notebook(tmp_path / "one.ipynb", look, look), output, GIVEN)
    assert (saved, printed(output)) == ([], "False\nFalse\n")


# --- the suite ------------------------------------------------------------------------------------


@dataclass
class Suite:
    """Two editions, a folder of notebooks, and what progress was told."""

    editions: list[Edition]
    folder: Path
    told: list[tuple[str, str, bool]] = field(default_factory=list)

    def run(self, only=None, *, options=None, **inputs):
        digests = {of.key: "d" for of in self.editions} | inputs
        for of in self.editions:
            of.validated.mkdir(parents=True, exist_ok=True)
            about = json.dumps({"digest": digests[of.key]})
            (of.validated / "sources.json").write_text(about)
        return run(
            self.editions,
            digests,
            only,
            lambda edition, notebook, done, _: self.told.append((edition.key, notebook, done)),
            notebooks=("one", "two"),
            notebooks_folder=self.folder,
            timeout=60,
            **(options or {}),
        )


@pytest.fixture
def suite(root: Path, tmp_path: Path) -> Suite:
    made = []
    for period in ("2022", "2023"):
        path = root / "regions" / "khakassia" / period / "edition.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(
            f"origin: demonstration\nperiod_kind: calendar_year\nas_of: {period}-12-31\n"
        )
        made.append(edition("khakassia", period, root))
    write_notebook(tmp_path / "notebooks" / "one.ipynb", STAGE.format(name="first"))
    write_notebook(tmp_path / "notebooks" / "two.ipynb", READ, STAGE.format(name="second"))
    return Suite(made, tmp_path / "notebooks")


def test_one_run_publishes_every_edition_and_a_later_notebook_reads_an_earlier_one(suite, root):
    outcomes = suite.run()
    assert [outcome.status for outcome in outcomes] == ["published"] * 2
    assert len({outcome.run for outcome in outcomes}) == 1
    assert current(root) == {outcome.edition.key: outcome.run for outcome in outcomes}
    assert verify(root) == []
    for outcome in outcomes:
        made = results(outcome.edition)
        assert (outcome.tables, outcome.notebooks) == (("first", "second"), ("one", "two"))
        assert made["second"].loc[0, "period"] == outcome.edition.period.text
        assert printed(made.notebooks["two"]) == f"read {outcome.edition.period}\n"
        assert read_manifest(outcome.folder)["inputs"]["tables"] == "d"
    steps = [(name, done) for name in ("one", "two") for done in (False, True)]
    assert suite.told == [(entry.key, *step) for entry in suite.editions for step in steps]


def test_each_edition_has_a_hider_of_its_own_names(suite):
    for name in ("one", "two"):
        write_notebook(suite.folder / f"{name}.ipynb", 'print("имя-2022 имя-2023")')

    def hides(key: str):
        own = f"имя-{key[-4:]}"
        return lambda: lambda text, is_error: text.replace(own, "…")

    first, second = (made.folder / "notebooks" for made in suite.run(options={"redactor": hides}))
    assert printed(first / "one.ipynb") == "… имя-2023\n"
    assert printed(second / "two.ipynb") == "имя-2022 …\n"


def test_an_error_that_nobody_foresaw_fails_its_edition_alone(suite, monkeypatch):
    def of_2022_fails(notebook, output, parameters, *_, **__):
        if parameters["period"] == "2022":
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "Сидорова")
        write_notebook(output)

    monkeypatch.setattr("nmc_utils.suite.execute", of_2022_fails)
    hides = {"redactor": lambda key: lambda: lambda text, _: text.replace("Сидорова", "…")}
    failed, fine = suite.run(options=hides)
    assert (failed.status, fine.status) == ("failed", "published")
    assert failed.failure.startswith("непредвиденная ошибка UnicodeDecodeError. Подробности: ")
    told = log_text(failed)
    assert "of_2022_fails" in told and "0xff" in told and "…" in told and "Сидорова" not in told


def log_text(failed) -> str:
    return Path(failed.failure.split("Подробности: ")[1].split(". ")[0]).read_text("utf-8")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("Сидорова"), "непредвиденная ошибка ValueError"),
        (PermissionError(13, "Сидорова.xlsx"), "непредвиденная ошибка PermissionError"),
        (ResultsError("имена скрыть нечем"), "имена скрыть нечем"),
    ],
)
def test_without_what_hides_names_an_edition_is_not_executed_and_no_text_is_kept(
    suite, monkeypatch, error, said
):
    def redactor(key: str):
        def make():
            if key == "khakassia/2022":
                raise error
            return lambda text, _: text

        return make

    begun = []
    monkeypatch.setattr(
        "nmc_utils.suite.execute", lambda _, output, given, *__, **___: begun.append(given)
    )
    failed, fine = suite.run(options={"redactor": redactor})
    assert (failed.status, fine.status) == ("failed", "published")
    assert failed.failure.startswith(f"{said}. ")
    assert {given["period"] for given in begun} == {"2023"}
    logs = failed.folder.parents[3] / "logs"
    assert all("Сидорова" not in path.read_text("utf-8") for path in logs.glob("*"))


def publish_before(of: Edition, monkeypatch) -> str:
    """Publish a table «first» of an earlier run, without a kernel."""
    name = "0123456789-1"
    with monkeypatch.context() as inside:
        inside.setenv(RUN_FOLDER, str(begin(of, name)))
        stage("first", pd.DataFrame({"period": ["earlier"]}))
    publish(of, name, {})
    return name


def test_a_failing_notebook_stops_its_edition_and_the_other_is_published(suite, root, monkeypatch):
    before = publish_before(suite.editions[0], monkeypatch)
    write_notebook(suite.folder / "one.ipynb")
    write_notebook(suite.folder / "two.ipynb", FAIL_IN_2022)
    failed, fine = suite.run()
    assert (failed.status, fine.status) == ("failed", "published")
    log = root / "results" / "logs" / f"{failed.run}.khakassia-2022.txt"
    assert failed.failure == (
        f"тетрадь two, ячейка 2: ValueError: нет баллов. Подробности: {log}. "
        "Исправьте и повторите: nmc run khakassia/2022"
    )
    told = log.read_text("utf-8")
    assert 'raise ValueError("нет баллов")' in told and "\x1b" not in told
    assert current(root) == {"khakassia/2022": before, "khakassia/2023": fine.run}
    assert failed.folder == root / "results" / ".partial" / failed.run / "khakassia" / "2022"
    assert (failed.folder / "notebooks" / "two.ipynb").is_file()
    assert not (root / "results" / failed.run / "khakassia" / "2022").exists()
    assert verify(root) == []


def test_only_some_notebooks_publish_nothing_and_read_the_rest_from_the_published_run(
    suite, root, monkeypatch
):
    before = publish_before(suite.editions[0], monkeypatch)
    suite.editions = suite.editions[:1]
    (work,) = suite.run(only=["two"])
    assert (work.status, work.notebooks, work.tables) == ("work", ("two",), ("second",))
    assert printed(work.folder / "notebooks" / "two.ipynb") == "read earlier\n"
    assert current(root) == {"khakassia/2022": before}
    assert not (root / "results" / work.run).exists()


def test_the_run_id_depends_on_inputs_and_definition_and_code(suite, root):
    write_notebook(suite.folder / "one.ipynb", parameters=None)  # stops before any kernel starts
    first = suite.run()[0]
    again = suite.run()[0]
    assert first.failure.startswith("тетрадь one: нет ячейки с меткой parameters. Исправьте")
    assert first.run == again.run == f"{first.run[:10]}-1"  # what was not finished is gone on with
    digests = {first.run[:10], suite.run(**{"khakassia/2023": "other"})[0].run[:10]}
    facts = root / "regions" / "khakassia" / "published.csv"
    facts.write_text(facts.read_text("utf-8") + "\n", "utf-8")
    digests.add(suite.run()[0].run[:10])
    write_notebook(suite.folder / "two.ipynb", "1 + 1")
    digests.add(suite.run()[0].run[:10])
    assert len(digests) == 4


def test_outputs_and_prose_of_a_notebook_are_not_its_code(tmp_path):
    path = write_notebook(tmp_path / "one.ipynb", "1 + 1")
    before = code_digest(tmp_path)
    node = nbformat.read(path, as_version=4)
    node.cells[0].source = "# Другой вопрос"
    node.cells[-1].execution_count = 7
    nbformat.write(node, path)
    assert code_digest(tmp_path) == before
    node.cells[-1].source = "1 + 2"
    nbformat.write(node, path)
    assert code_digest(tmp_path) != before


def test_an_unknown_or_absent_notebook_and_a_missing_digest_are_refused(suite, root):
    with pytest.raises(ValueError, match="нет тетради three; есть: one, two"):
        suite.run(only=["three"])
    with pytest.raises(FileNotFoundError, match=f"нет тетради {NOTEBOOKS[0]}"):
        run(suite.editions, {}, notebooks_folder=suite.folder)
    with pytest.raises(ValueError, match="нет свёртки входных данных для khakassia/2022"):
        run(suite.editions, {}, notebooks=("one",), notebooks_folder=suite.folder)
    assert not (root / "results").exists()


def test_what_cannot_be_published_fails_its_edition_alone(suite, root, monkeypatch):
    def begin_over_a_published_edition(of, name):
        if of.period.text == "2022":
            (root / "results" / name / of.key).mkdir(parents=True)
        return begin(of, name)

    monkeypatch.setattr("nmc_utils.runs.begin", begin_over_a_published_edition)
    for name in ("one", "two"):
        write_notebook(suite.folder / f"{name}.ipynb")
    failed, fine = suite.run()
    assert "уже опубликовано" in failed.failure
    assert current(root) == {"khakassia/2023": fine.run}


def test_an_executed_notebook_holds_no_path_of_the_machine(tmp_path):
    source, output = tmp_path / "in" / "a.ipynb", tmp_path / "out" / "a.ipynb"
    source.parent.mkdir()
    node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell('region = "x"')])
    node.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(node, source)
    execute(source, output, {"region": "khakassia"})
    about = nbformat.read(output, 4).metadata["papermill"]
    assert (about["input_path"], about["output_path"]) == ("a.ipynb", "a.ipynb")
    assert str(tmp_path) not in output.read_text("utf-8")
