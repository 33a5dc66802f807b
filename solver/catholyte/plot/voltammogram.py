"""Current against voltage of a cyclic voltammetry."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from catholyte.evaluation.voltammetry import Sweep
from catholyte.plot.style import new_figure, open_frame, sequence, styled
from catholyte.results import Results

_LEGEND_LINES = 6


def voltammogram(results: Results, table: Sequence[Sweep]) -> Figure:
    """Draw the current density, oxidation positive, of every sweep; the highest peak of each is marked.

    Each cycle of the protocol has a colour; if all sweeps belong to one, every two of them have.
    """
    voltage = results.curves["voltage"].to_numpy()
    current = -0.1 * results.curves["current_density"].to_numpy()
    cycles = sorted({sweep.cycle for sweep in table})
    groups = [k // 2 if len(cycles) == 1 else cycles.index(sweep.cycle) for k, sweep in enumerate(table)]
    colours = sequence(groups[-1] + 1)
    rates = {f"{1e3 * sweep.rate:.3g}" for sweep in table}
    with styled():
        figure = new_figure(4.4, 3.6)
        axes = figure.add_subplot()
        for group, sweep in zip(groups, table, strict=True):
            axes.plot(voltage[sweep.points], current[sweep.points], color=colours[group])
            for peak in sweep.peaks[:1]:
                axes.plot(peak.voltage, 0.1 * peak.current_density, "o", color=colours[group], markersize=3.5)
        axes.axhline(0.0, color="black", linewidth=0.6)
        axes.set_xlabel("Voltage vs Li/Li⁺ (V)")
        axes.set_ylabel("Current density (mA cm⁻²)")
        axes.margins(x=0.02, y=0.06)
        if len(colours) > 1:
            shown = np.linspace(0, len(colours) - 1, min(len(colours), _LEGEND_LINES)).round().astype(int)
            lines = []
            for k in np.unique(shown).tolist():
                first = table[groups.index(k)]
                rate = f", {1e3 * first.rate:.3g} mV s⁻¹" if len(rates) > 1 else ""
                lines.append(Line2D([], [], color=colours[k], label=f"Cycle {k + 1}{rate}"))
            axes.legend(handles=lines, loc="best")
        if len(rates) == 1:
            axes.set_title(f"{rates.pop()} mV s⁻¹")
        open_frame(axes)
    return figure
