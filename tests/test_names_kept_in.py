"""No name leaves intake: not by the tables, not by a notebook that fails, not by a command."""

from __future__ import annotations

import io
import json
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from docx import Document
from intake_books import GRACHEV, KOROLEVA, PETROV, SIDOROVA, SURNAMES
from nbformat.v4 import new_code_cell, new_notebook
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from nmc_utils import suite
from nmc_utils.cli import app
from nmc_utils.editions import Edition
from nmc_utils.intake import take_in
from nmc_utils.intake.names import Names
from nmc_utils.intake.redaction import HIDDEN, Finder, redactor
from nmc_utils.results import begin, publish
from nmc_utils.scanning import ordinary_words, scan
from nmc_utils.suite import NotebookFailed, execute

PEOPLE = pd.DataFrame([KOROLEVA, PETROV, SIDOROVA, GRACHEV]).iloc[:, :3].astype("str")
NAMES = Names.of([PEOPLE[0]], [PEOPLE[1], PEOPLE[2]])
REDACT = redactor(Finder(NAMES, frozenset({"группа"})))
KERNEL_NAME = "Королёвой Алёны Петровны"


@pytest.fixture(autouse=True)
def keys(tmp_path_factory, monkeypatch) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    monkeypatch.setenv("NMC_KEY", str(folder / "my.key"))
    monkeypatch.setenv("NMC_CROSSWALK", str(folder / "people"))
    return folder


@pytest.fixture
def submitted(sender, books) -> Edition:
    """A small edition that a municipality has sent."""
    for sheets in books.values():
        sheets["Пояснение"] = [["Сведения района"]]
    sender.send(books)
    about = sender.folder / "edition.yaml"
    about.write_text(about.read_text("utf-8").replace("demonstration", "submitted"), "utf-8")
    return sender.submitted()


def surnames_in(*folders: Path) -> list[tuple[str, str]]:
    """Files and surnames in their bytes, whatever the encoding, and in the text of Parquet."""
    found = []
    for path in [path for folder in folders for path in folder.rglob("*") if path.is_file()]:
        texts = [path.read_bytes().decode(code, "ignore") for code in ("utf-8", "cp1251", "utf-16")]
        if path.suffix == ".parquet":
            texts.append(pd.read_parquet(path).to_csv())
        for surname in SURNAMES:
            stem = re.sub("[аы]$", "", surname).replace("ё", "[её]")
            escaped = json.dumps(surname)[1:-1].replace("\\", "\\\\")
            if any(re.search(f"{stem}|{escaped}", text, re.IGNORECASE) for text in texts):
                found.append((path.name, surname))
    return found


# --- texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "in_error", "in_output"),
    [
        ("нет баллов у Сидоровой", f"нет баллов у {HIDDEN}", None),
        ("'Сидорова Анна Ильинична'", f"'{HIDDEN}'", f"'{HIDDEN}'"),
        ("у А. И. Сидоровой, 7", f"у {HIDDEN}, 7", f"у {HIDDEN}, 7"),
        ("0  Сидорова     Анна  1", f"0  {HIDDEN}  1", f"0  {HIDDEN}  1"),
        ("<td>Сидорова</td><td>Анна</td>", f"<td>{HIDDEN}</td>", f"<td>{HIDDEN}</td>"),
        ("KeyError: \\u0421идорова", f"KeyError: {HIDDEN}", None),
        ("\x1b[31mСидорова\x1b[0m", f"\x1b[31m{HIDDEN}\x1b[0m", None),
        ("группа «Анна»", None, None),
        ("имени А. Сидорова", None, None),
        ("Мария Сергеевна Неизвестная", None, None),
    ],
)
def test_names_are_hidden_and_other_texts_come_back_as_they_are(text, in_error, in_output):
    assert REDACT(text, True) == (in_error or text)
    assert REDACT(text, False) == (in_output or text)


# --- notebooks ------------------------------------------------------------------------------------

