"""Answers to what a planner of seminars asks about the plan: the year, sizes, places, moves.

A deficit is a result at or below the document's cut; it is covered once its topic was one of the
person's group, which does not say that it is gone.
"""

from __future__ import annotations

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings.groups import at_most, family_names, group_labels, listed, most_frequent
from nmc_utils.findings.sentences import Sentence, row_of, rows_of, stopped
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL

#: What a deficit of a plan is: codes of `seminar_needs.BASES` in fewer words.
PLAN_BASES = {"result": "по результату", "chance": "с учётом погрешности"}
_GROUPS = ("группа", "группы", "групп")
#: Of a table without rows; it does not tell whether results are low or not known.
NOBODY_LOW = "В плане нет людей с известным результатом по компетенциям не выше порога"
#: Of a plan of nobody.
NOBODY_PLANNED = "нет людей с результатом по компетенциям"
#: Below it a difference of utilities is rounding.
_NOTHING = 1e-6


def times(count: float) -> str:
    """Write «1 группа», «3 группы», «12 групп»."""
    return wording.plural(int(count), *_GROUPS)


# --- what is left, and the year -----------------------------------------------------------------


def uncovered(seminar_uncovered: pd.DataFrame, region: Region) -> Sentence:
    """Say how many deficits the plan leaves, why, and in which competence most.

    Parameters
    ----------
    seminar_uncovered
        Measure table of `seminar_tables.uncovered`.
    """
    left = uncovered_by_domain(seminar_uncovered)
    if left.empty:
        return Sentence(f"{NOBODY_LOW}: закрывать темами нечего.")
    whole, due = int(left["left"].sum()), int(left["n"].sum())
    if not whole:
        return Sentence(
            f"Темы групп закрывают все результаты не выше порога (их {wording.number(due)})."
        )
    reasons = [
        f"{wording.number(count)} — {words}"
        for count, words in (
            (left["uncovered_in_group"].sum(), "у тех, кто в группе с другими темами"),
            (left["uncovered_alone"].sum(), "у тех, кто остаётся без группы"),
        )
        if count
    ]
    most = left.sort_values("left", ascending=False, kind="stable").iloc[0]
    name = region.competence_names[most.name]
    return Sentence(
        f"Темами групп не закрыто {wording.number(whole)} из {_results(due)} не "
        f"выше порога ({wording.percent(whole / due)}): {', '.join(reasons)}. Больше всего — "
        f"«{name}»: {wording.number(most['left'])} из {wording.number(most['n'])}."
    )


def _results(count: int) -> str:
    """Write «2 400 результатов» as it stands after «из»."""
    return wording.plural(count, "результата", "результатов", "результатов")


def uncovered_by_domain(table: pd.DataFrame, family: str = TOTAL) -> pd.DataFrame:
    """Deficits of a family that are left, by competence: `left`, `n`, and by reason."""
    rows = rows_of(table, family=family)
    wide = rows.pivot(index="domain", columns="measure", values="estimate")
    wide = wide.reindex(rows["domain"].unique())
    return wide.assign(left=wide.sum(axis=1), n=rows.groupby("domain")["n"].first())


def year(seminar_year: pd.DataFrame, region: Region) -> Sentence:
    """Say what share of the deficits the rounds of a year cover, and where the least.

    Parameters
    ----------
    seminar_year
        Measure table of `seminar_questions.year_coverage`.
    """
    whole = rows_of(seminar_year, family=TOTAL)
    covered = rows_of(whole, measure="year_coverage").set_index("round").sort_index()
    last = covered.iloc[-1]
    if last["status"] != "ok":
        if not last["n"]:
            return Sentence(f"Программа года не составлена: {NOBODY_PLANNED}.")
        return Sentence(stopped(f"Программа года не нужна: {last['note']}"))
    groups = rows_of(whole, measure="round_groups").sort_values("round")["estimate"]
    rounds = wording.plural(len(covered), "раунд", "раунда", "раундов")
    each = ", ".join(wording.number(count) for count in groups)
    first = ""
    if len(covered) > 1:
        first = f", после первого раунда — {wording.percent(covered['estimate'].iloc[0])}"
    return Sentence(
        f"За год темы групп закрывают {wording.percent(last['estimate'])} результатов не выше "
        f"порога{first} ({wording.size(last['n'])}); {rounds}, групп: {each}"
        f"{_least(seminar_year, region)}. Закрыт — тема была в группе человека; что изменилось, "
        "покажет выходная диагностика."
    )


