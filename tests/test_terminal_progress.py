"""What is told of a run as it goes: lines, bars, the log."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.progress import Progress

from nmc_utils import terminal_progress
from nmc_utils.terminal_progress import Steps, steps_of

ONE, TWO = SimpleNamespace(key="khakassia/2022"), SimpleNamespace(key="khakassia/2023")
COUNTS = {ONE.key: 2, TWO.key: 2}


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on when it is told to."""
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(terminal_progress.time, "monotonic", lambda: now.seconds)
    return now


def _lines(path):
    """Lines of a log without their times, which must be there."""
    stamp = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d ")
    lines = path.read_text("utf-8").splitlines()
    assert all(stamp.match(line) for line in lines), lines
    return [stamp.sub("", line) for line in lines]


def test_without_a_terminal_a_line_says_that_a_step_begins(capsys):
    with steps_of(COUNTS) as steps:
        steps(ONE, "приём", False)
        steps(ONE, "приём", True)
    assert capsys.readouterr().err == "khakassia/2022: приём…\n"


def test_quiet_is_quiet_and_verbose_tells_how_kernels_started(capsys, clock):
    with steps_of(COUNTS, is_quiet=True) as steps:
        steps(ONE, "приём", False)
    assert capsys.readouterr().err == ""
    with steps_of(COUNTS, is_verbose=True) as steps:
        for edition, cold in ((ONE, ""), (TWO, "на этой системе нет fork")):
            steps(edition, "02_diagnostics", False)
            clock.seconds += 1.25
            steps(edition, "02_diagnostics", True, cold)
    assert capsys.readouterr().err.splitlines() == [
        "khakassia/2022: 02_diagnostics…",
        "khakassia/2022: 02_diagnostics — 1,2 с; ядро из запаса",
        "khakassia/2023: 02_diagnostics…",
        "khakassia/2023: 02_diagnostics — 1,2 с; обычный запуск ядра: на этой системе нет fork",
    ]


def test_the_log_holds_also_what_was_told_before_it_had_a_name(tmp_path, clock):
    path = tmp_path / "logs" / "0123456789-1.log"
    steps = Steps(COUNTS, is_quiet=True)
    steps(ONE, "приём", False)
    clock.seconds += 10
    steps(ONE, "приём", True)
    steps.log_to(path)
    steps(TWO, "приём", False)  # between the steps of another edition
    steps(ONE, "02_diagnostics", False)
    clock.seconds += 200
    steps(TWO, "приём", True)
    steps.ended(ONE, "не опубликовано")
    steps(TWO, "02_diagnostics", False)
    clock.seconds += 1
    steps(TWO, "02_diagnostics", True, "")
    assert _lines(path) == [
        "khakassia/2022: приём — начато",
        "khakassia/2022: приём — готово за 10,0 с; 1 из 4, осталось около 30 с",
        "khakassia/2023: приём — начато",
        "khakassia/2022: 02_diagnostics — начато",
        "khakassia/2023: приём — готово за 200,0 с; 2 из 4, осталось около 210 с",
        "khakassia/2022: не опубликовано; 3 из 4, осталось около 70 с",
        "khakassia/2023: 02_diagnostics — начато",
        "khakassia/2023: 02_diagnostics — готово за 1,0 с; ядро из запаса; 4 из 4",
    ]


@pytest.mark.parametrize(
    ("seconds", "said"), [(59.6, "60 с"), (299, "299 с"), (300, "5 мин"), (7260, "2 ч 1 мин")]
)
def test_a_span_is_said_in_few_figures(seconds, said):
    assert terminal_progress._span(seconds) == said


def test_a_log_that_cannot_be_written_stops_nothing_and_is_said_once(tmp_path, capsys):
    steps = Steps(COUNTS)
    steps.log_to(tmp_path / "logs" / "a.log")
    (tmp_path / "logs").rmdir()
    steps(ONE, "приём", False)
    steps(ONE, "приём", True)
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if "журнал больше не пишется" in line] == said[:1]


def test_a_terminal_shows_a_bar_of_all_and_one_of_each_edition_at_work():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    bars = Progress(console=console, auto_refresh=False)
    steps = Steps(COUNTS, bars=bars)
    steps(ONE, "приём", False)
    steps(TWO, "приём", False)
    steps(TWO, "приём", True)
    shown = [(task.description, task.completed, task.total) for task in bars.tasks]
    assert shown == [
        ("Всего", 1, 4),
        ("khakassia/2022: приём", 0, 2),
        ("khakassia/2023: приём", 1, 2),
    ]
    steps.ended(ONE, "не опубликовано")
    assert [(t.description, t.completed) for t in bars.tasks] == [
        ("Всего", 3),
        ("khakassia/2023: приём", 1),
    ]