PRINTS = f"""
import os, sys, logging, warnings
from IPython.display import HTML, JSON, Markdown, display
name = "{KERNEL_NAME}"
print("печать", name, flush=True)
print("в двух частях Сидорова", end=" ", flush=True)
print("Анна", flush=True)
print(name, file=sys.stderr)
logging.warning("журнал %s", name)
warnings.warn("предупреждение " + name)
os.write(2, name.encode())
sys.__stderr__.write(name)
display(HTML("<p title='" + name + "'>Грачёв</p>"), JSON({{"кто": [name]}}), Markdown(name))
shown = display(name, display_id=True)
shown.update("после: " + name)
name
"""
FAILS = """
class Грачёв(ValueError):
    pass
def deep(row):
    raise Грачёв(f"нет балла: {row}")
try:
    deep({"Фамилия": "Водкин"})
except ValueError as error:
    raise KeyError("Сидорова") from error
"""


def notebook(folder: Path, *cells: str) -> Path:
    parameters = new_code_cell('region = ""\nperiod = ""', metadata={"tags": ["parameters"]})
    node = new_notebook(cells=[parameters, *map(new_code_cell, cells)])
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(node, folder / "one.ipynb")
    return folder / "one.ipynb"


def test_a_notebook_that_fails_with_a_name_leaves_it_nowhere(submitted, tmp_path, capfd, caplog):
    intake = take_in(submitted)
    root = submitted.root
    folder = notebook(tmp_path / "notebooks", PRINTS, FAILS).parent
    redact = redactor(Finder(intake.names, ordinary_words(root)))
    (outcome,) = suite.run(
        [submitted],
        {submitted.key: intake.digest},
        notebooks=("one",),
        notebooks_folder=folder,
        redactor=lambda key: lambda: redact,
    )
    assert outcome.status == "failed" and outcome.folder.is_relative_to(root / "results/.partial")
    assert outcome.failure.startswith(f"тетрадь one, ячейка 3: KeyError: '{HIDDEN}'. Подробности: ")
    (told,) = (root / "results" / "logs").glob("*.txt")
    assert HIDDEN in told.read_text("utf-8")
    executed = (outcome.folder / "notebooks" / "one.ipynb").read_text("utf-8")
    assert "печать" in executed and "в двух частях" in executed and HIDDEN in executed
    assert HIDDEN in (root / "results" / "log.jsonl").read_text("utf-8")

    assert scan(root).findings.empty
    assert surnames_in(root / "results", root / "validated") == []
    told = "".join(capfd.readouterr()) + caplog.text
    assert not re.search("коро?лёв|сидоров|водкин|грачёв", told, re.IGNORECASE)


def test_ordinary_outputs_keep_everything_but_full_names(tmp_path):
    source = notebook(tmp_path, "print('Сидоров лог, группа 7', 'Королёва А. П.')\n1 + 1")
    given = {"region": "", "period": ""}
    execute(source, tmp_path / "out.ipynb", given, redact=REDACT)
    outputs = nbformat.read(tmp_path / "out.ipynb", 4).cells[-1].outputs
    assert outputs[0].text == f"Сидоров лог, группа 7 {HIDDEN}.\n"
    assert outputs[1].data["text/plain"] == "2"


def test_without_names_a_notebook_is_as_it_was(tmp_path):
    source = notebook(tmp_path, "raise ValueError('Сидорова')")
    with pytest.raises(NotebookFailed, match="ValueError: Сидорова"):
        execute(source, tmp_path / "out.ipynb", {"region": "", "period": ""})


# --- everything that is written -------------------------------------------------------------------


def test_no_surname_is_in_anything_written_of_a_submitted_edition(
    submitted, books, sender, tmp_path_factory, monkeypatch
):
    scores = books["abakan.xlsx"]["Результаты"]
    scores.append(["Неизвестнова", "Яна", *scores[1][2:]])
    scores[1][9] = "Сидорова"
    books["abakan.xlsx"]["Места работы"][1][4] = "ИП Королёва А. П."
    sender.send(books)
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    opened = _temporary_files(monkeypatch)
    command = ["--data", str(sender.root), "check", "khakassia", "2023"]
    assert CliRunner().invoke(app, command).exit_code == 3

    assert surnames_in(sender.root / "validated", sender.root / "results", temporary) == []
    beside = [Path(folder).is_relative_to(sender.folder) for folder in opened]
    assert all(beside) and list(temporary.iterdir()) == []  # only beside what was sent
    assert scan(sender.root).findings.empty


