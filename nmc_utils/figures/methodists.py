"""The regional methodical team (РМА): who is in it, and its load."""

from __future__ import annotations

import holoviews as hv
import pandas as pd

from nmc_utils import theme, wording
from nmc_utils.figures.bars import bar_columns, bar_rows, reference_room
from nmc_utils.figures.rows import headline, lacking, why_empty
from nmc_utils.findings import methodists as told
from nmc_utils.findings.sentences import capital, rows_of
from nmc_utils.regions import Region
from nmc_utils.terms import ROLES, TOTAL
from nmc_utils.theme import Frame

_KEYS = {"municipality": "Муниципальное образование", "family": "Предметная группа"}


def methodist_roles(
    methodists_composition: pd.DataFrame, *, municipality: str = TOTAL
) -> hv.Overlay:
    """Members of the РМА by role, a person of two roles in both."""
    subtitle = "Члены РМА на дату данных по ролям; совмещающие роли посчитаны в каждой"
    rows = rows_of(
        methodists_composition,
        measure="methodist_members",
        municipality=municipality,
        family=TOTAL,
    )
    known = rows[(rows["status"] == "ok") & rows["role"].isin(list(ROLES))]
    if not known["estimate"].sum():
        return theme.reason(why_empty(rows), "Состав РМА", subtitle)
    known = known.set_index("role").loc[[role for role in ROLES if role in set(known["role"])]]
    bars = pd.DataFrame(
        {
            "y": [-float(place) for place in range(len(known))],
            "x": known["estimate"].to_numpy(float),
            "name": [capital(ROLES[role]) for role in known.index],
            "text": [wording.number(n) for n in known["estimate"]],
            "hint": [wording.persons(n) for n in known["estimate"]],
        }
    )
    title = str(told.methodist_team(methodists_composition, municipality=municipality))
    return bar_rows(
        bars, title=headline(title.split(". ")[0]), subtitle=subtitle, xlabel="чел.", width=40
    )


def methodists_over_time(methodists_over_time: pd.DataFrame) -> hv.Overlay:
    """Members of the РМА at the ends of years and quarters; regional methodists apart."""
    subtitle = "Членов РМА на дату: внизу — региональные методисты, вверху — остальные роли"
    rows = methodists_over_time[methodists_over_time["status"] == "ok"]
    if rows.empty:
        why = why_empty(methodists_over_time)
        return theme.reason(why, "Состав РМА по времени", subtitle)
    wide = rows.pivot(index="counted_on", columns="role", values="estimate").sort_index()
    low, high = wide["methodist"].to_numpy(float), wide[TOTAL].to_numpy(float)
    names = [wording.day(day) for day in wide.index]
    below = [f"{day:%d.%m} {day:%Y}" for day in wide.index]
    pieces = [(low * 0, low, theme.ACCENT, theme.PAPER), (low, high, theme.ACCENT_SOFT, theme.INK)]
    words = ("региональные методисты", "остальные роли")
    cells = pd.concat(
        pd.DataFrame(
            {
                "place": range(len(names)),
                "low": start,
                "high": end,
                "fill": fill,
                "ink": ink,
                "text": [wording.number(n) for n in end - start],
                "name": names,
                "hint": [f"{word}: {wording.persons(n)}" for n in end - start],
            }
        )
        for (start, end, fill, ink), word in zip(pieces, words, strict=True)
    )
    first, last = (wording.persons(high[at]) for at in (0, -1))
    title = f"В РМА на {names[-1]} — {last}"
    if len(names) > 1:
        title += f", на {names[0]} — {first}"
    return bar_columns(
        cells, names=below, title=headline(title), subtitle=subtitle + lacking(rows), ylabel="чел."
    )


def methodist_load(
    methodist_load: pd.DataFrame, region: Region, *, municipality: str = TOTAL
) -> hv.Overlay:
    """Staff for one member of the РМА and for one regional methodist; the line is the target."""
    subtitle = "Работников на одного: в знаменателе весь РМА или только региональные методисты"
    rows = rows_of(methodist_load, municipality=municipality, family=TOTAL)
    rows = rows.set_index("per").reindex(list(told.PER)).reset_index()
    if not rows["status"].eq("ok").any():
        return theme.reason(why_empty(rows), "Нагрузка методистов", subtitle)
    bars = pd.DataFrame(
        {
            "y": [-float(place) for place in range(len(rows))],
            "x": rows["estimate"].astype(float),
            "name": [f"На {words}" for words in told.PER.values()],
            "text": [wording.number(value, 1) for value in rows["estimate"]],
            "hint": [_load_words(row) for row in rows.to_dict("records")],
        }
    )
    title = told.methodist_load(methodist_load, region, municipality=municipality)
    return bar_rows(
        bars,
        title=headline(title.split("; план")[0]),
        subtitle=subtitle,
        xlabel="работников на одного",
        reference=_target(region),
        width=52,
    )


