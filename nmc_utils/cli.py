"""The `nmc` command. Exit codes: 0 done, 1 failed, 2 wrong use, 3 done but rows were held out."""

from __future__ import annotations

from nmc_utils.commands import (  # noqa: F401  each registers its commands
    collecting,
    data,
    new_period,
    papers,
    people,
    results,
    running,
)
from nmc_utils.commands.base import app

__all__ = ["app"]

if __name__ == "__main__":
    app(prog_name="nmc")
