"""The regional methodical team (РМА) and the staff of the centre: who they are and their load.

Counts of a resource, open to everybody; people are counted once, whatever number of subjects or
roles they have. Published facts stand beside records and are never mixed with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nmc_utils.editions import Edition, Period
from nmc_utils.measures.periods import is_current
from nmc_utils.measures.reporting import absent_of, missing_table
from nmc_utils.measures.tallies import (
    as_reported,
    both,
    counts,
    main_workplaces,
    measured,
    shares,
    tallied,
    unknown,
)
from nmc_utils.regions import Region
from nmc_utils.terms import ROLES, TOTAL, UNSTATED, of_places, plural_of

Tables = Mapping[str, pd.DataFrame]

#: Who stands below the line of the load → roles; the documents divide by the one or the other.
DENOMINATORS = {"member": tuple(ROLES), "methodist": ("methodist",)}
#: Parts of the centre's staff → metric of ``published.csv``.
CENTER_STAFF = {
    TOTAL: "cnppm_staff_total",
    "fulltime": "cnppm_staff_fulltime",
    "parttime": "cnppm_staff_parttime",
    "contract": "cnppm_staff_contract",
}
NO_TRAINING = "в таблице «РМА» нет ни одной даты повышения квалификации"
NO_DATES = "в таблице «РМА» нет ни одной даты вступления"
NO_METHODISTS = {"member": "членов РМА нет", "methodist": "региональных методистов нет"}
NO_PLACE = "у членов РМА муниципальное образование не указано"
NO_SUBJECT = "у членов РМА предмет не указан"
WHOLE_TEAM = "знаменатель — весь РМА"
WHOLE_STAFF = "числитель — работники всего региона"
NOBODY = "в РМА никого нет"
#: Years before the period whose last day is shown.
_YEARS_BACK = 5


def methodists_composition(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Who is in the РМА on the day of the edition, and how many of them were trained.

    Parameters
    ----------
    tables
        Canonical tables with `methodists`, one row a person, role and subject.

    Returns
    -------
    DataFrame
        Measure table with keys `role`, `municipality` and `family` (of the subject), each with
        ``"total"``; municipality and family are not crossed with each other.
        `methodist_members` (persons; `n` is the whole РМА), `methodist_trained_share` (trained on
        or before the day of the edition) and `methodist_trained_in_period_share` (within the
        period) with Wilson intervals, `n` the members of the cell. A person of two roles or
        subjects is in both cells and once in their total.
    """
    keys = ["role", "municipality", "family"]
    names = ["members", "trained_share", "trained_in_period_share"]
    names = [f"methodist_{name}" for name in names]
    if "methodists" not in tables:
        return measured([unknown(names, keys, missing_table("methodists"))], keys)
    region, members = edition.region, _members(tables, edition)
    flags = ["is_trained", "is_trained_now"]
    cut = {"unit": "methodist_id", "flags": flags}
    places = {"role": ROLES, "municipality": region.municipality_names}
    families = {"role": ROLES, "family": region.family_names}
    cells = [
        tallied(members, places, **cut).assign(family=TOTAL),
        tallied(members, families, **cut).assign(municipality=TOTAL),
    ]
    table = pd.concat(cells, ignore_index=True).drop_duplicates(keys, ignore_index=True)
    whole = members["methodist_id"].nunique()
    frames = [counts(table.assign(members=table["n"], n=whole), names[0], "members")]
    if members["trained_on"].notna().any():
        share = {"nobody": NOBODY}
        frames += [shares(table, m, f, **share) for m, f in zip(names[1:], flags, strict=True)]
    else:
        frames.append(unknown(names[1:], keys, NO_TRAINING if whole else NOBODY))
    return as_reported(measured(frames, keys), tables, "methodists", region)


