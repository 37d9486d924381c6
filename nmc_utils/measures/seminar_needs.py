"""What a plan of seminar groups is made from: needs of people, and who can lead.

`Needs` holds all of it for one procedure of an edition; `Needs.request` are the arguments of
`seminar_groups`, and its tables are published with the plan, so that a what-if starts from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.measures.distributions import ROUNDING
from nmc_utils.measures.periods import is_current
from nmc_utils.regions import Region
from nmc_utils.seminar_settings import Seminars
from nmc_utils.terms import TOTAL, UNSTATED, WORST

#: What a deficit is: by the document's result, or its probability.
BASES = {"result": "по результату", "chance": "с учётом погрешности (аналитический вариант)"}


@dataclass(frozen=True)
class Needs:
    """Needs of those whose subject family is known and who were assessed in every domain.

    Attributes
    ----------
    deficits
        `person_id` × domain, 0 or 1 by the document's rule.
    chances
        Probability that the true result lies at or below the cut, for the same domains and the
        persons of those families in which it was assessed for everyone; without rows where in none.
    family
        Family by `person_id` that a person is planned in: the joint one where the own family has
        too few people for a group.
    zone
        Municipality by `person_id`, missing where unknown.
    leaders
        Of `leaders`, in the same families; None where the table of methodists was not sent.
    settings
        Of the region.
    joint
        Rare family → the joint one.
    barred
        Joint family → domains that are no topic of it: their items are particular to a subject.
    distances
        Municipality × municipality; None where the region gives none.
    """

    deficits: pd.DataFrame
    chances: pd.DataFrame
    family: pd.Series
    zone: pd.Series
    leaders: pd.DataFrame | None
    settings: Seminars
    joint: dict[str, str]
    barred: dict[str, tuple[str, ...]]
    distances: pd.DataFrame | None

    def request(self, basis: str = "result", **changed: Any) -> dict[str, Any]:
        """Return the arguments of `seminar_groups`; `changed` ones replace those of the region.

        With the basis ``"chance"`` the analytic variant, of those in `chances` alone.
        """
        return {
            "deficits": self.deficits if basis == "result" else self.chances,
            "family": self.family,
            "zone": self.zone,
            "leaders": self.leaders,
            "size": self.settings.size,
            "topics": self.settings.topics,
            "unneeded_cost": self.settings.unneeded_cost,
            "barred": self.barred,
            "distances": self.distances,
        } | changed


def seminar_needs(
    results: pd.DataFrame,
    edition: Edition,
    methodists: pd.DataFrame | None = None,
    chances: pd.DataFrame | None = None,
) -> Needs:
    """Collect what a plan of seminar groups is made from.

    Parameters
    ----------
    results
        Of `scored`, of one procedure.
    methodists
        Canonical table; without it groups have no leaders.
    chances
        Of `certainty.chances`; without it there is no analytic variant.
    """
    region = edition.region
    family = family_at_entry(results)
    own = plannable(deficits(results, region.diagnostics.deficit_cut), family)
    joint = joint_families(family.reindex(own.index), region.seminars)
    roster = None if methodists is None else leaders(methodists, own, edition)
    if roster is not None:
        roster = roster.assign(family=roster["family"].replace(joint))
    places = results[results["wave"] == "entry"].drop_duplicates("person_id")
    places = places.set_index("person_id")["municipality"].astype("str").reindex(own.index)
    return Needs(
        deficits=own,
        chances=_chances(chances, own, family.reindex(own.index).replace(joint), region),
        family=family.reindex(own.index).replace(joint),
        zone=places.mask(places == UNSTATED),
        leaders=roster,
        settings=region.seminars,
        joint=joint,
        barred=barred_topics(region, own.columns),
        distances=region.seminars.distance_table(region.municipality_names),
    )


def joint_families(family: pd.Series, settings: Seminars) -> dict[str, str]:
    """Family with too few people for a group → the joint one that it learns in.

    Only families that are too small join, and only where there are several of them: those who can
    learn with teachers of their own subject do.
    """
    sizes = family.value_counts()
    rare = set(sizes.index[sizes < settings.size[0]])
    found = {}
    for joint in settings.joint_families:
        own = [code for code in joint.families if code in rare]
        if len(own) > 1 and sizes[own].sum() >= settings.size[0]:
            found |= dict.fromkeys(own, joint.code)
    return found


def barred_topics(region: Region, domains: pd.Index) -> dict[str, tuple[str, ...]]:
    """Joint family → those of the domains whose items are particular to a subject."""
    own = tuple(d.code for d in region.domains if d.by_family and d.code in domains)
    return {joint.code: own for joint in region.seminars.joint_families} if own else {}


def _chances(
    chances: pd.DataFrame | None, deficits: pd.DataFrame, family: pd.Series, region: Region
) -> pd.DataFrame:
    """Probability of each deficit; 0 for a domain that the form lacks."""
    if chances is None:
        return deficits.iloc[:0].astype(float)
    lowest = region.diagnostics.lowest.code
    entry = chances[(chances["wave"] == "entry") & (chances["level"] == lowest)]
    entry = entry[entry["domain"].isin(deficits.columns)]
    entry = entry[entry["person_id"].isin(deficits.index)]
    unsure = entry.loc[entry["chance"].isna(), "person_id"]
    is_known = family.index.isin(entry["person_id"]) & ~family.index.isin(unsure)
    unknown = family[~is_known].unique()
    wide = entry.pivot(index="person_id", columns="domain", values="chance")
    wide = wide.reindex(deficits.index, columns=deficits.columns).fillna(0.0)
    return wide[~family.isin(unknown)]


def family_at_entry(results: pd.DataFrame) -> pd.Series:
    """Subject family by `person_id` of everyone tested at entry, whatever was sent of the result.

    Parameters
    ----------
    results
        Of `scored`, of one procedure.
    """
    entry = results[results["wave"] == "entry"].drop_duplicates("person_id")
    return entry.set_index("person_id")["family"].astype("str")


def deficits(results: pd.DataFrame, cut: float, *, keep_missing: bool = False) -> pd.DataFrame:
    """Deficits by the document's rule: 1 where a result of a domain lies at or below the cut.

    Parameters
    ----------
    results
        Scores of one procedure; the first attempts at entry by competence count, the whole test
        and the lowest competence do not.
    cut
        Share of the maximum.
    keep_missing
        Leave a domain that a form does not have missing instead: it was not assessed.

    Returns
    -------
    DataFrame
        `person_id` × domain, 0 or 1, for persons with a result in every domain of their form. A
        domain that a form does not have is no deficit of those who took it. Without results by
        competence the frame has no rows and no columns.

    Raises
    ------
    ValueError
        A person has two results in a domain, as when two procedures are given at once.
    """
    first = (results["wave"] == "entry") & (results["attempt"] == 1)
    entry = results[first & ~results["domain"].isin([TOTAL, WORST])]
    if entry.duplicated(["person_id", "domain"]).any():
        raise ValueError("a person has two results in a domain: give one procedure at a time")
    given = entry.dropna(subset="raw_score")
    low = (given["raw_score"] <= given["max_score"] * (cut + ROUNDING)).astype("int8")
    domains = given["domain"].astype("category")
    wide = low.groupby([given["person_id"], domains.astype("str")]).max().unstack()
    asked = entry.groupby("form_id")["domain"].agg(lambda column: set(column))
    due = entry.groupby("person_id")["form_id"].agg(lambda ids: len(set().union(*asked[ids])))
    is_whole = given.groupby("person_id").size().eq(due).loc[wide.index]
    wide = wide.loc[is_whole, [name for name in domains.cat.categories if name in wide]]
    return wide if keep_missing else wide.fillna(0).astype("int8")


def plannable(deficits: pd.DataFrame, family: pd.Series) -> pd.DataFrame:
    """Return the deficits of those whose subject family is known: a group is of one family."""
    return deficits[deficits.index.map(family) != UNSTATED]


def leaders(
    methodists: pd.DataFrame,
    deficits: pd.DataFrame,
    edition: Edition,
    *,
    groups_each: int = 1,
) -> pd.DataFrame:
    """Regional methodists who can lead groups, with their load and own deficits.

    Parameters
    ----------
    methodists
        Canonical table; members on the edition's date with the role ``methodist`` and a subject
        of a family of the region lead.
    deficits
        `person_id` × domain, 0 or 1; a methodist who was not tested has none.
    groups_each
        Groups of a methodist whose load (`max_groups`) the table does not give.

    Returns
    -------
    DataFrame
        `leader_id`, `family`, `zone` (municipality, missing where unknown), `max_groups`,
        `deficits` (tuple of domains).
    """
    may_lead = (methodists["role"] == "methodist") & is_current(methodists, edition.as_of)
    frame = methodists[may_lead].assign(
        family=methodists["subject"].map(edition.region.family_of_subject),
        max_groups=methodists["max_groups"].fillna(groups_each).astype(int),
    )
    frame = frame[frame["family"].notna() & (frame["max_groups"] > 0)]
    frame = frame.rename(
        columns={"methodist_id": "leader_id", "municipality": "zone"}
    ).drop_duplicates("leader_id")
    own = {
        person: tuple(deficits.columns[row.to_numpy() == 1])
        for person, row in deficits[deficits.index.isin(frame["leader_id"])].iterrows()
    }
    frame["deficits"] = [own.get(leader, ()) for leader in frame["leader_id"]]
    columns = ["leader_id", "family", "zone", "max_groups", "deficits"]
    return frame[columns].sort_values("leader_id").reset_index(drop=True)


def needs_table(needs: Needs) -> pd.DataFrame:
    """One row per person and domain: `person_id`, `family`, `zone`, `domain`, `deficit`, `chance`.

    `chance` is missing for those whom the analytic variant leaves out.
    """
    table = needs.deficits.rename_axis("person_id").rename_axis("domain", axis=1).stack()
    table = table.rename("deficit").reset_index()
    person = table["person_id"]
    table = table.assign(family=person.map(needs.family), zone=person.map(needs.zone))
    chance = needs.chances.stack().rename_axis(["person_id", "domain"]).rename("chance")
    table = table.join(chance, on=["person_id", "domain"])
    return table[["person_id", "family", "zone", "domain", "deficit", "chance"]]


def needs_of(table: pd.DataFrame, leaders: pd.DataFrame | None, region: Region) -> Needs:
    """Read `needs_table` and the leaders back, for another plan of the same people.

    Their families are those they were planned in.
    """
    domains = [domain.code for domain in region.domains if domain.code in set(table["domain"])]

    def wide(column: str) -> pd.DataFrame:
        return table.pivot(index="person_id", columns="domain", values=column)[domains]

    person = table.drop_duplicates("person_id").set_index("person_id")
    if leaders is not None:
        leaders = leaders.assign(deficits=leaders["deficits"].map(tuple))
    return Needs(
        deficits=wide("deficit"),
        chances=wide("chance").dropna(),
        family=person["family"],
        zone=person["zone"],
        leaders=leaders,
        settings=region.seminars,
        joint={},
        barred=barred_topics(region, pd.Index(domains)),
        distances=region.seminars.distance_table(region.municipality_names),
    )
