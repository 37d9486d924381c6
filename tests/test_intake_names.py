"""Names stop at intake: identities and their keys, no name in what is written, origins apart."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from datetime import date

import pandas as pd
import pytest
from intake_books import (
    KEY,
    KOROLEVA,
    PERSON,
    STAFF,
    SURNAMES,
    cell_of,
    only,
    staff_row,
    written,
    written_as_text,
)

from nmc_utils.intake import IntakeError, personal, shown, take_in, with_real_names
from nmc_utils.intake.names import Names, rows_with_names
from nmc_utils.intake.pseudonyms import (
    DEMONSTRATION_KEY,
    KeyFileError,
    identities,
    key_for,
    normalise,
)

# --- identities -----------------------------------------------------------------------------------


def persons(*rows: tuple) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=PERSON).astype(dict.fromkeys(PERSON[:3], "str"))
    return frame.assign(**{"Дата рождения": pd.to_datetime(frame["Дата рождения"])})


def test_identity_is_hmac_of_region_name_and_birth():
    message = "khakassia\x1fкоролева\x1fалена\x1fпетровна\x1f1980-01-02"
    expected = hmac.new(KEY, message.encode(), hashlib.sha256).hexdigest()[:20]

    found = identities(persons(("Королёва", "Алёна", "Петровна", "1980-01-02")), "khakassia", KEY)
    assert found.tolist() == [expected]


def test_spellings_of_one_person_are_one_identity():
    same = persons(
        ("Королёва-Штейн", "Алёна", "Петровна", "1980-01-02"),
        ("КОРОЛЕВА - ШТЕЙН", " алена ", "ПЕТРОВНА", "1980-01-02"),
        ("Короле\u0308ва\u2013Штейн", "Алена", "Петровна", "1980-01-02"),
    )
    assert identities(same, "khakassia", KEY).nunique() == 1


@pytest.mark.parametrize("place", range(4))
def test_another_name_date_region_or_key_is_another_identity(place):
    one = ["Королёва", "Алёна", "Петровна", "1980-01-02"]
    other = [*one]
    other[place] = "1980-01-03" if place == 3 else "Другое"
    assert identities(persons(one, other), "khakassia", KEY).nunique() == 2
    assert not identities(persons(one), "altai", KEY).equals(
        identities(persons(one), "khakassia", KEY)
    )
    assert not identities(persons(one), "khakassia", b"x").equals(
        identities(persons(one), "khakassia", KEY)
    )


def test_no_identity_without_surname_given_name_or_birth():
    frame = persons(
        (None, "Анна", "П", "1980-01-02"),
        ("—", "Анна", "П", "1980-01-02"),
        ("Ли", None, "П", "1980-01-02"),
        ("Ли", "Анна", "П", None),
        ("Ли", "Анна", None, "1980-01-02"),
    )
    assert identities(frame, "khakassia", KEY).isna().tolist() == [True] * 4 + [False]


def test_a_dash_is_an_empty_patronymic():
    assert normalise(pd.Series(["—", "-", " "], dtype="str")).tolist() == ["", "", ""]


def test_intake_joins_spellings_across_sheets(sender, books):
    books["abakan.xlsx"]["Результаты"][1][:2] = ["КОРОЛЕВА", "Алена"]
    assert sender.take_in(books).held_out == 0


# --- keys -----------------------------------------------------------------------------------------


def test_key_of_a_demonstration_is_fixed_and_public(sender, books, monkeypatch):
    monkeypatch.setenv("NMC_KEY", str(sender.root / "inside.key"))
    assert key_for(sender.edition) == DEMONSTRATION_KEY
    assert hashlib.sha256(DEMONSTRATION_KEY).hexdigest()[:16] == "50732a7cb710815f"


@pytest.mark.skipif(os.name != "posix", reason="file modes are of POSIX")
def test_key_of_submitted_records_is_made_once_for_the_owner_alone(
    sender, monkeypatch, tmp_path_factory
):
    config = tmp_path_factory.mktemp("config")
    monkeypatch.delenv("NMC_KEY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config))
    monkeypatch.setattr("sys.platform", "linux")

    key = key_for(sender.submitted())
    path = config / "nmc" / "khakassia.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(key) == 32 and key != DEMONSTRATION_KEY
    assert key_for(sender.submitted()) == key


def test_key_inside_the_data_root_is_refused(sender, monkeypatch):
    monkeypatch.setenv("NMC_KEY", str(sender.root / "validated" / "my.key"))
    with pytest.raises(KeyFileError, match="внутри папки данных"):
        key_for(sender.submitted())
    assert not (sender.root / "validated").exists()


@pytest.mark.skipif(os.name != "posix", reason="file modes are of POSIX")
@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ("00" * 32, 0o640, "доступен другим пользователям"),
        ("00" * 8, 0o600, "повреждён"),
        ("не ключ", 0o600, "не читается"),
        ("", 0o600, "повреждён"),
    ],
)
def test_unsafe_or_damaged_key_is_refused(
    sender, monkeypatch, tmp_path_factory, text, mode, message
):
    path = tmp_path_factory.mktemp("keys") / "my.key"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    monkeypatch.setenv("NMC_KEY", str(path))
    with pytest.raises(KeyFileError, match=message):
        key_for(sender.submitted())


# --- no names in what is written ------------------------------------------------------------------


def test_no_name_is_in_anything_written(sender, books):
    scores = books["abakan.xlsx"]["Результаты"]
    scores.append(["Неизвестнова", "Яна", None, date(1970, 1, 1), *scores[1][4:]])
    scores[1][9] = "Сидорова"  # a name where a score belongs
    scores[2][3] = "Королёва"
    books["abaza.xlsx"]["Сотрудники"].append(staff_row(KOROLEVA, experience=3))
    books["abaza.xlsx"]["Сотрудники"][0].append("Петров-Водкин П. П.")
    result = sender.take_in(books)

    assert only(result.problems, cell="Результаты!J2")["found"] == shown.NOT_SHOWN
    for name, text in written_as_text(sender).items():
        for surname in [*SURNAMES, "Алёна", "Ильинична"]:
            assert not re.search(surname, text, re.IGNORECASE), (name, surname)
            assert normalise(pd.Series([surname], dtype="str"))[0] not in text.casefold()


FREE_TEXT = [  # file, sheet, column, a name that must not pass
    ("abaza.xlsx", "Сотрудники", 5, "Сидорова Анна Ильинична"),
    ("abaza.xlsx", "Сотрудники", 6, "сидоровой"),
    ("abakan.xlsx", "Места работы", 7, "математика (Королёва)"),
    ("abaza.xlsx", "Организации", 2, "ИП Сидорова А.И."),
    ("abaza.xlsx", "Организации", 0, "ИП Неизвестнова А. А."),
    ("ЦНППМ.xlsx", "Процедуры", 5, "по списку Сидоровой Анны"),
    ("ЦНППМ.xlsx", "Процедуры", 2, "поручила Неизвестнова Мария Петровна"),
    ("ЦНППМ.xlsx", "Формы", 7, "отчёт А. И. Сидоровой"),
    ("ЦНППМ.xlsx", "РМА", 7, "у Королёвой"),
    ("ЦНППМ.xlsx", "РМА", 12, "№ 5, Грачёв И."),
    ("abaza.xlsx", "Организации", 2, "неизвестнова мария"),
    ("ЦНППМ.xlsx", "Процедуры", 1, "Неизвестнов Олег"),
    ("ЦНППМ.xlsx", "РМА", 12, "приказ, исп. Неизвестнова Мария"),
]


@pytest.mark.parametrize(("file", "sheet", "column", "value"), FREE_TEXT)
def test_a_name_in_free_text_holds_the_row_out(sender, books, file, sheet, column, value):
    books[file][sheet][1][column] = value
    result = sender.take_in(books)

    problem = only(result.problems, cell=cell_of(sheet, column), kind="held_out")
    assert "похоже, имя человека" in problem["meaning"] and problem["found"] == ""
    surname = re.search("[Сс]идоров|Королёв|[Нн]еизвестнов|Грачёв", value)[0]
    for name, text in written_as_text(sender).items():
        assert surname.casefold() not in text.casefold(), name


CONTACTS = [
    "по тел. 8 913 555 44 67",
    "+7 (913) 555-44-67",
    "8(3902)55-44-67",
    "89135554467",
    "913 555-44-67",
    "8.913.555.44.67",
    "тел. 5-54-46",
    "ivanova.m@mail.ru",
    "555-446-789 01",
    "555 446 789 01",
    "СНИЛС 55544678901",
    "паспорт 95 00 554467",
    "9500 554467",
    "ИНН 500100732259",
]
NO_CONTACTS = [
    "приказ № 5 от 01.02.2023",
    "с 8.01.2023 по 12.05.2023",
    "2022-2023 учебный год",
    "протокол 2023 № 123456",
    "8-11 классы, 2022",
    "190001",
    "1901234567",
    "95701000001",
    "телевидение 5",
]


@pytest.mark.parametrize("value", CONTACTS)
def test_contacts_and_numbers_of_documents_are_recognised(value):
    assert personal.is_in(value) and shown.word(value, (), Names()) == shown.NOT_SHOWN
    assert shown.number(value) == shown.day(value) == shown.NOT_SHOWN


@pytest.mark.parametrize("value", NO_CONTACTS)
def test_other_numbers_are_no_contacts(value):
    assert not personal.is_in(value)


def test_eleven_digits_may_be_a_code_but_no_text():
    cells = pd.Series(["89135554467", "ivanova.m@mail.ru"], dtype="str")
    assert personal.rows_with_contacts(cells).tolist() == [True, True]
    assert personal.rows_with_contacts(cells, are_codes=True).tolist() == [False, True]


@pytest.mark.parametrize(
    ("file", "sheet", "column", "value"),
    [
        ("ЦНППМ.xlsx", "Процедуры", 2, "отбор; тел. 8 913 555 44 67, kuz@mail.ru"),
        ("abaza.xlsx", "Организации", 0, "МБОУ СОШ 1, тел. 8 (39047) 5-54-46"),
    ],
)
def test_contacts_in_free_text_hold_the_row_out(sender, books, file, sheet, column, value):
    books[file][sheet][1][column] = value
    problem = only(sender.take_in(books).problems, cell=cell_of(sheet, column), kind="held_out")
    assert "похоже, телефон, почта" in problem["meaning"] and problem["found"] == ""
    for name, text in written_as_text(sender).items():
        assert "kuz@" not in text and "54-46" not in text, name


def named(value: str, own: str | None = None) -> bool:
    surnames = ["Сидорова", "Иванов", "Московский", "Волков", "Ли", "Сорока", "Александров"]
    names = Names.of(
        [pd.Series(surnames, dtype="str")],
        [pd.Series(["Анна", "Александр", "Ильинична"], dtype="str")],
    )
    surname = None if own is None else pd.Series([own], dtype="str")
    return rows_with_names(pd.Series([value], dtype="str"), surname, names).item()


@pytest.mark.parametrize(
    ("value", "own"),
    [
        ("сидоровой", "Сидорова"),
        ("Ивановым", "Иванова"),
        ("Водкина", "Петров-Водкин"),
        ("Ли", "Ли"),
        ("Сидорова, Анна", None),
        ("Сидоровой (Анне)", None),
        ("А.И. Сидорова", None),
        ("СИДОРОВА А И", None),
        ("сидорова а.и.", None),
        ("Волкова С.", None),
        ("Шульц_М.П.", None),
        ("Мария Петровна", None),
        ("Смирнов Олег", None),
        ("СМИРНОВ ОЛЕГ", None),
        ("кузнецова мария", None),
        ("кузнецова мария ивановна", None),
        ("мария ивановна", None),
        ("вера кузнецова", None),
        ("Ким Мария", None),
        ("исп. Смирнова, Ольга", None),
        ("отвечает Павлу Петрову", None),
        ("Домбровская_Анна", None),
        ("имени Пушкина Кузнецова Мария", None),
        ("школа имени Олега Кошевого, отв. Кузнецова Мария", None),
    ],
)
def test_names_are_recognised_in_any_case(value, own):
    assert named(value, own)


@pytest.mark.parametrize(
    ("value", "own"),
    [
        ("Ивановский педагогический колледж", "Иванов"),
        ("г. Иваново", "Иванов"),
        ("сорок часов", "Сорока"),
        ("прошли ли", "Ли"),
        ("СОШ им. Волкова", "Волков"),
        ("Московский государственный университет", None),
        ("Волков 12", None),
        ("Александровская СОШ", "Александров"),
        ("имени Александра Волкова", None),
        ("ХГУ им. Н. Ф. Катанова, г. Абакан", None),
        ("И.О. директора", None),
        ("Вариант А.Б.", None),
        ("Приказ от 01.02.2022 г. Абакан", None),
        ("школа имени Олега Кошевого", None),
        ("школа имени Олега Кошевого", "Кошевой"),
        ("имени Героя Советского Союза Олега Петровича Кошевого", None),
        ("МБОУ «Гимназия имени А. С. Пушкина»", None),
        ("ул. Зои Космодемьянской, 5", None),
        ("Вера", None),
        ("Вера и Надежда", None),
        ("ООО Надежда", None),
        ("МБОУ Надежда", None),
        ("Центр Виктория", None),
        ("Роман в стихах", None),
        ("исторический роман Пушкина", None),
        ("приказ № 5 от 01.02.2023", None),
        ("Республика Марий Эл", None),
        ("г. Владимир Владимирской области", None),
        ("Владимир, Суздаль", None),
        ("г. Артём Приморского края", None),
        ("марка машин", None),
    ],
)
def test_titles_are_not_taken_for_names(value, own):
    assert not named(value, own)


@pytest.mark.parametrize(
    ("sheet", "column", "value", "found"),
    [
        ("Результаты", 9, "у Скоробогатовой М.", shown.NOT_SHOWN),
        ("Результаты", 9, "12 баллов", "12 баллов"),
        ("Результаты", 11, "Скоробогатова", shown.NOT_SHOWN),
        ("Результаты", 11, "1 сентября", "1 сентября"),
        ("Результаты", 8, "Скоробогатова", shown.NOT_SHOWN),
        ("Результаты", 8, "Методичские", "Методичские"),
        ("Результаты", 8, "скоробогатова м.", shown.NOT_SHOWN),
        ("Результаты", 8, "королёвой", shown.NOT_SHOWN),
        ("Результаты", 8, "пение " * 9, shown.NOT_SHOWN),
        ("Места работы", 5, "Абкан", "Абкан"),
        ("Места работы", 4, "Скоробогатова", shown.NOT_SHOWN),
        ("Места работы", 4, "999", "999"),
        ("Места работы", 8, "Анна", shown.NOT_SHOWN),
        ("Результаты", 9, "+7 (913) 123-45-67", shown.NOT_SHOWN),
        ("Результаты", 9, "02.01.1980", shown.NOT_SHOWN),
        ("Результаты", 11, "32.01.1980", shown.NOT_SHOWN),
        ("Результаты", 11, "32.01.2023", "32.01.2023"),
        ("Результаты", 8, "неизвестнова мария ивановна", shown.NOT_SHOWN),
        ("Результаты", 8, "неизвестнова", shown.NOT_SHOWN),
        ("Места работы", 6, "123-456-789 01", shown.NOT_SHOWN),
        ("Места работы", 6, "учитель, kuz@mail.ru", shown.NOT_SHOWN),
        ("Места работы", 6, "дворник", "дворник"),
        ("Места работы", 8, "не знаю", "не знаю"),
        ("Ответы", 6, "Скоробогатова", shown.NOT_SHOWN),
    ],
)
def test_a_problem_repeats_only_what_cannot_be_a_name(sender, books, sheet, column, value, found):
    books["abakan.xlsx"][sheet][1][column] = value
    result = sender.take_in(books)
    assert only(result.problems, cell=cell_of(sheet, column), kind="held_out")["found"] == found


@pytest.mark.parametrize(
    ("title", "found"),
    [("Стаква", "Стаква"), ("Ставка Ли", "столбец L"), ("Скоробогатова", "столбец L")],
)
def test_an_unknown_header_is_repeated_only_if_it_is_a_slip(sender, books, title, found):
    for row in books["abaza.xlsx"]["Места работы"]:
        del row[9]
        row.append(title if row[0] == "Фамилия" else None)
    problems = sender.take_in(books).problems
    assert only(problems, meaning="Столбец не предусмотрен")["found"] == found


def test_a_file_named_after_a_person_goes_by_a_number(sender, books):
    real = "Абаза (прислала Скоробогатова А.А.).xlsx"
    books[real] = books.pop("abaza.xlsx")
    books[real]["Сотрудники"][1][4] = "много"
    books["Усть-Абаканский район, 01.09.2023 (2).xlsx"] = {}
    result = sender.take_in(books)

    digests = json.loads((sender.edition.validated / "sources.json").read_text("utf-8"))["files"]
    content = (sender.folder / real).read_bytes()
    (label,) = [name for name, file in result.files.items() if file == real]
    assert re.fullmatch(r"файл № [1-4]\.xlsx", label)
    assert digests[label] == hashlib.sha256(content).hexdigest()
    assert result.files[label] == real
    assert result.files["abakan.xlsx"] == "abakan.xlsx"
    assert "Усть-Абаканский район, 01.09.2023 (2).xlsx" in digests
    assert label in set(result.conservation["file"]) & set(result.problems["file"])
    for name, text in written_as_text(sender).items():
        assert "коробогатов" not in text, name
    assert with_real_names(f"{label}, Сотрудники!A2", result.files) == f"{real}, Сотрудники!A2"


def test_an_error_names_real_files_on_the_terminal_alone(sender):
    books = {"От Анны.xlsx": {"Сотрудники": [STAFF[1:], staff_row(KOROLEVA)[1:]]}}
    with pytest.raises(IntakeError) as caught:
        sender.take_in(books)
    assert "Анны" not in str(caught.value) and "файл № 1.xlsx" in str(caught.value)
    assert "От Анны.xlsx" in str(caught.value.on_terminal())


# --- demonstration and submitted records are never combined ---------------------------------------


def test_a_demonstration_refuses_a_workbook_without_the_mark(sender, books):
    sender.take_in(books)
    before = written(sender)
    books["abaza.xlsx"]["Пояснение"] = [["Сведения района"]]
    with pytest.raises(IntakeError, match="«abaza.xlsx» нет пометки.*origin: submitted") as caught:
        sender.take_in(books)
    assert written(sender) == before
    lines = caught.value.account.conservation
    assert lines["held_out"].sum() > 0 and lines["accepted"].sum() == 0


def test_a_submitted_edition_refuses_a_workbook_of_a_demonstration(sender, books):
    for file in ("abakan.xlsx", "ЦНППМ.xlsx"):
        books[file]["Пояснение"] = [["Сведения района"]]
    sender.send(books)
    with pytest.raises(IntakeError, match="в «abaza.xlsx» стоит пометка"):
        take_in(sender.submitted(), key=KEY)
    books["abaza.xlsx"]["Пояснение"] = [["Сведения района"]]
    sender.send(books)
    assert take_in(sender.submitted(), key=KEY).held_out == 0
