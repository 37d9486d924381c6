"""Reliability of raw scores: alpha of a form, reliability of a sum of domains.

The population is everyone tested on one form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

#: Below so many items in a domain no estimated level of a person is printed (`too_few_items`).
LEAST_ITEMS = 15
#: Sums that differ from 0 by rounding alone are 0.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Alpha:
    """Cronbach's alpha of a form with its interval.

    Attributes
    ----------
    estimate, ci_low, ci_high
        Alpha and its interval; negative values are possible and reported as they are.
    n_items, n_persons
        Items of the form; persons whose responses were used.
    """

    estimate: float
    ci_low: float
    ci_high: float
    n_items: int
    n_persons: int


def alpha(
    responses: pd.DataFrame | np.ndarray, missing: str = "pairwise", *, level: float = 0.95
) -> Alpha:
    """Cronbach's alpha of one form and Feldt's interval for it.

    Alpha leaves out what a person's result would change with another form or on another day, and
    is a lower bound of reliability when the items measure one thing unequally well.

    Parameters
    ----------
    responses
        Persons × items: item scores, missing where an item was not administered.
    missing
        "pairwise": each covariance from the persons who took both items; "listwise": only persons
        who took every item.
    level
        Coverage of the interval, 0–1.

    Raises
    ------
    ValueError
        One item, fewer than two persons, an item that nobody took or to which all responses are
        equal, two items that fewer than two persons took both, equal totals of everyone, or
        pairwise covariances that contradict each other.

    Notes
    -----
    Cronbach (1951); Feldt (1965): (1 − α) / (1 − estimate) ~ F(n − 1, (n − 1)(items − 1)) for
    complete responses. With gaps the pairwise n is the harmonic mean of the persons per pair of
    items, since the error variance of a mean of covariances goes with the mean of 1/n. It is on
    the safe side where pairs of items have different persons.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    if missing not in ("pairwise", "listwise"):
        raise ValueError(f"missing must be 'pairwise' or 'listwise', got {missing!r}")
    answers = item_scores(responses)
    if missing == "listwise":
        answers = _complete(answers)
    covariance = item_covariance(answers)
    estimate = alpha_of(covariance)
    n_items = len(covariance)
    n = _persons_per_pair(answers)
    low, high = stats.f.ppf([0.5 + level / 2, 0.5 - level / 2], n - 1, (n - 1) * (n_items - 1))
    return Alpha(
        estimate=estimate,
        ci_low=float(1 - (1 - estimate) * low),
        ci_high=float(1 - (1 - estimate) * high),
        n_items=n_items,
        n_persons=int(answers.notna().any(axis=1).sum()),
    )


def _complete(answers: pd.DataFrame) -> pd.DataFrame:
    complete = answers.dropna()
    if len(complete) < 2 <= len(answers):
        raise ValueError(
            f"На все задания ({_quoted(answers.columns)}) есть ответы меньше двух человек:"
            " считайте по парам заданий (missing='pairwise') или по формам."
        )
    return complete


def item_scores(responses: pd.DataFrame | np.ndarray) -> pd.DataFrame:
    """Responses as floats, whatever numeric type they came in; items keep their labels.

    Those of an array without labels are called by their positions from 0.
    """
    responses = pd.DataFrame(responses)
    labels = responses.columns
    if not labels.is_unique:
        raise ValueError(f"Задание «{labels[labels.duplicated()][0]}» стоит в таблице дважды.")
    values = np.empty(responses.shape)
    for position, item in enumerate(labels):
        try:
            column = pd.to_numeric(responses[item])
        except (TypeError, ValueError):
            raise ValueError(
                f"В задании «{item}» есть ответы, которые не являются числами."
            ) from None
        values[:, position] = column.to_numpy(dtype=float, na_value=np.nan)
        if np.isinf(values[:, position]).any():
            raise ValueError(f"В задании «{item}» есть бесконечный балл.")
    return pd.DataFrame(values, index=responses.index, columns=labels)


