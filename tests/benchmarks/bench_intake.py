"""Time and memory of taking in a file of 200 000 rows × 60 columns, beside a bare read of it.

python tests/benchmarks/bench_intake.py [rows]
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from itertools import islice, product
from pathlib import Path

import numpy as np
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

#: How much longer than the bare read the intake may take, and GB of memory of each process.
MOST_TIMES, MOST_MEMORY = 1.5, 2.0
CHECKOUT = Path(__file__).resolve().parents[2]
N_ROWS, N_ITEMS, N_PEOPLE, N_FORMS = 200_000, 54, 1_000, 100
HEADERS = {
    "Процедуры": [
        *("Код процедуры", "Организатор", "Цель", "Версия инструментария"),
        *("Протокол утверждения", "Как отобраны участники", "Сопоставимость с предыдущей"),
    ],
    "Формы": [
        *("Код формы", "Код процедуры", "Компетенция", "Предметная группа", "Число заданий"),
        *("Максимальный балл", "Надёжность", "Источник надёжности"),
    ],
    "Задания": [
        *("Код задания", "Код формы", "Номер в форме", "Компетенция", "Максимальный балл"),
        "Общее задание форм",
    ],
}
PERSON = ["Фамилия", "Имя", "Отчество", "Дата рождения"]
STAFF = [
    *("Педагогический стаж, лет", "Образование", "Квалификационная категория"),
    *("Дата аттестации", "Дата приёма"),
]
ABOUT = "origin: demonstration\nperiod_kind: calendar_year\nas_of: 2023-12-31\n"

BARE = """
import pandas as pd
from python_calamine import CalamineWorkbook
header, *rows = CalamineWorkbook.from_path(path).get_sheet_by_name("Ответы").to_python()
frame = pd.DataFrame(rows, columns=header)
frame["Дата рождения"] = pd.to_datetime(frame["Дата рождения"])
for name in ("Фамилия", "Имя", "Отчество", "Этап", "Код формы"):
    frame[name] = frame[name].astype("str")
for name in header[6:]:
    frame[name] = pd.to_numeric(frame[name]).astype("float64")
assert frame.shape[1] == 60
"""
READ = """
from pathlib import Path
from nmc_utils.intake import values, workbook
from nmc_utils.tables import DATE
grid = workbook.read("файл", Path(path).read_bytes()).sheets[1].grid.loc[2:]
values.typed(grid[3], DATE)
for column in range(6, 60):
    assert not values.typed(grid[column], "float64").wrong.any()
