"""«Переместить вручную» without a browser: each answer beside another way to the same number."""

from __future__ import annotations

import asyncio
import re
import threading

import pandas as pd
import panel as pn
import pytest
import yaml
from conftest import CHECKOUT
from dashboard_pages import altered, said, text, without
from test_dashboard_groups import bokeh, edition_of, led, needs, page, run_of

from dashboards import manual, trying
from dashboards.store import Published
from dashboards.trying import ImpossibleMove, Moved, moved
from nmc_utils.editions import KeptGroups
from nmc_utils.measures.plan_check import check_plan
from nmc_utils.measures.seminar_needs import needs_of
from nmc_utils.measures.seminars import Grouping, seminar_groups
from nmc_utils.regions import Region, read_region

__all__ = ["bokeh", "led"]  # fixtures


@pytest.fixture(scope="module")
def region() -> Region:
    return read_region(CHECKOUT / "data", "khakassia")


@pytest.fixture(scope="module")
def unled(region) -> Published:
    """Several groups in a family, as no leader limits them."""
    return edition_of(region, run_of(needs(region, with_leaders=False)))


def homes(published: Published, family: str = "primary") -> dict[str, list[str]]:
    """Members of the groups of a family."""
    groups, members = published.table("seminar_groups"), published.table("seminar_members")
    of = members.groupby("group_id")["person_id"].agg(sorted)
    return {code: of[code] for code in groups.loc[groups["family"] == family, "group_id"]}


def first_move(published: Published) -> tuple[str, str, bool]:
    """The first member of the first group, pinned to the second."""
    own = homes(published)
    (_, members), (other, _) = list(own.items())[:2]
    return members[0], other, True


def with_moves(published: Published, *moves: tuple[str, str, bool]) -> Published:
    """The same run, made with moves of the definition."""
    rows = [{"person": who, "group": where, "pinned": pin} for who, where, pin in moves]
    kept = KeptGroups.model_validate({"keep": "0123456789-2", "moves": rows})
    other = altered(published)
    other.edition = published.edition.model_copy(update={"groups": kept})
    return other


def planned(published: Published, *moves: tuple[str, str, bool]):
    """The family's plan with moves, by the planner itself."""
    asked = needs_of(
        published.table("seminar_needs"), published.table("seminar_leaders"), published.region
    )
    own = trying.needs_of_families(asked, asked.family.index[asked.family == "primary"])
    fixed = pd.DataFrame(moves, columns=["person_id", "group_id", "pinned"])
    last = trying._last(published)
    return own, seminar_groups(**own.request(previous=last, fixed=fixed))


@pytest.mark.parametrize("pinned", [True, False])
def test_cost_and_counts_are_those_of_two_plans(unled, pinned):
    person, other, _ = first_move(unled)
    own_group = next(iter(homes(unled)))
    move = (person, other if pinned else own_group, pinned)
    found = moved(unled, *move)
    _, free = planned(unled)
    asked, held = planned(unled, move)
    assert found.cost == pytest.approx(free.utility - held.utility)
    before = unled.table("seminar_members").set_index("person_id")["group_id"]
    after = held.members.set_index("person_id")["group_id"]
    others = [
        who
        for who in asked.family.index
        if who != person and pd.notna(before[who]) and before[who] != after[who]
    ]
    assert found.others == len(others)
    assert set(others) <= set(found.persons.index) and person not in found.persons.index
    assert found.others_bound <= found.others
    assert (found.group == other) if pinned else (found.group != own_group)


def test_sizes_before_are_published_and_after_count_who_stays_and_who_comes(unled):
    move = first_move(unled)
    found = moved(unled, *move)
    own = homes(unled)
    now = {group: set(members) for group, members in own.items()}
    for members in now.values():
        members -= {move[0], *found.persons.index}
    now[move[1]].add(move[0])
    for person, group in found.persons["after"].dropna().items():
        now.setdefault(group, set()).add(person)
    told = found.groups
    assert told["before"].to_dict() == {g: len(own.get(g, ())) for g in told.index}
    assert told["after"].to_dict() == {g: len(now.get(g, ())) for g in told.index}


def test_a_plan_with_a_move_is_one_that_the_checker_passes(unled):
    move = first_move(unled)
    asked, held = planned(unled, move)
    assert isinstance(held, Grouping)
    request = asked.request(previous=trying._last(unled))
    request["fixed"] = pd.DataFrame([move], columns=["person_id", "group_id", "pinned"])
    assert check_plan(held, **request) == []


