"""Sentences a head can read aloud, made from measure tables; each carries its n and interval."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping

import pandas as pd

from nmc_utils import wording
from nmc_utils.measures.indicators import ATTAINMENT
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL, WORST


class Sentence(str):
    """A sentence; a notebook shows it as text for a reader, not as a quoted string."""

    def _repr_html_(self) -> str:
        return "".join(f"<p>{html.escape(part)}</p>" for part in self.split("\n\n"))


def stopped(text: str) -> str:
    """End a sentence with one full stop, also after «чел.»."""
    return f"{text.rstrip('.')}."


def capital(text: str) -> str:
    """Begin a sentence."""
    return text[:1].upper() + text[1:]


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
    rows = _rows(coverage, municipality=TOTAL, measure="tested").set_index("procedure", drop=False)
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


def who_reported(reporting: pd.DataFrame) -> Sentence:
    """Say which municipalities the totals rest on."""
    if reporting.empty:
        said = "Сводные числа прислал регион, по муниципальным образованиям данных нет."
        return Sentence(said)
    part = wording.incomplete(reporting)
    return Sentence(f"{part or 'Данные представили все муниципальные образования'}.")


def held_out(rows: pd.DataFrame) -> Sentence:
    """Say how many rows intake held out, and that no number has them.

    Parameters
    ----------
    rows
        Of `reporting.held_out`.
    """
    if rows.empty:
        return Sentence("Задержанных при приёме строк нет.")
    parts = [
        f"«{row['title']}» — {wording.number(row['held_out'])} из {wording.number(row['sent'])}"
        for row in rows.to_dict("records")
    ]
    said = f"При приёме задержаны строки: {', '.join(parts)}; ни в одном числе их нет."
    return Sentence(said)


def conservation(lines: pd.DataFrame) -> Sentence:
    """Say what became of all rows that were sent: the four parts add up to them.

    Parameters
    ----------
    lines
        The table `conservation` of intake.
    """
    sent = wording.plural(int(lines["sent"].sum()), "строка", "строки", "строк")
    parts = [f"{words} {wording.number(lines[name].sum())}" for name, words in _CONSERVED.items()]
    return Sentence(f"Прислано: {sent} = {' + '.join(parts)}.")


_CONSERVED = {
    "accepted": "принято",
    "held_out": "задержано",
    "superseded": "замещено или повторено",
    "blank": "итоги и пустые",
}


def remarks(counted: pd.DataFrame) -> Sentence:
    """Say how many remarks intake made, of how many kinds.

    Parameters
    ----------
    counted
        Table of `collecting.remarks`.
    """
    if counted.empty:
        return Sentence("Замечаний при приёме нет.")
    total = wording.plural(int(counted["count"].sum()), "замечание", "замечания", "замечаний")
    first = counted.sort_values("count", ascending=False, kind="stable").iloc[0]
    if len(counted) == 1:
        return Sentence(stopped(f"При приёме сделано {total}: {_lower(first['meaning'])}"))
    kinds = wording.plural(len(counted), "вида", "видов", "видов")
    often = f"Чаще всего ({wording.number(first['count'])}): {_lower(first['meaning'])}"
    return Sentence(stopped(f"При приёме сделано {total} {kinds}. {often}"))


def newer_files(changed: pd.DataFrame) -> Sentence:
    """Say what newer files changed altogether.

    Parameters
    ----------
    changed
        The table `differences` of intake.
    """
    if changed.empty:
        return Sentence("Более новых файлов взамен прежних не присылали.")
    files = wording.number(changed["file"].nunique())
    total = {name: wording.number(changed[name].sum()) for name in ("changed", "added", "removed")}
    return Sentence(
        f"Новых файлов взамен прежних — {files}: строк изменено {total['changed']}, добавлено "
        f"{total['added']}, исчезло {total['removed']}. Прежние файлы сохранены."
    )


def asked(requests: pd.DataFrame) -> Sentence:
    """Say of whom corrections are to be asked.

    Parameters
    ----------
    requests
        Table of `collecting.to_ask`.
    """
    if requests.empty:
        return Sentence("Просить об исправлениях никого не нужно.")
    files = wording.plural(requests["file"].nunique(), "файле", "файлах", "файлах")
    names = ", ".join(requests["names"].unique())
    return Sentence(f"Исправления нужны в {files}. Кого просить: {names}.")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def lowest_level(level_shares: pd.DataFrame, region: Region, *, wave: str = "entry") -> Sentence:
    """Say the share of the lowest level in the document's result, e.g. «с результатом ≤ 60 %»."""
    diagnostics = region.diagnostics
    keys = {"municipality": TOTAL, "family": TOTAL, "domain": diagnostics.result_domain}
    rows = _rows(level_shares, **keys, wave=wave, level=diagnostics.lowest.code)
    said = capital(diagnostics.lowest.words)
    if diagnostics.result_domain == WORST:
        said += BY_ANY
    if rows.empty or (row := rows.iloc[0])["status"] != "ok":
        return Sentence(f"{said}: нет данных{_why(rows)}.")
    when = {"entry": "входную", "exit": "выходную"}[wave]
    text = f"{said} — {_share(row)} прошедших {when} диагностику{_basis(row)}"
    if isinstance(row.get("note"), str):
        text += f"; {row['note']}"
    if diagnostics.document is None:
        text += "; порог не установлен документом"
    return Sentence(f"{text}.")


