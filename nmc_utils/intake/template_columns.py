"""Columns of a blank workbook: what each takes, in words, lists and bounds.

All of it follows from the schemas, the region's definition and the earlier edition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
from xlsxwriter.utility import xl_col_to_name

from nmc_utils.editions import Edition
from nmc_utils.intake.columns import (
    BLANK_MEANS,
    WHOLE_REGION,
    YES_NO,
    folded,
    has_persons,
    headers,
    other_persons,
    type_of,
    vocabulary,
)
from nmc_utils.intake.others import AS_IN_FORM
from nmc_utils.intake.persons import (
    OWN_CODE,
    PERSON_HEADERS,
    person_headers,
    required_of_person,
)
from nmc_utils.tables import DATE, SCHEMAS

#: How results of a procedure may be compared with those of the one before.
COMPARABILITY = ("сопоставимо", "после выравнивания", "несопоставимо")
_ITEMS = 40  #: columns for items where no earlier edition says how many
_MOST_WORDS = 8  # words that an explanation names one by one
#: Further advice, by table and column.
_ADVICE = {
    ("employment", "is_main"): "«да» у одного места работы каждого человека",
    ("employment", "to_on"): "пусто, если работает и сейчас",
    ("employment", "subject"): "пусто у тех, кто предмета не ведёт",
    ("organizations", "organization_id"): "один и тот же из года в год",
    ("scores", "form_id"): "как на листе «Формы» у центра",
    ("scores", "attempt"): "1, если человек проходил один раз",
    ("scores", "raw_score"): "не больше максимального; не явился — н/я, это не ноль",
    ("responses", "form_id"): "как на листе «Формы» у центра",
    ("forms", "reliability"): "пусто, если разработчик её не называет",
    ("methodists", "to_on"): "пусто, если состоит и сейчас",
    ("methodists", "act_id"): "номер и дата приказа",
    ("organizations", "supported_on"): "пусто у организаций не из списка ШНОР",
    ("routes", "route_id"): "свой у каждого ИОМ региона; начните с кода муниципалитета: АБ-12",
    ("routes", "due_on"): "не раньше дня, когда ИОМ составлен",
    ("route_measures", "route_id"): "как на листе «ИОМ»",
    ("route_measures", "event_id"): "как на листе «Мероприятия»; пусто, если его там нет",
    ("route_measures", "domain"): "пусто, если не одна",
    ("completions", "programme_id"): "как на листе «Программы» у центра",
    ("completions", "chosen_after_diagnostics"): "выбрана по результатам диагностики",
    ("teams", "programme_id"): "как на листе «Программы» у центра; пусто, если неизвестно",
    ("mentoring", "mentoring_id"): "своя у каждой пары региона; начните с кода муниципалитета",
    ("mentoring", "to_on"): "пусто, если работают и сейчас",
    ("support", "form"): "одними и теми же словами у всех",
    ("events", "event_id"): "свой у каждого мероприятия региона; начните с кода муниципалитета",
    ("events", "municipality"): "пусто у мероприятия всего региона",
    ("events", "domain"): "пусто, если не одна",
    ("events", "held_on"): "намеченные тоже пишите: их предложат в ИОМ",
    ("attendance", "event_id"): "как на листе «Мероприятия»",
    ("registries", "title"): "название практики, сообщества, площадки; не имя человека",
    ("acts", "replaces"): "номер прежнего акта",
    ("roadmap", "responsible"): "должность или организация, не имя человека",
    ("aggregates", "procedure_id"): "пусто у величины показателя",
    ("aggregates", "wave"): "пусто — входная",
    ("aggregates", "domain"): "пусто — весь тест",
    ("aggregates", "level"): "только у «получили результат уровня»",
    ("aggregates", "denominator"): "у уровня — сколько прошли диагностику",
}


@dataclass(frozen=True)
class Column:
    """A column of a blank.

    Attributes
    ----------
    title, dtype
        Header, and the pandas type of its values.
    is_required
        No row can be taken without it.
    guide
        What to write.
    offered
        Words of its drop-down list; `is_closed` when no other word is taken.
    low, high
        Bounds of its numbers or dates.
    rule
        Formula that must hold of the first row, and what it means.
    """

    title: str
    dtype: str
    is_required: bool
    guide: str
    offered: tuple[str, ...] = ()
    is_closed: bool = True
    low: Any = None
    high: Any = None
    rule: tuple[str, str] | None = None

    @property
    def explained(self) -> str:
        """The column in a line of the explanation."""
        return f"{self.title}{' (обязательно)' if self.is_required else ''} — {self.guide}"


def columns_of(
    edition: Edition,
    table: str,
    municipality: str | None,
    carried: Mapping[str, pd.DataFrame],
) -> Iterator[Column]:
    """Return the columns of a table, the person's first."""
    if has_persons(table):
        required = required_of_person(edition.region, table)
        for title in person_headers(edition.region):
            yield _of_person(title, title in required)
    names = list(headers(table))
    shift = len(person_headers(edition.region)) if has_persons(table) else 0
    places = {name: xl_col_to_name(shift + at) for at, name in enumerate(names)}
    for name in names:
        yield _column(edition, table, name, municipality, carried, places)
    if table == "responses":
        items = carried.get("items")
        most = _ITEMS if items is None or items.empty else int(items["position"].max())
        for position in range(1, most + 1):
            guide = f"балл за задание № {position} формы"
            yield Column(str(position), "float64", False, guide, low=0, high=100)


