"""The command that begins a period: its folder, its blank workbooks, what is carried over."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nmc_utils.commands.base import (
    DATA,
    Json,
    PeriodText,
    RegionCode,
    command,
    known_regions,
    nmc_of,
    refuse,
    root_of,
)
from nmc_utils.terminal import print_json

if TYPE_CHECKING:
    import pandas as pd

    from nmc_utils.editions import Edition, Period

_ABOUT = """\
# {title}
origin: {origin}
period_kind: {kind}
as_of: {as_of}          # день, на который приведены данные
status: draft
collection:
  deadline: null             # до какого дня прислать, например {as_of}; попадёт в бланки
  responsible: {{}}            # кто отправляет: код муниципального образования и подразделение, не
                             # имя человека, например {{{place}: Управление образования}}
# Планы, которые установлены после region.yaml. Сами они не появляются: нет документа — нет плана.
# targets:
#   - {{indicator: код показателя, value: 0.2, document: код документа, section: раздел}}
"""


@command("new-period", DATA)
def new_period(
    ctx: typer.Context,
    region: RegionCode,
    period: PeriodText,
    blanks: Annotated[
        bool,
        typer.Option(
            "--blanks",
            metavar="",
            help="Только записать бланки заново: например, когда назначен срок.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Начать период: папка издания, бланки для муниципальных образований."""
    from nmc_utils.intake.template import write_blanks

    root = root_of(ctx)
    edition, before = _again(root, region, period) if blanks else _next(root, region, period)
    carried, lost = _carried(edition, before)
    written = write_blanks(edition, carried)
    if not blanks:
        _describe(edition)
    told = {
        "edition": edition.key,
        "folder": str(edition.sent),
        "origin": edition.origin,
        "period_kind": edition.period.kind,
        "as_of": edition.as_of.isoformat(),
        "blanks": [str(path) for path in written],
        "before": before.key if before else None,
        "municipalities": list(edition.region.municipality_names),
        "organizations": _by_place(edition, carried),
        "not_carried": lost,
        "without_target": _without_target(edition),
    }
    print_json(told) if as_json else _tell(edition, before, told, nmc_of(ctx))


# --- which edition --------------------------------------------------------------------------------


def _next(root: Path, region: str, text: str) -> tuple[Edition, Edition | None]:
    """Return the edition that is to begin and the one before it; refuse what cannot be begun."""
    from nmc_utils.editions import Edition, Period, editions
    from nmc_utils.regions import read_facts, read_region

    known_regions(root, [region])
    try:
        period = Period.parse(text)
    except ValueError as error:
        refuse(str(error))
    folder = root / "regions" / region / period.text
    if (folder / "edition.yaml").exists():
        refuse(
            f"{folder}: издание за этот период уже есть; записать его бланки заново: "
            f"nmc new-period {region} {period} --blanks"
        )
    definition = read_region(root, region)
    read_facts(root, definition)
    known = editions(root, region)
    latest = max(known, key=lambda edition: edition.period.ends_on, default=None)
    origin = latest.origin if latest else "submitted"
    period = _of_same_kind(period, known)
    same = [e for e in known if e.period.kind == period.kind and e.origin == origin]
    before = max(same, key=lambda edition: edition.period.ends_on, default=None)
    if before and period.ends_on <= before.period.ends_on:
        refuse(
            f"период {period} не позже последнего издания того же вида ({before.key}); "
            "новый период идёт после него"
        )
    edition = Edition(
        region=definition,
        period=period,
        origin=origin,
        as_of=period.ends_on,
        status="draft",
        root=root,
    )
    return edition, before


def _of_same_kind(period: Period, known: list[Edition]) -> Period:
    """Count a quarter from the new year where the region's last quarter was counted so."""
    quarters = [e.period for e in known if e.period.kind in ("quarter", "cumulative")]
    if period.kind != "quarter" or not quarters:
        return period
    return period.of_kind(max(quarters, key=lambda quarter: quarter.ends_on).kind)


def _again(root: Path, region: str, text: str) -> tuple[Edition, Edition | None]:
    """Return an edition that there is, and the one before it in its series."""
    from nmc_utils.commands.base import edition_of
    from nmc_utils.editions import before

    edition = edition_of(root, region, text)
    return edition, before(edition)


# --- what is written ------------------------------------------------------------------------------


