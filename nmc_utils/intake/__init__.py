"""From the workbooks that municipalities send to the canonical tables; names stop here."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.intake import checks, crosswalk
from nmc_utils.intake.aliases import Aliases, read_aliases
from nmc_utils.intake.batch import CONSERVATION, HELD_OUT, PROBLEM, problem, refused_sheet
from nmc_utils.intake.belonging import set_strangers_aside
from nmc_utils.intake.files import DEFINITION, Sent, read_folder, with_real_names, wrong_origin
from nmc_utils.intake.names import Names
from nmc_utils.intake.pseudonyms import check_key, key_digest, key_for
from nmc_utils.intake.reported import Sender
from nmc_utils.intake.sheets import Sorted, absent_sheets, is_no_table, nameless, sort_sheets
from nmc_utils.intake.workbook import Workbook
from nmc_utils.tables import DIFFERENCES, FILES, HELD_ROWS, SCHEMAS

__all__ = ["Account", "Intake", "IntakeError", "take_in", "with_real_names"]


@dataclass(frozen=True)
class Account:
    """What became of everything that was sent.

    Attributes
    ----------
    conservation
        A line for every file, sheet and table: rows `sent` = `accepted` + `held_out` +
        `superseded` (repeats of an accepted row, rows of a replaced file) + `blank` (blank rows,
        sums, notes, people who did not come).
    problems
        One row a problem: `file`, `sheet`, `cell`, `table`, `kind`, what was `found`, its
        `meaning`, the `action` taken and the `remedy`. Cells that may name a person are not shown.
    files
        What files are called in all of these → their names, which may name a person: for the
        terminal, never for a file.
    files_table, differences, held_rows
        The tables `tables.FILES`, `tables.DIFFERENCES` and `tables.HELD_ROWS`.
    books
        What was read, by file: for this process alone.
    """

    conservation: pd.DataFrame
    problems: pd.DataFrame
    files: dict[str, str] = field(repr=False)
    files_table: pd.DataFrame
    differences: pd.DataFrame
    held_rows: pd.DataFrame
    books: dict[str, Workbook] = field(repr=False)


@dataclass(frozen=True)
class Intake(Account):
    """What was accepted, besides the account of everything.

    Attributes
    ----------
    held_out
        Number of rows held out.
    tables
        Canonical table → rows written.
    digest
        SHA-256 of all inputs: files, definitions, key.
    missing
        Codes of the municipalities of which nothing was accepted, in the official order; none
        where only numbers of the whole region were sent, or people without their workplaces.
    names
        Of all people that were sent, to look for them in what is made: for this process alone.
    """

    held_out: int
    tables: dict[str, int]
    digest: str
    missing: tuple[str, ...]
    names: Names = field(repr=False)


class IntakeError(ValueError):
    """Nothing could be accepted; earlier validated tables are left as they were.

    Where there are none, what became of the files is written all the same, so that everybody sees
    to whom they went back.

    `account` tells what became of everything, as it does in `Intake`.
    """

    def __init__(self, message: str, account: Account):
        super().__init__(message)
        self.account = account

    def on_terminal(self) -> IntakeError:
        """Return the same error with the real names of files in its message."""
        return IntakeError(with_real_names(str(self), self.account.files), self.account)


def take_in(edition: Edition, *, key: bytes | None = None) -> Intake:
    """Read, check and pseudonymise what was sent, and write the canonical tables.

    Everything in ``edition.sent`` is read anew. ``edition.validated`` is replaced as a whole by
    one Parquet file a table, those that intake tells about itself (`tables.OF_INTAKE`) and
    ``sources.json`` with their digests; the same inputs give the same bytes. The names of a
    submitted edition go to the crosswalk, outside the data root. Whoever calls holds the edition.

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
        The key, the crosswalk or the list of aliases is not safe, or the key is not the one that
        earlier tables of the region were made with.
    """
    _settle(edition.validated)
    key = key_for(edition) if key is None else key
    check_key(edition, key)
    crosswalk.check_place(edition)
    aliases = read_aliases(edition, key)
    sent = read_folder(edition)
    books = {book.file: book for book in sent.books}
    stems = {file: Path(name).stem for file, name in sent.files.items()}
    found = sort_sheets(sent.books, stems, edition.region)
    _refuse_wrong_origin(edition, sent, found)
    senders = set_strangers_aside(edition, sent, found)
    checked = checks.check(found.pieces, checks.Setting(edition, key, aliases, senders))
    problems = [*sent.problems, *found.problems, *absent_sheets(found, checked.reported)]
    if crosswalk.is_purged(edition):
        checked.tables.pop("responses", None)
        problems.append(problem("", "note", *crosswalk.PURGED, table="responses"))
    account = Account(
        conservation=_conservation(checked.conservation, found.refused),
        problems=_problems(problems, checked),
        files=sent.files,
        files_table=_files(sent, senders, checked, edition),
        differences=checked.differences,
        held_rows=_held_rows(checked, found.refused_rows, senders),
        books=books,
    )
    sources = _sources(edition, sent.digests, key, aliases)
    if not checked.tables:
        if sent.files and not _was_accepted(edition):
            _write(edition, account, checked, sources)
        raise IntakeError(_nothing(edition, account.problems), account)
    _write(edition, account, checked, sources)
    crosswalk.write(edition, checked.people, key)
    return Intake(
        **vars(account),
        held_out=int(account.conservation["held_out"].sum()),
        tables={name: len(frame) for name, frame in checked.tables.items()},
        digest=sources["digest"],
        missing=checked.reported.missing,
        names=checked.names,
    )


def _was_accepted(edition: Edition) -> bool:
    """Whether an earlier intake left tables, which are better than none."""
    return any((edition.validated / f"{name}.parquet").is_file() for name in SCHEMAS)


def _write(edition: Edition, account: Account, checked: checks.Checked, sources: dict) -> None:
    told = {
        "status": checked.reported.status,
        "conservation": account.conservation,
        "problems": account.problems,
        "files": account.files_table,
        "differences": account.differences,
        "held_rows": account.held_rows,
    }
    with _replacing(edition.validated) as folder:
        for name, frame in (checked.tables | told).items():
            frame.to_parquet(folder / f"{name}.parquet", index=False)
        written = {path.name: _sha256(path) for path in folder.iterdir()}
        text = json.dumps(
            sources | {"tables": written}, ensure_ascii=False, indent=2, sort_keys=True
        )
        (folder / "sources.json").write_text(text + "\n", "utf-8")


def _refuse_wrong_origin(edition: Edition, sent: Sent, found: Sorted) -> None:
    """Refuse everything where records of two origins would be mixed; a stray file has none."""
    records = {piece.file for pieces in found.pieces.values() for piece in pieces}
    records |= {line["file"] for line in found.refused if line["table"]}
    reason = wrong_origin(edition, [book for book in sent.books if book.file in records])
    if not reason:
        return
    refused = [
        refused_sheet(book.file, sheet, nameless(sheet), "")
        for book in sent.books
        for sheet in book.sheets
        if not is_no_table(sheet)
    ]
    account = Account(
        conservation=_conservation(pd.DataFrame(columns=CONSERVATION), refused),
        problems=pd.DataFrame(sent.problems, columns=PROBLEM),
        files=sent.files,
        files_table=pd.DataFrame(columns=list(FILES)).astype(FILES),
        differences=pd.DataFrame(columns=list(DIFFERENCES)).astype(DIFFERENCES),
        held_rows=pd.DataFrame(columns=list(HELD_ROWS)).astype(HELD_ROWS),
        books={book.file: book for book in sent.books},
    )
    raise IntakeError(reason, account)


def _held_rows(
    checked: checks.Checked, refused: list[tuple], senders: Mapping[str, Sender]
) -> pd.DataFrame:
    """Rows that were held out one by one, and those of sheets that were refused whole."""
    whole = pd.DataFrame(refused, columns=list(HELD_ROWS)).astype(HELD_ROWS)
    whole["municipality"] = whole["file"].map({f: s.place for f, s in senders.items()})
    rows = pd.concat([checked.held_rows, whole]).astype(HELD_ROWS)
    return rows.sort_values(["file", "sheet", "table", "row"], kind="stable", ignore_index=True)


def _mended(senders: Mapping[str, Sender], checked: checks.Checked) -> dict[str, str]:
    """Files refused whole → the later file of the same municipality that was accepted instead."""
    lines = checked.conservation
    of_people = lines["table"].isin(["staff", "scores", "responses"])
    accepted = lines[of_people].groupby("file")["accepted"].sum()
    good = {file: senders[file] for file in accepted.index[accepted.gt(0)]}
    found = {}
    for file, bad in senders.items():
        later = [
            other
            for other, sender in good.items()
            if bad.place and sender.place == bad.place and sender.number > bad.number
        ]
        if "" in bad.refused and later:
            found[file] = max(later, key=lambda other: senders[other].number)
    return found


def _files(
    sent: Sent, senders: Mapping[str, Sender], checked: checks.Checked, edition: Edition
) -> pd.DataFrame:
    """How each file was read, and where it stands."""
    formats = {book.file: book.format for book in sent.books}
    problems = checked.problems
    held = set(problems.loc[problems["kind"].eq(HELD_OUT), "file"])
    names = edition.region.municipality_names
    replaced = checked.replaced | _mended(senders, checked)
    rows = []
    for file in sent.files:
        sender = senders[file]
        places = checked.reported.names.get(file) or sender.places
        if file in sent.skipped:
            state = "skipped"
        elif file in replaced:
            state = "replaced"
        elif file not in formats:
            state = "unreadable"
        else:
            state = "returned" if file in held or sender.refused else "accepted"
        placed = ", ".join(name for code, name in names.items() if code in places)
        by = replaced.get(file, "")
        rows.append((file, formats.get(file, ""), sender.number, state, placed, by))
    return pd.DataFrame(sorted(rows), columns=list(FILES)).astype(FILES)


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
            f"{edition}: принимать нечего, в папке {edition.sent} нет файлов со строками. "
            "Положите туда файлы муниципальных образований."
        )
    worst = problems["kind"].map({"note": 2, "column": 1, "corrected": 1}).fillna(0)
    told = problems.iloc[worst.argsort(kind="stable")].head(3)
    first = [
        f"{f'{row.file} {row.cell or row.sheet}'.strip() or 'Все файлы'}: {row.meaning}. "
        f"{row.remedy}"
        for row in told.itertuples()
    ]
    return f"{edition}: не принято ни одной строки, замечаний {len(problems)}. " + " ".join(first)


def _sources(edition: Edition, digests: dict[str, str], key: bytes, aliases: Aliases) -> dict:
    """Digests of everything the tables were made of."""
    home = edition.sent.parent
    of_region = [home / name for name in ("region.yaml", "published.csv", "system.yaml")]
    definitions = [*of_region, edition.sent / DEFINITION]
    sources = {
        "edition": edition.key,
        "origin": edition.origin,
        "files": digests,
        "definitions": {path.name: _sha256(path) for path in definitions if path.is_file()},
        "key": key_digest(key),
    }
    if aliases.digest:
        sources["aliases"] = aliases.digest
    whole = json.dumps(sources, ensure_ascii=False, sort_keys=True)
    return sources | {"digest": hashlib.sha256(whole.encode()).hexdigest()}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """Give a new folder beside `folder`, which takes its place if nothing fails."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh, old = _beside(folder)
    fresh.mkdir()
    try:
        yield fresh
        for path in (*fresh.iterdir(), fresh):
            _sync(path)
        if folder.exists():
            os.replace(folder, old)
        os.replace(fresh, folder)
        _sync(folder.parent)
    finally:
        _settle(folder)


def _settle(folder: Path) -> None:
    """Take back what stood in `folder` when nothing took its place, and remove what is beside it.

    A process that was killed amid it leaves the same.
    """
    fresh, old = _beside(folder)
    if old.exists() and not folder.exists():
        os.replace(old, folder)
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def _beside(folder: Path) -> tuple[Path, Path]:
    return folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot flush a folder
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
