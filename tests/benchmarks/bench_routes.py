"""Time and memory of 1 200 drafts of routes, beside the same documents built cell by cell.

python tests/benchmarks/bench_routes.py [PERSONS]

The peer gets the drafts in words and builds every document with python-docx alone: the same
paragraphs and tables, without the widths and the styles. It builds a part of the documents, and its
time is told per document.
"""

from __future__ import annotations

import io
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

CHECKOUT = Path(__file__).resolve().parents[2]
N_PERSONS, N_PEER = 1_200, 60
#: Seconds and MB for all drafts at most, and how many times quicker than the peer at least.
MOST_SECONDS, MOST_MB, LEAST_TIMES = 60, 500, 5
ABOUT = "origin: demonstration\nperiod_kind: calendar_year\nas_of: 2023-12-31\n"
PROCEDURE = "p"


def simulate(n_persons: int) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """Published tables and records; everyone tested twice, with a route of five events."""
    rng = np.random.default_rng(1)
    domains = ["subject", "methodical", "psychological", "upbringing", "ict"]
    persons = [f"{number:020x}" for number in range(n_persons)]
    keys = pd.MultiIndex.from_product(
        [persons, ["entry", "exit"], domains], names=["person_id", "wave", "domain"]
    ).to_frame(index=False)
    scores = keys.assign(
        procedure_id=PROCEDURE, attempt=1, raw_score=rng.integers(0, 17, len(keys)).astype(float)
    ).assign(max_score=16.0, taken_on=pd.Timestamp("2023-03-10"))
    low = np.where(scores["raw_score"] <= 9, "at_or_below", "above")
    results = keys.assign(procedure=PROCEDURE, level=low, certainty="stable", advice=None)
    whole = results.drop_duplicates(["person_id", "wave"]).assign(domain="total")
    published = {
        "person_results": pd.concat([results, whole], ignore_index=True),
        "procedures": pd.DataFrame(
            {"procedure": [PROCEDURE], "organiser": ["Центр"], "purpose": [None]}
        ),
    }
    return published, {"scores": scores, **_routes(persons, domains)}


def _routes(persons: list[str], domains: list[str]) -> dict[str, pd.DataFrame]:
    day = pd.Timestamp("2023-04-01")
    routes = pd.DataFrame({"route_id": persons, "person_id": persons}).assign(
        kind="deficit",
        opened_on=day,
        due_on=pd.Timestamp("2024-04-01"),
        agreed_by_organization_on=day,
        agreed_by_methodist_on=day,
        audited_on=pd.NaT,
        status="running",
        methodist_id=persons[0],
    )
    steps = pd.MultiIndex.from_product(
        [persons, ["personal", "organization", "municipal", "regional", "regional"]],
        names=["route_id", "level"],
    ).to_frame(index=False)
    steps = steps.assign(
        title=[f"Мероприятие {number}" for number in range(len(steps))],
        event_id=None,
        domain=domains[0],
        from_on=day,
        to_on=day,
        result_form="разработка занятия",
        is_done=True,
    )
    return {"routes": routes, "route_measures": steps}


def _edition(folder: str):
    from nmc_utils.editions import edition

    home = Path(folder) / "regions" / "khakassia"
    (home / "2023").mkdir(parents=True)
    for name in ("region.yaml", "published.csv", "system.yaml"):
        shutil.copy(CHECKOUT / "data" / "regions" / "khakassia" / name, home / name)
    (home / "2023" / "edition.yaml").write_text(ABOUT, "utf-8")
    return edition("khakassia", "2023", Path(folder))


# --- the two ways, each in a process of its own ---------------------------------------------------


def _of_this_product(n_persons: int) -> dict[str, float]:
    from nmc_utils.documents.routes import route_archive

    published, records = simulate(n_persons)
    with tempfile.TemporaryDirectory() as folder:
        edition = _edition(folder)
        before = _peak()
        start = time.perf_counter()
        archive, n = route_archive(published, records, edition)
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "n": n, "mb": _peak(), "before": before, "bytes": len(archive)}


def _of_the_peer(n_persons: int) -> dict[str, float]:
    import docx  # noqa: F401  not a part of what is timed

    from nmc_utils.documents.route_people import drafts

    published, records = simulate(min(n_persons, N_PEER))
    with tempfile.TemporaryDirectory() as folder:
        people = list(drafts(published, records, _edition(folder)))
    before = _peak()
    start = time.perf_counter()
    size = sum(len(_cell_by_cell(draft)) for draft in people)
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "n": len(people),
        "mb": _peak(),
        "before": before,
        "bytes": size,
    }


def _cell_by_cell(draft) -> bytes:
    """The document of one person, with python-docx alone."""
    from docx import Document

    document = Document()
    document.add_heading("Индивидуальный образовательный маршрут", 1)
    document.add_paragraph(draft.kind)
    told = ("name", "share", "level", "certainty", "advice")
    step = ("level", "title", "domain", "when", "result", "mark")
    parts = {
        "1. Общие сведения": draft.facts,
        "Сроки": draft.dates,
        "Согласования": draft.approvals,
        "2. Выявленные профессиональные дефициты": _rows(draft.entry, told),
        "Выходная диагностика": _rows(draft.exit, told),
        "3. Карта профессионального развития": _rows(draft.steps, step),
        "4. Оценка и самооценка": [("", "", "")] * 4,
    }
    for title, rows in parts.items():
        document.add_heading(title, 2)
        table = document.add_table(len(rows), len(rows[0]), style="Table Grid")
        for line, texts in zip(table.rows, rows, strict=True):
            for cell, text in zip(line.cells, texts, strict=True):
                cell.text = text
        document.add_paragraph(draft.lacking)
    content = io.BytesIO()
    document.save(content)
    return content.getvalue()


def _rows(found: tuple, fields: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [tuple(getattr(row, field) for field in fields) for row in found]


def _peak() -> float:
    """MB of this process at its highest."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


WAYS = {"программа": _of_this_product, "python-docx": _of_the_peer}


def main(n_persons: int) -> None:
    """Print both, the ratio per document, and whether the targets are met."""
    found = {}
    for name in WAYS:
        command = [sys.executable, __file__, str(n_persons), name]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        of = found[name] = json.loads(done.stdout)
        each = f"{1000 * of['seconds'] / of['n']:.1f} мс и {of['bytes'] / of['n'] / 1024:.0f} КБ"
        told = f"{of['n']:5} за {of['seconds']:5.1f} с, {each} на документ"
        memory = f"память {of['mb']:.0f} МБ (без документов {of['before']:.0f})"
        print(f"{name:12} {told}, {memory}".replace(".", ","))
    ours, peer = found.values()
    times = peer["seconds"] / peer["n"] / (ours["seconds"] / ours["n"])
    met = [ours["seconds"] <= MOST_SECONDS, ours["mb"] <= MOST_MB, times >= LEAST_TIMES]
    verdict = "уложились" if all(met) else "не уложились"
    target = f"не дольше {MOST_SECONDS} с, {MOST_MB} МБ, быстрее в {LEAST_TIMES} раз"
    print(f"быстрее в {times:.1f} раза; цель: {target}: {verdict}".replace(".", ","))


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else N_PERSONS
    if len(sys.argv) > 2:
        print(json.dumps(WAYS[sys.argv[2]](wanted)))
    else:
        main(wanted)
