"""Programmes of a demonstration edition, who finished them, and teams that were trained.

*Programmes.* So many of each base and year as the sizes say; `THEMES` in turn, by subject family
where the themes are used up. The first of a batch went to expertise, the first of these came into
the federal registry, both within the year that the sizes name.

*Completions.* Drawn from the staff of the position: who finished a programme that was chosen after
diagnostics comes first from those tested, then from the others, who took their test before or
elsewhere. Nobody finishes two programmes in a period. Nobody finishes a chosen
programme before it is in the registry.

*Teams.* Every organisation has one; those trained are drawn.
"""

from __future__ import annotations

from itertools import count

import numpy as np
import pandas as pd

from nmc_utils.demo.scene import Scene, known_until
from nmc_utils.demonstration_sizes import Learners, ProgrammeBatch

#: Topic, title and hours of a programme.
THEMES = {
    "teacher": (
        ("функциональная грамотность", "Задания на функциональную грамотность на уроке", 36),
        (
            "проектирование образовательного процесса",
            "Урок по обновлённым ФГОС: от цели к плану",
            36,
        ),
        ("система оценки", "Оценивание, которое помогает учиться", 24),
        ("функциональная грамотность", "Читательская грамотность на каждом предмете", 24),
        ("психолого-педагогические технологии", "Работа с разными учениками в одном классе", 36),
        ("проектирование образовательного процесса", "Рабочая программа и её проверка", 18),
        ("цифровая среда", "Цифровые средства учителя", 18),
        ("воспитание", "Классный руководитель: работа с детским коллективом", 36),
        ("дети с ОВЗ", "Адаптированные задания для детей с ОВЗ", 36),
        ("молодой педагог", "Первые годы в школе", 24),
    ),
    "manager": (
        ("управление", "Управление школой по данным", 36),
        ("методическая работа", "Методическая служба школы", 24),
        ("школьная команда", "Управленческая команда: от диагностики к программе развития", 36),
    ),
}
YEAR = 365
SENT_WITHIN = (0.05, 0.40)  #: of the year or of the part of it that the edition tells of
LISTED_AFTER = (0.10, 0.35)  #: likewise, from there to the registry
TRAINED_FROM = 0.15  #: of the period
FROM_TESTED = 0.85  #: of those tested, who finish a chosen programme before others do
_PROVIDERS = {
    "institute": "институт развития образования",
    "innovation_site": "инновационная площадка",
    "academy": "Академия Минпросвещения России",
    "licence": "правообладатель программы",
    "other": "другая организация",
}


def draw_programmes(scene: Scene) -> pd.DataFrame:
    """Return the programmes of all batches, in the order of the sizes."""
    used = {position: count() for position in THEMES}
    programmes = pd.concat(
        [_batch(scene, batch, used) for batch in scene.size.programmes], ignore_index=True
    )
    number = programmes.groupby("year").cumcount() + 1
    ids = [f"П-{year}-{at:03d}" for year, at in zip(programmes["year"], number, strict=True)]
    return programmes.drop(columns="year").assign(programme_id=ids)


def _batch(scene: Scene, batch: ProgrammeBatch, used: dict[str, count[int]]) -> pd.DataFrame:
    """Draw a batch; an edition that lists it the year after draws the same."""
    year = scene.starts_on - YEAR * batch.years_before
    last = min(year + YEAR - 1, scene.ends_on)
    about = (str(year), batch.base, batch.position, batch.title or "")
    rng = scene.setting.stream("programmes", *about)
    length, n = int((last - year).astype(int)), batch.n
    sent = year + (length * rng.uniform(*SENT_WITHIN, n)).astype(int)
    listed = sent + (length * rng.uniform(*LISTED_AFTER, n)).astype(int)
    at = np.arange(n)
    themes = [_theme(scene, batch, next(used[batch.position])) for _ in at]
    if batch.title:
        topic, _, hours = themes[0]
        themes[0] = (batch.topic or topic, batch.title, batch.hours or hours)
    topics, titles, hours = zip(*themes, strict=True)
    return pd.DataFrame(
        {
            "year": str(year.astype("datetime64[Y]")),
            "title": titles,
            "topic": topics,
            "provider": _PROVIDERS.get(batch.base, scene.setting.definition.center),
            "base": batch.base,
            "position": batch.position,
            "hours": hours,
            "expertise_on": known_until(sent, last, at < batch.expertise),
            "registry_on": known_until(listed, last, at < batch.registry),
        }
    )


