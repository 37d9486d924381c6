"""How reliable the results of an edition are: of each form, and over the forms of a competence.

The population is everyone tested in one wave of a procedure. Nothing here alters a result: the
numbers stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nmc_utils.measures.answers import Answers, Key
from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.distributions import ROUNDING
from nmc_utils.measures.pooling import Pool, pool_of, pools
from nmc_utils.measures.reliability import alpha, composite_reliability
from nmc_utils.terms import TOTAL, WORST

#: What is estimated from fewer persons of a form says too little to judge anybody by.
LEAST_PERSONS = 30
#: How a reliability came about.
SOURCES = {
    "alpha": "расчёт по ответам: альфа Кронбаха",
    "composite": "расчёт по компетенциям: составная надёжность; надёжность компетенций: {parts}",
    "reported": "сообщена без источника",
}
#: What is added to the source where the reliability was reported of another wave.
CARRIED = "для выхода пересчитана по разбросу результатов"
_OF_FORM = ["procedure", "wave", "form"]
_ABOUT = ["mean", "sd", "max_score", "n_items", "source", "note"]

Row = dict[str, Any]


def reliability_by_form(
    results: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    answers: Mapping[Key, Answers],
) -> pd.DataFrame:
    """Reliability of the results of every form, in each competence and in the whole test.

    From the answers where they were sent (Cronbach's alpha), else as the table of forms reports it.
    What is reported is taken to be of those who came to the entry: at exit the error of measurement
    on the same forms is the same and the spread of results is another (see `_error_ratio`).
    That of the whole test of a form with competences is composite (stratified alpha). Items that
    everyone answered alike say nothing; alpha is without them, and they are named.

    Parameters
    ----------
    results
        Of `scored`.
    tables
        Canonical tables, of which `forms` is used.
    answers
        Of `all_answers`.

    Returns
    -------
    DataFrame
        Measure table with keys `procedure`, `wave`, `form`, `domain`; measure `reliability`, 0–1;
        where it was estimated with an interval for another such set of persons: Feldt's for alpha,
        of `Pool.interval` for a composite; `n` persons. With `mean` and `sd` of the raw
        scores of those persons, `max_score`, `n_items`, `source` in words and `note`: why it is
        not assessed, or which items are not in it.
    """
    judged = results[results["domain"].ne(WORST) & results["raw_score"].notna()]
    judged = judged.rename(columns={"form_id": "form"})
    judged = judged.assign(domain=judged["domain"].astype("str"))
    reported = _reported(tables)
    ratios = _error_ratios(judged)
    rows = []
    for (procedure, wave, form), taken in judged.groupby(_OF_FORM):
        parts = [
            _of_form(
                part,
                answers.get((procedure, wave, domain)),
                _carried(reported.get((form, domain)), ratios.get((procedure, wave, domain))),
            )
            for domain, part in taken.groupby("domain")
            if domain != TOTAL or taken["domain"].eq(TOTAL).all()
        ]
        rows += parts
        if taken["domain"].nunique() > 1:
            rows.append(_of_whole_test(taken, parts))
    columns = [*_OF_FORM, "domain", *ESTIMATE_COLUMNS, *_ABOUT]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(measure="reliability").astype({"n": "Int64", "n_items": "Int64"})


def _reported(tables: Mapping[str, pd.DataFrame]) -> dict[tuple[str, str], Row]:
    """What the table of forms says, by form and domain."""
    if "forms" not in tables:
        return {}
    rows = tables["forms"].to_dict("records")
    return {(row["form_id"], row["domain"]): row for row in rows}


def _carried(told: Row | None, ratio: float | None) -> Row | None:
    """What the table of forms says of a form, for the spread of results of another wave."""
    if told is None or ratio is None or pd.isna(told["reliability"]):
        return told
    carried = 1 - (1 - told["reliability"]) * ratio
    return told | {"reliability": carried, "reliability_source": f"{_source(told)}; {CARRIED}"}


def _source(told: Row) -> str:
    source = told["reliability_source"]
    return SOURCES["reported"] if pd.isna(source) else source


def _error_ratios(judged: pd.DataFrame) -> dict[Key, float]:
    """Share of error in the variance of results at exit by that at entry, on the same forms."""
    shares = judged.assign(share=judged["raw_score"] / judged["max_score"])
    keys = ["procedure", "domain"]
    found = {}
    for (procedure, domain), rows in shares.groupby(keys):
        moments = rows.groupby(["wave", "form"])["share"].agg(["size", "mean", "var"])
        moments = moments[moments["size"] >= LEAST_PERSONS]
        waves = moments.index.get_level_values("wave")
        if {"entry", "exit"} <= set(waves):
            ratio = _error_ratio(moments.loc["entry"], moments.loc["exit"])
            if ratio is not None:
                found[procedure, "exit", domain] = ratio
    return found


def _error_ratio(entry: pd.DataFrame, leave: pd.DataFrame) -> float | None:
    """By Lord's binomial error, which on a form is proportional to the mean of x(1 − x).

    One ratio for all forms, since that of a single form of thirty persons is too unsure.
    """
    both = entry.index.intersection(leave.index)
    if both.empty:
        return None
    weights = leave.loc[both, "size"].to_numpy(float)
    parts = []
    for wave in (entry.loc[both], leave.loc[both]):
        error = wave["mean"] * (1 - wave["mean"]) - wave["var"]
        parts.append((float(weights @ error), float(weights @ wave["var"])))
    (error_then, spread_then), (error_now, spread_now) = parts
    if min(error_then, spread_then, error_now, spread_now) <= 0:
        return None
    return error_now / error_then * spread_then / spread_now


def _described(results: pd.DataFrame) -> Row:
    """Who took a form, and with what scores."""
    scores = results["raw_score"]
    first = results.iloc[0]
    known = {name: first[name] for name in (*_OF_FORM, "domain", "max_score")}
    return known | {"n": len(scores), "mean": scores.mean(), "sd": scores.std()}


def _of_form(results: pd.DataFrame, sent: Answers | None, told: Row | None) -> Row:
    row = _described(results)
    has_answers = sent is not None and sent.form.eq(row["form"]).sum() >= LEAST_PERSONS
    given = sent.of_form(row["form"]) if has_answers else None
    if given is not None:
        row["n_items"] = given.shape[1]
    elif told is not None:
        row["n_items"] = told["n_items"]
    if row["n"] < LEAST_PERSONS:
        return row | _not_assessed(f"форму прошли меньше {LEAST_PERSONS} чел.")
    if results["raw_score"].nunique() < 2:
        return row | _not_assessed("все результаты формы одинаковы")
    if given is not None:
        return row | _estimated(given)
    if told is None or pd.isna(told["reliability"]):
        return row | _not_assessed("ответов на задания нет, и надёжность формы не сообщена")
    if not 0 < told["reliability"] < 1:
        number = f"{told['reliability']:.3g}".replace(".", ",")
        return row | _not_assessed(f"по сообщённой надёжности выходит {number}: такой не бывает")
    return row | _ok(told["reliability"], source=_source(told))


def _estimated(given: pd.DataFrame) -> Row:
    alike = given.nunique() < 2
    if (~alike).sum() < 2:
        return _not_assessed("меньше двух заданий, на которые ответили по-разному")
    found = alpha(given.loc[:, ~alike])
    if found.estimate <= 0:
        return _not_assessed("альфа не выше нуля: ответы на задания не согласованы между собой")
    names = ", ".join(map(str, given.columns[alike]))
    note = f"без заданий, на которые все ответили одинаково: {names}" if names else None
    if found.estimate > 1 - ROUNDING:
        return _not_assessed("альфа равна единице: все задания повторяют одно и то же")
    low = max(found.ci_low, 0.0)
    return _ok(found.estimate, low, found.ci_high, source=SOURCES["alpha"], note=note)


def _of_whole_test(taken: pd.DataFrame, parts: Sequence[Row]) -> Row:
    """The whole test of a form, of those with a result in every competence."""
    row = _described(taken[taken["domain"] == TOTAL])
    columns = ["domain", "n_items", "estimate", "interval_kind", "source"]
    by_domain = pd.DataFrame(list(parts), columns=columns).set_index("domain")
    row["n_items"] = by_domain["n_items"].sum(skipna=False)
    if unknown := [part["note"] for part in parts if part["status"] != "ok"]:
        return row | _not_assessed(unknown[0])
    scores = taken.pivot(index="person_id", columns="domain", values="raw_score")
    scores = scores[by_domain.index].dropna()
    if len(scores) < LEAST_PERSONS or scores.sum(axis=1).nunique() < 2:
        return row | _not_assessed("результатов по всему тесту слишком мало или они одинаковы")
    estimate = composite_reliability(scores, by_domain["estimate"].astype(float))
    if not 0 < estimate < 1:
        return row | _not_assessed("составная надёжность вне промежутка от 0 до 1")
    source = SOURCES["composite"].format(parts=_sources(by_domain["source"]))
    if by_domain["interval_kind"].eq("none").any():
        return row | _ok(estimate, source=source)
    known = {"estimate": estimate, "n_items": row["n_items"], "interval_kind": "process"}
    about = pd.DataFrame([known], index=[row["form"]])
    shares = scores.sum(axis=1) / row["max_score"]
    pool = pool_of(shares, np.full(len(shares), row["form"]), about)
    return row | _ok(estimate, *_bounds(pool), source=source)


def _sources(sources: pd.Series) -> str:
    return "; ".join(sorted(set(sources)))


def _bounds(pool: Pool) -> tuple[float, float]:
    low, high = pool.interval()
    return max(low, 0.0), high


def _ok(
    estimate: float,
    low: float = np.nan,
    high: float = np.nan,
    *,
    source: str,
    note: str | None = None,
) -> Row:
    kind = "none" if np.isnan(low) else "process"
    found = {"estimate": float(estimate), "ci_low": low, "ci_high": high, "interval_kind": kind}
    return found | {"status": "ok", "source": source, "note": note}


def _not_assessed(note: str) -> Row:
    return {"interval_kind": "none", "status": "not_assessed", "note": note}


def pooled_reliability(
    reliability: pd.DataFrame, results: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Reliability over all forms of a procedure, wave and domain.

    One less the mean error variance of the forms as a share of the variance of everyone's results,
    each as a share of the maximum. Forms may differ in difficulty, and that counts as spread.

    Parameters
    ----------
    reliability
        Of `reliability_by_form`.
    results
        Of `scored`: whose results these are. Without them there are no intervals, since how surely
        the spread of results is known depends on their distribution.

    Returns
    -------
    DataFrame
        Measure table with keys `procedure`, `wave`, `domain`; `n` persons of the forms that were
        assessed, `mean` and `sd` of their shares of the maximum, `n_items` the fewest of a form,
        `n_forms`, `source` and `note`. The interval, for another such set of persons, is there
        where the reliability of every form was estimated.
    """
    keys = ["procedure", "wave", "domain"]
    persons = {} if results is None else pools(results, reliability)
    rows = [
        dict(zip(keys, key, strict=True)) | _pooled(forms, persons.get(key))
        for key, forms in reliability.groupby(keys)
    ]
    columns = [*keys, *ESTIMATE_COLUMNS, "mean", "sd", "n_items", "n_forms", "source", "note"]
    table = pd.DataFrame(rows, columns=columns).assign(measure="reliability")
    return table.astype({"n": "Int64", "n_items": "Int64", "n_forms": "Int64"})


def _pooled(forms: pd.DataFrame, pool: Pool | None) -> Row:
    known = forms[forms["status"] == "ok"]
    if known.empty:
        return _not_assessed(forms["note"].iloc[0])
    n = known["n"].to_numpy(float)
    mean = (known["mean"] / known["max_score"]).to_numpy(float)
    variance = ((known["sd"] / known["max_score"]) ** 2).to_numpy(float)
    centre = np.average(mean, weights=n)
    spread = np.average(variance + (mean - centre) ** 2, weights=n)
    weights = pd.Series(n / n.sum() * variance / spread, known.index)
    estimate = 1 - float((weights * (1 - known["estimate"].astype(float))).sum())
    low, high = (np.nan, np.nan) if pool is None else _bounds(pool)
    left_out = len(forms) - len(known)
    note = f"без форм, которые не оценивались: {left_out}" if left_out else None
    row = _ok(estimate, low, high, source=_sources(known["source"]), note=note)
    row |= {"n": known["n"].sum(), "n_items": known["n_items"].min(), "n_forms": len(known)}
    return row | {"mean": centre, "sd": np.sqrt(spread)}
