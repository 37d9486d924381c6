"""Commands about names of people: named copies, the end of their term, the search for them."""

from __future__ import annotations

import getpass
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nmc_utils.commands.base import (
    Json,
    PeriodText,
    RegionCode,
    command,
    edition_of,
    nmc_of,
    refuse,
    root_of,
)
from nmc_utils.terminal import DONE, FAILED, print_json, print_table, records
from nmc_utils.terms import WAVES

if TYPE_CHECKING:
    import pandas as pd

    from nmc_utils.editions import Edition

PEOPLE = "Имена людей"
HEADING = "Служебный экземпляр с ФИО"
#: Columns of identities in published tables → what stands above the names.
NAMED = {"person_id": "ФИО", "methodist_id": "ФИО методиста", "leader_id": "ФИО ведущего"}
NAMED |= {"mentor_id": "ФИО наставника", "mentee_id": "ФИО наставляемого"}
NAMED |= {"curator_id": "ФИО куратора", "tutor_id": "ФИО тьютора", "holder_id": "Кто внесён"}
TABLES = {
    "seminar_members": "Участники групп",
    "seminar_groups": "Группы",
    "seminar_next_members": "Участники следующих раундов",
    "seminar_next_groups": "Группы следующих раундов",
    "seminar_leaders": "Ведущие",
    "person_results": "Результаты",
    "person_profiles": "Профили",
}
COLUMNS = {"group_id": "Группа", "reason_label": "Почему без группы", "size": "Человек"}
COLUMNS |= {"family": "Предметная группа", "topics": "Темы", "procedure": "Процедура"}
COLUMNS |= {"wave": "Этап", "domain": "Компетенция"}
COLUMNS |= {"certainty": "Надёжность отнесения", "advice": "Рекомендация", "note": "Примечание"}
COLUMNS |= {"interpreted_share": "Ожидаемый истинный результат, доля максимума"}
COLUMNS |= {"basis": "По чему судить"}
_LEFT_OUT = ("region", "period", "reason", "deficit_chance", "deficits")
COLUMNS |= {"round": "Раунд", "max_groups": "Групп, не более", "groups": "Ведёт групп"}
COLUMNS |= {"persons": "Человек в группах", "zone": "Муниципальное образование"}
#: Inputs of other plans: nobody needs them with names.
INPUTS = ("seminar_needs",)
FINDINGS = {"file": "Файл", "place": "Где", "mask": "Что"}
_SHOWN = 50  #: findings that the terminal lists


# --- named copies ---------------------------------------------------------------------------------


@command("unmask", PEOPLE)
def unmask(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="Прогон из nmc runs.")],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Новая или пустая папка вне папки данных.")
    ],
    as_json: Json = False,
) -> None:
    """Записать списки прогона и заготовки ИОМ с ФИО: там, где лежит таблица соответствия."""
    import pandas as pd

    from nmc_utils import results
    from nmc_utils.intake.protected import write_protected

    root = root_of(ctx)
    folder = _empty_folder(out, root)
    copies = _copies_of(root, run)
    files = {folder / name: content for copy in copies for name, content in copy.files.items()}
    if not files:
        raise FileNotFoundError(f"в прогоне {run} нет таблиц о людях: записывать нечего")
    everyone = pd.concat([copy.people for copy in copies]).drop_duplicates("id")
    n, n_unknown = len(everyone), int(everyone["is_unknown"].sum())
    drafts, lacking = sum(copy.drafts for copy in copies), [copy.why for copy in copies if copy.why]
    numbers = {"n": str(n), "n_unknown": str(n_unknown), "drafts": str(drafts)}
    results.log(root, "unmask", run=run, who=_user(), **numbers)
    for path, content in files.items():
        write_protected(path, content)
    told = {"run": run, "files": [str(path) for path in files], "drafts": drafts}
    told |= {"lacking": lacking, "people": n, "unknown": n_unknown}
    print_json(told) if as_json else _tell(told)


def _tell(told: dict[str, Any]) -> None:
    """What was written with names, in lines."""
    for path in told["files"]:
        typer.echo(f"Записано: {path}")
    for why in told["lacking"]:
        typer.echo(f"ИОМ с ФИО не записаны: {why}", err=True)
    typer.echo(
        f"Людей: {told['people']}, заготовок ИОМ: {told['drafts']}. "
        "Выдача записана в results/log.jsonl, без имён."
    )
    if told["unknown"]:
        typer.echo(
            f"Нет в таблице соответствия: {told['unknown']}; вместо ФИО стоят личные коды, в ИОМ "
            "поле пустое. Таблицу записывает приём (nmc check) на той машине, где лежит ключ "
            "региона."
        )


