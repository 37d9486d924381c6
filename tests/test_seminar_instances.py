"""Seminar groups on random requests: exhaustive search, feasible plans of other origin, order."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from drawn_seminars import cohort, measured_again, shuffled, tiny, with_newcomers
from seminar_drafts import Drafting
from seminar_search import Search

import nmc_utils as nmc
from nmc_utils.measures.plan_check import check_plan

#: The gap that is promised for 0/1.
GAP = 1e-3


def seeds(n_default: int, n: int) -> list:
    """Seeds of which the first few are in the default run."""
    late = pytest.mark.long
    return [pytest.param(s, marks=late if s >= n_default else ()) for s in range(n)]


def sound(request: dict, **more):
    """Plan of a request, after it was checked."""
    plan = nmc.seminar_groups(**request, **more)
    assert check_plan(plan, **request) == []
    return plan


def said(plan) -> tuple:
    """Everything that a plan says, to the last digit."""
    numbers = (plan.covered, plan.coverage, plan.precision, plan.utility, plan.bound, plan.gap)
    tables = (plan.members.to_csv(), plan.groups.to_csv())
    return (*tables, *map(repr, numbers), plan.moved, plan.moved_bound, plan.notes)


@pytest.mark.parametrize("seed", seeds(60, 200))
def test_no_plan_at_all_is_better_or_moves_fewer(seed):
    request = tiny(seed)
    search = Search(request)
    best = search.best()
    if best is None:
        with pytest.raises(ValueError, match="|".join(sorted(set(search.pins.values())))):
            nmc.seminar_groups(**request)
        return
    plan = sound(request)
    utility, kept = best
    assert utility - GAP * abs(utility) - 1e-6 <= plan.utility <= utility + 1e-6
    assert plan.bound >= utility - 1e-9
    fewest = search.n_seated_before - kept
    assert plan.moved_bound <= fewest
    if plan.utility == pytest.approx(utility, abs=1e-6):
        assert plan.moved == fewest


def other_utilities(request: dict, plan, seed: int) -> Counter:
    """Utilities of plans made by other means, summed over the families."""
    rng, found = np.random.default_rng([seed, 4]), Counter()
    for family in sorted(set(request["family"])):
        drafting = Drafting(request, family)
        own = drafting.of_plan(plan)
        built = [drafting.greedy(), *(drafting.chunked(rng) for _ in range(4))]
        built = max(built, key=drafting.utility)
        found["plan"] += drafting.utility(own)
        found["built"] += drafting.utility(built)
        found["built and climbed"] += drafting.utility(drafting.climbed(built, rng))
        found["climbed from the plan"] += drafting.utility(drafting.climbed(own, rng))
    return found


@pytest.mark.parametrize("seed", seeds(10, 300))
def test_no_plan_of_other_origin_lies_above_the_bound(seed):
    request = cohort(seed)
    plan = sound(request)
    found = other_utilities(request, plan, seed)
    assert found.pop("plan") == pytest.approx(plan.utility, abs=1e-6)
    assert max(found.values()) <= plan.bound + 1e-6
    assert found["built"] <= plan.utility + 1e-6


@pytest.mark.parametrize("seed", seeds(4, 60))
def test_no_plan_that_holds_the_pins_lies_above_the_bound(seed):
    request = measured_again(seed)
    plan = sound(request)
    fixed = request.get("fixed", pd.DataFrame(columns=["person_id", "group_id"]))
    last = request["previous"].groups.set_index("group_id")["topics"]
    kept = frozenset(map(frozenset, last.loc[fixed["group_id"]]))
    rng, climbed = np.random.default_rng([seed, 6]), 0.0
    for family in sorted(set(request["family"])):
        drafting = Drafting(request, family)
        draft = drafting.of_plan(plan)
        held = frozenset(fixed["person_id"])
        climbed += drafting.utility(drafting.climbed(draft, rng, held=held, kept_topics=kept))
    assert plan.utility - 1e-6 <= climbed <= plan.bound + 1e-6


@pytest.mark.parametrize("seed", seeds(6, 60))
def test_the_plain_model_agrees(seed):
    request = cohort(seed, most=60)
    plan = sound(request)
    found = [
        Drafting(request, family).by_plain_model(seconds=3)
        for family in sorted(set(request["family"]))
    ]
    utility, bound = map(sum, zip(*found, strict=True))
    assert utility <= plan.bound + 1e-5
    assert plan.utility <= bound + 1e-5


@pytest.mark.parametrize("draw", [cohort, measured_again])
@pytest.mark.parametrize("seed", seeds(3, 30))
def test_the_order_of_rows_changes_nothing(draw, seed):
    request = draw(seed, most=150)
    plan, other = sound(request), shuffled(request, seed)
    if "previous" in request:
        last = request["previous"]
        members, groups = last.members.iloc[::-1], last.groups.iloc[::-1]
        other["previous"] = replace(last, members=members, groups=groups)
    assert said(nmc.seminar_groups(**other)) == said(plan)


@pytest.mark.parametrize("seed", seeds(3, 10))
def test_the_same_request_gives_the_same_plan(seed):
    request = measured_again(seed, most=150)
    assert said(nmc.seminar_groups(**request)) == said(nmc.seminar_groups(**request))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_hash_seed_and_threads_change_nothing(seed):
    code = (
        "from drawn_seminars import measured_again; import nmc_utils as nmc;"
        "from test_seminar_instances import said;"
        f"print(said(nmc.seminar_groups(**measured_again({seed}))))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": threads},
            cwd=os.path.dirname(__file__),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed, threads in (("0", "1"), ("1", "2"), ("2", "1"))
    }
    assert len(outputs) == 1


@pytest.mark.parametrize("seed", seeds(6, 60))
def test_a_changed_roster_costs_no_utility(seed):
    request = with_newcomers(seed)
    plan = sound(request)
    fresh = {name: value for name, value in request.items() if name != "previous"}
    alone = nmc.seminar_groups(**fresh)
    assert plan.utility >= alone.utility - 1e-9
    assert plan.bound == pytest.approx(alone.bound)
    last = request["previous"]
    by_chance = alone.members.set_index("person_id")["group_id"]
    was = last.members.dropna(subset="group_id").set_index("person_id")["group_id"]
    was = was[was.index.isin(request["deficits"].index)]
    assert plan.moved <= (by_chance.loc[was.index].astype(object) != was.astype(object)).sum()


@pytest.mark.parametrize("seed", seeds(3, 20))
def test_nobody_moves_where_nothing_changed(seed):
    request = cohort(seed)
    last = nmc.seminar_groups(**request)
    plan = sound(request | {"previous": last})
    assert (plan.moved, plan.moved_bound, plan.utility) == (0, 0, last.utility)


@pytest.mark.parametrize("seed", seeds(3, 30))
def test_the_quick_plan_says_how_far_it_may_be(seed):
    request = cohort(seed)
    plan, quick = nmc.seminar_groups(**request), sound(request, quick=True)
    assert quick.utility <= plan.bound + 1e-6
    assert quick.bound >= plan.utility - 1e-6
