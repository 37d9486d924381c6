"""How sure the level of each person is: beside the document's result, which is never altered.

For each person the chance that the true result — the one expected of many such forms — lies at or
below a cut: from the answers to the items where a form is calibrated, else from the score, the
form's reliability, mean and standard deviation.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from nmc_utils.measures.answers import Key
from nmc_utils.measures.calibrations import Scale, below_cut
from nmc_utils.measures.classification import deficit_probability
from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.distributions import level_of
from nmc_utils.measures.intervals import NORMAL_95, share_interval
from nmc_utils.measures.lowest import lowest_below
from nmc_utils.measures.reliability import LEAST_ITEMS
from nmc_utils.measures.within_forms import Wave, moments, waves_of
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL, WORST

CERTAINTY = {
    "stable": "устойчивое",
    "borderline": "пограничное",
    "not_assessed": "не оценивалось",
    "too_few_items": "мало заданий",
}
ADVICE = {"borderline": "уточнить в собеседовании с методистом"}
BASES = {"answers": "по ответам на задания", "scores": "по баллу и надёжности формы"}
_ERRORS = ("by_mean", "by_reliability")
_KEYS = ["procedure", "wave", "domain", "person_id"]


def chances(
    results: pd.DataFrame,
    reliability: pd.DataFrame,
    scales: Mapping[Key, list[Scale]],
    region: Region,
) -> pd.DataFrame:
    """Chance of each person's true result lying at or below each cut.

    Parameters
    ----------
    results
        Of `scored`.
    reliability
        Of `reliability_by_form`.
    scales
        Of `calibrations.scales`; empty where no answers were sent.

    Returns
    -------
    DataFrame
        `procedure`, `wave`, `domain`, `person_id`, `level` (the cut is its upper bound), `chance`
        (missing: not assessed), `basis` (a key of `BASES`), `n_items`, `note`; `form`, and what one
        standard error of its mean and of its reliability does to the chance: `by_mean`,
        `by_reliability` (0 where it was reported without an interval), as the chance by the score
        has them. Of the lowest competence: `lowest.lowest_below`. Who left the whole of a
        competence blank is judged by the score.
    """
    about = reliability.set_index(["procedure", "wave", "form", "domain"]).to_dict("index")
    cuts = {level: cut for level, cut in region.diagnostics.cuts.items() if cut < 1}
    judged = results[results["raw_score"].notna()].reset_index(drop=True)
    judged = judged.assign(domain=judged["domain"].astype("str"))
    parts = []
    single = judged[judged["domain"] != WORST]
    for key, taken in single.groupby(["procedure", "wave", "form_id", "domain"]):
        form = about[key]
        for level, cut in cuts.items():
            found = _from_answers(scales, key, cut)
            answered = taken["person_id"].map({} if found is None else found).astype("float64")
            by_score = _from_scores(taken["raw_score"], form, cut)
            told = {
                "level": level,
                "chance": answered.fillna(by_score["chance"]),
                "basis": np.where(answered.notna(), "answers", "scores"),
                "n_items": form["n_items"],
                "note": form["note"] if form["status"] != "ok" else None,
                "form": key[2],
            }
            errors = {name: by_score[name] for name in _ERRORS}
            parts.append(pd.DataFrame(told | errors, index=taken.index))
    columns = [*_KEYS, "level", "chance", "basis", "n_items", "note", "form", *_ERRORS]
    table = _nobody(columns)
    if parts:  # who it is of is told once for all: texts of each part would take most of the time
        chance = pd.concat(parts)
        persons = single.loc[chance.index, _KEYS].reset_index(drop=True)
        table = pd.concat([persons, chance.reset_index(drop=True)], axis=1)
    if judged["domain"].eq(WORST).any():
        worst = judged.loc[judged["domain"] == WORST, ["procedure", "wave", "person_id"]]
        lowest = _of_lowest(results, reliability, cuts).merge(worst)
        table = pd.concat([table, lowest[columns]], ignore_index=True)
    return table.sort_values([*_KEYS, "level"], ignore_index=True)


def _from_answers(
    scales: Mapping[Key, list[Scale]], key: tuple[str, str, str, str], cut: float
) -> pd.Series | None:
    procedure, wave, form, domain = key
    for scale in scales.get((procedure, wave, domain), []):
        if form in scale.forms.index and scale.calibration is not None:
            return below_cut(scale, form, cut)
    return None


def _nobody(columns: list[str]) -> pd.DataFrame:
    numbers = dict.fromkeys(["chance", *_ERRORS], "float64")
    return pd.DataFrame(columns=columns).astype(numbers | {"n_items": "Int64"})


def _from_scores(scores: pd.Series, form: Mapping[Hashable, Any], cut: float) -> pd.DataFrame:
    """`chance`, and what one standard error of the form's mean and reliability does to it.

    The derivatives of Φ((c − μ − ρ(x − μ)) / (σ√(ρ(1 − ρ)))) by μ and ρ.
    """
    if form["status"] != "ok":
        return pd.DataFrame(np.nan, scores.index, ["chance"]).assign(**dict.fromkeys(_ERRORS, 0.0))
    rho, mean, std = form["estimate"], form["mean"], form["sd"]
    given = {"reliability": rho, "mean": mean, "std": std, "cut": cut}
    chance = deficit_probability(scores, form["max_score"], **given)
    z, error = ndtri(chance.clip(1e-12, 1 - 1e-12)), std * np.sqrt(rho * (1 - rho))
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    slope = -(scores - mean) / error - z * (1 - 2 * rho) / (2 * rho * (1 - rho))
    of_rho = (form["ci_high"] - form["ci_low"]) / (2 * NORMAL_95)
    return pd.DataFrame(
        {
            "chance": chance,
            "by_mean": -density * (1 - rho) / error * std / np.sqrt(form["n"]),
            "by_reliability": density * slope * (0.0 if np.isnan(of_rho) else of_rho),
        }
    )


def _of_lowest(
    results: pd.DataFrame, reliability: pd.DataFrame, cuts: Mapping[str, float]
) -> pd.DataFrame:
    """Of the lowest competence: it is at or below a cut where any competence is."""
    parts = []
    for wave in waves_of(results, reliability):
        known = moments(wave)
        why = _why_unknown(wave, reliability)
        for level, cut in cuts.items():
            found = pd.DataFrame(np.nan, wave.scores.index, ["chance", *_ERRORS])
            if known is not None:
                given = wave.scores.loc[known.centre.index], known, cut
                chance = lowest_below(*given)
                found.loc[chance.index, "chance"] = chance
                found.loc[chance.index, "by_mean"] = lowest_below(*given, shift=1) - chance
                found.loc[chance.index, "by_reliability"] = lowest_below(*given, dull=1) - chance
            about = {"level": level, "domain": WORST, "basis": "scores", **wave.key}
            about |= {"form": wave.form, "n_items": wave.n_items.min()}
            note = pd.Series(why, found.index, dtype="object").where(found["chance"].isna(), None)
            found[list(_ERRORS)] = found[list(_ERRORS)].fillna(0.0)
            parts.append(found.assign(note=note, **about).reset_index())
    return pd.concat(parts, ignore_index=True)


def _why_unknown(wave: Wave, reliability: pd.DataFrame) -> str:
    mine = reliability[(reliability[["procedure", "wave"]] == list(wave.key.values())).all(axis=1)]
    unknown = mine.loc[mine["status"].ne("ok") & mine["domain"].ne(TOTAL), "note"].dropna()
    return unknown.iloc[0] if len(unknown) else "компетенция одна"


def person_results(results: pd.DataFrame, chances: pd.DataFrame, region: Region) -> pd.DataFrame:
    """The three things that are told of a person, never merged.

    For methodical support alone: nobody is ordered by it.

    Parameters
    ----------
    chances
        Of `chances`.
    region
        A level is unsure where the chance of any cut is within its `borderline`.

    Returns
    -------
    DataFrame
        `procedure`, `wave`, `domain`, `person_id`; `level` (the document's result),
        `deficit_chance` (of the lowest cut), `certainty` (a key of `CERTAINTY`), `advice` and
        `note`. In a competence of fewer than `LEAST_ITEMS` items certainty is not told.
    """
    judged = results[results["raw_score"].notna()]
    shares = judged["raw_score"] / judged["max_score"]
    level = level_of(shares, region.diagnostics.cuts)
    told = judged[["procedure", "wave", "domain", "person_id"]].astype({"domain": "str"})
    told = told.assign(level=np.asarray(level, dtype=object))
    is_near = chances["chance"].between(*region.diagnostics.borderline)
    by_person = chances.assign(is_near=is_near, is_unknown=chances["chance"].isna()).groupby(_KEYS)
    known = by_person.agg(
        is_near=("is_near", "any"),
        is_unknown=("is_unknown", "any"),
        n_items=("n_items", "first"),
        note=("note", "first"),
    )
    lowest = chances[chances["level"] == region.diagnostics.lowest.code]
    known["deficit_chance"] = lowest.set_index(_KEYS)["chance"]
    told = told.merge(known.reset_index(), on=_KEYS, how="left", validate="one_to_one")
    is_short = told["domain"].ne(TOTAL) & told["n_items"].lt(LEAST_ITEMS).fillna(False)
    certainty = np.select(
        [told["is_unknown"].ne(False), is_short, told["is_near"].eq(True)],
        ["not_assessed", "too_few_items", "borderline"],
        "stable",
    )
    told["certainty"] = certainty
    told["advice"] = told["certainty"].map(ADVICE)
    columns = [*_KEYS, "level", "deficit_chance", "certainty", "advice", "note"]
    return told[columns].sort_values(_KEYS, ignore_index=True)


def level_certainty(chances: pd.DataFrame, persons: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Share of each level with the error of measurement counted, and share of unsure results.

    Parameters
    ----------
    chances, persons
        Of `chances` and `person_results`.

    Returns
    -------
    DataFrame
        Measure table with keys `procedure`, `wave`, `domain`, `level`. `true_level_share`: mean
        chance of the level among those assessed; its interval is what the errors of measurement
        of these persons leave open, and the errors of the mean and the reliability of each form,
        by which results are drawn to the mean. `borderline_share`: those with an unsure level
        (``level="total"``), with a Wilson interval. `n` persons assessed.
    """
    table = pd.concat([_true_shares(chances, region), _borderline(persons)], ignore_index=True)
    columns = ["procedure", "wave", "domain", "level", *ESTIMATE_COLUMNS, "note"]
    return table.reindex(columns=columns).astype({"n": "Int64"})


def _true_shares(chances: pd.DataFrame, region: Region) -> pd.DataFrame:
    keys = ["procedure", "wave", "domain"]
    cuts = [level for level, cut in region.diagnostics.cuts.items() if cut < 1]
    rows = []
    for key, part in chances.groupby(keys):
        values = ["chance", *_ERRORS]
        wide = part.pivot(index=["form", "person_id"], columns="level", values=values)
        unknown = wide["chance"].isna().any(axis=1)
        left_out = part["note"].dropna().iloc[0] if unknown.any() else None
        wide = wide[~unknown]
        of_forms = [wide[name][cuts].groupby(level="form").sum() for name in _ERRORS]
        shares = _between(wide["chance"][cuts], top=1.0)
        moved = np.vstack([_between(sums, top=0.0) for sums in of_forms])
        for at, level in enumerate(region.diagnostics.cuts):
            row = dict(zip([*keys, "level"], [*key, level], strict=True))
            rows.append(
                row | _mean_chance(shares[:, at], moved[:, at], int(unknown.sum()), left_out)
            )
    return pd.DataFrame(rows).assign(measure="true_level_share")


def _between(below: pd.DataFrame, *, top: float) -> np.ndarray:
    """Of each level, from what is at or below the cuts."""
    ends = np.zeros(len(below)), np.full(len(below), top)
    return np.diff(np.column_stack([ends[0], below, ends[1]]))


def _mean_chance(
    chance: np.ndarray, moved: np.ndarray, n_unknown: int, why: str | None
) -> dict[str, object]:
    """Mean chance of a level; `moved` are the sums over persons of what moves a form as one."""
    if not len(chance):
        return {"status": "not_assessed", "interval_kind": "none", "n": 0, "note": why}
    variance = (chance * (1 - chance)).sum() + (moved**2).sum()
    mean, error = chance.mean(), np.sqrt(variance) / len(chance)
    note = _left_out(n_unknown, why)
    low, high = np.clip([mean - NORMAL_95 * error, mean + NORMAL_95 * error], 0, 1)
    return {
        "estimate": mean,
        "std_error": error,
        "ci_low": low,
        "ci_high": high,
        "interval_kind": "measurement",
        "n": len(chance),
        "status": "ok",
        "note": note,
    }


def _left_out(n_unknown: int, why: str | None) -> str | None:
    return f"без {n_unknown} чел., чьи формы не оценивались ({why})" if n_unknown else None


def _borderline(persons: pd.DataFrame) -> pd.DataFrame:
    keys = ["procedure", "wave", "domain"]
    certainty = persons["certainty"]
    told = certainty.isin(["stable", "borderline"])
    by = [persons[key] for key in keys]
    table = pd.DataFrame(
        {
            "n": told.groupby(by).sum(),
            "count": certainty.eq("borderline").groupby(by).sum(),
            "is_short": certainty.eq("too_few_items").groupby(by).any(),
            "n_unknown": certainty.eq("not_assessed").groupby(by).sum(),
            "why": persons["note"].groupby(by).first(),
        }
    ).reset_index()
    low, high = share_interval(table["count"], table["n"])
    is_told = table["n"] > 0
    table["n"] = table["n"].where(is_told, certainty.groupby(by).size().to_numpy())
    left_out = [_left_out(n, why) for n, why in table[["n_unknown", "why"]].itertuples(index=False)]
    short = f"в компетенции меньше {LEAST_ITEMS} заданий: уровень человека не оценивается"
    return table.assign(
        note=np.select([is_told, table["is_short"]], [left_out, short], table["why"]),
        level=TOTAL,
        measure="borderline_share",
        estimate=(table["count"] / table["n"]).where(is_told),
        ci_low=low,
        ci_high=high,
        interval_kind=np.where(is_told, "process", "none"),
        status=np.select([is_told, table["is_short"]], ["ok", "too_few_items"], "not_assessed"),
    )
