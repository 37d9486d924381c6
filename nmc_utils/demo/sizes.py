"""How large a demonstration edition is: the sizes of ``region.yaml``, scaled and checked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from nmc_utils.demo.records import PROCEDURE
from nmc_utils.demonstration_sizes import CountedProcedure, Demonstration, Learners, SupportSizes
from nmc_utils.editions import DefinitionError, Period
from nmc_utils.regions import Region
from nmc_utils.terms import ROLES

LEAST_TESTED = 12  #: persons tested per subject family
LEAST_DAYS = 30  #: from the start of the period to the date of the data


def in_order(definition: Region) -> list[str]:
    """Keys of ``demonstration``, in order of time.

    Raises
    ------
    DefinitionError
        A key is no period.
    """
    try:
        return sorted(definition.demonstration, key=lambda text: Period.parse(text).starts_on)
    except ValueError as error:
        raise DefinitionError(f"{definition.name}, ключ demonstration: {error}") from error


def scaled(definition: Region, period: str, persons: int | None) -> Demonstration:
    """Return the sizes of one edition with `persons` staff, as in ``region.yaml`` when None.

    Organisations, tested persons, counted procedures and flags follow in proportion; the tested
    stay at least `LEAST_TESTED` per family; the РМА stays as it is.

    Raises
    ------
    DefinitionError
        The sizes contradict each other or the period, or `persons` are too few.
    """
    size = definition.demonstration[period]
    if wrong := next(_wrong(period, size), None):
        raise DefinitionError(f"{definition.name}, demonstration.{period}.{wrong}")
    staff = size.staff if persons is None else persons
    enough = LEAST_TESTED * len(definition.families)
    least = max(2 * sum(size.methodists.values()), enough)
    if staff < least:
        raise DefinitionError(
            f"{definition.name}: в демонстрационном издании не может быть {staff} работников; "
            f"нужно не меньше {least}"
        )
    factor = staff / size.staff
    tested = max(round(size.tested * factor), min(size.tested, enough))
    organizations = max(round(size.organizations * factor), len(definition.municipalities), 2)

    def flagged(count: int | None) -> int | None:
        if count is None:
            return None
        return min(max(round(count * factor), min(count, 1)), organizations)

    def counted(procedure: CountedProcedure) -> CountedProcedure:
        return procedure.model_copy(update={"tested": max(round(procedure.tested * factor), 1)})

    return size.model_copy(
        update={
            "staff": staff,
            "organizations": organizations,
            "tested": min(tested, staff),
            "low_performing": flagged(size.low_performing),
            "mentoring": flagged(size.mentoring),
            "internship_sites": flagged(size.internship_sites),
            "innovation_sites": flagged(size.innovation_sites),
            "counted": tuple(map(counted, size.counted)),
            "low_performing_supported": flagged(size.low_performing_supported),
            "support": _scaled_support(size, staff, min(tested, staff)),
        }
    )


def _scaled_support(size: Demonstration, staff: int, tested: int) -> SupportSizes:
    """Sizes of the tables on support: routes follow the tested, people and events the staff.

    Programmes, series, agreements, acts, the roadmap and recommendations stay as they are.
    """
    support, factor = size.support, staff / size.staff
    routes = support.routes and min(max(round(support.routes * tested / size.tested), 1), tested)

    def scaled_counts(counts: dict[str, int]) -> dict[str, int]:
        return {name: max(round(n * factor), min(n, 1)) for name, n in counts.items()}

    def learners(entry: Learners) -> Learners:
        n, chosen = (round(part * factor) for part in (entry.n, entry.chosen))
        return entry.model_copy(update={"n": max(n, 1), "chosen": min(chosen, max(n, 1))})

    return support.model_copy(
        update={
            "routes": routes,
            "route_managers": support.route_managers and round(support.route_managers * factor),
            "completions": tuple(map(learners, support.completions)),
            "teams": support.teams and max(round(support.teams * factor), 1),
            "mentoring": scaled_counts(support.mentoring),
            "events": scaled_counts(support.events),
            "registries": scaled_counts(support.registries),
        }
    )


def _wrong(period: str, size: Demonstration) -> Iterator[str]:
    """What of the sizes cannot be simulated, as key and reason."""
    if unknown := set(size.methodists) - set(ROLES):
        names = ", ".join(sorted(unknown))
        yield f"methodists: нет роли {names}; допустимо: {', '.join(ROLES)}"
    codes = [PROCEDURE, *(procedure.code for procedure in size.counted)]
    if repeated := next((code for code in codes if codes.count(code) > 1), None):
        yield (
            f"counted: код {repeated} повторяется или занят процедурой, о которой присылают записи "
            f"({PROCEDURE}); дайте каждой процедуре свой code"
        )
    if many := next((at for at in size.counted if at.tested > size.staff), None):
        yield f"counted: {many.code} — {many.tested} участников, больше, чем staff ({size.staff})"
    earliest = Period.parse(period).starts_on + timedelta(LEAST_DAYS)
    if size.as_of < earliest:
        yield f"as_of: {size.as_of} не подходит; допустимо: {earliest} или позже"