"""
TAKE_IN = """
from pathlib import Path
from nmc_utils.editions import edition
from nmc_utils.intake import take_in
done = take_in(edition("khakassia", "2023", Path(path).parents[3]))
print(done.tables.get("responses"), "ответов принято,", done.held_out, "строк задержано")
"""
MEASURED = """
import resource, sys, time
path = sys.argv[1]
start = time.perf_counter()
{code}
seconds = time.perf_counter() - start
from nmc_utils.reading.client import READER
READER.close()
peaks = [resource.getrusage(who).ru_maxrss / 2**20 for who in
         (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(seconds, *peaks)
"""


def write(path: Path, n_rows: int) -> None:
    """A region in which each of a thousand people took every form twice."""
    rng = np.random.default_rng(1)
    takes = product(range(N_PEOPLE), range(1, N_FORMS + 1), ("входная", "выходная"))
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        mark = "Демонстрационные данные: не сведения о регионе"
        book.add_worksheet("Пояснение").write_string(0, 0, mark)
        sheet = book.add_worksheet("Ответы")
        sheet.write_row(0, 0, [*PERSON, "Этап", "Код формы", *map(str, range(1, N_ITEMS + 1))])
        for row, (person, form, wave) in enumerate(islice(takes, n_rows), start=1):
            _write_person(sheet, row, person, day)
            sheet.write_string(row, 4, wave)
            sheet.write_string(row, 5, str(form))
            for column, score in enumerate(rng.integers(0, 2, N_ITEMS).tolist(), start=6):
                sheet.write_number(row, column, score)
        sheet = book.add_worksheet("Сотрудники")
        sheet.write_row(0, 0, [*PERSON, *STAFF])
        for person in range(N_PEOPLE):
            _write_person(sheet, person + 1, person, day)
        _write_forms(book)


def _write_person(sheet: Worksheet, row: int, person: int, day: Format) -> None:
    syllables = ("ан", "ел", "ин", "ор", "ум", "ат", "ек", "ис", "ол", "ур")
    surname = "Б" + "".join(syllables[int(digit)] for digit in str(person)) + "ова"
    for column, text in enumerate((surname, "Анна", "Петровна")):
        sheet.write_string(row, column, text)
    sheet.write_datetime(row, 3, datetime(1960, 1, 1) + timedelta(days=person * 10), day)


def _write_forms(book: xlsxwriter.Workbook) -> None:
    """The procedure, the forms and their items, without which no answer is accepted."""
    forms, items = range(1, N_FORMS + 1), range(1, N_ITEMS + 1)
    subject = "Математика и информатика"
    written = {
        "Процедуры": [["P1", "ЦНППМ"]],
        "Формы": [[str(f), "P1", "Предметные", subject, N_ITEMS, N_ITEMS] for f in forms],
        "Задания": [[f"з{f}-{n}", str(f), n, "Предметные", 1, "нет"] for f in forms for n in items],
    }
    for name, rows in written.items():
        sheet = book.add_worksheet(name)
        for number, row in enumerate([HEADERS[name], *rows]):
            sheet.write_row(number, 0, row)


def measured(code: str, path: Path) -> tuple[float, float, float, str]:
    """Seconds, peak memory of the process and of its child in GB, and what it printed."""
    command = [sys.executable, "-c", MEASURED.format(code=code), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT)
    if done.returncode:
        return 0.0, 0.0, 0.0, "не удалось: " + done.stderr.strip().splitlines()[-1][:200]
    *said, numbers = done.stdout.strip().splitlines()
    seconds, own, child = map(float, numbers.split())
    return seconds, own, child, " ".join(said)


def main(n_rows: int) -> None:
    """Print the three measurements, as ratios to the first."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "regions" / "khakassia"
        (home / "2023").mkdir(parents=True)
        for name in ("region.yaml", "published.csv"):
            shutil.copy(CHECKOUT / "data" / "regions" / "khakassia" / name, home / name)
        (home / "2023" / "edition.yaml").write_text(ABOUT, "utf-8")
        path = home / "2023" / "abakan.xlsx"
        write(path, n_rows)
        print(f"приём файла {n_rows} × {N_ITEMS + 6}, {path.stat().st_size / 1e6:.0f} МБ")
        _print_all(path)


def _print_all(path: Path) -> None:
    bare = 0.0
    for name, code in {"calamine и типы": BARE, "чтение и типы": READ, "приём": TAKE_IN}.items():
        seconds, own, child, said = measured(code, path)
        bare = bare or seconds
        times = seconds / bare if bare else float("nan")
        numbers = f"{seconds:6.1f} с  × {times:4.2f}  память {own:.2f} ГБ, чтение {child:.2f} ГБ"
        print(f"{name:16} {numbers.replace('.', ',')}  {said}")
    target = f"приём не дольше × {MOST_TIMES:g}, памяти меньше {MOST_MEMORY:g} ГБ"
    print(f"цель: {target.replace('.', ',')}; {_verdict(times, max(own, child))}")


def _verdict(times: float, memory: float) -> str:
    """What of the target was met by the last measurement."""
    time_is_met, memory_is_met = 0 < times <= MOST_TIMES, 0 < memory < MOST_MEMORY
    return ", ".join(
        f"{what} {'уложились' if is_met else 'не уложились'}"
        for what, is_met in (("по времени", time_is_met), ("по памяти", memory_is_met))
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else N_ROWS)
