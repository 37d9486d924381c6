"""Blank workbooks of an edition: what to write in each column, and cells that check it.

A blank takes in what intake takes: its sheets, headers, words and bounds are those of the schemas
and of the region's definition. It says of which edition it is, so that a workbook of another
edition is noticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from nmc_utils.documents.tables import EXPLANATION, Book, open_book, put_text
from nmc_utils.editions import Edition
from nmc_utils.intake.belonging import EDITION_LINE
from nmc_utils.intake.columns import (
    BLANK_MEANS,
    WHOLE_REGION,
    YES_NO,
    folded,
    has_persons,
    headers,
    type_of,
    vocabulary,
)
from nmc_utils.intake.files import BLANKS
from nmc_utils.intake.persons import (
    OWN_CODE,
    PERSON_HEADERS,
    person_headers,
    required_of_person,
)
from nmc_utils.intake.sheets import LISTS
from nmc_utils.tables import DATE, SCHEMAS, TITLES

CENTER = "ЦНППМ"
#: What a row is, for every sheet in the order of the sheets.
ROW_IS = {
    "staff": "один человек по основному месту работы",
    "employment": "один человек в одной организации, основное место работы отмечено один раз",
    "organizations": "одна организация",
    "scores": "один человек, этап и компетенция",
    "responses": "один человек и этап; столбцы 1, 2, … — задания формы, пусто — нет ответа",
    "procedures": "одна процедура диагностики",
    "forms": "одна форма теста и компетенция",
    "items": "одно задание формы",
    "methodists": "один участник регионального методического актива",
    "aggregates": "одно число о муниципальном образовании, без сведений о людях",
}
#: Tables of the centre's blank; the others stand in those of municipalities, numbers in both.
OF_CENTER = ("procedures", "forms", "items", "methodists", "aggregates")
_OF_CENTER_ALONE = OF_CENTER[:-1]

#: How results of a procedure may be compared with those of the one before.
COMPARABILITY = ("сопоставимо", "после выравнивания", "несопоставимо")
_ROWS = 100_000  #: rows with checks; below them cells are as free as in any workbook
_ITEMS = 40  #: columns for items where no earlier edition says how many
_MOST_WORDS = 8  # words that an explanation names one by one
_EXCEL_INLINE, _EXCEL_MESSAGE, _EXCEL_TITLE = 255, 255, 32
_EARLIEST = date(1900, 3, 1)  # earlier days are no dates in a spreadsheet
_FORBIDDEN = re.compile(r'[\\/:*?"<>|\x00-\x1f]')  # in names of files
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
    ("aggregates", "procedure_id"): "пусто у величины показателя",
    ("aggregates", "wave"): "пусто — входная",
    ("aggregates", "domain"): "пусто — весь тест",
    ("aggregates", "level"): "только у «получили результат уровня»",
    ("aggregates", "denominator"): "у уровня — сколько прошли диагностику",
}
_NAMES = (
    "Фамилии, имена и даты рождения нужны, чтобы узнать одного человека на разных листах и в "
    "разных периодах. При приёме они заменяются личным кодом; в таблицы, отчёты и журналы они не "
    "попадают. СНИЛС, телефоны, адреса, сведения о здоровье не присылайте."
)
_OWN_CODES = (
    f"Человека узнают по столбцу «{OWN_CODE}»: это код, который присвоил регион, один и тот же из "
    "года в год. Фамилии и имена присылать необязательно; в таблицы, отчёты и журналы они не "
    "попадают. СНИЛС, телефоны, адреса, сведения о здоровье не присылайте."
)
_HOW = (
    "Жёлтые столбцы нужны в каждой строке: без них строку принять нельзя. Остальные заполните, "
    "если сведения есть.",
    "Пустая ячейка значит «неизвестно», а не ноль. Лист без строк значит, что этих сведений вы не "
    "прислали; бланк, в который ничего не вписали, за присланные данные не считается.",
    "Не меняйте названий листов и заголовков, не объединяйте ячеек, не вставляйте формул и строк "
    "«Итого».",
)
_CARRIED = (
    f"Лист «{TITLES['organizations']}» заполнен по прошлому изданию: проверьте строки, исправьте, "
    "допишите новые организации, уберите закрытые."
)


@dataclass(frozen=True)
class _Column:
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


def write_blanks(edition: Edition, carried: Mapping[str, pd.DataFrame]) -> list[Path]:
    """Write a blank for each municipality and one for the centre into ``blanks/``.

    Parameters and results are those of `blank_workbook`; the files are named by the municipality.
    """
    folder = edition.sent / BLANKS
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for code, name in [*edition.region.municipality_names.items(), (None, CENTER)]:
        path = folder / f"{_FORBIDDEN.sub('_', name)}.xlsx"
        path.write_bytes(blank_workbook(edition, code, carried))
        written.append(path)
    return written


def blank_workbook(
    edition: Edition, municipality: str | None, carried: Mapping[str, pd.DataFrame]
) -> bytes:
    """Return the blank workbook of a municipality, or of the centre; always the same bytes.

    Parameters
    ----------
    edition
        Of which region and period it is; its deadline and offices are named in it.
    municipality
        Code of the municipality; None for the centre.
    carried
        Canonical tables of an earlier edition: rows of `organizations` are filled in to be
        confirmed, `items` say how many columns the answers need. Either may be missing.

    Raises
    ------
    KeyError
        The region has no such municipality.
    """
    region = edition.region
    name = CENTER if municipality is None else region.municipality_names[municipality]
    content = BytesIO()
    day = edition.period.starts_on  # of the data, not of the clock
    with open_book(content, title=f"{edition}. {name}", created=day, mark=edition.mark) as book:
        columns = {
            table: list(_columns(edition, table, municipality, carried))
            for table in ROW_IS
            if (table in OF_CENTER if municipality is None else table not in _OF_CENTER_ALONE)
        }
        own = _organizations(edition, municipality, carried)
        _explain(book, edition, municipality, columns, has_carried=not own.empty)
        lists = _Lists()
        for table, mine in columns.items():
            rows = own if table == "organizations" else None
            _sheet(book, table, mine, lists, rows)
        lists.write(book)
    return content.getvalue()


# --- columns --------------------------------------------------------------------------------------


def _columns(
    edition: Edition,
    table: str,
    municipality: str | None,
    carried: Mapping[str, pd.DataFrame],
) -> Iterator[_Column]:
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
            yield _Column(str(position), "float64", False, guide, low=0, high=100)


def _of_person(title: str, is_required: bool) -> _Column:
    if title == PERSON_HEADERS[-1]:
        (check,) = SCHEMAS["staff"].columns["birth_year"].checks
        first, last = (check.statistics[end] for end in ("min_value", "max_value"))
        days = {"low": date(first, 1, 1), "high": date(last, 12, 31)}
        return _Column(title, DATE, is_required, "дата вида 21.11.1985", **days)
    guide = "код, который присвоил регион" if title == OWN_CODE else "текст, полностью"
    return _Column(title, "str", is_required, guide)


def _column(
    edition: Edition,
    table: str,
    name: str,
    municipality: str | None,
    carried: Mapping[str, pd.DataFrame],
    places: Mapping[str, str],
) -> _Column:
    schema = SCHEMAS[table].columns[name]
    dtype = type_of(table, name)
    low, high = _bounds(edition, table, name)
    offered, is_closed = _offered(edition, table, name, municipality, carried)
    if dtype == "bool":
        offered = tuple(YES_NO.values())
    parts = [_kind(name, dtype, low, high, offered, is_closed), _ADVICE.get((table, name), "")]
    return _Column(
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
    if dtype == DATE:
        span = f" с {low:%d.%m.%Y} по {high:%d.%m.%Y}" if name == "taken_on" else ""
        return f"дата вида 21.11.2026{span}"
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
    if (table, name) in (("employment", "subject"), ("methodists", "subject")):
        return tuple(region.family_of_subject), False
    if (table, name) == ("employment", "organization_id"):
        return tuple(_organizations(edition, municipality, carried)["organization_id"]), False
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


def _organizations(
    edition: Edition, municipality: str | None, carried: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Organisations of a municipality as a blank has them: words for codes, sorted by code."""
    names = list(SCHEMAS["organizations"].columns)
    rows = carried.get("organizations", pd.DataFrame(columns=names))
    rows = rows[rows["municipality"].eq(municipality)].sort_values("organization_id")
    flags = [name for name in names if type_of("organizations", name) == "bool"]
    words = {name: rows[name].map(YES_NO) for name in flags}
    place = rows["municipality"].map(edition.region.municipality_names)
    return rows.assign(municipality=place, **words)[names].reset_index(drop=True)


