"""system.yaml: what it gives of the three regions, and what it refuses by line and name."""

from __future__ import annotations

import re
import shutil
from collections import Counter

import pytest
import yaml
from conftest import CHECKOUT, copy_definitions

from nmc_utils.definitions import DefinitionError
from nmc_utils.editions import edition
from nmc_utils.intake import _sources
from nmc_utils.intake.aliases import Aliases
from nmc_utils.regions import read_region
from nmc_utils.suite import _definition
from nmc_utils.system import (
    FUNCTIONS,
    Act,
    Agreement,
    Community,
    Contest,
    Discrepancy,
    Function,
    LowPerformingIn,
    Plan,
    RoadmapMeasure,
    Subject,
    Sum,
    System,
    read_system,
)

CODES = ("khakassia", "altai", "kostroma")
DATA = CHECKOUT / "data"
ABOUT = "origin: demonstration\nperiod_kind: calendar_year\nas_of: 2023-12-31\n"


@pytest.fixture(scope="module")
def systems() -> dict[str, System]:
    return {code: read_system(DATA, read_region(DATA, code)) for code in CODES}


def subject(system: System, name: str) -> Subject:
    return next(entry for entry in system.subjects if entry.id == name)


def codes(entry: Subject) -> set[str]:
    return {function.code for function in entry.functions}


# --- the three regions ---------------------------------------------------------------------------


def test_all_30_discrepancies_are_there_once_in_each_region(systems):
    known = {code: [entry.id for entry in systems[code].discrepancies] for code in CODES}
    assert set().union(*known.values()) == set(range(1, 31))
    assert Counter(sum(known.values(), [])) == Counter(range(1, 31)) + Counter([14, 15, 18])
    assert known["kostroma"] == [*range(21, 29), 30]


def test_a_discrepancy_of_two_regions_reads_the_same_in_both(systems):
    words: dict[int, set[tuple[str, ...]]] = {}
    for system in systems.values():
        for entry in system.discrepancies:
            told = (entry.title, entry.what, entry.treatment, *entry.places)
            words.setdefault(entry.id, set()).add(told)
    assert all(len(told) == 1 for told in words.values())


def test_the_roadmap_of_khakassia_is_whole(systems):
    measures = {entry.id: entry for entry in systems["khakassia"].roadmap}
    by_direction = Counter(entry.direction for entry in measures.values())
    assert by_direction == {"Направление 1": 11, "Направление 2": 7, "Направление 3": 6}
    assert all(entry.id[0] == entry.direction[-1] for entry in measures.values())
    assert {entry.responsible for entry in measures.values()} == {
        "ЦНППМ",
        "ГАОУ РХ ДПО «ХакИРОиПК»",
    }
    by_institute = [key for key, entry in measures.items() if entry.responsible != "ЦНППМ"]
    assert by_institute == ["1.7", "2.1", "2.2", "2.3", "3.4", "3.5", "3.6"]
    assert not systems["altai"].roadmap and not systems["kostroma"].roadmap


def test_broken_rows_of_the_roadmap_give_20_and_20_then_30_and_40(systems):
    measures = {entry.id: entry for entry in systems["khakassia"].roadmap}
    for key, year, teachers, teams in (("2.1", "2023", 20, 20), ("2.2", "2024", 30, 40)):
        shares = re.findall(r"(\d+) %", measures[key].expected_result)
        assert (measures[key].due, *map(int, shares)) == (year, teachers, teams)
    assert {entry.due for entry in measures.values()} == {"2023", "2024", "ежегодно"}


def test_targets_of_the_roadmap_are_those_of_the_indicators(systems):
    touched = {one for entry in systems["khakassia"].roadmap for one in entry.indicators}
    region = read_region(DATA, "khakassia")
    planned = {
        indicator.id
        for indicator in region.indicators
        if any(target.section == "дорожная карта" for target in indicator.targets)
    }
    assert planned and planned <= touched


