"""Holding a plan to the groups of an earlier run, with what a methodist has moved by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from nmc_utils.editions import Edition, GroupMove
from nmc_utils.measures.seminar_needs import Needs
from nmc_utils.measures.seminar_questions import manual_moves, needs_of_families
from nmc_utils.measures.seminar_tables import measure_table
from nmc_utils.measures.seminars import Grouping, SeminarPlan, seminar_groups


def last_groups(
    run: Mapping[str, pd.DataFrame] | None, needs: Needs, edition: Edition
) -> tuple[Grouping | None, pd.DataFrame | None]:
    """Groups of the run that an edition keeps, and the moves made by hand.

    Parameters
    ----------
    run
        Of `results.kept_run`: its tables ``seminar_groups`` and ``seminar_members``.
    needs
        What is planned for now.

    Returns
    -------
    previous : Grouping or None
        None where the edition keeps no groups.
    fixed : DataFrame or None
        `person_id`, `group_id`, `pinned`, as `seminar_groups` takes them; None without moves.

    Raises
    ------
    DefinitionError
        A move cannot be made; the message has its line in ``edition.yaml`` and what to do.
    """
    if run is None or edition.groups is None:
        return None, None
    groups = run["seminar_groups"]
    members = run["seminar_members"][["person_id", "group_id", "reason"]]
    groups = groups.assign(topics=groups["topics"].map(tuple))
    last = Grouping(members, groups.drop(columns=["region", "period"], errors="ignore"))
    moves = edition.groups.moves
    for number, move in enumerate(moves):
        for key, reason in _wrong_in(move, last, needs, edition):
            raise edition.refusal(("groups", "moves", number, key), reason)
    if not moves:
        return last, None
    rows = [(move.person, move.group, move.pinned) for move in moves]
    fixed = pd.DataFrame(rows, columns=["person_id", "group_id", "pinned"])
    _refuse_impossible(needs, last, fixed, edition)
    return last, fixed


def _wrong_in(
    move: GroupMove, last: Grouping, needs: Needs, edition: Edition
) -> Iterator[tuple[str, str]]:
    """Which key of a move is wrong, and why."""
    home = last.groups.set_index("group_id")
    family = needs.family.get(move.person)
    run = edition.groups.keep
    if move.group not in home.index:
        own = home.index[home["family"] == family]
        known = ", ".join(sorted(own if len(own) else home.index))
        yield "group", f"в прогоне {run} нет группы «{move.group}»; есть: {known}"
    elif family is None and move.person in set(last.members["person_id"]):
        yield (
            "person",
            f"«{move.person}» в прогоне {run} есть, а в нынешний план не входит: нет результата по "
            "каждой компетенции или предмета; уберите это перемещение",
        )
    elif family is None:
        yield (
            "person",
            f"человека «{move.person}» нет ни в прогоне {run}, ни в нынешнем плане; нужен личный "
            "код целиком, как в списке группы",
        )
    elif home.loc[move.group, "family"] != family:
        names = edition.region.group_families
        theirs, own = (names.get(code, code) for code in (home.loc[move.group, "family"], family))
        yield (
            "group",
            f"группа «{move.group}» — «{theirs}», а предметная группа человека — «{own}»; "
            "назовите группу его предмета",
        )
    elif move.pinned and (why := _cannot_open(home.loc[move.group], needs)):
        yield "group", f"группа «{move.group}» {why}; закрепить в ней нельзя, уберите закрепление"


def _cannot_open(group: pd.Series, needs: Needs) -> str:
    """Why a group of the last plan cannot be what it was; nothing if it can."""
    most = needs.settings.topics
    if len(group["topics"]) > most:
        return f"была с {len(group['topics'])} темами, а теперь их не больше {most}"
    barred = needs.barred.get(group["family"], ())
    gone = [t for t in group["topics"] if t not in needs.deficits.columns or t in barred]
    return f"была с темой «{gone[0]}», которой теперь нет" if gone else ""


def _refuse_impossible(needs: Needs, last: Grouping, fixed: pd.DataFrame, edition: Edition) -> None:
    """Refuse pins that no plan can fulfil together: too many or too few people, or no leader."""
    least, greatest = needs.settings.size
    for family, own in fixed[fixed["pinned"]].groupby(fixed["person_id"].map(needs.family)):
        people = needs_of_families(needs, needs.family.index[needs.family == family])
        moves = fixed[fixed["person_id"].isin(people.family.index)]
        try:
            seminar_groups(**people.request(previous=last, fixed=moves), quick=True)
        except ValueError:
            seminar_groups(**people.request(), quick=True)  # raises what is not due to the moves
            pinned = ", ".join(f"«{group}»" for group in sorted(set(own["group_id"])))
            raise edition.refusal(
                ("groups", "moves", own.index[0]),
                f"закрепления в {pinned} невыполнимы: в группе должно быть {least}–{greatest} чел. "
                "и ведущий без дефицитов по её темам; уберите лишнее закрепление или запрет",
            ) from None


def kept_tables(
    needs: Needs, plan: SeminarPlan, previous: Grouping | None, fixed: pd.DataFrame | None
) -> dict[str, pd.DataFrame]:
    """What a run tells of the groups that it kept.

    Parameters
    ----------
    plan
        Made with `previous` and `fixed`.

    Returns
    -------
    dict
        Empty without `previous`; else ``seminar_kept`` of `groups_kept` and ``seminar_moves`` of
        `costs_of_moves`.
    """
    if previous is None:
        return {}
    return {
        "seminar_kept": groups_kept(plan, previous),
        "seminar_moves": costs_of_moves(needs, previous, fixed),
    }


def groups_kept(plan: SeminarPlan, previous: Grouping) -> pd.DataFrame:
    """Count who is not in the group of the last plan any more.

    Returns
    -------
    DataFrame
        Measure table: persons moved (or left without a group), and how many every plan of at least
        this utility moves; `n` are the persons of the plan who had a group last time.
    """
    had = previous.members.dropna(subset="group_id")["person_id"]
    n = int(had.isin(plan.members["person_id"]).sum())
    rows = [("plan_moved", plan.moved, n), ("plan_moved_bound", plan.moved_bound, n)]
    return measure_table(pd.DataFrame(rows, columns=["measure", "estimate", "n"]), [])


def costs_of_moves(needs: Needs, previous: Grouping, fixed: pd.DataFrame | None) -> pd.DataFrame:
    """What each move made by hand costs.

    Returns
    -------
    DataFrame
        `person_id`, `group_id`, `pinned`, `family`, `cost`: by how much the utility would be
        greater without this move and with all others, within the proven gaps. A plan with the move
        is one without it too, so that a cost is never below 0.
    """
    columns = ["person_id", "group_id", "pinned"]
    if fixed is None:
        none = pd.DataFrame(columns=[*columns, "family", "cost"])
        return none.astype(dict.fromkeys(none, "str") | {"pinned": bool, "cost": float})
    family = fixed["group_id"].map(previous.groups.set_index("group_id")["family"])
    parts = [manual_moves(needs, previous, own).costs for _, own in fixed.groupby(family)]
    cost = pd.concat(parts).reindex(fixed.index).clip(lower=0.0)
    return fixed[columns].assign(family=family, cost=cost)
