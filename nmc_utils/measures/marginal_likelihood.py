"""Marginal likelihood of item responses: posterior of θ, gradient and observed information.

The generalised partial credit model in the form P(k) ∝ exp(k·a·θ + e_k), e_0 = 0, which with two
categories is the two-parameter logistic model. Given the item parameters a person's responses
matter only through the weighted total Σ a·x, so that a pass over the data is two thin products
and the posterior weights of the nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import cpu_count

import numpy as np

from nmc_utils.measures.item_responses import Block, Sheet
from nmc_utils.measures.products import row_products, summed_product

#: Nodes lie on [-6, 6], wider only where a group lies farther out.
_RANGE = 6.0
_LEAST_NODES = 31
_CHUNK = 4096
#: From this number of responses on, single precision is used for rows; sums stay double.
_SINGLE_FROM = 200_000


@dataclass(frozen=True)
class Bank:
    """Slopes of items and intercepts of their steps; `starts` is each item's first step."""

    slopes: np.ndarray
    intercepts: np.ndarray
    n_steps: np.ndarray

    @property
    def starts(self) -> np.ndarray:
        """Place of each item's first step among the intercepts."""
        return np.concatenate(([0], np.cumsum(self.n_steps)[:-1]))

    @property
    def owner(self) -> np.ndarray:
        """Item of each intercept."""
        return np.repeat(np.arange(len(self.n_steps)), self.n_steps)

    @property
    def level(self) -> np.ndarray:
        """Score that each intercept belongs to, from 1."""
        return np.arange(len(self.intercepts)) - self.starts[self.owner] + 1


@dataclass(frozen=True)
class Curves:
    """Of each item at each node: log of the sum of category weights, P(score), mean, variance."""

    log_sum: np.ndarray
    share: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


@dataclass(frozen=True)
class Population:
    """Mean and log standard deviation of θ in each group; the first is the reference, N(0, 1)."""

    mean: np.ndarray
    log_sd: np.ndarray

    def log_density(self, group: int, theta: np.ndarray) -> np.ndarray:
        """Log density of a group's normal distribution at the nodes."""
        z = (theta - self.mean[group]) * np.exp(-self.log_sd[group])
        return -0.5 * z**2 - self.log_sd[group] - 0.5 * np.log(2 * np.pi)


@dataclass(frozen=True)
class Pass:
    """What one pass over the data tells: log-likelihood, its gradient, and the information."""

    log_likelihood: float
    gradient: np.ndarray
    complete: np.ndarray
    missing: np.ndarray | None


def curves(bank: Bank, theta: np.ndarray) -> Curves:
    """Item characteristic curves of the whole bank at the nodes."""
    level, owner, starts = bank.level[:, None], bank.owner, bank.starts
    z = level * bank.slopes[owner, None] * theta + bank.intercepts[:, None]
    top = np.maximum(np.maximum.reduceat(z, starts, axis=0), 0)
    share = np.exp(z - top[owner])
    total = np.exp(-top) + np.add.reduceat(share, starts, axis=0)
    share /= total[owner]
    mean = np.add.reduceat(level * share, starts, axis=0)
    variance = np.add.reduceat((level - mean[owner]) ** 2 * share, starts, axis=0)
    nothing = np.exp(-top) / total
    return Curves(top + np.log(total), share, mean, variance + mean**2 * nothing)


def nodes(bank: Bank, population: Population, sheet: Sheet, fineness: float = 0.8) -> np.ndarray:
    """Equispaced nodes, step at most `fineness` × the smallest posterior SD, at least 31.

    No posterior is narrower than the inverse root of the greatest information of its items and
    of its group's prior (Cramér–Rao), so the rule holds without looking at persons. The step also
    stays below 2 / max |a|, where the trapezoidal rule meets the poles of the logistic curve.
    """
    sd = np.exp(population.log_sd)
    low = min(-_RANGE, float((population.mean - _RANGE * sd).min()))
    high = max(_RANGE, float((population.mean + _RANGE * sd).max()))
    found = curves(bank, np.linspace(low, high, 121)).variance * bank.slopes[:, None] ** 2
    most = max((_most_information(block, found) for block in sheet.blocks), default=0)
    narrowest = (most + sd.min() ** -2) ** -0.5
    step = min(fineness * narrowest, 2 / np.abs(bank.slopes).max(), 2 * _RANGE / (_LEAST_NODES - 1))
    return np.linspace(low, high, int(np.ceil((high - low) / step)) + 1)


def _most_information(block: Block, found: np.ndarray) -> float:
    """Greatest information that any person's items can have together at any θ."""
    found = found[block.items]
    if block.answered is not None:
        found = np.sort(found, axis=0)[-int(block.answered.sum(axis=1).max()) :]
    return float(found.sum(axis=0).max())


