"""A country of invented regions, made after the regions of a data root, one region at a time.

A model region takes competences, subject families, levels, sizes and the indicators that can be
counted from a template. Its names are numbers, nothing is published about it, and the relative
sizes of its municipalities are drawn. Of the tables on support it sends those of `SUPPORT`, without
titles of the template. Everything in it hangs on the template, the region's number
and the seed, so the number of processes changes no byte.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import yaml

from nmc_utils.demo import refuse_submitted, write_editions
from nmc_utils.demo.people import drawn_weights, stream
from nmc_utils.demo.sizes import in_order, scaled
from nmc_utils.demonstration_sizes import Demonstration, SupportSizes
from nmc_utils.editions import DefinitionError, Period, data_root
from nmc_utils.indicator_definitions import Indicator, Quantity
from nmc_utils.regions import Family, Municipality, Region, read_region, region_codes
from nmc_utils.terms import DEMONSTRATION

__all__ = ["Country", "model_region", "write"]

#: The data of the checkout: among its tracked definitions no invented region may come to stand.
TRACKED = Path(__file__).resolve().parents[2] / "data"
MOST = 99
_MODEL = re.compile(r"model_\d\d")
#: Words that say what kind of region it is, not which.
_KINDS = {"республика", "область", "край", "округ", "автономная", "автономный", "город"}
CUT_NOTE = "Модельный регион: пороги условные, ни одним документом не установлены."
ROUTES_NOTE = "Модельный регион: соответствие уровня и маршрута не установлено."
SIZES_NOTE = "Размеры условные."
#: Of the tables on support those that are small beside the staff.
SUPPORT = ("programmes", "completions", "teams", "young", "events", "agreements")
COUNTED_WORDS = {"organiser": "внешний организатор", "purpose": "внешняя диагностика"}


@dataclass(frozen=True)
class Country:
    """What has been written and what it took.

    `persons` are the staff of all editions; `peak_memory_mb` is that of the largest process, None
    where the system does not tell it.
    """

    regions: int
    editions: int
    persons: int
    files: int
    megabytes: float
    seconds: float
    persons_per_second: float
    peak_memory_mb: float | None


@dataclass(frozen=True)
class _Order:
    """One model region to be made: all that it hangs on, and the root to make it in."""

    root: Path
    template: Region
    number: int
    periods: tuple[str, ...]
    persons: int | None
    seed: int
    facts_header: str

    def definition(self) -> Region:
        return model_region(
            self.template, self.number, self.periods, seed=self.seed, persons=self.persons
        )


@dataclass(frozen=True)
class _Made:
    name: str
    editions: int
    persons: int
    files: int
    size: int


def write(
    root: Path,
    n_regions: int,
    periods: Sequence[str] | None = None,
    *,
    seed: int = 2023,
    persons: int | None = None,
    processes: int | None = None,
    progress: Callable[[str], None] = lambda name: None,
) -> Country:
    """Write definitions and editions of `n_regions` model regions, ``model_01`` and on.

    The whole country takes its place when all of it is written; if it is not, nothing remains.

    Parameters
    ----------
    root
        A data root other than the checkout's, without submitted editions and model regions. Its
        regions that have a demonstration are the templates, in turn.
    periods
        Periods of the editions; the latest that a template has when None. A template without the
        period lends the sizes of its last one.
    persons
        Staff of each edition; that of the template when None.
    processes
        How many regions are written at the same time; as many as there are processors when None.
    progress
        Called with the name of each region that has been made.

    Raises
    ------
    DefinitionError
        The root, the number or a template does not allow it; nothing is written then.
    """
    started = time.perf_counter()
    root = data_root(root)
    _refuse(root, n_regions)
    orders = _orders(root, n_regions, periods, persons, seed)
    for order in orders[: len({order.template.code for order in orders})]:
        order.definition()  # a template that will not do is told before anything is written
    made = []
    with tempfile.TemporaryDirectory(prefix=".country-", dir=root) as building:
        orders = [replace(order, root=Path(building)) for order in orders]
        n_processes = min(processes or os.cpu_count() or 1, n_regions)
        with closing(_carried_out(orders, n_processes)) as regions:  # no process outlives it
            for region in regions:
                made.append(region)
                progress(region.name)
        _refuse(root, n_regions)  # somebody else may have written meanwhile
        _put_in_place(Path(building), root)
    seconds = time.perf_counter() - started
    n_persons = sum(region.persons for region in made)
    return Country(
        regions=len(made),
        editions=sum(region.editions for region in made),
        persons=n_persons,
        files=sum(region.files for region in made),
        megabytes=round(sum(region.size for region in made) / 1e6, 1),
        seconds=round(seconds, 1),
        persons_per_second=round(n_persons / seconds),
        peak_memory_mb=_peak_memory_mb(),
    )


def _refuse(root: Path, n_regions: int) -> None:
    if not 1 <= n_regions <= MOST:
        raise DefinitionError(f"модельных регионов может быть от 1 до {MOST}, а не {n_regions}")
    if root == TRACKED.resolve():
        raise DefinitionError(
            f"{root}: это папка данных проекта, модельные регионы смешались бы в ней с настоящими "
            f"определениями. Создайте отдельную: nmc init ПАПКА, затем nmc --data ПАПКА demo "
            f"--regions {n_regions}"
        )
    refuse_submitted(root)
    folders = sorted(path.name for path in (root / "regions").glob("model_*"))
    if found := [name for name in folders if _MODEL.fullmatch(name)]:
        raise DefinitionError(
            f"{root}: здесь уже есть модельные регионы ({found[0]} … {found[-1]}, "
            f"всего {len(found)}). Создайте новую папку: nmc init ПАПКА"
        )


def _orders(
    root: Path, n_regions: int, periods: Sequence[str] | None, persons: int | None, seed: int
) -> list[_Order]:
    regions = [read_region(root, code) for code in region_codes(root)]
    templates = [region for region in regions if region.demonstration]
    if not templates:
        raise DefinitionError(
            f"{root}: ни у одного региона нет ключа demonstration, образца для модельных нет. "
            "Возьмите определения проекта: nmc init ПАПКА"
        )
    known = [Period.parse(in_order(template)[-1]) for template in templates]
    latest = max(known, key=lambda period: period.ends_on).text
    chosen = tuple(dict.fromkeys(periods or [latest]))
    orders = []
    for at in range(n_regions):
        template = templates[at % len(templates)]
        facts = root / "regions" / template.code / "published.csv"
        header = facts.read_text("utf-8-sig").partition("\n")[0]
        orders.append(_Order(root, template, at + 1, chosen, persons, seed, header))
    return orders


# --- one after the other, or several at the same time -------------------------------------------


def _carried_out(orders: Sequence[_Order], processes: int) -> Iterator[_Made]:
    """Carry out the orders and tell of each when it is done; a process holds one region."""
    if processes == 1:
        yield from map(_carry_out, orders)
        return
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _leave_interrupts_to_the_parent)
    with pool:
        try:
            for done in as_completed([pool.submit(_carry_out, order) for order in orders]):
                yield done.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _carry_out(order: _Order) -> _Made:
    definition = order.definition()
    home = order.root / "regions" / definition.code
    home.mkdir(parents=True)
    content = yaml.safe_dump(
        definition.model_dump(exclude_defaults=True), allow_unicode=True, sort_keys=False
    )
    (home / "region.yaml").write_text(f"# {DEMONSTRATION}\n{content}", "utf-8")
    (home / "published.csv").write_text(f"{order.facts_header}\n", "utf-8")
    written = write_editions(order.root, definition, order.periods, seed=order.seed)
    folders = [home, order.root / "demo_truth" / definition.code]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return _Made(
        name=definition.name,
        editions=len(written),
        persons=sum(definition.demonstration[period].staff for period in order.periods),
        files=len(files),
        size=sum(path.stat().st_size for path in files),
    )


def _put_in_place(building: Path, root: Path) -> None:
    """Move what was built into `root`, or nothing of it; truths without a region give way."""
    moved: list[Path] = []
    try:
        for folder in sorted(building.glob("*/*")):  # the truths, then the regions
            place = root / folder.relative_to(building)
            place.parent.mkdir(exist_ok=True)
            if place.exists():
                place.rename(building / f"replaced-{place.name}")
            moved.append(place)
            folder.rename(place)
    except BaseException:
        for place in moved:
            shutil.rmtree(place, ignore_errors=True)
        raise


def _peak_memory_mb() -> float | None:
    """The most memory that this process or one of its children has held."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024
    return round(max(resource.getrusage(who).ru_maxrss for who in whose) * unit / 1e6, 1)


