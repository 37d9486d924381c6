"""What changed between the entry and the exit diagnostics; of causes nothing is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.sentences import (
    Sentence,
    about_domain,
    capital,
    grounds,
    measured_domain,
    noted,
    row_of,
    share,
    stopped,
)
from nmc_utils.measures.progress import EXPECTED_SHARES
from nmc_utils.regions import Region
from nmc_utils.wording import NO_BREAK_SPACE

_PP = f"{NO_BREAK_SPACE}п.п."
#: What the reliability of one form leaves out of what is expected of a retest.
NO_DAY = "погрешность дня не учтена"


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
        f"тестировании ожидалось {expected}{_PP}{_why_expected(rows['expected_change'])}"
    )
    return Sentence(stopped(text + noted(net)))


def _why_expected(row: Mapping[str, Any]) -> str:
    """Say which way a retest alone moves those who came, where it is known to move them."""
    if row["ci_low"] <= 0 <= row["ci_high"]:
        return ""
    if row["estimate"] < 0:
        return " (пришли те, кто на входе показал в среднем выше; при повторе это отчасти уходит)"
    return " (пришли те, кто на входе показал в среднем ниже; при повторе это отчасти уходит)"


def reliable_change(
    progress: pd.DataFrame, region: Region, *, domain: str | None = None
) -> Sentence:
    """Say how many rose and fell beyond the error of measurement, and how many would by chance.

    By chance at least so many where the region has no correlation of a retest: the reliability of
    a form leaves out what another day brings.

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
    expected = f"по {chance}"
    if region.diagnostics.retest_of(domain) is None:
        expected = f"не меньше {chance} каждого: {NO_DAY}"
    return Sentence(
        f"{capital(f'{about}{told[0]}')}, {told[1]}, {wording.size(rise['n'])}; "
        f"если бы ничего не изменилось, ожидалось бы {expected}."
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
    told = f"На выходную диагностику не пришли {share(row)} прошедших входную{grounds(row)}"
    by_level = [
        f"{share(part)} {words}{grounds(part)}"
        for name, words in _AT_ENTRY.items()
        if (part := row_of(progress, domain=domain, measure=name))["status"] == "ok"
    ]
    away = row_of(progress, domain=domain, measure="attrition_difference")
    parts = [told + (f": {' и '.join(by_level)}" if by_level else "")]
    if away["status"] == "ok":
        side = "выше" if away["estimate"] > 0 else "ниже"
        bounds = wording.points_interval(away["ci_low"], away["ci_high"])
        gap = wording.number(100 * abs(away["estimate"]), 1)
        parts.append(f"результат пришедших на входе {side} в среднем на {gap}{_PP} ({bounds})")
    return Sentence(stopped(f"{'; '.join(parts)}. Изменение относится только к пришедшим"))


_AT_ENTRY = {
    "attrition_low_share": "из не превысивших порог на входе",
    "attrition_high_share": "из превысивших",
}


def moved(
    migration: pd.DataFrame,
    region: Region,
    *,
    level: str | None = None,
    domain: str | None = None,
) -> Sentence:
    """Say how many crossed a cut each way, and how many would on a retest alone.

    At least so many where the region has no correlation of a retest.

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
    has_day = region.diagnostics.retest_of(domain) is not None
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
        expected = share(chance) if has_day else f"не меньше {share(chance)}"
        parts.append(f"{told}, при одном повторном тестировании ожидалось {expected}")
    if not parts:
        return Sentence(
            "Переходы через порог: нет сопоставимых результатов входной и выходной диагностики."
        )
    left_out = "" if has_day else f" ({NO_DAY})"
    return Sentence(f"{capital(about_domain(region, domain) + '; '.join(parts))}{left_out}.")
