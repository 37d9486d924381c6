"""What a planner of seminars asks: cards of «Группы» about leaders, the year and other sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pandas as pd
import panel as pn

from dashboards import parts
from dashboards.store import BASES, Published
from nmc_utils import figures, findings, wording
from nmc_utils.terms import TABLE_TITLES, TOTAL

#: A plan made with leaders gives each group one; without any there was nobody to choose from.
NO_LEADERS = f"нет таблицы «{TABLE_TITLES['methodists']}»"
_NO_DEFICITS = "в плане нет людей с известным результатом по компетенциям не выше порога"
_NO_GROUPS = "ни одной группы не составлено"


def family_names(now: Published, families: pd.Series) -> dict[str, str]:
    """Code of a family of groups → its name, everyone first; those that occur."""
    named = wording.with_unstated(now.region.group_families, families)
    everyone = f"Все предметы, {now.whole}" if now.incomplete else "Все предметы"
    present = set(families)
    return {code: name for code, name in ({TOTAL: everyone} | named).items() if code in present}


def _ordered(rows: pd.DataFrame, **orders: Iterable[object]) -> pd.DataFrame:
    """Rows by the first key in the order of its values, within it by the next."""
    for name, values in reversed(orders.items()):
        place = {value: at for at, value in enumerate(values)}
        rows = rows.sort_values(name, key=lambda column, at=place: column.map(at), kind="stable")
    return rows


def _card(
    now: Published,
    title: str,
    name: str,
    draw: Callable[[pd.DataFrame], pn.Column],
    nothing: str,
) -> pn.Column:
    return parts.of_rows(
        title,
        now.table(name),
        draw,
        edition=now.edition.key,
        nothing=now.gap(now.planned) or nothing,
    )


# --- leaders ------------------------------------------------------------------------------------


def leaders(now: Published) -> list[pn.Column]:
    """Load of the leaders by family; never by leader, so that nobody is compared.

    No card where the table of methodists was not sent: the page's heading says so.
    """
    if now.table("seminar_leaders") is None:
        return []

    def draw(rows: pd.DataFrame) -> pn.Column:
        return parts.chart(
            figures.leader_load(rows, now.region),
            lambda: _load_table(now, rows),
            min_width=460,
            note=now.incomplete,
        )

    nothing = "в таблице «РМА» нет методистов с предметом и нагрузкой"
    return [_card(now, "Нагрузка ведущих", "seminar_leaders", draw, nothing)]


def _load_table(now: Published, rows: pd.DataFrame) -> str:
    names = family_names(now, rows["family"])
    of = rows.groupby("family")
    sums = of[["groups", "max_groups", "persons"]].sum().assign(leaders=of.size())
    sums = sums.loc[list(names)].assign(name=list(names.values()))
    headings = {"name": "Предметная группа", "leaders": "Ведущих", "groups": "Ведут групп"}
    return parts.readable(sums, headings | {"max_groups": "Могут вести", "persons": "Педагогов"})


def leaders_of(now: Published, family: str) -> str:
    """HTML: leaders of a family by their pseudonyms, in the order of these; empty without any."""
    table = now.table("seminar_leaders")
    rows = None if table is None else table[table["family"] == family].sort_values("leader_id")
    if rows is None or rows.empty:
        return ""
    frame = pd.DataFrame(
        {
            "Ведущий": rows["leader_id"],
            "Ведёт групп": [
                f"{wording.number(led)} из {wording.number(most)}"
                for led, most in zip(rows["groups"], rows["max_groups"], strict=True)
            ],
            "Педагогов": [wording.number(count) for count in rows["persons"]],
        }
    )
    count = wording.plural(len(rows), "ведущий", "ведущих", "ведущих")
    html = parts.table(frame, list(frame.columns[1:]), ids=["Ведущий"])
    return f"<details><summary>{count} и нагрузка каждого</summary>{html}</details>"


# --- what is left, and the year -----------------------------------------------------------------


def uncovered(now: Published) -> pn.Column:
    """Which deficits the plan leaves."""

    def draw(rows: pd.DataFrame) -> pn.Column:
        return parts.chart(
            figures.uncovered_map(rows, now.region),
            lambda: _uncovered_table(now, rows),
            min_width=620,
            note=now.incomplete,
        )

    return _card(now, "Что остаётся не закрыто", "seminar_uncovered", draw, _NO_DEFICITS)


def _uncovered_table(now: Published, rows: pd.DataFrame) -> str:
    names, topics = family_names(now, rows["family"]), now.region.competence_names
    wide = rows.pivot(index=["family", "domain", "n"], columns="measure", values="estimate")
    wide = _ordered(wide.reset_index(), family=names, domain=topics)
    wide = wide.assign(name=wide["family"].map(names), topic=wide["domain"].map(topics))
    headings = {
        "name": "Предметная группа",
        "topic": "Компетенция",
        "n": "С таким результатом",
        "uncovered_in_group": "В группе с другими темами",
        "uncovered_alone": "Без группы",
    }
    return parts.readable(wide, headings)


def year(now: Published) -> pn.Column:
    """What the rounds of a year cover."""

    def draw(rows: pd.DataFrame) -> pn.Column:
        return parts.chart(
            figures.year_progress(rows, now.region),
            lambda: _year_table(now, rows),
            min_width=460,
            note=now.incomplete,
        )

    return _card(now, "Программа года", "seminar_year", draw, _NO_GROUPS)


def _year_table(now: Published, rows: pd.DataFrame) -> str:
    names = family_names(now, rows["family"])
    told = rows.assign(text=[wording.estimate(row) for row in rows.to_dict("records")])
    wide = told.pivot(index=["family", "round"], columns="measure", values="text").reset_index()
    order = {code: place for place, code in enumerate(names)}
    wide = wide.sort_values(
        ["family", "round"], key=lambda c: c.map(order) if c.name == "family" else c
    )
    wide = wide.assign(name=wide["family"].map(names))
    headings = {"name": "Предметная группа", "round": "Раунд", "round_groups": "Групп"}
    headings |= {"round_persons": "В группах", "year_coverage": "Закрыто с начала года"}
    return parts.readable(wide, headings)


def programme(now: Published) -> pn.Column:
    """Topics of each round of the permanent seminar."""

    def draw(rows: pd.DataFrame) -> pn.Column:
        return parts.chart(
            figures.programme(rows, now.region),
            lambda: _programme_table(now, rows),
            min_width=560,
            note=parts.joined(_next_rounds(now), now.incomplete),
        )

    return _card(now, "Программа постоянного семинара", "seminar_programme", draw, _NO_GROUPS)


def _next_rounds(now: Published) -> str:
    """Where the groups of later rounds are: the page shows those of the first."""
    later = now.table("seminar_next_groups")
    some = later is not None and len(later)
    return "Группы следующих раундов — в файле «Списки групп»" if some else ""


def _programme_table(now: Published, rows: pd.DataFrame) -> str:
    names = family_names(now, rows["family"])
    topics = now.region.competence_names
    keys = ["round", "family", "domain", "n"]
    wide = rows.pivot(index=keys, columns="measure", values="estimate")
    rounds = sorted(set(rows["round"]))
    wide = _ordered(wide.reset_index(), round=rounds, family=names, domain=topics)
    wide = wide.assign(name=wide["family"].map(names), topic=wide["domain"].map(topics))
    headings = {"round": "Раунд", "name": "Предметная группа", "topic": "Тема"}
    headings |= {"programme_groups": "Групп", "programme_persons": "Тема нужна", "n": "Из"}
    return parts.readable(wide, headings)


# --- other plans of the same people -------------------------------------------------------------


def sizes(now: Published) -> pn.Column:
    """What groups of another size would bring and cost."""

    def draw(rows: pd.DataFrame) -> pn.Column:
        return parts.chart(
            figures.plan_sizes(rows, now.region),
            lambda: _sizes_table(rows),
            min_width=430,
            note=now.incomplete,
        )

    return _card(now, "Другой размер групп", "seminar_sizes", draw, _NO_GROUPS)


def _sizes_table(rows: pd.DataFrame) -> str:
    told = rows.assign(
        size=[f"{low}–{high}" for low, high in zip(rows["least"], rows["greatest"], strict=True)],
        text=[_told(row) for row in rows.to_dict("records")],
    )
    wide = told.pivot(index=["least", "greatest", "size"], columns="measure", values="text")
    headings = {
        "size": "Человек в группе",
        "plan_groups": "Групп",
        "plan_persons": "В группах",
        "plan_coverage": "Закрыто темами",
        "plan_precision": "Нужных тем",
        "plan_gap": "До лучшего плана не более",
    }
    return parts.readable(wide.sort_index().reset_index(), headings)


def _told(row: dict[str, object]) -> str:
    if row["measure"] == "plan_gap" and row["status"] == "ok":
        return findings.at_most(row["estimate"])
    return wording.estimate(row)


def variants(now: Published) -> pn.Column:
    """The plan by the document's result beside the one that counts the error of measurement."""

    def draw(rows: pd.DataFrame) -> pn.Column:
        return parts.chart(
            figures.plan_variants(rows, now.region),
            lambda: _variants_table(now, rows),
            min_width=430,
            note=now.incomplete,
        )

    nothing = (
        "вероятность истинного результата не выше порога не известна полностью ни в одной "
        "предметной группе"
    )
    return _card(now, "План с учётом погрешности", "seminar_variants", draw, nothing)


