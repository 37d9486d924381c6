"""`nmc check` from files to what the person sees, what programs read, and what goes back."""

from __future__ import annotations

import json
import os

import pandas as pd
import pytest
from intake_books import SURNAMES
from typer.testing import CliRunner

from nmc_utils import cli
from nmc_utils.commands import data
from nmc_utils.intake import files, with_real_names

NAMED = "прислала Кузнецова.xlsx"  # the name of a file that names a person
LABEL = "файл № 1.xlsx"  # what it is called wherever that may be kept


@pytest.fixture
def check(sender, monkeypatch):
    """Send books, then call the command; the width keeps every cell in one line."""
    monkeypatch.setenv("COLUMNS", "400")

    def call(books, *options: str):
        sender.send(books)
        arguments = ["--data", str(sender.root), "check", "khakassia", "2023", *options]
        return CliRunner().invoke(cli.app, arguments)

    return call


def wrong(books):
    books["abakan.xlsx"]["Результаты"][1][9] = 21
    books[NAMED] = books.pop("abakan.xlsx")
    return books


def test_all_well_says_what_comes_next(check, books, sender):
    done = check(books)
    assert done.exit_code in (0, 3), done.output
    assert done.exit_code == 0, done.stdout
    assert "Задержано строк: 0." in done.stdout
    assert f"Дальше: nmc --data {sender.root} run khakassia/2023 --allow-missing\n" in done.stdout
    assert "Что вернуть" not in done.stdout
    assert not (sender.folder / "returned").exists()


def test_held_out_rows_end_with_three_and_with_letters(check, books, sender):
    done = check(wrong(books))
    assert done.exit_code == 3
    assert "Кузнецова" not in done.stdout  # what is redirected is kept
    for word in ("файл №", "xlsx", "возвращён", "Балл больше максимального", "Результаты!J2"):
        assert word in done.stdout
    (folder,) = [path for path in (sender.folder / "returned").iterdir() if path.is_dir()]
    assert str(folder) in done.stdout
    assert (folder / "problems.xlsx").is_file()
    assert f"положите исправленные файлы в {sender.folder}" in done.stdout


def test_json_is_what_the_person_sees(check, books, sender):
    shown = check(wrong(books)).stdout
    done = check(books, "--json")
    assert done.exit_code == 3
    told = json.loads(done.stdout)
    assert told["held_out"] == sum(line["held_out"] for line in told["conservation"]) == 1
    files = {line["file"] for line in told["files"]}
    assert len(files) == 3 and files > {"abaza.xlsx", "ЦНППМ.xlsx"}
    assert "Кузнецова" not in done.stdout
    for problem in told["problems"]:
        assert problem["meaning"] in shown
        assert problem["file"] in {line["file"] for line in told["files"]} | {""}
    assert [line["format"] for line in told["files"]] == ["xlsx"] * 3
    assert told["differences"] == []
    assert len(told["missing"]) == 11
    assert told["failure"] is None
    assert told["validated"] == str(sender.edition.validated)
    (folder,) = told["returned"]
    assert folder in shown


def test_letters_and_tables_never_name_who_is_named_by_a_file(check, books, sender):
    check(wrong(books))
    for path in (sender.folder / "returned").rglob("*.txt"):
        assert "Кузнецова" not in str(path) + path.read_text("utf-8-sig")


def test_a_corrected_file_shows_what_it_changed(check, books, sender):
    check(wrong(books))
    newer = {name: [list(row) for row in rows] for name, rows in books[NAMED].items()}
    newer["Результаты"][1][9] = 1
    books["абакан 2.xlsx"] = newer
    done = check(books, "--json")
    told = json.loads(done.stdout)
    changes = {line["table"]: line for line in told["differences"]}
    assert changes["scores"]["file"] == "абакан 2.xlsx"
    assert changes["scores"]["older"].startswith("файл №")
    assert changes["scores"]["changed"] == 1
    assert (told["held_out"], done.exit_code, told["returned"]) == (0, 0, [])
    shown = check(books).stdout
    assert "Что изменили новые файлы" in shown
    assert "действует абакан 2.xlsx" in shown


def test_a_file_that_cannot_be_read_ends_with_three(check, books, sender):
    (sender.folder / "askiz.xlsx").parent.mkdir(exist_ok=True)
    sender.send(books)
    (sender.folder / "askiz.csv").write_bytes(b"\x00\x01\x02")
    arguments = ["--data", str(sender.root), "check", "khakassia", "2023"]
    done = CliRunner().invoke(cli.app, arguments)
    assert done.exit_code == 3
    assert "не прочитан" in done.stdout
    assert ".csv" in done.stdout


