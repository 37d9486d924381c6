"""The list of bad inputs: each is made, checked by `nmc check`, and told, counted and stored right.

What holds of all of them: no traceback, the honest files are accepted whole, every row is counted,
nothing but what the case says is held out or stored, no name of a person is told or written.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import time
import zipfile
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import bad_input_cells
import bad_input_families
import bad_input_files
import bad_input_people
import pandas as pd
import pytest
from bad_input_makers import Case, Says
from bad_inputs import BAD, CENTRE, GIVEN, HONEST, SURNAMES, Sending, municipality
from intake_books import KHAKASSIA, Sender
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from dashboards import parts
from nmc_utils import cli
from nmc_utils.intake import workbook
from nmc_utils.tables import SCHEMAS

CASES = [*bad_input_files.CASES, *bad_input_cells.CASES, *bad_input_people.CASES]
LIST = Path(__file__).with_name("data") / "bad_inputs.csv"
ABOUT = "origin: submitted\nperiod_kind: calendar_year\nas_of: 2023-12-31\n"
HONEST_ROWS = {"staff": 6, "employment": 6, "organizations": 1, "scores": 12}
HONEST_ROWS |= {"procedures": 1, "forms": 2, "methodists": 1}
#: What may be told when the results were sent in a text file that is refused.
ABSENT_SHEET = (Says("нет листа «Результаты»", kind="note", file=re.escape(BAD), times=None),)
#: Cases of the list that differ little from the first of their kind: with the long tests.
VARIANTS = frozenset(
    f"{kind} {case}"
    for kind, cases in {
        "B04": ("cp866", "one line in another encoding"),
        "B06": ("tab", "comma"),
        "B08": ("ragged",),
        "B10": ("blank sheets",),
        "B12": ("noise",),
        "B20": ("macros called xlsx", "object", "control"),
        "B21": ("in a column of text",),
        "B26": ("a group of columns above the header",),
        "B29": ("one more sheet",),
        "B30": ("reordered", "a slip in an optional header"),
        "B34": ("part-time work in another municipality is no mistake",),
        "B38": ("in the register and in words",),
        "B45": (
            "all in per cent",
            "the unit stands in the header",
            "a share written in per cent",
            "a share in two units",
        ),
        "B46": ("a share in cells with the format of per cent",),
        "B53": ("two of 48 are less than 5 %",),
        "B72": ("Абаза.doc", "Абаза.jpg", "Абаза.rtf", "xls"),
    }.items()
    for case in cases
)
#: Tests of their own, below.
APART = {"B68"}


@dataclass(frozen=True)
class Told:
    """What `nmc check` gave and wrote."""

    exit_code: int
    output: str
    report: dict
    sender: Sender

    @property
    def problems(self) -> pd.DataFrame:
        return pd.DataFrame(self.report["problems"])

    @property
    def rows(self) -> pd.DataFrame:
        return pd.DataFrame(self.report["conservation"])

    def tables(self) -> dict[str, pd.DataFrame]:
        folder = self.sender.edition.validated
        return {path.stem: pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Where the key and the crosswalk of a test live; every test has the same key."""
    place = tmp_path / "home"
    place.mkdir()
    (place / "test.key").write_text("ab" * 32 + "\n", "ascii")
    (place / "test.key").chmod(0o600)
    monkeypatch.setenv("NMC_KEY", str(place / "test.key"))
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "APPDATA"):
        monkeypatch.setenv(name, str(place))
    return place


