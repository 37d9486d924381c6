"""Region, Period, Edition: who, where, which competences, which cuts, which targets.

Everything particular to a region stands in its ``region.yaml`` and ``published.csv``; nothing in
code knows a region's name.
"""

from __future__ import annotations

import os
import re
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import pandas as pd
import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

TOTAL = "total"  #: the `domain` of the whole test and the `municipality` of the whole region


#: Stands on everything that is made from simulated records.
DEMONSTRATION = "Демонстрационные данные: не сведения о регионе"


#: Canonical tables and what the workbooks call them.
TABLE_TITLES = {
    "staff": "Сотрудники",
    "employment": "Места работы",
    "organizations": "Организации",
    "procedures": "Процедуры",
    "forms": "Формы",
    "scores": "Результаты",
    "responses": "Ответы",
    "items": "Задания",
    "methodists": "РМА",
    "published": "Опубликованные факты",
}


class DefinitionError(ValueError):
    """A definition file is wrong; the message names file, line, key and what is allowed."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_M = TypeVar("_M", bound=_Model)


# --- period -------------------------------------------------------------------------------------

_PERIOD = re.compile(r"(?P<year>20\d\d)(?:-(?P<next>20\d\d)|-q(?P<quarter>[1-4]))?")
_KINDS = {"calendar_year": "календарный год", "academic_year": "учебный год", "quarter": "квартал"}


class Period(_Model):
    """A calendar year ``2023``, an academic year ``2022-2023`` or a quarter ``2023-q2``."""

    text: str
    kind: Literal["calendar_year", "academic_year", "quarter"]
    starts_on: date
    ends_on: date

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read a period as written on the command line; ValueError says what is allowed."""
        found = _PERIOD.fullmatch(text)
        year = int(found["year"]) if found else 0
        if not found or (found["next"] and int(found["next"]) != year + 1):
            raise ValueError(
                f"период «{text}» не распознан; допустимо: 2023 (календарный год), "
                "2022-2023 (учебный год), 2023-q2 (квартал)"
            )
        if found["next"]:
            kind, first, last = "academic_year", date(year, 9, 1), date(year + 1, 8, 31)
        elif found["quarter"]:
            kind = "quarter"
            quarter = pd.Period(f"{year}Q{found['quarter']}")
            first, last = quarter.start_time.date(), quarter.end_time.date()
        else:
            kind, first, last = "calendar_year", date(year, 1, 1), date(year, 12, 31)
        return cls(text=text, kind=kind, starts_on=first, ends_on=last)

    @property
    def year(self) -> int:
        """The year in which the period ends."""
        return self.ends_on.year

    @property
    def label(self) -> str:
        """The period in words, e.g. «2023 год»."""
        if self.kind == "academic_year":
            return f"{self.starts_on.year}/{self.year} учебный год"
        if self.kind == "quarter":
            return f"{self.text[-1]} квартал {self.year} года"
        return f"{self.year} год"

    def __str__(self) -> str:
        return self.text


# --- region -------------------------------------------------------------------------------------

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Municipality(_Model):
    """A municipality in the official order of the region.

    `relative_size` is used by the demonstration alone.
    """

    code: Code
    name: str
    kind: str
    relative_size: float | None = Field(default=None, gt=0)


class Domain(_Model):
    """A competence that the diagnostics measure; `block` is how a sentence calls it.

    The items of a domain `by_family` are particular to a subject family; those of the others come
    from one bank for everyone.
    """

    code: Code
    name: str
    block: str
    by_family: bool = False


class Family(_Model):
    """Subjects whose teachers can share a seminar group and a test form."""

    code: Code
    name: str
    subjects: tuple[str, ...]
    position: Literal["teacher", "manager"] = "teacher"


class Level(_Model):
    """One of the ordered levels of a result, from the lowest; the last has no upper cut."""

    code: Code
    name: str
    up_to: float | None = Field(default=None, gt=0, lt=1)
    route: str | None = None


