"""Responses from which no item response model can be estimated, and the sentence that says why."""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import connected_components

from nmc_utils.measures.item_responses import Block, Sheet, named


def refuse_degenerate(sheet: Sheet, model: str) -> None:
    """Refuse responses that no calibration is possible from, naming the item or the group.

    Raises
    ------
    ValueError
        An item that nobody answered, or that everyone has the same score on, or with a score that
        nobody has; a score outside the model; too few items or persons; a group with all greatest
        or all zero scores; groups that no common items link.
    """
    _refuse_scores(sheet, model)
    _refuse_few(sheet, model)
    _refuse_constant(sheet)
    if len(sheet.groups) > 1:
        _refuse_extreme_groups(sheet)
        _refuse_unlinked_groups(sheet)
    _refuse_unlinked_items(sheet)


def _refuse_scores(sheet: Sheet, model: str) -> None:
    counts, steps, items = sheet.category_counts, sheet.n_steps, sheet.items
    nobody = counts.sum(axis=1) == 0
    if nobody.any():
        raise ValueError(f"Нет ни одного ответа на задание: {named(items[nobody])}")
    if model != "gpcm" and (steps > 1).any():
        item = np.argmax(steps > 1)
        raise ValueError(
            f"Задание «{items[item]}»: балл «{steps[item]}», а модель «{model}» — для ответов "
            "0 и 1; для нескольких баллов есть модель «gpcm»"
        )


def _refuse_constant(sheet: Sheet) -> None:
    counts, steps, items = sheet.category_counts, sheet.n_steps, sheet.items
    constant = (counts > 0).sum(axis=1) == 1
    if constant.any():
        raise ValueError("; ".join(_constant(sheet, constant)) + ". Уберите такие задания")
    unused = (counts == 0) & (np.arange(counts.shape[1]) < steps[:, None])
    if unused.any():
        item, score = np.argwhere(unused)[0]
        raise ValueError(
            f"Задание «{items[item]}»: балл {score} не получил никто; объедините его с соседним"
        )


def _constant(sheet: Sheet, constant: np.ndarray) -> list[str]:
    """Sentences about items with one and the same score of everybody."""
    wrong = constant & (sheet.n_steps == 0)
    right = constant & (sheet.n_steps == sheet.category_counts.shape[1] - 1) & ~wrong
    same = constant & ~wrong & ~right
    parts = {
        "Все получили наибольший балл за задание": right,
        "Все получили ноль за задание": wrong,
        "Все получили один и тот же балл за задание": same,
    }
    return [f"{text}: {named(sheet.items[which])}" for text, which in parts.items() if which.any()]


def _refuse_few(sheet: Sheet, model: str) -> None:
    n_items, least = len(sheet.items), 3 if model == "2pl" else 2
    if n_items < least:
        raise ValueError(
            f"Для модели «{model}» нужно не менее {least} заданий, "
            f"а есть только {named(sheet.items)}"
        )
    persons = sheet.n_persons
    if persons.sum() == 1:
        raise ValueError("Ответы есть только у одного человека: модель по ним не оценивается")
    if len(sheet.groups) > 1 and (persons < 2).any():
        group = np.argmax(persons < 2)
        raise ValueError(
            f"Группа «{sheet.groups[group]}»: ответы есть у {persons[group]} чел., "
            "среднее и разброс по ним не оцениваются"
        )


def _refuse_extreme_groups(sheet: Sheet) -> None:
    for number, group in enumerate(sheet.groups):
        own = [block for block in sheet.blocks if block.group == number]
        zero = all((block.scores == 0).all() for block in own)
        if zero or all(_all_greatest(block, sheet.n_steps) for block in own):
            extreme = "нулевой" if zero else "наибольший"
            raise ValueError(
                f"Группа «{group}»: у всех {extreme} балл за все задания, "
                "среднее и разброс по ним не оцениваются"
            )


def _all_greatest(block: Block, n_steps: np.ndarray) -> bool:
    greatest = block.scores == n_steps[block.items]
    return bool((greatest if block.answered is None else greatest | ~block.answered).all())


def _refuse_unlinked_groups(sheet: Sheet) -> None:
    """Refuse groups whose items have nothing in common, directly or through other groups."""
    given = np.zeros((len(sheet.groups), len(sheet.items)), bool)
    for block in sheet.blocks:
        given[block.group, block.items] = True
    n_parts, part = connected_components(given.astype(int) @ given.T, directed=False)
    if n_parts > 1:
        groups = np.array([str(label) for label in sheet.groups])
        forms = "; ".join(
            f"{named(groups[part == number])} — задания "
            f"{named(sheet.items[given[part == number].any(axis=0)])}"
            for number in range(n_parts)
        )
        raise ValueError(
            f"Формы групп не связаны общими заданиями, и результаты несопоставимы: {forms}"
        )


def _refuse_unlinked_items(sheet: Sheet) -> None:
    """Refuse items that nobody took together, directly or through other items."""
    together = np.eye(len(sheet.items), dtype=bool)
    for block in sheet.blocks:
        places = np.ix_(block.items, block.items)
        if block.answered is None:
            together[places] = True
        else:
            given = block.answered.astype(np.float32)
            together[places] |= given.T @ given > 0
    n_parts, part = connected_components(together, directed=False)
    if n_parts > 1:
        forms = "; ".join(str(named(sheet.items[part == number])) for number in range(n_parts))
        raise ValueError(
            "Задания не связаны: их никто не выполнял вместе, ни прямо, ни через другие задания, и "
            f"результаты по ним несопоставимы: {forms}. Оцените каждую форму отдельно"
        )
