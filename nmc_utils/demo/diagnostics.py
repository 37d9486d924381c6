"""The diagnostics of a demonstration edition: who came, what they were asked, what they answered.

*Who is tested.* Weighted draw without replacement, weight ∝ r_m·exp(−γ_m·G): weaker people come to
courses more often, unequally by municipality, γ_m ~ U(`SELECTION`), r_m ~ LN(0, `RATE_SD`). Another
draw of this kind gives who took part in a further procedure, of which only counts are sent.

*Items.* Discrimination ln a ~ N(`ITEM_LOG_A`), difficulty b ~ N(c + `DOMAIN_DIFFICULTY`_d,
`ITEM_B_SD`²). One bank of `BANK_TO_FORM` form lengths for each domain; a domain that is `by_family`
has a bank of 1.5 form lengths for each family. A form belongs to a family; `ANCHOR_SHARE` of the
items of a common domain are anchors and stand in all forms. One shift c for the edition makes the
expected share of the whole bank fall at or below the region's lowest cut for `TARGET_SHARE` of
those tested. Every edition has a bank of its own: two periods are not comparable.

*Answers.* P(right) = 1 / (1 + exp(−a(θ − b))); `OMIT_SHARE` of answers are left blank and count 0.

*Exit.* The same form again at θ_d + δ + e, δ ~ N(`EFFECT_MEAN`, `EFFECT_SD`²) of the person and
e ~ N(0, `EFFECT_DOMAIN_SD`²), in SD of ability. `ATTRITION` of those tested do not come; who comes
is drawn with weight ∝ exp(`ATTRITION_SLOPE`·z), z being the standardised entry total. The effect is
gone by the next period.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nmc_utils.demo.people import NAME, Setting
from nmc_utils.editions import Period
from nmc_utils.terms import TOTAL

SELECTION = (0.15, 0.55)
RATE_SD = 0.35
DOMAIN_DIFFICULTY = (0.05, -0.10, 0.0, 0.25, -0.20)  #: by order of the domains, higher is harder
ITEM_LOG_A = (0.10, 0.25)  #: mean and SD
ITEM_B_SD = 0.9
ANCHOR_SHARE = 1 / 3
BANK_TO_FORM = 3
OMIT_SHARE = 0.02
TARGET_SHARE = 0.36
EFFECT_MEAN = 0.30
EFFECT_SD = 0.20
EFFECT_DOMAIN_SD = 0.10
ATTRITION = 0.12
ATTRITION_SLOPE = 0.6


@dataclass(frozen=True)
class Bank:
    """Items with their true parameters, and the forms as rows of `items`.

    `items` has `item_id`, `domain` and `family` (numbers; −1 for a domain common to all), `a`, `b`,
    `is_anchor`; `forms` is family × domain × place in the domain.
    """

    items: pd.DataFrame
    forms: np.ndarray

    def chances(self, theta: np.ndarray, family: np.ndarray) -> np.ndarray:
        """Chance of a right answer: person × domain × place in the person's own form."""
        rows = self.forms[family]
        a, b = self.items["a"].to_numpy(), self.items["b"].to_numpy()
        return _logistic(a[rows] * (theta[:, :, None] - b[rows]))

    def expected(self, theta: np.ndarray, family: np.ndarray) -> np.ndarray:
        """Expected share of the whole bank (of the own family where it has one), by domain."""
        shares = np.full(theta.shape, np.nan)
        for (domain, owner), items in self.items.groupby(["domain", "family"]):
            who = np.flatnonzero((family == owner) | (owner < 0))
            away = theta[who, domain][:, None] - items["b"].to_numpy()
            shares[who, domain] = _logistic(items["a"].to_numpy() * away).mean(axis=1)
        return shares


def _logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@dataclass(frozen=True)
class Sitting:
    """One wave: who came, their abilities then, their answers (NaN: none), when."""

    wave: str
    who: np.ndarray
    theta: np.ndarray
    answers: np.ndarray
    taken_on: np.ndarray


def draw_diagnostics(setting: Setting) -> tuple[Bank, list[Sitting]]:
    """Draw those tested, a bank with forms, and the answers of the entry and exit waves."""
    tested = drawn_staff(setting, setting.size.tested, "tested")
    cut = setting.definition.diagnostics.deficit_cut
    bank = _calibrated(
        _bank(setting), setting.population.theta[tested], setting.family[tested], cut
    )
    rng = setting.stream("answers", setting.period)
    entry = _entry(setting, bank, tested, rng)
    return bank, [entry, _exit(setting, bank, entry, rng)]


