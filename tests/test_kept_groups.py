"""Groups that a rerun keeps and moves made by hand: from ``edition.yaml`` to the sentence."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nmc_utils import findings
from nmc_utils.editions import DefinitionError, Edition, edition
from nmc_utils.history import verify
from nmc_utils.measures.dictionary import check_measures
from nmc_utils.measures.kept_groups import groups_kept, kept_tables, last_groups
from nmc_utils.measures.plan_check import check_plan
from nmc_utils.measures.seminar_needs import Needs
from nmc_utils.measures.seminar_questions import needs_of_families, one_more_leader, seminar_year
from nmc_utils.measures.seminar_tables import members_and_reasons
from nmc_utils.measures.seminars import Grouping, SeminarPlan, seminar_groups
from nmc_utils.results import (
    RUN_FOLDER,
    ResultsError,
    begin,
    kept_run,
    publish,
    results_folder,
    stage,
)
from nmc_utils.results import published as read_run
from nmc_utils.seminar_settings import Seminars

RUN, LATER = "0123456789-1", "0123456789-2"
ABOUT = "origin: demonstration\nperiod_kind: calendar_year\nas_of: 2023-12-31\n"
NO_RUN = "сначала выполните nmc run без этого ключа"


def write(root: Path, groups: str = "", about: str = ABOUT) -> Edition:
    """The edition khakassia/2023 with this key `groups`; changed text gets a time of its own."""
    path = root / "regions" / "khakassia" / "2023" / "edition.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(about + groups, "utf-8")
    return edition("khakassia", "2023", root)


def keep(*moves: tuple[str, str, bool], run: str = RUN) -> str:
    lines = [
        f"    - {{person: {person}, group: {group}, pinned: {str(pinned).lower()}}}\n"
        for person, group, pinned in moves
    ]
    return f"groups:\n  keep: {run}\n" + ("  moves:\n" + "".join(lines) if lines else "")


def needs_of(**families: str) -> Needs:
    """Persons by family, their deficits in domains subject (s) and methodical (m): "s s sm"."""
    rows = [
        (f"{family}{number:02d}", family, "s" in row, "m" in row)
        for family, people in families.items()
        for number, row in enumerate(people.split())
    ]
    table = pd.DataFrame(rows, columns=["person_id", "family", "subject", "methodical"])
    table = table.set_index("person_id")
    deficits = table[["subject", "methodical"]].astype("int8")
    return Needs(
        deficits=deficits,
        chances=deficits.iloc[:0].astype(float),
        family=table["family"],
        zone=pd.Series(None, table.index, dtype="str"),
        leaders=None,
        settings=Seminars(size=(3, 6), topics=1, rounds=2),
        joint={},
        barred={},
        distances=None,
    )


NEEDS = needs_of(primary="s s s s m m m m", preschool="s s s")


def publish_plan(
    of: Edition, run: str, plan: SeminarPlan, needs: Needs, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Publish the tables of a plan as notebook 04 stages them; one person was not assessed."""
    folder = begin(of, run)
    family = pd.concat([needs.family, pd.Series({"absent": "primary"})])
    groups = plan.groups.assign(topics=plan.groups["topics"].map(list))
    with monkeypatch.context() as inside:
        inside.setenv(RUN_FOLDER, str(folder))
        stage("seminar_groups", of.keyed(groups))
        stage("seminar_members", of.keyed(members_and_reasons(plan, family)))
    return publish(of, run, {"definition": of.digest})


@pytest.fixture
def first(root: Path, monkeypatch: pytest.MonkeyPatch) -> SeminarPlan:
    """The plan of `NEEDS`, published as `RUN` by an edition that keeps nothing."""
    plan = seminar_groups(**NEEDS.request())
    publish_plan(write(root), RUN, plan, NEEDS, monkeypatch)
    return plan


def group_of(plan: Grouping) -> pd.Series:
    return plan.members.set_index("person_id")["group_id"]


# --- the definition -------------------------------------------------------------------------------


