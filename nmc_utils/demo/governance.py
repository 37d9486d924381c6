"""What the centre keeps in a demonstration edition: agreements, acts, registries, plans.

*Agreements.* Of the tripartite ones one for each municipality in turn, the others without. *Acts.*
The first is the order on the РМА that the members name. *Registries.* People are drawn from the
staff, practices and communities have a title; sites are the organisations that are marked so.
*Roadmap.* Every measure of the region's roadmap. What other tables of the edition tell of, because
an indicator counts it or its result is a list that the centre keeps, is done; the other statuses
are drawn, together by `PROGRESS_SHARES`. What is due in a later year is still running.
*Recommendations.* So many of `ADVICE` in turn.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from nmc_utils.demo.people import apportion
from nmc_utils.demo.records import rma_act
from nmc_utils.demo.scene import Scene, known_until
from nmc_utils.system import RoadmapMeasure

PARTIES = {
    "tripartite": "{center}, орган управления образованием и организации: {place}",
    "cooperation": "{center} и вуз, готовящий учителей",
}
ACTS = (
    "О региональном методическом активе",
    "О проведении диагностики профессиональных компетенций",
    "О наставничестве педагогических работников",
    "О проведении мониторинга методического сопровождения",
    "О плане мероприятий на год",
    "О стажировочных площадках",
)
PROGRESS_SHARES = {"done": 0.62, "running": 0.2, "partly": 0.1, "planned": 0.05, "not_done": 0.03}
#: How the expected result of a measure begins that is a table of the edition itself.
KEPT_LISTS = ("Реестр", "Перечень", "Приказ")
SITES = {"internship_site": "is_internship_site", "innovation_site": "is_innovation_site"}
TITLED = {
    "practice": "Методическая находка {n}: {family}",
    "community": "Сообщество: {family}",
}
#: Addressee and text of a recommendation.
ADVICE = (
    ("region", "Продолжить диагностику по единой форме и сделать её итоги сопоставимыми по годам"),
    ("region", "Включить в план программы по компетенциям, где дефициты встречаются чаще"),
    ("municipality", "Довести до каждого педагога с ИОМ сроки и имя методиста"),
    ("municipality", "Провести встречи сообществ по предметам, где мало методистов"),
    ("organization", "Обсудить ход ИОМ на методическом совете до конца полугодия"),
    ("organization", "Закрепить наставника за каждым молодым педагогом"),
    ("methodist", "Провести аудит ИОМ за месяц до срока"),
    ("methodist", "Передать удачные разработки в банк практик"),
)


def draw_agreements(scene: Scene) -> pd.DataFrame:
    """Return the agreements of all kinds; they were signed in the two years before."""
    rng = scene.stream("agreements")
    names = list(scene.setting.definition.municipality_names.values())
    center, rows = scene.setting.definition.center, []
    for kind, n in scene.size.agreements.items():
        for at in range(n):
            place = at % len(names) if kind == "tripartite" else None
            word = "" if place is None else names[place]
            parties = PARTIES[kind].format(center=center, place=word)
            rows.append({"kind": kind, "parties": parties, "municipality": place})
    agreements = pd.DataFrame(rows)
    n = len(agreements)
    signed = scene.starts_on - rng.integers(60, 600, n)
    return agreements.assign(
        agreement_id=[f"С-{at:02d}" for at in range(1, n + 1)],
        municipality=agreements["municipality"].astype("Int64"),
        signed_on=signed,
        ends_on=scene.starts_on + rng.integers(370, 1100, n),
    )


def draw_acts(scene: Scene) -> pd.DataFrame:
    """Return the acts; each is issued in the year before or in the first quarter of the period."""
    rng = scene.stream("acts")
    period, n = scene.setting.period, min(scene.size.acts, len(ACTS))
    numbers = [f"демонстрационный приказ № {at}, {period}" for at in range(2, n + 1)]
    return pd.DataFrame(
        {
            "act_id": [rma_act(period), *numbers],
            "issued_on": scene.starts_on + rng.integers(-200, max(scene.days // 4, 1), n),
            "title": ACTS[:n],
            "replaces": None,
            "ends_on": pd.NaT,
        }
    )


def draw_registries(scene: Scene) -> pd.DataFrame:
    """Return the entries of all registries, with the sites that organisations are marked as."""
    rng = scene.stream("registries")
    parts = [_entries(scene, kind, n, rng) for kind, n in scene.size.registries.items()]
    parts += [_sites(scene, kind, flag) for kind, flag in SITES.items()]
    entries = pd.concat(parts, ignore_index=True)
    since = scene.starts_on - rng.integers(-scene.days, 500, len(entries))
    return entries.assign(
        municipality=entries["municipality"].astype("Int64"),
        holder_id=entries["holder_id"].astype("Int64"),
        since_on=np.minimum(since, scene.ends_on),
        to_on=pd.NaT,
    )


def _entries(scene: Scene, kind: str, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Entries that people hold; experienced ones by their priority and chance."""
    staff = scene.setting.people.loc[scene.setting.staff]
    draw = staff["priority"].to_numpy() + rng.gumbel(size=len(staff))
    holders = staff.index.to_numpy()[np.argsort(-draw, kind="stable")[:n]]
    names = list(scene.setting.definition.family_names.values())
    families = [names[at] for at in scene.setting.family[holders]]
    if kind == "community":
        families = [names[at % len(names)] for at in range(n)]
    title = TITLED.get(kind)
    return pd.DataFrame(
        {
            "kind": kind,
            "entry_id": [f"{kind}-{at:03d}" for at in range(1, len(holders) + 1)],
            "title": [
                title and title.format(n=at, family=family) for at, family in enumerate(families, 1)
            ],
            "organization_id": scene.workplace.reindex(holders).to_numpy(),
            "municipality": scene.place_of[holders],
            "holder_id": holders,
        }
    )


