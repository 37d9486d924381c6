"""Collecting an edition: who has sent which form, what became of it, what to ask for.

What the last ``nmc check`` found stands in the validated folder; what has come since is told by
the digests of the files. Nothing here reads a row of what was sent.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path

import pandas as pd

from nmc_utils.approvals import approvals
from nmc_utils.editions import Edition
from nmc_utils.regions import Region
from nmc_utils.results import ResultsError, read_manifest, results_folder
from nmc_utils.tables import DIFFERENCES, FILES, HELD_ROWS, OF_INTAKE, STATUS
from nmc_utils.terms import REGISTER, TABLE_TITLES, of_places

#: States of a form of a municipality, those that ask for something first.
STATES = {
    "not_sent": "не прислано",
    "returned": "возвращено",
    "checking": "на проверке",
    "accepted": "принято",
    "approved": "утверждено",
}
FILE_STATES = {
    "accepted": "принят",
    "returned": "возвращён",
    "unreadable": "не прочитан",
    "replaced": "заменён",
    "skipped": "пропущен",
}
#: Forms that a municipality is asked for while nobody has sent anything.
EXPECTED = ("staff", "employment", "organizations", "scores")
#: Kinds of problems that held something out: a municipality is asked about these.
ASKED = ("held_out", "sheet", "file", "table")

_COUNTS = ("sent", "accepted", "held_out", "superseded", "blank")
_LINE = dict.fromkeys(("file", "sheet", "table"), "str") | dict.fromkeys(_COUNTS, "int64")
_PROBLEM = ("file", "sheet", "cell", "table", "kind", "found", "meaning", "action", "remedy")
_COLUMNS: dict[str, dict[str, str]] = {
    "status": STATUS,
    "files": FILES,
    "differences": DIFFERENCES,
    "held_rows": HELD_ROWS,
    "conservation": _LINE,
    "problems": dict.fromkeys(_PROBLEM, "str"),
}

# --- who has sent what ----------------------------------------------------------------------------


def collection(edition: Edition, today: date | None = None) -> pd.DataFrame:
    """Tell for every municipality and form what became of it.

    Parameters
    ----------
    edition
        It need not be checked or published.
    today
        Day by which the deadline is judged; without it nothing is overdue.

    Returns
    -------
    DataFrame
        Rows of `collected`. A municipality of which a file lies unchecked in the folder is
        «checking»; what was accepted is «approved» once a run of just these tables was approved.
    """
    is_checked = (edition.validated / "sources.json").is_file()
    status = of_intake(edition)["status"] if is_checked else _nothing_sent(edition.region)
    told = collected(status, edition, today)
    waiting = told["municipality"].isin(list(unchecked(edition).places))
    if is_checked and _digest_of_tables(edition) == _approved_digest(edition):
        told["state"] = told["state"].replace("accepted", "approved")
    told["state"] = told["state"].mask(waiting, "checking")
    told["state_label"] = told["state"].map(STATES)
    return told.assign(is_overdue=told["is_overdue"] & ~waiting)


def collected(status: pd.DataFrame, edition: Edition, today: date | None = None) -> pd.DataFrame:
    """Complete the table `tables.STATUS` for a reader.

    Returns
    -------
    DataFrame
        One row a municipality and form, in the official order: `municipality`, `name`, `table`,
        `title`, `is_sent`, `state`, `state_label`, `version`, `accepted`, `held_out`, `deadline`,
        `responsible`, `is_overdue` (`deadline` has passed and the form is not sent or returned).
    """
    names, plan = edition.region.municipality_names, edition.collection
    order = {name: place for place, name in enumerate(names)}
    forms = {name: place for place, name in enumerate(TABLE_TITLES)}
    keys = {"municipality": order, "table": forms}
    told = status.sort_values(list(keys), key=lambda codes: codes.map(keys[codes.name]))
    told = told.reset_index(drop=True)
    offices = [plan.responsible.get(code) for code in told["municipality"]]
    is_late = plan.deadline is not None and today is not None and today > plan.deadline
    return pd.DataFrame(
        {
            "municipality": told["municipality"],
            "name": told["municipality"].map(names),
            "table": told["table"],
            "title": told["table"].map(TABLE_TITLES),
            "is_sent": told["is_sent"],
            "state": told["state"],
            "state_label": told["state"].map(STATES),
            "version": told["version"],
            "accepted": told["accepted"],
            "held_out": told["held_out"],
            "deadline": pd.Series([plan.deadline] * len(told), dtype="object"),
            "responsible": pd.Series(offices, dtype="object"),
            "is_overdue": told["state"].isin(["not_sent", "returned"]) & is_late,
        }
    )


def _nothing_sent(region: Region) -> pd.DataFrame:
    rows = [(place, table) for place in region.municipality_names for table in EXPECTED]
    status = pd.DataFrame(rows, columns=["municipality", "table"])
    status = status.assign(is_sent=False, state="not_sent", version=0, accepted=0, held_out=0)
    return status.astype(STATUS)


def of_intake(edition: Edition) -> dict[str, pd.DataFrame]:
    """Tables that the last check wrote about its own work; without rows where there was none."""
    paths = {name: edition.validated / f"{name}.parquet" for name in OF_INTAKE}
    return {
        name: pd.read_parquet(path)
        if path.exists()
        else pd.DataFrame(columns=list(_COLUMNS[name])).astype(_COLUMNS[name])
        for name, path in paths.items()
    }


def _sources(edition: Edition) -> dict:
    path = edition.validated / "sources.json"
    try:
        told = json.loads(path.read_text("utf-8"))
        if not isinstance(told, dict) or not _are_digests(told.get("files", {})):
            raise ValueError("not what intake writes")
    except FileNotFoundError:
        return {}
    except ValueError as error:
        again = f"nmc check {edition.region.code} {edition.period}"
        raise ResultsError(f"{path}: файл повреждён. Выполните: {again}") from error
    return told


def _are_digests(files: object) -> bool:
    return isinstance(files, dict) and all(isinstance(digest, str) for digest in files.values())


def _digest_of_tables(edition: Edition) -> str | None:
    return _sources(edition).get("digest")


def _approved_digest(edition: Edition) -> str:
    """Digest of the tables of the approved run; empty where none is, or it is there no more."""
    told = approvals(edition.root, edition.key)
    if not told:
        return ""
    folder = results_folder(edition.root) / told[-1].run / edition.key
    try:
        return read_manifest(folder)["inputs"].get("tables", "")
    except ResultsError:  # `nmc verify` tells it
        return ""


# --- what the last check has not seen -------------------------------------------------------------


@dataclass(frozen=True)
class Unchecked:
    """Files in the folder of an edition that the last check has not seen.

    Attributes
    ----------
    places
        Municipality that a file's name names → number of such files.
    unplaced
        Files whose name names no municipality, or several.
    gone
        Files that the last check has seen and that lie there no more.
    """

    places: Mapping[str, int] = field(default_factory=dict)
    unplaced: int = 0
    gone: int = 0

    @property
    def n(self) -> int:
        """Number of unchecked files."""
        return sum(self.places.values()) + self.unplaced

    def __bool__(self) -> bool:
        return bool(self.n or self.gone)


def unchecked(edition: Edition) -> Unchecked:
    """Compare the files that lie in the folder with those that the last check has seen."""
    seen = set(_sources(edition).get("files", {}).values())
    digests = {path: _digest_of(path) for path in _lying(edition.sent)}
    found = [named_in(path.stem, edition.region) for path in digests if digests[path] not in seen]
    counts = pd.Series(found, dtype="object").value_counts()
    places = {
        code: int(counts[code]) for code in edition.region.municipality_names if code in counts
    }
    gone = len(seen - set(digests.values()))
    return Unchecked(places, len(found) - sum(places.values()), gone)


def _lying(folder: Path) -> list[Path]:
    """Files that were sent; `edition.yaml` and what a program or the system keeps there are not."""
    paths = folder.iterdir() if folder.is_dir() else ()
    hidden = (".", "~$")
    return [
        path
        for path in paths
        if path.is_file() and path.name != "edition.yaml" and not path.name.startswith(hidden)
    ]


def _digest_of(path: Path) -> str:
    about = path.stat()
    return _digest(path, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=4096)  # a page that is opened again must not read gigabytes again
def _digest(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


#: Words that a file's name need not have.
_KINDS = {"район", "городской", "муниципальный", "муниципальное", "округ", "образование"}
_KINDS |= {"город", "г", "мо"}


def named_in(text: str, region: Region) -> str | None:
    """Code of the municipality that a file's name names; None where it names none or several."""
    words = _words(text)
    found = {}
    for place in region.municipalities:
        name = _words(place.name)
        short = [word for word in name if word not in _KINDS]
        for part in (name, short, _words(place.code)):
            if span := _span(part, words):
                found.setdefault(place.code, span)
    whole = [code for code, at in found.items() if not any(at < other for other in found.values())]
    return whole[0] if len(whole) == 1 else None


