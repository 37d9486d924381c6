"""Individual routes: stages, approvals, audits, coverage and measures, worked by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_methodists import EDITION, edition

from nmc_utils import figures, findings
from nmc_utils.measures.dictionary import MEASURES, check_measures
from nmc_utils.measures.routes import (
    BINS,
    bin_words,
    route_measures_summary,
    routes_calendar,
    routes_per_methodist,
    routes_summary,
)

#: Route, person, kind, opened, due, organisation, methodist, audited, closed, stage, who.
ROUTES = [
    # running, both agreed, audit due: 15.12 ≤ 31.12 ≤ 15.01
    ("r1", "p1", "deficit", "2023-03-01", "2024-01-15", "2023-03-05", "2023-03-06", None, None)
    + ("running", "m1"),
    # running, overdue since November, audited in October
    ("r2", "p2", "deficit", "2023-03-01", "2023-11-10", "2023-03-05", None, "2023-10-09", None)
    + ("running", "m1"),
    # done before its audit date: needs none
    ("r3", "p3", "development", "2023-02-01", "2023-12-20", "2023-02-02", "2023-02-02", None)
    + ("2023-11-01", "done", "m2"),
    # stopped
    ("r4", "p1", "development", "2022-10-01", "2023-10-01", None, None, None, "2023-05-01")
    + ("stopped", "m1"),
    # being drawn up, without a due date
    ("r5", "p4", "deficit", "2023-12-01", None, None, None, None, None, "drawn_up", None),
    # closed before the period, and opened after the day of the edition: not of this edition
    ("r6", "p5", "deficit", "2022-01-01", "2022-09-01", None, None, None, "2022-09-01")
    + ("done", "m1"),
    ("r7", "p5", "deficit", "2024-01-10", "2024-09-01", None, None, None, None, "drawn_up", "m1"),
]  # fmt: skip
#: Of before the period; it shows that audits are entered.
AUDITED_BEFORE = ("r9", "p9", "deficit", "2022-01-01", "2022-09-01", None, None, "2022-08-15")
AUDITED_BEFORE += ("2022-09-01", "done", "m1")
NAMES = ["route_id", "person_id", "kind", "opened_on", "due_on", "agreed_by_organization_on"]
NAMES += ["agreed_by_methodist_on", "audited_on", "closed_on", "status", "methodist_id"]


def routes(rows=ROUTES):
    frame = pd.DataFrame(rows, columns=NAMES)
    dates = {name: pd.to_datetime(frame[name]) for name in NAMES if name.endswith("_on")}
    return frame.assign(**dates)


def tables(**more):
    people = [f"p{n}" for n in range(1, 7)]
    work = pd.DataFrame(
        {
            "person_id": people[:5],
            "municipality": ["abakan", "abakan", "abaza", "abaza", "abakan"],
            "is_main": True,
        }
    )
    return {"routes": routes(), "employment": work} | more


def results(**shares):
    """Results of the whole test: ``p1=0.4`` lies at or below 60 %."""
    frame = pd.DataFrame({"person_id": list(shares), "raw_score": list(shares.values())})
    frame["municipality"] = pd.Categorical(["abakan"] * len(frame), ["abakan", "abaza"])
    return frame.assign(wave="entry", attempt=1, domain="total", max_score=1.0, procedure="d")


RESULTS = results(p1=0.4, p2=0.9, p3=0.7, p6=0.6)


def summary(**more):
    return check_measures(routes_summary(tables(**more), EDITION, RESULTS))


def at(table, measure, **keys):
    keys = {"kind": "total", "stage": "total", "municipality": "total"} | keys
    rows = table[table["measure"] == measure]
    for name, value in keys.items():
        rows = rows[rows[name] == value]
    assert len(rows) == 1, (measure, keys, len(rows))
    return rows.iloc[0]


def test_a_route_belongs_to_the_edition_while_it_is_open_in_its_period():
    table = summary()
    assert at(table, "route_count")["estimate"] == 5, "r6 ended before, r7 begins after"
    assert at(table, "route_persons")["estimate"] == 4, "p1 has two routes"
    assert at(table, "route_opened")["estimate"] == 4, "r4 is of 2022"
    assert at(table, "route_current")["estimate"] == 3
    cells = table.query("measure == 'route_count' and kind == 'total' and municipality == 'total'")
    by_stage = cells.set_index("stage")["estimate"].to_dict()
    assert by_stage == {"total": 5, "drawn_up": 1, "running": 2, "done": 1, "stopped": 1}
    assert at(table, "route_count", kind="deficit", municipality="abakan")["estimate"] == 2


def test_parts_add_up_to_the_whole():
    table = summary().query("measure == 'route_count'")
    inner = table.query("kind != 'total' and stage != 'total' and municipality != 'total'")
    assert inner["estimate"].sum() == at(table, "route_count")["estimate"]


def test_approvals_are_shares_of_the_current_routes():
    table = summary()
    shares = {
        name: at(table, f"route_agreed_{name}_share")["estimate"]
        for name in ("organization", "methodist", "both")
    }
    assert shares == {"organization": 2 / 3, "methodist": 1 / 3, "both": 1 / 3}
    row = at(table, "route_agreed_both_share")
    expected = stats.binomtest(1, 3).proportion_ci(method="wilson")
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((expected.low, expected.high))
    nobody = at(table, "route_agreed_both_share", municipality="sorsk")
    assert (nobody["status"], nobody["note"]) == ("no_data", "действующих ИОМ нет")


def test_the_audit_is_due_a_month_before_the_due_date():
    table = summary()
    assert at(table, "route_audit_due")["estimate"] == 1
    assert at(table, "route_overdue")["estimate"] == 1
    assert at(table, "route_overdue_share")["n"] == 2, "r5 has no due date"
    assert at(table, "route_undated")["estimate"] == 1
    audited = at(table, "route_audited_share")
    assert (audited["estimate"], audited["n"]) == (0.5, 2), "r1 and r2; r3 closed, r4 stopped"


@pytest.mark.parametrize(
    ("due", "audited", "expected"),
    [
        ("2024-01-31", None, (1, 0)),  # the audit falls on the day of the edition
        ("2024-02-01", None, (0, 0)),
        ("2023-12-31", None, (1, 0)),  # due on the day: the last one for the audit
        ("2023-12-30", None, (0, 1)),  # overdue instead
        ("2024-01-15", "2023-12-20", (0, 0)),
        ("2024-01-15", "2024-01-05", (1, 0)),  # audited after the day
    ],
)
def test_between_audit_and_due_date(due, audited, expected):
    row = ("r", "p1", "deficit", "2023-03-01", due, None, None, audited, None, "running", None)
    table = summary(routes=routes([row, AUDITED_BEFORE]))
    found = [at(table, name)["estimate"] for name in ("route_audit_due", "route_overdue")]
    assert tuple(found) == expected


def test_coverage_is_of_those_tested_at_entry():
    table = summary()
    whole = at(table, "route_coverage_share")
    assert (whole["estimate"], whole["n"]) == (0.75, 4), "p6 has no route, p4 was not tested"
    assert at(table, "route_coverage_share", kind="deficit")["estimate"] == 0.5
    nobody = check_measures(routes_summary(tables(), EDITION, RESULTS.head(0)))
    assert at(nobody, "route_coverage_share")["note"] == "результатов людей этой процедуры нет"


def test_a_kind_that_does_not_follow_from_the_result_is_only_counted():
    row = at(summary(), "route_kind_matches_share")
    # p1 ≤ 60 %: r1 fits, r4 does not; p2 > 60 %: r2 does not; p3 > 60 %: r3 fits
    assert (row["estimate"], row["n"]) == (0.5, 4)


@pytest.mark.parametrize(
    ("code", "period", "why"),
    [
        ("kostroma", "2022", "соответствие уровня и маршрута в документе не установлено"),
        ("altai", "2023", "какому результату какой маршрут, документ не устанавливает"),
    ],
)
def test_where_no_document_assigns_routes_to_results_nothing_is_judged(code, period, why):
    made = routes_summary(tables(), edition(code, period), RESULTS)
    row = at(check_measures(made), "route_kind_matches_share")
    assert row["status"] == "not_assessed" and row["note"].startswith(why)


def test_the_calendar_holds_every_route_that_needs_an_audit():
    table = check_measures(routes_calendar(tables(), EDITION))
    whole = table.query("municipality == 'total'")
    due = whole.query("measure == 'route_audits'").set_index("month")["estimate"].to_dict()
    assert due == {"total": 2, "2023-10": 1, "2023-11": 0, "2023-12": 1}
    done = whole.query("measure == 'route_audits_done'").set_index("month")["estimate"]
    assert done.to_dict() == {"total": 1, "2023-10": 1, "2023-11": 0, "2023-12": 0}


def test_a_route_finished_without_an_audit_does_not_wait_for_one():
    """Closed in December, after its audit date: of the month's two one alone is still to come."""
    late = ("r8", "p5", "deficit", "2023-03-01", "2024-01-20", None, None, None, "2023-12-24")
    given = tables(routes=routes([*ROUTES, (*late, "done", "m1")]))
    table = check_measures(routes_calendar(given, EDITION))
    december = table.query("municipality == 'total' and month == '2023-12'")
    numbers = december.set_index("measure")["estimate"].to_dict()
    assert numbers == {"route_audits": 2, "route_audits_done": 0, "route_audits_missed": 1}
    summary_ = routes_summary(given, EDITION, RESULTS)
    assert at(summary_, "route_audit_due")["estimate"] == 1, "as many as the calendar has to come"
    figures.use("matplotlib")
    figure = figures.audit_calendar(table, summary_)
    assert "серым — ИОМ завершён без аудита" in figures.heading(figure).subtitle


