"""Who was tested and with what result."""

from __future__ import annotations

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.sentences import (
    Sentence,
    basis,
    capital,
    rows_of,
    share,
    stopped,
    why,
)
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL, WORST


def who_was_tested(coverage: pd.DataFrame, procedures: pd.DataFrame) -> Sentence:
    """Say how many were tested and that they are not a sample.

    Parameters
    ----------
    coverage
        Measure table of `participation.coverage`.
    procedures
        Of `participation.procedures_by_size`: the first is told, `selection` says how people came
        to be tested; of the others only the numbers, and they are not added up.
    """
    first, others = procedures.iloc[0], procedures.iloc[1:]
    rows = rows_of(coverage, municipality=TOTAL, measure="tested").set_index(
        "procedure", drop=False
    )
    row = rows.loc[first["procedure"]]
    if row["status"] != "ok":
        return Sentence(f"Кто прошёл диагностику, неизвестно: {row['note']}.")
    how = f" ({first['selection']})" if isinstance(first["selection"], str) else ""
    staff = "" if pd.isna(row["n"]) else f" из {wording.number(row['n'])}"
    part = f" ({row['note']})" if isinstance(row.get("note"), str) else ""
    text = (
        f"Среди прошедших диагностику: {wording.estimate(row)}{staff}{part}; "
        f"отбор не случайный{how}, на всех педагогов региона не распространяется."
    )
    told = [
        f"{name} — {wording.with_note(rows.loc[code])}"
        for code, name in zip(others["procedure"], procedure_names(others), strict=True)
        if code in rows.index
    ]
    if told:
        text += f" Другие процедуры: {'; '.join(told)}; люди разных процедур не складываются"
        both = rows.loc[TOTAL] if TOTAL in rows.index else None
        is_known = both is not None and both["status"] == "ok"
        people = f"разных людей всего {wording.estimate(both)}" if is_known else ""
        text = stopped(f"{text}, {people or 'их пересечение неизвестно'}")
    return Sentence(text)


def procedure_names(procedures: pd.DataFrame) -> list[str]:
    """How a procedure is called: its organiser, else its code."""
    return [
        organiser if isinstance(organiser, str) else code
        for organiser, code in zip(
            procedures.get("organiser", procedures["procedure"]),
            procedures["procedure"],
            strict=True,
        )
    ]


def lowest_level(level_shares: pd.DataFrame, region: Region, *, wave: str = "entry") -> Sentence:
    """Say the share of the lowest level in the document's result, e.g. «с результатом ≤ 60 %»."""
    diagnostics = region.diagnostics
    keys = {"municipality": TOTAL, "family": TOTAL, "domain": diagnostics.result_domain}
    rows = rows_of(level_shares, **keys, wave=wave, level=diagnostics.lowest.code)
    said = capital(diagnostics.lowest.words)
    if diagnostics.result_domain == WORST:
        said += BY_ANY
    if rows.empty or (row := rows.iloc[0])["status"] != "ok":
        return Sentence(f"{said}: нет данных{why(rows)}.")
    when = {"entry": "входную", "exit": "выходную"}[wave]
    text = f"{said} — {share(row)} прошедших {when} диагностику{basis(row)}"
    if isinstance(row.get("note"), str):
        text += f"; {row['note']}"
    if diagnostics.document is None:
        text += "; порог не установлен документом"
    return Sentence(f"{text}.")


def result_label(region: Region) -> str:
    """What the lowest level of the document's result is called, alone."""
    is_worst = region.diagnostics.result_domain == WORST
    return capital(region.diagnostics.lowest.label) + (BY_ANY if is_worst else "")


BY_ANY = " хотя бы по одной компетенции"


def levels(level_shares: pd.DataFrame, region: Region, *, wave: str = "entry") -> pd.DataFrame:
    """Rows of the document's result for the whole region, one a level, from the lowest.

    Returns
    -------
    DataFrame
        Rows of the measure table with `label`, `bounds` (in per cent of the maximum) and `route`
        of the level, or that no document joins a route to it.
    """
    diagnostics = region.diagnostics
    keys = {"municipality": TOTAL, "family": TOTAL, "domain": diagnostics.result_domain}
    rows = rows_of(level_shares, **keys, wave=wave).drop_duplicates("level").set_index("level")
    known = [level for level in diagnostics.levels if level.code in rows.index]
    rows = rows.loc[[level.code for level in known]].reset_index()
    bounds, last = [], None
    for cut in diagnostics.cuts.values():
        low = "" if last is None else f"выше {wording.percent(last)}"
        high = "" if cut == 1 else f"не выше {wording.percent(cut)}"
        bounds.append(", ".join(filter(None, [low, high])))
        last = cut
    of_level = dict(zip(diagnostics.cuts, bounds, strict=True))
    return rows.assign(
        label=[level.label for level in known],
        bounds=rows["level"].map(of_level),
        route=[level.route or NO_ROUTE for level in known],
    )


