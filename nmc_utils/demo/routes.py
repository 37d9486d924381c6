"""Individual routes of a demonstration edition, and what each of them consists of.

*Routes.* One for each of those tested at entry, or for so many of them as the sizes say, drawn at
random with the managers that the sizes name. A result of the whole test at or below the region's
lowest cut leads to a route of deficits, a higher one to a route of development. A route is drawn up
3–20 days after the test and is due `DUE_AFTER` days later; so a part of them falls due after the
date of the data. The organisation agrees to `AGREED_BY_ORGANIZATION` of them, the methodist to
`AGREED_BY_METHODIST`, in the weeks that follow. The methodists of the person's family take turns.

Of the routes that are due `FINISHED` are closed about the due day, the others are late; of those
not yet due `EARLY` are closed. `STOPPED` are given up. The audit falls within the month before the
due day and not after the closing, in `AUDITED` of the cases.

*Measures.* 3–5 for each route: one each of the person's own, of the organisation and of the
municipality, for `REGIONAL` of the routes an event of the region that comes later, and a second one
of the organisation where the route is of deficits. Their competence is the one where the person did
worst, for a route of development best.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nmc_utils.demo.diagnostics import Sitting
from nmc_utils.demo.scene import Scene, known_until

OPENED_AFTER = (3, 21)  #: days from the test
DUE_AFTER = (90, 330)  #: days from the opening
AGREED_BY_ORGANIZATION = 0.97
AGREED_BY_METHODIST = 0.94
FINISHED = 0.90
EARLY = 0.05
STOPPED = 0.015
AUDITED = 0.90
REGIONAL = 0.60
DONE_OF_RUNNING = 0.85  #: of the measures whose time has passed, in routes that are not closed

MONTH = 30 + 1  #: days before the due day within which a route is audited
_TITLES = {
    "personal": ("Самообразование по материалам банка практик", "Анализ видеозаписи своего урока"),
    "organization": ("Взаимопосещение уроков с обсуждением", "Открытое занятие для коллег"),
    "second": ("Разбор работ учеников с наставником", "Участие в работе методического совета"),
    "municipal": ("Практикум районного объединения", "Консультация муниципального координатора"),
}
_RESULTS = {
    "personal": ("план урока", "самоанализ"),
    "organization": ("разработка занятия", "карта наблюдения урока"),
    "municipal": ("разработка задания", "выступление"),
    "regional": ("отчёт участника", "разработка занятия"),
}


def draw_routes(
    scene: Scene, events: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return routes, their measures, and who came to which event by a route.

    `events` are those of `events`, None where none are sent.
    """
    rng = scene.stream("routes")
    chosen = _chosen(scene, rng)
    who = scene.entry.who[chosen]
    kind, domain = _directions(scene, scene.entry, chosen)
    routes = _stages(scene, _dates(scene, chosen, rng), rng)
    routes = routes.assign(
        route_id=[f"{scene.setting.period}-{at:04d}" for at in range(1, len(who) + 1)],
        who=who,
        sender=scene.place_of[who],
        kind=kind,
        methodist_id=_methodists(scene, who, rng),
    )
    measures = _measures(scene, routes, domain, events)
    came = measures[measures["event_id"].notna() & measures["is_done"]]
    return routes, measures.drop(columns="who"), came[["who", "event_id"]].drop_duplicates()


