"""Personal data that nobody has asked for: columns of it, told by their kind, and cells with it."""

from __future__ import annotations

import re

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
_GAP = r"[\s.\-\u2010-\u2013]{0,2}"
#: What is nobody's title wherever it stands in a text; digits of a longer number are none of it.
_CONTACTS = re.compile(
    r"[^@\s]+@[^@\s]+\.[^\W\d_]{2,}"
    r"|\b(?:тел|моб|сот)(?:\.|ефон\w*|ильн\w*|ов\w*)?\s*[:№]?\s*[+(]?[0-9]"
    r"|\b(?:снилс|паспорт\w*)\W{0,3}(?:сер\w*|№|н\w*)?\W{0,3}[0-9]"
    r"|(?<![0-9])(?:"
    rf"[0-9]{{3}}[\s\-]?[0-9]{{3}}[\s\-][0-9]{{3}}[\s\-]{{0,3}}[0-9]{{2}}"
    rf"|(?:\+?7|8){_GAP}\(?(?:[0-9]{{3}}\)?{_GAP}[0-9]{{3}}|[0-9]{{4}}\)?{_GAP}[0-9]{{2}}"
    rf"|[0-9]{{5}}\)?{_GAP}[0-9]){_GAP}[0-9]{{2}}{_GAP}[0-9]{{2}}"
    rf"|\(?9[0-9]{{2}}\)?[\s\-][0-9]{{3}}[\s\-][0-9]{{2}}{_GAP}[0-9]{{2}}"
    r"|(?!20[0-3])[0-9]{2} ?[0-9]{2} (?:№ ?)?[0-9]{6}"
    r")(?![0-9])",
    re.IGNORECASE,
)
_TAXPAYER = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")


def is_in(text: str) -> bool:
    """Whether a phone, an address of mail or the number of a person's document is in a text."""
    return bool(_CONTACTS.search(text)) or any(map(_is_inn, _TAXPAYER.findall(text)))


def rows_with_contacts(text: pd.Series, *, are_codes: bool = False) -> pd.Series:
    """Which cells of `text` hold a phone, an address of mail or the number of a document.

    Where cells are codes, one of digits alone is a code: eleven digits may be a phone or a code of
    a municipality.
    """
    values = text.dropna().unique().tolist()
    return text.isin([v for v in values if is_in(v) and not (are_codes and v.isdecimal())])


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