def _temporary_files(monkeypatch) -> list[str]:
    """Record the folder of every temporary file that is made."""
    folders: list[str] = []
    for name in ("mkstemp", "mkdtemp", "NamedTemporaryFile", "TemporaryFile"):
        made = getattr(tempfile, name)

        def record(*args, made=made, **kwargs):
            folders.append(kwargs.get("dir") or tempfile.gettempdir())
            return made(*args, **kwargs)

        monkeypatch.setattr(tempfile, name, record)
    return folders


# --- named copies ---------------------------------------------------------------------------------


@pytest.fixture
def published(submitted) -> Edition:
    """A run with one member whom the crosswalk knows and one whom it does not."""
    take_in(submitted)
    staff = pd.read_parquet(submitted.validated / "staff.parquet")["person_id"]
    keys = {"region": "khakassia", "period": "2023"}
    folder = begin(submitted, "0a1b2c3d4e-1")
    (folder / "restricted").mkdir()
    members = pd.DataFrame(keys | {"person_id": [*staff, "f" * 20], "group_id": "=1+1"})
    groups = {"group_id": ["=1+1"], "family": ["unknown"], "topics": [["subject"]], "size": [12]}
    groups = pd.DataFrame(keys | groups).assign(leader_id=staff[0])
    members.to_parquet(folder / "restricted" / "seminar_members.parquet")
    groups.to_parquet(folder / "restricted" / "seminar_groups.parquet")
    groups[["size"]].to_parquet(folder / "restricted" / "plan.parquet")
    results = {"person_id": staff[:1], "domain": "total", "wave": "entry", "level": "at_or_below"}
    results |= {"deficit_chance": 0.5, "certainty": "borderline", "advice": "уточнить"}
    results |= {"note": None, "procedure": "diag"}
    results = pd.DataFrame(keys | results)
    procedures = {"procedure": ["diag"], "organiser": ["Центр"], "purpose": [None]}
    pd.DataFrame(keys | procedures).to_parquet(folder / "restricted" / "procedures.parquet")
    results.to_parquet(folder / "restricted" / "person_results.parquet")
    sources = json.loads((submitted.validated / "sources.json").read_text("utf-8"))
    publish(submitted, "0a1b2c3d4e-1", {"tables": sources["digest"]})
    return submitted


def cells_of(path: Path) -> dict[str, list[list]]:
    with CalamineWorkbook.from_path(str(path)) as book:
        return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def unmask(edition: Edition, out: Path, run: str = "0a1b2c3d4e-1", *more: str):
    command = ["--data", str(edition.root), "unmask", run, "--out", str(out), *more]
    return CliRunner().invoke(app, command)


def test_named_copies_are_written_outside_the_root_and_logged_without_names(published, keys):
    out = keys / "named"
    done = unmask(published, out)
    assert done.exit_code == 0, done.output
    assert "Людей: 4, заготовок ИОМ: 1." in done.output
    assert "Нет в таблице соответствия: 1" in done.output
    path, drafts = sorted(out.iterdir())
    assert (path.name, drafts.name) == ("khakassia_2023.xlsx", "khakassia_2023_ИОМ.zip")
    assert all(file.stat().st_mode & 0o077 == 0 for file in (path, drafts))

    cells = cells_of(path)
    assert sorted(cells) == ["Группы", "Результаты", "Участники групп"]
    for rows in cells.values():
        assert rows[0][0] == "Служебный экземпляр с ФИО"
        assert "Не является основанием для аттестации" in rows[-1][0]
    heads = ["ФИО", "Компетенция", "Этап", "Результат по правилу документа", "Надёжность отнесения"]
    assert cells["Результаты"][2] == [*heads, "Рекомендация", "Примечание", "Процедура"]
    told = ["Весь тест", "входная", "результат ≤ 60 %", "пограничное", "уточнить"]
    assert cells["Результаты"][3][1:6] == told  # and no chance of anything
    members = [row[1] for row in cells["Участники групп"][3:-2]]
    names = [" ".join(filter(None, person[:3])) for person in (KOROLEVA, PETROV, SIDOROVA)]
    assert sorted(members) == sorted([*names, f"{'f' * 20} (нет в таблице соответствия)"])
    assert cells["Группы"][2][:2] == ["Группа", "ФИО ведущего"]
    assert cells["Группы"][3][0] == "=1+1" and cells["Группы"][3][1] in names

    last = json.loads((published.root / "results/log.jsonl").read_text("utf-8").splitlines()[-1])
    assert (last["event"], last["run"], last["n"]) == ("unmask", "0a1b2c3d4e-1", "4")
    assert last["who"]
    assert surnames_in(published.root / "results") == []


