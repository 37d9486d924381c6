"""From the text of a column to typed values, codes and identities; what cannot be read is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pandas as pd

from nmc_utils.intake import aggregates, units
from nmc_utils.intake.batch import BLANK, HELD_OUT, Batch
from nmc_utils.intake.cells import empty_dashes, lost_codes, refuse_shares, require
from nmc_utils.intake.columns import (
    BARE_TOTALS,
    BLANK_MEANS,
    headers,
    other_persons,
    type_of,
    vocabulary,
)
from nmc_utils.intake.identification import identify_rows
from nmc_utils.intake.names import rows_with_names
from nmc_utils.intake.others import read_others
from nmc_utils.intake.personal import rows_with_contacts
from nmc_utils.intake.persons import PERSON_HEADERS, by_value, required_of_person
from nmc_utils.intake.repeats import equal_to_any
from nmc_utils.intake.shown import words_of
from nmc_utils.intake.synonyms import folded, nearest, plain
from nmc_utils.intake.values import absent, typed
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL, WHOLE_TEST

IDENTIFIERS = (
    "organization_id",
    "procedure_id",
    "form_id",
    "item_id",
    "route_id",
    "programme_id",
    "event_id",
    "mentoring_id",
    "mentor_organization_id",
    "mentee_organization_id",
    "agreement_id",
    "entry_id",
    "measure_id",
    "recommendation_id",
)
#: Columns that may be written in percent: of the maximum, or of one.
_UNITS = {"raw_score": "score", "reliability": "share", "rate": "share"}


def convert(batch: Batch, region: Region, key: bytes) -> None:
    """Fill `batch.data` from `batch.text` and hold out rows that cannot be read."""
    _set_absent_aside(batch)
    _set_unmarked_aside(batch)
    empty_dashes(batch, required_of_person(region, batch.table) if batch.person else ())
    _type_columns(batch, region)
    _refuse_names(batch, vocabulary(region, batch.table))
    identify_rows(batch, region, key)
    read_others(batch, region, key)


def _set_absent_aside(batch: Batch) -> None:
    """Count who did not come as no record: an absence is no zero, nor is a blank score."""
    if batch.table != "scores":
        return
    score = batch.text["raw_score"]
    others = batch.text.drop(columns="raw_score").notna().sum(axis=1)
    is_absent = absent(score)
    is_blank = score.isna() & others.gt(1) & ~batch.is_faulty("raw_score")
    for rows, meaning, remedy in (
        (
            is_absent,
            "Неявка: результата нет, нулём он не считается",
            "Исправлять не нужно; если результат есть, впишите балл.",
        ),
        (
            is_blank,
            "Балла нет: компетенция считается не оценённой, нулём она не считается",
            "Если результат есть, впишите балл.",
        ),
    ):
        batch.set_aside(rows, "raw_score", meaning, remedy)


def _set_unmarked_aside(batch: Batch) -> None:
    """Count measures as the blank has them as no record: nobody has said how far they have come."""
    if batch.table == "roadmap":
        told = ["status", "done_on", "result", "evidence"]
        batch.set_aside(
            batch.text[told].isna().all(axis=1) & ~batch.is_faulty("status"),
            "status",
            "Ход меры не отмечен: строка стоит так, как в бланке, и не считается присланной",
            "Отметьте ход меры, если он известен.",
        )


def _type_columns(batch: Batch, region: Region) -> None:
    words = vocabulary(region, batch.table)
    others = other_persons(batch.table)
    for column in [name for name in headers(batch.table) if name not in others]:
        schema = batch.schema.columns[column]
        text = batch.text[column]
        dtype = type_of(batch.table, column)
        blank = BLANK_MEANS.get(batch.table, {}).get(column)
        if not schema.nullable and blank is None:
            require(batch, column, schema.title)
        if column in words:
            batch.allowed[column] = words_of(words[column])
            codes = _coded(batch, column, words[column])
            batch.data[column] = codes if blank is None else codes.mask(text.isna(), blank)
        elif column == "subject":
            batch.allowed[column] = words_of(region.family_of_subject)
            batch.data[column] = _subject(batch, region)
        elif column in IDENTIFIERS:
            batch.data[column] = text.mask(lost_codes(batch, column))
        elif dtype == "str":
            batch.data[column] = text
        else:
            batch.data[column] = _values(batch, column, dtype)
    if "raw_score" in batch.data:
        refuse_shares(batch)
        _in_points(batch)


def _values(batch: Batch, column: str, dtype: str) -> pd.Series:
    """Read numbers, dates or flags; percents of columns that may have them become shares."""
    parts = []
    for number, piece in enumerate(batch.pieces):
        text = batch.text.loc[batch.piece.eq(number), column]
        if column in _UNITS:
            position = piece.naming.positions.get(column)
            header = piece.naming.header[position] if position is not None else ""
            unit = units.decide(text, header or "", _UNITS[column])
            batch.report_each(unit.wrong, column, unit.meaning, unit.remedy)
            text = unit.plain
            if unit.factor == 0.01 and column != "raw_score":
                title = batch.schema.columns[column].title
                batch.remark(
                    number,
                    "corrected",
                    f"Столбец «{title}» в процентах: пересчитан в доли единицы",
                    "Исправлять не нужно; впредь пишите долю, например 0,8.",
                    found=f"ячеек: {int(text.notna().sum())}",
                )
            batch.percent.loc[text.index] |= unit.is_percent and column == "raw_score"
        found = typed(text, dtype, epoch=piece.epoch)
        batch.report_each(found.wrong, column, found.meaning, found.remedy)
        if n := int((found.corrected & batch.status[text.index].ne(BLANK)).sum()):
            title = batch.schema.columns[column].title
            batch.remark(
                number,
                "corrected",
                f"Столбец «{title}»: записано не так, как в бланке, и прочитано однозначно",
                "Исправлять не нужно; впредь пишите, как в пояснении.",
                found=f"ячеек: {n}",
            )
        parts.append(found.values)
    return pd.concat(parts) if parts else pd.Series(dtype=dtype)


def _in_points(batch: Batch) -> None:
    """Turn percents of the maximum into points."""
    rows = batch.percent
    if rows.any():
        points = batch.data["raw_score"] * batch.data["max_score"]
        batch.data["raw_score"] = batch.data["raw_score"].mask(rows, points.round(6))
        for number in batch.piece[rows].unique():
            batch.remark(
                number,
                "corrected",
                "Столбец «Балл» в процентах: пересчитан в баллы от максимального",
                "Проверьте, что проценты — от максимального балла строки.",
                found=f"ячеек: {int((rows & batch.piece.eq(number)).sum())}",
            )


def _refuse_names(batch: Batch, words: dict[str, dict[str, str]]) -> None:
    """Names and contacts stop here: free text goes into the tables as it is."""
    surname = batch.text[PERSON_HEADERS[0]] if batch.person else None
    nothing = pd.Series("", batch.text.index)
    for column in headers(batch.table):
        if type_of(batch.table, column) != "str" or column in words:
            continue
        if column in other_persons(batch.table):  # a name is what belongs there
            continue
        text = batch.text[column]
        batch.report(
            rows_with_names(text, surname, batch.names),
            column,
            "В ячейке, похоже, имя человека: в принятые таблицы имена не попадают",
            "Уберите из ячейки фамилию, имя и инициалы.",
            found=nothing,
        )
        batch.report(
            rows_with_contacts(text, are_codes=column in IDENTIFIERS),
            column,
            "В ячейке, похоже, телефон, почта или номер документа: в принятые таблицы они не "
            "попадают",
            "Уберите из ячейки телефон, адрес почты и номера личных документов.",
            found=nothing,
        )


def _coded(batch: Batch, column: str, words: dict[str, str]) -> pd.Series:
    """Replace words by codes; a word not in the list holds its row out, unless of a document."""
    codes = lookup(words)
    text = batch.text[column]
    if column == "domain" and TOTAL not in words.values():
        is_total = by_value(text, folded).eq(folded(WHOLE_TEST))
        is_needed = not batch.schema.columns[column].nullable
        _report_totals(batch, is_total, _OF_COMPETENCE if is_needed else _NO_COMPETENCE)
        text = text.mask(is_total)
    if batch.table == "aggregates" and column == "municipality":
        is_bare = by_value(text, folded).isin(BARE_TOTALS)
        batch.report(is_bare, column, *aggregates.BARE_TOTAL)
        text = text.mask(is_bare)
    found = by_value(text, codes)
    if column == "document":
        aggregates.report_documents(batch, text.notna() & found.isna())
        return found
    title = batch.schema.columns[column].title
    meaning = f"Такого значения в столбце «{title}» быть не может"
    remedy = f"Выберите из списка: {_listed(words)}."
    rows = text.notna() & found.isna()
    report_unknown(batch, rows, column, meaning, remedy, words, offered=_offered(words))
    return found


_OF_COMPETENCE = "Впишите компетенцию, к которой относится задание."
_NO_COMPETENCE = "Впишите компетенцию; если она не одна, оставьте ячейку пустой."


def lookup(words: Mapping[str, str]) -> Callable[[str], str | None]:
    """Return what finds the code of a word: as it is spelled, else by a looser spelling of it.

    A loose spelling of several codes finds none.
    """
    exact = {folded(word): code for word, code in words.items()}
    loose: dict[str, set[str]] = {}
    for word, code in words.items():
        loose.setdefault(plain(word), set()).add(code)
    alone = {word: codes.pop() for word, codes in loose.items() if len(codes) == 1}
    return lambda word: exact.get(folded(word)) or alone.get(plain(word))


def report_unknown(
    batch: Batch,
    rows: pd.Series,
    column: str,
    meaning: str,
    remedy: str,
    allowed: Iterable[str],
    *,
    offered: Mapping[str, str] | None = None,
    kind: str = HELD_OUT,
) -> None:
    """Report rows with a word that is not among `allowed`, and offer the nearest ones.

    `offered` tells the word to offer in the place of one that is allowed and not listed.
    """
    if not rows.any():
        return
    text, known = batch.text[column].where(rows), list(allowed)
    near = {word: nearest(word, known) for word in text.dropna().unique()}
    if offered is not None:
        near = {
            word: list(dict.fromkeys(offered[one] for one in ones)) for word, ones in near.items()
        }
    offers = {
        word: f"Ближайшее по написанию: {', '.join(f'«{other}»' for other in others)}. {remedy}"
        for word, others in near.items()
        if others
    }
    meanings = pd.Series(meaning, text.index, dtype="str")
    remedies = text.map(offers).astype("str").fillna(remedy)
    batch.report_each(rows, column, meanings, remedies, kind=kind)


def _offered(words: dict[str, str]) -> dict[str, str]:
    """Word → the first word of its code, which is the one to offer."""
    first = {code: word for word, code in reversed(words.items())}
    return {word: first[code] for word, code in words.items()}


def _listed(words: dict[str, str]) -> str:
    """The first word of each code; words with commas of their own stand in quotes."""
    first = list(dict.fromkeys(_offered(words).values()))
    if any("," in word for word in first):
        return "; ".join(f"«{word}»" for word in first)
    return ", ".join(first)


def _report_totals(batch: Batch, rows: pd.Series, remedy: str) -> None:
    batch.report(
        rows,
        "domain",
        "Здесь должна быть компетенция: итог по тесту система считает сама",
        remedy,
        found=pd.Series(WHOLE_TEST, batch.text.index),
    )


def refuse_totals(batch: Batch, batches: dict[str, Batch]) -> None:
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
    return batch.data[on].notna().all(axis=1) & equal_to_any(batch.data[on], sent)


def _subject(batch: Batch, region: Region) -> pd.Series:
    """Spell known subjects as the region does; a subject outside all families is noted."""
    known = {folded(subject): subject for subject in region.family_of_subject}
    text = batch.text["subject"]
    spelled = by_value(text, lambda value: known.get(folded(value)))
    batch.report(
        text.notna() & spelled.isna(),
        "subject",
        "Предмет не входит ни в одну предметную группу региона",
        "Исправьте название предмета или внесите его в region.yaml, ключ families.",
        kind="note",
        once=True,
    )
    return spelled.fillna(text)
