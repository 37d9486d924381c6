"""What the app shows: the state of a session, and the published results behind it.

Pages read tables through `Published`; the state holds what was chosen, keeps it in the address and
says in a sentence when an address asked for something that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import param

from nmc_utils import results
from nmc_utils.editions import DefinitionError, Edition, data_root, edition
from nmc_utils.terms import TOTAL

PAGES = {
    "overview": "Обзор",
    "diagnostics": "Диагностика",
    "groups": "Группы",
    "indicators": "Показатели",
}
WAVES = {"entry": "входная", "exit": "выходная"}
#: What the address carries besides region, period and page, and what it means when absent.
FILTERS = {"municipality": TOTAL, "domain": TOTAL, "wave": "entry", "family": "", "status": ""}


class Published:
    """One published edition: its definition and its tables, each read once per run."""

    def __init__(self, edition: Edition, run: str):
        self.edition, self.run = edition, run
        self.region = edition.region

    @cached_property
    def _results(self) -> Mapping[str, pd.DataFrame]:
        return results.published(self.edition, self.run)

    def table(self, name: str) -> pd.DataFrame | None:
        """Return a table of the run, or None where the run has none of this name."""
        return _table(self, name) if name in self._results else None

    @cached_property
    def procedure(self) -> str | None:
        """The procedure most people took; those of several are never added up."""
        procedures = self.table("procedures")
        if procedures is None or procedures.empty:
            return None
        return procedures["procedure"].iloc[0]

    def of_procedure(self, name: str) -> pd.DataFrame | None:
        """Return the rows of a table that belong to `procedure`."""
        table = self.table(name)
        return None if table is None else table[table["procedure"] == self.procedure]

    @cached_property
    def waves(self) -> list[str]:
        """Waves with results, entry first."""
        shares = self.of_procedure("level_shares")
        given = set() if shares is None else set(shares["wave"])
        return [wave for wave in WAVES if wave in given]


@lru_cache(maxsize=256)
def _table(published: Published, name: str) -> pd.DataFrame:
    return published._results[name]


@lru_cache(maxsize=64)
def _published(root: Path, region: str, period: str, run: str) -> Published:
    return Published(edition(region, period, root), run)


def published_editions(root: Path | None = None) -> tuple[list[Published], str]:
    """All published editions under the data root, by region and period.

    Returns
    -------
    list of Published
    str
        A sentence about the editions that are left out because their definition cannot be read;
        empty when there are none.
    """
    root = root or data_root()
    found, unread = [], []
    for key, run in sorted(results.current(root).items()):
        region, _, period = key.partition("/")
        try:
            found.append(_published(root, region, period, run))
        except (ValueError, OSError) as error:
            unread.append(f"{key} ({str(error).rstrip('.')})")
    return found, f"Не показаны издания: {'; '.join(unread)}." if unread else ""


def _statuses(published: Published) -> set[str]:
    indicators = published.table("indicators")
    return set() if indicators is None else set(indicators["attainment"])


def _readable(read: Callable[[], Iterable[str]]) -> Iterable[str]:
    """Nothing where a table cannot be read: its page says so, and the way to others stays open."""
    try:
        return read()
    except (ValueError, OSError):
        return ()


class State(param.Parameterized):
    """The choices of one session. Region, period and page are always in the address."""

    region = param.String()
    period = param.String()
    page = param.Selector(default="overview", objects=list(PAGES))
    municipality = param.String(default=TOTAL)
    domain = param.String(default=TOTAL)
    wave = param.Selector(default="entry", objects=list(WAVES))
    family = param.String(default="")
    status = param.String(default="")
    notice = param.String(default="", doc="Editions and parts of the address not shown, and why.")

    def __init__(self, editions: list[Published], unread: str = ""):
        if not editions:
            raise DefinitionError(unread or "Опубликованных изданий нет. Выполните: nmc run")
        self.editions, self._unread = editions, unread
        self._followed: list[param.parameterized.Watcher] = []
        first = editions[0].edition
        period = self._last_period(first.region.code)
        super().__init__(region=first.region.code, period=period, notice=unread)

    @property
    def regions(self) -> dict[str, str]:
        """Name of a region → its code, of those that have published editions."""
        return {p.region.name: p.region.code for p in self.editions}

    @property
    def periods(self) -> dict[str, str]:
        """Words of a period → its code, of the chosen region."""
        return {
            p.edition.period.label: p.edition.period.text
            for p in self.editions
            if p.region.code == self.region
        }

    @property
    def current(self) -> Published:
        """The chosen edition."""
        return self._find(self.region, self.period) or self.editions[0]

    @property
    def previous(self) -> Published | None:
        """The last published edition of the region before this one, of the same kind and origin."""
        mine = self.current.edition
        earlier = [
            p
            for p in self.editions
            if p.region.code == mine.region.code
            and p.edition.period.kind == mine.period.kind
            and p.edition.origin == mine.origin
            and p.edition.period.ends_on < mine.period.ends_on
        ]
        return max(earlier, key=lambda p: p.edition.period.ends_on, default=None)

    def choose(self, region: str, period: str | None = None) -> None:
        """Go to an edition; a period that the region has not falls back to its last one."""
        known = {p.edition.period.text for p in self.editions if p.region.code == region}
        kept = period or self.period
        self.param.update(
            region=region,
            period=kept if kept in known else self._last_period(region),
            notice=self._unread,
            **FILTERS,
        )

    def toggle(self, name: str, value: str) -> None:
        """Choose a value of a filter, or everything again when it was chosen already."""
        chosen = FILTERS[name] if getattr(self, name) == value else value
        self.param.update(**{name: chosen})

    def follow(self, draw: Callable[[], None], *names: str) -> None:
        """Draw now and whenever one of the choices changes, until the page is left."""
        draw()
        self._followed.append(self.param.watch(lambda *_: draw(), list(names)))

    def leave(self) -> None:
        """Forget what the page followed."""
        for watcher in self._followed:
            self.param.unwatch(watcher)
        self._followed.clear()

    def restore(self, query: Mapping[str, str]) -> None:
        """Take the choices from an address; what it names wrongly is left out and told."""
        wrong = self._restore_edition(query)
        page = query.get("page", self.page)
        if page in PAGES:
            self.page = page
        else:
            wrong.append(f"страницы «{page}»")
        for name, allowed in self._allowed().items():
            value = query.get(name, FILTERS[name])
            if value in allowed:
                self.param.update(**{name: value})
            else:
                wrong.append(f"значения «{value}»")
        if wrong:
            told = f"По этой ссылке нет {', '.join(wrong)}. Показано: {self.current.edition}."
            self.notice = f"{told} {self._unread}".strip()

    def address(self) -> dict[str, str]:
        """What the address of this view carries: filters only where they were chosen."""
        chosen = {
            name: getattr(self, name)
            for name, default in FILTERS.items()
            if getattr(self, name) != default
        }
        return {"region": self.region, "period": self.period, "page": self.page} | chosen

    def _restore_edition(self, query: Mapping[str, str]) -> list[str]:
        region, period = query.get("region", self.region), query.get("period")
        if region not in self.regions.values():
            return [f"региона «{region}»"]
        self.choose(region, period)
        return [f"периода «{period}»"] if period and period != self.period else []

    def _allowed(self) -> dict[str, Any]:
        now, region = self.current, self.current.region
        return {
            "municipality": {TOTAL, *region.municipality_names},
            "domain": set(region.domain_names),
            "wave": {"entry", *_readable(lambda: now.waves)},
            "family": {"", *region.family_names},
            "status": {"", *_readable(lambda: _statuses(now))},
        }

    def _find(self, region: str, period: str) -> Published | None:
        key = f"{region}/{period}"
        return next((p for p in self.editions if p.edition.key == key), None)

    def _last_period(self, region: str) -> str:
        mine = [p.edition.period for p in self.editions if p.region.code == region]
        return max(mine, key=lambda period: period.ends_on).text