def _words(text: str) -> list[str]:
    plain = text.casefold().replace("ё", "е").replace("_", " ")
    return re.findall(r"[^\W\d]+", plain)


def _span(part: list[str], words: list[str]) -> frozenset[int]:
    """Places at which the words of `part` stand in `words`, one after another."""
    for start in range(len(words) - len(part) + 1):
        if part and words[start : start + len(part)] == part:
            return frozenset(range(start, start + len(part)))
    return frozenset()


# --- sentences ------------------------------------------------------------------------------------


def who_reported(told: pd.DataFrame, region: Region) -> str:
    """Say how many municipalities have sent anything, and which have not."""
    if told.empty:
        return "Кто представил данные, неизвестно: файлы не называют муниципальных образований."
    if set(told["table"]) == {"aggregates"} and not told["accepted"].sum():
        return "Сводные числа прислал регион, по муниципальным образованиям данных нет."
    sent = reported(told)
    absent = [name for code, name in region.municipality_names.items() if code not in sent]
    text = f"Данные представили {of_places(len(sent), len(region.municipalities))}"
    return f"{text}; ничего не принято от: {', '.join(absent)}." if sent and absent else f"{text}."


def reported(told: pd.DataFrame) -> set[str]:
    """Municipalities that have sent anything; a register that lists everybody is nothing."""
    own = told[told["table"] != REGISTER]
    own = own if len(own) else told
    return set(own.loc[own["is_sent"], "municipality"])


