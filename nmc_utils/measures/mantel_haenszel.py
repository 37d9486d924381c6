"""Items that are easier for one of two groups among persons with equal scores."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2, norm

from nmc_utils.measures.intervals import adjust_p
from nmc_utils.measures.item_analysis import by_person, same_items
from nmc_utils.measures.reliability import item_scores

#: Differences between groups that count as moderate and large, on the ETS delta scale.
MODERATE, LARGE = 1.0, 1.5

_DELTA = -2.35
_ADDED = ("p_adjusted", "easier_for")
_COLUMNS = (
    *("odds_ratio", "delta", "std_error", "chi2", "p_value", "p_adjusted"),
    *("category", "easier_for", "n", "status"),
)


def mantel_haenszel(
    responses: pd.DataFrame,
    group: pd.Series | ArrayLike,
    *,
    reference: Hashable | None = None,
    purify: bool = True,
) -> pd.DataFrame:
    """Items that are easier for one of two groups among persons with equal total scores.

    Compared are persons who took the same of the items that both groups took and have the same
    score on these. An unequal chance of success at equal scores is a reason to read the item, not
    a proof that it is unfair.

    Parameters
    ----------
    responses
        Persons × items, 0/1; missing = not administered.
    group
        Group by person, two values (municipality group, experience, …). Persons whose group is
        missing are left out.
    reference
        The group that the other is compared with; the first of the two in sorted order,
        where labels cannot be compared that of their texts.
    purify
        Second pass in which items found moderate or large in the first no longer count in the
        score that persons are matched on (the studied item always does). Without any item left
        to match on, the first pass stands.

    Returns
    -------
    DataFrame
        By item: `odds_ratio` (common, reference to the other), `delta` (−2.35 ln of it: negative
        where the item is harder for the other group), `std_error` of delta, `chi2` (one degree of
        freedom, continuity-corrected), `p_value`, `p_adjusted` (Benjamini–Hochberg), `category`
        (A negligible, B moderate, C large), `easier_for` (the group; missing at delta 0), `n`
        persons in score groups where both groups are present, `status`: `ok`; `no_data` where one
        group did not take the item; `not_assessed` where no finite odds ratio exists, as of an
        item that everyone answered alike.

    Raises
    ------
    ValueError
        There are not two groups, they have no item in common, or a value is not 0/1.

    Notes
    -----
    Holland and Thayer (1988), Differential item performance and the Mantel–Haenszel procedure;
    variance of Robins, Breslow and Greenland (1986); categories of the Educational Testing
    Service (Zieky 1993): C when |delta| ≥ 1.5 and significantly above 1, A when |delta| < 1 or
    not significantly different from 0, else B.
    """
    names, is_other = _two_groups(by_person(group, responses.index), reference)
    answers = _dichotomous(responses)[~np.isnan(is_other)]
    is_other = is_other[~np.isnan(is_other)] == 1
    given = ~np.isnan(answers)
    shared = given[is_other].any(axis=0) & given[~is_other].any(axis=0)
    if not shared.any():
        raise ValueError(f"У групп «{names[0]}» и «{names[1]}» нет ни одного общего задания.")
    table = _compared(answers[:, shared], is_other, np.ones(shared.sum(), bool))
    clean = ~table["category"].isin(["B", "C"]).to_numpy()
    if purify and clean.any() and not clean.all():
        table = _compared(answers[:, shared], is_other, clean)
    table = table.set_axis(responses.columns[shared]).reindex(responses.columns.rename("item"))
    tested = table["status"].eq("ok")
    return table.assign(
        p_adjusted=adjust_p(table.loc[tested, "p_value"]).reindex(table.index),
        easier_for=np.sign(table["delta"]).map({-1.0: names[0], 1.0: names[1]}).astype(object),
        n=table["n"].fillna(0).astype(int),
        status=table["status"].fillna("no_data"),
    )[list(_COLUMNS)]


def common_odds_ratio(tables: ArrayLike, *, correction: bool = True) -> tuple[float, float, float]:
    """Mantel–Haenszel estimate over 2×2 tables of strata.

    Parameters
    ----------
    tables
        Strata × 2 groups × (right, wrong), counts of persons. Strata of one group are left out.
    correction
        Whether the statistic is corrected for continuity.

    Returns
    -------
    odds_ratio, std_error, chi2
        The common odds ratio, the standard error of its logarithm (Robins, Breslow and Greenland
        1986), and the statistic of Mantel and Haenszel (1959), one degree of freedom.

    Raises
    ------
    ValueError
        The odds ratio is 0 or infinite: in no stratum are both outcomes there to compare.
    """
    tables = np.asarray(tables, float)
    tables = tables[(tables.sum(axis=2) > 0).all(axis=1)]
    (a, b), (c, d) = tables.transpose(1, 2, 0)
    n = a + b + c + d
    agree, cross = a * d / n, b * c / n
    if not agree.sum() or not cross.sum():
        raise ValueError("Отношение шансов не определено: людей с равным баллом не с кем сравнить.")
    p, q = (a + d) / n, (b + c) / n
    variance = (
        (p * agree).sum() / (2 * agree.sum() ** 2)
        + (p * cross + q * agree).sum() / (2 * agree.sum() * cross.sum())
        + (q * cross).sum() / (2 * cross.sum() ** 2)
    )
    expected = (a + b) * (a + c) / n
    spread = (a + b) * (c + d) * (a + c) * (b + d) / (n**2 * np.maximum(n - 1, 1))
    excess = max(abs(a.sum() - expected.sum()) - (0.5 if correction else 0), 0)
    odds_ratio, statistic = agree.sum() / cross.sum(), excess**2 / spread.sum()
    return float(odds_ratio), float(np.sqrt(variance)), float(statistic)


def _compared(answers: np.ndarray, is_other: np.ndarray, matching: np.ndarray) -> pd.DataFrame:
    """Mantel–Haenszel of every item, persons being matched on the `matching` items and itself."""
    given, right = ~np.isnan(answers), answers == 1
    score = right[:, matching].sum(axis=1)
    form = same_items(given) * (len(matching) + 2)
    rows = []
    for item, counted in enumerate(matching):
        took = given[:, item]
        groups = (form + score + (0 if counted else right[:, item]))[took]
        stratum = np.unique(groups, return_inverse=True)[1]
        cell = stratum * 4 + is_other[took] * 2 + ~right[took, item]
        tables = np.bincount(cell, minlength=4 * (stratum.max() + 1)).reshape(-1, 2, 2)
        rows.append(_verdict(tables[(tables.sum(axis=2) > 0).all(axis=1)]))
    return pd.DataFrame(rows, columns=[name for name in _COLUMNS if name not in _ADDED])


def _verdict(tables: np.ndarray) -> tuple[float, float, float, float, float, str | None, int, str]:
    n = int(tables.sum())
    try:
        odds_ratio, log_error, statistic = common_odds_ratio(tables)
    except ValueError:
        return np.nan, np.nan, np.nan, np.nan, np.nan, None, n, "not_assessed"
    delta, error = _DELTA * np.log(odds_ratio), abs(_DELTA) * log_error
    p_value = float(chi2.sf(statistic, 1))
    if abs(delta) < MODERATE or p_value >= 0.05:
        category = "A"
    elif abs(delta) >= LARGE and norm.sf((abs(delta) - MODERATE) / error) < 0.05:
        category = "C"
    else:
        category = "B"
    return odds_ratio, delta, error, statistic, p_value, category, n, "ok"


# --- what was given -------------------------------------------------------------------------------


def _two_groups(
    group: pd.Series, reference: Hashable | None
) -> tuple[tuple[Hashable, Hashable], np.ndarray]:
    """Names of the reference and the other group, and whether each person is in the other."""
    names = _sorted(group.dropna().unique())
    if len(names) != 2:
        listed = ", ".join(f"«{name}»" for name in names) or "ни одной"
        raise ValueError(f"Для сравнения нужны две группы с людьми, а здесь: {listed}.")
    if reference is not None:
        if reference not in names:
            raise ValueError(f"В группе «{reference}» нет ни одного человека.")
        names.sort(key=lambda name: name != reference)
    return (names[0], names[1]), group.map({names[0]: 0.0, names[1]: 1.0}).to_numpy(float)


def _sorted(labels: Iterable[Hashable]) -> list[Hashable]:
    try:
        return sorted(labels)
    except TypeError:  # labels of several types
        return sorted(labels, key=str)


def _dichotomous(responses: pd.DataFrame) -> np.ndarray:
    scores = item_scores(responses)
    wrong = scores.columns[(scores.notna() & ~scores.isin([0, 1])).any()]
    if len(wrong):
        raise ValueError(
            f"В задании «{wrong[0]}» есть балл, отличный от 0 и 1: сравнение групп по методу"
            " Мантеля — Хензеля сделано для заданий «верно — неверно»."
        )
    return scores.to_numpy()
