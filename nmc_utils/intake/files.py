"""The files of an edition: what is read, what each is called, and whose they are.

The name of a file may name a person («прислала …»), so what is written calls a file by its own name
only if that consists of names of places and sheets, numbers and the like; else by its number in the
order of arrival.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nmc_utils.editions import Edition
from nmc_utils.intake import workbook
from nmc_utils.intake.batch import problem
from nmc_utils.intake.columns import folded, is_explanation
from nmc_utils.intake.shown import words_of
from nmc_utils.intake.workbook import UnreadableError, Workbook
from nmc_utils.regions import Region
from nmc_utils.tables import TITLES
from nmc_utils.terms import DEMONSTRATION

DEFINITION = "edition.yaml"
_SUFFIXES = tuple(
    str.split(
        ".xlsx .xls .xlsm .xlsb .ods .csv .tsv .txt .docx .doc .odt .rtf .pdf .zip .rar .7z .html "
        ".htm .xml .jpg .jpeg .png"
    )
)
#: Bytes of a file; the largest honest workbook takes a tenth of it.
LARGEST = 512 * 2**20
_PLAIN_WORDS = frozenset(str.split("цнппм мо район город г год копия"))


@dataclass(frozen=True)
class Sent:
    """What lies in the folder of an edition; files go by their labels.

    Attributes
    ----------
    digests
        Label → SHA-256 of the file.
    books, problems
        Files that can be read, and what is wrong with the others.
    files
        Label → name in the folder, for the terminal alone.
    numbers
        Label → in which order the files came, from 1.
    skipped
        Labels of files that are nobody's report.
    sizes
        Label → bytes of the file, for those that could be read from the disk.
    """

    digests: dict[str, str]
    books: list[Workbook]
    problems: list[dict[str, str]]
    files: dict[str, str]
    numbers: dict[str, int]
    skipped: frozenset[str]
    sizes: dict[str, int]


def read_folder(edition: Edition) -> Sent:
    """Read all files; whatever cannot be read becomes a problem.

    Which file came first is kept in ``.received.json`` beside them, because a copied folder does
    not remember it; files that are not in it yet follow by the time of their last change.
    """
    found = {path: _content(path) for path in listed(edition.sent)}
    contents = {path: had for path, had in found.items() if isinstance(had, bytes)}
    digests = {
        path: hashlib.sha256(content).hexdigest()
        for path, content in contents.items()
        if not _is_leftover(path.name)
    }
    order = _received(edition.sent, digests)
    labels = _labels(list(found), order, edition.region)
    sent = Sent(
        {labels[path]: digest for path, digest in digests.items()},
        [],
        [],
        {label: path.name for path, label in labels.items()},
        {labels[path]: number for number, path in enumerate(order, start=1)},
        frozenset(labels[path] for path in found if _is_leftover(path.name)),
        {labels[path]: len(content) for path, content in contents.items()},
    )
    for path, content in found.items():
        label = labels[path]
        if label in sent.skipped:
            sent.problems.append(problem(label, "skipped", *_LEFTOVER))
            continue
        try:
            if isinstance(content, UnreadableError):
                raise content
            sent.books.append(workbook.read(label, content))
        except UnreadableError as error:
            sent.problems.append(problem(label, "file", str(error), error.remedy))
    return sent


#: Files that programs leave beside the others: of an open workbook, of a folder's view.
_OF_PROGRAMS = ("~$", "~wr", "thumbs.db", "desktop.ini", ".ds_store")
_TEMPORARY = (".tmp", ".bak", ".lnk", ".crdownload", ".part")
_LEFTOVER = (
    "Это служебный файл программы, данных в нём нет",
    "Присылать его не нужно; если открыта книга Excel, закройте её.",
)
#: Folders beside what was sent: blank workbooks, and what goes back.
BLANKS, RETURNED = "blanks", "returned"
RECEIVED = ".received.json"


def _is_leftover(name: str) -> bool:
    return name.lower().startswith(_OF_PROGRAMS) or name.lower().endswith(_TEMPORARY)


def listed(folder: Path) -> list[Path]:
    """What was sent, by name."""
    ours = (DEFINITION, BLANKS, RETURNED)
    paths = folder.iterdir() if folder.is_dir() else ()
    mine = [path for path in paths if path.name not in ours and not path.name.startswith(".")]
    return sorted(mine, key=lambda path: path.name)


def _received(folder: Path, digests: dict[Path, str]) -> list[Path]:
    """Put the files in the order in which they came, and remember it."""
    register = folder / RECEIVED
    known = _remembered(register)
    place = {digest: number for number, digest in enumerate(known)}
    ordered = sorted(
        digests,
        key=lambda path: (
            place.get(digests[path], len(known)),
            0 if digests[path] in place else _changed(path),
            len(path.name),
            path.name,
        ),
    )
    fresh = [digests[path] for path in ordered if digests[path] not in place]
    if fresh:
        building = register.with_suffix(".new")
        building.write_text(json.dumps([*known, *dict.fromkeys(fresh)], indent=0) + "\n", "utf-8")
        os.replace(building, register)
    return ordered


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # somebody has taken the file away since it was read
        return 0


def _remembered(register: Path) -> list[str]:
    if not register.is_file():
        return []
    try:
        known = json.loads(register.read_text("utf-8"))
    except ValueError:
        known = None
    if not isinstance(known, list) or not all(isinstance(digest, str) for digest in known):
        raise ValueError(
            f"{register}: файл повреждён. Удалите его: порядок файлов определится по времени их "
            "последнего изменения"
        )
    return known


def _content(path: Path) -> bytes | UnreadableError:
    if path.is_dir():
        return UnreadableError(
            "Это папка, а не файл", "Положите файлы прямо в папку издания, без вложенных папок."
        )
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):  # a pipe would be waited for without end
            return UnreadableError(
                "Это не файл, а устройство или канал системы", "Уберите его из папки издания."
            )
        if about.st_size > LARGEST:
            return UnreadableError(
                f"Файл больше {LARGEST // 2**20} МБ и не читается",
                "Удалите из него лишние листы, рисунки и оформление или разделите данные на "
                "несколько файлов.",
            )
        return path.read_bytes()
    except FileNotFoundError:
        return UnreadableError(
            "Файла нет: это ссылка на то, чего нет, или файл убрали во время приёма",
            "Положите в папку издания сам файл и повторите проверку.",
        )
    except OSError as error:
        return UnreadableError(
            f"Файл не открывается: {error.strerror}",
            "Закройте файл в других программах и проверьте право на чтение.",
        )


def _labels(paths: list[Path], order: list[Path], region: Region) -> dict[Path, str]:
    """What the files are called in everything that is written; the others come last."""
    others = [path for path in paths if path not in set(order)]
    labels = {}
    for number, path in enumerate([*order, *others], start=1):
        suffix = path.suffix.lower() if path.suffix.lower() in _SUFFIXES else ""
        labels[path] = plain_name(path.name, region) or f"файл № {number}{suffix}"
    return labels


def plain_name(name: str, region: Region) -> str | None:
    """Return the name of a file if it cannot be a person's, else None."""
    places = [(place.name, place.code, place.kind) for place in region.municipalities]
    texts = [region.name, region.code, *TITLES, *TITLES.values(), *sum(places, ())]
    known = _PLAIN_WORDS | words_of(text.replace("_", " ") for text in texts)
    path = Path(name)
    stem = path.stem if path.suffix.lower() in _SUFFIXES else name
    return name if name.isprintable() and words_of([stem]) <= known else None