def _members(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Rows of the РМА on the day of the edition, with `family`, `is_trained`, `is_trained_now`."""
    table = tables["methodists"]
    current = table[is_current(table, edition.as_of)]
    day, begun = pd.Timestamp(edition.as_of), pd.Timestamp(edition.period.starts_on)
    trained = current["trained_on"] <= day
    return current.assign(
        family=current["subject"].map(edition.region.family_of_subject),
        is_trained=trained,
        is_trained_now=trained & (current["trained_on"] >= begun),
    )


def methodists_employment(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Members of the РМА on the day of the edition by form of employment, as the table writes it.

    Returns
    -------
    DataFrame
        Measure table with the key `employment_form` (``"total"``, `UNSTATED`, or a text that was
        sent): `methodist_members`, `n` the whole РМА.
    """
    keys = ["employment_form"]
    if "methodists" not in tables:
        gap = unknown(["methodist_members"], keys, missing_table("methodists"))
        return measured([gap], keys)
    members = _members(tables, edition)
    forms = sorted(members["employment_form"].dropna().unique())
    table = tallied(members, {"employment_form": forms}, unit="methodist_id")
    table = table.assign(members=table["n"], n=members["methodist_id"].nunique())
    return measured([counts(table, "methodist_members", "members")], keys)


def methodists_over_time(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Members of the РМА at the ends of past years and of the quarters of the period.

    By the dates of membership in the edition's own table: who left and was struck from it is not
    counted, and who has no date of joining is counted on every day.

    Returns
    -------
    DataFrame
        Measure table with keys `counted_on` (a date, missing where nothing is known) and `role`:
        `methodist_members`, `n` the persons of the table. Years reach back to the first date of
        joining, at most five; the last day is that of the edition.
    """
    keys, name = ["counted_on", "role"], ["methodist_members"]
    if "methodists" not in tables:
        gap = unknown(name, keys, missing_table("methodists"))
        return measured([gap.assign(counted_on=pd.NaT)], keys)
    table = tables["methodists"]
    if table["from_on"].isna().all():
        return measured([unknown(name, keys, NO_DATES).assign(counted_on=pd.NaT)], keys)
    undated = table.loc[table["from_on"].isna(), "methodist_id"].nunique()
    note = f"у {undated} чел. дата вступления не указана: посчитаны во все дни" if undated else None
    frames = []
    for day in _days(table["from_on"].min(), edition):
        cells = tallied(table[is_current(table, day)], {"role": ROLES}, unit="methodist_id")
        cells = cells.assign(counted_on=day, members=cells["n"], note=note)
        cells = cells.assign(n=table["methodist_id"].nunique())
        frames.append(counts(cells, "methodist_members", "members"))
    return measured(frames, keys)


def _days(first: pd.Timestamp, edition: Edition) -> list[pd.Timestamp]:
    begun, day = pd.Timestamp(edition.period.starts_on), pd.Timestamp(edition.as_of)
    since = max(first, begun - pd.DateOffset(years=_YEARS_BACK))
    years = pd.date_range(since, begun - pd.Timedelta(days=1), freq="YE")
    quarters = pd.date_range(begun, day, freq="QE")
    return sorted({*years, *quarters[quarters >= first], day})


# --- load ---------------------------------------------------------------------------------------


def methodist_load(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Staff for one member of the РМА and for one regional methodist, beside each other.

    Parameters
    ----------
    tables
        Canonical tables: `methodists` on the day of the edition; `staff`, everybody once;
        `employment` gives the municipality and subject of the main workplace. Whose main
        workplace does not hold on that day is not counted.

    Returns
    -------
    DataFrame
        Measure table with keys `per` (a key of `DENOMINATORS`), `municipality` and
        `family`; `methodist_load` is staff for one of them, `numerator` the staff, `denominator`
        and `n` those below the line. The region is everybody; a family has those who teach its
        subjects and only the load of a methodist: members of other roles have no subject. Where
        nobody is below the line there is no load: `note` says so. Nor have the region and its
        families one where a municipality is missing from one side of the line alone. `note` of a
        part counts those below the line whom no part has.
    """
    keys = ["per", "municipality", "family"]
    if lacking := [name for name in ("staff", "methodists") if name not in tables]:
        gap = unknown(["methodist_load"], keys, missing_table(*lacking))
        gaps = [gap.assign(per=name) for name in DENOMINATORS]
        empty = {"numerator": np.nan, "denominator": np.nan}
        return measured([frame.assign(**empty) for frame in gaps], keys, *empty)
    people, members = _people(tables, edition), _members(tables, edition)
    parts = {"municipality": edition.region.municipality_names}
    parts |= {"family": edition.region.family_names}
    frames = []
    for name, roles in DENOMINATORS.items():
        mine = members[members["role"].isin(roles)]
        for key, names in parts.items():
            if (name, key) != ("member", "family"):
                other = "family" if key == "municipality" else "municipality"
                cells = _load_cells(people, mine, key, names, per=name)
                frames.append(cells.assign(per=name, **{other: TOTAL}))
    cells = pd.concat(frames, ignore_index=True).drop_duplicates(keys, ignore_index=True)
    table = _loads(_withheld(cells, tables, edition.region), keys)
    for name in ("methodists", "employment", "staff"):
        table = as_reported(table, tables, name, edition.region)
    return table.assign(numerator=table["numerator"].where(table["n"].notna()))


def _withheld(cells: pd.DataFrame, tables: Tables, region: Region) -> pd.DataFrame:
    """Take the staff from cells of which only one side of the line is whole; `note` says why."""
    if "employment" not in tables:
        lost = cells["municipality"].ne(TOTAL) | cells["family"].ne(TOTAL)
        why = missing_table("employment")
    else:
        above = absent_of(tables, "staff") | absent_of(tables, "employment")
        below, n = absent_of(tables, "methodists"), len(region.municipalities)
        lost = cells["municipality"].eq(TOTAL) & (above != below)
        side, gone = (WHOLE_TEAM, above) if above - below else (WHOLE_STAFF, below)
        why = f"данные {of_places(n - len(gone), n)}: {side}"
    return cells.assign(staff=cells["staff"].mask(lost), note=cells["note"].mask(lost, why))


def _people(tables: Tables, edition: Edition) -> pd.DataFrame:
    """`person_id`, `municipality` and `family` of the main workplace of everybody in `staff`.

    Without those whose main workplace does not hold on the day of the edition. A family has people
    of its own position alone: a manager who teaches is no teacher there.
    """
    people, region = tables["staff"][["person_id"]], edition.region
    if "employment" not in tables:
        return people.assign(municipality=None, family=None)
    main = main_workplaces(tables)
    gone = main.loc[~is_current(main, edition.as_of), "person_id"]
    people = people[~people["person_id"].isin(gone)]
    main = main[["person_id", "municipality", "subject", "position"]]
    joined = people.merge(main, on="person_id", how="left", validate="one_to_one")
    family = joined["subject"].map(region.family_of_subject)
    positions = {entry.code: entry.position for entry in region.families}
    return joined.assign(family=family.where(family.map(positions).eq(joined["position"])))


def _load_cells(
    people: pd.DataFrame, members: pd.DataFrame, key: str, names: Mapping[str, str], *, per: str
) -> pd.DataFrame:
    """`staff` and `members` in the whole region and in every part of it, with `note`."""
    staff = tallied(people, {key: names}, unit="person_id").set_index(key)["n"]
    below = tallied(members, {key: names}, unit="methodist_id").set_index(key)["n"]
    cells = pd.DataFrame({"staff": staff, "members": below.reindex(staff.index, fill_value=0)})
    cells = cells.drop(index=UNSTATED, errors="ignore").reset_index()
    unplaced = int(below.get(UNSTATED, 0))
    told = _unplaced(unplaced, key, per) if unplaced else None
    if unplaced and unplaced == below[TOTAL]:
        empty = NO_PLACE if key == "municipality" else NO_SUBJECT
    else:
        empty = both(NO_METHODISTS[per], told)
    note = pd.Series(told, cells.index, dtype="object").mask(cells["members"].eq(0), empty)
    whole = cells[key].eq(TOTAL)
    why = pd.Series(NO_METHODISTS[per], cells.index).where(cells["members"].eq(0), None)
    return cells.assign(note=note.mask(whole, why))


def _unplaced(n: int, key: str, per: str) -> str:
    """Say how many of those below the line are in no part: the load of the parts is too high."""
    who = {
        "member": plural_of(n, "члена РМА", "членов РМА", "членов РМА"),
        "methodist": plural_of(n, "регионального методиста", *["региональных методистов"] * 2),
    }
    what = {"municipality": "муниципальное образование не указано", "family": "предмет не указан"}
    return f"у {n} {who[per]} {what[key]}"


def _loads(cells: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    cells = cells.assign(
        load=cells["staff"] / cells["members"].where(cells["members"] > 0), n=cells["members"]
    )
    table = counts(cells, "methodist_load", "load")
    table = table.assign(
        numerator=cells["staff"].astype(float), denominator=cells["members"].astype(float)
    )
    return measured([table], keys, "numerator", "denominator")


# --- published ----------------------------------------------------------------------------------


def center_staff(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Staff of the centre by form of employment, as the region has published it for the period.

    Returns
    -------
    DataFrame
        Measure table with the key `employment` (``"total"`` or a key of `CENTER_STAFF`):
        `center_staff` (persons) and, of the parts, `center_staff_share` of the total, without an
        interval: the staff is what it is, no process. `source` is document and section. `note` of
        the total says whether the parts add up to it.
    """
    keys, rows = ["employment"], []
    for employment, metric in CENTER_STAFF.items():
        fact = published_fact(tables["published"], metric, edition.period)
        if fact is None:
            note = f"за {edition.period.label} не опубликовано"
            rows.append({"employment": employment, "note": note})
        else:
            row = {"employment": employment, "persons": fact["number"], "note": None}
            rows.append(row | {"source": source_of(fact, edition.region)})
    columns = ["employment", "persons", "source", "note"]
    table = pd.DataFrame(rows).reindex(columns=columns).astype({"persons": float})
    whole, parts = table["persons"].iloc[0], table["persons"].iloc[1:]
    table = table.assign(n=whole)
    if not table["persons"].isna().any():
        sum_ = f"{' + '.join(f'{part:g}' for part in parts)} = {parts.sum():g}"
        told = f"сумма частей сходится: {sum_}"
        if parts.sum() != whole:
            told = f"сумма частей не сходится: {sum_}, а названо {whole:g}"
        table.loc[0, "note"] = told
    frames = [counts(table, "center_staff", "persons")]
    known = table.iloc[1:].dropna(subset=["persons", "n"])
    known = known[known["persons"] <= known["n"]]
    if len(known):
        part = known.assign(share=known["persons"] / known["n"])
        frames.append(counts(part, "center_staff_share", "share"))
    return measured(frames, keys, "source")


def published_fact(
    facts: pd.DataFrame, metric: str, period: Period, kinds: Sequence[str] = ("actual", "count")
) -> dict[str, Any] | None:
    """Return the value of a metric that is published for just this period."""
    written = period.text.replace("-", "/") if period.kind == "academic_year" else period.text
    mine = facts[facts["metric"].eq(metric) & facts["kind"].isin(kinds)]
    mine = mine[mine["period"] == written]
    return None if mine.empty or period.kind == "cumulative" else mine.iloc[0].to_dict()


def source_of(fact: Mapping[str, Any], region: Region) -> str:
    """Document and section of a published fact."""
    return f"{region.document(fact['document']).short}, {fact['locator']}"
