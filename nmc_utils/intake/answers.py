"""The sheet «Ответы»: in a workbook a row is a person and a form, in the table a single answer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nmc_utils.intake.batch import Batch
from nmc_utils.intake.values import typed
from nmc_utils.tables import validate

_ITEM = {"form_id": "str", "position": "int64", "item_id": "str", "max_score": "float64"}


class Answers:
    """The wide part of the sheet «Ответы»: items by their position in the form.

    Row × position are arrays: there are millions of answers. What a form has at a position is kept
    once a form, in the order of its row in `_limits` and `_items`; the last row there is of forms
    without items.
    """

    def __init__(self, batch: Batch, batches: dict[str, Batch]):
        self.batch = batch
        own = {int(name): name for name in batch.positions}
        items = batches["items"].accepted() if "items" in batches else pd.DataFrame(columns=_ITEM)
        items = items[list(_ITEM)].astype(_ITEM).drop_duplicates(["form_id", "position"])
        items = items.sort_values("item_id", kind="stable")
        self._codes = items["item_id"].array
        self._positions = sorted({*own, *items["position"]})
        forms = pd.Index(items["form_id"].unique())
        self._form = forms.get_indexer(batch.data["form_id"])
        at = (
            forms.get_indexer(items["form_id"]),
            np.searchsorted(self._positions, items["position"]),
        )
        shape = len(forms) + 1, len(self._positions)
        self._limits = np.full(shape, np.nan)
        self._limits[at] = items["max_score"]
        #: Places in `_codes`, which is sorted; -1 where a form has no item.
        self._items = np.full(shape, -1, dtype="int32")
        self._items[at] = np.arange(len(items))
        self._read(own)

    def _read(self, names: dict[int, str]) -> None:
        """Type the cells, every distinct text once; the position of no column is blank."""
        index = self.batch.text.index
        columns = {
            position: pd.factorize(self.batch.text[name]) for position, name in names.items()
        }
        distinct = pd.Index([text for _, texts in columns.values() for text in texts]).unique()
        self._found = typed(pd.Series(distinct, dtype="str"), "float64")
        values = np.append(self._found.values.to_numpy(), np.nan)
        #: Places in `_found`, -1 where nothing was sent.
        self._texts = np.full((len(index), len(self._positions)), -1, dtype="int32", order="F")
        for number, position in enumerate(self._positions):
            if position in columns:
                codes, texts = columns[position]
                self._texts[:, number] = np.append(distinct.get_indexer(texts), -1)[codes]
        self._scores = values[self._texts]

    def check(self) -> None:
        """Hold out rows with an answer that the form does not allow."""
        self._report_wrong()
        known = ~np.isnan(self._limits)
        of_known_form = known.any(axis=1)
        for number in range(len(self._positions)):
            unknown = (of_known_form & ~known[:, number])[self._form]
            self._report(
                unknown & (self._texts[:, number] >= 0),
                number,
                "Среди принятых заданий формы нет задания с таким номером",
                "Проверьте код формы и перенесите ответ в столбец его задания.",
            )
        for number in range(len(self._positions)):
            score, limit = self._scores[:, number], self._limits[self._form, number]
            self._report(
                (score > limit) | (score < 0),
                number,
                "Балл за задание вне границ: от 0 до максимального",
                "Впишите балл не больше максимального по листу «Задания».",
            )
        self._report(
            self._lacks_columns(known),
            None,
            "На листе нет столбцов для всех заданий этой формы",
            "Добавьте столбцы с номерами всех заданий формы; ответа нет — оставьте ячейку пустой.",
        )

    def _report(self, rows: np.ndarray, number: int | None, meaning: str, remedy: str) -> None:
        """Report `rows` in the column of a position, or in that of the form."""
        if rows.any():
            column = "form_id" if number is None else str(self._positions[number])
            rows = pd.Series(rows, self.batch.text.index)
            self.batch.report(rows, column, meaning, remedy)

    def _report_wrong(self) -> None:
        """Report cells that are no numbers."""
        wrong = np.append(self._found.wrong.to_numpy(), False)
        if not wrong.any():
            return
        told = pd.concat([self._found.meaning, self._found.remedy], axis=1).to_numpy()
        for number, position in enumerate(self._positions):
            rows = wrong[self._texts[:, number]]
            if rows.any():
                reasons = pd.DataFrame(told[self._texts[:, number]], self.batch.text.index)
                rows = pd.Series(rows, self.batch.text.index)
                self.batch.report_each(rows, str(position), reasons[0], reasons[1])

    def _lacks_columns(self, known: np.ndarray) -> np.ndarray:
        """Rows on a sheet without a column for an item of their form."""
        lacks = np.zeros(len(self._form), dtype=bool)
        for number, piece in enumerate(self.batch.pieces):
            named = piece.naming.positions
            absent = [str(position) not in named for position in self._positions]
            lacks |= self.batch.piece.eq(number) & known[:, absent].any(axis=1)[self._form]
        return lacks

    def comparable(self) -> pd.DataFrame:
        """All that a row says, to tell a repeated row from a contradicting one."""
        scores = pd.DataFrame(self._scores, self.batch.text.index, self._positions, copy=False)
        return pd.concat([self.batch.data, scores], axis=1)

    def long(self) -> pd.DataFrame:
        """One row an answer, in the order of the table; a missing answer is a row without a score.

        Rows and the items of a form are sorted before they are multiplied: the table is long. For
        the same reason it is validated by the rows with one item each; items and scores have been
        checked.
        """
        people = self.batch.accepted().sort_values(self.batch.key, kind="stable")
        # the items of every form by their codes, those that it lacks at the end
        order = np.argsort(np.where(self._items < 0, len(self._codes), self._items), axis=1)
        items = np.take_along_axis(self._items, order, axis=1)
        form = self._form[people.index]
        item, scores = items[form], self._scores[people.index]
        is_asked = item >= 0
        row = np.repeat(np.arange(len(people), dtype="int32"), is_asked.sum(axis=1))
        columns = {name: people[name].array.take(row) for name in people}
        columns["item_id"] = self._codes.take(item[is_asked])
        columns["score"] = np.take_along_axis(scores, order[form], axis=1)[is_asked]
        table = pd.DataFrame(columns, columns=list(self.batch.schema.columns), copy=False)
        validate(self.batch.table, table[np.diff(row, prepend=-1) > 0])
        return table
