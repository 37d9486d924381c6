"""Faults of a run, provoked: `make faults` does the same many more times."""

from __future__ import annotations

import os

import pytest
from faults import notebooks, trials

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="ограничить диск может только root: нужна команда mount"
)


def test_killed_at_some_of_the_moments_at_which_it_changes_files(tmp_path):
    n, wrong = trials.killed_at_every_event(tmp_path, every=29)
    assert n > 3
    assert wrong == []


@pytest.mark.long
def test_killed_at_most_moments_at_which_it_changes_files(tmp_path):
    assert trials.killed_at_every_event(tmp_path, every=3)[1] == []


@pytest.mark.long
def test_killed_at_random_moments(tmp_path):
    killed, wrong = trials.killed_at_random(tmp_path, 30, seed=1)
    assert killed >= 30 and wrong == []


def test_of_several_started_at_once_one_proceeds(tmp_path):
    assert trials.started_at_once(tmp_path, 2) == (2, [])


def test_a_reader_beside_publications_sees_whole_runs(tmp_path):
    n_read, wrong = trials.read_beside_publishing(tmp_path, 40)
    assert n_read > 2
    assert wrong == []


def test_a_flipped_bit_is_noticed_and_not_read(tmp_path):
    assert trials.flipped_bits(tmp_path, 25, seed=1) == (25, [])


def test_a_removed_and_an_added_file_are_named(tmp_path):
    assert trials.removed_and_added(tmp_path)[1] == []


def test_the_clock_and_its_zone_are_in_no_table(tmp_path):
    assert trials.other_clocks(tmp_path)[1] == []


def test_a_file_system_without_locks_is_refused(tmp_path):
    assert trials.no_locks(tmp_path)[1] == []


@pytest.mark.long
def test_whatever_a_notebook_does_spoils_nothing(tmp_path):
    assert notebooks.spoiled(tmp_path)[1] == []


@pytest.mark.long
def test_a_large_notebook_is_never_half_published(tmp_path):
    assert notebooks.killed_while_writing(tmp_path, 6)[1] == []


@needs_root
def test_a_disk_that_is_small_or_only_read_is_refused_before_anything_is_done(tmp_path):
    assert trials.refused_before_work(tmp_path)[1] == []


@needs_root
def test_a_disk_that_fills_spoils_nothing_and_is_said(tmp_path):
    assert trials.full_disk(tmp_path, 3)[1] == []
