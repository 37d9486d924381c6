"""The search for names: every kind of file, every form of a name, and what is no name."""

from __future__ import annotations

import base64
import json
import pickle
import struct
import zipfile
import zlib
from pathlib import Path

import nbformat
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from conftest import CHECKOUT
from intake_books import GRACHEV, KOROLEVA, PETROV, SIDOROVA
from typer.testing import CliRunner

from nmc_utils.cli import app
from nmc_utils.commands.running import _redactor
from nmc_utils.intake.known import known_names
from nmc_utils.intake.names import Names
from nmc_utils.intake.redaction import HIDDEN, Finder, legible
from nmc_utils.results import ResultsError
from nmc_utils.scanning import ordinary_words, redactor_at, scan

NAME = "Королёвой"  # of a person of the workbooks, in another case of the language


@pytest.fixture
def taken_in(sender, books, monkeypatch) -> Path:
    """A data root with one edition that has been taken in."""
    monkeypatch.delenv("NMC_CROSSWALK", raising=False)
    books["abaza.xlsx"]["Сотрудники"][0][0] = "Фамилия педагога"
    sender.take_in(books)
    return sender.root


@pytest.fixture
def root(sender, monkeypatch) -> Path:
    """A data root with one edition; its names are known without reading any workbook."""
    people = pd.DataFrame([KOROLEVA, PETROV, SIDOROVA, GRACHEV]).iloc[:, :3].astype("str")
    names = Names.of([people[0]], [people[1], people[2]])
    monkeypatch.setattr("nmc_utils.scanning.known_names", lambda edition: names)
    return sender.root


def made(root: Path, name: str, content: bytes | str = "") -> Path:
    path = root / "results" / "0a1b2c3d4e-1" / "khakassia" / "2023" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def only_finding(root: Path) -> pd.Series:
    found = scan(root).findings
    assert len(found) == 1, found.to_string()
    return found.iloc[0]


def test_what_intake_writes_is_clean_and_its_names_are_known(taken_in):
    found = scan(taken_in)
    assert found.findings.empty and found.unread == ()
    assert found.files == len(list((taken_in / "validated" / "khakassia" / "2023").iterdir()))
    for text in ("Королёвой", "Водкин", "Сидорова Анна", "А. П. Королёва", "Грачёву"):
        made(taken_in, "a.txt", text)
        assert len(scan(taken_in).findings) == 1, text


def test_what_goes_to_a_process_is_the_names_of_one_edition(root):
    def of(row: tuple) -> Names:
        surname, given, patronymic = (pd.Series([part], dtype="str") for part in row[:3])
        return Names.of([surname], [given, patronymic])

    names = {"a/2023": of(SIDOROVA), "b/2023": of(PETROV)}
    own, others = names["a/2023"].surnames, names["b/2023"].surnames
    made = _redactor(root, names, None)("a/2023")
    sent = pickle.dumps(made)
    assert all(mark.encode() in sent for mark in own)
    assert not any(mark.encode() in sent for mark in others - own)
    assert made()("нет балла: Сидорова", True) == f"нет балла: {HIDDEN}"
    assert pickle.dumps(_redactor(root, names, "tcp://x")("a/2023")).find(b"b/2023") == -1


def test_names_read_again_are_hidden(taken_in):
    redact = redactor_at(taken_in, "khakassia/2023")
    assert redact("KeyError: Королёвой", True) == f"KeyError: {HIDDEN}"


