"""Every plan of seminar groups that a tiny request allows: the oracle of the optimiser."""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np

#: Utilities are whole numbers of this part: tiny requests have chances and costs on such steps.
PART = 1000


class Search:
    """Greatest utility, then most people kept, over every plan of a one-family request.

    Groups are built one at a time around the first person who is still free; groups named in
    `fixed` are placed before. Knows nothing of profiles and linear programmes.
    """

    def __init__(self, request: dict) -> None:
        deficits, cost = request["deficits"], request["unneeded_cost"]
        self.persons, self.size = list(deficits.index), request["size"]
        gain = np.rint(PART * (deficits - cost * (1 - deficits)).to_numpy()).astype(int)
        self.gain = dict(zip(deficits.columns, gain.T.tolist(), strict=True))
        barred = request.get("barred", {}).get("all", ())
        open_ = [domain for domain in deficits.columns if domain not in barred]
        self.sets = [c for k in range(request["topics"]) for c in combinations(open_, k + 1)]
        leaders = request.get("leaders")
        self.lead = None if leaders is None else [set(own) for own in leaders["deficits"]]
        self.loads = () if leaders is None else tuple(leaders["max_groups"])
        self._read_last(request)
        self.worth = cache(self._worth)

    def _read_last(self, request: dict) -> None:
        """Who sat where; which groups must, may or must not open."""
        was, self.last_topics, pairs = {}, {}, []
        if "previous" in request:
            last = request["previous"]
            seated = last.members.dropna(subset="group_id")
            was = dict(zip(seated["person_id"], seated["group_id"], strict=True))
            topics = map(frozenset, last.groups["topics"])
            self.last_topics = dict(zip(last.groups["group_id"], topics, strict=True))
        if "fixed" in request:
            rows = request["fixed"][["person_id", "group_id", "pinned"]].itertuples(index=False)
            pairs = [(self.persons.index(person), *row) for person, *row in rows]
        self.was = [was.get(person) for person in self.persons]
        self.pins = {i: group for i, group, pinned in pairs if pinned}
        self.bans = {(i, group) for i, group, pinned in pairs if not pinned}
        self.named = sorted({group for _, group, _ in pairs})

    @property
    def n_seated_before(self) -> int:
        """Persons with a group in the last plan."""
        return sum(group is not None for group in self.was)

    def best(self) -> tuple[float, int] | None:
        """(utility, kept); None where the pins cannot be held."""
        everyone = frozenset(range(len(self.persons)))
        results = []
        for n in range(len(self.named) + 1):
            for opened in combinations(self.named, n):
                if set(self.pins.values()) <= set(opened):
                    closed = set(self.named) - set(opened)
                    self.closed = {self.last_topics[group] for group in closed}
                    self.rest = cache(self._rest)
                    results.append(self._placed(opened, everyone, self.loads))
        utility, kept = max((r for r in results if r is not None), default=(None, 0))
        return None if utility is None else (utility / PART, kept)

    def _worth(self, group: tuple, topics: tuple) -> int:
        return sum(self.gain[topic][i] for i in group for topic in topics)

    def _kept(self, group: tuple, label: str | None) -> int:
        return sum(label is not None and self.was[i] == label for i in group)

    def _after(self, topics: tuple, loads: tuple) -> list[tuple]:
        """Loads that are left after each leader who could lead these topics."""
        if self.lead is None:
            return [loads]
        return [
            (*loads[:i], load - 1, *loads[i + 1 :])
            for i, load in enumerate(loads)
            if load and not self.lead[i] & set(topics)
        ]

    def _placed(self, named: tuple, left: frozenset, loads: tuple) -> tuple[int, int] | None:
        """The named groups one after another, then everything else."""
        if not named:
            labels = frozenset(self.last_topics) - set(self.named)
            return self.rest(left.difference(self.pins), loads, labels)
        label, topics = named[0], tuple(self.last_topics[named[0]])
        pinned = {i for i, group in self.pins.items() if group == label}
        may = sorted(i for i in left.difference(self.pins) if (i, label) not in self.bans)
        results = []
        for n in range(self.size[0], self.size[1] + 1):
            for others in combinations(may, n - len(pinned)) if n >= len(pinned) else ():
                group = tuple(sorted(pinned | set(others)))
                for after in self._after(topics, loads):
                    rest = self._placed(named[1:], left - set(group), after)
                    if rest is not None:
                        worth, kept = self.worth(group, topics), self._kept(group, label)
                        results.append((worth + rest[0], kept + rest[1]))
        return max(results, default=None)

    def _rest(self, left: frozenset, loads: tuple, labels: frozenset) -> tuple[int, int]:
        """Free people in groups of any topics that are not closed, with any label left or none."""
        if not left:
            return 0, 0
        first, others = min(left), sorted(left - {min(left)})
        result = self.rest(left - {first}, loads, labels)
        for n in range(self.size[0], self.size[1] + 1):
            for more in combinations(others, n - 1):
                group = (first, *more)
                remaining = left - set(group)
                names = {None} | {self.was[i] for i in group} & labels
                for after, worth in self._ways(group, loads).items():
                    for label in names:
                        rest = self.rest(remaining, after, labels - {label})
                        result = max(result, (worth + rest[0], self._kept(group, label) + rest[1]))
        return result

    def _ways(self, group: tuple, loads: tuple) -> dict[tuple, int]:
        """Loads that are left, and the most that the group can then bring."""
        ways = {}
        for topics in self.sets:
            if frozenset(topics) not in self.closed:
                worth = self.worth(group, topics)
                for after in self._after(topics, loads):
                    ways[after] = max(ways.get(after, worth), worth)
        return ways
