"""Who an identity is: spellings, own codes, keys, the crosswalk, changes of surname, the term."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from intake_books import KEY, KOROLEVA, PERSON, PETROV, SIDOROVA, staff_row, written_as_text

from nmc_utils.intake import crosswalk, take_in
from nmc_utils.intake.aliases import HEADER, Aliases, aliases_path, read_aliases, with_aliases
from nmc_utils.intake.persons import (
    OWN_CODE,
    mixed_script,
    normalise,
    person_headers,
    required_of_person,
)
from nmc_utils.intake.protected import KeyFileError, key_path
from nmc_utils.intake.pseudonyms import (
    check_key,
    collisions,
    identities,
    key_for,
    probable_duplicates,
)
from nmc_utils.intake.repeats import contradicting
from nmc_utils.regions import Retention

POSIX = pytest.mark.skipif(os.name != "posix", reason="file modes are of POSIX")


@pytest.fixture(autouse=True)
def keys(tmp_path_factory, monkeypatch) -> Path:
    """A folder of keys of one's own, outside every data root."""
    folder = tmp_path_factory.mktemp("keys")
    monkeypatch.setenv("NMC_KEY", str(folder / "my.key"))
    monkeypatch.delenv("NMC_CROSSWALK", raising=False)
    return folder


@pytest.fixture
def submitted(sender, books):
    """An edition whose workbooks do not say that they are a demonstration."""
    for sheets in books.values():
        sheets["Пояснение"] = [["Сведения района"]]
    sender.send(books)
    return sender.submitted()


def persons(*rows: tuple, own_code: bool = False) -> pd.DataFrame:
    headers = [OWN_CODE, *PERSON] if own_code else PERSON
    frame = pd.DataFrame(rows, columns=headers).astype(dict.fromkeys(headers[:-1], "str"))
    return frame.assign(**{PERSON[3]: pd.to_datetime(frame[PERSON[3]])})


def ids_of(*rows: tuple, own_code: bool = False) -> pd.Series:
    return identities(persons(*rows, own_code=own_code), "khakassia", KEY)


# --- spellings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("Ив\u0061н\u006fва", "Иванова"),  # Latin a, o
        ("\u0041бр\u0061м\u006fв", "Абрамов"),
        ("С\u0435м\u00ebнов\u0430", "Семенова"),  # Latin ë
        ("Ива\u200bно\u00adва\ufeff", "Иванова"),
        ("Петров\u00a0\u2011 Водкин", "Петров-Водкин"),
        ("Ива\u0301нова", "Иванова"),  # a mark of stress
    ],
)
def test_look_alike_and_invisible_letters_do_not_make_another_name(sent, meant):
    both = normalise(pd.Series([sent, meant], dtype="str"))
    assert both[0] == both[1]


@pytest.mark.parametrize("name", ["Koroleva", "O'Hara", "Мак-Kay", "Öz"])
def test_a_latin_word_stays_latin(name):
    assert normalise(pd.Series([name], dtype="str"))[0] == name.casefold()


def test_words_of_two_alphabets_are_found():
    cells = pd.Series(["Ив\u0061нова", "Иванова", "Smith", "Мак-Kay", None], dtype="str")
    assert mixed_script(cells).tolist() == [True, False, False, False, False]


# --- own codes ------------------------------------------------------------------------------------


def test_an_own_code_alone_is_the_identity_and_007_is_not_7():
    codes = ids_of(
        ("А-007", "Ли", "Анна", None, "1980-01-02"),
        ("\u0061\u2013007 ", None, None, None, None),  # Latin a, another dash
        ("А-7", "Ли", "Анна", None, "1980-01-02"),
        (None, "Ли", "Анна", None, "1980-01-02"),
        ("—", "Ли", "Анна", None, "1980-01-02"),
        own_code=True,
    )
    assert codes[0] == codes[1] != codes[2]
    assert codes.isna().tolist() == [False] * 3 + [True] * 2
    by_name = ids_of(("Ли", "Анна", None, "1980-01-02"))
    assert by_name[0] not in set(codes)