class Diagnostics(_Model):
    """Levels of a result and whether the document sets them for the whole test or a domain."""

    cut_basis: Literal["total", "domain"]
    cut_basis_note: str
    levels: tuple[Level, ...] = Field(min_length=2)
    document: str
    section: str

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        cuts = [level.up_to for level in self.levels]
        if cuts[-1] is not None or None in cuts[:-1]:
            raise ValueError("up_to нужен у каждого уровня, кроме последнего")
        if cuts[:-1] != sorted(set(cuts[:-1])):
            raise ValueError("уровни идут от низшего к высшему, up_to возрастает")
        return self

    @property
    def cuts(self) -> dict[str, float]:
        """Level → upper bound as a share of the maximum; 1 for the highest level."""
        return {level.code: level.up_to or 1.0 for level in self.levels}

    @property
    def deficit_cut(self) -> float:
        """The lowest cut: a result at or below it is a deficit."""
        return next(iter(self.cuts.values()))


class Document(_Model):
    """A document of the region that facts, cuts and targets refer to."""

    id: Code
    short: str
    title: str
    number: str | None = None
    dated: date | None = None


class Count(_Model):
    """Rows of a canonical table, by equality of columns; persons are counted once."""

    table: str
    where: dict[str, str | bool | int] = {}

    @field_validator("table")
    @classmethod
    def _known(cls, table: str) -> str:
        if table not in TABLE_TITLES:
            raise ValueError(f"таблицы «{table}» нет; допустимо: {', '.join(TABLE_TITLES)}")
        return table


class Quantity(_Model):
    """A numerator or denominator: a published metric, a count of records, or both apart."""

    label: str
    metric: str | None = None
    count: Count | None = None


class Variant(_Model):
    """One way in which the documents allow an indicator to be computed."""

    code: Code
    name: str
    numerator: Quantity
    denominator: Quantity | None = None


def _years(raw: Any) -> Any:
    if isinstance(raw, dict) and "year" in raw:
        raw = dict(raw)
        year = raw.pop("year")
        return {**raw, "first_year": year, "last_year": year}
    return raw


class Target(_Model):
    """A target for one calendar year (`year`) or for each year of a span."""

    first_year: int
    last_year: int
    value: float | bool
    document: str
    section: str


class Indicator(_Model):
    """The definition of an indicator; its passport is made of this.

    `note` explains the indicator; `caveat` is short and stands beside every judgement of it.
    """

    id: Code
    name: str
    direction: str
    unit: Literal["share", "persons", "count", "yes_no"]
    comparator: Literal[">=", "<=", "exists"]
    formula_origin: Literal["документ", "расчёт системы"]
    responsible: str | None = None
    metric: str | None = None
    targets: tuple[Annotated[Target, BeforeValidator(_years)], ...] = ()
    variants: tuple[Variant, ...] = ()
    note: str | None = None
    caveat: str | None = None


class Demonstration(_Model):
    """Sizes of one demonstration edition; `notes` name the published fact behind each."""

    as_of: date
    staff: int = Field(gt=0)
    organizations: int = Field(gt=0)
    tested: int = Field(gt=0)
    items_per_domain: int = Field(gt=0)
    item_responses: bool
    low_performing: int = Field(ge=0)
    mentoring: int = Field(ge=0)
    methodists: dict[str, int]
    notes: str


class Region(_Model):
    """Everything that is particular to one region."""

    code: Code
    name: str
    name_genitive: str
    center: str
    identity: Literal["name_and_birth", "own_code"]
    municipalities: tuple[Municipality, ...] = Field(min_length=1)
    domains: tuple[Domain, ...] = Field(min_length=1, max_length=20)
    families: tuple[Family, ...] = Field(min_length=1)
    diagnostics: Diagnostics
    documents: tuple[Document, ...]
    indicators: tuple[Indicator, ...]
    demonstration: dict[str, Demonstration] = {}

    @model_validator(mode="after")
    def _references(self) -> Self:
        for name in ("municipalities", "domains", "families"):
            codes = [entry.code for entry in getattr(self, name)]
            if len(set(codes)) < len(codes):
                raise ValueError(f"{name}: коды не должны повторяться")
        known = {document.id for document in self.documents}
        used = {self.diagnostics.document} | {
            target.document for indicator in self.indicators for target in indicator.targets
        }
        if unknown := used - known:
            raise ValueError(
                f"нет документа {', '.join(sorted(unknown))}; есть: {', '.join(sorted(known))}"
            )
        return self

    @property
    def domain_names(self) -> dict[str, str]:
        """Code of a domain → its name, with the whole test first."""
        return {TOTAL: "Весь тест"} | {domain.code: domain.name for domain in self.domains}

    @property
    def municipality_names(self) -> dict[str, str]:
        """Code of a municipality → its name, in the official order."""
        return {entry.code: entry.name for entry in self.municipalities}

    @property
    def family_names(self) -> dict[str, str]:
        """Code of a subject family → its name."""
        return {family.code: family.name for family in self.families}

    @property
    def family_of_subject(self) -> dict[str, str]:
        """Subject as written in the workbooks → code of its family."""
        return {subject: family.code for family in self.families for subject in family.subjects}

    def document(self, document_id: str) -> Document:
        """Return the document with this id."""
        return next(entry for entry in self.documents if entry.id == document_id)


