"""Drafts of individual routes: what they say of a person, what they never say, equal bytes."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from conftest import CHECKOUT, nmc
from docx import Document
from docx.enum.table import WD_ROW_HEIGHT_RULE
from docx.shared import Mm
from invented_groups import CHANCE, FIRST, group_tables, groups_edition

from nmc_utils import wording
from nmc_utils.documents.routes import route_archive
from nmc_utils.editions import Edition

DOMAINS = ("subject", "methodical", "psychological", "upbringing", "ict")
PROCEDURE = "diag-2023"
DAY = pd.Timestamp("2023-03-10")
LAST = pd.Timestamp("2024-02-29")
NO_EVENTS = "События каталога не предложены: "


@pytest.fixture(scope="module")
def edition(tmp_path_factory) -> Edition:
    return groups_edition(tmp_path_factory.mktemp("routes") / "data")


def result(person, domain, level="above", certainty="stable", wave="entry", advice=None):
    return {
        "procedure": PROCEDURE,
        "wave": wave,
        "domain": domain,
        "person_id": person,
        "level": level,
        "deficit_chance": CHANCE,
        "certainty": certainty,
        "advice": advice,
        "note": None,
    }


@pytest.fixture
def published(edition) -> dict[str, pd.DataFrame]:
    return some_published(edition)


@pytest.fixture
def records() -> dict[str, pd.DataFrame]:
    return some_records()


def some_published(edition) -> dict[str, pd.DataFrame]:
    """Of a1 two competences are low, one of them unsure; b1 was tested too; x1 in no group."""
    low = {"a1": {"subject", "ict", "total"}, "b1": {"methodical"}, "x1": set()}
    rows = [
        result(person, domain, "at_or_below" if domain in low[person] else "above")
        for person in low
        for domain in ("total", *DOMAINS)
    ]
    persons = pd.DataFrame(rows)
    unsure = persons["person_id"].eq("a1") & persons["domain"].eq("ict")
    persons.loc[unsure, ["certainty", "advice"]] = ["borderline", "уточнить в собеседовании"]
    procedures = pd.DataFrame({"procedure": [PROCEDURE], "organiser": ["Центр"], "purpose": [None]})
    return group_tables(edition) | {"person_results": persons, "procedures": procedures}


def some_records() -> dict[str, pd.DataFrame]:
    scores = pd.DataFrame(
        [
            (person, domain, 4.0 if (person, domain) == ("a1", "subject") else 8.0)
            for person in ("a1", "b1", "x1")
            for domain in DOMAINS
        ],
        columns=["person_id", "domain", "raw_score"],
    ).assign(procedure_id=PROCEDURE, wave="entry", attempt=1, max_score=10.0, taken_on=DAY)
    staff = pd.DataFrame(
        {
            "person_id": ["a1", "b1"],
            "experience_years": pd.array([21, None], dtype="Int64"),
            "education": ["высшее & <второе>", None],
            "category": ["первая", None],
            "attested_on": [DAY, pd.NaT],
        }
    )
    employment = pd.DataFrame(
        {
            "person_id": ["a1", "a1", "b1"],
            "organization_id": ["школа 1", "школа 2", "школа 3"],
            "municipality": ["abakan", "sorsk", "sorsk"],
            "position": ["teacher", "teacher", "manager"],
            "subject": ["математика", "физика", None],
            "is_main": [True, False, True],
        }
    )
    routes = pd.DataFrame(
        {
            "route_id": ["1", "2"],
            "person_id": ["a1", "a1"],
            "kind": ["development", "deficit"],
            "opened_on": [pd.Timestamp("2022-01-10"), pd.Timestamp("2023-03-20")],
            "due_on": [pd.NaT, LAST],
            "agreed_by_organization_on": [pd.NaT, pd.NaT],
            "agreed_by_methodist_on": [pd.NaT, pd.Timestamp("2023-03-25")],
            "audited_on": [pd.NaT, pd.NaT],
            "methodist_id": [None, FIRST],
        }
    )
    return {"scores": scores, "staff": staff, "employment": employment, "routes": routes}


def event(code, domain, level="regional", place=None, subject=None, held="2024-02-01"):
    return {
        "event_id": code,
        "title": f"Событие {code}",
        "level": level,
        "domain": domain,
        "municipality": place,
        "subject": subject,
        "held_on": pd.Timestamp(held),
    }


def drafts(published, records, edition, **options) -> dict[str, Document]:
    content, n = route_archive(published, records, edition, **options)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        assert n == len(names)
        return {name: Document(io.BytesIO(archive.read(name))) for name in names}


def of(found, person):
    return found[f"ИОМ {person}.docx"]


def told(document) -> str:
    """Everything that stands in the body, the header and the footer, in the order of the body."""
    section = document.sections[0]
    parts = [section.header.paragraphs[0].text, section.footer.paragraphs[0].text]
    for element in document.element.body.iter():
        if element.tag.endswith("}t"):
            parts.append(element.text)
    return "\n".join(filter(None, parts))


def rows(table) -> list[list[str]]:
    return [[cell.text for cell in line.cells] for line in table.rows]


def table_of(document, heading) -> list[list[str]]:
    return next(found for found in map(rows, document.tables) if found[0][0] == heading)


def test_everyone_tested_has_a_draft_in_four_sections(edition, published, records):
    found = drafts(published, records, edition)
    assert list(found) == [f"ИОМ {person}.docx" for person in ("a1", "b1", "x1")]
    for document in found.values():
        headings = [p.text for p in document.paragraphs if p.style.name == "Heading 2"]
        assert [heading[:2] for heading in headings] == ["1.", "2.", "3.", "4."]
        text = told(document)
        assert "Демонстрационные данные: не сведения о регионе" in text
        assert document.sections[0].footer.paragraphs[0].text == f"{wording.NO_HARM}."
        assert "{{" not in text and "{%" not in text


def test_what_is_known_of_a_person_and_what_is_not(edition, published, records):
    found = drafts(published, records, edition)
    about = dict(rows(of(found, "a1").tables[0]))
    assert about == {
        "Фамилия, имя, отчество": "",
        "Личный код": "a1",
        "Место работы": "школа 1, Абакан",
        "Должность, предмет": "педагог, математика",
        "Образование": "высшее & <второе>",
        "Педагогический стаж": "21\u00a0год",
        "Квалификационная категория": "первая",
        "Дата прохождения аттестации": "10.03.2023",
    }
    unknown = dict(rows(of(found, "x1").tables[0]))
    assert set(list(unknown.values())[2:]) == {"нет данных"}


def test_the_documents_result_stands_beside_its_certainty(edition, published, records):
    document = of(drafts(published, records, edition), "a1")
    table = table_of(document, "Что измерено")
    assert table[0][2:4] == ["Результат по правилу документа", "Надёжность отнесения"]
    whole = (4 + 4 * 8) / 50
    assert table[1] == ["Весь тест", f"{whole:.0%}".replace("%", "\u00a0%"), *table[1][2:]]
    assert table[2] == ["Предметные", "40\u00a0%", "результат ≤ 60 %", "устойчивое", ""]
    ict = next(row for row in table if row[0] == "ИКТ")
    assert ict[3:] == ["пограничное", "уточнить в собеседовании"]
    text = told(document)
    assert "не выше 60\u00a0% максимума: Предметные компетенции; ИКТ-компетенции." in text
    assert "заявление об уточнении результата" in text
    assert str(CHANCE) not in text and "0,8765" not in text


def test_scores_stand_on_the_sheet_that_the_administration_does_not_get(
    edition, published, records
):
    document = of(drafts(published, records, edition), "a1")
    body = document.element.body.xml
    pages = body.split('<w:br w:type="page"/>')
    assert len(pages) == 3
    assert "40\u00a0%" in pages[1] and "%" not in pages[0] + pages[2]
    assert "администрации организации передаются разделы 1, 3 и 4" in pages[1]


def test_the_route_drawn_up_last_gives_kind_dates_and_approvals(edition, published, records):
    document = of(drafts(published, records, edition), "a1")
    assert document.paragraphs[1].text.startswith("ИОМ восполнения дефицитов.")
    dates = dict(table_of(document, "Составлен"))
    assert dates == {
        "Составлен": "20.03.2023",
        "Срок выполнения": "29.02.2024",
        "Методический аудит": "не позднее 29.01.2024 (за месяц до срока)",
        "Региональный методист": FIRST,
    }
    signed = dict(table_of(document, "Кто согласует")[1:])
    assert signed == {
        "Педагог": "",
        "Региональный методист": "25.03.2023",
        "Администрация организации": "",
    }


def test_without_a_route_the_result_gives_the_kind(edition, published, records):
    document = of(drafts(published, records, edition), "b1")
    assert document.paragraphs[1].text.startswith("ИОМ профессионального развития.")
    assert dict(table_of(document, "Составлен"))["Срок выполнения"] == "не назначен"
    silent = edition.region.diagnostics.model_copy(
        update={
            "levels": tuple(
                level.model_copy(update={"route": None})
                for level in edition.region.diagnostics.levels
            )
        }
    )
    region = edition.region.model_copy(update={"diagnostics": silent})
    other = edition.model_copy(update={"region": region})
    document = of(drafts(published, records, other), "b1")
    assert "документом не установлен" in document.paragraphs[1].text


def test_the_seminar_of_the_plan_is_on_the_map(edition, published, records):
    found = drafts(published, records, edition)
    steps = table_of(of(found, "a1"), "Уровень")
    seminar = next(step for step in steps if step[1].startswith("Семинар"))
    assert seminar[0] == "региональный"
    assert "mathematics-01" in seminar[1] and FIRST in seminar[1]
    assert seminar[2] == "Предметные компетенции; ИКТ-компетенции"
    assert seminar[3].startswith("предложено: ")
    assert not any(step[1].startswith("Семинар") for step in table_of(of(found, "x1"), "Уровень"))
    del published["seminar_plan"]
    steps = table_of(of(drafts(published, records, edition), "a1"), "Уровень")
    assert not any(step[1].startswith("Семинар") for step in steps)


def test_every_level_ends_with_an_empty_row(edition, published, records):
    steps = table_of(of(drafts(published, records, edition), "x1"), "Уровень")[1:]
    assert steps == [
        [level, "", "", "", "", ""]
        for level in ("личностный", "уровень ОО", "муниципальный", "региональный")
    ]


def test_events_are_suggested_by_deficit_level_place_and_subject(edition, published, records):
    events = [
        event("fits", "ict"),
        event("other-domain", "upbringing"),
        event("past", "subject", held="2023-05-05"),
        event("elsewhere", "ict", "municipal", place="sorsk"),
        event("own", "ict", "municipal", place="abakan"),
        event("physics", "ict", subject="физика"),
        event("algebra", "ict", subject="информатика", held="2024-03-01"),
        event("fourth", "ict", held="2024-04-01"),
        event("federal", "ict", "federal"),
    ]
    records = records | {"events": pd.DataFrame(events)}
    steps = table_of(of(drafts(published, records, edition), "a1"), "Уровень")
    suggested = [step[:4] for step in steps if step[1].startswith("Предложено")]
    assert suggested == [
        ["муниципальный", "Предложено: Событие own", "ИКТ", "01.02.2024"],
        ["региональный", "Предложено: Событие fits", "ИКТ", "01.02.2024"],
        ["региональный", "Предложено: Событие algebra", "ИКТ", "01.03.2024"],
        ["региональный", "Предложено: Событие fourth", "ИКТ", "01.04.2024"],
    ]
    text = told(of(drafts(published, records, edition), "a1"))
    assert "«Предложено» — предстоящее событие" in text and NO_EVENTS not in text
    assert "Пустые строки — для своих мероприятий" in text


@pytest.mark.parametrize(
    "held", ["2023-05-05", "2023-12-31", None], ids=["past", "day-of-data", "no-day"]
)
def test_what_is_not_to_come_is_not_suggested_and_the_draft_says_what_is_lacking(
    edition, published, records, held
):
    assert str(edition.as_of) == "2023-12-31"
    events = pd.DataFrame([event("e", "ict", held=held)])
    document = of(drafts(published, records | {"events": events}, edition), "a1")
    assert not any(step[1].startswith("Предложено") for step in table_of(document, "Уровень"))
    text = told(document)
    assert "событий позже 31.12.2023 не прислано; их вносят в лист «Мероприятия»" in text
    assert "«Предложено»" not in text


def test_a_draft_says_why_nothing_is_suggested(edition, published, records):
    found = drafts(published, records, edition)
    assert f"{NO_EVENTS}лист «Мероприятия» не прислан." in told(of(found, "a1"))
    why = f"{NO_EVENTS}компетенций с результатом не выше порога нет."
    assert why in told(of(found, "x1"))


def test_what_stands_in_the_route_is_not_suggested_again(edition, published, records):
    agreed = {
        "route_id": "2",
        "level": "regional",
        "title": "Мастерская",
        "event_id": "fits",
        "domain": "ict",
        "from_on": DAY,
        "to_on": LAST,
        "result_form": "разработка занятия",
        "is_done": True,
    }
    records = records | {
        "events": pd.DataFrame([event("fits", "ict")]),
        "route_measures": pd.DataFrame([agreed]),
    }
    steps = table_of(of(drafts(published, records, edition), "a1"), "Уровень")
    assert [
        "региональный",
        "Мастерская",
        "ИКТ",
        "10.03.2023–29.02.2024",
        "разработка занятия",
        "выполнено",
    ] in steps
    assert not any("fits" in step[1] for step in steps)


def route_over(records, **about):
    """The records with a1's last route at its end, two of its measures and an event to come."""
    measure = {
        "route_id": "2",
        "level": "regional",
        "title": "Мастерская",
        "event_id": None,
        "domain": "ict",
        "from_on": DAY,
        "to_on": DAY,
        "result_form": None,
        "is_done": True,
    }
    second = measure | {"title": "Практикум", "level": "municipal", "is_done": False}
    routes = records["routes"].assign(status="running", closed_on=pd.NaT)
    routes["closed_on"] = routes["closed_on"].astype("datetime64[us]")
    for name, value in ({"status": "done", "closed_on": LAST} | about).items():
        routes.loc[1, name] = value
    pairs = {"mentee_id": ["a1"], "status": ["running"], "from_on": [DAY]}
    return records | {
        "routes": routes,
        "route_measures": pd.DataFrame([measure, second]),
        "events": pd.DataFrame([event("to-come", "ict")]),
        "mentoring": pd.DataFrame(pairs),
    }