def test_where_what_was_sent_cannot_be_read_nothing_that_hides_names_is_made(taken_in, monkeypatch):
    sent = taken_in / "regions" / "khakassia" / "2023"
    book = min(sent.glob("*.xlsx"))
    content = book.read_bytes()
    book.write_bytes(content + b"0")  # it was replaced after intake
    _refused_at(taken_in)
    book.unlink()  # the share is not mounted as a whole
    _refused_at(taken_in)
    book.write_bytes(content)
    redactor_at(taken_in, "khakassia/2023")

    def forbidden(path: Path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("nmc_utils.intake.files.listed", forbidden)
    _refused_at(taken_in)


def _refused_at(root: Path) -> None:
    with pytest.raises(ResultsError, match=r"khakassia/2023: .*имена людей скрыть нечем"):
        redactor_at(root, "khakassia/2023")


# --- kinds of files -------------------------------------------------------------------------------


def png(kind: bytes, data: bytes) -> bytes:
    picture = b"\x89PNG\r\n\x1a\n"
    for name, content in ((b"IHDR", bytes(13)), (kind, data), (b"IEND", b"")):
        picture += struct.pack(">I4s", len(content), name) + content + bytes(4)
    return picture


def notebook(**output: object) -> str:
    node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    node.cells[0].outputs = [nbformat.v4.new_output(**output)]
    return nbformat.writes(node)


def write_workbook(path: Path, cell: str = "Группа", sheet: str = "Лист", **about: str) -> None:
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet(sheet).write(6, 1, cell)
        book.set_properties(about)


FILES = {
    "a.csv": (f"код;кто\n1;у {NAME}\n", "строка 2"),
    "win.csv": (f"код;кто\n1;у {NAME}\n".encode("cp1251"), "строка"),
    "a.txt": (f"\ufeffу {NAME}".encode("utf-16"), "строка 1"),
    "a.html": (f'<p title="у {NAME}">1</p>', "строка 1"),
    "escaped.html": ("<p>&#1050;оролёва</p>", "строка 1"),
    "spec.html": (json.dumps({"text": NAME}), "строка 1"),
    "a.json": (json.dumps({"a": [{"b": NAME}]}), "значение"),
    "keys.json": (json.dumps({NAME: 1}), "значение"),
    "log.jsonl": (json.dumps({"a": 1}) + "\n" + json.dumps({"b": NAME}), "строка 2"),
    "out.ipynb": (notebook(output_type="stream", text=f"у {NAME}"), "ячейка 1"),
    "data.ipynb": (
        notebook(
            output_type="display_data",
            data={"image/png": base64.b64encode(png(b"tEXt", f"Author\0{NAME}".encode())).decode()},
        ),
        "ячейка 1",
    ),
    "a.png": (png(b"tEXt", f"Author\0{NAME}".encode()), "текст картинки"),
    "z.png": (
        png(b"zTXt", b"Author\0\0" + zlib.compress(NAME.encode("cp1251"))),
        "текст картинки",
    ),
    "i.png": (
        png(b"iTXt", b"Author\0\1\0\0\0" + zlib.compress(NAME.encode())),
        "текст картинки",
    ),
    "unknown.bin": (b"\x00\xff\xfe\x00" + NAME.encode() + b"\xff", "строка 1"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_name_is_found_in_every_kind_of_file(root, name):
    content, place = FILES[name]
    path = made(root, name, content)
    found = only_finding(root)
    assert found["file"] == path.relative_to(root).as_posix()
    assert found["place"].startswith(place)
    assert found["mask"] in ("К…(9)", "К…(8)")


@pytest.mark.parametrize(
    "column",
    [
        ["", "у " + NAME],
        pd.Categorical(["", "у " + NAME]),
        [["а"], ["б", "у " + NAME]],
        [{"a": 1, "b": ""}, {"a": 1, "b": "у " + NAME}],
        [b"", ("у " + NAME).encode()],
    ],
    ids=["text", "dictionary", "list", "structure", "bytes"],
)
def test_a_name_is_found_in_a_column_of_parquet(root, column):
    pd.DataFrame({"n": [1, 2], "кто": column}).to_parquet(made(root, "a.parquet"))
    found = only_finding(root)
    assert found["place"].startswith("столбец 2, строка ")
    assert found["mask"] == "К…(9)"


def test_a_name_is_found_in_the_header_and_the_metadata_of_parquet(root):
    table = pa.table({NAME: [1]}).replace_schema_metadata({"author": "А. П. " + NAME})
    pq.write_table(table, made(root, "a.parquet"))
    found = scan(root).findings
    assert found["place"].tolist() == ["имена столбцов", "метаданные"]


def test_names_are_found_in_documents_down_to_their_properties(root):
    path = made(root, "a.xlsx")
    write_workbook(path, author="Королёва А. П.")
    found = scan(root).findings
    assert found["place"].unique().tolist() == ["docProps/core.xml: текст"]
    assert found["mask"].unique().tolist() == ["К…(8) А…(1) П…(1)"]

    write_workbook(path, title="Группы")
    assert scan(root).findings.empty
    write_workbook(path, cell=NAME, sheet="Сидорова")
    assert set(scan(root).findings["mask"]) == {"К…(9)", "С…(8)"}


def test_a_name_in_several_runs_of_a_paragraph_is_found(root):
    path = made(root, "a.docx")
    runs = "<w:p><w:r><w:t>у Коро</w:t></w:r><w:r><w:t>лёвой</w:t></w:r></w:p>"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", f"<w:document>{runs}</w:document>")
    assert only_finding(root)["mask"] == "К…(9)"


def test_the_name_of_a_file_is_masked_in_the_report(root):
    made(root, "Королёва.txt", "1")
    found = only_finding(root)
    assert found["place"] == "имя файла или папки"
    assert found["file"].endswith("2023/К…(8).txt")


def test_a_broken_file_is_told_and_not_taken_for_clean(root):
    made(root, "a.parquet", b"PAR1 half")
    made(root, "a.xlsx", b"PK\x03\x04 half")
    found = scan(root)
    assert [Path(file).name for file in found.unread] == ["a.parquet", "a.xlsx"]
    assert found.findings.empty


# --- forms of a name ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "королёва алёна",
        "Алёной Королёвой",
        "у А. П. Королёвой",
        "КОРОЛЕВА А П",
        "Алёна Петровна",
        "Сидорову",
        "Петров-Водкин",
        "К\u043eр\u006fлёва",  # Latin o
        "Короле\u0308ва",
        "Коро\u200bлёва",
        "%D0%9A%D0%BE%D1%80%D0%BE%D0%BB%D1%91%D0%B2%D0%B0",
        repr("Королёва".encode()),
        "имени Анны Сидоровой",
        "\x1b[31mКоролёва\x1b[0m",
    ],
)
def test_a_name_is_found_in_any_form(root, text):
    made(root, "a.txt", text)
    assert len(scan(root).findings) == 1


@pytest.mark.parametrize(
    "text",
    [
        "королевство",
        "водкин",
        "Анна",
        "Королевский район",
        "СОШ им. А. Сидорова",
        "Муниципальное образование",
        "Мария Сергеевна",  # nobody of the edition
    ],
)
def test_ordinary_words_and_names_of_others_are_left_alone(root, text):
    made(root, "a.txt", text)
    assert scan(root).findings.empty


def test_a_surname_that_is_a_word_of_the_product_does_not_count_by_itself(sender, books):
    for sheet in ("Сотрудники", "Места работы", "Результаты", "Ответы"):
        for row in books["abakan.xlsx"][sheet]:
            row[0] = "Базовая" if row[:2] == KOROLEVA[:2] else row[0]
    assert "базовая" not in ordinary_words(sender.root)
    facts = sender.root / "regions" / "khakassia" / "region.yaml"
    facts.write_text(facts.read_text("utf-8") + "# Базовая\n", "utf-8")
    sender.take_in(books)
    made(sender.root, "a.txt", "Базовая")
    assert scan(sender.root).findings.empty
    made(sender.root, "a.txt", "Базовая Алёна")
    assert len(scan(sender.root).findings) == 1


def test_agreed_words_of_a_register_are_nobodys_names(sender, books):
    kinds = ("эксперт", "стажировочная площадка", "инновационная площадка", "наставник")
    head = ["Реестр", "Номер записи", "Что внесено", "Кто внесён"]
    rows = [[kind, str(at), "Запись", None] for at, kind in enumerate(kinds)]
    rows[0][3] = "Вишнякова Инна Ильинична, 13.11.1966"
    books["abakan.xlsx"]["Реестры"] = [head, *rows]
    sender.send(books)
    names = known_names(sender.edition)
    assert names.has_surname("Вишняковой") and names.has_given("Инна")
    for word in ("Площадки", "Стажировочные", "Инновационная", "Наставники"):
        assert not names.know(word), word


def test_headings_and_prose_of_our_notebooks_are_nobodys_names(root):
    """Whoever is called by words of the product: a heading and the text below it are no name."""
    sources = [
        "".join(cell["source"])
        for path in sorted((CHECKOUT / "notebooks").glob("*.ipynb"))
        for cell in json.loads(path.read_text("utf-8"))["cells"]
    ]
    made(root, "a.txt", "## Площадки\n\nСтажировочные и инновационные площадки")
    made(root, "b.ipynb", nbformat.writes(markdown(*sources)))
    called_so = Names.of([pd.Series(["Стажировочный"])], [pd.Series(["Площадка"])])
    finder = Finder(called_so, ordinary_words(root))
    for text in ("## Площадки\n\nСтажировочные", *sources):
        assert finder.find(legible(text), is_lone_enough=True) == [], text
    assert finder.find("Стажировочный Площадка", is_lone_enough=True)
    assert scan(root).findings.empty


def markdown(*sources: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text) for text in sources])


