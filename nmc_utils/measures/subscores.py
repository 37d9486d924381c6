"""Value of subscores: whether a domain score says more about a person than the total does.

Classical test theory after Haberman (2008). Of the true score s_t of a domain three best linear
predictions are compared by their proportional reduction of mean squared error (PRMSE, 1 is
certainty, 0 is knowing the group's mean alone): by the domain's own observed score, by the total,
and by both, which gives the augmented subscore.

The augmented subscore is Haberman's, of the domain score and the total, not the one of Wainer et
al. (2001) with a weight for every domain: two weights can be estimated from a form of a hundred
persons where eight cannot, and with two domains both are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nmc_utils.measures.reliability import alpha_of, item_covariance, item_scores


@dataclass(frozen=True)
class _Moments:
    """Second moments of one form's domain scores, each a Series by domain.

    `with_total` is the covariance of the domain score and the total, `true_with_total` that of the
    true domain score and the total.
    """

    observed: pd.Series
    true: pd.Series
    with_total: pd.Series
    true_with_total: pd.Series
    total: float


def subscore_value(responses: pd.DataFrame, domains: Mapping[str, str] | pd.Series) -> pd.DataFrame:
    """Whether each domain score of a form is worth interpreting for a person.

    Parameters
    ----------
    responses
        Persons × items of one form: item scores, missing where an item was not administered. A
        covariance is taken from the persons who took both items.
    domains
        Item → domain; it may know items that the form has not.

    Returns
    -------
    DataFrame
        Indexed by domain, in the order of items: `reliability` (alpha), `prmse_subscore` (equal to
        it), `prmse_total`, `prmse_augmented`, `adds_value` (the subscore predicts better than the
        total). True scores of a domain and of the rest that correlate beyond 1 in a sample would
        give a PRMSE above 1; it is given as 1.

    Raises
    ------
    ValueError
        An item without a domain, a single domain, a domain of one item, without positive
        reliability or wholly tied to the total; degenerate responses as in `alpha`.

    Notes
    -----
    Haberman (2008), When can subscores have value?; reliability of a domain by alpha, errors of
    domains independent.
    """
    return _value(_moments(item_scores(responses), domains))


def value_of_scores(covariance: pd.DataFrame, reliability: pd.Series) -> pd.DataFrame:
    """The same from scores by domain alone, where the answers were not sent.

    Parameters
    ----------
    covariance
        Domain × domain, of the domain scores of people of one population.
    reliability
        Of each domain score in it, 0–1.

    Returns
    -------
    DataFrame
        As `subscore_value`.
    """
    return _value(_of_scores(covariance, reliability))


def augmented_weights(covariance: pd.DataFrame, reliability: pd.Series) -> pd.DataFrame:
    """Weights of the best prediction of a true domain score from its own and the total score.

    Parameters
    ----------
    covariance, reliability
        As of `value_of_scores`.

    Returns
    -------
    DataFrame
        By domain `on_subscore` and `on_total`, for deviations from the means.
    """
    on_subscore, on_total = _weights(_of_scores(covariance, reliability))
    return pd.DataFrame({"on_subscore": on_subscore, "on_total": on_total})


def _value(moments: _Moments) -> pd.DataFrame:
    reliability = moments.true / moments.observed
    by_total = moments.true_with_total**2 / (moments.true * moments.total)
    on_subscore, on_total = _weights(moments)
    explained = on_subscore * moments.true + on_total * moments.true_with_total
    return pd.DataFrame(
        {
            "reliability": reliability,
            "prmse_subscore": reliability,
            "prmse_total": by_total.clip(upper=1),
            "prmse_augmented": (explained / moments.true).clip(upper=1),
            "adds_value": reliability > by_total,
        }
    )


def augmented_subscores(
    responses: pd.DataFrame, domains: Mapping[str, str] | pd.Series
) -> pd.DataFrame:
    """Best linear prediction of each person's true domain scores from domain score and total.

    It lies nearer to the mean of everyone tested than the observed score: it is a prediction for
    the person, not the result.

    Parameters
    ----------
    responses, domains
        As in `subscore_value`.

    Returns
    -------
    DataFrame
        Persons × domains, in score units. A person who was not given every item has no total to
        predict from: missing in all domains.

    Raises
    ------
    ValueError
        As `subscore_value`.
    """
    answers = item_scores(responses)
    on_subscore, on_total = _weights(_moments(answers, domains))
    belongs = _domain_of(answers.columns, domains)
    deviation = answers - answers.mean()
    of_domain = deviation.T.groupby(belongs, sort=False).sum(min_count=1).T
    of_domain = of_domain.where(answers.notna().all(axis=1), axis=0)
    mean = answers.mean().groupby(belongs, sort=False).sum()
    total = of_domain.sum(axis=1, skipna=False)
    predicted = of_domain * on_subscore + np.outer(total, on_total) + mean
    return predicted.rename_axis(columns="domain")


def _weights(moments: _Moments) -> tuple[pd.Series, pd.Series]:
    """Regression weights of the true domain score on the observed one and on the total."""
    determinant = moments.observed * moments.total - moments.with_total**2
    tied = determinant.index[~(determinant > 1e-9 * moments.observed * abs(moments.total))]
    if len(tied):
        raise ValueError(
            f"Результат по блоку «{tied[0]}» и общий результат определяют друг друга, или"
            " ковариации заданий, посчитанные по разным людям, противоречат друг другу:"
            " дополненный результат по блоку не определён."
        )
    on_subscore = moments.true * moments.total - moments.true_with_total * moments.with_total
    on_total = moments.true_with_total * moments.observed - moments.true * moments.with_total
    return on_subscore / determinant, on_total / determinant


def _moments(answers: pd.DataFrame, domains: Mapping[str, str] | pd.Series) -> _Moments:
    covariance = item_covariance(answers)
    belongs = _domain_of(answers.columns, domains)
    reliability = pd.Series(
        {
            domain: alpha_of(covariance.loc[items, items])
            for domain, items in belongs.index.groupby(belongs).items()
        }
    )
    between = covariance.groupby(belongs, sort=False).sum().T.groupby(belongs, sort=False).sum()
    return _of_scores(between, reliability)


def _of_scores(between: pd.DataFrame, reliability: pd.Series) -> _Moments:
    observed = pd.Series(np.diag(between), between.index).rename_axis("domain")
    true = observed * reliability.reindex(observed.index)
    _refuse_unreliable(true, observed)
    with_total = between.sum().rename_axis("domain")
    return _Moments(
        observed=observed,
        true=true,
        with_total=with_total,
        true_with_total=with_total - observed + true,
        total=float(with_total.sum()),
    )


def _refuse_unreliable(true: pd.Series, observed: pd.Series) -> None:
    unreliable = true.index[~(true > 0)]
    if len(unreliable):
        domain = unreliable[0]
        found = f"{true[domain] / observed[domain]:.2f}".replace(".", ",")
        raise ValueError(
            f"Надёжность блока «{domain}» не положительна ({found}): его задания не измеряют"
            " ничего общего, и о ценности результата по блоку судить нельзя."
        )


def _domain_of(items: pd.Index, domains: Mapping[str, str] | pd.Series) -> pd.Series:
    """Domain by item, for the items of the form."""
    belongs = pd.Series(domains, dtype=object).reindex(items)
    without = belongs.index[belongs.isna()]
    if len(without):
        raise ValueError(f"Не указано, к какому блоку относится задание «{without[0]}».")
    sizes = belongs.value_counts(sort=False)
    if len(sizes) < 2:
        raise ValueError(
            f"Все задания относятся к блоку «{sizes.index[0]}»: результат по блоку и есть общий"
            " результат."
        )
    alone = sizes.index[sizes < 2]
    if len(alone):
        item = belongs.index[belongs == alone[0]][0]
        raise ValueError(
            f"В блоке «{alone[0]}» одно задание («{item}»): надёжность результата по блоку не"
            " определена."
        )
    return belongs
