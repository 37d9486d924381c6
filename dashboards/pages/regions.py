"""Регионы: published numbers of all regions of the period side by side, by name; no ranking."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.compared import Compared, compared
from dashboards.store import State
from nmc_utils import figures, findings, wording
from nmc_utils.editions import Edition
from nmc_utils.findings.regions import region_titles

_TITLE = "Регионы"
_FEW = 12  #: up to this many regions every indicator has its own chart


def view(state: State) -> pn.Column:
    """Who is compared and what may be; coverage, lowest level, shared indicators, functions."""
    now = state.current
    found = compared(now.edition)
    if found is None:
        heading = parts.heading(_TITLE, *_told(now.incomplete))
        return parts.column(heading, parts.missing("Регионы рядом", _not_made(now.edition)))
    if found.unlike:
        heading = parts.heading(_TITLE, *_told(now.incomplete))
        return parts.column(heading, parts.missing("Регионы рядом", found.unlike))
    who = findings.regions_compared(found.definitions, found.table("regions_left_out"))
    return parts.column(
        parts.heading(_TITLE, who, *_told(found.since, now.incomplete)),
        parts.row(_coverage(found), *_comparable_levels(found)),
        parts.row(_levels(found)),
        parts.row(_differences(found)),
        *_indicators(found),
        parts.later(lambda: [_functions(found)]),
    )


def _told(*sentences: str) -> list[str]:
    return [sentence for sentence in sentences if sentence]


def _not_made(edition: Edition) -> str:
    return (
        f"сравнение регионов за {edition.period.label} не сделано. Его делает nmc run после всех "
        "изданий, если за период опубликованы результаты хотя бы двух регионов одного "
        f"происхождения; отдельно: nmc run _country/{edition.period}. Издания разного "
        "происхождения и периоды разного вида рядом не ставятся"
    )


def _coverage(found: Compared) -> pn.Column:
    results = found.table("region_results")
    rows = results[results["measure"].isin(["tested", "tested_share"])]
    columns = {"name": "Регион", "measure": "Что", "estimate": "Значение", "n": "Штат"}
    columns |= {"note": "Почему нет"} if rows["note"].notna().any() else {}
    return parts.chart(
        figures.coverage_by_region(results, found.names),
        lambda: _table(rows.assign(name=rows["region"].map(found.names)), columns),
        note="Отбор не случайный: на всех педагогов регионов доли не распространяются.",
    )


def _table(rows: pd.DataFrame, columns: dict[str, str]) -> str:
    """HTML of a measure table; on a phone every row is a block of its own."""
    shown = wording.readable(rows, columns)
    return parts.table(shown.frame, shown.numeric, kind="stacked")


# --- the lowest level ---------------------------------------------------------------------------


def _comparable_levels(found: Compared) -> list[pn.Column]:
    """A chart for each group of regions with the same cuts, test and selection."""
    results, definitions = found.table("region_results"), found.definitions
    numbers = sorted(definitions["alike"].dropna().unique())
    return [
        parts.chart(
            figures.lowest_level_by_region(results, definitions, number),
            _level_table(found, definitions.loc[definitions["alike"] == number, "region"]),
            min_width=420,
        )
        for number in numbers
    ]


def _level_table(found: Compared, regions: pd.Series) -> Callable[[], str]:
    def table() -> str:
        results = found.table("region_results")
        about = found.definitions[["region", "name", "definition", "source", "instrument"]]
        rows = results[(results["measure"] == "level_share") & results["region"].isin(regions)]
        rows = about.merge(rows, on="region")
        columns = {"name": "Регион", "definition": "Низший уровень", "source": "Откуда порог"}
        columns |= {"instrument": "Задания", "estimate": "Доля", "ci": "Интервал", "n": "n"}
        return _table(
            rows, columns | ({"note": "Почему нет"} if rows["note"].notna().any() else {})
        )

    return table


def _levels(found: Compared) -> pn.Column:
    """Every region beside its own definition: what cannot be compared is not put on one axis."""
    reasons = found.table("regions_incomparable")["reason"]
    words = findings.comparability(found.definitions, reasons)
    head = f'<h2>Доля низшего уровня</h2><p class="gap">{parts.escape(words)}</p>'
    return parts.card(parts.block(head + _level_table(found, found.definitions["region"])()))


def _differences(found: Compared) -> pn.Column:
    words = findings.region_differences(
        found.table("region_differences"), found.names, found.indicator_names
    )
    text = f'<h2>Отличия от среднего</h2><p class="reason">{parts.escape(words)}</p>'
    return parts.card(parts.block(text))


# --- shared indicators --------------------------------------------------------------------------


def _indicators(found: Compared) -> list[pn.viewable.Viewable]:
    if not found.indicator_names:
        reason = "ни одного показателя с тем же кодом и той же единицей нет у двух регионов"
        return [parts.missing("Общие показатели", reason)]
    if len(found.names) > _FEW:
        return [_chosen_indicator(found)]
    charts = [_chart(found, code) for code in found.drawn]
    return [parts.row(*charts)] * bool(charts) + [_all_indicators(found)]


def _chart(found: Compared, code: str) -> pn.Column:
    figure = figures.shared_indicator(found.indicators, found.names, code)
    return parts.chart(figure, lambda: _indicator_table(found, code))


def _all_indicators(found: Compared) -> pn.Column:
    """Each shared indicator as a table; folded where a chart above shows it already."""
    html = "<h2>Общие показатели: значение и план каждого региона</h2>"
    for code, name in found.indicator_names.items():
        title = parts.escape(name)
        opened = "" if code in found.drawn else " open"
        table = _indicator_table(found, code)
        html += f"<details{opened}><summary>{title}</summary>{table}</details>"
    return parts.card(parts.block(html), basis=1280)


def _indicator_table(found: Compared, code: str) -> str:
    rows = told_rows(found.indicators[found.indicators["indicator"] == code])
    records = rows.to_dict("records")
    rows = rows.assign(
        place=rows["region"].map(found.names),
        by=rows["basis"].map(findings.BASIS_NAMES),
        plan=[wording.target(row) for row in records],
        state=[parts.state(row["attainment"], row["attainment_label"]) for row in records],
    )
    columns = {"place": "Регион", "variant_label": "Вариант", "by": "Основание"}
    columns |= {"estimate": "Значение", "ci": "Интервал", "plan": "План региона"}
    columns |= {"state": "Статус"}
    if rows["note"].notna().any():
        columns |= {"note": "Примечание"}
    shown = wording.readable(rows, columns)
    return parts.table(shown.frame, shown.numeric, html=["Статус"], kind="stacked")


def told_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with a value; of a region without any a single one, which says what would give it."""
    known = rows["status"] == "ok"
    silent = ~rows["region"].isin(rows.loc[known, "region"])
    first = silent & ~rows["region"].where(silent).duplicated()
    lacking = rows["closed_by"].where(first & rows["closed_by"].fillna("").ne(""))
    rows = rows.assign(note=rows["note"].fillna("число дало бы: " + lacking))
    rows.loc[first, "variant_label"] = "ни по одному варианту"
    return rows[known | first]


