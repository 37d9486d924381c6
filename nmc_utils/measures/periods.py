"""Who belongs on a given day."""

from __future__ import annotations

from typing import Any

import pandas as pd


def is_current(frame: pd.DataFrame, as_of: Any) -> pd.Series:
    """Tell which memberships or workplaces hold on a day.

    Parameters
    ----------
    frame
        With the dates `from_on` and `to_on`, the last day; a missing one sets no limit.
    as_of
        The day: a date, a timestamp or its text.

    Returns
    -------
    Series of bool
        On the index of `frame`.
    """
    day = pd.Timestamp(as_of)
    begun = frame["from_on"].isna() | (frame["from_on"] <= day)
    ended = frame["to_on"] < day
    return begun & ~ended