# --- the definition of a model region -----------------------------------------------------------


def model_region(
    template: Region, number: int, periods: Sequence[str], *, seed: int, persons: int | None = None
) -> Region:
    """Return the definition of a model region made after `template`.

    Raises
    ------
    DefinitionError
        The name of the template's region would remain in it, or its sizes cannot be simulated.
    """
    code = f"model_{number:02d}"
    own = _own_words(template)
    region = Region(
        code=code,
        name=f"Модельный регион {number}",
        name_genitive=f"Модельного региона {number}",
        center=f"Модельный ЦНППМ {number}",
        identity="name_and_birth",
        municipalities=_municipalities(len(template.municipalities), code, seed),
        domains=template.domains,
        families=tuple(_families(template, own)),
        diagnostics=template.diagnostics.model_copy(
            update={
                "document": None,
                "section": None,
                "cut_basis_note": CUT_NOTE,
                "routes_note": ROUTES_NOTE if template.diagnostics.routes else None,
            }
        ),
        documents=(),
        indicators=tuple(_indicators(template, own)),
        demonstration={period: _size(template, period) for period in periods},
    )
    if left := own.search(region.model_dump_json().casefold()):
        raise DefinitionError(
            f"{template.name}: по этому образцу модельный регион не создать, в названии "
            f"компетенции, предметной группы, уровня или маршрута осталось имя региона "
            f"(«{left[0]}»). Уберите регион из папки данных или переименуйте их в region.yaml"
        )
    sizes = {period: scaled(region, period, persons) for period in periods}
    return region.model_copy(update={"demonstration": sizes})


