"""Дорожная карта: every measure with its progress; recommendations of the last time; plans."""

from __future__ import annotations

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.sections.rows import gap_of, row_at
from dashboards.store import Published, State
from nmc_utils import figures, findings, wording
from nmc_utils.terms import ADDRESSEES, PROGRESS, TOTAL

_TITLE = "Дорожная карта"
_WHOLE = {"direction": TOTAL, "due_state": TOTAL}


def section(state: State) -> pn.Column:
    """Progress by direction, the timeline, the list of measures; what became of advice."""
    now = state.current
    progress, listed = now.table("roadmap_progress"), now.table("roadmap_measures")
    if progress is None or listed is None:
        map_ = [parts.row(parts.missing(_TITLE, parts.not_in_run(now.edition.key)))]
    elif why := gap_of(progress):
        map_ = [parts.row(parts.missing(_TITLE, why))]
    else:
        map_ = [
            parts.tiles(_tiles(progress)),
            parts.row(_timeline(now, listed, progress)),
            parts.row(_measures(listed)),
        ]
    # A card takes its share of a row: straight in a column the share would be of its height.
    return parts.column(*map_, parts.row(_recommendations(now)), parts.row(_plans(now)))


def _tiles(progress: pd.DataFrame) -> list[tuple[str, str, str]]:
    all_ = row_at(progress, "roadmap_measures", progress=TOTAL, **_WHOLE)
    n = wording.number(all_["estimate"])
    tiles = []
    for code, mark in figures.PROGRESS_MARKS.items():
        row = row_at(progress, "roadmap_measures", progress=code, **_WHOLE)
        if code != "done" and not row["estimate"]:
            continue
        note = f"из {n}" + (f"; {row['note']}" if isinstance(row["note"], str) else "")
        name = f"{mark.sign} {findings.capital(mark.word)}"
        tiles.append((name, wording.number(row["estimate"]), note))
    return [*tiles, _overdue(progress, n)]


def _overdue(progress: pd.DataFrame, n: str) -> tuple[str, str, str]:
    """A tile of what is late; of a measure that nobody told of it is not known."""
    keys = {"direction": TOTAL, "progress": TOTAL}
    late, silent = (
        row_at(progress, "roadmap_measures", due_state=state, **keys)["estimate"]
        for state in ("overdue", "unknown")
    )
    untold = ""
    if silent:
        measures = wording.plural(int(silent), "мере", "мерах", "мерах")
        untold = f"о ходе ещё по {measures} с прошедшим сроком не сообщено"
    value = "не сообщено" if silent and not late else wording.number(late)
    return "Просрочено", value, parts.joined(f"срок прошёл, а мера не выполнена; из {n}", untold)


def _timeline(now: Published, listed: pd.DataFrame, progress: pd.DataFrame) -> pn.Column:
    shown = listed.assign(state=[findings.progress_words(row) for row in _rows(listed)])
    headings = {"measure_id": "Код", "what": "Мера", "due": "Срок", "state": "Ход"}
    return parts.chart(
        figures.roadmap_timeline(listed, progress, now.edition.as_of),
        lambda: parts.readable(shown.drop(columns="note"), headings),
        min_width=720,
        note="Ежегодная мера просроченной не считается: её последний год документ не назвал",
        basis=1280,
    )


def _rows(table: pd.DataFrame) -> list[dict[str, object]]:
    return table.to_dict("records")


_MEASURES = {
    "measure_id": "Код",
    "group": "Системообразующее мероприятие",
    "what": "Мера",
    "responsible": "Ответственный",
    "co_executor": "Соисполнитель",
    "due": "Срок",
    "expected_result": "Ожидаемый результат",
    "state": "Ход",
    "done_on": "Выполнена",
    "result": "Результат",
    "evidence": "Подтверждение",
}


def _measures(listed: pd.DataFrame) -> pn.Column:
    """Every measure with all that is known of it, folded by directions."""
    headings = dict(_MEASURES)
    if listed["note"].notna().any():
        headings["note"] = "Примечание"
    named = listed.assign(direction=listed["direction"].fillna("Направление не указано"))
    folded = "".join(
        _of_direction(name, rows, headings) for name, rows in named.groupby("direction", sort=False)
    )
    sources = parts.escape("; ".join(dict.fromkeys(listed["source"])))
    head, foot = "<h2>Меры дорожной карты</h2>", f'<p class="note gap">Источник: {sources}.</p>'
    return parts.card(parts.block(head + folded + foot), basis=1280)


