"""«Переместить вручную»: what it costs to move one member of a group, and who else moves."""

from __future__ import annotations

import asyncio
import json

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from dashboards import parts
from dashboards.store import Published
from dashboards.trying import ImpossibleMove, Moved, moved
from nmc_utils import findings, wording

TITLE = "Переместить вручную"
_ABOUT = (
    "Проба: опубликованный план не меняется, ответ нигде не сохраняется. Обычно считается около "
    "секунды, изредка до двадцати. Участники — псевдонимы, по алфавиту"
)
_TO_KEEP = (
    "Чтобы переместить на деле, впишите это в edition.yaml издания вместо прежнего ключа groups, "
    "если он есть, и выполните nmc run {} (порядок — в docs/groups.md)"
)
_OUT = "out"  # no group is called so: ids end in a number
_MONO = '"DejaVu Sans Mono", Consolas, monospace'
#: Rows of a table that stands open.
_FEW = 8


class ManualMove:
    """Who is moved and where to as widgets, and the place of the answer."""

    def __init__(self, now: Published, groups: pd.DataFrame, numbers: dict[str, str]):
        self.now, self.groups, self.numbers = now, groups.set_index("group_id"), numbers
        self.group = groups["group_id"].iloc[0]
        self.member = parts.choice("Участник", {}, None, width=260, least=0.84)
        self.target = parts.choice("Что сделать", {}, None, width=260, least=0.84)
        self.button = pmui.Button(
            label="Узнать цену", variant="contained", size="small", margin=0, width=130
        )
        self.answer = parts.column()
        self.button.on_click(self._ask)
        for select in (self.member, self.target):
            select.param.watch(self._forget, "value")
        self.show(self.group)

    def show(self, group: str) -> None:
        """Offer the members of a group, and what can be done with each."""
        self.group = group
        members = self.now.table("seminar_members")
        mine = sorted(members.loc[members["group_id"] == group, "person_id"])
        self.member.param.update(options={person: person for person in mine}, value=mine[0])
        others = {
            f"Закрепить в {self.numbers[code]}": code for code in self.groups.index if code != group
        }
        out = {f"Не ставить в {self.numbers[group]}": _OUT}
        target = next(iter((others | out).values()))
        self.target.param.update(options=others | out, value=target)
        self.answer.clear()

    @property
    def move(self) -> tuple[str, str, bool]:
        """Person, group, and whether pinned to it."""
        if self.target.value == _OUT:
            return self.member.value, self.group, False
        return self.member.value, self.target.value, True

    def view(self) -> pn.Column:
        """The card."""
        about = parts.escape(parts.sentence(_ABOUT))
        return parts.card(
            parts.block(f'<h2>{TITLE}</h2><p class="muted small">{about}</p>'),
            parts.bar(self.member, self.target, self.button),
            self.answer,
            basis=560,
        )

    def _forget(self, _: object) -> None:
        """No answer stands beside other choices than its own."""
        self.answer.clear()

    async def _ask(self, _: object) -> None:
        """Plan beside the event loop: other sessions are served meanwhile."""
        move = self.move
        self.button.disabled = self.button.loading = True
        self.answer[:] = [parts.block('<p class="muted" role="status">Проба считается…</p>')]
        try:
            found = await asyncio.to_thread(moved, self.now, *move)
            answer = parts.block(answer_html(self.now, move, found, self.numbers))
        except ImpossibleMove as refusal:
            answer = parts.block(f'<p class="notice" role="status">{refusal}</p>')
        except Exception as error:
            answer = parts.trouble(error, "Проба не посчитана")
        finally:
            self.button.disabled = self.button.loading = False
        self.answer[:] = [answer] if move == self.move else []


def answer_html(
    now: Published, move: tuple[str, str, bool], found: Moved, numbers: dict[str, str]
) -> str:
    """What the move costs and why, who else moves, which groups change, and how to keep it."""
    person, group, pinned = move
    done = "закрепить в" if pinned else "не ставить в"
    title = f"Проба: {person} — {done} {numbers[group]}"
    lines = [_cost(found), _of_topics(now, person, found, numbers), _others(found)]
    said = "".join(
        f'<p class="gap">{parts.escape(parts.sentence(line))}</p>' for line in lines if line
    )
    tables = _groups(now, found, numbers) + _persons(found, numbers)
    to_keep = parts.escape(parts.sentence(_TO_KEEP.format(now.edition.key.replace("/", " "))))
    return (
        f'<div role="status"><h2 class="gap">{parts.escape(title)}</h2>{said}</div>{tables}'
        f'<p class="gap">{to_keep}</p>'
        + parts.scrolled(_copied(as_yaml(now, found)), "Строки для edition.yaml")
    )


def _cost(found: Moved) -> str:
    """By how much the criterion falls, within what is proven."""
    cost = wording.number(found.cost, 2).rstrip("0").rstrip(",") if found.cost else ""
    told = f"критерий плана станет меньше на {cost}" if cost else "критерий плана не изменится"
    if not found.gap:
        return told
    if not found.is_proven:
        return (
            "что критерий плана станет меньше, не доказано: разница меньше доказанной точности "
            f"плана ({findings.at_most(found.gap)})"
        )
    return parts.joined(
        told,
        "это оценка: план с перемещением мог бы быть лучше ещё на "
        f"{findings.at_most(found.gap)}, не более",
    )


