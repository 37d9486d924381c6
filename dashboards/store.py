"""What the app shows: the state of a session, and the published results behind it.

Pages read tables through `Published`; the state holds what was chosen, keeps it in the address and
says in a sentence when an address asked for something that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import param

from dashboards.choices import Choices
from dashboards.collecting import Collecting
from nmc_utils import findings, results, wording
from nmc_utils.editions import COUNTRY, DefinitionError, Edition, data_root, edition, series
from nmc_utils.measures import changes
from nmc_utils.measures.indicators import all_indicators
from nmc_utils.measures.reliability import LEAST_ITEMS
from nmc_utils.measures.seminar_needs import BASES as BASES
from nmc_utils.measures.seminar_tables import MODES as MODES
from nmc_utils.measures.trajectory import indicator_points, trajectory
from nmc_utils.terms import TOTAL, WAVES

PAGES = {
    "overview": "Обзор",
    "collection": "Сбор данных",
    "diagnostics": "Диагностика",
    "reliability": "Надёжность диагностики",
    "groups": "Группы",
    "progress": "Динамика",
    "support": "Сопровождение",
    "indicators": "Показатели",
    "regions": "Регионы",
    "about": "О данных",
}
#: In a competence of fewer items no level of a person is judged.
FEWEST_ITEMS = LEAST_ITEMS
#: What the address carries besides region, period and page when it was chosen; where the value is
#: empty, `State.meant` says what the edition shows by itself.
FILTERS = {
    "procedure": "",
    "municipality": TOTAL,
    "domain": "",
    "level": "",
    "wave": "entry",
    "family": "",
    "status": "",
    "section": "",
}
#: Sections of the page «Сопровождение», the first opens first.
SECTIONS = {
    "methodists": "РМА и нагрузка",
    "routes": "ИОМ",
    "mentoring": "Наставничество и поддержка",
    "programmes": "Программы",
    "events": "Мероприятия и реестры",
    "roadmap": "Дорожная карта",
    "subjects": "Кто что делает",
}


class Published:
    """One published edition: its definition and its tables, each read once per run."""

    def __init__(self, edition: Edition, run: str):
        self.edition, self.run = edition, run
        self.region = edition.region

    @cached_property
    def _results(self) -> results.Results:
        return results.published(self.edition, self.run)

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What the run was made of, and its files."""
        return self._results.manifest

    def table(self, name: str) -> pd.DataFrame | None:
        """Return a table of the run, or None where the run has none of this name."""
        return _table(self, name) if name in self._results else None

    @cached_property
    def procedures(self) -> dict[str, str]:
        """Code of a procedure → its name, the largest first; those of several are not added up."""
        table = self.table("procedures")
        if table is None:
            return {}
        names = pd.Series(findings.procedure_names(table), index=table["procedure"])
        shared = names.duplicated(keep=False)
        return names.mask(shared, names + " (" + names.index + ")").to_dict()

    @property
    def procedure(self) -> str:
        """Code of the procedure most people took; empty when there is none."""
        return next(iter(self.procedures), "")

    def named(self, procedure: str = "") -> str:
        """Name a procedure, the largest by default, where it is not the only one."""
        several = len(self.procedures) > 1
        return f"Процедура: {self.procedures[procedure or self.procedure]}" if several else ""

    def persons(self, procedure: str) -> int:
        """How many were tested in a procedure, from records or counts."""
        table = self.table("procedures")
        return (
            0 if table is None else int(table.set_index("procedure")["persons"].get(procedure, 0))
        )

    def gap(self, procedure: str = "") -> str:
        """What was not sent of a procedure, in words; empty when nothing is lacking."""
        table = self.table("procedures")
        if table is None:
            return ""
        gaps = table.set_index("procedure")["gap"].dropna()
        return gaps.get(procedure or self.procedure, "")

    @property
    def planned(self) -> str:
        """Code of the procedure that groups are planned by: the largest with results of people."""
        plan = self.table("seminar_plan")
        told = plan is not None and len(plan) and "procedure" in plan
        return plan["procedure"].iloc[0] if told else self.procedure

    def of_procedure(self, name: str, procedure: str = "") -> pd.DataFrame | None:
        """Return the rows of a table that belong to a procedure, the largest by default."""
        table = self.table(name)
        if table is None:
            return None
        return table[table["procedure"] == (procedure or self.procedure)]

    def waves(self, procedure: str = "") -> list[str]:
        """Waves with results, entry first."""
        shares = self.of_procedure("level_shares", procedure)
        given = set() if shares is None else set(shares["wave"])
        return [wave for wave in WAVES if wave in given]

    @cached_property
    def incomplete(self) -> str:
        """Say which part of the municipalities has reported; empty when all have."""
        reporting = self.table("reporting")
        return "" if reporting is None else wording.incomplete(reporting)

    @cached_property
    def silent(self) -> list[str]:
        """Names of the municipalities that have not reported."""
        reporting = self.table("reporting")
        if reporting is None:
            return []
        codes = reporting.loc[~reporting["is_reported"], "municipality"]
        return [self.region.municipality_names[code] for code in codes]

    @property
    def whole(self) -> str:
        """How a row of totals is called."""
        if not self.incomplete:
            return self.region.name
        return f"{self.region.name}, {wording.reported(self.table('reporting'))}"


