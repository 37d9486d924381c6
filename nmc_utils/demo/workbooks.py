"""Demonstration tables in the words and sheets of a workbook, the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
from pandas.api.types import is_bool_dtype

from nmc_utils.demo.people import NAME
from nmc_utils.demo.scene import CENTRE
from nmc_utils.documents.tables import write_workbook
from nmc_utils.intake.columns import PERSON_HEADERS, YES_NO, has_persons, headers
from nmc_utils.intake.persons import person_cell
from nmc_utils.intake.template import CENTER, ROW_IS
from nmc_utils.regions import Region
from nmc_utils.tables import TITLES
from nmc_utils.terms import DEMONSTRATION, OTHER_PERSONS, TOTAL, WHOLE_TEST, coded

#: Likewise where results are of the whole test alone.
ROW_OF_TOTALS_IS = {"scores": "один человек и этап", "forms": "одна форма теста"}


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
        sheets = dict(_sheets(worded, sender))
        lines = ["Люди, организации и результаты вымышлены."]
        lines += [
            "Листы и что на них строка:",
            *(f"{TITLES[at]} — {rows[at]}" for at in sheets),
        ]
        write_workbook(
            folder / f"{name}.xlsx",
            {TITLES[at]: frame for at, frame in sheets.items()},
            title=f"{title}. {name}",
            created=created,
            mark=DEMONSTRATION,
            lines=lines,
        )


def _in_words(
    definition: Region, name: str, frame: pd.DataFrame, people: pd.DataFrame
) -> pd.DataFrame:
    """Give a table the headers and words of a workbook; persons stand by name, in its order.

    The index of a table that municipalities send is the sender.
    """
    words = {
        "municipality": dict(enumerate(definition.municipality_names.values())),
        "domain": dict(enumerate(definition.competence_names.values())) | {TOTAL: WHOLE_TEST},
        "measure": {code: word for word, code in definition.counted_words.items()},
        "level": {level.code: level.name for level in definition.diagnostics.levels},
    } | coded(name)
    columns = {}
    if has_persons(name):
        frame = frame.iloc[people["name_order"].to_numpy()[frame["who"]].argsort(kind="stable")]
        mine = people.loc[frame["who"]]
        columns = {
            header: mine[column].array for header, column in zip(PERSON_HEADERS, NAME, strict=True)
        }
    for column, header in headers(name).items():
        values = frame[column]
        if column in OTHER_PERSONS.get(name, ()):
            values = _other_persons(values, people)
        elif is_bool_dtype(values):
            values = values.map(YES_NO)
        elif column in words and set(values.dropna()) <= set(words[column]):
            values = values.map(words[column])
        columns[header] = values.array
    columns |= {column: frame[column].array for column in frame if str(column).isdigit()}
    return pd.DataFrame(columns, index=frame.get("sender"))


def _other_persons(who: pd.Series, people: pd.DataFrame) -> pd.Series:
    """Name and date of birth of other persons in one cell, as intake takes them."""
    known = people.loc[who.dropna().astype(int).unique(), NAME]
    cells = {
        at: person_cell(surname, given, patronymic, born)
        for at, surname, given, patronymic, born in known.itertuples()
    }
    return who.astype(object).map(cells)


def _sheets(
    worded: dict[str, pd.DataFrame], sender: int | None
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the tables that a sender has; the centre has what nobody else sends."""
    for name in [name for name in ROW_IS if name in worded]:
        senders = worded[name].index
        if senders.name != "sender":
            mine = worded[name] if sender is None else None
        elif sender is None:
            mine = worded[name][senders == CENTRE] if (senders == CENTRE).any() else None
        else:
            mine = worded[name][senders == sender]
        if mine is not None:
            yield name, mine