def test_a_month_far_away_does_not_stretch_the_calendar():
    far = routes([*ROUTES, ("r8", "p5", "deficit", "2023-05-01", "2031-01-01") + (None,) * 4
                  + ("running", None)])  # fmt: skip
    table = routes_calendar(tables(routes=far), EDITION)
    months = table.query("municipality == 'total' and measure == 'route_audits'")["month"]
    assert months.iloc[-1] == "later" and "2024-12" in set(months) and len(months) == 1 + 15 + 1
    audits = table.query("municipality == 'total' and measure == 'route_audits'")
    assert audits.iloc[0]["estimate"] == audits.iloc[1:]["estimate"].sum() == 3


def team(*people):
    frame = pd.DataFrame({"methodist_id": people, "role": "methodist"})
    return frame.assign(from_on=pd.NaT, to_on=pd.NaT)


def test_the_load_of_methodists_is_a_distribution_without_names():
    table = check_measures(
        routes_per_methodist(tables(methodists=team("m1", "m2", "m3")), EDITION)
    ).set_index(["measure", "routes"])
    bins = table.loc["methodists_with_routes", "estimate"].to_dict()
    assert bins["0"] == 1 and bins["1–5"] == 2 and bins["total"] == 3
    assert table.loc[("routes_each_mean", "total"), "estimate"] == 4 / 3
    assert table.loc[("routes_each_median", "total"), "estimate"] == 1
    assert table.loc[("routes_of_others", "total"), ["estimate", "n"]].tolist() == [1, 5]
    assert not {"methodist_id", "m1"} & set(table.reset_index().to_numpy().ravel())


