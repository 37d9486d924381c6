"""Диагностика: who was tested and with what result, down to a municipality and a competence."""

from __future__ import annotations

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.filters import filters, level_words
from dashboards.store import Published, State
from nmc_utils import figures, findings, wording
from nmc_utils.terms import TOTAL

_HEADINGS = {"estimate": "Доля", "ci": "95 % интервал", "n": "n"}
_WHOLE_REGION = "По региону: выбор муниципалитета здесь ничего не меняет"
_NO_PLACES = "по муниципальным образованиям чисел этой процедуры не прислано"


def view(state: State) -> pn.Column:
    """Who was tested, the distribution with the cuts, levels by domain, place and family."""
    now = state.current
    if now.table("level_shares") is None or not now.procedure:
        reason = "в прогоне нет результатов диагностики"
        return parts.column(parts.heading("Диагностика"), parts.missing("Результаты", reason))
    charts = parts.column()

    def draw() -> None:
        charts[:] = _charts(now, state)

    state.follow(draw, *_FOLLOWED)
    return parts.column(parts.heading("Диагностика", _who(now)), filters(state, *_FOLLOWED), charts)


_FOLLOWED = ("procedure", "municipality", "domain", "level", "wave")


def _who(now: Published) -> str:
    coverage = now.table("coverage")
    if coverage is None:
        return "Охват неизвестен: в прогоне нет таблицы охвата."
    return findings.who_was_tested(coverage, now.table("procedures"))


def _charts(now: Published, state: State) -> list[pn.viewable.Viewable]:
    shares = now.of_procedure("level_shares", state.procedure)
    of_level = shares[shares["level"] == state.shown("level")]
    of_level = of_level[of_level["wave"] == state.wave]
    region = now.region
    by_domain = figures.level_shares_by_domain(
        shares,
        region,
        wave=state.wave,
        level=state.shown("level"),
        municipality=state.municipality,
    )
    first = parts.row(
        _histogram(now, of_level, state),
        parts.chart(
            by_domain,
            lambda: _domains_table(now, of_level, state.municipality),
            on_tap=lambda y: state.toggle("domain", _pressed(region.domain_names, y)),
            note=now.incomplete if state.municipality == TOTAL else "",
            why="" if len(of_level) else now.gap(state.procedure),
        ),
    )
    return [
        first,
        parts.row(_levels_and_routes(now, shares, state)),
        parts.row(_both_ways(now, shares, state)),
        parts.later(lambda: _places_and_families(now, shares, of_level, state)),
    ]


def _pressed(names: dict[str, str], y: float) -> str:
    """Code of the row at height `y`: rows stand at 0, −1, −2 …"""
    return list(names)[min(max(round(-y), 0), len(names) - 1)]


def _scope(state: State) -> str:
    """What stands on a chart of the whole region: who has not reported, and what it does not do."""
    return parts.joined(
        state.current.incomplete, "" if state.municipality == TOTAL else _WHOLE_REGION
    )


# --- results and levels -------------------------------------------------------------------------


def _histogram(now: Published, of_level: pd.DataFrame, state: State) -> pn.Column:
    histogram = now.of_procedure("score_histogram", state.procedure)
    if histogram is None:
        return parts.missing("Распределение результатов", "в прогоне нет таблицы распределения")
    domain = state.shown("domain")
    figure = figures.score_histogram(
        histogram,
        now.region,
        title=_histogram_title(now, of_level, state),
        wave=state.wave,
        domain=domain,
        bands=now.of_procedure("borderline_bands", state.procedure),
    )
    rows = histogram[(histogram["wave"] == state.wave) & (histogram["domain"] == domain)]
    return parts.chart(
        figure,
        lambda: _histogram_table(rows),
        min_width=300,
        note=_scope(state),
        why="" if rows["status"].eq("ok").any() else now.gap(state.procedure),
    )


def _histogram_title(now: Published, of_level: pd.DataFrame, state: State) -> str | None:
    domain = state.shown("domain")
    whole = (of_level["municipality"] == TOTAL) & (of_level["family"] == TOTAL)
    rows = of_level[whole & (of_level["domain"] == domain) & (of_level["status"] == "ok")]
    if rows.empty:
        return None
    level = level_words(now.region.diagnostics.levels)[state.shown("level")]
    where = "" if domain == TOTAL else f", «{now.region.domain_names[domain]}»"
    return f"{level}{where}: {figures.sentence(rows.iloc[0].to_dict())}"


def _levels_and_routes(now: Published, shares: pd.DataFrame, state: State) -> pn.Column:
    """Each level of the document's result with its share and route, and where the cuts come from.

    They are of the whole region and of the document's result, whatever is chosen.
    """
    title = "Уровни и маршруты"
    levels = findings.levels(shares, now.region, wave=state.wave)
    source, *rules = findings.rules(now.region).split("\n\n")
    notes = f'<p class="gap"><b>{parts.escape(source)}</b></p>' + "".join(
        f'<p class="note">{parts.escape(line)}</p>' for line in rules
    )
    if levels.empty:
        reason = now.gap(state.procedure) or "долей уровней на этом этапе нет"
        card = parts.missing(title, reason)
        card.append(parts.block(notes))
        return card
    scope = f'<p class="muted small">{parts.escape(_scope(state))}</p>'
    table = _levels_table(now, levels)
    return parts.card(parts.block(f"<h2>{title}</h2>{scope}{table}{notes}"))


