"""Seminar groups beside balanced clusters and beside cutting a sorted list: worth, time, memory.

python tests/benchmarks/bench_seminars.py [SEED] [--country] [--patience SECONDS] [--peers PYTHON]

Every plan is valued by one function, by the document's 0/1 and by P(deficit), and every measurement
runs in a process of its own: `k-means-constrained` needs ortools, which cannot be imported beside
highspy.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import import_module
from typing import NamedTuple

import numpy as np
import pandas as pd

SIZE, TOPICS, COST = (12, 25), 3, 0.5
CONDITIONS = {"size": SIZE, "topics": TOPICS, "unneeded_cost": COST}
#: Reliability of a domain's score in the simulation.
RELIABILITY = 0.8
#: Persons in a cluster on average, about the middle of `SIZE`.
CLUSTER = 18
#: Regions of the country, how many are a sample of it, seconds for all of them at most.
REGIONS, SAMPLE, MOST_SECONDS_COUNTRY = 89, 8, 240


class Case(NamedTuple):
    """Size of a simulated region."""

    persons: int
    domains: int
    families: int


class Plan(NamedTuple):
    """Group of each person, −1 for none; group × domain: topics; what the product returned."""

    group_of: np.ndarray
    topics: np.ndarray
    source: object = None


CASES = [Case(n, 8, 14) for n in (300, 1_200, 5_000, 12_000)]
ONE_BLOCK = Case(12_000, 8, 1)
REGION = CASES[-1]
PROMISES = {
    ("exact", CASES[1]): {"с, не более": 4},
    ("quick", CASES[1]): {"с, не более": 2},
    ("clusters", CASES[1]): {"полезность выше на долю, не менее": 0.08},
    ("exact", REGION): {"с, не более": 12, "разрыв, не более": 0.001},
    ("clusters", REGION): {"полезность выше на долю, не менее": 0.03},
    ("clusters", ONE_BLOCK): {"быстрее во столько раз, не менее": 20},
}


def simulate(case: Case, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Deficits by the cut, P(deficit) and families.

    Scores have a common level (r = 0.5 between domains); families differ in size and in profile.
    The document's deficit is a score below the cut; with a true score of variance ρ and an error of
    1 − ρ, P(true score < cut | score) is that of a normal with mean ρ·score and variance ρ(1 − ρ).
    """
    from scipy.special import ndtr

    rng = np.random.default_rng(seed)
    weight = np.arange(1, case.families + 1) ** -0.7
    family = rng.choice(case.families, case.persons, p=weight / weight.sum())
    cut = rng.uniform(-0.8, 0.1, case.domains)
    cut = (cut + rng.normal(0, 0.35, (case.families, case.domains)))[family]
    general = rng.standard_normal((case.persons, 1))
    specific = rng.standard_normal((case.persons, case.domains))
    score = np.sqrt(0.5) * general + np.sqrt(0.5) * specific
    spread = np.sqrt(RELIABILITY * (1 - RELIABILITY))
    persons = pd.Index([f"p{i:05d}" for i in range(case.persons)], name="person_id")
    domains = [f"d{i:02d}" for i in range(case.domains)]
    return (
        pd.DataFrame((score < cut).astype(int), persons, domains),
        pd.DataFrame(ndtr((cut - RELIABILITY * score) / spread), persons, domains),
        pd.Series([f"f{i:02d}" for i in family], persons),
    )


# --- ways to make a plan ------------------------------------------------------------------------


def planned(needs: pd.DataFrame, family: pd.Series, *, quick: bool = False) -> Plan:
    """Plan of this product, its tables as arrays."""
    from nmc_utils.measures.seminars import seminar_groups

    plan = seminar_groups(needs, family, **CONDITIONS, quick=quick)
    ids = pd.Index(plan.groups["group_id"].astype(object))
    members = plan.members.set_index("person_id").loc[needs.index, "group_id"]
    topics = np.array([needs.columns.isin(own) for own in plan.groups["topics"]])
    return Plan(ids.get_indexer(members.astype(object)), topics, plan)


