"""The sheet «Сводные числа»: what a region has counted itself instead of sending records.

A count of the diagnostics belongs to a procedure; a number of an indicator belongs to nothing but
its municipality.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pandas as pd

from nmc_utils.indicator_definitions import Variant
from nmc_utils.intake.batch import HELD_OUT, Batch
from nmc_utils.intake.columns import BARE_TOTALS, WHOLE_REGION, folded
from nmc_utils.regions import Region
from nmc_utils.tables import TITLES
from nmc_utils.terms import COUNTS, TOTAL

#: Columns that only some counts have: count → those it may have; those it must have.
_MAY = {
    "tested": {"procedure_id", "wave"},
    "level_share": {"procedure_id", "wave", "domain", "level"},
}
_MUST = {"tested": {"procedure_id"}, "level_share": {"procedure_id", "level", "denominator"}}
#: The levels of these are one distribution of persons.
_DISTRIBUTION = ["procedure_id", "wave", "domain", "municipality"]
#: Sheets that say of which municipality a file is; the РМА is the centre's.
_OF_PLACES = ("employment", "organizations", "aggregates")
_NAME_IT = "Впишите муниципальное образование или, если число по всему региону, «весь регион»."
#: Meaning and remedy of a total that may be anybody's.
BARE_TOTAL = (
    "Неясно, чей это итог: так пишут и о регионе, и об одном муниципальном образовании",
    f"{_NAME_IT} Строку с суммой строк выше удалите.",
)


def report_documents(batch: Batch, unknown: pd.Series) -> None:
    """Note rows that are accepted without their document: other text may hold somebody's name."""
    batch.report(
        unknown,
        "document",
        "Документа с таким названием нет в region.yaml: строка принята без документа",
        "Впишите id, short или title документа из region.yaml, ключ documents, или очистите "
        "ячейку.",
        kind="note",
        found=pd.Series("", batch.text.index),
    )


def prepare(batch: Batch, batches: Mapping[str, Batch], region: Region) -> None:
    """Hold out rows that say too much or too little for their count; no wave is the entry."""
    _refuse_nobodys(batch, batches, region)
    data, measure = batch.data, batch.data["measure"]
    for column in ("procedure_id", "wave", "domain", "level"):
        allowed = [name for name, columns in _MAY.items() if column in columns]
        given = batch.text[column].notna() & data[column].ne(TOTAL)
        wrong = given & measure.notna() & ~measure.isin(allowed)
        batch.report(
            wrong,
            column,
            f"Для этой величины столбец «{batch.schema.columns[column].title}» не заполняют",
            "Очистите ячейку или исправьте «Что сосчитано».",
        )
        data[column] = data[column].mask(wrong)
    batch.report(
        batch.text["denominator"].notna() & measure.notna() & ~measure.isin(COUNTS),
        "denominator",
        "Величина показателя — одно число, «Из общего числа» у неё не бывает",
        "Очистите ячейку; общее число впишите отдельной строкой, как величину показателя.",
    )
    for column in ("procedure_id", "level", "denominator"):
        needing = [name for name, columns in _MUST.items() if column in columns]
        title = batch.schema.columns[column].title
        batch.report(
            batch.text[column].isna() & measure.isin(needing),
            column,
            f"Для этой величины нужен столбец «{title}», а он не заполнен",
            f"Заполните столбец «{title}»: без него строку принять нельзя.",
        )
    is_entry = batch.text["wave"].isna() & measure.isin(COUNTS)
    data["wave"] = data["wave"].mask(is_entry, "entry")


def _refuse_nobodys(batch: Batch, batches: Mapping[str, Batch], region: Region) -> None:
    """Hold out numbers without a municipality in a file that is of one, or of several."""
    of_places = {piece.file for piece in batch.pieces if _is_of_place(piece.file, region)}
    for other in (batches[table] for table in _OF_PLACES if table in batches):
        places = other.text["municipality"].map(folded, na_action="ignore")
        names_one = places.notna()
        if other is batch:
            whole = [folded(word) for word in (region.name, *WHOLE_REGION, *BARE_TOTALS)]
            names_one &= ~places.isin(whole)
        of_places |= {other.pieces[number].file for number in other.piece[names_one].unique()}
    of_these = [number for number, piece in enumerate(batch.pieces) if piece.file in of_places]
    batch.report(
        batch.text["municipality"].isna() & batch.piece.isin(of_these),
        "municipality",
        "Неясно, чьё это число: ячейка пуста, а в файле или в его названии есть муниципальные "
        "образования",
        _NAME_IT,
    )