def wrong_origin(edition: Edition, books: list[Workbook]) -> str:
    """Return why a demonstration and submitted records would be mixed; nothing if they are not.

    Records under the public key of demonstrations can be traced back to people, so a workbook
    without the mark of a demonstration is refused there.
    """
    is_demonstration = edition.is_demonstration
    wrong = [book.file for book in books if is_marked(book) != is_demonstration]
    if not wrong:
        return ""
    named = ", ".join(f"«{file}»" for file in wrong[:5]) + (" и других" if len(wrong) > 5 else "")
    if is_demonstration:
        return (
            f"{edition}: издание объявлено демонстрационным, а на листе «Пояснение» (в тексте — "
            f"первой строкой) в {named} нет пометки «{DEMONSTRATION}»; ключ демонстрации известен "
            "всем и личных кодов не защищает, поэтому для присланных данных укажите в edition.yaml "
            "origin: submitted"
        )
    return (
        f"{edition}: издание объявлено присланным, а в {named} стоит пометка «{DEMONSTRATION}»; "
        "демонстрационные и присланные данные вместе не принимаются, уберите такие файлы из папки "
        "издания"
    )


def is_marked(book: Workbook) -> bool:
    """Whether the first sheet, or one that explains the workbook, has a demonstration's mark."""
    mark = folded(DEMONSTRATION)
    return any(
        mark in folded(text)
        for sheet in book.sheets
        if sheet.number == 1 or is_explanation(sheet.name)
        for text in sheet.grid.head(20).stack().dropna()
    )


def with_real_names(cell: Any, files: dict[str, str]) -> Any:
    """Replace labels of files in a text by their names: for the terminal, never for a file."""
    if not files or not isinstance(cell, str):
        return cell
    labels = "|".join(re.escape(label) for label in sorted(files, key=len, reverse=True))
    return re.sub(labels, lambda match: files[match[0]], cell)
