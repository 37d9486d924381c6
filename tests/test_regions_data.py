"""The regions' definitions and published facts against what stands in the documents.

The expected values are typed by hand from the documents.
"""

from __future__ import annotations

import re

import pytest
from conftest import CHECKOUT

from nmc_utils.regions import Region, read_facts, read_region

ROOT = CHECKOUT / "data"
CODES = ("altai", "khakassia", "kostroma")
UNITS = {"чел.", "ед.", "%", "да/нет", "год", "лет", "раз/год", "час."}

#: (metric, period, kind): value, unit, document, bound
EXPECTED = {
    "altai": {
        ("roadmap_from_year", "2021", "target"): ("2021", "год", "regulation_2023", "exact"),
        ("monitoring_from_year", "2023", "target"): ("2023", "год", "regulation_2023", "exact"),
        ("fr_dpp_share", "2024", "target"): ("30", "%", "regulation_2023", "exact"),
        ("mgmt_teams_share", "2024", "target"): ("40", "%", "regulation_2023", "exact"),
        ("shnor_support_share", "без срока", "target"): ("100", "%", "regulation_2023", "exact"),
        ("teachers_per_methodist", "2024", "target"): ("250", "чел.", "regulation_2023", "exact"),
        ("young_support_share", "2024", "target"): ("70", "%", "regulation_2023", "exact"),
        ("mgmt_iom_share", "без срока", "target"): ("5", "%", "regulation_2023", "exact"),
        ("monitoring_frequency", "ежегодно", "target"): (
            "1",
            "раз/год",
            "regulation_2023",
            "exact",
        ),
    },
    "khakassia": {
        ("workforce_total", "2023", "count"): ("11515", "чел.", "monitoring_2023", "exact"),
        ("rma_total", "2023", "count"): ("116", "чел.", "monitoring_2023", "exact"),
        ("rma_methodists", "2023", "count"): ("95", "чел.", "monitoring_2023", "exact"),
        ("teachers_per_methodist", "2023", "actual"): ("99", "чел.", "monitoring_2023", "exact"),
        ("iom_count", "2023", "count"): ("1200", "чел.", "monitoring_2023", "exact"),
        ("diagnostic_cut", "2023", "target"): ("60", "%", "monitoring_2023", "exact"),
        ("mentoring_org_share", "2023", "actual"): ("98", "%", "monitoring_2023", "exact"),
        ("methodists_trained", "2022-2023", "count"): ("71", "чел.", "monitoring_2023", "exact"),
        ("nmm_participants", "2023", "count"): ("300", "чел.", "monitoring_2023", "more than"),
        ("gia_report_sections", "2023", "count"): ("5", "ед.", "monitoring_2023", "exact"),
        ("practices_bank", "2023", "count"): ("48", "ед.", "monitoring_2023", "exact"),
        ("shnor_events", "2023", "derived"): ("7", "ед.", "monitoring_2023", "exact"),
        ("communities", "2023", "derived"): ("12", "ед.", "monitoring_2023", "exact"),
        ("centre_agreements", "2023", "derived"): ("2", "ед.", "monitoring_2023", "exact"),
        ("iom_sections", "2023", "count"): ("4", "ед.", "monitoring_2023", "exact"),
        ("contest_nominations", "2022", "derived"): ("2", "ед.", "mentoring_2022", "exact"),
        ("contest_nominations", "2023", "derived"): ("2", "ед.", "monitoring_2023", "exact"),
        ("contest_team_works", "2022", "count"): ("4", "ед.", "mentoring_2022", "exact"),
        ("contest_peer_works", "2022", "count"): ("20", "ед.", "mentoring_2022", "exact"),
        ("mentoring_project_years", "2022", "count"): ("3", "лет", "mentoring_2022", "exact"),
        ("mentoring_until_year", "2024", "target"): ("2024", "год", "monitoring_2023", "exact"),
        ("course_hours_academy", "2022", "count"): ("36", "час.", "mentoring_2022", "exact"),
        ("fr_dpp_share", "2023", "target"): ("20", "%", "regulation_2023", "exact"),
        ("fr_dpp_share", "2024", "target"): ("30", "%", "regulation_2023", "exact"),
        ("internship_sites", "ежегодно", "target"): ("10", "ед.", "regulation_2023", "exact"),
        ("mentoring_project_schools", "2022", "count"): ("34", "ед.", "mentoring_2022", "exact"),
    },
    "kostroma": {
        ("regional_diagnosed", "2021", "count"): ("1183", "чел.", "slides_2023", "exact"),
        ("regional_diagnosed", "2022", "count"): ("576", "чел.", "slides_2023", "exact"),
        ("fioko_assessed", "2021", "count"): ("139", "чел.", "slides_2023", "exact"),
        ("fioko_assessed", "2022", "count"): ("309", "чел.", "slides_2023", "exact"),
        ("dpp_registry", "2022", "count"): ("5", "ед.", "slides_2023", "exact"),
        ("dpp_expertise", "2022", "count"): ("11", "ед.", "slides_2023", "exact"),
        ("dpp_registry_share", "2021-2023", "actual"): ("67", "%", "slides_2023", "exact"),
        ("dpp_total_registry_share", "без года", "actual"): ("31", "%", "slides_2023", "exact"),
        ("rma_total", "2022", "count"): ("84", "чел.", "slides_2023", "exact"),
        ("teachers_per_methodist", "2022", "actual"): ("85", "чел.", "slides_2023", "about"),
        ("iup_annual", "ежегодно", "count"): ("300", "чел.", "slides_2023", "about"),
        ("internship_annual", "ежегодно", "count"): ("1000", "чел.", "slides_2023", "about"),
        ("contest_share", "ежегодно", "actual"): ("30", "%", "slides_2023", "about"),
        ("events", "2022", "count"): ("128", "ед.", "slides_2023", "exact"),
        ("internship_sites", "без года", "count"): ("46", "ед.", "slides_2023", "exact"),
        ("licence_teachers", "без года", "count"): ("3468", "чел.", "slides_2023", "exact"),
    },
}


