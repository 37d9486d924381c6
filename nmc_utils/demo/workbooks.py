"""Demonstration tables in the words and sheets of a workbook, the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path

import pandas as pd
import xlsxwriter
from pandas.api.types import is_bool_dtype, is_datetime64_dtype, is_numeric_dtype
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from nmc_utils.demo.people import NAME
from nmc_utils.intake.columns import EXPLANATION, PERSON_HEADERS, YES_NO, has_persons, headers
from nmc_utils.regions import Region
from nmc_utils.tables import TITLES
from nmc_utils.terms import CODED, DEMONSTRATION, TOTAL, WHOLE_TEST

CENTER = "ЦНППМ"
#: What a row is, for every sheet in the order of the sheets.
ROW_IS = {
    "staff": "один человек по основному месту работы",
    "employment": "один человек в одной организации, основное место работы отмечено один раз",
    "organizations": "одна организация",
    "scores": "один человек, этап и компетенция",
    "responses": "один человек и этап; столбцы 1, 2, … — задания формы, пусто — нет ответа",
    "procedures": "одна процедура диагностики",
    "forms": "одна форма теста и компетенция",
    "items": "одно задание формы",
    "methodists": "один участник регионального методического актива",
    "aggregates": "одно число о муниципальном образовании, без сведений о людях",
}
#: Likewise where results are of the whole test alone.
ROW_OF_TOTALS_IS = {"scores": "один человек и этап", "forms": "одна форма теста"}
_EXCEL_ZERO = pd.Timestamp("1899-12-30")


def write_workbooks(
    folder: Path,
    definition: Region,
    title: str,
    tables: dict[str, pd.DataFrame],
    people: pd.DataFrame,
    created: date,
) -> None:
    """Write one workbook per municipality and one of the centre into `folder`."""
    worded = {name: _in_words(definition, name, frame, people) for name, frame in tables.items()}
    rows = ROW_IS | (ROW_OF_TOTALS_IS if tables["scores"]["domain"].eq(TOTAL).all() else {})
    senders = [*enumerate(definition.municipality_names.values()), (None, CENTER)]
    for sender, name in senders:
        lines = [DEMONSTRATION, f"{title}. {name}", "Люди, организации и результаты вымышлены."]
        sheets = dict(_sheets(worded, sender))
        lines += ["Листы и что на них строка:", *(f"{TITLES[at]} — {rows[at]}" for at in sheets)]
        _write_workbook(folder / f"{name}.xlsx", sheets, lines, datetime.combine(created, time()))


def _in_words(
    definition: Region, name: str, frame: pd.DataFrame, people: pd.DataFrame
) -> pd.DataFrame:
    """Give a table the headers and words of a workbook; persons stand by name, in its order.

    The index of a table that municipalities send is the sender.
    """
    words = CODED | {
        "municipality": dict(enumerate(definition.municipality_names.values())),
        "domain": dict(enumerate(definition.competence_names.values())) | {TOTAL: WHOLE_TEST},
        "measure": {code: word for word, code in definition.counted_words.items()},
        "level": {level.code: level.name for level in definition.diagnostics.levels},
    }
    columns = {}
    if has_persons(name):
        frame = frame.iloc[people["name_order"].to_numpy()[frame["who"]].argsort(kind="stable")]
        mine = people.loc[frame["who"]]
        columns = {
            header: mine[column].array for header, column in zip(PERSON_HEADERS, NAME, strict=True)
        }
    for column, header in headers(name).items():
        values = frame[column]
        if is_bool_dtype(values):
            values = values.map(YES_NO)
        elif column in words and set(values.dropna()) <= set(words[column]):
            values = values.map(words[column])
        columns[header] = values.array
    columns |= {column: frame[column].array for column in frame if str(column).isdigit()}
    return pd.DataFrame(columns, index=frame.get("sender"))


def _sheets(
    worded: dict[str, pd.DataFrame], sender: int | None
) -> Iterator[tuple[str, pd.DataFrame]]:
    for name in [name for name in ROW_IS if name in worded]:
        sent_by_municipality = worded[name].index.name == "sender"
        if sent_by_municipality and sender is not None:
            yield name, worded[name][worded[name].index == sender]
        elif not sent_by_municipality and sender is None:
            yield name, worded[name]


def _write_workbook(
    path: Path, sheets: dict[str, pd.DataFrame], lines: list[str], created: datetime
) -> None:
    with xlsxwriter.Workbook(str(path), {"in_memory": True}) as book:
        book.set_properties({"created": created, "title": lines[1], "comments": DEMONSTRATION})
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        note = book.add_worksheet(EXPLANATION)
        note.set_column(0, 0, 100)
        for row, line in enumerate(lines):
            note.write_string(row, 0, line, bold if row == 0 else None)
        for name, frame in sheets.items():
            _write_sheet(book.add_worksheet(TITLES[name]), frame, bold, day)


def _write_sheet(sheet: Worksheet, frame: pd.DataFrame, bold: Format, day: Format) -> None:
    """Write rows in order; what is missing stays a blank cell."""
    sheet.freeze_panes(1, 0)
    cells = []
    for at, header in enumerate(frame.columns):
        sheet.set_column(at, at, 5 if header.isdigit() else 18)
        sheet.write_string(0, at, header, bold)
        values, style = frame[header], None
        if is_datetime64_dtype(values):
            values, style = (values - _EXCEL_ZERO).dt.days, day
        put = sheet.write_number if is_numeric_dtype(values) else sheet.write_string
        cells.append((at, put, style, values.astype(object).where(values.notna(), None).tolist()))
    for row in range(len(frame)):
        for at, put, style, values in cells:
            if values[row] is not None:
                put(row + 1, at, values[row], style)
