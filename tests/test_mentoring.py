"""Mentoring pairs, organisations, contests and what is published of them: worked by hand."""

from datetime import date

import holoviews as hv
import pandas as pd
import pytest
from conftest import CHECKOUT
from scipy import stats

from nmc_utils import figures, findings
from nmc_utils.editions import Edition, Period
from nmc_utils.measures.dictionary import check_measures, is_sensitive
from nmc_utils.measures.mentoring import (
    mentoring_contests,
    mentoring_organizations,
    mentoring_summary,
)
from nmc_utils.measures.published_facts import NO_COUNTS, facts_beside
from nmc_utils.regions import read_facts, read_region


def edition(code="khakassia", period="2023"):
    return Edition(
        region=read_region(CHECKOUT / "data", code),
        period=Period.parse(period),
        origin="submitted",
        as_of=date(int(period[:4]), 12, 31),
        status="draft",
        root=CHECKOUT / "data",
    )


EDITION = edition()
ROOT = CHECKOUT / "data"
#: Pair, form, mentor's and mentee's organisation, curator, tutor, from, to, status.
PAIRS = [
    ("a", "teachers", "o1", "o1", "c", None, "2023-02-01", None, "running"),
    ("b", "teachers", "o1", "o2", "c", "t", "2022-09-01", None, "running"),
    ("c", "managers", "o3", "o1", None, "t", "2023-09-01", None, "drawn_up"),
    ("d", "teams", "o3", "o2", None, None, "2023-01-10", "2023-06-30", "done"),
    ("e", "teams", "o3", "o9", None, None, "2023-03-01", None, "stopped"),
    ("f", "teachers", "o1", "o1", "c", "t", "2021-03-01", None, "done"),
    ("g", "teachers", "o1", "o1", "c", "t", "2024-03-01", None, "drawn_up"),
]


def pairs(rows=PAIRS):
    names = ["mentoring_id", "form", "mentor_organization_id", "mentee_organization_id"]
    names += ["curator_id", "tutor_id", "from_on", "to_on", "status"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in ("from_on", "to_on")})


def organizations(in_mentoring=(True, True, False)):
    """o1 and o2 in Абакан, o3 in Абаза."""
    places = ["abakan", "abakan", "abaza"]
    return pd.DataFrame(
        {
            "organization_id": ["o1", "o2", "o3"],
            "municipality": places,
            "in_mentoring": list(in_mentoring),
        }
    )


def summary(tables=None):
    tables = tables or {"mentoring": pairs(), "organizations": organizations()}
    return check_measures(mentoring_summary(tables, EDITION))


def row(table, measure, **keys):
    keys = {"span": "current", "form": "total", "reach": "total", "stage": "total"} | keys
    chosen = table[table["measure"] == measure]
    for name, value in ({"municipality": "total"} | keys).items():
        chosen = chosen[chosen[name] == value]
    assert len(chosen) == 1, keys
    return chosen.iloc[0]


def test_pairs_of_the_day_are_those_that_have_begun_and_are_not_over():
    table = summary()
    assert row(table, "mentoring_pairs")["estimate"] == 3, "a, b and c"
    assert row(table, "mentoring_pairs", form="teachers")[["estimate", "n"]].tolist() == [2, 3]
    assert row(table, "mentoring_pairs", form="teams")["estimate"] == 0
    assert row(table, "mentoring_pairs", stage="running")["estimate"] == 2
    assert row(table, "mentoring_pairs", municipality="abaza")["estimate"] == 0, "the mentee's"
    assert is_sensitive(table)


def test_the_period_has_pairs_that_ended_in_it_and_says_which_end_nobody_knows():
    whole = row(summary(), "mentoring_pairs", span="period")
    assert whole["estimate"] == 5, "a–e; g begins later; when f ended is unknown"
    assert whole["note"] == "ещё 1: завершены или прекращены, когда — не указано"


def test_reach_is_by_the_municipalities_of_both_organisations():
    table = summary()
    reached = {
        reach: row(table, "mentoring_pairs", span="period", reach=reach)["estimate"]
        for reach in table["reach"].unique()
    }
    assert reached == {
        "total": 5,
        "within_organization": 1,
        "within_municipality": 1,
        "between_municipalities": 2,
        "unstated": 1,
    }
    assert row(table, "mentoring_pairs", form="teams", span="period", reach="unstated")["n"] == 5


