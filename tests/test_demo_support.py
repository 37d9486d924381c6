"""Demonstration tables on support: sizes, references within an edition, order of dates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from conftest import copy_definitions
from demonstrations import CODE, LONG, PERSON, SHORT, Written, other_region

from nmc_utils import demo
from nmc_utils.definitions import DefinitionError
from nmc_utils.editions import edition
from nmc_utils.intake import take_in
from nmc_utils.published import read_published
from nmc_utils.tables import TITLES, load
from nmc_utils.terms import (
    DIRECTIONS,
    LEVELS,
    MENTORING_FORMS,
    PROGRAMME_BASES,
    REGISTRY_KINDS,
    ROLES,
    ROUTE_KINDS,
    ROUTE_LEVELS,
    STAGES,
)

FURTHER = ["routes", "route_measures", "programmes", "completions", "teams", "mentoring", "support"]
FURTHER += ["events", "attendance", "agreements", "acts", "registries", "roadmap"]
FURTHER += ["recommendations"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = copy_definitions(tmp_path_factory.mktemp("support"))
    for code in (CODE, "altai", "kostroma"):
        demo.write(root, code)
    return root


@pytest.fixture(scope="module")
def written(root: Path) -> Written:
    return Written(root)


def _sent(written: Written, period: str) -> set[str]:
    sheets = {name for book in written.sheets(period).values() for name in book}
    return {table for table in FURTHER if TITLES[table] in sheets}


def _named(table: pd.DataFrame) -> pd.Series:
    """People of a table as other persons are told, in one cell."""
    name = table[PERSON[0]] + " " + table[PERSON[1]] + " " + table[PERSON[2]]
    return name + ", " + table[PERSON[3]].dt.strftime("%d.%m.%Y")


def _people(table: pd.DataFrame) -> set[str]:
    return set(_named(table))


# --- what is sent --------------------------------------------------------------------------------


@pytest.mark.long
def test_a_table_without_its_size_is_not_sent(root: Path, written: Written) -> None:
    assert _sent(written, LONG) == set(FURTHER)
    assert set(FURTHER) - _sent(written, SHORT) == {"roadmap"}
    kept = {"routes", "route_measures", "programmes", "completions", "teams", "support"}
    assert _sent(Written(root, "altai"), LONG) == kept | {"events", "attendance"}
    kostroma = Written(root, "kostroma")
    learning = {"programmes", "completions", "teams", "mentoring", "support"}
    assert _sent(kostroma, "2021") == learning
    routes = {"routes", "route_measures", "events", "attendance"}
    assert _sent(kostroma, SHORT) == learning | routes


@pytest.mark.long
def test_sizes_are_those_of_the_region_file(written: Written) -> None:
    size = written.region.demonstration[LONG].support
    routes, pairs = written.table("routes", LONG), written.table("mentoring", LONG)
    levels = written.table("events", LONG)["Уровень мероприятия"].value_counts()
    assert len(routes) == size.routes == written.region.demonstration[LONG].tested
    assert pairs["Форма наставничества"].value_counts().to_dict() == {
        MENTORING_FORMS[form]: n for form, n in size.mentoring.items()
    }
    n_series = sum(series.n for series in size.series)
    assert levels[LEVELS["regional"]] == size.events["regional"] + n_series
    assert levels[LEVELS["municipal"]] == size.events["municipal"]
    teams = written.table("teams", LONG)
    assert len(teams) == written.region.demonstration[LONG].organizations
    assert teams["Команда повысила квалификацию"].notna().sum() == size.teams
    finished = written.table("completions", LONG)
    assert len(finished) == sum(learners.n for learners in size.completions)
    chosen = (finished["Подобрана по диагностике"] == "да").sum()
    assert chosen == sum(learners.chosen for learners in size.completions)
    registry = written.table("registries", LONG)["Реестр"].value_counts()
    assert {kind: registry[REGISTRY_KINDS[kind]] for kind in size.registries} == size.registries


def test_programmes_and_learners_of_kostroma_are_the_published_ones(root: Path) -> None:
    facts = read_published(root / "regions" / "kostroma" / "published.csv")
    facts = facts.drop_duplicates(["metric", "period"]).set_index(["metric", "period"])["number"]
    kostroma, found, managers = Written(root, "kostroma"), {}, 0
    for period in ("2021", SHORT):
        programmes = kostroma.table("programmes", period)
        for metric, header in (
            ("dpp_expertise", "Направлена на экспертизу"),
            ("dpp_registry", "В Федеральном реестре с"),
        ):
            found[metric, period] = (programmes[header].dt.year == int(period)).sum()
        both = kostroma.table("completions", period).merge(programmes, on="Код программы")
        both = both[both["На базе"] == PROGRAMME_BASES["center"]]
        found["cnppm_teachers", period] = (both["Для кого"] == "педагог").sum()
        managers += (both["Для кого"] == "руководитель").sum()
    center = programmes["На базе"] == PROGRAMME_BASES["center"]
    routes = kostroma.table("routes", SHORT)
    jobs = kostroma.table("employment", SHORT)
    leading = jobs.loc[
        (jobs["Должность"] == "руководитель") & (jobs["Основное место работы"] == "да")
    ]
    found |= {
        ("cnppm_managers", "2021-2022"): managers,
        ("cnppm_dpp", "2021-2022"): center.sum(),
        ("events", SHORT): len(kostroma.table("events", SHORT)),
        ("managers_iup", SHORT): len(routes.merge(leading, on=PERSON)),
        ("rma_total", SHORT): len(kostroma.table("methodists", SHORT)),
    }
    assert found == {key: facts[key] for key in found}


def test_a_programme_is_the_same_in_the_edition_of_the_year_after(root: Path) -> None:
    for code, before, after in ((CODE, SHORT, LONG), ("kostroma", "2021", SHORT)):
        earlier, later = (Written(root, code).table("programmes", at) for at in (before, after))
        assert not later["Код программы"].duplicated().any()
        assert not later["Название программы"].duplicated().any()
        pd.testing.assert_frame_equal(earlier, later.head(len(earlier)))


@pytest.mark.long
def test_shares_are_those_of_the_sizes(written: Written) -> None:
    size = written.region.demonstration[LONG]
    staff, as_of = written.table("staff", LONG), pd.Timestamp(size.as_of)
    young = size.support.young
    age = (as_of - staff["Дата рождения"]).dt.days / 365.25
    mine = staff[(age < young.age) & (staff["Педагогический стаж, лет"] < young.years)]
    supported = written.table("support", LONG)[PERSON].drop_duplicates()
    share = len(mine.merge(supported, on=PERSON)) / len(mine)
    assert share == pytest.approx(young.share, abs=0.01)
    assert len(supported) > len(mine) * share  # some who have passed the limit of years
    events = written.table("events", LONG)
    horizontal = events.loc[events["Направление работы"] == DIRECTIONS["horizontal"]]
    came = written.table("attendance", LONG).merge(horizontal, on="Код мероприятия")
    share = len(came[PERSON].drop_duplicates()) / size.staff
    assert share == pytest.approx(size.support.attendance["horizontal"], abs=0.01)


# --- routes --------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("period", [SHORT, LONG])
def test_the_result_of_the_whole_test_decides_the_kind_of_route(
    written: Written, period: str
) -> None:
    routes = written.table("routes", period).set_index(PERSON)
    entry = written.table("scores", period).query("Этап == 'входная'").groupby(PERSON)
    sums = entry[["Балл", "Максимальный балл"]].sum().reindex(routes.index)
    share = sums["Балл"] / sums["Максимальный балл"]
    deficit = routes["Вид ИОМ"] == ROUTE_KINDS["deficit"]
    assert (deficit == (share <= written.region.diagnostics.deficit_cut)).all()
    assert (routes["Составлен"] > entry["Дата"].first().reindex(routes.index)).all()
    assert not routes["Номер ИОМ"].duplicated().any()


@pytest.mark.long
def test_a_route_goes_through_its_dates_in_order(written: Written) -> None:
    routes, as_of = written.table("routes", LONG), pd.Timestamp(f"{LONG}-12-31")
    dates = ["Составлен", "Согласован администрацией ОО", "Согласован методистом"]
    for header in (*dates, "Методический аудит", "Завершён"):
        assert routes[header].max() <= as_of
    for before, after in zip(dates, dates[1:], strict=False):
        assert (routes[before] < routes[after])[routes[after].notna()].all()
    audited = routes.dropna(subset="Методический аудит")
    left = (audited["Срок выполнения"] - audited["Методический аудит"]).dt.days
    assert left.between(0, 31).all()
    month_before = audited["Срок выполнения"] - pd.DateOffset(months=1)
    assert (audited["Методический аудит"] >= month_before).all()
    assert not (audited["Методический аудит"] > audited["Завершён"]).any()
    closed = routes["Ход ИОМ"] == STAGES["done"]
    assert (closed == routes["Завершён"].notna()).all()
    running = routes[routes["Ход ИОМ"] == STAGES["running"]]
    assert running["Согласован методистом"].notna().all()
    late = (running["Срок выполнения"] <= as_of).sum()
    soon = running["Срок выполнения"].between(as_of, as_of + pd.Timedelta(days=31)).sum()
    assert 0 < late < 0.15 * len(routes) and 0 < soon < 0.15 * len(routes)


@pytest.mark.long
def test_the_methodist_of_a_route_is_of_its_family(written: Written) -> None:
    routes, family = written.table("routes", LONG), written.region.family_of_subject
    rma = written.table("methodists", LONG)
    rma = rma[rma["Роль в РМА"] == ROLES["methodist"]]
    of_methodist = rma.set_index(_named(rma))["Предмет"].map(family)
    jobs = written.table("employment", LONG)
    main = jobs[jobs["Основное место работы"] == "да"].set_index(PERSON)["Предмет"].map(family)
    mine = main.reindex(pd.MultiIndex.from_frame(routes[PERSON]))
    assert (routes["Методист"].map(of_methodist).to_numpy() == mine.to_numpy()).all()
    load = routes["Методист"].value_counts()
    assert load.max() <= 2 * load.min()


@pytest.mark.long
def test_a_route_has_measures_of_several_levels_and_an_event_of_the_region(
    written: Written,
) -> None:
    measures = written.table("route_measures", LONG)
    routes = written.table("routes", LONG).set_index("Номер ИОМ")
    assert not measures.duplicated(["Номер ИОМ", "Уровень реализации", "Мероприятие"]).any()
    counts = measures["Номер ИОМ"].value_counts()
    assert counts.between(3, 5).all() and set(counts.index) == set(routes.index)
    assert set(measures["Уровень реализации"]) == set(ROUTE_LEVELS.values())
    regional = measures["Уровень реализации"] == ROUTE_LEVELS["regional"]
    assert (regional == measures["Код мероприятия"].notna()).all()
    events = written.table("events", LONG).set_index("Код мероприятия")
    held = events["Дата проведения"].reindex(measures.loc[regional, "Код мероприятия"])
    assert (held.to_numpy() == measures.loc[regional, "Начало"].to_numpy()).all()
    opened = measures["Номер ИОМ"].map(routes["Составлен"])
    ends = measures["Номер ИОМ"].map(routes["Завершён"].fillna(routes["Срок выполнения"]))
    assert measures["Начало"].ge(opened).all() and measures["Окончание"].le(ends).all()
    done = measures[measures["Выполнено"] == "да"]
    assert done["Окончание"].max() <= pd.Timestamp(f"{LONG}-12-31")
    came = written.table("attendance", LONG)
    went = done.dropna(subset="Код мероприятия").join(routes[PERSON], on="Номер ИОМ")
    assert len(went.merge(came, on=[*PERSON, "Код мероприятия"])) == len(went)


# --- references ----------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("period", [SHORT, LONG])
def test_everybody_and_everything_named_is_in_the_edition(written: Written, period: str) -> None:
    def column(table: str, header: str) -> set[str]:
        return set(written.table(table, period)[header].dropna())

    staff = _people(written.table("staff", period))
    for table in ("routes", "completions", "support", "attendance"):
        assert _people(written.table(table, period)) <= staff
    members = _people(written.table("methodists", period))
    assert column("routes", "Методист") | column("events", "Ведущий") <= members
    assert column("mentoring", "Региональный тьютор") <= members
    for header in ("Наставник", "Наставляемый", "Куратор"):
        assert column("mentoring", header) <= staff
    assert column("registries", "Кто внесён") <= staff
    programmes, events = column("programmes", "Код программы"), column("events", "Код мероприятия")
    assert column("completions", "Код программы") | column("teams", "Код программы") <= programmes
    assert column("attendance", "Код мероприятия") <= events
    organizations = column("organizations", "Код организации")
    assert column("teams", "Код организации") == organizations
    assert column("registries", "Код организации") <= organizations
    assert column("methodists", "Приказ") <= column("acts", "Номер акта")


@pytest.mark.long
def test_pairs_are_of_organisations_that_take_part(written: Written) -> None:
    pairs, organizations = written.table("mentoring", LONG), written.table("organizations", LONG)
    sides = ["Организация наставника", "Организация наставляемого"]
    taking_part = organizations["Участвует в наставничестве"] == "да"
    assert set(pairs[sides].stack()) <= set(organizations.loc[taking_part, "Код организации"])
    of_teams = pairs["Форма наставничества"] == MENTORING_FORMS["teams"]
    assert (pairs[sides[0]] != pairs[sides[1]])[of_teams].all()
    assert (pairs["Наставник"].isna() == of_teams).all()
    people = pairs[~of_teams]
    assert (people["Наставник"] != people["Наставляемый"]).all()
    assert not people["Наставляемый"].duplicated().any()
    within = people[sides[0]] == people[sides[1]]
    where = organizations.set_index("Код организации")["workbook"]
    near = people[sides[0]].map(where) == people[sides[1]].map(where)
    assert within.any() and (near & ~within).any() and not near.all()
    jobs = written.table("employment", LONG).query("`Основное место работы` == 'да'")
    place = pd.Series(jobs["Код организации"].to_numpy(), _named(jobs))
    assert (people["Наставник"].map(place) == people[sides[0]]).all()
    assert (people["Наставляемый"].map(place) == people[sides[1]]).all()


@pytest.mark.long
def test_a_chosen_programme_was_in_the_registry_before(written: Written) -> None:
    both = written.table("completions", LONG).merge(
        written.table("programmes", LONG), on="Код программы", validate="m:1"
    )
    assert not both.duplicated(PERSON).any()
    chosen = both[both["Подобрана по диагностике"] == "да"]
    assert (chosen["В Федеральном реестре с"] < chosen["Окончил программу"]).all()
    assert set(both["Окончил программу"].dt.year) == {int(LONG)}
    jobs = written.table("employment", LONG).query("`Основное место работы` == 'да'")
    both = both.merge(jobs, on=PERSON, validate="1:1")
    assert (both["Для кого"] == both["Должность"]).all()


@pytest.mark.long
def test_events_count_at_least_those_who_came(written: Written) -> None:
    events = written.table("events", LONG).set_index("Код мероприятия")
    came = written.table("attendance", LONG)["Код мероприятия"].value_counts()
    assert (events["Участников"] >= came.reindex(events.index, fill_value=0)).all()
    local = events["Муниципальное образование"].dropna()
    assert (local == events.loc[local.index, "workbook"]).all()
    assert set(events.loc[events["Муниципальное образование"].isna(), "workbook"]) == {"ЦНППМ"}
    assert set(events["Направление работы"]) == set(DIRECTIONS.values())
    assert (events["Дата проведения"].dt.day_of_week < 5).all()


@pytest.mark.long
def test_the_roadmap_has_every_measure_of_the_document(written: Written) -> None:
    roadmap = written.table("roadmap", LONG)
    measures = edition(CODE, LONG, written.root).system.roadmap
    assert roadmap["Мера"].tolist() == [measure.measure for measure in measures]
    done = roadmap["Ход меры"] == "выполнено"
    assert (done == roadmap["Выполнена"].notna()).all() and 0.4 < done.mean() < 0.8
    later = pd.Series(["2024" in measure.due for measure in measures])
    assert later.any() and not (done & later).any()


@pytest.mark.long
def test_the_roadmap_contradicts_no_record_of_its_edition(written: Written) -> None:
    measures = edition(CODE, LONG, written.root).system.roadmap
    codes = [measure.id for measure in measures]
    roadmap = written.table("roadmap", LONG)["Ход меры"].set_axis(codes)
    counted = [at.id for at in measures if at.indicators and "2024" not in at.due]
    assert {"1.3", "2.5", "3.5"} <= set(counted), "what indicators are counted of"
    assert roadmap[[*counted, "2.7", "3.4"]].eq("выполнено").all(), "and two kept registries"
    others = roadmap.drop(counted)
    assert others.nunique() > 2, "what no record tells of goes variously"


# --- other sizes ---------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return copy_definitions(tmp_path)


def test_tables_on_support_change_no_other_table(own: Path) -> None:
    demo.write(own, CODE, [LONG], persons=400)
    with_support = Written(own).sheets(LONG)

    def change(content: dict) -> None:
        del content["demonstration"][LONG]["support"]

    other_region(own, change)
    demo.write(own, CODE, [LONG], persons=400)
    for book, sheets in Written(own).sheets(LONG).items():
        assert not {TITLES[table] for table in FURTHER} & set(sheets)
        for name in set(sheets) - {"Пояснение"}:
            pd.testing.assert_frame_equal(sheets[name], with_support[book][name])


def test_sizes_follow_the_number_of_persons(own: Path) -> None:
    demo.write(own, CODE, [LONG], persons=1500)
    small = Written(own)
    size, factor = small.region.demonstration[LONG], 1500 / 11_515
    entry = small.table("scores", LONG).query("Этап == 'входная'").drop_duplicates(PERSON)
    assert len(small.table("routes", LONG)) == len(entry)
    completions = sum(round(learners.n * factor) for learners in size.support.completions)
    assert len(small.table("completions", LONG)) == completions
    trained = small.table("teams", LONG)["Команда повысила квалификацию"].notna().sum()
    assert trained == round(size.support.teams * factor)
    assert len(small.table("programmes", LONG)) == sum(at.n for at in size.support.programmes)
    assert len(small.table("agreements", LONG)) == sum(size.support.agreements.values())


@pytest.mark.parametrize(
    ("period", "as_of"), [("2022-2023", "2022-11-30"), ("2024", "2024-12-31"), ("2023-q2", None)]
)
def test_tables_on_support_lie_within_a_period_of_any_kind(
    own: Path, period: str, as_of: str | None
) -> None:
    def change(content: dict) -> None:
        size = content["demonstration"][LONG]
        content["demonstration"] = {period: size | {"as_of": as_of or "2023-06-30"}}

    other_region(own, change)
    demo.write(own, CODE, persons=400)
    written, last = Written(own), pd.Timestamp(as_of or "2023-06-30")
    for table, header in (
        ("routes", "Составлен"),
        ("completions", "Окончил программу"),
        ("support", "Дата поддержки"),
        ("events", "Дата проведения"),
        ("programmes", "В Федеральном реестре с"),
    ):
        assert written.table(table, period)[header].max() <= last


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda size: size.update(completions=[{"bases": ["other"], "n": 5}]), "нет программ с"),
        (lambda size: size["programmes"][0].update(registry=9), "registry ≤ expertise ≤ n"),
        (lambda size: size["completions"][0].update(chosen=9999), "chosen больше n"),
        (lambda size: size["events"].update(local=3), "local"),
    ],
)
def test_refuses_sizes_that_contradict_each_other(
    own: Path, change: Callable[[dict], None], message: str
) -> None:
    other_region(own, lambda content: change(content["demonstration"][LONG]["support"]))
    with pytest.raises(DefinitionError, match=message):
        demo.write(own, CODE, [LONG], persons=400)


# --- intake --------------------------------------------------------------------------------------


@pytest.mark.long
def test_what_is_written_is_taken_in_whole(root: Path) -> None:
    for code, period in (("altai", LONG), ("kostroma", SHORT), (CODE, LONG)):
        taken = edition(code, period, root)
        assert take_in(taken).held_out == 0
        tables, sent = load(taken), Written(root, code)
        for table in _sent(sent, period):
            assert len(tables[table]) == len(sent.table(table, period)), table
    assert set(tables.roadmap["measure_id"]) == {at.id for at in taken.system.roadmap}
    assert tables.routes["methodist_id"].isin(tables.methodists["methodist_id"]).all()
    assert tables.mentoring["mentor_id"].dropna().isin(tables.staff["person_id"]).all()
    assert tables.registries["holder_id"].notna().any()
