"""Change between two waves of one test, beside what a retest alone brings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import log_ndtr, ndtr, ndtri, stdtrit

from nmc_utils.measures.distributions import ROUNDING
from nmc_utils.measures.intervals import share_interval
from nmc_utils.measures.waves import check_options, check_waves, wave_scores

LEVELS = ("at_or_below", "above")
#: Direction of reliable change → share of persons who show it when nothing has changed.
EXPECTED_SHARES = {"up": 0.025, "same": 0.95, "down": 0.025}


@dataclass(frozen=True)
class Estimate:
    """An estimate, its interval and the number of persons it is about."""

    estimate: float
    ci_low: float
    ci_high: float
    n: int


@dataclass(frozen=True)
class Attrition:
    """Who of those tested at entry did not come to the exit.

    `share` of those tested who did not come, 0–1, with its Wilson interval. `by_level`: the same
    by `level` at entry ("at_or_below" the cut, "above"; levels nobody had are absent): `n`
    tested, `n_left`, `share`, `ci_low`, `ci_high`. `mean_stayed`, `mean_left`: entry scores of
    the two groups; `difference`: stayed minus left, with Welch's interval. `mean_left` is None
    when everyone came, `difference` when fewer than two left or neither group has any spread.
    """

    share: Estimate
    by_level: pd.DataFrame
    mean_stayed: float
    mean_left: float | None
    difference: Estimate | None


@dataclass(frozen=True)
class Progress:
    """Change between two waves; see `progress`.

    `observed_change`, `expected_change` and `net_change` are means in score units over those of
    both waves. `reliable`: person → `index`, `direction` ("up", "same", "down"). `migration`:
    `from_level`, `to_level`, `n`, `share` of the level at entry, `ci_low`, `ci_high`,
    `expected_n`, `expected_share`. `attrition`: who did not come to the exit.
    """

    observed_change: Estimate
    expected_change: Estimate
    net_change: Estimate
    reliable: pd.DataFrame
    migration: pd.DataFrame
    attrition: Attrition

    @property
    def reliable_shares(self) -> pd.DataFrame:
        """Shares of persons by direction of reliable change.

        DataFrame indexed by `direction`: `n`, `share`, its 95 % Wilson interval `ci_low`,
        `ci_high`, and `expected_share`, what no change at all would give.
        """
        counts = self.reliable["direction"].value_counts().reindex(list(EXPECTED_SHARES))
        table = _shares(counts.fillna(0).astype(int), len(self.reliable))
        table["expected_share"] = pd.Series(EXPECTED_SHARES)
        return table.rename_axis("direction")


def progress(
    entry: pd.Series,
    exit: pd.Series,
    *,
    reliability: float,
    cut: float,
    level: float = 0.95,
    max_score: float | None = None,
) -> Progress:
    """Change from entry to exit: observed, expected of a retest alone, and the rest.

    A person's score on a retest without any change is expected at Kelley's μ + ρ(X − μ): those
    who came back with low entry scores rise, those with high ones fall. `expected_change` is what
    this brings to those of both waves, `net_change` the observed change minus it. It says that
    the scores changed beyond that; it does not say why.

    Parameters
    ----------
    entry
        Scores of everyone tested at entry, by person: all of them, not those chosen for the
        programme, because μ and the SD are taken from here. A missing score: not tested.
    exit
        Scores at exit on the same or a linked form, in the same units, of some of these persons.
        A missing score: did not come.
    reliability
        ρ of the entry score in this population, in (0, 1): the correlation of two testings
        without change between them where known. Alpha leaves out the error of form and occasion:
        the expected change then comes out too small in size, so that the net change is too small
        where those of both waves lie on average above everyone tested and too large where they
        lie below, and more persons than stated change reliably. Taken as known.
    cut
        Cut score in score units; at or below it is a deficit.
    level
        Coverage of the intervals.
    max_score
        Maximum of a test of right and wrong answers, scores 0…max_score. With it the error of
        the retest is that of such tests, largest in the middle of the scale; without it the same
        everywhere. Changes `reliable` and the expected migration only.

    Returns
    -------
    Progress

    Raises
    ------
    ValueError
        A person stands twice in a wave; persons at exit were not tested at entry; nobody or only
        one person has both waves; entry scores are all equal; scores are not finite numbers;
        the reliability or the level is not in (0, 1); the cut is not a number; scores lie outside
        0…max_score.

    Notes
    -----
    Kelley (1947) for the regressed score, which assumes that the retest is linear in the entry
    score: on tests of 25–80 items where many come near the maximum, the net change of unchanged
    persons at or below the cut comes out up to .02 SD too low.

    Reliable change is the regression-based index (X₂ − Kelley(X₁)) / (SD √(1 − ρ²)), beyond ±1.96
    in 2.5 % of unchanged persons each way, those chosen for a low score included, when scores are
    normal (standard error of prediction: Lord and Novick 1968, ch. 3; Charter 1996). On item
    tests one error for the whole scale flags up to 5 % of the unchanged at or below the cut; with
    `max_score` the squared error is proportional to K(max − K), K being the Kelley score
    (beta-binomial model, Lord and Novick 1968, ch. 23), and flags 2–3 % of them.

    The means are taken over persons as a sample: their t intervals (df = those of both waves − 1)
    count the estimation of μ from everyone tested, by the persons' contributions to the estimate
    (influence function). Where those of both waves show no spread at all, the interval takes the
    error of measurement that ρ implies. Expected migration is Φ((c − Kelley(X₁)) / error), c being
    halfway between the scores that occur on both sides of the cut.
    """
    check_options(reliability, cut, level)
    everyone = wave_scores(entry, "входной диагностики")
    after = wave_scores(exit, "итоговой диагностики")
    check_waves(everyone, after, max_score)
    cut = cut + ROUNDING * max(1.0, abs(cut))
    stayed = everyone.index.isin(after.index)
    before = everyone[stayed]
    after = after.reindex(before.index)
    kelley, error = _retest(everyone, reliability, max_score)
    kelley, error = kelley[stayed], error[stayed]
    stays_low = ndtr((_threshold(np.union1d(everyone, after), cut) - kelley) / error)
    return Progress(
        *_mean_changes(everyone, stayed, after, reliability, level),
        reliable=_reliable((after - kelley) / error),
        migration=_migration(before <= cut, after <= cut, stays_low, level),
        attrition=_attrition(everyone, stayed, cut, level),
    )


def _retest(
    everyone: pd.Series, reliability: float, max_score: float | None
) -> tuple[pd.Series, pd.Series]:
    """Expected score on a retest without change and the standard deviation around it."""
    mean = everyone.mean()
    kelley = mean + reliability * (everyone - mean)
    relative = pd.Series(1.0, everyone.index)
    if max_score is not None:
        relative = kelley * (max_score - kelley)
        relative /= relative.mean()
    return kelley, everyone.std() * np.sqrt((1 - reliability**2) * relative)


def _mean_changes(
    everyone: pd.Series, stayed: np.ndarray, after: pd.Series, reliability: float, level: float
) -> tuple[Estimate, Estimate, Estimate]:
    """Observed, expected and net mean change of those of both waves, in score units.

    Each is a mean over those of both waves plus, but for the observed one, (1 − ρ)·μ̂; a person's
    contribution to the estimate is the sum of the contributions to the two means.
    """
    before, n = everyone[stayed], int(stayed.sum())
    to_mean = (1 - reliability) * (everyone - everyone.mean()).to_numpy() / len(everyone)
    # Two testings of unchanged persons differ by at least this much; the mean of n by √n less.
    error = everyone.std() * np.sqrt(2 * (1 - reliability) / n)

    def estimate(values: pd.Series, weight_of_mean: int, least: float) -> Estimate:
        centre = values.mean()
        contribution = weight_of_mean * to_mean
        contribution[stayed] += (values - centre) / n
        value = centre + weight_of_mean * (1 - reliability) * everyone.mean()
        std_error = np.sqrt((contribution**2).sum() * n / (n - 1))
        if std_error < ROUNDING * everyone.std():
            std_error = least
        half = stdtrit(n - 1, 0.5 + level / 2) * std_error
        return Estimate(float(value), float(value - half), float(value + half), n)

    return (
        estimate(after - before, 0, error),
        estimate(-(1 - reliability) * before, 1, 0.0),
        estimate(after - reliability * before, -1, error),
    )


def _threshold(scores: np.ndarray, cut: float) -> float:
    """Continuity correction: halfway between the scores that occur on both sides of the cut."""
    low, high = scores[scores <= cut], scores[scores > cut]
    return (low.max() + high.min()) / 2 if low.size and high.size else cut


def _reliable(index: pd.Series) -> pd.DataFrame:
    critical = ndtri(1 - EXPECTED_SHARES["up"])
    direction = np.select([index > critical, index < -critical], ["up", "down"], "same")
    return pd.DataFrame({"index": index, "direction": direction})


def _migration(
    was_low: pd.Series, is_low: pd.Series, stays_low: pd.Series, level: float
) -> pd.DataFrame:
    """Entry level × exit level: persons observed, and expected of a retest alone."""
    from_low, to_low, chance = (part.to_numpy() for part in (was_low, is_low, stays_low))
    rows = [
        (origin, target, (here & there).sum(), here.sum(), expected[here].sum())
        for origin, here in zip(LEVELS, (from_low, ~from_low), strict=True)
        for target, there, expected in zip(
            LEVELS, (to_low, ~to_low), (chance, 1 - chance), strict=True
        )
        if here.any()
    ]
    names = ["from_level", "to_level", "n", "n_from", "expected_n"]
    table = pd.DataFrame(rows, columns=names)
    shares = _shares(table.pop("n"), n_from := table.pop("n_from"), level)
    table = table[names[:2]].join(shares).assign(expected_n=table["expected_n"])
    return table.assign(expected_share=table["expected_n"] / n_from)


def _attrition(everyone: pd.Series, stayed: np.ndarray, cut: float, level: float) -> Attrition:
    """Share of those tested who did not come, and how their entry scores differ."""
    is_low = (everyone <= cut).to_numpy()
    rows = [
        (name, here.sum(), (here & ~stayed).sum())
        for name, here in zip(LEVELS, (is_low, ~is_low), strict=True)
        if here.any()
    ]
    tested = pd.DataFrame(rows, columns=["level", "n", "n_left"]).set_index("level")
    shares = _shares(tested["n_left"], tested["n"], level).drop(columns="n")
    n, n_left = len(stayed), int((~stayed).sum())
    low, high = share_interval(n_left, n, level)
    return Attrition(
        share=Estimate(n_left / n, float(low), float(high), n),
        by_level=tested.join(shares),
        mean_stayed=float(everyone[stayed].mean()),
        mean_left=float(everyone[~stayed].mean()) if n_left else None,
        difference=_welch(everyone[stayed], everyone[~stayed], level),
    )


def _welch(stayed: pd.Series, left: pd.Series, level: float) -> Estimate | None:
    """Difference of two means, stayed minus left, with Welch's interval."""
    if len(left) < 2:
        return None
    parts = np.array([stayed.var() / len(stayed), left.var() / len(left)])
    if not parts.any():
        return None
    df = parts.sum() ** 2 / (parts**2 / [len(stayed) - 1, len(left) - 1]).sum()
    half = stdtrit(df, 0.5 + level / 2) * np.sqrt(parts.sum())
    difference = stayed.mean() - left.mean()
    return Estimate(
        float(difference),
        float(difference - half),
        float(difference + half),
        len(stayed) + len(left),
    )


