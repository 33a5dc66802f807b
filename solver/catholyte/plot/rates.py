"""Rate capability and Ragone plot of one or several runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from catholyte.evaluation.basis import Basis
from catholyte.evaluation.rates import RatePoint
from catholyte.plot.style import OKABE_ITO, new_figure, open_frame, styled, typeset

Series = Mapping[str, Sequence[tuple[RatePoint, Basis]]]

_COLOURS = [OKABE_ITO[name] for name in ("blue", "vermilion", "green", "orange", "purple", "sky", "black")]
_MARKERS = "osD^v<>"

#: ticks within a decade, for axes of less than one, of one or two, and of more
_TICKS = ((1.0, 2.0, 3.0, 4.0, 5.0, 7.0), (1.0, 2.0, 5.0), (1.0,))


def series(points: Sequence[RatePoint], basis: Sequence[Basis]) -> Series:
    """Return the points in lines: one a result if each has several currents, else one of all of them."""
    together = list(zip(points, basis, strict=True))
    names = list(dict.fromkeys(point.result for point in points))
    by_name = {name: [entry for entry in together if entry[0].result == name] for name in names}
    several = len(names) > 1 and all(len(entries) > 1 for entries in by_name.values())
    lines = by_name if several or len(names) == 1 else {"": together}
    return {name: sorted(entries, key=lambda entry: entry[0].current_density) for name, entries in lines.items()}


def rate_capability(lines: Series, direction: str) -> Figure:
    """Draw the capacity against the C-rate, or the current density where a result does not know its 1C."""
    every = [entry for entries in lines.values() for entry in entries]
    rated = all(np.isfinite(point.c_rate) for point, _ in every)
    with styled():
        figure = new_figure(4.4, 3.3)
        axes = figure.add_subplot()
        for k, (name, entries) in enumerate(lines.items()):
            x = [point.c_rate if rated else 0.1 * point.current_density for point, _ in entries]
            _line(axes, x, [basis.capacity(point.charge) for point, basis in entries], k, name)
        _log_axis(axes, "x", [line.get_xdata() for line in axes.lines])
        axes.set_ylim(bottom=0.0, top=1.08 * axes.dataLim.y1)
        axes.set_xlabel("C-rate (h⁻¹)" if rated else "Current density (mA cm⁻²)")
        axes.set_ylabel(f"{direction.capitalize()} capacity ({typeset(every[0][1].capacity_unit)})")
        axes.set_title(every[0][1].words)
        _finish(axes, lines)
    return figure


def ragone(lines: Series) -> Figure:
    """Draw energy against mean power, both on logarithmic scales."""
    every = [entry for entries in lines.values() for entry in entries]
    with styled():
        figure = new_figure(4.4, 3.3)
        axes = figure.add_subplot()
        for k, (name, entries) in enumerate(lines.items()):
            power = [basis.power(point.power) for point, basis in entries]
            _line(axes, power, [basis.energy(point.energy) for point, basis in entries], k, name)
        _log_axis(axes, "x", [line.get_xdata() for line in axes.lines])
        _log_axis(axes, "y", [line.get_ydata() for line in axes.lines])
        axes.set_xlabel(f"Mean power ({typeset(every[0][1].power_unit)})")
        axes.set_ylabel(f"Energy ({typeset(every[0][1].energy_unit)})")
        axes.set_title(every[0][1].words)
        _finish(axes, lines)
    return figure


def _line(axes: Axes, x: Sequence[float], y: Sequence[float], k: int, name: str) -> None:
    colour, marker = _COLOURS[k % len(_COLOURS)], _MARKERS[k % len(_MARKERS)]
    axes.plot(x, y, f"{marker}-", color=colour, markersize=4.5, label=name)


def _log_axis(axes: Axes, which: str, data: Sequence[object]) -> None:
    """Make an axis logarithmic, a little wider than the data and at least half a decade, with readable numbers."""
    values = np.concatenate([np.asarray(each, dtype=float) for each in data])
    values = values[values > 0.0]
    low, high = float(values.min()), float(values.max())
    room = max(0.06 * np.log10(high / low), 0.5 * (0.5 - np.log10(high / low)))
    limits = (low / 10.0**room, high * 10.0**room)
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(*limits)
    decades = np.log10(limits[1] / limits[0])
    axis.set_major_locator(LogLocator(subs=_TICKS[0] if decades < 0.9 else _TICKS[1] if decades < 2.5 else _TICKS[2]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _finish(axes: Axes, lines: Series) -> None:
    if len(lines) > 1:
        axes.legend(loc="best")
    open_frame(axes)
