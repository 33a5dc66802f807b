"""How all pictures look: fonts, line widths, colours, and the making of a figure.

Figures are made without pyplot, so that no backend is chosen for the caller and nothing stays behind in a
global list. The style holds only while :func:`styled` is open.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

DPI = 300

#: a name, or red, green, blue and opacity from 0 to 1
Colour: TypeAlias = str | tuple[float, float, float, float]

#: colours that stay apart for the colour-blind (Okabe & Ito 2008, https://jfly.uni-koeln.de/color/)
OKABE_ITO = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
}

#: lines and bands of the equilibrium and of other things to compare with
REFERENCE = "#6B6B6B"

_RC: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "axes.linewidth": 0.7,
    "axes.labelpad": 4.0,
    "axes.xmargin": 0.0,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.borderaxespad": 0.6,
    "hatch.linewidth": 0.5,
    "figure.dpi": 100.0,
    "savefig.dpi": DPI,
    "pdf.fonttype": 42,
}


def styled() -> AbstractContextManager[None]:
    """Return the context in which figures are made and saved; after it the caller's settings are back."""
    return matplotlib.rc_context(_RC)


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches, with room left for what stands around its axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def panel_figure(width: float, height: float) -> tuple[Figure, Callable[[float, float, float, float], Axes]]:
    """Return an empty figure, and what makes axes in it from left, bottom, width and height in inches.

    Automatic layouts leave gaps around panels of a fixed aspect.
    """
    figure = new_figure(width, height)
    figure.set_layout_engine("none")
    return figure, lambda x, y, w, h: figure.add_axes((x / width, y / height, w / width, h / height))


def sequence(number: int) -> list[Colour]:
    """Return colours for so many things in a row (cycles, moments), evenly spaced to the eye."""
    if number == 1:
        return [matplotlib.colors.to_rgba(OKABE_ITO["blue"])]
    colours: NDArray[np.float64] = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.8, number))
    return [(float(r), float(g), float(b), float(a)) for r, g, b, a in colours]


def open_frame(axes: Axes) -> None:
    """Leave only the axes that carry a scale."""
    axes.spines[["top", "right"]].set_visible(False)


def length_unit(length: float) -> tuple[float, str]:
    """Return the factor from metres, and the name of the unit, in which a length of this size is read."""
    return (1e9, "nm") if length < 1e-6 else (1e6, "µm")


def pale(colour: str) -> Colour:
    """Return a colour so light that lines can be read on it."""
    red, green, blue = matplotlib.colors.to_rgb(colour)
    return (0.7 + 0.3 * red, 0.7 + 0.3 * green, 0.7 + 0.3 * blue, 1.0)


def typeset(unit: str) -> str:
    """Write mAh/cm2 as mAh cm⁻²."""
    over, _, under = unit.partition("/")
    for digit, raised in (("2", "⁻²"), ("3", "⁻³")):
        if under.endswith(digit):
            return f"{over} {under[:-1]}{raised}"
    return f"{over} {under}⁻¹" if under else over
