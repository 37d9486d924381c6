"""Cells become text: numbers as they would be typed, texts without what nobody sees."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from nmc_utils.reading.refusal import (
    CONTROL,
    LONGEST_TEXT,
    NO_VALUE,
    TOO_LONG,
    Fault,
    error_in,
)

_EXACT = 1e15  # whole numbers up to here are exact in a spreadsheet
TEXT = pa.large_string()
#: Texts of these signs, words parted by one space, need no closer look; nor do most others of them.
_SIGNS = r"!$%&()*+,\-./0-9:;<=>?@A-Z\[\]^_a-z{|}~\"«»А-Яа-яЁё№–—"
_PLAIN = rf"^[{_SIGNS}][{_SIGNS}#']*(?: [{_SIGNS}#']+)*$"
_PLAIN_LENGTH = 1_000
#: Signs that nobody sees, for a class of a regular expression: what is read, names of people and
#: what is hidden of them must agree on them.
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
)
_UNSEEN = re.compile(f"[{INVISIBLE}]")
_SPACES = re.compile(r"[\s\u2800\u3164]+")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1b\x7f\ufffe\uffff]")
_APOSTROPHE = re.compile(r"['’‘`](?=[0-9])[0-9., %:/-]+")
#: Types of which no value equals one of another: 1.0 is True, but «1» and a day are no number.
_UNEQUAL = {float, str, date, datetime}
#: Stands for a formula that was never calculated: no text of a file can be this.
UNCALCULATED = "\0formula"


class Cleaned(NamedTuple):
    """What is left of a text: None when nothing is, or when there is a fault."""

    text: str | None
    is_changed: bool
    fault: Fault | None


def cleaned(text: str) -> Cleaned:
    """Bring a text to NFC without invisible characters and superfluous spaces."""
    return _known(text) if len(text) < 100 else _cleaned(text)


def _cleaned(text: str) -> Cleaned:
    if text == UNCALCULATED:
        return Cleaned(None, False, NO_VALUE)
    whole = unicodedata.normalize("NFC", text)
    if len(whole) > LONGEST_TEXT:
        return Cleaned(None, False, TOO_LONG)
    seen = _SPACES.sub(" ", _UNSEEN.sub("", whole)).strip()
    if _CONTROLS.search(seen):
        return Cleaned(None, False, CONTROL)
    if _APOSTROPHE.fullmatch(seen):
        seen = seen[1:]
    fault = error_in(seen)
    return Cleaned(None if fault else seen or None, bool(seen) and seen != whole, fault)


_known = lru_cache(maxsize=50_000)(_cleaned)


class Cleaner:
    """Cleans the columns of a sheet and remembers what it met.

    Attributes
    ----------
    n_cleaned
        Cells that changed by more than NFC.
    faults
        (row, column, fault) of cells without a usable value; both count from 0.
    """

    def __init__(self) -> None:
        self.n_cleaned = 0
        self.faults: list[tuple[int, int, Fault]] = []

    def column(self, values: Sequence[Any], first_row: int, number: int) -> pa.Array:
        """Return the column `number` as clean text; its first cell stands in `first_row`."""
        kinds = set(map(type, values))
        texts = _texts(values, kinds)
        if str not in kinds or texts.null_count == len(texts):
            return texts
        plain = pc.match_substring_regex(texts, _PLAIN)
        if pc.max(pc.binary_length(texts)).as_py() > _PLAIN_LENGTH:
            plain = pc.and_(plain, pc.less(pc.binary_length(texts), _PLAIN_LENGTH))
        if pc.all(plain).as_py():
            return texts
        doubtful = pc.invert(plain.fill_null(True))
        rows = pc.indices_nonzero(doubtful).to_pylist()
        if not rows:
            return texts
        new = []
        for row, text in zip(rows, texts.filter(doubtful).to_pylist(), strict=True):
            result = cleaned(text)
            new.append(result.text)
            self.n_cleaned += result.is_changed
            if result.fault:
                self.faults.append((first_row + row, number, result.fault))
        return pc.replace_with_mask(texts, doubtful, pa.array(new, TEXT))


def _texts(column: Sequence[Any], kinds: set[type]) -> pa.Array:
    """Text of the values of a column, as calamine gives them."""
    if kinds == {float}:
        return _numbers(column)
    if kinds == {str}:
        return _without_blanks(pa.array(column, TEXT))
    if kinds <= _UNEQUAL:  # one table of known texts will do
        return pa.array(map(_Known().__getitem__, column), TEXT, size=len(column))
    return pa.array([_text(value) for value in column], TEXT)


def percent(value: float) -> str:
    """Text of a number that its sender sees with a percent sign: 0.075 is «7.5%»."""
    return f"{(Decimal(repr(value)) * 100).normalize():f}%"


def _numbers(column: Sequence[float]) -> pa.Array:
    numbers = pa.array(column, pa.float64())
    span = pc.min_max(numbers)
    if -_EXACT < span["min"].as_py() <= span["max"].as_py() < _EXACT:
        try:
            return numbers.cast(pa.int64()).cast(TEXT)
        except pa.ArrowInvalid:  # not all are whole
            pass
    return pa.array(map(_Known().__getitem__, column), TEXT, size=len(column))


def _without_blanks(texts: pa.Array) -> pa.Array:
    blank = pc.equal(pc.binary_length(texts), 0)
    return pc.if_else(blank, pa.scalar(None, TEXT), texts) if pc.any(blank).as_py() else texts


class _Known(dict[Any, str | None]):
    """Texts of the values met so far."""

    def __missing__(self, value: Any) -> str | None:
        self[value] = _text(value)
        return self[value]


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "да" if value else "нет"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)
    if isinstance(value, datetime) and not (value.hour or value.minute or value.second):
        return value.date().isoformat()
    if isinstance(value, date | datetime):  # with a time of day it reads 2023-09-01T12:30:00
        return value.isoformat()
    if isinstance(value, timedelta):
        return _duration(value)
    return None if value is None else str(value)


def _duration(value: timedelta) -> str:
    seconds = round(value.total_seconds())
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
