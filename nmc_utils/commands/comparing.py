"""What `nmc run` tells of an edition beside the period before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from nmc_utils.terminal import print_table, records, sentence_of

if TYPE_CHECKING:
    import pandas as pd

    from nmc_utils.editions import Edition
    from nmc_utils.measures.changes import Changes

SHARES = {"name": "Доля", "before": "Было", "now": "Стало", "difference": "Разность и её интервал"}
#: Tables of a run that a comparison needs; those of intake come from what was taken in.
_STAGED = ("procedures", "reporting", "coverage", "level_shares")
_TAKEN_IN = ("conservation", "forms")


def compared(edition: Edition) -> dict[str, Any] | None:
    """Compare a published edition with the published one before it; None where there is none.

    Returns
    -------
    dict or None
        `before` (its key), `sentences`, and the tables of `measures.changes.Changes` as records. A
        comparison that cannot be made is one sentence.
    """
    from nmc_utils import comparison, results
    from nmc_utils.editions import before, editions
    from nmc_utils.measures import changes

    earlier = None
    try:
        current = results.current(edition.root)
        known = [e for e in editions(edition.root, edition.region.code) if e.key in current]
        earlier = before(edition, known)
        if earlier is None:
            return None
        tables = [_tables(e, current[e.key]) for e in (edition, earlier)]
        found = changes.compare(*tables, edition.region)
        sentences = comparison.changes(found, edition.region, earlier.period.label)
    except Exception as error:  # what is published stays published
        reason = sentence_of(error) or f"непредвиденная ошибка {type(error).__name__}"
        sentence = f"Сравнить с прошлым периодом не удалось: {reason.rstrip('.')}."
        return {"before": earlier and earlier.key, "sentences": [sentence]}
    told = {"before": earlier.key, "sentences": [str(sentence) for sentence in sentences]}
    return told | _records(found)


def _tables(edition: Edition, run: str) -> dict[str, pd.DataFrame]:
    from nmc_utils import results
    from nmc_utils.tables import load

    published = results.published(edition, run)
    tables = {name: published[name] for name in _STAGED}
    try:
        taken_in = load(edition)
    except FileNotFoundError:  # what was sent may have been removed since
        return tables
    return tables | {name: taken_in[name] for name in _TAKEN_IN if name in taken_in}


def _records(found: Changes) -> dict[str, Any]:
    names = ("procedures", "forms", "rows", "reporters", "shares")
    told: dict[str, Any] = {"comparability": found.comparability, "composition": found.composition}
    told |= {name: records(getattr(found, name)) for name in names}
    told["same_places"] = None
    if found.same:
        import pandas as pd

        before, now = (records(pd.DataFrame(list(rows.values()))) for rows in found.same)
        told["same_places"] = {"municipalities": list(found.places), "before": before, "now": now}
        told["same_places"]["shares"] = records(found.same_shares)
    return told


def print_compared(edition: Edition, told: dict[str, Any]) -> None:
    """Show a comparison: its sentences, then the shares of the municipalities side by side."""
    for sentence in told["sentences"]:
        typer.echo(f"{edition.key}: {sentence}")
    names = edition.region.municipality_names
    places = [row for row in told.get("shares", []) if row["municipality"] in names]
    if places:
        import pandas as pd

        rows = [{"name": names[row["municipality"]]} | _written(row) for row in places]
        title = f"{edition.key}: доля {edition.region.diagnostics.lowest.words}"
        print_table(title, pd.DataFrame(rows), SHARES)


def _written(row: dict[str, Any]) -> dict[str, str]:
    from nmc_utils.wording import number, percent, size

    written = {
        "before": f"{percent(row['estimate_before'], 1)} ({size(row['n_before'])})",
        "now": f"{percent(row['estimate'], 1)} ({size(row['n'])})",
        "difference": "не оценивается",
    }
    if row["difference"] is not None and row["ci_low"] is not None:
        middle, low, high = (number(100 * row[k], 1) for k in ("difference", "ci_low", "ci_high"))
        written["difference"] = f"{middle} п.п. (от {low} до {high})"
    return written