def _describe(edition: Edition) -> None:
    """Write ``edition.yaml`` at once: until then there is no edition."""
    from nmc_utils.terms import DEMONSTRATION

    title = DEMONSTRATION if edition.is_demonstration else str(edition)
    text = _ABOUT.format(
        title=title,
        origin=edition.origin,
        kind=edition.period.kind,
        as_of=edition.as_of,
        place=edition.region.municipalities[0].code,
    )
    building = edition.sent / ".edition.new"
    building.write_text(text, "utf-8")
    os.replace(building, edition.sent / "edition.yaml")


def _carried(edition: Edition, before: Edition | None) -> tuple[dict[str, pd.DataFrame], str]:
    """Return tables of the edition before to fill blanks with, and why some rows stay out."""
    from nmc_utils.tables import load

    if before is None:
        return {}, "предыдущего издания того же вида нет"
    try:
        tables = load(before)
    except FileNotFoundError as error:
        return {}, str(error)
    carried = {name: tables[name] for name in ("organizations", "items") if name in tables}
    if "organizations" not in carried:
        return carried, f"{before}: организаций не присылали"
    known = carried["organizations"]["municipality"].isin(edition.region.municipality_names)
    left = carried["organizations"][~known]
    carried["organizations"] = carried["organizations"][known]
    return carried, f"организаций без муниципального образования: {len(left)}" if len(left) else ""


def _by_place(edition: Edition, carried: dict[str, pd.DataFrame]) -> dict[str, int]:
    """Municipality → how many organisations are carried over."""
    if "organizations" not in carried:
        return {}
    counts = carried["organizations"]["municipality"].value_counts()
    return {code: int(counts.get(code, 0)) for code in edition.region.municipality_names}


def _without_target(edition: Edition) -> list[dict[str, Any]]:
    """Indicators for which no document sets a target of the period; none is ever made up."""
    from nmc_utils.editions import has_target

    year, is_year = edition.period.year, edition.period.kind == "calendar_year"
    return [
        {
            "indicator": indicator.id,
            "name": indicator.name,
            "has_undated": any(target.first_year is None for target in indicator.targets),
        }
        for indicator in edition.region.indicators
        if not (is_year and has_target(indicator, year))
    ]


# --- what is told ---------------------------------------------------------------------------------


def _tell(edition: Edition, before: Edition | None, told: dict[str, Any], nmc: str) -> None:
    from nmc_utils.intake.files import BLANKS
    from nmc_utils.wording import plural

    if edition.mark:
        typer.echo(
            f"{edition.mark}. Настоящие данные собирают в отдельной папке данных: nmc init ПАПКА"
        )
    n = plural(len(told["blanks"]), "бланк", "бланка", "бланков")
    typer.echo(f"{edition}: папка {edition.sent}, {n} в {BLANKS}.")
    n_places = plural(
        len(told["municipalities"]),
        "муниципальное образование",
        "муниципальных образования",
        "муниципальных образований",
    )
    typer.echo(f"{n_places} — по region.yaml.")
    if told["organizations"]:
        n = plural(sum(told["organizations"].values()), "организация", "организации", "организаций")
        typer.echo(f"Перенесено из издания {before.key}: {n}; в бланках их надо подтвердить.")
    if told["not_carried"]:
        typer.echo(f"Не перенесено: {told['not_carried'].rstrip('.')}.")
    _tell_targets(edition, told["without_target"])
    typer.echo(
        f"Дальше: впишите срок и ответственных в {edition.sent / 'edition.yaml'}, запишите бланки "
        f"заново ({nmc} new-period {edition.region.code} {edition.period} --blanks) и разошлите "
        f"их; присланное кладите в {edition.sent} и проверяйте: "
        f"{nmc} check {edition.region.code} {edition.period}"
    )


def _tell_targets(edition: Edition, lacking: list[dict[str, Any]]) -> None:
    if edition.period.kind != "calendar_year":
        typer.echo("Планы документы ставят на календарный год: у этого периода их нет.")
    elif lacking:
        typer.echo(f"На {edition.period.label} документы не ставят плана по показателям:")
        for row in lacking:
            undated = " (есть план без срока)" if row["has_undated"] else ""
            typer.echo(f"  {row['indicator']} — {row['name']}{undated}")
        typer.echo("Если план установлен, впишите его с документом в targets файла edition.yaml.")
