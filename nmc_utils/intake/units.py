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

_SIGNED = r"([+-]?[0-9]{1,40}(?:[.,][0-9]{1,40})?)\s*%"
_BARE = r"[+-]?[0-9]{1,40}(?:[.,][0-9]{1,40})?"
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
    signed = text.str.fullmatch(_SIGNED).fillna(False).astype(bool)
    bare = text.str.fullmatch(_BARE).fillna(False).astype(bool)
    numbers = pd.to_numeric(text.where(bare).str.replace(",", ".", regex=False))
    other = bare & numbers.ne(0)
    none = pd.Series(False, text.index)
    if signed.any() and other.any():
        return _unit(text, None, kind, signed | other, _MIXED)
    if signed.any():
        return _unit(text, 0.01, kind, none, _MIXED, signed)
    if "%" in header or _says(header, "процент", "проц"):
        is_small = other & numbers.abs().le(1)
        factor = 0.01 if numbers.abs().gt(1).any() or not is_small.any() else None
        return _unit(text, factor, kind, is_small, _UNCLEAR, bare)
    if kind == "score" and _says(header, "доля", "долях", "доли"):
        return _unit(text, 1.0, kind, numbers.gt(1), _NO_SHARE, bare, is_share=True)
    return _unit(text, 1.0, kind, none, _MIXED)


def _unit(
    text: pd.Series,
    factor: float | None,
    kind: str,
    wrong: pd.Series,
    reason: tuple[str, str],
    converted: pd.Series | None = None,
    *,
    is_share: bool = False,
) -> Unit:
    cells = text.mask(wrong)
    if factor == 0.01:
        values = cells[converted & ~wrong].dropna().unique()
        cells = cells.replace({value: _hundredth(value) for value in values})
    meaning, remedy = (
        pd.Series(part, text.index, dtype="str").where(wrong.astype(bool)) for part in reason
    )
    is_percent = kind == "score" and (is_share or factor == 0.01)
    return Unit(factor, is_percent, wrong.astype(bool), meaning, remedy, cells)


def _hundredth(text: str) -> str:
    number = text.rstrip("%").strip().replace(",", ".")
    return format(Decimal(number).scaleb(-2).normalize(), "f")


def _says(header: str, *words: str) -> bool:
    """Whether a header has a word that begins so."""
    return any(re.search(rf"\b{word}", plain(header)) for word in words)
