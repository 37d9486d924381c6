"""The canonical tables of a demonstration edition, before they are put into words.

Municipality, domain and family are numbers in the region's order. A table about persons has `who`,
a row of the panel. A table with `sender`, a municipality, goes into that municipality's workbook,
the others into that of the centre. People are sent by the municipality of their main workplace,
an employment by that of the organisation. Where scores are sent for the whole test alone, `domain`
is ``TOTAL`` in them and in the forms.

`SECOND_JOB_SHARE` of the staff work in a second organisation, half of them anywhere in the region.
РМА are drawn from the staff by ability and chance among those with five years of experience:
coordinators one per municipality in turn, methodists over families in proportion to staff.

Of a procedure that is only counted each municipality sends how many of its staff were tested.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nmc_utils.demo.diagnostics import Bank, Sitting, drawn_staff
from nmc_utils.demo.people import DAY, Setting, apportion
from nmc_utils.demonstration_sizes import CountedProcedure
from nmc_utils.editions import Period
from nmc_utils.terms import ROLES, TOTAL

PROCEDURE = "diag"  #: the procedure of which records are sent

SECOND_JOB_SHARE = 0.05
INTERNSHIP_SHARE = 0.045  #: of organisations
INNOVATION_SHARE = 0.025  #: likewise
SUPPORTED_WITHIN = 25  #: days of the period within which support of low-performing schools begins

SELECTION_WORDS = "проходили диагностику в ходе курсов повышения квалификации"
COUNTED_SELECTION_WORDS = "участников определил организатор; присланы только числа"
RELIABILITY_WORDS = (
    "технический отчёт разработчика теста: доля дисперсии истинных баллов, без учёта пропусков"
)


def draw_records(setting: Setting, bank: Bank, sittings: list[Sitting]) -> dict[str, pd.DataFrame]:
    """Return the tables of the edition, those alone that are sent."""
    organizations = _organizations(setting)
    tables = {
        "staff": _staff(setting),
        "employment": _employment(setting, organizations),
        "organizations": organizations,
        "scores": pd.concat([_scores(setting, at) for at in sittings]),
        "procedures": _procedures(setting),
        "forms": _forms(setting, bank, sittings[0]),
    }
    if setting.size.methodists:
        tables["methodists"] = _methodists(setting)
    if setting.size.counted:
        tables["aggregates"] = pd.concat([_tested(setting, at) for at in setting.size.counted])
    if setting.size.item_responses:
        tables["items"] = _items(setting, bank)
        tables["responses"] = pd.concat([_responses(setting, at) for at in sittings])
    return tables


# --- people and organisations --------------------------------------------------------------------


def _staff(setting: Setting) -> pd.DataFrame:
    """Staff; who has a category renews it every five years."""
    mine = setting.people.loc[setting.staff]
    as_of = pd.Timestamp(setting.size.as_of)
    years = (as_of - mine["career_from"]).dt.days // 365.25
    cycle = (mine["attested_phase"] + (as_of - pd.Timestamp(0)).days) % (5 * 365)
    attested = as_of - cycle * DAY
    has_category = (mine["category_draw"] < 0.65) & (attested > mine["career_from"] + 1000 * DAY)
    category = pd.Series(np.where(mine["category_draw"] < 0.3, "высшая", "первая"), mine.index)
    return pd.DataFrame(
        {
            "who": setting.staff,
            "sender": mine["municipality"],
            "experience_years": years,
            "education": mine["education"],
            "category": category.where(has_category),
            "attested_on": attested.where(has_category),
            "hired_on": mine["hired_on"],
        }
    )


def _organizations(setting: Setting) -> pd.DataFrame:
    """Organisations by municipality; a smaller count of a flag marks a subset of a larger one."""
    size, weights = setting.size, setting.population.weights
    counts = apportion(weights, size.organizations, least=1)
    place = np.repeat(np.arange(len(weights)), counts)
    number = np.arange(len(place)) - np.repeat(counts.cumsum() - counts, counts) + 1
    codes = np.array(list(setting.definition.municipality_names))[place]
    combined = setting.stream("organizations").random(len(place)) < 0.15
    flags = {
        "is_low_performing": size.low_performing,
        "in_mentoring": size.mentoring,
        "is_internship_site": _sites(size.internship_sites, INTERNSHIP_SHARE, len(place)),
        "is_innovation_site": _sites(size.innovation_sites, INNOVATION_SHARE, len(place)),
    }
    marks = {name: _spread(place, n, setting.stream(name)) for name, n in flags.items()}
    return pd.DataFrame(
        {
            "organization_id": [f"{a}-{b:02d}" for a, b in zip(codes, number, strict=True)],
            "municipality": place,
            "sender": place,
            "kind": np.where(
                combined, "образовательный комплекс", "общеобразовательная организация"
            ),
            **marks,
            "supported_on": _supported(setting, marks["is_low_performing"]),
        }
    )


def _supported(setting: Setting, is_low_performing: np.ndarray) -> np.ndarray:
    """Since when the first low-performing schools are supported: from early in the period."""
    since = np.full(len(is_low_performing), np.datetime64("NaT", "D"))
    chosen = np.flatnonzero(is_low_performing)[: setting.size.low_performing_supported or 0]
    days = setting.stream("supported", setting.period).integers(5, SUPPORTED_WITHIN, len(chosen))
    since[chosen] = np.datetime64(Period.parse(setting.period).starts_on) + days
    return since


def _sites(given: int | None, share: float, n_organizations: int) -> int:
    return max(1, round(share * n_organizations)) if given is None else given


def _spread(place: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Mark `n` organisations, in as many municipalities as possible."""
    order = pd.DataFrame({"place": place, "draw": rng.random(len(place))})
    order["turn"] = order.groupby("place")["draw"].rank()
    marked = np.zeros(len(place), dtype=bool)
    marked[order.sort_values(["turn", "draw"]).index[:n]] = True
    return marked


