"""What a workbook calls a sheet, a column and a value, for every canonical table.

The header of a column is the title in its schema. A person stands in a workbook by name and date
of birth; in the canonical tables by a keyed identity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache

import pandas as pd

from nmc_utils.intake import header, personal
from nmc_utils.intake.persons import PERSON_HEADERS, person_headers, required_of_person
from nmc_utils.intake.synonyms import dictionary, folded, nearest, plain, synonyms
from nmc_utils.intake.workbook import Sheet
from nmc_utils.regions import Region
from nmc_utils.tables import DATE, SCHEMAS, TITLES
from nmc_utils.terms import OTHER_PERSONS, TOTAL, WHOLE_TEST, coded

#: Canonical columns that intake makes from `PERSON_HEADERS`.
FROM_PERSON = ("person_id", "methodist_id", "birth_year")
YES_NO = {True: "да", False: "нет"}
#: Table → column → code of an empty cell; elsewhere an empty cell is an unknown value.
#: An empty municipality is doubtful all the same: `aggregates` tells whose number it is.
BLANK_MEANS = {"aggregates": {"domain": TOTAL, "municipality": TOTAL}}
#: Tables of which a total is a record like any other, not a sum under the records.
WITH_TOTALS = ("aggregates",)
#: The sheet that explains a workbook and holds no records.
EXPLANATION = "Пояснение"
#: What says that a number is of the whole region, besides its name; the first is offered.
WHOLE_REGION = ("весь регион", "всего по региону", "итого по региону")
#: What stands under the rows of a municipality as well as under those of the region.
BARE_TOTALS = ("итого", "всего", "регион")


@cache
def person_of(table: str) -> str | None:
    """The column of the person whose row it is, if `table` is about persons."""
    others = other_persons(table)
    own = [name for name in FROM_PERSON[:2] if name in SCHEMAS[table].columns]
    return next((name for name in own if name not in others), None)


def has_persons(table: str) -> bool:
    """Whether a row of `table` is about a person."""
    return person_of(table) is not None


def other_persons(table: str) -> tuple[str, ...]:
    """Columns of which a cell tells of another person than the one whose row it is."""
    return OTHER_PERSONS.get(table, ())


def headers(table: str) -> dict[str, str]:
    """Canonical column → header in the workbook, without the person's columns.

    `responses` is wide in a workbook: one row is a person, wave and form, and the columns after
    these headers are the positions of the items in the form: «1», «2», …
    """
    skipped = {person_of(table), "birth_year"}
    if table == "responses":
        skipped |= {"item_id", "score"}
    return {
        name: column.title for name, column in SCHEMAS[table].columns.items() if name not in skipped
    }


@cache
def type_of(table: str, column: str) -> str:
    """The pandas type of a canonical column; pandera names text and dates otherwise."""
    dtype = SCHEMAS[table].columns[column].dtype.type
    if isinstance(dtype, pd.StringDtype):
        return "str"
    return DATE if pd.api.types.is_datetime64_dtype(dtype) else str(dtype)


@lru_cache(maxsize=1)
def _tables() -> dict[str, str]:
    """What people call a sheet → the table."""
    listed = synonyms().sheets
    return dictionary({table: [TITLES[table], *words] for table, words in listed.items()})


def table_of(sheet: str) -> str | None:
    """The table that a sheet of this name holds, None for a name that says nothing."""
    return _tables().get(plain(re.sub(r"^\s*[0-9]{1,2}[.)]\s*", "", sheet)))


def table_of_file(stem: str) -> str | None:
    """The table that the name of a file tells, if it is one: «Абакан_Результаты 2023»."""
    words = " ".join(re.findall(r"[^\W\d_]+", plain(re.sub(r"[_-]", " ", stem))))
    found: dict[str, str] = {}
    for phrase in sorted(_tables(), key=len, reverse=True):
        if f" {phrase} " in f" {words} ":
            found[phrase] = _tables()[phrase]
            words = words.replace(phrase, " ")
    tables = set(found.values())
    return tables.pop() if len(tables) == 1 else None


def is_unnamed(sheet: str) -> bool:
    """Whether the name of a sheet is what a program gave it: «Лист1», «Sheet2» or nothing."""
    words = {plain(word) for word in synonyms().unnamed} | {""}
    return plain(re.sub(r"[\s0-9()]+$", "", sheet)) in words


def table_by_header(sheet: Sheet, region: Region) -> str | None:
    """Return the one table whose columns a sheet has, or None where it could be another as well.

    A list of people with nothing else is no table: it may be a list of anybody.
    """
    found: dict[str, int] = {}
    top = header.Top.of(sheet.grid)
    for table in SCHEMAS:
        naming = _without_advice(table, sheet, region, top)
        own = [name for name in naming.positions if name in headers(table)]
        titled = sum(map(bool, naming.header))
        known = len(naming.positions) + len(naming.ignored) + (naming.full_name is not None)
        is_whole = not (naming.missing or naming.repeated or naming.ambiguous)
        if is_whole and own and known >= 2 and known * 2 >= titled:
            found[table] = known
    best = [table for table, known in found.items() if known == max(found.values())]
    return best[0] if len(best) == 1 else None


def is_explanation(sheet: str) -> bool:
    """Whether a sheet of this name holds no records."""
    return plain(sheet) in {plain(word) for word in (EXPLANATION, *synonyms().explanations)}


@dataclass(frozen=True)
class Naming:
    """How the columns of one sheet are named, and what does not fit.

    Attributes
    ----------
    positions
        Column → position in the sheet, from 0. Columns are canonical names, the person's headers
        and, in responses, the positions of items as text.
    missing, absent
        Headers without which no row can be read; headers without which every row can.
    repeated
        Headers that stand above more than one column.
    unknown
        Positions of columns that have a header nobody has agreed on, or values and no header.
    nearest
        Position of an unknown column → the agreed header that was perhaps meant.
    personal
        Position of an unknown column → the kind of personal data that it seems to hold.
    ignored
        Positions of columns that are left aside silently: numbers of rows.
    full_name
        Position of the column that holds surname, given name and patronymic together.
    header, header_row
        The text above each column with its unit, and the last row of the header with the rows of
        units and of column numbers: records stand below it.
    repeated_rows
        Rows below that repeat the header.
    ambiguous
        Why nobody can tell which row is the header; None where it is clear.
    above
        Rows above the header that look like records.
    """

    positions: dict[str, int]
    missing: list[str]
    absent: list[str]
    repeated: list[str]
    unknown: list[int]
    nearest: dict[int, str]
    personal: dict[int, str]
    ignored: list[int]
    full_name: int | None
    header: list[str | None]
    header_row: int
    repeated_rows: tuple[int, ...] = ()
    ambiguous: str | None = None
    above: tuple[int, ...] = ()


def name_columns(table: str, sheet: Sheet, region: Region) -> Naming:
    """Find the header of a sheet and name its columns; the region says how it tells of people."""
    naming = _without_advice(table, sheet, region)
    words, below = _words(table, person_headers(region)), sheet.below(naming.header_row)
    titles = {at: naming.header[at] for at in naming.unknown}
    near = {at: words.nearest(title) for at, title in list(titles.items())[:_ADVISED] if title}
    kinds = {at: personal.kind_of(title, below[at]) for at, title in titles.items()}
    return replace(
        naming,
        nearest={at: title for at, title in near.items() if title},
        personal={at: kind for at, kind in kinds.items() if kind},
    )


#: Unknown columns of a sheet for which the header is told that was perhaps meant.
_ADVISED = 50


def _without_advice(
    table: str, sheet: Sheet, region: Region, top: header.Top | None = None
) -> Naming:
    """Name the columns; of unknown ones nothing but their positions is told."""
    words = _words(table, person_headers(region))
    optional = _optional(table, region)
    found = header.find(sheet.grid, words.recognised, top)
    positions, repeated = words.named(found.titles)
    ignored = [at for at, titles in enumerate(found.titles) if words.are_ignored(titles)]
    full_name = positions.pop(_FULL_NAME, None)
    if full_name is not None:
        full_name, aside = _full_or_parts(positions, full_name)
        ignored += aside
    used = {*positions.values(), *ignored, full_name}
    below = sheet.below(found.last)
    unknown = [
        at
        for at, title in enumerate(found.shown)
        if at not in used and (title or below[at].notna().any())
    ]
    parts = PERSON_HEADERS[:3] if full_name is not None else ()
    lacking = [name for name in words.expected if name not in positions and name not in parts]
    return Naming(
        positions=positions,
        missing=[words.expected[name] for name in lacking if name not in optional],
        absent=[words.expected[name] for name in lacking if name in optional],
        repeated=repeated,
        unknown=unknown,
        nearest={},
        personal={},
        ignored=sorted(ignored),
        full_name=full_name,
        header=found.shown,
        header_row=found.last,
        repeated_rows=found.repeated,
        ambiguous=_ambiguous([found.first, *found.ambiguous]),
        above=_records_above(sheet.grid, table, found, positions, full_name),
    )


#: Filled cells that a record has at least, so that a title of a few words is none.
_FEWEST_OF_RECORD, _FEWEST_WITH_DAY = 3, 2


def _records_above(
    grid: pd.DataFrame,
    table: str,
    found: header.Header,
    positions: dict[str, int],
    full_name: int | None,
) -> tuple[int, ...]:
    """Rows above the header that are filled as a record is, or have a day where days stand."""
    named = [*positions.values(), *([] if full_name is None else [full_name])]
    days = [at for name, at in positions.items() if _is_of_days(table, name)]
    least = max(_FEWEST_OF_RECORD, (len(named) + 1) // 2)
    rows = []
    for row in header.above(grid, found) if named else ():
        cells = grid.loc[row]
        n_filled = int(cells[named].notna().sum())
        has_day = any(_DAY.fullmatch(str(text)) for text in cells[days].dropna())
        if n_filled >= least or (has_day and n_filled >= _FEWEST_WITH_DAY):
            rows.append(row)
    return tuple(rows)


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?:T.*)?|\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})(?: ?г\.?)?")


def _is_of_days(table: str, name: str) -> bool:
    own = headers(table)
    return name == PERSON_HEADERS[-1] or (name in own and type_of(table, name) == DATE)


def _full_or_parts(positions: dict[str, int], full_name: int) -> tuple[int | None, list[int]]:
    """Choose between a full name and its parts; what is not used is left aside."""
    parts = [part for part in PERSON_HEADERS[:3] if part in positions]
    if set(PERSON_HEADERS[:2]) <= set(parts):
        return None, [full_name]
    return full_name, [positions.pop(part) for part in parts]


def _ambiguous(rows: list[int]) -> str | None:
    if len(rows) < 2:
        return None
    named = f"{', '.join(map(str, rows[:-1]))} и {rows[-1]}"
    return f"Неясно, где заголовки столбцов: на них одинаково похожи строки {named}"


_FULL_NAME, _ITEM = "full_name", re.compile(r"[1-9][0-9]{0,2}")


class _Words:
    """What people may write above the columns of a table.

    `expected` are the columns with the headers that were agreed on, the person's first.
    """

    def __init__(self, table: str, persons: tuple[str, ...]):
        own = headers(table)
        self.expected = dict(own)
        written = {name: synonyms().of_column(table, name) for name in own}
        if has_persons(table):
            self.expected = {title: title for title in persons} | own
            written |= words_of_person(table, persons)
        self._agreed = {plain(title): name for name, title in self.expected.items()}
        self._written = dictionary(
            {
                name: [*words, *filter(None, [self.expected.get(name)])]
                for name, words in written.items()
            }
        )
        self._known_titles = self._agreed | self._written
        self._ignored = {plain(word) for word in synonyms().ignored}
        self._notes = set(synonyms().notes)
        self._own_words = {
            name: set(_WORDS.findall(folded(" ".join([self.expected.get(name, ""), *words]))))
            for name, words in written.items()
        }
        prefixes = "|".join(re.escape(plain(word)) for word in synonyms().items)
        self._item = re.compile(rf"(?:{prefixes}) ?({_ITEM.pattern})")
        self._has_items = table == "responses"
        self._known: dict[str, tuple[int, str] | None] = {}

    def recognised(self, titles: header.Titles) -> dict[str, int]:
        """Name the columns, but for items: a number in a cell is no sign of a header."""
        named, _ = self.named(titles)
        return {name: at for name, at in named.items() if not _ITEM.fullmatch(name)}

    def named(self, titles: header.Titles) -> tuple[dict[str, int], list[str]]:
        """Name → position; and the headers that stand above several columns.

        A header that was agreed on goes before what people write instead.
        """
        found: dict[str, list[tuple[int, int]]] = {}
        for at, texts in enumerate(titles):
            known = next(filter(None, map(self._known_as, texts)), None)
            if known and not self.are_ignored(texts):
                found.setdefault(known[1], []).append((known[0], at))
        positions = {name: min(places)[1] for name, places in found.items()}
        repeated = [
            self.expected.get(name, name if name != _FULL_NAME else "ФИО")
            for name, places in found.items()
            for _ in [rank for rank, _ in places if rank == min(places)[0]][1:]
        ]
        return positions, repeated

    def are_ignored(self, texts: list[str]) -> bool:
        """Whether these titles are of a column that is left aside."""
        return any(plain(text) in self._ignored for text in texts)

    def nearest(self, title: str) -> str | None:
        """The agreed header that was perhaps meant."""
        near = nearest(title, self._known_titles, 1)
        name = self._known_titles[near[0]] if near else None
        return self.expected.get(name, "Фамилия" if name == _FULL_NAME else None)

    def _known_as(self, title: str) -> tuple[int, str] | None:
        """How freely a title was read, from 0, and the name of its column."""
        if title not in self._known:
            self._known[title] = self._read(title)
        return self._known[title]

    def _read(self, title: str) -> tuple[int, str] | None:
        if name := self._agreed.get(plain(title)):
            return 0, name
        if name := self._written.get(plain(title)):
            return 1, name
        if self._has_items and (match := self._item.fullmatch(plain(title))):
            return int(match[0] != match[1]), match[1]
        for rest, notes in _without_notes(title):
            name = self._agreed.get(plain(rest)) or self._written.get(plain(rest))
            if name and notes <= self._notes | self._own_words[name]:
                return 2, name
        return None


def words_of_person(table: str, persons: tuple[str, ...]) -> dict[str, list[str]]:
    """What people write for the person whose row it is, but for words of another one."""
    words = {name: words for name, words in synonyms().persons.items() if name in persons}
    words[_FULL_NAME] = synonyms().full_name
    others = {folded(SCHEMAS[table].columns[name].title) for name in other_persons(table)}
    if not others:
        return words
    stems = tuple(word.rstrip("аеийоуыья") for word in others)
    return {
        name: [w for w in every if not any(part.startswith(stems) for part in folded(w).split())]
        for name, every in words.items()
    }


_WORDS = re.compile(r"[^\W\d_]+|%")


@lru_cache(maxsize=2 * len(SCHEMAS))
def _words(table: str, persons: tuple[str, ...]) -> _Words:
    return _Words(table, persons)


def _without_notes(title: str) -> Iterator[tuple[str, set[str]]]:
    """Leave out what stands in brackets, then what stands after a comma; with the words of it."""
    if not re.search(r"[(\[,0-9]", title):
        return
    bare = re.sub(r"[(\[][^)\]]*[)\]]?", " ", title)
    inside = " ".join(re.findall(r"[(\[]([^)\]]*)", title))
    head, _, tail = bare.partition(",")
    for rest, notes in ((bare, inside), (head, f"{inside} {tail}")):
        without_footnote = re.sub(r"(?<=[^\W\d_])[0-9]{1,2}\s*$", "", rest)
        yield without_footnote, set(_WORDS.findall(folded(notes)))


def _optional(table: str, region: Region) -> set[str]:
    """The columns without which every row can be read."""
    schema = SCHEMAS[table].columns
    own = {name for name in headers(table) if schema[name].nullable}
    required = required_of_person(region, table) if has_persons(table) else ()
    return own | set(person_headers(region)) - set(required)


def vocabulary(region: Region, table: str) -> dict[str, dict[str, str]]:
    """Column → word of the workbook → code, for the columns of `table` that hold codes.

    The first word of a code is the one to offer.
    """
    words = {
        "municipality": {name: code for code, name in region.municipality_names.items()},
        "domain": {name: code for code, name in region.competence_names.items()},
        **{column: _words_for(table, column) for column in coded(table)},
    }
    if table in ("forms", "scores"):
        words["domain"] = {WHOLE_TEST: TOTAL} | words["domain"]
    if table == "forms":
        words["subject"] = {name: code for code, name in region.family_names.items()}
    if table == "aggregates":
        words |= _counted(region)
        of_region = dict.fromkeys((*WHOLE_REGION, region.name), TOTAL)
        words["municipality"] = of_region | words["municipality"]
    return {  # `position` is a word of a workplace and a number of an item
        column: words[column]
        for column in SCHEMAS[table].columns
        if column in words and type_of(table, column) == "str"
    }


def _words_for(table: str, column: str) -> dict[str, str]:
    """The agreed words of a column of codes, then what people write instead."""
    agreed = {word: code for code, word in coded(table)[column].items()}
    written = synonyms().words_of.get(table, {}).get(column) or synonyms().words.get(column, {})
    return agreed | {word: code for code, words in written.items() for word in words}


def _counted(region: Region) -> dict[str, dict[str, str]]:
    """Words of what a region may count itself: labels of metrics, names of levels, documents."""
    levels = {
        word: level.code
        for level in region.diagnostics.levels
        for word in (level.name, level.label, level.having, level.words)
    }
    return {
        "domain": {name: code for code, name in region.domain_names.items()},
        "measure": region.counted_words,
        "level": levels,
        "document": _documents(region),
    }


def _documents(region: Region) -> dict[str, str]:
    """Id, short name and title of a document → its id; what names several names none."""
    named: dict[str, set[str]] = {}
    for document in region.documents:
        for word in (document.id, document.short, document.title):
            named.setdefault(folded(word), set()).add(document.id)
    return {word: next(iter(ids)) for word, ids in named.items() if len(ids) == 1}
