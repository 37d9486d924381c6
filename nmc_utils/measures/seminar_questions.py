"""What a planner of seminars asks: a year in rounds, one more leader, another size, a manual move.

Each answer is another plan of the same needs, compared with the one at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from nmc_utils.measures.seminar_needs import Needs, needs_table
from nmc_utils.measures.seminar_tables import covered_deficits, leader_load, measure_table
from nmc_utils.measures.seminars import Grouping, SeminarPlan, seminar_groups
from nmc_utils.terms import TOTAL

#: Name of the leader that a question adds; no real one has it.
_ONE_MORE = "one more"
#: Difference of a plan's utility and its bound that is none.
_EXACT = 1e-6
WITHIN_GAPS = "разница меньше доказанной точности планов"
#: Sizes that are compared besides that of the region.
SIZES = ((8, 15), (10, 20), (12, 25), (15, 30))


@dataclass(frozen=True)
class Round:
    """One round of seminars in a year: its plan, and what it was made from."""

    number: int
    plan: SeminarPlan
    needs: Needs


def seminar_year(
    needs: Needs,
    previous: Grouping | None = None,
    fixed: pd.DataFrame | None = None,
    *,
    n_rounds: int | None = None,
    quick: bool = False,
) -> list[Round]:
    """Plan the rounds of a year: each takes the deficits that the earlier ones left.

    A deficit counts as covered once its topic was one of the person's group: that a seminar was
    held on it, not that the deficit is gone. Leaders have the load that is left of the year's.

    Parameters
    ----------
    previous, fixed
        As of `seminar_groups`: what the first round is held to. The later ones follow from it.
    n_rounds
        Rounds at most, of the region by default; a round without groups ends the year.
    """
    rounds: list[Round] = []
    held = {"previous": previous, "fixed": fixed}
    for number in range(1, (n_rounds or needs.settings.rounds) + 1):
        plan = seminar_groups(**needs.request(**({} if rounds else held)), quick=quick)
        if plan.groups.empty and rounds:
            break
        rounds.append(Round(number, plan, needs))
        needs = _after(needs, plan)
    return rounds


def _after(needs: Needs, plan: SeminarPlan) -> Needs:
    """What is left to plan for after a round."""
    left = needs.deficits.mask(covered_deficits(plan, needs.deficits), 0)
    leaders = needs.leaders
    if leaders is not None:
        led = leaders["leader_id"].map(plan.groups["leader_id"].value_counts()).fillna(0)
        leaders = leaders.assign(max_groups=leaders["max_groups"] - led.astype(int))
        leaders = leaders[leaders["max_groups"] > 0].reset_index(drop=True)
    return replace(
        needs, deficits=left.astype(int), chances=needs.chances.iloc[:0], leaders=leaders
    )


def planner_tables(needs: Needs, rounds: Sequence[Round]) -> dict[str, pd.DataFrame]:
    """What a run keeps for other plans of the same people, and of the rounds after the first.

    Returns
    -------
    dict
        Name of a table → rows: ``seminar_needs`` (of `needs_table`), ``seminar_notes`` (what binds
        the first round: `sentence`), ``seminar_next_groups`` and ``seminar_next_members`` (groups
        and seated persons with `round`), and where leaders are known ``seminar_leaders`` with
        their load in the first round (`groups`, `persons`).
    """
    first = rounds[0].plan
    tables = {
        "seminar_needs": needs_table(needs),
        "seminar_notes": pd.DataFrame({"sentence": pd.Series(first.notes, dtype="str")}),
        "seminar_next_groups": _later(rounds, "groups"),
        "seminar_next_members": _later(rounds, "members").dropna(subset="group_id"),
    }
    if needs.leaders is not None:
        load = leader_load(first, needs.leaders)[["leader_id", "groups", "persons"]]
        own = needs.leaders.assign(deficits=needs.leaders["deficits"].map(list))
        tables["seminar_leaders"] = own.merge(load, on="leader_id")
    return tables


def _later(rounds: Sequence[Round], name: str) -> pd.DataFrame:
    """Groups or members of the rounds after the first, with `round`."""
    parts = [getattr(r.plan, name).assign(round=r.number) for r in rounds[1:]]
    first = getattr(rounds[0].plan, name)
    table = pd.concat(parts, ignore_index=True) if parts else first.iloc[:0].assign(round=1)
    return table.assign(topics=table["topics"].map(list)) if "topics" in table else table


def year_coverage(rounds: Sequence[Round]) -> pd.DataFrame:
    """Describe the rounds of a year, by family and for everyone.

    Returns
    -------
    DataFrame
        Measure table with keys `round` and `family` (``"total"`` is everyone): groups, persons in
        groups, deficits covered in the round, and the share of the year's deficits covered by its
        end. `n` is the number of persons planned for.
    """
    first = rounds[0].needs
    whole = first.deficits.sum(axis=1)
    covered = pd.Series(0, whole.index)
    rows = []
    for round_ in rounds:
        now = covered_deficits(round_.plan, round_.needs.deficits).sum(axis=1)
        covered = covered + now
        group = round_.plan.members.set_index("person_id")["group_id"].reindex(whole.index)
        people = pd.DataFrame({"due": whole, "now": now, "covered": covered, "group": group})
        for family, part in [(TOTAL, people), *people.groupby(first.family)]:
            numbers = {
                "round_groups": part["group"].nunique(),
                "round_persons": part["group"].notna().sum(),
                "round_covered": part["now"].sum(),
                "year_coverage": part["covered"].sum() / part["due"].sum()
                if part["due"].sum()
                else np.nan,
            }
            rows += [(round_.number, family, *item, len(part)) for item in numbers.items()]
    table = pd.DataFrame(rows, columns=["round", "family", "measure", "estimate", "n"])
    table = measure_table(table, ["round", "family"])
    return table.assign(
        note=np.where(table["status"] == "ok", None, "результатов не выше порога нет")
    )


def year_programme(rounds: Sequence[Round]) -> pd.DataFrame:
    """The programme of the permanent seminar: which topics each family needs in which round.

    Returns
    -------
    DataFrame
        Measure table with keys `round`, `family`, `domain`: `programme_groups` that have the
        topic, `programme_persons` who need it among their members; `n` are their members.
    """
    rows = []
    for round_ in rounds:
        groups = round_.plan.groups.explode("topics").rename(columns={"topics": "domain"})
        needed = covered_deficits(round_.plan, round_.needs.deficits)
        group = round_.plan.members.set_index("person_id")["group_id"].reindex(needed.index)
        by_group = needed.groupby(group).sum()
        for (family, domain), part in groups.groupby(["family", "domain"]):
            persons = by_group.loc[part["group_id"], domain].sum()
            keys = (round_.number, family, domain)
            size = int(part["size"].sum())
            rows.append((*keys, "programme_groups", len(part), size))
            rows.append((*keys, "programme_persons", persons, size))
    columns = ["round", "family", "domain", "measure", "estimate", "n"]
    return measure_table(pd.DataFrame(rows, columns=columns), ["round", "family", "domain"])


def one_more_leader(
    needs: Needs,
    plan: SeminarPlan,
    previous: Grouping | None = None,
    fixed: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """What one more leader of one group, without deficits, would bring in each family.

    Parameters
    ----------
    previous, fixed
        What `plan` was held to: moves made by hand hold with the leader too, so that what they cost
        is not taken for what the leader brings.

    Returns
    -------
    DataFrame
        Measure table with key `family`: by how much the number of covered deficits, of persons in
        groups and the utility would change; `n` is the number of persons of the family. A change
        of utility that the proven gaps of both plans could make alone is «not_assessed» with the
        others of its family. Empty where groups have no leaders, as nothing limits them then.
    """
    keys, rows = ["family"], []
    slack = plan.bound - plan.utility
    covered = covered_deficits(plan, needs.deficits).sum(axis=1)
    seated = plan.members.set_index("person_id")["group_id"].notna()
    families = needs.family if needs.leaders is not None else needs.family.iloc[:0]
    for family, people in families.groupby(families):
        own = needs_of_families(needs, people.index)
        helped = replace(own, leaders=_with_one_more(own, family))
        more = seminar_groups(**helped.request(**_held(previous, fixed, people.index)))
        utility = _utility(plan, own, needs.settings.unneeded_cost)
        changes = {
            "leader_covered": more.covered - covered[people.index].sum(),
            "leader_persons": more.members["group_id"].notna().sum() - seated[people.index].sum(),
            "leader_utility": more.utility - utility,
        }
        doubt = slack + more.bound - more.utility
        if doubt > _EXACT and abs(changes["leader_utility"]) <= doubt:
            changes = dict.fromkeys(changes, np.nan)
        rows += [(family, *item, len(people)) for item in changes.items()]
    columns = [*keys, "measure", "estimate", "n"]
    table = measure_table(pd.DataFrame(rows, columns=columns), keys)
    unsure = table["estimate"].isna()
    table.loc[unsure, "status"] = "not_assessed"
    return table.assign(note=np.where(unsure, WITHIN_GAPS, None))


def _held(
    previous: Grouping | None, fixed: pd.DataFrame | None, persons: pd.Index
) -> dict[str, Any]:
    """Moves of some persons as arguments; without any the last plan changes no utility."""
    own = None if fixed is None else fixed[fixed["person_id"].isin(persons)]
    return {} if own is None or own.empty else {"previous": previous, "fixed": own}


def _with_one_more(needs: Needs, family: str) -> pd.DataFrame:
    one = {"leader_id": _ONE_MORE, "family": family, "zone": None, "max_groups": 1}
    return pd.DataFrame([*needs.leaders.to_dict("records"), one | {"deficits": ()}])


def _utility(plan: SeminarPlan, needs: Needs, cost: float) -> float:
    """Utility of a plan for some of its persons."""
    members = plan.members.set_index("person_id")["group_id"].reindex(needs.deficits.index)
    topics = plan.groups.set_index("group_id")["topics"].map(len)
    seats = members.map(topics).fillna(0).sum()
    covered = covered_deficits(plan, needs.deficits).to_numpy().sum()
    return float(covered - cost * (seats - covered))


def seminar_sizes(
    needs: Needs, options: Iterable[tuple[int, int]] = SIZES, *, quick: bool = False
) -> pd.DataFrame:
    """What other sizes of groups would give and cost.

    Returns
    -------
    DataFrame
        Measure table with keys `least`, `greatest`: groups, persons in groups, share of deficits
        covered, share of needed topics, and the proven gap; `n` is the number of persons.
    """
    rows = []
    for size in sorted({*options, needs.settings.size}):
        plan = seminar_groups(**needs.request(size=size), quick=quick)
        rows += [(*size, *item, len(needs.deficits)) for item in _numbers(plan).items()]
    columns = ["least", "greatest", "measure", "estimate", "n"]
    return measure_table(pd.DataFrame(rows, columns=columns), ["least", "greatest"])


def _numbers(plan: SeminarPlan) -> dict[str, float]:
    return {
        "plan_groups": len(plan.groups),
        "plan_persons": plan.members["group_id"].notna().sum(),
        "plan_coverage": plan.coverage,
        "plan_precision": plan.precision,
        "plan_gap": plan.gap,
    }


def seminar_variants(needs: Needs, plan: SeminarPlan) -> pd.DataFrame:
    """The plan by the document's result beside the analytic one, each judged both ways.

    Both of the families in which the probability of a deficit is known for everyone.

    Returns
    -------
    DataFrame
        Measure table with key `basis` (of `seminar_needs.BASES`): groups, persons in groups, share
        of deficits by the document's rule that are covered, and the same of expected true
        deficits (Σ of probabilities); `n` is the number of persons. Empty where the probabilities
        are known for no family.
    """
    persons = needs.chances.index
    rows = []
    if len(persons):
        analytic = seminar_groups(**needs.request("chance"))
        rows = [
            (basis, *item, len(persons))
            for basis, found in {"result": plan, "chance": analytic}.items()
            for item in _judged(found, needs.deficits.loc[persons], needs.chances).items()
        ]
    columns = ["basis", "measure", "estimate", "n"]
    return measure_table(pd.DataFrame(rows, columns=columns), ["basis"])


def _judged(plan: SeminarPlan, deficits: pd.DataFrame, chances: pd.DataFrame) -> dict[str, float]:
    given = covered_deficits(plan, deficits, of_any=True)
    group = plan.members.set_index("person_id")["group_id"].reindex(deficits.index)
    return {
        "plan_groups": group.nunique(),
        "plan_persons": group.notna().sum(),
        "plan_coverage": _share(given, deficits),
        "plan_expected_coverage": _share(given, chances),
    }


def _share(given: pd.DataFrame, weights: pd.DataFrame) -> float:
    whole = weights.to_numpy().sum()
    return float((given.to_numpy() * weights.to_numpy()).sum() / whole) if whole else np.nan


@dataclass(frozen=True)
class ManualMoves:
    """The plan of the families concerned with the moves made, and what each of them costs.

    Attributes
    ----------
    plan
        Of the families whose groups are named, as near to the last plan as utility allows.
    costs
        Utility without a move less utility with all, by the index of the moves. Within the proven
        gaps of the plans; moves depend on each other, so that costs do not add up.
    utility_before
        Of the best plan of these families without any move.
    """

    plan: SeminarPlan
    costs: pd.Series
    utility_before: float


def manual_moves(needs: Needs, previous: Grouping, fixed: pd.DataFrame) -> ManualMoves:
    """Plan anew with persons pinned to groups of the last plan, or kept out of them.

    Parameters
    ----------
    previous, fixed
        As of `seminar_groups`, which refuses moves that cannot be made.
    """
    families = previous.groups.set_index("group_id")["family"].reindex(fixed["group_id"]).dropna()
    persons = needs.family.index[needs.family.isin(families)]
    own = needs_of_families(needs, persons)

    def planned(moves: pd.DataFrame) -> SeminarPlan:
        return seminar_groups(**own.request(), fixed=moves, previous=previous)

    whole = planned(fixed)
    single = [planned(fixed.drop(row)).utility for row in fixed.index]
    free = single[0] if len(single) == 1 else seminar_groups(**own.request()).utility
    costs = pd.Series([value - whole.utility for value in single], fixed.index, dtype=float)
    return ManualMoves(whole, costs, free)


def needs_of_families(needs: Needs, persons: pd.Index) -> Needs:
    """The needs of whole families alone, given their persons."""
    family = needs.family.loc[persons]
    leaders = needs.leaders
    return replace(
        needs,
        deficits=needs.deficits.loc[persons],
        family=family,
        zone=needs.zone.loc[persons],
        chances=needs.chances.loc[needs.chances.index.isin(persons)],
        leaders=None if leaders is None else leaders[leaders["family"].isin(family)],
    )
