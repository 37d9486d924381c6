"""The roadmap and recommendations: answers worked by hand."""

import pandas as pd
import pytest
import yaml
from shown_sections import shown

from dashboards.sections.roadmap import section
from nmc_utils import figures, findings
from nmc_utils.editions import Edition, Period
from nmc_utils.measures.dictionary import check_measures, is_sensitive
from nmc_utils.measures.document_lists import document_plans
from nmc_utils.measures.roadmap import (
    recommendations_listed,
    recommendations_summary,
    roadmap_measures,
    roadmap_progress,
)
from nmc_utils.regions import read_region

TEXTS = {"group": "Группа", "responsible": "ЦНППМ", "expected_result": "Справка"}
PLACE = {"document": "regulation_2023", "section": "дорожная карта"}
#: Id, direction, due.
MEASURES = [
    ("1.1", "Первое", "2022"),
    ("1.2", "Первое", "2022"),
    ("1.9", "Первое", "ежегодно"),
    ("2.1", "Второе", "до 31.12.2024"),
    ("2.2", "Второе", "2023"),
    ("2.3", "Второе", "2022"),
]


@pytest.fixture
def edition(root):
    """The edition of 2023 by 30 June, with the roadmap above."""
    system = {
        "roadmap": [
            {"id": code, "direction": direction, "due": due, "measure": f"Мера {code}"}
            | TEXTS
            | PLACE
            for code, direction, due in MEASURES
        ]
    }
    path = root / "regions" / "khakassia" / "system.yaml"
    path.write_text(yaml.safe_dump(system, allow_unicode=True), "utf-8")
    return Edition(
        region=read_region(root, "khakassia"),
        period=Period.parse("2023"),
        origin="demonstration",
        as_of="2023-06-30",
        status="draft",
        root=root,
    )


def _sent(*rows):
    """Rows of the table by id and status, with further cells."""
    columns = ["measure_id", "direction", "group", "measure", "responsible", "co_executor", "due"]
    columns += ["expected_result", "status", "done_on", "result", "evidence"]
    frame = pd.DataFrame([{"measure_id": c, "status": s} | more for c, s, more in rows])
    frame = frame.reindex(columns=columns)
    return {"roadmap": frame.assign(done_on=pd.to_datetime(frame["done_on"]))}


def _progress_sent():
    return _sent(
        ("1.1", "done", {"done_on": "2022-05-05", "evidence": "отчёт"}),
        ("1.2", "partly", {"responsible": " цнппм. ", "co_executor": "Институт"}),
        ("1.9", "running", {"due": "2023", "result": "идёт"}),
        ("2.2", "planned", {}),
        ("1.10", "not_done", {"direction": "Первое", "measure": "Новая", "due": "2022"}),
        ("1.3", "running", {"measure": "Ещё одна"}),
    )


def test_documents_and_what_was_sent_are_joined_by_the_id(edition):
    listed = roadmap_measures(_progress_sent(), edition).set_index("measure_id")
    assert list(listed.index) == ["1.1", "1.2", "1.9", "2.1", "2.2", "2.3", "1.3", "1.10"]
    assert listed["due_state"].to_dict() == {
        "1.1": "done",
        "1.2": "overdue",
        "1.9": "every_year",
        "2.1": "not_due",
        "2.2": "not_due",
        "2.3": "unknown",
        "1.3": "undated",
        "1.10": "overdue",
    }
    assert listed.loc["2.3", "progress"] == "no_data", "nothing told is not «not done»"
    assert listed.loc["1.2", "responsible"] == "ЦНППМ" and pd.isna(listed.loc["1.2", "note"])
    assert listed.loc["1.2", "co_executor"] == "Институт", "an empty cell is filled"
    assert listed.loc["1.9", "due"] == "ежегодно"
    assert listed.loc["1.9", "note"] == "прислано иначе: срок — «2023»"
    assert "в документах такой меры нет" in listed.loc["1.10", "source"]
    assert "measure" not in listed, "a plain table of a run has no column of this name"
    backwards = {"roadmap": _progress_sent()["roadmap"].iloc[::-1]}
    pd.testing.assert_frame_equal(
        listed.reset_index(), roadmap_measures(backwards, edition)[["measure_id", *listed]]
    )


