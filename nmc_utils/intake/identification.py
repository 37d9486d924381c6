"""Who is who: an identity for every row, one code for one person; doubts are told, not resolved."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from nmc_utils.intake.aliases import Aliases, with_aliases
from nmc_utils.intake.batch import BLANK, HELD_OUT, Batch, numbered
from nmc_utils.intake.cells import lost_codes, note_mixed_script, require
from nmc_utils.intake.others import apply_aliases
from nmc_utils.intake.persons import (
    OWN_CODE,
    PERSON_HEADERS,
    by_value,
    folded_code,
    person_headers,
    required_of_person,
    unidentifying,
)
from nmc_utils.intake.pseudonyms import collisions, identities, probable_duplicates
from nmc_utils.intake.values import typed
from nmc_utils.regions import Region
from nmc_utils.tables import DATE


def identify_rows(batch: Batch, region: Region, key: bytes) -> None:
    """Replace the person by an identity; birth year is all that is kept of the date."""
    if batch.person is None:
        return
    *names, born = batch.headers
    required = required_of_person(region, batch.table)
    is_split = _report_full_names(batch, required)
    for title in required:
        require(batch, title, title, ~is_split if title in PERSON_HEADERS[:2] else None)
    is_nobody = pd.Series(False, batch.text.index)
    if OWN_CODE in batch.headers:
        is_nobody |= _report_codes(batch)
    dates = _birth_dates(batch, born)
    for title in set(PERSON_HEADERS[:2]) & set(required):
        is_nobody |= _report_names(batch, title)
    note_mixed_script(batch, [name for name in names if name != OWN_CODE])
    batch.persons = batch.text[list(names)].assign(**{born: dates})
    batch.data[batch.person] = identities(batch.persons, region.code, key).mask(is_nobody)
    if "birth_year" in batch.schema.columns:
        batch.data["birth_year"] = dates.dt.year.astype("Int64")
    batch.report(
        batch.live & batch.data[batch.person].isna(),
        batch.headers[0],
        "По этой строке человека не узнать",
        f"Впишите, что стоит в документах: {', '.join(required)}.",
    )


def _report_full_names(batch: Batch, required: tuple[str, ...]) -> pd.Series:
    """Hold out full names that are empty or cannot be taken apart.

    Returns
    -------
    Series of booleans: rows of sheets with a full name instead of its parts. Where names may be
    left out, what cannot be taken apart is noted only.
    """
    surname, given = PERSON_HEADERS[:2]
    unsplit = pd.concat([piece.unsplit for piece in batch.pieces], ignore_index=True)
    batch.report(
        unsplit,
        surname,
        "ФИО не разобрать: нужны фамилия, имя и отчество полностью",
        "Впишите фамилию, имя и отчество полностью, в этом порядке.",
        kind=HELD_OUT if surname in required else "note",
    )
    is_whole = pd.Series(False, batch.text.index)
    for number, piece in enumerate(batch.pieces):
        if piece.naming.full_name is None:
            continue
        mine = batch.piece.eq(number)
        is_whole |= mine
        if surname in required:
            title = piece.naming.header[piece.naming.full_name] or "ФИО"
            require(batch, surname, title, mine & ~unsplit)
    return is_whole


def _report_codes(batch: Batch) -> pd.Series:
    """Hold out what stands for an own code and is none; return these rows."""
    lost = lost_codes(batch, OWN_CODE)
    code = by_value(batch.text[OWN_CODE], folded_code)
    nothing = code.notna() & ~code.str.contains(r"[^\W_]").fillna(False).astype(bool)
    batch.report(
        nothing,
        OWN_CODE,
        f"В столбце «{OWN_CODE}» нет ни букв, ни цифр",
        f"Впишите в столбец «{OWN_CODE}» код человека, принятый в регионе.",
    )
    return lost | nothing


def _report_names(batch: Batch, title: str) -> pd.Series:
    """Hold out what stands for a surname or a given name and is none; return these rows."""
    name = batch.text[title]
    wrong = unidentifying(name)
    nothing = name.notna() & ~wrong & ~name.str.contains(r"[^\W\d_]").fillna(False).astype(bool)
    batch.report(
        wrong,
        title,
        f"В столбце «{title}» инициалы или цифры: по ним человека не узнать",
        f"Впишите в столбец «{title}» то, что стоит в документе человека, полностью.",
    )
    batch.report(
        nothing,
        title,
        f"В столбце «{title}» нет ни одной буквы",
        f"Впишите в столбец «{title}» то, что стоит в документе человека.",
    )
    return wrong | nothing


def _birth_dates(batch: Batch, born: str) -> pd.Series:
    parts = []
    for number, piece in enumerate(batch.pieces):
        found = typed(batch.text.loc[batch.piece.eq(number), born], DATE, epoch=piece.epoch)
        meaning = "Дата рождения не распознана: " + found.meaning.str[:1].str.lower()
        meaning += found.meaning.str[1:]
        batch.report_each(found.wrong, born, meaning, found.remedy)
        parts.append(found.values)
    return pd.concat(parts)


def identify(batches: dict[str, Batch], aliases: Aliases) -> None:
    """Hold out codes that two people share, note who may be one person, apply changed surnames."""
    for batch in batches.values():
        apply_aliases(batch, aliases)
    mine = [batch for batch in batches.values() if batch.person and len(batch.text)]
    if not mine:
        return
    frame = pd.concat([batch.persons for batch in mine], keys=range(len(mine)))
    ids = pd.concat([batch.data[batch.person] for batch in mine], keys=range(len(mine)))
    shared, doubtful = collisions(frame, ids), probable_duplicates(frame, ids)
    for number, batch in enumerate(mine):
        batch.report(
            shared[number],
            batch.headers[0],
            "Один личный код стоит у разных людей",
            "Проверьте код: у каждого человека он свой.",
            found=pd.Series("", batch.text.index),
        )
        _note_duplicates(batch, doubtful[number], batch.data[batch.person])
        batch.data[batch.person] = with_aliases(batch.data[batch.person], aliases)


def _note_duplicates(batch: Batch, group: pd.Series, ids: pd.Series) -> None:
    """Name the cells of rows that may be one person under two codes."""
    rows = group.notna() & batch.status.ne(BLANK)
    if OWN_CODE not in batch.headers:
        rows &= ~_note_without_patronymic(batch, rows)
    rows &= batch.table == "staff"
    rows &= ids.where(rows).groupby(group).transform("nunique").gt(1)
    if not rows.any():
        return
    cells = pd.Series(batch.addresses(rows, batch.headers[0]), batch.text.index[rows])
    together = cells.groupby(group[rows]).transform("; ".join)
    what = "личный код" if OWN_CODE in batch.headers else "отчество"
    batch.report(
        rows,
        batch.headers[0],
        f"Похоже, один человек записан дважды: совпадает всё, кроме одного ({what}); "
        "строки не объединены",
        "Если это один человек, запишите его везде одинаково; если разные люди, так и оставьте.",
        kind="note",
        found="строки: " + together.reindex(batch.text.index, fill_value=""),
    )


def _note_without_patronymic(batch: Batch, rows: pd.Series) -> pd.Series:
    """Tell of sheets without patronymics, whose people are others than those of other sheets.

    Returns
    -------
    Series of booleans: rows of such sheets.
    """
    title = PERSON_HEADERS[2]
    without = [
        number
        for number, piece in enumerate(batch.pieces)
        if title not in piece.naming.positions and piece.naming.full_name is None
    ]
    for number in without:
        mine = rows & batch.piece.eq(number)
        if mine.any():
            batch.remark(
                number,
                "note",
                f"На листе нет столбца «{title}», а в других строках у этих же людей отчество "
                "есть: их личные коды получились разными",
                f"Добавьте столбец «{title}» и заполните его так же, как на других листах.",
                found=numbered(batch.row[mine]),
            )
    return batch.piece.isin(without)


def accepted_people(batches: dict[str, Batch], region: Region) -> pd.DataFrame:
    """Persons of accepted rows: `person_id` and the headers by which they are sent."""
    headers = ["person_id", *person_headers(region)]
    return pd.concat([pd.DataFrame(columns=headers), *_frames(batches)], ignore_index=True)


def _frames(batches: dict[str, Batch]) -> Iterator[pd.DataFrame]:
    for batch in batches.values():
        if batch.person:
            who = batch.data.loc[batch.live, batch.person].rename("person_id")
            yield pd.concat([who, batch.persons.loc[batch.live]], axis=1).drop_duplicates()
        for column, persons in batch.others.items():
            is_whole = persons.get(OWN_CODE, persons[PERSON_HEADERS[-1]]).notna() & batch.live
            who = batch.data.loc[is_whole, column].rename("person_id")
            yield pd.concat([who, persons.loc[is_whole]], axis=1).drop_duplicates()
