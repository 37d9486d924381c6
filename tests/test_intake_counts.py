"""The sheet «Сводные числа»: what a region counts itself, and what of it is held out."""

from __future__ import annotations

import json
from datetime import date

import pandas as pd
import pytest
from intake_books import (
    AGGREGATES,
    KOROLEVA,
    PROCEDURES,
    count_row,
    counts,
    only,
    score_row,
    written,
)

from nmc_utils.intake import take_in
from nmc_utils.tables import load

TESTED, LEVEL = "прошли диагностику", "получили результат уровня"
PLACES = ("Абакан", "Абаза", "Саяногорск", "Сорск")
SITES = "стажировочные площадки"


def level_row(name: str, numerator: object, denominator: object = 100, **more: str) -> list:
    return count_row("P2", LEVEL, numerator, denominator, level=name, **more)


def counted(*rows: list) -> dict:
    """A region that sends a procedure and its counts, and nobody by name."""
    procedures = [PROCEDURES, ["P2", "ФИОКО", None, None, None, None, None]]
    return {"Сводные числа.xlsx": {"Процедуры": procedures, "Сводные числа": [AGGREGATES, *rows]}}


def held(result) -> pd.DataFrame:
    return result.problems[result.problems["kind"].eq("held_out")]


def cells(problems: pd.DataFrame) -> list[str]:
    return [cell.removeprefix("'Сводные числа'!") for cell in problems["cell"]]


# --- what is accepted -----------------------------------------------------------------------------


def test_a_region_may_send_procedures_and_counts_alone(small):
    rows = [count_row("P2", TESTED, 100, 120)]
    rows += [level_row("низкий уровень", 20), level_row("средний уровень", 50)]
    rows += [level_row("высокий уровень", 30), count_row(None, SITES, 7, place="Абаза")]
    result = small.take_in(counted(*rows))

    assert result.held_out == 0
    assert set(result.problems["kind"]) == {"note"}  # that there is no РМА
    assert result.tables == {"procedures": 1, "aggregates": 5}
    table = load(small.edition).aggregates.set_index("measure")
    tested = table.loc["tested"]
    assert (tested["procedure_id"], tested["wave"], tested["domain"]) == ("P2", "entry", "total")
    assert (tested["municipality"], tested["numerator"], tested["denominator"]) == (
        "total", 100, 120
    )  # fmt: skip
    assert (tested["as_of"], tested["document"]) == (pd.Timestamp(2023, 12, 1), "Отчёт за 2023 год")
    levels = table.loc["level_share"].set_index("level")["numerator"]
    assert levels.to_dict() == {"low": 20, "middle": 50, "high": 30}
    sites = table.loc["internship_sites"]
    assert sites["municipality"] == "abaza"
    assert sites[["procedure_id", "wave", "level", "denominator"]].isna().all()


def test_numbers_of_indicators_need_no_procedure(small):
    result = small.take_in({"s.xlsx": {"Сводные числа": [AGGREGATES, count_row(None, SITES, 7)]}})
    assert result.tables == {"aggregates": 1} and result.held_out == 0


@pytest.mark.parametrize(
    "label", ["педагогические работники и управленческие кадры", "Все работники  региона"]
)
def test_any_label_of_a_metric_names_it(small, label):
    small.take_in(counted(count_row(None, label, 11515)))
    assert load(small.edition).aggregates["measure"].tolist() == ["workforce_total"]


@pytest.mark.parametrize(
    "word",
    ["высокий уровень", "ВЫСОКИЙ УРОВЕНЬ", "высокий уровень (ВУ)", "с высоким уровнем"],
)
def test_a_level_is_named_as_the_region_words_it(small, word):
    small.take_in(counted(level_row(word, 20)))
    assert load(small.edition).aggregates["level"].tolist() == ["high"]


def test_a_space_before_per_cent_does_not_matter(sender):
    sender.take_in(counted(level_row("результат ≤ 60%", 20)))
    assert load(sender.edition).aggregates["level"].tolist() == ["at_or_below"]


