"""The ways in which an honest file gets spoiled, and what a test of one says."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from bad_inputs import (
    BAD,
    FORMS,
    STAFF,
    SURNAMES,
    Sending,
    csv_of,
    municipality,
    person,
    score,
    work,
)
from intake_books import staff_row

#: Rows of `BAD` when nothing is wrong: accepted, held out, superseded, blank.
ALL = {"staff": (24, 0, 0, 0), "employment": (24, 0, 0, 0), "organizations": (2, 0, 0, 0)}
ALL |= {"scores": (48, 0, 0, 0)}
NONE: dict[str, tuple[int, int, int, int]] = {}
SCORES_CSV = "Абаза Результаты.csv"


@dataclass(frozen=True)
class Says:
    """A problem that must be told; texts are regular expressions to be found.

    `times` is 0 for at least once, None where it may be told or not.
    """

    meaning: str
    cell: str | None = None
    kind: str = "held_out"
    found: str = ""
    remedy: str = ""
    file: str | None = None
    times: int | None = 1


@dataclass(frozen=True)
class Case:
    """One bad input.

    Attributes
    ----------
    id
        Its id in the list, and which of several.
    make
        Spoils the files.
    says
        The problems; nothing else may be held out, refused or left out.
    counts
        Rows of all files but the honest ones, by table.
    stored
        «table.column» → values of the rows that the honest files would not have given.
    is_refused
        A file is refused, which its exit code says too.
    file
        The label of the spoiled file, a regular expression.
    form
        How the file was read, as the report says.
    secrets
        What must not be found in anything that is told or written.
    missing
        Municipalities of which nothing is accepted.
    """

    id: str
    make: Callable[[Sending], object]
    says: tuple[Says, ...] = ()
    counts: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    stored: dict[str, list] = field(default_factory=dict)
    is_refused: bool = False
    file: str = re.escape(BAD)
    form: str = ""
    secrets: tuple[str, ...] = ()
    missing: tuple[str, ...] = ("Саяногорск", "Сорск")

    @property
    def expected(self) -> dict[str, tuple[int, int, int, int]]:
        return NONE if self.is_lost else ALL | self.counts

    @property
    def is_lost(self) -> bool:
        """Nothing of `BAD` is accepted."""
        return "Абаза" in self.missing


# --- the makers ---------------------------------------------------------------------------------


def put(cells: dict[str, object]) -> Callable[[Sending], None]:
    return lambda sent: sent.put(cells)


def scores_csv(
    separator: str = ";",
    encoding: str = "utf-8",
    spoil: Callable[[bytes], bytes] = bytes,
    cells: dict[str, object] | None = None,
    file: str = SCORES_CSV,
) -> Callable[[Sending], None]:
    """Send the results as text; `spoil` changes its bytes."""

    def make(sent: Sending) -> None:
        sent.put(cells or {})
        sent.raw[file] = spoil(csv_of(sent.take("Результаты"), separator, encoding))

    return make


def line(number: int, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Change one line of a text file, counted from 1."""

    def spoil(content: bytes) -> bytes:
        lines = content.split(b"\r\n")
        lines[number - 1] = change(lines[number - 1])
        return b"\r\n".join(lines)

    return spoil


def every_line(change: Callable[[bytes], bytes], first: int = 1) -> Callable[[bytes], bytes]:
    def spoil(content: bytes) -> bytes:
        lines = content.rstrip(b"\r\n").split(b"\r\n")
        changed = [line if n < first else change(line) for n, line in enumerate(lines, start=1)]
        return b"\r\n".join([*changed, b""])

    return spoil


def raw(content: Callable[[Sending], bytes], file: str = BAD) -> Callable[[Sending], None]:
    """Send other bytes in the place of the workbook."""

    def make(sent: Sending) -> None:
        sent.raw[file] = content(sent)
        del sent.books[BAD]

    return make


def patched(sheet: int, change: Callable[[str], str]) -> Callable[[Sending], None]:
    return lambda sent: sent.patches.update({f"xl/worksheets/sheet{sheet}.xml": change})


def added(*parts: str, file: str = BAD) -> Callable[[Sending], None]:
    def make(sent: Sending) -> None:
        sent.extra = {part: b"\xd0\xcf\x11\xe0 not to be looked into" for part in parts}
        sent.raw[file] = sent.content()
        del sent.books[BAD]

    return make


def finished(finish: Callable) -> Callable[[Sending], None]:
    return lambda sent: setattr(sent, "finish", finish)


