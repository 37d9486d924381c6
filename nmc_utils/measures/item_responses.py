"""Responses of persons to items as blocks of whole numbers, ready for the likelihood."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

#: Frames are read so many rows at a time: a large one is never copied whole in floats.
_ROWS = 1 << 16
#: Persons with the same items missing form a block of their own from this number on.
_LEAST_IN_BLOCK = 200
#: Missing patterns up to this number are all blocks, whatever their size.
_FEW_PATTERNS = 24
_MOST_CATEGORIES = 100


@dataclass(frozen=True)
class Block:
    """Persons of one group with the same items, or with `answered` telling which of them.

    A row is one person, or all persons who share a pattern: then `persons` counts them and
    `scores` holds the sums of their scores.
    """

    group: int
    items: np.ndarray
    scores: np.ndarray
    rows: np.ndarray | slice
    answered: np.ndarray | None = None
    persons: np.ndarray | None = None

    @property
    def n_persons(self) -> int:
        """Number of persons in the block."""
        return len(self.scores) if self.persons is None else int(self.persons.sum())


@dataclass(frozen=True)
class Sheet:
    """Checked responses: blocks, items, groups, and how often each step of an item was taken.

    `n_steps` is the highest score of each item; `category_counts` has one row for each item and
    one column for each score from 0 up.
    """

    items: pd.Index
    groups: list[Any]
    blocks: tuple[Block, ...]
    group_codes: np.ndarray
    category_counts: np.ndarray

    @property
    def n_persons(self) -> np.ndarray:
        """Persons with an answer in each group."""
        counts = np.zeros(len(self.groups), np.int64)
        for block in self.blocks:
            counts[block.group] += block.n_persons
        return counts

    @property
    def n_steps(self) -> np.ndarray:
        """Highest score that was given for each item."""
        used = self.category_counts > 0
        last = used.shape[1] - 1 - np.argmax(used[:, ::-1], axis=1)
        return np.where(used.any(axis=1), last, 0)


def read_responses(responses: pd.DataFrame, group: ArrayLike | None = None) -> Sheet:
    """Check responses and sort persons into blocks by group and by the items they were given.

    Parameters
    ----------
    responses
        Persons × items; whole numbers from 0, missing = not administered.
    group
        Group of each person: a Series by the index of `responses`, or as many values in its order.
        The first group is the first category of a categorical that occurs, else the first in
        order of appearance.

    Raises
    ------
    ValueError
        No persons or items, an item twice, a value that is no whole number from 0, a person
        without a group.
    """
    _refuse_unusable(responses)
    scores, answered = _whole_numbers(responses)
    codes, groups = _groups(responses, group)
    n_items = responses.shape[1]
    blocks = []
    for rows, who, items in _patterns(codes, answered, n_items):
        whole = isinstance(rows, slice) and len(items) == n_items
        part = scores if whole else scores[np.ix_(np.arange(len(scores))[rows], items)]
        known = None
        if answered is not None:
            known = answered[np.ix_(np.arange(len(scores))[rows], items)]
            known = None if known.all() else known
        blocks.append(Block(who, items, part, rows, known))
    counts = _category_counts(blocks, n_items)
    return Sheet(responses.columns, groups, tuple(blocks), codes, counts)


def named(labels: Any) -> str:
    """Write «а», «б», «в» and how many more there are."""
    labels = [f"«{label}»" for label in labels]
    more = f" и ещё {len(labels) - 8}" if len(labels) > 8 else ""
    return ", ".join(labels[:8]) + more


def collapsed(sheet: Sheet, *, totals_suffice: bool = False) -> Sheet:
    """Let persons with the same responses share a row, where that saves work.

    With `totals_suffice` (one common discrimination) persons with the same total score share one.
    """
    return replace(sheet, blocks=tuple(_collapsed(b, totals_suffice) for b in sheet.blocks))


def thinned(sheet: Sheet, n_persons: int) -> Sheet:
    """About `n_persons` of the sheet: every k-th of each block."""
    step = -(-sum(block.n_persons for block in sheet.blocks) // n_persons)
    blocks = [
        replace(
            block,
            scores=block.scores[::step],
            answered=None if block.answered is None else block.answered[::step],
        )
        for block in sheet.blocks
    ]
    counts = np.zeros_like(sheet.category_counts)
    found = _category_counts(blocks, len(sheet.items))
    counts[:, : found.shape[1]] = found
    return replace(sheet, blocks=tuple(blocks), category_counts=counts)


def _refuse_unusable(responses: pd.DataFrame) -> None:
    if responses.shape[1] == 0:
        raise ValueError("В таблице ответов нет ни одного задания")
    if len(responses) == 0:
        raise ValueError("В таблице ответов нет ни одного человека")
    if not responses.columns.is_unique:
        twice = responses.columns[responses.columns.duplicated()].unique()
        raise ValueError(f"Задание стоит в таблице ответов дважды: {named(twice)}")


def _whole_numbers(responses: pd.DataFrame) -> tuple[np.ndarray, np.ndarray | None]:
    """Return scores as uint8 (0 where not administered) and what was answered, None for all."""
    kinds = set(responses.dtypes)
    if kinds <= {np.dtype(np.uint8)} or kinds <= {np.dtype(bool)}:
        scores = responses.to_numpy().view(np.uint8)
        if scores.max() >= _MOST_CATEGORIES:
            _whole(scores.astype(float), responses.columns)
        return scores, None
    scores = np.zeros(responses.shape, np.uint8)
    answered = np.ones(responses.shape, bool)
    for start in range(0, len(responses), _ROWS):
        part = slice(start, start + _ROWS)
        numbers = _numbers(responses.iloc[part])
        answered[part] = ~np.isnan(numbers)
        scores[part] = _whole(numbers, responses.columns)
    return scores, None if answered.all() else answered


def _numbers(responses: pd.DataFrame) -> np.ndarray:
    """Return the table as floats; a value that is no number is refused by name."""
    if all(isinstance(kind, np.dtype) and kind.kind in "fiub" for kind in responses.dtypes):
        return responses.to_numpy(float)
    columns = []
    for place, name in enumerate(responses.columns):
        column = responses.iloc[:, place]
        read = pd.to_numeric(column.astype(object), errors="coerce")
        lost = column.notna().to_numpy() & read.isna().to_numpy()
        if lost.any():
            raise ValueError(f"Задание «{name}»: ответ «{column[lost].iloc[0]}» не является числом")
        columns.append(read.to_numpy(float, na_value=np.nan))
    return np.column_stack(columns)


def _whole(numbers: np.ndarray, items: pd.Index) -> np.ndarray:
    filled = np.where(np.isnan(numbers), 0.0, numbers)
    within = (filled >= 0) & (filled < _MOST_CATEGORIES)
    scores = np.where(within, filled, 0).astype(np.uint8)
    wrong = ~within | (scores != filled)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        value = f"{filled[row, column]:g}".replace(".", ",")
        raise ValueError(
            f"Задание «{items[column]}»: ответ «{value}» не является баллом; "
            f"нужны целые числа от 0 до {_MOST_CATEGORIES - 1} или пропуск"
        )
    return scores


def _groups(responses: pd.DataFrame, group: ArrayLike | None) -> tuple[np.ndarray, list[Any]]:
    """Return the number of each person's group, and the groups, the reference group first."""
    if group is None:
        return np.zeros(len(responses), np.intp), [None]
    if isinstance(group, pd.Series) and not group.index.equals(responses.index):
        if not group.index.is_unique:
            raise ValueError("group must have one value for each person of responses")
        group = group.reindex(responses.index)
    values = pd.Series(group)
    if len(values) != len(responses):
        raise ValueError(f"group has {len(values)} values for {len(responses)} persons")
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.cat.remove_unused_categories()
        codes, groups = values.cat.codes.to_numpy(np.intp), list(values.cat.categories)
    else:
        codes, groups = pd.factorize(values)
    if (codes < 0).any():
        raise ValueError(
            f"Группа не указана: {(codes < 0).sum()} чел., первая строка — "
            f"«{responses.index[np.argmax(codes < 0)]}»"
        )
    return np.asarray(codes, np.intp), list(groups)


