"""Columns with personal data that nobody has asked for: told by their kind, never by a value."""

from __future__ import annotations

import pandas as pd

from nmc_utils.intake.synonyms import plain, synonyms

#: Cells that are looked at, and the share of them that must look alike.
_CELLS, _MOST = 500, 0.5
_NAME = r"[А-ЯЁ][а-яё]+(?:-[А-ЯЁ][а-яё]+)?"
#: Kind → what a cell of it looks like.
_LOOKS = {
    "СНИЛС": r"[0-9]{3}-[0-9]{3}-[0-9]{3}[ \-][0-9]{2}",
    "телефон": r"(?:\+?7|8)[ \-]?\(?[0-9]{3,5}\)?[ \-]?[0-9]{1,3}[ \-]?[0-9]{2}[ \-]?[0-9]{2}",
    "электронная почта": r"[^@\s]+@[^@\s]+\.[^\W\d_]{2,}",
    "паспорт": r"[0-9]{2} ?[0-9]{2} ?(?:№ ?)?[0-9]{6}",
    "имя человека": rf"{_NAME} {_NAME} {_NAME}(?:вич|вна|чна|ьич|мич)|{_NAME} [А-ЯЁ]\. ?[А-ЯЁ]\.",
}


def kind_of(header: str | None, cells: pd.Series) -> str | None:
    """Return the kind of personal data that a column holds by its header or most of its cells."""
    by_header = f" {plain(header or '')} "
    for kind, words in synonyms().personal.items():
        if any(f" {plain(word)} " in by_header for word in words):
            return kind
    some = cells.dropna().iloc[:_CELLS]
    for kind, look in _LOOKS.items():
        if len(some) and some.str.fullmatch(look).mean() > _MOST:
            return kind
    return _inn(some)


def _inn(cells: pd.Series) -> str | None:
    """Recognise the numbers of taxpayers by their check digits."""
    numbers = cells[cells.str.fullmatch(r"[0-9]{12}").astype(bool)]
    right = sum(map(_is_inn, numbers))
    return "ИНН" if right and right > _MOST * len(cells) else None


def _is_inn(number: str) -> bool:
    digits = [int(digit) for digit in number]
    weights = (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
    first = sum(w * d for w, d in zip(weights, digits, strict=False)) % 11 % 10
    second = sum(w * d for w, d in zip((3, *weights), digits, strict=False)) % 11 % 10
    return digits[10:] == [first, second]
