"""Pieces that pages are built of: text, tiles, tables and charts in cards, all in one style.

Whatever comes from data is escaped here, where it becomes HTML.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import urlencode

import holoviews as hv
import pandas as pd
import panel as pn
import panel_material_ui as pmui
from bokeh.events import Tap

from nmc_utils import figures, findings, theme, wording
from nmc_utils.editions import DefinitionError
from nmc_utils.results import ResultsError

CSS = f"""
:host {{ max-height: none; font-family: Roboto, "Segoe UI", Arial, sans-serif; color: {theme.INK};
  font-size: 15px; line-height: 1.45; --accent: {theme.ACCENT}; --muted: {theme.MUTED};
  --line: {theme.GRID}; }}
h1 {{ font-size: 28px; line-height: 1.15; font-weight: 700; margin: 0 0 4px;
  letter-spacing: -.01em; }}
h2 {{ font-size: 17px; line-height: 1.3; font-weight: 700; margin: 0; }}
p {{ margin: 0; }}
h2.gap, p.gap {{ margin: 8px 0 6px; }}
.muted {{ color: var(--muted); }}
.small {{ font-size: 13px; }}
.lead {{ margin: 8px 0 0; padding: 0; list-style: none; }}
.lead li {{ font-size: 16px; padding: 9px 0; border-top: 1px solid var(--line); }}
.lead li:first-child {{ border-top: 0; }}
.tiles {{ display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); }}
.tile {{ background: #fff; border: 1px solid var(--line); border-top: 3px solid var(--accent);
  border-radius: 4px; padding: 14px 16px 12px; }}
.tile {{ display: grid; grid-template-rows: subgrid; grid-row: span 3; gap: 4px;
  align-content: start; }}
.tile:only-child {{ max-width: 340px; }}
.tile .name {{ font-size: 13px; color: var(--muted); }}
.tile .value {{ font-size: 30px; font-weight: 700; line-height: 1.15;
  font-variant-numeric: tabular-nums; white-space: nowrap; }}
.tile .value.words {{ font-size: 19px; line-height: 1.5; }}
.tile .note {{ font-size: 13px; color: var(--muted); }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; font-size: 14px; line-height: 1.35; }}
caption {{ text-align: left; font-weight: 700; font-size: 17px; padding: 0 0 8px; }}
th {{ text-align: left; vertical-align: bottom; font-weight: 400; color: var(--muted);
  font-size: 13px; border-bottom: 1px solid {theme.FAINT}; padding: 6px 12px 6px 0; }}
