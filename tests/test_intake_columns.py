"""Headers as people write them: where they are found, what is named, what is refused."""

from __future__ import annotations

import time
from dataclasses import replace

import pandas as pd
import pytest
from intake_books import (
    AGGREGATES,
    EMPLOYMENT,
    FORMS,
    ITEMS,
    KHAKASSIA,
    METHODISTS,
    ORGANIZATIONS,
    PERSON,
    PROCEDURES,
    SCORES,
    STAFF,
)

from nmc_utils.intake.columns import (
    PERSON_HEADERS,
    Naming,
    has_persons,
    headers,
    is_explanation,
    is_unnamed,
    name_columns,
    table_by_header,
    table_of,
    table_of_file,
    vocabulary,
    words_of_person,
)
from nmc_utils.intake.personal import kind_of
from nmc_utils.intake.sheets import is_no_table, sort_sheets
from nmc_utils.intake.synonyms import Synonyms, dictionary, nearest, plain, synonyms
from nmc_utils.intake.workbook import Sheet, Workbook
from nmc_utils.regions import read_region
from nmc_utils.tables import SCHEMAS, TITLES
from nmc_utils.terms import CODED, coded

ANSWERS = [*PERSON, "Этап", "Код формы", "1", "2", "3"]
AGREED = {
    "staff": STAFF,
    "employment": EMPLOYMENT,
    "organizations": ORGANIZATIONS,
    "procedures": PROCEDURES,
    "forms": FORMS,
    "scores": SCORES,
    "responses": ANSWERS,
    "items": ITEMS,
    "methodists": METHODISTS,
    "aggregates": AGGREGATES,
}


def sheet(*rows: list, name: str = "Лист1") -> Sheet:
    """A sheet with these rows, the first of which is row 1."""
    width = max(map(len, rows))
    filled = [[*row, *[None] * (width - len(row))] for row in rows]
    columns = {n: pd.Series([row[n] for row in filled], dtype="str") for n in range(width)}
    return Sheet(name, 1, pd.DataFrame(columns).set_axis(range(1, len(rows) + 1)))


REGION = read_region(KHAKASSIA.parents[2], "khakassia")


def data(header: list, mark: str = "х") -> list:
    return [f"{mark}{n}" for n in range(len(header))]


def named(table: str, *rows: list) -> Naming:
    return name_columns(table, sheet(*rows), REGION)


def replaced(header: list, **words: str) -> list:
    """A header with other words in place of the agreed ones, given as `Балл="Баллы"`."""
    changed = [words.pop(title.replace(" ", "_"), title) for title in header]
    assert not words, words
    return changed


# --- the data -------------------------------------------------------------------------------------


def test_the_synonyms_speak_of_tables_columns_and_codes_that_exist():
    known = synonyms()
    assert set(known.sheets) == set(TITLES)
    columns = {name for table in SCHEMAS for name in headers(table)} | {"item_id"}
    assert set(known.columns) <= columns
    for table, words in known.columns_of.items():
        assert set(words) <= set(headers(table))
    assert set(known.persons) == set(PERSON_HEADERS)
    for column, words in known.words.items():
        assert set(words) <= set(CODED[column])
    for table, columns in known.words_of.items():
        for column, words in columns.items():
            assert set(words) <= set(coded(table)[column])


@pytest.mark.parametrize("table", SCHEMAS)
def test_no_synonym_means_two_columns_of_a_table(table):
    meanings: dict[str, set[str]] = {}
    agreed = headers(table) | {title: title for title in PERSON_HEADERS}
    for name, title in agreed.items():
        for word in [title, *synonyms().of_column(table, name)]:
            meanings.setdefault(plain(word), set()).add(name)
    if has_persons(table):
        for name, words in words_of_person(table, PERSON_HEADERS).items():
            for word in words:
                meanings.setdefault(plain(word), set()).add(name)
    for word in synonyms().ignored:
        meanings.setdefault(plain(word), set()).add("ignored")
    assert {word: names for word, names in meanings.items() if len(names) > 1} == {}


