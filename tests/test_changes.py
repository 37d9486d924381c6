"""Two periods side by side: known intervals, what is judged, and what is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import CHECKOUT

from nmc_utils import comparison
from nmc_utils.measures import changes
from nmc_utils.measures.intervals import difference_interval, share_interval
from nmc_utils.regions import read_region
from nmc_utils.terms import TOTAL, UNSTATED

REGION = read_region(CHECKOUT / "data", "khakassia")
BEFORE = "2022 год"
LOWEST = REGION.diagnostics.lowest.code


# --- the interval of a difference -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [  # Newcombe (1998), table II, method 10
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((10, 10, 0, 20), 0.6791, 1.0000),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((0, 10, 0, 10), -0.2775, 0.2775),
    ],
)
def test_interval_of_a_difference_is_the_published_one(counts, low, high):
    assert np.round(difference_interval(*counts), 4) == pytest.approx([low, high])


def test_interval_of_a_difference_turns_with_the_sides():
    low, high = difference_interval(30, 100, 45, 90)
    turned = difference_interval(45, 90, 30, 100)
    assert (low, high) == pytest.approx((-turned[1], -turned[0]))


def test_interval_of_a_difference_of_failures_is_the_other_way_round():
    low, high = difference_interval(30, 100, 45, 90)
    failures = difference_interval(70, 100, 45, 90)
    assert (low, high) == pytest.approx((-failures[1], -failures[0]))


def test_against_a_known_share_only_one_side_is_uncertain():
    low, high = difference_interval(30, 100, 5 * 10**11, 10**12)
    bounds = [float(low) + 0.5, float(high) + 0.5]
    assert bounds == pytest.approx([float(end) for end in share_interval(30, 100)], abs=1e-5)


def test_an_empty_group_has_no_interval():
    assert np.isnan(difference_interval(0, 0, 3, 9)).all()


# --- tables of two runs ---------------------------------------------------------------------------


def procedures(name: str = "P", organiser: str | None = "ЦНППМ", **about) -> pd.DataFrame:
    row = {"procedure": name, "organiser": organiser, "comparability": None} | about
    return pd.DataFrame([row])


def level_shares(name: str = "P", **places: tuple[int, int]) -> pd.DataFrame:
    """Rows of the lowest level: municipality → persons at it, and tested."""
    base = {"procedure": name, "wave": "entry", "domain": TOTAL, "family": TOTAL, "status": "ok"}
    rows = [
        base | {"municipality": place, "level": LOWEST, "estimate": x / n, "n": n}
        for place, (x, n) in places.items()
    ]
    return pd.DataFrame(rows).astype({"n": "Int64"})


def coverage(name: str = "P", **tested: int) -> pd.DataFrame:
    rows = [
        {"procedure": name, "municipality": place, "measure": "tested", "estimate": float(n)}
        | {"n": n, "status": "ok"}
        for place, n in tested.items()
    ]
    return pd.DataFrame(rows).astype({"n": "Int64"})


def reporting(*codes: str) -> pd.DataFrame:
    places = list(REGION.municipality_names)
    return pd.DataFrame({"municipality": places, "is_reported": [p in codes for p in places]})


def forms(n_items: int, name: str = "P", domain: str = "subject") -> pd.DataFrame:
    row = {"form_id": "7", "procedure_id": name, "domain": domain, "subject": "mathematics"}
    return pd.DataFrame([row | {"n_items": n_items, "max_score": float(n_items)}])


def run(places: dict[str, tuple[int, int]], **about) -> dict[str, pd.DataFrame]:
    """The tables of a run in which these municipalities were tested."""
    whole = tuple(sum(part) for part in zip(*places.values(), strict=True))
    tested = {place: n for place, (_, n) in places.items()}
    return {
        "procedures": procedures(**about),
        "level_shares": level_shares(**{TOTAL: whole}, **places),
        "coverage": coverage(**{TOTAL: whole[1]}, **tested),
        "reporting": reporting(*places),
        "conservation": pd.DataFrame({"table": ["scores"], "sent": [10], "accepted": [whole[1]]}),
        "forms": forms(20),
    }


OLD = run({"abakan": (48, 80), "abaza": (20, 40)})
NEW = run({"abakan": (56, 70), "abaza": (20, 40)}, comparability="сопоставимо")


def said(now: dict, before: dict) -> str:
    found = changes.compare(now, before, REGION)
    return " ".join(comparison.changes(found, REGION, BEFORE)).replace("\u00a0", " ")


def test_a_share_moves_when_zero_lies_outside_the_interval():
    table = changes.compare(NEW, OLD, REGION).shares.set_index("municipality")
    assert table["is_moved"].to_dict() == {TOTAL: False, "abakan": True, "abaza": False}
    row = table.loc["abakan"]
    assert row[["estimate_before", "estimate", "difference"]].tolist() == pytest.approx(
        [0.6, 0.8, 0.2]
    )
    assert row[["ci_low", "ci_high"]].tolist() == pytest.approx([0.0524, 0.3339], abs=1e-4)
    assert (row["n_before"], row["n"], row["interval_kind"]) == (80, 70, "newcombe")


@pytest.mark.parametrize("said_of_it", [None, "несопоставимо", "Несопоставимо.", "как-то иначе"])
def test_shares_that_may_not_be_compared_stand_side_by_side(said_of_it):
    now = NEW | {"procedures": procedures(comparability=said_of_it)}
    found = changes.compare(now, OLD, REGION)
    assert not found.comparability["is_comparable"]
    assert not found.shares["is_moved"].any()
    assert found.shares[["difference", "ci_low", "ci_high"]].isna().all(axis=None)
    assert found.shares["estimate"].notna().all()
    text = said(now, OLD)
    assert "доли стоят рядом и не оцениваются" in text
    assert "68,8 %" not in text.split(".")[0]
    assert "изменилась" not in text


@pytest.mark.parametrize("word", ["сопоставимо", "Сопоставимо.", " Сопоставимо "])
def test_words_of_the_procedure_decide(word):
    now = NEW | {"procedures": procedures(comparability=word)}
    assert changes.compare(now, OLD, REGION).comparability["is_comparable"]
    assert said(now, OLD).startswith(
        f"Сравнение с периодом «2022 год»: по описанию процедуры — «{word}»."
    )


def unjudged(now: dict, before: dict) -> str:
    """What is said of two periods, none of whose shares is judged."""
    found = changes.compare(now, before, REGION)
    assert not found.comparability["is_comparable"]
    assert found.shares["ci_low"].isna().all()
    text = said(now, before)
    assert "интервал" not in text
    assert "Доля прошедших диагностику с результатом ≤ 60 %: 69,1 % (n = 110), было " in text
    return text


def test_shares_after_linking_wait_for_linked_scores():
    now = NEW | {"procedures": procedures(comparability="После выравнивания")}
    assert (
        "«После выравнивания»; доли по выровненным баллам пока не вычисляются, поэтому доли стоят "
        "рядом и не оцениваются."
    ) in unjudged(now, OLD)


@pytest.mark.parametrize("fact", [{"n_items": 25}, {"max_score": 25.0}, {"domain": "ict"}])
def test_shares_of_other_forms_are_not_judged(fact):
    now = NEW | {"forms": forms(20).assign(**fact)}
    text = unjudged(now, OLD)
    assert "«сопоставимо», но формы изменились, поэтому доли стоят рядом" in text
    assert "Изменились формы: " in text


def test_a_second_form_of_another_size_is_noticed():
    second = forms(25).assign(form_id="8")
    found = changes.forms(pd.concat([forms(20), second]), forms(20))
    assert found[["aspect", "before", "now"]].to_numpy().tolist() == [
        ["n_items", "20", "20; 25"],
        ["max_score", "20", "20; 25"],
    ]


def test_comparability_is_said_first_and_n_with_every_share():
    text = said(NEW, OLD)
    assert text.startswith(
        "Сравнение с периодом «2022 год»: по описанию процедуры — «сопоставимо»."
    )
    assert (
        "Доля прошедших диагностику с результатом ≤ 60 %: 69,1 % (n = 110), было 56,7 % (n = 120); "
        "изменения больше интервала нет: разность 12,4 п.п., 95%-й интервал от −0,1 до 24,3."
        in text
    )
    assert "у 1 из 2: Абакан — 80,0 % (n = 70), было 60,0 % (n = 80)" in text
    assert (
        "Сравнений 3: при 95%-х интервалах примерно 0,2 из них выйдут за интервал случайно" in text
    )


def test_nothing_is_said_of_causes():
    for word in ("потому", "благодаря", "из-за", "привел", "улучш", "ухудш", "вырос", "сниз"):
        assert word not in said(NEW, OLD).lower()


def test_the_same_period_twice_has_changed_in_nothing():
    now = run({"abakan": (48, 80), "abaza": (20, 40)}, comparability="сопоставимо")
    found = changes.compare(now, OLD, REGION)
    assert not found.shares["is_moved"].any()
    assert found.shares["difference"].eq(0).all()
    assert found.procedures.empty
    assert found.forms.empty
    assert found.reporters.empty
    assert "Строк принято столько же" in said(now, OLD)
    assert "изменения больше интервала нет" in said(now, OLD)


def test_other_organisers_are_not_compared():
    now = NEW | {"procedures": procedures(organiser="ФИОКО", comparability="сопоставимо")}
    found = changes.compare(now, OLD, REGION)
    assert found.comparability == {"is_comparable": False, "said": None, "why": "organiser"}
    assert "процедуры одного организатора нет (ЦНППМ и ФИОКО)" in said(now, OLD)


def test_the_largest_procedure_of_the_same_organiser_is_compared():
    small = level_shares("Q", **{TOTAL: (1, 50)})
    before = OLD | {
        "procedures": pd.concat([procedures("P", "ФИОКО"), procedures("Q", "ЦНППМ")]),
        "level_shares": pd.concat([OLD["level_shares"], small]),
        "coverage": pd.concat([OLD["coverage"], coverage("Q", **{TOTAL: 50})]),
    }
    table = changes.compare(NEW, before, REGION).shares
    assert table[["municipality", "n_before"]].to_numpy().tolist() == [[TOTAL, 50]]


def test_an_organiser_that_is_not_named_is_nobody_s_match():
    assert changes.matched(procedures(organiser=None), procedures(organiser=None)) is None


def test_few_persons_of_a_municipality_are_not_told():
    now = run({"abakan": (5, 9), "abaza": (20, 40)}, comparability="сопоставимо")
    assert set(changes.compare(now, OLD, REGION).shares["municipality"]) == {TOTAL, "abaza"}


def test_who_vanished_and_who_appeared_by_name():
    now = run({"abakan": (48, 80), "sorsk": (20, 40)})
    found = changes.compare(now, OLD, REGION).reporters
    assert found.to_numpy().tolist() == [["abaza", "vanished"], ["sorsk", "appeared"]]
    text = said(now, OLD)
    assert "За прошлый период данные были, за этот нет: Абаза." in text
    assert "За прошлый период данных не было, за этот есть: Сорск." in text


def test_periods_with_other_municipalities_are_told_on_the_same_ones_too():
    now = run({"abakan": (56, 70), "sorsk": (20, 40)}, comparability="сопоставимо")
    found = changes.compare(now, OLD, REGION)
    assert found.places == ("abakan",)
    before, later = found.same
    assert (before["tested"]["estimate"], later["tested"]["estimate"]) == (80, 70)
    assert later["level_share"]["estimate"] == pytest.approx(0.8)
    assert (
        "На одних и тех же муниципальных образованиях (их 1): прошли диагностику 70 чел., "
        "было 80 чел.; доля с результатом ≤ 60 %: 80,0 % (n = 70), было 60,0 % (n = 80); "
        "доля изменилась: разность 20,0 п.п., 95%-й интервал от 5,2 до 33,4." in said(now, OLD)
    )
    assert changes.compare(NEW, OLD, REGION).same == ()


def test_other_municipalities_are_no_change_of_the_share():
    """Abakan is at 30 % twice; that Abaza is absent makes the whole another one."""
    before = run({"abakan": (60, 200), "abaza": (80, 160)})
    now = run({"abakan": (60, 200)}, comparability="сопоставимо")
    found = changes.compare(now, before, REGION)
    assert found.composition == "differs"
    whole = found.shares.set_index("municipality").loc[TOTAL]
    assert whole[["estimate_before", "estimate"]].tolist() == pytest.approx([140 / 360, 0.3])
    assert whole[["difference", "ci_low", "ci_high"]].isna().all()
    assert (whole["interval_kind"], whole["is_moved"]) == ("none", False)
    text = said(now, before)
    assert "не оценивается: участвовали разные муниципальные образования." in text
    assert "30,0 % (n = 200), было 30,0 % (n = 200); изменения больше интервала нет: " in text
    assert "доля изменилась" not in text
    assert "Сравнений" not in text, "the one municipality is the whole that was judged"


def test_where_nobody_was_tested_is_not_the_same_municipality():
    now = run({"abakan": (56, 70)}, comparability="сопоставимо")
    now["coverage"] = coverage(**{TOTAL: 70, "abakan": 70, "abaza": 0})
    found = changes.compare(now, OLD, REGION)
    assert (found.composition, found.places) == ("differs", ("abakan",))


def test_without_results_by_municipality_the_whole_is_not_judged():
    now, before = (
        period
        | {
            "coverage": coverage(**{TOTAL: n}),
            "level_shares": level_shares(**{TOTAL: (50, n)}),
        }
        for period, n in ((NEW, 110), (OLD, 60))
    )
    assert changes.compare(now, before, REGION).shares["ci_low"].isna().all()
    text = said(now, before)
    assert "не оценивается: неизвестно, одни и те же ли муниципальные образования" in text
    assert "интервал" not in text


def test_persons_of_an_unstated_municipality_are_no_municipality():
    places = {"abakan": (56, 70), UNSTATED: (20, 40)}
    now, before = run(places, comparability="сопоставимо"), run(places)
    found = changes.compare(now, before, REGION)
    assert (found.composition, list(found.shares["municipality"])) == ("same", [TOTAL, "abakan"])
    assert "Сравнений 2: " in said(now, before)


def test_forms_that_changed():
    now = NEW | {"forms": forms(25)}
    found = changes.compare(now, OLD, REGION).forms
    assert found[["aspect", "before", "now"]].to_numpy().tolist() == [
        ["n_items", "20", "25"],
        ["max_score", "20", "25"],
    ]
    assert "Изменились формы: Предметные, Математика и информатика: число заданий 25, было 20" in (
        said(now, OLD)
    )
    other = changes.compare(NEW | {"forms": forms(20, domain="ict")}, OLD, REGION).forms
    assert other[["domain", "before", "now"]].to_numpy().tolist() == [
        ["ict", None, "20, 20"],
        ["subject", "20, 20", None],
    ]


def test_a_description_that_changed():
    now = NEW | {"procedures": procedures(selection="все", comparability="сопоставимо")}
    old = OLD | {"procedures": procedures(selection="по записи")}
    assert "Изменилось описание процедуры: как отобраны участники — «все», было «по записи»." in (
        said(now, old)
    )


def test_rows_of_a_table_that_one_period_lacks():
    lines = pd.DataFrame(
        {"table": ["scores", "staff", ""], "sent": [9, 5, 3], "accepted": [7, 5, 0]}
    )
    now = NEW | {"conservation": pd.concat([lines, lines])}
    table = changes.compare(now, OLD, REGION).rows.set_index("table")
    assert table.loc["scores"].tolist() == [10, 18, 120, 14]
    assert table.loc["staff", ["sent", "accepted"]].tolist() == [10, 10]
    assert table.loc["staff", ["sent_before", "accepted_before"]].isna().all()
    assert "«Сотрудники» 10, было не присылали; «Результаты» 14, было 120." in said(now, OLD)


def test_order_of_rows_does_not_matter():
    turned = {name: table.iloc[::-1] for name, table in NEW.items()}
    mine = changes.compare(NEW, OLD, REGION).shares.set_index("municipality").sort_index()
    other = changes.compare(turned, OLD, REGION).shares.set_index("municipality").sort_index()
    pd.testing.assert_frame_equal(mine, other)


def test_without_tables_of_intake_the_rest_is_told():
    now = {name: table for name, table in NEW.items() if name not in ("forms", "conservation")}
    found = changes.compare(now, OLD, REGION)
    assert found.rows.empty
    assert found.forms.empty
    assert "Принято строк" not in said(now, OLD)
    assert "сведения о формах есть не за оба периода" in unjudged(now, OLD)
