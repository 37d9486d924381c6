"""What the draft of an individual route (ИОМ) says of each person, in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from nmc_utils import wording
from nmc_utils.documents.group_plan import TABLES as OF_PLAN
from nmc_utils.documents.group_plan import in_full
from nmc_utils.documents.route_dates import (
    approvals,
    before_events,
    closed,
    dates,
    day_or,
    done,
    retested,
)
from nmc_utils.documents.route_steps import (
    COMPLETES,
    NOT_NEEDED,
    Catalogue,
    Frames,
    Step,
    agreed,
    seminars,
)
from nmc_utils.editions import Edition
from nmc_utils.findings import procedure_names
from nmc_utils.measures.certainty import CERTAINTY
from nmc_utils.terms import POSITIONS, ROUTE_KINDS, ROUTE_LEVELS, TABLE_TITLES, TOTAL

#: Published tables that a draft is written from; without the first there is nothing to write.
TABLES = ("person_results", *dict.fromkeys(("procedures", "subscores", *OF_PLAN)))
#: Canonical tables that a draft uses where they were sent.
RECORDS = ("scores", "staff", "employment", "organizations", "routes", "route_measures")
RECORDS += ("events", "mentoring")
UNKNOWN = "нет данных"
DRAFT = "Проект: составлен программой по результатам диагностики, проверяет и дополняет методист"
_RECORD = "Запись: составлена программой по присланным данным, предложений в ней нет"
_NOTHING_SENT = "мероприятий не прислано"  #: of a level of a route that is over
_BY_HAND = "Пустые строки — для своих мероприятий: личностный уровень заполняет педагог."
_NO_RULE = "Вид маршрута при таком результате документом не установлен"
_NO_RESULT = "Вид маршрута не определён: нет результата, по которому его выбирают"
_NO_WHOLE = "Результата всего теста поэтому тоже нет."


@dataclass(frozen=True)
class Result:
    """A person's result in a competence or the whole test; three things that are never merged."""

    name: str
    share: str
    level: str
    certainty: str
    advice: str


@dataclass(frozen=True)
class Draft:
    """The draft of one person.

    Attributes
    ----------
    person_id
        The pseudonym.
    kind
        The kind of the route; without one what the document offers at this result, or why it is
        not known.
    state
        Whether this is a draft, or the record of a route that is over, and since when.
    about_kind
        What the document offers if the route is of the other kind; else empty.
    facts
        Section 1: label and value.
    tested_on, retested_on
        Days of the two waves; the second is empty before it.
    entry, exit
        Section 2: results of the two waves; `exit` is empty before it.
    lacking
        Competences with a result at or below the cut, as a sentence calls them.
    untested
        A sentence that names the competences without a result; empty where all have one or none.
    about_steps
        What stands among the steps, or why nothing is suggested.
    steps
        Section 3, by level; a level of a draft is closed by an empty row, the record of a route
        that is over has what was sent alone.
    dates, approvals
        Label and value; a missing one is to be filled in.
    """

    person_id: str
    kind: str
    state: str
    about_kind: str
    facts: tuple[tuple[str, str], ...]
    tested_on: str
    retested_on: str
    entry: tuple[Result, ...]
    exit: tuple[Result, ...]
    lacking: str
    untested: str
    about_steps: str
    steps: tuple[Step, ...]
    dates: tuple[tuple[str, str], ...]
    approvals: tuple[tuple[str, str], ...]


def drafts(
    published: Frames, records: Frames, edition: Edition, names: Mapping[str, str] | None = None
) -> Iterator[Draft]:
    """Put into words what is known of everyone who was tested, by pseudonym.

    Parameters
    ----------
    published
        Tables of one run of `edition`; those of `TABLES` are read.
    records
        Canonical tables; those of `RECORDS` are used where they were sent.
    names
        Person → full name, for the methodist and the leader; others go by pseudonym.

    Raises
    ------
    ValueError
        No results of single persons were published: there is nothing to write a route from.
    """
    results = published.get("person_results")
    if results is None or results.empty:
        raise ValueError(
            f"{edition}: результатов отдельных людей в прогоне нет, составлять ИОМ не из чего. "
            "Нужен лист «Результаты» с баллами людей"
        )
    procedure = published["procedures"]["procedure"].iloc[0]
    own = results[results["procedure"] == procedure]
    of_procedure = {**published, "person_results": own}
    people = _People(of_procedure, records, edition, names or {})
    for person in sorted(own.loc[own["wave"] == "entry", "person_id"].unique()):
        yield people.draft(person)