def test_the_bins_leave_no_number_of_routes_out():
    ends = [high for _, high in BINS[:-1]]
    assert [low for low, _ in BINS[1:]] == [high + 1 for high in ends]
    assert bin_words(*BINS[-1]) == "31 и больше" and bin_words(0, 0) == "0"


def test_measures_of_routes_by_level():
    rows = [
        ("r1", "organization", "a", "2023-06-01", True),
        ("r1", "organization", "b", "2024-01-10", False),
        ("r2", "regional", "c", "2023-06-01", False),
        ("r6", "regional", "d", "2022-06-01", True),
    ]
    given = pd.DataFrame(rows, columns=["route_id", "level", "title", "to_on", "is_done"])
    given["to_on"] = pd.to_datetime(given["to_on"])
    table = check_measures(route_measures_summary(tables(route_measures=given), EDITION))
    whole = table.query("municipality == 'total'").set_index(["measure", "level"])["estimate"]
    assert whole["route_measures"].to_dict() == {
        "total": 3,
        "personal": 0,
        "organization": 2,
        "municipal": 0,
        "regional": 1,
    }
    assert whole[("route_measures_done_share", "organization")] == 0.5
    assert whole[("route_measures_past_share", "organization")] == 1
    assert whole[("route_level_share", "total")] == 2 / 5
    assert np.isnan(whole[("route_measures_done_share", "personal")])


def test_a_route_that_is_over_since_nobody_knows_when_is_not_of_a_later_period():
    old = [
        (f"x{n}", f"x{n}", "deficit", "2019-03-01", "2019-11-01", None, None, None, None)
        + ("done", "m1")
        for n in range(3)
    ]
    table, before = summary(routes=routes([*ROUTES, *old])), summary()
    for measure in ("route_count", "route_persons", "route_audited_share"):
        numbers = ["estimate", "n"]
        assert at(table, measure)[numbers].tolist() == at(before, measure)[numbers].tolist()
    told = "ещё 3 ИОМ: завершены или прекращены, когда — не указано; составлены до периода"
    assert at(table, "route_count")["note"] == told
    assert pd.isna(at(before, "route_count")["note"])
    unsent = pd.DataFrame({"municipality": ["sorsk"], "table": ["routes"], "is_sent": [False]})
    partly = at(summary(routes=routes([*ROUTES, *old]), status=unsent), "route_count")["note"]
    assert partly == f"данные 12 из 13 муниципальных образований; {told}"


