"""Editions that are being collected, invented: what intake would have written, and runs of it."""

from __future__ import annotations

import hashlib
import json

import pandas as pd

from nmc_utils.editions import Collection, Edition
from nmc_utils.results import RUN_FOLDER, begin, publish, stage
from nmc_utils.tables import DIFFERENCES, FILES, HELD_ROWS, STATUS

CONSERVATION = ["file", "sheet", "table", "sent", "accepted", "held_out", "superseded", "blank"]
PROBLEM = ["file", "sheet", "cell", "table", "kind", "found", "meaning", "action", "remedy"]
RUN = "0a1b2c3d4e-1"
HELD = "Строка задержана и в таблицы не вошла"

STATUS_ROWS = [
    ("abakan", "staff", True, "returned", 2, 7, 3),
    ("abakan", "scores", True, "accepted", 2, 20, 0),
    ("abaza", "staff", True, "accepted", 1, 4, 0),
    ("abaza", "scores", False, "not_sent", 0, 0, 0),
    ("sayanogorsk", "staff", False, "not_sent", 0, 0, 0),
    ("sayanogorsk", "scores", False, "not_sent", 0, 0, 0),
    ("sorsk", "staff", True, "accepted", 1, 5, 0),
    ("sorsk", "scores", True, "accepted", 1, 9, 0),
]
FILE_ROWS = [
    ("файл № 1.xlsx", "xlsx", 2, "returned", "Абакан", ""),
    ("Абакан старый.xlsx", "xlsx", 1, "replaced", "Абакан", "файл № 1.xlsx"),
    ("Абаза.xlsx", "xlsx", 3, "accepted", "Абаза", ""),
    ("Сорск.xlsx", "xlsx", 4, "accepted", "Сорск", ""),
]
DIFFERENCE_ROWS = [("файл № 1.xlsx", "Абакан старый.xlsx", "staff", 14, 3, 2)]
HELD_ROWS_ROWS = [
    ("файл № 1.xlsx", "Сотрудники", 4, "staff", "abakan", "Нет даты рождения"),
    ("файл № 1.xlsx", "Сотрудники", 5, "staff", "abakan", "Нет даты рождения"),
    ("файл № 1.xlsx", "Сотрудники", 9, "staff", None, "Стаж больше возможного"),
]
LINES = [
    ("файл № 1.xlsx", "Сотрудники", "staff", 12, 7, 3, 1, 1),
    ("файл № 1.xlsx", "Результаты", "scores", 20, 20, 0, 0, 0),
    ("Абаза.xlsx", "Сотрудники", "staff", 4, 4, 0, 0, 0),
    ("Сорск.xlsx", "Сотрудники", "staff", 5, 5, 0, 0, 0),
    ("Сорск.xlsx", "Результаты", "scores", 9, 9, 0, 0, 0),
]
_BIRTH = ("staff", "held_out", "", "Нет даты рождения", HELD, "Впишите дату.")
PROBLEMS = [
    ("файл № 1.xlsx", "Сотрудники", "Сотрудники!D4", *_BIRTH),
    ("файл № 1.xlsx", "Сотрудники", "Сотрудники!D5", *_BIRTH),
    ("файл № 1.xlsx", "Сотрудники", "Сотрудники!E9", "staff", "held_out", "97654")
    + ("Стаж больше возможного", HELD, "Проверьте стаж <b>."),
    ("Абаза.xlsx", "Сотрудники", "", "staff", "corrected", "ячеек: 3")
    + ("Убраны лишние пробелы", "Принято и записано единообразно", "Исправлять не нужно."),
]


def frames() -> dict[str, pd.DataFrame]:
    """The tables that intake writes about its own work."""
    rows = {
        "status": (STATUS_ROWS, STATUS),
        "files": (FILE_ROWS, FILES),
        "differences": (DIFFERENCE_ROWS, DIFFERENCES),
        "held_rows": (HELD_ROWS_ROWS, HELD_ROWS),
    }
    told = {
        name: pd.DataFrame(entries, columns=list(types)).astype(types)
        for name, (entries, types) in rows.items()
    }
    told["conservation"] = pd.DataFrame(LINES, columns=CONSERVATION)
    return told | {"problems": pd.DataFrame(PROBLEMS, columns=PROBLEM, dtype="str")}


def send(edition: Edition, *names: str) -> None:
    """Put files into the folder of an edition, each with a content of its own."""
    for name in names:
        (edition.sent / name).write_bytes(name.encode())


def check(edition: Edition, digest: str = "d1") -> None:
    """Write what a check of all files that lie there would have."""
    edition.validated.mkdir(parents=True, exist_ok=True)
    for name, frame in frames().items():
        frame.to_parquet(edition.validated / f"{name}.parquet")
    paths = [path for path in edition.sent.iterdir() if path.name != "edition.yaml"]
    seen = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    sources = {"files": seen, "digest": digest}
    (edition.validated / "sources.json").write_text(json.dumps(sources), "utf-8")


def publish_run(edition: Edition, monkeypatch, run: str = RUN, digest: str = "d1") -> None:
    """Publish a run that notebook 01 alone has made."""
    folder = begin(edition, run)
    monkeypatch.setenv(RUN_FOLDER, str(folder))
    for name, frame in frames().items():
        if name != "status":
            stage(f"intake_{name}", edition.keyed(frame))
    monkeypatch.delenv(RUN_FOLDER)
    publish(edition, run, {"tables": digest, "definition": edition.digest})


def planned(edition: Edition, **plan: object) -> Edition:
    """The edition with a plan of collecting."""
    return edition.model_copy(update={"collection": Collection(**plan)})
