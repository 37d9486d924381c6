"""Who does what in the system by the documents of a region: subjects, levels and functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from nmc_utils.editions import Edition
from nmc_utils.system import FUNCTIONS, Subject
from nmc_utils.terms import LEVELS

NOT_NAMED = "в документах региона не названа"
INFERRED = "исполнитель там не назван, отнесено по содержанию"
NO_FUNCTIONS = "функции в документах не названы"
_COLUMNS = ["function", "function_name", "subject", "subject_name", "level", "since"]
_COLUMNS += ["source", "note"]


def system_functions(edition: Edition) -> pd.DataFrame:
    """List which subject of the system has which function, by the documents of the region.

    A function that no subject has, or a subject without functions, is a gap of the documents that
    we hold, not of the system.

    Returns
    -------
    DataFrame
        One row a function and subject, in the order of `FUNCTIONS` and of levels from the federal
        one down: `function`, `function_name`, `subject`, `subject_name`, `level`, `since` (text,
        the year from which the subject belongs to the system, where a document says so), `source`
        (document and section that give the subject this function; `INFERRED` where they do not
        name the subject), `note`. A function of no
        subject has one row without a subject and a `note`. Last come the subjects without
        functions: one row each without a function, `source` is where they are named. No rows where
        the documents describe no subjects.
    """
    subjects = sorted(edition.system.subjects, key=lambda entry: -list(LEVELS).index(entry.level))
    if not subjects:
        return pd.DataFrame(columns=_COLUMNS)
    rows: list[dict[str, Any]] = []
    for code, name in FUNCTIONS.items():
        about = {"function": code, "function_name": name}
        having = [about | row for row in _having(code, subjects, edition)]
        rows += having or [about | {"note": NOT_NAMED}]
    rows += [
        _about(entry) | {"source": _source(edition, entry.document, entry.section)}
        for entry in subjects
        if not entry.functions
    ]
    table = pd.DataFrame(rows, columns=_COLUMNS).astype("object")
    return table.assign(note=table["note"].mask(table["function"].isna(), NO_FUNCTIONS))


def _having(code: str, subjects: list[Subject], edition: Edition) -> Iterator[dict[str, Any]]:
    """Subjects that have a function, each with the place that gives it to them."""
    for entry in subjects:
        for function in entry.functions:
            if function.code == code:
                source = _source(edition, *entry.source_of(function))
                inferred = f"; {INFERRED}" if function.is_inferred else ""
                yield _about(entry) | {"source": source + inferred}


def _about(entry: Subject) -> dict[str, str | None]:
    since = None if entry.since is None else str(entry.since)
    about = {"subject": entry.id, "subject_name": entry.name, "level": entry.level}
    return about | {"since": since}


def _source(edition: Edition, document: str, section: str) -> str:
    return f"{edition.region.document(document).short}, {section}"
