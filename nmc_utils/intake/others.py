"""Other persons of a row: a cell with a full name and a date of birth becomes an identity.

A methodist, a mentor or who leads an event stands in one cell, «Фамилия Имя Отчество, 21.11.1985»,
or by the region's own code where people go by it. The identity is the one that the same person has
on other sheets. Nothing of these cells is repeated in a problem.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pandas as pd

from nmc_utils.intake.aliases import Aliases, with_aliases
from nmc_utils.intake.batch import Batch, Piece, among, numbered
from nmc_utils.intake.cells import lost_codes, note_mixed_script
from nmc_utils.intake.columns import other_persons
from nmc_utils.intake.known import names_in
from nmc_utils.intake.names import Names, rows_with_names
from nmc_utils.intake.persons import (
    OWN_CODE,
    PERSON_HEADERS,
    by_value,
    folded_code,
    normalise,
    unidentifying,
    without_patronymic,
)
from nmc_utils.intake.pseudonyms import identities
from nmc_utils.intake.values import split_full_name, typed
from nmc_utils.regions import Region
from nmc_utils.tables import DATE, SCHEMAS, TITLES

#: What is asked for, as the blank workbook and the remedies word it.
AS_IN_FORM = "Фамилия Имя Отчество, 21.11.1985"
_REMEDY = f"Впишите одного человека в виде: {AS_IN_FORM}."
_NO_CODE = "В ячейке должен стоять личный код человека"
#: Tables whose accepted people a name without a date may be found among.
KNOWN = ("staff", "methodists")
_DAY = re.compile(r"[0-9][^\n;,()]*[0-9]")
_BETWEEN = re.compile(r"[\s,;:()\-\u2013\u2014]+$")
_BORN = re.compile(r"[\s,;(]*\b(?:дата рождения|д\.? ?р\.?|род\.?)[\s:]*$", re.IGNORECASE)
_YEAR_WORD = re.compile(
    r"[\s,.;)]*(?:г(?:ода?)?\.?\s*(?:р(?:\.|ождения)?)?|р\.)?[\s,.;)]*", re.IGNORECASE
)
_PARTS = ["name", "day", "is_more"]
_WORDS_APART = re.compile(r"[^\W\d_]{2,}[\s.,]+[^\W\d_]")
_SEVERAL = re.compile(r"[;\n/&]|\s+и\s+|,\s*[^\W\d_]+\s+[^\W\d_]+")


def read_others(batch: Batch, region: Region, key: bytes) -> None:
    """Fill the columns of other persons with identities; hold out cells that name nobody.

    A cell with a name alone is left for `find_by_name`: it needs the people of the edition.
    """
    for column in other_persons(batch.table):
        if region.identity == "own_code":
            persons = _of_code(batch, column)
        else:
            persons = _of_name(batch, column)
        batch.others[column] = persons
        batch.data[column] = identities(persons, region.code, key)


def _of_code(batch: Batch, column: str) -> pd.DataFrame:
    """Read cells as own codes; a name in their place is refused."""
    text = batch.text[column]
    is_lost = lost_codes(batch, column)
    code = by_value(text, folded_code)
    is_name = text.str.contains(r"[^\W\d_]{2,}\s+[^\W\d_]").fillna(False).astype(bool)
    is_name |= rows_with_names(text, None, batch.names)
    is_name |= code.notna() & ~code.str.contains(r"[^\W_]").fillna(False).astype(bool)
    remedy = "Впишите личный код, принятый в регионе, а не имя."
    batch.report(is_name, column, _NO_CODE, remedy)
    names = dict.fromkeys(PERSON_HEADERS[:3], pd.Series(None, text.index, dtype="str"))
    born = pd.Series(pd.NaT, text.index, dtype=DATE)
    frame = pd.DataFrame({OWN_CODE: text.mask(is_lost | is_name), **names})
    return frame.assign(**{PERSON_HEADERS[-1]: born})


def _of_name(batch: Batch, column: str) -> pd.DataFrame:
    """Read cells as names with dates of birth; of a name alone the date is missing."""
    note_mixed_script(batch, [column])
    text = batch.text[column]
    values = text.dropna().unique().tolist()
    parts = pd.DataFrame([_parts(value) for value in values], values, _PARTS, dtype=object)
    name, day = (text.map(parts[part]).astype("str") for part in _PARTS[:2])
    is_more = text.map(parts["is_more"]).eq(True)
    batch.report(
        is_more,
        column,
        "В ячейке больше одного человека или не только имя и дата рождения",
        f"Оставьте одного в виде «{AS_IN_FORM}», для другого заведите отдельную строку.",
    )
    names, cannot = split_full_name(name.mask(is_more))
    cannot |= unidentifying(names["Фамилия"]) | unidentifying(names["Имя"])
    cannot |= text.notna() & name.isna() & ~is_more
    batch.report(cannot, column, "Человека по этой ячейке не узнать: имя не разобрать", _REMEDY)
    born, is_wrong = _birth_dates(batch, day.mask(is_more | cannot))
    batch.report(is_wrong, column, "Дата рождения в ячейке не распознана", _REMEDY)
    names = names.mask(cannot | is_more | is_wrong)
    patronymic = names["Отчество"]
    names["Отчество"] = patronymic.mask(without_patronymic(patronymic))
    return names.assign(**{PERSON_HEADERS[-1]: born})


def _birth_dates(batch: Batch, days: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Dates of birth and wrong ones; how a sheet writes dates says nothing of other sheets."""
    (bounds,) = SCHEMAS["staff"].columns["birth_year"].checks
    low, high = bounds.statistics["min_value"], bounds.statistics["max_value"]
    found = [typed(days[batch.piece.eq(n)], DATE) for n in range(len(batch.pieces))]
    born = pd.concat([one.values for one in found])
    is_wrong = pd.concat([one.wrong for one in found])
    is_wrong |= born.notna() & ~born.dt.year.between(low, high)
    return born.mask(is_wrong), is_wrong