def _employment(setting: Setting, organizations: pd.DataFrame) -> pd.DataFrame:
    """Main workplaces, then the second ones; a second is never in the same organisation."""
    mine = setting.people.loc[setting.staff]
    counts = organizations.groupby("municipality").size().to_numpy()
    first = (counts.cumsum() - counts)[mine["municipality"]]
    near = counts[mine["municipality"]]
    main = first + np.floor(mine["organization_draw"].to_numpy() ** 1.3 * near).astype(int)
    draw, n = mine["second_place_draw"].to_numpy(), len(organizations)
    second = np.where(mine["second_is_near"], first + np.floor(draw * near), np.floor(draw * n))
    second = np.where(second == main, (second + 1) % n, second).astype(int)
    has_second = (mine["second_draw"] < SECOND_JOB_SHARE).to_numpy()
    main_jobs = _jobs(setting, mine, organizations.iloc[main]).assign(is_main=True)
    other_jobs = _jobs(setting, mine[has_second], organizations.iloc[second[has_second]]).assign(
        is_main=False, rate=0.5, from_on=mine.loc[has_second, "second_from"].to_numpy()
    )
    return pd.concat([main_jobs, other_jobs], ignore_index=True)


def _jobs(setting: Setting, people: pd.DataFrame, organizations: pd.DataFrame) -> pd.DataFrame:
    positions = np.array([family.position for family in setting.definition.families])
    place = organizations["municipality"].to_numpy()
    return pd.DataFrame(
        {
            "who": people.index,
            "sender": place,
            "organization_id": organizations["organization_id"].to_numpy(),
            "municipality": place,
            "position": positions[people["family"]],
            "subject": people["subject"].to_numpy(),
            "rate": people["rate"].to_numpy(),
            "from_on": people["hired_on"].to_numpy(),
            "to_on": pd.NaT,
        }
    )


# --- РМА -----------------------------------------------------------------------------------------


