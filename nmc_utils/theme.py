"""How figures look: colours, fonts, axes and titles, once for both HoloViews backends.

`figures` says what to draw in terms of `dots`, `boxes`, `lines` and `texts` on plain axes
(`Frame`); only here is it known what Bokeh and matplotlib call things.
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import holoviews as hv
import pandas as pd

from nmc_utils import wording

INK, MUTED, FAINT, GRID, PAPER = "#1c2833", "#5b6873", "#b9c2c9", "#e4e8eb", "#ffffff"
ACCENT, ACCENT_SOFT, CONTRAST = "#0b6386", "#9fc6d6", "#b3591c"
#: Shares, from none to all.
SEQUENTIAL = ["#f1f6f9", "#d5e5ed", "#aecddb", "#7fb0c6", "#4a8fad", "#1f7193", "#0b5676"]


class Mark(NamedTuple):
    """How a status looks: the sign stands beside the colour, so that colour is never alone."""

    sign: str
    word: str
    colour: str


ATTAINMENT: dict[str, Mark] = {
    "attained": Mark("✓", "достигнут", "#00735c"),
    "not_attained": Mark("×", "не достигнут", "#b3401c"),
    "not_due": Mark("○", "срок не наступил", "#3f6fae"),
    "depends": Mark("≠", "зависит от варианта", "#8a5a00"),
    "no_target": Mark("–", "план не установлен", MUTED),
    "no_data": Mark("?", "нет данных", MUTED),
    "not_applicable": Mark("∅", "неприменим", MUTED),
}


class Heading(NamedTuple):
    """The finding of a figure and what stands below it."""

    title: str
    subtitle: str


#: What stands under every static picture, e.g. that its data are simulated; set by `use`.
_mark = ""


def use(backend: Literal["matplotlib", "bokeh"], mark: str = "") -> None:
    """Load one HoloViews backend, and only that, and give it the theme.

    With matplotlib a figure shows itself in a notebook as a PNG and nothing else: no script enters
    the notebook. `mark` stands under every picture; in the app the page says it.
    """
    global _mark
    if backend not in ("matplotlib", "bokeh"):
        raise ValueError(f"backend «{backend}»; allowed: matplotlib, bokeh")
    _mark = mark
    if backend == "bokeh":
        hv.extension("bokeh", logo=False)
        return
    import holoviews.plotting.mpl  # noqa: F401  registers the backend
    import matplotlib as mpl

    hv.Store.set_current_backend("matplotlib")
    hv.Store.set_display_hook("png", hv.Overlay, _as_png)
    mpl.rcParams.update(
        {
            "font.family": "DejaVu Sans",
            "figure.dpi": _DPI,
            "text.hinting": "none",  # it takes a quarter of a picture's time and betters no letter
            "svg.hashsalt": "nmc",
            "axes.unicode_minus": True,
        }
    )


def _as_png(figure: hv.Overlay) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Draw once, on as much paper as the drawing needs, with few colours: small and quick.

    The theme has a dozen colours; 128 keep their edges within 3 of 255 in a third of the bytes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    drawn = hv.Store.renderers["matplotlib"].instance().get_plot(figure).state
    canvas = FigureCanvasAgg(drawn)
    paper = drawn.get_tightbbox(canvas.get_renderer()).padded(_MARGIN)
    large, small = io.BytesIO(), io.BytesIO()
    canvas.print_figure(large, bbox_inches=paper, format="png", pil_kwargs={"compress_level": 0})
    picture = Image.open(large).convert("RGB")
    few = picture.quantize(128, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(small, "png")
    return {"image/png": small.getvalue()}, {}


def heading(figure: hv.Overlay) -> Heading:
    """Return the title and the subtitle of a figure made here."""
    title, _, subtitle = figure.label.partition("\n")
    return Heading(title, subtitle)


# --- theme --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Frame:
    """Axes of a figure in terms both backends share; ticks are (position, text)."""

    xlim: tuple[float, float]
    ylim: tuple[float, float]
    xticks: Sequence[tuple[float, str]] = ()
    yticks: Sequence[tuple[float, str]] = ()
    xlabel: str = ""
    ylabel: str = ""
    height: int = 320
    grid: Literal["x", "y", ""] = "x"
    top: bool = False
    right: Sequence[Column] = field(default_factory=tuple)


@dataclass(frozen=True)
class Column:
    """Texts to the right of a plot, one per row; sizes in screen points, not in data units.

    Numbers end evenly (see `column`), words begin evenly.
    """

    texts: Sequence[tuple[float, str]]
    width: int
    colour: str = INK
    bold: bool = False
    is_words: bool = False


def _styled(element: Any, bokeh: dict[str, Any], matplotlib: dict[str, Any]) -> Any:
    """Give `element` its options on the backends that are loaded."""
    for backend, options in (("bokeh", bokeh), ("matplotlib", matplotlib)):
        if backend in hv.Store.renderers:
            element = element.opts(**options, backend=backend)
    return element


_BARE = {"default_tools": [], "tools": [], "active_tools": []}
_HINT = (
    '<div style="font:13px Roboto,sans-serif;max-width:280px;padding:2px 4px">'
    "<b>@name</b><br>@hint</div>"
)
_HOVER = {**_BARE, "tools": ["hover"], "hover_tooltips": _HINT}


def dots(frame: pd.DataFrame, colour: str, *, size: int = 10, is_open: bool = False) -> hv.Points:
    """Points at x, y, filled or only outlined; hovering tells `name` and `hint`."""
    fill, edge, width = (PAPER, colour, 2.0) if is_open else (colour, PAPER, 1.0)
    return _styled(
        hv.Points(frame, ["x", "y"], ["name", "hint"]),
        {"size": size, "fill_color": fill, "line_color": edge, "line_width": width, **_HOVER},
        {"s": 0.55 * size**2, "facecolors": fill, "edgecolors": edge, "linewidth": 0.8 * width},
    )


def boxes(frame: pd.DataFrame, *, width: float = 1.0) -> hv.Rectangles:
    """Rectangles x0, y0, x1, y1 in the colour `fill` with gaps; hovering tells `hint`."""
    return _styled(
        hv.Rectangles(frame, ["x0", "y0", "x1", "y1"], ["name", "hint", "fill"]),
        {"fill_color": "fill", "line_color": PAPER, "line_width": width, **_HOVER},
        {"facecolor": "fill", "edgecolor": PAPER, "linewidth": width},
    )


def lines(frame: pd.DataFrame, colour: str, width: float) -> hv.Segments:
    """Straight lines from x0, y0 to x1, y1; `width` in screen pixels."""
    return _styled(
        hv.Segments(frame, ["x0", "y0", "x1", "y1"], []),
        {"line_color": colour, "line_width": width, **_BARE},
        {"color": colour, "linewidth": 0.75 * width},
    )


def texts(
    rows: pd.DataFrame,
    colour: str = INK,
    *,
    size: float = 12,
    align: Literal["left", "center", "right"] = "center",
    base: Literal["top", "middle", "bottom"] = "middle",
    bold: bool = False,
) -> hv.Labels:
    """Texts at x, y; `size` in screen pixels."""
    style = "bold" if bold else "normal"
    return _styled(
        hv.Labels(rows, ["x", "y"], "text"),
        {
            "text_color": colour,
            "text_font_size": f"{size}px",
            "text_font_style": style,
            "text_align": align,
            "text_baseline": base,
            **_BARE,
        },
        {
            "color": colour,
            "size": 0.75 * size,
            "horizontalalignment": align,
            "verticalalignment": "center" if base == "middle" else base,
            "weight": style,
        },
    )


_FONT = "Roboto, Arial, sans-serif"


_WIDTH = 8.4  #: inches of a static picture
_MARGIN = 0.1  #: inches of paper around it
_DPI = 110
CLOSE = 8  #: columns of a heat map from which on a cell has no room for words


def compose(layers: list[Any], frame: Frame, title: str, subtitle: str) -> hv.Overlay:
    """Overlay `layers` in the theme; the only place where axes and titles get their looks."""
    overlay = hv.Overlay([layer for layer in layers if len(layer)])
    overlay = overlay.relabel(label=f"{title}\n{subtitle}")
    shared = {
        "xlim": frame.xlim,
        "ylim": frame.ylim,
        "xticks": list(frame.xticks) or None,
        "yticks": list(frame.yticks) or None,
        "xlabel": frame.xlabel,
        "ylabel": frame.ylabel,
        "show_legend": False,
        "show_grid": False,
        "xaxis": ("top" if frame.top else "bottom") if frame.xticks else None,
        "yaxis": "left" if frame.yticks else None,
    }
    wrapped = textwrap.fill(title, 84) + ("\n" + textwrap.fill(subtitle, 110) if subtitle else "")
    bokeh = {
        "title": wrapped,
        "responsive": True,
        "height": frame.height,
        "toolbar": None,
        "default_tools": [],
        "hooks": [_bokeh_hook(frame)],
    }
    matplotlib = {
        "title": "",
        "fig_inches": (_WIDTH, max(frame.height / 88, 1.2)),
        "hooks": [_matplotlib_hook(frame, title, subtitle)],
    }
    return _styled(overlay, shared | bokeh, shared | matplotlib)


def _bokeh_hook(frame: Frame) -> Callable[[Any, Any], None]:
    from bokeh.models import HoverTool

    def finish(plot: Any, element: Any) -> None:
        figure = plot.state
        figure.outline_line_color = None
        figure.background_fill_color = figure.border_fill_color = PAPER
        figure.min_border_right, figure.min_border_top = 12, 4
        figure.title.text_font, figure.title.text_color = _FONT, INK
        figure.title.text_font_size = "15px"
        for axis in (*figure.xaxis, *figure.yaxis):
            axis.axis_line_color = axis.minor_tick_line_color = axis.major_tick_line_color = None
            axis.major_label_text_font = axis.axis_label_text_font = _FONT
            axis.major_label_text_font_size = axis.axis_label_text_font_size = "12px"
            axis.axis_label_text_font_style = "normal"
            axis.major_label_text_color, axis.axis_label_text_color = INK, MUTED
        figure.xaxis.major_label_text_color = INK if frame.top else MUTED
        for grid, wanted in ((figure.xgrid, "x"), (figure.ygrid, "y")):
            grid.grid_line_color = GRID if frame.grid == wanted else None
        for renderer in figure.renderers:
            if hasattr(renderer.glyph, "text_font"):
                renderer.glyph.text_font = {"value": _FONT}
        for tool in figure.select({"type": HoverTool}):
            tool.renderers = [r for r in figure.renderers if "hint" in r.data_source.data]
        for column in frame.right:
            figure.add_layout(_bokeh_column(column), "right")

    return finish


def _bokeh_column(column: Column) -> Any:
    from bokeh.models import FixedTicker, LinearAxis

    return LinearAxis(
        ticker=FixedTicker(ticks=[position for position, _ in column.texts]),
        major_label_overrides=dict(column.texts),
        axis_line_color=None,
        major_tick_line_color=None,
        minor_tick_line_color=None,
        major_label_text_font=_FONT,
        major_label_text_font_size="12px",
        major_label_text_font_style="bold" if column.bold else "normal",
        major_label_text_color=column.colour,
        major_label_standoff=4,
    )


def _matplotlib_hook(frame: Frame, title: str, subtitle: str) -> Callable[[Any, Any], None]:
    def finish(plot: Any, element: Any) -> None:
        axes = plot.handles["axis"]
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.tick_params(length=0, labelsize=9, colors=INK)
        axes.tick_params(axis="x", colors=INK if frame.top else MUTED)
        for label in (axes.xaxis.label, axes.yaxis.label):
            label.set(color=MUTED, fontsize=9)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_zorder(-1)
        if frame.grid:
            axes.grid(True, axis=frame.grid, color=GRID, linewidth=0.8)
        _matplotlib_columns(axes, frame.right)
        bottom, top = _fill_width(axes)
        _matplotlib_title(axes, title, subtitle, top)
        _matplotlib_mark(axes, _mark, bottom)

    return finish


def _matplotlib_columns(axes: Any, columns: Sequence[Column]) -> None:
    edge = 0.0
    for column in columns:
        start, edge = edge + 10, edge + column.width
        for position, text in column.texts:
            axes.annotate(
                text,
                xy=(1, position),
                xycoords=("axes fraction", "data"),
                xytext=(0.72 * (start if column.is_words else edge), 0),
                textcoords="offset points",
                ha="left" if column.is_words else "right",
                va="center",
                fontsize=9,
                color=column.colour,
                weight="bold" if column.bold else "normal",
                annotation_clip=False,
            )


def _fill_width(axes: Any) -> tuple[float, float]:
    """Stretch the plot, so that with its row labels and columns it is as wide as the picture.

    Returns its lower and its upper edge with all labels, in heights of the plot.
    """
    axes.set_aspect("auto")
    axes.set_position([0, 0, 1, 1])
    figure = axes.figure
    box = axes.get_tightbbox(figure.canvas.get_renderer())
    left, right = -box.x0 / figure.bbox.width, box.x1 / figure.bbox.width - 1
    axes.set_position([left, 0, 1 - left - right, 1])
    return box.y0 / figure.bbox.height, box.y1 / figure.bbox.height


def _matplotlib_title(axes: Any, title: str, subtitle: str, top: float) -> None:
    """Write title and subtitle above everything, from the left edge of the picture."""
    place = {"xy": (0, top), "xycoords": ("figure fraction", "axes fraction")}
    place |= {"textcoords": "offset points", "va": "bottom", "annotation_clip": False}
    lines = textwrap.wrap(subtitle, 116)
    axes.annotate("\n".join(lines), xytext=(0, 9), fontsize=9, color=MUTED, **place)
    axes.annotate(
        textwrap.fill(title, 80, break_long_words=False),
        xytext=(0, 16 + 12 * len(lines)),
        fontsize=12,
        weight="bold",
        color=INK,
        **place,
    )


def _matplotlib_mark(axes: Any, mark: str, bottom: float) -> None:
    """Write `mark` below everything, from the left edge of the picture."""
    axes.annotate(
        mark,
        xy=(0, bottom),
        xycoords=("figure fraction", "axes fraction"),
        xytext=(0, -8),
        textcoords="offset points",
        va="top",
        fontsize=8,
        color=CONTRAST,
        annotation_clip=False,
    )


def reason(text: str, title: str, subtitle: str = "") -> hv.Overlay:
    """Say why there is nothing to draw, in place of an empty chart."""
    words = pd.DataFrame({"x": [0.5], "y": [0.5], "text": [textwrap.fill(text, 52)]})
    frame = Frame((0, 1), (0, 1), height=140, grid="")
    return compose([texts(words, MUTED, size=14)], frame, title, subtitle)


def wrapped(text: str, width: int) -> str:
    """Break `text` into lines of at most `width` characters, between words."""
    return "\n".join(textwrap.wrap(text, width, break_long_words=False))


def sequential(value: float) -> tuple[str, str]:
    """Colour of a share 0–1 and the colour of a text that can be read on it."""
    place = min(int(value * len(SEQUENTIAL)), len(SEQUENTIAL) - 1)
    return SEQUENTIAL[place], PAPER if place >= 4 else INK


def ticks(limit: float) -> list[tuple[float, str]]:
    """Round ticks from 0 to `limit`, written in Russian."""
    round_steps = (m * 10.0**power for power in range(-1, 9) for m in (1, 2, 5))
    step = next(s for s in round_steps if s >= 0.5 and limit / s <= 6)
    places = [step * i for i in range(math.floor(limit / step + 1e-9) + 1)]
    return [(place, wording.number(place, int(step < 1))) for place in places]


def column(texts: Sequence[tuple[float, str]], width: int, colour: str, bold: bool) -> Column:
    """Pad with figure spaces, so that a left-aligned column ends evenly."""
    longest = max((len(text) for _, text in texts), default=0)
    return Column([(y, text.rjust(longest, "\u2007")) for y, text in texts], width, colour, bold)


def reference_line(value: tuple[float, str] | None, bottom: float) -> list[Any]:
    """Vertical line at a value with its words above it; nothing where there is no value."""
    if value is None:
        return []
    at, words = value
    line = pd.DataFrame({"x0": [at], "y0": [bottom], "x1": [at], "y1": [0.6]})
    label = pd.DataFrame({"x": [at], "y": [0.66], "text": [words]})
    return [
        lines(line, CONTRAST, 1.5),
        texts(label, CONTRAST, base="bottom", bold=True),
    ]


def heat(
    cells: pd.DataFrame,
    *,
    title: str,
    subtitle: str,
    rows: Mapping[str, str],
    columns: Mapping[str, str],
) -> hv.Overlay:
    """Coloured cells with a text and, where cells have a `note`, that below it."""
    x, y = cells["x"], cells["y"]
    squares = cells.assign(x0=x - 0.5, x1=x + 0.5, y0=y - 0.5, y1=y + 0.5)
    two_lines = "note" in cells
    layers: list[Any] = [boxes(squares, width=2)]
    for ink, part in cells.groupby("ink", sort=True):
        raised = part.assign(y=part["y"] + 0.17 * two_lines)
        layers.append(texts(raised, ink, size=13, bold=True))
        if two_lines:
            notes = part.assign(y=part["y"] - 0.22, text=part["note"])
            layers.append(texts(notes, ink, size=11))
    frame = Frame(
        (-0.5, len(columns) - 0.5),
        (0.5 - len(rows), 0.5),
        xticks=list(enumerate(_headings(columns.values()))),
        yticks=[(-place, wrapped(name, 26)) for place, name in enumerate(rows.values())],
        height=(40 if two_lines else 27) * len(rows) + 50,
        grid="",
        top=True,
    )
    return compose(layers, frame, title, subtitle)


def _headings(names: Iterable[str]) -> list[str]:
    """Names of columns; where many stand close, every second one stands above its neighbours."""
    lines = [wrapped(name, 15) for name in names]
    if len(lines) < CLOSE:
        return lines
    return [name + "\n\n" * (place % 2) for place, name in enumerate(lines)]


def spans(rows: pd.DataFrame) -> pd.DataFrame:
    """Intervals of rows as segments; rows without one are left out."""
    segments = rows.assign(x0=rows["low"], x1=rows["high"], y0=rows["y"], y1=rows["y"])
    return segments.dropna(subset=["x0", "x1"])


def dot_plot(
    rows: pd.DataFrame,
    *,
    right: Sequence[Column],
    title: str,
    subtitle: str,
    xlabel: str,
    reference: tuple[float, str] | None = None,
    emphasised: str | None = None,
    beside: pd.DataFrame | None = None,
    row_height: int = 31,
) -> hv.Overlay:
    """Dots at `x` with intervals from `low` to `high`, one row each at `y`, named by `name`.

    Where `status` is not «ok», `hint` stands in place of the dot. `emphasised` is the `code` of
    the row that alone keeps the accent. `beside` are second values, small and only outlined.
    """
    known = rows[rows["status"] == "ok"]
    second = known[:0] if beside is None else beside
    furthest = max(known["high"].fillna(known["x"]).max(), second["x"].max() if len(second) else 0)
    limit = min(100.0, 5 * math.ceil(furthest / 5 + 0.2))
    strong = known["code"].eq(emphasised) | (emphasised not in set(known["code"]))
    absent = rows[rows["status"] != "ok"].assign(x=0.01 * limit)
    bottom = rows["y"].min() - 0.6
    layers = [
        *reference_line(reference, bottom),
        lines(spans(known[~strong]), FAINT, 5),
        lines(spans(known[strong]), ACCENT_SOFT, 5),
        dots(known[~strong], MUTED),
        dots(known[strong], ACCENT),
        dots(second, INK, size=6, is_open=True),
        texts(absent.assign(text=absent["hint"]), MUTED, align="left"),
    ]
    top = 1.3 if reference else 0.6
    frame = Frame(
        xlim=(-0.02 * limit, 1.02 * limit),
        ylim=(bottom, top),
        xticks=ticks(limit),
        yticks=[(y, wrapped(n, 20)) for y, n in zip(rows["y"], rows["name"], strict=True)],
        xlabel=xlabel,
        height=round(row_height * (top - bottom) + 52),
        right=right,
    )
    return compose(layers, frame, title, subtitle)