def _is_of_place(file: str, region: Region) -> bool:
    """Whether the name of a file has a municipality in it."""
    known = [word for place in region.municipalities for word in (place.name, place.code)]
    words = "|".join(re.escape(folded(word)) for word in known)
    return re.search(rf"\b(?:{words})\b", folded(file)) is not None


def check_rows(batch: Batch, scores: Batch | None) -> None:
    """Hold out parts that are larger than the whole, and counts of what was sent as records."""
    data = batch.data
    of_diagnostics = data["measure"].isin(COUNTS)
    batch.report(
        of_diagnostics & (data["numerator"] > data["denominator"]).fillna(False).astype(bool),
        "numerator",
        "«Число» больше, чем «Из общего числа»",
        "Проверьте оба числа и впишите верные.",
    )
    if scores is not None:
        recorded = scores.accepted()["procedure_id"]
        batch.report(
            of_diagnostics & data["procedure_id"].isin(recorded),
            "procedure_id",
            f"Результаты этой процедуры присланы и по людям, на листе «{TITLES['scores']}», "
            "и сводными числами: принято то, что по людям",
            f"Удалите сводные числа этой процедуры или её строки на листе «{TITLES['scores']}».",
        )


def check_groups(batch: Batch, region: Region) -> None:
    """Hold out numbers that contradict each other, or note it where both may be true."""
    rows = _rows(batch)
    _check_distributions(batch, rows[rows["measure"] == "level_share"], region)
    _check_shares(batch, region)
    for column in ("numerator", "denominator"):
        _check_parts(batch, column)
    _note_other_sums(batch, _rows(batch), region)
    _note_other_tested(batch)


def _rows(batch: Batch) -> pd.DataFrame:
    """The live rows without exact repeats."""
    return batch.accepted().drop_duplicates(batch.key)


def _check_distributions(batch: Batch, rows: pd.DataFrame, region: Region) -> None:
    groups = rows.groupby(_DISTRIBUTION).agg(
        counted=("numerator", "sum"),
        least=("denominator", "min"),
        whole=("denominator", "max"),
        levels=("level", "nunique"),
    )
    differs = groups["least"] != groups["whole"]
    above = ~differs & (groups["counted"] > groups["whole"])
    is_complete = groups["levels"] == len(region.diagnostics.levels)
    below = ~differs & is_complete & (groups["counted"] < groups["whole"])
    sums = [
        f"в сумме {counted} из {whole}"
        for counted, whole in zip(groups["counted"], groups["whole"], strict=True)
    ]
    sums = pd.Series(sums, groups.index, dtype="str")
    for wrong, column, meaning, remedy in (
        (
            differs,
            "denominator",
            "У уровней одной процедуры, этапа, компетенции и места «Из общего числа» разное",
            "Впишите у всех этих уровней одно и то же: сколько всего человек прошло диагностику.",
        ),
        (
            above,
            "numerator",
            "По уровням людей больше, чем «Из общего числа»",
            "Проверьте числа всех уровней: каждый человек входит в один уровень.",
        ),
        (
            below,
            "numerator",
            "Указаны все уровни, а людей по ним меньше, чем «Из общего числа»",
            "Проверьте числа: сумма по всем уровням должна равняться «Из общего числа».",
        ),
    ):
        mine = pd.MultiIndex.from_frame(batch.data[_DISTRIBUTION])
        in_group = pd.Series(mine.isin(groups.index[wrong]), batch.text.index)
        in_group &= batch.live & batch.data["measure"].eq("level_share")
        found = None
        if column == "numerator":
            found = pd.Series(sums.reindex(mine).array, batch.text.index, dtype="str")
        batch.report(in_group, column, meaning, remedy, found=found)


def _check_shares(batch: Batch, region: Region) -> None:
    """Hold out a numerator and denominator of an indicator's share that is more than a whole."""
    was_live = batch.live  # a whole may be in several shares
    values = _rows(batch).drop_duplicates(["measure", "municipality"])
    values = values.set_index(["municipality", "measure"])["numerator"].unstack()
    for indicator, (part, whole) in _shares(region):
        if part in values and whole in values:
            above = (values[part] > values[whole]).fillna(False).astype(bool)
            found = "часть " + values[part].astype("str") + ", целое " + values[whole].astype("str")
            place = batch.data["municipality"]
            batch.report(
                was_live
                & place.isin(above.index[above])
                & batch.data["measure"].isin([part, whole]),
                "numerator",
                f"Показатель «{indicator}» — доля, а часть в нём больше целого",
                "Проверьте оба числа показателя и впишите верные.",
                found=place.map(found).astype("str"),
            )