def test_no_synonym_means_two_tables_or_two_codes():
    everything = [
        {table: [TITLES[table], *words] for table, words in synonyms().sheets.items()},
        synonyms().flags,
        *(
            {code: [CODED[column][code], *words] for code, words in codes.items()}
            for column, codes in synonyms().words.items()
        ),
        *(
            {code: [word, *codes.get(code, [])] for code, word in coded(table)[column].items()}
            for table, columns in synonyms().words_of.items()
            for column, codes in columns.items()
        ),
    ]
    for meanings in everything:
        words = [plain(w) for listed in meanings.values() for w in {plain(word) for word in listed}]
        assert len(words) == len(set(words))


def test_a_word_with_two_meanings_is_refused_when_it_is_loaded():
    with pytest.raises(ValueError, match="«Балл.» is both raw_score and max_score"):
        dictionary({"raw_score": ["балл"], "max_score": ["Макс", "Балл."]})


def test_an_unknown_key_of_the_synonyms_is_refused():
    with pytest.raises(ValueError, match="colums"):
        Synonyms.model_validate(synonyms().model_dump() | {"colums": {}})


# --- sheets and files -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("Сотрудники", "staff"),
        (" СОТРУДНИКИ ", "staff"),
        ("Педагоги", "staff"),
        ("Список педагогов", "staff"),
        ("1. Кадры", "staff"),
        ("Места работы", "employment"),
        ("Сводные  данные", "aggregates"),
        ("Pезультаты", "scores"),  # with a Latin P
        ("scores", "scores"),
        ("Результаты 2022", None),  # perhaps of another year
        ("Сотрудники (2)", None),  # perhaps a copy
        ("Лист1", None),
        ("", None),
        ("Иванова", None),
    ],
)
def test_a_sheet_is_known_by_its_name(name, table):
    assert table_of(name) == table


@pytest.mark.parametrize(
    ("stem", "table"),
    [
        ("Абакан_Результаты", "scores"),
        ("results", "scores"),
        ("Сотрудники 2023", "staff"),
        ("2023-места_работы-абаза", "employment"),
        ("Сводные числа (1)", "aggregates"),
        ("Сотрудники и результаты", None),
        ("Абакан 2023", None),
        ("", None),
    ],
)
def test_a_table_is_known_by_the_name_of_its_file(stem, table):
    assert table_of_file(stem) == table


def test_names_that_a_program_gives_say_nothing():
    assert all(map(is_unnamed, ["", "Лист1", "лист 2", "Sheet1", "Sheet1 (2)", "Таблица1"]))
    assert not any(map(is_unnamed, ["Сотрудники", "Листья", "1-А"]))


def test_explanations_hold_no_records():
    assert all(map(is_explanation, ["Пояснение", "Инструкция", "пояснения"]))
    assert not is_explanation("Сотрудники")


@pytest.mark.parametrize("table", AGREED)
def test_a_table_is_known_by_its_header(table):
    header = AGREED[table]
    assert table_by_header(sheet(["О чём таблица"], header, data(header)), REGION) == table


def test_a_list_of_people_alone_is_no_table():
    assert table_by_header(sheet(PERSON, data(PERSON)), REGION) is None
    assert table_by_header(sheet(["один", "два"], ["1", "2"]), REGION) is None


def test_a_header_among_many_unknown_columns_is_no_table():
    header = ["Код процедуры", "Цель", *(f"прочее {n}" for n in range(9))]
    assert table_by_header(sheet(header, data(header)), REGION) is None


# --- where the header is --------------------------------------------------------------------------


@pytest.mark.parametrize("table", AGREED)
def test_the_agreed_header_is_read_whole(table):
    header = AGREED[table]
    found = named(table, header, data(header))
    assert sorted(found.positions.values()) == list(range(len(header)))
    assert not (found.missing or found.absent or found.repeated or found.unknown)
    assert (found.header, found.header_row) == (header, 1)
    assert found.ambiguous is None and found.repeated_rows == ()


def test_titles_above_the_header_and_blank_rows_are_passed():
    title = ["Результаты диагностики педагогов"] * len(SCORES)  # merged over the width
    found = named("scores", title, [None], ["на 1 мая"], [None], SCORES, [None], data(SCORES))
    assert found.header_row == 5
    assert found.missing == [] and found.header == SCORES


def test_the_order_of_columns_does_not_matter():
    found = named("scores", SCORES[::-1], data(SCORES))
    assert found.positions["raw_score"] == SCORES[::-1].index("Балл")
    assert found.missing == [] and found.unknown == []


