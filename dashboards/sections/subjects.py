"""Субъекты и функции: who does what by the documents, here and elsewhere; whom they name."""

from __future__ import annotations

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.sections.rows import gap_of
from dashboards.store import Published, State
from nmc_utils import figures, findings, wording
from nmc_utils.terms import LEVELS

_TITLE = "Субъекты и функции"
#: Regions beside each other; the columns of more could not be read.
_MOST = 6


def section(state: State) -> pn.Column:
    """Functions × subjects of the region, the list of them, names; functions × regions."""
    now = state.current
    table = now.table("system_functions")
    if table is None:
        first = [parts.row(parts.missing(_TITLE, parts.not_in_run(now.edition.key)))]
    elif table.empty:
        first = [parts.row(parts.missing(_TITLE, findings.system_functions(table)))]
    else:
        first = [parts.row(_matrix(table)), parts.row(_subjects(table))]
    named = parts.row(_named(now))
    return parts.column(*first, named, parts.later(lambda: [parts.row(_regions(state))]))


def _matrix(table: pd.DataFrame) -> pn.Column:
    """Functions × numbered subjects as a table; a letter is the level of the subject."""
    legend = ", ".join(f"{m.sign} — {m.word}" for m in figures.LEVEL_MARKS.values())
    about = (
        f"Уровень субъекта: {legend}; номера субъектов — в списке ниже. «Не названа» — пробел "
        "документов, что у нас есть; о самой работе он не говорит."
    )
    head = f"<h2>{parts.escape(findings.system_functions(table))}</h2>"
    where = f"<details><summary>Кто назван и где</summary>{_listed(table)}</details>"
    text = f'{head}<p class="muted small">{parts.escape(about)}</p>'
    text += parts.table(_letters(table), caption="Функции и субъекты", kind="wide letters") + where
    return parts.card(parts.block(text), basis=1280)


def _letters(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each function, and a last one for the subjects that have none; a column each."""
    numbers = figures.numbered_subjects(table).set_index("subject")["number"]
    signs = {level: mark.sign for level, mark in figures.LEVEL_MARKS.items()}
    rows = figures.matrix_rows(table)
    had = rows.dropna(subset=["subject"])
    cells = had.assign(number=had["subject"].map(numbers), sign=had["level"].map(signs))
    wide = cells.pivot(index="function", columns="number", values="sign")
    names = rows.drop_duplicates("function").set_index("function")["function_name"]
    wide = wide.reindex(index=names.index, columns=list(numbers)).fillna("")
    frame = pd.DataFrame({"Функция": [findings.capital(name) for name in names]})
    for number in numbers:
        frame[str(number)] = wide[number].to_list()
    frame["Никто"] = ["не названа" if row.eq("").all() else "" for _, row in wide.iterrows()]
    return frame


def _listed(table: pd.DataFrame) -> str:
    """Who has each function, with document and section; a gap says that nobody is named."""
    shown = figures.matrix_rows(table)
    shown = shown.assign(
        level=shown["level"].map(LEVELS), subject_name=shown["subject_name"].fillna(shown["note"])
    )
    headings = {"function_name": "Функция", "subject_name": "Субъект", "level": "Уровень"}
    frame = wording.readable(shown, headings | {"source": "Где сказано"}).frame
    return parts.table(frame, kind="stacked")


def _subjects(table: pd.DataFrame) -> pn.Column:
    """Every subject that the documents name; one without functions says so."""
    subjects = figures.numbered_subjects(table)
    counted = [str(n) if n else "в документах не названы" for n in subjects["functions"]]
    shown = subjects.assign(level=subjects["level"].map(LEVELS), functions=counted)
    headings = {"number": "Номер", "subject_name": "Субъект", "level": "Уровень"}
    if subjects["since"].notna().any():
        headings["since"] = "В системе с года"
    headings |= {"functions": "Функций", "source": "Где сказано"}
    frame = wording.readable(shown, headings)
    html = parts.table(frame.frame, frame.numeric, kind="stacked")
    return parts.card(parts.block(f"<h2>Субъекты по номерам</h2>{html}"), basis=1280)


def _named(now: Published) -> pn.Column:
    """Communities, places and contests that the documents list by name."""
    title, named = "Кого и что документы называют поимённо", now.table("document_lists")
    if named is None:
        return parts.missing(title, parts.not_in_run(now.edition.key))
    if why := gap_of(named):
        return parts.missing(title, why)
    html = f'<h2>{title}</h2><p class="gap">{parts.escape(findings.document_lists(named))}</p>'
    for _, rows in named.groupby("list", sort=False):
        headings = {name: heading for name, heading in _NAMED.items() if rows[name].notna().any()}
        frame = wording.readable(rows, headings).frame
        head = parts.escape(findings.capital(rows["list_name"].iloc[0]))
        html += f'<h3 class="gap">{head}</h3>{parts.table(frame, kind="stacked")}'
    return parts.card(parts.block(html), basis=1280)


_NAMED = {"name": "Название", "held": "Когда", "note": "Подробнее", "source": "Где сказано"}


def _regions(state: State) -> pn.Column:
    tables, left = _of_regions(state)
    title = "Функции в документах регионов"
    if len(tables) < 2:
        return parts.missing(title, "сравнить не с чем: субъектов описывает только один регион")
    note = "Показано, что называют документы: ни порядка, ни оценки регионов здесь нет"
    if left:
        rest = wording.plural(left, "регион", "региона", "регионов")
        note = parts.joined(note, f"ещё {rest} не показано: столбцы не поместятся")
    return parts.chart(
        figures.functions_by_region(tables),
        lambda: _side_by_side(tables),
        min_width=760,
        note=note,
        basis=1280,
    )


def _of_regions(state: State) -> tuple[dict[str, pd.DataFrame], int]:
    """Region → what its last edition says of functions, the chosen one first; how many are left."""
    last: dict[str, Published] = {}
    for published in sorted(state.editions, key=lambda p: p.edition.period.ends_on):
        last[published.region.name] = published
    now = state.current
    order = [now.region.name, *sorted(name for name in last if name != now.region.name)]
    given = {name: (now if name == now.region.name else last[name]) for name in order}
    tables = {name: published.table("system_functions") for name, published in given.items()}
    tables = {name: table for name, table in tables.items() if table is not None and len(table)}
    shown = dict(list(tables.items())[:_MOST])
    return shown, len(tables) - len(shown)


def _side_by_side(tables: dict[str, pd.DataFrame]) -> str:
    first = next(iter(tables.values()))
    functions = first.dropna(subset=["function"]).drop_duplicates("function")
    frame = pd.DataFrame({"Функция": functions["function_name"].to_list()})
    for region, table in tables.items():
        named = table.assign(text=table["subject_name"].fillna(table["note"]))
        named = named.groupby("function")["text"].agg("; ".join)
        frame[region] = functions["function"].map(named).to_list()
    return parts.table(frame, kind="wide")
