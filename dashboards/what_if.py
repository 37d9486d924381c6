"""«Что, если…»: a card that plans seminar groups anew under other conditions and keeps nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from dashboards import parts
from dashboards.store import BASES, Published
from dashboards.trials import (
    LARGEST_GROUP,
    MOST_TOPICS,
    Trial,
    Tried,
    WrongConditions,
)
from dashboards.trying import has_chances, tried
from nmc_utils import findings, wording

TITLE = "Что, если…"
_ABOUT = (
    "Проба: опубликованный план не меняется, ответ нигде не сохраняется. Цена ненужной темы — чего "
    "стоит место участника на теме, которая ему не нужна; нужная приносит 1"
)
_SAME = "Условия те же, что у плана: разницы нет. Измените хотя бы одно."
_QUICK = (
    "проба считается быстро: её зазор бывает больше, чем у плана, и небольшая разница может быть "
    "от этого"
)
_COSTS = (0.0, 0.25, 0.5, 1.0, 2.0)
_ROWS = {
    "plan_groups": "Групп",
    "plan_persons": "Педагогов в группах",
    "plan_coverage": "Результатов ≤ порога закрыто темами",
    "plan_expected_coverage": "Ожидаемых истинных результатов ≤ порога закрыто темами",
    "plan_precision": "Мест, где тема нужна участнику",
    "plan_gap": "Лучший возможный план лучше не более чем на",
}
_SHARES = ("plan_coverage", "plan_expected_coverage", "plan_precision")


class WhatIf:
    """The conditions as widgets, and the place of the answer."""

    def __init__(self, now: Published):
        self.now = now
        planned = Trial.as_planned(now.region)
        self.least = _whole("Человек: от", planned.least, LARGEST_GROUP)
        self.greatest = _whole("до", planned.greatest, LARGEST_GROUP)
        self.topics = _whole("Тем: до", planned.topics, MOST_TOPICS)
        costs = sorted({*_COSTS, planned.unneeded_cost})
        self.cost = parts.choice(
            "Цена ненужной темы",
            {_decimal(cost): cost for cost in costs},
            planned.unneeded_cost,
            width=170,
            least=0.84,
        )
        bases = BASES if has_chances(now) else {"result": BASES["result"]}
        self.basis = parts.choice("Что считать дефицитом", _swap(bases), "result", width=300)
        families = _led_families(now)
        self.one_more = parts.choice(
            "Ещё один ведущий", {"Нет": ""} | _swap(families), "", width=260
        )
        self.leaders = parts.choice(
            "Ведущие",
            {"Ограничивают": "yes", "Не ограничивают": "no"},
            "yes",
            width=190,
            least=0.84,
        )
        self.button = pmui.Button(
            label="Посчитать", variant="contained", size="small", margin=0, width=120
        )
        self.answer = parts.column()
        self.button.on_click(self._ask)

    @property
    def trial(self) -> Trial:
        """What the widgets ask for."""
        return Trial(
            self.least.value,
            self.greatest.value,
            self.topics.value,
            self.cost.value,
            self.basis.value,
            self.one_more.value,
            self.leaders.value == "yes",
        )

    def view(self) -> pn.Column:
        """The card."""
        shown = [self.least, self.greatest, self.topics, self.cost, self.basis]
        if self.now.table("seminar_leaders") is not None:
            shown += [self.leaders, self.one_more]
        words = f'<h2>{TITLE}</h2><p class="muted small">{parts.escape(parts.sentence(_ABOUT))}</p>'
        return parts.card(
            parts.block(words), parts.bar(*shown, self.button), self.answer, basis=560
        )

    async def _ask(self, _: object) -> None:
        """Plan beside the event loop: other sessions are served meanwhile."""
        trial = self.trial
        if trial == Trial.as_planned(self.now.region):
            self.answer[:] = [parts.block(f'<p class="notice" role="status">{_SAME}</p>')]
            return
        self.button.disabled = self.button.loading = True
        self.answer[:] = [parts.block('<p class="muted" role="status">Проба считается…</p>')]
        try:
            found = await asyncio.to_thread(tried, self.now, trial)
            self.answer[:] = [parts.block(answer_html(self.now, trial, found))]
        except WrongConditions as wrong:
            self.answer[:] = [parts.block(f'<p class="notice" role="status">{wrong}</p>')]
        except Exception as error:
            self.answer[:] = [parts.trouble(error, "Проба не посчитана")]
        finally:
            self.button.disabled = self.button.loading = False


def card(now: Published) -> pn.Column:
    """The card of an edition, or why nothing can be tried."""
    needs = now.table("seminar_needs")
    if needs is None:
        return parts.missing(TITLE, parts.not_in_run(now.edition.key))
    if needs.empty:
        return parts.missing(TITLE, now.gap(now.planned) or "составлять группы не для кого")
    return WhatIf(now).view()


def answer_html(now: Published, trial: Trial, found: Tried) -> str:
    """Numbers of the published plan and of the trial, their difference, and what is proven."""
    shown = [code for code in _ROWS if code in found.now and code in found.tried]
    frame = pd.DataFrame(
        {
            "Показатель": [_ROWS[code] for code in shown],
            "План": [_written(code, found.now[code]) for code in shown],
            "Проба": [_written(code, found.tried[code]) for code in shown],
            "Разница": [_difference(code, found) for code in shown],
        }
    )
    doubt = _QUICK if found.is_quick else _within_gaps(found)
    about = parts.joined(_of_whom(trial, found), _also(found, shown), doubt, now.incomplete)
    binding = pd.DataFrame({"sentence": found.notes})
    notes = findings.plan_notes(binding, now.region) if len(binding) else ""
    table = parts.table(frame, list(frame.columns[1:]), caption=_conditions(now, trial))
    lines = [about, notes]
    return table + "".join(
        f'<p class="note gap">{parts.escape(parts.sentence(line))}</p>' for line in lines if line
    )


def _also(found: Tried, shown: list[str]) -> str:
    """The proven gap of a trial that stands beside no gap of the plan."""
    if "plan_gap" in shown or pd.isna(found.tried["plan_gap"]):
        return ""
    return (
        "при этих условиях никакой план не лучше пробы по её критерию более чем на "
        f"{findings.at_most(found.tried['plan_gap'])}"
    )


def _within_gaps(found: Tried) -> str:
    """Say where both plans may be equally good for all that is proven."""
    return "" if found.is_proven else "разница меньше доказанной точности планов"


def _of_whom(trial: Trial, found: Tried) -> str:
    persons = wording.persons(found.persons)
    if trial.basis == "result":
        return f"план и проба — для {persons}"
    return f"план и проба — для {persons}, вероятность дефицита которых известна"


def _conditions(now: Published, trial: Trial) -> str:
    """The trial in words, as the title of its answer."""
    told = [
        f"{trial.least}–{trial.greatest} человек",
        f"тем до {trial.topics}",
        f"цена ненужной темы {_decimal(trial.unneeded_cost)}",
        BASES[trial.basis],
    ]
    if now.table("seminar_leaders") is not None and not trial.with_leaders:
        told.append("ведущие не ограничивают")
    elif trial.one_more:
        told.append(f"ещё один ведущий: {now.region.group_families[trial.one_more]}")
    return f"Проба: {', '.join(told)}"


def _written(code: str, value: float) -> str:
    if pd.isna(value):
        return "—"
    if code == "plan_gap":
        return findings.at_most(value)
    return wording.percent(value, 1) if code in _SHARES else wording.number(value)


def _difference(code: str, found: Tried) -> str:
    change = found.tried[code] - found.now[code]
    if code == "plan_gap" or pd.isna(change):
        return "—"
    if code in _SHARES:
        return f"{wording.signed(change)}{wording.NO_BREAK_SPACE}п.п."
    return f"{'+' if change > 0 else ''}{wording.number(change)}"


def _decimal(value: float) -> str:
    """Write 0.25 as «0,25» and 1.0 as «1»."""
    return f"{value:g}".replace(".", ",")


def _led_families(now: Published) -> dict[str, str]:
    """Families with people to plan for: one more leader may be asked for in each."""
    present = set(now.table("seminar_needs")["family"])
    return {code: name for code, name in now.region.group_families.items() if code in present}


def _swap(names: Mapping[str, str]) -> dict[str, str]:
    return {findings.capital(name): code for code, name in names.items()}


def _whole(label: str, value: int, end: int) -> pmui.IntInput:
    return pmui.IntInput(label=label, value=value, start=1, end=end, step=1, **_look(118))


def _look(width: int) -> dict[str, object]:
    return {
        "size": "small",
        "margin": 0,
        "sizing_mode": "stretch_width",
        "styles": {"flex": f"{width} 1 {round(0.84 * width)}px", "max-width": f"{width}px"},
    }
