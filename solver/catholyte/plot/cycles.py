"""What a cycling test is looked at for: capacity and efficiency over cycles, and dQ/dV."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from catholyte.errors import InputError
from catholyte.evaluation.basis import Basis
from catholyte.evaluation.cycles import Cycle
from catholyte.evaluation.derivative import half_cycle_derivatives
from catholyte.plot.style import OKABE_ITO, REFERENCE, new_figure, open_frame, sequence, styled, typeset
from catholyte.results import Results

#: markers are drawn up to so many cycles
_MARKED = 60

_LEGEND_LINES = 6


def cycle_life(table: Sequence[Cycle], basis: Basis) -> Figure:
    """Draw capacities of charge and discharge and, below, the efficiencies against the number of the cycle."""
    numbers = [cycle.number for cycle in table]
    marker = "o" if len(numbers) <= _MARKED else ""
    with styled():
        figure = new_figure(4.6, 4.4)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[1.5, 1.0])
        for name, passages, colour, size, face in (
            ("Discharge", [cycle.discharge for cycle in table], OKABE_ITO["blue"], 4.0, None),
            ("Charge", [cycle.charge for cycle in table], OKABE_ITO["vermilion"], 6.5, "none"),
        ):
            values = [math.nan if each is None else basis.capacity(each.charge) for each in passages]
            if np.isfinite(values).any():
                line = ":" if face else "-"
                upper.plot(
                    numbers, values, f"{marker}{line}", color=colour, label=name, markersize=size, markerfacecolor=face
                )
        upper.set_ylim(bottom=0.0, top=1.08 * upper.dataLim.y1)
        upper.set_ylabel(f"Capacity ({typeset(basis.capacity_unit)})")
        upper.set_title(basis.words)
        upper.legend(loc="best")
        for name, values, colour in (
            ("Coulombic", [c.coulombic_efficiency for c in table], OKABE_ITO["black"]),
            ("Voltage", [c.voltage_efficiency for c in table], OKABE_ITO["sky"]),
            ("Energy", [c.energy_efficiency for c in table], OKABE_ITO["green"]),
        ):
            percent = 100.0 * np.array(values)
            if np.isfinite(percent).any():
                lower.plot(numbers, percent, f"{marker}-", color=colour, label=name, markersize=3.5)
        lower.axhline(100.0, color=REFERENCE, linewidth=0.6, zorder=0.5)
        lower.set_ylabel("Efficiency (%)")
        lower.set_xlabel("Cycle (–)")
        lower.margins(y=0.15)
        lower.xaxis.set_major_locator(MaxNLocator(integer=True))
        edge = 0.03 * max(numbers[-1] - 1, 1) + 0.2
        lower.set_xlim(numbers[0] - edge, numbers[-1] + edge)
        if lower.get_legend_handles_labels()[0]:
            lower.legend(loc="best", ncols=3)
        for axes in (upper, lower):
            open_frame(axes)
        figure.align_ylabels()
    return figure


def derivative_curves(
    results: Results, *, against: str = "cell", resolution: float = 2e-3, smoothing: float = 0.0
) -> Figure:
    """Draw dQ/dV of every half-cycle; that of a discharge is negative.

    Raises
    ------
    InputError
        If no half-cycle has a voltage that changes with charge.
    """
    curves = half_cycle_derivatives(results, against=against, resolution=resolution, smoothing=smoothing)
    if not curves:
        raise InputError("result", str(results.path), "a run with a charge or discharge that is not a hold")
    numbers = sorted({half.number for half, _ in curves})
    colours = dict(zip(numbers, sequence(len(numbers)), strict=True))
    with styled():
        figure = new_figure(4.6, 3.6)
        axes = figure.add_subplot()
        for half, curve in curves:
            axes.plot(curve.voltage, curve.dq_dv, color=colours[half.number], linewidth=1.1)
        axes.axhline(0.0, color="black", linewidth=0.6)
        axes.set_xlabel("Voltage vs Li/Li⁺ (V)" if against == "li" else "Cell voltage (V)")
        axes.set_ylabel("dQ/dV (mAh g⁻¹ V⁻¹)")
        axes.margins(x=0.02)
        signs = {half.sign for half, _ in curves}
        if len(signs) == 2:
            axes.text(0.02, 0.97, "charge", transform=axes.transAxes, va="top", color=REFERENCE)
            axes.text(0.02, 0.03, "discharge", transform=axes.transAxes, color=REFERENCE)
        if len(numbers) > 1:
            shown = np.unique(np.linspace(0, len(numbers) - 1, min(len(numbers), _LEGEND_LINES)).round().astype(int))
            lines = [Line2D([], [], color=colours[numbers[k]], label=f"Cycle {numbers[k]}") for k in shown]
            figure.legend(handles=lines, loc="outside right upper")
        open_frame(axes)
    return figure
