"""Which groups of several tables are the same persons: where the numbers seen agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from nmc_utils.disclosure.sheets import Sheet, spelled

#: A count of one table is taken for the group of another where so many places agree.
_ENOUGH = 2


def linked(found: list[Sheet]) -> list[Sheet]:
    """Name groups of measures alike wherever they agree.

    The persons assessed in one competence are mostly those assessed in another: whoever reads both
    tables takes them for the same. A block (a table of one code of each label) is taken for the
    first population that it nowhere contradicts; a count of persons for one that it repeats.
    """
    known: list[dict[str, float]] = []
    blocks = [block for sheet in found if sheet.measure for block in _blocks(sheet)]
    blocks.sort(key=lambda block: (block[2] != "group", block[0], block[1]))
    names: dict[str, dict[str, str]] = {}
    for sheet, label, role, own in blocks:
        at = _matching(known, own, 0 if role == "group" else _ENOUGH)
        if at is None and role == "count":
            continue
        if at is None:
            at = len(known)
            known.append({})
        known[at].update(own)
        names.setdefault(sheet, {})[f"{role}|{label}"] = f"n{at + 1}"
    return [
        replace(sheet, form=replace(sheet.form, links=names.get(sheet.name, {}))) for sheet in found
    ]


def _matching(known: list[dict[str, float]], own: dict[str, float], enough: int) -> int | None:
    for at, values in enumerate(known):
        shared = [place for place in own if place in values]
        if len(shared) >= max(enough, 1) and all(own[p] == values[p] for p in shared):
            return at
    return None


def _blocks(sheet: Sheet) -> list[tuple[str, str, str, dict[str, float]]]:
    """Table, label, role and the numbers seen by place: groups, and counts that nothing divides."""
    form = sheet.form
    labels = [spelled(place) for place in sheet.codes[form.labels].to_dict("records")]
    places = [spelled(place) for place in sheet.codes[list(form.sums)].to_dict("records")]
    frame = pd.DataFrame({"label": labels, "place": places})
    roles = {"group": sheet.group} if form.kind != "counts" else {}
    if form.kind != "derived" and not form.parts:
        roles["count"] = sheet.count
    found = []
    for role, numbers in roles.items():
        for label, rows in frame.assign(value=numbers).groupby("label"):
            seen = rows[~np.isnan(rows["value"])]
            found.append(
                (sheet.name, str(label), role, dict(zip(seen["place"], seen["value"], strict=True)))
            )
    return found
