"""Demonstration editions: what is written, how large it is, and whether the model holds."""

from __future__ import annotations

import io
import tokenize
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import CHECKOUT, copy_definitions
from demonstrations import (
    CENTER,
    CODE,
    LONG,
    PERSON,
    SHORT,
    TRUE_PERSON,
    Written,
    other_region,
)

from nmc_utils import demo
from nmc_utils.demo import (
    diagnostics,
    events,
    governance,
    learning,
    people,
    records,
    routes,
    support,
    workbooks,
)
from nmc_utils.editions import DefinitionError, edition, editions
from nmc_utils.intake.columns import has_persons, headers
from nmc_utils.published import read_published
from nmc_utils.tables import TITLES
from nmc_utils.terms import DEMONSTRATION, POSITIONS, ROLES, WAVES

MUNICIPAL = ["staff", "employment", "organizations", "scores"]
SUPPORT = ["routes", "route_measures", "completions", "teams", "mentoring", "support"]
SUPPORT += ["events", "attendance"]
OF_CENTRE = ["programmes", "events", "agreements", "acts", "registries", "roadmap"]
OF_CENTRE += ["recommendations"]


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return copy_definitions(tmp_path)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Written:
    root = copy_definitions(tmp_path_factory.mktemp("full"))
    demo.write(root, CODE)
    return Written(root)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Written:
    root = copy_definitions(tmp_path_factory.mktemp("small"))
    demo.write(root, CODE, persons=700)
    return Written(root)


# --- files ---------------------------------------------------------------------------------------


def test_same_seed_gives_the_same_bytes_another_seed_does_not(root: Path) -> None:
    runs = []
    for seed in (5, 5, 6):
        (folder,) = demo.write(root, CODE, [LONG], seed=seed, persons=300)
        runs.append(_contents(folder) | _contents(root / "demo_truth" / CODE / LONG))
    assert runs[0] == runs[1]
    assert runs[0].keys() == runs[2].keys()
    changed = {name for name in runs[0] if runs[0][name] != runs[2][name]}
    assert changed >= {"Абакан.xlsx", "ЦНППМ.xlsx", "abilities.parquet"}


def test_an_edition_does_not_depend_on_those_written_with_it(small: Written, root: Path) -> None:
    (alone,) = demo.write(root, CODE, [LONG], persons=700)
    assert _contents(alone) == _contents(small.root / "regions" / CODE / LONG)


def test_writing_again_leaves_nothing_of_the_last_time(root: Path) -> None:
    (folder,) = demo.write(root, CODE, [SHORT], persons=300)
    before = _contents(folder)
    (folder / "Лишний.xlsx").write_bytes(b"stale")
    demo.write(root, CODE, [SHORT], persons=300)
    assert _contents(folder) == before
    places = sorted(path.name for path in (root / "regions" / CODE).iterdir())
    assert places == [SHORT, "published.csv", "region.yaml", "system.yaml"]
    assert [path.name for path in (root / "demo_truth" / CODE).iterdir()] == [SHORT]


