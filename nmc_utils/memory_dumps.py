"""No dumps of memory: names of people may be in it when a process crashes."""

from __future__ import annotations

import sys
from contextlib import suppress


def forbid() -> None:
    """Let neither this process nor what it starts leave a dump, where the system can be told.

    Windows keeps none unless its administrator has asked for them. Linux gives a dump to a program
    that collects dumps whatever the limit is, but for a limit of one byte.
    """
    with suppress(ImportError):
        import resource

        least = 1 if sys.platform == "linux" else 0
        with suppress(ValueError, OSError):  # it was limited more from outside
            resource.setrlimit(resource.RLIMIT_CORE, (least, least))
