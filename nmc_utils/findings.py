"""Sentences a head can read aloud, made from measure tables; each carries its n and interval."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping

import pandas as pd

from nmc_utils import wording
from nmc_utils.measures.indicators import ATTAINMENT
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL


class Sentence(str):
    """A sentence; a notebook shows it as text for a reader, not as a quoted string."""

    def _repr_html_(self) -> str:
        return "".join(f"<p>{html.escape(part)}</p>" for part in self.split("\n\n"))


def level_words(name: str) -> str:
    """How a sentence names a result of a level: «с результатом ≤ 60 %», «с уровнем „высокий“»."""
    return name if name.startswith("с ") else f"с уровнем «{name}»"


def result_of(name: str) -> str:
    """Begin a sentence on results of a level: «Результат ≤ 60 %», «Уровень „высокий“»."""
    words = level_words(name)
    return _capital(words.replace("с результатом", "результат").replace("с уровнем", "уровень"))


def who_was_tested(coverage: pd.DataFrame, procedures: pd.DataFrame | None = None) -> Sentence:
    """Say how many were tested and that they are not a sample.

    Parameters
    ----------
    coverage
        Measure table of `distributions.coverage`.
    procedures
        Canonical table; `selection` of its first row says how people came to be tested.
    """
    row = _only(coverage, municipality=TOTAL, measure="tested")
    said = [] if procedures is None else procedures["selection"].head(1).dropna()
    how = f" ({'; '.join(said)})" if len(said) else ""
    return Sentence(
        f"Среди прошедших диагностику: {wording.number(row['estimate'])} "
        f"из {wording.number(row['n'])}; отбор не случайный{how}, "
        "на всех педагогов региона не распространяется."
    )


def lowest_level(level_shares: pd.DataFrame, region: Region, *, wave: str = "entry") -> Sentence:
    """Say the share of the lowest level in the whole test, e.g. «с результатом ≤ 60 %»."""
    level = region.diagnostics.levels[0]
    keys = {"municipality": TOTAL, "family": TOTAL, "domain": TOTAL}
    row = _only(level_shares, **keys, wave=wave, level=level.code)
    when = {"entry": "входную", "exit": "выходную"}[wave]
    said = _capital(level_words(level.name))
    text = f"{said} — {_share(row)} прошедших {when} диагностику{_basis(row)}."
    return Sentence(text)


def hardest_domain(level_shares: pd.DataFrame, region: Region, *, wave: str = "entry") -> Sentence:
    """Name the domains where the lowest level is most frequent; difficulty was not compared."""
    said = most_frequent_domain(level_shares, region, wave=wave)
    return Sentence(f"{said}; трудность блоков не сопоставлялась.")


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
    level = levels[level] if level else region.diagnostics.levels[0]
    keys = {"wave": wave, "level": level.code, "municipality": municipality, "family": TOTAL}
    rows = _rows(level_shares, **keys, status="ok")
    rows = rows[rows["domain"] != TOTAL].sort_values("estimate", ascending=False, kind="stable")
    result = result_of(level.name)
    if rows.empty:
        return f"{result}: нет данных по компетенциям"
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


def seminar_plan(plan: pd.DataFrame) -> Sentence:
    """Say what the plan of seminar groups covers and how close to the best it provably is."""
    value = plan[plan["family"] == TOTAL].set_index("measure")["estimate"]
    if pd.isna(value["plan_coverage"]):
        return Sentence("Результатов не выше порога нет: группы не нужны.")
    groups = wording.plural(int(value["plan_groups"]), "группа", "группы", "групп")
    persons = {name: wording.persons(count) for name, count in value.items()}
    extra = ""
    if value["plan_completing"]:
        extra = f" (из них {persons['plan_completing']} без таких результатов дополняют группы)"
    left = [
        f"с такими результатами без группы — {persons['plan_without_group']}",
        f"группа не нужна — {persons['plan_no_deficit']}",
    ]
    if value["plan_not_assessed"]:
        left.append(f"нет результата по каждой компетенции — {persons['plan_not_assessed']}")
    return Sentence(
        f"Составлено: {groups}, {persons['plan_persons']}{extra}; темы групп закрывают "
        f"{wording.percent(value['plan_coverage'])} результатов не выше порога; "
        f"{', '.join(left)} {optimality(plan)}"
    )


def optimality(plan: pd.DataFrame) -> Sentence:
    """Say the proven gap of the plan in plain words."""
    gap = plan.loc[(plan["family"] == TOTAL) & (plan["measure"] == "plan_gap"), "estimate"].item()
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


def attainment(indicators: pd.DataFrame) -> Sentence:
    """Count indicators by attainment, each once; published facts and records stay apart."""
    status = indicator_status(indicators)
    parts = []
    for basis, words in {"published": "опубликованным данным", "recorded": "записям"}.items():
        known = status[(status["basis"] == basis) & (status["attainment"] != "no_data")]
        counts = known["attainment"].value_counts()
        said = [f"{label} — {counts[code]}" for code, label in ATTAINMENT.items() if code in counts]
        if said:
            parts.append(f"по {words}: {', '.join(said)}")
    if silent := int((status["attainment"] == "no_data").sum()):
        parts.append(f"{ATTAINMENT['no_data']} — {silent}")
    total = wording.plural(len(status), "показатель", "показателя", "показателей")
    return Sentence(f"В мониторинге {total}. {_capital('; '.join(parts))}.")


def indicator_status(indicators: pd.DataFrame) -> pd.DataFrame:
    """Choose for each indicator the row that speaks for it.

    The document's own value comes first, then what published facts give, then records; a row
    without data speaks only where no other has any.
    """
    order = indicators.assign(
        silent=indicators["status"] != "ok",
        by_records=indicators["basis"] == "recorded",
        computed=indicators["variant"] != "published",
        place=range(len(indicators)),
    ).sort_values(["silent", "by_records", "computed", "place"])
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
    text = f"{name}: " + ("; ".join(parts) or "нет данных")
    if len(own):
        text += f"; опубликовано {wording.estimate(own.iloc[0])}"
    judged = (own if len(own) else rows).iloc[0]
    return Sentence(f"{text.rstrip('.')}. {_capital(judged['attainment_label'])}.")


def council(staged: Mapping[str, pd.DataFrame], region: Region) -> pd.DataFrame:
    """Tell an edition in five sentences: `position`, `topic`, `sentence`.

    Parameters
    ----------
    staged
        Tables of the run: ``coverage``, ``procedures`` (the largest first: only it is told),
        ``level_shares``, ``seminar_plan``, ``indicators``.
    """
    procedures = staged["procedures"]
    shares = _rows(staged["level_shares"], procedure=procedures["procedure"].iloc[0])
    sentences = {
        "tested": who_was_tested(staged["coverage"], procedures),
        "levels": lowest_level(shares, region),
        "domains": hardest_domain(shares, region),
        "groups": seminar_plan(staged["seminar_plan"]),
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


def _only(table: pd.DataFrame, **keys: str) -> pd.Series:
    """The one row with these keys."""
    rows = _rows(table, **keys)
    if len(rows) != 1:
        asked = ", ".join(f"{name} = {value}" for name, value in keys.items())
        raise ValueError(f"нужна одна строка, где {asked}; найдено: {len(rows)}")
    return rows.iloc[0]


def _share(row: pd.Series) -> str:
    return wording.percent(row["estimate"])


def _basis(row: pd.Series) -> str:
    bounds = wording.percent_interval(row["ci_low"], row["ci_high"])
    return f" ({bounds}, {wording.size(row['n'])})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
