"""Small tables for tests of seminar groups, written by hand."""

from __future__ import annotations

import pandas as pd


def people(*rows: str, domains: str = "abc") -> pd.DataFrame:
    """Persons p0, p1, … by their deficits: "ac" has deficits in a and c, "" in none."""
    values = [[int(d in row) for d in domains] for row in rows]
    return pd.DataFrame(values, [f"p{i}" for i in range(len(rows))], list(domains))


def leaders_of(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["leader_id", "family", "max_groups", "deficits"])
