"""Time, memory and error of item calibration, beside `girth` and the PyPI package `mirt`.

python tests/benchmarks/bench_irt.py [seed]
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from importlib.util import find_spec

import numpy as np
import pandas as pd

SIZES = [(1_200, 60), (12_000, 80), (200_000, 80)]
LARGEST = (1_000_000, 80)
#: Seconds a peer is given; at 200 000 persons it may need much longer.
PATIENCE = 60
#: Seconds at 12 000 and at 1 000 000 persons, MB at the latter, times faster than each peer.
MOST_SECONDS, MOST_SECONDS_LARGEST, MOST_MB, LEAST_TIMES = 0.1, 3.0, 300, 15
#: A machine has other work too: the quickest of so many runs counts, for peers the one run.
RUNS = 5
INSTALL = (
    "Для сравнения с girth и mirt: .venv/bin/python -m pip install -e '.[benchmark]' (без них — "
    "только своё время)"
)


def simulate(n_persons: int, n_items: int, model: str, seed: int):
    """Answers of N(0, 1) persons; discriminations about 1.1, all equal for "1pl"."""
    rng = np.random.default_rng(seed)
    a = np.exp(rng.normal(0.1, 0.3 if model == "2pl" else 0.0, n_items))
    b = rng.normal(0, 1, n_items)
    answers = np.empty((n_persons, n_items), np.uint8)
    for start in range(0, n_persons, 10_000):
        part = answers[start : start + 10_000]
        theta = rng.standard_normal((len(part), 1))
        part[:] = rng.random(part.shape) < 1 / (1 + np.exp(-a * (theta - b)))
    return answers, a, b


def _of_this_product(answers: np.ndarray, model: str):
    from nmc_utils.measures.irt import calibrate

    frame = pd.DataFrame(answers, copy=False)
    times = []
    for _ in range(RUNS if len(answers) < 100_000 else 1):
        start = time.perf_counter()
        items = calibrate(frame, model).items
        times.append(time.perf_counter() - start)
    return min(times), items["a"].to_numpy(), items["b"].to_numpy()


def _of_girth(answers: np.ndarray, model: str):
    import girth

    estimate = girth.twopl_mml if model == "2pl" else girth.onepl_mml
    turned = answers.T.astype(int)
    start = time.perf_counter()
    found = estimate(turned)
    return time.perf_counter() - start, found["Discrimination"], found["Difficulty"]


def _of_mirt(answers: np.ndarray, model: str):
    import mirt

    wide = answers.astype(int)
    start = time.perf_counter()
    found = mirt.fit_mirt(wide, model=model.upper()).model.parameters
    return time.perf_counter() - start, found["discrimination"], found["difficulty"]


ESTIMATORS = {"nmc": _of_this_product, "girth": _of_girth, "mirt": _of_mirt}


def measure(who: str, model: str, n_persons: int, n_items: int, seed: int) -> dict[str, float]:
    """Calibrate once in this process."""
    answers, a, b = simulate(n_persons, n_items, model, seed)
    seconds, slopes, places = ESTIMATORS[who](answers, model)
    return {
        "seconds": seconds,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rmse_a": float(np.sqrt(np.mean((slopes - a) ** 2))),
        "rmse_b": float(np.sqrt(np.mean((places - b) ** 2))),
    }


def alone(who: str, *case: object) -> dict[str, float] | None:
    """`measure` in a process of its own; None where it did not finish in time."""
    command = [sys.executable, __file__, "--one", who, *map(str, case)]
    patience = None if who == "nmc" else PATIENCE
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=patience)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        sys.exit(f"{who}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def compare(model: str, n_persons: int, n_items: int, seed: int, peers: list[str]) -> None:
    """One block of lines: this product, then each peer and how many times slower it is."""
    print(f"{model.upper()}, {n_persons:,} × {n_items}".replace(",", " ", 1).replace(",", " "))
    own = alone("nmc", model, n_persons, n_items, seed)
    print(_line("nmc", own))
    for peer in peers:
        found = alone(peer, model, n_persons, n_items, seed)
        if found is None:
            print(f"  {peer:<6} не закончил за {PATIENCE} с", flush=True)
            continue
        print(f"{_line(peer, found)}  в {found['seconds'] / own['seconds']:.0f} раз дольше")
        if n_persons == 12_000 and found["seconds"] < LEAST_TIMES * own["seconds"]:
            print(f"  ожидалось: быстрее {peer} не менее чем в {LEAST_TIMES} раз")
    if (model, n_persons) == ("2pl", 12_000) and own["seconds"] > MOST_SECONDS:
        print(f"  ожидалось не более {MOST_SECONDS} с")


def _line(who: str, found: dict[str, float]) -> str:
    return (
        f"  {who:<6} {found['seconds']:8.3f} с  {found['mb']:6.0f} МБ  "
        f"СКО a {found['rmse_a']:.4f}  b {found['rmse_b']:.4f}"
    )


def main() -> None:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    peers = [name for name in ("girth", "mirt") if find_spec(name)]
    if len(peers) < 2:
        print(INSTALL)
    for model in ("2pl", "1pl"):
        for size in SIZES:
            compare(model, *size, seed, peers)
    print("2PL, 1 000 000 × 80")
    own = alone("nmc", "2pl", *LARGEST, seed)
    print(_line("nmc", own))
    if own["seconds"] > MOST_SECONDS_LARGEST or own["mb"] > MOST_MB:
        print(f"  ожидалось не более {MOST_SECONDS_LARGEST:.0f} с и {MOST_MB} МБ")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        who, model, *numbers = sys.argv[2:]
        print(json.dumps(measure(who, model, *map(int, numbers))))
    else:
        main()