def test_a_route_that_is_over_is_a_record_without_suggestions(edition, published, records):
    document = of(drafts(published, route_over(records), edition), "a1")
    text = told(document)
    assert "Проект" not in text and "Предложено" not in text and "предложено" not in text
    assert document.paragraphs[2].text.startswith("ИОМ завершён 29.02.2024. Запись: ")
    assert table_of(document, "Уровень")[1:] == [
        ["личностный", "мероприятий не прислано", "", "", "", ""],
        ["уровень ОО", "мероприятий не прислано", "", "", "", ""],
        ["муниципальный", "Практикум", "ИКТ", "10.03.2023", "", ""],
        ["региональный", "Мастерская", "ИКТ", "10.03.2023", "", "выполнено"],
    ]
    about = dict(table_of(document, "Составлен"))
    assert about["Завершён"] == "29.02.2024"
    assert about["Итог"] == "выполнено мероприятий: 1 из 2; выходной диагностики нет"
    assert "новом ИОМ, его составляет методист" in text


def test_the_outcome_of_a_route_says_what_is_not_known_of_it(edition, published, records):
    after = pd.DataFrame([result("a1", "ict", wave="exit")])
    published["person_results"] = pd.concat([published["person_results"], after])
    stopped = route_over(records, status="stopped", closed_on=pd.NaT)
    exit_scores = records["scores"].assign(wave="exit", taken_on=LAST)
    stopped["scores"] = pd.concat([records["scores"], exit_scores])
    without = {name: table for name, table in stopped.items() if name != "route_measures"}
    document = of(drafts(published, without, edition), "a1")
    about = dict(table_of(document, "Составлен"))
    assert about["Прекращён"] == "даты в листе «ИОМ» нет"
    assert about["Методический аудит"] == "даты в листе «ИОМ» нет"
    told_of = "лист «Мероприятия ИОМ» не прислан; выходная диагностика 29.02.2024"
    assert about["Итог"] == told_of
    assert "ИОМ прекращён (даты в листе «ИОМ» нет). Запись: " in told(document)
    late = stopped | {"routes": stopped["routes"].assign(closed_on=LAST + pd.Timedelta(days=1))}
    about = dict(table_of(of(drafts(published, late, edition), "a1"), "Составлен"))
    assert about["Итог"].endswith("; выходная диагностика 29.02.2024, до завершения ИОМ")
    nothing = stopped | {"route_measures": stopped["route_measures"].head(0)}
    about = dict(table_of(of(drafts(published, nothing, edition), "a1"), "Составлен"))
    assert about["Итог"].startswith("мероприятий этого ИОМ в листе «Мероприятия ИОМ» нет; ")