def test_without_organisations_only_pairs_within_one_are_known():
    table = summary({"mentoring": pairs()})
    assert row(table, "mentoring_pairs", reach="within_organization")["estimate"] == 1
    far = row(table, "mentoring_pairs", reach="between_municipalities")
    assert far[["status", "note"]].tolist() == ["no_data", "не прислана таблица «Организации»"]


def test_shares_with_a_curator_and_a_tutor_have_wilson_intervals():
    share = row(summary(), "mentoring_curator_share")
    assert share[["estimate", "n"]].tolist() == [pytest.approx(2 / 3), 3]
    low, high = stats.binomtest(2, 3).proportion_ci(method="wilson")
    assert [share["ci_low"], share["ci_high"]] == pytest.approx([low, high], abs=1e-12)
    assert row(summary(), "mentoring_tutor_share", form="managers")["estimate"] == 1
    nobody = row(summary(), "mentoring_tutor_share", form="teams")
    assert nobody["note"] == "наставнических пар и команд нет"


def test_a_column_that_nobody_filled_in_is_no_share_of_zero():
    unnamed = pairs().assign(tutor_id=None)
    share = row(summary({"mentoring": unnamed}), "mentoring_tutor_share")
    assert share["status"] == "no_data"
    assert share["note"] == "в таблице «Наставничество» не назван ни один региональный тьютор"
    assert row(summary({"mentoring": unnamed}), "mentoring_curator_share")["status"] == "ok"


def test_a_pair_that_is_over_after_the_day_works_on_it():
    later = ("h", "teachers", "o1", "o1", "c", None, "2023-02-01", "2024-05-31", "done")
    table = summary({"mentoring": pairs([*PAIRS, later]), "organizations": organizations()})
    assert row(table, "mentoring_pairs")["estimate"] == 4
    assert row(table, "mentoring_pairs", stage="running")["estimate"] == 3
    assert row(table, "mentoring_pairs", span="period", stage="done")["estimate"] == 1, "d"


def test_order_of_rows_changes_nothing_and_forms_add_up():
    table = summary()
    turned = {"mentoring": pairs(PAIRS[::-1]), "organizations": organizations()[::-1]}
    pd.testing.assert_frame_equal(table, summary(turned))
    cells = table.query("measure == 'mentoring_pairs' and span == 'period' and stage == 'total'")
    cells = cells.query("municipality == 'total' and form != 'total' and reach != 'total'")
    assert cells["estimate"].sum() == 5


def test_without_the_table_nothing_is_known():
    assert set(summary({"organizations": organizations()})["note"]) == {
        "не прислана таблица «Наставничество»"
    }


def test_organisations_in_mentoring_are_of_all():
    table = check_measures(mentoring_organizations({"organizations": organizations()}, EDITION))
    whole = table.query("municipality == 'total'").set_index("measure")
    assert whole.loc["mentoring_organizations", "estimate"] == 2
    assert whole.loc["mentoring_organizations_share", ["estimate", "n"]].tolist() == [2 / 3, 3]
    empty = table.query("municipality == 'sorsk' and measure == 'mentoring_organizations_share'")
    assert empty["note"].tolist() == ["организаций нет"]
    assert not is_sensitive(table)


def test_the_published_share_stands_beside_the_recorded_one():
    given = {"organizations": organizations(), "published": read_facts(ROOT, EDITION.region)}
    table = check_measures(mentoring_organizations(given, EDITION))
    told = findings.mentoring_organizations(table).replace("\u00a0", " ")
    assert told == (
        "По отметкам организаций в наставничестве участвуют 2 из 3: 67 % (21–94 %, n = 3). "
        "Опубликовано 98 % — это другое основание: сколько организаций и от какого числа, документ "
        "не называет, и сравнивать две доли нельзя."
    )
    assert table["note"].str.contains("опубликовано", na=False).sum() == 1, "of the whole alone"
    before = mentoring_organizations(given, edition(period="2022"))
    assert not before["note"].str.contains("опубликовано", na=False).any()


