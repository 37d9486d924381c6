"""Who has sent what: states by invented folders, and what is asked for by invented frames."""

from __future__ import annotations

import json
from datetime import date

import holoviews as hv
import pandas as pd
import pytest
from conftest import nmc
from invented_collecting import RUN, check, frames, planned, publish_run, send

from nmc_utils import collecting, figures, findings
from nmc_utils.approvals import approve
from nmc_utils.results import ResultsError
from nmc_utils.tables import STATUS

DAY = date(2024, 2, 16)


@pytest.fixture
def edition(small):
    """Four municipalities; nothing was sent."""
    return small.edition


@pytest.fixture
def checked(edition):
    """Four files came and were checked."""
    send(edition, "Абакан.xlsx", "Абаза.xlsx", "Сорск.xlsx", "прислала Петрова.xlsx")
    check(edition)
    return edition


def states(edition, today: date | None = None) -> dict[str, str]:
    """Municipality → the states of its forms in the order of the forms."""
    told = collecting.collection(edition, today)
    return {code: " ".join(own["state"]) for code, own in told.groupby("municipality", sort=False)}


# --- states ---------------------------------------------------------------------------------------


def test_of_an_edition_that_nobody_has_sent_every_expected_form_is_missing(edition):
    told = collecting.collection(edition)
    assert list(told["title"].unique()) == [
        "Сотрудники",
        "Места работы",
        "Организации",
        "Результаты",
    ]
    assert list(told["name"].unique()) == ["Абакан", "Абаза", "Саяногорск", "Сорск"]
    assert set(told["state"]) == {"not_sent"} and set(told["state_label"]) == {"не прислано"}
    assert collecting.who_reported(told, edition.region) == (
        "Данные представили 0 из 4 муниципальных образований."
    )


def test_a_folder_that_was_never_checked_is_all_unchecked(edition):
    send(edition, "Абакан.xlsx", "abaza_2.xlsx", "прислала Петрова.xlsx", "Сорск и Абаза.xlsx")
    waiting = collecting.unchecked(edition)
    assert (waiting.places, waiting.unplaced, waiting.n) == ({"abakan": 1, "abaza": 1}, 2, 4)
    found = states(edition)
    assert found["abakan"] == found["abaza"] == "checking checking checking checking"
    assert found["sorsk"] == "not_sent not_sent not_sent not_sent"
    assert collecting.waiting(waiting, edition) == (
        "Не проверено файлов: 4 (Абакан — 1, Абаза — 1, чьи, по имени файла не видно, — 2). "
        "Выполните: nmc check khakassia 2023"
    )


def test_states_are_what_the_last_check_found(checked):
    assert states(checked) == {
        "abakan": "returned accepted",
        "abaza": "accepted not_sent",
        "sayanogorsk": "not_sent not_sent",
        "sorsk": "accepted accepted",
    }
    assert not collecting.unchecked(checked)
    assert collecting.waiting(collecting.unchecked(checked), checked) == ""


def test_a_corrected_file_is_being_checked_until_it_was(checked):
    (checked.sent / "Сорск.xlsx").write_bytes(b"corrected")
    waiting = collecting.unchecked(checked)
    assert (waiting.places, waiting.gone) == ({"sorsk": 1}, 1)
    assert states(checked)["sorsk"] == "checking checking"
    assert states(checked)["abakan"] == "returned accepted"
    told = collecting.collection(checked).set_index(["municipality", "table"])
    assert told.loc[("sorsk", "scores"), ["version", "accepted"]].tolist() == [1, 9]
    check(checked)
    assert states(checked)["sorsk"] == "accepted accepted"


def test_what_lies_beside_the_files_is_not_unchecked(checked):
    send(checked, ".received.json", "~$Сорск.xlsx")
    for folder in ("blanks", "returned"):
        (checked.sent / folder).mkdir()
        (checked.sent / folder / "Сорск.xlsx").write_bytes(b"blank")
    assert not collecting.unchecked(checked)


