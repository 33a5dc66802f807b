"""Rows of equal panels with a colour bar at the end of each, and what stands around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from catholyte.plot.style import Colour, panel_figure

CURRENT_MAP = "inferno"

#: decades of current density that a map may span
_DECADES = 4.0


@dataclass(frozen=True, eq=False)
class Row:
    """Images that share a colour scale, a moment each.

    Attributes
    ----------
    images
        Their values.
    norm, map_name
        The scale and the name of its colour map.
    label
        What the scale shows.
    """

    images: list[NDArray[np.floating]]
    norm: Normalize
    map_name: str
    label: str


def panel_grid(n_rows: int, n_columns: int, height_to_width: float) -> tuple[Figure, list[list[Axes]], list[Axes]]:
    """Return a figure of equal panels with a colour bar at the end of each row."""
    left, right, bottom, top, gap = 0.6, 1.05, 0.85, 0.62, 0.14
    width = 1.95 if n_columns > 1 else 3.2
    height = min(max(width * height_to_width, 0.5), 1.6 * width)
    width = min(width, height / height_to_width)
    total_width = left + n_columns * width + (n_columns - 1) * gap + right
    total_height = bottom + n_rows * height + (n_rows - 1) * gap + top
    figure, place = panel_figure(total_width, total_height)
    grid, bars = [], []
    for row in range(n_rows):
        y = bottom + (n_rows - 1 - row) * (height + gap)
        grid.append([place(left + column * (width + gap), y, width, height) for column in range(n_columns)])
        bars.append(place(total_width - right + 0.12, y, 0.12, height))
    return figure, grid, bars


def colour_bar(figure: Figure, axes: Axes, row: Row) -> None:
    """Draw the scale of a row."""
    logarithmic = isinstance(row.norm, LogNorm)
    extend = "both" if logarithmic else "neither"
    bar = figure.colorbar(ScalarMappable(row.norm, row.map_name), cax=axes, extend=extend)
    bar.set_label(row.label)
    if logarithmic:
        low, high = axes.get_ylim()
        narrow = high < 30.0 * low
        bar.ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        bar.ax.yaxis.set_minor_formatter(NullFormatter())


def current_limits(images: Sequence[NDArray[np.floating]]) -> tuple[float, float] | None:
    """Return the ends of the scale, by percentiles of all images; None where no current flows."""
    values = np.concatenate([image[np.isfinite(image) & (image > 0.0)] for image in images])
    if not values.size:
        return None
    low, high = (float(value) for value in np.percentile(values, [2.0, 99.5]))
    low = max(low, high / 10.0**_DECADES)
    return (low, high) if high > 1.05 * low else (low / 3.0, high * 3.0)


def phase_legend(figure: Figure, colours: Mapping[str, Colour]) -> None:
    """Name the flat colours below the axes."""
    patches = [
        Patch(facecolor=colour, edgecolor="black", linewidth=0.4, label=name) for name, colour in colours.items()
    ]
    if patches:
        managed = figure.get_layout_engine() is not None
        place: Literal["outside lower center", "lower center"] = "outside lower center" if managed else "lower center"
        figure.legend(handles=patches, loc=place, ncols=min(len(patches), 5))