def returned(told: pd.DataFrame) -> str:
    """Say which forms of whom went back; empty where none did."""
    rows = told[told["state"] == "returned"]
    parts = [
        f"{name} («{'», «'.join(group['title'])}»)"
        for name, group in rows.groupby("name", sort=False)
    ]
    return f"Возвращено на исправление: {', '.join(parts)}." if parts else ""


def overdue(told: pd.DataFrame) -> str:
    """Say who is late; empty where nobody is."""
    late = told[told["is_overdue"]]
    if late.empty:
        return ""
    names = list(late["name"].unique())
    is_everybody = len(names) == told["name"].nunique()
    whom = " от всех муниципальных образований" if is_everybody else ": " + ", ".join(names)
    return f"Срок {late['deadline'].iloc[0]:%d.%m.%Y} прошёл, не хватает форм{whom}."


def waiting(found: Unchecked, edition: Edition) -> str:
    """Say what is not checked yet and what to do; empty where everything was."""
    if not found:
        return ""
    names = edition.region.municipality_names
    parts = [f"{names[code]} — {count}" for code, count in found.places.items()]
    if found.unplaced and parts:
        parts.append(f"чьи, по имени файла не видно, — {found.unplaced}")
    told = []
    if found.n:
        told.append(f"Не проверено файлов: {found.n}" + (f" ({', '.join(parts)})" if parts else ""))
    if found.gone:
        told.append(f"проверенных файлов, которых в папке больше нет: {found.gone}")
    text = "; ".join(told)
    again = f"Выполните: nmc check {edition.region.code} {edition.period}"
    return f"{text[0].upper()}{text[1:]}. {again}"


# --- what was accepted, what was held out and what to ask for -----------------------------------