def test_the_key_is_part_of_the_digest_and_an_edition_without_it_has_the_old_one(root):
    plain = write(root)
    later = {"root": True, "status": True, "collection": True, "region": {"retention"}}
    without = plain.model_dump_json(exclude=later | {"groups": True})
    assert plain.digest == hashlib.sha256(without.encode()).hexdigest()
    kept = write(root, keep())
    moved = write(root, keep(("p", "primary-01", True)))
    banned = write(root, keep(("p", "primary-01", False)))
    assert len({entry.digest for entry in (plain, kept, moved, banned)}) == 4
    assert write(root).digest == plain.digest
    assert moved.groups.moves[0].person == "p" and moved.groups.keep == RUN


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ("groups:\n  moves: []\n", "строка 4, ключ groups.keep: обязателен, но не указан"),
        (keep(run="last"), "строка 5, ключ groups.keep: «last» не похоже на номер прогона"),
        (
            "groups:\n  keep: 0123456789-1\n  moves:\n    - {person: p, group: g}\n",
            "строка 7, ключ groups.moves.0.pinned: обязателен, но не указан",
        ),
        (
            "groups:\n  keep: 0123456789-1\n  moves:\n    - {person: p, group: g, pinned: 1}\n",
            "строка 7, ключ groups.moves.0.pinned: «1» не подходит; допустимо: true, false",
        ),
        (
            "groups:\n  keep: 0123456789-1\n  moves:\n    - {person: 12, group: g, pinned: true}\n",
            "ключ groups.moves.0.person: «12» не подходит; допустимо: текст в кавычках",
        ),
        (
            keep(("p", "g", True), ("p", "g", False)),
            "строка 8, ключ groups.moves.1: пара «p» и «g» повторяется; оставьте одну запись",
        ),
        (
            keep(("p", "g", True), ("p", "h", True)),
            "строка 8, ключ groups.moves.1.group: «p» уже закреплён за другой группой",
        ),
    ],
)
def test_a_wrong_key_gives_one_sentence_with_line_and_key(root, groups, message):
    with pytest.raises(DefinitionError) as refused:
        write(root, groups)
    text = str(refused.value)
    assert message in text and "edition.yaml" in text and "\n" not in text


# --- the run --------------------------------------------------------------------------------------


def test_without_the_key_nothing_is_read_whatever_is_published(root, first):
    plain = write(root)
    assert kept_run(plain) is None
    assert last_groups(None, NEEDS, plain) == (None, None)
    plan = seminar_year(NEEDS)[0].plan
    assert kept_tables(NEEDS, plan, None, None) == {}
    assert findings.kept_groups(None) == (
        "План составлен без оглядки на прежние группы: держаться их не задано."
    )


def test_groups_come_back_as_they_were_although_the_definition_has_changed(root, first):
    of = write(root, keep())
    with pytest.raises(ResultsError, match="определение региона изменено"):
        read_run(of, RUN)
    last, fixed = last_groups(kept_run(of), NEEDS, of)
    assert fixed is None
    pd.testing.assert_frame_equal(
        last.groups[["group_id", "family", "topics", "size"]],
        first.groups[["group_id", "family", "topics", "size"]],
        check_dtype=False,
    )
    was = group_of(last)
    assert was.drop("absent").equals(group_of(first).reindex(was.index).drop("absent"))
    assert pd.isna(was["absent"])
    again = seminar_year(NEEDS, last)[0].plan
    assert group_of(again).equals(group_of(first)) and again.moved == 0
    assert verify(root) == []


def test_the_named_run_is_kept_not_the_current_one(root, first, monkeypatch):
    smaller = needs_of(primary="s s s")
    publish_plan(write(root), LATER, seminar_groups(**smaller.request()), smaller, monkeypatch)
    of = write(root, keep())
    last, _ = last_groups(kept_run(of), NEEDS, of)
    assert len(last.groups) == len(first.groups) == 3


def test_a_run_that_is_not_there_is_refused_with_those_that_are(root, first):
    of = write(root, keep(run=LATER))
    reason = f"строка 5, ключ groups.keep: прогона {LATER} у издания нет; есть: {RUN}$"
    with pytest.raises(DefinitionError, match=reason):
        kept_run(of)