def _of_topics(now: Published, person: str, found: Moved, numbers: dict[str, str]) -> str:
    """What of the person's deficits the old and the new group teach."""
    needs = now.table("seminar_needs")
    due = set(needs.loc[needs["person_id"].eq(person) & needs["deficit"].eq(1), "domain"])
    members = now.table("seminar_members").set_index("person_id")["group_id"]
    old = set(found.groups.loc[members[person], "topics_before"])
    if found.group is None:
        lost = _topics(now, due & old)
        return parts.joined("участник останется без группы", lost and f"не закроется: {lost}")
    new = set(found.groups.loc[found.group, "topics_after"])
    told = {
        "нужные темы —": due & new,
        "ненужные темы —": new - due,
        "нужные темы прежней группы, которых здесь нет, —": due & old - new,
    }
    clauses = [f"{words} {_topics(now, own)}" for words, own in told.items() if own]
    where = numbers.get(found.group, f"новая группа {found.group}")
    return f"группа участника — {where}: {'; '.join(clauses)}"


def _topics(now: Published, codes: set[str], each: str = "«{}»") -> str:
    names = now.region.domain_names
    return ", ".join(each.format(names[code]) for code in names if code in codes)


def _others(found: Moved) -> str:
    """How many more leave their groups, and what is proven of it."""
    if not found.others:
        return "больше никто из групп не переходит"
    told = f"из своих групп перейдут ещё {wording.persons(found.others)}"
    if found.others_bound >= found.others:
        return f"{told}; меньше при той же пользе плана нельзя: доказано"
    if found.others_bound:
        least = wording.number(found.others_bound)
        return f"{told}; доказано, что при той же пользе плана меньше {least} нельзя"
    return f"{told}; можно ли меньше при той же пользе плана, не доказано"


def _groups(now: Published, found: Moved, numbers: dict[str, str]) -> str:
    """HTML of the groups that change: topics, sizes before and after, leader if another."""
    person = found.moves["person_id"].iloc[-1]
    own = now.table("seminar_members").set_index("person_id")["group_id"][person]
    touched = {own, found.group, *found.persons["before"], *found.persons["after"]}
    rows = found.groups
    other = [
        set(old or ()) != set(new or ())
        for old, new in zip(rows["topics_before"], rows["topics_after"], strict=True)
    ]
    rows = rows[rows.index.isin(touched) | other]
    frame = pd.DataFrame(
        {
            "Группа": [_named(code, numbers) for code in rows.index],
            "Темы": [_both_topics(now, row) for row in rows.itertuples()],
            "Было": [wording.number(size) for size in rows["before"]],
            "Станет": [wording.number(size) for size in rows["after"]],
        }
    )
    new_leaders = [
        after if isinstance(after, str) and after != before else ""
        for before, after in zip(rows["leader_before"], rows["leader_after"], strict=True)
    ]
    if any(new_leaders):
        frame["Другой ведущий"] = [leader or "нет" for leader in new_leaders]
    return parts.table(frame, ["Было", "Станет"], kind="stacked")


def _both_topics(now: Published, row: tuple) -> str:
    """Topics of a group, and what they were where they are others now."""
    old, new = (set(own or ()) for own in (row.topics_before, row.topics_after))
    if not new:
        return "группы не будет"
    was = f" (были: {_topics(now, old, '{}')})" if old and old != new else ""
    return _topics(now, new, "{}") + was


def _persons(found: Moved, numbers: dict[str, str]) -> str:
    """HTML of those who move besides, by pseudonym: group before and after."""
    rows = found.persons
    if rows.empty:
        return ""
    frame = pd.DataFrame(
        {
            "Участник": rows.index,
            "Был в группе": [_named(code, numbers) for code in rows["before"]],
            "Будет": [_named(code, numbers) for code in rows["after"]],
        }
    )
    opened = " open" if len(rows) <= _FEW else ""
    summary = f"Кто переходит ещё: {wording.persons(len(rows))}"
    table = parts.table(frame, ids=["Участник"])
    return f"<details{opened}><summary>{summary}</summary>{table}</details>"


def _named(group: str | None, numbers: dict[str, str]) -> str:
    if group is None:
        return "без группы"
    return numbers.get(group, f"новая: {group}")


def as_yaml(now: Published, found: Moved) -> str:
    """Write the key `groups` of ``edition.yaml`` that holds the next run to this."""
    moves = [
        f"    - {{person: {json.dumps(person)}, group: {json.dumps(group)}, "
        f"pinned: {'true' if pinned else 'false'}}}"
        for person, group, pinned in found.moves.itertuples(index=False)
    ]
    return "\n".join(["groups:", f"  keep: {json.dumps(now.run)}", "  moves:", *moves])


def _copied(text: str) -> str:
    """HTML of lines that one press selects."""
    style = f"font: 12.5px/1.6 {_MONO}; margin: 0; user-select: all"
    return f"<pre style='{style}'>{parts.escape(text)}</pre>"
