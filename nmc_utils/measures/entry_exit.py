"""Change between the entry and the exit diagnostics of an edition, form by form.

The population is everyone tested at entry on a form; change is of those of them who came to the
exit. Results are shares of the maximum of the entry form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from nmc_utils.measures.answers import Answers, Key
from nmc_utils.measures.attrition import NO_EXIT, attrition
from nmc_utils.measures.calibrations import Scale, equated, scales_of
from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.intervals import mean_interval, share_interval
from nmc_utils.measures.linking import stocking_lord
from nmc_utils.measures.progress import Estimate, Progress, progress
from nmc_utils.measures.reliability import LEAST_ITEMS
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL, WORST

NOT_LINKED = "формы входной и выходной диагностики не связаны общими заданиями: несопоставимо"
_KEYS = ["procedure", "domain"]
_MEANS = ("observed_change", "expected_change", "net_change")
_SHARES = ("reliable_rise_share", "reliable_fall_share")

Row = dict[str, Any]


@dataclass(frozen=True)
class FormProgress:
    """Change of those who took one form at entry, at the cut of one level.

    `change` is missing where `note` says why. `n_unlinked` persons came to the exit on
    a form that cannot be compared; the form has `n_items`. `warning` is about the link of
    different forms.
    """

    procedure: str
    domain: str
    form: str
    level: str
    n_unlinked: int
    n_items: int | None
    change: Progress | None
    note: str | None = None
    warning: str | None = None


def paired(results: pd.DataFrame, answers: Mapping[Key, Answers]) -> pd.DataFrame:
    """Entry and exit result of each person, in the units of the entry form.

    An exit result on another form is equated to the entry form through common items; where no
    items are common it cannot be compared.

    Parameters
    ----------
    results
        Of `scored`.
    answers
        Of `all_answers`.

    Returns
    -------
    DataFrame
        `procedure`, `domain`, `person_id`, `form`, `entry`, `exit` (missing: did not come, or not
        comparable) as shares of the maximum of the entry form, `is_unlinked`, `warning`: which
        common items moved between the waves. The error of equating is not known.
    """
    given = results[results["raw_score"].notna() & results["domain"].ne(WORST)]
    given = given.astype({"domain": "str"})
    keys = ["procedure", "domain", "person_id"]
    columns = [*keys, "form_id", "raw_score", "max_score"]
    entry, leave = (given.loc[given["wave"] == wave, columns] for wave in ("entry", "exit"))
    both = entry.merge(leave, on=keys, how="left", suffixes=("", "_exit"))
    other = both["form_id_exit"].notna() & both["form_id_exit"].ne(both["form_id"])
    both["exit_score"] = both["raw_score_exit"].mask(other)
    both["warning"] = pd.Series(None, both.index, dtype="object")
    for (procedure, domain), rows in both[other & both["domain"].ne(TOTAL)].groupby(_KEYS):
        waves = [answers.get((procedure, wave, domain)) for wave in ("entry", "exit")]
        if None not in waves:
            both.loc[rows.index, "exit_score"] = _equated(rows, *waves)
            both.loc[rows.index, "warning"] = _moved_items(*waves)
    whole = other & both["domain"].eq(TOTAL)
    both.loc[whole, "exit_score"] = _sums(both, both[whole])
    return both[keys].assign(
        form=both["form_id"],
        entry=both["raw_score"] / both["max_score"],
        exit=both["exit_score"] / both["max_score"],
        is_unlinked=other & both["exit_score"].isna(),
        warning=both["warning"],
    )


def _equated(rows: pd.DataFrame, entry: Answers, leave: Answers) -> pd.Series:
    """Exit scores of `rows` on their entry forms, from one calibration of both waves."""
    parts = [sent.labelled(f"{wave}/") for wave, sent in (("entry", entry), ("exit", leave))]
    together = Answers(
        pd.concat([part.responses for part in parts]),
        pd.concat([part.form for part in parts]),
        pd.concat([part.items for part in parts]).groupby(level=0).first(),
        pd.concat([part.forms for part in parts]).fillna(False).astype(bool),
    )
    scores = pd.Series(np.nan, rows.index)
    scales = [scale for scale in scales_of(together) if scale.calibration is not None]
    for (there, here), pair in rows.groupby(["form_id", "form_id_exit"]):
        names = f"exit/{here}", f"entry/{there}"
        for scale in scales:
            if set(names) <= set(scale.forms.index):
                scores[pair.index] = _on_entry_form(pair["raw_score_exit"], scale, *names)
    return scores


def _on_entry_form(raw: pd.Series, scale: Scale, *names: str) -> pd.Series:
    try:
        return raw.map(equated(scale, *names))
    except ValueError:  # the curve of a form does not rise: no score stands for one ability
        return pd.Series(np.nan, raw.index)


def _moved_items(entry: Answers, leave: Answers) -> str | None:
    """Common items that are easier or harder at exit than the others say; None where none is.

    They would be taken for a change of people.
    """
    before, after = (
        pd.concat([scale.calibration.items for scale in found]) if found else pd.DataFrame()
        for found in (
            [scale for scale in scales_of(sent) if scale.calibration is not None]
            for sent in (entry, leave)
        )
    )
    try:
        anchors = stocking_lord(before, after).anchors
    except (ValueError, KeyError) as error:  # names the items
        return f"сместились ли общие задания, неизвестно: {str(error).rstrip('.')}"
    moved = list(anchors.index[anchors["is_drifting"].astype(bool)])
    return (
        f"между этапами сместились общие задания: {', '.join(map(str, moved))}" if moved else None
    )


def _sums(both: pd.DataFrame, whole: pd.DataFrame) -> pd.Series:
    """Whole test at exit from the competences, for those who have every one of them."""
    keys = ["procedure", "person_id"]
    parts = both[both["domain"] != TOTAL].groupby(keys)["exit_score"]
    sums = parts.agg(lambda scores: scores.sum(skipna=False)).rename("sum")
    return whole.join(sums, on=keys)["sum"]


def changes_by_form(
    pairs: pd.DataFrame, reliability: pd.DataFrame, region: Region
) -> list[FormProgress]:
    """Estimate the change of everyone who took a form at entry, for each competence and cut.

    The reliability is the region's correlation of a retest where it has one for the competence,
    else that of the form at entry.

    Parameters
    ----------
    pairs
        Of `paired`.
    reliability
        Of `measurement.reliability_by_form`.
    """
    entry = reliability[reliability["wave"] == "entry"]
    about = entry.set_index(["procedure", "domain", "form"])
    cuts = {level: cut for level, cut in region.diagnostics.cuts.items() if cut < 1}
    found = []
    for key, taken in pairs.groupby(["procedure", "domain", "form"]):
        form = about.loc[key]
        retest = region.diagnostics.retest_of(key[1])
        rho = retest or (form["estimate"] if form["status"] == "ok" else None)
        for level, cut in cuts.items():
            change, note = _change(taken.set_index("person_id"), rho, cut, form["note"])
            warning = "; ".join(taken["warning"].dropna().unique()) or None
            n_items = None if pd.isna(form["n_items"]) else int(form["n_items"])
            sizes = int(taken["is_unlinked"].sum()), n_items
            found.append(FormProgress(*key, level, *sizes, change, note, warning))
    return found


def _change(
    taken: pd.DataFrame, reliability: float | None, cut: float, why_unknown: str | None
) -> tuple[Progress | None, str | None]:
    """The change of those of one form, or why there is none."""
    leave = taken["exit"].dropna()
    if leave.empty:
        return None, NOT_LINKED if taken["is_unlinked"].any() else NO_EXIT
    if reliability is None:
        return None, why_unknown
    try:
        # The expectation is of everyone tested at entry, whoever of them can be compared.
        given = {"reliability": reliability, "cut": cut, "max_score": 1.0}
        found = progress(taken["entry"], leave, **given)
    except ValueError as error:  # says what of the results does not allow it
        return None, str(error).rstrip(".")
    return found, None


def change_measures(
    changes: Sequence[FormProgress], pairs: pd.DataFrame, region: Region
) -> pd.DataFrame:
    """Change of everyone of both waves in each competence, over all forms.

    Means of the forms are weighted by their persons; their errors are independent. The error of
    equating different forms is not counted.

    Parameters
    ----------
    changes
        Of `changes_by_form`.
    pairs
        Of `paired`.

    Returns
    -------
    DataFrame
        Measure table with keys `procedure`, `domain`: `observed_change`, `expected_change` (of a
        retest alone) and `net_change` as shares of the maximum, `reliable_rise_share` and
        `reliable_fall_share`, and the rows of `attrition.attrition`. `n` persons of both waves,
        for attrition those tested at entry; `note` says why a number is missing or who is not in
        it. Reliable change is not told of a competence of fewer than `LEAST_ITEMS` items.
    """
    rows = [
        dict(zip(_KEYS, key, strict=True)) | row
        for key, forms in _by_domain(changes, region.diagnostics.lowest.code)
        for row in _of_domain(forms, pairs[pairs[_KEYS].eq(list(key)).all(axis=1)])
    ]
    rows += attrition(pairs, region)
    table = pd.DataFrame(rows, columns=[*_KEYS, *ESTIMATE_COLUMNS, "note"])
    return table.sort_values(_KEYS, kind="stable", ignore_index=True).astype({"n": "Int64"})


def _by_domain(
    changes: Sequence[FormProgress], level: str
) -> Iterator[tuple[tuple[str, str], list[FormProgress]]]:
    keys = dict.fromkeys((form.procedure, form.domain) for form in changes)
    for key in keys:
        mine = [form for form in changes if (form.procedure, form.domain) == key]
        yield key, [form for form in mine if form.level == level]


def _of_domain(forms: Sequence[FormProgress], pairs: pd.DataFrame) -> list[Row]:
    known = [form.change for form in forms if form.change is not None]
    if not known:
        # Where anybody came to the exit it is not the exit that is missing.
        note = next((form.note for form in forms if form.note != NO_EXIT), NO_EXIT)
        status = "no_data" if note == NO_EXIT else "not_assessed"
        row = {"interval_kind": "none", "status": status, "note": note}
        rows = {name: {"measure": name} | row for name in (*_MEANS, *_SHARES)}
        if (change := (pairs["exit"] - pairs["entry"]).dropna()).size > 1:
            rows["observed_change"] = {"measure": "observed_change"} | _observed(change)
        return list(rows.values())
    means = {name: _mean([getattr(change, name) for change in known]) for name in _MEANS}
    shares = dict(zip(_SHARES, _shares(known), strict=True))
    about = {"interval_kind": "process", "status": "ok", "note": _left_out(forms)}
    rows = {name: {"measure": name} | row | about for name, row in (means | shares).items()}
    if forms[0].domain != TOTAL and any((form.n_items or 0) < LEAST_ITEMS for form in forms):
        note = f"в компетенции меньше {LEAST_ITEMS} заданий: об изменении человека не судят"
        row = {"interval_kind": "none", "status": "too_few_items", "note": note}
        rows |= {name: {"measure": name} | row for name in _SHARES}
    return list(rows.values())


def _observed(change: pd.Series) -> Row:
    """What is seen needs no reliability."""
    low, high = mean_interval(change.mean(), change.std(), len(change))
    error = change.std() / np.sqrt(len(change))
    bounds = {"ci_low": float(low), "ci_high": float(high), "n": len(change), "note": None}
    kind = {"interval_kind": "process" if error > 0 else "none", "status": "ok"}
    return {"estimate": change.mean(), "std_error": error} | bounds | kind


def _mean(parts: Sequence[Estimate]) -> Row:
    """Mean over forms, by their persons."""
    n = np.array([part.n for part in parts], float)
    half = np.array([part.ci_high - part.ci_low for part in parts]) / 2
    errors = half / stdtrit(n - 1, 0.975)
    weights = n / n.sum()
    estimate = float(weights @ [part.estimate for part in parts])
    error = float(np.sqrt(((weights * errors) ** 2).sum()))
    reach = stdtrit(n.sum() - len(parts), 0.975) * error
    bounds = {"ci_low": estimate - reach, "ci_high": estimate + reach}
    return {"estimate": estimate, "std_error": error, "n": int(n.sum())} | bounds


def _shares(changes: Sequence[Progress]) -> list[Row]:
    directions = pd.concat([change.reliable["direction"] for change in changes])
    return [_share(directions.eq(way).sum(), len(directions)) for way in ("up", "down")]


def _share(count: int, n: int) -> Row:
    low, high = share_interval(count, n)
    return {"estimate": count / n, "n": n, "ci_low": float(low), "ci_high": float(high)}


def _left_out(forms: Sequence[FormProgress]) -> str | None:
    unknown = [form for form in forms if form.change is None]
    unlinked = sum(form.n_unlinked for form in forms if form.change is not None)
    told = []
    if unknown:
        told.append(f"без форм, которые не оценивались: {len(unknown)} ({unknown[0].note})")
    if unlinked:
        told.append(f"без {unlinked} чел., чьи формы не сопоставимы")
    told += dict.fromkeys(form.warning for form in forms if form.change and form.warning)
    return "; ".join(told) or None


def migration(changes: Sequence[FormProgress], region: Region) -> pd.DataFrame:
    """Who moved across each cut, and how many would have without any change.

    Parameters
    ----------
    changes
        Of `changes_by_form`.

    Returns
    -------
    DataFrame
        Measure table with keys `procedure`, `domain`, `level` (the cut is its upper bound),
        `from_level` and `to_level` (``at_or_below`` or ``above`` the cut): `migration_share` of
        those of `from_level` at entry, with a Wilson interval, and `migration_expected_share`,
        what a retest alone brings. `n` persons of `from_level` who came to the exit.
    """
    parts = []
    for level in region.diagnostics.cuts:
        for key, forms in _by_domain(changes, level):
            known = [form.change.migration for form in forms if form.change is not None]
            if known:
                keys = dict(zip(_KEYS, key, strict=True)) | {"level": level}
                parts.append(_moved(pd.concat(known)).assign(**keys))
    keys = [*_KEYS, "level", "from_level", "to_level"]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return table.reindex(columns=[*keys, *ESTIMATE_COLUMNS]).astype({"n": "Int64"})


def _moved(rows: pd.DataFrame) -> pd.DataFrame:
    counts = rows.groupby(["from_level", "to_level"])[["n", "expected_n"]].sum().reset_index()
    n = counts.groupby("from_level")["n"].transform("sum")
    low, high = share_interval(counts["n"], n)
    keys = counts[["from_level", "to_level"]].assign(n=n, status="ok")
    bounds = {"ci_low": low, "ci_high": high, "interval_kind": "process"}
    seen = keys.assign(measure="migration_share", estimate=counts["n"] / n, **bounds)
    expected = counts["expected_n"] / n
    by_chance = keys.assign(
        measure="migration_expected_share", estimate=expected, interval_kind="none"
    )
    return pd.concat([seen, by_chance], ignore_index=True)
