"""The files of an edition: what is read, what each is called, and whose they are.

The name of a file may name a person («прислала …»), so what is written calls a file by its own name
only if that consists of names of places and sheets, numbers and the like; else by a number, the
place of its digest among the digests.
"""

from __future__ import annotations

import hashlib
import re
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
_SUFFIXES = (".xlsx", ".xls", ".xlsm", ".ods", ".csv", ".txt", ".docx", ".doc", ".pdf", ".zip")
_PLAIN_WORDS = frozenset(str.split("цнппм мо район город г год копия"))


@dataclass(frozen=True)
class Sent:
    """What lies in the folder of an edition; files go by their labels.

    Attributes
    ----------
    digests
        Label → SHA-256 of the workbook.
    books, problems
        Workbooks that can be read, and what is wrong with the other files.
    files
        Label → name in the folder, for the terminal alone.
    """

    digests: dict[str, str]
    books: list[Workbook]
    problems: list[dict[str, str]]
    files: dict[str, str]


def read_folder(edition: Edition) -> Sent:
    """Read all workbooks; whatever else lies in the folder becomes a problem."""
    folder, found = edition.sent, {}
    for path in sorted(folder.iterdir(), key=lambda path: path.name) if folder.is_dir() else []:
        if not path.name.startswith((".", "~$")) and path.name != DEFINITION:
            found[path] = _content(path)
    digests = {
        path: hashlib.sha256(content).hexdigest()
        for path, content in found.items()
        if isinstance(content, bytes)
    }
    labels = _labels(list(found), digests, edition.region)
    sent = Sent(
        {labels[path]: digest for path, digest in digests.items()},
        [],
        [],
        {label: path.name for path, label in labels.items()},
    )
    for path, content in found.items():
        try:
            if isinstance(content, UnreadableError):
                raise content
            sent.books.append(workbook.read(labels[path], content))
        except UnreadableError as error:
            sent.problems.append(problem(labels[path], "file", str(error), error.remedy))
    return sent


def _content(path: Path) -> bytes | UnreadableError:
    if path.is_dir() or path.suffix.lower() != ".xlsx":
        return UnreadableError(
            "Это не книга Excel (.xlsx)", "Сохраните таблицы в книге .xlsx прямо в папке издания."
        )
    try:
        return path.read_bytes()
    except OSError as error:
        return UnreadableError(
            f"Файл не открывается: {error.strerror}",
            "Закройте файл в других программах и проверьте право на чтение.",
        )


def _labels(paths: list[Path], digests: dict[Path, str], region: Region) -> dict[Path, str]:
    """What the files are called in everything that is written; what has no digest comes last."""
    places = [(place.name, place.code, place.kind) for place in region.municipalities]
    texts = [region.name, region.code, *TITLES, *TITLES.values(), *sum(places, ())]
    plain = _PLAIN_WORDS | words_of(text.replace("_", " ") for text in texts)
    ordered = sorted(paths, key=lambda path: (path not in digests, digests.get(path), path.name))
    labels = {}
    for number, path in enumerate(ordered, start=1):
        suffix = path.suffix.lower() if path.suffix.lower() in _SUFFIXES else ""
        words = words_of([path.stem if suffix else path.name])
        labels[path] = path.name if words <= plain else f"файл № {number}{suffix}"
    return labels


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
            f"{edition}: издание объявлено демонстрационным, а на листе «Пояснение» в {named} нет "
            f"пометки «{DEMONSTRATION}»; ключ демонстрации известен всем и личных кодов не "
            "защищает, поэтому для присланных данных укажите в edition.yaml origin: submitted"
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
