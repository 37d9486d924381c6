"""Editions that are being collected: every folder of an edition, published or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path

import pandas as pd
import param

from dashboards.choices import Choices
from nmc_utils import collecting
from nmc_utils.editions import Edition, edition, edition_keys
from nmc_utils.results import current


class Collected:
    """What has come for one edition, as its folder stands now."""

    def __init__(self, edition: Edition, today: date):
        self.edition, self.region, self.today = edition, edition.region, today

    @cached_property
    def told(self) -> pd.DataFrame:
        """Municipality × form, see `collecting.collection`."""
        return collecting.collection(self.edition, self.today)

    @cached_property
    def waiting(self) -> collecting.Unchecked:
        """What the last check has not seen."""
        return collecting.unchecked(self.edition)

    @cached_property
    def intake(self) -> dict[str, pd.DataFrame]:
        """What the last check told about its work."""
        return collecting.of_intake(self.edition)


class Collecting(Choices):
    """Which edition is looked at, of whom, in which state; `address` keeps what was chosen.

    Parameters
    ----------
    root
        Data root.
    default
        Key of the edition that is shown while none was chosen.
    """

    edition = param.String(default="", doc="region/period; empty for the default")
    sender = param.String(default="", doc="code of a municipality; empty for all")
    stage = param.String(default="", doc="state of forms; empty for all")

    def __init__(self, root: Path, default: Callable[[], str]):
        self._root, self._default = root, default
        self.today: Callable[[], date] = date.today
        super().__init__()

    @property
    def key(self) -> str:
        """The edition that is shown."""
        return self.edition or self._default()

    @cached_property
    def _read(self) -> tuple[dict[str, Edition], list[str]]:
        """Editions that have a folder; those whose definition cannot be read, and why."""
        found, unread = {}, []
        for key in edition_keys(self._root):
            try:
                found[key] = _edition(self._root, key, *_stamps(self._root, key))
            except (ValueError, OSError) as error:
                unread.append(f"{key} ({str(error).rstrip('.')})")
        return found, unread

    @property
    def unread(self) -> str:
        """Say which editions are left out and why; empty when none is."""
        unread = self._read[1]
        return f"Не показаны издания: {'; '.join(unread)}." if unread else ""

    @property
    def options(self) -> dict[str, str]:
        """How an edition is called → its key; one that is not published says so."""
        pointer = current(self._root)
        return {
            f"{edition}" + ("" if key in pointer else " — не опубликовано"): key
            for key, edition in self._read[0].items()
        }

    def collected(self) -> Collected:
        """Look at the chosen edition now."""
        editions = self._read[0]
        if self.key not in editions:
            return Collected(edition(*self.key.split("/"), self._root), self.today())  # says why
        return Collected(editions[self.key], self.today())

    def choose(self, key: str) -> None:
        """Go to an edition and forget what was chosen of the last one."""
        chosen = "" if key == self._default() else key
        self.param.update(edition=chosen, sender="", stage="")

    def restore(self, query: Mapping[str, str]) -> list[str]:
        """Take the choices from an address; return what it names wrongly."""
        key, wrong = query.get("collecting", ""), []
        if key and key not in self._read[0]:
            wrong.append(f"издания «{key}»")
            key = ""
        self.choose(key)
        names = query.get("sender"), query.get("stage")
        if not any(names) or self.key not in self._read[0]:
            return wrong
        allowed = self._read[0][self.key].region.municipality_names, collecting.STATES
        for name, value, known in zip(("sender", "stage"), names, allowed, strict=True):
            if value in known:
                self.param.update(**{name: value})
            elif value:
                wrong.append(f"значения «{value}»")
        return wrong

    def address(self) -> dict[str, str]:
        """What an address carries of these choices."""
        told = {"collecting": self.edition, "sender": self.sender, "stage": self.stage}
        return {name: value for name, value in told.items() if value}


def _stamps(root: Path, key: str) -> tuple[int, ...]:
    """When the definition files of an edition were changed."""
    home = root / "regions" / key.partition("/")[0]
    paths = home / "region.yaml", home / "published.csv", root / "regions" / key / "edition.yaml"
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)


@lru_cache(maxsize=512)  # more than the editions of a country
def _edition(root: Path, key: str, *stamps: int) -> Edition:
    return edition(*key.split("/"), root)
