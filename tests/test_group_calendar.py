"""The calendar skeleton: who is free when, and iCalendar by the letter of RFC 5545."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

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
from nmc_utils.seminar_settings import Sessions

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


def laid(groups, members=NOBODY, *, start=MONDAY, days=14, hours=2, per_day=4) -> pd.DataFrame:
    return schedule(
        groups, members, start=start, days=days, hours=hours, first=time(10), per_day=per_day
    )


def among_others(*rows: tuple) -> pd.DataFrame:
    """These groups, every fifth of all, so that all begin on one day; nobody leads the others."""
    others = [(f"{name}{i}", 1, None, None) for name, *_ in rows for i in range(4)]
    return groups_of(*rows, *others)


def test_groups_begin_in_turn_over_a_working_week():
    groups = groups_of(*((f"{i:02d}", 1, None, None) for i in range(12)))
    found = laid(groups, start=date(2024, 2, 21))  # Wednesday; the Friday is a holiday
    assert found.groupby(found["begins"].dt.strftime("%d.%m"))["group_id"].agg(list).to_dict() == {
        "21.02": ["00", "05", "10"],
        "22.02": ["01", "06", "11"],
        "26.02": ["02", "07"],
        "27.02": ["03", "08"],
        "28.02": ["04", "09"],
    }
    assert set(found["begins"].dt.hour) == {10}


def test_sessions_of_a_leader_follow_each_other_and_go_on_after_two_weeks():
    groups = among_others(("a", 2, "x", "Абакан"), ("b", 1, "x", "Абакан"), ("c", 1, "y", "Абакан"))
    found = laid(groups)
    assert times(found, "a") == ["15.01 10", "29.01 10"]
    assert times(found, "b") == ["15.01 12"]
    assert times(found, "c") == ["15.01 10"]
    assert list(found.columns) == ["group_id", "number", "topic", "begins", "ends"]
    own = found[found["group_id"].isin(["a", "b", "c"])]
    assert own["topic"].tolist() == ["a0", "c0", "b0", "a1"]
    assert (found["ends"] - found["begins"] == timedelta(hours=2)).all()


def test_a_leader_is_in_one_place_a_day_and_has_no_more_sessions_than_fit():
    groups = among_others(("a", 1, "x", "Абакан"), ("b", 1, "x", "Абаза"), ("c", 1, "x", "Абакан"))
    found = laid(groups, hours=3, per_day=2)
    assert [times(found, group) for group in "abc"] == [["15.01 10"], ["16.01 10"], ["15.01 13"]]
    many = among_others(*((name, 1, "x", None) for name in "abc"))
    found = laid(many, start=date(2024, 1, 19), hours=3, per_day=2)
    assert times(found, "c") == ["22.01 10"]  # two sessions fit into Friday
    long = laid(many, hours=8, per_day=1)
    assert [times(long, group) for group in "abc"] == [["15.01 10"], ["16.01 10"], ["17.01 10"]]


def test_a_leader_who_learns_in_another_group_is_busy_then():
    groups = among_others(("a", 1, "x", None), ("b", 1, "y", None), ("c", 1, None, None))
    learning = pd.DataFrame({"group_id": ["b", "b", "c"], "person_id": ["x", "z", "z"]})
    found = laid(groups, learning)
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
    rhythm = Sessions(days=days, hours=hours)
    asked = dict(days=days, hours=hours, first=rhythm.begins, per_day=rhythm.per_day)
    found = schedule(groups, learning, start=date(2023, 12, 20), **asked)
    assert len(found) == sum(n for _, n, *_ in rows)
    assert found["begins"].dt.day_of_week.max() < 5
    assert (found["begins"].dt.hour >= 15).all()
    assert (found["ends"] <= found["begins"].dt.normalize() + timedelta(hours=20)).all()
    assert not found["begins"].between("2024-01-01", "2024-01-08 23:00").any()
    busy = pd.concat(
        [groups[["group_id", "leader_id"]].set_axis(learning.columns, axis=1), learning]
    )
    busy = busy[busy["person_id"] != "z"].drop_duplicates()
    kept = found.merge(busy, on="group_id").merge(groups[["group_id", "place"]], on="group_id")
    for _, mine in kept.sort_values("begins").groupby("person_id"):
        assert (mine["begins"].iloc[1:].to_numpy() >= mine["ends"].iloc[:-1].to_numpy()).all()
        assert mine.groupby(mine["begins"].dt.date)["place"].nunique().max() == 1
    for _, mine in found.sort_values("number").groupby("group_id"):
        assert (mine["begins"].dt.normalize().diff().dropna() >= timedelta(days=days)).all()
    mixed = groups.sample(frac=1, random_state=seed), learning.sample(frac=1, random_state=seed)
    again = schedule(*mixed, start=date(2023, 12, 20), **asked)
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
        "20240115T150000",
        "20240116T150000",
        "20240117T150000",
        "20240129T150000",
    ]
    first, other, russian, second = events
    assert first["SUMMARY"] == (
        "Математика и информатика, №\u00a01: Предметные компетенции (демонстрационные данные)"
    )
    assert first["LOCATION"] == second["LOCATION"] == "дистанционно"
    assert other["LOCATION"] == "Абакан" and russian["LOCATION"] == "место не указано"
    assert "Тема: ИКТ-компетенции, занятие 2 из 2" in second["DESCRIPTION"]
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
    assert min(moved.values()) == "20240304T150000"  # 2 March is a Saturday
    assert not named.keys() & later.keys() and len(later) == 2
    assert all("раунд 2" in event["DESCRIPTION"] for event in read[2])


def test_real_records_carry_no_mark(tmp_path):
    edition = groups_edition(tmp_path / "data", "submitted")
    papers = group_papers(group_tables(edition), edition)
    assert "демонстрац" not in parsed(papers["Календарь.ics"])[1][0]["SUMMARY"]
    assert "Демонстрац" not in str(parsed(papers["Календарь.ics"]))