@lru_cache(maxsize=256)
def _table(published: Published, name: str) -> pd.DataFrame:
    """A table of the run; indicators are all of them, whether or not the council may read them."""
    if name == "indicators":
        return all_indicators(published._results)
    return published._results[name]


@lru_cache(maxsize=512)  # more than the editions of a country, or every session reads them anew
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
        if region == COUNTRY:  # all regions side by side, read by `compared`
            continue
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


def _opened_first(editions: list[Published]) -> Edition:
    """The newest edition, and of equally new ones, which alone are read for it, the largest."""
    newest = max(p.edition.period.ends_on for p in editions)
    candidates = [p for p in editions if p.edition.period.ends_on == newest]
    if len(candidates) == 1:
        return candidates[0].edition

    def persons(published: Published) -> int:
        counts = _readable(lambda: [published.persons(name) for name in published.procedures])
        return max(counts, default=0)

    return max(candidates, key=persons).edition


def _are_series(*editions: Edition) -> bool:
    try:
        series(editions)
    except ValueError:
        return False
    return True


# --- two periods on the same municipalities -----------------------------------------------------


@dataclass(frozen=True)
class SamePlaces:
    """Two editions on the municipalities of which both have results of their largest procedure.

    `now` and `before` are rows of measure tables: `tested` and `level_share` of the lowest level.
    """

    places: tuple[str, ...]
    now: dict[str, dict[str, Any]]
    before: dict[str, dict[str, Any]]


def same_places(now: Published, before: Published) -> SamePlaces | None:
    """Count two editions on the same municipalities; None where both rest on the same anyway."""
    tables = [_measured(published) for published in (now, before)]
    places = changes.same_places(*tables, now.region)
    if places is None:
        return None
    counted = (changes.of_places(part, places, now.region.diagnostics) for part in tables)
    return SamePlaces(places, *counted)


def _measured(published: Published) -> dict[str, pd.DataFrame]:
    """Tables of the largest procedure that such a comparison rests on."""
    found = {}
    for name, words in (("coverage", "охвата"), ("level_shares", "уровней")):
        table = published.of_procedure(name)
        if table is None:
            raise results.ResultsError(f"{published.edition}: в прогоне нет таблицы {words}")
        found[name] = table
    return found


@dataclass(frozen=True)
class Trajectories:
    """Points of the indicators over the editions of a series, and what follows from them.

    `note` names the earlier editions that could not be read.
    """

    values: pd.DataFrame
    paces: pd.DataFrame
    note: str


def trajectories(now: Published, earlier: Iterable[Published]) -> Trajectories | None:
    """Join the points of an edition with those of earlier ones; None where it has none itself.

    Facts are those of the last run that has them; records are each edition's own.
    """
    mine = now.table("indicator_points")
    if mine is None:
        return None
    tables, unread = [], []
    for published in earlier:
        try:
            tables.append(published.table("indicator_points"))
        except (ValueError, OSError) as error:
            unread.append(f"{published.edition} ({str(error).rstrip('.')})")
    given = [table for table in tables if table is not None]
    values = indicator_points([*given, mine], like=now.edition.period)
    note = f"Без прежних изданий: {'; '.join(unread)}." if unread else ""
    return Trajectories(values, trajectory(values, now.region), note)


# --- session ------------------------------------------------------------------------------------


