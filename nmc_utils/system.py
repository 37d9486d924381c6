"""What a region's documents say of the system besides numbers: ``system.yaml``.

Who does what in the system, by which acts and agreements, under which roadmap and plans; and where
the documents disagree with themselves or with each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import Field, field_validator, model_validator

from nmc_utils.definitions import (
    Code,
    Definition,
    Location,
    misplaced,
    read_definition,
    refusal,
    unique,
)
from nmc_utils.regions import Region, read_facts
from nmc_utils.terms import AGREEMENT_KINDS, LEVELS

FILE = "system.yaml"
#: Parts of the file whose entries say where they stand.
_SOURCED = ("subjects", "acts", "agreements", "roadmap", "plans", "communities")
_SOURCED += ("low_performing_in", "contests")

#: What a subject of the system does, in the common words of the three regions; the order of a
#: matrix.
FUNCTIONS: dict[str, str] = {
    # управление
    "federal_coordination": "координирует единую федеральную систему",
    "activists_network": "сопровождает сеть региональных методических активов",
    "approve_regulation": "утверждает положение о системе",
    "approve_roadmap": "утверждает дорожную карту",
    "approve_monitoring": "утверждает систему мониторинга",
    "conditions": "обеспечивает условия: кадры, деньги, оснащение",
    "monitor": "проводит мониторинг системы",
    "analyse": "анализирует показатели и готовит рекомендации",
    "coordinate": "координирует систему",
    "federal_link": "взаимодействует с федеральным координатором и порталом",
    "methodical_work": "координирует методическую работу на своей территории",
    "workforce_need": "изучает потребность в педагогических кадрах",
    "founder_tasks": "выполняет иные задачи учредителя",
    "documents": "участвует в разработке документов системы",
    "municipal_network": "создаёт сеть муниципальной методической поддержки",
    # диагностика и маршруты
    "diagnose": "выявляет профессиональные дефициты",
    "quality_assessment": "сопровождает процедуры оценки качества образования",
    "requests": "изучает запросы педагогов",
    "take_route": "проходит диагностику и выполняет свой ИОМ",
    "routes": "составляет и сопровождает ИОМ",
    "agree_routes": "согласует ИОМ",
    "audit_routes": "проводит аудит ИОМ за месяц до срока",
    "transfer": "помогает перенести освоенное в практику",
    # программы
    "programmes": "разрабатывает программы ДПО",
    "training": "организует обучение по программам ДПО",
    "initial_training": "готовит и переподготавливает педагогические кадры",
    "expertise": "проводит экспертизу программ и материалов",
    "programme_data": "даёт сведения о программах для паспорта ДПО",
    "registry_tutoring": "ведёт тьюторское сопровождение программ Федерального реестра",
    "post_course": "ведёт посткурсовое сопровождение",
    "cascade": "проводит практическую часть программ каскадной модели",
    "internships": "организует стажировки",
    # поддержка
    "support": "оказывает адресную методическую поддержку",
    "young": "поддерживает педагогов до 35 лет в первые три года работы",
    "mentoring": "внедряет наставничество педагогов",
    "low_performing": "помогает школам с низкими результатами",
    "find_low_performing": "выявляет школы с низкими результатами",
    "peer_learning": "организует взаимообучение педагогов",
    "motivation": "создаёт среду для саморазвития педагогов",
    # содержание
    "events": "проводит мероприятия для педагогов",
    "contests": "проводит профессиональные конкурсы",
    "practices": "выявляет и распространяет лучшие практики",
    "presenting": "обобщает и представляет опыт, помогает в этом педагогам",
    "content": "занимается содержанием и методикой обучения",
    "innovation": "сопровождает инновации и инновационные площадки",
    "materials": "даёт методические рекомендации и материалы",
    "databases": "ведёт базы практик, ресурсов и потребностей",
    "inform": "знакомит с новым в образовании",
    "communities": "координирует сообщества и объединения педагогов",
    "experts": "участвует в экспертизе и вовлекает в неё педагогов",
}

#: Checks that find a discrepancy without being told; a known one names those that find it.
CHECKS: dict[str, str] = {
    "sum": "сумма частей",
    "share": "доля и её числа",
    "act": "номера и адреса актов",
    "population": "чья это доля",
    "denominator": "числа, из которых доля",
    "jump": "скачок ряда",
    "changed": "чьё это число, изменилось",
    "period": "числа разных периодов",
    "target": "количество с планом в процентах",
    "undated": "план без срока",
    "inexact": "приблизительное число",
    "small": "доля от малого числа",
    "no_actual": "план без фактического числа",
}

_LEVEL = Literal[tuple(LEVELS)]  # type: ignore[valid-type]
_AGREEMENT = Literal[tuple(AGREEMENT_KINDS)]  # type: ignore[valid-type]
_CHECK = Literal[tuple(CHECKS)]  # type: ignore[valid-type]
Text = Annotated[str, Field(min_length=1)]


class Sourced(Definition):
    """An entry that says in which document of the region it stands, and where."""

    document: str
    section: Text


class Function(Definition):
    """What a subject does, by a code of `FUNCTIONS`, and where a document says so.

    In the file a bare code is enough: `document` and `section` are then those of the subject.
    `is_inferred` marks a function whose doer the document does not name there.
    """

    code: str
    document: str | None = None
    section: Text | None = None
    is_inferred: bool = False


class Subject(Sourced):
    """A subject of the system, its level and what it does.

    `document` and `section` are where it is named and, unless a function has its own, where its
    functions are. Without `functions` the documents do not say what it does; `since` is the year
    from which it belongs to the system, where a document says so.
    """

    id: Code
    name: Text
    level: _LEVEL
    functions: tuple[Function, ...] = ()
    since: int | None = None

    @field_validator("functions", mode="before")
    @classmethod
    def _bare_codes(cls, functions: Any) -> Any:
        if not isinstance(functions, list | tuple):
            return functions
        return [{"code": entry} if isinstance(entry, str) else entry for entry in functions]

    @field_validator("functions")
    @classmethod
    def _known(cls, functions: tuple[Function, ...]) -> tuple[Function, ...]:
        codes = [function.code for function in functions]
        for place, code in enumerate(codes):
            if code not in FUNCTIONS:
                raise misplaced((place, "code"), _unknown("функции", code, FUNCTIONS))
            if code in codes[:place]:
                raise misplaced((place, "code"), f"«{code}» повторяется; оставьте одну запись")
        return functions

    def source_of(self, function: Function) -> tuple[str, str]:
        """Document and section that give the subject this function."""
        return function.document or self.document, function.section or self.section


class Act(Sourced):
    """A legal act that a document names; `numbers` are all that the documents give it.

    `replaces` is the id of the act that it repeals, `address` where the documents say it stands.
    """

    id: Code
    title: Text
    numbers: tuple[Text, ...] = ()
    dated: date | None = None
    replaces: Code | None = None
    address: str | None = None
    note: str | None = None


class RoadmapMeasure(Sourced):
    """A measure of the roadmap; records of its progress have the same id.

    `group` is the system-forming measure that it belongs to.
    """

    id: Text
    direction: Text
    group: Text
    measure: Text
    responsible: Text
    co_executor: str | None = None
    due: Text
    expected_result: Text
    indicators: tuple[Code, ...] = ()


class Told(Sourced):
    """What a later document says of a plan."""

    what: Text


class Plan(Sourced):
    """What a document plans outside the roadmap.

    For `year`, or for the time that the document calls «до `until` года»; without both for every
    year or no given one. `told_by` is what another document says was done of it.
    """

    id: Code
    year: int | None = None
    until: int | None = None
    what: Text
    told_by: Told | None = None

    @model_validator(mode="after")
    def _one_time(self) -> Plan:
        if self.year is not None and self.until is not None:
            raise misplaced(("until",), "названы и year, и until; оставьте одно")
        return self


class Agreement(Sourced):
    """Agreements of one kind that a document names; `count` is missing where it gives none."""

    id: Code
    kind: _AGREEMENT
    parties: Text
    count: int | None = Field(default=None, gt=0)


class Community(Sourced):
    """A professional community of teachers that a document lists by name."""

    id: Code
    name: Text


class LowPerformingIn(Sourced):
    """A municipality where a document says there are schools with low results, and in which year.

    Neither schools nor their number: only that the support goes there.
    """

    municipality: Code
    year: int


class Contest(Sourced):
    """A contest for teachers that a document names; one entry each time that it was held.

    `held` is when, in the words of the document, `ends_on` the last day that these words allow.
    """

    id: Code
    name: Text
    held: Text
    ends_on: date
    is_mentoring: bool = False
    nominations: tuple[Text, ...] = ()


class Sum(Definition):
    """Metrics that must add up to another; `unnumbered` parts are named without a number.

    `periods` are those of the parts, where they are others than the total's.
    """

    total: Code
    period: Text
    parts: tuple[Code, ...] = Field(min_length=1)
    periods: tuple[Text, ...] = ()
    unnumbered: int = Field(default=0, ge=0)

    @property
    def total_fact(self) -> list[tuple[str, str]]:
        """Metric and period of the total."""
        return [(self.total, self.period)]

    @property
    def part_facts(self) -> list[tuple[str, str]]:
        """Metric and period of every part."""
        periods = self.periods or (self.period,)
        return [(metric, period) for metric in self.parts for period in periods]


class Discrepancy(Definition):
    """A known contradiction or gap of the documents, and how the product treats it.

    `checks` are those of `CHECKS` that find it without being told; `is_inferred` marks what is a
    conclusion of ours. One that concerns several regions stands in the file of each.
    """

    id: int = Field(gt=0)
    title: Text
    what: Text
    treatment: Text
    places: tuple[Text, ...] = Field(min_length=1)
    metrics: tuple[Code, ...] = ()
    indicators: tuple[Code, ...] = ()
    acts: tuple[Code, ...] = ()
    checks: tuple[_CHECK, ...] = ()
    is_inferred: bool = False


class System(Definition):
    """Everything of ``system.yaml``; empty for a region without the file.

    `document_years` gives the year of which a document speaks: an edition of an earlier period
    does not tell what it names or plans. A document that is not there belongs to every period.
    """

    document_years: dict[str, int] = Field(default_factory=dict)
    subjects: tuple[Subject, ...] = ()
    acts: tuple[Act, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    roadmap: tuple[RoadmapMeasure, ...] = ()
    plans: tuple[Plan, ...] = ()
    communities: tuple[Community, ...] = ()
    low_performing_in: tuple[LowPerformingIn, ...] = ()
    contests: tuple[Contest, ...] = ()
    sums: tuple[Sum, ...] = ()
    discrepancies: tuple[Discrepancy, ...] = ()

    @field_validator(
        *("subjects", "acts", "agreements", "roadmap", "plans", "communities", "contests"),
        "discrepancies",
    )
    @classmethod
    def _own_ids(cls, entries: tuple[Any, ...]) -> tuple[Any, ...]:
        unique(entries, "id")
        return entries

    @field_validator("low_performing_in")
    @classmethod
    def _once_a_year(cls, entries: tuple[LowPerformingIn, ...]) -> tuple[LowPerformingIn, ...]:
        named = [(entry.municipality, entry.year) for entry in entries]
        for place, pair in enumerate(named):
            if pair in named[:place]:
                reason = f"«{pair[0]}» за {pair[1]} повторяется; оставьте одну запись"
                raise misplaced((place, "municipality"), reason)
        return entries

    @model_validator(mode="after")
    def _known_acts(self) -> System:
        known = {act.id for act in self.acts}
        used: list[tuple[Location, str]] = [
            (("acts", place, "replaces"), act.replaces)
            for place, act in enumerate(self.acts)
            if act.replaces is not None
        ]
        for place, act in enumerate(self.acts):
            if act.replaces == act.id:
                raise misplaced(
                    ("acts", place, "replaces"),
                    f"«{act.id}» отменяет сам себя; назовите прежний акт",
                )
        for place, entry in enumerate(self.discrepancies):
            used += [
                (("discrepancies", place, "acts", number), act)
                for number, act in enumerate(entry.acts)
            ]
        for location, act in used:
            if act not in known:
                raise misplaced(location, _unknown("акта", act, known))
        return self


def read_system(root: Path, region: Region) -> System:
    """Read ``system.yaml`` of a region and check it against ``region.yaml`` and ``published.csv``.

    Parameters
    ----------
    root
        Data root.

    Returns
    -------
    System
        An empty one where the region has no such file.

    Raises
    ------
    DefinitionError
        The file is wrong, or names a document, a municipality, an indicator or a metric that the
        region has not.
    """
    path = root / "regions" / region.code / FILE
    if not path.is_file():
        return System()
    system = read_definition(path, System)
    if wrong := next(_wrong_references(system, region, read_facts(root, region)), None):
        raise refusal(path, *wrong)
    return system


def _wrong_references(
    system: System, region: Region, facts: pd.DataFrame
) -> Iterator[tuple[Location, str]]:
    """Where the file names what the region has not, and what it has."""
    metrics = set(facts["metric"])
    indicators = {indicator.id for indicator in region.indicators}
    yield from _wrong_documents(system, {document.id for document in region.documents})
    for place, entry in enumerate(system.low_performing_in):
        if entry.municipality not in region.municipality_names:
            where = ("low_performing_in", place, "municipality")
            reason = _unknown("муниципалитета", entry.municipality, region.municipality_names)
            yield where, reason
    named = [
        ("показателя", indicators, "roadmap", "indicators"),
        ("показателя", indicators, "discrepancies", "indicators"),
        ("величины в published.csv", metrics, "discrepancies", "metrics"),
    ]
    for what, known, part, key in named:
        for place, entry in enumerate(getattr(system, part)):
            for number, code in enumerate(getattr(entry, key)):
                if code not in known:
                    yield (part, place, key, number), _unknown(what, code, known)
    yield from _wrong_sums(system.sums, facts[facts["kind"] != "target"])


def _wrong_documents(system: System, known: Collection[str]) -> Iterator[tuple[Location, str]]:
    """Where an entry, or a function of a subject, stands in a document that the region has not."""
    for part in _SOURCED:
        for place, entry in enumerate(getattr(system, part)):
            if entry.document not in known:
                yield (part, place, "document"), _unknown("документа", entry.document, known)
    for document in system.document_years:
        if document not in known:
            yield ("document_years", document), _unknown("документа", document, known)
    for place, plan in enumerate(system.plans):
        if plan.told_by is not None and plan.told_by.document not in known:
            reason = _unknown("документа", plan.told_by.document, known)
            yield ("plans", place, "told_by", "document"), reason
    for place, subject in enumerate(system.subjects):
        for number, function in enumerate(subject.functions):
            if function.document is not None and function.document not in known:
                where = ("subjects", place, "functions", number, "document")
                yield where, _unknown("документа", function.document, known)


def _wrong_sums(sums: Sequence[Sum], facts: pd.DataFrame) -> Iterator[tuple[Location, str]]:
    """Where a sum asks for a number that no fact gives for its period; a target is none."""
    known = set(zip(facts["metric"], facts["period"], strict=True))
    for place, entry in enumerate(sums):
        for key, asked in (("total", entry.total_fact), ("parts", entry.part_facts)):
            for metric, period in asked:
                there = sorted(when for name, when in known if name == metric)
                if not there:
                    reason = _unknown("величины в published.csv", metric, set(facts["metric"]))
                    yield ("sums", place, key), reason
                elif period not in there:
                    reason = f"«{metric}» за {period} в published.csv нет; есть: {', '.join(there)}"
                    yield ("sums", place, key), reason


def _unknown(what: str, code: str, known: Collection[str]) -> str:
    """Say that there is nothing of that name, what it looks like and what there is."""
    near = get_close_matches(code, sorted(known), n=1)
    like = f"похоже на «{near[0]}»; " if near else ""
    return f"нет {what} «{code}»; {like}есть: {', '.join(sorted(known)) or 'ни одной записи'}"
