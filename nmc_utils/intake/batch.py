"""All rows that were sent for a table: their text, typed values, status and problems.

A row is live, held out, superseded or blank at any time, so the conservation line is a count of
rows, not a sum of what the checks remember.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd
import pandera.pandas as pa

from nmc_utils.intake import shown
from nmc_utils.intake.columns import (
    WITH_TOTALS,
    YES_NO,
    Naming,
    headers,
    other_persons,
    person_of,
    type_of,
)
from nmc_utils.intake.names import Names
from nmc_utils.intake.persons import PERSON_HEADERS, person_headers, without_patronymic
from nmc_utils.intake.values import split_full_name
from nmc_utils.intake.workbook import Fault, Sheet
from nmc_utils.regions import Region
from nmc_utils.tables import DATE, SCHEMAS

ACCEPTED, HELD_OUT, SUPERSEDED, BLANK = "accepted", "held_out", "superseded", "blank"
WAITING = "waiting"  #: the kind of a problem that somebody else's file will solve
CONSERVATION = ["file", "sheet", "table", "sent", ACCEPTED, HELD_OUT, SUPERSEDED, BLANK]
PROBLEM = ["file", "sheet", "cell", "table", "kind", "found", "meaning", "action", "remedy"]
#: What was done, by the kind of a problem.
ACTIONS = {
    HELD_OUT: "Строка задержана и в таблицы не вошла",
    WAITING: "Строка задержана до другого файла",
    SUPERSEDED: "Повтор: из одинаковых строк принята одна",
    "note": "Замечание: строку не задерживает",
    "corrected": "Принято и записано единообразно, смысл не изменён",
    "not_counted": "Прочитано, но строкой данных не считается",
    "replaced": "Действует более новый файл, строки прежнего в таблицы не вошли",
    "skipped": "Файл пропущен",
    "empty": "Строк нет: считается, что данных не прислано",
    "stranger": "Файл не принят, все его строки задержаны",
    "column": "Столбец не использован, строки приняты",
    "sheet": "Лист не принят, все его строки задержаны",
    "file": "Файл не прочитан, его строки в таблицы не вошли",
    "table": "Строки, которым нужен этот лист, задержаны",
}

_PLACE = ["piece", "row", "position"]  # where a problem is, until it becomes an address
#: What a row that sums up begins with, and a line under the records.
_TOTAL_ROW = r"(?:итого|всего|среднее|средний|в среднем)(?:\W|$)"
_NOTE_ROW = (
    r"(?:директор|заведующ|начальник|руководитель|специалист|методист|исполнитель|составил|"
    r"ответственн|подпись|примечани|\*|м\. ?п\.|тел\.|телефон|дата заполнения)"
)


def letters(position: int) -> str:
    """Name of the column at `position`, counted from 0: 0 is «A», 26 is «AA»."""
    name, rest = "", position + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


def address(sheet: str, column: int, row: int) -> str:
    """Address of a cell as a spreadsheet writes it: «Результаты!H12», «'Места работы'!B3»."""
    if not sheet:  # a text file has one sheet without a name
        return f"{letters(column)}{row}"
    if not re.fullmatch(r"[^\W\d]\w*", sheet):
        sheet = "'" + sheet.replace("'", "''") + "'"
    return f"{sheet}!{letters(column)}{row}"


@dataclass(frozen=True)
class Piece:
    """The rows of one table in one sheet of one file; `epoch` is the day 0 of its dates."""

    file: str
    sheet: Sheet
    naming: Naming
    epoch: date | None = None

    @cached_property
    def cells(self) -> pd.DataFrame:
        """The cells below the header: number of the row × position."""
        return self.sheet.below(self.naming.header_row)

    @cached_property
    def text(self) -> pd.DataFrame:
        """The cells of the columns that have a name, by these names; a full name in three."""
        names = {position: name for name, position in self.naming.positions.items()}
        text = self.cells[list(names)].rename(columns=names)
        if self.naming.full_name is not None:
            text = text.assign(**self._split[0])
        patronymic = PERSON_HEADERS[2]
        if patronymic in text:
            text[patronymic] = text[patronymic].mask(without_patronymic(text[patronymic]))
        return text

    @cached_property
    def _split(self) -> tuple[pd.DataFrame, pd.Series]:
        return split_full_name(self.cells[self.naming.full_name])

    @property
    def unsplit(self) -> pd.Series:
        """Rows whose full name cannot be taken apart."""
        if self.naming.full_name is None:
            return pd.Series(False, self.cells.index)
        return self._split[1]

    def not_records(self, table: str) -> pd.DataFrame:
        """Rows that are nobody's record: blank ones, sums, notes under the records, headers."""
        text = self.text
        faulty = {row for row, position in self.sheet.faults if position in self.named}
        n_filled = pd.Series(text.notna().to_numpy().sum(axis=1), text.index)
        is_blank = n_filled.eq(0) & ~text.index.isin(faulty)
        is_total = is_note = pd.Series(False, text.index)
        maybe = ~is_blank & ~self._is_person(text)
        if maybe.any():
            first, is_short = self._first_words(maybe), n_filled <= 2
            if table not in WITH_TOTALS:
                is_total = first.str.match(_TOTAL_ROW).fillna(False).astype(bool)
            last = max(text.index[~is_blank & ~is_short], default=0)
            is_note = first.str.match(_NOTE_ROW).fillna(False).astype(bool)
            is_note &= is_short & (text.index > last)
        is_header = text.index.isin(self.naming.repeated_rows)
        return pd.DataFrame(
            {"blank": is_blank, "total": is_total, "note": is_note, "header": is_header}
        )

    @property
    def named(self) -> set[int]:
        """Positions of the columns that are used."""
        own = set(self.naming.positions.values())
        return own if self.naming.full_name is None else own | {self.naming.full_name}

    def position_of(self, column: str) -> int:
        """Position of `column`; of the full name that holds it, of the first one without it."""
        whole = self.naming.full_name if column in PERSON_HEADERS[:3] else None
        return self.naming.positions.get(column, whole or 0)

    def _is_person(self, text: pd.DataFrame) -> pd.Series:
        """Rows with a given name and a date of birth: «Всего» may be a surname there."""
        nothing = pd.Series(None, text.index)
        return (
            text.get(PERSON_HEADERS[1], nothing).notna()
            & text.get(PERSON_HEADERS[-1], nothing).notna()
        )

    def _first_words(self, rows: pd.Series) -> pd.Series:
        """The first filled cell of each of `rows`, of columns without a name too."""
        some = self.cells[rows]
        first = pd.Series(None, some.index, dtype="str")
        for position in some:
            if first.notna().all():
                break
            first = first.fillna(some[position])
        return first.str.casefold().reindex(self.cells.index)


