"""Codes that all parts share, and the words of the documents and workbooks for them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

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
    "routes": "ИОМ",
    "route_measures": "Мероприятия ИОМ",
    "programmes": "Программы",
    "completions": "Обучение",
    "teams": "Управленческие команды",
    "mentoring": "Наставничество",
    "support": "Поддержка молодых",
    "events": "Мероприятия",
    "attendance": "Участие",
    "agreements": "Соглашения",
    "acts": "Акты",
    "registries": "Реестры",
    "roadmap": "Дорожная карта",
    "recommendations": "Рекомендации",
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
#: Which of the two individual routes a result leads to.
ROUTE_KINDS = {
    "deficit": "ИОМ восполнения дефицитов",
    "development": "ИОМ профессионального развития",
}
#: Where an event of a route takes place; the first is filled in by the person alone.
ROUTE_LEVELS = {
    "personal": "личностный",
    "organization": "уровень ОО",
    "municipal": "муниципальный",
    "regional": "региональный",
}
#: How far a route or a mentoring pair has come.
STAGES = {
    "drawn_up": "составляется",
    "running": "реализуется",
    "done": "завершено",
    "stopped": "прекращено",
}
#: How far a measure of the roadmap or a recommendation has come.
PROGRESS = {
    "planned": "не начато",
    "running": "выполняется",
    "partly": "выполнено частично",
    "done": "выполнено",
    "not_done": "не выполнено",
}
PROGRAMME_BASES = {
    "center": "ЦНППМ",
    "institute": "институт",
    "innovation_site": "региональная инновационная площадка",
    "academy": "Академия Минпросвещения России",
    "licence": "лицензионный договор",
    "other": "другая организация",
}
MENTORING_FORMS = {
    "teachers": "педагог – педагог",
    "managers": "руководитель – руководитель",
    "teams": "команда – команда",
}
#: Levels of the system, as an event or a subject of the system has them.
LEVELS = {
    "organization": "организация",
    "municipal": "муниципальный",
    "regional": "региональный",
    "federal": "федеральный",
}
EVENT_KINDS = {
    "seminar": "семинар",
    "webinar": "вебинар",
    "workshop": "мастерская",
    "conference": "конференция",
    "contest": "конкурс",
    "internship": "стажировка",
    "community": "работа сообщества",
    "consultation": "консультация",
    "meeting": "совещание",
}
#: What an event serves, as the documents divide the support of teachers.
DIRECTIONS = {
    "deficits": "восполнение дефицитов",
    "horizontal": "горизонтальное обучение",
    "standards": "обновлённые ФГОС и оценивание",
    "young": "молодые педагоги",
    "mentoring": "наставничество",
    "low_performing": "поддержка ШНОР",
    "contests": "участники конкурсов",
    "gifted": "одарённые дети",
    "disability": "дети с ОВЗ",
    "attestation": "выходящие на аттестацию",
    "burnout": "профессиональное выгорание",
    "experts": "эксперты и проверка работ",
    "practices": "лучшие практики",
    "managers": "управленческие кадры",
    "system": "управление системой",
}
AGREEMENT_KINDS = {"tripartite": "трёхстороннее", "cooperation": "о сотрудничестве"}
#: Kind of an entry of a register → one entry, and what the register holds.
REGISTRY_KINDS = {
    "expert": "эксперт",
    "practice": "практика",
    "mentor": "наставник",
    "community": "сообщество",
    "internship_site": "стажировочная площадка",
    "innovation_site": "инновационная площадка",
}
REGISTERS = {
    "expert": "эксперты",
    "practice": "практики",
    "mentor": "наставники",
    "community": "сообщества",
    "internship_site": "стажировочные площадки",
    "innovation_site": "инновационные площадки",
}
ADDRESSEES = {
    "region": "регион",
    "municipality": "муниципальная служба",
    "organization": "организация",
    "methodist": "методист",
}
#: What a region may count itself instead of sending records; and the numbers of its indicators.
COUNTS = {"tested": "прошли диагностику", "level_share": "получили результат уровня"}
#: How far the organisations of a mentoring pair are from each other.
REACHES = {
    "within_organization": "внутри организации",
    "within_municipality": "между организациями муниципалитета",
    "between_municipalities": "между муниципалитетами",
}
#: Two readings of an age of which only the year of birth is known.
READINGS = {
    "strict": "моложе 35 лет наверняка",
    "inclusive": "включая тех, кому 35 исполняется в этом году",
}
#: Which programmes are counted.
CHOICES = {
    "any": "любая программа",
    "chosen": "подобранная по диагностике",
    "in_registry": "из Федерального реестра",
    "chosen_in_registry": "из Федерального реестра и подобранная по диагностике",
}
SITE_KINDS = {"internship": "стажировочные", "innovation": "инновационные"}
#: Of which time a number is.
SPANS = {
    "current": "на дату данных",
    "period": "за период",
    "cumulative": "нарастающим итогом",
}
#: How the staff of a centre are employed.
EMPLOYMENT = {
    TOTAL: "всего",
    "fulltime": "в штате",
    "parttime": "по совместительству",
    "contract": "по договорам гражданско-правового характера",
}
#: What a number on those diagnosed rests on.
GROUNDS = {"recorded": "по записям", "aggregate": "по сводным числам", "published": "опубликовано"}
#: Columns of codes that mean the same in every table.
CODED: dict[str, dict[str, str]] = {"wave": WAVES, "role": ROLES, "position": POSITIONS}
#: Table → columns of codes that are its own.
CODED_IN: dict[str, dict[str, dict[str, str]]] = {
    "routes": {"kind": ROUTE_KINDS, "status": STAGES},
    "route_measures": {"level": ROUTE_LEVELS},
    "mentoring": {"form": MENTORING_FORMS, "status": STAGES},
    "programmes": {"base": PROGRAMME_BASES},
    "events": {"kind": EVENT_KINDS, "level": LEVELS, "direction": DIRECTIONS},
    "agreements": {"kind": AGREEMENT_KINDS},
    "registries": {"kind": REGISTRY_KINDS},
    "roadmap": {"status": PROGRESS},
    "recommendations": {"addressee": ADDRESSEES, "status": PROGRESS},
}


def coded(table: str) -> dict[str, dict[str, str]]:
    """Return column → code → agreed word, for the columns of `table` that hold codes."""
    return CODED | CODED_IN.get(table, {})


#: Columns of another person than the one whose row it is: one cell holds name and date of birth.
OTHER_PERSONS: dict[str, tuple[str, ...]] = {
    "routes": ("methodist_id",),
    "mentoring": ("mentor_id", "mentee_id", "curator_id", "tutor_id"),
    "events": ("leader_id",),
    "registries": ("holder_id",),
}
#: Tables of open resources, which an indicator may count, and the key of what is counted once.
COUNTED = {
    "staff": "person_id",
    "employment": "person_id",
    "organizations": "organization_id",
    "methodists": "methodist_id",
    "routes": "route_id",
    "programmes": "programme_id",
    "completions": "person_id",
    "teams": "organization_id",
    "mentoring": "mentoring_id",
    "support": "person_id",
    "events": "event_id",
    "attendance": "person_id",
    "agreements": "agreement_id",
    "registries": "entry_id",
    "roadmap": "measure_id",
    "recommendations": "recommendation_id",
}


def of_places(some: int, all_: int) -> str:
    """Write «11 из 13 муниципальных образований»."""
    one = all_ % 10 == 1 and all_ % 100 != 11
    word = "муниципального образования" if one else "муниципальных образований"
    return f"{some} из {all_} {word}"


#: How the words of a document stand before a number that it gives only roughly.
BOUNDS = {"exact": "", "about": "около ", "more_than": "более ", "less_than": "менее "}


def decimal(value: float, digits: int = 0) -> str:
    """Write 11515.26 as «11 515,3» (`digits=1`): decimal comma, thin space in thousands."""
    # Half rounds away from zero, as in Russian documents; binary noise is cut off before.
    exact = Decimal(repr(round(abs(float(value)), 9)))
    text = f"{exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):,}"
    text = text.replace(",", "\u202f").replace(".", ",")
    return f"−{text}" if value < 0 and text.strip("0,") else text


def plural_of(count: int, one: str, few: str, many: str) -> str:
    """Choose the word that stands after a number: 1 «группа», 3 «группы», 12 «групп»."""
    tens, ones = abs(count) % 100, abs(count) % 10
    if 10 < tens < 20 or ones == 0 or ones > 4:
        return many
    return one if ones == 1 else few