@pytest.mark.parametrize(
    "place", [None, "Республика Хакасия", "всего по региону", "Итого", "всего", "весь регион"]
)
def test_the_whole_region_is_what_people_call_it(small, place):
    result = small.take_in(counted(count_row("P2", TESTED, 100, place=place)))
    assert load(small.edition).aggregates["municipality"].tolist() == ["total"]
    assert counts(result, "Сводные числа.xlsx", "aggregates")["blank"] == 0


@pytest.mark.parametrize("place", ["Абаза", " абаза "])
def test_a_municipality_keeps_its_code(small, place):
    small.take_in(counted(count_row("P2", TESTED, 100, place=place)))
    assert load(small.edition).aggregates["municipality"].tolist() == ["abaza"]


def test_waves_and_competences_of_levels_are_read(small):
    row = level_row("низкий уровень", 20, wave="выходная", domain="Предметные")
    whole = level_row("низкий уровень", 20, wave="входная", domain="весь тест")
    small.take_in(counted(row, whole))
    table = load(small.edition).aggregates
    assert set(zip(table["wave"], table["domain"], strict=True)) == {
        ("exit", "subject"), ("entry", "total")
    }  # fmt: skip


# --- what is held out -----------------------------------------------------------------------------

ROWS = [  # row, cell, part of the meaning
    (count_row("P9", TESTED, 5), "A", "Этой процедуры нет на листе «Процедуры»"),
    (count_row(None, TESTED, 5), "A", "нужен столбец «Код процедуры», а он не заполнен"),
    (count_row("P2", SITES, 5), "A", "столбец «Код процедуры» не заполняют"),
    (count_row("P9", SITES, 5), "A", "столбец «Код процедуры» не заполняют"),
    (count_row(None, SITES, 5, wave="входная"), "B", "столбец «Этап» не заполняют"),
    (count_row("P2", TESTED, 5, wave="первая"), "B", "Такого значения в столбце «Этап»"),
    (count_row("P2", "посетили театр", 5), "C", "Такого значения в столбце «Что сосчитано»"),
    (count_row("P2", None, 5), "C", "Не заполнен столбец «Что сосчитано»"),
    (count_row("P2", "Итого", 5), "C", "Такого значения в столбце «Что сосчитано»"),
    (count_row(None, SITES, 5, domain="ИКТ"), "D", "столбец «Компетенция» не заполняют"),
    (count_row("P2", TESTED, 5, domain="ИКТ"), "D", "столбец «Компетенция» не заполняют"),
    (level_row("низкий уровень", 5, domain="Пение"), "D", "Такого значения в столбце «Компет"),
    (level_row(None, 5), "E", "нужен столбец «Уровень», а он не заполнен"),
    (level_row("превосходный", 5), "E", "Такого значения в столбце «Уровень»"),
    (count_row("P2", TESTED, 5, level="низкий уровень"), "E", "столбец «Уровень» не заполняют"),
    (count_row("P2", TESTED, 5, place="Абкан"), "F", "Такого значения в столбце «Муниципальное"),
    (count_row("P2", TESTED, None), "G", "Не заполнен столбец «Число»"),
    (count_row("P2", TESTED, "сто"), "G", "должно быть целое число"),
    (count_row("P2", TESTED, 0.5), "G", "должно быть целое число"),
    (count_row("P2", TESTED, -5), "G", "вне допустимых границ: от 0"),
    (count_row("P2", TESTED, 101, 100), "G", "«Число» больше, чем «Из общего числа»"),
    (level_row("низкий уровень", 101), "G", "«Число» больше, чем «Из общего числа»"),
    (level_row("низкий уровень", 5, None), "H", "нужен столбец «Из общего числа», а он не"),
]


@pytest.mark.parametrize(("row", "letter", "meaning"), ROWS)
def test_a_wrong_cell_holds_its_row_out(small, row, letter, meaning):
    result = small.take_in(counted(count_row(None, SITES, 7), row))

    problem = only(result.problems, kind="held_out")
    assert problem["cell"] == f"'Сводные числа'!{letter}3"
    assert meaning in problem["meaning"]
    assert (problem["file"], problem["sheet"]) == ("Сводные числа.xlsx", "Сводные числа")
    assert problem["remedy"].endswith(".") and problem["action"]
    assert result.tables["aggregates"] == 1