def test_a_first_run_has_nothing_to_keep(root):
    with pytest.raises(DefinitionError, match=f"есть: ни одного, {NO_RUN}"):
        kept_run(write(root, keep()))


def test_a_run_without_groups_is_refused(root, monkeypatch):
    of = write(root)
    begin(of, RUN)
    publish(of, RUN, {})
    nobody = needs_of(primary="s s")  # fewer than a group needs
    publish_plan(of, LATER, seminar_groups(**nobody.request()), nobody, monkeypatch)
    for run in (RUN, LATER):
        with pytest.raises(DefinitionError, match=f"keep: в прогоне {run} групп нет; укажите"):
            kept_run(write(root, keep(run=run)))


def test_a_run_of_records_of_another_origin_is_refused(root, first):
    of = write(root, keep(), ABOUT.replace("demonstration", "submitted"))
    reason = r"другого происхождения \(demonstration, а издание — submitted\); укажите"
    with pytest.raises(DefinitionError, match=reason):
        kept_run(of)


def test_a_changed_file_of_the_run_is_not_read(root, first):
    path = results_folder(root) / RUN / "khakassia/2023/restricted/seminar_members.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ResultsError, match="файл изменён после публикации"):
        kept_run(write(root, keep()))


def test_a_run_put_in_the_place_of_another_is_not_read(root, first):
    results = results_folder(root)
    (results / RUN).rename(results / LATER)
    with pytest.raises(ResultsError, match=f"манифест описывает khakassia/2023, прогон {RUN}"):
        kept_run(write(root, keep(run=LATER)))


# --- moves ----------------------------------------------------------------------------------------


def held(root: Path, needs: Needs, *moves: tuple[str, str, bool]):
    of = write(root, keep(*moves))
    return last_groups(kept_run(of), needs, of)


def test_a_pin_moves_one_person_and_its_cost_is_told(root, first):
    was = group_of(first)
    pin = ("primary00", was["primary07"], True)
    last, fixed = held(root, NEEDS, pin)
    rounds = seminar_year(NEEDS, last, fixed)
    plan = rounds[0].plan
    assert not check_plan(plan, **NEEDS.request(previous=last, fixed=fixed))
    now = group_of(plan)
    assert now["primary00"] == was["primary07"] and (now != was).sum() == 1
    tables = kept_tables(NEEDS, plan, last, fixed)
    kept = check_measures(tables["seminar_kept"]).set_index("measure")
    assert kept["estimate"].to_dict() == {"plan_moved": 1, "plan_moved_bound": 1}
    assert set(kept["n"]) == {11}
    move = tables["seminar_moves"].iloc[0]
    # A needed seat brought 1; one that is not needed costs 0.5.
    assert move["cost"] == 1.5 and move["family"] == "primary" and bool(move["pinned"])
    assert findings.kept_groups(tables["seminar_kept"]) == (
        "В прежних группах остались 10 из 11\u00a0чел.; перемещено 1, меньше при той же пользе "
        "нельзя: доказано."
    )
    number = was["primary07"][-1]
    region = write(root).region
    assert findings.manual_moves(tables["seminar_moves"], region) == (
        "Ручные перемещения: закрепление primary00 — "
        f"«{region.group_families['primary']}, №\u00a0{number}» стоит 1,5. Цена — на сколько выше "
        "была бы польза плана без этого перемещения (1 — нужная тема у одного участника); цены не "
        "складываются."
    )


def test_only_the_first_round_is_held(root, monkeypatch):
    needs = needs_of(primary="sm sm sm")
    plan = seminar_groups(**needs.request())
    publish_plan(write(root), RUN, plan, needs, monkeypatch)
    last, fixed = held(root, needs, ("primary00", "primary-01", True))
    rounds = seminar_year(needs, last, fixed)
    topics = [round_.plan.groups["topics"].item() for round_ in rounds]
    assert topics[0] == plan.groups["topics"].item() and set(topics[0]) != set(topics[1])


