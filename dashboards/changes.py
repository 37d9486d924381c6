"""What is different from the period before: the two side by side, on the same municipalities too.

No arrows and no differences: whether forms may be compared is said in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

import pandas as pd

from dashboards import parts
from dashboards.store import Published, SamePlaces, same_places
from nmc_utils import findings, wording
from nmc_utils.terms import TOTAL

Row = Mapping[str, object]
Pairs = list[tuple[str, Row | None, Row | None]]  #: name of a value, the row before, the row now


def compared(now: Published, before: Published) -> str:
    """HTML of the comparison; without results by municipality the second table says why."""
    finds = _finds(now)
    pairs = [(name, find(before), find(now)) for name, find in finds.items()]
    note = parts.sentence(_procedures(now, before), comparability(now, before))
    table = _side_by_side(pairs, [_headed(published) for published in (before, now)])
    html = f'<p class="muted small">{escape(note)}</p>{table}{_whys(pairs)}'
    same = same_places(now, before)
    return html if same is None else html + _on_same_places(now, before, same)


def comparability(now: Published, before: Published) -> str:
    """Say whether results of two periods may be compared."""
    procedures = now.table("procedures")
    if procedures is not None:
        said = procedures.loc[procedures["procedure"] == now.procedure, "comparability"].dropna()
        if said.size:
            return f"По описанию процедуры: {said.iloc[0]}. Периоды стоят рядом, без стрелок"
    scales = [_scale(published) for published in (before, now)]
    if all(scales) and scales[0] != scales[1]:
        return "Формы диагностики изменились: результаты несопоставимы, показаны рядом без стрелок"
    return "Сопоставимость форм не подтверждена: периоды стоят рядом, без стрелок"


def _procedures(now: Published, before: Published) -> str:
    """Say so where the largest procedures of two periods are not of the same organiser."""
    names = [p.procedures.get(p.procedure, "не названа") for p in (before, now)]
    if names[0] != names[1]:
        return f"Процедуры разные: {names[0]} и {names[1]}"
    return now.named()


def _scale(published: Published) -> frozenset[float]:
    """Edges of the score intervals: they follow from the number of score points of the forms."""
    histogram = published.of_procedure("score_histogram")
    return frozenset() if histogram is None else frozenset(histogram["bin_high"].dropna().round(6))


# --- rows of the two periods ----------------------------------------------------------------------


def row_of(table: pd.DataFrame | None, **keys: str) -> dict | None:
    """Return the row with these keys, or None."""
    if table is None:
        return None
    for name, value in keys.items():
        table = table[table[name] == value]
    return None if table.empty else table.iloc[0].to_dict()


def lowest_share(published: Published) -> dict | None:
    """Return the row of the lowest level of the whole region at entry, in the document's result."""
    diagnostics = published.region.diagnostics
    return row_of(
        published.of_procedure("level_shares"),
        wave="entry",
        domain=diagnostics.result_domain,
        municipality=TOTAL,
        family=TOTAL,
        level=diagnostics.lowest.code,
    )


def plan_row(published: Published, measure: str) -> dict | None:
    """Return a row of the plan of groups for everyone."""
    return row_of(published.table("seminar_plan"), family=TOTAL, measure=measure)


def _coverage(published: Published, measure: str) -> dict | None:
    table = published.of_procedure("coverage")
    return row_of(table, municipality=TOTAL, measure=measure)


def _mean(published: Published) -> dict | None:
    whole = {"wave": "entry", "domain": TOTAL, "municipality": TOTAL, "family": TOTAL}
    return row_of(published.of_procedure("score_distribution"), **whole, measure="score_mean")


def _finds(now: Published) -> dict[str, Callable[[Published], dict | None]]:
    return {
        "Прошли диагностику": lambda p: _coverage(p, "tested"),
        "Доля прошедших среди работников": lambda p: _coverage(p, "tested_share"),
        findings.result_label(now.region): lowest_share,
        "Средний результат, % максимума": _mean,
        "Группы": lambda p: plan_row(p, "plan_groups"),
        "Педагоги в группах": lambda p: plan_row(p, "plan_persons"),
    }


# --- how they are written -------------------------------------------------------------------------


def _headed(published: Published) -> str:
    """Heading of a period, with who has reported where not all have."""
    if not published.incomplete:
        return published.edition.period.label
    return f"{published.edition.period.label}, {wording.reported(published.table('reporting'))}"


def _side_by_side(pairs: Pairs, headings: list[str]) -> str:
    rows = [(name, _value(first), _value(last)) for name, first, last in pairs]
    return parts.table(pd.DataFrame(rows, columns=["Величина", *headings]), headings)


def _value(row: Row | None) -> str:
    if row is None:
        return "нет данных"
    bounds = wording.interval(row)
    return wording.estimate(row) + ("" if bounds == "—" else f" ({bounds})")


def _whys(pairs: Pairs) -> str:
    """Say below the table why numbers of it are missing, each reason once."""
    notes = [row.get("note") for _, *rows in pairs for row in rows if row and row["status"] != "ok"]
    reasons = dict.fromkeys(note for note in notes if isinstance(note, str))
    if not reasons:
        return ""
    text = parts.sentence(f"Нет данных: {'; '.join(reasons)}")
    return f'<p class="note gap">{escape(text)}</p>'


def _on_same_places(now: Published, before: Published, same: SamePlaces) -> str:
    title = '<h2 class="gap">На одних и тех же муниципальных образованиях</h2>'
    if not same.places:
        text = "Нет ни одного муниципального образования, о котором известно за оба периода."
        return f'{title}<p class="muted">{text}</p>'
    names = now.region.municipality_names
    count = wording.plural(len(same.places), "муниципальном образовании", *_PLACES)
    text = f"Пересчитано на {count}"
    if left := [name for code, name in names.items() if code not in same.places]:
        text += f"; без них: {', '.join(left)}"
    level = findings.result_label(now.region)
    labels = {"tested": "Прошли диагностику", "level_share": level}
    pairs = [(label, same.before[m], same.now[m]) for m, label in labels.items()]
    table = _side_by_side(pairs, [p.edition.period.label for p in (before, now)])
    return f'{title}<p class="muted small">{escape(parts.sentence(text))}</p>{table}'


_PLACES = ["муниципальных образованиях"] * 2
