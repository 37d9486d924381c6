"""Who of those tested at entry did not come to the exit, and how they differed at entry.

The population is everyone tested at entry in a procedure. No reliability is needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ttest_ind

from nmc_utils.measures.intervals import share_interval
from nmc_utils.regions import Region

NO_EXIT = "выходной диагностики в данных нет"
_SHARES = ("attrition_share", "attrition_low_share", "attrition_high_share")
_DIFFERENCE = "attrition_difference"

Row = dict[str, Any]


def attrition(pairs: pd.DataFrame, region: Region) -> list[Row]:
    """Rows of a measure table, by `procedure` and `domain`.

    Parameters
    ----------
    pairs
        Of `entry_exit.paired`.

    Returns
    -------
    list
        `attrition_share` of everyone, `attrition_low_share` of those at or below the lowest cut at
        entry, `attrition_high_share` of the others, each with a Wilson interval; and
        `attrition_difference`, the mean share of the maximum at entry of those who came less that
        of those who did not, with Welch's interval. Who came on another form came.
    """
    rows = []
    cut = region.diagnostics.deficit_cut
    for (procedure, domain), everyone in pairs.groupby(["procedure", "domain"]):
        came = everyone["exit"].notna() | everyone["is_unlinked"]
        is_low = everyone["entry"].le(cut + 1e-9)
        groups = (came, came[is_low], came[~is_low])
        keys = {"procedure": procedure, "domain": domain}
        if not came.any():
            nothing = {"interval_kind": "none", "status": "no_data", "note": NO_EXIT}
            rows += [keys | {"measure": name} | nothing for name in (*_SHARES, _DIFFERENCE)]
            continue
        for name, group in zip(_SHARES, groups, strict=True):
            rows.append(keys | {"measure": name} | _left(group))
        means = everyone.loc[came, "entry"], everyone.loc[~came, "entry"]
        rows.append(keys | {"measure": _DIFFERENCE} | _difference(*means))
    return rows


def _left(came: pd.Series) -> Row:
    n, left = len(came), int((~came).sum())
    if not n:
        return {"interval_kind": "none", "status": "no_data", "note": "таких на входе не было"}
    low, high = share_interval(left, n)
    bounds = {"ci_low": float(low), "ci_high": float(high), "interval_kind": "process"}
    return {"estimate": left / n, "n": n, "status": "ok", "note": None} | bounds


def _difference(stayed: pd.Series, left: pd.Series) -> Row:
    if len(left) < 2 or len(stayed) < 2 or not (stayed.std() > 0 or left.std() > 0):
        why = "не пришло меньше двух человек" if len(left) < 2 else "на входе нет разброса"
        return {"interval_kind": "none", "status": "no_data", "note": why}
    found = ttest_ind(stayed, left, equal_var=False)
    low, high = found.confidence_interval(0.95)
    bounds = {"ci_low": float(low), "ci_high": float(high), "interval_kind": "process"}
    error = float(np.sqrt(stayed.var() / len(stayed) + left.var() / len(left)))
    about = {"std_error": error, "n": len(stayed) + len(left), "status": "ok", "note": None}
    return {"estimate": stayed.mean() - left.mean()} | about | bounds