def _patterns(
    codes: np.ndarray, answered: np.ndarray | None, n_items: int
) -> list[tuple[np.ndarray | slice, int, np.ndarray]]:
    """List (rows, group, items): persons of one group with one pattern of missing answers.

    Persons with rare patterns come together, by group, with all items that any of them answered.
    Persons without an answer are in no block.
    """
    everything = np.arange(n_items)
    if answered is None and not codes.any():
        return [(slice(None), 0, everything)]
    kinds = codes if answered is None else _pattern_codes(codes, answered)
    _, first, kinds, sizes = np.unique(
        kinds, return_index=True, return_inverse=True, return_counts=True
    )
    alone = np.full(len(sizes), len(sizes) <= _FEW_PATTERNS) | (sizes >= _LEAST_IN_BLOCK)
    n_groups = int(codes.max()) + 1
    label = np.where(alone, np.arange(len(sizes)) + n_groups, codes[first])[kinds]
    order = np.argsort(label, kind="stable")
    if answered is not None:
        order = order[answered[order].any(axis=1)]
    if not len(order):
        return []
    parts = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    given = [everything if answered is None else np.flatnonzero(answered[p].any(0)) for p in parts]
    whole = len(parts) == 1 and len(order) == len(codes)
    return [
        (slice(None) if whole else rows, int(codes[rows[0]]), items)
        for rows, items in zip(parts, given, strict=True)
    ]


