"""Группы: the plan of seminar groups, its proven gap, and who is in it. Pseudonyms only."""

from __future__ import annotations

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.store import Published, State
from nmc_utils import figures, findings, wording
from nmc_utils.terms import TABLE_TITLES, TOTAL

_TILES = {
    "plan_groups": "Групп в плане",
    "plan_persons": "Педагоги в группах",
    "plan_without_group": "Без группы, хотя она нужна",
    "plan_coverage": "Результатов ≤ порога закрыто темами",
    "plan_precision": "Мест, где тема нужна участнику",
}


_TITLE = "Группы со схожими дефицитами"
#: A plan made with leaders gives each group one; without any there was nobody to choose from.
_NO_LEADERS = f"нет таблицы «{TABLE_TITLES['methodists']}»"


def view(state: State) -> pn.Column:
    """Tiles, the proven gap, groups by family, one group with its members, who is left out."""
    now = state.current
    plan, groups = now.table("seminar_plan"), now.table("seminar_groups")
    if plan is None or groups is None:
        reason = "в прогоне нет плана групп"
        return parts.column(parts.heading(_TITLE), parts.missing("План групп", reason))
    if groups.empty:
        return _without_plan(now, plan)
    chosen = parts.column()

    def draw() -> None:
        chosen[:] = _family(now, groups, state.family)

    state.follow(draw, "family")
    sizes = figures.group_sizes(groups, now.region)
    note = parts.joined(findings.capital(_about_leaders(groups)), now.incomplete)
    return parts.column(
        parts.heading(_TITLE, findings.optimality(plan), *_of_what(now, groups)),
        parts.tiles(_tiles(now, plan)),
        parts.row(
            parts.chart(
                sizes, lambda: _sizes_table(now, plan), basis=560, min_width=520, note=note
            ),
            _without_group(now),
        ),
        _choose_family(state, groups),
        chosen,
        _harm(),
    )


def _of_what(now: Published, groups: pd.DataFrame) -> list[str]:
    """Lines below the heading: of which procedure, by which cut, led by whom."""
    basis = "группы составлены по компетенциям, а не по всему тесту"
    lines = (now.named(now.planned), basis, now.region.cut_source, _about_leaders(groups))
    return [parts.sentence(*lines)]


def _about_leaders(groups: pd.DataFrame) -> str:
    return f"группы без ведущих: {_NO_LEADERS}" if groups["leader_id"].isna().all() else ""


def _without_plan(now: Published, plan: pd.DataFrame) -> pn.Column:
    """Say why there is no group, and of how many people the plan says nothing."""
    said = findings.seminar_plan(plan)
    whole = plan[(plan["family"] == TOTAL) & (plan["measure"] == "plan_groups")]
    is_made = whole["status"].eq("ok").all()
    why = "ни одной группы не составлено" if is_made else whole["note"].item()
    return parts.column(
        parts.heading(_TITLE, said, *filter(None, [now.named(now.planned)])),
        parts.tiles(_tiles(now, plan) if is_made else [_not_covered(now, plan)]),
        parts.row(parts.missing("Группы и темы", why), _without_group(now)),
        _harm(),
    )


def _not_covered(now: Published, plan: pd.DataFrame) -> tuple[str, str, str]:
    rows = plan[plan["family"] == TOTAL].set_index("measure", drop=False)
    row = rows.loc["plan_not_assessed"]
    left, tested = row["estimate"], int(row["n"])
    if not tested:  # nobody is known by person: all that are counted are left out
        left = tested = now.persons(now.planned)
    note = f"из {wording.plural(tested, 'прошедшего', *['прошедших'] * 2)} диагностику"
    name = "Педагоги, которых план не охватывает"
    return name, wording.persons(left), parts.joined(note, now.incomplete)


def _harm() -> pn.pane.HTML:
    return parts.block(f'<p class="harm">{wording.NO_HARM}</p>')


def _tiles(now: Published, plan: pd.DataFrame) -> list[tuple[str, str, str]]:
    rows = plan[plan["family"] == TOTAL].set_index("measure", drop=False)
    return [
        (name, wording.estimate(rows.loc[code]), parts.joined(_note(code, rows), now.incomplete))
        for code, name in _TILES.items()
        if code in rows.index
    ]


def _note(code: str, rows: pd.DataFrame) -> str:
    """Say of whom a tile speaks; `n` of the plan is everyone tested."""
    if code in ("plan_groups", "plan_precision") and "plan_persons" not in rows.index:
        return ""
    if code == "plan_groups":
        groups, persons = rows.loc[["plan_groups", "plan_persons"], "estimate"]
        return f"средний размер {wording.number(persons / groups, 1)}" if groups > 0 else ""
    if code == "plan_precision":
        return f"у {wording.estimate(rows.loc['plan_persons'])} в группах"
    of = "у" if code == "plan_coverage" else "из"
    tested = wording.plural(int(rows.loc[code, "n"]), "прошедшего", "прошедших", "прошедших")
    return f"{of} {tested}"


def _sizes_table(now: Published, plan: pd.DataFrame) -> str:
    families = wording.with_unstated(now.region.family_names, plan["family"])
    names = {TOTAL: f"Все предметы, {now.whole}" if now.incomplete else "Все предметы"} | families
    words = plan.assign(text=[wording.estimate(row) for row in plan.to_dict("records")])
    wide = words.pivot(index="family", columns="measure", values="text")
    wide = wide.reindex([code for code in names if code in wide.index])
    frame = pd.DataFrame({"Предметная группа": [names[code] for code in wide.index]})
    for code, heading in _TILES.items():
        if code in wide:
            frame[heading] = wide[code].fillna("—").to_numpy()
    return parts.table(frame, list(frame.columns[1:]))