# --- sheets ---------------------------------------------------------------------------------------


def _explain(
    book: Book,
    edition: Edition,
    municipality: str | None,
    columns: Mapping[str, Sequence[_Column]],
    *,
    has_carried: bool,
) -> None:
    """Write the first sheet; the line of the edition is one that intake looks for."""
    region, asked = edition.region, edition.collection
    about = [f"{EDITION_LINE} {edition.key}"]
    if office := asked.responsible.get(municipality or ""):
        about.append(f"Кто отправляет: {office}")
    if asked.deadline:
        about.append(f"Прислать до {asked.deadline:%d.%m.%Y} включительно")
    about += [f"Кому: {region.center}", "", "Как заполнять"]
    text = [*_HOW, _OWN_CODES if region.identity == "own_code" else _NAMES]
    text += [_CARRIED] if has_carried else []
    sheet = book.sheet(EXPLANATION)
    sheet.set_column(0, 0, 110)
    strong, line = book.styles["strong"], book.styles["line"]
    first = [row for row in (book.mark, book.title) if row]
    lines = [(row, strong) for row in first]
    lines += [(row, strong if row == about[-1] else line) for row in about]
    lines += [(row, line) for row in text]
    for table, mine in columns.items():
        lines += [("", line), (f"Лист «{TITLES[table]}»: одна строка — {ROW_IS[table]}", strong)]
        lines += [(column.explained, line) for column in mine if not column.title.isdigit()]
    for at, (words, style) in enumerate(lines):
        put_text(sheet, at, 0, words, style)


