"""What the answers say about items, and about how well answers of a person hang together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2, norm

from nmc_utils.measures.fit_statistics import (
    CHUNK,
    expected_by_score,
    mean_squares,
    most_likely,
    nodes_for,
    normal_weights,
    score_test,
    standardised_likelihood,
)
from nmc_utils.measures.intervals import adjust_p
from nmc_utils.measures.irt import Calibration, probabilities
from nmc_utils.measures.reliability import item_scores

#: With fewer answers the person statistic is too coarse to be called normal.
LEAST_ANSWERS = 15
#: Answers are compared by total score where at least so many persons took the same items.
LEAST_PERSONS = 50


def item_fit(
    responses: pd.DataFrame,
    calibration: Calibration,
    group: pd.Series | ArrayLike | None = None,
) -> pd.DataFrame:
    """Whether the answers to each item are what its calibrated curve predicts.

    For items scored 0/1 the statistic is S-X² of Orlando and Thissen: right answers seen and
    expected in groups of equal total score. Persons who took the same items in the same group are
    compared with each other only, and what these comparisons give is added up.

    Parameters
    ----------
    responses
        Persons × items of the calibration; missing = not administered.
    calibration
        Of these items.
    group
        Group by person, as in the calibration; needed when that has several.

    Returns
    -------
    DataFrame
        By item: `statistic`, `df`, `p_value`, `p_adjusted` (Benjamini–Hochberg over the items),
        `outfit` and `infit` (mean squares averaged over the posterior of ability, 1 under the
        model; outfit is the one that feels single surprising answers; in a 2PL the fitted slope
        keeps both near 1, so that they tell most in a 1PL), `n` answers, `status`:
        `ok`; `not_assessed` where the statistic is missing, because the item has more than two
        categories, or too few persons took the same items; `no_data` without answers.

    Raises
    ------
    ValueError
        A column is not in the calibration, a value is not a category of its item, or the group
        of a person is missing or unknown.

    Notes
    -----
    Orlando and Thissen (2000), Likelihood-based item-fit indices for dichotomous IRT models. The
    degrees of freedom are the score cells less the item's own parameters. Many persons make small
    misfit significant: read it together with the mean squares.
    """
    answers, categories_of = _answers(responses, calibration)
    groups, code = _groups(calibration, group, responses.index)
    mean, sd = groups["mean"].to_numpy(float), groups["sd"].to_numpy(float)
    nodes = nodes_for(mean, sd)
    priors = np.stack([normal_weights(nodes, *pair) for pair in zip(mean, sd, strict=True)])
    categories = categories_of(nodes)
    outfit, infit = mean_squares(answers, categories, priors, code)
    n = (answers >= 0).sum(axis=0)
    if calibration.model == "gpcm":
        statistic, cells = np.zeros(len(n)), np.zeros(len(n), int)
    else:
        statistic, cells = _score_tests(answers, categories[:, :, 1], priors, code)
    df = cells - (1 if calibration.model == "1pl" else 2)
    known = df > 0
    p_value = pd.Series(chi2.sf(statistic, np.maximum(df, 1)), responses.columns).where(known)
    return pd.DataFrame(
        {
            "statistic": np.where(known, statistic, np.nan),
            "df": pd.array(np.where(known, df, 0), "Int64"),
            "p_value": p_value,
            "p_adjusted": adjust_p(p_value[known]).reindex(responses.columns),
            "outfit": np.where(n > 0, outfit, np.nan),
            "infit": np.where(n > 0, infit, np.nan),
            "n": n,
            "status": np.select([n == 0, ~known], ["no_data", "not_assessed"], "ok"),
        },
        index=responses.columns.rename("item"),
    )


def _score_tests(
    answers: np.ndarray, right: np.ndarray, priors: np.ndarray, code: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Statistics and numbers of cells by item, added up over forms and groups."""
    statistic, cells = np.zeros(answers.shape[1]), np.zeros(answers.shape[1], int)
    for rows, took in _comparable(answers, code):
        expected = expected_by_score(right[:, took], priors[code[rows[0]]])
        found = score_test(answers[np.ix_(rows, took)], expected)
        statistic[took] += found[0]
        cells[took] += found[1]
    return statistic, cells