def test_names_asked_for_are_found_in_any_case_and_spelling(root):
    made(root, "a.txt", "передали неизвестновой\nтел. +7 900 123-45-67")
    assert scan(root).findings.empty
    found = scan(root, asked=["Мария Петровна Неизвестнова", "900 123-45", " "]).findings
    assert found["place"].tolist() == ["строка 1", "строка 2"]
    assert found["mask"].tolist() == ["н…(13)", "9…(10)"]


# --- where ----------------------------------------------------------------------------------------


def test_what_was_sent_is_not_searched_and_a_run_is_searched_alone(root):
    (root / "regions" / "khakassia" / "2023" / "returned").mkdir()
    (root / "regions" / "khakassia" / "2023" / "returned" / "a.txt").write_text(NAME, "utf-8")
    made(root, "a.txt", "1")
    assert scan(root).findings.empty
    other = root / "results" / ".partial" / "ffffffffff-2" / "khakassia" / "2023" / "a.txt"
    other.parent.mkdir(parents=True)
    other.write_text(NAME, "utf-8")
    assert scan(root, "0a1b2c3d4e-1").findings.empty
    assert len(scan(root, "ffffffffff-2").findings) == 1
    assert len(scan(root).findings) == 1
    with pytest.raises(FileNotFoundError, match="нет прогона 1111111111-1. Список: nmc runs"):
        scan(root, "1111111111-1")


