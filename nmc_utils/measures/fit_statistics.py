"""Arithmetic of item and person fit: arrays of answers and probabilities in, statistics out.

An answer is a category 0, 1, …; −1 stands for an item that was not administered. Probabilities of
categories are nodes × items × categories, 0 where an item has no such category.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Cells of a score test are joined until as many right and as many wrong answers are expected.
LEAST_EXPECTED = 1.0
#: Persons whose posteriors are held at the same time.
CHUNK = 4096
#: Distance of the nodes; the posterior of 80 good items is twice as wide.
STEP = 0.1
#: A variance below this is of answers that are certain: nothing can be learned from them.
CERTAIN = 1e-10


def nodes_for(mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """Equispaced abilities that cover ±6 SD of every group."""
    low, high = (mean - 6 * sd).min(), (mean + 6 * sd).max()
    step = STEP * min(1.0, sd.min())
    return np.linspace(low, high, int(np.ceil((high - low) / step)) + 1)


def normal_weights(nodes: np.ndarray, mean: float, sd: float) -> np.ndarray:
    """Share of a normal group at every node."""
    weights = np.exp(-0.5 * ((nodes - mean) / sd) ** 2)
    return weights / weights.sum()


# --- items by total score -------------------------------------------------------------------------


def expected_by_score(right: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share of right answers that the model expects to an item among persons of a total score.

    Parameters
    ----------
    right
        Nodes × items, probability of a right answer.
    weights
        Share of the group at each node.

    Returns
    -------
    array
        Items × (items + 1), by total score 0…items.

    Notes
    -----
    Distribution of scores at an ability by the recursion of Lord and Wingersky (1984), without
    the item and then with it (Orlando and Thissen 2000).
    """
    n_nodes, n = right.shape
    rest = np.zeros((n, n_nodes, n))  # item left out × node × score on the others
    rest[:, :, 0] = 1.0
    for item in range(n):
        others = np.arange(n) != item
        p = right[:, item, None]
        added = rest[others] * (1 - p)
        added[:, :, 1:] += rest[others][:, :, :-1] * p
        rest[others] = added
    scored = np.einsum("q,qi,iqk->ik", weights, right, rest)
    missed = np.einsum("q,qi,iqk->ik", weights, 1 - right, rest)
    joint = np.zeros((n, n + 1))
    joint[:, 1:] = scored
    whole = joint.copy()
    whole[:, :-1] += missed
    return joint / np.maximum(whole, np.finfo(float).tiny)