def _levels_table(now: Published, levels: pd.DataFrame) -> str:
    cuts = now.region.diagnostics.cuts
    colours = dict(zip(cuts, figures.level_colours(len(cuts)), strict=True))
    rows = levels.to_dict("records")
    frame = pd.DataFrame(
        {
            "Уровень": [
                f'<span class="swatch" style="background:{colours[row["level"]]}"></span>'
                + parts.escape(findings.capital(row["label"]))
                for row in rows
            ],
            "Результат, % максимума": levels["bounds"],
            "Доля": [wording.with_note(row) for row in rows],
            "95 % интервал": [wording.interval(row) for row in rows],
            "n": [wording.number(row["n"]) for row in rows],
        }
    )
    if any(level.route for level in now.region.diagnostics.levels):
        frame["Маршрут"] = levels["route"]
    numeric = ["Доля", "95 % интервал", "n"]
    return parts.table(frame, numeric, html=["Уровень"])


def _both_ways(now: Published, shares: pd.DataFrame, state: State) -> pn.Column:
    """The lowest level by the region's rule and with the error of measurement counted."""
    title = f"{findings.capital(now.region.rule_words)} и с учётом погрешности"
    certainty = now.of_procedure("level_certainty", state.procedure)
    true = None if certainty is None else _true_shares(certainty, now, state)

    def draw(rows: pd.DataFrame) -> pn.Column:
        figure = figures.levels_both_ways(shares, certainty, now.region, wave=state.wave)
        return parts.chart(
            figure,
            lambda: _both_table(now, shares, rows),
            min_width=430,
            note=parts.joined(_of_whom(rows), _scope(state)),
        )

    return parts.of_rows(
        title,
        true,
        draw,
        edition=now.edition.key,
        nothing=now.gap(state.procedure) or "на этом этапе погрешность не оценивалась",
    )


def _of_whom(true: pd.DataFrame) -> str:
    """Who is not in the shares with the error counted, so that the two are not of the same."""
    notes = true.loc[true["status"].eq("ok"), "note"].dropna().unique()
    return f"С учётом погрешности — {'; '.join(notes)}" if len(notes) else ""


def _true_shares(certainty: pd.DataFrame, now: Published, state: State) -> pd.DataFrame:
    """Rows of the lowest level with the error of measurement counted."""
    lowest = now.region.diagnostics.lowest.code
    is_asked = certainty["measure"].eq("true_level_share") & certainty["level"].eq(lowest)
    return certainty[is_asked & certainty["wave"].eq(state.wave)]


def _both_table(now: Published, shares: pd.DataFrame, true: pd.DataFrame) -> str:
    keys = {"municipality": TOTAL, "family": TOTAL, "level": now.region.diagnostics.lowest.code}
    by_rule = shares[(shares[list(keys)] == pd.Series(keys)).all(axis=1)]
    by_rule = by_rule[by_rule["wave"].isin(true["wave"])].set_index("domain").to_dict("index")
    rows = _named(true, "domain", now.region.domain_names).to_dict("records")
    ruled = [by_rule.get(row["domain"]) for row in rows]
    frame = pd.DataFrame(
        {
            "Компетенция": [row["name"] for row in rows],
            findings.capital(now.region.rule_words): [parts.with_interval(row) for row in ruled],
            "n по правилу": [wording.number(row["n"]) if row else "—" for row in ruled],
            "С учётом погрешности": [parts.with_interval(row) for row in rows],
            "n с учётом": [wording.number(row["n"]) for row in rows],
        }
    )
    numeric = list(frame.columns[1:])
    if true["note"].notna().any():
        notes = [row["note"] for row in rows]
        frame["Примечание"] = [note if isinstance(note, str) else "—" for note in notes]
    return parts.table(frame, numeric)


# --- municipalities and families ----------------------------------------------------------------


def _places_and_families(
    now: Published, shares: pd.DataFrame, of_level: pd.DataFrame, state: State
) -> list[pn.FlexBox]:
    region, level = now.region, state.shown("level")
    domain = state.shown("domain")
    by_place = figures.level_shares_by_municipality(
        shares,
        region,
        wave=state.wave,
        level=level,
        domain=domain,
        emphasised=state.municipality,
        small_areas=_small_areas(now, state),
    )
    heat = figures.level_shares_heat(shares, region, wave=state.wave, level=level)
    gap = now.gap(state.procedure)
    placed = of_level[(of_level["domain"] == domain) & (of_level["municipality"] != TOTAL)]
    in_families = of_level["family"] != TOTAL
    places = parts.chart(
        by_place,
        lambda: _places_table(now, of_level, domain, _small_areas(now, state)),
        min_width=430,
        on_tap=lambda y: state.toggle("municipality", _pressed(region.municipality_names, y)),
        note=now.incomplete,
        why="" if len(placed) else gap or _NO_PLACES,
    )
    families = parts.chart(
        heat,
        lambda: _families_table(now, of_level),
        min_width=620,
        note=_scope(state),
        why="" if in_families.any() else gap,
    )
    return [parts.row(places, _coverage(now, state)), parts.row(families)]


