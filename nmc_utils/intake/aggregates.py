"""The sheet «Сводные числа»: what a region has counted itself instead of sending records.

A count of the diagnostics belongs to a procedure; a number of an indicator belongs to nothing but
its municipality.
"""

from __future__ import annotations

import pandas as pd

from nmc_utils.intake.workbook import Batch
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


def prepare(batch: Batch) -> None:
    """Hold out rows that say too much or too little for their count; no wave is the entry."""
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
    """Hold out levels that do not add up; note a region that is not the sum of its parts."""
    rows = batch.accepted().drop_duplicates(batch.key)
    _check_distributions(batch, rows[rows["measure"] == "level_share"], region)
    rows = rows[batch.live[rows.index]]
    _note_other_sums(batch, rows, region)


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


def _note_other_sums(batch: Batch, rows: pd.DataFrame, region: Region) -> None:
    """Note the region's own number where all municipalities are given and add up to another."""
    on = [column for column in batch.key if column != "municipality"]
    of_region = rows[rows["municipality"] == TOTAL]
    parts = rows[rows["municipality"] != TOTAL].groupby(on, dropna=False)
    sums = parts["numerator"].agg(["sum", "size"])
    sums = sums[sums["size"] == len(region.municipalities)].reset_index()
    both = of_region.reset_index(names="row").merge(sums, on=on)
    both = both[both["numerator"] != both["sum"]].set_index("row")
    found = "регион " + both["numerator"].astype("str") + ", сумма " + both["sum"].astype("str")
    batch.report(
        pd.Series(batch.text.index.isin(both.index), batch.text.index),
        "numerator",
        "Число по региону не равно сумме по всем муниципальным образованиям",
        "Проверьте числа; если человек учтён в двух местах, так и должно быть.",
        kind="note",
        found=found.reindex(batch.text.index).astype("str"),
    )