def test_the_kind_is_decided_by_the_whole_test_and_the_draft_says_so(edition, published, records):
    found = drafts(published, records, edition)
    text = told(of(found, "b1"))
    assert "Вид маршрута определяется по результату всего теста, а не отдельной компетенции" in text
    assert "результат ≤ 60 % — ИОМ восполнения дефицитов" in text
    assert "Вид этого ИОМ взят" not in told(of(found, "a1"))  # it is the one that is offered
    records["routes"]["kind"] = "development"
    other = told(of(drafts(published, records, edition), "a1"))
    assert "по результату документ предлагает другой: ИОМ восполнения дефицитов." in other
    diagnostics = edition.region.diagnostics.model_copy(update={"cut_basis": "domain"})
    region = edition.region.model_copy(update={"diagnostics": diagnostics})
    by_domain = edition.model_copy(update={"region": region})
    text = told(of(drafts(published, records, by_domain), "b1"))
    assert "определяется по результату низшей из компетенций, а не всего теста" in text


def test_who_needs_no_topic_of_the_seminar_reads_why_it_stands_there(edition, published, records):
    needs = published["seminar_needs"]
    published["seminar_needs"] = needs.assign(
        deficit=needs["deficit"].mask(needs["deficit"] > 0, 0)
    )
    steps = table_of(of(drafts(published, records, edition), "a1"), "Уровень")
    (topics,) = [step[2] for step in steps if step[1].startswith("Семинар")]
    assert topics == "не по дефициту: Предметные компетенции; ИКТ-компетенции"
    text = told(of(drafts(published, records, edition), "a1"))
    assert "чтобы группа набралась: его темы по результату не обязательны" in text
    published["seminar_needs"] = needs
    assert "не по дефициту" not in told(of(drafts(published, records, edition), "a1"))


