"""Диагностика: who was tested and with what result, down to a municipality and a competence."""

from __future__ import annotations

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.store import WAVES, Published, State
from nmc_utils import figures, findings, wording
from nmc_utils.terms import TOTAL

_HEADINGS = {"estimate": "Доля", "ci": "95 % интервал", "n": "n"}
_WHOLE_REGION = "По региону: выбор муниципалитета здесь ничего не меняет."


def view(state: State) -> pn.Column:
    """Who was tested, the distribution with the cut, levels by domain, place and family."""
    now = state.current
    shares = now.of_procedure("level_shares")
    if shares is None:
        return parts.column(parts.heading("Диагностика", "Результатов диагностики в издании нет."))
    charts = parts.column()

    filters = _filters(state)

    def draw() -> None:
        charts[:] = _charts(now, shares, state)

    state.follow(draw, "municipality", "domain", "wave")
    return parts.column(
        parts.heading("Диагностика", _who(now)),
        filters,
        charts,
        parts.block(f'<p class="note">{parts.escape(now.region.diagnostics.cut_basis_note)}</p>'),
    )


def _who(now: Published) -> str:
    coverage = now.table("coverage")
    if coverage is None:
        return "Охват неизвестен."
    return findings.who_was_tested(coverage, now.table("procedures"))


def _filters(state: State) -> pn.FlexBox:
    region = state.current.region
    places = {TOTAL: "Весь регион"} | region.municipality_names
    waves = {f"{WAVES[wave].capitalize()} диагностика": wave for wave in state.current.waves}
    widgets = {
        "domain": parts.choice("Компетенция", _swap(region.domain_names), state.domain),
        "municipality": parts.choice("Муниципалитет", _swap(places), state.municipality),
        "wave": parts.choice("Этап", waves, state.wave),
    }
    for name, widget in widgets.items():
        widget.param.watch(lambda event, n=name: state.param.update(**{n: event.new}), "value")

    def show() -> None:
        for name, widget in widgets.items():
            widget.value = getattr(state, name)

    state.follow(show, *widgets)
    return parts.bar(*widgets.values())


def _swap(names: dict[str, str]) -> dict[str, str]:
    return {name: code for code, name in names.items()}


def _charts(now: Published, shares: pd.DataFrame, state: State) -> list[pn.viewable.Viewable]:
    region, wave = now.region, state.wave
    lowest = shares[shares["level"] == region.diagnostics.levels[0].code]
    lowest = lowest[lowest["wave"] == wave]
    by_domain = figures.level_shares_by_domain(
        shares, region, wave=wave, municipality=state.municipality
    )
    first = parts.row(
        *_histogram(now, lowest, state),
        parts.chart(
            by_domain,
            lambda: _domains_table(now, lowest, state.municipality),
            on_tap=lambda y: state.toggle("domain", _pressed(region.domain_names, y)),
        ),
    )
    return [first, parts.later(lambda: _places_and_families(now, shares, lowest, state))]


def _pressed(names: dict[str, str], y: float) -> str:
    """Code of the row at height `y`: rows stand at 0, −1, −2 …"""
    return list(names)[min(max(round(-y), 0), len(names) - 1)]


def _places_and_families(
    now: Published, shares: pd.DataFrame, lowest: pd.DataFrame, state: State
) -> list[pn.FlexBox]:
    region, wave = now.region, state.wave
    by_place = figures.level_shares_by_municipality(
        shares, region, wave=wave, domain=state.domain, emphasised=state.municipality
    )
    heat = figures.level_shares_heat(shares, region, wave=wave)
    places = parts.chart(
        by_place,
        lambda: _places_table(now, lowest, state.domain),
        on_tap=lambda y: state.toggle("municipality", _pressed(region.municipality_names, y)),
    )
    return [
        parts.row(places, *_coverage(now, _scope(state))),
        parts.row(
            parts.chart(
                heat, lambda: _families_table(now, lowest), min_width=620, note=_scope(state)
            )
        ),
    ]


def _scope(state: State) -> str:
    """What stands on a chart of the whole region while a municipality is chosen."""
    return "" if state.municipality == TOTAL else _WHOLE_REGION


