"""Which sheet holds which table, and what of it can be read by columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nmc_utils.intake import columns, shown
from nmc_utils.intake.batch import Piece, address, letters, problem, refused_sheet
from nmc_utils.intake.persons import person_headers
from nmc_utils.intake.reported import Reported
from nmc_utils.intake.workbook import Sheet, Workbook
from nmc_utils.regions import Region
from nmc_utils.tables import TITLES

#: Sheets of a blank workbook or of a returned copy that hold no records.
REMARKS, LISTS = "Замечания", "Списки"


@dataclass(frozen=True)
class Sorted:
    """The sheets of all files by what became of them.

    Attributes
    ----------
    pieces
        Table → its sheets that can be read by columns; an empty list where all were refused.
    refused
        Lines of the conservation for sheets that are held out whole.
    problems
        What is wrong with files, sheets and columns.
    refused_rows
        Those of `tables.HELD_ROWS` for their rows.
    refused_files
        Files that are refused whole.
    """

    pieces: dict[str, list[Piece]] = field(default_factory=dict)
    refused: list[dict] = field(default_factory=list)
    problems: list[dict[str, str]] = field(default_factory=list)
    refused_rows: list[tuple] = field(default_factory=list)
    refused_files: set[str] = field(default_factory=set)

    def refuse(self, file: str, sheet: Sheet, shown_as: str, table: str, why: str) -> None:
        """Hold out a sheet whole."""
        self.refused.append(refused_sheet(file, sheet, shown_as, table))
        cells = sheet.below(sheet.first_row)
        filled = cells.index[cells.notna().any(axis=1)]
        self.refused_rows.extend((file, shown_as, row, table, None, why) for row in filled)


def sort_sheets(books: Iterable[Workbook], stems: Mapping[str, str], region: Region) -> Sorted:
    """Sort the sheets by table; sheets that cannot be read by columns are refused whole.

    Parameters
    ----------
    books
        What was read.
    stems
        Label of a file → its name without the suffix, which may tell the table of a lone sheet.
    region
        Says how people stand on its sheets.
    """
    found = Sorted()
    for book in books:
        mine = [sheet for sheet in book.sheets if not is_no_table(sheet)]
        filled = [sheet for sheet in mine if sheet.first_row]
        for sheet in filled:
            _sort(found, book, sheet, stems[book.file] if len(filled) == 1 else "", region)
        _tell_empty(found, book, mine)
    return found


def is_no_table(sheet: Sheet) -> bool:
    """Whether a sheet explains a workbook, serves its drop-down lists or holds our remarks.

    Somebody else's sheet may have the name of ours: it is told like any unknown one.
    """
    if columns.folded(sheet.name) == columns.folded(LISTS):
        return sheet.is_hidden
    if columns.folded(sheet.name) == columns.folded(REMARKS):
        return _has_remarks(sheet)
    return columns.is_explanation(sheet.name)


#: What the table of remarks of a returned copy begins with, and among which rows it begins.
_REMARKS_BEGIN, _REMARKS_ABOVE = ("№", "Лист", "Ячейка"), 10


def _has_remarks(sheet: Sheet) -> bool:
    top = sheet.grid.iloc[:_REMARKS_ABOVE, : len(_REMARKS_BEGIN)]
    return any(tuple(row) == _REMARKS_BEGIN for row in top.itertuples(index=False))


def nameless(sheet: Sheet) -> str:
    """What to call a sheet that nobody has agreed on: its own title may be somebody's name."""
    return f"лист № {sheet.number}"


def _sort(found: Sorted, book: Workbook, sheet: Sheet, stem: str, region: Region) -> None:
    table = columns.table_of(sheet.name)
    if table is None and not sheet.is_hidden and (stem or columns.is_unnamed(sheet.name)):
        table = (stem and columns.table_of_file(stem)) or columns.table_by_header(sheet, region)
        sheet = replace(sheet, name=nameless(sheet) if sheet.name else "")
    if sheet.is_hidden:
        _tell_hidden(found, book.file, sheet, table)
    elif table is None:
        found.problems.append(_unknown_sheet(book.file, sheet))
        found.refuse(book.file, sheet, nameless(sheet), "", _UNKNOWN)
    else:
        _name(found, book, sheet, table, region)


