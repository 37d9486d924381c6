"""Tables of a planner's answers, made by hand: shared by the tests of figures and of findings."""

from __future__ import annotations

import pandas as pd
from test_figures import measure_rows


def counted(*rows: tuple, keys: list[str]) -> pd.DataFrame:
    """Rows of (keys…, measure, estimate, n) as a measure table; no estimate means no data."""
    table = pd.DataFrame(rows, columns=[*keys, "measure", "estimate", "n"])
    known = measure_rows("", table.to_dict("records")).astype({"estimate": float})
    missing = known["estimate"].isna()
    note = pd.Series(None, known.index, object).mask(missing, "результатов не выше порога нет")
    return known.assign(status=known["status"].mask(missing, "no_data"), note=note)


def left(family: str, domain: str, n: int, in_group: int, alone: int) -> list[tuple]:
    return [
        (family, domain, "uncovered_in_group", in_group, n),
        (family, domain, "uncovered_alone", alone, n),
    ]


#: 30 of 100 and 10 of 60 are left; mathematics has nobody with a low result in ICT.
UNCOVERED = counted(
    *left("total", "subject", 100, 25, 5),
    *left("total", "ict", 60, 10, 0),
    *left("primary", "subject", 70, 20, 0),
    *left("primary", "ict", 60, 10, 0),
    *left("mathematics", "subject", 30, 5, 5),
    keys=["family", "domain"],
)
ALL_COVERED = counted(*left("total", "subject", 100, 0, 0), keys=["family", "domain"])


def after(number: int, family: str, groups: int, share: float | None, n: int) -> list[tuple]:
    return [
        (number, family, "round_groups", groups, n),
        (number, family, "year_coverage", share, n),
    ]


#: Half in the first round, 80 % by the end of the year; practical is a joint family.
YEAR = counted(
    *after(1, "total", 6, 0.5, 120),
    *after(1, "primary", 4, 0.55, 80),
    *after(1, "practical", 2, 0.4, 30),
    *after(1, "management", 0, None, 10),
    *after(2, "total", 3, 0.8, 120),
    *after(2, "primary", 3, 1.0, 80),
    *after(2, "practical", 0, 0.4, 30),
    *after(2, "management", 0, None, 10),
    keys=["round", "family"],
)
NO_YEAR = counted(*after(1, "total", 0, None, 40), keys=["round", "family"])


def taught(number: int, family: str, domain: str, groups: int, needed: int, n: int) -> list[tuple]:
    return [
        (number, family, domain, "programme_groups", groups, n),
        (number, family, domain, "programme_persons", needed, n),
    ]


PROGRAMME = counted(
    *taught(1, "primary", "subject", 3, 40, 45),
    *taught(1, "primary", "ict", 1, 10, 12),
    *taught(1, "practical", "ict", 3, 35, 39),
    *taught(2, "primary", "subject", 1, 12, 12),
    keys=["round", "family", "domain"],
)
#: Mathematics has no reserve; nobody leads in management.
LEADERS = pd.DataFrame(
    {
        "leader_id": ["a", "b", "c", "d"],
        "family": ["primary", "primary", "mathematics", "management"],
        "max_groups": [2, 3, 1, 2],
        "groups": [2, 1, 1, 0],
        "persons": [30, 12, 15, 0],
    }
)


def more(family: str, covered: int, persons: int, utility: float) -> list[tuple]:
    return [
        (family, "leader_covered", covered, 50),
        (family, "leader_persons", persons, 50),
        (family, "leader_utility", utility, 50),
    ]


ONE_MORE = counted(
    *more("primary", 0, 0, 0.0),
    *more("mathematics", 14, 12, 9.5),
    *more("arts", 3, -1, 2.0),
    keys=["family"],
)
ENOUGH = counted(*more("primary", 0, 0, 0.0), *more("arts", 0, 0, 1e-9), keys=["family"])


def planned(size: tuple[int, int], groups: int, coverage: float | None, gap: float) -> list[tuple]:
    return [
        (*size, "plan_groups", groups, 300),
        (*size, "plan_persons", 10 * groups, 300),
        (*size, "plan_coverage", coverage, 300),
        (*size, "plan_precision", 0.9, 300),
        (*size, "plan_gap", gap, 300),
    ]


SIZES = counted(
    *planned((8, 15), 30, 0.84, 0.0),
    *planned((10, 20), 24, 0.825, 0.0012),
    *planned((12, 25), 20, 0.8, 0.0),
    *planned((15, 30), 16, 0.77, 0.0),
    keys=["least", "greatest"],
)


def basis(code: str, coverage: float, expected: float) -> list[tuple]:
    return [
        (code, "plan_groups", 20, 300),
        (code, "plan_persons", 260, 300),
        (code, "plan_coverage", coverage, 300),
        (code, "plan_expected_coverage", expected, 300),
    ]


VARIANTS = counted(*basis("result", 0.8, 0.66), *basis("chance", 0.77, 0.71), keys=["basis"])
GROUPS = pd.DataFrame(
    {
        "group_id": ["practical-01", "primary-01", "primary-02"],
        "family": ["practical", "primary", "primary"],
        "zone": ["abaza", "abakan", "abakan"],
        "topics": [["ict"], ["subject", "ict"], ["subject"]],
        "size": [12, 18, 20],
        "leader_id": [None, "a", "b"],
    }
)
MEETINGS = pd.DataFrame(
    {
        "group_id": GROUPS["group_id"],
        "away": [10, 5, 0],
        "farthest": [180.4, 40.0, 0.0],
        "mode": ["distance", "on_site", "on_site"],
    }
)
