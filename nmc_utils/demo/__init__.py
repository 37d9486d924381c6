"""Demonstration editions: workbooks as municipalities would send them, from a documented model.

Sizes come from ``demonstration`` in ``region.yaml``, words from the region's definition, everything
else from a seed and the constants of the model. The model is described where it is drawn: people
and abilities in `people`, items and answers in `diagnostics`, workplaces, organisations and РМА in
`records`. The same seed gives the same bytes. Each random stream is seeded by the seed, the region,
what it is for and the period, so an edition does not depend on which others are written with it.

What was drawn is kept under ``demo_truth/`` for tests. Nothing in the product reads it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import yaml

from nmc_utils.demo.diagnostics import draw_diagnostics, truth
from nmc_utils.demo.people import Setting, draw_population
from nmc_utils.demo.records import draw_records
from nmc_utils.demo.workbooks import write_workbooks
from nmc_utils.editions import DefinitionError, EditionFile, Period, data_root, editions
from nmc_utils.regions import Demonstration, Region, read_region
from nmc_utils.tables import ROLES
from nmc_utils.terms import DEMONSTRATION

__all__ = ["write"]


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
        Staff of each edition instead of the size in ``region.yaml``. Organisations, tested persons
        and flags follow in proportion; municipalities and РМА stay as they are.

    Raises
    ------
    DefinitionError
        `root` holds submitted editions or files of unknown origin, or the region defines no such
        demonstration.
    """
    root = data_root(root)
    definition = read_region(root, region)
    chosen = _chosen(definition, periods)
    _refuse_submitted(root, region, chosen)
    in_order = sorted(definition.demonstration, key=lambda text: Period.parse(text).starts_on)
    sizes = {
        period: _scaled(definition, definition.demonstration[period], persons)
        for period in in_order
    }
    population = draw_population(definition, sizes, seed)
    return [
        _write_edition(root, Setting(definition, period, sizes[period], population, seed))
        for period in chosen
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


def _refuse_submitted(root: Path, region: str, periods: Sequence[str]) -> None:
    found = editions(root)
    if submitted := [edition.key for edition in found if edition.origin == "submitted"]:
        raise DefinitionError(
            f"{root}: в папке данных есть присланные издания {', '.join(submitted)}; "
            "демонстрация пишется только в отдельную папку. Создайте её: nmc init ПАПКА"
        )
    demonstrations = {edition.sent for edition in found}
    for folder in (root / "regions" / region / period for period in periods):
        if folder.exists() and folder not in demonstrations and any(folder.iterdir()):
            raise DefinitionError(
                f"{folder}: здесь лежат файлы без edition.yaml, их происхождение неизвестно; "
                "перенесите их или укажите другую папку данных"
            )


def _scaled(definition: Region, size: Demonstration, persons: int | None) -> Demonstration:
    """Scale the edition to `persons`; the tested stay at least a dozen per family."""
    if unknown := set(size.methodists) - set(ROLES):
        raise DefinitionError(
            f"{definition.name}, demonstration.methodists: нет роли {', '.join(sorted(unknown))}; "
            f"допустимо: {', '.join(ROLES)}"
        )
    staff = size.staff if persons is None else persons
    least = max(2 * sum(size.methodists.values()), 12 * len(definition.families))
    if staff < least:
        raise DefinitionError(
            f"{definition.name}: в демонстрационном издании не может быть {staff} работников; "
            f"нужно не меньше {least}"
        )
    factor = staff / size.staff
    tested = max(round(size.tested * factor), min(size.tested, 12 * len(definition.families)))
    organizations = max(round(size.organizations * factor), len(definition.municipalities), 2)

    def flagged(count: int) -> int:
        return min(max(round(count * factor), min(count, 1)), organizations)

    return size.model_copy(
        update={
            "staff": staff,
            "organizations": organizations,
            "tested": min(tested, staff),
            "low_performing": flagged(size.low_performing),
            "mentoring": flagged(size.mentoring),
        }
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
    period, as_of = Period.parse(setting.period), setting.size.as_of
    title = f"{setting.definition.name}, {period.label}"
    write_workbooks(sent, setting.definition, title, tables, setting.people, as_of)
    about = EditionFile(origin="demonstration", period_kind=period.kind, as_of=as_of)
    content = yaml.safe_dump(about.model_dump(), sort_keys=False)
    (sent / "edition.yaml").write_text(f"# {DEMONSTRATION}\n{content}", "utf-8")
    for name, frame in truth(setting, bank, sittings).items():
        frame.to_parquet(known / f"{name}.parquet", index=False)
