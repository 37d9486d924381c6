"""Each function provokes one fault `n` times and returns what went wrong, in sentences."""

from __future__ import annotations

import errno
import json
import os
import random
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
from faults import laboratory as lab

from nmc_utils import history, holding, results, runs


def fresh(folder: Path, name: object, size: int = 10, **options) -> lab.Laboratory:
    """A laboratory in which nothing has happened yet."""
    template, place = folder / f"template{size}", folder / str(name)
    if not template.is_dir():
        template.mkdir(parents=True)
        lab.build(template, size=size)
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(template, place)
    return lab.Laboratory(place / "data", place / "notebooks", **options)


def undisturbed(folder: Path, size: int = 10) -> dict[str, str]:
    """The tables of a run that nothing happens to."""
    made = fresh(folder, "undisturbed", size)
    text, _ = lab.tried(lambda: lab.statuses(made))
    assert text == "published; published", text
    return made.tables()


def killed_at_every_event(folder: Path, every: int = 1) -> tuple[int, list[str]]:
    """SIGKILL at each `every`-th of all events by which a run changes files."""
    expected, wrong = undisturbed(folder), []
    for trial, at in enumerate(range(1, 10_000, every), 1):
        made = fresh(folder, "trial")
        earlier = made.earlier()
        text, was_killed = lab.tried(lab.killing_itself(made, at))
        if not was_killed:
            if not text.endswith("published; published"):
                wrong.append(f"событие {at}: {text}")
            return trial, wrong
        after = lab.broken(made, earlier) + lab.broken_for_good(made, earlier, expected)
        wrong += [f"событие {at}: {line}" for line in after]
    raise AssertionError("событий без конца")


def killed_at_random(folder: Path, n: int, seed: int) -> tuple[int, list[str]]:
    """SIGKILL of `n` living runs at random moments, twice in a row in every third trial."""
    expected, wrong, moments = undisturbed(folder, 20_000), [], random.Random(seed)
    began, made = time.monotonic(), fresh(folder, "timed", 20_000)
    lab.tried(lambda: lab.statuses(made))
    takes = time.monotonic() - began
    killed = 0
    for trial in range(10 * n):
        if killed >= n:
            break
        made = fresh(folder, "trial", 20_000)
        earlier = made.earlier()
        for _ in range(1 + (trial % 3 == 0)):
            killed += lab.killed_after(made, moments.uniform(0, takes))
            wrong += [f"попытка {trial}: {line}" for line in lab.broken(made, earlier)]
        after = lab.broken_for_good(made, earlier, expected)
        wrong += [f"попытка {trial}: {line}" for line in after]
    if killed < n:
        wrong.append(f"из {n} живых прогонов убито {killed}")
    return killed, wrong


def started_at_once(folder: Path, n: int) -> tuple[int, list[str]]:
    """Two to eight runs of the same editions start together: one proceeds, the rest say who."""
    expected, wrong = undisturbed(folder), []
    for trial in range(n):
        made = fresh(folder, "trial")
        earlier = made.earlier()
        go, sent_away, started = os.pipe(), os.pipe(), 2 + trial % 7

        def wait(run, away=sent_away[0], others=started - 1) -> None:
            for _ in range(others):  # the one that has begun goes on when all others have come
                if select.select([away], [], [], 20)[0]:
                    os.read(away, 1)

        def work(made=made, gate=go[0], away=sent_away[1], wait=wait) -> str:
            os.read(gate, 1)
            try:
                return lab.statuses(made, begun=wait)
            except holding.Busy:
                os.write(away, b".")
                raise

        those = [lab.forked(work) for _ in range(started)]
        os.write(go[1], b"." * started)
        told = [lab.said(*one)[0] for one in those]
        [os.close(end) for end in (*go, *sent_away)]
        busy = [text for text in told if "уже работает другой прогон (процесс " in text]
        if told.count("published; published") != 1 or len(busy) != started - 1:
            wrong.append(f"круг {trial}: {told}")
        if made.tables() != expected:
            wrong.append(f"круг {trial}: таблицы не те, что у непотревоженного прогона")
        wrong += lab.broken_for_good(made, earlier, expected)
    return n, wrong


