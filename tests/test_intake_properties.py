"""What holds for intake whatever is sent: workbooks are generated, not written by hand."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter
from hypothesis import HealthCheck, Phase, configuration, given, settings
from hypothesis import strategies as st
from intake_books import KEY, SURNAMES, Sender, sent_books

from nmc_utils.intake import Account, IntakeError, take_in
from nmc_utils.intake.batch import CONSERVATION
from nmc_utils.intake.marked import place_of
from nmc_utils.intake.pseudonyms import KeyFileError
from nmc_utils.intake.returns import write_returns
from nmc_utils.tables import SCHEMAS
from nmc_utils.terms import DEMONSTRATION

Books = dict[str, dict[str, list[list]]]
QUICK = {
    "derandomize": True,
    "database": None,
    "deadline": None,
    "phases": [Phase.generate],  # an example is not made smaller: each takes a second
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}


def of(few: int, many: int):
    """A few examples in `make test-long`, many, of a second or two each, in `make scale`."""
    in_full = pytest.param(many, marks=[pytest.mark.scale, pytest.mark.timeout(7200)])
    return pytest.mark.parametrize("n", [pytest.param(few, marks=pytest.mark.long), in_full])


def hold(proposition: Callable[..., None], n: int, place: Sender, **strategies) -> None:
    """Look for an example against a proposition among `n`, always the same ones."""
    settings(max_examples=n, **QUICK)(given(**strategies)(proposition))(place)


@pytest.fixture(scope="module", autouse=True)
def _nothing_in_the_tree(tmp_path_factory):
    configuration.set_hypothesis_home_dir(tmp_path_factory.mktemp("hypothesis"))


@pytest.fixture(scope="module")
def place(tmp_path_factory, defined) -> Sender:
    """One data root for all examples; each sends everything anew."""
    return Sender(tmp_path_factory.mktemp("properties"), defined)


# --- what may stand in a cell ---------------------------------------------------------------------

ODD = [
    *("", " ", "\u00a0", "NA", "None", "nan", "null", "н/я", "-", "—", "зачёт", "Итого", "Всего"),
    *("=1+1", "+cmd|' /C calc'!A0", "@SUM(1)", "-1+1", "\t=1", "<img src=x onerror=alert(1)>"),
    *("75%", "0,75", "1 234,5", "'15", "1.23E+19", "inf", "1e400", "-0", "+1", "1,5,5", "٣", "½"),
    *("01/02/2023", "31.02.2025", "45123", "2023-13-01", "5 мая 2023 г.", "01.01.1000", "2023"),
    *("007", "7.0", "07", "Королёва", "Петров-Водкин П. П.", "Сидоровой Анне Ильиничне"),
    *(
        "Ивaнoва",
        "и\u0306",
        "Семёнова",
        "\u200b1",
        "\ufeff2",
        "\u202e12",
        "😀",
        "\U000e0041",
        "\x07",
    ),
    *("Абакан", "АБАКАН", "г. Абакан", "Абоза", "весь регион", "Предметные", "К99", "входная"),
    *("да", "нет", "Да ", "ИСТИНА", "TRUE", "+", "x" * 5000, "a, b; c | d\te", 'кавычка " одна'),
    *("P1", "p1", "P 1", "#Н/Д", "#REF!", "12.04.2023 10:30", "строка\nвторая", "http://a.b/c"),
]
TEXTS = st.one_of(
    st.sampled_from(ODD),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
    st.text("0123456789.,- %eE+", min_size=1, max_size=8),
    st.text("АБВабвёЁЙй -.", min_size=1, max_size=10),
)
CELLS = st.one_of(
    st.none(),
    TEXTS,
    st.integers(-3, 60_000),
    st.floats(-5, 5, width=16),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dates(date(1900, 3, 1), date(2150, 1, 1)),
    st.booleans(),
    st.sampled_from([0.75, 1, 0.01, 75]).map(lambda share: ("percent", share)),
    st.sampled_from(["1+1", "A1", "HYPERLINK(0)"]).map(lambda text: ("formula", text)),
)
#: Scores as people write them, and what each says; the second is worked out here, not by intake.
WRITTEN = st.integers(0, 200).flatmap(
    lambda n: st.sampled_from(
        [
            (n / 100, n / 100),
            (f"{n / 100:.2f}", n / 100),
            (f"{n / 100:.2f}".replace(".", ","), n / 100),
            (f" {n / 100:.2f} ", n / 100),
            (f"{n // 100}", float(n // 100)),
            (n // 100, float(n // 100)),
            (f"'{n // 100}", float(n // 100)),
        ]
    )
)


def content_of(sheets: dict[str, list[list]]) -> bytes:
    """Bytes of a workbook: text stays text, a formula has no cached value."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        share = book.add_format({"num_format": "0%"})
        for name, rows in sheets.items():
            page = book.add_worksheet(name)
            for at, row in enumerate(rows):
                for column, value in enumerate(row):
                    match value:
                        case str() if not value.startswith("<r>"):
                            page.write_string(at, column, value)
                        case bool():
                            page.write_boolean(at, column, value)
                        case int() | float():
                            page.write_number(at, column, value)
                        case date():
                            page.write_datetime(at, column, value, day)
                        case ("percent", number):
                            page.write_number(at, column, number, share)
                        case ("formula", text):
                            page.write_formula(at, column, f"={text}", value="")
    return target.getvalue()


