"""Мероприятия и реестры: events, who came; registers, agreements and acts in force."""

from __future__ import annotations

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.sections.rows import card, of_place, place_words, row_at, tile_of
from dashboards.store import Published, State
from nmc_utils import figures, findings, wording
from nmc_utils.terms import AGREEMENT_KINDS, DIRECTIONS, EVENT_KINDS, REGISTERS, TOTAL

_HORIZONTAL = "horizontal"


def section(state: State) -> pn.Column:
    """Events by level and direction, who of the staff came; registers, agreements, acts."""
    now, place = state.current, state.municipality
    return parts.column(
        parts.tiles(_tiles(now, place)),
        parts.row(_by_level(now), _kinds(now)),
        parts.later(
            lambda: [
                parts.row(_horizontal(now), _by_direction(now, place)),
                parts.row(_registers(now, place), _agreements(now)),
                parts.row(_acts(now)),
            ]
        ),
    )


def _tiles(now: Published, place: str) -> list[tuple[str, str, str]]:
    events, came = now.table("events_summary"), now.table("attendance_summary")
    keys = {"level": TOTAL, "direction": TOTAL, "kind": TOTAL, "municipality": place}
    return [
        tile_of("Мероприятий проведено", row_at(events, "events_held", **keys)),
        tile_of("Ещё впереди", row_at(events, "events_planned", **keys)),
        tile_of(
            "Участий",
            row_at(events, "event_participations", **keys),
            "не людей: один и тот же мог прийти не раз",
        ),
        tile_of(
            "Работников хотя бы на одном мероприятии",
            row_at(came, "attended_share", direction=TOTAL, municipality=place),
        ),
        tile_of(
            "Работников в горизонтальном обучении",
            row_at(came, "attended_share", direction=_HORIZONTAL, municipality=place),
        ),
    ]


# --- events -------------------------------------------------------------------------------------


def _by_level(now: Published) -> pn.Column:
    table = now.table("events_summary")

    def draw(rows: pd.DataFrame) -> pn.Column:
        figure = figures.events_by_level(table)
        shown = rows[(rows["measure"] == "events_held") & rows["level"].eq(TOTAL)]
        shown = shown[shown["estimate"] > 0]
        shown = shown.assign(name=shown["direction"].map({TOTAL: "Все"} | DIRECTIONS))
        headings = {"name": "Направление", "estimate": "Проведено"}
        return parts.chart(
            figure, lambda: parts.readable(shown, headings), min_width=660, note=now.whole
        )

    mine = of_place(table, TOTAL, kind=TOTAL)
    return card(now, "Мероприятия по уровням и направлениям", table, mine, draw)


def _kinds(now: Published) -> pn.Column:
    table = now.table("events_summary")

    def draw(rows: pd.DataFrame) -> pn.Column:
        names = {TOTAL: "Все"} | EVENT_KINDS
        by = {name: rows[rows["measure"] == name].set_index("kind") for name in _EVENT_NUMBERS}
        kinds = [kind for kind in names if _any(by["events_held"], kind)]
        frame = pd.DataFrame({"Вид": [findings.capital(names[kind]) for kind in kinds]})
        for measure, heading in _EVENT_NUMBERS.items():
            given = by[measure].to_dict("index")
            frame[heading] = [_written(given.get(kind)) for kind in kinds]
        html = parts.table(frame, list(_EVENT_NUMBERS.values()), kind="stacked")
        note = '<p class="note gap">Участия и работы — там, где мероприятие назвало число.</p>'
        return parts.card(parts.block(f"<h2>Мероприятия по видам</h2>{html}{note}"))

    mine = of_place(table, TOTAL, level=TOTAL, direction=TOTAL)
    return card(now, "Мероприятия по видам", table, mine, draw)


_EVENT_NUMBERS = {
    "events_held": "Проведено",
    "events_planned": "Впереди",
    "event_participations": "Участий",
    "event_works": "Работ на конкурс",
}


def _any(held: pd.DataFrame, kind: str) -> bool:
    return kind in held.index and bool(held.loc[kind, "estimate"] > 0)


def _written(row: dict[str, object] | None) -> str:
    return "—" if row is None else wording.number(row["estimate"])


def _horizontal(now: Published) -> pn.Column:
    table = now.table("attendance_summary")

    def draw(rows: pd.DataFrame) -> pn.Column:
        names = wording.with_unstated(now.region.municipality_names, rows["municipality"])
        shown = rows.assign(name=rows["municipality"].map({TOTAL: now.whole} | names))
        headings = {"name": "Где", "estimate": "Доля работников", "ci": "95 % интервал", "n": "n"}
        return parts.chart(
            figures.attended_by_municipality(table, now.region, direction=_HORIZONTAL),
            lambda: parts.readable(shown, headings),
            min_width=440,
            note=parts.joined("С планом сравнивает страница «Показатели»", now.incomplete),
        )

    mine = None
    if table is not None:
        mine = table[table["measure"].eq("attended_share") & table["direction"].eq(_HORIZONTAL)]
    return card(now, "Горизонтальное обучение", mine, mine, draw)