def conserved(conservation: pd.DataFrame) -> pd.DataFrame:
    """Sum the lines of the conservation by file and table, a `title` beside the table."""
    lines = conservation.groupby(["file", "table"], as_index=False)[list(_COUNTS)].sum()
    order = {name: place for place, name in enumerate(TABLE_TITLES)}
    lines = lines.assign(title=_titles(lines["table"]), place=lines["table"].map(order))
    return lines.sort_values(["file", "place"], ignore_index=True).drop(columns="place")


def held_reasons(held_rows: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Count the rows that were held out by `title` of the table and `reason`, the most first.

    `names` are the municipalities of the rows, as far as they are known.
    """
    rows = held_rows.assign(name=held_rows["municipality"].map(region.municipality_names))
    rows["name"] = rows["name"].astype("object").where(rows["name"].notna(), "не определено")
    groups = rows.groupby(["table", "reason"], sort=False, as_index=False)
    told = groups.agg(rows=("row", "size"), names=("name", _joined))
    told = told.sort_values(["rows", "table", "reason"], ascending=[False, True, True])
    return told.assign(title=_titles(told["table"])).reset_index(drop=True)


def remarks(problems: pd.DataFrame) -> pd.DataFrame:
    """Count equal remarks: `action`, `title`, `meaning`, `count`, how many `files`, in order."""
    kinds = ["action", "table", "meaning"]
    groups = problems.groupby(kinds, sort=False, as_index=False)
    told = groups.agg(count=("file", "size"), files=("file", _files_named))
    told = told.sort_values(["action", "count"], ascending=[True, False], kind="stable")
    return told.assign(title=_titles(told["table"])).reset_index(drop=True)


def to_ask(problems: pd.DataFrame, files: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Gather what held something out, by whom to ask: a line for equal problems of a sheet.

    Returns
    -------
    DataFrame
        `names` (of the municipalities of the file, as far as they are known), `file`, `sheet`,
        `title`, `cells` (the first of them and how many there are), `count`, `meaning`, `remedy`.
        No value of a cell.
    """
    asked = problems[problems["kind"].isin(ASKED)]
    same = ["file", "sheet", "table", "meaning", "remedy"]
    told = asked.groupby(same, sort=False, as_index=False).agg(
        cells=("cell", _first_cells), count=("file", "size")
    )
    names = {file: ", ".join(places) for file, places in senders(files, region).items()}
    told["names"] = [names.get(file) or "не определено" for file in told["file"]]
    return told.assign(title=_titles(told["table"]))


def senders(files: pd.DataFrame, region: Region) -> dict[str, list[str]]:
    """File → names of the municipalities of its rows, else of the one that its name names."""
    names = region.municipality_names
    told = {}
    for file, places in zip(files["file"], files["municipalities"], strict=True):
        own = [name for name in names.values() if name in re.split(r"[,;] ", places or "")]
        named = named_in(Path(file).stem, region)
        told[file] = own or ([names[named]] if named else [])
    return told


def changes(differences: pd.DataFrame) -> pd.DataFrame:
    """Say what newer files changed: `file`, `older`, `title` and `words` beside the counts."""
    counts = differences[["changed", "added", "removed"]].itertuples(index=False)
    words = [
        f"изменено {n.changed}, добавлено {n.added}, исчезло {n.removed}" if any(n) else UNCHANGED
        for n in counts
    ]
    return differences.assign(title=_titles(differences["table"]), words=words)


UNCHANGED = "без изменений"


def _titles(tables: pd.Series) -> pd.Series:
    return tables.map(TABLE_TITLES).fillna("нераспознанные листы").where(tables.ne(""), "весь файл")


def _files_named(files: pd.Series) -> int:
    return files[files.ne("")].nunique()


def _joined(values: pd.Series) -> str:
    return ", ".join(sorted(values.unique()))


def _first_cells(cells: pd.Series, most: int = 4) -> str:
    told = [cell.rpartition("!")[2] for cell in cells if cell]
    first = ", ".join(told[:most])
    return f"{first} … всего {len(told)}" if len(told) > most else first
