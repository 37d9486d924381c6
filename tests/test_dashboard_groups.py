"""«Группы» without a browser: plans made from a few hand-made people, with and without leaders."""

from __future__ import annotations

import asyncio
import io
import re
import threading
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import panel as pn
import pytest
from conftest import CHECKOUT
from dashboard_pages import altered, said, text, without

from dashboards import downloads, manual, parts, planner, trying, what_if
from dashboards.pages import groups
from dashboards.store import Published, State
from dashboards.trials import Trial, WrongConditions
from dashboards.trying import Moved, has_chances, tried
from nmc_utils import figures, wording
from nmc_utils.editions import Edition, Period
from nmc_utils.measures import seminar_questions as questions
from nmc_utils.measures import seminar_tables as tables
from nmc_utils.measures.seminar_needs import Needs, barred_topics, needs_of, needs_table
from nmc_utils.measures.seminars import seminar_groups
from nmc_utils.regions import Region, read_region

#: Family → how many people; `humanities` is a joint family of the region.
PEOPLE = {"primary": 45, "mathematics": 20, "humanities": 13}
LEADERS = [
    ("1ead0000000000000001", "primary", "abakan", 1, ()),
    ("1ead0000000000000002", "primary", "abaza", 1, ("ict",)),
    ("1ead0000000000000003", "mathematics", "abakan", 2, ()),
    ("1ead0000000000000004", "humanities", "abakan", 1, ()),
]


def needs(region: Region, *, with_leaders: bool = True) -> Needs:
    rng = np.random.default_rng(7)
    family = [code for code, n in PEOPLE.items() for _ in range(n)]
    persons = [f"{number:020x}" for number in range(len(family))]
    domains = [domain.code for domain in region.domains]
    low = rng.random((len(persons), len(domains))) < 0.45
    deficits = pd.DataFrame(low.astype(int), persons, domains)
    columns = ["leader_id", "family", "zone", "max_groups", "deficits"]
    return Needs(
        deficits=deficits,
        chances=0.1 + 0.7 * deficits.drop(index=persons[-13:]),
        family=pd.Series(family, persons),
        zone=pd.Series(rng.choice(["abakan", "abaza"], len(persons)), persons),
        leaders=pd.DataFrame(LEADERS, columns=columns) if with_leaders else None,
        settings=region.seminars,
        joint={"russian": "humanities", "history": "humanities"},
        barred=barred_topics(region, pd.Index(domains)),
        distances=None,
    )


def run_of(asked: Needs) -> dict[str, pd.DataFrame]:
    """What notebook 04 stages of these needs."""
    rounds = questions.seminar_year(asked)
    plan = rounds[0].plan
    told = {
        "seminar_plan": tables.summary(plan, asked.deficits, asked.family).assign(procedure="p"),
        "seminar_groups": plan.groups.assign(topics=plan.groups["topics"].map(list)),
        "seminar_members": tables.members_and_reasons(plan, asked.family),
        "seminar_topics": tables.topic_need(plan, asked.deficits),
        "seminar_uncovered": tables.uncovered(plan, asked.deficits, asked.family),
        "seminar_meetings": tables.meetings(plan, asked.zone, asked.settings, None),
        "seminar_year": questions.year_coverage(rounds),
        "seminar_programme": questions.year_programme(rounds),
        "seminar_sizes": questions.seminar_sizes(asked, quick=True),
        "seminar_variants": questions.seminar_variants(asked, plan),
        "seminar_one_more": questions.one_more_leader(asked, plan),
    }
    return told | questions.planner_tables(asked, rounds)


@pytest.fixture(scope="module")
def region() -> Region:
    return read_region(CHECKOUT / "data", "khakassia")


def edition_of(region: Region, told: dict[str, pd.DataFrame]) -> Published:
    edition = Edition(
        region=region,
        period=Period.parse("2023"),
        origin="demonstration",
        as_of=date(2023, 12, 31),
        status="draft",
        root=CHECKOUT / "data",
    )
    published = Published(edition, "0123456789-1")
    published.__dict__["_results"] = type("Run", (dict,), {"manifest": {}})(told)
    return published