def test_a_run_of_the_whole_country_is_searched_for_the_names_of_its_regions(root):
    path = root / "results" / "0a1b2c3d4e-1" / "_country" / "2023" / "a.txt"
    path.parent.mkdir(parents=True)
    path.write_text(NAME, "utf-8")
    found = scan(root, "0a1b2c3d4e-1")
    assert len(found.findings) == 1 and found.unread == ()


def test_names_are_known_from_the_crosswalk_when_what_was_sent_is_gone(
    sender, books, monkeypatch, tmp_path_factory
):
    made(sender.root, "a.txt", NAME)
    monkeypatch.setenv("NMC_CROSSWALK", str(tmp_path_factory.mktemp("keys") / "people"))
    sender.take_in(books)
    sender.send({})
    assert only_finding(sender.root)["mask"] == "К…(9)"


# --- the command ----------------------------------------------------------------------------------


def run(root: Path, *arguments: str):
    return CliRunner().invoke(app, ["--data", str(root), "scan", *arguments])


def test_the_command_ends_with_1_when_it_finds_and_never_says_the_name(root, tmp_path):
    done = run(root)
    assert done.exit_code == 0 and "имён не найдено" in done.output
    made(root, "a.txt", f"{NAME}\nСекретнов")
    for arguments in ([], ["--json"], ["--name", "Секретнов"]):
        done = run(root, *arguments)
        assert done.exit_code == 1, done.output
        assert NAME not in done.output and "Секретнов" not in done.output
        assert "К…(9)" in done.output
    planted = tmp_path / "planted.txt"
    planted.write_text("Секретнов Иван\n\n", "utf-8")
    told = json.loads(run(root, "--planted", str(planted), "--json").output)
    assert [line["mask"] for line in told["findings"]] == ["К…(9)", "С…(9)"]
    planted.write_bytes("Секретнов".encode("cp1251"))
    assert run(root, "--planted", str(planted)).exit_code == 2
