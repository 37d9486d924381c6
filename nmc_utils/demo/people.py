"""The staff of a demonstration region: a panel of invented people through its periods.

*Panel.* The same people through the periods, of whom `TURNOVER` leave between two periods and are
replaced. Municipalities differ in size (log-normal, the first is the largest); subject families
stand in the region's order from the largest, n ∝ 1/√rank. No two people share name and birthday.

*Ability.* General ability G = z + municipality effect N(0, `MUNICIPALITY_SD`²) + experience effect
(rises by `EXPERIENCE_GAIN` with experience, most of it in the first ten years, and falls by 0.01 a
year after thirty); its variance is about 1. Ability in domain d: θ_d = λ_d·G + √(1 − λ_d²)·u,
u ~ N(0, 1), with λ_d = `DOMAIN_LOADING`, so two domains correlate about λ_d·λ_e, 0.60–0.83.
Ability stays the same in all periods.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from nmc_utils.demonstration_sizes import Demonstration
from nmc_utils.editions import Period
from nmc_utils.regions import Region
from nmc_utils.system import RoadmapMeasure

TURNOVER = 0.05
FEMALE_SHARE = 0.85
TRAINED_SHARE = 0.7  #: of РМА members, at some time
MUNICIPALITY_SD = 0.25
EXPERIENCE_GAIN = 0.35
DOMAIN_LOADING = (0.90, 0.92, 0.88, 0.84, 0.72)  #: by order of the domains, repeated if need be

NAME = ["surname", "given", "patronymic", "born"]
DAY = pd.Timedelta(days=1)

_SURNAMES = """
Абрамов Авдеев Агафонов Александров Алексеев Андреев Антонов Афанасьев Баранов Белов Беляев Березин
Блинов Богданов Борисов Быков Васильев Виноградов Власов Волков Воробьёв Воронцов Гаврилов Герасимов
Голубев Горбунов Григорьев Гусев Давыдов Данилов Денисов Дмитриев Дорофеев Егоров Емельянов Ершов
Ефимов Жданов Жуков Журавлёв Зайцев Захаров Зиновьев Зотов Иванов Ильин Исаев Казаков Калинин Карпов
Киселёв Климов Козлов Комаров Кондратьев Королёв Крылов Кудрявцев Кузнецов Кузьмин Лаврентьев
Лазарев Лебедев Логинов Макаров Максимов Мальцев Марков Мартынов Матвеев Медведев Миронов Михайлов
Морозов Назаров Никитин Николаев Новиков Орлов Осипов Павлов Панов Пестов Петров Поляков Пономарёв
Попов Прохоров Родионов Романов Рябов Савельев Семёнов Сергеев Сидоров Смирнов Соболев Соколов
Соловьёв Сорокин Степанов Суханов Тарасов Титов Тихонов Третьяков Ушаков Фёдоров Филатов Фомин
Фролов Чернов Шестаков Широков Щербаков Юдин Яковлев
"""
_WOMEN = """
Александра Алёна Алла Анастасия Анна Валентина Валерия Вера Виктория Галина Дарья Диана Евгения
Екатерина Елена Жанна Зоя Инна Ирина Карина Кристина Ксения Лариса Лидия Любовь Людмила Марина Мария
Надежда Наталья Нина Оксана Ольга Полина Раиса Светлана София Тамара Татьяна Юлия
"""
_MEN = """
Александр Алексей Анатолий Андрей Антон Борис Вадим Валерий Василий Виктор Владимир Глеб Григорий
Денис Дмитрий Евгений Иван Игорь Кирилл Константин Максим Михаил Николай Олег Павел Роман Сергей
Станислав Фёдор Юрий
"""
_PATRONYMICS = """
Александрович Алексеевич Анатольевич Андреевич Антонович Борисович Вадимович Валерьевич Васильевич
Викторович Владимирович Григорьевич Денисович Дмитриевич Евгеньевич Иванович Игоревич
Константинович Максимович Михайлович Николаевич Олегович Павлович Петрович Романович Сергеевич
Степанович Фёдорович Юрьевич Яковлевич
"""


def stream(seed: int, *purpose: str) -> np.random.Generator:
    """Return the random stream of one purpose, whatever else is drawn and in which order."""
    words = [zlib.crc32(word.encode()) for word in purpose]
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))


def apportion(weights: np.ndarray, total: int, *, least: int = 0) -> np.ndarray:
    """Split `total` in proportion to `weights`, at least `least` each where `total` allows it."""
    least = min(least, total // len(weights))
    exact = weights / weights.sum() * (total - least * len(weights))
    counts = np.floor(exact).astype(int)
    missing = round(exact.sum()) - counts.sum()
    counts[np.argsort(counts - exact, kind="stable")[:missing]] += 1
    return counts + least


@dataclass(frozen=True)
class Population:
    """Everyone who works in the region in any of its periods.

    `people` is indexed 0…, municipality and family are numbers in the region's order; `theta` is
    person × domain; `present` gives the staff of each period; `weights` are the shares of the
    municipalities.
    """

    people: pd.DataFrame
    theta: np.ndarray
    present: dict[str, np.ndarray]
    weights: np.ndarray


@dataclass(frozen=True)
class Setting:
    """One edition to be simulated, and the panel that its staff are taken from."""

    definition: Region
    period: str
    size: Demonstration
    population: Population
    seed: int
    roadmap: tuple[RoadmapMeasure, ...] = ()

    def stream(self, *purpose: str) -> np.random.Generator:
        """Return a random stream of this region; name the period for one of this edition."""
        return stream(self.seed, self.definition.code, *purpose)

    @property
    def people(self) -> pd.DataFrame:
        """Everyone in the panel."""
        return self.population.people

    @property
    def family(self) -> np.ndarray:
        """Family of everyone in the panel."""
        return self.people["family"].to_numpy()

    @property
    def staff(self) -> np.ndarray:
        """Who works in this period."""
        return self.population.present[self.period]

    @property
    def is_first(self) -> bool:
        """Whether no period of the region comes before."""
        return self.period == next(iter(self.population.present))

    @property
    def domains(self) -> list[str]:
        """Codes of the domains."""
        return [domain.code for domain in self.definition.domains]


def draw_population(definition: Region, sizes: dict[str, Demonstration], seed: int) -> Population:
    """Draw the panel; `sizes` are those of all periods of the region, in order of time."""
    rng = stream(seed, definition.code, "population")
    present, joined = _presence(sizes, rng)
    n = len(joined)
    weights = _municipality_weights(definition, rng)
    family = _quota(_declining(len(definition.families)), n, rng)
    careers = _careers(sizes, joined, rng)
    people = pd.DataFrame(
        {
            "municipality": _quota(weights, n, rng),
            "family": family,
            "subject": _subjects(definition, family, rng),
            **_names(careers["born"], rng),
            **{name: dates for name, dates in careers.items() if name != "born"},
            **_circumstances(n, rng),
        }
    )
    people["name_order"] = people[NAME].sort_values(NAME).assign(at=range(n))["at"]
    people["ability"] = _general_ability(people, len(weights), rng)
    people["priority"] = people["ability"] + rng.normal(size=n)
    loading = np.resize(DOMAIN_LOADING, len(definition.domains))
    own = np.sqrt(1 - loading**2) * rng.normal(size=(n, len(loading)))
    return Population(
        people, loading * people["ability"].to_numpy()[:, None] + own, present, weights
    )


def _presence(
    sizes: dict[str, Demonstration], rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the staff of every period, and for each person the number of the first period."""
    present: dict[str, np.ndarray] = {}
    joined = roster = np.empty(0, dtype=int)
    for at, (period, size) in enumerate(sizes.items()):
        leaving = max(round(TURNOVER * len(roster)), len(roster) - size.staff)
        staying = rng.permutation(roster)[leaving:]
        entering = np.arange(size.staff - len(staying)) + len(joined)
        joined = np.concatenate([joined, np.full(len(entering), at)])
        roster = np.sort(np.concatenate([staying, entering]))
        present[period] = roster
    return present, joined