def test_a_file_that_was_taken_away_is_told(checked):
    (checked.sent / "Абаза.xlsx").unlink()
    waiting = collecting.unchecked(checked)
    assert (waiting.n, waiting.gone) == (0, 1)
    assert collecting.waiting(waiting, checked) == (
        "Проверенных файлов, которых в папке больше нет: 1. Выполните: nmc check khakassia 2023"
    )


def test_only_what_was_accepted_is_approved_and_only_with_the_tables_of_the_run(
    checked, monkeypatch
):
    publish_run(checked, monkeypatch, digest="d1")
    assert "approved" not in " ".join(states(checked).values()), "published is not approved"
    approve(checked.root, checked.key, RUN, by="директор", order="приказ № 1", on=DAY)
    assert states(checked) == {
        "abakan": "returned approved",
        "abaza": "approved not_sent",
        "sayanogorsk": "not_sent not_sent",
        "sorsk": "approved approved",
    }
    send(checked, "Сорск новый.xlsx")
    assert states(checked)["sorsk"] == "checking checking"
    check(checked, digest="d2")
    assert states(checked)["sorsk"] == "accepted accepted", "the tables are no longer those"


def test_an_approved_run_that_is_there_no_more_approves_nothing(checked, monkeypatch):
    publish_run(checked, monkeypatch)
    approve(checked.root, checked.key, RUN, by="директор", order="приказ № 1", on=DAY)
    (checked.root / "results" / RUN / checked.key / "manifest.json").unlink()
    assert states(checked)["sorsk"] == "accepted accepted"


@pytest.mark.parametrize(("day", "late"), [(15, []), (16, ["abakan", "abaza", "sayanogorsk"])])
def test_after_the_deadline_what_is_not_sent_or_returned_is_overdue(checked, day, late):
    edition = planned(checked, deadline=date(2024, 2, 15), responsible={"abaza": "Управление"})
    told = collecting.collection(edition, date(2024, 2, day))
    assert list(told.loc[told["is_overdue"], "municipality"].unique()) == late
    assert told.set_index("municipality")["responsible"].dropna().to_dict() == {
        "abaza": "Управление"
    }
    assert collecting.overdue(told) == (
        "Срок 15.02.2024 прошёл, не хватает форм: Абакан, Абаза, Саяногорск." if late else ""
    )


def test_without_a_day_or_a_deadline_nothing_is_overdue(checked):
    assert not collecting.collection(checked, DAY)["is_overdue"].any()
    edition = planned(checked, deadline=date(2024, 2, 15))
    assert not collecting.collection(edition)["is_overdue"].any()


def test_what_waits_for_us_is_not_overdue(checked):
    edition = planned(checked, deadline=date(2024, 2, 15))
    send(edition, "Саяногорск.xlsx")
    told = collecting.collection(edition, DAY).set_index("municipality")
    assert not told.loc["sayanogorsk", "is_overdue"].any()
    assert told.loc["abaza", "is_overdue"].any()


def test_files_that_name_nobody_leave_it_unknown_who_has_reported(checked):
    nothing = pd.DataFrame(columns=list(STATUS)).astype(STATUS)
    nothing.to_parquet(checked.validated / "status.parquet")
    told = collecting.collection(checked)
    assert told.empty
    assert collecting.who_reported(told, checked.region).startswith("Кто представил данные, неиз")


def test_damaged_sources_are_told(checked):
    (checked.validated / "sources.json").write_text("{", "utf-8")
    with pytest.raises(ResultsError, match=r"sources.json: файл повреждён. Выполните: nmc check"):
        collecting.collection(checked)


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("Абакан", "abakan"),
        ("город АБАКАН, март", "abakan"),
        ("сведения_abakan_v2", "abakan"),
        ("Усть-Абаканский район", "ust_abakansky"),
        ("усть абаканский", "ust_abakansky"),
        ("ust_abakansky", "ust_abakansky"),
        ("Абакан и Абаза", None),
        ("Абаканский", None),
        ("ЦНППМ", None),
        ("", None),
    ],
)
def test_a_file_is_of_the_municipality_that_its_name_alone_names(defined, file, code):
    assert collecting.named_in(file, defined.region) == code


