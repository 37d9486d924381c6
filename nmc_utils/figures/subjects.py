"""Functions of the system × who has them, by the documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import holoviews as hv
import pandas as pd

from nmc_utils import theme
from nmc_utils.figures.rows import headline
from nmc_utils.findings import roadmap as told
from nmc_utils.terms import LEVELS
from nmc_utils.theme import Frame, Mark

#: Letter and colour of a level, from the federal one down.
LEVEL_MARKS = {
    "federal": Mark("Ф", LEVELS["federal"], theme.MUTED),
    "regional": Mark("Р", LEVELS["regional"], theme.ACCENT),
    "municipal": Mark("М", LEVELS["municipal"], theme.CONTRAST),
    "organization": Mark("О", LEVELS["organization"], theme.ATTAINMENT["attained"].colour),
}
GAP = "не названа"
NO_FUNCTION = "unnamed"  #: the row of the matrix for subjects without functions
NOT_ASKED = "прогон этого региона сделан раньше, чем функцию внесли в общий перечень"
NO_SUBJECTS = "документы региона субъектов не описывают"
_LEGEND = ", ".join(f"{mark.sign} — {mark.word}" for mark in LEVEL_MARKS.values())


def functions_matrix(functions: pd.DataFrame) -> hv.Overlay:
    """Functions × subjects of one region; a letter is the level of the subject that has it.

    Subjects are numbered, see `numbered_subjects`; hovering names subject, document and section.

    Parameters
    ----------
    functions
        Of `subjects.system_functions`.
    """
    title = headline(told.system_functions(functions))
    subtitle = f"Уровень субъекта: {_LEGEND}. Номера субъектов — в списке ниже"
    if functions.empty:
        return theme.reason(title, "Субъекты и функции", subtitle)
    placed = matrix_rows(functions)
    names = placed.drop_duplicates("function").set_index("function")["function_name"]
    down = {code: -float(at) for at, code in enumerate(names.index)}
    numbers = numbered_subjects(functions)["number"]
    last = len(numbers) + 0.5
    frame = Frame(
        (0.5, last),
        (-len(names) + 0.4, 0.6),
        xticks=[(float(number), str(number)) for number in numbers],
        yticks=[(down[code], name) for code, name in names.items()],
        height=21 * len(names) + 50,
        grid="",
        top=True,
    )
    return theme.compose([_rules(down, last), *_letters(placed, down)], frame, title, subtitle)


def _letters(placed: pd.DataFrame, down: Mapping[str, float]) -> list[Any]:
    """Layers of the matrix: a dot with a letter for each subject, words for each gap."""
    numbers = numbered_subjects(placed).set_index("subject")["number"]
    placed = placed.assign(y=placed["function"].map(down))
    had = placed.dropna(subset=["subject"])
    cells = had.assign(
        x=had["subject"].map(numbers).astype(float),
        name=had["subject_name"],
        hint=had["function_name"] + "; " + had["source"],
    )
    gaps = placed[placed["subject"].isna()].assign(x=0.6, text=f"— {GAP}")
    layers: list[Any] = [theme.texts(gaps, theme.MUTED, align="left")]
    for level, mark in LEVEL_MARKS.items():
        mine = cells[cells["level"] == level].assign(text=mark.sign)
        layers += [theme.dots(mine, mark.colour, size=15)]
        layers += [theme.texts(mine, theme.PAPER, size=10, bold=True)]
    return layers


def matrix_rows(functions: pd.DataFrame) -> pd.DataFrame:
    """Table of `subjects.system_functions` as a matrix shows it.

    Subjects whose functions the documents do not name stand in a row of their own, the last one:
    its `function` is `NO_FUNCTION`.
    """
    return functions.assign(
        function=functions["function"].fillna(NO_FUNCTION),
        function_name=functions["function_name"].fillna(functions["note"]),
    )


def numbered_subjects(functions: pd.DataFrame) -> pd.DataFrame:
    """Subjects with their `number` in the matrix: `subject`, `subject_name`, `level`, `since`.

    `source` are all places that name the subject or its functions, `functions` how many it has.
    """
    named = functions.dropna(subset=["subject"])
    places = named.groupby("subject")["source"].agg(lambda told: "; ".join(dict.fromkeys(told)))
    having = named[named["function"].notna() & named["function"].ne(NO_FUNCTION)]
    counted = having["subject"].value_counts()
    subjects = named.drop_duplicates("subject")
    subjects = subjects.reindex(columns=["subject", "subject_name", "level", "since"])
    order = {level: at for at, level in enumerate(LEVEL_MARKS)}
    subjects = subjects.sort_values("level", key=lambda c: c.map(order), kind="stable")
    return subjects.assign(
        source=subjects["subject"].map(places),
        functions=subjects["subject"].map(counted).fillna(0).astype(int),
        number=range(1, len(subjects) + 1),
    ).reset_index(drop=True)


def functions_by_region(tables: Mapping[str, pd.DataFrame]) -> hv.Overlay:
    """Functions × regions: on which levels the documents of each give the function to somebody.

    Parameters
    ----------
    tables
        Name of a region → its table of `subjects.system_functions`; an empty one is a region whose
        documents describe no subjects.
    """
    title = headline(told.functions_of_regions(tables))
    subtitle = f"Уровни субъектов, за которыми функция закреплена: {_LEGEND}"
    given = [table for table in tables.values() if len(table)]
    if not given:
        return theme.reason(title, "Субъекты и функции", subtitle)
    named = given[0].dropna(subset=["function"]).drop_duplicates("function")
    names = named.set_index("function")["function_name"].to_dict()
    cells = pd.DataFrame(
        [
            _region_cell(table, code, name) | {"x": float(across), "y": -float(down)}
            for across, table in enumerate(tables.values())
            for down, (code, name) in enumerate(names.items())
        ]
    )
    frame = Frame(
        (-0.5, len(tables) - 0.5),
        (0.4 - len(names), 0.6),
        xticks=[(float(place), theme.wrapped(name, 13)) for place, name in enumerate(tables)],
        yticks=[(-float(place), name) for place, name in enumerate(names.values())],
        height=22 * len(names) + 60,
        grid="",
        top=True,
    )
    return theme.compose(_squares(cells), frame, title, subtitle)


def _squares(cells: pd.DataFrame) -> list[Any]:
    """Layers of the regions side by side: squares, letters of those that have it, words of gaps."""
    x, y, had = cells["x"], cells["y"], cells["fill"] != theme.PAPER
    return [
        theme.boxes(cells.assign(x0=x - 0.5, x1=x + 0.5, y0=y - 0.5, y1=y + 0.5), width=2),
        theme.texts(cells[had], size=12, bold=True),
        theme.texts(cells[~had], theme.MUTED, size=12),
    ]


def _region_cell(table: pd.DataFrame, code: str, name: str) -> dict[str, object]:
    """Levels on which the documents of a region give the function to somebody, and to whom.

    More subjects are no better than fewer: the colour only tells a function from a gap.
    """
    mine = table[table["function"].eq(code) & table["subject"].notna()]
    levels = [mark.sign for level, mark in LEVEL_MARKS.items() if level in set(mine["level"])]
    if levels:
        named = [f"{row['subject_name']} ({row['source']})" for row in mine.to_dict("records")]
        fill = theme.SEQUENTIAL[1]
        return {"name": name, "text": "  ".join(levels), "hint": "; ".join(named), "fill": fill}
    text, hint = "—", NO_SUBJECTS if table.empty else NOT_ASKED
    if table["function"].eq(code).any():
        text, hint = GAP, f"{GAP} в документах региона"
    return {"name": name, "text": text, "hint": hint, "fill": theme.PAPER}


def _rules(down: Mapping[str, float], last: float) -> hv.Segments:
    """Thin lines that lead the eye from a function to its subjects."""
    rows = pd.DataFrame({"y0": list(down.values())})
    return theme.lines(rows.assign(y1=rows["y0"], x0=0.5, x1=last), theme.GRID, 1)
