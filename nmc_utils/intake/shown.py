"""What of a file may be repeated in a problem: only what cannot be anybody's name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from difflib import SequenceMatcher

from nmc_utils.intake.columns import folded
from nmc_utils.intake.names import Names

NOT_SHOWN = "(текст, не показан)"
_LONGEST = 40
_LIKENESS = 0.75
_WORD = re.compile(r"[^\W\d_]+")
_INITIAL = re.compile(r"\b(?!г\.)[^\W\d_]\.")
#: Words beside numbers and in dates.
_UNITS = frozenset(
    str.split(
        "балл балла баллов лет год года г час часа часов ч мин минут чел шт раз процент процента "
        "процентов ставка ставки t e е nan inf января февраля марта апреля мая июня июля августа "
        "сентября октября ноября декабря"
    )
)


def number(text: str) -> str:
    """Return what stands where a number or a date belongs, if it is digits and units alone."""
    is_plain = len(text) <= _LONGEST and words_of([text]) <= _UNITS
    return text if is_plain else NOT_SHOWN


def word(text: str, allowed: Collection[str], names: Names) -> str:
    """Return what stands where a word of a list belongs, if it is short and has no name in it.

    Parameters
    ----------
    text
        The cell.
    allowed
        Folded words of the list.
    names
        Names of the edition.
    """
    if len(text) > _LONGEST or _INITIAL.search(text):
        return NOT_SHOWN
    for part in _WORD.findall(text):
        if folded(part) in allowed:
            continue
        if names.know(part) or not (part.islower() or _is_near(folded(part), allowed)):
            return NOT_SHOWN
    return text


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
