"""From the text of a cell to a value: numbers, dates, flags, absences, full names.

A form is read when it can mean one thing alone. What is refused has a meaning and a remedy that do
not repeat the cell, which may be personal. Distinct texts are looked at once, however many cells
hold them.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from nmc_utils.intake.columns import PERSON_HEADERS
from nmc_utils.intake.synonyms import dictionary, plain, synonyms
from nmc_utils.tables import DATE

#: Type of a column → what is wrong with a cell that holds something else, and what to do.
WANTED = {
    "float64": ("Здесь должно быть число", "Впишите число цифрами, например 12,5."),
    "Int64": ("Здесь должно быть целое число", "Впишите целое число цифрами, например 12."),
    DATE: ("Здесь должна быть дата", "Впишите дату в виде ДД.ММ.ГГГГ."),
    "bool": ("Здесь должно быть «да» или «нет»", "Впишите «да» или «нет»."),
}
_LARGEST_WHOLE = 1e15  # whole numbers up to here are exact
_FIRST_YEAR, _LAST_YEAR = 1920, 2100  # of days that a serial number may stand for
_GAP = r"[ \u00a0\u2007\u2009\u202f]"  # what may part thousands
_NUMBER = r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?"
_WRITTEN_NUMBER = (
    rf"'?[+\-\u2212]?(?:[0-9]{{1,40}}|[0-9]{{1,3}}(?:{_GAP}[0-9]{{3}})+)"
    r"(?:[.,][0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?"
)
#: Digits with several points and commas, or with a point and a comma.
_UNCLEAR_NUMBER = r"[+-]?[0-9]+(?:[.,][0-9]+){2,}"
#: A whole number with marks between thousands, or one with three digits after the point.
_MAYBE_THOUSANDS = r"'?[+\-\u2212]?[1-9][0-9]{0,2}(?:[.,][0-9]{3})+"
_ISO = r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?"
_TIME = r"(?: +[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?"
_YEAR_WORD = r"(?: ?(?:г\.?|год|года))?"
_DOTTED = rf"([0-9]{{1,2}})([./\-])([0-9]{{1,2}})\2([0-9]{{4}}|[0-9]{{2}}){_YEAR_WORD}{_TIME}"
_YEAR_FIRST = rf"([0-9]{{4}})[./]([0-9]{{1,2}})[./]([0-9]{{1,2}}){_TIME}"
_WORDED = rf"([0-9]{{1,2}}) ([а-я]{{3,8}})\.? ([0-9]{{4}}){_YEAR_WORD}"
_SERIAL = r"([0-9]{4,6})(?:[.,][0-9]+)?"
_MONTHS = ("янв", "фев", "мар", "апр", "ма", "июн", "июл", "авг", "сен", "окт", "ноя", "дек")
_MONTH = re.compile(
    r"(?:янв(?:ар[ья])?|февр?(?:ал[ья])?|мар(?:та?)?|апр(?:ел[ья])?|ма[йя]|ию[нл][ья]?|"
    r"авг(?:уста?)?|сент?(?:ябр[ья])?|окт(?:ябр[ья])?|ноя(?:б(?:р[ья])?)?|дек(?:абр[ья])?)"
)
_AS_IN_FORM = WANTED[DATE][1]
_PATRONYMIC_WORDS = frozenset(("оглы", "оглу", "кызы", "гызы", "кизи", "уулу", "улы"))
_PATRONYMIC = re.compile(r"(?:вич|ьич|мич|кич|вна|чна|шна)$")
_NAME = re.compile(r"[^\W\d_][^\W\d_'’ʼ`\-]*(?:[-'’ʼ`][^\W\d_]+)*")


class Typed(NamedTuple):
    """What a column says.

    Attributes
    ----------
    values
        Values of the type; missing where a cell is empty or wrong.
    wrong
        Cells that hold something else.
    meaning, remedy
        Of each wrong cell, without its value; missing for the others.
    corrected
        Cells that were read though they are not written as the type is: «1 234,5», «5 мая 2026 г.».
    """

    values: pd.Series
    wrong: pd.Series
    meaning: pd.Series
    remedy: pd.Series
    corrected: pd.Series


class _Refused(NamedTuple):
    """Why a text is no value."""

    meaning: str
    remedy: str


def typed(text: pd.Series, dtype: str, *, epoch: date | None = None) -> Typed:
    """Read the cells of a column of one sheet as values of `dtype`.

    Parameters
    ----------
    text
        Cells; missing where they are empty.
    dtype
        "float64", "Int64", "bool" or `DATE`.
    epoch
        Day 0 of serial numbers of days; None where a number is no date.

    Notes
    -----
    In a column of flags a hyphen is «нет» only beside a «+»; alone it may mean that nobody knows.
    """
    codes, distinct = pd.factorize(text)
    distinct = pd.Series(np.asarray(distinct, dtype=object), dtype="str")
    if dtype == "bool":
        values, corrected, refused = _flags(distinct)
    elif dtype == DATE:
        values, corrected, refused = _dates(distinct, epoch)
    else:
        values, corrected, refused = _numbers(distinct, is_whole=dtype == "Int64")
    wrong = values.isna().to_numpy()
    reasons = [refused.get(place, WANTED[dtype]) for place in np.flatnonzero(wrong)]
    told = pd.DataFrame(reasons, np.flatnonzero(wrong), ["meaning", "remedy"], dtype="str")

    def spread(column: pd.Series) -> pd.Series:
        return pd.Series(column.array.take(codes, allow_fill=True), text.index)

    def mark(cells: np.ndarray) -> pd.Series:  # the code of an empty cell is -1
        return pd.Series(np.append(cells, False)[codes], text.index)

    if not len(told):
        meaning = remedy = pd.Series(None, text.index, dtype="str")
    else:
        told = told.reindex(distinct.index)
        meaning, remedy = spread(told["meaning"]), spread(told["remedy"])
    return Typed(spread(values), mark(wrong), meaning, remedy, mark(corrected.to_numpy()))


# --- numbers ------------------------------------------------------------------------------------


def numerals(text: pd.Series) -> pd.Series:
    """Write numbers plainly, «1 234,5» as «1234.5»; missing where a cell is no number."""
    is_plain = text.str.fullmatch(_NUMBER).fillna(False).astype(bool)
    if is_plain.all():
        return text
    others = text[~is_plain]
    others = others.where(others.str.fullmatch(_WRITTEN_NUMBER).fillna(False).astype(bool))
    others = others.str.replace(",", ".", regex=False).str.replace("\u2212", "-", regex=False)
    others = others.str.replace(rf"{_GAP}|'", "", regex=True)
    return pd.concat([text[is_plain], others]).reindex(text.index)


def _numbers(text: pd.Series, *, is_whole: bool) -> tuple[pd.Series, pd.Series, dict]:
    digits = numerals(text)
    found = pd.to_numeric(digits).astype("float64")
    values = found.where(np.isfinite(found))
    if (zero := found.eq(0)).any():
        vanished = digits[zero].str.contains("[1-9].*[eE]").astype(bool)
        values[vanished.index[vanished]] = np.nan
    if is_whole:
        is_exact = values.eq(values.round()) & values.abs().lt(_LARGEST_WHOLE)
        is_exact &= ~text.str.fullmatch(_MAYBE_THOUSANDS).fillna(False).astype(bool)
        values = values.where(is_exact).astype("Int64")
    wrong = np.flatnonzero(values.isna())
    refused = {
        place: _why_no_number(text[place], found[place], "Int64" if is_whole else "float64")
        for place in wrong
    }
    is_other = values.notna() & digits.ne(text.str.replace(",", ".", regex=False))
    is_other |= values.notna() & text.str.startswith("+")
    return values, is_other.astype(bool), refused


_THOUSANDS = _Refused(
    "Неясно: тысячи или дробь", "Впишите целое число одними цифрами, например 1234."
)


def _why_no_number(text: str, found: float, dtype: str) -> _Refused:
    meaning, remedy = WANTED[dtype]
    if dtype == "Int64" and re.fullmatch(_MAYBE_THOUSANDS, text):
        return _THOUSANDS
    if found == 0 or abs(found) >= _LARGEST_WHOLE:
        size = "мало" if found == 0 else "велико"
        return _Refused(f"{meaning}, а это слишком {size}", "Проверьте число и исправьте.")
    if not np.isnan(found):
        return _Refused(f"{meaning}, а стоит дробное", remedy)
    if re.fullmatch(_UNCLEAR_NUMBER, text):
        return _Refused(
            f"{meaning}, а здесь и точка, и запятая: неясно, где дробная часть",
            "Впишите число без знаков между тысячами, например 1234,5.",
        )
    if text.endswith("%"):
        return _Refused(f"{meaning} без знака процента", remedy)
    if plain(text) in _flag_words():
        return _Refused(f"{meaning}, а стоит «да» или «нет»", remedy)
    if re.search(r"[0-9]", text):
        return _Refused(f"{meaning} и больше ничего", remedy)
    return _Refused(meaning, remedy)


# --- flags --------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _flag_words() -> dict[str, bool]:
    return {word: flag == "yes" for word, flag in dictionary(synonyms().flags).items()}


def _flags(text: pd.Series) -> tuple[pd.Series, pd.Series, dict]:
    words = dict(_flag_words())
    keys = [plain(word) for word in text]
    if "+" in keys:
        words["-"] = False
    values = pd.Series([words.get(key) for key in keys], dtype="boolean")
    corrected = values.notna() & ~text.str.casefold().isin(["да", "нет"])
    hyphen = _Refused(
        f"{WANTED['bool'][0]}: прочерк может значить и «нет», и «неизвестно»", WANTED["bool"][1]
    )
    return values, corrected.astype(bool), {n: hyphen for n, key in enumerate(keys) if key == "-"}


# --- dates --------------------------------------------------------------------------------------


def _dates(text: pd.Series, epoch: date | None) -> tuple[pd.Series, pd.Series, dict]:
    is_iso = text.str.fullmatch(_ISO).astype(bool)
    days = text.str.slice(0, 10)
    if is_iso.all():
        values = pd.to_datetime(days, format="%Y-%m-%d", errors="coerce").astype(DATE)
        refused = dict.fromkeys(np.flatnonzero(values.isna()), _NO_SUCH_DAY)
        return values, pd.Series(False, text.index), refused
    cells = [cell.strip().casefold() for cell in text[~is_iso]]
    has_month_first = any(map(_is_month_first, cells))
    found = [_date(cell, epoch, is_doubtful=has_month_first) for cell in cells]
    refused = {
        place: reason
        for place, reason in zip(np.flatnonzero(~is_iso), found, strict=True)
        if isinstance(reason, _Refused)
    }
    days = days.where(is_iso)
    read = [None if isinstance(day, _Refused) else day for day in found]
    days[~is_iso] = pd.Series(read, text.index[~is_iso], dtype="str")
    values = pd.to_datetime(days, format="%Y-%m-%d", errors="coerce").astype(DATE)
    impossible = np.flatnonzero(days.notna() & values.isna())
    refused |= dict.fromkeys(impossible, _NO_SUCH_DAY)
    is_usual = is_iso | text.str.fullmatch(r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}").astype(bool)
    return values, ~is_usual & values.notna(), refused


_NO_SUCH_DAY = _Refused(f"{WANTED[DATE][0]}, а такого дня не бывает", _AS_IN_FORM)
_UNCLEAR_DAY = _Refused(
    f"{WANTED[DATE][0]}, а неясно, где день, а где месяц", "Впишите дату через точки: ДД.ММ.ГГГГ."
)
_SHORT_YEAR = _Refused(
    f"{WANTED[DATE][0]} с полным годом: по двум цифрам век неизвестен", _AS_IN_FORM
)
_YEAR_ALONE = _Refused(f"{WANTED[DATE][0]}, а стоит один год", _AS_IN_FORM)
_BARE_SERIAL = _Refused(
    f"{WANTED[DATE][0]}, а стоит число: похоже, программа записала дату порядковым номером дня",
    "Задайте столбцу формат «Дата» и сохраните файл снова или впишите дату в виде ДД.ММ.ГГГГ.",
)


def _is_month_first(text: str) -> bool:
    """Whether a date is one only if the month stands first: «04.13.2023»."""
    match = re.fullmatch(_DOTTED, text)
    return match is not None and 1 <= int(match[1]) <= 12 < int(match[3]) <= 31


def _date(text: str, epoch: date | None, *, is_doubtful: bool) -> str | _Refused:
    """Read a date that is not written as ISO: year, month and day, or why not.

    Points mean that the day stands first, unless other dates of the column make that doubtful.
    """
    if match := re.fullmatch(_DOTTED, text):
        first, mark, second, year = match.groups()
        if len(year) == 2:
            return _SHORT_YEAR
        is_either = 1 <= int(first) <= 12 and int(first) != int(second)
        if is_either and (is_doubtful or mark != "."):
            return _UNCLEAR_DAY
        return f"{year}-{second:>02}-{first:>02}"
    if match := re.fullmatch(_YEAR_FIRST, text):
        year, month, day = match.groups()
        return f"{year}-{month:>02}-{day:>02}"
    if (match := re.fullmatch(_WORDED, text)) and _MONTH.fullmatch(match[2]):
        return f"{match[3]}-{_month(match[2]):02}-{match[1]:>02}"
    if re.fullmatch(rf"(?:19|20)[0-9]{{2}}{_YEAR_WORD}", text):
        return _YEAR_ALONE
    if match := re.fullmatch(_SERIAL, text):
        return _of_serial(int(match[1]), epoch)
    return _Refused(*WANTED[DATE])


def _month(word: str) -> int:
    return next(n for n, stem in enumerate(_MONTHS, start=1) if word.startswith(stem))


def _of_serial(number: int, epoch: date | None) -> str | _Refused:
    if epoch is None:
        return _BARE_SERIAL
    day = np.datetime64(epoch, "D") + number
    if not _FIRST_YEAR <= int(str(day)[:4]) < _LAST_YEAR:
        return _Refused(f"{WANTED[DATE][0]}, а стоит число", _AS_IN_FORM)
    return str(day)


# --- absences and names -------------------------------------------------------------------------


def absent(text: pd.Series) -> pd.Series:
    """Which cells of a score say that somebody was not tested: «н/я», «болел», «-»."""
    words = {plain(word) for word in synonyms().absent}
    return text.isin([value for value in text.dropna().unique() if plain(value) in words])


def split_full_name(text: pd.Series) -> tuple[pd.DataFrame, pd.Series]:
    """Take full names apart.

    Returns
    -------
    Columns «Фамилия», «Имя», «Отчество»; and which cells hold something that is no surname and
    given name in this order. Initials are refused, because they identify nobody.
    """
    sent = text.dropna()
    parts = [_parts(value) for value in sent]
    names = [three or (None, None, None) for three in parts]
    frame = pd.DataFrame(names, index=sent.index, columns=list(PERSON_HEADERS[:3]), dtype="str")
    cannot = pd.Series([not three for three in parts], sent.index, dtype=bool)
    return frame.reindex(text.index), cannot.reindex(text.index, fill_value=False)


def _parts(text: str) -> tuple[str, str, str | None] | tuple[()]:
    words = re.sub(r"\s*-\s*", "-", text.replace(",", " ")).split()
    if any(len(word) < 2 or not _NAME.fullmatch(word) for word in words):
        return ()
    if len(words) == 4 and words[3].casefold() in _PATRONYMIC_WORDS:
        words[2:] = [" ".join(words[2:])]
    if len(words) not in (2, 3) or words[1].casefold() in _PATRONYMIC_WORDS:
        return ()
    is_swapped = _PATRONYMIC.search(words[1].casefold()) is not None
    last = words[-1].casefold()
    if len(words) == 2:
        return () if is_swapped else (words[0], words[1], None)
    ends_well = _PATRONYMIC.search(last) or last.split()[-1] in _PATRONYMIC_WORDS
    if (is_swapped and not ends_well) or last in _PATRONYMIC_WORDS:
        return ()
    return words[0], words[1], words[2]
