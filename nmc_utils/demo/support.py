"""Support of people in a demonstration edition: mentoring pairs and young teachers.

*Mentoring.* Pairs of each form, among the people whose main workplace takes part in mentoring.
`WITHIN` of the pairs of people are of one organisation, `NEAR` of two in one municipality, where it
has two, the others of two municipalities; a mentor has worked longer than the one who is mentored.
A pair of teams is of two organisations and names no people. Each pair has a curator, a manager
where the mentored person works, and a tutor of the РМА, where there are such. Pairs work for an
academic year, those that are stopped for half as long.

*Young teachers.* Of those below the age and with so few years of work as the sizes say, the given
share is supported, in one to three of `FORMS`; besides them some who have just passed the limit of
years.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nmc_utils.demo.scene import Scene
from nmc_utils.demonstration_sizes import Young

WITHIN = 0.5
NEAR = 0.25
STOPPED = 0.04
BEYOND = 0.05  #: who are supported after the limit of years, as a share of those within it
FORMS = (
    "наставник",
    "школа молодого педагога",
    "консультации методиста",
    "клуб молодых педагогов",
    "стажировка у опытного педагога",
)
FORM_WEIGHTS = (0.38, 0.26, 0.18, 0.12, 0.06)
N_FORMS = (0.62, 0.28, 0.10)  #: one, two, three


def draw_mentoring(scene: Scene) -> pd.DataFrame:
    """Return the pairs of all forms."""
    rng = scene.stream("mentoring")
    taking_part = scene.organizations.loc[scene.organizations["in_mentoring"], "organization_id"]
    parts = [
        _teams(taking_part.to_numpy(), n, rng)
        if form == "teams"
        else _people(scene, taking_part.to_numpy(), form, n, rng)
        for form, n in scene.size.mentoring.items()
    ]
    pairs = pd.concat(parts, ignore_index=True)
    pairs = _led(scene, pairs, rng)
    n = len(pairs)
    begins = scene.starts_on - rng.integers(30, 120, n)
    ends = begins + rng.integers(270, 520, n)
    status = np.where(ends <= scene.ends_on, "done", "running")
    stopped = rng.random(n) < STOPPED
    midway = np.minimum(begins + (ends - begins) // 2, scene.ends_on)
    place = scene.organizations.set_index("organization_id")["sender"]
    return pairs.assign(
        mentoring_id=[f"Н-{scene.setting.period}-{at:03d}" for at in range(1, n + 1)],
        sender=pairs["mentee_organization_id"].map(place).to_numpy(),
        from_on=begins,
        to_on=np.where(stopped, midway, ends),
        status=np.where(stopped, "stopped", status),
    )


def _teams(taking_part: np.ndarray, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Pairs of organisations: a mentor of teams leads the team that follows in a drawn order."""
    order = rng.permutation(taking_part)
    return pd.DataFrame(
        {
            "form": "teams",
            "mentor_organization_id": np.resize(order, n),
            "mentee_organization_id": np.resize(np.roll(order, -1), n),
            "mentor_id": pd.array([None] * n, dtype="Int64"),
            "mentee_id": pd.array([None] * n, dtype="Int64"),
        }
    )


def _people(
    scene: Scene, taking_part: np.ndarray, form: str, n: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Pairs of people; everyone is mentored at most once, half by somebody of the same place."""
    staff = scene.workplace[scene.workplace.isin(taking_part)]
    staff = staff[scene.is_manager(staff.index.to_numpy()) == (form == "managers")]
    years = _years(scene, staff.index)
    order = rng.permutation(len(staff))
    by_years = order[np.argsort(years[order], kind="stable")]
    mentees = staff.iloc[by_years[: min(n, len(staff) // 2)]]
    mentors = staff.iloc[by_years[len(staff) // 2 :]]
    place = scene.organizations.set_index("organization_id")["sender"]
    bounds = np.cumsum([WITHIN, NEAR])
    reaches = np.searchsorted(bounds, rng.random(len(mentees)), "right")
    chosen = [
        _mentor(mentors, home, place, rng, reach=reach)
        for home, reach in zip(mentees, reaches, strict=True)
    ]
    return pd.DataFrame(
        {
            "form": form,
            "mentor_organization_id": mentors.loc[chosen].to_numpy(),
            "mentee_organization_id": mentees.to_numpy(),
            "mentor_id": pd.array(chosen, dtype="Int64"),
            "mentee_id": pd.array(mentees.index, dtype="Int64"),
        }
    )


def _years(scene: Scene, who: pd.Index) -> np.ndarray:
    since = scene.setting.people.loc[who, "career_from"]
    return (pd.Timestamp(scene.ends_on) - since).dt.days.to_numpy() / 365.25


def _mentor(
    mentors: pd.Series, home: str, place: pd.Series, rng: np.random.Generator, *, reach: int
) -> int:
    """Draw a mentor of the same organisation (0), municipality (1) or another one (2).

    Of any where there is none.
    """
    is_near = mentors.map(place) == place[home]
    fitting = mentors[(mentors == home, is_near & (mentors != home), ~is_near)[reach]]
    return int(rng.choice((fitting if len(fitting) else mentors).index))


def _led(scene: Scene, pairs: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Name a curator, a manager of the mentored side who is not in the pair, and a tutor."""
    managers = scene.workplace[scene.is_manager(scene.workplace.index.to_numpy())]
    at_home = {home: list(found.index) for home, found in managers.groupby(managers)}
    curators = []
    people = pairs[["mentor_id", "mentee_id"]].fillna(-1).to_numpy(int)
    for home, pair in zip(pairs["mentee_organization_id"], people, strict=True):
        free = [who for who in at_home.get(home, []) if who not in pair]
        curators.append(int(rng.choice(free)) if free else None)
    tutors = scene.methodists.loc[scene.methodists["role"] == "tutor", "who"].to_numpy()
    drawn = rng.choice(tutors, len(pairs)) if len(tutors) else [None] * len(pairs)
    return pairs.assign(
        curator_id=pd.array(curators, dtype="Int64"), tutor_id=pd.array(drawn, dtype="Int64")
    )


# --- young teachers ------------------------------------------------------------------------------


def draw_support(scene: Scene, young: Young) -> pd.DataFrame:
    """Return who was supported in which form; nobody twice in one form."""
    rng = scene.stream("support")
    mine = scene.setting.people.loc[scene.setting.staff]
    last = pd.Timestamp(scene.ends_on)
    is_young = (last - mine["born"]).dt.days < young.age * 365.25
    years = (last - mine["career_from"]).dt.days / 365.25
    within = mine.index[is_young & (years < young.years)]
    beyond = mine.index[is_young & (years >= young.years)]
    who = np.concatenate(
        [
            rng.permutation(within)[: round(young.share * len(within))],
            rng.permutation(beyond)[: round(BEYOND * len(within))],
        ]
    )
    n_forms = rng.choice(np.arange(1, len(N_FORMS) + 1), len(who), p=N_FORMS)
    drawn = [rng.choice(len(FORMS), n, replace=False, p=FORM_WEIGHTS) for n in n_forms]
    people = np.repeat(who, n_forms)
    given = scene.during(rng, len(people), 0.1, 0.98)
    hired = scene.setting.people.loc[people, "hired_on"].to_numpy("datetime64[D]") + 1
    return pd.DataFrame(
        {
            "who": people,
            "sender": scene.place_of[people],
            "form": np.array(FORMS)[np.concatenate(drawn)] if drawn else np.array([], dtype=str),
            "given_on": np.minimum(np.maximum(given, hired), scene.ends_on),
        }
    )
