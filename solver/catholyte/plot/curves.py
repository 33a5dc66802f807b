"""What a cycler records, and what it cannot: voltage, split of the polarisation, spread of lithiation.

Capacities are counted from the beginning of each half-cycle. Rests are left out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from catholyte.errors import InputError
from catholyte.evaluation.halfcycles import HalfCycle, capacity, current_text, half_cycles, per_gram
from catholyte.plot.stored import stores_lithium
from catholyte.plot.style import OKABE_ITO, REFERENCE, Colour, new_figure, open_frame, sequence, styled
from catholyte.results import Results
from catholyte.units import from_si

#: the losses from the bottom of the stack to its top: name -> (words, colour)
LOSSES: dict[str, tuple[str, str]] = {
    "loss_series": ("Series resistance", "#C9C9C9"),
    "loss_counter": ("Counter electrode", "#8F8F8F"),
    "loss_separator": ("Separator", OKABE_ITO["sky"]),
    "loss_ion": ("Ions in cathode", OKABE_ITO["blue"]),
    "loss_electron": ("Electrons (ohmic)", OKABE_ITO["orange"]),
    "loss_contact": ("Contacts", "#6A4C2A"),
    "loss_film": ("Interphase film", OKABE_ITO["purple"]),
    "loss_reaction": ("Charge transfer", OKABE_ITO["vermilion"]),
    "loss_diffusion": ("Li diffusion", OKABE_ITO["green"]),
    "loss_elements": ("Lumped elements", "#E3DCC8"),
    "loss_double_layer": ("Double layers", "#B9A3D0"),
    "loss_mixing": ("Uneven lithiation\n(mixing)", OKABE_ITO["yellow"]),
}

#: words for losses where species react in place of lithium
_SPECIES_WORDS = {"loss_diffusion": "Diffusion", "loss_mixing": "Uneven composition\n(mixing)"}

#: a loss that never exceeds this [V] is left out
_NOTHING = 1e-9

_CAPACITY = "Specific capacity (mAh g⁻¹)"
_LEGEND_LINES = 6

#: one mAh in units for electrodes of some µm and of some nm
_AREAL_UNITS = ((1.0, "mAh"), (1e3, "µAh"), (1e6, "nAh"))


def voltage_curve(results: Results) -> Figure:
    """Draw voltage against capacity: one line a half-cycle, dashed the equilibrium at the mean lithiation.

    Raises
    ------
    InputError
        If no charge has passed.
    """
    halves = _some_half_cycles(results)
    cycles = sorted({half.number for half in halves})
    colours = dict(zip(cycles, sequence(len(cycles)), strict=True))
    voltage = results.curves["voltage"].to_numpy()
    equilibrium = results.curves["equilibrium_voltage"].to_numpy()
    with styled():
        figure = new_figure(4.4, 3.4)
        axes = figure.add_subplot()
        thin = 0.9 if len(halves) < 3 else 0.5
        for half in halves:
            for part in half.parts:
                q = capacity(results, half, part)
                axes.plot(q, equilibrium[part], "--", color=REFERENCE, linewidth=thin, zorder=1.5)
                axes.plot(q, voltage[part], color=colours[half.number])
        _from_zero(axes)
        axes.set_xlabel(_CAPACITY)
        axes.set_ylabel("Voltage vs Li/Li⁺ (V)")
        _areal_axis(axes, results)
        _cell_axis(axes, results)
        mean = _line(f"Equilibrium at mean {'x' if stores_lithium(results) else 'composition'}", REFERENCE, "--")
        handles = [*_cycle_handles(results, halves, colours), mean]
        axes.legend(handles=handles, loc="best")
    return figure


def polarisation_split(results: Results, chosen: Sequence[int] | None = None) -> Figure:
    """Draw what the polarisation consists of, stacked, against capacity; the black line is the whole.

    On charge the signs are turned, so that a loss is positive in either direction. What is negative (uneven
    lithiation can be) is stacked downwards from zero, so that what is above less what is below is the whole.

    Parameters
    ----------
    results
        The run.
    chosen
        Which half-cycles to draw, from 0, a panel each; without it the first and last discharge and charge.

    Raises
    ------
    InputError
        If no charge has passed, or there is no such half-cycle.
    """
    halves = _some_half_cycles(results)
    if chosen is None:
        ends = [found for sign in (1, -1) if (found := [h for h in halves if h.sign == sign])]
        panels = [half for half in halves if any(half is found[0] or half is found[-1] for found in ends)]
    else:
        for index in chosen:
            if not 0 <= index < len(halves):
                raise InputError("chosen", index, f"a half-cycle from 0 to {len(halves) - 1}")
        panels = [halves[index] for index in chosen]
    points = np.concatenate([np.arange(part.start, part.stop) for half in panels for part in half.parts])
    present = [
        name
        for name in LOSSES
        if name in results.curves and _largest(results.curves[name].to_numpy()[points]) > _NOTHING
    ]
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    with styled():
        figure = new_figure(3.0 * columns + 1.9, 2.8 * rows + 0.3)
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, half in zip(grid, panels, strict=False):
            _stack_panel(axes, results, half, present)
        for axes in grid[len(panels) :]:
            axes.remove()
        lithium = stores_lithium(results)
        patches = [_loss_patch(name, lithium=lithium) for name in reversed(present)]
        figure.legend(handles=[_line("Total", "black"), *patches], loc="outside right upper", labelspacing=0.6)
    return figure


def lithiation_spread(results: Results) -> Figure:
    """Draw how evenly the active material is used: mean, 5-95 % band and standard deviation of x.

    Raises
    ------
    InputError
        If no charge has passed.
    """
    halves = _some_half_cycles(results)
    cycles = sorted({half.number for half in halves})
    colours = dict(zip(cycles, sequence(len(cycles)), strict=True))
    mean, std, low, high = (results.curves[f"lithiation{suffix}"].to_numpy() for suffix in ("", "_std", "_p05", "_p95"))
    with styled():
        figure = new_figure(4.4, 4.6)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[2.0, 1.0])
        for half in halves:
            colour = colours[half.number]
            for part in half.parts:
                q = capacity(results, half, part)
                if half.number in (cycles[0], cycles[-1]):
                    upper.fill_between(q, low[part], high[part], color=colour, alpha=0.25, linewidth=0.0)
                upper.plot(q, mean[part], color=colour)
                lower.plot(q, std[part], color=colour)
        upper.set_ylabel("Lithiation x (–)")
        lower.set_ylabel("Standard\ndeviation (–)")
        lower.set_xlabel(_CAPACITY)
        lower.set_ylim(bottom=0.0)
        _from_zero(lower)
        for axes in (upper, lower):
            open_frame(axes)
        band = Patch(color=REFERENCE, alpha=0.25, linewidth=0.0, label="5–95 % of the active material")
        handles = [*_cycle_handles(results, halves, colours), band]
        figure.legend(handles=handles, loc="outside upper center", ncols=1 if len(handles) < 3 else 2)
        figure.align_ylabels()
    return figure


def _some_half_cycles(results: Results) -> tuple[HalfCycle, ...]:
    halves = half_cycles(results)
    if not halves:
        raise InputError("result", str(results.path), "a run in which a charge or discharge has begun")
    return halves


def _from_zero(axes: Axes) -> None:
    """Let the capacity begin at the left edge, and the longest curve end a little before the right one."""
    axes.set_xlim(0.0, 1.03 * axes.dataLim.x1)


def _areal_axis(axes: Axes, results: Results) -> None:
    """Put the capacity per area of the cell on top, in a unit in which it is not all zeros."""
    factor = from_si(1.0, "mAh/cm**2", "areal capacity") / per_gram(results)
    largest = factor * axes.get_xlim()[1]
    scale, unit = next((each for each in _AREAL_UNITS if largest * each[0] >= 0.1), _AREAL_UNITS[-1])
    factor *= scale
    top = axes.secondary_xaxis("top", functions=(_scaled(factor), _scaled(1.0 / factor)))
    top.set_xlabel(f"Areal capacity ({unit} cm⁻²)")


def _cell_axis(axes: Axes, results: Results) -> None:
    """Put the voltage against the counter electrode on the right, unless that is lithium."""
    counter = float(results.provenance.get("counter_potential_V", 0.0))
    if counter == 0.0:
        return
    named = tomllib.loads(results.case_text).get("cell", {}).get("counter", "counter electrode")
    name = named.get("material", "counter electrode") if isinstance(named, dict) else str(named)
    right = axes.secondary_yaxis("right", functions=(_shifted(-counter), _shifted(counter)))
    right.set_ylabel(f"Cell voltage vs {name.replace('-', '–')} (V)")


def _scaled(factor: float) -> Callable[[Any], Any]:
    return lambda values: factor * values


def _shifted(offset: float) -> Callable[[Any], Any]:
    return lambda values: offset + values


def _cycle_handles(results: Results, halves: Sequence[HalfCycle], colours: dict[int, Colour]) -> list[Line2D]:
    """Return the legend: directions if there is one cycle, else cycles, the evenly spaced ones if many."""
    if len(colours) == 1:
        rates = {half.direction: current_text(results, half) for half in halves}
        if len(set(rates.values())) == 1:
            label = f"{' and '.join(rates).capitalize()}, {next(iter(rates.values()))}"
            return [_line(label, colours[halves[0].number])]
        return [_line(f"{half.direction}, {rates[half.direction]}", colours[half.number]) for half in halves]
    numbers = list(colours)
    shown = np.unique(np.linspace(0, len(numbers) - 1, min(len(numbers), _LEGEND_LINES)).round().astype(int))
    handles = []
    for number in (numbers[index] for index in shown):
        first = next(half for half in halves if half.number == number)
        handles.append(_line(f"Cycle {number}, {current_text(results, first)}", colours[number]))
    return handles


def _line(label: str, colour: Colour, style: Literal["-", "--"] = "-") -> Line2D:
    return Line2D([], [], color=colour, linestyle=style, linewidth=0.9 if style == "--" else 1.4, label=label)


def _loss_patch(name: str, *, lithium: bool) -> Patch:
    label, colour = LOSSES[name]
    if not lithium:
        label = _SPECIES_WORDS.get(name, label)
    return Patch(facecolor=colour, edgecolor="black", linewidth=0.3, label=label)


def _largest(values: NDArray[np.float64]) -> float:
    known = np.abs(values[np.isfinite(values)])
    return float(known.max()) if known.size else 0.0


def stack(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the inner and outer edges of stacked layers, those of either sign away from zero.

    Parameters
    ----------
    values
        Height of every layer, the innermost first: (layers, points).

    Returns
    -------
    inner, outer
        Both (2, layers, points); index 0 holds the positive parts, stacked upwards, and 1 the negative ones,
        stacked downwards. ``(outer - inner).sum(axis=0)`` is ``values``, also between the points, where both
        parts are linear.
    """
    parts = np.stack([np.maximum(values, 0.0), np.minimum(values, 0.0)])
    outer = np.cumsum(parts, axis=1)
    inner = np.concatenate([np.zeros_like(outer[:, :1]), outer[:, :-1]], axis=1)
    return inner, outer


