"""The proven bound of tiny families, where a solver's false claim would show at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from seminar_search import Search

from nmc_utils.measures.seminars import seminar_groups


def frame(rows: list[list[float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, [f"p{i}" for i in range(len(rows))], list("abc")[: len(rows[0])])


@pytest.mark.parametrize(
    ("rows", "options", "best"),
    [
        # Each alone on one topic: .93 and .84 less a third of what they do not need.
        (
            [[0.17, 0.84], [0.93, 0.13]],
            {"size": (1, 2), "topics": 2, "unneeded_cost": 0.333},
            0.93 - 0.333 * 0.07 + 0.84 - 0.333 * 0.16,
        ),
        ([[1, 0, 0], [0, 0, 1], [1, 0, 1], [0, 0, 0], [1, 0, 0]], {"size": (1, 3)}, 5.0),
    ],
)
def test_the_best_plan_of_few_people_is_found(rows, options, best):
    plan = seminar_groups(frame(rows), **options)
    assert plan.utility == pytest.approx(best, abs=1e-5)
    assert plan.bound >= best - 1e-9


@pytest.mark.parametrize(
    "block", [pytest.param(b, marks=pytest.mark.long if b >= 6 else ()) for b in range(60)]
)
def test_no_tiny_family_has_a_better_plan_than_the_bound(block):
    rng = np.random.default_rng(block)
    for _ in range(50):
        people, domains = int(rng.integers(2, 7)), int(rng.integers(2, 4))
        if rng.random() < 0.5:
            needs = rng.integers(0, 2, (people, domains)).astype(float)
        else:
            needs = rng.random((people, domains)).round(2)
        least = int(rng.integers(1, 3))
        size = (least, least + int(rng.integers(0, 3)))
        topics, cost = int(rng.integers(1, 3)), float(rng.choice([0.0, 0.3, 0.5, 1.0]))
        request = {"size": size, "topics": topics, "unneeded_cost": cost}
        request["deficits"] = frame(needs.tolist())
        plan = seminar_groups(**request)
        best, _ = Search(request).best()
        assert plan.bound >= best - 1e-9, request
        assert plan.utility == pytest.approx(best, abs=2e-5 + 1e-3 * best)
