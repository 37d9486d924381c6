"""Values as people write them: what is read, what is corrected, what is refused and why."""

from __future__ import annotations

from datetime import date
from time import perf_counter

import numpy as np
import pandas as pd
import pytest

from nmc_utils.intake.units import decide
from nmc_utils.intake.values import WANTED, absent, split_full_name, typed
from nmc_utils.tables import DATE

EXCEL, EXCEL_1904 = date(1899, 12, 30), date(1904, 1, 1)


def text(*cells: str | None) -> pd.Series:
    return pd.Series(cells, dtype="str")


def listed(cells: pd.Series) -> list[str | None]:
    return [None if pd.isna(cell) else cell for cell in cells]


def one(cell: str, dtype: str, **options):
    """What becomes of a cell: value, was it corrected, meaning, remedy."""
    found = typed(text(cell), dtype, **options)
    assert found.wrong.item() == found.values.isna().item()
    value = None if found.wrong.item() else found.values.item()
    return value, found.corrected.item(), found.meaning.item(), found.remedy.item()


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "value", "is_corrected"),
    [
        ("12", 12, False),
        ("12.5", 12.5, False),
        ("-1", -1, False),
        ("007", 7, False),
        ("1e3", 1000, False),
        ("0", 0, False),
        ("0e5", 0, False),
        ("12,5", 12.5, False),
        ("+5", 5, True),
        ("−3", -3, True),
        ("1 234,5", 1234.5, True),
        ("1\u00a0234\u00a0567", 1_234_567, True),
        ("1\u2009234", 1234, True),
        ("1\u202f234", 1234, True),
        ("'15", 15, True),
    ],
)
def test_numbers_are_read(cell, value, is_corrected):
    assert one(cell, "float64")[:2] == (value, is_corrected)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("1,234.5", "неясно, где дробная часть"),
        ("1.234,5", "неясно, где дробная часть"),
        ("1,234,567", "неясно, где дробная часть"),
        ("1e400", "слишком велико"),
        ("-1e400", "слишком велико"),
        ("1e-400", "слишком мало"),
        ("inf", "должно быть число"),
        ("-inf", "должно быть число"),
        ("nan", "должно быть число"),
        ("да", "а стоит «да» или «нет»"),
        ("TRUE", "а стоит «да» или «нет»"),
        ("12 (двенадцать)", "и больше ничего"),
        ("12,5 балла", "и больше ничего"),
        ("1 23", "и больше ничего"),
        ("12 34", "и больше ничего"),
        ("1/2", "и больше ничего"),
        ("75%", "без знака процента"),
        ("двенадцать", "должно быть число"),
        ("0x1F", "и больше ничего"),
        ("1_000", "и больше ничего"),
        ("١٢", "должно быть число"),  # digits of another script
    ],
)
def test_what_is_no_number_is_refused(cell, reason):
    value, is_corrected, meaning, remedy = one(cell, "float64")
    assert value is None and not is_corrected
    assert reason in meaning and meaning.startswith("Здесь должно быть число")
    assert remedy.endswith(".") and not meaning.endswith(".")


@pytest.mark.parametrize(
    ("cell", "value"),
    [("12", 12), ("12,0", 12), ("1 000", 1000), ("1e2", 100), ("0,000", 0), ("12,00", 12)],
)
def test_whole_numbers_are_read(cell, value):
    assert one(cell, "Int64")[0] == value


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("12,5", "стоит дробное"),
        ("1e15", "слишком велико"),
        ("много", "должно быть целое число"),
        ("1,000", "Неясно: тысячи или дробь"),
        ("12.000", "Неясно: тысячи или дробь"),
        ("-1,234,567", "Неясно: тысячи или дробь"),
    ],
)
def test_what_is_no_whole_number_is_refused(cell, reason):
    value, _, meaning, remedy = one(cell, "Int64")
    assert value is None and reason in meaning and remedy


# --- flags ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "value", "is_corrected"),
    [
        ("да", True, False),
        ("НЕТ", False, False),
        ("Да.", True, True),
        ("+", True, True),
        ("1", True, True),
        ("есть", True, True),
        ("yes", True, True),
        ("0", False, True),
        ("no", False, True),
        ("отсутствует", False, True),
    ],
)
def test_flags_are_read(cell, value, is_corrected):
    assert one(cell, "bool")[:2] == (value, is_corrected)