def _chosen_indicator(found: Compared) -> pn.Column:
    """One indicator at a time: dozens of regions by several indicators are no page."""
    place = parts.column()
    options = {name: code for code, name in found.indicator_names.items()}
    first = next(iter(found.drawn or found.indicator_names))
    select = parts.choice("Показатель", options, first, width=900)

    def draw(*_: object) -> None:
        if select.value in found.drawn:
            place[:] = [_chart(found, select.value)]
        else:
            table = parts.block(_indicator_table(found, select.value))
            place[:] = [parts.card(table)]

    draw()
    select.param.watch(draw, "value")
    return parts.column(parts.card(parts.bar(select)), place)


# --- functions ------------------------------------------------------------------------------------

_WHO = "Кто за что отвечает по документам"


def _functions(found: Compared) -> pn.Column:
    """Functions × regions, with the subjects and their level; of many regions how many name it."""
    functions = found.functions
    if functions is None:
        reason = (
            "сравнение сделано раньше, чем в нём появились функции. Выполните: nmc run _country"
        )
        return parts.missing(_WHO, f"{reason}/{found.period}")
    named = functions.dropna(subset=["function"])
    if named.empty:
        return parts.missing(_WHO, "субъектов системы не описывают документы ни одного из регионов")
    n_regions = functions["region"].nunique()
    titles = region_titles(functions)
    of_region = named.groupby("region", sort=False)
    told = findings.functions_of_regions({titles[code]: rows for code, rows in of_region})
    about = (
        "Субъект и его уровень. Названо — в документе; чего документ не называет, то могут делать "
        "и без него. Здесь все регионы, у которых есть опубликованные результаты."
    )
    silent = sorted(set(functions["name"]) - set(named["name"]))
    if silent:
        about += f" Субъектов не описывают документы: {', '.join(silent)}."
    table = findings.functions_side_by_side(functions)
    if n_regions > _FEW:
        table = _counted(named)
    table = table.rename(columns={"function_name": "Функция"})
    head = f"<h2>{_WHO}</h2><p>{parts.escape(told)}</p>"
    text = f'{head}<p class="muted small">{parts.escape(about)}</p>'
    return parts.card(parts.block(text + parts.table(table, kind="stacked")), basis=1280)


def _counted(named: pd.DataFrame) -> pd.DataFrame:
    """In the documents of how many regions somebody has each function."""
    had = named.dropna(subset=["subject"]).groupby("function")["region"].nunique()
    functions = named.drop_duplicates("function")[["function", "function_name"]]
    counts = functions["function"].map(had).fillna(0).astype(int)
    total = named["region"].nunique()
    return pd.DataFrame(
        {
            "function_name": functions["function_name"].to_list(),
            "Названа в документах": [f"{n} из {total}" for n in counts],
        }
    )