def send(place: Sender, books: Books, others: dict[str, bytes] | None = None) -> None:
    """Leave in the folder what is sent here, and nothing else."""
    for path in place.folder.iterdir():
        if path.is_file() and path.name != "edition.yaml":
            path.unlink()
    marked = {"Пояснение": [[DEMONSTRATION]]}
    contents = {file: content_of(marked | sheets) for file, sheets in books.items()}
    for file, content in (contents | (others or {})).items():
        (place.folder / file).write_bytes(content)


def account_of(place: Sender) -> Account:
    """What became of everything, be it accepted or not; nothing else may be raised."""
    try:
        return take_in(place.edition, key=KEY)
    except IntakeError as refused:
        return refused.account
    except KeyFileError:
        pytest.fail("the key of the tests is refused")


def tables_of(place: Sender, account: Account) -> dict[str, pd.DataFrame]:
    names = getattr(account, "tables", {})
    return {name: pd.read_parquet(place.edition.validated / f"{name}.parquet") for name in names}


# --- what must hold -------------------------------------------------------------------------------


def adds_up(account: Account) -> None:
    lines = account.conservation
    assert lines[CONSERVATION[4:]].sum(axis=1).eq(lines["sent"]).all()
    assert lines[CONSERVATION[3:]].ge(0).all(axis=None)


def every_row_is_counted(account: Account, books: Books) -> None:
    """A sheet below its header has as many rows as its lines of the conservation say."""
    lines = account.conservation
    for file, sheets in books.items():
        for name, rows in sheets.items():
            mine = lines[lines["file"].eq(file) & lines["sheet"].eq(name)]
            assert int(mine["sent"].sum()) == len(rows) - 1, (file, name)


def every_held_row_is_explained(account: Account) -> None:
    problems = account.problems
    explained = {
        (row.file, row.sheet, place_of(row.cell)[0] + 1)
        for row in problems.itertuples()
        if row.kind in ("held_out", "waiting") and place_of(row.cell)
    }
    of_sheets = set(
        problems.loc[problems["kind"].isin(["sheet", "file"]), ["file", "sheet"]].itertuples(
            index=False, name=None
        )
    )
    for_want_of_a_sheet = problems["kind"].eq("table").any()
    for row in account.held_rows.itertuples():
        assert (
            (row.file, row.sheet, row.row) in explained
            or (row.file, row.sheet) in of_sheets
            or for_want_of_a_sheet
        ), row
        assert row.reason
    held = account.held_rows.groupby(["file", "sheet"]).size()
    lines = account.conservation.groupby(["file", "sheet"])["held_out"].sum()
    assert held.to_dict() == lines[lines.gt(0)].to_dict()