def _sites(scene: Scene, kind: str, flag: str) -> pd.DataFrame:
    marked = scene.organizations[scene.organizations[flag]]
    return pd.DataFrame(
        {
            "kind": kind,
            "entry_id": [f"{kind}-{at:03d}" for at in range(1, len(marked) + 1)],
            "title": None,
            "organization_id": marked["organization_id"].to_numpy(),
            "municipality": marked["municipality"].to_numpy(),
            "holder_id": None,
        }
    )


def draw_roadmap(scene: Scene, roadmap: tuple[RoadmapMeasure, ...]) -> pd.DataFrame:
    """Return the progress of each measure of the roadmap; what it is comes from the document."""
    rng = scene.stream("roadmap")
    n = len(roadmap)
    status = _progress(scene, roadmap, rng)
    is_done = status == "done"
    said = {
        "done": "Сделано, материалы в открытом разделе центра",
        "partly": "Сделана часть, остальное перенесено на следующий год",
        "running": "Идёт по плану",
        "not_done": "Не начиналось: нет исполнителя",
    }
    columns = ["direction", "group", "measure", "responsible", "co_executor", "due"]
    document = {
        name: [getattr(measure, name) for measure in roadmap]
        for name in (*columns, "expected_result")
    }
    evidence = [f"демонстрационный отчёт, с. {at}" for at in range(1, n + 1)]
    return pd.DataFrame(
        {
            "measure_id": [measure.id for measure in roadmap],
            **document,
            "status": status,
            "done_on": known_until(scene.during(rng, n, 0.1, 0.98), scene.ends_on, is_done),
            "result": [said.get(at) for at in status],
            "evidence": np.where(np.isin(status, ["done", "partly"]), evidence, None),
        }
    )


def _progress(
    scene: Scene, roadmap: tuple[RoadmapMeasure, ...], rng: np.random.Generator
) -> np.ndarray:
    """Draw the progress of the measures; what records of the edition tell of contradicts none."""
    is_told = np.array([bool(at.indicators) or _is_kept(at) for at in roadmap])
    shares = np.array(list(PROGRESS_SHARES.values()))
    counts = apportion(shares, len(roadmap))
    done = list(PROGRESS_SHARES).index("done")
    counts[done] = max(counts[done] - is_told.sum(), 0)
    rest = apportion(counts if counts.any() else shares, int((~is_told).sum()))
    status = np.full(len(roadmap), "done", dtype=object)
    status[~is_told] = rng.permutation(np.repeat(list(PROGRESS_SHARES), rest))
    year = str(scene.ends_on.astype("datetime64[Y]"))
    is_later = np.array([max(re.findall(r"20\d\d", at.due), default=year) > year for at in roadmap])
    return np.where(is_later & (status == "done"), "running", status)


def _is_kept(measure: RoadmapMeasure) -> bool:
    return (measure.expected_result or "").startswith(KEPT_LISTS)


def draw_recommendations(scene: Scene) -> pd.DataFrame:
    """Return the recommendations after the period before, to those who are to act on them."""
    rng = scene.stream("recommendations")
    n = min(scene.size.recommendations, len(ADVICE))
    addressees, texts = zip(*ADVICE[:n], strict=True)
    counts = apportion(np.array(list(PROGRESS_SHARES.values())), n)
    status = rng.permutation(np.repeat(list(PROGRESS_SHARES), counts))
    places = rng.integers(0, len(scene.setting.definition.municipalities), n)
    named = np.array(addressees) == "municipality"
    done = known_until(scene.during(rng, n, 0.2, 0.9), scene.ends_on, status == "done")
    return pd.DataFrame(
        {
            "recommendation_id": [f"Р-{at:02d}" for at in range(1, n + 1)],
            "addressee": addressees,
            "municipality": pd.array(
                np.where(named & (rng.random(n) < 0.5), places, None), dtype="Int64"
            ),
            "text": texts,
            "from_period": str(scene.starts_on.astype("datetime64[Y]").astype(int) + 1969),
            "due_on": scene.starts_on + rng.integers(scene.days // 2, scene.days + 60, n),
            "status": status,
            "done_on": done,
        }
    )
