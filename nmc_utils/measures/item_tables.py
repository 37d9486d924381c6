"""Items, forms and answers of an edition for those who write its tests.

The population is everyone tested in one wave of a procedure on forms of at least
`LEAST_PERSONS` persons; nothing here is about a single person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from nmc_utils.measures.answers import Key
from nmc_utils.measures.calibrations import Scale, bank_shares
from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS
from nmc_utils.measures.intervals import adjust_p, mean_interval, share_interval
from nmc_utils.measures.irt import calibrate
from nmc_utils.measures.item_analysis import item_fit, person_fit
from nmc_utils.measures.linking import linking_notes, stocking_lord
from nmc_utils.measures.mantel_haenszel import mantel_haenszel
from nmc_utils.regions import Region

Scales = Mapping[Key, list[Scale]]
_KEYS = ["procedure", "wave", "domain"]
#: What is said of an item that those who know more answer worse.
WRONG_KEY = "отрицательная различающая способность: проверьте ключ"
#: Adjusted p below which an item is said to have moved.
_SIGNIFICANT = 0.05


def _calibrated(scales: Scales) -> Iterator[tuple[Key, Scale, pd.Series | None]]:
    """Scales that are calibrated, with the group of each person where there are several."""
    for key, linked in scales.items():
        for scale in linked:
            if scale.calibration is not None:
                yield key, scale, scale.form if len(scale.forms) > 1 else None


def _keyed(table: pd.DataFrame, key: Key) -> pd.DataFrame:
    keys = dict(zip(_KEYS, key, strict=True))
    return table.assign(**keys)[[*_KEYS, *table.columns]]


def _joined(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts, ignore_index=True)[columns]


def calibrated_items(scales: Scales) -> pd.DataFrame:
    """Difficulty, discrimination and fit of every item.

    Parameters
    ----------
    scales
        Of `calibrations.scales`.

    Returns
    -------
    DataFrame
        `procedure`, `wave`, `domain`, `item`, `forms` (codes of those that have it, in one text),
        `model`, `n` answers, `right_share` (mean share of the item's maximum), `a`, `b` with
        errors, `p_value`, `infit`, `outfit` of `item_fit`, `p_adjusted` over all items of a
        procedure and wave, and `note`: why an item has no parameters, or that its key may be wrong.
    """
    parts = [_keyed(_items_of(scale), key) for key, linked in scales.items() for scale in linked]
    about = ["item", "forms", "model", "n", "right_share", "a", "b", "a_se", "b_se"]
    fit = ["p_value", "p_adjusted", "infit", "outfit", "note"]
    return _adjusted(_joined(parts, [*_KEYS, *about, *fit]), ["procedure", "wave"])


def _adjusted(table: pd.DataFrame, family: list[str]) -> pd.DataFrame:
    """The table with `p_adjusted` over all p-values of a family."""
    for _, mine in table.dropna(subset="p_value").groupby(family):
        table.loc[mine.index, "p_adjusted"] = adjust_p(mine["p_value"].astype(float))
    return table


def _items_of(scale: Scale) -> pd.DataFrame:
    items = scale.forms.columns.rename("item")
    table = pd.DataFrame(index=items)
    table["forms"] = [", ".join(scale.forms.index[scale.forms[item]]) for item in items]
    sizes = scale.form.value_counts()
    table["n"] = [int(sizes[scale.forms.index[scale.forms[item]]].sum()) for item in items]
    scores = scale.responses.mean().reindex(items).fillna(scale.constant)
    table["right_share"] = scores / scale.max_score
    table["model"], table["note"] = None, scale.note
    table.loc[scale.constant.index, "note"] = "все ответили одинаково"
    numbers = ["a", "b", "a_se", "b_se", "p_value", "p_adjusted", "infit", "outfit"]
    if scale.calibration is None:
        return table.assign(**dict.fromkeys(numbers, np.nan)).reset_index()
    group = scale.form if len(scale.forms) > 1 else None
    fit = item_fit(scale.responses, scale.calibration, group)
    table["model"] = scale.calibration.model
    known = scale.calibration.items.join(fit[["p_value", "p_adjusted", "infit", "outfit"]])
    table = table.join(known[numbers])
    table.loc[table["a"] < 0, "note"] = WRONG_KEY
    return table.reset_index()


def bank_means(scales: Scales) -> pd.DataFrame:
    """Mean result of each form on the scale of the whole bank, where forms are linked.

    Per cents of two forms do not compare; the share of the whole bank that is expected of the same
    people does.

    Returns
    -------
    DataFrame
        Measure table with keys `procedure`, `wave`, `domain`, `form`; `bank_mean`, a share 0–1
        with a t interval over persons (errors of the calibration are not in it); `raw_mean`, the
        mean share of the own form's maximum. Forms that share no items with others have no row.
        `note` says why a scale is not assessed.
    """
    parts = []
    for key, scale, group in _calibrated(scales):
        if group is None:
            continue
        rows = [_bank_mean(scale, str(form)) for form in scale.forms.index]
        parts.append(_keyed(pd.DataFrame(rows), key).assign(measure="bank_mean"))
    table = _joined(parts, [*_KEYS, "form", *ESTIMATE_COLUMNS, "raw_mean", "note"])
    numbers = dict.fromkeys(["estimate", "std_error", "ci_low", "ci_high", "raw_mean"], "float64")
    return table.astype(numbers | {"n": "Int64"})


def _bank_mean(scale: Scale, form: str) -> dict[str, object]:
    constant = scale.constant[scale.forms.loc[form, scale.constant.index]]
    raw = scale.responses[scale.form.eq(form)].sum(axis=1) + constant.sum()
    row: dict[str, object] = {"form": form, "n": len(raw), "note": None}
    row["raw_mean"] = raw.mean() / scale.max_score[scale.forms.loc[form]].sum()
    nothing = dict.fromkeys(["estimate", "std_error", "ci_low", "ci_high"], np.nan)
    try:
        shares = raw.map(bank_shares(scale, form))
    except ValueError as error:  # names the items
        about = {"interval_kind": "none", "status": "not_assessed"}
        return row | nothing | about | {"note": str(error).rstrip(".")}
    low, high = mean_interval(shares.mean(), shares.std(), len(raw))
    row |= {"estimate": shares.mean(), "std_error": shares.std() / np.sqrt(len(raw))}
    row |= {"ci_low": float(low), "ci_high": float(high)}
    return row | {"interval_kind": "process", "status": "ok"}


def anchor_drift(scales: Scales, *, wave: str = "entry") -> pd.DataFrame:
    """How far common items moved in each form against all the other forms.

    The items of a form are calibrated alone and carried to the scale of the others by Stocking and
    Lord; a check of the calibration of all forms together.

    Returns
    -------
    DataFrame
        `procedure`, `wave`, `domain`, `form`, `item`, `b_drift` (logits on the scale of the
        others), `b_drift_se`, `p_adjusted` over all checks of a procedure and wave, by which
        `is_drifting`, and `note`: why a form has none.
    """
    parts = []
    for key, scale, group in _calibrated(scales):
        if key[1] != wave or group is None or scale.calibration.model == "gpcm":
            continue
        parts += [_keyed(_drift_of(scale, str(form)), key) for form in scale.forms.index]
    table = _joined(parts, [*_KEYS, "form", *_DRIFT, "p_value", "note"])
    table = _adjusted(table, ["procedure", "wave"])
    known = table["p_value"].notna()
    drifting = table["p_adjusted"].astype("float64").lt(_SIGNIFICANT)
    table["is_drifting"] = drifting.astype(object).where(known, None)
    return table.drop(columns="p_value")


_DRIFT = ["item", "b_drift", "b_drift_se", "p_adjusted", "is_drifting"]


def _drift_of(scale: Scale, form: str) -> pd.DataFrame:
    is_mine = scale.form.eq(form)
    try:
        mine = _alone(scale, is_mine)
        others = _alone(scale, ~is_mine)
        anchors = stocking_lord(others, mine).anchors.reset_index()
    except ValueError as error:  # names the item or the group
        row = dict.fromkeys([*_DRIFT, "p_value"])
        return pd.DataFrame([row | {"form": form, "note": str(error).rstrip(".")}])
    return anchors.assign(form=form, note=None)[["form", *_DRIFT, "p_value", "note"]]


def _alone(scale: Scale, who: pd.Series) -> pd.DataFrame:
    """Items calibrated on some of the persons; those that they all answered alike left out."""
    responses = scale.responses[who].dropna(axis=1, how="all")
    responses = responses.loc[:, responses.nunique() > 1]
    form = scale.form[who]
    group = form if form.nunique() > 1 else None
    return calibrate(responses, model=scale.calibration.model, group=group).items


#: Years of experience up to which a teacher is in the first of two groups.
EXPERIENCE = 10


def comparable_groups(tables: Mapping[str, pd.DataFrame], region: Region) -> pd.DataFrame:
    """Two groups of people by experience, and two by the kind of their municipality.

    Parameters
    ----------
    tables
        Canonical tables, of which `staff` and `employment` are used where they were sent.

    Returns
    -------
    DataFrame
        By `person_id` the name of the group: `experience` and, in a region with two kinds of
        municipalities, `municipality_kind`; missing where it is not known.
    """
    groups = {}
    if "staff" in tables:
        years = tables["staff"].set_index("person_id")["experience_years"].dropna()
        names = f"стаж до {EXPERIENCE} лет", f"стаж от {EXPERIENCE} лет"
        groups["experience"] = years.lt(EXPERIENCE).map(
            dict(zip((True, False), names, strict=True))
        )
    kinds = {place.code: place.kind for place in region.municipalities}
    if "employment" in tables and len(set(kinds.values())) == 2:
        main = tables["employment"].query("is_main").set_index("person_id")["municipality"]
        groups["municipality_kind"] = main.map(kinds)
    return pd.DataFrame(groups)


def item_bias(scales: Scales, groups: pd.DataFrame, *, wave: str = "entry") -> pd.DataFrame:
    """Items that are easier for one of two groups of people with equal results.

    Parameters
    ----------
    groups
        Of `comparable_groups`, or other columns of two groups by `person_id`.

    Returns
    -------
    DataFrame
        `grouping` (the column of `groups`), `procedure`, `wave`, `domain`, `item`, `delta`,
        `std_error`, `category`, `easier_for`, `n`, `p_value` of `mantel_haenszel`, and `p_adjusted`
        over all items of a grouping; a scale whose items cannot be compared has one row, with a
        `note`.
    """
    parts = [
        _keyed(_bias_of(scale, groups[grouping]).assign(grouping=grouping), key)
        for grouping in groups
        for key, scale, _ in _calibrated(scales)
        if key[1] == wave and scale.calibration.model != "gpcm"
    ]
    return _adjusted(_joined(parts, ["grouping", *_KEYS, *_BIAS, "note"]), ["grouping"])


_BIAS = ["item", "delta", "std_error", "category", "easier_for", "n", "p_value", "p_adjusted"]


def _bias_of(scale: Scale, group: pd.Series) -> pd.DataFrame:
    try:
        found = mantel_haenszel(scale.responses, group.reindex(scale.form.index)).reset_index()
    except ValueError as error:  # names the groups or the item
        return pd.DataFrame([dict.fromkeys(_BIAS) | {"note": str(error).rstrip(".")}])
    return found[_BIAS].assign(note=None)


def unusual_answers(scales: Scales) -> pd.DataFrame:
    """Share of persons whose answers are unusual for their result: a check of the data.

    Returns
    -------
    DataFrame
        Measure table with keys `procedure`, `wave`, `domain`; `unusual_share` with a Wilson
        interval; about 5 % are unusual when everyone answered in earnest.
    """
    rows = []
    for key, scale, group in _calibrated(scales):
        found = person_fit(scale.responses, scale.calibration, group)
        told = found[found["status"] == "ok"]
        rows.append((*key, int(told["is_unusual"].sum()), len(told)))
    table = pd.DataFrame(rows, columns=[*_KEYS, "count", "n"])
    table = table.groupby(_KEYS, as_index=False)[["count", "n"]].sum()
    low, high = share_interval(table["count"], table["n"])
    is_told = table["n"] > 0
    table = table.assign(
        measure="unusual_share",
        estimate=table["count"] / table["n"].where(is_told),
        std_error=np.nan,
        ci_low=low,
        ci_high=high,
        interval_kind=np.where(is_told, "process", "none"),
        status=np.where(is_told, "ok", "too_few_items"),
    )
    return table[[*_KEYS, *ESTIMATE_COLUMNS]].astype({"n": "Int64"})


def form_links(scales: Scales) -> pd.DataFrame:
    """What a reader must know of the links between the forms of each competence.

    Returns
    -------
    DataFrame
        `procedure`, `wave`, `domain`, `note`: a sentence for each trouble; no rows where all forms
        are well linked.
    """
    rows = [
        (*key, note)
        for key, linked in scales.items()
        if linked
        for note in linking_notes(
            pd.concat([scale.forms for scale in linked]).fillna(False).astype(bool)
        )
    ]
    return pd.DataFrame(rows, columns=[*_KEYS, "note"])