class Batch:
    """All rows sent for one table: their text, typed values, status and problems.

    Attributes
    ----------
    allowed
        The words that each column of codes and references may hold.
    replaced, replaced_by
        Rows in whose place those of a newer file stand; piece → that file.
    places
        The municipality of each row, as far as it is known.
    headers, persons
        Headers that tell of a person, and what stands below them, the date of birth typed.
    waiting
        Rows that are held out for a file of somebody else: nobody has to mend them.
    percent
        Rows whose score is a share of the maximum.
    others
        Column of another person → what its cells say, as in `persons`.
    """

    def __init__(self, table: str, pieces: list[Piece], names: Names, region: Region):
        self.table = table
        self.pieces = pieces
        self.names = names
        self.allowed: dict[str, Collection[str]] = {}
        self.headers = list(person_headers(region)) if person_of(table) else []
        named = list(dict.fromkeys(name for piece in pieces for name in piece.naming.positions))
        own = [*self.headers, *headers(table)]
        self.positions = sorted((name for name in named if name not in own), key=int)
        frames = [piece.text.reindex(columns=[*own, *self.positions]) for piece in pieces]
        self.text = pd.concat(frames, ignore_index=True).astype("str")
        sizes = [len(frame) for frame in frames]
        self.piece = pd.Series(np.repeat(range(len(pieces)), sizes), dtype="int64")
        self.row = pd.Series(np.concatenate([frame.index for frame in frames]), dtype="int64")
        self.status = pd.Series(ACCEPTED, index=self.text.index, dtype="str")
        self.data = pd.DataFrame(index=self.text.index)
        self._problems: list[pd.DataFrame] = []
        self._remarks: list[dict[str, str]] = []
        self.replaced = pd.Series(False, self.text.index)
        self.replaced_by: dict[int, str] = {}
        self.waiting = pd.Series(False, self.text.index)
        self._held_for = pd.Series("", self.text.index, dtype="str")
        self.places = pd.Series(None, self.text.index, dtype="str")
        self.percent = pd.Series(False, self.text.index)
        self.persons = pd.DataFrame(index=self.text.index)
        self.others: dict[str, pd.DataFrame] = {}
        for number, piece in enumerate(pieces):
            self._set_aside(number, piece)
        self._report_faults()

    def _set_aside(self, number: int, piece: Piece) -> None:
        """Count rows that are nobody's record as blank; tell of sums, notes and merged cells."""
        found = piece.not_records(self.table)
        mine = self.piece.eq(number)
        self.status[mine] = self.status[mine].mask(found.any(axis=1).to_numpy(), BLANK)
        for kind, meaning in _SET_ASIDE.items():
            if found[kind].any():
                rows = found.index[found[kind] & ~found["blank"]]
                self.remark(number, "not_counted", meaning, _IF_RECORDS, found=numbered(rows))
        if piece.sheet.filled:
            self.remark(
                number,
                "corrected",
                "Объединённые ячейки: значение отнесено ко всем строкам, которые они занимают",
                "Если значение относится не ко всем этим строкам, разъедините ячейки.",
                found=", ".join(piece.sheet.filled[:10]),
            )
        if n := piece.sheet.n_cleaned:
            self.remark(
                number,
                "corrected",
                "Убраны лишние пробелы и невидимые знаки",
                "Исправлять не нужно.",
                found=f"ячеек: {n}",
            )

    def _report_faults(self) -> None:
        """Hold out rows with a cell that has no usable value."""
        for number, piece in enumerate(self.pieces):
            names = {position: name for name, position in piece.naming.positions.items()}
            told: dict[tuple[str, Fault], set[int]] = {}
            for (row, position), fault in piece.sheet.faults.items():
                if position in names and row > piece.naming.header_row:
                    told.setdefault((names[position], fault), set()).add(row)
            for (column, fault), rows in told.items():
                at = self.piece.eq(number) & self.row.isin(rows)
                nothing = pd.Series("", self.text.index)
                self.report(at, column, fault.meaning, fault.remedy, found=nothing)

    def remark(self, number: int, kind: str, meaning: str, remedy: str, *, found: str = "") -> None:
        """Tell something of a whole piece."""
        piece = self.pieces[number]
        about = {"sheet": piece.sheet.name, "table": self.table, "found": found}
        self._remarks.append(problem(piece.file, kind, meaning, remedy, **about))

    def replace(self, rows: pd.Series, newer: str, found: str) -> None:
        """Let rows of a newer file stand in the place of `rows`: nothing is asked of these."""
        self.replaced |= rows
        self.status[rows] = SUPERSEDED
        (number,) = self.piece[rows].unique()
        self.replaced_by[number] = newer
        self.remark(
            number,
            "replaced",
            f"Вместо этого листа действует лист более нового файла «{newer}»",
            "Если верен прежний файл, уберите новый из папки издания.",
            found=found,
        )

    @property
    def current(self) -> pd.Series:
        """Rows that no newer file has replaced."""
        return ~self.replaced

    @property
    def person(self) -> str | None:
        """The column of the person's identity, if the table is about persons."""
        return person_of(self.table)

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
        other = {name: types[name] for name, is_ in self.data.dtypes.items() if is_ != types[name]}
        rows = self.data.loc[self.live]
        return rows.astype(other) if other else rows

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
        if not rows.any():
            return
        rows = rows & self.status.isin([ACCEPTED, HELD_OUT])
        if not rows.any():
            return
        if kind in (HELD_OUT, WAITING, SUPERSEDED):
            is_own = kind == HELD_OUT  # a row that is wrong by itself waits for nobody
            self.waiting = self.waiting & ~rows if is_own else self.waiting
            self.waiting |= rows & self.live if kind == WAITING else False
            self.status[rows & self.live] = HELD_OUT if kind == WAITING else kind
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

    def report_each(
        self,
        rows: pd.Series,
        column: str,
        meaning: pd.Series,
        remedy: pd.Series,
        *,
        kind: str = HELD_OUT,
    ) -> None:
        """Record problems as `report` does, with a meaning and remedy of each row's own."""
        if not rows.any():
            return
        told = pd.DataFrame({"meaning": meaning, "remedy": remedy})[rows]
        for (why, what), same in told.groupby(["meaning", "remedy"], sort=True):
            at = self.text.index.to_series().isin(same.index)
            self.report(at, column, why, what, kind=kind)

    def set_aside(self, rows: pd.Series, column: str, meaning: str, remedy: str) -> None:
        """Count `rows` as no records, and tell which they are."""
        rows = rows & self.live
        for number in self.piece[rows].unique():
            mine = rows & self.piece.eq(number)
            self.remark(number, "not_counted", meaning, remedy, found=numbered(self.row[mine]))
        self.status[rows] = BLANK

    def is_faulty(self, column: str) -> pd.Series:
        """Rows whose cell in `column` has no usable value."""
        at = {
            (number, row)
            for number, piece in enumerate(self.pieces)
            for row, position in piece.sheet.faults
            if piece.naming.positions.get(column) == position
        }
        if not at:
            return pd.Series(False, self.text.index)
        places = pd.MultiIndex.from_arrays([self.piece, self.row])
        return pd.Series(places.isin(at), self.text.index)

    def _shown(self, rows: pd.Series, column: str) -> pd.Series:
        """Cells of `rows` as a problem may repeat them: nothing of a person, no free text."""
        is_of_person = column in self.headers or column in other_persons(self.table)
        if is_of_person or column not in self.text:
            return pd.Series("", self.text.index)
        dtype = type_of(self.table, column) if column in self.schema.columns else "float64"
        allowed = self.allowed.get(column, YES_NO.values() if dtype == "bool" else ())
        of_type = {"float64": shown.number, "Int64": shown.number, DATE: shown.day}
        show = of_type.get(dtype, lambda value: shown.word(value, allowed, self.names))
        values = {value: show(value) for value in self.text.loc[rows, column].dropna().unique()}
        return self.text[column].map(values).astype("str").fillna("")

    def hold(self, rows: pd.Series, why: str) -> int:
        """Hold those of `rows` out that are live, without a problem for each; return how many."""
        held = rows & self.live
        self.status[held] = HELD_OUT
        self._held_for[held] = why
        return int(held.sum())

    def _positions_of(self, column: str) -> np.ndarray:
        """Position of `column` in each piece; of the first one where the piece lacks it."""
        made_of = {self.person: [*self.headers, None][0], "birth_year": PERSON_HEADERS[-1]}
        column = made_of.get(column, column)
        return np.array([piece.position_of(column) for piece in self.pieces])

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
        remarks = pd.DataFrame(self._remarks, columns=PROBLEM, dtype="str")
        if not self._problems:
            return remarks
        found = pd.concat(self._problems).sort_values([*_PLACE, "meaning"], kind="stable")
        gone = pd.MultiIndex.from_arrays([self.piece[self.replaced], self.row[self.replaced]])
        found = found[~pd.MultiIndex.from_frame(found[["piece", "row"]]).isin(gone)]
        sheets = [(piece.file, piece.sheet.name) for piece in self.pieces]
        found["file"] = [sheets[piece][0] for piece in found["piece"]]
        found["sheet"] = [sheets[piece][1] for piece in found["piece"]]
        found["cell"] = [
            address(sheets[piece][1], position, row)
            for piece, row, position in found[["piece", "row", "position"]].itertuples(index=False)
        ]
        found = found.assign(table=self.table, action=found["kind"].map(ACTIONS))[PROBLEM]
        return pd.concat([found, remarks])

    def held_rows(self) -> pd.DataFrame:
        """Rows that were held out, by their place, each with all that was found against it."""
        held = self.status.eq(HELD_OUT)
        reasons = pd.Series(dtype="str")
        if self._problems:
            found = pd.concat(self._problems)
            found = found[found["kind"].isin([HELD_OUT, WAITING])]
            found = found.drop_duplicates(["piece", "row", "meaning"])
            reasons = found.groupby(["piece", "row"])["meaning"].agg("; ".join)
        rows = pd.DataFrame({"piece": self.piece[held], "row": self.row[held]})
        told = reasons.reindex(pd.MultiIndex.from_frame(rows)).set_axis(rows.index)
        told = told.fillna(self._held_for[held])
        return pd.DataFrame(
            {
                "file": [self.pieces[number].file for number in rows["piece"]],
                "sheet": [self.pieces[number].sheet.name for number in rows["piece"]],
                "row": rows["row"].to_numpy(),
                "table": self.table,
                "municipality": self.places[held].to_numpy(),
                "reason": told.to_numpy(),
            }
        )

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


#: Rows that are read and are nobody's record, by what they are.
_SET_ASIDE = {
    "total": "Строки итогов: система считает итоги сама",
    "note": "Подписи и примечания под таблицей",
    "header": "Заголовки, повторённые среди строк",
}
_IF_RECORDS = "Если это данные, а не служебные строки, сообщите в центр."


def among(values: pd.Series, known: pd.Series) -> pd.Series:
    """``values.isin(known)`` without walking an Arrow array; a missing value is in nothing."""
    return values.isin(known.dropna().to_numpy(dtype=object))


def numbered(rows: Iterable[int], most: int = 20) -> str:
    """Write the numbers of rows: «строки 3, 8»."""
    every = list(rows)
    word = "строка" if len(every) == 1 else "строки"
    some = f"{word} {', '.join(map(str, every[:most]))}"
    return f"{some} … всего {len(every)}" if len(every) > most else some


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
