"""The story of an edition, for the council."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.collecting import held_out
from nmc_utils.findings.diagnostics import hardest_domain, lowest_level, who_was_tested
from nmc_utils.findings.groups import plan_of
from nmc_utils.findings.indicators import attainment
from nmc_utils.findings.progress import net_change
from nmc_utils.findings.reliability import false_deficits
from nmc_utils.findings.sentences import (
    Sentence,
    rows_of,
)
from nmc_utils.measures.indicators import all_indicators
from nmc_utils.regions import Region


def council(staged: Mapping[str, pd.DataFrame], region: Region) -> pd.DataFrame:
    """Tell an edition in seven sentences: `position`, `topic`, `sentence`.

    Where municipalities have not reported, or rows were held out, that comes first.

    Parameters
    ----------
    staged
        Tables of the run: ``coverage``, ``procedures`` (the largest first: only it is told),
        ``level_shares``, ``classification``, ``progress``, ``seminar_plan`` (with its `procedure`),
        ``indicators``, ``reporting``, ``held_out``.
    """
    procedures = staged["procedures"]
    first = procedures["procedure"].iloc[0]
    shares, at_cuts, change = (
        rows_of(staged[name], procedure=first)
        for name in ("level_shares", "classification", "progress")
    )
    sentences = {}
    if part := wording.incomplete(staged["reporting"]):
        sentences["reporting"] = Sentence(f"{part}: итоги по записям неполные.")
    if len(staged["held_out"]):
        sentences["held_out"] = held_out(staged["held_out"])
    sentences |= {
        "tested": who_was_tested(staged["coverage"], procedures),
        "levels": lowest_level(shares, region),
        "certainty": false_deficits(at_cuts, region),
        "domains": hardest_domain(shares, region),
        "progress": net_change(change, region),
        "groups": plan_of(staged["seminar_plan"], procedures),
        "indicators": attainment(all_indicators(staged)),
    }
    return pd.DataFrame(
        {
            "position": range(1, len(sentences) + 1),
            "topic": list(sentences),
            "sentence": [str(text) for text in sentences.values()],
        }
    )


def paragraphs(sentences: pd.DataFrame) -> Sentence:
    """Put the sentences of `council` one below the other."""
    return Sentence("\n\n".join(sentences["sentence"]))
