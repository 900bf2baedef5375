"""One module per page.

Belongs here: the pages in the order of the menu. Does not belong here: the frame around them.
"""

from __future__ import annotations

from importlib import import_module

from serving.dashboard.view import Page

_MODULES = (
    "overview",
    "countries",
    "segments",
    "customers",
    "playbooks",
    "anomalies",
    "clusters",
    "figures",
    "health",
    "classify",
)


def all_pages() -> tuple[Page, ...]:
    """Every page, in the order of the menu."""
    return tuple(import_module(f"{__name__}.{name}").PAGE for name in _MODULES)
