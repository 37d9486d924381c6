"""All that is known of how sure the results of an edition are, computed in one order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from nmc_utils.measures.answers import Answers, Key, all_answers
from nmc_utils.measures.calibrations import Scale, scales
from nmc_utils.measures.certainty import chances, person_results
from nmc_utils.measures.measurement import pooled_reliability, reliability_by_form
from nmc_utils.regions import Region


@dataclass(frozen=True)
class Measured:
    """What judging the results of an edition rests on.

    Attributes
    ----------
    answers
        Answers to items, by procedure, wave and domain; empty where none were sent.
    by_form, pooled
        Reliability of each form, and over all forms: `measurement.reliability_by_form`,
        `measurement.pooled_reliability`.
    scales
        Calibrated items, forms that share items on one scale: `calibrations.scales`.
    chances, persons
        Chance of each person's true result at or below each cut, and the three things that are
        told of a person: `certainty.chances`, `certainty.person_results`.
    """

    answers: dict[Key, Answers]
    by_form: pd.DataFrame
    pooled: pd.DataFrame
    scales: dict[Key, list[Scale]]
    chances: pd.DataFrame
    persons: pd.DataFrame


def measured(results: pd.DataFrame, tables: Mapping[str, pd.DataFrame], region: Region) -> Measured:
    """Find how sure the results of an edition are.

    Parameters
    ----------
    results
        Of `distributions.scored`.
    tables
        Canonical tables, of which `forms`, `items` and `responses` are used where they were sent.
    """
    answers = all_answers(tables, results)
    by_form = reliability_by_form(results, tables, answers)
    linked = scales(answers)
    chance = chances(results, by_form, linked, region)
    return Measured(
        answers=answers,
        by_form=by_form,
        pooled=pooled_reliability(by_form, results),
        scales=linked,
        chances=chance,
        persons=person_results(results, chance, region),
    )
