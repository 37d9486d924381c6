"""The calendar skeleton: who is free when, and iCalendar by the letter of RFC 5545."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from invented_groups import FIRST, group_tables, groups_edition

from nmc_utils.documents.calendar import (
    Event,
    first_working_monday,
    icalendar,
    schedule,
    working_day,
)
from nmc_utils.documents.groups import group_papers

MONDAY = date(2024, 1, 15)
NOBODY = pd.DataFrame({"group_id": [], "person_id": []}, dtype="str")
NASTY = "запятая, точка; дробь\\ и\r\nновая строка\x07: «кавычки»"


def groups_of(*rows: tuple) -> pd.DataFrame:
    """Group, number of its topics, leader, place."""
    frame = pd.DataFrame(rows, columns=["group_id", "n", "leader_id", "place"])
    topics = [
        [f"{group}{i}" for i in range(n)] for group, n in zip(frame.group_id, frame.n, strict=True)
    ]
    return frame.assign(topics=topics)


def times(found: pd.DataFrame, group: str) -> list[str]:
    mine = found[found["group_id"] == group].sort_values("number")
    return [f"{begins:%d.%m %H}" for begins in mine["begins"]]


# --- when -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2024, 1, 15), date(2024, 1, 15)),
        (date(2024, 1, 13), date(2024, 1, 15)),  # Saturday
        (date(2023, 12, 30), date(2024, 1, 9)),  # Saturday before the New Year's holidays
        (date(2024, 2, 23), date(2024, 2, 26)),  # a holiday on Friday
    ],
)
def test_a_working_day_is_no_weekend_and_no_holiday(day, expected):
    assert working_day(day) == expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (date(2023, 12, 31), date(2024, 1, 15)),  # 1 and 8 January are holidays
        (date(2024, 9, 1), date(2024, 9, 2)),
        (date(2024, 9, 2), date(2024, 9, 9)),  # after the day itself
        (date(2024, 10, 31), date(2024, 11, 11)),  # 4 November is a holiday
    ],
)
def test_first_working_monday(after, expected):
    assert first_working_monday(after) == expected


def test_sessions_of_a_leader_follow_each_other_and_go_on_after_two_weeks():
    groups = groups_of(("a", 2, "x", "Абакан"), ("b", 1, "x", "Абакан"), ("c", 1, "y", "Абакан"))
    found = schedule(groups, NOBODY, start=MONDAY, days=14, hours=2)
    assert times(found, "a") == ["15.01 10", "29.01 10"]
    assert times(found, "b") == ["15.01 12"]
    assert times(found, "c") == ["15.01 10"]
    assert list(found.columns) == ["group_id", "number", "topic", "begins", "ends"]
    assert found["topic"].tolist() == ["a0", "c0", "b0", "a1"]
    assert (found["ends"] - found["begins"] == timedelta(hours=2)).all()


def test_a_leader_is_in_one_place_a_day_and_works_no_longer_than_eight_hours():
    groups = groups_of(("a", 1, "x", "Абакан"), ("b", 1, "x", "Абаза"), ("c", 1, "x", "Абакан"))
    found = schedule(groups, NOBODY, start=MONDAY, days=14, hours=3)
    assert [times(found, group) for group in "abc"] == [["15.01 10"], ["16.01 10"], ["15.01 13"]]
    many = groups_of(*((name, 1, "x", None) for name in "abc"))
    found = schedule(many, NOBODY, start=date(2024, 1, 19), days=14, hours=3)
    assert times(found, "c") == ["22.01 10"]  # two sessions fit into Friday
    long = schedule(many, NOBODY, start=MONDAY, days=14, hours=12)
    assert [times(long, group) for group in "abc"] == [["15.01 10"], ["16.01 10"], ["17.01 10"]]


def test_a_leader_who_learns_in_another_group_is_busy_then():
    groups = groups_of(("a", 1, "x", None), ("b", 1, "y", None), ("c", 1, None, None))
    learning = pd.DataFrame({"group_id": ["b", "b", "c"], "person_id": ["x", "z", "z"]})
    found = schedule(groups, learning, start=MONDAY, days=14, hours=2)
    assert times(found, "b") == ["15.01 12"]
    assert times(found, "c") == ["15.01 10"]  # nobody of it leads


@pytest.mark.parametrize("seed", range(5))
def test_no_leader_is_asked_to_be_twice_and_nobody_on_a_day_off(seed):
    rng = np.random.default_rng(seed)
    rows = [
        (f"g{i}", int(rng.integers(1, 5)), f"l{rng.integers(4)}", f"p{rng.integers(2)}")
        for i in range(25)
    ]
    groups = groups_of(*rows)
    learning = pd.DataFrame(
        {"group_id": [f"g{i}" for i in range(25)], "person_id": rng.choice(["l0", "l1", "z"], 25)}
    )
    days, hours = int(rng.integers(1, 20)), int(rng.integers(1, 6))
    found = schedule(groups, learning, start=date(2023, 12, 20), days=days, hours=hours)
    assert len(found) == sum(n for _, n, *_ in rows)
    assert found["begins"].dt.day_of_week.max() < 5
    assert not found["begins"].between("2024-01-01", "2024-01-08 23:00").any()
    busy = pd.concat(
        [groups[["group_id", "leader_id"]].set_axis(learning.columns, axis=1), learning]
    )
    busy = busy[busy["person_id"] != "z"].drop_duplicates()
    asked = found.merge(busy, on="group_id").merge(groups[["group_id", "place"]], on="group_id")
    for _, mine in asked.sort_values("begins").groupby("person_id"):
        assert (mine["begins"].iloc[1:].to_numpy() >= mine["ends"].iloc[:-1].to_numpy()).all()
        assert mine.groupby(mine["begins"].dt.date)["place"].nunique().max() == 1
    for _, mine in found.sort_values("number").groupby("group_id"):
        assert (mine["begins"].dt.normalize().diff().dropna() >= timedelta(days=days)).all()
    mixed = groups.sample(frac=1, random_state=seed), learning.sample(frac=1, random_state=seed)
    again = schedule(*mixed, start=date(2023, 12, 20), days=days, hours=hours)
    pd.testing.assert_frame_equal(again, found)


# --- iCalendar ------------------------------------------------------------------------------------


def parsed(content: bytes) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Properties of the calendar and of its events, read as RFC 5545 says."""
    assert content.endswith(b"\r\n") and b"\n" not in content.replace(b"\r\n", b"")
    physical = content.removesuffix(b"\r\n").split(b"\r\n")
    assert max(map(len, physical)) <= 75
    lines: list[str] = []
    for line in physical:
        text = line.decode("utf-8")  # no character is cut in two
        if text.startswith(" "):
            lines[-1] += text[1:]
        else:
            lines.append(text)
    pairs = [line.split(":", 1) for line in lines]
    assert pairs[0] == ["BEGIN", "VCALENDAR"] and pairs[-1] == ["END", "VCALENDAR"]
    about: dict[str, str] = {}
    events: list[dict[str, str]] = []
    place = about
    for name, value in pairs[1:-1]:
        if (name, value) == ("BEGIN", "VEVENT"):
            events.append(place := {})
        elif (name, value) == ("END", "VEVENT"):
            place = about
        else:
            assert name not in place
            place[name] = unescaped(value)
    return about, events