def methodist_load_by(
    methodist_load: pd.DataFrame, region: Region, *, key: str = "municipality"
) -> hv.Overlay:
    """Load by municipality or subject family, in the official order: it ranks nobody.

    The dot is staff for a regional methodist, the ring for a member of the РМА of any role, who
    may have no subject: families have no ring.
    """
    subtitle = f"{_KEYS[key]}: ● и первое число — работников на регионального методиста, "
    subtitle += "○ и второе — на члена РМА"
    if key == "family":
        subtitle = f"{_KEYS[key]}: ● — работников на регионального методиста; "
        subtitle += "на члена РМА не считается: у других ролей предмета нет"
    names = region.municipality_names if key == "municipality" else region.family_names
    rows = methodist_load[methodist_load[key].isin(list(names))]
    order = {code: -float(place) for place, code in enumerate(names)}
    rows = rows.assign(
        y=rows[key].map(order),
        x=rows["estimate"].astype(float),
        name=rows[key].map(names),
        hint=[_load_words(row) for row in rows.to_dict("records")],
    ).sort_values("y", ascending=False)
    subtitle += "".join(f"; {text}" for text in _unplaced(rows))
    mine, members = (rows[rows["per"] == per] for per in ("methodist", "member"))
    if not rows["status"].eq("ok").any():
        why = why_empty(rows if len(rows) else methodist_load)
        return theme.reason(why, "Нагрузка методистов", subtitle)
    title = headline(str(told.load_by_part(methodist_load, names, key)))
    return _load_dots(mine, members, _target(region), title, subtitle)


def _load_dots(
    mine: pd.DataFrame,
    members: pd.DataFrame,
    target: tuple[float, str] | None,
    title: str,
    subtitle: str,
) -> hv.Overlay:
    both = pd.concat([mine["x"], members["x"]])
    furthest = max(both.max(), (target or (0.0,))[0])
    limit, bottom = max(1.05 * furthest, reference_room(target)), mine["y"].min() - 0.7
    ringed = members.dropna(subset=["x"])["y"]  # there the words would lie under a ring
    absent = mine[mine["x"].isna() & ~mine["y"].isin(ringed)]
    absent = absent.assign(x=0.01 * limit, text=absent["note"].str.split(";").str[0])
    top = 1.5 if target else 0.7
    values, rest = (
        [(row["y"], _load_number(row)) for row in rows.to_dict("records")]
        for rows in (mine, members)
    )
    frame = Frame(
        (0.0, limit),
        (bottom, top),
        xticks=theme.ticks(limit),
        yticks=[(y, theme.wrapped(n, 26)) for y, n in zip(mine["y"], mine["name"], strict=True)],
        xlabel="работников на одного",
        height=round(29 * (top - bottom) + 54),
        right=(
            theme.column(values, 52, theme.INK, True),
            theme.column(rest, 52, theme.MUTED, False),
        ),
    )
    layers = [
        *theme.reference_line(target, bottom),
        theme.dots(members.dropna(subset=["x"]), theme.MUTED, size=8, is_open=True),
        theme.dots(mine.dropna(subset=["x"]), theme.ACCENT),
        theme.texts(absent, theme.MUTED, align="left"),
    ]
    return theme.compose(layers, frame, title, subtitle)


def _unplaced(rows: pd.DataFrame) -> list[str]:
    """How many of those below the line no part has, of each kind: said once for all parts."""
    known = rows[rows["status"] == "ok"]
    return [str(note) for note in dict.fromkeys(known["note"].dropna())]


def _load_words(row: dict[str, object]) -> str:
    if row["status"] != "ok":
        return wording.with_note(row)
    ratio = f"{wording.number(row['numerator'])} / {wording.number(row['denominator'])}"
    return f"на {told.PER[row['per']]}: {ratio} = {wording.number(row['estimate'], 1)}"


def _load_number(row: dict[str, object]) -> str:
    """The load in a column of numbers; «нет» where there is nobody to divide by."""
    if row["status"] == "ok":
        return wording.number(row["estimate"], 1)
    return "нет" if row["denominator"] == 0 else "—"


def _target(region: Region) -> tuple[float, str] | None:
    """The target and few words of it: they stand over a line, on a phone too."""
    target = told.load_target(region)
    if target is None:
        return None
    year = f" {target.last_year}" if target.last_year else ""
    return float(target.value), f"план{year}: ≤ {wording.number(target.value)}"
