"""The names that an edition knows: of what was sent, read again, and of its crosswalk."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.intake import crosswalk
from nmc_utils.intake.columns import other_persons, table_of
from nmc_utils.intake.files import read_folder
from nmc_utils.intake.names import Names, is_patronymic
from nmc_utils.intake.persons import PERSON_HEADERS
from nmc_utils.intake.protected import KeyFileError
from nmc_utils.intake.redaction import legible
from nmc_utils.intake.synonyms import dictionary, plain, synonyms
from nmc_utils.intake.workbook import Sheet
from nmc_utils.tables import SCHEMAS
from nmc_utils.terms import CODED_IN

_SURNAME, _FULL = PERSON_HEADERS[0], "full name"
_DEPTH = 40  #: rows from the top in which a header may stand
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def known_names(edition: Edition) -> Names:
    """Collect the names of an edition; nothing is checked and no table is written.

    Sheets that intake refuses hold names as well, so a header is all that is asked of a sheet. A
    crosswalk that is damaged or not safe adds nothing: it is made of what was sent.
    """
    sheets = (sheet for book in read_folder(edition).books for sheet in book.sheets)
    sent = [column for sheet in sheets for column in _columns(sheet)]
    full = pd.concat([pd.Series(dtype="str"), *(cells for kind, cells in sent if kind == _FULL)])
    return Names.union(
        [
            Names.of(
                [cells for kind, cells in sent if kind == _SURNAME],
                [cells for kind, cells in sent if kind not in (_SURNAME, _FULL)],
            ),
            names_in(full.dropna().unique()),
            _of_crosswalk(edition),
        ]
    )


def names_in(texts: Iterable[str]) -> Names:
    """Take full names apart, wherever the surname stands: «Анна Ильинична С.», «С. Анна»."""
    surnames, given = [], []
    for text in texts:
        words = _WORD.findall(legible(text))
        places = [place for place, word in enumerate(words) if place and is_patronymic(word)]
        first = places[-1] - 1 if places else 1
        last = places[-1] + 1 if places else len(words)
        given += words[first:last]
        surnames += words[:first] + words[last:]
    return Names.of([pd.Series(surnames, dtype="str")], [pd.Series(given, dtype="str")])


def _columns(sheet: Sheet) -> Iterator[tuple[str, pd.Series]]:
    """Columns of a sheet with a header of names above them, and which part of the name it is."""
    table = table_of(sheet.name)
    others, of_codes = _headers_of_others(table), _headers_of_codes(table)
    for position, cells in sheet.grid.items():
        for row, text in cells.head(_DEPTH).dropna().items():
            if kind := _part_of_name(text) or others.get(plain(text)):
                yield kind, sheet.grid.loc[row + 1 :, position]
                break
            if plain(text) in of_codes:  # «эксперт» under «Реестр» is a word and no header
                break


@lru_cache(maxsize=100_000)
def _part_of_name(header: str) -> str | None:
    return _headers().get(plain(header))


@lru_cache(maxsize=len(SCHEMAS) + 1)
def _headers_of_others(table: str | None) -> dict[str, str]:
    """Headers of another person on a sheet, where one cell holds the whole name."""
    if table is None:
        return {}
    words = [
        word
        for name in other_persons(table)
        for word in (SCHEMAS[table].columns[name].title, *synonyms().of_column(table, name))
    ]
    return dictionary({_FULL: words})


@lru_cache(maxsize=len(SCHEMAS) + 1)
def _headers_of_codes(table: str | None) -> frozenset[str]:
    """Headers of columns that hold agreed words: below them nobody's name is looked for."""
    if table is None:
        return frozenset()
    columns = [name for name in CODED_IN.get(table, {}) if name in SCHEMAS[table].columns]
    words = [
        word
        for name in columns
        for word in (SCHEMAS[table].columns[name].title, *synonyms().of_column(table, name))
    ]
    return frozenset(map(plain, words))


@lru_cache(maxsize=1)
def _headers() -> dict[str, str]:
    parts = {part: [part, *synonyms().persons.get(part, ())] for part in PERSON_HEADERS[:-1]}
    return dictionary(parts | {_FULL: synonyms().full_name})


def _of_crosswalk(edition: Edition) -> Names:
    try:
        persons = crosswalk.read(edition)
    except (crosswalk.CrosswalkError, KeyFileError):
        persons = None
    if persons is None:
        return Names()
    return Names.of([persons["surname"]], [persons["given"], persons["patronymic"]])