def test_a_region_with_own_codes_asks_for_the_code_and_once_for_the_date_of_birth(defined):
    own = defined.region.model_copy(update={"identity": "own_code"})
    assert person_headers(own) == ("Личный код", *PERSON)
    assert required_of_person(own, "scores") == ("Личный код",)
    assert required_of_person(own, "staff") == ("Личный код", "Дата рождения")
    assert person_headers(defined.region) == tuple(PERSON)
    assert required_of_person(defined.region, "scores") == ("Фамилия", "Имя", "Дата рождения")


CODES = {"Королёва": "К-007", "Петров-Водкин": "12", "Сидорова": "С1", "Грачёв": "Г"}


def by_own_code(books: dict) -> dict:
    """The same workbooks of a region where people go by its own code; scores hold no names."""
    for sheets in books.values():
        for name, rows in sheets.items():
            if PERSON[0] in rows[0]:
                codes = [OWN_CODE, *(CODES[row[0]] for row in rows[1:])]
                keep = 4 if name == "Результаты" else 0
                sheets[name] = [[c, *row[keep:]] for c, row in zip(codes, rows, strict=True)]
    return books


def test_intake_of_a_region_with_own_codes(submitted, sender, books):
    own = submitted.region.model_copy(update={"identity": "own_code"})
    own = submitted.model_copy(update={"region": own})
    sender.send(by_own_code(books))
    result = take_in(own)
    assert result.held_out == 0, result.problems.to_string()
    found = crosswalk.read(own).set_index("own_code")
    assert found.loc["К-007", "surname"] == "Королёва"
    code = ids_of(("К-007", *KOROLEVA), own_code=True)
    assert code[0] != found.loc["К-007", "person_id"]  # the key of the tests is another one
    scores = pd.read_parquet(own.validated / "scores.parquet")
    assert found.loc["К-007", "person_id"] in set(scores["person_id"])
    assert pd.read_parquet(own.validated / "staff.parquet")["birth_year"].notna().all()

    books["abaza.xlsx"]["Места работы"][1][0] = "К-007"  # the code of somebody else
    sender.send(books)
    problems = take_in(own).problems
    shared = problems[problems["meaning"].eq("Один личный код стоит у разных людей")]
    assert {"abaza.xlsx", "abakan.xlsx"} <= set(shared["file"])


def test_own_codes_without_letters_and_digits_or_with_too_many_hold_their_rows_out(
    submitted, sender, books
):
    own = submitted.region.model_copy(update={"identity": "own_code"})
    own = submitted.model_copy(update={"region": own})
    rows = by_own_code(books)["abakan.xlsx"]["Результаты"]
    for row, code in zip(rows[1:], ("—", "???", 1234567890123456.0), strict=True):
        row[0] = code
    sender.send(books)
    result = take_in(own)
    assert result.held_out == 3
    problems = result.problems[result.problems["kind"].eq("held_out")].set_index("cell")["meaning"]
    nothing = "В столбце «Личный код» нет ни букв, ни цифр"
    assert problems["Результаты!A2"] == problems["Результаты!A3"] == nothing
    assert "последние его цифры потеряны" in problems["Результаты!A4"]


def test_people_that_nobody_can_tell_are_not_one_person():
    rows = pd.DataFrame({"person_id": [None, None, "a", "a", "b"], "rate": [1, 2, 1, 2, 1]})
    assert contradicting(rows, ["person_id"]).tolist() == [False, False, True, True, False]
    rows = rows.rename(columns={"person_id": "subject"})
    assert contradicting(rows, ["subject"]).tolist() == [True] * 4 + [False]


@pytest.mark.parametrize("none", [None, "", "-", "—", "нет", "Б/О", "отсутствует"])
def test_who_has_no_patronymic_is_one_person_however_it_is_said(none):
    frame = persons([*KOROLEVA[:2], none, KOROLEVA[3]], [*KOROLEVA[:2], None, KOROLEVA[3]])
    ids = identities(frame, "khakassia", KEY)
    assert ids.nunique() == 1 and ids.notna().all()
    assert not collisions(frame, ids).any() and probable_duplicates(frame, ids).isna().all()


def test_one_code_of_two_people_is_a_collision_and_a_name_left_out_is_not():
    frame = persons(
        ("1", "Ли", "Анна", None, "1980-01-02"),
        ("1", None, None, None, None),
        ("1", "ЛИ", "Анна", "Ивановна", None),
        ("2", "Ли", "Анна", None, None),
        ("2", "Королёва", "Анна", None, None),
        (None, "Ли", "Анна", None, None),
        own_code=True,
    )
    ids = identities(frame, "khakassia", KEY)
    assert collisions(frame, ids).tolist() == [False, False, False, True, True, False]