def procedure_of(published: Frames) -> str:
    """Name of the procedure whose results the drafts rest on: the largest."""
    return procedure_names(published["procedures"])[0]


class _People:
    """Tables by person, read once."""

    def __init__(
        self, published: Frames, records: Frames, edition: Edition, names: Mapping[str, str]
    ):
        self.edition, self.region, self.names = edition, edition.region, names
        self.results = _grouped(_scored(published["person_results"], records), "person_id")
        self.staff = _first_of(records, "staff")
        self.jobs = _first_of(records, "employment", main=True)
        self.organizations = _by(records.get("organizations"), "organization_id")
        routes = records.get("routes")
        if routes is not None:  # of several routes the one drawn up last is the draft's
            routes = routes.sort_values(["opened_on", "route_id"], ascending=False)
        self.routes = _by(routes, "person_id")
        self.has_measures = "route_measures" in records
        self.measures = _grouped(records.get("route_measures"), "route_id")
        self.mentees = _mentees(records)
        self.seminars = seminars(published, edition, names)
        self.catalogue = Catalogue(records.get("events"), edition)

    def draft(self, person: str) -> Draft:
        waves = defaultdict(list)
        for row in self.results[person]:
            waves[row["wave"]].append(row)
        entry, route = waves["entry"], self.routes.get(person)
        lowest = self.region.diagnostics.lowest.code
        low = {row["domain"] for row in entry if row["level"] == lowest}
        lacking = [domain for domain in self.region.competence_names if domain in low]
        offered = self._offered(entry)
        steps, about_steps = self._map(
            person, route, lacking, is_by_domain=self._is_by_domain(entry)
        )
        return Draft(
            person_id=person,
            kind=ROUTE_KINDS[route["kind"]] if route else offered or self._no_kind(entry),
            state=f"ИОМ {closed(route)}. {_RECORD}" if closed(route) else DRAFT,
            about_kind=_about_kind(route, offered),
            facts=tuple(self._facts(person)),
            tested_on=day_or(_tested(entry), UNKNOWN),
            retested_on=self._retested(route, waves["exit"]) if waves["exit"] else "",
            entry=tuple(self._told(entry)),
            exit=tuple(self._told(waves["exit"])),
            lacking="; ".join(in_full(lacking, self.region)) or self._none(entry),
            untested=self._untested(entry),
            about_steps=about_steps,
            steps=tuple(steps),
            dates=tuple(self._dates(route, waves["exit"])),
            approvals=tuple(approvals(route)),
        )

    def _offered(self, entry: Sequence[dict]) -> str | None:
        """The kind of route that the document offers at a person's result."""
        routes = {level.code: level.route for level in self.region.diagnostics.levels}
        return routes.get(self._decisive(entry))

    def _decisive(self, entry: Sequence[dict]) -> str | None:
        """The level that the kind of a route depends on; None where there is no such result."""
        basis = self.region.diagnostics.result_domain
        return next((row["level"] for row in entry if row["domain"] == basis), None)

    def _no_kind(self, entry: Sequence[dict]) -> str:
        """Why no kind is offered: no rule for this result, or no result that the rule is of."""
        is_ruled = any(level.route for level in self.region.diagnostics.levels)
        return _NO_RESULT if is_ruled and pd.isna(self._decisive(entry)) else _NO_RULE

    def _is_by_domain(self, entry: Sequence[dict]) -> bool:
        return any(row["domain"] in self.region.competence_names for row in entry)

    def _none(self, entry: Sequence[dict]) -> str:
        """Say what it means that no competence is at or below the cut."""
        is_by_domain = self._is_by_domain(entry)
        return "ни одной" if is_by_domain else "неизвестно, результатов по компетенциям нет"

    def _untested(self, entry: Sequence[dict]) -> str:
        """Name what nothing is known of: it must not read as if there were no deficit."""
        known = {row["domain"] for row in entry if pd.notna(row["level"])}
        absent = [domain for domain in self.region.competence_names if domain not in known]
        if not absent or not self._is_by_domain(entry):
            return ""
        told = f"Нет результата, судить не по чему: {'; '.join(in_full(absent, self.region))}."
        return told if TOTAL in known else f"{told} {_NO_WHOLE}"

    def _dates(self, route: dict | None, after: Sequence[dict]) -> Iterator[tuple[str, str]]:
        yield from dates(route, self.edition, self.names)
        if closed(route):
            sent = self.measures[route["route_id"]] if self.has_measures else None
            yield "Итог", f"{done(sent)}; {retested(route, _tested(after), is_any=bool(after))}"

    def _retested(self, route: dict | None, after: Sequence[dict]) -> str:
        """The day of the exit test; if no event of the route had begun by then, that too."""
        day = _tested(after)
        sent = self.measures.get(route["route_id"], []) if route else []
        return day_or(day, UNKNOWN) + before_events(day, sent)

    def _facts(self, person: str) -> Iterator[tuple[str, str]]:
        staff, job = self.staff.get(person, {}), self.jobs.get(person, {})
        place = self.region.municipality_names.get(job.get("municipality"))
        where = [text for text in (self._organization(job.get("organization_id")), place) if text]
        position = POSITIONS.get(job.get("position"), "")
        subject = _text(job.get("subject"), "")
        years = staff.get("experience_years")
        yield "Место работы", ", ".join(where) or UNKNOWN
        yield "Должность, предмет", ", ".join(filter(None, [position, subject])) or UNKNOWN
        yield "Образование", _text(staff.get("education"), UNKNOWN)
        yield (
            "Педагогический стаж",
            UNKNOWN if pd.isna(years) else wording.plural(int(years), "год", "года", "лет"),
        )
        yield "Квалификационная категория", _text(staff.get("category"), UNKNOWN)
        yield "Дата прохождения аттестации", day_or(staff.get("attested_on"), UNKNOWN)

    def _organization(self, code: Any) -> str:
        """What an organisation is called: a code of one word says nothing without its kind."""
        if not isinstance(code, str) or " " in code:  # «МБОУ СОШ № 5»: a region may use the names
            return _text(code, "")
        kind = _text(self.organizations.get(code, {}).get("kind"), "организация")
        return f"{kind} (код {code})"

    def _told(self, rows: Sequence[dict]) -> Iterator[Result]:
        """Results in the region's order, the whole test first."""
        levels = {level.code: level.label for level in self.region.diagnostics.levels}
        by_domain = {row["domain"]: row for row in rows}
        for domain, name in self.region.domain_names.items():
            if (row := by_domain.get(domain)) is not None:
                share = row["share"]
                yield Result(
                    name=name,
                    share="" if pd.isna(share) else wording.percent(share),
                    level=levels.get(row["level"], UNKNOWN),
                    certainty=CERTAINTY[row["certainty"]],
                    advice=_text(row["advice"], ""),
                )

    def _map(
        self, person: str, route: dict | None, lacking: Sequence[str], *, is_by_domain: bool
    ) -> tuple[list[Step], str]:
        """Steps of a person, and what stands among them in a sentence or two."""
        if told := closed(route):
            about = (
                f"ИОМ {told}: здесь только мероприятия, о которых есть записи в листе "
                f"«{TABLE_TITLES['route_measures']}». Семинары и события каталога предлагают в "
                "новом ИОМ, его составляет методист."
            )
            return list(self._record(route)), about
        suggested = self._suggested(person, route, lacking)
        about = self.catalogue.told(lacking, any(suggested.values()), is_by_domain=is_by_domain)
        steps = list(self._steps(person, route, suggested))
        is_extra = any(step.domain.startswith(NOT_NEEDED) for step in steps)
        return steps, " ".join([about, *([COMPLETES] if is_extra else []), _BY_HAND])

    def _agreed(self, route: dict | None, level: str) -> list[dict]:
        sent = self.measures.get(route["route_id"], []) if route else []
        return [step for step in sent if step["level"] == level]

    def _record(self, route: dict) -> Iterator[Step]:
        for level, name in ROUTE_LEVELS.items():
            of_level = [agreed(step, name, self.region) for step in self._agreed(route, level)]
            yield from of_level or [Step(name, _NOTHING_SENT)]

    def _suggested(
        self, person: str, route: dict | None, lacking: Sequence[str]
    ) -> dict[str, list[Step]]:
        job = self.jobs.get(person, {})
        known = {
            level: {step["event_id"] for step in self._agreed(route, level)}
            for level in ROUTE_LEVELS
        }
        return {
            level: self.catalogue.suggested(level, job, lacking, known[level])
            for level in ROUTE_LEVELS
        }

    def _steps(
        self, person: str, route: dict | None, suggested: Mapping[str, list[Step]]
    ) -> Iterator[Step]:
        for level, name in ROUTE_LEVELS.items():
            yield from (agreed(step, name, self.region) for step in self._agreed(route, level))
            if level == "regional":
                yield from self.seminars.get(person, [])
            if level == "organization" and person in self.mentees:
                yield Step(name, "Работа в паре с наставником", when=self.mentees[person])
            yield from suggested[level]
            yield Step(name)


