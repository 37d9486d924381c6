"""The command line: what it prints, refuses and returns."""

from __future__ import annotations

import errno
import json
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from typer.testing import CliRunner

from nmc_utils import cli
from nmc_utils.commands import base, results
from nmc_utils.editions import DefinitionError, edition
from nmc_utils.holding import held
from nmc_utils.intake import IntakeError
from nmc_utils.intake.names import Names
from nmc_utils.results import begin, publish
from nmc_utils.suite import Outcome
from nmc_utils.tables import DIFFERENCES
from nmc_utils.terminal import gathered

RUN, LATER = "0123456789-1", "0123456789-2"
PROBLEM = {
    "file": "Абаза.xlsx",
    "cell": "Результаты!G5",
    "kind": "held_out",
    "found": "120",
    "meaning": "балл больше максимума",
    "action": "Строка задержана",
    "remedy": "Исправьте балл",
}
FILE = {"file": "Абаза.xlsx", "sent": 12, "accepted": 9, "superseded": 1, "blank": 1}
READ = {"file": "Абаза.xlsx", "format": "xlsx", "number": 1, "municipalities": "Абаза"}
READ |= {"replaced_by": ""}
PART = "приняты данные 11 из 13 муниципальных образований, ничего не принято от: Абаза, Сорск"


def add_edition(root: Path, period: str, origin: str = "demonstration") -> None:
    path = root / "regions" / "khakassia" / period / "edition.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(f"origin: {origin}\nperiod_kind: calendar_year\nas_of: {period}-12-31\n")


def intake(held_out: int, missing: tuple[str, ...] = ()) -> SimpleNamespace:
    return SimpleNamespace(
        conservation=pd.DataFrame([FILE | {"held_out": held_out}]),
        problems=pd.DataFrame([PROBLEM] * held_out, columns=list(PROBLEM)),
        files_table=pd.DataFrame([READ | {"state": "returned" if held_out else "accepted"}]),
        differences=pd.DataFrame(columns=list(DIFFERENCES)).astype(DIFFERENCES),
        held_out=held_out,
        tables={"scores": 9},
        missing=missing,
        files={},
        names=Names(),
        digest="d",
    )


@pytest.fixture
def nmc(root: Path):
    """Call `nmc` on a data root with two demonstration editions."""
    add_edition(root, "2022")
    add_edition(root, "2023")

    def call(*arguments: str):
        return CliRunner().invoke(cli.app, ["--data", str(root), *arguments])

    return call


@pytest.fixture
def take_in(monkeypatch):
    """By edition: rows held out, municipalities that are missing, or the error of its intake."""
    answers: dict[str, int | tuple[str, ...] | Exception] = {}

    def answer(of):
        found = answers.get(of.key, 0)
        if isinstance(found, Exception):
            raise found
        return intake(0, found) if isinstance(found, tuple) else intake(found)

    monkeypatch.setattr("nmc_utils.intake.take_in", answer)
    monkeypatch.setattr("nmc_utils.intake.returns.write_returns", lambda of, account: [])
    return answers


@pytest.fixture
def suite(monkeypatch):
    """Editions whose notebooks fail; and with what the suite was called."""
    fake = SimpleNamespace(failures={}, editions=None, inputs=None, only=None, how=None)

    def run(editions, inputs, only=None, progress=None, *, redactor, begun, **how):
        fake.editions, fake.inputs, fake.only = [of.key for of in editions], inputs, only
        fake.how = how
        assert all(redactor(of.key)()("Текст", False) == "Текст" for of in editions)
        outcomes = []
        for of in editions:
            progress(of, "02_diagnostics", False)
            progress(of, "02_diagnostics", True)
            failure = fake.failures.get(of.key)
            status = "failed" if failure else "work" if only else "published"
            folder = Path("/made") / of.key
            outcomes.append(
                Outcome(of, RUN, status, failure, ("02_diagnostics",), ("a", "b"), folder, 1.5)
            )
        return outcomes

    monkeypatch.setattr("nmc_utils.suite.run", run)
    return fake