@pytest.fixture(scope="module")
def regions() -> dict[str, Region]:
    return {code: read_region(ROOT, code) for code in CODES}


@pytest.fixture(scope="module")
def facts(regions):
    return {code: read_facts(ROOT, region) for code, region in regions.items()}


@pytest.fixture
def number(facts):
    """The number of one fact about what is."""

    def find(region, metric, period):
        table = facts[region]
        found = table[
            (table["metric"] == metric)
            & (table["period"] == period)
            & table["kind"].isin(["actual", "count"])
        ]
        assert len(found) == 1, (region, metric, period)
        return found["number"].iloc[0]

    return find


# --- facts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "key", "said"), [(code, *row) for code in CODES for row in EXPECTED[code].items()]
)
def test_a_fact_stands_as_in_its_document(facts, code, key, said):
    table = facts[code].set_index(["metric", "period", "kind"])
    row = table.loc[[key], ["value", "unit", "document", "bound"]]
    assert [tuple(cells) for cells in row.to_numpy()] == [said]


@pytest.mark.parametrize(("code", "n"), [("altai", 9), ("khakassia", 80), ("kostroma", 57)])
def test_all_published_facts_are_there(facts, code, n):
    table = facts[code]
    assert len(table) == n
    assert not table.duplicated(["metric", "period", "kind"]).any()
    assert set(table["unit"]) <= UNITS


def test_altai_publishes_targets_and_no_actual_number(facts):
    assert facts["altai"]["kind"].value_counts().to_dict() == {"target": 9}


def test_kostroma_sets_no_targets(facts, regions):
    assert set(facts["kostroma"]["kind"]) == {"actual", "count", "derived"}
    assert not any(indicator.targets for indicator in regions["kostroma"].indicators)


