"""Filters above a page: drop-downs that show the choices of the session and change them."""

from __future__ import annotations

import panel as pn

from dashboards import parts
from dashboards.store import State
from nmc_utils import findings
from nmc_utils.regions import Level
from nmc_utils.terms import TOTAL, WAVES, WORST


def filters(state: State, *names: str) -> pn.FlexBox:
    """Drop-downs of these filters; that of the procedure only where there are several."""
    offered = _offered(state)
    if len(state.current.procedures) < 2:
        del offered["procedure"]
    widgets = {
        name: parts.choice(label, _swap(options), state.shown(name), width=width, least=0.84)
        for name, (label, options, width) in offered.items()
        if name in names
    }
    for name, widget in widgets.items():
        widget.param.watch(lambda event, n=name: state.select(n, event.new), "value")

    def show() -> None:
        for name, widget in widgets.items():
            if name == "wave":
                widget.options = _swap(_waves(state))
            widget.value = state.shown(name)

    state.follow(show, *widgets)
    return parts.bar(*widgets.values())


def measured_domain(state: State) -> str:
    """The competence that a page on error and change shows: the whole test for the lowest one."""
    return findings.measured_domain(state.current.region, state.shown("domain"))


def about_worst(state: State) -> list[pn.pane.HTML]:
    """Say so where the whole test stands for a person's lowest competence."""
    if state.shown("domain") != WORST:
        return []
    text = (
        "Показан весь тест: низшая из компетенций у каждого своя и каждый раз может быть другой, "
        "её погрешность и изменение здесь не показаны"
    )
    return [parts.block(f'<p class="muted">{parts.sentence(text)}</p>')]


def level_words(entries: tuple[Level, ...]) -> dict[str, str]:
    """Code of a level → its words, as a drop-down has them."""
    return {level.code: findings.capital(level.label) for level in entries}


def _offered(state: State) -> dict[str, tuple[str, dict[str, str], int]]:
    """Filter → its label, code → words of each value, and its width."""
    now, region = state.current, state.current.region
    return {
        "procedure": ("Процедура", now.procedures, 280),
        "domain": ("Компетенция", region.domain_names, 190),
        "municipality": ("Муниципалитет", {TOTAL: "Весь регион"} | region.municipality_names, 190),
        "level": ("Уровень", level_words(region.diagnostics.levels), 480),
        "wave": ("Этап", _waves(state), 130),
    }


def _waves(state: State) -> dict[str, str]:
    waves = state.current.waves(state.procedure)
    return {wave: WAVES[wave].capitalize() for wave in waves}


def _swap(names: dict[str, str]) -> dict[str, str]:
    return {name: code for code, name in names.items()}
