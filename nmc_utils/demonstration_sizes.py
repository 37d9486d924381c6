"""Sizes of a demonstration edition: ``demonstration`` in ``region.yaml``."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from nmc_utils.definitions import Code, Definition
from nmc_utils.terms import (
    AGREEMENT_KINDS,
    DIRECTIONS,
    EVENT_KINDS,
    LEVELS,
    MENTORING_FORMS,
    PROGRAMME_BASES,
    REGISTRY_KINDS,
)

_BASE = Literal[tuple(PROGRAMME_BASES)]  # type: ignore[valid-type]
_POSITION = Literal["teacher", "manager"]
_LEVEL = Literal[tuple(LEVELS)]  # type: ignore[valid-type]
_DIRECTION = Literal[tuple(DIRECTIONS)]  # type: ignore[valid-type]


class ProgrammeBatch(Definition):
    """Programmes of one base and year: how many there are, were sent to expertise, were listed.

    The year is that of the period or one so many years before it. `title`, `topic` and `hours` are
    those of the first programme; without them the model gives them.
    """

    base: _BASE
    position: _POSITION = "teacher"
    years_before: int = Field(default=0, ge=0, le=20)
    n: int = Field(gt=0)
    expertise: int = Field(default=0, ge=0)
    registry: int = Field(default=0, ge=0)
    title: str | None = None
    topic: str | None = None
    hours: int | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.registry <= self.expertise <= self.n:
            raise ValueError("нужно registry ≤ expertise ≤ n: в реестр попадают после экспертизы")
        return self


class Learners(Definition):
    """How many people of a position finished a programme of one of the bases in the period.

    Of them `chosen` finished one of the federal registry that was chosen after diagnostics. There
    are at most as many as work in the position.
    """

    bases: tuple[_BASE, ...] = Field(min_length=1)
    position: _POSITION = "teacher"
    n: int = Field(gt=0)
    chosen: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _part(self) -> Self:
        if self.chosen > self.n:
            raise ValueError("chosen больше n")
        return self


class EventSeries(Definition):
    """Events of one title that a document counts; `works` are those sent to each contest."""

    title: str
    kind: Literal[tuple(EVENT_KINDS)]  # type: ignore[valid-type]
    level: _LEVEL
    direction: _DIRECTION
    n: int = Field(default=1, gt=0)
    works: int | None = Field(default=None, ge=0)


class Young(Definition):
    """Who counts as a young teacher, and the share of them who were supported in some form."""

    age: int = Field(gt=0)
    years: int = Field(gt=0)
    share: float = Field(ge=0, le=1)


class SupportSizes(Definition):
    """Sizes of the tables on support; a table without its size is not sent.

    `routes` are at most as many as were tested, `route_managers` of them those of managers.
    `events` are counted by level, `series` come besides them; `attendance` is the share of the
    staff who came to events of a direction. `mentoring` counts pairs by form, `teams` those
    trained, `registries` and `agreements` entries by kind. With `roadmap` the progress of every
    measure in ``system.yaml`` is sent.
    """

    routes: int | None = Field(default=None, gt=0)
    route_managers: int | None = Field(default=None, ge=0)
    programmes: tuple[ProgrammeBatch, ...] = ()
    completions: tuple[Learners, ...] = ()
    teams: int | None = Field(default=None, ge=0)
    mentoring: dict[Literal[tuple(MENTORING_FORMS)], int] = {}  # type: ignore[valid-type]
    young: Young | None = None
    events: dict[_LEVEL, int] = {}
    series: tuple[EventSeries, ...] = ()
    attendance: dict[_DIRECTION, float] = {}
    agreements: dict[Literal[tuple(AGREEMENT_KINDS)], int] = {}  # type: ignore[valid-type]
    acts: int = Field(default=0, ge=0)
    registries: dict[Literal[tuple(REGISTRY_KINDS)], int] = {}  # type: ignore[valid-type]
    roadmap: bool = False
    recommendations: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _programmes_to_finish(self) -> Self:
        for learners in self.completions:
            fitting = [
                batch
                for batch in self.programmes
                if batch.base in learners.bases and batch.position == learners.position
            ]
            if not fitting or (learners.chosen and not any(batch.registry for batch in fitting)):
                raise ValueError(
                    "completions: среди programmes нет программ с таким base и position"
                    f"{', внесённых в реестр (registry)' if fitting else ''}"
                )
        return self


class CountedProcedure(Definition):
    """A procedure of which a demonstration sends counts alone: how many were tested, and where."""

    code: Code
    organiser: str
    purpose: str
    tested: int = Field(gt=0)


class Demonstration(Definition):
    """Sizes of one demonstration edition; `notes` name the published fact behind each.

    With `totals_only` scores are sent for the whole test alone. Without `methodists` no РМА is
    sent. `counted` are further procedures, sent as counts. Sites that no document counts are a
    share of the organisations. Without `methodists_trained` the model draws who of them is.
    `low_performing_supported` schools have a date since which they are supported.
    """

    as_of: date
    staff: int = Field(gt=0)
    organizations: int = Field(gt=0)
    tested: int = Field(gt=0)
    items_per_domain: int = Field(gt=0)
    item_responses: bool
    totals_only: bool = False
    low_performing: int = Field(ge=0)
    mentoring: int = Field(ge=0)
    internship_sites: int | None = Field(default=None, ge=0)
    innovation_sites: int | None = Field(default=None, ge=0)
    methodists: dict[str, int] = {}
    counted: tuple[CountedProcedure, ...] = ()
    low_performing_supported: int | None = Field(default=None, ge=0)
    methodists_trained: int | None = Field(default=None, ge=0)
    support: SupportSizes = SupportSizes()
    notes: str

    @model_validator(mode="after")
    def _sendable(self) -> Self:
        if self.totals_only and self.item_responses:
            raise ValueError("totals_only и item_responses вместе невозможны")
        return self