def _about_kind(route: dict | None, offered: str | None) -> str:
    """Say that the kind of a route is not the one that the document offers, if so."""
    if route is None or not offered or offered == ROUTE_KINDS[route["kind"]]:
        return ""
    told = f"Вид этого ИОМ взят из листа «{TABLE_TITLES['routes']}»"
    return f"{told}; по результату документ предлагает другой: {offered}."


# --- tables by person -----------------------------------------------------------------------------


def _grouped(frame: pd.DataFrame | None, key: str) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = defaultdict(list)
    for row in () if frame is None else frame.to_dict("records"):
        found[row[key]].append(row)
    return found


def _by(frame: pd.DataFrame | None, key: str) -> dict[str, dict]:
    """The first row of each person or organisation."""
    if frame is None:
        return {}
    return frame.drop_duplicates(key).set_index(key).to_dict("index")


def _first_of(records: Frames, name: str, *, main: bool = False) -> dict[str, dict]:
    frame = records.get(name)
    return _by(frame[frame["is_main"]] if main and frame is not None else frame, "person_id")


def _scored(results: pd.DataFrame, records: Frames) -> pd.DataFrame:
    """Results with the share of the maximum and the day; of the whole test by summing up."""
    keys = ["person_id", "wave", "domain"]
    scores = records.get("scores")
    if scores is None:
        return results.assign(share=float("nan"))
    own = scores[scores["procedure_id"] == results["procedure"].iloc[0]]
    last = own.sort_values("attempt").drop_duplicates(keys, keep="last")
    sums = {"raw_score": "sum", "max_score": "sum", "taken_on": "max"}
    if TOTAL not in set(last["domain"]):
        whole = last.groupby(["person_id", "wave"], as_index=False).agg(sums).assign(domain=TOTAL)
        last = pd.concat([last, whole])
    last = last.assign(share=last["raw_score"] / last["max_score"])
    return results.merge(last[[*keys, "share", "taken_on"]], on=keys, how="left")


def _mentees(records: Frames) -> dict[str, str]:
    """Who is being mentored → since when."""
    pairs = records.get("mentoring")
    if pairs is None:
        return {}
    running = pairs[pairs["status"].eq("running") & pairs["mentee_id"].notna()]
    return {
        row["mentee_id"]: f"с {wording.day(row['from_on'])}" for row in running.to_dict("records")
    }


def _tested(rows: Sequence[dict]) -> pd.Timestamp | None:
    """The last day of a wave."""
    days = [row["taken_on"] for row in rows if pd.notna(row.get("taken_on"))]
    return max(days, default=None)


def _text(value: Any, missing: str) -> str:
    return value if isinstance(value, str) and value else missing