def _theme(scene: Scene, batch: ProgrammeBatch, number: int) -> tuple[str, str, int]:
    """The themes in turn, then again for each subject family."""
    themes = THEMES[batch.position]
    topic, title, hours = themes[number % len(themes)]
    if turn := number // len(themes):
        names = [
            family.name
            for family in scene.setting.definition.families
            if family.position == batch.position
        ]
        again, at = divmod(turn - 1, len(names))
        name = names[(at + number) % len(names)]
        title = f"{title} ({name}{f', часть {again + 1}' if again else ''})"
    return topic, title, hours


# --- who finished --------------------------------------------------------------------------------


def draw_completions(scene: Scene, programmes: pd.DataFrame) -> pd.DataFrame:
    """Return who finished what, one row a person."""
    rng = scene.stream("completions")
    waiting = _queue(scene, rng)
    parts = []
    for learners in scene.size.completions:
        mine = waiting[scene.is_manager(waiting) == (learners.position == "manager")]
        who = mine[: learners.n]
        waiting = waiting[~np.isin(waiting, who)]
        is_chosen = np.arange(len(who)) < learners.chosen
        for chosen in (True, False):
            people = who[is_chosen == chosen]
            parts.append(_finished(scene, people, programmes, learners, rng, chosen=chosen))
    completions = pd.concat(parts, ignore_index=True)
    return completions.assign(sender=scene.place_of[completions["who"]])


def _queue(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """The staff in the order in which they are trained: most of those tested come first."""
    staff = scene.setting.staff
    first = np.isin(staff, scene.entry.who) & (rng.random(len(staff)) < FROM_TESTED)
    return staff[np.lexsort((rng.random(len(staff)), ~first))]


def _finished(
    scene: Scene,
    who: np.ndarray,
    programmes: pd.DataFrame,
    learners: Learners,
    rng: np.random.Generator,
    *,
    chosen: bool,
) -> pd.DataFrame:
    """Draw a programme of the bases and position for each, and the day when it was finished."""
    fits = programmes["base"].isin(learners.bases) & (programmes["position"] == learners.position)
    since = programmes["registry_on"].to_numpy("datetime64[D]") + 1
    if chosen:
        fits &= programmes["registry_on"].notna()
    drawn = rng.choice(np.flatnonzero(fits), len(who))
    earliest = scene.starts_on + round(TRAINED_FROM * scene.days)
    begins = np.fmax(since[drawn], earliest) if chosen else np.full(len(who), earliest)
    room = (scene.ends_on - begins).astype(int) + 1
    return pd.DataFrame(
        {
            "who": who,
            "programme_id": programmes["programme_id"].to_numpy()[drawn],
            "finished_on": begins + (room * rng.random(len(who))).astype(int),
            "chosen_after_diagnostics": chosen,
        }
    )


def draw_teams(scene: Scene, programmes: pd.DataFrame | None) -> pd.DataFrame:
    """Return a team for each organisation, and when those that were trained finished."""
    rng = scene.stream("teams")
    n = len(scene.organizations)
    trained = np.zeros(n, dtype=bool)
    trained[rng.permutation(n)[: scene.size.teams or 0]] = True
    programme = np.full(n, None, dtype=object)
    if programmes is not None:
        of_managers = programmes.loc[programmes["position"] == "manager", "programme_id"]
        if len(of_managers):
            programme[trained] = rng.choice(of_managers.to_numpy(), trained.sum())
    return pd.DataFrame(
        {
            "sender": scene.organizations["sender"].to_numpy(),
            "organization_id": scene.organizations["organization_id"].to_numpy(),
            "trained_on": known_until(scene.during(rng, n, 0.2, 0.95), scene.ends_on, trained),
            "programme_id": programme,
        }
    )