def test_the_order_of_khakassia_has_its_four_numbers_and_one_address_twice(systems):
    acts = {act.id: act for act in systems["khakassia"].acts}
    assert set(acts["snms_2023"].numbers) == {"100-476", "100-478", "100-486", "100-4760"}
    assert acts["snms_2023"].numbers[0] == read_region(DATA, "khakassia").document(
        "regulation_2023"
    ).number  # fmt: skip
    assert acts["snms_2023"].address == acts["rma_regulation_2022"].address
    assert acts["snms_2023"].replaces == "snms_2021"
    assert acts["snms_2021"].numbers == ("100-633",)


def test_the_legal_base_differs_by_document(systems):
    numbers = {code: {n for act in systems[code].acts for n in act.numbers} for code in CODES}
    assert {"Р-76", "Р-145", "474", "3273-р"} <= numbers["khakassia"]
    assert {"Р-174", "Р-303", "328", "1278", "474", "3273-р"} <= numbers["altai"]
    assert "Р-76" not in numbers["altai"] and "Р-174" not in numbers["khakassia"]
    assert numbers["kostroma"] == {"2201"}


def test_agreements_are_counted_where_the_documents_count_them(systems):
    counts = [(one.kind, one.count) for one in systems["khakassia"].agreements]
    assert counts == [("tripartite", 13), ("cooperation", 1), ("cooperation", 1)]
    assert [(one.kind, one.count) for one in systems["kostroma"].agreements] == [
        ("tripartite", None)
    ]


def test_who_has_what_can_be_read_across_regions(systems):
    used = {
        code: {one for entry in systems[code].subjects for one in codes(entry)} for code in CODES
    }
    assert set().union(*used.values()) == set(FUNCTIONS)
    for code in CODES:
        assert {"coordinate", "federal_link", "diagnose", "routes", "mentoring"} <= set(
            codes(subject(systems[code], "center"))
        )
    for code in ("khakassia", "kostroma"):  # altai names activists and not what they do
        assert "registry_tutoring" in codes(subject(systems[code], "activists"))
    assert "registry_tutoring" in codes(subject(systems["altai"], "center"))
    assert "young" in codes(subject(systems["kostroma"], "institute"))
    assert "young" not in codes(subject(systems["kostroma"], "center"))
    assert "experts" in codes(subject(systems["altai"], "center"))


def test_functions_of_khakassia_come_from_both_documents_each_with_its_place(systems):
    system = systems["khakassia"]
    given = {
        (entry.id, function.code): entry.source_of(function)
        for entry in system.subjects
        for function in entry.functions
    }
    roadmap = "дорожная карта, направление"
    for key, place in {
        ("center", "routes"): ("regulation_2023", "раздел 3, пункт 3.1.3"),
        ("center", "transfer"): ("monitoring_2023", "вводная часть"),
        ("center", "post_course"): ("regulation_2023", f"{roadmap} 1"),
        ("center", "registry_tutoring"): ("regulation_2023", f"{roadmap} 1"),
        ("institute", "training"): ("regulation_2023", f"{roadmap} 2"),
        ("institute", "internships"): ("regulation_2023", f"{roadmap} 2"),
        ("institute", "innovation"): ("regulation_2023", f"{roadmap} 3"),
        ("institute", "practices"): ("regulation_2023", f"{roadmap} 3"),
    }.items():
        assert given[key] == place, key
    about_staff = "раздел «Характеристика контингента педагогических работников»"
    for key in (
        *(("activists", "inform"), ("activists", "experts"), ("activists", "presenting")),
        ("institute", "low_performing"),
    ):
        assert given[key] == ("monitoring_2023", about_staff), key


def test_communities_places_and_contests_are_those_of_the_documents(systems):
    system = systems["khakassia"]
    assert len(system.communities) == 12
    assert {entry.municipality for entry in system.low_performing_in} == {
        *("tashtypsky", "ordzhonikidzevsky", "askizsky", "bogradsky", "ust_abakansky")
    }
    held = {entry.id: (entry.held, len(entry.nominations)) for entry in system.contests}
    assert held["mentoring_2022"] == ("ноябрь 2022 года", 2)
    assert held["mentoring_2023"] == ("ноябрь 2023 года", 2)
    for code in ("altai", "kostroma"):
        assert not systems[code].communities and not systems[code].contests


