"""Random requests for seminar groups: tiny ones that can be searched, and cohorts."""

from __future__ import annotations

import numpy as np
import pandas as pd

import nmc_utils as nmc

PAIR = ["person_id", "group_id", "pinned"]


def tiny(seed: int) -> dict:
    """3–7 persons of one family, 3 domains, groups of 2–3; leaders, a last plan, pins and bans.

    Chances and costs lie on steps of which `seminar_search.PART` holds a whole number.
    """
    rng = np.random.default_rng([seed, 1])
    domains, n = list("abc"), int(rng.integers(3, 8))
    persons = pd.Index([f"p{i}" for i in rng.permutation(n)], name="person_id")
    values = np.round(rng.beta(0.7, 0.7, (n, 3)) * 20) / 20
    if seed % 3:
        values = (values < 0.5).astype(int)
    request = {
        "deficits": pd.DataFrame(values, persons, domains),
        "size": (2, 3),
        "topics": int(rng.integers(1, 3)),
        "unneeded_cost": float(rng.choice([0.0, 0.3, 0.5, 1.0, 2.0])),
    }
    if seed % 2:
        rows = [(f"l{i}", int(rng.integers(0, 3)), own) for i, own in enumerate(_own(domains, rng))]
        request["leaders"] = pd.DataFrame(rows, columns=["leader_id", "max_groups", "deficits"])
    if seed % 5 == 4:
        request["barred"] = {"all": ["b"]}
    if seed % 4 >= 2:
        before = request["deficits"].rename({"p0": "gone"})
        before = pd.DataFrame(rng.permutation(before.to_numpy()), before.index, domains)
        barred = {"barred": request["barred"]} if "barred" in request else {}
        topics = request["topics"]
        last = nmc.seminar_groups(before, size=(2, 3), topics=topics, **barred)
        request["previous"] = last
        pairs = _drawn_pairs(persons, last.groups["group_id"].tolist(), rng)
        if len(pairs):
            request["fixed"] = pairs
    return request


def _own(domains: list, rng: np.random.Generator) -> list[tuple]:
    """Own deficits of one to three leaders."""
    return [tuple(d for d in domains if rng.random() < 0.3) for _ in range(rng.integers(1, 4))]


def _drawn_pairs(persons: pd.Index, groups: list, rng: np.random.Generator) -> pd.DataFrame:
    """Up to three pairs of different persons, at most two of them pinned."""
    n = int(rng.integers(0, 4)) if groups else 0
    pinned = rng.permutation([True, False, rng.random() < 0.5])[:n]
    people = rng.choice(persons, n, replace=False)
    chosen = rng.choice(groups, n) if n else []
    return pd.DataFrame({"person_id": people, "group_id": chosen, "pinned": pinned})[PAIR]


def cohort(seed: int, *, most: int = 400) -> dict:
    """30–400 persons in 1–4 families, 3–8 domains, 0/1 or probabilities; leaders, zones, bars."""
    rng = np.random.default_rng([seed, 2])
    n, n_domains = int(np.exp(rng.uniform(np.log(30), np.log(most)))), int(rng.integers(3, 9))
    families, domains = [f"f{i}" for i in range(rng.integers(1, 5))], list("abcdefgh")[:n_domains]
    persons = pd.Index([f"p{i:03d}" for i in rng.permutation(n)], name="person_id")
    level = 0.7 * rng.standard_normal((n, 1)) + 0.7 * rng.standard_normal((n, n_domains))
    level += rng.uniform(0, 1, n_domains)
    values = np.round(1 / (1 + np.exp(3 * level)), 3) if seed % 2 else (level < 0).astype(int)
    least = int(rng.integers(2, 13))
    request = {
        "deficits": pd.DataFrame(values, persons, domains),
        "family": pd.Series(rng.choice(families, n), persons),
        "size": (least, least + int(rng.integers(0, 14))),
        "topics": int(rng.integers(1, 4)),
        "unneeded_cost": float(rng.choice([0.2, 0.5, 1.0])),
    }
    zones = ["восток", "запад", "север"]
    if seed % 3:
        rows = [
            (f"l{i:02d}", rng.choice(families), int(rng.integers(0, 4)), own, rng.choice(zones))
            for i, own in enumerate(_own(domains, rng) * 4)
        ]
        columns = ["leader_id", "family", "max_groups", "deficits", "zone"]
        request["leaders"] = pd.DataFrame(rows, columns=columns)
    if seed % 5 >= 2:
        request["zone"] = pd.Series(rng.choice([*zones, None], n, p=[0.4, 0.3, 0.2, 0.1]), persons)
        far = rng.integers(1, 300, (3, 3)) * (1 - np.eye(3, dtype=int))
        request["distances"] = pd.DataFrame(far, zones, zones)
    if seed % 7 == 3:
        request["barred"] = {families[0]: domains[:1]}
    return request


