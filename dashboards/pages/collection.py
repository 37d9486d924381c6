"""Сбор данных: who has sent what, in which state it is, what was held out and what to ask for."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.collecting import Collected, Collecting
from dashboards.store import State
from nmc_utils import collecting, figures, wording


def view(state: State) -> pn.Column:
    """The page within the app: the frame's choices stay in its links."""
    return page(state.collecting, state.address())


def page(choices: Collecting, address: Mapping[str, str]) -> pn.Column:
    """Who has sent what of any edition that has a folder, published or not."""
    place = parts.column()
    edition = parts.choice("Издание", choices.options, choices.key, width=420)
    stage = parts.choice("Состояние", {}, "", width=220)
    sender = parts.choice("Муниципальное образование", {}, "", width=280)

    def draw() -> None:
        now = choices.collected()
        edition.param.update(options=choices.options, value=choices.key)
        stage.param.update(options=_stages(now), value=choices.stage)
        sender.param.update(options=_senders(now), value=choices.sender)
        place[:] = _drawn(now, choices, dict(address) | {"page": "collection"})

    choices.follow(draw, "edition", "sender", "stage")
    edition.param.watch(lambda event: choices.choose(event.new), "value")
    stage.param.watch(lambda event: choices.param.update(stage=event.new), "value")
    sender.param.watch(lambda event: choices.param.update(sender=event.new), "value")
    return parts.column(
        parts.heading("Сбор данных", _ABOUT), parts.bar(edition, stage, sender), place
    )


_ABOUT = (
    "Все издания, у которых есть папка, и те, что ещё не опубликованы. Выбор издания здесь не "
    "меняет остальных страниц."
)


def _stages(now: Collected) -> dict[str, str]:
    given = set(now.told["state"])
    words = {f"{figures.COLLECTING[code].sign} {word}": code
             for code, word in collecting.STATES.items() if code in given}  # fmt: skip
    return {"Все состояния": ""} | words


def _senders(now: Collected) -> dict[str, str]:
    names = now.region.municipality_names
    return {"Все": ""} | {name: code for code, name in names.items()}


def _drawn(
    now: Collected, choices: Collecting, address: dict[str, str]
) -> list[pn.viewable.Viewable]:
    lines = [
        collecting.who_reported(now.told, now.region),
        collecting.overdue(now.told),
        collecting.waiting(now.waiting, now.edition),
        choices.unread,
    ]
    said = "".join(f"<p>{escape(line)}</p>" for line in lines if line)
    head = f'<h2 class="gap">{escape(str(now.edition))}</h2>{said}'
    matrix = parts.row(parts.card(parts.block(_matrix(now, choices, address)), basis=1280))
    details = _details(now, choices.sender)
    # Who has chosen a municipality wants to see what to ask of it, not the others once more.
    below = [*details, matrix] if choices.sender else [matrix, *details]
    return [parts.block(head), parts.tiles(_tiles(now)), *below]


def _tiles(now: Collected) -> list[tuple[str, str, str]]:
    n = len(now.region.municipalities)
    places = now.told.groupby("municipality")["state"].agg(set)
    done = sum(states <= {"accepted", "approved"} for states in places)
    sent = len(collecting.reported(now.told))
    asked = int(now.told["state"].eq("returned").sum())
    tiles = [
        ("Представили данные", f"{sent} из {n}", "муниципальных образований"),
        ("Принято всё", f"{done} из {n}", "муниципальных образований"),
        ("Возвращено форм", wording.number(asked), "ждут исправления" if asked else ""),
        ("Не проверено файлов", wording.number(now.waiting.n), _checked(now)),
    ]
    deadline = now.edition.collection.deadline
    if deadline is None:
        return [*tiles, ("Срок", "не установлен", "его задаёт edition.yaml издания")]
    left = (deadline - now.today).days
    days = wording.plural(abs(left), "день", "дня", "дней")
    name = "Прошло после срока" if left < 0 else "Осталось до срока"
    return [*tiles, (name, days, wording.day(deadline))]


def _checked(now: Collected) -> str:
    return "приём ещё не выполнялся" if now.intake["conservation"].empty else "с последнего приёма"


# --- matrix ---------------------------------------------------------------------------------------


