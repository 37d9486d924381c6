"""What a planner of seminars asks: what is left, the year, leaders, other plans."""

from __future__ import annotations

import math

import holoviews as hv
import pandas as pd

from nmc_utils import theme, wording
from nmc_utils.figures.marks import Mark, Scale, mark_plot, placed
from nmc_utils.figures.rows import headline, selected, sentence, share
from nmc_utils.findings import groups as told_of_plan
from nmc_utils.findings import seminar_leaders as told_of_leaders
from nmc_utils.findings import seminars as told
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL
from nmc_utils.theme import Frame

_EVERYONE = "Все предметы"
_NO_GROUPS = "Ни одной группы не составлено"
_NO_DEFICITS = "Результатов не выше порога нет"


def _families(region: Region, families: pd.Series) -> dict[str, str]:
    """Code of a family that occurs → its name, everyone first."""
    names = {TOTAL: _EVERYONE} | told_of_plan.family_names(region, families)
    present = set(families)
    return {code: name for code, name in names.items() if code in present}


# --- what is left -------------------------------------------------------------------------------


def uncovered_map(seminar_uncovered: pd.DataFrame, region: Region) -> hv.Overlay:
    """Family × domain: how many of those with a deficit have no group with that topic.

    Parameters
    ----------
    seminar_uncovered
        Measure table of `seminar_tables.uncovered`.
    """
    subtitle = (
        "У скольких из педагогов с результатом не выше порога в группе нет этой темы или нет "
        "группы; чем темнее, тем больше их доля"
    )
    if seminar_uncovered.empty:
        return theme.reason(told.NOBODY_LOW, "Что остаётся не закрыто темами", subtitle)
    families = _families(region, seminar_uncovered["family"])
    present = set(seminar_uncovered["domain"])
    domains = {code: name for code, name in region.competence_names.items() if code in present}
    cells = []
    for place, (family, name) in enumerate(families.items()):
        left = told.uncovered_by_domain(seminar_uncovered, family).to_dict("index")
        cells += [
            _uncovered_cell(left.get(code), place, across, f"{name}, {domain.lower()}")
            for across, (code, domain) in enumerate(domains.items())
        ]
    title = told.uncovered(seminar_uncovered, region).partition(". Больше всего")
    return theme.heat(
        pd.DataFrame(cells),
        title=headline(title[0].partition(":")[0] + _most(title[2])),
        subtitle=subtitle,
        rows=families,
        columns=domains,
    )


def _most(text: str) -> str:
    return f"; больше всего{text}" if text else ""


def _uncovered_cell(
    left: dict[str, float] | None, place: int, across: int, name: str
) -> dict[str, object]:
    if left is None:
        part, text, hint = 0.0, "—", "результатов не выше порога нет"
    else:
        part = left["left"] / left["n"]
        text = f"{wording.number(left['left'])} из {wording.number(left['n'])}"
        hint = (
            f"в группе с другими темами: {wording.number(left['uncovered_in_group'])}; без группы: "
            f"{wording.number(left['uncovered_alone'])}; с таким результатом: "
            f"{wording.persons(left['n'])}"
        )
    fill, ink = theme.sequential(part)
    place_of = {"x": float(across), "y": -float(place), "name": name}
    return place_of | {"hint": hint, "text": text, "fill": fill, "ink": ink}


# --- the year -----------------------------------------------------------------------------------


