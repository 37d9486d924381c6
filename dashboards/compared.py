"""The comparison of the regions of a period, as the app reads it: its tables and their age."""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from nmc_utils import findings
from nmc_utils.country import changed_since, published_comparison
from nmc_utils.editions import KINDS, ORIGINS, Edition
from nmc_utils.measures.dictionary import MEASURES
from nmc_utils.results import Results


class Compared:
    """A published comparison: its tables, and what has been published since."""

    def __init__(self, edition: Edition, results: Results):
        self._edition, self._results = edition, results

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of the comparison."""
        return self._results[name]

    @cached_property
    def functions(self) -> pd.DataFrame | None:
        """Functions by region; None where the comparison was made before there were such."""
        return self._results.get("region_functions")

    @cached_property
    def definitions(self) -> pd.DataFrame:
        """One row per region, by name."""
        return self.table("region_definitions")

    @cached_property
    def names(self) -> dict[str, str]:
        """Code of a region → its name."""
        return dict(zip(self.definitions["region"], self.definitions["name"], strict=True))

    @cached_property
    def indicators(self) -> pd.DataFrame:
        """Indicators that several regions have."""
        return self.table("shared_indicators")

    @cached_property
    def indicator_names(self) -> dict[str, str]:
        """Id of a shared indicator → its name."""
        return dict(zip(self.indicators["indicator"], self.indicators["name"], strict=True))

    @cached_property
    def drawn(self) -> list[str]:
        """Ids of the shared indicators that have values to draw: numbers, not «да» or «нет»."""
        known = self.indicators[self.indicators["status"] == "ok"]
        is_number = known["measure"].map(lambda name: MEASURES[name].unit != "yes_no")
        return list(dict.fromkeys(known.loc[is_number.astype(bool), "indicator"]))

    @property
    def period(self) -> str:
        """The period of the comparison, as it is written on the command line."""
        return str(self._edition.period)

    @property
    def since(self) -> str:
        """Say which regions have published other tables since; empty when none has."""
        changed = changed_since(self._edition.root, self._results)
        names = [self.names[key.partition("/")[0]] for key in changed]
        return findings.compared_then(sorted(names))

    @property
    def unlike(self) -> str:
        """Why the comparison must not stand beside the edition; empty when it may."""
        edition, origin = self._edition, self.definitions["origin"].iloc[0]
        kind = self.definitions["period_kind"].iloc[0]
        if origin != edition.origin:
            return (
                f"сравнены данные другого происхождения ({ORIGINS[origin]}), а выбранное издание — "
                f"{ORIGINS[edition.origin]}: вместе они не показываются"
            )
        if kind != edition.period.kind:
            return (
                f"сравнены периоды другого вида ({KINDS[kind]}), а выбранное издание — "
                f"{KINDS[edition.period.kind]}: вместе они не показываются"
            )
        return ""


def compared(edition: Edition) -> Compared | None:
    """Return the comparison of the regions in the period of an edition; None where none is made."""
    found = published_comparison(edition)
    return None if found is None else Compared(edition, found)
