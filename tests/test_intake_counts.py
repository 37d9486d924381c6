"""The sheet «Сводные числа»: what a region counts itself, and what of it is held out."""

from __future__ import annotations

import json
from datetime import date

import pandas as pd
import pytest
from intake_books import (
    AGGREGATES,
    KOROLEVA,
    ORGANIZATIONS,
    PROCEDURES,
    count_row,
    counts,
    only,
    score_row,
    written,
    written_as_text,
)

from nmc_utils.intake import take_in
from nmc_utils.intake.columns import folded, vocabulary
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
    assert (tested["as_of"], tested["document"]) == (pd.Timestamp(2023, 12, 1), "monitoring_2023")
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
    "place", [None, "республика Хакасия", "Всего по региону", "ИТОГО по региону", "весь регион"]
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
    (count_row("P2", TESTED, 5, place="Итого"), "F", "Неясно, чей это итог"),
    (count_row("P2", TESTED, 5, place="ВСЕГО"), "F", "Неясно, чей это итог"),
    (count_row("P2", TESTED, 5, place="регион"), "F", "Неясно, чей это итог"),
    (
        count_row(None, SITES, 3, 11, place="Сорск"),
        "H",
        "одно число, «Из общего числа» у неё не бывает",
    ),
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


# --- whose number it is ---------------------------------------------------------------------------


def test_a_total_without_a_municipality_is_not_the_region_in_a_file_of_one(small):
    rows = [count_row("P2", TESTED, 50, place="Абаза"), count_row("P2", TESTED, 50, place=None)]
    result = small.take_in(counted(*rows, count_row("P2", TESTED, 50, place="Итого")))

    assert cells(held(result)) == ["F3", "F4"]
    assert held(result)["meaning"].str.match("Неясно, (чьё|чей) это").all()
    assert held(result)["remedy"].str.contains("«весь регион»").all()
    assert load(small.edition).aggregates["municipality"].tolist() == ["abaza"]


def test_the_region_in_so_many_words_stands_beside_municipalities(small):
    rows = [count_row("P2", TESTED, 50, place="Абаза"), count_row("P2", TESTED, 150)]
    assert small.take_in(counted(*rows)).held_out == 0
    table = load(small.edition).aggregates.set_index("municipality")
    assert table["numerator"].to_dict() == {"abaza": 50, "total": 150}


def test_other_sheets_and_the_name_of_a_file_tell_of_whom_it_is(small):
    own = [count_row("P2", TESTED, 50, place=None)]
    organization = ["1", "Сорск", "школа", *["нет"] * 4]
    sent = {"Сводные числа": [AGGREGATES, *own]}
    books = counted(count_row("P2", TESTED, 150, place=None))
    books |= {
        "Абаза 2023.xlsx": sent,
        "abaza.xlsx": sent,
        "1.xlsx": sent | {"Организации": [ORGANIZATIONS]},
    }
    books |= {"2.xlsx": sent | {"Организации": [ORGANIZATIONS, organization]}}
    books["1.xlsx"]["Сводные числа"] = [AGGREGATES, count_row(None, SITES, 9, place=None)]
    problems = held(small.take_in(books))

    assert set(problems["file"]) == {"Абаза 2023.xlsx", "abaza.xlsx", "2.xlsx"}
    assert cells(problems) == ["F2"] * 3
    assert problems["meaning"].str.startswith("Неясно, чьё это число").all()
    table = load(small.edition).aggregates.set_index("measure")
    assert table["municipality"].eq("total").all()
    assert table["numerator"].to_dict() == {"tested": 150, "internship_sites": 9}


# --- documents ------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["Monitoring_2023", "мониторинг РС НМС,  2023 год", "title"])
def test_a_document_is_named_by_its_id_or_one_of_its_names(small, word):
    if word == "title":
        word = small.edition.region.document("monitoring_2023").title.upper()
    result = small.take_in(counted(count_row(None, SITES, 7, document=word)))
    assert set(result.problems.loc[result.problems["table"].eq("aggregates"), "kind"]) <= {
        "corrected"
    }
    assert load(small.edition).aggregates["document"].tolist() == ["monitoring_2023"]


def test_a_name_of_several_documents_names_none(small):
    first, second, *others = small.edition.region.documents
    documents = (first, second.model_copy(update={"title": first.title.upper()}), *others)
    region = small.edition.region.model_copy(update={"documents": documents})
    words = vocabulary(region, "aggregates")["document"]
    assert folded(first.title) not in words
    assert words[folded(second.short)] == second.id and words[folded(first.id)] == first.id


