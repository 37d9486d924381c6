"""ИОМ: stages, approvals, audits, measures, the plan; who was diagnosed. Never persons."""

from __future__ import annotations

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.sections.rows import card, gap_of, of_place, place_words, row_at, source_of, tile_of
from dashboards.store import Published, State
from nmc_utils import figures, findings, wording
from nmc_utils.terms import ROUTE_KINDS, ROUTE_LEVELS, STAGES, TOTAL

_ALL = {"kind": TOTAL, "stage": TOTAL}


def section(state: State) -> pn.Column:
    """Routes of the edition by kind and stage, the calendar of audits, measures and the plan."""
    now, place = state.current, state.municipality
    return parts.column(
        parts.tiles(_tiles(now, place)),
        parts.row(_stages(now, place), _calendar(now, place)),
        parts.later(
            lambda: [
                parts.row(_approvals(now, place), _levels(now, place)),
                parts.row(_each(now), _plan(now)),
                parts.row(_diagnosed(now)),
                parts.row(_drafts(now)),
            ]
        ),
    )


def _tiles(now: Published, place: str) -> list[tuple[str, str, str]]:
    table = now.table("routes_summary")
    told = {
        "route_count": ("ИОМ", ""),
        "route_current": ("Действующие", ""),
        "route_audit_due": ("ИОМ, которые ждут аудита", "действуют, до срока не больше месяца"),
        "route_overdue": ("Срок истёк, ИОМ не завершён", ""),
        "route_audited_share": ("Прошли аудит", "из тех, чей срок аудита наступил"),
        "route_coverage_share": ("ИОМ у прошедших диагностику", "отбор не случайный"),
    }
    return [
        tile_of(name, row_at(table, measure, municipality=place, **_ALL), about)
        for measure, (name, about) in told.items()
    ]


def _stages(now: Published, place: str) -> pn.Column:
    table = now.table("routes_summary")

    def draw(rows: pd.DataFrame) -> pn.Column:
        return parts.chart(
            figures.route_stages(table, municipality=place),
            lambda: _stages_table(rows),
            note=place_words(now, place),
        )

    return card(now, "Ход ИОМ", table, of_place(table, place), draw)


def _stages_table(rows: pd.DataFrame) -> str:
    kinds, stages = {TOTAL: "Все ИОМ"} | ROUTE_KINDS, {TOTAL: "всего"} | STAGES
    rows = rows[rows["measure"] == "route_count"]
    rows = rows.assign(name=rows["kind"].map(kinds), at=rows["stage"].map(stages))
    return parts.readable(rows, {"name": "Вид", "at": "Ход", "estimate": "ИОМ"})


def _calendar(now: Published, place: str) -> pn.Column:
    table, summary = now.table("routes_calendar"), now.table("routes_summary")

    def draw(rows: pd.DataFrame) -> pn.Column:
        return parts.chart(
            figures.audit_calendar(table, summary, municipality=place),
            lambda: _calendar_table(rows),
            min_width=560,
            note=place_words(now, place),
        )

    mine = None if summary is None else of_place(table, place)
    return card(now, "Календарь аудитов ИОМ", table, mine, draw)


def _calendar_table(rows: pd.DataFrame) -> str:
    names = {
        month: "Всего" if month == TOTAL else figures.month_words(month)
        for month in rows["month"].unique()
    }
    rows = rows.assign(name=rows["month"].map(names))
    return parts.readable(rows, {"name": "Месяц", "measure": "Что сосчитано", "estimate": "ИОМ"})


def _approvals(now: Published, place: str) -> pn.Column:
    """Approvals and what else is a share of the routes, with intervals."""
    table = now.table("routes_summary")

    def draw(rows: pd.DataFrame) -> pn.Column:
        told = [
            findings.route_approvals(table, municipality=place),
            findings.route_audits(table, municipality=place),
            findings.route_coverage(table, municipality=place),
        ]
        shown = rows[(rows["stage"] == TOTAL) & (rows["kind"] == TOTAL)]
        shown = shown[shown["measure"].str.endswith("_share")]
        headings = {"measure": "Доля", "estimate": "Значение", "ci": "95 % интервал", "n": "n"}
        text = "".join(f'<p class="gap">{parts.escape(line)}</p>' for line in told)
        where = parts.escape(place_words(now, place))
        return parts.card(
            parts.block(
                "<h2>Согласование, аудит и охват</h2>"
                f'<p class="muted small">{where}</p>{text}{parts.readable(shown, headings)}'
            )
        )

    return card(now, "Согласование, аудит и охват", table, of_place(table, place), draw)


