"""From text with addresses to canonical tables: schemas, references, rules, versions.

A row that fails is held out with a problem that names its cell; it is never dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import pandas as pd
from pandera.errors import SchemaErrors

from nmc_utils.editions import Edition
from nmc_utils.intake import aggregates, quality
from nmc_utils.intake.aliases import Aliases
from nmc_utils.intake.answers import Answers
from nmc_utils.intake.batch import BLANK, CONSERVATION, PROBLEM, Batch, Piece, among
from nmc_utils.intake.conversion import convert, refuse_totals
from nmc_utils.intake.identification import accepted_people, identify
from nmc_utils.intake.names import Names
from nmc_utils.intake.others import find_by_name, names_of_others
from nmc_utils.intake.persons import PERSON_HEADERS
from nmc_utils.intake.references import ORDER, Lacking, check_references
from nmc_utils.intake.repeats import (
    check_clashes,
    check_held_repeats,
    check_repeats,
    contradicting,
    spread,
)
from nmc_utils.intake.reported import Reported, Sender, place, reported
from nmc_utils.intake.rules import (
    HAPPENED,
    check_days_between,
    check_measures_of_roadmap,
    note_days_elsewhere,
    note_without_day,
)
from nmc_utils.intake.versions import Difference, is_worthless, replace_older
from nmc_utils.regions import Region
from nmc_utils.tables import DIFFERENCES, HELD_ROWS, TITLES, validate

_MOST_ABOVE = 0.05  # of the rows of a sheet; with more of them above the maximum it is the sheet


@dataclass(frozen=True)
class Checked:
    """What the checks made of the sheets.

    `people` are the persons of accepted rows by name, for the crosswalk alone.
    """

    tables: dict[str, pd.DataFrame]
    conservation: pd.DataFrame
    problems: pd.DataFrame
    held_rows: pd.DataFrame
    differences: pd.DataFrame
    replaced: dict[str, str]
    reported: Reported
    people: pd.DataFrame
    names: Names


@dataclass(frozen=True)
class Setting:
    """What the checks know besides the sheets.

    Attributes
    ----------
    edition, key, aliases
        The edition, the key of its identities, and confirmed changes of surname.
    senders
        File → in which order it came, whose it is, and what of it was refused whole.
    """

    edition: Edition
    key: bytes
    aliases: Aliases
    senders: Mapping[str, Sender] = field(default_factory=dict)


def check(pieces: dict[str, list[Piece]], setting: Setting) -> Checked:
    """Type, identify and check the rows of every table; nothing is dropped.

    A newer file takes the place of an older one only if nearly all of it is accepted; that shows
    when it has been checked, so the checks are then made again without it.

    Parameters
    ----------
    pieces
        Table → its sheets that can be read, in a fixed order; none where all were refused.
    setting
        The edition and its files.
    """
    worthless: frozenset[tuple[str, str]] = frozenset()
    told = [pd.DataFrame(columns=PROBLEM)]
    while True:
        batches, checked = _check(pieces, setting, worthless)
        more = worthless | {
            (difference.file, difference.table)
            for difference in batches.differences
            if is_worthless(batches.of[difference.table], difference.file)
        }
        if more == worthless:
            problems = pd.concat([checked.problems, *told]).drop_duplicates(ignore_index=True)
            return replace(checked, problems=problems)
        told += [_problems_of(checked, file, table) for file, table in more - worthless]
        worthless = more


def _problems_of(checked: Checked, file: str, table: str) -> pd.DataFrame:
    problems = checked.problems
    return problems[problems["file"].eq(file) & problems["table"].eq(table)]


@dataclass
class _Batches:
    of: dict[str, Batch]
    differences: list[Difference] = field(default_factory=list)


def _check(
    pieces: dict[str, list[Piece]], setting: Setting, worthless: Collection[tuple[str, str]]
) -> tuple[_Batches, Checked]:
    region, names = setting.edition.region, _names_of(pieces)
    sent = [table for table in ORDER if pieces.get(table)]
    found = _Batches({table: Batch(table, pieces[table], names, region) for table in sent})
    batches = found.of
    for batch in batches.values():
        convert(batch, region, setting.key)
    identify(batches, setting.aliases)
    place(batches, setting.senders)
    for batch in batches.values():
        found.differences += replace_older(batch, setting.senders, worthless)
    lacking = Lacking(batches)
    tables: dict[str, pd.DataFrame] = {}
    for table, batch in batches.items():
        if table == "aggregates":
            aggregates.prepare(batch, batches, region)
        refuse_totals(batch, batches)
        frame = _check_table(batch, batches, lacking, setting.edition)
        if len(frame):
            tables[table] = frame
    _note_without_main(batches)
    quality.note(batches)
    who = reported(batches, region, setting.senders, has_workplaces="employment" in pieces)
    ordered = [batches[table] for table in TITLES if table in batches]
    checked = Checked(
        tables=tables,
        conservation=_all(CONSERVATION, [batch.conservation() for batch in ordered]),
        problems=pd.concat([lacking.problems(), *(batch.problems() for batch in ordered)]),
        held_rows=_all(HELD_ROWS, [batch.held_rows() for batch in ordered]).astype(HELD_ROWS),
        differences=_told(found.differences),
        replaced=_replaced(ordered),
        reported=who,
        people=accepted_people(batches, region),
        names=names,
    )
    return found, checked


def _all(columns: Collection[str], frames: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([pd.DataFrame(columns=list(columns)), *frames], ignore_index=True)


def _told(differences: list[Difference]) -> pd.DataFrame:
    rows = [tuple(getattr(one, name) for name in DIFFERENCES) for one in differences]
    return pd.DataFrame(rows, columns=list(DIFFERENCES)).astype(DIFFERENCES)


def _replaced(batches: list[Batch]) -> dict[str, str]:
    """Files of which every sheet was replaced → the file that did it last."""
    by: dict[str, str] = {}
    kept = set()
    for batch in batches:
        for number, piece in enumerate(batch.pieces):
            rows = batch.piece.eq(number) & batch.status.ne(BLANK)
            if number in batch.replaced_by and not (rows & batch.current).any():
                by[piece.file] = batch.replaced_by[number]
            elif rows.any():
                kept.add(piece.file)
    return {file: newer for file, newer in by.items() if file not in kept}


def _names_of(pieces: dict[str, list[Piece]]) -> Names:
    surname, *given = PERSON_HEADERS[:-1]

    def cells(titles: list[str]) -> list[pd.Series]:
        every = [piece.text for sheets in pieces.values() for piece in sheets]
        return [text[title] for text in every for title in titles if title in text]

    others = [names_of_others(table, sheets) for table, sheets in pieces.items()]
    return Names.union([Names.of(cells([surname]), cells(given)), *others])


def _check_table(
    batch: Batch, batches: dict[str, Batch], lacking: Lacking, edition: Edition
) -> pd.DataFrame:
    answers = Answers(batch, batches) if batch.table == "responses" else None
    find_by_name(batch, batches)
    check_references(batch, batches, lacking)
    if answers:
        answers.check()
    else:
        _check_schema(batch)
    _check_rows(batch, batches)
    _check_days(batch, edition)
    note_without_day(batch)
    note_days_elsewhere(batch, edition, routes=batches.get("routes"))
    lacking.hold(batch)
    values = batch.data if answers is None else answers.comparable()
    check_held_repeats(batch, values)
    check_measures_of_roadmap(batch, edition)  # a code that is another measure's repeats nothing
    check_clashes(batch, values)
    _check_groups(batch, edition.region)
    check_repeats(batch, values)
    return _canonical(batch) if answers is None else answers.long()


def _canonical(batch: Batch) -> pd.DataFrame:
    """The accepted rows as their table; `_check_schema` has validated them one by one."""
    schema = batch.schema
    rows = batch.accepted().sort_values(list(schema.unique), kind="stable", ignore_index=True)
    if rows.duplicated(schema.unique).any():
        raise AssertionError(f"{batch.table}: rows with equal keys were accepted")
    return rows[list(schema.columns)]


# --- schemas ------------------------------------------------------------------------------------


def _check_schema(batch: Batch) -> None:
    """Hold out values beyond their bounds, in rows that are held out for something else too."""
    for column in batch.data.columns.intersection(list(batch.schema.columns)):
        for check in batch.schema.columns[column].checks:
            if {"min_value", "max_value"} <= set(check.statistics):
                _check_bounds(batch, column, check.statistics)
    try:
        validate(batch.table, batch.accepted())
    except SchemaErrors as errors:
        if not errors.failure_cases["check"].eq("multiple_fields_uniqueness").all():
            raise


def _check_bounds(batch: Batch, column: str, statistics: Mapping[str, object]) -> None:
    low, high = statistics["min_value"], statistics["max_value"]
    if low is None or high is None:  # the length of a text
        return
    values = batch.data[column]
    batch.report(
        values.notna() & ~values.between(low, high).fillna(False).astype(bool),
        column,
        f"Значение вне допустимых границ: от {_bound(low)} до {_bound(high)}",
        "Проверьте значение и впишите верное.",
    )


def _bound(value: object) -> str:
    if isinstance(value, pd.Timestamp):
        return f"{value:%d.%m.%Y}"
    return f"{value:.12g}".replace(".", ",")


# --- rules of single tables ---------------------------------------------------------------------


def _check_rows(batch: Batch, batches: dict[str, Batch]) -> None:
    """Rules that one row breaks by itself or against a table it refers to."""
    data = batch.data
    if {"from_on", "to_on"} <= set(data):
        batch.report(
            data["from_on"] > data["to_on"],
            "to_on",
            "Последний день раньше первого",
            "Проверьте обе даты и впишите верные.",
        )
    check_days_between(batch)
    if batch.table == "employment":
        _must_agree(batch, batches.get("organizations"), ["organization_id"], "municipality")
    if batch.table == "scores":
        batch.report(
            data["raw_score"] > data["max_score"],
            "raw_score",
            "Балл больше максимального",
            "Проверьте балл и максимальный балл и впишите верные.",
        )
        _refuse_sheets_above(batch, data["raw_score"] > data["max_score"])
        forms = batches.get("forms")
        _must_agree(batch, forms, ["form_id", "domain"], "max_score")
        _must_agree(batch, forms, ["form_id", "domain"], "procedure_id")
    if batch.table == "aggregates":
        aggregates.check_rows(batch, batches.get("scores"))


def _refuse_sheets_above(batch: Batch, above: pd.Series) -> None:
    """Hold a sheet out of which many scores are above the maximum: columns were mixed up."""
    above &= batch.status.ne(BLANK)
    for number in batch.piece[above].unique():
        mine = batch.piece.eq(number) & batch.status.ne(BLANK)
        n, n_rows = int((above & mine).sum()), int(mine.sum())
        if n > 1 and n > _MOST_ABOVE * n_rows:
            batch.report(
                mine & ~above,
                "raw_score",
                f"На листе баллов больше максимального — {n} из {n_rows}: похоже, перепутаны "
                "столбцы или неверен максимум, лист задержан целиком",
                "Проверьте столбцы «Балл» и «Максимальный балл» всего листа.",
                found=pd.Series("", batch.text.index),
            )


def _check_days(batch: Batch, edition: Edition) -> None:
    """Results belong to the period; nothing can be dated after the day the data were gathered."""
    period, data = edition.period, batch.data
    if batch.table == "scores":
        inside = data["taken_on"].between(
            pd.Timestamp(period.starts_on), pd.Timestamp(period.ends_on)
        )
        batch.report(
            data["taken_on"].notna() & ~inside,
            "taken_on",
            f"Дата диагностики вне периода издания ({period.label})",
            "Проверьте дату; результаты другого периода присылают в его издание.",
        )
    for column in HAPPENED.get(batch.table, ()):
        batch.report(
            data[column] > pd.Timestamp(edition.as_of),
            column,
            f"Дата позже дня, на который собраны данные издания ({edition.as_of:%d.%m.%Y})",
            "Проверьте дату или ключ as_of в edition.yaml.",
            kind="note",
        )


def _must_agree(batch: Batch, target: Batch | None, on: list[str], column: str) -> None:
    if target is None:
        return
    there = target.accepted().drop_duplicates(on).set_index(on)[column]
    wanted = batch.data.merge(there.rename("_there"), how="left", left_on=on, right_index=True)
    differs = wanted["_there"].notna() & batch.data[column].notna()
    differs &= batch.data[column].ne(wanted["_there"])
    title = batch.schema.columns[column].title
    batch.report(
        differs,
        column,
        f"«{title}» здесь и на листе «{TITLES[target.table]}» не совпадают",
        f"Исправьте «{title}» на одном из двух листов.",
    )


def _check_groups(batch: Batch, region: Region) -> None:
    """Rules that rows break together; what is ambiguous is held out whole."""
    live = batch.data.loc[batch.live]
    if batch.table == "employment":
        main = live[live["is_main"].astype(bool)]
        batch.report(
            spread(batch, contradicting(main, ["person_id"])),
            "is_main",
            "У человека отмечено несколько основных мест работы",
            "Оставьте «да» в одной строке человека: люди учитываются по основному месту работы.",
        )
    if batch.table == "items":
        batch.report(
            spread(batch, contradicting(live, ["form_id", "position"])),
            "position",
            "Под этим номером в форме стоит несколько заданий",
            "Дайте каждому заданию формы свой номер.",
        )
    if batch.table == "aggregates":
        aggregates.check_groups(batch, region)


def _note_without_main(batches: dict[str, Batch]) -> None:
    """Note persons whom no municipality counts, for want of a main workplace."""
    staff, work = batches.get("staff"), batches.get("employment")
    if staff is None or work is None:
        return
    main = work.data[work.data["is_main"].eq(True) & work.status.ne(BLANK)]
    staff.report(
        staff.live & ~among(staff.data["person_id"], main["person_id"]),
        "person_id",
        "У человека не указано основное место работы: в итоги по муниципалитетам он не входит",
        f"Отметьте основное место работы на листе «{TITLES['employment']}».",
        kind="note",
    )