def test_an_organisation_is_called_by_its_name_or_its_kind_and_code(edition, published, records):
    def place(code, **tables):
        records["employment"].loc[0, "organization_id"] = code
        document = of(drafts(published, records | tables, edition), "a1")
        return dict(rows(document.tables[0]))["Место работы"]

    register = pd.DataFrame({"organization_id": ["АБ-12", "АБ-13"], "kind": ["гимназия", None]})
    assert place("МБОУ «СОШ № 1»", organizations=register) == "МБОУ «СОШ № 1», Абакан"
    assert place("АБ-12", organizations=register) == "гимназия (код АБ-12), Абакан"
    assert place("АБ-13", organizations=register) == "организация (код АБ-13), Абакан"
    assert place("АБ-12") == "организация (код АБ-12), Абакан"


def test_the_exit_result_has_a_table_of_its_own(edition, published, records):
    assert "Выходная диагностика" not in told(of(drafts(published, records, edition), "a1"))
    after = pd.DataFrame([result("a1", "ict", wave="exit")])
    published["person_results"] = pd.concat([published["person_results"], after])
    document = of(drafts(published, records, edition), "a1")
    assert "Выходная диагностика" in told(document)
    tables = [found for found in map(rows, document.tables) if found[0][0] == "Что измерено"]
    assert [len(found) for found in tables] == [7, 2]