def _variants_table(now: Published, rows: pd.DataFrame) -> str:
    told = rows.assign(text=[wording.estimate(row) for row in rows.to_dict("records")])
    wide = told.pivot(index="basis", columns="measure", values="text").reindex(list(BASES))
    headings = {
        "name": "План",
        "plan_groups": "Групп",
        "plan_persons": "В группах",
        "plan_coverage": f"Закрыто результатов {now.region.rule_words}",
        "plan_expected_coverage": "Закрыто ожидаемых истинных",
    }
    names = [findings.capital(words) for words in BASES.values()]
    return parts.readable(wide.assign(name=names), headings)


def told(now: Published, groups: pd.DataFrame) -> pn.Column:
    """Sentences on what no chart shows: where groups meet, one more leader, what binds."""
    region = now.region
    sentences = [
        _sentence(now, "seminar_meetings", lambda rows: findings.meetings(rows, groups, region)),
        _sentence(now, "seminar_one_more", lambda rows: findings.one_more_leader(rows, region)),
        _sentence(now, "seminar_notes", lambda rows: findings.plan_notes(rows, region)),
    ]
    lines = "".join(f"<li>{parts.escape(text)}</li>" for text in sentences if text)
    part = f'<p class="muted small">{parts.escape(now.incomplete)}</p>' if now.incomplete else ""
    title = "Где собираются, хватает ли ведущих, что мешает"
    return parts.card(parts.block(f'<h2>{title}</h2>{part}<ul class="lead">{lines}</ul>'))


def _sentence(now: Published, name: str, tell: Callable[[pd.DataFrame], str]) -> str:
    table = now.table(name)
    return "" if table is None else tell(table)