UNITS = [None] * 4 + ["лет", None, None, "дд.мм.гггг", "дд.мм.гггг"]
NUMBERS = [str(n) for n in range(1, len(STAFF) + 1)]


@pytest.mark.parametrize(
    ("below", "last"),
    [
        ([UNITS], 2),
        ([NUMBERS], 2),
        ([UNITS, NUMBERS], 3),
        ([[None], NUMBERS], 3),
        ([["А", "Б", "1", "2", "3", "4", "5", "6", "7"]], 2),
        ([[f"({n})" for n in NUMBERS]], 2),
        ([STAFF], 2),  # merged downwards
        ([["1", "2"]], 1),  # too few for a row of numbers
        ([["1", "2", "3", "4", "5", "6", "7", "9", "8"]], 1),
        ([["Иванова", "лет"]], 1),
    ],
)
def test_units_and_numbers_of_columns_belong_to_the_header(below, last):
    found = named("staff", STAFF, *below, data(STAFF))
    assert found.header_row == last
    assert found.missing == [] and len(found.positions) == len(STAFF)


def test_the_unit_below_a_header_is_shown_with_it():
    units = [None] * 9 + ["%", "баллы", None]
    assert named("scores", SCORES, units, data(SCORES)).header[9] == "Балл, %"


GROUPED = [
    # the values of merged cells stand in all of them
    (
        [*PERSON[:3], "Дата", *SCORES[4:9], "Результат", "Результат", "Дата"],
        [*PERSON[:3], "рождения", *SCORES[4:9], "Балл", "Максимальный балл", "прохождения"],
    ),
    # or in the first alone
    (
        [*PERSON[:3], "Дата", *SCORES[4:9], "Результат", None, "Дата"],
        [None, None, None, "рождения", *[None] * 5, "Балл", "Максимальный балл", "прохождения"],
    ),
]


@pytest.mark.parametrize("rows", GROUPED)
def test_a_header_of_two_rows_is_read(rows):
    found = named("scores", ["Сведения"], *rows, data(SCORES))
    assert found.header_row == 3
    assert (found.missing, found.absent, found.unknown) == ([], [], [])
    assert list(found.positions) == list(name_columns("scores", sheet(SCORES), REGION).positions)


def test_a_group_gives_its_title_to_its_columns():
    top = [*STAFF[:7], "Дата", None]
    bottom = [*[None] * 7, "аттестации", "приёма"]
    found = named("staff", top, bottom, data(STAFF))
    assert found.header_row == 2
    assert (found.positions["attested_on"], found.positions["hired_on"]) == (7, 8)


def test_the_same_column_under_two_groups_is_repeated():
    top = [*SCORES[:9], "Входная", "Входная", "Выходная", "Выходная"]
    bottom = [*SCORES[:9], "Балл", "Максимальный балл", "Балл", "Максимальный балл"]
    found = named("scores", top, bottom, data(bottom))
    assert found.repeated == ["Балл", "Максимальный балл"]


def test_a_header_repeated_among_the_records_is_no_record_and_not_ambiguous():
    rows = [["Список"], STAFF, NUMBERS, data(STAFF), STAFF, NUMBERS, data(STAFF)]
    found = named("staff", *rows, *[data(STAFF)] * 60, STAFF)
    assert found.header_row == 3
    assert found.repeated_rows == (5, 6, 68)
    assert found.ambiguous is None


def test_two_headers_that_fit_equally_are_refused():
    found = named("staff", STAFF, data(STAFF), [None], STAFF[::-1], data(STAFF))
    assert found.ambiguous is not None
    assert "одинаково похожи строки 1 и 4" in found.ambiguous


def test_a_lesser_table_below_is_not_taken_for_the_header():
    found = named("staff", STAFF, data(STAFF), [*STAFF[:4], "Телефон"], data(STAFF))
    assert (found.header_row, found.ambiguous) == (1, None)


def test_without_any_known_header_everything_is_missing():
    found = named("organizations", ["один", "два"], ["1", "2"])
    columns = SCHEMAS["organizations"].columns.values()
    assert found.missing == [column.title for column in columns if not column.nullable]
    assert 0 < len(found.missing) < len(ORGANIZATIONS)
    assert found.header_row == 1 and found.ambiguous is None