@pytest.mark.parametrize(("later", "is_early"), [(1, True), (0, False), (-1, False)])
def test_an_exit_test_before_the_first_event_of_a_route_is_said_to_be(
    edition, published, records, later, is_early
):
    after = pd.DataFrame([result("a1", "ict", wave="exit")])
    published["person_results"] = pd.concat([published["person_results"], after])
    begun = DAY + pd.Timedelta(days=later)
    records = route_over(records, status="running", closed_on=pd.NaT)
    scores = pd.concat([records["scores"], records["scores"].assign(wave="exit")])
    records |= {"scores": scores.reset_index(drop=True)}
    steps = records["route_measures"].assign(from_on=[begun, pd.NaT], to_on=pd.NaT)
    text = told(of(drafts(published, records | {"route_measures": steps}, edition), "a1"))
    assert ("раньше первого мероприятия этого ИОМ" in text) == is_early
    undated = steps.assign(from_on=pd.NaT)
    text = told(of(drafts(published, records | {"route_measures": undated}, edition), "a1"))
    assert "раньше первого мероприятия" not in text, "no day, nothing to say"


def test_order_of_rows_changes_no_byte_and_names_come_only_when_given(edition, published, records):
    first = route_archive(published, records, edition)
    mixed = [
        {name: frame.sample(frac=1, random_state=1) for name, frame in part.items()}
        for part in (published | {"seminar_groups": published["seminar_groups"]}, records)
    ]
    for name in ("seminar_groups", "seminar_meetings", "seminar_next_groups", "procedures"):
        mixed[0][name] = published[name]  # tables of a run have an order of their own
    assert route_archive(*mixed, edition) == first
    named = drafts(published, records, edition, names={"a1": "Имярек <И> & К\x07о"})
    assert "Имярек <И> & К о" in told(of(named, "a1"))
    assert "Служебный экземпляр с ФИО" in told(of(named, "a1"))
    assert dict(rows(of(named, "b1").tables[0]))["Фамилия, имя, отчество"] == ""