def test_moves_of_two_families_cost_what_each_costs_alone(root, first):
    was = group_of(first)
    pin = ("primary00", was["primary07"], True)
    ban = ("preschool00", was["preschool00"], False)
    last, fixed = held(root, NEEDS, pin, ban)
    plan = seminar_groups(**NEEDS.request(previous=last, fixed=fixed))
    costs = kept_tables(NEEDS, plan, last, fixed)["seminar_moves"]
    # Without one of its three the group of preschool teachers cannot open.
    assert costs["cost"].tolist() == [1.5, 3.0]
    for row, move in enumerate((pin, ban)):
        alone, own = held(root, NEEDS, move)
        one = kept_tables(NEEDS, plan, alone, own)["seminar_moves"]
        assert one["cost"].item() == costs["cost"][row]
    order = held(root, NEEDS, ban, pin)
    same = kept_tables(NEEDS, plan, *order)["seminar_moves"].iloc[::-1].reset_index(drop=True)
    pd.testing.assert_frame_equal(same, costs)


def test_a_pin_to_the_own_group_costs_nothing(root, first):
    was = group_of(first)
    last, fixed = held(root, NEEDS, ("primary00", was["primary00"], True))
    plan = seminar_year(NEEDS, last, fixed)[0].plan
    tables = kept_tables(NEEDS, plan, last, fixed)
    assert (
        findings.kept_groups(tables["seminar_kept"])
        == "В прежних группах остались все 11\u00a0чел."
    )
    assert "ничего не стоит" in findings.manual_moves(tables["seminar_moves"], write(root).region)


def test_a_newcomer_can_be_pinned(root, first):
    more = needs_of(primary="s s s s m m m m sm", preschool="s s s")
    group = group_of(first)["primary07"]
    last, fixed = held(root, more, ("primary08", group, True))
    plan = seminar_year(more, last, fixed)[0].plan
    assert group_of(plan)["primary08"] == group
    assert groups_kept(plan, last)["n"].tolist() == [11, 11]


def test_without_moves_the_table_of_moves_is_empty(root, first):
    last, fixed = held(root, NEEDS)
    tables = kept_tables(NEEDS, seminar_year(NEEDS, last, fixed)[0].plan, last, fixed)
    stage("seminar_moves", tables["seminar_moves"])
    assert findings.manual_moves(tables["seminar_moves"], write(root).region) == (
        "Ручных перемещений нет."
    )


def test_what_one_more_leader_brings_is_not_what_a_move_costs(root, first):
    leaders = pd.DataFrame(
        {"leader_id": ["l1"], "family": ["primary"], "zone": [None], "max_groups": [5]}
    ).assign(deficits=[()])
    needs = needs_of_families(NEEDS, NEEDS.family.index[NEEDS.family == "primary"])
    needs = replace(needs, leaders=leaders)
    last, fixed = held(root, needs, ("primary00", group_of(first)["primary07"], True))
    plan = seminar_groups(**needs.request(previous=last, fixed=fixed))
    table = one_more_leader(needs, plan, last, fixed)
    assert table["estimate"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("move", "message"),
    [
        (
            ("primary00", "primary-09", True),
            f"ключ groups.moves.0.group: в прогоне {RUN} нет группы «primary-09»; есть: "
            "primary-01, primary-02",
        ),
        (("nobody", "primary-09", True), "есть: preschool-01, primary-01, primary-02"),
        (("nobody", "primary-01", True), f"«nobody» нет ни в прогоне {RUN}, ни в нынешнем плане"),
        (("absent", "primary-01", False), f"«absent» в прогоне {RUN} есть, а в нынешний план не"),
        (
            ("preschool00", "primary-01", True),
            "группа «primary-01» — «Начальное образование», а предметная группа человека — "
            "«Дошкольное образование»; назовите группу его предмета",
        ),
    ],
)
def test_a_move_that_cannot_be_is_refused_with_its_line(root, first, move, message):
    names = write(root).region.group_families
    message = message.replace("«Начальное образование»", f"«{names['primary']}»")
    message = message.replace("«Дошкольное образование»", f"«{names['preschool']}»")
    with pytest.raises(DefinitionError) as refused:
        held(root, NEEDS, move)
    text = str(refused.value)
    assert message in text and "edition.yaml, строка 7, ключ groups.moves.0" in text
    assert "\n" not in text


