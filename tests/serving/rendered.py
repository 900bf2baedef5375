"""What a page drew, for tests: its texts, figures and markup.

Belongs here: walking a tree of Dash components. Does not belong here: any page.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import plotly.graph_objects as go
from dash.development.base_component import Component


def parts(drawn: Any) -> Iterator[Any]:
    """Every component and text of a tree, parents before their children."""
    if drawn is None:
        return
    if isinstance(drawn, (list, tuple)):
        for one in drawn:
            yield from parts(one)
        return
    yield drawn
    if isinstance(drawn, Component):
        yield from parts(getattr(drawn, "children", None))


def text(drawn: Any) -> str:
    """All texts, one after the other."""
    return " ".join(str(one) for one in parts(drawn) if not isinstance(one, Component))


def figures(drawn: Any) -> dict[str, str]:
    """What is shown under each ``data-figure``.

    Raises
    ------
    AssertionError
        If one is there twice with different texts.
    """
    found: dict[str, str] = {}
    for one in parts(drawn):
        key = one.to_plotly_json()["props"].get("data-figure") if isinstance(one, Component) else None
        if key is not None:
            told = text(one.children)
            assert found.setdefault(key, told) == told, key
    return found


def of_class(drawn: Any, name: str) -> list[Any]:
    """Components with a CSS class."""
    return [one for one in parts(drawn) if name in str(getattr(one, "className", "") or "").split()]


def charts(drawn: Any) -> dict[str, go.Figure]:
    """Charts by id; raises on a property or a value that Plotly doesn't have."""
    return {one.id: go.Figure(one.figure) for one in parts(drawn) if getattr(one, "figure", None) is not None}


def links(drawn: Any) -> list[str]:
    """Addresses that a page leads to."""
    return [one.href for one in parts(drawn) if isinstance(getattr(one, "href", None), str)]