def _pattern_codes(codes: np.ndarray, answered: np.ndarray) -> np.ndarray:
    """Number the pairs of a group and a pattern of missing answers."""
    packed = np.packbits(answered, axis=1)
    for column in packed.T:
        codes, _ = pd.factorize(codes.astype(np.int64) * 256 + column)
    return codes


def _category_counts(blocks: list[Block], n_items: int) -> np.ndarray:
    highest = max((int(block.scores.max()) for block in blocks), default=0)
    counts = np.zeros((n_items, highest + 1), np.int64)
    for block in blocks:
        for score in range(1, highest + 1):
            found = block.scores if highest == 1 else block.scores == score
            counts[block.items, score] += _column_sums(found)
        n = block.n_persons if block.answered is None else _column_sums(block.answered)
        counts[block.items, 0] += n
    counts[:, 0] -= counts[:, 1:].sum(axis=1)
    return counts


def _column_sums(table: np.ndarray) -> np.ndarray:
    """Sum columns of small whole numbers; short runs stay in 16 bits, which is quicker."""
    sums = np.zeros(table.shape[1], np.int64)
    for start in range(0, len(table), 255):
        sums += table[start : start + 255].sum(axis=0, dtype=np.uint16)
    return sums


def _collapsed(block: Block, totals_suffice: bool) -> Block:
    n, n_items = block.scores.shape
    if block.answered is not None:
        return block
    if totals_suffice and n > n_items:
        return _by_total(block)
    # A pattern is a number in base (highest score + 1), where that has fewer digits than 64 bits.
    base = int(block.scores.max()) + 1
    if base**n_items > n:
        return block
    codes = block.scores @ (base ** np.arange(n_items))
    _, first, persons = np.unique(codes, return_index=True, return_counts=True)
    sums = block.scores[first] * persons[:, None].astype(float)
    return replace(block, scores=sums, persons=persons.astype(float))


def _by_total(block: Block) -> Block:
    """One row for each total score.

    With a common discrimination the likelihood needs the total of a row and, counted elsewhere,
    the totals of items; how a row's total is spread over the items is free and here even.
    """
    totals, persons = np.unique(block.scores.sum(axis=1, dtype=np.uint16), return_counts=True)
    n_items = block.scores.shape[1]
    sums = np.repeat((totals * persons / n_items)[:, None], n_items, axis=1)
    return replace(block, scores=sums, persons=persons.astype(float))
