"""Demonstration editions as tests read them back from their workbooks."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pandas as pd
import yaml

from nmc_utils.intake.columns import PERSON_HEADERS
from nmc_utils.regions import read_region
from nmc_utils.tables import TITLES

CODE = "khakassia"
CENTER = "ЦНППМ"
PERSON = list(PERSON_HEADERS)
TRUE_PERSON = ["surname", "given", "patronymic", "born"]
LONG, SHORT = "2023", "2022"  # with item responses, and without


class Written:
    """A data root with demonstration editions of a region, read sheet by sheet."""

    def __init__(self, root: Path, code: str = CODE):
        self.root = root
        self.code = code
        self.region = read_region(root, code)
        self.sheets = lru_cache(maxsize=None)(self._sheets)

    def _sheets(self, period: str) -> dict[str, dict[str, pd.DataFrame]]:
        """Workbook → sheet → frame."""
        folder = self.root / "regions" / self.code / period
        return {
            path.stem: pd.read_excel(path, sheet_name=None, engine="calamine")
            for path in sorted(folder.glob("*.xlsx"))
        }

    def table(self, name: str, period: str) -> pd.DataFrame:
        """One table of all workbooks, with the workbook it stood in."""
        books = self.sheets(period).items()
        frames = [
            sheets[TITLES[name]].assign(workbook=book)
            for book, sheets in books
            if TITLES[name] in sheets and len(sheets[TITLES[name]])
        ]
        return pd.concat(frames, ignore_index=True)

    def truth(self, name: str, period: str) -> pd.DataFrame:
        return pd.read_parquet(self.root / "demo_truth" / self.code / period / f"{name}.parquet")


def other_region(root: Path, change: Callable[[dict], None]) -> None:
    """Change the definition of the region."""
    path = root / "regions" / CODE / "region.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    change(content)
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
