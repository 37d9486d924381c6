"""The frame around the pages: heading, navigation, choice of edition, footer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from urllib.parse import parse_qsl, urlencode

import panel as pn
import panel_material_ui as pmui
from bokeh.themes import Theme

from dashboards import parts
from dashboards.choices import Choices
from dashboards.collecting import Collecting
from dashboards.pages import (
    about,
    collection,
    diagnostics,
    groups,
    indicators,
    overview,
    progress,
    regions,
    reliability,
    support,
)
from dashboards.store import PAGES, Published, State, published_editions
from nmc_utils import figures, theme, wording
from nmc_utils.editions import DefinitionError, Edition, data_root, edition_keys
from nmc_utils.results import ResultsError

TITLE = "Мониторинг профессиональных компетенций"
_VIEWS: dict[str, Callable[[State], pn.Column]] = {
    "overview": overview.view,
    "collection": collection.view,
    "diagnostics": diagnostics.view,
    "reliability": reliability.view,
    "groups": groups.view,
    "progress": progress.view,
    "support": support.view,
    "indicators": indicators.view,
    "regions": regions.view,
    "about": about.view,
}
_TEMPLATE = """{% extends "base.html" %}
{% block postamble %}{{ super() }}
<script>document.documentElement.lang = "ru"</script>{% endblock %}"""
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
        main = _without_results(error)
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
    _keep_in_address(state.restore, state.address, state, state.collecting)
    content = parts.column()
    banner = parts.column()
    footer = parts.column()

    def frame(*_: object) -> None:
        banner[:] = _banners(state)
        footer[:] = [parts.block(_footer(state))]

    def draw(*_: object) -> None:
        state.leave()
        state.collecting.leave()
        frame()
        content[:] = [_page(state)]

    draw()
    state.param.watch(draw, ["region", "period", "page"])
    state.collecting.param.watch(frame, "edition")
    shown = (_navigation(state), banner, content, footer)
    return [parts.column(*shown, gap=18, padding=_PADDING)]


_PADDING = "16px clamp(12px, 2.2vw, 28px) 0"


def _keep_in_address(
    restore: Callable[[Mapping[str, str]], object],
    address: Callable[[], dict[str, str]],
    *choices: Choices,
) -> None:
    """Take the choices from the address of the page, and write every change into it."""
    location = pn.state.location
    if location is None:
        return
    restore(dict(parse_qsl((location.search or "").lstrip("?"))))

    def write(*_: object) -> None:
        location.param.update(search="?" + urlencode(address()))

    for chosen in choices:
        names = [name for name in chosen.param if name not in ("name", "notice")]
        chosen.param.watch(write, names)
    write()


def _without_results(error: Exception) -> list[pn.viewable.Viewable]:
    """Say why there is nothing to show; what is being collected can be seen all the same."""
    words = f'<p class="notice">{parts.escape(str(error))}</p>'
    try:
        root = data_root()
        keys = edition_keys(root)
    except DefinitionError:
        keys = []
    if not keys:
        return [parts.block(words, margin=24)]
    choices = Collecting(root, lambda: keys[-1])
    _keep_in_address(choices.restore, choices.address, choices)
    mark = parts.column()
    shown: list[pn.viewable.Viewable] = [mark, parts.block(words)]
    try:
        shown.append(collection.page(choices, {}))
        choices.follow(lambda: _put(mark, _mark(choices.collected().edition)), "edition")
    except Exception as unforeseen:
        shown.append(parts.trouble(unforeseen))
    return [parts.column(*shown, gap=18, padding=_PADDING)]


def _put(place: pn.Column, objects: list[pn.viewable.Viewable]) -> None:
    place[:] = objects


def _mark(edition: Edition) -> list[pn.viewable.Viewable]:
    """The banner of a demonstration."""
    demo = parts.block(f'<p class="demo">{wording.DEMONSTRATION}</p>')
    return [demo] if edition.is_demonstration else []


def _page(state: State) -> pn.viewable.Viewable:
    try:
        return _VIEWS[state.page](state)
    except Exception as error:  # a page that cannot be drawn must not take the others with it
        return parts.trouble(error)


def _navigation(state: State) -> pn.FlexBox:
    tabs = parts.tabs(PAGES, state.page, lambda page: state.param.update(page=page))
    region = parts.choice("Регион", state.regions, state.region, width=230)
    period = parts.choice("Период", state.periods, state.period, width=130)

    def go_to_region(event) -> None:
        state.choose(event.new)
        period.param.update(options=state.periods, value=state.period)

    region.param.watch(go_to_region, "value")
    period.param.watch(lambda event: state.choose(state.region, event.new), "value")
    chosen = parts.bar(region, period)
    chosen.styles = {"flex": "1 1 330px", "max-width": "372px"}
    strip = parts.column(tabs, flex="1 1 min(1040px, 100%)", **{"min-width": "0"})
    return parts.bar(strip, chosen)


def _looked_at(state: State) -> Edition:
    """The edition that the page is about; one that is being collected need not be published."""
    if state.page == "collection":
        with suppress(ValueError, OSError):  # the page says why it cannot be read
            return state.collecting.collected().edition
    return state.current.edition


def _banners(state: State) -> list[pn.pane.HTML]:
    banners = _mark(_looked_at(state))
    if state.page != "collection":  # that page tells it as the folder stands now
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


def _footer(state: State) -> str:
    edition = _looked_at(state)
    run = next((now for now in state.editions if now.edition.key == edition.key), None)
    words = [str(edition), f"данные на {wording.day(edition.as_of)}"]
    words += [f"прогон {run.run}", _status(run)] if run else ["не опубликовано"]
    return f'<p class="foot">{parts.escape(" · ".join(words))}</p>'


def _status(now: Published) -> str:
    """Whether the run is approved; what is wrong with the record of approvals takes no page."""
    try:
        return about.status(now)
    except ResultsError as error:
        return str(error)
