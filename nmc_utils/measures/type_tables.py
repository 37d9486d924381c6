"""Measure tables of types of teachers: what each type is, and how many types the data bear.

Nothing here is about single persons: which type a person is nearest to is not published.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.typology import Typology
from nmc_utils.terms import TOTAL

#: Code of the model of one dimension among numbers of classes.
LEVEL = "level"
_NOBODY = "людей с результатами по компетенциям нет"
_ONE_TYPE = "тип один: сравнивать не с чем"
_ONE_TRIED = "рассматривался только один тип: сравнивать не с чем"
_NOT_CONVERGED = "Оценка не сошлась за отведённые шаги: доли типов приблизительны."
_NO_LEVEL = "модель одного общего уровня к этим результатам не подбирается"


def type_measures(typology: Typology) -> pd.DataFrame:
    """Describe the types of an edition and their stability.

    Returns
    -------
    DataFrame
        Measure table with keys `type` ("1" … by the expected number of deficits, or "total") and
        `domain` (or "total"). Of everyone: `type_count`; `type_count_support`, the share of
        resamples with this number of types, not assessed where no more than one was tried;
        `type_agreement`, mean adjusted Rand index of resamples; `types_are_ordered`, 1 where the
        types differ by their general level alone; `level_is_enough`, 1 where the model of one
        level without types has the least BIC. `n` of support and agreement are resamples. By type:
        `type_share` and `type_deficits`; by type and domain: `type_deficit_share`, whose `n` are
        the persons of the type as the model expects them. `note` says why a number is missing;
        for a `type_count` that is the greatest tried, what allowed no more; for `type_agreement`,
        the range of 95 % of the resamples. That range is no interval of the mean (it does not
        narrow with more resamples), so `interval_kind` is «none» and the bounds are missing.
    """
    parts = [_whole(typology), _by_type(typology), _by_domain(typology)]
    table = pd.concat([part for part in parts if len(part)], ignore_index=True)
    return _measures(table, ["type", "domain"])


def type_fit(typology: Typology) -> pd.DataFrame:
    """Compare numbers of types, and the model of one general level without types.

    Returns
    -------
    DataFrame
        Measure table with key `classes` ("1", "2", … or `LEVEL`): `type_bic`, and of classes
        `type_log_likelihood`, `type_parameters`, `type_entropy` (relative, 1 = the class of
        everyone is certain), `type_support`, the share of resamples in which this number has the
        least BIC, whose `n` are resamples; not assessed where it is the only number tried.
        `note` says why a number is missing.
    """
    measures = {
        "bic": "type_bic",
        "log_likelihood": "type_log_likelihood",
        "parameters": "type_parameters",
        "entropy": "type_entropy",
        "chosen_share": "type_support",
    }
    fit = typology.fit[list(measures)].rename(columns=measures).astype(float)
    if len(fit) == 1:
        fit["type_support"] = np.nan
    fit.index = fit.index.astype("str")
    table = fit.rename_axis("classes").reset_index()
    table = table.melt("classes", var_name="measure", value_name="estimate")
    of_resamples = table["measure"].eq("type_support")
    table["n"] = np.where(of_resamples, typology.n_resamples, typology.n)
    why = np.where(of_resamples, _ONE_TRIED, _ONE_TYPE)
    table["note"] = np.where(table["estimate"].isna(), why, None)
    level = {"classes": LEVEL, "measure": "type_bic", "estimate": typology.level_bic}
    known = not np.isnan(typology.level_bic)
    why = _NO_LEVEL if typology.n else _NOBODY
    level |= {"n": typology.n, "note": None if known else why}
    return _measures(pd.concat([table, pd.DataFrame([level])], ignore_index=True), ["classes"])


def _whole(typology: Typology) -> pd.DataFrame:
    agreement, times = typology.agreement, typology.n_resamples
    nothing = typology.n_types == 0
    why = _NOBODY if nothing else _ONE_TYPE
    note = _NOBODY if nothing else _limits(typology)
    several_tried = len(typology.fit) > 1
    support = typology.fit["chosen_share"][typology.n_types] if several_tried else np.nan
    why_alone = _NOBODY if nothing else _ONE_TRIED
    rows = [
        {
            "measure": "type_count",
            "estimate": np.nan if nothing else typology.n_types,
            "n": typology.n,
            "note": note,
        },
        {
            "measure": "type_count_support",
            "estimate": support,
            "n": times,
            "note": None if several_tried else why_alone,
        },
        {"measure": "type_agreement", "estimate": np.nan, "n": times, "note": why},
        {"measure": "types_are_ordered", "estimate": np.nan, "n": typology.n, "note": why},
        {
            "measure": "level_is_enough",
            "estimate": np.nan,
            "n": typology.n,
            "note": why if nothing else _NO_LEVEL,
        },
    ]
    if not np.isnan(typology.level_bic):
        rows[4] |= {"estimate": float(typology.level_bic < typology.fit["bic"].min()), "note": None}
    if len(agreement):
        rows[2] |= {"estimate": agreement.mean(), "note": _range(agreement)}
        rows[3] |= {"estimate": float(typology.is_ordered), "note": None}
    return pd.DataFrame(rows).assign(type=TOTAL, domain=TOTAL)


def _range(agreement: np.ndarray) -> str:
    """Say between which values 95 % of the resamples lie."""
    low, high = np.quantile(agreement, [0.025, 0.975])
    written = f"в 95 % повторных выборок от {low:.2f} до {high:.2f}".replace(".", ",")
    return written.replace("-", "−")


def _limits(typology: Typology) -> str | None:
    """What kept the number of types from being greater, where it is the greatest tried."""
    told = list(typology.notes) if typology.n_types == len(typology.fit) else []
    if not typology.fit.loc[typology.n_types, "is_converged"]:
        told.append(_NOT_CONVERGED)
    return " ".join(told) or None


def _by_type(typology: Typology) -> pd.DataFrame:
    parts = [
        typology.classes.filter(regex=f"^{name}(_|$)")
        .rename(columns=lambda column, name=name: column.removeprefix(f"{name}_"))
        .rename(columns={name: "estimate"})
        .assign(measure=measure)
        for name, measure in (("share", "type_share"), ("deficits", "type_deficits"))
    ]
    table = pd.concat(parts).reset_index()
    return _typed(table).assign(domain=TOTAL, n=typology.n)


def _by_domain(typology: Typology) -> pd.DataFrame:
    return _typed(typology.profiles).assign(measure="type_deficit_share")


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(type=table["type"].astype("str"), note=None)


def _measures(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    given = table["estimate"].notna()
    table = table.reindex(columns=[*keys, *ESTIMATE_COLUMNS, "note"])
    numbers = ["estimate", "std_error", "ci_low", "ci_high"]
    return table.assign(
        **{name: table[name].astype(float) for name in numbers},
        interval_kind=np.where(table["ci_low"].notna(), "process", "none"),
        n=table["n"].astype("Int64"),
        status=np.where(given, "ok", np.where(table["n"].eq(0), "no_data", "not_assessed")),
        note=table["note"].astype(object).where(table["note"].notna(), None),
    )
