"""Nothing hidden can be narrowed down: traps, enumeration, another attacker, many random tables."""

from __future__ import annotations

import time
from itertools import product

import numpy as np
import pandas as pd
import pytest
from drawn_disclosure import counted, drawn, persons
from scipy.optimize import Bounds, LinearConstraint, milp

import nmc_utils as nmc

CROSS = ["municipality", "family"]


def crossed(inner: np.ndarray) -> pd.DataFrame:
    """Counts of municipalities and families with their totals."""
    rows = [(f"m{i}", f"f{j}", int(n)) for (i, j), n in np.ndenumerate(np.asarray(inner))]
    people = pd.DataFrame(rows, columns=[*CROSS, "n"])
    people = people.loc[people.index.repeat(people["n"])].drop(columns="n")
    return counted(people, CROSS)


def without(table: pd.DataFrame, *places: tuple[str, str]) -> pd.DataFrame:
    """Hide the named places by hand."""
    gone = pd.MultiIndex.from_frame(table[CROSS]).isin(places)
    status = np.where(gone, "suppressed", "ok")
    return table.assign(n=table["n"].where(~gone), status=status)


def test_trap_every_line_hides_two_and_one_is_computable_all_the_same():
    """Two squares of hidden cells and one cell between them: no cycle passes through it."""
    table = crossed([[15, 12, 3, 30], [11, 14, 31, 32], [33, 34, 16, 13], [35, 36, 12, 17]])
    squares = [(f"m{i}", f"f{j}") for k in (0, 2) for i in (k, k + 1) for j in (k, k + 1)]
    naive = without(table, *squares, ("m0", "f2"))
    found = nmc.attack(naive).set_index(CROSS)
    assert found.loc[("m0", "f2"), ["low", "high"]].tolist() == [3, 3]
    assert found.drop(index=("m0", "f2"))["width"].min() >= 10
    assert not nmc.audit(naive).is_safe
    protected = nmc.protect(table)
    assert protected.audit.is_safe
    assert ("m0", "f2") in protected.audit.cells.set_index(CROSS).index


def test_trap_two_tables_safe_apart_leak_together():
    rows = [("total", 128), ("a", 3), ("b", 20), ("c", 30), ("d", 75)]
    one = pd.DataFrame(rows, columns=["municipality", "n"])
    first = one.assign(n=one["n"].where(~one["municipality"].isin(["a", "b"])))
    second = one.assign(n=one["n"].where(~one["municipality"].isin(["a", "c"])))
    assert nmc.audit({"first": first}).is_safe
    assert nmc.audit({"second": second}).is_safe
    together = nmc.attack({"first": first, "second": second})
    assert (
        together.query("municipality == 'a'")[["low", "high"]].to_numpy().tolist() == [[3, 3]] * 2
    )
    earlier = nmc.audit({"first": first}, earlier=[{"second": second}])
    assert not earlier.is_safe
    protected = nmc.protect({"first": one, "second": one})
    gone = [
        set(protected[n].query("status == 'suppressed'")["municipality"]) for n in protected.tables
    ]
    assert gone == [{"a", "b"}] * 2


def test_trap_a_linked_table_takes_a_group_apart():
    """A table hides the total of `a`; another shows its levels, without a total, that add up."""
    towns, parts = _apart({"a": 24, "b": 30, "c": 40})
    hidden = towns.assign(n=towns["n"].where(~towns["municipality"].isin(["a", "b"])))
    assert nmc.audit({"towns": hidden}).is_safe
    together = nmc.attack({"towns": hidden, "levels": parts})
    assert together.set_index("municipality")["low"].to_dict() == {"a": 24, "b": 30}
    assert together["width"].eq(0).all()
    assert nmc.audit({"towns": hidden}, earlier=[{"levels": parts}]).cells["width"].eq(0).all()


def test_a_group_taken_apart_is_protected_with_its_parts():
    towns, parts = _apart({"a": 18, "b": 30, "c": 40})
    alone = nmc.protect(towns, threshold=20)
    assert set(alone["table"].query("status != 'ok'")["municipality"]) == {"a", "b"}
    protected = nmc.protect({"towns": towns, "levels": parts}, threshold=20)
    assert protected.audit.is_safe
    towns = protected["towns"].query("status != 'ok'")["municipality"]
    levels = protected["levels"].query("status != 'ok'")["municipality"]
    assert {"a", "b"} <= set(towns)
    assert set(towns) <= set(levels)