@pytest.fixture(scope="module")
def led(region) -> Published:
    """An edition with leaders and a joint family."""
    return edition_of(region, run_of(needs(region)))


@pytest.fixture(scope="module")
def unled(region) -> Published:
    """An edition whose region sent no table of methodists."""
    return edition_of(region, run_of(needs(region, with_leaders=False)))


@pytest.fixture(autouse=True)
def bokeh() -> None:
    figures.use("bokeh")


def page(published: Published, **choices: str) -> pn.Column:
    state = State([published])
    state.param.update(page="groups", **choices)
    return groups.view(state)


def planned(region: Region) -> Trial:
    return Trial.as_planned(region)


# --- the page -----------------------------------------------------------------------------------


def test_the_page_of_an_edition_with_leaders(led):
    words = said(page(led))
    for heading in (
        "Критерий плана — число результатов не выше порога, закрытых темами групп, минус 0,5",
        "Кто остаётся без группы и почему",
        "Где собираются, хватает ли ведущих, что мешает",
        "Нагрузка каждого",
        "Темами групп не закрыто",
        "За год темы групп закрывают",
        "По 10–20 человек в группе",
        "Что, если…",
        wording.NO_HARM,
    ):
        assert heading.lower() in words.lower(), heading
    assert not re.search(r"\b(nan|NaN|None|NA|total|humanities|deficit|chance)\b", words)
    assert not re.search(r"\d\.\d+\s*%", words)


def test_without_leaders_the_page_says_so_and_asks_nothing_about_them(unled):
    view = page(unled)
    words = said(view)
    assert "Группы без ведущих: нет таблицы «РМА»." in words
    assert "Что дал бы ещё один ведущий, не посчитано: нет таблицы «РМА»" in words
    assert "не назначен" not in words
    labels = {select.label for select in view.select(parts.pmui.Select)}
    assert "Ещё один ведущий" not in labels and "Что считать дефицитом" in labels


def test_a_joint_family_is_chosen_and_kept_in_the_address(led):
    state = State([led])
    state.restore({"page": "groups", "family": "humanities"})
    assert (state.family, state.notice) == ("humanities", "")
    assert "Гуманитарные предметы: 1 группа" in said(groups.view(state))


def test_a_member_is_a_pseudonym_and_the_topics_of_the_group_that_it_needs(led, region):
    found = led.table("seminar_groups")
    group = found[found["family"] == "mathematics"].iloc[0]
    members = led.table("seminar_members")
    mine = sorted(members.loc[members["group_id"] == group["group_id"], "person_id"])
    html = groups._people(led, pd.Series(mine), group["topics"])
    rows = re.findall(r'<td class="id">(\w+)</td><td>(.*?)</td>', html)
    assert [person for person, _ in rows] == mine
    deficits = needs(region).deficits
    for person, words in rows:
        own = [t for t in group["topics"] if deficits.loc[person, t]]
        names = ", ".join(region.domain_names[topic] for topic in own)
        assert words == (names or "дополняет группу")


def test_leaders_stand_in_the_order_of_their_pseudonyms_not_of_their_load(led):
    view = said(page(led, family="primary"))
    first, second = LEADERS[0][0], LEADERS[1][0]
    assert "2 ведущих и нагрузка каждого" in view
    told = view.partition("нагрузка каждого")[2]
    assert told.index(first) < told.index(second)


def test_where_groups_meet_stands_beside_each(led):
    words = said(page(led))
    assert "Где Из других мест Ведущий" in words
    place = led.table("seminar_groups").assign(zone=None)
    assert "Из других мест" not in said(page(altered(led, seminar_groups=place)))