def test_a_failure_keeps_what_stood_there(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder,) = demo.write(root, CODE, [SHORT], persons=300)
    before = _contents(folder)
    monkeypatch.setattr(demo, "truth", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        demo.write(root, CODE, [SHORT], persons=300, seed=1)
    assert _contents(folder) == before
    assert not list((root / "regions" / CODE).glob(".demo-*"))


def test_editions_are_found_as_demonstrations(small: Written) -> None:
    assert [found.key for found in editions(small.root)] == [f"{CODE}/2022", f"{CODE}/2023"]
    found = edition(CODE, LONG, small.root)
    assert found.is_demonstration
    assert found.as_of == small.region.demonstration[LONG].as_of


# --- the contract of sheets and headers ----------------------------------------------------------


@pytest.mark.parametrize("period", [SHORT, LONG])
def test_workbooks_have_the_sheets_and_headers_of_the_contract(small: Written, period: str) -> None:
    size = small.region.demonstration[period]
    by_items = size.item_responses
    municipal = [*MUNICIPAL, *(["responses"] if by_items else []), *SUPPORT]
    central = ["procedures", "forms", "items", "methodists", *OF_CENTRE]
    if not by_items:
        central.remove("items")
        central.remove("roadmap")
    books = small.sheets(period)
    assert set(books) == {*small.region.municipality_names.values(), CENTER}
    for book, sheets in books.items():
        tables = central if book == CENTER else municipal
        assert list(sheets) == ["Пояснение", *(TITLES[name] for name in tables)]
        assert sheets["Пояснение"].columns[0] == DEMONSTRATION
        for name in tables:
            expected = [*(PERSON if has_persons(name) else []), *headers(name).values()]
            if name == "responses":
                n_items = size.items_per_domain * len(small.region.domains)
                expected += [str(at) for at in range(1, n_items + 1)]
            assert [str(header) for header in sheets[TITLES[name]].columns] == expected, name


def test_workbooks_use_the_words_of_the_region(small: Written) -> None:
    region = small.region
    scores, jobs = small.table("scores", LONG), small.table("employment", LONG)
    rma, forms = small.table("methodists", LONG), small.table("forms", LONG)
    places = set(region.municipality_names.values())
    assert set(scores["Этап"]) == set(WAVES.values())
    assert set(scores["Компетенция"]) == {domain.name for domain in region.domains}
    assert set(jobs["Должность"]) == set(POSITIONS.values())
    assert set(jobs["Предмет"]) <= set(region.family_of_subject)
    assert set(jobs["Муниципальное образование"]) == places
    assert set(jobs["Основное место работы"]) == {"да", "нет"}
    assert set(rma["Роль в РМА"]) == set(ROLES.values())
    assert set(forms["Предметная группа"]) == set(region.family_names.values())
    managing = {s for f in region.families if f.position == "manager" for s in f.subjects}
    assert set(jobs.loc[jobs["Должность"] == "руководитель", "Предмет"]) == managing


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("staff", "Дата рождения"),
        ("staff", "Дата приёма"),
        ("staff", "Дата аттестации"),
        ("employment", "Работает с"),
        ("scores", "Дата"),
        ("methodists", "В РМА с"),
        ("methodists", "Дата повышения квалификации"),
    ],
)
def test_dates_are_dates_and_not_after_the_date_of_the_data(
    small: Written, name: str, header: str
) -> None:
    for period in (SHORT, LONG):
        dates = small.table(name, period)[header]
        assert str(dates.dtype).startswith("datetime64")
        assert dates.max() <= pd.Timestamp(small.region.demonstration[period].as_of)
        if name == "scores":
            assert set(dates.dt.year) == {int(period)}
            assert (dates.dt.day_of_week < 5).all()


# --- sizes and published facts -------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("period", [SHORT, LONG])
def test_sizes_are_those_of_the_region_file(full: Written, period: str) -> None:
    size = full.region.demonstration[period]
    organizations = full.table("organizations", period)
    scores = full.table("scores", period)
    roles = full.table("methodists", period)["Роль в РМА"].value_counts()
    entry = scores[scores["Этап"] == WAVES["entry"]]
    assert len(full.table("staff", period)) == size.staff
    assert len(organizations) == size.organizations
    assert len(entry.drop_duplicates(PERSON)) == size.tested
    assert (entry["Максимальный балл"] == size.items_per_domain).all()
    assert (organizations["ШНОР"] == "да").sum() == size.low_performing
    assert (organizations["Участвует в наставничестве"] == "да").sum() == size.mentoring
    assert roles.to_dict() == {ROLES[role]: n for role, n in size.methodists.items()}


@pytest.mark.long
def test_records_agree_with_the_published_facts(full: Written) -> None:
    facts = read_published(full.root / "regions" / CODE / "published.csv")
    facts = facts[facts["kind"] == "count"].set_index(["metric", "period"])["number"]
    roles = full.table("methodists", LONG)["Роль в РМА"].value_counts()
    organizations = full.table("organizations", LONG)
    low = organizations[organizations["ШНОР"] == "да"]
    before = full.table("organizations", SHORT)
    found = {
        ("workforce_total", LONG): len(full.table("staff", LONG)),
        ("municipalities_total", LONG): len(full.sheets(LONG)) - 1,
        ("rma_total", LONG): roles.sum(),
        ("rma_curator", LONG): roles[ROLES["curator"]],
        ("rma_head", LONG): roles[ROLES["head"]],
        ("rma_tutors", LONG): roles[ROLES["tutor"]],
        ("rma_coordinators", LONG): roles[ROLES["coordinator"]],
        ("rma_methodists", LONG): roles[ROLES["methodist"]],
        ("shnor_count", LONG): len(low),
        ("shnor_municipalities", LONG): low["Муниципальное образование"].nunique(),
        ("mentoring_project_schools", SHORT): (before["Участвует в наставничестве"] == "да").sum(),
        ("mentoring_shnor_schools", SHORT): (before["ШНОР"] == "да").sum(),
        ("iom_count", LONG): len(full.table("routes", LONG)),
        ("practices_bank", LONG): (full.table("registries", LONG)["Реестр"] == "практика").sum(),
        ("methodists_trained", "2022-2023"): _trained_methodists(full.table("methodists", LONG)),
        **_of_events(full),
    }
    assert found == {key: facts[key] for key in found}


