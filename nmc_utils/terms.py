"""Codes that all parts share, and the words of the documents and workbooks for them."""

from __future__ import annotations

TOTAL = "total"  #: the `domain` of the whole test and the `municipality` of the whole region
WHOLE_TEST = "Весь тест"
WORST = "worst"  #: the `domain` of a person's lowest competence, where a document cuts by domain
UNSTATED = "unstated"  #: the `municipality` or `family` of who has none in the tables

EVERY_YEAR = "ежегодно"  #: the `period` of a published fact or target of each year
NO_DUE = "без срока"  #: the `period` of a target that no document dates
NO_YEAR = "без года"  #: the `period` of another fact that no document dates

#: Stands on everything that is made from simulated records.
DEMONSTRATION = "Демонстрационные данные: не сведения о регионе"

#: Canonical tables and what the workbooks call them.
TABLE_TITLES = {
    "staff": "Сотрудники",
    "employment": "Места работы",
    "organizations": "Организации",
    "procedures": "Процедуры",
    "forms": "Формы",
    "scores": "Результаты",
    "responses": "Ответы",
    "items": "Задания",
    "methodists": "РМА",
    "aggregates": "Сводные числа",
    "published": "Опубликованные факты",
}
#: One file may list the organisations of everybody: that makes nobody reported.
REGISTER = "organizations"
#: Words of a workbook for the codes of a column, where the two differ.
WAVES = {"entry": "входная", "exit": "выходная"}
ROLES = {
    "curator": "куратор",
    "head": "руководитель",
    "tutor": "тьютор ЦНППМ",
    "coordinator": "координатор в муниципальном образовании",
    "methodist": "региональный методист",
}
POSITIONS = {"teacher": "педагог", "manager": "руководитель"}
#: What a region may count itself instead of sending records; and the numbers of its indicators.
COUNTS = {"tested": "прошли диагностику", "level_share": "получили результат уровня"}
CODED: dict[str, dict[str, str]] = {"wave": WAVES, "role": ROLES, "position": POSITIONS}
#: Tables of open resources, which an indicator may count, and the key of what is counted once.
COUNTED = {
    "staff": "person_id",
    "employment": "person_id",
    "organizations": "organization_id",
    "methodists": "methodist_id",
}


def of_places(some: int, all_: int) -> str:
    """Write «11 из 13 муниципальных образований»."""
    one = all_ % 10 == 1 and all_ % 100 != 11
    word = "муниципального образования" if one else "муниципальных образований"
    return f"{some} из {all_} {word}"


def plural_of(count: int, one: str, few: str, many: str) -> str:
    """Choose the word that stands after a number: 1 «группа», 3 «группы», 12 «групп»."""
    tens, ones = abs(count) % 100, abs(count) % 10
    if 10 < tens < 20 or ones == 0 or ones > 4:
        return many
    return one if ones == 1 else few
