"""Tables of any shape → counts with addresses, as an attacker reads them.

Every number that protection is about becomes a *cell*: what is counted and where, its codes. Two
tables that count the same in the same place share the cell. A table says which of its columns add
up: a row whose code is «total» is the sum of the rows that differ from it in that column alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, replace

import numpy as np
import pandas as pd

from nmc_utils.disclosure.links import linked
from nmc_utils.disclosure.sheets import Form, Sheet, spelled
from nmc_utils.measures.dictionary import ESTIMATE_COLUMNS, MEASURES
from nmc_utils.terms import TOTAL

#: What a row of everyone is called; `pandas.crosstab` says «All» and leaves second keys empty.
TOTALS = frozenset({TOTAL, "итого", "всего", "all", ""})
#: Key columns whose total is no sum of the other codes, unless the numbers say otherwise.
LABELS = ("domain", "measure", "procedure", "wave", "period", "indicator")
#: Columns that say where people are; codes of any other key are their attributes.
PLACES = frozenset(
    {"region", "district", "municipality", "territory", "organization", "school", "family"}
    | {"subject", *LABELS}
)
HIDDEN = "suppressed"
#: Status of a row of an earlier publication whose number has changed since.
REVISED = "revised"
#: Statuses of rows without a number that nobody hides.
UNKNOWN = ("no_data", "not_assessed", "too_few_items")
ORGANIZATIONS = ("organizations", "organisations", "n_organizations", "n_organisations")

_COUNTS = ("count", "n")
_SHARES = ("share", "estimate")
_TEXTS = frozenset({"status", "note", "interval_kind", "reason", "sentence"})
_BINS = ("bin_low", "bin_high")
_ACCURACY = 1e-6


def sheets(
    tables: Mapping[str, pd.DataFrame],
    *,
    structure: Mapping[str, Mapping] | None = None,
    labels: Collection[str] = LABELS,
    hierarchies: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Sheet]:
    """Read tables; the order of tables and rows changes nothing but positions.

    Parameters
    ----------
    structure
        `structured` of the same tables before anything was hidden; without it the forms are judged
        by the numbers that are seen.

    Raises
    ------
    ValueError
        A table has no count, a negative or broken one, or a row twice.
    """
    found = []
    for name in sorted(tables):
        frame = flat(name, tables[name])
        for measure, rows in _measures(frame):
            made = _sheet(name, measure, frame, rows)
            if not len(made.rows):
                continue
            known = (structure or {}).get(made.name)
            if known and tuple(known["keys"]) == made.form.keys:
                form = _restored(known)
            else:
                form = _judged(made, labels, hierarchies or {})
            made = replace(made, form=form)
            _refuse_repeated(made)
            found.append(made)
    return found if structure else linked(found)


def structured(found: list[Sheet]) -> dict[str, dict]:
    """Forms of sheets by name, ready for JSON."""
    return {sheet.name: asdict(sheet.form) for sheet in found}


def flat(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return a table as rows with key columns: keys of an index, or a crosstab unfolded."""
    if not isinstance(table, pd.DataFrame):
        raise ValueError(f"таблица «{name}»: нужна DataFrame, получено {type(table).__name__}")
    if not _is_crosstab(table):
        has_keys = any(level is not None for level in table.index.names)
        extra = has_keys and not set(table.index.names) & set(table.columns)
        return table.reset_index() if extra else table.reset_index(drop=True)
    rows = _named(table.index, "row")
    across = _named(table.columns, "column")
    places = rows.merge(across, how="cross")
    return places.assign(n=table.to_numpy().ravel())


def _named(index: pd.Index, name: str) -> pd.DataFrame:
    """Levels of an index as columns; those without a name are called by their side."""
    levels = index.to_frame(index=False)
    names = [name if i == 0 else f"{name}_{i}" for i in range(index.nlevels)]
    return levels.set_axis(
        [own or new for own, new in zip(index.names, names, strict=True)], axis=1
    )


def _is_crosstab(table: pd.DataFrame) -> bool:
    named = {str(column) for column in table.columns}
    if named & {*_COUNTS, *_SHARES, "status"} or table.empty:
        return False
    return all(pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes)