def _why(table: pd.DataFrame) -> str:
    notes = table["note"].dropna() if "note" in table else []
    return f" ({notes.iloc[0]})" if len(notes) else ""


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
    rows = _rows(level_shares, **keys, wave=wave).drop_duplicates("level").set_index("level")
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
    rows = _rows(asked, level=level.code, status="ok")
    rows = rows.sort_values("estimate", ascending=False, kind="stable")
    result = capital(level.label)
    if rows.empty:
        return f"{result}: нет данных по компетенциям{_why(_rows(asked, level=level.code))}"
    first = rows.iloc[0]
    if first["estimate"] == 0:
        return f"{result} не получен ни в одном блоке, {wording.size(first['n'])}"
    names = {domain.code: f"«{domain.block}»" for domain in region.domains}
    near = rows[rows["ci_high"] >= first["ci_low"]]
    if len(near) == 1:
        where = f"блоке {names[first['domain']]}: {_share(first)}{_basis(first)}"
    else:
        named = [f"{names[row['domain']]} {_share(row)}" for row in near.to_dict("records")]
        where = f"блоках {', '.join(named)}: их интервалы перекрываются{_basis(first)}"
    return f"{result} чаще всего в {where}"


def _competences(
    level_shares: pd.DataFrame, region: Region, *, wave: str, municipality: str = TOTAL
) -> pd.DataFrame:
    rows = _rows(level_shares, wave=wave, municipality=municipality, family=TOTAL)
    return rows[rows["domain"].isin(list(region.competence_names))]


def seminar_plan(plan: pd.DataFrame) -> Sentence:
    """Say what the plan of seminar groups covers and how close to the best it provably is."""
    whole = plan[plan["family"] == TOTAL].set_index("measure")
    value = whole["estimate"]
    if whole.loc["plan_groups", "status"] != "ok":
        return Sentence(f"План групп не составлен: {whole.loc['plan_groups', 'note']}.")
    if pd.isna(value["plan_coverage"]):
        return Sentence("Результатов не выше порога нет: группы не нужны.")
    groups = wording.plural(int(value["plan_groups"]), "группа", "группы", "групп")
    persons = {name: wording.persons(count) for name, count in value.items()}
    led = "" if value["plan_led"] == value["plan_groups"] else f", {_led(value)}"
    extra = ""
    if value["plan_completing"]:
        extra = f" (из них {persons['plan_completing']} без таких результатов дополняют группы)"
    left = [
        f"с такими результатами без группы — {persons['plan_without_group']}",
        f"группа не нужна — {persons['plan_no_deficit']}",
    ]
    if value["plan_not_assessed"]:
        left.append(f"план не охватывает — {persons['plan_not_assessed']}")
    return Sentence(
        f"Составлено: {groups}{led}, {persons['plan_persons']}{extra}; темы групп закрывают "
        f"{wording.percent(value['plan_coverage'])} результатов не выше порога; "
        f"{', '.join(left)} {optimality(plan)}"
    )


def _led(value: pd.Series) -> str:
    led = wording.number(value["plan_led"])
    return f"из них с ведущим — {led}" if value["plan_led"] else "пока без ведущих"


def _plan_of(plan: pd.DataFrame, procedures: pd.DataFrame) -> Sentence:
    """The plan's sentence, naming its procedure where that is not the one told first."""
    said = seminar_plan(plan)
    mine = plan["procedure"].iloc[0]
    if mine == procedures["procedure"].iloc[0]:
        return said
    names = dict(zip(procedures["procedure"], procedure_names(procedures), strict=True))
    return Sentence(f"По результатам процедуры «{names[mine]}». {said}")


def optimality(plan: pd.DataFrame) -> Sentence:
    """Say the proven gap of the plan in plain words."""
    gap = plan.loc[(plan["family"] == TOTAL) & (plan["measure"] == "plan_gap"), "estimate"].item()
    if pd.isna(gap):
        return seminar_plan(plan)
    if gap < 5e-6:
        return Sentence(
            "При этих условиях никакой план не лучше этого по принятому критерию: это доказано."
        )
    digits = 1 if gap >= 0.0005 else 3
    step = 10 ** -(digits + 2)
    # Rounded up: «не более чем» must stay true.
    bound = wording.percent(math.ceil(gap / step - 1e-9) * step, digits)
    return Sentence(
        f"При этих условиях никакой план не лучше этого по принятому критерию более чем на {bound}."
    )