def test_moves_of_the_definition_hold_as_well_and_contradicting_ones_give_way(unled):
    (first, mine), (second, theirs) = list(homes(unled).items())[:2]
    kept, again = (mine[1], first, True), (mine[0], first, True)
    found = moved(with_moves(unled, kept, again), mine[0], second, True)
    assert list(found.moves.itertuples(index=False, name=None)) == [kept, (mine[0], second, True)]
    assert mine[1] not in found.persons.index
    banned = moved(with_moves(unled, (mine[0], second, False)), mine[0], second, True)
    assert len(banned.moves) == 1 and banned.group == second
    gone = moved(with_moves(unled, (theirs[0], "primary-99", False)), mine[0], second, True)
    assert len(gone.moves) == 1, "a group that the published plan has not is no group to keep"


def test_a_move_is_remembered_and_changes_nothing(unled):
    move = first_move(unled)
    before = {name: unled.table(name).copy() for name in unled._results}
    assert moved(unled, *move) is moved(unled, *move)
    for name, table in before.items():
        pd.testing.assert_frame_equal(table, unled.table(name))


def test_without_a_leader_the_refusal_names_the_leader(led):
    bare = altered(led, seminar_leaders=led.table("seminar_leaders").assign(max_groups=0))
    group, members = next(iter(homes(led).items()))
    with pytest.raises(ImpossibleMove, match="нет ведущего со свободной нагрузкой"):
        moved(bare, members[0], group, True)


def test_with_too_few_people_the_refusal_names_the_sizes(unled):
    group, members = next(iter(homes(unled).items()))
    needs_ = unled.table("seminar_needs")
    few = needs_[(needs_["family"] != "primary") | needs_["person_id"].isin(members[:5])]
    with pytest.raises(ImpossibleMove, match="должно быть 12–25 чел."):
        moved(altered(unled, seminar_needs=few), members[0], group, True)


# --- the card -----------------------------------------------------------------------------------


def card(published: Published) -> manual.ManualMove:
    groups = published.table("seminar_groups")
    mine = groups[groups["family"] == "primary"].reset_index(drop=True)
    return manual.ManualMove(published, mine, {code: f"№ {code[-1]}" for code in mine["group_id"]})


def ask(asked: manual.ManualMove) -> str:
    asyncio.run(asked._ask(None))
    assert not asked.button.disabled and not asked.button.loading
    return said(asked.answer)


def test_members_stand_by_pseudonym_and_all_other_groups_are_offered(unled):
    asked, own = card(unled), homes(unled)
    first, *others = own
    assert list(asked.member.options.values()) == own[first]
    assert asked.target.options == {
        **{f"Закрепить в № {code[-1]}": code for code in others},
        f"Не ставить в № {first[-1]}": manual._OUT,
    }
    assert asked.move == (own[first][0], others[0], True)
    asked.target.value = manual._OUT
    assert asked.move == (own[first][0], first, False)


def test_the_card_follows_the_group_that_the_page_shows(unled):
    view = page(unled, family="primary")
    selects = {select.label: select for select in view.select(pn.widgets.Widget)
               if hasattr(select, "options")}  # fmt: skip
    codes = list(homes(unled))
    selects["Группа"].value = codes[1]
    assert list(selects["Участник"].options.values()) == homes(unled)[codes[1]]


def test_the_answer_tells_cost_others_and_how_to_keep_it(unled):
    asked = card(unled)
    words, found = ask(asked), moved(unled, *asked.move)
    person, group, _ = asked.move
    assert words.startswith(f"Проба: {person} — закрепить в № {group[-1]}")
    cost = f"{found.cost:g}".replace(".", ",")
    told = f"станет меньше на {cost}." if found.cost else "не изменится."
    assert f"Критерий плана {told}" in words
    for other in found.persons.index:
        assert other in words
    assert "nmc run khakassia 2023" in words
    assert not re.search(r"\b(nan|NaN|None|True|False)\b", words)
    shown = asked.answer[0].object
    kept = yaml.safe_load(
        text(shown[shown.index("<pre") :].replace("\n", "\x01")).replace("\x01", "\n")
    )
    assert KeptGroups.model_validate(kept["groups"]).moves[0].model_dump() == {
        "person": person,
        "group": group,
        "pinned": True,
    }