def test_an_empty_sheet_has_no_header():
    found = name_columns("staff", Sheet("Кадры", 1, pd.DataFrame()), REGION)
    assert found.header_row == 0 and found.positions == {}
    assert "Фамилия" in found.missing


def test_numbers_of_items_in_the_records_are_no_header():
    rows = [["1"] * 4 + ["1", "2", "1", "2", "3"] for _ in range(5)]
    found = named("responses", ANSWERS, *rows)
    assert (found.header_row, found.ambiguous) == (1, None)
    assert found.positions["3"] == 8


# --- what is named --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "agreed", "written"),
    [
        ("staff", "Дата рождения", "Дата рожд."),
        ("staff", "Дата рождения", "Д.р."),
        ("staff", "Дата рождения", "Дата рождения (дд.мм.гггг)"),
        ("staff", "Фамилия", "Фaмилия"),  # with a Latin a
        ("staff", "Фамилия", "фамилия:"),
        ("staff", "Фамилия", "«Фамилия»*"),
        ("staff", "Педагогический стаж, лет", "Стаж"),
        ("staff", "Педагогический стаж, лет", "Стаж (полных лет)"),
        ("staff", "Педагогический стаж, лет", "Пед.стаж"),
        ("staff", "Квалификационная категория", "Кв. категория"),
        ("staff", "Дата приёма", "дата приема"),
        ("employment", "Код организации", "Место работы"),
        ("employment", "Код организации", "ОО"),
        ("employment", "Код организации", "Школа¹"),
        ("employment", "Муниципальное образование", "МО"),
        ("employment", "Муниципальное образование", "MO"),  # all Latin
        ("employment", "Муниципальное образование", "Муниципаль- ное образование"),
        ("employment", "Муниципальное образование", "Муниципальное образование (район)"),
        ("employment", "Муниципальное образование", "Район"),
        ("organizations", "ШНОР", "ШНОР (да/нет)"),
        ("scores", "Балл", "Балл (макс. 20)"),
        ("scores", "Балл", "Балл1"),
        ("scores", "Балл", "Балл, %"),
        ("scores", "Балл", "Набранный балл"),
        ("scores", "Балл", "raw_score"),
        ("scores", "Максимальный балл", "Макс. балл"),
        ("scores", "Максимальный балл", "Макс.балл"),
        ("scores", "Максимальный балл", "Максимальное кол‑во баллов"),
        ("scores", "Компетенция", "Компетенция/блок"),
        ("scores", "Компетенция", "Блок компетенций"),
        ("scores", "Этап", "Этап (входная/выходная)"),
        ("scores", "Дата", "Дата прохождения"),
        ("responses", "1", "Задание 1"),
        ("responses", "1", "№ 1"),
        ("responses", "1", "В1"),
        ("items", "Номер в форме", "№ задания"),
        ("forms", "Надёжность", "Надежность (альфа Кронбаха)"),
    ],
)
def test_a_header_is_understood(table, agreed, written):
    place = AGREED[table].index(agreed)
    header = [*AGREED[table][:place], written, *AGREED[table][place + 1 :]]
    usual, found = (named(table, row, data(row)) for row in (AGREED[table], header))
    assert found.positions == usual.positions
    assert found.unknown == [] and found.header[place] == written


@pytest.mark.parametrize(
    ("table", "agreed", "written"),
    [
        ("staff", "Педагогический стаж, лет", "Общий стаж"),
        ("staff", "Педагогический стаж, лет", "Стаж (общий)"),
        ("staff", "Дата рождения", "Год рождения"),
        ("staff", "Дата аттестации", "Дата"),
        ("staff", "Дата аттестации", "Дата (аттестации или приёма)"),
        ("scores", "Балл", "Очки"),
        ("scores", "Балл", "Результат"),
        ("scores", "Этап", "Компетентность"),
    ],
)
def test_a_doubtful_header_is_not_understood(table, agreed, written):
    header = [written if title == agreed else title for title in AGREED[table]]
    found = named(table, header, data(header))
    assert agreed in [*found.missing, *found.absent]
    assert found.unknown == [header.index(written)]


