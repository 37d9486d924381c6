"""Item response models: calibration, scoring of persons, and what a bank of items tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import logsumexp, sici

from nmc_utils.measures.item_calibration import Fit, fit
from nmc_utils.measures.item_responses import Sheet, named, read_responses
from nmc_utils.measures.marginal_likelihood import (
    Bank,
    Population,
    curves,
    nodes,
    posterior,
)
from nmc_utils.measures.products import summed_product
from nmc_utils.measures.response_checks import refuse_degenerate

MODELS = ("1pl", "2pl", "gpcm")


@dataclass(frozen=True)
class Calibration:
    """Item parameters and the groups they were estimated in.

    Attributes
    ----------
    items
        Indexed by item: `a`, `b`, `a_se`, `b_se` on the scale where the reference group is
        N(0, 1). For "gpcm" `b` is the mean of the item's steps; `n_categories`, `step_1`…,
        `step_1_se`… are the steps themselves, missing beyond the item's last.
    log_likelihood
        Marginal log-likelihood at the estimates.
    converged
        Whether the last step of the iterations changed no parameter by more than 1e-4.
    groups
        Indexed by group, the reference first: `mean`, `sd`, `n` (persons with an answer),
        `mean_se` (0 for the reference).
    model
        "1pl", "2pl" or "gpcm".
    """

    items: pd.DataFrame
    log_likelihood: float
    converged: bool
    groups: pd.DataFrame
    model: str


def calibrate(
    responses: pd.DataFrame, model: str = "2pl", group: ArrayLike | None = None
) -> Calibration:
    """Estimate item parameters by marginal maximum likelihood.

    P(right) = 1 / (1 + exp(−a(θ − b))); "gpcm" is the generalised partial credit model
    P(k) ∝ exp(Σ_{v≤k} a(θ − b_v)).

    Parameters
    ----------
    responses
        Persons × items: 0/1 (for "gpcm" scores 0…m of each item), missing = not administered.
        Persons without any answer carry no information and are left out.
    model
        "1pl" (one common discrimination), "2pl" or "gpcm".
    group
        Group of each person: a Series by the index of `responses`, or as many values in its
        order. The first group (first category of a categorical that occurs, else first in order
        of appearance) is the reference N(0, 1); means and SDs of the others are estimated.
        Without groups everybody is from one N(0, 1).

    Returns
    -------
    Calibration

    Raises
    ------
    ValueError
        In Russian, naming the item or the group: an item that everyone or nobody answered right,
        that nobody answered, or whose score is never given; a value outside the model; too few
        items or persons; groups or forms without common items; a discrimination that runs to
        infinity or is zero; a group without spread.

    Notes
    -----
    Bock & Aitkin (1981); Muraki (1992); multiple groups: Bock & Zimowski (1997). Equispaced nodes,
    step at most 0.8 × the smallest posterior SD. Standard errors are of the observed information
    (Louis 1982) with all terms between items and with the groups.
    """
    if model not in MODELS:
        raise ValueError(f"model must be one of {MODELS}, got {model!r}")
    sheet = read_responses(responses, group)
    refuse_degenerate(sheet, model)
    return _calibration(sheet, fit(sheet, common_slope=model == "1pl"), model)


def score_eap(
    responses: pd.DataFrame, calibration: Calibration, group: ArrayLike | None = None
) -> pd.DataFrame:
    """Expected a posteriori level of each person, and its posterior standard deviation.

    Parameters
    ----------
    responses
        Persons × items, as for `calibrate`; items of the bank that are no columns were not
        administered.
    calibration
        Item parameters and groups.
    group
        Group of each person, as for `calibrate`: then the prior is that of the person's group.
        Without it the prior is N(0, 1) after a calibration of one group, and after one of several
        the mixture of the groups in proportion to their persons.

    Returns
    -------
    DataFrame
        `theta` and `sd` by the index of `responses`. Who answered nothing has the mean and the
        standard deviation of the prior.

    Raises
    ------
    ValueError
        In Russian: an item or a group that the calibration does not know, a score above the
        item's greatest.
    """
    result = np.empty((len(responses), 2))
    for rows, weight, theta in _posteriors(responses, calibration, group):
        mean = weight @ theta
        result[rows, 0] = mean
        result[rows, 1] = np.sqrt(((theta - mean[:, None]) ** 2 * weight).sum(axis=1))
    return pd.DataFrame(result, responses.index, ["theta", "sd"])


def deficit_posterior(
    responses: pd.DataFrame,
    calibration: Calibration,
    theta_cut: float,
    group: ArrayLike | None = None,
) -> pd.Series:
    """P(θ ≤ `theta_cut` | responses) of each person; arguments and refusals as `score_eap`.

    Refuses a missing `theta_cut`. The posterior between the nodes is its sinc interpolation,
    integrated exactly (Stenger 1993): as precise as the trapezoidal rule itself, and continuous in
    the cut.
    """
    if np.isnan(theta_cut):
        raise ValueError("theta_cut must be an ability, got nan")
    result = np.empty(len(responses))
    for rows, weight, theta in _posteriors(responses, calibration, group, fineness=0.4):
        below = 0.5 + sici(np.pi * (theta_cut - theta) / (theta[1] - theta[0]))[0] / np.pi
        result[rows] = np.clip(weight @ below, 0, 1)
    return pd.Series(result, responses.index, name="p_deficit")


def expected_share(
    calibration: Calibration, theta: ArrayLike, items: ArrayLike | None = None
) -> np.ndarray:
    """Expected share of the greatest score on `items` (the whole bank by default) at each θ.

    Results of persons who took different linked forms are comparable on it.
    """
    bank, theta = _bank(calibration, items), np.asarray(theta, float)
    return _at(bank, theta).mean.sum(axis=0).reshape(theta.shape) / bank.n_steps.sum()


def theta_at(calibration: Calibration, share: float, items: ArrayLike | None = None) -> float:
    """θ at which `expected_share` equals `share`: a cut in per cent, moved to the scale of θ.

    Raises
    ------
    ValueError
        `share` is not between 0 and 1, or these items never lead to it.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, got {share}")
    bank = _bank(calibration, items)

    def excess(theta: float) -> float:
        return float(_at(bank, np.array(theta)).mean.sum()) / bank.n_steps.sum() - share

    reach = float(np.abs(calibration.items["b"]).max()) + 1
    while excess(-reach) * excess(reach) > 0 and reach < 1e4:
        reach *= 2
    if excess(-reach) * excess(reach) > 0:
        raise ValueError(
            f"Доля {share:g} от максимума не достигается ни при каком уровне: "
            "у части заданий дискриминативность отрицательна".replace(".", ",")
        )
    return float(brentq(excess, -reach, reach, xtol=1e-10))