def _without_group(now: Published) -> pn.Column:
    members = now.table("seminar_members")
    title = "Кто остаётся без группы и почему"
    if members is None:
        return parts.missing(title, "в прогоне нет списка участников")
    if members.empty:
        return parts.missing(title, now.gap(now.planned) or "никто не прошёл входную диагностику")
    left = members[members["group_id"].isna()]
    counts = left["reason_label"].value_counts()
    frame = pd.DataFrame(
        {
            "Причина": [str(reason).rstrip(".") for reason in counts.index],
            "Человек": [wording.number(count) for count in counts],
        }
    )
    total = f"Всего {wording.persons(len(left))} из {wording.persons(len(members))}"
    about = parts.escape(parts.joined(total, now.incomplete))
    table = parts.table(frame, ["Человек"])
    html = f'<h2>{title}</h2><p class="muted small">{about}</p>{table}'
    return parts.card(parts.block(html), basis=320)


def _choose_family(state: State, groups: pd.DataFrame) -> pn.FlexBox:
    present = set(groups["family"])
    families = wording.with_unstated(state.current.region.family_names, present)
    names = {name: code for code, name in families.items() if code in present}
    value = state.family if state.family in present else next(iter(names.values()), None)
    select = parts.choice("Предметная группа", names, value, width=300)
    select.param.watch(lambda event: state.param.update(family=event.new), "value")
    return parts.bar(select)


def _family(now: Published, groups: pd.DataFrame, family: str) -> list[pn.FlexBox]:
    """The groups of one family: as a table, by topics, and one of them in full."""
    families = wording.with_unstated(now.region.family_names, groups["family"])
    codes = [code for code in families if code in set(groups["family"])]
    mine = groups[groups["family"] == (family if family in codes else codes[0])]
    labels = figures.group_labels(mine, now.region)
    mine = mine.set_index("group_id").loc[list(labels)].reset_index()
    topics = now.table("seminar_topics")
    detail = parts.column()
    select = parts.choice(
        "Группа", {name: code for code, name in labels.items()}, mine.iloc[0]["group_id"], width=300
    )

    def draw(*_: object) -> None:
        detail[:] = [parts.block(_group(now, mine, select.value, labels[select.value]))]

    draw()
    select.param.watch(draw, "value")
    rows = [
        parts.row(
            parts.card(parts.block(_groups_table(now, mine, labels)), basis=560),
            parts.card(parts.bar(select), detail, basis=360),
        )
    ]
    if topics is not None:
        figure = figures.group_topics(mine, topics, now.region)
        own = topics[topics["group_id"].isin(list(labels))]
        chart = parts.chart(figure, lambda: _topics_table(now, own, labels), min_width=620)
        rows.insert(0, parts.row(chart))
    return rows


def _groups_table(now: Published, groups: pd.DataFrame, labels: dict[str, str]) -> str:
    domains = now.region.domain_names
    frame = pd.DataFrame(
        {
            "Группа": [labels[group] for group in groups["group_id"]],
            "Темы": [_topics(topics, domains) for topics in groups["topics"]],
            "Человек": [wording.number(size) for size in groups["size"]],
            "Ведущий": groups["leader_id"].fillna("не назначен"),
        }
    )
    if _about_leaders(groups):
        frame = frame.drop(columns="Ведущий")
    families = wording.with_unstated(now.region.family_names, groups["family"])
    family = families[groups["family"].iloc[0]]
    title = f"{family}: {wording.plural(len(groups), 'группа', 'группы', 'групп')}"
    return parts.table(frame, ["Человек"], caption=title, ids={"Ведущий"} & set(frame))


def _topics(topics, domains: dict[str, str]) -> str:
    return ", ".join(domains[topic] for topic in topics)


def _topics_table(now: Published, topics: pd.DataFrame, labels: dict[str, str]) -> str:
    rows = topics.assign(
        group=topics["group_id"].map(labels), name=topics["domain"].map(now.region.domain_names)
    )
    headings = {"group": "Группа", "name": "Тема", "estimate": "Нужна", "n": "В группе"}
    return parts.readable(rows, headings)


def _group(now: Published, groups: pd.DataFrame, group_id: str, label: str) -> str:
    """HTML of one group: what it learns, who leads it, who is in it."""
    group = groups.set_index("group_id").loc[group_id]
    topics = _topics(group["topics"], now.region.domain_names)
    leader = group["leader_id"] if pd.notna(group["leader_id"]) else _NO_LEADERS
    about = (
        f'<h2 class="gap">{parts.escape(label)}</h2><dl><dt>Темы</dt><dd>{parts.escape(topics)}'
        f"</dd><dt>Ведущий</dt><dd>{parts.escape(str(leader))}</dd></dl>"
    )
    members = now.table("seminar_members")
    if members is None:
        return about
    mine = members.loc[members["group_id"] == group_id, "person_id"].sort_values()
    people = "".join(f"<li>{parts.escape(person)}</li>" for person in mine)
    note = f"Участники ({wording.persons(len(mine))}) — псевдонимы: имён в приложении нет"
    return f'{about}<p class="muted small gap">{note}</p><ul class="people">{people}</ul>'
