"""What the tables on support are drawn from: the edition, who works where, who came to the test."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from nmc_utils.demo.diagnostics import Sitting
from nmc_utils.demo.people import Setting
from nmc_utils.demonstration_sizes import SupportSizes
from nmc_utils.editions import Period

CENTRE = -1  #: sender of a row that the centre sends, in a table that municipalities send too


@dataclass(frozen=True)
class Scene:
    """An edition with its tables of people and organisations.

    `organizations`, `employment` and `methodists` are those of `records`; `methodists` is empty
    where no РМА is sent. `entry` is the sitting at entry.
    """

    setting: Setting
    organizations: pd.DataFrame
    employment: pd.DataFrame
    methodists: pd.DataFrame
    entry: Sitting

    @property
    def size(self) -> SupportSizes:
        """Sizes of the tables on support."""
        return self.setting.size.support

    @cached_property
    def starts_on(self) -> np.datetime64:
        """First day of the period."""
        return np.datetime64(Period.parse(self.setting.period).starts_on, "D")

    @cached_property
    def ends_on(self) -> np.datetime64:
        """Last day of which the edition tells: of the period or of its data, what is earlier."""
        period = Period.parse(self.setting.period)
        return np.datetime64(min(period.ends_on, self.setting.size.as_of), "D")

    @property
    def days(self) -> int:
        """Days from the first to the last."""
        return int((self.ends_on - self.starts_on).astype(int))

    @cached_property
    def workplace(self) -> pd.Series:
        """Panel row of each of the staff → code of the organisation of the main workplace."""
        main = self.employment[self.employment["is_main"]]
        return main.set_index("who")["organization_id"]

    @cached_property
    def place_of(self) -> np.ndarray:
        """Municipality of everyone in the panel."""
        return self.setting.people["municipality"].to_numpy()

    def is_manager(self, who: np.ndarray) -> np.ndarray:
        """Whether people of the panel are managers by their family."""
        positions = np.array([family.position for family in self.setting.definition.families])
        return positions[self.setting.family[who]] == "manager"

    def stream(self, purpose: str) -> np.random.Generator:
        """Return the random stream of one purpose in this edition."""
        return self.setting.stream(purpose, self.setting.period)

    def during(self, rng: np.random.Generator, n: int, low: float, high: float) -> np.ndarray:
        """Draw `n` working days between two shares of the period."""
        drawn = (self.days * rng.uniform(low, high, n)).astype(int)
        days = np.busday_offset(self.starts_on + drawn, 0, roll="forward")
        return np.where(days > self.ends_on, self.starts_on + drawn, days)


def known_until(days: np.ndarray, until: np.datetime64, known: np.ndarray) -> np.ndarray:
    """Keep the days that are known and have come; the others are missing."""
    return np.where(known & (days <= until), days, np.datetime64("NaT", "D"))