@pytest.mark.parametrize("text", ["<w:t>&amp;</w:t>", "{{ 7 * 7 }}{% raw %}", "]]>\x00\ufffe\"'"])
def test_text_of_the_data_stays_text(edition, published, records, text):
    records["staff"]["education"] = text
    records["employment"]["organization_id"] = text
    events = pd.DataFrame([event("e", "ict") | {"title": text}])
    document = of(
        drafts(published, records | {"events": events}, edition, names={"a1": text}), "a1"
    )
    plain = re.sub("[\x00\ufffe]", " ", text)
    about = dict(rows(document.tables[0]))
    assert about["Образование"] == about["Фамилия, имя, отчество"] == plain
    assert plain in about["Место работы"] and about["Место работы"].endswith(", Абакан")
    titles = [step[1] for step in table_of(document, "Уровень")]
    assert f"Предложено: {plain}" in titles


def test_the_names_of_the_region_stay_text_too(edition, published, records):
    published["procedures"]["organiser"] = "Центр {{ 7 * 7 }} {% if %} <&>"
    text = told(of(drafts(published, records, edition), "a1"))
    assert "Процедура: Центр {{ 7 * 7 }} {% if %} <&>." in text


def totals_only(published, records, edition):
    """Three levels of the whole test alone, no cut and no route of a document."""
    levels = ("high", "medium", "low")
    labels = dict(zip(levels, ("высокий", "средний", "низкий"), strict=True))
    first = edition.region.diagnostics.levels[0]
    given = tuple(
        first.model_copy(
            update={"code": code, "name": labels[code], "up_to": cut, "route": None, "note": None}
        )
        for code, cut in zip(levels, (0.5, 0.75, None), strict=True)
    )
    diagnostics = edition.region.diagnostics.model_copy(
        update={"levels": given, "document": None, "section": None}
    )
    region = edition.region.model_copy(update={"diagnostics": diagnostics})
    persons = pd.DataFrame([result("a1", "total", "high"), result("b1", "total", "low")])
    subscores = pd.DataFrame(columns=["procedure", "wave", "domain", "measure", "status", "note"])
    tables = {
        "person_results": persons,
        "procedures": published["procedures"],
        "subscores": subscores,
    }
    whole = records["scores"].drop_duplicates("person_id").assign(domain="total")
    return tables, {"scores": whole}, edition.model_copy(update={"region": region})


