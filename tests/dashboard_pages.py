"""What the tests of the app share: its pages as text, and the editions they open."""

from __future__ import annotations

from html.parser import HTMLParser

import pandas as pd
import panel as pn
import pytest

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
from dashboards.store import Published, State, published_editions
from nmc_utils import figures

#: Pages that draw charts, and those that consist of tables and words.
CHARTED = {
    "overview": overview.view,
    "diagnostics": diagnostics.view,
    "reliability": reliability.view,
    "groups": groups.view,
    "progress": progress.view,
    "support": support.view,
    "indicators": indicators.view,
    "regions": regions.view,
}
VIEWS = CHARTED | {"collection": collection.view, "about": about.view}


#: Region and period of all that is published.
EDITIONS = ["altai/2023", "khakassia/2022", "khakassia/2023", "kostroma/2021", "kostroma/2022"]


def of_edition(editions, key: str) -> State:
    state = State(editions)
    state.choose(*key.split("/"))
    return state


class _Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def text(html: str) -> str:
    parser = _Text()
    parser.feed(html)
    return " ".join(" ".join(parser.words).split())


def said(view: pn.viewable.Viewable) -> str:
    """All text of a page that stands in HTML."""
    return " ".join(text(pane.object) for pane in view.select(pn.pane.HTML))


class _Run(dict):
    """Tables of a run with its manifest."""

    def __init__(self, tables: dict[str, pd.DataFrame], manifest: dict):
        super().__init__(tables)
        self.manifest = manifest


def altered(published: Published, **tables: pd.DataFrame) -> Published:
    """The same edition with other tables in its run."""
    names = list(published._results)
    kept = {name: published.table(name) for name in names}
    return _with(published, kept | tables)


def without(published: Published, *names: str) -> Published:
    """The same edition, of a run that had not these tables yet."""
    kept = [name for name in published._results if name not in names]
    return _with(published, {name: published.table(name) for name in kept})


def _with(published: Published, tables: dict[str, pd.DataFrame]) -> Published:
    copy = Published(published.edition, published.run)
    copy.__dict__["_results"] = _Run(tables, published.manifest)
    return copy


@pytest.fixture(scope="module")
def editions(published_root):
    figures.use("bokeh")
    found, unread = published_editions(published_root)
    assert unread == ""
    return found


@pytest.fixture
def state(editions):
    return of_edition(editions, "khakassia/2023")


@pytest.fixture
def totals(editions):
    """The state at an edition with totals only, three levels and a procedure sent as counts."""
    return of_edition(editions, "kostroma/2022")


@pytest.fixture
def planned(editions):
    """The state at an edition with targets only, and groups without leaders."""
    return of_edition(editions, "altai/2023")
