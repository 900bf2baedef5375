"""What a page is drawn from, and drawn anew by its own controls.

Belongs here: the one value that every page takes, and what a page is. Does not belong here: any page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from dash import Dash, Input, Output, State

from serving.filters import Filters
from serving.palette import TOKENS, Theme, Tokens
from serving.queries.choices import filters_of
from serving.roles import caller_of_page
from serving.security import EVERY_ROLE
from serving.snapshot import Reading, SnapshotReader
from warehouse import wording
from warehouse.settings import Role


@dataclass(frozen=True)
class View:
    """One look at one snapshot: a page is a function of it and of nothing else."""

    reading: Reading
    filters: Filters
    theme: Theme = "light"
    argument: str = ""
    """What follows the page's path, such as a customer id."""
    roles: frozenset[Role] = EVERY_ROLE
    """Of who looks: a page offers nobody what would be refused."""

    @classmethod
    def of_url(cls, reading: Reading, search: str | None, theme: str | None, argument: str = "") -> View:
        """The view that an address asks for, for the page as a whole and for controls of its own; in a callback."""
        shown: Theme = "dark" if theme == "dark" else "light"
        return cls(reading, filters_of(reading, search), shown, argument, caller_of_page().roles)

    @property
    def currency(self) -> str:
        """The shop's currency, such as ``GBP``."""
        return self.reading.about.currency

    def money(self, value: float | Decimal | None, *, pence: bool | None = None) -> str:
        """An amount in the shop's currency; see :func:`warehouse.wording.money`."""
        return wording.money(value, self.currency, pence=pence)

    def short_money(self, value: float | Decimal | None) -> str:
        """An amount to three digits."""
        return wording.short_money(value, self.currency)

    def round_money(self, value: float) -> str:
        """A round amount, as on an axis."""
        return wording.round_money(value, self.currency)

    @property
    def tokens(self) -> Tokens:
        """The colours of the theme."""
        return TOKENS[self.theme]

    def link(self, path: str, **changes: Any) -> str:
        """A page's address with the filters kept, or changed by ``changes``."""
        query = replace(self.filters, problems=(), **changes).to_query()
        return f"{path}?{query}" if query else path


Register = Callable[[Dash, SnapshotReader], None]
"""Adds the callbacks of a page's own controls."""


def redrawn(*parts: tuple[str, tuple[str, ...], Callable[..., Any]]) -> Register:
    """Callbacks that draw parts of a page anew; the page is complete before any of them has run.

    Parameters
    ----------
    parts
        The id of a part, the controls whose values it depends on (``overview-grain.value``), and a function from
        :class:`View` and these values to what is in it.
    """

    def register(app: Dash, reader: SnapshotReader) -> None:
        for part, controls, draw in parts:
            inputs = [Input(*control.split(".")) for control in controls]
            given = [*inputs, State("url", "search"), State("theme", "data")]
            app.callback(Output(part, "children"), *given, prevent_initial_call=True)(_drawn_by(reader, draw))

    return register


def _drawn_by(reader: SnapshotReader, draw: Callable[..., Any]) -> Callable[..., Any]:
    def answer(*given: Any) -> Any:
        *values, search, theme = given
        with reader.reading() as reading:
            return draw(View.of_url(reading, search, theme), *values)

    return answer


@dataclass(frozen=True)
class Page:
    """A page of the dashboard."""

    path: str
    """Such as ``/segments``; what follows it is the view's argument."""
    title: str
    render: Callable[[View], Any]
    register: Register | None = None
    has_filters: bool = True