# --- what to ask for ------------------------------------------------------------------------------


def test_the_register_of_everybody_makes_nobody_reported():
    told = pd.DataFrame(
        {"municipality": ["a", "b", "b"], "table": ["organizations", "organizations", "staff"],
         "is_sent": [True, True, True]}
    )  # fmt: skip
    assert collecting.reported(told) == {"b"}
    assert collecting.reported(told[:2]) == {"a", "b"}, "unless nobody sent anything else"


def test_conservation_adds_up_by_file_and_form():
    lines = collecting.conserved(frames()["conservation"])
    assert lines["sent"].sum() == 50
    first = lines.set_index(["file", "title"]).loc[("файл № 1.xlsx", "Сотрудники")]
    assert first[["accepted", "held_out", "superseded", "blank"]].tolist() == [7, 3, 1, 1]


def test_held_rows_are_counted_by_reason(edition):
    told = collecting.held_reasons(frames()["held_rows"], edition.region)
    assert told[["title", "reason", "rows", "names"]].to_numpy().tolist() == [
        ["Сотрудники", "Нет даты рождения", 2, "Абакан"],
        ["Сотрудники", "Стаж больше возможного", 1, "не определено"],
    ]


def test_only_what_held_something_out_is_asked_for_and_no_value_is_repeated(edition):
    tables = frames()
    asked = collecting.to_ask(tables["problems"], tables["files"], edition.region)
    assert asked[["names", "file", "sheet", "cells", "count", "remedy"]].to_numpy().tolist() == [
        ["Абакан", "файл № 1.xlsx", "Сотрудники", "D4, D5", 2, "Впишите дату."],
        ["Абакан", "файл № 1.xlsx", "Сотрудники", "E9", 1, "Проверьте стаж <b>."],
    ]
    assert "97654" not in asked.to_csv()


def test_many_cells_are_named_by_the_first_and_their_number(edition):
    problems = pd.concat([frames()["problems"].head(1)] * 7)
    problems["cell"] = [f"Сотрудники!D{row}" for row in range(2, 9)]
    asked = collecting.to_ask(problems, frames()["files"], edition.region)
    assert asked["cells"].tolist() == ["D2, D3, D4, D5 … всего 7"]


def test_remarks_are_counted_by_what_was_done():
    told = collecting.remarks(frames()["problems"])
    assert told[["meaning", "count", "files"]].to_numpy().tolist() == [
        ["Убраны лишние пробелы", 1, 1],
        ["Нет даты рождения", 2, 1],
        ["Стаж больше возможного", 1, 1],
    ]


def test_a_newer_file_says_what_it_changed():
    told = collecting.changes(frames()["differences"])
    assert told["words"].tolist() == ["изменено 14, добавлено 3, исчезло 2"]


def test_nothing_of_intake_is_empty_tables_and_no_error(edition):
    tables = collecting.of_intake(edition)
    assert all(frame.empty for frame in tables.values())
    assert collecting.held_reasons(tables["held_rows"], edition.region).empty
    assert collecting.to_ask(tables["problems"], tables["files"], edition.region).empty
    assert collecting.remarks(tables["problems"]).empty
    assert collecting.changes(tables["differences"]).empty
    assert collecting.conserved(tables["conservation"]).empty


# --- sentences and the figure ---------------------------------------------------------------------


def test_what_was_sent_is_told_as_a_sum():
    assert findings.conservation(frames()["conservation"]) == (
        "Прислано: 50\u00a0строк = принято 45 + задержано 3 + замещено или повторено 1 "
        "+ итоги и пустые 1."
    )


def test_remarks_are_told_by_number_and_the_most_frequent():
    told = collecting.remarks(frames()["problems"])
    assert findings.remarks(told) == (
        "При приёме сделано 4\u00a0замечания 3\u00a0видов. Чаще всего (2): нет даты рождения."
    )
    assert (
        findings.remarks(told[:1]) == "При приёме сделано 1\u00a0замечание: убраны лишние пробелы."
    )
    assert findings.remarks(told[:0]) == "Замечаний при приёме нет."


