"""Regions side by side: who is compared, what may not be, what differs. Nobody is ranked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.sentences import Sentence
from nmc_utils.terms import LEVELS

_REGIONS = ("регион", "региона", "регионов")


def regions_compared(definitions: pd.DataFrame, left_out: pd.DataFrame) -> Sentence:
    """Say how many regions stand side by side, and why others of the period do not.

    Parameters
    ----------
    definitions
        Of `regions_compared.region_definitions`.
    left_out
        `edition` and `reason` of editions of the period that are not compared.
    """
    count = wording.plural(len(definitions), *_REGIONS)
    few = f": {', '.join(definitions['name'])}" if len(definitions) <= 5 else ""
    text = f"Рядом стоят {count}{few}. Порядок по алфавиту; это не рейтинг."
    if len(left_out):
        text += f" Не вошли: {'; '.join(reason.rstrip('.') for reason in left_out['reason'])}."
    return Sentence(text)


def comparability(definitions: pd.DataFrame, reasons: Iterable[str]) -> Sentence:
    """Say whether results may be compared, and why not.

    Parameters
    ----------
    definitions
        Of `regions_compared.region_definitions`.
    reasons
        Of `regions_compared.incomparable`.
    """
    reasons = list(reasons)
    if not reasons:
        return Sentence(
            "Пороги, задания и отбор у всех регионов одни: доли низшего уровня сопоставимы."
        )
    text = f"Доли низшего уровня несопоставимы: {', '.join(reasons)}"
    alike = definitions["alike"].dropna()
    if len(alike):
        groups = wording.plural(int(alike.nunique()), "группа", "группы", "групп")
        count = wording.plural(len(alike), "регион", "региона", "регионов")
        text = (
            f"Не все доли низшего уровня сопоставимы: {', '.join(reasons)}. Сопоставимы между "
            f"собой {count} ({groups} с одними порогами, заданиями и отбором)"
        )
    return Sentence(f"{text}. Доля каждого региона показана рядом с его определением.")


def region_coverage(results: pd.DataFrame) -> Sentence:
    """Say between which shares the coverage of regions lies."""
    rows = results[(results["measure"] == "tested_share") & (results["status"] == "ok")]
    return _range(rows, "Охват диагностикой")


def region_levels(results: pd.DataFrame, definitions: pd.DataFrame, alike: int) -> Sentence:
    """Say between which values the share of the lowest level of comparable regions lies."""
    chosen = definitions.loc[definitions["alike"] == alike, "region"]
    rows = results[(results["measure"] == "level_share") & (results["status"] == "ok")]
    return _range(rows[rows["region"].isin(chosen)], "Доля низшего уровня")


def _range(rows: pd.DataFrame, what: str) -> Sentence:
    if rows.empty:
        return Sentence(f"{what}: нет данных.")
    low, high = rows["estimate"].min(), rows["estimate"].max()
    span = wording.percent(low, 1) if low == high else wording.percent_interval(low, high, 1)
    count = wording.plural(len(rows), "регион", "региона", "регионов")
    return Sentence(f"{what}: {span} ({count}).")


def region_differences(
    differences: pd.DataFrame,
    names: Mapping[str, str],
    indicators: Mapping[str, str] | None = None,
) -> Sentence:
    """Name the regions that differ from all by more than chance explains; it is no ranking.

    Parameters
    ----------
    differences
        Of `regions_compared.region_differences`.
    names
        Code of a region → its name, in the order in which they are named.
    indicators
        Id of an indicator → its name; needed where `differences` has some.
    """
    if differences.empty:
        return Sentence(
            "Отличия отдельных регионов от среднего не оценивались: регионов с сопоставимыми "
            "долями меньше десяти."
        )
    titles = {"level_share": "доля низшего уровня"} | dict(indicators or {})
    found = differences[differences["is_outlier"]]
    if found.empty:
        return Sentence(
            f"Ни в одном из {wording.number(len(differences))} сравнений регион не отличается от "
            "среднего по регионам больше, чем объяснимо случайностью и обычным разбросом."
        )
    parts = []
    for (quantity, *_), rows in found.groupby(
        ["quantity", "variant", "basis", "alike"], sort=False
    ):
        own = [
            f"{name} ({wording.percent(row.share, 1)}, {wording.size(row.n)})"
            for code, name in names.items()
            for row in rows[rows["region"] == code].itertuples()
        ]
        mean = wording.percent(rows["expected"].iloc[0], 1)
        parts.append(f"{titles[quantity]}, в среднем {mean}: {', '.join(own)}")
    return Sentence(
        "Отличается от среднего по регионам больше, чем объяснимо случайностью: "
        f"{'; '.join(parts)}. Порядок по алфавиту; причины из этого не следуют."
    )


def functions_side_by_side(functions: pd.DataFrame) -> pd.DataFrame:
    """Put the subjects that have each function, with their level, in a column for each region.

    Parameters
    ----------
    functions
        Of `regions_compared.region_functions`.

    Returns
    -------
    DataFrame
        `function_name`, and a column of text for each region by its name; a function that its
        documents give to nobody has the `note` of its row.
    """
    named = functions.dropna(subset=["function"])
    if named.empty:
        return pd.DataFrame(columns=["function_name", *region_titles(functions).values()])
    who = named["subject_name"] + " (" + named["level"].map(LEVELS) + ")"
    cells = named.assign(text=who.fillna(named["note"]))
    columns = ["function", "function_name", "region"]
    table = cells.groupby(columns, sort=False)["text"].agg("; ".join).unstack("region")
    order = named.drop_duplicates("function")["function"]
    table = table.reindex(order, level="function")[named["region"].unique()]
    table = table.rename(columns=region_titles(named)).reset_index("function_name")
    return table.reset_index(drop=True).rename_axis(columns=None)


def region_titles(table: pd.DataFrame) -> dict[str, str]:
    """Code of a region → its name; with the code where two regions have one name.

    Parameters
    ----------
    table
        With `region` and `name`.
    """
    regions = table.drop_duplicates("region").set_index("region")["name"]
    shared = regions.duplicated(keep=False)
    titles = regions.where(~shared, regions + " (" + regions.index + ")")
    return titles.to_dict()


def compared_then(changed: Iterable[str]) -> Sentence:
    """Say which regions, by name, have published other tables since; else nothing."""
    changed = list(changed)
    if not changed:
        return Sentence("")
    return Sentence(
        f"После сравнения опубликованы другие результаты: {', '.join(changed)}. "
        "Здесь стоят прежние."
    )
