"""Группы: the plan of seminar groups, its proven gap, and who is in it. Pseudonyms only."""

from __future__ import annotations

import pandas as pd
import panel as pn

from dashboards import downloads, manual, parts, planner, what_if
from dashboards.planner import NO_LEADERS, family_names
from dashboards.store import MODES, Published, State
from nmc_utils import figures, findings, wording
from nmc_utils.terms import TOTAL

_TILES = {
    "plan_groups": "Групп в плане",
    "plan_persons": "Педагоги в группах",
    "plan_without_group": "Без группы, хотя она нужна",
    "plan_coverage": "Результатов ≤ порога закрыто темами",
    "plan_precision": "Мест, где тема нужна участнику",
}


_TITLE = "Группы со схожими дефицитами"


def view(state: State) -> pn.Column:
    """Tiles, the gap, topics by family, groups with members; below, a planner's questions."""
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
    return parts.column(
        parts.heading(_TITLE, findings.optimality(plan), *_of_what(now, groups)),
        parts.tiles(_tiles(now, plan)),
        parts.row(_topic_map(now, groups), _beside(now, groups)),
        parts.bar(_choose_family(state, groups), downloads.bar(now)),
        chosen,
        parts.later(lambda: _questions(now, plan, groups)),
        _harm(),
    )


def _topic_map(now: Published, groups: pd.DataFrame) -> pn.Column:
    figure = figures.topics_by_family(groups, now.region)
    note = parts.joined(findings.capital(_about_leaders(groups)), now.incomplete)
    return parts.chart(figure, lambda: _map_table(now, groups), basis=680, min_width=580, note=note)


def _beside(now: Published, groups: pd.DataFrame) -> pn.Column:
    """Who is left out, and where the tables tell it, places, leaders and what binds."""
    cards = [_without_group(now)]
    if now.table("seminar_needs") is not None:
        cards.append(planner.told(now, groups))
    return parts.stack(*cards, basis=320)


def _map_table(now: Published, groups: pd.DataFrame) -> str:
    """Family × topic: groups with the topic, and all groups of the family."""
    names, domains = family_names(now, groups["family"]), now.region.competence_names
    pairs = groups[["family", "topics"]].explode("topics").dropna()
    counts = pd.crosstab(pairs["family"], pairs["topics"]).reindex(
        index=list(names), columns=list(domains), fill_value=0
    )
    frame = pd.DataFrame({"Предметная группа": list(names.values())})
    for code, name in domains.items():
        frame[name] = [wording.number(count) for count in counts[code]]
    frame["Всего групп"] = [wording.number((groups["family"] == code).sum()) for code in names]
    return parts.table(frame, list(frame.columns[1:]))


def _questions(now: Published, plan: pd.DataFrame, groups: pd.DataFrame) -> list[pn.FlexBox]:
    """What lies below the first screen: sizes, leaders, what is left, the year, other plans."""
    sizes = parts.chart(
        figures.group_sizes(groups, now.region),
        lambda: _sizes_table(now, plan),
        min_width=520,
        note=now.incomplete,
    )
    if now.table("seminar_needs") is None:
        why = parts.not_in_run(now.edition.key)
        return [
            parts.row(sizes),
            parts.row(parts.missing("Ведущие, программа года и другие планы", why)),
        ]
    return [
        parts.row(sizes, *planner.leaders(now)),
        parts.row(planner.uncovered(now)),
        parts.row(
            planner.year(now),
            parts.stack(planner.programme(now), planner.variants(now), basis=640),
        ),
        parts.row(planner.sizes(now), what_if.card(now)),
    ]


def _of_what(now: Published, groups: pd.DataFrame) -> list[str]:
    """Lines below the heading: of which procedure, by which cut, led by whom; what is best."""
    basis = "группы составлены по компетенциям, а не по всему тесту"
    lines = (now.named(now.planned), basis, now.region.cut_source, _about_leaders(groups))
    return [parts.sentence(*lines), findings.plan_criterion(now.region)]


def _about_leaders(groups: pd.DataFrame) -> str:
    return f"группы без ведущих: {NO_LEADERS}" if groups["leader_id"].isna().all() else ""


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
    names = family_names(now, plan["family"])
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


def _choose_family(state: State, groups: pd.DataFrame) -> pn.viewable.Viewable:
    families = family_names(state.current, groups["family"])
    names = {name: code for code, name in families.items()}
    value = state.family if state.family in families else next(iter(families))
    select = parts.choice("Предметная группа", names, value, width=300)
    select.param.watch(lambda event: state.param.update(family=event.new), "value")
    return select


def _family(now: Published, groups: pd.DataFrame, family: str) -> list[pn.FlexBox]:
    """The groups of one family: by topics, as a table, and one of them in full."""
    codes = list(family_names(now, groups["family"]))
    code = family if family in codes else codes[0]
    mine = groups[groups["family"] == code]
    labels = figures.group_labels(mine, now.region)
    mine = mine.set_index("group_id").loc[list(labels)].reset_index()
    mine = _with_places(now, mine)
    topics = now.table("seminar_topics")
    detail = parts.column()
    select = parts.choice(
        "Группа", {name: code for code, name in labels.items()}, mine.iloc[0]["group_id"], width=300
    )

    moving = _moving(now, mine, labels)

    def draw(*_: object) -> None:
        detail[:] = [parts.block(_group(now, mine, select.value, labels[select.value]))]
        if moving is not None:
            moving.show(select.value)

    draw()
    select.param.watch(draw, "value")
    table = _groups_table(now, mine, labels) + planner.leaders_of(now, code)
    rows = [
        parts.row(
            parts.card(parts.block(table), basis=560),
            parts.card(parts.bar(select), detail, basis=360),
        )
    ]
    if topics is not None:
        figure = figures.group_topics(mine, topics, now.region)
        own = topics[topics["group_id"].isin(list(labels))]
        chart = parts.chart(figure, lambda: _topics_table(now, own, labels), min_width=620)
        rows.append(parts.row(chart))
    if moving is not None:
        rows.insert(1, parts.row(moving.view()))
    return rows


