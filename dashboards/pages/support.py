"""Сопровождение: methodists, routes, mentoring, programmes, events, roadmap, who does what."""

from __future__ import annotations

import panel as pn

from dashboards import parts
from dashboards.filters import filters
from dashboards.sections import (
    events,
    mentoring,
    methodists,
    programmes,
    roadmap,
    routes,
    subjects,
)
from dashboards.store import SECTIONS, State
from nmc_utils.terms import TOTAL

_ABOUT = (
    "Что сделано для педагогов и как устроена система: по записям издания, рядом — что "
    "опубликовали документы. По этим сведениям планируют помощь; о педагогах, методистах и школах "
    "по ним не судят."
)
_SECTIONS = {
    "methodists": methodists.section,
    "routes": routes.section,
    "mentoring": mentoring.section,
    "programmes": programmes.section,
    "events": events.section,
    "roadmap": roadmap.section,
    "subjects": subjects.section,
}
#: Sections that no municipality changes.
_OF_REGION = ("roadmap", "subjects")


def view(state: State) -> pn.Column:
    """One section at a time; the address carries which.

    A section that was seen is kept for the municipality it was drawn for; one that is not on the
    screen is drawn anew only when it comes there.
    """
    seen: dict[str, tuple[str, pn.viewable.Viewable]] = {}
    body = parts.column()
    tabs = parts.tabs(SECTIONS, state.shown("section"), lambda name: state.select("section", name))
    bar = filters(state, "municipality")

    def draw() -> None:
        name = state.shown("section")
        place = TOTAL if name in _OF_REGION else state.municipality
        if name not in seen or seen[name][0] != place:
            seen[name] = (place, _SECTIONS[name](state))
        tabs.active = list(SECTIONS).index(name)
        shown = seen[name][1]
        body[:] = [shown] if name in _OF_REGION else [bar, shown]

    state.follow(draw, "section", "municipality")
    return parts.column(parts.heading("Сопровождение", _ABOUT), tabs, body)