def item_covariance(answers: pd.DataFrame) -> pd.DataFrame:
    """Covariances of items, each from the persons who took both; refuses degenerate items.

    Parameters
    ----------
    answers
        Persons × items, floats, as `item_scores` gives them.
    """
    answers = answers.dropna(how="all")
    _refuse_degenerate(answers)
    covariance = answers.cov(min_periods=2)
    apart = np.argwhere(covariance.isna().to_numpy())
    if len(apart):
        raise ValueError(
            f"Задания {_quoted(answers.columns[apart[0]])} вместе выполняли меньше двух человек:"
            " надёжность считается по каждой форме отдельно."
        )
    return covariance


def _refuse_degenerate(answers: pd.DataFrame) -> None:
    n_persons, n_items = answers.shape
    if n_items < 2:
        raise ValueError(
            f"Для надёжности нужно не меньше двух заданий, а дано {n_items}"
            f" {_quoted(answers.columns)}".rstrip()
            + "."
        )
    never = answers.columns[answers.isna().all()]
    if n_persons and len(never):
        raise ValueError(f"Никому не предъявлялось: {_quoted(never)}. Исключите из расчёта.")
    if n_persons < 2:
        raise ValueError(
            "Для надёжности нужны ответы не меньше двух человек, а есть ответы"
            f" {n_persons}; задания: {_quoted(answers.columns)}."
        )
    constant = answers.columns[(answers.max() == answers.min()).to_numpy()]
    if len(constant):
        raise ValueError(
            f"У всех один и тот же балл за {_quoted(constant)}: такое задание никого не"
            " различает. Исключите его из расчёта надёжности."
        )


def _quoted(labels: pd.Index) -> str:
    return ", ".join(f"«{label}»" for label in labels)


def alpha_of(covariance: pd.DataFrame) -> float:
    """Alpha from the covariances of items."""
    n_items, total = len(covariance), float(covariance.to_numpy().sum())
    items = float(np.trace(covariance))
    if abs(total) <= _ROUNDING * items:
        raise ValueError(
            f"У всех один и тот же суммарный балл за {_quoted(covariance.columns)}: надёжность не"
            " определена."
        )
    estimate = n_items / (n_items - 1) * (1 - items / total)
    if total < 0 or estimate > 1 + _ROUNDING:
        raise ValueError(
            "Ковариации посчитаны по разным людям и противоречат друг другу: задания"
            f" {_quoted(covariance.columns)}. Считайте по полным ответам (missing='listwise') или"
            " по формам."
        )
    return min(estimate, 1.0)


def _persons_per_pair(answers: pd.DataFrame) -> float:
    """Harmonic mean, over pairs of items, of the persons who took both."""
    taken = answers.notna().to_numpy(dtype=float)
    pairs = (taken.T @ taken)[np.triu_indices(taken.shape[1], k=1)]
    return float(stats.hmean(pairs))


def composite_reliability(scores: pd.DataFrame, reliability: pd.Series) -> float:
    """Reliability of the sum of domain scores (stratified alpha).

    Parameters
    ----------
    scores
        Persons × domains, domain scores; persons without a score in some domain have no sum and
        are left out.
    reliability
        Reliability of each domain score, by domain; at most 1.

    Raises
    ------
    ValueError
        A domain has no reliability, fewer than two persons have all domains, or all sums are equal.

    Notes
    -----
    1 − Σ σ²(1 − ρ) / σ²(sum), errors of the domains being independent: Cronbach, Schönemann and
    McKie (1965).
    """
    answers = item_scores(scores).dropna()
    known = pd.Series(reliability).reindex(answers.columns).astype(float)
    unknown = known.index[~(known <= 1)]
    if len(unknown):
        raise ValueError(f"Надёжность не указана или больше 1: {_quoted(unknown)}.")
    if len(answers) < 2:
        raise ValueError(
            "Для надёжности суммы нужны не меньше двух человек с результатом по всем блокам,"
            f" а таких {len(answers)}."
        )
    variance = float(answers.sum(axis=1).var())
    if variance <= _ROUNDING * max(float(answers.var().sum()), 1.0):
        raise ValueError("У всех один и тот же суммарный балл: надёжность суммы не определена.")
    return float(1 - (answers.var() * (1 - known)).sum() / variance)
