"""Cards of what the documents have published, beside what was recorded and never mixed with it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from dashboards import parts
from dashboards.store import Published
from nmc_utils import wording
from nmc_utils.terms import TOTAL

_TITLE = "Опубликовано документами"
_HEADINGS = {
    "label": "Что названо в документе",
    "estimate": "Значение",
    "basis_label": "Факт или план",
    "fact_period": "Период",
    "source": "Откуда",
    "note": "Примечание",
}
_NOTHING = "за этот период документы региона об этом чисел не называют"
_WHOLE_ROW = 1280  #: pixels: a long table does not share a row

_SPACES = re.compile("[ \u00a0\u202f]")
#: A number of several groups of three; the rows' columns are apart by line.
_THOUSANDS = re.compile(r"(?<![\d,])\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)")


def facts(now: Published, topics: Sequence[str]) -> pn.Column:
    """Facts and targets of the period on these topics, each with its document."""
    table = now.table("support_facts")
    if table is None:
        return parts.missing(_TITLE, parts.not_in_run(now.edition.key))
    order = {topic: place for place, topic in enumerate(topics)}
    mine = table[table["topic"].isin(order)]
    mine = mine.sort_values("topic", key=lambda codes: codes.map(order), kind="stable")
    return parts.listed(_TITLE, mine, _HEADINGS, _NOTHING, basis=_WHOLE_ROW)


# --- all of them ----------------------------------------------------------------------------------

_ALL = "Все факты и планы документов"
_PAGE = 20  #: rows at a time
_COLUMNS = {"topic_name": "О чём", "label": "Что названо в документе", "value": "Значение"}
_COLUMNS |= {name: _HEADINGS[name] for name in ("fact_period", "basis_label", "source", "note")}


def all_facts(now: Published) -> pn.Column:
    """Every fact and target of the region's documents, of all periods: to search and to page."""
    table = now.table("document_facts")
    if table is None:
        return parts.missing(_ALL, parts.not_in_run(now.edition.key))
    if table.empty:
        return parts.missing(_ALL, "документы региона чисел не называют")
    names = table.drop_duplicates("topic").set_index("topic_name")["topic"]
    topic = parts.choice("О чём", {"Обо всём": TOTAL} | names.to_dict(), TOTAL)
    words = pmui.TextInput(label="Найти", placeholder="слово или число", size="small", margin=0)
    pages = pmui.Pagination(count=1, value=0, size="small", margin=0)
    place = parts.block("")

    def draw(*_: object) -> None:
        found = found_facts(table, words.value_input or "", topic.value)
        last = max(-(-len(found) // _PAGE), 1)
        pages.param.update(count=last, value=min(pages.value, last - 1), visible=last > 1)
        place.object = _page_of(found, pages.value * _PAGE, len(table))

    def from_first(*_: object) -> None:
        pages.value = 0
        draw()

    words.param.watch(from_first, "value_input")
    topic.param.watch(from_first, "value")
    pages.param.watch(draw, "value")
    draw()
    about = "Все периоды сразу; на этой странице они не складываются и с записями не смешиваются."
    head = parts.block(f'<h2>{_ALL}</h2><p class="muted small">{about}</p>')
    return parts.card(head, parts.bar(words, topic), place, pages, basis=_WHOLE_ROW)


def found_facts(table: pd.DataFrame, words: str, topic: str) -> pd.DataFrame:
    """Rows of a topic that hold every word of `words`, in any of the columns that are shown."""
    rows = table if topic == TOTAL else table[table["topic"] == topic]
    texts = rows[list(_COLUMNS)].fillna("").agg("\n".join, axis=1).map(_plain)
    for word in _plain(words).split():
        rows = rows[texts.loc[rows.index].str.contains(word, regex=False)]
    return rows


def _plain(text: str) -> str:
    """Text as it is searched: no case, «е» for «ё», no space of any kind within a number."""
    text = text.casefold().replace("ё", "е")
    return _THOUSANDS.sub(lambda number: _SPACES.sub("", number[0]), text).replace("\u00a0", " ")


def _page_of(found: pd.DataFrame, start: int, n_all: int) -> str:
    if found.empty:
        return '<p class="muted">Ничего не найдено: измените слово или тему.</p>'
    rows = found.iloc[start : start + _PAGE]
    columns = {name: _COLUMNS[name] for name in _COLUMNS if rows[name].notna().any()}
    shown = wording.readable(rows, columns)
    count = f"Показаны {start + 1}–{start + len(rows)} из {len(found)}, всего в документах {n_all}."
    return parts.table(shown.frame, ["Значение"], kind="stacked") + f'<p class="note">{count}</p>'