@pytest.mark.parametrize("cell", ["может быть", "2", "да/нет", "н", "х", "?"])
def test_what_is_no_flag_is_refused(cell):
    value, _, meaning, remedy = one(cell, "bool")
    assert (value, meaning, remedy) == (None, *WANTED["bool"])


def test_a_hyphen_is_no_only_beside_a_plus():
    assert typed(text("+", "-", "—"), "bool").values.tolist() == [True, False, False]
    found = typed(text("да", "-"), "bool")
    assert found.wrong.tolist() == [False, True]
    assert "прочерк может значить" in found.meaning[1]


# --- dates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "value", "is_corrected"),
    [
        ("2026-11-21", "2026-11-21", False),
        ("2026-11-21T12:30:00", "2026-11-21", False),
        ("2026-11-21 00:00:00", "2026-11-21", False),
        ("21.11.2026", "2026-11-21", False),
        ("1.2.2026", "2026-02-01", False),
        ("21.11.2026 г.", "2026-11-21", True),
        ("21.11.2026г", "2026-11-21", True),
        ("21.11.2026 0:00:00", "2026-11-21", True),
        ("21-11-2026", "2026-11-21", True),
        ("21 ноября 2026 г.", "2026-11-21", True),
        ("5 мая 1980", "1980-05-05", True),
        ("5 Июля 1980 года", "1980-07-05", True),
        ("5 марта 1980", "1980-03-05", True),
        ("5 янв. 1980", "1980-01-05", True),
        ("13/02/2023", "2023-02-13", True),
        ("02/02/2023", "2023-02-02", True),
        ("2023/02/13", "2023-02-13", True),
        ("29.02.2024", "2024-02-29", False),
    ],
)
def test_dates_are_read(cell, value, is_corrected):
    assert one(cell, DATE)[:2] == (pd.Timestamp(value), is_corrected)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("31.02.2025", "такого дня не бывает"),
        ("2025-02-31", "такого дня не бывает"),
        ("29.02.2023", "такого дня не бывает"),
        ("31 апреля 2023", "такого дня не бывает"),
        ("00.01.2023", "такого дня не бывает"),
        ("01/02/2023", "неясно, где день, а где месяц"),
        ("04-10-2023", "неясно, где день, а где месяц"),
        ("02/13/2023", "неясно, где день, а где месяц"),
        ("21.11.26", "век неизвестен"),
        ("21/11/26", "век неизвестен"),
        ("2023", "стоит один год"),
        ("2023 г.", "стоит один год"),
        ("45123", "порядковым номером дня"),
        ("11.2026", "должна быть дата"),
        ("5 мартобря 1980", "должна быть дата"),
        ("давно", "должна быть дата"),
        ("1", "должна быть дата"),
    ],
)
def test_what_is_no_date_is_refused(cell, reason):
    value, is_corrected, meaning, remedy = one(cell, DATE)
    assert value is None and not is_corrected
    assert reason in meaning and meaning.startswith("Здесь должна быть дата")
    assert cell not in meaning and "ДД.ММ.ГГГГ" in remedy


@pytest.mark.parametrize(
    ("cell", "epoch", "value"),
    [
        ("45123", EXCEL, "2023-07-16"),
        ("45123.75", EXCEL, "2023-07-16"),
        ("29221", EXCEL, "1980-01-01"),
        ("43661", EXCEL_1904, "2023-07-16"),
    ],
)
def test_serial_numbers_of_days_are_read_by_the_epoch(cell, epoch, value):
    assert one(cell, DATE, epoch=epoch)[:2] == (pd.Timestamp(value), True)


@pytest.mark.parametrize("cell", ["7000", "73051", "2023", "999999"])
def test_a_number_far_from_any_date_is_refused(cell):
    assert one(cell, DATE, epoch=EXCEL)[0] is None


