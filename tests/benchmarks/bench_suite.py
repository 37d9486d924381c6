"""Twenty editions × all notebooks by `nmc run`, beside stock papermill and beside plain calls.

python tests/benchmarks/bench_suite.py [EDITIONS] [--persons P] [--profile]

The same notebooks on the same tables, three ways: `nmc run` on two processes, on all editions, with
publication; stock papermill (a fresh `python3` kernel for each notebook, one after another, saved
after every cell) on a sample of them, by turns with `nmc run` on an equal part of all; and the
notebooks' code called in one warm process, on the sample: a plain call draws nothing of what a
notebook shows, so it is told with drawing as well. The intake is told apart. Then a country:
regions of 12 000 persons, a sample of them, multiplied.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import nbformat
import pandas as pd
import psutil
from IPython.utils.capture import capture_output

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from nmc_utils import jobs, suite  # noqa: E402
from nmc_utils.editions import edition, edition_keys  # noqa: E402
from nmc_utils.results import RUN_FOLDER, begin, home_of  # noqa: E402

#: How many times quicker than stock papermill at least, and slower than plain calls at most.
LEAST_TIMES, MOST_TIMES = 8, 1.5
N_EDITIONS, N_PERSONS, N_SAMPLE, N_JOBS = 20, 400, 2, 2
N_REGIONS, LARGE = 89, 12_000
STOCK = "0000000000-2"  #: name of the run that stock papermill makes
STEPS = ("start", "imports", "figures", "rest")
STEP_WORDS = {"start": "запуск", "imports": "импорт", "figures": "рисунки", "rest": "остальное"}

NMC = [sys.executable, "-m", "nmc_utils.cli"]


def prepare(root: Path, n_regions: int, n_persons: int) -> list[str]:
    """Make model regions; keys of their editions."""
    sizes = ["--regions", str(n_regions), "--persons", str(n_persons)]
    for command in ([*NMC, "init", str(root)], [*NMC, "--data", str(root), "demo", *sizes]):
        subprocess.run(command, check=True, capture_output=True, cwd=CHECKOUT)
    regions = sorted(path.name for path in (root / "regions").glob("model_*"))
    return [key for region in regions for key in edition_keys(root, region)]


def _folder(root: Path, key: str, run: str) -> tuple[Path, dict[str, str]]:
    """A run folder of an edition whose tables are accepted, and what its kernels must know."""
    folder = begin(edition(*key.split("/"), root), run)
    known = {"NMC_DATA": str(root), RUN_FOLDER: str(folder), "PYTHONPATH": str(CHECKOUT)}
    return folder, {**known, **jobs.ONE_THREAD}


def _parameters(key: str) -> dict[str, str]:
    return dict(zip(("region", "period"), key.split("/"), strict=True))


def by_stock_papermill(root: Path, key: str) -> None:
    """Execute all notebooks of an edition as papermill does by itself."""
    import papermill

    folder, known = _folder(root, key, STOCK)
    (folder / "notebooks").mkdir(parents=True, exist_ok=True)
    with _environment(known):
        for name in suite.NOTEBOOKS:
            papermill.execute_notebook(
                str(CHECKOUT / "notebooks" / f"{name}.ipynb"),
                str(folder / "notebooks" / f"{name}.ipynb"),
                parameters=_parameters(key),
                kernel_name="python3",
                progress_bar=False,
                cwd=str(CHECKOUT / "notebooks"),
            )


def by_plain_calls(root: Path, key: str, run: str, *, is_drawn: bool) -> None:
    """Call what the notebooks of an edition call, in this process; draw what they show or not."""
    from IPython.core.interactiveshell import InteractiveShell

    folder, known = _folder(root, key, run)
    shell = InteractiveShell.instance()
    call = shell.run_cell if is_drawn else _exec_in(shell.user_ns)
    with _environment(known), capture_output():
        for name in suite.NOTEBOOKS:
            shell.reset(new_session=False)
            for cell in nbformat.read(CHECKOUT / "notebooks" / f"{name}.ipynb", 4).cells:
                if cell.cell_type == "code":
                    if (done := call(cell.source)) is not None:
                        done.raise_error()
                    if "parameters" in cell.metadata.get("tags", []):
                        shell.user_ns.update(_parameters(key))


def _exec_in(names: dict) -> Callable[[str], None]:
    return lambda source: exec(source, names)


@contextmanager
def _environment(known: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(known)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Memory:
    """The most memory that this process and all it started had at one time, in GB.

    Pages that forks share are counted once (proportional set size), and as often as they are held
    (resident set size).
    """

    def __enter__(self) -> Memory:
        self.once = self.each = 0.0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._is_over.wait(1.0):
            held = []
            for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
                try:
                    held.append(process.memory_full_info())
                except psutil.Error:  # it has just ended
                    continue
            self.once = max(self.once, sum(one.pss for one in held) / 2**30)
            self.each = max(self.each, sum(one.rss for one in held) / 2**30)


def timed(what: Callable[[], object]) -> float:
    """Seconds that it takes."""
    start = time.perf_counter()
    what()
    return time.perf_counter() - start


class Ran(NamedTuple):
    """A run of ours: seconds of its intake, of all after that, memory, folders of its editions."""

    intake: float
    rest: float
    memory: Memory
    folders: list[Path]


def run_all(root: Path, keys: Sequence[str]) -> Ran:
    """`nmc run` on two processes: intake, notebooks, publication."""
    command = [*NMC, "--data", str(root), "run", "--jobs", str(N_JOBS), "--allow-missing", *keys]
    began = datetime.now().astimezone()
    with Memory() as memory:
        done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT)
    ended = datetime.now().astimezone()
    if done.returncode not in (0, 3):  # 3: some rows were held out
        raise SystemExit(done.stderr[-2000:])
    log = max((root / "results" / "logs").glob("*.log"), key=lambda path: path.stat().st_mtime)
    taken = [line for line in log.read_text("utf-8").splitlines() if "приём — готово" in line]
    at = datetime.fromisoformat(taken[-1].split()[0])
    published = json.loads((root / "results" / "current.json").read_text("utf-8"))
    folders = [root / "results" / published[key] / key for key in keys]
    return Ran((at - began).total_seconds(), (ended - at).total_seconds(), memory, folders)


def profile(folders: Sequence[Path]) -> pd.DataFrame:
    """Mean seconds of each notebook: until the first cell, imports, figures, the rest."""
    rows = []
    for path in sorted(path for folder in folders for path in folder.glob("notebooks/*.ipynb")):
        node = nbformat.read(path, 4)
        row = dict.fromkeys(STEPS, 0.0) | {"notebook": path.stem}
        for cell in node.cells:
            if cell.cell_type == "code":
                is_import = "import nmc_utils" in cell.source
                kind = "imports" if is_import else "figures" if "figures" in cell.source else "rest"
                row[kind] += cell.metadata["papermill"]["duration"] or 0.0
        row["start"] = node.metadata["papermill"]["duration"] - sum(row[kind] for kind in STEPS)
        rows.append(row)
    return pd.DataFrame(rows).groupby("notebook")[list(STEPS)].mean()


def print_profile(title: str, folders: Sequence[Path]) -> None:
    """Print where the time of a notebook goes."""
    table = profile(folders)
    table.loc["всего"] = table.sum()
    print(f"\n{title}, секунд на издание:")
    print(table.rename(columns=STEP_WORDS).round(2).to_string())


def compare_ways(root: Path, n_editions: int, n_persons: int, is_profiled: bool) -> None:
    """Print the times of the three ways and their ratios."""
    keys = prepare(root, n_editions, n_persons)
    sample = keys[:N_SAMPLE]
    print(f"{len(keys)} изданий по {n_persons} работников, тетрадей {len(suite.NOTEBOOKS)}")
    ours, by_stock = [], 0.0
    for at, key in enumerate(sample):  # by turns: a machine is not equally fast all the time
        ours.append(run_all(root, keys[at :: len(sample)]))
        by_stock += timed(partial(by_stock_papermill, root, key)) / len(sample)
    rest = sum(ran.rest for ran in ours)
    largest = max((ran.memory for ran in ours), key=lambda memory: memory.once)
    each = rest / len(keys)
    print(
        f"nmc run --jobs {N_JOBS}: приём {sum(ran.intake for ran in ours):.0f} с; тетради и "
        f"публикация {rest:.1f} с, {each:.2f} с на издание; {_said(largest)}"
    )
    plain = {}
    for number, is_drawn in enumerate((False, True)):
        by_plain_calls(root, sample[0], f"0000000000-{number + 3}", is_drawn=is_drawn)  # warms up
        run, of = f"0000000000-{number + 5}", {"is_drawn": is_drawn}
        seconds = [timed(partial(by_plain_calls, root, key, run, **of)) for key in sample]
        plain[is_drawn] = sum(seconds) / len(sample)
    print(f"papermill как есть, образец {len(sample)}: {by_stock:.2f} с на издание")
    print(
        f"вызовы в одном прогретом процессе, образец {len(sample)}: {plain[False]:.2f} с на "
        f"издание, с рисованием показанного {plain[True]:.2f}"
    )
    quicker, slower, drawn = by_stock / each, each / plain[False], each / plain[True]
    met = ["НЕТ", "да"]
    print(f"быстрее papermill: {quicker:.1f}× (цель ≥ {LEAST_TIMES}) {met[quicker >= LEAST_TIMES]}")
    print(f"дольше вызовов: {slower:.2f}× (цель ≤ {MOST_TIMES}) {met[slower <= MOST_TIMES]}")
    print(f"дольше вызовов с рисованием: {drawn:.2f}×")
    if is_profiled:
        print_profile("nmc run", [folder for ran in ours for folder in ran.folders])
        print_profile("papermill как есть", [home_of(root, STOCK) / key for key in sample])


def _said(memory: Memory) -> str:
    return f"память {memory.once:.2f} ГБ (с повтором общих страниц {memory.each:.2f})"


def country(root: Path) -> None:
    """Print what a country costs, from a sample of its regions."""
    keys = prepare(root, N_SAMPLE, LARGE)
    ran = run_all(root, keys)
    times = N_REGIONS / len(keys) / 60
    print(
        f"\nстрана: {N_REGIONS} регионов × год по {LARGE} работников, образец {len(keys)}: приём "
        f"{ran.intake:.0f} с, тетради и публикация {ran.rest:.0f} с, {_said(ran.memory)}"
    )
    print(
        f"вся страна на двух ядрах: приём около {ran.intake * times:.0f} мин (одним процессом), "
        f"тетради и публикация около {ran.rest * times:.0f} мин"
    )


def main() -> None:
    """Print everything."""
    asked = argparse.ArgumentParser()
    asked.add_argument("editions", nargs="?", type=int, default=N_EDITIONS)
    asked.add_argument("--persons", type=int, default=N_PERSONS)
    asked.add_argument("--profile", action="store_true")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        compare_ways(home / "a", options.editions, options.persons, options.profile)
        country(home / "b")


if __name__ == "__main__":
    main()
