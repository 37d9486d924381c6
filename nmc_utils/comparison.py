"""Sentences about two periods of a region side by side: comparability first, never a cause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from nmc_utils import wording
from nmc_utils.findings import Sentence, stopped
from nmc_utils.measures.changes import Changes
from nmc_utils.regions import Region
from nmc_utils.terms import TABLE_TITLES, TOTAL

_ASPECTS = {
    "organiser": "организатор",
    "instrument_version": "версия инструментария",
    "selection": "как отобраны участники",
    "purpose": "цель",
    "n_items": "число заданий",
    "max_score": "максимальный балл",
    "form": "заданий и максимальный балл",
}
_MOST = 5  # differences of one kind that a sentence names
_SIDE_BY_SIDE = "доли стоят рядом и не оцениваются"
#: Why shares are not judged, by `comparability`'s «why», where the procedure says something.
_REASONS = {
    "linking": "; доли по выровненным баллам пока не вычисляются, поэтому ",
    "forms": ", но формы изменились, поэтому ",
    "forms_unknown": ", но сведения о формах есть не за оба периода, и те же ли они, "
    "проверить нельзя; ",
    "said": "; ",
}
#: Why the shares of the whole region are not judged, by `composition`.
_WHOLES = {
    "differs": "участвовали разные муниципальные образования",
    "unknown": "неизвестно, одни и те же ли муниципальные образования участвовали",
}


def changes(found: Changes, region: Region, before: str) -> list[Sentence]:
    """Tell how a period differs from the one before, most binding first.

    Parameters
    ----------
    found
        Of `measures.changes.compare`.
    region
        The region, for names.
    before
        The earlier period in words, «2022 год».
    """
    told = [_comparability(found, before), *_measured(found, region), *_reporters(found, region)]
    told += [*_rows(found), *_whole(found, region), *_same_places(found, region)]
    told += [*_places(found, region), *_chance(found)]
    return [Sentence(stopped(text)) for text in told]


def _comparability(found: Changes, before: str) -> str:
    """Say whether shares may be compared at all, and on whose word."""
    head = f"Сравнение с периодом «{before}»"
    judged = found.comparability
    if judged["why"] == "organiser":
        names = found.procedures.iloc[0] if len(found.procedures) else {}
        return (
            f"{head}: процедуры одного организатора нет ({_name(names.get('before'))} и "
            f"{_name(names.get('now'))}), {_SIDE_BY_SIDE}"
        )
    if judged["why"] == "unsaid":
        return (
            f"{head}: описание процедуры не говорит, сопоставимы ли результаты, поэтому "
            f"{_SIDE_BY_SIDE}"
        )
    said = f"{head}: по описанию процедуры — «{judged['said']}»"
    return said if judged["is_comparable"] else said + _REASONS[judged["why"]] + _SIDE_BY_SIDE


def _name(organiser: Any) -> str:
    return organiser if isinstance(organiser, str) else "не назван"


def _measured(found: Changes, region: Region) -> Iterator[str]:
    """Say what of procedures and forms has changed."""
    if found.comparability["why"] != "organiser" and len(found.procedures):
        parts = [
            f"{_ASPECTS[row['aspect']]} — «{row['now'] or 'не указано'}», "
            f"было «{row['before'] or 'не указано'}»"
            for row in found.procedures.to_dict("records")
        ]
        yield f"Изменилось описание процедуры: {'; '.join(parts)}"
    if len(found.forms):
        parts = [_form(row, region) for row in found.forms.head(_MOST).to_dict("records")]
        yield f"Изменились формы: {'; '.join(parts)}{_and_others(len(found.forms))}"


def _form(row: Mapping[str, Any], region: Region) -> str:
    name = region.domain_names.get(row["domain"], row["domain"])
    if isinstance(row["subject"], str):
        name += f", {region.family_names.get(row['subject'], row['subject'])}"
    now, before = (
        value.replace(".", ",") if isinstance(value, str) else None
        for value in (row["now"], row["before"])
    )
    if row["aspect"] == "form":
        return f"{name} — {'появилась' if before is None else 'больше нет'}"
    return f"{name}: {_ASPECTS[row['aspect']]} {now}, было {before}"


def _and_others(n: int) -> str:
    return f"; всего различий {n}" if n > _MOST else ""


def _reporters(found: Changes, region: Region) -> Iterator[str]:
    for change, words in (
        ("vanished", "За прошлый период данные были, за этот нет"),
        ("appeared", "За прошлый период данных не было, за этот есть"),
    ):
        codes = found.reporters.loc[found.reporters["change"] == change, "municipality"]
        if len(codes):
            yield f"{words}: {', '.join(region.municipality_names.get(c, c) for c in codes)}"


def _rows(found: Changes) -> Iterator[str]:
    """Say how many rows were accepted, where that differs."""
    if found.rows.empty:
        return
    counts = found.rows.set_index("table").astype(object).where(lambda t: t.notna(), None)
    parts = [
        f"«{TABLE_TITLES[name]}» {_count(row['accepted'])}, было {_count(row['accepted_before'])}"
        for name, row in counts.reindex([n for n in TABLE_TITLES if n in counts.index]).iterrows()
        if row["accepted"] != row["accepted_before"]
    ]
    yield f"Принято строк: {'; '.join(parts)}" if parts else "Строк принято столько же"


def _count(n: int | None) -> str:
    return "не присылали" if n is None else wording.number(n)


def _whole(found: Changes, region: Region) -> Iterator[str]:
    """Say the shares of the whole region, judged where both are of the same municipalities."""
    words = f"Доля прошедших диагностику {region.diagnostics.lowest.words}"
    table = found.shares
    for row in table[table["municipality"] == TOTAL].to_dict("records"):
        text = f"{words}: {_both(row)}{_judgement(row)}"
        if found.comparability["is_comparable"] and found.composition in _WHOLES:
            text += f"; не оценивается: {_WHOLES[found.composition]}"
        yield text


def _places(found: Changes, region: Region) -> Iterator[str]:
    """Say in which municipalities the share has moved, and of how many that is."""
    places = _judged_places(found)
    if places.empty:
        return
    moved = places[places["is_moved"]].to_dict("records")
    names = region.municipality_names
    parts = [f"{names[row['municipality']]} — {_both(row)}" for row in moved]
    yield (
        "По муниципальным образованиям доля изменилась больше интервала разности у "
        f"{len(moved)} из {len(places)}{': ' if parts else ''}{'; '.join(parts)}"
    )


def _judged_places(found: Changes) -> pd.DataFrame:
    """Judged municipalities; a single one that is the judged whole itself is told already."""
    places = found.shares[found.shares["municipality"] != TOTAL].dropna(subset="ci_low")
    sizes = ["n", "n_before"]
    is_whole = places[sizes].to_numpy().tolist() == _judged_whole(found)[sizes].to_numpy().tolist()
    return places.iloc[:0] if is_whole else places


def _judged_whole(found: Changes) -> pd.DataFrame:
    """The row of the same municipalities that was judged: at most one."""
    whole = found.shares[found.shares["municipality"] == TOTAL]
    return (found.same_shares if found.places else whole).dropna(subset="ci_low")


def _chance(found: Changes) -> Iterator[str]:
    """Say how many intervals there are, and how many of so many leave zero out by chance."""
    n = len(_judged_whole(found)) + len(_judged_places(found))
    if n > 1:
        expected = wording.number(n / 20, 0 if n % 20 == 0 else 1)
        yield (
            f"Сравнений {wording.number(n)}: при 95%-х интервалах примерно {expected} из них "
            "выйдут за интервал случайно, даже если ничего не изменилось"
        )


def _both(row: Mapping[str, Any]) -> str:
    return (
        f"{wording.percent(row['estimate'], 1)} ({wording.size(row['n'])}), "
        f"было {wording.percent(row['estimate_before'], 1)} ({wording.size(row['n_before'])})"
    )


def _judgement(row: Mapping[str, Any]) -> str:
    if pd.isna(row["ci_low"]):
        return ""
    low, high = (wording.number(100 * row[end], 1) for end in ("ci_low", "ci_high"))
    verdict = "доля изменилась" if row["is_moved"] else "изменения больше интервала нет"
    difference = wording.number(100 * row["difference"], 1)
    return f"; {verdict}: разность {difference} п.п., 95%-й интервал от {low} до {high}"


def _same_places(found: Changes, region: Region) -> Iterator[str]:
    """Say both periods on the municipalities that both have, where these are not all."""
    if not found.same:
        return
    before, now = found.same
    text = (
        f"На одних и тех же муниципальных образованиях (их {len(found.places)}): прошли "
        f"диагностику {wording.estimate(now['tested'])}, было {wording.estimate(before['tested'])}"
    )
    for row in found.same_shares.to_dict("records"):
        text += f"; доля {region.diagnostics.lowest.words}: {_both(row)}{_judgement(row)}"
    yield text
