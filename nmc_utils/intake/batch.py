"""All rows that were sent for a table: their text, typed values, status and problems.

A row is live, held out, superseded or blank at any time, so the conservation line is a count of
rows, not a sum of what the checks remember.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pandera.pandas as pa

from nmc_utils.intake import shown
from nmc_utils.intake.columns import (
    PERSON_HEADERS,
    WANTED,
    WITH_TOTALS,
    YES_NO,
    Naming,
    has_persons,
    headers,
    type_of,
)
from nmc_utils.intake.names import Names
from nmc_utils.intake.workbook import Sheet
from nmc_utils.tables import SCHEMAS

ACCEPTED, HELD_OUT, SUPERSEDED, BLANK = "accepted", "held_out", "superseded", "blank"
CONSERVATION = ["file", "sheet", "table", "sent", ACCEPTED, HELD_OUT, SUPERSEDED, BLANK]
PROBLEM = ["file", "sheet", "cell", "table", "kind", "found", "meaning", "action", "remedy"]
#: What was done, by the kind of a problem.
ACTIONS = {
    HELD_OUT: "Строка задержана и в таблицы не вошла",
    SUPERSEDED: "Повтор: из одинаковых строк принята одна",
    "note": "Замечание: строку не задерживает",
    "column": "Столбец не использован, строки приняты",
    "sheet": "Лист не принят, все его строки задержаны",
    "file": "Файл не прочитан, его строки в таблицы не вошли",
    "table": "Строки, которым нужен этот лист, задержаны",
}

_PLACE = ["piece", "row", "position"]  # where a problem is, until it becomes an address
_TOTAL_ROW = r"(?:итого|всего)(?:\W|$)"


def letters(position: int) -> str:
    """Name of the column at `position`, counted from 0: 0 is «A», 26 is «AA»."""
    name, rest = "", position + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


def address(sheet: str, column: int, row: int) -> str:
    """Address of a cell as a spreadsheet writes it: «Результаты!H12», «'Места работы'!B3»."""
    if not re.fullmatch(r"[^\W\d]\w*", sheet):
        sheet = "'" + sheet.replace("'", "''") + "'"
    return f"{sheet}!{letters(column)}{row}"


@dataclass(frozen=True)
class Piece:
    """The rows of one table in one sheet of one file."""

    file: str
    sheet: Sheet
    naming: Naming

    @property
    def cells(self) -> pd.DataFrame:
        """The cells below the header: number of the row × position."""
        return self.sheet.below(self.naming.header_row)


class Batch:
    """All rows sent for one table: their text, typed values, status and problems.

    `allowed` are the words that each column of codes and references may hold.
    """

    def __init__(self, table: str, pieces: list[Piece], names: Names):
        self.table = table
        self.pieces = pieces
        self.names = names
        self.allowed: dict[str, Collection[str]] = {}
        persons = list(PERSON_HEADERS) if has_persons(table) else []
        named = list(dict.fromkeys(name for piece in pieces for name in piece.naming.positions))
        own = [*persons, *headers(table)]
        self.positions = sorted((name for name in named if name not in own), key=int)
        frames = [_named(piece).reindex(columns=[*own, *self.positions]) for piece in pieces]
        self.text = pd.concat(frames, ignore_index=True).astype("str")
        sizes = [len(frame) for frame in frames]
        self.piece = pd.Series(np.repeat(range(len(pieces)), sizes), dtype="int64")
        self.row = pd.Series(np.concatenate([frame.index for frame in frames]), dtype="int64")
        self.status = pd.Series(ACCEPTED, index=self.text.index, dtype="str")
        blank = np.concatenate([piece.cells.isna().all(axis=1) for piece in pieces]).astype(bool)
        self.status[blank | self._totals()] = BLANK
        self.data = pd.DataFrame(index=self.text.index)
        self._problems: list[pd.DataFrame] = []

    def _totals(self) -> pd.Series:
        """Rows of totals; a person with such a surname has a date of birth."""
        if self.table in WITH_TOTALS:
            return pd.Series(False, self.text.index)
        first = self.text.iloc[:, 0]
        for column in self.text.columns.difference(self.positions, sort=False)[1:]:
            first = first.fillna(self.text[column])
        totals = first.str.casefold().str.match(_TOTAL_ROW).fillna(False).astype(bool)
        if has_persons(self.table):
            totals &= self.text[PERSON_HEADERS[-1]].isna()
        return totals

    @property
    def person(self) -> str | None:
        """The column of the person's identity, if the table is about persons."""
        return next((c for c in ("person_id", "methodist_id") if c in self.schema.columns), None)

    @property
    def schema(self) -> pa.DataFrameSchema:
        """The schema of the table."""
        return SCHEMAS[self.table]

    @property
    def live(self) -> pd.Series:
        """Rows that nothing has been found against so far."""
        return self.status.eq(ACCEPTED)

    @property
    def key(self) -> list[str]:
        """The columns that name a row of the workbook."""
        return [column for column in self.schema.unique if column in self.data]

    def accepted(self) -> pd.DataFrame:
        """The live rows, typed as the schema says."""
        types = {name: type_of(self.table, name) for name in self.data}
        return self.data.loc[self.live].astype(types)

    def report(
        self,
        rows: pd.Series,
        column: str,
        meaning: str,
        remedy: str,
        *,
        kind: str = HELD_OUT,
        found: pd.Series | None = None,
        once: bool = False,
    ) -> None:
        """Record a problem in `column` for each of `rows`, and change their status by its `kind`.

        Rows that are blank or superseded are left alone; `found` is the cell's text unless given,
        as far as it may be shown; `once` keeps one problem per sheet and value.
        """
        rows = rows & self.status.isin([ACCEPTED, HELD_OUT])
        if not rows.any():
            return
        if kind in (HELD_OUT, SUPERSEDED):
            self.status[rows & self.live] = kind
        if found is None:
            found = self._shown(rows, column)
        problems = pd.DataFrame(
            {
                "piece": self.piece[rows],
                "row": self.row[rows],
                "position": self._positions_of(column)[self.piece[rows]],
                "kind": kind,
                "found": found[rows].astype("str"),
                "meaning": meaning,
                "remedy": remedy,
            }
        )
        self._problems.append(problems.drop_duplicates(["piece", "found"]) if once else problems)

    def _shown(self, rows: pd.Series, column: str) -> pd.Series:
        """Cells of `rows` as a problem may repeat them: nothing of a person, no free text."""
        if column in PERSON_HEADERS or column not in self.text:
            return pd.Series("", self.text.index)
        dtype = type_of(self.table, column) if column in self.schema.columns else "float64"
        allowed = self.allowed.get(column, YES_NO.values() if dtype == "bool" else ())
        is_number = dtype in WANTED and dtype != "bool"
        values = {
            value: shown.number(value) if is_number else shown.word(value, allowed, self.names)
            for value in self.text.loc[rows, column].dropna().unique()
        }
        return self.text[column].map(values).astype("str").fillna("")

    def hold(self, rows: pd.Series) -> int:
        """Hold those of `rows` out that are live, without a problem for each; return how many."""
        held = rows & self.live
        self.status[held] = HELD_OUT
        return int(held.sum())

    def _positions_of(self, column: str) -> np.ndarray:
        """Position of `column` in each piece; of the first one where the piece lacks it."""
        made_of = {self.person: PERSON_HEADERS[0], "birth_year": PERSON_HEADERS[-1]}
        column = made_of.get(column, column)
        return np.array([piece.naming.positions.get(column, 0) for piece in self.pieces])

    def addresses(self, rows: pd.Series, column: str) -> list[str]:
        """File and cell of each of `rows`."""
        sheets = [(piece.file, piece.sheet.name) for piece in self.pieces]
        positions = self._positions_of(column)
        return [
            f"{sheets[piece][0]}, {address(sheets[piece][1], positions[piece], row)}"
            for piece, row in zip(self.piece[rows], self.row[rows], strict=True)
        ]

    def problems(self) -> pd.DataFrame:
        """All problems of the table in the order of files, sheets and cells."""
        if not self._problems:
            return pd.DataFrame(columns=PROBLEM, dtype="str")
        found = pd.concat(self._problems).sort_values([*_PLACE, "meaning"], kind="stable")
        sheets = [(piece.file, piece.sheet.name) for piece in self.pieces]
        found["file"] = [sheets[piece][0] for piece in found["piece"]]
        found["sheet"] = [sheets[piece][1] for piece in found["piece"]]
        found["cell"] = [
            address(sheets[piece][1], position, row)
            for piece, row, position in found[["piece", "row", "position"]].itertuples(index=False)
        ]
        return found.assign(table=self.table, action=found["kind"].map(ACTIONS))[PROBLEM]

    def conservation(self) -> pd.DataFrame:
        """Rows by what became of them, a line for every file and sheet."""
        counted = self.status.groupby([self.piece, self.status]).size().unstack(fill_value=0)
        lines = counted.reindex(
            index=range(len(self.pieces)), columns=CONSERVATION[4:], fill_value=0
        )
        lines["sent"] = [len(piece.cells) for piece in self.pieces]
        lines["file"] = [piece.file for piece in self.pieces]
        lines["sheet"] = [piece.sheet.name for piece in self.pieces]
        return lines.assign(table=self.table)[CONSERVATION]


def _named(piece: Piece) -> pd.DataFrame:
    names = {position: name for name, position in piece.naming.positions.items()}
    return piece.cells[list(names)].rename(columns=names)


def problem(file: str, kind: str, meaning: str, remedy: str, **place: str) -> dict[str, str]:
    """Return a problem of a whole file, sheet or column: a row of the problems."""
    blank = dict.fromkeys(PROBLEM, "")
    about = {"file": file, "kind": kind, "meaning": meaning, "remedy": remedy}
    return blank | about | {"action": ACTIONS[kind]} | place


def refused_sheet(file: str, sheet: Sheet, name: str, table: str) -> dict[str, str | int]:
    """Return the conservation line of a sheet that is held out whole."""
    cells = sheet.below(sheet.first_row)
    blank = int(cells.isna().all(axis=1).sum())
    counts = {"sent": len(cells), HELD_OUT: len(cells) - blank, BLANK: blank}
    return {"file": file, "sheet": name, "table": table, ACCEPTED: 0, SUPERSEDED: 0} | counts
