"""Time and gap of seminar groups, and how much better they are than clusters.

python tests/benchmarks/bench_seminars.py [seed]
"""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import combinations

import numpy as np
import pandas as pd

SIZE, TOPICS, COST = (12, 25), 3, 0.5
CASES = [(1_200, 5, 6), (1_200, 8, 6), (1_200, 8, 14), (12_000, 8, 14), (12_000, 8, 1)]


def simulate(n_persons: int, n_domains: int, n_families: int, seed: int):
    """Deficits of a correlated latent level (r = 0.5); families differ in size and in profile."""
    rng = np.random.default_rng(seed)
    weight = np.arange(1, n_families + 1) ** -0.7
    family = rng.choice(n_families, n_persons, p=weight / weight.sum())
    cut = rng.uniform(-0.8, 0.1, n_domains) + rng.normal(0, 0.35, (n_families, n_domains))
    general = rng.standard_normal((n_persons, 1))
    specific = rng.standard_normal((n_persons, n_domains))
    deficits = np.sqrt(0.5) * general + np.sqrt(0.5) * specific < cut[family]
    persons = pd.Index([f"p{i:05d}" for i in range(n_persons)], name="person_id")
    return (
        pd.DataFrame(deficits.astype(int), persons, [f"d{i}" for i in range(n_domains)]),
        pd.Series([f"f{i:02d}" for i in family], persons),
    )


def clustered(deficits: pd.DataFrame, family: pd.Series) -> float:
    """Utility of balanced clusters in each family, each with its own best topics."""
    from k_means_constrained import KMeansConstrained

    least, greatest = SIZE
    utility = 0.0
    for _, people in deficits.groupby(family):
        x = people.to_numpy(float)
        if len(x) < least:
            continue
        n = min(-(-len(x) // 18), len(x) // least)
        model = KMeansConstrained(n, size_min=least, size_max=greatest, random_state=0, n_init=1)
        labels = model.fit_predict(x)
        gain = np.array([(x[labels == k] * (1 + COST) - COST).sum(0) for k in range(n)])
        best = [gain[:, c].sum(1) for k in range(1, TOPICS + 1)
                for c in map(list, combinations(range(x.shape[1]), k))]  # fmt: skip
        utility += np.maximum(np.max(best, axis=0), 0).sum()
    return utility


def compared(case: tuple[int, int, int], seed: int) -> str:
    """Run `clustered` in a process of its own: it needs ortools, which excludes highspy."""
    command = [sys.executable, __file__, "--clusters", *map(str, (*case, seed))]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() or "clusters failed: " + done.stderr.strip().splitlines()[-1]


def measure(case: tuple[int, int, int], seed: int) -> None:
    from nmc_utils.measures.seminars import seminar_groups

    deficits, family = simulate(*case, seed)
    start = time.perf_counter()
    plan = seminar_groups(deficits, family=family, size=SIZE, topics=TOPICS, unneeded_cost=COST)
    seconds = time.perf_counter() - start
    print("{:>6} persons, {} domains, {:>2} families".format(*case), end=": ")
    print(f"{seconds:6.2f} s  utility {plan.utility:.1f}  bound {plan.bound:.1f}", end="  ")
    print(f"gap {plan.gap:.5f}  groups {len(plan.groups)}  coverage {plan.coverage:.3f}")


def main() -> None:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    for case in CASES:
        measure(case, seed)
        print("       " + compared(case, seed), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--clusters"]:
        *case, seed = map(int, sys.argv[2:])
        try:
            start = time.perf_counter()
            utility = clustered(*simulate(*case, seed))
            print(
                f"k-means-constrained: {time.perf_counter() - start:.2f} s  utility {utility:.1f}"
            )
        except ImportError:
            print("k-means-constrained is not installed: not compared")
    else:
        main()