NO_ROUTE = "документом не установлен"


def outliers(compared: pd.DataFrame, region: Region) -> Sentence:
    """Name the municipalities whose share differs from the regional one; it is no ranking.

    Parameters
    ----------
    compared
        Of `intervals.funnel`, by code of the municipality, with its `n`.
    """
    if compared.empty:
        return Sentence("Муниципалитеты не сравнивались: их результатов нет или он один.")
    value = f"регионального значения {wording.percent(compared['expected'].iloc[0])}"
    places = wording.plural(len(compared), "муниципалитета", *["муниципалитетов"] * 2)
    found = compared[compared["is_outlier"]]
    if found.empty:
        return Sentence(
            f"С поправкой на число сравнений отличий от {value} не обнаружено ни у одного из "
            f"{places}; малые отличия при этих n не видны."
        )
    named = ", ".join(
        f"{name} ({wording.percent(found.at[code, 'share'])}, {wording.size(found.at[code, 'n'])})"
        for code, name in region.municipality_names.items()
        if code in found.index
    )
    return Sentence(
        f"С поправкой на число сравнений отличия от {value} обнаружены у {len(found)} из {places}: "
        f"{named}. Порядок официальный; это не оценка работы: состав прошедших разный."
    )


def rules(region: Region) -> Sentence:
    """Say where the cuts come from, what they are of, and which routes the documents name."""
    diagnostics = region.diagnostics
    if diagnostics.routes:
        named = ", ".join(diagnostics.routes)
        routes = f"Маршруты документа: {named}; {diagnostics.routes_note}."
    elif diagnostics.lowest.route:
        routes = "Маршрут назван у каждого уровня."
    else:
        routes = "Маршрутов по уровням документы не называют."
    parts = [f"{capital(region.cut_source)}.", diagnostics.cut_basis_note, routes]
    return Sentence("\n\n".join(parts))


def hardest_domain(level_shares: pd.DataFrame, region: Region, *, wave: str = "entry") -> Sentence:
    """Name the domains where the lowest level is most frequent; difficulty was not compared."""
    said = most_frequent_domain(level_shares, region, wave=wave)
    is_known = _competences(level_shares, region, wave=wave)["status"].eq("ok").any()
    return Sentence(f"{said}{'; трудность блоков не сопоставлялась' if is_known else ''}.")


def most_frequent_domain(
    level_shares: pd.DataFrame,
    region: Region,
    *,
    wave: str = "entry",
    municipality: str = TOTAL,
    level: str | None = None,
) -> str:
    """Name the domains where a level, the lowest by default, is most frequent.

    All those are named whose interval overlaps that of the greatest share.
    """
    levels = {entry.code: entry for entry in region.diagnostics.levels}
    level = levels[level] if level else region.diagnostics.lowest
    asked = _competences(level_shares, region, wave=wave, municipality=municipality)
    rows = rows_of(asked, level=level.code, status="ok")
    rows = rows.sort_values("estimate", ascending=False, kind="stable")
    result = capital(level.label)
    if rows.empty:
        return f"{result}: нет данных по компетенциям{why(rows_of(asked, level=level.code))}"
    first = rows.iloc[0]
    if first["estimate"] == 0:
        return f"{result} не получен ни в одном блоке, {wording.size(first['n'])}"
    names = {domain.code: f"«{domain.block}»" for domain in region.domains}
    near = rows[rows["ci_high"] >= first["ci_low"]]
    if len(near) == 1:
        where = f"блоке {names[first['domain']]}: {share(first)}{basis(first)}"
    else:
        named = [f"{names[row['domain']]} {share(row)}" for row in near.to_dict("records")]
        where = f"блоках {', '.join(named)}: их интервалы перекрываются{basis(first)}"
    return f"{result} чаще всего в {where}"


def _competences(
    level_shares: pd.DataFrame, region: Region, *, wave: str, municipality: str = TOTAL
) -> pd.DataFrame:
    rows = rows_of(level_shares, wave=wave, municipality=municipality, family=TOTAL)
    return rows[rows["domain"].isin(list(region.competence_names))]