def _levels(now: Published, place: str) -> pn.Column:
    table = now.table("route_measures_summary")

    def draw(rows: pd.DataFrame) -> pn.Column:
        names = {TOTAL: "все уровни"} | ROUTE_LEVELS
        shown = rows.assign(name=rows["level"].map(names).map(findings.capital))
        headings = {"name": "Уровень", "measure": "Что сосчитано", "estimate": "Значение"}
        headings |= {"ci": "95 % интервал", "n": "n"}
        return parts.chart(
            figures.route_levels(table, municipality=place),
            lambda: parts.readable(shown, headings),
            note=place_words(now, place),
        )

    return card(now, "Мероприятия ИОМ", table, of_place(table, place), draw)


def _each(now: Published) -> pn.Column:
    table = now.table("routes_per_methodist")

    def draw(rows: pd.DataFrame) -> pn.Column:
        shown = rows.assign(name=rows["routes"].replace(TOTAL, "все методисты"))
        headings = {"name": "ИОМ на методиста", "measure": "Что сосчитано", "estimate": "Значение"}
        return parts.chart(
            figures.routes_each(table), lambda: parts.readable(shown, headings), note=now.whole
        )

    return card(now, "ИОМ на методиста", table, table, draw)


def _plan(now: Published) -> pn.Column:
    """What documents say of the plan beside the records' own number."""
    published, summary = now.table("routes_published"), now.table("routes_summary")
    if published is None or summary is None:
        return parts.missing("План ИОМ", parts.not_in_run(now.edition.key))
    told = findings.routes_beside_plan(published, summary)
    opened = summary[summary["measure"] == "route_opened"]
    opened = of_place(opened, TOTAL, **_ALL)
    rows = pd.concat([published.assign(by="по документу"), opened.assign(by="по записям")])
    headings = {"by": "Основание", "measure": "Что", "estimate": "Значение", "source": "Источник"}
    frame = wording.readable(rows, headings | {"note": "Примечание"}).frame
    note = "Опубликованное и записи — разные основания: в одно число они не складываются"
    return parts.card(
        parts.block(
            f'<h2>План ИОМ</h2><p class="gap">{parts.escape(told)}</p>'
            f'{parts.table(frame, kind="stacked")}<p class="note gap">{parts.escape(note)}</p>'
        )
    )


def _diagnosed(now: Published) -> pn.Column:
    table, procedures = now.table("diagnosed"), now.table("procedures")
    title = "Прошли диагностику: по процедурам и периодам"
    if table is None or procedures is None:
        return parts.missing(title, parts.not_in_run(now.edition.key))
    if why := gap_of(table):
        return parts.missing(title, why)
    rows = findings.diagnosed_words(table, procedures)
    frame = pd.DataFrame(
        {
            "Процедура": rows["name"],
            "Период": rows["of_period"],
            "Основание": rows["by"],
            "Человек": [wording.with_note(row) for row in rows.to_dict("records")],
            "Источник": [source_of(row) for row in rows.to_dict("records")],
        }
    )
    note = ""
    if len(rows) > 1:
        note = "Люди разных процедур не складываются: кто прошёл обе, не опубликовано"
    return parts.card(
        parts.block(
            f"<h2>{title}</h2>{parts.table(frame, ['Человек'], kind='stacked')}"
            f'<p class="note gap">{parts.escape(note)}</p>'
        ),
        basis=1280,
    )


def _drafts(now: Published) -> pn.Column:
    """By which command drafts are written: the app reads no records, drafts are made of them."""
    title = "Заготовки ИОМ"
    results = now.table("person_results")
    if results is None or results.empty:
        return parts.missing(title, "результатов отдельных людей в прогоне нет")
    command = f"nmc routes {now.edition.region.code} {now.edition.period}"
    told = (
        "Документ Word в четырёх разделах на каждого, кто прошёл диагностику, — в одном архиве. "
        "Люди названы личными кодами; ФИО ставит nmc unmask."
    )
    return parts.card(
        parts.block(
            f'<h2>{title}</h2><p class="gap">{parts.escape(told)}</p>'
            f"<p>Выполните: <b>{parts.escape(command)}</b></p>"
        ),
        basis=1280,
    )