def measured_again(seed: int, *, most: int = 400) -> dict:
    """A cohort after another measurement of a tenth, with its last plan, a pin and two bans.

    The last plan with the pinned person moved obeys every size, so the pin can be held.
    """
    request, rng = cohort(seed, most=most), np.random.default_rng([seed, 3])
    last = nmc.seminar_groups(**request)
    request |= {"previous": last, "deficits": redrawn(request["deficits"], rng)}
    seated = last.members.dropna(subset="group_id").merge(last.groups, on="group_id")
    pairs = [pair for pair in _moves(seated, last.groups, request["size"]) if rng.random() < 0.1][
        :1
    ]
    if not pairs:
        pairs = [(row.person_id, row.group_id, True) for row in seated[:1].itertuples()]
    others = seated[~seated["group_id"].isin([group for _, group, _ in pairs])]
    pairs += [(row.person_id, row.group_id, False) for row in others[-2:].itertuples()]
    if pairs:
        request["fixed"] = pd.DataFrame(pairs, columns=PAIR)
    return request


def _moves(seated: pd.DataFrame, groups: pd.DataFrame, size: tuple[int, int]) -> list[tuple]:
    """(person, other group of the family, True) where both groups keep to the size."""
    free = groups[groups["size"] < size[1]]
    movers = seated[seated["size"] > size[0]][["person_id", "group_id", "family"]]
    pairs = movers.merge(free, on="family", suffixes=("", "_to"))
    pairs = pairs[pairs["group_id"] != pairs["group_id_to"]]
    moves = pairs["person_id"], pairs["group_id_to"]
    return [(person, to, True) for person, to in zip(*moves, strict=True)]


def redrawn(deficits: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """A tenth of the people have the deficits of somebody else now."""
    values, chosen = deficits.to_numpy(copy=True), rng.random(len(deficits)) < 0.1
    values[chosen] = values[rng.integers(0, len(values), chosen.sum())]
    return pd.DataFrame(values, deficits.index, deficits.columns)


def with_newcomers(seed: int, *, most: int = 400) -> dict:
    """A cohort of which one in twenty has left and as many have come, with the last plan."""
    request, rng = cohort(seed, most=most), np.random.default_rng([seed, 5])
    last = nmc.seminar_groups(**request)
    persons = request["deficits"].index
    new = {person: f"q{person[1:]}" for person in persons[rng.random(len(persons)) < 0.05]}
    for name in {"deficits", "family", "zone"} & request.keys():
        request[name] = request[name].rename(index=new)
    gone = request["deficits"].index.isin(list(new.values()))
    values = request["deficits"].to_numpy(copy=True)
    values[gone] = values[rng.integers(0, len(values), gone.sum())]
    request["deficits"] = pd.DataFrame(
        values, request["deficits"].index, request["deficits"].columns
    )
    return request | {"previous": last}


def shuffled(request: dict, seed: int) -> dict:
    """The same request, the rows of every argument in another order."""
    other = dict(request)
    for name in ("deficits", "family", "zone", "leaders", "fixed"):
        if name in request:
            other[name] = request[name].sample(frac=1, random_state=seed)
    if "distances" in request:
        zones = request["distances"].index[::-1]
        other["distances"] = request["distances"].loc[zones, zones]
    return other