def _trained_methodists(rma: pd.DataFrame) -> int:
    mine = rma[rma["Роль в РМА"] == ROLES["methodist"]]
    return int(mine["Дата повышения квалификации"].notna().sum())


def _of_events(full: Written) -> dict[tuple[str, str], int]:
    title, agreements = "Название мероприятия", full.table("agreements", LONG)
    events = full.table("events", LONG)[title]
    contests = full.table("events", SHORT).dropna(subset="Работ на конкурс").set_index(title)
    works = contests["Работ на конкурс"]
    return {
        ("municipalities_total", LONG): (agreements["Вид соглашения"] == "трёхстороннее").sum(),
        ("seminars_assessment", LONG): events.str.startswith("Практикум по оцениванию").sum(),
        ("webinars_vpr", LONG): events.str.startswith("Проверка развёрнутых ответов ВПР").sum(),
        ("contest_team_works", SHORT): works[works.index.str.contains("команда – команда")].sum(),
        ("contest_peer_works", SHORT): works[works.index.str.contains("педагог – педагог")].sum(),
    }


def test_no_published_number_stands_in_the_code() -> None:
    facts = read_published(CHECKOUT / "data" / "regions" / CODE / "published.csv")
    counts = facts.loc[facts["unit"].isin(["чел.", "ед."]) & (facts["number"] >= 30), "number"]
    published = set(counts)
    assert published
    drawn = (people, diagnostics, records, routes, learning, support, events, governance)
    for module in (demo, *drawn, workbooks):
        code = Path(module.__file__).read_text("utf-8")
        tokens = tokenize.generate_tokens(io.StringIO(code).readline)
        numbers = {float(token.string) for token in tokens if token.type == tokenize.NUMBER}
        assert not numbers & published, module.__name__
        assert CODE not in code


def test_a_small_edition_keeps_proportions_municipalities_and_rma(small: Written) -> None:
    size = small.region.demonstration[LONG]
    entry = small.table("scores", LONG).query("Этап == 'входная'").drop_duplicates(PERSON)
    organizations = small.table("organizations", LONG)
    assert len(small.table("staff", LONG)) == 700
    assert len(small.table("methodists", LONG)) == sum(size.methodists.values())
    assert len(small.sheets(LONG)) - 1 == len(small.region.municipalities)
    assert len(entry) == 12 * len(small.region.families)  # at least a dozen per family
    assert len(organizations) == round(size.organizations * 700 / size.staff)
    assert (organizations["ШНОР"] == "да").sum() == 1


# --- people, workplaces, РМА ---------------------------------------------------------------------


@pytest.mark.long
def test_everyone_is_sent_once_and_named_uniquely(full: Written) -> None:
    staff = full.table("staff", LONG)
    assert not staff.duplicated(PERSON).any()
    jobs = full.table("employment", LONG)
    main = jobs[jobs["Основное место работы"] == "да"].merge(staff, on=PERSON)
    assert len(main) == len(staff) == main[PERSON].drop_duplicates().shape[0]
    assert (main["workbook_x"] == main["workbook_y"]).all()