@pytest.mark.parametrize("text", ["исп. Иванова Мария", "Приказ директора Иванова"])
def test_any_other_text_for_a_document_is_neither_kept_nor_shown(small, text):
    rows = [count_row(None, SITES, 7, document=text), count_row("P2", TESTED, 5, document=None)]
    result = small.take_in(counted(*rows))

    assert result.held_out == 0 and result.tables["aggregates"] == 2
    problem = only(result.problems, table="aggregates")
    assert problem["cell"] == "'Сводные числа'!J2" and problem["found"] == ""
    assert problem["meaning"].startswith("Документа с таким названием нет в region.yaml")
    assert load(small.edition).aggregates["document"].isna().all()
    for name, content in written_as_text(small).items():
        assert "иванов" not in content.casefold() and "директора" not in content, name


# --- numbers of an indicator that contradict each other -------------------------------------------

PART, WHOLE = "участники «горизонтального обучения»", "все работники региона"


def test_a_share_of_more_than_a_whole_holds_both_numbers_out(small):
    rows = [count_row(None, PART, 12), count_row(None, WHOLE, 10)]
    rows += [count_row(None, PART, 4, place="Абаза"), count_row(None, WHOLE, 4, place="Абаза")]
    rows.append(count_row(None, "освоили программу, подобранную по диагностике", 11))
    problems = held(small.take_in(counted(*rows)))

    assert sorted(set(cells(problems))) == ["G2", "G3", "G6"]
    of_part = problems[problems["cell"].str.endswith("G2")].iloc[0]
    assert of_part["found"] == "часть 12, целое 10"
    assert "«горизонтальном обучении»» — доля" in of_part["meaning"]
    assert set(problems.loc[problems["cell"].str.endswith("G6"), "found"]) == {"часть 11, целое 10"}
    table = load(small.edition).aggregates
    assert table["municipality"].tolist() == ["abaza", "abaza"]


def test_an_indicator_that_is_no_share_may_have_more_above_than_below(small):
    rows = [count_row(None, WHOLE, 250), count_row(None, "региональные методисты", 10)]
    assert small.take_in(counted(*rows)).held_out == 0


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


@pytest.mark.parametrize(("total", "found"), [(10, []), (12, ["регион 12, сумма 10"])])
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
    rows = [level_row("низкий уровень", 3), level_row("средний уровень", 98)]
    parts = [level_row("низкий уровень", 1, 9, place=place) for place in PLACES]
    problems = small.take_in(counted(*rows, *parts)).problems
    assert set(problems.loc[problems["table"].eq("aggregates"), "kind"]) == {"held_out"}


@pytest.mark.parametrize("total", [6, 7])
def test_a_region_may_be_more_than_some_of_its_parts(small, total):
    parts = [count_row("P2", TESTED, 2, place=place) for place in PLACES[:3]]
    problems = small.take_in(counted(count_row("P2", TESTED, total), *parts)).problems
    assert not problems["table"].eq("aggregates").any()


def test_a_region_that_is_less_than_some_of_its_parts_is_held_out(small):
    parts = [count_row("P2", TESTED, n, place=p) for n, p in ((60, "Абаза"), (40, "Сорск"))]
    region = count_row("P2", TESTED, 50)
    result = small.take_in(counted(region, *parts, region))  # the repeat is not let in instead

    assert cells(held(result)) == ["G2", "G5"]
    assert set(held(result)["found"]) == {"регион 50, сумма 100"}
    assert held(result)["meaning"].str.contains("меньше, чем в сумме").all()
    note = only(result.problems, table="aggregates", kind="note")
    assert note["cell"] == "'Сводные числа'!G3"
    assert note["found"] == "муниципальное образование 60, регион 50"
    table = load(small.edition).aggregates.set_index("municipality")
    assert table["numerator"].to_dict() == {"abaza": 60, "sorsk": 40}


def test_the_whole_of_a_region_is_no_less_than_those_of_its_parts(small):
    parts = [level_row("низкий уровень", 1, 30, place=place) for place in PLACES[:3]]
    result = small.take_in(counted(level_row("низкий уровень", 20, 80), *parts))
    assert cells(held(result)) == ["H2"]
    assert set(held(result)["found"]) == {"регион 80, сумма 90"}


def test_levels_of_other_people_than_were_tested_are_noted(small):
    rows = [count_row("P2", TESTED, 100), count_row("P2", TESTED, 30, place="Абаза")]
    rows += [level_row("низкий уровень", 20, 90), level_row("средний уровень", 70, 90)]
    rows += [level_row("низкий уровень", 20, 30, place="Абаза")]
    rows += [level_row("низкий уровень", 20, 60, wave="выходная")]
    result = small.take_in(counted(*rows))

    note = only(result.problems, table="aggregates")
    assert (note["cell"], note["kind"]) == ("'Сводные числа'!H4", "note")
    assert note["found"] == "уровни из 90, прошли 100"
    assert result.tables["aggregates"] == len(rows)


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