def unescaped(value: str) -> str:
    signs = iter(value)
    read = ""
    for sign in signs:
        assert sign not in ",;", "a bare separator"
        if sign == "\\":
            sign = {"n": "\n", "\\": "\\", ",": ",", ";": ";"}[next(signs)]
        read += sign
    return read


def test_text_comes_back_and_long_lines_are_folded():
    event = Event("u1", datetime(2024, 1, 15, 10), datetime(2024, 1, 15, 12), NASTY, "", "ж" * 500)
    content = icalendar([event], name=NASTY, about="", stamp=date(2023, 12, 31))
    about, [read] = parsed(content)
    text = "запятая, точка; дробь\\ и\nновая строка: «кавычки»"
    assert read["SUMMARY"] == about["X-WR-CALNAME"] == text
    assert read["DESCRIPTION"] == "ж" * 500
    assert about["VERSION"] == "2.0" and about["PRODID"]
    assert (read["DTSTART"], read["DTEND"]) == ("20240115T100000", "20240115T120000")  # floating
    assert read["DTSTAMP"] == "20231231T000000Z"
    assert read["STATUS"] == "TENTATIVE"


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    edition = groups_edition(tmp_path_factory.mktemp("calendar") / "data")
    return edition, group_tables(edition)


def test_calendar_of_a_plan(plan):
    edition, tables = plan
    about, events = parsed(group_papers(tables, edition)["Календарь.ics"])
    assert about["X-WR-CALNAME"] == "Семинары: Республика Хакасия, 2023 год"
    assert edition.mark in about["X-WR-CALDESC"]
    assert [event["DTSTART"] for event in events] == [
        "20240115T100000",
        "20240115T100000",
        "20240116T100000",
        "20240129T100000",
    ]
    russian, first, other, second = sorted(
        events, key=lambda event: (event["DTSTART"], "Матем" in event["SUMMARY"])
    )
    assert first["SUMMARY"] == (
        "Математика и информатика, №\u00a01: Предметные (демонстрационные данные)"
    )
    assert first["LOCATION"] == second["LOCATION"] == "дистанционно"
    assert other["LOCATION"] == "Абакан" and russian["LOCATION"] == "место не указано"
    assert "Тема: ИКТ, занятие 2 из 2" in second["DESCRIPTION"]
    assert f"Ведущий: {FIRST}" in first["DESCRIPTION"]
    assert "Ведущий не назначен" in russian["DESCRIPTION"]
    for event in events:
        assert edition.mark in event["DESCRIPTION"]
        assert event["DTSTAMP"] == "20231231T000000Z"


def test_a_leader_gets_own_sessions_alone(plan):
    edition, tables = plan
    papers = group_papers(tables, edition)
    names = [name for name in papers if name.endswith(".ics")]
    assert names == ["Календарь.ics", f"Календарь ведущего {FIRST}.ics"]
    _, every = parsed(papers[names[0]])
    _, own = parsed(papers[names[1]])
    assert own == [event for event in every if FIRST in event["DESCRIPTION"]] and len(own) == 3


def test_a_moved_session_keeps_its_name_and_another_round_has_others(plan):
    edition, tables = plan
    read = [
        parsed(group_papers(tables, edition, **options)["Календарь.ics"])[1]
        for options in ({}, {"start": date(2024, 3, 2)}, {"number": 2})
    ]
    named, moved, later = ({event["UID"]: event["DTSTART"] for event in each} for each in read)
    assert named.keys() == moved.keys() and len(named) == 4
    assert min(moved.values()) == "20240304T100000"  # 2 March is a Saturday
    assert not named.keys() & later.keys() and len(later) == 2
    assert all("тур 2" in event["DESCRIPTION"] for event in read[2])


def test_real_records_carry_no_mark(tmp_path):
    edition = groups_edition(tmp_path / "data", "submitted")
    papers = group_papers(group_tables(edition), edition)
    assert "демонстрац" not in parsed(papers["Календарь.ics"])[1][0]["SUMMARY"]
    assert "Демонстрац" not in str(parsed(papers["Календарь.ics"]))