def drafts_in(path: Path) -> dict[str, str]:
    """Files of an archive of drafts → the text of their bodies."""
    with zipfile.ZipFile(path) as archive:
        found = {name: Document(io.BytesIO(archive.read(name))) for name in archive.namelist()}
    return {
        name: "\n".join(filter(None, (node.text for node in draft.element.body.iter("{*}t"))))
        for name, draft in found.items()
    }


def test_drafts_of_routes_hold_the_name_of_whom_the_crosswalk_knows(published, keys):
    unmask(published, keys / "named")
    ((name, text),) = drafts_in(keys / "named" / "khakassia_2023_ИОМ.zip").items()
    assert re.fullmatch(r"ИОМ [0-9a-f]{20}\.docx", name)
    names = [" ".join(filter(None, person[:3])) for person in (KOROLEVA, PETROV, SIDOROVA)]
    known = [person for person in names if person in text]
    assert len(known) == 1 and text.count(known[0]) == 3  # of the field and of two sheets
    log = (published.root / "results/log.jsonl").read_text("utf-8").splitlines()
    assert json.loads(log[-1])["drafts"] == "1"

    (keys / "people" / "khakassia" / "2023.parquet").unlink()
    unmask(published, keys / "again")
    (text,) = drafts_in(keys / "again" / "khakassia_2023_ИОМ.zip").values()
    assert not any(person in text for person in names)
    assert "Фамилия, имя, отчество\nЛичный код\n" in text  # the field stays empty


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"tables": "of other records"}, "данные приняты заново"),
        ({}, "прогон 0a1b2c3d4e-2 не говорит, из каких данных он сделан"),
    ],
    ids=["other-records", "no-digest"],
)
def test_named_drafts_are_not_made_of_records_that_the_run_did_not_see(
    published, keys, inputs, why
):
    folder = begin(published, "0a1b2c3d4e-2")
    before = published.root / "results" / "0a1b2c3d4e-1" / published.key / "restricted"
    shutil.copytree(before, folder / "restricted")
    publish(published, "0a1b2c3d4e-2", inputs)
    done = unmask(published, keys / "named", "0a1b2c3d4e-2")
    assert done.exit_code == 0 and why in done.output
    assert [file.name for file in (keys / "named").iterdir()] == ["khakassia_2023.xlsx"]
    command = ["--data", str(published.root), "routes", "khakassia", "2023"]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 1 and "Выполните: nmc run khakassia/2023" in refused.output
    assert not (published.root / "documents").exists()


def test_named_copies_are_refused_inside_the_root_over_other_files_and_of_no_run(published, keys):
    assert "внутри папки данных" in unmask(published, published.root / "results" / "x").output
    (keys / "full").mkdir()
    (keys / "full" / "a").write_text("", "utf-8")
    assert "новую или пустую" in unmask(published, keys / "full").output
    assert "прогона 1-1 нет" in unmask(published, keys / "new", "1-1").output
    assert not (keys / "new").exists()


def test_without_a_crosswalk_the_copies_hold_pseudonyms(published, keys):
    (keys / "people" / "khakassia" / "2023.parquet").unlink()
    told = json.loads(unmask(published, keys / "named", "0a1b2c3d4e-1", "--json").output)
    assert (told["people"], told["unknown"]) == (4, 4)


def test_the_command_of_the_end_of_the_term_tells_why_or_what_remains(submitted):
    take_in(submitted)
    command = ["--data", str(submitted.root), "purge", "khakassia", "2023"]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 1 and "срок хранения не задан" in refused.output

    definition = submitted.root / "regions" / "khakassia" / "region.yaml"
    text = definition.read_text("utf-8")
    term = "\nretention: {{months: {}, basis: «Положение»}}\n"
    definition.write_text(text + term.format(1200), "utf-8")
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 1 and "истекает 31.12.2123" in refused.output

    definition.write_text(text + term.format(1), "utf-8")
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0 and "Осталось: присланные файлы" in done.output
    told = json.loads(CliRunner().invoke(app, [*command, "--json"]).output)
    assert told["removed"] == [] and str(submitted.sent) in told["remains"]
    assert not (submitted.validated / "responses.parquet").exists()