def year_progress(seminar_year: pd.DataFrame, region: Region) -> hv.Overlay:
    """Cumulative share of deficits covered after each round, by family.

    Parameters
    ----------
    seminar_year
        Measure table of `seminar_questions.year_coverage`.
    """
    subtitle = (
        "Доля результатов не выше порога, тема которых была в группе человека: ○ после раунда, "
        "● к концу года"
    )
    rows = selected(seminar_year, "year_coverage")
    if not rows["status"].eq("ok").any():
        why = told.NOBODY_PLANNED if not rows["n"].any() else _NO_DEFICITS
        return theme.reason(why[:1].upper() + why[1:], "Программа года", subtitle)
    families = _families(region, rows["family"])
    down = {code: -float(place) for place, code in enumerate(families)}
    rows = rows.assign(
        y=rows["family"].map(down),
        x=100 * rows["estimate"].astype(float),
        name=[f"{families[row['family']]}, раунд {row['round']}" for row in _records(rows)],
        hint=[sentence(row) for row in _records(rows)],
    ).sort_values(["y", "round"], ascending=[False, True], kind="stable")
    known = rows[rows["status"] == "ok"]
    last = known[known["round"] == known["round"].max()]
    earlier = known[known["round"] < known["round"].max()]
    ways = known.groupby("y")["x"].agg(x0="min", x1="max").reset_index()
    low = max(10.0 * math.floor(known["x"].min() / 10 - 0.01), 0.0)
    absent = rows[rows["status"] != "ok"].drop_duplicates("y").assign(x=low)
    layers = [
        theme.lines(ways.assign(y0=ways["y"], y1=ways["y"]), theme.ACCENT_SOFT, 5),
        theme.dots(earlier, theme.ACCENT, size=9, is_open=True),
        theme.dots(last, theme.ACCENT),
        theme.texts(absent.assign(text=_NO_DEFICITS.lower()), theme.MUTED, align="left"),
    ]
    values = [(y, share(x / 100)) for y, x in zip(last["y"], last["x"], strict=True)]
    sizes = [(y, wording.size(n)) for y, n in zip(last["y"], last["n"], strict=True)]
    frame = Frame(
        (low - 0.02 * (100 - low), 102.0),
        (0.5 - len(families), 0.5),
        xticks=[(x, wording.number(x)) for x in range(int(low), 101, 10 if low >= 40 else 20)],
        yticks=[(y, theme.wrapped(families[code], 26)) for code, y in down.items()],
        xlabel="% результатов не выше порога",
        height=31 * len(families) + 54,
        right=(
            theme.column(values, 56, theme.INK, True),
            theme.column(sizes, 76, theme.MUTED, False),
        ),
    )
    title = told.year(seminar_year, region).partition("; ")[0]
    return theme.compose(layers, frame, title, subtitle)


def _records(rows: pd.DataFrame) -> list[dict[str, object]]:
    return rows.to_dict("records")


def programme(
    seminar_programme: pd.DataFrame, region: Region, *, family: str = TOTAL
) -> hv.Overlay:
    """Round × topic of the permanent seminar: groups, and persons who need it.

    Parameters
    ----------
    seminar_programme
        Measure table of `seminar_questions.year_programme`.
    family
        Everyone by default.
    """
    of = "" if family == TOTAL else f"{region.group_families[family]}. "
    subtitle = f"{of}В скольких группах тема и скольким их участникам она нужна, по раундам"
    topics = told.programme_topics(seminar_programme, family=family)
    if topics.empty:
        return theme.reason(_NO_GROUPS, "Программа постоянного семинара", subtitle)
    domains = region.competence_names
    numbers = sorted(topics["round"].unique())
    most = topics["programme_groups"].max()
    across = {code: float(place) for place, code in enumerate(domains)}
    down = {number: -float(place) for place, number in enumerate(numbers)}
    taught = topics.set_index(["round", "domain"])
    cells = []
    for number in numbers:
        for code, name in domains.items():
            row = taught.loc[(number, code)] if (number, code) in taught.index else None
            groups = 0 if row is None else row["programme_groups"]
            fill, ink = theme.sequential(groups / most)
            persons = "" if row is None else wording.persons(row["programme_persons"])
            hint = "темы нет" if row is None else f"нужна {persons} из {wording.number(row['n'])}"
            cells.append(
                {"x": across[code], "y": down[number], "name": f"Раунд {number}, {name.lower()}"}
                | {"hint": hint, "text": told.times(groups) if groups else "—", "note": persons}
                | {"fill": fill, "ink": ink}
            )
    sentence_ = told.programme(seminar_programme, region, family=family)
    return theme.heat(
        pd.DataFrame(cells),
        title=_short_programme(sentence_),
        subtitle=subtitle,
        rows={number: f"{number}-й раунд" for number in numbers},
        columns=domains,
    )


