"""The tables on support of a demonstration edition: those that its sizes name, in one place."""

from __future__ import annotations

import pandas as pd

from nmc_utils.demo.diagnostics import Sitting
from nmc_utils.demo.events import draw_attendance, draw_events
from nmc_utils.demo.governance import (
    draw_acts,
    draw_agreements,
    draw_recommendations,
    draw_registries,
    draw_roadmap,
)
from nmc_utils.demo.learning import draw_completions, draw_programmes, draw_teams
from nmc_utils.demo.people import Setting
from nmc_utils.demo.routes import draw_routes
from nmc_utils.demo.scene import Scene
from nmc_utils.demo.support import draw_mentoring, draw_support

_NOBODY = pd.DataFrame({"who": pd.Series(dtype=int), "role": pd.Series(dtype=str)})


def draw_further(
    setting: Setting, records: dict[str, pd.DataFrame], entry: Sitting
) -> dict[str, pd.DataFrame]:
    """Return the tables on support that are sent; `records` are those of `draw_records`."""
    scene = Scene(
        setting,
        records["organizations"],
        records["employment"],
        records.get("methodists", _NOBODY),
        entry,
    )
    return _of_people(scene) | _of_learning(scene) | _of_centre(scene)


def _of_people(scene: Scene) -> dict[str, pd.DataFrame]:
    """Return routes, events and attendance, mentoring and support."""
    size = scene.size
    tables: dict[str, pd.DataFrame] = {}
    events = draw_events(scene) if size.events or size.series else None
    came = None
    if size.routes:
        tables["routes"], tables["route_measures"], came = draw_routes(scene, events)
    if events is not None:
        tables["events"], attendance = draw_attendance(scene, events, came)
        if len(attendance):
            tables["attendance"] = attendance
    if size.mentoring:
        tables["mentoring"] = draw_mentoring(scene)
    if size.young:
        tables["support"] = draw_support(scene, size.young)
    return tables


def _of_learning(scene: Scene) -> dict[str, pd.DataFrame]:
    size = scene.size
    tables: dict[str, pd.DataFrame] = {}
    if size.programmes:
        tables["programmes"] = draw_programmes(scene)
    if size.completions:
        tables["completions"] = draw_completions(scene, tables["programmes"])
    if size.teams is not None:
        tables["teams"] = draw_teams(scene, tables.get("programmes"))
    return tables


def _of_centre(scene: Scene) -> dict[str, pd.DataFrame]:
    size, setting = scene.size, scene.setting
    tables: dict[str, pd.DataFrame] = {}
    if size.agreements:
        tables["agreements"] = draw_agreements(scene)
    if size.acts:
        tables["acts"] = draw_acts(scene)
    if size.registries:
        tables["registries"] = draw_registries(scene)
    if size.roadmap and setting.roadmap:
        tables["roadmap"] = draw_roadmap(scene, setting.roadmap)
    if size.recommendations:
        tables["recommendations"] = draw_recommendations(scene)
    return tables
