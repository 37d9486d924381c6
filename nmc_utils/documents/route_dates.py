"""Dates, approvals and the end of a route in its draft, as they were sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from nmc_utils import wording
from nmc_utils.editions import Edition
from nmc_utils.terms import TABLE_TITLES

AUDIT_BEFORE = pd.DateOffset(months=1)  #: the audit comes a month before the route is due
NOT_SET = "не назначен"
OVER = "истёк, новый назначает методист"
#: Stages at which a route has come to its end.
CLOSED = {"done": "Завершён", "stopped": "Прекращён"}

_NO_DAY = f"даты в листе «{TABLE_TITLES['routes']}» нет"


def closed(route: Mapping[str, Any] | None) -> str:
    """Say that a route is at its end and since when: «завершён 24.06.2023»; empty while it runs."""
    about = route or {}
    if (stage := CLOSED.get(about.get("status"))) is None:
        return ""
    return f"{stage.lower()} {day_or(about.get('closed_on'), f'({_NO_DAY})')}"


def dates(
    route: Mapping[str, Any] | None, edition: Edition, names: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """When a route was drawn up, is due, is audited and ended, and who leads it.

    Parameters
    ----------
    route
        Row of `routes`; None for who has none.
    names
        Methodist → full name; others go by pseudonym.

    Yields
    ------
    str, str
        Label and value.
    """
    about = route or {}
    stage, due = CLOSED.get(about.get("status")), about.get("due_on")
    is_over = not stage and pd.notna(due) and due < pd.Timestamp(edition.as_of)
    methodist = about.get("methodist_id")
    yield "Составлен", day_or(about.get("opened_on"), NOT_SET)
    yield "Срок выполнения", "; ".join([day_or(due, NOT_SET), *([OVER] if is_over else [])])
    yield "Методический аудит", _audit(about, is_closed=bool(stage))
    if stage:
        yield stage, day_or(about.get("closed_on"), _NO_DAY)
    yield (
        "Региональный методист",
        names.get(methodist, methodist) if isinstance(methodist, str) else NOT_SET,
    )


def _audit(route: Mapping[str, Any], *, is_closed: bool) -> str:
    if pd.notna(audited := route.get("audited_on")):
        return f"проведён {wording.day(audited)}"
    if is_closed:
        return _NO_DAY
    if pd.notna(due := route.get("due_on")):
        return f"не позднее {wording.day(due - AUDIT_BEFORE)} (за месяц до срока)"
    return "за месяц до срока выполнения"


def done(measures: Sequence[Mapping[str, Any]] | None) -> str:
    """Say how much of a route was done.

    Parameters
    ----------
    measures
        Its rows of `route_measures`; None where the table was not sent.
    """
    title = TABLE_TITLES["route_measures"]
    if measures is None:
        return f"лист «{title}» не прислан"
    if not measures:
        return f"мероприятий этого ИОМ в листе «{title}» нет"
    n_done = sum(bool(measure["is_done"]) for measure in measures)
    return f"выполнено мероприятий: {n_done} из {len(measures)}"


def retested(route: Mapping[str, Any], day: pd.Timestamp | None, *, is_any: bool) -> str:
    """Say whether the person of a route was tested again, and if so before it ended.

    Parameters
    ----------
    day
        Last day of the exit test, if it is known.
    is_any
        Whether there are results of an exit test.
    """
    if not is_any:
        return "выходной диагностики нет"
    ended = route.get("closed_on")
    is_early = day is not None and pd.notna(ended) and day < ended
    early = ", до завершения ИОМ" if is_early else ""
    return f"выходная диагностика {day_or(day, '(дата неизвестна)')}{early}"


def before_events(day: pd.Timestamp | None, measures: Sequence[Mapping[str, Any]]) -> str:
    """Say that an exit test came before the first event of a route; empty where it did not.

    Parameters
    ----------
    day
        Last day of the exit test, if it is known.
    measures
        Rows of `route_measures` of the route; those without a day do not speak.
    """
    begun = [step[end] for step in measures for end in ("from_on", "to_on") if pd.notna(step[end])]
    if day is None or not begun or day >= min(begun):
        return ""
    return (
        f" (раньше первого мероприятия этого ИОМ, {wording.day(min(begun))}: что дали "
        "мероприятия, она не показывает)"
    )


def approvals(route: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """Who agrees to a route, and when they did; empty where it is to be signed."""
    about = route or {}
    yield "Педагог", ""
    yield "Региональный методист", day_or(about.get("agreed_by_methodist_on"), "")
    yield "Администрация организации", day_or(about.get("agreed_by_organization_on"), "")


def day_or(value: Any, missing: str) -> str:
    """Write a date as 21.11.2026, or say what is missing."""
    return missing if value is None or pd.isna(value) else wording.day(value)