def evaluate(
    sheet: Sheet, bank: Bank, population: Population, theta: np.ndarray, *, information: bool
) -> Pass:
    """Log-likelihood, gradient, complete-data and (on request) missing information.

    Parameters are the slopes, the intercepts, then mean and log SD of each group but the first.
    The observed information is `complete` − `missing` (Louis 1982), including all terms between
    items and with the groups.
    """
    at = curves(bank, theta)
    n_items, n_free = len(bank.slopes), len(bank.slopes) + len(bank.intercepts)
    size = n_free + 2 * (len(population.mean) - 1)
    functions = np.concatenate((at.mean * theta, at.share, *_prior_functions(population, theta)))
    total, slope_sums = 0.0, np.zeros(n_items)
    item_nodes = np.zeros((n_items, len(theta)))
    group_nodes = np.zeros((len(population.mean), len(theta)))
    missing = np.zeros((size, size)) if information else None
    for block in sheet.blocks:
        own = _own_parameters(bank, block, n_free)
        sums = _block_sums(block, bank, at, population, theta, functions[own], information)
        total += sums[0]
        slope_sums[block.items] += sums[1]
        group_nodes[block.group] += sums[2]
        item_nodes[block.items] += sums[3]
        if information:
            missing[np.ix_(own, own)] += sums[4]
    gradient, complete = _complete_data(
        bank, at, population, theta, slope_sums, sheet.category_counts, item_nodes, group_nodes
    )
    taken = _step_counts(bank, sheet.category_counts)
    return Pass(total + float(taken @ bank.intercepts), gradient, complete, missing)


