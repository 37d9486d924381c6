"""Some cases in `make test`, all of them in `make test-long`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest


def sampled(cases: Collection[Any], n: int) -> list[Any]:
    """`cases` for `parametrize`; `n` of them, spread evenly, in `make test`, the rest are long."""
    always = {round(step * (len(cases) - 1) / max(n - 1, 1)) for step in range(n)}
    return [
        case if number in always else pytest.param(*_values(case), marks=pytest.mark.long)
        for number, case in enumerate(cases)
    ]


def _values(case: Any) -> tuple[Any, ...]:
    if hasattr(case, "values") and hasattr(case, "marks"):
        raise TypeError("sample cases, and mark or name them in `parametrize`")
    return case if isinstance(case, tuple) else (case,)
