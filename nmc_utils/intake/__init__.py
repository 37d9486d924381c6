"""From the workbooks that municipalities send to the canonical tables; names stop here."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.intake import checks, columns, shown
from nmc_utils.intake.batch import (
    CONSERVATION,
    PROBLEM,
    Piece,
    address,
    letters,
    problem,
    refused_sheet,
)
from nmc_utils.intake.files import DEFINITION, Sent, read_folder, with_real_names, wrong_origin
from nmc_utils.intake.pseudonyms import key_digest, key_for
from nmc_utils.intake.reported import Reported
from nmc_utils.intake.workbook import Sheet, Workbook
from nmc_utils.tables import TITLES

__all__ = ["Intake", "IntakeError", "take_in", "with_real_names"]


@dataclass(frozen=True)
class Intake:
    """What became of everything that was sent.

    Attributes
    ----------
    conservation
        A line for every file, sheet and table: rows `sent` = `accepted` + `held_out` +
        `superseded` (repeats of an accepted row) + `blank` (blank rows and totals).
    problems
        One row a problem: `file`, `sheet`, `cell`, `table`, `kind`, what was `found`, its
        `meaning`, the `action` taken and the `remedy`. Cells that may name a person are not shown.
    held_out
        Number of rows held out.
    tables
        Canonical table → rows written.
    digest
        SHA-256 of all inputs: files, definitions, key.
    missing
        Codes of the municipalities of which nothing was accepted, in the official order; none
        where only numbers of the whole region were sent, or people without their workplaces.
    files
        What files are called in all of the above → their names, which may name a person: for the
        terminal, never for a file.
    """

    conservation: pd.DataFrame
    problems: pd.DataFrame
    held_out: int
    tables: dict[str, int]
    digest: str
    missing: tuple[str, ...]
    files: dict[str, str]


class IntakeError(ValueError):
    """Nothing could be accepted; earlier validated tables are left as they were.

    `problems`, `conservation` and `files` are those of `Intake`.
    """

    def __init__(
        self,
        message: str,
        problems: pd.DataFrame,
        conservation: pd.DataFrame,
        files: dict[str, str] | None = None,
    ):
        super().__init__(message)
        self.problems = problems
        self.conservation = conservation
        self.files = files or {}

    def on_terminal(self) -> IntakeError:
        """Return the same error with the real names of files in its message."""
        message = with_real_names(str(self), self.files)
        return IntakeError(message, self.problems, self.conservation, self.files)


def take_in(edition: Edition, *, key: bytes | None = None) -> Intake:
    """Read, check and pseudonymise what was sent, and write the canonical tables.

    Everything in ``edition.sent`` is read anew. ``edition.validated`` is replaced as a whole by
    one Parquet file a table, ``status.parquet`` (which municipality has sent which table),
    ``conservation.parquet``, ``problems.parquet`` and ``sources.json``; the same inputs give the
    same bytes.

    Parameters
    ----------
    edition
        The edition to take in.
    key
        Key of the identities; without it the public key of demonstrations, or the region's own.

    Raises
    ------
    IntakeError
        Nothing was accepted, or a workbook is of another origin than the edition.
    KeyFileError
        The key file of a submitted edition is not safe.
    """
    if edition.region.identity == "own_code":
        raise NotImplementedError(
            f"{edition.region.name}: личные коды региона (identity: own_code) пока не принимаются; "
            "укажите в region.yaml identity: name_and_birth"
        )
    sent = read_folder(edition)
    _refuse_wrong_origin(edition, sent)
    key = key_for(edition) if key is None else key
    pieces, refused, problems = _name_sheets(sent.books)
    checked = checks.check(pieces, edition.region, key)
    conservation = _conservation(checked.conservation, refused)
    absent = _absent_sheets(sent.books, checked.reported)
    problems = _problems([*sent.problems, *problems, *absent], checked)
    if not checked.tables:
        raise IntakeError(_nothing(edition, problems), problems, conservation, sent.files)
    sources = _sources(edition, sent.digests, key)
    frames = checked.tables | {"status": checked.reported.status}
    frames |= {"conservation": conservation, "problems": problems}
    with _replacing(edition.validated) as folder:
        for name, frame in frames.items():
            frame.to_parquet(folder / f"{name}.parquet", index=False)
        text = json.dumps(sources, ensure_ascii=False, indent=2, sort_keys=True)
        (folder / "sources.json").write_text(text + "\n", "utf-8")
    return Intake(
        conservation=conservation,
        problems=problems,
        held_out=int(conservation["held_out"].sum()),
        tables={name: len(frame) for name, frame in checked.tables.items()},
        digest=sources["digest"],
        missing=checked.reported.missing,
        files=sent.files,
    )


def _refuse_wrong_origin(edition: Edition, sent: Sent) -> None:
    if reason := wrong_origin(edition, sent.books):
        refused = [
            refused_sheet(book.file, sheet, _nameless(sheet), "")
            for book in sent.books
            for sheet in book.sheets
            if not columns.is_explanation(sheet.name)
        ]
        conservation = _conservation(pd.DataFrame(columns=CONSERVATION), refused)
        problems = pd.DataFrame(sent.problems, columns=PROBLEM)
        raise IntakeError(reason, problems, conservation, sent.files)


def _name_sheets(
    books: list[Workbook],
) -> tuple[dict[str, list[Piece]], list[dict], list[dict[str, str]]]:
    """Sort the sheets by table; sheets that cannot be read by columns are refused whole.

    A table of which every sheet was refused has an empty list.
    """
    pieces: dict[str, list[Piece]] = {}
    refused, problems = [], []
    for file, sheet in [(book.file, sheet) for book in books for sheet in book.sheets]:
        table = columns.table_of(sheet.name)
        if table is None:
            if sheet.first_row and not columns.is_explanation(sheet.name):
                problems.append(_unknown_sheet(file, sheet))
                refused.append(refused_sheet(file, sheet, _nameless(sheet), ""))
            continue
        naming = columns.name_columns(table, sheet)
        is_bad = bool(naming.missing or naming.repeated)
        readable = pieces.setdefault(table, [])
        kind, found = ("sheet", _bad) if is_bad else ("column", _odd)
        for what in found(table, sheet, naming):
            problems.append(problem(file, kind, **what, sheet=sheet.name, table=table))
        if is_bad:
            refused.append(refused_sheet(file, sheet, sheet.name, table))
        else:
            readable.append(Piece(file, sheet, naming))
    return pieces, refused, problems


#: Sheets that a municipality sends together: one without the others is worth a question.
_TOGETHER = ("staff", "employment", "organizations", "scores")


def _absent_sheets(books: list[Workbook], reported: Reported) -> list[dict[str, str]]:
    """Tell the sheets that a municipality's workbook lacks though others have them, and no РМА.

    A sheet that stands in another file of the same municipalities is not lacking.
    """
    given = {book.file: {columns.table_of(sheet.name) for sheet in book.sheets} for book in books}
    everywhere = set().union(*given.values())
    found = [
        problem(
            file,
            "note",
            f"В файле нет листа «{TITLES[table]}», хотя в других файлах он есть: "
            "этих сведений муниципалитета в расчётах не будет.",
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
        found.append(
            problem(
                "",
                "note",
                f"Листа «{TITLES['methodists']}» нет ни в одном файле: у групп не будет ведущих, "
                "а у показателей нагрузки — данных.",
                f"Добавьте лист «{TITLES['methodists']}» в файл центра.",
                table="methodists",
            )
        )
    if reported.is_unplaced:
        found.append(
            problem(
                "",
                "note",
                "Ни в одном файле не сказано, в каком муниципальном образовании работают люди: "
                "по муниципальным образованиям ничего рассказать нельзя, и кто не прислал данных, "
                "неизвестно.",
                f"Добавьте лист «{TITLES['employment']}».",
                table="employment",
            )
        )
    return found


def _nameless(sheet: Sheet) -> str:
    """What to call a sheet that nobody has agreed on: its own title may be somebody's name."""
    return f"лист № {sheet.number}"