@pytest.mark.parametrize("mark", [".", "-", "/"])
def test_one_date_with_the_month_first_makes_the_others_of_its_column_doubtful(mark):
    cells = [mark.join(day) for day in (("04", "10", "2023"), ("04", "13", "2023"))]
    found = typed(text(*cells, "25.12.2023", "05.05.2023", "2023-10-04"), DATE)
    assert found.wrong.tolist() == [True, True, False, False, False]
    assert found.meaning[:2].str.contains("неясно, где день, а где месяц").all()


def test_a_day_that_is_none_in_any_order_does_not_make_the_others_doubtful():
    found = typed(text("04.10.2023", "32.10.2023", "00.13.2023"), DATE)
    assert found.wrong.tolist() == [False, True, True]


# --- columns --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", WANTED)
def test_an_empty_cell_is_no_mistake(dtype):
    found = typed(pd.Series([None, "???", None], [5, 3, 9], dtype="str"), dtype)
    assert found.wrong.to_dict() == {5: False, 3: True, 9: False}
    assert found.values.isna().all() and not found.corrected.any()
    assert found.meaning.to_dict()[3] and found.meaning.drop(3).isna().all()
    assert all(list(part.index) == [5, 3, 9] for part in found)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("float64", "float64"), ("Int64", "Int64"), ("bool", "boolean"), (DATE, DATE)],
)
def test_an_empty_column_has_the_type(dtype, expected):
    for column in (text(), text(None, None)):
        assert str(typed(column, dtype).values.dtype) == expected


def test_the_order_of_cells_changes_nothing():
    cells = text("1", "2,5", None, "x", "1", "1e400", "2,5", "1 000")
    found, turned = typed(cells, "float64"), typed(cells[::-1], "float64")
    for part, other in zip(found, turned, strict=True):
        pd.testing.assert_series_equal(part, other[::-1])


def test_a_long_column_takes_milliseconds():
    grades = text(*map(str, range(20))).sample(200_000, replace=True, random_state=0)
    start = perf_counter()
    assert not typed(grades, "float64").wrong.any()
    assert perf_counter() - start < 0.5  # 0.01 s by itself; others share the machine


# --- absences and names ---------------------------------------------------------------------------


def test_absences_are_told_from_scores_and_other_words():
    absences = ["н/я", "Н / Я", "неявка", "не явился", "отсутствовала", "болел", "н", "-", "—"]
    others = ["0", "12,5", "зачёт", "да", "-1", "нет", None]
    assert absent(text(*absences, *others)).tolist() == [True] * len(absences) + [False] * 7


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        ("Королёва Алёна Петровна", ["Королёва", "Алёна", "Петровна"]),
        ("Королёва, Алёна Петровна", ["Королёва", "Алёна", "Петровна"]),
        ("Королёва  Алёна", ["Королёва", "Алёна", None]),
        ("Петров - Водкин Кузьма Сергеевич", ["Петров-Водкин", "Кузьма", "Сергеевич"]),
        ("Алиев Гасан Мамед оглы", ["Алиев", "Гасан", "Мамед оглы"]),
        ("Алиева Лейла Мамед кызы", ["Алиева", "Лейла", "Мамед кызы"]),
        ("Алиев Гасан Мамед-оглы", ["Алиев", "Гасан", "Мамед-оглы"]),
        ("Абрамович Роман Аркадьевич", ["Абрамович", "Роман", "Аркадьевич"]),
        ("д'Артаньян Шарль", ["д'Артаньян", "Шарль", None]),
    ],
)
def test_full_names_are_taken_apart(cell, parts):
    frame, cannot = split_full_name(text(cell))
    assert listed(frame.loc[0]) == parts
    assert list(frame) == ["Фамилия", "Имя", "Отчество"] and not cannot.any()


@pytest.mark.parametrize(
    "cell",
    [
        "Королёва А. П.",
        "Королёва А.П.",
        "Королёва А П",
        "А. П. Королёва",
        "Королёва",
        "Алёна Петровна",
        "Алёна Петровна Королёва",
        "Алиев Гасан оглы",
        "Королёва Алёна Петровна 2",
        "Королёва Алёна Петровна (Сидорова)",
        "Королёва Алёна Мария Петровна",
        "???",
    ],
)
def test_what_does_not_identify_is_refused(cell):
    frame, cannot = split_full_name(text(cell, None))
    assert cannot.tolist() == [True, False]
    assert frame.isna().all(axis=None)