def _draw(log_weight: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `n` positions without replacement by weight (Gumbel top-n), in order of position."""
    keys = log_weight + rng.gumbel(size=len(log_weight))
    return np.sort(np.argsort(-keys, kind="stable")[:n])


def drawn_staff(setting: Setting, n: int, *purpose: str) -> np.ndarray:
    """Draw `n` of the staff for one procedure of the edition: rows of the panel."""
    n_municipalities = len(setting.definition.municipalities)
    rng = setting.stream("selection")
    gamma = rng.uniform(*SELECTION, n_municipalities)
    log_rate = rng.normal(0, RATE_SD, n_municipalities)
    staff = setting.people.loc[setting.staff]
    place = staff["municipality"].to_numpy()
    weight = log_rate[place] - gamma[place] * staff["ability"].to_numpy()
    return setting.staff[_draw(weight, n, setting.stream(*purpose, setting.period))]


# --- bank and forms ------------------------------------------------------------------------------


def _bank(setting: Setting) -> Bank:
    rng = setting.stream("bank", setting.period)
    families, domains = setting.definition.families, setting.definition.domains
    n_items = setting.size.items_per_domain
    forms = np.empty((len(families), len(domains), n_items), dtype=int)
    parts: list[pd.DataFrame] = []
    for at, domain in enumerate(domains):
        n_anchors = 0 if domain.by_family else max(1, round(ANCHOR_SHARE * n_items))
        length = -(-3 * n_items // 2) if domain.by_family else BANK_TO_FORM * n_items
        for owner in range(len(families)) if domain.by_family else [-1]:
            name = domain.code if owner < 0 else f"{domain.code}-{families[owner].code}"
            used = sum(map(len, parts))
            parts.append(_items(f"{setting.period}-{name}", at, owner, length, n_anchors, rng))
            for form in range(len(families)) if owner < 0 else [owner]:
                rest = rng.choice(np.arange(n_anchors, length), n_items - n_anchors, replace=False)
                drawn = np.concatenate([np.arange(n_anchors), rest])
                forms[form, at] = used + rng.permutation(drawn)
    items = pd.concat(parts, ignore_index=True)
    items["b"] += np.resize(DOMAIN_DIFFICULTY, len(domains))[items["domain"]]
    return Bank(items, forms)


def _items(
    name: str, domain: int, owner: int, n: int, n_anchors: int, rng: np.random.Generator
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item_id": [f"{name}-{at:03d}" for at in range(1, n + 1)],
            "domain": domain,
            "family": owner,
            "a": rng.lognormal(*ITEM_LOG_A, n),
            "b": rng.normal(0, ITEM_B_SD, n),
            "is_anchor": np.arange(n) < n_anchors,
        }
    )


def _calibrated(bank: Bank, theta: np.ndarray, family: np.ndarray, cut: float) -> Bank:
    """Shift all difficulties so that `TARGET_SHARE` of true results are at or below `cut`."""
    sample = np.linspace(0, len(theta) - 1, min(len(theta), 1500)).astype(int)
    low, high = -6.0, 6.0
    for _ in range(24):
        shift = (low + high) / 2
        result = bank.expected(theta[sample] - shift, family[sample]).mean(axis=1)
        low, high = (low, shift) if np.quantile(result, TARGET_SHARE) < cut else (shift, high)
    return replace(bank, items=bank.items.assign(b=bank.items["b"] + shift))


# --- waves ---------------------------------------------------------------------------------------


def _answers(
    bank: Bank, theta: np.ndarray, family: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    chances = bank.chances(theta, family)
    right = (rng.random(chances.shape) < chances).astype(float)
    return np.where(rng.random(chances.shape) < OMIT_SHARE, np.nan, right)


def _length(setting: Setting) -> int:
    """Days from the start of the period to the date of the data, or to its end if that is later."""
    period = Period.parse(setting.period)
    return (min(setting.size.as_of, period.ends_on) - period.starts_on).days


def _weekday(days: np.ndarray) -> np.ndarray:
    return np.busday_offset(days, 0, roll="forward")


def _entry(setting: Setting, bank: Bank, tested: np.ndarray, rng: np.random.Generator) -> Sitting:
    """Everyone tested, on the first day of one of eight courses."""
    start = np.datetime64(Period.parse(setting.period).starts_on)
    course = rng.integers(0, 8, len(tested)) / 8
    taken_on = _weekday(start + (_length(setting) * (0.05 + 0.75 * course)).astype(int))
    theta = setting.population.theta[tested]
    answers = _answers(bank, theta, setting.family[tested], rng)
    return Sitting("entry", tested, theta, answers, taken_on)


def _exit(setting: Setting, bank: Bank, entry: Sitting, rng: np.random.Generator) -> Sitting:
    """Those who came again at the end of the course, with the effect of training."""
    total = np.nansum(entry.answers, axis=(1, 2))
    away = (total - total.mean()) / max(total.std(), 1)
    n = len(total) - round(ATTRITION * len(total))
    came = _draw(ATTRITION_SLOPE * away, n, rng)
    theta = entry.theta[came] + rng.normal(EFFECT_MEAN, EFFECT_SD, (n, 1))
    theta += rng.normal(0, EFFECT_DOMAIN_SD, theta.shape)
    answers = _answers(bank, theta, setting.family[entry.who[came]], rng)
    taken_on = _weekday(entry.taken_on[came] + max(1, round(0.08 * _length(setting))))
    return Sitting("exit", entry.who[came], theta, answers, taken_on)


# --- the truth -----------------------------------------------------------------------------------


def truth(setting: Setting, bank: Bank, sittings: list[Sitting]) -> dict[str, pd.DataFrame]:
    """What the answers were drawn from; persons by name and birthday, the rest by code.

    `persons`: all staff with their abilities; `abilities`: those tested × wave × domain and the
    whole test, ability and expected share right of the own form and of the bank; `items`;
    `domains`; `levels`: true share of each level; `effect`: change of ability of those who came
    twice.
    """
    abilities = pd.concat([_true_results(setting, bank, at) for at in sittings], ignore_index=True)
    return {
        "persons": _true_persons(setting, sittings[0]),
        "abilities": abilities,
        "items": _true_items(setting, bank),
        "domains": _true_domains(setting, sittings[0]),
        "levels": _true_levels(setting, abilities),
        "effect": _true_effect(setting, *sittings),
    }


def _true_persons(setting: Setting, entry: Sitting) -> pd.DataFrame:
    mine = setting.people.loc[setting.staff]
    theta = setting.population.theta[setting.staff]
    return mine[NAME].assign(
        municipality=np.array(list(setting.definition.municipality_names))[mine["municipality"]],
        family=np.array(list(setting.definition.family_names))[mine["family"]],
        is_tested=np.isin(setting.staff, entry.who),
        **{f"theta_{code}": theta[:, at] for at, code in enumerate(setting.domains)},
    )


def _true_items(setting: Setting, bank: Bank) -> pd.DataFrame:
    families = [*setting.definition.family_names, None]
    return bank.items.assign(
        domain=np.array(setting.domains)[bank.items["domain"]],
        family=[families[at] for at in bank.items["family"]],
    )


def _true_domains(setting: Setting, entry: Sitting) -> pd.DataFrame:
    staff = setting.population.theta[setting.staff]
    return pd.DataFrame(
        {
            "domain": setting.domains,
            "difficulty": np.resize(DOMAIN_DIFFICULTY, len(setting.domains)),
            "staff_mean": staff.mean(axis=0),
            "staff_sd": staff.std(axis=0),
            "tested_mean": entry.theta.mean(axis=0),
            "tested_sd": entry.theta.std(axis=0),
        }
    )


def _true_results(setting: Setting, bank: Bank, sitting: Sitting) -> pd.DataFrame:
    n_rows = len(setting.domains) + 1
    family = setting.family[sitting.who]
    form = bank.chances(sitting.theta, family).mean(axis=2)
    whole = bank.expected(sitting.theta, family)
    people = setting.people.loc[np.repeat(sitting.who, n_rows), NAME].reset_index(drop=True)
    return people.assign(
        wave=sitting.wave,
        domain=np.tile([*setting.domains, TOTAL], len(family)),
        theta=np.column_stack([sitting.theta, np.full(len(family), np.nan)]).ravel(),
        expected_form_share=np.column_stack([form, form.mean(axis=1)]).ravel(),
        expected_bank_share=np.column_stack([whole, whole.mean(axis=1)]).ravel(),
    )


def _true_levels(setting: Setting, abilities: pd.DataFrame) -> pd.DataFrame:
    """A result equal to a cut is at or below it."""
    diagnostics = setting.definition.diagnostics
    codes = [level.code for level in diagnostics.levels]
    cuts = list(diagnostics.cuts.values())
    parts = []
    for basis in ("form", "bank"):
        level = np.searchsorted(cuts, abilities[f"expected_{basis}_share"])
        results = abilities.assign(basis=basis, level=pd.Categorical.from_codes(level, codes))
        counts = results.groupby(["wave", "domain", "basis"])["level"].value_counts(sort=False)
        parts.append(counts.rename("n").reset_index().astype({"level": "str"}))
    shares = pd.concat(parts, ignore_index=True)
    n_all = shares.groupby(["wave", "domain", "basis"])["n"].transform("sum")
    return shares.assign(share=shares["n"] / n_all)


def _true_effect(setting: Setting, entry: Sitting, leave: Sitting) -> pd.DataFrame:
    change = leave.theta - entry.theta[np.isin(entry.who, leave.who)]
    return pd.DataFrame(
        {
            "domain": setting.domains,
            "mean": change.mean(axis=0),
            "sd": change.std(axis=0),
            "n_entry": len(entry.who),
            "n_exit": len(leave.who),
        }
    )
