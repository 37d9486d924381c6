"""Individual routes (ИОМ) and who was diagnosed, in sentences; counts, never persons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.diagnostics import procedure_names
from nmc_utils.findings.sentences import (
    Sentence,
    capital,
    counted,
    grounds,
    in_brackets,
    missing,
    row_of,
    rows_of,
    stopped,
)
from nmc_utils.terms import GROUNDS, ROUTE_KINDS, ROUTE_LEVELS, STAGES, TOTAL

#: Which approval → how a sentence and a table call it.
APPROVALS = {
    "route_agreed_organization_share": "администрацией организации",
    "route_agreed_methodist_share": "региональным методистом",
    "route_agreed_both_share": "и организацией, и методистом",
}


def routes_in_all(summary: pd.DataFrame, *, municipality: str = TOTAL) -> Sentence:
    """Say how many routes there are, of which kind and at which stage."""
    text = routes_counted(summary, municipality=municipality)
    rows = rows_of(summary, municipality=municipality)
    if not _is_any(_of(rows, "route_count")):
        return text
    stages = counted(rows_of(rows, measure="route_count", kind=TOTAL), "stage", STAGES)
    return Sentence(f"{text} По ходу: {stages}.")


def routes_counted(summary: pd.DataFrame, *, municipality: str = TOTAL) -> Sentence:
    """Say how many routes there are, of how many people and of which kind."""
    rows = rows_of(summary, municipality=municipality)
    whole = _of(rows, "route_count")
    if whole["status"] != "ok":
        return Sentence(f"ИОМ: {missing(whole)}.")
    if not whole["estimate"]:
        return Sentence("ИОМ в этом периоде здесь нет.")
    routes = rows_of(rows, measure="route_count")
    kinds = counted(rows_of(routes, stage=TOTAL), "kind", ROUTE_KINDS)
    people = wording.persons(_of(rows, "route_persons")["estimate"])
    opened = _of(rows, "route_opened")["estimate"]
    new = f"за период составлено {wording.number(opened)}"
    if opened == whole["estimate"]:
        new = "все составлены за этот период"
    return Sentence(
        f"ИОМ — {wording.number(whole['estimate'])} (у {people}), {new}"
        f"{in_brackets(whole)}: {kinds}."
    )


def route_approvals(summary: pd.DataFrame, *, municipality: str = TOTAL) -> Sentence:
    """Say which part of the current routes has been agreed by whom."""
    rows = rows_of(summary, municipality=municipality)
    told = {words: _of(rows, measure) for measure, words in APPROVALS.items()}
    if not any(row["status"] == "ok" for row in told.values()):
        return Sentence(f"Согласование ИОМ: {missing(next(iter(told.values())))}.")
    parts = [
        f"{words} — {wording.percent(row['estimate']) if row['status'] == 'ok' else missing(row)}"
        for words, row in told.items()
    ]
    current = _of(rows, "route_current")
    return Sentence(
        f"Действующих ИОМ {wording.number(current['estimate'])}, согласованы: {', '.join(parts)}."
    )


def route_audits(summary: pd.DataFrame, *, municipality: str = TOTAL) -> Sentence:
    """Say how many routes wait for their audit, how many are overdue, how many were audited."""
    text = audits_waiting(summary, municipality=municipality)
    rows = rows_of(summary, municipality=municipality)
    if _of(rows, "route_overdue")["status"] != "ok":
        return text
    audited = _of(rows, "route_audited_share")
    if audited["status"] != "ok":
        return Sentence(f"{text} Доля прошедших аудит: {missing(audited)}.")
    return Sentence(
        f"{text} Из ИОМ, чей срок аудита наступил, его прошли "
        f"{wording.percent(audited['estimate'])}{grounds(audited)}."
    )


def audits_waiting(summary: pd.DataFrame, *, municipality: str = TOTAL) -> Sentence:
    """Say how many routes wait for their audit and how many are overdue."""
    rows = rows_of(summary, municipality=municipality)
    due, late = (_of(rows, name) for name in ("route_audit_due", "route_overdue"))
    if late["status"] != "ok":
        return Sentence(f"Аудит ИОМ: {missing(late)}.")
    undated = _of(rows, "route_undated")
    meant = " (действуют, до срока не больше месяца, аудита ещё не было)"
    now = wording.number(due["estimate"]) + meant if due["status"] == "ok" else missing(due)
    text = f"ИОМ, которые ждут аудита: {now}"
    text += f"; не завершены, хотя срок истёк: {wording.number(late['estimate'])}"
    if undated["estimate"]:
        text += f"; без срока: {wording.number(undated['estimate'])}"
    return Sentence(f"{text}.")


def route_coverage(summary: pd.DataFrame, *, municipality: str = TOTAL) -> Sentence:
    """Say which part of those tested has a route, and how often its kind follows the rule."""
    rows = rows_of(summary, municipality=municipality)
    covered, matches = _of(rows, "route_coverage_share"), _of(rows, "route_kind_matches_share")
    if covered["status"] == "ok":
        text = (
            "Среди прошедших входную диагностику ИОМ есть у "
            f"{wording.percent(covered['estimate'])}{grounds(covered)}"
        )
    else:
        text = f"Охват прошедших диагностику: {missing(covered)}"
    if matches["status"] == "ok":
        follows = f"{wording.percent(matches['estimate'])}{grounds(matches)}"
        text += f". Вид ИОМ — тот, который документ называет для результата, у {follows}"
        if matches["estimate"] < 1:
            text += "; в остальных случаях решают методист и педагог, здесь это только показано"
        return Sentence(f"{text}.")
    return Sentence(f"{text}. Соответствие вида ИОМ результату: {missing(matches)}.")


def routes_beside_plan(published: pd.DataFrame, summary: pd.DataFrame) -> Sentence:
    """Put what documents say of the plan beside the records' own number: two bases, never one."""
    rows = {row["measure"]: row for row in published.to_dict("records")}
    opened = _of(rows_of(summary, municipality=TOTAL), "route_opened")
    plan, people, share = (
        rows[name] for name in ("route_plan", "route_published", "route_plan_share")
    )
    parts = [plan["note"] if plan["status"] != "ok" else f"план — {wording.estimate(plan)} ИОМ"]
    if people["status"] == "ok":
        parts.append(f"в документе названы ИОМ у {wording.estimate(people)}")
    if share["status"] == "ok":
        parts.append(f"выполнение плана по документу — {wording.percent(share['estimate'])}")
    own = wording.number(opened["estimate"]) if opened["status"] == "ok" else missing(opened)
    return Sentence(f"{capital('; '.join(parts))}. По записям за период составлено ИОМ: {own}.")