def _chosen(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Positions in the sitting of those for whom a route was drawn up."""
    size, tested = scene.size, scene.entry.who
    order = rng.permutation(len(tested))
    n = min(size.routes or 0, len(tested))
    if size.route_managers is None:
        return np.sort(order[:n])
    is_manager = scene.is_manager(tested)[order]
    managers = order[is_manager][: size.route_managers]
    return np.sort(np.concatenate([managers, order[~is_manager][: n - len(managers)]]))


def _directions(scene: Scene, entry: Sitting, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Kind of each route by the share right of the whole test, and the competence it is about."""
    by_domain = np.nansum(entry.answers[chosen], axis=2)
    share = by_domain.sum(axis=1) / entry.answers[0].size
    is_deficit = share <= scene.setting.definition.diagnostics.deficit_cut
    domain = np.where(is_deficit, by_domain.argmin(axis=1), by_domain.argmax(axis=1))
    return np.where(is_deficit, "deficit", "development"), domain


def _dates(scene: Scene, chosen: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Opening, due day and agreements; nothing is after the last day but due days."""
    n, last = len(chosen), scene.ends_on
    tested = scene.entry.taken_on[chosen].astype("datetime64[D]")
    opened = np.minimum(tested + rng.integers(*OPENED_AFTER, n), last)
    by_organization = opened + rng.integers(2, 15, n)
    by_methodist = by_organization + rng.integers(1, 11, n)
    agreed = rng.random(n) < AGREED_BY_ORGANIZATION
    led = rng.random(n) < AGREED_BY_METHODIST
    return pd.DataFrame(
        {
            "opened_on": opened,
            "due_on": opened + rng.integers(*DUE_AFTER, n),
            "agreed_by_organization_on": known_until(by_organization, last, agreed),
            "agreed_by_methodist_on": known_until(by_methodist, last, agreed & led),
        }
    )


def _stages(scene: Scene, routes: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Audit, end and status: agreed routes run, come to their end, or are late."""
    n, last = len(routes), scene.ends_on
    opened, due = (routes[name].to_numpy("datetime64[D]") for name in ("opened_on", "due_on"))
    agreed = routes["agreed_by_methodist_on"].notna().to_numpy()
    audited = known_until(due - rng.integers(1, MONTH, n), last, agreed & _chance(rng, n, AUDITED))
    early = opened + ((due - opened).astype(int) * rng.uniform(0.6, 0.85, n)).astype(int)
    around = np.minimum(due + rng.integers(-7, 4, n), last)
    is_due = due <= last
    finished = agreed & np.where(
        is_due, _chance(rng, n, FINISHED), (early <= last) & _chance(rng, n, EARLY)
    )
    closed = known_until(np.where(is_due, around, early), last, finished)
    stopped = ~finished & _chance(rng, n, STOPPED)
    status = np.select([finished, stopped, agreed], ["done", "stopped", "running"], "drawn_up")
    audited = np.where(finished & ~is_due, np.datetime64("NaT", "D"), audited)
    a_month_before = (routes["due_on"] - pd.DateOffset(months=1)).to_numpy("datetime64[D]")
    audited = np.where(np.isnat(audited), audited, np.fmin(audited, closed))
    audited = np.where(np.isnat(audited), audited, np.maximum(audited, a_month_before))
    return routes.assign(audited_on=audited, closed_on=closed, status=status)


def _chance(rng: np.random.Generator, n: int, share: float) -> np.ndarray:
    return rng.random(n) < share


def _methodists(scene: Scene, who: np.ndarray, rng: np.random.Generator) -> pd.Series:
    """The methodists of the person's family in turn; none where the family has none."""
    family = scene.setting.family
    leading = scene.methodists.loc[scene.methodists["role"] == "methodist", "who"].to_numpy(int)
    chosen = np.full(len(who), np.nan)
    for at in range(len(scene.setting.definition.families)):
        own, people = leading[family[leading] == at], np.flatnonzero(family[who] == at)
        if len(own):
            chosen[rng.permutation(people)] = np.resize(own, len(people))
    return pd.Series(chosen).astype("Int64")


# --- what a route consists of --------------------------------------------------------------------


def _measures(
    scene: Scene, routes: pd.DataFrame, domain: np.ndarray, events: pd.DataFrame | None
) -> pd.DataFrame:
    rng = scene.stream("route measures")
    parts = [
        _of_level(scene, routes, domain, name, rng)
        for name in ("personal", "organization", "municipal")
    ]
    second = (routes["kind"] == "deficit").to_numpy() & _chance(rng, len(routes), 0.7)
    parts.append(_of_level(scene, routes[second], domain[second], "second", rng))
    if events is not None:
        parts.append(_regional(scene, routes, events, rng))
    measures = pd.concat(parts, ignore_index=True)
    return measures.sort_values(["route_id", "at"], kind="stable", ignore_index=True).drop(
        columns="at"
    )


def _of_level(
    scene: Scene,
    routes: pd.DataFrame,
    domain: np.ndarray,
    titles: str,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """One measure for each of `routes`, between its opening and its end."""
    n, level = len(routes), titles if titles in _RESULTS else "organization"
    opened, end = _span(routes)
    length = (end - opened).astype(int)
    starts = opened + (length * rng.uniform(0.02, 0.55, n)).astype(int)
    ends = starts + (length * rng.uniform(0.05, 0.40, n)).astype(int)
    return pd.DataFrame(
        {
            "at": list(_TITLES).index(titles),
            "route_id": routes["route_id"].to_numpy(),
            "who": routes["who"].to_numpy(),
            "sender": routes["sender"].to_numpy(),
            "level": level,
            "title": rng.choice(_TITLES[titles], n),
            "event_id": None,
            "domain": pd.array(domain, dtype="Int64"),
            "from_on": starts,
            "to_on": ends,
            "result_form": rng.choice(_RESULTS[level], n),
            "is_done": _is_done(scene, routes, ends, rng),
        }
    )


def _span(routes: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """From the opening of each route to the day when it was closed, else to its due day."""
    end = routes["closed_on"].fillna(routes["due_on"])
    return routes["opened_on"].to_numpy("datetime64[D]"), end.to_numpy("datetime64[D]")


def _is_done(
    scene: Scene, routes: pd.DataFrame, ends: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """What has passed is mostly done, in a closed route all of it; nothing before agreement."""
    done = _chance(rng, len(routes), DONE_OF_RUNNING) & (ends <= scene.ends_on)
    status = routes["status"].to_numpy()
    return np.select([status == "done", status == "running"], [True, done], False)


def _regional(
    scene: Scene, routes: pd.DataFrame, events: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """An event of the region after the opening and before the end, where there is one."""
    regional = events[events["level"] == "regional"].sort_values("held_on", kind="stable")
    held = regional["held_on"].to_numpy("datetime64[D]")
    opened, end = _span(routes)
    first = np.searchsorted(held, opened, "right")
    n_later = np.searchsorted(held, end, "right") - first
    wanted = _chance(rng, len(routes), REGIONAL) & (n_later > 0)
    drawn = first + (rng.random(len(routes)) * n_later).astype(int)
    mine, event = routes[wanted], regional.iloc[drawn[wanted]]
    days = event["held_on"].to_numpy("datetime64[D]")
    done = _is_done(scene, mine, days, rng) & (days <= scene.ends_on)
    return pd.DataFrame(
        {
            "at": len(_TITLES),
            "route_id": mine["route_id"].to_numpy(),
            "who": mine["who"].to_numpy(),
            "sender": mine["sender"].to_numpy(),
            "level": "regional",
            "title": event["title"].to_numpy(),
            "event_id": event["event_id"].to_numpy(),
            "domain": event["domain"].to_numpy(),
            "from_on": days,
            "to_on": days,
            "result_form": rng.choice(_RESULTS["regional"], len(mine)),
            "is_done": done,
        }
    )