@pytest.fixture
def check(tmp_path, defined_small, home):
    """Send files to an edition of a private data root and call `nmc check` on it."""

    def call(make) -> Told:
        sender = Sender(tmp_path / "root", defined_small)
        (sender.folder / "edition.yaml").write_text(ABOUT, "utf-8")
        for other in ("altai", "kostroma"):  # whose municipalities are of another region
            home_of = sender.root / "regions" / other
            home_of.mkdir()
            for name in ("region.yaml", "published.csv"):
                shutil.copyfile(KHAKASSIA.parents[1] / other / name, home_of / name)
        sent = Sending()
        make(sent)
        sent.write(sender.folder)
        arguments = ["--data", str(sender.root), "check", "khakassia", "2023", "--json"]
        done = CliRunner().invoke(cli.app, arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        assert done.stdout.startswith("{"), f"no JSON but: {done.output[-600:]}"
        return Told(done.exit_code, done.output, json.loads(done.stdout), sender)

    return call


@pytest.fixture(scope="session")
def stored_of_honest() -> dict[str, Counter]:
    """Filled by the first test of honest files: table → its rows."""
    return {}


def rows_of(frame: pd.DataFrame, table: str) -> Counter:
    values = frame[list(SCHEMAS[table].columns)].astype(object).where(frame.notna(), None)
    return Counter(values.itertuples(index=False, name=None))


@pytest.fixture
def honest(check, stored_of_honest):
    """The rows of the honest files, table → rows."""
    if not stored_of_honest:
        told = check(lambda sent: None)
        stored_of_honest |= {t: rows_of(f, t) for t, f in told.tables().items() if t in SCHEMAS}
        shutil.rmtree(told.sender.root)
    return stored_of_honest


def test_honest_files_are_accepted_without_a_word(check):
    told = check(lambda sent: None)
    assert told.exit_code == 0 and told.report["missing"] == ["Саяногорск", "Сорск"]
    assert told.report["problems"] == [], told.problems[["cell", "meaning"]].to_string()
    accepted = told.rows.groupby("table")["accepted"].sum().to_dict()
    assert accepted == {
        "staff": 30,
        "employment": 30,
        "organizations": 3,
        "scores": 60,
        "procedures": 1,
        "forms": 2,
        "methodists": 1,
    }


def _parameter(case: Case):
    marks = [pytest.mark.long] if case.id in VARIANTS else []
    return pytest.param(case, id=case.id, marks=marks)


@pytest.mark.parametrize("case", [_parameter(case) for case in CASES])
def test_bad_input(case, check, honest):
    _assert_got(check(case.make), case, honest)


@pytest.mark.long
@pytest.mark.parametrize(
    "case", bad_input_families.CASES, ids=[case.id for case in bad_input_families.CASES]
)
def test_input_of_the_same_family(case, check, honest):
    _assert_got(check(case.make), case, honest)


def _assert_got(told: Told, case: Case, honest: dict[str, Counter]) -> None:
    _assert_told(told, case)
    _assert_counted(told, case)
    _assert_stored(told, case, honest)
    _assert_nameless(told, case)
    _assert_without_formulas(told.sender.root, told.sender.folder)


def _assert_told(told: Told, case: Case) -> None:
    left = [] if told.problems.empty else told.problems.to_dict("records")
    shown = _shown(left)
    for problem in left:
        for part in ("file", "meaning", "action", "remedy"):
            assert problem[part], f"no {part}:\n{shown}"
        assert problem["remedy"].endswith("."), shown
        assert re.search("[а-я]", problem["meaning"]), shown
    for says in (*case.says, *ABSENT_SHEET):
        found = [problem for problem in left if _matches(problem, says, case)]
        is_right = len(found) == says.times if says.times else bool(found) or says.times is None
        assert is_right, f"{len(found)} of {says}\n{shown or 'nothing was told'}"
        left = [problem for problem in left if problem not in found]
    assert not left, "told besides: " + _shown(left)
    if case.form:
        files = told.tables()["files"]
        forms = files.loc[files["file"].str.fullmatch(case.file), "format"]
        assert forms.str.contains(case.form).any(), files[["file", "format"]].to_string()
        assert re.search(case.form, told.output), "the report does not say how a file was read"


def _shown(problems: list[dict[str, str]]) -> str:
    parts = ("kind", "file", "sheet", "cell", "found", "meaning", "remedy")
    return "\n".join(" | ".join(p[part] for part in parts) for p in problems[:12])


def _matches(problem: dict[str, str], says: Says, case: Case) -> bool:
    texts = {"meaning": says.meaning, "found": says.found, "remedy": says.remedy}
    return (
        re.fullmatch(says.kind, problem["kind"]) is not None
        and re.fullmatch(says.file or case.file, problem["file"]) is not None
        and says.cell in (None, problem["cell"])
        and all(re.search(text, problem[name], re.S) for name, text in texts.items())
    )


def _assert_counted(told: Told, case: Case) -> None:
    rows = told.rows
    parts = rows[["accepted", "held_out", "superseded", "blank"]]
    assert parts.sum(axis=1).eq(rows["sent"]).all()
    is_honest = rows["file"].isin([HONEST, CENTRE])
    accepted = rows[is_honest].groupby("table")["accepted"].sum().to_dict()
    assert accepted == HONEST_ROWS
    mine = rows[~is_honest]
    found = {
        table: tuple(int(n) for n in of_table[list(parts)].sum())
        for table, of_table in mine.groupby("table")
    }
    if case.is_lost:
        assert not mine["accepted"].any(), found
    else:
        wanted = {table: counts for table, counts in case.expected.items() if any(counts)}
        assert {table: counts for table, counts in found.items() if any(counts)} == wanted
    assert tuple(told.report["missing"]) == case.missing
    n_held = int(rows["held_out"].sum())
    assert told.report["held_out"] == n_held
    assert told.exit_code == (3 if n_held or case.is_refused else 0)


def _assert_stored(told: Told, case: Case, honest: dict[str, Counter]) -> None:
    """What the honest files would have given, but for the rows that the case names."""
    tables = told.tables()
    wanted = {name.split(".")[0]: (name.split(".")[1], v) for name, v in case.stored.items()}
    for table in set(tables) & set(SCHEMAS):
        new = list((rows_of(tables[table], table) - honest.get(table, Counter())).elements())
        column, values = wanted.pop(table, (None, []))
        at = list(SCHEMAS[table].columns).index(column) if column else 0
        found = [row[at] for row in new]
        assert sorted(found, key=str) == sorted(values, key=str), f"{table}: {new}"
    assert not wanted, f"nothing is stored of {list(wanted)}"
    status = tables["status"]
    states = status.loc[status["municipality"].eq("abaza")].set_index("table")["state"].to_dict()
    if case.is_lost:
        assert not {"accepted", "approved"} & set(states.values()), states
        if not case.is_refused:
            assert set(states.values()) == {"not_sent"}, states


def _assert_nameless(told: Told, case: Case) -> None:
    texts = {"the output": told.output}
    for path in sorted(told.sender.edition.validated.iterdir()):
        is_table = path.suffix == ".parquet"
        texts[path.name] = pd.read_parquet(path).to_csv() if is_table else path.read_text("utf-8")
        if is_table:  # names of columns and other metadata too
            texts[f"bytes of {path.name}"] = path.read_bytes().decode("utf-8", "ignore")
    named = re.compile("|".join(map(re.escape, [*SURNAMES, *case.secrets])), re.IGNORECASE)
    for where, text in texts.items():
        assert not (found := named.search(text)), f"{where}: {found[0]}"


def _assert_without_formulas(root: Path, sent: Path) -> None:
    """No workbook that was made holds a formula."""
    for path in root.rglob("*.xlsx"):
        if path.parent == sent or path.parent == sent.with_name("2022"):
            continue
        with zipfile.ZipFile(path) as book:
            for name in book.namelist():
                if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name):
                    assert not re.search(rb"<f[ >]", book.read(name)), f"{path}: {name}"