def _shares(region: Region) -> Iterator[tuple[str, tuple[str, str]]]:
    """Name of an indicator, and metrics of a part and a whole that make its share."""
    told: set[tuple[str, str]] = set()
    for indicator in region.indicators:
        for metrics in map(_metrics, indicator.variants):
            if indicator.unit == "share" and metrics and metrics not in told:
                told.add(metrics)
                yield indicator.name, metrics


def _metrics(variant: Variant) -> tuple[str, str] | None:
    part, whole = variant.numerator.metric, variant.denominator and variant.denominator.metric
    return (part, whole) if part and whole else None


def _check_parts(batch: Batch, column: str) -> None:
    """Hold out a number of the region that is less than its parts; note a part above it.

    All live rows are told, exact repeats among them: else a repeat would be accepted.
    """
    on = [name for name in batch.key if name != "municipality"]
    rows = _rows(batch).dropna(subset=column)
    is_whole = rows["municipality"] == TOTAL
    wholes = rows.loc[is_whole, [*on, column]].rename(columns={column: "whole"})
    parts = rows[~is_whole].groupby(on, dropna=False)[column].agg(sum="sum").reset_index()
    both = batch.accepted().reset_index(names="row").merge(wholes.merge(parts, on=on), on=on)
    both = both.set_index("row")
    title = batch.schema.columns[column].title
    below = both[(both["municipality"] == TOTAL) & (both["sum"] > both["whole"])]
    _tell(
        batch,
        below,
        column,
        f"«{title}» по региону меньше, чем в сумме по его муниципальным образованиям",
        "Проверьте числа и впишите верные: число по региону не меньше суммы его частей.",
        "регион " + below["whole"].astype("str") + ", сумма " + below["sum"].astype("str"),
        kind=HELD_OUT,
    )
    above = both[(both["municipality"] != TOTAL) & (both[column] > both["whole"]).fillna(False)]
    _tell(
        batch,
        above,
        column,
        f"«{title}» одного муниципального образования больше, чем по всему региону",
        "Проверьте это число и число по региону.",
        "муниципальное образование "
        + above[column].astype("str")
        + ", регион "
        + above["whole"].astype("str"),
    )


def _note_other_sums(batch: Batch, rows: pd.DataFrame, region: Region) -> None:
    """Note the region's own number where all municipalities are given and add up to less."""
    on = [column for column in batch.key if column != "municipality"]
    of_region = rows[rows["municipality"] == TOTAL]
    parts = rows[rows["municipality"] != TOTAL].groupby(on, dropna=False)
    sums = parts["numerator"].agg(["sum", "size"])
    sums = sums[sums["size"] == len(region.municipalities)].reset_index()
    both = of_region.reset_index(names="row").merge(sums, on=on)
    both = both[both["numerator"] != both["sum"]].set_index("row")
    _tell(
        batch,
        both,
        "numerator",
        "Число по региону не равно сумме по всем муниципальным образованиям",
        "Проверьте числа; если кто-то не отнесён ни к одному муниципальному образованию, "
        "так и должно быть.",
        "регион " + both["numerator"].astype("str") + ", сумма " + both["sum"].astype("str"),
    )


def _note_other_tested(batch: Batch) -> None:
    """Note levels of which the whole is not the number of those who were tested."""
    rows, on = _rows(batch), ["procedure_id", "wave", "municipality"]
    tested = rows.loc[rows["measure"] == "tested", [*on, "numerator"]]
    levels = rows[rows["measure"] == "level_share"].reset_index(names="row")
    both = levels.merge(tested.rename(columns={"numerator": "tested"}), on=on)
    both = both[both["denominator"] != both["tested"]]
    both = both.drop_duplicates([*on, "domain"]).set_index("row")
    _tell(
        batch,
        both,
        "denominator",
        "«Из общего числа» у уровней не равно числу прошедших эту процедуру",
        "Проверьте числа; если уровни известны не у всех прошедших, так и должно быть.",
        "уровни из "
        + both["denominator"].astype("str")
        + ", прошли "
        + both["tested"].astype("str"),
    )


def _tell(
    batch: Batch,
    rows: pd.DataFrame,
    column: str,
    meaning: str,
    remedy: str,
    found: pd.Series,
    *,
    kind: str = "note",
) -> None:
    """Report `rows` of `batch`, with `found` on their index."""
    among = pd.Series(batch.text.index.isin(rows.index), batch.text.index)
    found = found.reindex(batch.text.index).astype("str")
    batch.report(among, column, meaning, remedy, kind=kind, found=found)
