"""What the documents plan, and whom and what they list by name."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from shown_sections import shown

from dashboards.sections.subjects import section
from nmc_utils import figures, findings
from nmc_utils.editions import Edition, Period
from nmc_utils.measures.dictionary import check_measures, is_sensitive
from nmc_utils.measures.document_lists import (
    NO_LISTS,
    NO_PLAN_YEAR,
    NO_PLANS,
    document_lists,
    document_plans,
)
from nmc_utils.measures.mentoring import mentoring_contests
from nmc_utils.measures.published_facts import LATER
from nmc_utils.regions import read_region
from nmc_utils.results import stage

CHECKOUT = Path(__file__).parents[1]
PLACE = {"document": "regulation_2023", "section": "раздел 3"}


@pytest.fixture
def told(root):
    """Return an edition whose documents say this."""

    def edition(**system) -> Edition:
        parts = {name: [entry | PLACE for entry in entries] for name, entries in system.items()}
        path = root / "regions" / "khakassia" / "system.yaml"
        path.write_text(yaml.safe_dump(parts, allow_unicode=True), "utf-8")
        return Edition(
            region=read_region(root, "khakassia"),
            period=Period.parse("2023"),
            origin="demonstration",
            as_of="2023-06-30",
            status="draft",
            root=root,
        )

    return edition


def _text(sentence):
    return sentence.replace("\u00a0", " ")


def test_plans_stand_by_years_those_without_one_last(told):
    edition = told(
        plans=[
            {"id": "later", "year": 2024, "what": "Потом"},
            {"id": "always", "what": "Всегда"},
            {"id": "first", "year": 2023, "what": "Сначала"},
            {"id": "too", "year": 2024, "what": "Тоже потом"},
        ]
    )
    plans = check_measures(document_plans(edition))
    assert plans["plan_id"].tolist() == ["first", "later", "too", "always"]
    assert plans["year"].tolist() == ["2023", "2024", "2024", NO_PLAN_YEAR]
    short = edition.region.document("regulation_2023").short
    assert set(plans["source"]) == {f"{short}, раздел 3"}
    assert _text(findings.document_plans(plans)) == (
        "Вне дорожной карты документы называют 4 намерения: на 2023 год — 1, на 2024 год — 2, "
        "год не указан — 1. Сведений о том, что из этого сделано, не внесено."
    )


LISTS = {
    "contests": [
        {"id": "one", "name": "Первый", "held": "ноябрь 2023 года", "nominations": ["а", "б"]}
        | {"ends_on": "2023-11-30"},
        {"id": "two", "name": "Второй", "held": "2024 год", "ends_on": "2024-12-31"},
    ],
    "low_performing_in": [
        {"municipality": "tashtypsky", "year": 2023},
        {"municipality": "askizsky", "year": 2023},
    ],
    "communities": [{"id": "x", "name": "Ассоциация <учителей>"}],
}


def test_names_stand_by_lists_and_places_in_the_official_order(told):
    named = check_measures(document_lists(told(**LISTS)))
    assert named["list"].tolist() == ["communities", *["low_performing_in"] * 2, *["contests"] * 2]
    assert named["name"].tolist() == [
        "Ассоциация <учителей>",
        "Аскизский район",
        "Таштыпский район",
        "Первый",
        "Второй",
    ]
    assert named["held"].tolist()[1:] == ["2023 год", "2023 год", "ноябрь 2023 года", "2024 год"]
    assert named["note"].tolist()[3:] == ["номинации: а; б", LATER]
    assert named["note"].isna().sum() == 3
    assert _text(findings.document_lists(named)) == (
        "Документы называют поимённо: профессиональные сообщества — 1, муниципалитеты, где есть "
        "ШНОР — 2 (2023 год), конкурсы — 1; после периода издания — ещё 1."
    )


def test_documents_that_list_nothing_say_so(told):
    edition = told()
    for table, why in ((document_plans(edition), NO_PLANS), (document_lists(edition), NO_LISTS)):
        check_measures(table)
        assert table[["status", "note"]].to_numpy().tolist() == [["no_data", why]]
        assert "total" not in table.astype(str).to_numpy(), "a list shows no code"
    assert findings.document_plans(document_plans(edition)) == (
        "Вне дорожной карты документы региона ничего не намечают."
    )
    assert findings.document_lists(document_lists(edition)) == (
        "Поимённо документы региона никого не перечисляют."
    )


def test_both_tables_may_be_public(told):
    edition = told(plans=[{"id": "first", "what": "Дело"}], **LISTS)
    for table in (document_plans(edition), document_lists(edition)):
        assert not is_sensitive(table)
        assert stage("told", table, public=True) is table


def test_the_section_shows_the_names_of_the_run(told):
    figures.use("bokeh")
    edition = told(**LISTS)
    title = "Кого и что документы называют поимённо"
    assert "nmc run khakassia/2023" in shown(section, edition, {}).partition(title)[2]
    html = shown(section, edition, {"document_lists": document_lists(edition)})
    assert "Ассоциация &lt;учителей&gt;" in html and "Таштыпский район" in html
    none = document_lists(told())
    assert "никого не перечисляют" in shown(section, edition, {"document_lists": none})


def _real(period: str, region: str = "khakassia") -> Edition:
    return Edition(
        region=read_region(CHECKOUT / "data", region),
        period=Period.parse(period),
        origin="demonstration",
        as_of=f"{period}-12-31",
        status="draft",
        root=CHECKOUT / "data",
    )


def test_an_edition_does_not_tell_what_documents_of_a_later_year_say():
    """2022: one contest was held; places, communities, plans of 2023's documents came later."""
    named, plans = document_lists(_real("2022")), document_plans(_real("2022"))
    now = named[~named["is_later"].astype(bool)]
    assert now["held"].tolist() == ["ноябрь 2022 года"]
    assert named.loc[named["is_later"].astype(bool), "note"].str.startswith(LATER).all()
    assert _text(findings.document_lists(named)).startswith(
        "Документы называют поимённо: конкурсы — 1; после периода издания — ещё "
    )
    assert set(plans.loc[~plans["is_later"].astype(bool), "year"]) == {"2023"}
    assert plans["told"].isna().all(), "what became of them was told in 2023"
    assert "2024" not in findings.document_plans(plans)


def test_a_contest_held_twice_is_one_name_and_a_plan_says_what_became_of_it():
    named, plans = document_lists(_real("2023")), document_plans(_real("2023"))
    said = _text(findings.document_lists(named))
    assert "муниципалитеты, где есть ШНОР — 5 (2023 год)" in said
    assert "конкурсы — 3 (проведений — 4)" in said
    told = plans.set_index("plan_id")["told"].dropna()
    assert set(told.index) == {"mentoring_workshop", "mentoring_contest"}
    assert "О 2 намерениях документ говорит, что сделано;" in _text(findings.document_plans(plans))


def test_a_plan_up_to_a_year_is_not_one_for_that_year():
    said = _text(findings.document_plans(document_plans(_real("2023", "kostroma"))))
    assert "до 2024 года — 5" in said and "на 2024" not in said


def test_a_contest_that_records_lack_stands_with_what_the_document_says():
    events = pd.DataFrame(
        {"held_on": pd.to_datetime([]), "kind": [], "direction": [], "title": [], "works": []}
    )
    said = findings.mentoring_contests(mentoring_contests({"events": events}, _real("2023")))
    assert "нет; по документам состоялся: «Эффективные практики наставничества» — ноябрь 2023" in (
        said
    )