def test_every_chart_can_be_read_as_a_table(led, region):
    view = page(led)
    for button in view.select(parts.pmui.Button):
        if button.label == "Таблица":
            button.clicks += 1
    assert not view.select(pn.pane.HoloViews)
    words = said(view)
    for heading in (
        "Предметная группа Предметные Методические",  # topics by family
        "Предметная группа Ведущих Ведут групп Могут вести Педагогов",
        "Предметная группа Компетенция С таким результатом В группе с другими темами Без группы",
        "Предметная группа Раунд Групп В группах Закрыто с начала года",
        "Раунд Предметная группа Тема Групп Тема нужна Из",
        "Человек в группе Групп В группах Закрыто темами Нужных тем До лучшего плана не более",
        "План Групп В группах Закрыто результатов по правилу документа Закрыто ожидаемых",
    ):
        assert heading in words, heading
    assert not re.search(r"\b(nan|NaN|None|NA|total|humanities|primary|ict)\b", words)


def test_tables_follow_the_order_of_the_region(led, region):
    rows = planner._uncovered_table(led, led.table("seminar_uncovered"))
    names = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td>", rows)
    families = ["Все предметы", *(region.group_families[code] for code in PEOPLE)]
    topics = list(region.competence_names.values())
    assert names == [(family, topic) for family in families for topic in topics]
    year = planner._year_table(led, led.table("seminar_year"))
    told = re.findall(r'<tr><td>(.*?)</td><td class="num">(\d)</td>', year)
    assert told[:3] == [("Все предметы", "1"), ("Все предметы", "2"), (families[1], "1")]


def test_a_run_of_before_these_questions_shows_its_groups_and_what_to_do(led):
    new = [name for name in led._results if name not in
           ("seminar_plan", "seminar_groups", "seminar_members", "seminar_topics")]  # fmt: skip
    old = without(led, *new)
    words = said(page(old))
    assert "Ведущие, программа года и другие планы" in words
    assert "Выполните: nmc run khakassia/2023" in words
    people = set(led.table("seminar_members")["person_id"])
    assert len(people & set(re.findall(r"\b[0-9a-f]{20}\b", words))) >= 12


def test_an_edition_where_no_group_could_be_made(region):
    asked = needs(region)
    alone = Needs(**vars(asked) | {"deficits": asked.deficits * 0, "chances": asked.chances[:0]})
    words = said(page(edition_of(region, run_of(alone))))
    assert "Результатов не выше порога нет: группы не нужны." in words
    assert "Ни одной группы не составлено." in words
    assert "Что, если" not in words


def test_what_others_wrote_is_escaped(led):
    members = led.table("seminar_members").assign(reason_label="<b>x</b>")
    members["group_id"] = members["group_id"].mask(members.duplicated("group_id"))
    html = " ".join(
        pane.object for pane in page(altered(led, seminar_members=members)).select(pn.pane.HTML)
    )
    assert "<b>x</b>" not in html and "&lt;b&gt;x" in html


# --- what if ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "request_"),
    [
        ({}, {}),
        ({"least": 10, "greatest": 20}, {"size": (10, 20)}),
        ({"topics": 1}, {"topics": 1}),
        ({"unneeded_cost": 2.0}, {"unneeded_cost": 2.0}),
        ({"with_leaders": False}, {"leaders": None}),
    ],
)
def test_a_trial_is_the_same_call_of_the_planner(led, region, changed, request_):
    trial = Trial(**vars(planned(region)) | changed)
    found = tried(led, trial)
    asked = needs_of(led.table("seminar_needs"), led.table("seminar_leaders"), region)
    plan = seminar_groups(**asked.request(**request_), quick=True)
    assert found.tried["plan_groups"] == len(plan.groups)
    assert found.tried["plan_persons"] == plan.members["group_id"].notna().sum()
    assert found.tried["plan_coverage"] == pytest.approx(plan.coverage)
    assert found.tried["plan_precision"] == pytest.approx(plan.precision)
    assert (found.tried["plan_gap"], found.notes) == (plan.gap, plan.notes)
    assert found.persons == sum(PEOPLE.values())
    now = led.table("seminar_plan").query("family == 'total'").set_index("measure")["estimate"]
    assert found.now == now.to_dict()


def test_the_published_needs_are_those_the_plan_was_made_from(led, region):
    back = needs_of(led.table("seminar_needs"), led.table("seminar_leaders"), region)
    pd.testing.assert_frame_equal(needs_table(back), needs_table(needs(region)), check_dtype=False)


