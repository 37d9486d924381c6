"""Tables of invented persons for disclosure control: every kind of hierarchy, by seed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

#: Municipality → district → half of the region: three levels in one column.
TERRITORIES = {f"m{i}": f"d{i // 2}" for i in range(6)} | {f"d{i}": f"z{i // 2}" for i in range(3)}


def persons(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Draw persons; places and families are of very different size."""
    municipality = rng.choice(6, n, p=_uneven(rng, 6))
    family = rng.choice(4, n, p=_uneven(rng, 4))
    level = rng.choice(3, n, p=_uneven(rng, 3))
    return pd.DataFrame(
        {
            "municipality": [f"m{i}" for i in municipality],
            "school": [
                f"m{i}s{k}" for i, k in zip(municipality, rng.integers(3, size=n), strict=True)
            ],
            "family": [f"f{i}" for i in family],
            "level": [f"l{i}" for i in level],
            "score": rng.integers(0, 41, n) / 40,
        }
    )


def _uneven(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.dirichlet(np.full(n, 1.5))


def counted(people: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Count persons by keys with all totals; places where nobody is are left out."""
    parts = []
    for size in range(len(keys) + 1):
        for over in combinations(keys, size):
            part = people.assign(**dict.fromkeys(over, "total"))
            parts.append(part.groupby(list(keys)).size().rename("n").reset_index())
    return pd.concat(parts, ignore_index=True)


def level_shares(people: pd.DataFrame) -> pd.DataFrame:
    """Shares of levels and mean scores of municipalities and families, as measures are."""
    parts = []
    for key, other in (("municipality", "family"), ("family", "municipality"), (None, None)):
        part = people.assign(**({other: "total"} if key else
                                {"municipality": "total", "family": "total"}))  # fmt: skip
        by = ["municipality", "family"]
        n = part.groupby(by).size().rename("n")
        count = part.groupby([*by, "level"]).size().unstack(fill_value=0).stack().rename("count")
        shares = count.reset_index().merge(n.reset_index())
        parts.append(shares.assign(measure="level_share", estimate=shares["count"] / shares["n"]))
        mean = part.groupby(by)["score"].mean().rename("estimate").reset_index()
        mean = mean.merge(n.reset_index()).assign(measure="score_mean", level="total")
        parts.append(mean)
    table = pd.concat(parts, ignore_index=True).drop(columns="count")
    return table.assign(domain="subject", status="ok")


def drawn(seed: int) -> tuple[dict[str, pd.DataFrame], dict]:
    """Return tables and options of `protect`."""
    rng = np.random.default_rng(seed)
    people = persons(rng, int(rng.integers(150, 900)))
    place, family = ["municipality", "family"], ["municipality", "level"]
    if seed % 6 == 0:
        return {"places": counted(people, place)}, {}
    if seed % 6 == 1:
        return {"all": counted(people, [*place, "level"])}, {}
    if seed % 6 == 2:
        nested = counted(people, ["municipality", "school"])
        lone = nested["municipality"].eq("total") & nested["school"].ne("total")
        return {"schools": nested[~lone].reset_index(drop=True)}, {}
    if seed % 6 == 3:
        return {"territories": _by_territory(people)}, {"hierarchies": {"territory": TERRITORIES}}
    if seed % 6 == 4:
        return {"families": counted(people, place), "levels": counted(people, family)}, {}
    shares = level_shares(people)
    is_mean = shares["measure"].eq("score_mean")
    means = shares[is_mean].drop(columns="level").reset_index(drop=True)
    return {"means": means, "shares": shares[~is_mean].reset_index(drop=True)}, {}


def _by_territory(people: pd.DataFrame) -> pd.DataFrame:
    parts, code = [], people["municipality"]
    for _ in range(3):
        parts.append(people.assign(territory=code))
        code = code.map(TERRITORIES)
    every = counted(pd.concat(parts), ["territory", "family"])
    own = counted(people.assign(territory="total"), ["territory", "family"])
    apart = every[every["territory"].ne("total")]
    return pd.concat([apart, own.drop_duplicates(["territory", "family"])], ignore_index=True)
