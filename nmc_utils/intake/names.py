"""Names of people in cells that are not meant for them.

A name is recognised in any case of the language: «Скоробогатовой» is the surname Скоробогатова, but
«Ивановский» is not Иванов, because «ский» is no ending of a case. A surname by itself is refused
only in a row of its own bearer: in other rows it may be part of a title («Петровская СОШ»).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import pandas as pd

from nmc_utils.intake.columns import folded
from nmc_utils.intake.given import is_patronymic, names_by_given, without_honoured
from nmc_utils.intake.persons import normalise, without_look_alikes

#: Endings of cases of surnames and given names.
_ENDINGS = frozenset(
    str.split(
        "а я у ю ы и е й ь ой ей ою ею ом ем ым им ых их ыми ими ого его ому ему ая яя ую юю ий ый "
        "ие ые ью ам ям ами ями ах ях"
    )
)
_OF_SURNAME = re.compile(r"(?:ая|яя|ий|ый|ой|[аяйь])$")
_OF_GIVEN = re.compile(r"[аяйь]$")
_POSSESSIVE = ("ов", "ев", "ин", "ын")  # Иванова is a form of Иванов, Сорока is not one of «сорок»
_LEAST_SURNAME, _LEAST_GIVEN = 4, 3  # letters of a stem that may take endings
#: Whom a school or a street is named after.
HONOURED = re.compile(
    r"\b(?i:имени|им|памяти)\b\.?\s*(?:[^\W\d_]\.\s*){0,2}[^\W\d_]+(?:-[^\W\d_]+)*"
)
#: Capitalised words that may stand beside «И.О.» and are nobody's surname.
_NOT_SURNAMES = frozenset(
    str.split(
        "блок вариант версия группа директора класс министра приказ приложение протокол раздел "
        "ректора руководителя тест уровень форма часть"
    )
)
_WORD = re.compile(r"[^\W\d_]+")
_BREAK = re.compile(r"[^.,(\s/:\-]")  # what stands between two words that do not belong together


@lru_cache(maxsize=100_000)
def _marks(word: str) -> frozenset[str]:
    """What a word of a text may be a form of: «=» the word itself, «^» with a capital, stems."""
    plain = folded(without_look_alikes(word))
    marks = {"=" + plain} | ({"^" + plain} if word[0].isupper() else set())
    marks |= {plain[:-n] for n in (1, 2, 3) if len(plain) - n >= 3 and plain[-n:] in _ENDINGS}
    return frozenset(marks)


def _marks_of_name(name: str, ending: re.Pattern[str], least: int) -> set[str]:
    """Return marks that a form of `name` has; a short name is recognised as it is, capitalised."""
    stem = ending.sub("", name)
    if len(stem) < least:
        return {"^" + name}
    marks = {stem, "=" + name}
    return marks | {"=" + stem} if stem.endswith(_POSSESSIVE) else marks


def _marks_of_surname(surname: str) -> frozenset[str]:
    words = (word for word in _WORD.findall(surname) if len(word) > 1)
    return frozenset().union(*(_marks_of_name(w, _OF_SURNAME, _LEAST_SURNAME) for w in words))


@dataclass(frozen=True)
class Names:
    """Names of all people of an edition, by the marks of their forms.

    Attributes
    ----------
    surnames, given
        Marks of the surnames; of the given names and patronymics.
    """

    surnames: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()

    @classmethod
    def of(cls, surnames: Iterable[pd.Series], given: Iterable[pd.Series]) -> Names:
        """Collect the names of columns of text."""
        return cls(
            frozenset().union(*map(_marks_of_surname, _distinct(surnames))),
            frozenset().union(
                *(
                    _marks_of_name(word, _OF_GIVEN, _LEAST_GIVEN)
                    for name in _distinct(given)
                    for word in _WORD.findall(name)
                )
            ),
        )

    @classmethod
    def union(cls, several: Iterable[Names]) -> Names:
        """Put the names of several editions together."""
        several = list(several)
        return cls(
            frozenset().union(*(names.surnames for names in several)),
            frozenset().union(*(names.given for names in several)),
        )

    def know(self, word: str) -> bool:
        """Whether `word` is a form of somebody's name."""
        return self.has_surname(word) or self.has_given(word)

    def has_surname(self, word: str) -> bool:
        """Whether `word` is a form of somebody's surname."""
        return not _marks(word).isdisjoint(self.surnames)

    def has_given(self, word: str) -> bool:
        """Whether `word` is a form of somebody's given name or patronymic."""
        return not _marks(word).isdisjoint(self.given)


