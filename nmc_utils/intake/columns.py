"""What a workbook calls a sheet, a column and a value, for every canonical table.

The header of a column is the title in its schema. A person stands in a workbook by name and date
of birth; in the canonical tables by a keyed identity.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nmc_utils.intake.workbook import Sheet
from nmc_utils.regions import Region
from nmc_utils.tables import DATE, SCHEMAS, TITLES
from nmc_utils.terms import CODED, TOTAL, WHOLE_TEST

#: Headers that identify a person in a workbook, in this order.
PERSON_HEADERS = ("Фамилия", "Имя", "Отчество", "Дата рождения")
OPTIONAL_OF_PERSON = "Отчество"
#: Canonical columns that intake makes from `PERSON_HEADERS`.
FROM_PERSON = ("person_id", "methodist_id", "birth_year")
YES_NO = {True: "да", False: "нет"}
#: Table → column → code of an empty cell; elsewhere an empty cell is an unknown value.
#: An empty municipality is doubtful all the same: `aggregates` tells whose number it is.
BLANK_MEANS = {"aggregates": {"domain": TOTAL, "municipality": TOTAL}}
#: Tables of which a total is a record like any other, not a sum under the records.
WITH_TOTALS = ("aggregates",)
#: The sheet that explains a workbook and holds no records.
EXPLANATION = "Пояснение"
#: Type of a column → what is wrong with a cell that holds something else, and what to do.
WANTED = {
    "float64": ("Здесь должно быть число", "Впишите число цифрами, например 12,5."),
    "Int64": ("Здесь должно быть целое число", "Впишите целое число цифрами, например 12."),
    DATE: ("Здесь должна быть дата", "Впишите дату в виде 21.11.2026."),
    "bool": ("Здесь должно быть «да» или «нет»", "Впишите «да» или «нет»."),
}

#: What says that a number is of the whole region, besides its name; the first is offered.
WHOLE_REGION = ("весь регион", "всего по региону", "итого по региону")
#: What stands under the rows of a municipality as well as under those of the region.
BARE_TOTALS = ("итого", "всего", "регион")
_NUMBER = r"[+-]?[0-9]{1,40}(?:[.,][0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?"


def has_persons(table: str) -> bool:
    """Whether a row of `table` is about a person."""
    return bool({"person_id", "methodist_id"} & set(SCHEMAS[table].columns))


def headers(table: str) -> dict[str, str]:
    """Canonical column → header in the workbook, without the person's columns.

    `responses` is wide in a workbook: one row is a person, wave and form, and the columns after
    these headers are the positions of the items in the form: «1», «2», …
    """
    skipped = set(FROM_PERSON)
    if table == "responses":
        skipped |= {"item_id", "score"}
    return {
        name: column.title for name, column in SCHEMAS[table].columns.items() if name not in skipped
    }


def type_of(table: str, column: str) -> str:
    """The pandas type of a canonical column; pandera names text and dates otherwise."""
    dtype = SCHEMAS[table].columns[column].dtype.type
    if isinstance(dtype, pd.StringDtype):
        return "str"
    return DATE if pd.api.types.is_datetime64_dtype(dtype) else str(dtype)


def folded(text: str) -> str:
    """Bring spellings of one word together: case, ё and е, spaces, kinds of hyphen, «60 %»."""
    text = re.sub(r"\s*[-\u2010-\u2015]\s*", "-", text.casefold().replace("ё", "е"))
    text = re.sub(r"\s+%", "%", text)
    return " ".join(text.split())


_TABLES = {folded(title): table for table, title in TITLES.items()}


def table_of(sheet: str) -> str | None:
    """The table that a sheet of this name holds, None for a name nobody has agreed on."""
    return _TABLES.get(folded(sheet))


def is_explanation(sheet: str) -> bool:
    """Whether a sheet of this name holds no records."""
    return folded(sheet) == folded(EXPLANATION)


@dataclass(frozen=True)
class Naming:
    """How the columns of one sheet are named, and what does not fit.

    Attributes
    ----------
    positions
        Column → position in the sheet, from 0. Columns are canonical names, the person's headers
        and, in responses, the positions of items as text.
    missing, absent
        Headers without which no row can be read; headers without which every row can.
    repeated
        Headers that stand above more than one column.
    unknown
        Positions of columns that have a header nobody has agreed on.
    header, header_row
        The text above each column, and the last row of the header: records stand below it.
    """

    positions: dict[str, int]
    missing: list[str]
    absent: list[str]
    repeated: list[str]
    unknown: list[int]
    header: list[str | None]
    header_row: int


def name_columns(table: str, sheet: Sheet) -> Naming:
    """Find the header of a sheet and name its columns."""
    header_row = sheet.first_row
    header = [None] * sheet.grid.shape[1]
    if header_row:
        header = [None if pd.isna(text) else text for text in sheet.grid.loc[header_row]]
    expected = {title: name for name, title in headers(table).items()}
    if has_persons(table):
        expected = {title: title for title in PERSON_HEADERS} | expected
    names = {folded(title): name for title, name in expected.items()}
    positions: dict[str, int] = {}
    repeated, unknown = [], []
    for position, title in enumerate(header):
        name = names.get(folded(title or ""))
        if name is None and table == "responses" and re.fullmatch(r"[1-9][0-9]{0,2}", title or ""):
            name = title
        if name is None:
            unknown.append(position)
        elif name in positions:
            repeated.append(str(title))
        else:
            positions[name] = position
    lacking = {title: name for title, name in expected.items() if name not in positions}
    absent = [title for title, name in lacking.items() if _is_optional(table, name)]
    missing = [title for title in lacking if title not in absent]
    return Naming(positions, missing, absent, repeated, unknown, header, header_row)


def _is_optional(table: str, name: str) -> bool:
    if name in PERSON_HEADERS:
        return name == OPTIONAL_OF_PERSON
    return bool(SCHEMAS[table].columns[name].nullable)


def vocabulary(region: Region, table: str) -> dict[str, dict[str, str]]:
    """Column → word of the workbook → code, for the columns of `table` that hold codes.

    The first word of a code is the one to offer.
    """
    words = {
        "municipality": {name: code for code, name in region.municipality_names.items()},
        "domain": {name: code for code, name in region.competence_names.items()},
        **{column: {word: code for code, word in codes.items()} for column, codes in CODED.items()},
    }
    if table in ("forms", "scores"):
        words["domain"] = {WHOLE_TEST: TOTAL} | words["domain"]
    if table == "forms":
        words["subject"] = {name: code for code, name in region.family_names.items()}
    if table == "aggregates":
        words |= _counted(region)
        of_region = dict.fromkeys((*WHOLE_REGION, region.name), TOTAL)
        words["municipality"] = of_region | words["municipality"]
    return {  # `position` is a word of a workplace and a number of an item
        column: words[column]
        for column in SCHEMAS[table].columns
        if column in words and type_of(table, column) == "str"
    }


def _counted(region: Region) -> dict[str, dict[str, str]]:
    """Words of what a region may count itself: labels of metrics, names of levels, documents."""
    levels = {
        word: level.code
        for level in region.diagnostics.levels
        for word in (level.name, level.label, level.having, level.words)
    }
    return {
        "domain": {name: code for code, name in region.domain_names.items()},
        "measure": region.counted_words,
        "level": levels,
        "document": _documents(region),
    }


def _documents(region: Region) -> dict[str, str]:
    """Id, short name and title of a document → its id; what names several names none."""
    named: dict[str, set[str]] = {}
    for document in region.documents:
        for word in (document.id, document.short, document.title):
            named.setdefault(folded(word), set()).add(document.id)
    return {word: next(iter(ids)) for word, ids in named.items() if len(ids) == 1}


def typed(text: pd.Series, dtype: str) -> tuple[pd.Series, pd.Series]:
    """Values of `dtype`, and which cells hold something else."""
    if dtype == "bool":
        values = text.str.casefold().map({word: flag for flag, word in YES_NO.items()})
        values = values.astype("boolean")
    elif dtype == DATE:
        iso = text.str.replace(r"T.*$", "", regex=True)
        iso = iso.str.replace(r"^([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})$", r"\3-\2-\1", regex=True)
        values = pd.to_datetime(iso, format="%Y-%m-%d", errors="coerce").astype(DATE)
    else:
        written = text.str.fullmatch(_NUMBER).fillna(False).astype(bool)
        values = pd.to_numeric(text.where(written).str.replace(",", ".", regex=False))
        values = values.astype("float64").where(np.isfinite(values.astype("float64")))
        if dtype == "Int64":
            values = values.where(values.eq(values.round()) & values.abs().lt(1e15)).astype("Int64")
    return values, text.notna() & values.isna()
