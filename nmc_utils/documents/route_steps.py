"""Events of the map of development in the draft of a route: agreed, planned and suggested."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pandas as pd

from nmc_utils import wording
from nmc_utils.documents.group_plan import NEEDED as PLAN
from nmc_utils.documents.group_plan import in_full, read_plan
from nmc_utils.documents.group_sessions import sessions_of
from nmc_utils.editions import Edition
from nmc_utils.regions import Region
from nmc_utils.terms import ROUTE_LEVELS, TABLE_TITLES

SUGGESTED = 3  #: events of the catalogue that are suggested for each level, at most
NOT_NEEDED = "не по дефициту"  #: of the seminar's topics for who needs none of them
#: Why the seminar stands there all the same.
COMPLETES = (
    f"Семинар «{NOT_NEEDED}» предложен, чтобы группа набралась: его темы по результату не "
    "обязательны, идти ли, решают с методистом."
)

Frames = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Step:
    """An event of the map of professional development; empty fields are filled in by hand."""

    level: str
    title: str = ""
    domain: str = ""
    when: str = ""
    result: str = ""
    mark: str = ""


def seminars(
    published: Frames, edition: Edition, names: Mapping[str, str]
) -> dict[str, list[Step]]:
    """The seminar group of each person in the first round of the published plan, if there is one.

    With the topics that the person needs, or a word that none is needed, and the proposed days.

    Parameters
    ----------
    names
        Leader → full name; others go by pseudonym.
    """
    if not set(PLAN) <= set(published) or published["seminar_groups"].empty:
        return {}
    plan = read_plan(published, edition)
    days = defaultdict(list)
    for group_id, begins in sessions_of(plan, None)[["group_id", "begins"]].to_numpy():
        days[group_id].append(wording.day(begins))
    groups = plan.current.set_index("group_id")
    found = {}
    for member in plan.seated.to_dict("records"):
        group_id = member["group_id"]
        group = groups.loc[group_id]
        leader = group["leader_id"]
        led = "" if pd.isna(leader) else f", ведущий {names.get(leader, leader)}"
        topics = "; ".join(member["needed_in_full"])
        if not topics:
            of_group = "; ".join(in_full(group["topics"], edition.region))
            topics = f"{NOT_NEEDED}: {of_group}"
        when = f"предложено: {', '.join(days[group_id])}"
        title = f"Семинар «{group['name']}» (группа {group_id}{led})"
        found[member["person_id"]] = [Step(ROUTE_LEVELS["regional"], title, topics, when)]
    return found


def agreed(step: Mapping[str, Any], level: str, region: Region) -> Step:
    """An event that stands in the route already."""
    days = [wording.day(step[end]) for end in ("from_on", "to_on") if pd.notna(step[end])]
    domain = step["domain"]
    return Step(
        level=level,
        title=step["title"],
        domain="" if pd.isna(domain) else region.domain_names.get(domain, domain),
        when="–".join(dict.fromkeys(days)),
        result=step["result_form"] if isinstance(step["result_form"], str) else "",
        mark="выполнено" if step["is_done"] else "",
    )


class Catalogue:
    """Events still to come that may be suggested: by level, deficits, subject and place.

    An event without a date may be over, so it is not suggested.
    """

    def __init__(self, events: pd.DataFrame | None, edition: Edition):
        self.region, self.as_of = edition.region, edition.as_of
        self.is_sent = events is not None
        self._by_level: dict[str, list[dict]] = defaultdict(list)
        if events is None:
            return
        ahead = events["held_on"] > pd.Timestamp(edition.as_of)
        ordered = events[ahead & events["domain"].notna()].sort_values(["held_on", "event_id"])
        for event in ordered.to_dict("records"):
            self._by_level[event["level"]].append(event)

    def suggested(
        self, level: str, job: Mapping[str, Any], lacking: Sequence[str], known: set[str]
    ) -> list[Step]:
        """The first `SUGGESTED` events that fit; none on the personal level or without deficits."""
        fitting = (
            event
            for event in self._by_level.get(level, [])
            if event["domain"] in lacking
            and event["event_id"] not in known
            and _is_open_to(event["municipality"], job.get("municipality"))
            and _is_open_to(self._family(event["subject"]), self._family(job.get("subject")))
        )
        return [self._step(event, ROUTE_LEVELS[level]) for event in islice(fitting, SUGGESTED)]

    def told(self, lacking: Sequence[str], is_any: bool, *, is_by_domain: bool) -> str:
        """Say what «Предложено» is, or why nothing is and what would bring it.

        Parameters
        ----------
        lacking
            The person's competences at or below the cut.
        is_any
            Whether an event is suggested to the person.
        is_by_domain
            Whether the person has results by competence.
        """
        events, scores = (f"лист «{TABLE_TITLES[name]}»" for name in ("events", "scores"))
        if is_any:
            return (
                "«Предложено» — предстоящее событие каталога по дефицитам; методист и педагог "
                "оставляют нужное."
            )
        if not is_by_domain:
            why = f"результатов по компетенциям нет; нужен {scores} с баллами по компетенциям"
        elif not lacking:
            why = "компетенций с результатом не выше порога нет"
        elif not self.is_sent:
            why = f"{events} не прислан"
        else:
            why = (
                f"подходящих по дефицитам, предмету и месту работы событий позже "
                f"{wording.day(self.as_of)} не прислано; их вносят в {events}"
            )
        return f"События каталога не предложены: {why}."

    def _family(self, subject: Any) -> str | None:
        return self.region.family_of_subject.get(subject) if isinstance(subject, str) else None

    def _step(self, event: Mapping[str, Any], level: str) -> Step:
        name = self.region.domain_names.get(event["domain"], event["domain"])
        return Step(level, f"Предложено: {event['title']}", name, wording.day(event["held_on"]))


def _is_open_to(of_event: Any, of_person: Any) -> bool:
    """Whether an event of a place or subject, or of none, is for a person of this one."""
    return not isinstance(of_event, str) or of_event == of_person