# --- apart from the table -------------------------------------------------------------------------


@pytest.mark.parametrize(("case_id", "seconds"), [("B15", 1), ("B16", 2)])
def test_a_trap_is_refused_at_once(case_id, seconds):
    sent = Sending()
    next(case for case in CASES if case.id == case_id).make(sent)
    content = sent.raw.get(BAD) or sent.content()
    began = time.process_time(), time.monotonic()
    with pytest.raises(workbook.UnreadableError):
        workbook.read(BAD, content)
    took = min(time.process_time() - began[0], time.monotonic() - began[1])
    assert took < seconds


def test_markup_in_a_cell_is_shown_as_text(check):
    markup = "<img src=x onerror=alert(1)>"
    told = check(lambda sent: sent.put({"Организации!C2": markup, "Места работы!E2": markup}))
    assert told.report["held_out"] == 1  # there is no such organisation
    shown = [told.tables()["organizations"], told.problems, told.tables()["held_rows"]]
    for frame in shown:
        for html in (parts.table(frame), frame.to_html()):
            assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in parts.table(shown[0])


def test_a_large_file_is_taken_in(check):
    """20 000 results of 5 000 people; the largest file is measured by the benchmark."""

    def large(sent: Sending) -> None:
        people = [
            [SURNAMES[n % 33], GIVEN[n // 33 % 10], None, date(1960, 1, 1) + timedelta(n)]
            for n in range(5_000)
        ]
        sent.books[BAD] = municipality("Абаза", people, ["007"])
        for n, row in enumerate(sent.rows("Сотрудники")[1:]):
            row[4] = n % 50
        again = [[*row[:5], "выходная", *row[6:]] for row in sent.rows()[1:]]
        sent.rows().extend(again)

    began = time.process_time()
    told = check(large)
    mine = told.rows[told.rows["file"].eq(BAD)].set_index("table")
    assert mine["accepted"].to_dict() == {
        "staff": 5_000,
        "employment": 5_000,
        "organizations": 1,
        "scores": 20_000,
    }
    assert told.exit_code == 0 and told.report["problems"] == []
    assert time.process_time() - began < 30


def test_what_is_said_of_a_cell_is_written_beside_it_in_the_copy_that_goes_back(check):
    """The sender's own file is the one that is marked, its text is text there too."""
    told = check(lambda sent: sent.put({"Результаты!J6": "=1+1", "Сотрудники!F3": "=2+2"}))
    copies = list(told.sender.folder.rglob("problems.xlsx"))
    assert len(copies) == 1
    with CalamineWorkbook.from_path(str(copies[0])) as made:
        rows = made.get_sheet_by_name("Результаты").to_python()
        assert rows[5][9] == "=1+1"
        assert made.get_sheet_by_name("Сотрудники").to_python()[2][5] == "=2+2"
    _assert_without_formulas(told.sender.root, told.sender.folder)


def test_every_bad_input_of_the_list_has_a_test():
    with LIST.open(encoding="utf-8", newline="") as file:
        listed = [row["id"] for row in csv.DictReader(file)]
    tested = {case.id.split()[0] for case in CASES}
    assert len(listed) == 60
    assert tested | APART == set(listed)
    assert len({case.id for case in CASES}) == len(CASES)
    assert {case.id for case in CASES} >= VARIANTS
