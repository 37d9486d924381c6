"""Known names in texts that we have made: where they stand, and the texts without them.

Whereas `names` keeps out whatever looks like somebody's name, here only those count that were sent
or that somebody asks for: a surname beside a given name or initials, a given name with a
patronymic, in any case of the language; and a surname by itself where a text asks for it.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import unquote

from nmc_utils.intake.columns import folded
from nmc_utils.intake.names import HONOURED, Names, is_patronymic
from nmc_utils.intake.persons import without_look_alikes
from nmc_utils.reading.cells import INVISIBLE

HIDDEN = "[имя скрыто]"

_WORD = re.compile(r"[^\W\d_]+")
#: What may stand between the parts of a name.
_JOIN = re.compile(r"[\s.,;:()/\-_|'\"«»\[\]\\]*")
_PARAGRAPH = re.compile(r"\n\s*\n")
#: Commands of a terminal, tags and the like, which are no part of a text.
_MARKUP = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|</?[A-Za-z!][^<>]{0,2000}>|&[a-z]{2,8};")
_BRACKETS = re.compile(r"[<>=]")
_UNSEEN = re.compile(f"[\u0300\u0301{INVISIBLE}]")
_ESCAPED = re.compile(r"\\[uU][0-9a-fA-F]{4}|&#[xX]?[0-9a-fA-F]+;|%[dD][01]%|\\x[dD][01]\\x")
_UNICODE = re.compile(r"\\[uU]([0-9a-fA-F]{4})")
_BYTES = re.compile(r"(?:\\x[0-9a-fA-F]{2}){2,}")

_SURNAME, _GIVEN, _PATRONYMIC, _ORDINARY, _CAPITAL, _ASKED, _INITIAL, _LETTER = (
    1 << n for n in range(8)
)


def _blank(match: re.Match[str]) -> str:
    """Spaces instead of markup; of a tag that holds a text the text stays."""
    markup = match[0]
    return " " * len(markup) if markup.isascii() else _BRACKETS.sub(" ", markup)


class _Token(NamedTuple):
    start: int
    end: int
    kinds: int


class Finder:
    """Finds known names in texts.

    Parameters
    ----------
    names
        Those that were sent.
    ordinary
        Folded words of the product itself: a surname that is one of them does not count by itself.
    asked
        Names whose surnames count in any spelling and wherever they stand.
    """

    def __init__(
        self, names: Names, ordinary: Collection[str] = frozenset(), asked: Names | None = None
    ):
        self.names = names
        self.ordinary = ordinary
        self.asked = asked or Names()
        self._known: dict[str, int] = {}

    def find(self, text: str, *, is_lone_enough: bool) -> list[tuple[int, int]]:
        """Return where names stand in a text (start, end); lone surnames too if they are enough.

        The text has to be `legible`.
        """
        honoured = None
        found = []
        blank = _MARKUP.sub(_blank, text)
        for run in self._runs(blank):
            spans = list(_full_names(run))
            for token in run:
                if token.kinds & _ASKED or (is_lone_enough and _is_lone(token.kinds)):
                    spans.append((token.start, token.end))
            if not spans:
                continue
            if honoured is None:
                honoured = [match.span() for match in HONOURED.finditer(blank)]
            has_given = any(token.kinds & (_GIVEN | _ASKED) for token in run)
            found += [s for s in spans if has_given or not _is_inside(s, honoured)]
        return _merged(found, text)

    def _runs(self, text: str) -> Iterator[list[_Token]]:
        """Words that may be parts of names and stand together."""
        run: list[_Token] = []
        last = -1  # number of the word before
        for number, match in enumerate(_WORD.finditer(text)):
            word, (start, end) = match[0], match.span()
            if end - start == 1:
                kinds = _kinds_of_letter(word, text[end : end + 1] == ".")
            else:
                kinds = self._known.get(word, -1)
                if kinds < 0:
                    kinds = self._known[word] = self._kinds_of(word)
            if not kinds:
                continue
            token = _Token(start, end, kinds)
            if run and (number != last + 1 or not _stand_together(run[-1], token, text)):
                yield run
                run = []
            run.append(token)
            last = number
        if run:
            yield run

    def _kinds_of(self, word: str) -> int:
        is_given = self.names.has_given(word) or self.asked.has_given(word)
        kinds = _SURNAME * self.names.has_surname(word) | _GIVEN * is_given
        kinds |= _ASKED * self.asked.has_surname(word)
        if not kinds:
            return 0
        if kinds & _GIVEN and is_patronymic(word):
            kinds |= _PATRONYMIC
        if folded(without_look_alikes(word)) in self.ordinary:
            kinds |= _ORDINARY
        return kinds | _CAPITAL * word[0].isupper()


def _stand_together(one: _Token, other: _Token, text: str) -> bool:
    """Whether two words may be parts of one name; words of the product are in one paragraph."""
    if not _JOIN.fullmatch(text, one.end, other.start):
        return False
    is_product = bool(one.kinds & other.kinds & _ORDINARY)
    return not (is_product and _PARAGRAPH.search(text, one.end, other.start))


def _kinds_of_letter(letter: str, is_dotted: bool) -> int:
    if letter.isupper() and is_dotted:
        return _INITIAL | _LETTER
    return _LETTER if letter.isupper() or is_dotted else 0


def _is_lone(kinds: int) -> bool:
    return bool(kinds & _SURNAME and kinds & _CAPITAL and not kinds & _ORDINARY)


def _full_names(run: list[_Token]) -> Iterator[tuple[int, int]]:
    """Names of several parts among words that stand together."""
    for place, (one, other) in enumerate(pairwise(run)):
        both = one.kinds | other.kinds
        sides = ((one.kinds, other.kinds), (other.kinds, one.kinds))
        is_name = any(a & _SURNAME and b & (_GIVEN | _INITIAL) for a, b in sides)
        is_name |= bool(one.kinds & _GIVEN and other.kinds & _PATRONYMIC)
        third = run[place + 2] if place + 2 < len(run) else None
        if third and one.kinds & _SURNAME and other.kinds & third.kinds & _LETTER:
            is_name = True
        words = [kinds for kinds in (one.kinds, other.kinds) if not kinds & _LETTER]
        is_small = not all(kinds & _CAPITAL for kinds in words)
        is_prose = is_small and all(kinds & _ORDINARY for kinds in words)
        if is_name and (both & _ASKED or not is_prose):
            first, last = _widened(run, place, place + 1)
            yield run[first].start, run[last].end


def _widened(run: list[_Token], first: int, last: int) -> tuple[int, int]:
    """Take the parts of the same name in that stand on either side."""
    part = _SURNAME | _GIVEN | _LETTER
    while first and run[first - 1].kinds & part and run[first - 1].kinds & (_CAPITAL | _LETTER):
        first -= 1
    while last + 1 < len(run) and run[last + 1].kinds & (_CAPITAL | _LETTER):
        last += 1
    return first, last


def _is_inside(span: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in others)


def _merged(spans: list[tuple[int, int]], text: str) -> list[tuple[int, int]]:
    """Join spans that overlap, and the parts of a double surname."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and text[merged[-1][1] : start] in ("", "-"):
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


