"""What the commands of `nmc` share: the application, its options, how an edition is named."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from nmc_utils import memory_dumps
from nmc_utils.terminal import Command, Group
from nmc_utils.terms import of_places

if TYPE_CHECKING:  # loaded inside the commands, so that `nmc --help` does not wait for them
    from nmc_utils.editions import Edition
    from nmc_utils.intake import Intake

CHECKOUT = Path(__file__).resolve().parents[2]
HELD_OUT = 3  #: exit code: done, but rows were held out
DATA, RUNNING, RESULTS = "Данные", "Прогон", "Результаты"


def refuse(sentence: str) -> NoReturn:
    """End the command as wrong use, with a sentence."""
    raise typer.BadParameter(sentence)


app = typer.Typer(
    name="nmc",
    cls=Group,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Мониторинг профессиональных компетенций педагогов: данные, прогоны, результаты.",
    epilog="Коды завершения: 0 — готово, 1 — не удалось, 2 — неверный вызов, "
    "3 — готово, но часть строк задержана.",
)

Json = Annotated[bool, typer.Option("--json", metavar="", help="Вывести JSON для программ.")]
RegionCode = Annotated[
    str, typer.Argument(metavar="REGION", help="Код региона: имя его папки в regions.")
]
PeriodText = Annotated[
    str, typer.Argument(metavar="PERIOD", help="Период: 2023, 2022-2023 или 2023-q2.")
]


@app.callback()
def _options(
    ctx: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="Папка данных; иначе NMC_DATA, иначе data/ проекта."
        ),
    ] = None,
) -> None:
    memory_dumps.forbid()
    ctx.obj = data


def root_of(ctx: typer.Context) -> Path:
    """Return the data root that the command was asked for."""
    from nmc_utils.editions import data_root

    return data_root(ctx.obj)


def nmc_of(ctx: typer.Context) -> str:
    """How the next command has to begin to stay in the same data root."""
    return f"nmc --data {shlex.quote(str(ctx.obj))}" if ctx.obj else "nmc"


def command(name: str, panel: str) -> Callable[[Callable], Callable]:
    """Register a command under a heading of the help."""
    return app.command(name, cls=Command, rich_help_panel=panel)


def known_regions(root: Path, named: Sequence[str] | None) -> list[str]:
    """Return the codes of `named` regions, all when none is; refuse those that are not there."""
    from nmc_utils.regions import region_codes

    known = region_codes(root)
    if unknown := sorted(set(named or ()) - set(known)):
        refuse(f"нет региона {', '.join(unknown)}; есть: {', '.join(known) or 'ни одного'}")
    return list(dict.fromkeys(named or known))


def edition_of(root: Path, region: str, period: str) -> Edition:
    """Return an edition that the command line names."""
    from nmc_utils.editions import Period, edition

    known_regions(root, [region])
    try:
        Period.parse(period)
    except ValueError as error:
        refuse(str(error))
    return edition(region, period, root)


def missing_of(edition: Edition, intake: Intake) -> list[str]:
    """Return the names of municipalities of which nothing was accepted."""
    return [edition.region.municipality_names[code] for code in intake.missing]


def who_is_in(edition: Edition, intake: Intake) -> str:
    """Say of whom nothing was accepted, whether they sent nothing or all of it was held out."""
    names, n_all = missing_of(edition, intake), len(edition.region.municipalities)
    places = of_places(n_all - len(names), n_all)
    return f"приняты данные {places}, ничего не принято от: {', '.join(names)}"