def masked(table: pd.DataFrame, hidden: np.ndarray, no_group: np.ndarray) -> pd.DataFrame:
    """Take the numbers out of rows; a hidden row has status «suppressed».

    Parameters
    ----------
    hidden, no_group
        By position of the flat table: the row's own number is hidden, that of its group is.
    """
    if _is_crosstab(table):
        keep = ~hidden.reshape(table.shape)
        return table.astype("Float64").where(keep).astype(float)
    shown = table.copy()
    measured = {"measure", "estimate"} <= set(map(str, table.columns))
    numbers = [c for c in table.columns if _is_number(str(c), table[c], measured)]
    group = "n" if measured or len([c for c in _COUNTS if c in table]) == 2 else None
    if "share" in table and "count" not in table:
        group = "n"
    for column in numbers:
        gone = (hidden & no_group) if column == group else hidden
        whole = pd.api.types.is_integer_dtype(shown[column])
        extended = pd.api.types.is_extension_array_dtype(shown[column])
        values = shown[column] if whole and extended else shown[column].astype(float)
        shown[column] = values.mask(gone)
    if "note" in shown:
        shown["note"] = shown["note"].astype(object).mask(hidden, None)
    status = shown["status"].astype(object) if "status" in shown else pd.Series("ok", shown.index)
    shown["status"] = status.mask(hidden, HIDDEN)
    return shown


def _is_number(column: str, values: pd.Series, measured: bool) -> bool:
    """Whether a column is a number of the row, not a key or a text."""
    if column in _BINS or column in _TEXTS:
        return False
    if column in {*_COUNTS, *_SHARES, *ORGANIZATIONS}:
        return True
    if measured and column in set(ESTIMATE_COLUMNS) - {"measure"}:
        return True
    return pd.api.types.is_float_dtype(values)


