"""How numbers, intervals and dates are written in Russian."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from nmc_utils.measures.dictionary import MEASURES, STATUSES
from nmc_utils.terms import BOUNDS, TABLE_TITLES, UNSTATED, decimal, of_places, plural_of
from nmc_utils.terms import DEMONSTRATION as DEMONSTRATION

THIN_SPACE = "\u202f"
NO_BREAK_SPACE = "\u00a0"
MINUS = "−"
NO_HARM = (
    "Для методической поддержки. Не является основанием для аттестации, оплаты труда "
    "и дисциплинарных решений"
)


def number(value: float, digits: int = 0) -> str:
    """Write 11515.26 as «11 515,3» (`digits=1`): decimal comma, thin space in thousands."""
    if pd.isna(value):
        return STATUSES["no_data"]
    return decimal(value, digits)


def percent(share: float, digits: int = 0) -> str:
    """Write a share 0–1 as «12,3 %»; 0 and 100 only where it is exactly that.

    What would round to them gets one decimal: 441 of 443 is «99,5 %», 4 of 10 000 «менее 0,1 %».
    """
    if pd.isna(share):
        return STATUSES["no_data"]
    return f"{per_hundred(share, digits)}{NO_BREAK_SPACE}%"


def percent_interval(low: float, high: float, digits: int = 0) -> str:
    """Write an interval of shares as «21–72 %» or «98,80–99,99 %», by `per_hundred_interval`."""
    return f"{per_hundred_interval(low, high, digits)}{NO_BREAK_SPACE}%"


def per_hundred(share: float, digits: int = 0) -> str:
    """Write a share 0–1 as «12,3» of a hundred, by the rule of `percent`."""
    value = round(100 * float(share), 9)  # as `number`: binary noise is no part of a share
    if not 0 < value < 100:
        return number(value, digits)
    for places in dict.fromkeys((digits, max(digits, 1))):
        text = number(value, places)
        if text.strip("0,") and text.split(",")[0] != "100":
            return text
    edge = 10.0**-places
    if value < 50:
        return BOUNDS["less_than"] + number(edge, places)
    return BOUNDS["more_than"] + number(100 - edge, places)


def per_hundred_interval(low: float, high: float, digits: int = 0) -> str:
    """Write an interval of shares as «21–72» of a hundred, both ends with as many decimals.

    An end that is not 0 or 100 is not written so: both get as many decimals as that takes.
    """
    ends = [round(100 * float(end), 9) for end in (low, high)]  # binary noise is no part of a share
    while any(_rounds_away(end, digits) for end in ends):
        digits += 1
    return "–".join(number(end, digits) for end in ends)


def _rounds_away(value: float, digits: int) -> bool:
    """Whether rounding makes 0 or 100 of a number between them."""
    text = number(value, digits)
    return 0 < value < 100 and (not text.strip("0,") or text.split(",")[0] == "100")


def day(value: date) -> str:
    """Write a date as 21.11.2026."""
    return f"{value:%d.%m.%Y}"


_MONTHS = ("января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября")
_MONTHS += ("октября", "ноября", "декабря")


def dated(text: str) -> str:
    """Write what numbers are dated by: «31 декабря 2023 года», «2023 год», «2021–2023 годы».

    Several dates and periods of facts stand with commas; words, such as «ежегодно», stay.
    """
    return ", ".join(_dated(part) for part in text.split(", "))


def _dated(text: str) -> str:
    if re.fullmatch(r"20\d\d-\d\d-\d\d", text):
        at = date.fromisoformat(text)
        return f"{at.day} {_MONTHS[at.month - 1]} {at.year} года"
    if re.fullmatch(r"20\d\d-20\d\d", text):
        return f"{text.replace('-', '–')} годы"
    if re.fullmatch(r"20\d\d/20\d\d", text):
        return f"{text} учебный год"
    return f"{text} год" if re.fullmatch(r"20\d\d", text) else text


def plural(count: int, one: str, few: str, many: str) -> str:
    """Write «1 группа», «3 группы», «12 групп»."""
    return f"{number(count)}{NO_BREAK_SPACE}{plural_of(count, one, few, many)}"


def persons(count: int) -> str:
    """Write «1 200 чел.»."""
    return f"{number(count)}{NO_BREAK_SPACE}чел."


def size(n: int) -> str:
    """Write «n = 1 200», kept on one line."""
    return f"n{NO_BREAK_SPACE}={NO_BREAK_SPACE}{number(n)}"


def estimate(row: Mapping[str, Any]) -> str:
    """Write the estimate of one row of a measure table in its unit, or its status in words.

    Where a document gives a value only roughly (`bound`), «около» or «более» stands before it.
    """
    if row["status"] != "ok":
        return STATUSES[row["status"]]
    return BOUNDS.get(row.get("bound"), "") + _in_unit(row)


def _in_unit(row: Mapping[str, Any]) -> str:
    value = row["estimate"]
    digits = 0 if float(value).is_integer() else 1
    match MEASURES[row["measure"]].unit:
        case "share":
            # A document's own «75 %» gets no decimal that it does not have.
            whole = row.get("variant") == "published" and (100 * value) % 1 == 0
            return percent(value, 0 if whole else 1)
        case "pp":
            return f"{signed(value)}{NO_BREAK_SPACE}п.п."
        case "ratio":
            return number(value, 2)
        case "yes_no":
            return "да" if value else "нет"
        case "persons":
            return f"{number(value, digits)}{NO_BREAK_SPACE}чел."
        case _:
            return number(value, digits)


def target(row: Mapping[str, Any]) -> str:
    """Write the target of an indicator with its direction and year: «≥ 20 %, 2023»."""
    if pd.isna(row["target"]):
        return "—"
    due = "без срока" if pd.isna(row["target_year"]) else str(int(row["target_year"]))
    unit = MEASURES[row["measure"]].unit
    if unit == "yes_no":
        return f"да, {due}"
    value = percent(row["target"]) if unit == "share" else number(row["target"])
    sign = {">=": "≥", "<=": "≤"}[row["comparator"]]
    return f"{sign}{NO_BREAK_SPACE}{value}, {due}"


def interval(row: Mapping[str, Any]) -> str:
    """Write the interval of one row of a measure table, or an em dash where there is none."""
    if pd.isna(row["ci_low"]) or pd.isna(row["ci_high"]):
        return "—"
    low, high = row["ci_low"], row["ci_high"]
    match MEASURES[row["measure"]].unit:
        case "share":
            return percent_interval(low, high, 1)
        case "pp":
            return points_interval(low, high)
        case "ratio":
            return f"{number(low, 2)}–{number(high, 2)}"
        case _:
            return f"{number(low, 1)}–{number(high, 1)}"


def signed(change: float) -> str:
    """Write a change, as a share of the maximum, in percentage points with its sign: «+4,8»."""
    text = number(100 * change, 1)
    return f"+{text}" if change > 0 and text.strip("0,") else text


def points_interval(low: float, high: float) -> str:
    """Write an interval of a change as «−0,4…+1,2 п.п.»: a dash would meet a minus."""
    return f"{signed(low)}…{signed(high)}{NO_BREAK_SPACE}п.п."


def with_note(row: Mapping[str, Any]) -> str:
    """Write the estimate of a row and, where it is missing, why: «нет данных: …»."""
    note = row.get("note")
    missing = row["status"] != "ok" and isinstance(note, str)
    return f"{estimate(row)}: {note}" if missing else estimate(row)


def incomplete(reporting: pd.DataFrame) -> str:
    """Say which part of the municipalities has reported, and what some of these have not sent.

    Nothing when all have sent all that anybody has.

    Parameters
    ----------
    reporting
        Table of `reporting.reporting`.
    """
    parts = []
    if not reporting["is_reported"].all():
        parts.append(f"Данные представили {reported(reporting)}")
    lacking = reporting.loc[reporting["is_reported"], "not_sent"].explode().dropna().value_counts()
    for table in [name for name in TABLE_TITLES if name in lacking]:
        left = int(reporting["is_reported"].sum()) - lacking[table]
        sent = of_places(left, len(reporting)) if not parts else str(left)
        parts.append(f"таблицу «{TABLE_TITLES[table]}» — {sent}")
    text = ", ".join(parts)
    return text if text.startswith("Данные") or not text else f"Прислали {text}"


def reported(reporting: pd.DataFrame) -> str:
    """Write how many municipalities have reported, as «3 из 4 муниципальных образований»."""
    return of_places(int(reporting["is_reported"].sum()), len(reporting))


def mark(edition_mark: str, reporting: pd.DataFrame) -> str:
    """What must stand under every picture of an edition: its origin, and who has not reported."""
    return ". ".join(filter(None, [edition_mark, incomplete(reporting)]))


def with_unstated(names: Mapping[str, str], values: Iterable[str]) -> dict[str, str]:
    """Add «не указано» to names of municipalities or families where `values` hold `UNSTATED`."""
    return {**names, **({UNSTATED: "не указано"} if UNSTATED in set(values) else {})}


_NUMBER = r"(?:от )?(?:менее |более )?[−\d]"  #: how the text of a number begins
EMPTY = "Строк нет: показать нечего."


@dataclass(frozen=True)
class Readable:
    """A table of text for a reader; words stand left, numbers right, nothing is cut off."""

    frame: pd.DataFrame

    @property
    def numeric(self) -> list[str]:
        """Headings of the columns whose every cell is a number or a missing one."""
        if self.frame.empty:
            return []
        is_number = self.frame.apply(
            lambda column: (
                column.str.match(rf"{_NUMBER}|—$|нет данных$").all()
                and column.str.match(_NUMBER).any()
            )
        )
        return list(self.frame.columns[is_number])

    def __repr__(self) -> str:
        return EMPTY if self.frame.empty else self.frame.to_string()

    def _repr_html_(self) -> str:
        if self.frame.empty:
            return f"<p>{EMPTY}</p>"
        words = [heading for heading in self.frame if heading not in self.numeric]
        left = {"text-align": "left"}
        content = zlib.crc32(self.frame.to_csv().encode())
        style = self.frame.style.set_uuid(f"{content:x}").hide(axis="index").format(escape="html")
        style = style.set_properties(subset=words, **left)
        heads = {heading: [{"selector": "th", "props": [*left.items()]}] for heading in words}
        return style.set_table_styles(heads).to_html()


def readable(table: pd.DataFrame, columns: dict[str, str]) -> Readable:
    """Make a table of text for a reader: `columns` maps a column to its Russian heading.

    `estimate` and `ci` (the interval) are written by `estimate` and `interval`, `measure` by its
    label; whole numbers get thin spaces; everything else is text as it is. A missing value is «—».
    """
    shown = {}
    for name, heading in columns.items():
        if name in ("estimate", "ci"):
            write = estimate if name == "estimate" else interval
            shown[heading] = [write(row) for row in table.to_dict("records")]
        elif name == "measure":
            shown[heading] = [MEASURES[measure].label for measure in table[name]]
        else:
            shown[heading] = [_cell(value) for value in table[name]]
    return Readable(pd.DataFrame(shown, index=range(1, len(table) + 1)))


def _cell(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return "—"
    if pd.api.types.is_bool(value):
        return "да" if value else "нет"
    if isinstance(value, date):
        return day(value)
    if pd.api.types.is_number(value):
        return number(value, 0 if float(value).is_integer() else 1)
    if pd.api.types.is_list_like(value):
        return "; ".join(map(str, value))
    return str(value)