def test_what_was_done_after_the_day_was_running_on_it(edition):
    sent = _sent(
        ("1.1", "done", {"done_on": "2022-05-05"}), ("1.2", "done", {"done_on": "2023-07-01"})
    )
    listed = roadmap_measures(sent, edition).set_index("measure_id")
    assert listed["progress"].to_dict() | {"1.1": "done", "1.2": "running"} == (
        listed["progress"].to_dict()
    )
    assert listed.loc["1.2", ["due_state", "note"]].tolist() == [
        "overdue",
        "выполнено 01.07.2023, позже даты данных",
    ]
    assert pd.isna(listed.loc["1.2", "done_on"]) and pd.notna(listed.loc["1.1", "done_on"])
    asked = _recommendations()["recommendations"]
    asked = asked.assign(done_on=pd.to_datetime(["2023-07-01", *[None] * 4]))
    told = recommendations_listed({"recommendations": asked}, edition)
    first = told.set_index("recommendation_id").loc["r1"]
    assert first[["progress", "is_overdue"]].tolist() == ["running", True]


def test_measures_are_counted_by_direction_and_progress(edition):
    table = check_measures(roadmap_progress(_progress_sent(), edition))
    assert not is_sensitive(table)
    counted = table.set_index(["direction", "progress", "due_state"])["estimate"]
    assert counted["total", "total", "total"] == 8
    assert counted["Первое", "total", "total"] == 4
    assert counted["unstated", "total", "total"] == 1
    assert counted["total", "no_data", "total"] == 2
    assert counted["total", "total", "overdue"] == 2
    assert counted["Второе", "done", "total"] == 0
    for key in ("progress", "due_state"):
        other = "due_state" if key == "progress" else "progress"
        parts = table[table[key].ne("total") & table[other].eq("total")]
        assert parts[parts["direction"] == "total"]["estimate"].sum() == 8
    said = findings.roadmap_progress(table).replace("\u00a0", " ")
    assert said.startswith("В дорожной карте 8 мер: выполнено — 1, выполнено частично — 1, вып")
    assert said.endswith("ход не сообщён — 2; срок прошёл, а мера не выполнена — 2.")


def test_without_a_table_all_progress_is_unknown(edition):
    table = check_measures(roadmap_progress({}, edition))
    row = table.query("direction == 'total' and progress == 'no_data'").iloc[0]
    assert (row["estimate"], row["note"]) == (6, "не прислана таблица «Дорожная карта»")


def test_a_region_without_a_roadmap_says_so(edition):
    (edition.root / "regions" / "khakassia" / "system.yaml").unlink()
    assert roadmap_measures({}, edition).empty
    table = check_measures(roadmap_progress({}, edition))
    assert "дорожной карты нет ни в документах" in findings.roadmap_progress(table)
    figures.use("matplotlib")
    figure = figures.roadmap_timeline(roadmap_measures({}, edition), table, edition.as_of)
    assert figures.heading(figure).title == "Дорожная карта" or "дорожной карты нет" in figure.label


@pytest.mark.parametrize("backend", ["matplotlib", "bokeh"])
def test_the_timeline_shows_every_measure_with_its_sign(edition, backend):
    figures.use(backend)
    listed = roadmap_measures(_progress_sent(), edition)
    figure = figures.roadmap_timeline(
        listed, roadmap_progress(_progress_sent(), edition), edition.as_of
    )
    shown = [text for layer in figure if layer.vdims and layer.vdims[0].name == "text"
             for text in layer.dimension_values("text")]  # fmt: skip
    signs = [mark.sign for mark in figures.PROGRESS_MARKS.values()]
    assert sum(text in signs for text in shown) == len(listed)
    assert {"Первое", "Второе", "Направление не указано", "на 30.06.2023"} <= set(shown)


def _recommendations():
    rows = [
        ("r1", "region", None, "2022", "2023-03-01", "done"),
        ("r2", "municipality", "abakan", "2022", "2023-03-01", "partly"),
        ("r3", "municipality", "abaza", "2022", "2023-12-01", "planned"),
        ("r4", "methodist", None, "2023", None, "planned"),
        ("r5", "methodist", None, None, "2023-06-29", "not_done"),
    ]
    columns = ["recommendation_id", "addressee", "municipality", "from_period", "due_on", "status"]
    frame = pd.DataFrame(rows, columns=columns).assign(text="Сделать", done_on=pd.NaT)
    return {"recommendations": frame.assign(due_on=pd.to_datetime(frame["due_on"]))}