def _measures(frame: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    if not {"measure", "estimate"} <= set(frame.columns):
        yield "", np.arange(len(frame))
        return
    named = frame["measure"].astype(str).to_numpy()
    for measure in sorted(set(named)):
        yield measure, np.flatnonzero(named == measure)


def _sheet(name: str, measure: str, frame: pd.DataFrame, rows: np.ndarray) -> Sheet:
    part = frame.iloc[rows]
    status = part["status"].astype(str) if "status" in part else pd.Series("ok", part.index)
    real = ~status.isin(UNKNOWN).to_numpy()
    part, rows, status = part[real], rows[real], status[real]
    seen = ~status.isin([HIDDEN, REVISED]).to_numpy()
    revised = status.eq(REVISED).to_numpy()
    keys = tuple(
        str(c)
        for c in frame.columns
        if not (_is_number(str(c), frame[c], bool(measure)) or c in _TEXTS or c == "measure")
        and not str(c).endswith("_label")
    )
    if counts := [k for k in keys if k.startswith("n_")]:
        raise ValueError(f"таблица «{name}»: столбец «{counts[0]}» — второе число строки: "
                         f"разложите его по строкам отдельной таблицы")  # fmt: skip
    codes = part[list(keys)].astype(str).reset_index(drop=True)
    codes = codes.mask(part[list(keys)].isna().to_numpy(), TOTAL)
    codes = codes.apply(lambda values: values.where(~values.str.lower().isin(TOTALS), TOTAL))
    kind, count, group = _numbers(name, measure, part, seen, codes)
    return Sheet(name, measure, Form(kind, keys, ()), rows, codes, count, group, revised)


def _numbers(
    name: str, measure: str, part: pd.DataFrame, seen: np.ndarray, codes: pd.DataFrame
) -> tuple[str, np.ndarray, np.ndarray]:
    """Return the kind of the rows, their counts and their groups."""
    n = _whole(name, part["n"], codes) if "n" in part else None
    if measure:
        estimate = part["estimate"].astype(float).to_numpy()
        is_share = not (estimate[seen] > 1).any()
        unit = MEASURES[measure].unit if measure in MEASURES else ("count", "share")[is_share]
        return _measured(unit, estimate, n, seen)
    if "count" in part:
        count = np.where(seen, _whole(name, part["count"], codes), np.nan)
        return ("counts", count, count) if n is None else ("parts", count, n)
    if n is None:
        raise ValueError(f"таблица «{name}»: нет столбца n или count с числом людей")
    if "share" not in part:
        n = np.where(seen, n, np.nan)
        return "counts", n, n
    kind, count, group = _measured("share", part["share"].astype(float).to_numpy(), n, seen)
    if kind == "derived":
        raise ValueError(f"таблица «{name}»: доля не от целого числа людей, умноженная на n")
    return kind, count, group


def _measured(
    unit: str, estimate: np.ndarray, n: np.ndarray | None, seen: np.ndarray
) -> tuple[str, np.ndarray, np.ndarray]:
    estimate = np.where(seen, estimate, np.nan)
    group = np.full(len(estimate), np.nan) if n is None else n
    count = estimate if unit in ("persons", "count") else estimate * group
    nearest = np.round(count)
    known = ~np.isnan(count)
    whole = (np.abs(count - nearest) <= _ACCURACY * np.fmax(1, group))[known].all()
    if unit not in ("persons", "count", "share") or not whole:
        return "derived", np.full(len(estimate), np.nan), group
    is_all = unit != "share" and (nearest == group)[known].all()
    if n is None or is_all or (nearest > group)[known].any():
        return "counts", nearest, group
    return "parts", nearest, group


def _whole(name: str, values: pd.Series, codes: pd.DataFrame) -> np.ndarray:
    numbers = pd.to_numeric(values, errors="coerce").astype(float).to_numpy()
    for wrong, what in (
        (numbers < 0, "отрицательное число"),
        (~np.isnan(numbers) & (numbers != np.round(numbers)), "не целое число"),
        (np.isinf(numbers), "бесконечное число"),
    ):
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            place = spelled(dict(codes.iloc[at]))
            raise ValueError(f"таблица «{name}», ячейка «{place}»: {what} {numbers[at]:g}")
    return numbers


def _judged(
    sheet: Sheet, labels: Collection[str], hierarchies: Mapping[str, Mapping[str, str]]
) -> Form:
    """Which keys add up and which divide a group, from the codes and the numbers seen."""
    codes, kind = sheet.codes, sheet.form.kind
    totalled = [key for key in sheet.form.keys if codes[key].eq(TOTAL).any()]
    sums = [key for key in totalled if key not in labels]
    sums += [key for key in hierarchies if key in codes and key not in sums]
    parts = [key for key in sheet.form.keys if key not in totalled and key not in PLACES]
    parts = parts if kind == "parts" else []
    values = sheet.group if kind == "derived" else sheet.count
    for key in (key for key in totalled if key in labels):
        if _adds_up(codes, values, key):
            sums.append(key)
    others = [key for key in sheet.form.keys if key not in parts]
    exhaustive = bool(parts) and _fills(codes[others], sheet.count, sheet.group)
    name = sheet.measure.removesuffix("_share") or "n"
    counted = "count" if kind == "parts" and not sheet.measure else name
    return Form(kind, sheet.form.keys, tuple(sorted(sums)), tuple(parts), exhaustive, counted)


def _adds_up(codes: pd.DataFrame, values: np.ndarray, key: str) -> bool:
    """Whether no line that is seen contradicts the total of a key, and one is there."""
    others = [column for column in codes if column != key]
    whole = codes[key].eq(TOTAL)
    frame = codes.assign(value=values, missing=np.isnan(values))
    by = frame[~whole].groupby(others or (lambda _: 0))
    lines = by.agg(parts=("value", "sum"), missing=("missing", "any"))
    top = frame[whole].set_index(others)["value"] if others else frame[whole]["value"]
    top.index = top.index if others else pd.Index([0] * len(top))
    beside = lines.join(top.rename("top"), how="inner").dropna(subset="top")
    equal = beside["parts"].eq(beside["top"]) | (
        beside["missing"] & beside["parts"].le(beside["top"])
    )
    return bool(len(beside) and equal.all())


def _fills(codes: pd.DataFrame, count: np.ndarray, group: np.ndarray) -> bool:
    """Whether the parts seen fill their groups."""
    frame = codes.assign(count=count, group=group, missing=np.isnan(count))
    lines = frame.groupby(list(codes), dropna=False) if len(codes.columns) else [("", frame)]
    for _, line in lines:
        whole = line["group"].dropna()
        if whole.empty or line["missing"].all():
            continue
        seen, full = line["count"].sum(), whole.iloc[0]
        if seen > full or (seen != full and not line["missing"].any()):
            return False
    return True


def _restored(known: Mapping) -> Form:
    values = {key: tuple(v) if isinstance(v, list | tuple) else v for key, v in known.items()}
    return Form(**(values | {"borrowed": tuple(tuple(keys) for keys in known["borrowed"])}))


def _refuse_repeated(sheet: Sheet) -> None:
    twice = sheet.codes.duplicated()
    if twice.any():
        place = spelled(dict(sheet.codes[twice].iloc[0]))
        raise ValueError(f"таблица «{sheet.name}», ячейка «{place}»: строка повторяется")