def test_one_more_leader_adds_a_group_where_leaders_are_short(led, region):
    short = planned(region)
    more = Trial(**vars(short) | {"one_more": "primary"})
    few, many = tried(led, short).tried, tried(led, more).tried
    assert many["plan_groups"] == few["plan_groups"] + 1
    assert many["plan_coverage"] > few["plan_coverage"]
    assert (
        tried(led, Trial(**vars(short) | {"with_leaders": False})).tried["plan_groups"]
        >= (many["plan_groups"])
    )


@pytest.mark.parametrize("family", list(PEOPLE))
def test_one_more_leader_alone_is_what_the_page_says_of_it(led, region, family):
    found = tried(led, Trial(**vars(planned(region)) | {"one_more": family}))
    rows = led.table("seminar_one_more").query("family == @family").set_index("measure")
    persons, covered = rows.loc[["leader_persons", "leader_covered"], "estimate"]
    now, due = found.now, needs(region).deficits.to_numpy().sum()
    assert found.tried["plan_persons"] - now["plan_persons"] == persons
    assert (found.tried["plan_coverage"] - now["plan_coverage"]) * due == pytest.approx(covered)
    assert found.is_proven and not found.is_quick
    assert found.tried["plan_gap"] <= now["plan_gap"] + 1e-9, "both are proven to be the best"


def test_one_more_leader_plans_no_other_family(led, region, monkeypatch):
    asked = []

    def watch(**request) -> object:
        asked.append((set(request["family"]), request.get("quick", False)))
        return seminar_groups(**request)

    monkeypatch.setattr(trying, "seminar_groups", watch)
    trying._tried.cache_clear()
    tried(led, Trial(**vars(planned(region)) | {"one_more": "primary"}))
    assert asked == [({"primary"}, False)]


def test_a_change_within_the_proven_gaps_is_told_as_such(led, region):
    plan = led.table("seminar_plan")
    is_gap = plan["measure"] == "plan_gap"
    loose = altered(led, seminar_plan=plan.assign(estimate=plan["estimate"].mask(is_gap, 0.5)))
    trial = Trial(**vars(planned(region)) | {"one_more": "humanities"})
    found = tried(loose, trial)
    assert not found.is_proven and found.tried["plan_gap"] == pytest.approx(0.5)
    told = text(what_if.answer_html(loose, trial, found))
    assert "Разница меньше доказанной точности планов" in told
    assert "Проба считается быстро" not in told


def test_the_same_conditions_are_not_planned_again(led, monkeypatch):
    monkeypatch.setattr(what_if, "tried", lambda *_: {}["nothing is planned"])
    assert ask(what_if.WhatIf(led)) == (
        "Условия те же, что у плана: разницы нет. Измените хотя бы одно."
    )


def test_the_analytic_variant_is_compared_for_the_same_people(led, region):
    found = tried(led, Trial(**vars(planned(region)) | {"basis": "chance"}))
    assert found.persons == 65, "13 people have no probability"
    now = led.table("seminar_variants").query("basis == 'result'").set_index("measure")
    assert found.now == now["estimate"].to_dict()
    plan = seminar_groups(**needs(region).request("chance"), quick=True)
    assert found.tried["plan_expected_coverage"] == plan.coverage
    html = text(
        what_if.answer_html(led, Trial(**vars(planned(region)) | {"basis": "chance"}), found)
    )
    assert "65 чел., вероятность дефицита которых известна" in html
    assert "Ожидаемых истинных результатов ≤ порога закрыто темами" in html
    assert "никакой план не лучше пробы по её критерию более чем на" in html


