"""From text with addresses to canonical tables: typing, schemas, references, duplicates.

A row that fails is held out with a problem that names its cell; it is never dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from pandera.errors import SchemaErrors

from nmc_utils.intake import aggregates
from nmc_utils.intake.answers import Answers
from nmc_utils.intake.batch import BLANK, CONSERVATION, SUPERSEDED, Batch, Piece
from nmc_utils.intake.columns import (
    BARE_TOTALS,
    BLANK_MEANS,
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
from nmc_utils.intake.references import ORDER, Lacking, check_references
from nmc_utils.intake.reported import Reported, reported
from nmc_utils.intake.shown import words_of
from nmc_utils.regions import Region
from nmc_utils.tables import DATE, TITLES, validate
from nmc_utils.terms import TOTAL, WHOLE_TEST

_IDENTIFIERS = ("organization_id", "procedure_id", "form_id", "item_id")


@dataclass(frozen=True)
class Checked:
    """What the checks made of the sheets."""

    tables: dict[str, pd.DataFrame]
    conservation: pd.DataFrame
    problems: pd.DataFrame
    reported: Reported


def check(pieces: dict[str, list[Piece]], region: Region, key: bytes) -> Checked:
    """Type, identify and check the rows of every table; nothing is dropped.

    Parameters
    ----------
    pieces
        Table → its sheets that can be read, in a fixed order; none where all were refused.
    region
        Gives the words for codes and enters the identities.
    key
        The key of the identities.
    """
    names = _names_of(pieces)
    sent = [table for table in ORDER if pieces.get(table)]
    batches = {table: Batch(table, pieces[table], names) for table in sent}
    lacking = Lacking(batches)
    tables: dict[str, pd.DataFrame] = {}
    for table, batch in batches.items():
        _type_columns(batch, region)
        _refuse_names(batch, vocabulary(region, table))
        _identify(batch, region, key)
        if table == "aggregates":
            aggregates.prepare(batch, batches, region)
        _refuse_totals(batch, batches)
        frame = _check_table(batch, batches, lacking, region)
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
        reported(batches, region, has_workplaces="employment" in pieces),
    )


def _names_of(pieces: dict[str, list[Piece]]) -> Names:
    surname, *given = PERSON_HEADERS[:-1]

    def cells(titles: list[str]) -> list[pd.Series]:
        return [
            piece.cells[piece.naming.positions[title]]
            for table, sheets in pieces.items()
            for piece in sheets
            for title in titles
            if has_persons(table) and title in piece.naming.positions
        ]

    return Names.of(cells([surname]), cells(given))


def _check_table(
    batch: Batch, batches: dict[str, Batch], lacking: Lacking, region: Region
) -> pd.DataFrame:
    answers = Answers(batch, batches) if batch.table == "responses" else None
    check_references(batch, batches, lacking)
    if answers:
        answers.check()
    else:
        _check_schema(batch)
    _check_rows(batch, batches)
    lacking.hold(batch)
    values = batch.data if answers is None else answers.comparable()
    _check_clashes(batch, values)
    _check_groups(batch, region)
    _check_repeats(batch, values)
    return batch.accepted() if answers is None else answers.long()


# --- values -------------------------------------------------------------------------------------


def _type_columns(batch: Batch, region: Region) -> None:
    words = vocabulary(region, batch.table)
    for column in headers(batch.table):
        text, schema = batch.text[column], batch.schema.columns[column]
        dtype = type_of(batch.table, column)
        blank = BLANK_MEANS.get(batch.table, {}).get(column)
        if not schema.nullable and blank is None:
            _require(batch, column, schema.title)
        if column in words:
            batch.allowed[column] = words_of(words[column])
            codes = _coded(batch, column, words[column])
            batch.data[column] = codes if blank is None else codes.mask(text.isna(), blank)
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


def _coded(batch: Batch, column: str, words: dict[str, str]) -> pd.Series:
    """Replace words by codes; a word not in the list holds its row out, unless of a document."""
    codes = {folded(word): code for word, code in words.items()}
    text = batch.text[column]
    if column == "domain" and TOTAL not in codes.values():
        is_total = text.map(lambda value: folded(value) == folded(WHOLE_TEST), na_action="ignore")
        is_total = is_total.eq(True)
        _report_totals(batch, is_total, "Впишите компетенцию, к которой относится задание.")
        text = text.mask(is_total)
    if batch.table == "aggregates" and column == "municipality":
        is_bare = text.map(folded, na_action="ignore").isin(BARE_TOTALS)
        batch.report(is_bare, column, *aggregates.BARE_TOTAL)
        text = text.mask(is_bare)
    found = text.map({value: codes.get(folded(value)) for value in text.dropna().unique()})
    if column == "document":
        aggregates.report_documents(batch, text.notna() & found.isna())
        return found.astype("str")
    title = batch.schema.columns[column].title
    batch.report(
        text.notna() & found.isna(),
        column,
        f"Такого значения в столбце «{title}» быть не может",
        f"Выберите из списка: {_listed(words)}.",
    )
    return found.astype("str")


def _listed(words: dict[str, str]) -> str:
    """The first word of each code; words with commas of their own stand in quotes."""
    first: dict[str, str] = {}
    for word, code in words.items():
        first.setdefault(code, word)
    if any("," in word for word in first.values()):
        return "; ".join(f"«{word}»" for word in first.values())
    return ", ".join(first.values())


def _report_totals(batch: Batch, rows: pd.Series, remedy: str) -> None:
    batch.report(
        rows,
        "domain",
        "Здесь должна быть компетенция: итог по тесту система считает сама",
        remedy,
        found=pd.Series(WHOLE_TEST, batch.text.index),
    )


def _refuse_totals(batch: Batch, batches: dict[str, Batch]) -> None:
    """Hold out the whole test where there are competences: of a form, of a sitting."""
    if batch.table not in ("forms", "scores"):
        return
    sitting = [column for column in batch.schema.unique if column != "domain"]
    totals = batch.data["domain"].eq(TOTAL) & batch.status.ne(BLANK)
    wrong = _beside_competences(batch, sitting, batch)
    if batch.table == "scores" and "forms" in batches:
        wrong |= _beside_competences(batch, ["form_id"], batches["forms"])
    wrong &= totals
    _report_totals(batch, wrong, "Удалите строку с итогом по тесту.")
    batch.data["domain"] = batch.data["domain"].mask(wrong)


def _beside_competences(batch: Batch, on: list[str], other: Batch) -> pd.Series:
    """Rows of `batch` that agree in `on` with a row of `other` that is of a competence."""
    sent = other.data[other.data["domain"].notna() & other.status.ne(BLANK)]
    sent = sent.loc[sent["domain"].ne(TOTAL), on].dropna()
    return batch.data[on].notna().all(axis=1) & _equal_to_any(batch.data[on], sent)


def _subject(batch: Batch, region: Region) -> pd.Series:
    """Spell known subjects as the region does; a subject outside all families is noted."""
    known = {folded(subject): subject for subject in region.family_of_subject}
    text = batch.text["subject"]
    spelled = text.map({value: known.get(folded(value)) for value in text.dropna().unique()})
    spelled = spelled.astype("str")
    batch.report(
        text.notna() & spelled.isna(),
        "subject",
        "Предмет не входит ни в одну предметную группу региона",
        "Исправьте название предмета или внесите его в region.yaml, ключ families.",
        kind="note",
        once=True,
    )
    return spelled.fillna(text)


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
    return f"{value:.12g}".replace(".", ",")


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
    if batch.table == "aggregates":
        aggregates.check_rows(batch, batches.get("scores"))


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
    columns = batch.schema.columns
    return batch.person or next(name for name in batch.key if not columns[name].nullable)


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


def _check_groups(batch: Batch, region: Region) -> None:
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
    if batch.table == "aggregates":
        aggregates.check_groups(batch, region)


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