def test_shares_of_nobody_named_say_so(facts):
    table = facts["kostroma"].set_index("metric")
    unnamed = ["young_support_share", "mentoring_covered_share", "contest_share"]
    assert set(table.loc[[*unnamed, "iup_annual", "internship_annual"], "population"]) == {
        "не указана"
    }


def test_sums_that_hold(number):
    years = ["2021", "2022", "2023"]
    expertise = [number("kostroma", "dpp_expertise", year) for year in years]
    registry = [number("kostroma", "dpp_registry", year) for year in years]
    roles = ["rma_curator", "rma_head", "rma_tutors", "rma_coordinators", "rma_methodists"]
    rma = [number("khakassia", role, "2023") for role in roles]
    assert (expertise, registry) == ([17, 11, 2], [13, 5, 2])
    assert sum(expertise) == number("kostroma", "dpp_expertise", "2021-2023") == 30
    assert sum(registry) == number("kostroma", "dpp_registry", "2021-2023") == 20
    assert rma == [1, 1, 6, 13, 95]
    assert sum(rma) == number("khakassia", "rma_total", "2023") == 116


@pytest.mark.parametrize(
    ("period", "share"), [("2021", 76), ("2022", 45), ("2023", 100), ("2021-2023", 67)]
)
def test_published_shares_follow_from_published_numbers(number, period, share):
    registry, expertise = (
        number("kostroma", metric, period) for metric in ("dpp_registry", "dpp_expertise")
    )
    assert number("kostroma", "dpp_registry_share", period) == share
    assert round(100 * registry / expertise) == share


@pytest.mark.parametrize("code", CODES)
def test_no_name_of_a_person(code):
    for name in ("region.yaml", "published.csv"):
        text = (ROOT / "regions" / code / name).read_text("utf-8")
        assert not re.search(r"[А-ЯЁ][а-яё]+(овн|евн|ович|евич)(а|е|у|ы|ой|ом|ем)?\b", text), (
            "a patronymic"
        )
        assert not re.search(r"\b[А-ЯЁ]\. ?[А-ЯЁ]\.", text), "initials"


# --- definitions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "n", "first", "last"),
    [
        ("altai", 11, "Горно-Алтайск", "Шебалинский район"),
        ("khakassia", 13, "Абакан", "Ширинский район"),
        ("kostroma", 29, "Кострома", "Шарьинский"),
    ],
)
def test_municipalities_in_their_order(regions, code, n, first, last):
    names = list(regions[code].municipality_names.values())
    assert (len(set(names)), names[0], names[-1]) == (n, first, last)


def test_competences_of_each_document(regions):
    names = {code: list(region.competence_names.values()) for code, region in regions.items()}
    common = ["Предметные", "Методические"]
    assert names["altai"] == [*common, "Психолого-педагогические", "Коммуникативные", "ИТ"]
    assert names["khakassia"] == [*common, "Психолого-педагогические", "Воспитание", "ИКТ"]
    assert names["kostroma"] == common
    for region in regions.values():
        assert [domain.code for domain in region.domains if domain.by_family] == ["subject"]


def test_cuts_and_who_has_set_them(regions):
    cuts = {code: region.diagnostics.cuts for code, region in regions.items()}
    assert cuts["altai"] == cuts["khakassia"] == {"at_or_below": 0.6, "above": 1.0}
    assert cuts["kostroma"] == {"high_deficit": 0.5, "medium_deficit": 0.75, "low_deficit": 1.0}
    unset = "порог не установлен документом, задан в определении региона"
    sources = {code: region.cut_source == unset for code, region in regions.items()}
    assert sources == {"altai": True, "khakassia": False, "kostroma": True}


def test_levels_of_kostroma_are_worded_by_its_slide(regions):
    lowest = regions["kostroma"].diagnostics.lowest
    assert lowest.label == "высокий дефицитарный уровень (дефицитов больше)"
    assert lowest.words == "с высоким дефицитарным уровнем (дефицитов больше)"


