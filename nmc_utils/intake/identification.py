"""Who is who across the sheets: one code for one person, and doubts told, never resolved."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from nmc_utils.intake.aliases import Aliases, with_aliases
from nmc_utils.intake.batch import BLANK, Batch
from nmc_utils.intake.persons import OWN_CODE, person_headers
from nmc_utils.intake.pseudonyms import collisions, probable_duplicates
from nmc_utils.regions import Region


def identify(batches: dict[str, Batch], aliases: Aliases) -> None:
    """Hold out codes that two people share, note who may be one person, apply changed surnames."""
    mine = [batch for batch in batches.values() if batch.person]
    if not mine:
        return
    frame = pd.concat([batch.persons for batch in mine], keys=range(len(mine)))
    ids = pd.concat([batch.data[batch.person] for batch in mine], keys=range(len(mine)))
    shared, doubtful = collisions(frame, ids), probable_duplicates(frame, ids)
    for number, batch in enumerate(mine):
        batch.report(
            shared[number],
            batch.headers[0],
            "Один личный код стоит у разных людей",
            "Проверьте код: у каждого человека он свой.",
            found=pd.Series("", batch.text.index),
        )
        if batch.table == "staff":
            _note_duplicates(batch, doubtful[number])
        batch.data[batch.person] = with_aliases(batch.data[batch.person], aliases)


def _note_duplicates(batch: Batch, group: pd.Series) -> None:
    """Name the cells of rows that may be one person under two codes."""
    rows = group.notna() & batch.status.ne(BLANK)
    if not rows.any():
        return
    cells = pd.Series(batch.addresses(rows, batch.headers[0]), batch.text.index[rows])
    together = cells.groupby(group[rows]).transform("; ".join)
    what = "личный код" if OWN_CODE in batch.headers else "отчество"
    batch.report(
        rows,
        batch.headers[0],
        f"Похоже, один человек записан дважды: совпадает всё, кроме одного ({what}); "
        "строки не объединены",
        "Если это один человек, запишите его везде одинаково; если разные люди, так и оставьте.",
        kind="note",
        found="строки: " + together.reindex(batch.text.index, fill_value=""),
    )


def accepted_people(batches: dict[str, Batch], region: Region) -> pd.DataFrame:
    """Persons of accepted rows: `person_id` and the headers by which they are sent."""
    headers = ["person_id", *person_headers(region)]
    return pd.concat([pd.DataFrame(columns=headers), *_frames(batches)], ignore_index=True)


def _frames(batches: dict[str, Batch]) -> Iterator[pd.DataFrame]:
    for batch in batches.values():
        if batch.person:
            who = batch.data.loc[batch.live, batch.person].rename("person_id")
            yield pd.concat([who, batch.persons.loc[batch.live]], axis=1).drop_duplicates()