def _shares(counts: pd.Series, n: int | pd.Series, level: float = 0.95) -> pd.DataFrame:
    low, high = share_interval(counts, n, level)
    columns = {"n": counts, "share": counts / n, "ci_low": low, "ci_high": high}
    return pd.DataFrame(columns, index=counts.index)


def ancova(
    entry: pd.Series, exit: pd.Series, treated: pd.Series, *, level: float = 0.95
) -> Estimate:
    """Difference of exit scores between a group and its comparison group at equal entry scores.

    The coefficient of the group in X₂ = b₀ + b·group + b₁·X₁ + e, by least squares, over those
    with both scores, with its t interval.

    Parameters
    ----------
    entry, exit
        Scores by person, in the same units.
    treated
        Whether the person took part, by person: true or false (1 or 0) for everyone who has both
        scores.
    level
        Coverage of the interval.

    Returns
    -------
    Estimate
        In score units; `n` counts persons of both groups.

    Raises
    ------
    ValueError
        As `progress` for the scores; somebody with both scores is in neither group; a group is
        empty or there are fewer than four persons; entry scores do not differ within the groups;
        the model leaves no residual, so that there is no interval.

    Notes
    -----
    Assumes the same slope in both groups. The entry score has error, so where the groups differ
    at entry part of that difference remains (Lord 1960): with groups unlike at entry the
    estimate is not to be used.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    before, after = (
        wave_scores(entry, "входной диагностики"),
        wave_scores(exit, "итоговой диагностики"),
    )
    before = before[before.index.isin(after.index)]
    after = after.reindex(before.index)
    group = wave_scores(treated, "сведений об участии").reindex(before.index)
    _check_groups(before, group)
    design = np.column_stack([np.ones(len(before)), group, before - before.mean()])
    coefficients, residual, rank, _ = np.linalg.lstsq(design, after.to_numpy(), rcond=None)
    if rank < 3:
        raise ValueError("Внутри групп результаты входной диагностики не различаются")
    df = len(after) - 3
    variance = residual[0] / df
    if variance <= 1e-20 * after.pow(2).mean():
        raise ValueError(
            "Итоговые результаты полностью описываются входными и группой: интервал не определён"
        )
    half = stdtrit(df, 0.5 + level / 2) * np.sqrt(variance * np.linalg.inv(design.T @ design)[1, 1])
    value = coefficients[1]
    return Estimate(float(value), float(value - half), float(value + half), len(after))


def _check_groups(before: pd.Series, group: pd.Series) -> None:
    if unknown := int((~group.isin([0, 1])).sum()):
        raise ValueError(
            f"Участие не указано у {unknown} из {len(before)} человек с обоими результатами"
        )
    inside = int(group.sum())
    if len(before) < 4 or inside in (0, len(before)):
        raise ValueError(
            f"Для сравнения групп мало людей с обоими результатами: участвовали {inside}, "
            f"в группе сравнения {len(before) - inside}"
        )


def selection_regression(mean: float, std: float, reliability: float, cut: float) -> float:
    """Rise on a retest, without any change, expected of those at or below the cut.

    Parameters
    ----------
    mean, std
        Of the scores of everyone tested, in score units; normal distribution.
    reliability
        In (0, 1).
    cut
        Cut score in score units.

    Returns
    -------
    (1 − ρ)·SD·φ(z) / Φ(z), z = (cut − mean) / SD, in score units.

    Raises
    ------
    ValueError
        The SD is not positive, the reliability is not in (0, 1), or the cut is not a number.

    Notes
    -----
    The mean of a truncated normal distribution regressed by Kelley's formula.
    """
    check_options(reliability, cut, 0.95)
    if not 0 < std < np.inf:
        raise ValueError(f"Стандартное отклонение должно быть больше нуля, а дано {std}")
    z = (cut - mean) / std
    # On the log scale, as far below the mean φ and Φ are both too small for a number.
    mills = np.exp(-(z**2) / 2 - np.log(2 * np.pi) / 2 - log_ndtr(z))
    return float((1 - reliability) * std * mills)