th.num {{ white-space: normal !important; }}
td {{ vertical-align: top; border-bottom: 1px solid var(--line); padding: 7px 12px 7px 0; }}
th.num, td.num {{ text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums lining-nums; }}
th:last-child, td:last-child {{ padding-right: 0; }}
td.id {{ font-family: "DejaVu Sans Mono", Consolas, monospace; font-size: 12.5px; }}
table.wide {{ min-width: 900px; font-size: 13.5px; }}
table.wide td {{ border-bottom: 0; }}
.sideways {{ display: none; }}
table.wide tr.first td {{ border-top: 1px solid var(--line); }}
table.matrix {{ min-width: 820px; }}
table.matrix th:first-child, table.matrix td:first-child {{ position: sticky; left: 0;
  background: #fff; border-left: 4px solid transparent; padding-left: 10px; }}
table.matrix tr.asked td:first-child {{ font-weight: 700;
  border-left-color: {theme.ATTAINMENT["not_attained"].colour}; }}
table.matrix tr.chosen td {{ background: #eef4f8; }}
table.matrix td span {{ white-space: nowrap; }}
table.matrix td .note {{ display: block; }}
a {{ color: var(--accent); }}
summary {{ cursor: pointer; color: var(--accent); padding: 8px 0; }}
ul.people {{ columns: 220px; list-style: none; margin: 8px 0 0; padding: 0;
  font: 12.5px/1.7 "DejaVu Sans Mono", Consolas, monospace; }}
dl {{ display: grid; grid-template-columns: minmax(140px, 220px) 1fr; gap: 6px 20px; margin: 0; }}
dt {{ color: var(--muted); font-size: 14px; }}
dd {{ margin: 0; font-size: 14px; }}
.note {{ font-size: 13px; color: var(--muted); }}
.demo {{ background: #fff4e0; color: #6b3d00; border-left: 4px solid {theme.CONTRAST};
  padding: 8px 14px; font-size: 14px; font-weight: 700; border-radius: 2px; }}
.reason {{ margin: 8px 0 0; font-size: 14.5px; max-width: 60em; }}
.swatch {{ display: inline-block; width: 11px; height: 11px; margin-right: 7px;
  border-radius: 2px; }}
.notice {{ background: #eef4f8; border-left: 4px solid var(--accent); padding: 8px 14px;
  border-radius: 2px; }}
.harm {{ border-top: 1px solid {theme.FAINT}; padding-top: 12px; font-weight: 700; }}
.foot {{ border-top: 1px solid {theme.FAINT}; padding: 10px 0 18px; font-size: 12.5px;
  color: var(--muted); }}
@media (max-width: 599px) {{
  h1 {{ font-size: 23px; }}
  .lead li {{ font-size: 15.5px; }}
  .tiles {{ grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 10px; }}
  .tile {{ padding: 10px 12px; }}
  .tile .value {{ font-size: 23px; }}
  th, td {{ padding-right: 8px; }}
  table:not(.wide) {{ font-size: 13px; }}
  table:not(.wide) td.num {{ white-space: normal; }}
  .tile:last-child:nth-child(odd) {{ grid-column: 1 / -1; }}
  .sideways {{ display: block; position: sticky; left: 0; }}
  table.letters {{ min-width: 640px; }}
  table.letters th, table.letters td {{ padding-right: 5px; }}
  table.stacked {{ min-width: 0; }}
  table.stacked thead {{ display: none; }}
  table.stacked tr {{ display: block; border-top: 1px solid {theme.FAINT}; padding: 7px 0; }}
  table.stacked td, table.stacked td.num {{ display: grid; text-align: left; padding: 2px 0;
    grid-template-columns: 116px 1fr; border: 0; gap: 8px; white-space: normal; }}
  table.stacked td::before {{ content: attr(data-label); color: var(--muted); }}
  table.matrix.stacked td > * {{ grid-column: 2; }}
  table.matrix.stacked td:first-child {{ position: static; padding-left: 8px; }}
  table.matrix.stacked td:first-child::before {{ content: none; }}
  table.matrix.stacked td:first-child > * {{ grid-column: 1 / -1; font-weight: 700; }}
  dl {{ grid-template-columns: 1fr; gap: 0; }}
  dd {{ margin-bottom: 8px; }}
}}
"""
#: Otherwise Bokeh holds everything to the height of the window and cards run into each other.
_TALL = {"max-height": "none"}
#: An invisible button of Column that would take a gap.
_NO_BUTTON = ".scroll-button { display: none }"
_PHONE = 320  #: pixels that a card of a narrow screen has for its picture
#: Shown on narrow screens only: no scroll bar stands there before somebody scrolls.
_SIDEWAYS = '<p class="note sideways">Шире экрана: сдвиньте вбок</p>'
_WHOLE_ROW = 1280  #: pixels, the greatest width of a page
_CARD = {
    "background": theme.PAPER,
    "border": f"1px solid {theme.GRID}",
    "border-radius": "4px",
    "padding": "16px clamp(12px, 1.4vw, 18px)",
    "box-sizing": "border-box",
    "min-width": "0",
    "align-self": "stretch",
    "height": "auto",
}


def column(*objects: object, gap: int = 20, **styles: str) -> pn.Column:
    """Things below one another, as high as they are."""
    styles = _TALL | {"gap": f"{gap}px"} | styles
    return pn.Column(
        *objects, sizing_mode="stretch_width", margin=0, styles=styles, stylesheets=[_NO_BUTTON]
    )


def block(html: str, **params: object) -> pn.pane.HTML:
    """HTML in the style of the app. What comes from data must be escaped before."""
    params = {"sizing_mode": "stretch_width", "margin": 0} | params
    return pn.pane.HTML(html, stylesheets=[CSS], **params)


def trouble(error: Exception, what: str = "Страница не построена") -> pn.pane.HTML:
    """Stand in for what could not be drawn; what nobody foresaw goes to the log in full."""
    words = str(error)
    if not isinstance(error, (DefinitionError, ResultsError, OSError)):
        logging.getLogger(__name__).error(what, exc_info=error)
        words = f"{what}: внутренняя ошибка записана в журнал. Остальные страницы работают."
    return block(f'<p class="notice" role="status">{escape(words)}</p>')


def heading(title: str, *lines: str) -> pn.pane.HTML:
    """Heading of a page with sentences below it."""
    text = "".join(f'<p class="muted">{escape(line)}</p>' for line in lines)
    return block(f"<h1>{escape(title)}</h1>{text}")


def tiles(entries: Iterable[tuple[str, str, str]]) -> pn.pane.HTML:
    """Tiles of (name, value, note): the note carries interval and n, or why there is no value."""

    def kind(value: str) -> str:
        return "value" if value.lstrip(f"+{wording.MINUS}")[:1].isdigit() else "value words"

    cells = "".join(
        f'<div class="tile"><div class="name">{escape(name)}</div>'
        f'<div class="{kind(value)}">{escape(value)}</div>'
        f'<div class="note">{escape(note)}</div></div>'
        for name, value, note in entries
    )
    return block(f'<div class="tiles">{cells}</div>')


def card(*objects: object, basis: int = 480, **styles: str) -> pn.Column:
    """A card with an even share of its row, of at least `basis` pixels where there is room."""
    flex = {"flex": f"1 1 min({basis}px, 100%)"}
    return column(*objects, gap=10, **(_CARD | flex | styles))


def missing(title: str, reason: str, *, subtitle: str = "") -> pn.Column:
    """A card that says why what belongs in it cannot be shown.

    It takes a whole row: beside a chart it would be empty for the most part.
    """
    below = f'<p class="muted small">{escape(subtitle)}</p>' if subtitle else ""
    words = f'<h2>{escape(title)}</h2>{below}<p class="reason">{escape(sentence(reason))}</p>'
    return card(block(words), basis=_WHOLE_ROW)


def not_in_run(edition: str) -> str:
    """Why a run has no such table: it is older than the table; and what to do about it."""
    return (
        f"в прогоне этой таблицы нет: он сделан раньше, чем её стали считать. "
        f"Выполните: nmc run {edition}"
    )


def of_rows(
    title: str,
    rows: pd.DataFrame | None,
    draw: Callable[[pd.DataFrame], pn.Column],
    *,
    edition: str,
    nothing: str,
) -> pn.Column:
    """What `draw` makes of rows of a table, or a card that says why it cannot.

    `rows` is None where the run of the edition has no such table; `nothing` is said where it has no
    such rows.
    """
    if rows is None:
        return missing(title, not_in_run(edition))
    return missing(title, nothing) if rows.empty else draw(rows)


def joined(*clauses: str) -> str:
    """Join what is not empty as a note has it: sentences without a full stop behind the last."""
    told = [clause for clause in clauses if clause]
    told = [clause.rstrip(".") for clause in told[:-1]] + told[-1:]
    return ". ".join(told[:1] + [findings.capital(clause) for clause in told[1:]])


def sentence(*clauses: str) -> str:
    """Join what is not empty into sentences, each with a capital and a full stop."""
    text = findings.capital(joined(*clauses))
    return text if text.endswith(".") or not text else f"{text}."


def row(*objects: object) -> pn.FlexBox:
    """Cards side by side, below one another where the screen is narrow."""
    return pn.FlexBox(
        *objects,
        flex_wrap="wrap",
        align_items="stretch",
        gap="16px",
        sizing_mode="stretch_width",
        styles=_TALL,
        margin=0,
    )


def stack(*cards: pn.Column, basis: int = 480) -> pn.Column:
    """Cards below one another that take the place of one in a row."""
    for entry in cards:
        entry.styles = entry.styles | {"flex": "0 0 auto"}
    cards[-1].styles = cards[-1].styles | {"flex": "1 0 auto"}
    filled = {"min-width": "0", "align-self": "stretch", "height": "auto"}
    return column(*cards, gap=16, flex=f"1 1 min({basis}px, 100%)", **filled)


def table(
    frame: pd.DataFrame,
    numeric: Sequence[str] = (),
    *,
    caption: str = "",
    ids: Iterable[str] = (),
    html: Sequence[str] = (),
    kind: str = "",
) -> str:
    """HTML of a table of text.

    `numeric` columns align right, `ids` are set in monospace, `html` columns are HTML already;
    `kind` is a class of tables in the style of the app.
    """
    kinds = {c: ' class="num"' if c in numeric else "" for c in frame}
    kinds |= {c: ' class="id"' for c in ids}
    labels = {c: f' data-label="{escape(str(c))}"' if kind else "" for c in frame}
    of_kind = f' class="{kind}"' if kind else ""

    def written(cell: object, column: str) -> str:
        return str(cell) if column in html else escape(str(cell))

    head = "".join(f'<th scope="col"{kinds[c]}>{escape(str(c))}</th>' for c in frame)
    body = "".join(
        "<tr>"
        + "".join(f"<td{kinds[c]}{labels[c]}>{written(row[c], c)}</td>" for c in frame)
        + "</tr>"
        for row in frame.to_dict("records")
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    name = caption or f"Таблица: {next(iter(frame), '')}"
    hint = _SIDEWAYS if "wide" in kind.split() else ""
    return scrolled(
        f"{hint}<table{of_kind}>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>",
        name,
    )


def scrolled(html: str, name: str) -> str:
    """Let a wide table scroll by itself, by keyboard too; `name` is what a screen reader says."""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(name)}">{html}</div>'
    )


def with_interval(row: Mapping[str, Any] | None) -> str:
    """Write «40,2 % (37,4–43,0 %)» of a row of a measure table, or why there is no number."""
    if row is None:
        return "—"
    bounds = wording.interval(row)
    return wording.with_note(row) + ("" if bounds == "—" else f" ({bounds})")


def readable(frame: pd.DataFrame, columns: Mapping[str, str], caption: str = "") -> str:
    """HTML of a measure table: `columns` maps a column to its Russian heading.

    Where numbers are missing and `note` says why, that is the last column; a note on a number that
    is there says something else.
    """
    columns = dict(columns)
    if "note" in frame and frame["note"].notna().any():
        of_gaps = frame.loc[frame["note"].notna(), "status"].ne("ok").all()
        columns["note"] = "Почему нет" if of_gaps else "Примечание"
    shown = wording.readable(frame, columns)
    return table(shown.frame, shown.numeric, caption=caption)


#: Rows of a list on a page; all of them stand in the workbook that `nmc check` writes.
MOST = 60


def listed(
    title: str, frame: pd.DataFrame, columns: Mapping[str, str], nothing: str, *, basis: int = 480
) -> pn.Column:
    """A card with a table, its first `MOST` rows; `nothing` says why there are none.

    `columns` maps a column to its Russian heading; those that `frame` has not are left out.
    """
    head = f"<h2>{escape(title)}</h2>"
    if frame.empty:
        text = f'<p class="muted">{escape(sentence(nothing))}</p>'
        return card(block(head + text), basis=basis)
    given = {name: heading for name, heading in columns.items() if name in frame}
    shown = wording.readable(frame.head(MOST).replace("", pd.NA), given)
    html = head + table(shown.frame, shown.numeric, kind="stacked")
    if len(frame) > MOST:
        count = wording.plural(len(frame), "строки", "строк", "строк")
        html += f'<p class="note">Показаны первые {MOST} из {count}; все — в problems.xlsx.</p>'
    return card(block(html), basis=basis)


def chart(
    figure: hv.Overlay,
    as_table: Callable[[], str],
    *,
    min_width: int = 320,
    on_tap: Callable[[float], None] | None = None,
    note: str = "",
    why: str = "",
    subtitle: str = "",
    **params: object,
) -> pn.Column:
    """A figure in a card under its finding, with a button that turns it into a table.

    `on_tap` is told the height in the figure at which somebody pressed it; `note` stands below the
    subtitle. Of a figure that has nothing to show the card says why: `why`, else the figure's own
    words. `subtitle` is put in place of the figure's own, where that speaks to researchers.
    """
    words = figures.heading(figure)
    words = words._replace(subtitle=subtitle or words.subtitle)
    if told := _instead_of_a_picture(figure):
        return missing(words.title, why or told, subtitle=note)
    pane = pn.pane.HoloViews(
        _named(_tappable(figure, on_tap), words).opts(show_title=False),
        sizing_mode="stretch_width",
        styles={"min-width": f"{min_width}px"},
        linked_axes=False,
        margin=0,
    )
    frame = column(pane, **{"overflow-x": "auto"})
    head = pn.FlexBox(
        block(
            _above(words, note, is_wide=min_width > _PHONE),
            styles={"flex": "1 1 250px", "min-width": "0"},
        ),
        _turning(frame, pane, as_table, words.title),
        gap="8px 12px",
        sizing_mode="stretch_width",
        styles=_TALL,
        margin=0,
    )
    # Two wide charts do not share a row that would cut off their right edge.
    return card(head, frame, **{"basis": max(480, min_width + 40)} | params)


def _above(words: theme.Heading, note: str, *, is_wide: bool) -> str:
    lines = [line for line in (words.subtitle, note) if line]
    small = "".join(f'<p class="muted small">{escape(line)}</p>' for line in lines)
    return f"<h2>{escape(words.title)}</h2>{small}{_SIDEWAYS if is_wide else ''}"


def _turning(
    frame: pn.Column, pane: pn.pane.HoloViews, as_table: Callable[[], str], title: str
) -> pmui.Button:
    """A button that puts the table into `frame` in place of the picture, and back."""
    button = pmui.Button(
        label=_AS_TABLE,
        description=f"{_AS_TABLE}: {title}",  # its name for a screen reader
        variant="outlined",
        size="small",
        margin=0,
        width=92,
    )

    def turn(_: object) -> None:
        to_table = button.label == _AS_TABLE
        frame[:] = [block(as_table())] if to_table else [pane]
        label = _AS_CHART if to_table else _AS_TABLE
        button.param.update(label=label, description=f"{label}: {title}")

    button.on_click(turn)
    return button


def _instead_of_a_picture(figure: hv.Overlay) -> str:
    """The words of a figure that consists of nothing else; empty where there is a picture."""
    layers = list(figure)
    if not all(isinstance(layer, hv.Labels) for layer in layers):
        return ""
    words = [text for layer in layers for text in layer.dimension_values("text")]
    return " ".join(" ".join(words).split())


def _named(figure: hv.Overlay, words: theme.Heading) -> hv.Overlay:
    """Say in words what the picture shows: a screen reader has nothing else of it."""
    hooks = hv.Store.lookup_options("bokeh", figure, "plot").kwargs["hooks"]
    label = sentence(words.title, words.subtitle, f"Числа — по кнопке «{_AS_TABLE}»")

    def name(plot: Any, _: object) -> None:
        plot.state.html_attributes = {"role": "img", "aria-label": label}

    return figure.opts(hooks=[*hooks, name])


def _tappable(figure: hv.Overlay, on_tap: Callable[[float], None] | None) -> hv.Overlay:
    if on_tap is None:
        return figure
    hooks = hv.Store.lookup_options("bokeh", figure, "plot").kwargs["hooks"]

    def listen(plot: object, _: object) -> None:
        plot.state.on_event(Tap, lambda event: on_tap(event.y))

    return figure.opts(hooks=[*hooks, listen])


_AS_TABLE, _AS_CHART = "Таблица", "График"


def choice(
    label: str,
    options: Mapping[str, str],
    value: str,
    *,
    width: int = 250,
    least: float = 0.5,
) -> pmui.Select:
    """A drop-down as wide as `width` where there is room; `options` maps words to codes.

    Below the part `least` of its width it goes to the next line, where its line is full.
    """
    return pmui.Select(
        label=label,
        options=dict(options),
        value=value,
        size="small",
        margin=0,
        sizing_mode="stretch_width",
        sx={"& .MuiSelect-select": {"fontSize": "14px"}},
        styles={"flex": f"{width} 1 {round(least * width)}px", "max-width": f"{width}px"},
    )


def tabs(names: Mapping[str, str], value: str, choose: Callable[[str], None]) -> pmui.TabMenu:
    """Tabs in a line, one of them open; `names` maps codes to words."""
    codes = list(names)
    menu = pmui.TabMenu(
        items=list(names.values()),
        active=codes.index(value),
        variant="scrollable",
        sizing_mode="stretch_width",
        sx={"& .MuiTab-root": {"minWidth": 0, "padding": "12px 9px"}},
    )

    def go(event: Any) -> None:
        if event.new is not None:
            choose(codes[event.new])

    menu.param.watch(go, "active")
    return menu


def bar(*widgets: pn.viewable.Viewable) -> pn.FlexBox:
    """Controls in a line that wraps."""
    return pn.FlexBox(
        *widgets,
        align_items="center",
        gap="12px",
        sizing_mode="stretch_width",
        styles=_TALL,
        margin=0,
    )


def later(draw: Callable[[], list[pn.viewable.Viewable]]) -> pn.Column:
    """Draw what lies below the first screen once that is on the screen."""
    place = column()

    def fill() -> None:
        try:
            place[:] = draw()
        except Exception as error:
            place[:] = [trouble(error, "Часть страницы не построена")]

    if pn.state.curdoc is None or pn.state.loaded:
        fill()
    else:
        pn.state.onload(fill)
    return place


def state(code: str, words: str) -> str:
    """A status as sign, colour and words."""
    mark = theme.ATTAINMENT[code]
    return signed(mark.sign, words, mark.colour)


def signed(sign: str, words: str, colour: str) -> str:
    """Words in a colour behind a sign, so that the colour is never alone."""
    return f'<span style="color:{colour};font-weight:700">{sign} {escape(words)}</span>'


def link(address: Mapping[str, str], words: str) -> str:
    """A link to a view of the app."""
    return f'<a href="?{escape(urlencode(address))}">{escape(words)}</a>'


def facts(lines: Mapping[str, str], html: Mapping[str, str] | None = None) -> str:
    """HTML of names and what is known of each; `html` comes after them and is HTML already."""
    told = {name: escape(text) for name, text in lines.items()} | dict(html or {})
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{v}</dd>" for k, v in told.items()) + "</dl>"
