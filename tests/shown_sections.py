"""A section of the page on support drawn from tables that no run has published."""

from collections.abc import Callable

import pandas as pd
import panel as pn

from dashboards.store import Published, State
from nmc_utils.editions import Edition


class _Run(dict):
    manifest: dict = {}


def shown(
    section: Callable[[State], pn.Column],
    edition: Edition,
    tables: dict[str, pd.DataFrame],
    **choices: str,
) -> str:
    """Return all HTML of a section, with these filters chosen."""
    published = Published(edition, "none")
    published.__dict__["_results"] = _Run(tables)
    state = State([published])
    state.param.update(**choices)
    return " ".join(pane.object for pane in section(state).select(pn.pane.HTML))
