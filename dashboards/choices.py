"""What a session has chosen, and what is drawn anew when a choice changes."""

from __future__ import annotations

from collections.abc import Callable

import param


class Choices(param.Parameterized):
    """Choices that a page may follow until it is left."""

    def __init__(self, **params: object):
        self._followed: list[param.parameterized.Watcher] = []
        super().__init__(**params)

    def follow(self, draw: Callable[[], None], *names: str) -> None:
        """Draw now and whenever one of the choices changes, until the page is left."""
        draw()
        self._followed.append(self.param.watch(lambda *_: draw(), list(names)))

    def leave(self) -> None:
        """Forget what the page followed."""
        for watcher in self._followed:
            self.param.unwatch(watcher)
        self._followed.clear()
