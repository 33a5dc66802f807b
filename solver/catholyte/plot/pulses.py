"""What titrations, pulses and interruptions give, against the state of charge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from catholyte.evaluation.gitt import GittPulse
from catholyte.evaluation.hppc import HppcPulse, ends_at
from catholyte.evaluation.interruption import Interruption
from catholyte.plot.style import OKABE_ITO, REFERENCE, new_figure, open_frame, sequence, styled

#: Ω m² in 1 Ω cm²
_OHM_CM2 = 1e-4

#: A s/m² in 1 mAh/cm²
_MAH_CM2 = 3.6e4


def titration(pulses: Sequence[GittPulse]) -> Figure:
    """Draw the apparent diffusivity and, below, the relaxed voltage against the lithiation.

    Where nothing intercalates, charge per area takes the place of the lithiation. Pulses for which a condition of the
    evaluation does not hold are drawn hollow.
    """
    lithium = all(np.isfinite(p.lithiation).all() for p in pulses)

    def state(pulse: GittPulse) -> tuple[float, float]:
        end = pulse.charge + pulse.current_density * pulse.duration
        return pulse.lithiation if lithium else (pulse.charge / _MAH_CM2, end / _MAH_CM2)

    with styled():
        figure = new_figure(4.4, 4.6)
        upper, lower = figure.subplots(2, 1, sharex=True)
        for sign, colour, name in ((1, OKABE_ITO["blue"], "Discharge"), (-1, OKABE_ITO["vermilion"], "Charge")):
            some = [p for p in pulses if sign * p.current_density > 0.0]
            if not some:
                continue
            states = [state(p) for p in some]
            x = np.array([0.5 * sum(pair) for pair in states])
            D = np.array([p.diffusivity for p in some])
            sound = np.array([not p.doubts for p in some])
            upper.plot(x, D, "-", color=colour, linewidth=0.8)
            upper.plot(x[sound], D[sound], "o", color=colour, markersize=4.0, label=name)
            upper.plot(x[~sound], D[~sound], "o", color=colour, markersize=4.0, markerfacecolor="white")
            ends = np.array(
                [[pair[0], p.relaxed[0]] for pair, p in zip(states, some, strict=True)]
                + [[states[-1][1], some[-1].relaxed[1]]]
            )
            lower.plot(*ends.T, "o-", color=colour, markersize=3.0, linewidth=0.8, label=name)
        upper.set_yscale("log")
        _decade(upper)
        upper.set_ylabel("Apparent diffusivity (m² s⁻¹)")
        lower.set_ylabel("Relaxed voltage\nvs Li/Li⁺ (V)")
        lower.set_xlabel("Lithiation x (–)" if lithium else "Charge passed, discharge positive (mAh cm⁻²)")
        lower.xaxis.set_major_locator(MaxNLocator(6))
        upper.margins(x=0.04)
        lower.margins(x=0.04, y=0.06)
        if any(p.doubts for p in pulses):
            upper.plot([], [], "o", color=REFERENCE, markersize=4.0, markerfacecolor="white", label="in doubt")
        upper.legend(loc="best")
        for axes in (upper, lower):
            open_frame(axes)
        figure.align_ylabels()
    return figure


def pulse_resistance(pulses: Sequence[HppcPulse], times: Sequence[float]) -> Figure:
    """Draw the resistance of HPPC pulses at several times; those of charge are dashed."""
    with styled():
        figure = new_figure(4.4, 3.4)
        axes = figure.add_subplot()
        named = [(f"{time:g} s", [p.resistances[k] for p in pulses]) for k, time in enumerate(times)]
        if not all(ends_at(p, times) for p in pulses):
            named.append(("end", [p.final for p in pulses]))
        named = [(name, values) for name, values in named if np.isfinite(values).any()]
        for (name, values), colour in zip(named, sequence(len(named)), strict=True):
            for direction, form, face in (("discharge", "o-", colour), ("charge", "o--", "white")):
                some = [k for k, p in enumerate(pulses) if p.direction == direction]
                axes.plot(
                    [100.0 * pulses[k].utilisation for k in some],
                    [values[k] / _OHM_CM2 for k in some],
                    form,
                    color=colour,
                    markerfacecolor=face,
                    markersize=4.0,
                    label=name if direction == "discharge" else None,
                )
        if {p.direction for p in pulses} == {"discharge", "charge"}:
            axes.plot([], [], "o--", color=REFERENCE, markerfacecolor="white", markersize=4.0, label="charge pulses")
        axes.set_xlabel("Utilisation (%)")
        axes.set_ylabel("Pulse resistance (Ω cm²)")
        axes.set_ylim(bottom=0.0, top=1.1 * axes.dataLim.y1)
        axes.margins(x=0.04)
        axes.legend(loc="best")
        open_frame(axes)
    return figure


def interruption_resistance(found: Sequence[Interruption]) -> Figure:
    """Draw the ohmic and the slow part of the resistance against the utilisation."""
    with styled():
        figure = new_figure(4.4, 3.2)
        axes = figure.add_subplot()
        at = [100.0 * each.utilisation for each in found]
        for label, values, colour in (
            ("At once (ohmic)", [each.ohmic for each in found], OKABE_ITO["orange"]),
            ("Slow, to the end of the rest", [each.slow for each in found], OKABE_ITO["green"]),
        ):
            axes.plot(at, np.array(values) / _OHM_CM2, "o-", color=colour, markersize=4.0, label=label)
        axes.set_xlabel("Utilisation (%)")
        axes.set_ylabel("Area resistance (Ω cm²)")
        axes.set_ylim(bottom=min(0.0, axes.dataLim.y0), top=1.1 * axes.dataLim.y1)
        axes.margins(x=0.04)
        axes.legend(loc="best")
        open_frame(axes)
    return figure


def _decade(axes: Axes) -> None:
    """Show at least one decade, so that a constant looks constant."""
    low, high = axes.dataLim.y0, axes.dataLim.y1
    if np.isfinite(low) and np.isfinite(high) and low > 0.0 and high < 10.0 * low:
        middle = (low * high) ** 0.5
        axes.set_ylim(middle / 10.0**0.6, middle * 10.0**0.6)