def test_an_edition_of_totals_names_no_competence(edition, published, records):
    tables, sent, other = totals_only(published, records, edition)
    events = pd.DataFrame([event("e", "ict")])
    document = of(drafts(tables, sent | {"events": events}, other), "a1")
    measured = table_of(document, "Что измерено")
    assert measured[1:] == [["Весь тест", "40\u00a0%", "высокий", "устойчивое", ""]]
    assert measured[0][2] == "Результат по заданному порогу"
    text = told(document)
    assert "неизвестно, результатов по компетенциям нет" in text and "ни одной" not in text
    assert "порог не установлен документом, задан в определении региона" in text
    assert f"{NO_EVENTS}результатов по компетенциям нет; нужен лист «Результаты»" in text
    assert "документы региона не устанавливают: его выбирает методист" in text
    assert "Вид маршрута при таком результате документом не установлен" in text
    steps = table_of(document, "Уровень")
    assert not any(step[1] for step in steps[1:])


def test_competences_are_told_apart_only_where_they_add_value(edition, published, records):
    domains = pd.DataFrame({"domain": DOMAINS, "procedure": PROCEDURE, "wave": "entry"})
    values = domains.assign(
        measure="value_added", estimate=-0.1, ci_low=-0.2, ci_high=-0.05, n=3, status="ok"
    ).assign(note=None, std_error=0.04)
    of_other = values.assign(procedure="other", ci_low=0.1, ci_high=0.2)

    def said(own):
        published["subscores"] = pd.concat([of_other, own])
        return told(of(drafts(published, records, edition), "a1"))

    text = said(values)
    assert "сильнее, а какая слабее, по этому тесту сказать нельзя" in text
    assert "рофил" not in text and "(n" not in text  # words of analysts, not of teachers
    one = values.assign(ci_low=values["ci_low"].mask(values["domain"].eq("ict"), 0.01))
    text = said(one)
    assert "Отдельно от общего результата можно судить об этом: ИКТ-компетенции." in text
    assert "повод обсудить тему с методистом, а не доказанный дефицит" in text
    above = values.assign(ci_low=0.01)
    assert "О каждой компетенции можно судить отдельно" in said(above)
    assert "не доказанный дефицит" not in said(above)
    unknown = values.assign(status="too_few", ci_low=None, ci_high=None)
    assert "не проверено, надёжно ли они различаются" in said(unknown)


OF_TWO = ("ict", "methodical")
#: Competences with a value → the two sentences of a draft; of the rest nothing may be told.
OF_PART = {
    "apart": "Отдельно от общего результата можно судить об этом: Методические компетенции; "
    "ИКТ-компетенции.",
    "alike": "сильнее, а какая слабее (Методические компетенции; ИКТ-компетенции), по этому тесту",
}


@pytest.mark.parametrize("case", OF_PART)
@pytest.mark.parametrize("rest", ["not_assessed", "absent"])
def test_a_competence_that_was_not_assessed_is_not_told_apart(
    edition, published, records, case, rest
):
    values = pd.DataFrame({"domain": DOMAINS, "procedure": PROCEDURE, "wave": "entry"})
    is_assessed = values["domain"].isin(OF_TWO)
    values = values.assign(measure="value_added", status="ok", estimate=0.1)
    values["ci_low"] = 0.01 if case == "apart" else -0.01
    values.loc[~is_assessed, ["status", "estimate", "ci_low"]] = ["not_assessed", None, None]
    published["subscores"] = values if rest == "not_assessed" else values[is_assessed]
    text = told(of(drafts(published, records, edition), "a1"))
    assert "О каждой компетенции" not in text
    unknown = "Не проверено, можно ли судить отдельно об этом: Предметные компетенции; "
    assert (unknown in text) == (rest == "not_assessed")
    assert (OF_PART[case] in text) == (case == "apart" or rest == "not_assessed")