def _least(seminar_year: pd.DataFrame, region: Region) -> str:
    """The family with the least coverage at the end of the year, where they differ."""
    rows = rows_of(seminar_year, measure="year_coverage", status="ok")
    rows = rows[(rows["family"] != TOTAL) & (rows["round"] == rows["round"].max())]
    if rows["estimate"].nunique() < 2:
        return ""
    least = rows.sort_values("estimate", kind="stable").iloc[0]
    name = family_names(region, rows["family"])[least["family"]]
    return f"; меньше всего — «{name}»: {wording.percent(least['estimate'])}"


def programme(seminar_programme: pd.DataFrame, region: Region, *, family: str = TOTAL) -> Sentence:
    """Say the most frequent topics of each round of the permanent seminar.

    Parameters
    ----------
    seminar_programme
        Measure table of `seminar_questions.year_programme`.
    family
        Everyone by default.
    """
    topics = programme_topics(seminar_programme, family=family)
    if topics.empty:
        return Sentence("Программа постоянного семинара пуста: ни одной группы не составлено.")
    told = []
    for number, rows in topics.groupby("round"):
        rows = rows.set_index("domain")
        most, names = most_frequent(rows["programme_groups"], region.competence_names)
        told.append(f"{number}-й раунд — чаще всего {names} ({_taught(rows.loc[most])})")
    return Sentence(f"Программа постоянного семинара: {'; '.join(told)}.")


def _taught(rows: pd.DataFrame) -> str:
    """In how many groups each of these topics is, and how many of their members need it."""
    needed = listed(
        [
            f"{wording.persons(row['programme_persons'])} из {wording.number(row['n'])}"
            for row in rows.to_dict("records")
        ]
    )
    groups = int(rows["programme_groups"].iloc[0])
    if len(rows) == 1:
        return f"{times(groups)}, тема нужна {needed}"
    return f"по {wording.plural(groups, 'группе', *_GROUPS[1:])}, темы нужны {needed}"


def programme_topics(table: pd.DataFrame, *, family: str = TOTAL) -> pd.DataFrame:
    """Topics of each round: `round`, `domain`, groups, persons who need it, `n` their members."""
    if family != TOTAL:
        table = rows_of(table, family=family)
    wide = table.pivot_table(
        index=["round", "domain"], columns="measure", values="estimate", aggfunc="sum"
    )
    sizes = rows_of(table, measure="programme_groups").groupby(["round", "domain"])["n"].sum()
    return wide.assign(n=sizes).reset_index() if len(wide) else pd.DataFrame(columns=["round"])


# --- other plans of the same people -------------------------------------------------------------