def _name(found: Sorted, book: Workbook, sheet: Sheet, table: str, region: Region) -> None:
    naming = columns.name_columns(table, sheet, region)
    readable = found.pieces.setdefault(table, [])
    persons = person_headers(region) if columns.has_persons(table) else ()
    expected = [*persons, *columns.headers(table).values()]
    bad = list(_bad(sheet, naming, expected))
    told = bad or _odd(sheet, naming, expected)
    for what in told:
        about = {"sheet": sheet.name, "table": table} | what
        found.problems.append(problem(book.file, "sheet" if bad else "column", **about))
    if bad:
        found.refuse(book.file, sheet, sheet.name, table, bad[0]["meaning"])
    else:
        readable.append(Piece(book.file, sheet, naming, book.epoch))


def _tell_hidden(found: Sorted, file: str, sheet: Sheet, table: str | None) -> None:
    """A hidden sheet with the name of a table may be an old draft: nobody saw what was sent."""
    if table is None:
        found.problems.append(
            problem(
                file,
                "skipped",
                "Скрытый лист: он не прочитан",
                "Если на нём есть данные, покажите лист и назовите его, как в пояснении.",
                sheet=nameless(sheet),
                action="Лист пропущен",
            )
        )
        return
    found.problems.append(
        problem(
            file,
            "sheet",
            "Лист скрыт: неясно, хотел ли отправитель его прислать",
            "Покажите лист, если его данные нужны, или удалите его.",
            sheet=sheet.name,
            table=table,
        )
    )
    found.pieces.setdefault(table, [])
    found.refuse(file, sheet, sheet.name, table, "Лист скрыт")


def _tell_empty(found: Sorted, book: Workbook, sheets: list[Sheet]) -> None:
    """Tell of a file without a single record: whoever sent it has not reported."""
    known = [piece for pieces in found.pieces.values() for piece in pieces]
    has_rows = any(
        piece.cells.notna().any(axis=None) for piece in known if piece.file == book.file
    ) or any(line["file"] == book.file and line["sent"] for line in found.refused)
    if not has_rows:
        what = "на листах только заголовки" if any(s.first_row for s in sheets) else "листы пусты"
        found.problems.append(
            problem(
                book.file,
                "empty",
                f"Файл пуст: {what}",
                "Пришлите файл с данными; если сведений нет, подтвердите это письмом.",
            )
        )


#: Sheets that a municipality sends together: one without the others is worth a question.
_TOGETHER = ("staff", "employment", "organizations", "scores")


def absent_sheets(found: Sorted, reported: Reported) -> list[dict[str, str]]:
    """Tell the sheets that a municipality's workbook lacks though others have them, and no РМА.

    A sheet that stands in another file of the same municipalities is not lacking.
    """
    given: dict[str, set[str]] = {}
    for table, mine in found.pieces.items():
        for piece in mine:
            if piece.sheet.name:  # a text file holds one sheet, and is asked for no others
                given.setdefault(piece.file, set()).add(table)
    for line in found.refused:
        if line["file"] in given:
            given[line["file"]].add(line["table"])
    everywhere = set(found.pieces)
    told = [
        problem(
            file,
            "note",
            f"В файле нет листа «{TITLES[table]}», хотя в других файлах он есть: "
            "этих сведений муниципалитета в расчётах не будет",
            f"Пришлите файл с листом «{TITLES[table]}» или подтвердите, что сведений нет.",
            table=table,
        )
        for file, tables in sorted(given.items())
        if tables & set(_TOGETHER)
        for table in _TOGETHER
        if table in everywhere - tables
        if not (places := reported.names.get(file)) or not reported.is_sent(table, places)
    ]
    if given and "methodists" not in everywhere:
        told.append(
            problem(
                "",
                "note",
                f"Листа «{TITLES['methodists']}» нет ни в одном файле: у групп не будет ведущих, "
                "а у показателей нагрузки — данных",
                f"Добавьте лист «{TITLES['methodists']}» в файл центра.",
                table="methodists",
            )
        )
    if reported.is_unplaced:
        told.append(
            problem(
                "",
                "note",
                "Ни в одном файле не сказано, в каком муниципальном образовании работают люди: "
                "по муниципальным образованиям ничего рассказать нельзя, и кто не прислал данных, "
                "неизвестно",
                f"Добавьте лист «{TITLES['employment']}».",
                table="employment",
            )
        )
    return told


