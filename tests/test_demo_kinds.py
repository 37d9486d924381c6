"""Demonstration editions that differ in what is sent and in the kind of their period."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from conftest import copy_definitions
from demonstrations import (
    CENTER,
    CODE,
    LONG,
    PERSON,
    SHORT,
    TRUE_PERSON,
    Written,
    other_region,
)

from nmc_utils import demo
from nmc_utils.editions import DefinitionError, Period, edition
from nmc_utils.intake import take_in
from nmc_utils.intake.columns import headers
from nmc_utils.tables import load
from nmc_utils.terms import COUNTS, TOTAL, WAVES, WHOLE_TEST

# --- periods -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "as_of"),
    [("2022-2023", "2023-08-31"), ("2022-2023", "2022-11-30"), ("2023-q2", "2023-12-31")],
)
def test_the_diagnostics_lie_within_a_period_of_any_kind(
    root: Path, period: str, as_of: str
) -> None:
    def change(content: dict) -> None:
        content["demonstration"] = {period: {**content["demonstration"][LONG], "as_of": as_of}}

    other_region(root, change)
    demo.write(root, CODE, persons=300)
    written, meant = Written(root), Period.parse(period)
    assert edition(CODE, period, root).period == meant
    dates = written.table("scores", period)["Дата"]
    assert dates.min() >= pd.Timestamp(meant.starts_on)
    assert dates.max() <= min(pd.Timestamp(meant.ends_on), pd.Timestamp(as_of))
    assert (dates.dt.day_of_week < 5).all()
    for name, header in (("staff", "Дата приёма"), ("methodists", "В РМА с")):
        assert written.table(name, period)[header].max() <= pd.Timestamp(as_of)


# --- totals, counts, no РМА ----------------------------------------------------------------------

COUNTED = {"outside": 139, "other": 41}


def _by_domain(content: dict) -> None:
    """Two small editions without item responses and support; one has neither РМА nor counts."""
    sizes = {"staff": 1500, "organizations": 60, "tested": 300, "item_responses": False}
    for size in content["demonstration"].values():
        size |= sizes
        del size["support"]
    del content["demonstration"][SHORT]["methodists"]
    content["demonstration"][LONG]["counted"] = [
        {"code": code, "organiser": "Организатор", "purpose": "оценка", "tested": n}
        for code, n in COUNTED.items()
    ]


def _in_totals(content: dict) -> None:
    _by_domain(content)
    for size in content["demonstration"].values():
        size["totals_only"] = True


@pytest.fixture(scope="module")
def totals(tmp_path_factory: pytest.TempPathFactory) -> Written:
    root = copy_definitions(tmp_path_factory.mktemp("totals"))
    other_region(root, _in_totals)
    demo.write(root, CODE)
    return Written(root)


def test_totals_are_the_sums_over_the_competences(totals: Written, root: Path) -> None:
    other_region(root, _by_domain)
    demo.write(root, CODE, [SHORT])
    columns, keys = ["Балл", "Максимальный балл"], [*PERSON, "Этап", "Код формы", "Дата"]
    sums = Written(root).table("scores", SHORT).groupby(keys)[columns].sum()
    scores = totals.table("scores", SHORT)
    assert set(scores["Компетенция"]) == {WHOLE_TEST}
    assert not scores.duplicated([*PERSON, "Этап"]).any()
    pd.testing.assert_frame_equal(scores.set_index(keys)[columns].sort_index(), sums)


def test_a_form_of_totals_states_the_reliability_of_the_whole_test(totals: Written) -> None:
    size = totals.region.demonstration[SHORT]
    forms = totals.table("forms", SHORT)
    assert len(forms) == len(totals.region.families) and set(forms["Компетенция"]) == {WHOLE_TEST}
    n_items = size.items_per_domain * len(totals.region.domains)
    assert (forms[["Число заданий", "Максимальный балл"]] == n_items).all(axis=None)
    assert forms["Источник надёжности"].notna().all()
    entry = totals.table("scores", SHORT).query("Этап == 'входная'")
    true = totals.truth("abilities", SHORT).query("wave == 'entry' and domain == @TOTAL")
    both = entry.merge(true, left_on=PERSON, right_on=TRUE_PERSON, validate="1:1")
    reliability = both["Балл"].corr(both["expected_form_share"]) ** 2
    assert forms["Надёжность"].mean() == pytest.approx(reliability, abs=0.08)


def test_without_members_there_is_no_sheet_of_the_rma(totals: Written) -> None:
    without, having = (totals.sheets(period)[CENTER] for period in (SHORT, LONG))
    assert list(without) == ["Пояснение", "Процедуры", "Формы"]
    assert list(having) == ["Пояснение", "Процедуры", "Формы", "РМА"]
    assert not without["Пояснение"].iloc[:, 0].str.contains("РМА").any()
    said = having["Пояснение"].iloc[:, 0]
    assert said.str.startswith("РМА").any() and "Формы — одна форма теста" in set(said)


def test_a_counted_procedure_is_sent_as_numbers_of_each_municipality(totals: Written) -> None:
    counts, place = totals.table("aggregates", LONG), "Муниципальное образование"
    assert list(counts.columns[:-1]) == list(headers("aggregates").values())
    assert (counts["workbook"] == counts[place]).all()
    assert len(counts) == len(COUNTED) * len(totals.region.municipalities)
    by_procedure = counts.groupby("Код процедуры")["Число"].sum().to_dict()
    assert by_procedure == {f"{code}-{LONG}": n for code, n in COUNTED.items()}
    staff = totals.table("staff", LONG)["workbook"].value_counts()
    assert (counts["Из общего числа"] == counts[place].map(staff)).all()
    assert (counts["Число"] <= counts["Из общего числа"]).all()
    assert set(counts["Что сосчитано"]) == {COUNTS["tested"]}
    assert set(counts["Этап"]) == {WAVES["entry"]} and set(counts["Компетенция"]) == {WHOLE_TEST}
    shares = (counts["Число"] / counts["Из общего числа"]).groupby(counts["Код процедуры"])
    assert (shares.std() > 0).all()
    procedures = totals.table("procedures", LONG).set_index("Код процедуры")
    assert set(procedures.index) == {f"diag-{LONG}", *by_procedure}
    row = procedures.loc[f"outside-{LONG}"]
    assert (row["Организатор"], row["Цель"]) == ("Организатор", "оценка")
    assert "только числа" in row["Как отобраны участники"]
    assert pd.isna(row["Сопоставимость с предыдущей"])


@pytest.mark.long
def test_what_is_sent_in_totals_and_counts_is_taken_in_whole(totals: Written) -> None:
    for period, absent in ((SHORT, {"methodists", "aggregates"}), (LONG, set())):
        taken = edition(CODE, period, totals.root)
        assert take_in(taken).held_out == 0
        tables = load(taken)
        assert not absent & set(tables)
        assert set(tables.scores["domain"]) == set(tables.forms["domain"]) == {TOTAL}
    assert tables.aggregates["numerator"].sum() == sum(COUNTED.values())
    assert set(tables.aggregates["municipality"]) == set(totals.region.municipality_names)


def test_counted_procedures_follow_the_number_of_persons(root: Path) -> None:
    other_region(root, _in_totals)
    demo.write(root, CODE, [LONG], persons=3000)
    counts = Written(root).table("aggregates", LONG).groupby("Код процедуры")["Число"].sum()
    assert counts.to_dict() == {f"{code}-{LONG}": 2 * n for code, n in COUNTED.items()}


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"as_of": "2023-01-20"}, "2023.as_of: 2023-01-20 не подходит; допустимо: 2023-01-31 или"),
        ({"counted": [("outside", 20_000)]}, "outside — 20000 участников, больше, чем staff"),
        ({"counted": [("diag", 9)]}, "код diag повторяется или занят процедурой, о которой"),
        ({"counted": [("a", 9), ("a", 8)]}, "код a повторяется"),
    ],
)
def test_refuses_sizes_that_cannot_be_simulated(root: Path, changed: dict, message: str) -> None:
    def change(content: dict) -> None:
        counted = [
            {"code": code, "organiser": "о", "purpose": "ц", "tested": n}
            for code, n in changed.get("counted", [])
        ]
        content["demonstration"][LONG] |= changed | {"counted": counted}

    other_region(root, change)
    with pytest.raises(DefinitionError, match=message):
        demo.write(root, CODE, [LONG])
    assert not (root / "regions" / CODE / LONG).exists()


def test_refuses_a_key_that_is_no_period(root: Path) -> None:
    def change(content: dict) -> None:
        content["demonstration"]["2022/2023"] = content["demonstration"].pop(SHORT)

    other_region(root, change)
    with pytest.raises(DefinitionError, match="ключ demonstration: период «2022/2023» не распозна"):
        demo.write(root, CODE)
