"""Approval of a run: what is recorded, what is refused, what papers say."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from conftest import nmc
from invented_collecting import RUN, publish_run

from nmc_utils import approvals as recording
from nmc_utils.approvals import approvals, approve
from nmc_utils.history import rollback, verify
from nmc_utils.results import ResultsError, results_folder

KEY = "khakassia/2023"
NEWER = "1b2c3d4e5f-1"
ORDER = {"by": "директор ЦНППМ", "order": "приказ № 12", "on": date(2024, 3, 1)}


@pytest.fixture
def edition(small, monkeypatch):
    publish_run(small.edition, monkeypatch)
    return small.edition


def test_a_run_is_a_draft_until_it_is_approved(edition):
    assert approvals(edition.root, KEY) == []
    made = approve(edition.root, KEY, RUN, by="директор  ЦНППМ\n", order=" приказ № 12 ",
                   on=date(2024, 3, 1))  # fmt: skip
    assert (made.by, made.order, made.number) == ("директор ЦНППМ", "приказ № 12", 1)
    assert made.words == "Утверждено: приказ № 12, 01.03.2024"
    assert approvals(edition.root, KEY) == [made]
    assert approvals(edition.root, "khakassia/2022") == []


def test_a_newer_run_is_a_revised_edition_and_the_history_is_kept(edition, monkeypatch):
    first = approve(edition.root, KEY, RUN, **ORDER)
    publish_run(edition, monkeypatch, NEWER, "d2")
    second = approve(edition.root, KEY, NEWER, by="директор", order="приказ № 40",
                     on=date(2024, 9, 2))  # fmt: skip
    assert (second.number, second.instead_of) == (2, first)
    assert second.words == (
        "Утверждено: приказ № 40, 02.09.2024. "
        "Уточнённая редакция № 2 взамен утверждённой: приказ № 12, 01.03.2024"
    )
    assert [made.run for made in approvals(edition.root, KEY)] == [RUN, NEWER]
    third = approve(edition.root, KEY, NEWER, **ORDER | {"order": "приказ № 41"})
    assert (third.number, third.instead_of) == (2, first), "the same run by a corrected order"


def test_approving_leaves_no_other_file(edition):
    approve(edition.root, KEY, RUN, **ORDER)
    recorded = json.loads((results_folder(edition.root) / "approvals.json").read_text("utf-8"))
    entry = {"run": RUN, "by": "директор ЦНППМ", "order": "приказ № 12", "on": "2024-03-01"}
    assert recorded == {KEY: [entry]}
    assert not list(results_folder(edition.root).glob(".approvals*"))


def test_what_is_not_published_is_refused(edition, monkeypatch):
    with pytest.raises(FileNotFoundError, match=f"прогона {NEWER} нет; есть: {RUN}"):
        approve(edition.root, KEY, NEWER, **ORDER)
    with pytest.raises(ResultsError, match="не похоже на номер прогона"):
        approve(edition.root, KEY, "../x", **ORDER)
    with pytest.raises(ResultsError, match="khakassia/2022 ничего не опубликовано"):
        approve(edition.root, "khakassia/2022", RUN, **ORDER)
    publish_run(edition, monkeypatch, NEWER)
    with pytest.raises(ResultsError, match=f"действует {NEWER}. Утверждается только действующий"):
        approve(edition.root, KEY, RUN, **ORDER)
    rollback(edition.root, KEY, RUN)
    assert approve(edition.root, KEY, RUN, **ORDER).run == RUN
    assert [made.run for made in approvals(edition.root, KEY)] == [RUN]


def test_a_damaged_run_is_refused(edition):
    table = results_folder(edition.root) / RUN / KEY / "restricted" / "intake_files.parquet"
    table.write_bytes(b"")
    with pytest.raises(ResultsError, match="изменён файл restricted/intake_files.parquet"):
        approve(edition.root, KEY, RUN, **ORDER)
    assert approvals(edition.root, KEY) == []


def test_damage_of_another_edition_of_the_run_does_not_stop_this_one(edition):
    other = results_folder(edition.root) / RUN / "khakassia" / "2022"
    other.mkdir()
    assert verify(edition.root, RUN) != [], "it has no manifest"
    assert verify(edition.root, RUN, KEY) == []
    assert approve(edition.root, KEY, RUN, **ORDER).run == RUN


@pytest.mark.parametrize(
    ("said", "told"),
    [({"order": " \n"}, r"не указан приказ \(--order\)"), ({"by": ""}, r"кто утвердил \(--by\)")],
)
def test_who_and_by_which_order_must_be_said(edition, said, told):
    with pytest.raises(ResultsError, match=told):
        approve(edition.root, KEY, RUN, **ORDER | said)


def test_the_same_approval_twice_is_refused(edition):
    approve(edition.root, KEY, RUN, **ORDER)
    with pytest.raises(ResultsError, match="уже утверждён: приказ № 12, 01.03.2024"):
        approve(edition.root, KEY, RUN, **ORDER)


def test_a_run_that_was_gone_back_to_is_approved_again(edition, monkeypatch):
    approve(edition.root, KEY, RUN, **ORDER)
    publish_run(edition, monkeypatch, NEWER, "d2")
    second = approve(edition.root, KEY, NEWER, **ORDER)
    rollback(edition.root, KEY, RUN)
    again = approve(edition.root, KEY, RUN, **ORDER)
    assert (again.run, again.number, again.instead_of) == (RUN, 3, second)
    assert approvals(edition.root, KEY)[-1] == again


def test_of_approvals_at_once_none_is_lost(edition, monkeypatch):
    """Reading is slow here: without the lock all would read the empty record."""
    read = recording._read
    monkeypatch.setattr(recording, "_read", lambda root: (read(root), time.sleep(0.02))[0])
    orders = [f"приказ № {number}" for number in range(6)]
    with ThreadPoolExecutor(len(orders)) as pool:
        list(pool.map(lambda o: approve(edition.root, KEY, RUN, **ORDER | {"order": o}), orders))
    assert sorted(made.order for made in approvals(edition.root, KEY)) == orders
    assert not list(results_folder(edition.root).glob(".approvals*"))


def test_a_record_that_is_held_too_long_is_told(edition, monkeypatch):
    monkeypatch.setattr(recording, "_PATIENCE", 0.05)
    lock = results_folder(edition.root) / ".approvals.lock"
    lock.touch()
    with pytest.raises(ResultsError, match="ещё записывается.*удалите файл .*approvals.lock"):
        approve(edition.root, KEY, RUN, **ORDER)
    assert lock.exists(), "somebody else's"
    assert approvals(edition.root, KEY) == []


@pytest.mark.parametrize(
    "text", ["[", "[]", '{"khakassia/2023": [{}]}', '{"khakassia/2023": [{"on": "вчера"}]}']
)
def test_a_damaged_record_is_told_and_not_written_over(edition, text):
    record = results_folder(edition.root) / "approvals.json"
    record.write_text(text, "utf-8")
    with pytest.raises(ResultsError, match="approvals.json: файл утверждений повреждён"):
        approve(edition.root, KEY, RUN, **ORDER)
    assert record.read_text("utf-8") == text


def test_the_command_records_and_tells(edition):
    words = [
        "approve",
        "khakassia",
        "2023",
        RUN,
        "--by",
        "директор ЦНППМ",
        "--order",
        "приказ № 12",
    ]
    done = nmc(edition.root, *words, "--on", "2024-03-01", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "edition": KEY,
        "run": RUN,
        "by": "директор ЦНППМ",
        "order": "приказ № 12",
        "on": "2024-03-01",
        "number": 1,
        "instead_of": None,
    }
    later = nmc(edition.root, *words, "--on", "2999-01-01")
    assert later.returncode == 2
    assert "дата приказа 01.01.2999 ещё не наступила" in later.stderr
