"""Types of teachers by their deficits, for researchers: profiles, and how many types."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import pandas as pd

from nmc_utils import findings, theme, wording
from nmc_utils.figures.rows import selected, sentence, share, why_empty
from nmc_utils.regions import Region
from nmc_utils.theme import Frame

#: Code of the model of one dimension in the table of `type_tables.type_fit`.
LEVEL = "level"
_LEVEL_WORDS = "без типов, один общий уровень"


def type_profiles(types: pd.DataFrame, region: Region) -> hv.Overlay:
    """Type × competence: probability of a deficit and its interval.

    Parameters
    ----------
    types
        Measure table of `type_tables.type_measures`, of one procedure.
    """
    count = selected(types, "type_count").iloc[0].to_dict()
    subtitle = (
        "Вероятность дефицита у педагога типа, 95 % интервал повторения такой же процедуры; "
        "тип описывает, не распределяет"
    )
    if count["status"] != "ok":
        return theme.reason(why_empty(selected(types, "type_count")), "Типы педагогов", subtitle)
    if count["estimate"] == 1:
        is_checked = selected(types, "type_count_support")["status"].eq("ok").all()
        found = "отдельные типы не выделяются" if is_checked else "сравнивать не с чем"
        words, title = str(findings.types(types)), f"Один тип: {found}"
        return theme.reason(words, f"{title} ({wording.size(count['n'])})")
    cells = selected(types, "type_deficit_share")
    known = set(cells["domain"])
    domains = {code: name for code, name in region.competence_names.items() if code in known}
    names = _type_names(types, len(domains))
    return theme.heat(
        _cells(cells[cells["domain"].isin(domains)], names, domains),
        title=_title(types, count),
        subtitle=subtitle,
        rows=names,
        columns=domains,
    )


def _title(types: pd.DataFrame, count: dict[str, Any]) -> str:
    number = wording.plural(int(count["estimate"]), "тип", "типа", "типов")
    signs = types[types["measure"].isin(["types_are_ordered", "level_is_enough"])]
    how = "только общим уровнем" if signs["estimate"].eq(1).any() else "набором дефицитов"
    return (
        f"{number} различаются {how}; столько же {findings.type_support(types)} "
        f"({wording.size(count['n'])})"
    )


def _type_names(types: pd.DataFrame, asked: int) -> dict[str, str]:
    """Code of a type → its number, share with interval and expected number of deficits."""
    mean = selected(types, "type_deficits").set_index("type")["estimate"]
    return {
        row["type"]: f"Тип {row['type']}: {share(row['estimate'])} "
        f"({wording.percent_interval(row['ci_low'], row['ci_high'])}), "
        f"в среднем {wording.number(mean[row['type']], 1)} из {asked}"
        for row in selected(types, "type_share").to_dict("records")
    }


def _cells(cells: pd.DataFrame, rows: dict[str, str], columns: dict[str, str]) -> pd.DataFrame:
    down = {code: -float(place) for place, code in enumerate(rows)}
    across = {code: float(place) for place, code in enumerate(columns)}
    return pd.DataFrame(
        [
            {
                "x": across[row["domain"]],
                "y": down[row["type"]],
                "name": f"Тип {row['type']}, {columns[row['domain']].lower()}",
                "hint": sentence(row),
                "text": share(row["estimate"]),
                "note": wording.percent_interval(row["ci_low"], row["ci_high"]),
                "fill": theme.sequential(row["estimate"])[0],
                "ink": theme.sequential(row["estimate"])[1],
            }
            for row in cells.to_dict("records")
        ]
    )


def type_fit(type_fit: pd.DataFrame) -> hv.Overlay:
    """By how much the BIC of each number of types exceeds the least, and how often it is least.

    A card with the reason where fewer than two numbers were tried.

    Parameters
    ----------
    type_fit
        Measure table of `type_tables.type_fit`, of one procedure.
    """
    bic = selected(type_fit, "type_bic")
    subtitle = (
        "BIC сверх наименьшего (меньше — лучше); под числом типов — как часто столько выбрано в "
        "повторных выборках"
    )
    by_number = bic[bic["classes"] != LEVEL].sort_values("classes", key=lambda c: c.astype(int))
    if by_number.empty:
        return theme.reason(why_empty(bic), "Число типов не выбиралось", subtitle)
    support = selected(type_fit, "type_support").set_index("classes")
    if len(by_number) == 1:
        size = wording.size(bic["n"].iloc[0])
        why = why_empty(support)
        return theme.reason(why, f"Число типов не выбиралось ({size})", subtitle)
    least = by_number["estimate"].min()
    rows = _points(by_number, least)
    level = bic[bic["classes"].eq(LEVEL) & bic["status"].eq("ok")]["estimate"] - least
    ends = [0.0, rows["y"].max(), *level]
    low, high = min(ends), max(*ends, 1.0)
    room = 0.12 * (high - low)
    frame = Frame(
        (0.5, len(rows) + 0.9),
        (low - room, high + 2 * room),
        xticks=[(row["x"], _tick(row["classes"], support)) for row in rows.to_dict("records")],
        xlabel="число типов",
        height=300,
        grid="",
    )
    layers = [*_level_line(level, len(rows), room), *_curve(rows, room)]
    return theme.compose(layers, frame, _fit_title(rows, level, bic), subtitle)


def _points(by_number: pd.DataFrame, least: float) -> pd.DataFrame:
    """Places of the numbers of types; the text is what each adds to the least BIC."""
    more = by_number["estimate"].astype(float) - least
    return by_number.assign(
        x=by_number["classes"].astype(float),
        y=more,
        is_least=more.eq(0) & ~more.eq(0).duplicated(),
        name=["Типов: " + number for number in by_number["classes"]],
        hint=[f"BIC {sentence(row)}" for row in by_number.to_dict("records")],
        text=["лучшее" if value == 0 else f"+{wording.number(value)}" for value in more],
    )


def _curve(rows: pd.DataFrame, room: float) -> list[hv.Element]:
    ends = rows[["x", "y"]]
    start, end = ends[:-1].reset_index(drop=True), ends[1:].reset_index(drop=True)
    steps = start.add_suffix("0").join(end.add_suffix("1"))
    above = rows.assign(y=rows["y"] + room / 2)
    return [
        theme.lines(steps, theme.FAINT, 2),
        theme.dots(rows[~rows["is_least"]], theme.MUTED, is_open=True),
        theme.dots(rows[rows["is_least"]], theme.ACCENT, size=13),
        theme.texts(above[~above["is_least"]], theme.MUTED, base="bottom"),
        theme.texts(
            # Beside the curve that comes down to it.
            above[above["is_least"]].assign(x=lambda row: row["x"] + 0.07),
            theme.ACCENT,
            align="left",
            base="bottom",
            bold=True,
        ),
    ]


def _level_line(level: pd.Series, numbers: int, room: float) -> list[hv.Element]:
    """The model without types as a line across, with its words."""
    if level.empty:
        return []
    at = float(level.iloc[0])
    line = pd.DataFrame({"x0": [0.5], "x1": [numbers + 0.9], "y0": [at], "y1": [at]})
    sign = "+" if at > 0 else ""
    words = f"{_LEVEL_WORDS}: {sign}{wording.number(at)}"
    label = pd.DataFrame({"x": [numbers + 0.85], "y": [at - room / 6], "text": [words]})
    return [
        theme.lines(line, theme.CONTRAST, 1.5),
        theme.texts(label, theme.CONTRAST, align="right", base="top"),
    ]


def _tick(classes: str, support: pd.DataFrame) -> str:
    row = support.loc[classes]
    times = wording.number(row["estimate"] * row["n"])
    return f"{classes}\nв {times} из {wording.number(row['n'])}"


def _fit_title(rows: pd.DataFrame, level: pd.Series, bic: pd.DataFrame) -> str:
    chosen = wording.number(rows.loc[rows["is_least"], "x"].iloc[0])
    size = wording.size(bic["n"].iloc[0])
    if len(level) and level.iloc[0] < 0:
        return (
            "Один общий уровень описывает дефициты лучше типов; лучшее число типов — "
            f"{chosen} ({size})"
        )
    return f"Лучшее число типов для описания дефицитов — {chosen} ({size})"
