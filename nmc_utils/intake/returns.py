"""What goes back to those who sent a file: a marked copy, and a letter that asks for corrections.

Both lie in ``returned/`` beside what was sent, because a copy of what was sent holds names: that
folder is under the same protection, and nothing of it is ever published.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.intake.batch import ACCEPTED, HELD_OUT
from nmc_utils.intake.columns import folded
from nmc_utils.intake.files import RETURNED
from nmc_utils.intake.marked import TO_CORRECT, write_copy
from nmc_utils.intake.reported import OF_RECORDS, OF_SUPPORT
from nmc_utils.intake.shown import NOT_SHOWN
from nmc_utils.tables import HELD_ROWS, TITLES
from nmc_utils.terms import plural_of

if TYPE_CHECKING:
    from nmc_utils.intake import Account

COPY, LETTER = "problems.xlsx", "письмо.txt"
_WRITTEN = ".written.json"  # what this module wrote, with digests: nothing else is removed
_OF_PEOPLE_AND_PLACES = set(OF_RECORDS) - {"aggregates"}
_MOST_CELLS = 3  # cells that a letter names one by one
_MOST_LINES = 40  # different remarks in a letter; the copy has all


@dataclass(frozen=True)
class _Return:
    """A file that goes back.

    Attributes
    ----------
    file
        Its label.
    places
        Codes of the municipalities of its rows, as far as it is known.
    problems
        All that was found in it, what must be corrected first.
    """

    file: str
    places: tuple[str, ...]
    problems: pd.DataFrame

    @property
    def wrong(self) -> pd.DataFrame:
        """What must be corrected."""
        return self.problems[self.problems["kind"].isin(TO_CORRECT)]


def write_returns(edition: Edition, account: Account) -> list[Path]:
    """Write a marked copy and a letter for every file in which something has to be corrected.

    ``returned/<number>_<municipality>/`` in the edition's folder gets ``problems.xlsx`` and
    ``письмо.txt``; a file of several municipalities, or of nobody knows which, gives the folder
    its label. Notes alone do not return a file, nor does what another file lacks. Everything is
    written anew at each call and replaced at once; of the earlier contents only what was written
    here and left unchanged is removed, and the folder disappears when nothing is left.

    Parameters
    ----------
    edition
        The edition that was taken in.
    account
        What became of it: `Intake`, or the `account` of an `IntakeError`.

    Returns
    -------
    list of Path
        The folders, in the official order of municipalities.

    Raises
    ------
    PermissionError
        A file of the folder is open in another program.
    """
    returns = _returns(edition, account)
    home = edition.sent / RETURNED
    mark = uuid.uuid4().hex[:8]
    fresh, old = (home.with_name(f".{RETURNED}-{mark}-{end}") for end in ("new", "old"))
    if not returns and not home.exists():
        return []
    fresh.mkdir()
    try:
        for name, sent in returns.items():
            _write(fresh / name, edition, account, sent)
        _note_written(fresh)
        if home.exists():
            _keep_others(home, fresh)
            _move(home, old)
        if set(fresh.iterdir()) - {fresh / _WRITTEN}:
            _move(fresh, home)
    except BaseException:
        if old.exists() and not home.exists():
            os.replace(old, home)
        raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return [home / name for name in returns]


def _returns(edition: Edition, account: Account) -> dict[str, _Return]:
    """Name of a folder → the file that goes there."""
    official = list(edition.region.municipality_names)
    places = _places(edition, account)
    states = account.files_table.set_index("file")["state"]
    found = []
    for file, problems in account.problems.groupby("file", sort=False):
        is_current = states.get(file) != "replaced"  # else what is right has come already
        if file and is_current and problems["kind"].isin(TO_CORRECT).any():
            is_told = ~problems["kind"].isin(TO_CORRECT)
            ordered = problems.assign(_told=is_told).sort_values("_told", kind="stable")
            found.append(_Return(file, places.get(file, ()), ordered.drop(columns="_told")))
    found.sort(
        key=lambda sent: (
            official.index(sent.places[0]) if len(sent.places) == 1 else len(official),
            sent.file,
        )
    )
    digits = len(str(len(found)))
    return {
        f"{number:0{digits}}_{_folder_name(sent)}": sent
        for number, sent in enumerate(found, start=1)
    }


def _places(edition: Edition, account: Account) -> dict[str, tuple[str, ...]]:
    """Label of a file → codes of its municipalities, in the official order.

    A file without a sheet that municipalities fill is the centre's, whatever its counts are about;
    one of sheets that both may fill is, unless it is named after a municipality. Of a file of
    which no row was accepted only its name can tell.
    """
    names = edition.region.municipality_names
    lines = account.conservation
    municipal = set(lines.loc[lines["table"].isin(_OF_PEOPLE_AND_PLACES), "file"])
    of_support = set(lines.loc[lines["table"].isin(OF_SUPPORT), "file"])
    municipal |= of_support - set(lines.loc[lines["table"].eq("aggregates"), "file"])
    places = {}
    for row in account.files_table.itertuples():
        if row.file in account.books and row.file not in municipal:
            continue
        told = re.split("[,;] ", str(row.municipalities))
        stem = folded(Path(row.file).stem)
        places[row.file] = tuple(code for code, name in names.items() if name in told) or tuple(
            code for code, name in names.items() if stem in (code, folded(name))
        )
    return places


def _folder_name(sent: _Return) -> str:
    if len(sent.places) == 1:
        return sent.places[0]
    return Path(sent.file).stem.strip(" .") or "файл"


def _write(folder: Path, edition: Edition, account: Account, sent: _Return) -> None:
    folder.mkdir()
    held = account.held_rows
    write_copy(
        folder / COPY,
        edition,
        f"Замечания к файлу {sent.file}: {edition}",
        sent.problems,
        held[held["file"].eq(sent.file)][list(HELD_ROWS)],
        account.books.get(sent.file),
    )
    text = _letter(edition, account, sent).replace("\n", "\r\n")
    (folder / LETTER).write_bytes(text.encode("utf-8-sig"))


# --- the folder ---------------------------------------------------------------------------------


def _written_in(folder: Path) -> dict[str, str]:
    """Path in the folder → digest of every file in it."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != _WRITTEN
    }


