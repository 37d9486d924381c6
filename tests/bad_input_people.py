"""Bad inputs: people and keys; files of another year, region or municipality."""

from __future__ import annotations

import re
from datetime import date

from bad_input_makers import (
    ALL,
    LATIN,
    REFUSED,
    SCHOOL,
    YO,
    Case,
    Says,
    about_person,
    below,
    both,
    column,
    extra,
    held,
    last_year,
    lost,
    named_school,
    other_place,
    personal,
    put,
    same_person,
    small_place,
)
from bad_inputs import (
    BAD,
    person,
    score,
    work,
)

_NEW = "Велижанина"  # surname of the person in rows 6 and 7 of the results
#: Rows of a municipality with three teachers besides those of `BAD`.
_PLUS_SMALL = {"staff": 3, "employment": 3, "organizations": 1, "scores": 6}

CASES = [
    # --- persons and keys -------------------------------------------------------------------------
    Case(
        "B33",
        below("Результаты", score(person(2), "Предметные", 15)),
        (Says("Такая же", "Результаты!A50", kind="superseded", found="A6"),),
        extra("scores", superseded=1),
    ),
    Case(
        "B34 another score",
        below("Результаты", score(person(2), "Предметные", 9)),
        held("с разными данными", "Результаты!A6", "Результаты!A50", found="A6.*A50"),
        {"scores": (47, 2, 0, 0)},
    ),
    Case(
        "B34 two municipalities",
        below("Места работы", work(person(2), "101", "Абакан")),
        held("несколько основных", "'Места работы'!I4", "'Места работы'!I26", remedy="."),
        {"employment": (23, 2, 0, 0)},
    ),
    Case(
        "B34 part-time work in another municipality is no mistake",
        below("Места работы", work(person(2), "101", "Абакан", "нет")),
        counts={"employment": (25, 0, 0, 0)},
        stored={"employment.municipality": ["abakan"]},
    ),
    Case(
        "B35",
        same_person([*person(2)[:2], "Юриевна", person(2)[3]], "007"),
        (
            Says("один человек", "Сотрудники!A4", kind="note", remedy="."),
            Says("один человек", "Сотрудники!A26", kind="note", remedy="."),
        ),
        {"staff": (25, 0, 0, 0), "employment": (25, 0, 0, 0), "scores": (50, 0, 0, 0)},
        stored={
            "staff.birth_year": [1967],
            "employment.organization_id": ["007"],
            "scores.raw_score": [5.0, 6.0],
        },
    ),
    Case(
        "B36 007 and 7",
        both(
            below("Организации", [7, "Абаза", "школа", "нет", "да", "нет", "нет"]),
            put({"Места работы!E2": 7}),
        ),
        counts={"organizations": (3, 0, 0, 0)},
        stored={"organizations.organization_id": ["7"], "employment.organization_id": ["7"]},
    ),
    Case(
        "B36 long numbers",
        put({"Места работы!E2": 12345678901234567890, "Места работы!E3": "1,23E+19"}),
        held("(?i)эксп|округл|потеря|числ", "'Места работы'!E2", "'Места работы'!E3"),
        lost("employment", 2),
    ),
    Case(
        "B37",
        put({"Результаты!A6": None, "Результаты!D8": None}),
        held("Не заполнен столбец «Фамилия»", "Результаты!A6")
        + held("Не заполнен столбец «Дата рождения»", "Результаты!D8"),
        lost("scores", 2),
    ),
    Case(
        "B38",
        lambda sent: sent.put({"Результаты!A6": _NEW.translate(LATIN)}),
        (Says("латин", kind="note|corrected", found=r"\b6\b"),),
        secrets=(_NEW.translate(LATIN),),
    ),
    Case(
        "B38 in the register and in words",
        lambda sent: sent.put(
            {
                "Сотрудники!A4": person(2)[0].translate(LATIN),
                "Места работы!F4": "Aбaза",
                "Результаты!I6": "Прeдметные",
            }
        ),
        (
            Says("латин", kind="note|corrected", found=r"\b4\b", times=0),
            Says("латин", kind="note|corrected", times=None),
        ),
    ),
    Case(
        "B39",
        both(
            same_person(YO, "007"),
            put({"Результаты!A50": "Семенова", "Результаты!B51": "Алена"}),
        ),
        (),
        {"staff": (25, 0, 0, 0), "employment": (25, 0, 0, 0), "scores": (50, 0, 0, 0)},
        stored={
            "staff.birth_year": [1981],
            "employment.organization_id": ["007"],
            "scores.raw_score": [5.0, 6.0],
        },
    ),
    Case(
        "B40",
        put(
            {
                "Результаты!A6": f"\u00a0{_NEW}\u200b",
                "Результаты!B6": "\ufeffСветлана  ",
                "Результаты!I7": "Методи\u00adческие",
                "Результаты!J8": "\u00a03\u2009",
                "Места работы!F4": "  Абаза ",
            }
        ),
        (
            Says("пробел", kind="corrected", found=r"\b4\b"),
            Says("пробел", kind="corrected", found=r"\b1\b"),
        ),
    ),
    Case(
        "B42 spellings",
        named_school(SCHOOL, 'МБОУ "СОШ №1"', "мбоу «сош № 1»", "МБОУ  “СОШ № 1”"),
        (
            Says("записан", kind="corrected", found="4, 6, 8"),
            Says("пробел", kind="corrected", times=None),
        ),
        stored={
            "organizations.organization_id": [SCHOOL],
            "employment.organization_id": [SCHOOL] * 12,
        },
    ),
    Case(
        "B42 unknown",
        both(named_school(SCHOOL), put({"Места работы!E2": "МБОУ «СОШ № 2»"})),
        held("рганизаци", "'Места работы'!E2", remedy=re.escape(SCHOOL)),
        lost("employment", 1),
        stored={
            "organizations.organization_id": [SCHOOL],
            "employment.organization_id": [SCHOOL] * 11,
        },
    ),
    Case(
        "B44",
        both(
            same_person(["NA", "None", "null", date(1970, 2, 3)], "007"),
            put({f"Сотрудники!F{n}": v for n, v in enumerate(["NA", "None", "null", "nan"], 2)}),
        ),
        (),
        {"staff": (25, 0, 0, 0), "employment": (25, 0, 0, 0), "scores": (50, 0, 0, 0)},
        stored={
            "staff.education": ["NA", "None", "null", "nan", "высшее"],
            "employment.organization_id": ["007"],
            "scores.raw_score": [5.0, 6.0],
        },
    ),
    # --- another year, region, municipality -------------------------------------------------------
    Case(
        "B60 dates of last year",
        column("Результаты", "L", lambda value: date(2022, 4, 10)),
        (Says("2022", kind="stranger", remedy="."),),
        **REFUSED,
    ),
    Case(
        "B60 the explanation names another edition",
        lambda sent: sent.books.update(
            {BAD: {"Пояснение": [["Издание: khakassia/2022"]]} | sent.books[BAD]}
        ),
        (Says("2022", kind="stranger", remedy="."),),
        **REFUSED,
    ),
    Case(
        "B60 the same file lies in last year's folder",
        last_year,
        (Says(r"2022.*Абаза\.xlsx|Абаза\.xlsx.*2022", kind="stranger", remedy="."),),
        **REFUSED,
    ),
    Case(
        "B62 another region",
        other_place("Майминский район"),
        (Says("другого региона", kind="stranger", remedy="."),),
        **REFUSED,
    ),
    Case(
        "B62 another municipality",
        other_place("Саяногорск"),
        (Says("Саяногорск", kind="stranger", remedy="."),),
        **REFUSED,
    ),
    Case(
        "B63",
        small_place,
        counts={table: (ALL[table][0] + n, 0, 0, 0) for table, n in _PLUS_SMALL.items()},
        stored={
            "staff.experience_years": [3, 4, 5],
            "employment.municipality": ["sorsk"] * 3,
            "organizations.organization_id": ["301"],
            "scores.max_score": [20.0] * 6,
        },
        missing=("Саяногорск",),
    ),
    Case(
        "B64",
        both(
            below("Организации", ["013", "Абаза", "школа", "нет", "да", "нет", "нет"]),
            put({"Места работы!E2": "013"}),
        ),
        counts={"organizations": (3, 0, 0, 0)},
        stored={"organizations.organization_id": ["013"], "employment.organization_id": ["013"]},
    ),
    Case(
        "B65",
        personal,
        tuple(
            Says("(?i)личн", f"Сотрудники!{letter}1", kind="column", remedy="Удалите")
            for letter in "JKLMN"
        ),
        secrets=("112-233", "913 555", "dom@", "9512 34", "диабет"),
    ),
    Case(
        "B66",
        about_person,
        (Says("не предусмотрен", kind="sheet"),),
        {"": (0, 0, 0, 0)},
        file=r"файл № \d\.xlsx",
    ),
]