def _of_person(title: str, is_required: bool) -> Column:
    if title == PERSON_HEADERS[-1]:
        (check,) = SCHEMAS["staff"].columns["birth_year"].checks
        first, last = (check.statistics[end] for end in ("min_value", "max_value"))
        days = {"low": date(first, 1, 1), "high": date(last, 12, 31)}
        return Column(title, DATE, is_required, "дата вида 21.11.1985", **days)
    guide = "код, который присвоил регион" if title == OWN_CODE else "текст, полностью"
    return Column(title, "str", is_required, guide)


def _column(
    edition: Edition,
    table: str,
    name: str,
    municipality: str | None,
    carried: Mapping[str, pd.DataFrame],
    places: Mapping[str, str],
) -> Column:
    schema = SCHEMAS[table].columns[name]
    dtype = type_of(table, name)
    low, high = _bounds(edition, table, name)
    offered, is_closed = _offered(edition, table, name, municipality, carried)
    if dtype == "bool":
        offered = tuple(YES_NO.values())
    if name in other_persons(table):
        kind = "личный код" if edition.region.identity == "own_code" else _PERSON_CELL
    elif dtype == DATE:
        kind = _day(edition, name)
    else:
        kind = _kind(name, dtype, low, high, offered, is_closed)
    parts = [kind, _ADVICE.get((table, name), "")]
    return Column(
        title=schema.title,
        dtype=dtype,
        is_required=not schema.nullable and name not in BLANK_MEANS.get(table, {}),
        guide="; ".join(part for part in parts if part),
        offered=offered,
        is_closed=is_closed,
        low=low,
        high=high,
        rule=_rule(name, places),
    )


def _bounds(edition: Edition, table: str, name: str) -> tuple[Any, Any]:
    if (table, name) == ("scores", "taken_on"):
        return edition.period.starts_on, edition.period.ends_on
    for check in SCHEMAS[table].columns[name].checks:
        if "min_value" in check.statistics:
            low, high = (check.statistics[end] for end in ("min_value", "max_value"))
            if isinstance(low, pd.Timestamp):
                low, high = low.date(), high.date()
            return low, high
    return None, None


def _kind(
    name: str, dtype: str, low: Any, high: Any, offered: Sequence[str], is_closed: bool
) -> str:
    """Say what kind of value a column takes, in words."""
    if dtype == "bool":
        return "«да» или «нет»"
    if dtype in ("Int64", "float64"):
        kind = "целое число" if dtype == "Int64" else "число"
        is_wide = high >= _NO_BOUND
        return (
            f"{kind} не меньше {_plain(low)}" if is_wide else f"{kind} от {_plain(low)} до {high:g}"
        )
    if offered:
        shown = ", ".join(f"«{word}»" for word in offered)
        if len(offered) > _MOST_WORDS:
            shown = f"«{offered[0]}», «{offered[1]}» и другие, всего {len(offered)}"
        return f"{'из списка' if is_closed else 'лучше из списка'}: {shown}"
    is_code = name.endswith("_id") and name != "act_id"
    return "код; нули в начале сохраняются" if is_code else "текст"