# --- units ----------------------------------------------------------------------------------------


def test_points_and_shares_stay_as_they_are():
    for header, kind in (("Балл", "score"), ("Надёжность", "share"), ("Ставка", "share")):
        unit = decide(text("12,5", "0", None, "н/я"), header, kind)
        assert (unit.factor, unit.is_percent, unit.wrong.any()) == (1.0, False, False)
        assert listed(unit.plain) == ["12,5", "0", None, "н/я"]


@pytest.mark.parametrize("header", ["Балл", "Балл, %", "Балл (в процентах)"])
def test_cells_with_the_sign_are_percent_whatever_the_header(header):
    unit = decide(text("75%", "12,5 %", "100 %", "0", None, "н/я"), header, "score")
    assert (unit.factor, unit.is_percent, unit.wrong.any()) == (0.01, True, False)
    assert listed(unit.plain) == ["0.75", "0.125", "1", "0", None, "н/я"]


def test_a_share_in_percent_becomes_a_share():
    unit = decide(text("50 %", "150%"), "Ставка", "share")
    assert (unit.factor, unit.is_percent, listed(unit.plain)) == (0.01, False, ["0.5", "1.5"])


def test_cells_with_and_without_the_sign_are_refused():
    unit = decide(text("75%", "0.75", "75", "0", "н/я", None), "Балл", "score")
    assert (unit.factor, unit.is_percent) == (None, False)
    assert unit.wrong.tolist() == [True, True, True, False, False, False]
    assert listed(unit.plain) == [None, None, None, "0", "н/я", None]
    assert (
        unit.meaning[:3].str.contains("неясно, в чём они").all() and unit.meaning[3:].isna().all()
    )
    assert unit.remedy[0].endswith(".")


def test_a_signed_zero_is_zero_in_any_unit():
    unit = decide(text("0 %", "15", "0%", "0,0 %", "2,5"), "Балл", "score")
    assert (unit.factor, unit.is_percent, unit.wrong.any()) == (1.0, False, False)
    assert listed(unit.plain) == ["0", "15", "0", "0.0", "2,5"]
    unit = decide(text("0 %", "75 %"), "Балл", "score")
    assert (unit.is_percent, listed(unit.plain)) == (True, ["0", "0.75"])


def test_percents_are_read_however_the_number_is_written():
    unit = decide(text("'75", "1 000,5", "+5", "1e2"), "Балл, %", "score")
    assert listed(unit.plain) == ["0.75", "10.005", "0.05", "1"]


@pytest.mark.parametrize("header", ["Балл, %", "Процент выполнения", "Результат в процентах"])
def test_numbers_under_a_header_in_percent_are_percent(header):
    unit = decide(text("75", "12,5", "0", "н/я"), header, "score")
    assert (unit.factor, unit.is_percent) == (0.01, True)
    assert listed(unit.plain) == ["0.75", "0.125", "0", "н/я"]


def test_small_numbers_under_a_header_in_percent_are_refused():
    for cells, wrong in (
        (("0.75", "75", "0"), [True, False, False]),
        (("1", "0", "1"), [True, False, True]),
        (("0,75", "1", "0,5"), [True, True, True]),
    ):
        unit = decide(text(*cells), "Балл, %", "score")
        assert unit.wrong.tolist() == wrong
        assert unit.factor == (0.01 if "75" in cells else None)
        assert "это доля или доли процента" in unit.meaning[0]


def test_a_share_of_the_maximum_is_told_by_the_header():
    unit = decide(text("0,75", "1", "75"), "Доля выполнения", "score")
    assert (unit.factor, unit.is_percent) == (1.0, True)
    assert unit.wrong.tolist() == [False, False, True]
    assert "В заголовке доля" in unit.meaning[2]


def test_percents_are_divided_exactly():
    cells = [f"{n},1%" for n in range(100)]
    wanted = np.array([f"0.{n:02}1" for n in range(100)])
    assert decide(text(*cells), "Балл", "score").plain.tolist() == wanted.tolist()


def test_no_cells_are_in_no_other_unit():
    unit = decide(text(None, None), "Балл", "score")
    assert (unit.factor, unit.is_percent, unit.wrong.any()) == (1.0, False, False)