def test_a_draft_names_the_competences_without_a_result(edition, published, records):
    results = published["person_results"]
    of_all = results["domain"].isin(["total", *OF_TWO])
    published["person_results"] = results[of_all | results["person_id"].ne("b1")]
    found = drafts(published, records, edition)
    text = told(of(found, "b1"))
    assert (
        "не выше 60\u00a0% максимума: Методические компетенции. Нет результата, судить не по чему: "
        "Предметные компетенции; Психолого-педагогические компетенции; Воспитание."
    ) in text
    assert "Нет результата" not in told(of(found, "a1"))
    of_b1 = results["person_id"].eq("b1")
    published["person_results"] = results[results["domain"].isin(OF_TWO) | ~of_b1]
    document = of(drafts(published, records, edition), "b1")
    kind = "Вид маршрута не определён: нет результата, по которому его выбирают."
    assert document.paragraphs[1].text.startswith(kind)
    assert "Воспитание. Результата всего теста поэтому тоже нет." in told(document)


def test_a_route_that_is_over_says_so(edition, published, records):
    records["routes"] = records["routes"].assign(status="running")
    records["routes"]["due_on"] = pd.Timestamp("2023-12-30")
    dates = dict(table_of(of(drafts(published, records, edition), "a1"), "Составлен"))
    assert dates["Срок выполнения"] == "30.12.2023; истёк, новый назначает методист"
    records["routes"] = records["routes"].assign(status="done", audited_on=LAST)
    dates = dict(table_of(of(drafts(published, records, edition), "a1"), "Составлен"))
    assert dates["Срок выполнения"] == "30.12.2023" and "Завершён" in dates
    assert dates["Методический аудит"] == "проведён 29.02.2024"


def test_names_of_the_methodist_and_the_leader_come_with_the_crosswalk(edition, published, records):
    named = of(drafts(published, records, edition, names={FIRST: "Ведущая"}), "a1")
    assert dict(table_of(named, "Составлен"))["Региональный методист"] == "Ведущая"
    assert FIRST not in told(named)
    assert "ведущий Ведущая" in told(named)


def test_one_can_write_by_hand_and_tables_go_on_over_pages(edition, published, records):
    document = of(drafts(published, records, edition), "x1")
    heads = [table for table in document.tables if table.rows[0].cells[0].text == "Уровень"]
    (steps,) = heads
    assert steps.rows[0]._tr.xpath("./w:trPr/w:tblHeader")
    for line in steps.rows[1:]:
        assert line.height >= Mm(8) and line.height_rule == WD_ROW_HEIGHT_RULE.AT_LEAST
        assert line._tr.xpath("./w:trPr/w:cantSplit")
    for table in document.tables:
        assert abs(sum(cell.width for cell in table.rows[-1].cells) - Mm(180)) < Mm(0.1)
    languages = document.styles.element.xpath("//w:lang/@w:val")
    assert languages and set(languages) == {"ru-RU"}


def test_another_process_writes_the_same_bytes(tmp_path):
    code = (
        "import sys, hashlib; from pathlib import Path; from test_route_papers import as_made;"
        "print(hashlib.sha256(as_made(Path(sys.argv[1]))).hexdigest())"
    )
    made = set()
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / seed)],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parent,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(CHECKOUT)},
        )
        assert done.returncode == 0, done.stderr
        made.add(done.stdout)
    assert len(made) == 1


def as_made(root: Path) -> bytes:
    """The archive of this module's people, in a process of its own."""
    of_root = groups_edition(root / "data")
    return route_archive(some_published(of_root), some_records(), of_root)[0]


def test_without_results_of_people_it_says_what_is_needed(edition, published, records):
    published["person_results"] = published["person_results"].head(0)
    with pytest.raises(ValueError, match="Нужен лист «Результаты» с баллами людей"):
        route_archive(published, records, edition)


def test_the_command_writes_one_archive_for_an_edition(published_root, tmp_path):
    done = nmc(published_root, "routes", "khakassia", "2023", "--out", str(tmp_path), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    about = json.loads(done.stdout)
    assert about["drafts"] == 1200
    with zipfile.ZipFile(about["file"]) as archive:
        assert len(archive.namelist()) == 1200
        document = Document(io.BytesIO(archive.read(archive.namelist()[0])))
    assert "1. Общие сведения" in told(document)
    again = nmc(published_root, "routes", "khakassia", "2023", "--out", str(tmp_path))
    assert again.returncode != 0 and "здесь уже что-то есть" in again.stdout + again.stderr
