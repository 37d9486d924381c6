"""О данных: of what the numbers of a run were made, what was left out, what is not shown."""

from __future__ import annotations

from html import escape

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.sections.facts import all_facts
from dashboards.store import Published, State
from nmc_utils import approvals, collecting, findings, history, wording
from nmc_utils.editions import ORIGINS

#: Inputs of a run as the manifest names them.
_INPUTS = {
    "tables": "принятые таблицы",
    "code": "программа и тетради",
    "definition": "определение региона и издания",
    "published": "опубликованные факты",
    "system": "субъекты, акты и меры документов",
}


def view(state: State) -> pn.Column:
    """The run and its integrity, what was not shown, what was held out; facts of the documents."""
    now = state.current
    return parts.column(
        parts.heading("О данных", str(now.edition)),
        parts.row(_run(now), _not_shown(now, state)),
        *_quality(now),
        parts.later(lambda: [all_facts(now)]),
    )


def _run(now: Published) -> pn.Column:
    manifest, edition = now.manifest, now.edition
    lines = {
        "Издание": str(edition),
        "Происхождение": edition.mark or ORIGINS[edition.origin],
        "Данные на": wording.day(edition.as_of),
        "Прогон": now.run,
        "Состояние": status(now),
        "Версия программы": manifest["version"],
    }
    digests = "".join(
        f"<div>{escape(_INPUTS.get(name, name))}: "
        f'<code title="{escape(digest)}">{escape(digest[:12])}</code></div>'
        for name, digest in manifest["inputs"].items()
    )
    facts = parts.facts(lines, {"Отпечатки входных данных (SHA-256)": digests})
    title = '<h2>Прогон</h2><p class="muted small">Одни и те же входные данные дают те же числа: '
    title += "по отпечаткам видно, из чего сделан этот прогон.</p>"
    return parts.card(
        parts.block(title), parts.block(facts), parts.later(lambda: [parts.block(_intact(now))])
    )


def status(now: Published) -> str:
    """Say whether the run is approved; of a draft beside an approved run, which one that is."""
    told = approvals.approvals(now.edition.root, now.edition.key)
    if not told:
        return "Проект"
    if told[-1].run == now.run:
        return told[-1].words
    return f"Проект. Утверждён другой прогон, {told[-1].run}: {told[-1]}"


def _intact(now: Published) -> str:
    """Compare the files of the run with its manifest."""
    if wrong := history.verify(now.edition.root, now.run, now.edition.key):
        text = f"Целостность нарушена: {'; '.join(wrong)}"
        return f'<p class="notice" role="status">{escape(text)}</p>'
    count = wording.plural(len(now.manifest["files"]), "файла", "файлов", "файлов")
    text = f"Целостность проверена сейчас: содержимое всех {count} прогона совпадает с манифестом."
    return f"<p>{parts.signed('✓', text, parts.theme.ATTAINMENT['attained'].colour)}</p>"


def _not_shown(now: Published, state: State) -> pn.Column:
    lines = [
        "Имён людей нет ни в таблицах, ни в тетрадях, ни на страницах: при приёме их заменяют "
        "личные коды. Таблица соответствия хранится отдельно.",
        "Строки, задержанные при приёме, не входят ни в одно число; ниже сказано, сколько их и "
        "почему.",
        "Значения из ячеек, которые могут относиться к человеку, в замечаниях не повторяются.",
        "Малые группы пока не скрываются: контроля раскрытия ещё нет, поэтому страницы открыты "
        "только на этом компьютере.",
    ]
    if now.incomplete:
        lines.append(f"{now.incomplete}: итоги по записям неполные.")
    if now.edition.is_demonstration:
        lines.insert(0, f"{now.edition.mark}. Записи людей смоделированы.")
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    address = {"region": state.region, "period": state.period, "page": "collection"}
    link = parts.link(address, "Сбор данных: кто что прислал и что запросить")
    html = f'<h2>Что не показано и почему</h2><ul class="lead small">{items}</ul><p>{link}</p>'
    return parts.card(parts.block(html))


# --- quality --------------------------------------------------------------------------------------


def _quality(now: Published) -> list[pn.viewable.Viewable]:
    lines = now.table("intake_conservation")
    if lines is None:
        reason = f"в прогоне нет сведений о приёме. Выполните: nmc run {now.edition.key}"
        return [parts.missing("Присланное и принятое", reason)]
    held = now.table("intake_held_rows")
    problems = now.table("intake_problems")
    differences = now.table("intake_differences")
    reasons = collecting.held_reasons(held, now.region)
    remarks = collecting.remarks(problems)
    return [
        parts.row(_conservation(lines)),
        parts.row(
            parts.listed("Задержанные строки", reasons, _HELD, "задержанных строк нет"),
            parts.listed(
                "Что изменили новые файлы",
                collecting.changes(differences),
                _CHANGED,
                "более новых файлов взамен прежних не присылали",
            ),
        ),
        parts.row(parts.listed("Замечания приёма", remarks, _REMARKS, "замечаний нет", basis=1280)),
    ]


_HELD = {"title": "Форма", "reason": "Почему", "rows": "Строк", "names": "Чьи"}
_CHANGED = {"file": "Новый файл", "older": "Вместо", "title": "Форма", "words": "Что изменилось"}
_REMARKS = {"title": "Форма", "meaning": "Замечание", "action": "Что сделано"}
_REMARKS |= {"count": "Сколько раз", "files": "В файлах"}
_LINES = {"file": "Файл", "title": "Форма", "sent": "Прислано", "accepted": "Принято"}
_LINES |= {"held_out": "Задержано", "superseded": "Замещено", "blank": "Итоги и пустые"}


def _conservation(lines: pd.DataFrame) -> pn.Column:
    """Every row that was sent is in one of four columns, by form and, on demand, by file."""
    by_file = collecting.conserved(lines)
    counts = [name for name in _LINES if name in lines and name != "file"]
    by_form = by_file.groupby("title", sort=False, as_index=False)[counts].sum()
    html = f"<h2>Присланное и принятое</h2><p>{escape(findings.conservation(lines))}</p>"
    html += _table(by_form, {name: _LINES[name] for name in ("title", *counts)})
    count = wording.plural(by_file["file"].nunique(), "файл", "файла", "файлов")
    html += f"<details><summary>По файлам: {count}</summary>{_table(by_file, _LINES)}</details>"
    return parts.card(parts.block(html), basis=1280)


def _table(frame: pd.DataFrame, columns: dict[str, str]) -> str:
    shown = wording.readable(frame, columns)
    return parts.table(shown.frame, shown.numeric)
