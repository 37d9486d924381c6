"""The sheet «Ответы»: in a workbook a row is a person and a form, in the table a single answer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nmc_utils.intake.batch import Batch
from nmc_utils.intake.values import typed


class Answers:
    """The wide part of the sheet «Ответы»: items by their position in the form."""

    def __init__(self, batch: Batch, batches: dict[str, Batch]):
        self.batch = batch
        positions = [int(name) for name in batch.positions]
        items = batches["items"].accepted() if "items" in batches else pd.DataFrame()
        if len(items):
            items = items.drop_duplicates(["form_id", "position"])
            positions = sorted({*positions, *items["position"].astype(int)})
            wide = items.pivot(index="form_id", columns="position")
            form = batch.data["form_id"]
            self.limit = _of_rows(wide["max_score"], form, positions).astype("float64")
            self.item = _of_rows(wide["item_id"], form, positions)
        else:
            self.limit = pd.DataFrame(np.nan, batch.text.index, positions)
            self.item = self.limit.astype("str")
        text = batch.text[batch.positions].set_axis([int(name) for name in batch.positions], axis=1)
        self.text = text.reindex(columns=positions).astype("str")
        stacked = (
            pd.concat([self.text[p] for p in positions]) if positions else pd.Series(dtype="str")
        )
        shape = (len(positions), len(self.text))
        found = typed(stacked, "float64")
        self.score, self.wrong, self.meaning, self.remedy = (
            pd.DataFrame(part.to_numpy().reshape(shape).T, self.text.index, positions)
            for part in (found.values, found.wrong, found.meaning, found.remedy)
        )

    def check(self) -> None:
        """Hold out rows with an answer that the form does not allow."""
        sent = self.text.notna()
        known = self.limit.notna()
        of_known_form = known.any(axis=1)
        present = pd.DataFrame(
            [
                [str(position) in piece.naming.positions for position in self.text]
                for piece in self.batch.pieces
            ],
            columns=self.text.columns,
        )
        present = present.loc[self.batch.piece].set_axis(self.text.index)
        for position in self.wrong.columns[self.wrong.any()]:
            told = (self.meaning[position], self.remedy[position])
            self.batch.report_each(self.wrong[position], str(position), *told)
        for mask, meaning, remedy in (
            (
                (sent & ~known).mul(of_known_form, axis=0),
                "Среди принятых заданий формы нет задания с таким номером",
                "Проверьте код формы и перенесите ответ в столбец его задания.",
            ),
            (
                self.score.gt(self.limit) | self.score.lt(0),
                "Балл за задание вне границ: от 0 до максимального",
                "Впишите балл не больше максимального по листу «Задания».",
            ),
        ):
            for position in mask.columns[mask.any()]:
                self.batch.report(mask[position], str(position), meaning, remedy)
        self.batch.report(
            (known & ~present).any(axis=1),
            "form_id",
            "На листе нет столбцов для всех заданий этой формы",
            "Добавьте столбцы с номерами всех заданий формы; ответа нет — оставьте ячейку пустой.",
        )

    def comparable(self) -> pd.DataFrame:
        """All that a row says, to tell a repeated row from a contradicting one."""
        return pd.concat([self.batch.data, self.score], axis=1)

    def long(self) -> pd.DataFrame:
        """One row an answer; an answer that is missing is a row without a score."""
        live = self.batch.live
        item, score = self.item.loc[live], self.score.loc[live]
        row, column = np.nonzero(item.notna().to_numpy())
        people = self.batch.accepted().iloc[row].reset_index(drop=True)
        return people.assign(
            item_id=pd.Series(item.to_numpy()[row, column], dtype="str"),
            score=score.to_numpy()[row, column],
        )


def _of_rows(wide: pd.DataFrame, form: pd.Series, positions: list[int]) -> pd.DataFrame:
    """Look up the form of every row in `wide` (form × position)."""
    return wide.reindex(index=form, columns=positions).set_axis(form.index)