def test_newer_files_and_requests_are_told(edition):
    tables = frames()
    assert findings.newer_files(tables["differences"]) == (
        "Новых файлов взамен прежних — 1: строк изменено 14, добавлено 3, исчезло 2. "
        "Прежние файлы сохранены."
    )
    assert "не присылали" in findings.newer_files(tables["differences"][:0])
    asked = collecting.to_ask(tables["problems"], tables["files"], edition.region)
    assert findings.asked(asked) == "Исправления нужны в 1\u00a0файле. Кого просить: Абакан."
    assert findings.asked(asked[:0]) == "Просить об исправлениях никого не нужно."


def test_a_remark_on_no_file_is_in_no_file():
    problems = frames()["problems"].tail(1).assign(file="")
    assert collecting.remarks(problems)["files"].tolist() == [0]


def test_a_file_that_changed_nothing_says_so():
    same = frames()["differences"].assign(changed=0, added=0, removed=0)
    assert collecting.changes(same)["words"].tolist() == ["без изменений"]


def test_numbers_of_the_whole_region_are_nobodys(edition):
    status = frames()["status"].assign(table="aggregates", is_sent=True, accepted=0)
    told = collecting.collected(status, edition)
    assert collecting.who_reported(told, edition.region).startswith("Сводные числа прислал регион")


def test_the_figure_says_each_state_in_words_and_of_whom_we_wait(edition):
    figures.use("matplotlib")
    figure = figures.collection_matrix(collecting.collected(frames()["status"], edition))
    title = "Ждём недостающего или исправленного от 3\u00a0муниципальных образований"
    assert figures.heading(figure).title == title
    words = written(figure)
    assert words.count("× возвращено") == 1 and words.count("– не прислано") == 3
    assert "задержано 3 из 10" in words


def written(figure: hv.Overlay) -> list[str]:
    layers = [layer for layer in figure if isinstance(layer, hv.Labels)]
    return [text for layer in layers for text in layer.dimension_values("text")]


def test_of_many_forms_the_figure_has_signs_and_numbers_and_explains_them(edition):
    figures.use("matplotlib")
    collected = collecting.collected(frames()["status"], edition)
    many = pd.concat(
        [collected.assign(table=f"{number}", title=f"Лист {number}") for number in range(8)]
    )
    figure = figures.collection_matrix(many)
    words = written(figure)
    assert words.count("×") == 8 and words.count("–") == 24 and "−3 из 10" in words
    told = figures.heading(figure).subtitle
    assert "× возвращено" in told and "– не прислано" in told and "задержано" in told


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"state": "accepted", "accepted": 21, "held_out": 0}, "21\u00a0строка"),
        ({"state": "returned", "accepted": 0, "held_out": 0}, "лист целиком"),
        ({"state": "not_sent", "accepted": 0, "held_out": 0}, ""),
    ],
)
def test_rows_of_a_form_are_told_in_words(row, words):
    assert figures.rows_in_words(row) == words


# --- the command ----------------------------------------------------------------------------------


def test_the_command_and_its_json_tell_the_same(checked):
    send(checked, "письмо Петровой.xlsx")
    shown = nmc(checked.root, "status", "khakassia", "2023")
    assert shown.returncode == 0, shown.stderr
    told = json.loads(nmc(checked.root, "status", "khakassia", "2023", "--json").stdout)
    for sentence in told["sentences"]:
        assert " ".join(sentence.split()) in " ".join(shown.stdout.split())
    assert told["sentences"][0] == (
        "Данные представили 3 из 4 муниципальных образований; ничего не принято от: Саяногорск."
    )
    assert told["unchecked"] == {"files": 1, "municipalities": {}, "unplaced": 1, "gone": 0}
    assert "Петров" not in shown.stdout + json.dumps(told, ensure_ascii=False)
    table = shown.stdout.splitlines()[1:6]
    for row in told["forms"]:
        (line,) = [line for line in table if line.startswith(row["name"] + " ")]
        assert row["state_label"] in line