def test_a_pseudonym_of_digits_stays_text_in_the_lines_to_copy(unled):
    moves = pd.DataFrame([("00000000000000000012", "primary-01", False)],
                         columns=["person_id", "group_id", "pinned"])  # fmt: skip
    lines = manual.as_yaml(unled, told(moves=moves))
    assert yaml.safe_load(lines)["groups"]["moves"][0]["person"] == "00000000000000000012"


def told(**changed: object) -> Moved:
    values = dict(cost=1.5, gap=0.0, others=0, others_bound=0, persons=pd.DataFrame(),
                  groups=pd.DataFrame(), group=None, moves=pd.DataFrame())  # fmt: skip
    return Moved(**values | changed)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "критерий плана станет меньше на 1,5"),
        ({"cost": 10.0}, "критерий плана станет меньше на 10"),
        ({"cost": 0.0}, "критерий плана не изменится"),
        ({"gap": 0.01}, "Это оценка: план с перемещением мог бы быть лучше ещё на"),
        ({"gap": 0.01, "is_proven": False}, "не доказано: разница меньше доказанной точности"),
    ],
)
def test_the_cost_is_told_as_far_as_it_is_proven(changed, words):
    assert words in manual._cost(told(**changed))


@pytest.mark.parametrize(
    ("others", "bound", "words"),
    [
        (0, 0, "больше никто из групп не переходит"),
        (3, 3, "; меньше при той же пользе плана нельзя: доказано"),
        (3, 2, "доказано, что при той же пользе плана меньше 2 нельзя"),
        (3, 0, "можно ли меньше при той же пользе плана, не доказано"),
    ],
)
def test_fewest_is_claimed_only_where_it_is_proven(others, bound, words):
    assert words in manual._others(told(others=others, others_bound=bound))


def test_topics_of_the_new_group_are_told_from_the_persons_deficits(unled, region):
    move = first_move(unled)
    found = moved(unled, *move)
    line = manual._of_topics(unled, move[0], found, {})
    deficits = needs(region).deficits.loc[move[0]]
    new = found.groups.loc[found.group, "topics_after"]
    unneeded = [region.domain_names[t] for t in new if not deficits[t]]
    listed = re.search(r"ненужные темы — (.*?)(;|$)", line)
    assert set(re.findall("«(.*?)»", listed[1] if listed else "")) == set(unneeded)


def test_a_refusal_is_a_sentence_in_place_of_the_answer(unled, monkeypatch):
    def refuse(*_: object) -> Moved:
        raise ImpossibleMove("Так не получится.")

    monkeypatch.setattr(manual, "moved", refuse)
    assert ask(card(unled)) == "Так не получится."


def test_what_nobody_foresaw_is_logged_and_leaves_the_card_in_use(unled, monkeypatch, caplog):
    monkeypatch.setattr(manual, "moved", lambda *_: {}["secret"])
    assert ask(card(unled)).startswith("Проба не посчитана: внутренняя ошибка записана в журнал.")
    assert "KeyError: 'secret'" in caplog.text


def test_an_answer_stands_beside_its_own_choices_alone(unled, monkeypatch):
    asked = card(unled)
    ask(asked)
    asked.target.value = manual._OUT
    assert len(asked.answer) == 0

    def meanwhile(*_: object) -> Moved:
        asked.member.value = list(asked.member.options.values())[1]
        return told()

    monkeypatch.setattr(manual, "moved", meanwhile)
    monkeypatch.setattr(manual, "answer_html", lambda *_: "")
    assert ask(asked) == "" and len(asked.answer) == 0


def test_a_move_is_planned_beside_the_event_loop(unled, monkeypatch):
    threads = []

    def watch(*move: object) -> Moved:
        threads.append(threading.current_thread())
        return moved(*move)

    monkeypatch.setattr(manual, "moved", watch)
    ask(card(unled))
    assert threads and threads[0] is not threading.main_thread()


def test_a_family_of_one_group_offers_to_keep_out_alone(led):
    groups = led.table("seminar_groups")
    mine = groups[groups["family"] == "humanities"].reset_index(drop=True)
    assert len(mine) == 1
    asked = manual.ManualMove(led, mine, {mine["group_id"][0]: "№ 1"})
    assert list(asked.target.options) == ["Не ставить в № 1"]
    assert "Критерий плана" in ask(asked)


def test_a_run_of_before_the_needs_has_no_such_card(unled):
    assert manual.TITLE in said(page(unled))
    assert manual.TITLE not in said(page(without(unled, "seminar_needs")))
