"""What may be shown of small counts: which cells are hidden, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from drawn_disclosure import drawn
from pandas.testing import assert_frame_equal

import nmc_utils as nmc


def table(rows, *keys: str, n: str = "n") -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[*keys, n])


def places(**counts: float) -> pd.DataFrame:
    return table([("total", sum(counts.values())), *counts.items()], "municipality")


def hidden(protected, name: str = "table") -> set:
    shown = protected[name]
    keys = [c for c in shown if c in ("municipality", "family", "level", "territory")]
    rows = shown[shown["status"].eq("suppressed")][keys]
    return {row[0] if len(keys) == 1 else row for row in rows.itertuples(index=False, name=None)}


def test_a_small_count_takes_the_cheapest_other_with_it():
    protected = nmc.protect(places(a=3, b=40, c=20, d=60))
    assert hidden(protected) == {"a", "c"}
    cells = protected.audit.cells
    assert cells[["municipality", "low", "high", "width"]].to_numpy().tolist() == [
        ["a", 0, 23, 23],
        ["c", 0, 23, 23],
    ]
    assert protected.audit.is_safe
    assert protected.audit.extra_hidden_share == 1 / 5
    assert dict(zip(protected.hidden["cell"], protected.hidden["why"], strict=True)) == {
        "n: municipality=a": "primary",
        "n: municipality=c": "complementary",
    }


def test_nothing_small_nothing_hidden():
    given = places(a=10, b=40)
    shown = nmc.protect(given)["table"]
    assert shown["status"].eq("ok").all()
    assert_frame_equal(shown[given.columns], given, check_dtype=False)


def test_two_small_counts_of_too_small_a_sum_need_a_third():
    protected = nmc.protect(places(a=2, b=3, c=30, d=90))
    assert hidden(protected) == {"a", "b", "c"}


def test_the_threshold_is_an_argument():
    assert hidden(nmc.protect(places(a=5, b=40, c=20), threshold=5)) == set()
    assert hidden(nmc.protect(places(a=5, b=40, c=20), threshold=6)) == {"a", "c"}


def test_few_organizations_disclose_though_persons_are_many():
    given = places(a=30, b=31, c=90).assign(organizations=[12, 2, 5, 5])
    protected = nmc.protect(given)
    assert hidden(protected) == {"a", "b"}
    assert protected["table"].loc[[1, 2], "organizations"].isna().all()
    assert hidden(nmc.protect(given, organizations=2)) == set()


def test_nobody_and_everybody_of_a_group_disclose():
    rows = [("a", "low", 0, 50), ("a", "high", 50, 50), ("b", "low", 30, 90), ("b", "high", 60, 90),
            ("c", "low", 40, 80), ("c", "high", 40, 80)]  # fmt: skip
    given = pd.DataFrame(rows, columns=["municipality", "level", "count", "n"])
    shown = nmc.protect(given)["table"]
    assert shown.loc[[0, 1], "status"].eq("suppressed").all()
    assert shown["n"].tolist() == [50, 50, 90, 90, 80, 80]
    people = given[["municipality", "level", "count"]].rename(columns={"count": "n"})
    groups = given[["municipality", "n"]].drop_duplicates().assign(level="total")
    counts = nmc.protect(pd.concat([people, groups]))["table"]
    assert counts["status"].tolist() == ["suppressed"] * 2 + ["ok"] * 7
    here = nmc.protect(pd.concat([people, groups]), attributes=())["table"]
    assert here["status"].eq("ok").all()


def test_a_share_with_its_n_is_a_count_and_what_is_left_of_the_group_another():
    given = pd.DataFrame(
        {"municipality": ["total", "a", "b", "c"], "share": [0.5, 0.97, 0.4, 0.25],
         "n": [380, 100, 120, 160]}
    )  # fmt: skip
    given.loc[0, "share"] = (97 + 48 + 40) / 380
    protected = nmc.protect(given)
    assert "a" in hidden(protected)  # 3 of 100 are left
    assert protected["table"]["n"].notna().all()
    left = protected.audit.cells.query("counted == 'rest' and municipality == 'a'")
    assert left["width"].item() >= 10


def test_means_are_hidden_with_their_groups_and_so_is_what_follows_from_a_hidden_part():
    rows = [("total", 0.6, 66), ("a", 0.4, 6), ("b", 0.5, 20), ("c", 0.7, 40)]
    means = pd.DataFrame(rows, columns=["municipality", "estimate", "n"])
    means = means.assign(measure="score_mean", ci_low=0.1, ci_high=0.9, status="ok")
    shown = nmc.protect(means)["table"]
    assert shown["status"].tolist() == ["ok", "suppressed", "suppressed", "ok"]
    assert shown.loc[[1, 2], ["estimate", "ci_low", "ci_high", "n"]].isna().all(axis=None)


def test_persons_of_two_measures_are_the_same_where_their_numbers_agree():
    first = pd.DataFrame({"domain": "x", "municipality": ["total", "a", "b", "c", "d"],
                          "estimate": 0.512345, "n": [120, 4, 30, 31, 55]})  # fmt: skip
    second = first.assign(domain="y")
    both = pd.concat([first, second], ignore_index=True).assign(measure="score_sd", status="ok")
    shown = nmc.protect(both)["table"]
    by_domain = shown.groupby("domain")["status"].agg(list)
    assert by_domain["x"] == by_domain["y"] == ["ok", "suppressed", "suppressed", "ok", "ok"]


def test_three_levels_in_one_column_and_in_three_columns():
    parents = {"a": "north", "b": "north", "c": "south", "d": "south"}
    counts = {"a": 4, "b": 40, "c": 30, "d": 31, "north": 44, "south": 61, "total": 105}
    one = table(counts.items(), "territory")
    assert hidden(nmc.protect(one, hierarchies={"territory": parents})) == {"a", "b"}
    rows = [(parents.get(k, k), k if k in parents else "total", v) for k, v in counts.items()]
    three = table(rows, "municipality", "family")
    assert hidden(nmc.protect(three)) == {("north", "a"), ("north", "b")}


def test_a_crosstab_is_returned_as_one():
    persons = pd.DataFrame(
        {"m": ["a"] * 23 + ["b"] * 55, "f": ["x"] * 20 + ["y"] * 3 + ["x"] * 15 + ["y"] * 40}
    )
    cross = pd.crosstab(persons["m"], persons["f"], margins=True)
    shown = nmc.protect(cross)["table"]
    assert shown.loc[["a", "b"], ["x", "y"]].isna().all(axis=None)
    assert shown.loc["All"].tolist() == [35, 43, 78]
    assert len(nmc.attack(shown)) == 4


def test_sums_that_a_table_does_not_show_are_known_all_the_same():
    protected = nmc.protect(table([("a", 3), ("b", 20), ("c", 30)], "municipality"))
    assert hidden(protected) == {"a", "b"}
    assert protected.audit.cells["high"].tolist() == [23, 23]
    assert len(protected["table"]) == 3


def test_sums_of_shares_without_totals_are_known_too():
    given = pd.DataFrame({"municipality": list("abc"), "share": [0.1, 0.5, 0.4], "n": [40, 60, 50]})
    shown = nmc.protect(given)["table"]
    assert shown["status"].tolist() == ["suppressed", "ok", "suppressed"]
    assert shown["n"].tolist() == [40, 60, 50]
    assert nmc.attack(nmc.protect(given))["width"].ge(10).all()


@pytest.mark.parametrize("n", [None, "own", "of"])
def test_measures_of_persons_are_counts_whatever_their_n_is(n):
    counts = places(a=3, b=40, c=20).rename(columns={"n": "estimate"})
    given = counts.assign(measure="seen", status="ok", estimate=counts["estimate"].astype(float))
    if n:
        given["n"] = counts["estimate"] * (3 if n == "of" else 1)
    shown = nmc.protect(given)["table"]
    assert shown["status"].tolist() == ["ok", "suppressed", "ok", "suppressed"]
    assert shown["estimate"].isna().tolist() == [False, True, False, True]
    if n == "own":
        assert shown["n"].isna().tolist() == [False, True, False, True]


def test_a_table_of_small_counts_is_withheld_and_its_total_stays_when_it_may():
    protected = nmc.protect({"few": places(a=8, b=9)})
    assert protected.withheld == ("few",)
    assert protected["few"]["n"].dropna().tolist() == [17]
    fewer = nmc.protect({"fewer": places(a=3, b=4)})
    assert fewer.withheld == ("fewer",)
    assert fewer["fewer"]["n"].isna().all()
    assert np.isinf(fewer.audit.cells["high"]).all()


def test_too_much_hidden_joins_codes_and_else_withholds():
    given = places(a=4, b=5, c=6, d=7, e=50)
    merged = nmc.protect(
        given, merge={"municipality": {k: "прочие" for k in "abcd"}}, most_hidden=0.5
    )
    assert merged.merged == ("table",)
    assert merged["table"].set_index("municipality")["n"].to_dict() == {
        "e": 50,
        "total": 72,
        "прочие": 22,
    }
    alone = nmc.protect(given, most_hidden=0.5)
    assert alone.withheld == ("table",)
    assert hidden(alone) == set("abcde")
    assert alone.audit.is_safe


def test_what_was_once_hidden_stays_hidden():
    first = nmc.protect(places(a=3, b=20, c=30))
    later = nmc.protect(places(a=13, b=20, c=30), earlier=[first])
    assert hidden(later) == {"a", "b"}
    assert set(later.hidden["why"]) == {"earlier"}
    assert later.audit.is_safe


def test_earlier_publications_bind_the_choice():
    """Alone `b` would be hidden; it has been shown, so another must be."""
    old = places(a=np.nan, b=20, c=30, d=50)
    old.loc[0, "n"] = 103
    protected = nmc.protect(
        places(a=3, b=20, c=30, d=50), earlier=[{"old": old.query("municipality == ['b']")}]
    )
    assert hidden(protected) == {"a", "c"}


def test_what_was_published_before_cannot_be_hidden_any_more():
    given = places(a=3, b=20, c=30)
    protected = nmc.protect(given, earlier=[{"old": given}])
    assert not protected.audit.is_safe
    assert protected.audit.cells[["municipality", "low", "high"]].to_numpy().tolist() == [
        ["a", 3, 3]
    ]


def test_a_number_that_has_changed_since_binds_nothing():
    old = places(a=12, b=20, c=30)
    protected = nmc.protect(places(a=3, b=20, c=30), earlier=[{"table": old}])
    status = protected.earlier[0]["table"]["status"]
    assert status.tolist() == ["revised", "revised", "ok", "ok"]


def test_rows_without_data_are_no_part_of_sums():
    given = places(a=30, b=40).assign(status="ok")
    given.loc[3] = ["c", np.nan, "no_data"]
    shown = nmc.protect(given)["table"]
    assert shown["status"].tolist() == ["ok", "ok", "ok", "no_data"]


@pytest.mark.parametrize("seed", range(6))
def test_order_of_rows_and_tables_changes_nothing(seed):
    tables, options = drawn(seed)
    first = nmc.protect(tables, **options)
    mixed = {n: tables[n].sample(frac=1, random_state=seed) for n in reversed(list(tables))}
    second = nmc.protect(mixed, **options)
    assert_frame_equal(first.hidden, second.hidden)
    assert_frame_equal(first.audit.cells, second.audit.cells)
    assert first.audit.digest == second.audit.digest


@pytest.mark.parametrize("seed", range(6))
def test_published_tables_are_enough_for_the_attack(seed):
    tables, options = drawn(seed)
    protected = nmc.protect(tables, **options)
    assert_frame_equal(nmc.attack(protected), protected.audit.cells)
    structure = json.loads(json.dumps(protected.structure))
    again = nmc.attack(protected.tables, structure=structure, **options)
    assert_frame_equal(again, protected.audit.cells)
    blind = nmc.attack(protected.tables, **options)
    assert_frame_equal(blind[["low", "high"]], protected.audit.cells[["low", "high"]])


def test_an_audit_knows_its_tables():
    protected = nmc.protect(places(a=3, b=20, c=30))
    assert protected.audit.matches(protected.tables, protected.earlier)
    told = protected["table"].copy()
    told.loc[1, "n"] = 3
    assert not protected.audit.matches({"table": told})
    assert not protected.audit.matches(protected.tables, earlier=[protected.tables])
    later = nmc.protect(table([("a", 3), ("b", 20)], "municipality"), earlier=[protected])
    assert later.audit.matches(later.tables, later.earlier)


def test_nothing_is_safe():
    assert nmc.protect({}).audit.is_safe
    assert nmc.protect(table([], "municipality")).audit.cells.empty


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (places(a=3, b=-2), "таблица «table», ячейка «municipality=b»: отрицательное число -2"),
        (places(a=3, b=2.5), "таблица «table», ячейка «всего»: не целое число 5.5"),
        (
            table([("total", 6), ("a", 3), ("b", 2)], "municipality"),
            "таблица «table», ячейка «n: всего»: слагаемые дают 5, а итог 6",
        ),
        (
            table([("total", 6), ("a", 3), ("b", None)], "municipality"),
            "таблица «table», ячейка «n: municipality=b»: нет числа",
        ),
        (
            table([("total", 6), ("a", 3), ("a", 3)], "municipality"),
            "таблица «table», ячейка «municipality=a»: строка повторяется",
        ),
        (places(a=3).drop(columns="n"), "таблица «table»: нет столбца n или count"),
        (
            {"x": places(a=30, b=40), "y": places(a=31, b=39)},
            "таблицы «x» и «y», ячейка «n: municipality=a»: одно и то же число разное, 30 и 31",
        ),
        (
            pd.DataFrame({"municipality": ["a", "b"], "count": [5, 7], "n": [4, 20]}),
            "таблица «table», ячейка «count: municipality=a»: число больше своей группы",
        ),
        (
            pd.DataFrame({"municipality": ["a", "b"], "share": [0.123, 0.5], "n": [20, 20]}),
            "таблица «table»: доля не от целого числа людей",
        ),
        ([1], "нужна таблица или таблицы по именам, получено list"),
        (places(a=3, b=2).assign(n_low=1), "таблица «table»: столбец «n_low» — второе число"),
    ],
)
def test_what_cannot_be_protected_is_refused_in_one_sentence(given, sentence):
    with pytest.raises(ValueError, match="^" + sentence.replace("(", r"\(")):
        nmc.protect(given)


def test_a_threshold_must_be_positive():
    with pytest.raises(ValueError, match="порог 0"):
        nmc.protect(places(a=3), threshold=0)


def test_numbers_that_contradict_each_other_are_no_publication():
    with pytest.raises(ValueError, match="опубликованное противоречит себе"):
        nmc.attack(table([("total", 6), ("a", 3), ("b", 2)], "municipality"))