def test_works_of_contests_are_summed_and_an_unknown_number_is_told():
    events = pd.DataFrame(
        {
            "event_id": list("abcd"),
            "title": ["Команда", "Пара", "Пара", "Другое"],
            "kind": ["contest", "contest", "contest", "seminar"],
            "direction": "mentoring",
            "held_on": pd.to_datetime(["2023-05-01", "2023-05-02", "2023-06-01", "2023-06-01"]),
            "works": pd.array([4, 20, None, 7], dtype="Int64"),
        }
    )
    table = check_measures(mentoring_contests({"events": events}, EDITION))
    assert table.set_index("title")["estimate"].to_dict() == {"total": 24, "Команда": 4, "Пара": 20}
    assert table["note"].tolist() == ["в 1 из 3 число работ не указано", None, None]
    silent = check_measures(mentoring_contests({"events": events[2:3]}, EDITION))
    assert set(silent["status"]) == {"no_data"}, "an unknown number of works is not 0"
    none = mentoring_contests({"events": events}, edition(period="2022"))
    assert none["status"].tolist() == ["not_assessed"], "the table was sent: nothing is missing"
    told = findings.mentoring_contests(none)
    assert told.startswith("Конкурсов наставничества за период в таблице «Мероприятия» нет")
    assert "не прислана таблица" in findings.mentoring_contests(mentoring_contests({}, EDITION))


def published(code, period):
    of = edition(code, period)
    return check_measures(facts_beside({"published": read_facts(of.root, of.region)}, of))


def test_a_published_share_stands_beside_without_counts():
    share = published("khakassia", "2023").query("metric == 'mentoring_org_share'").iloc[0]
    assert share[["estimate", "basis", "note"]].tolist() == [0.98, "published", NO_COUNTS]
    assert pd.isna(share["n"]) and pd.isna(share["ci_low"])


def test_facts_are_of_the_period_and_parts_are_shown_beside_their_sum():
    facts = published("khakassia", "2022").set_index("metric")
    schools = [f"mentoring_{name}_schools" for name in ("initial", "500plus", "shnor")]
    assert facts.loc[schools, "estimate"].tolist() == [21, 5, 9]
    assert facts.loc["mentoring_sum_check", ["estimate", "basis_label"]].tolist() == [
        35,
        "расчёт по числам документа",
    ]
    assert facts.loc["mentoring_project_schools", "estimate"] == 34
    assert "mentoring_org_share" not in facts.index, "a fact of 2023"
    assert facts.loc[["contest_team_works", "contest_peer_works"], "estimate"].tolist() == [4, 20]


def test_only_a_target_of_the_period_is_taken():
    targets = published("khakassia", "2023").query("basis == 'target'").set_index("metric")
    assert targets.loc["young_support_share", "estimate"] == 0.5, "0.7 is the target of 2024"
    assert targets.loc["mgmt_teams_share", "fact_period"] == "2023"
    assert targets.loc["internship_sites", ["estimate", "fact_period"]].tolist() == [
        10,
        "ежегодно",
    ]


@pytest.mark.parametrize("backend", ["matplotlib", "bokeh"])
def test_the_figure_of_forms_tells_how_far_pairs_reach(backend):
    figures.use(backend)
    figure = figures.mentoring_reach(summary(), span="period")
    hv.render(figure, backend=backend)
    title = figures.heading(figure).title.replace("\u00a0", " ")
    assert (
        title
        == "За период 5 пар и команд, внутри одной организации — 1, между муниципалитетами — 2"
    )
    gap = figures.mentoring_reach(summary({"organizations": organizations()}))
    texts = [text for layer in gap for text in layer.dimension_values("text")]
    assert any("не прислана таблица" in text.replace("\n", " ") for text in texts)


def test_a_sentence_carries_n_and_interval_or_says_why_not():
    told = findings.mentoring_pairs(summary()).replace("\u00a0", " ")
    assert "пар и команд на дату данных — 3: " in told and "внутри организации — 1" in told
    assert "Куратор назван у 67 % (21–94 %, n = 3)" in told
    assert findings.mentoring_pairs(summary({"organizations": organizations()})) == (
        "Наставничество: нет данных (не прислана таблица «Наставничество»)."
    )
