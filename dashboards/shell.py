"""The frame around the pages: heading, navigation, choice of edition, footer."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

import panel as pn
import panel_material_ui as pmui
from bokeh.themes import Theme

from dashboards import parts
from dashboards.pages import diagnostics, groups, indicators, overview
from dashboards.store import FILTERS, PAGES, Published, State, published_editions
from nmc_utils import figures, wording
from nmc_utils.editions import DefinitionError
from nmc_utils.figures import theme
from nmc_utils.results import ResultsError

TITLE = "Мониторинг профессиональных компетенций"
_VIEWS: dict[str, Callable[[State], pn.Column]] = {
    "overview": overview.view,
    "diagnostics": diagnostics.view,
    "groups": groups.view,
    "indicators": indicators.view,
}
_TEMPLATE = """{% extends "base.html" %}
{% block postamble %}{{ super() }}
<script>document.documentElement.lang = "ru"</script>{% endblock %}"""
_STATUS = {"draft": "Проект"}
_OURS = ("Axis", "Figure", "Grid", "Title")


def application() -> pmui.Page:
    """Build the page of one session; a failure becomes a sentence on it."""
    pn.extension(
        loading_indicator=True,
        disconnect_notification="Связь с сервером прервана. Обновите страницу.",
    )
    figures.use("bokeh")
    try:
        main = _main(State(*published_editions()))
    except (DefinitionError, ResultsError, OSError) as error:
        main = [parts.block(f'<p class="notice">{parts.escape(str(error))}</p>', margin=24)]
    page = pmui.Page(
        title=TITLE,
        main=main,
        main_width=1280,
        theme_toggle=False,
        sx={
            "& main": {"backgroundColor": "#f4f6f8"},
            "& header .MuiTypography-root": {"fontSize": {"xs": "1.05rem", "sm": "1.35rem"}},
        },
        template=_TEMPLATE,
        theme_config={
            "palette": {"primary": {"main": theme.ACCENT}, "background": {"default": "#f5f7f8"}},
            "typography": {"button": {"textTransform": "none"}},
        },
    )
    # Otherwise Page repaints axes, titles and grids of our figures in its own style. It takes their
    # names from the document's theme, or from here where a figure has set the theme to Page's own.
    page._custom_theme = list(_OURS)
    if pn.state.curdoc is not None:
        pn.state.curdoc.theme = Theme(json={"attrs": {name: {} for name in _OURS}})
    return page


def _main(state: State) -> list[pn.viewable.Viewable]:
    location = pn.state.location
    if location is not None:
        state.restore(dict(parse_qsl((location.search or "").lstrip("?"))))
        state.param.watch(
            lambda *_: location.param.update(search="?" + urlencode(state.address())),
            ["region", "period", "page", *FILTERS],
        )
        location.search = "?" + urlencode(state.address())
    content = parts.column()
    banner = parts.column()
    footer = parts.column()

    def draw(*_: object) -> None:
        state.leave()
        banner[:] = _banners(state)
        content[:] = [_page(state)]
        footer[:] = [parts.block(_footer(state.current))]

    draw()
    state.param.watch(draw, ["region", "period", "page"])
    shown = (_navigation(state), banner, content, footer)
    return [parts.column(*shown, gap=18, padding="16px clamp(12px, 2.2vw, 28px) 0")]


def _page(state: State) -> pn.viewable.Viewable:
    try:
        return _VIEWS[state.page](state)
    except Exception as error:  # a page that cannot be drawn must not take the others with it
        return parts.trouble(error)


def _navigation(state: State) -> pn.FlexBox:
    tabs = pmui.TabMenu(
        items=list(PAGES.values()),
        active=list(PAGES).index(state.page),
        variant="scrollable",
        sizing_mode="stretch_width",
    )
    region = parts.choice("Регион", state.regions, state.region, width=260)
    period = parts.choice("Период", state.periods, state.period, width=170)

    def go_to_page(event) -> None:
        if event.new is not None:
            state.page = list(PAGES)[event.new]

    def go_to_region(event) -> None:
        state.choose(event.new)
        period.param.update(options=state.periods, value=state.period)

    tabs.param.watch(go_to_page, "active")
    region.param.watch(go_to_region, "value")
    period.param.watch(lambda event: state.choose(state.region, event.new), "value")
    chosen = parts.bar(region, period)
    chosen.styles = {"flex": "1 1 330px", "max-width": "440px"}
    strip = parts.column(tabs, flex="1 1 340px", **{"min-width": "0"})
    return parts.bar(strip, chosen)


def _banners(state: State) -> list[pn.pane.HTML]:
    banners = []
    if state.current.edition.is_demonstration:
        banners.append(parts.block(f'<p class="demo">{wording.DEMONSTRATION}</p>'))
    banners += _incomplete(state.current)
    if state.notice:
        text = parts.escape(state.notice)
        banners.append(parts.block(f'<p class="notice" role="status">{text}</p>'))
    return banners


def _incomplete(now: Published) -> list[pn.pane.HTML]:
    """Who has not reported; where that cannot be read, the page says why."""
    try:
        part, silent = now.incomplete, ", ".join(now.silent)
    except (ValueError, OSError):
        return []
    if not part:
        return []
    named = f", нет: {silent}" if silent else ""
    text = f"{part}{named}. Итоги по записям неполные; опубликованные факты — по всему региону."
    return [parts.block(f'<p class="notice gaps" role="note">{parts.escape(text)}</p>')]


def _footer(now: Published) -> str:
    edition = now.edition
    words = [
        str(edition),
        f"данные на {wording.day(edition.as_of)}",
        f"прогон {now.run}",
        _STATUS.get(edition.status, edition.status),
    ]
    return f'<p class="foot">{parts.escape(" · ".join(words))}</p>'