def test_levels_are_those_of_the_documents(systems):
    levels = {code: Counter(one.level for one in systems[code].subjects) for code in CODES}
    assert set(levels["khakassia"]) == {"federal", "regional", "municipal", "organization"}
    assert set(levels["altai"]) == {"regional", "municipal", "organization"}
    assert set(levels["kostroma"]) == {"regional", "municipal"}
    silent = {one.id for one in systems["kostroma"].subjects if not one.functions}
    assert {"university", "college_galich", "college_sharya", "communities"} <= silent
    assert {one.since for one in systems["kostroma"].subjects} == {2022, 2023, None}


def test_plans_for_the_next_year_have_a_place(systems):
    years = {code: Counter(plan.year for plan in systems[code].plans) for code in CODES}
    assert years["khakassia"] == {2023: 8, 2024: 7}
    assert years["altai"] == {None: 2}
    assert {(plan.year, plan.until) for plan in systems["kostroma"].plans} == {(None, 2024)}


@pytest.mark.parametrize("code", CODES)
def test_no_name_of_a_person(code):
    text = (DATA / "regions" / code / "system.yaml").read_text("utf-8")
    assert not re.search(r"[А-ЯЁ][а-яё]+(овн|евн|ович|евич)(а|е|у|ы|ой|ом|ем)?\b", text)
    assert not re.search(r"\b[А-ЯЁ]\. ?[А-ЯЁ]\.", text)


# --- reading -------------------------------------------------------------------------------------


def test_a_region_without_the_file_has_an_empty_system(root):
    (root / "regions" / "altai" / "system.yaml").unlink()
    assert read_system(root, read_region(root, "altai")) == System()


def _edition(root, code: str = "khakassia"):
    folder = root / "regions" / code / "2023"
    folder.mkdir()
    (folder / "edition.yaml").write_text(ABOUT, "utf-8")
    return edition(code, "2023", root)


def test_an_edition_knows_its_system_and_its_runs_depend_on_it(root):
    chosen = _edition(root)
    assert len(chosen.system.roadmap) == 24
    before = _definition(chosen)
    path = root / "regions" / "khakassia" / "system.yaml"
    path.write_text(path.read_text("utf-8").replace("Обновлять состав", "Менять состав"), "utf-8")
    after = _definition(chosen)
    assert before.keys() == after.keys()
    assert {key for key in after if after[key] != before[key]} == {"system"}


def test_accepted_tables_name_the_system_among_their_sources(root):
    chosen = _edition(root)
    sources = _sources(chosen, {}, b"key", Aliases())
    assert "system.yaml" in sources["definitions"]
    path = root / "regions" / "khakassia" / "system.yaml"
    path.write_text(path.read_text("utf-8") + "\n", "utf-8")
    assert _sources(chosen, {}, b"key", Aliases())["digest"] != sources["digest"]


def test_an_edition_is_refused_for_a_wrong_system(root):
    path = root / "regions" / "khakassia" / "system.yaml"
    path.write_text("plans: [{id: one, what: Дело, document: none, section: где-то}]\n", "utf-8")
    with pytest.raises(DefinitionError, match="system.yaml, строка 1, .*нет документа «none»"):
        _edition(root)


def test_periods_of_parts_are_those_of_the_total_unless_told():
    alone = Sum(total="all", period="2023", parts=("a", "b"))
    assert alone.part_facts == [("a", "2023"), ("b", "2023")]
    years = Sum(total="all", period="2023", parts=("a",), periods=("2022", "2023"))
    assert years.part_facts == [("a", "2022"), ("a", "2023")]


