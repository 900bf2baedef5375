"""What a page is drawn from.

Belongs here: the one value that every page takes. Does not belong here: any page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from serving.filters import Filters
from serving.palette import TOKENS, Theme, Tokens
from serving.queries.choices import filters_of
from serving.snapshot import Reading


@dataclass(frozen=True)
class View:
    """One look at one snapshot: a page is a function of it and of nothing else."""

    reading: Reading
    filters: Filters
    theme: Theme = "light"
    argument: str = ""
    """What follows the page's path, such as a customer id."""

    @classmethod
    def of_url(cls, reading: Reading, search: str | None, theme: str | None, argument: str = "") -> View:
        """The view that an address asks for, for the page as a whole and for controls of its own."""
        return cls(reading, filters_of(reading, search), "dark" if theme == "dark" else "light", argument)

    @property
    def currency(self) -> str:
        """The shop's currency, such as ``GBP``."""
        return self.reading.about.currency

    @property
    def tokens(self) -> Tokens:
        """The colours of the theme."""
        return TOKENS[self.theme]

    def link(self, path: str, **changes: Any) -> str:
        """A page's address with the filters kept, or changed by ``changes``."""
        from dataclasses import replace

        query = replace(self.filters, problems=(), **changes).to_query()
        return f"{path}?{query}" if query else path


@dataclass(frozen=True)
class Page:
    """A page of the dashboard."""

    path: str
    """Such as ``/segments``; what follows it is the view's argument."""
    title: str
    render: Callable[[View], Any]
    register: Callable[[Any, Any], None] | None = None
    """``(dash app, snapshot reader)``: callbacks of the page's own controls."""
    is_in_menu: bool = True
    has_filters: bool = True