def in_blocks(needs: pd.DataFrame, family: pd.Series, labels_of: Callable) -> Plan:
    """Blocks of people of a family, each with the topics that gain the most."""
    x, group_of, topics = needs.to_numpy(float), np.full(len(needs), -1), []
    for name in sorted(set(family)):
        own = np.flatnonzero(family == name)
        labels = labels_of(x[own]) if len(own) >= SIZE[0] else np.full(len(own), -1)
        for label in range(labels.max() + 1):
            members = own[labels == label]
            gain = (x[members] * (1 + COST) - COST).sum(axis=0)
            best = np.argsort(-gain, kind="stable")[:TOPICS]
            best = best[gain[best] > 0]
            if len(best):
                group_of[members] = len(topics)
                topics.append(np.isin(np.arange(x.shape[1]), best))
    return Plan(group_of, np.array(topics))


def clusters(x: np.ndarray) -> np.ndarray:
    """Balanced clusters of people."""
    from k_means_constrained import KMeansConstrained

    n, most = min(-(-len(x) // CLUSTER), len(x) // SIZE[0]), min(SIZE[1], len(x) - 1)
    if n == 1:
        return np.zeros(len(x), int)
    model = KMeansConstrained(n, size_min=SIZE[0], size_max=most, random_state=0, n_init=1)
    return model.fit_predict(x)


def chunks(x: np.ndarray) -> np.ndarray:
    """People sorted by profile, most frequent deficit first, in as few groups as there may be."""
    order = np.lexsort(x[:, np.argsort(x.sum(axis=0), kind="stable")].T)
    labels = np.empty(len(x), int)
    labels[order] = np.arange(len(x)) * -(-len(x) // SIZE[1]) // len(x)
    return labels


class Way(NamedTuple):
    """How a plan is made: from which needs, by what, and what is imported before the clock runs."""

    name: str
    by_chance: bool
    make: Callable[[pd.DataFrame, pd.Series], Plan]
    module: str


OWN, PEER = "nmc_utils.measures.plan_check", "k_means_constrained"
WAYS = {
    "exact": Way("программа, 0/1", False, planned, OWN),
    "chance": Way("программа, P", True, planned, OWN),
    "quick": Way("программа, быстро", False, partial(planned, quick=True), OWN),
    "clusters": Way("k-means-constrained", False, partial(in_blocks, labels_of=clusters), PEER),
    "chunks": Way("сортировка и нарезка", False, partial(in_blocks, labels_of=chunks), "numpy"),
}


RUNS = {
    **dict.fromkeys(CASES, list(WAYS)),
    ONE_BLOCK: ["exact", "clusters"],
    **dict.fromkeys([Case(1_200, 20, 14), Case(12_000, 20, 14)], ["exact"]),
}


# --- measurements, each in a process of its own -------------------------------------------------


def measure(way: str, case: Case, seed: int) -> dict[str, float]:
    """Make one plan, check it, value it."""
    _, by_chance, make, module = WAYS[way]
    library = import_module(module)
    cut, chance, family = simulate(case, seed)
    needs = chance if by_chance else cut
    start = time.perf_counter()
    plan = make(needs, family)
    found = {"seconds": time.perf_counter() - start}
    found["mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if plan.source is not None:
        found["gap"] = plan.source.gap
        for fault in library.check_plan(plan.source, needs, family, **CONDITIONS):
            sys.exit(fault)
    found |= value(plan, cut.to_numpy())
    return found | {"utility_p": value(plan, chance.to_numpy())["utility"]}


def value(plan: Plan, needs: np.ndarray) -> dict[str, float]:
    """Coverage, precision and utility of a plan by these needs, person × domain."""
    sitting = plan.group_of >= 0
    topics = plan.topics[plan.group_of[sitting]]
    covered, seats = float((needs[sitting] * topics).sum()), int(topics.sum())
    return {
        "coverage": covered / needs.sum(),
        "precision": covered / seats,
        "utility": covered - COST * (seats - covered),
    }


def alone(python: str, *task: object, patience: float | None = None) -> dict:
    """Measure in a process of its own; `failed` says why there is nothing to compare with."""
    command = [python, __file__, "--one", *map(str, task)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=patience)
    except subprocess.TimeoutExpired:
        return {"failed": f"не закончил за {patience:.0f} с"}
    if not done.returncode:
        return json.loads(done.stdout.splitlines()[-1])
    message = (done.stderr.strip().splitlines() or ["причина не названа"])[-1]
    if message == f"ModuleNotFoundError: No module named '{PEER}'":
        return {"failed": "не установлен: .venv/bin/python -m pip install -e '.[benchmark]'"}
    sys.exit(f"{task}: {message}")


# --- what is printed ----------------------------------------------------------------------------


def compare(case: Case, ways: list[str], args: argparse.Namespace) -> None:
    """A block of lines: each way, and how the exact 0/1 plan stands to it."""
    print(f"\n{case.persons} человек, компетенций {case.domains}, предметных групп {case.families}")
    print(HEADER)
    own = None
    for way in ways:
        is_peer = WAYS[way].module == PEER
        python, patience = (args.peers, args.patience) if is_peer else (sys.executable, None)
        found = alone(python, way, *case, args.seed, patience=patience)
        if "failed" in found:
            print(f"  {WAYS[way].name:22}{found['failed']}", flush=True)
            continue
        own = own or found
        print(_line(WAYS[way].name, found, own), flush=True)
        _judge(PROMISES.get((way, case), {}), found, own)


HEADER = f"  {'':22}  охват  точн.  полезн. 0/1  полезн. P   разрыв       с     МБ   точный 0/1:"


def _line(name: str, found: dict[str, float], own: dict[str, float]) -> str:
    gap = f"{found['gap']:8.5f}" if "gap" in found else f"{'':8}"
    line = (
        f"  {name:22}{found['coverage']:7.3f}{found['precision']:7.3f}{found['utility']:13.1f}"
        f"{found['utility_p']:11.1f} {gap}{found['seconds']:8.2f}{found['mb']:7.0f}"
    )
    if found is own:
        return line
    gains = [own[key] / found[key] - 1 for key in ("utility", "utility_p")]
    times = found["seconds"] / own["seconds"]
    return f"{line}   полезность 0/1 {gains[0]:+.1%}, P {gains[1]:+.1%}, быстрее × {times:.2g}"


def _judge(promises: dict[str, float], found: dict[str, float], own: dict[str, float]) -> None:
    """Say of each promise whether it was kept."""
    reached = {
        "с, не более": -found["seconds"],
        "разрыв, не более": -found.get("gap", 0.0),
        "полезность выше на долю, не менее": own["utility"] / found["utility"] - 1,
        "быстрее во столько раз, не менее": found["seconds"] / own["seconds"],
    }
    for what, limit in promises.items():
        is_kept = reached[what] >= (-limit if what.endswith("более") else limit)
        print(f"    цель: {what} {limit:g}: {'' if is_kept else 'НЕ '}выполнено")


def show_country(whole: bool, seed: int) -> None:
    """Wall time of the country's regions, one a core at a time: all, or a sample and its sense."""
    n, cores = REGIONS if whole else SAMPLE, os.cpu_count()
    with ProcessPoolExecutor(cores) as pool:
        list(pool.map(_region, [seed] * cores))  # what is imported once is not the country's time
        start = time.perf_counter()
        gaps = list(pool.map(_region, range(seed, seed + n)))
        measured = time.perf_counter() - start
    seconds = measured * REGIONS / n
    print(f"\nСтрана: регионов {REGIONS}, в каждом человек {REGION.persons}, ядер {cores}")
    print(f"  регионов {n}: {measured:.1f} с, наибольший разрыв {max(gaps):.5f}")
    if not whole:
        print(f"  по этой выборке вся страна — около {seconds:.0f} с; измерить: --country")
    is_kept = seconds <= MOST_SECONDS_COUNTRY
    print(f"    цель: с, не более {MOST_SECONDS_COUNTRY}: {'' if is_kept else 'НЕ '}выполнено")


def _region(seed: int) -> float:
    """Gap of the plan of one region of the country."""
    needs, _, family = simulate(REGION, seed)
    return planned(needs, family).source.gap


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seed", nargs="?", type=int, default=1)
    parser.add_argument("--country", action="store_true", help="measure all regions, not a sample")
    parser.add_argument("--patience", type=float, default=900, help="seconds a peer is given")
    parser.add_argument("--peers", default=sys.executable, help="Python that has the peers")
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        way, *size, seed = args.one
        print(json.dumps(measure(way, Case(*map(int, size)), int(seed))))
        return
    for case, ways in RUNS.items():
        compare(case, ways, args)
    show_country(args.country, args.seed)


if __name__ == "__main__":
    main()