# --- readings of a text ---------------------------------------------------------------------------


def legible(text: str) -> str:
    """Return a text with its letters composed and nothing invisible among them."""
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return _UNSEEN.sub("", text) if _UNSEEN.search(text) else text


def is_escaped(text: str) -> bool:
    """Whether letters in a text may be escaped, in one of the ways of `unescaped`."""
    return bool(_ESCAPED.search(text))


def unescaped(text: str) -> str:
    """Return a text with escaped letters made plain: of JSON, HTML, addresses and Python."""
    if not is_escaped(text):
        return text
    text = _UNICODE.sub(lambda match: chr(int(match[1], 16)), html.unescape(text))
    text = _BYTES.sub(lambda match: _decoded(match[0]), text)
    return unquote(text, errors="ignore") if "%" in text else text


def _decoded(escaped: str) -> str:
    return bytes.fromhex(escaped.replace("\\x", "")).decode("utf-8", errors="replace")


def redactor(finder: Finder) -> Callable[[str, bool], str]:
    """Return what hides names in a text, lone surnames too where it is of an error.

    A text without names comes back as it is.
    """

    def hide(text: str, is_error: bool) -> str:
        spans = finder.find(text, is_lone_enough=is_error)
        for start, end in reversed(spans):
            text = text[:start] + HIDDEN + text[end:]
        return text

    def redact(text: str, is_error: bool) -> str:
        plain = legible(text)
        hidden = hide(plain, is_error)
        decoded = legible(unescaped(hidden))
        if decoded != hidden and (without := hide(decoded, is_error)) != decoded:
            return without
        return text if hidden == plain else hidden

    return redact
