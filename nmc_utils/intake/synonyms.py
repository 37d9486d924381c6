"""What people write instead of the agreed words, kept as data in ``synonyms.yaml``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from importlib.resources import files
from typing import Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict

#: Least likeness, from 0 to 1, of words that one may have been written for the other.
LIKENESS = 0.6
#: Words that are compared closely: those that share most letters with what was written.
_LOOKED_AT = 16
_LETTER = r"[^\W\d_]"
_WORD = re.compile(rf"{_LETTER}+")
_LATIN, _CYRILLIC = "abcehkmoptxy", "авсенкмортху"
_ALIKE = str.maketrans(_LATIN, _CYRILLIC)


class Synonyms(BaseModel):
    """The content of ``synonyms.yaml``; a mistake in it stops the program when it is loaded."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    sheets: dict[str, list[str]]
    explanations: list[str]
    unnamed: list[str]
    persons: dict[str, list[str]]
    full_name: list[str]
    columns: dict[str, list[str]]
    columns_of: dict[str, dict[str, list[str]]]
    ignored: list[str]
    items: list[str]
    personal: dict[str, list[str]]
    notes: list[str]
    units: list[str]
    words: dict[str, dict[str, list[str]]]
    words_of: dict[str, dict[str, dict[str, list[str]]]]
    flags: dict[Literal["yes", "no"], list[str]]
    absent: list[str]

    def of_column(self, table: str, column: str) -> list[str]:
        """Headers that people write over a column of a table."""
        return [*self.columns.get(column, ()), *self.columns_of.get(table, {}).get(column, ())]


@lru_cache(maxsize=1)
def synonyms() -> Synonyms:
    """Read and check the synonyms, once."""
    text = files("nmc_utils.intake").joinpath("synonyms.yaml").read_text("utf-8")
    return Synonyms.model_validate(yaml.load(text, Loader=_Words))


def dictionary(meanings: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Turn meaning → what people write into what they write, as `plain`, → meaning.

    Raises
    ------
    ValueError
        A word has two meanings.
    """
    found: dict[str, str] = {}
    for meaning, words in meanings.items():
        for word in words:
            other = found.setdefault(plain(word), meaning)
            if other != meaning:
                raise ValueError(f"synonyms.yaml: «{word}» is both {other} and {meaning}")
    return found


class _Words(yaml.SafeLoader):
    """YAML of which every scalar is text: «no», «yes» and «N» are words here."""


_Words.yaml_implicit_resolvers = {}


def folded(text: str) -> str:
    """Bring spellings of one word together: case, ё and е, spaces, kinds of hyphen, «60 %»."""
    text = re.sub(r"\s*[-\u2010-\u2015]\s*", "-", text.casefold().replace("ё", "е"))
    text = re.sub(r"\s+%", "%", text)
    return " ".join(text.split())


@lru_cache(maxsize=50_000)
def plain(text: str) -> str:
    """Bring spellings of one title together, more than `folded` does.

    Dots, commas, slashes, quotes, hyphens within words, footnote marks and Latin letters in the
    place of Cyrillic ones that look alike do not matter either: «Ф. И. О.» and «ФИО», «Кол-во» and
    «колво» are one. Lone hyphens and signs stay, because they may be all that a cell says.
    """
    text = folded(text)
    text = re.sub(r"[«»„“”\"'`’¹²³⁴⁵⁶⁷⁸⁹⁰]", "", text)
    text = re.sub(rf"(?<=\b{_LETTER})\.\s*(?={_LETTER}\b)", "", text)
    text = re.sub(rf"(?<={_LETTER})-(?={_LETTER})", "", text)
    text = re.sub(r"\s*№\s*", " № ", text)
    text = re.sub(r"(?<![0-9])[.,:;*](?=\w)|(?<=\w)[.,:;*]+(?![0-9])|[.,:;*]+(?=\s|$)|/", " ", text)
    return " ".join(_single_script(text).split())


def _single_script(text: str) -> str:
    """Write words in Cyrillic that look as if they were, whatever of their letters is Latin."""

    def cyrillic(match: re.Match[str]) -> str:
        latin = [letter for letter in match[0] if "a" <= letter <= "z"]
        return match[0].translate(_ALIKE) if set(latin) <= set(_LATIN) else match[0]

    return _WORD.sub(cyrillic, text)


def nearest(word: str, allowed: Iterable[str], n: int = 3) -> list[str]:
    """Return at most `n` of `allowed` for which `word` may have been meant, the likest first.

    Likeness cannot be more than the letters that two words share allow, so only the words that
    share most are looked at closely.
    """
    key, letters = plain(word), _Letters.of(tuple(dict.fromkeys(allowed)))
    most = letters.most_likeness(key)
    likely = np.flatnonzero(most >= LIKENESS)
    likely = likely[np.argsort(-most[likely], kind="stable")][: max(_LOOKED_AT, n)]
    found: list[tuple[float, str]] = []
    matcher = SequenceMatcher(None, "", key, autojunk=False)
    for at in likely:
        if len(found) >= n and most[at] < found[n - 1][0]:
            break
        matcher.set_seq1(letters.keys[at])
        if (ratio := matcher.ratio()) >= LIKENESS:
            found.append((ratio, letters.words[at]))
            found.sort(key=lambda pair: (-pair[0], pair[1]))
    return [other for _, other in found[:n]]


@dataclass(frozen=True)
class _Letters:
    """Words, their plain spellings, and how often each letter stands in them."""

    words: tuple[str, ...]
    keys: list[str]
    lengths: np.ndarray
    places: dict[str, int]
    counts: np.ndarray

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, words: tuple[str, ...]) -> _Letters:
        """Count the letters of `words`, once."""
        keys = [plain(word) for word in words]
        places = {letter: at for at, letter in enumerate(sorted(set("".join(keys))))}
        counts = np.zeros((len(places), len(keys)), dtype="int32")
        for number, key in enumerate(keys):
            for letter in key:
                counts[places[letter], number] += 1
        return cls(words, keys, np.array([len(key) for key in keys]), places, counts)

    def most_likeness(self, key: str) -> np.ndarray:
        """The most that the likeness of `key` to each word can be."""
        mine = [(self.places[a], n) for a, n in Counter(key).items() if a in self.places]
        rows, numbers = [at for at, _ in mine], np.array([[n] for _, n in mine], dtype="int32")
        shared = np.minimum(self.counts[rows], numbers.reshape(-1, 1)).sum(axis=0)
        return 2 * shared / np.maximum(self.lengths + len(key), 1)