def _of_direction(name: str, rows: pd.DataFrame, headings: dict[str, str]) -> str:
    """A folded table of the measures of a direction; what contradicts the document stands there."""
    count = wording.plural(len(rows), "мера", "меры", "мер")
    frame = wording.readable(rows.assign(state=""), headings).frame
    states = [_state(row) for row in _rows(rows)]
    html = parts.table(frame.assign(Ход=states), html=["Ход"], kind="wide")
    return f"<details><summary>{parts.escape(name)}: {count}</summary>{html}</details>"


def _state(row: dict[str, object]) -> str:
    mark = figures.PROGRESS_MARKS[row["progress"]]
    return parts.signed(mark.sign, findings.progress_words(row), mark.colour)


# --- recommendations ----------------------------------------------------------------------------


def _recommendations(now: Published) -> pn.Column:
    summary, listed = now.table("recommendations_summary"), now.table("recommendations_listed")
    title = "Рекомендации прошлого раза"
    if summary is None or listed is None:
        return parts.missing(title, parts.not_in_run(now.edition.key))
    if why := gap_of(summary):
        return parts.missing(title, why)
    told = parts.escape(findings.recommendations(summary))
    body = f'<h2>{title}</h2><p class="gap">{told}</p>{_by_addressee(summary)}'
    return parts.card(parts.block(body + _listed(now, listed)), basis=1280)


def _by_addressee(summary: pd.DataFrame) -> str:
    rows = summary[summary["measure"].eq("recommendations") & summary["asked"].eq("before")]
    counted = rows.set_index(["addressee", "progress"])["estimate"]
    frame = pd.DataFrame(
        {"Кому": [findings.capital(name) for name in _ADDRESSEES.values()]}
        | {
            heading: [wording.number(counted[code, progress]) for code in _ADDRESSEES]
            for progress, heading in _STATES.items()
        }
    )
    return parts.table(frame, list(frame.columns[1:]), kind="stacked")


_ADDRESSEES = {TOTAL: "всем"} | ADDRESSEES
_STATES = {TOTAL: "Всего"} | {
    code: findings.capital(mark.word)
    for code, mark in figures.PROGRESS_MARKS.items()
    if code in PROGRESS
}


def _listed(now: Published, listed: pd.DataFrame) -> str:
    names = now.region.municipality_names
    shown = listed.assign(
        to=listed["addressee"].map(ADDRESSEES),
        place=listed["municipality"].map(names),
        whose=listed["asked"].map(findings.ASKED),
        late=listed["is_overdue"].astype(bool).map({True: "срок прошёл", False: "—"}),
    )
    frame = wording.readable(shown.assign(state=""), _LISTED).frame
    states = [_progress(row["progress"]) for row in _rows(listed)]
    html = parts.table(frame.assign(Ход=states), html=["Ход"], kind="wide")
    return f'<h2 class="gap">Список</h2>{html}'


_LISTED = {
    "recommendation_id": "Номер",
    "to": "Кому",
    "place": "Где",
    "text": "Рекомендация",
    "whose": "Чья",
    "due_on": "Срок",
    "state": "Ход",
    "done_on": "Исполнена",
    "late": "Просрочена",
}


def _progress(code: str) -> str:
    mark = figures.PROGRESS_MARKS[code]
    return parts.signed(mark.sign, mark.word, mark.colour)


def _plans(now: Published) -> pn.Column:
    """What the documents intend besides the roadmap."""
    title, plans = "Что намечено документами", now.table("document_plans")
    if plans is None:
        return parts.missing(title, parts.not_in_run(now.edition.key))
    if why := gap_of(plans):
        return parts.missing(title, why)
    headings = {name: heading for name, heading in _PLANS.items() if plans[name].notna().any()}
    frame = wording.readable(plans, headings).frame
    told = parts.escape(findings.document_plans(plans))
    text = f'<h2>{title}</h2><p class="gap">{told}</p>{parts.table(frame, kind="stacked")}'
    return parts.card(parts.block(text), basis=1280)


_PLANS = {"what": "Что", "year": "На какой год", "told": "Что сделано", "source": "Где сказано"}
_PLANS |= {"note": "Примечание"}