def _short_programme(said: str) -> str:
    """The topics alone: their numbers stand in the cells."""
    rounds = said.removeprefix("Программа постоянного семинара: ").split("; ")
    return "; ".join(text.partition(" (")[0] for text in rounds)


# --- leaders ------------------------------------------------------------------------------------


def leader_load(seminar_leaders: pd.DataFrame | None, region: Region) -> hv.Overlay:
    """Groups led of the load available, by family: never by leader.

    Parameters
    ----------
    seminar_leaders
        `family`, `max_groups`, `groups` of each leader; None where no methodists were sent.
    """
    subtitle = "Сколько групп ведут из стольких, сколько могут взять ведущие предметной группы"
    if seminar_leaders is None or seminar_leaders.empty:
        why = headline(told_of_leaders.leader_load(seminar_leaders, region))
        return theme.reason(why, "Нагрузка ведущих", subtitle)
    of = seminar_leaders.groupby("family")
    load = of[["groups", "max_groups"]].sum().assign(leaders=of.size())
    families = _families(region, seminar_leaders["family"])
    load = load.loc[list(families)].assign(y=[-float(place) for place in range(len(families))])
    y, led, whole = load["y"], load["groups"].astype(float), load["max_groups"].astype(float)
    words = [f"{int(a)} из {int(b)}" for a, b in zip(led, whole, strict=True)]
    people = [wording.plural(n, "ведущий", "ведущих", "ведущих") for n in load["leaders"]]
    rows = load.assign(
        y0=y - 0.32,
        y1=y + 0.32,
        name=[families[code] for code in load.index],
        hint=[f"групп {w}; {p}" for w, p in zip(words, people, strict=True)],
    )
    layers = [
        theme.boxes(rows.assign(x0=led, x1=whole, fill=theme.GRID)[led < whole]),
        theme.boxes(rows.assign(x0=0.0, x1=led, fill=theme.ACCENT)[led > 0]),
    ]
    limit = float(whole.max())
    frame = Frame(
        (0, 1.01 * limit),
        (0.5 - len(load), 0.5),
        xticks=theme.ticks(limit) if limit >= 5 else [(n, str(n)) for n in range(int(limit) + 1)],
        yticks=[(at, theme.wrapped(families[code], 26)) for code, at in y.items()],
        xlabel="групп",
        height=31 * len(load) + 54,
        right=(
            theme.column(list(zip(y, words, strict=True)), 66, theme.INK, True),
            theme.column(list(zip(y, people, strict=True)), 86, theme.MUTED, False),
        ),
    )
    title = told_of_leaders.leader_load(seminar_leaders, region).partition("; ")[0]
    return theme.compose(layers, frame, title, subtitle)


# --- other plans of the same people -------------------------------------------------------------