def read_beside_publishing(folder: Path, n: int) -> tuple[int, list[str]]:
    """A reader at full speed beside `n` publications: it always sees one whole run."""
    made = fresh(folder, "trial")
    of = made.editions[0]

    def publish(number: int) -> None:
        table = pd.DataFrame({"number": [number]})
        lab.publish_tables(of, f"{number:010d}-1", {"one": table, "two": table})

    publish(0)

    def work() -> str:
        for number in range(1, n + 1):
            publish(number)
        return "опубликовано"

    pid, told = lab.forked(work)
    n_read, wrong, seen = 0, [], set()
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        found = results.results(of)
        one, two = (int(found[name].loc[0, "number"]) for name in ("one", "two"))
        n_read += 1
        seen.add(one)
        if one != two or found.run != f"{one:010d}-1":
            wrong.append(f"смешано: {one} и {two} из {found.run}")
    with os.fdopen(told) as stream:
        if (text := stream.read()) != "опубликовано":
            wrong.append(text)
    if len(seen) < 2:
        wrong.append("читатель не застал ни одной смены")
    return n_read, wrong


def flipped_bits(folder: Path, n: int, seed: int) -> tuple[int, list[str]]:
    """One bit of one published file is flipped: `verify` names it and reading refuses."""
    made, chance, wrong = fresh(folder, "trial"), random.Random(seed), []
    lab.tried(lambda: lab.statuses(made))
    of = made.editions[0]
    home = results.results(of).folder
    files = sorted(path for path in home.rglob("*") if path.is_file())
    for trial in range(n):
        path = files[trial % len(files)]
        whole = bytearray(path.read_bytes())
        spoiled = whole.copy()
        spoiled[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(spoiled)
        name = path.relative_to(home).as_posix()
        said = "манифест" if name == "manifest.json" else name
        if not any(said in line for line in history.verify(made.root)):
            wrong.append(f"{name}: verify не заметил")
        if path.suffix != ".ipynb":
            try:
                {name: results.results(of)[name] for name in results.results(of)}
                wrong.append(f"{name}: прочитано повреждённое")
            except results.ResultsError:
                pass
        path.write_bytes(whole)
    return n, wrong + history.verify(made.root)


def removed_and_added(folder: Path) -> tuple[int, list[str]]:
    """Every file of a published run is removed in turn; then a strange one is added."""
    made, wrong = fresh(folder, "trial"), []
    lab.tried(lambda: lab.statuses(made))
    home = results.results(made.editions[0]).folder
    files = sorted(path for path in home.rglob("*") if path.is_file())
    for path in files:
        whole = path.read_bytes()
        path.unlink()
        if not any(path.name in line for line in history.verify(made.root)):
            wrong.append(f"{path.name}: verify не заметил, что файла нет")
        path.write_bytes(whole)
    (home / "restricted" / "strange.parquet").write_bytes(b"")
    if not any("лишний файл" in line for line in history.verify(made.root)):
        wrong.append("лишний файл не замечен")
    return len(files) + 1, wrong


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    """A file system in memory with these limits. Needs root."""
    place = folder / "disk"
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def full_disk(folder: Path, n: int) -> tuple[int, list[str]]:
    """The disk fills when 0…100 % of what a run needs is written; then room is made."""
    size, wrong, said_so = 400_000, [], 0
    expected = undisturbed(folder, size)
    for trial in range(n):
        with small_disk(folder, "size=24m") as place:
            made = lab.build(place, size=size)
            earlier, filler = made.earlier(), place / "filler"
            room = round(trial * _takes(folder) / max(n - 1, 1))
            filler.write_bytes(b"\0" * max(0, shutil.disk_usage(place).free - room))
            text, was_killed = lab.tried(lambda made=made: _without_preflight(made))
            said_so += "мало места" in text
            if was_killed or "Traceback" in text:
                wrong.append(f"место {room}: {text}")
            if "failed" in text and "мало места: нужно" not in text.replace(" на диске", ""):
                wrong.append(f"место {room}: не сказано о месте: {text}")
            wrong += [f"место {room}: {line}" for line in lab.broken(made, earlier)]
            filler.unlink()
            after = _after_room_was_made(made, earlier, expected)
            wrong += [f"место {room}: {line}" for line in after]
    return n, wrong + ([] if said_so else ["места хватило всегда"])


def _takes(folder: Path) -> int:
    """Bytes that a run of the undisturbed laboratory has left."""
    results_of = folder / "undisturbed" / "data" / "results"
    return 2 * sum(path.stat().st_size for path in results_of.rglob("*") if path.is_file())


def _without_preflight(made: lab.Laboratory) -> str:
    runs._LEAST_SPACE = 0  # the disk is to fill later
    runs._LEAST_FILES = 0
    return lab.statuses(made)


def _after_room_was_made(made, earlier, expected) -> list[str]:
    least, runs._LEAST_SPACE = runs._LEAST_SPACE, 0
    try:
        return lab.broken_for_good(made, earlier, expected)
    finally:
        runs._LEAST_SPACE = least


def refused_before_work(folder: Path) -> tuple[int, list[str]]:
    """A small disk, one without inodes, a read-only one, one without locks: one sentence each."""
    wrong = []
    cases = [("size=8m", "мало места"), ("size=200m,nr_inodes=100", "новых файлов")]
    for options, sentence in cases:
        with small_disk(folder, options) as place:
            wrong += _refused(lab.build(place), sentence, str(place))
    with small_disk(folder, "size=200m") as place:
        made = lab.build(place)
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        wrong += _refused(made, "сюда нельзя писать", str(place))
    return len(cases) + 1, wrong


def no_locks(folder: Path) -> tuple[int, list[str]]:
    """A file system that cannot lock is refused."""
    made = fresh(folder, "trial")

    def work() -> str:
        import fcntl

        def refuse(*_):
            raise OSError(errno.ENOSYS, "Function not implemented")

        fcntl.flock = refuse
        return lab.statuses(made)

    text, _ = lab.tried(work)
    return 1, [] if "не умеет запирать файлы" in text else [text]


def _refused(made: lab.Laboratory, sentence: str, path: str) -> list[str]:
    before = lab.digests(made.root)
    text, _ = lab.tried(lambda: lab.statuses(made))
    wrong = []
    if not (text.startswith("отказ: ") and sentence in text and path in text):
        wrong.append(text)
    if lab.digests(made.root) != before:
        wrong.append(f"{sentence}: что-то изменено")
    return wrong


def _clock(shift: timedelta) -> type[datetime]:
    """A clock that is `shift` ahead."""

    class Shifted(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + shift

    return Shifted


def other_clocks(folder: Path) -> tuple[int, list[str]]:
    """Another time zone, a year ahead, a day back: the same bytes."""
    expected, wrong, places = undisturbed(folder), [], ("Asia/Kamchatka", "America/New_York")
    cases = [(zone, shift) for zone in places for shift in (365 * 86400, -86400)]
    for zone, shift in cases:
        made = fresh(folder, "trial")

        def work(made=made, zone=zone, shift=shift) -> str:
            os.environ["TZ"] = zone
            time.tzset()
            results.datetime = runs.datetime = _clock(timedelta(seconds=shift))
            return lab.statuses(made)

        text, _ = lab.tried(work)
        if text != "published; published" or made.tables() != expected:
            wrong.append(f"{zone}, {shift} с: {text}")
        last = (results.results_folder(made.root) / "log.jsonl").read_text("utf-8").splitlines()[-1]
        logged = datetime.fromisoformat(json.loads(last)["at"])
        if abs(logged - datetime.now().astimezone() - timedelta(seconds=shift)) > timedelta(
            hours=1
        ):
            wrong.append(f"{zone}, {shift} с: часы в журнале не те, {logged}")
    return len(cases), wrong