def _apart(sizes: dict[str, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Municipalities with their total; their levels without totals of municipalities."""
    places = np.repeat(list(sizes), list(sizes.values()))
    levels = ["low" if i % 2 else "high" for i in range(len(places))]
    people = pd.DataFrame({"municipality": places, "level": levels})
    counts = counted(people, ["municipality", "level"])
    is_total = counts["level"].eq("total")
    towns = counts[is_total].drop(columns="level").reset_index(drop=True)
    parts = counts[~is_total | counts["municipality"].eq("total")].reset_index(drop=True)
    return towns, parts


@pytest.mark.parametrize("seed", range(12))
def test_ranges_are_those_of_enumeration(seed):
    rng = np.random.default_rng(seed)
    inner = rng.integers(0, 5, (2, 3))
    table = crossed(inner)
    inside = table[~table[CROSS].eq("total").any(axis=1)]
    chosen = inside.sample(min(len(inside), 5), random_state=seed)[CROSS]
    places = [tuple(row) for row in chosen.to_numpy()]
    if seed % 2:
        places.append(("m0", "total"))
    published = without(table, *places)
    expected = enumerated(published)
    found = nmc.attack(published).set_index(CROSS)[["low", "high"]]
    assert {
        place: tuple(row) for place, row in zip(found.index, found.to_numpy(), strict=True)
    } == expected


def enumerated(published: pd.DataFrame) -> dict[tuple[str, str], tuple[int, int]]:
    """Try every table of whole numbers: those that agree with what is shown."""
    rows = list(published[CROSS].itertuples(index=False, name=None))
    values = dict(zip(rows, published["n"], strict=True))
    inner = [row for row in rows if "total" not in row]
    most = int(values[("total", "total")])
    ranges = [range(most + 1) if np.isnan(values[p]) else [values[p]] for p in inner]
    tables = np.array(np.meshgrid(*ranges, indexing="ij")).reshape(len(inner), -1)
    sums = {
        row: tables[
            [all(a in (b, "total") for a, b in zip(row, p, strict=True)) for p in inner]
        ].sum(0)
        for row in rows
    }
    agree = np.logical_and.reduce([sums[p] == v for p, v in values.items() if not np.isnan(v)])
    return {
        p: (sums[p][agree].min(), sums[p][agree].max()) for p, v in values.items() if np.isnan(v)
    }


@pytest.mark.parametrize("kind", ["two", "three", "linked", "triangle"])
def test_another_attacker_learns_no_more(kind):
    """He knows whoever could be where, person by person, and combines all tables by that."""
    rng = np.random.default_rng(7)
    people = persons(rng, 260)
    keys = {
        "two": [CROSS],
        "three": [[*CROSS, "level"]],
        "linked": [CROSS, ["family", "level"]],
        "triangle": [CROSS, ["family", "level"], ["municipality", "level"]],
    }[kind]
    tables = {str(i): counted(people, own) for i, own in enumerate(keys)}
    protected = nmc.protect(tables)
    widths = [high - low for low, high in person_attack(protected.tables, people)]
    assert len(widths) == len(protected.audit.cells)
    assert min(widths) >= 10


def person_attack(tables: dict[str, pd.DataFrame], people: pd.DataFrame) -> list[tuple]:
    """Range of every hidden row by SciPy; unknown is how many persons have each set of codes."""
    keys = [*CROSS, "level"]
    atoms = pd.DataFrame(product(*(sorted(people[key].unique()) for key in keys)), columns=keys)
    known, side, hidden = [], [], []
    for table in tables.values():
        own = [key for key in keys if key in table]
        for codes, n in zip(table[own].to_numpy(), table["n"], strict=True):
            fits = [atoms[k].eq(c) for k, c in zip(own, codes, strict=True) if c != "total"]
            row = np.logical_and.reduce([np.ones(len(atoms), bool), *fits]).astype(float)
            (hidden if np.isnan(n) else known).append(row)
            side += [] if np.isnan(n) else [n]
    side = np.array(side)
    constraints = LinearConstraint(np.array(known), side, side)
    ranges = []
    for row in hidden:
        ends = []
        for sign in (1, -1):
            found = milp(sign * row, constraints=constraints, integrality=np.ones(len(row)),
                         bounds=Bounds(0, 1000))  # fmt: skip
            ends.append(round(sign * found.fun))
        ranges.append(tuple(ends))
    return ranges


def told(tables: dict, protected, cell: str) -> dict:
    """Arguments of the attack after a slip: one hidden cell is shown in every table."""
    known = protected.known()
    published = dict(known["published"])
    for row in protected.audit.cells.query("cell == @cell").itertuples():
        name = row.table.split("/")[0]
        given, shown = tables[name], published[name].copy()
        keys = [c for c in given if c in protected.audit.cells and pd.notna(getattr(row, c))]
        at = np.logical_and.reduce([given[k].eq(getattr(row, k)) for k in keys])
        for column in ("n", "estimate"):
            if column in given:
                shown.loc[at, column] = given.loc[at, column].astype(float)
        shown.loc[at, "status"] = "ok"
        published[name] = shown
    return known | {"published": published}


def attacked(seed: int) -> dict:
    """Protect one drawn set of tables, attack it, and once more after each of two slips."""
    tables, options = drawn(seed)
    begun = time.perf_counter()
    protected = nmc.protect(tables, **options)
    seconds = time.perf_counter() - begun
    cells, why = protected.audit.cells, protected.hidden["why"]
    counts = protected.hidden[why.eq("complementary")]["cell"].tolist()
    slips = [cell for cell in counts if cells["cell"].eq(cell).any()][:: max(1, len(counts) - 1)]
    caught = [not nmc.audit(**told(tables, protected, cell)).is_safe for cell in slips]
    return {
        "kind": seed % 6,
        "cells": sum(map(len, tables.values())),
        "primary": int(why.eq("primary").sum()),
        "extra": len(counts),
        "extra_share": protected.audit.extra_hidden_share,
        "seconds": seconds,
        "recovered": int((cells["width"] < 10).sum()),
        "slips": len(caught),
        "missed": len(caught) - sum(caught),
    }


def test_random_hierarchies_keep_what_they_hide_and_every_slip_is_caught():
    figures = pd.DataFrame(attacked(seed) for seed in range(100))
    assert figures["recovered"].sum() == 0
    assert figures["primary"].sum() > 1000
    assert figures["slips"].sum() > 100
    assert figures["missed"].sum() == 0


@pytest.mark.sdc
@pytest.mark.timeout(3600)
def test_a_thousand_random_hierarchies(capsys):
    figures = pd.DataFrame(attacked(seed) for seed in range(1000))
    sums = figures.groupby("kind").agg(
        tables=("cells", "size"),
        cells=("cells", "sum"),
        primary=("primary", "sum"),
        extra=("extra", "sum"),
        extra_pct=("extra_share", lambda share: round(100 * share.mean(), 1)),
        seconds=("seconds", "sum"),
        most_seconds=("seconds", "max"),
        recovered=("recovered", "sum"),
        slips=("slips", "sum"),
        missed=("missed", "sum"),
    )
    with capsys.disabled():
        print("\n" + sums.round(2).to_string())
    assert figures["recovered"].sum() == 0
    assert figures["missed"].sum() == 0


@pytest.mark.sdc
@pytest.mark.timeout(3600)
def test_a_region_of_four_hundred_cells(capsys):
    rng = np.random.default_rng(1)
    people = pd.DataFrame(
        {
            "municipality": rng.choice(20, 8000, p=rng.dirichlet(np.full(20, 6.0))),
            "family": rng.choice(20, 8000, p=rng.dirichlet(np.full(20, 6.0))),
        }
    )
    table = counted("c" + people.astype(str), CROSS)
    begun = time.perf_counter()
    protected = nmc.protect(table)
    seconds = time.perf_counter() - begun
    with capsys.disabled():
        print(f"\n{len(table)} cells, {seconds:.2f} s, hidden {len(protected.hidden)}, "
              f"extra {protected.audit.extra_hidden_share:.1%}")  # fmt: skip
    assert protected.audit.is_safe
    assert protected.audit.extra_hidden_share < 0.1
    assert seconds < 6
