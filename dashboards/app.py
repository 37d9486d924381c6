"""The app: `panel serve dashboards/app.py` in the checkout. Everything comes from this machine."""

from __future__ import annotations

from dashboards.shell import application

application().servable()
