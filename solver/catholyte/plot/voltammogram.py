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

    Two sweeps of opposite direction that follow one another have a colour.
    """
    voltage = results.curves["voltage"].to_numpy()
    current = -0.1 * results.curves["current_density"].to_numpy()
    pairs = (len(table) + 1) // 2
    colours = sequence(pairs)
    rates = {f"{1e3 * sweep.rate:.3g}" for sweep in table}
    with styled():
        figure = new_figure(4.4, 3.6)
        axes = figure.add_subplot()
        for k, sweep in enumerate(table):
            axes.plot(voltage[sweep.points], current[sweep.points], color=colours[k // 2])
            for peak in sweep.peaks[:1]:
                axes.plot(peak.voltage, 0.1 * peak.current_density, "o", color=colours[k // 2], markersize=3.5)
        axes.axhline(0.0, color="black", linewidth=0.6)
        axes.set_xlabel("Voltage vs Li/Li⁺ (V)")
        axes.set_ylabel("Current density (mA cm⁻²)")
        axes.margins(x=0.02, y=0.06)
        if pairs > 1:
            shown = np.unique(np.linspace(0, pairs - 1, min(pairs, _LEGEND_LINES)).round().astype(int))
            lines = []
            for k in shown:
                rate = f", {1e3 * table[2 * k].rate:.3g} mV s⁻¹" if len(rates) > 1 else ""
                lines.append(Line2D([], [], color=colours[k], label=f"Cycle {k + 1}{rate}"))
            axes.legend(handles=lines, loc="best")
        if len(rates) == 1:
            axes.set_title(f"{rates.pop()} mV s⁻¹")
        open_frame(axes)
    return figure