def _matrix(now: Collected, choices: Collecting, address: dict[str, str]) -> str:
    """A row a municipality, a column a form; a state is a sign, a word and a colour."""
    told = now.told
    if told.empty:
        return f'<p class="reason">{escape(collecting.who_reported(told, now.region))}</p>'
    forms = dict(zip(told["table"], told["title"], strict=True))
    has_office = bool(told["responsible"].notna().any())
    heads = ["Муниципальное образование", *forms.values(), "Версия", "Срок"]
    heads += ["Кто отвечает"] if has_office else []
    rows = []
    for code, group in told.groupby("municipality", sort=False):
        if choices.stage and choices.stage not in set(group["state"]):
            continue
        link = address | {"collecting": now.edition.key, "sender": code}
        own = {row["table"]: row for row in group.to_dict("records")}
        cells = [parts.link(link, group["name"].iloc[0])]
        cells += [_cell(own[form]) if form in own else "—" for form in forms]
        cells += [_version(group), _deadline(group)]
        cells += [escape(group["responsible"].iloc[0] or "—")] if has_office else []
        cells = [
            f'<td data-label="{escape(head)}">{cell}</td>'
            for head, cell in zip(heads, cells, strict=True)
        ]
        rows.append(f'<tr class="{_row_class(group, code == choices.sender)}">{"".join(cells)}')
    if not rows:
        return '<p class="reason">В таком состоянии ничего нет.</p>'
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "</tr>".join([*rows, ""])
    html = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return parts.scrolled(f'<table class="matrix stacked">{html}</table>', "Кто что прислал")


def _cell(row: Mapping[str, object]) -> str:
    look = figures.COLLECTING[row["state"]]
    note = figures.rows_in_words(row)
    words = parts.signed(look.sign, row["state_label"], look.colour)
    return f'<div>{words}<span class="note">{note}</span></div>'


def _version(group: pd.DataFrame) -> str:
    newest = int(group["version"].max())
    return str(newest) if newest else "—"


def _deadline(group: pd.DataFrame) -> str:
    day = group["deadline"].iloc[0]
    if day is None:
        return "не установлен"
    if not group["is_overdue"].any():
        return wording.day(day)
    look = figures.COLLECTING["returned"]
    return f"<div>{wording.day(day)}<br>{parts.signed('!', 'просрочен', look.colour)}</div>"


def _row_class(group: pd.DataFrame, is_chosen: bool) -> str:
    is_asked = group["state"].eq("returned").any() or group["is_overdue"].any()
    return f"{'asked' if is_asked else ''} {'chosen' if is_chosen else ''}".strip()


# --- files, versions, what to ask for -------------------------------------------------------------


def _details(now: Collected, sender: str) -> list[pn.viewable.Viewable]:
    """What is known of all files, or of those of one municipality."""
    told = now.intake
    if told["conservation"].empty and told["problems"].empty:
        again = f"nmc check {now.edition.region.code} {now.edition.period}"
        reason = f"присланное ещё не проверяли. Выполните: {again}"
        return [parts.row(parts.missing("Файлы", reason))]
    name = now.region.municipality_names.get(sender, "")
    whose = f": {name}" if name else ""
    senders = collecting.senders(told["files"], now.region)
    mine = [file for file, names in senders.items() if not name or name in names]
    files = told["files"][told["files"]["file"].isin(mine)]
    changed = told["differences"][told["differences"]["file"].isin(mine)]
    asked = collecting.to_ask(told["problems"], told["files"], now.region)
    asked = asked[asked["file"].isin(mine) | (asked["file"].eq("") & (name == ""))]
    held = told["held_rows"]
    held = held[held["municipality"].eq(sender) | held["file"].isin(mine)] if name else held
    return [
        parts.row(
            parts.listed(f"Что запросить{whose}", asked, _ASKED, "запрашивать нечего", basis=1280),
        ),
        parts.row(
            parts.listed(
                f"Задержанные строки{whose}",
                collecting.held_reasons(held, now.region),
                _HELD,
                "задержанных строк нет",
            ),
            parts.stack(
                parts.listed(
                    f"Что изменили новые файлы{whose}",
                    collecting.changes(changed),
                    _CHANGED,
                    "более новых файлов взамен прежних не присылали",
                ),
                parts.listed(f"Файлы{whose}", _named(files, senders), _FILES, "файлов нет"),
            ),
        ),
    ]


_ASKED = {"names": "Кого спросить", "file": "Файл", "sheet": "Лист", "cells": "Ячейки"}
_ASKED |= {"meaning": "Что не так", "remedy": "О чём просить"}
_HELD = {"title": "Форма", "reason": "Почему", "rows": "Строк", "names": "Чьи"}
_CHANGED = {"file": "Новый файл", "older": "Вместо", "title": "Форма", "words": "Что изменилось"}
_FILES = {"number": "№", "file": "Файл", "state": "Состояние", "names": "Чей"}
_FILES |= {"replaced_by": "Заменён файлом"}


def _named(files: pd.DataFrame, senders: Mapping[str, list[str]]) -> pd.DataFrame:
    """Files in the order in which they came; a column that says nothing is left out."""
    files = files.sort_values("number")
    files = files.assign(
        state=files["state"].map(collecting.FILE_STATES),
        names=[", ".join(senders[file]) or "не определено" for file in files["file"]],
    )
    if not files["replaced_by"].fillna("").any():
        return files.drop(columns="replaced_by")
    return files