#: Basis of an indicator → what a table calls it.
BASIS_NAMES = {
    "published": "опубликовано",
    "recorded": "записи издания",
    "aggregate": "сводные числа",
}
#: Basis of an indicator → how a sentence names it.
BASES = {
    "published": "по опубликованным данным",
    "recorded": "по записям",
    "aggregate": "по сводным числам",
}


def attainment(indicators: pd.DataFrame) -> Sentence:
    """Count indicators by attainment, each once; published facts and records stay apart."""
    status = indicator_status(indicators)
    parts = []
    for basis, words in BASES.items():
        known = status[(status["basis"] == basis) & (status["attainment"] != "no_data")]
        counts = known["attainment"].value_counts()
        said = [f"{label} — {counts[code]}" for code, label in ATTAINMENT.items() if code in counts]
        if said:
            parts.append(f"{words}: {', '.join(said)}")
    if silent := int((status["attainment"] == "no_data").sum()):
        parts.append(f"{ATTAINMENT['no_data']} — {silent}")
    total = wording.plural(len(status), "показатель", "показателя", "показателей")
    return Sentence(f"В мониторинге {total}. {capital('; '.join(parts))}.")


def indicator_status(indicators: pd.DataFrame) -> pd.DataFrame:
    """Choose for each indicator the row that speaks for it.

    The document's own value comes first, then what published facts give, then records, then counts;
    a row without data speaks only where no other has any.
    """
    order = indicators.assign(
        silent=indicators["status"] != "ok",
        by=indicators["basis"].map(list(BASES).index),
        computed=indicators["variant"] != "published",
        place=range(len(indicators)),
    ).sort_values(["silent", "by", "computed", "place"])
    chosen = order.drop_duplicates("indicator").sort_values("place")
    return chosen[indicators.columns].reset_index(drop=True)


def variants(indicators: pd.DataFrame, indicator: str, name: str) -> Sentence:
    """Put the variants of an indicator by published facts side by side.

    Reads like «на члена РМА 11 515 / 116 = 99,3; на регионального методиста 11 515 / 95 = 121,2».
    """
    rows = indicators[indicators["indicator"] == indicator]
    known = rows[(rows["basis"] == "published") & (rows["status"] == "ok")]
    own = known[known["variant"] == "published"]
    parts = [
        f"{row['variant_label']} {wording.number(row['numerator'])} / "
        f"{wording.number(row['denominator'])} = {wording.estimate(row)}"
        for row in known[known["variant"] != "published"].to_dict("records")
    ]
    if not parts and own.empty:
        return Sentence(f"{name}: нет данных.")
    text = f"{name}: " + ("; ".join(parts) or "вариантов по опубликованным данным нет")
    if len(own):
        text += f"; опубликовано {wording.estimate(own.iloc[0])}"
    judged = (own if len(own) else known).iloc[0]
    return Sentence(f"{stopped(text)} {capital(judged['attainment_label'])}.")


def council(staged: Mapping[str, pd.DataFrame], region: Region) -> pd.DataFrame:
    """Tell an edition in five sentences: `position`, `topic`, `sentence`.

    Where municipalities have not reported, or rows were held out, that comes first.

    Parameters
    ----------
    staged
        Tables of the run: ``coverage``, ``procedures`` (the largest first: only it is told),
        ``level_shares``, ``seminar_plan`` (with its `procedure`), ``indicators``, ``reporting``,
        ``held_out``.
    """
    procedures = staged["procedures"]
    shares = _rows(staged["level_shares"], procedure=procedures["procedure"].iloc[0])
    sentences = {}
    if part := wording.incomplete(staged["reporting"]):
        sentences["reporting"] = Sentence(f"{part}: итоги по записям неполные.")
    if len(staged["held_out"]):
        sentences["held_out"] = held_out(staged["held_out"])
    sentences |= {
        "tested": who_was_tested(staged["coverage"], procedures),
        "levels": lowest_level(shares, region),
        "domains": hardest_domain(shares, region),
        "groups": _plan_of(staged["seminar_plan"], procedures),
        "indicators": attainment(staged["indicators"]),
    }
    return pd.DataFrame(
        {
            "position": range(1, len(sentences) + 1),
            "topic": list(sentences),
            "sentence": [str(text) for text in sentences.values()],
        }
    )


def paragraphs(sentences: pd.DataFrame) -> Sentence:
    """Put the sentences of `council` one below the other."""
    return Sentence("\n\n".join(sentences["sentence"]))


def _rows(table: pd.DataFrame, **keys: str) -> pd.DataFrame:
    for name, value in keys.items():
        table = table[table[name] == value]
    return table


def _share(row: pd.Series) -> str:
    return wording.percent(row["estimate"])


def _basis(row: pd.Series) -> str:
    bounds = wording.percent_interval(row["ci_low"], row["ci_high"])
    return f" ({bounds}, {wording.size(row['n'])})"