def every_problem_is_a_sentence(account: Account) -> None:
    for row in account.problems.itertuples():
        assert row.meaning and not row.meaning.endswith("."), row
        assert row.remedy.endswith("."), row
        assert row.action and row.kind, row
        assert len(row.found) < 400, row


def nobody_is_named(place: Sender, account: Account) -> None:
    parts = [account.problems.to_csv(), account.conservation.to_csv(), account.held_rows.to_csv()]
    parts += [account.files_table.to_csv(), account.differences.to_csv()]
    if hasattr(account, "tables"):
        for path in sorted(place.edition.validated.iterdir()):
            if path.suffix == ".parquet":
                parts.append(pd.read_parquet(path).to_csv())
            parts.append(path.read_bytes().decode("utf-8", errors="ignore"))
    for folder in write_returns(place.edition, account):
        parts.append((folder / "письмо.txt").read_text("utf-8-sig"))
        listed = pd.read_excel(
            folder / "problems.xlsx", "Замечания", engine="calamine", header=None
        )
        parts.append(listed.to_csv())
    text = "\n".join(parts)
    for surname in SURNAMES:
        assert not re.search(rf"\b{surname}", text), surname


def all_holds(place: Sender, account: Account) -> None:
    adds_up(account)
    every_held_row_is_explained(account)
    every_problem_is_a_sentence(account)
    nobody_is_named(place, account)


# --- any cells ------------------------------------------------------------------------------------

HOMES = [
    (file, name, row, column)
    for file, sheets in sent_books().items()
    for name, rows in sheets.items()
    for row in range(1, len(rows))
    for column in range(len(rows[0]))
]
CHANGES = st.lists(st.tuples(st.sampled_from(HOMES), CELLS), min_size=1, max_size=20)


def any_cells(place: Sender, changes: list) -> None:
    books = sent_books()
    for (file, name, row, column), value in changes:
        books[file][name][row][column] = value
    send(place, books)
    account = account_of(place)
    all_holds(place, account)
    assert set(account.files) == set(books)
    whole = {  # a last row without any value is no row
        file: {name: rows for name, rows in sheets.items() if any(map(is_filled, rows[-1]))}
        for file, sheets in books.items()
    }
    every_row_is_counted(account, whole)


def is_filled(value: object) -> bool:
    return value is not None and str(value).strip() != ""


@of(40, 1000)
def test_any_cells_are_accounted_for(place, n):
    hold(any_cells, n, place, changes=CHANGES)


# --- values ---------------------------------------------------------------------------------------


def with_scores(written: list) -> Books:
    """Abakan's results with these scores: of two people, each for every wave and attempt."""
    books = sent_books()
    rows = books["abakan.xlsx"]["Результаты"]
    header, (first, _, third) = rows[0], rows[1:]
    del rows[1:]
    for number, (value, _) in enumerate(written):
        row = list(first if number % 2 else third)
        row[6], row[9] = 1 + number // 2, value
        rows.append(row)
    assert rows[0] is header
    return books


def written_scores(place, written):
    send(place, with_scores(written))
    account = account_of(place)
    all_holds(place, account)
    scores = tables_of(place, account)["scores"]
    taken = Counter(scores.loc[scores["wave"].eq("entry"), "raw_score"])
    sent = Counter(value for _, value in written)
    assert taken <= sent
    line = account.conservation.query("file == 'abakan.xlsx' and table == 'scores'").iloc[0]
    assert taken.total() == line["accepted"]
    reasons = account.problems["meaning"].tolist()
    if line["held_out"] and max(value for _, value in written) <= 1:
        # points or shares of the maximum? Nobody can tell, so all of them are asked about
        assert line["held_out"] == line["sent"]
        assert account.held_rows["reason"].str.contains("похоже, это доли").all(), reasons
    else:
        assert line["held_out"] == 0, reasons


