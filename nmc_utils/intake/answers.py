"""The sheet «Ответы»: in a workbook a row is a person and a form, in the table a single answer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nmc_utils.intake.batch import Batch
from nmc_utils.intake.values import Typed, typed


class Answers:
    """The wide part of the sheet «Ответы»: items by their position in the form.

    What a form has at a position stands once a form, however many people took it.
    """

    def __init__(self, batch: Batch, batches: dict[str, Batch]):
        self.batch = batch
        index = batch.text.index
        items = batches["items"].accepted() if "items" in batches else _NO_ITEMS
        items = items.drop_duplicates(["form_id", "position"])
        own = [int(name) for name in batch.positions]
        self._positions = sorted({*own, *items["position"].astype(int)}) if len(items) else own
        self._forms = pd.Index(items["form_id"].unique())
        self._form = self._forms.get_indexer(batch.data["form_id"])  # of a row; -1: not known
        limits = items.pivot(index="form_id", columns="position", values="max_score")
        #: Form × position; the last row, of no known form, is the one that -1 finds.
        limits = limits.reindex(index=[*self._forms, None], columns=self._positions)
        self._limits = limits.to_numpy("float64", na_value=np.nan)
        self._items = items.assign(place=self._forms.get_indexer(items["form_id"]))
        self._texts = {
            position: batch.text[name] for position, name in zip(own, batch.positions, strict=True)
        }
        blank = pd.Series(None, index, dtype="str")
        self.read = {
            position: typed(self._texts.get(position, blank), "float64")
            for position in self._positions
        }
