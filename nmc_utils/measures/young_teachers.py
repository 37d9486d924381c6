"""Teachers under 35 in their first three years of work, and the support they are given."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from nmc_utils.editions import Edition
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
from nmc_utils.terms import READINGS, TOTAL

Tables = Mapping[str, pd.DataFrame]

_KEYS = ["reading", "form", "municipality"]
_MEASURES = ("young_teachers", "young_supported", "young_supported_share")
NOBODY = "молодых педагогов в таблицах нет"
NO_EXPERIENCE = "педагогический стаж не заполнен"
#: A share of fewer persons is told with a warning.
SMALL = 10
_SMALL = f"меньше {SMALL} человек: доля ненадёжна"


def young_support(
    tables: Tables, edition: Edition, *, age: int = 35, first_years: int = 3
) -> pd.DataFrame:
    """Teachers under `age` in their first years of work, and who of them got support.

    Only the year of birth is known. ``strict`` are those who do not reach `age` in the year of
    the edition's day, and so are younger for certain; ``inclusive`` are those too who reach it
    in that year, some of whom are still younger. The truth lies between the two.

    Parameters
    ----------
    tables
        Canonical tables: `staff` and `employment` (teachers by their main workplace on the day of
        the edition) and `support`.
    first_years
        Of work: fewer full years of experience than this.

    Returns
    -------
    DataFrame
        Measure table with keys `reading`, `form` (of support, as the table writes it) and
        `municipality`, the two each with ``"total"`` and not crossed. `young_teachers` (persons);
        `young_supported`, given any support in the period up to the day of the edition, each once,
        `n` the young teachers; `young_supported_share` with its Wilson interval. A person may have
        several forms: forms do not add up to the total. Teachers of municipalities that have not
        sent `support` are in no share. `note` of `young_teachers` counts those of the age whose
        experience is unknown: they are left out; where it is unknown of everybody of the age,
        nothing is known.
    """
    if lacking := [name for name in ("staff", "employment") if name not in tables]:
        return _unknown(_MEASURES, missing_table(*lacking))
    if len(tables["staff"]) and tables["staff"]["experience_years"].isna().all():
        return _unknown(_MEASURES, NO_EXPERIENCE)
    of_age = _of_age(tables, edition, age=age)
    young = of_age[of_age["experience_years"].lt(first_years).fillna(False).astype(bool)]
    readings = {name: young[young[name]] for name in READINGS}
    people = [_counted(part, edition).assign(reading=name) for name, part in readings.items()]
    table = _with_unclear(measured(people, _KEYS), of_age, edition)
    table = as_reported(table, tables, "staff", edition.region)
    if "support" not in tables:
        return measured([table, _unknown(_MEASURES[1:], missing_table("support"))], _KEYS)
    given, unsent = _given(tables, edition), absent_of(tables, "support")
    parts = [
        _supported(part[~part["municipality"].isin(unsent)], given, edition).assign(reading=name)
        for name, part in readings.items()
    ]
    support = _with_unclear(measured(parts, _KEYS), of_age, edition)
    support = as_reported(support, tables, "staff", edition.region)
    return measured([table, as_reported(support, tables, "support", edition.region)], _KEYS)


def _unknown(measures: tuple[str, ...], note: str) -> pd.DataFrame:
    gaps = [unknown(measures, _KEYS[1:], note).assign(reading=name) for name in READINGS]
    return measured(gaps, _KEYS)


def _of_age(tables: Tables, edition: Edition, *, age: int) -> pd.DataFrame:
    """Young teachers with the flags `strict` and `inclusive`, by place, of any experience."""
    main = main_workplaces(tables)
    main = main[main["position"].eq("teacher") & is_current(main, edition.as_of)]
    people = tables["staff"].merge(
        main[["person_id", "municipality"]], on="person_id", validate="one_to_one"
    )
    reached = edition.as_of.year - people["birth_year"]
    people = people.assign(
        strict=reached.lt(age).astype(bool), inclusive=reached.le(age).astype(bool)
    )
    return people[people["inclusive"]]


def _given(tables: Tables, edition: Edition) -> pd.DataFrame:
    """Support given in the period, up to the day of the edition: `person_id`, `form`."""
    support = tables["support"]
    last = min(edition.period.ends_on, edition.as_of)
    dates = pd.Timestamp(edition.period.starts_on), pd.Timestamp(last)
    return support.loc[support["given_on"].between(*dates), ["person_id", "form"]]


def _counted(young: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    places = {"municipality": edition.region.municipality_names}
    cells = tallied(young, places, unit="person_id").assign(form=TOTAL, note=None)
    return counts(cells, _MEASURES[0])


def _with_unclear(table: pd.DataFrame, of_age: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    """Say how many were left out because their experience is unknown, or that nothing is known."""
    places = {"municipality": edition.region.municipality_names}
    flagged = of_age.assign(is_unclear=of_age["experience_years"].isna())
    frames = [
        tallied(flagged[flagged[name]], places, unit="person_id", flags=["is_unclear"])
        for name in READINGS
    ]
    cells = pd.concat(frames, keys=list(READINGS), names=["reading"]).reset_index("reading")
    cells = cells.set_index(["reading", "municipality"])
    own = cells.reindex(pd.MultiIndex.from_frame(table[["reading", "municipality"]]), fill_value=0)
    unclear, of_them = (own[name].to_numpy() for name in ("is_unclear", "n"))
    is_people = table["measure"].eq(_MEASURES[0])  # where it is said once
    told = [
        f"ещё у {n} чел. стаж не указан: не учтены" if n and tells else None
        for n, tells in zip(unclear, is_people, strict=True)
    ]
    lost = pd.Series((unclear > 0) & (unclear == of_them), table.index)
    note = [both(own, more) for own, more in zip(table["note"], told, strict=True)]
    numbers = ["estimate", "std_error", "ci_low", "ci_high"]
    return table.assign(
        **{name: table[name].mask(lost) for name in numbers},
        n=table["n"].mask(lost),
        status=table["status"].mask(lost, "no_data"),
        note=pd.Series(note, table.index, dtype="object").mask(lost, NO_EXPERIENCE),
    )


def _supported(young: pd.DataFrame, given: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    """Who got any support by municipality, and each form in the whole region."""
    people = young.assign(is_supported=young["person_id"].isin(given["person_id"]))
    places = {"municipality": edition.region.municipality_names}
    cells = tallied(people, places, unit="person_id", flags=["is_supported"])
    mine = given[given["person_id"].isin(young["person_id"])]
    by_form = mine.groupby("form")["person_id"].nunique().sort_index()
    forms = pd.DataFrame(
        {"form": by_form.index, "is_supported": by_form.to_numpy(), "n": len(young)}
    ).assign(municipality=TOTAL)
    cells = pd.concat([cells.assign(form=TOTAL), forms], ignore_index=True)
    few = cells["municipality"].ne(TOTAL) & cells["n"].between(1, SMALL - 1)
    cells = cells.assign(note=pd.Series(None, cells.index, dtype="object").mask(few, _SMALL))
    frames = [
        counts(cells, _MEASURES[1], "is_supported"),
        shares(cells, _MEASURES[2], "is_supported", nobody=NOBODY),
    ]
    return pd.concat(frames, ignore_index=True)