def both(*makers: Callable[[Sending], object]) -> Callable[[Sending], None]:
    def make(sent: Sending) -> None:
        for maker in makers:
            maker(sent)

    return make


def above(sheet: str, *rows: list) -> Callable[[Sending], None]:
    """Put rows above the header."""
    return lambda sent: sent.rows(sheet).__setitem__(slice(0, 0), [list(row) for row in rows])


def below(sheet: str, *rows: list) -> Callable[[Sending], None]:
    return lambda sent: sent.rows(sheet).extend(list(row) for row in rows)


def column(sheet: str, letter: str, value: Callable[[object], object]) -> Callable[[Sending], None]:
    """Change every cell of a column below its header."""

    def make(sent: Sending) -> None:
        at = ord(letter) - ord("A")
        for row in sent.rows(sheet)[1:]:
            row[at] = value(row[at])

    return make


def replaced(sheet: str, letter: str, values: dict) -> Callable[[Sending], None]:
    return column(sheet, letter, lambda value: values.get(value, value))


def dropped(sheet: str, *letters: str) -> Callable[[Sending], None]:
    """Leave columns out."""
    gone = [ord(letter) - ord("A") for letter in letters]

    def make(sent: Sending) -> None:
        kept = [[v for at, v in enumerate(row) if at not in gone] for row in sent.rows(sheet)]
        sent.books[BAD][sheet] = kept

    return make


def same_person(who: list, organization: str, place: str = "Абаза") -> Callable[[Sending], None]:
    """Add a person with a workplace and two results."""
    return both(
        below("Сотрудники", staff_row(who)),
        below("Места работы", work(who, organization, place)),
        below("Результаты", score(who, "Предметные", 5), score(who, "Методические", 6)),
    )


def no_rows(sent: Sending) -> None:
    sent.books[BAD] = {sheet: rows[:1] for sheet, rows in sent.books[BAD].items()}


def no_cells(sent: Sending) -> None:
    sent.books[BAD] = {sheet: [] for sheet in sent.books[BAD]}


def bomb(sent: Sending) -> bytes:
    sent.patches = {
        "xl/worksheets/sheet1.xml": lambda part: part.replace(
            "<sheetData>", "<sheetData>" + " " * 300_000_000
        )
    }
    return sent.content()


def text_of(sent: Sending, row: int, sheet: str = "Результаты", at: int = 9) -> str:
    return str(sent.rows(sheet)[row - 1][at])


LATIN = str.maketrans("аоесрх", "aoecpx")
YO = ["Семёнова", "Алёна", "Юрьевна", date(1981, 5, 17)]
SCHOOL = "МБОУ «СОШ № 1»"


def named_school(*spellings: str) -> Callable[[Sending], None]:
    """The register names a school; workplaces spell it in their ways."""

    def make(sent: Sending) -> None:
        sent.put({"Организации!A2": SCHOOL})
        rows = [row for row in sent.rows("Места работы")[1:] if row[4] == "007"]
        for number, row in enumerate(rows):
            row[4] = spellings[number % len(spellings)]

    return make


def personal(sent: Sending) -> None:
    titles = ["СНИЛС", "Контактный телефон", "E-mail", "Паспорт (серия, номер)", "Группа здоровья"]
    values = ["112-233-445 95", "+7 913 555-12-34", "dom@example.org", "9512 345678", "диабет"]
    sent.rows("Сотрудники")[0] = STAFF + titles
    for row in sent.rows("Сотрудники")[1:]:
        row.extend(values)


def about_person(sent: Sending) -> None:
    """A name in the name of the file, of a sheet, in a remark and in the properties."""
    sent.rows("Сотрудники")
    sent.books[BAD]["Шелудякова"] = [["черновик"]]

    def finish(made) -> None:
        made.set_properties({"author": "Шелудякова", "title": "Опочинина", "company": "Мясоедова"})
        made.get_worksheet_by_name("Результаты").write_comment("J6", "спросить: Халтурина")

    sent.finish = finish
    sent.raw["Шелудякова_итог.xlsx"] = sent.content()
    del sent.books[BAD]


def hidden(sent: Sending) -> None:
    sent.books[BAD] |= {"Черновик": [["Халтурина", 5]], "Резерв": [["Мясоедова", 6]]}

    def finish(made) -> None:
        made.get_worksheet_by_name("Черновик").hide()
        made.get_worksheet_by_name("Резерв").very_hidden()

    sent.finish = finish