def route_measures(measures: pd.DataFrame, *, municipality: str = TOTAL) -> Sentence:
    """Say how many measures the routes have at each of the four levels, and how many are done."""
    text = measures_by_level(measures, municipality=municipality)
    rows = rows_of(measures, municipality=municipality)
    past = row_of(rows, measure="route_measures_past_share", level=TOTAL)
    if not _is_any(row_of(rows, measure="route_measures", level=TOTAL)) or past["status"] != "ok":
        return text
    return Sentence(
        f"{text} Из тех, чей срок прошёл, выполнено {wording.percent(past['estimate'])}"
        f"{grounds(past)}."
    )


def measures_by_level(measures: pd.DataFrame, *, municipality: str = TOTAL) -> Sentence:
    """Say how many measures the routes have at each of the four levels."""
    rows = rows_of(measures, municipality=municipality)
    whole = row_of(rows, measure="route_measures", level=TOTAL)
    if whole["status"] != "ok":
        return Sentence(f"Мероприятия ИОМ: {missing(whole)}.")
    if not whole["estimate"]:
        return Sentence("Мероприятий в ИОМ здесь нет.")
    levels = counted(rows_of(rows, measure="route_measures"), "level", ROUTE_LEVELS)
    return Sentence(f"В ИОМ записано мероприятий — {wording.number(whole['estimate'])}: {levels}.")


def routes_each(distribution: pd.DataFrame) -> Sentence:
    """Say how many routes fall to a regional methodist: the middle half, never a name."""
    rows = rows_of(distribution, routes=TOTAL).set_index("measure").to_dict("index")
    team = rows["methodists_with_routes"]
    if team["status"] != "ok":
        return Sentence(f"ИОМ на методиста: {missing(team)}.")
    mean, low, middle, high = (
        _decimal(rows[f"routes_each_{name}"]["estimate"])
        for name in ("mean", "q25", "median", "q75")
    )
    others = rows["routes_of_others"]["estimate"]
    more = f"; без регионального методиста — {wording.number(others)} ИОМ" if others else ""
    return Sentence(
        f"На регионального методиста приходится в среднем {mean} ИОМ, у половины из "
        f"{wording.number(team['n'])} методистов — от {low} до {high}, медиана {middle}{more}."
    )


def diagnosed(table: pd.DataFrame, procedures: pd.DataFrame) -> Sentence:
    """Say how many were diagnosed in each procedure and period; nothing is added up."""
    told = []
    for (name, by), rows in diagnosed_words(table, procedures).groupby(["name", "by"], sort=False):
        counts = [f"{r['of_period']} — {_persons(r)}" for r in rows.to_dict("records")]
        told.append(f"{name} ({by}): {', '.join(counts)}")
    text = stopped("; ".join(told))
    if len(told) == 1:
        return Sentence(text)
    return Sentence(f"{text} Люди разных процедур и оснований не складываются.")


def _persons(row: Mapping[str, Any]) -> str:
    return wording.persons(row["estimate"]) if row["status"] == "ok" else missing(row)


def diagnosed_words(table: pd.DataFrame, procedures: pd.DataFrame) -> pd.DataFrame:
    """Rows of `diagnosed` with the `name` of the procedure or fact and the `by` of its basis."""
    names = dict(zip(procedures["procedure"], procedure_names(procedures), strict=True))
    own = table["procedure"].map(names)
    return table.assign(
        name=table["label"].where(table["label"].notna(), own).fillna(table["procedure"]),
        by=table["basis"].map(GROUNDS),
    )


def _of(rows: pd.DataFrame, measure: str, **keys: str) -> dict[str, Any]:
    where = {"kind": TOTAL, "stage": TOTAL} | keys
    return row_of(rows, measure=measure, **where)


def _is_any(row: Mapping[str, Any]) -> bool:
    return row["status"] == "ok" and row["estimate"] > 0


def _decimal(value: float) -> str:
    """Write a decimal place only where there is one."""
    return wording.number(value, 0 if float(value).is_integer() else 1)
