"""Mentoring by form and reach; young teachers by form of support."""

from __future__ import annotations

import holoviews as hv
import pandas as pd

from nmc_utils import theme, wording
from nmc_utils.figures.rows import lacking, ordered, share, values_and_sizes, why_empty
from nmc_utils.findings.sentences import capital, grounds, rows_of
from nmc_utils.terms import MENTORING_FORMS, REACHES, READINGS, TOTAL, UNSTATED
from nmc_utils.wording import NO_BREAK_SPACE


def mentoring_reach(mentoring_summary: pd.DataFrame, *, span: str = "current") -> hv.Overlay:
    """Pairs and teams by form and by how far their organisations are from each other.

    Parameters
    ----------
    mentoring_summary
        Table of `mentoring.mentoring_summary`.
    span
        ``current`` on the day of the edition, or ``period``.
    """
    when = "на дату данных" if span == "current" else "за период"
    subtitle = f"Наставнические пары и команды {when}: форма и организации наставника и подопечного"
    rows = rows_of(mentoring_summary, measure="mentoring_pairs", span=span)
    rows = rows_of(rows, stage=TOTAL, municipality=TOTAL)
    names = REACHES | {UNSTATED: "не определено"}
    names = {code: capital(name) for code, name in names.items() if code in set(rows["reach"])}
    cells = rows[rows["form"].isin(list(MENTORING_FORMS)) & rows["reach"].isin(list(names))]
    if not cells["status"].eq("ok").any() or not cells["estimate"].sum():
        return theme.reason(why_empty(rows), "Формы наставничества", subtitle)
    title = _reach_title(rows, when)
    forms = {code: capital(name.replace(" – ", "–")) for code, name in MENTORING_FORMS.items()}
    return theme.heat(
        _reach_cells(cells, forms, names),
        title=title,
        subtitle=subtitle + lacking(cells),
        rows=forms,
        columns=names,
    )


def _reach_title(rows: pd.DataFrame, when: str) -> str:
    known = rows[rows["status"] == "ok"].set_index(["form", "reach"])["estimate"]
    whole, between = known[(TOTAL, TOTAL)], known.get((TOTAL, "between_municipalities"))
    count = wording.plural(int(whole), "пара или команда", "пары и команды", "пар и команд")
    text = f"{capital(when)} {count}"
    told = {"внутри одной организации": known[(TOTAL, "within_organization")]}
    if between is not None:
        told["между муниципалитетами"] = between
    parts = [f"{words} —{NO_BREAK_SPACE}{wording.number(n)}" for words, n in told.items()]
    return ", ".join([text, *parts])


def _reach_cells(cells: pd.DataFrame, forms: dict[str, str], names: dict[str, str]) -> pd.DataFrame:
    most = cells["estimate"].max()
    shown = []
    for row in cells.to_dict("records"):
        known = row["status"] == "ok"
        fill, ink = theme.sequential(row["estimate"] / most if known else 0.0)
        shown.append(
            {
                "x": list(names).index(row["reach"]),
                "y": -list(forms).index(row["form"]),
                "fill": fill if known else theme.PAPER,
                "ink": ink if known else theme.MUTED,
                "text": wording.number(row["estimate"]) if known else "нет данных",
                "name": f"{forms[row['form']]}, {names[row['reach']].lower()}",
                "hint": wording.with_note(row),
            }
        )
    return pd.DataFrame(shown)


def young_support_forms(young_support: pd.DataFrame, *, reading: str = "strict") -> hv.Overlay:
    """Share of young teachers in their first three years with each form of support.

    The first row is any support; a person may have several forms, so that the others do not add up
    to it.
    """
    subtitle = (
        f"Доля педагогов в первые три года работы, {READINGS[reading]}; форм у человека может "
        "быть несколько, они не складываются"
    )
    rows = rows_of(young_support, measure="young_supported_share", reading=reading)
    rows = rows_of(rows, municipality=TOTAL)
    if not rows["status"].eq("ok").any():
        return theme.reason(why_empty(rows), "Поддержка молодых педагогов", subtitle)
    forms = [form for form in rows["form"] if form != TOTAL]
    names = {TOTAL: "Любая поддержка"} | {form: capital(form) for form in forms}
    rows = ordered(rows, "form", names)
    whole = rows[rows["code"] == TOTAL].iloc[0]
    title = f"Поддержку за период получили {share(whole['estimate'])} молодых педагогов"
    return theme.dot_plot(
        rows,
        right=values_and_sizes(rows),
        title=title + grounds(whole),
        subtitle=subtitle,
        xlabel="% молодых педагогов",
        emphasised=TOTAL,
        row_height=38,
    )
