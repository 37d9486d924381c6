"""How a person stands in a workbook: the headers, and the spellings of a name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from functools import lru_cache

import pandas as pd

from nmc_utils.reading.cells import INVISIBLE
from nmc_utils.regions import Region

#: Headers that identify a person in a workbook, in this order.
PERSON_HEADERS = ("Фамилия", "Имя", "Отчество", "Дата рождения")
#: The header of the region's own code of a person, where people go by it.
OWN_CODE = "Личный код"
#: Latin letters that look like Cyrillic ones, in print or in most typefaces.
_LOOK_ALIKE = str.maketrans("ABCEHKMOPTXYaceopxyk\u00cb\u00eb", "АВСЕНКМОРТХУасеорхук\u0401\u0451")
_INVISIBLE = re.compile(f"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f{INVISIBLE}]")
_LETTERS = re.compile(r"[^\W\d_]+")
_LATIN, _CYRILLIC = re.compile("[A-Za-z\u00c0-\u024f]"), re.compile("[\u0400-\u052f]")
_STRESS = re.compile("[\u0300\u0301]")  # what is left of it in NFC stands on a Cyrillic letter
_DIGIT = re.compile("[0-9]")
#: What people write instead of a patronymic that somebody does not have.
_NO_PATRONYMIC = frozenset(
    ("", "нет", "б/о", "б / о", "б.о.", "б. о.", "без отчества", "отсутствует")
)
_DASHES = re.compile(r"\s*[-\u2010-\u2015\u2212]+\s*")


def person_headers(region: Region) -> tuple[str, ...]:
    """Headers by which the workbooks of a region tell of a person; the first stands for all."""
    return (OWN_CODE, *PERSON_HEADERS) if region.identity == "own_code" else PERSON_HEADERS


def required_of_person(region: Region, table: str) -> tuple[str, ...]:
    """Those of `person_headers` without which a row of `table` cannot be taken.

    Where people go by the region's own code, names may be left out, and the date of birth is asked
    for once, where the year of birth is made of it.
    """
    surname, given, _, born = PERSON_HEADERS
    if region.identity == "own_code":
        return (OWN_CODE, born) if table == "staff" else (OWN_CODE,)
    return (surname, given, born)


def person_cell(surname: str, given: str, patronymic: str | None, born: date) -> str:
    """Write a person as one cell does: «Фамилия Имя Отчество, 21.11.1985»."""
    return f"{' '.join(filter(None, (surname, given, patronymic)))}, {born:%d.%m.%Y}"


def without_look_alikes(text: str) -> str:
    """Make Latin letters Cyrillic in words that have both; take out what cannot be seen."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    if text.isascii() or not _LATIN.search(text):
        return text
    return _LETTERS.sub(
        lambda word: word[0].translate(_LOOK_ALIKE) if _is_mixed(word[0]) else word[0], text
    )


def _is_mixed(word: str) -> bool:
    return bool(_LATIN.search(word) and _CYRILLIC.search(word))


def mixed_script(cells: pd.Series) -> pd.Series:
    """Which cells hold a word with letters of both the Latin and the Cyrillic alphabet."""
    found = [
        value for value in cells.dropna().unique() if any(map(_is_mixed, _LETTERS.findall(value)))
    ]
    return cells.isin(found)


def normalise(names: pd.Series) -> pd.Series:
    """Bring spellings of one name together.

    Case, ё and е, Unicode form, spaces and hyphens, Latin letters among Cyrillic ones, invisible
    characters. A dash instead of a patronymic is an empty one. Missing names stay missing.
    """
    return by_value(names, _normal)


def without_patronymic(names: pd.Series) -> pd.Series:
    """Which cells say that somebody has no patronymic: empty ones, a dash, «нет», «б/о»."""
    said = [name for name in names.dropna().unique() if _normal(name) in _NO_PATRONYMIC]
    return names.isna() | names.isin(said)


def unidentifying(names: pd.Series) -> pd.Series:
    """Which surnames or given names have a digit or an initial: nobody can be told by them."""
    return by_value(names, lambda name: "да" if _is_unidentifying(_normal(name)) else None).notna()


def _is_unidentifying(name: str) -> bool:
    words = [_LETTERS.findall(word) for word in re.split(r"[\s.]+", name)]
    return bool(_DIGIT.search(name)) or any(len("".join(word)) == 1 for word in words)


def by_value(cells: pd.Series, function: Callable[[str], str | None]) -> pd.Series:
    """Apply `function` once to every text there is; what is missing stays missing."""
    codes, distinct = pd.factorize(cells)
    values = pd.array([function(value) for value in distinct.tolist()], dtype="str")
    return pd.Series(values.take(codes, allow_fill=True), cells.index, name=cells.name)


@lru_cache(maxsize=300_000)  # a person stands on several sheets
def _normal(name: str) -> str:
    plain = unicodedata.normalize("NFC", without_look_alikes(name).casefold())
    plain = _STRESS.sub("", plain)
    return " ".join(_DASHES.sub("-", plain.replace("ё", "е")).split()).strip(" -")


def folded_code(code: str) -> str:
    """Spellings of one code: «А-007» in either alphabet, capital or small; 007 is not 7."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", code)).upper().translate(_LOOK_ALIKE)
    return "".join(_DASHES.sub("-", text).casefold().split()).strip("-")
