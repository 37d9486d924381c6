"""How a region forms seminar groups: the part `seminars` of its ``region.yaml``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time, timedelta
from itertools import combinations
from math import comb
from typing import Any

import pandas as pd
from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from nmc_utils.definitions import Code, Definition, misplaced, unique

#: Topic sets that a plan is made of at most: up to four topics of twenty domains.
MAX_TOPIC_SETS = 6_195
WORKING_HOURS = 8  #: sessions of one person on one day last no longer together
LAST_HOUR = 20  #: when the last session of a day ends at the latest
#: Missing distances that one refusal names.
_SHOWN = 12
_AT = "15:00"
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


def topic_sets(n_domains: int, topics: int) -> int:
    """Count the sets of at most so many topics."""
    return sum(comb(n_domains, k) for k in range(1, topics + 1))


class JointFamily(Definition):
    """Families that learn together where each of them has too few people for a group."""

    code: Code
    name: str
    families: tuple[Code, ...] = Field(min_length=2)


class Sessions(Definition):
    """The rhythm that a calendar skeleton lays dates in: one session a topic, every `days` days.

    `at` is when the first session of a day begins: by default after lessons.
    """

    days: int = Field(default=14, gt=0, le=366)
    hours: int = Field(default=2, gt=0, le=12)
    at: str = _AT

    @field_validator("at", mode="before")
    @classmethod
    def _clock(cls, at: object) -> str:
        # YAML reads a bare 15:00 as the number 900, so that only a text can be trusted
        if not isinstance(at, str) or not _CLOCK.fullmatch(at):
            raise ValueError(f'«{at}» не подходит; укажите часы и минуты в кавычках: "15:00"')
        return at

    @model_validator(mode="after")
    def _ends_in_time(self) -> Sessions:
        if self.per_day < 1:
            raise ValueError(
                f"занятие с {self.at} (часов: {self.hours}) кончится позже {LAST_HOUR}:00; "
                "начните раньше (at) или сократите его (hours)"
            )
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave the usual hour out, so that runs from before there was this key are still read."""
        content = written(self)
        if self.at == _AT:
            content.pop("at", None)
        return content

    @property
    def begins(self) -> time:
        """When the first session of a day begins."""
        return time.fromisoformat(self.at)

    @property
    def per_day(self) -> int:
        """How many sessions of one person fit into a day: none ends after `LAST_HOUR`."""
        begins = timedelta(hours=self.begins.hour, minutes=self.begins.minute)
        room = min(timedelta(hours=LAST_HOUR) - begins, self._longest_day)
        return room // timedelta(hours=self.hours)

    @property
    def _longest_day(self) -> timedelta:
        """Working hours; one session may be longer."""
        return timedelta(hours=max(WORKING_HOURS, self.hours))


class Seminars(Definition):
    """Sizes, prices, joint families and distances of the region's seminar groups.

    `distances` are between municipalities, in any one unit (`distance_unit`), the same both ways;
    with them a group in which nobody has further than `on_site_within` meets on site, others at
    a distance.
    """

    size: tuple[int, int] = (12, 25)
    topics: int = Field(default=3, ge=1, le=5)
    unneeded_cost: float = Field(default=0.5, ge=0)
    rounds: int = Field(default=2, ge=1, le=6)
    joint_families: tuple[JointFamily, ...] = ()
    distances: dict[Code, dict[Code, float]] = {}
    distance_unit: str = "км"
    on_site_within: float | None = Field(default=None, ge=0)
    sessions: Sessions = Sessions()

    @field_validator("size")
    @classmethod
    def _bounds(cls, size: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= size[0] <= size[1]:
            raise ValueError("size — наименьшее и наибольшее число человек: [12, 25]")
        return size

    @field_validator("joint_families")
    @classmethod
    def _apart(cls, joint: tuple[JointFamily, ...]) -> tuple[JointFamily, ...]:
        unique(joint, "code")
        seen: set[str] = set()
        for place, entry in enumerate(joint):
            for number, family in enumerate(entry.families):
                if family in seen:
                    where = (place, "families", number)
                    raise misplaced(where, f"«{family}» повторяется; у каждой группы он один раз")
                seen.add(family)
        return joint

    @field_validator("distances")
    @classmethod
    def _one_way(cls, distances: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        for here, row in distances.items():
            for there, value in row.items():
                if value < 0 or (here == there and value):
                    raise misplaced((here, there), f"«{value:g}» не подходит: это не расстояние")
                if distances.get(there, {}).get(here, value) != value:
                    raise misplaced(
                        (here, there),
                        f"{value:g} туда и {distances[there][here]:g} обратно; оставьте одно число",
                    )
        return distances

    @model_validator(mode="after")
    def _measured(self) -> Seminars:
        if self.on_site_within is not None and not self.distances:
            raise misplaced(("on_site_within",), "без distances не нужен: расстояний нет")
        return self

    def check(self, families: Mapping[str, str], places: Mapping[str, str], n_domains: int) -> None:
        """Refuse codes that the region has not, lacking distances, and too many topics."""
        n_sets = topic_sets(n_domains, self.topics)
        if n_sets > MAX_TOPIC_SETS:
            raise misplaced(
                ("seminars", "topics"),
                f"{self.topics} тем из {n_domains} компетенций — это {n_sets} наборов, а план "
                f"составляют не больше чем из {MAX_TOPIC_SETS}; уменьшите topics",
            )
        for place, joint in enumerate(self.joint_families):
            if joint.code in families:
                where = ("seminars", "joint_families", place, "code")
                raise misplaced(where, f"«{joint.code}» — уже код предметной группы")
            for number, family in enumerate(joint.families):
                if family not in families:
                    raise misplaced(
                        ("seminars", "joint_families", place, "families", number),
                        f"нет предметной группы «{family}»; есть: {', '.join(families)}",
                    )
        for here, row in self.distances.items():
            for there in (here, *row):
                if there not in places:
                    raise misplaced(
                        ("seminars", "distances", here),
                        f"нет муниципального образования «{there}»; есть: {', '.join(places)}",
                    )
        if self.distances:
            known = {frozenset((a, b)) for a, row in self.distances.items() for b in row}
            lacking = [pair for pair in combinations(places, 2) if frozenset(pair) not in known]
            if lacking:
                named = "; ".join(f"{here} — {there}" for here, there in lacking[:_SHOWN])
                more = f" и ещё {len(lacking) - _SHOWN}" if len(lacking) > _SHOWN else ""
                raise misplaced(
                    ("seminars", "distances"), f"нет расстояний: {named}{more}; внесите все пары"
                )

    @property
    def joint_names(self) -> dict[str, str]:
        """Code of a joint family → its name."""
        return {joint.code: joint.name for joint in self.joint_families}

    def distance_table(self, places: Mapping[str, str]) -> pd.DataFrame | None:
        """Municipality × municipality; None where no distances are given."""
        if not self.distances:
            return None
        codes = list(places)
        table = pd.DataFrame(0.0, codes, codes)
        for here, row in self.distances.items():
            for there, value in row.items():
                table.loc[here, there] = table.loc[there, here] = value
        return table