def information(
    calibration: Calibration, theta: ArrayLike, items: ArrayLike | None = None
) -> np.ndarray:
    """Fisher information about θ of these items together: a² × variance of the score, summed."""
    bank, theta = _bank(calibration, items), np.asarray(theta, float)
    return (bank.slopes**2 @ _at(bank, theta).variance).reshape(theta.shape)


def probabilities(
    calibration: Calibration, theta: ArrayLike, items: ArrayLike | None = None
) -> np.ndarray:
    """P(right) at each θ, θ × items; for "gpcm" P(score), θ × items × scores from 0.

    An item with fewer scores than others has probability 0 beyond its last.
    """
    bank, theta = _bank(calibration, items), np.asarray(theta, float)
    share = _at(bank, theta).share
    if calibration.model != "gpcm":
        return share.T.reshape(*theta.shape, -1)
    result = np.zeros((share.shape[1], len(bank.slopes), bank.n_steps.max() + 1))
    result[:, bank.owner, bank.level] = share.T
    result[:, :, 0] = 1 - result.sum(axis=2)
    return result.reshape(*theta.shape, *result.shape[1:])


def _calibration(sheet: Sheet, found: Fit, model: str) -> Calibration:
    bank, population = found.bank, found.population
    n_items, n_free = len(bank.slopes), len(bank.slopes) + len(bank.intercepts)
    std_error = np.sqrt(np.diag(found.covariance))
    b, b_se = _places(found, bank.starts + bank.n_steps - 1, bank.n_steps)
    table = {"a": bank.slopes, "b": b, "a_se": std_error[:n_items], "b_se": b_se}
    named_index = sheet.items.nlevels > 1 or sheet.items.name is not None
    items = pd.DataFrame(table, sheet.items if named_index else sheet.items.rename("item"))
    if model == "gpcm":
        items["n_categories"] = bank.n_steps + 1
        steps = _places(found, np.arange(len(bank.intercepts)), None)
        for suffix, values in zip(("", "_se"), steps, strict=True):
            for level in range(1, bank.n_steps.max() + 1):
                column = np.full(n_items, np.nan)
                own = bank.level == level
                column[bank.owner[own]] = values[own]
                items[f"step_{level}{suffix}"] = column
    labels = ["all"] if sheet.groups == [None] else sheet.groups
    groups = pd.DataFrame(
        {
            "mean": population.mean,
            "sd": np.exp(population.log_sd),
            "n": sheet.n_persons,
            "mean_se": np.concatenate(([0.0], std_error[n_free::2])),
        },
        pd.Index(labels, name="group"),
    )
    return Calibration(items, found.log_likelihood, found.converged, groups, model)


