"""РМА и нагрузка: who is in the team, what falls to each; the staff of the centre. Open counts."""

from __future__ import annotations

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.sections.rows import card, gap_of, of_place, place_words, row_at, tile_of
from dashboards.store import Published, State
from nmc_utils import figures, findings, wording
from nmc_utils.terms import EMPLOYMENT, ROLES, TOTAL, UNSTATED


def section(state: State) -> pn.Column:
    """Team by role and over time, load by both denominators, staff of the centre."""
    now, place = state.current, state.municipality
    return parts.column(
        parts.tiles(_tiles(now, place)),
        parts.row(_roles(now, place), _over_time(now)),
        parts.row(_load(now, place), parts.stack(_forms(now), _center(now))),
        parts.later(lambda: [parts.row(_load_by(now, "municipality"), _load_by(now, "family"))]),
    )


def _tiles(now: Published, place: str) -> list[tuple[str, str, str]]:
    team, load = now.table("methodists_composition"), now.table("methodist_load")
    keys = {"municipality": place, "family": TOTAL}
    staff = row_at(now.table("center_staff"), "center_staff", employment=TOTAL)
    return [
        tile_of("Члены РМА", row_at(team, "methodist_members", role=TOTAL, **keys)),
        tile_of(
            "Прошли повышение квалификации",
            row_at(team, "methodist_trained_share", role=TOTAL, **keys),
        ),
        *(
            tile_of(f"Работников на {words}", row := _load_row(load, per, keys), _ratio(row))
            for per, words in findings.PER.items()
        ),
        tile_of("Сотрудники ЦНППМ", staff, "опубликовано регионом"),
    ]


def _load_row(
    load: pd.DataFrame | None, per: str, keys: dict[str, str]
) -> dict[str, object] | None:
    return row_at(load, "methodist_load", per=per, **keys)


def _ratio(row: dict[str, object] | None) -> str:
    if row is None or row["status"] != "ok":
        return ""
    return f"{wording.number(row['numerator'])} / {wording.number(row['denominator'])}"


def _roles(now: Published, place: str) -> pn.Column:
    table = now.table("methodists_composition")

    def draw(rows: pd.DataFrame) -> pn.Column:
        names = {TOTAL: "Всего"} | ROLES
        shown = rows[rows["role"].isin(list(names))]
        shown = shown.assign(name=shown["role"].map(names).map(findings.capital))
        headings = {"name": "Роль", "measure": "Что сосчитано", "estimate": "Значение"}
        headings |= {"ci": "95 % интервал", "n": "n"}
        return parts.chart(
            figures.methodist_roles(table, municipality=place),
            lambda: parts.readable(shown, headings),
            note=parts.joined(place_words(now, place), _trained(rows)),
        )

    mine = of_place(table, place, family=TOTAL)
    return card(now, "Состав РМА", table, mine, draw)


def _trained(rows: pd.DataFrame) -> str:
    row = row_at(rows, "methodist_trained_in_period_share", role=TOTAL)
    if row is None or row["status"] != "ok":
        return ""
    return f"Повышение квалификации за период прошли {wording.percent(row['estimate'])}"


def _over_time(now: Published) -> pn.Column:
    table = now.table("methodists_over_time")

    def draw(rows: pd.DataFrame) -> pn.Column:
        names = {TOTAL: "Всего"} | ROLES
        shown = rows.assign(name=rows["role"].map(names).map(findings.capital))
        headings = {"counted_on": "На дату", "name": "Роль", "estimate": "Членов РМА"}
        return parts.chart(
            figures.methodists_over_time(rows),
            lambda: parts.readable(shown, headings),
            note=parts.joined(now.whole, _PAST, *rows["note"].dropna().unique()[:1]),
        )

    return card(now, "Состав РМА по времени", table, table, draw)


_PAST = "По датам членства в таблице этого издания: кто выбыл и в неё не внесён, не посчитан"