SUBJECT = "subjects:\n  - {id: one, name: Центр, %s document: regulation_2023, section: раздел 3}\n"
ROAD = (
    "roadmap:\n  - {id: '1', direction: Н1, group: Г, measure: М, responsible: Ц, due: '2023',\n"
    "     expected_result: Р, indicators: [%s], document: regulation_2023, section: карта}\n"
)
KNOWN = "discrepancies:\n  - {id: 1, title: Т, what: Ч, treatment: К, places: [М], %s}\n"
OWN = "level: regional, functions: [routes, {code: %s}],"
NAMES = "%s:\n  - {%s, document: regulation_2023, section: раздел 3}\n"
SUM = "sums:\n  - {total: %s, period: '2023', parts: [%s]}\n"
ACT = "acts:\n  - {id: one, title: Акт, %s document: regulation_2023, section: приказ}\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (SUBJECT % "level: district,", 2, "допустимо: organization, municipal, regional, federal"),
        (SUBJECT % "level: regional, functions: [diagnos],", 2, "нет функции «diagnos»; похоже на "
         "«diagnose»; есть: "),
        (SUBJECT % "level: regional, functions: [routes, routes],", 2, "«routes» повторяется"),
        (SUBJECT % "", 2, "обязателен, но не указан"),
        (SUBJECT % (OWN % "diagnos"), 2, "нет функции «diagnos»; похоже на «diagnose»; есть: "),
        (SUBJECT % (OWN % "routes"), 2, "«routes» повторяется"),
        (SUBJECT % (OWN % "diagnose, document: none"), 2, "нет документа «none»; есть: "),
        (SUBJECT % (OWN % "diagnose, part: 3"), 2, "такого ключа нет"),
        (SUBJECT % "level: regional, functions: [3],", 2, "functions.0"),
        (SUBJECT % "level: regional, functions: routes,", 2, "functions"),
        (NAMES % ("communities", "id: one, name: ''"), 2, "не может быть пустым"),
        (NAMES % ("contests", "id: one, name: К"), 2, "обязателен, но не указан"),
        (NAMES % ("low_performing_in", "municipality: abakn, year: 2023"), 2,
         "нет муниципалитета «abakn»; похоже на «abakan»"),
        (NAMES % ("low_performing_in", "municipality: abakan, year: 2023")
         + "  - {municipality: abakan, year: 2023, document: regulation_2023, section: там}\n", 3,
         "«abakan» за 2023 повторяется"),
        (ROAD % "fr_dpp_shar", 3, "нет показателя «fr_dpp_shar»; похоже на «fr_dpp_share»; есть: "),
        (ROAD % "" + ROAD.partition("\n")[2] % "", 4, "«1» повторяется"),
        (KNOWN % "metrics: [rma_totl]", 2, "нет величины в published.csv «rma_totl»; похоже на "),
        (KNOWN % "indicators: [rodmap]", 2, "нет показателя «rodmap»"),
        (KNOWN % "acts: [other]", 2, "нет акта «other»; есть: ни одной записи"),
        (KNOWN % "checks: [summ]", 2, "«summ» не подходит; допустимо: sum, share, act"),
        (SUM % ("rma_totl", "rma_head"), 2, "нет величины в published.csv «rma_totl»"),
        (SUM % ("rma_total", "contest_team_works"), 2, "«contest_team_works» за 2023 в "
         "published.csv нет; есть: 2022"),
        (SUM % ("fr_dpp_share", "rma_head"), 2, "нет величины в published.csv «fr_dpp_share»"),
        (ACT % "replaces: other,", 2, "нет акта «other»; есть: one"),
        (ACT % "replaces: one,", 2, "«one» отменяет сам себя; назовите прежний акт"),
        (ACT % "dated: 2023-13-01,", 2, "такого дня нет"),
        ("agreements:\n  - {id: one, kind: oral, parties: кто, document: regulation_2023,\n"
         "     section: где}\n", 2, "«oral» не подходит; допустимо: tripartite, cooperation"),
        ("subject: []\n", 1, "такого ключа нет"),
    ],
)  # fmt: skip
def test_mistakes_are_told_by_line_and_with_what_is_allowed(tmp_path, text, line, message):
    root = copy_definitions(tmp_path / "data")
    path = root / "regions" / "khakassia" / "system.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(DefinitionError) as told:
        read_system(root, read_region(root, "khakassia"))
    sentence = str(told.value).splitlines()[0]
    assert sentence.startswith(f"{path}, строка {line}")
    assert message in sentence