def test_two_people_under_one_identity_collide():
    frame = persons(KOROLEVA, ["КОРОЛЕВА", *KOROLEVA[1:]], SIDOROVA, PETROV)
    ids = pd.Series(["a", "a", "b", "b"], dtype="str")
    assert collisions(frame, ids).tolist() == [False, False, True, True]
    assert not collisions(frame, identities(frame, "khakassia", KEY)).any()


def test_probable_duplicates_are_told_by_group_and_never_merged():
    frame = persons(
        KOROLEVA,
        [*KOROLEVA[:2], None, KOROLEVA[3]],
        [*KOROLEVA[:2], "Павловна", KOROLEVA[3]],
        [*KOROLEVA[:3], date(1981, 1, 2)],
        SIDOROVA,
        SIDOROVA,
    )
    ids = identities(frame, "khakassia", KEY)
    groups = probable_duplicates(frame, ids)
    assert groups.fillna(-1).tolist() == [0, 0, 0, -1, -1, -1]
    assert ids.nunique() == 5


def test_one_person_under_two_own_codes_is_a_probable_duplicate():
    frame = persons(("1", *KOROLEVA), ("2", *KOROLEVA), ("3", *SIDOROVA), own_code=True)
    ids = identities(frame, "khakassia", KEY)
    assert probable_duplicates(frame, ids).fillna(-1).tolist() == [0, 0, -1]
    assert probable_duplicates(frame[2:], ids[2:]).isna().all()


# --- the key --------------------------------------------------------------------------------------


def test_another_key_is_noticed_before_anything_is_written(submitted, keys):
    take_in(submitted)
    before = {path: path.read_bytes() for path in submitted.validated.iterdir()}
    (keys / "my.key").write_text("0f" * 32, "ascii")
    with pytest.raises(KeyFileError, match="ключ не тот.*Верните прежний файл ключа.*удалите пап"):
        take_in(submitted)
    assert {path: path.read_bytes() for path in submitted.validated.iterdir()} == before


def test_a_key_that_is_gone_is_not_replaced_silently(submitted, keys):
    take_in(submitted)
    (keys / "my.key").unlink()
    with pytest.raises(KeyFileError, match="ключа региона нет"):
        take_in(submitted)
    assert not (keys / "my.key").exists()


@pytest.mark.parametrize("is_left", ["tables", "crosswalk"])
def test_tables_or_crosswalk_alone_tell_the_key(submitted, keys, is_left):
    take_in(submitted)
    if is_left == "tables":
        crosswalk.path_of(submitted).unlink()
    else:
        (submitted.validated / "sources.json").write_text("{", "utf-8")
    with pytest.raises(KeyFileError, match="ключ не тот"):
        check_key(submitted, b"another key")
    check_key(submitted, key_for(submitted))


def test_a_demonstration_and_submitted_records_do_not_disturb_each_other(
    submitted, sender, tmp_path, monkeypatch, books, keys
):
    monkeypatch.setenv("NMC_CROSSWALK", str(keys / "people"))
    take_in(submitted)
    for sheets in books.values():
        del sheets["Пояснение"]
    sender.send(books)
    take_in(sender.edition)  # in the same root, in place of the submitted one
    check_key(submitted, key_for(submitted))
    names = sorted(path.name for path in crosswalk.path_of(submitted).parent.iterdir())
    assert names == ["2023.demonstration.parquet", "2023.parquet"]


# --- the crosswalk --------------------------------------------------------------------------------


def test_the_crosswalk_tells_who_an_identity_is(submitted):
    take_in(submitted)
    found = crosswalk.read(submitted).set_index("person_id")
    staff = pd.read_parquet(submitted.validated / "staff.parquet")
    assert set(staff["person_id"]) <= set(found.index)
    code = identities(persons(KOROLEVA), "khakassia", key_for(submitted))[0]
    assert found.loc[code, ["surname", "given", "patronymic"]].tolist() == KOROLEVA[:3]
    assert found.loc[code, "born"].date() == KOROLEVA[3]
    names, is_unknown = crosswalk.full_names(pd.Series([code, "f" * 20, None]), found.reset_index())
    assert names[:2].tolist() == ["Королёва Алёна Петровна", f"{'f' * 20} ({crosswalk.UNKNOWN})"]
    assert is_unknown.tolist() == [False, True, False]