@pytest.mark.long
def test_part_time_jobs_are_sent_by_the_municipality_of_the_organisation(full: Written) -> None:
    jobs = full.table("employment", LONG)
    assert (jobs["workbook"] == jobs["Муниципальное образование"]).all()
    organizations = full.table("organizations", LONG).set_index("Код организации")
    of_organization = jobs["Код организации"].map(organizations["Муниципальное образование"])
    assert (of_organization == jobs["Муниципальное образование"]).all()
    second = jobs[jobs["Основное место работы"] == "нет"]
    share = len(second) / full.region.demonstration[LONG].staff
    assert abs(share - records.SECOND_JOB_SHARE) < 0.01
    main = jobs[jobs["Основное место работы"] == "да"]
    both = second.merge(main, on=PERSON, suffixes=("_second", "_main"), validate="one_to_one")
    assert (both["Код организации_second"] != both["Код организации_main"]).all()
    elsewhere = both["workbook_second"] != both["workbook_main"]
    assert 0.2 < elsewhere.mean() < 0.8


@pytest.mark.long
def test_staff_are_a_panel_with_modest_turnover(full: Written) -> None:
    before, after = (full.table("staff", period)[PERSON] for period in (SHORT, LONG))
    stayed = before.merge(after, on=PERSON)
    assert len(stayed) == pytest.approx((1 - people.TURNOVER) * len(before), abs=1)


@pytest.mark.long
def test_experience_and_ages_are_possible(full: Written) -> None:
    staff = full.table("staff", LONG)
    age = (pd.Timestamp("2023-12-31") - staff["Дата рождения"]).dt.days / 365.25
    experience = staff["Педагогический стаж, лет"]
    assert age.between(20, 75).all()
    assert experience.ge(0).all()
    assert (age - experience >= 20).all()
    assert (experience <= 3).any()


@pytest.mark.long
def test_rma_are_staff_and_every_family_has_methodists(full: Written) -> None:
    rma = full.table("methodists", LONG)
    assert not rma.duplicated(PERSON).any()
    assert len(rma.merge(full.table("staff", LONG), on=PERSON)) == len(rma)
    methodists = rma[rma["Роль в РМА"] == ROLES["methodist"]]
    families = methodists["Предмет"].map(full.region.family_of_subject).value_counts()
    assert set(families.index) == set(full.region.family_names)
    assert methodists["Групп в год, не более"].between(1, 3).all()
    others = rma.drop(methodists.index)
    assert others["Групп в год, не более"].isna().all()
    coordinators = rma[rma["Роль в РМА"] == ROLES["coordinator"]]
    assert set(coordinators["Муниципальное образование"]) == set(
        full.region.municipality_names.values()
    )
    assert 0.3 < rma["Дата повышения квалификации"].notna().mean() < 0.9


# --- the test and the answers --------------------------------------------------------------------


def test_scores_are_sums_of_the_answers(small: Written) -> None:
    wide = small.table("responses", LONG).drop(columns="workbook")
    keys = [*PERSON, "Этап", "Код формы"]
    long = wide.melt(keys, var_name="Номер в форме", value_name="answer")
    long["Номер в форме"] = long["Номер в форме"].astype(int)
    items = small.table("items", LONG)[["Код формы", "Номер в форме", "Компетенция"]]
    sums = (
        long.merge(items, on=["Код формы", "Номер в форме"], validate="many_to_one")
        .groupby([*keys, "Компетенция"])["answer"]
        .sum()
    )
    scores = small.table("scores", LONG).set_index([*keys, "Компетенция"])["Балл"]
    assert set(long["answer"].dropna()) == {0, 1}
    assert len(scores) == len(sums)
    assert (scores.sort_index() == sums.sort_index()).all()
    assert abs(long["answer"].isna().mean() - diagnostics.OMIT_SHARE) < 0.004


def test_a_short_test_states_its_reliability_and_a_long_one_does_not(small: Written) -> None:
    short, long = small.table("forms", SHORT), small.table("forms", LONG)
    assert short["Надёжность"].between(0.2, 0.8).all()
    assert short["Источник надёжности"].notna().all()
    assert long["Надёжность"].isna().all()
    assert long["Источник надёжности"].isna().all()


@pytest.mark.long
def test_anchors_stand_in_every_form_and_particular_items_in_one(full: Written) -> None:
    items, region = full.table("items", LONG), full.region
    n_items = region.demonstration[LONG].items_per_domain
    n_forms = items.groupby("Код задания")["Код формы"].nunique()
    anchors = items[items["Общее задание форм"] == "да"]
    assert (n_forms[anchors["Код задания"]] == len(region.families)).all()
    counts = anchors.groupby(["Код формы", "Компетенция"]).size()
    particular = {domain.name for domain in region.domains if domain.by_family}
    common = {domain.name for domain in region.domains} - particular
    assert counts.to_numpy().tolist() == [round(n_items / 3)] * len(region.families) * len(common)
    own = items.loc[items["Компетенция"].isin(particular), "Код задания"]
    assert particular and (n_forms[own] == 1).all()
    assert not items.duplicated(["Код формы", "Код задания"]).any()
    shared = items.loc[items["Компетенция"].isin(common) & (items["Общее задание форм"] == "нет")]
    assert n_forms[shared["Код задания"]].max() < len(region.families)