def _moving(
    now: Published, groups: pd.DataFrame, labels: dict[str, str]
) -> manual.ManualMove | None:
    """Moves by hand, where the run has what a plan is made from; the page says where it has not."""
    if now.table("seminar_needs") is None or now.table("seminar_members") is None:
        return None
    numbers = {group: _number(label) for group, label in labels.items()}
    return manual.ManualMove(now, groups, numbers)


def _with_places(now: Published, groups: pd.DataFrame) -> pd.DataFrame:
    """Add where groups meet: `place` in words, `away` and `mode`; missing where unknown."""
    meetings = now.table("seminar_meetings")
    if meetings is None or "zone" not in groups:
        return groups.assign(place=None, away=None, mode=None)
    found = groups.merge(meetings[["group_id", "away", "mode"]], on="group_id", how="left")
    return found.assign(
        place=found["zone"].map(now.region.municipality_names),
        away=found["away"].where(found["zone"].notna()),
        mode=found["mode"].map(MODES),
    )


def _groups_table(now: Published, groups: pd.DataFrame, labels: dict[str, str]) -> str:
    domains = now.region.domain_names
    frame = pd.DataFrame(
        {
            "Группа": [_number(labels[group]) for group in groups["group_id"]],
            "Темы": [_topics(topics, domains) for topics in groups["topics"]],
            "Человек": [wording.number(size) for size in groups["size"]],
            "Где": groups["place"].fillna("не известно"),
            "Из других мест": [
                "—" if pd.isna(away) else wording.number(away) for away in groups["away"]
            ],
            "Как": groups["mode"].fillna("—"),
            "Ведущий": groups["leader_id"].fillna("не назначен"),
        }
    )
    unknown = {
        "Где": groups["place"].isna().all(),
        "Из других мест": groups["place"].isna().all(),
        "Как": groups["mode"].isna().all(),
        "Ведущий": bool(_about_leaders(groups)),
    }
    frame = frame.drop(columns=[name for name, is_unknown in unknown.items() if is_unknown])
    family = family_names(now, groups["family"])[groups["family"].iloc[0]]
    title = f"{family}: {wording.plural(len(groups), 'группа', 'группы', 'групп')}"
    numeric = [name for name in ("Человек", "Из других мест") if name in frame]
    ids = {"Ведущий"} & set(frame)
    return parts.table(frame, numeric, caption=title, ids=ids, kind="stacked")


def _number(label: str) -> str:
    """«№ 3» of the label of a group: its family stands above the table."""
    return label.rpartition(", ")[2]


def _topics(topics, domains: dict[str, str]) -> str:
    return ", ".join(domains[topic] for topic in topics)


def _topics_table(now: Published, topics: pd.DataFrame, labels: dict[str, str]) -> str:
    rows = topics.assign(
        group=topics["group_id"].map(labels), name=topics["domain"].map(now.region.domain_names)
    )
    headings = {"group": "Группа", "name": "Тема", "estimate": "Нужна", "n": "В группе"}
    return parts.readable(rows, headings)


def _group(now: Published, groups: pd.DataFrame, group_id: str, label: str) -> str:
    """HTML of one group: what it learns, where, who leads it, who is in it."""
    group = groups.set_index("group_id").loc[group_id]
    leader = group["leader_id"] if pd.notna(group["leader_id"]) else NO_LEADERS
    known = {"Темы": _topics(group["topics"], now.region.domain_names)}
    if isinstance(group["place"], str):
        away = f"из других мест —{wording.NO_BREAK_SPACE}{wording.number(group['away'])}"
        mode = group["mode"] if isinstance(group["mode"], str) else ""
        known["Где собирается"] = "; ".join(filter(None, [group["place"], mode, away]))
    about = f'<h2 class="gap">{parts.escape(label)}</h2>'
    about += parts.facts(known | {"Ведущий": str(leader)})
    members = now.table("seminar_members")
    if members is None:
        return about
    mine = members.loc[members["group_id"] == group_id, "person_id"].sort_values()
    note = f"Участники ({wording.persons(len(mine))}) — псевдонимы: имён в приложении нет"
    return f'{about}<p class="muted small gap">{note}</p>{_people(now, mine, group["topics"])}'


def _people(now: Published, persons: pd.Series, topics) -> str:
    """HTML of members by pseudonym and the topics of the group that each needs: never a score."""
    needs = now.table("seminar_needs")
    if needs is None:
        people = "".join(f"<li>{parts.escape(person)}</li>" for person in persons)
        return f'<ul class="people">{people}</ul>'
    due = needs[needs["deficit"].eq(1) & needs["domain"].isin(list(topics))]
    due = due[due["person_id"].isin(persons)].groupby("person_id")["domain"].agg(set)
    needed = [[topic for topic in topics if topic in due.get(person, ())] for person in persons]
    words = [_topics(own, now.region.domain_names) or "дополняет группу" for own in needed]
    frame = pd.DataFrame({"Участник": persons.to_numpy(), "Нужные темы": words})
    return parts.table(frame, ids=["Участник"])
