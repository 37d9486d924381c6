"""Events and attendance: answers worked by hand."""

import pandas as pd
import pytest
from conftest import CHECKOUT
from scipy import stats
from shown_sections import shown

from dashboards.sections.events import section
from nmc_utils import figures, findings
from nmc_utils.editions import Edition, Period
from nmc_utils.measures.dictionary import check_measures, is_sensitive
from nmc_utils.measures.events import attendance_summary, events_summary
from nmc_utils.measures.registries import acts_listed, agreements_by_municipality, registers_summary
from nmc_utils.regions import read_region

REGION = read_region(CHECKOUT / "data", "khakassia")
EDITION = Edition(
    region=REGION,
    period=Period.parse("2023"),
    origin="demonstration",
    as_of="2023-10-01",
    status="draft",
    root=CHECKOUT / "data",
)
KEYS = ["level", "direction", "kind", "municipality"]


def _events():
    """Four held by 1 October, one later, one of the year before, one without a date."""
    rows = [
        ("e1", "seminar", "regional", "horizontal", None, "2023-02-01", 30, None),
        ("e2", "seminar", "municipal", "horizontal", "abakan", "2023-03-01", 10, None),
        ("e3", "contest", "municipal", "practices", "abakan", "2023-10-01", None, 34),
        ("e4", "webinar", "regional", "system", None, "2023-01-01", 5, None),
        ("e5", "seminar", "regional", "horizontal", None, "2023-10-02", 99, None),
        ("e6", "seminar", "regional", "horizontal", None, "2022-12-31", 77, None),
        ("e7", "seminar", "regional", "gifted", None, None, 66, None),
    ]
    columns = ["event_id", "kind", "level", "direction", "municipality", "held_on"]
    events = pd.DataFrame(rows, columns=[*columns, "participants", "works"])
    events["held_on"] = pd.to_datetime(events["held_on"])
    return events.astype({"participants": "Int64", "works": "Int64"})


def _people():
    """Abakan has p1–p3, Abaza p4; of p5 no workplace is known, p9 is not of the staff."""
    came = [("p1", "e1"), ("p1", "e2"), ("p2", "e2"), ("p4", "e3"), ("p9", "e1"), ("p3", "e5")]
    places = {"p1": "abakan", "p2": "abakan", "p3": "abakan", "p4": "abaza"}
    work = pd.DataFrame({"person_id": places.keys(), "municipality": places.values()})
    second = pd.DataFrame({"person_id": ["p1"], "municipality": ["sorsk"], "is_main": [False]})
    return {
        "events": _events(),
        "attendance": pd.DataFrame(came, columns=["person_id", "event_id"]),
        "staff": pd.DataFrame({"person_id": ["p1", "p2", "p3", "p4", "p5"]}),
        "employment": pd.concat([work.assign(is_main=True), second], ignore_index=True),
    }


def _value(table, measure, **keys):
    asked = dict.fromkeys([key for key in KEYS if key in table], "total") | keys
    rows = table[table["measure"] == measure]
    for key, value in asked.items():
        rows = rows[rows[key] == value]
    assert len(rows) == 1, (measure, asked)
    return rows.iloc[0]


def _estimate(table, measure, **keys):
    return _value(table, measure, **keys)["estimate"]


def test_events_count_once_by_their_date():
    table = check_measures(events_summary({"events": _events()}, EDITION))
    assert _estimate(table, "events_held") == 4, "e5 is later, e6 earlier, e7 has no date"
    assert _estimate(table, "events_planned") == 1
    assert "без даты 1 мероприятие" in _value(table, "events_held")["note"]
    assert _estimate(table, "events_held", level="regional") == 2
    assert _estimate(table, "events_held", direction="horizontal") == 2
    assert _estimate(table, "events_held", direction="burnout") == 0
    assert _estimate(table, "events_held", direction="horizontal", kind="seminar") == 2
    assert _estimate(table, "events_held", municipality="abakan") == 2
    assert _estimate(table, "events_held", municipality="unstated") == 2
    assert _estimate(table, "events_held", municipality="sorsk") == 0
    assert not table.duplicated([*KEYS, "measure"]).any()
    assert not is_sensitive(table)


def test_participations_are_summed_over_events_that_name_them():
    table = events_summary({"events": _events()}, EDITION)
    whole = _value(table, "event_participations")
    assert (whole["estimate"], whole["n"]) == (45, 3)
    assert "число участников указано у 3 из 4" in whole["note"]
    assert _estimate(table, "event_participations", municipality="abakan") == 10
    assert _estimate(table, "event_participations", municipality="unstated") == 35
    assert _estimate(table, "event_participations", level="regional", direction="horizontal") == 30
    assert _estimate(table, "event_works") == 34
    contests = table.query("measure == 'event_participations' and kind == 'contest'")
    assert contests.empty, "a number that nobody named is no 0"


def test_margins_add_up_and_order_of_rows_does_not_matter():
    table = events_summary({"events": _events()}, EDITION)
    held = table[table["measure"] == "events_held"]
    crossed = held[held[KEYS[:3]].ne("total").all(axis=1)]
    assert crossed["estimate"].sum() == 4
    shuffled = _events().sample(frac=1, random_state=5)
    pd.testing.assert_frame_equal(table, events_summary({"events": shuffled}, EDITION))