def _small_areas(now: Published, state: State) -> pd.DataFrame | None:
    """Shares by municipality that do not mistake smallness for a difference."""
    return now.of_procedure("small_area_levels", state.procedure)


def _coverage(now: Published, state: State) -> pn.Column:
    title = "Охват диагностикой по муниципалитетам"
    coverage = now.of_procedure("coverage", state.procedure)
    if coverage is None:
        return parts.missing(title, "в прогоне нет таблицы охвата")
    if coverage.empty:
        return parts.missing(title, now.gap(state.procedure) or _NO_PLACES)
    figure = figures.coverage_by_municipality(coverage, now.region)
    placed = coverage["municipality"] != TOTAL
    return parts.chart(
        figure,
        lambda: _coverage_table(now, coverage),
        min_width=430,
        note=_scope(state),
        why="" if placed.any() else _NO_PLACES,
    )


# --- the same as tables ---------------------------------------------------------------------------


def _named(rows: pd.DataFrame, key: str, names: dict[str, str]) -> pd.DataFrame:
    order = {code: place for place, code in enumerate(names)}
    rows = rows[rows[key].isin(order)]
    return rows.assign(name=rows[key].map(names)).sort_values(
        key, key=lambda codes: codes.map(order), kind="stable"
    )


def _histogram_table(rows: pd.DataFrame) -> str:
    rows = rows.assign(
        name=[
            f"{wording.number(100 * low, 1)}–{wording.number(100 * high, 1)}"
            for low, high in zip(rows["bin_low"], rows["bin_high"], strict=True)
        ]
    )
    return parts.readable(rows, {"name": "Результат, % максимума"} | _HEADINGS)


def _domains_table(now: Published, of_level: pd.DataFrame, municipality: str) -> str:
    rows = of_level[(of_level["municipality"] == municipality) & (of_level["family"] == TOTAL)]
    rows = _named(rows, "domain", now.region.domain_names)
    return parts.readable(rows, {"name": "Компетенция"} | _HEADINGS)


def _places_table(
    now: Published, of_level: pd.DataFrame, domain: str, small: pd.DataFrame | None = None
) -> str:
    rows = of_level[(of_level["domain"] == domain) & (of_level["family"] == TOTAL)]
    places = wording.with_unstated(now.region.municipality_names, rows["municipality"])
    rows = _named(rows, "municipality", {TOTAL: now.whole} | places)
    headings = {"name": "Муниципалитет"} | _HEADINGS
    if small is not None:
        drawn = _by_place(small, of_level, domain)
        rows = rows.assign(drawn=rows["municipality"].map(drawn))
        headings |= {"drawn": "С поправкой на малую численность"}
    return parts.readable(rows, headings)


def _by_place(small: pd.DataFrame, of_level: pd.DataFrame, domain: str) -> dict[str, str]:
    """Share and interval by municipality with regard to how few were tested there."""
    keys = ["wave", "level"]
    mine = small[small["domain"] == domain].merge(of_level[keys].drop_duplicates(), on=keys)
    return {row["municipality"]: parts.with_interval(row) for row in mine.to_dict("records")}


def _families_table(now: Published, of_level: pd.DataFrame) -> str:
    rows = of_level[(of_level["municipality"] == TOTAL) & (of_level["family"] != TOTAL)]
    families = wording.with_unstated(now.region.family_names, rows["family"])
    domains = {code: place for place, code in enumerate(now.region.domain_names)}
    rows = rows.sort_values("domain", key=lambda codes: codes.map(domains), kind="stable")
    rows = _named(rows, "family", families)
    rows = rows.assign(domain_name=rows["domain"].map(now.region.domain_names))
    headings = {"name": "Предметная группа", "domain_name": "Компетенция"} | _HEADINGS
    return parts.readable(rows, headings)


def _coverage_table(now: Published, coverage: pd.DataFrame) -> str:
    places = wording.with_unstated(now.region.municipality_names, coverage["municipality"])
    wide = coverage[coverage["measure"] == "tested_share"]
    counts = coverage[coverage["measure"] == "tested"].set_index("municipality")["estimate"]
    rows = _named(wide, "municipality", {TOTAL: now.whole} | places)
    rows = rows.assign(tested=rows["municipality"].map(counts))
    headings = {"name": "Муниципалитет", "tested": "Прошли", "n": "Работники", "estimate": "Доля"}
    return parts.readable(rows, headings)
