"""Whether a column is in points, as a share or in percent: decided for all its cells at once.

«75», «75 %» and «0,75» may be one result. The header and the sign in the cells decide; where they
leave two readings, the cells are refused.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal, NamedTuple

import pandas as pd

from nmc_utils.intake.synonyms import plain
from nmc_utils.intake.values import numerals

_MIXED = (
    "В столбце есть и проценты со знаком «%», и числа без него: неясно, в чём они",
    "Запишите весь столбец одинаково: либо везде со знаком «%», либо везде без него.",
)
_UNCLEAR = (
    "В заголовке проценты, а число не больше 1: неясно, это доля или доли процента",
    "Впишите процент со знаком «%», например 75 %.",
)
_NO_SHARE = (
    "В заголовке доля, а число больше 1",
    "Впишите долю от 0 до 1, например 0,75, или процент со знаком «%».",
)


class Unit(NamedTuple):
    """The unit of a column.

    Attributes
    ----------
    factor
        What the numbers in the cells were multiplied by; None where the cells are refused.
    is_percent
        Of a score: the cells say a share of the maximum, not points.
    wrong
        Cells that may be read in two ways.
    meaning, remedy
        Of each wrong cell; missing for the others.
    plain
        Cells as text in the unit of the table: points, or a share (of one, of the maximum), without
        the sign of percent; missing where `wrong`. Text that is no number is left as it is.
    """

    factor: float | None
    is_percent: bool
    wrong: pd.Series
    meaning: pd.Series
    remedy: pd.Series
    plain: pd.Series


def decide(text: pd.Series, header: str, kind: Literal["score", "share"]) -> Unit:
    """Decide in what unit a column of one sheet is.

    Parameters
    ----------
    text
        Cells; a cell with a percent format reads «75%».
    header
        What stands above them, with the row of units.
    kind
        "score" for points, which may also be sent as a share of the maximum; "share" for a share of
        one, which may also be sent in percent.

    Notes
    -----
    - all numbers with «%», whatever the header: percent;
    - some with «%», others without: refused, but for 0, which is 0 in any unit;
    - «%» in the header alone: numbers above 1 are percent, numbers in (0, 1] are refused, and all
      of them where none is above 1;
    - «доля» in the header of a score: a share of the maximum; a number above 1 is refused;
    - otherwise the cells are in the unit of the table.
    """
    has_sign = text.str.endswith("%").fillna(False).astype(bool)
    digits = numerals(text.str.removesuffix("%").str.strip())
    is_zero = has_sign & pd.to_numeric(digits).eq(0)
    text, has_sign = text.mask(is_zero, digits), has_sign & ~is_zero
    signed, bare = has_sign & digits.notna(), ~has_sign & digits.notna()
    numbers = pd.to_numeric(digits).where(bare)
    other = bare & numbers.ne(0)
    none = pd.Series(False, text.index)
    if signed.any() and other.any():
        return _refused(text, signed | other, _MIXED)
    if signed.any():
        return _read(text, 0.01, kind == "score", none, _MIXED, digits[signed])
    if "%" in header or _says(header, "процент", "проц"):
        is_small = other & numbers.abs().le(1)
        if is_small.any() and not numbers.abs().gt(1).any():
            return _refused(text, is_small, _UNCLEAR)
        return _read(text, 0.01, kind == "score", is_small, _UNCLEAR, digits[bare & ~is_small])
    if kind == "score" and _says(header, "доля", "долях", "доли"):
        return _read(text, 1.0, True, numbers.gt(1), _NO_SHARE)
    return _read(text, 1.0, False, none, _MIXED)


def _refused(text: pd.Series, wrong: pd.Series, reason: tuple[str, str]) -> Unit:
    return _read(text, 1.0, False, wrong, reason)._replace(factor=None)


def _read(
    text: pd.Series,
    factor: float,
    is_percent: bool,
    wrong: pd.Series,
    reason: tuple[str, str],
    percents: pd.Series | None = None,
) -> Unit:
    """Make a unit of its parts; `percents` are the numbers to divide by a hundred."""
    cells = text.mask(wrong)
    if percents is not None:
        shares = percents.map({value: _hundredth(value) for value in percents.unique()})
        cells = shares.astype("str").reindex(text.index).fillna(cells)
    meaning, remedy = (pd.Series(part, text.index, dtype="str").where(wrong) for part in reason)
    return Unit(factor, is_percent, wrong, meaning, remedy, cells)


def _hundredth(digits: str) -> str:
    return format(Decimal(digits).scaleb(-2).normalize(), "f")


def _says(header: str, *words: str) -> bool:
    """Whether a header has a word that begins so."""
    return any(re.search(rf"\b{word}", plain(header)) for word in words)
