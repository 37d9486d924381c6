"""The facts that a region has published: ``published.csv``, one row per fact of a document."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import Field, ValidationError, ValidationInfo, field_validator

from nmc_utils.definitions import Code, Definition, DefinitionError, problems, reason
from nmc_utils.terms import EVERY_YEAR, NO_DUE, NO_YEAR

COLUMNS = (
    "metric",
    "period",
    "value",
    "unit",
    "kind",
    "population",
    "document",
    "locator",
    "bound",
    "label",
)
STATED = ("actual", "count")  #: kinds of facts about what is; one fact per metric and period
YES_NO = "да/нет"  #: the unit of a fact that is true or not
_ANSWERS = {"да": 1.0, "нет": 0.0}

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_PERIOD = re.compile(r"20\d\d(-20\d\d|/20\d\d|-q[1-4])?", re.ASCII)


class _Fact(Definition):
    """One row. `locator` reads as it is to be printed: ``раздел «…»``, ``вводная часть``."""

    metric: Code
    kind: Literal["target", "actual", "count", "derived"]
    period: str
    unit: str = Field(min_length=1)
    value: str
    population: str
    document: str
    locator: str = Field(min_length=1)
    bound: Literal["exact", "about", "more than"]
    label: str = Field(min_length=1)

    @field_validator("period")
    @classmethod
    def _known_period(cls, period: str, info: ValidationInfo) -> str:
        undated = NO_DUE if info.data.get("kind") == "target" else NO_YEAR
        if period not in (EVERY_YEAR, undated) and not _PERIOD.fullmatch(period):
            raise ValueError(
                f"«{period}» не подходит; допустимо: 2023, 2021-2023 (несколько лет вместе), "
                f"2022/2023 (учебный год), 2023-q2, {EVERY_YEAR}, {undated}"
            )
        return period

    @field_validator("value")
    @classmethod
    def _fits_the_unit(cls, value: str, info: ValidationInfo) -> str:
        unit = info.data.get("unit")
        if unit == YES_NO and value not in _ANSWERS:
            raise ValueError(f"«{value}» при единице {YES_NO}; допустимо: {', '.join(_ANSWERS)}")
        if unit != YES_NO and not _NUMBER.fullmatch(value):
            raise ValueError(
                f"«{value}» — не число; допустимо: цифры и десятичная точка, без пробелов "
                f"(116, 99.27), при единице {YES_NO} — {', '.join(_ANSWERS)}"
            )
        return value

    @property
    def number(self) -> float:
        """The value as a number; 1 and 0 for yes and no."""
        return _ANSWERS[self.value] if self.unit == YES_NO else float(self.value)


def read_published(path: Path, documents: Collection[str] | None = None) -> pd.DataFrame:
    """Read ``published.csv``.

    Parameters
    ----------
    documents
        Ids that `document` may have; any when None.

    Returns
    -------
    DataFrame
        The columns of the file as text, and `number`: the value, 1 and 0 for «да» and «нет».

    Raises
    ------
    DefinitionError
        There is no file, or it has mistakes; one sentence for each.
    """
    if not path.is_file():
        raise DefinitionError(
            f"{path}: файла с опубликованными фактами нет. Создайте его, хотя бы из одной строки "
            f"заголовков: {','.join(COLUMNS)}"
        )
    mistakes: list[str] = []
    facts: dict[int, _Fact] = {}
    for line, cells in _rows(path):
        try:
            facts[line] = _Fact.model_validate(dict(zip(COLUMNS, cells, strict=True)))
        except ValidationError as error:
            mistakes += [
                _mistake(path, line, str(location[0]), reason([problem]))
                for location, problem in problems(error)
            ]
    mistakes += _repeated(path, facts)
    if documents is not None:
        mistakes += _of_no_document(path, facts, documents)
    if mistakes:
        raise DefinitionError("\n".join(mistakes))
    rows = [[getattr(fact, name) for name in COLUMNS] for fact in facts.values()]
    frame = pd.DataFrame(rows, columns=list(COLUMNS), dtype="str")
    return frame.assign(number=[fact.number for fact in facts.values()]).astype({"number": float})


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of every row that is not blank, below the checked headers."""
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DefinitionError(f"{path}: сохраните файл как CSV в кодировке UTF-8") from error
    reader = csv.reader(io.StringIO(text, newline=""))
    if tuple(next(reader, ())) != COLUMNS:
        raise DefinitionError(f"{path}, строка 1: нужны столбцы {','.join(COLUMNS)}")
    line = reader.line_num + 1
    for cells in reader:
        if cells and len(cells) != len(COLUMNS):
            raise DefinitionError(
                f"{path}, строка {line}: ячеек {len(cells)}, а столбцов {len(COLUMNS)}; "
                "запятая внутри ячейки допустима только в кавычках"
            )
        if cells:
            yield line, cells
        line = reader.line_num + 1


def _mistake(path: Path, line: int, column: str, why: str) -> str:
    return f"{path}, строка {line}, столбец {column}: {why}"


def _repeated(path: Path, facts: dict[int, _Fact]) -> Iterator[str]:
    first: dict[tuple[str, str], int] = {}
    for line, fact in facts.items():
        if fact.kind in STATED:
            before = first.setdefault((fact.metric, fact.period), line)
            if before != line:
                yield _mistake(
                    path,
                    line,
                    "metric",
                    f"«{fact.metric}» за {fact.period} уже есть в строке {before}; "
                    f"допустимо: один факт вида {' или '.join(STATED)} за период",
                )


def _of_no_document(
    path: Path, facts: dict[int, _Fact], documents: Collection[str]
) -> Iterator[str]:
    allowed = ", ".join(sorted(documents)) or "ни одного; внесите документ в region.yaml"
    for line, fact in facts.items():
        if fact.document not in documents:
            yield _mistake(
                path, line, "document", f"документа «{fact.document}» нет; допустимо: {allowed}"
            )