@of(15, 200)
def test_a_score_is_taken_as_it_was_written_or_not_at_all(place, n):
    hold(written_scores, n, place, written=st.lists(WRITTEN, min_size=1, max_size=12))


def any_scores(place, cells):
    send(place, with_scores([(cell, None) for cell in cells]))
    account = account_of(place)
    all_holds(place, account)
    scores = tables_of(place, account).get("scores", pd.DataFrame(columns=["wave", "raw_score"]))
    taken = scores.loc[scores["wave"].eq("entry"), "raw_score"]
    assert taken.map(math.isfinite).all()
    possible = Counter(value for cell in cells for value in readings(cell))
    assert Counter(taken) <= possible


@of(20, 400)
def test_no_score_appears_that_nobody_sent(place, n):
    hold(any_scores, n, place, cells=st.lists(CELLS, min_size=1, max_size=8))


def readings(cell: object) -> set[float]:
    """All numbers that a cell may stand for; none for what is no number."""
    match cell:
        case bool() | None | date() | ("formula", _):
            return set()
        case int() | float():
            return {float(f"{cell:.16G}")}  # what XlsxWriter writes of it
        case ("percent", number):
            return {float(number), 2 * float(number)}
    text = "".join(c for c in cell if not c.isspace() and c.isprintable()).lstrip("'")
    match = re.fullmatch(r"([-+−]?[0-9]+(?:[.,][0-9]+)?(?:[eE][+-]?[0-9]+)?)(%?)", text, re.ASCII)
    if not match:
        return set()
    number = float(match[1].replace(",", ".").replace("−", "-"))
    return {2 * number / 100} if match[2] else {number}


# --- order ----------------------------------------------------------------------------------------


def any_order(place, random):
    send(place, sent_books())
    plain = tables_of(place, account_of(place))
    mixed = {file: mix(sheets, random) for file, sheets in sent_books().items()}
    send(place, mixed)
    account = account_of(place)
    all_holds(place, account)
    same(tables_of(place, account), plain)


@of(8, 60)
def test_the_order_of_rows_columns_and_sheets_changes_nothing(place, n):
    hold(any_order, n, place, random=st.randoms(use_true_random=False))


def mix(sheets: dict[str, list[list]], random) -> dict[str, list[list]]:
    mixed = {}
    for name in random.sample(list(sheets), len(sheets)):
        header, *rows = sheets[name]
        order = random.sample(range(len(header)), len(header))
        rows = random.sample(rows, len(rows))
        mixed[name] = [[row[at] for at in order] for row in (header, *rows)]
    return mixed