def test_a_person_attends_once_whatever_the_number_of_events():
    table = check_measures(attendance_summary(_people(), EDITION))
    assert is_sensitive(table)
    people = {d: _estimate(table, "event_attendees", direction=d) for d in ("total", "horizontal")}
    assert people == {"total": 4, "horizontal": 3}, "p3 comes later; p9 is a stranger, and came"
    share = _value(table, "attended_share", direction="horizontal")
    assert (share["estimate"], share["n"]) == (2 / 5, 5)
    wilson = stats.binomtest(2, 5).proportion_ci(method="wilson")
    assert [share["ci_low"], share["ci_high"]] == pytest.approx([wilson.low, wilson.high])
    own = _value(table, "attended_share", direction="horizontal", municipality="abakan")
    assert (own["estimate"], own["n"]) == (2 / 3, 3), "the second workplace counts nowhere"
    assert _estimate(table, "event_attendees", municipality="unstated") == 1
    nobody = _value(table, "attended_share", municipality="sorsk")
    assert (nobody["status"], nobody["note"]) == ("no_data", "работников по таблицам нет")


def test_events_without_records_of_attendance_are_no_zero():
    table = attendance_summary(_people(), EDITION)
    meetings = _value(table, "attended_share", direction="system")
    assert meetings["status"] == "no_data"
    assert "участие в них не прислано" in meetings["note"]
    tables = _people() | {"events": _events().query("direction != 'horizontal'")}
    learning = _value(attendance_summary(tables, EDITION), "attended_share", direction="horizontal")
    assert "мероприятий этого направления" in learning["note"]


def test_who_has_not_sent_attendance_is_neither_in_the_total_nor_zero():
    sent = {"abakan": True, "abaza": False}
    status = pd.DataFrame({"municipality": list(sent), "is_sent": list(sent.values())})
    status["table"] = "attendance"
    table = check_measures(attendance_summary(_people() | {"status": status}, EDITION))
    whole = _value(table, "attended_share")
    assert (whole["estimate"], whole["n"]) == (2 / 4, 4), "p4 of Abaza is not counted"
    assert "данные 12 из 13" in whole["note"]
    assert _value(table, "attended_share", municipality="abaza")["status"] == "no_data"


def test_events_of_a_municipality_that_never_reported_are_unknown():
    places = list(REGION.municipality_names)
    status = pd.DataFrame({"municipality": places, "table": "staff"})
    status["is_sent"] = [place != "sorsk" for place in places]
    table = check_measures(events_summary({"events": _events(), "status": status}, EDITION))
    assert _value(table, "events_held", municipality="sorsk")["status"] == "no_data"
    assert _estimate(table, "events_held", municipality="abaza") == 0
    whole = _value(table, "events_held")
    assert "данные 12 из 13" in whole["note"] and "без даты 1" in whole["note"]


def test_missing_tables_are_named():
    table = check_measures(events_summary({}, EDITION))
    assert set(table["note"]) == {"не прислана таблица «Мероприятия»"}
    table = check_measures(attendance_summary({"events": _events()}, EDITION))
    assert set(table["note"]) == {"не прислана таблица «Участие»"}
    without = {name: frame for name, frame in _people().items() if name != "staff"}
    share = _value(attendance_summary(without, EDITION), "attended_share")
    assert share["note"] == "не прислана таблица «Сотрудники»"


def test_findings_say_numbers_with_n_and_interval():
    summary = events_summary({"events": _events()}, EDITION)
    said = findings.events_held(summary).replace("\u00a0", " ")
    assert said.startswith("За период: 4 мероприятия (уровень: муниципальный — 2, ")
    assert "впереди — 1" in said and "участий — 45 (один человек мог прийти не раз)" in said
    said = findings.attendance(attendance_summary(_people(), EDITION), "horizontal")
    assert "40,0" in said and "n\u00a0=\u00a05" in said
    assert said.startswith("В мероприятиях направления «горизонтальное обучение» участвовали ")
    gap = findings.events_held(events_summary({}, EDITION))
    assert gap == "Мероприятия: нет данных (не прислана таблица «Мероприятия»)."


@pytest.mark.parametrize("backend", ["matplotlib", "bokeh"])
def test_figures_draw_or_say_why_not(backend):
    figures.use(backend)
    summary = events_summary({"events": _events()}, EDITION)
    figure = figures.events_by_level(summary)
    cells = [text for layer in figure if layer.vdims and layer.vdims[0].name == "text"
             for text in layer.dimension_values("text")]  # fmt: skip
    assert {"4", "2", "ещё 1"} <= set(cells)
    attended = attendance_summary(_people(), EDITION)
    assert "40,0" in figures.heading(figures.attended_by_municipality(attended, REGION)).title
    empty = figures.attended_by_municipality(attendance_summary({}, EDITION), REGION)
    assert "таблиц" in " ".join(next(iter(empty)).dimension_values("text"))


def test_the_section_shows_a_municipality_or_says_what_is_missing():
    figures.use("bokeh")
    tables = {
        "events_summary": events_summary({"events": _events()}, EDITION),
        "attendance_summary": attendance_summary(_people(), EDITION),
        "registers_summary": registers_summary({}, EDITION),
        "agreements_by_municipality": agreements_by_municipality({}, EDITION),
        "acts_listed": acts_listed({}, EDITION),
    }
    html = shown(section, EDITION, tables)
    assert "Мероприятий проведено" in html and "40,0" in html
    assert "Не прислана таблица «Реестры»" in html and "не прислана таблица «Соглашения»" in html
    assert "66,7" in shown(section, EDITION, tables, municipality="abakan")
    assert shown(section, EDITION, {}).count("nmc run khakassia/2023") == 7