def _histogram(now: Published, lowest: pd.DataFrame, state: State) -> list[pn.Column]:
    histogram = now.of_procedure("score_histogram")
    if histogram is None:
        return []
    cut = now.region.diagnostics.deficit_cut
    figure = figures.score_histogram(
        histogram,
        cut=cut,
        cut_label=wording.percent(cut),
        title=_histogram_title(now, lowest, state),
        wave=state.wave,
        domain=state.domain,
    )
    note = _scope(state)
    return [
        parts.chart(figure, lambda: _histogram_table(histogram, state), min_width=300, note=note)
    ]


def _histogram_title(now: Published, lowest: pd.DataFrame, state: State) -> str | None:
    whole = (lowest["municipality"] == TOTAL) & (lowest["family"] == TOTAL)
    rows = lowest[whole & (lowest["domain"] == state.domain)]
    if rows.empty:
        return None
    level = now.region.diagnostics.levels[0].name
    name = now.region.domain_names[state.domain]
    where = "" if state.domain == TOTAL else f", «{name}»"
    return f"{level[:1].upper()}{level[1:]}{where}: {figures.sentence(rows.iloc[0].to_dict())}"


def _coverage(now: Published, note: str) -> list[pn.Column]:
    coverage = now.table("coverage")
    if coverage is None:
        return []
    figure = figures.coverage_by_municipality(coverage, now.region)
    return [parts.chart(figure, lambda: _coverage_table(now, coverage), note=note)]


# --- the same as tables ---------------------------------------------------------------------------


def _named(rows: pd.DataFrame, key: str, names: dict[str, str]) -> pd.DataFrame:
    order = {code: place for place, code in enumerate(names)}
    rows = rows[rows[key].isin(order)]
    return rows.assign(name=rows[key].map(names)).sort_values(
        key, key=lambda codes: codes.map(order), kind="stable"
    )


def _histogram_table(histogram: pd.DataFrame, state: State) -> str:
    rows = histogram[(histogram["wave"] == state.wave) & (histogram["domain"] == state.domain)]
    rows = rows.assign(
        name=[
            f"{wording.number(100 * low, 1)}–{wording.number(100 * high, 1)}"
            for low, high in zip(rows["bin_low"], rows["bin_high"], strict=True)
        ]
    )
    return parts.readable(rows, {"name": "Результат, % максимума"} | _HEADINGS)


def _domains_table(now: Published, lowest: pd.DataFrame, municipality: str) -> str:
    rows = lowest[(lowest["municipality"] == municipality) & (lowest["family"] == TOTAL)]
    rows = _named(rows, "domain", now.region.domain_names)
    return parts.readable(rows, {"name": "Компетенция"} | _HEADINGS)


def _places_table(now: Published, lowest: pd.DataFrame, domain: str) -> str:
    rows = lowest[(lowest["domain"] == domain) & (lowest["family"] == TOTAL)]
    places = wording.with_unstated(now.region.municipality_names, rows["municipality"])
    names = {TOTAL: now.region.name} | places
    return parts.readable(
        _named(rows, "municipality", names), {"name": "Муниципалитет"} | _HEADINGS
    )


def _families_table(now: Published, lowest: pd.DataFrame) -> str:
    rows = lowest[(lowest["municipality"] == TOTAL) & (lowest["family"] != TOTAL)]
    families = wording.with_unstated(now.region.family_names, rows["family"])
    domains = {code: place for place, code in enumerate(now.region.domain_names)}
    rows = rows.sort_values("domain", key=lambda codes: codes.map(domains), kind="stable")
    rows = _named(rows, "family", families)
    rows = rows.assign(domain_name=rows["domain"].map(now.region.domain_names))
    headings = {"name": "Предметная группа", "domain_name": "Компетенция"} | _HEADINGS
    return parts.readable(rows, headings)


def _coverage_table(now: Published, coverage: pd.DataFrame) -> str:
    places = wording.with_unstated(now.region.municipality_names, coverage["municipality"])
    names = {TOTAL: now.region.name} | places
    wide = coverage[coverage["measure"] == "tested_share"]
    counts = coverage[coverage["measure"] == "tested"].set_index("municipality")["estimate"]
    rows = _named(wide, "municipality", names)
    rows = rows.assign(tested=rows["municipality"].map(counts))
    headings = {"name": "Муниципалитет", "tested": "Прошли", "n": "Работники", "estimate": "Доля"}
    return parts.readable(rows, headings)