def posterior(
    block: Block, bank: Bank, theta: np.ndarray, log_density: np.ndarray
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield rows of a block and their posterior weights of the nodes, chunk by chunk."""
    log_sum = curves(bank, theta).log_sum[block.items]
    prior = log_density if block.answered is not None else log_density - log_sum.sum(axis=0)
    for rows in _chunks(len(block.scores), _CHUNK):
        x = block.scores[rows].astype(float)
        known = None if block.answered is None else block.answered[rows].astype(float)
        weight, _ = _weights(x, known, None, bank.slopes[block.items], prior, log_sum, theta)
        yield rows, weight


def _step_counts(bank: Bank, category_counts: np.ndarray) -> np.ndarray:
    return category_counts[bank.owner, bank.level].astype(float)


def _prior_functions(population: Population, theta: np.ndarray) -> list[np.ndarray]:
    """Minus the score of each free mean and log SD, as functions of θ."""
    rows = []
    for mean, log_sd in zip(population.mean[1:], population.log_sd[1:], strict=True):
        precision = np.exp(-2 * log_sd)
        rows += [-(theta - mean)[None] * precision, -((theta - mean)[None] ** 2) * precision]
    return rows


def _own_parameters(bank: Bank, block: Block, n_free: int) -> np.ndarray:
    """Places of the parameters that the persons of a block depend on."""
    steps = np.flatnonzero(np.isin(bank.owner, block.items)) + len(bank.slopes)
    group = n_free + 2 * (block.group - 1) + np.arange(2 if block.group else 0)
    return np.concatenate((block.items, steps, group))


def _chunks(n: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def _block_sums(block, bank, at, population, theta, functions, information):
    """Sums over the persons of a block, always added in the order of the chunks."""
    single = block.persons is None and block.scores.size >= _SINGLE_FROM
    kind = np.float32 if single else np.float64
    slopes = bank.slopes[block.items]
    prior = population.log_density(block.group, theta) + np.log(theta[1] - theta[0])
    log_sum = at.log_sum[block.items]
    if block.answered is None:
        prior = prior - log_sum.sum(axis=0)
    given = [part.astype(kind) for part in (slopes, prior, log_sum, theta, functions)]

    def work(rows: slice) -> list[np.ndarray]:
        return _chunk_sums(block, rows, kind, given, bank, information)

    parts = _in_order(work, _chunks(len(block.scores), _CHUNK))
    sums = [np.array(one, float) for one in next(parts)]
    for part in parts:
        for have, more in zip(sums, part, strict=True):
            have += more
    log_likelihood, slope_sums, node_sums, item_nodes, *second = sums
    missing = None
    if information and block.answered is not None:
        missing = second[0]
    elif information:
        missing = _missing_information(functions, node_sums, *second)
    return log_likelihood, slope_sums, node_sums, item_nodes, missing


def _in_order(work, chunks: list[slice]) -> Iterator[list[np.ndarray]]:
    """Results in the order of the chunks; threads share the work where there is enough of it."""
    workers = min(cpu_count(), len(chunks))
    if workers < 2:
        yield from map(work, chunks)
        return
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(work, chunks)


def _chunk_sums(block, rows, kind, given, bank, information):
    slopes, prior, log_sum, theta, functions = given
    x = block.scores[rows].astype(kind, order="C")
    known = None if block.answered is None else block.answered[rows].astype(kind, order="C")
    persons = None if block.persons is None else block.persons[rows].astype(kind)
    weight, log_likelihood = _weights(x, known, persons, slopes, prior, log_sum, theta)
    mean = row_products(weight, theta)
    counted = weight if persons is None else weight * persons[:, None]
    if persons is not None:
        log_likelihood = log_likelihood * persons
    node_sums = counted.sum(axis=0, dtype=float)
    item_nodes = node_sums if known is None else summed_product(known, counted)
    sums = [
        log_likelihood.sum(dtype=float),
        summed_product(mean[:, None], x)[0],
        node_sums,
        item_nodes,
    ]
    if not information:
        return sums
    if known is not None:
        return [*sums, _person_by_person(x, known, weight, mean, theta, functions, block, bank)]
    moved = (theta - mean[:, None]) * weight
    spread = row_products(moved, theta)
    if persons is not None:
        spread /= persons
    return [
        *sums,
        summed_product(x * spread[:, None], x),
        summed_product(x, moved),
        summed_product(counted, weight),
    ]


def _weights(x, known, persons, slopes, prior, log_sum, theta):
    """Posterior weights of the nodes for each row, and the log of what they sum to."""
    weighted_total = row_products(x, slopes)
    if persons is not None:
        weighted_total /= persons
    z = weighted_total[:, None] * theta
    z += prior
    if known is not None:
        z -= row_products(known, log_sum)
    top = z.max(axis=1, keepdims=True)
    z -= top
    np.exp(z, out=z)
    total = z.sum(axis=1, keepdims=True)
    z /= total
    return z, (top + np.log(total))[:, 0]


def _missing_information(functions, node_sums, spread, cross, overlap):
    """Variance of the complete-data score given the responses, summed over persons.

    The score of a parameter is x·θ (slopes only) minus its function of θ.
    """
    n_items = len(spread)
    by_node = functions.T.copy()
    missing = summed_product(by_node * node_sums[:, None], by_node)
    missing -= summed_product(summed_product(overlap, by_node), by_node)
    crossed = summed_product(cross.T, by_node)
    missing[:n_items] -= crossed
    missing[:, :n_items] -= crossed.T
    missing[:n_items, :n_items] += spread
    return missing


def _person_by_person(x, known, weight, mean, theta, functions, block, bank):
    """`_missing_information` where each person was given other items: node by node."""
    n_items = x.shape[1]
    owner = np.searchsorted(block.items, bank.owner[np.isin(bank.owner, block.items)])
    n_group = len(functions) - n_items - len(owner)
    asked = np.concatenate(
        (known, known[:, owner], np.ones((len(known), n_group), known.dtype)), axis=1
    )
    average = row_products(weight, functions.T.copy())
    total = np.zeros((len(functions), len(functions)))
    for node in range(len(theta)):
        near = weight[:, node] > 1e-7
        if not near.any():
            continue
        score = (average[near] - functions[:, node]) * asked[near]
        score[:, :n_items] += (theta[node] - mean[near])[:, None] * x[near]
        score *= np.sqrt(weight[near, node])[:, None]
        total += summed_product(score, score)
    return total


def _complete_data(
    bank, at, population, theta, slope_sums, category_counts, item_nodes, group_nodes
):
    """Gradient and information of the complete-data likelihood at the posterior weights."""
    owner, level = bank.owner, bank.level
    n_items, n_free = len(bank.slopes), len(bank.slopes) + len(bank.intercepts)
    size = n_free + 2 * (len(population.mean) - 1)
    gradient, complete = np.zeros(size), np.zeros((size, size))
    gradient[:n_items] = slope_sums - (item_nodes * at.mean) @ theta
    expected = (item_nodes[owner] * at.share).sum(axis=1)
    gradient[n_items:n_free] = _step_counts(bank, category_counts) - expected
    items, steps = np.arange(n_items), n_items + np.arange(len(owner))
    complete[items, items] = (item_nodes * at.variance) @ theta**2
    with_slope = at.share * (level[:, None] - at.mean[owner])
    complete[owner, steps] = complete[steps, owner] = (item_nodes[owner] * with_slope) @ theta
    one, other = np.nonzero(owner[:, None] == owner)
    together = (item_nodes[owner[one]] * at.share[one] * at.share[other]).sum(axis=1)
    complete[steps[one], steps[other]] = np.where(one == other, expected[one], 0) - together
    for group in range(1, len(population.mean)):
        place = n_free + 2 * (group - 1)
        precision = np.exp(-2 * population.log_sd[group])
        n, first, second = (
            float(group_nodes[group] @ (theta - population.mean[group]) ** k) for k in range(3)
        )
        gradient[place : place + 2] = first * precision, second * precision - n
        corner = np.array([[n, 2 * first], [2 * first, 2 * second]]) * precision
        complete[place : place + 2, place : place + 2] = corner
    return gradient, complete
