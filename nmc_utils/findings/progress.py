"""What changed between the entry and the exit diagnostics; of causes nothing is said."""

from __future__ import annotations

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.sentences import (
    Sentence,
    about_domain,
    capital,
    grounds,
    measured_domain,
    row_of,
    share,
    stopped,
)
from nmc_utils.measures.progress import EXPECTED_SHARES
from nmc_utils.regions import Region
from nmc_utils.wording import NO_BREAK_SPACE

_PP = f"{NO_BREAK_SPACE}п.п."


def net_change(progress: pd.DataFrame, region: Region, *, domain: str | None = None) -> Sentence:
    """Say the observed change, that expected of a retest alone, and what is beyond it.

    Parameters
    ----------
    progress
        Measure table of `entry_exit.change_measures`, of one procedure.
    """
    domain = measured_domain(region, domain)
    rows = {
        name: row_of(progress, domain=domain, measure=name)
        for name in ("observed_change", "expected_change", "net_change")
    }
    net, about = rows["net_change"], about_domain(region, domain)
    if net["status"] != "ok":
        begun = f"{about}изменение между входной и выходной диагностикой"
        return Sentence(stopped(f"{capital(begun)}: {wording.with_note(net)}"))
    observed, expected = (
        wording.signed(rows[name]["estimate"]) for name in ("observed_change", "expected_change")
    )
    holds = "; интервал включает нуль" if net["ci_low"] <= 0 <= net["ci_high"] else ""
    begun = f"{about}изменение сверх ожидаемого при повторном тестировании"
    bounds = wording.points_interval(net["ci_low"], net["ci_high"])
    text = (
        f"{capital(begun)} — {wording.signed(net['estimate'])}{_PP} ({bounds}, "
        f"{wording.size(net['n'])}){holds}: наблюдалось {observed}, при одном повторном "
        f"тестировании ожидалось {expected}{_PP}"
    )
    note = f"; {net['note']}" if isinstance(net["note"], str) else ""
    return Sentence(stopped(text + note))


def reliable_change(
    progress: pd.DataFrame, region: Region, *, domain: str | None = None
) -> Sentence:
    """Say how many rose and fell beyond the error of measurement, and how many would by chance.

    Parameters
    ----------
    progress
        Measure table of `entry_exit.change_measures`, of one procedure.
    """
    domain = measured_domain(region, domain)
    rise = row_of(progress, domain=domain, measure="reliable_rise_share")
    fall = row_of(progress, domain=domain, measure="reliable_fall_share")
    about = about_domain(region, domain)
    if rise["status"] != "ok":
        begun = capital(f"{about}надёжный рост и снижение")
        return Sentence(stopped(f"{begun}: {wording.with_note(rise)}"))
    told = [
        f"{words} — у {wording.percent(row['estimate'], 1)} "
        f"({wording.percent_interval(row['ci_low'], row['ci_high'], 1)})"
        for words, row in (("надёжный рост", rise), ("надёжное снижение", fall))
    ]
    chance = wording.percent(EXPECTED_SHARES["up"], 1)
    return Sentence(
        f"{capital(f'{about}{told[0]}')}, {told[1]}, {wording.size(rise['n'])}; "
        f"если бы ничего не изменилось, ожидалось бы по {chance}."
    )


def attrition(progress: pd.DataFrame, region: Region, *, domain: str | None = None) -> Sentence:
    """Say how many of those tested at entry did not come to the exit.

    Parameters
    ----------
    progress
        Measure table of `entry_exit.change_measures`, of one procedure.
    """
    domain = measured_domain(region, domain)
    row = row_of(progress, domain=domain, measure="attrition_share")
    if row["status"] != "ok":
        return Sentence(
            stopped(f"Сколько человек не пришли на выходную диагностику: {wording.with_note(row)}")
        )
    return Sentence(
        f"На выходную диагностику не пришли {share(row)} прошедших входную{grounds(row)}: "
        "изменение относится только к пришедшим."
    )


def moved(
    migration: pd.DataFrame,
    region: Region,
    *,
    level: str | None = None,
    domain: str | None = None,
) -> Sentence:
    """Say how many crossed a cut each way, and how many would on a retest alone.

    Parameters
    ----------
    migration
        Measure table of `entry_exit.migration`, of one procedure.
    level
        Code of the level whose upper bound the cut is, the lowest by default.
    """
    domain = measured_domain(region, domain)
    level = level or region.diagnostics.lowest.code
    cut = wording.percent(region.diagnostics.cuts[level])
    keys = {"domain": domain, "level": level}
    parts = []
    for origin, target, words in (
        ("at_or_below", "above", f"выше порога {cut} перешли {{}} из не превысивших его на входе"),
        ("above", "at_or_below", "не выше порога оказались {} из превысивших его на входе"),
    ):
        way = {"from_level": origin, "to_level": target}
        seen = row_of(migration, measure="migration_share", **keys, **way)
        if seen["status"] != "ok":
            continue
        chance = row_of(migration, measure="migration_expected_share", **keys, **way)
        told = words.format(share(seen)) + grounds(seen)
        parts.append(f"{told}, при одном повторном тестировании ожидалось {share(chance)}")
    if not parts:
        return Sentence(
            "Переходы через порог: нет сопоставимых результатов входной и выходной диагностики."
        )
    return Sentence(f"{capital(about_domain(region, domain) + '; '.join(parts))}.")
