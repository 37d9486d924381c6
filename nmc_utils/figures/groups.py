"""Seminar groups and their topics."""

from __future__ import annotations

from collections.abc import Mapping

import holoviews as hv
import pandas as pd

from nmc_utils import theme, wording
from nmc_utils.figures.rows import selected
from nmc_utils.findings.groups import group_labels, most_frequent_topics
from nmc_utils.measures.dictionary import STATUSES
from nmc_utils.regions import Region
from nmc_utils.theme import Frame

_GROUPS = ("группа", "группы", "групп")


def group_sizes(seminar_groups: pd.DataFrame, region: Region) -> hv.Overlay:
    """Persons in the groups of each subject family; one piece of a bar is one group."""
    subtitle = "Один отрезок — одна группа, число в нём — её состав"
    if seminar_groups.empty:
        return theme.reason("Ни одной группы не составлено", "Группы по предметам", subtitle)
    labels = group_labels(seminar_groups, region)
    groups = seminar_groups.set_index("group_id").loc[list(labels)].reset_index()
    totals = groups.groupby("family", sort=False)["size"].agg(["size", "sum"])
    down = {family: -place for place, family in enumerate(totals.index)}
    size, y = groups["size"], groups["family"].map(down)
    families = wording.with_unstated(region.group_families, totals.index)
    end = groups.groupby("family")["size"].cumsum()
    pieces = pd.DataFrame(
        {
            "x0": end - size,
            "x1": end,
            "y0": y - 0.32,
            "y1": y + 0.32,
            "x": end - size / 2,
            "y": y,
            "text": [wording.number(n) for n in size],
            "name": [labels[group] for group in groups["group_id"]],
            "hint": [wording.persons(n) for n in size],
            "fill": theme.ACCENT,
        }
    )
    people = [(down[f], wording.persons(n)) for f, n in totals["sum"].items()]
    counts = [(down[f], wording.plural(n, *_GROUPS)) for f, n in totals["size"].items()]
    frame = Frame(
        (0, 1.01 * totals["sum"].max()),
        (0.5 - len(totals), 0.5),
        yticks=[(y, theme.wrapped(families[f], 22)) for f, y in down.items()],
        height=36 * len(totals) + 16,
        grid="",
        right=(
            theme.column(people, 66, theme.INK, True),
            theme.column(counts, 72, theme.MUTED, False),
        ),
    )
    number = f"{wording.plural(len(groups), *_GROUPS)}, {wording.persons(size.sum())}"
    title = f"{number}: в группе от {size.min()} до {size.max()} человек"
    layers = [theme.boxes(pieces, width=2), theme.texts(pieces, theme.PAPER, size=11)]
    return theme.compose(layers, frame, title, subtitle)


def group_topics(
    seminar_groups: pd.DataFrame, seminar_topics: pd.DataFrame, region: Region
) -> hv.Overlay:
    """Groups × domains: how many of a group need a topic; the topics chosen for it are ticked."""
    subtitle = (
        "Скольким участникам нужна тема (результат не выше порога); ✓ — выбранные темы группы"
    )
    labels = group_labels(seminar_groups, region) if len(seminar_groups) else {}
    domains = {domain.code: domain.name for domain in region.domains}
    needs = selected(seminar_topics, "topic_need")
    needs = needs[needs["group_id"].isin(list(labels)) & needs["domain"].isin(list(domains))]
    if needs.empty:
        return theme.reason("Ни одной группы не составлено", "Темы групп", subtitle)
    pairs = seminar_groups[["group_id", "topics"]].explode("topics").dropna()
    taught = set(map(tuple, pairs.to_numpy()))
    return theme.heat(
        _topic_cells(needs, taught, labels, domains),
        title=most_frequent_topics(pairs["topics"], len(labels), domains),
        subtitle=subtitle,
        rows=labels,
        columns=domains,
    )


def _topic_cells(
    needs: pd.DataFrame,
    taught: set[tuple[str, str]],
    labels: Mapping[str, str],
    domains: Mapping[str, str],
) -> pd.DataFrame:
    down = {code: -place for place, code in enumerate(labels)}
    across = {code: place for place, code in enumerate(domains)}
    cells = []
    for row in needs.to_dict("records"):
        is_taught = (row["group_id"], row["domain"]) in taught
        is_known = row["status"] == "ok"
        count = f"{int(row['estimate'])} из {row['n']}" if is_known else STATUSES[row["status"]]
        cells.append(
            {
                "x": float(across[row["domain"]]),
                "y": float(down[row["group_id"]]),
                "name": f"{labels[row['group_id']]}, {domains[row['domain']].lower()}",
                "hint": f"тема нужна: {count}; {'выбрана' if is_taught else 'не выбрана'}",
                "text": f"✓ {count}" if is_taught else count,
                "fill": theme.ACCENT if is_taught else theme.SEQUENTIAL[0],
                "ink": theme.PAPER if is_taught else theme.MUTED,
            }
        )
    return pd.DataFrame(cells)


def topics_by_family(seminar_groups: pd.DataFrame, region: Region) -> hv.Overlay:
    """Family × domain: in how many of a family's groups the topic was chosen."""
    subtitle = "В скольких учебных группах выбрана тема, по предметным группам"
    if seminar_groups.empty:
        return theme.reason("Ни одной группы не составлено", "Темы групп", subtitle)
    domains = {domain.code: domain.name for domain in region.domains}
    sizes = seminar_groups["family"].value_counts()
    named = wording.with_unstated(region.group_families, sizes.index)
    families = {code: name for code, name in named.items() if code in sizes}
    pairs = seminar_groups[["family", "topics"]].explode("topics").dropna()
    counts = pd.crosstab(pairs["family"], pairs["topics"])
    counts = counts.reindex(index=list(families), columns=list(domains), fill_value=0)
    cells = []
    for place, (code, row) in enumerate(counts.iterrows()):
        for across, (domain, count) in enumerate(row.items()):
            fill, ink = theme.sequential(count / sizes[code])
            text = f"{count} из {sizes[code]}"
            name = f"{families[code]}, {domains[domain].lower()}"
            cells.append(
                {
                    "x": float(across),
                    "y": -float(place),
                    "name": name,
                    "hint": f"тема выбрана в группах: {text}",
                    "text": text,
                    "fill": fill,
                    "ink": ink,
                }
            )
    return theme.heat(
        pd.DataFrame(cells),
        title=most_frequent_topics(pairs["topics"], len(seminar_groups), domains),
        subtitle=subtitle,
        rows=families,
        columns=domains,
    )
