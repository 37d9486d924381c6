"""Demonstration editions: workbooks as municipalities would send them, from a documented model.

Sizes come from ``demonstration`` in ``region.yaml`` (`sizes`), words from the region's definition,
everything else from a seed and the constants of the model. The model is described where it is
drawn: people and abilities in `people`, items and answers in `diagnostics`, workplaces,
organisations, РМА and counts in `records`; routes in `routes`, events in `events`, training in
`learning`, mentoring and young teachers in `support`, what the centre keeps in `governance`. The
same seed gives the same bytes. Each random stream
is seeded by the seed, the region, what it is for and the period, so an edition does not depend on
which others are written with it.

What is sent differs as regions do. Results are of each competence or, with ``totals_only``, of the
whole test; the answers to items come with them or not; the РМА may be missing; of the procedures in
``counted`` each municipality sends counts, not records. A period is a calendar year, an academic
year or a quarter, and all dates of the diagnostics lie in it.

A whole country of invented regions, made after the regions of a data root, is written by `country`,
one region at a time.

What was drawn is kept under ``demo_truth/`` for tests. Nothing in the product reads it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import yaml

from nmc_utils.demo.diagnostics import draw_diagnostics, truth
from nmc_utils.demo.further import draw_further
from nmc_utils.demo.people import Setting, draw_population
from nmc_utils.demo.records import draw_records
from nmc_utils.demo.sizes import in_order, scaled
from nmc_utils.demo.workbooks import write_workbooks
from nmc_utils.editions import DefinitionError, EditionFile, Period, data_root, editions
from nmc_utils.regions import Region, read_region
from nmc_utils.system import read_system
from nmc_utils.terms import DEMONSTRATION

__all__ = ["refuse_submitted", "write", "write_editions"]


def write(
    root: Path,
    region: str,
    periods: Sequence[str] | None = None,
    *,
    seed: int = 2023,
    persons: int | None = None,
) -> list[Path]:
    """Write demonstration editions of `region` and return their folders.

    An edition stands whole in its folder or not at all; what stood there before is replaced.

    Parameters
    ----------
    root
        A data root with the definition of `region` and no submitted edition.
    periods
        Keys of ``demonstration`` in ``region.yaml``; all of them when None. What is written for a
        period does not depend on which others are named.
    persons
        Staff of each edition instead of the size in ``region.yaml``; the other sizes follow.

    Raises
    ------
    DefinitionError
        `root` holds submitted editions or files of unknown origin, or the region defines no such
        demonstration or one that cannot be simulated.
    """
    root = data_root(root)
    definition = read_region(root, region)
    chosen = _chosen(definition, periods)
    refuse_submitted(root)
    _refuse_unknown(root, region, chosen)
    return write_editions(root, definition, chosen, seed=seed, persons=persons)


def write_editions(
    root: Path, definition: Region, periods: Sequence[str], *, seed: int, persons: int | None = None
) -> list[Path]:
    """Write editions of a region that has been read, over what stands in their folders.

    `periods` are keys of ``demonstration``; the parameters are otherwise those of `write`.
    """
    sizes = {period: scaled(definition, period, persons) for period in in_order(definition)}
    population = draw_population(definition, sizes, seed)
    roadmap = read_system(root, definition).roadmap
    return [
        _write_edition(root, Setting(definition, period, sizes[period], population, seed, roadmap))
        for period in periods
    ]


def _chosen(definition: Region, periods: Sequence[str] | None) -> list[str]:
    known = list(definition.demonstration)
    chosen = known if periods is None else list(periods)
    unknown = [period for period in chosen if period not in known]
    if unknown or not known:
        raise DefinitionError(
            f"{definition.name}: размеры демонстрационного издания не заданы"
            f"{' для периода ' if unknown else ''}{', '.join(unknown)}; "
            f"есть: {', '.join(known) or 'ни одного'}"
        )
    return chosen


def refuse_submitted(root: Path) -> None:
    """Refuse a data root that holds submitted editions."""
    if submitted := [edition.key for edition in editions(root) if edition.origin == "submitted"]:
        raise DefinitionError(
            f"{root}: в папке данных есть присланные издания {', '.join(submitted)}; "
            "демонстрация пишется только в отдельную папку. Создайте её: nmc init ПАПКА"
        )


def _refuse_unknown(root: Path, region: str, periods: Sequence[str]) -> None:
    """Refuse to replace files that nothing says are a demonstration."""
    for folder in (root / "regions" / region / period for period in periods):
        is_edition = (folder / "edition.yaml").is_file()
        if folder.exists() and not is_edition and any(folder.iterdir()):
            raise DefinitionError(
                f"{folder}: здесь лежат файлы без edition.yaml, их происхождение неизвестно; "
                "перенесите их или укажите другую папку данных"
            )


def _write_edition(root: Path, setting: Setting) -> Path:
    """Build both folders beside their places, then put them in the place of what stood there."""
    code, period = setting.definition.code, setting.period
    places = [root / "regions" / code, root / "demo_truth" / code]
    with ExitStack() as stack:
        built = []
        for place in places:
            place.mkdir(parents=True, exist_ok=True)
            building = stack.enter_context(tempfile.TemporaryDirectory(prefix=".demo-", dir=place))
            built.append(Path(building) / period)
            built[-1].mkdir()
        _fill(*built, setting)
        for place, folder in zip(places, built, strict=True):
            target = place / period
            if target.exists():
                target.rename(folder.with_name("replaced"))
            folder.rename(target)
    return places[0] / period


def _fill(sent: Path, known: Path, setting: Setting) -> None:
    bank, sittings = draw_diagnostics(setting)
    tables = draw_records(setting, bank, sittings)
    tables |= draw_further(setting, tables, sittings[0])
    period, as_of = Period.parse(setting.period), setting.size.as_of
    title = f"{setting.definition.name}, {period.label}"
    write_workbooks(sent, setting.definition, title, tables, setting.people, as_of)
    about = EditionFile(origin="demonstration", period_kind=period.kind, as_of=as_of)
    content = yaml.safe_dump(about.model_dump(exclude={"collection", "targets"}), sort_keys=False)
    (sent / "edition.yaml").write_text(f"# {DEMONSTRATION}\n{content}", "utf-8")
    for name, frame in truth(setting, bank, sittings).items():
        frame.to_parquet(known / f"{name}.parquet", index=False)
