"""The roadmap, recommendations of the last time, functions of the system, lists of documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.sentences import Sentence, capital, row_of, rows_of, stopped
from nmc_utils.terms import PROGRESS, TOTAL, UNSTATED

#: Which recommendations a table speaks of → words.
ASKED = {"before": "прошлого раза", "now": "этого периода", UNSTATED: "справка не названа"}
_MEASURES = ("мера", "меры", "мер")
#: Progress in the order in which it is told: what is done comes first.
_TOLD = ("done", "partly", "running", "planned", "not_done")
_ADVICE = ("рекомендация", "рекомендации", "рекомендаций")


def progress_words(row: Mapping[str, Any]) -> str:
    """Say how far a measure of `roadmap.roadmap_measures` has come, and whether its due is past."""
    late = ", срок прошёл" if row["due_state"] in ("overdue", "unknown") else ""
    return PROGRESS.get(row["progress"], "ход не сообщён") + late


def roadmap_progress(progress: pd.DataFrame) -> Sentence:
    """Say how many measures of the roadmap are done, overdue, not told of.

    Parameters
    ----------
    progress
        Measure table of `roadmap.roadmap_progress`.
    """
    keys = {"direction": TOTAL, "progress": TOTAL, "due_state": TOTAL}
    whole = row_of(progress, **keys)
    if whole["status"] != "ok":
        return Sentence(stopped(f"Дорожная карта: {wording.with_note(whole)}"))
    rows = rows_of(progress, direction=TOTAL, due_state=TOTAL).set_index("progress")["estimate"]
    parts = [f"{PROGRESS[code]} — {wording.number(rows[code])}" for code in _TOLD if rows.get(code)]
    if rows.get("no_data"):
        parts.append(f"ход не сообщён — {wording.number(rows['no_data'])}")
    text = f"В дорожной карте {wording.plural(int(whole['estimate']), *_MEASURES)}: "
    due = rows_of(progress, direction=TOTAL, progress=TOTAL).set_index("due_state")["estimate"]
    late = ""
    if due.get("overdue"):
        late = f"; срок прошёл, а мера не выполнена — {wording.number(due['overdue'])}"
    return Sentence(stopped(text + ", ".join(parts) + late))


def recommendations(summary: pd.DataFrame) -> Sentence:
    """Say what became of the recommendations of the last time.

    Parameters
    ----------
    summary
        Measure table of `roadmap.recommendations_summary`.
    """
    keys = {"asked": "before", "addressee": TOTAL}
    rows = rows_of(summary, measure="recommendations", **keys)
    whole = row_of(rows, progress=TOTAL)
    if whole["status"] != "ok":
        return Sentence(stopped(f"Рекомендации прошлого раза: {wording.with_note(whole)}"))
    n = int(whole["estimate"])
    if not n:
        return Sentence("Рекомендаций прошлого раза не прислано.")
    counted = rows.set_index("progress")["estimate"]
    parts = [
        f"{PROGRESS[code]} — {wording.number(counted[code])}"
        for code in _TOLD
        if code != "done" and counted.get(code)
    ]
    late = row_of(summary, measure="recommendations_overdue", progress=TOTAL, **keys)
    if late["status"] == "ok" and late["estimate"]:
        parts.append(f"из невыполненных просрочено — {wording.number(late['estimate'])}")
    text = f"Из {wording.plural(n, 'рекомендации', *[_ADVICE[2]] * 2)} прошлого раза выполнено "
    return Sentence(stopped("; ".join([text + wording.number(counted["done"]), *parts])))


def system_functions(functions: pd.DataFrame) -> Sentence:
    """Say how many subjects the documents name, and which functions none of them has.

    Parameters
    ----------
    functions
        Table of `subjects.system_functions`.
    """
    if functions.empty:
        return Sentence("Субъектов системы документы региона, что у нас есть, не описывают.")
    subjects = functions["subject"].nunique()
    silent = functions.loc[functions["function"].isna(), "subject"].nunique()
    had = functions.loc[functions["subject"].notna(), "function"].nunique()
    all_ = functions["function"].nunique()
    named = wording.plural(subjects, "субъект", "субъекта", "субъектов")
    text = f"Документы называют {named} системы"
    if silent:
        who = "одного" if silent == 1 else wording.number(silent)
        text += f", у {who} из них функции не названы"
    text += f"; {had} из {all_} функций общего перечня за кем-то закреплены"
    if all_ > had:
        text += f", в документах не названо {all_ - had}: это пробел документов, а не оценка работы"
    return Sentence(stopped(text))


def functions_of_regions(tables: Mapping[str, pd.DataFrame]) -> Sentence:
    """Say which functions the documents of all regions name, and how many those of one alone.

    Parameters
    ----------
    tables
        Name of a region → its table of `subjects.system_functions`.
    """
    had = {name: _functions(table) for name, table in tables.items() if len(table)}
    if not had:
        return Sentence("Субъектов системы не описывает ни один из регионов.")
    common = set.intersection(*had.values())
    text = f"Функций, которые называют документы всех регионов ({', '.join(had)}), — "
    text += wording.number(len(common))
    alone = {
        name: len(mine - set.union(set(), *(f for other, f in had.items() if other != name)))
        for name, mine in had.items()
    }
    told = [f"{name} — {n}" for name, n in alone.items() if n]
    if len(had) > 1 and told:
        text += f"; только в одном из них названы: {', '.join(told)}"
    return Sentence(stopped(text))


def _functions(table: pd.DataFrame) -> set[Any]:
    return set(table.loc[table["subject"].notna(), "function"].dropna())


def document_plans(plans: pd.DataFrame) -> Sentence:
    """Say how many things the documents plan besides the roadmap, for which years, what was done.

    What documents of a time after the period plan is left out.

    Parameters
    ----------
    plans
        Measure table of `document_lists.document_plans`.
    """
    given = plans[plans["status"] == "ok"]
    if given.empty:
        return Sentence(stopped(capital(plans["note"].iloc[0])))
    later = given["is_later"].astype(bool)
    given = given[~later]
    if given.empty:
        return Sentence("До конца периода издания документы вне дорожной карты ничего не намечают.")
    years = given["year"].value_counts(sort=False)
    told = ", ".join(
        f"{f'на {year} год' if year.isdigit() else year} — {wording.number(count)}"
        for year, count in years.items()
    )
    intended = wording.plural(len(given), "намерение", "намерения", "намерений")
    text = f"Вне дорожной карты документы называют {intended}: {told}"
    done = int(given["told"].notna().sum())
    if not done:
        return Sentence(f"{text}. Сведений о том, что из этого сделано, не внесено.")
    told = wording.plural(done, "намерении", "намерениях", "намерениях")
    return Sentence(f"{text}. О {told} документ говорит, что сделано; об остальных не внесено.")


def document_lists(named: pd.DataFrame) -> Sentence:
    """Say how many names each list of the documents has; those of a later time only by number.

    Parameters
    ----------
    named
        Measure table of `document_lists.document_lists`.
    """
    given = named[named["status"] == "ok"]
    if given.empty:
        return Sentence(stopped(capital(named["note"].iloc[0])))
    later = given["is_later"].astype(bool)
    lists = given[~later].groupby(["list", "list_name"], sort=False)
    told = ", ".join(_counted_names(code, name, rows) for (code, name), rows in lists)
    text = f"Документы называют поимённо: {told or 'за период издания — никого'}"
    if later.any():
        text += f"; после периода издания — ещё {wording.number(later.sum())}"
    return Sentence(stopped(text))


def _counted_names(code: str, list_name: str, rows: pd.DataFrame) -> str:
    """Number of names of a list; municipalities by years, a contest held twice once."""
    if code == "low_performing_in":
        years = rows["held"].value_counts(sort=False)
        parts = [f"{wording.number(count)} ({year})" for year, count in years.items()]
        return f"{list_name} — {', '.join(parts)}"
    names = rows["name"].nunique()
    again = f" (проведений — {wording.number(len(rows))})" if len(rows) > names else ""
    return f"{list_name} — {wording.number(names)}{again}"