@pytest.mark.long
def test_right_answers_follow_the_item_parameters(full: Written) -> None:
    wide = full.table("responses", LONG)
    entry = wide[wide["Этап"] == WAVES["entry"]]
    keys = ["Код формы", "Номер в форме"]
    long = entry.melt([*PERSON, "Код формы"], [c for c in entry if str(c).isdigit()], keys[1])
    long["Номер в форме"] = long["Номер в форме"].astype(int)
    long = long.merge(full.table("items", LONG)[[*keys, "Код задания"]], on=keys)
    truth = full.truth("abilities", LONG).query("wave == 'entry'")
    long = long.merge(full.truth("items", LONG), left_on="Код задания", right_on="item_id")
    long = long.merge(
        truth, left_on=[*PERSON, "domain"], right_on=[*TRUE_PERSON, "domain"], validate="m:1"
    ).dropna(subset="value")
    chance = 1 / (1 + np.exp(-long["a"] * (long["theta"] - long["b"])))
    error = (long["value"] - chance) / np.sqrt((chance * (1 - chance)).sum())
    assert len(long) > 90_000
    assert abs(error.sum()) < 4
    upper = chance > 0.7
    assert abs(long["value"][upper].mean() - chance[upper].mean()) < 0.01


@pytest.mark.long
def test_abilities_of_domains_correlate_as_documented(full: Written) -> None:
    persons = full.truth("persons", LONG)
    theta = persons.filter(like="theta_")
    expected = np.outer(people.DOMAIN_LOADING, people.DOMAIN_LOADING)
    np.fill_diagonal(expected, 1)
    assert np.abs(theta.corr().to_numpy() - expected).max() < 0.04
    assert theta.std().between(0.9, 1.1).all()


@pytest.mark.long
def test_those_tested_are_weaker_than_the_staff(full: Written) -> None:
    persons = full.truth("persons", LONG)
    ability = persons.filter(like="theta_").mean(axis=1)
    assert persons["is_tested"].sum() == full.region.demonstration[LONG].tested
    gap = ability[~persons["is_tested"]].mean() - ability[persons["is_tested"]].mean()
    assert 0.1 < gap < 0.5


@pytest.mark.long
def test_shares_at_or_below_the_cut_are_plausible(full: Written) -> None:
    entry = full.table("scores", LONG).query("Этап == 'входная'")
    columns = ["Балл", "Максимальный балл"]
    total = entry.groupby(PERSON)[columns].sum()
    low = total["Балл"] / total["Максимальный балл"] <= full.region.diagnostics.deficit_cut
    assert 0.35 <= low.mean() <= 0.45
    share = entry["Балл"] / entry["Максимальный балл"]
    by_domain = (share <= 0.6).groupby(entry["Компетенция"]).mean()
    assert by_domain.between(0.25, 0.65).all()
    assert by_domain.max() - by_domain.min() > 0.1
    levels = full.truth("levels", LONG)
    sums = levels.groupby(["wave", "domain", "basis"])["share"].sum()
    assert np.allclose(sums, 1)
    lowest = levels[levels["level"] == next(iter(full.region.diagnostics.cuts))]
    target = lowest.query("wave == 'entry' and domain == 'total' and basis == 'bank'")
    assert len(target) == 1
    assert target["share"].iloc[0] == pytest.approx(diagnostics.TARGET_SHARE, abs=0.01)


@pytest.mark.long
def test_training_effect_is_near_the_documented_one(full: Written) -> None:
    abilities = full.truth("abilities", LONG).query("domain != 'total'")
    change = abilities.pivot_table(index=[*TRUE_PERSON, "domain"], columns="wave", values="theta")
    gain = (change["exit"] - change["entry"]).dropna()
    assert abs(gain.mean() - diagnostics.EFFECT_MEAN) < 0.03
    spread = np.hypot(diagnostics.EFFECT_SD, diagnostics.EFFECT_DOMAIN_SD)
    assert abs(gain.std() - spread) < 0.02
    effect = full.truth("effect", LONG)
    assert effect["mean"].mean() == pytest.approx(gain.mean())