def _by_direction(now: Published, place: str) -> pn.Column:
    table, title = now.table("attendance_summary"), "Кто участвовал, по направлениям"

    def draw(rows: pd.DataFrame) -> pn.Column:
        people = rows[rows["measure"] == "event_attendees"].set_index("direction")
        shares = rows[rows["measure"] == "attended_share"].set_index("direction")
        given = shares.to_dict("index")
        names = {TOTAL: "любое мероприятие"} | DIRECTIONS
        frame = pd.DataFrame(
            {
                "Направление": [findings.capital(names[code]) for code in people.index],
                "Человек": [wording.with_note(row) for row in people.to_dict("records")],
                "Доля работников": [parts.with_interval(given.get(c)) for c in people.index],
            }
        )
        about = "Человек считается в направлении один раз; люди разных направлений не складываются"
        note = parts.escape(parts.sentence(place_words(now, place), about))
        return parts.card(
            parts.block(
                f"<h2>{title}</h2>{parts.table(frame, kind='stacked')}"
                f'<p class="note gap">{note}</p>'
            )
        )

    return card(now, title, table, of_place(table, place), draw)


# --- registers, agreements, acts ----------------------------------------------------------------


def _registers(now: Published, place: str) -> pn.Column:
    table = now.table("registers_summary")

    def draw(rows: pd.DataFrame) -> pn.Column:
        entries = rows[rows["measure"] == "registry_entries"]
        new = rows[rows["measure"] == "registry_new"].set_index("kind").to_dict("index")
        frame = pd.DataFrame(
            {
                "Реестр": [findings.capital(REGISTERS[kind]) for kind in entries["kind"]],
                "Действует записей": [wording.with_note(r) for r in entries.to_dict("records")],
                "Новых за период": [
                    wording.with_note(new[kind]) if kind in new else "—" for kind in entries["kind"]
                ],
            }
        )
        told = parts.escape(place_words(now, place))
        html = parts.table(frame, list(frame.columns[1:]), kind="stacked")
        return parts.card(parts.block(f'<h2>Реестры</h2><p class="gap">{told}</p>{html}'))

    return card(now, "Реестры", table, of_place(table, place), draw)


def _agreements(now: Published) -> pn.Column:
    table, title = now.table("agreements_by_municipality"), "Соглашения"
    if table is None:
        return parts.missing(title, parts.not_in_run(now.edition.key))
    told = parts.escape(findings.agreements(table, now.region))
    names = now.region.municipality_names
    rows = table[table["kind"].eq("tripartite") & table["municipality"].isin(list(names))]
    lists = {
        measure: rows[rows["measure"] == measure].set_index("municipality").to_dict("index")
        for measure in ("agreements", "agreements_ended")
    }
    html = ""
    if len(rows):
        frame = pd.DataFrame(
            {
                "Муниципальное образование": list(names.values()),
                "Действует": [_agreed(lists["agreements"].get(code)) for code in names],
                "Срок истёк": [_written(lists["agreements_ended"].get(code)) for code in names],
            }
        )
        html = parts.table(frame, ["Срок истёк"], html=["Действует"], kind="stacked")
    return parts.card(
        parts.block(
            f'<h2>{title}</h2><p class="gap">{told}</p>{html}'
            f'<p class="note gap">{parts.escape(_cooperation(table))}</p>'
        )
    )


def _agreed(row: dict[str, object] | None) -> str:
    if row is None or row["status"] != "ok":
        return parts.state("no_data", "нет данных")
    if row["estimate"]:
        return parts.state("attained", f"есть, {wording.number(row['estimate'])}")
    return parts.state("not_attained", "нет")


def _cooperation(table: pd.DataFrame) -> str:
    """What is known of the other kind, sent and documented side by side."""
    keys = {"kind": "cooperation", "municipality": TOTAL}
    sent, told = (row_at(table, name, **keys) for name in ("agreements", "agreements_documented"))
    words = findings.capital(AGREEMENT_KINDS["cooperation"])
    return (
        f"{words}: прислано действующих — {wording.with_note(sent)}; по документам — "
        f"{wording.with_note(told)}."
    )


def _acts(now: Published) -> pn.Column:
    table, title = now.table("acts_listed"), "Акты"
    if table is None:
        return parts.missing(title, parts.not_in_run(now.edition.key))
    if table.empty:
        return parts.missing(title, findings.acts(table))
    told = parts.escape(findings.acts(table))
    states = [_act_state(row) for row in table.to_dict("records")]
    given = wording.readable(table.rename(columns={"is_current": "state"}), _ACTS).frame
    html = parts.table(given.assign(Действует=states), html=["Действует"], kind="wide")
    html = f"<details><summary>Все акты списка</summary>{html}</details>"
    return parts.card(parts.block(f'<h2>{title}</h2><p class="gap">{told}</p>{html}'), basis=1280)


_ACTS = {
    "title": "Акт",
    "numbers": "Номера",
    "dated": "Дата",
    "state": "Действует",
    "replaces": "Взамен",
    "replaced_by": "Заменён",
    "is_sent": "Прислан",
    "source": "Где назван",
    "note": "Примечание",
}


def _act_state(row: dict[str, object]) -> str:
    if pd.isna(row["is_current"]):
        words = ("no_data", "дата не названа")
    else:
        words = ("attained", "да") if row["is_current"] else ("not_applicable", "нет")
    disputed = parts.signed("≠", "расхождение номеров", figures.PROGRESS_MARKS["partly"].colour)
    return parts.state(*words) + (f"<br>{disputed}" if row["is_disputed"] else "")