def _unknown_sheet(file: str, sheet: Sheet) -> dict[str, str]:
    return problem(
        file,
        "sheet",
        "Лист с таким названием не предусмотрен",
        f"Назовите лист одним из имён: {', '.join(TITLES.values())}.",
        sheet=_nameless(sheet),
    )


def _bad(table: str, sheet: Sheet, naming: columns.Naming) -> Iterator[dict[str, str]]:
    """Why no row of the sheet can be read."""
    cell = address(sheet.name, 0, naming.header_row)
    if naming.missing:
        titles = _quoted(naming.missing)
        yield {
            "cell": cell,
            "meaning": f"На листе нет столбцов {titles}",
            "remedy": f"Добавьте столбцы {titles} с такими заголовками в строке заголовков.",
        }
    if naming.repeated:
        titles = _quoted(dict.fromkeys(naming.repeated))
        yield {
            "cell": cell,
            "meaning": f"Столбцы {titles} стоят на листе больше одного раза",
            "remedy": "Оставьте по одному столбцу с каждым заголовком.",
        }


def _quoted(titles: Iterable[str]) -> str:
    return ", ".join(f"«{title}»" for title in titles)


def _odd(table: str, sheet: Sheet, naming: columns.Naming) -> Iterator[dict[str, str]]:
    """What of a readable sheet was not used or was not there."""
    known = [*columns.PERSON_HEADERS, *columns.headers(table).values()]
    for position in naming.unknown:
        title = naming.header[position]
        if title is None and sheet.below(naming.header_row)[position].isna().all():
            continue
        yield {
            "cell": address(sheet.name, position, naming.header_row),
            "found": shown.header(title or "", known) or f"столбец {letters(position)}",
            "meaning": "Столбец не предусмотрен" if title else "У столбца нет заголовка",
            "remedy": f"Исправьте заголовок столбца {letters(position)} или удалите столбец.",
        }
    if naming.absent:
        titles = _quoted(naming.absent)
        yield {
            "cell": address(sheet.name, 0, naming.header_row),
            "meaning": f"На листе нет необязательных столбцов {titles}",
            "action": "Строки приняты, значения считаются неизвестными",
            "remedy": f"Если сведения есть, добавьте столбцы {titles}.",
        }