def plan_sizes(
    seminar_sizes: pd.DataFrame, region: Region, *, size: tuple[int, int] | None = None
) -> Sentence:
    """Say what groups of another size would bring and cost, beside the region's own.

    Parameters
    ----------
    seminar_sizes
        Measure table of `seminar_questions.seminar_sizes`.
    size
        Least and greatest; by default the next smaller size, or the next greater where there is
        none.

    Raises
    ------
    ValueError
        The table has no such size, or it is the region's own.
    """
    own = region.seminars.size
    offered = list(sizes_by_option(seminar_sizes).index)
    others = [option for option in offered if option != own]
    smaller = [option for option in others if option < own]
    chosen = size or (smaller[-1] if smaller else others[0])
    if chosen not in others:
        given = ", ".join(f"{low}–{high}" for low, high in others)
        raise ValueError(f"size {chosen[0]}–{chosen[1]} is not compared; compared: {given}")
    table = sizes_by_option(seminar_sizes)
    now, other = table.loc[[own]].iloc[0], table.loc[[chosen]].iloc[0]
    if pd.isna(now["plan_coverage"]) or not now["n"]:
        return Sentence("Другие размеры групп не сравнены: составлять группы не для кого.")
    return Sentence(
        f"По {chosen[0]}–{chosen[1]} человек в группе: {times(other['plan_groups'])} вместо "
        f"{wording.number(now['plan_groups'])}, темы закрыли бы "
        f"{wording.percent(other['plan_coverage'], 1)} результатов не выше порога вместо "
        f"{wording.percent(now['plan_coverage'], 1)} ({wording.size(now['n'])})"
        f"{_known_to(max(now['plan_gap'], other['plan_gap']))}."
    )


