"""Who has sent what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import holoviews as hv
import pandas as pd

from nmc_utils import theme, wording


class Look(NamedTuple):
    """How the state of a form looks; the words stand beside it."""

    sign: str
    colour: str
    fill: str


COLLECTING = {
    "not_sent": Look("–", theme.MUTED, "#eef1f3"),
    "returned": Look("×", theme.ATTAINMENT["not_attained"].colour, "#f9e3da"),
    "checking": Look("○", theme.ATTAINMENT["not_due"].colour, "#e3eaf5"),
    "accepted": Look("✓", theme.ATTAINMENT["attained"].colour, "#e0f0ec"),
    "approved": Look("◆", theme.ACCENT, "#dbeaf1"),
}


def collection_matrix(collected: pd.DataFrame) -> hv.Overlay:
    """Municipality × form: what became of what was sent, and how many rows were held out."""
    title = "Что стало с присланным"
    if collected.empty:
        return theme.reason("файлы не называют муниципальных образований", title)
    places = dict(zip(collected["municipality"], collected["name"], strict=True))
    forms = dict(zip(collected["table"], collected["title"], strict=True))
    down = {code: -float(place) for place, code in enumerate(places)}
    across = {code: float(place) for place, code in enumerate(forms)}
    looks = collected["state"].map(COLLECTING)
    signs = looks.map(lambda look: look.sign)
    has_room = len(forms) < theme.CLOSE
    noted = rows_in_words if has_room else _rows_in_numbers
    cells = pd.DataFrame(
        {
            "x": collected["table"].map(across),
            "y": collected["municipality"].map(down),
            "name": collected["name"] + ", " + collected["title"].str.lower(),
            "hint": collected["state_label"],
            "text": signs + " " + collected["state_label"] if has_room else signs,
            "note": [noted(row) or "—" for row in collected.to_dict("records")],
            "fill": [look.fill for look in looks],
            "ink": [look.colour for look in looks],
        }
    )
    n_asked = collected.loc[collected["state"].isin(["not_sent", "returned"]), "municipality"]
    asked = wording.plural(n_asked.nunique(), *_PLACES)
    finding = "От всех муниципальных образований всё принято"
    if len(n_asked):
        finding = f"Ждём недостающего или исправленного от {asked}"
    subtitle = title if has_room else f"{title}, строк: {_key(collected)}"
    return theme.heat(cells, title=finding, subtitle=subtitle, rows=places, columns=forms)


def rows_in_words(row: Mapping[str, Any]) -> str:
    """Say how many rows of a form came and how many were held out; empty where none came."""
    n = row["accepted"] + row["held_out"]
    if row["held_out"]:
        return f"задержано {wording.number(row['held_out'])} из {wording.number(n)}"
    if row["state"] == "returned":
        return "лист целиком"
    return wording.plural(n, "строка", "строки", "строк") if n else ""


def _key(collected: pd.DataFrame) -> str:
    """Say what stands for the words for which there is no room."""
    labels = dict(zip(collected["state"], collected["state_label"], strict=True))
    told = [f"{COLLECTING[state].sign} {label}" for state, label in labels.items()]
    if collected["held_out"].any():
        told.append("−k из n: задержано k")
    return "; ".join(told)


def _rows_in_numbers(row: Mapping[str, Any]) -> str:
    """The same where there is no room for words."""
    n = row["accepted"] + row["held_out"]
    if row["held_out"]:
        return f"−{wording.number(row['held_out'])} из {wording.number(n)}"
    return wording.number(n) if n else ""


_PLACES = ("муниципального образования", *("муниципальных образований",) * 2)