def _note_written(folder: Path) -> None:
    text = json.dumps(_written_in(folder), ensure_ascii=False, indent=0)
    (folder / _WRITTEN).write_text(text + "\n", "utf-8")


def _keep_others(home: Path, fresh: Path) -> None:
    """Carry over what somebody else put into the folder, or changed in it."""
    ours, fresh_ones = _ours(home / _WRITTEN), _written_in(fresh)
    for path, digest in _written_in(home).items():
        is_ours = digest in (ours.get(path), fresh_ones.get(path))
        if not is_ours and not Path(path).name.startswith("~$"):
            target = fresh / path
            if target.exists():
                target = target.with_name(f"изменённый {target.name}")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(home / path, target)


def _ours(register: Path) -> dict[str, str]:
    """What was written last time; where that cannot be told, all there is somebody else's."""
    try:
        told = json.loads(register.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _move(source: Path, target: Path) -> None:
    try:
        os.replace(source, target)
    except PermissionError as error:
        raise PermissionError(
            f"{source.with_name(RETURNED)}: папка занята. Закройте открытые из неё файлы "
            "и повторите команду"
        ) from error


# --- the letter ---------------------------------------------------------------------------------


def _letter(edition: Edition, account: Account, sent: _Return) -> str:
    parts = [
        _addressee(edition, sent),
        edition.mark,
        f"По изданию «{edition}» просим {_until(edition)} {_asked(sent)}. "
        f"Файл в нашем списке: {sent.file}.",
        "Что исправить\n" + "\n".join(_what(sent.wrong)),
        _became(account, sent),
        _how(account, sent),
        f"С уважением,\n{edition.region.center}",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _addressee(edition: Edition, sent: _Return) -> str:
    names = [edition.region.municipality_names[code] for code in sent.places]
    if len(sent.places) == 1:
        return edition.collection.responsible.get(sent.places[0], names[0])
    return ", ".join(names) or f"Отправителю файла {sent.file}"


def _until(edition: Edition) -> str:
    deadline = edition.collection.deadline
    return f"до {deadline:%d.%m.%Y}" if deadline else "в ближайшее время"


def _asked(sent: _Return) -> str:
    """«исправить 3 ячейки и 1 лист»."""
    wrong = sent.wrong
    if wrong["kind"].isin(["file", "empty"]).any():
        return "прислать файл заново"
    n_cells = wrong.loc[wrong["kind"].eq(HELD_OUT), "cell"].nunique()
    n_sheets = wrong.loc[wrong["kind"].eq("sheet"), "sheet"].nunique()
    counted = [
        f"{_count(n_cells)} {plural_of(n_cells, 'ячейку', 'ячейки', 'ячеек')}",
        f"{_count(n_sheets)} {plural_of(n_sheets, 'лист', 'листа', 'листов')}",
    ]
    chosen = [text for text, n in zip(counted, (n_cells, n_sheets), strict=True) if n]
    return "исправить " + " и ".join(chosen)


def _count(number: int) -> str:
    return f"{number:,}".replace(",", "\u00a0")


def _what(wrong: pd.DataFrame) -> list[str]:
    """A line for every kind of mistake on a sheet, with its first cells."""
    lines, sheet = [], None
    groups = wrong.groupby(["sheet", "meaning", "remedy"], sort=False)
    ordered = sorted(groups, key=lambda item: list(dict.fromkeys(wrong["sheet"])).index(item[0][0]))
    for (name, meaning, remedy), rows in ordered[:_MOST_LINES]:
        if name != sheet and name:
            lines.append(f"Лист «{name}»" if not name.startswith("лист") else name.capitalize())
        sheet = name
        cells = [cell for cell in rows["cell"].str.rpartition("!")[2].drop_duplicates() if cell]
        found = rows["found"].iloc[0] if len(rows) == 1 else ""
        found = "" if found == NOT_SHOWN else found
        where = _cells(cells) + (f" ({found})" if found else "")
        lines.append(f"– {where + ': ' if where else ''}{meaning}. {remedy}")
    if (more := len(ordered) - _MOST_LINES) > 0:
        kinds = plural_of(more, "вид замечаний", "вида замечаний", "видов замечаний")
        lines.append(f"и ещё {_count(more)} {kinds}: они перечислены в книге {COPY}.")
    return lines


def _cells(cells: list[str]) -> str:
    more = len(cells) - _MOST_CELLS
    if more <= 1:  # one more cell is named as shortly as counted
        return ", ".join(cells)
    word = plural_of(more, "ячейка", "ячейки", "ячеек")
    return f"{', '.join(cells[:_MOST_CELLS])} и ещё {_count(more)} {word}"


def _became(account: Account, sent: _Return) -> str:
    """What of the file was accepted, and what waits for the corrections."""
    lines = account.conservation[account.conservation["file"].eq(sent.file)]
    by_table = lines.groupby("table", sort=False)[[ACCEPTED, HELD_OUT]].sum()
    parts = []
    for state, word in ((ACCEPTED, "Принято"), (HELD_OUT, "Ждёт исправления")):
        listed = [
            f"«{TITLES.get(table, 'прочее')}» — {_count(n)} "
            f"{plural_of(n, 'строка', 'строки', 'строк')}"
            for table, n in by_table[state].items()
            if n
        ]
        if listed:
            parts.append(f"{word}: {', '.join(listed)}.")
    return "\n".join(parts)


def _how(account: Account, sent: _Return) -> str:
    if sent.file not in account.books:
        return (
            "Как прислать\nПришлите исправленный файл целиком: он полностью заменит присланный "
            f"раньше. Замечания есть и в книге {COPY}."
        )
    return (
        f"Как прислать\nИсправьте отмеченное в приложенной копии {COPY} или в своём файле и "
        "пришлите файл целиком, со всеми листами: он полностью заменит присланный раньше. "
        "Красным отмечено то, что нужно исправить; в примечании к ячейке сказано как. "
        "Лист «Замечания» удалять не нужно."
    )