# --- edition ------------------------------------------------------------------------------------


class EditionFile(_Model):
    """``edition.yaml``: what is known about an edition besides the region's definition."""

    origin: Literal["demonstration", "submitted"]
    period_kind: Literal["calendar_year", "academic_year", "quarter"]
    as_of: date
    status: Literal["draft"] = "draft"


class Edition(_Model):
    """One region in one period, under one data root. Nothing can be changed in it."""

    region: Region
    period: Period
    origin: Literal["demonstration", "submitted"]
    as_of: date
    status: str
    root: Path

    @property
    def key(self) -> str:
        """``region/period``, the name of the edition in results and addresses."""
        return f"{self.region.code}/{self.period}"

    @property
    def is_demonstration(self) -> bool:
        """Whether the records are simulated."""
        return self.origin == "demonstration"

    @property
    def mark(self) -> str:
        """What must stand on everything made from the edition; nothing for real records."""
        return DEMONSTRATION if self.is_demonstration else ""

    @property
    def sent(self) -> Path:
        """Folder of what municipalities sent."""
        return self.root / "regions" / self.region.code / self.period.text

    @property
    def validated(self) -> Path:
        """Folder of the canonical tables."""
        return self.root / "validated" / self.region.code / self.period.text

    @property
    def published_facts(self) -> pd.DataFrame:
        """Facts published by the region, all periods: the `published` table."""
        return read_published(self.root / "regions" / self.region.code / "published.csv")

    def keyed(self, table: pd.DataFrame) -> pd.DataFrame:
        """Put the keys `region` and `period` of this edition before the columns of `table`."""
        keys = pd.DataFrame(
            {"region": self.region.code, "period": self.period.text}, index=table.index
        )
        return pd.concat([keys, table.drop(columns=list(keys), errors="ignore")], axis=1)

    def __str__(self) -> str:
        return f"{self.region.name}, {self.period.label}"

    def __repr__(self) -> str:
        return f"Edition({self.key}, {self.origin}, {self.as_of})"

    def _repr_markdown_(self) -> str:
        about = f"**{self}** · данные на {self.as_of:%d.%m.%Y}"
        return f"{about}\n\n> {self.mark}" if self.mark else about


def data_root(path: str | Path | None = None) -> Path:
    """Return the data root: `path`, else ``NMC_DATA``, else ``data/`` of the checkout."""
    checkout = Path(__file__).resolve().parents[1] / "data"
    root = Path(path or os.environ.get("NMC_DATA") or checkout).expanduser().resolve()
    if not (root / "regions").is_dir():
        raise DefinitionError(
            f"{root}: здесь нет папки regions с определениями регионов. "
            f"Укажите папку данных (--data или NMC_DATA) или создайте её: nmc init {root}"
        )
    return root


def region_codes(root: Path) -> list[str]:
    """Codes of the regions defined under `root`."""
    return sorted(path.parent.name for path in (root / "regions").glob("*/region.yaml"))


def read_region(root: Path, code: str) -> Region:
    """Read and check ``region.yaml`` of one region."""
    path = root / "regions" / code / "region.yaml"
    if not path.is_file():
        known = ", ".join(region_codes(root)) or "ни одного"
        raise DefinitionError(f"регион «{code}» не определён в {root / 'regions'}; есть: {known}")
    region = _read_definition(path, Region)
    if region.code != code:
        raise DefinitionError(
            f"{path}, ключ code: «{region.code}» не совпадает с именем папки «{code}»"
        )
    return region