@dataclass(frozen=True)
class _Copies:
    """Files of an edition with names, whose, and why there are no drafts of routes if so."""

    files: dict[str, bytes]
    people: pd.DataFrame
    drafts: int
    why: str


def _copies_of(root: Path, run: str) -> list[_Copies]:
    """Named copies of every edition in a run."""
    from nmc_utils import history

    published = history.runs(root)
    published = published[published["run"] == run]
    if published.empty:
        raise FileNotFoundError(f"прогона {run} нет среди опубликованных. Список: nmc runs")
    keys = published[["region", "period"]].itertuples(index=False)
    return [_copies(edition_of(root, *key), run) for key in keys]


def _copies(edition: Edition, run: str) -> _Copies:
    import pandas as pd

    from nmc_utils.results import ResultsError

    stem = f"{edition.region.code}_{edition.period.text}"
    sheets, people = _named_tables(edition, run)
    files = {f"{stem}.xlsx": _book(edition, run, sheets)} if sheets else {}
    try:
        archive, n, of_drafts = _named_drafts(edition, run)
    except (ResultsError, FileNotFoundError) as error:  # lists are made without the records
        return _Copies(files, people, 0, str(error))
    if n:
        files[f"{stem}_ИОМ.zip"] = archive
    return _Copies(files, pd.concat([people, of_drafts]), n, "")


def _user() -> str:
    """The user of the computer, for the log."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # the system has no name for it
        return "unknown"


def _empty_folder(out: Path, root: Path) -> Path:
    folder = out.expanduser().resolve()
    if folder.is_relative_to(root):
        refuse(f"{folder}: это внутри папки данных {root}; для копий с ФИО укажите другую папку")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        refuse(f"{folder}: здесь уже что-то есть; укажите новую или пустую папку")
    return folder


def _named_tables(edition: Edition, run: str) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Restricted tables about people with their names; identities and whether they are unknown."""
    import pandas as pd

    from nmc_utils.intake import crosswalk
    from nmc_utils.results import published

    found, persons = published(edition, run), crosswalk.read(edition)
    sheets, people = {}, [pd.DataFrame(columns=["id", "is_unknown"])]
    for name in found:
        if name in found.public or name in INPUTS:
            continue
        table = found[name]
        columns = [column for column in NAMED if column in table]
        for column in columns:
            ids = table[column]
            table[column], is_unknown = crosswalk.full_names(ids, persons)
            people.append(pd.DataFrame({"id": ids, "is_unknown": is_unknown}).dropna())
        if columns:
            sheets[TABLES.get(name, name)] = _in_words(table, columns, edition)
    return sheets, pd.concat(people)


def _named_drafts(edition: Edition, run: str) -> tuple[bytes, int, pd.DataFrame]:
    """Drafts of routes with names, how many; identities and whether they are unknown."""
    import pandas as pd

    from nmc_utils.commands.papers import route_drafts
    from nmc_utils.intake import crosswalk
    from nmc_utils.results import published
    from nmc_utils.tables import load

    nobody = pd.DataFrame(columns=["id", "is_unknown"])
    found = published(edition, run)
    if "person_results" not in found or found["person_results"].empty:
        return b"", 0, nobody
    persons, names = crosswalk.read(edition), {}
    if persons is not None:
        names = dict(
            zip(
                persons["person_id"],
                crosswalk.full_names(persons["person_id"], persons)[0],
                strict=True,
            )
        )
    archive, n = route_drafts(edition, found, names)
    records = load(edition)
    methodists = records["routes"]["methodist_id"] if "routes" in records else nobody["id"]
    ids = pd.concat([found["person_results"]["person_id"], methodists]).dropna()
    return archive, n, pd.DataFrame({"id": ids, "is_unknown": ~ids.isin(names)})


def _in_words(table: pd.DataFrame, named: list[str], edition: Edition) -> pd.DataFrame:
    from nmc_utils.measures.certainty import CERTAINTY
    from nmc_utils.measures.profiles import BASES

    region = edition.region
    words = {
        "family": region.group_families,
        "zone": region.municipality_names,
        "domain": region.domain_names,
        "wave": WAVES,
        "level": {level.code: level.label for level in region.diagnostics.levels},
        "certainty": CERTAINTY,
        "basis": BASES,
    }
    for name in words.keys() & set(table):
        table[name] = table[name].map(words[name]).fillna(table[name])
    if "topics" in table:
        names = region.domain_names
        table["topics"] = [
            "; ".join(names.get(topic, topic) for topic in topics) for topics in table["topics"]
        ]
    table = table.drop(columns=[name for name in _LEFT_OUT if name in table])
    order = [name for name in ("group_id", *named) if name in table]
    return table.sort_values(order, kind="stable")[
        [*order, *(name for name in table if name not in order)]
    ].rename(columns=NAMED | COLUMNS | {"level": f"Результат {region.rule_words}"})


