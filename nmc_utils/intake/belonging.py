"""Whether a file belongs to the edition at all: its region, its period, its municipality.

A file that does not is refused whole: each of its rows may be right, and all of them are about
something else.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from nmc_utils.editions import Edition, Period
from nmc_utils.intake.batch import Piece, problem
from nmc_utils.intake.columns import folded, is_explanation
from nmc_utils.intake.files import Sent, listed, plain_name
from nmc_utils.intake.reported import OF_MUNICIPALITIES, Sender
from nmc_utils.intake.sheets import Sorted
from nmc_utils.intake.synonyms import plain
from nmc_utils.intake.values import typed
from nmc_utils.intake.workbook import Workbook
from nmc_utils.regions import Region, read_region, region_codes
from nmc_utils.tables import DATE

#: Sheets that say of which municipality a file is.
_OF_PLACES = ("employment", "organizations", "aggregates")
#: Sheets that are of one period alone; lists of the centre may well serve another period too.
_OF_PEOPLE = {*OF_MUNICIPALITIES, "route_measures", "events"}
#: How a blank workbook says of which edition it is.
EDITION_LINE = "Издание:"
_EDITION = re.compile(rf"{EDITION_LINE}\s*([a-z_][a-z0-9_]*/[0-9a-z-]+)", re.IGNORECASE)
_MOST_OUTSIDE = 0.5  # of dates; a file with more of them is of another period,
_LEAST_OUTSIDE = 3  # if they are as many at least: one date may be a slip

Refusal = tuple[str, str]  #: meaning and remedy


def set_strangers_aside(edition: Edition, sent: Sent, found: Sorted) -> dict[str, Sender]:
    """Refuse files that do not belong to `edition`, and tell of every file whose it is.

    Parameters
    ----------
    edition
        The edition that is taken in.
    sent
        What lies in its folder.
    found
        Its sheets; those of refused files leave `pieces`.

    Returns
    -------
    Label of every file → what is known of it without its rows.
    """
    by_file: dict[str, dict[str, list[Piece]]] = {book.file: {} for book in sent.books}
    for table, mine in found.pieces.items():
        for piece in mine:
            by_file[piece.file].setdefault(table, []).append(piece)
    twins = _twins(edition, sent)
    for book in sent.books:
        tables = by_file[book.file]
        reasons = [
            *(twins.get(book.file, []) if _OF_PEOPLE & set(tables) else []),
            *_of_another_edition(edition, book),
            *_of_another_place(edition, tables, sent.files[book.file]),
            *_of_another_period(edition, tables.get("scores", [])),
        ]
        if reasons:
            found.problems.append(problem(book.file, "stranger", *reasons[0]))
            for table, mine in tables.items():
                for piece in mine:
                    found.pieces[table].remove(piece)
                    found.refuse(piece.file, piece.sheet, piece.sheet.name, table, reasons[0][0])
            found.refused_files.add(book.file)
    return {file: _sender(edition, file, sent, found, by_file.get(file, {})) for file in sent.files}


def _sender(
    edition: Edition, file: str, sent: Sent, found: Sorted, tables: dict[str, list[Piece]]
) -> Sender:
    """Whose a file is: by its rows; if none of them can be read, by its name."""
    places = places_of(tables, edition.region)
    named = named_place(Path(sent.files[file]).stem, edition.region)
    if not places and named:
        places = frozenset({named})
    refused: dict[str, int] = {}
    for line in found.refused:
        if line["file"] == file:
            refused[line["table"]] = refused.get(line["table"], 0) + line["held_out"]
    is_read = any(book.file == file for book in sent.books)
    if (not is_read and file not in sent.skipped) or file in found.refused_files:
        refused.setdefault("", 0)
    return Sender(sent.numbers.get(file, 0), places, refused, named)


# --- the same file elsewhere ----------------------------------------------------------------------


def _twins(edition: Edition, sent: Sent) -> dict[str, list[Refusal]]:
    """Files that lie, byte for byte, in the folder of another edition."""
    known = _accepted_before(edition)
    labels = {digest: label for label, digest in sent.digests.items() if digest not in known}
    sizes = set(sent.sizes.values())
    found: dict[str, list[Refusal]] = {}
    for folder in sorted((edition.root / "regions").glob("*/*/")):
        if folder == edition.sent or not _comes_first(folder, edition):
            continue
        for path in listed(folder):
            if path.is_file() and path.stat().st_size in sizes and path.stat().st_size:
                label = labels.get(hashlib.sha256(path.read_bytes()).hexdigest())
                if label:
                    named = plain_name(path.name, edition.region)
                    found.setdefault(label, []).append(_twin(folder, named))
    return found


def _accepted_before(edition: Edition) -> set[str]:
    """Digests of files that this edition has taken in already: they are its own."""
    path = edition.validated / "sources.json"
    try:
        return set(json.loads(path.read_text("utf-8"))["files"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()


def _comes_first(folder: Path, edition: Edition) -> bool:
    """Whether a file of this folder is rather its own than of `edition`.

    Of two periods of a region the earlier one has it; periods that overlap may both.
    """
    if not (folder / "edition.yaml").is_file():
        return False
    if folder.parent.name != edition.region.code:
        return True
    try:
        return Period.parse(folder.name).ends_on < edition.period.starts_on
    except ValueError:
        return False


def _twin(folder: Path, name: str | None) -> Refusal:
    file = f"с файлом «{name}»" if name else "с файлом"
    return (
        f"Это файл другого издания: он совпадает {file} из {folder.parent.name}/{folder.name}",
        "Пришлите файл за этот период; если файл положен сюда по ошибке, уберите его.",
    )


# --- another edition ------------------------------------------------------------------------------


def _of_another_edition(edition: Edition, book: Workbook) -> Iterator[Refusal]:
    """What the explanation of a blank workbook says of the edition it was made for."""
    for sheet in book.sheets:
        if not is_explanation(sheet.name):
            continue
        for text in sheet.grid.head(20).stack().dropna():
            named = _EDITION.search(text)
            if named and named[1].casefold() != edition.key.casefold():
                yield (
                    f"Бланк этого файла сделан для другого издания: {named[1]}",
                    f"Перенесите данные в бланк издания {edition.key} или уберите файл.",
                )
                return


# --- another region or municipality ---------------------------------------------------------------


def places_of(tables: Mapping[str, list[Piece]], region: Region) -> frozenset[str]:
    """Codes of the municipalities that the rows of a file name, second workplaces left out."""
    known = {plain(place.name): place.code for place in region.municipalities}
    return frozenset(known[word] for word in _words_of_places(tables) if word in known)


def named_place(stem: str, region: Region) -> str | None:
    """Code of the municipality that the name of a file has in it, if it is one alone."""
    found = set()
    for place in region.municipalities:
        words = "|".join(re.escape(folded(word)) for word in (place.name, place.code))
        if re.search(rf"(?<![^\W_])(?:{words})(?![^\W_])", folded(stem)):
            found.add(place.code)
    return found.pop() if len(found) == 1 else None


def _words_of_places(tables: Mapping[str, list[Piece]]) -> set[str]:
    """Words in the columns of municipalities, each in its plain spelling."""
    words: set[str] = set()
    for table in _OF_PLACES:
        for piece in tables.get(table, []):
            if "municipality" in piece.text:
                text = piece.text["municipality"]
                if "is_main" in piece.text:  # a second workplace is told by another file too
                    main = typed(piece.text["is_main"], "bool").values.eq(True).fillna(False)
                    text = text[main] if main.any() else text
                words |= {plain(word) for word in text.dropna().unique()}
    return words


def _of_another_place(
    edition: Edition, tables: Mapping[str, list[Piece]], name: str
) -> Iterator[Refusal]:
    words = _words_of_places(tables)
    mine = places_of(tables, edition.region)
    if words and not mine:
        for code in region_codes(edition.root):
            other = read_region(edition.root, code) if code != edition.region.code else None
            if other and places_of(tables, other):
                yield (
                    f"Это файл другого региона: муниципальные образования в нём — {other.name}",
                    "Пришлите файл этого региона или уберите его из папки издания.",
                )
                return
    named = named_place(Path(name).stem, edition.region)
    if named and mine and named not in mine:
        there = ", ".join(edition.region.municipality_names[code] for code in sorted(mine))
        yield (
            "Файл назван по одному муниципальному образованию "
            f"({edition.region.municipality_names[named]}), а строки в нём других: {there}",
            "Проверьте, тот ли это файл: пришлите верный или назовите этот по его содержанию.",
        )


# --- another period -------------------------------------------------------------------------------


def _of_another_period(edition: Edition, scores: list[Piece]) -> Iterator[Refusal]:
    """Results of which most were taken outside the period."""
    days = [
        typed(piece.text["taken_on"], DATE, epoch=piece.epoch).values
        for piece in scores
        if "taken_on" in piece.text
    ]
    days = pd.concat(days).dropna() if days else pd.Series(dtype=DATE)
    period = edition.period
    outside = ~days.between(pd.Timestamp(period.starts_on), pd.Timestamp(period.ends_on))
    years = sorted(days[outside].dt.year.unique())
    is_common = outside.sum() >= _LEAST_OUTSIDE and len(years) <= 2
    if is_common and outside.mean() > _MOST_OUTSIDE:
        span = f"{years[0]}" if len(years) == 1 else f"{years[0]}–{years[-1]}"
        yield (
            f"Это файл другого периода: даты диагностики — {span} год, а издание — {period.label}",
            "Пришлите файл за этот период или проверьте столбец «Дата».",
        )