def test_nothing_accepted_ends_with_one_and_a_letter(check, books, sender):
    scores = books["abakan.xlsx"]["Результаты"]
    for row in scores[1:]:
        row[9] = "много"
    done = check({NAMED: {"Результаты": scores}}, "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["held_out"] == 3
    assert told["digest"] is None
    assert LABEL in told["failure"]
    assert LABEL in done.stderr
    assert len(told["returned"]) == 1
    shown = check({NAMED: {"Результаты": scores}})
    assert shown.exit_code == 1
    assert "Что вернуть отправителям" in shown.stdout


def test_an_empty_folder_is_one_sentence(check):
    done = check({})
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert "Положите туда файлы" in done.stderr


@pytest.mark.parametrize("sent", [b"", b"PK\x03\x04", b"\xff\xfe\x00", "Балл;\x00\n".encode()])
@pytest.mark.parametrize("name", ["a.xlsx", "a.csv", "a", "a.pdf"])
def test_whatever_lies_there_is_told_in_sentences(check, sender, name, sent):
    (sender.folder / name).write_bytes(sent)
    done = CliRunner().invoke(cli.app, ["--data", str(sender.root), "check", "khakassia", "2023"])
    assert isinstance(done.exception, SystemExit)
    assert done.exit_code == 1
    assert "Traceback" not in done.output
    assert "файл №" in done.stdout or name in done.stdout


def test_a_mistake_in_the_code_names_its_place_and_nobody(check, books, monkeypatch):
    def fail(edition):
        raise RuntimeError("Королёва Алёна")

    monkeypatch.setattr("nmc_utils.intake.take_in", fail)
    done = check(books)
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "Непредвиденная ошибка RuntimeError (data.py, строка" in done.stderr
    assert not any(surname in done.output for surname in SURNAMES)
    monkeypatch.setenv("NMC_TRACEBACK", "1")
    assert isinstance(check(books).exception, RuntimeError)


def test_what_was_sent_does_not_command_the_terminal(check, sender, books):
    sender.send(books)
    name = "a\x1b[31mb.xlsx"
    (sender.folder / name).write_bytes(b"nothing")
    done = CliRunner().invoke(cli.app, ["--data", str(sender.root), "check", "khakassia", "2023"])
    assert "\x1b" not in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="names of files are text there")
def test_a_file_whose_name_is_no_text_is_told_all_the_same(check, sender, books):
    sender.send(books)
    path = os.fsencode(sender.folder) + b"/\xe0\xe1.xlsx"
    with open(path, "wb") as stream:
        stream.write(b"nothing")
    for options in ([], ["--json"]):
        done = CliRunner().invoke(
            cli.app, ["--data", str(sender.root), "check", "khakassia", "2023", *options]
        )
        assert done.exit_code == 3, done.stderr


def test_labels_become_names_inside_sentences():
    files = {"файл № 1.xlsx": "а.xlsx", "файл № 11.xlsx": "б.xlsx"}
    assert with_real_names("в «файл № 11.xlsx» и файл № 1.xlsx", files) == "в «б.xlsx» и а.xlsx"


def test_at_a_screen_files_go_by_their_names():
    told = {
        "held_out": 1,
        "problems": pd.DataFrame({"file": [LABEL], "found": ["то же: " + LABEL]}),
    }
    shown = data._on_terminal(told, {LABEL: NAMED})
    assert shown["problems"].loc[0].tolist() == [NAMED, "то же: " + NAMED]
    assert shown["held_out"] == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes in folders")
def test_what_is_no_file_is_told_and_the_others_are_read(books, sender, monkeypatch):
    sender.send(books)
    (sender.folder / "нет.xlsx").symlink_to(sender.folder / "того, чего нет")
    os.mkfifo(sender.folder / "канал.csv")
    with (sender.folder / "большой.csv").open("wb") as stream:
        stream.truncate(files.LARGEST + 1)
    sent = files.read_folder(sender.edition)
    meanings = {sent.files[told["file"]]: told["meaning"] for told in sent.problems}
    assert meanings["нет.xlsx"].startswith("Файла нет")
    assert meanings["канал.csv"].startswith("Это не файл")
    assert meanings["большой.csv"] == "Файл больше 512 МБ и не читается"
    assert len(sent.books) == len(books) == len(sent.sizes)


def test_a_damaged_register_of_files_is_one_sentence(check, books, sender):
    (sender.folder / files.RECEIVED).write_text('[{"a": 1}]', "utf-8")
    done = check(books)
    assert done.exit_code == 1
    assert "файл повреждён" in done.output and "Traceback" not in done.output


def test_damaged_sources_are_one_sentence_of_status(check, books, sender):
    check(books)
    (sender.edition.validated / "sources.json").write_text("[]", "utf-8")
    done = CliRunner().invoke(cli.app, ["--data", str(sender.root), "status", "khakassia", "2023"])
    assert done.exit_code == 1
    assert "файл повреждён" in done.output and "Traceback" not in done.output


def test_a_damaged_list_of_what_was_written_loses_nothing(check, books, sender):
    check(wrong(books))
    home = sender.folder / "returned"
    (home / "заметка.txt").write_text("моё", "utf-8")
    (home / ".written.json").write_text("[", "utf-8")
    assert check(books).exit_code == 3
    assert (home / "заметка.txt").read_text("utf-8") == "моё"
