"""Values that are allowed and still look odd: told to the sender, changed by nobody."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nmc_utils.intake.batch import Batch

#: Steps of a score, the largest first; one of them is a form's if most of its scores obey it.
_STEPS = (1.0, 0.5, 0.25, 0.1)
_MOST = 2 / 3
_LEAST_EQUAL = 10  # fewer people may well have one and the same score


def note(batches: dict[str, Batch]) -> None:
    """Note scores of one value for everybody, and scores between the steps of their form."""
    if "scores" in batches:
        _note_equal(batches["scores"])
        _note_steps(batches["scores"])


def _note_equal(batch: Batch) -> None:
    """All people of a sheet with one result in a competence: a column filled down, or true."""
    rows = batch.data.loc[batch.live, ["form_id", "domain", "raw_score"]]
    groups = rows.groupby([batch.piece[rows.index], "form_id", "domain"])["raw_score"]
    size, spread = groups.transform("size"), groups.transform("nunique")
    equal = (size >= _LEAST_EQUAL) & (spread == 1)
    found = "человек: " + size.astype("str")
    batch.report(
        equal.reindex(batch.text.index, fill_value=False),
        "raw_score",
        "У всех людей листа в этой компетенции одинаковый балл: похоже, значение скопировано",
        "Проверьте баллы; если они верны, так и оставьте.",
        kind="note",
        found=found.reindex(batch.text.index, fill_value=""),
        once=True,
    )


def _note_steps(batch: Batch) -> None:
    """A score between the steps that most scores of its form keep to, such as 7,3 among halves."""
    rows = batch.data.loc[batch.live & ~batch.percent, ["form_id", "domain", "raw_score"]]
    for _, scores in rows.groupby(["form_id", "domain"], sort=True)["raw_score"]:
        for step in _STEPS:
            steps = scores / step
            obeys = np.isclose(steps, steps.round(), atol=1e-6)
            if obeys.mean() >= _MOST:
                odd = pd.Series(batch.text.index.isin(scores.index[~obeys]), batch.text.index)
                batch.report(
                    odd,
                    "raw_score",
                    f"Балл не кратен {f'{step:g}'.replace('.', ',')}, как другие баллы этой формы",
                    "Проверьте балл.",
                    kind="note",
                )
                break