def test_without_probabilities_only_the_result_is_offered(led):
    bare = altered(led, seminar_variants=led.table("seminar_variants")[:0])
    assert has_chances(led) and not has_chances(bare)
    assert list(what_if.WhatIf(bare).basis.options.values()) == ["result"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"least": 20, "greatest": 12}, "Наименьший размер группы больше наибольшего (20 и 12)"),
        ({"least": None}, "Человек в группе — целое число от 1 до 200"),
        ({"greatest": 201}, "Человек в группе — целое число от 1 до 200"),
        ({"least": 12.5}, "Человек в группе — целое число от 1 до 200"),
        ({"least": float("nan")}, "Человек в группе — целое число от 1 до 200"),
        ({"topics": 2.5}, "Тем в группе — целое число от 1 до 5"),
        ({"unneeded_cost": None}, "Цена ненужной темы — число от 0 до 10"),
        (
            {"with_leaders": False, "one_more": "primary"},
            "Ведущие не ограничивают, и ещё один ничего не изменит",
        ),
        ({"topics": 0}, "Тем в группе — целое число от 1 до 5"),
        ({"topics": None}, "Тем в группе — целое число от 1 до 5"),
        ({"unneeded_cost": -0.1}, "Цена ненужной темы — число от 0 до 10"),
    ],
)
def test_wrong_conditions_are_refused_with_what_to_do(led, region, changed, told):
    with pytest.raises(WrongConditions, match=re.escape(told)) as refused:
        tried(led, Trial(**vars(planned(region)) | changed))
    assert str(refused.value).endswith(".")


def test_too_many_sets_of_topics_are_refused_before_the_planner_does():
    Trial(12, 25, 4, 0.5).check(20, 6195)
    with pytest.raises(WrongConditions, match="Наборов до 5 тем из 20 компетенций слишком много"):
        Trial(12, 25, 5, 0.5).check(20, 6195)


def test_a_trial_is_remembered_and_changes_nothing(led, region):
    trial = Trial(**vars(planned(region)) | {"least": 11})
    before = {name: led.table(name).copy() for name in led._results}
    assert tried(led, trial) is tried(led, trial)
    for name, table in before.items():
        pd.testing.assert_frame_equal(table, led.table(name))


def ask(asked: what_if.WhatIf) -> str:
    """Press the button, and what stands below it after."""
    asyncio.run(asked._ask(None))
    assert not asked.button.disabled and not asked.button.loading
    return said(asked.answer)


def test_the_answer_stands_beside_the_plan_with_the_difference(led):
    asked = what_if.WhatIf(led)
    asked.least.value, asked.greatest.value = 10, 20
    words = ask(asked)
    assert words.startswith("Проба: 10–20 человек, тем до 3, цена ненужной темы 0,5, по результату")
    now, new = (led_numbers(led, 12, 25), led_numbers(led, 10, 20))
    change = wording.number(new - now)
    sign = "+" if new > now else ""
    published = led.table("seminar_plan").query("family == 'total' and measure == 'plan_groups'")
    assert published["estimate"].item() == now
    assert f"Групп {now:.0f} {new:.0f} {sign}{change}" in words
    assert "Лучший возможный план лучше не более чем на" in words
    assert "План и проба — для 78 чел. Проба считается быстро" in words


def led_numbers(led: Published, least: int, greatest: int) -> float:
    asked = needs_of(led.table("seminar_needs"), led.table("seminar_leaders"), led.region)
    plan = seminar_groups(
        **asked.request(size=(least, greatest)), quick=(least, greatest) != (12, 25)
    )
    return float(len(plan.groups))


def test_wrong_input_is_a_sentence_in_place_of_the_answer(led):
    asked = what_if.WhatIf(led)
    asked.least.value = 30
    assert ask(asked) == (
        "Наименьший размер группы больше наибольшего (30 и 25): поменяйте их местами."
    )


def test_what_nobody_foresaw_is_logged_and_leaves_the_card_in_use(led, monkeypatch, caplog):
    asked = what_if.WhatIf(led)
    asked.least.value = 11
    monkeypatch.setattr(what_if, "tried", lambda *_: {}["secret"])
    assert ask(asked).startswith("Проба не посчитана: внутренняя ошибка записана в журнал.")
    assert "KeyError: 'secret'" in caplog.text