def test_an_agreed_header_goes_before_a_synonym():
    header = [*EMPLOYMENT, "Место работы"]
    found = named("employment", header, data(header))
    assert found.positions["organization_id"] == EMPLOYMENT.index("Код организации")
    assert found.unknown == [len(EMPLOYMENT)] and found.repeated == []
    assert found.nearest == {len(EMPLOYMENT): "Код организации"}


def test_two_synonyms_of_one_column_are_repeated():
    header = [*replaced(EMPLOYMENT, Код_организации="Школа"), "ОО"]
    assert named("employment", header, data(header)).repeated == ["Код организации"]


def test_an_unknown_column_is_named_with_the_nearest_one():
    header = [*replaced(SCORES, Максимальный_балл="Максимальнй бал"), "Прочее", None]
    found = named("scores", header, data(header))
    assert found.unknown == [10, 12, 13]  # the last has values and no header
    assert found.nearest == {10: "Максимальный балл"}
    assert found.missing == ["Максимальный балл"]


def test_a_column_without_header_and_values_is_nothing():
    header = [*SCORES, None]
    assert named("scores", header, data(SCORES)).unknown == []


@pytest.mark.parametrize("written", ["№", "№ п/п", "п/п", "N п/п", "№№ п.п.", "№ п.п"])
def test_numbers_of_rows_are_left_aside_silently(written):
    found = named("staff", [written, *STAFF], ["1", *data(STAFF)])
    assert found.ignored == [0] and found.unknown == []
    assert found.missing == []


# --- the full name --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written", ["ФИО", "Ф.И.О.", "Ф. И. О. педагога", "Фамилия, имя, отчество", "ФИО (полностью)"]
)
def test_a_full_name_stands_for_its_parts(written):
    found = named("staff", [written, *STAFF[3:]], data(STAFF[2:]))
    assert found.full_name == 0
    assert found.missing == [] and found.absent == []
    assert not set(PERSON_HEADERS[:3]) & set(found.positions)


def test_the_parts_of_a_name_go_before_the_full_name():
    found = named("staff", ["ФИО", *STAFF], data([*STAFF, ""]))
    assert found.full_name is None and found.ignored == [0]
    assert found.positions["Фамилия"] == 1


def test_a_full_name_goes_before_some_of_its_parts():
    found = named("staff", ["ФИО", "Отчество", *STAFF[3:]], data(STAFF))
    assert found.full_name == 0 and found.ignored == [1]
    assert "Отчество" not in found.positions and found.missing == []


# --- personal data --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("СНИЛС", "СНИЛС"),
        ("Номер СНИЛС педагога", "СНИЛС"),
        ("Моб. телефон", "телефон"),
        ("Тел.", "телефон"),
        ("e-mail", "электронная почта"),
        ("Эл. почта", "электронная почта"),
        ("Паспорт (серия, номер)", "паспорт"),
        ("Адрес регистрации", "адрес"),
        ("ИНН", "ИНН"),
        ("Диагноз", "здоровье"),
        ("ФИО директора", "имя человека"),
        ("Телевидение", None),
        ("Примечание", None),
        (None, None),
    ],
)
def test_personal_data_are_known_by_the_header(header, kind):
    assert kind_of(header, pd.Series(["х", None], dtype="str")) == kind


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["112-233-445 95", "087-654-303 00", None], "СНИЛС"),
        (["+7 (913) 123-45-67", "89131234567", "нет"], "телефон"),
        (["a.b@example.org", "c@example.ru"], "электронная почта"),
        (["9504 123456", "95 04 123457"], "паспорт"),
        (["500100732259", "500100732259"], "ИНН"),
        (["Королёва Анна Петровна", "Сидорова А. И."], "имя человека"),
        (["500100732258", "123456789012"], None),  # check digits differ
        (["12,5", "89131234567", "7", "8"], None),  # not most of them
        ([None, None], None),
    ],
)
def test_personal_data_are_known_by_most_cells(cells, kind):
    assert kind_of("Прочее", pd.Series(cells, dtype="str")) == kind