def test_a_pin_to_a_group_whose_topic_is_gone_is_refused(root, first):
    pin = ("preschool00", "preschool-01", True)
    gone = replace(NEEDS, deficits=NEEDS.deficits[["methodical"]])
    barred = replace(NEEDS, barred={"preschool": ("subject",)})
    for needs in (gone, barred):
        with pytest.raises(DefinitionError, match="была с темой «subject», которой теперь нет; за"):
            held(root, needs, pin)


def test_a_pin_to_a_group_with_more_topics_than_now_allowed_is_refused(root, monkeypatch):
    wide = replace(needs_of(primary="sm sm sm"), settings=Seminars(size=(3, 6), topics=2))
    plan = seminar_groups(**wide.request())
    publish_plan(write(root), RUN, plan, wide, monkeypatch)
    narrow = replace(wide, settings=Seminars(size=(3, 6), topics=1))
    with pytest.raises(DefinitionError, match="была с 2 темами, а теперь их не больше 1; закреп"):
        held(root, narrow, ("primary00", "primary-01", True))


def test_pins_that_no_plan_can_fulfil_are_refused_by_group(root, first):
    was = group_of(first)
    few = needs_of_families(NEEDS, pd.Index(["primary00", "primary01", "preschool00"]))
    with pytest.raises(DefinitionError) as refused:
        held(root, few, ("primary00", was["primary00"], True))
    assert f"закрепления в «{was['primary00']}» невыполнимы: в группе должно быть 3–6" in str(
        refused.value
    )


# --- a changed roster -----------------------------------------------------------------------------


def drawn(n: int, seed: int) -> Needs:
    random = np.random.default_rng(seed)
    codes = ["s", "m", "sm", "-"]
    return needs_of(
        primary=" ".join(random.choice(codes, n)), preschool=" ".join(random.choice(codes, n))
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_roster_changed_by_one_in_twenty_keeps_most_in_their_groups(root, monkeypatch, seed):
    before = drawn(40, seed)
    first = seminar_groups(**before.request())
    publish_plan(write(root), RUN, first, before, monkeypatch)
    gone = np.random.default_rng(seed).choice(before.family.index, 4, replace=False)
    now = needs_of_families(before, before.family.index.drop(gone))
    last, fixed = held(root, now)
    plan = seminar_year(now, last, fixed)[0].plan
    free = seminar_groups(**now.request())
    assert plan.utility == pytest.approx(free.utility)  # what is kept costs no use
    rows = groups_kept(plan, last).set_index("measure")
    had = group_of(first).dropna().drop(gone, errors="ignore")
    assert rows["n"].tolist() == [len(had)] * 2
    moved = (group_of(plan).reindex(had.index).to_numpy(object) != had.to_numpy(object)).sum()
    assert rows.loc["plan_moved", "estimate"] == moved
    assert rows.loc["plan_moved_bound", "estimate"] <= moved <= 8
    shuffled = last_groups(
        {name: table.sample(frac=1, random_state=seed) for name, table in kept_run(
            write(root, keep())).items()}, now, write(root, keep()),
    )[0]  # fmt: skip
    again = seminar_year(now, shuffled)[0].plan
    assert group_of(again).equals(group_of(plan))


# --- sentences ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "moved", "least", "message"),
    [
        (902, 13, 13, "остались 889 из 902\u00a0чел.; перемещено 13, меньше при той же пользе"),
        (902, 3, 2, "перемещено 3; доказано, что при той же пользе меньше 2 нельзя."),
        (902, 3, 0, "перемещено 3; граница неизвестна."),
        (0, 0, 0, "Из прежних групп в нынешнем плане нет никого: держаться нечего."),
    ],
)
def test_the_sentence_says_what_is_proven(n, moved, least, message):
    table = pd.DataFrame(
        {"measure": ["plan_moved_bound", "plan_moved"], "estimate": [least, moved], "n": n}
    )
    assert message in findings.kept_groups(table)