def _methodists(setting: Setting) -> pd.DataFrame:
    """Members of the РМА by role; nobody has two roles."""
    as_of = pd.Timestamp(setting.size.as_of)
    pool = setting.people.loc[setting.staff].sort_values("priority", ascending=False, kind="stable")
    pool = pool[pool["career_from"] < as_of - 5 * 365 * DAY]
    members = []
    for role in [role for role in ROLES if role in setting.size.methodists]:
        chosen = _members(setting, role, pool)
        pool = pool.drop(chosen)
        members.append(pd.DataFrame({"who": chosen, "role": role}))
    rma = pd.concat(members, ignore_index=True)
    mine = setting.people.loc[rma["who"]].reset_index(drop=True)
    leads = rma["role"] == "methodist"
    return rma.assign(
        subject=mine["subject"].where(leads),
        municipality=mine["municipality"],
        employment_form=mine["employment_form"],
        trained_on=_trained(setting, leads, mine),
        max_groups=mine["max_groups"].where(leads),
        from_on=mine["joined_rma_on"],
        to_on=pd.NaT,
        act_id=rma_act(setting.period),
    )


def rma_act(period: str) -> str:
    """Return the order that names the РМА."""
    return f"демонстрационный приказ об РМА, {period}"


def _trained(setting: Setting, leads: pd.Series, mine: pd.DataFrame) -> pd.Series:
    """When members were trained; of the methodists as many as the sizes say, the earliest first."""
    as_of = pd.Timestamp(setting.size.as_of)
    drawn = mine["trained_on"].where(mine["is_trained"] & (mine["trained_on"] <= as_of))
    n = setting.size.methodists_trained
    if n is None:
        return drawn
    waiting = mine.assign(later=drawn.isna()).sort_values(["later", "trained_on"], kind="stable")
    chosen = leads.index.isin(waiting.index[leads[waiting.index]][:n])
    year = pd.Timestamp(Period.parse(setting.period).starts_on)
    folded = year + (mine["trained_on"] - year).dt.days.abs() % max((as_of - year).days, 1) * DAY
    return drawn.fillna(folded).where(chosen | (drawn.notna() & ~leads))


def _members(setting: Setting, role: str, pool: pd.DataFrame) -> list[int]:
    """The first of `pool`; coordinators by municipality, methodists by family."""
    n = setting.size.methodists[role]
    if role == "coordinator":
        counts = apportion(np.ones(len(setting.definition.municipalities)), n)
        by = "municipality"
    elif role == "methodist":
        staff = np.bincount(
            setting.family[setting.staff], minlength=len(setting.definition.families)
        )
        counts, by = apportion(staff, n, least=1), "family"
    else:
        return list(pool.index[:n])
    return [who for at, k in enumerate(counts) for who in pool.index[pool[by] == at][:k]]


# --- diagnostics ---------------------------------------------------------------------------------


def _procedure(setting: Setting, code: str = PROCEDURE) -> str:
    return f"{code}-{setting.period}"


def _form_ids(setting: Setting) -> np.ndarray:
    return np.array([f"{setting.period}-{code}" for code in setting.definition.family_names])


def _procedures(setting: Setting) -> pd.DataFrame:
    n_items = setting.size.items_per_domain * len(setting.domains)
    recorded = {
        "procedure_id": _procedure(setting),
        "organiser": setting.definition.center,
        "purpose": "выявление профессиональных дефицитов и построение ИОМ",
        "instrument_version": f"демонстрационный банк {setting.period}, заданий: {n_items}",
        "approval_protocol": None,
        "selection": SELECTION_WORDS,
        "comparability": None if setting.is_first else "несопоставимо",
    }
    counted = [
        {
            "procedure_id": _procedure(setting, procedure.code),
            "organiser": procedure.organiser,
            "purpose": procedure.purpose,
            "selection": COUNTED_SELECTION_WORDS,
        }
        for procedure in setting.size.counted
    ]
    return pd.DataFrame([recorded, *counted], dtype=object)


def _tested(setting: Setting, procedure: CountedProcedure) -> pd.DataFrame:
    """Of the staff of each municipality, how many took part in a procedure that is only counted."""
    tested = drawn_staff(setting, procedure.tested, "counted", procedure.code)
    n_staff, n_tested = (_by_municipality(setting, who) for who in (setting.staff, tested))
    return _counts(setting, procedure, "tested", n_tested, n_staff)


def _by_municipality(setting: Setting, who: np.ndarray) -> np.ndarray:
    place = setting.people["municipality"].to_numpy()[who]
    return np.bincount(place, minlength=len(setting.definition.municipalities))


