"""Colours and type: one palette, with a fixed colour for each kind of segment.

Belongs here: every colour and font that people see, for the light and the dark theme.
Does not belong here: what is drawn with them.

The ten series colours are Paul Tol's *muted* scheme, made to be told apart by
colour-blind readers (Tol, Colour Schemes, SRON/EPS/TN/09-002, 2021), some of them
lightened for the dark theme. Texts reach a contrast of 4.5 to 1 on their ground.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Theme = Literal["light", "dark"]

FONT = 'Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
"""The machine's own: no font is fetched."""


@dataclass(frozen=True)
class Tokens:
    """The named colours of one theme, as ``#rrggbb``."""

    ground: str
    surface: str
    border: str
    grid: str
    text: str
    muted: str
    accent: str
    good: str
    bad: str
    warning: str
    neutral: str
    """A series beside the main one: a past year, the rest."""


# name of the colour: light, dark
_TOKENS: Mapping[str, tuple[str, str]] = {
    "ground": ("#f6f7f9", "#12161c"),
    "surface": ("#ffffff", "#1b2129"),
    "border": ("#dfe3e8", "#303a46"),
    "grid": ("#eceff3", "#28313b"),
    "text": ("#1b2430", "#e8edf2"),
    "muted": ("#566272", "#a3afbd"),
    "accent": ("#1f5fbf", "#7fb0ff"),
    "good": ("#1a7f4b", "#5fd39a"),
    "bad": ("#b3261e", "#ff8a80"),
    "warning": ("#8a5300", "#ffc46b"),
    "neutral": ("#9aa5b1", "#7c8896"),
}
TOKENS: Mapping[Theme, Tokens] = {
    theme: Tokens(**{name: pair[at] for name, pair in _TOKENS.items()}) for at, theme in enumerate(get_args(Theme))
}

# name of the segment: light, dark. RFM segments from the best down, so that a step up is a step to the better; then
# clusters, which never stand beside them
_SEGMENTS: Mapping[str, tuple[str, str]] = {
    "Champions": ("#117733", "#4fbf78"),
    "Loyal": ("#44aa99", "#6fd0c0"),
    "Potential Loyalist": ("#999933", "#c9c95a"),
    "New": ("#88ccee", "#a9ddf7"),
    "Promising": ("#ddaa33", "#f0c75e"),
    "Need Attention": ("#5b7fd6", "#8eaaf0"),
    "About To Sleep": ("#aa4499", "#d57fc8"),
    "Can't Lose": ("#882255", "#d9699b"),
    "At Risk": ("#cc6677", "#ea8f9d"),
    "Hibernating": ("#332288", "#9486e0"),
    "Lost": ("#8c8c94", "#a6a6b0"),
    "Frequent buyers": ("#117733", "#4fbf78"),
    "Big spenders": ("#44aa99", "#6fd0c0"),
    "Good spenders": ("#999933", "#c9c95a"),
    "Active customers": ("#ddaa33", "#f0c75e"),
    "Modest spenders": ("#88ccee", "#a9ddf7"),
    "Repeat buyers": ("#5b7fd6", "#8eaaf0"),
    "Small spenders": ("#aa4499", "#d57fc8"),
    "Overdue customers": ("#cc6677", "#ea8f9d"),
    "Lapsed customers": ("#882255", "#d9699b"),
    "One-time buyers": ("#332288", "#9486e0"),
}

# for clusters that no name fits, and "All Customers"
_OTHERS = (("#6b7280", "#9ca3af"), ("#0077bb", "#66b2e0"), ("#ee7733", "#ffa974"), ("#009988", "#4fc7ba"))

SEQUENTIAL: Mapping[Theme, list[str]] = {
    "light": ["#f1f6fd", "#c6dcf5", "#8fbbe8", "#4f8fd3", "#1f5fbf", "#123a78"],
    "dark": ["#1b2129", "#1f3a5f", "#2a5a94", "#4380c4", "#7fb0ff", "#cfe2ff"],
}
"""From little to much."""

INDEX_ENDS: Mapping[Theme, tuple[str, str]] = {"light": ("#e9a23b", "#6aa5e0"), "dark": ("#8a5a10", "#2f66a8")}
"""Less and more than the middle."""

BAR_EDGE = "#E5ECF6"
"""The hairline around a bar."""


def direction_colours(theme: Theme) -> dict[str, str]:
    """The colours of a spike, a drop and a silence, on pages and in the report; lists of days have them by CSS."""
    tokens = TOKENS[theme]
    return {"spike": tokens.warning, "drop": tokens.bad, "silence": tokens.text}


def segment_colour(segment: str, theme: Theme = "light", *, kind: str | None = None) -> str:
    """The one colour of a segment, on every page and in the report.

    Parameters
    ----------
    segment
        Its name. A second segment of a kind is named after it ("At Risk 2") and shares its colour.
    kind
        Its kind, where the name was given by hand.
    """
    position = 0 if theme == "light" else 1
    for name in (kind, segment):
        if name is None:
            continue
        if name in _SEGMENTS:
            return _SEGMENTS[name][position]
        # "At Risk 2", "At Risk (higher spend)": the longest kind that begins the name
        begun = [known for known in _SEGMENTS if name.startswith(known + " ")]
        if begun:
            return _SEGMENTS[max(begun, key=len)][position]
    # by its letters, not by its place in a list: the colour stays when others come and go
    return _OTHERS[sum(segment.encode()) % len(_OTHERS)][position]


def kind_colours(theme: Theme = "light") -> dict[str, str]:
    """The colour of every kind of segment that has one of its own, in the palette's order."""
    return {kind: pair[0 if theme == "light" else 1] for kind, pair in _SEGMENTS.items()}