@pytest.mark.long
def test_attrition_is_as_documented_and_takes_the_weaker(full: Written) -> None:
    scores = full.table("scores", LONG)
    total = scores.groupby([*PERSON, "Этап"])["Балл"].sum().unstack()
    left = total["выходная"].isna()
    assert left.mean() == pytest.approx(diagnostics.ATTRITION, abs=0.001)
    entry = total["входная"]
    assert (entry[~left].mean() - entry[left].mean()) / entry.std() > 0.25
    dates = scores.groupby([*PERSON, "Этап"])["Дата"].first().unstack()
    assert (dates["выходная"] - dates["входная"]).dropna().min() > pd.Timedelta(days=7)


# --- other regions -------------------------------------------------------------------------------


def test_a_region_of_another_make_is_written_from_its_file_alone(root: Path) -> None:
    def change(content: dict) -> None:
        content["municipalities"] = content["municipalities"][:2]
        content["domains"] = [
            {"code": f"d{at}", "name": f"Область {at}", "block": f"Область {at}"} for at in range(7)
        ]
        content["families"] = content["families"][:3]
        del content["seminars"]  # its joint families are of the others
        size = {**content["demonstration"][LONG], "as_of": "2023-06-30", "items_per_domain": 1}
        size["methodists"] = {"coordinator": 5, "methodist": 7}
        content["demonstration"] = {"2022-2023": size}

    other_region(root, change)
    (root / "regions" / CODE / "system.yaml").unlink()  # it names municipalities left out above
    (folder,) = demo.write(root, CODE, persons=200)
    assert edition(CODE, "2022-2023", root).period.kind == "academic_year"
    written = Written(root)
    assert folder.name == "2022-2023"
    assert len(written.sheets("2022-2023")) == 3
    assert set(written.table("scores", "2022-2023")["Максимальный балл"]) == {1}
    roles = written.table("methodists", "2022-2023")["Роль в РМА"].value_counts()
    assert roles.to_dict() == {ROLES["coordinator"]: 5, ROLES["methodist"]: 7}


# --- refusals ------------------------------------------------------------------------------------


def _submitted(root: Path) -> Path:
    folder = root / "regions" / CODE / "2021"
    folder.mkdir()
    text = "origin: submitted\nperiod_kind: calendar_year\nas_of: 2021-12-31\n"
    (folder / "edition.yaml").write_text(text, "utf-8")
    return folder


def test_refuses_a_root_with_submitted_editions(root: Path) -> None:
    folder = _submitted(root)
    message = f"есть присланные издания {CODE}/2021; демонстрация пишется только в отдельную папку"
    with pytest.raises(DefinitionError, match=message):
        demo.write(root, CODE, persons=300)
    assert [path.name for path in folder.iterdir()] == ["edition.yaml"]
    assert not (root / "regions" / CODE / LONG).exists()


def test_refuses_to_replace_files_of_unknown_origin(root: Path) -> None:
    sent = root / "regions" / CODE / LONG / "Абакан.xlsx"
    sent.parent.mkdir()
    sent.write_bytes(b"somebody's work")
    with pytest.raises(DefinitionError, match="здесь лежат файлы без edition.yaml"):
        demo.write(root, CODE, persons=300)
    assert sent.read_bytes() == b"somebody's work"


def test_refuses_a_period_that_the_region_does_not_define(root: Path) -> None:
    with pytest.raises(DefinitionError, match="не заданы для периода 2019; есть: 2022, 2023"):
        demo.write(root, CODE, ["2019", LONG])


def test_refuses_fewer_staff_than_the_rma_needs(root: Path) -> None:
    with pytest.raises(DefinitionError, match="не может быть 0 работников; нужно не меньше"):
        demo.write(root, CODE, persons=0)


def test_refuses_an_unknown_role(root: Path) -> None:
    def change(content: dict) -> None:
        content["demonstration"][LONG]["methodists"]["manager"] = 3

    other_region(root, change)
    with pytest.raises(DefinitionError, match="нет роли manager; допустимо: curator, head"):
        demo.write(root, CODE)
