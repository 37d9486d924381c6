"""From text with addresses to canonical tables: typing, schemas, references, duplicates.

A row that fails is held out with a problem that names its cell; it is never dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from pandera.errors import SchemaErrors

from nmc_utils.intake.answers import Answers
from nmc_utils.intake.columns import (
    OPTIONAL_OF_PERSON,
    PERSON_HEADERS,
    WANTED,
    folded,
    has_persons,
    headers,
    type_of,
    typed,
    vocabulary,
)
from nmc_utils.intake.names import Names, rows_with_names
from nmc_utils.intake.pseudonyms import identities, normalise
from nmc_utils.intake.shown import words_of
from nmc_utils.intake.workbook import (
    BLANK,
    CONSERVATION,
    PROBLEM,
    SUPERSEDED,
    Batch,
    Piece,
    problem,
)
from nmc_utils.regions import Region
from nmc_utils.tables import DATE, TITLES, validate
from nmc_utils.terms import TOTAL

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
    names = _names_of(pieces)
    sent = [table for table in _ORDER if pieces.get(table)]
    batches = {table: Batch(table, pieces[table], names) for table in sent}
    lacking = _Lacking(batches)
    tables: dict[str, pd.DataFrame] = {}
    for table, batch in batches.items():
        _type_columns(batch, region)
        _refuse_names(batch, vocabulary(region, table))
        _identify(batch, region, key)
        frame = _check_table(batch, batches, lacking)
        if len(frame):
            order = list(batch.schema.unique)
            frame = frame.sort_values(order, kind="stable", ignore_index=True)
            tables[table] = validate(table, frame)
    _note_without_main(batches)
    ordered = [batches[table] for table in TITLES if table in batches]
    return Checked(
        tables,
        pd.concat([pd.DataFrame(columns=CONSERVATION), *(b.conservation() for b in ordered)]),
        pd.concat([lacking.problems(), *(b.problems() for b in ordered)]),
    )


def _names_of(pieces: dict[str, list[Piece]]) -> Names:
    surname, *given = PERSON_HEADERS[:-1]

    def cells(titles: list[str]) -> list[pd.Series]:
        return [
            piece.sheet.cells[piece.naming.positions[title]]
            for table, sheets in pieces.items()
            for piece in sheets
            for title in titles
            if has_persons(table) and title in piece.naming.positions
        ]

    return Names.of(cells([surname]), cells(given))


def _check_table(batch: Batch, batches: dict[str, Batch], lacking: _Lacking) -> pd.DataFrame:
    answers = Answers(batch, batches) if batch.table == "responses" else None
    _check_references(batch, batches, lacking)
    if answers:
        answers.check()
    else:
        _check_schema(batch)
    _check_rows(batch, batches)
    lacking.hold(batch)
    values = batch.data if answers is None else answers.comparable()
    _check_clashes(batch, values)
    _check_groups(batch)
    _check_repeats(batch, values)
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
            batch.allowed[column] = words_of(words[column])
            batch.data[column] = _coded(batch, column, words[column], region)
        elif column == "subject":
            batch.allowed[column] = words_of(region.family_of_subject)
            batch.data[column] = _subject(batch, region)
        elif dtype == "str":
            batch.data[column] = text
        else:
            values, wrong = typed(text, dtype)
            batch.data[column] = values
            batch.report(wrong, column, *WANTED[dtype])
        if column in _IDENTIFIERS:
            _refuse_dates(batch, column)


def _refuse_names(batch: Batch, words: dict[str, dict[str, str]]) -> None:
    """Names stop here: free text goes into the tables as it is, so it must not hold any."""
    surname = batch.text[PERSON_HEADERS[0]] if batch.person else None
    for column in headers(batch.table):
        if type_of(batch.table, column) == "str" and column not in words:
            batch.report(
                rows_with_names(batch.text[column], surname, batch.names),
                column,
                "В ячейке, похоже, имя человека: в принятые таблицы имена не попадают",
                "Уберите из ячейки фамилию, имя и инициалы.",
                found=pd.Series("", batch.text.index),
            )


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


def _coded(batch: Batch, column: str, words: dict[str, str], region: Region) -> pd.Series:
    """Replace words by codes; a word that is not in the list holds its row out."""
    codes = {folded(word): code for word, code in words.items()}
    text = batch.text[column]
    if column == "domain":
        total = region.domain_names[TOTAL]
        is_total = text.str.casefold().eq(total.casefold())
        batch.report(
            is_total,
            column,
            "Здесь должна быть компетенция: итог по тесту система считает сама",
            "Удалите строку с итогом по тесту.",
            found=pd.Series(total, text.index),
        )
        text = text.mask(is_total)
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


def _check_references(batch: Batch, batches: dict[str, Batch], lacking: _Lacking) -> None:
    for columns, target in _REFERENCES.get(batch.table, []):
        if lacking.behind(target):
            continue
        wanted = batch.data[columns]
        usable = wanted.notna().all(axis=1)
        if len(columns) > 1:  # an unknown form has been reported already
            usable &= _among(wanted[columns[:-1]], batches[target])
        elif columns[0] in batch.text:
            known = batches[target].accepted()[columns[0]]
            batch.allowed[columns[0]] = words_of(known.unique())
        sent = _among(wanted, batches[target])
        known = _among(wanted, batches[target], live=True)
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


class _Lacking:
    """Tables without one row sent that was read, and the rows that are held out for want of them.

    All rows that refer to such a table, and all that refer to those, make one problem.
    """

    def __init__(self, batches: dict[str, Batch]):
        self._behind: dict[str, list[str]] = {}
        for table in _ORDER:
            if table not in batches or batches[table].status.eq(BLANK).all():
                self._behind[table] = [table]
                continue
            targets = [target for _, target in _REFERENCES.get(table, [])]
            causes = [cause for target in targets for cause in self.behind(target)]
            self._behind[table] = list(dict.fromkeys(causes))
        self._held: dict[str, dict[str, int]] = {}

    def behind(self, table: str) -> list[str]:
        """Lacking tables for want of which no row of `table` can be accepted."""
        return self._behind[table]

    def hold(self, batch: Batch) -> None:
        """Hold out the rows of `batch` if a table is lacking that they need."""
        causes = self.behind(batch.table)
        if causes and (n_rows := batch.hold()):
            for cause in causes:
                self._held.setdefault(cause, {})[batch.table] = n_rows

    def problems(self) -> pd.DataFrame:
        """One problem for each lacking table that rows were held out for."""
        rows = []
        for cause, held in self._held.items():
            title = TITLES[cause]
            counted = ", ".join(f"«{TITLES[table]}» — {n_rows}" for table, n_rows in held.items())
            meaning = (
                f"Ни в одном файле нет листа «{title}», из которого прочитана хоть одна строка; "
                f"без него задержано строк: {counted}"
            )
            remedy = f"Добавьте лист «{title}» или исправьте его, если он назван среди замечаний."
            rows.append(problem("", "table", meaning, remedy, sheet=title, table=cause))
        return pd.DataFrame(rows, columns=PROBLEM)


def _among(wanted: pd.DataFrame, target: Batch, *, live: bool = False) -> pd.Series:
    """Which rows of `wanted` occur in `target`."""
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


def _check_clashes(batch: Batch, values: pd.DataFrame) -> None:
    """Hold out all rows with the same key and different values, exact repeats among them too."""
    rows = values.loc[batch.live]
    clash = _mask(batch, _contradicting(rows, batch.key))
    if clash.any():
        groups = rows.loc[clash[clash].index].groupby(batch.key, dropna=False, sort=False)
        cells = groups.ngroup().to_frame("group").assign(cell=batch.addresses(clash, _first(batch)))
        found = cells.groupby("group")["cell"].transform(lambda group: "; ".join(group[:4]))
        found = "строки: " + found.reindex(values.index, fill_value="")
        batch.report(clash, _first(batch), *_CLASHES.get(batch.table, _CLASH), found=found)


def _check_repeats(batch: Batch, values: pd.DataFrame) -> None:
    """Keep the first of equal rows that nothing has been found against."""
    rows = values.loc[batch.live]
    repeated = _mask(batch, rows.duplicated())
    involved = _mask(batch, rows.duplicated(keep=False))
    if repeated.any():
        groups = rows.loc[involved[involved].index].groupby(list(rows), dropna=False, sort=False)
        kept = groups.ngroup().to_frame("group")
        kept = kept.assign(cell=batch.addresses(involved, _first(batch)))
        found = kept.groupby("group")["cell"].transform("first")
        batch.report(
            repeated,
            _first(batch),
            "Такая же строка уже есть",
            "Оставьте одну из одинаковых строк.",
            kind=SUPERSEDED,
            found="то же: " + found.reindex(values.index, fill_value=""),
        )


def _first(batch: Batch) -> str:
    """The column whose cell stands for the row."""
    return batch.person or batch.key[0]


def _equal_to_any(rows: pd.DataFrame, keys: pd.DataFrame) -> pd.Series:
    """Which of `rows` occur among `keys`; a missing value equals a missing one."""
    both = pd.concat([keys, rows]).groupby(list(keys), dropna=False, sort=False).ngroup()
    return both.iloc[len(keys) :].isin(both.iloc[: len(keys)])


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
            _mask(batch, _contradicting(main, ["person_id"])),
            "is_main",
            "У человека отмечено несколько основных мест работы",
            "Оставьте «да» в одной строке человека: люди учитываются по основному месту работы.",
        )
    if batch.table == "items":
        batch.report(
            _mask(batch, _contradicting(live, ["form_id", "position"])),
            "position",
            "Под этим номером в форме стоит несколько заданий",
            "Дайте каждому заданию формы свой номер.",
        )


def _contradicting(rows: pd.DataFrame, on: list[str]) -> pd.Series:
    """Which of `rows` agree in `on` with a row that says something else."""
    distinct = rows.drop_duplicates()
    return _equal_to_any(rows[on], distinct.loc[distinct.duplicated(on), on])


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
