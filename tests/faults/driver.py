"""`make faults`: provoke every fault many times and print one table.

Called as ``driver.py [SEED]``.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
from faults import notebooks, trials  # noqa: E402


def main(seed: int) -> int:
    every = {
        "kill -9 на каждом файловом событии": lambda at: trials.killed_at_every_event(at),
        "kill -9 в случайный миг": lambda at: trials.killed_at_random(at, 500, seed),
        "от двух до восьми запусков сразу": lambda at: trials.started_at_once(at, 50),
        "чтение во время 500 публикаций": lambda at: trials.read_beside_publishing(at, 500),
        "перевёрнутый бит": lambda at: trials.flipped_bits(at, 1000, seed),
        "файл удалён или добавлен": trials.removed_and_added,
        "другие часы и часовой пояс": trials.other_clocks,
        "файловая система без замков": trials.no_locks,
        "ячейка висит, падает, ядро убито, мало памяти": notebooks.spoiled,
        "kill -9 посреди записи тетради": lambda at: notebooks.killed_while_writing(at, 20),
    }
    if os.geteuid() == 0:
        every["диск заполняется во время прогона"] = lambda at: trials.full_disk(at, 40)
        every["диск мал, без узлов, только для чтения"] = trials.refused_before_work
    else:
        print("Диски с ограничениями не проверены: нужны права root.")
    failed = 0
    print(f"Зерно {seed}\n{'Отказ':<42}{'Попыток':>9}{'Секунд':>8}  Итог")
    for fault, provoke in every.items():
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            n, wrong = provoke(Path(folder))
        took = time.monotonic() - began
        print(f"{fault:<42}{n:>9}{took:>8.0f}  {'выдержан' if not wrong else wrong[:3]}")
        failed += bool(wrong)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
