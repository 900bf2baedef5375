"""How segments and measures look and are named in every chart: colours, marks, words, axes.

Belongs here: what two of the charts share. Does not belong here: any chart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any, NamedTuple

import pandas as pd
from dash import html

from serving.dashboard.components import segment_badge
from serving.dashboard.view import View
from serving.palette import Theme, segment_colour
from warehouse.wording import count, days, number, plural, round_money, short_money

Say = Callable[[Any], str]
"""Writes a value of one measure."""

_SYMBOLS = {"circle": "", "diamond": " ◆", "square": " ■", "triangle-up": " ▲", "x": " ✕"}


@dataclass(frozen=True)
class Look:
    """The segments of one drawing: their order, their colours and their marks."""

    order: tuple[str, ...]
    colours: Mapping[str, str]
    symbols: Mapping[str, str]

    @classmethod
    def of(cls, sizes: pd.DataFrame, theme: Theme) -> Look:
        """In the order of the column ``segment`` of ``sizes``."""
        colours = {name: segment_colour(name, theme) for name in sizes["segment"]}
        symbols, seen = {}, dict.fromkeys(colours.values(), 0)
        for name, colour in colours.items():
            # "At Risk" and "At Risk 2" share a colour, so their marks differ
            symbols[name] = list(_SYMBOLS)[seen[colour] % len(_SYMBOLS)]
            seen[colour] += 1
        return cls(tuple(colours), colours, symbols)

    def only(self, names: Iterable[str]) -> Look:
        """The same look of some of the segments."""
        return Look(tuple(names), self.colours, self.symbols)


class Scale(NamedTuple):
    """How a measure is named, and how its values are written and drawn."""

    title: str
    axis: str
    """Title of its axis, with the unit."""
    tick: Say
    """Writes a round value on an axis."""
    say: Say
    """Writes a value where there is little room."""
    is_log: bool = True


class Words(NamedTuple):
    """How this shop's settings name frequency and money."""

    frequency: str
    orders: str
    money: str
    currency: str

    @classmethod
    def of(cls, view: View) -> Words:
        """As the snapshot tells."""
        about = view.reading.about
        orders = about.frequency_counts
        return cls(f"Frequency ({orders})", orders, f"Money ({about.money_is})", view.currency)

    def scale(self, measure: str) -> Scale:
        """Of one of the measures by which customers are drawn."""
        axis, short = partial(round_money, currency=self.currency), partial(short_money, currency=self.currency)
        return {
            "recency_days": Scale("Recency", "Days since the last purchase", count, days, is_log=False),
            "frequency": Scale("Frequency", self.frequency, count, _often),
            "monetary": Scale("Money", f"Money, {self.currency}", axis, short),
            "clv": Scale("Expected revenue", f"Expected revenue, {self.currency}", axis, short),
        }[measure]

    def times(self, frequency: float) -> str:
        """How often, such as ``1 order`` or ``12 order lines``."""
        told = number(frequency, 0)
        return f"{told} {self.orders.removesuffix('s') if told == '1' else self.orders}"


def _often(frequency: float) -> str:
    return number(frequency, 0 if float(frequency).is_integer() else 1)


def safe(name: object) -> str:
    """A name for Plotly, which reads a little HTML: some names were typed by hand."""
    return escape(str(name), quote=False)


def legend(look: Look) -> html.Div:
    """One legend for many charts, outside of them: it wraps where a chart's own would be cut."""
    return html.Div(
        [segment_badge(name + _SYMBOLS[look.symbols[name]], look.colours[name]) for name in look.order],
        role="group",
        className="segment-legend",
        **{"aria-label": "Colours of the segments"},
    )


# ---- axes of values ------------------------------------------------------------------


class Axis:
    """One axis of values: its title, its ticks, and where values are drawn that a log scale has no place for."""

    def __init__(self, scale: Scale, values: pd.Series) -> None:
        self.say = scale.tick
        self.title = f"{scale.axis}, log scale" if scale.is_log else scale.axis
        self.given = values.astype(float)
        self.edge = log_edge(self.given) if scale.is_log else None

    @property
    def at_edge(self) -> int:
        """How many values are drawn at the edge because they lie below it."""
        return 0 if self.edge is None else int((self.given < self.edge).sum())

    def drawn(self, values: pd.Series) -> list[float]:
        """Where the values are drawn."""
        return (values if self.edge is None else values.clip(lower=self.edge)).tolist()

    def layout(self) -> dict[str, Any]:
        """Properties of Plotly's axis."""
        shown: dict[str, Any] = {"title": {"text": self.title}, "zeroline": False}
        if self.edge is None:
            return shown | {"rangemode": "tozero", "nticks": 6}
        ticks = _log_ticks(max(self.edge, float(self.given.min())), float(self.given.max()))
        return shown | {"type": "log", "tickvals": ticks, "ticktext": [self.say(tick) for tick in ticks]}

    def edge_note(self, what: str) -> str:
        """A remark on values at the edge, or nothing."""
        if not self.at_edge or self.edge is None:
            return ""
        verb = "is" if self.at_edge == 1 else "are"
        return f"{plural(self.at_edge, 'customer')} with {what} under {self.say(self.edge)} {verb} drawn at the edge."


def log_edge(values: pd.Series) -> float:
    """The lowest value that a log scale shows: 1, or a lower power of ten.

    Lower where a tenth of the values above zero lie below 1. A few that are nearly zero must not
    stretch the scale over decades in which there is nobody.
    """
    positive = values[values > 0]
    if positive.empty:
        return 1.0
    return float(min(1.0, 10.0 ** math.floor(math.log10(positive.quantile(0.1)))))


def _log_ticks(low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(max(high, low * 1.01)))
    factors = (1, 2, 5) if last - first <= 2 else (1,)
    return [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