def test_a_part_of_an_indicator_may_exceed_its_whole(small):
    """Only shares of people are parts: teachers per methodist are not."""
    assert small.take_in(counted(count_row(None, SITES, 250, 10))).held_out == 0


def test_the_remedy_offers_each_count_once_in_quotes(small):
    result = small.take_in(counted(count_row("P2", "посетили театр", 5)))
    assert result.tables == {"procedures": 1}
    remedy = only(result.problems, kind="held_out")["remedy"]
    assert remedy.startswith("Выберите из списка: «прошли диагностику»; «получили результат")
    assert remedy.count("работники") == 1  # two labels, one metric


def test_a_total_under_the_counts_does_not_vanish(small):
    total = [None, None, None, None, None, "Итого", 12, None, None, None]
    result = small.take_in(counted(count_row(None, SITES, 7), total, ["Всего", *[None] * 9]))
    line = counts(result, "Сводные числа.xlsx", "aggregates")
    assert line == {"sent": 3, "accepted": 1, "held_out": 2, "superseded": 0, "blank": 0}


def test_counts_without_the_sheet_of_procedures_are_one_problem(small):
    books = counted(count_row("P2", TESTED, 5), count_row(None, SITES, 7))
    del books["Сводные числа.xlsx"]["Процедуры"]
    result = small.take_in(books)
    problem = only(result.problems, kind="table")
    assert problem["meaning"].endswith("задержано строк: «Сводные числа» — 1")
    assert load(small.edition).aggregates["measure"].tolist() == ["internship_sites"]


def test_counts_of_what_was_sent_as_records_are_held_out(sender, books):
    books["ЦНППМ.xlsx"]["Сводные числа"] += [
        count_row("P1", TESTED, 3),
        count_row("P1", LEVEL, 1, 3, level="результат ≤ 60 %", wave="выходная"),
    ]
    result = sender.take_in(books)

    assert cells(held(result)) == ["A5", "A6"]
    assert held(result)["meaning"].str.contains("присланы и по людям, на листе «Результаты»").all()
    assert result.tables["aggregates"] == 3 and result.tables["scores"] == 4


def test_records_that_are_held_out_do_not_stop_counts(sender, books):
    row = score_row(KOROLEVA, "Предметные", 1)
    books["abakan.xlsx"]["Результаты"].append([*row[:4], "P2", *row[5:]])  # the form is of P1
    result = sender.take_in(books)
    assert set(held(result)["table"]) == {"scores"}


# --- levels that must add up ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "column", "meaning", "found"),
    [
        ([(20, 100), (50, 100), (30, 90)], "H", "«Из общего числа» разное", {"100", "90"}),
        ([(20, 100), (81, 100)], "G", "По уровням людей больше, чем", {"в сумме 101 из 100"}),
        ([(20, 100), (51, 100), (30, 100)], "G", "По уровням людей больше", {"в сумме 101 из 100"}),
        ([(20, 100), (49, 100), (30, 100)], "G", "Указаны все уровни, а", {"в сумме 99 из 100"}),
    ],
)
def test_levels_that_do_not_add_up_are_held_out_whole(small, numbers, column, meaning, found):
    names = ("низкий уровень", "средний уровень", "высокий уровень")
    rows = [level_row(name, *number) for name, number in zip(names, numbers, strict=False)]
    others = [level_row(names[0], 60, 80, place="Абаза"), level_row(names[0], 1, wave="выходная")]
    result = small.take_in(counted(*rows, *others))

    problems = held(result)
    assert cells(problems) == [f"{column}{row}" for row in range(2, 2 + len(rows))]
    assert problems["meaning"].str.contains(meaning).all()
    assert set(problems["found"]) == found
    assert result.tables["aggregates"] == 2