def _own_words(region: Region) -> re.Pattern[str]:
    """What in folded text names `region`: its code, and the beginnings of the words of its name."""
    words = [word for word in re.findall(r"\w{4,}", region.name.casefold()) if word not in _KINDS]
    stems = [rf"\b{word[:5]}" if len(word) > 4 else rf"\b{word}\b" for word in words]
    return re.compile("|".join([rf"\b{region.code}", *stems]))


def _municipalities(n: int, code: str, seed: int) -> tuple[Municipality, ...]:
    weights = drawn_weights(n, stream(seed, code, "municipalities"))
    return tuple(
        Municipality(
            code=f"m{at:02d}",
            name=f"Муниципальное образование {at}",
            kind="муниципальный округ",
            relative_size=round(1000 * float(weight), 1),
        )
        for at, weight in enumerate(weights, 1)
    )


def _families(template: Region, own: re.Pattern[str]) -> Iterator[Family]:
    """Yield the subject families, without subjects that name the region, as its language does."""
    for family in template.families:
        subjects = [name for name in family.subjects if not own.search(name.casefold())]
        if subjects:
            yield family.model_copy(update={"subjects": tuple(subjects)})


def _indicators(template: Region, own: re.Pattern[str]) -> Iterator[Indicator]:
    """Yield the indicators that records alone are enough for, without targets and remarks."""
    for indicator in template.indicators:
        variants = []
        for variant in indicator.variants:
            parts = {"numerator": variant.numerator, "denominator": variant.denominator}
            if all(part is None or part.count for part in parts.values()):
                counted = {name: _counted(part) for name, part in parts.items()}
                variants.append(variant.model_copy(update=counted))
        model = Indicator(
            id=indicator.id,
            name=indicator.name,
            unit=indicator.unit,
            comparator=indicator.comparator,
            formula_origin="расчёт системы",
            variants=tuple(variants),
        )
        if variants and not own.search(model.model_dump_json().casefold()):
            yield model


def _counted(part: Quantity | None) -> Quantity | None:
    return part and part.model_copy(update={"metric": None})


def _size(template: Region, period: str) -> Demonstration:
    """Sizes of the period, or of the template's last one moved to it."""
    dated = {}
    if period not in template.demonstration:
        dated = {"as_of": Period.parse(period).ends_on}
    size = template.demonstration.get(period, template.demonstration[in_order(template)[-1]])
    counted = [procedure.model_copy(update=COUNTED_WORDS) for procedure in size.counted]
    kept = {name: getattr(size.support, name) for name in SUPPORT}
    untitled = {"title": None, "topic": None}
    batches = [batch.model_copy(update=untitled) for batch in kept["programmes"]]
    support = SupportSizes().model_copy(update=kept | {"programmes": tuple(batches)})
    changed = {"notes": SIZES_NOTE, "counted": tuple(counted), "support": support}
    return size.model_copy(update=changed | dated)