def _distinct(columns: Iterable[pd.Series]) -> set[str]:
    cells = {name for column in columns for name in column.dropna().unique().tolist()}
    return set(normalise(pd.Series(sorted(cells), dtype="str")))


def rows_with_names(text: pd.Series, surname: pd.Series | None, names: Names) -> pd.Series:
    """Which cells of `text` hold somebody's name.

    Parameters
    ----------
    text
        Cells as they were sent.
    surname
        The surname of the person of each row; None where rows are not about persons.
    names
        The names of the edition.

    Returns
    -------
    Series of booleans: the cell holds the surname of its row in any case; a surname of the edition
    beside a given name, patronymic or initials; any capitalised word beside two initials; a
    given name with a patronymic; or a common given name with what may be a surname. «имени А. С.
    Пушкина» is nobody's name.
    """
    values = text.dropna().unique().tolist()
    if not values:
        return pd.Series(False, text.index)
    named = text.isin([value for value in values if _names_somebody(value, names)])
    return named if surname is None else named | _names_its_person(text, surname)


def _names_its_person(text: pd.Series, surname: pd.Series) -> pd.Series:
    own = normalise(surname)
    of_surname = {name: _marks_of_surname(name) for name in own.dropna().unique().tolist()}
    of_all = frozenset().union(*of_surname.values())
    of_value = {}
    for value in text.dropna().unique().tolist():
        words = _WORD.findall(without_honoured(value))
        marks = frozenset().union(*map(_marks, words)) & of_all
        if marks:
            of_value[value] = marks
    rows = text.isin(list(of_value)) & own.notna()
    named = [
        not of_value[value].isdisjoint(of_surname[name])
        for value, name in zip(text[rows], own[rows], strict=True)
    ]
    return pd.Series(named, text.index[rows], dtype=bool).reindex(text.index, fill_value=False)


def _names_somebody(value: str, names: Names) -> bool:
    plain = without_honoured(value).replace("_", " ")
    if names_by_given(plain):
        return True
    for run in _runs(plain):
        kinds = [_kinds(word, is_dotted, names) for word, is_dotted in run]
        pairs, triples = list(pairwise(kinds)), list(zip(kinds, kinds[1:], kinds[2:], strict=False))
        if any(_is_name_of_two(*pair) for pair in pairs):
            return True
        if any(_is_name_of_three(*triple) for triple in triples):
            return True
    return False


def _runs(value: str) -> Iterator[list[tuple[str, bool]]]:
    """Words that stand together, each with whether a point follows."""
    run: list[tuple[str, bool]] = []
    end = 0
    for match in _WORD.finditer(value):
        if run and _BREAK.search(value, end, match.start()):
            yield run
            run = []
        end = match.end()
        run.append((match[0], value[end : end + 1] == "."))
    if len(run) > 1:
        yield run


def _kinds(word: str, is_dotted: bool, names: Names) -> set[str]:
    """What a word may be: a part of a name known here, one by its look, or an initial."""
    if len(word) == 1:
        return {"Initial" if word.isupper() else "initial"} if is_dotted else {word.upper()}
    kinds, marks = set(), _marks(word)
    if not marks.isdisjoint(names.surnames):
        kinds.add("surname")
    if not marks.isdisjoint(names.given):
        kinds.add("given")
    is_proper = word[0].isupper() and (word[1:].islower() or len(word) >= 4)
    if is_proper and folded(word) not in _NOT_SURNAMES:
        kinds.add("proper")
        if is_patronymic(word):
            kinds.add("patronymic")
    return kinds


def _is_name_of_two(left: set[str], right: set[str]) -> bool:
    if "proper" in left and "patronymic" in right:
        return True
    sides = ((left, right), (right, left))
    return any("surname" in one and other & {"given", "Initial"} for one, other in sides)


def _is_name_of_three(first: set[str], second: set[str], third: set[str]) -> bool:
    if "Initial" in second:
        return ("proper" in first and "Initial" in third) or (
            "Initial" in first and "proper" in third
        )
    return "surname" in first and all(_is_letter(kinds) for kinds in (second, third))


def _is_letter(kinds: set[str]) -> bool:
    """A letter by itself or a small one with a point: «скоробогатова а.а.», «Скоробогатова А А»."""
    return kinds == {"initial"} or any(len(kind) == 1 for kind in kinds)
