"""Blank workbooks of an edition: what to write in each column, and cells that check it.

A blank takes in what intake takes: its sheets, headers, words and bounds are those of the schemas
and of the region's definition. It says of which edition it is, so that a workbook of another
edition is noticed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from io import BytesIO
from pathlib import Path

import pandas as pd
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from nmc_utils.documents.tables import EXPLANATION, Book, open_book, put_text
from nmc_utils.editions import Edition
from nmc_utils.intake.belonging import EDITION_LINE
from nmc_utils.intake.files import BLANKS
from nmc_utils.intake.persons import OWN_CODE
from nmc_utils.intake.sheets import LISTS
from nmc_utils.intake.template_columns import Column, columns_of, organizations_of, roadmap_of
from nmc_utils.tables import DATE, TITLES

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
    "routes": "один ИОМ; кто его сопровождает, стоит в одной ячейке с датой рождения",
    "route_measures": "одно мероприятие ИОМ",
    "programmes": "одна программа повышения квалификации",
    "completions": "один человек и программа, которую он окончил",
    "teams": "управленческая команда одной организации",
    "mentoring": "одна пара или две команды наставничества",
    "support": "одна форма поддержки педагога до 35 лет в первые три года работы",
    "events": "одно мероприятие",
    "attendance": "один человек на одном мероприятии",
    "agreements": "одно соглашение",
    "acts": "один приказ, положение или другой акт",
    "registries": "одна запись реестра: эксперт, практика, наставник, сообщество, площадка",
    "roadmap": "одна мера дорожной карты",
    "recommendations": "одна рекомендация прошлого мониторинга",
    "aggregates": "одно число о муниципальном образовании, без сведений о людях",
}
_OF_CENTER_ALONE = (
    "procedures",
    "forms",
    "items",
    "methodists",
    "programmes",
    "agreements",
    "acts",
    "registries",
    "roadmap",
    "recommendations",
)
#: Tables of both blanks: methodists of the centre work with people of every municipality.
_OF_BOTH = (
    "routes",
    "route_measures",
    "completions",
    "mentoring",
    "events",
    "attendance",
    "aggregates",
)
#: Tables of the centre's blank; the others stand in those of municipalities.
OF_CENTER = (*_OF_CENTER_ALONE, *_OF_BOTH)

_ROWS = 100_000  #: rows with checks; below them cells are as free as in any workbook
_FILLED_WIDTH = 50  #: of a column filled with long texts, which stand in several lines
_EXCEL_INLINE, _EXCEL_MESSAGE, _EXCEL_TITLE = 255, 255, 32
_EARLIEST = date(1900, 3, 1)  # earlier days are no dates in a spreadsheet
_FORBIDDEN = re.compile(r'[\\/:*?"<>|\x00-\x1f]')  # in names of files
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
#: What to do with the rows that stand in a blank already.
_FILLED = {
    "organizations": (
        f"Лист «{TITLES['organizations']}» заполнен по прошлому изданию: проверьте строки, "
        "исправьте, допишите новые организации, уберите закрытые."
    ),
    "roadmap": (
        f"Лист «{TITLES['roadmap']}» заполнен по тексту дорожной карты: отметьте ход каждой меры, "
        "дату, результат и подтверждение. Мера, ход которой не отмечен, не считается присланной."
    ),
}


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
    columns = {
        table: list(columns_of(edition, table, municipality, carried))
        for table in ROW_IS
        if (table in OF_CENTER if municipality is None else table not in _OF_CENTER_ALONE)
    }
    known = _known(edition, municipality, carried)
    known = {table: known[table] for table in columns.keys() & known if len(known[table])}
    content = BytesIO()
    day = edition.period.starts_on  # of the data, not of the clock
    with open_book(content, title=f"{edition}. {name}", created=day, mark=edition.mark) as book:
        _explain(book, edition, municipality, columns, known=known.keys())
        lists = _Lists()
        for table, mine in columns.items():
            _sheet(book, table, mine, lists, known.get(table))
        lists.write(book)
    return content.getvalue()


def _known(
    edition: Edition, municipality: str | None, carried: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Rows that are known before anybody fills in a blank."""
    return {
        "organizations": organizations_of(edition, municipality, carried),
        "roadmap": roadmap_of(edition),
    }


# --- sheets ---------------------------------------------------------------------------------------


def _explain(
    book: Book,
    edition: Edition,
    municipality: str | None,
    columns: Mapping[str, Sequence[Column]],
    *,
    known: Collection[str],
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
    text += [words for table, words in _FILLED.items() if table in known]
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
    columns: Sequence[Column],
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
        filled = 0 if rows is None else (rows.iloc[:, at].dropna().astype("str").str.len().max())
        width = _FILLED_WIDTH if filled > _FILLED_WIDTH else _width(column)
        sheet.set_column(at, at, 5 if column.title.isdigit() else width, style)
        if not column.title.isdigit():
            sheet.write_comment(0, at, column.explained, {"x_scale": 2, "font_size": 9})
        _check(sheet, at, column, lists)
    for row, values in enumerate(() if rows is None else rows.itertuples(index=False), start=1):
        for at, value in enumerate(values):
            if isinstance(value, pd.Timestamp):
                sheet.write_datetime(row, at, value.to_pydatetime(), _style(book, DATE))
            elif not pd.isna(value):
                put_text(sheet, row, at, value, _filled_style(book))


def _filled_style(book: Book) -> Format:
    """Style of cells that stand in a blank already: long ones are read in several lines."""
    if "filled" not in book.styles:
        style = {"num_format": 49, "valign": "top", "text_wrap": True}
        book.styles["filled"] = book.file.add_format(style)
    return book.styles["filled"]


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


def _width(column: Column) -> float:
    longest = max((len(word) for word in column.offered), default=12)
    return min(max(longest, max(map(len, column.title.split())), 12), 40) + 2


def _check(sheet: Worksheet, at: int, column: Column, lists: _Lists) -> None:
    """Let the cells of a column check what is typed into them."""
    if column.offered:
        options = {"validate": "list", "source": lists.source(column.offered)}
    elif column.rule:
        options = {"validate": "custom", "value": column.rule[0]}
    elif column.low is not None and column.dtype in (DATE, "Int64", "float64"):
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
