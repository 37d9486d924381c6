"""Answers to the items of one competence as a matrix: who took which form, what was answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Answers:
    """Answers of one procedure, wave and domain.

    Attributes
    ----------
    responses
        Persons × items, scores of items. An item of the own form that was left blank scores 0, as
        it does in the raw score; missing is an item that the own form does not have.
    form
        Form by person.
    items
        By item: `max_score` and `is_anchor`.
    forms
        Form × item: whether the form has the item.
    """

    responses: pd.DataFrame
    form: pd.Series
    items: pd.DataFrame
    forms: pd.DataFrame

    def of_form(self, form: str) -> pd.DataFrame:
        """Responses of those who took a form, to its items alone."""
        return self.responses.loc[self.form.eq(form), self.forms.loc[form]]

    def labelled(self, prefix: str) -> Answers:
        """The same with `prefix` before every person and form; items keep their names."""
        label = prefix.__add__
        return Answers(
            self.responses.rename(index=label),
            self.form.map(label).rename(index=label),
            self.items,
            self.forms.rename(index=label),
        )


Key = tuple[str, str, str]  #: procedure, wave, domain
_TEXT = ("person_id", "wave", "form_id", "item_id")


def all_answers(tables: Mapping[str, pd.DataFrame], results: pd.DataFrame) -> dict[Key, Answers]:
    """Answers of each procedure, wave and domain of which they were sent."""
    if "responses" not in tables or "items" not in tables:
        return {}
    # Looking up in text columns of Arrow is many times slower than in plain ones.
    rows = tables["responses"].astype(dict.fromkeys(_TEXT, "object"))
    by_wave = dict(tuple(rows.groupby("wave")))
    found = {}
    for (procedure, wave, domain), part in results.groupby(
        ["procedure", "wave", "domain"], observed=True
    ):
        if wave in by_wave:
            mine = {"items": tables["items"], "responses": by_wave[wave]}
            found[procedure, wave, str(domain)] = answers(mine, part)
    return {key: sent for key, sent in found.items() if sent is not None}


def answers(tables: Mapping[str, pd.DataFrame], results: pd.DataFrame) -> Answers | None:
    """Arrange the answers to the items of a domain; None where none were sent.

    Parameters
    ----------
    tables
        Canonical tables, of which `responses` and `items` are used.
    results
        Of `scored`, of one procedure, wave and domain: who has a result, and on which form.

    Raises
    ------
    ValueError
        `results` are not of one procedure, wave and domain.
    """
    keys = results[["procedure", "wave", "domain"]].drop_duplicates()
    if len(keys) != 1:
        raise ValueError("answers are arranged for one procedure, wave and domain")
    if "responses" not in tables or "items" not in tables:
        return None
    form = results.dropna(subset="raw_score").set_index("person_id")["form_id"].sort_index()
    items = tables["items"]
    items = items[items["form_id"].isin(form.unique()) & items["domain"].eq(keys["domain"].iloc[0])]
    rows = tables["responses"]
    rows = rows[rows["wave"].eq(keys["wave"].iloc[0]) & rows["item_id"].isin(items["item_id"])]
    rows = rows[rows["form_id"].eq(rows["person_id"].map(form))]
    if rows.empty:
        return None
    form = form[form.index.isin(rows["person_id"].unique())]
    forms = pd.crosstab(items["form_id"], items["item_id"]).astype(bool)
    given = rows.pivot(index="person_id", columns="item_id", values="score")
    given = given.reindex(index=form.index, columns=forms.columns).fillna(0.0)
    has = forms.loc[form].set_axis(form.index)
    about = items.drop_duplicates("item_id").set_index("item_id").sort_index()
    return Answers(given.where(has), form, about[["max_score", "is_anchor"]], forms)