_UNKNOWN = "Лист с таким названием не предусмотрен"


def _unknown_sheet(file: str, sheet: Sheet) -> dict[str, str]:
    return problem(
        file,
        "sheet",
        _UNKNOWN,
        f"Назовите лист одним из имён: {', '.join(TITLES.values())}.",
        sheet=nameless(sheet),
    )


def _bad(sheet: Sheet, naming: columns.Naming, expected: list[str]) -> Iterator[dict[str, str]]:
    """Why no row of the sheet can be read."""
    cell = address(sheet.name, 0, max(naming.header_row, 1))
    if naming.ambiguous:
        yield {
            "cell": cell,
            "meaning": naming.ambiguous,
            "remedy": f"Оставьте одну строку заголовков, как в пояснении: {_quoted(expected)}.",
        }
    elif naming.missing:
        titles = _quoted(naming.missing)
        maybe = [
            f" Возможно, «{title}» — это столбец {letters(at)}: исправьте его заголовок."
            for at, title in naming.nearest.items()
            if title in naming.missing
        ]
        yield {
            "cell": cell,
            "meaning": f"На листе нет столбцов {titles}",
            "remedy": f"Добавьте столбцы {titles} с такими заголовками в строке заголовков."
            + "".join(maybe),
        }
    if naming.above:
        yield {
            "cell": address(sheet.name, 0, naming.above[0]),
            "meaning": "Над строкой заголовков стоят строки, похожие на данные: "
            f"{_rows(naming.above)}",
            "remedy": "Поставьте заголовки первой строкой, а данные — под ними.",
        }
    if naming.repeated:
        titles = _quoted(dict.fromkeys(naming.repeated))
        yield {
            "cell": cell,
            "meaning": f"Столбцы {titles} стоят на листе больше одного раза",
            "remedy": "Оставьте по одному столбцу с каждым заголовком.",
        }


def _rows(rows: Sequence[int]) -> str:
    first = ", ".join(map(str, rows[:_ROWS_NAMED]))
    more = f" и ещё {len(rows) - _ROWS_NAMED}" if len(rows) > _ROWS_NAMED else ""
    return f"{'строка' if len(rows) == 1 else 'строки'} {first}{more}"


_ROWS_NAMED = 5


def _quoted(titles: Iterable[str]) -> str:
    return ", ".join(f"«{title}»" for title in titles)


def _odd(sheet: Sheet, naming: columns.Naming, expected: list[str]) -> Iterator[dict[str, str]]:
    """What of a readable sheet was not used or was not there."""
    for position in naming.unknown:
        title = naming.header[position]
        if title is None and sheet.below(naming.header_row)[position].isna().all():
            continue
        place = {"cell": address(sheet.name, position, naming.header_row)}
        if kind := naming.personal.get(position):
            yield place | {
                "meaning": f"Столбец {letters(position)} похож на личные сведения, которых никто "
                f"не просил ({kind})",
                "action": "Значения столбца не прочитаны, строки приняты",
                "remedy": f"Удалите столбец {letters(position)} и впредь таких сведений не "
                "присылайте.",
            }
            continue
        near = naming.nearest.get(position)
        advice = f" Ближайший известный заголовок: «{near}»." if near else ""
        yield place | {
            "found": shown.header(title or "", expected) or f"столбец {letters(position)}",
            "meaning": "Столбец не предусмотрен" if title else "У столбца нет заголовка",
            "remedy": f"Исправьте заголовок столбца {letters(position)} или удалите "
            f"столбец.{advice}",
        }
    if naming.absent:
        titles = _quoted(naming.absent)
        yield {
            "cell": address(sheet.name, 0, naming.header_row),
            "meaning": f"На листе нет необязательных столбцов {titles}",
            "action": "Строки приняты, значения считаются неизвестными",
            "remedy": f"Если сведения есть, добавьте столбцы {titles}.",
        }