def plan_sizes(seminar_sizes: pd.DataFrame, region: Region) -> hv.Overlay:
    """Share of deficits covered against the number of groups, a point for each size of groups.

    Parameters
    ----------
    seminar_sizes
        Measure table of `seminar_questions.seminar_sizes`.
    """
    subtitle = "Сколько групп понадобится и что закроют их темы при разном числе человек в группе"
    sizes = told.sizes_by_option(seminar_sizes).dropna(subset="plan_coverage")
    sizes = sizes[sizes["plan_groups"] > 0]
    if sizes.empty:
        return theme.reason(_NO_GROUPS, "Размер групп", subtitle)
    own = region.seminars.size
    rows = pd.DataFrame(
        {
            "x": sizes["plan_groups"].astype(float),
            "y": 100 * sizes["plan_coverage"],
            "text": [f"{low}–{high} чел." + " — в плане" * ((low, high) == own)
                     for low, high in sizes.index],
            "name": [f"В группе {low}–{high} человек" for low, high in sizes.index],
            "hint": [_size_hint(row) for row in sizes.to_dict("records")],
            "is_own": [option == own for option in sizes.index],
        }
    )  # fmt: skip
    low, high, step = _round_limits(rows["y"], 4.0)  # a difference of one point does not shout
    left, right, pace = _round_limits(rows["x"], 4.0)
    beside = rows.assign(x=rows["x"] + 0.02 * (right - left))
    path = rows.sort_values("x")[["x", "y"]]
    steps = path[:-1].add_suffix("0").reset_index(drop=True)
    steps = steps.join(path[1:].add_suffix("1").reset_index(drop=True))
    frame = Frame(
        (left, right + 0.25 * (right - left)),
        (low, high),
        xticks=[(at, wording.number(at)) for at in _places(left, right, pace)],
        yticks=[(at, wording.number(at, int(step < 1))) for at in _places(low, high, step)],
        xlabel="групп в плане",
        ylabel="% закрыто темами",
        height=320,
        grid="y",
    )
    layers = [
        theme.lines(steps, theme.FAINT, 2),
        theme.dots(rows[~rows["is_own"]], theme.MUTED, is_open=True),
        theme.dots(rows[rows["is_own"]], theme.ACCENT, size=13),
        theme.texts(beside[~beside["is_own"]], theme.MUTED, align="left"),
        theme.texts(beside[beside["is_own"]], theme.ACCENT, align="left", bold=True),
    ]
    return theme.compose(layers, frame, headline(told.plan_sizes(seminar_sizes, region)), subtitle)


def _size_hint(row: dict[str, float]) -> str:
    return (
        f"{told.times(row['plan_groups'])}, {wording.persons(row['plan_persons'])}; закрыто "
        f"{wording.percent(row['plan_coverage'], 1)}, нужных тем "
        f"{wording.percent(row['plan_precision'], 1)}; зазор не более "
        f"{told_of_plan.at_most(row['plan_gap'])}; {wording.size(row['n'])}"
    )


def _round_limits(values: pd.Series, least: float) -> tuple[float, float, float]:
    """Round ends that hold the values with some room, `least` apart, and the step of ticks."""
    span = max(values.max() - values.min(), least)
    step = next(s for s in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1e9) if span / s <= 5)
    low = step * math.floor(values.min() / step - 0.1)
    return low, step * math.ceil(values.max() / step + 0.1), step


def _places(low: float, high: float, step: float) -> list[float]:
    return [low + step * at for at in range(round((high - low) / step) + 1)]


_COVERED = Scale("% закрытых темами", limits=(0.0, 100.0), step=20.0)


def plan_variants(seminar_variants: pd.DataFrame, region: Region) -> hv.Overlay:
    """The plan by the result beside the analytic one, each judged both ways.

    Parameters
    ----------
    seminar_variants
        Measure table of `seminar_questions.seminar_variants`.
    """
    subtitle = (
        f"Доля результатов не выше порога, закрытых темами: {region.rule_words} и ожидаемых "
        "истинных, с учётом ошибки измерения"
    )
    title = headline(told.plan_variants(seminar_variants, region))
    if seminar_variants.empty:
        return theme.reason(title, "План с учётом погрешности", subtitle)
    measures = {
        "plan_coverage": Mark(region.rule_words, "open", theme.MUTED, theme.GRID),
        "plan_expected_coverage": Mark("ожидаемые истинные", "dot"),
    }
    tables = {mark.words: selected(seminar_variants, name) for name, mark in measures.items()}
    names = {code: f"План {words}" for code, words in told.PLAN_BASES.items()}
    return mark_plot(
        placed(tables, "basis", names, scale=_COVERED),
        list(measures.values()),
        scale=_COVERED,
        title=title.partition("; результатов")[0],
        subtitle=f"{subtitle}; {told.whose_variants(seminar_variants)}",
        write=lambda value: wording.percent(value, 1),
    )