def _parts(text: str) -> tuple[str | None, str | None, bool]:
    """Name, date of birth, and whether there is more in a cell than these of one person."""
    text = text.strip(" ,;()")
    days = list(_DAY.finditer(text))
    if not days:
        return text or None, None, bool(_SEVERAL.search(text))
    first = days[0]
    name = _BETWEEN.sub("", _BORN.sub("", text[: first.start()]))
    day, rest = " ".join(first[0].split()), text[first.end() :]
    is_more = len(days) > 1 or not _YEAR_WORD.fullmatch(rest) or bool(_SEVERAL.search(name))
    return name or None, day, is_more


# --- who is meant ---------------------------------------------------------------------------------


def apply_aliases(batch: Batch, aliases: Aliases) -> None:
    """Give people under a later surname the identity of the first one."""
    for column in other_persons(batch.table):
        batch.data[column] = with_aliases(batch.data[column], aliases)


def find_by_name(batch: Batch, batches: Mapping[str, Batch]) -> None:
    """Find people named without a date of birth among the accepted ones; the others are held out.

    The name must belong to one person of `KNOWN` alone. Who differs from one of these in the
    patronymic is another person, as on the sheets of people, and this is told.
    """
    if not batch.others:
        return
    if any(OWN_CODE not in persons for persons in batch.others.values()):
        known = _people(batches)
        for column in batch.others:
            _find_by_name(batch, column, known)
            _note_patronymic(batch, column, known)
    if batch.table == "mentoring" and "staff" in batches:
        _note_strangers(batch, batches["staff"])
    if batch.table == "routes" and "methodists" in batches:
        _note_no_methodists(batch, batches["methodists"])


def _find_by_name(batch: Batch, column: str, known: pd.DataFrame) -> None:
    persons = batch.others[column]
    rows = persons["Фамилия"].notna() & persons[PERSON_HEADERS[-1]].isna()
    groups = known.groupby("name")["id"]
    full = _full_name(persons)
    n = full.map(groups.nunique()).fillna(0)
    found = full.map(groups.first()).where(n.eq(1))
    batch.data[column] = batch.data[column].mask(rows, found).astype("str")
    remedy = f"Допишите в ячейку дату рождения: {AS_IN_FORM}."
    batch.report(
        rows & n.eq(0),
        column,
        "Без даты рождения человека не узнать: такого имени нет среди принятых сотрудников и "
        "методистов",
        remedy,
    )
    several = "Без даты рождения человека не узнать: так зовут нескольких"
    batch.report(rows & n.gt(1), column, several, remedy)