def _stack_panel(axes: Axes, results: Results, half: HalfCycle, present: Sequence[str]) -> None:
    to_mV = 1e3 * half.sign
    curves = results.curves
    drawn: list[NDArray[np.floating]] = []
    for part in half.parts:
        total = to_mV * curves["loss_total"].to_numpy()[part]
        layers = np.array([to_mV * curves[name].to_numpy()[part] for name in present])
        known = np.isfinite(total) & np.isfinite(layers).all(axis=0)
        q = capacity(results, half, part)[known]
        inner, outer = stack(layers[:, known])
        for index, name in enumerate(present):
            colour = LOSSES[name][1]
            for low, high in zip(inner[:, index], outer[:, index], strict=True):
                if (low != high).any():
                    axes.fill_between(
                        q, low, high, facecolor=colour, edgecolor=colour, linewidth=0.2, label=name, zorder=1
                    )
        axes.plot(q, total[known], color="black", linewidth=1.2)
        drawn.append(np.stack([q, total[known]]))
    axes.axhline(0.0, color="black", linewidth=0.6)
    _from_zero(axes)
    _cut_knee(axes, np.concatenate(drawn, axis=1))
    axes.set_xlabel(_CAPACITY)
    axes.set_ylabel("Polarisation (mV)")
    axes.set_title(f"{half.direction} {half.number}, {current_text(results, half, density=True)}")
    open_frame(axes)


def _cut_knee(axes: Axes, curve: NDArray[np.floating]) -> None:
    """Cut the axis above what the first 90 % of the capacity need, if the end would dwarf it, and say so."""
    q, total = curve
    if q.size < 3:
        return
    usual, highest = float(total[q <= 0.9 * q.max()].max()), float(total.max())
    if usual > 0.0 and highest > 4.0 * usual:
        axes.set_ylim(max(axes.get_ylim()[0], -0.2 * usual), 2.0 * usual)
        crossing = float(q[np.argmax(total > 2.0 * usual)])
        axes.annotate(
            f"to {highest:.0f} mV ", (crossing, 2.0 * usual), (-6, -2), textcoords="offset points", ha="right", va="top"
        )