def test_a_trial_is_planned_beside_the_event_loop(led, monkeypatch):
    threads = []

    def watch(published: Published, trial: Trial) -> object:
        threads.append(threading.current_thread())
        return tried(published, trial)

    monkeypatch.setattr(what_if, "tried", watch)
    asked = what_if.WhatIf(led)
    asked.least.value = 11
    ask(asked)
    assert threads and threads[0] is not threading.main_thread()


def test_the_card_says_that_nothing_is_kept(led):
    assert "Проба: опубликованный план не меняется" in said(what_if.card(led))
    without_needs = without(led, "seminar_needs")
    assert "Выполните: nmc run khakassia/2023" in said(what_if.card(without_needs))
    empty = altered(led, seminar_needs=led.table("seminar_needs")[:0])
    assert "Составлять группы не для кого." in said(what_if.card(empty))


# --- a manual move ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cost", "gap", "is_proven", "said_"),
    [
        (1.5, 0.0, True, "критерий плана станет меньше на 1,5"),
        (0.0, 0.0, True, "критерий плана не изменится"),
        (1.5, 0.01, True, "критерий плана станет меньше на 1,5. Это оценка: план с перемещением"),
        (0.5, 0.01, False, "что критерий плана станет меньше, не доказано: разница меньше"),
    ],
)
def test_the_cost_of_a_move_is_told_as_far_as_it_is_proven(cost, gap, is_proven, said_):
    nobody = pd.DataFrame()
    found = Moved(cost, gap, 0, 0, nobody, nobody, None, nobody, is_proven)
    assert manual._cost(found).startswith(said_)


# --- papers -------------------------------------------------------------------------------------


@pytest.fixture
def made(monkeypatch) -> Iterator[list[str]]:
    """In place of the papers a note of the tables they were asked to be made from."""
    given: list[str] = []

    def papers(from_tables, edition):
        given.append(f"{edition.key}: {len(from_tables)}")
        return {name: name.encode() for name in list(downloads.BUTTONS.values())[:3]}

    monkeypatch.setattr(downloads, "group_papers", papers)
    downloads._papers.cache_clear()
    yield given
    downloads._papers.cache_clear()


def test_a_button_of_papers_is_made_without_a_warning():
    now = SimpleNamespace(edition=SimpleNamespace(key="khakassia/2023"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        button = downloads._button(now, "Списки групп", "Группы.xlsx", parts.column())
    assert button.variant == "outlined" and button.filename == "Группы khakassia 2023.xlsx"


def buttons(view: pn.Column) -> dict[str, parts.pmui.FileDownload]:
    return {button.label: button for button in view.select(parts.pmui.FileDownload)}


def test_papers_are_made_once_and_only_when_asked_for(led, made):
    found = buttons(downloads.bar(led))
    assert list(found) == [
        "Списки групп (xlsx)",
        "Листы ведущих (xlsx)",
        "Календарь (ics)",
        "Все файлы (zip)",
    ]
    assert made == []
    content = asyncio.run(found["Календарь (ics)"].callback())
    assert content.read().decode() == "Календарь.ics"
    assert found["Календарь (ics)"].filename == "Календарь khakassia 2023.ics"
    asyncio.run(found["Списки групп (xlsx)"].callback())
    assert len(made) == 1


def test_the_archive_holds_all_papers_and_is_the_same_each_time(led, made):
    content = downloads.paper(led, "Группы.zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["Группы.xlsx", "Листы ведущих.xlsx", "Календарь.ics"]
        assert archive.read("Группы.xlsx").decode() == "Группы.xlsx"
    assert downloads.paper(led, "Группы.zip") == content


def test_a_paper_that_cannot_be_made_says_why(led, made, monkeypatch, caplog):
    view = downloads.bar(led)
    monkeypatch.setattr(downloads, "group_papers", lambda *_: {}["secret"])
    with pytest.raises(KeyError):
        asyncio.run(buttons(view)["Календарь (ics)"].callback())
    assert "Файл не сделан: внутренняя ошибка записана в журнал" in said(view)


def test_a_run_without_what_papers_need_offers_none(led):
    assert not buttons(downloads.bar(without(led, "seminar_meetings")))