def _note_patronymic(batch: Batch, column: str, known: pd.DataFrame) -> None:
    """Tell of cells that differ from an accepted person in the patronymic alone."""
    is_other = batch.data[column].notna() & ~among(batch.data[column], known["id"])
    alike = _without_patronymic(batch.others[column][is_other])
    rows = among(alike, known["alike"]).reindex(is_other.index, fill_value=False)
    batch.report(
        rows,
        column,
        "Отчества нет или оно другое, а фамилия, имя и дата рождения те же, что у принятого "
        "человека: личные коды получились разными",
        "Если это один человек, впишите его отчество так же, как на других листах.",
        kind="note",
    )


def _note_strangers(batch: Batch, staff: Batch) -> None:
    """Tell how many of a pair nobody has sent: a slip in a name or code makes another person."""
    known = staff.accepted()["person_id"]
    pair = batch.data[["mentor_id", "mentee_id"]]
    rows = (pair.notna() & ~pair.isin(set(known))).any(axis=1) & batch.live
    for number in batch.piece[rows].unique():
        batch.remark(
            number,
            "note",
            "Наставника или наставляемого нет среди принятых сотрудников",
            "Проверьте, так ли человек записан на листе «Сотрудники»; если его пришлёт другое "
            "муниципальное образование, исправлять не нужно.",
            found=numbered(batch.row[rows & batch.piece.eq(number)]),
        )


def _note_no_methodists(batch: Batch, methodists: Batch) -> None:
    """Tell which routes are led by somebody who is not among the accepted methodists."""
    known = methodists.accepted()["methodist_id"]
    led = batch.data["methodist_id"]
    rows = led.notna() & ~led.isin(known) & batch.live
    for number in batch.piece[rows].unique():
        batch.remark(
            number,
            "note",
            f"Методиста ИОМ нет на листе «{TITLES[methodists.table]}»",
            "Проверьте имя и дату рождения; состав РМА ведёт ЦНППМ.",
            found=numbered(batch.row[rows & batch.piece.eq(number)]),
        )


def _people(batches: Mapping[str, Batch]) -> pd.DataFrame:
    """Accepted people of `KNOWN`: identity, full name, and all but the patronymic."""
    frames = [
        pd.DataFrame(
            {
                "id": batch.data[batch.person],
                "name": _full_name(batch.persons),
                "alike": _without_patronymic(batch.persons),
            }
        )[batch.live]
        for batch in (batches[table] for table in KNOWN if table in batches)
    ]
    return pd.concat([pd.DataFrame(columns=["id", "name", "alike"], dtype="str"), *frames])


def _without_patronymic(persons: pd.DataFrame) -> pd.Series:
    surname, given = (normalise(persons[name].astype("str")) for name in PERSON_HEADERS[:2])
    born = persons[PERSON_HEADERS[-1]].dt.strftime("%Y-%m-%d").astype("str")
    return surname + "\x1f" + given + "\x1f" + born


def _full_name(persons: pd.DataFrame) -> pd.Series:
    surname, given, patronymic = (
        normalise(persons[name].astype("str")) for name in PERSON_HEADERS[:3]
    )
    patronymic = patronymic.mask(without_patronymic(persons["Отчество"].astype("str")), "")
    return surname + "\x1f" + given + "\x1f" + patronymic.fillna("")


# --- names ----------------------------------------------------------------------------------------


def names_of_others(table: str, pieces: Iterable[Piece]) -> Names:
    """Collect the names in cells of other persons, so that they are known wherever they stand."""
    columns = other_persons(table)
    cells = [p.text[name] for p in pieces for name in columns if name in p.text]
    texts = {value for column in cells for value in column.dropna().unique().tolist()}
    return names_in(sorted(text for text in texts if _WORDS_APART.search(text)))