def _book(edition: Edition, run: str, sheets: dict[str, pd.DataFrame]) -> bytes:
    """A workbook with the heading on every sheet; nothing in it is a formula."""
    from nmc_utils.documents.tables import open_book, put_text
    from nmc_utils.wording import NO_HARM

    content = io.BytesIO()
    heading = [HEADING, *filter(None, [edition.mark]), f"{edition}, прогон {run}"]
    with open_book(content, title=HEADING, created=edition.as_of, mark=edition.mark) as book:
        for name, frame in sheets.items():
            sheet = book.sheet(name[:31])
            sheet.set_header("&C" + HEADING)
            for row, line in enumerate(heading):
                put_text(sheet, row, 0, line, book.styles["strong"])
            sheet.freeze_panes(len(heading) + 1, 0)
            for column, (title, values) in enumerate(frame.items()):
                sheet.set_column(column, column, 40 if title in NAMED.values() else 20)
                put_text(sheet, len(heading), column, str(title), book.styles["header"])
                for row, value in _filled(values):
                    place = (len(heading) + 1 + row, column)
                    if isinstance(value, str):
                        put_text(sheet, *place, value, book.styles["text"])
                    else:
                        sheet.write_number(*place, value, book.styles["number"])
            below = len(heading) + 2 + len(frame)
            put_text(sheet, below, 0, f"{NO_HARM}.", book.styles["strong"])
    return content.getvalue()


def _filled(values: pd.Series) -> Iterator[tuple[int, str | float]]:
    for row, (value, is_missing) in enumerate(zip(values, values.isna(), strict=True)):
        if not is_missing:
            yield row, value if isinstance(value, int | float) else str(value)


# --- the end of the term --------------------------------------------------------------------------


@command("purge", PEOPLE)
def purge(
    ctx: typer.Context, region: RegionCode, period: PeriodText, as_json: Json = False
) -> None:
    """Удалить таблицу соответствия и ответы на задания, когда истёк срок хранения."""
    from nmc_utils import results
    from nmc_utils.intake import crosswalk

    root = root_of(ctx)
    edition = edition_of(root, region, period)
    today = date.today()
    removed = [str(path) for path in crosswalk.purge(edition, today)]
    results.log(root, "purge", edition=edition.key, who=_user(), n=str(len(removed)))
    remains = [str(path) for path in (edition.sent, edition.validated) if path.exists()]
    if as_json:
        term = crosswalk.term_of(edition).isoformat()
        return print_json(
            {"edition": edition.key, "term": term, "removed": removed, "remains": remains}
        )
    typer.echo("\n".join(f"Удалено: {path}" for path in removed) or "Удалять было нечего.")
    typer.echo("Приём больше не запишет ни таблицу соответствия, ни ответы на задания.")
    typer.echo(
        f"Осталось: присланные файлы с именами в {edition.sent} — их программа не удаляет, "
        "решите сами; принятые таблицы и прогоны, в них личные коды без имён."
    )


# --- the search -----------------------------------------------------------------------------------


@command("scan", PEOPLE)
def scan(
    ctx: typer.Context,
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="Прогон; иначе всё, что сделано.")
    ] = None,
    planted: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Файл UTF-8 с именами, которые искать ещё: по строке."),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="Имя, которое искать ещё (можно несколько раз)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Искать имена людей во всём, что сделано: таблицы, тетради, документы, журнал."""
    from nmc_utils import scanning

    asked = [*(name or ()), *(_lines(planted) if planted else ())]
    found = scanning.scan(root_of(ctx), run, asked)
    is_clean = found.findings.empty and not found.unread
    if as_json:
        about = {"files": found.files, "unread": list(found.unread)}
        print_json(about | {"findings": records(found.findings)})
        raise typer.Exit(DONE if is_clean else FAILED)
    print_table("Похоже на имена (первая буква и длина)", found.findings.head(_SHOWN), FINDINGS)
    if len(found.findings) > _SHOWN:
        typer.echo(f"… и ещё {len(found.findings) - _SHOWN}; все: {nmc_of(ctx)} scan --json")
    for what in found.unread:
        typer.echo(f"{what}: не читается, имена здесь не искали", err=True)
    told = f"находок {len(found.findings)}" if len(found.findings) else "имён не найдено"
    typer.echo(f"Просмотрено файлов: {found.files}; {told}.")
    raise typer.Exit(DONE if is_clean else FAILED)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        refuse(f"{path}: это не UTF-8; сохраните файл в кодировке UTF-8")