def test_the_same_records_give_the_same_crosswalk_whatever_their_order(submitted, sender, books):
    take_in(submitted)
    first = crosswalk.path_of(submitted).read_bytes()
    books["abakan.xlsx"]["Сотрудники"][1:] = books["abakan.xlsx"]["Сотрудники"][:0:-1]
    sender.send(books)
    take_in(submitted)
    assert crosswalk.path_of(submitted).read_bytes() == first


def test_a_demonstration_has_a_crosswalk_only_where_it_is_asked_for(
    sender, books, keys, monkeypatch
):
    sender.take_in(books)
    assert not crosswalk.path_of(sender.edition).exists()
    monkeypatch.setenv("NMC_CROSSWALK", str(keys / "people"))
    sender.take_in(books)
    assert len(crosswalk.read(sender.edition)) == 4


@POSIX
def test_the_crosswalk_is_for_its_owner_alone(submitted):
    take_in(submitted)
    path = crosswalk.path_of(submitted)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["2023.parquet"]

    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="доступна другим пользователям. Выполните: chmod 600"):
        take_in(submitted)
    path.chmod(0o600)
    path.parent.chmod(0o755)
    with pytest.raises(KeyFileError, match="chmod 700"):
        take_in(submitted)


def test_a_crosswalk_inside_the_data_root_is_refused_before_anything_is_written(
    submitted, monkeypatch
):
    monkeypatch.setenv("NMC_CROSSWALK", str(submitted.root / "people"))
    with pytest.raises(KeyFileError, match="внутри папки данных.*NMC_CROSSWALK"):
        take_in(submitted)
    assert not submitted.validated.exists() and not (submitted.root / "people").exists()


@pytest.mark.parametrize("content", [None, b"", b"PAR1 half of a file"])
def test_a_lost_or_damaged_crosswalk_does_not_stop_intake(submitted, content):
    take_in(submitted)
    path = crosswalk.path_of(submitted)
    whole = path.read_bytes()
    if content is None:
        path.unlink()
        assert crosswalk.read(submitted) is None
    else:
        path.write_bytes(content)
        with pytest.raises(crosswalk.CrosswalkError, match="повреждена. Выполните nmc check khak"):
            crosswalk.read(submitted)
    take_in(submitted)
    assert path.read_bytes() == whole


def test_the_metadata_of_the_crosswalk_hold_no_key(submitted, keys):
    take_in(submitted)
    about = str(pq.read_schema(crosswalk.path_of(submitted)).metadata)
    assert (keys / "my.key").read_text("ascii").strip() not in about


# --- changes of surname ---------------------------------------------------------------------------


def write_aliases(edition, *rows: str, header: str = ";".join(HEADER), mode: int = 0o600) -> Path:
    path = aliases_path(edition.region.code)
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    path.chmod(mode)
    return path


def test_aliases_lie_beside_the_key():
    assert aliases_path("khakassia") == key_path("khakassia").with_name("khakassia.aliases.csv")


def test_a_chain_of_surnames_ends_at_the_first(submitted):
    write_aliases(
        submitted,
        "Третья;Анна;Ильинична;01.06.1975;Вторая",
        "Вторая;Анна;Ильинична;1975-06-01;Сидорова",
        "",
        "Вторая;Анна;Ильинична;1.6.1975;СИДОРОВА",
    )
    aliases = read_aliases(submitted, KEY)
    third, second, first = (
        identities(persons([name, *SIDOROVA[1:]]), "khakassia", KEY)
        for name in ("Третья", "Вторая", "Сидорова")
    )
    unknown = pd.Series([None, "f" * 20], dtype="str")
    found = with_aliases(pd.concat([third, second, first, unknown]), aliases).tolist()
    assert found[:3] == [first[0]] * 3 and pd.isna(found[3]) and found[4] == "f" * 20
    assert len(aliases.digest) == 64
    assert read_aliases(submitted.model_copy(update={"origin": "demonstration"}), KEY) == Aliases()


