"""Программы ДПП ПК, обучение и площадки. Counts, never persons."""

from __future__ import annotations

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.sections.facts import facts
from dashboards.sections.rows import ESTIMATE, card, of_place, place_words, row_at, tile_of, told
from dashboards.store import Published, State
from nmc_utils import figures, findings
from nmc_utils.terms import TOTAL

_ANY = {"base": TOTAL, "position": TOTAL}


def section(state: State) -> pn.Column:
    """Register by year, bases and topics, who finished, sites; published facts beside."""
    now, place = state.current, state.municipality
    return parts.column(
        parts.tiles(_tiles(now, place)),
        parts.row(_registry(now), _completions(now, place)),
        parts.later(
            lambda: [
                parts.row(_topics(now), _sites(now, place)),
                facts(now, ("programmes", "topics", "completions", "sites")),
            ]
        ),
    )


def _tiles(now: Published, place: str) -> list[tuple[str, str, str]]:
    years, done = now.table("programmes_by_year"), now.table("completions_summary")
    listed = row_at(years, "programmes_registry_share", basis="recorded", year=TOTAL)
    at = _ANY | {"municipality": place}
    best = row_at(done, "completions_share", choice="chosen_in_registry", **at)
    sites = {"recorded_in": "organizations", "municipality": place}
    return [
        tile_of("Программы в Федеральном реестре", listed, "от направленных на экспертизу"),
        tile_of(
            "Окончили программу за период", row_at(done, "completions_share", choice="any", **at)
        ),
        tile_of("Из реестра и подобранную по диагностике", best),
        tile_of(
            "Стажировочные площадки",
            row_at(now.table("sites"), "sites", kind="internship", **sites),
            "по отметкам организаций",
        ),
        tile_of(
            "Инновационные площадки",
            row_at(now.table("sites"), "sites", kind="innovation", **sites),
            "по отметкам организаций",
        ),
    ]


def _registry(now: Published) -> pn.Column:
    table = now.table("programmes_by_year")

    def draw(rows: pd.DataFrame) -> pn.Column:
        words = findings.in_words(rows, now.region)
        headings = {"basis": "Откуда", "year": "Год экспертизы"} | ESTIMATE
        return parts.chart(
            figures.registry_by_year(rows),
            lambda: parts.readable(words, headings),
            min_width=480,
            note="Опубликованное и записи не складываются",
        )

    return card(now, "Программы в Федеральном реестре", table, table, draw)


def _completions(now: Published, place: str) -> pn.Column:
    title, table = "Окончили программы", now.table("completions_summary")

    def draw(rows: pd.DataFrame) -> pn.Column:
        words = findings.in_words(rows, now.region)
        headings = {"choice": "Программа", "base": "Место", "position": "Должность"} | ESTIMATE
        if place == TOTAL:
            figure = figures.completions_by_base(table)
            return parts.chart(figure, lambda: parts.readable(words, headings), note=now.whole)
        text = findings.completions(table, municipality=place)
        return told(title, text, parts.readable(words, headings), place_words(now, place))

    return card(now, title, table, of_place(table, place), draw)


def _topics(now: Published) -> pn.Column:
    title, table = "Программы по месту и теме", now.table("programme_topics")

    def draw(rows: pd.DataFrame) -> pn.Column:
        headings = {"name": "Место и тема", "programmes": "Программ"}
        headings |= {"programmes_listed": "В реестре", "programme_hours": "Часов (медиана)"}
        html = parts.readable(findings.programme_rows(rows), headings)
        return told(title, findings.programme_bases(rows), html, _NOT_SHOWN)

    return card(now, title, table, table, draw)


_NOT_SHOWN = "Места и темы, программ которых в записях нет, не показаны"


def _sites(now: Published, place: str) -> pn.Column:
    title, table = "Стажировочные и инновационные площадки", now.table("sites")

    def draw(rows: pd.DataFrame) -> pn.Column:
        words = findings.in_words(rows, now.region)
        headings = {"kind": "Площадки", "recorded_in": "Откуда", "estimate": "Число"}
        text = findings.sites(table, municipality=place)
        return told(title, text, parts.readable(words, headings), place_words(now, place))

    return card(now, title, table, of_place(table, place), draw)
