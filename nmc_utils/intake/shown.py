"""What of a file may be repeated in a problem: only what cannot be of a person."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from difflib import SequenceMatcher

from nmc_utils.intake import personal
from nmc_utils.intake.columns import folded
from nmc_utils.intake.given import is_given, is_patronymic, looks_like_surname
from nmc_utils.intake.names import Names

NOT_SHOWN = "(текст, не показан)"
_LONGEST, _LONGEST_WORD = 40, 20
_LIKENESS = 0.75
_MOST_DIGITS, _DIGITS_OF_WORD = 6, 3
#: Nobody who teaches was born in this year or later, so a date of it is nobody's date of birth.
_FIRST_YEAR = 2010
_WORD = re.compile(r"[^\W\d_]+")
_INITIAL = re.compile(r"\b(?!г\.)[^\W\d_]\.")
#: A number that may be longer is a phone, a date as spreadsheets keep it, a number of a document.
_NUMBER = re.compile(
    r"[<>≥≤~+\-\u2212]?\s?[0-9]{1,4}(?:\s?[.,/:\-\u2013\u2014]\s?[0-9]{1,4})?"
    r"(?:\s?%|(?:\s?(?:балла?|баллов|лет|года?|г|час(?:а|ов)?|ч|мин|минут|чел|шт|раза?|процент(?:а|ов)?|"
    r"ставк[аи])\.?))?|-?(?:nan|inf)",
    re.IGNORECASE,
)
_MONTH = r"(?:января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября|декабря)"
_DATE = re.compile(
    r"(?:[0-9]{1,2}[./\-][0-9]{1,2}(?:[./\-]([0-9]{2,4}))?|([0-9]{4})[./\-][0-9]{1,2}[./\-][0-9]{1,2}|"
    rf"[0-9]{{1,2}} {_MONTH}(?: ([0-9]{{4}}))?)(?:\s?(?:г\.?|год|года))?",
    re.IGNORECASE,
)
_LIKE_DATE = re.compile(r"[0-9]+[./\-][0-9]+[./\-][0-9]+")
#: A day from 1920 to 2009 as spreadsheets keep it.
_SERIAL = re.compile(r"(?:7[3-9]|[89][0-9])[0-9]{2}|[1-3][0-9]{4}|40[01][0-9]{2}")
#: Words that say nothing by themselves.
_PARTICLES = frozenset(
    str.split("без в во для до за и из или к на не нет ни о об от по при с со у")
)


def number(text: str) -> str:
    """Return what stands where a number belongs, if it is a short number, with its unit at most."""
    is_plain = _NUMBER.fullmatch(text) and sum(map(str.isdecimal, text)) <= _MOST_DIGITS
    return text if is_plain else NOT_SHOWN


def day(text: str) -> str:
    """Return what stands where a date belongs, if it is a date that is nobody's date of birth."""
    if not (match := _DATE.fullmatch(text)):
        return number(text)
    year = next(filter(None, match.groups()), None)
    is_late = year is None or len(year) == 4 and int(year) >= _FIRST_YEAR
    return text if is_late else NOT_SHOWN


def word(text: str, allowed: Collection[str], names: Names) -> str:
    """Return what stands where a word of a list belongs, if it has nothing of a person in it.

    Parameters
    ----------
    text
        The cell.
    allowed
        Folded words of the list.
    names
        Names of the edition.

    Returns
    -------
    The cell, if its words are those of the list, with slips, or if it is a single small word that
    does not look like a name. Several unknown words may be somebody's name, so they are not shown.
    """
    n_digits = sum(map(str.isdecimal, text))
    if len(text) > _LONGEST or n_digits > _MOST_DIGITS or _INITIAL.search(text):
        return NOT_SHOWN
    if personal.is_in(text) or _LIKE_DATE.search(text) or _SERIAL.fullmatch(text):
        return NOT_SHOWN
    words = [part for part in _WORD.findall(text) if folded(part) not in allowed]
    if any(names.know(part) or is_given(part) for part in words):
        return NOT_SHOWN
    unknown = [part for part in words if not _is_near(folded(part), allowed)]
    if not unknown:
        return text
    unknown = [part for part in unknown if folded(part) not in _PARTICLES]
    n_others = len(set(_WORD.findall(text)) - set(unknown) - _PARTICLES)
    is_lone = len(unknown) <= 1 and not n_others and n_digits <= _DIGITS_OF_WORD
    return text if is_lone and all(map(_is_nobody, unknown)) else NOT_SHOWN


def _is_nobody(part: str) -> bool:
    """Whether a word by itself, unknown to any list, does not look like a name."""
    is_name = looks_like_surname(part) or is_patronymic(part)
    return part.islower() and len(part) <= _LONGEST_WORD and not is_name


def header(title: str, known: Iterable[str]) -> str:
    """Return a header that looks like a misspelt one of `known`, else nothing."""
    for other in known:
        alike = SequenceMatcher(None, folded(title), folded(other)).ratio()
        words = words_of([other])
        if alike >= _LIKENESS and all(_is_near(part, words) for part in words_of([title])):
            return title
    return ""


def words_of(texts: Iterable[str]) -> frozenset[str]:
    """Return the folded words of `texts`."""
    return frozenset(part for text in texts for part in _WORD.findall(folded(text)))


def _is_near(part: str, allowed: Collection[str]) -> bool:
    """Whether `part` is a word of the list with a slip; a short word must be the word itself."""

    def most(other: str) -> int:
        longest = max(len(part), len(other))
        return 2 if longest >= 6 else 1 if longest >= 4 else 0

    return any(
        abs(len(part) - len(other)) <= most(other) and _distance(part, other) <= most(other)
        for other in allowed
    )


def _distance(one: str, other: str) -> int:
    """Levenshtein's distance: letters to insert, delete or replace."""
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        diagonal, row[0] = row[0], i
        for j, against in enumerate(other, start=1):
            cost = min(row[j] + 1, row[j - 1] + 1, diagonal + (letter != against))
            diagonal, row[j] = row[j], cost
    return row[-1]
