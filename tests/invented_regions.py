"""Two regions that no code knows, made of YAML and workbooks alone.

One has other competences, three levels of the whole test, a municipality that never reports and a
procedure sent as counts; the other sends counts and nothing else.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import yaml
from intake_books import (  # fmt: skip
    AGGREGATES,
    EMPLOYMENT,
    FORMS,
    METHODISTS,
    ORGANIZATIONS,
    PROCEDURES,
    SCORES,
    STAFF,
    workbook,
)

MUNICIPALITIES = {"shore": "Приморский округ", "hill": "Нагорный район", "wood": "Лесной район"}
SILENT = {"far": "Дальний район"}
DOMAINS = {"practice": "Практика урока", "care": "Забота о классе", "texts": "Работа с текстом"}
LEVELS = [
    {"code": "base", "name": "базовый уровень", "having": "с базовым уровнем", "up_to": 0.4},
    {"code": "firm", "name": "уверенный уровень", "having": "с уверенным уровнем", "up_to": 0.8},
    {"code": "master", "name": "мастерский уровень", "having": "с мастерским уровнем"},
]
N_EACH = 40  #: persons of a municipality
MAX = 10  #: points of a competence
#: Level → persons of «outer» by municipality, as the region counted them.
COUNTED = {"base": (12, 9, 4), "firm": (30, 35, 30), "master": (8, 6, 16)}


def definition(code: str) -> dict:
    """The definition of a region of this code, as ``region.yaml`` has it."""
    families = {"words": ("Словесность", "словесность"), "numbers": ("Счёт", "счёт")}
    return {
        "code": code,
        "name": f"Край «{code}»",
        "name_genitive": f"Края «{code}»",
        "center": "ЦНППМ края",
        "identity": "name_and_birth",
        "municipalities": [
            {"code": place, "name": name, "kind": "район"}
            for place, name in (MUNICIPALITIES | SILENT).items()
        ],
        "domains": [
            {"code": domain, "name": name, "block": name} for domain, name in DOMAINS.items()
        ],
        "families": [
            {"code": family, "name": name, "subjects": [subject]}
            for family, (name, subject) in families.items()
        ],
        "diagnostics": {
            "cut_basis": "total",
            "cut_basis_note": "Уровень — это уровень всего теста.",
            "levels": LEVELS,
            "routes": ["наставник", "курсы"],
            "routes_note": "какому уровню какой маршрут, не установлено",
        },
        "documents": [{"id": "order", "short": "Приказ края", "title": "Приказ о мониторинге"}],
        "indicators": [
            {
                "id": "sites",
                "name": "Стажировочные площадки края",
                "unit": "count",
                "comparator": ">=",
                "formula_origin": "расчёт системы",
                "targets": [{"year": 2023, "value": 2, "document": "order", "section": "п. 1"}],
                "variants": [
                    {
                        "code": "all",
                        "name": "все площадки",
                        "numerator": {
                            "label": "площадки",
                            "metric": "sites_number",
                            "count": {
                                "table": "organizations",
                                "where": {"is_internship_site": True},
                            },
                        },
                    }
                ],
            }
        ],
        "unpublished_metrics": ["sites_number"],
    }


def person(place: int, number: int) -> list:
    """Name and birthday of one of the invented people."""
    surname = "Абвгдежзик"[place] + "дзюб" + "абвгдежзик"[number % 10] + "ва"
    given = ["Анна", "Вера", "Зоя", "Инна"][number // 10]
    return [surname.capitalize(), given, "Олеговна", date(1980, 1 + place, 1 + number % 28)]


def points(place: int, number: int) -> list[int]:
    """Points of a person in each competence."""
    return [(number * step + 3 * place) % (MAX + 1) for step in (1, 3, 7)]


def _municipality(place: int, code: str, name: str, wave: str = "входная") -> dict[str, list[list]]:
    staff, work, scores = [STAFF], [EMPLOYMENT], [SCORES]
    for number in range(N_EACH):
        who = person(place, number)
        subject = ["словесность", "счёт"][number % 2]
        staff.append([*who, 10, None, None, None, None])
        work.append([*who, f"{code}-1", name, "педагог", subject, "да", 1, None, None])
        for title, raw in zip(DOMAINS.values(), points(place, number), strict=True):
            scores.append([*who, "own", wave, 1, "F", title, raw, MAX, date(2023, 3, 1)])
    counts = [
        ["outer", None, "получили результат уровня", None, level["name"], name]
        + [COUNTED[level["code"]][place], 50, date(2023, 5, 1), None]
        for level in LEVELS
    ]
    counts.append(
        ["outer", None, "прошли диагностику", None, None, name, 50, None, date(2023, 5, 1), None]
    )
    organization = [f"{code}-1", name, "школа", "нет", "нет", "да", "нет"]
    return {
        "Сотрудники": staff,
        "Места работы": work,
        "Организации": [ORGANIZATIONS, organization],
        "Результаты": scores,
        "Сводные числа": [AGGREGATES, *counts],
    }


_PROCEDURES = [
    PROCEDURES,
    ["own", "ЦНППМ края", None, "1", None, "по заявкам школ", None],
    ["outer", "Внешний оператор", None, None, None, None, None],
]


def _center() -> dict[str, list[list]]:
    methodists = [
        [*person(place, number), "региональный методист", subject, None, None, None, 3]
        + [None, None, None]
        for place, number, subject in [(0, 0, "словесность"), (1, 1, "счёт")]
    ]
    forms = [["F", "own", title, None, MAX, MAX, 0.7, "отчёт"] for title in DOMAINS.values()]
    return {
        "Процедуры": _PROCEDURES,
        "Формы": [FORMS, *forms],
        "РМА": [METHODISTS, *methodists],
    }


def _municipalities(**how: str) -> dict[str, dict[str, list[list]]]:
    return {
        name: _municipality(place, code, name, **how)
        for place, (code, name) in enumerate(MUNICIPALITIES.items())
    }


def write_fourth(root: Path) -> None:
    """Write the definition and workbooks of the region with three of four municipalities."""
    _write(root, "fourth", _municipalities() | {"ЦНППМ": _center()})


def write_odd(root: Path) -> None:
    """Write a region tested at the exit alone, and one that sent people and no results.

    Of the second one municipality has sent a sheet of results of which no row can be accepted.
    """
    exits = _municipalities(wave="выходная")
    for book in exits.values():
        del book["Сводные числа"]
    _write(root, "exits", exits | {"ЦНППМ": _center()})
    people = _municipalities()
    for place, book in enumerate(people.values()):
        del book["Сводные числа"]
        if place:
            del book["Результаты"]
        else:
            book["Результаты"] = [
                SCORES,
                *[[*row[:9], "?", *row[10:]] for row in book["Результаты"][1:]],
            ]
    _write(root, "people", people | {"ЦНППМ": _center()})


def write_counts_only(root: Path) -> None:
    """Write a region whose only workbook holds counts of the whole region."""
    counts = [
        ["outer", None, "получили результат уровня", None, level["name"], None]
        + [sum(COUNTED[level["code"]]), 150, date(2023, 5, 1), "Приказ края"]
        for level in LEVELS
    ]
    counts += [
        ["outer", None, "прошли диагностику", None, None, None, 150, 900, date(2023, 5, 1), None],
        [None, None, "площадки", None, None, None, 3, None, date(2023, 12, 1), "Приказ края"],
    ]
    center = {"Процедуры": [_PROCEDURES[0], _PROCEDURES[2]], "Сводные числа": [AGGREGATES, *counts]}
    _write(root, "numbers", {"ЦНППМ": center})


def _write(root: Path, code: str, books: dict[str, dict[str, list[list]]]) -> None:
    home = root / "regions" / code
    folder = home / "2023"
    folder.mkdir(parents=True)
    text = yaml.safe_dump(definition(code), allow_unicode=True, sort_keys=False)
    (home / "region.yaml").write_text(text, "utf-8")
    headers = "metric,period,value,unit,kind,population,document,locator,bound,label\n"
    (home / "published.csv").write_text(headers, "utf-8")
    about = "origin: demonstration\nperiod_kind: calendar_year\nas_of: 2023-12-31\n"
    (folder / "edition.yaml").write_text(about, "utf-8")
    for name, sheets in books.items():
        (folder / f"{name}.xlsx").write_bytes(workbook(sheets))