def percent_cells(sheet: str, *cells: tuple[str, float]) -> Callable[[Sending], None]:
    def finish(made) -> None:
        style = made.add_format({"num_format": "0%"})
        for cell, value in cells:
            made.get_worksheet_by_name(sheet).write_number(cell, value, style)

    return finished(finish)


def with_forms(*reliabilities: object) -> Callable[[Sending], None]:
    """`BAD` describes forms of its own."""
    rows = [
        [f"F{n}", "P1", "Предметные", "Математика и информатика", 20, 20, value, "отчёт"]
        for n, value in enumerate(reliabilities, start=2)
    ]
    return lambda sent: sent.books[BAD].update({"Формы": [FORMS, *rows]})


def other_place(place: str) -> Callable[[Sending], None]:
    return both(
        replaced("Места работы", "F", {"Абаза": place}),
        replaced("Организации", "B", {"Абаза": place}),
    )


def small_place(sent: Sending) -> None:
    people = [person(n) for n in range(len(SURNAMES) - 3, len(SURNAMES))]
    sent.books["Сорск.xlsx"] = municipality("Сорск", people, ["301"])


def corrected(sent: Sending) -> None:
    """A newer file of the same municipality with one result changed."""
    sent.raw = {BAD: sent.content()}
    sent.put({"Результаты!J6": 17})
    sent.raw["Абаза копия.xlsx"] = sent.content()
    del sent.books[BAD]


def worthless(sent: Sending) -> None:
    """A newer file of which no result can be accepted."""
    sent.raw = {BAD: sent.content()}
    column("Результаты", "J", lambda value: 99)(sent)
    sent.raw["Абаза копия.xlsx"] = sent.content()
    del sent.books[BAD]


def twice(sent: Sending) -> None:
    sent.raw = {BAD: sent.content(), "Абаза копия.xlsx": sent.content()}
    del sent.books[BAD]


def in_parts(sent: Sending) -> None:
    """People in one workbook, results in another."""
    results = {"Результаты": sent.take("Результаты")}
    sent.books["Абаза Результаты.xlsx"] = results


def all_csv(sent: Sending) -> None:
    """Each table is a text file of its own."""
    for sheet, rows in sent.books.pop(BAD).items():
        full = [row + [None] * (len(rows[0]) - len(row)) for row in rows]  # as Excel saves it
        sent.raw[f"Абаза {sheet}.csv"] = csv_of(full)


def last_year(sent: Sending) -> None:
    sent.earlier = {"Абаза.xlsx": sent.content()}


def full_names(sent: Sending) -> None:
    for sheet in ("Сотрудники", "Места работы", "Результаты"):
        rows = sent.rows(sheet)
        for row in rows[1:]:
            row[:3] = [" ".join(row[:3])]
        rows[0][:3] = ["ФИО"]


def prefixed(part: str) -> str:
    """The same XML with the prefix «x:» on every element."""
    part = part.replace('xmlns="', 'xmlns:x="', 1)
    return re.sub(r"<(/?)([A-Za-z])", r"<\1x:\2", part)


HTML = "<html><body><table><tr><td>Фамилия</td><td>Балл</td></tr></table></body></html>".encode()
GUIDE = r"\.xlsx"
NEWER = r"Абаза копия\.xlsx"
XXE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
REFUSED = {"is_refused": True, "missing": ("Абаза", "Саяногорск", "Сорск")}
#: Results alone are lost: they were sent in a text file of their own.
LOST_CSV = {"is_refused": True, "file": re.escape(SCORES_CSV), "counts": {"scores": (0, 0, 0, 0)}}
IN_CSV = {"file": re.escape(SCORES_CSV)}


def at(number: int) -> str:
    return rf"строк\w*\s(?:№\s)?{number}\b"


def held(meaning: str, *cells: str, found: str = "", remedy: str = "") -> tuple[Says, ...]:
    return tuple(Says(meaning, cell, found=found, remedy=remedy) for cell in cells)


def lost(table: str, n: int, **more: int) -> dict[str, tuple[int, int, int, int]]:
    """Counts with `n` rows held out of those that are sent."""
    accepted, *_ = ALL[table]
    return {table: (accepted - n, n, 0, 0)}


def extra(table: str, blank: int = 0, superseded: int = 0) -> dict[str, tuple[int, int, int, int]]:
    """Counts with rows besides those of an honest file."""
    return {table: (ALL[table][0], 0, superseded, blank)}
