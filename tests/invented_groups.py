"""A plan of seminar groups made up by hand: two families, three groups, two leaders, two rounds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from conftest import copy_definitions

from nmc_utils.editions import Edition, edition

FIRST, SECOND = "1ead0000000000000001", "1ead0000000000000002"
CHANCE = 0.8765  # must stand on no paper
DOMAINS = ("subject", "methodical", "psychological", "upbringing", "ict")
#: Person → family, municipality, deficits.
PEOPLE = {
    "a1": ("mathematics", "abakan", ("subject", "ict")),
    "a2": ("mathematics", "abaza", ("subject", "methodical")),
    "a3": ("mathematics", None, ()),
    "b1": ("mathematics", "abakan", ("methodical",)),
    "b2": ("mathematics", "abakan", ("methodical", "upbringing")),
    "c1": ("russian", "sorsk", ("subject", "ict")),
    "c2": ("russian", "abakan", ("subject",)),
    "d1": ("russian", "abakan", ()),
}
#: Round, group → family, municipality, topics, leader, members.
GROUPS = {
    (1, "mathematics-01"): ("mathematics", "abakan", ("subject", "ict"), FIRST, "a1 a2 a3"),
    (1, "mathematics-02"): ("mathematics", "abakan", ("methodical",), FIRST, "b1 b2"),
    (1, "russian-01"): ("russian", None, ("subject",), None, "c1 c2"),
    (2, "mathematics-01"): ("mathematics", "abaza", ("methodical", "subject"), FIRST, "a1 a2"),
}
REASONS = {
    "d1": ("no_deficit", "Дефицитов не выявлено: группа не требуется."),
    "e1": ("not_assessed", "Нет результата по каждой из компетенций формы."),
}
_GROUP_COLUMNS = ["group_id", "family", "zone", "topics", "size", "leader_id"]


def groups_edition(root: Path, origin: str = "demonstration") -> Edition:
    """The edition that the plan is of."""
    copy_definitions(root)
    path = root / "regions" / "khakassia" / "2023" / "edition.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(f"origin: {origin}\nperiod_kind: calendar_year\nas_of: 2023-12-31\n")
    return edition("khakassia", "2023", root)


def group_tables(of: Edition) -> dict[str, pd.DataFrame]:
    """The tables of a run that its papers are written from."""
    groups = pd.DataFrame(
        [
            (number, group, family, zone, list(topics), len(members.split()), leader)
            for (number, group), (family, zone, topics, leader, members) in GROUPS.items()
        ],
        columns=["round", *_GROUP_COLUMNS],
    )
    seated = [
        (number, person, group)
        for (number, group), (*_, members) in GROUPS.items()
        for person in members.split()
    ]
    members = pd.DataFrame(seated, columns=["round", "person_id", "group_id"])
    members = members.assign(reason=None, reason_label=None)
    alone = [(1, person, None, *reason) for person, reason in REASONS.items()]
    alone = pd.DataFrame(alone, columns=members.columns)
    is_first, later = groups["round"] == 1, groups["round"] > 1
    everyone = pd.concat([members[members["round"] == 1], alone])
    found = {
        "seminar_plan": _plan(),
        "seminar_groups": groups[is_first].drop(columns="round"),
        "seminar_members": everyone.drop(columns="round"),
        "seminar_needs": _needs(),
        "seminar_meetings": pd.DataFrame(
            [
                ("mathematics-01", 1, 180.0, "distance"),
                ("mathematics-02", 0, 0.0, "on_site"),
                ("russian-01", 0, float("nan"), None),
            ],
            columns=["group_id", "away", "farthest", "mode"],
        ),
        "seminar_programme": _programme(),
        "seminar_leaders": pd.DataFrame(
            [
                (FIRST, "mathematics", "abakan", 3, [], 2, 5),
                (SECOND, "russian", "sorsk", 1, ["subject"], 0, 0),
            ],
            columns=[
                *("leader_id", "family", "zone", "max_groups", "deficits", "groups", "persons")
            ],
        ),
        "seminar_next_groups": groups[later],
        "seminar_next_members": members[members["round"] == 2],
        "seminar_notes": pd.DataFrame({"sentence": ["Ведущих русского языка не хватает."]}),
        "procedures": pd.DataFrame({"procedure": ["p"], "organiser": ["Диагностика центра"]}),
    }
    return {name: of.keyed(table.reset_index(drop=True)) for name, table in found.items()}


def _plan() -> pd.DataFrame:
    numbers = {
        "plan_groups": 3,
        "plan_led": 2,
        "plan_persons": 7,
        "plan_completing": 1,
        "plan_without_group": 0,
        "plan_no_deficit": 1,
        "plan_not_assessed": 1,
        "plan_coverage": 0.7,
        "plan_precision": 0.6,
        "plan_gap": 0.0,
    }
    table = pd.DataFrame({"measure": list(numbers), "estimate": list(numbers.values())})
    return table.assign(family="total", n=9, status="ok", note=None, procedure="p")


def _needs() -> pd.DataFrame:
    rows = [
        (person, family, zone, domain, int(domain in deficits), CHANCE)
        for person, (family, zone, deficits) in PEOPLE.items()
        for domain in DOMAINS
    ]
    columns = ["person_id", "family", "zone", "domain", "deficit", "chance"]
    return pd.DataFrame(rows, columns=columns)


def _programme() -> pd.DataFrame:
    counts = {
        (1, "russian", "subject"): (1, 2),
        (1, "mathematics", "ict"): (1, 1),
        (1, "mathematics", "subject"): (1, 2),
        (2, "mathematics", "methodical"): (1, 1),
    }
    rows = [
        (*keys, measure, float(count))
        for keys, both in counts.items()
        for measure, count in zip(("programme_groups", "programme_persons"), both, strict=True)
    ]
    return pd.DataFrame(rows, columns=["round", "family", "domain", "measure", "estimate"])