def test_a_copy_of_a_region_may_leave_the_file_out(tmp_path):
    """A region of one's own begins with region.yaml and published.csv alone."""
    home = tmp_path / "regions" / "khakassia"
    home.mkdir(parents=True)
    for name in ("region.yaml", "published.csv"):
        shutil.copyfile(DATA / "regions" / "khakassia" / name, home / name)
    assert _edition(tmp_path).system == System()


# --- documents of the project --------------------------------------------------------------------


def test_the_guide_names_every_key():
    text = (CHECKOUT / "docs" / "region.md").read_text("utf-8")
    part = text.partition("## system.yaml")[2].partition("\n## ")[0]
    for model in (
        System,
        Subject,
        Function,
        Community,
        Contest,
        LowPerformingIn,
        Act,
        Agreement,
        RoadmapMeasure,
        Plan,
        Sum,
        Discrepancy,
    ):
        missing = [key for key in model.model_fields if f"`{key}`" not in part]
        assert not missing, f"{model.__name__}: {missing}"


def test_coverage_has_a_part_for_every_document_and_names_every_discrepancy():
    text = (CHECKOUT / "docs" / "coverage.md").read_text("utf-8")
    n_documents = sum(len(read_region(DATA, code).documents) for code in CODES)
    parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert len(parts) == n_documents + 1 and parts[-1] == "Все документы вместе"
    named = re.findall(r"расхождени[ея] (\d+)(?: и (\d+))?", text)
    assert {int(number) for pair in named for number in pair if number} == set(range(1, 31))


def test_every_path_of_the_coverage_exists():
    text = (CHECKOUT / "docs" / "coverage.md").read_text("utf-8")
    named = set(re.findall(r"`([\w./]+/[\w./]+)`", text))
    assert len(named) > 30
    assert not sorted(path for path in named if not (CHECKOUT / path).is_file())


def test_functions_are_those_of_the_doer_that_a_document_names(systems):
    had = {
        (code, one.id): {function.code: function.is_inferred for function in one.functions}
        for code in CODES
        for one in systems[code].subjects
    }
    assert "contests" not in had["altai", "university"], "its contests are for students"
    assert "contests" not in had["kostroma", "institute"], "a caption is no function"
    assert "training" not in had["altai", "quality_center"]
    assert {"monitor", "find_low_performing"} <= set(had["altai", "quality_center"])
    assert (
        had["kostroma", "institute"]["materials"] and "materials" not in had["kostroma", "center"]
    )
    inferred = {code for code, is_inferred in had["kostroma", "center"].items() if is_inferred}
    assert inferred == {"monitor", "analyse", "quality_assessment"}
    levels = {one.id: one.level for one in systems["khakassia"].subjects}
    assert (levels["loiro"], levels["mgppu"]) == ("regional", "federal")


def test_a_plan_has_one_time_and_its_documents_are_known(root):
    path = root / "regions" / "khakassia" / "system.yaml"
    plan = {"id": "x", "what": "y", "year": 2023, "document": "regulation_2023", "section": "1"}
    told = {"what": "z", "document": "nowhere", "section": "1"}
    for wrong, reason in (
        ({"plans": [plan | {"until": 2024}]}, "названы и year, и until"),
        ({"plans": [plan | {"told_by": told}]}, "told_by.document: .*nowhere"),
        ({"document_years": {"nowhere": 2023}}, "document_years.nowhere: .*nowhere"),
    ):
        path.write_text(yaml.safe_dump(wrong, allow_unicode=True), "utf-8")
        with pytest.raises(DefinitionError, match=reason):
            read_system(root, read_region(root, "khakassia"))