def _places(
    found: Fit, intercepts: np.ndarray, n_steps: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Difficulties and their standard errors by the delta method.

    With `n_steps` the mean of an item's steps, −e_m / (m·a); without, each step itself,
    −(e_k − e_{k−1}) / a.
    """
    bank = found.bank
    n_items, owner = len(bank.slopes), bank.owner[intercepts]
    slopes = bank.slopes[owner]
    derivative = np.zeros((len(intercepts), len(found.covariance)))
    row = np.arange(len(intercepts))
    derivative[row, n_items + intercepts] = -1 / (slopes * (1 if n_steps is None else n_steps))
    if n_steps is None:
        later = bank.level > 1
        derivative[row[later], n_items + intercepts[later] - 1] = 1 / slopes[later]
    place = derivative[:, n_items : n_items + len(bank.intercepts)] @ bank.intercepts
    derivative[row, owner] = -place / slopes
    variance = (summed_product(derivative.T, found.covariance) * derivative).sum(axis=1)
    return place, np.sqrt(variance)


def _bank(calibration: Calibration, items: ArrayLike | None) -> Bank:
    table = calibration.items
    if items is not None:
        wanted = pd.Index(items)
        unknown = wanted[~wanted.isin(table.index)]
        if len(unknown):
            raise ValueError(f"Нет в калибровке: задание {named(unknown)}")
        table = table.loc[wanted]
    slopes = table["a"].to_numpy(float)
    if calibration.model != "gpcm":
        return Bank(slopes, -slopes * table["b"].to_numpy(float), np.ones(len(table), int))
    n_steps = table["n_categories"].to_numpy(int) - 1
    steps = table[[f"step_{k}" for k in range(1, n_steps.max() + 1)]].to_numpy(float)
    sums = -slopes[:, None] * np.cumsum(steps, axis=1)
    return Bank(slopes, sums[np.arange(steps.shape[1]) < n_steps[:, None]], n_steps)


def _at(bank: Bank, theta: np.ndarray):
    return curves(bank, theta.ravel())


def _posteriors(
    responses: pd.DataFrame,
    calibration: Calibration,
    group: ArrayLike | None,
    fineness: float = 0.8,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield rows, posterior weights and nodes; who answered nothing gets the prior's weights."""
    bank = _bank(calibration, responses.columns)
    if not len(responses):
        return
    sheet = read_responses(responses, group)
    _refuse_unknown(sheet, bank, calibration)
    table = calibration.groups
    population = Population(table["mean"].to_numpy(float), np.log(table["sd"].to_numpy(float)))
    theta = nodes(bank, population, sheet, fineness)
    densities = np.array([population.log_density(g, theta) for g in range(len(table))])
    if group is None:
        share = table["n"].to_numpy(float)[:, None] / table["n"].sum()
        densities = logsumexp(densities, axis=0, b=share)[None]
    else:
        densities = densities[table.index.get_indexer(sheet.groups)]
    empty = np.ones(len(responses), bool)
    for block in sheet.blocks:
        places = np.arange(len(responses))[block.rows]
        empty[places] = False
        for rows, weight in posterior(block, bank, theta, densities[block.group]):
            yield places[rows], weight, theta
    places = np.flatnonzero(empty)
    if len(places):
        weight = np.exp(densities[sheet.group_codes[places]])
        yield places, weight / weight.sum(axis=1, keepdims=True), theta


def _refuse_unknown(sheet: Sheet, bank: Bank, calibration: Calibration) -> None:
    above = sheet.n_steps > bank.n_steps
    if above.any():
        item = np.argmax(above)
        raise ValueError(
            f"Задание «{sheet.items[item]}»: балл {sheet.n_steps[item]} больше наибольшего "
            f"при калибровке ({bank.n_steps[item]})"
        )
    if sheet.groups != [None]:
        unknown = [label for label in sheet.groups if label not in calibration.groups.index]
        if unknown:
            raise ValueError(f"Нет в калибровке: группа {named(unknown)}")