def test_routes_only_as_the_documents_give_them(regions):
    of_levels = {
        code: [level.route for level in region.diagnostics.levels]
        for code, region in regions.items()
    }
    assert of_levels == {
        "altai": [None, None],
        "khakassia": ["ИОМ восполнения дефицитов", "ИОМ профессионального развития"],
        "kostroma": [None, None, None],
    }
    diagnostics = regions["kostroma"].diagnostics
    assert diagnostics.routes == (
        "ИОМ",
        "индивидуальный учебный план КПК",
        "стажировка",
        "трансляция опыта",
    )
    assert diagnostics.routes_note.startswith(
        "соответствие уровня и маршрута в документе не установлено"
    )


# --- targets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
def test_no_target_goes_beyond_2024(regions, facts, code):
    years = [
        target.last_year
        for indicator in regions[code].indicators
        for target in indicator.targets
        if target.last_year is not None
    ]
    table = facts[code]
    periods = table.loc[table["kind"] == "target", "period"]
    dated = [int(year) for period in periods for year in re.findall(r"20\d\d", period)]
    assert all(year <= 2024 for year in years + dated)
    assert (max(years, default=None), max(dated, default=None)) == (
        (None, None) if code == "kostroma" else (2024, 2024)
    )


def test_targets_of_altai(regions):
    targets = {
        indicator.id: [(one.first_year, one.last_year, one.value) for one in indicator.targets]
        for indicator in regions["altai"].indicators
    }
    assert targets == {
        "roadmap": [(2021, 2024, True)],
        "monitoring": [(2023, 2024, True)],
        "fr_dpp_share": [(2024, 2024, 0.30)],
        "mgmt_teams_share": [(2024, 2024, 0.40)],
        "shnor_support_share": [(None, None, 1.0)],
        "teachers_per_methodist": [(2024, 2024, 250)],
        "young_support_share": [(2024, 2024, 0.70)],
        "mgmt_iom_share": [(None, None, 0.05)],
    }


# --- demonstrations ------------------------------------------------------------------------------


def test_sizes_of_khakassia_are_the_published_ones(regions, number):
    for period in ("2022", "2023"):
        size = regions["khakassia"].demonstration[period]
        assert size.staff == number("khakassia", "workforce_total", "2023") == 11515
        assert sum(size.methodists.values()) == number("khakassia", "rma_total", "2023") == 116


@pytest.mark.parametrize(("period", "regional", "fioko"), [("2021", 1183, 139), ("2022", 576, 309)])
def test_sizes_of_kostroma_are_the_published_ones(regions, number, period, regional, fioko):
    size = regions["kostroma"].demonstration[period]
    assert size.tested == number("kostroma", "regional_diagnosed", period) == regional
    assert [(one.code, one.tested) for one in size.counted] == [("fioko", fioko)]
    assert number("kostroma", "fioko_assessed", period) == fioko
    assert size.totals_only and not size.item_responses


def test_methodists_are_sent_only_where_they_are_published(regions, number):
    sizes = regions["kostroma"].demonstration
    methodists = number("kostroma", "rma_total", "2022")
    assert sizes["2022"].methodists == {"methodist": methodists} == {"methodist": 84}
    assert sizes["2021"].methodists == {}, "the order on the РМА is of 30.12.2022"
    assert regions["altai"].demonstration["2023"].methodists == {}
    implied = methodists * number("kostroma", "teachers_per_methodist", "2022")
    assert sizes["2021"].staff == sizes["2022"].staff == implied == 7140


@pytest.mark.parametrize("period", ["2021", "2022"])
def test_sites_of_the_demonstration_are_the_published_ones(period):
    region = read_region(CHECKOUT / "data", "kostroma")
    facts = read_facts(CHECKOUT / "data", region).set_index("metric")["number"]
    size = region.demonstration[period]
    assert (size.internship_sites, size.innovation_sites) == (46, 19)
    assert (facts["internship_sites"], facts["rip_count"]) == (46, 19)