def _counts(
    setting: Setting,
    procedure: CountedProcedure,
    measure: str,
    numerator: np.ndarray,
    denominator: np.ndarray,
    level: str | None = None,
) -> pd.DataFrame:
    """Rows of `aggregates`, one a municipality in the region's order, at entry, whole test."""
    place = np.arange(len(numerator))
    return pd.DataFrame(
        {
            "sender": place,
            "procedure_id": _procedure(setting, procedure.code),
            "wave": "entry",
            "measure": measure,
            "domain": TOTAL,
            "level": level,
            "municipality": place,
            "numerator": numerator,
            "denominator": denominator,
            "as_of": pd.Timestamp(setting.size.as_of),
            "document": None,
        }
    )


def _parts(setting: Setting, values: np.ndarray) -> np.ndarray:
    """Join the domains, the second of three axes, where results are of the whole test alone."""
    return values.reshape(len(values), 1, -1) if setting.size.totals_only else values


def _part_names(setting: Setting, n: int) -> np.ndarray:
    """`domain` of `n` records, each of which has the parts of the test in order."""
    parts = [TOTAL] if setting.size.totals_only else np.arange(len(setting.domains))
    return np.tile(parts, n)


def _forms(setting: Setting, bank: Bank, entry: Sitting) -> pd.DataFrame:
    """Forms × domains; reliability is stated only where no item responses are sent."""
    n_forms, n_parts, n_items = _parts(setting, bank.forms).shape
    reliability = np.full((n_forms, n_parts), np.nan)
    if not setting.size.item_responses:
        for form in range(n_forms):
            own = bank.chances(entry.theta, np.full(len(entry.who), form))
            chances = _parts(setting, own)
            true = chances.sum(axis=2).var(axis=0)
            error = (chances * (1 - chances)).sum(axis=2).mean(axis=0)
            reliability[form] = np.round(true / (true + error), 2)
    return pd.DataFrame(
        {
            "form_id": np.repeat(_form_ids(setting), n_parts),
            "procedure_id": _procedure(setting),
            "domain": _part_names(setting, n_forms),
            "subject": np.repeat(list(setting.definition.family_names.values()), n_parts),
            "n_items": n_items,
            "max_score": n_items,
            "reliability": reliability.ravel(),
            "reliability_source": None if setting.size.item_responses else RELIABILITY_WORDS,
        }
    )


def _items(setting: Setting, bank: Bank) -> pd.DataFrame:
    n_forms, n_domains, n_items = bank.forms.shape
    items = bank.items.loc[bank.forms.ravel(), ["item_id", "domain", "is_anchor"]]
    return items.assign(
        form_id=np.repeat(_form_ids(setting), n_domains * n_items),
        position=np.tile(np.arange(n_domains * n_items) + 1, n_forms),
        max_score=1,
    )


def _scores(setting: Setting, sitting: Sitting) -> pd.DataFrame:
    """Sums of the answers by domain, or over the whole test; no answer counts 0."""
    answers = _parts(setting, sitting.answers)
    n_persons, n_parts, n_items = answers.shape
    who = np.repeat(sitting.who, n_parts)
    return pd.DataFrame(
        {
            "who": who,
            "sender": setting.people["municipality"].to_numpy()[who],
            "procedure_id": _procedure(setting),
            "wave": sitting.wave,
            "attempt": 1,
            "form_id": _form_ids(setting)[setting.family[who]],
            "domain": _part_names(setting, n_persons),
            "raw_score": np.nansum(answers, axis=2).ravel(),
            "max_score": n_items,
            "taken_on": np.repeat(sitting.taken_on, n_parts),
        }
    )


def _responses(setting: Setting, sitting: Sitting) -> pd.DataFrame:
    """One row is a person; the columns of the answers are the positions of the items, from 1."""
    about = pd.DataFrame(
        {
            "who": sitting.who,
            "sender": setting.people["municipality"].to_numpy()[sitting.who],
            "wave": sitting.wave,
            "form_id": _form_ids(setting)[setting.family[sitting.who]],
        }
    )
    wide = pd.DataFrame(sitting.answers.reshape(len(about), -1))
    return pd.concat([about, wide.rename(columns=lambda at: str(at + 1))], axis=1)