def same(found: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    assert found.keys() == expected.keys()
    for name, frame in expected.items():
        pd.testing.assert_frame_equal(found[name], frame)


# --- more than was asked for ----------------------------------------------------------------------

TITLES_OF_NOBODY = [
    "Цвет глаз",
    "Домашний зверь",
    "Столбец Ъ",
    "СНИЛС",
    "Телефон",
    "E-mail",
    "№ п/п",
]
SECRET = "7351-тайна"


def more_than_asked(place, titles, cell, random):
    send(place, sent_books())
    plain = tables_of(place, account_of(place))
    books = sent_books()
    for sheets in books.values():
        for rows in sheets.values():
            for title in titles:
                at = random.randrange(len(rows[0]) + 1)
                for row in rows:
                    row.insert(at, SECRET + cell if row is not rows[0] else title)
            for _ in range(random.randrange(3)):
                rows.insert(random.randrange(1, len(rows)), [None] * len(rows[0]))
    send(place, books)
    account = account_of(place)
    all_holds(place, account)
    same(tables_of(place, account), plain)
    assert SECRET not in account.problems.to_csv()


@of(10, 100)
def test_columns_and_rows_that_nobody_asked_for_change_nothing(place, n):
    hold(
        more_than_asked,
        n,
        place,
        titles=st.lists(st.sampled_from(TITLES_OF_NOBODY), unique=True, min_size=1, max_size=3),
        cell=TEXTS,
        random=st.randoms(use_true_random=False),
    )


# --- other files ----------------------------------------------------------------------------------

NAMES = st.sampled_from(["x.xlsx", "x.csv", "x.xls", "x.ods", "x.txt", "x.zip", "x", "х.XLSX"])
GOOD = content_of({"Пояснение": [[DEMONSTRATION]]} | sent_books()["abaza.xlsx"])
BYTES = st.one_of(
    st.binary(max_size=400),
    st.sampled_from(
        [b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\xff\xfe", b"<html>"]
    ).flatmap(lambda start: st.binary(max_size=200).map(lambda rest: start + rest)),
    st.integers(0, len(GOOD) - 1).map(lambda end: GOOD[:end]),
    st.tuples(st.integers(0, len(GOOD) - 1), st.integers(1, 255)).map(
        lambda change: (
            GOOD[: change[0]] + bytes([GOOD[change[0]] ^ change[1]]) + GOOD[change[0] + 1 :]
        )
    ),
    st.text(max_size=100).map(lambda text: text.encode("utf-8", errors="replace")),
)


def any_bytes(place, name, content):
    send(place, {}, {name: content})
    account = account_of(place)
    all_holds(place, account)
    assert list(account.files.values()) == [name]


@of(100, 1000)
def test_any_bytes_are_a_file_that_is_told_of(place, n):
    hold(any_bytes, n, place, name=NAMES, content=BYTES)


# --- text files -----------------------------------------------------------------------------------


def text_files(place, separator, encoding, quoting, end):
    edition, books = place.submitted(), sent_books()
    if encoding == "cp1251":  # it has no «≤»
        del books["ЦНППМ.xlsx"]["Сводные числа"]
    files = {}
    for name, sheets in books.items():
        for title, rows in sheets.items():
            text = io.StringIO()
            writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=end)
            writer.writerows([[as_text(value) for value in row] for row in rows])
            stem = f"{title} {Path(name).stem}"
            files[f"{stem}.csv"] = text.getvalue().encode(encoding)
    send(place, {}, files)
    account = take_in(edition, key=KEY)
    adds_up(account)
    every_held_row_is_explained(account)
    found = tables_of(place, account)
    send(place, {}, {file: content_of(sheets) for file, sheets in books.items()})
    same(found, tables_of(place, take_in(edition, key=KEY)))


@of(6, 32)
def test_text_files_say_the_same_as_workbooks(place, n):
    hold(
        text_files,
        n,
        place,
        separator=st.sampled_from([";", ",", "\t", "|"]),
        encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1251"]),
        quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        end=st.sampled_from(["\r\n", "\n"]),
    )


def as_text(value: object) -> str:
    match value:
        case None:
            return ""
        case date():
            return f"{value:%d.%m.%Y}"
        case float():
            return str(value).replace(".", ",")
    return str(value)


def test_the_samples_are_those_of_every_kind():
    """The oracle of numbers reads what people write; it is not that of intake."""
    assert readings("1,5") == readings(1.5) == readings(" 1.5") == {1.5}
    assert readings("75%") == {1.5}
    assert readings("н/я") == readings(True) == readings(date(2023, 1, 1)) == set()
    assert {name for _, name, _, _ in HOMES} >= {"Результаты", "Сотрудники", "Ответы", "РМА"}
    assert set(SCHEMAS) <= set(tables_titles())


def tables_titles() -> dict[str, str]:
    from nmc_utils.terms import TABLE_TITLES

    return TABLE_TITLES
