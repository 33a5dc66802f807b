"""Computed and measured curves over each other, and their difference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from catholyte.evaluation.basis import Basis
from catholyte.evaluation.comparison import Comparison, Distance
from catholyte.plot.style import OKABE_ITO, REFERENCE, new_figure, open_frame, styled, typeset

Curve = NDArray[np.float64]

_COLOURS = {1: OKABE_ITO["blue"], -1: OKABE_ITO["vermilion"]}
_PLACES = 400
_HOUR = 3600.0


def capacity_overlay(found: Sequence[Comparison], basis: Basis, *, against: str) -> Figure:
    """Draw voltage against capacity of every pair of half-cycles, and computed less measured below."""
    with styled():
        figure, upper, lower = _panels()
        for each in found:
            colour = _COLOURS[each.computed.sign]
            q, q_measured = (basis.capacity(1.0) * branch.capacity for branch in (each.computed, each.measured))
            name = each.computed.direction
            _pair(upper, q, each.computed.voltage, q_measured, each.measured.voltage, colour, name)
            scale = basis.capacity(1.0)
            span = (scale * each.distance.first, scale * each.distance.last)
            _difference(lower, q, each.computed.voltage, q_measured, each.measured.voltage, colour, span)
        _finish(figure, upper, lower, against)
        lower.set_xlabel(f"Capacity ({typeset(basis.capacity_unit)})")
    return figure


def time_overlay(
    time: Curve, voltage: Curve, measured_time: Curve, measured: Curve, distance: Distance, *, against: str
) -> Figure:
    """Draw voltage against time, and computed less measured below."""
    with styled():
        figure, upper, lower = _panels()
        t, t_measured, colour = time / _HOUR, measured_time / _HOUR, _COLOURS[1]
        _pair(upper, t, voltage, t_measured, measured, colour, "Computed")
        span = (distance.first / _HOUR, distance.last / _HOUR)
        _difference(lower, t, voltage, t_measured, measured, colour, span)
        _finish(figure, upper, lower, against)
        lower.set_xlabel("Time (h)")
    return figure


def _panels() -> tuple[Figure, Axes, Axes]:
    figure = new_figure(4.6, 4.6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[2.4, 1.0])
    return figure, upper, lower


def _pair(axes: Axes, x: Curve, V: Curve, x_measured: Curve, V_measured: Curve, colour: str, name: str) -> None:
    every = max(x_measured.size // 60, 1)
    axes.plot(x_measured, V_measured, color=REFERENCE, linewidth=0.6, zorder=1.5)
    axes.plot(
        x_measured[::every], V_measured[::every], "o", color=colour, markerfacecolor="white", markersize=3.0, zorder=1.6
    )
    axes.plot(x, V, color=colour, label=name, zorder=2.0)


def _difference(
    axes: Axes, x: Curve, V: Curve, x_measured: Curve, V_measured: Curve, colour: str, span: tuple[float, float]
) -> None:
    places = np.linspace(*span, _PLACES)
    apart = 1e3 * (np.interp(places, x, V) - np.interp(places, x_measured, V_measured))
    axes.plot(places, apart, color=colour, linewidth=1.1)


def _finish(figure: Figure, upper: Axes, lower: Axes, against: str) -> None:
    measured = Line2D([], [], linestyle="", marker="o", color=REFERENCE, markerfacecolor="white", label="Measured")
    measured.set_markersize(3.0)
    computed = {str(line.get_label()): line for line in upper.lines if not str(line.get_label()).startswith("_")}
    figure.legend(handles=[*computed.values(), measured], loc="outside upper center", ncols=3)
    upper.set_ylabel("Voltage vs Li/Li⁺ (V)" if against == "li" else "Cell voltage (V)")
    lower.set_ylabel("Computed less\nmeasured (mV)")
    lower.axhline(0.0, color="black", linewidth=0.6)
    lower.set_xlim(0.0, 1.03 * max(upper.dataLim.x1, lower.dataLim.x1))
    upper.margins(y=0.05)
    for axes in (upper, lower):
        open_frame(axes)
    figure.align_ylabels()
