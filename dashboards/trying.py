"""Another plan of the people of a published one: under other conditions, or with a manual move.

Only this file and `store` may call measures. Nothing here is kept: the published plan stays as it
is, and an answer is remembered for as long as the app runs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from dashboards.store import Published
from dashboards.trials import Trial, Tried
from nmc_utils.measures.seminar_needs import Needs, needs_of
from nmc_utils.measures.seminar_questions import ManualMoves, manual_moves, needs_of_families
from nmc_utils.measures.seminar_request import MAX_TOPIC_SETS
from nmc_utils.measures.seminar_tables import covered_deficits, summary
from nmc_utils.measures.seminars import Grouping, SeminarPlan, seminar_groups
from nmc_utils.terms import TOTAL

# --- other conditions ---------------------------------------------------------------------------

_ONE_MORE = "one more"  # no leader of a region is called so
_EXACT = 1e-6  # of two utilities: what is less is rounding


def has_chances(published: Published) -> bool:
    """Whether a plan by the probability of a deficit can be made, and compared."""
    variants = published.table("seminar_variants")
    return variants is not None and len(variants) > 0


def tried(published: Published, trial: Trial) -> Tried:
    """Plan the people of a published plan anew under other conditions; nothing is kept of it.

    Raises
    ------
    WrongConditions
        A sentence on what is wrong with them.
    """
    trial.check(published.table("seminar_needs")["domain"].nunique(), MAX_TOPIC_SETS)
    return _tried(published, trial)


@lru_cache(maxsize=64)
def _tried(published: Published, trial: Trial) -> Tried:
    if trial == replace(Trial.as_planned(published.region), one_more=trial.one_more):
        return _with_one_more(published, trial.one_more)
    needs = _needs(published)
    changed = {
        "size": (trial.least, trial.greatest),
        "topics": trial.topics,
        "unneeded_cost": trial.unneeded_cost,
        "leaders": _leaders(needs, trial),
    }
    plan = seminar_groups(**needs.request(trial.basis, **changed), quick=True)
    persons = plan.members["person_id"]
    table = summary(plan, needs.deficits.loc[persons], needs.family.loc[persons])
    found = _whole(table)
    if trial.basis == "chance":
        found["plan_expected_coverage"] = plan.coverage  # of the probabilities it was made from
    now = _published_numbers(published, trial.basis)
    return Tried(now, found, len(persons), plan.notes)


def _published_numbers(published: Published, basis: str) -> dict[str, float]:
    """Numbers of the published plan; beside the analytic variant of the people it knows alone."""
    if basis == "result":
        return _whole(published.table("seminar_plan"))
    table = published.table("seminar_variants")
    return table[table["basis"] == "result"].set_index("measure")["estimate"].to_dict()


def _whole(plan: pd.DataFrame) -> dict[str, float]:
    return plan[plan["family"] == TOTAL].set_index("measure")["estimate"].to_dict()


def _leaders(needs: Needs, trial: Trial) -> pd.DataFrame | None:
    if needs.leaders is None or not trial.with_leaders:
        return None
    if not trial.one_more:
        return needs.leaders
    return _and_one(needs.leaders, trial.one_more)


def _and_one(leaders: pd.DataFrame, family: str) -> pd.DataFrame:
    """The leaders and one more of a family, of one group and without deficits."""
    one = {"leader_id": _ONE_MORE, "family": family, "zone": None, "max_groups": 1}
    return pd.DataFrame([*leaders.to_dict("records"), one | {"deficits": ()}])


def _with_one_more(published: Published, family: str) -> Tried:
    """One more leader and nothing else: the family alone is planned anew, by the full search.

    As `seminar_questions.one_more_leader` answers it for the page's sentence.
    """
    needs, last = _needs(published), _last(published)
    own = needs_of_families(needs, needs.family.index[needs.family == family])
    helped = replace(own, leaders=_and_one(own.leaders, family))
    moves = pd.DataFrame(_earlier(published, last), columns=_MOVE)
    moves = moves[moves["person_id"].isin(own.family.index)]
    held = {} if moves.empty else {"previous": last, "fixed": moves}
    more = seminar_groups(**helped.request(**held))
    now = _whole(published.table("seminar_plan"))
    plan = _in_place_of(last, more, needs, now["plan_gap"])
    change = plan.utility - _utility(last, needs)
    slack = plan.bound - plan.utility
    found = _whole(summary(plan, needs.deficits, needs.family))
    is_proven = slack <= _EXACT or abs(change) > slack
    return Tried(now, found, len(needs.family), plan.notes, is_quick=False, is_proven=is_proven)


def _in_place_of(last: Grouping, more: SeminarPlan, needs: Needs, gap: float) -> SeminarPlan:
    """The published plan with a family planned anew; `gap` is that of the published.

    What is proven of the other families alone is not published: they are short of their best by no
    more than the whole plan is.
    """
    anew = last.groups["family"].isin(more.groups["family"])
    seated = last.members["person_id"].isin(more.members["person_id"])
    planned = last.members["person_id"].isin(needs.family.index)
    both = Grouping(
        pd.concat([last.members[planned & ~seated], more.members], ignore_index=True),
        pd.concat([last.groups[~anew], more.groups], ignore_index=True),
    )
    utility, before = _utility(both, needs), _utility(last, needs)
    slack = before * gap / (1 - gap) if before >= 0 and gap < 1 else np.inf  # costly moves
    bound = utility + slack + more.bound - more.utility
    return replace(
        more,
        members=both.members,
        groups=both.groups,
        utility=utility,
        bound=bound,
        gap=_gap(utility, bound),
    )


def _gap(utility: float, bound: float) -> float:
    """The gap of `SeminarPlan`, missing where nothing is proven."""
    if np.isinf(bound):
        return np.nan
    return (bound - utility) / abs(bound) if bound else 0.0


def _utility(plan: Grouping, needs: Needs) -> float:
    """The criterion: deficits covered less the price of the other seats."""
    seats = covered_deficits(plan, needs.deficits, of_any=True).to_numpy()
    covered = (seats & (needs.deficits.to_numpy() == 1)).sum()
    return float(covered - needs.settings.unneeded_cost * (seats.sum() - covered))


@lru_cache(maxsize=16)
def _needs(published: Published) -> Needs:
    """What the published plan was made from."""
    leaders = published.table("seminar_leaders")
    return needs_of(published.table("seminar_needs"), leaders, published.region)


# --- a manual move ------------------------------------------------------------------------------

_MOVE = ["person_id", "group_id", "pinned"]


class ImpossibleMove(ValueError):
    """A move that no plan can fulfil; the message is a sentence for the screen."""


@dataclass(frozen=True)
class Moved:
    """The plan of a family with one move made by hand, beside the published one.

    Attributes
    ----------
    cost
        Criterion of the best plan without the move less that with it, at least 0.
    gap
        Proven: the plan with the move could be better by no more than this share.
    others, others_bound
        Persons who had a group and are not in it any more, without the one who is moved; every plan
        with the move of at least this criterion moves `others_bound` or more.
    persons
        By `person_id`, those whose group is another: `before` and `after`, missing without a group.
        The one who is moved is not among them.
    groups
        By `group_id`, all groups of the two plans of the family: `topics_before` and `topics_after`
        (tuples), `before` and `after` (persons, 0 where there is no such group), `leader_before`
        and `leader_after`; missing where there is no such group or no leader.
    group
        Of the one who is moved now; missing without one.
    moves
        `person_id`, `group_id`, `pinned`: those of the edition's definition that go with the new
        one, which is last.
    is_proven
        Whether `cost` is more than the plan with the move may be short of its best.
    """

    cost: float
    gap: float
    others: int
    others_bound: int
    persons: pd.DataFrame
    groups: pd.DataFrame
    group: str | None
    moves: pd.DataFrame
    is_proven: bool = True


@lru_cache(maxsize=64)
def moved(published: Published, person: str, group: str, pinned: bool) -> Moved:
    """Plan a family anew with a person pinned to a group of the published plan, or kept out of it.

    Moves of the edition's definition, which the published plan was held to already, hold as well,
    except other ones of the same person that contradict.

    Raises
    ------
    ImpossibleMove
        No plan fulfils it; the message names what binds.
    """
    needs, last = _needs(published), _last(published)
    moves = _with_earlier(published, last, (person, group, pinned))
    family = moves["group_id"].map(last.groups.set_index("group_id")["family"])
    fixed = moves[family == family.iloc[-1]]
    try:
        found = manual_moves(needs, last, fixed)
    except ValueError as error:
        raise _refusal(needs, last, fixed) from error
    return _beside(last, found, moves)


def _last(published: Published) -> Grouping:
    members = published.table("seminar_members")[["person_id", "group_id", "reason"]]
    groups = published.table("seminar_groups")
    groups = groups[["group_id", "family", "zone", "topics", "size", "leader_id"]]
    return Grouping(members, groups.assign(topics=groups["topics"].map(tuple)))


def _with_earlier(
    published: Published, last: Grouping, move: tuple[str, str, bool]
) -> pd.DataFrame:
    """The move after those that the published plan was made with."""
    person, group, pinned = move
    earlier = [
        old
        for old in _earlier(published, last)
        if not (old[0] == person and (old[1] == group or (old[2] and pinned)))
    ]
    return pd.DataFrame([*earlier, move], columns=_MOVE)


def _earlier(published: Published, last: Grouping) -> list[tuple[str, str, bool]]:
    """Moves that the published plan was held to, of groups that it has."""
    kept, known = published.edition.groups, set(last.groups["group_id"])
    moves = kept.moves if kept else ()
    return [(move.person, move.group, move.pinned) for move in moves if move.group in known]


def _refusal(needs: Needs, last: Grouping, fixed: pd.DataFrame) -> ImpossibleMove:
    """Say what binds: leaders, if there is a plan without them, else the sizes of groups."""
    family = last.groups.set_index("group_id").loc[fixed["group_id"].iloc[-1], "family"]
    own = needs_of_families(needs, needs.family.index[needs.family == family])
    seminar_groups(**own.request(), quick=True)  # raises what is not due to the moves
    least, greatest = needs.settings.size
    try:
        seminar_groups(**replace(own, leaders=None).request(previous=last, fixed=fixed), quick=True)
    except ValueError:
        return ImpossibleMove(
            f"Так не получится: в группе должно быть {least}–{greatest} чел., а с этим "
            "перемещением столько не набирается или становится больше. Выберите другую группу."
        )
    return ImpossibleMove(
        "Так не получится: для группы нет ведущего со свободной нагрузкой и без дефицитов по её "
        "темам. Выберите другую группу или назначьте ведущего."
    )


def _beside(last: Grouping, found: ManualMoves, moves: pd.DataFrame) -> Moved:
    """Who and what differs from the published plan."""
    plan, (person, group) = found.plan, moves[["person_id", "group_id"]].iloc[-1]
    family = last.groups.set_index("group_id").loc[group, "family"]
    after = plan.members.set_index("person_id")["group_id"]
    before = last.members.set_index("person_id")["group_id"].reindex(after.index)
    both = pd.DataFrame({"before": before, "after": after}).astype(object)
    both = both.where(both.notna(), None)
    changed = both[[old != new for old, new in zip(both["before"], both["after"], strict=True)]]
    cost, slack = max(0.0, float(found.costs.iloc[-1])), plan.bound - plan.utility
    own = int(person in changed.index and both.loc[person, "before"] is not None)
    return Moved(
        cost=cost,
        gap=plan.gap,
        others=plan.moved - own,
        others_bound=max(0, plan.moved_bound - own),
        persons=changed.drop(index=person, errors="ignore").sort_index(),
        groups=_both_groups(last, plan, family),
        group=both.loc[person, "after"],
        moves=moves,
        is_proven=slack <= _EXACT or cost > slack,
    )


def _both_groups(last: Grouping, plan: Grouping, family: str) -> pd.DataFrame:
    """Groups of a family in two plans, side by side."""
    parts = []
    for groups, when in ((last.groups, "before"), (plan.groups, "after")):
        names = {"topics": f"topics_{when}", "size": when, "leader_id": f"leader_{when}"}
        own = groups[groups["family"] == family].set_index("group_id")
        parts.append(own[list(names)].rename(columns=names))
    both = parts[0].join(parts[1], how="outer").astype(object)
    both = both.where(both.notna(), None)
    sizes = {when: [size or 0 for size in both[when]] for when in ("before", "after")}
    return both.assign(**sizes)
