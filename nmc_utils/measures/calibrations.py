"""Calibrated items of an edition: forms that share items are one scale, others stay apart.

The population is everyone tested in one wave of a procedure. Who took another form is another
group: they are not taken to be equally able.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nmc_utils.measures.answers import Answers, Key
from nmc_utils.measures.irt import (
    Calibration,
    calibrate,
    deficit_posterior,
    expected_share,
    theta_at,
)
from nmc_utils.measures.linking import LEAST_ANCHORS, connected
from nmc_utils.measures.measurement import LEAST_PERSONS


@dataclass(frozen=True)
class Scale:
    """Forms of one procedure, wave and domain that are linked through common items.

    Attributes
    ----------
    responses
        Persons × items that not everyone answered alike, of those forms.
    form
        Form by person.
    forms
        Form × item: whether the form has the item, the constant ones among them.
    max_score
        By item.
    constant
        Score by item that everyone answered alike; no calibration can have it.
    calibration
        Missing where `note` says why.
    """

    responses: pd.DataFrame
    form: pd.Series
    forms: pd.DataFrame
    max_score: pd.Series
    constant: pd.Series
    calibration: Calibration | None = None
    note: str | None = None

    @property
    def name(self) -> str:
        """The forms of the scale."""
        return ", ".join(self.forms.index)

    def items_of(self, form: str) -> pd.Index:
        """Items of a form that are calibrated."""
        mine = self.forms.columns[self.forms.loc[form]]
        return mine[~mine.isin(self.constant.index)]


def scales(answers: Mapping[Key, Answers]) -> dict[Key, list[Scale]]:
    """Calibrate the items of every procedure, wave and domain with answers.

    Forms of fewer than `LEAST_PERSONS` persons stay without a calibration. Forms are linked by
    `LEAST_ANCHORS` common items that not everyone answered alike: with fewer nobody could tell a
    drift. Of 1PL and 2PL the one with the lower BIC is kept; items with more than two scores are
    calibrated as GPCM.

    Parameters
    ----------
    answers
        Of `all_answers`.
    """
    return {key: scales_of(sent) for key, sent in answers.items()}


def scales_of(sent: Answers) -> list[Scale]:
    """Calibrate the items of one procedure, wave and domain: one scale for each linked set."""
    return [scale if scale.note else _calibrated(scale) for scale in _linked(sent)]


def _linked(sent: Answers) -> Iterable[Scale]:
    sizes = sent.form.value_counts()
    for form in sorted(sizes.index[sizes < LEAST_PERSONS]):
        yield _scale(sent, [form], note=f"форму прошли меньше {LEAST_PERSONS} чел.")
    forms = sent.forms.loc[sorted(sizes.index[sizes >= LEAST_PERSONS])]
    taken = sent.responses.loc[sent.form.isin(forms.index), forms.columns]
    for names in connected(forms.loc[:, taken.nunique() > 1], LEAST_ANCHORS):
        yield _scale(sent, list(names))


def _scale(sent: Answers, names: list[str], note: str | None = None) -> Scale:
    mine = sent.forms.loc[names]
    mine = mine.loc[:, mine.any()]
    who = sent.form.index[sent.form.isin(mine.index)]
    responses = sent.responses.loc[who, mine.columns]
    alike = responses.nunique() < 2
    return Scale(
        responses=responses.loc[:, ~alike],
        form=sent.form[who],
        forms=mine,
        max_score=sent.items.loc[mine.columns, "max_score"],
        constant=responses.loc[:, alike].max(),
        note=note,
    )


def _calibrated(scale: Scale) -> Scale:
    """Calibrate a scale, or say in its note why it cannot be."""
    group = scale.form if len(scale.forms) > 1 else None
    models = ("gpcm",) if scale.max_score.gt(1).any() else ("1pl", "2pl")
    found, refused = [], []
    for model in models:
        try:
            found.append(calibrate(scale.responses, model=model, group=group))
        except ValueError as error:  # a sentence that names the item, the form or the group
            refused.append(str(error))
    found = [calibration for calibration in found if calibration.converged]
    if not found:
        note = refused[0] if refused else "калибровка не сошлась"
        return replace(scale, note=note)
    n = len(scale.responses)
    return replace(scale, calibration=min(found, key=lambda entry: bic(entry, n)))


def bic(calibration: Calibration, n: int) -> float:
    """Bayesian information criterion of a calibration on `n` persons; lower is better."""
    items = calibration.items
    steps = [name for name in items if name.startswith("step_") and not name.endswith("_se")]
    difficulties = items[steps].notna().sum().sum() if steps else len(items)
    slopes = 1 if calibration.model == "1pl" else len(items)
    populations = 2 * (len(calibration.groups) - 1)
    return -2 * calibration.log_likelihood + (difficulties + slopes + populations) * np.log(n)


def below_cut(scale: Scale, form: str, cut: float) -> pd.Series | None:
    """Chance by person that the expected share of the own form is at or below a cut.

    From the posterior of ability under the form's own population. None where no ability of the
    form's scale stands at the cut, because of items that all answered alike or against the rest.

    Parameters
    ----------
    cut
        Share of the form's maximum.
    """
    assert scale.calibration is not None
    items = scale.items_of(form)
    mine = scale.forms.columns[scale.forms.loc[form]]
    if items.empty:
        return None
    certain = scale.constant.reindex(mine).sum()
    share = (cut * scale.max_score[mine].sum() - certain) / scale.max_score[items].sum()
    if not 0 < share < 1:
        return None
    try:
        theta_cut = theta_at(scale.calibration, share, items)
    except ValueError:  # discriminations against the rest: these items never lead to the share
        return None
    who = scale.form.index[scale.form.eq(form)]
    group = scale.form[who] if len(scale.forms) > 1 else None
    return deficit_posterior(scale.responses.loc[who], scale.calibration, theta_cut, group)


def bank_shares(scale: Scale, form: str, *, step: float = 0.02) -> pd.Series:
    """Expected share of the whole bank by raw score of a form: true-score equating.

    A raw score stands for the ability at which it is the expected one; lowest and highest scores
    stand for 0 and 1. Items that everyone answered alike count on both sides.

    Returns
    -------
    Series
        Share 0–1 by raw score 0, 1, … up to the maximum of the form.

    Raises
    ------
    ValueError
        Items of the scale do not discriminate, or against the rest: then a score stands for more
        than one ability. They are named.
    """
    assert scale.calibration is not None
    _refuse_not_rising(scale.calibration.items["a"])
    theta = np.arange(-8, 8 + step, step)
    mine = scale.forms.columns[scale.forms.loc[form]]
    on_form = _expected_score(scale, theta, mine)
    on_bank = _expected_score(scale, theta, scale.forms.columns) / scale.max_score.sum()
    top = scale.max_score[mine].sum()
    raw = np.arange(0, top + 1)
    known = np.concatenate([[0.0], on_form, [top]])
    shares = np.concatenate([[0.0], on_bank, [1.0]])
    return pd.Series(np.interp(raw, known, shares), index=pd.Index(raw, name="raw_score"))


def equated(scale: Scale, from_form: str, to_form: str) -> pd.Series:
    """Score of one form that stands for the same ability as a raw score of another.

    Returns
    -------
    Series
        Score on `to_form` by raw score of `from_form`, in score units, not rounded.

    Raises
    ------
    ValueError
        As `bank_shares`.
    """
    there = bank_shares(scale, to_form)
    return bank_shares(scale, from_form).map(lambda share: np.interp(share, there, there.index))


def _refuse_not_rising(slopes: pd.Series) -> None:
    against = slopes.index[~(slopes > 0)]
    if len(against):
        names = ", ".join(f"«{item}»" for item in against)
        raise ValueError(
            f"Различающая способность не выше нуля: {names}. Ожидаемый балл не растёт с уровнем, и"
            " баллы форм не сопоставить; проверьте ключ."
        )


def _expected_score(scale: Scale, theta: np.ndarray, items: pd.Index) -> np.ndarray:
    varied = items[~items.isin(scale.constant.index)]
    expected = expected_share(scale.calibration, theta, varied)
    return expected * scale.max_score[varied].sum() + scale.constant.reindex(items).sum()