def _conservation(checked: pd.DataFrame, refused: list[dict]) -> pd.DataFrame:
    lines = pd.concat([checked, pd.DataFrame(refused, columns=CONSERVATION)])
    types = {name: "str" if i < 3 else "int64" for i, name in enumerate(CONSERVATION)}
    lines = lines.astype(types).sort_values(CONSERVATION[:3], kind="stable", ignore_index=True)
    parts = lines[CONSERVATION[4:]].sum(axis=1)
    if not parts.eq(lines["sent"]).all():
        raise AssertionError(f"rows are lost:\n{lines[parts.ne(lines['sent'])]}")
    return lines


def _problems(of_files: list[dict[str, str]], checked: checks.Checked) -> pd.DataFrame:
    problems = pd.concat([pd.DataFrame(of_files, columns=PROBLEM), checked.problems]).astype("str")
    return problems.sort_values("file", kind="stable", ignore_index=True)


def _nothing(edition: Edition, problems: pd.DataFrame) -> str:
    if problems.empty:
        return (
            f"{edition}: принимать нечего, в папке {edition.sent} нет строк в книгах .xlsx. "
            "Положите туда книги муниципальных образований."
        )
    first = [
        f"{row.file} {row.cell or row.sheet}: {row.meaning}. {row.remedy}".lstrip()
        for row in problems.head(3).itertuples()
    ]
    return f"{edition}: не принято ни одной строки, замечаний {len(problems)}. " + " ".join(first)


def _sources(edition: Edition, digests: dict[str, str], key: bytes) -> dict:
    """Digests of everything the tables were made of."""
    home = edition.sent.parent
    definitions = [home / "region.yaml", home / "published.csv", edition.sent / DEFINITION]
    sources = {
        "edition": edition.key,
        "files": digests,
        "definitions": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in definitions
            if path.is_file()
        },
        "key": key_digest(key),
    }
    whole = json.dumps(sources, ensure_ascii=False, sort_keys=True)
    return sources | {"digest": hashlib.sha256(whole.encode()).hexdigest()}


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """Give a new folder beside `folder`, which takes its place if nothing fails."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex[:8]
    fresh, old = (folder.with_name(f".{folder.name}-{mark}-{end}") for end in ("new", "old"))
    fresh.mkdir()
    try:
        yield fresh
        if folder.exists():
            os.replace(folder, old)
        os.replace(fresh, folder)
    except BaseException:
        if old.exists() and not folder.exists():
            os.replace(old, folder)
        raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