def edition(region: str, period: str | int, data: str | Path | None = None) -> Edition:
    """Return the edition of `region` in `period` (``"2023"``, ``"2022-2023"``, ``"2023-q2"``).

    Raises
    ------
    DefinitionError
        The region or the edition is not defined, or a definition file is wrong.
    """
    root = data_root(data)
    definition = read_region(root, region)
    parsed = Period.parse(str(period))
    path = root / "regions" / region / parsed.text / "edition.yaml"
    if not path.is_file():
        found = (root / "regions" / region).glob("*/edition.yaml")
        known = ", ".join(sorted(entry.parent.name for entry in found)) or "ни одного"
        raise DefinitionError(
            f"{definition.name}: нет издания за период {parsed} ({path}); есть: {known}"
        )
    about = _read_definition(path, EditionFile)
    if about.period_kind != parsed.kind:
        raise DefinitionError(
            f"{path}, ключ period_kind: «{about.period_kind}», а папка «{parsed}» — это "
            f"{_KINDS[parsed.kind]} ({parsed.kind})"
        )
    return Edition(
        region=definition,
        period=parsed,
        origin=about.origin,
        as_of=about.as_of,
        status=about.status,
        root=root,
    )


def editions(root: Path) -> list[Edition]:
    """All editions under `root`, by region and period."""
    found = sorted((root / "regions").glob("*/*/edition.yaml"))
    return [edition(path.parts[-3], path.parts[-2], root) for path in found]


# --- reading definition files -------------------------------------------------------------------

PUBLISHED_COLUMNS = {
    "metric": "str",
    "period": "str",
    "value": "str",
    "unit": "str",
    "kind": "str",
    "population": "str",
    "document": "str",
    "locator": "str",
    "bound": "str",
    "label": "str",
}
_KINDS_OF_FACT = ("target", "actual", "count", "derived")


def read_published(path: Path) -> pd.DataFrame:
    """Read ``published.csv``: one row is one fact of a document.

    Returns the columns of the file plus `number`: the value as a number, missing for «да».
    """
    frame = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8")
    if list(frame.columns) != list(PUBLISHED_COLUMNS):
        raise DefinitionError(f"{path}: нужны столбцы {', '.join(PUBLISHED_COLUMNS)}")
    wrong = ~frame["kind"].isin(_KINDS_OF_FACT)
    if wrong.any():
        row = wrong.idxmax()
        raise DefinitionError(
            f"{path}, строка {row + 2}, столбец kind: «{frame.loc[row, 'kind']}»; "
            f"допустимо: {', '.join(_KINDS_OF_FACT)}"
        )
    return frame.assign(number=pd.to_numeric(frame["value"], errors="coerce"))


@lru_cache(maxsize=64)
def _parsed(path: Path, modified_ns: int) -> tuple[Any, yaml.Node | None]:
    text = path.read_text("utf-8")
    return yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)


def _read_definition(path: Path, model: type[_M]) -> _M:
    try:
        content, node = _parsed(path, path.stat().st_mtime_ns)
    except yaml.YAMLError as error:
        raise DefinitionError(f"{path}: это не YAML: {error}") from error
    if not isinstance(content, dict):
        raise DefinitionError(f"{path}: файл пуст или не состоит из пар «ключ: значение»")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise DefinitionError(_explain(path, node, error)) from None


def _explain(path: Path, node: yaml.Node | None, error: ValidationError) -> str:
    """One sentence per problem: file, line, key, what is wrong, what is allowed."""
    sentences = []
    for problem in error.errors(include_url=False):
        location = [part for part in problem["loc"] if part != "function-before"]
        key = ".".join(str(part) for part in location) or "весь файл"
        line = _line(node, location)
        sentences.append(f"{path}, строка {line}, ключ {key}: {_reason(problem)}")
    return "\n".join(sentences)


def _line(node: yaml.Node | None, location: list[str | int]) -> int:
    """Line of the innermost part of `location` that the file has."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = [pair for pair in node.value if pair[0].value == str(part)]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            if part >= len(node.value):
                break
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _reason(problem: dict[str, Any]) -> str:
    given, context = problem.get("input"), problem.get("ctx", {})
    match problem["type"]:
        case "missing":
            return "обязателен, но не указан"
        case "extra_forbidden":
            return "такого ключа нет"
        case "literal_error":
            return f"«{given}» не подходит; допустимо: {context['expected'].replace(' or ', ', ')}"
        case "value_error":
            return str(context["error"])
        case _:
            return f"«{given}» не подходит ({problem['msg']})"