def _sheet(
    book: Book,
    table: str,
    columns: Sequence[_Column],
    lists: _Lists,
    rows: pd.DataFrame | None,
) -> None:
    sheet = book.sheet(TITLES[table])
    sheet.freeze_panes(1, 0)
    sheet.set_comments_author("")
    for at, column in enumerate(columns):
        head = _style(book, "header", is_required=column.is_required)
        put_text(sheet, 0, at, column.title, head)
        style = _style(book, column.dtype)
        sheet.set_column(at, at, 5 if column.title.isdigit() else _width(column), style)
        if not column.title.isdigit():
            sheet.write_comment(0, at, column.explained, {"x_scale": 2, "font_size": 9})
        _check(sheet, at, column, lists)
    for row, values in enumerate(() if rows is None else rows.itertuples(index=False), start=1):
        for at, value in enumerate(values):
            if not pd.isna(value):
                put_text(sheet, row, at, value, _style(book, "str"))


def _style(book: Book, kind: str, *, is_required: bool = False) -> Format:
    """Style of a header or of cells to be filled, made once for a workbook."""
    of_kind = {"str": "text", "bool": "text", DATE: "day", "header": "header"}
    if not is_required:
        return book.styles[of_kind.get(kind, "number")]
    if "required" not in book.styles:
        book.styles["required"] = book.file.add_format(
            {"num_format": 49, "valign": "top", "bold": True, "text_wrap": True, "bottom": 1}
            | {"bg_color": "#FFF2CC"}
        )
    return book.styles["required"]


def _width(column: _Column) -> float:
    longest = max((len(word) for word in column.offered), default=12)
    return min(max(longest, max(map(len, column.title.split())), 12), 40) + 2


def _check(sheet: Worksheet, at: int, column: _Column, lists: _Lists) -> None:
    """Let the cells of a column check what is typed into them."""
    if column.offered:
        options = {"validate": "list", "source": lists.source(column.offered)}
    elif column.rule:
        options = {"validate": "custom", "value": column.rule[0]}
    elif column.low is not None:
        kind = {DATE: "date", "Int64": "integer"}.get(column.dtype, "decimal")
        low = max(column.low, _EARLIEST) if kind == "date" else column.low
        bounds = {"minimum": low, "maximum": column.high}
        options = {"validate": kind, "criteria": "between"} | bounds
    else:
        return
    meant = column.rule[1] if column.rule else column.guide
    texts = {
        "error_title": "Проверьте значение",
        "error_message": _cut(f"Столбец «{column.title}»: {meant}.", _EXCEL_MESSAGE),
        "error_type": "stop" if column.is_closed else "warning",
    }
    if not column.title.isdigit():
        texts["input_title"] = _cut(column.title, _EXCEL_TITLE)
        texts["input_message"] = _cut(column.guide, _EXCEL_MESSAGE)
    sheet.data_validation(1, at, _ROWS, at, options | texts)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


class _Lists:
    """Drop-down lists of a workbook; those that do not fit beside the cells, on a hidden sheet."""

    def __init__(self) -> None:
        self._long: dict[tuple[str, ...], int] = {}

    def source(self, words: tuple[str, ...]) -> list[str] | str:
        """Return the list as a check of cells names it."""
        if len(",".join(words)) <= _EXCEL_INLINE and not any("," in word for word in words):
            return list(words)
        at = xl_col_to_name(self._long.setdefault(words, len(self._long)))
        return f"='{LISTS}'!${at}$1:${at}${len(words)}"

    def write(self, book: Book) -> None:
        """Add the hidden sheet, if any list needs it."""
        if self._long:
            sheet = book.file.add_worksheet(LISTS)
            for words, at in self._long.items():
                for row, word in enumerate(words):
                    put_text(sheet, row, at, word, book.styles["text"])
            sheet.hide()