def _load(now: Published, place: str) -> pn.Column:
    table = now.table("methodist_load")

    def draw(rows: pd.DataFrame) -> pn.Column:
        shown = rows.assign(name=[f"На {findings.PER[per]}" for per in rows["per"]])
        return parts.chart(
            figures.methodist_load(table, now.region, municipality=place),
            lambda: parts.readable(shown, _LOAD | {"note": "Примечание"}),
            note=parts.joined(place_words(now, place), _published_load(now)),
        )

    return card(now, "Нагрузка методистов", table, of_place(table, place, family=TOTAL), draw)


_LOAD = {"name": "Работников", "numerator": "Работники", "denominator": "Методисты"}
_LOAD |= {"estimate": "На одного"}


def _published_load(now: Published) -> str:
    """What the documents say of the same number, with the variants they allow."""
    table = now.table("indicators")
    names = {entry.id: entry.name for entry in now.region.indicators}
    if table is None or findings.LOAD not in names:
        return ""
    told = findings.variants(table, findings.LOAD, names[findings.LOAD])
    return f"По опубликованным данным. {told}"


def _load_by(now: Published, key: str) -> pn.Column:
    table = now.table("methodist_load")
    region = now.region
    title, names = {
        "municipality": ("Нагрузка по муниципальным образованиям", region.municipality_names),
        "family": ("Нагрузка по предметным группам", region.family_names),
    }[key]

    def draw(rows: pd.DataFrame) -> pn.Column:
        order = {code: place for place, code in enumerate(names)}
        shown = rows.assign(
            part=rows[key].map(names), name=[f"на {findings.PER[per]}" for per in rows["per"]]
        ).sort_values(key, key=lambda codes: codes.map(order), kind="stable")
        return parts.chart(
            figures.methodist_load_by(table, region, key=key),
            lambda: parts.readable(shown, {"part": "Где"} | _LOAD | {"note": "Примечание"}),
            note=now.incomplete,
        )

    mine = None if table is None else table[table[key].isin(list(names))]
    return card(now, title, table, mine, draw)


def _forms(now: Published) -> pn.Column:
    table = now.table("methodists_employment")

    def draw(rows: pd.DataFrame) -> pn.Column:
        words = {TOTAL: "всего", UNSTATED: "не указано"}
        shown = rows.assign(name=rows["employment_form"].replace(words))
        html = parts.readable(shown, {"name": "Форма занятости", "estimate": "Членов РМА"})
        where = parts.escape(now.whole)
        heading = f'<h2>Формы занятости в РМА</h2><p class="muted small">{where}</p>'
        return parts.card(parts.block(heading + html))

    return card(now, "Формы занятости в РМА", table, table, draw)


def _center(now: Published) -> pn.Column:
    table = now.table("center_staff")
    if table is None:
        return parts.missing("Сотрудники ЦНППМ", parts.not_in_run(now.edition.key))
    if why := gap_of(table):
        return parts.missing("Сотрудники ЦНППМ", why)
    rows = table[(table["measure"] == "center_staff") & (table["status"] == "ok")]
    shares = table[table["measure"] == "center_staff_share"].set_index("employment")
    by = shares.to_dict("index")
    frame = pd.DataFrame(
        {
            "Форма занятости": [findings.capital(EMPLOYMENT[code]) for code in rows["employment"]],
            "Человек": [wording.number(n) for n in rows["estimate"]],
            "Доля": [parts.with_interval(by.get(code)) for code in rows["employment"]],
        }
    )
    told = parts.escape(findings.center_staff(table))
    source = parts.escape("; ".join(dict.fromkeys(rows["source"])))
    return parts.card(
        parts.block(
            f'<h2>Сотрудники ЦНППМ</h2><p class="gap">{told}</p>'
            f"{parts.table(frame, ['Человек', 'Доля'])}"
            f'<p class="note gap">Источник: {source}</p>'
        )
    )