def published(root: Path, *runs: str) -> Path:
    of = edition("khakassia", "2023", root)
    for run in runs:
        (begin(of, run) / "public").mkdir()
        (root / "results" / ".partial" / run / of.key / "public" / "x.parquet").write_bytes(b"x")
        publish(of, run, {})
    return root / "results" / runs[-1] / of.key


# --- help and wrong use ---------------------------------------------------------------------------


def test_help_is_russian_and_grouped(nmc):
    shown = nmc("--help")
    assert shown.exit_code == 0
    for word in ("Использование:", "Данные", "Прогон", "Результаты", "Коды завершения"):
        assert word in shown.stdout
    for word in ("Usage", "Options", "Commands", "Show this message"):
        assert word not in shown.stdout


@pytest.mark.parametrize(
    "command", ["init", "demo", "check", "run", "groups", "dashboard", "runs", "verify", "rollback"]
)
def test_every_command_has_russian_help_and_json(nmc, command):
    shown = nmc(command, "--help")
    assert shown.exit_code == 0
    assert "Использование: " in shown.stdout
    assert "--json" in shown.stdout


def test_help_does_not_wait_for_heavy_libraries():
    heavy = "{'pandas', 'papermill', 'panel', 'holoviews', 'pydantic'}"
    code = f"import sys, nmc_utils.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["publish"], "нет команды «publish»; есть: "),
        (["run", "--fast"], "нет параметра --fast"),
        (["check", "khakassia"], "не указано 'PERIOD'"),
        (["dashboard", "--port", "many"], "недопустимое значение '--port'"),
        (["dashboard", "--port"], "у параметра --port должно быть одно значение"),
        (["runs", "all"], "неверный вызов"),
        (["check", "khakassia", "23"], "период «23» не распознан"),
        (["check", "tomsk", "2023"], "нет региона tomsk"),
        (["demo", "tomsk"], "нет региона tomsk"),
        (["run", "tomsk/2023"], "нет региона tomsk"),
        (["run", "khakassia/2023/x"], "период «2023/x» не распознан"),
        (["run", "--only", "99"], "нет тетради 99; есть: 01_intake_quality, 02_diagnostics"),
        (["dashboard", "--address", "0.0.0.0"], "адрес 0.0.0.0 виден другим компьютерам"),
        (["dashboard", "--address", "example.org"], "входа по паролю ещё нет"),
    ],
)
def test_wrong_use_is_one_sentence_and_two(nmc, arguments, sentence):
    done = nmc(*arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["check", "khakassia", "2031"], "нет издания за период 2031"),
        (["rollback", "khakassia", "2023", RUN], f"в прогоне {RUN} нет издания khakassia/2023"),
        (["verify", RUN], f"прогона {RUN} нет"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_one(nmc, arguments, sentence):
    done = nmc(*arguments)
    assert done.exit_code == 1
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_without_definitions_names_the_remedy(tmp_path):
    done = CliRunner().invoke(cli.app, ["--data", str(tmp_path), "runs"])
    assert done.exit_code == 1
    assert f"nmc init {tmp_path}" in done.stderr


def test_a_mistake_in_the_code_is_not_dressed_up(nmc, monkeypatch):
    monkeypatch.setattr("nmc_utils.history.runs", lambda root: int("x"))
    done = nmc("runs")
    assert isinstance(done.exception, ValueError)
    assert "invalid literal" in str(done.exception)


# --- data -----------------------------------------------------------------------------------------


def test_init_copies_definitions_and_no_edition(tmp_path):
    target = tmp_path / "new"
    done = CliRunner().invoke(cli.app, ["init", str(target), "--json"])
    assert done.exit_code == 0
    assert "khakassia" in json.loads(done.stdout)["regions"]
    names = {path.name for path in target.rglob("*") if path.is_file()}
    assert names == {"region.yaml", "published.csv", "system.yaml"}
    source = base.CHECKOUT / "data" / "regions" / "khakassia" / "region.yaml"
    copy = target / "regions" / "khakassia" / "region.yaml"
    assert copy.read_bytes() == source.read_bytes()


def test_init_refuses_a_folder_that_has_regions(root):
    marker = root / "regions" / "khakassia" / "region.yaml"
    marker.write_text("мой")
    done = CliRunner().invoke(cli.app, ["init", str(root)])
    assert done.exit_code == 2
    assert "уже есть папка regions" in done.stderr
    assert marker.read_text() == "мой"


@pytest.fixture
def demo(monkeypatch):
    calls = []

    def write(root, region, periods=None, *, seed=2023, persons=None):
        calls.append((region, periods, seed, persons))
        return [root / "regions" / region / period for period in periods or ["2023"]]

    monkeypatch.setattr("nmc_utils.demo.write", write)
    return calls


def test_demo_passes_on_what_was_asked_for(nmc, demo):
    done = nmc(
        "demo", "khakassia", "--periods", "2022,2023", "--seed", "7", "--persons", "500", "--json"
    )
    assert done.exit_code == 0
    assert demo == [("khakassia", ["2022", "2023"], 7, 500)]
    assert [Path(path).name for path in json.loads(done.stdout)["editions"]] == ["2022", "2023"]


def test_demo_without_arguments_writes_every_region_and_says_it_is_not_real(nmc, demo):
    done = nmc("demo")
    assert ("khakassia", None, 2023, None) in demo
    assert "не сведения о регионе" in done.stdout


def test_demo_that_refuses_fails(nmc, monkeypatch):
    def write(*_, **__):
        raise DefinitionError("есть присланные издания")

    monkeypatch.setattr("nmc_utils.demo.write", write)
    done = nmc("demo", "khakassia")
    assert done.exit_code == 1
    assert done.stderr == "есть присланные издания\n"


def test_demo_unless_submitted_leaves_a_real_root_alone(nmc, root, demo):
    add_edition(root, "2021", origin="submitted")
    done = nmc("demo", "--unless-submitted", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"editions": [], "submitted": ["khakassia/2021"]}
    assert demo == []


@pytest.mark.parametrize(("held_out", "code"), [(0, 0), (1, 3)])
def test_check_returns_three_when_rows_were_held_out(nmc, take_in, held_out, code):
    take_in["khakassia/2023"] = held_out
    done = nmc("check", "khakassia", "2023", "--json")
    assert done.exit_code == code
    told = json.loads(done.stdout)
    assert (told["edition"], told["held_out"], told["digest"]) == ("khakassia/2023", held_out, "d")
    assert told["problems"] == [PROBLEM] * held_out
    assert told["conservation"] == [FILE | {"held_out": held_out}]


def test_check_shows_files_and_problems_in_words(nmc, take_in):
    take_in["khakassia/2023"] = 1
    shown = nmc("check", "khakassia", "2023").stdout
    for word in ("Прислано", "Принято", "Задержано", "балл больше максимума", "Результаты!G5"):
        assert word in shown
    assert "Задержано строк: 1." in shown


def test_check_tells_who_is_missing_and_does_not_fail_for_it(nmc, take_in):
    take_in["khakassia/2023"] = ("abaza", "sorsk")
    told = nmc("check", "khakassia", "2023", "--json")
    assert told.exit_code == 0
    assert json.loads(told.stdout)["missing"] == ["Абаза", "Сорск"]
    shown = nmc("check", "khakassia", "2023")
    assert shown.exit_code == 0
    assert f": {PART}.\n" in shown.stdout
    take_in["khakassia/2023"] = 0
    assert json.loads(nmc("check", "khakassia", "2023", "--json").stdout)["missing"] == []
    assert "приняты данные" not in nmc("check", "khakassia", "2023").stdout


def test_check_that_accepts_nothing_shows_why_and_fails(nmc, take_in):
    take_in["khakassia/2023"] = IntakeError("ни одной строки", intake(1))
    done = nmc("check", "khakassia", "2023", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["problems"] == [PROBLEM]
    assert done.stderr == "ни одной строки\n"


# --- run ------------------------------------------------------------------------------------------


def test_run_takes_in_and_runs_every_edition(nmc, take_in, suite, root):
    done = nmc("run")
    assert done.exit_code == 0
    assert suite.inputs == {"khakassia/2022": "d", "khakassia/2023": "d"}
    assert suite.only is None
    assert done.stdout.count("опубликовано") == 2
    assert "/made/khakassia/2022" in done.stdout
    assert f"nmc --data {root} dashboard" in done.stdout
    assert "khakassia/2022: 02_diagnostics…" in done.stderr


@pytest.mark.parametrize(
    ("targets", "keys"),
    [
        (["khakassia/2023"], ["khakassia/2023"]),
        (["khakassia"], ["khakassia/2022", "khakassia/2023"]),
        (["khakassia/2023", "khakassia"], ["khakassia/2023", "khakassia/2022"]),
    ],
)
def test_run_chooses_editions_once_each(nmc, take_in, suite, targets, keys):
    assert nmc("run", *targets).exit_code == 0
    assert suite.editions == keys


def test_run_goes_on_without_an_edition_that_cannot_be_read(nmc, root, take_in, suite):
    broken = root / "regions" / "khakassia" / "2022" / "edition.yaml"
    broken.write_text("origin: nobody\nperiod_kind: calendar_year\nas_of: 2022-12-31\n", "utf-8")
    done = nmc("run", "--json")
    assert done.exit_code == 1
    rows = {row["edition"]: row for row in json.loads(done.stdout)["editions"]}
    assert rows["khakassia/2022"]["status"] == "failed"
    assert "ключ origin: «nobody»" in rows["khakassia/2022"]["failure"]
    assert rows["khakassia/2023"]["status"] == "published"


def test_run_in_json_is_one_document_and_quiet(nmc, take_in, suite):
    take_in["khakassia/2022"] = 4
    done = nmc("run", "--json")
    assert done.exit_code == 3
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told["run"] == RUN
    first = told["editions"][0]
    assert (first["edition"], first["status"]) == ("khakassia/2022", "published")
    assert (first["held_out"], first["remarks"], first["missing"]) == (4, 4, [])
    assert (first["tables"], first["folder"]) == (["a", "b"], "/made/khakassia/2022")


def test_run_with_held_out_rows_says_how_to_see_them(nmc, take_in, suite, root):
    take_in["khakassia/2022"] = 4
    done = nmc("run")
    assert done.exit_code == 3
    assert f"nmc --data {root} check khakassia 2022" in done.stdout
    assert "nmc check khakassia 2023" not in done.stdout


def test_a_failed_notebook_outweighs_held_out_rows(nmc, take_in, suite):
    take_in["khakassia/2022"] = 4
    suite.failures["khakassia/2023"] = "тетрадь 02_diagnostics, ячейка 3: ValueError: нет баллов"
    done = nmc("run")
    assert done.exit_code == 1
    assert "khakassia/2023: тетрадь 02_diagnostics, ячейка 3" in done.stderr
    assert "не опубликовано" in done.stdout


def test_an_edition_that_is_not_taken_in_fails_and_the_others_go_on(
    nmc, take_in, suite, monkeypatch
):
    take_in["khakassia/2022"] = RuntimeError("Иванова Анна")
    done = nmc("run", "--json")
    assert done.exit_code == 1
    assert suite.editions == ["khakassia/2023"]
    rows = {row["edition"]: row for row in json.loads(done.stdout)["editions"]}
    assert rows["khakassia/2023"]["status"] == "published"
    failed = rows["khakassia/2022"]
    assert failed["status"] == "failed"
    told = "приём не удался: Непредвиденная ошибка RuntimeError (running.py, строка "
    assert failed["failure"].startswith(told)
    assert "Иванова" not in done.stdout + done.stderr
    monkeypatch.setenv("NMC_TRACEBACK", "1")
    assert isinstance(nmc("run").exception, RuntimeError)


@pytest.mark.parametrize(
    "command", [("run", "khakassia/2023", "--only", "08_council"), ("check", "khakassia", "2023")]
)
def test_nobody_takes_in_an_edition_that_a_run_holds(nmc, root, take_in, suite, command):
    with held(root, ["khakassia/2023"]):
        done = nmc(*command)
    assert done.exit_code == 1
    assert "khakassia/2023: над изданием уже работает другой прогон (процесс" in done.stderr
    assert nmc(*command).exit_code == 0


def test_why_an_edition_is_not_published_stands_in_the_log_of_the_run(
    nmc, monkeypatch, take_in, suite
):
    told = {}

    def ended(steps, of, how):
        told[of.key] = how

    monkeypatch.setattr("nmc_utils.terminal_progress.Steps.ended", ended)
    suite.failures["khakassia/2023"] = "тетрадь 02_diagnostics, ячейка 3: нет баллов"
    nmc("run")
    assert told == {
        "khakassia/2022": "опубликовано",
        "khakassia/2023": "не опубликовано: тетрадь 02_diagnostics, ячейка 3: нет баллов",
    }


@pytest.mark.parametrize("only", [(), ("--only", "08_council")])
def test_where_nothing_can_be_written_nothing_is_read(nmc, monkeypatch, take_in, suite, only):
    def refuse(dir):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("nmc_utils.runs.TemporaryFile", refuse)
    take_in["khakassia/2023"] = AssertionError("read")
    done = nmc("run", "khakassia/2023", *only)
    assert done.exit_code == 1
    assert "results: сюда нельзя писать (диск только для чтения). Проверьте права" in done.stderr
    assert "приём" not in done.stderr


MISSING = (
    "приняты данные 12 из 13 муниципальных образований, ничего не принято от: Сорск. Проверьте "
    "замечания (nmc check khakassia 2022), дождитесь файлов или опубликуйте неполное издание: "
    "nmc run khakassia/2022 --allow-missing"
)


def test_an_edition_with_missing_municipalities_is_not_published(nmc, take_in, suite):
    take_in["khakassia/2022"] = ("sorsk",)
    done = nmc("run", "--json")
    assert done.exit_code == 1
    assert suite.editions == ["khakassia/2023"]
    rows = {row["edition"]: row for row in json.loads(done.stdout)["editions"]}
    assert rows["khakassia/2023"]["missing"] == []
    failed = rows["khakassia/2022"]
    assert (failed["status"], failed["failure"]) == ("failed", MISSING)
    assert failed["missing"] == ["Сорск"]
    shown = nmc("run")
    assert f"khakassia/2022: {MISSING}\n" in shown.stderr


def test_an_incomplete_edition_is_published_when_asked_for(nmc, take_in, suite):
    take_in["khakassia/2022"] = ("abaza", "sorsk")
    done = nmc("run", "khakassia/2022", "--allow-missing", "--json")
    assert done.exit_code == 0
    (row,) = json.loads(done.stdout)["editions"]
    assert (row["status"], row["failure"]) == ("published", None)
    assert row["missing"] == ["Абаза", "Сорск"]
    shown = nmc("run", "khakassia/2022", "--allow-missing").stdout
    assert f"khakassia/2022: {PART}\n" in shown


def test_a_draft_run_does_not_wait_for_missing_municipalities(nmc, take_in, suite):
    take_in["khakassia/2023"] = ("sorsk",)
    done = nmc("run", "khakassia/2023", "--only", "08_council")
    assert (done.exit_code, suite.only) == (0, ["08_council"])
    assert "ничего не принято от: Сорск" in done.stdout


def test_run_only_is_passed_on_and_is_not_called_published(nmc, take_in, suite):
    done = nmc("run", "khakassia/2023", "--only", "08_council")
    assert (done.exit_code, suite.only) == (0, ["08_council"])
    assert "черновой прогон" in done.stdout
    assert " dashboard" not in done.stdout


def test_run_without_editions_says_where_to_get_some(root):
    done = CliRunner().invoke(cli.app, ["--data", str(root), "run"])
    assert done.exit_code == 1
    assert "nmc demo" in done.stderr


# --- results --------------------------------------------------------------------------------------


@pytest.fixture
def served(monkeypatch):
    calls = []
    monkeypatch.setattr(results, "_refuse_busy", lambda address, port: None)
    monkeypatch.setattr(
        results, "_serve", lambda command, environment: calls.append((command, environment))
    )
    return calls


@pytest.fixture
def script(tmp_path, monkeypatch):
    """A checkout whose only content is the app."""
    path = tmp_path / "checkout" / "dashboards" / "app.py"
    path.parent.mkdir(parents=True)
    path.touch()
    monkeypatch.setattr(results, "CHECKOUT", tmp_path / "checkout")
    return path


def test_dashboard_serves_this_root_on_this_machine(nmc, root, served, script):
    done = nmc("dashboard", "--port", "5010", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"url": "http://127.0.0.1:5010/", "data": str(root)}
    ((command, environment),) = served
    assert command[:4] == [sys.executable, "-m", "panel", "serve"]
    assert set(command[4:]) == {
        str(script),
        "--warm",
        "--address=127.0.0.1",
        "--port=5010",
        "--allow-websocket-origin=127.0.0.1:5010",
        "--allow-websocket-origin=localhost:5010",
    }
    assert environment["NMC_DATA"] == str(root)


def test_dashboard_on_the_loopback_of_ipv6_accepts_its_own_address(nmc, served, script):
    assert nmc("dashboard", "--address", "::1").exit_code == 0
    assert "--allow-websocket-origin=[::1]:5006" in served[0][0]


def test_a_busy_port_is_refused_before_the_server_starts(nmc, script):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        done = nmc("dashboard", "--port", str(busy.getsockname()[1]))
    assert done.exit_code == 2
    assert "занят другой программой; укажите другой: --port" in done.stderr


def test_dashboard_without_the_app_says_so(nmc, served, script):
    script.unlink()
    done = nmc("dashboard")
    assert (done.exit_code, served) == (1, [])
    assert "приложения нет" in done.stderr


def test_runs_verify_and_rollback_tell_the_state(nmc, root):
    assert "ничего не опубликовано" in nmc("verify").stdout
    assert "прогонов нет" in nmc("runs").stdout
    folder = published(root, RUN, LATER)
    rows = json.loads(nmc("runs", "--json").stdout)["runs"]
    assert [(row["run"], row["current"]) for row in rows] == [(RUN, False), (LATER, True)]
    assert "Действует" in nmc("runs").stdout
    assert nmc("verify").stdout == "Всё цело.\n"
    (folder / "public" / "x.parquet").write_bytes(b"y")
    damaged = nmc("verify", "--json")
    assert damaged.exit_code == 1
    (problem,) = json.loads(damaged.stdout)["problems"]
    assert "изменён файл public/x.parquet" in problem
    assert "изменён файл public/x.parquet" in nmc("verify", LATER).stderr
    back = nmc("rollback", "khakassia", "2023", RUN, "--json")
    assert json.loads(back.stdout) == {"edition": "khakassia/2023", "run": RUN}
    assert nmc("verify").exit_code == 0


def test_equal_remarks_on_many_cells_are_one_line_for_a_person():
    many = [{"file": "a", "cell": f"Л!A{n}", "found": str(n), "meaning": "м"} for n in range(9)]
    other = {"file": "b", "cell": "Л!B2", "found": "x", "meaning": "м"}
    lines = gathered(pd.DataFrame([*many, other])).to_dict("records")
    assert [line["cell"] for line in lines] == ["Л!A0, Л!A1, Л!A2 … всего 9", "Л!B2"]
    assert [line["found"] for line in lines] == ["", "x"]