def test_personal_columns_are_told_by_kind_and_only_where_nobody_asked():
    header = [*STAFF, "Контакт", "СНИЛС"]
    found = named("staff", header, [*data(STAFF), "+79131234567", None])
    assert found.personal == {9: "телефон", 10: "СНИЛС"}
    assert found.unknown == [9, 10]
    assert "9131234567" not in repr(found)


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "allowed", "expected"),
    [
        ("Абкан", ["Абаза", "Абакан", "Сорск"], ["Абакан", "Абаза"]),
        (
            "МБОУ СОШ №1",
            ["МБОУ «СОШ № 11»", "МБОУ «СОШ № 1»"],
            ["МБОУ «СОШ № 1»", "МБОУ «СОШ № 11»"],
        ),
        ("K99", ["Предметные", "Методические"], []),
        ("", ["Абакан"], []),
    ],
)
def test_the_nearest_words_come_first(word, allowed, expected):
    assert nearest(word, allowed) == expected


def test_no_more_words_than_asked_for_are_offered():
    assert len(nearest("СОШ 5", [f"СОШ {n}" for n in range(20)])) == 3
    assert nearest("СОШ 5", [f"СОШ {n}" for n in range(20)], 1) == ["СОШ 5"]


@pytest.mark.parametrize(
    ("column", "table", "word", "code"),
    [
        ("wave", "scores", "вх.", "entry"),
        ("wave", "scores", "выходная диагностика", "exit"),
        ("position", "employment", "учитель", "teacher"),
        ("position", "employment", "директор", "manager"),
        ("role", "methodists", "куратор", "curator"),
        ("status", "routes", "в работе", "running"),
        ("level", "events", "школьный", "organization"),
        ("position", "programmes", "управленческие кадры", "manager"),
    ],
)
def test_words_for_codes_are_understood(defined, column, table, word, code):
    words = vocabulary(defined.region, table)[column]
    assert words[word] == code
    offered = list(coded(table)[column].values())
    assert [*words][: len(offered)] == offered


@pytest.mark.parametrize("word", ["первая", "1", "итоговая", "тьютор"])
def test_doubtful_words_for_codes_are_not_understood(defined, word):
    assert word not in vocabulary(defined.region, "scores")["wave"]
    assert word not in vocabulary(defined.region, "employment")["position"]


# --- what must not be lost ------------------------------------------------------------------------


def sorted_one(*sheets: Sheet):
    return sort_sheets([Workbook("а.xlsx", list(sheets))], {"а.xlsx": ""}, REGION)


def test_records_above_the_header_refuse_the_sheet():
    person = ["Иванов", "Иван", None, "01.02.1980"]
    found = sorted_one(sheet(person, person, STAFF, data(STAFF), name="Сотрудники"))
    (told,) = found.problems
    assert told["meaning"].endswith("похожие на данные: строки 1, 2")
    assert len(found.refused_rows) >= 2 and found.pieces == {"staff": []}


def test_titles_above_the_header_are_no_records():
    numbers = [str(n) for n in range(1, len(STAFF) + 1)]
    titles = [["Сведения за год"], ["Район:", "Абакан"], ["на", None, None, "а"], numbers]
    assert named("staff", *titles, STAFF, data(STAFF)).above == ()


def test_sheets_with_the_names_of_ours_are_skipped_by_their_content():
    ours = sheet(["Заголовок"], ["№", "Лист", "Ячейка", "Что найдено"], name="Замечания")
    hidden = replace(sheet(["да"], ["нет"], name="Списки"), is_hidden=True)
    assert is_no_table(ours) and is_no_table(hidden)
    for name in ("Замечания", "Списки"):
        (told,) = sorted_one(sheet(STAFF, data(STAFF), name=name)).problems[:1]
        assert told["kind"] == "sheet"


def test_the_likest_of_many_words_is_found_at_once():
    words = [f"МБОУ «Средняя общеобразовательная школа № {n}»" for n in range(600)]
    began = time.perf_counter()
    for n in range(100):
        assert nearest(f"МБОУ «Средняя общеобразовательная школа № {n} »", words, 1) == [words[n]]
    assert time.perf_counter() - began < 2


def test_a_sheet_of_strange_columns_is_sorted_at_once():
    header = [f"Странный столбец {n}" for n in range(900)]
    began = time.perf_counter()
    assert sorted_one(sheet(header, data(header), data(header))).problems
    assert time.perf_counter() - began < 10
