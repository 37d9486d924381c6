"""Types of teachers: latent classes of their deficits. A type describes, it assigns nobody.

The population is everyone with a result in at least one domain. The model is the latent class
model of 0/1 deficits that are independent within a class, by maximum likelihood; the number
of classes is the one with the least BIC, and one class is an answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from nmc_utils.measures.class_estimation import estimated
from nmc_utils.measures.irt import calibrate
from nmc_utils.measures.latent_class import (
    Answers,
    Model,
    agreement,
    class_table,
    is_ordered,
    n_parameters,
    profile_table,
    read_answers,
)

DESCRIBES = "Тип описывает, не распределяет."
#: So many persons with a result in every domain are due to each parameter of a model.
PERSONS_PER_PARAMETER = 5
LEAST_RESAMPLES = 20
#: EM steps after which starts are compared.
_SHORT = 40
#: Starts of a resample besides that of the data.
_FRESH = 1


@dataclass(frozen=True)
class _Care:
    """How far estimation goes.

    `finalists` starts are brought to the end, which is when a step of EM adds less than `gain` to
    the log-likelihood, or after so many `steps`.
    """

    finalists: int
    gain: float
    steps: int


_OF_DATA = _Care(finalists=3, gain=1e-5, steps=2000)
#: BIC of neighbours differ by much more than what is left of the likelihood.
_OF_RESAMPLE = _Care(finalists=1, gain=1e-3, steps=500)


@dataclass(frozen=True)
class Typology:
    """Latent classes of deficits, how well they fit and how stable they are.

    Attributes
    ----------
    n_types
        Number of classes with the least BIC; 0 when there is nobody or nothing to describe.
    n
        Persons with a result in at least one domain.
    n_resamples
        Bootstrap resamples of persons behind every `std_error`.
    classes
        By `type` (1 … `n_types`, by the expected number of deficits, then the larger first):
        `share` of persons and `deficits`, the expected number of deficits, each with
        `*_std_error`, `*_ci_low`, `*_ci_high`.
    profiles
        `type`, `domain`, `estimate` (probability of a deficit, 0–1), `std_error`, `ci_low`,
        `ci_high`, `n` (expected persons of the type with a result in the domain).
    fit
        By `classes` (1, 2, …): `log_likelihood`, `parameters`, `bic`, `entropy` (relative, 1 =
        everyone's class is certain; missing for one class), `is_converged`, `chosen_share` (of
        the resamples in which this number has the least BIC).
    level_bic
        BIC of the two-parameter logistic model, one dimension and no classes; missing where it
        cannot be fitted or a domain goes against the others. Below the BIC of the classes, these
        are steps of one level.
    is_ordered
        Whether no domain contradicts the order of the types beyond its error: then types differ
        by their general level alone. None with fewer than two types.
    agreement
        Adjusted Rand index of every resample: its classes against those of the data, both of
        `n_types`, on the persons of the data. Empty with fewer than two types.
    members
        By person: modal `type` and its posterior `probability`. For research; not published.
    notes
        Russian sentences on what limited the answer.
    caveat
        What types are not for.
    """

    n_types: int
    n: int
    n_resamples: int
    domains: tuple[str, ...]
    classes: pd.DataFrame
    profiles: pd.DataFrame
    fit: pd.DataFrame
    level_bic: float
    is_ordered: bool | None
    agreement: np.ndarray
    members: pd.DataFrame
    notes: tuple[str, ...]
    caveat: str = DESCRIBES


def latent_classes(
    deficits: pd.DataFrame,
    *,
    most: int = 6,
    seed: int = 0,
    starts: int = 20,
    boot: int = 100,
) -> Typology:
    """Estimate types of persons by their deficits, and how stable the types are.

    Parameters
    ----------
    deficits
        Person × domain: 1 a deficit, 0 none, missing where the person's form lacks the domain.
        Persons without any result are left out. A missing result must depend on nothing but the
        form (missing at random); the likelihood is that of the results that exist.
    most
        Greatest number of classes. Fewer are tried where they could not be told apart: D domains
        identify K classes when D ≥ 2⌈log₂K⌉ + 1, and K classes need `PERSONS_PER_PARAMETER` ×
        (K·D + K − 1) persons with a result in every domain. Domains in which all have the same
        result count neither way; they stay in the profiles.
    seed
        Of the starts and the resamples.
    starts
        Random starts of the estimation for each number of classes.
    boot
        Resamples of persons.

    Returns
    -------
    Typology

    Raises
    ------
    ValueError
        A value other than 0 and 1, a person or domain given twice, an option out of range.

    Notes
    -----
    Identification: Allman, Matias and Rhodes (2009), Identifiability of parameters in latent
    structure models with many observed variables. Short runs of many starts, long runs of the
    best: Biernacki, Celeux and Govaert (2003). In a resample numbers of classes beyond that of
    the data are tried as long as BIC falls. Intervals of shares are Wilson's with the number of
    persons that the bootstrap error is worth (Korn and Graubard 1998), so that a probability
    estimated as 0 has one too; those of the expected number of deficits are made so of its share
    of all domains, and are missing where all resamples are alike. Profiles cross when a
    difference against the order is below zero at 5 % over all pairs of types and domains
    (Bonferroni).
    """
    _check_options(most, starts, boot)
    answers, pattern_of = read_answers(deficits)
    if not answers.n:
        return _nobody(answers)
    rng = np.random.default_rng(seed)
    greatest, notes = _greatest(answers, most)
    seeds = _seeds(rng, starts)
    # Products of many rows are split over threads, and the last bits would depend on how many.
    with threadpool_limits(1):
        models = [
            _best(answers, answers.counts[None, :], k, [seeds], _OF_DATA)[0]
            for k in range(1, greatest + 1)
        ]
        chosen = _least_bic(models, answers.n)
        again = _resampled(answers, models, chosen, boot, rng)
        return _typology(answers, pattern_of, models, chosen, again, notes)


def _typology(
    answers: Answers,
    pattern_of: pd.Series,
    models: list[Model],
    chosen: int,
    again: list[_Again],
    notes: tuple[str, ...],
) -> Typology:
    best = models[chosen].ordered()
    resampled = [one.of_chosen.aligned(best, answers.counts) for one in again]
    several = len(best.shares) > 1
    alike = [agreement(best, one, answers.counts) for one in resampled if several]
    return Typology(
        n_types=len(best.shares),
        n=answers.n,
        n_resamples=len(again),
        domains=answers.domains,
        classes=class_table(answers, best, resampled),
        profiles=profile_table(answers, best, resampled),
        fit=_fit_table(answers, models, [one.picked for one in again]),
        level_bic=_level_bic(answers),
        is_ordered=is_ordered(best, resampled) if several else None,
        agreement=np.array(alike, float),
        members=_members(pattern_of, best),
        notes=notes,
    )


def _nobody(answers: Answers) -> Typology:
    """The answer where there is nobody, or no domain."""
    nothing = Model(np.empty(0), np.empty((0, 0)), np.empty((0, 0)), 0, 0.0, True, 0)
    return Typology(
        n_types=0,
        n=0,
        n_resamples=0,
        domains=answers.domains,
        classes=class_table(answers, nothing, []),
        profiles=profile_table(answers, nothing, []),
        fit=_fit_table(answers, [], []),
        level_bic=np.nan,
        is_ordered=None,
        agreement=np.empty(0),
        members=_members(pd.Series(dtype=int), nothing),
        notes=("Людей с результатами по компетенциям нет: типы не оценивались.",),
    )


def _members(pattern_of: pd.Series, model: Model) -> pd.DataFrame:
    """Modal class of each person and its posterior probability."""
    own = model.posterior[pattern_of.to_numpy()]
    kind = own.argmax(axis=1) + 1 if own.size else np.empty(0, int)
    return pd.DataFrame(
        {"type": kind, "probability": own.max(axis=1, initial=0.0)}, index=pattern_of.index
    )


def _fit_table(answers: Answers, models: list[Model], picked: list[int]) -> pd.DataFrame:
    times = np.bincount(np.array(picked, int), minlength=len(models))
    rows = [
        (
            model.log_likelihood,
            model.parameters,
            model.bic(answers.n),
            model.relative_entropy(answers.counts),
            model.is_converged,
            times[place] / len(picked),
        )
        for place, model in enumerate(models)
    ]
    columns = ["log_likelihood", "parameters", "bic", "entropy", "is_converged", "chosen_share"]
    index = pd.RangeIndex(1, len(models) + 1, name="classes")
    return pd.DataFrame(rows, index, columns)


def _level_bic(answers: Answers) -> float:
    """BIC of the two-parameter logistic model; missing where the domains have no common level.

    That is where it cannot be fitted, or where a domain goes against the others.
    """
    domains = np.flatnonzero(answers.varies)
    responses = np.repeat(answers.patterns[:, domains], answers.counts, axis=0)
    try:
        level = calibrate(pd.DataFrame(responses, columns=domains), "2pl")
    except ValueError:  # too few domains or persons, a discrimination that runs to infinity
        return np.nan
    if not level.converged or (level.items["a"] <= 0).any():
        return np.nan
    return 2 * len(domains) * np.log(answers.n) - 2 * level.log_likelihood


# --- data ---------------------------------------------------------------------------------------


def _check_options(most: int, starts: int, boot: int) -> None:
    if most < 1 or starts < 1:
        raise ValueError(f"most and starts must be at least 1, got {most} and {starts}")
    if boot < LEAST_RESAMPLES:
        raise ValueError(f"boot must be at least {LEAST_RESAMPLES}, got {boot}")


def _greatest(answers: Answers, most: int) -> tuple[int, tuple[str, ...]]:
    """Greatest number of classes to try, and sentences on what limits it."""
    d = int(answers.varies.sum())
    notes = []
    if same := len(answers.domains) - d:
        notes.append(f"Компетенций, где результат у всех один: {same}; типов они не различают.")
    by_domains = next(k for k in range(most, 0, -1) if k == 1 or d >= 2 * (k - 1).bit_length() + 1)
    if by_domains < most:
        notes.append(
            f"Компетенций с разными результатами — {d}: больше типов, чем {by_domains}, по ним не "
            "различить."
        )
    need = [PERSONS_PER_PARAMETER * n_parameters(k, d) for k in range(1, by_domains + 1)]
    by_persons = max(1, sum(answers.complete >= persons for persons in need))
    if by_persons < by_domains:
        notes.append(
            f"Больше типов, чем {by_persons}, не рассматривалось: нужны результаты по всем "
            f"компетенциям у {need[by_persons]} чел., а они есть у {answers.complete}."
        )
    return by_persons, tuple(notes)


# --- estimation ---------------------------------------------------------------------------------


def _seeds(rng: np.random.Generator, size: int) -> list[int]:
    return [int(value) for value in rng.integers(2**31 - 1, size=size)]


def _runs(
    answers: Answers, samples: np.ndarray, k: int, seeds: list[int], care: _Care, steps: int
) -> list[Model]:
    """A run of EM on each sample (counts of the rows of `answers`), from its random start."""
    varies = answers.varies
    if not varies.any():
        return [_certain(answers, seed) for seed in seeds]
    found = estimated(answers.patterns[:, varies], samples, k, seeds, steps=steps, gain=care.gain)
    chances = np.tile(np.nanmax(answers.patterns, axis=0), (len(seeds), k, 1))
    chances[:, :, varies] = found.chances
    return [
        Model(
            shares=found.shares[run],
            chances=chances[run],
            posterior=found.posterior[run],
            parameters=n_parameters(k, int(varies.sum())),
            log_likelihood=float(found.log_likelihood[run]),
            is_converged=bool(found.is_converged[run]),
            seed=seed,
        )
        for run, seed in enumerate(seeds)
    ]


def _certain(answers: Answers, seed: int) -> Model:
    """The model of persons who all have the same result in each domain."""
    chances = np.nanmax(answers.patterns, axis=0)[None, :]
    return Model(np.ones(1), chances, np.ones((len(answers.counts), 1)), 0, 0.0, True, seed)


def _best(
    answers: Answers, samples: np.ndarray, k: int, seeds: list[list[int]], care: _Care
) -> list[Model]:
    """The likeliest of several starts of each sample: short runs of all, long runs of the best."""
    if k == 1:
        first = [own[0] for own in seeds]
        return _runs(answers, samples, k, first, care, care.steps)
    sample_of = np.repeat(np.arange(len(samples)), [len(own) for own in seeds])
    every = [seed for own in seeds for seed in own]
    short = _runs(answers, samples[sample_of], k, every, care, _SHORT)
    finalists = []
    for sample in range(len(samples)):
        # Starts that came to one maximum differ by rounding: the first of them stands for all.
        own = sorted(
            np.flatnonzero(sample_of == sample),
            key=lambda run: -round(short[run].log_likelihood, 4),
        )
        finalists.append(own[: care.finalists])
    unfinished = [run for own in finalists for run in own if not short[run].is_converged]
    if unfinished:
        begun = [short[run].seed for run in unfinished]
        long = _runs(answers, samples[sample_of[unfinished]], k, begun, care, care.steps)
        for run, model in zip(unfinished, long, strict=True):
            short[run] = model
    return [
        max((short[run] for run in own), key=lambda model: round(model.log_likelihood, 6))
        for own in finalists
    ]


def _least_bic(models: list[Model], n: int) -> int:
    """Place of the model with the least BIC, the smaller of equal ones."""
    return int(np.argmin([round(model.bic(n), 6) for model in models]))


@dataclass(frozen=True)
class _Again:
    """What a resample gives: which number of classes, and the model of the chosen number."""

    picked: int
    of_chosen: Model


def _resampled(
    answers: Answers, models: list[Model], chosen: int, boot: int, rng: np.random.Generator
) -> list[_Again]:
    """Draw as many persons anew, time and again, and estimate up to where more do not help."""
    drawn = [
        (rng.multinomial(answers.n, answers.counts / answers.n), _seeds(rng, _FRESH))
        for _ in range(boot)
    ]
    found: list[list[Model]] = [[] for _ in drawn]
    active = list(range(boot))
    for place, model in enumerate(models):
        # Rows of which nobody was drawn stay, so that a seed starts where it did on the data.
        samples = np.array([drawn[sample][0] for sample in active])
        seeds = [[model.seed, *drawn[sample][1]] for sample in active]
        fitted = _best(answers, samples, place + 1, seeds, _OF_RESAMPLE)
        for sample, one in zip(active, fitted, strict=True):
            found[sample].append(one)
        if place > chosen:
            active = [sample for sample in active if _least_bic(found[sample], answers.n) == place]
        if not active:
            break
    return [_Again(_least_bic(one, answers.n), one[chosen]) for one in found]