def _day(edition: Edition, name: str) -> str:
    """Say how a date is written, by a day of the edition's period."""
    first, last = edition.period.starts_on, edition.period.ends_on
    span = f", с {first:%d.%m.%Y} по {last:%d.%m.%Y}" if name == "taken_on" else ""
    return f"дата вида {last:%d.%m.%Y}{span}"


_PERSON_CELL = f"один человек в одной ячейке: {AS_IN_FORM}"
_NO_BOUND = 10_000  # a bound from here up only keeps out nonsense and is nobody's rule


def _plain(value: float) -> str:
    return f"{value:.12g}".replace(".", ",")


def _offered(
    edition: Edition,
    table: str,
    name: str,
    municipality: str | None,
    carried: Mapping[str, pd.DataFrame],
) -> tuple[tuple[str, ...], bool]:
    """Words of the drop-down list of a column, and whether it takes these alone."""
    region, words = edition.region, vocabulary(edition.region, table)
    own = region.municipality_names.get(municipality or "")
    if name == "municipality":
        if own and table != "employment":
            return (own,), True
        whole = WHOLE_REGION[:1] if table == "aggregates" else ()
        return (*whole, *region.municipality_names.values()), True
    if name == "document" and name in words:
        shorts = [entry.short for entry in region.documents]
        return tuple(short for short in shorts if folded(short) in words[name]), True
    if name in words:
        first = {code: word for word, code in reversed(words[name].items())}
        return tuple(first[code] for code in dict.fromkeys(words[name].values())), True
    if name == "subject" and table in ("employment", "methodists", "events"):
        return tuple(region.family_of_subject), False
    if name == "organization_id" and table in ("employment", "teams"):
        return tuple(organizations_of(edition, municipality, carried)["organization_id"]), False
    if (table, name) == ("procedures", "comparability"):
        return COMPARABILITY, False
    return (), True


def _rule(name: str, places: Mapping[str, str]) -> tuple[str, str] | None:
    """Rule between cells of the first row of records, as a formula of a spreadsheet."""
    if name == "raw_score" and "max_score" in places:
        score, most = f"{places[name]}2", f"{places['max_score']}2"
        holds = f"AND(ISNUMBER({score}),{score}>=0,OR(NOT(ISNUMBER({most})),{score}<={most}))"
        return f'=OR({holds},{score}="н/я")', "число от 0 до максимального балла строки или н/я"
    if name == "numerator":
        some, all_ = f"{places[name]}2", f"{places['denominator']}2"
        is_whole = f"ISNUMBER({some}),{some}>=0,{some}=INT({some})"
        rule = f"=AND({is_whole},OR(NOT(ISNUMBER({all_})),{some}<={all_}))"
        return rule, "целое число, не больше общего числа строки"
    return None


def organizations_of(
    edition: Edition, municipality: str | None, carried: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Organisations of a municipality as a blank has them: words for codes, sorted by code."""
    names = list(SCHEMAS["organizations"].columns)
    rows = carried.get("organizations", pd.DataFrame(columns=names)).reindex(columns=names)
    rows = rows[rows["municipality"].eq(municipality)].sort_values("organization_id")
    flags = [name for name in names if type_of("organizations", name) == "bool"]
    words = {name: rows[name].map(YES_NO) for name in flags}
    place = rows["municipality"].map(edition.region.municipality_names)
    return rows.assign(municipality=place, **words)[names].reset_index(drop=True)


def roadmap_of(edition: Edition) -> pd.DataFrame:
    """Measures of the region's roadmap as the centre's blank has them, in the document's order."""
    names = list(SCHEMAS["roadmap"].columns)
    rows = [
        (entry.id, entry.direction, entry.group, entry.measure, entry.responsible)
        + (entry.co_executor, entry.due, entry.expected_result)
        for entry in edition.system.roadmap
    ]
    return pd.DataFrame(rows, columns=names[:8]).reindex(columns=names).astype(object)
