"""Наставничество, молодые педагоги, ШНОР и управленческие команды. Counts, never persons."""

from __future__ import annotations

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.sections.facts import facts
from dashboards.sections.rows import (
    ESTIMATE,
    card,
    gap_of,
    of_place,
    place_words,
    row_at,
    tile_of,
    told,
)
from dashboards.store import Published, State
from nmc_utils import figures, findings
from nmc_utils.terms import TOTAL

_WHOLE = {"span": "current", "form": TOTAL, "reach": TOTAL, "stage": TOTAL}


def section(state: State) -> pn.Column:
    """Pairs by form and reach, young teachers, schools with low results, management teams."""
    now, place = state.current, state.municipality
    return parts.column(
        parts.tiles(_tiles(now, place)),
        parts.row(_pairs(now, place), _young(now, place)),
        parts.later(
            lambda: [
                parts.row(_organizations(now, place), _contests(now)),
                parts.row(_low_performing(now, place), _teams(now, place)),
                facts(now, ("mentoring", "young", "low_performing", "teams")),
            ]
        ),
    )


def _tiles(now: Published, place: str) -> list[tuple[str, str, str]]:
    at = {"municipality": place}
    young = now.table("young_support")
    schools, teams = now.table("low_performing"), now.table("management_teams")
    pairs = row_at(now.table("mentoring_summary"), "mentoring_pairs", **_WHOLE, **at)
    share = {"form": TOTAL, "reading": "strict"} | at
    supported = row_at(schools, "low_performing_supported_share", **at)
    ever = {"span": "cumulative", "of": "organizations"} | at
    return [
        tile_of("Действующие наставнические пары и команды", pairs),
        tile_of(
            "Молодые педагоги, получившие поддержку",
            row_at(young, "young_supported_share", **share),
            "до 35 лет, первые три года работы",
        ),
        tile_of("ШНОР с адресным сопровождением", supported),
        tile_of(
            "Управленческие команды, повысившие квалификацию",
            row_at(teams, "teams_trained_share", **ever),
            "от всех организаций, нарастающим итогом",
        ),
    ]


def _pairs(now: Published, place: str) -> pn.Column:
    title, table = "Формы наставничества", now.table("mentoring_summary")

    def draw(rows: pd.DataFrame) -> pn.Column:
        shown = rows[(rows["span"] == "current") & (rows["measure"] == "mentoring_pairs")]
        words = findings.in_words(shown, now.region)
        headings = {"form": "Форма", "reach": "Кто с кем", "stage": "Ход", "estimate": "Пар"}
        text = findings.mentoring_pairs(table, municipality=place)
        if place != TOTAL:
            return told(title, text, parts.readable(words, headings), place_words(now, place))
        figure = figures.mentoring_reach(table)
        return parts.chart(
            figure,
            lambda: parts.readable(words, headings),
            min_width=560,  # narrower, the headings of its columns run into each other
            note=now.incomplete,
        )

    return card(now, title, table, of_place(table, place), draw)


def _young(now: Published, place: str) -> pn.Column:
    title, table = "Поддержка молодых педагогов", now.table("young_support")

    def draw(rows: pd.DataFrame) -> pn.Column:
        words = findings.in_words(rows, now.region)
        headings = {"reading": "Возраст", "form": "Форма поддержки"} | ESTIMATE
        text = findings.young_support(table, municipality=place)
        if place != TOTAL:
            return told(title, text, parts.readable(words, headings), place_words(now, place))
        figure = figures.young_support_forms(table)
        return parts.chart(
            figure, lambda: parts.readable(words, headings), note=parts.joined(text, now.incomplete)
        )

    return card(now, title, table, of_place(table, place), draw)


def _organizations(now: Published, place: str) -> pn.Column:
    title, table = "Организации в наставничестве", now.table("mentoring_organizations")

    def draw(rows: pd.DataFrame) -> pn.Column:
        text = findings.mentoring_organizations(table, municipality=place)
        rows = rows.assign(note=rows["note"].where(rows["status"].ne("ok")))  # else told above
        return told(title, text, parts.readable(rows, ESTIMATE), place_words(now, place))

    return card(now, title, table, of_place(table, place), draw)


def _contests(now: Published) -> pn.Column:
    title, table = "Конкурсы наставничества", now.table("mentoring_contests")

    def draw(rows: pd.DataFrame) -> pn.Column:
        words = findings.in_words(rows, now.region)
        headings = {"title": "Конкурс, номинация", "estimate": "Работ", "n": "Мероприятий"}
        text = findings.mentoring_contests(rows)
        return told(title, text, parts.readable(words, headings), now.whole)

    return card(now, title, table, table, draw)


def _low_performing(now: Published, place: str) -> pn.Column:
    title, table = "ШНОР", now.table("low_performing")

    def draw(rows: pd.DataFrame) -> pn.Column:
        text = findings.low_performing(table, municipality=place)
        work = now.table("low_performing_work")
        if place == TOTAL and work is not None and not gap_of(work):
            text = f"{text} {findings.low_performing_work(work)}"
            rows = pd.concat([rows, work], ignore_index=True)
        return told(title, text, parts.readable(rows, ESTIMATE), place_words(now, place))

    return card(now, title, table, of_place(table, place), draw)


def _teams(now: Published, place: str) -> pn.Column:
    title, table = "Управленческие команды", now.table("management_teams")

    def draw(rows: pd.DataFrame) -> pn.Column:
        shares = rows[rows["measure"] == "teams_trained_share"]
        words = findings.in_words(shares, now.region)
        headings = {"of": "От чего", "span": "Когда"} | ESTIMATE
        del headings["measure"]
        text = findings.management_teams(table, municipality=place)
        return told(title, text, parts.readable(words, headings), place_words(now, place))

    return card(now, title, table, of_place(table, place), draw)