def test_intake_keeps_the_identity_under_a_new_surname(submitted, sender, books):
    before = take_in(submitted)
    codes = set(pd.read_parquet(submitted.validated / "staff.parquet")["person_id"])
    books["abaza.xlsx"]["Сотрудники"][1] = staff_row(["Новая", *SIDOROVA[1:]], 30)
    sender.send(books)
    write_aliases(submitted, "Новая;Анна;Ильинична;01.06.1975;Сидорова")
    after = take_in(submitted)
    assert set(pd.read_parquet(submitted.validated / "staff.parquet")["person_id"]) == codes
    assert after.held_out == before.held_out == 0
    sources = json.loads((submitted.validated / "sources.json").read_text("utf-8"))
    assert sources["aliases"] == read_aliases(submitted, b"").digest
    assert all("Новая" not in text for text in written_as_text(sender).values())


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["Новая;Анна;;01.06.1975"], "строка 2: полей 4, а нужно 5"),
        (["Новая;Анна;;31.02.1975;Сидорова"], "строка 2: дата рождения не распознана"),
        (["Н;А;;01.06.1975;С", ";Анна;;01.06.1975;Сидорова"], "строка 3: не заполнен .*«Фамилия»"),
        (["Сидорова;Анна;;01.06.1975;СИДОРОВА"], "строка 2: прежняя фамилия та же"),
        (["А;Анна;;01.06.1975;Б", "Б;Анна;;01.06.1975;А"], "строка [23]: .*по кругу"),
        (["А;Анна;;01.06.1975;Б", "А;Анна;;01.06.1975;В"], "строка 3: .*другая прежняя фамилия"),
        (['"Новая;Анна;;01.06.1975;Сидорова'], "кавычки не закрыты"),
    ],
)
def test_a_wrong_row_is_named_by_its_line_and_not_repeated(submitted, rows, message):
    write_aliases(submitted, *rows)
    with pytest.raises(KeyFileError, match=message) as caught:
        read_aliases(submitted, KEY)
    assert "Анна" not in str(caught.value) and "Сидорова" not in str(caught.value)


@POSIX
def test_an_unsafe_or_foreign_file_of_aliases_is_refused(submitted, monkeypatch):
    path = write_aliases(submitted, mode=0o644)
    with pytest.raises(KeyFileError, match="смен фамилий доступен другим"):
        read_aliases(submitted, KEY)
    path.chmod(0o600)
    path.write_bytes("Фамилия;Имя".encode("cp1251"))
    with pytest.raises(KeyFileError, match="строка 1: это не UTF-8"):
        read_aliases(submitted, KEY)
    write_aliases(submitted, header="Фамилия;Имя")
    with pytest.raises(KeyFileError, match="строка 1: заголовки не те"):
        read_aliases(submitted, KEY)


# --- the term of retention ------------------------------------------------------------------------


def with_term(edition, months: int):
    retention = Retention(months=months, basis="Положение, пункт 7")
    region = edition.region.model_copy(update={"retention": retention})
    return edition.model_copy(update={"region": region})


def test_nothing_is_purged_without_a_term_or_before_it(submitted):
    take_in(submitted)
    with pytest.raises(crosswalk.RetentionError, match="срок хранения не задан.*retention"):
        crosswalk.purge(submitted, date(2050, 1, 1))
    with pytest.raises(crosswalk.RetentionError, match=r"истекает 30\.06\.2024.*пункт 7"):
        crosswalk.purge(with_term(submitted, 6), date(2024, 6, 29))
    assert crosswalk.read(submitted) is not None and not crosswalk.is_purged(submitted)


def test_a_purged_edition_gets_neither_crosswalk_nor_responses_again(submitted):
    take_in(submitted)
    removed = crosswalk.purge(with_term(submitted, 6), date(2024, 6, 30))
    assert removed == [crosswalk.path_of(submitted), submitted.validated / "responses.parquet"]
    result = take_in(submitted)
    assert crosswalk.read(submitted) is None
    assert not (submitted.validated / "responses.parquet").exists()
    assert "scores" in result.tables and "responses" not in result.tables
    assert result.problems["meaning"].str.contains("Срок хранения ответов").sum() == 1
    assert crosswalk.purge(with_term(submitted, 6), date(2024, 7, 1)) == []
