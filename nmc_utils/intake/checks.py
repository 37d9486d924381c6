"""From text with addresses to canonical tables: typing, schemas, references, duplicates.

A row that fails is held out with a problem that names its cell; it is never dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandera.errors import SchemaErrors

from nmc_utils.editions import Region
from nmc_utils.intake.columns import (
    OPTIONAL_OF_PERSON,
    PERSON_HEADERS,
    WANTED,
    folded,
    headers,
    type_of,
    typed,
    vocabulary,
)
from nmc_utils.intake.pseudonyms import identities, normalise, words_of_names
from nmc_utils.intake.workbook import BLANK, CONSERVATION, PROBLEM, SUPERSEDED, Batch, Piece
from nmc_utils.tables import DATE, TITLES, validate

#: A table comes after those it refers to.
_ORDER = (
    "organizations",
    "procedures",
    "staff",
    "forms",
    "items",
    "employment",
    "scores",
    "responses",
    "methodists",
)
_IDENTIFIERS = ("organization_id", "procedure_id", "form_id", "item_id")


@dataclass(frozen=True)
class Checked:
    """What the checks made of the sheets."""

    tables: dict[str, pd.DataFrame]
    conservation: pd.DataFrame
    problems: pd.DataFrame
    names: frozenset[str]


def check(pieces: dict[str, list[Piece]], region: Region, key: bytes) -> Checked:
    """Type, identify and check the rows of every table; nothing is dropped.

    Parameters
    ----------
    pieces
        Table → its sheets, in a fixed order.
    region
        Gives the words for codes and enters the identities.
    key
        The key of the identities.
    """
    batches: dict[str, Batch] = {}
    tables: dict[str, pd.DataFrame] = {}
    for table in (name for name in _ORDER if pieces.get(name)):
        batch = batches[table] = Batch(table, pieces[table])
        _type_columns(batch, region)
        _identify(batch, region, key)
        frame = _check_table(batch, batches)
        if len(frame):
            order = list(batch.schema.unique)
            frame = frame.sort_values(order, kind="stable", ignore_index=True)
            tables[table] = validate(table, frame)
    _note_without_main(batches)
    ordered = [batches[table] for table in TITLES if table in batches]
    return Checked(
        tables,
        pd.concat([pd.DataFrame(columns=CONSERVATION), *(b.conservation() for b in ordered)]),
        pd.concat([pd.DataFrame(columns=PROBLEM), *(b.problems() for b in ordered)]),
        frozenset().union(*(words_of_names(b.text) for b in ordered if b.person)),
    )


def _check_table(batch: Batch, batches: dict[str, Batch]) -> pd.DataFrame:
    answers = _Answers(batch, batches) if batch.table == "responses" else None
    _check_references(batch, batches)
    if answers:
        answers.check()
    else:
        _check_schema(batch)
    _check_rows(batch, batches)
    _check_duplicates(batch, batch.data if answers is None else answers.comparable())
    _check_groups(batch)
    return batch.accepted() if answers is None else answers.long()


# --- values -------------------------------------------------------------------------------------


def _type_columns(batch: Batch, region: Region) -> None:
    words = vocabulary(region, batch.table)
    for column in headers(batch.table):
        text, schema = batch.text[column], batch.schema.columns[column]
        dtype = type_of(batch.table, column)
        if not schema.nullable:
            _require(batch, column, schema.title)
        if column in words:
            batch.data[column] = _coded(batch, column, words[column])
        elif column == "subject":
            batch.data[column] = _subject(batch, region)
        elif dtype == "str":
            batch.data[column] = text
        else:
            values, wrong = typed(text, dtype)
            batch.data[column] = values
            batch.report(wrong, column, *WANTED[dtype])
        if column in _IDENTIFIERS:
            _refuse_dates(batch, column)


def _refuse_dates(batch: Batch, column: str) -> None:
    """A spreadsheet makes a date of a code such as «1-2»; what the code was is lost."""
    text = batch.text[column]
    dates = text.str.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T.*)?").fillna(False).astype(bool)
    batch.data[column] = text.mask(dates)
    batch.report(
        dates,
        column,
        "Вместо кода стоит дата: похоже, программа заменила код датой",
        "Задайте столбцу текстовый формат и впишите код заново.",
    )


def _require(batch: Batch, column: str, title: str) -> None:
    batch.report(
        batch.text[column].isna(),
        column,
        f"Не заполнен столбец «{title}»",
        f"Заполните столбец «{title}»: без него строку принять нельзя.",
    )


def _coded(batch: Batch, column: str, words: dict[str, str]) -> pd.Series:
    """Replace words by codes; a word that is not in the list holds its row out."""
    codes = {folded(word): code for word, code in words.items()}
    text = batch.text[column]
    found = text.map({value: codes.get(folded(value)) for value in text.dropna().unique()})
    title = batch.schema.columns[column].title
    batch.report(
        text.notna() & found.isna(),
        column,
        f"Такого значения в столбце «{title}» быть не может",
        f"Выберите из списка: {', '.join(words)}.",
    )
    return found.astype("str")


def _subject(batch: Batch, region: Region) -> pd.Series:
    """Spell known subjects as the region does; a subject outside all families is noted."""
    known = {folded(subject): subject for subject in region.family_of_subject}
    text = batch.text["subject"]
    spelled = text.map({value: known.get(folded(value)) for value in text.dropna().unique()})
    batch.report(
        text.notna() & spelled.isna(),
        "subject",
        "Предмет не входит ни в одну предметную группу региона",
        "Исправьте название предмета или внесите его в region.yaml, ключ families.",
        kind="note",
        once=True,
    )
    return spelled.fillna(text).astype("str")


def _identify(batch: Batch, region: Region, key: bytes) -> None:
    """Replace the person by an identity; birth year is all that is kept of the date."""
    if batch.person is None:
        return
    *names, born = PERSON_HEADERS
    for title in (*names, born):
        if title != OPTIONAL_OF_PERSON:
            _require(batch, title, title)
    dates, wrong = typed(batch.text[born], DATE)
    batch.report(wrong, born, "Дата рождения не распознана", WANTED[DATE][1])
    for title in names:
        empty = normalise(batch.text[title]).eq("")
        if title != OPTIONAL_OF_PERSON:
            batch.report(
                empty,
                title,
                f"В столбце «{title}» нет ни одной буквы",
                f"Впишите в столбец «{title}» то, что стоит в документе человека.",
            )
    persons = batch.text[list(names)].assign(**{born: dates})
    batch.data[batch.person] = identities(persons, region.code, key)
    if "birth_year" in batch.schema.columns:
        batch.data["birth_year"] = dates.dt.year.astype("Int64")


# --- schemas ------------------------------------------------------------------------------------


def _check_schema(batch: Batch) -> None:
    try:
        validate(batch.table, batch.accepted())
    except SchemaErrors as errors:
        cases = errors.failure_cases
        rows = cases[cases["column"].isin(batch.schema.columns) & cases["index"].notna()]
        others = cases.drop(rows.index)
        if not others["check"].eq("multiple_fields_uniqueness").all():
            raise
        for (column, number), failed in rows.groupby(["column", "check_number"], sort=True):
            statistics = batch.schema.columns[column].checks[int(number)].statistics
            low, high = (_bound(statistics[name]) for name in ("min_value", "max_value"))
            batch.report(
                pd.Series(batch.text.index.isin(failed["index"]), batch.text.index),
                column,
                f"Значение вне допустимых границ: от {low} до {high}",
                "Проверьте значение и впишите верное.",
            )


def _bound(value: object) -> str:
    if isinstance(value, pd.Timestamp):
        return f"{value:%d.%m.%Y}"
    return f"{value:g}".replace(".", ",")


# --- references ---------------------------------------------------------------------------------

#: Table → (columns, table they refer to): the last column is the cell to correct.
_REFERENCES: dict[str, list[tuple[list[str], str]]] = {
    "forms": [(["procedure_id"], "procedures")],
    "items": [(["form_id"], "forms"), (["form_id", "domain"], "forms")],
    "employment": [(["person_id"], "staff"), (["organization_id"], "organizations")],
    "scores": [
        (["person_id"], "staff"),
        (["procedure_id"], "procedures"),
        (["form_id"], "forms"),
        (["form_id", "domain"], "forms"),
    ],
    "responses": [(["person_id"], "staff"), (["form_id"], "items")],
}
_NOUNS = {
    "person_id": "Этого человека",
    "organization_id": "Этой организации",
    "procedure_id": "Этой процедуры",
    "form_id": "Этой формы",
    "domain": "Такой компетенции в этой форме",
}


def _check_references(batch: Batch, batches: dict[str, Batch]) -> None:
    for columns, target in _REFERENCES.get(batch.table, []):
        wanted = batch.data[columns]
        usable = wanted.notna().all(axis=1)
        if len(columns) > 1:  # an unknown form has been reported already
            usable &= _among(wanted[columns[:-1]], batches.get(target))
        sent = _among(wanted, batches.get(target))
        known = _among(wanted, batches.get(target), live=True)
        noun, title = _NOUNS[columns[-1]], TITLES[target]
        batch.report(
            usable & ~sent,
            columns[-1],
            f"{noun} нет на листе «{title}» ни в одном файле",
            f"Исправьте значение или добавьте строку на лист «{title}».",
        )
        batch.report(
            usable & sent & ~known,
            columns[-1],
            f"{noun} нет среди принятых: строка на листе «{title}» задержана",
            f"Сначала исправьте строку на листе «{title}».",
        )


def _among(wanted: pd.DataFrame, target: Batch | None, *, live: bool = False) -> pd.Series:
    """Which rows of `wanted` occur in `target`."""
    if target is None:
        return pd.Series(False, wanted.index)
    rows = target.data.loc[target.live] if live else target.data
    if wanted.shape[1] == 1:
        return wanted.iloc[:, 0].isin(rows[wanted.columns[0]].dropna())
    pairs = pd.MultiIndex.from_frame(rows[list(wanted)].dropna())
    return pd.Series(pd.MultiIndex.from_frame(wanted).isin(pairs), wanted.index)


# --- rules of single tables ---------------------------------------------------------------------


def _check_rows(batch: Batch, batches: dict[str, Batch]) -> None:
    """Rules that one row breaks by itself or against a table it refers to."""
    data = batch.data
    if {"from_on", "to_on"} <= set(data):
        batch.report(
            data["from_on"] > data["to_on"],
            "to_on",
            "Последний день раньше первого",
            "Проверьте обе даты и впишите верные.",
        )
    if batch.table == "employment":
        _must_agree(batch, batches.get("organizations"), ["organization_id"], "municipality")
    if batch.table == "scores":
        batch.report(
            data["raw_score"] > data["max_score"],
            "raw_score",
            "Балл больше максимального",
            "Проверьте балл и максимальный балл и впишите верные.",
        )
        forms = batches.get("forms")
        _must_agree(batch, forms, ["form_id", "domain"], "max_score")
        _must_agree(batch, forms, ["form_id", "domain"], "procedure_id")


def _must_agree(batch: Batch, target: Batch | None, on: list[str], column: str) -> None:
    if target is None:
        return
    there = target.accepted().drop_duplicates(on).set_index(on)[column]
    wanted = batch.data.merge(there.rename("_there"), how="left", left_on=on, right_index=True)
    differs = wanted["_there"].notna() & batch.data[column].notna()
    differs &= batch.data[column].ne(wanted["_there"])
    title = batch.schema.columns[column].title
    batch.report(
        differs,
        column,
        f"«{title}» здесь и на листе «{TITLES[target.table]}» не совпадают",
        f"Исправьте «{title}» на одном из двух листов.",
    )


def _check_duplicates(batch: Batch, values: pd.DataFrame) -> None:
    """Keep one of equal rows; hold out all rows with the same key and different values."""
    first = batch.person or batch.key[0]
    rows = values.loc[batch.live]
    repeated = _mask(batch, rows.duplicated())
    involved = _mask(batch, rows.duplicated(keep=False))
    if repeated.any():
        groups = rows.loc[involved[involved].index].groupby(list(rows), dropna=False, sort=False)
        kept = groups.ngroup().to_frame("group").assign(cell=batch.addresses(involved, first))
        found = kept.groupby("group")["cell"].transform("first")
        batch.report(
            repeated,
            first,
            "Такая же строка уже есть",
            "Оставьте одну из одинаковых строк.",
            kind=SUPERSEDED,
            found="то же: " + found.reindex(values.index, fill_value=""),
        )
    rows = values.loc[batch.live]
    clash = _mask(batch, rows.duplicated(batch.key, keep=False))
    if clash.any():
        groups = rows.loc[clash[clash].index].groupby(batch.key, dropna=False, sort=False)
        cells = groups.ngroup().to_frame("group").assign(cell=batch.addresses(clash, first))
        found = cells.groupby("group")["cell"].transform(lambda group: "; ".join(group[:4]))
        found = "строки: " + found.reindex(values.index, fill_value="")
        batch.report(clash, first, *_CLASHES.get(batch.table, _CLASH), found=found)


_CLASH = (
    "Одна и та же запись встречается несколько раз с разными данными",
    "Оставьте одну верную строку.",
)
_CLASHES = {
    "staff": (
        "Фамилия, имя, отчество и дата рождения совпадают, а сведения разные: это ошибка "
        "или два разных человека",
        "Если это один человек, оставьте одну верную строку; если два, сообщите в центр.",
    )
}


def _mask(batch: Batch, part: pd.Series) -> pd.Series:
    return part.reindex(batch.text.index, fill_value=False)


def _check_groups(batch: Batch) -> None:
    """Rules that rows break together; what is ambiguous is held out whole."""
    live = batch.data.loc[batch.live]
    if batch.table == "employment":
        main = live[live["is_main"].astype(bool)]
        batch.report(
            _mask(batch, main.duplicated("person_id", keep=False)),
            "is_main",
            "У человека отмечено несколько основных мест работы",
            "Оставьте «да» в одной строке человека: люди учитываются по основному месту работы.",
        )
    if batch.table == "items":
        batch.report(
            _mask(batch, live.duplicated(["form_id", "position"], keep=False)),
            "position",
            "Под этим номером в форме стоит несколько заданий",
            "Дайте каждому заданию формы свой номер.",
        )


def _note_without_main(batches: dict[str, Batch]) -> None:
    """Note persons whom no municipality counts, for want of a main workplace."""
    staff, work = batches.get("staff"), batches.get("employment")
    if staff is None or work is None:
        return
    main = work.data[work.data["is_main"].eq(True) & work.status.ne(BLANK)]
    staff.report(
        staff.live & ~staff.data["person_id"].isin(main["person_id"]),
        "person_id",
        "У человека не указано основное место работы: в итоги по муниципалитетам он не входит",
        f"Отметьте основное место работы на листе «{TITLES['employment']}».",
        kind="note",
    )


# --- answers ------------------------------------------------------------------------------------


class _Answers:
    """The wide part of the sheet «Ответы»: items by their position in the form."""

    def __init__(self, batch: Batch, batches: dict[str, Batch]):
        self.batch = batch
        positions = [int(name) for name in batch.positions]
        items = batches["items"].accepted() if "items" in batches else pd.DataFrame()
        if len(items):
            items = items.drop_duplicates(["form_id", "position"])
            positions = sorted({*positions, *items["position"].astype(int)})
            wide = items.pivot(index="form_id", columns="position")
            form = batch.data["form_id"]
            self.limit = _of_rows(wide["max_score"], form, positions).astype("float64")
            self.item = _of_rows(wide["item_id"], form, positions)
        else:
            self.limit = pd.DataFrame(np.nan, batch.text.index, positions)
            self.item = self.limit.astype("str")
        text = batch.text[batch.positions].set_axis([int(name) for name in batch.positions], axis=1)
        self.text = text.reindex(columns=positions).astype("str")
        stacked = (
            pd.concat([self.text[p] for p in positions]) if positions else pd.Series(dtype="str")
        )
        values, wrong = typed(stacked, "float64")
        shape = (len(positions), len(self.text))
        self.score = pd.DataFrame(values.to_numpy().reshape(shape).T, self.text.index, positions)
        self.wrong = pd.DataFrame(wrong.to_numpy().reshape(shape).T, self.text.index, positions)

    def check(self) -> None:
        """Hold out rows with an answer that the form does not allow."""
        sent = self.text.notna()
        known = self.limit.notna()
        of_known_form = known.any(axis=1)
        present = pd.DataFrame(
            [
                [str(position) in piece.naming.positions for position in self.text]
                for piece in self.batch.pieces
            ],
            columns=self.text.columns,
        )
        present = present.loc[self.batch.piece].set_axis(self.text.index)
        for mask, meaning, remedy in (
            (self.wrong, *WANTED["float64"]),
            (
                (sent & ~known).mul(of_known_form, axis=0),
                "Среди принятых заданий формы нет задания с таким номером",
                "Проверьте код формы и перенесите ответ в столбец его задания.",
            ),
            (
                self.score.gt(self.limit) | self.score.lt(0),
                "Балл за задание вне границ: от 0 до максимального",
                "Впишите балл не больше максимального по листу «Задания».",
            ),
        ):
            for position in mask.columns[mask.any()]:
                self.batch.report(mask[position], str(position), meaning, remedy)
        self.batch.report(
            (known & ~present).any(axis=1),
            "form_id",
            "На листе нет столбцов для всех заданий этой формы",
            "Добавьте столбцы с номерами всех заданий формы; ответа нет — оставьте ячейку пустой.",
        )

    def comparable(self) -> pd.DataFrame:
        """All that a row says, to tell a repeated row from a contradicting one."""
        return pd.concat([self.batch.data, self.score], axis=1)

    def long(self) -> pd.DataFrame:
        """One row an answer; an answer that is missing is a row without a score."""
        live = self.batch.live
        item, score = self.item.loc[live], self.score.loc[live]
        row, column = np.nonzero(item.notna().to_numpy())
        people = self.batch.accepted().iloc[row].reset_index(drop=True)
        return people.assign(
            item_id=pd.Series(item.to_numpy()[row, column], dtype="str"),
            score=score.to_numpy()[row, column],
        )


def _of_rows(wide: pd.DataFrame, form: pd.Series, positions: list[int]) -> pd.DataFrame:
    """Look up the form of every row in `wide` (form × position)."""
    return wide.reindex(index=form, columns=positions).set_axis(form.index)
