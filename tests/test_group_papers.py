"""Lists of seminar groups and leaders' sheets: what they say, and what they never do."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import date

import pandas as pd
import pytest
from invented_groups import CHANCE, FIRST, SECOND, group_tables, groups_edition
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from nmc_utils import wording
from nmc_utils.cli import app
from nmc_utils.documents.groups import group_papers
from nmc_utils.documents.leader_sheets import sheet_names
from nmc_utils.editions import Edition
from nmc_utils.results import begin, publish

SHEETS = [
    "О плане",
    "Группы",
    "Участники",
    "Без группы",
    "Ведущие",
    "Программа семинара",
    "Календарь",
]
MATHEMATICS, RUSSIAN = "Математика и информатика", "Русский язык и литература"
FIRST_GROUP, SECOND_GROUP = f"{MATHEMATICS}, №\u00a01", f"{MATHEMATICS}, №\u00a02"
RUSSIAN_GROUP = f"{RUSSIAN}, №\u00a01"
TRAPS = ["=1+1", "@SUM(1;2)", "<r><t>x</t></r>", '=HYPERLINK("http://example.org")']


@pytest.fixture(scope="module")
def edition(tmp_path_factory) -> Edition:
    return groups_edition(tmp_path_factory.mktemp("papers") / "data")


@pytest.fixture
def tables(edition) -> dict[str, pd.DataFrame]:
    return group_tables(edition)


def sheets_of(content: bytes) -> dict[str, list[list]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def parts_of(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode("utf-8") for name in archive.namelist()}


def lists(tables, edition, **options) -> dict[str, list[list]]:
    return sheets_of(group_papers(tables, edition, **options)["Группы.xlsx"])


def leader_book(tables, edition, **options) -> dict[str, list[list]]:
    return sheets_of(group_papers(tables, edition, **options)["Листы ведущих.xlsx"])


def texts(rows: list[list]) -> str:
    return "\n".join(str(cell) for row in rows for cell in row)


# --- lists ----------------------------------------------------------------------------------------


def test_the_workbook_of_lists_has_its_sheets(edition, tables):
    assert list(lists(tables, edition)) == SHEETS


def test_what_the_plan_is_and_is_not_for(edition, tables):
    told = texts(lists(tables, edition)["О плане"])
    for words in (
        "Демонстрационные данные: не сведения о регионе",
        "Группы со схожими дефицитами: Республика Хакасия, 2023 год",
        "Данные на 31.12.2023. Процедура: Диагностика центра.",
        "никакой план не лучше этого по принятому критерию: это доказано",
        "не выше 60\u00a0% максимума; порог: Мониторинг РС НМС, 2023 год",
        "от 12 до 25 человек одной предметной группы, тем не больше 3",
        "Раундов: 2; листы ведущих и календарь — раунда 1.",
        "Ведущих русского языка не хватает.",
        "Баллов в списках нет",
        f"{wording.NO_HARM}.",
    ):
        assert words in told


def test_who_has_not_reported_is_told(edition, tables):
    reporting = pd.DataFrame({"is_reported": [True, False], "not_sent": [[], []]})
    told = texts(lists(tables | {"reporting": reporting}, edition)["О плане"])
    assert "Данные представили 1 из 2 муниципальных образований." in told
    full = reporting.assign(is_reported=True)
    assert "редставили" not in texts(lists(tables | {"reporting": full}, edition)["О плане"])


def test_groups_of_all_rounds_in_the_order_of_the_region(edition, tables):
    header, *rows = lists(tables, edition)["Группы"]
    assert header == [
        *("Раунд", "Группа", "Код", "Предметная группа", "Темы", "Человек", "Ведущий"),
        *("Где собирается", "Как", "Из других муниципальных образований"),
    ]
    first = [1, RUSSIAN_GROUP, "russian-01", RUSSIAN, "Предметные", 2, "", "", "", 0]
    second = [1, FIRST_GROUP, "mathematics-01", MATHEMATICS, "Предметные; ИКТ", 3, FIRST]
    assert rows[:2] == [first, [*second, "Абакан", "дистанционно", 1]]
    assert rows[2][1] == SECOND_GROUP and rows[2][8] == "очно"
    last = [2, FIRST_GROUP, "mathematics-01", MATHEMATICS, "Методические; Предметные", 2, FIRST]
    assert rows[3:] == [[*last, "Абаза", "", ""]]


def test_every_member_once_a_round_with_the_topics_that_are_still_needed(edition, tables):
    header, *rows = lists(tables, edition)["Участники"]
    assert header[3:] == ["Участник", "Муниципальное образование", "Нужные темы группы"]
    assert [row[3] for row in rows] == ["c1", "c2", "a1", "a2", "a3", "b1", "b2", "a1", "a2"]
    needed = {(row[0], row[3]): row[5] for row in rows}
    assert needed == {
        (1, "c1"): "Предметные",
        (1, "c2"): "Предметные",
        (1, "a1"): "Предметные; ИКТ",
        (1, "a2"): "Предметные",
        (1, "a3"): "дополняет группу",
        (1, "b1"): "Методические",
        (1, "b2"): "Методические",
        (2, "a1"): "дополняет группу",  # «Предметные» were a topic of the first round
        (2, "a2"): "Методические",
    }
    places = {row[3]: row[4] for row in rows}
    assert places["a2"] == "Абаза" and places["a3"] == ""


def test_who_is_without_a_group_and_why(edition, tables):
    assert lists(tables, edition)["Без группы"] == [
        ["Педагог", "Предметная группа", "Почему без группы"],
        ["d1", RUSSIAN, "Дефицитов не выявлено: группа не требуется."],
        ["e1", "", "Нет результата по каждой из компетенций формы."],
    ]


def test_nobody_without_a_group_leaves_the_headings(edition, tables):
    members = tables["seminar_members"].dropna(subset="group_id")
    alone = lists(tables | {"seminar_members": members}, edition)["Без группы"]
    assert alone == [["Педагог", "Предметная группа", "Почему без группы"]]


def test_load_of_leaders_over_all_rounds(edition, tables):
    _, russian, mathematics = lists(tables, edition)["Ведущие"]
    assert russian == [SECOND, RUSSIAN, "Сорск", 1, 0, 0, "", ""]
    assert mathematics[:6] == [FIRST, MATHEMATICS, "Абакан", 3, 3, 5]  # two of them learn twice
    assert mathematics[6] == "; ".join(
        f"{name} (раунд {number})"
        for name, number in ((FIRST_GROUP, 1), (SECOND_GROUP, 1), (FIRST_GROUP, 2))
    )
    assert mathematics[7] == f"{FIRST_GROUP} (раунд 2) — Абаза"


def test_a_leader_away_from_home_is_told_but_not_one_at_a_distance(edition, tables):
    leaders = tables["seminar_leaders"]
    tables["seminar_leaders"] = leaders.assign(zone=["sayanogorsk", "sorsk"])
    *_, away = lists(tables, edition)["Ведущие"][-1]
    assert away == f"{SECOND_GROUP} (раунд 1) — Абакан; {FIRST_GROUP} (раунд 2) — Абаза"
    told = texts(leader_book(tables, edition)[f"Ведущий {FIRST}"])
    come = "Ведущий едет из другого муниципального образования: Саяногорск."
    assert told.count(come) == 1 and "образований: 0.\n" in told and f"\n{come}" in told
    tables["seminar_leaders"] = leaders.assign(zone=None)  # nothing is known, nothing is said
    assert lists(tables, edition)["Ведущие"][-1][-1] == ""
    assert "едет" not in texts(leader_book(tables, edition)[f"Ведущий {FIRST}"])


def test_programme_in_the_order_of_rounds_families_and_competences(edition, tables):
    _, *rows = lists(tables, edition)["Программа семинара"]
    assert rows == [
        [1, RUSSIAN, "Предметные", 1, 2],
        [1, MATHEMATICS, "Предметные", 1, 2],
        [1, MATHEMATICS, "ИКТ", 1, 1],
        [2, MATHEMATICS, "Методические", 1, 1],
    ]


def test_calendar_with_its_reservations_and_room_for_the_methodist(edition, tables):
    rows = lists(tables, edition)["Календарь"]
    told = texts(rows[:5])
    assert "Занятия начинаются 15.01.2024: первый рабочий понедельник после даты данных." in told
    assert "очереди в первые 5\u00a0рабочих дней." in told
    assert "Занятия — с 15:00. На тему — одно занятие, 2\u00a0часа" in told
    assert "через 14\u00a0дней, по будням" in told
    assert "Перенос выходных, каникулы и нерабочие дни региона программе не известны" in told
    assert rows[5][-3:] == [
        "Назначено: дата и часы",
        "Адрес, кабинет или ссылка",
        "Примечание",
    ]
    first = [date(2024, 1, 15), "пн", "15:00", "17:00", FIRST_GROUP, "Предметные компетенции"]
    assert rows[6] == [*first, FIRST, "дистанционно", "", "", ""]
    assert [(row[0], row[2], row[7]) for row in rows[7:]] == [
        (date(2024, 1, 16), "15:00", "Абакан"),
        (date(2024, 1, 17), "15:00", ""),
        (date(2024, 1, 29), "15:00", "дистанционно"),
    ]


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        (date(2024, 9, 9), "Занятия начинаются 09.09.2024."),
        (date(2024, 9, 7), "Занятия начинаются 09.09.2024: 07.09.2024 — выходной или праздник."),
        (date(2023, 12, 31), "Занятия начинаются 09.01.2024: 31.12.2023 — выходной или праздник."),
        (
            date(2023, 1, 16),
            "Занятия начинаются 16.01.2023. Это раньше даты данных, 31.12.2023: проверьте дату.",
        ),
        (
            date(2023, 1, 15),
            "Занятия начинаются 16.01.2023: 15.01.2023 — выходной или праздник. "
            "Это раньше даты данных, 31.12.2023: проверьте дату.",
        ),
    ],
)
def test_a_date_that_was_asked_for_is_told(edition, tables, start, sentence):
    told = texts(lists(tables, edition, start=start)["Календарь"][:2])
    assert f"{sentence} Группы начинают" in told


# --- editions that have less ----------------------------------------------------------------------


def bare(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """One round without leaders, notes, distances and names of procedures."""
    left = {
        name: table
        for name, table in tables.items()
        if not name.startswith("seminar_next")
        and name not in ("seminar_leaders", "seminar_notes", "procedures")
    }
    left["seminar_groups"] = left["seminar_groups"].assign(leader_id=None)
    left["seminar_meetings"] = left["seminar_meetings"].assign(mode=None)
    return left


def test_without_leaders_and_later_rounds(edition, tables):
    papers = group_papers(bare(tables), edition)
    assert list(papers) == ["Группы.xlsx", "Листы ведущих.xlsx", "Календарь.ics"]
    read = sheets_of(papers["Группы.xlsx"])
    assert read["Ведущие"][0][0] == "Таблица «РМА» не прислана: ведущие группам не назначены."
    assert read["Группы"][0][:3] == ["Группа", "Код", "Предметная группа"]
    assert "Как" not in read["Группы"][0]
    assert "Процедура: p." in texts(read["О плане"]) and "Раундов" not in texts(read["О плане"])
    assert list(sheets_of(papers["Листы ведущих.xlsx"])) == [
        "Без вед. Русский язык и литера…",
        "Без вед. Математика и информат…",
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda t: {name: t[name] for name in t if name != "seminar_needs"},
            r"в прогоне нет таблиц, .* \(seminar_needs\)\. Выполните: nmc run khakassia/2023",
        ),
        (
            lambda t: (
                t | {"seminar_plan": t["seminar_plan"].assign(status="no_data", note="нет людей")}
            ),
            "план групп не составлен: нет людей",
        ),
        (
            lambda t: t | {"seminar_groups": t["seminar_groups"].iloc[:0]},
            "в плане нет ни одной группы",
        ),
    ],
)
def test_what_cannot_be_written_is_one_sentence(edition, tables, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        group_papers(change(tables), edition)


def test_a_round_that_is_not_there_and_a_day_far_away_are_refused(edition, tables):
    with pytest.raises(ValueError, match="раунда 3 в плане нет; есть: 1, 2"):
        group_papers(tables, edition, number=3)
    with pytest.raises(ValueError, match="дата начала 01.01.1850 не подходит"):
        group_papers(tables, edition, start=date(1850, 1, 1))


# --- leaders' sheets ------------------------------------------------------------------------------


def test_a_sheet_for_each_leader_and_for_groups_without_one(edition, tables):
    read = leader_book(tables, edition)
    assert list(read) == ["Без вед. Русский язык и литера…", f"Ведущий {FIRST}"]
    assert read["Без вед. Русский язык и литера…"][0][0] == f"Без ведущего, {RUSSIAN}"
    rows = read[f"Ведущий {FIRST}"]
    told = texts(rows)
    assert told.startswith(f"Ведущий {FIRST}")
    for words in (
        edition.mark,
        "Республика Хакасия, 2023 год, раунд 1",
        f"{FIRST_GROUP} (mathematics-01)",
        f"{SECOND_GROUP} (mathematics-02)",
        "Где: Абакан, дистанционно. Участников: 3, из других муниципальных образований: 1.",
        "Где: Абакан, очно. Участников: 2, из других муниципальных образований: 0.",
        f"{wording.NO_HARM}.",
    ):
        assert words in told
    subject, ict = "Предметные компетенции", "ИКТ-компетенции"
    assert [1, "пн 15.01.2024, 15:00–17:00", "", subject] in [row[:4] for row in rows]
    assert [2, "пн 29.01.2024, 15:00–17:00", "", ict] in [row[:4] for row in rows]
    header = next(row for row in rows if row[1] == "Участник")
    assert header[3:] == ["Нужные темы", "Отметка 15.01", "Отметка 29.01"]
    assert [row[1:] for row in rows if row[1] == "a1"] == [
        ["a1", "Абакан", f"{subject}; {ict}", "", ""]
    ]
    everyone = [row[1] for sheet in read.values() for row in sheet if row[1] in "a1a2a3b1b2c1c2"]
    assert sorted(filter(None, everyone)) == ["a1", "a2", "a3", "b1", "b2", "c1", "c2"]


def test_sheets_of_another_round(edition, tables):
    read = leader_book(tables, edition, number=2)
    assert list(read) == [f"Ведущий {FIRST}"]
    rows = read[f"Ведущий {FIRST}"]
    assert [row[1] for row in rows if row[0] in (1, 2) and row[1] in ("a1", "a2")] == ["a1", "a2"]
    assert "Где: Абаза. Участников: 2." in texts(rows)


def test_sheets_are_laid_out_for_paper(edition, tables):
    parts = parts_of(group_papers(tables, edition)["Листы ведущих.xlsx"])
    for number in (1, 2):
        sheet = parts[f"xl/worksheets/sheet{number}.xml"]
        setup = re.search(r"<pageSetup[^>]*>", sheet)[0]
        assert 'paperSize="9"' in setup and 'orientation="portrait"' in setup
        header = re.search(r"<oddHeader>(.*?)</oddHeader>", sheet)[1]
        assert str(edition) in header and edition.mark in header
        footer = re.search(r"<oddFooter[^>]*>(.*?)</oddFooter>", sheet, re.DOTALL)[1]
        assert wording.NO_HARM in footer.replace("\n", " ")
    assert '<brk id="' in parts["xl/worksheets/sheet2.xml"]  # the leader has two groups
    assert "<rowBreaks" not in parts["xl/worksheets/sheet1.xml"]
    heads = parts_of(group_papers(tables, edition)["Группы.xlsx"])
    assert 'orientation="landscape"' in heads["xl/worksheets/sheet2.xml"]
    assert "Print_Titles" in heads["xl/workbook.xml"]


def test_names_of_sheets_are_legal_short_and_different():
    long = "Без вед. Физическая культура и ОБЖ"
    names = sheet_names([long, long, long.upper(), "a[b]:c*d?e/f\\g", "'x'", "'", ""])
    assert names == [
        "Без вед. Физическая культура и…",
        "Без вед. Физическая культу… (2)",
        "БЕЗ ВЕД. ФИЗИЧЕСКАЯ КУЛЬТУ… (3)",
        "a b  c d e f g",
        "x",
        "Лист",
        "Лист (2)",
    ]
    assert max(map(len, names)) <= 31


# --- what never happens ---------------------------------------------------------------------------


def test_the_same_tables_in_any_order_give_the_same_bytes(edition, tables):
    first = group_papers(tables, edition)
    for seed in range(3):
        mixed = {name: table.sample(frac=1, random_state=seed) for name, table in tables.items()}
        assert group_papers(mixed, edition) == first
    assert b"2023-12-31" in zipfile.ZipFile(io.BytesIO(first["Группы.xlsx"])).read(
        "docProps/core.xml"
    )


def test_no_score_and_no_chance_stands_anywhere(edition, tables):
    papers = group_papers(tables, edition)
    for name in ("Группы.xlsx", "Листы ведущих.xlsx"):
        assert not [part for part in parts_of(papers[name]).values() if str(CHANCE) in part]
    numbers = [
        cell
        for row in sheets_of(papers["Группы.xlsx"])["Участники"]
        for cell in row
        if isinstance(cell, int | float)
    ]
    assert set(numbers) == {1, 2}  # rounds
    other = tables["seminar_needs"].assign(chance=0.1)
    assert group_papers(tables | {"seminar_needs": other}, edition) == papers


def test_text_of_the_data_stays_text(edition, tables):
    codes = dict(zip(["a1", "b1", FIRST, "d1"], TRAPS, strict=True))
    trapped = {name: table.replace(codes) for name, table in tables.items()}
    trapped["seminar_notes"] = trapped["seminar_notes"].assign(sentence=TRAPS[3])
    papers = group_papers(trapped, edition)
    for name in ("Группы.xlsx", "Листы ведущих.xlsx"):
        sheets = {part: text for part, text in parts_of(papers[name]).items() if "sheets/" in part}
        assert not [part for part, text in sheets.items() if re.search(r"<f[ >]", text)]
        assert not [part for part in sheets if "_rels" in part]
    read = sheets_of(papers["Группы.xlsx"])
    assert {TRAPS[0], TRAPS[1]} <= {row[3] for row in read["Участники"]}
    assert TRAPS[2] in texts(read["Ведущие"]) and TRAPS[3] in texts(read["Без группы"])
    assert TRAPS[3] in texts(read["О плане"])
    assert [name for name in papers if "ведущего" in name] == [
        "Календарь ведущего _r__t_x__t___r_.ics"
    ]


def test_leaders_whose_files_would_be_called_alike_get_one_each(edition, tables):
    groups = tables["seminar_groups"]
    tables["seminar_groups"] = groups.assign(leader_id=["x/1", "x:1", "X?1"])
    names = [name for name in group_papers(tables, edition) if "ведущего" in name]
    assert names == [
        "Календарь ведущего X_1.ics",
        "Календарь ведущего x_1 (2).ics",
        "Календарь ведущего x_1 (3).ics",
    ]


# --- the command ----------------------------------------------------------------------------------

RUN = "0123456789-1"


@pytest.fixture
def of_command(tmp_path) -> Edition:
    return groups_edition(tmp_path / "data")


def publish_plan(of: Edition, left_out: tuple[str, ...] = ()) -> None:
    folder = begin(of, RUN) / "restricted"
    folder.mkdir()
    for name, table in group_tables(of).items():
        if name not in left_out:
            table.to_parquet(folder / f"{name}.parquet", index=False)
    publish(of, RUN, {"definition": of.digest})


def called(of: Edition, *arguments: str):
    return CliRunner().invoke(
        app, ["--data", str(of.root), "groups", *of.key.split("/"), *arguments]
    )


def test_the_command_writes_what_was_published(of_command):
    publish_plan(of_command)
    told = called(of_command, "--json", "--start", "2023-01-15")
    assert told.exit_code == 0, told.output
    told = json.loads(told.output)
    folder = of_command.root / "documents" / "khakassia" / "2023" / RUN / "groups"
    assert told["folder"] == str(folder) and (told["run"], told["round"]) == (RUN, 1)
    assert sorted(path.name for path in folder.iterdir()) == sorted(told["files"])
    assert told["start"] == "2023-01-16" and "Это раньше даты данных" in told["about_start"]
    papers = group_papers(group_tables(of_command), of_command, start=date(2023, 1, 16))
    papers["Группы.xlsx"] = (folder / "Группы.xlsx").read_bytes()  # it tells of the 15th
    assert {name: (folder / name).read_bytes() for name in papers} == papers


def test_the_command_keeps_to_its_options_and_overwrites_nothing(of_command, tmp_path):
    publish_plan(of_command)
    out = tmp_path / "papers"
    arguments = ("--out", str(out), "--start", "2024-09-02", "--round", "2")
    done = called(of_command, *arguments)
    assert done.exit_code == 0, done.output
    assert f"Записано файлов: 4 — в папку {out}" in done.output and "раунд 2" in done.output
    assert "Занятия начинаются 02.09.2024." in done.output
    assert b"DTSTART:20240902T150000" in (out / "Календарь.ics").read_bytes()
    again = called(of_command, *arguments)
    assert again.exit_code == 2 and "здесь уже что-то есть" in again.stderr


def test_the_command_refuses_in_one_sentence_and_writes_nothing(of_command):
    nothing = called(of_command)
    assert nothing.exit_code == 1
    assert "опубликованных результатов нет. Выполните: nmc run khakassia/2023" in nothing.stderr
    publish_plan(of_command, left_out=("seminar_needs", "seminar_programme"))
    done = called(of_command)
    assert done.exit_code == 1 and done.stderr.count("\n") == 1
    assert "(seminar_needs, seminar_programme). Выполните: nmc run" in done.stderr
    for text in ("завтра", "2024-02-30"):
        wrong = called(of_command, "--start", text)
        assert wrong.exit_code == 2 and wrong.stderr.count("\n") == 1
        assert f"--start: «{text}» не подходит; укажите дату в виде ГГГГ-ММ-ДД" in wrong.stderr
    assert not (of_command.root / "documents").exists()