def person_fit(
    responses: pd.DataFrame,
    calibration: Calibration,
    group: pd.Series | ArrayLike | None = None,
    *,
    significance: float = 0.05,
) -> pd.DataFrame:
    """How usual a set of answers is for the ability that it shows: a check of the data's quality.

    Unusual are easy items missed beside hard ones solved: a shifted answer sheet, a wrong key, a
    test left half way, guessing. It is no statement about the person and no evidence of any
    conduct: of persons who answered in earnest about `significance` are unusual too. It must not
    be shown with names or used for decisions about people.

    Parameters
    ----------
    responses, calibration, group
        As of `item_fit`.
    significance
        Share of unusual persons when the model holds, 0–1.

    Returns
    -------
    DataFrame
        By person: `statistic` (lz*, about standard normal under the model; low = unusual),
        `p_value` (one-sided), `is_unusual`, `n_items` answered, `status`: `ok`, or
        `too_few_items` below `LEAST_ANSWERS`, where nothing is said.

    Raises
    ------
    ValueError
        As of `item_fit`.

    Notes
    -----
    Standardised log-likelihood lz (Drasgow, Levine and Williams 1985) at the posterior mode of
    ability, corrected for its being estimated: Snijders (2001), Asymptotic null distribution of
    person fit statistics with estimated person parameter; Magis, Raîche and Béland (2012).
    """
    if not 0 < significance < 1:
        raise ValueError(f"significance must lie between 0 and 1, got {significance}")
    answers, categories_of = _answers(responses, calibration)
    groups, code = _groups(calibration, group, responses.index)
    mean, sd = groups["mean"].to_numpy(float)[code], groups["sd"].to_numpy(float)[code]
    slopes = calibration.items.loc[responses.columns, "a"].to_numpy(float)
    statistic = np.zeros(len(answers))
    for start in range(0, len(answers), CHUNK):
        part = slice(start, start + CHUNK)
        theta = most_likely(answers[part], slopes, categories_of, mean[part], sd[part])
        statistic[part] = standardised_likelihood(
            answers[part], slopes, categories_of(theta), (mean[part] - theta) / sd[part] ** 2
        )
    n_items = (answers >= 0).sum(axis=1)
    enough = n_items >= LEAST_ANSWERS
    p_value = norm.cdf(statistic)
    return pd.DataFrame(
        {
            "statistic": np.where(enough, statistic, np.nan),
            "p_value": np.where(enough, p_value, np.nan),
            "is_unusual": pd.Series(p_value < significance, dtype="boolean").where(enough).array,
            "n_items": n_items,
            "status": np.where(enough, "ok", "too_few_items"),
        },
        index=responses.index,
    )


# --- what was given -------------------------------------------------------------------------------


def _answers(
    responses: pd.DataFrame, calibration: Calibration
) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Answers as categories, −1 where there is none, and the model's probabilities of them."""
    items = list(responses.columns)
    scores = item_scores(responses).to_numpy()
    for item in responses.columns.difference(calibration.items.index, sort=False):
        raise ValueError(f"Задания «{item}» нет в калибровке.")
    if not items:
        raise ValueError("Нет ни одного задания: согласие с моделью не проверить.")

    def categories_of(theta: np.ndarray) -> np.ndarray:
        found = np.asarray(probabilities(calibration, theta, items), float)
        return found if found.ndim == 3 else np.stack([1 - found, found], axis=2)

    possible = (categories_of(np.zeros(1))[0] > 0).sum(axis=1)
    with np.errstate(invalid="ignore"):
        wrong = ~np.isnan(scores) & ((scores < 0) | (scores >= possible) | (scores % 1 > 0))
    for row, column in np.argwhere(wrong):
        value = f"{scores[row, column]:g}".replace(".", ",")
        raise ValueError(
            f"В задании «{items[column]}» есть балл {value}; в калибровке его баллы — целые от 0"
            f" до {possible[column] - 1}."
        )
    return np.where(np.isnan(scores), -1, scores).astype(int), categories_of


def _groups(
    calibration: Calibration, group: pd.Series | ArrayLike | None, persons: pd.Index
) -> tuple[pd.DataFrame, np.ndarray]:
    """Populations of the calibration, and the number of that of every person."""
    groups = calibration.groups
    if group is None:
        if len(groups) > 1:
            names = ", ".join(f"«{name}»" for name in groups.index)
            raise ValueError(
                f"Калибровка сделана для нескольких групп ({names}): укажите группу каждого"
                " человека (group)."
            )
        return groups, np.zeros(len(persons), int)
    given = by_person(group, persons)
    for name in given[~given.isin(groups.index)]:
        if pd.isna(name):
            raise ValueError("У человека не указана группа, а калибровка сделана по группам.")
        raise ValueError(f"Группы «{name}» нет в калибровке.")
    return groups, groups.index.get_indexer(given)


def by_person(group: pd.Series | ArrayLike, persons: pd.Index) -> pd.Series:
    """Group of every person, in the order of `persons`; a Series is matched by its index."""
    if isinstance(group, pd.Series) and not group.index.equals(persons):
        if group.index.has_duplicates:
            raise ValueError("group names a person twice")
        return group.reindex(persons)
    values = group if isinstance(group, pd.Series) else np.asarray(group)
    if len(values) != len(persons):
        raise ValueError(f"group has {len(values)} values for {len(persons)} persons")
    return pd.Series(values, index=persons) if not isinstance(group, pd.Series) else group


def _comparable(answers: np.ndarray, group: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Persons of one group who took the same items, two or more, and these items."""
    given = answers >= 0
    codes = same_items(given) * (group.max(initial=0) + 1) + group
    order = np.argsort(codes, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1):
        took = np.flatnonzero(given[rows].any(axis=0))
        if len(rows) >= LEAST_PERSONS and len(took) > 1:
            yield rows, took


def same_items(given: np.ndarray) -> np.ndarray:
    """Number of the set of items that each person took."""
    packed = np.ascontiguousarray(np.packbits(given, axis=1))
    return np.unique(packed.view(f"V{packed.shape[1]}").ravel(), return_inverse=True)[1]