def test_recommendations_of_the_last_time_stand_apart(edition):
    table = check_measures(recommendations_summary(_recommendations(), edition))
    assert not is_sensitive(table)
    counted = table.set_index(["measure", "asked", "addressee", "progress"])["estimate"]
    assert counted["recommendations", "before", "total", "total"] == 3
    assert counted["recommendations", "before", "total", "done"] == 1
    assert counted["recommendations", "before", "municipality", "partly"] == 1
    assert counted["recommendations_overdue", "before", "total", "total"] == 1
    assert counted["recommendations", "now", "total", "total"] == 1
    assert counted["recommendations_overdue", "unstated", "total", "total"] == 1
    said = findings.recommendations(table).replace("\u00a0", " ")
    assert said == (
        "Из 3 рекомендаций прошлого раза выполнено 1; выполнено частично — 1; не начато — 1; "
        "из невыполненных просрочено — 1."
    )
    missing = check_measures(recommendations_summary({}, edition))
    assert "не прислана таблица «Рекомендации»" in findings.recommendations(missing)
    later = _recommendations()["recommendations"].assign(from_period="2023")
    none = recommendations_summary({"recommendations": later}, edition)
    assert findings.recommendations(none) == "Рекомендаций прошлого раза не прислано."


def test_recommendations_are_listed_by_addressee_and_place(edition):
    listed = recommendations_listed(_recommendations(), edition)
    first, second = (p for p in edition.region.municipality_names if p in ("abakan", "abaza"))
    assert listed["municipality"].dropna().tolist() == [first, second], "the official order"
    assert listed["recommendation_id"].tolist()[0] == "r1"
    late = listed.set_index("recommendation_id")["is_overdue"]
    assert late.to_dict() == {"r1": False, "r2": True, "r3": False, "r4": False, "r5": True}
    assert recommendations_listed({}, edition).empty


def test_the_section_escapes_what_was_sent_and_tells_why_nothing_is_there(edition):
    figures.use("bokeh")
    sent = _sent(("1.1", "done", {"evidence": "<b>отчёт</b>"}))
    tables = {
        "roadmap_measures": roadmap_measures(sent, edition),
        "roadmap_progress": roadmap_progress(sent, edition),
        "recommendations_listed": recommendations_listed(_recommendations(), edition),
        "recommendations_summary": recommendations_summary(_recommendations(), edition),
    }
    html = shown(section, edition, tables)
    assert "&lt;b&gt;отчёт" in html and "<b>отчёт" not in html
    assert "✓ выполнено" in html and "прошлого раза выполнено 1" in html
    none = recommendations_summary({}, edition)
    assert "Не прислана таблица «Рекомендации»" in shown(
        section, edition, tables | {"recommendations_summary": none}
    )
    assert "nmc run khakassia/2023" in shown(section, edition, {})


def test_tiles_tell_what_is_late_and_what_nobody_told(edition):
    sent = _progress_sent()
    html = _tiles_of(sent, edition)
    assert "Просрочено" in html and "Срок прошёл" not in html
    late = html.partition("Просрочено")[2]
    assert late.startswith('</div><div class="value">2</div>')
    assert "О ходе ещё по 1 мере с прошедшим сроком не сообщено" in late
    assert "◐ Выполнено частично" in html and "из 8" in html
    folded = [f"<summary>{name}</summary>" for name in ("Первое: 4 меры", "Второе: 3 меры")]
    assert all(summary in html for summary in [*folded, "Направление не указано: 1 мера"])
    untold = _tiles_of({}, edition).partition("Просрочено")[2]
    assert "не сообщено</div>" in untold, "nothing told is not «nothing late»"
    assert "О ходе ещё по 3 мерах с прошедшим сроком" in untold


def _tiles_of(sent, edition):
    figures.use("bokeh")
    tables = {
        "roadmap_measures": roadmap_measures(sent, edition),
        "roadmap_progress": roadmap_progress(sent, edition),
    }
    return shown(section, edition, tables).replace("\u00a0", " ")


def test_what_the_documents_intend_is_read_from_the_run(edition):
    figures.use("bokeh")
    title = "Что намечено документами"
    unread = shown(section, edition, {}).partition(title)[2]
    assert "nmc run khakassia/2023" in unread
    none = shown(section, edition, {"document_plans": document_plans(edition)})
    assert "ничего не намечают" in none.partition(title)[2]
    home = edition.root / "regions" / edition.region.code / "system.yaml"
    plans = [{"id": "more", "year": 2024, "what": "Расширить <круг> задач"} | PLACE]
    home.write_text(yaml.safe_dump({"plans": plans}, allow_unicode=True), "utf-8")
    html = shown(section, edition, {"document_plans": document_plans(edition)})
    assert "Расширить &lt;круг&gt; задач" in html and "на 2024 год — 1" in html