class State(Choices):
    """The choices of one session. Region, period and page are always in the address."""

    region = param.String()
    period = param.String()
    page = param.Selector(default="overview", objects=list(PAGES))
    municipality = param.String(default=TOTAL)
    procedure = param.String(default="")
    domain = param.String(default="")
    level = param.String(default="")
    wave = param.Selector(default="entry", objects=list(WAVES))
    family = param.String(default="")
    status = param.String(default="")
    section = param.String(default="")
    notice = param.String(default="", doc="Editions and parts of the address not shown, and why.")

    def __init__(self, editions: list[Published], unread: str = ""):
        if not editions:
            raise DefinitionError(unread or "Опубликованных изданий нет. Выполните: nmc run")
        self.editions, self._unread = editions, unread
        self.collecting = Collecting(editions[0].edition.root, lambda: self.current.edition.key)
        first = _opened_first(editions)
        super().__init__(region=first.region.code, period=first.period.text, notice=unread)

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
    def earlier(self) -> list[Published]:
        """Published editions before this one that make a series with it, in order of time."""
        mine = self.current.edition
        found = [
            p
            for p in self.editions
            if p.edition.period.ends_on < mine.period.ends_on and _are_series(p.edition, mine)
        ]
        return sorted(found, key=lambda p: p.edition.period.ends_on)

    @property
    def previous(self) -> Published | None:
        """The last of the earlier editions."""
        return next(reversed(self.earlier), None)

    def choose(self, region: str, period: str | None = None) -> None:
        """Go to an edition; a period that the region has not falls back to its last one."""
        self.collecting.choose("")
        known = {p.edition.period.text for p in self.editions if p.region.code == region}
        kept = period or self.period
        self.param.update(
            region=region,
            period=kept if kept in known else self._last_period(region),
            notice=self._unread,
            **FILTERS,
        )

    def meant(self, name: str) -> str:
        """What is shown where a filter was not chosen."""
        diagnostics = self.current.region.diagnostics
        match name:
            case "procedure":
                return self.current.procedure
            case "domain":
                return diagnostics.result_domain
            case "level":
                return diagnostics.lowest.code
            case "section":
                return next(iter(SECTIONS))
        return FILTERS[name]

    def shown(self, name: str) -> str:
        """The value of a filter that the page shows, chosen or not."""
        return getattr(self, name) or self.meant(name)

    def select(self, name: str, value: str) -> None:
        """Choose a value of a filter; another procedure may not have the wave."""
        chosen = {name: FILTERS[name] if value == self.meant(name) else value}
        if name == "procedure" and self.wave not in self.current.waves(value):
            chosen["wave"] = FILTERS["wave"]
        self.param.update(**chosen)

    def toggle(self, name: str, value: str) -> None:
        """Choose a value of a filter, or everything again when it was chosen already."""
        self.select(name, self.meant(name) if self.shown(name) == value else value)

    def restore(self, query: Mapping[str, str]) -> None:
        """Take the choices from an address; what it names wrongly is left out and told."""
        wrong = self._restore_edition(query)
        page = query.get("page", self.page)
        if page in PAGES:
            self.page = page
        else:
            wrong.append(f"страницы «{page}»")
        for name in FILTERS:
            value = query.get(name, FILTERS[name])
            if value == FILTERS[name]:
                self.param.update(**{name: value})
            elif value in self._allowed(name):
                self.select(name, value)
            else:
                wrong.append(f"значения «{value}»")
        wrong += self.collecting.restore(query)
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
        page = {"region": self.region, "period": self.period, "page": self.page}
        return page | chosen | (self.collecting.address() if self.page == "collection" else {})

    def _restore_edition(self, query: Mapping[str, str]) -> list[str]:
        region, period = query.get("region", self.region), query.get("period")
        if region not in self.regions.values():
            return [f"региона «{region}»"]
        self.choose(region, period)
        return [f"периода «{period}»"] if period and period != self.period else []

    def _allowed(self, name: str) -> Iterable[str]:
        """Values that a filter may take in the chosen edition and procedure."""
        now, region = self.current, self.current.region
        match name:
            case "procedure":
                return _readable(lambda: now.procedures)
            case "wave":
                return _readable(lambda: now.waves(self.procedure))
            case "status":
                return _readable(lambda: _statuses(now))
            case "level":
                return region.diagnostics.cuts
            case "section":
                return SECTIONS
        names = {
            "municipality": region.municipality_names,
            "domain": region.domain_names,
            "family": region.group_families,
        }
        return names[name]

    def _find(self, region: str, period: str) -> Published | None:
        key = f"{region}/{period}"
        return next((p for p in self.editions if p.edition.key == key), None)

    def _last_period(self, region: str) -> str:
        mine = [p.edition.period for p in self.editions if p.region.code == region]
        return max(mine, key=lambda period: period.ends_on).text
