"""Sentences a head can read aloud, made from measure tables; each carries its n and interval."""

from __future__ import annotations

import html
import math

import pandas as pd

from nmc_utils import wording
from nmc_utils.editions import TOTAL, Region
from nmc_utils.measures.indicators import ATTAINMENT


class Sentence(str):
    """A sentence; a notebook shows it as text for a reader, not as a quoted string."""

    def _repr_html_(self) -> str:
        return "".join(f"<p>{html.escape(part)}</p>" for part in self.split("\n\n"))


def who_was_tested(coverage: pd.DataFrame, procedures: pd.DataFrame | None = None) -> Sentence:
    """Say how many were tested and that they are not a sample.

    Parameters
    ----------
    coverage
        Measure table of `distributions.coverage`.
    procedures
        Canonical table; its `selection` says how people came to be tested.
    """
    row = _only(coverage, municipality=TOTAL, measure="tested")
    said = [] if procedures is None else procedures["selection"].dropna().unique()
    how = f" ({'; '.join(said)})" if len(said) else ""
    return Sentence(
        f"Среди прошедших диагностику: {wording.number(row['estimate'])} "
        f"из {wording.number(row['n'])}; отбор не случайный{how}, "
        "на всех педагогов региона не распространяется."
    )


def lowest_level(level_shares: pd.DataFrame, region: Region, *, wave: str = "entry") -> Sentence:
    """Say the share of the lowest level in the whole test, e.g. «с результатом ≤ 60 %»."""
    level = region.diagnostics.levels[0]
    row = _only(_region_rows(level_shares), domain=TOTAL, wave=wave, level=level.code)
    when = {"entry": "входную", "exit": "выходную"}[wave]
    text = f"{_capital(level.name)} — {_share(row)} прошедших {when} диагностику{_basis(row)}."
    return Sentence(text)


def hardest_domain(level_shares: pd.DataFrame, region: Region, *, wave: str = "entry") -> Sentence:
    """Name the domain where the lowest level is most frequent; difficulty was not compared."""
    level = region.diagnostics.levels[0]
    rows = _region_rows(level_shares)
    rows = rows[(rows["wave"] == wave) & (rows["level"] == level.code) & (rows["domain"] != TOTAL)]
    row = rows.loc[rows["estimate"].idxmax()]
    block = next(domain.block for domain in region.domains if domain.code == row["domain"])
    # «с результатом ≤ 60 %» → «Результат ≤ 60 %»
    result = level.name.replace("с результатом", "результат")
    return Sentence(
        f"{_capital(result)} чаще всего в блоке «{block}»: {_share(row)}{_basis(row)}; "
        "трудность блоков не сопоставлялась."
    )


def seminar_plan(plan: pd.DataFrame) -> Sentence:
    """Say what the plan of seminar groups covers and how close to the best it provably is."""
    value = plan[plan["family"] == TOTAL].set_index("measure")["estimate"]
    groups = wording.plural(int(value["plan_groups"]), "группа", "группы", "групп")
    return Sentence(
        f"Составлено: {groups}, {wording.persons(value['plan_persons'])}; темы групп закрывают "
        f"{wording.percent(value['plan_coverage'])} результатов не выше порога. "
        f"С такими результатами без группы — {wording.persons(value['plan_without_group'])}, "
        f"группа не нужна — {wording.persons(value['plan_no_deficit'])} {optimality(plan)}"
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
    return Sentence(f"В мониторинге {total}: {'; '.join(parts)}.")


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


def council(
    *,
    coverage: pd.DataFrame,
    procedures: pd.DataFrame,
    level_shares: pd.DataFrame,
    plan: pd.DataFrame,
    indicators: pd.DataFrame,
    region: Region,
) -> pd.DataFrame:
    """Tell an edition in five sentences: `position`, `topic`, `sentence`."""
    sentences = {
        "tested": who_was_tested(coverage, procedures),
        "levels": lowest_level(level_shares, region),
        "domains": hardest_domain(level_shares, region),
        "groups": seminar_plan(plan),
        "indicators": attainment(indicators),
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


def _only(table: pd.DataFrame, **keys: str) -> pd.Series:
    """The one row with these keys."""
    for name, value in keys.items():
        table = table[table[name] == value]
    if len(table) != 1:
        raise ValueError(f"expected one row with {keys}, found {len(table)}")
    return table.iloc[0]


def _region_rows(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table["municipality"] == TOTAL) & (table["family"] == TOTAL)]


def _share(row: pd.Series) -> str:
    return wording.percent(row["estimate"])


def _basis(row: pd.Series) -> str:
    bounds = wording.percent_interval(row["ci_low"], row["ci_high"])
    return f" ({bounds}, {wording.size(row['n'])})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
