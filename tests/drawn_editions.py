"""Small editions drawn from a 1PL model, with their truth, for tests of what is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from invented_regions import definition

from nmc_utils.measures.distributions import scored
from nmc_utils.regions import Region

SLOPE = 1.3
Forms = Mapping[str, Mapping[str, Sequence[int]]]  #: form → domain → numbers of items
#: One form, one competence, twenty items.
ONE = {"A": {"practice": range(20)}}


def region(*cuts: float, **diagnostics) -> Region:
    """The invented region with levels at these cuts."""
    content = definition("drawn")
    levels = [
        {"code": f"level_{at}", "name": f"уровень {at}", "having": f"с уровнем {at}", "up_to": cut}
        for at, cut in enumerate(cuts)
    ]
    top = {"code": "top", "name": "высший уровень", "having": "с высшим уровнем"}
    content["diagnostics"] |= {"levels": [*levels, top]} | diagnostics
    return Region.model_validate(content)


def difficulty(item: int) -> float:
    """Between −1.5 and 1, the same for an item of every form."""
    return -1.5 + 2.5 * ((item * 7) % 20) / 19


class Drawn:
    """Canonical tables of an edition, and true abilities and shares of its persons.

    `taken` has a row per form: (form, persons, mean ability). At exit everybody comes again, on
    the form that `exit_forms` gives, with `effect` more ability.
    """

    def __init__(
        self,
        seed: int,
        forms: Forms = ONE,
        taken: Sequence[tuple[str, int, float]] = (("A", 400, 0.0),),
        *,
        exit_forms: Mapping[str, str] | None = None,
        effect: float = 0.0,
        same: float = 0.8,
    ):
        self.forms, self.rng = forms, np.random.default_rng(seed)
        self.truth = pd.DataFrame()
        rows, scores = [], []
        for form, n, mean in taken:
            general = self.rng.standard_normal(n) * np.sqrt(same)
            own = {
                domain: mean + general + self.rng.standard_normal(n) * np.sqrt(1 - same)
                for domain in sorted({name for parts in forms.values() for name in parts})
            }
            waves = {"entry": (form, 0.0)}
            if exit_forms is not None:
                waves["exit"] = (exit_forms.get(form, form), effect)
            people = [f"{form}{number:04d}" for number in range(n)]
            for wave, (sat, more) in waves.items():
                for domain, items in forms[sat].items():
                    part = self._sitting(people, wave, sat, domain, items, own[domain] + more)
                    rows.append(part)
                    scores.append(part)
        self.responses = pd.concat(rows, ignore_index=True)
        keys = ["person_id", "wave", "form_id", "domain"]
        sums = pd.concat(scores).groupby(keys)["score"].agg(["sum", "size"]).reset_index()
        self.scores = sums.rename(columns={"sum": "raw_score", "size": "max_score"}).assign(
            procedure_id="own", attempt=1
        )
        items = [
            (f"{domain}-{item:02d}", form, domain, 1.0, False)
            for form, parts in forms.items()
            for domain, numbers in parts.items()
            for item in numbers
        ]
        names = ["item_id", "form_id", "domain", "max_score", "is_anchor"]
        self.items = pd.DataFrame(items, columns=names)

    def _sitting(self, people, wave, form, domain, items, theta) -> pd.DataFrame:
        b = np.array([difficulty(item) for item in items])
        chance = 1 / (1 + np.exp(-SLOPE * (theta[:, None] - b)))
        right = (self.rng.random(chance.shape) < chance).astype(float)
        keys = {"wave": wave, "form_id": form, "domain": domain}
        true = pd.DataFrame({"person_id": people, "theta": theta, "share": chance.mean(axis=1)})
        self.truth = pd.concat([self.truth, true.assign(**keys)], ignore_index=True)
        names = [f"{domain}-{item:02d}" for item in items]
        wide = pd.DataFrame(right, index=pd.Index(people, name="person_id"), columns=names)
        long = wide.melt(ignore_index=False, var_name="item_id", value_name="score").reset_index()
        return long.assign(**keys)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """With the answers, without a table of forms."""
        return {
            "scores": self.scores,
            "responses": self.responses.drop(columns="domain"),
            "items": self.items,
        }

    def totals_only(self, reliability: float | None = 0.8) -> dict[str, pd.DataFrame]:
        """Scores alone, and a table of forms that states this reliability of every domain."""
        rows = self.items.groupby(["form_id", "domain"]).size().rename("n_items").reset_index()
        source = None if reliability is None else "паспорт теста"
        told = {"reliability": reliability, "reliability_source": source}
        forms = rows.assign(procedure_id="own", max_score=rows["n_items"], **told)
        return {"scores": self.scores, "forms": forms}


def results_of(tables: Mapping[str, pd.DataFrame], of: Region) -> pd.DataFrame:
    return scored(tables, of)


def shuffled(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The same tables with their rows in another order."""
    return {name: table.sample(frac=1, random_state=5) for name, table in tables.items()}


def constant(tables: dict[str, pd.DataFrame], item: str, score: float) -> dict[str, pd.DataFrame]:
    """The same edition with one score of everybody for an item."""
    rows = tables["responses"].copy()
    rows.loc[rows["item_id"] == item, "score"] = score
    domain = tables["items"].set_index("item_id")["domain"].groupby(level=0).first()
    keys = ["person_id", "wave", "form_id", "domain"]
    sums = rows.assign(domain=rows["item_id"].map(domain)).groupby(keys)["score"].sum()
    scores = tables["scores"].drop(columns="raw_score").join(sums.rename("raw_score"), on=keys)
    return tables | {"responses": rows, "scores": scores}
