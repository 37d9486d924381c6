"""Events of a demonstration edition, and who came to them.

*Events.* So many of each level as the sizes say, besides the series that a document counts. Their
directions take turns, kinds and titles come from `PROGRAMME`; the place of one below the region is
drawn by the number of staff. They are held on working days of the period. Events of the region are
led by a member of the РМА; one about deficits is about a competence.

*Attendance.* Of the staff, as large a share as the sizes say comes to some event of a direction,
one or two of them: of the own municipality or of the whole region; people of routes come besides.
`participants` of an event are those who came and some from elsewhere.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nmc_utils.demo.scene import CENTRE, Scene
from nmc_utils.demonstration_sizes import EventSeries

#: Direction → kind and title of its events, in turn.
PROGRAMME: dict[str, tuple[tuple[str, str], ...]] = {
    "deficits": (
        ("workshop", "Практикум по итогам диагностики"),
        ("seminar", "Разбор трудных заданий диагностики"),
    ),
    "horizontal": (
        ("community", "Встреча предметного сообщества"),
        ("workshop", "Педагог – педагогу: мастерская коллег"),
        ("community", "Обмен уроками между школами"),
    ),
    "standards": (
        ("seminar", "Планирование урока по обновлённым ФГОС"),
        ("webinar", "Критерии оценивания: как договориться с учениками"),
    ),
    "young": (
        ("community", "День молодого педагога"),
        ("consultation", "Вопросы первого года работы"),
    ),
    "mentoring": (
        ("seminar", "Наставник и наставляемый: план на год"),
        ("conference", "Чтения о наставничестве"),
    ),
    "low_performing": (
        ("consultation", "Выездная консультация для школ с низкими результатами"),
        ("seminar", "Как школе поднять результаты"),
    ),
    "contests": (("consultation", "Подготовка участников конкурсов"),),
    "gifted": (("workshop", "Олимпиадные задачи: методика разбора"),),
    "disability": (("webinar", "Урок для класса, где учатся дети с ОВЗ"),),
    "attestation": (("consultation", "Портфолио к аттестации"),),
    "burnout": (("workshop", "Как беречь силы учителя"),),
    "experts": (("seminar", "Согласованная проверка развёрнутых ответов"),),
    "practices": (
        ("conference", "Ярмарка методических находок"),
        ("internship", "Стажировка на площадке"),
    ),
    "managers": (("seminar", "Школа управленца: данные для решений"),),
    "system": (("meeting", "Совещание методических служб"),),
}
#: Directions in the order of their events; what people learn from each other comes most often.
TURNS = ("horizontal", "deficits", "standards", "horizontal", "young", "practices", "horizontal")
OUTSIDE = 9  #: people from elsewhere at an event, fewer than
TWICE = 0.3  #: who come to a second event of the direction
LED = 0.9  #: of events of the region


def draw_events(scene: Scene) -> pd.DataFrame:
    """Return the events, without the number of participants; series first."""
    rng = scene.stream("events")
    series = [row for entry in scene.size.series for row in _of_series(entry)]
    drawn = [row for level, n in scene.size.events.items() for row in _of_level(level, n)]
    events = pd.DataFrame([*series, *drawn])
    events["works"] = events["works"].astype("Int64")
    n = len(events)
    is_local = events["level"].isin(["organization", "municipal"]).to_numpy()
    place = rng.choice(len(scene.setting.population.weights), n, p=scene.setting.population.weights)
    days = scene.during(rng, n, 0.03, 0.97)
    is_about = (events["direction"] == "deficits").to_numpy()
    domain = rng.integers(0, len(scene.setting.domains), n)
    return events.assign(
        event_id=[f"М-{scene.setting.period}-{at:03d}" for at in range(1, n + 1)],
        sender=np.where(is_local, place, CENTRE),
        municipality=pd.array(np.where(is_local, place, None), dtype="Int64"),
        domain=pd.array(np.where(is_about, domain, None), dtype="Int64"),
        subject=None,
        held_on=days,
        leader_id=_leaders(scene, ~is_local, rng),
    )


def _of_series(entry: EventSeries) -> list[dict[str, object]]:
    """Events of one title, told apart by their number."""
    about = entry.model_dump(include={"kind", "level", "direction", "works"})
    numbers = [f", встреча {at}" for at in range(1, entry.n + 1)] if entry.n > 1 else [""]
    return [{"title": f"{entry.title}{number}", **about} for number in numbers]


def _of_level(level: str, n: int) -> list[dict[str, object]]:
    """Directions in turn; an event says by its number which of its title it is."""
    directions = [*TURNS, *(name for name in PROGRAMME if name not in TURNS)]
    turns, rows = dict.fromkeys(PROGRAMME, 0), []
    for at in range(n):
        direction = directions[at % len(directions)]
        kinds = PROGRAMME[direction]
        number, which = divmod(turns[direction], len(kinds))
        kind, title = kinds[which]
        turns[direction] += 1
        rows.append(
            {
                "title": f"{title}, встреча {number + 1}" if number else title,
                "kind": kind,
                "level": level,
                "direction": direction,
                "works": None,
            }
        )
    return rows


def _leaders(scene: Scene, is_regional: np.ndarray, rng: np.random.Generator) -> pd.Series:
    members = scene.methodists["who"].to_numpy()
    led = is_regional & (rng.random(len(is_regional)) < LED)
    leaders = np.full(len(is_regional), np.nan)
    if len(members):
        leaders[led] = rng.choice(members, led.sum())
    return pd.Series(leaders).astype("Int64")


# --- who came ------------------------------------------------------------------------------------


def draw_attendance(
    scene: Scene, events: pd.DataFrame, by_routes: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the events with their participants, and who came to which.

    `by_routes` are those who came by their routes, with `who` and `event_id`.
    """
    rng = scene.stream("attendance")
    nobody = pd.DataFrame({"who": np.array([], dtype=int), "event_id": np.array([], dtype=object)})
    parts = [nobody if by_routes is None else by_routes]
    parts += [
        _came(scene, events[events["direction"] == direction], share, rng)
        for direction, share in scene.size.attendance.items()
    ]
    came = pd.concat(parts, ignore_index=True).drop_duplicates(["who", "event_id"])
    counts = events["event_id"].map(came["event_id"].value_counts()).fillna(0).astype(int)
    outside = rng.integers(0, OUTSIDE, len(events)) + np.where(counts == 0, 12, 0)
    came = came.assign(sender=scene.place_of[came["who"].to_numpy(int)])
    return events.assign(participants=counts + outside), came.reset_index(drop=True)


def _came(
    scene: Scene, events: pd.DataFrame, share: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw a share of the staff, each to one or two events that are held near or for all."""
    staff = scene.setting.staff
    who = rng.permutation(staff)[: round(share * len(staff))]
    sender, ids = events["sender"].to_numpy(), events["event_id"].to_numpy()
    parts = []
    for place in range(len(scene.setting.definition.municipalities)):
        mine = who[scene.place_of[who] == place]
        near = ids[(sender == place) | (sender == CENTRE)]
        if len(near):
            parts.append(pd.DataFrame({"who": mine, "event_id": rng.choice(near, len(mine))}))
            again = mine[rng.random(len(mine)) < TWICE]
            parts.append(pd.DataFrame({"who": again, "event_id": rng.choice(near, len(again))}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
