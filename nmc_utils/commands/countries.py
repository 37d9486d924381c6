"""What `nmc run` does for the comparison of regions: which periods, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nmc_utils.commands.base import refuse

if TYPE_CHECKING:
    from nmc_utils.suite import Outcome
    from nmc_utils.terminal_progress import Steps


@dataclass(frozen=True)
class Asked:
    """What the command line asks for.

    `regions` are targets of regions, `comparisons` those of comparisons; both are empty where all
    is asked for. `only` are the notebooks of regions; `takes_in` and `compares` say whether
    editions of regions, and comparisons, are run at all.
    """

    regions: tuple[str, ...]
    comparisons: tuple[str, ...]
    only: tuple[str, ...]
    takes_in: bool
    compares: bool


def asked(targets: Sequence[str] | None, only: Sequence[str] | None) -> Asked:
    """Part what concerns regions from what concerns their comparison."""
    from nmc_utils.editions import COUNTRY
    from nmc_utils.suite import COMPARISON, NOTEBOOKS

    if unknown := sorted(set(only or ()) - {*NOTEBOOKS, COMPARISON}):
        refuse(f"нет тетради {', '.join(unknown)}; есть: {', '.join([*NOTEBOOKS, COMPARISON])}")
    comparisons = tuple(name for name in targets or () if name.partition("/")[0] == COUNTRY)
    regions = tuple(name for name in targets or () if name not in comparisons)
    of_regions = tuple(name for name in only or () if name != COMPARISON)
    return Asked(
        regions=regions,
        comparisons=comparisons,
        only=of_regions,
        takes_in=bool(regions or not targets) and bool(of_regions or not only),
        compares=bool(comparisons or not targets) and (not only or COMPARISON in only),
    )


def compare_regions(
    root: Path,
    named: Sequence[str],
    show: Steps,
    *,
    is_draft: bool,
) -> tuple[list[Outcome], dict[str, str]]:
    """Run the comparisons `named`, all that can be made when none is; why others cannot be.

    Raises
    ------
    FileNotFoundError
        Comparisons are asked for and there is no period of which one could be made.
    """
    from nmc_utils import suite
    from nmc_utils.country import TooFewRegions, country_edition
    from nmc_utils.results import ResultsError

    outcomes, refused = [], {}
    keys = _keys(root, named)
    if not keys and (named or is_draft):
        raise FileNotFoundError(
            f"{root}: ни за один период нет результатов двух регионов, которые можно сравнить. "
            "Список опубликованного: nmc runs"
        )
    for key in keys:
        try:
            country = country_edition(key.partition("/")[2], root)
            outcomes.append(suite.compare(country, show, is_draft=is_draft, waits=show.say))
        except (TooFewRegions, ResultsError) as error:  # what is published stays to be told of
            refused[key] = str(error)
    return outcomes, refused


def _keys(root: Path, named: Sequence[str]) -> list[str]:
    """``_country/period`` of every comparison that is asked for, once each."""
    from nmc_utils.country import comparable_periods
    from nmc_utils.editions import COUNTRY, Period

    keys: dict[str, None] = {}
    for name in named or (COUNTRY,):
        _, slash, period = name.partition("/")
        try:
            periods = [Period.parse(period).text] if slash else comparable_periods(root)
        except ValueError as error:
            refuse(str(error))
        keys |= dict.fromkeys(f"{COUNTRY}/{found}" for found in periods)
    return list(keys)
