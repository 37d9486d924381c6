"""What every draft of a route tells its teacher of the test: how far it goes, what it decides."""

from __future__ import annotations

import pandas as pd

from nmc_utils.documents.group_plan import in_full
from nmc_utils.documents.route_steps import Frames
from nmc_utils.regions import Region
from nmc_utils.terms import TOTAL

_BY_DOMAIN = "баллы по отдельным компетенциям повторяют в основном общий результат"


#: Beside a seminar on a competence of which nothing can be said apart from the whole test.
_STILL_CHOSEN = (
    "Темы семинаров и мероприятий всё же выбирают по порогу в каждой компетенции: это повод "
    "обсудить тему с методистом, а не доказанный дефицит именно в ней."
)


def of_kind(region: Region) -> str:
    """Say what decides the kind of a route: a deficit in one competence does not."""
    diagnostics = region.diagnostics
    offered = [f"{level.label} — {level.route}" for level in diagnostics.levels if level.route]
    if not offered:
        return (
            "Какой вид маршрута при каком результате, документы региона не устанавливают: его "
            "выбирает методист."
        )
    basis = "всего теста, а не отдельной компетенции"
    if diagnostics.result_domain != TOTAL:
        basis = "низшей из компетенций, а не всего теста"
    return (
        f"Вид маршрута определяется по результату {basis} (настройка системы для региона): "
        f"{'; '.join(offered)}. По компетенциям выбирают мероприятия."
    )


def compared(published: Frames, region: Region) -> str:
    """Say whether competences may be told apart, in words for a teacher.

    Only those may whose gain over the whole test has an interval above 0.

    Parameters
    ----------
    published
        Tables of a run; of the largest procedure `subscores` are read, at entry. Nothing is said
        where they are lacking or have no competence: the table of results says that.

    Notes
    -----
    Source: the value of subscores (Haberman 2008), of everyone tested at entry.
    """
    subscores = published.get("subscores")
    if subscores is None:
        return ""
    procedure = published["procedures"]["procedure"].iloc[0]
    own = subscores[subscores["procedure"].eq(procedure) & subscores["wave"].eq("entry")]
    if own.empty:
        return ""
    values = own[own["measure"].eq("value_added")]
    if not values["status"].eq("ok").any():
        return (
            "Какая компетенция сильнее, а какая слабее, сказать нельзя: по этим данным не "
            "проверено, надёжно ли они различаются."
        )
    return _told_apart(values, region)


def _told_apart(values: pd.DataFrame, region: Region) -> str:
    """What is apart, what is not, what was not assessed; of all only where that is all of them."""
    is_known = values["status"].eq("ok")
    is_apart = is_known & values["ci_low"].gt(0)
    apart, alike, unknown = (
        _named(values.loc[rows, "domain"], region)
        for rows in (is_apart, is_known & ~is_apart, ~is_known)
    )
    told = []
    if not apart:
        of_what = f" ({alike})" if unknown else ""
        told.append(
            f"Какая компетенция сильнее, а какая слабее{of_what}, по этому тесту сказать нельзя: "
            f"{_BY_DOMAIN}."
        )
    elif set(region.competence_names) <= set(values.loc[is_apart, "domain"]):
        told.append(f"О каждой компетенции можно судить отдельно от общего результата: {apart}.")
    else:
        told.append(f"Отдельно от общего результата можно судить об этом: {apart}.")
    if apart and alike:
        told.append(f"Об этом по этому тесту не сказать, сильнее оно или слабее: {alike}.")
    if unknown:
        told.append(f"Не проверено, можно ли судить отдельно об этом: {unknown}.")
    if alike or unknown:
        told.append(_STILL_CHOSEN)
    return " ".join(told)


def _named(domains: pd.Series, region: Region) -> str:
    given = set(domains)
    return "; ".join(in_full([name for name in region.competence_names if name in given], region))