def test_some_levels_may_be_left_out(small):
    rows = [level_row("низкий уровень", 20), level_row("высокий уровень", 30)]
    assert small.take_in(counted(*rows)).held_out == 0


def test_a_level_sent_twice_is_counted_once(small):
    rows = [level_row("низкий уровень", 60), level_row("средний уровень", 40)]
    result = small.take_in(counted(*rows, rows[0]))
    assert result.held_out == 0 and result.tables["aggregates"] == 2
    assert only(result.problems, kind="superseded")["cell"] == "'Сводные числа'!C4"


def test_a_count_with_two_values_is_held_out(small):
    books = counted(count_row("P2", TESTED, 5), count_row("P2", TESTED, 6, wave="входная"))
    result = small.take_in(books)
    assert cells(held(result)) == ["C2", "C3"]
    assert held(result)["meaning"].str.contains("несколько раз с разными данными").all()


# --- the region and its municipalities ------------------------------------------------------------


@pytest.mark.parametrize(("total", "found"), [(10, []), (11, ["регион 11, сумма 10"])])
def test_a_region_that_is_not_the_sum_of_its_parts_is_noted(small, total, found):
    parts = [count_row("P2", TESTED, n, place=p) for n, p in enumerate(PLACES, start=1)]
    result = small.take_in(counted(count_row("P2", TESTED, total), *parts))

    notes = result.problems[result.problems["table"].eq("aggregates")]
    assert notes["found"].tolist() == found
    assert notes["kind"].tolist() == ["note"] * len(found)
    assert result.held_out == 0 and result.tables["aggregates"] == 5


def test_numbers_of_indicators_are_compared_with_their_sum_too(small):
    parts = [count_row(None, SITES, 1, place=place) for place in PLACES]
    problems = small.take_in(counted(count_row(None, SITES, 5), *parts)).problems
    assert only(problems, table="aggregates")["found"] == "регион 5, сумма 4"


def test_a_number_that_is_held_out_is_compared_with_nothing(small):
    rows = [level_row("низкий уровень", 60), level_row("средний уровень", 60)]
    parts = [level_row("низкий уровень", 1, 9, place=place) for place in PLACES]
    problems = small.take_in(counted(*rows, *parts)).problems
    assert set(problems.loc[problems["table"].eq("aggregates"), "kind"]) == {"held_out"}


def test_a_region_is_not_compared_with_some_of_its_parts(small):
    parts = [count_row("P2", TESTED, 1, place=place) for place in PLACES[:3]]
    problems = small.take_in(counted(count_row("P2", TESTED, 10), *parts)).problems
    assert not problems["table"].eq("aggregates").any()


# --- files ----------------------------------------------------------------------------------------


def test_the_same_counts_give_the_same_bytes_in_any_order(small):
    rows = [count_row("P2", TESTED, n, place=p) for n, p in enumerate(PLACES, start=1)]
    rows += [count_row(None, SITES, 7), level_row("низкий уровень", 20)]
    small.take_in(counted(*rows))
    first = written(small)
    take_in(small.edition, key=b"a key of the tests")
    assert written(small) == first
    small.take_in(counted(*rows[::-1]))
    for name in ("aggregates.parquet", "status.parquet"):
        assert written(small)[name] == first[name]


def test_files_go_by_their_names_if_these_are_of_sheets_and_places(small):
    books = counted(count_row(None, SITES, 7))
    books["Республика Хакасия, 2023.xlsx"] = books.pop("Сводные числа.xlsx")
    books["Сотрудники (Скоробогатова).xlsx"] = {}
    small.take_in(books)
    files = json.loads((small.edition.validated / "sources.json").read_text("utf-8"))["files"]
    assert "Республика Хакасия, 2023.xlsx" in files
    assert not any("Скоробогатова" in file for file in files)


def test_counts_of_a_date_out_of_reach_are_held_out(small):
    row = count_row(None, SITES, 7)
    row[8] = date(1905, 1, 1)
    result = small.take_in(counted(row, count_row("P2", TESTED, 5)))
    assert cells(held(result)) == ["I2"]