def sizes_by_option(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers of each plan by its least and greatest size, from the smallest; `n` persons."""
    keys = ["least", "greatest"]
    wide = table.pivot(index=keys, columns="measure", values="estimate").sort_index()
    return wide.assign(n=table.groupby(keys)["n"].first())


def _known_to(gap: float) -> str:
    """Say how far from the best plans may be, where that could change the comparison."""
    if not gap >= 0.0005:
        return ""
    return f"; каждый план не дальше {at_most(gap)} от лучшего возможного"


def plan_variants(seminar_variants: pd.DataFrame, region: Region) -> Sentence:
    """Say what the plan that counts the error of measurement covers beside that by the result.

    Parameters
    ----------
    seminar_variants
        Measure table of `seminar_questions.seminar_variants`.
    """
    if seminar_variants.empty:
        return Sentence(
            "Вариант с учётом погрешности не посчитан: вероятность истинного результата не выше "
            "порога не известна полностью ни в одной предметной группе."
        )

    def of(basis: str, measure: str) -> str:
        row = row_of(seminar_variants, basis=basis, measure=measure)
        return wording.estimate(row)

    return Sentence(
        "План с учётом погрешности (аналитический вариант) закрыл бы "
        f"{of('chance', 'plan_expected_coverage')} ожидаемых истинных результатов не выше порога, "
        f"план по результату — {of('result', 'plan_expected_coverage')}; результатов "
        f"{region.rule_words} — {of('chance', 'plan_coverage')} и "
        f"{of('result', 'plan_coverage')} ({whose_variants(seminar_variants)})."
    )


def whose_variants(seminar_variants: pd.DataFrame) -> str:
    """Of whom both plans are: families in which everyone's probability is known."""
    n = row_of(seminar_variants, basis="chance", measure="plan_groups")["n"]
    return f"{wording.size(n)}: предметные группы, где вероятность известна у каждого"


# --- where groups meet, and what binds ----------------------------------------------------------


def meetings(
    seminar_meetings: pd.DataFrame, seminar_groups: pd.DataFrame, region: Region
) -> Sentence:
    """Say where groups meet: how many travel, how far, and how many groups meet on site.

    Parameters
    ----------
    seminar_meetings
        Table of `seminar_tables.meetings`.
    seminar_groups
        `group_id`, `zone`, `size` of the same groups.
    """
    if seminar_groups.empty:
        return Sentence("Ни одной группы не составлено: собираться некому.")
    if seminar_groups["zone"].isna().all():
        return Sentence("Где собираются группы, план не говорит: муниципалитеты людей неизвестны.")
    held = seminar_groups[["group_id", "size"]].merge(seminar_meetings, on="group_id")
    modes = held["mode"].value_counts()
    if modes.empty:
        return Sentence(stopped(f"Не в своём муниципальном образовании занимаются {_away(held)}"))
    on_site = held[held["mode"] == "on_site"]
    parts = [f"Очно — {times(len(on_site))}", f"дистанционно — {times(modes.get('distance', 0))}"]
    if unknown := int(held["mode"].isna().sum()):
        parts.append(f"как собираются ещё {times(unknown)}, не известно")
    if on_site["away"].sum():
        there = f"в очных группах в другое муниципальное образование ездят {_away(on_site)}"
        parts.append(f"{there}, дальше всего — {_far(on_site, region)}")
    elif len(on_site):
        parts.append("в очных группах в другое муниципальное образование никто не ездит")
    return Sentence(stopped("; ".join(parts)))


def _away(held: pd.DataFrame) -> str:
    """Members of these groups from another municipality, of all their members."""
    away, whole = int(held["away"].sum()), int(held["size"].sum())
    return f"{wording.number(away)} из {wording.persons(whole)} ({wording.percent(away / whole)})"


def _far(held: pd.DataFrame, region: Region) -> str:
    return f"{wording.number(held['farthest'].max())} {region.seminars.distance_unit}"


#: No note is no promise that nothing binds: a full group, say, has none.
_NOTHING_NOTED = (
    "Ни нехватки людей, ни нехватки ведущих план не отметил: почему кто-то без группы, показывает "
    "таблица причин."
)


def plan_notes(seminar_notes: pd.DataFrame, region: Region) -> Sentence:
    """Say what binds the plan, families by their names.

    Parameters
    ----------
    seminar_notes
        Column `sentence`: notes of a `SeminarPlan`, «Предметная группа «code»: …».
    """
    text = " ".join(stopped(note) for note in seminar_notes["sentence"])
    for code, name in region.group_families.items():
        text = text.replace(f"Предметная группа «{code}»", f"Предметная группа «{name}»")
    return Sentence(text or _NOTHING_NOTED)


def kept_groups(seminar_kept: pd.DataFrame | None) -> Sentence:
    """Say how many stay in the groups of the kept run, and whether fewer could have moved.

    `seminar_kept` is the measure table of `kept_groups.groups_kept`, None where none are kept.
    """
    if seminar_kept is None:
        return Sentence("План составлен без оглядки на прежние группы: держаться их не задано.")
    found = seminar_kept.set_index("measure")["estimate"]
    n, moved, least = int(seminar_kept["n"].iloc[0]), *found[["plan_moved", "plan_moved_bound"]]
    if not n:
        return Sentence("Из прежних групп в нынешнем плане нет никого: держаться нечего.")
    if not moved:
        return Sentence(f"В прежних группах остались все {wording.persons(n)}")
    proven = f"; доказано, что при той же пользе меньше {wording.number(least)} нельзя"
    if not least or least >= moved:
        proven = ", меньше при той же пользе нельзя: доказано" if least else "; граница неизвестна"
    return Sentence(
        f"В прежних группах остались {wording.number(n - moved)} из {wording.persons(n)}; "
        f"перемещено {wording.number(moved)}{proven}."
    )


def manual_moves(seminar_moves: pd.DataFrame, region: Region) -> Sentence:
    """Say what each move made by hand costs, persons by their codes.

    `seminar_moves` is the table of `kept_groups.costs_of_moves`.
    """
    if seminar_moves.empty:
        return Sentence("Ручных перемещений нет.")
    names = group_labels(seminar_moves, region)
    told = [
        f"{'закрепление' if move.pinned else 'запрет'} {move.person_id} — «{names[move.group_id]}» "
        + (
            f"стоит {wording.number(move.cost, 2).rstrip('0').rstrip(',')}"
            if move.cost > _NOTHING
            else "ничего не стоит"
        )
        for move in seminar_moves.itertuples()
    ]
    return Sentence(
        f"Ручные перемещения: {'; '.join(told)}. Цена — на сколько выше была бы польза плана без "
        "этого перемещения (1 — нужная тема у одного участника); цены не складываются."
    )