def test_a_route_that_ends_after_the_day_is_running_on_it():
    later = ("r8", "p5", "deficit", "2023-05-01", "2024-01-20", None, None, None, "2024-02-01")
    rows = [*ROUTES, (*later, "done", "m1"), ("r9", *later[1:], "stopped", "m1")]
    table = summary(routes=routes(rows))
    assert at(table, "route_count", stage="running")["estimate"] == 4
    assert at(table, "route_count", stage="stopped")["estimate"] == 1
    assert at(table, "route_current")["estimate"] == 5
    assert at(table, "route_audit_due")["estimate"] == 3, "r8 and r9 were due for it on the day"


def test_a_column_that_nobody_filled_in_is_no_share_of_zero():
    empty = routes().assign(audited_on=pd.NaT, agreed_by_methodist_on=pd.NaT)
    table = summary(routes=empty)
    for measure, column in {
        "route_agreed_methodist_share": "Согласован методистом",
        "route_agreed_both_share": "Согласован методистом",
        "route_audited_share": "Методический аудит",
        "route_audit_due": "Методический аудит",
    }.items():
        row = at(table, measure)
        assert row["status"] == "no_data" and np.isnan(row["estimate"])
        assert row["note"] == f"в таблице «ИОМ» столбец «{column}» не заполнен"
    assert at(table, "route_agreed_organization_share")["estimate"] == 2 / 3
    assert at(table, "route_overdue")["status"] == "ok"
    calendar = check_measures(routes_calendar(tables(routes=empty), EDITION))
    known = calendar[calendar["status"] == "ok"]
    assert set(known["measure"]) == {"route_audits"}
    told = findings.route_audits(table)
    assert "столбец «Методический аудит» не заполнен" in told and "срок истёк: 1" in told
    approvals = findings.route_approvals(table).replace("\u00a0", " ")
    assert "организации — 67 %, региональным методистом — нет данных (в таблице" in approvals
    figures.use("matplotlib")
    figure = figures.audit_calendar(calendar, table)
    assert "тёмным" not in figures.heading(figure).subtitle
    assert "не заполнен" in figures.heading(figure).subtitle


def test_a_stop_within_a_sentence_does_not_cut_the_title():
    table = summary()
    note = "не прислали: г. Абакан. По ходу года, с. Шира"
    table["note"] = table["note"].astype("object").mask(table["municipality"].eq("total"), note)
    table.loc[table["measure"].eq("route_audit_due"), "status"] = "no_data"
    figures.use("matplotlib")
    stages = figures.heading(figures.route_stages(table)).title
    assert stages.endswith(
        f"({note}): ИОМ восполнения дефицитов — 3, ИОМ профессионального развития — 2"
    )
    audits = figures.heading(figures.audit_calendar(routes_calendar(tables(), EDITION), table))
    assert f"({note}); не завершены, хотя срок истёк: 1" in audits.title


def test_persons_are_counted_of_persons():
    row = at(summary(), "route_persons")
    assert (row["estimate"], row["n"]) == (4, 4)


def test_permuted_rows_change_nothing():
    mixed = {"routes": routes(ROUTES[::-1])}
    pd.testing.assert_frame_equal(summary(**mixed), summary())
    made = [routes_calendar(tables(**more), EDITION) for more in (mixed, {})]
    pd.testing.assert_frame_equal(*made)


def test_without_the_table_everything_is_no_data_that_names_it():
    made = [
        routes_summary({}, EDITION, RESULTS),
        routes_calendar({}, EDITION),
        routes_per_methodist({}, EDITION),
        route_measures_summary({}, EDITION),
    ]
    for table in made:
        assert set(check_measures(table)["status"]) == {"no_data"}
        assert table["note"].str.contains("«ИОМ»").all()


def test_a_municipality_that_sent_no_routes_has_no_number():
    status = pd.DataFrame(
        [(place, "routes", place != "abaza") for place in EDITION.region.municipality_names],
        columns=["municipality", "table", "is_sent"],
    )
    table = summary(status=status)
    away = at(table, "route_count", municipality="abaza")
    assert away["status"] == "no_data" and pd.isna(away["n"])
    told = at(table, "route_count")["note"]
    assert told == "данные 12 из 13 муниципальных образований"


def test_everything_counted_from_routes_is_sensitive():
    made = {name for name, m in MEASURES.items() if m.made_by.startswith("routes.")}
    assert len(made) > 20 and all(MEASURES[name].sensitive for name in made)
