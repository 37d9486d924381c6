"""Rules between the cells of a row: what cannot be true together, whatever is meant."""

from __future__ import annotations

import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.intake.batch import Batch
from nmc_utils.intake.conversion import report_unknown
from nmc_utils.intake.synonyms import plain

#: Table → (column, the column whose day cannot be later).
_NOT_BEFORE = {
    "routes": [("due_on", "opened_on"), ("audited_on", "opened_on"), ("closed_on", "opened_on")],
    "programmes": [("registry_on", "expertise_on")],
    "agreements": [("ends_on", "signed_on")],
    "acts": [("ends_on", "issued_on")],
    "registries": [("to_on", "since_on")],
}
#: Table → (day of the end, status): statuses that say it has not come to its end.
_ENDED = {
    "routes": ("closed_on", ("drawn_up", "running")),
    "roadmap": ("done_on", ("planned", "running", "not_done")),
    "recommendations": ("done_on", ("planned", "running", "not_done")),
}
#: Table → what is said of a row that has come to its end.
_DONE_WORDS = {
    "routes": "ИОМ завершён",
    "roadmap": "Мера выполнена",
    "recommendations": "Рекомендация выполнена",
}
#: Table → days that belong to the period of the edition.
_OF_PERIOD = {"events": "held_on", "support": "given_on", "route_measures": "from_on"}
#: Table → days of what is said to have happened: none is later than the day of the data.
HAPPENED = {
    "scores": ("taken_on",),
    "aggregates": ("as_of",),
    "routes": (
        "opened_on",
        "agreed_by_organization_on",
        "agreed_by_methodist_on",
        "audited_on",
        "closed_on",
    ),
    "programmes": ("expertise_on", "registry_on"),
    "completions": ("finished_on",),
    "teams": ("trained_on",),
    "support": ("given_on",),
    "agreements": ("signed_on",),
    "acts": ("issued_on",),
    "registries": ("since_on",),
    "roadmap": ("done_on",),
    "recommendations": ("done_on",),
}


def check_days_between(batch: Batch) -> None:
    """Hold out rows of which two cells contradict each other."""
    data, columns = batch.data, batch.schema.columns
    for later, earlier in _NOT_BEFORE.get(batch.table, ()):
        batch.report(
            data[later] < data[earlier],
            later,
            f"«{columns[later].title}» раньше, чем «{columns[earlier].title}»",
            "Проверьте обе даты и впишите верные.",
        )
    if batch.table in _ENDED:
        day, unfinished = _ENDED[batch.table]
        batch.report(
            data[day].notna() & data["status"].isin(unfinished),
            "status",
            f"Заполнено «{columns[day].title}», а «{columns['status'].title}» говорит, что до "
            "конца не дошло",
            f"Исправьте «{columns['status'].title}» или уберите дату.",
        )
    if batch.table == "mentoring":
        batch.report(
            data["mentor_id"].notna() & data["mentor_id"].eq(data["mentee_id"]),
            "mentee_id",
            "Наставник и наставляемый — один и тот же человек",
            "Проверьте обе ячейки.",
        )


def note_without_day(batch: Batch) -> None:
    """Note what is said to be done without the day on which it was."""
    if batch.table in _ENDED:
        day, _ = _ENDED[batch.table]
        title = batch.schema.columns[day].title
        batch.report(
            batch.data["status"].eq("done") & batch.data[day].isna(),
            "status",
            f"{_DONE_WORDS[batch.table]}, а даты нет",
            f"Впишите дату в столбец «{title}», если она известна.",
            kind="note",
        )


def note_days_elsewhere(batch: Batch, edition: Edition, *, routes: Batch | None = None) -> None:
    """Note days of other periods, and measures that began before their route was drawn up.

    An event still to come is no mistake: it may be suggested in a route.
    """
    if (column := _OF_PERIOD.get(batch.table)) is None:
        return
    starts_on, ends_on = edition.period.starts_on, edition.period.ends_on
    day, title = batch.data[column], batch.schema.columns[column].title
    outside = day.notna() & ~day.between(pd.Timestamp(starts_on), pd.Timestamp(ends_on))
    if batch.table == "events":
        planned = day > pd.Timestamp(max(edition.as_of, ends_on))
        outside &= ~planned
        batch.report(
            planned,
            column,
            "Мероприятие позже периода и дня данных: намечено, в проведённые не входит",
            "Если оно намечено, исправлять не нужно; если прошло, исправьте дату.",
            kind="note",
        )
    batch.report(
        outside,
        column,
        f"«{title}» вне периода издания ({starts_on:%d.%m.%Y} – {ends_on:%d.%m.%Y})",
        "Проверьте дату; сведения другого периода присылают в его издание.",
        kind="note",
    )
    if routes is not None and batch.table == "route_measures":
        drawn_up = routes.accepted().drop_duplicates("route_id").set_index("route_id")["opened_on"]
        batch.report(
            day < drawn_up.reindex(batch.data["route_id"]).set_axis(day.index),
            column,
            "Мероприятие началось раньше, чем составлен ИОМ",
            "Проверьте дату начала и дату, когда составлен ИОМ.",
            kind="note",
        )


def check_measures_of_roadmap(batch: Batch, edition: Edition) -> None:
    """Note measures that the document lacks; hold those under the repeated code of another one.

    A spreadsheet reads the code 1.10 as the number 1.1: then the code of another measure stands
    there twice, and the text tells whose row it is.
    """
    if batch.table != "roadmap" or not (planned := edition.system.roadmap):
        return
    code, known = batch.data["measure_id"], [entry.id for entry in planned]
    by_text: dict[str, set[str]] = {}
    for entry in planned:
        by_text.setdefault(plain(entry.measure), set()).add(entry.id)
    own = {text: ids.pop() for text, ids in by_text.items() if len(ids) == 1}
    meant = batch.data["measure"].map(lambda text: own.get(plain(text)), na_action="ignore")
    is_other = code.notna() & meant.notna() & meant.ne(code)
    is_repeated = batch.current & code.duplicated(keep=False)
    for one in meant[is_other].unique():
        mine = is_other & meant.eq(one)
        meaning = f"По тексту это мера «{one}» дорожной карты, а код стоит другой"
        remedy = (
            f"Впишите код {one} как текст: таблица читает «1.10» как число 1.1 и теряет ноль; "
            "задайте столбцу формат «Текстовый»."
        )
        batch.report(mine & is_repeated, "measure_id", f"{meaning} и повторяется", remedy)
        batch.report(mine & ~is_repeated, "measure_id", meaning, remedy, kind="note")
    report_unknown(
        batch,
        code.notna() & ~code.isin(known) & ~is_other,
        "measure_id",
        "Меры с таким кодом в дорожной карте документа нет: принята как дополнительная",
        "Если это мера документа, исправьте код.",
        known,
        kind="note",
    )