def score_test(answers: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum of squared standardised differences over score groups, and the number of groups.

    Parameters
    ----------
    answers
        Persons × items, 0 or 1, all administered.
    expected
        Of `expected_by_score`.

    Returns
    -------
    statistic, cells
        By item. Scores 0 and the maximum tell nothing: there all answers are known.
    """
    n = answers.shape[1]
    totals = answers.sum(axis=1)
    persons = np.bincount(totals, minlength=n + 1)[1:n].astype(float)
    seen = np.stack([np.bincount(totals, column, n + 1)[1:n] for column in answers.T])
    hoped = persons * expected[:, 1:n]
    found = [_joined_cells(persons, *pair) for pair in zip(seen, hoped, strict=True)]
    return np.array([value for value, _ in found]), np.array([cells for _, cells in found])


def _joined_cells(persons: np.ndarray, seen: np.ndarray, hoped: np.ndarray) -> tuple[float, int]:
    """Pearson's statistic over neighbouring scores, joined where too little is expected."""
    cells: list[np.ndarray] = []
    cell = np.zeros(3)
    for group in np.stack([persons, seen, hoped], axis=1):
        cell = cell + group
        if LEAST_EXPECTED <= cell[2] <= cell[0] - LEAST_EXPECTED:
            cells.append(cell)
            cell = np.zeros(3)
    if not cells:
        return 0.0, 0
    cells[-1] = cells[-1] + cell
    n, right, expected = np.array(cells).T
    return float((n * (right - expected) ** 2 / (expected * (n - expected))).sum()), len(cells)


# --- mean squares ---------------------------------------------------------------------------------


def mean_squares(
    answers: np.ndarray, categories: np.ndarray, priors: np.ndarray, group: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Outfit and infit of items, averaged over the posterior of each person's ability.

    Parameters
    ----------
    answers
        Persons × items.
    categories
        Nodes × items × categories.
    priors, group
        Groups × nodes, share of each group at the nodes; number of the group of each person.

    Returns
    -------
    outfit, infit
        By item. Under the model both are 1 on average: given the prior, a pair of answer and
        ability drawn from the posterior is distributed as the pair that made the answer.
    """
    n_items, n_categories = categories.shape[1:]
    scores = np.arange(n_categories)
    sums = np.zeros((3, len(categories), n_items))  # of 1, x, x² by node
    logs = np.log(np.maximum(categories, np.finfo(float).tiny))
    for start in range(0, len(answers), CHUNK):
        part = answers[start : start + CHUNK]
        chosen = [(part == score).astype(float) for score in scores]
        log_post = sum(seen @ logs[:, :, score].T for score, seen in enumerate(chosen))
        posterior = np.exp(log_post - log_post.max(axis=1, keepdims=True))
        posterior *= priors[group[start : start + CHUNK]]
        posterior /= posterior.sum(axis=1, keepdims=True)
        for power in range(3):
            sums[power] += posterior.T @ sum(
                seen * score**power for score, seen in enumerate(chosen)
            )
    mean = categories @ scores
    variance = categories @ scores**2 - mean**2
    squares = sums[2] - 2 * mean * sums[1] + mean**2 * sums[0]
    relative = np.divide(squares, variance, out=sums[0].copy(), where=variance > CERTAIN)
    n = np.maximum(sums[0].sum(axis=0), CERTAIN)
    information = np.maximum((variance * sums[0]).sum(axis=0), CERTAIN)
    return relative.sum(axis=0) / n, squares.sum(axis=0) / information


# --- persons --------------------------------------------------------------------------------------


def most_likely(
    answers: np.ndarray,
    slopes: np.ndarray,
    probabilities: Callable[[np.ndarray], np.ndarray],
    mean: np.ndarray,
    sd: np.ndarray,
) -> np.ndarray:
    """Mode of the posterior of ability under a normal prior, by Fisher scoring.

    The log posterior is concave in ability, so the steps, cut to one prior SD, come to rest.
    """
    theta = mean.astype(float)
    for _ in range(100):
        gradient, information = _slope_and_information(answers, slopes, probabilities(theta))
        step = (gradient + (mean - theta) / sd**2) / (information + 1 / sd**2)
        theta = theta + np.clip(step, -sd, sd)
        if np.abs(step).max(initial=0) < 1e-8:
            break
    return theta


def _slope_and_information(
    answers: np.ndarray, slopes: np.ndarray, categories: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    scores = np.arange(categories.shape[2])
    given = answers >= 0
    mean = categories @ scores
    variance = categories @ scores**2 - mean**2
    gradient = np.where(given, slopes * (answers - mean), 0).sum(axis=1)
    return gradient, np.where(given, slopes**2 * variance, 0).sum(axis=1)


def standardised_likelihood(
    answers: np.ndarray, slopes: np.ndarray, categories: np.ndarray, pull: np.ndarray
) -> np.ndarray:
    """Standardised log-likelihood of the answers of persons, corrected for estimated ability.

    Parameters
    ----------
    answers
        Persons × items.
    slopes
        Discrimination by item.
    categories
        Persons × items × categories, probabilities at each person's estimated ability.
    pull
        What was added to the likelihood equation by the prior: (mean − ability) / variance.

    Returns
    -------
    array
        By person; 0 where it cannot vary, as all answers weigh the same in the estimated ability.

    Notes
    -----
    Snijders (2001), with the prior's term of Magis, Raîche and Béland (2012); for more than two
    categories the weights are replaced by the covariance with the item's score function, which
    for two categories is the same.
    """
    scores = np.arange(categories.shape[2])
    given = answers >= 0
    logs = np.log(np.maximum(categories, np.finfo(float).tiny))
    mean = categories @ scores
    mean_log = (categories * logs).sum(axis=2)
    seen = np.take_along_axis(logs, np.maximum(answers, 0)[:, :, None], axis=2)[:, :, 0]
    var_score = slopes**2 * (categories @ scores**2 - mean**2)
    var_log = (categories * logs**2).sum(axis=2) - mean_log**2
    covariance = slopes * (categories * logs @ scores - mean * mean_log)
    surprise = np.where(given, seen - mean_log, 0).sum(axis=1)
    across = np.where(given, covariance, 0).sum(axis=1)
    information = np.where(given, var_score, 0).sum(axis=1)
    weight = across / np.maximum(information, CERTAIN)
    variance = np.where(given, var_log, 0).sum(axis=1) - weight * across
    statistic = (surprise + weight * pull) / np.sqrt(np.maximum(variance, CERTAIN))
    return np.where(variance > CERTAIN, statistic, 0.0)