def _municipality_weights(definition: Region, rng: np.random.Generator) -> np.ndarray:
    """Shares of the staff: the relative sizes of the definition, drawn where it gives none."""
    given = [municipality.relative_size for municipality in definition.municipalities]
    if None not in given:
        return np.array(given) / sum(given)
    return drawn_weights(len(given), rng)


def drawn_weights(n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the shares of `n` municipalities, of which the first is the largest."""
    weights = rng.lognormal(0, 0.6, n)
    weights = np.maximum(weights / weights.sum(), 0.4 / n)
    largest = weights.argmax()
    weights[[0, largest]] = weights[[largest, 0]]
    return weights / weights.sum()


def _declining(n: int) -> np.ndarray:
    weights = 1 / np.sqrt(np.arange(1, n + 1))
    return weights / weights.sum()


def _quota(weights: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(np.repeat(np.arange(len(weights)), apportion(weights, n, least=1)))


def _subjects(definition: Region, family: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    subject = np.empty(len(family), dtype=object)
    for at, entry in enumerate(definition.families):
        members = np.flatnonzero(family == at)
        shares = _declining(len(entry.subjects))
        subject[members] = rng.choice(entry.subjects, len(members), p=shares)
    return subject


def _days(dates: list[date]) -> np.ndarray:
    return np.array(dates, dtype="datetime64[D]")


def _careers(
    sizes: dict[str, Demonstration], joined: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Dates of a working life; who joins after the first period is younger."""
    n = len(joined)
    start = _days([Period.parse(period).starts_on for period in sizes])[joined]
    ends = _days([size.as_of for size in sizes.values()])
    first_seen, last_seen, is_first = ends[0], ends[-1], joined == 0
    age = np.where(is_first, rng.normal(44, 11.5, n), 22 + rng.exponential(9, n))
    age = age.clip(22 + 3 * rng.random(n), 72 - 3 * rng.random(n))
    worked = (age - 21 - 2 * rng.random(n) - rng.exponential(2.5, n)).clip(0.1)
    since_career = (365 * worked).astype(int)
    share = rng.random(n)
    in_period = (0.8 * share * (ends[joined] - start).astype(int)).astype(int)
    hired = start + np.where(is_first, -(since_career * share).astype(int), in_period)
    until_seen = np.maximum((first_seen - hired).astype(int), 0)
    span = (last_seen - first_seen).astype(int) + 730
    return {
        "born": start - (365.25 * age).astype(int),
        "career_from": start - since_career,
        "experience_at_first": worked,
        "hired_on": hired,
        "second_from": hired + (until_seen * rng.random(n)).astype(int),
        "joined_rma_on": np.maximum(first_seen - rng.integers(30, 700, n), hired),
        "trained_on": first_seen - 365 + rng.integers(0, span, n),
    }


def _circumstances(n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What stays with a person through the periods; draws are uniform on 0–1."""
    employment = ["совместитель", "договор ГПХ", "штатный работник"]
    return {
        "education": np.where(rng.random(n) < 0.84, "высшее", "среднее профессиональное"),
        "category_draw": rng.random(n),
        "attested_phase": rng.integers(0, 5 * 365, n),
        "organization_draw": rng.random(n),
        "rate": rng.choice([1.0, 0.5, 1.25, 1.5], n, p=[0.7, 0.08, 0.14, 0.08]),
        "second_draw": rng.random(n),
        "second_place_draw": rng.random(n),
        "second_is_near": rng.random(n) < 0.5,
        "employment_form": rng.choice(employment, n, p=[0.6, 0.25, 0.15]),
        "max_groups": rng.integers(1, 4, n),
        "is_trained": rng.random(n) < TRAINED_SHARE,
    }


def _names(born: np.ndarray, rng: np.random.Generator) -> dict[str, pd.Series]:
    """Draw names; who would coincide in name and birthday gets another birthday."""
    n = len(born)
    is_woman = rng.random(n) < FEMALE_SHARE
    surname = rng.choice(_SURNAMES.split(), n).astype(object)
    patronymic = rng.choice(_PATRONYMICS.split(), n).astype(object)
    given = np.where(is_woman, rng.choice(_WOMEN.split(), n), rng.choice(_MEN.split(), n))
    surname[is_woman] += "а"
    patronymic[is_woman] = [name.removesuffix("ич") + "на" for name in patronymic[is_woman]]
    columns = (surname, given.astype(object), patronymic, born)
    frame = pd.DataFrame(dict(zip(NAME, columns, strict=True)))
    while (repeated := frame.duplicated(NAME)).any():
        frame.loc[repeated, "born"] -= rng.integers(1, 90, repeated.sum()) * DAY
    return dict(frame.items())


def _general_ability(
    people: pd.DataFrame, n_municipalities: int, rng: np.random.Generator
) -> np.ndarray:
    years = people["experience_at_first"].to_numpy()
    experience = EXPERIENCE_GAIN * (0.5 - np.exp(-years / 5)) - 0.01 * np.maximum(years - 30, 0)
    municipality = rng.normal(0, MUNICIPALITY_SD, n_municipalities)
    z = rng.normal(0, np.sqrt(1 - MUNICIPALITY_SD**2), len(people))
    return z + municipality[people["municipality"]] + experience
