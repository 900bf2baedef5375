"""How the pictures of the models' evidence look, and how they become bytes.

Belongs here: colours, the frame of an axis, a figure as PNG. Does not belong here: what is
drawn (:mod:`ml.segment_plots`, :mod:`ml.anomaly_plots`, :mod:`ml.value_plots`), where it is shown.

Drawn through matplotlib's objects, without its global state: in any thread and without a
display. Everything is set on the artists, so no style of the process is changed.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, LINE, CHOSEN = "#334155", "#2563eb", "#dc2626"
MUTED, GRID = "#94a3b8", "#e2e8f0"
_COLOURS = 128


def new_figure(width_inches: float, height_inches: float) -> Figure:
    """Make an empty figure of 100 dots per inch that finds room for its labels itself."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_inches, height_inches), dpi=100, layout="constrained")


def dress(axis: Axes) -> None:
    """Give an axis the grid, ticks and frame that all have in common."""
    axis.grid(visible=True, color=GRID, linewidth=0.8)
    axis.set_axisbelow(True)
    axis.tick_params(labelsize=8, colors=INK)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def as_png(figure: Figure) -> bytes:
    """Draw a figure as a small PNG; equal figures give equal bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    # few colours serve: a third of the bytes, and this travels inside metadata. Chosen by how far
    # apart they are: chosen by how many dots have them, small markers get the colour of a line
    small = io.BytesIO()
    drawn.quantize(colors=_COLOURS, method=Image.Quantize.MAXCOVERAGE).save(small, format="png", optimize=True)
    return small.getvalue()
