"""One module per page.

Belongs here: the pages in the order of the menu. Does not belong here: the frame around them.
"""

from __future__ import annotations

from importlib import import_module

from serving.dashboard.view import Page

_MODULES = ("overview", "segments", "customers", "playbooks", "anomalies", "health", "classify")


def all_pages() -> tuple[Page, ...]:
    """Every page, in the order of the menu."""
    import importlib.util  # TEMPORARY until every page is there

    found = [name for name in _MODULES if importlib.util.find_spec(f"{__name__}.{name}")]
    return tuple(import_module(f"{__name__}.{name}").PAGE for name in found)
